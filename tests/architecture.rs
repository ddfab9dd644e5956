//! The drawing of the house (`src/lib.rs`) as a table: who may use whom, and where a crate lives.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Each room and the rooms it may use. `error`, `model` and `net` are open to all.
const ROOMS: [(&str, &[&str]); 15] = [
    ("main", &["lib"]),
    ("lib", &["cli", "commands", "template", "terminal", "world"]),
    ("cli", &["terminal"]),
    (
        "commands",
        &[
            "answers", "apply", "cli", "disk", "forge", "git", "openapi", "page", "registry", "template", "terminal",
            "world",
        ],
    ),
    ("apply", &["disk", "forge", "git", "registry", "terminal", "world"]),
    ("world", &["terminal"]),
    ("answers", &["openapi"]),
    ("disk", &[]),
    ("forge", &[]),
    ("git", &[]),
    ("openapi", &[]),
    ("page", &[]),
    ("registry", &["git"]),
    ("template", &[]),
    ("terminal", &[]),
];

/// Rooms at the bottom, and what they may use.
const GROUND: [(&str, &[&str]); 3] = [("net", &["error"]), ("model", &["error"]), ("error", &[])];

/// Crates with one home: crate, and the paths that may name it.
const HOMES: [(&str, &[&str]); 11] = [
    ("cargo_generate", &["template/generate/"]),
    ("clap", &["cli.rs", "lib.rs", "commands/mod.rs", "model/phase.rs", "model/repository.rs", "terminal/mod.rs"]),
    ("git2", &["git/"]),
    ("ignore", &["template/generate/"]),
    ("liquid", &["template/"]),
    ("liquid_core", &["template/"]),
    ("liquid_lib", &["template/"]),
    ("reqwest", &["forge/github/", "git/transport/", "net/"]),
    ("rustls", &["net/"]),
    ("indicatif", &["terminal/"]),
    ("inquire", &["terminal/"]),
];

/// The product's source files, without test modules: path from `src`, and text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let relative = |path: PathBuf| path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("source is readable");
            let product = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (relative(path), product)
        })
        .filter(|(path, _)| !path.contains("tests"))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn room(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// `text` without comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that a file names by `crate::room` or `use crate::{room…}`.
fn used(text: &str) -> BTreeSet<String> {
    let single = Regex::new(r"\bcrate::([a-z_]+)").expect("a pattern");
    let group = Regex::new(r"\bcrate::\{([^}]*)\}").expect("a pattern");
    let code = code(text);
    let singles = single.captures_iter(&code).map(|found| found[1].to_owned());
    let groups = group.captures_iter(&code).flat_map(|found| {
        found[1]
            .split(',')
            .map(|item| item.trim().split("::").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    });
    singles.chain(groups).filter(|room| !room.is_empty()).collect()
}

#[test]
fn every_room_uses_only_the_rooms_below_it() {
    let table: BTreeMap<&str, &[&str]> = ROOMS.into_iter().chain(GROUND).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        let Some(allowed) = table.get(room) else {
            wrong.push(format!("`src/{path}` is in no room of the table"));
            continue;
        };
        for other in used(&text) {
            let ground = GROUND.iter().any(|(name, _)| *name == other) && !GROUND.iter().any(|(name, _)| *name == room);
            if other != room && !ground && !allowed.contains(&other.as_str()) {
                wrong.push(format!("`src/{path}` uses `{other}`, which `{room}` may not"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_crate_stays_at_home() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        for (name, homes) in HOMES {
            let named = Regex::new(&format!(r"\b{name}::")).expect("a pattern").is_match(&code);
            if named && !homes.iter().any(|home| path.starts_with(home)) {
                wrong.push(format!("`src/{path}` names `{name}`, whose home is {homes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn printing_and_the_environment_have_one_room_each() {
    let mut wrong = Vec::new();
    let printing = Regex::new(r"\b(e?print(ln)?!|io::std(out|err))").expect("a pattern");
    let environment = Regex::new(r"\benv::(vars?(_os)?|current_dir|home_dir)\(").expect("a pattern");
    for (path, text) in sources() {
        let code = code(&text);
        if !path.starts_with("terminal/") && printing.is_match(&code) {
            wrong.push(format!("`src/{path}` prints; only `terminal` does"));
        }
        if path != "world.rs" && environment.is_match(&code) {
            wrong.push(format!("`src/{path}` reads the environment; only `world` does"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_in_tests_belongs_to_the_one_test_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let main = fs::read_to_string(root.join("main.rs")).expect("tests/main.rs");
    for entry in fs::read_dir(&root).expect("tests is readable") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_module = path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
        assert!(
            !is_module || name == "main" || main.contains(&format!("mod {name};")),
            "tests/{name} is not in tests/main.rs"
        );
    }
}
