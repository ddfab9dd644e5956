//! From a template's source to its manifest and tree.

use std::path::Path;

use super::open;
use crate::error::{Blame, Failure, Fault};
use crate::git;
use crate::git::archive::Archive;
use crate::git::remote::Fetch;
use crate::model::record::TemplateUsed;
use crate::model::tree::{File, Tree};
#[cfg(feature = "cargo-generate")]
use crate::template::generate::{self, Fence};
use crate::template::manifest::{FILE_NAME, Manifest};
use crate::template::source::{Reading, Source};
use crate::template::{builtin, folder};
#[cfg(feature = "cargo-generate")]
use crate::world;
use crate::world::World;

/// The manifest of a template that was written for `cargo-generate`.
const CARGO_GENERATE: &str = "cargo-generate.toml";

/// Which template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// A folder, a git URL or `gh:owner/repo`, each with an optional `//subfolder`; none for the template that is built in.
    pub(crate) source: Option<String>,
    /// The template's tag, branch or commit.
    pub(crate) at: Option<String>,
}

/// A template that was read.
pub(crate) struct Template {
    pub(crate) manifest: Manifest,
    /// The manifest as it was written.
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// Everything but the manifest.
    pub(crate) tree: Tree,
    pub(crate) used: TemplateUsed,
}

/// Who renders a template.
pub(crate) enum Kind {
    /// This tool.
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
            Self::NotText(_) => "this is for the template's maintainers to mend".to_owned(),
            #[cfg(not(feature = "cargo-generate"))]
            Self::NoFeature(_) => "use a program that was built with it".to_owned(),
        })
    }
}

/// Reads the template that the command line names.
pub(crate) fn read(choice: &Choice, world: &World) -> Result<Template, Failure> {
    let server = world.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com");
    let source = Source::parse(choice.source.as_deref(), server)?;
    let (mut tree, commit) = files(&source, choice, world)?;
    let own = tree.get(FILE_NAME).map(|file| file.text().ok_or(LoadError::NotText(FILE_NAME))).transpose()?;
    let (manifest, revision) =
        rayon::join(|| own.map(Manifest::parse).transpose(), || commit.unwrap_or_else(|| git::commit::tree_id(&tree)));
    let text = own.unwrap_or_default().to_owned();
    let (manifest, kind) = match manifest? {
        Some(manifest) => (manifest, Kind::Own),
        None => {
            let file = tree.remove(CARGO_GENERATE).ok_or_else(|| LoadError::NoManifest(source.to_string()))?;
            foreign(&file, &tree, &source, world)?
        }
    };
    tree.remove(FILE_NAME);
    manifest.fits(env!("CARGO_PKG_VERSION"))?;
    let used = TemplateUsed { name: manifest.about.name.clone(), source: shown(&source, world), revision };
    Ok(Template { manifest, text, kind, tree, used })
}

/// Such a template does not say its name: it is called like its folder or repository.
#[cfg(feature = "cargo-generate")]
fn foreign(file: &File, tree: &Tree, source: &Source, world: &World) -> Result<(Manifest, Kind), Failure> {
    let text = file.text().ok_or(LoadError::NotText(CARGO_GENERATE))?;
    let shown = shown(source, world);
    let name = shown.trim_end_matches('/').rsplit('/').next().unwrap_or(&shown);
    let name = name.strip_suffix(".git").unwrap_or(name);
    let (manifest, config) = generate::config::read(text, name, tree)?;
    let fence = Fence { program: world::program()?, limit: generate::fence::TIME_MAX };
    Ok((manifest, Kind::CargoGenerate(config, fence)))
}

#[cfg(not(feature = "cargo-generate"))]
fn foreign(_: &File, _: &Tree, source: &Source, _: &World) -> Result<(Manifest, Kind), Failure> {
    Err(LoadError::NoFeature(source.to_string()).into())
}

/// The source as a receipt keeps it: good from any folder.
fn shown(source: &Source, world: &World) -> String {
    match source {
        Source::Folder { path, subfolder } => {
            let path = world.absolute(Path::new(path));
            let path = path.canonicalize().unwrap_or(path).to_string_lossy().into_owned();
            Source::Folder { path, subfolder: subfolder.clone() }.to_string()
        }
        Source::BuiltIn | Source::Git { .. } => source.to_string(),
    }
}

/// The tree, and the commit when it comes from git.
fn files(source: &Source, choice: &Choice, world: &World) -> Result<(Tree, Option<String>), Failure> {
    match source.reading(choice.at.as_deref())? {
        Reading::BuiltIn => Ok((builtin::tree(), None)),
        Reading::Files(path) => Ok((folder::read_folder(&world.absolute(&path))?, None)),
        Reading::Commit { repository, subfolder } => {
            let (tree, commit) = committed(repository, subfolder, choice, world)?;
            Ok((tree, Some(commit)))
        }
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
    let archive = Archive::of(&world.cache()?, &url, subfolder);
    // What a full id names is never another.
    if let Some(commit) = &choice.at
        && let Some(tree) = archive.read(commit)
    {
        return Ok((tree, commit.clone()));
    }
    let fetched = fetch(url, choice, world)?;
    if let Some(tree) = archive.read(&fetched.commit) {
        return Ok((tree, fetched.commit));
    }
    let (tree, commit) = git::read::tree_at(&fetched.repository, Some(&fetched.commit), subfolder)?;
    archive.keep(&tree, &commit);
    Ok((tree, commit))
}

fn fetch(url: String, choice: &Choice, world: &World) -> Result<git::remote::Fetched, Failure> {
    let bar = world.terminal.bar("fetching the template");
    let network = open::registry::network(&url, world);
    let request = Fetch { url, revision: choice.at.clone(), cache: world.cache()?, offline: world.offline, network };
    let fetched = git::remote::fetch(&request, &mut |done, total, _| bar.set(done as u64, total as u64))?;
    if let Some(age) = fetched.age {
        let hours = age.as_secs() / 3600;
        world.terminal.say(&format!("offline: `{}` was last seen {hours} hours ago", request.url));
    }
    Ok(fetched)
}
