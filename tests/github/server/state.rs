//! What the forge holds: accounts, tokens, repositories and their settings.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crypto_box::SecretKey;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::http::Request;
use super::signatures::{Keys, WebCommits};

/// GitHub's limit of requests that make something.
const WRITES_A_MINUTE: usize = 80;

/// Everything.
pub(crate) struct State {
    /// `http://127.0.0.1:PORT`
    pub(crate) base: String,
    /// The folder of the bare repositories: `OWNER/NAME.git`.
    pub(crate) root: PathBuf,
    pub(crate) users: BTreeMap<String, u64>,
    pub(crate) organizations: BTreeMap<String, Organization>,
    pub(crate) tokens: BTreeMap<String, Caller>,
    pub(crate) app: Option<App>,
    pub(crate) repositories: Vec<Repository>,
    /// Old full names, lower-case, and the repository's id.
    pub(crate) renamed: BTreeMap<String, u64>,
    pub(crate) secrets_key: SecretKey,
    /// The keys to look at signatures with.
    pub(crate) keys: Keys,
    pub(crate) web_commits: WebCommits,
    /// Requests left in this hour.
    pub(crate) remaining: u32,
    /// When the requests of the last minute that may have made something came.
    pub(super) writes: VecDeque<Instant>,
    last_id: u64,
}

/// An organisation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Organization {
    pub(crate) id: u64,
    /// Role by login: `admin` or `member`.
    pub(crate) members: BTreeMap<String, String>,
    /// By slug.
    pub(crate) teams: BTreeMap<String, Team>,
    /// Names of the custom properties.
    pub(crate) properties: BTreeSet<String>,
    /// Bodies of the organisation's rulesets.
    pub(crate) rulesets: Vec<Map<String, Value>>,
    /// Whether `internal` is a visibility.
    pub(crate) enterprise: bool,
    /// Whether members may not create repositories.
    pub(crate) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: u64,
    pub(super) name: String,
}

/// Who asks, by which token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) login: String,
    pub(crate) kind: TokenKind,
    /// Seconds since 1970.
    pub(crate) expires: Option<i64>,
    /// What a token of an installation was narrowed to.
    pub(crate) grant: Option<Grant>,
}

/// What a token of an installation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// `read` or `write` by permission.
    pub(crate) permissions: BTreeMap<String, String>,
    /// Names of the repositories that it is for; none: all.
    pub(crate) repositories: Option<Vec<String>>,
}

impl Grant {
    /// Whether it is for this repository.
    pub(super) fn is_for(&self, name: &str) -> bool {
        let names = self.repositories.as_ref();
        names.is_none_or(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether it may do so much.
    pub(super) fn may(&self, permission: &str, level: &str) -> bool {
        self.permissions.get(permission).is_some_and(|has| has == "write" || has == level)
    }
}

/// What kind of token it is, which decides what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// With these scopes.
    Classic(Vec<&'static str>),
    FineGrained,
    /// Of an installation of the App.
    Installation,
    /// The one that Actions gives to a run: it is for the run's own repository.
    Actions,
}

/// A GitHub App and the accounts that have it installed.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) id: u64,
    /// PEM.
    pub(crate) public_key: String,
    /// Installation's id by account.
    pub(crate) installations: BTreeMap<String, u64>,
    /// What every installation may do.
    pub(crate) permissions: BTreeMap<String, String>,
    /// How long its tokens live, in seconds.
    pub(crate) lifetime: i64,
}

impl App {
    /// The App 7, which is installed for `nhs` with everything that the program's work needs.
    pub(crate) fn new(public_key: String, lifetime: i64) -> Self {
        let write = [
            "actions",
            "actions_variables",
            "administration",
            "contents",
            "environments",
            "issues",
            "members",
            "organization_administration",
            "pull_requests",
            "repository_custom_properties",
            "secrets",
            "workflows",
        ];
        let read = ["metadata", "organization_custom_properties"];
        let all = write.map(|name| (name, "write")).into_iter().chain(read.map(|name| (name, "read")));
        let permissions = all.map(|(name, level)| (name.to_owned(), level.to_owned())).collect();
        Self { id: 7, public_key, installations: [("nhs".to_owned(), 70)].into(), permissions, lifetime }
    }
}

/// A repository and its settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) visibility: String,
    /// Whether a request created it, not the test.
    pub(super) created: bool,
    /// When it was made.
    pub(crate) created_at: String,
    /// What `PATCH` sets and `GET` shows.
    pub(crate) fields: Map<String, Value>,
    pub(crate) default_branch: String,
    pub(crate) topics: Vec<String>,
    pub(crate) properties: BTreeMap<String, Value>,
    /// Permission by the team's slug.
    pub(crate) teams: BTreeMap<String, String>,
    pub(crate) environments: BTreeMap<String, Environment>,
    pub(crate) variables: BTreeMap<String, String>,
    /// In clear: the server opens what it gets.
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) alerts: bool,
    pub(crate) fixes: bool,
    pub(crate) reporting: bool,
    /// `enabled` or `disabled` by feature.
    pub(crate) analysis: BTreeMap<String, String>,
    pub(crate) issues: Vec<Map<String, Value>>,
    /// Oldest first.
    pub(crate) pulls: Vec<Map<String, Value>>,
    /// Id and body.
    pub(crate) rulesets: Vec<(u64, Map<String, Value>)>,
    /// Inputs of the dispatches, by workflow.
    pub(crate) dispatches: Vec<(String, Value)>,
    pub(super) pushed_at: Option<String>,
}

