//! A plan: what a command is going to do, decided before anything is done.

use std::path::PathBuf;

use crate::forge::github::{HostedCommit, Lower, NewPull, Reservation};
use crate::git::change::{FileEdit, Head};
use crate::git::commit::NewCommit;
use crate::model::record::Record;
use crate::model::repository::{NewRepository, RepositorySlug};
use crate::model::setting::Setting;
use crate::model::text::counted;
use crate::model::tree::Tree;
use crate::registry::ImportCandidate;
use crate::scaffold::push::{BranchCommit, Commits};

/// Steps in the order in which they are done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// Whether an earlier run has begun this on the forge, so that a failure leaves something unfinished.
    pub(crate) is_begun: bool,
}

impl From<Vec<Step>> for Plan {
    /// Steps of which nothing was begun before.
    fn from(steps: Vec<Step>) -> Self {
        Self { steps, is_begun: false }
    }
}

/// One effect on the world, with all that it needs. Each asks first whether the world is already so.
///
/// What only an earlier step of the same plan can find out is none here: the number and the address of a repository that
/// it makes.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Write the files and the first commit beside the place where the repository will be.
    FirstCommit {
        target: PathBuf,
        tree: Tree,
        /// The same author and time give the same commit again.
        commit: NewCommit,
    },
    /// Take the API's keys in the registry.
    Reserve { record: Box<Record> },
    /// Make the repository on the forge, empty, and note its number in the record.
    Create(CreateStep),
    /// Push commits to the repository on the forge.
    Push(PushStep),
    /// Let the forge make a commit on a branch of its own, and sign it.
    HostedCommit(HostedCommitStep),
    /// Make the repository's settings so, each on its own, and read them back.
    Configure(Configure),
    /// Let the repository appear in its place, by one rename.
    Place {
        target: PathBuf,
        /// The address on the forge, if the repository is there already.
        origin: Option<String>,
    },
    /// Say in the registry that the repository is complete.
    Activate { record: Box<Record> },
    /// Add a commit to the branch that is checked out.
    Commit {
        folder: PathBuf,
        /// The branch, and the commit that it is at.
        head: Head,
        /// The files that change.
        edits: Vec<FileEdit>,
        /// Author, time and message.
        commit: NewCommit,
    },
    /// Open a pull request.
    PullRequest {
        target: RepositorySlug,
        /// The pull request.
        new: NewPull,
        /// The page of the one that is open already.
        open: Option<String>,
    },
    /// Archive the repository on the forge: it can be read, and not changed.
    Archive {
        target: RepositorySlug,
        /// Its page.
        page: String,
    },
    /// Change a record.
    Record {
        /// The record as it was read.
        old: Box<Record>,
        /// The record as it shall be.
        new: Box<Record>,
        /// The step in words.
        words: String,
        /// The message of the registry's commit.
        message: String,
    },
    /// Record APIs that exist, all in one commit.
    Import {
        /// The records, as files say them.
        incoming: Vec<ImportCandidate>,
        /// How many of them the registry does not have yet.
        new: usize,
    },
    /// Give up a reservation.
    Release {
        /// The record.
        record: Box<Record>,
    },
}

/// A repository to be made on the forge.
#[derive(Clone, Debug)]
pub(crate) struct CreateStep {
    pub(crate) new: NewRepository,
    /// What the record of an earlier run says of it; none when there was no record before this run.
    pub(crate) claim: Option<Reservation>,
    /// The id of the first commit's tree.
    pub(crate) tree: String,
    /// The record, as it was reserved.
    pub(crate) record: Box<Record>,
}

/// A push.
#[derive(Clone, Debug)]
pub(crate) struct PushStep {
    /// The repository on the forge.
    pub(crate) target: RepositorySlug,
    /// Its page.
    pub(crate) page: String,
    /// The address that git pushes to; none when an earlier step makes the repository.
    pub(crate) url: Option<String>,
    /// Whether over ssh, with the user's own keys.
    pub(crate) ssh: bool,
    /// Where the commits are, unless an earlier step makes them.
    pub(crate) folder: PathBuf,
    /// What is pushed.
    pub(crate) commits: Commits,
    /// Whether an earlier run has pushed the same.
    pub(crate) is_there: bool,
}

/// A commit that the forge makes.
#[derive(Clone, Debug)]
pub(crate) struct HostedCommitStep {
    /// The repository on the forge.
    pub(crate) target: RepositorySlug,
    /// Its page.
    pub(crate) page: String,
    pub(crate) new: HostedCommit,
    /// The files that it changes.
    pub(crate) edits: Vec<FileEdit>,
    /// Whether an earlier run has had it made.
    pub(crate) is_there: bool,
}

