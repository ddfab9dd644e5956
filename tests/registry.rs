//! `list` and `show`, and many runs at once.

use std::process::Stdio;

use serde_json::json;

use crate::program::{Program, git};

#[test]
fn list_and_show_tell_what_new_recorded() {
    let program = Program::new();
    assert_eq!(program.done(&["list"]).stdout, "");
    program.done(&["new", "my-api", "--set", "title=My <API>"]);
    program.done(&["new", "other"]);
    let table = program.done(&["list"]).stdout;
    assert!(table.starts_with("NAME") && table.lines().count() == 3 && table.contains("My <API>"), "{table}");
    let record = program.done(&["show", "my-api", "--json"]).json();
    assert_eq!((&record["phase"], &record["state"]), (&json!("inception"), &json!("active")));
    assert!(program.done(&["show", "my-api"]).stdout.contains("title = \"My <API>\""));
    assert_eq!(program.done(&["list", "--phase", "live", "--json"]).json()["apis"], json!([]));
    let near = program.run(&["show", "my-apu"]);
    assert!(near.code == Some(2) && near.stderr.contains("did you mean `my-api`?"), "{near:?}");
}

#[test]
fn twenty_producers_at_once_get_twenty_records() {
    let program = Program::new();
    let start = |i: usize| {
        let mut command = program.command(&["new", &format!("api-{i}")]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = (0..20).map(start).collect();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let records = program.records();
    assert_eq!(records.len(), 20);
    let registry = program.home().join(".local/share/apiscaffold/registry.git");
    assert_eq!(git(&registry, &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn of_many_producers_racing_for_one_name_one_wins() {
    let program = Program::new();
    let start = |i: usize| {
        let folder = format!("place-{i}");
        std::fs::create_dir(program.folder().join(&folder)).expect("made");
        let mut command = program.command(&["new", "wanted", "--into", &folder]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = (0..12).map(start).collect();
    let mut codes = Vec::new();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || stderr.contains("`wanted` is taken"), "{stderr}");
        codes.push(output.status.code().expect("a code"));
    }
    codes.sort_unstable();
    assert_eq!(codes, [vec![0], vec![5; 11]].concat());
    let made = (0..12).filter(|i| program.folder().join(format!("place-{i}/wanted")).exists()).count();
    assert_eq!((made, program.records().len()), (1, 1));
}
