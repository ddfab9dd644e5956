//! What a spec says about its API: title, version, servers, security and operations.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::access::{Access, Modes, Schemes};
use super::document::yaml_options;
use super::documents::{At, Documents};
use super::read::MAX_FINDINGS;
use super::{Finding, FindingKind, noun};

/// What a spec says about its API. Text that is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// `info.title`.
    pub title: String,
    /// `info.version`, as it is written.
    pub version: String,
    /// `info.description`, or the text of the file it refers to.
    pub description: String,
    /// The version of OpenAPI, such as `3.0.3` or `2.0`.
    pub openapi: String,
    /// The addresses of the servers, as they are written; those of Swagger 2.0 are put together from `schemes`,
    /// `host` and `basePath`, with `https` when it names no scheme and only the path when it names no host.
    pub servers: Vec<String>,
    /// The names of the security schemes.
    pub security: Vec<String>,
    /// The access modes that the document grants as a whole; `None` when it does not say.
    pub granted: Option<Modes>,
    /// `info.contact`.
    pub contact: Option<Contact>,
    /// Every operation, in the order of the document.
    pub operations: Vec<Operation>,
    /// The names of the webhooks.
    pub webhooks: Vec<String>,
}

/// Who to ask about an API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The name.
    pub name: Option<String>,
    /// The address for mail.
    pub email: Option<String>,
    /// The address of a page.
    pub url: Option<String>,
}

/// One method of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method: upper case, or as written under `additionalOperations`.
    pub method: String,
    /// The path, as it is written.
    pub path: String,
    /// `operationId`.
    pub id: Option<String>,
    /// `summary`.
    pub summary: String,
    /// `tags`.
    pub tags: Vec<String>,
    /// The keys of `responses`: status codes, `4XX`, `default`.
    pub statuses: Vec<String>,
    /// The names of the security schemes that apply: the operation's own, or else the document's. Each once.
    pub security: Vec<String>,
    /// What that security asks of a caller.
    pub access: Access,
    /// `deprecated`.
    pub deprecated: bool,
    /// Whether an answer with content has an example, of itself or of its schema; or no answer has content.
    pub exemplified: bool,
}

/// Most memory all operations together may take, in bytes. References can multiply them: a thousand paths may all be
/// the same one.
const MAX_OPERATIONS: usize = 64 << 20;

/// The operations take more than [`MAX_OPERATIONS`].
#[derive(Debug)]
pub(super) struct TooMany;

/// Sums up the document `root`, whose version of OpenAPI is `openapi`; and finds what stands where operations should.
pub(super) fn summarise(
    documents: &Documents,
    root: At<'_>,
    openapi: &str,
) -> Result<(Summary, Vec<Finding>), TooMany> {
    let info = follow_key(documents, root, "info");
    let text = |key| info.map_or(String::new(), |info| scalar(info.value.get(key)));
    let schemes = if openapi == "2.0" {
        follow_key(documents, root, "securityDefinitions")
    } else {
        follow_key(documents, root, "components").and_then(|at| follow_key(documents, at, "securitySchemes"))
    };
    let access = Schemes { documents, schemes };
    let Operations { found: operations, misplaced, .. } = Operations::of(access, root, openapi)?;
    let summary = Summary {
        title: text("title"),
        version: text("version"),
        description: text("description"),
        openapi: openapi.to_owned(),
        servers: if openapi == "2.0" { hosts(root) } else { servers(documents, root) },
        security: names(schemes),
        granted: access.granted(root, &operations),
        contact: info.and_then(|info| contact(documents, info)),
        operations,
        webhooks: names(follow_key(documents, root, "webhooks")),
    };
    Ok((summary, misplaced))
}

/// The versions as they are written in YAML, where `1.10` without quotes would be read as the number 1.1.
#[derive(Default, Deserialize)]
pub(super) struct Written {
    pub(super) openapi: Option<String>,
    pub(super) swagger: Option<String>,
    pub(super) info: Option<WrittenInfo>,
}

/// See [`Written`].
#[derive(Default, Deserialize)]
pub(super) struct WrittenInfo {
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
}

impl Written {
    /// Reads only the versions and the title out of YAML, as text.
    pub(super) fn read(text: &str) -> Self {
        serde_saphyr::from_str_with_options(text, yaml_options()).unwrap_or_default()
    }
}

