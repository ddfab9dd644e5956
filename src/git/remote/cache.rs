//! The cache: one bare repository a URL, and a file beside it that one process at a time holds locked.
//!
//! What was fetched stays under `refs/apiscaffold/COMMIT`; which commit a branch or a tag was when last seen is in
//! `names.toml` within the repository. The kernel releases a lock when its process dies, so nothing is ever left locked.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use git2::{Oid, Repository, RepositoryInitOptions};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::Fetched;
use super::revision::is_id;

const PINS: &str = "refs/apiscaffold/";
const NAMES: &str = "names.toml";
/// Digits from which on an abbreviated commit id is not looked for among branches and tags first (git shows as many).
const UNMISTAKABLE: usize = 7;
/// The longest readable part of a folder's name.
const SLUG: usize = 60;

/// The part of the cache for one URL.
pub(super) struct Cache {
    folder: PathBuf,
    /// `host-owner-repository-` and a hash of the URL.
    name: String,
}

/// What a branch, a tag or HEAD was when the remote was last asked.
#[derive(Serialize, Deserialize)]
struct Seen {
    commit: String,
    /// Seconds since 1970.
    at: u64,
}

impl Cache {
    /// The cache of `url` below `folder`; touches no disk.
    pub(super) fn of(folder: &Path, url: &str) -> Self {
        Self { folder: folder.to_owned(), name: slug(url) }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.git", self.name))
    }

    /// The commit with this id, or the only one whose id begins so.
    pub(super) fn commit_by_id(&self, id: &str) -> Option<Oid> {
        let repository = is_id(id).then(|| Repository::open_bare(self.path()).ok()).flatten()?;
        let commit = repository.find_commit_by_prefix(id).ok()?.id();
        is_readable(&repository, commit).then_some(commit)
    }

    /// The commit that this can only mean, whatever the remote's branches and tags are called by now: a full id, or so
    /// many digits that a name like `2026` is not taken for one.
    pub(super) fn settled(&self, name: &str) -> Option<Oid> {
        let enough = name.len() == 40 || name.len() >= UNMISTAKABLE && !self.names().contains_key(name);
        enough.then(|| self.commit_by_id(name)).flatten()
    }

    /// What the cache alone says about a revision.
    pub(super) fn remembered(&self, name: &str) -> Option<Fetched> {
        let by_name = self.names().remove(name).and_then(|seen| Some((self.commit_by_id(&seen.commit)?, seen.at)));
        let Some((commit, at)) = by_name else {
            return self.commit_by_id(name).map(|commit| self.fetched(commit, true));
        };
        let age = now().saturating_sub(Duration::from_secs(at));
        Some(Fetched { age: Some(age), ..self.fetched(commit, true) })
    }

    pub(super) fn fetched(&self, commit: Oid, cached: bool) -> Fetched {
        Fetched { repository: self.path(), commit: commit.to_string(), cached, age: None }
    }

    /// A file that cannot be read as it should be is as good as none: it is written anew.
    fn names(&self) -> BTreeMap<String, Seen> {
        let text = fs::read_to_string(self.path().join(NAMES)).unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    /// Waits until no other process writes to this cache, and makes its folder.
    pub(super) fn lock(&self) -> io::Result<CacheLock<'_>> {
        fs::create_dir_all(&self.folder)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join(format!("{}.lock", self.name)))?;
        file.lock()?;
        Ok(CacheLock { cache: self, _file: file })
    }
}

/// The right to write to the cache of one URL; ends when dropped.
pub(super) struct CacheLock<'a> {
    pub(super) cache: &'a Cache,
    _file: File,
}

/// A file name for a URL: readable, and another for each URL.
pub(in crate::git) fn slug(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let plain = url.split_once("://").map_or(url, |(_, rest)| rest);
    let slug: String = plain.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(SLUG).collect();
    let hash: String = Sha1::digest(url).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", slug.trim_matches('-'))
}

