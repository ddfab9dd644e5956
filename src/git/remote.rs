//! Fetching: from an address and a revision to a repository on this machine and a full commit id.
//!
//! A local repository is opened in place. A remote one is fetched into a cache, no deeper than needed and never twice;
//! `read::tree_at` then reads the files out of either.

mod cache;
mod error;
mod revision;

use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{AutotagOption, Direction, ErrorCode, FetchOptions, Oid, Remote, RemoteCallbacks, RemoteHead, Repository};

use crate::git::transport::{Address, NetworkScope};
use crate::model::text::has_user;
use cache::{Cache, CacheLock};
pub(super) use cache::{is_readable, slug};
pub use error::FetchError;
use revision::{RemoteNames, RevisionKind};

pub use crate::git::transport::{Network, NetworkError, Token};

/// The most that one fetch may receive, in bytes: 1 GiB.
const MOST_BYTES: usize = 1 << 30;
/// A depth that git takes for "everything".
const EVERYTHING: i32 = i32::MAX;
/// All branches and tags, but not the thousands of pull requests that a forge lists beside them.
const BRANCHES_AND_TAGS: [&str; 2] = ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"];

/// What to fetch.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// `https://`, `http://`, `ssh://`, `file://`, `user@host:path`, or the path of a local repository (absolute, or
    /// beginning with `./`, if it holds a colon).
    pub url: String,
    /// A tag, a branch, a commit id of 4 to 40 digits, or nothing: what the remote's HEAD is.
    pub revision: Option<String>,
    /// The folder of the cache; it is made when it is needed.
    pub cache: PathBuf,
    /// Use nothing but the cache.
    pub offline: bool,
    /// How to reach the remote.
    pub network: Network,
}

/// Where the commit is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The local repository, or the bare one in the cache.
    pub repository: PathBuf,
    /// The full id, 40 hexadecimal digits.
    pub commit: String,
    /// Whether no file had to be fetched. Always so for a local repository.
    pub cached: bool,
    /// Offline, for a branch, a tag or HEAD: how long ago the remote said that it is this commit.
    pub age: Option<Duration>,
}

/// Makes sure that the commit is on this machine. `progress` is called with objects received, objects in
/// all, bytes received.
///
/// Safe beside other processes that fetch the same, and after one that was killed.
pub fn fetch(request: &Fetch, progress: &mut dyn FnMut(usize, usize, usize)) -> Result<Fetched, FetchError> {
    if has_user(&request.url) {
        return Err(FetchError::Secret);
    }
    match Address::of(&request.url) {
        Address::Local(path) => return local(&path, request),
        Address::Unknown => return Err(FetchError::Unsupported { url: request.url.clone() }),
        Address::Http | Address::Ssh(_) => {}
    }
    let cache = Cache::of(&request.cache, &request.url);
    let name = request.revision.as_deref().unwrap_or("HEAD");
    if let Some(commit) = cache.settled(name) {
        return Ok(cache.fetched(commit, true));
    }
    if request.offline {
        return cache.remembered(name).ok_or_else(|| request.not_cached());
    }
    let failed = |source| FetchError::Cache { path: request.cache.clone(), source };
    let locked = cache.lock().map_err(failed)?;
    let repository = locked.repository().map_err(failed)?;
    let session = NetworkScope::begin(&request.network);
    CacheFetch { request, locked: &locked, repository: &repository, session, name }.run(progress)
}

impl Fetch {
    fn not_cached(&self) -> FetchError {
        FetchError::NotCached { url: self.url.clone(), revision: self.revision.clone() }
    }
}

/// One fetch from a remote into the cache.
struct CacheFetch<'a> {
    request: &'a Fetch,
    locked: &'a CacheLock<'a>,
    repository: &'a Repository,
    session: NetworkScope,
    name: &'a str,
}

