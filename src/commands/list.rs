//! `apiscaffold list`: the registry.

use serde_json::{Value, json};

use super::location;
use crate::cli::{Global, ListArgs};
use crate::error::Failure;
use crate::model::record::{Record, State};
use crate::registry::{Listing, Registry};
use crate::world::World;

pub(super) fn run(arguments: &ListArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let location = location::registry(global, world)?;
    let mut listing = match Registry::open(&location)? {
        Some(registry) => {
            location::tell_age(&registry, world);
            registry.list()?
        }
        None => Listing::default(),
    };
    if let Some(phase) = arguments.phase {
        listing.records.retain(|record| record.phase == phase);
    }
    for problem in &listing.problems {
        world.terminal.warn(&problem.to_string());
    }
    if world.terminal.json() {
        let problems: Vec<Value> = listing.problems.iter().map(|problem| problem.to_string().into()).collect();
        world.terminal.result_json(&json!({"apis": listing.records, "problems": problems}));
    } else if listing.records.is_empty() {
        world.terminal.say("no APIs yet: `apiscaffold new my-api` makes one");
    } else {
        world.terminal.result(&table(&listing.records));
    }
    Ok(())
}

/// A line an API, in columns.
fn table(records: &[Record]) -> String {
    let head = ["NAME", "SHORT", "PHASE", "STATE", "OWNER", "TITLE"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(records.iter().map(row)).collect();
    let widths: Vec<usize> = (0..6).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(record: &Record) -> [String; 6] {
    let phase = serde_json::to_value(record.phase).ok().and_then(|phase| phase.as_str().map(str::to_owned));
    let state = if record.state == State::Active { "active" } else { "reserved" };
    let title: String = record.title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    [
        record.name.to_string(),
        record.short_name.clone(),
        phase.unwrap_or_default(),
        state.to_owned(),
        record.owner.clone(),
        title,
    ]
}
