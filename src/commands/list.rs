//! `apiscaffold list`: the registry.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::{Global, ListArgs};
use crate::error::Failure;
use crate::model::record::{Record, RecordState, TemplateUsed};
use crate::model::text::one_line;
use crate::registry::Listing;
use crate::scaffold::{open, template};
use crate::world::World;

/// What `--json` shows beside the records.
#[derive(Serialize)]
struct Rest<'l> {
    /// Names of reservations that are older than a day.
    stale: Vec<&'l str>,
    problems: Vec<String>,
}

pub(super) fn run(arguments: &ListArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let mut listing = match open::registry::open(&location, world)? {
        Some(registry) => {
            open::registry::warn_of_age(&registry, world);
            registry.list()?
        }
        None => Listing::default(),
    };
    let current = arguments.outdated.then(|| template::read(&arguments.template.choice(), world)).transpose()?;
    let current = current.map(|template| template.used);
    let is_empty = listing.records.is_empty();
    listing.records.retain(|record| wanted(record, arguments, current.as_ref()));
    for problem in &listing.problems {
        world.terminal.warn(&format!("registry: {problem}"));
    }
    let stale: Vec<&str> =
        listing.records.iter().filter(|r| r.is_forgotten(world.now)).map(|r| r.name.as_str()).collect();
    if world.terminal.json() {
        let problems = listing.problems.iter().map(|problem| format!("registry: {problem}")).collect();
        world.terminal.result_json_list("apis", &listing.records, &Rest { stale, problems });
        return Ok(());
    }
    if is_empty {
        world.terminal.say("no APIs yet: `apiscaffold new my-api` makes one");
    } else if listing.records.is_empty() {
        world.terminal.say("no API matches");
    } else {
        world.terminal.result(&table(&listing.records, world.now));
    }
    if let Some(name) = stale.first() {
        world.terminal.warn(&format!(
            "{} reserved more than a day ago: run the same `new` again to finish, or `apiscaffold registry release {name}`",
            if stale.len() == 1 { format!("`{name}` was") } else { format!("{} names were", stale.len()) }
        ));
    }
    Ok(())
}

fn wanted(record: &Record, arguments: &ListArgs, current: Option<&TemplateUsed>) -> bool {
    let revision = arguments.template_revision.as_deref();
    arguments.phase.is_none_or(|phase| record.phase == phase)
        && arguments.owner.as_ref().is_none_or(|owner| record.owner.eq_ignore_ascii_case(owner))
        && arguments.style.as_ref().is_none_or(|style| record.style == *style)
        && arguments.environment.as_ref().is_none_or(|environment| record.environments.contains(environment))
        && revision.is_none_or(|revision| !revision.is_empty() && record.template.revision.starts_with(revision))
        && current.is_none_or(|current| is_outdated(&record.template, current))
}

/// Of another revision of the same template; a template of another name cannot be compared.
fn is_outdated(used: &TemplateUsed, current: &TemplateUsed) -> bool {
    used.name == current.name && used.revision != current.revision
}

fn age(record: &Record, now: Timestamp) -> Option<SignedDuration> {
    let since: Timestamp = record.history.first()?.date.parse().ok()?;
    Some(now.duration_since(since))
}

/// A line an API, in columns.
fn table(records: &[Record], now: Timestamp) -> String {
    let head = ["NAME", "SHORT", "PHASE", "STATE", "OWNER", "TITLE"].map(str::to_owned);
    let rows = std::iter::once(head).chain(records.iter().map(|record| row(record, now)));
    let rows: Vec<[String; 6]> = rows.collect();
    let widths: Vec<usize> = (0..6).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(record: &Record, now: Timestamp) -> [String; 6] {
    let phase = serde_json::to_value(record.phase).ok().and_then(|phase| phase.as_str().map(str::to_owned));
    let days = age(record, now).map_or(0, |age| age.as_hours() / 24);
    let state = match record.state {
        RecordState::Active => "active".to_owned(),
        RecordState::Reserved if record.is_forgotten(now) => format!("reserved {days} d ago"),
        RecordState::Reserved => "reserved".to_owned(),
    };
    let title: String = record.title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    let [short_name, owner, title] =
        [&record.short_name, &record.owner, &title].map(|text| one_line(text).into_owned());
    [record.name.to_string(), short_name, phase.unwrap_or_default(), state, owner, title]
}
