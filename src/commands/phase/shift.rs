//! What a move changes in a repository: the difference between the template rendered for the phase that the repository is
//! in and for the one it enters, merged into what its people have made of the files since.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::checks;
use super::error::PhaseError;
use crate::error::Failure;
use crate::git::change::Edit;
use crate::git::merge::merge;
use crate::model::ending::Ending;
use crate::model::phase::Phase;
use crate::model::receipt::{self, Receipt};
use crate::model::tree::{File, Tree, TreePath};
use crate::scaffold::checkout::Checkout;
use crate::scaffold::render;
use crate::scaffold::request::Material;
use crate::scaffold::template::Template;
use crate::template::manifest::{self, ENVIRONMENTS};
use crate::world::World;

/// How many lines that a file should hold are told.
const TOLD: usize = 6;

/// What is to be done to a repository.
#[derive(Debug, Default)]
pub(super) struct Shift {
    pub(super) edits: Vec<Edit>,
    /// What its people have to do themselves.
    pub(super) notes: Vec<String>,
    /// Environments that the phase opens.
    pub(super) opened: Vec<String>,
}

/// A repository that moves.
pub(super) struct Moving<'m> {
    pub(super) checkout: &'m Checkout,
    pub(super) receipt: &'m Receipt,
    pub(super) template: &'m Rc<Template>,
    pub(super) world: &'m World,
}

/// The template's files for one phase, and what it would give for a specification of its own.
struct Stage {
    tree: Tree,
    skeleton: Option<File>,
}

impl Moving<'_> {
    /// From what the receipt says to phase `to` with `ending`.
    ///
    /// # Errors
    /// `Meets` when people have changed what programs read in a way that does not go together with it.
    pub(super) fn shift(&self, to: Phase, ending: &Ending) -> Result<Shift, Failure> {
        let Self { receipt, checkout, world, .. } = self;
        let template = Rc::clone(self.template);
        let mut material = Material::of_receipt((*receipt).clone(), &checkout.files, template, world)?;
        let before = self.stage(&mut material, (receipt.phase, &receipt.ending))?;
        let opened = self.opened(&material, to);
        if !opened.is_empty() {
            let mut names = answered(&receipt.answers);
            names.extend(opened.iter().map(|name| Value::from(name.as_str())));
            material.answer(ENVIRONMENTS, names.into());
        }
        let after = self.stage(&mut material, (to, ending))?;
        let rules = &material.template.manifest.lifecycle;
        let vital = |path: &TreePath| {
            path.as_str() == receipt::FILE_NAME || rules.environments.as_deref() == Some(path.as_str())
        };
        let mut shift = Shift { opened, ..Shift::default() };
        let all: BTreeSet<&TreePath> = before.tree.iter().chain(after.tree.iter()).map(|(path, _)| path).collect();
        for path in all {
            let (old, new) = (before.tree.get(path.as_str()), after.tree.get(path.as_str()));
            if old != new {
                self.file(path, (old, new), vital(path), &mut shift)?;
            }
        }
        if let Ok(path) = TreePath::new(receipt.spec.clone())
            && before.skeleton != after.skeleton
        {
            self.specification(&path, (before.skeleton.as_ref(), after.skeleton.as_ref()), &mut shift)?;
        }
        Ok(shift)
    }

    fn stage(&self, material: &mut Material, (phase, ending): (Phase, &Ending)) -> Result<Stage, Failure> {
        let answers = material.answers(self.world, &|_, proposed| proposed)?;
        material.stage = (phase, ending.clone());
        let record = render::draft(material, &answers);
        let tree = render::repository(material, &answers, &record)?.tree;
        // A document of the template's own says in which phase the API is; a producer's says what they wrote.
        let mut bare = material.without_spec();
        let answers = bare.answers(self.world, &|_, proposed| proposed)?;
        let record = render::draft(&bare, &answers);
        let mut bare = render::repository(&bare, &answers, &record)?.tree;
        Ok(Stage { tree, skeleton: bare.remove(&self.receipt.spec) })
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

    fn file(
        &self,
        path: &TreePath,
        (old, new): (Option<&File>, Option<&File>),
        vital: bool,
        shift: &mut Shift,
    ) -> Result<(), Failure> {
        let mine = self.checkout.files.get(path.as_str()).map_err(|source| {
            crate::scaffold::checkout::CheckoutError::Unreadable { path: path.to_string(), source }
        })?;
        if mine.as_ref() == new {
            return Ok(());
        }
        let file = if mine.as_ref() == old { Some(new.cloned()) } else { merged(mine.as_ref(), old, new).map(Some) };
        let what =
            if mine.is_some() { "was changed where the phase is written" } else { "was deleted or moved by people" };
        match file {
            Some(file) if file == mine => {}
            Some(file) => shift.edits.push(Edit { path: path.clone(), file }),
            None if vital => {
                return Err(PhaseError::Meets { path: path.to_string(), what, wanted: wanted(old, new) }.into());
            }
            None => shift.notes.push(format!(
                "`{path}` {what}, and is left as it is; it should say:\n{}",
                wanted(old, new).join("\n")
            )),
        }
        Ok(())
    }

    /// Status words stand where the template put them; a document of the producer's own is theirs to change.
    fn specification(
        &self,
        path: &TreePath,
        (old, new): (Option<&File>, Option<&File>),
        shift: &mut Shift,
    ) -> Result<(), Failure> {
        let mine = self.checkout.files.get(path.as_str()).map_err(|source| {
            crate::scaffold::checkout::CheckoutError::Unreadable { path: path.to_string(), source }
        })?;
        match merged(mine.as_ref(), old, new) {
            Some(file) if Some(&file) == mine.as_ref() => {}
            Some(file) => shift.edits.push(Edit { path: path.clone(), file: Some(file) }),
            None => shift.notes.push(format!("`{path}` is yours: where it says in which phase the API is, change it")),
        }
        Ok(())
    }
}

fn answered(answers: &Map<String, Value>) -> Vec<Value> {
    answers.get(ENVIRONMENTS).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// `mine` with what is different between `old` and `new`.
fn merged(mine: Option<&File>, old: Option<&File>, new: Option<&File>) -> Option<File> {
    let (mine, old, new) = (mine?, old?, new?);
    let text = merge(old.text()?, mine.text()?, new.text()?)?;
    Some(File { bytes: text.into_bytes().into(), executable: mine.executable })
}

/// The lines that only `new` has.
fn wanted(old: Option<&File>, new: Option<&File>) -> Vec<String> {
    let text = |file: Option<&File>| file.and_then(File::text).unwrap_or_default().to_owned();
    let (old, new) = (text(old), text(new));
    let has: BTreeSet<&str> = old.lines().collect();
    let lines = new.lines().filter(|line| !has.contains(line) && !line.trim().is_empty());
    lines.take(TOLD).map(|line| format!("  {line}")).collect()
}
