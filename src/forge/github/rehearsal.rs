//! A dry run: GitHub is asked as in a run, and what would be written is noted.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::Github;
use super::call::{Answer, Call};
use super::ensure::{Making, SettingOutcome, SettingsRequest};
use super::error::ForgeError;
use super::observed::{Observed, SettingSource};
use super::permissions::{Permissions, SEE_TEAMS};
use super::repository::create_call;
use super::retry::PauseReason;
use crate::forge::Forge;
use crate::model::repository::{NewRepository, RepositorySlug};

/// What a run would do about a setting.
#[derive(Clone, Debug)]
pub struct SettingPreview {
    /// How it would go, if GitHub takes every call.
    pub made: SettingOutcome,
    /// The calls. What only GitHub knows (the number of a team that is made first, a sealed secret) is put in words.
    pub calls: Vec<Call>,
}

/// What a run would do about each setting. Without anybody to ask, every team is taken to be there.
pub fn rehearse(github: Option<&Github>, wish: &SettingsRequest<'_>) -> Vec<SettingPreview> {
    // Of a repository that is not made yet only teams are looked for.
    let there = wish.fresh.is_none().then_some(wish.target);
    let needed = if there.is_some() { Permissions::to_rehearse(wish.settings) } else { SEE_TEAMS.into() };
    let github = github.map(|github| github.narrowed(needed, there));
    let rehearsal = Rehearsal { github, noted: RefCell::default() };
    let mut making = Making::new(&rehearsal, wish);
    let settings = wish.settings.iter();
    settings.map(|one| SettingPreview { made: making.next(one), calls: rehearsal.noted.take() }).collect()
}

/// What GitHub will show of a repository as soon as it is made, as far as that is known before.
pub fn as_made(new: &NewRepository) -> Value {
    let mut made = create_call(new).body.unwrap_or_default();
    // What GitHub calls it when it is not told otherwise.
    made["default_branch"] = "main".into();
    made
}

struct Rehearsal {
    github: Option<Github>,
    noted: RefCell<Vec<Call>>,
}

impl Forge for Rehearsal {
    fn observe(&self, target: &RepositorySlug, readings: BTreeSet<SettingSource>) -> Observed {
        if let Some(github) = &self.github {
            return github.observe(target, readings);
        }
        let mut observed = Observed::default();
        for reading in readings {
            if let SettingSource::Team(slug) = &reading {
                let team = json!({"slug": slug});
                observed.put(reading, team);
            }
        }
        observed
    }

    fn write(&self, call: &Call) -> Result<Answer, ForgeError> {
        self.noted.borrow_mut().push(call.clone());
        Ok(Answer { body: json!({}), ..Answer::default() })
    }

    fn pause(&self, _: Duration, _: PauseReason) -> Result<(), ForgeError> {
        Ok(())
    }
}
