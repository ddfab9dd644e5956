//! References: finding them in a document, and working out what they name. No file is touched here.

use serde_json::Value;

/// One step from the top of a document downwards.
#[derive(Clone, Copy, Debug)]
pub(super) enum PointerToken<'a> {
    Key(&'a str),
    Index(usize),
}

/// About how much of a JSON pointer or a reference is repeated in a message, in bytes.
const LONGEST: usize = 1_000;

/// The steps as a JSON pointer (RFC 6901). One that is absurdly long keeps only its end.
pub(super) fn pointer(steps: &[PointerToken<'_>]) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut length = 0;
    for step in steps.iter().rev() {
        let name = match step {
            PointerToken::Key(key) => end(key).replace('~', "~0").replace('/', "~1"),
            PointerToken::Index(index) => index.to_string(),
        };
        length += name.len() + 1;
        names.push(name);
        if length > LONGEST {
            names.push("…".to_owned());
            break;
        }
    }
    names.iter().rev().flat_map(|name| ["/", name]).collect()
}

/// The end of a key. A file can have one of many megabytes, and a thousand findings below it.
fn end(key: &str) -> &str {
    &key[key.ceil_char_boundary(key.len().saturating_sub(LONGEST))..]
}

/// A reference for a message: control characters escaped, and cut where it is absurdly long.
pub(super) fn shown(reference: &str) -> String {
    let end = reference.floor_char_boundary(LONGEST);
    let rest = if end < reference.len() { "…" } else { "" };
    format!("{}{rest}", reference[..end].escape_debug())
}

/// How binding a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    /// `$ref`: what it names must be there.
    Must,
    /// `externalValue`, `operationRef` and what a `discriminator` maps to: these may also be names or addresses of
    /// another kind, so a file is followed only when it is there.
    May,
    /// `$ref` in data, which may be part of the API's own messages: SCIM (RFC 7643) has `"$ref": "../Users/26118915"` in
    /// every group. It is a reference only when it names a file that is there.
    Data,
}

/// A reference as it stands in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    pub(super) text: &'a str,
    pub(super) force: Force,
    /// What the value that it names is.
    pub(super) role: Role,
}

/// Keys whose values are data.
const DATA: [&str; 7] = ["example", "default", "enum", "const", "value", "dataValue", "serializedValue"];

/// Keys below which stand names that somebody chose, with a part of the document for each.
const NAMED: [&str; 20] = [
    "paths",
    "webhooks",
    "pathItems",
    "callbacks",
    "responses",
    "parameters",
    "requestBodies",
    "headers",
    "links",
    "content",
    "encoding",
    "securitySchemes",
    "schemas",
    "properties",
    "patternProperties",
    "definitions",
    "$defs",
    "dependentSchemas",
    "variables",
    "additionalOperations",
];

/// Endings of the files that whole examples are kept in.
const FILES: [&str; 8] = ["json", "yaml", "yml", "md", "txt", "xml", "html", "csv"];

/// What a value is to OpenAPI; a later one is looked at more strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// What is inside of an example or a default.
    Data,
    /// All of an example or a default.
    Whole,
    /// An extension, or what is inside of one.
    Extension,
    /// An object whose keys are names.
    Names,
    /// A part of the document.
    Part,
}

impl Role {
    /// The role of an item of a list.
    fn item(self) -> Self {
        match self {
            Self::Part | Self::Names => Self::Part,
            Self::Whole | Self::Data => Self::Data,
            Self::Extension => Self::Extension,
        }
    }

    /// The role of what stands at `key`.
    fn below(self, key: &str, value: &Value) -> Self {
        match self {
            Self::Whole | Self::Data => Self::Data,
            Self::Extension => Self::Extension,
            Self::Names => Self::Part,
            Self::Part if key.starts_with("x-") => Self::Extension,
            Self::Part if DATA.contains(&key) => Self::Whole,
            Self::Part if key == "examples" => match value {
                // Those of Swagger 2.0, by media type.
                Value::Object(map) if map.keys().any(|name| name.contains('/')) => Self::Whole,
                Value::Object(_) => Self::Names,
                _ => Self::Whole,
            },
            // A document may call an answer `$ref`: then it holds an object.
            Self::Part if NAMED.contains(&key) && !value.get("$ref").is_some_and(Value::is_string) => Self::Names,
            Self::Part => Self::Part,
        }
    }
}

