//! Paths of documents and requests for them, generated; and what a document means by a request.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use regex::Regex;
use serde_json::{Map, Value};

use crate::apigee_server::entry;
use crate::gateway::{flow, refuses};
use crate::program::Ran;
use crate::small_http::Request;

pub(crate) const KINDS: [&str; 2] = ["live", "sandbox"];
pub(crate) const METHODS: [&str; 3] = ["get", "post", "delete"];
/// Texts that a path may hold, and how a request writes each: as it is, or percent-encoded.
const TEXTS: [(&str, &[&str]); 38] = [
    ("p", &["p"]),
    ("q", &["q"]),
    ("pq", &["pq"]),
    ("q-", &["q-"]),
    (".", &["."]),
    ("..", &[".."]),
    (":", &[":"]),
    (":q", &[":q"]),
    ("+", &["+"]),
    ("(", &["("]),
    (")", &[")"]),
    ("$", &["$"]),
    ("$q", &["$q"]),
    ("*", &["*"]),
    ("&", &["&"]),
    ("'", &["'"]),
    (";p=", &[";p="]),
    ("@", &["@"]),
    ("^", &["^", "%5E", "%5e"]),
    ("|", &["|", "%7C", "%7c"]),
    ("[", &["[", "%5B", "%5b"]),
    ("]", &["]", "%5D"]),
    ("{", &["{", "%7B", "%7b"]),
    ("}", &["}", "%7D"]),
    ("\\", &["\\", "%5C", "%5c"]),
    ("\"", &["\"", "%22"]),
    ("<", &["<", "%3C", "%3c"]),
    ("`", &["`", "%60"]),
    (" ", &["%20"]),
    ("%", &["%25"]),
    ("%2F", &["%2F", "%2f"]),
    ("%c3%a9", &["%C3%A9", "%c3%a9", "é"]),
    ("ü", &["ü", "%C3%BC", "%c3%bc"]),
    ("日", &["日", "%E6%97%A5"]),
    // What percent-encodings end in, and a character both as it is and encoded.
    ("20", &["20"]),
    ("Fp", &["Fp"]),
    ("é", &["é", "%C3%A9", "%c3%A9"]),
    ("%25", &["%25"]),
];

/// A part of a segment: a place in [`TEXTS`], or a parameter.
pub(crate) type Part = Option<usize>;
pub(crate) type Segments = Vec<Vec<Part>>;

pub(crate) fn segments() -> impl Strategy<Value = Segments> {
    let part = prop_oneof![3 => (0..TEXTS.len()).prop_map(Some), 2 => Just(None)];
    let common = prop_oneof![3 => (0..4_usize).prop_map(Some), 2 => Just(None)];
    let segment = prop_oneof![
        3 => prop::collection::vec(part, 0..5),
        // From few parts, so that paths meet.
        2 => prop::collection::vec(common, 1..4),
    ];
    prop::collection::vec(segment, 1..4)
}

/// The path as the document has it. A lone brace that would make a parameter of what is between is left out.
pub(crate) fn written(segments: &Segments) -> String {
    let mut number = 0;
    let mut segment = |parts: &Vec<Part>| {
        let mut open = false;
        let mut text = String::new();
        for part in parts {
            match part.map(|at| TEXTS[at].0) {
                Some("}") if open => {}
                Some(part) => {
                    open |= part == "{";
                    text += part;
                }
                None => {
                    number += 1;
                    text += &format!("{{p{number}}}");
                }
            }
        }
        text
    };
    segments.iter().map(|parts| format!("/{}", segment(parts))).collect()
}

