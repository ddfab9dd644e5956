//! Each kind of change, and what the rules say about it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{BREAKS, FINE, WARNS, compared, document, python, repository};
use crate::program::Program;

/// Where a schema stands in a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Body,
    Query,
    Answer,
    Header,
    Webhook,
}

pub(super) const SIDES: [Side; 5] = [Side::Body, Side::Query, Side::Answer, Side::Header, Side::Webhook];

impl Side {
    fn name(self) -> &'static str {
        if matches!(self, Self::Body | Self::Query) { "request" } else { "response" }
    }

    /// A document that has the schema there, and these components.
    pub(super) fn document(self, version: &str, schema: &Value, components: &Value) -> Value {
        let content = json!({"application/json": {"schema": schema}});
        let mut operation = json!({"responses": {"200": {"description": "Done."}}});
        let mut webhooks = json!({});
        match self {
            Self::Body => operation["requestBody"] = json!({"content": content}),
            Self::Query => operation["parameters"] = json!([{"name": "q", "in": "query", "schema": schema}]),
            Self::Answer => operation["responses"]["200"]["content"] = content,
            Self::Header => operation["responses"]["200"]["headers"] = json!({"X-Q": {"schema": schema}}),
            Self::Webhook => webhooks = json!({"told": {"post": {"requestBody": {"content": content}}}}),
        }
        let mut document = document(version, &json!({"/a/{id}": {"post": operation}}));
        document["components"] = json!({"schemas": components});
        document["webhooks"] = webhooks;
        document
    }
}

/// Ways to put a schema into another one, so that a change is at any depth.
pub(super) fn wrapped(random: &mut fastrand::Rng, schemas: [&Value; 2]) -> ([Value; 2], [Value; 2]) {
    let (mut schemas, mut components) = (schemas.map(Clone::clone), [json!({}), json!({})]);
    for depth in 0..random.usize(0..4) {
        let way = random.usize(0..6);
        for (schema, components) in schemas.iter_mut().zip(&mut components) {
            let inner = schema.take();
            *schema = match way {
                0 => json!({"type": "object", "properties": {"one": inner, "two": {"type": "string"}}}),
                1 => json!({"type": "array", "items": inner}),
                2 => json!({"type": "object", "additionalProperties": {"allOf": [inner]}}),
                3 => json!({"allOf": [{"description": "All."}, inner]}),
                4 => json!({"anyOf": [inner]}),
                _ => {
                    let name = format!("Part{depth}");
                    components[&name] = inner;
                    json!({"$ref": format!("#/components/schemas/{name}")})
                }
            };
        }
    }
    (schemas, components)
}

