//! `apiscaffold`: one command takes an API from an idea to a working, registered, deployable repository.

pub mod answers;
pub mod error;
pub mod git;
pub mod model;
pub mod openapi;
pub mod registry;
pub mod template;
pub mod terminal;
