//! All of git: reading a tree, the first commit, fetching a template. Nothing else uses `git2`.

pub mod commit;
pub mod read;
pub mod remote;
pub mod store;
mod transport;
