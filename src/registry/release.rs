//! Giving up a reservation.

use super::{RecordChange, Registry, RegistryError, holder, layout};
use crate::git::store::Edit;
use crate::model::author::Signature;
use crate::model::name::ApiName;
use crate::model::record::{Record, RecordState};

impl Registry {
    /// The record of `name`, if `by` may give it up.
    ///
    /// # Errors
    /// `NotReserved` when there is none, `StillActive` for an API that exists, `NotYours` when another e-mail address
    /// has reserved it.
    pub fn releasable(&self, name: &ApiName, by: &Signature) -> Result<Record, RegistryError> {
        let record = self.get(name.as_str())?.ok_or_else(|| RegistryError::NotReserved { name: name.to_string() })?;
        may_release(&record, by).map(|()| record)
    }

    /// Takes a reservation out of the registry, with all its keys.
    ///
    /// # Errors
    /// Those of [`releasable`](Self::releasable).
    pub fn release(&self, name: &ApiName, by: &Signature) -> Result<RecordChange, RegistryError> {
        self.change(&format!("Release {name}"), by, |snapshot| {
            let stored = self.entry(snapshot, name)?;
            let stored = stored.ok_or_else(|| RegistryError::NotReserved { name: name.to_string() })?;
            let record = stored.record(&self.store.name())?;
            may_release(&record, by)?;
            let mut edits = vec![Edit { path: stored.path, bytes: None }];
            for kind in layout::KEYS_WITH_FILES {
                let value = record.key(kind);
                // Only a key that is really ours is freed: a registry changed by hand may say otherwise.
                if holder(snapshot, kind, &value)?.as_deref() == Some(name.as_str()) {
                    edits.push(Edit { path: layout::key(kind, &value), bytes: None });
                }
            }
            Ok(edits)
        })
    }
}

fn may_release(record: &Record, by: &Signature) -> Result<(), RegistryError> {
    let name = record.name.to_string();
    if record.state == RecordState::Active {
        return Err(RegistryError::StillActive { name });
    }
    match record.history.first() {
        Some(first) if !first.by.ends_with(&format!("<{}>", by.email)) => {
            Err(RegistryError::NotYours { name, by: first.by.clone() })
        }
        _ => Ok(()),
    }
}
