//! The registry: one record an API in a git repository, every key taken once.
//!
//! `apis/<x>/<x>/<x>/<name>.toml` holds a record, `keys/<x>/<x>/<x>/<kind>=<value>` the name of the API that has the key;
//! the record's own path is the key for its name. `<x>` are the first digits of a hash, so that the cost of a change does
//! not grow with the number of records. All changes of one step are one commit: a key is taken, or the commit is not
//! made. `registry.toml` says that the repository is a registry.

mod entry;
mod error;
pub mod exchange;
mod import;
mod layout;
mod listing;
mod near;
mod problem;
mod release;
mod rules;
#[cfg(test)]
mod tests;
mod update;

use std::time::Duration;

use uuid::Uuid;

use crate::git::store::{Edit, Snapshot, Store};
use crate::model::author::Signature;
use crate::model::name::ApiName;
use crate::model::record::{KeyKind, Record, RecordState};

pub use crate::git::store::{Location, Remote, StoreError};
pub use error::{KeyHolder, RegistryError};
pub use import::{Flawed, ImportCandidate, ImportPlan};
pub use listing::Listing;
pub use problem::Problem;
pub use rules::{check, link_fault};

use entry::StoredRecord;

/// A registry, on this machine or shared. It may be moved to another thread, not shared by two; each thread opens its own.
pub struct Registry {
    store: Store,
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordChange {
    Done,
    /// The registry said so already; nothing was written.
    AlreadySo,
}

/// The namespace of the guids of APIs; drawn once at random, never to be changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_8d52_0b3e_4c7a_9e25_41d7_a860_f39b);

/// The guid of an API and the guid of its spec: always the same for a name, so that a repeated run renders the same
/// bytes.
pub fn guids(name: &ApiName) -> (Uuid, Uuid) {
    let guid = |of: &str| Uuid::new_v5(&NAMESPACE, format!("{of}:{name}").as_bytes());
    (guid("api"), guid("spec"))
}

/// Where a registry keeps the record of an API.
pub fn path(name: &ApiName) -> String {
    layout::record(name.as_str())
}

impl Registry {
    /// Opens the registry at `location`; none when there is nothing yet. Never creates anything but the copy of a shared
    /// one.
    ///
    /// # Errors
    /// `NotARegistry` or `Newer` for a repository of another kind; what the store says.
    pub fn open(location: &Location) -> Result<Option<Self>, RegistryError> {
        Store::open(location)?.map(Self::checked).transpose()
    }

    /// Opens the registry at `location`, creating it and its parents when there is nothing yet. It appears by one rename;
    /// of several processes creating it at once, one does and all open the same. A shared one is an empty repository at
    /// first, which its owner has made.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_or_create(location: &Location) -> Result<Self, RegistryError> {
        Self::checked(Store::create(location)?)
    }

    /// A repository that has commits must say that it is a registry.
    fn checked(store: Store) -> Result<Self, RegistryError> {
        let snapshot = store.snapshot()?;
        if snapshot.head().is_some() {
            let place = || store.name();
            let mark = snapshot.read(layout::MARK)?.and_then(|bytes| String::from_utf8(bytes).ok());
            let mark = mark.and_then(|text| text.parse::<toml::Table>().ok());
            match mark.as_ref().and_then(|mark| mark.get("format")?.as_integer()) {
                Some(layout::FORMAT) => {}
                Some(format) => return Err(RegistryError::Newer { place: place(), format }),
                None => return Err(RegistryError::NotARegistry { place: place() }),
            }
        }
        drop(snapshot);
        Ok(Self { store })
    }

    /// The registry's URL or folder.
    pub fn place(&self) -> String {
        self.store.name()
    }

    /// The commit that the registry is at; none before the first record.
    pub fn head(&self) -> Result<Option<String>, RegistryError> {
        Ok(self.store.snapshot()?.head())
    }

    /// Of a shared registry that is read offline: how long ago the copy was like it.
    pub fn age(&self) -> Option<Duration> {
        self.store.age()
    }

