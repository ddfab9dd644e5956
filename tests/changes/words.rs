//! The same API in other words is no change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::table::{SIDES, old_rows, remove, rows, set, shelf, wrapped};
use super::{Change, compared, repository};
use crate::program::{Program, REFUSED};
use crate::tools::{documents, linters, real_documents};

/// Keys below which stand names that somebody chose.
const NAMED: [&str; 12] = [
    "paths",
    "responses",
    "parameters",
    "headers",
    "content",
    "schemas",
    "properties",
    "examples",
    "callbacks",
    "links",
    "securitySchemes",
    "requestBodies",
];
const LISTS: [&str; 3] = ["enum", "required", "tags"];

/// The same API in other words: keys in another order, descriptions and examples changed.
fn reworded(random: &mut fastrand::Rng, value: &Value, names: bool) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| reworded(random, item, false)).collect(),
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            random.shuffle(&mut keys);
            let item = |(key, item): (&String, &Value)| {
                let item = match (key.as_str(), item) {
                    ("description" | "title" | "summary", Value::String(text)) if !names => {
                        json!(format!("{text} Or so."))
                    }
                    ("example", _) if !names => json!({"other": 1}),
                    (key, Value::Array(items)) if LISTS.contains(&key) && !names => {
                        let mut items = items.clone();
                        random.shuffle(&mut items);
                        json!(items)
                    }
                    ("default" | "const", _) if !names => item.clone(),
                    (key, item) => reworded(random, item, !names && NAMED.contains(&key) && item.get("$ref").is_none()),
                };
                (key.clone(), item)
            };
            keys.into_iter().map(item).collect()
        }
        _ => value.clone(),
    }
}

/// The same API with what some references lead to in their place, three deep at most.
fn inlined(random: &mut fastrand::Rng, document: &Value, value: &Value, trail: &mut Vec<String>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| inlined(random, document, item, trail)).collect(),
        Value::Object(map) => {
            let pointer = map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            let target = pointer.filter(|_| map.len() == 1).and_then(|pointer| document.pointer(pointer));
            if let (Some(pointer), Some(target)) = (pointer, target)
                && trail.len() < 3
                && !trail.iter().any(|one| one == pointer)
                && random.bool()
            {
                trail.push(pointer.to_owned());
                let whole = inlined(random, document, target, trail);
                trail.pop();
                return whole;
            }
            map.iter().map(|(key, item)| (key.clone(), inlined(random, document, item, trail))).collect()
        }
        _ => value.clone(),
    }
}

/// The document itself, in other words, and with fewer references; each forth and back.
fn same(random: &mut fastrand::Rng, document: &Value) -> Vec<(Value, Value)> {
    let words = reworded(random, document, false);
    let flat = inlined(random, document, document, &mut Vec::new());
    let both = reworded(random, &flat, false);
    let others = [document.clone(), words, flat, both].into_iter();
    others.flat_map(|other| [(document.clone(), other.clone()), (other, document.clone())]).collect()
}

#[test]
fn a_document_in_other_words_is_no_change() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let mut random = fastrand::Rng::with_seed(2);
    let mut pairs: Vec<_> =
        ["3.0.3", "3.1.0", "3.2.0"].iter().flat_map(|version| same(&mut random, &shelf(version))).collect();
    for (_, more, less, ..) in [rows(), old_rows()].concat() {
        for schema in [more, less] {
            for side in SIDES {
                let ([schema, _], [components, _]) = wrapped(&mut random, [&schema, &schema]);
                pairs.extend(same(&mut random, &side.document("3.0.3", &schema, &components)));
            }
        }
    }
    for ((old, new), found) in pairs.iter().zip(compared(&repository, &pairs)) {
        assert_eq!(found, [], "{old} -> {new}");
    }
}

