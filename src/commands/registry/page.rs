//! `apiscaffold registry export --format html`: the site of every record, put in its place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::disk::{self, Staging};
use crate::error::{Blame, Failure, Fault};
use crate::model::record::Record;
use crate::model::text::counted;
use crate::page::{APIS, INDEX, MARK, SCRIPT, STYLE, site};
use crate::world::World;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
enum SiteFolderError {
    #[error("`{}` is not a folder", .0.display())]
    NotFolder(PathBuf),
    #[error("`{}` is not an earlier export: `{}` is not a file of one; the folder stays unchanged", folder.display(), found.display())]
    NotOurs { folder: PathBuf, found: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Unseen {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Blame for SiteFolderError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotFolder(_) => Fault::Input,
            Self::NotOurs { .. } => Fault::Conflict,
            Self::Unseen { .. } => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            "choose another folder with `--into`: one that is not there yet, is empty, or was exported before"
                .to_owned(),
        )
    }
}

/// Makes the site at `into`. A site that is there is replaced as a whole; any other folder is left alone.
pub(super) fn write(records: &[Record], into: &Path, world: &World) -> Result<(), Failure> {
    // A dot at the end is no name that could be given to another folder.
    let target: PathBuf = world.absolute(into).components().collect();
    check(&target)?;
    let tree = site(records, world.now)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let staging = Staging::new(target.parent().unwrap_or(&world.folder), &name)?;
    world.interrupt.leftover(staging.path());
    disk::write(&tree, staging.path())?;
    staging.replace(&target)?;
    if world.terminal.json() {
        world.terminal.result_json(&json!({"path": target, "apis": records.len(), "files": tree.len()}));
    } else {
        world.terminal.result(&format!("{} in {}", counted(records.len(), "API"), target.join(INDEX).display()));
    }
    Ok(())
}

/// Whether the site may be at `target`: nothing is there, an empty folder, or a site and nothing else.
fn check(target: &Path) -> Result<(), SiteFolderError> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SiteFolderError::Unseen { path: target.to_owned(), source }),
        Ok(there) if !there.is_dir() || target.file_name().is_none() => {
            return Err(SiteFolderError::NotFolder(target.to_owned()));
        }
        Ok(_) => {}
    }
    let not_ours = |found: PathBuf| Err(SiteFolderError::NotOurs { folder: target.to_owned(), found });
    let files = entries(target)?;
    for (path, is_file) in &files {
        let known = match path.file_name().and_then(|name| name.to_str()) {
            Some(INDEX | STYLE | SCRIPT) => *is_file,
            Some(APIS) => !is_file,
            _ => false,
        };
        if !known {
            return not_ours(path.clone());
        }
    }
    let apis = target.join(APIS);
    let pages = if apis.is_dir() { entries(&apis)? } else { Vec::new() };
    if let Some((path, _)) = pages.into_iter().find(|(path, is_file)| !is_file || !is_page(path)) {
        return not_ours(path);
    }
    let index = target.join(INDEX);
    let text = fs::read(&index).unwrap_or_default();
    let marked = text.windows(MARK.len()).take(MARK.len() * 10).any(|part| part == MARK.as_bytes());
    if marked || files.is_empty() { Ok(()) } else { not_ours(index) }
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "html")
}

/// What is in a folder, in order, and whether it is a file.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, bool)>, SiteFolderError> {
    let unseen = |source| SiteFolderError::Unseen { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(unseen)?;
    let kind =
        |entry: io::Result<fs::DirEntry>| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_file())));
    let mut entries: Vec<_> = entries.map(kind).collect::<Result<_, _>>().map_err(unseen)?;
    entries.sort();
    Ok(entries)
}
