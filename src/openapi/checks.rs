//! What will not work as it is written, though the document can be read.

use std::collections::HashMap;

use serde_json::Value;

use super::description::Summary;
use super::documents::{At, Documents, follow_key};
use super::reference::shown;
use super::{Finding, FindingKind, MAX_FINDINGS};

/// What is found in the document as a whole; [`repeated_parameters`] looks at its parts.
pub(super) fn of_document(documents: &Documents, root: At<'_>, summary: &Summary) -> Vec<Finding> {
    let found =
        |kind, pointer: &str, message: &str| Finding::new(root.file, pointer.to_owned(), kind, message.to_owned());
    let mut findings = identical_paths(documents, root);
    if summary.operations.is_empty() {
        let message = "there is no operation, so the proxy serves nothing but its own `_ping` and `_status`";
        findings.push(found(FindingKind::Empty, "/paths", message));
    }
    if !summary.webhooks.is_empty() {
        let message =
            "the document keeps these webhooks, and the proxy does not serve them: they are calls that the API makes";
        findings.push(found(FindingKind::Unserved, "/webhooks", message));
    }
    findings
}

/// Paths that differ only in the names of their parameters: for OpenAPI they are identical, and must not be there.
fn identical_paths(documents: &Documents, root: At<'_>) -> Vec<Finding> {
    let Some(paths) = follow_key(documents, root, "paths") else { return Vec::new() };
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut findings = Vec::new();
    let each = paths.value.as_object().into_iter().flatten().filter(|(path, _)| path.starts_with('/'));
    for (path, value) in each {
        let other = *first.entry(without_names(path)).or_insert(path);
        if other != path && findings.len() < MAX_FINDINGS {
            let message = format!(
                "`{}` and `{}` are identical for OpenAPI, which does not look at the names of parameters: write all their operations below one of them",
                shown(path),
                shown(other)
            );
            let pointer = documents.pointer(At { value, ..paths });
            findings.push(Finding::new(paths.file, pointer, FindingKind::Identical, message));
        }
    }
    findings
}

/// A path with nothing between its braces.
fn without_names(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else { break };
        plain.extend([before, "{}"]);
        rest = behind;
    }
    plain + rest
}

/// The parameters of a path item or an operation that have the name and the place of an earlier one in the same list, each
/// with a message. Names of headers are the same in any case.
pub(super) fn repeated_parameters<'a>(documents: &'a Documents, at: At<'a>) -> Vec<(At<'a>, String)> {
    let Some(parameters) = follow_key(documents, at, "parameters") else { return Vec::new() };
    let mut seen: HashMap<(&str, String), usize> = HashMap::new();
    let mut repeated = Vec::new();
    for (number, value) in parameters.value.as_array().into_iter().flatten().enumerate() {
        let at = At { value, ..parameters };
        let Some(parameter) = documents.follow(at) else { continue };
        let text = |key| parameter.value.get(key).and_then(Value::as_str);
        let (Some(name), Some(place)) = (text("name"), text("in")) else { continue };
        let same = if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
        let first = *seen.entry((place, same)).or_insert(number);
        if first != number {
            let message = format!(
                "the parameter `{}` in `{}` is here twice, first as number {} of this list: delete one",
                shown(name),
                shown(place),
                first + 1
            );
            repeated.push((at, message));
        }
    }
    repeated
}
