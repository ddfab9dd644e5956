//! Where a new repository will be, and what is there and in the registry already.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::error::{Blame, Failure, Fault};
use crate::model::author::Author;
use crate::model::name::ApiName;
use crate::model::record::{KeyKind, Record, RecordState};
use crate::registry::{Registry, RegistryError};

/// The place of a repository.
#[derive(Clone)]
pub(crate) struct RepositoryLocation {
    pub(crate) target: PathBuf,
    /// The repository's page on the forge, else the target as a `file://` URL.
    pub(crate) url: String,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocationError {
    #[error("`{}` is not a folder", .0.display())]
    NotFolder(PathBuf),
    #[error("`{}` cannot be written as a URL", .0.display())]
    NoUrl(PathBuf),
    #[error("`{}` was made earlier with other answers, another spec or another template, and stays unchanged", folder.display())]
    Differs {
        folder: PathBuf,
        /// What is different.
        different: Vec<String>,
    },
    #[error("`{0}` was made earlier with other answers, another spec or another template, and stays unchanged")]
    DiffersThere(String),
    #[error("cannot read `{}`", path.display())]
    Unseen {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Blame for LocationError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotFolder(_) | Self::NoUrl(_) => Fault::Input,
            Self::Unseen { .. } => Fault::Environment,
            Self::Differs { .. } | Self::DiffersThere(_) => Fault::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFolder(_) | Self::NoUrl(_) => "choose another folder with `--into`".to_owned(),
            Self::Differs { different, .. } => {
                let what = if different.is_empty() { "it has no base" } else { &different.join(", ") };
                format!(
                    "what is different: {what}\nchoose another name, or another folder with `--into`; or remove the folder if you do not need it"
                )
            }
            Self::DiffersThere(_) => {
                "give the spec, the answers and the template that it was made with; or choose another name".to_owned()
            }
            Self::Unseen { .. } => "choose a folder that you may read, with `--into`".to_owned(),
        })
    }
}

/// A folder without links and `..`, as far as it exists.
fn real(folder: &Path) -> Result<PathBuf, LocationError> {
    match (folder.canonicalize(), folder.parent(), folder.file_name()) {
        (Ok(real), ..) if real.is_dir() => Ok(real),
        (Ok(_), ..) => Err(LocationError::NotFolder(folder.to_owned())),
        (Err(error), Some(parent), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(real(parent)?.join(name))
        }
        (Err(error), ..) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(LocationError::NotFolder(folder.to_owned()))
        }
        (Err(source), ..) => Err(LocationError::Unseen { path: folder.to_owned(), source }),
    }
}

/// What is known of an API's name before anything is made.
pub(crate) enum NameClaim {
    /// Nobody has it.
    Free,
    /// An earlier run of ours has it.
    Ours(Box<Record>),
}

impl RepositoryLocation {
    /// `parent/name`, the parent as it really is; it need not exist yet.
    pub(crate) fn new(parent: &Path, name: &ApiName) -> Result<Self, LocationError> {
        let real = real(parent)?;
        let target = real.join(name.as_str());
        let url = url::Url::from_file_path(&target).map_err(|()| LocationError::NoUrl(target.clone()))?;
        Ok(Self { target, url: url.into() })
    }

    /// Whether anything is at the target.
    pub(crate) fn exists(&self) -> bool {
        fs::symlink_metadata(&self.target).is_ok()
    }

    /// Who has the name. On a forge a repository is for everybody, so that a reservation is ours only when `author` made
    /// it; a path on this machine is ours alone. A folder that no record of ours speaks of is in the way.
    pub(crate) fn standing(
        &self,
        name: &ApiName,
        registry: Option<&Registry>,
        author: &Author,
    ) -> Result<NameClaim, Failure> {
        let record = registry.map(|registry| registry.get(name.as_str())).transpose()?.flatten();
        let is_here = self.url.starts_with("file:");
        let is_ours = |record: &Record| {
            let by_us = record.history.first().is_none_or(|first| first.by == author.to_string());
            record.repository.url == self.url && (is_here || record.state == RecordState::Active || by_us)
        };
        match record {
            Some(record) if is_ours(&record) => Ok(NameClaim::Ours(Box::new(record))),
            Some(record) => {
                Err(RegistryError::taken(KeyKind::Name, name.to_string(), name.as_str(), Some(&record)).into())
            }
            None if self.exists() => Err(DiskError::Exists { path: self.target.clone() }.into()),
            None => Ok(NameClaim::Free),
        }
    }
}
