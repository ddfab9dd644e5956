//! What `new` reports about a document, and what becomes of it in the repository.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use apiscaffold::openapi;

use crate::linted::{equip, passes};
use crate::program::Program;
use crate::tools::linters;

fn make(folder: &Path, target: &str) -> (bool, String) {
    let output = Command::new("make").arg(target).current_dir(folder).output().expect("make starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

/// The document of a repository without a spec.
fn skeleton(program: &Program, name: &str, set: &[&str]) -> String {
    let set = set.iter().flat_map(|answer| ["--set", answer]);
    let arguments: Vec<&str> = ["template", "preview", name, "--into", name].into_iter().chain(set).collect();
    program.done(&arguments);
    format!("{name}/specification/{name}.yaml")
}

#[test]
fn the_skeleton_says_the_security_that_its_proxy_asks_for() {
    let program = Program::new();
    let all =
        ["app-level0", "app-level3", "nhs-login-p0", "nhs-login-p5", "nhs-login-p9", "nhs-cis2-aal1", "nhs-cis2-aal3"];
    let together = all.join(",");
    let choices = all.iter().copied().chain([together.as_str(), "app-level0,nhs-cis2-aal3"]);
    for (number, modes) in choices.enumerate() {
        for style in ["apigee", "proxygen"] {
            let (name, answer) = (format!("{style}-{number}"), format!("access_modes={modes}"));
            let document = skeleton(&program, &name, &[&answer, &format!("style={style}")]);
            let spec = openapi::read(&program.folder().join(document), None).expect("an OpenAPI document");
            assert_eq!(spec.findings, [], "{name}");
            let mut wanted: Vec<&str> = modes.split(',').collect();
            wanted.sort_unstable();
            for said in [spec.summary.named_modes(), spec.summary.shared_modes()] {
                assert_eq!(said.expect("it says so").into_iter().collect::<Vec<_>>(), wanted, "{name}");
            }
            let ping = spec.summary.operations.iter().find(|operation| operation.path == "/_ping").expect("there");
            assert_eq!(ping.security, [] as [&str; 0], "the proxy answers it itself");
            for scheme in spec
                .summary
                .operations
                .iter()
                .flat_map(|operation| &operation.security)
                .chain(spec.summary.security.iter())
            {
                assert!(spec.summary.security.contains(scheme), "{name}: {scheme} is not defined");
            }
        }
    }
}

#[test]
fn more_flows_than_a_proxy_should_have_are_reported() {
    let program = Program::new();
    for (operations, style, is_reported) in [(196, "apigee", false), (197, "apigee", true), (197, "proxygen", false)] {
        let mut text =
            "openapi: 3.0.3\ninfo: {title: Many, version: '1'}\npaths:\n  /_ping: {get: {responses: {}}}\n".to_owned();
        for number in 0..operations {
            writeln!(text, "  /p{number}: {{get: {{responses: {{}}}}}}").expect("written");
        }
        program.write("many.yaml", text);
        let (into, style) = (format!("{style}-{operations}"), format!("style={style}"));
        let arguments =
            ["template", "preview", "many", "--into", &into, "--spec", "many.yaml", "--set", &style, "--json"];
        let ran = program.done(&arguments).json();
        let warnings: Vec<&str> =
            ran["warnings"].as_array().expect("a list").iter().filter_map(|one| one.as_str()).collect();
        let flows = warnings.iter().find(|warning| warning.contains("flows"));
        assert_eq!(flows.is_some(), is_reported, "{into}: {warnings:?}");
        assert!(
            flows.is_none_or(|warning| warning.contains("at least 201 flows, 197 of them for operations")),
            "{flows:?}"
        );
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_document_of_minimal_rules_is_said_to_pass_the_recommended_ones_once_it_does() {
    const PASSES: &str = "The specification passes the recommended rules: raise them";
    let tools = linters();
    let program = Program::new();
    let document = skeleton(&program, "sound", &[]);
    let ran = program.done(&["new", "later", "--spec", &document]);
    assert!(ran.stdout.contains("rules     minimal: the document existed before; `make lint` says when"), "{ran:?}");
    let folder = program.folder().join("later");
    equip(&folder, &tools);
    let lint = || make(&folder, "lint");
    let (is_good, said) = lint();
    assert!(is_good && said.contains(PASSES), "{said}");
    // A fault that minimal rules let pass.
    let spec = folder.join("specification/later.yaml");
    let sound = fs::read_to_string(&spec).expect("there");
    fs::write(&spec, sound.replace("      summary: Is the proxy there?\n", "")).expect("written");
    let (is_good, said) = lint();
    assert!(is_good && !said.contains(PASSES), "{said}");
    // Raised as redocly.yaml says, the fault fails the linter, and the sound document passes.
    let rules = folder.join("redocly.yaml");
    let text = fs::read_to_string(&rules).expect("there");
    let (head, rest) = text.split_once("rules:\n").expect("exceptions");
    let (exceptions, rest) = rest.split_at(rest.find("plugins:").expect("what follows"));
    assert!(exceptions.lines().all(|line| line.starts_with("  ")), "{exceptions}");
    fs::write(&rules, head.replace("  - minimal\n", "  - recommended-strict\n") + rest).expect("written");
    assert!(!lint().0);
    fs::write(&spec, sound).expect("written");
    let (is_good, said) = lint();
    assert!(is_good && !said.contains(PASSES), "{said}");
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_document_that_refers_to_files_above_it_works_in_all_of_the_repository() {
    let tools = linters();
    let program = Program::new();
    let paths = "get:\n  operationId: list\n  summary: All\n  parameters: [{$ref: ../../../common/parameters.yaml#/limit}]\n  responses:\n    \
                 '200':\n      description: All.\n      content:\n        application/json:\n          schema: {$ref: ../../../common/schemas/pet.json}\n          \
                 examples: {one: {value: {$ref: ../../../common/examples/pet.json}}}\n    '404': {$ref: ../openapi.yaml#/components/responses/none}\n";
    for (path, text) in [
        (
            "tree/apis/pets/openapi.yaml",
            "openapi: 3.0.3\ninfo: {title: Pets, version: 1.0.0}\nservers: [{url: https://example.org/pets}]\npaths:\n  \
             /pets: {$ref: paths/pets.yaml}\ncomponents:\n  responses: {none: {description: None.}}\n",
        ),
        ("tree/apis/pets/paths/pets.yaml", paths),
        ("tree/common/parameters.yaml", "limit: {name: limit, in: query, schema: {type: integer}}\n"),
        ("tree/common/schemas/pet.json", r#"{"type": "object", "properties": {"id": {"$ref": "../id.yaml"}}}"#),
        ("tree/common/id.yaml", "type: integer\n"),
        ("tree/common/examples/pet.json", r#"{"id": 7, "next": {"$ref": "../Users/1"}}"#),
    ] {
        program.write(path, text);
    }
    for style in ["apigee", "proxygen"] {
        let (name, style) = (format!("{style}-pets"), format!("style={style}"));
        let registry = format!("{name}.registry");
        let spec = ["--spec", "tree/apis/pets/openapi.yaml", "--spec-root", "tree"];
        let ran = program
            .done(&[&["new", &name, "--registry", &registry, "--set", &style, "--json"], &spec[..]].concat())
            .json();
        assert_eq!(ran["spec"]["findings"], serde_json::json!([]), "{ran}");
        let folder = program.folder().join(&name);
        equip(&folder, &tools);
        passes(&folder);
        let (is_good, said) = make(&folder, "publish");
        assert!(is_good, "{said}");
        let published = fs::read_to_string(folder.join(format!("build/{name}.json"))).expect("written");
        let published: serde_json::Value = serde_json::from_str(&published).expect("JSON");
        let answer = &published["paths"]["/pets"]["get"]["responses"]["200"]["content"]["application/json"];
        assert_eq!(answer["examples"]["one"]["value"]["id"], 7, "{answer}");
        assert_eq!(answer["schema"]["properties"]["id"]["type"], "integer", "{answer}");
        // The tool reads the document in the repository again.
        let gates = program.run(&["phase", &name, "--registry", &registry, "--json"]);
        assert_eq!(gates.code, Some(0), "{gates:?}");
    }
}
