//! Files of other kinds, and what their owner is told: what it is, what to do, and nothing that stands in it.

use proptest::prelude::*;

use super::{Files, SpecError};
use crate::error::{Blame as _, Fault, render};
use crate::openapi::check_is_local;

/// Stands for a secret in every file below.
const CANARY: &str = "cAnArY7";

/// A kind of file: what it is called, a word of the way out, and files of that kind.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const KINDS: &[Row] = &[
    (
        "a Postman collection",
        "postman-to-openapi",
        &[
            (
                "c.json",
                r#"{"info": {"_postman_id": "1", "name": "cAnArY7", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}, "item": []}"#,
            ),
            (
                "c.json",
                r#"{"info": {"name": "cAnArY7", "schema": "https://schema.getpostman.com/json/collection/v2.0.0/collection.json"}, "item": [{"name": "x"}]}"#,
            ),
            ("c.json", r#"{"collection": {"info": {"name": "cAnArY7"}, "item": []}}"#),
            ("c.json", r#"{"id": "1", "name": "cAnArY7", "order": [], "folders": [], "requests": []}"#),
            ("c.json", "{\n  \"info\": {\n    \"_postman_id\": \"cAnArY7\",\n    \"name\": \"cut in the mid"),
        ],
    ),
    (
        "a Postman environment",
        "collection that belongs to it",
        &[(
            "e.json",
            r#"{"id": "1", "name": "prod", "values": [{"key": "token", "value": "cAnArY7"}], "_postman_variable_scope": "environment"}"#,
        )],
    ),
    (
        "an export of Insomnia",
        "export the design document",
        &[
            ("i.json", r#"{"_type": "export", "__export_format": 4, "resources": [{"url": "cAnArY7"}]}"#),
            ("i.yaml", "type: collection.insomnia.rest/5.0\nschema_version: '5.1'\nname: cAnArY7\ncollection: []\n"),
        ],
    ),
    (
        "a RAML document",
        "api-spec-converter",
        &[
            ("a.raml", "#%RAML 0.8\ntitle: cAnArY7\nbaseUri: https://example.org\n/users:\n  get:\n"),
            ("a.raml", "\u{feff}#%RAML 1.0\ntitle: cAnArY7\n/users:\n  get: !include cAnArY7.raml\n"),
            ("a.yaml", "#%RAML 1.0 DataType\n"),
        ],
    ),
    (
        "an AsyncAPI document",
        "describe the HTTP calls",
        &[
            ("a.yaml", "asyncapi: 2.6.0\ninfo: {title: cAnArY7}\nchannels: {}\n"),
            ("a.json", r#"{"asyncapi":"3.0.0","info":{"title":"cAnArY7"},"operations":{}}"#),
            ("a.yaml", "asyncapi: 3.0.0\ninfo: {title: cAnArY7\n"),
        ],
    ),
    (
        "a GraphQL schema",
        "describe the HTTP calls",
        &[
            ("s.graphql", "\"\"\"cAnArY7\"\"\"\ntype Query {\n  me(id: ID!): User\n}\n"),
            ("s.graphql", "schema {\n  query: Root\n}\n# cAnArY7\ntype Root { a: String }\n"),
            ("s.json", r#"{"data": {"__schema": {"queryType": {"name": "cAnArY7"}}}}"#),
            ("s.json", r#"{"__schema": {"queryType": {"name": "cAnArY7"}}}"#),
        ],
    ),
    (
        "a WSDL document",
        "describe the HTTP calls",
        &[
            (
                "s.wsdl",
                "<?xml version=\"1.0\"?>\n<!-- cAnArY7 -->\n<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\"><documentation><html/></documentation></wsdl:definitions>",
            ),
            ("s.wsdl", "<description xmlns=\"http://www.w3.org/ns/wsdl\" targetNamespace=\"cAnArY7\"/>"),
        ],
    ),
    (
        "a WADL document",
        "api-spec-converter",
        &[("s.wadl", "<application xmlns=\"http://wadl.dev.java.net/2009/02\">cAnArY7</application>")],
    ),
    (
        "an OData schema",
        "odata-openapi",
        &[
            (
                "m.xml",
                "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">cAnArY7</edmx:Edmx>",
            ),
            ("m.json", r#"{"$Version": "4.01", "$EntityContainer": "cAnArY7"}"#),
        ],
    ),
    (
        "an HTML page",
        "`Raw`",
        &[
            ("api.yaml", "\n\n<!DOCTYPE html>\n<html><body>cAnArY7</body></html>"),
            ("api.yaml", "\u{feff}<html lang=\"en\"><title>cAnArY7</title>"),
            (
                "api.yaml",
                "<?xml version=\"1.0\"?>\n<!-- portal -->\n<HTML xmlns=\"http://www.w3.org/1999/xhtml\">cAnArY7</HTML>",
            ),
            ("api.yaml", "<!doctype html>\n<pre>\nopenapi: 3.0.3\ninfo: {title: cAnArY7}\n</pre>"),
        ],
    ),
    (
        "an XML document",
        "name the OpenAPI document itself",
        &[("x.xml", "<config><password>cAnArY7</password></config>")],
    ),
    (
        "nothing: the file is empty",
        "name the OpenAPI document itself",
        &[
            ("api.yaml", ""),
            ("api.yaml", " \n\t\n"),
            ("api.yaml", "\u{feff}"),
            ("api.yaml", "# cAnArY7\n---\n# more\n"),
            ("api.json", "\n"),
        ],
    ),
    (
        "a Swagger 1 document",
        "swagger-converter",
        &[
            ("s.json", r#"{"swaggerVersion": "1.2", "apiVersion": "1", "apis": [{"path": "cAnArY7"}]}"#),
            ("s.yaml", "swaggerVersion: '1.1'\nbasePath: cAnArY7\n"),
        ],
    ),
    (
        "an API Blueprint",
        "apib2swagger",
        &[
            ("a.apib", "FORMAT: 1A\nHOST: https://example.org/cAnArY7\n\n# Polls [/q]\n"),
            ("a.md", "# cAnArY7\n\n## List [GET /q]\n\n+ Response 200 (application/json)\n\n        {}\n"),
        ],
    ),
    (
        "a Smithy model",
        "Smithy plugin",
        &[
            ("m.smithy", "$version: \"2\"\nnamespace org.example\n// cAnArY7\nservice W { version: \"1\" }\n"),
            ("m.json", r#"{"smithy": "2.0", "shapes": {"cAnArY7": {"type": "service"}}}"#),
        ],
    ),
    (
        "a protobuf definition",
        "protoc-gen-openapi",
        &[("a.proto", "// cAnArY7\nsyntax = \"proto3\";\npackage a;\nservice S { rpc Get (M) returns (M); }\n")],
    ),
    (
        "a TypeSpec document",
        "@typespec/openapi3",
        &[("m.tsp", "// cAnArY7\nimport \"@typespec/http\";\nusing Http;\n")],
    ),
    (
        "a recording of HTTP calls (HAR)",
        "har-to-openapi",
        &[
            (
                "r.har",
                r#"{"log": {"version": "1.2", "creator": {}, "entries": [{"request": {"url": "https://cAnArY7/"}}]}}"#,
            ),
            ("r.har", "{\"log\": {\"version\": \"1.2\",\n\"entries\": [{\"cookie\": \"cAnArY7\"}"),
        ],
    ),
    (
        "a JSON Schema",
        "components: schemas:",
        &[
            ("s.json", r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "cAnArY7"}"#),
            ("s.yaml", "type: object\nproperties: {cAnArY7: {type: string}}\n"),
            ("s.json", r#"{"definitions": {"cAnArY7": {"type": "string"}}}"#),
        ],
    ),
    (
        "a Kubernetes or Backstage manifest",
        "Backstage keeps its text",
        &[
            ("k.yaml", "apiVersion: v1\nkind: Secret\ndata: {password: cAnArY7}\n"),
            (
                "k.yaml",
                "apiVersion: v1\nkind: Secret\ndata: {password: cAnArY7}\n---\napiVersion: apps/v1\nkind: Deployment\n",
            ),
        ],
    ),
    (
        "an OpenAPI document without its version",
        "openapi: 3.0.4",
        &[("api.yaml", "info: {title: cAnArY7}\npaths: {}\n")],
    ),
    ("the key in another spelling", "in lower case", &[("api.yaml", "OpenAPI: 3.0.3\ninfo: {title: cAnArY7}\n")]),
    ("one below another key", "a file of its own", &[("api.yaml", "cAnArY7: {openapi: 3.0.3, info: {}}\n")]),
    (
        "JSON5, or JSON with comments",
        "plain JSON",
        &[
            ("api.json", "// cAnArY7\n{\"openapi\": \"3.0.3\"}\n"),
            ("api.yaml", "{\n  // cAnArY7\n  \"openapi\": \"3.0.3\",\n}\n"),
            ("api.json", "/* cAnArY7\n * more\n */\n{\"openapi\": \"3.0.3\"}\n"),
            ("api.json", "{openapi: '3.0.3', info: {title: 'cAnArY7'},}\n"),
        ],
    ),
    (
        "an OpenRPC document",
        "describe the HTTP calls",
        &[("a.json", r#"{"openrpc": "1.2.6", "info": {"title": "cAnArY7"}}"#)],
    ),
    ("an Arazzo document", "workflows", &[("a.yaml", "arazzo: 1.0.0\ninfo: {title: cAnArY7}\n")]),
    ("an OpenAPI Overlay", "apply it", &[("a.yaml", "overlay: 1.0.0\nactions: [{target: cAnArY7}]\n")]),
    (
        "a Google API Discovery document",
        "google-discovery-to-swagger",
        &[("a.json", r#"{"discoveryVersion": "v1", "name": "cAnArY7"}"#)],
    ),
    (
        "a key or a certificate",
        "name the OpenAPI document itself",
        &[("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\ncAnArY7\n-----END OPENSSH PRIVATE KEY-----\n")],
    ),
    (
        "plain text",
        "name the OpenAPI document itself",
        &[(".env", "TOKEN=cAnArY7\nOTHER=cAnArY7\n"), ("token", "cAnArY7")],
    ),
    (
        "an object with other keys",
        "name the OpenAPI document itself",
        &[("pass", "svc-user:cAnArY7:\nother:cAnArY7:\n"), ("pass.yaml", "user: cAnArY7\npassword: cAnArY7\n")],
    ),
];

/// Kinds that are no text: their first bytes.
const BYTES: &[(&str, &[u8])] = &[
    ("a PDF document", b"%PDF-1.7\n%\xe2\xe3 cAnArY7"),
    ("a ZIP archive", b"PK\x03\x04\x14\0 cAnArY7"),
    ("a gzip archive", b"\x1f\x8b\x08\0 cAnArY7"),
    ("a bzip2 archive", b"BZh91AY cAnArY7"),
    ("an image", b"\x89PNG\r\n cAnArY7"),
    ("a program", b"\x7fELF\x02 cAnArY7"),
    ("a binary file", b"cAnArY7 \0\x01\x02"),
];

fn refusal(name: &str, bytes: &[u8]) -> SpecError {
    let refusal = Files::new(&[(name, bytes)]).read().expect_err("this is no OpenAPI document");
    assert_eq!(refusal.fault(), Fault::Input, "{refusal}");
    refusal
}

/// The refusal's words, which hold nothing of the file.
fn said(name: &str, bytes: &[u8]) -> String {
    let said = render(&refusal(name, bytes));
    assert!(!said.contains(CANARY), "{said}");
    said
}

#[test]
fn each_kind_of_file_is_named_with_a_way_out() {
    for (what, way, files) in KINDS {
        for (name, text) in *files {
            let said = said(name, text.as_bytes());
            assert!(said.contains(what) && said.contains(way), "{what}, {way}: {text}\n{said}");
        }
    }
    for (what, bytes) in BYTES {
        let said = said("api.yaml", bytes);
        assert!(said.contains(what), "{what}: {said}");
    }
}

#[test]
fn a_kind_is_named_in_utf_16_with_a_mark_and_in_a_large_file_too() {
    for (what, way, files) in KINDS {
        for (name, text) in *files {
            let text = text.trim_start_matches('\u{feff}');
            if text.trim().is_empty() {
                continue;
            }
            let marked = said(name, format!("\u{feff}{text}").as_bytes());
            assert!(marked.contains(what) && marked.contains(way), "{marked}");
            let large = said(name, format!("{text}\n{}", " \n".repeat(100_000)).as_bytes());
            assert!(large.contains(what) && large.contains(way), "{large}");
        }
    }
    let wide = |text: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let openapi = said("api.yaml", &wide("\u{feff}openapi: 3.0.3\ninfo: {title: cAnArY7}\n", order));
        assert!(openapi.contains("UTF-16") && openapi.contains("iconv"), "{openapi}");
        let page = said("api.yaml", &wide("\u{feff}<!DOCTYPE html>\n<html>cAnArY7</html>", order));
        assert!(page.contains("an HTML page"), "{page}");
    }
}

#[test]
fn what_is_no_path_of_a_file_is_named_without_its_text() {
    for (spec, from) in [
        ("-", "the standard input"),
        ("https://user:cAnArY7@example.org/api.yaml", "an `https:` address"),
        ("HTTP://example.org/api.yaml?token=cAnArY7", "an `http:` address"),
        ("file:///home/cAnArY7/api.yaml", "a `file:` address"),
        ("s3://cAnArY7/api.yaml", "an address"),
        ("ssh://git@example.org/cAnArY7", "an address"),
    ] {
        let refusal = check_is_local(spec.as_ref()).expect_err("no file");
        let said = render(&refusal);
        assert!(said.contains(from) && said.contains("hint: ") && !said.contains(CANARY), "{said}");
        assert_eq!(refusal.fault(), Fault::Input);
    }
    for spec in ["api.yaml", "./-", "a:b.yaml", "C:\\api.yaml", "", "a/b//c"] {
        assert!(check_is_local(spec.as_ref()).is_ok(), "{spec}");
    }
}

#[test]
fn an_openapi_document_that_cannot_be_read_is_called_nothing_else() {
    for text in [
        "openapi: 3.0.3\ninfo: {title: cAnArY7\npaths: {}\n",
        "{\"info\": {\"title\": \"cAnArY7\"}, \"openapi\": \"3.0.3\", \"paths\": {}",
        "{\"swagger\": \"2.0\",\n\"definitions\": {\"cAnArY7\": }}]",
        "info: {title: T}\nopenapi: 3.0.3\npaths: {x: y: z}\nx-key: |\n  -----BEGIN X-----\n",
    ] {
        let said = said("api.yaml", text.as_bytes());
        assert!(!said.contains("looks like") && said.contains("hint: correct the file"), "{text}\n{said}");
    }
}

fn any_wrong_file() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let texts =
        KINDS.iter().flat_map(|(_, _, files)| files.iter()).map(|(name, text)| (*name, text.as_bytes().to_vec()));
    let bytes = BYTES.iter().map(|(_, bytes)| ("api.yaml", bytes.to_vec()));
    prop::sample::select(texts.chain(bytes).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    /// Whatever happens to the bytes of a wrong file: no panic, and nothing of it in a message.
    #[test]
    fn no_damage_to_a_wrong_file_shows_what_is_in_it(
        (name, mut bytes) in any_wrong_file(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..6),
    ) {
        for (at, byte, what) in edits {
            let at = at.index(bytes.len() + 1);
            match what {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes.truncate(at),
                _ => bytes.splice(at..at, *b"\n\"k: [{").for_each(drop),
            }
        }
        if let Err(error) = Files::new(&[(name, &bytes)]).read() {
            let said = render(&error);
            prop_assert!(!said.contains(CANARY), "{}", said);
            prop_assert!(error.hint().is_some(), "{}", said);
        }
    }
}
