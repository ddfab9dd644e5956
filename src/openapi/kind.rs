//! What a file that is no OpenAPI document is, and what its owner can do. Only fixed words come out of here, never a text
//! of the file: it may be a secret that was named by mistake.

use std::borrow::Cow;

use serde_json::Value;

/// How much of a file is looked at.
const LOOKED_AT: usize = 8 << 10;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// With its article.
    pub what: &'static str,
    /// What to do instead, as a hint.
    pub way: &'static str,
}

const NAME_IT: &str =
    "name the OpenAPI document itself: YAML or JSON with `openapi: 3…` or `swagger: \"2.0\"` at its top";
const UNPACK: &str = "unpack it, and name the OpenAPI document that is in it";
const HTTP_PART: &str = "a proxy needs an OpenAPI document: describe the HTTP calls of the API in one, and name that";
const RAW: &str =
    "download the document itself, not the page that shows it (on GitHub: the button `Raw`), and name that file";
const POSTMAN: &str =
    "convert the collection, for example with the npm package `postman-to-openapi`, and name the result";
const INSOMNIA: &str = "export the design document as OpenAPI, and name that";
const EMBED: &str = "put the schemas into an OpenAPI document, below `components: schemas:`, and name that";

/// First bytes of files that are not text.
const MAGIC: [(&[u8], Kind); 12] = [
    (b"%PDF-", Kind { what: "a PDF document", way: NAME_IT }),
    (b"PK\x03\x04", Kind { what: "a ZIP archive or an office document", way: UNPACK }),
    (b"\x1f\x8b", Kind { what: "a gzip archive", way: UNPACK }),
    (b"BZh", Kind { what: "a bzip2 archive", way: UNPACK }),
    (b"\xfd7zXZ", Kind { what: "an xz archive", way: UNPACK }),
    (b"7z\xbc\xaf", Kind { what: "a 7z archive", way: UNPACK }),
    (b"\x28\xb5\x2f\xfd", Kind { what: "a zstd archive", way: UNPACK }),
    (b"\x89PNG", Kind { what: "an image", way: NAME_IT }),
    (b"\xff\xd8\xff", Kind { what: "an image", way: NAME_IT }),
    (b"GIF8", Kind { what: "an image", way: NAME_IT }),
    (b"\x7fELF", Kind { what: "a program", way: NAME_IT }),
    (b"SQLite format 3", Kind { what: "a database", way: NAME_IT }),
];

/// What is right but for its encoding.
const UTF16: Kind = Kind {
    what: "an OpenAPI document in UTF-16",
    way: "save it as UTF-8, for example with `iconv -f utf-16 -t utf-8`",
};

/// Where a tar archive says that it is one.
const TAR: usize = 257;

/// XML and HTML by a word near the beginning; the first that fits counts.
const MARKUP: [(&str, Kind); 9] = [
    ("schemas.xmlsoap.org/wsdl", Kind { what: "a WSDL document", way: HTTP_PART }),
    ("www.w3.org/ns/wsdl", Kind { what: "a WSDL document", way: HTTP_PART }),
    (
        "wadl.dev.java.net",
        Kind {
            what: "a WADL document",
            way: "convert it, for example with the npm package `api-spec-converter`, and name the result",
        },
    ),
    (
        "docs.oasis-open.org/odata",
        Kind {
            what: "an OData schema",
            way: "convert it, for example with the npm package `odata-openapi`, and name the result",
        },
    ),
    (
        "<edmx:",
        Kind {
            what: "an OData schema",
            way: "convert it, for example with the npm package `odata-openapi`, and name the result",
        },
    ),
    ("<!doctype html", Kind { what: "an HTML page", way: RAW }),
    ("<html", Kind { what: "an HTML page", way: RAW }),
    ("www.w3.org/2001/xmlschema", Kind { what: "an XML document", way: HTTP_PART }),
    ("<", Kind { what: "an XML document", way: NAME_IT }),
];

/// Text by the beginning of one of its lines; the first that fits counts.
const LINES: [(&[&str], Kind); 7] = [
    (
        &["#%RAML"],
        Kind {
            what: "a RAML document",
            way: "convert it, for example with the npm package `api-spec-converter`, and name the result",
        },
    ),
    (
        &["FORMAT: 1A", "+ Response", "+ Request"],
        Kind {
            what: "an API Blueprint",
            way: "convert it, for example with the npm package `apib2swagger`, and name the result",
        },
    ),
    (
        &["syntax = \"proto", "syntax=\"proto", "syntax = 'proto"],
        Kind {
            what: "a protobuf definition",
            way: "convert it, for example with `protoc-gen-openapi`, and name the result",
        },
    ),
    (
        &["import \"@typespec/", "import '@typespec/"],
        Kind { what: "a TypeSpec document", way: "compile it with `@typespec/openapi3`, and name the result" },
    ),
    (
        &["$version: \"1", "$version: \"2", "namespace "],
        Kind {
            what: "a Smithy model",
            way: "convert it, for example with the Smithy plugin `openapi`, and name the result",
        },
    ),
    (
        &["type Query", "type Mutation", "type Subscription", "schema {", "schema{", "extend type ", "directive @"],
        Kind { what: "a GraphQL schema", way: HTTP_PART },
    ),
    (&["-----BEGIN "], Kind { what: "a key or a certificate", way: NAME_IT }),
];

