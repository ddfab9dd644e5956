//! What a move changes in a repository: the difference between the template rendered for the phase that the repository is
//! in and for the one it enters, merged into what its people have made of the files since.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::checks;
use crate::error::{Blame, Failure, Fault};
use crate::git::change::FileEdit;
use crate::model::ending::Ending;
use crate::model::phase::Phase;
use crate::model::receipt::{self, Receipt};
use crate::model::tree::{File, Tree, TreePath};
use crate::scaffold::change::{Change, Fate};
use crate::scaffold::checkout::Checkout;
use crate::scaffold::render;
use crate::scaffold::request::Material;
use crate::scaffold::template::Template;
use crate::template::manifest::{self, ENVIRONMENTS};
use crate::world::World;

/// How many lines that a file should hold are reported.
const REPORTED: usize = 6;

/// People changed a file that programs read, where the stage is written.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` {what}, and cannot be changed by the tool")]
struct Meets {
    path: String,
    what: &'static str,
    /// Lines that the file should hold.
    wanted: Vec<String>,
}

impl Blame for Meets {
    fn fault(&self) -> Fault {
        Fault::Conflict
    }

    fn hint(&self) -> Option<String> {
        let wanted = self.wanted.join("\n");
        Some(format!("write it by hand, commit, and run the same command again; it should say:\n{wanted}"))
    }
}

/// What is to be done to a repository.
#[derive(Debug, Default)]
pub(crate) struct StageChange {
    pub(crate) edits: Vec<FileEdit>,
    /// What its people have to do themselves.
    pub(crate) notes: Vec<String>,
    /// Environments that the phase opens.
    pub(crate) opened: Vec<String>,
}

/// A repository, and the template that renders it for one stage and for the next.
pub(crate) struct Stages<'s> {
    pub(crate) checkout: &'s Checkout,
    pub(crate) receipt: &'s Receipt,
    pub(crate) template: &'s Rc<Template>,
    pub(crate) world: &'s World,
}

impl Stages<'_> {
    /// From what the receipt says to phase `to` with `ending`.
    ///
    /// # Errors
    /// `Meets` when people have changed what programs read in a way that does not go together with it.
    pub(crate) fn change(&self, to: Phase, ending: &Ending) -> Result<StageChange, Failure> {
        let Self { receipt, checkout, world, .. } = self;
        let template = Rc::clone(self.template);
        let mut material = Material::of_receipt((*receipt).clone(), &checkout.files, template, world)?;
        let before = self.render(&mut material, (receipt.phase, &receipt.ending))?;
        let opened = self.opened(&material, to);
        if !opened.is_empty() {
            let mut names = answered(&receipt.answers);
            names.extend(opened.iter().map(|name| Value::from(name.as_str())));
            material.answer(ENVIRONMENTS, names.into());
        }
        let after = self.render(&mut material, (to, ending))?;
        let differs = |path: &&TreePath| before.get(path.as_str()) != after.get(path.as_str());
        let paths: BTreeSet<&TreePath> =
            before.iter().chain(after.iter()).map(|(path, _)| path).filter(differs).collect();
        let change = Change::pick(&before, &after, &checkout.files.pick(paths.into_iter())?);
        let environments = material.template.manifest.lifecycle.environments.as_deref();
        let is_read_by_programs = |path: &str| path == receipt::FILE_NAME || environments == Some(path);
        let mut notes = Vec::new();
        for (path, fate) in &change.files {
            let what = match fate {
                Fate::Conflict => "was changed where the phase is written",
                Fate::Absent => "was deleted or moved by people",
                _ => continue,
            };
            let path = path.as_str();
            let wanted = wanted(before.get(path), after.get(path));
            if is_read_by_programs(path) {
                return Err(Meets { path: path.to_owned(), what, wanted }.into());
            }
            notes.push(if path == receipt.spec {
                format!("`{path}` is yours: where it says in which phase the API is, change it")
            } else {
                {
                    let lines: Vec<String> = wanted.iter().map(|line| format!("`{}`", line.trim())).collect();
                    format!("`{path}` {what}, and stays unchanged; it should contain {}", lines.join(", "))
                }
            });
        }
        Ok(StageChange { edits: change.edits(), notes, opened })
    }

    /// The template's files for one stage. In the place of the specification stands the template's own: only such a one
    /// says in which phase the API is, where the template put it. A producer's says what they wrote.
    fn render(&self, material: &mut Material, (phase, ending): (Phase, &Ending)) -> Result<Tree, Failure> {
        let answers = material.answers(self.world, &|_, proposed| proposed)?;
        material.stage = (phase, ending.clone());
        let record = render::draft(material, &answers);
        let mut tree = render::repository(material, &answers, &record)?.tree;
        let mut bare = material.without_spec();
        let answers = bare.answers(self.world, &|_, proposed| proposed)?;
        let record = render::draft(&bare, &answers);
        let mut bare = render::repository(&bare, &answers, &record)?.tree;
        tree.remove(&self.receipt.spec);
        if let (Ok(path), Some(skeleton)) = (TreePath::new(&*self.receipt.spec), bare.remove(&self.receipt.spec)) {
            tree.insert(path, skeleton)?;
        }
        Ok(tree)
    }

    /// Environments that are for the new phase and were not for the old one, and that nobody has added yet.
    fn opened(&self, material: &Material, to: Phase) -> Vec<String> {
        let manifest = &material.template.manifest;
        if !manifest.questions.iter().any(|question| question.name == ENVIRONMENTS) {
            return Vec::new();
        }
        let file = manifest.lifecycle.environments.as_deref();
        let listed = file.map(|file| checks::listed(&self.checkout.files, file)).unwrap_or_default();
        let chosen = answered(&self.receipt.answers);
        let opens = |environment: &Map<String, Value>| {
            let name = environment.get("name").and_then(Value::as_str)?;
            let is_new = manifest::is_for(environment, to) && !manifest::is_for(environment, self.receipt.phase);
            let is_there = listed.iter().any(|listed| listed == name) || chosen.iter().any(|chosen| chosen == name);
            (is_new && !is_there).then(|| name.to_owned())
        };
        manifest.environments.iter().filter_map(opens).collect()
    }
}

fn answered(answers: &Map<String, Value>) -> Vec<Value> {
    answers.get(ENVIRONMENTS).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The lines that only `new` has.
fn wanted(old: Option<&File>, new: Option<&File>) -> Vec<String> {
    let text = |file: Option<&File>| file.and_then(File::text).unwrap_or_default().to_owned();
    let (old, new) = (text(old), text(new));
    let has: BTreeSet<&str> = old.lines().collect();
    let lines = new.lines().filter(|line| !has.contains(line) && !line.trim().is_empty());
    lines.take(REPORTED).map(|line| format!("  {line}")).collect()
}
