//! A template's manifest, `apiscaffold.toml`: what it asks, which files appear when, and how a repository of it is
//! to be set up.

mod gate;
pub(super) mod github;
mod question;
pub(super) mod table;

use std::collections::BTreeSet;

use globset::GlobBuilder;
use semver::{Prerelease, Version, VersionReq};
use serde_json::{Map, Value};
use toml::de::DeTable;

pub use self::github::GithubSettings;
use self::table::Table;
use crate::error::{Blame, Fault};
use crate::model::gate::{Gate, LifecycleRules, PhaseWords};
use crate::model::phase::Phase;
use crate::model::question::Question;
use crate::model::text::position;
use crate::model::value::from_toml;

/// The manifest's name, in the root of a template.
pub const FILE_NAME: &str = "apiscaffold.toml";

/// The question whose answer chooses among the manifest's environments.
pub const ENVIRONMENTS: &str = "environments";

const KEYS: [&str; 9] = ["template", "question", "file", "environment", "phase", "gate", "lifecycle", "spec", "github"];

/// A manifest that keeps its rules.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub about: About,
    /// `[[question]]`, in the order in which they are asked; no name is there twice.
    pub questions: Vec<Question>,
    pub files: Vec<FileRule>,
    /// `[[environment]]`: each has a `name` (a text that no other has) and whatever else the template wants there.
    pub environments: Vec<Map<String, Value>>,
    pub spec: Option<SpecPlace>,
    /// `[[phase]]`, in order of the phases.
    pub phases: Vec<PhaseWords>,
    /// `[[gate]]`, in order of the phases that they lead to; no id is there twice.
    pub gates: Vec<Gate>,
    pub lifecycle: LifecycleRules,
    /// `[github]`; its texts are templates.
    pub github: GithubSettings,
}

/// What a template says of itself.
#[derive(Clone, Debug)]
pub struct About {
    pub name: String,
    pub description: Option<String>,
    pub requires: Option<Requirement>,
}

/// Which versions of this tool a template can be used with, such as `>=0.1`.
#[derive(Clone, Debug)]
pub struct Requirement {
    versions: VersionReq,
    line: usize,
    column: usize,
}

/// What holds for the files that a glob matches: `*` and `?` stop at `/`, `**` does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRule {
    /// The glob, on paths of the template as they are written there.
    pub path: String,
    /// A Liquid condition: the files appear where it holds.
    pub when: Option<String>,
    /// Whether the files are copied without rendering.
    pub verbatim: bool,
}

/// Where a repository keeps its API's spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecPlace {
    /// A path in the repository; its text is a template.
    pub path: String,
}

/// What is wrong with a manifest. Line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` line {line}, column {column}: {sentence}")]
pub struct ManifestError {
    pub file: &'static str,
    pub line: usize,
    pub column: usize,
    pub sentence: String,
    pub hint: Option<String>,
}

impl ManifestError {
    pub(super) fn at(file: &'static str, source: &str, at: usize, sentence: impl Into<String>) -> Self {
        let (line, column) = position(source, at);
        Self { file, line, column, sentence: sentence.into(), hint: None }
    }

