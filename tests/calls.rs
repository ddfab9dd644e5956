//! `make test` of generated repositories sends what the document documents, and notices a sandbox that answers otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::linted::equip;
use crate::program::Program;
use crate::tools::linters;

/// Stands in for the sandbox, so that what is sent can be seen, and what is answered chosen.
const SERVER: &str = include_str!("calls/server.js");

/// What `make test` did.
struct Tested {
    success: bool,
    said: String,
    /// The calls that the server received; `number` is that of the expected call, or -1.
    received: Vec<Value>,
}

/// Runs the tests of calls of a repository against a server that takes only these calls.
fn tested(folder: &Path, calls: &[Value], taken: &Value, refused: &Value) -> Tested {
    fs::write(folder.join("sandbox/server.js"), SERVER).expect("written");
    let expected = json!({"calls": calls, "taken": taken, "refused": refused});
    fs::write(folder.join("calls.json"), expected.to_string()).expect("written");
    let (success, said) = run(folder);
    let received = fs::read_to_string(folder.join("build/received.jsonl")).unwrap_or_default();
    let received = received.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Tested { success, said, received }
}

/// Makes a repository of the document, and the document that its tests read.
fn repository(program: &Program, name: &str, document: &Value, tools: &Path) -> PathBuf {
    let spec = format!("{name}.json");
    program.write(&spec, document.to_string());
    program.done(&["new", name, "--registry", &format!("{name}.registry"), "--spec", &spec]);
    let folder = program.folder().join(name);
    equip(&folder, tools);
    let made = Command::new("make").arg("build/specification.json").current_dir(&folder).output().expect("make starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The tests that send documented and undocumented calls without `Prefer`.
const TESTS: [&str; 4] = [
    "test_a_documented_call_is_answered_as_documented",
    "test_a_call_that_is_not_documented_is_refused",
    "test_a_path_that_is_not_documented_is_refused",
    "test_every_example_of_a_call_fits_its_schema",
];

/// Runs the repository's tests of calls, as `make test` does: whether all is well, and what was said.
fn run(folder: &Path) -> (bool, String) {
    let mut command = Command::new(".venv/bin/pytest");
    command.args(["-p", "no:nhsd_apim", "--quiet"]).current_dir(folder);
    command.args(TESTS.map(|test| format!("tests/test_sandbox.py::{test}")));
    let output = command.output().expect("pytest starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A document in which these are the paths.
fn document(openapi: &str, paths: Value) -> Value {
    let info = json!({"title": "Calls", "version": "1.0.0"});
    json!({"openapi": openapi, "info": info, "paths": paths, "components": {"schemas": {"Pet": pet()}}})
}

fn answers() -> Value {
    let ok = json!({"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}});
    json!({"200": {"description": "Good.", "content": {"application/json": {"schema": ok}}}})
}

fn good() -> Value {
    json!({"status": 200, "type": "application/json", "body": "{\"ok\": true}"})
}

fn refusal() -> Value {
    json!({"status": 404, "body": ""})
}

/// A name, a document, and the calls that it documents.
type Kind = (&'static str, Value, Vec<Value>);

fn call(method: &str, target: &str, headers: Value, body: &str) -> Value {
    json!({"method": method, "target": target, "headers": headers, "body": body})
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn every_documented_call_is_sent_as_it_is_described_and_no_other_may_succeed() {
    let tools = linters();
    let program = Program::new();
    for (name, document, calls) in [styles(), optional(), bodies(), older()] {
        let folder = repository(&program, name, &document, &tools);
        let tested = tested(&folder, &calls, &good(), &refusal());
        for (number, call) in calls.iter().enumerate() {
            let came = tested.received.iter().any(|one| one["number"] == number);
            assert!(came, "{call} was not sent: {}\n{:#?}", tested.said, tested.received);
        }
        assert!(tested.success && !tested.said.contains("skipped"), "{name}: {}", tested.said);
        assert!(tested.received.iter().any(|one| one["number"] == -1), "{name}: no wrong call: {:#?}", tested.received);
        let header =
            |one: &Value| one["headers"].as_object().expect("headers").values().any(|value| value == "never sent");
        assert!(!tested.received.iter().any(header), "{name}: {:#?}", tested.received);
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_sandbox_answers_every_documented_call_and_refuses_others() {
    let tools = linters();
    let program = Program::new();
    for (name, document, calls) in [styles(), optional(), bodies(), older()] {
        let folder = repository(&program, name, &document, &tools);
        let (success, said) = run(&folder);
        assert!(success && !said.contains("skipped"), "{name}: {said}");
        let log = fs::read_to_string(folder.join("build/sandbox.log")).expect("readable");
        let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for call in calls {
            let is_it = |line: &&Value| line["method"] == call["method"] && line["url"] == call["target"];
            assert!(log.iter().filter(is_it).any(|line| line["status"] == 200), "{call}: {log:#?}");
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn an_answer_that_is_not_documented_is_found() {
    let json_only = answers();
    let ok = json!({"type": "object", "xml": {"name": "ok"}, "properties": {"ok": {"type": "boolean"}}});
    let documented = [
        ("/json", json!({"200": json_only["200"], "404": {"description": "None."}})),
        ("/xml", json!({"200": {"description": "Good.", "content": {"application/xml": {"schema": ok}}}})),
        (
            "/text",
            json!({"2XX": {"description": "Good.", "content": {"text/plain": {"schema": {"type": "string", "maxLength": 3}}}}}),
        ),
        ("/no-body", json!({"200": {"description": "Good."}})),
    ];
    let (json, xml, plain) = ("application/json", "application/xml", "text/plain");
    let answer = |status: u16, kind: &str, body: &str| json!({"status": status, "type": kind, "body": body});
    let mutants = [
        ("/json", answer(500, json, "{\"ok\": true}"), "the answer is not a success"),
        ("/json", answer(404, json, "{\"ok\": true}"), "the answer is not a success"),
        ("/json", answer(201, json, "{\"ok\": true}"), "does not document the status 201"),
        ("/json", answer(200, "text/html", "{\"ok\": true}"), "documents application/json here"),
        ("/json", answer(200, json, "{\"ok\": \"yes\"}"), "'yes' is not of type 'boolean'"),
        ("/json", answer(200, json, "{}"), "'ok' is a required property"),
        ("/json", answer(200, json, "{"), "the body is not JSON"),
        ("/json", answer(200, json, ""), "the body is empty"),
        ("/xml", answer(200, xml, "<ok>"), "the body is not XML"),
        ("/xml", answer(200, xml, "<no/>"), "the outermost element is no, not ok"),
        ("/text", answer(200, plain, "long"), "'long' is too long"),
        ("/no-body", answer(200, plain, "long"), "documents no body here"),
    ];
    let tools = linters();
    let program = Program::new();
    for (path, responses) in documented {
        let paths = json!({path: {"get": {"responses": responses}}});
        let folder = repository(&program, path.trim_start_matches('/'), &document("3.0.3", paths), &tools);
        let calls = [call("GET", path, json!({}), "")];
        for (_, wrong, why) in mutants.iter().filter(|(of, ..)| *of == path) {
            let tested = tested(&folder, &calls, wrong, &refusal());
            assert!(!tested.success && tested.said.contains(why), "{wrong}: {}", tested.said);
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_wrong_call_that_is_not_refused_is_found() {
    let required = json!([{"name": "n", "in": "query", "required": true, "schema": {"type": "integer"}, "example": 1}]);
    let form =
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
    let body = json!({"required": true, "content": {
        "application/json": {"schema": {"type": "object"}, "example": {}},
        "application/xml": {"schema": {"type": "object"}},
        "application/x-www-form-urlencoded": {"schema": form},
        "multipart/form-data": {"schema": form},
    }});
    let paths = json!({"/n": {"post": {"parameters": required, "requestBody": body, "responses": answers()}}});
    let tools = linters();
    let program = Program::new();
    let folder = repository(&program, "lax", &document("3.1.0", paths), &tools);
    let calls = [call("POST", "/n?n=1", json!({"content-type": "application/json"}), "{}")];
    for status in [200, 500] {
        let answer = json!({"status": status, "type": "application/json", "body": "{\"ok\": true}"});
        let tested = tested(&folder, &calls, &good(), &answer);
        let wrong = [
            "POST /n without the parameter n",
            "POST /n with a wrong n",
            "POST /n without its body",
            "POST /n with application/json that is cut off",
            "POST /n with a wrong application/json",
            "POST /n with application/xml that is cut off",
            "POST /n with a wrong application/x-www-form-urlencoded",
            "POST /n with a wrong multipart/form-data",
            "POST /n with a body of another type",
            "DELETE /n is not documented",
        ];
        for what in wrong {
            let line = format!("{what}: the specification does not allow the call, and it is not refused");
            assert!(tested.said.contains(&line), "{line}: {}", tested.said);
        }
        assert!(
            !tested.success && tested.said.contains("test_a_path_that_is_not_documented_is_refused"),
            "{}",
            tested.said
        );
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn what_cannot_be_sent_is_listed_with_what_the_producer_can_do() {
    let parameter = |name: &str, schema: Value, example: Value| json!({"name": name, "in": "query", "schema": schema, "example": example});
    let odd = json!({"name": "odd", "in": "query", "required": true, "schema": {"type": "string", "pattern": "^(?!a)\\p{L}+$"}});
    let nested = json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}});
    let bodies = json!({"application/json": {"schema": {"type": "integer"}, "example": "none"}});
    let paths = json!({
        "/odd": {"get": {"parameters": [odd], "responses": answers()}},
        "/nested": {"get": {"parameters": [parameter("n", nested, json!([[1]]))], "responses": answers()}},
        "/misfit": {"post": {
            "parameters": [parameter("m", json!({"type": "integer"}), json!("many"))],
            "requestBody": {"content": bodies},
            "responses": answers(),
        }},
        "/taken/{id}": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "example": "mine"}], "get": {"responses": answers()}},
        "/taken/mine": {"get": {"responses": answers()}},
    });
    let tools = linters();
    let program = Program::new();
    let folder = repository(&program, "unsent", &document("3.1.0", paths), &tools);
    let calls = [
        call("GET", "/nested", json!({}), ""),
        call("POST", "/misfit", json!({}), ""),
        call("POST", "/misfit", json!({"content-type": "application/json"}), "1"),
        call("POST", "/misfit?m=1", json!({"content-type": "application/json"}), "1"),
        call("GET", "/taken/mine", json!({}), ""),
    ];
    let tested_once = tested(&folder, &calls, &good(), &refusal());
    assert!(tested_once.success, "{}", tested_once.said);
    let sentences = [
        "GET /odd: the parameter `odd` (query) has no example that fits its schema",
        "is one that the tests cannot read: give it an example",
        "GET /nested with parameter n: the parameter `n` (query) cannot be sent",
        "GET /taken/{id}: a call of /taken/mine is one of GET /taken/mine",
        "2 examples of calls do not fit their schemas, and are not sent:",
        "POST /misfit parameter m",
        "POST /misfit body application/json",
    ];
    for sentence in sentences {
        assert!(tested_once.said.contains(sentence), "{sentence}: {}", tested_once.said);
    }
    // Where there are too many calls for the time, the rest is not sent.
    let file = folder.join("tests/test_sandbox.py");
    let tests = fs::read_to_string(&file).expect("readable");
    fs::write(&file, tests.replace("PATIENCE = 120", "PATIENCE = 0")).expect("written");
    let hurried = tested(&folder, &calls, &good(), &refusal());
    assert!(hurried.said.contains("not sent, because the calls before it took 0 seconds"), "{}", hurried.said);
    fs::write(&file, tests).expect("written");
    // Once the examples are right, pytest.ini keeps them so.
    let settings = fs::read_to_string(folder.join("pytest.ini")).expect("readable");
    fs::write(folder.join("pytest.ini"), settings.replace("default:.*do not fit", "error:.*do not fit"))
        .expect("written");
    let strict = tested(&folder, &calls, &good(), &refusal());
    assert!(!strict.success && strict.said.contains("test_every_example_of_a_call_fits_its_schema"), "{}", strict.said);
}

/// Parameters of every place and style.
fn styles() -> Kind {
    let (list, object) = (json!([3, 4]), json!({"a": 1, "b": "x y"}));
    let styles = [
        ("query", json!({"style": "form"}), &list, "?v=3&v=4"),
        ("query", json!({"style": "form", "explode": false}), &list, "?v=3,4"),
        ("query", json!({"style": "spaceDelimited", "explode": false}), &list, "?v=3%204"),
        ("query", json!({"style": "pipeDelimited", "explode": false}), &list, "?v=3%7C4"),
        ("query", json!({"style": "form"}), &object, "?a=1&b=x%20y"),
        ("query", json!({"style": "form", "explode": false}), &object, "?v=a,1,b,x%20y"),
        ("query", json!({"style": "deepObject", "explode": true}), &object, "?v%5Ba%5D=1&v%5Bb%5D=x%20y"),
        ("query", json!({}), &json!(true), "?v=true"),
        ("query", json!({}), &json!("a/b?c&d=ü"), "?v=a%2Fb%3Fc%26d%3D%C3%BC"),
        ("query", json!({"allowReserved": true}), &json!("a/b?c&d"), "?v=a/b?c%26d"),
        ("path", json!({}), &json!(5), "5"),
        ("path", json!({}), &list, "3,4"),
        ("path", json!({}), &object, "a,1,b,x%20y"),
        ("path", json!({"explode": true}), &object, "a=1,b=x%20y"),
        ("path", json!({"style": "label"}), &json!("blue"), ".blue"),
        ("path", json!({"style": "label", "explode": true}), &list, ".3.4"),
        ("path", json!({"style": "label"}), &list, ".3,4"),
        ("path", json!({"style": "label", "explode": true}), &object, ".a=1.b=x%20y"),
        ("path", json!({"style": "matrix"}), &json!(1.5), ";v=1.5"),
        ("path", json!({"style": "matrix"}), &list, ";v=3,4"),
        ("path", json!({"style": "matrix", "explode": true}), &list, ";v=3;v=4"),
        ("path", json!({"style": "matrix"}), &object, ";v=a,1,b,x%20y"),
        ("path", json!({"style": "matrix", "explode": true}), &object, ";a=1;b=x%20y"),
        ("header", json!({}), &json!("plain text"), "plain text"),
        ("header", json!({}), &list, "3,4"),
        ("header", json!({"explode": true}), &object, "a=1,b=x y"),
        ("cookie", json!({}), &json!(7), "v=7"),
        ("cookie", json!({"explode": false}), &list, "v=3,4"),
    ];
    let mut paths = json!({});
    let mut calls = Vec::new();
    for (number, (place, style, value, sent)) in styles.iter().enumerate() {
        let mut parameter =
            json!({"name": "v", "in": place, "required": true, "schema": schema(value), "example": value});
        parameter.as_object_mut().expect("an object").extend(style.as_object().expect("an object").clone());
        let path = if *place == "path" { format!("/p{number}/{{v}}") } else { format!("/p{number}") };
        paths[path] = json!({"parameters": [parameter], "get": {"responses": answers()}});
        let (target, headers) = match *place {
            "path" => (format!("/p{number}/{sent}"), json!({})),
            "query" => (format!("/p{number}{sent}"), json!({})),
            "header" => (format!("/p{number}"), json!({"v": sent})),
            _ => (format!("/p{number}"), json!({"cookie": sent})),
        };
        calls.push(call("GET", &target, headers, ""));
    }
    let content = json!({"application/json": {"schema": {"type": "object"}, "example": {"a": [1]}}});
    paths["/content"] = json!({"get": {
        "parameters": [{"name": "v", "in": "query", "required": true, "content": content}],
        "responses": answers(),
    }});
    calls.push(call("GET", "/content?v=%7B%22a%22%3A%20%5B1%5D%7D", json!({}), ""));
    ("styles", document("3.0.3", paths), calls)
}

/// A schema for the value, which takes no other type.
fn schema(value: &Value) -> Value {
    match value {
        Value::Array(_) => json!({"type": "array", "items": {"type": "integer"}}),
        Value::Object(_) => {
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}})
        }
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "number"}),
        _ => json!({"type": "string"}),
    }
}

/// Parameters that need not be there, those with several examples, and those that OpenAPI ignores.
fn optional() -> Kind {
    let optional = json!({"name": "colour", "in": "query", "schema": {"type": "string", "enum": ["red", "blue"]}});
    let named = json!({"first": {"value": 1}, "second": {"value": 2}});
    let page = json!({"name": "page", "in": "query", "schema": {"type": "integer"}, "examples": named});
    let ignored = ["Authorization", "accept", "Content-Type"].map(|name| {
        json!({"name": name, "in": "header", "required": true, "schema": {"type": "string", "enum": ["never sent"]}})
    });
    let parameters = [json!([optional, page]).as_array().expect("a list").clone(), ignored.to_vec()].concat();
    let paths = json!({
        "/things": {"parameters": parameters, "get": {"responses": answers()}},
        "/things/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string", "default": "a b"}}],
            "get": {"responses": answers()},
            "delete": {"parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "example": "c"}], "responses": answers()},
        },
        "/find?by=name": {"get": {"parameters": [{"name": "n", "in": "query", "schema": {"type": "integer", "const": 1}}], "responses": answers()}},
    });
    let calls = [
        call("GET", "/things", json!({}), ""),
        call("GET", "/things?colour=red&page=1", json!({}), ""),
        call("GET", "/things?colour=red&page=2", json!({}), ""),
        call("GET", "/things/a%20b", json!({}), ""),
        call("DELETE", "/things/c", json!({}), ""),
        call("GET", "/find?by=name", json!({}), ""),
        call("GET", "/find?by=name&n=1", json!({}), ""),
    ];
    ("optional", document("3.1.0", paths), calls.to_vec())
}

fn pet() -> Value {
    json!({
        "type": "object",
        "xml": {"name": "pet", "namespace": "urn:pets", "prefix": "p"},
        "properties": {
            "id": {"type": "integer", "xml": {"attribute": true}},
            "name": {"type": "string", "example": "Rex & Co"},
            "tags": {"type": "array", "xml": {"name": "all", "wrapped": true}, "items": {"type": "string", "xml": {"name": "tag"}}},
            "marks": {"type": "array", "items": {"type": "integer"}},
            "owner": {"type": "object", "properties": {"name": {"type": "string", "xml": {"name": "called"}}}},
            "seen": {"type": "string", "readOnly": true},
        },
        "required": ["id", "seen"],
    })
}

/// One part of a multipart body, as it is sent.
fn part(name: &str, file: &str, kind: &str, value: &str) -> String {
    let head = format!("--part-of-the-documented-request\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n");
    format!("{head}Content-Type: {kind}\r\n\r\n{value}\r\n")
}

/// The schema of a multipart body, and the body that is made up for it.
fn upload() -> (Value, String) {
    let upload = json!({
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "meta": {"type": "object", "properties": {"a": {"type": "integer", "example": 5}}},
            "notes": {"type": "array", "items": {"type": "string", "default": "n"}},
        },
    });
    let parts = [
        part("file", "; filename=\"example\"", "image/png", "string"),
        part("meta", "", "application/json", "{\"a\": 5}"),
        part("notes", "", "text/plain", "n"),
        "--part-of-the-documented-request--\r\n".to_owned(),
    ]
    .concat();
    (upload, parts)
}

/// Bodies of every media type: each example, and one that is made up where there is none.
fn bodies() -> Kind {
    let reference = json!({"$ref": "#/components/schemas/Pet"});
    let form = json!({
        "type": "object",
        "required": ["who"],
        "properties": {"who": {"type": "string"}, "tags[]": {"type": "array"}, "more": {"type": "object"}, "deep": {"type": "object"}},
    });
    let filled = json!({"who": "a b", "tags[]": ["x", "y"], "more": {"a": 1}, "deep": {"b": 2}});
    let (upload, parts) = upload();
    let xml = "<p:pet xmlns:p=\"urn:pets\" id=\"1\"><name>Rex &amp; Co</name><all><tag>string</tag></all><marks>1</marks>\
               <owner><called>string</called></owner></p:pet>";
    let two = json!({"one": {"value": {"id": 1, "seen": "x"}}, "two": {"value": {"id": 2}}});
    let pet = "{\"id\": 1, \"name\": \"Rex & Co\", \"tags\": [\"string\"], \"marks\": [1], \"owner\": {\"name\": \"string\"}}";
    let whole = json!({"schema": {"type": "string"}, "example": "a,b\n1,2\n"});
    let kinds = [
        ("application/json", json!({"schema": reference, "examples": two}), "{\"id\": 1, \"seen\": \"x\"}"),
        ("application/json", json!({"schema": reference, "examples": two}), "{\"id\": 2}"),
        ("application/vnd.pet+json; version=2", json!({"schema": reference}), pet),
        ("application/json", json!({"schema": reference, "example": "{\"id\": 3}"}), "{\"id\": 3}"),
        ("application/xml", json!({"schema": reference}), xml),
        ("application/xml", json!({"schema": reference, "example": "<pet id='1'/>"}), "<pet id='1'/>"),
        (
            "application/xml",
            json!({"schema": {"type": "array", "xml": {"name": "n"}, "items": {"type": "integer", "xml": {"name": "i"}}}, "example": [1, 2]}),
            "<n><i>1</i><i>2</i></n>",
        ),
        (
            "application/x-www-form-urlencoded",
            json!({"schema": form, "example": filled, "encoding": {"deep": {"style": "deepObject", "explode": true}}}),
            "who=a%20b&tags%5B%5D=x&tags%5B%5D=y&more=%7B%22a%22%3A%201%7D&deep%5Bb%5D=2",
        ),
        ("application/x-www-form-urlencoded", json!({"schema": form, "example": "who=c+d"}), "who=c+d"),
        ("multipart/form-data", json!({"schema": upload, "encoding": {"file": {"contentType": "image/png"}}}), &parts),
        ("text/csv", whole, "a,b\n1,2\n"),
        ("text/plain", json!({"schema": {"type": "integer", "minimum": 7}}), "7"),
        ("application/octet-stream", json!({"schema": {"type": "string", "format": "binary"}}), "string"),
    ];
    let mut paths = json!({});
    let mut calls = Vec::new();
    for (number, (kind, media, body)) in kinds.iter().enumerate() {
        // Two rows may be two examples of one body.
        let same = kinds.iter().position(|(other, content, _)| other == kind && content == media).unwrap_or(number);
        let body_of = json!({"required": true, "content": {*kind: media}});
        paths[format!("/b{same}")] = json!({"post": {"requestBody": body_of, "responses": answers()}});
        let kind = if kind.starts_with("multipart") {
            format!("{kind}; boundary=part-of-the-documented-request")
        } else {
            (*kind).to_owned()
        };
        calls.push(call("POST", &format!("/b{same}"), json!({"content-type": kind}), body));
    }
    let either = json!({"text/plain": {"example": "t"}, "application/json": {"example": 1}});
    paths["/either"] = json!({"put": {"requestBody": {"content": either}, "responses": answers()}});
    calls.push(call("PUT", "/either", json!({"content-type": "text/plain"}), "t"));
    calls.push(call("PUT", "/either", json!({"content-type": "application/json"}), "1"));
    calls.push(call("PUT", "/either", json!({}), ""));
    ("bodies", document("3.0.3", paths), calls)
}

/// The same in the words of Swagger 2.0.
fn older() -> Kind {
    let answers = json!({"200": {"description": "Good.", "schema": {"type": "object", "required": ["ok"]}}});
    let lists = ["csv", "ssv", "pipes", "multi"].map(|format| {
        json!({"name": format, "in": "query", "required": true, "type": "array", "collectionFormat": format, "items": {"type": "integer", "enum": [1, 2]}, "minItems": 2, "uniqueItems": true})
    });
    let thing = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 4}}});
    let form = json!([
        {"name": "a", "in": "formData", "required": true, "type": "string", "enum": ["z"]},
        {"name": "b", "in": "formData", "type": "boolean"},
    ]);
    let file = json!([{"name": "f", "in": "formData", "required": true, "type": "file"}]);
    let body = json!([{"name": "thing", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Thing"}}]);
    let document = json!({
        "swagger": "2.0",
        "info": {"title": "Calls", "version": "1.0.0"},
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "definitions": {"Thing": thing},
        "paths": {
            "/lists": {"get": {"parameters": lists, "responses": answers}},
            "/form": {"post": {"consumes": ["application/x-www-form-urlencoded"], "parameters": form, "responses": answers}},
            "/file": {"post": {"consumes": ["multipart/form-data"], "parameters": file, "responses": answers}},
            "/body": {"put": {"parameters": body, "responses": answers}},
        },
    });
    let upload = part("f", "; filename=\"example\"", "application/octet-stream", "string")
        + "--part-of-the-documented-request--\r\n";
    let calls = [
        call("GET", "/lists?csv=1,2&ssv=1%202&pipes=1%7C2&multi=1&multi=2", json!({}), ""),
        call("POST", "/form", json!({"content-type": "application/x-www-form-urlencoded"}), "a=z&b=true"),
        call(
            "POST",
            "/file",
            json!({"content-type": "multipart/form-data; boundary=part-of-the-documented-request"}),
            &upload,
        ),
        call("PUT", "/body", json!({"content-type": "application/json"}), "{\"n\": 4}"),
    ];
    ("older", document, calls.to_vec())
}

/// Schemas without an example.
fn schemas() -> Vec<Value> {
    let node = json!({"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Pet"}]}}});
    let formats =
        ["date", "date-time", "time", "email", "uuid", "uri", "ipv4", "ipv6", "hostname", "duration", "json-pointer"];
    let mut schemas = vec![
        json!({"type": "integer", "minimum": 5, "maximum": 5}),
        json!({"type": "integer", "exclusiveMinimum": 5, "multipleOf": 7}),
        json!({"type": "integer", "maximum": -3}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5}),
        json!({"type": "number", "multipleOf": 0.01, "minimum": 0.5, "maximum": 0.9}),
        json!({"type": "string", "minLength": 12, "maxLength": 13}),
        json!({"type": "string", "maxLength": 2}),
        json!({"type": "string", "pattern": "^[A-Z]{2}[0-9]{6}[A-D]?$"}),
        json!({"type": "string", "pattern": "^(red|green)-\\d+(\\.\\w+)*$", "minLength": 12}),
        json!({"type": "string", "pattern": "^[^a-z\\s]+$", "minLength": 4, "maxLength": 4}),
        json!({"type": "string", "pattern": "[0-9]{3}"}),
        json!({"type": "boolean"}),
        json!({"type": ["null", "integer"], "minimum": 2}),
        json!({"const": {"a": [1]}}),
        json!({"enum": ["x", 3]}),
        json!({"type": "array", "minItems": 3, "uniqueItems": true, "items": {"type": "integer"}}),
        json!({"type": "array", "minItems": 2, "uniqueItems": true, "items": {"enum": ["a", "b", "c"]}}),
        json!({"type": "array", "minItems": 2, "uniqueItems": true, "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}}}),
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false, "minItems": 2}),
        json!({"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}}),
        json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "boolean"}}),
        json!({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer", "minimum": 9}}}]}),
        json!({"allOf": [{"type": "string", "minLength": 3}, {"maxLength": 3}]}),
        json!({"oneOf": [{"type": "integer", "minimum": 5}, {"type": "integer", "maximum": 1}]}),
        json!({"oneOf": [{"type": "object"}, {"type": "object", "required": ["a"]}, {"type": "string"}]}),
        json!({"type": "object", "properties": {"a": {"type": "integer", "example": "wrong"}}, "required": ["a"]}),
        json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "dependentSchemas": {"a": {"not": {"required": ["b"]}}}}),
        json!({"properties": {"a": {"type": "integer"}}, "required": ["a"], "type": "object", "additionalProperties": false}),
        node,
    ];
    schemas.extend(formats.map(|format| json!({"type": "string", "format": format})));
    schemas
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn made_up_values_fit_their_schemas_for_another_judge_too() {
    let schemas = schemas();
    let mut paths = json!({});
    for (number, schema) in schemas.iter().enumerate() {
        let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
        paths[format!("/m{number}")] = json!({"post": {"requestBody": body, "responses": answers()}});
    }
    let document = document("3.1.0", paths);
    let tools = linters();
    let program = Program::new();
    let folder = repository(&program, "made-up", &document, &tools);
    // The server refuses every call: what counts is what it received.
    let tested = tested(&folder, &[], &good(), &refusal());
    assert!(!tested.said.contains("skipped"), "{}", tested.said);
    for (number, schema) in schemas.iter().enumerate() {
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let judge = jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema");
        let bodies = tested.received.iter().filter(|one| one["url"] == format!("/m{number}"));
        let bodies: Vec<Value> = bodies.filter_map(|one| serde_json::from_str(one["body"].as_str()?).ok()).collect();
        let fitting = bodies.iter().filter(|body| judge.is_valid(body)).count();
        assert!(fitting == 1 && bodies.len() == 2, "{schema}: {bodies:?} {}", tested.said);
    }
}
