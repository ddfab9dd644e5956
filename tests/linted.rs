//! Generated repositories are clean for the linters that their owners will run.

use std::path::Path;
use std::process::Command;

use crate::program::{Program, REFUSED, style};
use crate::tools::{documents, linters, real_documents};

/// Runs every linter on a repository, with what is installed already.
fn lint(program: &Program, name: &str, tools: &Path) {
    let folder = program.folder().join(name);
    equip(&folder, tools);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/lint.sh");
    let output = Command::new(script).arg(folder).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
}

/// Gives a repository what its `make install` would install.
pub(crate) fn equip(folder: &Path, tools: &Path) {
    for installed in ["node_modules", ".venv"] {
        std::os::unix::fs::symlink(tools.join(installed), folder.join(installed)).expect("linked");
    }
}

/// Runs `make lint test` in a repository that was equipped; it must pass.
pub(crate) fn passes(folder: &Path) {
    let name = folder.display();
    let output = Command::new("make").args(["lint", "test"]).current_dir(folder).output().expect("make starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
}

const URL: &str = "target_url=https://library.example.org/v1";

#[test]
#[ignore = "needs the linters of tests/run"]
fn repositories_of_every_kind_are_clean_and_pass_their_own_checks() {
    let tools = linters();
    let program = Program::new();
    let own = |path: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(path).to_string_lossy().into_owned()
    };
    let library = own("library/library.yaml");
    let (orchard, queue) = (own("orchard-2.0.yaml"), own("queue-3.2.yaml"));
    let parcels = own("parcels/parcels.yaml");
    let kinds: [(&str, &[&str]); 15] = [
        ("bare", &[]),
        ("library", &["--spec", &library]),
        ("parcels", &["--spec", &parcels]),
        ("patients", &["--set", "standard=fhir-r4"]),
        ("alone", &["--set", "target=none"]),
        ("hosted", &["--set", "target=hosted", "--set", "access_modes=app-level0,nhs-cis2-aal3"]),
        ("between", &["--set", "transformation=true"]),
        ("mapped", &["--set", "transformation=true", "--set", "standard=fhir-r4", "--set", "target_auth=apikey"]),
        (
            "hostile",
            &["--set", "title=\"<&>'${{ x }} {{ y }}: #]]>", "--set", "description=\"<&>'${{ x }} {{ y }}: #\n]]>"],
        ),
        ("made", &["--set", "style=proxygen"]),
        ("made-library", &["--set", "style=proxygen", "--set", "target_auth=apikey", "--set", URL, "--spec", &library]),
        ("made-orchard", &["--set", "style=proxygen", "--set", "target=none", "--spec", &orchard]),
        ("made-queue", &["--set", "style=proxygen", "--set", "standard=fhir-r4", "--spec", &queue]),
        ("made-between", &["--set", "style=proxygen", "--set", "transformation=true", "--set", URL]),
        ("made-hosted", &["--set", "style=proxygen", "--set", "target=hosted", "--set", "environments=int"]),
    ];
    for (name, arguments) in kinds {
        // Several have the same document, and so the same base path.
        let registry = format!("{name}.registry");
        program.done(&[&["new", name, "--registry", &registry], arguments].concat());
        lint(&program, name, &tools);
        passes(&program.folder().join(name));
    }
}

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn repositories_of_real_documents_are_clean() {
    let (tools, folder) = (linters(), real_documents());
    let program = Program::new();
    for (number, path) in documents(&folder).iter().enumerate() {
        if path.ends_with(REFUSED) {
            continue;
        }
        let name = format!("api-{number}");
        let (spec, registry) = (path.to_str().expect("a path"), format!("{name}.registry"));
        program.done(&["new", &name, "--registry", &registry, "--spec", spec, "--set", style(path)]);
        lint(&program, &name, &tools);
    }
}
