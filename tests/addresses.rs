//! Base path and standard come from the document, and it is said from what.

use serde_json::{Value, json};

use crate::program::Program;

/// A document with these servers, and operations: path and media type of what each answers.
fn document(servers: &Value, operations: &[(&str, &str)]) -> Value {
    let mut document = json!({"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}});
    if !servers.is_null() {
        document["servers"] = servers.clone();
    }
    for (path, kind) in operations {
        let content = json!({*kind: {"example": {"id": 1}}});
        document["paths"][path] = json!({"get": {"responses": {"200": {"description": "d", "content": content}}}});
    }
    document
}

fn urls(urls: &[&str]) -> Value {
    urls.iter().map(|url| json!({ "url": url })).collect()
}

/// What `new` says about one answer: the answer, and what it was taken from.
fn said(document: &Value, question: &str) -> (String, String) {
    let answers = document["answers"].as_array().expect("a list").iter();
    let mut found = answers.filter(|answer| answer["question"] == question);
    let answer = found.next().unwrap_or_else(|| panic!("{question} is not told: {document}"));
    let text = |key: &str| answer[key].as_str().expect("a text").to_owned();
    (text("answer"), text("because"))
}

const JSON: &str = "application/json";
const FHIR: &str = "application/fhir+json";

/// Servers, operations; then base path, standard, what each was taken from, and how many warnings there are.
type Case<'c> = (Value, &'c [(&'c str, &'c str)], [&'c str; 2], [&'c str; 2], usize);

fn cases() -> Vec<Case<'static>> {
    const PETS: &[(&str, &str)] = &[("/pets", JSON)];
    const PATIENTS: &[(&str, &str)] = &[("/Patient", FHIR)];
    let path = "the path of the spec's servers";
    let none = "the template's default, as the spec's servers have no path";
    let own = "the template's default";
    let nhs = ["https://sandbox.api.service.nhs.uk/pds/FHIR/R4", "https://api.service.nhs.uk/pds/FHIR/R4/"];
    let variables =
        json!([{"url": "{at}/{base}", "variables": {"at": {"default": "//h"}, "base": {"default": "a/b"}}}]);
    vec![
        (urls(&["https://h/pets/v1"]), PETS, ["pets/v1", "rest"], [path, own], 0),
        (urls(&["https://h/a", "http://localhost:8080/a/", "/a"]), PETS, ["a", "rest"], [path, own], 0),
        (urls(&["https://h/a", "http://localhost:8080"]), PETS, ["a", "rest"], [path, own], 0),
        (variables, PETS, ["a/b", "rest"], [path, own], 0),
        (json!(null), PETS, ["x", "rest"], [none, own], 0),
        (urls(&["/"]), PETS, ["x", "rest"], [none, own], 0),
        (urls(&["https://h"]), PETS, ["x", "rest"], [none, own], 0),
        (urls(&["https://h/a", "https://h/b"]), PETS, ["x", "rest"], ["have the paths `/a`, `/b`", own], 1),
        (urls(&["https://h/a", "https://h/x"]), PETS, ["x", "rest"], ["have the paths `/a`, `/x`", own], 0),
        (urls(&["https://h/a_b"]), PETS, ["x", "rest"], ["cannot be taken: it must be letters", own], 1),
        (urls(&["https://h/{base}"]), PETS, ["x", "rest"], ["cannot be taken", own], 1),
        (urls(&["https://h/a//b"]), PETS, ["x", "rest"], ["cannot be taken", own], 1),
        (urls(&[&format!("https://h/{}", "a".repeat(121))]), PETS, ["x", "rest"], ["cannot be taken", own], 1),
        (urls(&["https://h/a/v1"]), &[("/v1/pets", JSON)], ["a/v1", "rest"], [path, own], 1),
        (urls(&["https://h/pets"]), PETS, ["pets", "rest"], [path, own], 0),
        (urls(&nhs), PETS, ["pds/FHIR/R4", "fhir-r4"], [path, "`/pds/FHIR/R4` in the spec's servers"], 0),
        (urls(&["https://h/pds/STU3"]), PETS, ["pds/STU3", "fhir-r4"], [path, "`/pds/STU3` in"], 0),
        (urls(&["https://h/Fhir"]), PETS, ["Fhir", "fhir-r4"], [path, "`/Fhir` in"], 0),
        (urls(&["https://h/fhir/birds"]), PETS, ["fhir/birds", "fhir-r4"], [path, "`/fhir/birds` in"], 0),
        (urls(&["https://h/fhirstarter"]), PETS, ["fhirstarter", "rest"], [path, own], 0),
        (urls(&["https://h/a/FHIRstarter/b"]), PETS, ["a/FHIRstarter/b", "rest"], [path, own], 0),
        (urls(&["https://h/fhir-starter"]), PETS, ["fhir-starter", "rest"], [path, own], 0),
        (urls(&["https://h/nofhir"]), PETS, ["nofhir", "rest"], [path, own], 0),
        (urls(&["https://h/pds"]), PATIENTS, ["pds", "fhir-r4"], [path, "1 of 1 operations"], 0),
        (json!(null), PATIENTS, ["x/FHIR/R4", "fhir-r4"], [none, "1 of 1 operations"], 0),
        (json!(null), &[("/FHIR/R4/Patient", JSON)], ["x", "fhir-r4"], [none, "1 of 1 operations"], 0),
        (json!(null), &[("/fhir/r4/Patient", JSON), ("/_status", JSON)], ["x", "fhir-r4"], [none, "1 of 1"], 0),
        (json!(null), &[("/STU3/Patient", FHIR), ("/pets", JSON)], ["x", "fhir-r4"], [none, "1 of 2 operations"], 0),
        (
            json!(null),
            &[("/Patient", "Application/FHIR+XML; version=4.0")],
            ["x/FHIR/R4", "fhir-r4"],
            [none, "1 of 1"],
            0,
        ),
        (json!(null), &[("/a", JSON), ("/b", JSON), ("/c", FHIR)], ["x", "rest"], [none, "only 1 of 3 operations"], 0),
    ]
}

#[test]
fn base_path_and_standard_are_the_documents_and_it_is_said_from_what() {
    let program = Program::new();
    for (number, (servers, operations, [base_path, standard], because, warnings)) in cases().into_iter().enumerate() {
        program.write("spec.json", document(&servers, operations).to_string());
        let registry = format!("registry-{number}");
        let command = ["new", "x", "--spec", "spec.json", "--dry-run", "--registry", &registry];
        let ran = program.done(&[&command[..], &["--json"]].concat());
        let (path, path_because) = said(&ran.json(), "base_path");
        let (kind, kind_because) = said(&ran.json(), "standard");
        assert_eq!((path.as_str(), kind.as_str()), (base_path, standard), "{servers}: {ran:?}");
        assert_eq!(ran.json()["record"]["base_path"], base_path);
        assert!(path_because.contains(because[0]) && kind_because.contains(because[1]), "{servers}: {ran:?}");
        assert_eq!(ran.json()["warnings"].as_array().map(Vec::len), Some(warnings), "{servers}: {ran:?}");
        assert_eq!(ran.stderr.matches("warning: ").count(), warnings, "{servers}: {ran:?}");
        let told = program.done(&command).stdout;
        for line in [format!("base_path {path}: {path_because}"), format!("standard  {kind}: {kind_because}")] {
            assert!(told.contains(&line), "{line}: {told}");
        }
    }
}