    /// The record of the API `name`.
    ///
    /// # Errors
    /// `Broken` when there is one that cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<Record>, RegistryError> {
        let Ok(name) = ApiName::new(name) else { return Ok(None) };
        let entry = self.entry(&self.store.snapshot()?, &name)?;
        entry.map(|entry| entry.record(&self.store.name())).transpose()
    }

    /// The name of the API that has this key.
    pub fn holder(&self, kind: KeyKind, value: &str) -> Result<Option<String>, RegistryError> {
        holder(&self.store.snapshot()?, kind, value)
    }

    /// Every record, in order of name, and everything that is wrong in the registry. One bad record does not hide the
    /// others.
    pub fn list(&self) -> Result<Listing, RegistryError> {
        listing::read(&self.store.snapshot()?)
    }

    /// Takes all keys of `record` for its API and keeps the record; or changes nothing.
    ///
    /// A record of the same name and repository that is only reserved is ours, from a run that was broken off: it is
    /// replaced, and keys that it had and `record` has not are free again. Keys unknown to this version stay.
    ///
    /// # Errors
    /// `Taken` when another API has one of the keys, or this name is complete or has another repository.
    pub fn add(&self, record: &Record, by: &Signature) -> Result<RecordChange, RegistryError> {
        self.change(&format!("Reserve {}", record.name), by, |snapshot| {
            let stored = self.entry(snapshot, &record.name)?;
            let old = stored.as_ref().map(|entry| entry.record(&self.store.name())).transpose()?;
            if let Some(old) = old.as_ref().filter(|old| !is_ours(old, record)) {
                return Err(RegistryError::name_taken(record, old));
            }
            self.edits(snapshot, record, old.as_ref(), stored.as_ref())
        })
    }

    /// Sets the record active: writes `record` over the one that [`add`](Self::add) left, whatever state `record` says.
    /// Keys unknown to this version stay.
    ///
    /// # Errors
    /// `NotReserved` when there is no such record, `Taken` when it has another repository, `KeyChanged` when another
    /// key than the stored one is in `record`.
    pub fn activate(&self, record: &Record, by: &Signature) -> Result<RecordChange, RegistryError> {
        let record = &Record { state: RecordState::Active, ..record.clone() };
        self.change(&format!("Activate {}", record.name), by, |snapshot| {
            let Some(stored) = self.entry(snapshot, &record.name)? else {
                return Err(RegistryError::NotReserved { name: record.name.to_string() });
            };
            let old = stored.record(&self.store.name())?;
            if old.repository.url != record.repository.url {
                return Err(RegistryError::name_taken(record, &old));
            }
            if let Some(kind) = KeyKind::ALL.into_iter().find(|kind| old.key(*kind) != record.key(*kind)) {
                return Err(RegistryError::key_changed(kind, &old, record));
            }
            self.edits(snapshot, record, Some(&old), Some(&stored))
        })
    }

    fn change(
        &self,
        message: &str,
        by: &Signature,
        decide: impl Fn(&Snapshot<'_>) -> Result<Vec<Edit>, RegistryError>,
    ) -> Result<RecordChange, RegistryError> {
        let decide = |snapshot: &Snapshot<'_>| decide(snapshot).map(|edits| (!edits.is_empty()).then_some(edits));
        let head = self.store.change(message, by, decide)?;
        Ok(if head.is_some() { RecordChange::Done } else { RecordChange::AlreadySo })
    }

    fn entry(&self, snapshot: &Snapshot<'_>, name: &ApiName) -> Result<Option<StoredRecord>, RegistryError> {
        let path = layout::record(name.as_str());
        Ok(snapshot.read(&path)?.map(|bytes| StoredRecord { path, bytes }))
    }

    /// What to write so that `record` stands in the registry with all its keys; nothing when it does already.
    fn edits(
        &self,
        snapshot: &Snapshot<'_>,
        record: &Record,
        old: Option<&Record>,
        stored: Option<&StoredRecord>,
    ) -> Result<Vec<Edit>, RegistryError> {
        check(record, old)?;
        let name = record.name.as_str();
        let mut edits = layout::beginning(snapshot);
        for kind in layout::KEYS_WITH_FILES {
            let value = record.key(kind);
            match holder(snapshot, kind, &value)? {
                Some(holder) if holder != name => {
                    let claim = self.get(&holder).ok().flatten();
                    return Err(RegistryError::taken(kind, value, &holder, claim.as_ref()));
                }
                Some(_) => {}
                None => edits.push(write(layout::key(kind, &value), format!("{name}\n").into_bytes())),
            }
            // Only a key that is really ours is freed: a registry changed by hand may say otherwise.
            let freed = old.map(|old| old.key(kind)).filter(|freed| *freed != value);
            if let Some(freed) = freed
                && holder(snapshot, kind, &freed)?.as_deref() == Some(name)
            {
                edits.push(Edit { path: layout::key(kind, &freed), bytes: None });
            }
        }
        let text = entry::text(record, stored, &self.store.name())?;
        if stored.is_none_or(|stored| stored.bytes != text.as_bytes()) {
            edits.push(write(layout::record(name), text.into_bytes()));
        }
        Ok(edits)
    }
}

fn write(path: String, bytes: Vec<u8>) -> Edit {
    Edit { path, bytes: Some(bytes) }
}

/// Whether `old` is what an earlier run reserved for the same repository, or `record` itself. A run that goes on keeps
/// who reserved it and when; another producer who wants the same repository of a forge does not know them.
fn is_ours(old: &Record, record: &Record) -> bool {
    let goes_on = || old.repository.url == record.repository.url && old.history.first() == record.history.first();
    old == record || (old.state == RecordState::Reserved && goes_on())
}

fn holder(snapshot: &Snapshot<'_>, kind: KeyKind, value: &str) -> Result<Option<String>, RegistryError> {
    if kind == KeyKind::Name {
        let is_name = ApiName::new(value).is_ok();
        let there = is_name && snapshot.read(&layout::record(value))?.is_some();
        return Ok(there.then(|| value.to_owned()));
    }
    let name = snapshot.read(&layout::key(kind, value))?;
    Ok(name.map(|name| String::from_utf8_lossy(&name).trim().to_owned()))
}
