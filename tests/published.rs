//! What `make publish` writes can be read by somebody who has that one file, or it is not written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Map, Value, json};

use crate::linted::{equip, passes};
use crate::program::{Program, REFUSED, style};
use crate::routes::repository_says_what_its_document_says;
use crate::sandbox::Sandbox;
use crate::specs::Meant;
use crate::tools::{documents, linters, real_documents};

/// Makes a repository of the document at `spec`, which has what `make install` installs.
fn repository(program: &Program, name: &str, spec: &str, style: &str) -> PathBuf {
    let tools = linters();
    // Several documents say the same base path.
    let registry = format!("{name}.registry");
    program.done(&["new", name, "--registry", &registry, "--spec", spec, "--set", style]);
    let folder = program.folder().join(name);
    equip(&folder, &tools);
    folder
}

fn publish(repository: &Path) -> Output {
    Command::new("make").arg("publish").current_dir(repository).output().expect("make starts")
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The text of what was published, which must have succeeded.
fn published(repository: &Path, name: &str) -> String {
    let output = publish(repository);
    assert!(output.status.success(), "{}", said(&output));
    fs::read_to_string(repository.join(format!("build/{name}.json"))).expect("written")
}

/// A form of an example: an operation that has one, made from what leads to its value, and where the value is then.
type Form = (&'static str, fn(&Value) -> Value, &'static str);

fn answered(media: Value) -> Value {
    json!({"responses": {"200": {"description": "Found.", "content": {"application/json": media}}}})
}

/// Around a parameter, a header or a link, which are no answers themselves.
fn empty(part: Value) -> Value {
    let mut operation = json!({"responses": {"200": {"description": "Found."}}});
    let (operation_parts, part) = (operation.as_object_mut().expect("an object"), part);
    operation_parts.extend(part.as_object().expect("an object").clone());
    operation
}

const MEDIA: &str = "/responses/200/content/application~1json";

const FORMS: [Form; 13] = [
    ("named", |at| answered(json!({"examples": {"x": {"value": at}}})), "/examples/x/value"),
    ("unnamed", |at| answered(json!({"example": at})), "/example"),
    ("deep", |at| answered(json!({"examples": {"x": {"value": {"a": [1, {"b": at}]}}}})), "/examples/x/value/a/1/b"),
    ("deep-unnamed", |at| answered(json!({"example": {"a": [1, {"b": at}]}})), "/example/a/1/b"),
    ("schema", |at| answered(json!({"schema": {"example": at}})), "/schema/example"),
    (
        "property",
        |at| answered(json!({"schema": {"properties": {"value": {"default": at}}}})),
        "/schema/properties/value/default",
    ),
    ("choice", |at| answered(json!({"schema": {"enum": [at]}})), "/schema/enum/0"),
    ("several", |at| answered(json!({"schema": {"examples": [at]}})), "/schema/examples/0"),
    (
        "parameter",
        |at| empty(json!({"parameters": [{"name": "q", "in": "query", "schema": {}, "example": at}]})),
        "!/parameters/0/example",
    ),
    (
        "parameters",
        |at| {
            empty(json!({"parameters": [{"name": "q", "in": "query", "schema": {}, "examples": {"x": {"value": at}}}]}))
        },
        "!/parameters/0/examples/x/value",
    ),
    (
        "header",
        |at| json!({"responses": {"200": {"description": "d", "headers": {"H": {"schema": {}, "example": at}}}}}),
        "!/responses/200/headers/H/example",
    ),
    (
        "body",
        |at| empty(json!({"requestBody": {"content": {"application/json": {"examples": {"x": {"value": at}}}}}})),
        "!/requestBody/content/application~1json/examples/x/value",
    ),
    (
        "link",
        |at| json!({"responses": {"200": {"description": "d", "links": {"l": {"operationId": "named-json", "requestBody": at}}}}}),
        "!/responses/200/links/l/requestBody",
    ),
];

/// Name, reference, and what it leads to.
fn targets() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("json", "examples/one.json", json!({"id": "m-1", "inside": {"two": [2]}})),
        ("yaml", "examples/three.yaml", json!({"three": 3, "inside": {"two": [2]}})),
        ("part", "examples/one.json#/inside", json!({"two": [2]})),
        ("text", "texts/hello.md", json!("Hello *there*.\n")),
        ("own", "#/components/examples/Own/value", json!({"id": "own", "inside": {"two": [2]}})),
    ]
}