/// Calls `visit` for every reference in `value`, whose role is `role`, with the steps to the object that holds it; stops
/// at an error.
pub(super) fn walk<'a, E>(
    value: &'a Value,
    role: Role,
    steps: &mut Vec<PointerToken<'a>>,
    visit: &mut impl FnMut(&[PointerToken<'a>], Reference<'a>) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                if let Value::String(text) = below {
                    let is_mapped =
                        matches!(steps[..], [.., PointerToken::Key("discriminator"), PointerToken::Key("mapping")]);
                    if let Some(force) = force(key, text, (role, map.len() == 1), is_mapped) {
                        let role = match role {
                            _ if key == "externalValue" => Role::Data,
                            Role::Whole | Role::Data => Role::Data,
                            Role::Extension => Role::Extension,
                            Role::Part | Role::Names => Role::Part,
                        };
                        visit(steps, Reference { text, force, role })?;
                    }
                } else if below.is_object() || below.is_array() {
                    steps.push(PointerToken::Key(key));
                    walk(below, role.below(key, below), steps, visit)?;
                    steps.pop();
                }
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                steps.push(PointerToken::Index(index));
                walk(below, role.item(), steps, visit)?;
                steps.pop();
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether `text`, at `key` of an object with this role, is a reference. The object may have no other key, or hold what a
/// `discriminator` maps to.
fn force(key: &str, text: &str, (role, is_alone): (Role, bool), is_mapped: bool) -> Option<Force> {
    match (key, role) {
        // A whole example, or a part of an extension, that is kept in a file: `value: {$ref: examples/one.json}`.
        ("$ref", Role::Whole | Role::Extension) if is_alone && names_a_file(text) => Some(Force::Must),
        ("$ref", Role::Whole | Role::Data | Role::Extension) => Some(Force::Data),
        ("$ref", _) => Some(Force::Must),
        (_, Role::Whole | Role::Data | Role::Extension) => None,
        ("externalValue" | "operationRef", _) => Some(Force::May),
        _ => is_mapped.then_some(Force::May),
    }
}

/// Whether a reference has the name of a file with a usual ending, and nothing else but a fragment.
fn names_a_file(text: &str) -> bool {
    let file = text.split('#').next().unwrap_or(text);
    let ending =
        file.rsplit_once('.').filter(|(name, _)| !name.is_empty()).map(|(_, ending)| ending.to_ascii_lowercase());
    !file.contains([':', '?']) && ending.is_some_and(|ending| FILES.contains(&ending.as_str()))
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReferenceTarget {
    /// A place in a file of the spec.
    Inside {
        /// The file's path from the spec's folder.
        path: String,
        /// What follows the `#`, percent-decoded; empty for the whole file.
        fragment: String,
    },
    /// Something with a scheme or a host: never fetched.
    Remote,
    /// A path from the root of the file system, or of a server.
    Absolute,
    /// A path that climbs out of the spec's folder.
    Climbs,
    /// A `file:` address.
    FileAddress,
}

/// Works out what `reference`, standing in the file at `from` (a path from the spec's folder), names.
pub(super) fn target(from: &str, reference: &str) -> ReferenceTarget {
    let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let fragment = decode(fragment);
    if file.is_empty() {
        return ReferenceTarget::Inside { path: from.to_owned(), fragment };
    }
    match scheme(file) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => return ReferenceTarget::FileAddress,
        Some(drive) if drive.len() == 1 => return ReferenceTarget::Absolute,
        Some(_) => return ReferenceTarget::Remote,
        None if file.starts_with("//") => return ReferenceTarget::Remote,
        None => {}
    }
    let file = decode(file.split('?').next().unwrap_or(file));
    if file.starts_with(['/', '\\']) {
        return ReferenceTarget::Absolute;
    }
    let folder = from.rsplit_once('/').map(|(folder, _)| folder.split('/'));
    let mut names: Vec<&str> = folder.into_iter().flatten().collect();
    for name in file.split('/') {
        match name {
            "" | "." => {}
            ".." if names.pop().is_none() => return ReferenceTarget::Climbs,
            ".." => {}
            name => names.push(name),
        }
    }
    ReferenceTarget::Inside { path: names.join("/"), fragment }
}

/// The reference with the name of its file as it is; `None` when it is written so already.
pub(super) fn plain(reference: &str) -> Option<String> {
    let (file, fragment) = reference.find('#').map_or((reference, ""), |at| reference.split_at(at));
    let name = decode(file.split('?').next().unwrap_or(file));
    (name != file).then(|| name + fragment)
}

/// The scheme of an address (RFC 3986, section 3.1).
fn scheme(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once(':')?;
    let mut letters = scheme.bytes();
    let first = letters.next()?.is_ascii_alphabetic();
    (first && letters.all(|letter| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter))).then_some(scheme)
}

