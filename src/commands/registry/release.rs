//! `apiscaffold registry release`: a reservation is given up.

use serde_json::json;

use crate::cli::{Global, ReleaseArgs};
use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::model::record::Record;
use crate::registry::RegistryError;
use crate::scaffold::apply::{DryRun, LazyRegistry, Real, apply};
use crate::scaffold::open;
use crate::scaffold::plan::{Plan, Step};
use crate::scaffold::report::Report;
use crate::terminal::ask;
use crate::world::World;

#[derive(Debug, thiserror::Error)]
#[error("the reservation of `{0}` is not released without your agreement")]
struct NotAgreed(ApiName);

impl Blame for NotAgreed {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(format!("add `--yes`: apiscaffold registry release {} --yes", self.0))
    }
}

pub(super) fn run(arguments: &ReleaseArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let name = ApiName::new(arguments.name.clone())?;
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let mut registry = LazyRegistry::open(location.clone(), world)?;
    let author = open::author(world);
    let record = match registry.get() {
        Some(registry) => registry.releasable(&name, &author.at(world.now))?,
        None => return Err(RegistryError::NotReserved { name: name.to_string() }.into()),
    };
    let plan = Plan::from(vec![Step::Release { record: Box::new(record.clone()) }]);
    let outcome = if arguments.dry_run {
        apply(&plan, &mut DryRun::new(None, world))?
    } else {
        location.may_change()?;
        agree(&record, world)?;
        apply(&plan, &mut Real::new(&mut registry, None, &author, world))?
    };
    let text = format!("`{name}` is free again");
    let facts = json!({"released": record});
    Report { subject: name.to_string(), outcome, facts, text, ..Report::default() }.print(world)
}

/// # Errors
/// `NotAgreed` without `--yes`, when nobody can be asked or the answer is no.
fn agree(record: &Record, world: &World) -> Result<(), Failure> {
    let question = format!("Give up `{}` (for {}) and all its keys?", record.name, record.repository.url);
    if world.terminal.yes() || (world.terminal.can_ask() && ask::confirm(&question)?) {
        return Ok(());
    }
    Err(NotAgreed(record.name.clone()).into())
}
