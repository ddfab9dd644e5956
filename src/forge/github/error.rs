//! What GitHub refuses, and why it could not be asked.

use super::permissions::Permissions;
use super::refusal::{GRANT, Refusal};
use crate::error::{Blame, Fault};
use crate::net::{Interrupted, Trouble};

/// GitHub could not be reached, or refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    #[error("GitHub needs a token, and there is none")]
    NoToken,
    #[error(
        "the `GITHUB_TOKEN` of a workflow reaches its own repository only: it can neither make a repository nor set one up"
    )]
    OwnToken,
    #[error("the key of the GitHub App in `APISCAFFOLD_APP_KEY` cannot be used: {reason}")]
    AppKey {
        /// Why not; never the key.
        reason: String,
    },
    #[error("the GitHub App `{app}` is not installed for `{owner}`")]
    NotInstalled { app: String, owner: String },
    /// The app may not do enough for this owner.
    #[error("the GitHub App `{app}` lacks {permissions} for `{owner}`")]
    NotGranted {
        app: String,
        owner: String,
        /// What it lacks, in words.
        permissions: String,
    },
    #[error("`{variable}` is `{}`: {reason}", value.escape_debug())]
    Address {
        variable: &'static str,
        /// Its value, without what may be a secret.
        value: String,
        reason: &'static str,
    },
    #[error("GitHub cannot be reached for `{call}`")]
    Unreached {
        call: String,
        #[source]
        trouble: Trouble,
    },
    /// GitHub refused.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    #[error("GitHub accepts no requests for {} minutes (`{call}`)", seconds.div_ceil(60))]
    Limited {
        call: String,
        /// Until when, from now.
        seconds: u64,
    },
    /// Whether the call took effect is unknown, even after looking.
    #[error("GitHub did not say whether `{call}` took effect: {why}")]
    Unclear {
        call: String,
        /// What was seen instead of an answer.
        why: String,
    },
    #[error("GitHub's answer to `{call}` cannot be understood: {why}")]
    Strange { call: String, why: String },
    /// There is a repository of this name, and it is not ours.
    #[error("`{page}` exists already and stays unchanged: {why}")]
    Foreign {
        page: String,
        /// Why it is not ours.
        why: String,
    },
    #[error("GitHub has no account `{}`", name.escape_debug())]
    NoOwner { name: String },
    #[error("`{owner}` is a user, and only with a token of `{owner}` can repositories be made there")]
    NotYours { owner: String },
    #[error("`{owner}` has no internal repositories: only organisations of an enterprise do")]
    NotInternal { owner: String },
    #[error("GitHub cannot be asked with `--offline`")]
    Offline,
    /// The repository of a record no longer exists.
    #[error(
        "the registry has an active record of `{page}`, and there is no such repository, or the token may not see it"
    )]
    Gone { page: String },
    #[error("`{organisation}` has no team `{slug}`, or the token may not see it")]
    NoTeam { organisation: String, slug: String },
    #[error("its environment `{name}` could not be made")]
    NoEnvironment { name: String },
    #[error("it has no value")]
    NoValue { variable: String },
    #[error("it was written, but GitHub shows something else: {0}")]
    Differs(String),
    /// What is there is stricter than asked for, and was left so.
    #[error("it is stricter than the template asks, and stays so: {0}")]
    Stricter(String),
    /// GraphQL refused.
    #[error("GitHub did not make the commit: {why}")]
    NotCommitted {
        why: String,
        /// Whether the token may not do it.
        forbidden: bool,
    },
    #[error("the newest commit of branch `{branch}` of {page} {what}")]
    NotSigned { page: String, branch: String, what: String },
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl ForgeError {
    pub(super) fn not_granted(app: &str, owner: &str, lacking: &Permissions) -> Self {
        Self::NotGranted { app: app.to_owned(), owner: owner.to_owned(), permissions: lacking.to_string() }
    }

    /// The same error; a refusal of what needs a permission that the App lacks says so.
    pub(super) fn lacking(mut self, lacking: &Permissions) -> Self {
        if let Self::Refused(refusal) = &mut self
            && matches!(refusal.status, 403 | 404)
        {
            let missing = lacking.named_in(refusal.needed.as_deref().unwrap_or_default());
            refusal.lacking = (!missing.is_empty()).then(|| missing.to_string());
        }
        self
    }

    /// Whether the call may have taken effect without an answer.
    pub fn is_unclear(&self) -> bool {
        matches!(self, Self::Unclear { .. })
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// Whether something of this name is there already.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.is_taken())
    }

    /// Whether no other call can do better: nobody is let in, nothing is reached, something that is not GitHub answers,
    /// or the user has had enough.
    pub fn ends_all(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status == 401,
            Self::Unreached { .. } | Self::Limited { .. } | Self::Strange { .. } | Self::Interrupted(_) => true,
            _ => false,
        }
    }
}

