//! A plan: what a command is going to do, decided before anything is done.

use std::path::PathBuf;

use super::record::Record;
use super::tree::Tree;

/// Steps in the order in which they are done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One effect on the world. Each asks first whether the world is already so.
#[derive(Clone, Debug)]
pub enum Step {
    /// Write the files and the first commit beside the place where the repository will be.
    Commit {
        /// Where the repository will be.
        target: PathBuf,
        /// Its files.
        tree: Tree,
        /// The commit's message.
        message: String,
    },
    /// Take the API's keys in the registry.
    Reserve {
        /// The record, not yet active.
        record: Box<Record>,
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
    pub fn words(&self) -> String {
        match self {
            Self::Commit { tree, message, .. } => format!("commit {} files on main: {message}", tree.len()),
            Self::Reserve { record } => {
                format!(
                    "reserve `{}` (short name `{}`, base path `{}`)",
                    record.name, record.short_name, record.base_path
                )
            }
            Self::Place { target } => format!("put the repository at {}", target.display()),
            Self::Activate { record } => format!("record `{}` as active", record.name),
        }
    }

    /// One word for the step, for machines.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Commit { .. } => "commit",
            Self::Reserve { .. } => "reserve",
            Self::Place { .. } => "place",
            Self::Activate { .. } => "activate",
        }
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The world was changed.
    Done,
    /// The world was already so.
    AlreadySo,
}

impl Status {
    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadySo => "already so",
        }
    }
}
