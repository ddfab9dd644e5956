//! What GitHub refuses, and why it could not be asked.

use super::permissions::Permissions;
use super::refusal::{GRANT, Refusal};
use crate::error::{Blame, Fault};
use crate::net::{Interrupted, Trouble};

/// GitHub could not be asked, or said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// There is no token.
    #[error("GitHub wants to know who asks, and there is no token")]
    NoToken,
    /// The token of the workflow itself can do nothing outside its own repository.
    #[error(
        "the `GITHUB_TOKEN` of a workflow reaches its own repository only: it can neither make a repository nor set one up"
    )]
    OwnToken,
    /// The key of the GitHub App cannot be used.
    #[error("the key of the GitHub App in `APISCAFFOLD_APP_KEY` cannot be used: {reason}")]
    AppKey {
        /// Why not; never the key.
        reason: String,
    },
    /// The app may not act for this owner.
    #[error("the GitHub App `{app}` is not installed for `{owner}`")]
    NotInstalled {
        /// The app's id.
        app: String,
        /// Organisation or user.
        owner: String,
    },
    /// The app may not do enough for this owner.
    #[error("the GitHub App `{app}` lacks {permissions} for `{owner}`")]
    NotGranted {
        /// The app's id.
        app: String,
        /// Organisation or user.
        owner: String,
        /// What it lacks, in words.
        permissions: String,
    },
    /// An address of the environment cannot be used.
    #[error("`{variable}` is `{}`: {reason}", value.escape_debug())]
    Address {
        /// The variable.
        variable: &'static str,
        /// Its value, without what may be a secret.
        value: String,
        /// Why not.
        reason: &'static str,
    },
    /// Nothing came back.
    #[error("GitHub cannot be reached for `{call}`")]
    Unreached {
        /// Method and path.
        call: String,
        /// Why not.
        #[source]
        trouble: Trouble,
    },
    /// GitHub said no.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// GitHub wants a longer pause than a person waits for.
    #[error("GitHub takes no more requests for {} minutes (`{call}`)", seconds.div_ceil(60))]
    Limited {
        /// Method and path.
        call: String,
        /// Until when, from now.
        seconds: u64,
    },
    /// Whether the call took effect is not known, and looking did not tell.
    #[error("GitHub did not say whether `{call}` took effect: {why}")]
    Unclear {
        /// Method and path.
        call: String,
        /// What was seen instead of an answer.
        why: String,
    },
    /// An answer that does not fit GitHub's own description.
    #[error("GitHub's answer to `{call}` cannot be understood: {why}")]
    Strange {
        /// Method and path.
        call: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is a repository of this name, and it is not ours.
    #[error("`{page}` exists already and is left as it is: {why}")]
    Foreign {
        /// Its page.
        page: String,
        /// Why it is not ours.
        why: String,
    },
    /// There is nobody of this name.
    #[error("GitHub knows nobody called `{}`", name.escape_debug())]
    NoOwner {
        /// The name.
        name: String,
    },
    /// Repositories of a user are made by that user alone.
    #[error("`{owner}` is a user, and only with a token of `{owner}` can repositories be made there")]
    NotYours {
        /// The user.
        owner: String,
    },
    /// Only an enterprise has internal repositories.
    #[error("`{owner}` has no internal repositories: only organisations of an enterprise do")]
    NotInternal {
        /// The user or the organisation.
        owner: String,
    },
    /// The network is not to be used.
    #[error("GitHub cannot be asked with `--offline`")]
    Offline,
    /// The repository that a record speaks of is gone.
    #[error(
        "the registry has an active record of `{page}`, and there is no such repository, or the token may not see it"
    )]
    Gone {
        /// Its page.
        page: String,
    },
    /// A team is not there.
    #[error("`{organisation}` has no team `{slug}`, or the token may not see it")]
    NoTeam {
        /// The organisation.
        organisation: String,
        /// The team's slug.
        slug: String,
    },
    /// Something belongs to an environment that could not be made.
    #[error("its environment `{name}` could not be made")]
    NoEnvironment {
        /// The environment's name.
        name: String,
    },
    /// A secret has no value.
    #[error("it has no value")]
    NoValue {
        /// The variable that would hold it.
        variable: String,
    },
    /// After writing, the setting is not what was written.
    #[error("it was written, but GitHub shows something else: {0}")]
    Differs(String),
    /// What is there is stricter than asked for, and was left so.
    #[error("it is stricter than the template asks, and stays so: {0}")]
    Stricter(String),
    /// Ctrl-C.
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
            Self::Foreign { .. } | Self::Gone { .. } | Self::Stricter(_) => Fault::Conflict,
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
            Self::Foreign { .. } => "choose another name; or rename or remove that repository if nobody needs it, and run the same command again".to_owned(),
            Self::NotYours { .. } => "name an organisation with `--owner`, or use a token of that user".to_owned(),
            Self::NotInternal { .. } => "choose `--visibility private` or `public`".to_owned(),
            Self::Offline => "leave out `--offline` and `APISCAFFOLD_OFFLINE`; or leave out `--owner` for a repository on this machine".to_owned(),
            Self::Gone { .. } => "see what became of it, or choose another name".to_owned(),
            Self::NoOwner { .. } => "check the spelling of `--owner`, the name of an organisation or a user".to_owned(),
            Self::Strange { .. } => "see whether `GITHUB_API_URL` names the API of a GitHub, and whether a proxy or a sign-in page answers in its place; then run the same command again".to_owned(),
            Self::NoTeam { .. } => "make the team, name another one in the answers, or let it be made with `--create-teams`".to_owned(),
            Self::NoEnvironment { .. } => "mend what kept the environment from being made".to_owned(),
            Self::Stricter(_) => "`apiscaffold check --settings --fix --lower` lowers it; or have the template ask for what is there".to_owned(),
            Self::NoValue { variable } => format!("set the variable `{variable}`"),
            Self::Interrupted(_) => return None,
        })
    }
}
