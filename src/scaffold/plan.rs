//! A plan: what a command is going to do, decided before anything is done.

use std::path::PathBuf;

use crate::model::author::Author;
use crate::model::record::Record;
use crate::model::repository::NewRepository;
use crate::model::setting::Setting;
use crate::model::tree::Tree;

/// Steps in the order in which they are done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The steps.
    pub(crate) steps: Vec<Step>,
}

/// One effect on the world. Each asks first whether the world is already so.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Write the files and the first commit beside the place where the repository will be.
    Commit {
        /// Where the repository will be.
        target: PathBuf,
        /// Its files.
        tree: Tree,
        /// The commit's message.
        message: String,
        /// Author and committer. The same author and time give the same commit again.
        author: Author,
        /// Seconds since 1970, UTC.
        seconds: i64,
    },
    /// Take the API's keys in the registry.
    Reserve {
        /// The record, not yet active.
        record: Box<Record>,
    },
    /// Make the repository on the forge, empty.
    Create {
        /// The repository.
        new: NewRepository,
    },
    /// Push the first commit to the forge.
    Push {
        /// The repository's page.
        page: String,
    },
    /// Make the repository's settings so, and read them back.
    Configure {
        /// The settings, in the order in which they are made.
        settings: Vec<Setting>,
    },
    /// Let the repository appear in its place, by one rename.
    Place {
        /// The place.
        target: PathBuf,
    },
    /// Say in the registry that the repository is complete.
    Activate {
        /// The record, active.
        record: Box<Record>,
    },
}

impl Step {
    /// The step in words, beginning with a verb.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Commit { tree, message, .. } => format!("commit {} files on main: {message}", tree.len()),
            Self::Reserve { record } => {
                format!(
                    "reserve `{}` (short name `{}`, base path `{}`)",
                    record.name, record.short_name, record.base_path
                )
            }
            Self::Create { new } => {
                format!("make the {} repository {}/{}", new.visibility.word(), new.target.owner, new.target.name)
            }
            Self::Push { page } => format!("push the first commit to {page}"),
            Self::Configure { settings } => format!("make {} settings so", settings.len()),
            Self::Place { target } => format!("put the repository at {}", target.display()),
            Self::Activate { record } => format!("record `{}` as active", record.name),
        }
    }

    /// One word for the step, for machines.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "commit",
            Self::Reserve { .. } => "reserve",
            Self::Create { .. } => "create",
            Self::Push { .. } => "push",
            Self::Configure { .. } => "configure",
            Self::Place { .. } => "place",
            Self::Activate { .. } => "activate",
        }
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The world was changed.
    Done,
    /// The world was already so.
    AlreadySo,
    /// It could not be done.
    Failed,
    /// Something is needed from a person first.
    Waiting,
    /// It was not tried, because of what failed before.
    Left,
}

impl Status {
    /// Whether the world is as it should be.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::AlreadySo)
    }

    /// One word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadySo => "already so",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Left => "left",
        }
    }
}
