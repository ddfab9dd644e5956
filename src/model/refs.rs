//! The names of git's references that the tool reads and writes.
//!
//! The *base* of a repository is what the tool made of it: one reference a revision, `refs/apiscaffold/base/1` and on, each
//! the child of the one before. Where `update` does not exist yet there is only the first. Earlier versions of the tool
//! wrote a single reference, [`OLD_BASE`]; it counts as the first revision, and both are looked for.
//!
//! git cannot hold `base` and `base/1` at once, nor exchange them in one transaction ("cannot lock ref"). So whoever writes
//! a second revision to a repository that has the old name moves it first: deletes `base` by a push of its own, then pushes
//! `base/1`, at the same commit, together with `base/2`. A run that is killed between the two loses nothing: the commit is
//! the root of `main`, and the next run finds no base on the remote and pushes all that it has here.

/// The branch of the first commit, and of a registry.
pub const MAIN: &str = "refs/heads/main";

/// The base of the first revision: the pristine render of a repository, as it was when the tool made it.
pub const FIRST_BASE: &str = "refs/apiscaffold/base/1";

/// The one base that earlier versions wrote. Every name of a base begins with it.
pub const OLD_BASE: &str = "refs/apiscaffold/base";

/// The name of the newest base among these references.
pub fn newest_base<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let revisions = names.into_iter().filter_map(|name| Some((revision(name)?, name)));
    revisions.max().map(|(_, name)| name)
}

/// The revision whose base a reference is.
fn revision(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(OLD_BASE)?;
    if rest.is_empty() {
        return Some(1);
    }
    let digits = rest.strip_prefix('/').filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse().ok()
}

/// The name of a reference as GitHub's API has it in paths: without `refs/`.
pub fn short(name: &str) -> &str {
    name.strip_prefix("refs/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_base_is_found_by_number_under_the_new_names_and_the_old_one() {
        let newest = |names: &[&'static str]| newest_base(names.iter().copied());
        assert_eq!(newest(&["refs/heads/main", OLD_BASE]), Some(OLD_BASE));
        assert_eq!(newest(&[FIRST_BASE, MAIN]), Some(FIRST_BASE));
        let tenth = "refs/apiscaffold/base/10";
        assert_eq!(newest(&["refs/apiscaffold/base/9", tenth, FIRST_BASE]), Some(tenth));
        for other in ["baseline", "base/", "base/0", "base/01", "base/+1", "base/x", "base/1/2", "base/-1"] {
            let name = format!("refs/apiscaffold/{other}");
            assert_eq!(newest_base([name.as_str(), MAIN]), None, "{other}");
        }
    }
}
