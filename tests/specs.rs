//! Every real document becomes a repository that holds it byte for byte, or an error that a person can act on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Program, REFUSED, Ran, files, style};
use crate::tools::{documents, linters, real_documents};

/// The documents of FHIR APIs, by reading them.
const FHIR: [&str; 6] = [
    "personal-demographics.yaml",
    "immunisation-fhir-api.yaml",
    "multicast-notification-service.yaml",
    "prescriptions-for-patients.yaml",
    "spine-directory-service.yaml",
    "nhs-clinical-data-gateway.yaml",
];
const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];

/// What a document says of itself, by `tests/specs/meant.py`, which shares no code with the program.
pub(crate) struct Meant {
    base_paths: BTreeSet<String>,
    /// The security of each operation, by `GET /path`.
    operations: BTreeMap<String, Value>,
    file: String,
}

impl Meant {
    pub(crate) fn read(document: &Path, tools: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/meant.py");
        let mut command = Command::new(tools.join("venv/bin/python"));
        let ran = Ran::of(&command.arg(script).arg(document).output().expect("python starts"));
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", document.display());
        let said = ran.json();
        let base_paths = serde_json::from_value(said["base_paths"].clone()).expect("texts");
        let operations = serde_json::from_value(said["operations"].clone()).expect("operations");
        Self { base_paths, operations, file: document.display().to_string() }
    }

    /// The published document has the same operations, and each asks for the same security.
    pub(crate) fn is_published(&self, published: &Value) {
        let paths = published["paths"].as_object().into_iter().flatten().filter(|(path, _)| path.starts_with('/'));
        let operations = paths.flat_map(|(path, item)| {
            let methods =
                item.as_object().into_iter().flatten().filter(|(method, _)| METHODS.contains(&method.as_str()));
            methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        });
        let of_all = published.get("security").cloned().unwrap_or_else(|| json!([]));
        let security = |operation: &Value| operation.get("security").unwrap_or(&of_all).clone();
        let found: BTreeMap<String, Value> = operations.map(|(name, operation)| (name, security(operation))).collect();
        assert_eq!(found, self.operations, "{}", self.file);
    }
}

/// The answers of the repository that `ran` made are what the document says, or a warning says what they are not.
fn is_answered(meant: &Meant, receipt: &toml::Table, ran: &Ran) {
    let answer = |question: &str| receipt["answers"][question].as_str().expect("a text");
    let (base, file) = (answer("base_path"), &meant.file);
    let warnings = ran.json()["warnings"].as_array().expect("a list").clone();
    let about = |warning: &&Value| warning.as_str().is_some_and(|text| text.contains("base path"));
    let agrees = meant.base_paths.is_empty() || meant.base_paths.contains(base);
    assert_eq!(usize::from(!agrees), warnings.iter().filter(about).count(), "{base}: {:?} {ran:?}", meant.base_paths);
    let is_fhir = FHIR.iter().any(|name| file.ends_with(name));
    assert_eq!(answer("standard"), if is_fhir { "fhir-r4" } else { "rest" }, "{file}");
    for path in meant.operations.keys().filter_map(|operation| operation.split_once(' ')).map(|(_, path)| path) {
        assert!(format!("/{base}{path}/").matches("/FHIR/R4/").count() < 2, "{base}: {path}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn all_real_documents_become_repositories_without_loss() {
    let (tools, folder) = (linters(), real_documents());
    let program = Program::new();
    let documents = documents(&folder);
    assert!(!documents.is_empty());
    for (number, path) in documents.iter().enumerate() {
        let name = format!("api-{number}");
        // Several say the same base path.
        let registry = format!("{name}.registry");
        let spec = path.to_str().expect("a path");
        let ran = program.run(&["new", &name, "--registry", &registry, "--spec", spec, "--set", style(path), "--json"]);
        if path.ends_with(REFUSED) {
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(
                ran.json()["error"]["hint"].as_str().is_some_and(|hint| hint == "write `openapi: 3.0.4`"),
                "{ran:?}"
            );
            assert!(!program.folder().join(&name).exists());
            continue;
        }
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", path.display());
        let bytes = fs::read(path).expect("readable");
        let made = files(&program.folder().join(&name));
        let kept = made.iter().any(|(file, content)| file.starts_with("specification/") && *content == bytes);
        assert!(kept, "{} is not in the repository", path.display());
        let meant = Meant::read(path, &tools);
        assert_eq!(ran.json()["spec"]["operations"], meant.operations.len(), "{}", path.display());
        let receipt = String::from_utf8_lossy(&made[".apiscaffold.toml"]).parse().expect("TOML");
        is_answered(&meant, &receipt, &ran);
        assert_eq!(ran.json()["record"]["state"], "active");
        assert_eq!(program.git(&name, &["status", "--porcelain"]), "");
    }
}
