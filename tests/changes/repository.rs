//! A repository and its releases: what `make changes` compares, and what the phase allows.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{document, python, repository};
use crate::linted::equip;
use crate::program::{Program, Ran, git};
use crate::tools::linters;

fn phase(repository: &Path, phase: &str) {
    let path = repository.join("environments.toml");
    let text = fs::read_to_string(&path).expect("read");
    let line = text.lines().find(|line| line.starts_with("phase = ")).expect("there").to_owned();
    fs::write(path, text.replace(&line, &format!("phase = \"{phase}\""))).expect("written");
}

/// Commits everything, and tags it.
fn release(repository: &Path, tag: &str) {
    git(repository, &["add", "--all", "."]);
    git(repository, &["commit", "--quiet", "--allow-empty", "-m", tag]);
    git(repository, &["tag", tag]);
}

/// Runs `make changes` as a workflow does; gives how it ended and its summary.
fn changes(repository: &Path, arguments: &[&str]) -> (Ran, String) {
    let summary = repository.join("build/summary.md");
    fs::create_dir_all(repository.join("build")).expect("made");
    fs::write(&summary, "").expect("written");
    let mut make = Command::new("make");
    make.arg("changes").args(arguments).current_dir(repository).env("GITHUB_ACTIONS", "true");
    let ran = Ran::of(&make.env("GITHUB_STEP_SUMMARY", &summary).output().expect("make starts"));
    (ran, fs::read_to_string(summary).expect("read"))
}

fn notes(repository: &Path) -> String {
    fs::read_to_string(repository.join("build/changes.md")).expect("written")
}

/// Writes the repository's specification: JSON is YAML, too.
fn specify(repository: &Path, file: &str, version: &str, paths: &Value) {
    let mut document = document("3.0.3", paths);
    document["info"]["version"] = json!(version);
    fs::write(repository.join(file), serde_json::to_string_pretty(&document).expect("JSON")).expect("written");
}

