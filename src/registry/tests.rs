//! Taking keys, in turn and at once.

mod broken;
mod concurrent;
mod cost;
mod killed;
mod round;
mod update;

use std::path::Path;
use std::process::Command;

use super::*;
use crate::model::author::Signature;
use crate::model::ending::Ending;
use crate::model::phase::Phase;
use crate::model::record::{Evidence, PhaseChange, Repository, TemplateUsed, Waiver};

/// A record with keys made from its name.
fn record(name: &str) -> Record {
    let name = ApiName::new(name).expect("a good name");
    let (guid, spec_guid) = guids(&name);
    Record {
        short_name: format!("short-{name}"),
        guid,
        spec_guid,
        title: "A title".to_owned(),
        description: String::new(),
        owner: "a team".to_owned(),
        contact: "team@example.com".to_owned(),
        style: "apigee".to_owned(),
        base_path: format!("base/{name}"),
        environments: vec!["internal-dev".to_owned()],
        service_level: "bronze".to_owned(),
        state: RecordState::Reserved,
        phase: Phase::Inception,
        repository: Repository { url: format!("file:///apis/{name}"), id: None },
        template: TemplateUsed { name: "apigee".to_owned(), source: "builtin".to_owned(), revision: "r1".to_owned() },
        history: vec![PhaseChange {
            phase: Phase::Inception,
            date: "2026-01-02T03:04:05Z".to_owned(),
            by: "Ada <ada@example.com>".to_owned(),
            note: None,
        }],
        ending: Ending::default(),
        evidence: Vec::new(),
        waivers: Vec::new(),
        other: toml::Table::new(),
        name,
    }
}

fn by() -> Signature {
    Signature { name: "Ada".to_owned(), email: "ada@example.com".to_owned(), seconds: 1_700_000_000 }
}

/// Runs git in the bare repository.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("--git-dir").arg(folder).args(arguments).output().expect("git starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "git {arguments:?}: {text}");
    text
}

/// What `git fsck --strict` says, apart from its progress.
fn assert_sound(folder: &Path) {
    let said = git(folder, &["fsck", "--strict", "--no-progress", "--no-dangling"]);
    assert_eq!(said.trim(), "");
}

fn here(folder: &Path) -> Location {
    Location::Here(folder.to_owned())
}

struct Fresh {
    parent: tempfile::TempDir,
    registry: Registry,
}

impl Fresh {
    fn new() -> Self {
        let parent = tempfile::tempdir().expect("a folder");
        let registry = Registry::open_or_create(&here(&parent.path().join("registry.git"))).expect("created");
        Self { parent, registry }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.parent.path().join("registry.git")
    }

