//! Reading a spec: an OpenAPI document and the files it refers to.
//!
//! OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0, in YAML or JSON, as one file or as many. The bytes of the files are kept as
//! they are; what is understood of them is the [`Summary`]. Nothing is fetched, and nothing outside one folder is read:
//! the document's own, or one around it that is given.

pub mod access;
mod checks;
pub mod description;
pub mod document;
mod documents;
mod error;
mod folder;
mod identifiers;
mod kind;
mod place;
mod read;
mod reference;
pub mod servers;
mod summary;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use serde_json::Value;

pub use self::description::{Contact, Operation, Summary};
use self::documents::{At, Documents, scalar};
pub use self::error::SpecError;
use self::folder::Folder;
pub use self::folder::{Lookup, MAX_FILE, MAX_FILES, MAX_TREE};
pub use self::kind::Kind;
pub use self::place::Place;
use self::reference::ReferenceTarget;
use self::summary::{RawVersions, TooMany, summarise};
use crate::model::tree::{Tree, TreePath};

/// Most findings that are kept; a spec with more has one cause for all of them.
const MAX_FINDINGS: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Spec {
    /// The document's path inside `tree`.
    pub main: TreePath,
    /// The document and all files it reaches, byte for byte, with paths relative to the document's folder.
    pub tree: Tree,
    /// The main document alone, in its own order, its references as they are. Numbers may have lost digits: see
    /// [`document::parse`].
    pub document: Value,
    pub summary: Summary,
    /// What is wrong with it, though it can be used: the document's own first, then file by file, in the order of their
    /// places. At most a thousand of a sort.
    pub findings: Vec<Finding>,
}

/// Something in a spec that its owner should know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    /// The JSON pointer to what is meant; empty for the whole file.
    pub pointer: String,
    /// Where in the file that is, when the file is text.
    pub place: Option<Place>,
    pub kind: FindingKind,
    /// One sentence without a full stop.
    pub message: String,
}

