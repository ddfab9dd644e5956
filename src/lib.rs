//! `apiscaffold`: one command takes an API from an idea to a working, registered, deployable repository.

pub mod error;
pub mod model;