/// What JavaScript reads and JSON is not.
pub(super) const JSON5: Kind = Kind {
    what: "JSON5, or JSON with comments",
    way: "make it plain JSON, without comments and with names in double quotes, or write it as YAML",
};

/// Documents of other kinds by keys that stand together at their top, each with those inside of it after a `/`; the first
/// that fits counts.
const KEYS: [(&[&str], Kind); 24] = [
    (&["asyncapi"], Kind { what: "an AsyncAPI document", way: HTTP_PART }),
    (&["openrpc"], Kind { what: "an OpenRPC document", way: HTTP_PART }),
    (&["arazzo"], Kind { what: "an Arazzo document", way: "name the OpenAPI document that its workflows call" }),
    (
        &["overlay"],
        Kind {
            what: "an OpenAPI Overlay",
            way: "apply it to the OpenAPI document that it changes, and name the result",
        },
    ),
    (
        &["swaggerVersion"],
        Kind {
            what: "a Swagger 1 document",
            way: "convert it, for example with the npm package `swagger-converter`, and name the result",
        },
    ),
    (
        &["_postman_variable_scope"],
        Kind {
            what: "a Postman environment",
            way: "it holds only variables: name the OpenAPI document, or convert the collection that belongs to it",
        },
    ),
    (&["info/_postman_id"], Kind { what: "a Postman collection", way: POSTMAN }),
    (&["info", "item"], Kind { what: "a Postman collection", way: POSTMAN }),
    (&["collection/info", "collection/item"], Kind { what: "a Postman collection", way: POSTMAN }),
    (&["order", "requests"], Kind { what: "a Postman collection", way: POSTMAN }),
    (&["__export_format"], Kind { what: "an export of Insomnia", way: INSOMNIA }),
    (&["type", "schema_version", "collection"], Kind { what: "an export of Insomnia", way: INSOMNIA }),
    (
        &["log/entries"],
        Kind {
            what: "a recording of HTTP calls (HAR)",
            way: "convert it, for example with the npm package `har-to-openapi`, correct it, and name the result",
        },
    ),
    (&["__schema"], Kind { what: "a GraphQL schema", way: HTTP_PART }),
    (&["data/__schema"], Kind { what: "a GraphQL schema", way: HTTP_PART }),
    (
        &["discoveryVersion"],
        Kind {
            what: "a Google API Discovery document",
            way: "convert it, for example with the npm package `google-discovery-to-swagger`, and name the result",
        },
    ),
    (
        &["smithy", "shapes"],
        Kind {
            what: "a Smithy model",
            way: "convert it, for example with the Smithy plugin `openapi`, and name the result",
        },
    ),
    (
        &["apiVersion", "kind"],
        Kind {
            what: "a Kubernetes or Backstage manifest",
            way: "name the OpenAPI document that it describes; Backstage keeps its text at `spec: definition:`",
        },
    ),
    (
        &["$Version"],
        Kind {
            what: "an OData schema",
            way: "convert it, for example with the npm package `odata-openapi`, and name the result",
        },
    ),
    (
        &["info", "paths"],
        Kind {
            what: "an OpenAPI document without its version",
            way: "write the version as its first line, such as `openapi: 3.0.4`",
        },
    ),
    (&["$schema"], Kind { what: "a JSON Schema", way: EMBED }),
    (&["$defs"], Kind { what: "a JSON Schema", way: EMBED }),
    (&["type", "properties"], Kind { what: "a JSON Schema", way: EMBED }),
    (&["definitions"], Kind { what: "a JSON Schema", way: EMBED }),
];

