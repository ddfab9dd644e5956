//! A template: its manifest and its tree, and how both become a repository. Nothing else uses `liquid`.

mod budget;
pub mod builtin;
mod compile;
pub mod engine;
mod escape;
mod filters;
pub mod folder;
#[cfg(feature = "cargo-generate")]
pub mod generate;
mod language;
pub mod manifest;
mod place;
pub mod render;
mod runtime;
mod scan;
pub mod settings;
pub mod source;
pub mod values;
mod variables;
