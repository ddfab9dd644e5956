//! `apiscaffold new`, as a producer runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::git_server::old_base;
use crate::program::{Program, Ran};

const SPEC: &str = "openapi: 3.0.3\ninfo: {title: Prescriptions, version: 1.0.0, description: What was prescribed}\npaths:\n  /items/{id}:\n    get:\n      operationId: getItem\n      responses: {'200': {description: ok}}\n    delete:\n      responses: {'204': {description: gone}}\n";

#[test]
fn a_spec_becomes_a_committed_and_registered_repository() {
    let program = Program::new();
    program.write("spec.yaml", SPEC);
    let ran = program.done(&["new", "my-api", "--spec", "spec.yaml"]);
    assert!(ran.stdout.starts_with("my-api is ready in my-api\n"), "{ran:?}");
    assert!(ran.stdout.contains("2 operations"), "{ran:?}");
    assert_eq!(ran.stderr, "");
    assert_eq!(program.git("my-api", &["fsck", "--strict"]), "");
    assert_eq!(program.git("my-api", &["status", "--porcelain"]), "");
    assert_eq!(program.git("my-api", &["rev-list", "--count", "HEAD"]), "1");
    assert_eq!(program.git("my-api", &["symbolic-ref", "HEAD"]), "refs/heads/main");
    let base = program.git("my-api", &["rev-parse", "refs/apiscaffold/base/1"]);
    assert_eq!(program.git("my-api", &["rev-parse", "HEAD"]), base);
    assert_eq!(fs::read_to_string(program.folder().join("my-api/specification/my-api.yaml")).expect("there"), SPEC);
    assert_eq!(program.records(), [("my-api".to_owned(), "active".to_owned())]);
    let beside: Vec<_> =
        fs::read_dir(program.folder()).expect("listed").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

#[test]
fn nothing_but_the_binary_is_needed() {
    let program = Program::new();
    let mut command = program.command(&["new", "my-api"]);
    command.env_clear();
    // Where there is no HOME, the home folder is the user's own: keep the test out of it.
    command.env("XDG_DATA_HOME", program.home()).env("XDG_CONFIG_HOME", program.home());
    let ran = Ran::of(&command.output().expect("it starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(program.git("my-api", &["log", "-1", "--format=%an <%ae>"]), "apiscaffold <apiscaffold@localhost>");
}

#[test]
fn the_author_is_who_git_says() {
    let program = Program::new();
    fs::write(program.home().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.invalid\n")
        .expect("written");
    program.done(&["new", "my-api"]);
    assert_eq!(program.git("my-api", &["log", "-1", "--format=%an <%ae>"]), "Ada <ada@example.invalid>");
    let record = program.done(&["show", "my-api", "--json"]).json();
    assert_eq!(record["history"][0]["by"], json!("Ada <ada@example.invalid>"));
}

#[test]
fn a_template_of_ones_own_keeps_bits_bytes_and_other_engines_text() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n[[file]]\npath = \"no/**\"\nwhen = \"false\"\n");
    program.write("t/{{ name }}/run.sh", "#!/bin/sh\necho {{ name }} ${{ github.ref }}\r\n");
    program.write("t/no/x", "x");
    program.write("t/bin", [0_u8, 159, 146, 150]);
    fs::set_permissions(program.folder().join("t/{{ name }}/run.sh"), fs::Permissions::from_mode(0o755)).expect("set");
    program.done(&["new", "my-api", "--template", "t"]);
    let made = program.folder().join("my-api");
    assert_eq!(fs::read(made.join("my-api/run.sh")).expect("there"), b"#!/bin/sh\necho my-api ${{ github.ref }}\r\n");
    assert_eq!(fs::read(made.join("bin")).expect("there"), [0_u8, 159, 146, 150]);
    assert!(!made.join("no").exists());
    assert_eq!(fs::metadata(made.join("my-api/run.sh")).expect("there").permissions().mode() & 0o111, 0o111);
    assert!(program.git("my-api", &["ls-files", "-s", "my-api/run.sh"]).starts_with("100755"));
}

#[test]
fn the_questions_are_a_json_schema_that_takes_the_defaults() {
    let program = Program::new();
    let schema = program.done(&["template", "questions", "--json"]).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&json!({"title": "A title"})));
    assert!(!validator.is_valid(&json!({"titel": "A title"})));
    assert!(!validator.is_valid(&json!({"title": 3})));
    assert!(program.done(&["template", "questions"]).stdout.contains("title  "));
}

#[test]
fn the_contact_is_the_documents_own_where_it_is_an_address() {
    let program = Program::new();
    let contact = |email: &str| {
        let info = serde_json::json!({"title": "T", "version": "1", "contact": {"email": email}});
        let spec = serde_json::json!({"openapi": "3.0.3", "info": info, "paths": {}});
        program.write("spec.json", spec.to_string());
        let _ = std::fs::remove_dir_all(program.folder().join("out"));
        program.done(&["template", "preview", "lib", "--spec", "spec.json", "--into", "out"]);
        let receipt = std::fs::read_to_string(program.folder().join("out/.apiscaffold.toml")).expect("read");
        let receipt: toml::Value = toml::from_str(&receipt).expect("TOML");
        receipt["answers"]["contact_email"].as_str().expect("a text").to_owned()
    };
    for own in ["team@example.org", "First.Last_2%x+y-z@a-b.Example.co.uk", "a@b.c"] {
        assert_eq!(contact(own), own);
    }
    assert_eq!(contact(" team@example.org\n"), "team@example.org");
    let long = format!("{}@example.org", "a".repeat(243));
    for other in [
        "",
        "team",
        "@",
        "team@",
        "@example.org",
        "team@example",
        "a@b@example.org",
        "a b@example.org",
        "team@exam_ple.org",
        "team@.org",
        "team@example.",
        "team@example..org",
        "Team <team@example.org>",
        "tëam@example.org",
        "a@a@b.c",
        &long,
    ] {
        assert_eq!(contact(other), "api.management@nhs.net", "{other}");
    }
}

/// Each further library is looked up, mapped and linked at every start. GCC's unwinder comes with every Rust program.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_program_loads_the_c_library_and_none_beside_it() {
    let listed = std::process::Command::new("ldd")
        .arg(env!("CARGO_BIN_EXE_apiscaffold"))
        .output()
        .expect("ldd is part of the C library");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let is_of_it = |line: &&str| {
        ["linux-vdso", "libc.so", "libgcc_s.so", "libm.so", "ld-linux"].iter().any(|name| line.contains(name))
    };
    let others: Vec<&str> = listed.lines().filter(|line| !is_of_it(line)).collect();
    assert!(listed.contains("libc.so") && others.is_empty(), "{listed}");
}

#[test]
fn a_base_of_an_earlier_version_counts() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    old_base(&program.folder().join("my-api"));
    let again = program.done(&["new", "my-api"]);
    assert_eq!(again.stdout, "my-api is complete already in my-api: nothing to do\n");
    let refused = program.run(&["new", "my-api", "--set", "title=Other"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.contains("what is different: the answer to `title`"), "{refused:?}");
    program.done(&["phase", "my-api", "discovery", "--waive", "kick-off=x"]);
    assert_eq!(program.git("my-api", &["rev-list", "--count", "HEAD"]), "2");
    assert_eq!(
        program.git("my-api", &["for-each-ref", "--format=%(refname)", "refs/apiscaffold"]),
        "refs/apiscaffold/base"
    );
}
