//! Records in other notations: out as CSV, as entities for Backstage and as JSON, in as CSV, TOML and entities.

pub mod backstage;
pub mod csv;
mod draft;

pub use draft::Draft;

/// The JSON Schema of the export in JSON.
pub const SCHEMA: &str = include_str!("export.schema.json");