/// A kind of difference, a schema that takes more and one that takes less, and what it means where a request takes
/// less and where an answer has more: `breaking`, `warning` or `compatible`.
type Row = (&'static str, Value, Value, &'static str, &'static str);

fn text(more: &Value) -> Value {
    let mut schema = json!({"type": "string"});
    schema.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    schema
}

fn number(more: &Value) -> Value {
    let mut schema = text(more);
    schema["type"] = json!("number");
    schema
}

fn list(more: &Value) -> Value {
    let mut schema = text(more);
    schema["type"] = json!("array");
    schema
}

fn object(more: &Value) -> Value {
    let mut schema = json!({"properties": {"p": {"type": "string"}}});
    schema.as_object_mut().expect("an object").extend(text(more).as_object().expect("an object").clone());
    schema["type"] = json!("object");
    schema
}

/// What OpenAPI 3.0 and 3.1 say in the same words.
pub(super) fn rows() -> Vec<Row> {
    [values(), lists_and_objects(), alternatives()].concat()
}

fn values() -> Vec<Row> {
    let whole = json!({"type": "integer"});
    vec![
        ("type", number(&json!({})), whole.clone(), BREAKS, BREAKS),
        ("type", json!({}), json!({"type": "string"}), BREAKS, BREAKS),
        ("value", text(&json!({"enum": ["a", "b"]})), text(&json!({"enum": ["b"]})), BREAKS, WARNS),
        ("value", json!({"enum": ["a", 1, false]}), json!({"enum": [1, "a"]}), BREAKS, WARNS),
        ("enum", text(&json!({})), text(&json!({"enum": ["a"]})), BREAKS, BREAKS),
        ("minLength", text(&json!({"minLength": 1})), text(&json!({"minLength": 2})), BREAKS, BREAKS),
        ("maxLength", text(&json!({})), text(&json!({"maxLength": 2})), BREAKS, BREAKS),
        ("maxLength", text(&json!({"maxLength": 3})), text(&json!({"maxLength": 2})), BREAKS, BREAKS),
        ("pattern", text(&json!({})), text(&json!({"pattern": "^a"})), BREAKS, WARNS),
        ("format", text(&json!({})), text(&json!({"format": "date"})), BREAKS, BREAKS),
        (
            "format",
            json!({"type": "integer", "format": "int64"}),
            json!({"type": "integer", "format": "int32"}),
            BREAKS,
            BREAKS,
        ),
        ("minimum", number(&json!({})), number(&json!({"minimum": 0})), BREAKS, BREAKS),
        ("minimum", number(&json!({"minimum": 0.5})), number(&json!({"minimum": 1})), BREAKS, BREAKS),
        ("maximum", number(&json!({"maximum": 9})), number(&json!({"maximum": 8.5})), BREAKS, BREAKS),
        ("multipleOf", whole.clone(), json!({"type": "integer", "multipleOf": 2}), BREAKS, BREAKS),
        ("multipleOf", number(&json!({"multipleOf": 0.1})), number(&json!({"multipleOf": 0.2})), BREAKS, BREAKS),
    ]
}

fn lists_and_objects() -> Vec<Row> {
    let whole = json!({"type": "integer"});
    vec![
        ("minItems", list(&json!({"items": {}})), list(&json!({"items": {}, "minItems": 1})), BREAKS, BREAKS),
        (
            "maxItems",
            list(&json!({"items": {}, "maxItems": 2})),
            list(&json!({"items": {}, "maxItems": 1})),
            BREAKS,
            BREAKS,
        ),
        ("uniqueItems", list(&json!({"items": {}})), list(&json!({"items": {}, "uniqueItems": true})), BREAKS, WARNS),
        ("type", list(&json!({"items": number(&json!({}))})), list(&json!({"items": whole})), BREAKS, BREAKS),
        ("minProperties", object(&json!({})), object(&json!({"minProperties": 1})), BREAKS, BREAKS),
        ("maxProperties", object(&json!({"maxProperties": 3})), object(&json!({"maxProperties": 2})), BREAKS, BREAKS),
        ("required", object(&json!({})), object(&json!({"required": ["p"]})), BREAKS, BREAKS),
        ("required", object(&json!({})), json!({"allOf": [object(&json!({})), {"required": ["p"]}]}), BREAKS, BREAKS),
        ("closed", object(&json!({})), object(&json!({"additionalProperties": false})), BREAKS, WARNS),
        (
            "additional",
            object(&json!({})),
            object(&json!({"additionalProperties": {"type": "string"}})),
            BREAKS,
            BREAKS,
        ),
    ]
}

fn alternatives() -> Vec<Row> {
    vec![
        (
            "alternative",
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"type": "string"}),
            BREAKS,
            BREAKS,
        ),
        (
            "alternative",
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]}),
            json!({"oneOf": [{"type": "boolean"}, {"type": "string"}]}),
            BREAKS,
            BREAKS,
        ),
        (
            "maxLength",
            json!({"oneOf": [text(&json!({"maxLength": 9})), {"type": "integer"}]}),
            json!({"oneOf": [text(&json!({"maxLength": 8})), {"type": "integer"}]}),
            BREAKS,
            BREAKS,
        ),
        ("unclear", text(&json!({})), text(&json!({"not": {"enum": ["a"]}})), BREAKS, BREAKS),
        ("implied", json!({"properties": {"p": {"type": "string"}}}), object(&json!({})), WARNS, WARNS),
    ]
}

