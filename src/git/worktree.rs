//! The git work tree that a folder is in: which of the folder's files git holds or would take, and which it ignores.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use git2::{ErrorCode, Repository, RepositoryOpenFlags, Status, StatusOptions};

use ignore::WalkBuilder;

use super::GitError;
use super::transport::Address;
use crate::model::text::secret;

/// The mode of a submodule in git's index.
const SUBMODULE: u32 = 0o160_000;

/// A folder of a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkTree {
    /// Every file of the folder that git does not ignore, as a path below the folder: what `git ls-files -co
    /// --exclude-standard` lists and what is there.
    pub files: Vec<String>,
    /// Paths below the folder that are not as the last commit has them.
    pub uncommitted: Vec<String>,
    /// Files of which it is not certain whether git ignores them; they are not among `files`.
    pub uncertain: Vec<String>,
    /// The id of the last commit; none when there is none yet.
    pub commit: Option<String>,
    /// Where others find the folder.
    pub origin: Option<RemoteOrigin>,
}

/// Where others find a folder of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOrigin {
    /// The URL of the remote `origin`, without user and password.
    pub url: String,
    /// The folder's path in the repository; empty for the repository itself.
    pub subfolder: String,
}

/// Looks at the work tree that `folder` is in; none when it is in no git repository.
///
/// # Errors
/// A repository that belongs to another user or cannot be read, a folder of a bare repository or of git's own, a folder
/// that git ignores as a whole, a submodule or another repository within the folder, a name that is not UTF-8.
pub fn look(folder: &Path) -> Result<Option<WorkTree>, GitError> {
    look_with(folder, by_git)
}

/// With what `listed` says that git would take, if it knows.
fn look_with(folder: &Path, listed: fn(&Path) -> Option<Vec<u8>>) -> Result<Option<WorkTree>, GitError> {
    let Some(repository) = containing(folder)? else { return Ok(None) };
    let unreadable = |source| GitError::Unreadable { path: folder.to_owned(), source };
    let (root, subfolder) = place(&repository, folder)?;
    let commit = match repository.head().and_then(|head| head.peel_to_commit()) {
        Ok(commit) => Some(commit.id().to_string()),
        Err(error) if error.code() == ErrorCode::UnbornBranch => None,
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Paths { repository: &repository, folder, prefix: prefix(&subfolder), ignored: HashMap::new() };
    let tracked = paths.tracked()?;
    let mut found =
        WorkTree { files: Vec::new(), uncommitted: Vec::new(), uncertain: Vec::new(), commit, origin: None };
    let changes = paths.changes()?;
    for path in &tracked {
        let status = changes.get(path).copied().unwrap_or(Status::CURRENT);
        let is_there = !status.contains(Status::WT_DELETED)
            && fs::symlink_metadata(folder.join(path)).is_ok_and(|found| !found.is_dir());
        if is_there {
            found.files.push(path.clone());
        }
    }
    found.uncommitted.extend(changes.into_keys());
    let untracked = match listed(folder) {
        Some(listed) => paths.listed(&listed)?,
        None => {
            let (sure, unsure) = paths.untracked(&tracked)?;
            found.uncertain = unsure;
            sure
        }
    };
    found.files.extend(untracked.iter().cloned());
    found.uncommitted.extend(untracked);
    found.uncommitted.sort_unstable();
    found.uncommitted.dedup();
    if found.files.is_empty() && paths.is_ignored("").map_err(unreadable)? {
        return Err(GitError::Ignored { path: folder.to_owned(), root });
    }
    found.origin = origin_of(&repository).map(|url| RemoteOrigin { url, subfolder });
    Ok(Some(found))
}

/// What the program git would take and does not have yet, each path ended by a NUL; none where there is no git that
/// answers. It must start no program of its own.
fn by_git(folder: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "core.fsmonitor=false", "ls-files", "-z", "-o", "--exclude-standard"]);
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
        command.env_remove(variable);
    }
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then_some(output.stdout)
}

fn prefix(subfolder: &str) -> String {
    if subfolder.is_empty() { String::new() } else { format!("{subfolder}/") }
}

/// The paths below a folder of a work tree.
struct Paths<'r> {
    repository: &'r Repository,
    folder: &'r Path,
    /// What paths of the repository begin with that are below the folder.
    prefix: String,
    /// Folders of the repository, and whether git ignores them.
    ignored: HashMap<String, bool>,
}

