//! What an App's installation must be allowed to do: which permission each piece of work needs. GitHub's own table is
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::model::setting::Setting;

/// How far a permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `read`
    Read,
    /// `write`
    Write,
}

use Level::{Read, Write};

/// What a piece of work needs, by the names that GitHub has for permissions.
pub(super) type Needs = &'static [(&'static str, Level)];

/// To see who an owner is and which repositories there are. Every installation has it.
pub(super) const LOOK: Needs = &[("metadata", Read)];
/// To make a repository, or to archive one.
pub(super) const ADMINISTER: Needs = &[("administration", Write)];
/// To read files and branches.
pub(super) const FETCH: Needs = &[("contents", Read)];
/// To push; workflows of Actions are a permission of their own.
pub(super) const PUSH: Needs = &[("contents", Write), ("workflows", Write)];
pub(super) const SEE_PULLS: Needs = &[("pull_requests", Read)];
pub(super) const OPEN_PULLS: Needs = &[("pull_requests", Write)];
/// To see the teams of an organisation.
pub(super) const SEE_TEAMS: Needs = &[("members", Read)];
/// To see which custom properties an organisation has.
pub(super) const SEE_PROPERTIES: Needs = &[("organization_custom_properties", Read)];
/// To see the rulesets of an organisation: GitHub shows them to those alone who may change them.
pub(super) const SEE_RULESETS: Needs = &[("organization_administration", Write)];

/// Permissions: the name of each, and how far it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permissions(BTreeMap<String, Level>);

impl From<Needs> for Permissions {
    fn from(needs: Needs) -> Self {
        let mut permissions = Self::default();
        permissions.add(needs);
        permissions
    }
}

impl Permissions {
    fn add(&mut self, more: &[(&str, Level)]) {
        for (name, level) in more {
            let had = self.0.entry((*name).to_owned()).or_insert(*level);
            *had = (*level).max(*had);
        }
    }

    /// To compare a repository with these settings.
    pub(super) fn to_read<'s>(settings: impl IntoIterator<Item = &'s Setting>) -> Self {
        let mut permissions = Self::from(LOOK);
        for setting in settings {
            permissions.add(&reading(setting));
        }
        permissions
    }

    /// To see how these settings would be made. A ruleset is written whole, with who may bypass it, which GitHub shows to
    /// those alone who may change it.
    pub(super) fn to_rehearse(settings: &[Setting]) -> Self {
        let mut permissions = Self::to_read(settings);
        if settings.iter().any(|setting| matches!(setting, Setting::Ruleset(_))) {
            permissions.add(ADMINISTER);
        }
        permissions
    }

    /// To make these settings so, and the teams that are missing if `create_teams`.
    pub(super) fn to_write<'s>(settings: impl IntoIterator<Item = &'s Setting> + Clone, create_teams: bool) -> Self {
        let mut permissions = Self::to_read(settings.clone());
        for setting in settings {
            permissions.add(writing(setting));
        }
        if let Some(members) = permissions.0.get_mut("members").filter(|_| create_teams) {
            *members = Write;
        }
        permissions
    }

    /// To make a repository with these settings.
    pub fn to_make<'s>(settings: impl IntoIterator<Item = &'s Setting> + Clone) -> Self {
        let mut permissions = Self::to_write(settings, false);
        permissions.add(ADMINISTER);
        permissions.add(PUSH);
        permissions
    }

    /// What an installation has, as GitHub lists it.
    pub fn granted(listed: &Value) -> Self {
        let one = |(name, level): (&String, &Value)| match level.as_str() {
            Some("read") => Some((name.clone(), Read)),
            Some("write" | "admin") => Some((name.clone(), Write)),
            _ => None,
        };
        Self(listed.as_object().into_iter().flatten().filter_map(one).collect())
    }

    /// As much of this as is also `granted`.
    pub(super) fn within(&self, granted: &Self) -> Self {
        let one = |(name, level): (&String, &Level)| Some((name.clone(), *granted.0.get(name)?.min(level)));
        Self(self.0.iter().filter_map(one).collect())
    }

    /// What is not `granted` of this.
    pub fn lacking(&self, granted: &Self) -> Self {
        let is_lacking = |(name, level): &(&String, &Level)| granted.0.get(*name).is_none_or(|has| has < *level);
        Self(self.0.iter().filter(is_lacking).map(|(name, level)| (name.clone(), *level)).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of them that `text` names, which is a header of GitHub's: `administration=write; contents=read`.
    pub(super) fn named_in(&self, text: &str) -> Self {
        let names: Vec<&str> = text.split([';', ',']).filter_map(|one| one.trim().split('=').next()).collect();
        Self(self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(n, l)| (n.clone(), *l)).collect())
    }

    /// As a request for a token takes them.
    pub(super) fn body(&self) -> Value {
        let all: Map<String, Value> = self.0.iter().map(|(name, level)| (name.clone(), level.word().into())).collect();
        all.into()
    }
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Read => "read",
            Write => "write",
        }
    }
}

