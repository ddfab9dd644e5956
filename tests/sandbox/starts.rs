//! A sandbox that cannot start says why in one sentence, and what to do.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::repository;
use crate::program::Program;
use crate::tools::linters;

/// What the sandbox says that does not start; it must be one line.
fn said(folder: &Path, node: &[&str], variables: &[(&str, &str)], spec: Option<&Path>) -> String {
    let mut command = Command::new("node");
    command.args(node).arg("sandbox/server.js").args(spec).current_dir(folder);
    command.env_remove("HOST").env("PORT", "0").envs(variables.iter().copied());
    let output = command.output().expect("node starts");
    let text = String::from_utf8(output.stderr).expect("a text");
    assert_eq!(output.status.code(), Some(1), "{variables:?}: {text}");
    assert!(output.stdout.is_empty() && text.ends_with(".\n") && text.lines().count() == 1, "{variables:?}: {text}");
    text.trim().to_owned()
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_sandbox_that_cannot_start_says_why_and_what_to_do() {
    let program = Program::new();
    let folder = repository(&program, "bare", &[], &linters());
    for port in ["abc", "", "-1", "65536", "80x", "9.5", "9000 "] {
        let expected = format!("PORT is a number from 0 to 65535, and not \"{port}\": run make sandbox PORT=9000.");
        assert_eq!(said(&folder, &[], &[("PORT", port)], None), expected);
    }
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("one").port().to_string();
    let busy = said(&folder, &[], &[("PORT", &port)], None);
    assert_eq!(
        busy,
        format!("Port {port} is in use: end the other program, or choose another port with make sandbox PORT=9001.")
    );
    let nowhere = said(&folder, &[], &[("HOST", "192.0.2.1")], None);
    assert!(
        nowhere.starts_with("The sandbox cannot listen on 192.0.2.1 (") && nowhere.contains("set HOST to"),
        "{nowhere}"
    );
    for (name, text) in [("broken.yaml", Some("a: [")), ("number.yaml", Some("5")), ("missing.yaml", None)] {
        let path = program.folder().join(name);
        if let Some(text) = text {
            program.write(name, text);
        }
        let broken = said(&folder, &[], &[], Some(&path));
        assert!(broken.starts_with("The sandbox cannot read ") && broken.contains(name), "{broken}");
    }
    let old = program.write("old.js", "Object.defineProperty(process.versions, 'node', { value: '18.20.4' });");
    let node = said(&folder, &["--require", old.to_str().expect("a path")], &[], None);
    assert_eq!(node, "The sandbox needs Node.js 20 or newer, and this is 18.20.4: install a newer one.");
    std::fs::remove_file(folder.join("node_modules")).expect("unlinked");
    assert_eq!(said(&folder, &[], &[], None), "The sandbox's packages are not installed: run make install.");
}

/// An old Node.js must be able to read the file that says that it is too old.
#[test]
fn the_file_that_asks_for_the_version_is_plain() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("template/sandbox/server.js");
    let text = std::fs::read_to_string(path).expect("there");
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    for new in ["?.", "??", "`", "=>", "#", "async", "...", "import "] {
        assert!(!code.contains(new), "{new}");
    }
}
