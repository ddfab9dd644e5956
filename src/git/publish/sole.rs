//! Whether everything that is to be pushed lies in one pack, as the first commit wrote it: then that pack can be sent.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository};

use crate::git::push::Packed;

/// The pack in which `commit` lies with everything that it needs, and nothing else.
pub(super) struct Sole {
    pub(super) commit: Oid,
    pub(super) pack: Packed,
}

/// The one pack of a repository in which all these references are at one commit without parents. None when anything
/// else has come to the repository since: more commits, other objects, another way of packing them.
pub(super) fn sole(repository: &Repository, references: &[&str]) -> Option<Sole> {
    let ids: BTreeSet<Oid> =
        references.iter().map(|name| repository.refname_to_id(name).ok()).collect::<Option<_>>()?;
    let [commit] = ids.into_iter().collect::<Vec<_>>()[..] else { return None };
    let pack = only_pack(&repository.commondir().join("objects")).ok()??;
    let needed = needed(repository, commit).ok()??;
    let mut stored = 0;
    repository
        .odb()
        .and_then(|objects| {
            objects.foreach(|_| {
                stored += 1;
                true
            })
        })
        .ok()?;
    if stored != needed {
        return None;
    }
    Some(Sole { commit, pack: File::open(pack).and_then(Packed::file).ok()? })
}

/// The only pack in a folder that holds no object elsewhere.
fn only_pack(objects: &Path) -> io::Result<Option<PathBuf>> {
    let paths = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
        paths.sort();
        Ok(paths)
    };
    let packs = objects.join("pack");
    if paths(objects)? != [packs.clone()] {
        return Ok(None);
    }
    let files = paths(&packs)?;
    let [index, pack] = &files[..] else { return Ok(None) };
    let are_one = pack.extension().is_some_and(|extension| extension == "pack") && *index == pack.with_extension("idx");
    Ok(are_one.then(|| pack.clone()))
}

/// How many objects a commit without parents needs, itself included; none when it is no such commit.
fn needed(repository: &Repository, commit: Oid) -> Result<Option<usize>, git2::Error> {
    let commit = repository.find_commit(commit)?;
    if commit.parent_count() > 0 || repository.is_shallow() {
        return Ok(None);
    }
    let mut seen = BTreeSet::from([commit.id(), commit.tree_id()]);
    let mut folders = vec![commit.tree_id()];
    while let Some(folder) = folders.pop() {
        for entry in &repository.find_tree(folder)? {
            if seen.insert(entry.id()) && entry.kind() == Some(ObjectType::Tree) {
                folders.push(entry.id());
            }
        }
    }
    Ok(Some(seen.len()))
}
