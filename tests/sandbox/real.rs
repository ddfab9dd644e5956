//! The sandbox of a real document answers all that the document describes, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::READY;
use crate::sandbox::server::Sandbox;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// An operation: its method, its path as it is called, and the codes of its answers.
struct Operation {
    method: String,
    path: String,
    codes: BTreeSet<String>,
}

/// What a local reference leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The operations of a document in one file, by the shapes of their paths: `/pets/{}`.
fn operations(document: &Value) -> BTreeMap<String, Vec<Operation>> {
    let parameter = regex::Regex::new(r"\{[^{}]*\}").expect("a pattern");
    let mut found = BTreeMap::<String, Vec<Operation>>::new();
    let items = document["paths"].as_object().into_iter().flatten();
    for (path, item) in items.filter(|(path, _)| path.starts_with('/')) {
        let item = resolved(document, item);
        let sent = path.split(['?', '#']).next().expect("a part");
        for method in METHODS.iter().filter(|method| item[**method].is_object()) {
            let codes =
                item[*method]["responses"].as_object().into_iter().flatten().map(|(code, _)| code.to_uppercase());
            let call = parameter.replace_all(sent, "x").replace(' ', "%20");
            let operation = Operation { method: method.to_uppercase(), path: call, codes: codes.collect() };
            found.entry(parameter.replace_all(sent, "{}").into_owned()).or_default().push(operation);
        }
    }
    found
}

/// A status that gets the answer of a code; `None` for what is no code, or one that no call ends with.
fn status(code: &str, codes: &BTreeSet<String>) -> Option<u16> {
    let free =
        |hundreds: u16| (hundreds * 100..hundreds * 100 + 100).find(|status| !codes.contains(&status.to_string()));
    match code.as_bytes() {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => code.parse().ok(),
        [first @ b'2'..=b'5', b'X', b'X'] => free(u16::from(first - b'0')),
        b"DEFAULT" => {
            [5, 4, 2, 3].into_iter().filter(|hundreds| !codes.contains(&format!("{hundreds}XX"))).find_map(free)
        }
        _ => None,
    }
}

/// Starts the sandbox of a repository in which `make test` has run, and calls everything.
pub(super) fn answers_what_is_described(folder: &Path) {
    let text = fs::read_to_string(folder.join("build/specification.json")).expect("built");
    let operations = operations(&serde_json::from_str(&text).expect("JSON"));
    let (sandbox, took) = Sandbox::start(folder);
    let own = sandbox.processor_time().unwrap_or(took);
    assert!(own < READY, "{}: {own:?}", folder.display());
    let longest = operations.keys().map(|shape| shape.matches('/').count()).max().unwrap_or(0);
    let mut calls = 0;
    for (shape, here) in &operations {
        for Operation { method, path, codes } in here {
            for wanted in codes.iter().filter_map(|code| status(code, codes)) {
                // Several operations on one path can share a method: they are told apart by `#`.
                let answer = sandbox.call(method, path, &[("Prefer", &format!("code={wanted}"))], None);
                assert_eq!(answer.status, wanted, "{method} {path}: {answer:?}");
                calls += 1;
            }
        }
        let path = &here[0].path;
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            if !here.iter().any(|operation| operation.method == method) && shape != "/health" {
                assert_eq!(sandbox.call(method, path, &[], None).status, 405, "{method} {path}");
            }
        }
        let beyond = format!("{path}{}", "/x".repeat(longest + 1));
        assert_eq!(sandbox.get(&beyond).status, 404, "{beyond}");
    }
    println!(
        "  ready in {} ms of a processor; {calls} documented answers, {} paths",
        own.as_millis(),
        operations.len()
    );
}
