//! Changing a record that is complete.

use super::{RecordChange, Registry, RegistryError};
use crate::model::author::Signature;
use crate::model::record::{KeyKind, Record};

impl Registry {
    /// Writes `new` in the place of `old`, if `old` is what stands there. Keys unknown to this version stay.
    ///
    /// # Errors
    /// `NotReserved` when there is no such record, `Changed` when another one stands there by now, `KeyChanged` when
    /// another key than the stored one is in `new`.
    pub fn update(
        &self,
        old: &Record,
        new: &Record,
        message: &str,
        by: &Signature,
    ) -> Result<RecordChange, RegistryError> {
        self.change(message, by, |snapshot| {
            let name = || old.name.to_string();
            let stored = self.entry(snapshot, &old.name)?;
            let stored = stored.ok_or_else(|| RegistryError::NotReserved { name: name() })?;
            let found = stored.record(&self.store.name())?;
            if found != *old && found != *new {
                return Err(RegistryError::Changed { name: name() });
            }
            if let Some(kind) = KeyKind::ALL.into_iter().find(|kind| found.key(*kind) != new.key(*kind)) {
                return Err(RegistryError::key_changed(kind, &found, new));
            }
            self.edits(snapshot, new, Some(&found), Some(&stored))
        })
    }
}
