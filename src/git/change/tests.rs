use super::*;
use crate::git::commit;
use crate::git::sign::Signing;
use crate::model::author::Signature;
use crate::model::tree::Tree;

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a path")
}

fn new(message: &str) -> NewCommit {
    let author = Signature { name: "A".to_owned(), email: "a@b.c".to_owned(), seconds: 1 };
    NewCommit { author, message: message.to_owned(), signing: Signing::No }
}

const FILES: [(&str, &str); 3] = [("a.txt", "one\n"), ("goes/b.txt", "two\n"), ("run.sh", "#!/bin/sh\n")];

/// A repository with three files, and an edit of each kind.
fn made(folder: &Path) -> (Head, Vec<FileEdit>) {
    let mut tree = Tree::new();
    for (name, text) in FILES {
        let file = File { bytes: text.as_bytes().into(), executable: name == "run.sh" };
        tree.insert(path(name), file).expect("new");
    }
    write(folder, &tree);
    commit::first_commit(folder, &tree, &new("one")).expect("a commit");
    let edit = |name: &str, file: Option<&'static str>| FileEdit {
        path: path(name),
        file: file.map(|text| File::plain(text.as_bytes())),
    };
    let edits = vec![edit("a.txt", Some("changed\n")), edit("goes/b.txt", None), edit("new/c.txt", Some("three\n"))];
    (head(folder).expect("a branch"), edits)
}

fn write(folder: &Path, tree: &Tree) {
    for (path, file) in tree.iter() {
        let place = folder.join(path.as_str());
        fs::create_dir_all(place.parent().expect("a parent")).expect("made");
        fs::write(&place, &file.bytes).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = if file.executable { 0o755 } else { 0o644 };
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).expect("set");
        }
    }
}

/// The commit is in place and nothing is left over.
fn settled(folder: &Path, commit: &str) {
    assert_eq!(
        head(folder).expect("a branch"),
        Head { commit: commit.to_owned(), branch: "refs/heads/main".to_owned() }
    );
    must_be_clean(folder).expect("clean");
    assert_eq!(fs::read_to_string(folder.join("a.txt")).expect("there"), "changed\n");
    assert!(!folder.join("goes/b.txt").exists());
    assert_eq!(fs::read_to_string(folder.join("new/c.txt")).expect("there"), "three\n");
    assert!(!resume(folder).expect("nothing to do"));
    let repository = Repository::open(folder).expect("a repository");
    assert!(!repository.path().join(MOVING).exists());
}

#[test]
fn a_commit_goes_into_the_work_tree_and_leaves_other_files_alone() {
    let place = tempfile::tempdir().expect("a folder");
    let (head, edits) = made(place.path());
    fs::write(place.path().join("untracked"), "mine").expect("written");
    let commit = prepare(place.path(), &head.commit, &edits, &new("two")).expect("prepared");
    assert_eq!(fs::read_to_string(place.path().join("a.txt")).expect("there"), "one\n", "nothing moved yet");
    advance(place.path(), &head, &commit).expect("moved");
    settled(place.path(), &commit);
    assert_eq!(fs::read_to_string(place.path().join("untracked")).expect("there"), "mine");
    let files = CommitFiles::open(place.path(), &commit).expect("a commit");
    let file = |path| files.get(path).expect("read");
    assert!(file("run.sh").is_some_and(|file| file.executable));
    assert_eq!(file("new/c.txt"), Some(File::plain(&b"three\n"[..])));
    assert_eq!((file("goes/b.txt"), file("a.txt/x"), file("")), (None, None, None));
    assert_eq!(file("new"), None, "a folder is no file");
}

#[test]
fn a_dirty_work_tree_is_refused_and_left_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    let (head, edits) = made(place.path());
    let commit = prepare(place.path(), &head.commit, &edits, &new("two")).expect("prepared");
    fs::write(place.path().join("run.sh"), "mine").expect("written");
    assert_eq!(uncommitted(place.path()).expect("read"), ["run.sh"]);
    let refused = advance(place.path(), &head, &commit).expect_err("dirty");
    assert!(matches!(&refused, ChangeError::Dirty { files, .. } if files == &["run.sh"]), "{refused:?}");
    assert_eq!(super::head(place.path()).expect("a branch"), head);
    assert!(!resume(place.path()).expect("nothing was begun"));
}

#[test]
fn what_git_does_not_know_is_not_overwritten() {
    for begun in [false, true] {
        let place = tempfile::tempdir().expect("a folder");
        let (head, edits) = made(place.path());
        let commit = prepare(place.path(), &head.commit, &edits, &new("two")).expect("prepared");
        if begun {
            begin(&Repository::open(place.path()).expect("a repository"), &commit).expect("written");
        }
        let new = place.path().join("new/c.txt");
        fs::create_dir(place.path().join("new")).expect("made");
        fs::write(&new, "mine").expect("written");
        let go = || if begun { resume(place.path()).map(drop) } else { advance(place.path(), &head, &commit) };
        let refused = go().expect_err("in the way");
        assert!(matches!(&refused, ChangeError::InTheWay { path, .. } if path.as_str() == "new/c.txt"), "{refused:?}");
        assert_eq!(fs::read_to_string(&new).expect("there"), "mine");
        assert_eq!(fs::read_to_string(place.path().join("a.txt")).expect("there"), "one\n", "nothing moved");
        fs::write(&new, "three\n").expect("written");
        go().expect("it is the same");
        settled(place.path(), &commit);
    }
}

