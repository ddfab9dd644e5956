//! A new repository on the forge: what is there, whose it is, and the steps that remain.

use std::path::Path;

use super::open;
use super::place::{LocationError, NameClaim};
use super::plan::{Configure, CreateStep, PushStep, Step};
use super::push::Commits;
use crate::error::Failure;
use crate::forge::github::{self, ForgeError, Github, HostedRepository, Lower, Reservation};
use crate::git::sign::Signing;
use crate::model::name::ApiName;
use crate::model::record::{Record, RecordState};
use crate::model::repository::{NewRepository, OwnerKind, RepositorySlug, Visibility};
use crate::model::setting::Setting;
use crate::model::settings::Settings;
use crate::world::World;

/// What is on the screen meanwhile.
const ASKING: &str = "asking GitHub what is there";

/// How a new repository is to be hosted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hosting<'h> {
    /// The organisation or user that owns it.
    pub(crate) owner: &'h str,
    pub(crate) visibility: Visibility,
    /// Whether missing teams are made.
    pub(crate) create_teams: bool,
    /// Whether to push over ssh.
    pub(crate) ssh: bool,
}

/// The forge that a new repository is for.
pub(crate) struct HostingTarget<'f> {
    /// None for a dry run without a token: then nothing is asked.
    pub(crate) github: Option<Github>,
    server: github::Server,
    hosting: Hosting<'f>,
    world: &'f World,
}

/// What was seen there.
pub(crate) struct Surveyed {
    target: RepositorySlug,
    kind: OwnerKind,
    found: Option<HostedRepository>,
    /// The repository's page, which its record names.
    pub(crate) page: String,
}

/// The repository there, as it is and as it is to be.
pub(crate) struct Hosted {
    new: NewRepository,
    found: Option<HostedRepository>,
    claim: Option<Reservation>,
    /// The id of the first commit's tree.
    tree: String,
    /// Whether the first commit is there.
    pub(crate) is_pushed: bool,
    /// The commit that is there.
    first: Option<github::CommitSeen>,
    /// What is stricter there stays; what an earlier run of ours has begun is completed.
    lower: Lower,
    settings: Vec<Setting>,
    page: String,
}

impl<'f> HostingTarget<'f> {
    /// # Errors
    /// Without a token, unless it is for a dry run.
    pub(crate) fn open(hosting: Hosting<'f>, dry_run: bool, world: &'f World) -> Result<Self, Failure> {
        let server = open::github::server(world)?;
        let github = match open::github::open(hosting.owner, world) {
            Ok(github) => Some(github),
            Err(failure) if dry_run => {
                world.terminal.warn(&format!("GitHub is not asked what is there: {failure}"));
                None
            }
            Err(failure) => return Err(failure),
        };
        Ok(Self { github, server, hosting, world })
    }

    /// Looks at owner, repository and token, all at once.
    pub(crate) fn survey(&self, name: &ApiName) -> Result<Surveyed, Failure> {
        let Hosting { owner, visibility, .. } = self.hosting;
        let mut target = RepositorySlug { owner: owner.to_owned(), name: name.to_string() };
        let Some(github) = &self.github else {
            let page = self.server.page(&target);
            return Ok(Surveyed { target, kind: OwnerKind::Organisation, found: None, page });
        };
        let _bar = self.world.terminal.bar(ASKING);
        let survey = github.survey(&target);
        let owner = survey.owner?.ok_or_else(|| ForgeError::NoOwner { name: owner.to_owned() })?;
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

    /// Decides what is to be done.
    ///
    /// # Errors
    /// When the repository there is not ours, or was made of something else than `tree`, the id of the tree of the
    /// first commit.
    pub(crate) fn judge(
        &self,
        surveyed: Surveyed,
        standing: &NameClaim,
        settings: Settings,
        tree: String,
    ) -> Result<Hosted, Failure> {
        let Surveyed { target, kind, found, page } = surveyed;
        let claim = match standing {
            NameClaim::Ours(record) => Some(Reservation {
                id: record.repository.id,
                reserved: record.history.first().and_then(|change| change.date.parse().ok()),
            }),
            NameClaim::Free => None,
        };
        let (description, homepage) = (settings.description.clone(), settings.homepage.clone());
        let new = NewRepository { target, kind, visibility: self.hosting.visibility, description, homepage };
        let is_active = matches!(standing, NameClaim::Ours(record) if record.state == RecordState::Active);
        let (is_pushed, first) = match (&found, &self.github) {
            (Some(found), Some(github)) => {
                let _bar = self.world.terminal.bar(ASKING);
                // A foreign repository is not looked into.
                let content = if claim.is_some() { github.content(&new.target)? } else { github::Content::Empty };
                match github::ownership(claim, &new, found, &content, &tree) {
                    github::Ownership::Ours { pushed } => (pushed, content.commit()),
                    github::Ownership::Differs => return Err(LocationError::DiffersThere(page).into()),
                    github::Ownership::Foreign(why) => return Err(github.foreign(&new.target, why).into()),
                }
            }
            _ if is_active && self.github.is_some() => return Err(ForgeError::Gone { page }.into()),
            _ => (false, None),
        };
        let visibility = found.as_ref().map_or(new.visibility, |found| found.visibility);
        let settings = open::github::fitting(open::github::on_main(settings), kind, visibility, self.world);
        let lower = if is_active { Lower::No } else { Lower::Unfinished };
        Ok(Hosted { new, found, claim, tree, is_pushed, first, lower, settings, page })
    }

    /// The steps that remain on the forge for the repository of `record`, which is or will be in `folder`.
    pub(crate) fn steps(&self, hosted: &Hosted, record: &Record, folder: &Path) -> Vec<Step> {
        let Hosting { create_teams, ssh, .. } = self.hosting;
        let (target, page) = (hosted.new.target.clone(), hosted.page.clone());
        let mut steps = Vec::new();
        if hosted.found.is_none() {
            let (new, claim, tree) = (hosted.new.clone(), hosted.claim, hosted.tree.clone());
            steps.push(Step::Create(CreateStep { new, claim, tree, record: Box::new(record.clone()) }));
        }
        if !hosted.is_pushed {
            let (target, url, folder) = (target.clone(), self.address(hosted), folder.to_owned());
            let (commits, is_there) = (Commits::First, false);
            steps.push(Step::Push(PushStep { target, page, url, ssh, folder, commits, is_there }));
        }
        if !hosted.settings.is_empty() {
            let (settings, lower) = (hosted.settings.clone(), hosted.lower);
            steps.push(Step::Configure(Configure { target, settings, create_teams, lower }));
        }
        steps
    }

    /// The address for git, when the repository is there.
    pub(crate) fn address(&self, hosted: &Hosted) -> Option<String> {
        let found = hosted.found.as_ref()?;
        Some(if self.hosting.ssh { found.ssh_url.clone() } else { found.clone_url.clone() })
    }
}

impl Hosted {
    /// How the first commit is signed, if it is there: a signature made now would make it another commit.
    pub(crate) fn signing(&self) -> Option<Signing> {
        let first = self.first.as_ref()?;
        Some(first.signature.clone().map_or(Signing::No, Signing::Known))
    }

    /// The forge's number for the repository, when it is there.
    pub(crate) fn id(&self) -> Option<u64> {
        self.found.as_ref().map(|found| found.id)
    }
}