/// A request for a path: values of parameters, ways to write its texts, and sometimes a fault.
pub(crate) fn request(segments: &Segments) -> impl Strategy<Value = String> + use<> {
    let parts: Vec<BoxedStrategy<String>> = segments
        .iter()
        .flat_map(|parts| {
            let parts = parts.iter().map(|part| match part {
                Some(at) => prop::sample::select(TEXTS[*at].1).prop_map(str::to_owned).boxed(),
                None => prop::collection::vec(prop::sample::select(TEXTS.to_vec()), 1..4)
                    .prop_map(|texts| texts.iter().map(|(_, written)| written[0]).collect())
                    .boxed(),
            });
            [Just("/".to_owned()).boxed()].into_iter().chain(parts).collect::<Vec<_>>()
        })
        .collect();
    let fault = prop_oneof![4 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (parts, fault, any::<prop::sample::Index>()).prop_map(|(mut parts, fault, at)| {
        let at = at.index(parts.len());
        match fault {
            1 => parts.push("/".to_owned()),
            2 => drop(parts.remove(at)),
            3 => parts[at] = "x".to_owned(),
            _ => {}
        }
        format!("/{}", parts.concat().trim_start_matches('/'))
    })
}

/// What a URL says, character by character: everything that it must percent-encode is, in capital letters, and is one with
/// all the bytes of its UTF-8.
fn characters(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let is_code = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
    let (mut out, mut at): (Vec<String>, _) = (Vec::new(), 0);
    while at < bytes.len() {
        let one = if bytes[at] == b'%' && is_code(at) {
            at += 2;
            text[at - 2..=at].to_uppercase()
        } else if bytes[at].is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&bytes[at]) {
            char::from(bytes[at]).to_string()
        } else {
            format!("%{:02X}", bytes[at])
        };
        match out.last_mut() {
            Some(last) if ["%8", "%9", "%A", "%B"].iter().any(|begin| one.starts_with(begin)) => *last += &one,
            _ => out.push(one),
        }
        at += 1;
    }
    out
}

/// The literal texts around the parameters of each segment of a path.
fn literals(path: &str) -> Vec<Vec<Vec<String>>> {
    static PARAMETER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^{}/]*\}").expect("a pattern"));
    path.split('/').map(|segment| PARAMETER.split(segment).map(characters).collect()).collect()
}

/// Whether a segment of a request fits. Every way to cut it is tried.
fn fits(texts: &[Vec<String>], segment: &[String]) -> bool {
    let Some((first, more)) = texts.split_first() else { return segment.is_empty() };
    let Some(rest) = segment.strip_prefix(first.as_slice()) else { return false };
    if more.is_empty() { rest.is_empty() } else { (1..=rest.len()).any(|end| fits(more, &rest[end..])) }
}

/// What the document means by a request: the operation of the most specific path, or none.
fn meant(paths: &Map<String, Value>, method: &str, request: &str) -> Option<String> {
    let segments: Vec<_> = request.split('/').map(characters).collect();
    let matching = paths.iter().map(|(path, item)| (path, literals(path), item)).filter(|(_, own, _)| {
        own.len() == segments.len() && own.iter().zip(&segments).all(|(texts, segment)| fits(texts, segment))
    });
    let specificity = |own: &[Vec<Vec<String>>]| {
        let fixed = own.iter().filter(|texts| texts.len() == 1).count();
        let between = own.iter().filter(|texts| texts.len() > 2).flat_map(|texts| &texts[1..texts.len() - 1]);
        (fixed, own.iter().flatten().flatten().count(), between.filter(|text| text.is_empty()).count())
    };
    let matching: Vec<_> = matching.collect();
    // Of equals `max_by_key` takes the last, and the first of the document is meant.
    let (_, best, _) = matching.iter().rev().max_by_key(|(_, own, _)| specificity(own))?;
    let same = matching.iter().filter(|(_, own, _)| own == best);
    let (first, ..) = matching.iter().find(|(_, own, _)| own == best)?;
    let operation = same.filter_map(|(.., item)| item.get(method)).next()?;
    let id = operation["operationId"].as_str().map(str::to_owned);
    Some(id.unwrap_or_else(|| format!("{} {first}", method.to_uppercase())))
}

