//! A store that is kept elsewhere: a copy on this machine is brought up to date, read, and changed by a push that the
//! server takes only on top of what we have read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use git2::{AutotagOption, Direction, ErrorCode, FetchOptions, Oid};

use super::lock::Turn;
use super::{MAIN, PreparedCommit, SEEN, Store, StoreError, Swap, lineage, packs};
use crate::git::pack::{self, Id};
use crate::git::push::{Move, Push, PushOutcome};
use crate::git::remote::{is_readable, slug};
use crate::git::transport::{Address, Attempts, Caller, Network, NetworkError, NetworkScope};
use crate::model::text::has_user;

/// How long a change is tried again while others come first, and how long one waits for others on this machine: longer
/// than a network may be silent.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// The depth of a fetch that takes one commit.
const NEWEST: i32 = 1;

/// The depth of a fetch that takes every commit down to those that are here.
const BETWEEN: i32 = 0;

/// A store in a repository that is reached over `http`, `https` or `ssh`.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Its URL; it holds no secret.
    pub(super) url: String,
    /// The folder of the copies.
    cache: PathBuf,
    network: Network,
    caller: Arc<dyn Caller>,
    pub(super) offline: bool,
    /// Whether the copy was brought up to date in this run.
    asked: Arc<AtomicBool>,
}

impl Remote {
    /// The store at `url`, with its copy below the folder `cache`; `offline` uses nothing but the copy.
    ///
    /// # Errors
    /// `Secret` when the URL may hold one, `Unsupported` when it is of another kind.
    pub fn new(
        url: &str,
        cache: PathBuf,
        (network, caller): (Network, Arc<dyn Caller>),
        offline: bool,
    ) -> Result<Self, StoreError> {
        if has_user(url) {
            return Err(StoreError::Secret);
        }
        match Address::of(url) {
            Address::Http | Address::Ssh(_) => {}
            Address::Local(_) | Address::Unknown => return Err(StoreError::Unsupported { url: url.to_owned() }),
        }
        Ok(Self { url: url.to_owned(), cache, network, caller, offline, asked: Arc::default() })
    }

    /// The copy, as it was last seen or, the first time in a run, as the store is now.
    pub(super) fn open(&self) -> Result<Store, StoreError> {
        let folder = self.cache.join(format!("{}.git", slug(&self.url)));
        if self.offline {
            let store = Store::open_folder(&folder)?.filter(|_| age(&folder).is_some());
            let store = store.ok_or_else(|| StoreError::NotCached { url: self.url.clone() })?;
            return Ok(Store { remote: Some(self.clone()), ..store });
        }
        let store = match Store::create_folder(&folder) {
            Ok(store) if is_sound(&store) => store,
            // Nothing is lost with a copy that cannot be read.
            Ok(_) | Err(_) if folder.exists() => {
                fs::remove_dir_all(&folder).map_err(|source| StoreError::Disk { path: folder.clone(), source })?;
                Store::create_folder(&folder)?
            }
            other => other?,
        };
        let store = Store { remote: Some(self.clone()), ..store };
        if !self.asked.load(Ordering::Relaxed) {
            let asked = SystemTime::now();
            let turn = store.turn()?;
            // Whoever looked after we came to ask has looked for us as well.
            if seen(&folder).is_none_or(|seen| seen < asked) {
                self.fetch(&store, &turn)?;
            }
            self.asked.store(true, Ordering::Relaxed);
        }
        Ok(store)
    }

    pub(super) fn may_write(&self) -> Result<(), StoreError> {
        if self.offline { Err(StoreError::Offline { url: self.url.clone() }) } else { Ok(()) }
    }

    pub(super) fn crowded(&self) -> StoreError {
        StoreError::Crowded { url: self.url.clone(), patience: PATIENCE }
    }

    /// Brings the copy up to date: the branch's last commit with its files, and no history.
    ///
    /// # Errors
    /// `Lost` when the branch does not come after what the copy has, which stays as it is.
    pub(super) fn fetch(&self, store: &Store, turn: &Turn) -> Result<(), StoreError> {
        let mut attempts = Attempts::of(&*self.caller);
        let unreachable = |cause| self.unreachable(store, false, cause);
        loop {
            let network = attempts.signed(&self.network).map_err(unreachable)?;
            match self.fetch_once(store, turn, &network) {
                Err(StoreError::Network { source, .. }) => attempts.after(source, &network).map_err(unreachable)?,
                end => return end,
            }
        }
    }

