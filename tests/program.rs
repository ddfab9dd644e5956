//! The program under test, in a world of its own: an empty environment, its own home, its own folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A closed world.
pub(crate) struct Program {
    root: TempDir,
}

/// What one run gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("work")).expect("made");
        fs::create_dir(root.path().join("home")).expect("made");
        Self { root }
    }

    /// The current folder of each run.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("work").canonicalize().expect("there")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home").canonicalize().expect("there")
    }

    /// Writes a file below the current folder.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apiscaffold"));
        command.args(arguments).env_clear().current_dir(self.folder()).stdin(Stdio::null());
        command.env("HOME", self.home()).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().expect("the program starts"))
    }

    /// Runs the program, which must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    }

    /// The registry, as `list --json` gives it.
    pub(crate) fn registry(&self) -> Value {
        self.done(&["list", "--json"]).json()
    }

    /// Names and states in the registry.
    pub(crate) fn records(&self) -> Vec<(String, String)> {
        let listing = self.registry();
        assert_eq!(listing["problems"], serde_json::json!([]));
        let text = |record: &Value, key: &str| record[key].as_str().expect("a text").to_owned();
        let records = listing["apis"].as_array().expect("a list").iter();
        records.map(|record| (text(record, "name"), text(record, "state"))).collect()
    }

    /// Real git in a repository below the current folder; it must succeed.
    pub(crate) fn git(&self, repository: &str, arguments: &[&str]) -> String {
        git(&self.folder().join(repository), arguments)
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8");
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs real git with nobody's configuration.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").env("HOME", "/nonexistent");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@example.invalid");
    }
    let output = command.output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Every file below a folder but git's own: path and bytes.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != ".git") {
                    folders.push(path);
                }
            } else {
                let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

/// The real document that no repository is made of: its version is the number 3.0.
pub(crate) const REFUSED: &str = "odd-circular-tests.yaml";

/// The answer to `style` for a real document: the operations of one have no access mode in common, and style apigee
/// lets the same callers in everywhere.
pub(crate) fn style(document: &Path) -> &'static str {
    if document.ends_with("hello-world.yaml") { "style=proxygen" } else { "style=apigee" }
}
