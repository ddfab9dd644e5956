//! The sandbox of generated repositories answers what its specification documents, at once and to anybody.

mod busy;
mod dice;
mod made_up;
mod real;
mod requests;
mod server;
mod starts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::linted::equip;
use crate::program::{Program, style};
pub(crate) use crate::sandbox::server::Sandbox;
use crate::tools::{documents, linters, real_documents};

/// What the issue asks for; on an idle machine it takes one to two seconds.
const READY: Duration = Duration::from_secs(5);

fn own(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(path).to_string_lossy().into_owned()
}

/// Makes a repository that has what `make install` installs.
fn repository(program: &Program, name: &str, arguments: &[&str], tools: &Path) -> PathBuf {
    let registry = format!("{name}.registry");
    program.done(&[&["new", name, "--registry", &registry], arguments].concat());
    let folder = program.folder().join(name);
    equip(&folder, tools);
    folder
}

fn of_spec(program: &Program, name: &str, spec: &str, tools: &Path) -> Sandbox {
    Sandbox::start(&repository(program, name, &["--spec", &own(spec)], tools)).0
}

/// A call, what it prefers, and the answer to it. The body is JSON where it parses.
type Case<'a> = (&'a str, &'a str, &'a str, u16, Value);

fn answers(sandbox: &Sandbox, cases: &[Case<'_>]) {
    for (method, path, prefer, status, body) in cases {
        let answer = sandbox.call(method, path, &[("Prefer", prefer)], None);
        assert_eq!(answer.status, *status, "{method} {path} {prefer}: {answer:?}");
        assert_eq!(answer.json(), *body, "{method} {path} {prefer}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn every_example_of_a_document_in_many_files_is_answered() {
    let tools = linters();
    let program = Program::new();
    let sandbox = of_spec(&program, "parcels", "parcels/parcels.yaml", &tools);
    let box_of_three = json!({"size": 3, "inside": []});
    answers(
        &sandbox,
        &[
            ("GET", "/parcels", "code=200", 200, json!([])),
            ("GET", "/parcels", "example=two", 200, json!([{"id": "p1"}, {"id": "p2", "weight": null}])),
            ("GET", "/parcels", "example=said", 200, json!([{"id": "p9"}])),
            ("GET", "/parcels", "code=404", 404, json!({"title": "Gone"})),
            ("GET", "/parcels", "code=429, example=\"never been\"", 429, json!({"title": "Never been"})),
            ("GET", "/parcels", "code=404; example=\"нет\"", 404, json!({"title": "Нет"})),
            ("POST", "/parcels", "code=201", 201, json!({"id": "p3"})),
            ("POST", "/parcels", "code=400", 400, json!({"title": "That is no parcel"})),
            ("GET", "/parcels/mine", "code=200", 200, json!({"id": "mine"})),
            (
                "GET",
                "/parcels/p1",
                "code=200",
                200,
                json!({"id": "p1", "weight": 1.5, "sent": "2024-01-31", "box": box_of_three}),
            ),
            ("GET", "/parcels/p1", "code=404", 404, json!({"title": "Gone"})),
            ("GET", "/parcels/p1", "code=503", 503, json!({"title": "Something else"})),
            ("GET", "/parcels/p1", "code=410, example=lost", 410, json!({"id": "p1", "lost": true})),
            ("POST", "/parcels/$search", "code=200", 200, json!([])),
        ],
    );
    // No example: made up from a schema that refers to itself.
    let boxes = sandbox.get("/boxes").json();
    assert!(boxes[0]["size"] == 7 && boxes[0]["inside"].is_array(), "{boxes}");
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn an_example_that_leads_to_itself_has_an_end() {
    let tools = linters();
    let program = Program::new();
    let mirror = json!({"$ref": "#/components/x-mirror"});
    let found = json!({"description": "Two", "content": {"application/json": {"example": mirror}}});
    let spec = json!({
        "openapi": "3.0.3",
        "info": {"title": "Mirrors", "version": "1"},
        "paths": {"/mirrors": {"get": {"responses": {"200": found}}}},
        "components": {"x-mirror": {"left": mirror, "right": mirror, "size": 1}},
    });
    program.write("mirrors.json", spec.to_string());
    let (sandbox, _) = Sandbox::start(&repository(&program, "mirrors", &["--spec", "mirrors.json"], &tools));
    assert_eq!(sandbox.get("/mirrors").json()["size"], 1);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn bodies_that_are_no_json_come_as_they_are() {
    let tools = linters();
    let program = Program::new();
    let sandbox = of_spec(&program, "parcels", "parcels/parcels.yaml", &tools);
    let label = |accept: &str| sandbox.call("GET", "/parcels/p1/label", &[("Accept", accept)], None);
    assert_eq!(label("text/plain").body, "To: Ada");
    assert_eq!(label("application/xml").body, "<label to=\"Ada\"/>");
    assert!(label("application/xml").headers.contains("\r\ncontent-type: application/xml"));
    assert_eq!(label("application/json").json(), json!({"to": "string"}));
    assert_eq!(label("image/png").status, 406);
    let done = sandbox.call("PUT", "/parcels/p1:deliver", &[], None);
    assert_eq!((done.status, done.body.as_str()), (204, ""));
    let moved = sandbox.get("/trucks");
    assert_eq!(moved.status, 300);
    assert!(moved.headers.contains("\r\nlocation: https://trucks.example.org"), "{moved:?}");
    let one = sandbox.get("/parcels/p1");
    assert!(one.headers.contains("\r\nx-correlation-id: 60e0b220"), "{one:?}");
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn nobody_is_asked_for_credentials_and_a_wrong_call_is_told_what_is_wrong() {
    let tools = linters();
    let program = Program::new();
    let sandbox = of_spec(&program, "parcels", "parcels/parcels.yaml", &tools);
    let status = |method: &str, path: &str, body: Option<&str>| sandbox.call(method, path, &[], body).status;
    assert_eq!(status("GET", "/parcels", None), 200);
    assert_eq!(status("GET", "/elsewhere", None), 200);
    assert_eq!(status("HEAD", "/parcels", None), 200);
    assert_eq!(status("POST", "/parcels", Some("{\"id\": \"p3\"}")), 201);
    let refused = sandbox.call("POST", "/parcels", &[], Some("{\"weight\": 1}"));
    assert_eq!((refused.status, refused.json()), (400, json!({"title": "That is no parcel"})));
    assert_eq!(status("POST", "/parcels", None), 400);
    assert_eq!(status("POST", "/parcels", Some("{")), 400);
    let many = sandbox.get("/parcels?limit=11");
    assert_eq!((many.status, many.json()), (422, json!({"title": "Gone"})));
    assert_eq!(status("GET", "/nothing", None), 404);
    let method = sandbox.call("DELETE", "/parcels", &[], None);
    assert!(method.status == 405 && method.headers.contains("\r\nallow: get, post"), "{method:?}");
    for wish in ["code=299", "code=abc", "example=none-of-that"] {
        let answer = sandbox.call("POST", "/parcels", &[("Prefer", wish)], None);
        assert!(matches!(answer.status, 400 | 404), "{wish}: {answer:?}");
    }
    assert_eq!(status("GET", "//", None), 404);
    assert_eq!(sandbox.call("GET", "/parcels", &[("Accept", "no type")], None).status, 406);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_health_paths_answer_in_every_kind_of_repository() {
    let tools = linters();
    let program = Program::new();
    let kinds: [(&str, &[&str]); 3] = [
        ("bare", &[]),
        ("patients", &["--spec", &own("patients-3.1.json")]),
        ("kettle", &["--spec", &own("kettle-2.0.yaml")]),
    ];
    for (name, arguments) in kinds {
        let (sandbox, _) = Sandbox::start(&repository(&program, name, arguments, &tools));
        for path in ["/_ping", "/_status", "/health"] {
            let answer = sandbox.get(path);
            assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("pass")), "{name} {path}");
            assert!(answer.json()["commitId"].is_string(), "{name} {path}");
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn examples_of_fhir_of_swagger_and_of_the_skeleton_are_answered() {
    let tools = linters();
    let program = Program::new();
    let patients = of_spec(&program, "patients", "patients-3.1.json", &tools);
    let child = json!({"resourceType": "Patient", "id": "9000000033", "multipleBirthInteger": 2});
    let nobody = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]});
    let cases = [
        ("GET", "/Patient/9000000009", "example=adult", 200, json!({"resourceType": "Patient", "id": "9000000009"})),
        ("GET", "/Patient/9000000009", "example=child", 200, child),
        ("GET", "/Patient/9000000009", "code=404", 404, nobody),
        (
            "POST",
            "/Patient/$match",
            "code=200",
            200,
            json!({"resourceType": "Bundle", "type": "searchset", "total": 0}),
        ),
    ];
    answers(&patients, &cases);
    let refused = patients.get("/Patient/1").json();
    assert_eq!(refused["resourceType"], "OperationOutcome", "{refused}");
    let kettle = of_spec(&program, "kettle", "kettle-2.0.yaml", &tools);
    answers(&kettle, &[("GET", "/kettle", "code=200", 200, json!({"celsius": 98}))]);
    assert!(kettle.call("GET", "/kettle", &[("Prefer", "code=418")], None).json()["celsius"].is_i64());
    assert_eq!(kettle.call("PUT", "/kettle", &[], Some("{\"celsius\": 98}")).status, 204);
    assert_eq!(kettle.call("PUT", "/kettle", &[], Some("{\"celsius\": 101}")).status, 422);
    let (bare, _) = Sandbox::start(&repository(&program, "bare", &[], &tools));
    let down = bare.call("GET", "/_status", &[("Prefer", "code=503")], None);
    assert_eq!((down.status, &down.json()["status"]), (503, &json!("fail")));
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_sandbox_is_ready_within_five_seconds() {
    ready([("parcels".to_owned(), own("parcels/parcels.yaml"))]);
}

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn the_sandbox_of_large_real_documents_is_ready_within_five_seconds() {
    let folder = real_documents();
    ready(["github-api.json", "kubernetes-1.35-apps-v1.json", "adyen-checkout-v71.yaml"].map(|big| {
        let name = format!("big-{}", big.split(['-', '.']).next().expect("a word"));
        (name, folder.join(big).to_string_lossy().into_owned())
    }));
}

fn ready<const N: usize>(repositories: [(String, String); N]) {
    let tools = linters();
    let program = Program::new();
    for (name, spec) in repositories {
        let folder = repository(&program, &name, &["--spec", &spec], &tools);
        let (sandbox, took) = Sandbox::start(&folder);
        // Others may keep this machine busy: what counts is the time that it gave to the sandbox.
        let own = sandbox.processor_time().unwrap_or(took);
        println!("{name}: ready in {} ms, {} ms of a processor", took.as_millis(), own.as_millis());
        assert!(own < READY, "{name}: {own:?}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn no_call_that_a_fuzzer_makes_up_breaks_the_sandbox() {
    let tools = linters();
    let program = Program::new();
    let kinds: [(&str, &[&str], PathBuf); 4] = [
        ("bare", &[], program.folder().join("bare/specification/bare.yaml")),
        ("skeleton", &["--set", "standard=fhir-r4"], program.folder().join("skeleton/specification/skeleton.yaml")),
        ("patients", &["--spec", &own("patients-3.1.json")], own("patients-3.1.json").into()),
        ("kettle", &["--spec", &own("kettle-2.0.yaml")], own("kettle-2.0.yaml").into()),
    ];
    for (name, arguments, spec) in kinds {
        let (sandbox, _) = Sandbox::start(&repository(&program, name, arguments, &tools));
        let mut fuzzer = Command::new(tools.join("venv/bin/schemathesis"));
        fuzzer.arg("run").arg(&spec).args(["--url", &sandbox.url(), "--checks", "not_a_server_error"]);
        fuzzer.args(["--seed", "1", "--max-examples", "20", "--generation-database", "none", "--no-color"]);
        let output = fuzzer.current_dir(program.folder()).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
        println!("{name}: {}", said.lines().rev().find(|line| line.contains("test cases")).unwrap_or_default());
        assert_eq!(sandbox.get("/_ping").status, 200, "{name}");
    }
}

#[test]
fn images_are_pinned_by_digest_and_run_without_rights_on_the_platforms_port() {
    let program = Program::new();
    program.done(&["new", "between", "--set", "transformation=true"]);
    for folder in ["sandbox", "transformation"] {
        let path = program.folder().join("between").join(folder).join("Dockerfile");
        let recipe = fs::read_to_string(path).expect("there");
        let values = |word: &str| -> Vec<String> {
            recipe.lines().filter_map(|line| line.strip_prefix(word)).map(|value| value.trim().to_owned()).collect()
        };
        for base in values("FROM ") {
            let digest = base.split_once("@sha256:").expect("a digest").1;
            assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{base}");
        }
        assert_eq!((values("USER "), values("EXPOSE ")), (vec!["node".to_owned()], vec!["9000".to_owned()]));
        assert!(
            recipe.find("USER ").expect("one") > recipe.rfind("COPY ").expect("one"),
            "{folder}: its files belong to root"
        );
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn integration_tests_without_a_deployed_proxy_say_what_they_miss() {
    let tools = linters();
    let program = Program::new();
    let folder = repository(&program, "bare", &[], &tools);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(".venv/bin/pytest");
        command.args(["-m", "integration", "-rs", "tests/test_deployed.py"]).args(arguments);
        let output = command.env_remove("APIGEE_ACCESS_TOKEN").current_dir(&folder).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run(&[]);
    assert!(said.contains("--proxy-name is not given") && said.contains("4 skipped"), "{said}");
    let said = run(&["--proxy-name=bare-internal-dev", "--api-name=bare"]);
    assert!(said.contains("APIGEE_ACCESS_TOKEN is not set") && said.contains("4 skipped"), "{said}");
}

/// Documents that redocly does not read, so that `make lint test` cannot: their `openapi` is no text.
const UNREADABLE: [&str; 1] = ["odd-circular-tests.yaml"];

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn what_real_documents_describe_is_answered() {
    let (tools, folder) = (linters(), real_documents());
    let program = Program::new();
    for (number, path) in documents(&folder).iter().enumerate() {
        if UNREADABLE.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let arguments = ["--spec", path.to_str().expect("a path"), "--set", style(path)];
        let repository = repository(&program, &format!("api-{number}"), &arguments, &tools);
        let output = Command::new("make").arg("test").current_dir(&repository).output().expect("make starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let tally = said.lines().find(|line| line.contains(" passed")).unwrap_or_default();
        println!("{}: {tally}", path.display());
        assert!(output.status.success(), "{}: {said}{}", path.display(), String::from_utf8_lossy(&output.stderr));
        real::answers_what_is_described(&repository);
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_body_is_checked_though_an_enum_of_what_may_be_null_lists_null() {
    let tools = linters();
    let program = Program::new();
    let notes = [
        json!({"type": "string", "nullable": true, "enum": ["a", null]}),
        json!({"nullable": true, "enum": ["a", null, "a"]}),
    ];
    for (number, note) in notes.iter().enumerate() {
        let schema = json!({"type": "object", "required": ["id"], "properties": {"id": {}, "note": note}});
        let operation = json!({
            "requestBody": {"required": true, "content": {"application/json": {"schema": schema}}},
            "responses": {"201": {"description": "Made."}},
        });
        let spec = json!({
            "openapi": "3.0.3",
            "info": {"title": "Notes", "version": "1"},
            "paths": {"/notes": {"post": operation}},
        });
        program.write("notes.json", spec.to_string());
        let name = format!("notes-{number}");
        let (sandbox, _) = Sandbox::start(&repository(&program, &name, &["--spec", "notes.json"], &tools));
        let status = |body: Value| sandbox.call("POST", "/notes", &[], Some(&body.to_string())).status;
        for good in [json!({"id": 1}), json!({"id": 1, "note": null}), json!({"id": 1, "note": "a"})] {
            assert_eq!(status(good.clone()), 201, "{note}: {good}");
        }
        for bad in [json!({}), json!({"id": 1, "note": "b"})] {
            assert_eq!(status(bad.clone()), 422, "{note}: {bad}");
        }
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn an_example_without_a_value_within_reach_is_none() {
    let tools = linters();
    let program = Program::new();
    let examples = json!({
        "near": {"value": {"id": 1}},
        "nothing": {"value": null},
        "far": {"externalValue": "https://example.org/far.json"},
        "gone": {"$ref": "#/components/examples/gone"},
        "empty": {"summary": "Nothing yet."},
    });
    let found = json!({"description": "One.", "content": {"application/json": {"examples": examples}}});
    let spec = json!({
        "openapi": "3.0.3",
        "info": {"title": "Ones", "version": "1"},
        "paths": {"/one": {"get": {"responses": {"200": found}}}},
    });
    program.write("ones.json", spec.to_string());
    let (sandbox, _) = Sandbox::start(&repository(&program, "ones", &["--spec", "ones.json"], &tools));
    answers(&sandbox, &[("GET", "/one", "example=near", 200, json!({"id": 1}))]);
    assert_eq!(sandbox.call("GET", "/one", &[("Prefer", "example=nothing")], None).body, "null");
    for name in ["far", "gone", "empty", "none"] {
        for prefer in [format!("example={name}"), format!("code=200, example={name}")] {
            let answer = sandbox.call("GET", "/one", &[("Prefer", &prefer)], None);
            let detail = format!("the specification has no example {name} with a value here");
            assert_eq!((answer.status, &answer.json()["detail"]), (404, &json!(detail)), "{prefer}");
        }
    }
}
