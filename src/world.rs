//! The world as the program finds it, read once and passed on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::error::{Blame, Fault, shell_quoted};
use crate::forge::github::Session;
use crate::net::Interrupt;
use crate::terminal::{Color, OutputOptions, Streams, Terminal};

/// What a run finds around it: read from the process, or handed in by a test.
#[derive(Debug)]
pub struct Surroundings {
    /// Environment variables that are text.
    pub variables: BTreeMap<String, String>,
    /// The current folder.
    pub folder: io::Result<PathBuf>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The file of this program.
    pub program: Option<PathBuf>,
    /// When the program started.
    pub now: Timestamp,
    /// Where it writes.
    pub streams: Streams,
}

impl Surroundings {
    /// Those of the process.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir(),
            home: std::env::home_dir(),
            program: std::env::current_exe().ok(),
            now: Timestamp::now(),
            streams: Streams::of_process(),
        }
    }
}

/// Environment, current folder, clock and terminal.
#[derive(Clone, Debug)]
pub struct World {
    /// Environment variables that are text.
    pub variables: BTreeMap<String, String>,
    /// The current folder.
    pub folder: PathBuf,
    /// When the program started.
    pub now: Timestamp,
    /// The way to the user.
    pub terminal: Terminal,
    /// Whether the network is not to be used.
    pub offline: bool,
    /// Ctrl-C.
    pub interrupt: Interrupt,
    /// The run's one session on the forge; none until something is asked there.
    pub github: Arc<OnceLock<Arc<Session>>>,
    home: Option<PathBuf>,
    program: Option<PathBuf>,
}

/// The command line's options for the output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speech {
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// `-v`
    pub verbose: bool,
    /// `--yes`
    pub yes: bool,
    /// `--color`
    pub color: Color,
}

/// The world is not fit to work in.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// There is no current folder.
    #[error("the current folder cannot be found")]
    NoFolder(#[source] io::Error),
    /// This program is not where it was started from.
    #[error("the program cannot find itself")]
    NoProgram,
    /// No place for the user's data.
    #[error("there is no home folder to keep the {what} in")]
    NoHome {
        /// registry or cache
        what: &'static str,
        /// The variable that says where.
        variable: &'static str,
    },
}

impl Blame for WorldError {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoProgram => Some("start it again by its path".to_owned()),
            Self::NoFolder(_) => Some("change to a folder that exists, and run the command again".to_owned()),
            Self::NoHome { variable, .. } => Some(format!("set HOME or {variable} to a folder you can write to")),
        }
    }
}

impl World {
    /// The world that `surroundings` are, spoken to as the command line says.
    pub fn new(surroundings: Surroundings, speech: Speech, offline: bool) -> Result<Self, WorldError> {
        let Surroundings { variables, folder, home, program, now, streams } = surroundings;
        let manner = manner(speech, &variables, streams.stderr.is_terminal);
        let (terminal, interrupt) = (Terminal::new(streams, manner), Interrupt::default());
        let folder = folder.map_err(WorldError::NoFolder)?;
        Ok(Self { variables, folder, now, terminal, offline, interrupt, github: Arc::default(), home, program })
    }

    /// At the end of a run: revokes the tokens that it made. That is nobody's failure: they expire by themselves.
    pub fn close(&self) {
        let Some((revoked, left)) = self.github.get().map(|session| session.revoke()) else { return };
        if revoked > 0 {
            self.terminal.detail(&format!("revoked the tokens of the GitHub App ({revoked})"));
        }
        if left > 0 {
            self.terminal
                .detail(&format!("tokens of the GitHub App were not revoked and expire by themselves ({left})"));
        }
    }

    /// The file of this program.
    pub fn program(&self) -> Result<PathBuf, WorldError> {
        self.program.clone().ok_or(WorldError::NoProgram)
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What git runs instead of `ssh`, in words that a shell splits.
    pub fn ssh_command(&self) -> Option<String> {
        // GIT_SSH is a program's path, GIT_SSH_COMMAND a line for the shell (`man git`).
        let program = || self.variable("GIT_SSH").map(shell_quoted);
        self.variable("GIT_SSH_COMMAND").map(str::to_owned).or_else(program)
    }

    /// `path` as it is meant in the current folder.
    pub fn absolute(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Where the registry is when nothing else is said: `$XDG_DATA_HOME/apiscaffold/registry.git`
    /// (<https://specifications.freedesktop.org/basedir-spec/>).
    pub fn default_registry(&self) -> Result<PathBuf, WorldError> {
        self.own_folder("XDG_DATA_HOME", ".local/share", "registry").map(|folder| folder.join("registry.git"))
    }

    /// Where fetched templates are kept.
    pub fn cache(&self) -> Result<PathBuf, WorldError> {
        self.own_folder("XDG_CACHE_HOME", ".cache", "cache").map(|folder| folder.join("templates"))
    }

    /// Where copies of shared registries are kept.
    pub fn registry_cache(&self) -> Result<PathBuf, WorldError> {
        self.own_folder("XDG_CACHE_HOME", ".cache", "cache").map(|folder| folder.join("registries"))
    }

    /// The user's `config.toml`, whether it exists or not.
    pub fn config(&self) -> Option<PathBuf> {
        self.own_folder("XDG_CONFIG_HOME", ".config", "config").ok().map(|folder| folder.join("config.toml"))
    }

    fn own_folder(&self, variable: &'static str, below_home: &str, what: &'static str) -> Result<PathBuf, WorldError> {
        let given = self.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || self.home.as_ref().filter(|home| home.is_absolute()).map(|home| home.join(below_home));
        given.or_else(home).map(|folder| folder.join("apiscaffold")).ok_or(WorldError::NoHome { what, variable })
    }
}

/// Whether text for a stream is coloured: <https://no-color.org>, <https://bixense.com/clicolors/>
pub fn is_coloured(choice: Color, variables: &BTreeMap<String, String>, is_terminal: bool) -> bool {
    let set = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty() && value != "0");
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !set("NO_COLOR") && (set("CLICOLOR_FORCE") || (is_terminal && !is_dumb(variables))),
    }
}

fn is_dumb(variables: &BTreeMap<String, String>) -> bool {
    variables.get("TERM").is_some_and(|term| term == "dumb")
}

fn manner(speech: Speech, variables: &BTreeMap<String, String>, is_terminal: bool) -> OutputOptions {
    let in_workflow = variables.get("CI").is_some_and(|value| !value.is_empty() && value != "0");
    OutputOptions {
        json: speech.json,
        quiet: speech.quiet,
        verbose: speech.verbose,
        yes: speech.yes,
        color: is_coloured(speech.color, variables, is_terminal),
        bars: is_terminal && !is_dumb(variables) && !in_workflow,
    }
}