    /// What the TOML reader says, on one line.
    pub(super) fn not_toml(file: &'static str, source: &str, error: &toml::de::Error) -> Self {
        let sentence = error.message().lines().collect::<Vec<_>>().join(", ");
        Self::at(file, source, error.span().map_or(0, |span| span.start), sentence)
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Blame for ManifestError {
    fn fault(&self) -> Fault {
        Fault::Template
    }

    fn hint(&self) -> Option<String> {
        let turn = "the template's maintainers must fix this";
        Some(self.hint.as_ref().map_or_else(|| turn.to_owned(), |hint| format!("{hint}\n{turn}")))
    }
}

impl Manifest {
    /// Reads a manifest. Conditions and templates in it are not looked at: their errors show when they are rendered.
    ///
    /// # Errors
    /// The first thing that is not TOML or breaks a rule, with its place.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let not_toml = |error: &toml::de::Error| ManifestError::not_toml(FILE_NAME, text, error);
        let entries = DeTable::parse(text).map_err(|error| not_toml(&error))?;
        // Once more as plain values: only the first reading knows lines, and only this one gives typed values.
        let plain: toml::Table = toml::from_str(text).map_err(|error| not_toml(&error))?;
        let root = Table::root(FILE_NAME, text, entries.get_ref());
        root.only(&KEYS)?;
        Ok(Self {
            about: about(&root)?,
            questions: questions(&root, &plain)?,
            files: root.tables("file")?.iter().map(file).collect::<Result<_, _>>()?,
            environments: environments(&root, &plain)?,
            spec: root.table("spec")?.map(|table| spec(&table)).transpose()?,
            phases: gate::phases(&root)?,
            gates: gate::gates(&root)?,
            lifecycle: root.table("lifecycle")?.map(|table| gate::lifecycle(&table)).transpose()?.unwrap_or_default(),
            github: root.table("github")?.map(|table| github::read(&table)).transpose()?.unwrap_or_default(),
        })
    }

    /// Withholds from the question `environments` those that are not for an API in `phase`.
    pub fn withhold_environments(&mut self, phase: Phase) {
        let Some(question) = self.questions.iter_mut().find(|question| question.name == ENVIRONMENTS) else { return };
        for environment in &self.environments {
            if is_for(environment, phase) {
                continue;
            }
            let Some(name) = environment.get("name").and_then(Value::as_str) else { continue };
            let (first, now) = (Phase::ALL.into_iter().find(|phase| is_for(environment, *phase)), phase.word());
            let then = first.map(|first| format!("; `apiscaffold phase` adds it with phase {}", first.word()));
            question.withhold(name, format!("`{name}` is not for an API in phase {now}{}", then.unwrap_or_default()));
        }
    }

    /// Checks that the template can be used with `version` of this tool. A pre-release counts as its release.
    pub fn fits(&self, version: &str) -> Result<(), ManifestError> {
        let Some(Requirement { versions, line, column }) = &self.about.requires else { return Ok(()) };
        let release = Version::parse(version).map(|version| Version { pre: Prerelease::EMPTY, ..version });
        if release.is_ok_and(|release| versions.matches(&release)) {
            return Ok(());
        }
        Err(ManifestError {
            file: FILE_NAME,
            line: *line,
            column: *column,
            sentence: format!(
                "template `{}` requires apiscaffold `{versions}`, and this is {version}",
                self.about.name
            ),
            hint: Some("use a version of apiscaffold that fits, or another revision of the template".to_owned()),
        })
    }
}

/// Whether an environment is for an API in `phase`: one without a list of `phases` is for every phase.
pub fn is_for(environment: &Map<String, Value>, phase: Phase) -> bool {
    let phases = environment.get("phases").and_then(Value::as_array);
    phases.is_none_or(|phases| phases.iter().any(|word| word == phase.word()))
}

fn about(root: &Table<'_>) -> Result<About, ManifestError> {
    let Some(table) = root.table("template")? else {
        return Err(root.error(0, "there is no `[template]`").with_hint("begin with `[template]` and a `name`"));
    };
    table.only(&["name", "description", "requires"])?;
    let requires = table.text("requires")?.map(|text| requirement(&table, &text)).transpose()?;
    Ok(About { name: table.required("name")?, description: table.text("description")?, requires })
}

fn requirement(table: &Table<'_>, text: &str) -> Result<Requirement, ManifestError> {
    let place = table.error(table.at("requires"), "`requires` must be a range of versions, such as `>=0.1`");
    match VersionReq::parse(text) {
        Ok(versions) => Ok(Requirement { versions, line: place.line, column: place.column }),
        Err(error) => Err(place.with_hint(error.to_string())),
    }
}

fn questions(root: &Table<'_>, plain: &toml::Table) -> Result<Vec<Question>, ManifestError> {
    let mut questions: Vec<Question> = Vec::new();
    for (at, table) in root.tables("question")?.iter().enumerate() {
        let values = plain.get("question").and_then(|list| list.get(at));
        let question = question::read(table, |key| values?.get(key).cloned().map(from_toml))?;
        if questions.iter().any(|other| other.name == question.name) {
            return Err(table.error(table.at("name"), format!("there are two questions named `{}`", question.name)));
        }
        questions.push(question);
    }
    Ok(questions)
}

fn file(table: &Table<'_>) -> Result<FileRule, ManifestError> {
    table.only(&["path", "when", "verbatim"])?;
    let path = table.required("path")?;
    if let Err(error) = GlobBuilder::new(&path).literal_separator(true).build() {
        let sentence = format!("`{}` is not a glob: {}", path.escape_debug(), error.kind());
        return Err(table.error(table.at("path"), sentence));
    }
    Ok(FileRule { path, when: table.text("when")?, verbatim: table.flag("verbatim")?.unwrap_or(false) })
}

fn environments(root: &Table<'_>, plain: &toml::Table) -> Result<Vec<Map<String, Value>>, ManifestError> {
    let mut names = BTreeSet::new();
    for table in root.tables("environment")? {
        let name = table.required("name")?;
        if names.contains(&name) {
            let sentence = format!("there are two environments named `{}`", name.escape_debug());
            return Err(table.error(table.at("name"), sentence));
        }
        names.insert(name);
    }
    let tables = plain.get("environment").and_then(toml::Value::as_array).into_iter().flatten();
    Ok(tables.filter_map(|table| from_toml(table.clone()).as_object().cloned()).collect())
}

fn spec(table: &Table<'_>) -> Result<SpecPlace, ManifestError> {
    table.only(&["path"])?;
    Ok(SpecPlace { path: table.required("path")? })
}

#[cfg(test)]
mod tests;
