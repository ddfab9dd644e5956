//! The commands: arguments in, a result on the terminal.

mod check;
mod doctor;
mod forge;
mod input;
mod list;
mod load;
mod new;
mod phase;
mod place;
mod render;
mod show;
mod template;

#[cfg(feature = "cargo-generate")]
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, Global, TemplateCommand};
use crate::disk::DiskError;
use crate::error::{Blame, Failure, Fault};
#[cfg(feature = "cargo-generate")]
use crate::template::generate::fence;
use crate::world::World;

/// Does what the command line says.
pub fn run(cli: Cli, world: &World) -> Result<(), Failure> {
    let global = &cli.global;
    if matches!(cli.command, Command::New(_) | Command::Template(TemplateCommand::Preview(_))) {
        work_beside_others();
    }
    match cli.command {
        Command::New(arguments) => new::run(&arguments, global, world),
        Command::Check(arguments) => check::run(&arguments, global, world),
        Command::Doctor(arguments) => doctor::run(&arguments, global, world),
        Command::List(arguments) => list::run(&arguments, global, world),
        Command::Show(arguments) => show::run(&arguments, global, world),
        Command::Phase(arguments) => phase::run(&arguments, global, world),
        Command::Template(TemplateCommand::Questions { template }) => template::questions(&template, world),
        Command::Template(TemplateCommand::Preview(arguments)) => template::preview(&arguments, world),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "apiscaffold", &mut script);
            world.terminal.result(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Man { folder } => man(&world.absolute(&folder)),
    }
}

/// Makes this thread one of those that share parallel work: else it would sleep while they work, and waking up costs more
/// than what a small template has to be done.
fn work_beside_others() {
    // It is an error only where there are threads already; they do the work then.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
}

/// The exit code of the process that this program started to run a library in, if it is one.
#[cfg(feature = "cargo-generate")]
pub fn inside_the_fence(arguments: &[OsString]) -> Option<u8> {
    match arguments {
        [_, word, name] if word == fence::ARGUMENT => Some(fence::inside(&name.to_string_lossy())),
        _ => None,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no folder `{}`", .0.display())]
struct NoFolder(PathBuf);

impl Blame for NoFolder {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some("make it first, or name one that exists".to_owned())
    }
}

fn man(folder: &Path) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(NoFolder(folder.to_owned()).into());
    }
    let written = clap_mangen::generate_to(Cli::command(), folder);
    written.map_err(|source| DiskError::Write { path: folder.to_owned(), source })?;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a path: this version keeps its registry in a bare git repository on this machine")]
struct RemoteRegistry(String);

impl Blame for RemoteRegistry {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some("give `--registry` the path of a folder; it is made when it does not exist".to_owned())
    }
}

/// The folder of the registry.
fn registry_folder(global: &Global, world: &World) -> Result<PathBuf, Failure> {
    match global.registry.as_deref().filter(|place| !place.is_empty()) {
        None => Ok(world.default_registry()?),
        Some(place) => match place.strip_prefix("file://") {
            Some(path) => Ok(PathBuf::from(path)),
            None if place.contains("://") || (place.contains('@') && place.contains(':')) => {
                Err(RemoteRegistry(without_secrets(place)).into())
            }
            None => Ok(world.absolute(Path::new(place))),
        },
    }
}

/// A URL without what stands before the `@`.
fn without_secrets(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}
