//! The other tools: where they are, which version, and how to install them beside the project.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::formats::Format;

/// A tool that is compared with ours.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    /// Where it is installed to, inside the benchmark's own folder.
    place: &'static str,
}

pub(crate) const TOOLS: [Tool; 3] = [
    Tool {
        name: "cargo-generate",
        format: Format::CargoGenerate,
        place: "cargo-generate/target/release/cargo-generate",
    },
    Tool { name: "cookiecutter", format: Format::Cookiecutter, place: "python/bin/cookiecutter" },
    Tool { name: "copier", format: Format::Copier, place: "python/bin/copier" },
];

impl Tool {
    /// The program: the benchmark's own if it is installed, else the one on the `PATH`.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let own = own_folder().map(|folder| folder.join(self.place));
        own.filter(|path| path.is_file()).or_else(|| on_path(self.name))
    }

    /// The arguments that render `template` for the API `name` into `parent/name`, without questions.
    pub(crate) fn arguments(&self, template: &Path, parent: &Path, name: &str) -> Vec<OsString> {
        let line: Vec<&str> = match self.format {
            Format::Apiscaffold => vec!["new", "NAME", "--template", "TEMPLATE", "--into", "PARENT", "--yes"],
            Format::CargoGenerate => vec![
                "generate",
                "--path",
                "TEMPLATE",
                "--name",
                "NAME",
                "--destination",
                "PARENT",
                "--vcs",
                "none",
                "--silent",
                "--no-workspace",
                "-d",
                "title=Orders and Payments",
                "-d",
                "team=payments-team",
                "-d",
                "style=apigee",
            ],
            Format::Cookiecutter => vec!["--no-input", "-o", "PARENT", "TEMPLATE", "name=NAME"],
            Format::Copier => vec!["copy", "--defaults", "--quiet", "--data", "name=NAME", "TEMPLATE", "PARENT/NAME"],
        };
        let filled = |word: &&str| match *word {
            "TEMPLATE" => template.into(),
            "PARENT" => parent.into(),
            "PARENT/NAME" => parent.join(name).into(),
            word => word.replace("NAME", name).into(),
        };
        line.iter().map(filled).collect()
    }
}

/// What a program says of its version, in one line.
pub(crate) fn version(program: &Path) -> String {
    let said = Command::new(program).arg("--version").output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    // cookiecutter goes on with where it comes from.
    said.lines().next().and_then(|line| line.split(" from ").next()).unwrap_or("of an unknown version").to_owned()
}

/// cargo-generate's library with the least program around it. `cargo install` cannot take it on a compiler older than
/// its newest dependencies; a package with a `rust-version` gets older ones. Without its git feature: it is measured on
/// local folders only, and git commits what it made. The profile is its own.
const CARGO_GENERATE_PACKAGE: &str = r#"[package]
name = "cargo-generate"
version = "0.25.1"
edition = "2024"
rust-version = "1.95"

[dependencies]
cargo-generate-library = { package = "cargo-generate", version = "=0.25.1", default-features = false }
clap = "4.6"

[profile.release]
lto = true
codegen-units = 1

[workspace]
"#;
const CARGO_GENERATE_MAIN: &str = r#"use cargo_generate_library::{Cli, generate};
use clap::Parser;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).is_some_and(|word| word == "--version") {
        println!("cargo-generate {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    let Cli::Generate(arguments) = Cli::parse();
    generate(arguments)?;
    Ok(())
}
"#;

/// Installs every tool that is not there yet.
pub(crate) fn install() -> Result<(), Failure> {
    let folder = own_folder().ok_or("there is no home folder to install into")?;
    if !folder.join(TOOLS[0].place).is_file() {
        let package = folder.join("cargo-generate");
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("Cargo.toml"), CARGO_GENERATE_PACKAGE)?;
        fs::write(package.join("src/main.rs"), CARGO_GENERATE_MAIN)?;
        run(Path::new("cargo"), &["build", "--release", "--target-dir", "target"], &package)?;
    }
    if TOOLS[1..].iter().any(|tool| !folder.join(tool.place).is_file()) {
        fs::create_dir_all(&folder)?;
        run(Path::new("python3"), &["-m", "venv", "python"], &folder)?;
        run(&folder.join("python/bin/pip"), &["install", "--quiet", "cookiecutter==2.7.1", "copier==9.19.1"], &folder)?;
    }
    eprintln!("the other tools are in {}", folder.display());
    Ok(())
}

fn run(program: &Path, arguments: &[&str], folder: &Path) -> Result<(), Failure> {
    let status = Command::new(program).args(arguments).current_dir(folder).status()?;
    if status.success() { Ok(()) } else { Err(format!("{} {arguments:?}: {status}", program.display()).into()) }
}

fn own_folder() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Some(cache?.join("apiscaffold-bench"))
}

pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
