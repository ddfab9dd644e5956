//! The errors of a registry.

use super::layout;
use crate::error::{Blame, Fault};
use crate::git::store::StoreError;
use crate::model::record::{KeyKind, Record, RecordState};

/// A registry cannot be read or written, or refuses a change.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another API has the key, or the name is somebody else's.
    #[error("the {} `{}` is taken{}{}", kind.word(), value.escape_debug(), by_whom(*kind, holder), taken_by(claim.as_deref()))]
    Taken {
        kind: KeyKind,
        value: String,
        holder: String,
        /// Who took it, when and for what; none when the holder's record is missing or cannot be read.
        claim: Option<Box<KeyHolder>>,
    },
    /// There is no record to activate.
    #[error("the API `{name}` has no record in the registry")]
    NotReserved { name: String },
    /// The record is not the one that was read.
    #[error("the record of `{name}` was changed by somebody else at the same time")]
    Changed {
        /// The API's name.
        name: String,
    },
    #[error("the {} of the API `{name}` is `{}` in the registry, not `{}`", kind.word(), stored.escape_debug(), given.escape_debug())]
    KeyChanged {
        /// The API's name.
        name: String,
        /// Which key.
        kind: KeyKind,
        stored: String,
        given: String,
    },
    /// A record breaks the rules for what a record may hold.
    #[error("the registry does not accept the record of `{name}`: {}", faults.join("; "))]
    Unfit {
        name: String,
        /// What is wrong, as a sentence each; no secret is repeated.
        faults: Vec<String>,
    },
    /// A record was changed by hand, and is not one any more.
    #[error("`{path}`{} in the registry `{registry}` cannot be read: {message}", at(*line))]
    Broken {
        registry: String,
        /// The record's path in its branch `main`.
        path: String,
        line: Option<usize>,
        message: String,
    },
    /// Only a reservation can be given up.
    #[error("the API `{name}` is active; only a reservation can be released")]
    StillActive { name: String },
    /// Somebody else has reserved it.
    #[error("`{name}` was reserved by {}; only they can release it", by.escape_debug())]
    NotYours {
        name: String,
        /// Who, as `Name <address>`.
        by: String,
    },
    /// A repository with commits for something else.
    #[error("the git repository `{place}` is not a registry: it has no `{}`", layout::MARK)]
    NotARegistry {
        /// Its URL or folder.
        place: String,
    },
    /// A registry of a newer version of this tool.
    #[error("the registry `{place}` has format {format}, which this version cannot read")]
    Newer { place: String, format: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    pub repository: String,
    pub state: RecordState,
    /// Who took it, as `Name <address>`; none when the record has no history.
    pub by: Option<String>,
    pub date: Option<String>,
}

impl RegistryError {
    /// The key `value` is held by the API `holder`, whose record is `has` if it can be read.
    pub fn taken(kind: KeyKind, value: String, holder: &str, has: Option<&Record>) -> Self {
        let claim = has.map(|record| {
            let first = record.history.first();
            Box::new(KeyHolder {
                repository: record.repository.url.clone(),
                state: record.state,
                by: first.map(|change| change.by.clone()),
                date: first.map(|change| change.date.clone()),
            })
        });
        Self::Taken { kind, value, holder: holder.to_owned(), claim }
    }

    /// The name of `record` is taken by the record `old`.
    pub(super) fn name_taken(record: &Record, old: &Record) -> Self {
        Self::taken(KeyKind::Name, record.name.to_string(), record.name.as_str(), Some(old))
    }

    pub(super) fn key_changed(kind: KeyKind, stored: &Record, given: &Record) -> Self {
        Self::KeyChanged { name: given.name.to_string(), kind, stored: stored.key(kind), given: given.key(kind) }
    }
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line},")).unwrap_or_default()
}

/// The API that has a key, unless its name is the key.
fn by_whom(kind: KeyKind, holder: &str) -> String {
    if kind == KeyKind::Name { String::new() } else { format!(" by the API `{}`", holder.escape_debug()) }
}

/// By whom, when and where, as far as it is known.
fn taken_by(claim: Option<&KeyHolder>) -> String {
    let Some(claim) = claim else { return String::new() };
    let verb = match claim.state {
        RecordState::Reserved => "reserved",
        RecordState::Active => "registered",
    };
    let by = claim.by.as_ref().map(|by| format!(" by {}", by.escape_debug())).unwrap_or_default();
    let date = claim.date.as_ref().map(|date| format!(" on {}", date.escape_debug())).unwrap_or_default();
    format!(" ({verb}{by}{date} for {})", claim.repository.escape_debug())
}

impl Blame for RegistryError {
    fn fault(&self) -> Fault {
        match self {
            Self::Taken { .. }
            | Self::NotReserved { .. }
            | Self::Changed { .. }
            | Self::KeyChanged { .. }
            | Self::StillActive { .. } => Fault::Conflict,
            Self::NotYours { .. } => Fault::Permission,
            Self::NotARegistry { .. } | Self::Unfit { .. } => Fault::Input,
            Self::Newer { .. } | Self::Broken { .. } => Fault::Environment,
            Self::Store(error) => error.fault(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Taken { kind, holder, claim: None, .. } if *kind != KeyKind::Name => {
                format!(
                    "`{}` has no readable record: `apiscaffold list` says what is wrong in the registry",
                    holder.escape_debug()
                )
            }
            Self::Taken { kind: KeyKind::Name, claim: Some(claim), .. } if claim.state == RecordState::Reserved => format!(
                "to finish it, run the same command again where it was run for {}; or choose another name",
                claim.repository.escape_debug()
            ),
            Self::Taken { kind: KeyKind::Name, value, .. } => {
                format!("choose another name, or see what `{0}` is: `apiscaffold show {0}`", value.escape_debug())
            }
            Self::Taken { kind: KeyKind::ShortName, .. } => "give another one: `--set short_name=…`".to_owned(),
            Self::Taken { kind: KeyKind::BasePath, .. } => "give another one: `--set base_path=…`".to_owned(),
            Self::Taken { kind: KeyKind::Guid, .. } => "choose another name: the guid comes from the name".to_owned(),
            Self::Taken { kind: KeyKind::Repository, .. } => {
                "choose another folder with `--into`: a repository holds one API".to_owned()
            }
            Self::NotReserved { name } => format!("make it again: `apiscaffold new {name}`"),
            Self::Changed { name } => {
                format!("see what it says now with `apiscaffold show {name}`, then run the same command again")
            }
            Self::KeyChanged { .. } => "use the value that the registry has, or choose another name".to_owned(),
            Self::StillActive { name } => format!("an API ends by moving through its phases: see `apiscaffold phase {name}`"),
            Self::NotYours { .. } => "ask them; git's configuration or GIT_AUTHOR_EMAIL says who you are".to_owned(),
            Self::Unfit { .. } => {
                "change the value where it comes from, or give another one (for an answer: `--set KEY=VALUE`), and run the same command again".to_owned()
            }
            Self::NotARegistry { .. } => {
                "name an empty repository, or the repository of a registry".to_owned()
            }
            Self::Newer { .. } => "use a newer version of apiscaffold".to_owned(),
            Self::Broken { registry, path, .. } => format!(
                "clone `{registry}`, see who changed the file with `git log -- {path}`, fix it, commit and push"
            ),
            Self::Store(error) => return error.hint(),
        })
    }
}
