//! `apiscaffold registry`: what the platform team does with the registry as a whole.

mod check;
mod export;
mod forge;
mod import;
mod page;
mod release;

use serde_json::{Value, json};

use crate::cli::{Global, RegistryCommand};
use crate::error::Failure;
use crate::model::text::one_line;
use crate::world::World;

pub(super) fn run(command: &RegistryCommand, global: &Global, world: &World) -> Result<(), Failure> {
    match command {
        RegistryCommand::Check => check::run(global, world),
        RegistryCommand::Export(arguments) => export::run(arguments, global, world),
        RegistryCommand::Import(arguments) => import::run(arguments, global, world),
        RegistryCommand::Release(arguments) => release::run(arguments, global, world),
    }
}

/// Something that is wrong with a registry.
#[derive(Debug)]
struct Problem {
    /// The file in the registry; none when it is about something outside.
    path: Option<String>,
    line: Option<usize>,
    message: String,
}

impl Problem {
    fn json(&self) -> Value {
        json!({"path": self.path, "line": self.line, "message": self.message})
    }

    fn text(&self) -> String {
        let line = self.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let text = match &self.path {
            Some(path) => format!("`{path}`{line}: {}", self.message),
            None => self.message.clone(),
        };
        one_line(&text).into_owned()
    }
}
