//! A record as TOML, and back.

use toml::{Table, Value};

use super::{Problem, RegistryError, layout};
use crate::model::record::Record;
use crate::model::text::position;

/// A record as it is stored.
pub(super) struct StoredRecord {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl StoredRecord {
    /// Reads the record.
    pub(super) fn parse(&self) -> Result<Record, Problem> {
        parse(&self.path, &self.bytes)
    }

    /// Reads the record of the registry called `registry`.
    pub(super) fn record(&self, registry: &str) -> Result<Record, RegistryError> {
        self.parse().map_err(|problem| broken(registry, problem))
    }
}

/// Reads the record that is at `path`.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Record, Problem> {
    let problem = |at: Option<usize>, message: String| {
        let line = at.map(|at| position(bytes, at).0);
        Problem { path: path.to_owned(), line, message }
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| problem(Some(error.valid_up_to()), "it is not UTF-8 text".to_owned()))?;
    let record: Record = toml::from_str(text)
        .map_err(|error| problem(error.span().map(|span| span.start), error.message().trim().replace('\n', ", ")))?;
    if layout::record(record.name.as_str()) == path {
        Ok(record)
    } else {
        Err(problem(None, format!("it is the record of `{}`, which belongs at another path", record.name)))
    }
}

fn broken(registry: &str, problem: Problem) -> RegistryError {
    let Problem { path, line, message } = problem;
    RegistryError::Broken { registry: registry.to_owned(), path, line, message }
}

/// The text of `record`, with what `stored` says and `record` does not.
pub(super) fn text(record: &Record, stored: Option<&StoredRecord>, registry: &str) -> Result<String, RegistryError> {
    let path = layout::record(record.name.as_str());
    let broken = |message| broken(registry, Problem { path: path.clone(), line: None, message });
    let mut table = Table::try_from(record).map_err(|error| broken(error.to_string()))?;
    // As they were read, dates included.
    table.extend(record.other.clone());
    if let Some(old) = stored.and_then(|stored| std::str::from_utf8(&stored.bytes).ok()) {
        let old: Table = toml::from_str(old).map_err(|error| broken(error.message().to_owned()))?;
        keep(&mut table, old);
    }
    toml::to_string(&table).map_err(|error| broken(error.to_string()))
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
