//! The forge: where repositories are shared, and their settings. GitHub is the one there is.

pub mod github;
