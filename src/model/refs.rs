//! The names of git's references that the tool reads and writes.

/// The branch of the first commit, and of a registry.
pub const MAIN: &str = "refs/heads/main";

/// The pristine render of a repository, as it was when the tool made it.
pub const BASE: &str = "refs/apiscaffold/base";

/// The name of a reference as GitHub's API has it in paths: without `refs/`.
pub fn short(name: &str) -> &str {
    name.strip_prefix("refs/").unwrap_or(name)
}
