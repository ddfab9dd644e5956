//! The commands: arguments in, a result on the terminal.

mod check;
mod doctor;
mod list;
mod new;
mod phase;
mod registry;
mod show;
mod template;

#[cfg(feature = "cargo-generate")]
use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, TemplateCommand};
use crate::disk::DiskError;
use crate::error::{Blame, Failure, Fault};
use crate::scaffold::variables;
#[cfg(feature = "cargo-generate")]
use crate::template::generate::fence;
use crate::world::World;

/// Runs the command of the command line.
pub fn run(cli: Cli, world: &World) -> Result<(), Failure> {
    let global = &cli.global;
    if matches!(cli.command, Command::New(_) | Command::Template(TemplateCommand::Preview(_))) {
        share_work();
    }
    // The others know the template, whose questions may have such names.
    if matches!(cli.command, Command::List(_) | Command::Show(_) | Command::Registry(_)) {
        variables::refuse_misspelt(&[], world)?;
    }
    match cli.command {
        Command::New(arguments) => new::run(&arguments, global, world),
        Command::Check(arguments) => check::run(&arguments, global, world),
        Command::Doctor(arguments) => doctor::run(&arguments, global, world),
        Command::List(arguments) => list::run(&arguments, global, world),
        Command::Show(arguments) => show::run(&arguments, global, world),
        Command::Phase(arguments) => phase::run(&arguments, global, world),
        Command::Registry(command) => registry::run(&command, global, world),
        Command::Template(TemplateCommand::Questions { template }) => template::questions(&template, world),
        Command::Template(TemplateCommand::Preview(arguments)) => template::preview(&arguments, world),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "apiscaffold", &mut script);
            world.terminal.document(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Man { folder } => man(&world.absolute(&folder)),
    }
}

/// The most threads that share parallel work: on a machine with many processors, starting a thread for each would take
/// longer than all the work for a small template.
const THREADS_MAX: usize = 8;

/// Sets up the threads that share parallel work.
fn share_work() {
    let threads = available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    // It fails only where the threads are set up already, as in tests.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
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