const FILES: [(&str, &str); 4] = [
    ("examples/one.json", r#"{"id": "m-1", "inside": {"$ref": "more/two.json"}}"#),
    ("examples/more/two.json", r#"{"two": [2]}"#),
    ("examples/three.yaml", "three: 3\ninside: {$ref: more/two.json}\n"),
    ("texts/hello.md", "Hello *there*.\n"),
];

/// A document with an operation for each form and each reference.
fn document(references: &[(&str, &str)]) -> Value {
    let mut paths = Map::new();
    for (form, operation, _) in FORMS {
        for (target, reference) in references {
            let mut operation = operation(&json!({"$ref": reference}));
            operation["operationId"] = json!(format!("{form}-{target}"));
            paths.insert(format!("/{form}/{target}"), json!({"get": operation}));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Messages", "version": "1", "description": {"$ref": "texts/hello.md"}},
        "paths": paths,
        "components": {"examples": {"Own": {"value": {"id": "own", "inside": {"$ref": "examples/more/two.json"}}}}},
    })
}

fn place(form: &str, target: &str, at: &str) -> String {
    let path = format!("/paths/~1{form}~1{target}/get");
    at.strip_prefix('!').map_or_else(|| format!("{path}{MEDIA}{at}"), |whole| format!("{path}{whole}"))
}

fn write(program: &Program, document: &Value) {
    for (path, text) in FILES {
        program.write(path, text);
    }
    program.write("api.json", serde_json::to_string_pretty(document).expect("JSON"));
}

/// References that somebody with this one file cannot follow; those in `left` are data.
fn dead(document: &Value, left: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut values = vec![document];
    while let Some(value) = values.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let inside = reference.strip_prefix('#').map(|pointer| pointer.replace("%7B", "{").replace("%7D", "}"));
            let leads = inside.is_some_and(|pointer| document.pointer(&pointer).is_some());
            if !leads && !reference.starts_with("https://") && !left.contains(&reference) {
                found.push(reference.to_owned());
            }
        }
        match value {
            Value::Object(map) => values.extend(map.values()),
            Value::Array(list) => values.extend(list),
            _ => {}
        }
    }
    found
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn examples_kept_in_files_are_published_tested_and_answered_whatever_their_form() {
    let program = Program::new();
    let targets = targets();
    let references: Vec<_> = targets.iter().map(|(name, reference, _)| (*name, *reference)).collect();
    write(&program, &document(&references));
    for style in ["style=apigee", "style=proxygen"] {
        let name = style.trim_start_matches("style=");
        let folder = repository(&program, name, "api.json", style);
        let text = published(&folder, name);
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["info"]["description"], "Hello *there*.\n");
        for (form, _, at) in FORMS {
            for (target, _, value) in &targets {
                let found = document.pointer(&place(form, target, at));
                assert_eq!(found, Some(value), "{form} {target}");
            }
        }
        assert_eq!(dead(&document, &[]), [] as [&str; 0]);
        passes(&folder);
        let (sandbox, _) = Sandbox::start(&folder);
        for (target, _, value) in &targets {
            let get = |form: &str| sandbox.call("GET", &format!("/{form}/{target}"), &[("Prefer", "code=200")], None);
            assert_eq!(get("unnamed").body.parse().unwrap_or_else(|_| json!(get("unnamed").body)), *value, "{target}");
            assert_eq!(get("deep").json(), json!({"a": [1, {"b": value}]}), "{target}");
        }
    }
    let bundle = Command::new("make").arg("bundle").current_dir(program.folder().join("proxygen")).output();
    assert!(bundle.expect("make starts").status.success());
    let bundle = fs::read(program.folder().join("proxygen/build/internal-dev.json")).expect("built");
    assert_eq!(dead(&serde_json::from_slice(&bundle).expect("JSON"), &[]), [] as [&str; 0]);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_reference_to_nothing_is_listed_and_nothing_is_published() {
    let program = Program::new();
    let nowhere = [
        ("missing", "examples/missing.json"),
        ("remote", "https://example.org/one.json"),
        ("place", "#/components/examples/Gone"),
        ("binary", "examples/picture.png"),
        ("circle", "examples/circle.json"),
    ];
    program.write("examples/picture.png", b"\x89PNG\xff\x00");
    program.write("examples/circle.json", r#"{"$ref": "circle.json"}"#);
    let mut whole = document(&nowhere);
    whole["paths"]["/part"] = json!({"get": {"responses": {"200": {"$ref": "answers/missing.yaml"}}}});
    whole["paths"]["/text"] = json!({"get": {"description": {"$ref": "texts/missing.md"}, "responses": {}}});
    let listed = json!({"parameters": [{"$ref": "#/components/parameters/Missing"}], "responses": {}});
    whole["paths"]["/listed"] = json!({ "get": listed });
    let kept = json!({"examples": {"x": {"externalValue": "examples/nothing.json"}}});
    whole["paths"]["/kept"] = json!({"get": answered(kept)});
    write(&program, &whole);
    // The tool itself refuses a reference that only leads to itself, so it comes later.
    let circle = program.folder().join("examples/circle.json");
    fs::write(&circle, "{}").expect("written");
    for style in ["style=apigee", "style=proxygen"] {
        let name = style.trim_start_matches("style=");
        let folder = repository(&program, name, "api.json", style);
        fs::create_dir_all(folder.join("build")).expect("made");
        fs::write(folder.join(format!("build/{name}.json")), "an older one").expect("written");
        fs::write(folder.join("specification/examples/circle.json"), r#"{"$ref": "circle.json"}"#).expect("written");
        let output = publish(&folder);
        let said = said(&output);
        assert!(!output.status.success(), "{said}");
        assert!(!folder.join(format!("build/{name}.json")).exists());
        for (form, _, at) in FORMS {
            // Deep inside data, what has no name of a file may be data.
            let deep = form.contains("deep") || ["choice", "several"].contains(&form);
            for (target, reference) in nowhere {
                let told = said.contains(&format!("(in {})", place(form, target, at)));
                assert!(told || deep && !["missing", "circle"].contains(&target), "{form} {reference}: {said}");
            }
        }
        for reference in
            ["answers/missing.yaml", "texts/missing.md", "examples/nothing.json", "#/components/parameters/Missing"]
        {
            let line = said.lines().find(|line| line.contains(&format!("`{reference}` (in ")));
            assert!(
                line.is_some_and(|line| line.contains(&format!("specification/{name}.json:"))),
                "{reference}: {said}"
            );
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_reference_that_is_data_of_an_example_is_kept_and_told() {
    let program = Program::new();
    let data = json!({
        "members": [{"value": "26", "$ref": "../Users/26", "display": "Ada"}, {"$ref": "../Users/27"}],
        "next": {"$ref": "http://127.0.0.1:9/api/data?cursor=abc"},
        "schema": {"$ref": "#/$defs/nowhere"},
    });
    let operation =
        answered(json!({"example": data, "examples": {"x": {"value": data}}, "schema": {"type": "object"}}));
    let spec = json!({
        "openapi": "3.0.3",
        "info": {"title": "Groups", "version": "1"},
        "paths": {"/groups": {"get": operation}},
    });
    program.write("api.json", serde_json::to_string_pretty(&spec).expect("JSON"));
    for style in ["style=apigee", "style=proxygen"] {
        let name = style.trim_start_matches("style=");
        let folder = repository(&program, name, "api.json", style);
        let output = publish(&folder);
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("specification/{name}.json:")) && said.contains("published as data"), "{said}");
        let document = fs::read(folder.join(format!("build/{name}.json"))).expect("written");
        let document: Value = serde_json::from_slice(&document).expect("JSON");
        for at in ["/example", "/examples/x/value"] {
            assert_eq!(document.pointer(&place("groups", "", at).replace("~1/get", "/get")), Some(&data), "{at}");
        }
        passes(&folder);
        let (sandbox, _) = Sandbox::start(&folder);
        assert_eq!(sandbox.call("GET", "/groups", &[("Prefer", "example=x")], None).json(), data);
        if name == "proxygen" {
            let built = Command::new("make").arg("bundle").current_dir(&folder).output().expect("make starts");
            assert!(built.status.success(), "{built:?}");
            let built = fs::read_to_string(folder.join("build/internal-dev.json")).expect("built");
            assert!(built.contains("../Users/26") && built.contains("#/$defs/nowhere"), "{built}");
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn numbers_are_published_with_all_their_digits_or_not_at_all() {
    let program = Program::new();
    let long = "[1e400, -1.5E400, 12345678901234567890, 9007199254740993, 0.1234567890123456789012, 7]";
    let spec = |example: &str| {
        format!(
            r#"{{"openapi": "3.0.3", "info": {{"title": "Numbers", "version": "1"}}, "paths": {{"/n": {{"get": {{"responses":
            {{"200": {{"description": "d", "content": {{"application/json": {{"example": {example},
            "schema": {{"maximum": 9223372036854775807, "minimum": -9223372036854775808}}}}}}}}}}}}}}}}}}"#
        )
    };
    program.write("good.json", spec(long));
    let folder = repository(&program, "good", "good.json", "style=apigee");
    let text: String = published(&folder, "good").split_whitespace().collect();
    for number in long.trim_matches(['[', ']']).split(", ").chain(["9223372036854775807", "-9223372036854775808"]) {
        assert!(text.contains(number), "{number}: {text}");
        assert!(!text.contains(&format!("\"{number}\"")), "{number}: {text}");
    }
    for unclear in ["[9007199254740993, 9007199254740992]", "[1e400, \"1e400\"]"] {
        program.write("unclear.json", spec(unclear));
        let folder = repository(&program, &format!("unclear-{}", unclear.len()), "unclear.json", "style=apigee");
        let output = publish(&folder);
        assert!(!output.status.success() && said(&output).contains("cannot be told apart"), "{}", said(&output));
    }
}

