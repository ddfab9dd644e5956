//! What a template wants its repository to be like on the forge: the `[github]` part of a manifest, rendered.
//!
//! Names and values are those of GitHub's REST API (<https://docs.github.com/en/rest>).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Every setting asked for; what is left out is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The line below the repository's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The link beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Lower-case words; they replace the repository's.
    pub topics: Vec<String>,
    /// Custom properties of the organisation, by name.
    pub properties: BTreeMap<String, String>,
    #[serde(rename = "team")]
    pub teams: Vec<TeamAccess>,
    #[serde(rename = "environment")]
    pub environments: Vec<DeploymentEnvironment>,
    #[serde(rename = "variable")]
    pub variables: Vec<Variable>,
    /// `[[github.secret]]`: names only.
    #[serde(rename = "secret")]
    pub secrets: Vec<Secret>,
    /// `[github.repository]`: those fields of `PATCH /repos/{owner}/{repo}` that nothing else decides, such as merge options.
    pub repository: Map<String, Value>,
    pub security: Security,
    /// `[[github.issue]]`: opened once.
    #[serde(rename = "issue")]
    pub issues: Vec<Issue>,
    /// `[[github.ruleset]]`: bodies of `POST /repos/{owner}/{repo}/rulesets`; each has a `name`.
    #[serde(rename = "ruleset")]
    pub rulesets: Vec<Map<String, Value>>,
}

/// What a team may do in the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamAccess {
    /// The team's slug in the organisation.
    pub slug: String,
    /// `pull`, `triage`, `push`, `maintain`, `admin` or a role of the organisation.
    pub permission: String,
}

/// A GitHub environment: where workflows deploy to, and who must agree. What is left out is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentEnvironment {
    pub name: String,
    /// Slugs of the teams of which one must approve; at most 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewers: Option<Vec<String>>,
    /// Whether who started a deployment may not approve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prevent_self_review: Option<bool>,
    /// Patterns of the branches that may deploy. No pattern at all, neither here nor of tags: everything may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branches: Option<Vec<String>>,
    /// Patterns of the tags that may deploy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Minutes to wait before a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_timer: Option<u32>,
}

/// A variable of Actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// The environment it belongs to; none: the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// A secret of Actions. Its value is never in a template: it comes from the variable of the same name in the
/// environment of the run, or is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    pub name: String,
    /// The environment it belongs to; none: the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it is for, in a line; shown where the value is asked for.
    #[serde(default)]
    pub purpose: String,
}

impl Secret {
    /// The variable that is sure to mean this secret and no other: `KEY`, or `PROD_KEY` for that of an environment.
    pub fn variable(&self) -> String {
        let Some(environment) = &self.environment else { return self.name.clone() };
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("{}_{}", environment.chars().map(upper).collect::<String>(), self.name)
    }
}

/// Security features to switch on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    pub vulnerability_alerts: bool,
    pub automated_security_fixes: bool,
    pub private_vulnerability_reporting: bool,
    pub secret_scanning: bool,
    pub secret_scanning_push_protection: bool,
}

/// One of the first issues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// Its title, by which it is found again.
    pub title: String,
    /// Markdown.
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub labels: Vec<String>,
}
