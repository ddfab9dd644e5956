//! An API's repository: where it is, and its files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use super::error::PhaseError;
use crate::commands::check;
use crate::disk::DiskError;
use crate::error::Failure;
use crate::forge::github::{ForgeError, Github, Server};
use crate::git::change::{self, Head};
use crate::git::remote::{self, Fetch, Network};
use crate::model::receipt::{self, Receipt};
use crate::model::record::Record;
use crate::model::repository::Target;
use crate::scaffold::open;
use crate::world::World;

/// How often a fetch that met a fault is repeated.
const RETRIES: u32 = 3;

/// A repository that can be looked at.
pub(super) struct Sight {
    /// Its files.
    pub(super) folder: PathBuf,
    /// Where its commits are.
    pub(super) git: PathBuf,
    pub(super) head: Head,
    /// What it was made from; none for a repository that the tool did not make.
    pub(super) receipt: Option<Receipt>,
    pub(super) home: Home,
    /// Holds what was fetched.
    _fetched: Option<TempDir>,
}

/// Where a repository lives, and so how it is changed.
pub(super) enum Home {
    /// On this machine: by a commit.
    Here,
    /// On the forge: by a pull request.
    Forge(Box<Hosted>),
    /// Elsewhere: not by this tool.
    Elsewhere,
}

/// A repository on the forge.
pub(super) struct Hosted {
    pub(super) github: Github,
    pub(super) target: Target,
    /// The URL that git pushes to.
    pub(super) url: String,
    pub(super) network: Network,
}

/// Looks at the repository of `record`, or at the one in the folder `given`.
pub(super) fn look(record: &Record, given: Option<&Path>, world: &World) -> Result<Sight, Failure> {
    if let Some(folder) = folder(record, given, world) {
        return local(record, &folder);
    }
    let url = &record.repository.url;
    let unseen = |reason: String| PhaseError::Unseen { name: record.name.to_string(), reason };
    if url.is_empty() || url.starts_with("file:") {
        return Err(unseen(format!("`{url}` is not on this machine")).into());
    }
    let server = open::github::server(world)?;
    match server.target(url) {
        Some(target) => hosted(record, server, target, world),
        None => fetched(record, (url, None), &open::github::network_to(url, false, world)?, Home::Elsewhere, world),
    }
}

/// The folder of the repository on this machine, when it is there.
pub(super) fn folder(record: &Record, given: Option<&Path>, world: &World) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(world.absolute(given));
    }
    let url = Url::parse(&record.repository.url).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok().filter(|folder| folder.is_dir())
}

fn local(record: &Record, folder: &Path) -> Result<Sight, Failure> {
    let head = change::head(folder)?;
    let receipt = receipt_of(record, folder)?;
    let (folder, git) = (folder.to_owned(), folder.to_owned());
    Ok(Sight { folder, git, head, receipt, home: Home::Here, _fetched: None })
}

fn hosted(record: &Record, server: Server, target: Target, world: &World) -> Result<Sight, Failure> {
    let page = server.page(&target);
    let github = open::github::open(&target.owner, world)?;
    let bar = world.terminal.bar("asking GitHub what is there");
    let found = github.repository(&target)?.ok_or(ForgeError::Gone { page })?;
    drop(bar);
    if record.repository.id.is_some_and(|id| id != found.id) {
        return Err(github.foreign(&target, "the registry's record is of another repository").into());
    }
    let url = found.clone_url;
    let branch = found.default_branch;
    let is_home = github.server().is_home_of(&url);
    let token = if is_home { Some(github.token_to_fetch(&target)?) } else { None };
    let network = Network { token, ..open::github::network(world)? };
    let home = Home::Forge(Box::new(Hosted { github, target, url: url.clone(), network: network.clone() }));
    fetched(record, (&url, Some(branch)), &network, home, world)
}

/// Fetches the newest commit of a branch, and nothing else.
fn fetched(
    record: &Record,
    (url, branch): (&str, Option<String>),
    network: &Network,
    home: Home,
    world: &World,
) -> Result<Sight, Failure> {
    let bar = world.terminal.bar("fetching the repository");
    let place = tempfile::tempdir().map_err(|source| DiskError::Write { path: std::env::temp_dir(), source })?;
    let request = Fetch {
        url: url.to_owned(),
        revision: branch.clone(),
        cache: place.path().join("git"),
        offline: world.offline,
        network: network.clone(),
    };
    let mut attempt = 0;
    let fetched = loop {
        match remote::fetch(&request, &mut |done, total, _| bar.set(done as u64, total as u64)) {
            Err(error) if error.may_pass() && attempt < RETRIES => {
                attempt += 1;
                world.interrupt.sleep(Duration::from_secs(1 << attempt), &|_| ()).map_err(ForgeError::from)?;
            }
            fetched => break fetched?,
        }
    };
    let folder = place.path().join("files");
    change::export(&fetched.repository, &fetched.commit, &folder)?;
    let receipt = receipt_of(record, &folder)?;
    let branch = format!("refs/heads/{}", branch.unwrap_or_default());
    let head = Head { commit: fetched.commit, branch };
    Ok(Sight { folder, git: fetched.repository, head, receipt, home, _fetched: Some(place) })
}

/// The receipt in `folder`, which must be the API's own.
fn receipt_of(record: &Record, folder: &Path) -> Result<Option<Receipt>, Failure> {
    if !folder.join(receipt::FILE_NAME).is_file() {
        if record.template.source.is_empty() {
            return Ok(None);
        }
        return Err(PhaseError::NoReceipt { folder: folder.to_owned(), name: record.name.to_string() }.into());
    }
    let receipt = check::read(folder)?;
    if receipt.name != record.name {
        let (found, name) = (receipt.name.to_string(), record.name.to_string());
        return Err(PhaseError::AnotherApi { folder: folder.to_owned(), found, name }.into());
    }
    Ok(Some(receipt))
}
