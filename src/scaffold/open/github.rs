//! From the environment to the run's one session on the forge.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::answers::file;
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::auth::{self, Identity};
use crate::forge::github::{ForgeError, Github, PauseReason, Server, Session, SessionOptions};
use crate::git::publish::{Caller, Network};
use crate::model::repository::{OwnerKind, RepositorySlug, Visibility};
use crate::model::setting::Setting;
use crate::model::settings::Settings;
use crate::model::token::Token;
use crate::net::{LONGEST_PAUSE, Limits};
use crate::scaffold::push::{ForgeCaller, UserCaller};
use crate::world::World;

/// For a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// For an answer: GitHub ends requests itself after ten seconds.
const ANSWER: Duration = Duration::from_secs(20);
/// The variable that says another number of seconds for both.
const TIMEOUT: &str = "APISCAFFOLD_TIMEOUT";

#[derive(Debug, thiserror::Error)]
#[error("`{TIMEOUT}` is `{}`, which is not a number of seconds from 1 to 600", .0.escape_debug())]
struct BadTimeout(String);

impl Blame for BadTimeout {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(format!("leave it out for {} seconds", ANSWER.as_secs()))
    }
}

/// Who is to own the repository on the forge: as the command line or the environment says, where an empty text means
/// nobody, else the user's config. None for a repository on this machine alone.
pub(crate) fn owner(given: Option<&String>, world: &World) -> Result<Option<String>, Failure> {
    let owner = match (given, world.config()) {
        (Some(owner), _) => Some(owner.clone()),
        (None, Some(config)) => file::config(&config)?.and_then(|found| found.owner),
        (None, None) => None,
    };
    Ok(owner.filter(|owner| !owner.is_empty()))
}

/// Where the forge is.
pub(crate) fn server(world: &World) -> Result<Server, ForgeError> {
    Server::new(world.variable("GITHUB_API_URL"), world.variable("GITHUB_SERVER_URL"))
}

/// The run's session on the forge, for repositories of `owner`, in the name of whom the environment says. Nothing is sent
/// yet.
pub(crate) fn open(owner: &str, world: &World) -> Result<Github, Failure> {
    if world.offline {
        return Err(ForgeError::Offline.into());
    }
    let session = match world.github.get() {
        Some(session) => Arc::clone(session),
        None => {
            let made = session(world)?;
            // Another thread may have been faster.
            Arc::clone(world.github.get_or_init(|| Arc::new(made)))
        }
    };
    Ok(Github::new(session, owner))
}

/// A session, in which waiting ends with Ctrl-C.
fn session(world: &World) -> Result<Session, Failure> {
    let server = server(world)?;
    let identity = identity(&server, world)?;
    let (terminal, last) = (world.terminal.clone(), Mutex::new(Duration::ZERO));
    let listener = Arc::new(move |why: PauseReason, left: Duration| {
        // What is left grows only when another pause begins.
        let before = std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), left);
        terminal.pause(why.words(), left.as_secs(), left > before);
    });
    let (limits, patience, interrupt) = (limits(world)?, LONGEST_PAUSE, world.interrupt.clone());
    Ok(Session::new(server, identity, SessionOptions { limits, patience, interrupt, listener })?)
}

/// How git reaches the forge, without a token.
pub(crate) fn network(world: &World) -> Result<Network, Failure> {
    let Limits { connect: connect_limit, answer } = limits(world)?;
    // A server may think for longer about what git sends than about a call, unless the user says how long.
    let idle_limit = if world.variable(TIMEOUT).is_some() { answer } else { Network::default().idle_limit };
    Ok(Network { ssh_command: world.ssh_command(), token: None, connect_limit, idle_limit })
}

/// How git reaches `url`: by the user's own `ssh`, and over HTTP with a token for the forge, if it is there that it goes.
pub(crate) fn network_to(url: &str, world: &World) -> Result<Network, Failure> {
    let token = match asker(url, world)? {
        GitIdentity::User(token) => token,
        GitIdentity::App(github, target) => match github.token_to_fetch(&target) {
            // What is public can be fetched by everybody.
            Err(ForgeError::NotInstalled { .. }) => None,
            token => Some(token?),
        },
    };
    Ok(Network { token, ..network(world)? })
}

