//! The first commit: a whole repository written from a tree in memory, without reading a file back.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use rayon::prelude::*;

use super::pack::{self, Id, ObjectKind, Pack};
use super::sign::Signing;
use super::{GitError, failed_to_write, index};
use crate::model::author::Signature;
use crate::model::refs::{FIRST_BASE, MAIN};
use crate::model::tree::Tree;

/// `user.name` and `user.email` of git's own configuration files (system, XDG, home), when both are there.
///
/// A configuration that cannot be read counts as none.
pub fn configured_identity() -> Option<(String, String)> {
    let config = git2::Config::open_default().ok()?;
    let value = |key| config.get_string(key).ok().filter(|text| !text.trim().is_empty());
    Some((value("user.name")?, value("user.email")?))
}

/// What a commit says.
#[derive(Clone, Debug)]
pub struct NewCommit {
    pub author: Signature,
    pub message: String,
    pub signing: Signing,
}

/// A repository that holds all objects of its first commit, and nothing that names it yet.
pub struct Begun {
    /// The ids of the files, in the tree's order.
    blobs: Vec<Id>,
    commit: Id,
    reflog: String,
}

/// Makes a repository in `folder`, which holds exactly the files of `tree`: one commit, on branch `main` and at
/// the first base. Returns the commit's id (hex). The same tree and commit give the same id.
///
/// # Errors
/// `Write` (with `AlreadyExists` when there is a `.git`), or `Look` when a file of the tree is missing.
#[cfg(test)]
pub fn first_commit(folder: &Path, tree: &Tree, commit: &NewCommit) -> Result<String, GitError> {
    finish(folder, tree, begin(folder, tree, commit)?)
}

/// Everything of the first commit that does not look at the files: can run while they are being written.
///
/// # Errors
/// `Write`, with `AlreadyExists` when there is a `.git`; `Sign` when it is to be signed, and cannot be.
pub fn begin(folder: &Path, tree: &Tree, commit: &NewCommit) -> Result<Begun, GitError> {
    let blobs = blob_ids(tree);
    let folders = folders(tree, &blobs);
    let root = folders.last().map_or_else(Id::default, |(id, _)| *id);
    let signature = commit.author.line();
    let message = message(&commit.message);
    let text = format!("tree {}\nauthor {signature}\ncommitter {signature}\n\n{message}", pack::hex(&root));
    let text = commit.signing.sign(text, &commit.author)?;
    let id = pack::id(ObjectKind::Commit, text.as_bytes());
    let mut objects: BTreeMap<Id, (ObjectKind, &[u8])> = BTreeMap::new();
    objects.extend(blobs.iter().zip(tree.iter()).map(|(id, (_, file))| (*id, (ObjectKind::Blob, &*file.bytes))));
    objects.extend(folders.iter().map(|(id, bytes)| (*id, (ObjectKind::Tree, &bytes[..]))));
    objects.insert(id, (ObjectKind::Commit, text.as_bytes()));
    write_objects(&folder.join(".git"), &Pack::new(objects))?;
    let subject = message.lines().next().unwrap_or_default();
    let reflog = format!("{} {} {signature}\tcommit (initial): {subject}\n", pack::hex(&Id::default()), pack::hex(&id));
    Ok(Begun { blobs, commit: id, reflog })
}

/// Makes git's own folder, with the objects in it.
fn write_objects(git: &Path, pack: &Pack) -> Result<(), GitError> {
    for part in ["", "objects", "objects/pack", "refs", "refs/heads", "refs/tags", "refs/apiscaffold"]
        .into_iter()
        .chain(["refs/apiscaffold/base", "logs", "logs/refs", "logs/refs/heads"])
    {
        let path = git.join(part);
        fs::create_dir(&path).map_err(failed_to_write(&path))?;
    }
    let packs = git.join("objects/pack");
    let path = packs.join(pack.name() + ".pack");
    write_pack(&path, pack).map_err(failed_to_write(&path))?;
    // After the pack, as git does: a pack exists once its index does.
    write(&packs.join(pack.name() + ".idx"), &pack.index(), true)
}