impl CacheLock<'_> {
    /// The repository, free of what a killed process left; one that cannot be read is thrown away and made anew.
    pub(super) fn repository(&self) -> io::Result<Repository> {
        let path = self.cache.path();
        if path.exists() {
            sweep(&path)?;
            if let Some(repository) = Repository::open_bare(&path).ok().filter(is_sound) {
                return Ok(repository);
            }
            fs::remove_dir_all(&path)?;
        }
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false);
        Repository::init_opts(&path, &options).map_err(io::Error::other)
    }

    /// Keeps the commit: git's own housekeeping would remove what no reference leads to.
    pub(super) fn pin(&self, repository: &Repository, commit: Oid) -> io::Result<()> {
        let pinned = repository.reference(&format!("{PINS}{commit}"), commit, true, "");
        pinned.map(drop).map_err(io::Error::other)
    }

    /// Notes what the remote says that `name` is.
    pub(super) fn remember(&self, name: &str, commit: Oid) -> io::Result<()> {
        let mut names = self.cache.names();
        names.insert(name.to_owned(), Seen { commit: commit.to_string(), at: now().as_secs() });
        let text = toml::to_string(&names).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(self.cache.path())?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.persist(self.cache.path().join(NAMES)).map(drop).map_err(|error| error.error)
    }
}

/// Whether everything that was to be kept is there.
fn is_sound(repository: &Repository) -> bool {
    let Ok(pins) = repository.references_glob(&format!("{PINS}*")) else { return false };
    let sound = |pin: git2::Reference<'_>| pin.target().is_some_and(|commit| is_readable(repository, commit));
    pins.into_iter().all(|pin| pin.is_ok_and(sound))
}

/// Whether it is a commit, and it and its root folder can be read.
pub(in crate::git) fn is_readable(repository: &Repository, commit: Oid) -> bool {
    repository.find_commit(commit).is_ok_and(|commit| commit.tree().is_ok())
}

/// Removes locks and half-written files. Whoever holds the lock is the only writer, so they belong to the dead.
fn sweep(repository: &Path) -> io::Result<()> {
    for folder in ["", "refs/apiscaffold", "objects/pack"] {
        let Ok(entries) = fs::read_dir(repository.join(folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let dead = name.ends_with(".lock") || name.starts_with(".tmp") || name.starts_with("pack_git2_");
            if dead && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_url_has_its_own_readable_folder() {
        let name = |url: &str| Cache::of(Path::new("c"), url).name;
        assert!(name("https://github.com/me/my-template").starts_with("github-com-me-my-template-"));
        assert_eq!(name("https://h/r/"), name("https://h/r"));
        assert_ne!(name("https://h/r"), name("http://h/r"));
        assert_ne!(name("https://h/a/b"), name("https://h/a-b"));
        assert!(name(&format!("https://h/{}/../../x", "é/".repeat(500))).len() < 80);
        assert!(!name("ssh://../../etc").contains(['/', '.']));
    }

    #[test]
    fn what_the_dead_left_is_swept_and_a_broken_repository_is_made_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::of(folder.path(), "https://h/r");
        let locked = cache.lock().expect("lock");
        locked.repository().expect("new");
        for left in ["config.lock", "objects/pack/pack_git2_abc", ".tmpx"] {
            fs::write(cache.path().join(left), "half").expect("write");
        }
        locked.repository().expect("swept");
        assert!(
            !cache.path().join("config.lock").exists() && !cache.path().join("objects/pack/pack_git2_abc").exists()
        );
        fs::write(cache.path().join("HEAD"), "").expect("write");
        locked.repository().expect("made anew");
        fs::create_dir_all(cache.path().join("refs/apiscaffold")).expect("folder");
        fs::write(cache.path().join("refs/apiscaffold").join("1".repeat(40)), "1".repeat(40)).expect("write");
        locked.repository().expect("made anew, as the pin leads nowhere");
        assert!(!cache.path().join("refs/apiscaffold").exists());
    }
}
