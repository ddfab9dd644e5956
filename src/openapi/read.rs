//! Collecting a spec: the document and every file it reaches, and what is wrong with its references.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::iter;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use serde_json::Value;

use super::document::{self, MAX_VALUES, ParseError};
use super::documents::Documents;
use super::error::SpecError;
use super::folder::{FileLookup, Folder};
use super::identifiers::{self, Identifiers};
use super::kind;
use super::place::places;
use super::reference::{Force, PointerToken, Reference, ReferenceTarget, Role, plain, pointer, shown, target, walk};
use super::summary::RawVersions;
use super::{Finding, FindingKind, MAX_FINDINGS};
use crate::model::tree::{File, Tree, TreePath};

/// Everything that was read, not yet summed up.
pub(super) struct CollectedSpec {
    /// The document, as messages name it.
    pub(super) shown: PathBuf,
    pub(super) main: TreePath,
    pub(super) tree: Tree,
    pub(super) documents: Documents,
    /// The main document, which is in `documents` too.
    pub(super) document: Rc<Value>,
    pub(super) findings: Vec<Finding>,
    /// The versions as the document writes them.
    pub(super) written: RawVersions,
    pub(super) openapi: String,
}

struct Collector<'f> {
    folder: Folder<'f>,
    tree: Tree,
    documents: Documents,
    identifiers: Identifiers,
    /// Values all files together may still have.
    left: Cell<usize>,
    /// What each parsed file is: a part of the document, of an extension, or data alone.
    roles: HashMap<String, Role>,
    /// Parsed files whose references have not been looked at yet.
    waiting: Vec<String>,
    /// References that lead nowhere at first sight.
    doubts: Vec<Doubt>,
    /// References that leave the folder at first sight, each with the reason to refuse it.
    leaving: Vec<(Doubt, &'static str)>,
    /// References to references, which may lead in a circle.
    chained: Vec<Doubt>,
    missing: HashMap<String, &'static str>,
}

/// A reference to look at once more when every file is here.
struct Doubt {
    file: String,
    pointer: String,
    text: String,
    /// What it names where schemas have names of their own (`$id`).
    identifier: Option<String>,
    status: ReferenceStatus,
}

