//! A template: its manifest and its tree, and how both become a repository. Nothing else uses `liquid`.

mod compile;
pub mod engine;
mod escape;
mod filters;
pub mod manifest;
mod place;
mod runtime;
mod scan;
mod variables;
