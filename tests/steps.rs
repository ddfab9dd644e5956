//! A dry run does what a run does, and only reports: for every command that changes something without GitHub.

use serde_json::Value;

use crate::program::{Program, files};
use crate::registry::reserve;

const GATES: &str = r#"
[template]
name = "own"

[[gate]]
id = "kick-off"
phase = "discovery"
title = "The kick-off was held"
how = "Hold it."
"#;

/// The steps, without how they went.
fn steps(document: &Value) -> Vec<(&Value, &Value)> {
    let steps = document["steps"].as_array().unwrap_or_else(|| panic!("no steps: {document:#}"));
    steps.iter().map(|step| (&step["step"], &step["words"])).collect()
}

#[test]
fn a_dry_run_has_the_steps_of_a_run_and_changes_nothing() {
    let program = Program::new();
    program.write("template/apiscaffold.toml", GATES);
    program.write("template/state.txt", "{{ api.phase }}\n");
    program.write("apis.csv", "name,phase,repository_url\nold,live,https://example.org/old\n");
    let evidence = "--evidence=kick-off=https://example.org/1";
    let commands: [&[&str]; 5] = [
        &["new", "my-api", "--template", "template"],
        &["phase", "my-api", evidence],
        &["phase", "my-api", "discovery"],
        &["registry", "import", "apis.csv"],
        &["registry", "release", "half", "--yes"],
    ];
    let state = || (files(&program.folder()), files(&program.home()));
    reserve(&program, "half", 0, "apiscaffold@localhost");
    for command in commands {
        let before = state();
        let dry = program.done(&[command, &["--dry-run", "--json"]].concat()).json();
        assert_eq!(state(), before, "{command:?}");
        let run = program.done(&[command, &["--json"]].concat()).json();
        assert_eq!(steps(&dry), steps(&run), "{command:?}");
        assert!(!steps(&dry).is_empty(), "{command:?}");
        assert_ne!(state(), before, "{command:?}");
        let planned = dry["steps"].as_array().into_iter().flatten().all(|step| step["status"] == "planned");
        assert!(planned, "{dry:#}");
    }
}