/// Percent-decodes; what is no valid escape, or decodes to no UTF-8, stays as it is.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match code.filter(|code| !code.starts_with('+')).and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inside(path: &str, fragment: &str) -> ReferenceTarget {
        ReferenceTarget::Inside { path: path.to_owned(), fragment: fragment.to_owned() }
    }

    #[test]
    fn a_reference_is_relative_to_the_file_that_holds_it() {
        assert_eq!(target("api.yaml", "#/a/b"), inside("api.yaml", "/a/b"));
        assert_eq!(target("api.yaml", "x.yaml"), inside("x.yaml", ""));
        assert_eq!(target("a/b.yaml", "../c/d.json#/x~1y"), inside("c/d.json", "/x~1y"));
        assert_eq!(target("a/b.yaml", "./c.md#"), inside("a/c.md", ""));
        assert_eq!(target("api.yaml", "a%20b.yaml#/%7Bid%7D"), inside("a b.yaml", "/{id}"));
        assert_eq!(target("api.yaml", "100%.yaml?v=2#/%zz%"), inside("100%.yaml", "/%zz%"));
        assert_eq!(target("api.yaml", "a/../b.yaml"), inside("b.yaml", ""));
    }

    #[test]
    fn a_reference_that_leaves_the_folder_is_recognised() {
        for (reference, expected) in [
            ("../x.yaml", ReferenceTarget::Climbs),
            ("a/../../x.yaml", ReferenceTarget::Climbs),
            ("%2e%2e/x.yaml", ReferenceTarget::Climbs),
            ("/etc/passwd", ReferenceTarget::Absolute),
            ("%2Fetc/passwd", ReferenceTarget::Absolute),
            ("C:\\x.yaml", ReferenceTarget::Absolute),
            ("\\\\host\\x", ReferenceTarget::Absolute),
            ("file:///etc/passwd", ReferenceTarget::FileAddress),
            ("FILE:x.yaml", ReferenceTarget::FileAddress),
            ("https://example.org/x.yaml#/a", ReferenceTarget::Remote),
            ("//example.org/x.yaml", ReferenceTarget::Remote),
            ("urn:x:y", ReferenceTarget::Remote),
        ] {
            assert_eq!(target("api.yaml", reference), expected, "{reference}");
        }
    }

    fn found(document: &serde_json::Value) -> Vec<(String, String, Force)> {
        let mut found = Vec::new();
        walk(document, Role::Part, &mut Vec::new(), &mut |steps, reference| {
            found.push((pointer(steps), reference.text.to_owned(), reference.force));
            Ok::<(), ()>(())
        })
        .expect("nothing fails");
        found
    }

    #[test]
    fn every_kind_of_reference_is_found_once_with_its_place() {
        let document = json!({
            "a/b~": [{"$ref": "1"}],
            "properties": {"$ref": {"type": "string"}, "mapping": {"x": "no"}},
            "examples": {"e": {"externalValue": "2"}},
            "discriminator": {"propertyName": "no", "mapping": {"cat": "3"}},
            "links": {"l": {"operationRef": "4"}},
        });
        let expected = [
            ("/a~1b~0/0", "1", Force::Must),
            ("/examples/e", "2", Force::May),
            ("/discriminator/mapping", "3", Force::May),
            ("/links/l", "4", Force::May),
        ];
        assert_eq!(found(&document), expected.map(|(at, text, force)| (at.to_owned(), text.to_owned(), force)));
    }

    #[test]
    fn a_reference_in_data_may_be_data() {
        let reference = |text: &str| json!({"$ref": text});
        // What stands at these places is data; the second of each is a whole example, which may be kept in a file.
        for place in ["example", "default", "const", "x-own"] {
            let inner = json!({place: {"a": reference("b.json"), "externalValue": "no"}, "mapping": {"c": "d"}});
            // An extension is put together from files as well.
            let force = if place == "x-own" { Force::Must } else { Force::Data };
            assert_eq!(found(&inner), [(format!("/{place}/a"), "b.json".to_owned(), force)], "{place}");
            for (text, force) in [
                ("one.json", Force::Must),
                ("../a/b.YAML#/c", Force::Must),
                ("../Users/26118915", Force::Data),
                ("https://example.org/one.json", Force::Data),
                ("#/nowhere", Force::Data),
                (".json", Force::Data),
            ] {
                assert_eq!(found(&json!({place: reference(text)}))[0].2, force, "{place}: {text}");
            }
        }
        for (document, force) in [
            (json!({"examples": {"e": {"value": reference("one.json")}}}), Force::Must),
            (json!({"examples": {"e": {"value": [reference("one.json")]}}}), Force::Data),
            (json!({"examples": {"e": {"value": {"$ref": "one.json", "display": "One"}}}}), Force::Data),
            (json!({"examples": {"e": reference("../Users/1")}}), Force::Must),
            (json!({"examples": [reference("#/a")]}), Force::Data),
            (json!({"examples": {"a/json": {"b": reference("#/a")}}}), Force::Data),
            (json!({"enum": [reference("#/a")]}), Force::Data),
            // Names that somebody chose, which are no keywords.
            (json!({"properties": {"value": reference("#/a")}}), Force::Must),
            (json!({"properties": {"properties": {"properties": {"default": reference("#/a")}}}}), Force::Must),
            (json!({"responses": {"default": reference("#/a")}}), Force::Must),
            (json!({"headers": {"x-request-id": reference("#/a")}}), Force::Must),
            (json!({"schemas": {"example": {"allOf": [reference("#/a")]}}}), Force::Must),
            (json!({"parameters": [reference("#/a")]}), Force::Must),
            (json!({"properties": {"example": {"example": reference("#/a")}}}), Force::Data),
        ] {
            let found = found(&document);
            assert_eq!(found.iter().map(|one| one.2).collect::<Vec<_>>(), [force], "{document}");
        }
    }

    #[test]
    fn an_absurdly_long_pointer_or_reference_is_cut() {
        let long = "é".repeat(5_000);
        assert!(pointer(&[PointerToken::Key(&long)]).len() <= LONGEST + 8);
        let cut = pointer(&[PointerToken::Key("top"), PointerToken::Key(&long), PointerToken::Index(7)]);
        assert!(cut.len() <= 2 * LONGEST && cut.starts_with("/…/é") && cut.ends_with("é/7"), "{cut}");
        assert!(shown(&long).len() <= LONGEST + 3);
        assert_eq!(shown("a\u{1b}[31m"), "a\\u{1b}[31m");
    }
}
