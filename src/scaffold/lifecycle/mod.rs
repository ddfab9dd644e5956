//! An API's life: the gates before each phase, what the tool can check by itself, and what a phase changes in a repository.

pub(crate) mod checks;
pub(crate) mod gates;
pub(crate) mod stage;
