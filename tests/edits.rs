//! Whatever somebody edits in the document, `make lint test bundle` passes, and the bundle says what the document says.
//!
//! `APISCAFFOLD_EDITS` is the number of edits, for a longer run; `APISCAFFOLD_SEED` chooses others, and is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use serde_json::{Map, Value, json};

use crate::linted::equip;
use crate::program::{Program, Ran};
use crate::routes::{
    KINDS, METHODS, Part, Segments, bundle, endpoint, request, runner, says_what_the_document_says, written,
};
use crate::tools::linters;

/// What somebody does; an [`Index`] chooses an operation or a path.
#[derive(Clone, Debug)]
enum Edit {
    Add { path: Segments, method: usize, requests: Vec<String> },
    AddMethod { at: Index, method: usize },
    AddCustomMethod { at: Index },
    Remove(Index),
    RemovePath(Index),
    Move { at: Index, path: Segments, requests: Vec<String> },
    Rename(Index),
    TakeTheIdAway(Index),
    AddParameter { at: Index, place: &'static str },
    AddExample(Index),
    GiveSteps { at: Index, kind: usize },
}

/// A path of segments such as people write: texts, parameters, and both.
fn path() -> impl Strategy<Value = Segments> {
    const SHAPES: [&[Part]; 12] = [
        &[Some(0)],
        &[Some(1)],
        &[Some(2)],
        &[Some(12)],
        &[Some(32)],
        &[None],
        &[None],
        &[None, Some(7)],
        &[Some(0), None],
        &[None, Some(4), None],
        &[None, Some(3), None],
        &[None, Some(1)],
    ];
    prop::collection::vec(prop::sample::select(SHAPES.to_vec()).prop_map(<[Part]>::to_vec), 1..4)
}

fn edit() -> impl Strategy<Value = Edit> {
    let new_path = || path().prop_flat_map(|path| (Just(path.clone()), prop::collection::vec(request(&path), 3)));
    let (at, method) = (any::<Index>, 0..METHODS.len());
    prop_oneof![
        4 => (new_path(), method.clone())
            .prop_map(|((path, requests), method)| Edit::Add { path, method, requests }),
        2 => (at(), method).prop_map(|(at, method)| Edit::AddMethod { at, method }),
        1 => at().prop_map(|at| Edit::AddCustomMethod { at }),
        2 => at().prop_map(Edit::Remove),
        1 => at().prop_map(Edit::RemovePath),
        3 => (at(), new_path()).prop_map(|(at, (path, requests))| Edit::Move { at, path, requests }),
        2 => at().prop_map(Edit::Rename),
        1 => at().prop_map(Edit::TakeTheIdAway),
        1 => (at(), prop::sample::select(vec!["query", "header"]))
            .prop_map(|(at, place)| Edit::AddParameter { at, place }),
        1 => at().prop_map(Edit::AddExample),
        3 => (at(), 0..KINDS.len()).prop_map(|(at, kind)| Edit::GiveSteps { at, kind }),
    ]
}

/// A document that is edited, in its repository.
struct Edited {
    repository: PathBuf,
    paths: Map<String, Value>,
    requests: BTreeSet<String>,
    /// The files of operations' own flows, and the names of these operations.
    flows: BTreeMap<PathBuf, String>,
    /// Counts whatever is new.
    count: usize,
}

impl Edited {
    fn new(program: &Program, tools: &Path) -> Self {
        let mut edited = Self {
            repository: program.folder().join("edited"),
            paths: Map::new(),
            requests: BTreeSet::new(),
            flows: BTreeMap::new(),
            count: 0,
        };
        edited.add("/p/{p1}", "get");
        program.write("edited.json", edited.document().to_string());
        program.done(&["new", "edited", "--spec", "edited.json"]);
        equip(&edited.repository, tools);
        edited
    }