/// What the bytes of a file look like, whether or not they can be read as YAML or JSON.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(*kind);
    }
    if bytes.get(TAR..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return Some(Kind { what: "a tar archive", way: UNPACK });
    }
    let text = beginning(bytes);
    let start = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let lower = start.to_ascii_lowercase();
    if start.starts_with('<') {
        return MARKUP.iter().find(|(word, _)| lower.contains(word)).map(|(_, kind)| *kind);
    }
    let commented = has_comments(start).then_some(JSON5);
    if says_openapi(bytes) {
        return is_utf16(bytes).then_some(UTF16).or(commented);
    }
    let begins = |words: &&[&str]| start.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    let by_line = LINES.iter().find(|(words, _)| begins(words)).map(|(_, kind)| *kind);
    let mentioned = |keys: &str| keys.split('/').all(|key| mentions(start, key));
    let binary = start.contains('\0').then_some(Kind { what: "a binary file", way: NAME_IT });
    by_line.or_else(|| by_keys(&mentioned)).or(commented).or(binary)
}

/// Whether a text is JSON but for comments in lines of their own.
fn has_comments(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    let is_comment = |line: &str| line.starts_with("//") || line.starts_with("/*");
    let is_more = |line: &&str| is_comment(line) || line.starts_with('*') || line.is_empty();
    let first = text.lines().map(str::trim_start).find(|line| !is_more(line));
    first.is_some_and(|first| first.starts_with(['{', '['])) && lines.any(is_comment)
}

fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

/// The beginning of a file as text, UTF-16 as well.
fn beginning(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    let decode = |number: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        String::from_utf16_lossy(&pairs.iter().map(|pair| number(*pair)).collect::<Vec<u16>>())
    };
    match bytes {
        _ if !is_utf16(bytes) => String::from_utf8_lossy(bytes),
        [0xff, ..] => decode(u16::from_le_bytes).into(),
        _ => decode(u16::from_be_bytes).into(),
    }
}

/// Whether a text has a key: in quotes, or at the beginning of a line.
fn mentions(text: &str, key: &str) -> bool {
    let follows = |at: usize, end: usize| text[at + end..].trim_start().starts_with(':');
    let quoted = format!("\"{key}\"");
    let plain = |line: &str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    text.match_indices(&quoted).any(|(at, found)| follows(at, found.len())) || text.lines().any(plain)
}

fn by_keys(has: &dyn Fn(&str) -> bool) -> Option<Kind> {
    KEYS.iter().find(|(keys, _)| keys.iter().all(|key| has(key))).map(|(_, kind)| *kind)
}

/// Whether something at the beginning of a line, or a key of JSON, says that this is meant to be an OpenAPI document.
pub(super) fn says_openapi(bytes: &[u8]) -> bool {
    let text = beginning(bytes);
    let says = |line: &[u8]| {
        let key = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start();
        let key = key.strip_prefix(b"{").unwrap_or(key).trim_ascii_start();
        let key = key.strip_prefix(b"\"").or_else(|| key.strip_prefix(b"'")).unwrap_or(key);
        let rest = key.strip_prefix(b"openapi").or_else(|| key.strip_prefix(b"swagger"));
        rest.is_some_and(|rest| matches!(rest.trim_ascii_start(), [b':' | b'"' | b'\'', ..]))
    };
    let is_key =
        |key: &str| text.match_indices(key).any(|(at, _)| text[at + key.len()..].trim_start().starts_with(':'));
    bytes.split(|byte| *byte == b'\n').any(says)
        || text.trim_start_matches('\u{feff}').lines().any(|line| says(line.as_bytes()))
        || ["\"openapi\"", "\"swagger\""].into_iter().any(is_key)
}

/// What the document in `bytes` is, when there is no `openapi` or `swagger` at its top.
pub(super) fn of_document(bytes: &[u8], document: &Value) -> Kind {
    let kind = |what| Kind { what, way: NAME_IT };
    let Value::Object(map) = document else {
        let other = match document {
            Value::Null => "nothing: the file is empty, or holds only comments",
            Value::Array(_) => "a list",
            _ => "plain text",
        };
        return of_bytes(bytes).unwrap_or(kind(other));
    };
    let has = |keys: &str| document.pointer(&format!("/{keys}")).is_some();
    let is_inside = |value: &Value| value.get("openapi").or_else(|| value.get("swagger")).is_some_and(Value::is_string);
    let is_spelt = |key: &String| ["openapi", "swagger"].iter().any(|known| key.eq_ignore_ascii_case(known));
    match () {
        () if map.keys().any(is_spelt) => {
            Kind { what: "the key in another spelling", way: "write the key in lower case, such as `openapi: 3.0.4`" }
        }
        () if map.values().any(is_inside) => Kind {
            what: "one below another key",
            way: "save what stands below that key as a file of its own, and name it",
        },
        // A comment can say what the keys do not.
        () => match by_keys(&has).or_else(|| of_bytes(bytes)) {
            Some(found) => found,
            None if map.is_empty() => kind("an empty object"),
            None if map.len() == 1 => kind("an object with another key"),
            None => kind("an object with other keys"),
        },
    }
}