#[test]
fn swagger_and_openapi_documents_of_one_api_are_the_same_for_callers() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let book = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "note": {"type": "string", "x-nullable": true}}});
    let old = json!({
        "swagger": "2.0",
        "info": {"title": "Books", "version": "1.0.0"},
        "host": "example.org", "basePath": "/v1", "schemes": ["https"],
        "produces": ["application/json"],
        "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "apikey"}},
        "security": [{"key": []}],
        "definitions": {"Book": book},
        "parameters": {"Limit": {"name": "limit", "in": "query", "type": "integer", "maximum": 50}},
        "paths": {"/books": {
            "get": {"parameters": [{"$ref": "#/parameters/Limit"}, {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}}],
                    "responses": {"200": {"description": "All.", "schema": {"type": "array", "items": {"$ref": "#/definitions/Book"}}}}},
            "post": {"consumes": ["application/json"], "parameters": [{"name": "book", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Book"}}],
                     "responses": {"201": {"description": "Made."}}},
        }},
    });
    let mut schema = book;
    schema["properties"]["note"] = json!({"type": "string", "nullable": true});
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Book"}}});
    let new = json!({
        "openapi": "3.0.3",
        "info": {"title": "Books", "version": "1.0.0"},
        "servers": [{"url": "https://example.org/v1"}],
        "security": [{"key": []}],
        "components": {"schemas": {"Book": schema}, "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "apikey"}}},
        "paths": {"/books": {
            "get": {"parameters": [
                {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 50}},
                {"name": "tags", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
            ], "responses": {"200": {"description": "All.", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Book"}}}}}}},
            "post": {"requestBody": {"required": true, "content": content}, "responses": {"201": {"description": "Made."}}},
        }},
    });
    let pairs = [(old.clone(), new.clone()), (new.clone(), old.clone()), (old.clone(), old.clone())];
    assert_eq!(compared(&repository, &pairs), [[], [], []] as [[Change; 0]; 3]);
    // The same changes in both, and what callers notice is the same.
    let mut narrower = old.clone();
    set(&mut narrower, "/parameters/Limit/maximum", json!(20));
    remove(&mut narrower, "/definitions/Book/properties/note/x-nullable");
    set(&mut narrower, "/basePath", json!("/v2"));
    let found = compared(&repository, &[(old, narrower.clone()), (new, narrower)]);
    let rules: BTreeSet<_> = found[0].iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(
        rules,
        BTreeSet::from([
            "server-removed",
            "server-added",
            "request-maximum-narrowed",
            "request-null-narrowed",
            "response-null-narrowed"
        ])
    );
    assert_eq!(found[0], found[1]);
}

/// The documents that `redocly bundle` makes of the real ones.
fn bundled(program: &Program, tools: &Path, folder: &Path) -> Vec<(PathBuf, Value)> {
    let bundle = |(at, path): (usize, &PathBuf)| {
        let out = program.folder().join(format!("{at}.json"));
        let mut redocly = Command::new(tools.join("node_modules/.bin/redocly"));
        redocly.args(["bundle", "--force", "--ext", "json", "-o"]).arg(&out).arg(path).current_dir(program.folder());
        assert!(
            redocly.env("REDOCLY_TELEMETRY", "off").output().expect("it starts").status.success(),
            "{}",
            path.display()
        );
        (path.clone(), serde_json::from_slice(&fs::read(out).expect("built")).expect("JSON"))
    };
    let every = documents(folder).into_iter().filter(|path| !path.ends_with(REFUSED)).collect::<Vec<_>>();
    every.iter().enumerate().map(bundle).collect()
}

/// Takes something away from some schemas and operations.
fn damaged(random: &mut fastrand::Rng, value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| damaged(random, item)).collect(),
        Value::Object(map) => {
            let kept = map.iter().filter(|_| random.u32(0..200) > 0).collect::<Vec<_>>();
            kept.into_iter().map(|(key, item)| (key.clone(), damaged(random, item))).collect()
        }
        _ if random.u32(0..300) == 0 => json!(random.u32(0..9)),
        _ => value.clone(),
    }
}

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn real_documents_are_the_same_in_other_words_and_compared_in_seconds_however_damaged() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let mut random = fastrand::Rng::with_seed(4);
    for (path, document) in bundled(&program, &linters(), &real_documents()) {
        let began = Instant::now();
        let pairs = same(&mut random, &document);
        for found in compared(&repository, &pairs) {
            assert_eq!(found, [], "{}", path.display());
        }
        for _ in 0..3 {
            let mut other = damaged(&mut random, &document);
            for key in ["openapi", "swagger", "info", "paths"].iter().filter(|key| document.get(**key).is_some()) {
                if !other[*key].is_object() {
                    other[*key] = document[*key].clone();
                }
            }
            for key in ["components", "webhooks"] {
                if other.get(key).is_some_and(|part| !part.is_object()) {
                    remove(&mut other, &format!("/{key}"));
                }
            }
            let found = compared(&repository, &[(document.clone(), other.clone()), (other, document.clone())]);
            assert!(
                document.to_string().len() < 300_000 || found.iter().all(|one| one.iter().any(Change::breaks)),
                "{}",
                path.display()
            );
        }
        let each = began.elapsed() / 14;
        assert!(each < Duration::from_secs(10), "{}: {each:?}", path.display());
    }
}
