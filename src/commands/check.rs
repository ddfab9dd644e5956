//! `apiscaffold check --settings`: whether a repository on the forge is as its template asks, and making it so.

use serde_json::{Map, Value, json};

use crate::cli::{CheckArgs, Global};
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{ForgeError, Github, Lower};
use crate::model::record::Record;
use crate::model::repository::RepositorySlug;
use crate::model::setting::{Difference, Setting};
use crate::model::text::counted;
use crate::scaffold::apply::{DryRun, LazyRegistry, Outcome, Real, apply};
use crate::scaffold::desired::{Desired, Search};
use crate::scaffold::open;
use crate::scaffold::plan::{Configure, Plan, Status, Step};
use crate::scaffold::report::{Report, print, steps};
use crate::world::World;

#[derive(Debug, thiserror::Error)]
enum CheckError {
    #[error("{} of {page} {} not as the template asks", counted(*count, "setting"), be(*count))]
    Drift { page: String, count: usize, document: Map<String, Value> },
    #[error("{} of {page} could not be read", counted(*count, "setting"))]
    Unread { page: String, count: usize, fault: Fault, document: Map<String, Value> },
    #[error("{} of {page} {} stricter than the template, and kept", counted(*count, "setting"), be(*count))]
    Stricter { page: String, count: usize, document: Map<String, Value> },
}

fn be(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

impl Blame for CheckError {
    fn fault(&self) -> Fault {
        match self {
            Self::Drift { .. } | Self::Stricter { .. } => Fault::Conflict,
            Self::Unread { fault, .. } => *fault,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Drift { .. } => {
                "fix it with `apiscaffold check --settings --fix`, or have the template ask for what is there"
                    .to_owned()
            }
            Self::Stricter { .. } => {
                "lower them with `apiscaffold check --settings --fix --lower`, or have the template ask for what is there"
                    .to_owned()
            }
            Self::Unread { .. } => {
                "follow the hints above, then run the same command again".to_owned()
            }
        })
    }

    fn document(&self) -> Map<String, Value> {
        match self {
            Self::Drift { document, .. } | Self::Stricter { document, .. } | Self::Unread { document, .. } => {
                document.clone()
            }
        }
    }
}

pub(super) fn run(arguments: &CheckArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let folder = world.absolute(&arguments.folder);
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let registry = open::registry::open(&location, world)?;
    let server = open::github::server(world)?;
    let inputs = arguments.input.inputs();
    let search = Search { inputs: &inputs, folder: &folder, registry: registry.as_ref(), server: &server, world };
    let Desired { target, record, settings } = search.find()?;
    let page = server.page(&target);
    let github = open::github::open(&target.owner, world)?;
    let bar = world.terminal.bar("asking GitHub what is there");
    let (target, settings) = known(&github, target, settings, record.as_ref(), world)?;
    let differing = github.compare(&target, &settings);
    drop(bar);
    github.interrupt().check().map_err(ForgeError::from)?;
    let check = Check { target: &target, settings: &settings, page: &page, world };
    if !arguments.fix {
        return check.report_differences(&differing);
    }
    if let Some(error) = differing.iter().filter_map(|(_, found)| found.as_ref().err()).find(|error| error.ends_all()) {
        return Err(error.clone().into());
    }
    let plan = check.plan(&differing, arguments);
    let outcome = if arguments.dry_run {
        apply(&plan, &mut DryRun::new(Some(&github), world))?
    } else {
        let (author, mut registry) = (open::author(world), LazyRegistry::new(location, registry));
        apply(&plan, &mut Real::new(&mut registry, Some(&github), &author, world))?
    };
    check.report_fixes(outcome)
}