/// In whose name git pushes to the server of `url`.
pub(crate) fn caller_of(url: &str, world: &World) -> Result<Arc<dyn Caller>, Failure> {
    Ok(match asker(url, world)? {
        GitIdentity::App(github, target) => Arc::new(ForgeCaller { github, target, ssh: false }),
        GitIdentity::User(token) => {
            Arc::new(UserCaller { token, terminal: world.terminal.clone(), interrupt: world.interrupt.clone() })
        }
    })
}

/// In whose name git asks a server.
enum GitIdentity {
    /// Whoever has this token, if there is one.
    User(Option<Token>),
    /// The app that the environment names, for this repository.
    App(Github, RepositorySlug),
}

/// Only the forge gets a token: the environment's, else one of the app that the environment names.
fn asker(url: &str, world: &World) -> Result<GitIdentity, Failure> {
    let server = server(world)?;
    if !server.is_home_of(url) || world.offline {
        return Ok(GitIdentity::User(None));
    }
    let token = world.variable("GH_TOKEN").or_else(|| world.variable("GITHUB_TOKEN"));
    match server.target(url) {
        Some(target) if token.is_none() && world.variable("APISCAFFOLD_APP_ID").is_some() => {
            Ok(GitIdentity::App(open(&target.owner, world)?, target))
        }
        _ => Ok(GitIdentity::User(token.map(Token::new))),
    }
}

/// Time-outs of requests.
fn limits(world: &World) -> Result<Limits, BadTimeout> {
    let Some(text) = world.variable(TIMEOUT) else { return Ok(Limits { connect: CONNECT, answer: ANSWER }) };
    match text.parse() {
        Ok(seconds @ 1..=600) => {
            let answer = Duration::from_secs(seconds);
            Ok(Limits { connect: answer.min(CONNECT), answer })
        }
        _ => Err(BadTimeout(text.to_owned())),
    }
}

/// Who asks: an app, when the environment names one, since only apiscaffold's own variables do; else whose token is there.
fn identity(server: &Server, world: &World) -> Result<Identity, Failure> {
    if let Some(id) = world.variable("APISCAFFOLD_APP_ID") {
        return Ok(Identity::App { id: id.to_owned(), key: app_key(world)? });
    }
    if let Some(token) = world.variable("GH_TOKEN") {
        return Ok(Identity::Token(Token::new(token)));
    }
    if let Some(token) = world.variable("GITHUB_TOKEN") {
        // In a workflow this variable holds the workflow's own token, which an app's installation issued.
        if world.variable("GITHUB_ACTIONS").is_some() && token.starts_with("ghs_") {
            return Err(ForgeError::OwnToken.into());
        }
        return Ok(Identity::Token(Token::new(token)));
    }
    let token = auth::from_gh(server.host()).ok_or(ForgeError::NoToken)?;
    Ok(Identity::Token(token))
}

fn app_key(world: &World) -> Result<Token, ForgeError> {
    let bad = |reason: String| ForgeError::AppKey { reason };
    let key = world.variable("APISCAFFOLD_APP_KEY").ok_or_else(|| bad("it is not set".to_owned()))?;
    if key.contains("-----BEGIN") {
        return Ok(Token::new(key));
    }
    // What is no file may be a key that lost its first line: it is not shown.
    fs::read_to_string(world.absolute(key.as_ref())).map(Token::new).map_err(|error| bad(error.to_string()))
}

/// Settings of a repository that the tool makes: whoever looks at it first sees the branch of the first commit.
pub(crate) fn on_main(mut settings: Settings) -> Settings {
    settings.repository.insert("default_branch".to_owned(), "main".into());
    settings
}

/// The settings that such an owner's repository of such a visibility can have; a skipped setting is reported.
pub(crate) fn fitting(mut settings: Settings, kind: OwnerKind, visibility: Visibility, world: &World) -> Vec<Setting> {
    if visibility != Visibility::Public && settings.security.private_vulnerability_reporting {
        settings.security.private_vulnerability_reporting = false;
        world.terminal.detail("only public repositories have private vulnerability reporting: this setting is skipped");
    }
    if kind == OwnerKind::User {
        let reviewed = settings.environments.iter_mut().filter_map(|environment| environment.reviewers.take());
        let without_reviewers = reviewed.filter(|reviewers| !reviewers.is_empty()).count() > 0;
        if without_reviewers || settings.each().iter().any(Setting::needs_organisation) {
            world
                .terminal
                .warn("a user's repository has no teams and no custom properties: those settings are skipped");
        }
    }
    let mut all = settings.each();
    all.retain(|setting| kind == OwnerKind::Organisation || !setting.needs_organisation());
    all
}
