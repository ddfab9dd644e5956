//! `apiscaffold doctor`: everything that would stop `new`, in one list, before anything is written.

mod forge;
mod rules;

use serde_json::{Map, Value, json};

use super::input::Material;
use super::{location, render};
use crate::cli::{DoctorArgs, Global};
use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::model::record::Record;
use crate::model::settings::Settings;
use crate::registry::{Location, Registry};
use crate::world::World;

/// The name for which the template is rendered when none is given.
const EXAMPLE: &str = "example-api";

/// One thing that was looked at.
struct Finding {
    /// What was looked at, in a word.
    about: &'static str,
    /// What was found.
    words: String,
    /// None when all is well.
    problem: Option<Problem>,
}

struct Problem {
    fault: Fault,
    hint: Option<String>,
}

/// All that was looked at.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, about: &'static str, words: impl Into<String>) {
        self.0.push(Finding { about, words: words.into(), problem: None });
    }

    fn bad(&mut self, about: &'static str, words: impl Into<String>, fault: Fault, hint: impl Into<String>) {
        let problem = Some(Problem { fault, hint: Some(hint.into()) });
        self.0.push(Finding { about, words: words.into(), problem });
    }

    fn failure(&mut self, about: &'static str, failure: &dyn Blame) {
        let mut words = failure.to_string();
        let mut cause = failure.source();
        while let Some(error) = cause {
            words += &format!(": {error}");
            cause = error.source();
        }
        let problem = Some(Problem { fault: failure.fault(), hint: failure.hint() });
        self.0.push(Finding { about, words, problem });
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
        Some("do what is said above, then run the same command again".to_owned())
    }

    fn document(&self) -> Map<String, Value> {
        self.document.clone()
    }
}

pub(super) fn run(arguments: &DoctorArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone().unwrap_or_else(|| EXAMPLE.to_owned()))?;
    let mut findings = Findings::default();
    let settings = template(&name, arguments, world, &mut findings);
    let record = registry(&name, arguments, global, (world, &mut findings));
    match arguments.owner.as_deref().filter(|owner| !owner.is_empty()) {
        Some(owner) => {
            let asked = forge::Asked { owner, name: arguments.name.as_ref().map(|_| &name), settings, record };
            forge::look(asked, world, &mut findings);
        }
        None => findings.good("GitHub", "not looked at: name an organisation or a user with `--owner`"),
    }
    tell(&findings.0, world)
}

/// The template, and what it asks of a repository.
fn template(name: &ApiName, arguments: &DoctorArgs, world: &World, findings: &mut Findings) -> Settings {
    let _bar = world.terminal.bar("rendering");
    let rendered = || -> Result<(String, usize, Settings), Failure> {
        let mut material = Material::read(name.clone(), &arguments.input, world)?;
        let used = material.template.used.name.clone();
        let answers = material.answers(world, &|_, proposed| proposed)?;
        let record = render::draft(&material, &answers);
        let rendered = render::repository(&mut material, &answers, &record)?;
        Ok((used, rendered.tree.len(), rendered.settings))
    };
    match rendered() {
        Ok((used, files, settings)) => {
            let count = settings.each().len();
            findings.good("template", format!("`{used}` gives {files} files and asks for {count} settings"));
            settings
        }
        Err(failure) => {
            findings.failure("template", &*failure);
            Settings::default()
        }
    }
}

/// The registry, and the record of the name.
fn registry(
    name: &ApiName,
    arguments: &DoctorArgs,
    global: &Global,
    (world, findings): (&World, &mut Findings),
) -> Option<Record> {
    let mut record = None;
    let mut looked = || -> Result<(String, usize), Failure> {
        let location = location::registry(global, world)?;
        let shown = match &location {
            Location::Here(folder) => folder.display().to_string(),
            Location::There(_) => "the shared one".to_owned(),
        };
        let Some(registry) = Registry::open(&location)? else { return Ok((shown, 0)) };
        let listing = registry.list()?;
        for problem in &listing.problems {
            findings.bad(
                "registry",
                problem.to_string(),
                Fault::Environment,
                "clone the registry, mend it, commit and push",
            );
        }
        if arguments.name.is_some() {
            record = registry.get(name.as_str())?;
        }
        Ok((shown, listing.records.len()))
    };
    match looked() {
        Ok((shown, count)) => findings.good("registry", format!("{shown} has {count} records")),
        Err(failure) => findings.failure("registry", &*failure),
    }
    match (&record, &arguments.name) {
        (Some(record), _) => findings.bad(
            "name",
            format!("the registry has `{name}` already, for {}", record.repository.url),
            Fault::Conflict,
            "if it is yours, run `new` as before: it finishes what was begun; else choose another name",
        ),
        (None, Some(_)) => findings.good("name", format!("`{name}` is free in the registry")),
        (None, None) => {}
    }
    record
}

/// The list on stdout; the exit code is that of the worst.
fn tell(findings: &[Finding], world: &World) -> Result<(), Failure> {
    let problems: Vec<&Problem> = findings.iter().filter_map(|finding| finding.problem.as_ref()).collect();
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
        world.terminal.result_json(&document.clone().into());
    }
    match worst {
        Some(worst) => Err(Problems { count: problems.len(), worst, document }.into()),
        None => Ok(()),
    }
}

fn line(finding: &Finding) -> String {
    let Finding { about, words, problem } = finding;
    let Some(problem) = problem else { return format!("ok       {about}: {words}") };
    let hint = problem.hint.as_ref().map(|hint| format!("\n         → {}", hint.replace('\n', "\n           ")));
    format!("problem  {about}: {words}{}", hint.unwrap_or_default())
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
