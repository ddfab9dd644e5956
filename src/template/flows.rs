//! The conditional flows of an Apigee proxy: one for each operation, in the order in which the proxy must try them.
//!
//! `scripts/flows.py` of the built-in template makes the same conditions from the same paths, to check them: change both.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

static PARAMETER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^{}/]*\}").expect("it is a pattern"));
/// Stands for a parameter in a path that is read.
const MARK: char = '\0';
/// Characters beside letters and digits that `=` compares as they are. Parentheses are left to regular expressions: after
/// a `$` they look like a placeholder.
const PLAIN: &str = "-._~$!&'+,;=:@*";

/// The flows for `operations`, objects with `method` and `path`. Each is its operation with `operator` and `pattern`,
/// which take the requests that the path stands for and no others. The most specific path comes first: more literal segments,
/// then more literal text, then the order of the document.
///
/// A request belongs to the most specific path that fits it. Where a later path would take a method that this one does
/// not have, a flow without a `method` follows this path's own, for all other methods.
pub(super) fn flows(operations: &[Value]) -> Vec<Value> {
    let groups = group_by_path(operations);
    let mut flows = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let refusal = ["method", "id", "summary"].map(|key| (key.to_owned(), Value::Null));
        let must_refuse = groups[at + 1..].iter().any(|later| group.must_refuse_for(later));
        let operations = group.operations.iter().map(|(_, operation)| (*operation).clone());
        for mut flow in operations.chain(must_refuse.then(|| refusal.into_iter().collect())) {
            let (operator, pattern) = group.pattern.condition();
            flow.insert("path".into(), group.path.clone().into());
            flow.insert("operator".into(), operator.into());
            flow.insert("pattern".into(), pattern.into());
            flows.push(flow.into());
        }
    }
    flows
}

/// The operations of one path. Paths that differ in the names of their parameters, or behind `?` or `#`, are one.
struct Group<'a> {
    path: String,
    pattern: PathPattern,
    operations: Vec<(&'a str, &'a Map<String, Value>)>,
}

impl Group<'_> {
    fn must_refuse_for(&self, later: &Self) -> bool {
        self.pattern.meets(&later.pattern)
            && later.operations.iter().any(|(method, _)| self.operations.iter().all(|(own, _)| own != method))
    }
}

/// The operations by path, the most specific path first. What no request can call is left out: a path without a `/`
/// in front, and a method that HTTP has no way to write.
fn group_by_path(operations: &[Value]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = HashMap::new();
    let mut seen = HashSet::new();
    for operation in operations.iter().filter_map(Value::as_object) {
        let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        if !path.starts_with('/') || !is_token(method) {
            continue;
        }
        let pattern = PathPattern::read(path);
        let place = *places.entry(pattern.clone()).or_insert_with(|| {
            let path = path.split(['?', '#']).next().unwrap_or(path).to_owned();
            groups.push(Group { path, pattern, operations: Vec::new() });
            groups.len() - 1
        });
        if seen.insert((place, method)) {
            groups[place].operations.push((method, operation));
        }
    }
    // The sort keeps the order of the document where it finds no difference.
    groups.sort_by_cached_key(|group| Reverse(group.pattern.specificity()));
    groups
}

/// Whether HTTP can write the method (RFC 9110, `token`).
fn is_token(method: &str) -> bool {
    !method.is_empty() && method.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

/// A path's segments. Each is the list of the literal texts around its parameters, so it has one text more than parameters.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PathPattern(Vec<Vec<String>>);

impl PathPattern {
    fn read(path: &str) -> Self {
        let path = path.replace(MARK, "%00");
        let marked = PARAMETER.replace_all(&path, MARK.to_string());
        let marked = marked.split(['?', '#']).next().unwrap_or_default();
        Self(marked.split('/').map(|segment| segment.split(MARK).map(str::to_owned).collect()).collect())
    }

    /// More is more specific: literal segments, literal text, parameters that follow one another (each takes a character
    /// at least).
    fn specificity(&self) -> (usize, usize, usize) {
        let fixed = self.0.iter().filter(|texts| texts.len() == 1).count();
        let text = self.0.iter().flatten().map(|text| text.chars().count()).sum();
        let inner = self.0.iter().flat_map(|texts| texts.iter().take(texts.len() - 1).skip(1));
        (fixed, text, inner.filter(|text| text.is_empty()).count())
    }

    /// Whether there is a path that both stand for.
    fn meets(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(one, two)| segments_meet(one, two))
    }

    /// The operator and the text with which Apigee's conditions compare `proxy.pathsuffix`, for exactly these paths. The
    /// root is also what has nothing behind the base path.
    fn condition(&self) -> (&'static str, String) {
        let path = self.0.iter().map(|texts| texts.concat()).collect::<Vec<_>>().join("/");
        let is_fixed = self.0.iter().all(|texts| texts.len() == 1);
        if path == "/" && is_fixed {
            ("JavaRegex", "/?".to_owned())
        } else if is_fixed && path.chars().all(|c| c == '/' || c.is_ascii_alphanumeric() || PLAIN.contains(c)) {
            ("=", path)
        } else {
            let segments: Vec<String> = self.0.iter().map(|texts| segment_regex(texts)).collect();
            ("JavaRegex", segments.join("/"))
        }
    }
}