impl Blame for ForgeError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoToken | Self::OwnToken | Self::AppKey { .. } => Fault::Permission,
            Self::NotInstalled { .. } | Self::NotGranted { .. } | Self::NotYours { .. } => Fault::Permission,
            Self::NotCommitted { forbidden: true, .. } => Fault::Permission,
            Self::Foreign { .. } | Self::Gone { .. } | Self::Stricter(_) | Self::NotSigned { .. } => Fault::Conflict,
            Self::NotInternal { .. }
            | Self::Offline
            | Self::NoOwner { .. }
            | Self::Address { .. }
            | Self::NoTeam { .. }
            | Self::NoEnvironment { .. }
            | Self::NoValue { .. } => Fault::Input,
            Self::Refused(refusal) => match refusal.status {
                401 | 403 | 404 => Fault::Permission,
                409 => Fault::Conflict,
                400 | 422 => Fault::Template,
                _ => Fault::Environment,
            },
            Self::Interrupted(_) => Fault::Interrupted,
            Self::Unreached { .. }
            | Self::Limited { .. }
            | Self::Unclear { .. }
            | Self::Strange { .. }
            | Self::NotCommitted { .. }
            | Self::Differs(_) => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoToken => "set `GH_TOKEN`, run `gh auth login`, or set `APISCAFFOLD_APP_ID` and `APISCAFFOLD_APP_KEY`".to_owned(),
            Self::OwnToken => "make a token of a GitHub App in the workflow and pass it as `GH_TOKEN`, or pass the App as `APISCAFFOLD_APP_ID` and `APISCAFFOLD_APP_KEY`".to_owned(),
            Self::AppKey { .. } => "give the PEM text of the App's private key, or the path of the file that holds it".to_owned(),
            Self::NotInstalled { owner, .. } => format!("an owner of `{owner}` can install it, on the App's page on GitHub"),
            Self::NotGranted { .. } => GRANT.to_owned(),
            Self::Address { .. } => "leave it out for github.com; `https://HOST/api/v3` is the API of a GitHub Enterprise Server".to_owned(),
            Self::Unreached { trouble, .. } => return trouble.hint(),
            Self::Refused(refusal) => return refusal.hint(),
            Self::Limited { .. } => "run the same command again then".to_owned(),
            Self::Unclear { .. } | Self::Differs(_) => "run the same command again: it looks first".to_owned(),
            Self::Foreign { .. } => "choose another name; or rename or remove that repository if it is not needed, and run the same command again".to_owned(),
            Self::NotYours { .. } => "name an organisation with `--owner`, or use a token of that user".to_owned(),
            Self::NotInternal { .. } => "choose `--visibility private` or `public`".to_owned(),
            Self::Offline => "leave out `--offline` and `APISCAFFOLD_OFFLINE`; or leave out `--owner` for a repository on this machine".to_owned(),
            Self::Gone { .. } => "see what became of it, or choose another name".to_owned(),
            Self::NoOwner { .. } => "check the spelling of `--owner`, the name of an organisation or a user".to_owned(),
            Self::Strange { .. } => "see whether `GITHUB_API_URL` names the API of a GitHub, and whether a proxy or a sign-in page answers in its place; then run the same command again".to_owned(),
            Self::NoTeam { .. } => "make the team, name another one in the answers, or let it be made with `--create-teams`".to_owned(),
            Self::NoEnvironment { .. } => "fix the error that prevented the environment".to_owned(),
            Self::Stricter(_) => "`apiscaffold check --settings --fix --lower` lowers it; or have the template ask for what is there".to_owned(),
            Self::NoValue { variable } => format!("set the variable `{variable}`"),
            Self::NotCommitted { .. } => "run the same command again; if GitHub says the same, give the token what it names, or sign with your own key: git config --global commit.gpgsign true".to_owned(),
            Self::NotSigned { .. } => "let GitHub know your signing key and the e-mail address of the commit, then run the same command again; after a commit that GitHub made itself, sign with your own key (git config --global commit.gpgsign true) and delete the branch first".to_owned(),
            Self::Interrupted(_) => return None,
        })
    }
}
