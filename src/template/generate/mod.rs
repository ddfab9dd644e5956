//! Templates written for `cargo-generate`: a `cargo-generate.toml` becomes a manifest and a [`Config`], and its files
//! are rendered by that library in a process of its own (see [`fence`]).
//!
//! The library silently accepts typing errors in its configuration, unknown variables, and files that it cannot render.
//! Here they are refused, with file and line. The library gets only text to render; this side decides which files those
//! are, and settles conditions, answers and modes.

mod condition;
pub mod config;
pub mod fence;
mod prepare;
pub mod render;

pub use config::Config;
pub use fence::Fence;

/// The name of the library's configuration, in the root of a template.
pub const FILE_NAME: &str = "cargo-generate.toml";

/// The library's own variables. The library takes `authors` and `username` from the machine; here they are questions.
const BUILT_IN: [&str; 8] =
    ["project-name", "crate_name", "crate_type", "os-arch", "is_init", "within_cargo_project", "authors", "username"];
