//! Compare-and-swap, locks left behind, creation.

use std::time::{Duration, Instant};

use super::*;
use crate::model::author::Signature;

fn by() -> Signature {
    Signature { name: "Ada".to_owned(), email: "ada@example.com".to_owned(), seconds: 1 }
}

fn edit(path: &str, text: Option<&str>) -> Edit {
    Edit { path: path.to_owned(), bytes: text.map(|text| text.as_bytes().to_vec()) }
}

fn fresh() -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().expect("a folder");
    let store = Store::create(&here(&parent.path().join("s.git"))).expect("created");
    (parent, store)
}

fn here(folder: &Path) -> Location {
    Location::Here(folder.to_owned())
}

fn put(store: &Store, edits: &[Edit]) -> Result<Swap, StoreError> {
    let head = store.snapshot()?.head();
    store.writer()?.update(head.as_deref(), edits, "Change", &by())
}

fn paths(store: &Store, folder: &str) -> Vec<String> {
    store.snapshot().expect("read").list(folder).expect("listed").into_iter().map(|(path, _)| path).collect()
}

#[test]
fn files_are_written_read_listed_and_removed() {
    let (_parent, store) = fresh();
    assert_eq!(store.snapshot().expect("read").head(), None);
    put(&store, &[edit("a/b/c", Some("1")), edit("a/d", Some("2")), edit("e", Some("1"))]).expect("written");
    assert_eq!(store.snapshot().expect("read").read("a/b/c").expect("read"), Some(b"1".to_vec()));
    assert_eq!(paths(&store, "a"), ["a/b/c", "a/d"]);
    put(&store, &[edit("a/b/c", None), edit("a/none", None), edit("none/at/all", None)]).expect("written");
    assert_eq!(paths(&store, "a"), ["a/d"], "an empty folder goes with its last file");
    put(&store, &[edit("a/d", None), edit("e", None)]).expect("written");
    assert_eq!(paths(&store, "a"), Vec::<String>::new());
}

#[test]
fn a_file_and_a_folder_do_not_replace_each_other() {
    let (_parent, store) = fresh();
    put(&store, &[edit("a/b", Some("1"))]).expect("written");
    let head = store.snapshot().expect("read").head();
    for (edit, at) in [(edit("a", Some("2")), "a"), (edit("a/b/c", Some("2")), "a/b")] {
        let error = put(&store, &[edit]).expect_err("an obstacle");
        assert!(matches!(&error, StoreError::Obstacle { path, .. } if path == at), "{error}");
    }
    assert_eq!(store.snapshot().expect("read").head(), head);
}

#[test]
fn a_head_that_moved_is_not_overwritten() {
    let (_parent, store) = fresh();
    let old = store.snapshot().expect("read").head();
    put(&store, &[edit("a", Some("theirs"))]).expect("written");
    let writer = store.writer().expect("turn");
    let swap = writer.update(old.as_deref(), &[edit("a", Some("ours"))], "Change", &by()).expect("no error");
    assert_eq!(swap, Swap::Moved);
    assert_eq!(store.snapshot().expect("read").read("a").expect("read"), Some(b"theirs".to_vec()));
}

#[test]
fn when_the_head_moves_under_a_change_it_is_decided_again() {
    let (_parent, store) = fresh();
    let rounds = std::cell::Cell::new(0);
    let head = store.change("Change", &by(), |snapshot| {
        if rounds.replace(rounds.get() + 1) == 0 {
            // As a `git push` does: with no regard to our turns.
            let tree = store.repository.treebuilder(None).and_then(|empty| empty.write()).expect("written");
            let tree = store.repository.find_tree(tree).expect("there");
            let who = git2::Signature::new("P", "p@example.com", &git2::Time::new(1, 0)).expect("good");
            store.repository.commit(Some(MAIN), &who, &who, "Pushed", &tree, &[]).expect("pushed");
            assert_eq!(snapshot.head(), None);
        }
        Ok::<_, StoreError>(Some(vec![edit("a", Some("ours"))]))
    });
    let head = head.expect("written").expect("a commit");
    let commit = store.repository.find_commit(Oid::from_str(&head).expect("an id")).expect("there");
    assert_eq!((rounds.get(), commit.parent_count()), (2, 1));
}

#[test]
fn a_lock_left_behind_is_removed_after_a_second_and_locks_not_in_the_way_are_left() {
    let (_parent, store) = fresh();
    put(&store, &[edit("a", Some("1"))]).expect("written");
    for lock in ["HEAD.lock", "packed-refs.lock", "refs/heads/main.lock"] {
        fs::write(store.folder().join(lock), "").expect("written");
    }
    let started = Instant::now();
    put(&store, &[edit("a", Some("2"))]).expect("written");
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    assert!(!store.folder().join("refs/heads/main.lock").exists());
    assert!(store.folder().join("HEAD.lock").exists() && store.folder().join("packed-refs.lock").exists());
    assert_eq!(store.snapshot().expect("read").read("a").expect("read"), Some(b"2".to_vec()));
}

#[test]
fn a_lock_that_is_let_go_is_waited_for() {
    let (_parent, store) = fresh();
    put(&store, &[edit("a", Some("1"))]).expect("written");
    let lock = store.folder().join("refs/heads/main.lock");
    fs::write(&lock, "").expect("written");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            fs::remove_file(&lock).expect("it is there: nobody took it for one that was left behind");
        });
        put(&store, &[edit("a", Some("2"))]).expect("written");
    });
}

