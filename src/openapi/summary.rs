//! What a spec says about its API: title, version, servers, security and operations.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::access::Schemes;
use super::checks;
use super::description::{Access, Contact, Operation, Summary};
use super::document::yaml_options;
use super::documents::{At, Documents, follow_key, list, scalar};
use super::reference::shown;
use super::{Finding, FindingKind, MAX_FINDINGS, noun, servers};

/// Most memory all operations together may take, in bytes. References can multiply them: a thousand paths may all be
/// the same one.
const MAX_OPERATIONS: usize = 64 << 20;

/// The operations take more than [`MAX_OPERATIONS`].
#[derive(Debug)]
pub(super) struct TooMany;

/// Sums up the document `root`, whose version of OpenAPI is `openapi`; and finds what will not work as it is
/// written.
pub(super) fn summarise(
    documents: &Documents,
    root: At<'_>,
    openapi: &str,
) -> Result<(Summary, Vec<Finding>), TooMany> {
    let info = follow_key(documents, root, "info");
    let text = |key| info.map_or(String::new(), |info| scalar(info.value.get(key)));
    let components = |key| follow_key(documents, follow_key(documents, root, "components")?, key);
    let (schemes, schemas) = if openapi == "2.0" {
        (follow_key(documents, root, "securityDefinitions"), follow_key(documents, root, "definitions"))
    } else {
        (components("securitySchemes"), components("schemas"))
    };
    let access = Schemes { documents, schemes };
    let Operations { found: operations, mut findings, .. } = Operations::of(access, root, openapi)?;
    let summary = Summary {
        title: text("title"),
        version: text("version"),
        description: text("description"),
        openapi: openapi.to_owned(),
        servers: servers::addresses(documents, root, openapi),
        base_paths: servers::base_paths(documents, root, openapi).unwrap_or_default(),
        schemas: names(schemas),
        security: names(schemes),
        granted: access.granted(root, &operations),
        contact: info.and_then(|info| contact(documents, info)),
        operations,
        webhooks: names(follow_key(documents, root, "webhooks")),
    };
    findings.extend(checks::of_document(documents, root, &summary));
    Ok((summary, findings))
}

/// The versions as they are written in YAML, where `1.10` without quotes would be read as the number 1.1.
#[derive(Default, Deserialize)]
pub(super) struct RawVersions {
    pub(super) openapi: Option<String>,
    pub(super) swagger: Option<String>,
    pub(super) info: Option<RawInfo>,
}

#[derive(Default, Deserialize)]
pub(super) struct RawInfo {
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
}

impl RawVersions {
    /// Reads only the versions and the title out of YAML, as text.
    pub(super) fn read(text: &str) -> Self {
        serde_saphyr::from_str_with_options(text, yaml_options()).unwrap_or_default()
    }
}

/// A text, or a number or truth value that stands where a text should.
fn names(at: Option<At<'_>>) -> Vec<String> {
    at.and_then(|at| at.value.as_object())
        .map(|map| map.keys().filter(|key| is_name(key)).cloned().collect())
        .unwrap_or_default()
}

/// Whether a key is a name, and not an extension or a reference.
fn is_name(key: &str) -> bool {
    !key.starts_with("x-") && key != "$ref"
}

fn contact(documents: &Documents, info: At<'_>) -> Option<Contact> {
    let contact = follow_key(documents, info, "contact")?;
    let text = |key| contact.value.get(key).and_then(Value::as_str).map(str::to_owned);
    contact.value.is_object().then(|| Contact { name: text("name"), email: text("email"), url: text("url") })
}

/// Lists the operations of a document.
struct Operations<'a> {
    documents: &'a Documents,
    schemes: Schemes<'a>,
    methods: Vec<&'static str>,
    /// The schemes that apply to an operation that names none.
    security: Vec<String>,
    access: Access,
    /// What the document says where an operation says nothing: where it is, and in Swagger 2.0 its media types.
    root: At<'a>,
    openapi: &'a str,
    base_paths: Vec<String>,
    found: Vec<Operation>,
    findings: Vec<Finding>,
    /// Bytes that the operations may still take.
    left: usize,
}

