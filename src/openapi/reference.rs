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
}

/// A reference as it stands in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference<'a> {
    pub(super) text: &'a str,
    pub(super) force: Force,
}

/// Calls `visit` for every reference in `value`, with the steps to the object that holds it; stops at an error.
pub(super) fn walk<'a, E>(
    value: &'a Value,
    steps: &mut Vec<PointerToken<'a>>,
    visit: &mut impl FnMut(&[PointerToken<'a>], Reference<'a>) -> Result<(), E>,
) -> Result<(), E> {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                match below {
                    Value::String(text) => {
                        if let Some(force) = force(key, text, steps) {
                            visit(steps, Reference { text, force })?;
                        }
                    }
                    Value::Object(_) | Value::Array(_) => {
                        steps.push(PointerToken::Key(key));
                        walk(below, steps, visit)?;
                        steps.pop();
                    }
                    _ => {}
                }
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter().enumerate() {
                steps.push(PointerToken::Index(index));
                walk(below, steps, visit)?;
                steps.pop();
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether `text`, at `key` below `steps`, is a reference.
fn force(key: &str, text: &str, steps: &[PointerToken<'_>]) -> Option<Force> {
    match key {
        "$ref" => (names_a_file_or_place(text) || !in_data(steps)).then_some(Force::Must),
        "externalValue" | "operationRef" => Some(Force::May),
        _ => matches!(steps, [.., PointerToken::Key("discriminator"), PointerToken::Key("mapping")])
            .then_some(Force::May),
    }
}

/// Whether a reference has a fragment, or a file name with an extension.
fn names_a_file_or_place(text: &str) -> bool {
    text.contains('#') || text.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.'))
}

/// Whether `steps` lead through example data. There `$ref` may be part of the API's own messages: SCIM (RFC 7643) has
/// `"$ref": "../Users/26118915"` in every group.
fn in_data(steps: &[PointerToken<'_>]) -> bool {
    let data = ["example", "examples", "value", "default", "enum", "const"];
    steps.iter().any(|step| matches!(step, PointerToken::Key(key) if data.contains(key)))
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

    #[test]
    fn every_kind_of_reference_is_found_once_with_its_place() {
        let document = json!({
            "a/b~": [{"$ref": "1"}],
            "properties": {"$ref": {"type": "string"}, "mapping": {"x": "no"}},
            "examples": {"e": {"externalValue": "2"}},
            "discriminator": {"propertyName": "no", "mapping": {"cat": "3"}},
            "links": {"l": {"operationRef": "4"}},
            "example": [{"$ref": "../Users/26118915"}, {"$ref": "https://example.org/Users/1"}, {"$ref": "5.json"}],
            "value": {"$ref": "#6"},
        });
        let mut found = Vec::new();
        walk(&document, &mut Vec::new(), &mut |steps, reference| {
            found.push((pointer(steps), reference.text.to_owned(), reference.force));
            Ok::<(), ()>(())
        })
        .expect("nothing fails");
        let expected = [
            ("/a~1b~0/0", "1", Force::Must),
            ("/examples/e", "2", Force::May),
            ("/discriminator/mapping", "3", Force::May),
            ("/links/l", "4", Force::May),
            ("/example/2", "5.json", Force::Must),
            ("/value", "#6", Force::Must),
        ];
        assert_eq!(found, expected.map(|(at, text, force)| (at.to_owned(), text.to_owned(), force)));
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
