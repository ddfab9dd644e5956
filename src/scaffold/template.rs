//! From a template's source to its manifest and tree.

use std::path::{Path, PathBuf};

use url::Url;

use super::open;
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::Server;
use crate::git;
use crate::git::remote::Fetch;
use crate::git::worktree::{self, RemoteOrigin, WorkTree};
use crate::model::record::TemplateUsed;
use crate::model::text::named;
use crate::model::tree::{File, Tree};
#[cfg(feature = "cargo-generate")]
use crate::template::generate::{self, Fence};
use crate::template::manifest::{FILE_NAME, Manifest};
use crate::template::source::{Source, TemplateLocation};
use crate::template::{builtin, folder};
use crate::world::World;

/// How many files that are not committed are named.
const NAMED: usize = 5;

/// The manifest of a template that was written for `cargo-generate`.
const CARGO_GENERATE: &str = "cargo-generate.toml";

/// Which template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// A folder, a git URL or `gh:owner/repo`, each with an optional `//subfolder`; none for the template that is built in.
    pub(crate) source: Option<String>,
    pub(crate) at: Option<String>,
}

/// A template that was read.
pub(crate) struct Template {
    pub(crate) manifest: Manifest,
    /// The manifest as it was written.
    pub(crate) text: String,
    pub(crate) kind: TemplateEngine,
    /// Everything but the manifest.
    pub(crate) tree: Tree,
    pub(crate) used: TemplateUsed,
    /// Files that are not as the commit in `used` has them.
    uncommitted: Vec<String>,
}

impl Template {
    /// Warns of files that are not committed: the revision that a receipt names does not hold them.
    pub(crate) fn warn_of_uncommitted(&self, world: &World) {
        let Self { uncommitted, used, .. } = self;
        if uncommitted.is_empty() {
            return;
        }
        world.terminal.warn(&format!(
            "the template has files that are not committed: {}; they are used as they are, and the revision in the receipt, {}, does not hold them",
            named(uncommitted, NAMED),
            used.revision
        ));
    }
}

/// Who renders a template.
pub(crate) enum TemplateEngine {
    Own,
    /// The library `cargo-generate`.
    #[cfg(feature = "cargo-generate")]
    CargoGenerate(generate::Config, Fence),
}

#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("`{0}` is not a template: it has no `{FILE_NAME}`")]
    NoManifest(String),
    #[error("the template's `{0}` is not UTF-8 text")]
    NotText(&'static str),
    #[cfg(not(feature = "cargo-generate"))]
    #[error("`{0}` is a template of `cargo-generate`, and this program was built without the feature `cargo-generate`")]
    NoFeature(String),
}

impl Blame for LoadError {
    fn fault(&self) -> Fault {
        match self {
            Self::NoManifest(_) => Fault::Input,
            Self::NotText(_) => Fault::Template,
            #[cfg(not(feature = "cargo-generate"))]
            Self::NoFeature(_) => Fault::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoManifest(_) => {
                "name the folder that holds it; for a folder within a repository add `//subfolder`".to_owned()
            }
            Self::NotText(_) => "the template's maintainers must fix this".to_owned(),
            #[cfg(not(feature = "cargo-generate"))]
            Self::NoFeature(_) => "use a program that was built with it".to_owned(),
        })
    }
}

/// Reads the template that the command line names.
pub(crate) fn read(choice: &Choice, world: &World) -> Result<Template, Failure> {
    let is_there = choice.source.as_deref().is_some_and(|source| source.starts_with("gh:"));
    let server = is_there.then(|| open::github::server(world)).transpose()?;
    let source = Source::parse(choice.source.as_deref(), server.as_ref().map_or("", Server::base))?;
    let LoadedFiles { mut tree, commit, source: shown, uncommitted } = read_source(&source, choice, world)?;
    let own = tree.get(FILE_NAME).map(|file| file.text().ok_or(LoadError::NotText(FILE_NAME))).transpose()?;
    let (manifest, revision) =
        rayon::join(|| own.map(Manifest::parse).transpose(), || commit.unwrap_or_else(|| git::commit::tree_id(&tree)));
    let text = own.unwrap_or_default().to_owned();
    let (manifest, kind) = match manifest? {
        Some(manifest) => (manifest, TemplateEngine::Own),
        None => {
            let file = tree.remove(CARGO_GENERATE).ok_or_else(|| LoadError::NoManifest(source.to_string()))?;
            foreign(&file, &tree, (&source, &shown), world)?
        }
    };
    tree.remove(FILE_NAME);
    manifest.fits(env!("CARGO_PKG_VERSION"))?;
    let used = TemplateUsed { name: manifest.about.name.clone(), source: shown, revision };
    Ok(Template { manifest, text, kind, tree, used, uncommitted })
}

/// Such a template does not say its name: it is called like its folder or repository.
#[cfg(feature = "cargo-generate")]
fn foreign(
    file: &File,
    tree: &Tree,
    (source, shown): (&Source, &str),
    world: &World,
) -> Result<(Manifest, TemplateEngine), Failure> {
    let text = file.text().ok_or(LoadError::NotText(CARGO_GENERATE))?;
    let name = match source {
        Source::Folder { path, subfolder } => name_of(&within(&world.absolute(Path::new(path)), subfolder.as_deref())),
        Source::BuiltIn | Source::Git { .. } => shown.to_owned(),
    };
    let name = name.trim_end_matches('/').rsplit('/').next().unwrap_or(&name);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let (manifest, config) = generate::config::read(text, name, tree)?;
    let fence = Fence { program: world.program()?, limit: generate::fence::TIME_MAX };
    Ok((manifest, TemplateEngine::CargoGenerate(config, fence)))
}

