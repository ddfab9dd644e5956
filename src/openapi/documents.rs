//! The parsed files of a spec, and following references among them.

use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

use serde_json::Value;

use super::reference::{PointerToken, ReferenceTarget, pointer, target};

/// Most references followed one after the other: a chain that is longer is a circle.
const MAX_HOPS: usize = 32;

/// The parsed files by their path from the spec's folder.
#[derive(Default)]
pub(super) struct Documents {
    values: HashMap<String, Rc<Value>>,
}

/// A value and the file it stands in, which its references are relative to.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) value: &'a Value,
}

impl<'a> At<'a> {
    /// The value below `key`.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| Self { value, ..self })
    }

    /// The text below `key`, or nothing.
    pub(super) fn text(self, key: &str) -> &'a str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Documents {
    pub(super) fn insert(&mut self, path: String, value: Rc<Value>) {
        self.values.insert(path, value);
    }

    pub(super) fn get(&self, path: &str) -> Option<&Rc<Value>> {
        self.values.get(path)
    }

    /// The JSON pointer to a value of one of the files.
    pub(super) fn pointer(&self, at: At<'_>) -> String {
        let mut steps = Vec::new();
        if let Some(document) = self.values.get(at.file) {
            find(document, at.value, &mut steps);
        }
        pointer(&steps)
    }

    /// What `at` stands for: itself, or what its `$ref` leads to, over as many references as it takes. Nothing when a
    /// reference on the way leads nowhere, out of the parsed files, or in a circle.
    pub(super) fn follow<'a>(&'a self, at: At<'a>) -> Option<At<'a>> {
        self.follow_within(at, &mut MAX_HOPS.clone())
    }

    fn follow_within<'a>(&'a self, mut at: At<'a>, hops: &mut usize) -> Option<At<'a>> {
        while let Some(reference) = at.value.get("$ref").and_then(Value::as_str) {
            *hops = hops.checked_sub(1)?;
            at = self.named_within(at.file, reference, hops)?;
        }
        Some(at)
    }

    /// What the `$ref` of `at` itself leads to, one step on.
    pub(super) fn next<'a>(&'a self, at: At<'a>) -> Option<At<'a>> {
        let reference = at.value.get("$ref").and_then(Value::as_str)?;
        self.named_within(at.file, reference, &mut MAX_HOPS.clone())
    }

    /// Whether `reference`, standing in `file`, leads to a value when the references on its way are followed too.
    pub(super) fn leads_somewhere(&self, file: &str, reference: &str) -> bool {
        self.named_within(file, reference, &mut MAX_HOPS.clone()).is_some()
    }

    /// Whether `reference`, standing in `file`, leads round and round. A chain that is too long counts as a circle.
    pub(super) fn circles(&self, file: &str, reference: &str) -> bool {
        let mut hops = MAX_HOPS;
        let end = self.named_within(file, reference, &mut hops).and_then(|at| self.follow_within(at, &mut hops));
        end.is_none() && hops == 0
    }

    fn named_within<'a>(&'a self, file: &str, reference: &str, hops: &mut usize) -> Option<At<'a>> {
        let ReferenceTarget::Inside { path, fragment } = target(file, reference) else { return None };
        let (file, value) = self.values.get_key_value(&path)?;
        let mut at = At { file, value };
        if fragment.is_empty() {
            return Some(at);
        }
        for name in fragment.strip_prefix('/')?.split('/') {
            let name = name.replace("~1", "/").replace("~0", "~");
            at = match step(at, &name) {
                Some(below) => below,
                None => step(self.follow_within(at, hops)?, &name)?,
            };
        }
        Some(at)
    }
}

fn step<'a>(at: At<'a>, name: &str) -> Option<At<'a>> {
    let value = match at.value {
        Value::Array(list) => list.get(name.parse::<usize>().ok()?)?,
        other => other.get(name)?,
    };
    Some(At { value, ..at })
}

/// Looks for the very same `wanted` in `value`, and leaves the steps to it.
fn find<'a>(value: &'a Value, wanted: &Value, steps: &mut Vec<PointerToken<'a>>) -> bool {
    if ptr::eq(value, wanted) {
        return true;
    }
    let mut enter = |step, below| {
        steps.push(step);
        let found = find(below, wanted, steps);
        if !found {
            steps.pop();
        }
        found
    };
    match value {
        Value::Object(map) => map.iter().any(|(key, below)| enter(PointerToken::Key(key), below)),
        Value::Array(list) => list.iter().enumerate().any(|(at, below)| enter(PointerToken::Index(at), below)),
        _ => false,
    }
}

/// A text, number or truth value as text; nothing for anything else.
pub(super) fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

/// What stands below `key`, after references.
pub(super) fn follow_key<'a>(documents: &'a Documents, at: At<'a>, key: &str) -> Option<At<'a>> {
    documents.follow(at.get(key)?)
}

/// The items of a list; none for anything else.
pub(super) fn list(at: Option<At<'_>>) -> &[Value] {
    at.and_then(|at| at.value.as_array()).map(Vec::as_slice).unwrap_or_default()
}
