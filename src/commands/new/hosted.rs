//! The forge's part of the decision: what is there, whose it is, and what is left to do.

use crate::cli::NewArgs;
use crate::error::Failure;
use crate::forge::github::call::Call;
use crate::forge::github::{
    self, ForgeError, Github, HostedRepository, Lower, Reservation, SettingOutcome, SettingPreview, SettingsRequest,
};
use crate::git::publish::{Network, REFERENCES};
use crate::model::name::ApiName;
use crate::model::record::State;
use crate::model::repository::{NewRepository, OwnerKind, Target, Visibility};
use crate::model::setting::Setting;
use crate::model::settings::{Secret, Settings};
use crate::scaffold::open;
use crate::scaffold::place::{InTheWay, Standing};
use crate::scaffold::plan::Step;
use crate::world::World;

/// What is on the screen meanwhile.
const ASKING: &str = "asking GitHub what is there";

/// The forge that the command line asks for.
pub(super) struct Forge {
    /// None for a dry run without a token: then nothing is asked.
    pub(super) github: Option<Github>,
    /// How git reaches it, without a token.
    pub(super) network: Network,
    server: github::Server,
    owner: String,
}

/// What was seen there.
pub(super) struct Surveyed {
    target: Target,
    kind: OwnerKind,
    found: Option<HostedRepository>,
    /// The repository's page, which its record names.
    pub(super) page: String,
}

/// What the repository is to be.
pub(super) struct Wanted {
    pub(super) settings: Settings,
    pub(super) visibility: Visibility,
    /// The id of the first commit's tree.
    pub(super) tree: String,
}

/// The repository there, as it is and as it is to be.
pub(super) struct Hosted {
    pub(super) new: NewRepository,
    pub(super) found: Option<HostedRepository>,
    pub(super) claim: Option<Reservation>,
    /// The id of the first commit's tree.
    pub(super) tree: String,
    /// Whether the first commit is there.
    pub(super) pushed: bool,
    /// What is stricter there stays; what an earlier run of ours has begun is completed.
    pub(super) lower: Lower,
    settings: Vec<Setting>,
    /// What a dry run shows of each setting.
    rehearsed: Vec<SettingPreview>,
    clone_url: String,
}

impl Forge {
    /// None without `--owner`.
    pub(super) fn open(arguments: &NewArgs, world: &World) -> Result<Option<Self>, Failure> {
        let Some(owner) = open::github::owner(arguments.hosting.owner.as_ref(), world)? else { return Ok(None) };
        let server = open::github::server(world)?;
        let github = match open::github::open(&owner, world) {
            Ok(github) => Some(github),
            Err(failure) if arguments.dry_run => {
                world.terminal.warn(&format!("GitHub is not asked what is there: {failure}"));
                None
            }
            Err(failure) => return Err(failure),
        };
        Ok(Some(Self { github, network: open::github::network(world)?, server, owner }))
    }

    /// Looks at owner, repository and token, all at once.
    pub(super) fn survey(&self, name: &ApiName, visibility: Visibility, world: &World) -> Result<Surveyed, Failure> {
        let mut target = Target { owner: self.owner.clone(), name: name.to_string() };
        let Some(github) = &self.github else {
            let page = self.server.page(&target);
            return Ok(Surveyed { target, kind: OwnerKind::Organisation, found: None, page });
        };
        let _bar = world.terminal.bar(ASKING);
        let survey = github.survey(&target, &[]);
        let owner = survey.owner?.ok_or_else(|| ForgeError::NoOwner { name: self.owner.clone() })?;
        if owner.kind == OwnerKind::User {
            let login = survey.asker?.login;
            if login.is_none_or(|login| !login.eq_ignore_ascii_case(&owner.login)) {
                return Err(ForgeError::NotYours { owner: owner.login }.into());
            }
            if visibility == Visibility::Internal {
                return Err(ForgeError::NotInternal { owner: owner.login }.into());
            }
        }
        target.owner = owner.login;
        let page = self.server.page(&target);
        Ok(Surveyed { kind: owner.kind, found: survey.repository?, page, target })
    }