#[test]
fn what_a_killed_creation_left_is_removed_by_the_next_and_nothing_else() {
    let parent = tempfile::tempdir().expect("a folder");
    let rest = parent.path().join(".apiscaffold-s.git-abc");
    let other = parent.path().join(".apiscaffold-other.git-abc");
    for folder in [&rest, &other] {
        fs::create_dir_all(folder.join("store.git/objects")).expect("made");
    }
    let store = Store::create(&here(&parent.path().join("s.git"))).expect("created");
    assert!(!rest.exists() && other.exists());
    let head = fs::read_to_string(store.folder().join("HEAD")).expect("there");
    assert_eq!(head, "ref: refs/heads/main\n");
}

#[test]
fn an_empty_folder_is_a_place_for_a_store() {
    let parent = tempfile::tempdir().expect("a folder");
    assert!(Store::open(&here(parent.path())).expect("empty").is_none());
    let folder = parent.path().join("empty");
    fs::create_dir(&folder).expect("made");
    put(&Store::create(&here(&folder)).expect("created"), &[edit("a", Some("1"))]).expect("written");
}

#[test]
fn a_repository_for_something_else_is_refused() {
    let parent = tempfile::tempdir().expect("a folder");
    Repository::init(parent.path().join("checkout")).expect("made");
    let checkout = Store::open(&here(&parent.path().join("checkout"))).map(|_| ()).expect_err("a checkout");
    assert!(matches!(checkout, StoreError::NotAStore { .. }), "{checkout}");
    let (_parent, store) = fresh();
    put(&store, &[edit("a", Some("1"))]).expect("written");
    store
        .repository
        .find_reference(MAIN)
        .and_then(|mut main| main.rename("refs/heads/trunk", false, ""))
        .expect("renamed");
    let error = store.snapshot().map(|_| ()).expect_err("no main");
    assert!(matches!(error, StoreError::NoMain { .. }), "{error}");
}

#[test]
fn a_change_is_one_pack_and_packs_stay_few() {
    let (_parent, store) = fresh();
    let reader = Store::open(&here(store.folder())).expect("opened").expect("there");
    let packs = || {
        let entries = fs::read_dir(store.folder().join("objects/pack")).expect("listed");
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|ext| ext == "pack")).count()
    };
    put(&store, &[edit("a/first", Some("1"))]).expect("written");
    assert_eq!(packs(), 1);
    let before = reader.snapshot().expect("read");
    let mut most = 0;
    for number in 0..150 {
        put(&store, &[edit(&format!("a/{number}"), Some(&number.to_string()))]).expect("written");
        most = most.max(packs());
    }
    assert!(most <= 48, "{most}");
    assert_eq!(fs::read_dir(store.folder().join("objects")).expect("listed").count(), 2, "no loose objects");
    assert_eq!(paths(&store, "a").len(), 151);
    assert_eq!(before.read("a/first").expect("its pack is gone, its object is not"), Some(b"1".to_vec()));
    let git =
        std::process::Command::new("git").arg("--git-dir").arg(store.folder()).args(["fsck", "--strict"]).output();
    if let Ok(output) = git {
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn an_object_that_comes_while_it_is_looked_for_is_found_and_one_that_does_not_is_not() {
    let (_parent, store) = fresh();
    let repository = &store.repository;
    let late = Oid::hash_object(git2::ObjectType::Blob, b"late").expect("an id");
    let looks = std::cell::Cell::new(0);
    let look = |comes_at| {
        looks.set(looks.get() + 1);
        if looks.get() == comes_at {
            repository.blob(b"late")?;
        }
        repository.find_blob(late).map(|blob| blob.content().to_vec())
    };
    let error = found(repository, || look(0)).expect_err("it is nowhere");
    assert_eq!((error.code(), looks.get()), (ErrorCode::NotFound, LOOKS + 1));
    looks.set(0);
    assert_eq!(found(repository, || look(3)).expect("found"), b"late");
    assert_eq!(looks.get(), 3);
}

#[test]
fn a_packed_store_is_read_and_written() {
    let (_parent, store) = fresh();
    put(&store, &[edit("a/b", Some("1"))]).expect("written");
    let packed = std::process::Command::new("git").arg("--git-dir").arg(store.folder()).args(["gc", "-q"]).status();
    if packed.is_ok_and(|status| status.success()) {
        assert!(!store.folder().join(MAIN).exists(), "the branch is packed");
    }
    put(&store, &[edit("a/c", Some("2"))]).expect("written");
    assert_eq!(paths(&store, "a"), ["a/b", "a/c"]);
}

#[test]
fn any_name_of_a_person_makes_a_commit() {
    let (_parent, store) = fresh();
    for (number, name) in ["", "  ", "<>", "a\nb\0", "...", "Åsa 🦀"].into_iter().enumerate() {
        let by = Signature { name: name.to_owned(), email: name.to_owned(), seconds: i64::MIN };
        let head = store.snapshot().expect("read").head();
        let edits = [edit("a", Some(&number.to_string()))];
        let swap = store.writer().expect("turn").update(head.as_deref(), &edits, "Change", &by);
        assert!(matches!(swap, Ok(Swap::Done(_))), "{name:?}: {swap:?}");
    }
}
