//! What a generated repository says about changes of its API: which break callers, and what its phase allows.

mod oracle;
mod repository;
mod table;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::program::Program;

const BREAKS: &str = "breaking";
const WARNS: &str = "warning";
const FINE: &str = "compatible";

/// Reads pairs of documents, and prints the changes of each: rule, severity and place.
const DRIVER: &str = r#"
import json, sys
sys.path.insert(0, "scripts")
import compare
pairs = json.load(sys.stdin)
changes = [compare.compare(compare.read(old, "old"), compare.read(new, "new")) for old, new in pairs]
json.dump([[[one.rule, one.severity, one.place] for one in found] for found in changes], sys.stdout)
"#;

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Change {
    rule: String,
    severity: String,
    place: String,
}

impl Change {
    fn breaks(&self) -> bool {
        self.severity == "breaking"
    }
}

fn repository(program: &Program, arguments: &[&str]) -> PathBuf {
    program.done(&[&["new", "lib"], arguments].concat());
    program.folder().join("lib")
}

fn python(repository: &Path) -> Command {
    let mut command = Command::new("python3");
    command.current_dir(repository).env("PYTHONDONTWRITEBYTECODE", "1").env_remove("GITHUB_ACTIONS");
    command
}

/// The changes of each pair, as the repository's own script finds them.
fn compared(repository: &Path, pairs: &[(Value, Value)]) -> Vec<Vec<Change>> {
    let mut child = python(repository)
        .args(["-c", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = child.stdin.take().expect("a pipe");
    let text = serde_json::to_vec(&pairs).expect("JSON");
    let writer = std::thread::spawn(move || input.write_all(&text));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("written");
    assert!(output.status.success());
    let found: Vec<Vec<[String; 3]>> = serde_json::from_slice(&output.stdout).expect("JSON");
    let change = |[rule, severity, place]: [String; 3]| Change { rule, severity, place };
    found.into_iter().map(|one| one.into_iter().map(change).collect()).collect()
}

fn document(version: &str, paths: &Value) -> Value {
    json!({"openapi": version, "info": {"title": "Changes", "version": "1.0.0"}, "paths": paths})
}