fn segments_meet(one: &[String], two: &[String]) -> bool {
    match (one, two) {
        ([text], pattern) | (pattern, [text]) => fits(text, pattern),
        ([first, .., last], [other_first, .., other_last]) => {
            let begins = first.starts_with(other_first.as_str()) || other_first.starts_with(first.as_str());
            begins && (last.ends_with(other_last.as_str()) || other_last.ends_with(last.as_str()))
        }
        _ => false,
    }
}

/// Whether the segment stands for this text, where a parameter is one character at least.
fn fits(text: &str, segment: &[String]) -> bool {
    let [first, inner @ .., last] = segment else { return segment == [text] };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for literal in inner {
        let Some(parameter) = rest.chars().next() else { return false };
        let after = &rest[parameter.len_utf8()..];
        let Some(at) = after.find(literal.as_str()) else { return false };
        rest = &after[at + literal.len()..];
    }
    rest.strip_suffix(last.as_str()).is_some_and(|parameter| !parameter.is_empty())
}

/// A parameter ends where the text behind it begins first, and no other end is tried (`(?>…)`): a hostile request cannot
/// keep the proxy busy.
fn segment_regex(texts: &[String]) -> String {
    let [first, inner @ .., last] = texts else { return texts.iter().map(|text| literal_regex(text)).collect() };
    let mut regex = literal_regex(first);
    for text in inner {
        match text.as_str() {
            "" => regex.push_str("[^/]"),
            text => regex.extend(["(?>[^/]+?", literal_regex(text).as_str(), ")"]),
        }
    }
    regex + "[^/]+" + literal_regex(last).as_str()
}

/// A regular expression for the text as a request can write it. What a URL holds only percent-encoded is also taken as
/// it is, if it can be seen. There is a backslash only where nothing else escapes.
fn literal_regex(text: &str) -> String {
    let mut regex = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let encoding =
            rest.get(..3).filter(|text| c == '%' && text[1..].bytes().all(|digit| digit.is_ascii_hexdigit()));
        match (encoding, c) {
            (Some(encoding), _) => regex.push_str(&either_case(encoding)),
            (None, '.' | '$' | '(' | ')' | '+' | '*') => regex.extend(['[', c, ']']),
            (None, c) if c.is_ascii_alphanumeric() || PLAIN.contains(c) => regex.push(c),
            (None, c) => regex.extend(["(?:", &literal_choice(c), &either_case(&percent_encoded(c)), ")"]),
        }
        rest = &rest[encoding.map_or(c.len_utf8(), str::len)..];
    }
    regex
}

/// The character as it is, as the first of two choices; nothing when it cannot be seen.
fn literal_choice(c: char) -> String {
    match c {
        '[' | '^' | '\\' => format!("\\{c}|"),
        '{' | '}' | '|' => format!("[{c}]|"),
        '"' => "\\x22|".to_owned(),
        // With two digits behind it, it begins another character.
        '%' => "%(?![0-9A-Fa-f]{2})|".to_owned(),
        '!'..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => format!("{c}|"),
        _ => String::new(),
    }
}

fn percent_encoded(c: char) -> String {
    c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The digits of a percent-encoding may be written in either case.
fn either_case(encoded: &str) -> String {
    let has_letter = encoded.bytes().any(|byte| byte.is_ascii_alphabetic());
    if has_letter { format!("(?i:{encoded})") } else { encoded.to_owned() }
}
