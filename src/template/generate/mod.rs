//! Templates written for `cargo-generate`: a `cargo-generate.toml` becomes a manifest and a [`Config`], and its files
//! are rendered by that library in a process of its own (see [`fence`]).
//!
//! The library takes much in silence: typing errors in its configuration, unknown variables, files that it cannot
//! render. What it would take so is refused here, with file and line. It gets only text to render: which files those
//! are, conditions, answers and modes are settled on this side.

mod condition;
pub mod config;
pub mod fence;
mod prepare;
pub mod render;

pub use config::Config;
pub use fence::Fence;

/// The name of the library's configuration, in the root of a template.
pub const FILE_NAME: &str = "cargo-generate.toml";

/// What the library knows without a question. `authors` and `username` come from the machine in the library, and are
/// asked here.
const BUILT_IN: [&str; 8] =
    ["project-name", "crate_name", "crate_type", "os-arch", "is_init", "within_cargo_project", "authors", "username"];