impl fmt::Display for Permissions {
    /// `` the permission `contents` (write), … ``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, level)) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}the permission `{name}` ({})", level.word())?;
        }
        Ok(())
    }
}

/// What it takes to see how a setting is.
fn reading(setting: &Setting) -> Vec<(&'static str, Level)> {
    match setting {
        // Merge options and security are shown to those alone who may see the repository's administration.
        Setting::Repository(_)
        | Setting::SecretScanning { .. }
        | Setting::VulnerabilityAlerts
        | Setting::AutomatedFixes
        | Setting::PrivateReporting => vec![("administration", Read)],
        Setting::Team(_) => vec![("administration", Read), ("members", Read)],
        Setting::Environment(wanted) if wanted.reviewers.iter().flatten().next().is_some() => {
            vec![("actions", Read), ("members", Read)]
        }
        Setting::Environment(_) => vec![("actions", Read)],
        // Who may bypass it is compared, too.
        Setting::Ruleset(wanted) if wanted.contains_key("bypass_actors") => vec![("administration", Write)],
        Setting::Variable(_) | Setting::Secret(_) | Setting::Issue(_) => {
            writing(setting).iter().map(|(name, _)| (*name, Read)).collect()
        }
        // What everybody sees who sees the repository.
        Setting::Topics(_) | Setting::Properties(_) | Setting::Ruleset(_) => Vec::new(),
    }
}

/// What it takes beside that to change a setting.
fn writing(setting: &Setting) -> Needs {
    match setting {
        Setting::Repository(_)
        | Setting::SecretScanning { .. }
        | Setting::VulnerabilityAlerts
        | Setting::AutomatedFixes
        | Setting::PrivateReporting
        | Setting::Team(_)
        | Setting::Environment(_)
        | Setting::Topics(_)
        | Setting::Ruleset(_) => &[("administration", Write)],
        Setting::Properties(_) => &[("repository_custom_properties", Write)],
        Setting::Issue(_) => &[("issues", Write)],
        // Those of an environment are its own affair.
        Setting::Variable(variable) if variable.environment.is_none() => &[("actions_variables", Write)],
        Setting::Secret(secret) if secret.environment.is_none() => &[("secrets", Write)],
        Setting::Variable(_) | Setting::Secret(_) => &[("environments", Write)],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::settings::Settings;

    fn settings(value: Value) -> Vec<Setting> {
        serde_json::from_value::<Settings>(value).expect("settings").each()
    }

    #[test]
    fn a_setting_needs_its_permission_and_no_other() {
        for (wanted, read, write) in [
            (json!({"topics": ["a"]}), json!({}), json!({"administration": "write"})),
            (json!({"properties": {"a": "b"}}), json!({}), json!({"repository_custom_properties": "write"})),
            (
                json!({"team": [{"slug": "a", "permission": "push"}]}),
                json!({"administration": "read", "members": "read"}),
                json!({"administration": "write", "members": "read"}),
            ),
            (
                json!({"variable": [{"name": "A", "value": "1"}]}),
                json!({"actions_variables": "read"}),
                json!({"actions_variables": "write"}),
            ),
            (
                json!({"secret": [{"name": "A", "environment": "int"}]}),
                json!({"environments": "read"}),
                json!({"environments": "write"}),
            ),
            (
                json!({"environment": [{"name": "int"}]}),
                json!({"actions": "read"}),
                json!({"actions": "read", "administration": "write"}),
            ),
            (json!({"ruleset": [{"name": "main"}]}), json!({}), json!({"administration": "write"})),
            (
                json!({"ruleset": [{"name": "main", "bypass_actors": []}]}),
                json!({"administration": "write"}),
                json!({"administration": "write"}),
            ),
        ] {
            let with_metadata = |mut permissions: Value| {
                permissions["metadata"] = "read".into();
                permissions
            };
            let settings = settings(wanted.clone());
            assert_eq!(Permissions::to_read(&settings).body(), with_metadata(read), "{wanted}");
            assert_eq!(Permissions::to_write(&settings, false).body(), with_metadata(write), "{wanted}");
        }
    }

    #[test]
    fn only_what_is_granted_is_asked_for_and_the_rest_is_named() {
        let needed = Permissions::from(&[("administration", Write), ("issues", Write), ("contents", Read)][..]);
        let granted = Permissions::granted(&json!({"administration": "read", "contents": "admin", "x": "none"}));
        assert_eq!(needed.within(&granted).body(), json!({"administration": "read", "contents": "read"}));
        let lacking = needed.lacking(&granted);
        assert_eq!(lacking.to_string(), "the permission `administration` (write), the permission `issues` (write)");
        assert_eq!(lacking.named_in("issues=write; contents=read").to_string(), "the permission `issues` (write)");
        assert!(lacking.named_in("").is_empty() && needed.lacking(&needed).is_empty());
    }

    #[test]
    fn teams_are_made_only_by_who_may_write_members() {
        let team = settings(json!({"team": [{"slug": "a", "permission": "push"}]}));
        assert_eq!(Permissions::to_write(&team, true).body()["members"], "write");
        assert!(Permissions::to_write(&[], true).body()["members"].is_null());
    }
}