/// What only OpenAPI 3.0 says so.
pub(super) fn old_rows() -> Vec<Row> {
    let open = number(&json!({"minimum": 1}));
    let shut = number(&json!({"minimum": 1, "exclusiveMinimum": true}));
    vec![
        ("null", text(&json!({"nullable": true})), text(&json!({})), BREAKS, BREAKS),
        (
            "null",
            json!({"allOf": [{"type": "string"}], "nullable": true}),
            json!({"allOf": [{"type": "string"}]}),
            BREAKS,
            BREAKS,
        ),
        ("minimum", open, shut, BREAKS, BREAKS),
    ]
}

/// What only OpenAPI 3.1 and 3.2 say so.
fn new_rows() -> Vec<Row> {
    let either = json!({"if": {"minLength": 3}, "then": {"pattern": "^a"}});
    vec![
        ("null", json!({"type": ["string", "null"]}), text(&json!({})), BREAKS, BREAKS),
        ("null", json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), text(&json!({})), BREAKS, BREAKS),
        ("type", json!({"type": ["string", "integer"]}), text(&json!({})), BREAKS, BREAKS),
        ("minimum", number(&json!({"minimum": 1})), number(&json!({"exclusiveMinimum": 1})), BREAKS, BREAKS),
        ("enum", text(&json!({})), json!({"const": "a"}), BREAKS, BREAKS),
        ("value", json!({"enum": ["a", "b"]}), json!({"const": "a"}), BREAKS, WARNS),
        ("closed", object(&json!({})), object(&json!({"unevaluatedProperties": false})), BREAKS, WARNS),
        ("unclear", text(&json!({})), text(&either), BREAKS, BREAKS),
        ("unclear", object(&json!({})), object(&json!({"dependentRequired": {"p": ["q"]}})), BREAKS, BREAKS),
        ("unclear", object(&json!({})), object(&json!({"propertyNames": {"maxLength": 3}})), BREAKS, BREAKS),
        ("unclear", list(&json!({})), list(&json!({"contains": {"type": "string"}})), BREAKS, BREAKS),
    ]
}

/// The name of the rule for a kind of difference.
fn rule(side: &str, kind: &str, narrowed: bool) -> String {
    let word = if narrowed { "narrowed" } else { "widened" };
    match kind {
        "required" => format!("{side}-property-{}", if narrowed { "required" } else { "optional" }),
        "value" | "alternative" | "property" => format!("{side}-{kind}-{}", if narrowed { "removed" } else { "added" }),
        "unclear" => format!("{side}-unclear"),
        _ => format!("{side}-{kind}-{word}"),
    }
}

