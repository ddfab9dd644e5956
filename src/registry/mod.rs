//! The registry: one record an API in a git repository, every key taken once.
