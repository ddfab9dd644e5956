//! An API's repository: where it is, and its files.

use std::path::{Path, PathBuf};

use url::Url;

use super::error::PhaseError;
use crate::commands::check;
use crate::error::Failure;
use crate::git::change::{self, Head};
use crate::model::receipt::{self, Receipt};
use crate::model::record::Record;
use crate::world::World;

/// A repository that can be looked at.
pub(super) struct Sight {
    /// Its files.
    pub(super) folder: PathBuf,
    /// Where its commits are.
    pub(super) git: PathBuf,
    pub(super) head: Head,
    /// What it was made from; none for a repository that the tool did not make.
    pub(super) receipt: Option<Receipt>,
}

/// Looks at the repository of `record`, or at the one in the folder `given`. The inner error is why it cannot be seen.
pub(super) fn look(record: &Record, given: Option<&Path>, world: &World) -> Result<Result<Sight, String>, Failure> {
    if let Some(folder) = given {
        return Ok(Ok(local(record, &world.absolute(folder))?));
    }
    match folder(record, None, world) {
        Some(folder) => Ok(Ok(local(record, &folder)?)),
        None => Ok(Err(format!("`{}` is not on this machine", record.repository.url))),
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
    Ok(Sight { folder: folder.to_owned(), git: folder.to_owned(), head, receipt })
}

/// The receipt in `folder`, which must be the API's own.
fn receipt_of(record: &Record, folder: &Path) -> Result<Option<Receipt>, Failure> {
    if !folder.join(receipt::FILE_NAME).is_file() {
        return Ok(None);
    }
    let receipt = check::read(folder)?;
    if receipt.name != record.name {
        let (found, name) = (receipt.name.to_string(), record.name.to_string());
        return Err(PhaseError::AnotherApi { folder: folder.to_owned(), found, name }.into());
    }
    Ok(Some(receipt))
}
