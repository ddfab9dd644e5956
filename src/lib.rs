//! `apiscaffold`: one command takes an API from an idea to a working, registered, deployable repository.
//!
//! The map of the house, from the street inwards; a room uses only those below it, never its neighbours:
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`cli`] | the command line; its doc comments are the help |
//! | [`commands`] | one file a command: arguments in, a report out |
//! | [`scaffold`] | the floor that every change goes through: as it is → as it shall be → plan → apply |
//! | [`world`] | environment, current folder, clock, terminal: read once; and the run's session on the forge |
//! | [`answers`], [`disk`], [`forge`], [`git`], [`openapi`], [`page`], [`registry`], [`template`], [`terminal`] | one subject each |
//! | [`net`] | reaching other machines: clients, troubles, Ctrl-C |
//! | [`model`], [`error`] | pure values, and who must act on a failure |
//!
//! `tests/architecture.rs` holds this drawing as a table.

// Tests may look at their own environment; the product's rooms are held by the lint and by the architecture test.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod answers;
pub mod cli;
pub mod commands;
pub mod disk;
pub mod error;
pub mod forge;
pub mod git;
pub mod model;
pub mod net;
pub mod openapi;
pub mod page;
pub mod registry;
pub mod scaffold;
pub mod template;
pub mod terminal;
pub mod world;

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::cli::Cli;
use crate::error::{Blame, Fault};
use crate::terminal::{Color, OutputOptions, Terminal};
use crate::world::{Speech, Surroundings, World};

/// Runs the program with these arguments, the first of which is its own name, and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    #[cfg(feature = "cargo-generate")]
    if let Some(code) = commands::inside_the_fence(&arguments) {
        return code;
    }
    std::panic::set_hook(Box::new(|panic| {
        if !template::engine::is_rendering() {
            terminal::bug(&panic.to_string());
        }
    }));
    prepare(arguments, Surroundings::of_process()).map_or_else(
        |code| code,
        |(cli, world)| {
            let ending = world.clone();
            world.interrupt.listen(move |interrupted| {
                ending.terminal.fail(&interrupted);
                ending.close();
            });
            perform(cli, &world)
        },
    )
}

/// Runs a command as [`run`] does, but in these surroundings: it leaves signals, panics and streams of the process alone.
pub fn run_in(surroundings: Surroundings, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    prepare(arguments.into_iter().collect(), surroundings).map_or_else(|code| code, |(cli, world)| perform(cli, &world))
}

/// Reads the command line. When there is nothing more to do, gives the exit code.
fn prepare(arguments: Vec<OsString>, surroundings: Surroundings) -> Result<(Cli, World), u8> {
    let streams = surroundings.streams.clone();
    let json = arguments.iter().any(|argument| argument == "--json");
    let cli = Cli::read(arguments, &surroundings.variables, streams.width)
        .map_err(|error| usage(&error, &surroundings, json))?;
    let global = &cli.global;
    let speech = Speech {
        json: global.json,
        quiet: global.quiet,
        verbose: global.verbose,
        yes: global.yes,
        color: global.color,
    };
    let world = World::new(surroundings, speech, global.offline)
        .map_err(|error| fail(&Terminal::new(streams, OutputOptions { json, ..OutputOptions::default() }), &error))?;
    Ok((cli, world))
}

fn perform(cli: Cli, world: &World) -> u8 {
    let code = match commands::run(cli, world) {
        Ok(()) if world.terminal.lost() => Fault::Environment.exit_code(),
        Ok(()) => 0,
        Err(failure) => {
            world.interrupt.give_way();
            fail(&world.terminal, &*failure)
        }
    };
    world.close();
    code
}

fn fail(terminal: &Terminal, failure: &dyn Blame) -> u8 {
    terminal.fail(failure);
    failure.fault().exit_code()
}

/// The arguments are not a valid command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

impl Blame for Usage {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some("`apiscaffold --help` shows how".to_owned())
    }
}

/// Help and version go to stdout and are no failure; the rest goes to stderr and is exit code 2, with a document on
/// stdout for `--json`.
fn usage(error: &clap::Error, surroundings: &Surroundings, json: bool) -> u8 {
    let streams = &surroundings.streams;
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if json && !is_help {
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let sentence = lines.join(" ").trim_start_matches("error: ").to_owned();
        let terminal = Terminal::new(streams.clone(), OutputOptions { json, ..OutputOptions::default() });
        return fail(&terminal, &Usage(sentence));
    }
    let output = if is_help { &streams.stdout } else { &streams.stderr };
    let text = error.render();
    let coloured = world::is_coloured(Color::Auto, &surroundings.variables, output.is_terminal);
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    output.line(text.trim_end_matches('\n'));
    if is_help { 0 } else { Fault::Input.exit_code() }
}