#[cfg(not(feature = "cargo-generate"))]
fn foreign(_: &File, _: &Tree, (source, _): (&Source, &str), _: &World) -> Result<(Manifest, TemplateEngine), Failure> {
    Err(LoadError::NoFeature(source.to_string()).into())
}

/// What was read of a template.
struct LoadedFiles {
    tree: Tree,
    /// The commit when it comes from git.
    commit: Option<String>,
    /// The source as receipts and records keep it: without a path of this machine.
    source: String,
    uncommitted: Vec<String>,
}

/// A folder has a source that others can use, when its repository has an `origin`, else only its name: the paths of this
/// machine are private, and lead nowhere on another one.
fn shared(folder: &Path, origin: Option<RemoteOrigin>) -> String {
    let shared = origin.map(|RemoteOrigin { url, subfolder }| Source::Git {
        url,
        subfolder: Some(subfolder).filter(|subfolder| !subfolder.is_empty()),
    });
    // What another source is read from is of no use, such as a URL with `//` in its path.
    let is_source = |source: &Source| Source::parse(Some(&source.to_string()), "").is_ok_and(|read| read == *source);
    shared.filter(is_source).map_or_else(|| name_of(folder), |source| source.to_string())
}

/// The name of a folder.
fn name_of(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or_else(|| "folder".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn within(folder: &Path, subfolder: Option<&str>) -> PathBuf {
    subfolder.map_or_else(|| folder.to_owned(), |below| folder.join(below))
}

fn read_source(source: &Source, choice: &Choice, world: &World) -> Result<LoadedFiles, Failure> {
    let uncommitted = Vec::new();
    match source.reading(choice.at.as_deref())? {
        TemplateLocation::BuiltIn => {
            Ok(LoadedFiles { tree: builtin::tree(), commit: None, source: source.to_string(), uncommitted })
        }
        TemplateLocation::Files(path) => files(&world.absolute(&path), world),
        TemplateLocation::Commit { repository, subfolder } => {
            let (tree, commit) = committed(repository, subfolder, choice, world)?;
            let source = match local(source, world) {
                None => source.to_string(),
                Some(folder) => {
                    let subfolder = subfolder.unwrap_or_default().to_owned();
                    let origin =
                        worktree::origin(&folder).map(|url| RemoteOrigin { url, subfolder: subfolder.clone() });
                    shared(&within(&folder, Some(subfolder.as_str()).filter(|below| !below.is_empty())), origin)
                }
            };
            Ok(LoadedFiles { tree, commit: Some(commit), source, uncommitted })
        }
    }
}

/// The files of a folder; in a git work tree those that git does not ignore.
fn files(folder: &Path, world: &World) -> Result<LoadedFiles, Failure> {
    folder::check_is_folder(folder)?;
    let Some(WorkTree { files, uncommitted, uncertain, commit, origin }) = worktree::look(folder)? else {
        let tree = folder::read_folder(folder)?;
        return Ok(LoadedFiles { tree, commit: None, source: name_of(folder), uncommitted: Vec::new() });
    };
    if !uncertain.is_empty() {
        world.terminal.warn(&format!(
            "git may ignore these files of the template, so they are not used: {}; `git add -f` adds one",
            named(&uncertain, NAMED)
        ));
    }
    // Nobody else has a file that is not committed.
    let source = shared(folder, origin.filter(|_| commit.is_some()));
    Ok(LoadedFiles { tree: folder::read_files(folder, files)?, commit, source, uncommitted })
}

/// The folder of this machine that a source names, if it does.
fn local(source: &Source, world: &World) -> Option<PathBuf> {
    match source {
        Source::BuiltIn => None,
        Source::Folder { path, .. } => Some(world.absolute(Path::new(path))),
        Source::Git { url, .. } => Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok(),
    }
}

/// The files of a commit, and its full id.
fn committed(
    repository: &str,
    subfolder: Option<&str>,
    choice: &Choice,
    world: &World,
) -> Result<(Tree, String), Failure> {
    let is_folder = !repository.contains("://") && world.absolute(Path::new(repository)).exists();
    let url = if is_folder {
        world.absolute(Path::new(repository)).to_string_lossy().into_owned()
    } else {
        repository.to_owned()
    };
    let fetched = fetch(url, choice, world)?;
    Ok(git::read::tree_at(&fetched.repository, Some(&fetched.commit), subfolder)?)
}

fn fetch(url: String, choice: &Choice, world: &World) -> Result<git::remote::Fetched, Failure> {
    let bar = world.terminal.bar("fetching the template");
    let network = open::github::network_to(&url, world)?;
    let request = Fetch { url, revision: choice.at.clone(), cache: world.cache()?, offline: world.offline, network };
    let fetched = git::remote::fetch(&request, &mut |done, total, _| bar.set(done as u64, total as u64))?;
    if let Some(age) = fetched.age {
        let hours = age.as_secs() / 3600;
        world.terminal.say(&format!("offline: `{}` was last seen {hours} hours ago", request.url));
    }
    Ok(fetched)
}