/// How a reference came out, remembered for the next one with the same text.
#[derive(Clone, Copy)]
enum ReferenceStatus {
    Fine,
    /// The file has no such place, unless the way goes over other references.
    Doubtful,
    Chained,
    Dangling(&'static str),
    Remote,
    Leaving(&'static str),
}

/// Reads the document at `path`, which lies in `folder`, and all it reaches.
pub(super) fn collect(path: &Path, mut folder: Folder<'_>) -> Result<CollectedSpec, SpecError> {
    let bytes = folder.document(path)?;
    let main = TreePath::new(folder.main(path))?;
    let mut collector = Collector {
        folder,
        tree: Tree::new(),
        documents: Documents::default(),
        identifiers: Identifiers::default(),
        left: Cell::new(MAX_VALUES),
        roles: HashMap::new(),
        waiting: Vec::new(),
        doubts: Vec::new(),
        leaving: Vec::new(),
        chained: Vec::new(),
        missing: HashMap::new(),
    };
    let document = Rc::new(collector.parse(&main, &bytes)?);
    // Until this is known the file may be anything, and nothing that stands in it is to be repeated.
    let written = super::written(&bytes, &document);
    let shown = collector.folder.shown(main.as_str());
    let openapi = super::version(&shown, &bytes, &document, &written)?;
    collector.add(main.clone(), bytes, Some(Rc::clone(&document)))?;
    collector.look_into(main.as_str(), Role::Part);
    while let Some(file) = collector.waiting.pop() {
        collector.references_of(&file)?;
    }
    collector.refuse_leaving()?;
    collector.refuse_circles()?;
    let findings = collector.findings();
    let Collector { tree, documents, .. } = collector;
    Ok(CollectedSpec { shown, main, tree, documents, document, findings, written, openapi })
}

impl Collector<'_> {
    fn parse(&self, path: &TreePath, bytes: &[u8]) -> Result<Value, SpecError> {
        let extension = path.extension().unwrap_or_default();
        parse(extension, bytes, &self.left).map_err(|reason| SpecError::Parse {
            path: self.folder.shown(path.as_str()),
            reason,
            looks: kind::of_bytes(bytes).or_else(|| is_yaml(extension, bytes).then_some(kind::JSON5)),
            // The first file of all is the one that was named.
            is_other: self.tree.is_empty() && !kind::says_openapi(bytes),
        })
    }

    fn add(&mut self, path: TreePath, bytes: Bytes, value: Option<Rc<Value>>) -> Result<(), SpecError> {
        if let Some(value) = value {
            self.identifiers.add(path.as_str(), &value);
            self.documents.insert(path.as_str().to_owned(), value);
        }
        Ok(self.tree.insert(path, File::plain(bytes))?)
    }

    /// Has the references of a parsed file looked at, once more when it was something less strict before.
    fn look_into(&mut self, file: &str, role: Role) {
        let is_stricter = self.roles.get(file).is_none_or(|before| *before < role);
        if self.documents.get(file).is_some() && is_stricter {
            self.roles.insert(file.to_owned(), role);
            self.waiting.push(file.to_owned());
        }
    }

    /// Looks at every reference in one file, and reads the files they name.
    fn references_of(&mut self, file: &str) -> Result<(), SpecError> {
        let Some(value) = self.documents.get(file).map(Rc::clone) else { return Ok(()) };
        let role = self.roles.get(file).copied().unwrap_or(Role::Part);
        let mut known: HashMap<&str, ReferenceStatus> = HashMap::new();
        walk(&value, role, &mut Vec::new(), &mut |steps, reference| {
            let outcome = match known.get(reference.text) {
                Some(outcome) if reference.force == Force::Must => *outcome,
                _ => self.look_at(file, &value, steps, reference)?,
            };
            if reference.force == Force::Must && reference.role == Role::Part {
                known.insert(reference.text, outcome);
            }
            self.note(file, steps, reference, outcome);
            Ok(())
        })
    }

    fn look_at(
        &mut self,
        file: &str,
        value: &Value,
        steps: &[PointerToken<'_>],
        reference: Reference<'_>,
    ) -> Result<ReferenceStatus, SpecError> {
        let must = reference.force == Force::Must;
        if must && reference.text.is_empty() {
            return Ok(ReferenceStatus::Dangling("it is empty"));
        }
        let (path, fragment) = match target(file, reference.text) {
            ReferenceTarget::Inside { path, fragment } => (path, fragment),
            // Data that names no file is data.
            _ if reference.force == Force::Data => return Ok(ReferenceStatus::Fine),
            ReferenceTarget::Remote if must || reference.text.starts_with("http") => {
                return Ok(ReferenceStatus::Remote);
            }
            ReferenceTarget::Remote => return Ok(ReferenceStatus::Fine),
            ReferenceTarget::Absolute if !must => return Ok(ReferenceStatus::Fine),
            ReferenceTarget::Absolute => {
                return Ok(ReferenceStatus::Leaving("a path from the root leaves the spec's folder"));
            }
            ReferenceTarget::Climbs => return Ok(ReferenceStatus::Leaving("it leaves the spec's folder")),
            ReferenceTarget::FileAddress => {
                return Ok(ReferenceStatus::Leaving("an address of a file leaves the spec's folder"));
            }
        };
        if path != file && self.tree.get(&path).is_none() {
            match self.fetch(&path, reference.force)? {
                FetchResult::Read => {}
                FetchResult::Outside if reference.force == Force::Data => return Ok(ReferenceStatus::Fine),
                FetchResult::Outside => {
                    return Ok(ReferenceStatus::Leaving("a symlink on its way leaves the spec's folder"));
                }
                FetchResult::Missing(_) if !must => return Ok(ReferenceStatus::Fine),
                FetchResult::Missing(why) => return Ok(ReferenceStatus::Dangling(why)),
            }
        }
        self.look_into(&path, reference.role);
        if let Some(plain) = plain(reference.text).filter(|_| must) {
            let (pointer, reference) = (pointer(steps), shown(reference.text));
            let place = self.place(file, &pointer);
            return Err(SpecError::Encoded { place, pointer, reference, plain: shown(&plain) });
        }
        if reference.force == Force::Data {
            return Ok(ReferenceStatus::Fine);
        }
        let other = self.documents.get(&path).map(AsRef::as_ref);
        let Some(whole) = (if path == file { Some(value) } else { other }) else { return Ok(ReferenceStatus::Fine) };
        Ok(match if fragment.is_empty() { Some(whole) } else { whole.pointer(&fragment) } {
            Some(found) if must && found.get("$ref").is_some() => ReferenceStatus::Chained,
            Some(_) => ReferenceStatus::Fine,
            None => ReferenceStatus::Doubtful,
        })
    }

    /// Reads the file at `path` into the tree; a JSON or YAML file is parsed as well. One that only may be a part of
    /// the document need not be sound: it can be an example of what the API refuses.
    fn fetch(&mut self, path: &str, force: Force) -> Result<FetchResult, SpecError> {
        if let Some(why) = self.missing.get(path) {
            return Ok(FetchResult::Missing(why));
        }
        let bytes = match self.folder.file(path)? {
            FileLookup::File(bytes) => bytes,
            FileLookup::Outside => return Ok(FetchResult::Outside),
            FileLookup::Nothing(why) => {
                self.missing.insert(path.to_owned(), why);
                return Ok(FetchResult::Missing(why));
            }
        };
        let path = match TreePath::new(path) {
            Err(_) if force == Force::Data => return Ok(FetchResult::Missing("it has no usable name")),
            path => path?,
        };
        let document = path
            .extension()
            .is_some_and(|extension| ["json", "yaml", "yml"].iter().any(|known| extension.eq_ignore_ascii_case(known)));
        let value = match document.then(|| self.parse(&path, &bytes)).transpose() {
            Err(error) if force == Force::Must => return Err(error),
            parsed => parsed.ok().flatten().map(Rc::new),
        };
        self.add(path, bytes, value)?;
        Ok(FetchResult::Read)
    }

    fn note(&mut self, file: &str, steps: &[PointerToken<'_>], reference: Reference<'_>, status: ReferenceStatus) {
        let noted = match status {
            ReferenceStatus::Fine => return,
            ReferenceStatus::Chained => self.chained.len(),
            ReferenceStatus::Leaving(_) => self.leaving.len(),
            _ => self.doubts.len(),
        };
        if noted >= MAX_FINDINGS {
            return;
        }
        let document = self.documents.get(file);
        let doubt = Doubt {
            file: file.to_owned(),
            pointer: pointer(steps),
            text: reference.text.to_owned(),
            identifier: document.and_then(|value| identifiers::of_reference(file, value, steps, reference.text)),
            status,
        };
        match status {
            ReferenceStatus::Chained => self.chained.push(doubt),
            ReferenceStatus::Leaving(why) => self.leaving.push((doubt, why)),
            _ => self.doubts.push(doubt),
        }
    }

    /// A place in a file, as the user would type it.
    fn place(&self, file: &str, pointer: &str) -> String {
        let place = self.tree.get(file).and_then(|file| places(&file.bytes, iter::once(pointer)).pop().flatten());
        let file = self.folder.shown(file).display().to_string();
        place.map_or_else(|| file.clone(), |place| format!("{file}:{place}"))
    }

    fn is_identified(&self, doubt: &Doubt) -> bool {
        doubt.identifier.as_ref().is_some_and(|identifier| self.identifiers.lead_to(identifier, &self.documents))
    }

    /// A reference that leaves the folder may name a schema by its `$id`; any other is refused.
    fn refuse_leaving(&self) -> Result<(), SpecError> {
        match self.leaving.iter().find(|(doubt, _)| !self.is_identified(doubt)) {
            Some((Doubt { file, pointer, text, .. }, reason)) => {
                let (place, reference) = (self.place(file, pointer), shown(text));
                Err(SpecError::Outside { place, pointer: pointer.clone(), reference, reason })
            }
            None => Ok(()),
        }
    }

    /// A reference that leads round and round has no meaning, and tools fail at it in ways of their own.
    fn refuse_circles(&self) -> Result<(), SpecError> {
        let doubtful = self.doubts.iter().filter(|doubt| matches!(doubt.status, ReferenceStatus::Doubtful));
        match self.chained.iter().chain(doubtful).find(|doubt| self.documents.circles(&doubt.file, &doubt.text)) {
            Some(Doubt { file, pointer, text, .. }) => {
                let (place, reference) = (self.place(file, pointer), shown(text));
                Err(SpecError::Circle { place, pointer: pointer.clone(), reference })
            }
            None => Ok(()),
        }
    }

    /// Looks at the doubtful references again, now that every file is here.
    fn findings(&self) -> Vec<Finding> {
        let mut anchors: HashMap<String, HashSet<String>> = HashMap::new();
        let mut findings = Vec::new();
        for doubt in self.doubts.iter().filter(|doubt| !self.is_identified(doubt)) {
            let text = shown(&doubt.text);
            let (kind, message) = match doubt.status {
                ReferenceStatus::Remote => {
                    (FindingKind::Remote, format!("`{text}` is not fetched and stays unchanged"))
                }
                ReferenceStatus::Dangling(why) => (FindingKind::Dangling, format!("`{text}` leads nowhere: {why}")),
                _ if self.documents.leads_somewhere(&doubt.file, &doubt.text) => continue,
                _ if self.is_anchor(doubt, &mut anchors) => continue,
                _ => (FindingKind::Dangling, format!("`{text}` leads nowhere: the file has no such place")),
            };
            findings.push(Finding::new(&doubt.file, doubt.pointer.clone(), kind, message));
        }
        findings
    }

    /// Whether a doubtful reference names an `$anchor` (OpenAPI 3.1) of its file.
    fn is_anchor(&self, doubt: &Doubt, anchors: &mut HashMap<String, HashSet<String>>) -> bool {
        let ReferenceTarget::Inside { path, fragment } = target(&doubt.file, &doubt.text) else { return false };
        let Some(value) = self.documents.get(&path).filter(|_| !fragment.starts_with('/')) else { return false };
        anchors
            .entry(path)
            .or_insert_with(|| {
                let mut names = HashSet::new();
                collect_anchors(value, &mut names);
                names
            })
            .contains(&fragment)
    }
}

enum FetchResult {
    Read,
    Missing(&'static str),
    Outside,
}

/// A file called `.json` is JSON when it looks like it: what only YAML allows would fail every other tool.
fn parse(extension: &str, bytes: &[u8], left: &Cell<usize>) -> Result<Value, ParseError> {
    let text = document::text(bytes)?;
    match document::is_json(text) {
        true if extension.eq_ignore_ascii_case("json") => document::parse_json(text, left),
        true => document::parse_flow(text, left),
        false => document::parse_yaml(text, left),
    }
}

/// Whether a file called `.json` that is no JSON can be read as YAML.
fn is_yaml(extension: &str, bytes: &[u8]) -> bool {
    extension.eq_ignore_ascii_case("json") && document::parse(bytes).is_ok()
}

fn collect_anchors(value: &Value, names: &mut HashSet<String>) {
    match value {
        Value::Object(map) => {
            let here = ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| map.get(*key)?.as_str());
            names.extend(here.map(str::to_owned));
            map.values().for_each(|below| collect_anchors(below, names));
        }
        Value::Array(list) => list.iter().for_each(|below| collect_anchors(below, names)),
        _ => {}
    }
}
