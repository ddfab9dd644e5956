//! Collecting a spec: the document and every file it reaches, and what is wrong with its references.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use serde_json::Value;

use super::document::{self, MAX_VALUES, ParseError};
use super::documents::Documents;
use super::error::SpecError;
use super::folder::{FileLookup, Folder};
use super::kind;
use super::reference::{Force, PointerToken, Reference, ReferenceTarget, plain, pointer, shown, target, walk};
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
    /// Values all files together may still have.
    left: Cell<usize>,
    /// Parsed files whose references have not been looked at yet.
    waiting: Vec<String>,
    findings: Vec<Finding>,
    /// References that lead nowhere at first sight, and whose way may go over other references.
    doubtful: Vec<Finding>,
    /// References to references, which may lead in a circle; the message is their text.
    chained: Vec<Finding>,
    missing: HashMap<String, &'static str>,
}

/// How a reference came out, remembered for the next one with the same text.
#[derive(Clone, Copy)]
enum ReferenceStatus {
    Fine,
    Doubtful,
    Chained,
    Dangling(&'static str),
    Remote,
}

/// Reads the document at `path`, which lies in `folder`, and all it reaches.
pub(super) fn collect(path: &Path, mut folder: Folder<'_>) -> Result<CollectedSpec, SpecError> {
    let bytes = folder.document(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let main = TreePath::new(name)?;
    let mut collector = Collector {
        folder,
        tree: Tree::new(),
        documents: Documents::default(),
        left: Cell::new(MAX_VALUES),
        waiting: Vec::new(),
        findings: Vec::new(),
        doubtful: Vec::new(),
        chained: Vec::new(),
        missing: HashMap::new(),
    };
    let document = Rc::new(collector.parse(&main, &bytes)?);
    // Until this is known the file may be anything, and nothing that stands in it is to be repeated.
    let written = super::written(&bytes, &document);
    let shown = collector.folder.shown(main.as_str());
    let openapi = super::version(&shown, &document, &written)?;
    collector.add(main.clone(), bytes, Some(Rc::clone(&document)))?;
    while let Some(file) = collector.waiting.pop() {
        collector.references_of(&file)?;
    }
    collector.refuse_circles()?;
    collector.settle();
    let Collector { tree, documents, mut findings, .. } = collector;
    findings.sort_by(|a, b| (a.file != main.as_str(), &a.file).cmp(&(b.file != main.as_str(), &b.file)));
    Ok(CollectedSpec { shown, main, tree, documents, document, findings, written, openapi })
}

impl Collector<'_> {
    fn parse(&self, path: &TreePath, bytes: &[u8]) -> Result<Value, SpecError> {
        let extension = path.extension().unwrap_or_default();
        parse(extension, bytes, &self.left).map_err(|reason| SpecError::Parse {
            path: self.folder.shown(path.as_str()),
            reason,
            looks: kind::of_bytes(bytes),
            // The first file of all is the one that was named.
            is_other: self.tree.is_empty() && !kind::says_openapi(bytes),
        })
    }

    fn add(&mut self, path: TreePath, bytes: Bytes, value: Option<Rc<Value>>) -> Result<(), SpecError> {
        if let Some(value) = value {
            self.documents.insert(path.as_str().to_owned(), value);
            self.waiting.push(path.as_str().to_owned());
        }
        Ok(self.tree.insert(path, File::plain(bytes))?)
    }

    /// Looks at every reference in one file, and reads the files they name.
    fn references_of(&mut self, file: &str) -> Result<(), SpecError> {
        let Some(value) = self.documents.get(file).map(Rc::clone) else { return Ok(()) };
        let mut known: HashMap<&str, ReferenceStatus> = HashMap::new();
        walk(&value, &mut Vec::new(), &mut |steps, reference| {
            let outcome = match known.get(reference.text) {
                Some(outcome) => *outcome,
                None => self.look_at(file, &value, steps, reference)?,
            };
            if reference.force == Force::Must {
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
        let refuse = |folder: &Folder<'_>, reason| {
            let (pointer, reference) = (pointer(steps), shown(reference.text));
            Err(SpecError::Outside { path: folder.shown(file), pointer, reference, reason })
        };
        let (path, fragment) = match target(file, reference.text) {
            ReferenceTarget::Inside { path, fragment } => (path, fragment),
            ReferenceTarget::Remote if must || reference.text.starts_with("http") => {
                return Ok(ReferenceStatus::Remote);
            }
            ReferenceTarget::Remote => return Ok(ReferenceStatus::Fine),
            ReferenceTarget::Absolute if !must => return Ok(ReferenceStatus::Fine),
            ReferenceTarget::Absolute => return refuse(&self.folder, "a path from the root leaves the spec's folder"),
            ReferenceTarget::Climbs => return refuse(&self.folder, "it leaves the spec's folder"),
            ReferenceTarget::FileAddress => {
                return refuse(&self.folder, "an address of a file leaves the spec's folder");
            }
        };
        if path != file && self.tree.get(&path).is_none() {
            match self.fetch(&path, reference.force)? {
                FetchResult::Read => {}
                FetchResult::Outside => return refuse(&self.folder, "a symlink on its way leaves the spec's folder"),
                FetchResult::Missing(_) if !must => return Ok(ReferenceStatus::Fine),
                FetchResult::Missing(why) => return Ok(ReferenceStatus::Dangling(why)),
            }
        }
        if let Some(plain) = plain(reference.text).filter(|_| must) {
            let (path, pointer, reference) = (self.folder.shown(file), pointer(steps), shown(reference.text));
            return Err(SpecError::Encoded { path, pointer, reference, plain: shown(&plain) });
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
        let path = TreePath::new(path)?;
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

    fn note(&mut self, file: &str, steps: &[PointerToken<'_>], reference: Reference<'_>, outcome: ReferenceStatus) {
        let text = || shown(reference.text);
        let (list, kind, message) = match outcome {
            ReferenceStatus::Fine => return,
            ReferenceStatus::Remote => {
                (&mut self.findings, FindingKind::Remote, format!("`{}` is not fetched and stays unchanged", text()))
            }
            ReferenceStatus::Dangling(why) => {
                (&mut self.findings, FindingKind::Dangling, format!("`{}` leads nowhere: {why}", text()))
            }
            // Only its text, until `settle` has followed it.
            ReferenceStatus::Doubtful => (&mut self.doubtful, FindingKind::Dangling, reference.text.to_owned()),
            ReferenceStatus::Chained => (&mut self.chained, FindingKind::Dangling, reference.text.to_owned()),
        };
        if list.len() < MAX_FINDINGS {
            list.push(Finding { file: file.to_owned(), pointer: pointer(steps), kind, message });
        }
    }

    /// A reference that leads round and round has no meaning, and tools fail at it in ways of their own.
    fn refuse_circles(&self) -> Result<(), SpecError> {
        let mut candidates = self.chained.iter().chain(&self.doubtful);
        match candidates.find(|reference| self.documents.circles(&reference.file, &reference.message)) {
            Some(Finding { file, pointer, message, .. }) => {
                let (pointer, reference) = (pointer.clone(), shown(message));
                Err(SpecError::Circle { path: self.folder.shown(file), pointer, reference })
            }
            None => Ok(()),
        }
    }

    /// Follows the doubtful references, now that every file is here.
    fn settle(&mut self) {
        let mut anchors: HashMap<String, HashSet<String>> = HashMap::new();
        for mut doubt in std::mem::take(&mut self.doubtful) {
            if self.documents.leads_somewhere(&doubt.file, &doubt.message) || self.is_anchor(&doubt, &mut anchors) {
                continue;
            }
            doubt.message = format!("`{}` leads nowhere: the file has no such place", shown(&doubt.message));
            self.findings.push(doubt);
        }
    }

    /// Whether a doubtful reference names an `$anchor` (OpenAPI 3.1) of its file.
    fn is_anchor(&self, doubt: &Finding, anchors: &mut HashMap<String, HashSet<String>>) -> bool {
        let ReferenceTarget::Inside { path, fragment } = target(&doubt.file, &doubt.message) else { return false };
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