/// An environment of a repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(super) id: u64,
    /// The body of the last `PUT`.
    pub(crate) body: Map<String, Value>,
    /// Id, pattern and `branch` or `tag`.
    pub(crate) policies: Vec<(u64, String, String)>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, String>,
}

/// One request on its way through the handlers.
pub(super) struct Call<'c> {
    pub(super) request: &'c Request,
    pub(super) caller: &'c Caller,
    /// The JSON body; null when there is none.
    pub(super) body: Value,
}

impl Team {
    pub(super) fn new(id: u64, name: &str) -> Self {
        Self { id, name: name.to_owned() }
    }
}

impl State {
    pub(super) fn new(base: String, root: PathBuf) -> Self {
        Self {
            base,
            root,
            users: BTreeMap::new(),
            organizations: BTreeMap::new(),
            tokens: BTreeMap::new(),
            app: None,
            repositories: Vec::new(),
            renamed: BTreeMap::new(),
            secrets_key: SecretKey::from(*b"a key of the tests, 32 bytes: it"),
            keys: Keys::new(),
            web_commits: WebCommits::default(),
            remaining: 5000,
            writes: VecDeque::new(),
            last_id: 1000,
        }
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Notes a request that may make something; whether it is one too many for this minute.
    pub(super) fn is_too_much(&mut self) -> bool {
        let now = Instant::now();
        self.writes.retain(|write| now.duration_since(*write) < Duration::from_secs(60));
        self.writes.push_back(now);
        self.writes.len() > WRITES_A_MINUTE
    }

    /// The place of a repository in the list.
    pub(super) fn find(&self, owner: &str, name: &str) -> Option<usize> {
        let same = |repository: &Repository| {
            repository.owner.eq_ignore_ascii_case(owner) && repository.name.eq_ignore_ascii_case(name)
        };
        self.repositories.iter().position(same)
    }

    /// Whether a token may change what is this account's.
    pub(super) fn may_write(&self, caller: &Caller, owner: &str) -> bool {
        match caller.kind {
            TokenKind::Actions => false,
            TokenKind::Installation => caller.login == owner,
            TokenKind::Classic(_) | TokenKind::FineGrained => {
                caller.login == owner
                    || self.organizations.get(owner).is_some_and(|org| org.members.contains_key(&caller.login))
            }
        }
    }

    /// The folder of a repository's objects.
    pub(crate) fn folder(&self, repository: &Repository) -> PathBuf {
        self.root.join(&repository.owner).join(format!("{}.git", repository.name))
    }
}

impl Repository {
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The settings of which the story tells, without ids and times: equal for equal ends.
    pub(super) fn settings(&self) -> Value {
        let environments: Map<String, Value> = self
            .environments
            .iter()
            .map(|(name, environment)| {
                let mut policies: Vec<String> =
                    environment.policies.iter().map(|(_, name, kind)| format!("{kind} {name}")).collect();
                policies.sort();
                let value = json!({
                    "body": environment.body, "policies": policies, "variables": environment.variables,
                    "secrets": environment.secrets,
                });
                (name.clone(), value)
            })
            .collect();
        let mut issues: Vec<Value> = self
            .issues
            .iter()
            .map(|issue| json!({"title": issue["title"], "body": issue["body"], "labels": issue["labels"]}))
            .collect();
        issues.sort_by_key(|issue| issue["title"].to_string());
        let mut rulesets: Vec<&Map<String, Value>> = self.rulesets.iter().map(|(_, body)| body).collect();
        rulesets.sort_by_key(|body| body["name"].to_string());
        json!({
            "name": self.full_name(), "visibility": self.visibility, "fields": self.fields,
            "default_branch": self.default_branch, "topics": self.topics, "properties": self.properties,
            "teams": self.teams, "environments": environments, "variables": self.variables,
            "secrets": self.secrets, "alerts": self.alerts, "fixes": self.fixes, "reporting": self.reporting,
            "analysis": self.analysis, "issues": issues, "rulesets": rulesets,
        })
    }
}

/// Now, as GitHub writes it.
pub(super) fn now() -> String {
    stamp(Timestamp::now().as_second())
}

/// A moment in seconds since 1970, as GitHub writes it.
pub(super) fn stamp(seconds: i64) -> String {
    Timestamp::from_second(seconds).expect("a moment in this age").to_string()
}
