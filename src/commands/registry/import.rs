//! `apiscaffold registry import`: APIs that exist are recorded, all of them or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{Global, ImportArgs};
use crate::error::{Blame, Failure, Fault};
use crate::model::author::Author;
use crate::model::record::Record;
use crate::model::text::one_line;
use crate::openapi::document;
use crate::registry::exchange::{Draft, backstage, csv};
use crate::registry::{ImportCandidate, ImportPlan, Problem};
use crate::scaffold::apply::{DryRun, LazyRegistry, Outcome, Real, apply};
use crate::scaffold::open;
use crate::scaffold::plan::{Plan, Step};
use crate::scaffold::report::Report;
use crate::world::World;

/// Largest file, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// Folders below a folder that are looked into.
const MAX_DEPTH: usize = 16;

#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("`{}` holds no record: no CSV, no TOML and no `catalog-info.yaml` with an API", .0.display())]
    Nothing(PathBuf),
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Blame for ImportError {
    fn fault(&self) -> Fault {
        Fault::Input
    }
}

pub(super) fn run(arguments: &ImportArgs, global: &Global, world: &World) -> Result<(), Failure> {
    let author = open::author(world);
    let location = open::registry::location(global.registry.as_deref(), world)?;
    let (incoming, flaws) = read(&world.absolute(&arguments.path), &author, world)?;
    if incoming.is_empty() && flaws.is_empty() {
        return Err(ImportError::Nothing(arguments.path.clone()).into());
    }
    let mut registry = LazyRegistry::open(location, world)?;
    let mut intake = match registry.get() {
        Some(registry) => registry.intake(&incoming)?,
        None => ImportPlan::of(&incoming)?,
    };
    intake.flaws.splice(0..0, flaws);
    let mut intake = intake.accepted()?;
    let new = intake.new.len();
    let steps = if new == 0 { Vec::new() } else { vec![Step::Import { incoming, new }] };
    let plan = Plan::from(steps);
    let mut outcome = if arguments.dry_run {
        apply(&plan, &mut DryRun::new(None, world))?
    } else {
        apply(&plan, &mut Real::new(&mut registry, None, &author, world))?
    };
    if let Some(recorded) = outcome.intake.take() {
        intake = recorded;
    }
    report(&intake, outcome).print(world)
}

fn report(ImportPlan { new, known, .. }: &ImportPlan, outcome: Outcome) -> Report {
    let in_registry = match known.len() {
        0 => String::new(),
        known => format!(", {known} in the registry already"),
    };
    let line = |record: &Record| {
        format!("\n  {} ({}, {})", record.name, one_line(&record.short_name), one_line(&record.base_path))
    };
    let lines: String = new.iter().map(line).collect();
    Report {
        subject: "the import".to_owned(),
        facts: json!({"imported": new, "known": known, "dry_run": outcome.is_dry_run}),
        text: format!("imported {}{in_registry}{lines}", new.len()),
        details: format!("{lines}{}", in_registry.replacen(", ", "\n", 1)),
        outcome,
        ..Report::default()
    }
}

/// Everything that the file or folder at `path` says, and everything that is wrong there.
fn read(path: &Path, author: &Author, world: &World) -> Result<(Vec<ImportCandidate>, Vec<Problem>), Failure> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, 0, &mut files)?;
    } else {
        files.push(path.to_owned());
    }
    let (mut incoming, mut flaws) = (Vec::new(), Vec::new());
    let signature = author.to_string();
    let date = jiff::Timestamp::from_second(world.now.as_second()).unwrap_or(world.now).to_string();
    for file in files {
        let shown = file.strip_prefix(&world.folder).unwrap_or(&file).display().to_string();
        match drafts(&file, &shown, world)? {
            Ok(drafts) => {
                for draft in drafts {
                    let derived = !draft.table.contains_key("short_name");
                    match draft.record(&signature, &date) {
                        Ok(record) => {
                            incoming.push(ImportCandidate { record, derived, file: draft.file, line: draft.line });
                        }
                        Err(wrong) => flaws.extend(wrong),
                    }
                }
            }
            Err(wrong) => flaws.extend(wrong),
        }
    }
    Ok((incoming, flaws))
}

/// The files below a folder that may hold records, in order. Links are not followed.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: folder.to_owned(), source };
    let mut entries: Vec<_> = fs::read_dir(folder).and_then(Iterator::collect).map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() && depth < MAX_DEPTH && !name.starts_with('.') {
            collect(&path, depth + 1, files)?;
        } else if kind.is_file() && !name.starts_with('.') && holds_records(&name) {
            files.push(path);
        }
    }
    Ok(())
}

fn holds_records(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["catalog-info.yaml", "catalog-info.yml"].contains(&lower.as_str())
        || lower.ends_with(".csv")
        || lower.ends_with(".toml") && lower != "registry.toml" && lower != "apiscaffold.toml"
}

/// The records of one file, by its extension.
fn drafts(path: &Path, shown: &str, world: &World) -> Result<Result<Vec<Draft>, Vec<Problem>>, Failure> {
    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let flaw = |line, message: String| vec![Problem { path: shown.to_owned(), line, message }];
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Ok(Err(flaw(None, "it is not a file, or it is larger than 64 MiB".to_owned())));
    }
    let Ok(text) = String::from_utf8(fs::read(path).map_err(unreadable)?) else {
        return Ok(Err(flaw(None, "it is not UTF-8 text".to_owned())));
    };
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    Ok(match extension.as_deref() {
        Some("csv") => csv::read(shown, &text),
        Some("yaml" | "yml") => entities(shown, &text, open::github::server(world)?.base()),
        _ => match toml::from_str::<toml::Table>(&text) {
            // What has none of this may be another file, and hold secrets: nothing of it is repeated.
            Ok(table)
                if !table.contains_key("name")
                    || !(table.contains_key("phase") || table.contains_key("repository")) =>
            {
                Err(flaw(
                    None,
                    "it is not a record: a record has `name`, `phase` and `[repository]` with `url`".to_owned(),
                ))
            }
            Ok(table) => Ok(vec![Draft { file: shown.to_owned(), line: Some(1), table }]),
            Err(error) => {
                let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
                Err(flaw(line, error.message().trim().replace('\n', ", ")))
            }
        },
    })
}

/// The APIs of a file of entities: YAML documents with `---` between them.
fn entities(shown: &str, text: &str, server: &str) -> Result<Vec<Draft>, Vec<Problem>> {
    let mut documents = vec![(0, String::new())];
    for (at, line) in text.lines().enumerate() {
        if line.trim_end() == "---" {
            documents.push((at + 1, String::new()));
        } else if let Some((_, document)) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let (mut drafts, mut flaws) = (Vec::new(), Vec::new());
    for (before, document) in documents {
        match document::parse(document.as_bytes()) {
            Ok(value) => match backstage::read(shown, Some(before + 1), &value, server) {
                Some(Ok(draft)) => drafts.push(draft),
                Some(Err(flaw)) => flaws.push(flaw),
                None => {}
            },
            Err(error) => {
                let line = error.line.map(|line| line + before);
                flaws.push(Problem { path: shown.to_owned(), line, message: error.message });
            }
        }
    }
    if flaws.is_empty() { Ok(drafts) } else { Err(flaws) }
}
