//! One setting of a repository on a forge: what is read, compared, written and reported as one thing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::settings::{DeploymentEnvironment, Issue, Secret, Settings, TeamAccess, Variable};

#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Fields of the repository itself: description, default branch, merge options.
    Repository(Map<String, Value>),
    Topics(Vec<String>),
    /// Values of the organisation's custom properties.
    Properties(BTreeMap<String, String>),
    Team(TeamAccess),
    Environment(DeploymentEnvironment),
    Variable(Variable),
    Secret(Secret),
    /// Alerts of dependencies with known faults.
    VulnerabilityAlerts,
    /// Pull requests that fix them.
    AutomatedFixes,
    /// Private reports of faults.
    PrivateReporting,
    /// Search for secrets, and refusal of pushes that hold one.
    SecretScanning {
        push_protection: bool,
    },
    Issue(Issue),
    Ruleset(Map<String, Value>),
}

/// A difference between a setting and the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs, in words: `topics`, `environment `int`: reviewers`.
    pub what: String,
    /// What is wanted.
    pub wanted: Value,
    /// What is there; `null`: nothing.
    pub found: Value,
    /// Whether the repository is stricter than the setting.
    pub lowers: bool,
    /// Whether a part of the setting is there, as after an interrupted run.
    pub partial: bool,
}

impl Difference {
    pub fn words(&self) -> String {
        let Self { what, wanted, found, lowers, .. } = self;
        let differs = if wanted.is_null() {
            format!("{what}: found {found}, which the template does not ask for")
        } else {
            format!("{what}: wanted {wanted}, found {found}")
        };
        match (lowers, wanted.is_null()) {
            (false, _) => differs,
            (true, true) => format!("{differs}; it is stricter than the template: `--lower` removes it"),
            (true, false) if found.is_null() => {
                format!("{differs}; the repository is stricter than the template: `--lower` adds it")
            }
            (true, false) => {
                format!("{differs}; it is stricter than the template: `--lower` changes it from {found} to {wanted}")
            }
        }
    }
}

impl Settings {
    /// The settings one by one, in the order in which they are made: what others need first, rulesets last, since an
    /// active ruleset can forbid what comes after it.
    pub fn each(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        let mut fields = self.repository.clone();
        let text = |text: &Option<String>| text.clone().map(Value::from);
        fields.extend(text(&self.description).map(|text| ("description".to_owned(), text)));
        fields.extend(text(&self.homepage).map(|text| ("homepage".to_owned(), text)));
        if !fields.is_empty() {
            all.push(Setting::Repository(fields));
        }
        if !self.topics.is_empty() {
            all.push(Setting::Topics(self.topics.clone()));
        }
        if !self.properties.is_empty() {
            all.push(Setting::Properties(self.properties.clone()));
        }
        all.extend(self.teams.iter().cloned().map(Setting::Team));
        all.extend(self.environments.iter().cloned().map(Setting::Environment));
        all.extend(self.variables.iter().cloned().map(Setting::Variable));
        all.extend(self.secrets.iter().cloned().map(Setting::Secret));
        let security = self.security;
        let switches = [
            (security.vulnerability_alerts, Setting::VulnerabilityAlerts),
            (security.automated_security_fixes, Setting::AutomatedFixes),
            (security.private_vulnerability_reporting, Setting::PrivateReporting),
            (
                security.secret_scanning || security.secret_scanning_push_protection,
                Setting::SecretScanning { push_protection: security.secret_scanning_push_protection },
            ),
        ];
        all.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, setting)| setting));
        all.extend(self.issues.iter().cloned().map(Setting::Issue));
        all.extend(self.rulesets.iter().cloned().map(Setting::Ruleset));
        all
    }
}

impl Setting {
    /// The setting in a few words: `team `api-platform` (push)`.
    pub fn words(&self) -> String {
        let of = |environment: &Option<String>| match environment {
            Some(environment) => format!(" of environment `{environment}`"),
            None => String::new(),
        };
        match self {
            Self::Repository(fields) => {
                format!("repository: {}", fields.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::Topics(topics) => format!("topics {}", topics.join(", ")),
            Self::Properties(properties) => {
                format!("custom properties {}", properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::Team(team) => format!("team `{}` ({})", team.slug, team.permission),
            Self::Environment(environment) => format!("environment `{}`", environment.name),
            Self::Variable(variable) => format!("variable `{}`{}", variable.name, of(&variable.environment)),
            Self::Secret(secret) => format!("secret `{}`{}", secret.name, of(&secret.environment)),
            Self::VulnerabilityAlerts => "vulnerability alerts".to_owned(),
            Self::AutomatedFixes => "automated security fixes".to_owned(),
            Self::PrivateReporting => "private vulnerability reporting".to_owned(),
            Self::SecretScanning { push_protection: true } => "secret scanning and push protection".to_owned(),
            Self::SecretScanning { push_protection: false } => "secret scanning".to_owned(),
            Self::Issue(issue) => format!("issue `{}`", issue.title),
            Self::Ruleset(_) => format!("ruleset `{}`", self.name().unwrap_or_default()),
        }
    }

    /// Whether only a repository of an organisation can have it.
    pub fn needs_organisation(&self) -> bool {
        matches!(self, Self::Team(_) | Self::Properties(_))
    }

    /// The name by which a ruleset is found again.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Ruleset(fields) => fields.get("name").and_then(Value::as_str),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_come_in_the_order_in_which_they_can_be_made() {
        let settings: Settings = serde_json::from_value(json!({
            "ruleset": [{"name": "main"}], "topics": ["api"], "description": "D",
            "security": {"vulnerability_alerts": true, "automated_security_fixes": true, "secret_scanning_push_protection": true},
            "environment": [{"name": "int"}], "secret": [{"name": "KEY", "environment": "int"}],
            "repository": {"has_wiki": false},
        }))
        .expect("settings");
        let words: Vec<String> = settings.each().iter().map(Setting::words).collect();
        assert_eq!(
            words,
            [
                "repository: has_wiki, description",
                "topics api",
                "environment `int`",
                "secret `KEY` of environment `int`",
                "vulnerability alerts",
                "automated security fixes",
                "secret scanning and push protection",
                "ruleset `main`",
            ]
        );
        assert!(Settings::default().each().is_empty());
    }
}
