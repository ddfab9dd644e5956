//! `apiscaffold registry`: what the platform team does with the registry as a whole.

mod check;
mod export;
mod import;
mod page;
mod release;

use crate::cli::{Global, RegistryCommand};
use crate::error::Failure;
use crate::world::World;

pub(super) fn run(command: &RegistryCommand, global: &Global, world: &World) -> Result<(), Failure> {
    match command {
        RegistryCommand::Check => check::run(global, world),
        RegistryCommand::Export(arguments) => export::run(arguments, global, world),
        RegistryCommand::Import(arguments) => import::run(arguments, global, world),
        RegistryCommand::Release(arguments) => release::run(arguments, global, world),
    }
}