    /// Decides what is to be done; a repository that is not ours ends it here.
    pub(super) fn judge(
        &self,
        surveyed: Surveyed,
        standing: &Standing,
        Wanted { settings, visibility, tree }: Wanted,
        world: &World,
    ) -> Result<Hosted, Failure> {
        let Surveyed { target, kind, found, page } = surveyed;
        let claim = match standing {
            Standing::Ours(record) => Some(Reservation {
                id: record.repository.id,
                reserved: record.history.first().and_then(|change| change.date.parse().ok()),
            }),
            Standing::Free => None,
        };
        let new = NewRepository {
            target,
            kind,
            visibility,
            description: settings.description.clone(),
            homepage: settings.homepage.clone(),
        };
        let is_active = matches!(standing, Standing::Ours(record) if record.state == State::Active);
        let pushed = match (&found, &self.github) {
            (Some(found), Some(github)) => {
                let _bar = world.terminal.bar(ASKING);
                // A foreign repository is not looked into.
                let content = if claim.is_some() { github.content(&new.target)? } else { github::Content::Empty };
                match github::ownership(claim, &new, found, &content, &tree) {
                    github::Ownership::Ours { pushed } => pushed,
                    github::Ownership::Differs => return Err(InTheWay::DiffersThere(page).into()),
                    github::Ownership::Foreign(why) => return Err(github.foreign(&new.target, why).into()),
                }
            }
            _ if is_active && self.github.is_some() => return Err(ForgeError::Gone { page }.into()),
            _ => false,
        };
        let visibility = found.as_ref().map_or(visibility, |found| found.visibility);
        let settings = open::github::fitting(open::github::on_main(settings), kind, visibility, world);
        let clone_url = found.as_ref().map_or_else(|| format!("{page}.git"), |found| found.clone_url.clone());
        let lower = if is_active { Lower::No } else { Lower::Unfinished };
        Ok(Hosted { new, found, claim, tree, pushed, lower, settings, rehearsed: Vec::new(), clone_url })
    }

    /// Secrets that the repository does not have.
    pub(super) fn secrets_missing(&self, hosted: &Hosted, world: &World) -> Result<Vec<Secret>, Failure> {
        let _bar = world.terminal.bar(ASKING);
        match (&self.github, &hosted.found) {
            (Some(github), Some(_)) => Ok(github.secrets_missing(&hosted.new.target, &hosted.settings)?),
            _ => Ok(hosted.settings.iter().filter_map(secret).cloned().collect()),
        }
    }

    /// Adds what would be done about each setting.
    pub(super) fn rehearse(&self, hosted: &mut Hosted, create_teams: bool, world: &World) -> Result<(), Failure> {
        let _bar = world.terminal.bar(ASKING);
        let made = hosted.found.is_none().then(|| github::as_made(&hosted.new));
        let wish = SettingsRequest {
            target: &hosted.new.target,
            settings: &hosted.settings,
            fresh: made.as_ref(),
            create_teams,
            lower: hosted.lower,
            secrets: None,
        };
        hosted.rehearsed = github::rehearse(self.github.as_ref(), &wish);
        for SettingPreview { made, .. } in &hosted.rehearsed {
            if let SettingOutcome::Failed(error) = made
                && error.ends_all()
            {
                return Err(error.clone().into());
            }
        }
        match &self.github {
            Some(github) => Ok(github.interrupt().check().map_err(ForgeError::from)?),
            None => Ok(()),
        }
    }
}

fn secret(setting: &Setting) -> Option<&Secret> {
    match setting {
        Setting::Secret(secret) => Some(secret),
        _ => None,
    }
}

impl Hosted {
    /// What is to be done there.
    pub(super) fn steps(&self, page: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.found.is_none() {
            steps.push(Step::Create { new: self.new.clone() });
        }
        if !self.pushed {
            steps.push(Step::Push { page: page.to_owned() });
        }
        if !self.settings.is_empty() {
            steps.push(Step::Configure { settings: self.settings.clone() });
        }
        steps
    }

    /// The calls of a step, as far as they are GitHub's API.
    pub(super) fn calls(&self, step: &Step) -> Vec<Call> {
        match step {
            Step::Create { new } => vec![github::create_call(new)],
            Step::Configure { .. } => self.rehearsed.iter().flat_map(|one| one.calls.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// The settings of a step that would not be made, in words, and why.
    pub(super) fn failing(&self, step: &Step) -> Vec<(String, &ForgeError)> {
        let Step::Configure { settings } = step else { return Vec::new() };
        let failing = settings.iter().zip(&self.rehearsed).filter_map(|(setting, one)| match &one.made {
            SettingOutcome::Failed(error) | SettingOutcome::Left(error) => Some((setting.words(), error)),
            SettingOutcome::Done | SettingOutcome::AlreadySo | SettingOutcome::Kept(_) => None,
        });
        failing.collect()
    }

    /// The settings of a step that are stricter there and would be left so, in words, and how.
    pub(super) fn kept(&self, step: &Step) -> Vec<(String, &ForgeError)> {
        let Step::Configure { settings } = step else { return Vec::new() };
        let kept = settings.iter().zip(&self.rehearsed).filter_map(|(setting, one)| match &one.made {
            SettingOutcome::Kept(error) => Some((setting.words(), error)),
            _ => None,
        });
        kept.collect()
    }

    /// What git is told to do.
    pub(super) fn push_words(&self) -> String {
        format!("git push {} {}", self.clone_url, REFERENCES.join(" "))
    }
}
