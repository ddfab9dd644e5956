//! The drawing of the house (`src/lib.rs`) as a table: who may use whom, and where a crate lives. The product's files are
//! read as syntax; what is compiled for tests alone is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// Each room and the rooms it may use. `error`, `model` and `net` are open to all.
const ROOMS: [(&str, &[&str]); 15] = [
    ("main", &["lib"]),
    ("lib", &["cli", "commands", "template", "terminal", "world"]),
    ("cli", &["scaffold", "terminal"]),
    (
        "commands",
        &[
            "answers", "cli", "disk", "forge", "git", "openapi", "page", "registry", "scaffold", "template",
            "terminal", "world",
        ],
    ),
    ("scaffold", &["answers", "disk", "forge", "git", "openapi", "registry", "template", "terminal", "world"]),
    ("world", &["forge", "terminal"]),
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

/// What has a home: a crate, or a part of the standard library, and the beginnings of the paths that may name it.
const HOMES: [(&str, &[&str]); 24] = [
    ("cargo_generate", &["template/generate/"]),
    ("clap", &["cli.rs", "lib.rs", "commands/mod.rs", "model/phase.rs", "model/repository.rs", "terminal/mod.rs"]),
    ("git2", &["git/"]),
    ("granit_parser", &["openapi/"]),
    ("ignore", &["git/worktree.rs", "template/generate/"]),
    ("liquid", &["template/"]),
    ("liquid_core", &["template/"]),
    ("liquid_lib", &["template/"]),
    ("reqwest", &["forge/github/", "git/transport/", "net/"]),
    ("rustls", &["net/"]),
    ("indicatif", &["terminal/"]),
    ("inquire", &["terminal/"]),
    (
        "rayon",
        &["commands/mod.rs", "disk.rs", "git/", "model/tree.rs", "registry/", "scaffold/", "template/", "terminal/"],
    ),
    ("tempfile", &["answers/file.rs", "disk.rs", "git/", "scaffold/checkout.rs", "template/"]),
    (
        "std::fs",
        &["answers/", "commands/", "disk.rs", "git/", "net/interrupt.rs", "openapi/", "scaffold/", "template/"],
    ),
    (
        "std::process::Command",
        &[
            "scaffold/lifecycle/checks.rs",
            "forge/github/auth.rs",
            "git/sign.rs",
            "git/transport/ssh.rs",
            "git/worktree.rs",
            "template/generate/fence.rs",
        ],
    ),
    ("std::process::id", &["git/store/lock.rs"]),
    ("std::env::var", &["world.rs"]),
    ("std::env::vars", &["world.rs"]),
    ("std::env::current_dir", &["world.rs"]),
    ("std::env::home_dir", &["world.rs"]),
    ("std::io::stdout", &["terminal/"]),
    ("std::io::stderr", &["terminal/"]),
    // The time of day; how long something takes is everybody's to measure.
    ("jiff::Timestamp::now", &["world.rs", "scaffold/apply/real.rs", "forge/github/"]),
];

/// Macros that print, which only the terminal does.
const PRINTING: [&str; 4] = ["print", "println", "eprint", "eprintln"];

/// A file of the product: what its text names.
struct Source {
    /// From `src`.
    path: String,
    /// Its place in the tree of modules.
    module: Vec<String>,
    /// Every path that it names, with what `use` calls by another name written out.
    named: BTreeSet<Vec<String>>,
    /// What its `use` lines bring in: the name here, and the whole path.
    aliases: BTreeMap<String, Vec<String>>,
    macros: BTreeSet<String>,
}

/// The product's files.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut skipped = BTreeSet::new();
    let mut sources = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("source is readable");
        let file = syn::parse_file(&text).expect("source is Rust");
        let path = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        let module = module(&path);
        let tests = file.items.iter().filter(|item| is_for_tests(attributes(item)));
        skipped.extend(tests.filter_map(|item| match item {
            Item::Mod(inner) => Some([&module[..], &[inner.ident.to_string()]].concat()),
            _ => None,
        }));
        sources.push(read(path, module, &file));
    }
    sources.retain(|source| !skipped.iter().any(|tests: &Vec<String>| source.module.starts_with(tests)));
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `git/store.rs`, `git/store/mod.rs` → `git`, `store`; `lib.rs` → the root.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

fn read(path: String, module: Vec<String>, file: &syn::File) -> Source {
    let mut source = Source { path, module, named: BTreeSet::new(), aliases: BTreeMap::new(), macros: BTreeSet::new() };
    for item in &file.items {
        if let Item::Use(found) = item
            && !is_for_tests(&found.attrs)
        {
            bring(&found.tree, &mut Vec::new(), &mut source);
        }
    }
    source.visit_file(file);
    source
}

/// Notes what a `use` brings in.
fn bring(tree: &UseTree, before: &mut Vec<String>, source: &mut Source) {
    let (name, path) = match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            bring(&path.tree, before, source);
            before.pop();
            return;
        }
        UseTree::Group(group) => {
            return group.items.iter().for_each(|tree| bring(tree, before, source));
        }
        UseTree::Name(name) if name.ident == "self" => (before.last().cloned().unwrap_or_default(), before.clone()),
        UseTree::Name(name) => (name.ident.to_string(), [&before[..], &[name.ident.to_string()]].concat()),
        UseTree::Rename(rename) => (rename.rename.to_string(), [&before[..], &[rename.ident.to_string()]].concat()),
        UseTree::Glob(_) => ("*".to_owned(), before.clone()),
    };
    source.named.insert(path.clone());
    source.aliases.insert(name, path);
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let words = attribute.meta.to_token_stream().to_string();
        words == "test" || words.starts_with("cfg") && words.contains("test") && !words.contains("not")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl Source {
    /// Notes a path of the code.
    fn name(&mut self, path: Vec<String>) {
        let whole = match self.aliases.get(&path[0]) {
            Some(start) => [&start[..], &path[1..]].concat(),
            None => path,
        };
        self.named.insert(whole);
    }

    /// Notes the paths in what a macro is given, which is no syntax yet.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 && !path.is_empty() {
                        let done = std::mem::take(&mut path);
                        self.name(done);
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    if !path.is_empty() {
                        let done = std::mem::take(&mut path);
                        self.name(done);
                    }
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        if !path.is_empty() {
            self.name(path);
        }
    }
}

