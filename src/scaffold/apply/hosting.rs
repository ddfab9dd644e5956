//! The steps that are done on a forge.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Went;
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{
    Claim, ForgeError, Found, Github, Lower, Made, PauseReason, Secrets, Standing, Unclear, Wish, standing,
};
use crate::git::publish::{self, Network, Publish, PublishError};
use crate::model::repository::{NewRepository, Target};
use crate::model::setting::Setting;
use crate::scaffold::plan::Status;
use crate::world::World;

/// How often a push that met a fault is tried.
const TRIES: u32 = 4;

/// A forge, and what is known of the repository there.
pub(crate) struct Hosting<'h> {
    /// The forge.
    pub(crate) github: &'h Github,
    /// The repository's owner and name.
    pub(crate) target: Target,
    /// The repository, when it is there and ours.
    pub(crate) found: Option<Found>,
    /// What our record says of it; none when the registry had no record before this run.
    pub(crate) claim: Option<Claim>,
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

/// The API gives an address that is not the forge's own.
#[derive(Debug, thiserror::Error)]
#[error("GitHub gives `{url}` as the address to push to, which is on another server than `{home}`")]
struct Elsewhere {
    url: String,
    home: String,
}

impl Blame for Elsewhere {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hint(&self) -> Option<String> {
        Some("set `GITHUB_SERVER_URL` to the server that belongs to `GITHUB_API_URL`, or push with `--ssh`".to_owned())
    }
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
        let now = Claim { id: None, reserved: Some(jiff::Timestamp::now()) };
        let is_ours = |found: &Found, Unclear(unclear): Unclear| {
            let Some(claim) = claim.or(unclear.then_some(now)) else { return Ok(false) };
            let content = self.github.content(&self.target)?;
            Ok(matches!(standing(Some(claim), new, found, &content, &self.tree), Standing::Ours { .. }))
        };
        let (found, made) = self.github.create(new, &is_ours)?;
        self.found = Some(found);
        self.fresh = made;
        Ok(if made { Status::Done } else { Status::AlreadySo })
    }

    /// Pushes the first commit from `staging`, or from the repository that is in place.
    pub(crate) fn push(&self, staging: Option<&Path>) -> Result<Status, Failure> {
        let Some(found) = &self.found else { return Ok(Status::AlreadySo) };
        let url = if self.ssh { &found.ssh_url } else { &found.clone_url };
        let place = self.github.place();
        if !self.ssh && !place.is_home_of(url) {
            return Err(Elsewhere { url: url.clone(), home: place.host().to_owned() }.into());
        }
        let folder = staging.unwrap_or(&self.folder);
        let mut attempt = 0;
        while let Err(error) = self.push_once(folder, url)? {
            attempt += 1;
            let settling = self.github.settling(&self.target);
            let pause = Duration::from_secs(1 << attempt.min(4)).mul_f64(0.5 + fastrand::f64() / 8.0);
            if error.is_not_there() && !settling.is_zero() {
                self.github.pause(pause.min(settling), PauseReason::Settling)?;
            } else if error.may_pass() && attempt < TRIES {
                self.github.pause(pause, PauseReason::Fault)?;
            } else {
                return Err(error.into());
            }
        }
        publish::connect(folder, url)?;
        Ok(Status::Done)
    }

    /// One push; the inner result is its end. A token that is refused is renewed once.
    fn push_once(&self, folder: &Path, url: &str) -> Result<Result<(), PublishError>, ForgeError> {
        let mut renewed = false;
        loop {
            let token = if self.ssh { None } else { Some(self.github.token()?) };
            let network = Network { token: token.clone(), ..self.network.clone() };
            let request = Publish { folder: folder.to_owned(), url: url.to_owned(), network };
            let pushed = self.github.interrupt().race(move || publish::publish(&request))?;
            match (&pushed, token) {
                (Err(error), Some(token)) if error.is_refused_token() && !renewed && self.github.renew(&token) => {
                    renewed = true;
                }
                _ => return Ok(pushed),
            }
        }
    }

    /// Makes the settings so. Beside how each went, what stopped them all, if something did.
    pub(crate) fn configure(&self, settings: &[Setting], world: &World) -> (Vec<Went>, Option<Failure>) {
        let total = settings.len() as u64;
        let progress = |done: usize, words: &str| world.terminal.progress(done as u64, total, words);
        let fresh = self.found.as_ref().filter(|_| self.fresh).map(|found| &found.body);
        let wish = Wish {
            target: &self.target,
            settings,
            fresh,
            create_teams: self.create_teams,
            lower: self.lower,
            secrets: Some(&self.secrets),
        };
        let made = self.github.make(&wish, &progress);
        for (setting, made) in settings.iter().zip(&made) {
            if let Made::Kept(error) = made {
                let hint = error.hint().unwrap_or_default();
                world.terminal.warn(&format!("{}: {error}; {hint}", setting.words()));
            }
        }
        let interrupted = made.iter().any(|made| {
            matches!(made, Made::Failed(ForgeError::Interrupted(_)) | Made::Left(ForgeError::Interrupted(_)))
        });
        let stopped = interrupted.then(|| self.github.interrupt().check().err()).flatten();
        let went = settings.iter().zip(made).map(|(setting, made)| went(setting, made)).collect();
        (went, stopped.map(|stopped| ForgeError::from(stopped).into()))
    }
}

fn went(setting: &Setting, made: Made) -> Went {
    let (status, failure): (_, Option<ForgeError>) = match made {
        Made::Done => (Status::Done, None),
        Made::AlreadySo => (Status::AlreadySo, None),
        // It was told; the template asks for less.
        Made::Kept(error) => (Status::AlreadySo, Some(error)),
        Made::Failed(error @ ForgeError::NoValue { .. }) => (Status::Waiting, Some(error)),
        Made::Failed(error) => (Status::Failed, Some(error)),
        Made::Left(error @ ForgeError::NoEnvironment { .. }) => (Status::Left, Some(error)),
        Made::Left(_) => (Status::Left, None),
    };
    Went { step: "configure", words: setting.words(), status, failure: failure.map(Failure::from) }
}