/// Settings of a repository.
#[derive(Clone, Debug)]
pub(crate) struct Configure {
    /// The repository on the forge.
    pub(crate) target: RepositorySlug,
    pub(crate) settings: Vec<Setting>,
    /// Whether missing teams are made.
    pub(crate) create_teams: bool,
    /// Whether what is stricter there is lowered.
    pub(crate) lower: Lower,
}

/// `, signed with your ssh key,`
fn signed(commit: &NewCommit) -> String {
    commit.signing.words().map(|key| format!(", signed with {key},")).unwrap_or_default()
}

impl Step {
    /// The step in words, beginning with a verb.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::FirstCommit { tree, commit, .. } => {
                let (files, signed) = (counted(tree.len(), "file"), signed(commit));
                format!("commit {files}{signed} on main: {}", commit.message.trim_end())
            }
            Self::Reserve { record } => {
                let Record { name, short_name, base_path, .. } = &**record;
                format!("reserve `{name}` (short name `{short_name}`, base path `{base_path}`)")
            }
            Self::Create(CreateStep { new, .. }) => {
                format!("make the {} repository {}/{}", new.visibility.word(), new.target.owner, new.target.name)
            }
            Self::Push(PushStep { page, commits: Commits::First, .. }) => format!("push the first commit to {page}"),
            Self::Push(PushStep { page, commits: Commits::Branch(commit), .. }) => {
                let BranchCommit { branch, edits, new, .. } = &**commit;
                format!("push a commit of {}{} to branch {branch} of {page}", counted(edits.len(), "file"), signed(new))
            }
            Self::HostedCommit(HostedCommitStep { page, new, edits, .. }) => {
                let (files, branch) = (counted(edits.len(), "file"), &new.branch);
                format!("let GitHub make and sign a commit of {files} on branch {branch} of {page}")
            }
            Self::Configure(Configure { settings, .. }) => format!("make {}", counted(settings.len(), "setting")),
            Self::Place { target, .. } => format!("put the repository at {}", target.display()),
            Self::Activate { record } => format!("record `{}` as active", record.name),
            Self::Commit { folder, head, edits, commit } => {
                let (files, signed) = (counted(edits.len(), "file"), signed(commit));
                format!("commit {files}{signed} on {} in {}", head.name(), folder.display())
            }
            Self::PullRequest { new, open, .. } => {
                let page = open.iter().map(|page| format!(", {page}")).collect::<String>();
                format!("open a pull request: {}{page}", new.title)
            }
            Self::Archive { page, .. } => format!("archive {page}"),
            Self::Record { words, .. } => words.clone(),
            Self::Import { new, .. } => format!("record {}", counted(*new, "API")),
            Self::Release { record } => format!("give up the reservation of `{}`", record.name),
        }
    }

    /// One word for the step, for machines.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::FirstCommit { .. } | Self::Commit { .. } => "commit",
            Self::Reserve { .. } => "reserve",
            Self::Create(_) => "create",
            Self::Push(_) | Self::HostedCommit(_) => "push",
            Self::Configure(_) => "configure",
            Self::Place { .. } => "place",
            Self::Activate { .. } => "activate",
            Self::PullRequest { .. } => "pull-request",
            Self::Archive { .. } => "archive",
            Self::Record { .. } => "record",
            Self::Import { .. } => "import",
            Self::Release { .. } => "release",
        }
    }

    /// Whether it changes the forge: after it a failure leaves something unfinished there.
    pub(crate) const fn is_on_forge(&self) -> bool {
        matches!(
            self,
            Self::Create(_)
                | Self::Push(_)
                | Self::HostedCommit(_)
                | Self::Configure(_)
                | Self::PullRequest { .. }
                | Self::Archive { .. }
        )
    }

    /// Whether it changes the registry.
    pub(crate) const fn is_in_registry(&self) -> bool {
        matches!(
            self,
            Self::Reserve { .. }
                | Self::Activate { .. }
                | Self::Record { .. }
                | Self::Import { .. }
                | Self::Release { .. }
        )
    }
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The world was changed.
    Done,
    /// The world was already so.
    AlreadySo,
    /// The world is so, or was made so, but for what is stricter there, which stays.
    Kept,
    /// It would be done: this is a dry run.
    Planned,
    /// It could not be done.
    Failed,
    /// Something is needed from a person first.
    Waiting,
    /// It was not tried, because of what failed before.
    Left,
}

impl Status {
    /// Whether nothing remains to be done.
    pub(crate) const fn is_good(self) -> bool {
        matches!(self, Self::Done | Self::AlreadySo | Self::Kept | Self::Planned)
    }

    /// One word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadySo => "already so",
            Self::Kept => "kept",
            Self::Planned => "planned",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Left => "left",
        }
    }
}
