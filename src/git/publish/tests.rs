use std::fs;

use super::*;
use crate::git::commit::{self, NewCommit};
use crate::git::sign::Signing;
use crate::git::transport::callers::Noting;
use crate::model::author::Signature;
use crate::model::tree::{File, Tree, TreePath};

fn made(folder: &Path) -> String {
    let mut tree = Tree::new();
    let file = File::plain(b"# x\n".to_vec());
    tree.insert(TreePath::new("README.md").expect("a path"), file).expect("new");
    fs::write(folder.join("README.md"), "# x\n").expect("written");
    let author = Signature { name: "A".to_owned(), email: "a@b.c".to_owned(), seconds: 1 };
    commit::first_commit(folder, &tree, &NewCommit { author, message: "one".to_owned(), signing: Signing::No })
        .expect("a commit")
}

fn publish(request: &Publish) -> Result<(), PublishError> {
    super::publish(request, &Noting::default())
}

/// A repository with its first commit, and an empty one beside it, reached over ssh, where real git listens.
#[cfg(unix)]
struct Pair {
    place: tempfile::TempDir,
    bare: Repository,
    request: Publish,
    commit: String,
}

#[cfg(unix)]
impl Pair {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let (here, there) = (place.path().join("here"), place.path().join("there"));
        fs::create_dir(&here).expect("made");
        let commit = made(&here);
        let bare = Repository::init_bare(&there).expect("a repository");
        let mut config = bare.config().expect("a configuration");
        config.set_bool("receive.fsckObjects", true).expect("set");
        // Packs are kept as they come, however small.
        config.set_i32("receive.unpackLimit", 1).expect("set");
        let ssh_command = Some(r#"sh -c 'eval "$2"' loopback"#.to_owned());
        let network = Network { ssh_command, ..Network::default() };
        let request = Publish { folder: here, url: format!("ssh://me@h{}", there.display()), network };
        Self { place, bare, request, commit }
    }

    fn here(&self) -> Repository {
        Repository::open(&self.request.folder).expect("a repository")
    }

