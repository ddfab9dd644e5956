//! The forge: where repositories are shared, and their settings. GitHub is the one there is, so there is no trait: what any
//! forge would share (a repository, its settings, the steps of a plan) are values in `model`.

pub mod github;
