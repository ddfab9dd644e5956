//! Records in other notations: out as CSV, as entities for Backstage and as JSON, in as CSV, TOML and entities.

pub mod backstage;
pub mod csv;
mod draft;

use std::fmt;

use crate::model::text::one_line;

pub use draft::Draft;

/// The JSON Schema of the export in JSON.
pub const SCHEMA: &str = include_str!("export.schema.json");

/// What is wrong in a file that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1; none when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, as half a sentence.
    pub message: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(" line {line}")).unwrap_or_default();
        write!(f, "`{}`{line}: {}", one_line(&self.file), one_line(&self.message))
    }
}