/// A runner that does the same each time, unless `APISCAFFOLD_SEED` is another number.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let seed: u64 = std::env::var("APISCAFFOLD_SEED").map_or(0, |seed| seed.parse().expect("a number"));
    println!("APISCAFFOLD_SEED={seed}");
    let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    let config = Config { cases, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Builds the bundles as `make bundle` does, from a document that needs no bundling.
pub(crate) fn bundle(repository: &Path, document: &Path) -> Ran {
    let mut command = Command::new("python3");
    command.arg("scripts/bundle.py").arg(document).arg("build").current_dir(repository);
    Ran::of(&command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python starts"))
}

/// Writes the document that `make bundle` makes of a repository's specification, where that is one file without references.
pub(crate) fn write_specification(repository: &Path) {
    let mut files = fs::read_dir(repository.join("specification")).expect("a specification");
    let file = files.next().expect("a file").expect("readable").path();
    let document = apiscaffold::openapi::document::parse(&fs::read(file).expect("read")).expect("a document");
    fs::create_dir_all(repository.join("build")).expect("made");
    fs::write(repository.join("build/specification.json"), document.to_string()).expect("written");
}

/// The endpoint of the proxy in the bundle that was built.
pub(crate) fn endpoint(repository: &Path, kind: &str) -> String {
    let zip = fs::read(repository.join(format!("build/{kind}.zip"))).expect("built");
    entry(&zip, "apiproxy/proxies/default.xml").expect("an endpoint")
}

/// Holds the bundles that a repository builds from `build/specification.json` to the paths in it: a call of some of these paths,
/// of one below each, and of a path that is nowhere in the document.
pub(crate) fn repository_says_what_its_document_says(repository: &Path) {
    // Every flow is tried for every call, so of many paths few are called.
    const TRIED: usize = 500;
    let ran = bundle(repository, Path::new("build/specification.json"));
    assert_eq!(ran.code, Some(0), "{}: {ran:?}", repository.display());
    let text = fs::read(repository.join("build/specification.json")).expect("built");
    let document: Value = serde_json::from_slice(&text).expect("JSON");
    let paths = document["paths"].as_object().cloned().unwrap_or_default();
    let paths = paths.into_iter().filter(|(path, _)| path.starts_with('/'));
    let followed = |item: Value| match item["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect("it leads somewhere").clone(),
        None => item,
    };
    let paths: Map<String, Value> = paths.map(|(path, item)| (path, followed(item))).collect();
    let parameter = Regex::new(r"\{[^{}/]*\}").expect("a pattern");
    let called =
        paths.keys().step_by(paths.len() * paths.len() / TRIED + 1).map(|path| parameter.replace_all(path, "a1"));
    let requests = called.flat_map(|path| [format!("{}/b2", path.trim_end_matches('/')), path.into_owned()]);
    let requests = requests.chain(["/nowhere/in/the/document".to_owned()]).collect();
    for kind in ["live", "sandbox"] {
        let said = says_what_the_document_says(&endpoint(repository, kind), &paths, &requests);
        said.unwrap_or_else(|error| panic!("{}, {kind}: {error}", repository.display()));
    }
}

/// Each request must take the flow of the operation that the document means, and no flow where it means none.
pub(crate) fn says_what_the_document_says(
    endpoint: &str,
    paths: &Map<String, Value>,
    requests: &BTreeSet<String>,
) -> Result<(), TestCaseError> {
    let proxy = roxmltree::Document::parse(endpoint).expect("XML");
    for (path, method) in requests.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
        let request = Request {
            method: method.to_uppercase(),
            path: path.clone(),
            query: String::new(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        let taken = flow(&proxy, &request, path).filter(|flow| !refuses(*flow));
        let name = taken.and_then(|flow| flow.attribute("name")).and_then(|name| name.split_once(' '));
        let name = name.map(|(_, name)| name.to_owned());
        prop_assert_eq!(name, meant(paths, method, path), "{} {}", method, path);
    }
    Ok(())
}
