//! The targets of a generated repository's Makefile: what is missing or wrong is one sentence, and what was built is deleted.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::linted::equip;
use crate::program::{Program, Ran};
use crate::tools::linters;

/// A folder of programs, as the only one in `PATH`: those that a target needs, without `missing`, and these scripts.
fn programs(program: &Program, name: &str, missing: &[&str], scripts: &[(&str, &str)]) -> String {
    let folder = program.folder().join(name);
    fs::create_dir(&folder).expect("made");
    let usual = ["make", "sh", "git", "awk", "rm", "mkdir", "head", "cat", "true", "false", "python3", "node", "npm"];
    for command in usual.into_iter().filter(|command| !missing.contains(command)) {
        if scripts.iter().all(|(script, _)| *script != command) {
            let places = ["/usr/local/bin", "/usr/bin", "/bin"].map(|place| Path::new(place).join(command));
            let place = places.iter().find(|place| place.exists()).unwrap_or_else(|| panic!("no {command}"));
            symlink(place, folder.join(command)).expect("linked");
        }
    }
    for (script, text) in scripts {
        let path = program.write(&format!("{name}/{script}"), text);
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("executable");
    }
    folder.to_str().expect("a path").to_owned()
}

/// Runs make with nothing else in `PATH`; gives what it said besides the commands that it shows and its own last line.
fn make(program: &Program, path: &str, arguments: &[&str]) -> (Ran, Vec<String>) {
    let mut command = Command::new("/usr/bin/env");
    command.args(["-i", &format!("PATH={path}"), "PYTHONDONTWRITEBYTECODE=1", "make"]).args(arguments);
    command.current_dir(program.folder().join("lib")).env_remove("MAKEFLAGS");
    let ran = Ran::of(&command.output().expect("env starts"));
    let own = |line: &&str| !line.starts_with("make") && !line.starts_with("python3 ") && !line.is_empty();
    let said = ran.stdout.lines().chain(ran.stderr.lines()).filter(own).map(str::to_owned).collect();
    (ran, said)
}

fn refused(program: &Program, path: &str, arguments: &[&str], words: &[&str]) {
    let (ran, said) = make(program, path, arguments);
    assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:?}");
    assert_eq!(said.len(), 1, "{arguments:?}: {said:?}");
    for word in words {
        assert!(said[0].contains(word), "{arguments:?}: {said:?}");
    }
}

const OLD_PYTHON: &str = "#!/bin/sh\n[ \"$1\" = --version ] || exit 1\necho 'Python 3.9.2'\n";
const OLD_NODE: &str = "#!/bin/sh\necho v18.20.4\n";
const NO_VENV: &str = "#!/bin/sh\ncase \"$*\" in *ensurepip*) exit 1 ;; esac\nexec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin python3 \"$@\"\n";

#[test]
fn a_program_that_is_missing_or_too_old_is_one_sentence_in_every_target_that_needs_it() {
    for style in ["apigee", "proxygen"] {
        let program = Program::new();
        program.done(&["new", "lib", "--set", &format!("style={style}")]);
        let old_python = programs(&program, "old-python", &[], &[("python3", OLD_PYTHON)]);
        let no_python = programs(&program, "no-python", &["python3"], &[]);
        let old_node = programs(&program, "old-node", &[], &[("node", OLD_NODE)]);
        let no_node = programs(&program, "no-node", &["node"], &[]);
        let no_npm = programs(&program, "no-npm", &["npm"], &[]);
        let needs_python = ["generate", "lint", "test", "changes", "bundle", "publish", "deploy", "smoke"];
        let needs_node = ["install", "lint", "test", "changes", "sandbox", "docs", "bundle", "publish", "sbom"];
        for target in needs_python {
            refused(&program, &old_python, &[target], &["Python 3.11 or newer is needed", "python3 is Python 3.9.2"]);
            refused(&program, &no_python, &[target], &["Python 3.11 or newer is needed", "python3 is missing"]);
        }
        for target in needs_node {
            refused(&program, &old_node, &[target], &["Node.js 20 or newer is needed", "node is v18.20.4"]);
            refused(&program, &no_node, &[target], &["Node.js 20 or newer is needed", "node is missing"]);
            refused(&program, &no_npm, &[target], &["npm is needed"]);
        }
        let targets = make(&program, &no_npm, &[]).1;
        let targets: BTreeSet<&str> = targets.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let tried: BTreeSet<&str> = needs_python.into_iter().chain(needs_node).chain(["help", "clean"]).collect();
        assert_eq!(targets.symmetric_difference(&tried).collect::<Vec<_>>(), [] as [&&str; 0], "{style}");
        let no_venv = programs(&program, "no-venv", &[], &[("python3", NO_VENV)]);
        refused(&program, &no_venv, &[".venv"], &["install your system's package python3-venv"]);
        assert!(!program.folder().join("lib/.venv").exists());
        assert_eq!(program.git("lib", &["status", "--porcelain"]), "", "{style}");
    }
}