#[cfg(unix)]
#[test]
fn a_file_takes_the_place_of_a_file_only() {
    let place = tempfile::tempdir().expect("a folder");
    made(place.path());
    std::os::unix::fs::symlink("a.txt", place.path().join("link")).expect("made");
    let repository = Repository::open(place.path()).expect("a repository");
    let mut index = repository.index().expect("an index");
    index.add_path(Path::new("link")).expect("added");
    let tree = index.write().and_then(|()| index.write_tree()).and_then(|id| repository.find_tree(id)).expect("a tree");
    let parent = repository.head().and_then(|head| head.peel_to_commit()).expect("a commit");
    let author = git2::Signature::now("B", "b@c.d").expect("a signature");
    let commit = repository.commit(Some("HEAD"), &author, &author, "link", &tree, &[&parent]).expect("a commit");
    for name in ["link", "goes", "a.txt/x", "link/x"] {
        let edit = FileEdit { path: path(name), file: Some(File::plain(&b"x"[..])) };
        let refused = prepare(place.path(), &commit.to_string(), &[edit], &new("two")).expect_err("in the way");
        assert!(matches!(refused, ChangeError::InTheWay { .. }), "{name}: {refused:?}");
    }
}

#[test]
fn whatever_was_done_before_it_was_killed_the_rest_is_done() {
    // How far it got: the reference, one file after the other, the index, the branch.
    for steps in 0..=5 {
        let place = tempfile::tempdir().expect("a folder");
        let (head, edits) = made(place.path());
        let commit = prepare(place.path(), &head.commit, &edits, &new("two")).expect("prepared");
        let repository = Repository::open(place.path()).expect("a repository");
        begin(&repository, &commit).expect("written");
        let advance = Advance::new(&repository, place.path(), &head, &commit).expect("known");
        for (path, _, after) in advance.files.iter().take(steps) {
            advance.write(path, after.as_ref()).expect("written");
        }
        if steps >= 4 {
            let mut index = repository.index().expect("an index");
            index.add_path(Path::new("a.txt")).expect("added");
            index.add_path(Path::new("new/c.txt")).expect("added");
            index.remove_path(Path::new("goes/b.txt")).expect("removed");
            index.write().expect("written");
        }
        if steps >= 5 {
            let id = Oid::from_str(&commit).expect("an id");
            repository.reference("refs/heads/main", id, true, "test").expect("moved");
        }
        assert!(resume(place.path()).expect("finished"), "{steps} steps");
        settled(place.path(), &commit);
    }
}

#[test]
fn what_people_did_meanwhile_is_not_undone() {
    let place = tempfile::tempdir().expect("a folder");
    let (head, edits) = made(place.path());
    let commit = prepare(place.path(), &head.commit, &edits, &new("two")).expect("prepared");
    let repository = Repository::open(place.path()).expect("a repository");
    begin(&repository, &commit).expect("written");
    fs::write(place.path().join("a.txt"), "mine").expect("written");
    assert!(matches!(resume(place.path()), Err(ChangeError::Dirty { .. })));
    assert_eq!(fs::read_to_string(place.path().join("a.txt")).expect("there"), "mine");
    fs::write(place.path().join("a.txt"), "one\n").expect("written");
    let other = [FileEdit { path: path("run.sh"), file: None }];
    let theirs = prepare(place.path(), &head.commit, &other, &new("theirs")).expect("prepared");
    advance(place.path(), &head, &theirs).expect("they went on");
    assert!(!resume(place.path()).expect("given up"));
    assert_eq!(super::head(place.path()).expect("a branch").commit, theirs);
}

#[test]
fn what_is_no_branch_is_told() {
    let place = tempfile::tempdir().expect("a folder");
    assert!(matches!(head(place.path()), Err(ChangeError::Git(GitError::NotARepository { .. }))));
    let repository = Repository::init(place.path()).expect("made");
    assert!(matches!(head(place.path()), Err(ChangeError::Git(GitError::NoCommit { .. }))));
    drop(repository);
    let place = tempfile::tempdir().expect("a folder");
    let (head, _) = made(place.path());
    let repository = Repository::open(place.path()).expect("a repository");
    repository.set_head_detached(Oid::from_str(&head.commit).expect("an id")).expect("detached");
    assert!(matches!(super::head(place.path()), Err(ChangeError::Detached(_))));
}
