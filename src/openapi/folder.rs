//! The folder of a spec, on disk or among the files of a commit: the only place that reads its files, and that keeps a
//! reference inside.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::error::SpecError;

/// Most bytes one file of a spec may have: 32 MiB. The largest public documents have 13 MB.
pub const MAX_FILE: u64 = 32 << 20;
/// Most bytes all files of a spec may have together: 128 MiB.
pub const MAX_TREE: u64 = 128 << 20;
/// Most files a spec may refer to, there or not. The largest public one has 2,900.
pub const MAX_FILES: usize = 10_000;

/// The bytes of the file at a path, `/` between names; none when no file is there.
pub type Lookup<'f> = dyn Fn(&str) -> io::Result<Option<Bytes>> + 'f;

/// A folder to read files from, and how much may still be read.
pub(super) struct Folder<'f> {
    /// The folder as the user typed it, for messages.
    typed: PathBuf,
    source: Source<'f>,
    /// Where in the folder the document is: empty, or with a `/` at its end.
    below: String,
    bytes: u64,
    files: usize,
}

/// Where the files are.
enum Source<'f> {
    /// In this folder, absolute and without symlinks.
    Disk(PathBuf),
    /// Where this finds them, below this folder: empty, or with a `/` at its end.
    Files(&'f Lookup<'f>, String),
}

/// What is at a path that a reference names.
pub(super) enum FileLookup {
    File(Bytes),
    /// Nothing that can be read as a file, said as half a sentence.
    Nothing(&'static str),
    /// A symlink leads out of the folder.
    Outside,
}

impl<'f> Folder<'f> {
    /// The folder that holds `document`, on disk.
    pub(super) fn of(document: &Path) -> Result<Self, SpecError> {
        let typed = document.parent().unwrap_or(Path::new("")).to_owned();
        let real = real(&typed).map_err(|source| SpecError::Read { path: document.to_owned(), source })?;
        Ok(Self { typed, source: Source::Disk(real), below: String::new(), bytes: MAX_TREE, files: MAX_FILES })
    }

    /// The folder `root` on disk, which holds `document` somewhere below.
    pub(super) fn around(document: &Path, root: &Path) -> Result<Self, SpecError> {
        let own = Self::of(document)?;
        let no_root = || SpecError::NoRoot { path: root.to_owned() };
        let top = real(root).ok().filter(|root| root.is_dir()).ok_or_else(no_root)?;
        let Source::Disk(holder) = own.source else { return Err(no_root()) };
        let below = holder
            .strip_prefix(&top)
            .map_err(|_| SpecError::NotBelowRoot { path: document.to_owned(), root: root.to_owned() })?;
        let below = below.iter().map(|name| format!("{}/", name.to_string_lossy())).collect();
        Ok(Self { typed: root.to_owned(), source: Source::Disk(top), below, ..own })
    }

    /// The folder `root` where `files` finds it, which holds `document` somewhere below. An empty `root` is the folder of
    /// the document itself, `.` the topmost.
    pub(super) fn among(files: &'f Lookup<'f>, document: &str, root: &str) -> Self {
        let own = document.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
        let below =
            if root == "." { &*own } else { own.strip_prefix(&format!("{root}/")).unwrap_or_default() }.to_owned();
        let folder = own.strip_suffix(&below).unwrap_or(&own).to_owned();
        let typed = PathBuf::from(&folder);
        Self { typed, source: Source::Files(files, folder), below, bytes: MAX_TREE, files: MAX_FILES }
    }

    /// The path of the document in the folder.
    pub(super) fn main(&self, document: &Path) -> String {
        format!("{}{}", self.below, document.file_name().unwrap_or_default().to_string_lossy())
    }

    /// The path of a file of the spec, as the user would type it.
    pub(super) fn shown(&self, path: &str) -> PathBuf {
        self.typed.join(path)
    }

    /// Reads the document itself. It was named by the user, so on disk it may be a symlink to anywhere.
    pub(super) fn document(&mut self, path: &Path) -> Result<Bytes, SpecError> {
        let failed = |source| SpecError::Read { path: path.to_owned(), source };
        if let Source::Files(..) = self.source {
            let found = self.find(&self.main(path))?;
            return found.ok_or_else(|| failed(io::ErrorKind::NotFound.into()));
        }
        let metadata = fs::metadata(path).map_err(failed)?;
        match kind(&metadata) {
            Some(what) => Err(SpecError::NotAFile { path: path.to_owned(), what }),
            None => self.take(path, path, &metadata),
        }
    }

    /// Reads the file at `path`, relative to the folder.
    pub(super) fn file(&mut self, path: &str) -> Result<FileLookup, SpecError> {
        let shown = self.shown(path);
        let Some(files) = self.files.checked_sub(1) else {
            return Err(SpecError::TreeTooLarge { path: shown, limit: format!("{MAX_FILES} files") });
        };
        self.files = files;
        let Source::Disk(folder) = &self.source else {
            return Ok(self.find(path)?.map_or(FileLookup::Nothing("there is no such file"), FileLookup::File));
        };
        let real = match fs::canonicalize(folder.join(path)) {
            Ok(real) => real,
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                return Err(SpecError::Read { path: shown, source });
            }
            Err(_) => return Ok(FileLookup::Nothing("there is no such file")),
        };
        if !real.starts_with(folder) {
            return Ok(FileLookup::Outside);
        }
        let metadata = fs::metadata(&real).map_err(|source| SpecError::Read { path: shown.clone(), source })?;
        match kind(&metadata) {
            Some(_) => Ok(FileLookup::Nothing("it is not a file")),
            None => self.take(&real, &shown, &metadata).map(FileLookup::File),
        }
    }

    /// The file at `path` where the files are no folder on disk.
    fn find(&mut self, path: &str) -> Result<Option<Bytes>, SpecError> {
        let Source::Files(files, folder) = &self.source else { return Ok(None) };
        let shown = self.shown(path);
        let found = files(&format!("{folder}{path}"));
        let found = found.map_err(|source| SpecError::Read { path: shown.clone(), source })?;
        found.map(|bytes| self.count(bytes, &shown)).transpose()
    }

    /// Reads the regular file at `real`, called `shown` in messages, when it is not too much.
    fn take(&mut self, real: &Path, shown: &Path, metadata: &fs::Metadata) -> Result<Bytes, SpecError> {
        if metadata.len() > MAX_FILE {
            return Err(too_large(shown, metadata.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        fs::File::open(real)
            .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
            .map_err(|source| SpecError::Read { path: shown.to_owned(), source })?;
        self.count(bytes.into(), shown)
    }

    /// Counts what was read of the file that messages call `shown`.
    fn count(&mut self, bytes: Bytes, shown: &Path) -> Result<Bytes, SpecError> {
        let size = bytes.len() as u64;
        if size > MAX_FILE {
            return Err(too_large(shown, size));
        }
        let over = || SpecError::TreeTooLarge { path: shown.to_owned(), limit: format!("{MAX_TREE} bytes") };
        self.bytes = self.bytes.checked_sub(size).ok_or_else(over)?;
        Ok(bytes)
    }
}

fn too_large(shown: &Path, size: u64) -> SpecError {
    SpecError::FileTooLarge { path: shown.to_owned(), size, limit: MAX_FILE }
}

/// A folder, absolute and without symlinks.
fn real(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// What something is when it is not a file. Opening a pipe would wait for ever.
fn kind(metadata: &fs::Metadata) -> Option<&'static str> {
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => None,
        (_, true) => Some("folder"),
        _ => Some("pipe or a device"),
    }
}
