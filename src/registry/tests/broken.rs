//! Registries changed by hand.

use super::*;

impl Fresh {
    /// Changes the registry as somebody with a clone would.
    fn by_hand(&self, edits: &[(&str, Option<&str>)]) {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(path, text)| Edit { path: (*path).to_owned(), bytes: text.map(|text| text.as_bytes().to_vec()) })
            .collect();
        let head = self.registry.store.snapshot().expect("read").head();
        let writer = self.registry.store.writer().expect("turn");
        writer.update(head.as_deref(), &edits, "By hand", &by()).expect("written");
    }

    fn problems(&self) -> Vec<Problem> {
        self.registry.list().expect("listed").problems
    }
}

fn two() -> Fresh {
    let fresh = Fresh::new();
    for name in ["first", "second"] {
        fresh.registry.add(&record(name), &by()).expect("added");
    }
    fresh
}

#[test]
fn bad_toml_is_told_with_its_line_and_hides_no_other_record() {
    let fresh = two();
    let path = layout::record("first");
    fresh.by_hand(&[(&path, Some("name = \"first\"\ntitle = oops\n"))]);
    let listing = fresh.registry.list().expect("listed");
    assert_eq!(listing.records, [record("second")]);
    assert_eq!(listing.problems.len(), 1, "its keys are not blamed: {:?}", listing.problems);
    assert_eq!((&listing.problems[0].path, listing.problems[0].line), (&path, Some(2)));
    let head = || fresh.registry.store.snapshot().expect("read").head();
    let before = head();
    for error in [
        fresh.registry.get("first").expect_err("broken"),
        fresh.registry.add(&record("first"), &by()).expect_err("broken"),
        fresh.registry.activate(&record("first"), &by()).expect_err("broken"),
    ] {
        assert!(matches!(error, RegistryError::Broken { line: Some(2), .. }), "{error}");
        assert!(crate::error::Blame::hint(&error).is_some_and(|hint| hint.contains(&path)));
    }
    assert_eq!(head(), before, "never made worse");
    let mut thief = record("thief");
    thief.short_name = record("first").short_name;
    let taken = fresh.registry.add(&thief, &by()).expect_err("still taken");
    assert!(matches!(&taken, RegistryError::Taken { claim: None, holder, .. } if holder == "first"), "{taken}");
}

#[test]
fn a_record_in_another_place_and_one_that_is_no_text_are_told() {
    let fresh = two();
    let text = entry::text(&record("first"), None, "r").expect("written");
    fresh.by_hand(&[("apis/00/other.toml", Some(&text)), ("apis/zz", Some("\u{0}"))]);
    let problems = fresh.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_eq!(problems[0].message, "it is the record of `first`, which belongs at another path");
    assert_eq!(fresh.registry.list().expect("listed").records.len(), 2);
}

#[test]
fn a_key_without_its_record_is_told_and_stays_taken() {
    let fresh = two();
    fresh.by_hand(&[(&layout::record("first"), None)]);
    let problems = fresh.problems();
    assert_eq!(problems.len(), layout::KEYS_WITH_FILES.len(), "{problems:?}");
    let mut thief = record("thief");
    thief.base_path = record("first").base_path;
    let taken = fresh.registry.add(&thief, &by()).expect_err("still taken");
    assert!(matches!(&taken, RegistryError::Taken { claim: None, .. }), "{taken}");
    let hint = crate::error::Blame::hint(&taken).expect("a hint");
    assert_eq!(hint, "`first` has no readable record: `apiscaffold list` says what is wrong in the registry");
    assert_eq!(fresh.registry.add(&record("first"), &by()).expect("its own keys"), RecordChange::Done);
    assert_eq!(fresh.problems(), Vec::new(), "mended by its owner");
}

#[test]
fn a_record_without_its_key_is_told_and_mended_by_its_owner() {
    let fresh = two();
    let key = layout::key(KeyKind::ShortName, &record("first").short_name);
    fresh.by_hand(&[(&key, None)]);
    let problems = fresh.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].path.as_str(), problems[0].line), (layout::record("first").as_str(), Some(2)));
    assert_eq!(problems[0].message, format!("the key of its short name is missing: there is no `{key}`"));
    fresh.registry.activate(&record("first"), &by()).expect("activated");
    assert_eq!(fresh.problems(), Vec::new());
}

#[test]
fn a_key_that_names_another_api_is_told_and_not_overwritten() {
    let fresh = two();
    let key = layout::key(KeyKind::ShortName, &record("first").short_name);
    fresh.by_hand(&[(&key, Some("second\n"))]);
    let problems = fresh.problems();
    assert_eq!(problems.len(), 2, "the record and the key: {problems:?}");
    let taken = fresh.registry.activate(&record("first"), &by()).expect_err("taken");
    assert!(matches!(&taken, RegistryError::Taken { holder, .. } if holder == "second"), "{taken}");
}

#[test]
fn a_file_where_a_folder_should_be_is_told() {
    let fresh = Fresh::new();
    fresh.by_hand(&[("apis", Some("a file")), ("keys", Some("a file")), (layout::MARK, Some(layout::MARK_TEXT))]);
    let errors = [
        fresh.registry.add(&record("first"), &by()).expect_err("obstacle"),
        fresh.registry.list().expect_err("obstacle"),
    ];
    for error in errors {
        assert!(error.to_string().starts_with("`apis` in the git repository"), "{error}");
    }
}

#[test]
fn what_is_no_registry_is_refused_and_left_alone() {
    let parent = tempfile::tempdir().expect("a folder");
    std::fs::write(parent.path().join("file"), "mine").expect("written");
    for folder in [parent.path().to_owned(), parent.path().join("file"), parent.path().join("file/below")] {
        for result in [Registry::open(&here(&folder)).map(|_| ()), Registry::open_or_create(&here(&folder)).map(|_| ())]
        {
            let error = result.expect_err("not a registry");
            assert_eq!(error.to_string(), format!("`{}` is not a bare git repository", folder.display()));
        }
    }
    assert_eq!(std::fs::read_dir(parent.path()).expect("listed").count(), 1);
}
