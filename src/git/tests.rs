//! Commits and trees against the real `git`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use tempfile::TempDir;

use super::GitError;
use super::commit::{NewCommit, configured_identity, first_commit, tree_id};
use super::read::{self, tree_at};
use super::sign::Signing;
use crate::error::{Blame as _, Fault};
use crate::model::author::Signature;
use crate::model::tree::{File, Tree, TreePath};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// `git` that knows nothing of this machine's configuration.
fn run(at: &Path, arguments: &[&str]) -> Output {
    let author = [("GIT_AUTHOR_NAME", "T"), ("GIT_AUTHOR_EMAIL", "t@x"), ("GIT_COMMITTER_NAME", "T")];
    Command::new("git")
        .args(arguments)
        .current_dir(at)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(author)
        .envs([("GIT_COMMITTER_EMAIL", "t@x"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .env("HOME", at)
        .output()
        .expect("git runs")
}

fn git(at: &Path, arguments: &[&str]) -> String {
    let output = run(at, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text.trim_end().to_owned()
}

fn tree(files: &[(&str, &[u8], bool)]) -> Tree {
    let mut tree = Tree::new();
    for (path, bytes, executable) in files {
        let file = File { bytes: bytes.to_vec().into(), executable: *executable };
        tree.insert(TreePath::new(*path).expect("a path"), file).expect("new");
    }
    tree
}

fn sample() -> Tree {
    let long = format!("deep/{}", ["n".repeat(200).as_str(); 30].join("/"));
    let many = "line\n".repeat(20_000);
    tree(&[
        ("README.md", b"# it\n", false),
        ("bin/run", b"#!/bin/sh\n", true),
        ("bin/copy", b"#!/bin/sh\n", false),
        ("empty", b"", false),
        ("big.txt", many.as_bytes(), false),
        ("binary", &[0, 255, 13, 10, 0], false),
        (&long[..3000], b"far down", false),
        ("\u{fc}nicode/\u{65e5}\u{672c}", b"x", false),
    ])
}

fn write(folder: &Path, tree: &Tree) {
    for (path, file) in tree.iter() {
        let path = folder.join(path.as_str());
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, &file.bytes).expect("written");
        #[cfg(unix)]
        if file.executable {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        }
    }
}

fn words() -> NewCommit {
    let author = Signature { name: "A. Producer".into(), email: "a@example.org".into(), seconds: 1_700_000_000 };
    NewCommit { author, message: "Begin `x`\n\nFrom a template.\n".into(), signing: Signing::No }
}

/// A work tree with its first commit.
fn committed(tree: &Tree) -> TempDir {
    let folder = folder();
    write(folder.path(), tree);
    first_commit(folder.path(), tree, &words()).expect("committed");
    folder
}

#[test]
fn git_finds_nothing_wrong_with_the_repository() {
    let folder = committed(&sample());
    let at = folder.path();
    assert_eq!(git(at, &["fsck", "--strict", "--full", "--no-dangling"]), "");
    assert_eq!(git(at, &["status", "--porcelain"]), "");
    assert_eq!(git(at, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(git(at, &["rev-parse", "refs/apiscaffold/base/1"]), git(at, &["rev-parse", "main"]));
    assert_eq!(
        git(at, &["log", "--format=%an|%ae|%cn|%at|%ai|%B"]).trim_end(),
        "A. Producer|a@example.org|A. Producer|1700000000|2023-11-14 22:13:20 +0000|Begin `x`\n\nFrom a template."
    );
    assert_eq!(
        git(at, &["reflog", "--format=%gd %gs"]),
        "main@{0} commit (initial): Begin `x`".replace("main", "HEAD")
    );
    assert_eq!(git(at, &["reflog", "main", "--format=%gs"]), "commit (initial): Begin `x`");
    assert_eq!(git(at, &["ls-files", "-s", "bin/run"])[..6], *"100755");
    // One blob for two equal files, and no object twice: 7 blobs, 1 commit, folders.
    let trees = git(at, &["ls-tree", "-rdt", "HEAD"]).lines().count() + 1;
    let counted = git(at, &["count-objects", "-v"]);
    assert!(counted.contains("count: 0\n") && counted.contains(&format!("in-pack: {}\n", 8 + trees)), "{counted}");
}

#[test]
fn the_index_is_the_one_git_would_write() {
    let folder = committed(&sample());
    let debug = git(folder.path(), &["ls-files", "--debug", "-s", "-z"]);
    fs::remove_file(folder.path().join(".git/index")).expect("removed");
    git(folder.path(), &["add", "-A"]);
    assert_eq!(git(folder.path(), &["ls-files", "--debug", "-s", "-z"]), debug);
}

#[cfg(unix)]
#[test]
fn git_trusts_the_index_and_reads_no_file_again() {
    use std::time::{Duration, SystemTime};
    let folder = folder();
    let tree = tree(&[("a", b"one", false)]);
    write(folder.path(), &tree);
    let path = folder.path().join("a");
    // Older than the index, so that git need not fear a change within the same second.
    let then = SystemTime::now() - Duration::from_secs(60);
    let set = || fs::File::options().write(true).open(&path).expect("open").set_modified(then).expect("set");
    set();
    first_commit(folder.path(), &tree, &words()).expect("committed");
    fs::write(&path, b"two").expect("written");
    set();
    // Whoever read the file would see the change.
    assert_eq!(git(folder.path(), &["-c", "core.trustctime=false", "status", "--porcelain"]), "");
}

#[test]
fn work_goes_on_with_git_and_git2() {
    let folder = committed(&sample());
    let at = folder.path();
    fs::write(at.join("README.md"), "# more\n").expect("written");
    git(at, &["commit", "-qam", "second"]);
    git(at, &["gc", "-q"]);
    git(at, &["fsck", "--strict"]);
    let clone = self::folder();
    git(clone.path(), &["clone", "-q", at.to_str().expect("text"), "c"]);
    assert_eq!(git(&clone.path().join("c"), &["log", "--format=%s"]), "second\nBegin `x`");
    let repository = git2::Repository::open(at).expect("opened");
    assert!(repository.statuses(None).expect("listed").is_empty());
}

#[test]
fn the_same_tree_and_words_give_the_same_commit_and_others_do_not() {
    let id = |tree: &Tree, words: &NewCommit| {
        let folder = folder();
        write(folder.path(), tree);
        first_commit(folder.path(), tree, words).expect("committed")
    };
    let first = id(&sample(), &words());
    assert_eq!(first, id(&sample(), &words()));
    let mut later = words();
    later.author.seconds += 1;
    assert_ne!(first, id(&sample(), &later));
}

#[test]
fn an_empty_tree_is_a_commit_too() {
    let folder = committed(&Tree::new());
    assert_eq!(git(folder.path(), &["fsck", "--strict"]), "");
    assert_eq!(git(folder.path(), &["status", "--porcelain"]), "");
    assert_eq!(tree_at(folder.path(), None, None).expect("read").0, Tree::new());
    assert_eq!(tree_id(&Tree::new()), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
}

#[test]
fn words_that_would_break_a_commit_are_cleaned() {
    let folder = folder();
    let author = Signature { name: "<Eve>\nauthor".into(), email: "e>\0@x".into(), seconds: -5 };
    let commit = NewCommit { author, message: "a\0b".into(), signing: Signing::No };
    first_commit(folder.path(), &Tree::new(), &commit).expect("committed");
    assert_eq!(git(folder.path(), &["fsck", "--strict"]), "");
    assert_eq!(git(folder.path(), &["log", "--format=%an|%ae|%at|%s"]), "Eveauthor|e@x|0|ab");
}

#[test]
fn the_newest_base_is_found_whatever_its_name() {
    let folder = committed(&sample());
    let at = folder.path();
    let base = |at: &Path| read::base(at).expect("read");
    let git = |arguments: &[&str]| drop(self::git(at, arguments));
    assert_eq!(base(at).as_deref(), Some("refs/apiscaffold/base/1"));
    assert_eq!(tree_at(at, Some("refs/apiscaffold/base/1"), None).expect("read").0, sample());
    for revision in ["2", "10", "9"] {
        git(&["update-ref", &format!("refs/apiscaffold/base/{revision}"), "main"]);
    }
    assert_eq!(base(at).as_deref(), Some("refs/apiscaffold/base/10"));
    git(&["pack-refs", "--all"]);
    assert_eq!(base(at).as_deref(), Some("refs/apiscaffold/base/10"));
    for revision in ["1", "2", "10", "9"] {
        git(&["update-ref", "-d", &format!("refs/apiscaffold/base/{revision}")]);
    }
    assert_eq!(base(at), None);
    git(&["update-ref", "refs/apiscaffold/base", "main"]);
    assert_eq!(base(at).as_deref(), Some("refs/apiscaffold/base"));
    assert_eq!((base(&at.join("bin")), base(&at.join("gone"))), (None, None));
}

#[test]
fn what_is_in_the_way_or_missing_is_told_with_its_path() {
    let folder = committed(&sample());
    let error = first_commit(folder.path(), &sample(), &words()).expect_err("a repository is there");
    assert_eq!(error.fault(), Fault::Conflict);
    assert!(error.to_string().contains(".git"), "{error}");
    let empty = self::folder();
    let error = first_commit(empty.path(), &sample(), &words()).expect_err("no files");
    assert!(matches!(&error, GitError::Look { path, .. } if path.starts_with(empty.path())), "{error}");
    let error = first_commit(&empty.path().join("gone"), &sample(), &words()).expect_err("no folder");
    assert_eq!(error.fault(), Fault::Environment);
}

#[test]
fn a_full_or_read_only_disk_is_the_environments_fault() {
    for kind in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::ReadOnlyFilesystem] {
        let error = GitError::Write { path: "x".into(), source: kind.into() };
        assert_eq!(error.fault(), Fault::Environment);
        assert!(error.hint().is_some());
    }
}

#[test]
fn any_name_of_a_commit_finds_its_files() {
    let folder = committed(&sample());
    let at = folder.path();
    let first = git(at, &["rev-parse", "HEAD"]);
    git(at, &["tag", "-a", "v1.0.0", "-m", "one"]);
    git(at, &["branch", "side"]);
    git(at, &["rm", "-qr", "bin"]);
    git(at, &["commit", "-qm", "second"]);
    for name in ["v1.0.0", "side", &first, &first[..8], "refs/apiscaffold/base/1"] {
        assert_eq!(tree_at(at, Some(name), None).expect(name), (sample(), first.clone()), "{name}");
    }
    let (head, second) = tree_at(at, None, None).expect("read");
    assert!(head.get("bin/run").is_none() && second != first);
    let bare = self::folder();
    git(bare.path(), &["clone", "-q", "--bare", at.to_str().expect("text"), "b.git"]);
    for folder in ["bin", "bin/", "./bin"] {
        let (below, _) = tree_at(&bare.path().join("b.git"), Some("v1.0.0"), Some(folder)).expect("read");
        assert_eq!(below, sample().subtree("bin"), "{folder}");
    }
}

#[test]
fn what_cannot_be_found_is_the_users_to_mend() {
    let folder = committed(&sample());
    let at = folder.path();
    git(at, &["tag", "v1.0.0"]);
    let fails = |revision, below| tree_at(at, revision, below).expect_err("not there");
    let error = fails(Some("v1.0.1"), None);
    assert_eq!((error.fault(), error.hint()), (Fault::Input, Some("did you mean `v1.0.0`?".to_owned())));
    for revision in ["", "no-such-thing", "HEAD^{tree}", "main:README.md", "a b", "\0", "0123456789"] {
        assert_eq!(fails(Some(revision), None).fault(), Fault::Input, "{revision:?}");
    }
    for below in ["nowhere", "README.md", "bin/run", "../bin", "bin/nothing"] {
        assert!(matches!(fails(None, Some(below)), GitError::UnknownFolder { .. }), "{below}");
    }
    let no_repository = tree_at(&at.join("bin"), None, None).expect_err("a folder within");
    assert!(matches!(no_repository, GitError::NotARepository { .. }));
    let fresh = self::folder();
    git(fresh.path(), &["init", "-q"]);
    let empty = tree_at(fresh.path(), None, None).expect_err("no commit");
    assert!(matches!(empty, GitError::NoCommit { .. }), "{empty:?}");
}

/// Adds an entry that is no plain file to the index and commits it.
fn with_entry(mode: &str, path: &str) -> TempDir {
    let folder = committed(&sample());
    let at = folder.path();
    let id = git(at, &["rev-parse", if mode == "160000" { "HEAD" } else { "HEAD:empty" }]);
    git(at, &["-c", "core.protectNTFS=false", "update-index", "--add", "--cacheinfo", &format!("{mode},{id},{path}")]);
    git(at, &["commit", "-qm", "odd"]);
    folder
}

#[test]
fn links_submodules_and_unsafe_paths_are_the_templates_fault() {
    for (mode, path) in [("120000", "odd/link"), ("160000", "odd/module"), ("100644", "odd/a\\b")] {
        let folder = with_entry(mode, path);
        let error = tree_at(folder.path(), None, None).expect_err(path);
        assert_eq!(error.fault(), Fault::Template);
        assert!(error.to_string().contains(&path.escape_debug().to_string()), "{error}");
        assert_eq!(tree_at(folder.path(), None, Some("bin")).expect("not below").0, sample().subtree("bin"));
    }
}

#[test]
fn objects_that_multiply_without_end_are_refused() {
    let folder = folder();
    git(folder.path(), &["init", "-q"]);
    let repository = git2::Repository::open(folder.path()).expect("opened");
    let nested = |leaf: git2::Oid, width: usize, depth: usize| {
        let mut id = leaf;
        for _ in 0..depth {
            let mut builder = repository.treebuilder(None).expect("a builder");
            for name in 0..width {
                builder.insert(format!("folder-{name}"), id, 0o040_000).expect("added");
            }
            id = builder.write().expect("written");
        }
        let who = git2::Signature::new("T", "t@x", &git2::Time::new(0, 0)).expect("a signature");
        let tree = repository.find_tree(id).expect("found");
        repository.commit(None, &who, &who, "m", &tree, &[]).expect("committed").to_string()
    };
    let leaf = repository.treebuilder(None).expect("a builder").write().expect("written");
    for commit in [nested(leaf, 10, 9), nested(leaf, 1, 2_000)] {
        let error = tree_at(folder.path(), Some(&commit), None).expect_err("refused");
        assert!(matches!(error, GitError::Unsupported { .. }), "{error}");
    }
}

/// Not a test of its own, but run by the test below in processes of their own: git2 reads the environment once.
#[test]
#[allow(clippy::print_stdout)]
fn child_that_tells_the_identity() {
    println!("identity={:?}", configured_identity());
}

#[test]
fn the_identity_is_gits_own_or_none() {
    let home = folder();
    let identity = |home: Option<&Path>| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "git::tests::child_that_tells_the_identity", "--nocapture"]).env_clear();
        let output = command.envs(home.map(|home| ("HOME", home))).output().expect("ran");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let at = text.find("identity=").expect("told") + "identity=".len();
        text[at..].lines().next().expect("a line").to_owned()
    };
    assert_eq!(identity(None), "None");
    assert_eq!(identity(Some(home.path())), "None");
    let config = home.path().join(".gitconfig");
    fs::write(&config, "[user]\n\tname = Jo\n").expect("written");
    assert_eq!(identity(Some(home.path())), "None");
    fs::write(&config, "[user]\n\tname = Jo\n\temail = jo@x\n").expect("written");
    assert_eq!(identity(Some(home.path())), r#"Some(("Jo", "jo@x"))"#);
    fs::write(&config, "[user\nbroken").expect("written");
    assert_eq!(identity(Some(home.path())), "None");
    fs::remove_file(&config).expect("removed");
    fs::create_dir(&config).expect("made");
    assert_eq!(identity(Some(home.path())), "None");
}

/// Names that sort oddly beside each other, as files and as folders.
fn any_tree() -> impl Strategy<Value = Tree> {
    let name = prop_oneof![
        proptest::sample::select(vec![
            "a",
            "a-",
            "a.b",
            "a0",
            "A",
            "aa",
            "a b",
            "\u{e9}",
            "\u{65e5}",
            "~",
            "\u{1f600}"
        ])
        .prop_map(str::to_owned),
        "[a-c][a-c.+ -]{0,3}[a-c]",
    ];
    let path = prop::collection::vec(name, 1..5).prop_map(|names| names.join("/"));
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(97_u8..99, 0..3)];
    prop::collection::vec((path, bytes, any::<bool>()), 0..25).prop_map(|files| {
        let mut tree = Tree::new();
        for (path, bytes, executable) in files {
            // A path that clashes with one before is left out.
            let _ = tree.insert(TreePath::new(path).expect("a path"), File { bytes: bytes.into(), executable });
        }
        tree
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_tree_has_gits_id_and_comes_back_the_same(tree in any_tree()) {
        let folder = committed(&tree);
        let at = folder.path();
        prop_assert_eq!(git(at, &["fsck", "--strict"]), "");
        prop_assert_eq!(git(at, &["status", "--porcelain"]), "");
        let (read, commit) = tree_at(at, None, None).expect("read");
        prop_assert_eq!(&read, &tree);
        prop_assert_eq!(commit, git(at, &["rev-parse", "HEAD"]));
        fs::remove_dir_all(at.join(".git")).expect("removed");
        git(at, &["init", "-q"]);
        git(at, &["add", "-A"]);
        prop_assert_eq!(git(at, &["write-tree"]), tree_id(&tree));
    }
}
