//! A `Tree`: the one value for files. A template, its render, a commit and a test's expectation are all trees.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use rayon::slice::ParallelSliceMut as _;

use crate::error::{Blame, Fault};

/// Longest file or folder name, in bytes, that common file systems take.
const NAME_MAX: usize = 255;

const TWICE: &str = "two files have this path";
const BOTH: &str = "it would be a file and a folder at once";

/// The path of a file in a tree: relative, `/` between names, and unable to leave the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// Checks `path`. No name may be empty, `.`, `..`, `.git` (in any case), longer than 255 bytes,
    /// or hold a backslash or a control character.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        match path.split('/').find_map(path_fault) {
            Some(reason) => Err(PathError { path, reason }),
            None => Ok(Self(path)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The path of the folder it is in: empty for the tree's own.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').unwrap_or_default().0
    }

    /// What follows the last dot of the file name, or nothing. A leading dot does not count.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn path_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it has an empty name")
    } else if name == "." || name == ".." {
        Some("it would leave the folder")
    } else if is_git_folder(name) {
        Some("it would write into git's own folder")
    } else if name.len() > NAME_MAX {
        Some("a name is longer than 255 bytes")
    } else if name.contains('\\') || name.chars().any(char::is_control) {
        Some("a name holds a backslash or a control character")
    } else {
        None
    }
}

/// Whether some file system takes `name` for git's own folder: Windows drops dots and spaces at the end, and what
/// follows a colon; macOS drops characters without width (`git help config`, `core.protectNTFS` and `core.protectHFS`).
fn is_git_folder(name: &str) -> bool {
    let no_width = |c: &char| matches!(*c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}');
    let visible: String = name.chars().filter(|c| !no_width(c)).collect();
    let stem = visible.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

/// A path that a tree does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be a file's path: {reason}", path.escape_debug())]
pub struct PathError {
    pub path: String,
    /// Why not, as half a sentence.
    pub reason: &'static str,
}

impl Blame for PathError {
    fn fault(&self) -> Fault {
        Fault::Template
    }
}

/// One file: its bytes and whether it may be executed.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// The content, byte for byte. Files that were read together share the memory.
    pub bytes: Bytes,
    /// git mode 100755 rather than 100644.
    pub executable: bool,
}

impl File {
    /// A file that may not be executed.
    pub fn plain(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), executable: false }
    }

    /// The content as text, unless it is binary: not UTF-8, or with a NUL byte.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok().filter(|text| memchr::memchr(0, text.as_bytes()).is_none())
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.executable { "755" } else { "644" };
        write!(f, "{mode} {:?}", String::from_utf8_lossy(&self.bytes))
    }
}

/// Files by path, in order of path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<TreePath, File>,
}

impl Tree {
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of many files, in any order.
    ///
    /// # Errors
    /// Every path that is there twice, or would be a file and a folder at once.
    pub fn of(mut files: Vec<(TreePath, File)>) -> Result<Self, Vec<PathError>> {
        files.par_sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let is_file = |path: &str| files.binary_search_by(|(other, _)| other.as_str().cmp(path)).is_ok();
        let mut errors = Vec::new();
        let mut before = "";
        for (path, _) in &files {
            let mut refuse = |reason| errors.push(PathError { path: path.0.clone(), reason });
            if path.as_str() == before {
                refuse(TWICE);
            }
            let shared = path.0.bytes().zip(before.bytes()).take_while(|(one, other)| one == other).count();
            // The folders that this path shares with the one before it were looked for then.
            let mut folders = path.0.match_indices('/').filter(|(end, _)| *end >= shared);
            if folders.any(|(end, _)| is_file(&path.0[..end])) {
                refuse(BOTH);
            }
            before = path.as_str();
        }
        if errors.is_empty() { Ok(Self { files: files.into_iter().collect() }) } else { Err(errors) }
    }

