//! Creating a store: made beside its place, then there by one rename.

use std::fs;
use std::io;
use std::path::Path;

use git2::{Repository, RepositoryInitOptions};

use super::{StoreError, lock};

/// Puts an empty store at `folder` unless one appears there first. Parents are made.
pub(super) fn put_in_place(folder: &Path) -> Result<(), StoreError> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(disk(parent))?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix = format!(".apiscaffold-{name}-");
    // Creators take turns, so what lies beside under this name while the lock is held was left by a killed one.
    // Without a lock on folders (some network file systems, Windows) such rests are only not cleaned up.
    let lock = fs::File::open(parent).ok().filter(lock::taken);
    if lock.is_some() {
        remove_rests(parent, &prefix);
    }
    let staging = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(disk(parent))?;
    // Inside the temporary folder, which is private: the store is as open to others as any new folder.
    let made = staging.path().join("store.git");
    init(&made).map_err(|source| StoreError::Git { folder: folder.to_owned(), source })?;
    match fs::rename(&made, folder) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => Ok(()),
        Err(source) => Err(StoreError::Disk { path: folder.to_owned(), source }),
    }
}

fn init(folder: &Path) -> Result<(), git2::Error> {
    let mut options = RepositoryInitOptions::new();
    // The user's own template for new repositories may hold hooks, and they are not for this one.
    options.bare(true).no_reinit(true).external_template(false).initial_head("main");
    Repository::init_opts(folder, &options).map(drop)
}

fn remove_rests(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Disk { path: path.to_owned(), source }
}