impl CacheFetch<'_> {
    fn run(&self, progress: &mut dyn FnMut(usize, usize, usize)) -> Result<Fetched, FetchError> {
        let mut remote = self.connected()?;
        let advertised = RemoteNames::of(remote.list().map_err(|error| self.failed(&error))?);
        match advertised.find(self.name) {
            RevisionKind::Named { reference, commit } => {
                let cached = is_readable(self.repository, commit);
                if !cached {
                    self.download(&mut remote, &[&reference], 1, progress)?;
                }
                self.done(commit, cached)
            }
            RevisionKind::Id(commit) => {
                if !self.by_id(&mut remote, commit, progress)? {
                    drop(remote);
                    self.everything(progress)?;
                }
                let commit = self.in_cache().ok_or_else(|| self.unknown(&advertised))?;
                self.done(commit, false)
            }
            RevisionKind::Abbreviated => {
                if let Some(commit) = self.in_cache() {
                    return self.done(commit, true);
                }
                drop(remote);
                self.everything(progress)?;
                let commit = self.in_cache().ok_or_else(|| self.unknown(&advertised))?;
                self.done(commit, false)
            }
            RevisionKind::Nothing => Err(self.unknown(&advertised)),
        }
    }

    fn connected(&self) -> Result<Remote<'_>, FetchError> {
        self.session.forget();
        let url = &self.request.url;
        let mut remote = self.repository.remote_anonymous(url).map_err(|error| self.failed(&error))?;
        remote.connect(Direction::Fetch).map_err(|error| self.failed(&error))?;
        Ok(remote)
    }

    /// Asks for the one commit. Servers may refuse what no branch or tag names: then the answer is `false`.
    fn by_id(
        &self,
        remote: &mut Remote<'_>,
        commit: Oid,
        progress: &mut dyn FnMut(usize, usize, usize),
    ) -> Result<bool, FetchError> {
        match self.download(remote, &[&commit.to_string()], 1, progress) {
            Ok(()) => Ok(true),
            Err(FetchError::Unreachable { cause, .. }) if cause.is_an_answer() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn everything(&self, progress: &mut dyn FnMut(usize, usize, usize)) -> Result<(), FetchError> {
        let mut remote = self.connected()?;
        self.download(&mut remote, &BRANCHES_AND_TAGS, EVERYTHING, progress)?;
        let tips = remote.list().map_err(|error| self.failed(&error))?;
        let commits = tips.iter().map(RemoteHead::oid).filter(|tip| is_readable(self.repository, *tip));
        commits.into_iter().try_for_each(|commit| self.pin(commit))
    }

    fn download(
        &self,
        remote: &mut Remote<'_>,
        references: &[&str],
        depth: i32,
        progress: &mut dyn FnMut(usize, usize, usize),
    ) -> Result<(), FetchError> {
        let mut too_large = false;
        let mut attempt = |depth| {
            let mut callbacks = RemoteCallbacks::new();
            callbacks.transfer_progress(|now| {
                progress(now.received_objects(), now.total_objects(), now.received_bytes());
                too_large = now.received_bytes() > MOST_BYTES;
                !too_large
            });
            let mut options = FetchOptions::new();
            options.remote_callbacks(callbacks).download_tags(AutotagOption::None).depth(depth);
            remote.download(references, Some(&mut options))
        };
        let outcome = match attempt(depth) {
            // The server knows no shallow fetches.
            Err(error) if error.code() == ErrorCode::Invalid => attempt(0),
            outcome => outcome,
        };
        if too_large {
            return Err(FetchError::TooLarge { url: self.request.url.clone() });
        }
        outcome.map_err(|error| self.failed(&error))
    }

    fn done(&self, commit: Oid, cached: bool) -> Result<Fetched, FetchError> {
        if !is_readable(self.repository, commit) {
            return Err(FetchError::NotACommit { url: self.request.url.clone(), revision: self.name.to_owned() });
        }
        self.pin(commit)?;
        let kept = self.locked.remember(self.name, commit);
        kept.map_err(|source| FetchError::Cache { path: self.request.cache.clone(), source })?;
        Ok(self.locked.cache.fetched(commit, cached))
    }

    fn in_cache(&self) -> Option<Oid> {
        self.locked.cache.commit_by_id(self.name)
    }

    fn pin(&self, commit: Oid) -> Result<(), FetchError> {
        let pinned = self.locked.pin(self.repository, commit);
        pinned.map_err(|source| FetchError::Cache { path: self.request.cache.clone(), source })
    }

    fn failed(&self, error: &git2::Error) -> FetchError {
        let cached = self.locked.cache.remembered(self.name).is_some();
        FetchError::Unreachable { url: self.request.url.clone(), cause: self.session.explain(error), cached }
    }

    fn unknown(&self, advertised: &RemoteNames) -> FetchError {
        FetchError::UnknownRevision {
            url: self.request.url.clone(),
            revision: self.name.to_owned(),
            names: advertised.names(),
        }
    }
}

/// Looks the revision up in a repository on this machine, in place.
fn local(path: &Path, request: &Fetch) -> Result<Fetched, FetchError> {
    let unreadable = |source| FetchError::Local { path: path.to_owned(), source };
    let options = git2::RepositoryOpenFlags::NO_SEARCH;
    let repository = Repository::open_ext(path, options, &[] as &[&Path]).map_err(unreadable)?;
    let name = request.revision.as_deref().unwrap_or("HEAD");
    match commit_in(&repository, name) {
        Ok(commit) => Ok(Fetched { repository: path.to_owned(), commit: commit.to_string(), cached: true, age: None }),
        Err(error)
            if matches!(error.code(), ErrorCode::NotFound | ErrorCode::UnbornBranch | ErrorCode::InvalidSpec) =>
        {
            let names = revision::names_in(&repository);
            Err(FetchError::UnknownRevision { url: request.url.clone(), revision: name.to_owned(), names })
        }
        Err(error) => Err(unreadable(error)),
    }
}

fn commit_in(repository: &Repository, name: &str) -> Result<Oid, git2::Error> {
    let by_id = || repository.find_commit_by_prefix(name).map(|commit| commit.id());
    // A full id is never a name, as for git.
    if name.len() == 40 && revision::is_id(name) {
        return by_id();
    }
    let by_name = repository.resolve_reference_from_short_name(name).and_then(|reference| reference.peel_to_commit());
    match by_name {
        Err(_) if revision::is_id(name) => by_id(),
        found => found.map(|commit| commit.id()),
    }
}
