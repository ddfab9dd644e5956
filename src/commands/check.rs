//! `apiscaffold check --settings`: whether a repository on the forge is as its template asks, and mending it.

mod subject;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::{CheckArgs, Global};
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{ForgeError, Github, Lower, Secrets, SettingOutcome, SettingsRequest};
use crate::model::receipt::{self, Receipt};
use crate::model::record::Record;
use crate::model::repository::Target;
use crate::model::setting::{Difference, Setting};
use crate::model::value;
use crate::scaffold::{open, secrets};
use crate::world::World;
use subject::{Search, Subject};

#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error("`{}` was not made by apiscaffold: it has no `{}` that can be read: {reason}", folder.display(), receipt::FILE_NAME)]
    NoReceipt { folder: PathBuf, reason: String },
    #[error("`{}` has no `{}`, and the registry does not say from which template it was made", .0.display(), receipt::FILE_NAME)]
    NoTemplate(PathBuf),
    #[error("`{}` has a `{}`, which holds its answers", .0.display(), receipt::FILE_NAME)]
    Answered(PathBuf),
    #[error("neither the registry nor the remote `origin` says where `{0}` is on GitHub")]
    NotHosted(String),
    #[error("{count} of the settings of {page} are not as the template asks")]
    Drift { page: String, count: usize, document: Map<String, Value> },
    #[error("{count} of the settings of {page} could not be read")]
    Unread { page: String, count: usize, fault: Fault, document: Map<String, Value> },
    #[error("{count} of the settings of {page} are stricter than the template asks, and were left so")]
    Stricter { page: String, count: usize, document: Map<String, Value> },
    #[error("{count} settings of {page} could not be mended")]
    Unmended { page: String, count: usize, document: Map<String, Value> },
}

impl Blame for CheckError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoReceipt { .. } | Self::NoTemplate(_) | Self::Answered(_) | Self::NotHosted(_) => Fault::Input,
            Self::Drift { .. } | Self::Stricter { .. } => Fault::Conflict,
            Self::Unread { fault, .. } => *fault,
            Self::Unmended { .. } => Fault::Partial,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoReceipt { .. } => "name the folder of a repository that `apiscaffold new` made".to_owned(),
            Self::NoTemplate(_) => {
                "say which template's settings it is to have: `--template SOURCE`, and its answers as for `new`"
                    .to_owned()
            }
            Self::Answered(_) => "leave out `--set`, `--answers` and `--spec`".to_owned(),
            Self::NotHosted(_) => "add the remote: `git remote add origin URL`".to_owned(),
            Self::Drift { .. } => {
                "mend it with `apiscaffold check --settings --fix`, or have the template ask for what is there"
                    .to_owned()
            }
            Self::Stricter { .. } => {
                "lower them with `apiscaffold check --settings --fix --lower`, or have the template ask for what is there"
                    .to_owned()
            }
            Self::Unread { .. } | Self::Unmended { .. } => {
                "do what is said above, then run the same command again".to_owned()
            }
        })
    }

    fn document(&self) -> Map<String, Value> {
        match self {
            Self::Drift { document, .. }
            | Self::Stricter { document, .. }
            | Self::Unread { document, .. }
            | Self::Unmended { document, .. } => document.clone(),
            _ => Map::new(),
        }
    }
}

pub(super) fn run(arguments: &CheckArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let folder = world.absolute(&arguments.folder);
    let registry = open::registry::open(&open::registry::location(global.registry.as_deref(), world)?, world)?;
    let server = open::github::server(world)?;
    let search = Search { arguments, folder: &folder, registry: registry.as_ref(), server: &server, world };
    let Subject { target, record, settings } = search.subject()?;
    let page = server.page(&target);
    let github = open::github::open(&target.owner, world)?;
    let bar = world.terminal.bar("asking GitHub what is there");
    let (target, settings) = known(&github, target, settings, record.as_ref(), world)?;
    let differing = github.compare(&target, &settings);
    drop(bar);
    github.interrupt().check().map_err(ForgeError::from)?;
    let check = Check { github: &github, target: &target, settings: &settings, page: &page, world };
    if arguments.fix
        && let Some(error) =
            differing.iter().filter_map(|(_, found)| found.as_ref().err()).find(|error| error.ends_all())
    {
        return Err(error.clone().into());
    }
    if arguments.fix && !differing.is_empty() {
        let some = differing.iter().map(|(at, _)| settings[*at].clone()).collect();
        return check.mend(some, arguments);
    }
    check.tell(&differing)
}

/// The receipt of the repository in `folder`.
pub(super) fn read(folder: &Path) -> Result<Receipt, CheckError> {
    let no = |reason: String| CheckError::NoReceipt { folder: folder.to_owned(), reason };
    let text = fs::read_to_string(folder.join(receipt::FILE_NAME)).map_err(|error| no(error.to_string()))?;
    // The file may be another one, and hold secrets: no value of it is repeated.
    toml::from_str(&text).map_err(|error| no(value::complaint(&text, &error)))
}

