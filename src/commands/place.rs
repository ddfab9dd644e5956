//! Where a new repository will be, and what is there and in the registry already.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::DiskError;
use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::model::record::{KeyKind, Record, State};
use crate::registry::Registry;

/// The place of a repository.
pub(super) struct Place {
    pub(super) target: PathBuf,
    /// The target as a `file://` URL.
    pub(super) url: String,
}

/// Something stands in the way.
#[derive(Debug, thiserror::Error)]
pub(super) enum InTheWay {
    #[error("the folder `{}` does not exist", .0.display())]
    NoParent(PathBuf),
    #[error("`{}` is not a folder", .0.display())]
    NotFolder(PathBuf),
    #[error("`{}` cannot be written as a URL", .0.display())]
    NoUrl(PathBuf),
    #[error("the name `{name}` is taken: {} by {by}, its repository is {url}", state_words(*.state))]
    Taken { name: ApiName, state: State, by: String, url: String },
    #[error("the {} `{value}` is taken by `{holder}`", kind.word())]
    KeyTaken { kind: KeyKind, value: String, holder: String },
    #[error("`{}` was made before with other answers, another spec or another template, and is left as it is", .0.display())]
    Differs(PathBuf),
    #[error("cannot look at `{}`", path.display())]
    Unseen {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn state_words(state: State) -> &'static str {
    match state {
        State::Reserved => "reserved",
        State::Active => "registered",
    }
}

impl Blame for InTheWay {
    fn fault(&self) -> Fault {
        match self {
            Self::NoParent(_) | Self::NotFolder(_) | Self::NoUrl(_) => Fault::Input,
            Self::Unseen { .. } => Fault::Environment,
            Self::Taken { .. } | Self::KeyTaken { .. } | Self::Differs(_) => Fault::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoParent(path) => format!("make it first: mkdir -p {}", path.display()),
            Self::NotFolder(_) | Self::NoUrl(_) => "choose another folder with `--into`".to_owned(),
            Self::Taken { name, state: State::Reserved, url, .. } => {
                format!(
                    "to finish `{name}`, run the same command in the folder that holds {url}; or choose another name"
                )
            }
            Self::Taken { name, .. } => format!("choose another name, or see `apiscaffold show {name}`"),
            Self::KeyTaken { kind, .. } => {
                let key = if *kind == KeyKind::BasePath { "base_path" } else { "short_name" };
                format!("choose another one with `--set {key}=…`")
            }
            Self::Differs(_) => {
                "choose another name, or another folder with `--into`; or remove the folder if you do not need it"
                    .to_owned()
            }
            Self::Unseen { .. } => "choose a folder that you may read, with `--into`".to_owned(),
        })
    }
}

/// What is known of an API's name before anything is made.
pub(super) enum Standing {
    /// Nobody has it.
    Free,
    /// An earlier run of ours has it.
    Ours(Box<Record>),
}

impl Place {
    /// `parent/name`, the parent as it really is.
    pub(super) fn new(parent: &Path, name: &ApiName) -> Result<Self, InTheWay> {
        let real = parent.canonicalize().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => InTheWay::NoParent(parent.to_owned()),
            io::ErrorKind::NotADirectory => InTheWay::NotFolder(parent.to_owned()),
            _ => InTheWay::Unseen { path: parent.to_owned(), source },
        })?;
        if !real.is_dir() {
            return Err(InTheWay::NotFolder(parent.to_owned()));
        }
        let target = real.join(name.as_str());
        let url = url::Url::from_file_path(&target).map_err(|()| InTheWay::NoUrl(target.clone()))?;
        Ok(Self { target, url: url.into() })
    }

    /// Whether anything is at the target.
    pub(super) fn exists(&self) -> bool {
        fs::symlink_metadata(&self.target).is_ok()
    }

    /// Who has the name. A folder that no record of ours speaks of is in the way.
    pub(super) fn standing(&self, name: &ApiName, registry: Option<&Registry>) -> Result<Standing, Failure> {
        let record = registry.map(|registry| registry.get(name.as_str())).transpose()?.flatten();
        match record {
            Some(record) if record.repository.url == self.url => Ok(Standing::Ours(Box::new(record))),
            Some(record) => {
                let by = record
                    .history
                    .first()
                    .map_or_else(|| "someone".to_owned(), |change| format!("{} on {}", change.by, change.date));
                let (state, url) = (record.state, record.repository.url);
                Err(InTheWay::Taken { name: name.clone(), state, by, url }.into())
            }
            None if self.exists() => Err(DiskError::Exists { path: self.target.clone() }.into()),
            None => Ok(Standing::Free),
        }
    }
}
