//! No specification and no call keeps the sandbox from answering others, and from ending when it is told to.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::repository;
use crate::program::Program;
use crate::sandbox::server::Sandbox;
use crate::tools::linters;

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

const LINKS: [&str; 7] = ["properties", "items", "allOf", "oneOf", "anyOf", "additionalProperties", "not"];

/// A schema that refers to all of these by one kind of link.
fn linked(link: &str, others: &[Value]) -> Value {
    match link {
        "properties" => {
            let named = others.iter().enumerate().map(|(number, other)| (format!("p{number}"), other.clone()));
            json!({"type": "object", "properties": named.collect::<Map<_, _>>()})
        }
        "items" => json!({"type": "array", "items": {"anyOf": others}}),
        "additionalProperties" => json!({"type": "object", "additionalProperties": {"oneOf": others}}),
        "not" => json!({"not": {"anyOf": others}, "properties": {"next": others.first()}}),
        several => json!({several: others}),
    }
}

/// Adds a mesh of `size` schemas in which each refers to all others; gives its first schema.
fn mesh(schemas: &mut Map<String, Value>, size: usize, mut link: impl FnMut() -> &'static str) -> Value {
    let first = schemas.len();
    let reference = |number: usize| json!({"$ref": format!("#/components/schemas/S{number}")});
    for own in first..first + size {
        let others: Vec<_> = (first..first + size).filter(|other| *other != own).map(reference).collect();
        schemas.insert(format!("S{own}"), linked(link(), &others));
    }
    reference(first)
}

/// Adds a chain in which each schema refers twice to the next: no circle, and 2^`length` ways through it.
fn ladder(schemas: &mut Map<String, Value>, length: usize) -> Value {
    let first = schemas.len();
    for own in first..first + length {
        let next = json!({"$ref": format!("#/components/schemas/S{}", own + 1)});
        schemas.insert(format!("S{own}"), json!({"type": "object", "properties": {"left": next, "right": next}}));
    }
    schemas.insert(format!("S{}", first + length), json!({"type": "string"}));
    json!({"$ref": format!("#/components/schemas/S{first}")})
}

fn operations(schema: &Value) -> Value {
    let content = json!({"application/json": {"schema": schema}});
    let plain = json!({"application/json": {"example": {"is": "plain"}}});
    json!({
        "get": {"responses": {"200": {"description": "Made up.", "content": content}}},
        "post": {"requestBody": {"content": content}, "responses": {"200": {"description": "Taken.", "content": plain}}},
    })
}

fn document(schemas: Map<String, Value>, paths: Map<String, Value>) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Busy", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn start(program: &Program, spec: &Value) -> Sandbox {
    let tools = linters();
    program.write("busy.json", spec.to_string());
    Sandbox::start(&repository(program, "busy", &["--spec", "busy.json"], &tools)).0
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn schemas_that_refer_to_one_another_in_any_way_are_answered() {
    let program = Program::new();
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for size in [2, 5, 8, 14, 40] {
        for link in LINKS {
            let schema = mesh(&mut schemas, size, || link);
            paths.insert(format!("/{link}/{size}"), operations(&schema));
        }
    }
    let mut dice = Dice(20_260_101);
    for number in 0..12 {
        let size = 3 + dice.below(20);
        let schema = mesh(&mut schemas, size, || LINKS[dice.below(LINKS.len())]);
        paths.insert(format!("/mixed/{number}"), operations(&schema));
    }
    for length in [4, 16, 60] {
        let schema = ladder(&mut schemas, length);
        paths.insert(format!("/ladder/{length}"), operations(&schema));
    }
    let names: Vec<_> = paths.keys().cloned().collect();
    let sandbox = start(&program, &document(schemas, paths));
    let mut made = 0;
    for path in &names {
        let answer = sandbox.get(path);
        assert!(matches!(answer.status, 200 | 501), "{path}: {answer:?}");
        made += usize::from(answer.status == 200);
        let taken = sandbox.call("POST", path, &[], Some("{}"));
        assert!(matches!(taken.status, 200 | 422), "{path}: {taken:?}");
    }
    for path in ["/properties/14", "/properties/40", "/ladder/60", "/items/14", "/oneOf/14"] {
        assert_eq!(sandbox.get(path).status, 200, "{path}");
    }
    println!("{made} of {} answers could be made up", names.len());
    assert!(sandbox.terminate().success());
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_call_that_does_not_end_leaves_the_others_and_the_signals_alone() {
    let program = Program::new();
    let slow =
        json!({"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "pattern": "^(a+)+$"}}]});
    let mut operation = operations(&json!({"type": "string"}))["get"].clone();
    operation["parameters"] = slow["parameters"].clone();
    let long = json!({"type": "object", "properties": {
        "text": {"type": "string", "minLength": 400_000_000},
        "list": {"type": "array", "minItems": 2_000_000_000, "items": {"type": "string"}},
    }});
    let paths = [
        ("/slow".to_owned(), json!({"get": operation})),
        ("/long".to_owned(), operations(&long)),
        ("/plain".to_owned(), operations(&json!({"type": "string"}))),
    ];
    let sandbox = start(&program, &document(Map::new(), paths.into_iter().collect()));
    let mut path = "/slow?q=".to_owned();
    write!(path, "{}b", "a".repeat(60)).expect("a text");
    let waiting = sandbox.send("GET", &path, &[], None);
    assert_eq!(sandbox.get("/_ping").status, 200);
    assert_eq!(sandbox.get("/plain").status, 200);
    drop(waiting);
    let given_up = sandbox.get(&path);
    assert_eq!(given_up.status, 501, "{given_up:?}");
    let detail = given_up.json()["detail"].to_string();
    assert!(detail.contains("GET /slow") && detail.contains("10 seconds"), "{detail}");
    assert_eq!(sandbox.get("/long").status, 501);
    assert_eq!(sandbox.call("POST", "/plain", &[], Some("1")).status, 422);
    // As many as there are threads, and one more.
    let _waiting = [(); 3].map(|()| sandbox.send("GET", &path, &[], None));
    assert_eq!(sandbox.get("/_ping").status, 200);
    assert!(sandbox.terminate().success());
}
