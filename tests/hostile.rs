//! Hostile titles through the whole program and the built-in template: every file parses, the title is given back.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::program::{Program, Ran, files};
use crate::renamed::generate;

pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\"",
        "'",
        "<",
        "&",
        ">",
        ": ",
        " #",
        "#",
        "{{",
        "}}",
        "${{ secrets.X }}",
        "{% if %}",
        "]]>",
        "-->",
        "--",
        "\\",
        "%",
        "@",
        "`",
        "$(x)",
        "🦀",
        "مرحبا",
        "-",
        "|",
        "*",
        "é",
        "!",
        "?",
        ",",
        "[",
        "]",
        "{",
        "}",
        "=",
        "'''",
        "\"\"\"",
        "EOF",
    ]);
    prop::collection::vec(prop_oneof![odd.prop_map(str::to_owned), "[a-zA-Z0-9 ]{1,12}"], 1..60)
        .prop_map(|parts| format!("Title-{}", parts.concat()).chars().take(500).collect::<String>().trim().to_owned())
}

/// Parses a file by its name; the text is shown when it does not parse.
fn parse(path: &str, bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).expect("generated files are UTF-8");
    let extension = Path::new(path).extension()?.to_str()?;
    let parsed: Result<Option<Value>, String> = match extension {
        "xml" => roxmltree::Document::parse(text).map(|_| None).map_err(|error| error.to_string()),
        "json" => serde_json::from_str(text).map(Some).map_err(|error| error.to_string()),
        "yaml" | "yml" => apiscaffold::openapi::document::parse(bytes).map(Some).map_err(|error| error.to_string()),
        "toml" => toml::from_str(text).map(Some).map_err(|error| error.to_string()),
        _ => Ok(None),
    };
    parsed.unwrap_or_else(|error| panic!("{path}: {error}\n{text}"))
}

/// Whether a text is anywhere in a value.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => held.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(entries) => entries.values().any(|entry| holds(entry, text)),
        _ => false,
    }
}

fn check(title: &str) {
    let program = Program::new();
    let description = format!("{title}\n\t{title}");
    program.write("answers.json", json!({"title": title, "description": description}).to_string());
    let ran = program.run(&["template", "preview", "my-api", "--answers", "answers.json", "--into", "out"]);
    assert_eq!(ran.code, Some(0), "{title:?}: {ran:?}");
    let made = files(&program.folder().join("out"));
    let parsed: Vec<(&String, Value)> =
        made.iter().filter_map(|(path, bytes)| Some((path, parse(path, bytes)?))).collect();
    for wanted in [".apiscaffold.toml", "catalog-info.yaml", "specification/my-api.yaml"] {
        let (_, value) =
            parsed.iter().find(|(path, _)| *path == wanted).unwrap_or_else(|| panic!("{wanted} is missing"));
        assert!(holds(value, title), "{wanted} does not give the title back: {title:?}\n{value}");
    }
    let generate = Ran::of(&generate(&program.folder().join("out"), &[]));
    assert_eq!((generate.code, generate.stdout.as_str()), (Some(0), ""), "{title:?}: {generate:?}");
    for (path, bytes) in &made {
        let text = String::from_utf8_lossy(bytes);
        let workflow = path.starts_with(".github/workflows");
        assert!(!workflow || !text.contains(title), "{path} holds the title");
    }
}

#[test]
fn hostile_titles_give_files_that_parse_and_give_the_title_back() {
    let cases = std::env::var("APISCAFFOLD_TITLES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(15);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&hostile(), |title| {
            check(&title);
            Ok(())
        })
        .expect("every title is given back");
}