impl<'a> Operations<'a> {
    fn of(schemes: Schemes<'a>, root: At<'a>, openapi: &'a str) -> Result<Self, TooMany> {
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
        let base_paths = servers::base_paths(documents, root, openapi).unwrap_or_default();
        let mut operations = Self {
            documents,
            schemes,
            methods,
            security,
            access,
            root,
            openapi,
            base_paths,
            found: Vec::new(),
            findings: Vec::new(),
            left: MAX_OPERATIONS,
        };
        let paths = follow_key(documents, root, "paths");
        for (path, value) in paths.into_iter().filter_map(|at| at.value.as_object()).flatten() {
            if let Some(at) = paths.filter(|_| is_name(path)) {
                let item = At { value, ..at };
                if !path.starts_with('/') {
                    let message = format!("`{}` does not begin with `/`, as a path must", shown(path));
                    operations.note(item, FindingKind::Misplaced, message);
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
                self.note(at, FindingKind::Misplaced, format!("this is {}, not a path item", noun(at.value)));
            }
            self.spend(entries.map_or(0, serde_json::Map::len).saturating_mul(16))?;
            self.elsewhere(at)?;
            self.parameters(at)?;
            for (key, value) in entries.into_iter().flatten() {
                let below = At { value, ..at };
                if self.methods.contains(&key.as_str()) {
                    if !value.is_object() {
                        let message = format!("`{key}` is {}, not an operation", noun(value));
                        self.note(below, FindingKind::Misplaced, message);
                    } else if seen.insert(key.as_str()) {
                        self.add(path, key.to_uppercase(), below)?;
                    }
                } else if newest && key == "additionalOperations" {
                    let more = self.documents.follow(below);
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
                    let message = format!("`{}` is not a method of this version of OpenAPI{meant}", shown(key));
                    self.note(below, FindingKind::Misplaced, message);
                }
            }
            hop = self.documents.next(at);
        }
        Ok(())
    }

    /// Keeps a finding at the place of `at`. Several paths may refer to one path item: each finding is kept once.
    fn note(&mut self, at: At<'a>, kind: FindingKind, message: String) {
        if self.findings.len() < MAX_FINDINGS {
            let finding = Finding::new(at.file, self.documents.pointer(at), kind, message);
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    /// Looks whether a path item or an operation names a parameter twice.
    fn parameters(&mut self, at: At<'a>) -> Result<(), TooMany> {
        self.spend(list(follow_key(self.documents, at, "parameters")).len().saturating_mul(64))?;
        for (at, message) in checks::repeated_parameters(self.documents, at) {
            self.note(at, FindingKind::Repeated, message);
        }
        Ok(())
    }

    /// Looks whether a path item or an operation names servers of its own that have another path than the document's.
    fn elsewhere(&mut self, at: At<'a>) -> Result<(), TooMany> {
        if self.openapi == "2.0" {
            return Ok(());
        }
        self.spend(list(follow_key(self.documents, at, "servers")).len().saturating_mul(64))?;
        let own = servers::base_paths(self.documents, at, self.openapi);
        let Some(own) = own.filter(|own| *own != self.base_paths) else { return Ok(()) };
        let (own, all) = (servers::path_list(&own), servers::path_list(&self.base_paths));
        let message = format!("its own `servers` have {own}, the document's have {all}: the proxy has one base path");
        self.note(at.get("servers").unwrap_or(at), FindingKind::Elsewhere, message);
        Ok(())
    }

    fn add(&mut self, path: &str, method: String, at: At<'a>) -> Result<(), TooMany> {
        self.spend(256)?;
        let at = self.documents.follow(at).unwrap_or(at);
        self.elsewhere(at)?;
        self.parameters(at)?;
        if let Some(callbacks) = at.get("callbacks").filter(|callbacks| callbacks.value.is_object()) {
            let message = "the document keeps these callbacks, and the proxy does not serve them: they are calls that the target makes";
            self.note(callbacks, FindingKind::Unserved, message.to_owned());
        }
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
            media_types: self.media_types(at, responses)?,
            security: own.map_or_else(|| self.security.clone(), |own| required(own)),
            access: at.get("security").map_or_else(|| self.access.clone(), |own| self.schemes.access(Some(own))),
            deprecated: at.value.get("deprecated").and_then(Value::as_bool).unwrap_or_default(),
            exemplified: self.exemplified(responses)?,
        };
        let texts = operation.tags.iter().chain(&operation.statuses).chain(&operation.security);
        let texts = texts.chain(&operation.media_types);
        let length = texts.map(String::len).sum::<usize>() + operation.summary.len() + path.len();
        self.found.push(operation);
        self.spend(length)
    }

    /// The media types of what an operation takes and answers, each once.
    fn media_types(&mut self, at: At<'a>, responses: Option<At<'a>>) -> Result<Vec<String>, TooMany> {
        let mut types: Vec<&str> = Vec::new();
        if self.openapi == "2.0" {
            for key in ["consumes", "produces"] {
                let own = at.get(key).or_else(|| self.root.get(key));
                types.extend(list(own).iter().filter_map(Value::as_str));
            }
        } else {
            let documents = self.documents;
            let mut places: Vec<At<'a>> = follow_key(documents, at, "requestBody").into_iter().collect();
            if let Some(responses) = responses {
                let each = responses.value.as_object().into_iter().flatten().filter(|(key, _)| is_name(key));
                places.extend(each.filter_map(|(_, value)| documents.follow(At { value, ..responses })));
            }
            for content in places.into_iter().filter_map(|place| follow_key(documents, place, "content")) {
                types.extend(content.value.as_object().into_iter().flat_map(serde_json::Map::keys).map(String::as_str));
            }
        }
        self.spend(types.len().saturating_mul(64))?;
        let mut seen = HashSet::new();
        Ok(types.into_iter().filter(|kind| is_name(kind) && seen.insert(*kind)).map(str::to_owned).collect())
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
