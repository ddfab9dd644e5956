//! What a branch was before: whether it went on, was set back, or is gone.

use std::collections::HashSet;

use git2::{ObjectType, Oid, Repository};

/// Whether `new` comes after `old`: `old` is among the commits that it was made from, as far as they are here, or their
/// files are the same.
pub(super) fn follows(repository: &Repository, new: Oid, old: Oid) -> bool {
    let mut left = vec![new];
    let mut met = HashSet::new();
    while let Some(id) = left.pop() {
        if id == old {
            return true;
        }
        if met.insert(id)
            && let Ok(commit) = repository.find_commit(id)
        {
            left.extend(commit.parent_ids());
        }
    }
    let tree = |id| repository.find_commit(id).map(|commit| commit.tree_id()).ok();
    tree(new).is_some() && tree(new) == tree(old)
}

/// The last commit of a branch that is gone from a repository without branches; none when there was no branch. A commit
/// that has a parent is proof of one: before it, the parent was made the branch's head.
pub(super) fn lost(repository: &Repository) -> Result<Option<Oid>, git2::Error> {
    let database = repository.odb()?;
    let mut commits = Vec::new();
    database.foreach(|id| {
        if database.read_header(*id).is_ok_and(|(_, kind)| kind == ObjectType::Commit) {
            commits.extend(repository.find_commit(*id).ok());
        }
        true
    })?;
    let parents: HashSet<Oid> = commits.iter().flat_map(git2::Commit::parent_ids).collect();
    let ends = commits.iter().filter(|commit| commit.parent_count() > 0 && !parents.contains(&commit.id()));
    Ok(ends.max_by_key(|commit| commit.time().seconds()).map(git2::Commit::id))
}