#[test]
fn a_place_that_is_not_there_is_one_sentence() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let path = programs(&program, "usual", &[], &[]);
    let cases: [(&[&str], &[&str]); 13] = [
        (&["smoke"], &["say which environment, as ENVIRONMENT=internal-dev", "internal-qa"]),
        (&["deploy"], &["say which environment, as ENVIRONMENT=internal-dev"]),
        (&["smoke", "ENVIRONMENT=nowhere"], &["no environment `nowhere`: it has internal-dev"]),
        (&["deploy", "ENVIRONMENT=no where"], &["no environment `no where`: it has internal-dev"]),
        (&["smoke", "BASE_URL=nowhere"], &["no environment `nowhere`"]),
        (&["smoke", "BASE_URL=https://127.0.0.1:1/lib"], &["https://127.0.0.1:1/lib/_ping", "does not answer"]),
        (&["smoke", "BASE_URL=https://nowhere.invalid/lib"], &["https://nowhere.invalid does not answer"]),
        (&["smoke", "BASE_URL=http://example.invalid/lib"], &["only https is spoken to other machines"]),
        (&["smoke", "BASE_URL=https://[::1/lib"], &["this is not an address", "https://HOST/PATH"]),
        (&["smoke", "BASE_URL=https://host:port/lib"], &["this is not an address", "https://HOST/PATH"]),
        (&["smoke", "BASE_URL=https://.invalid/lib"], &["does not answer"]),
        (&["deploy", "ENVIRONMENT=internal-dev", "PULL_REQUEST=abc"], &["`abc` is not the number of a pull request"]),
        (&["deploy", "ENVIRONMENT=int", "PULL_REQUEST=1"], &["`int` takes no previews"]),
    ];
    for (arguments, words) in cases {
        let begun = std::time::Instant::now();
        refused(&program, &path, arguments, words);
        assert!(begun.elapsed().as_secs() < 60, "{arguments:?}: nothing is waited for");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_page_of_each_kind_of_document_needs_no_network() {
    let tools = linters();
    let program = Program::new();
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs");
    let loads = regex::Regex::new(r#"<(script|link|img|iframe)\b[^>]*\b(src|href)="?(https?:)?//"#).expect("a pattern");
    for (name, spec) in [("one", "library/library.yaml"), ("two", "orchard-2.0.yaml"), ("three", "queue-3.2.yaml")] {
        program.done(&["new", name, "--spec", specs.join(spec).to_str().expect("a path")]);
        let folder = program.folder().join(name);
        equip(&folder, &tools);
        let made = Command::new("make").arg("docs").current_dir(&folder).output().expect("make starts");
        assert!(made.status.success(), "{spec}: {made:?}");
        let page = fs::read_to_string(folder.join("build/docs.html")).expect("read");
        let document = fs::read_to_string(folder.join("build/specification.json")).expect("read");
        let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        assert!(page.contains(document["info"]["title"].as_str().expect("a title")), "{spec}");
        assert!(!loads.is_match(&page), "{spec}: {:?}", loads.find(&page));
    }
}
