//! `apiscaffold doctor`: everything that would stop `new`, in one list, before anything is written.

mod forge;
mod rules;

use serde_json::{Map, Value, json};

use crate::cli::{DoctorArgs, Global};
use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::model::record::{KeyKind, Record};
use crate::model::settings::Settings;
use crate::model::text::{counted, one_line};
use crate::registry::{self, Location, RegistryError};
use crate::scaffold::render::{self, Rendered};
use crate::scaffold::request::Material;
use crate::scaffold::{address, open, overlap, warnings};
use crate::world::World;

/// The name for which the template is rendered when none is given.
const EXAMPLE: &str = "example-api";

/// The result of one check.
struct CheckResult {
    /// The subject of the check, in a word.
    about: &'static str,
    /// What was found.
    words: String,
    /// None when all is well.
    problem: Option<CheckFailure>,
}

struct CheckFailure {
    fault: Fault,
    hint: Option<String>,
}

/// The results of all checks.
#[derive(Default)]
struct CheckResults(Vec<CheckResult>);

impl CheckResults {
    fn good(&mut self, about: &'static str, words: impl Into<String>) {
        self.0.push(CheckResult { about, words: words.into(), problem: None });
    }

    fn bad(&mut self, about: &'static str, words: impl Into<String>, fault: Fault, hint: impl Into<String>) {
        let problem = Some(CheckFailure { fault, hint: Some(hint.into()) });
        self.0.push(CheckResult { about, words: words.into(), problem });
    }

    fn failure(&mut self, about: &'static str, failure: &dyn Blame) {
        self.failure_of(about, "", failure);
    }

    /// `what` stands before the sentence.
    fn failure_of(&mut self, about: &'static str, what: &str, failure: &dyn Blame) {
        let before = if what.is_empty() { String::new() } else { format!("{what}: ") };
        let mut words = format!("{before}{failure}");
        let mut cause = failure.source();
        while let Some(error) = cause {
            words += &format!(": {error}");
            cause = error.source();
        }
        let problem = Some(CheckFailure { fault: failure.fault(), hint: failure.hint() });
        self.0.push(CheckResult { about, words, problem });
    }
}

/// Something would stop `new`.
#[derive(Debug, thiserror::Error)]
#[error("{count} problem{}", if *count == 1 { "" } else { "s" })]
struct Problems {
    count: usize,
    worst: Fault,
    document: Map<String, Value>,
}

impl Blame for Problems {
    fn fault(&self) -> Fault {
        self.worst
    }

    fn hint(&self) -> Option<String> {
        Some("follow the hints above, then run the same command again".to_owned())
    }

    fn document(&self) -> Map<String, Value> {
        self.document.clone()
    }
}

pub(super) fn run(arguments: &DoctorArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone().unwrap_or_else(|| EXAMPLE.to_owned()))?;
    let owner = open::github::owner(arguments.owner.as_ref(), world)?;
    let mut doctor = Doctor { name: &name, arguments, world, base_path: None, findings: CheckResults::default() };
    let settings = doctor.template();
    let record = doctor.registry(global);
    let mut findings = doctor.findings;
    match &owner {
        Some(owner) => {
            let asked = forge::ForgeChecks { owner, name: arguments.name.as_ref().map(|_| &name), settings, record };
            forge::look(asked, world, &mut findings);
        }
        None => findings.good("GitHub", "not checked: name an organisation or a user with `--owner`"),
    }
    report(&findings.0, world)
}

struct Doctor<'d> {
    name: &'d ApiName,
    arguments: &'d DoctorArgs,
    world: &'d World,
    /// The base path, when `new` would not give it a number.
    base_path: Option<String>,
    findings: CheckResults,
}