    /// Adds a file. A path that is there already, or that would be a file and a folder at once, is refused.
    pub fn insert(&mut self, path: TreePath, file: File) -> Result<(), PathError> {
        if let Some(reason) = self.clash(&path) {
            return Err(PathError { path: path.0, reason });
        }
        self.files.insert(path, file);
        Ok(())
    }

    fn clash(&self, path: &TreePath) -> Option<&'static str> {
        if self.files.contains_key(path) {
            return Some(TWICE);
        }
        let ancestors = path.0.match_indices('/').map(|(end, _)| TreePath(path.0[..end].to_owned()));
        let below = TreePath(format!("{}/", path.0));
        let is_folder = self.files.range(below.clone()..).next().is_some_and(|(next, _)| next.0.starts_with(&below.0));
        (is_folder || ancestors.into_iter().any(|folder| self.files.contains_key(&folder))).then_some(BOTH)
    }

    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(&TreePath(path.to_owned()))
    }

    pub fn remove(&mut self, path: &str) -> Option<File> {
        self.files.remove(&TreePath(path.to_owned()))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TreePath, &File)> {
        self.files.iter()
    }

    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    /// The part of the tree below `folder`, with paths that begin there.
    pub fn subtree(self, folder: &str) -> Self {
        let prefix = format!("{}/", folder.trim_matches('/'));
        let below =
            |(path, file): (TreePath, File)| path.0.strip_prefix(&prefix).map(|rest| (TreePath(rest.to_owned()), file));
        Self { files: self.files.into_iter().filter_map(below).collect() }
    }
}

impl IntoIterator for Tree {
    type Item = (TreePath, File);
    type IntoIter = std::collections::btree_map::IntoIter<TreePath, File>;

    fn into_iter(self) -> Self::IntoIter {
        self.files.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).expect("a good path")
    }

    #[test]
    fn a_path_cannot_leave_the_tree_or_enter_gits_folder() {
        for bad in [
            "",
            "/etc/passwd",
            "a//b",
            "../x",
            "a/../b",
            "./a",
            ".git/config",
            "a/.GIT/x",
            "GIT~1",
            ".git.",
            ".git ./x",
            ".g\u{200B}it",
            ".git:x",
            "a\\b",
            "a\nb",
            "a/",
        ] {
            assert!(TreePath::new(bad).is_err(), "{bad:?}");
        }
        assert!(TreePath::new("é".repeat(128)).is_err());
        for good in ["a", ".gitignore", "..a/b", ".github/x", "a b/ü"] {
            assert!(TreePath::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_path_is_taken_once_and_is_a_file_or_a_folder() {
        let mut tree = Tree::new();
        tree.insert(path("a/b"), File::plain(&b""[..])).expect("new");
        tree.insert(path("a.x"), File::plain(&b""[..])).expect("sorts between a and a/");
        for taken in ["a/b", "a", "a/b/c"] {
            assert!(tree.insert(path(taken), File::plain(&b""[..])).is_err(), "{taken}");
        }
    }

    proptest! {
        #[test]
        fn files_at_once_give_what_files_one_by_one_give(paths in prop::collection::vec("[ab-](/[ab-]){0,2}", 0..9)) {
            let files = || paths.iter().map(|text| (path(text), File::plain(&b""[..])));
            let mut one_by_one = Tree::new();
            let refused = files().filter(|(path, file)| one_by_one.insert(path.clone(), file.clone()).is_err()).count();
            match Tree::of(files().collect()) {
                Ok(tree) => prop_assert_eq!((tree, 0), (one_by_one, refused)),
                Err(errors) => prop_assert!(refused > 0 && !errors.is_empty()),
            }
        }
    }

    #[test]
    fn the_extension_is_of_the_last_name_only() {
        assert_eq!(path("a.b/c").extension(), None);
        assert_eq!(path("a/.yaml").extension(), None);
        assert_eq!(path("a/x.tar.gz").extension(), Some("gz"));
    }
}