/// A text, or a number or truth value that stands where a text should.
pub(super) fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

fn follow_key<'a>(documents: &'a Documents, at: At<'a>, key: &str) -> Option<At<'a>> {
    documents.follow(at.get(key)?)
}

fn names(at: Option<At<'_>>) -> Vec<String> {
    at.and_then(|at| at.value.as_object())
        .map(|map| map.keys().filter(|key| is_name(key)).cloned().collect())
        .unwrap_or_default()
}

/// Whether a key is a name, and not an extension or a reference.
fn is_name(key: &str) -> bool {
    !key.starts_with("x-") && key != "$ref"
}

fn list(at: Option<At<'_>>) -> &[Value] {
    at.and_then(|at| at.value.as_array()).map(Vec::as_slice).unwrap_or_default()
}

fn contact(documents: &Documents, info: At<'_>) -> Option<Contact> {
    let contact = follow_key(documents, info, "contact")?;
    let text = |key| contact.value.get(key).and_then(Value::as_str).map(str::to_owned);
    contact.value.is_object().then(|| Contact { name: text("name"), email: text("email"), url: text("url") })
}

fn servers(documents: &Documents, root: At<'_>) -> Vec<String> {
    let servers = follow_key(documents, root, "servers");
    list(servers).iter().filter_map(|server| server.get("url")?.as_str()).map(str::to_owned).collect()
}

fn hosts(root: At<'_>) -> Vec<String> {
    let (host, path) = (root.text("host"), root.text("basePath"));
    if host.is_empty() {
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    }
    let schemes: Vec<&str> = list(root.get("schemes")).iter().filter_map(Value::as_str).collect();
    let schemes = if schemes.is_empty() { vec!["https"] } else { schemes };
    schemes.into_iter().map(|scheme| format!("{scheme}://{host}{path}")).collect()
}

/// Lists the operations of a document.
struct Operations<'a> {
    documents: &'a Documents,
    schemes: Schemes<'a>,
    methods: Vec<&'static str>,
    /// The schemes that apply to an operation that names none.
    security: Vec<String>,
    access: Access,
    found: Vec<Operation>,
    misplaced: Vec<Finding>,
    /// Bytes that the operations may still take.
    left: usize,
}

impl<'a> Operations<'a> {
    fn of(schemes: Schemes<'a>, root: At<'a>, openapi: &str) -> Result<Self, TooMany> {
        let mut methods = vec!["get", "put", "post", "delete", "options", "head", "patch"];
        if openapi != "2.0" {
            methods.push("trace");
        }
        let newest = openapi.starts_with("3.2");
        if newest {
            methods.push("query");
        }
        let security = required(list(root.get("security")));
        let (documents, access) = (schemes.documents, schemes.access(root.get("security")));
        let (found, misplaced, left) = (Vec::new(), Vec::new(), MAX_OPERATIONS);
        let mut operations = Self { documents, schemes, methods, security, access, found, misplaced, left };
        let paths = follow_key(documents, root, "paths");
        for (path, value) in paths.into_iter().filter_map(|at| at.value.as_object()).flatten() {
            if let Some(at) = paths.filter(|_| is_name(path)) {
                let item = At { value, ..at };
                if !path.starts_with('/') {
                    operations.misplaced(item, path, &format!("`{path}` does not begin with `/`, as a path must"));
                }
                operations.of_item(path, item, newest)?;
            }
        }
        Ok(operations)
    }

    /// A path item has its own methods, and those of the path item it refers to where it has none of its own.
    fn of_item(&mut self, path: &str, item: At<'a>, newest: bool) -> Result<(), TooMany> {
        let mut hop = Some(item);
        let mut seen = HashSet::new();
        for _ in 0..32 {
            let Some(at) = hop else { break };
            let entries = at.value.as_object();
            if entries.is_none() {
                self.misplaced(at, path, &format!("this is {}, not a path item", noun(at.value)));
            }
            self.spend(entries.map_or(0, serde_json::Map::len).saturating_mul(16))?;
            for (key, value) in entries.into_iter().flatten() {
                if self.methods.contains(&key.as_str()) {
                    if !value.is_object() {
                        self.misplaced(at, path, &format!("`{key}` is {}, not an operation", noun(value)));
                    } else if seen.insert(key.as_str()) {
                        self.add(path, key.to_uppercase(), At { value, ..at })?;
                    }
                } else if newest && key == "additionalOperations" {
                    let more = self.documents.follow(At { value, ..at });
                    for (method, value) in more.into_iter().filter_map(|at| at.value.as_object()).flatten() {
                        self.spend(256)?;
                        if is_name(method) && value.is_object() && seen.insert(method) {
                            let file = more.map_or(at.file, |more| more.file);
                            self.add(path, method.clone(), At { file, value })?;
                        }
                    }
                } else if value.is_object() && is_name(key) {
                    let known = self.methods.iter().find(|method| method.eq_ignore_ascii_case(key));
                    let meant = known.map(|method| format!(": write `{method}`")).unwrap_or_default();
                    self.misplaced(
                        at,
                        path,
                        &format!("`{key}` is no method that this version of OpenAPI knows{meant}"),
                    );
                }
            }
            hop = self.documents.next(at);
        }
        Ok(())
    }

