//! The workflow that every pull request runs, run here: its `run:` steps in order, each in a shell as GitHub's.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::linted::{equip, tools};
use crate::program::Program;

/// Name and command of each `run:` step of a job.
fn steps(workflow: &Path, job: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(workflow).expect("read");
    let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
    let steps = workflow["jobs"][job]["steps"].as_array().expect("steps").iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    steps.filter_map(|step| Some((text(&step["name"])?, text(&step["run"])?))).collect()
}

/// What stands in for the two commands that install: everything is here already, linked from where it was installed
/// before, and must not be changed there.
const SHIMS: [(&str, &str); 2] = [
    ("npm", "#!/bin/sh\n[ \"$1\" = ci ] && [ -d node_modules/.bin ]\n"),
    (
        "python3",
        "#!/bin/sh\n[ \"$1 $2\" = '-m venv' ] && exec test -x .venv/bin/python\nexec /usr/bin/env PATH=\"${PATH#*:}\" python3 \"$@\"\n",
    ),
];

/// Runs the steps of the job; each must succeed. Gives what they said, by name.
fn run(repository: &Path, program: &Program, steps: &[(String, String)]) -> BTreeMap<String, String> {
    for (name, text) in SHIMS {
        let shim = program.write(&format!("shims/{name}"), text);
        fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).expect("executable");
    }
    let path = format!("{}:{}", program.folder().join("shims").display(), std::env::var("PATH").expect("a path"));
    let mut said = BTreeMap::new();
    for (name, command) in steps {
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command])
            .current_dir(repository)
            .env_clear()
            .env("PATH", &path)
            .env("HOME", program.home())
            .env("CI", "true")
            .output()
            .expect("bash starts");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {text}");
        said.insert(name.clone(), text.into_owned());
    }
    said
}

fn pull_request_is_green(style: &str, built: &[&str]) {
    let Some(tools) = tools() else { return };
    let program = Program::new();
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/library/library.yaml");
    let style = format!("style={style}");
    program.done(&["new", "lib", "--spec", spec.to_str().expect("a path"), "--set", &style]);
    // What was committed, and nothing else, as a runner checks it out.
    let done = Command::new("git").args(["clone", "-q", "lib", "clone"]).current_dir(program.folder()).status();
    assert!(done.expect("git starts").success());
    let clone = program.folder().join("clone");
    equip(&clone, &tools);
    let steps = steps(&clone.join(".github/workflows/pull-request.yml"), "check");
    let commands: Vec<&str> = steps.iter().map(|(_, command)| command.as_str()).collect();
    assert_eq!(commands, ["make install", "make lint", "make test", "make bundle"]);
    let said = run(&clone, &program, &steps);
    assert!(said["Test"].contains(" passed"), "{said:?}");
    for file in built {
        assert!(clone.join("build").join(file).is_file(), "{file}: {said:?}");
    }
    let changed = Command::new("git").args(["status", "--porcelain"]).current_dir(&clone).output().expect("git starts");
    // Git takes the links that stand in for installed folders for files.
    let changed = String::from_utf8_lossy(&changed.stdout).replace("?? .venv\n", "").replace("?? node_modules\n", "");
    assert_eq!(changed, "", "a build leaves the clone as it was");
}

#[test]
fn a_pull_request_of_an_apigee_repository_is_green() {
    pull_request_is_green("apigee", &["live.zip", "sandbox.zip"]);
}

#[test]
fn a_pull_request_of_a_proxygen_repository_is_green() {
    pull_request_is_green("proxygen", &["internal-dev.json", "sandbox.json"]);
}