/// The repository, as it is there, and the settings that it can have. First issues are not among them: they are posted
/// once, and what becomes of them is its people's affair.
fn known(
    github: &Github,
    target: RepositorySlug,
    settings: crate::model::settings::Settings,
    record: Option<&Record>,
    world: &World,
) -> Result<(RepositorySlug, Vec<Setting>), Failure> {
    let survey = github.survey(&target);
    let owner = survey.owner?.ok_or_else(|| ForgeError::NoOwner { name: target.owner.clone() })?;
    let page = github.server().page(&target);
    let found = survey.repository?.ok_or(ForgeError::Gone { page })?;
    if record.and_then(|record| record.repository.id).is_some_and(|id| id != found.id) {
        return Err(github.foreign(&target, "the registry's record is of another repository").into());
    }
    let mut settings = open::github::fitting(settings, owner.kind, found.visibility, world);
    settings.retain(|setting| !matches!(setting, Setting::Issue(_)));
    Ok((found.slug(), settings))
}

struct Check<'c> {
    target: &'c RepositorySlug,
    settings: &'c [Setting],
    page: &'c str,
    world: &'c World,
}

type SettingDifferences = (usize, Result<Vec<Difference>, ForgeError>);

impl Check<'_> {
    fn report_differences(&self, differing: &[SettingDifferences]) -> Result<(), Failure> {
        let mut differences = Vec::new();
        let mut lines = String::new();
        for (at, found) in differing {
            let setting = self.settings[*at].words();
            match found {
                Ok(found) => {
                    for difference in found {
                        let Difference { what, wanted, found, lowers, .. } = difference;
                        lines += &format!("\n  {}", difference.words());
                        differences.push(json!({
                            "setting": setting, "what": what, "wanted": wanted, "found": found, "lowers": lowers,
                        }));
                    }
                }
                Err(error) => {
                    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    lines += &format!("\n  {setting}: {error}{hint}");
                    differences.push(json!({"setting": setting, "error": error.to_string(), "hint": error.hint()}));
                }
            }
        }
        let document = self.document(differences);
        let unread: Vec<&ForgeError> = differing.iter().filter_map(|(_, found)| found.as_ref().err()).collect();
        let page = self.page.to_owned();
        if differing.is_empty() {
            let text = format!("{page}: all {} settings are as the template asks", self.settings.len());
            print(&text, &document, self.world);
            return Ok(());
        }
        if !self.world.terminal.json() {
            let what = if unread.is_empty() { "differs from" } else { "could not be compared wholly with" };
            self.world.terminal.result(&format!("{page} {what} what the template asks:{lines}"));
        }
        Err(match unread.first() {
            Some(error) => CheckError::Unread { page, count: unread.len(), fault: error.fault(), document },
            None => CheckError::Drift { page, count: differing.len(), document },
        }
        .into())
    }

    /// Makes the settings so that differ, or that could not be read.
    fn plan(&self, differing: &[SettingDifferences], arguments: &CheckArgs) -> Plan {
        let settings: Vec<Setting> = differing.iter().map(|(at, _)| self.settings[*at].clone()).collect();
        let lower = if arguments.lower { Lower::Yes } else { Lower::No };
        let (target, create_teams) = (self.target.clone(), arguments.create_teams);
        let configure = Step::Configure(Configure { target, settings, create_teams, lower });
        Plan::from(if differing.is_empty() { Vec::new() } else { vec![configure] })
    }

    fn report_fixes(&self, outcome: Outcome) -> Result<(), Failure> {
        let page = self.page.to_owned();
        let count = outcome.steps.iter().filter(|step| step.status == Status::Kept).count();
        let is_fixed = outcome.is_complete() && !outcome.is_dry_run;
        let text = match outcome.steps.len() {
            0 => format!("{page}: all {} settings are as the template asks", self.settings.len()),
            _ => format!("{page}{}", steps(&outcome)),
        };
        let facts = self.document(Vec::new()).into();
        let report = Report { subject: page.clone(), outcome, facts, text, ..Report::default() };
        if count == 0 || !is_fixed {
            return report.print(self.world);
        }
        if !self.world.terminal.json() {
            self.world.terminal.result(&report.text);
        }
        Err(CheckError::Stricter { page, count, document: report.document() }.into())
    }

    fn document(&self, differences: Vec<Value>) -> Map<String, Value> {
        let count = self.settings.len();
        let document = json!({"repository": self.page, "settings": count, "differences": differences});
        document.as_object().cloned().unwrap_or_default()
    }
}
