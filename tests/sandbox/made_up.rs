//! Answers without an example are made up, in the media type that is documented, and fit their schemas.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::repository;
use crate::program::Program;
use crate::sandbox::server::Sandbox;
use crate::tools::linters;

#[test]
#[ignore = "needs the linters of tests/run"]
fn an_answer_without_an_example_has_a_body_of_its_media_type() {
    let program = Program::new();
    let folder = repository(&program, "bare", &[], &linters());
    let spec = program.write("spec.yaml", include_str!("specs/answers.yaml"));
    let (sandbox, _) = Sandbox::of(&folder, Some(&spec));
    let pet = |inner: &str| format!("<p:pet xmlns:p=\"urn:pets\" {inner}</p:pet>");
    let made = pet("id=\"0\"><name>string</name><tags><tag>string</tag></tags><ages>0</ages>");
    let rex =
        pet("id=\"7\"><name>Rex &#38; co</name><tags><tag>a</tag><tag>b</tag></tags><ages>1</ages><ages>2</ages>");
    let xml = |element: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{element}");
    let cases = [
        ("/json", "*/*", 200, "application/json", "{}".to_owned()),
        ("/pdf", "*/*", 200, "application/pdf", "string".to_owned()),
        ("/png", "*/*", 200, "image/png", String::new()),
        ("/image", "*/*", 200, "image/png", String::new()),
        ("/image", "image/webp", 200, "image/webp", String::new()),
        ("/any", "*/*", 200, "application/json", "{\"R\":0}".to_owned()),
        ("/text", "text/*", 200, "text/plain", "stringst".to_owned()),
        ("/csv", "text/csv; q=0.5", 200, "text/csv", "string".to_owned()),
        ("/lines", "*/*", 200, "application/x-ndjson", "{\"R\":0}".to_owned()),
        ("/form", "*/*", 200, "application/x-www-form-urlencoded", "R=0".to_owned()),
        ("/pet", "*/*", 200, "application/json", "{\"is\":\"json\"}".to_owned()),
        ("/pet", "application/xml", 200, "application/xml", xml(&made)),
        ("/pet", "text/html, application/xml;q=0.9, */*;q=0.1", 200, "application/xml", xml(&made)),
        ("/pet", "image/png, */*;q=0.1, application/json;q=0", 200, "application/xml", xml(&made)),
        ("/pets", "*/*", 200, "application/xml", xml(&format!("<root>{made}</root>"))),
        ("/ends", "*/*", 200, "application/json", "{\"next\":null}".to_owned()),
        ("/word", "*/*", 200, "application/xml", xml("<root>string</root>")),
        ("/rex", "*/*", 200, "text/xml", xml(&rex)),
    ];
    for (path, accept, status, media_type, body) in cases {
        let answer = sandbox.call("GET", path, &[("Accept", accept)], None);
        assert_eq!((answer.status, &answer.body), (status, &body), "{path} {accept}");
        assert!(answer.headers.contains(&format!("\r\ncontent-type: {media_type}\r\n")), "{path} {accept}: {answer:?}");
    }
    for (path, accept, status, why) in [
        (
            "/pet",
            "image/png",
            406,
            "no body of a type that `Accept` names, but application/json, application/xml, text/csv",
        ),
        ("/pet", "no type", 406, "no body of a type that `Accept` names"),
        ("/pet", "text/csv", 501, "cannot be written as text/csv"),
        ("/table", "*/*", 501, "the answer 200 to GET /table cannot be made up"),
        ("/impossible", "*/*", 501, "no value that fits its schema was found"),
    ] {
        let answer = sandbox.call("GET", path, &[("Accept", accept)], None);
        let detail = answer.json()["detail"].to_string();
        assert!(answer.status == status && detail.contains(why), "{path} {accept}: {answer:?}");
    }
    let hidden = |body: &str| sandbox.call("POST", "/hidden", &[], Some(body));
    assert_eq!(hidden("{\"password\": \"x\"}").json(), json!({"id": 0}));
    assert_eq!(hidden("{\"id\": 1}").status, 422);
}

