//! Every real document of the specs folder, against a count of operations made in another way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::document::parse;
use super::super::{FindingKind, Spec, SpecError, read};
use super::read_both_ways;

/// Its version is the number 3.0.
const REFUSED: &str = "odd-circular-tests.yaml";

/// The folder of real documents: where it is missing, `tests/run` leaves out the test, and says so.
fn real_documents() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
    let folder = std::env::var_os("APISCAFFOLD_SPECS").map_or(beside, PathBuf::from);
    assert!(folder.join("SOURCES.tsv").is_file(), "there are no real documents in {}", folder.display());
    folder
}

/// The operations of the document at `path`, by reading its files again as they are needed.
fn count(path: &Path) -> usize {
    let root = load(path);
    let paths = root["paths"].as_object().cloned().unwrap_or_default();
    let items = paths.into_iter().filter(|(key, _)| !key.starts_with("x-"));
    items.map(|(_, item)| methods(path, item)).sum()
}

fn methods(path: &Path, item: Value) -> usize {
    if let Some(reference) = item["$ref"].as_str() {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if file.is_empty() { path.to_owned() } else { path.parent().expect("a folder").join(file) };
        let there = load(&file).pointer(fragment).cloned().expect("the path item is there");
        return methods(&file, there);
    }
    let known = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    known.into_iter().filter(|method| item.get(method).is_some()).count()
}

fn load(path: &Path) -> Value {
    parse(&std::fs::read(path).expect("a file")).expect("a document")
}

#[test]
#[ignore = "needs the real documents"]
fn real_documents_are_read_and_their_operations_are_all_found() {
    let folder = real_documents();
    let sources = std::fs::read_to_string(folder.join("SOURCES.tsv")).expect("the list");
    let mut read_specs: BTreeMap<&str, Spec> = BTreeMap::new();
    for line in sources.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (name, version) = (columns[0], columns[3].rsplit(' ').next().expect("a version"));
        if name == REFUSED {
            assert!(matches!(read(&folder.join(name), None), Err(SpecError::VersionNotWhole { .. })));
            continue;
        }
        let spec = read_both_ways(&folder.join(name)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(spec.summary.openapi, version, "{name}");
        assert_eq!(spec.summary.operations.len(), count(&folder.join(name)), "{name}");
        assert!(!spec.summary.title.is_empty(), "{name} has a title");
        for (path, file) in spec.tree.iter() {
            let original = folder.join(name).with_file_name(path.as_str());
            assert_eq!(file.bytes, std::fs::read(original).expect("the original"), "{name}: {path}");
        }
        read_specs.insert(name, spec);
    }
    assert!(read_specs.len() >= 30, "the list has fewer documents than it had");
    the_odd_ones_come_out_as_expected(&read_specs);
}

fn dangling(spec: &Spec) -> usize {
    spec.findings.iter().filter(|finding| finding.kind == FindingKind::Dangling).count()
}

fn the_odd_ones_come_out_as_expected(specs: &BTreeMap<&str, Spec>) {
    let dangling: BTreeMap<&str, usize> =
        specs.iter().map(|(name, spec)| (*name, dangling(spec))).filter(|(_, count)| *count > 0).collect();
    let expected = [("nhs-hello-world/hello-world.yaml", 1), ("odd-badref-burgershop.openapi.yaml", 5)];
    assert_eq!(dangling, BTreeMap::from(expected));
    let made_by_ci = &specs["nhs-hello-world/hello-world.yaml"].findings;
    assert!(
        made_by_ci.iter().any(|finding| finding.message.contains("components/docker_image.yaml")),
        "{made_by_ci:?}"
    );
    assert_eq!(specs["github-api.json"].summary.operations.len(), 767);
    assert_eq!(specs["github-api.json"].findings, [], "its examples hold `$ref`s of SCIM, which are data");
    assert!(
        specs["nhs-communications-manager/communications-manager.yaml"]
            .tree
            .iter()
            .any(|(path, _)| path.as_str().ends_with(".md"))
    );
    assert_eq!(specs["oai-v3.1-webhook-example.yaml"].summary.webhooks, ["newPet"]);
}
