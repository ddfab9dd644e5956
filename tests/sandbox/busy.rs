//! No specification and no call keeps the sandbox from answering others, and from ending when it is told to.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::repository;
use crate::program::Program;
use crate::sandbox::server::Sandbox;
use crate::tools::linters;

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
    for path in &names {
        let answer = sandbox.get(path);
        // What is linked by chance may be what no value fits.
        let none = path.starts_with("/mixed/") && answer.body.contains("no value that fits its schema was found");
        assert!(none || answer.status == 200 && answer.body.len() < 1_000_000, "{path}: {answer:?}");
        let taken = sandbox.call("POST", path, &[], Some("{}"));
        assert!(matches!(taken.status, 200 | 422), "{path}: {taken:?}");
    }
    assert!(sandbox.terminate().success());
}

/// A document in which much can go wrong with a call.
fn hazards() -> Value {
    let mut schemas = Map::new();
    let first = mesh(&mut schemas, 40, || "properties");
    schemas.insert("Nest".to_owned(), json!({"type": "array", "items": {"$ref": "#/components/schemas/Nest"}}));
    let slow = json!({"type": "object", "properties": {"q": {"type": "string", "pattern": "^(a|aa)+$"}}});
    let named = |name: &str, schema: Value| (format!("/{name}"), operations(&schema));
    let paths = [
        ("/items/{id}".to_owned(), operations(&json!({"type": "string"}))),
        named("mesh", first),
        named("nest", json!({"$ref": "#/components/schemas/Nest"})),
        named("matched", slow),
        named("unique", json!({"type": "array", "uniqueItems": true})),
        named("large", json!({"type": "array", "minItems": 1000, "items": {"type": "string", "minLength": 100_000}})),
        named("plain", json!({"type": "object", "required": ["id"]})),
    ];
    document(schemas, paths.into_iter().collect())
}

/// Sends a call from another thread; gives the status of its answer, 0 when the connection is closed without one.
fn bad_call(sandbox: &Sandbox, call: &(&str, String, String, String)) -> u16 {
    let (method, path, header, body) = call;
    let headers: Vec<_> = header.split_once(": ").into_iter().collect();
    sandbox.try_call(method, path, &headers, (!body.is_empty()).then_some(body)).map_or(0, |answer| answer.status)
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn other_calls_are_answered_at_once_whatever_one_call_asks() {
    let program = Program::new();
    let sandbox = start(&program, &hazards());
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let distinct: Vec<_> = (0..20_000).map(|number| format!("{{\"a\":{number}}}")).collect();
    let get = |path: String| ("GET", path, String::new(), String::new());
    let post = |path: &str, body: String| ("POST", path.to_owned(), String::new(), body);
    let calls = [
        (get(format!("/plain?q={}", "x".repeat(1_000_000))), [431, 0]),
        (get(format!("/plain?{}", "a=1&".repeat(3_000))), [200, 200]),
        (("GET", "/plain".to_owned(), format!("X: {}", "y".repeat(1_000_000)), String::new()), [431, 0]),
        (("GET", "/plain".to_owned(), format!("Accept: {}", "a/b,".repeat(3_000)), String::new()), [406, 406]),
        (("POST", "/plain".to_owned(), "Content-Type: nonsense".to_owned(), "x".to_owned()), [415, 415]),
        (get("/items/%zz%00%ff%".to_owned()), [200, 200]),
        (get("/%".to_owned()), [404, 404]),
        (get("/mesh".to_owned()), [200, 200]),
        (get("/large".to_owned()), [501, 501]),
        (post("/nest", "[".repeat(4_000_000)), [400, 400]),
        (post("/nest", nested(100_000)), [400, 400]),
        (post("/nest", nested(400)), [200, 200]),
        (post("/matched", format!("{{\"q\": \"{}b\"}}", "a".repeat(100))), [501, 501]),
        (post("/unique", format!("[{}]", distinct.join(","))), [200, 501]),
        (post("/plain", "\"text\"".to_owned()), [422, 422]),
        (post("/plain", "{".to_owned()), [400, 400]),
        (post("/plain", format!("{{\"id\": 1, \"more\": \"{}\"}}", "y".repeat(9_000_000))), [200, 200]),
        (post("/plain", "x".repeat(11_000_000)), [413, 0]),
    ];
    assert_eq!(sandbox.get("/plain").status, 200);
    for (call, expected) in &calls {
        let what = format!("{} {:.40} {:.40} {:.40}", call.0, call.1, call.2, call.3);
        let (status, mut waits) = std::thread::scope(|scope| {
            let bad = scope.spawn(|| bad_call(&sandbox, call));
            let waits: Vec<_> = (0..40).map(|_| timed(&sandbox)).collect();
            (bad.join().expect("it ends"), waits)
        });
        assert!(expected.contains(&status), "{what}: {status}");
        // Others may keep this machine busy: what counts is what most calls get.
        waits.sort();
        let (usual, longest) = (waits[waits.len() * 3 / 4], waits[waits.len() - 1]);
        println!("{what}: {status}, others in {} ms, at most {} ms", usual.as_millis(), longest.as_millis());
        assert!(
            usual < Duration::from_millis(100) && longest < Duration::from_secs(2),
            "{what}: {usual:?} {longest:?}"
        );
    }
    assert!(sandbox.terminate().success());
}

/// How long a call of the harmless path takes, and then a pause.
fn timed(sandbox: &Sandbox) -> Duration {
    let begun = Instant::now();
    assert_eq!(sandbox.get("/plain").status, 200);
    let took = begun.elapsed();
    std::thread::park_timeout(Duration::from_millis(10));
    took
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_call_that_does_not_end_leaves_the_others_and_the_signals_alone() {
    let program = Program::new();
    let slow =
        json!({"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "pattern": "^(a+)+$"}}]});
    let mut operation = operations(&json!({"type": "string"}))["get"].clone();
    operation["parameters"] = slow["parameters"].clone();
    let long = json!({"type": "object", "required": ["text"], "properties": {
        "text": {"type": "string", "minLength": 400_000_000},
        "list": {"type": "array", "minItems": 2_000_000_000, "items": {"type": "string"}},
    }});
    let mut spare = long.clone();
    spare["required"] = json!([]);
    let paths = [
        ("/slow".to_owned(), json!({"get": operation})),
        ("/long".to_owned(), operations(&long)),
        ("/spare".to_owned(), operations(&spare)),
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
    assert_eq!(sandbox.get("/spare").json(), json!({}));
    assert_eq!(sandbox.call("POST", "/plain", &[], Some("1")).status, 422);
    // As many as there are threads, and one more.
    let _waiting = [(); 3].map(|()| sandbox.send("GET", &path, &[], None));
    assert_eq!(sandbox.get("/_ping").status, 200);
    assert!(sandbox.terminate().success());
}