/// Accepts the change as the summary says, and then releases it.
fn acceptance(repository: &Path, both: &Value, one: &Value) {
    let file = "specification/lib.yaml";
    let (_, summary) = changes(repository, &[]);
    let entry = summary.split_once("```toml\n").expect("an entry").1.split_once("\n```").expect("its end").0;
    let accepted = repository.join("specification/accepted-changes.toml");
    fs::write(&accepted, entry).expect("written");
    let (ran, _) = changes(repository, &[]);
    assert!(ran.code != Some(0) && ran.stderr.contains("entry 1 must have"), "{ran:?}");
    fs::write(&accepted, entry.replace("why = \"\"", "why = \"nobody uses it\"")).expect("written");
    let (ran, summary) = changes(repository, &[]);
    assert!(ran.code == Some(0) && summary.contains("Accepted: nobody uses it"), "{ran:?}");
    // After the next release the entry is old, and the same change is a new one.
    specify(repository, file, "1.3.0", both);
    release(repository, "v1.3.0");
    specify(repository, file, "1.4.0", one);
    let (ran, summary) = changes(repository, &[]);
    assert!(ran.code == Some(2) && summary.contains("is about v1.2.0, and the last release is v1.3.0"), "{ran:?}");
    for (version, code) in
        [("2.0.0", 0), ("2", 0), ("2.0.0-rc.1", 0), ("{VERSION}", 2), ("2027-01-31", 2), ("1.9.9", 2)]
    {
        specify(repository, file, version, one);
        let (ran, _) = changes(repository, &[]);
        assert_eq!(ran.code, Some(code), "{version}: {ran:?}");
    }
    release(repository, "v2.0.0");
    let (ran, _) = changes(repository, &[]);
    assert!(ran.code == Some(0) && notes(repository) == "Nothing that callers notice has changed.\n", "{ran:?}");
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_change_that_breaks_callers_is_listed_then_reported_then_refused() {
    let tools = linters();
    for style in ["apigee", "proxygen"] {
        let program = Program::new();
        let repository = repository(&program, &["--set", &format!("style={style}")]);
        equip(&repository, &tools);
        let file = "specification/lib.yaml";
        let answers = json!({"responses": {"200": {"description": "Done."}}});
        let both = json!({"/a": {"get": answers}, "/b/{id}": {"get": answers, "delete": answers}});
        let one = json!({"/a": {"get": answers}, "/b/{other}": {"get": answers}, "/c": {"get": answers}});
        let (ran, summary) = changes(&repository, &[]);
        assert!(ran.code == Some(0) && summary.contains("The first release"), "{ran:?}");
        specify(&repository, file, "1.2.0", &both);
        release(&repository, "v1.2.0");
        // Neither a pre-release nor a later release elsewhere counts.
        specify(&repository, file, "1.3.0", &one);
        release(&repository, "v1.3.0-rc.1");
        let gone = "**Breaking:** `DELETE /b/{id}`: the operation is removed.";
        for early in ["inception", "discovery", "alpha"] {
            phase(&repository, early);
            let (ran, summary) = changes(&repository, &[]);
            assert!(ran.code == Some(0) && summary.contains(gone) && ran.stdout.contains("::notice file="), "{ran:?}");
        }
        assert_eq!(
            notes(&repository),
            format!("### Added\n\n- `GET /c`: the operation is new.\n\n### Removed\n\n- {gone}\n")
        );
        phase(&repository, "beta");
        let (ran, summary) = changes(&repository, &[]);
        let line =
            format!("::warning file={file},line=1,title=Breaking change::DELETE /b/{{id}}: the operation is removed\n");
        assert!(
            ran.code == Some(0) && ran.stdout.contains(&line) && summary.contains("tell the API's users"),
            "{ran:?}"
        );
        for late in ["live", "deprecated", "retired"] {
            phase(&repository, late);
            let (ran, summary) = changes(&repository, &[]);
            assert!(ran.code == Some(2) && ran.stdout.contains("::error file=") && summary.contains(gone), "{ran:?}");
            let last = ran.stderr.lines().find(|line| line.starts_with("1 change breaks callers")).expect("a sentence");
            assert!(last.contains(&format!("phase {late}")) && last.contains("1.2.0 -> 1.3.0"), "{last}");
        }
        acceptance(&repository, &both, &one);
        let release = |tag: &str| {
            let document = "build/specification.json";
            Ran::of(
                &python(&repository)
                    .args(["scripts/changes.py", document, "--release", tag])
                    .output()
                    .expect("it starts"),
            )
        };
        assert!(release("v2.0.0").stdout.starts_with("## API changes since v1.3.0\n"));
        assert!(release("v1.3.0").stdout.starts_with("## API changes since v1.2.0\n"));
        assert!(release("v1.2.0").stdout.contains("The first release"));
        assert_eq!(git(&repository, &["status", "--porcelain", "--", "build", "scripts"]), "");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_release_that_cannot_be_read_is_an_error_and_never_no_change() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    equip(&repository, &linters());
    let file = "specification/lib.yaml";
    let whole = fs::read_to_string(repository.join(file)).expect("read");
    for (number, (text, says)) in [
        ("paths: [", "cannot be bundled"),
        ("- 1\n", "cannot be bundled"),
        ("openapi: 3.0.3\ninfo: 1\npaths: {}\n", "`info`"),
        ("openapi: 3.0.3\ninfo: {}\n", "no `paths`"),
    ]
    .iter()
    .enumerate()
    {
        fs::write(repository.join(file), text).expect("written");
        release(&repository, &format!("v1.{number}.0"));
        fs::write(repository.join(file), &whole).expect("written");
        let (ran, _) = changes(&repository, &[]);
        assert!(
            ran.code == Some(2) && ran.stderr.contains(says) && ran.stderr.contains(&format!("v1.{number}.0")),
            "{text}: {ran:?}"
        );
        let folder = repository.to_string_lossy().into_owned();
        assert!(
            !ran.stderr.contains("Traceback") && !ran.stderr.contains(&format!("{folder}/build/released")),
            "{ran:?}"
        );
    }
    git(&repository, &["rm", "--quiet", "--cached", "environments.toml"]);
    git(&repository, &["commit", "--quiet", "-m", "Without the list"]);
    git(&repository, &["tag", "v3.0.0"]);
    let (ran, _) = changes(&repository, &[]);
    assert!(ran.code == Some(2) && ran.stderr.contains("environments.toml of v3.0.0 does not say"), "{ran:?}");
    // The way out that the message names.
    fs::write(repository.join("old.json"), fs::read(repository.join("build/specification.json")).expect("built"))
        .expect("written");
    let (ran, _) = changes(&repository, &["BASE=old.json"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("Nothing that callers notice has changed."), "{ran:?}");
}

#[test]
fn where_the_last_release_is_unknown_the_comparison_fails_and_says_what_to_do() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let new = json!({"openapi": "3.0.3", "info": {"title": "A", "version": "1"}, "paths": {}});
    let document = program.write("new.json", new.to_string());
    let run = |folder: &Path, more: &[&str]| {
        let mut command = python(folder);
        Ran::of(&command.arg("scripts/changes.py").arg(&document).args(more).output().expect("it starts"))
    };
    let clone = |name: &str, how: &[&str]| {
        let from = format!("file://{}", repository.display());
        git(&program.folder(), &[&["clone", "--quiet"], how, &[&from, name]].concat());
        program.folder().join(name)
    };
    release(&repository, "v0.1.0-rc.1");
    let first = run(&repository, &[]);
    assert!(first.code == Some(0) && first.stdout.contains("The first release"), "{first:?}");
    release(&repository, "v0.1.0");
    let bare = clone("no-git", &[]);
    fs::remove_dir_all(bare.join(".git")).expect("removed");
    for (folder, says) in [
        (clone("shallow", &["--depth=1"]), "git fetch --unshallow --tags"),
        (clone("tagless", &["--no-tags"]), "git fetch --tags"),
        (bare, "is not a git repository"),
    ] {
        let ran = run(&folder, &[]);
        assert!(ran.code == Some(1) && ran.stderr.contains(says) && ran.stderr.contains("BASE=FILE"), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        let base = document.to_str().expect("a path");
        assert_eq!(run(&folder, &["--base", base]).code, Some(0), "a file is enough");
    }
    let other = run(&repository, &["--release", "latest"]);
    assert!(other.code == Some(1) && other.stderr.contains("`latest` is not the tag of a release"), "{other:?}");
    for text in [
        "",
        "[]",
        "{\"openapi\": \"4.0.0\"}",
        "{\"openapi\": \"3.0.3\", \"info\": {}}",
        "{\"swagger\": \"2.0\", \"info\": {}, \"paths\": {\"/a\": {\"parameters\": [1]}}}",
    ] {
        let old = program.write("old.json", text);
        let ran = run(&repository, &["--base", old.to_str().expect("a path")]);
        assert!(
            ran.code == Some(1) && ran.stderr.contains("old.json") && !ran.stderr.contains("Traceback"),
            "{text}: {ran:?}"
        );
    }
}

#[test]
fn an_entry_that_is_not_sound_accepts_nothing_and_is_an_error() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let new = json!({"openapi": "3.0.3", "info": {"title": "A", "version": "1"}, "paths": {}});
    let document = program.write("new.json", new.to_string());
    for text in [
        "x",
        "[[accept]]",
        "accepted = 1",
        "[[accepted]]\nchange = \"a\"",
        "[[accepted]]\nchange = \"a\"\nsince = \"v1\"\nwhy = 3",
        "accepted = [1]",
    ] {
        fs::write(repository.join("specification/accepted-changes.toml"), text).expect("written");
        let mut command = python(&repository);
        command.arg("scripts/changes.py").arg(&document).arg("--base").arg(&document);
        let ran = Ran::of(&command.output().expect("it starts"));
        assert!(
            ran.code == Some(1) && ran.stderr.contains("accepted-changes.toml") && !ran.stderr.contains("Traceback"),
            "{text}: {ran:?}"
        );
    }
}