    fn commits(&self) -> Vec<String> {
        let said = git(&self.folder(), &["log", "--format=%s|%an|%ae|%at|%cn|%ct", "main"]);
        said.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_record_is_reserved_then_active_by_one_commit_each() {
    let fresh = Fresh::new();
    let record = record("my-api");
    assert_eq!(fresh.registry.add(&record, &by()).expect("added"), RecordChange::Done);
    assert_eq!(fresh.registry.get("my-api").expect("read"), Some(record.clone()));
    assert_eq!(fresh.registry.activate(&record, &by()).expect("activated"), RecordChange::Done);
    let active = Record { state: RecordState::Active, ..record.clone() };
    assert_eq!(fresh.registry.get("my-api").expect("read"), Some(active.clone()));
    for kind in KeyKind::ALL {
        assert_eq!(fresh.registry.holder(kind, &record.key(kind)).expect("read"), Some("my-api".to_owned()));
        assert_eq!(fresh.registry.holder(kind, "no-such").expect("read"), None);
    }
    let listing = fresh.registry.list().expect("listed");
    assert_eq!(listing, Listing { records: vec![active], problems: Vec::new() });
    let said = fresh.commits();
    let expected = ["Activate my-api", "Reserve my-api"]
        .map(|subject| format!("{subject}|Ada|ada@example.com|1700000000|Ada|1700000000"));
    assert!(said.is_empty() || said == expected, "{said:?}");
    assert_sound(&fresh.folder());
}

#[test]
fn doing_it_again_writes_nothing() {
    let fresh = Fresh::new();
    let record = record("my-api");
    let head = || fresh.registry.store.snapshot().expect("read").head();
    fresh.registry.add(&record, &by()).expect("added");
    let reserved = head();
    assert_eq!(fresh.registry.add(&record, &by()).expect("again"), RecordChange::AlreadySo);
    assert_eq!(head(), reserved);
    fresh.registry.activate(&record, &by()).expect("activated");
    let active = head();
    assert_ne!(active, reserved);
    assert_eq!(fresh.registry.activate(&record, &by()).expect("again"), RecordChange::AlreadySo);
    assert_eq!(head(), active);
    let complete = Record { state: RecordState::Active, ..record.clone() };
    assert_eq!(fresh.registry.add(&complete, &by()).expect("again"), RecordChange::AlreadySo);
    let taken = fresh.registry.add(&record, &by()).expect_err("complete");
    assert!(matches!(taken, RegistryError::Taken { kind: KeyKind::Name, .. }), "{taken}");
    assert_eq!(head(), active);
}

#[test]
fn a_reserved_record_of_the_same_repository_is_replaced_and_its_old_keys_are_free() {
    let fresh = Fresh::new();
    let first = record("my-api");
    fresh.registry.add(&first, &by()).expect("added");
    let second = Record { base_path: "other/base".to_owned(), title: "Another".to_owned(), ..first.clone() };
    assert_eq!(fresh.registry.add(&second, &by()).expect("replaced"), RecordChange::Done);
    assert_eq!(fresh.registry.get("my-api").expect("read"), Some(second));
    assert_eq!(fresh.registry.holder(KeyKind::BasePath, &first.base_path).expect("read"), None);
    assert_eq!(fresh.registry.list().expect("listed").problems, Vec::new());
    let thief = Record { base_path: first.base_path, ..record("thief") };
    assert_eq!(fresh.registry.add(&thief, &by()).expect("it is free"), RecordChange::Done);
}

#[test]
fn a_key_of_another_api_is_refused_saying_by_whom_when_and_where() {
    let fresh = Fresh::new();
    let first = record("first");
    fresh.registry.add(&first, &by()).expect("added");
    let mut second = record("second");
    second.short_name.clone_from(&first.short_name);
    let taken = fresh.registry.add(&second, &by()).expect_err("taken");
    assert_eq!(
        taken.to_string(),
        "the short name `short-first` is taken by the API `first` (reserved by Ada <ada@example.com> on \
         2026-01-02T03:04:05Z for file:///apis/first)"
    );
    assert_eq!(crate::error::Blame::fault(&taken), crate::error::Fault::Conflict);
    assert_eq!(crate::error::Blame::hint(&taken).as_deref(), Some("give another one: `--set short_name=…`"));
    assert_eq!(fresh.registry.get("second").expect("read"), None);
    assert_eq!(fresh.registry.holder(KeyKind::BasePath, &second.base_path).expect("read"), None, "all or none");
}

#[test]
fn a_name_with_another_repository_is_taken_and_stays_as_it_is() {
    let fresh = Fresh::new();
    let first = record("my-api");
    fresh.registry.add(&first, &by()).expect("added");
    let mut other = first.clone();
    other.repository.url = "file:///elsewhere/my-api".to_owned();
    for result in [fresh.registry.add(&other, &by()), fresh.registry.activate(&other, &by())] {
        let taken = result.expect_err("taken");
        assert!(
            matches!(&taken, RegistryError::Taken { kind: KeyKind::Name, claim: Some(claim), .. }
            if claim.repository == first.repository.url),
            "{taken}"
        );
    }
    assert_eq!(fresh.registry.get("my-api").expect("read"), Some(first));
}

#[test]
fn activation_needs_the_record_and_its_keys() {
    let fresh = Fresh::new();
    let record = record("my-api");
    let missing = fresh.registry.activate(&record, &by()).expect_err("nothing there");
    assert!(matches!(missing, RegistryError::NotReserved { .. }), "{missing}");
    fresh.registry.add(&record, &by()).expect("added");
    let changed = Record { base_path: "another".to_owned(), ..record };
    let refused = fresh.registry.activate(&changed, &by()).expect_err("another key");
    assert_eq!(
        refused.to_string(),
        "the base path of the API `my-api` is `base/my-api` in the registry, not `another`"
    );
}

#[test]
fn nothing_is_created_by_opening() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("a/b/registry.git");
    assert!(Registry::open(&here(&folder)).expect("nothing").is_none());
    assert_eq!(std::fs::read_dir(parent.path()).expect("listed").count(), 0);
    let registry = Registry::open_or_create(&here(&folder)).expect("created");
    assert_eq!(registry.list().expect("listed"), Listing::default());
    assert!(Registry::open(&here(&folder)).expect("there").is_some());
    assert_eq!(std::fs::read_dir(parent.path().join("a/b")).expect("listed").count(), 1, "no rests");
}

#[test]
fn guids_stay_the_same_for_a_name() {
    let (api, spec) = guids(&ApiName::new("my-api").expect("good"));
    assert_eq!(api.to_string(), GOLDEN.0);
    assert_eq!(spec.to_string(), GOLDEN.1);
    assert_ne!(guids(&ApiName::new("my-api2").expect("good")).0, api);
}

/// Changing these would give every API a new identity.
const GOLDEN: (&str, &str) = ("f094989c-0d7e-5237-9e15-c4632c1d798d", "42ae5d6b-8d91-58ce-b69a-eef423038152");