    /// Keeps a finding at the path, in the file that the item comes from.
    fn misplaced(&mut self, at: At<'a>, path: &str, message: &str) {
        if self.misplaced.len() < MAX_FINDINGS {
            let pointer = format!("/paths/{}", path.replace('~', "~0").replace('/', "~1"));
            let (file, message) = (at.file.to_owned(), message.to_owned());
            self.misplaced.push(Finding { file, pointer, kind: FindingKind::Misplaced, message });
        }
    }

    fn add(&mut self, path: &str, method: String, at: At<'a>) -> Result<(), TooMany> {
        self.spend(256)?;
        let at = self.documents.follow(at).unwrap_or(at);
        let responses = at.get("responses").and_then(|responses| self.documents.follow(responses));
        let own = at.value.get("security").and_then(Value::as_array);
        let entries = responses.and_then(|at| at.value.as_object()).map_or(0, serde_json::Map::len)
            + list(at.get("tags")).len()
            + own.map_or(self.security.len(), Vec::len);
        self.spend(entries.saturating_mul(64))?;
        let operation = Operation {
            method,
            path: path.to_owned(),
            id: at.value.get("operationId").and_then(Value::as_str).map(str::to_owned),
            summary: at.text("summary").to_owned(),
            tags: list(at.get("tags")).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            statuses: names(responses),
            security: own.map_or_else(|| self.security.clone(), |own| required(own)),
            access: at.get("security").map_or_else(|| self.access.clone(), |own| self.schemes.access(Some(own))),
            deprecated: at.value.get("deprecated").and_then(Value::as_bool).unwrap_or_default(),
            exemplified: self.exemplified(responses)?,
        };
        let texts = operation.tags.iter().chain(&operation.statuses).chain(&operation.security);
        let length = texts.map(String::len).sum::<usize>() + operation.summary.len() + path.len();
        self.found.push(operation);
        self.spend(length)
    }

    /// Whether one of the answers has an example, or none has content.
    fn exemplified(&mut self, responses: Option<At<'a>>) -> Result<bool, TooMany> {
        let mut contents = 0;
        let Some(responses) = responses else { return Ok(true) };
        for (key, value) in responses.value.as_object().into_iter().flatten() {
            let response = self.documents.follow(At { value, ..responses }).filter(|_| is_name(key));
            let Some(response) = response else { continue };
            let media = follow_key(self.documents, response, "content");
            // Swagger 2.0 has one schema for all media types, and the examples beside it.
            let own = response.get("schema").or_else(|| response.get("examples")).map(|_| response);
            let each = media.iter().flat_map(|media| {
                media.value.as_object().into_iter().flatten().map(|(_, value)| At { value, ..*media })
            });
            for place in each.chain(own) {
                contents += 1;
                self.spend(64)?;
                let schema = follow_key(self.documents, place, "schema");
                if has_example(place) || schema.is_some_and(has_example) {
                    return Ok(true);
                }
            }
        }
        Ok(contents == 0)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(bytes).ok_or(TooMany)?;
        Ok(())
    }
}

fn has_example(at: At<'_>) -> bool {
    let examples = at.value.get("examples").is_some_and(|examples| match examples {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    });
    examples || at.value.get("example").is_some()
}

/// The names of the schemes in a list of security requirements, each once.
fn required(requirements: &[Value]) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = requirements.iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
    names.filter(|name| seen.insert(name.as_str())).cloned().collect()
}