impl Paths<'_> {
    fn unreadable(&self) -> impl Fn(git2::Error) -> GitError + use<> {
        let path = self.folder.to_owned();
        move |source| GitError::Unreadable { path: path.clone(), source }
    }

    /// A path of the repository as one below the folder; none for one that is elsewhere.
    fn below(&self, path: &[u8]) -> Option<Result<String, GitError>> {
        let below = path.strip_prefix(self.prefix.as_bytes())?;
        Some(str::from_utf8(below).map(str::to_owned).map_err(|_| refused(path, "its name is not UTF-8")))
    }

    /// What git's index holds.
    fn tracked(&self) -> Result<BTreeSet<String>, GitError> {
        let index = self.repository.index().map_err(self.unreadable())?;
        let mut tracked = BTreeSet::new();
        for entry in index.iter() {
            let Some(path) = self.below(&entry.path) else { continue };
            if entry.mode == SUBMODULE {
                return Err(refused(&entry.path, "it is a submodule"));
            }
            tracked.insert(path?);
        }
        Ok(tracked)
    }

    /// What is in git's index or was, and is not as the last commit has it.
    fn changes(&self) -> Result<BTreeMap<String, Status>, GitError> {
        let mut options = StatusOptions::new();
        options.include_untracked(false).include_ignored(false);
        if !self.prefix.is_empty() {
            options.pathspec(self.prefix.trim_end_matches('/')).disable_pathspec_match(true);
        }
        let statuses = self.repository.statuses(Some(&mut options)).map_err(self.unreadable())?;
        let changed = statuses.iter().filter(|entry| entry.status() != Status::CURRENT);
        changed.filter_map(|entry| Some(self.below(entry.path_bytes())?.map(|path| (path, entry.status())))).collect()
    }

    /// The paths that git itself lists. A folder among them is a repository of its own.
    fn listed(&self, listed: &[u8]) -> Result<Vec<String>, GitError> {
        let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        let path = |path: &[u8]| match str::from_utf8(path) {
            Ok(path) if path.ends_with('/') => {
                Err(refused(format!("{}{path}", self.prefix).as_bytes(), "it is a git repository of its own"))
            }
            Ok(path) => Ok(path.to_owned()),
            Err(_) => Err(refused(path, "its name is not UTF-8")),
        };
        paths.map(path).collect()
    }

    /// Without the program git: files that git would take and does not have yet, and those of which that is not certain.
    /// Two readers of git's rules are asked: one knows all of its configuration, the other more of its patterns.
    fn untracked(&mut self, tracked: &BTreeSet<String>) -> Result<(Vec<String>, Vec<String>), GitError> {
        let by_configuration = self.by_configuration(tracked)?;
        if self.is_ignored("").map_err(self.unreadable())? {
            return Ok((Vec::new(), Vec::new()));
        }
        let by_patterns = self.by_patterns(tracked)?;
        let sure = by_patterns.intersection(&by_configuration).cloned().collect();
        let unsure = by_patterns.symmetric_difference(&by_configuration).cloned().collect();
        Ok((sure, unsure))
    }

    /// As ripgrep's crate reads the rules.
    fn by_patterns(&self, tracked: &BTreeSet<String>) -> Result<BTreeSet<String>, GitError> {
        let mut walk = WalkBuilder::new(self.folder);
        // What git itself leaves out, and nothing else: names with a dot are files like others.
        walk.hidden(false).ignore(false).follow_links(false);
        let own = self.folder.join(".git");
        walk.filter_entry(move |entry| entry.path() != own);
        let mut files = BTreeSet::new();
        for entry in walk.build() {
            let entry = entry.map_err(|error| GitError::Look {
                path: self.folder.to_owned(),
                source: error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into()),
            })?;
            let Ok(below) = entry.path().strip_prefix(self.folder) else { continue };
            let kind = entry.file_type();
            if below.ends_with(".git") {
                let repository = Path::new(&self.prefix).join(below.parent().unwrap_or(below)).join("");
                return Err(refused(repository.as_os_str().as_encoded_bytes(), "it is a git repository of its own"));
            }
            if !kind.is_some_and(|kind| kind.is_file() || kind.is_symlink()) {
                continue;
            }
            let Some(path) = below.iter().map(|name| name.to_str()).collect::<Option<Vec<_>>>() else {
                return Err(refused(below.as_os_str().as_encoded_bytes(), "its name is not UTF-8"));
            };
            let path = path.join("/");
            if !tracked.contains(&path) {
                files.insert(path);
            }
        }
        Ok(files)
    }

    /// As libgit2 reads the rules. Files are looked for folder by folder, as git does it: once a folder is ignored no rule
    /// brings a file in it back (gitignore(5)).
    fn by_configuration(&mut self, tracked: &BTreeSet<String>) -> Result<BTreeSet<String>, GitError> {
        let (mut files, mut folders) = (BTreeSet::new(), vec![String::new()]);
        while let Some(folder) = folders.pop() {
            if self.is_ignored(&folder).map_err(self.unreadable())? {
                continue;
            }
            let on_disk = self.folder.join(&folder);
            let look = |source| GitError::Look { path: on_disk.clone(), source };
            for entry in fs::read_dir(&on_disk).map_err(look)? {
                let entry = entry.map_err(look)?;
                let kind = entry.file_type().map_err(look)?;
                let name = entry.file_name();
                if name == ".git" && folder.is_empty() {
                    continue;
                }
                if name == ".git" {
                    let path = format!("{}{folder}", self.prefix);
                    return Err(refused(path.as_bytes(), "it is a git repository of its own"));
                }
                let path = format!("{folder}{}", name.to_string_lossy());
                let whole = format!("{}{path}", self.prefix);
                if kind.is_dir() {
                    folders.push(format!("{path}/"));
                } else if (kind.is_file() || kind.is_symlink())
                    && !tracked.contains(&path)
                    && !self.repository.is_path_ignored(&whole).map_err(self.unreadable())?
                {
                    if name.to_str().is_none() {
                        return Err(refused(whole.as_bytes(), "its name is not UTF-8"));
                    }
                    files.insert(path);
                }
            }
        }
        Ok(files)
    }

    /// Whether git ignores a folder, which is below this one and ends with `/`, or is this one: or one that it is in.
    fn is_ignored(&mut self, folder: &str) -> Result<bool, git2::Error> {
        let whole = format!("{}{folder}", self.prefix);
        for (at, _) in whole.match_indices('/') {
            let above = &whole[..=at];
            let is_ignored = match self.ignored.get(above) {
                Some(known) => *known,
                None => self.repository.is_path_ignored(above)?,
            };
            self.ignored.insert(above.to_owned(), is_ignored);
            if is_ignored {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn refused(path: &[u8], reason: &'static str) -> GitError {
    GitError::Unsupported { path: String::from_utf8_lossy(path).into_owned(), reason }
}

/// Where others find the repository in `folder` itself, which may be bare.
pub fn origin(folder: &Path) -> Option<String> {
    origin_of(&Repository::open(folder).ok()?)
}

fn containing(folder: &Path) -> Result<Option<Repository>, GitError> {
    let none: [&str; 0] = [];
    match Repository::open_ext(folder, RepositoryOpenFlags::empty(), none) {
        Ok(repository) => Ok(Some(repository)),
        Err(error) => match error.code() {
            ErrorCode::NotFound => Ok(None),
            ErrorCode::Owner => Err(GitError::Untrusted { path: folder.to_owned() }),
            _ => Err(GitError::Unreadable { path: folder.to_owned(), source: error }),
        },
    }
}

/// The root of the work tree, and the folder's path in it.
fn place(repository: &Repository, folder: &Path) -> Result<(PathBuf, String), GitError> {
    let outside = || GitError::NoWorkTree { path: folder.to_owned() };
    let whole = |path: &Path| path.canonicalize().map_err(|source| GitError::Look { path: path.to_owned(), source });
    let root = whole(repository.workdir().ok_or_else(outside)?)?;
    let folder = whole(folder)?;
    let below = folder.strip_prefix(&root).map_err(|_| outside())?;
    if folder.starts_with(whole(repository.path())?) {
        return Err(outside());
    }
    let subfolder = below.to_str().ok_or_else(|| GitError::Unsupported {
        path: below.to_string_lossy().into_owned(),
        reason: "its name is not UTF-8",
    })?;
    Ok((root.clone(), subfolder.to_owned()))
}

/// The URL of the remote `origin`, when it leads to another machine, without what could be a secret.
fn origin_of(repository: &Repository) -> Option<String> {
    let remote = repository.find_remote("origin").ok()?;
    let url = public(remote.url().ok()?);
    matches!(Address::of(&url), Address::Http | Address::Ssh(_))
        .then_some(url)
        .filter(|url| secret(url, true).is_none())
}

/// A URL without password, and over `http` without user, query and fragment.
fn public(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let user = user.split(':').next().filter(|user| scheme.eq_ignore_ascii_case("ssh") && !user.is_empty());
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    format!("{scheme}://{user}{host}/{path}")
}

#[cfg(test)]
mod tests;