    fn fetch_once(&self, store: &Store, turn: &Turn, network: &Network) -> Result<(), StoreError> {
        let began = SystemTime::now();
        let session = NetworkScope::begin(network);
        let failed = |error: git2::Error| self.unreachable(store, false, session.explain(&error));
        let mut remote = store.repository.remote_anonymous(&self.url).map_err(failed)?;
        remote.connect(Direction::Fetch).map_err(failed)?;
        let heads = remote.list().map_err(failed)?;
        let main = heads.iter().find(|head| head.name() == MAIN).map(git2::RemoteHead::oid);
        let has_others = heads.iter().any(|head| head.name().starts_with("refs/heads/"));
        let seen = store.repository.refname_to_id(MAIN).ok();
        let lost = |now: Option<Oid>, seen: Oid| StoreError::Lost {
            name: self.url.clone(),
            seen: seen.to_string(),
            now: now.map(|now| now.to_string()),
            copy: Some(store.folder.clone()),
        };
        let main = match (main, seen) {
            (Some(main), _) => main,
            (None, Some(seen)) => return Err(lost(None, seen)),
            (None, None) if has_others => return Err(StoreError::NoMain { name: self.url.clone() }),
            (None, None) => return touch(&store.folder, began),
        };
        if !is_readable(&store.repository, main) {
            // On top of what is here come the commits between, which say whether it was here that they began.
            download(&mut remote, if seen.is_some() { BETWEEN } else { NEWEST }).map_err(failed)?;
        }
        if let Some(seen) = seen.filter(|seen| !lineage::follows(&store.repository, main, *seen)) {
            // git itself works on both when the files are restored, and looks for no parents of either.
            shorten(&store.folder, &[seen, main])?;
            return Err(lost(Some(main), seen));
        }
        if packs::cleared(store)? {
            set_main(store, turn, None)?;
            let path = store.folder.join("shallow");
            fs::write(&path, "").map_err(|source| StoreError::Disk { path, source })?;
            download(&mut remote, NEWEST).map_err(failed)?;
        }
        shorten(&store.folder, &[main])?;
        // The copy is up to date: that packs cannot be merged now is nothing to fail for.
        let _ = packs::tidy(store);
        set_main(store, turn, Some(main))?;
        touch(&store.folder, began)
    }

    /// Pushes a change; when the server took it, the copy gets it too.
    pub(super) fn swap(
        &self,
        store: &Store,
        turn: &Turn,
        expected: Option<Id>,
        change: &PreparedCommit,
    ) -> Result<Swap, StoreError> {
        let began = SystemTime::now();
        let moves = vec![Move { reference: MAIN.to_owned(), from: expected, to: change.commit }];
        let push = Push { url: self.url.clone(), moves, pack: Arc::clone(&change.pack) };
        match push.run(&*self.caller, &self.network).map_err(|cause| self.unreachable(store, true, cause))? {
            PushOutcome::Moved => return Ok(Swap::Moved),
            PushOutcome::Refused { reason, said, .. } => {
                return Err(StoreError::Refused { url: self.url.clone(), reason, said });
            }
            PushOutcome::Done => {}
        }
        packs::write(&store.folder, &change.pack)?;
        let commit = Oid::from_bytes(&change.commit).map_err(store.git())?;
        set_main(store, turn, Some(commit))?;
        touch(&store.folder, began)?;
        Ok(Swap::Done(pack::hex(&change.commit)))
    }

    fn unreachable(&self, store: &Store, writing: bool, source: NetworkError) -> StoreError {
        let cached = !writing && seen(&store.folder).is_some();
        StoreError::Network { url: self.url.clone(), writing, source, cached }
    }
}

/// Fetches the branch so deep; whole from a server that knows no shallow fetches.
fn download(remote: &mut git2::Remote<'_>, depth: i32) -> Result<(), git2::Error> {
    let mut attempt = |depth| {
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).depth(depth);
        remote.download(&[MAIN], Some(&mut options))
    };
    match attempt(depth) {
        Err(error) if error.code() == ErrorCode::Invalid && depth != BETWEEN => attempt(BETWEEN),
        outcome => outcome,
    }
}

/// Lets the copy's branch be at `commit`, wherever it was.
fn set_main(store: &Store, turn: &Turn, commit: Option<Oid>) -> Result<(), StoreError> {
    turn.outlast(&store.main_lock())?;
    match commit {
        Some(commit) => store.repository.reference(MAIN, commit, true, "").map(drop),
        None => match store.repository.find_reference(MAIN) {
            Ok(mut main) => main.delete(),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(()),
            Err(error) => Err(error),
        },
    }
    .map_err(store.git())
}

/// Whether the copy's last commit can be read, if there is one.
fn is_sound(store: &Store) -> bool {
    match store.repository.refname_to_id(MAIN) {
        Ok(head) => is_readable(&store.repository, head),
        Err(error) => error.code() == ErrorCode::NotFound,
    }
}

fn seen(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder.join(SEEN)).and_then(|metadata| metadata.modified()).ok()
}

/// How long ago the copy in `folder` was like its store; none when it never was.
pub(super) fn age(folder: &Path) -> Option<Duration> {
    seen(folder).map(|seen| SystemTime::now().duration_since(seen).unwrap_or_default())
}

fn touch(folder: &Path, moment: SystemTime) -> Result<(), StoreError> {
    let path = folder.join(SEEN);
    let touched = fs::File::create(&path).and_then(|file| file.set_modified(moment));
    touched.map_err(|source| StoreError::Disk { path, source })
}

/// Lets git's list of commits without parents hold these alone: it is sent with each fetch, and would only grow. A copy
/// that has no such list has its whole history.
fn shorten(folder: &Path, ends: &[Oid]) -> Result<(), StoreError> {
    let path = folder.join("shallow");
    let list: String = ends.iter().map(|end| format!("{end}\n")).collect();
    let written = match fs::read_to_string(&path) {
        Ok(text) if !text.is_empty() && text != list => fs::write(&path, list),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    written.map_err(|source| StoreError::Disk { path, source })
}