#[test]
fn each_difference_of_schemas_is_what_the_table_says_on_each_side_at_any_depth() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let mut random = fastrand::Rng::with_seed(1);
    let (mut pairs, mut expected) = (Vec::new(), Vec::new());
    let versions: [(&str, Vec<Row>); 3] = [
        ("3.0.3", [rows(), old_rows()].concat()),
        ("3.1.0", [rows(), new_rows()].concat()),
        ("3.2.0", [rows(), new_rows()].concat()),
    ];
    for (version, rows) in &versions {
        for (kind, more, less, request, answer) in rows {
            for side in SIDES.into_iter().flat_map(|side| [side; 3]) {
                let ([more, less], [with_more, with_less]) = wrapped(&mut random, [more, less]);
                let documents = [side.document(version, &more, &with_more), side.document(version, &less, &with_less)];
                for narrowed in [true, false] {
                    let [one, other] = documents.clone();
                    pairs.push(if narrowed { (one, other) } else { (other, one) });
                    let severity = match (side.name(), narrowed) {
                        ("request", true) => *request,
                        ("response", false) => *answer,
                        _ => FINE,
                    };
                    expected.push((rule(side.name(), kind, narrowed), severity));
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for (((old, new), (rule, severity)), found) in pairs.iter().zip(&expected).zip(compared(&repository, &pairs)) {
        let found: BTreeSet<_> = found.into_iter().map(|one| (one.rule, one.severity)).collect();
        if found != BTreeSet::from([(rule.clone(), (*severity).to_owned())]) {
            wrong.push(format!("{rule} {severity}, not {found:?}: {old} -> {new}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

/// A change of the document, what it is called, and what the way back is called.
type Edit =
    (&'static str, fn(&mut Value), &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

/// An operation with a body and a call back.
fn making(content: &Value) -> Value {
    json!({
        "parameters": [{"$ref": "#/components/parameters/Dry"}],
        "requestBody": {"required": false, "content": content},
        "responses": {"201": {"description": "Made."}},
        "callbacks": {"done": {"{$request.body#/url}": {"post": {
            "requestBody": {"content": content}, "responses": {"204": {"description": "Heard."}},
        }}}},
    })
}

/// A document with one of everything that can change.
pub(super) fn shelf(version: &str) -> Value {
    let book = json!({
        "type": "object",
        "required": ["id"],
        "discriminator": {"propertyName": "title"},
        "properties": {
            "id": {"type": "string", "readOnly": true},
            "title": {"type": "string"},
            "pages": {"type": "integer"},
            "size": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        },
    });
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Book"}}});
    let list = json!({
        "operationId": "list",
        "security": [{"key": []}],
        "parameters": [
            {"name": "limit", "in": "query", "schema": {"type": "integer"}},
            {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}, "allowEmptyValue": true},
            {"name": "X-Trace", "in": "header", "required": true, "schema": {"type": "string"}},
        ],
        "responses": {
            "200": {
                "description": "Books.",
                "headers": {"X-Total": {"required": true, "schema": {"type": "integer"}}},
                "links": {"next": {"operationId": "list"}},
                "content": content,
            },
            "404": {"description": "None."},
        },
    });
    let make = making(&content);
    let mut document = document(
        version,
        &json!({
            "/books": {"get": list, "post": make},
            "/books/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "get": {"responses": {"2XX": {"description": "One."}, "default": {"description": "Else."}}},
            },
        }),
    );
    document["servers"] = json!([{"url": "https://{stage}.example.org/v1", "variables": {"stage": {"default": "int", "enum": ["int", "ref"]}}}]);
    document["components"] = json!({
        "schemas": {"Book": book},
        "parameters": {"Dry": {"name": "dry", "in": "query", "schema": {"type": "boolean"}}},
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "apikey"},
            "login": {"type": "http", "scheme": "bearer"},
        },
    });
    if version != "3.0.3" {
        document["webhooks"] = json!({"new": {"post": {"requestBody": {"content": content}, "responses": {}}}});
    }
    document
}

pub(super) fn remove(document: &mut Value, pointer: &str) {
    let (above, key) = pointer.rsplit_once('/').expect("a pointer");
    let above = document.pointer_mut(above).unwrap_or_else(|| panic!("{pointer}"));
    match above {
        Value::Array(items) => drop(items.remove(key.parse().expect("a number"))),
        above => {
            let key = key.replace("~1", "/");
            above.as_object_mut().expect("an object").remove(&key).unwrap_or_else(|| panic!("{pointer}"));
        }
    }
}

pub(super) fn set(document: &mut Value, pointer: &str, value: Value) {
    let (above, key) = pointer.rsplit_once('/').expect("a pointer");
    let above = document.pointer_mut(above).unwrap_or_else(|| panic!("{pointer}"));
    match above {
        Value::Array(items) if key == "-" => items.push(value),
        above => above[key.replace("~1", "/").as_str()] = value,
    }
}

const LIST: &str = "/paths/~1books/get";
const MAKE: &str = "/paths/~1books/post";

const EDITS: [Edit; 54] = [
    ("an operation goes", |d| remove(d, LIST), &[("operation-removed", BREAKS)], &[("operation-added", FINE)]),
    (
        "a path goes",
        |d| remove(d, "/paths/~1books~1{id}"),
        &[("operation-removed", BREAKS)],
        &[("operation-added", FINE)],
    ),
    (
        "a path has other names of parameters",
        |d| {
            let mut item = d["paths"]["/books/{id}"].take();
            item["parameters"][0]["name"] = json!("book");
            remove(d, "/paths/~1books~1{id}");
            d["paths"]["/books/{book}"] = item;
        },
        &[],
        &[],
    ),
    (
        "an operation is deprecated",
        |d| set(d, &format!("{LIST}/deprecated"), json!(true)),
        &[("operation-deprecated", FINE)],
        &[],
    ),
    (
        "an operation has another id",
        |d| set(d, &format!("{LIST}/operationId"), json!("books")),
        &[("operation-id-changed", WARNS)],
        &[("operation-id-changed", WARNS)],
    ),
    (
        "a server goes",
        |d| set(d, "/servers/0/variables/stage/enum", json!(["int"])),
        &[("server-removed", BREAKS)],
        &[("server-added", FINE)],
    ),
    (
        "the base path changes",
        |d| set(d, "/servers/0/url", json!("https://{stage}.example.org/v2")),
        &[("server-added", FINE), ("server-removed", BREAKS)],
        &[("server-added", FINE), ("server-removed", BREAKS)],
    ),
    (
        "an operation has its own server",
        |d| set(d, &format!("{LIST}/servers"), json!([{"url": "https://int.example.org/v1"}])),
        &[("server-removed", BREAKS)],
        &[("server-added", FINE)],
    ),
    (
        "callers need more",
        |d| set(d, &format!("{LIST}/security"), json!([{"key": [], "login": []}])),
        &[("security-tightened", BREAKS)],
        &[("security-relaxed", FINE)],
    ),
    (
        "callers need another scope",
        |d| set(d, &format!("{LIST}/security"), json!([{"key": ["read"]}])),
        &[("security-tightened", BREAKS)],
        &[("security-relaxed", FINE)],
    ),
    (
        "callers may do otherwise",
        |d| set(d, &format!("{LIST}/security"), json!([{"key": []}, {"login": []}])),
        &[("security-relaxed", FINE)],
        &[("security-tightened", BREAKS)],
    ),
    (
        "the whole document asks for security",
        |d| d["security"] = json!([{"key": []}]),
        &[("security-tightened", BREAKS)],
        &[("security-relaxed", FINE)],
    ),
    (
        "a scheme is another",
        |d| set(d, "/components/securitySchemes/key/name", json!("x-api-key")),
        &[("security-scheme-changed", BREAKS)],
        &[("security-scheme-changed", BREAKS)],
    ),
    (
        "a scheme has another name",
        |d| {
            let scheme = d["components"]["securitySchemes"]["key"].clone();
            remove(d, "/components/securitySchemes/key");
            d["components"]["securitySchemes"]["secret"] = scheme;
            set(d, &format!("{LIST}/security"), json!([{"secret": []}]));
        },
        &[],
        &[],
    ),
    (
        "a parameter goes",
        |d| remove(d, &format!("{LIST}/parameters/0")),
        &[("parameter-removed", BREAKS)],
        &[("parameter-added", FINE)],
    ),
    (
        "a required parameter goes",
        |d| remove(d, &format!("{LIST}/parameters/2")),
        &[("parameter-removed", BREAKS)],
        &[("parameter-added-required", BREAKS)],
    ),
    (
        "a parameter is required",
        |d| set(d, &format!("{LIST}/parameters/0/required"), json!(true)),
        &[("parameter-required", BREAKS)],
        &[("parameter-optional", FINE)],
    ),
    (
        "a parameter moves",
        |d| set(d, &format!("{LIST}/parameters/0/in"), json!("header")),
        &[("parameter-moved", BREAKS)],
        &[("parameter-moved", BREAKS)],
    ),
    ("a header's case changes", |d| set(d, &format!("{LIST}/parameters/2/name"), json!("x-trace")), &[], &[]),
    (
        "a list is written in one",
        |d| set(d, &format!("{LIST}/parameters/1/explode"), json!(false)),
        &[("parameter-style-changed", BREAKS)],
        &[("parameter-style-changed", BREAKS)],
    ),
    ("a number's list form changes", |d| set(d, &format!("{LIST}/parameters/0/explode"), json!(false)), &[], &[]),
    (
        "a parameter may not be empty",
        |d| remove(d, &format!("{LIST}/parameters/1/allowEmptyValue")),
        &[("parameter-style-changed", BREAKS)],
        &[],
    ),
    (
        "a parameter is deprecated",
        |d| set(d, "/components/parameters/Dry/deprecated", json!(true)),
        &[("parameter-deprecated", FINE)],
        &[],
    ),
    (
        "a shared parameter is required",
        |d| set(d, "/components/parameters/Dry/required", json!(true)),
        &[("parameter-required", BREAKS)],
        &[("parameter-optional", FINE)],
    ),
    (
        "a header that OpenAPI ignores is required",
        |d| set(d, &format!("{LIST}/parameters/-"), json!({"name": "Authorization", "in": "header", "required": true})),
        &[],
        &[],
    ),
    (
        "a parameter's type changes",
        |d| set(d, &format!("{LIST}/parameters/0/schema/type"), json!("boolean")),
        &[("request-type-narrowed", BREAKS)],
        &[("request-type-narrowed", BREAKS)],
    ),
    (
        "a default changes",
        |d| set(d, &format!("{LIST}/parameters/0/schema/default"), json!(10)),
        &[("request-default", WARNS)],
        &[("request-default", WARNS)],
    ),
    (
        "a body goes",
        |d| remove(d, &format!("{MAKE}/requestBody")),
        &[("request-body-removed", BREAKS)],
        &[("request-body-added", FINE)],
    ),
    (
        "a body is required",
        |d| set(d, &format!("{MAKE}/requestBody/required"), json!(true)),
        &[("request-body-required", BREAKS)],
        &[("request-body-optional", FINE)],
    ),
    (
        "a body comes that is required",
        |d| set(d, &format!("{LIST}/requestBody"), json!({"required": true, "content": {}})),
        &[("request-body-added-required", BREAKS)],
        &[("request-body-removed", BREAKS)],
    ),
    (
        "a media type changes",
        |d| {
            let media =
                d.pointer_mut("/paths/~1books/post/requestBody/content/application~1json").expect("there").take();
            set(d, &format!("{MAKE}/requestBody/content"), json!({"application/xml": media}));
        },
        &[("request-media-type-added", FINE), ("request-media-type-removed", BREAKS)],
        &[("request-media-type-added", FINE), ("request-media-type-removed", BREAKS)],
    ),
    (
        "a media type is a range",
        |d| {
            let media =
                d.pointer_mut("/paths/~1books/post/requestBody/content/application~1json").expect("there").take();
            set(d, &format!("{MAKE}/requestBody/content"), json!({"application/*": media}));
        },
        &[],
        &[],
    ),
    (
        "how a part is written changes",
        |d| {
            set(
                d,
                &format!("{MAKE}/requestBody/content/application~1json/encoding"),
                json!({"title": {"contentType": "text/plain"}}),
            )
        },
        &[("unclear", BREAKS)],
        &[("unclear", BREAKS)],
    ),
    (
        "an answer goes",
        |d| remove(d, &format!("{LIST}/responses/200")),
        &[("response-removed", BREAKS)],
        &[("response-added", FINE)],
    ),
    (
        "an error goes",
        |d| remove(d, &format!("{LIST}/responses/404")),
        &[("response-error-removed", WARNS)],
        &[("response-added", FINE)],
    ),
    (
        "a range of answers takes the place of one",
        |d| {
            let answer = d["paths"]["/books"]["get"]["responses"]["200"].clone();
            remove(d, &format!("{LIST}/responses/200"));
            set(d, &format!("{LIST}/responses/2XX"), answer);
        },
        &[("response-added", FINE)],
        &[("response-added", FINE), ("response-removed", BREAKS)],
    ),
    (
        "the media type of an answer goes",
        |d| remove(d, &format!("{LIST}/responses/200/content")),
        &[("response-media-type-removed", BREAKS)],
        &[("response-media-type-added", FINE)],
    ),
    (
        "a header of an answer goes",
        |d| remove(d, &format!("{LIST}/responses/200/headers")),
        &[("response-header-removed", BREAKS)],
        &[("response-header-added", FINE)],
    ),
    (
        "a header of an answer may be missing",
        |d| remove(d, &format!("{LIST}/responses/200/headers/X-Total/required")),
        &[("response-header-optional", BREAKS)],
        &[("response-header-required", FINE)],
    ),
    ("a link goes", |d| remove(d, &format!("{LIST}/responses/200/links")), &[("response-link-removed", WARNS)], &[]),
    (
        "a callback goes",
        |d| remove(d, &format!("{MAKE}/callbacks")),
        &[("webhook-removed", BREAKS)],
        &[("webhook-added", FINE)],
    ),
    (
        "a callback's answer goes",
        |d| remove(d, &format!("{MAKE}/callbacks/done/{{$request.body#~1url}}/post/responses/204")),
        &[("response-removed", BREAKS)],
        &[("response-added", FINE)],
    ),
    (
        "a callback has a parameter",
        |d| {
            set(
                d,
                &format!("{MAKE}/callbacks/done/{{$request.body#~1url}}/post/parameters"),
                json!([{"name": "a", "in": "query"}]),
            )
        },
        &[("unclear", BREAKS)],
        &[("unclear", BREAKS)],
    ),
    (
        "a property goes",
        |d| remove(d, "/components/schemas/Book/properties/pages"),
        &[("request-property-removed", BREAKS), ("response-property-removed", BREAKS)],
        &[("request-property-added", FINE), ("response-property-added", FINE)],
    ),
    (
        "a property that only answers have goes",
        |d| {
            remove(d, "/components/schemas/Book/properties/id");
            set(d, "/components/schemas/Book/required", json!([]));
        },
        &[("response-property-removed", BREAKS)],
        &[("response-property-added", FINE)],
    ),
    (
        "a new property is required",
        |d| {
            set(d, "/components/schemas/Book/properties/isbn", json!({"type": "string"}));
            set(d, "/components/schemas/Book/required", json!(["id", "isbn"]));
        },
        &[("request-property-required", BREAKS), ("response-property-added", FINE)],
        &[("request-property-removed", BREAKS), ("response-property-removed", BREAKS)],
    ),
    (
        "a property is only in answers",
        |d| set(d, "/components/schemas/Book/properties/title/readOnly", json!(true)),
        &[("request-property-removed", BREAKS)],
        &[("request-property-added", FINE)],
    ),
    (
        "a property is deprecated",
        |d| set(d, "/components/schemas/Book/properties/title/deprecated", json!(true)),
        &[("request-deprecated", FINE), ("response-deprecated", FINE)],
        &[],
    ),
    (
        "a property is an attribute in XML",
        |d| set(d, "/components/schemas/Book/properties/title/xml", json!({"attribute": true})),
        &[("request-xml", WARNS), ("response-xml", WARNS)],
        &[("request-xml", WARNS), ("response-xml", WARNS)],
    ),
    (
        "a schema has another name",
        |d| {
            let text = d.to_string().replace("schemas/Book", "schemas/Tome").replace("\"Book\":", "\"Tome\":");
            *d = serde_json::from_str(&text).expect("JSON");
        },
        &[],
        &[],
    ),
    (
        "a reference leads nowhere",
        |d| remove(d, "/components/schemas/Book"),
        &[("request-unclear", BREAKS), ("response-unclear", BREAKS)],
        &[("request-unclear", BREAKS), ("response-unclear", BREAKS)],
    ),
    (
        "a schema is told by another property",
        |d| set(d, "/components/schemas/Book/discriminator/propertyName", json!("id")),
        &[("request-discriminator", BREAKS), ("response-discriminator", BREAKS)],
        &[("request-discriminator", BREAKS), ("response-discriminator", BREAKS)],
    ),
    (
        "an alternative takes what another takes",
        |d| set(d, "/components/schemas/Book/properties/size/oneOf/-", json!({"type": "string", "minLength": 2})),
        &[("request-overlap", BREAKS)],
        &[],
    ),
    (
        "words change",
        |d| {
            d["info"]["description"] = json!("Better.");
            set(d, &format!("{LIST}/summary"), json!("All."));
            set(d, &format!("{LIST}/tags"), json!(["a"]));
            set(d, "/components/schemas/Book/example", json!({"id": 1}));
        },
        &[],
        &[],
    ),
];

#[test]
fn each_change_of_an_operation_is_what_the_table_says_in_every_version_of_openapi() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let (mut pairs, mut expected) = (Vec::new(), Vec::new());
    for version in ["3.0.3", "3.1.0", "3.2.0"] {
        for (name, edit, there, back) in EDITS {
            let (old, mut new) = (shelf(version), shelf(version));
            edit(&mut new);
            for (pair, rules) in [((old.clone(), new.clone()), there), ((new, old), back)] {
                pairs.push(pair);
                expected.push((format!("{version}: {name}"), rules));
            }
        }
    }
    let mut wrong = Vec::new();
    for ((name, rules), found) in expected.iter().zip(compared(&repository, &pairs)) {
        let found: BTreeSet<_> = found.into_iter().map(|one| (one.rule, one.severity)).collect();
        let rules: BTreeSet<_> =
            rules.iter().map(|(rule, severity)| ((*rule).to_owned(), (*severity).to_owned())).collect();
        if found != rules {
            wrong.push(format!("{name}: {rules:?}, not {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

/// Every name that the repository's rules can give a change.
const NAMES: &str = r#"
import json, sys
sys.path.insert(0, "scripts")
import compare
sides = ("request", "response")
names = [compare.schema_rule(side, what, at) for side in sides for what in compare.SCHEMA_RULES for at in (0, 1)
         if compare.SCHEMA_RULES[what][sides.index(side)]]
json.dump([*compare.RULES, *names], sys.stdout)
"#;

#[test]
fn every_rule_is_in_one_of_the_tables() {
    let program = Program::new();
    let repository = repository(&program, &[]);
    let output = python(&repository).args(["-c", NAMES]).output().expect("python starts");
    let rules: BTreeSet<String> = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut tried: BTreeSet<String> = EDITS
        .iter()
        .flat_map(|(_, _, there, back)| {
            there.iter().chain(*back).map(|(rule, _)| (*rule).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    for (kind, ..) in [rows(), old_rows(), new_rows()].concat() {
        tried.extend(["request", "response"].iter().flat_map(|side| [rule(side, kind, true), rule(side, kind, false)]));
    }
    let missing: Vec<_> = rules.difference(&tried).collect();
    assert!(rules.len() > 80 && missing.is_empty(), "{missing:?}");
    assert_eq!(tried.difference(&rules).collect::<Vec<_>>(), [] as [&String; 0]);
}
