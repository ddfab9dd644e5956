//! `cargo bench`: this tool side by side with `cp`, `git`, cargo-generate, cookiecutter and copier, as whole processes.
//!
//! | option | what it does |
//! | --- | --- |
//! | `--quick` | the small template only, a few runs |
//! | `--install` | first installs the other tools into `apiscaffold-bench` in the user's cache folder |
//! | `--in DIR` | works in this folder, and so on its disk; else in Cargo's `target` |
//!
//! It prints a Markdown table and asserts no time: what a target misses is for people to judge.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]
#![allow(clippy::disallowed_methods, reason = "a program of its own, which has no world.rs")]

mod formats;
mod lab;
mod registry;
mod rows;
mod runs;
mod specs;
mod table;
mod templates;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use crate::lab::{Lab, MEMORY_DISK, PROGRAM};
use crate::rows::From;
use crate::runs::Budget;
use crate::table::Row;
use crate::templates::Size;

type Failure = Box<dyn std::error::Error>;

const QUICK: Budget = Budget { time: Duration::from_secs(2), least: 3, most: 11 };

/// As many runs as a disk has room for: what they make on it is removed at the end.
const fn full(size: Size) -> Budget {
    let most = match size {
        Size::S => 41,
        Size::M => 15,
        Size::L => 5,
    };
    Budget { time: Duration::from_secs(20), least: 3, most }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--read-spec", how, path] => specs::read(how, Path::new(path)).map(|()| true),
        // Only `cargo bench` says this; `cargo test --all-targets` runs us too.
        ref words if !words.contains(&"--bench") => Ok(true),
        ref words => bench(words),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints. False when a row could not be measured, a tool that is not installed aside.
fn bench(words: &[&str]) -> Result<bool, Failure> {
    let mut place = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut quick = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--bench" => {}
            "--quick" => quick = true,
            "--install" => tools::install()?,
            "--in" => place = words.next().ok_or("--in wants a folder")?.into(),
            other => return Err(format!("`{other}` is none of --quick, --install, --in DIR").into()),
        }
    }
    let lab = Lab::open(&fs::canonicalize(&place).unwrap_or(place))?;
    println!("{}\n\n{}", machine(&lab), table::HEAD);
    let mut table = Table { complete: true };
    if quick {
        measure(&lab, &[Size::S], |_| QUICK, &mut table);
        records(&lab, 1_000, QUICK, &mut table);
    } else {
        measure(&lab, &[Size::S, Size::M], full, &mut table);
        big(&lab, &mut table);
        records(&lab, 100_000, full(Size::M), &mut table);
    }
    println!("\nload at the end: {}", load());
    Ok(table.complete)
}

/// Prints each row when it is there.
struct Table {
    complete: bool,
}

impl Table {
    fn add(&mut self, row: Result<Row, Failure>) {
        match row {
            Ok(row) => println!("{row}"),
            Err(failure) => {
                self.complete = false;
                println!("{}", Row { what: "failed".to_owned(), figures: Err(failure.to_string()) });
            }
        }
    }
}

fn measure(lab: &Lab, sizes: &[Size], budget: fn(Size) -> Budget, table: &mut Table) {
    table.add(rows::start(lab, budget(Size::S)));
    for &size in sizes {
        table.add(rows::render(lab, size, From::Git, budget(size)));
        table.add(rows::render(lab, size, From::Folder, budget(size)));
    }
    for &size in sizes {
        table.add(rows::new_against_copy(lab, size, From::Git, budget(size)));
        table.add(rows::new_against_copy(lab, size, From::Folder, budget(size)));
    }
    for tool in &tools::TOOLS {
        for &size in sizes {
            table.add(rows::new_against_tool(lab, size, tool, budget(size)));
        }
    }
    for &size in sizes {
        table.add(rows::memory(lab, size));
    }
    table.add(spec(lab, budget(Size::S)));
}

fn spec(lab: &Lab, budget: Budget) -> Result<Row, Failure> {
    let made = lab.path().join("spec.json");
    let path = match specs::biggest() {
        Some(path) => path,
        None => fs::write(&made, specs::generate()).map(|()| made)?,
    };
    rows::spec(lab, &path, budget)
}

fn records(lab: &Lab, many: usize, budget: Budget, table: &mut Table) {
    table.add(registry::registering(lab, many, budget));
    table.add(registry::listing(lab, many, budget));
}

/// The template of 10,000 files, on the disk and in memory.
fn big(lab: &Lab, table: &mut Table) {
    table.add(rows::render(lab, Size::L, From::Git, full(Size::L)));
    table.add(rows::render(lab, Size::L, From::Folder, full(Size::L)));
    table.add(rows::memory(lab, Size::L));
    if !Path::new(MEMORY_DISK).is_dir() {
        return;
    }
    match Lab::open(Path::new(MEMORY_DISK)) {
        Ok(lab) => {
            for from in [From::Git, From::Folder] {
                let row = rows::render(&lab, Size::L, from, full(Size::L));
                table.add(row.map(|row| Row { what: format!("{}, memory disk", row.what), ..row }));
            }
        }
        Err(failure) => table.add(Err(failure)),
    }
}

/// What the figures were measured on and with.
fn machine(lab: &Lab) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let disk = Command::new("stat").args(["-f", "-c", "%T"]).arg(lab.path()).output();
    let disk = disk.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let mut versions = vec![tools::version(Path::new(PROGRAM)), tools::version(Path::new("git"))];
    for tool in &tools::TOOLS {
        versions.extend(tool.find().map(|program| tools::version(&program)));
    }
    format!("{cores} cores, load {}, file system {disk}; {}", load(), versions.join(", "))
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
