//! A template: its manifest and its tree, and how both become a repository. Nothing else uses `liquid`.

pub mod manifest;
