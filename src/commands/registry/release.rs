//! `apiscaffold registry release`: a reservation is given up.

use serde_json::json;

use crate::cli::Global;
use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::registry::{By, RegistryError};
use crate::scaffold::open;
use crate::terminal::ask;
use crate::world::World;

#[derive(Debug, thiserror::Error)]
#[error("to give up the reservation of `{0}` must be agreed to")]
struct NotAgreed(ApiName);

impl Blame for NotAgreed {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(format!("add `--yes`: apiscaffold registry release {} --yes", self.0))
    }
}

pub(super) fn run(name: &str, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(name)?;
    let location = open::registry::location(global.registry.as_deref(), world)?;
    location.may_change()?;
    let Some(registry) = open::registry::open(&location, world)? else {
        return Err(RegistryError::NotReserved { name: name.to_string() }.into());
    };
    let author = open::author(world);
    let by = By { name: author.name, email: author.email, seconds: world.now.as_second() };
    let record = registry.releasable(&name, &by)?;
    if !world.terminal.yes() {
        let question = format!("Give up `{name}` (for {}) and all its keys?", record.repository.url);
        if !world.terminal.can_ask() || !ask::confirm(&question)? {
            return Err(NotAgreed(name).into());
        }
    }
    let bar = world.terminal.bar("writing");
    registry.release(&name, &by)?;
    drop(bar);
    if world.terminal.json() {
        world.terminal.result_json(&json!({"released": record}));
    } else {
        world.terminal.result(&format!("`{name}` is free again"));
    }
    Ok(())
}