/// A document whose schemas refer to one another by `$id` and `$anchor`.
fn boats() -> Value {
    let schemas = json!({
        "Colour": {"$id": "/schemas/colour", "type": "string", "enum": ["red"], "$defs": {"size": {"$anchor": "size", "type": "integer"}}},
        "Boat": {
            "$id": "https://example.org/boats/boat",
            "type": "object",
            "required": ["a", "b", "c", "d", "e", "f"],
            "properties": {
                "a": {"type": "integer"},
                "b": {"$ref": "mast"},
                "c": {"$ref": "#/$defs/sail"},
                "d": {"$ref": "#hull"},
                "e": {"$ref": "./mast#height"},
                "f": {"type": "object", "properties": {"$id": {"type": "string"}}, "example": {"$id": "x", "$ref": "mast"}},
            },
            "$defs": {
                "sail": {"type": "boolean"},
                "hull": {"$anchor": "hull", "type": "array", "items": {"type": "integer"}},
                "mast": {"$id": "mast", "type": "object", "properties": {"h": {"$anchor": "height", "type": "number"}}},
            },
        },
        "All": {
            "type": "object",
            "required": ["boat", "colour", "size", "place"],
            "properties": {
                "boat": {"$ref": "https://example.org/boats/boat"},
                "colour": {"$ref": "/schemas/colour"},
                "size": {"$ref": "/schemas/colour#size"},
                "place": {"$ref": "/schemas/colour#/$defs/size"},
            },
        },
    });
    let body =
        json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/All"}}}});
    let boat = json!({"a": 1, "b": {"h": 1.5}, "c": true, "d": [1], "e": 2.5, "f": {"$id": "x", "$ref": "mast"}});
    let example = json!({"boat": boat, "colour": "red", "size": 1, "place": 2});
    let answer = json!({"description": "Kept.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/All"}, "example": example}}});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Boats", "version": "1"},
        "paths": {"/boats": {"post": {"requestBody": body, "responses": {"200": answer}}}},
        "components": {"schemas": schemas},
    })
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn references_by_names_of_schemas_become_pointers_in_all_that_is_built() {
    let program = Program::new();
    program.write("boats.json", boats().to_string());
    let folder = repository(&program, "boats", "boats.json", "style=apigee");
    let lint = Command::new("make").arg("lint").current_dir(&folder).output().expect("make starts");
    assert!(lint.status.success() && !said(&lint).contains("Can't resolve"), "{}", said(&lint));
    passes(&folder);
    let published: Value = serde_json::from_str(&published(&folder, "boats")).expect("JSON");
    let schema = published.pointer("/paths/~1boats/post/requestBody/content/application~1json/schema");
    let properties = &schema.expect("a schema")["properties"];
    let expected = [
        ("/boat/properties/b/properties/h/type", "number"),
        ("/boat/properties/c/type", "boolean"),
        ("/boat/properties/d/type", "array"),
        ("/boat/properties/e/type", "number"),
        ("/boat/properties/f/properties/$id/type", "string"),
        ("/boat/properties/f/example/$id", "x"),
        ("/colour/type", "string"),
        ("/size/type", "integer"),
        ("/place/type", "integer"),
    ];
    for (pointer, text) in expected {
        assert_eq!(properties.pointer(pointer), Some(&json!(text)), "{pointer}: {properties}");
    }
}

/// It becomes more than 300 MB without references.
const HUGE: &str = "kubernetes-1.35-apps-v1.json";

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn real_documents_are_published_without_a_dead_reference_or_not_at_all() {
    let folder = real_documents();
    let program = Program::new();
    let mut written = 0;
    for (number, path) in documents(&folder).iter().enumerate() {
        if path.ends_with(REFUSED) || path.ends_with(HUGE) {
            continue;
        }
        let name = format!("api-{number}");
        let repository = repository(&program, &name, path.to_str().expect("a path"), style(path));
        let output = publish(&repository);
        let said = said(&output);
        let target = repository.join(format!("build/{name}.json"));
        if output.status.success() {
            let document = serde_json::from_slice(&fs::read(target).expect("written")).expect("JSON");
            assert_eq!(dead(&document, &[]), [] as [&str; 0], "{}", path.display());
            Meant::read(path, &linters()).is_published(&document);
            written += 1;
        } else {
            assert!(said.contains("references lead nowhere:\n  ") && !target.exists(), "{}: {said}", path.display());
        }
        if style(path) == "style=apigee" {
            repository_says_what_its_document_says(&repository);
        }
    }
    assert!(written > 0);
}
