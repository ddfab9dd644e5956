//! Making settings so: read at the same time, compare, write one after the other, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::Github;
use super::call::{Answer, Call, Method, path};
use super::error::ForgeError;
use super::fields::{self, FieldType};
use super::observed::{Observed, SettingSource};
use super::permissions::Permissions;
use super::retry::{PauseReason, backoff};
use super::setting::{self, Lower, SecretScope, SettingContext};
use crate::forge::Forge;
use crate::model::repository::RepositorySlug;
use crate::model::setting::{Difference, Setting};
use crate::model::settings::Secret;
use crate::model::token::Token;

/// How often a call whose effect is unclear is looked after and made again.
const TRIES: u32 = 4;
/// How often a setting that was written and is not seen yet is looked at again.
const LOOKS: u32 = 4;

/// What is to be made so.
pub struct SettingsRequest<'w> {
    pub target: &'w RepositorySlug,
    pub settings: &'w [Setting],
    /// GitHub's answer when this run made the repository: there is nothing in it to be compared with yet.
    pub fresh: Option<&'w Value>,
    /// Whether teams that are missing are made.
    pub create_teams: bool,
    /// Whether what is stricter than asked for is lowered.
    pub lower: Lower,
    /// The values of secrets; none: names stand for what only GitHub knows, as in a dry run.
    pub secrets: Option<&'w Secrets>,
}

/// The values of secrets, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Secrets(BTreeMap<SecretScope, Token>);

impl Secrets {
    /// Whether the value is known.
    pub fn has(&self, secret: &Secret) -> bool {
        self.0.contains_key(&setting::scope(secret))
    }

    /// Keeps the value of a secret.
    pub fn put(&mut self, secret: &Secret, value: Token) {
        self.0.insert(setting::scope(secret), value);
    }
}

/// The result of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingOutcome {
    /// It was written, and GitHub shows it so.
    Done,
    /// It was so before.
    AlreadySo,
    /// It is so, or was made so, except for what is stricter there.
    Kept(ForgeError),
    /// It is not so.
    Failed(ForgeError),
    /// It was not tried: after what happened to one before it nothing can succeed.
    Left(ForgeError),
}

impl Github {
    /// Makes each setting so, and tells of each how it went, in their order. One that fails does not stop the others,
    /// unless nothing more can be done at all. `progress` hears of each before it is made: how many are done, and in
    /// words.
    pub fn make(&self, wish: &SettingsRequest<'_>, progress: &dyn Fn(usize, &str)) -> Vec<SettingOutcome> {
        let needed = Permissions::to_write(wish.settings, wish.create_teams);
        let github = self.narrowed(needed, Some(wish.target));
        let mut making = Making::new(&github, wish);
        let one = |(done, one): (usize, &Setting)| {
            progress(done, &one.words());
            making.next(one)
        };
        let mut all: Vec<SettingOutcome> = wish.settings.iter().enumerate().map(one).collect();
        progress(all.len(), "reading everything back");
        if making.has_written {
            making.verify(&mut all);
        }
        all
    }

    /// Where a repository is not as these settings want it: for each that differs or cannot be read its place in the
    /// list.
    pub fn compare(
        &self,
        target: &RepositorySlug,
        settings: &[Setting],
    ) -> Vec<(usize, Result<Vec<Difference>, ForgeError>)> {
        let observed = look_at(&self.reading(target, settings), target, settings.iter());
        let all = settings.iter().map(|one| setting::differences(one, &observed)).enumerate();
        all.filter(|(_, found)| !matches!(found, Ok(differences) if differences.is_empty())).collect()
    }

    /// To read these settings of a repository.
    pub(super) fn reading<'s>(&self, target: &RepositorySlug, settings: impl IntoIterator<Item = &'s Setting>) -> Self {
        self.narrowed(Permissions::to_read(settings), Some(target))
    }

    /// The secrets of these settings that a repository does not have yet, as far as that can be seen.
    pub fn secrets_missing(&self, target: &RepositorySlug, settings: &[Setting]) -> Result<Vec<Secret>, ForgeError> {
        let mut missing = Vec::new();
        let secrets = settings.iter().filter(|one| matches!(one, Setting::Secret(_)));
        let observed = look_at(&self.reading(target, secrets.clone()), target, secrets.clone());
        for one in secrets {
            let Setting::Secret(secret) = one else { continue };
            match setting::differences(one, &observed) {
                Ok(differences) if differences.is_empty() => {}
                Ok(_) => missing.push(secret.clone()),
                Err(error) if error.ends_all() => return Err(error),
                // It is told when its turn comes; the other settings do not wait for it.
                Err(_) => {}
            }
        }
        Ok(missing)
    }
}

