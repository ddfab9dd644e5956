//! A repository as it is: its files, its receipt, and where it lives.
//!
//! What counts is the newest commit, wherever the repository lives: a change is made on top of it, and GitHub has nothing
//! else. Files are read from git's objects one by one: a command looks at a dozen of them, and a repository may hold many
//! thousands.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempDir;
use url::Url;

use super::open;
use crate::disk::DiskError;
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{ForgeError, Github};
use crate::git::change::{self, Head};
use crate::git::read::CommitFiles;
use crate::git::remote::{self, Fetch, Network};
use crate::model::receipt::{self, Receipt};
use crate::model::record::Record;
use crate::model::repository::RepositorySlug;
use crate::model::text::named;
use crate::model::tree::{File, Tree, TreePath};
use crate::model::value;
use crate::net::{LONGEST_PAUSE, Tries};
use crate::openapi::{self, Spec, SpecError};
use crate::world::World;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckoutError {
    #[error("the repository of `{name}` cannot be changed: {reason}")]
    Unseen { name: String, reason: String },
    #[error("`{place}` was not made by apiscaffold: it has no `{}` that can be read: {reason}", receipt::FILE_NAME)]
    BadReceipt { place: String, reason: String },
    #[error("`{place}` has no receipt, and `{name}` was made by apiscaffold: this is another repository")]
    NoReceipt { place: String, name: String },
    #[error("`{place}` is the repository of `{found}`, not of `{name}`")]
    AnotherApi { place: String, found: String, name: String },
    #[error("cannot read `{path}` of the repository")]
    Unreadable { path: String, source: io::Error },
}