impl Doctor<'_> {
    /// The template, and what it asks of a repository.
    fn template(&mut self) -> Settings {
        let _bar = self.world.terminal.bar("rendering");
        match self.rendered() {
            Ok((used, rendered)) => {
                let count = rendered.settings.each().len();
                let words = {
                    let files = counted(rendered.tree.len(), "file");
                    format!("`{used}` renders {files} and {}", counted(count, "setting"))
                };
                self.findings.good("template", words);
                rendered.settings
            }
            Err(failure) => {
                self.findings.failure("template", &*failure);
                Settings::default()
            }
        }
    }

    fn rendered(&mut self) -> Result<(String, Rendered), Failure> {
        let mut material = Material::first(self.name.clone(), &self.arguments.input.inputs(), self.world)?;
        let used = material.template.used.name.clone();
        let answers = material.first_answers(self.world, &|_, proposed| proposed)?;
        let record = render::draft(&material, &answers);
        registry::check(&record, None)?;
        for warning in warnings(&material, &answers, &record) {
            self.world.terminal.warn(&warning);
        }
        let is_fixed =
            answers.is_explicit(address::BASE_PATH) || address::comes_from_spec(&material, &record.base_path);
        self.base_path = is_fixed.then(|| record.base_path.clone());
        Ok((used, render::repository(&material, &answers, &record)?))
    }

    /// The registry, and the record of the name.
    fn registry(&mut self, global: &Global) -> Option<Record> {
        let looked = open::registry::location(global.registry.as_deref(), self.world)
            .and_then(|location| self.records(&location));
        let record = looked.unwrap_or_else(|failure| {
            self.findings.failure("registry", &*failure);
            None
        });
        match (&record, &self.arguments.name) {
            (Some(record), _) => self.findings.bad(
                "name",
                format!("the registry has `{}` already, for {}", record.name, record.repository.url),
                Fault::Conflict,
                "if it is yours, run `new` as before: it finishes what was begun; else choose another name",
            ),
            (None, Some(name)) => self.findings.good("name", format!("`{name}` is free in the registry")),
            (None, None) => {}
        }
        record
    }

    fn records(&mut self, location: &Location) -> Result<Option<Record>, Failure> {
        let shown = match location {
            Location::Here(folder) => folder.display().to_string(),
            Location::There(_) => "the shared one".to_owned(),
        };
        let Some(registry) = open::registry::open(location, self.world)? else {
            self.findings.good("registry", format!("{shown} is not there yet: the first record makes it"));
            return Ok(None);
        };
        let listing = registry.list()?;
        for problem in &listing.problems {
            let hint = "clone the registry, fix it, commit and push";
            self.findings.bad("registry", format!("registry: {problem}"), Fault::Environment, hint);
        }
        self.findings.good("registry", format!("{shown} has {}", counted(listing.records.len(), "record")));
        if let Some(path) = &self.base_path
            && let Some(holder) =
                registry.holder(KeyKind::BasePath, path)?.filter(|holder| holder != self.name.as_str())
        {
            let taken = RegistryError::taken(KeyKind::BasePath, path.clone(), &holder, registry.get(&holder)?.as_ref());
            self.findings.failure("base path", &taken);
        }
        let record = match self.arguments.name {
            Some(_) => registry.get(self.name.as_str())?,
            None => None,
        };
        if let (Some(path), None) = (&self.base_path, &record) {
            match overlap::check(path, &registry) {
                Ok(warnings) => warnings.iter().for_each(|warning| self.world.terminal.warn(warning)),
                Err(failure) => self.findings.failure("base path", &*failure),
            }
        }
        Ok(record)
    }
}

/// The list on stdout; the exit code is that of the worst.
fn report(findings: &[CheckResult], world: &World) -> Result<(), Failure> {
    let problems: Vec<&CheckFailure> = findings.iter().filter_map(|finding| finding.problem.as_ref()).collect();
    let told = findings.iter().map(|finding| {
        let problem = finding.problem.as_ref();
        json!({
            "about": finding.about, "ok": problem.is_none(), "words": finding.words,
            "hint": problem.and_then(|problem| problem.hint.as_ref()),
            "exit_code": problem.map_or(0, |problem| problem.fault.exit_code()),
        })
    });
    let document = Map::from_iter([("findings".to_owned(), told.collect::<Vec<Value>>().into())]);
    let worst = problems.iter().map(|problem| problem.fault).max_by_key(|fault| weight(*fault));
    if !world.terminal.json() {
        world.terminal.result(&findings.iter().map(line).collect::<Vec<_>>().join("\n"));
    } else if worst.is_none() {
        world.terminal.result_json(&document);
    }
    match worst {
        Some(worst) => Err(Problems { count: problems.len(), worst, document }.into()),
        None => Ok(()),
    }
}

fn line(finding: &CheckResult) -> String {
    let CheckResult { about, words, problem } = finding;
    let Some(problem) = problem else { return format!("ok       {about}: {}", one_line(words)) };
    let hint = problem.hint.as_ref().map(|hint| format!("\n         → {}", hint.replace('\n', "\n           ")));
    format!("problem  {about}: {}{}", one_line(words), hint.unwrap_or_default())
}

/// Without permission nothing works; a fault of this machine may pass.
fn weight(fault: Fault) -> u8 {
    match fault {
        Fault::Interrupted => 6,
        Fault::Permission => 5,
        Fault::Template => 4,
        Fault::Input => 3,
        Fault::Conflict => 2,
        Fault::Environment | Fault::Partial => 1,
    }
}