/// Reads everything that is needed to compare these settings.
fn look_at<'s>(
    forge: &dyn Forge,
    target: &RepositorySlug,
    settings: impl Iterator<Item = &'s Setting> + Clone,
) -> Observed {
    let mut observed = forge.observe(target, settings.clone().flat_map(setting::readings).collect());
    let deeper: BTreeSet<SettingSource> = settings.filter_map(|one| setting::deeper(one, &observed)).collect();
    if !deeper.is_empty() {
        observed.extend(forge.observe(target, deeper));
    }
    observed
}

/// Making one setting after the other.
pub(super) struct Making<'m> {
    forge: &'m dyn Forge,
    wish: &'m SettingsRequest<'m>,
    observed: Observed,
    /// Environments that could not be made: GitHub answers 404 to all that is in them, which would be waited out.
    unmade: BTreeSet<String>,
    /// After this nothing more can succeed.
    end: Option<ForgeError>,
    /// What makes something and got no answer, or made it before: this run does not send it again.
    lost: Vec<Call>,
    has_written: bool,
}

impl<'m> Making<'m> {
    /// Looks at what is there.
    pub(super) fn new(forge: &'m dyn Forge, wish: &'m SettingsRequest<'m>) -> Self {
        let mut making = Self {
            forge,
            wish,
            observed: Observed::default(),
            unmade: BTreeSet::new(),
            end: None,
            lost: Vec::new(),
            has_written: false,
        };
        if let Some(repository) = wish.fresh {
            making.observed.put(SettingSource::Repository, repository.clone());
            let teams = wish.settings.iter().flat_map(setting::teams);
            making.look(teams.map(|slug| SettingSource::Team(slug.to_owned())).collect());
        } else {
            making.look_at(wish.settings.iter());
        }
        making
    }

    /// Makes the next setting so, unless that is hopeless.
    pub(super) fn next(&mut self, one: &Setting) -> SettingOutcome {
        if let Some(error) = &self.end {
            return SettingOutcome::Left(error.clone());
        }
        // What was read at the beginning may end all before anything is written.
        let made = self.observed.end().map_or_else(|| self.one(one), SettingOutcome::Failed);
        if let SettingOutcome::Failed(error) = &made {
            self.unmade.extend(setting::makes_environment(one).map(str::to_owned));
            self.end = error.ends_all().then(|| error.clone());
        }
        made
    }

    fn look(&mut self, readings: BTreeSet<SettingSource>) {
        let unread: BTreeSet<SettingSource> =
            readings.into_iter().filter(|reading| !self.observed.has(reading)).collect();
        if !unread.is_empty() {
            self.observed.extend(self.forge.observe(self.wish.target, unread));
        }
    }