impl Visit<'_> for Source {
    fn visit_item(&mut self, item: &Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    /// `pub(in crate::room)` uses nothing.
    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_path(&mut self, path: &syn::Path) {
        self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        self.macros.insert(called.path.segments.last().expect("a name").ident.to_string());
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}

/// The product as a whole.
struct House {
    sources: Vec<Source>,
    /// The place in `sources` of each module.
    modules: BTreeMap<Vec<String>, usize>,
}

impl House {
    fn open() -> Self {
        let sources = sources();
        let modules = sources.iter().enumerate().map(|(at, source)| (source.module.clone(), at)).collect();
        Self { sources, modules }
    }

    /// The files that a file uses.
    fn used(&self, at: usize) -> BTreeSet<usize> {
        let source = &self.sources[at];
        let used = source.named.iter().filter_map(|path| self.file(&absolute(&source.module, path)?, 4));
        used.filter(|other| *other != at).collect()
    }

    /// The file that defines what `path` names. A name that a module only passes on is looked for where it comes from.
    fn file(&self, path: &[String], steps: usize) -> Option<usize> {
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
        let at = self.modules[&path[..depth]];
        let passed_on = path.get(depth).and_then(|name| self.sources[at].aliases.get(name));
        let from = passed_on.and_then(|from| absolute(&self.sources[at].module, from));
        match from {
            Some(from) if steps > 0 => self.file(&from, steps - 1).or(Some(at)),
            _ => Some(at),
        }
    }
}

/// A path from the root of the crate; none for one of another crate.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => {
            let ups = path.iter().take_while(|word| *word == "super").count();
            Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat())
        }
        _ => None,
    }
}

fn room(module: &[String]) -> &str {
    module.first().map_or("lib", String::as_str)
}

#[test]
fn every_room_uses_only_the_rooms_below_it() {
    let table: BTreeMap<&str, &[&str]> = ROOMS.into_iter().chain(GROUND).collect();
    let house = House::open();
    let mut wrong = Vec::new();
    for (at, source) in house.sources.iter().enumerate() {
        let room_here = room(&source.module);
        let Some(allowed) = table.get(room_here) else {
            wrong.push(format!("`src/{}` is in no room of the table", source.path));
            continue;
        };
        let is_ground = |name: &str| GROUND.iter().any(|(ground, _)| *ground == name);
        for other in house.used(at) {
            let other = room(&house.sources[other].module);
            let open = is_ground(other) && !is_ground(room_here);
            if other != room_here && !open && !allowed.contains(&other) {
                wrong.push(format!("`src/{}` uses `{other}`, which `{room_here}` may not", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Inside a room too: of two files at most one uses the other. A module and its own parts count as one.
#[test]
fn no_files_use_one_another_in_a_circle() {
    let house = House::open();
    let module = |at: usize| &house.sources[at].module;
    let own = |a: usize, b: usize| module(a).starts_with(module(b)) || module(b).starts_with(module(a));
    let all = 0..house.sources.len();
    let mut uses: BTreeMap<usize, BTreeSet<usize>> =
        all.map(|at| (at, house.used(at).into_iter().filter(|other| !own(at, *other)).collect())).collect();
    // Whoever uses nobody that is left is in no circle, nor is whom nobody uses.
    loop {
        let in_use: BTreeSet<usize> = uses.values().flatten().copied().collect();
        let is_out = |(at, used): &(&usize, &BTreeSet<usize>)| used.is_empty() || !in_use.contains(at);
        let done: BTreeSet<usize> = uses.iter().filter(is_out).map(|(at, _)| *at).collect();
        if done.is_empty() {
            break;
        }
        uses.retain(|at, _| !done.contains(at));
        uses.values_mut().for_each(|used| used.retain(|at| !done.contains(at)));
    }
    let path = |at: &usize| house.sources[*at].path.as_str();
    let circles: Vec<String> = uses
        .iter()
        .map(|(at, used)| format!("{} → {}", path(at), used.iter().map(path).collect::<Vec<_>>().join(", ")))
        .collect();
    assert!(circles.is_empty(), "files in circles:\n{}", circles.join("\n"));
}

#[test]
fn everything_that_has_a_home_stays_there() {
    let mut wrong = Vec::new();
    for source in House::open().sources {
        for (name, homes) in HOMES {
            let words: Vec<&str> = name.split("::").collect();
            let is_named =
                source.named.iter().any(|path| path.iter().zip(&words).filter(|(a, b)| a == b).count() == words.len());
            if is_named && !homes.iter().any(|home| source.path.starts_with(home)) {
                wrong.push(format!("`src/{}` names `{name}`, whose home is {homes:?}", source.path));
            }
        }
        if !source.path.starts_with("terminal/") && PRINTING.iter().any(|name| source.macros.contains(*name)) {
            wrong.push(format!("`src/{}` prints; only `terminal` does", source.path));
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