    /// What git says when it is run on a repository.
    fn git(&self, repository: &Repository, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@b.c"]).args(arguments);
        let output = command.current_dir(repository.path()).env("HOME", self.place.path()).output().expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let hook = self.bare.path().join("hooks").join(name);
        fs::write(&hook, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// Where the references are that were pushed.
    fn arrived(&self) -> [Option<String>; 2] {
        REFERENCES.map(|name| self.bare.refname_to_id(name).ok().map(|id| id.to_string()))
    }

    fn all_arrived(&self) -> bool {
        self.arrived().iter().all(|id| id.as_deref() == Some(&self.commit))
    }
}

/// What somebody does to the repository before it is pushed.
#[cfg(unix)]
type Change = fn(&Pair);

/// Name and bytes of each pack.
#[cfg(unix)]
fn packs(repository: &Repository) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let files = fs::read_dir(repository.path().join("objects/pack")).expect("packs");
    let packs = files.map(|file| file.expect("a file").path()).filter(|path| path.extension() == Some("pack".as_ref()));
    packs.map(|path| (path.file_name().expect("a name").to_owned(), fs::read(&path).expect("read"))).collect()
}

#[cfg(unix)]
#[test]
fn the_pack_that_was_written_is_the_one_that_arrives() {
    let pair = Pair::new();
    let pushes = pair.place.path().join("pushes");
    pair.hook("post-receive", &format!("cat >> '{}'", pushes.display()));
    publish(&pair.request).expect("pushed");
    assert!(pair.all_arrived());
    assert_eq!(packs(&pair.bare), packs(&pair.here()));
    assert_eq!(pair.git(&pair.bare, &["fsck", "--strict", "--full"]), "");

    publish(&pair.request).expect("nothing to do");
    assert_eq!(fs::read_to_string(&pushes).expect("pushes").lines().count(), 2, "nothing was sent again");
    pair.bare.find_reference(REFERENCES[0]).and_then(|mut main| main.delete()).expect("deleted");
    publish(&pair.request).expect("pushed");
    assert!(pair.all_arrived());
    let pushed = fs::read_to_string(&pushes).expect("pushes");
    assert!(
        pushed.lines().count() == 3 && pushed.ends_with("refs/heads/main\n"),
        "what is there is left out: {pushed}"
    );
}

#[cfg(unix)]
#[test]
fn a_published_repository_follows_its_origin() {
    let pair = Pair::new();
    let Publish { folder, url, .. } = &pair.request;
    for _ in 0..2 {
        connect(folder, url).expect("connected");
    }
    let local = pair.here();
    let branch = local.find_branch("main", git2::BranchType::Local).expect("main");
    assert_eq!(branch.upstream().expect("an upstream").name().expect("a name"), Some("origin/main"));
    assert_eq!(origin(folder).as_ref(), Some(url));
}

#[cfg(unix)]
#[test]
fn a_branch_brings_only_what_is_new_and_is_never_overwritten() {
    let pair = Pair::new();
    publish(&pair.request).expect("pushed");
    let here = pair.here();
    fs::write(pair.request.folder.join("new.txt"), "new\n").expect("written");
    pair.git(&here, &["--work-tree=..", "add", "-A"]);
    let tree = pair.git(&here, &["write-tree"]);
    let next = |message| pair.git(&here, &["commit-tree", "-p", &pair.commit, "-m", message, &tree]);
    let (next, other) = (next("two"), next("three"));
    // As in a shallow copy: nothing but the parent itself is needed.
    push_branch(&pair.request, "more", &next, &Noting::default()).expect("pushed");
    assert_eq!(pair.git(&pair.bare, &["rev-parse", "refs/heads/more"]), next);
    let objects = |pack: &[u8]| u32::from_be_bytes([pack[8], pack[9], pack[10], pack[11]]);
    let mut sent: Vec<u32> = packs(&pair.bare).iter().map(|(_, pack)| objects(pack)).collect();
    sent.sort_unstable();
    assert_eq!(sent, [3, 3], "commit, folder and file, twice: what was there was not sent again");
    assert_eq!(pair.git(&pair.bare, &["fsck", "--strict", "--full"]), "");
    push_branch(&pair.request, "more", &next, &Noting::default()).expect("nothing to do");
    let refused = push_branch(&pair.request, "more", &other, &Noting::default()).expect_err("another commit");
    assert!(matches!(refused, PublishError::Other { .. }), "{refused:?}");
    assert_eq!(pair.git(&pair.bare, &["rev-parse", "refs/heads/more"]), next);
}

#[cfg(unix)]
#[test]
fn a_commit_that_is_there_already_is_not_overwritten_and_nothing_is_put_beside_it() {
    let pair = Pair::new();
    let author = git2::Signature::now("B", "b@c.d").expect("a signature");
    let tree = pair.bare.treebuilder(None).and_then(|builder| builder.write()).expect("a tree");
    let tree = pair.bare.find_tree(tree).expect("the tree");
    let other = pair.bare.commit(Some(REFERENCES[0]), &author, &author, "two", &tree, &[]).expect("a commit");
    let refused = publish(&pair.request).expect_err("other commits");
    assert!(matches!(refused, PublishError::Other { .. }), "{refused:?}");
    assert_eq!(pair.arrived(), [Some(other.to_string()), None]);
}

#[cfg(unix)]
#[test]
fn whatever_has_come_to_the_repository_since_what_the_commits_need_arrives_and_nothing_else() {
    let changes: [(_, Change); 5] = [
        ("a loose object", |pair| {
            pair.here().blob(b"more").expect("written");
        }),
        ("another commit", |pair| {
            let next = pair.git(&pair.here(), &["commit-tree", "-p", "HEAD", "-m", "x", "HEAD^{tree}"]);
            pair.git(&pair.here(), &["update-ref", "refs/heads/main", &next]);
        }),
        ("packed by git", |pair| drop(pair.git(&pair.here(), &["gc", "--quiet"]))),
        ("packed with what nobody needs", |pair| {
            let blob = pair.here().blob(b"a secret that was never committed").expect("written");
            pair.git(&pair.here(), &["update-ref", "refs/tags/kept", &blob.to_string()]);
            pair.git(&pair.here(), &["-c", "pack.writeReverseIndex=false", "repack", "-adq"]);
            fs::remove_dir_all(pair.here().path().join("objects/info")).expect("removed");
        }),
        ("another folder of objects", |pair| {
            let info = pair.here().path().join("objects/info");
            fs::create_dir(&info).expect("made");
            fs::write(info.join("alternates"), pair.bare.path().join("objects").display().to_string())
                .expect("written");
        }),
    ];
    for (what, change) in changes {
        let pair = Pair::new();
        change(&pair);
        publish(&pair.request).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let local = REFERENCES.map(|name| pair.here().refname_to_id(name).ok().map(|id| id.to_string()));
        assert_eq!(pair.arrived(), local, "{what}");
        let secret = git2::Oid::hash_object(git2::ObjectType::Blob, b"a secret that was never committed");
        assert!(pair.bare.find_blob(secret.expect("an id")).is_err(), "{what}: only what the commit needs is pushed");
    }
}

#[cfg(unix)]
#[test]
fn a_base_of_an_earlier_version_is_pushed_under_its_own_name() {
    let pair = Pair::new();
    let old = "refs/apiscaffold/base";
    pair.git(&pair.here(), &["update-ref", "-d", FIRST_BASE]);
    pair.git(&pair.here(), &["update-ref", old, MAIN]);
    for what in ["pushed", "nothing to do"] {
        publish(&pair.request).expect(what);
        assert_eq!(pair.bare.refname_to_id(old).expect("there").to_string(), pair.commit);
        assert_eq!(pair.arrived(), [Some(pair.commit.clone()), None]);
    }
    assert_eq!(packs(&pair.bare), packs(&pair.here()), "as it was written");
}

#[cfg(unix)]
#[test]
fn what_a_hook_says_is_reported() {
    let pair = Pair::new();
    pair.hook("pre-receive", "echo 'GH013: not on a Monday' >&2; exit 1");
    let refused = publish(&pair.request).expect_err("a hook");
    let PublishError::Refused { reference, reason, .. } = &refused else { panic!("{refused:?}") };
    assert!(REFERENCES.contains(&reference.as_str()), "{reference}");
    assert!(reason.contains("GH013: not on a Monday"), "{reason}");
}

#[cfg(unix)]
#[test]
fn a_reference_that_is_refused_is_named_and_comes_later_whether_or_not_the_other_came_along() {
    for atomic in [true, false] {
        let pair = Pair::new();
        pair.bare.config().and_then(|mut config| config.set_bool("receive.advertiseAtomic", atomic)).expect("set");
        pair.hook("update", "case $1 in refs/apiscaffold/*) echo 'GH013: no such names' >&2; exit 1 ;; esac");
        let refused = publish(&pair.request).expect_err("a hook");
        let PublishError::Refused { reference, reason, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(reference, REFERENCES[1]);
        assert!(reason.contains("hook declined") && reason.contains("GH013: no such names"), "{reason}");
        assert_eq!(pair.arrived(), [(!atomic).then(|| pair.commit.clone()), None]);
        fs::remove_file(pair.bare.path().join("hooks/update")).expect("removed");
        publish(&pair.request).expect("pushed");
        assert!(pair.all_arrived());
    }
}

#[test]
fn a_password_in_a_url_is_refused_and_not_shown_and_nothing_is_pushed_to_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    made(folder.path());
    let request =
        |url: &str| Publish { folder: folder.path().to_owned(), url: url.to_owned(), network: Network::default() };
    for url in ["https://me:pw@h/r", "ext::sh -c x://", "file:///pw", "/pw"] {
        let error = publish(&request(url)).expect_err("refused");
        assert!(matches!(error, PublishError::Url(_)) && !error.to_string().contains("me:pw"), "{error:?}");
    }
}