/// The repository, as it is there, and the settings that it can have. First issues are not among them: they are posted
/// once, and what becomes of them is its people's affair.
fn known(
    github: &Github,
    mut target: Target,
    settings: crate::model::settings::Settings,
    record: Option<&Record>,
    world: &World,
) -> Result<(Target, Vec<Setting>), Failure> {
    let survey = github.survey(&target, &[]);
    let owner = survey.owner?.ok_or_else(|| ForgeError::NoOwner { name: target.owner.clone() })?;
    let page = github.server().page(&target);
    let found = survey.repository?.ok_or(ForgeError::Gone { page })?;
    if record.and_then(|record| record.repository.id).is_some_and(|id| id != found.id) {
        return Err(github.foreign(&target, "the registry's record is of another repository").into());
    }
    if let Some((owner, name)) = found.full_name.split_once('/') {
        target = Target { owner: owner.to_owned(), name: name.to_owned() };
    }
    let mut settings = open::github::fitting(settings, owner.kind, found.visibility, world);
    settings.retain(|setting| !matches!(setting, Setting::Issue(_)));
    Ok((target, settings))
}

struct Check<'c> {
    github: &'c Github,
    target: &'c Target,
    settings: &'c [Setting],
    page: &'c str,
    world: &'c World,
}

type Found = (usize, Result<Vec<Difference>, ForgeError>);

impl Check<'_> {
    fn tell(&self, differing: &[Found]) -> Result<(), Failure> {
        let mut told = Vec::new();
        let mut lines = Vec::new();
        for (at, found) in differing {
            let words = self.settings[*at].words();
            match found {
                Ok(differences) => {
                    for difference in differences {
                        let Difference { what, wanted, found, lowers, .. } = difference;
                        lines.push(format!("  {}", difference.words()));
                        told.push(
                            json!({"setting": words, "what": what, "wanted": wanted, "found": found, "lowers": lowers}),
                        );
                    }
                }
                Err(error) => {
                    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    lines.push(format!("  {words}: {error}{hint}"));
                    told.push(json!({"setting": words, "error": error.to_string(), "hint": error.hint()}));
                }
            }
        }
        let document = self.document("differences", told);
        if differing.is_empty() {
            self.done(
                &format!("{}: all {} settings are as the template asks", self.page, self.settings.len()),
                document,
            );
            return Ok(());
        }
        let unread: Vec<&ForgeError> = differing.iter().filter_map(|(_, found)| found.as_ref().err()).collect();
        if !self.world.terminal.json() {
            let what = if unread.is_empty() { "differs from" } else { "could not be compared wholly with" };
            let text = format!("{} {what} what the template asks:\n{}", self.page, lines.join("\n"));
            self.world.terminal.result(&text);
        }
        let page = self.page.to_owned();
        Err(match unread.first() {
            Some(error) => CheckError::Unread { page, count: unread.len(), fault: error.fault(), document },
            None => CheckError::Drift { page, count: differing.len(), document },
        }
        .into())
    }

    fn mend(&self, settings: Vec<Setting>, arguments: &CheckArgs) -> Result<(), Failure> {
        let mut values = Secrets::default();
        let bar = self.world.terminal.bar("asking GitHub what is there");
        let missing = self.github.secrets_missing(self.target, &settings)?;
        drop(bar);
        secrets::gather(&missing, &mut values, self.world)?;
        let bar = self.world.terminal.bar("mending");
        let total = settings.len() as u64;
        let progress = |done: usize, words: &str| self.world.terminal.progress(done as u64, total, words);
        let wish = SettingsRequest {
            target: self.target,
            settings: &settings,
            fresh: None,
            create_teams: arguments.create_teams,
            lower: if arguments.lower { Lower::Yes } else { Lower::No },
            secrets: Some(&values),
        };
        let made = self.github.make(&wish, &progress);
        drop(bar);
        self.github.interrupt().check().map_err(ForgeError::from)?;
        self.mended(&settings, made)
    }

    /// Says how mending went.
    fn mended(&self, settings: &[Setting], made: Vec<SettingOutcome>) -> Result<(), Failure> {
        let (mut told, mut lines, mut left, mut kept) = (Vec::new(), Vec::new(), 0, 0);
        for (setting, made) in settings.iter().zip(made) {
            let words = setting.words();
            match made {
                SettingOutcome::Done | SettingOutcome::AlreadySo => {
                    lines.push(format!("  mended: {words}"));
                    told.push(json!({"setting": words, "status": "done"}));
                }
                SettingOutcome::Kept(error) => {
                    kept += 1;
                    lines.push(format!("  kept: {words}: {error}"));
                    told.push(json!({"setting": words, "status": "kept", "error": error.to_string()}));
                }
                SettingOutcome::Failed(error) | SettingOutcome::Left(error) => {
                    left += 1;
                    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                    lines.push(format!("  left: {words}: {error}{hint}"));
                    told.push(
                        json!({"setting": words, "status": "failed", "error": error.to_string(), "hint": error.hint()}),
                    );
                }
            }
        }
        let document = self.document("mended", told);
        if left == 0 && kept == 0 {
            self.done(&format!("{}\n{}", self.page, lines.join("\n")), document);
            return Ok(());
        }
        if !self.world.terminal.json() {
            self.world.terminal.result(&format!("{}\n{}", self.page, lines.join("\n")));
        }
        let page = self.page.to_owned();
        Err(match left {
            0 => CheckError::Stricter { page, count: kept, document },
            _ => CheckError::Unmended { page, count: left, document },
        }
        .into())
    }

    fn document(&self, key: &str, told: Vec<Value>) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("repository".to_owned(), self.page.into());
        document.insert("settings".to_owned(), self.settings.len().into());
        document.insert(key.to_owned(), told.into());
        document
    }

    fn done(&self, text: &str, document: Map<String, Value>) {
        if self.world.terminal.json() {
            self.world.terminal.result_json(&document);
        } else {
            self.world.terminal.result(text);
        }
    }
}