impl Blame for CheckoutError {
    fn fault(&self) -> Fault {
        match self {
            Self::BadReceipt { .. } | Self::NoReceipt { .. } | Self::AnotherApi { .. } => Fault::Input,
            Self::Unseen { .. } | Self::Unreadable { .. } => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        let advice = match self {
            Self::Unseen { .. } => "name a clone of it with `--repository DIR`",
            Self::BadReceipt { .. } => "name the folder of a repository that `apiscaffold new` made",
            Self::NoReceipt { .. } | Self::AnotherApi { .. } => "name the right folder with `--repository DIR`",
            Self::Unreadable { .. } => "see what git says: git fsck",
        };
        Some(advice.to_owned())
    }
}

/// The repository of an API at its newest commit.
pub(crate) struct Checkout {
    pub(crate) files: Files,
    pub(crate) head: Head,
    /// The git repository that holds the objects.
    pub(crate) git: PathBuf,
    /// What it was made from; none for a repository that the tool did not make.
    pub(crate) receipt: Option<Receipt>,
    pub(crate) home: Home,
    /// Holds what was fetched.
    _fetched: Option<TempDir>,
}

/// Where a repository lives, and so how it is changed.
pub(crate) enum Home {
    /// In this folder: by a commit.
    Here(PathBuf),
    /// On the forge: by a pull request.
    Forge(Box<ForgeHome>),
    /// Elsewhere: not by this tool.
    Elsewhere,
}

/// A repository on the forge.
pub(crate) struct ForgeHome {
    pub(crate) github: Github,
    pub(crate) target: RepositorySlug,
    /// The URL that git pushes to.
    pub(crate) url: String,
}

/// The files of a repository.
pub(crate) enum Files {
    /// As a commit has them.
    Commit(CommitFiles),
    /// As they lie in a folder, which need not be a git repository.
    Folder(PathBuf),
}

impl Files {
    /// The file at `path`; none when no file is there.
    pub(crate) fn get(&self, path: &str) -> io::Result<Option<File>> {
        match self {
            Self::Commit(files) => files.get(path).map_err(io::Error::other),
            Self::Folder(folder) => match fs::read(folder.join(path)) {
                Ok(bytes) => Ok(Some(File::plain(bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Those of these files that are there.
    pub(crate) fn pick<'p>(&self, paths: impl Iterator<Item = &'p TreePath>) -> Result<Tree, CheckoutError> {
        let read = |path: &TreePath| {
            let file = self.get(path.as_str());
            let file = file.map_err(|source| CheckoutError::Unreadable { path: path.to_string(), source })?;
            Ok(file.map(|file| (path.clone(), file)))
        };
        let files = paths.filter_map(|path| read(path).transpose()).collect::<Result<_, _>>()?;
        Ok(Tree::of(files).unwrap_or_default())
    }

    /// The specification that a receipt names; none when no file is there.
    pub(crate) fn spec(&self, receipt: &Receipt) -> Result<Option<Spec>, SpecError> {
        let Receipt { spec: path, spec_root, .. } = receipt;
        if let Self::Folder(folder) = self {
            let path = folder.join(path);
            let root = (!spec_root.is_empty()).then(|| folder.join(spec_root));
            return path.is_file().then(|| openapi::read(&path, root.as_deref())).transpose();
        }
        let bytes = |path: &str| -> io::Result<Option<Bytes>> { Ok(self.get(path)?.map(|file| file.bytes)) };
        match bytes(path) {
            Ok(None) => Ok(None),
            _ => openapi::read_among(&bytes, path, spec_root).map(Some),
        }
    }

    /// The receipt; none when no file is there. Messages call the repository `place`.
    pub(crate) fn receipt(&self, place: &str) -> Result<Option<Receipt>, CheckoutError> {
        let bad = |reason: String| CheckoutError::BadReceipt { place: place.to_owned(), reason };
        let Some(file) = self.get(receipt::FILE_NAME).map_err(|error| bad(error.to_string()))? else {
            return Ok(None);
        };
        let text = file.text().ok_or_else(|| bad("it is not text".to_owned()))?;
        // The file may be another one, and hold secrets: no value of it is repeated.
        toml::from_str(text).map(Some).map_err(|error| bad(value::toml_error(text, &error)))
    }
}

impl Checkout {
    /// Warns of files that differ from the newest commit: what was judged is the commit.
    pub(crate) fn warn_of_uncommitted(&self, world: &World) -> Result<(), Failure> {
        let Home::Here(folder) = &self.home else { return Ok(()) };
        let files = change::uncommitted(folder)?;
        if !files.is_empty() {
            let (folder, files) = (folder.display(), named(&files, change::NAMED));
            world
                .terminal
                .warn(&format!("`{folder}` was looked at as its last commit has it, without the changes in {files}"));
        }
        Ok(())
    }
}

/// Looks at the repository of `record`, or at the one in the folder `given`.
pub(crate) fn look(record: &Record, given: Option<&Path>, world: &World) -> Result<Checkout, Failure> {
    if let Some(folder) = folder(record, given, world) {
        let head = change::head(&folder)?;
        let files = Files::Commit(CommitFiles::open(&folder, &head.commit)?);
        let receipt = own_receipt(&files, record, &folder.display().to_string())?;
        return Ok(Checkout { files, head, git: folder.clone(), receipt, home: Home::Here(folder), _fetched: None });
    }
    let url = &record.repository.url;
    if url.is_empty() || url.starts_with("file:") {
        let reason = format!("`{url}` is not on this machine");
        return Err(CheckoutError::Unseen { name: record.name.to_string(), reason }.into());
    }
    match open::github::server(world)?.target(url) {
        Some(target) => hosted(record, target, world),
        None => fetched(record, (url, None), &open::github::network_to(url, world)?, Home::Elsewhere, world),
    }
}

/// The folder of the repository on this machine, when it is there.
pub(crate) fn folder(record: &Record, given: Option<&Path>, world: &World) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(world.absolute(given));
    }
    let url = Url::parse(&record.repository.url).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok().filter(|folder| folder.is_dir())
}

fn hosted(record: &Record, target: RepositorySlug, world: &World) -> Result<Checkout, Failure> {
    let github = open::github::open(&target.owner, world)?;
    let page = github.server().page(&target);
    let bar = world.terminal.bar("asking GitHub what is there");
    let found = github.repository(&target)?.ok_or(ForgeError::Gone { page })?;
    drop(bar);
    if record.repository.id.is_some_and(|id| id != found.id) {
        return Err(github.foreign(&target, "the registry's record is of another repository").into());
    }
    let target = found.slug();
    let url = found.clone_url;
    let branch = found.default_branch;
    let is_home = github.server().is_home_of(&url);
    let token = if is_home { Some(github.token_to_fetch(&target)?) } else { None };
    let network = Network { token, ..open::github::network(world)? };
    let home = Home::Forge(Box::new(ForgeHome { github, target, url: url.clone() }));
    fetched(record, (&url, Some(branch)), &network, home, world)
}

/// Fetches the newest commit of a branch, and nothing else.
fn fetched(
    record: &Record,
    (url, branch): (&str, Option<String>),
    network: &Network,
    home: Home,
    world: &World,
) -> Result<Checkout, Failure> {
    let bar = world.terminal.bar("fetching the repository");
    let place = tempfile::tempdir().map_err(|source| DiskError::Write { path: std::env::temp_dir(), source })?;
    let request = Fetch {
        url: url.to_owned(),
        revision: branch.clone(),
        cache: place.path().join("git"),
        offline: world.offline,
        network: network.clone(),
    };
    let mut tries = Tries::default();
    let fetched = loop {
        match remote::fetch(&request, &mut |done, total, _| bar.set(done as u64, total as u64)) {
            Err(error) if error.may_pass() => match tries.fault(None, fastrand::f64(), LONGEST_PAUSE) {
                Some(pause) => world.interrupt.sleep(pause, &|_| ()).map_err(ForgeError::from)?,
                None => return Err(error.into()),
            },
            fetched => break fetched?,
        }
    };
    let files = Files::Commit(CommitFiles::open(&fetched.repository, &fetched.commit)?);
    let receipt = own_receipt(&files, record, url)?;
    let branch = format!("refs/heads/{}", branch.unwrap_or_default());
    let head = Head { commit: fetched.commit, branch };
    Ok(Checkout { files, head, git: fetched.repository, receipt, home, _fetched: Some(place) })
}

/// The receipt among `files`, which must be the API's own. Messages call the repository `place`.
fn own_receipt(files: &Files, record: &Record, place: &str) -> Result<Option<Receipt>, CheckoutError> {
    let (name, place) = (record.name.to_string(), place.to_owned());
    match files.receipt(&place)? {
        None if record.template.source.is_empty() => Ok(None),
        None => Err(CheckoutError::NoReceipt { place, name }),
        Some(receipt) if receipt.name != record.name => {
            Err(CheckoutError::AnotherApi { place, found: receipt.name.to_string(), name })
        }
        receipt => Ok(receipt),
    }
}