    /// The document, in which each path has the parameters that it names.
    fn document(&self) -> Value {
        let name = regex::Regex::new(r"\{([^{}]*)\}").expect("a pattern");
        let mut paths = self.paths.clone();
        for (path, item) in &mut paths {
            let parameters = name
                .captures_iter(path)
                .map(|found| json!({"name": found[1], "in": "path", "required": true, "schema": {"type": "string"}}));
            item["parameters"] = parameters.collect();
        }
        json!({"openapi": "3.0.3", "info": {"title": "Edited", "version": "1.0.0"}, "paths": paths})
    }

    /// Path and method of each operation.
    fn operations(&self) -> Vec<(String, String)> {
        let calls = |(path, item): (&String, &Value)| {
            let methods = item.as_object().expect("a path item").keys();
            methods.map(|method| (path.clone(), method.clone())).collect::<Vec<_>>()
        };
        self.paths.iter().flat_map(calls).collect()
    }

    /// What the operation's own flow is called.
    fn name(&self, (path, method): &(String, String)) -> String {
        let id = self.paths[path][method]["operationId"].as_str().map(str::to_owned);
        id.unwrap_or_else(|| format!("{} {path}", method.to_uppercase()))
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn add(&mut self, path: &str, method: &str) {
        let number = self.next();
        let operation = json!({
            "operationId": format!("op{number}"),
            "summary": format!("Operation {number}"),
            "responses": {"200": {
                "description": "Done",
                "content": {"application/json": {"schema": {"type": "object"}, "example": {"number": number}}},
            }},
        });
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        item.as_object_mut().expect("a path item").entry(method).or_insert(operation);
    }

    fn remove(&mut self, (path, method): &(String, String)) {
        let item = self.paths[path].as_object_mut().expect("a path item");
        item.shift_remove(method);
        if item.is_empty() {
            self.paths.shift_remove(path);
        }
    }

    fn apply(&mut self, edit: Edit) {
        let operations = self.operations();
        let chosen = |at: Index| at.get(&operations).clone();
        let is_last = operations.len() == 1;
        match edit {
            Edit::Add { path, method, requests } => {
                self.requests.extend(requests);
                self.add(&written(&path), METHODS[method]);
            }
            Edit::AddMethod { at, method } => self.add(&chosen(at).0, METHODS[method]),
            Edit::AddCustomMethod { at } => {
                let path = chosen(at).0 + ":lend";
                self.requests.insert(path.replace(['{', '}'], ""));
                self.add(&path, "post");
            }
            Edit::Remove(at) if !is_last => self.remove(&chosen(at)),
            Edit::RemovePath(at) if self.paths.len() > 1 => drop(self.paths.shift_remove(&chosen(at).0)),
            Edit::Remove(_) | Edit::RemovePath(_) => {}
            Edit::Move { at, path, requests } => {
                self.requests.extend(requests);
                if !self.paths.contains_key(&written(&path)) {
                    let item = self.paths.shift_remove(&chosen(at).0).expect("it is there");
                    self.paths.insert(written(&path), item);
                }
            }
            Edit::GiveSteps { at, kind } => {
                let folder = self.repository.join(format!("proxies/{}/flows", KINDS[kind]));
                let name = self.name(&chosen(at));
                if !self.flows.iter().any(|(file, other)| *other == name && file.starts_with(&folder)) {
                    let file = folder.join(format!("{}.xml", self.next()));
                    write_flow(&file, &name);
                    self.flows.insert(file, name);
                }
            }
            Edit::Rename(at) | Edit::TakeTheIdAway(at) | Edit::AddParameter { at, .. } | Edit::AddExample(at) => {
                let (path, method) = chosen(at);
                let number = self.next();
                change(&mut self.paths[&path][&method], &edit, number);
            }
        }
    }

    /// Writes the document. Where an operation with a flow of its own is not there any more, the build must say so; then
    /// its file is deleted, as the build says.
    fn write(&mut self, spec: &Path) {
        fs::write(self.repository.join("specification/edited.json"), self.document().to_string()).expect("written");
        let names: BTreeSet<_> = self.operations().iter().map(|call| self.name(call)).collect();
        let (kept, stale) = std::mem::take(&mut self.flows).into_iter().partition(|(_, name)| names.contains(name));
        self.flows = kept;
        if !BTreeMap::is_empty(&stale) {
            fs::write(spec, self.document().to_string()).expect("written");
            let ran = bundle(&self.repository, spec);
            assert_eq!(ran.code, Some(1), "{stale:?}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), stale.len(), "{stale:?}: {ran:?}");
            for (file, name) in stale {
                assert!(ran.stderr.contains(&format!("the specification has no operation `{name}`")), "{ran:?}");
                fs::remove_file(file).expect("removed");
            }
        }
    }

    /// Runs what a person runs, and compares what was built with the document.
    fn holds(&self) {
        let mut make = Command::new("make");
        let ran = make.args(["lint", "test", "bundle"]).current_dir(&self.repository).output().expect("make starts");
        let ran = Ran::of(&ran);
        assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
        for kind in KINDS {
            let text = endpoint(&self.repository, kind);
            says_what_the_document_says(&text, &self.paths, &self.requests)
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            let proxy = roxmltree::Document::parse(&text).expect("XML");
            let flows = proxy.descendants().filter(|node| node.has_tag_name("Flow"));
            let with = flows.filter(|flow| flow.descendants().any(|node| node.text() == Some(POLICY)));
            let with = with.filter_map(|flow| flow.attribute("name")?.split_once(' ')).map(|(_, name)| name.to_owned());
            let own =
                self.flows.iter().filter(|(file, _)| file.starts_with(self.repository.join("proxies").join(kind)));
            let (with, own): (BTreeSet<_>, BTreeSet<_>) = (with.collect(), own.map(|(_, name)| name.clone()).collect());
            assert_eq!(with, own, "{kind}");
        }
    }
}

const POLICY: &str = "AssignMessage.AddCors";

fn write_flow(file: &Path, name: &str) {
    let text = format!("<Flow name=\"{name}\">\n    <Request><Step><Name>{POLICY}</Name></Step></Request>\n</Flow>\n");
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(file, text).expect("written");
}

/// What an edit changes within one operation.
fn change(operation: &mut Value, edit: &Edit, number: usize) {
    match edit {
        Edit::Rename(_) => operation["operationId"] = format!("renamed{number}").into(),
        Edit::AddParameter { place, .. } => {
            let name = format!("X{number}");
            let (schema, required) = (json!({"type": "integer"}), number.is_multiple_of(2));
            let more = json!({"name": name, "in": place, "schema": schema, "example": number, "required": required});
            let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            parameters.push(more);
            operation["parameters"] = parameters.into();
        }
        Edit::AddExample(_) => {
            let examples = json!({"one": {"value": {"number": number}}, "two": {"value": {}}});
            let content = json!({"application/json": {"schema": {"type": "object"}, "examples": examples}});
            operation["responses"]["409"] = json!({"description": "Not so", "content": content});
        }
        _ => drop(operation.as_object_mut().expect("an operation").shift_remove("operationId")),
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn after_any_edit_of_the_document_everything_passes_and_the_bundle_says_what_the_document_says() {
    let tools = linters();
    let program = Program::new();
    let mut edited = Edited::new(&program, &tools);
    let spec = program.folder().join("whole.json");
    // Each takes about five seconds.
    let number = std::env::var("APISCAFFOLD_EDITS").map_or(10, |number| number.parse().expect("a number"));
    let edits = prop::collection::vec(edit(), number).new_tree(&mut runner(1)).expect("edits").current();
    for (number, edit) in edits.into_iter().enumerate() {
        println!("{number}: {edit:?}");
        edited.apply(edit);
        edited.write(&spec);
        edited.holds();
    }
}
