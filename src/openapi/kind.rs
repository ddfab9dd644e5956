//! What a file that is no OpenAPI document looks like. Only fixed words come out of here, never a text of the file: it
//! may be a secret that was named by mistake.

use serde_json::Value;

/// How much of a file is looked at.
const LOOKED_AT: usize = 8 << 10;

/// First bytes of files that are not text.
const MAGIC: [(&[u8], &str); 8] = [
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
];

/// Keys at the top of documents of other kinds.
const KEYS: [(&str, &str); 5] = [
    ("asyncapi", "an AsyncAPI document"),
    ("openrpc", "an OpenRPC document"),
    ("arazzo", "an Arazzo document"),
    ("overlay", "an OpenAPI Overlay"),
    ("$schema", "a JSON Schema"),
];

/// What the bytes of a file look like, when they are no YAML and no JSON.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<&'static str> {
    let bytes = &bytes[..bytes.len().min(LOOKED_AT)];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(kind);
    }
    let text = String::from_utf8_lossy(bytes);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| start.get(..word.len()).is_some_and(|first| first.eq_ignore_ascii_case(word));
    if text.contains("-----BEGIN ") {
        return Some("a key or a certificate");
    }
    if begins("<!doctype html") || begins("<html") {
        return Some("an HTML page");
    }
    if start.starts_with('<') {
        return Some("an XML document");
    }
    bytes.contains(&0).then_some("a binary file")
}

/// Whether a line says that this is meant to be an OpenAPI document.
pub(super) fn says_openapi(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let key = line.trim_ascii_start();
        let key = key.strip_prefix(b"{").unwrap_or(key).trim_ascii_start();
        let key = key.strip_prefix(b"\"").or_else(|| key.strip_prefix(b"'")).unwrap_or(key);
        key.starts_with(b"openapi") || key.starts_with(b"swagger")
    })
}

/// What stands at the top of a document that is not OpenAPI.
pub(super) fn of_document(document: &Value) -> String {
    let Value::Object(map) = document else { return super::noun(document).to_owned() };
    if let Some((_, kind)) = KEYS.iter().find(|(key, _)| map.contains_key(*key)) {
        return (*kind).to_owned();
    }
    match map.len() {
        0 => "an empty object".to_owned(),
        1 => "an object with another key".to_owned(),
        keys => format!("an object with {keys} other keys"),
    }
}