    fn look_at<'s>(&mut self, settings: impl Iterator<Item = &'s Setting> + Clone) {
        self.observed.extend(look_at(self.forge, self.wish.target, settings));
    }

    fn one(&mut self, one: &Setting) -> SettingOutcome {
        if let Some(name) = setting::environment(one).filter(|name| self.unmade.contains(*name)) {
            return SettingOutcome::Left(ForgeError::NoEnvironment { name: name.to_owned() });
        }
        let (open, kept) = match setting::differences(one, &self.observed) {
            Ok(differences) => self.sorted(differences),
            Err(error) => return SettingOutcome::Failed(error),
        };
        let is_open = !open.is_empty();
        match if is_open { self.prepare(one).and_then(|()| self.write(one)) } else { Ok(()) } {
            Err(error) => SettingOutcome::Failed(error),
            Ok(()) if !kept.is_empty() => SettingOutcome::Kept(ForgeError::Stricter(words(&kept))),
            Ok(()) if is_open => SettingOutcome::Done,
            Ok(()) => SettingOutcome::AlreadySo,
        }
    }

    /// What must be fixed, and what is kept because it is stricter.
    fn sorted(&self, differences: Vec<Difference>) -> (Vec<Difference>, Vec<Difference>) {
        differences.into_iter().partition(|difference| self.wish.lower.allows(difference))
    }

    /// Reads, and makes, what must be there before the setting can be written.
    fn prepare(&mut self, one: &Setting) -> Result<(), ForgeError> {
        if let (Setting::Secret(secret), Some(secrets)) = (one, self.wish.secrets) {
            if !secrets.has(secret) {
                return Err(ForgeError::NoValue { variable: secret.variable() });
            }
            // All keys at once, at the first secret: by then every environment is made.
            let is_made = |one: &&Setting| setting::environment(one).is_none_or(|name| !self.unmade.contains(name));
            let scopes = self.wish.settings.iter().filter(is_made).filter_map(|one| match one {
                Setting::Secret(secret) => Some(SettingSource::Key(secret.environment.clone())),
                _ => None,
            });
            self.look(scopes.collect());
        }
        let teams = setting::teams(one);
        self.look(teams.iter().map(|slug| SettingSource::Team((*slug).to_owned())).collect());
        for slug in teams {
            if !self.observed.get(&SettingSource::Team(slug.to_owned()))?.is_null() {
                continue;
            }
            if !self.wish.create_teams {
                return Err(setting::no_team(self.wish.target, slug));
            }
            self.make_team(slug)?;
        }
        Ok(())
    }

    /// Makes a team of the organisation; people are added to it by its maintainers.
    fn make_team(&mut self, slug: &str) -> Result<(), ForgeError> {
        let reading = SettingSource::Team(slug.to_owned());
        let body = json!({"name": slug, "privacy": "closed"});
        let call = Call::with(Method::Post, path(&["orgs", &self.wish.target.owner, "teams"]), body);
        match self.send(&call) {
            Ok(answer) => {
                // A dry run has no number to show.
                if self.wish.secrets.is_some() {
                    fields::must_hold(&call.words(), &answer.body, &[("id", FieldType::Number)])?;
                }
                self.observed.put(reading, answer.body);
            }
            // Whether it took effect, or somebody was faster, is seen by looking.
            Err(error) if error.is_unclear() || error.is_taken() => {
                self.observed.extend(self.forge.observe(self.wish.target, BTreeSet::from([reading.clone()])));
                if self.observed.get(&reading)?.is_null() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Makes a call; what may have made something already is not sent again.
    fn send(&mut self, call: &Call) -> Result<Answer, ForgeError> {
        if self.lost.contains(call) {
            let why = "it was sent before, and what it makes does not show yet".to_owned();
            return Err(ForgeError::Unclear { call: call.words(), why });
        }
        let answer = self.forge.write(call);
        self.has_written |= answer.is_ok();
        if let Err(error) = &answer
            && call.method == Method::Post
            && (error.is_unclear() || error.is_taken())
        {
            self.lost.push(call.clone());
        }
        answer
    }

    /// Makes the calls. After one that may or may not have taken effect, and after one that finds its work done, the
    /// world is looked at again before anything more is sent. What makes something is sent once: if it does not show in
    /// the end, the setting is left to the next run, by when it has taken effect or never does.
    fn write(&mut self, one: &Setting) -> Result<(), ForgeError> {
        let mut attempt = 0;
        loop {
            let secrets = self.wish.secrets.map(|secrets| &secrets.0);
            let known =
                SettingContext { target: self.wish.target, observed: &self.observed, secrets, lower: self.wish.lower };
            let calls = setting::calls(one, &known)?;
            let Err(error) = calls.iter().try_for_each(|call| self.send(call).map(drop)) else {
                return Ok(());
            };
            attempt += 1;
            if attempt >= TRIES || !(error.is_unclear() || error.is_taken()) {
                return Err(error);
            }
            let why = if error.is_unclear() { PauseReason::Fault } else { PauseReason::Settling };
            if error.is_unclear() || attempt > 1 {
                self.forge.pause(backoff(attempt - 1, fastrand::f64()), why)?;
            }
            self.look_at(std::iter::once(one));
            if self.sorted(setting::differences(one, &self.observed)?).0.is_empty() {
                return Ok(());
            }
        }
    }

    /// Reads back what is said to be made; what does not show is given some time, as parts of GitHub are late.
    fn verify(&self, all: &mut [SettingOutcome]) {
        if all.iter().any(|made| matches!(made, SettingOutcome::Failed(error) if error.ends_all())) {
            return;
        }
        let is_made = |made: &SettingOutcome| {
            matches!(made, SettingOutcome::Done | SettingOutcome::AlreadySo | SettingOutcome::Kept(_))
        };
        let mut unseen: Vec<usize> = (0..all.len()).filter(|at| is_made(&all[*at])).collect();
        let mut failures = BTreeMap::new();
        for look in 0..LOOKS {
            if look > 0 && self.forge.pause(backoff(look - 1, fastrand::f64()), PauseReason::Settling).is_err() {
                break;
            }
            let observed = look_at(self.forge, self.wish.target, unseen.iter().map(|at| &self.wish.settings[*at]));
            failures.clear();
            for at in std::mem::take(&mut unseen) {
                match setting::differences(&self.wish.settings[at], &observed).map(|all| self.sorted(all).0) {
                    Ok(differences) if differences.is_empty() => {}
                    Ok(differences) => drop(failures.insert(at, ForgeError::Differs(words(&differences)))),
                    Err(error) => drop(failures.insert(at, error)),
                }
            }
            if failures.is_empty() || failures.values().any(ForgeError::ends_all) {
                break;
            }
            unseen = failures.keys().copied().collect();
        }
        for (at, error) in failures {
            all[at] = SettingOutcome::Failed(error);
        }
    }
}

/// `topics: wanted ["a"], found []; …`
fn words(differences: &[Difference]) -> String {
    crate::net::printable(&differences.iter().map(Difference::words).collect::<Vec<_>>().join("; "))
}

/// For how long a repository may be unknown to parts of GitHub after it was made: measured by others to be seconds.
pub(super) const SETTLES_IN: Duration = Duration::from_secs(30);