/// Finishes what [`begin`] made of the same tree, now that its files lie in `folder`. Returns the commit's id (hex).
///
/// # Errors
/// `Write`, or `Look` when a file of the tree is missing.
pub fn finish(folder: &Path, tree: &Tree, begun: Begun) -> Result<String, GitError> {
    let git = folder.join(".git");
    if !tree.is_empty() {
        let index = index::of(folder, tree, &begun.blobs)?;
        write(&git.join("index"), &index.bytes, false)?;
        write_config(&git, index.keeps_mode)?;
    } else {
        write_config(&git, cfg!(unix))?;
    }
    let commit = pack::hex(&begun.commit);
    for name in [FIRST_BASE, MAIN] {
        write(&git.join(name), format!("{commit}\n").as_bytes(), false)?;
    }
    for name in ["logs/HEAD", "logs/refs/heads/main"] {
        write(&git.join(name), begun.reflog.as_bytes(), false)?;
    }
    write(&git.join("HEAD"), b"ref: refs/heads/main\n", false)?;
    Ok(commit)
}

/// The id that `tree` has as a git tree (hex).
pub fn tree_id(tree: &Tree) -> String {
    let folders = folders(tree, &blob_ids(tree));
    folders.last().map(|(id, _)| pack::hex(id)).unwrap_or_default()
}

/// A NUL would end the message early; git ends every message with a newline.
fn message(text: &str) -> String {
    format!("{}\n", text.replace('\0', "").trim_end())
}

fn blob_ids(tree: &Tree) -> Vec<Id> {
    let files: Vec<_> = tree.iter().map(|(_, file)| file).collect();
    files.into_par_iter().with_min_len(16).map(|file| pack::id(ObjectKind::Blob, &file.bytes)).collect()
}

/// A folder that is still being filled: its name, and its entries as git writes them.
struct Open<'a> {
    name: &'a str,
    entries: Vec<u8>,
}

/// The git trees of all folders, with ids, the root last. Works on paths in their order and without recursion.
///
/// git sorts a tree's entries as if folders ended in `/`, and so does a sorted list of whole paths: nothing to sort.
fn folders(tree: &Tree, blobs: &[Id]) -> Vec<(Id, Vec<u8>)> {
    let mut done = Vec::new();
    let mut open = vec![Open { name: "", entries: Vec::new() }];
    for ((path, file), id) in tree.iter().zip(blobs) {
        let mut names: Vec<_> = path.as_str().split('/').collect();
        let name = names.pop().unwrap_or_default();
        let shared = open[1..].iter().zip(&names).take_while(|(folder, name)| folder.name == **name).count();
        close_down_to(shared + 1, &mut open, &mut done);
        open.extend(names[shared..].iter().map(|name| Open { name, entries: Vec::new() }));
        let mode = if file.executable { "100755" } else { "100644" };
        add(&mut open, mode, name, id);
    }
    close_down_to(0, &mut open, &mut done);
    done
}

fn close_down_to(depth: usize, open: &mut Vec<Open<'_>>, done: &mut Vec<(Id, Vec<u8>)>) {
    while open.len() > depth {
        let Some(folder) = open.pop() else { return };
        let id = pack::id(ObjectKind::Tree, &folder.entries);
        add(open, "40000", folder.name, &id);
        done.push((id, folder.entries));
    }
}

fn add(open: &mut [Open<'_>], mode: &str, name: &str, id: &Id) {
    if let Some(folder) = open.last_mut() {
        for part in [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id] {
            folder.entries.extend(part);
        }
    }
}

fn write_config(git: &Path, keeps_mode: bool) -> Result<(), GitError> {
    // Another spelling of a name that is there finds it on a file system that ignores case.
    let ignore_case = if git.join("OBJECTS").exists() { "\tignorecase = true\n" } else { "" };
    let text = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = {keeps_mode}\n\tbare = false\n\tlogallrefupdates = true\n{ignore_case}"
    );
    write(&git.join("config"), text.as_bytes(), false)
}

fn write_pack(path: &Path, pack: &Pack) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, create(path, true)?);
    pack.write(&mut file)?;
    file.flush()
}

fn write(path: &Path, bytes: &[u8], read_only: bool) -> Result<(), GitError> {
    create(path, read_only).and_then(|mut file| file.write_all(bytes)).map_err(failed_to_write(path))
}

/// A new file; packs and their indexes are read-only, as git makes them.
fn create(path: &Path, read_only: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if read_only { 0o444 } else { 0o666 });
    }
    let _ = read_only;
    options.open(path)
}
