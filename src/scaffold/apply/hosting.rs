//! The steps that are done on a forge.

use std::path::{Path, PathBuf};

use super::Went;
use crate::error::{Blame as _, Failure};
use crate::forge::github::{
    ForgeError, Github, HostedRepository, Lower, Ownership, Reservation, Secrets, SettingOutcome, SettingsRequest,
    Unclear, ownership,
};
use crate::git::publish::{self, Network};
use crate::model::repository::{NewRepository, Target};
use crate::model::setting::Setting;
use crate::scaffold::plan::Status;
use crate::scaffold::push::{Commits, Remote};
use crate::world::World;

/// A forge, and what is known of the repository there.
pub(crate) struct Hosting<'h> {
    /// The forge.
    pub(crate) github: &'h Github,
    /// The repository's owner and name.
    pub(crate) target: Target,
    /// The repository, when it is there and ours.
    pub(crate) found: Option<HostedRepository>,
    /// What our record says of it; none when the registry had no record before this run.
    pub(crate) claim: Option<Reservation>,
    /// The id of the first commit's tree.
    pub(crate) tree: String,
    /// Values of secrets.
    pub(crate) secrets: Secrets,
    /// Whether missing teams are made.
    pub(crate) create_teams: bool,
    /// Whether to push over ssh.
    pub(crate) ssh: bool,
    /// How to reach the remote, without a token.
    pub(crate) network: Network,
    /// Where the repository is on this machine, when it is there already.
    pub(crate) folder: PathBuf,
    /// Whether this run made the repository.
    pub(crate) fresh: bool,
    /// Whether what is stricter there is lowered.
    pub(crate) lower: Lower,
}

impl Hosting<'_> {
    /// The forge's number for the repository.
    pub(crate) fn id(&self) -> Option<u64> {
        self.found.as_ref().map(|found| found.id)
    }

    /// Whether the repository is there: from now on a failure leaves something unfinished.
    pub(crate) fn is_touched(&self) -> bool {
        self.found.is_some()
    }

    pub(crate) fn create(&mut self, new: &NewRepository) -> Result<Status, Failure> {
        // Without a record of an earlier run only a call of this one, whose answer got lost, can have made it.
        let claim = self.claim;
        let now = Reservation { id: None, reserved: Some(jiff::Timestamp::now()) };
        let is_ours = |found: &HostedRepository, Unclear(unclear): Unclear| {
            let Some(claim) = claim.or(unclear.then_some(now)) else { return Ok(false) };
            let content = self.github.content(&self.target)?;
            Ok(matches!(ownership(Some(claim), new, found, &content, &self.tree), Ownership::Ours { .. }))
        };
        let (found, made) = self.github.create(new, &is_ours)?;
        self.found = Some(found);
        self.fresh = made;
        Ok(if made { Status::Done } else { Status::AlreadySo })
    }

    /// Pushes the first commit from `staging`, or from the repository that is in place.
    pub(crate) fn push(&self, staging: Option<&Path>) -> Result<Status, Failure> {
        let Some(found) = &self.found else { return Ok(Status::AlreadySo) };
        let remote = Remote {
            github: self.github,
            target: &self.target,
            url: self.url(found),
            network: &self.network,
            ssh: self.ssh,
        };
        let folder = staging.unwrap_or(&self.folder);
        remote.push(folder, &Commits::First)?;
        self.connect(folder)?;
        Ok(Status::Done)
    }

    /// Lets the repository in `folder` know where it is shared. An earlier run may have pushed it from another folder.
    pub(crate) fn connect(&self, folder: &Path) -> Result<(), Failure> {
        match &self.found {
            Some(found) => Ok(publish::connect(folder, self.url(found))?),
            None => Ok(()),
        }
    }

    fn url<'f>(&self, found: &'f HostedRepository) -> &'f str {
        if self.ssh { &found.ssh_url } else { &found.clone_url }
    }

    /// Makes the settings so. Beside how each went, what stopped them all, if something did.
    pub(crate) fn configure(&self, settings: &[Setting], world: &World) -> (Vec<Went>, Option<Failure>) {
        let total = settings.len() as u64;
        let progress = |done: usize, words: &str| world.terminal.progress(done as u64, total, words);
        let fresh = self.found.as_ref().filter(|_| self.fresh).map(|found| &found.body);
        let wish = SettingsRequest {
            target: &self.target,
            settings,
            fresh,
            create_teams: self.create_teams,
            lower: self.lower,
            secrets: Some(&self.secrets),
        };
        let made = self.github.make(&wish, &progress);
        for (setting, made) in settings.iter().zip(&made) {
            if let SettingOutcome::Kept(error) = made {
                let hint = error.hint().unwrap_or_default();
                world.terminal.warn(&format!("{}: {error}; {hint}", setting.words()));
            }
        }
        let interrupted = made.iter().any(|made| {
            matches!(
                made,
                SettingOutcome::Failed(ForgeError::Interrupted(_)) | SettingOutcome::Left(ForgeError::Interrupted(_))
            )
        });
        let stopped = interrupted.then(|| self.github.interrupt().check().err()).flatten();
        let went = settings.iter().zip(made).map(|(setting, made)| went(setting, made)).collect();
        (went, stopped.map(|stopped| ForgeError::from(stopped).into()))
    }
}

fn went(setting: &Setting, made: SettingOutcome) -> Went {
    let (status, failure): (_, Option<ForgeError>) = match made {
        SettingOutcome::Done => (Status::Done, None),
        SettingOutcome::AlreadySo => (Status::AlreadySo, None),
        // It was told; the template asks for less.
        SettingOutcome::Kept(error) => (Status::AlreadySo, Some(error)),
        SettingOutcome::Failed(error @ ForgeError::NoValue { .. }) => (Status::Waiting, Some(error)),
        SettingOutcome::Failed(error) => (Status::Failed, Some(error)),
        SettingOutcome::Left(error @ ForgeError::NoEnvironment { .. }) => (Status::Left, Some(error)),
        SettingOutcome::Left(_) => (Status::Left, None),
    };
    Went { step: "configure", words: setting.words(), status, failure: failure.map(Failure::from) }
}
