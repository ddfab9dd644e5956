//! The commands: arguments in, a result on the terminal.

mod input;
mod list;
mod load;
mod location;
mod naming;
mod new;
mod place;
mod registry;
mod render;
mod show;
mod template;

#[cfg(feature = "cargo-generate")]
use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory as _;

use crate::apply::Author;
use crate::cli::{Cli, Command, TemplateCommand};
use crate::disk::DiskError;
use crate::error::Failure;
use crate::git::commit;
#[cfg(feature = "cargo-generate")]
use crate::template::generate::fence;
use crate::world::World;

/// Does what the command line says.
pub fn run(cli: Cli, world: &World) -> Result<(), Failure> {
    let global = &cli.global;
    match cli.command {
        Command::New(arguments) => new::run(&arguments, global, world),
        Command::List(arguments) => list::run(&arguments, global, world),
        Command::Show(arguments) => show::run(&arguments, global, world),
        Command::Registry(command) => registry::run(&command, global, world),
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

/// The exit code of the process that this program started to run a library in, if it is one.
#[cfg(feature = "cargo-generate")]
pub fn inside_the_fence(arguments: &[OsString]) -> Option<u8> {
    match arguments {
        [_, word, name] if word == fence::ARGUMENT => Some(fence::inside(&name.to_string_lossy())),
        _ => None,
    }
}

fn man(folder: &Path) -> Result<(), Failure> {
    let written = clap_mangen::generate_to(Cli::command(), folder);
    written.map_err(|source| DiskError::Write { path: folder.to_owned(), source })?;
    Ok(())
}

/// Who makes a change: by the environment, else git's configuration, else this tool.
fn author(world: &World) -> Author {
    let given =
        || Some((world.variable("GIT_AUTHOR_NAME")?.to_owned(), world.variable("GIT_AUTHOR_EMAIL")?.to_owned()));
    let fallback = || ("apiscaffold".to_owned(), "apiscaffold@localhost".to_owned());
    let (name, email) = given().or_else(commit::configured_identity).unwrap_or_else(fallback);
    Author { name, email }
}