/// A pattern as documents have them, and bounds that it leaves alone.
const PATTERNS: [&str; 14] = [
    r"^\d{10}$",
    r"^[A-Z]{1,2}[0-9R][0-9A-Z]? [0-9][ABD-HJLNP-UW-Z]{2}$",
    r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$",
    r"^(urn:uuid:|oid:)[a-z]+(\.[0-9]+)*$",
    r"^(GB)?(\d{9}|\d{12})$",
    r"^\p{Lu}\p{Ll}+$",
    r"^[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])$",
    r"^#([a-f0-9]{6}|[a-f0-9]{3})$",
    r"^(?!0)\d+$",
    r"^[\w.+-]+@[\w-]+\.[\w.]+$",
    r"^\x41\u0042[\]\[]$",
    r"^[A-Z0-9_]{50,60}$",
    r"^\+?[1-9]\d{1,14}$",
    r"^https?://\S+$",
];

/// A schema of chance that some value fits.
fn schema(dice: &mut Dice, depth: usize) -> Value {
    let low = dice.below(20);
    let kinds = if depth == 0 { 7 } else { 12 };
    match dice.below(kinds) {
        0 => json!({"type": "integer", "minimum": low, "maximum": low + 3}),
        1 => json!({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": low + 1}),
        2 => json!({"type": "integer", "multipleOf": 7, "minimum": low}),
        3 => json!({"type": "string", "minLength": low, "maxLength": low + 2}),
        4 => json!({"type": "string", "pattern": PATTERNS[dice.below(PATTERNS.len())]}),
        5 => json!({"enum": ["a", 1, null]}),
        6 => {
            let format = ["date", "date-time", "uuid", "email", "uri", "ipv4"][dice.below(6)];
            json!({"type": "string", "format": format})
        }
        7 => {
            let kind = ["integer", "string"][dice.below(2)];
            json!({"type": "array", "minItems": low, "maxItems": low + 5, "uniqueItems": true, "items": {"type": kind}})
        }
        8 => json!({"type": "array", "items": schema(dice, depth - 1)}),
        9 => {
            let parts = [object(dice, depth - 1, "a"), object(dice, depth - 1, "b")];
            json!({"allOf": parts})
        }
        10 => {
            let choice = ["anyOf", "oneOf"][dice.below(2)];
            json!({choice: [schema(dice, depth - 1), {"type": "boolean"}]})
        }
        _ => object(dice, depth - 1, "p"),
    }
}

fn object(dice: &mut Dice, depth: usize, prefix: &str) -> Value {
    let names: Vec<_> = (0..dice.below(5)).map(|number| format!("{prefix}{number}")).collect();
    let properties: Map<_, _> = names.iter().map(|name| (name.clone(), schema(dice, depth))).collect();
    let required: Vec<_> = names.iter().filter(|_| dice.below(2) == 0).collect();
    json!({"type": "object", "required": required, "properties": properties, "minProperties": dice.below(3)})
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn what_is_made_up_fits_its_schema() {
    let program = Program::new();
    let mut dice = Dice(20_261_127);
    let schemas: Vec<_> = (0..300).map(|_| schema(&mut dice, 3)).collect();
    let paths: Map<_, _> = schemas
        .iter()
        .enumerate()
        .map(|(number, schema)| {
            let found = json!({"description": "One", "content": {"application/json": {"schema": schema}}});
            (format!("/made/{number}"), json!({"get": {"responses": {"200": found}}}))
        })
        .collect();
    let spec = json!({"openapi": "3.1.0", "info": {"title": "Made up", "version": "1"}, "paths": paths});
    program.write("made.json", spec.to_string());
    let folder = repository(&program, "made", &["--spec", "made.json"], &linters());
    let (sandbox, _) = Sandbox::start(&folder);
    for (number, schema) in schemas.iter().enumerate() {
        let answer = sandbox.get(&format!("/made/{number}"));
        assert_eq!(answer.status, 200, "{schema}: {answer:?}");
        let value = answer.json();
        let validator = jsonschema::options().should_validate_formats(true).build(schema).expect("a schema");
        if let Err(error) = validator.validate(&value) {
            panic!("{schema}: {value}: {error}");
        }
    }
}