impl Finding {
    /// A finding whose place is looked for when all are known.
    fn new(file: &str, pointer: String, kind: FindingKind, message: String) -> Self {
        Self { file: file.to_owned(), pointer, place: None, kind, message }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A reference whose file, or the place in it, is not there.
    Dangling,
    /// A reference to another machine, which is never fetched.
    Remote,
    /// `info.title` is missing or empty.
    Untitled,
    /// Servers of a path or of an operation that have another path than the document's.
    Elsewhere,
    /// Something that is no operation or no path item where one belongs, and is left out; or a path that is none.
    Misplaced,
    /// A path that is another one's but for the names of its parameters.
    Identical,
    /// A parameter that is named twice in one list.
    Repeated,
    /// Webhooks and callbacks: the document keeps them, and the proxy does not serve them.
    Unserved,
    /// There is no operation.
    Empty,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        if !self.pointer.is_empty() {
            write!(f, " ({})", self.pointer)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads the document at `path` and every file it refers to by a relative `$ref`. All of them must be in the document's
/// folder or below; or in `root` or below, if one is given.
///
/// A file of any kind is collected; `.yaml`, `.yml` and `.json` are searched for further references. `externalValue`,
/// `operationRef`, `discriminator.mapping` and a `$ref` in data are followed as well where they name a file that is there.
/// The document itself may be a symlink; what it refers to is looked for beside the name that was given.
///
/// # Errors
/// What cannot be read, what is not an OpenAPI document, a version that is not whole or no text, a reference that leaves
/// the folder, and one that leads in a circle without ever coming to a value. The limits
/// are [`MAX_FILE`], [`MAX_TREE`], [`MAX_FILES`] and, over all files together, [`document::MAX_VALUES`].
pub fn read(path: &Path, root: Option<&Path>) -> Result<Spec, SpecError> {
    let folder = root.map_or_else(|| Folder::of(path), |root| Folder::around(path, root))?;
    understand(read::collect(path, folder)?)
}

/// The same of a document among files that need not lie on disk. `path` is where `files` finds it; an empty `root` is the
/// document's folder.
///
/// # Errors
/// Those of [`read()`].
pub fn read_among(files: &Lookup<'_>, path: &str, root: &str) -> Result<Spec, SpecError> {
    understand(read::collect(Path::new(path), Folder::among(files, path, root))?)
}

/// Refuses what is no path of a file. An address may hold a password, so it is not repeated.
///
/// # Errors
/// `NotLocal`.
pub fn check_is_local(path: &Path) -> Result<(), SpecError> {
    const DOWNLOAD: &str = "download it first, for example with `curl --output api.yaml ADDRESS`, and name that file";
    let text = path.to_string_lossy().to_ascii_lowercase();
    let (from, way) = match text.split_once(':') {
        _ if text == "-" => ("the standard input", "write the document to a file, and name that"),
        Some(("http", rest)) if rest.starts_with("//") => ("an `http:` address", DOWNLOAD),
        Some(("https", rest)) if rest.starts_with("//") => ("an `https:` address", DOWNLOAD),
        Some(("file", _)) => ("a `file:` address", "name the file by its path, without `file://`"),
        Some((_, rest)) if rest.starts_with("//") => ("an address", DOWNLOAD),
        _ => return Ok(()),
    };
    Err(SpecError::NotLocal { from, way })
}

fn understand(collected: read::CollectedSpec) -> Result<Spec, SpecError> {
    let read::CollectedSpec { shown, main, tree, documents, document, mut findings, written, openapi } = collected;
    let root = At { file: main.as_str(), value: &document };
    check_paths(&shown, &documents, root)?;
    let (mut summary, mut found) =
        summarise(&documents, root, &openapi).map_err(|TooMany| SpecError::TooManyOperations { path: shown })?;
    found.append(&mut findings);
    let mut findings = found;
    if let Some(info) = written.info {
        summary.title = info.title.unwrap_or_default();
        summary.version = info.version.unwrap_or_default();
    }
    if summary.title.trim().is_empty() {
        let message = "the API has no title".to_owned();
        findings.insert(0, Finding::new(main.as_str(), "/info".to_owned(), FindingKind::Untitled, message));
    }
    if summary.description.is_empty() {
        summary.description = described_elsewhere(&documents, &tree, root).unwrap_or_default();
    }
    locate(&mut findings, &tree);
    findings.sort_by_key(|finding| (finding.file != main.as_str(), finding.file.clone(), finding.place));
    drop(documents);
    Ok(Spec { main, tree, document: Rc::unwrap_or_clone(document), summary, findings })
}

/// Adds to each finding where in its file it is.
fn locate(findings: &mut [Finding], tree: &Tree) {
    let mut files: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        files.entry(finding.file.clone()).or_default().push(at);
    }
    for (file, own) in files {
        let Some(file) = tree.get(&file) else { continue };
        let places = place::places(&file.bytes, own.iter().map(|at| findings[*at].pointer.as_str()));
        for (at, place) in own.into_iter().zip(places) {
            findings[at].place = place;
        }
    }
}

/// The text of the file that `info.description` refers to: NHS specs keep theirs in Markdown.
fn described_elsewhere(documents: &Documents, tree: &Tree, root: At<'_>) -> Option<String> {
    let info = documents.follow(root.get("info")?)?;
    let reference = info.value.get("description")?.get("$ref")?.as_str()?;
    let ReferenceTarget::Inside { path, fragment } = reference::target(info.file, reference) else { return None };
    let file = tree.get(&path).filter(|_| fragment.is_empty())?;
    file.text().map(str::to_owned)
}

/// The versions as they are written, when YAML has one of them as a number.
fn written(bytes: &[u8], document: &Value) -> RawVersions {
    let number = |pointer| document.pointer(pointer).is_some_and(Value::is_number);
    let text = document::text(bytes).unwrap_or_default();
    let numbers = ["/openapi", "/swagger", "/info/title", "/info/version"].into_iter().any(number);
    if numbers && !document::is_json(text) { RawVersions::read(text) } else { RawVersions::default() }
}

/// The version of OpenAPI, when it is one that can be read.
fn version(path: &Path, bytes: &[u8], document: &Value, written: &RawVersions) -> Result<String, SpecError> {
    let key = ["openapi", "swagger"].into_iter().find(|key| document.get(key).is_some());
    let other = || SpecError::NotOpenApi { path: path.to_owned(), found: kind::of_document(bytes, document) };
    let key = key.ok_or_else(other)?;
    let (written, known) = match key {
        "openapi" => (&written.openapi, &["3.0", "3.1", "3.2"][..]),
        _ => (&written.swagger, &["2.0"][..]),
    };
    let is_text = document.get(key).is_some_and(Value::is_string);
    let version = written.clone().unwrap_or_else(|| scalar(document.get(key)));
    // Only what can be a version is shown.
    let is_version =
        !version.is_empty() && version.len() < 12 && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    for known in known {
        let Some(rest) = version.strip_prefix(*known) else { continue };
        let last = rest.strip_prefix('.');
        let is_whole = match key {
            "openapi" => last.is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())),
            _ => rest.is_empty(),
        };
        if is_whole && is_text && is_version {
            return Ok(version);
        }
        if rest.is_empty() || last.is_some() {
            let found =
                if is_version { format!("`{key}: {version}`") } else { format!("`{key}: {known}` and more behind it") };
            return Err(SpecError::VersionNotWhole { path: path.to_owned(), found, whole: whole(known) });
        }
    }
    let found = if is_version { format!("`{key}: {version}`") } else { format!("`{key}` without a version") };
    Err(SpecError::Version { path: path.to_owned(), found })
}

/// How the newest document of a version says it (<https://spec.openapis.org/oas/>): most tools refuse it otherwise.
fn whole(version: &str) -> &'static str {
    match version {
        "3.0" => "openapi: 3.0.4",
        "3.1" => "openapi: 3.1.1",
        "3.2" => "openapi: 3.2.0",
        _ => "swagger: \"2.0\"",
    }
}

fn check_paths(path: &Path, documents: &Documents, root: At<'_>) -> Result<(), SpecError> {
    match root.get("paths").and_then(|at| documents.follow(at)) {
        Some(at) if !at.value.is_object() => {
            Err(SpecError::PathsNotAnObject { path: path.to_owned(), found: noun(at.value) })
        }
        _ => Ok(()),
    }
}

/// What a value is, in a word.
fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
