//! What some tests need beside the program. Such a test is marked `#[ignore = "needs …"]`, so that its skipping is seen
//! wherever it is skipped; `tests/run` installs all of it and leaves out no test.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that a variable of `tests/run` names.
fn folder(variable: &str, what: &str) -> PathBuf {
    let folder = std::env::var_os(variable);
    folder.unwrap_or_else(|| panic!("{what} are missing: `tests/run` installs them and sets {variable}")).into()
}

/// Whether everything is to be tried, as in `tests/run`, and not only what daily work needs.
pub(crate) fn thorough() -> bool {
    std::env::var_os("APISCAFFOLD_EVERY_REQUEST").is_some()
}

/// Linters, and what `make install` of a generated repository installs.
pub(crate) fn linters() -> PathBuf {
    folder("APISCAFFOLD_TEST_TOOLS", "the linters")
}

/// A browser and what drives it.
pub(crate) fn browser() -> PathBuf {
    folder("APISCAFFOLD_TEST_BROWSER", "the browser and its driver")
}

/// Prism and GitHub's description of its API.
#[cfg(unix)]
pub(crate) fn github() -> PathBuf {
    folder("APISCAFFOLD_TEST_GITHUB", "Prism and GitHub's description of its API")
}

/// The folder of real documents. They are not part of this repository: `tests/run` leaves out the tests whose names hold
/// `real_documents` where there is no such folder, and says so.
pub(crate) fn real_documents() -> PathBuf {
    let given = std::env::var_os("APISCAFFOLD_SPECS").map(PathBuf::from);
    let folder = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs"));
    assert!(folder.join("SOURCES.tsv").is_file(), "there are no real documents in {}", folder.display());
    folder
}

/// The documents that `SOURCES.tsv` lists.
pub(crate) fn documents(folder: &Path) -> Vec<PathBuf> {
    let sources = fs::read_to_string(folder.join("SOURCES.tsv")).expect("readable");
    sources.lines().skip(1).filter_map(|line| line.split('\t').next()).map(|path| folder.join(path)).collect()
}

#[test]
fn no_test_passes_in_silence_where_a_tool_is_missing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = crate::program::files(&root.join("tests"));
    files.extend(crate::program::files(&root.join("src")));
    files.retain(|path, _| path.ends_with(".rs") && path != "tools.rs");
    assert!(files.len() > 100);
    let call = regex::Regex::new(r"[ (&](linters|browser|github|real_documents|Sshd::start)\(\)").expect("a pattern");
    for (path, text) in files {
        let text = String::from_utf8(text).expect("a text");
        for test in text.split("#[test]\n").skip(1) {
            let body = test.split("\n}\n").next().expect("a test");
            let needs = body.split_once("fn ").expect("a function").1;
            let marked = body.starts_with("#[ignore = \"needs ");
            assert!(marked || !call.is_match(needs), "{path}: {needs}");
            let name = needs.split('(').next().expect("a name");
            assert!(!needs.contains("real_documents()") || name.contains("real_documents"), "{path}: {name}");
        }
    }
}
