//! A record as TOML, and back.

use toml::{Table, Value};

use super::{RegistryError, layout};
use crate::model::record::Record;

/// A record as it is stored.
pub(super) struct Entry {
    /// Its path in the registry.
    pub(super) path: String,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

/// Why an entry is not a good record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// Counted from 1.
    pub(super) line: Option<usize>,
    /// In a few words.
    pub(super) message: String,
}

impl Entry {
    /// Reads the record.
    pub(super) fn parse(&self) -> Result<Record, Flaw> {
        parse(&self.path, &self.bytes)
    }

    /// Reads the record of the registry called `registry`.
    pub(super) fn record(&self, registry: &str) -> Result<Record, RegistryError> {
        self.parse().map_err(|flaw| broken(registry, &self.path, flaw))
    }
}

/// Reads the record that is at `path`.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Record, Flaw> {
    let text = std::str::from_utf8(bytes).map_err(|error| Flaw {
        line: Some(line(bytes, error.valid_up_to())),
        message: "it is not UTF-8 text".to_owned(),
    })?;
    let record: Record = toml::from_str(text).map_err(|error| Flaw {
        line: error.span().map(|span| line(bytes, span.start)),
        message: error.message().trim().replace('\n', ", "),
    })?;
    if layout::record(record.name.as_str()) == path {
        Ok(record)
    } else {
        let message = format!("it is the record of `{}`, which has another place", record.name);
        Err(Flaw { line: None, message })
    }
}

fn broken(registry: &str, path: &str, flaw: Flaw) -> RegistryError {
    RegistryError::Broken {
        registry: registry.to_owned(),
        path: path.to_owned(),
        line: flaw.line,
        message: flaw.message,
    }
}

/// The line that byte `at` is on, counted from 1.
fn line(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The text of `record`, with what `stored` says and `record` does not.
pub(super) fn text(record: &Record, stored: Option<&Entry>, registry: &str) -> Result<String, RegistryError> {
    let path = layout::record(record.name.as_str());
    let flaw = |message: String| broken(registry, &path, Flaw { line: None, message });
    let mut table = Table::try_from(record).map_err(|error| flaw(error.to_string()))?;
    // As they were read, dates included.
    table.extend(record.other.clone());
    if let Some(old) = stored.and_then(|stored| std::str::from_utf8(&stored.bytes).ok()) {
        let old: Table = toml::from_str(old).map_err(|error| flaw(error.message().to_owned()))?;
        keep(&mut table, old);
    }
    toml::to_string(&table).map_err(|error| flaw(error.to_string()))
}

/// Adds to `new` what only `old` has: keys that a newer version wrote, at any depth.
fn keep(new: &mut Table, old: Table) {
    for (key, old) in old {
        match (new.get_mut(&key), old) {
            (Some(Value::Table(new)), Value::Table(old)) => keep(new, old),
            (Some(Value::Array(new)), Value::Array(old)) => {
                for pair in new.iter_mut().zip(old) {
                    if let (Value::Table(new), Value::Table(old)) = pair {
                        keep(new, old);
                    }
                }
            }
            (Some(_), _) => {}
            (None, old) => {
                new.insert(key, old);
            }
        }
    }
}
