//! The README says what is so.

use std::fs;
use std::path::Path;

use crate::program::Program;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("there")
}

/// The fenced blocks of a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn the_first_command_makes_a_repository_and_the_second_is_the_test_script() {
    let text = readme();
    let commands = blocks(&text, "sh");
    let first: Vec<&str> = commands[0].split_whitespace().collect();
    assert_eq!(first[..4], ["cargo", "run", "--release", "--"]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spec = root.join(first[7]).to_string_lossy().into_owned();
    let program = Program::new();
    let arguments: Vec<&str> =
        first[4..].iter().map(|word| if *word == first[7] { spec.as_str() } else { *word }).collect();
    let ran = program.done(&arguments);
    assert!(ran.stdout.contains("library is ready in target/library"), "{ran:?}");
    assert!(root.join(commands[1]).is_file(), "{}", commands[1]);
}

#[test]
fn the_manifest_in_the_readme_is_a_template() {
    let text = readme();
    let program = Program::new();
    program.write("t/apiscaffold.toml", blocks(&text, "toml")[0]);
    program.write("t/proxies/x", "{{ title }} {{ environments[0].host }}");
    program.write("spec.yaml", "openapi: 3.1.0\ninfo: {title: A title, version: '1'}\npaths: {}\n");
    program.done(&["template", "questions", "--template", "t"]);
    program.done(&["new", "x", "--template", "t", "--spec", "spec.yaml", "--set", "title=abc"]);
    let made = program.folder().join("x");
    assert_eq!(fs::read_to_string(made.join("proxies/x")).expect("rendered"), "abc int.example.org");
    assert!(made.join("specification/x.yaml").exists());
}
