//! Who may call a generated API: never more than its document says, or no repository at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use apiscaffold::openapi::document;
use proptest::prelude::{Just, Strategy, TestCaseError, prop_assert, prop_oneof, proptest};
use proptest::test_runner::Config;
use serde_json::{Map, Value, json};

use crate::program::{Program, REFUSED, Ran};
use crate::tools::{documents, real_documents, thorough};

const MODES: [&str; 7] =
    ["app-level0", "app-level3", "nhs-cis2-aal1", "nhs-cis2-aal3", "nhs-login-p0", "nhs-login-p5", "nhs-login-p9"];

type Modes = BTreeSet<String>;

fn modes(words: &str) -> Modes {
    words.split_whitespace().map(str::to_owned).collect()
}

/// Who may call each operation of the repository in `folder`, by `GET /path`; and whom the products are given to.
struct Granted {
    operations: BTreeMap<String, Modes>,
    products: Modes,
}

/// The access modes that the bundle of style apigee lets in: the same for all operations.
fn of_bundle(folder: &Path) -> Modes {
    let policies = folder.join("proxies/live/apiproxy/policies");
    let target = fs::read_to_string(folder.join("proxies/live/apiproxy/targets/target.xml")).expect("a target");
    let mut found = Modes::new();
    if let Ok(policy) = fs::read_to_string(policies.join("OAuthV2.VerifyAccessToken.xml")) {
        assert!(target.contains("<Name>OAuthV2.VerifyAccessToken</Name>"), "the policy is not used");
        let policy = roxmltree::Document::parse(&policy).expect("XML");
        let scopes = policy.descendants().find(|node| node.has_tag_name("Scope")).and_then(|scope| scope.text());
        let scopes: Vec<&str> = scopes.unwrap_or_default().split(' ').collect();
        assert_ne!(scopes, [""], "without a scope every token is good");
        for scope in scopes {
            let parts: Vec<&str> = scope.split(':').collect();
            assert_eq!((&parts[..3], parts.len()), (&["urn", "nhsd", "apim"][..], 6), "{scope}");
            found.insert(format!("{}-{}", parts[3].trim_start_matches("user-"), parts[4].to_lowercase()));
        }
    }
    let key = policies.join("VerifyAPIKey.AppLevel0.xml").exists();
    assert_eq!(key, target.contains("<Name>VerifyAPIKey.AppLevel0</Name>"), "policy and step belong together");
    if key {
        found.insert("app-level0".to_owned());
    }
    assert!(!found.is_empty(), "nobody is asked for anything");
    found
}

/// What `make bundle` would say, and build, of style proxygen.
fn instances(folder: &Path, document: &Value) -> Ran {
    fs::create_dir_all(folder.join("build")).expect("made");
    fs::write(folder.join("build/specification.json"), document.to_string()).expect("written");
    let mut command = Command::new("python3");
    command.args(["scripts/instance.py", "build/specification.json", "build"]).current_dir(folder);
    Ran::of(&command.env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python starts"))
}

fn of_instance(instance: &Value) -> Granted {
    let named = |security: &Value| -> Modes {
        let requirements = security.as_array().expect("a list").iter();
        requirements
            .map(|one| {
                let names: Vec<&String> = one.as_object().expect("an object").keys().collect();
                assert_eq!(names.len(), 1, "one proof is enough for the platform: {security}");
                let scheme = &instance["components"]["securitySchemes"][names[0]]["$ref"];
                assert!(scheme.as_str().is_some_and(|url| url.ends_with(&format!("/{}", names[0]))), "{scheme}");
                names[0].clone()
            })
            .collect()
    };
    let mut operations = BTreeMap::new();
    for (path, item) in instance["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let security = operation.get("security").unwrap_or(&instance["security"]);
            operations.insert(format!("{} {path}", method.to_uppercase()), named(security));
        }
    }
    let products = instance["x-nhsd-apim"]["access"].as_array().expect("products").iter();
    let products = products.flat_map(|one| one["grants"].as_object().expect("grants").keys().cloned()).collect();
    Granted { operations, products }
}

/// Makes a repository of the document. What it grants to each operation, or why there is none.
fn granted(document: &Value, style: &str, answer: Option<&str>) -> Result<Granted, Ran> {
    let program = Program::new();
    program.write("api.json", document.to_string());
    let style_answer = format!("style={style}");
    let mut arguments =
        vec!["template", "preview", "api", "--into", "api", "--spec", "api.json", "--set", &style_answer];
    let answer = answer.map(|answer| format!("access_modes={answer}"));
    arguments.extend(answer.iter().flat_map(|answer| ["--set", answer]));
    let ran = program.run(&arguments);
    let folder = program.folder().join("api");
    if ran.code != Some(0) {
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(!folder.exists() && ran.stderr.contains("hint: "), "{ran:?}");
        return Err(ran);
    }
    if style == "apigee" {
        let every = of_bundle(&folder);
        let operations = operations(document).into_iter().map(|(name, _)| (name, every.clone())).collect();
        return Ok(Granted { operations, products: every });
    }
    let built = instances(&folder, document);
    assert_eq!(built.code, Some(0), "what `new` takes `make bundle` takes, too: {built:?}");
    let instance = fs::read_to_string(folder.join("build/int.json")).expect("built");
    Ok(of_instance(&serde_json::from_str(&instance).expect("JSON")))
}

/// Each operation of a document whose paths are all in it.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let each = paths.flat_map(|(path, item)| {
        let item = item.as_object().expect("an item").iter();
        item.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation.clone()))
    });
    each.collect()
}

/// A document in which `/a`, `/b` … have these `security`s, with the `rest` of the document.
fn described(securities: &[Option<Value>], rest: &Value) -> Value {
    let mut paths = Map::new();
    for (letter, security) in ('a'..).zip(securities) {
        let mut operation = json!({"responses": {"200": {"description": "Done."}}});
        if let Some(security) = security {
            operation["security"] = security.clone();
        }
        paths.insert(format!("/{letter}"), json!({"get": operation}));
    }
    let mut document = json!({"openapi": "3.0.3", "info": {"title": "Kettles", "version": "1"}, "paths": paths});
    for (key, value) in rest.as_object().expect("an object") {
        match (&mut document[key], value) {
            (Value::Object(there), Value::Object(more)) => there.extend(more.clone()),
            (there, value) => *there = value.clone(),
        }
    }
    document
}

fn one(name: &str) -> Option<Value> {
    Some(json!([{name: []}]))
}

fn schemes(list: &[(&str, &str)]) -> Value {
    let url = "https://proxygen.ptl.api.platform.nhs.uk/components/securitySchemes/";
    let schemes = list.iter().map(|(name, mode)| ((*name).to_owned(), json!({"$ref": format!("{url}{mode}")})));
    json!({"securitySchemes": Value::Object(schemes.collect())})
}

/// What is wrong about one row of the table, in one style.
fn faults(row: &Value, style: &str) -> Vec<String> {
    let each = row["each"].as_array().expect("a list").iter();
    let each: Vec<Option<Value>> = each.map(|own| (own != "-").then(|| own.clone())).collect();
    let mut document = described(&each, row.get("rest").unwrap_or(&json!({})));
    document["components"]["securitySchemes"]["own"] = json!({"type": "http", "scheme": "basic"});
    let texts = |key: &str| -> Option<Vec<String>> {
        let texts = row.get(key)?.as_array()?.iter();
        Some(texts.map(|text| text.as_str().expect("a text").to_owned()).collect())
    };
    match (granted(&document, style, row["answer"].as_str()), texts("gives"), texts("refused")) {
        (Ok(granted), Some(gives), None) => {
            let found: Vec<&Modes> =
                ('a'..).zip(&gives).map(|(l, _)| &granted.operations[&format!("GET /{l}")]).collect();
            let wrong = found.iter().zip(&gives).filter(|(found, gives)| ***found != modes(gives));
            wrong.map(|(found, gives)| format!("{row}, {style}: {found:?} in place of {gives}")).collect()
        }
        (Err(ran), None, Some(words)) => {
            let missing = words.into_iter().filter(|word| !ran.stderr.contains(word));
            missing.map(|word| format!("{row}, {style}: `{word}` is not in {}", ran.stderr)).collect()
        }
        (Ok(granted), None, Some(_)) => vec![format!("{row}, {style}: taken, {:?}", granted.operations)],
        (Err(ran), Some(_), None) => vec![format!("{row}, {style}: {}", ran.stderr)],
        _ => panic!("{row}: either `gives` or `refused`"),
    }
}

#[test]
fn access_is_the_document_s_or_a_refusal_that_names_the_operations() {
    let rows = document::parse(include_bytes!("access/rows.yaml")).expect("YAML");
    let rows = rows.as_array().expect("a list");
    let wrong: Vec<String> = rows
        .iter()
        .enumerate()
        .flat_map(|(number, row)| {
            // For daily work one style a row is enough.
            let daily = ["apigee", "proxygen"][number % 2];
            let only = row["style"].as_str().or((!thorough()).then_some(daily));
            let styles = ["apigee", "proxygen"].into_iter().filter(|style| only.is_none_or(|only| only == *style));
            styles.flat_map(|style| faults(row, style)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(wrong, [] as [String; 0]);
}

/// Each command that tells of a warning tells it on one line, and in the result as well.
#[test]
fn a_warning_about_access_is_one_line_and_in_the_result() {
    let own = json!({"components": {"securitySchemes": {"own": {"type": "http", "scheme": "basic"}}}});
    for count in [1, 2, 8, 9, 23] {
        let program = Program::new();
        program.write("api.json", described(&vec![one("own"); count], &own).to_string());
        let commands = [
            &["new", "kettles", "--spec", "api.json", "--dry-run", "--json"][..],
            &["new", "kettles", "--spec", "api.json", "--json"],
            &["template", "preview", "other", "--into", "other", "--spec", "api.json", "--json"],
        ];
        for command in commands {
            let ran = program.done(command);
            let warnings = ran.json()["warnings"].clone();
            let [Value::String(warning)] = &warnings.as_array().expect("a list")[..] else { panic!("{ran:?}") };
            assert_eq!(ran.stderr.trim_end(), format!("warning: {warning}"), "{command:?}");
            assert!(!warning.contains('\n') && !warning.contains("u000a"), "{warning}");
            assert_eq!(warning.matches("`GET /").count(), count.min(8), "{warning}");
            assert_eq!(warning.contains("and 1 more;"), count == 9, "{warning}");
            assert_eq!(warning.contains("and 15 more;"), count == 23, "{warning}");
        }
        let doctor = program.run(&["doctor", "third", "--spec", "api.json", "--json"]);
        assert!(doctor.stderr.contains("names no access mode of the platform: `GET /a`"), "{doctor:?}");
        assert!(!doctor.stderr.contains("u000a"), "{doctor:?}");
    }
}

#[test]
fn what_no_answer_carries_stays_in_the_instance_documents() {
    let apim = json!({
        "monitoring": false,
        "delegatedaccess": true,
        "access": [
            {"title": "Patients", "visible": false, "grants": {"nhs-login-p9": []}},
            {"title": "Staff", "grants": {"nhs-cis2-aal3": []}},
        ],
        "target-identity": [{"name": "nhs-login-nhs-number", "header": "nhs-number"}],
        "target-attributes": [{"name": "developer.app.id", "required": false}],
        "ratelimiting": {"proxy": {"limit": 7, "timeunit": "hour"}, "app-default": {"limit": 3, "timeunit": "second"}},
        "target": {"type": "external", "url": "https://example.org", "healthcheck": "/well"},
    });
    let document = described(&[None], &json!({"x-nhsd-apim": apim}));
    let program = Program::new();
    program.write("api.json", document.to_string());
    program.done(&[
        "new",
        "kettles",
        "--spec",
        "api.json",
        "--set",
        "style=proxygen",
        "--set",
        "access_modes=nhs-login-p9",
    ]);
    let folder = program.folder().join("kettles");
    let ran = instances(&folder, &document);
    assert!(ran.code == Some(0) && ran.stdout.contains("decides about target and ratelimiting"), "{ran:?}");
    let read = |name: &str| -> Value {
        let text = fs::read_to_string(folder.join("build").join(name)).expect("built");
        serde_json::from_str::<Value>(&text).expect("JSON")["x-nhsd-apim"].clone()
    };
    let (int, sandbox) = (read("int.json"), read("sandbox.json"));
    for key in ["monitoring", "delegatedaccess", "target-identity", "target-attributes"] {
        assert_eq!(int[key], apim[key], "{key}");
    }
    assert_eq!(int["access"], json!([apim["access"][0]]), "a product that the answer leaves out is none");
    assert_eq!(int["ratelimiting"]["app-default"], apim["ratelimiting"]["app-default"]);
    assert_eq!(int["ratelimiting"]["proxy"]["timeunit"], "minute");
    assert_eq!(sandbox["access"], json!([]));
    assert_eq!((sandbox.get("target-identity"), sandbox.get("target-attributes")), (None, None));
}

/// A document that says more than it did is found by the repository's own checks.
#[test]
fn a_document_that_becomes_stricter_later_is_found() {
    let program = Program::new();
    program.write("api.json", described(&[one("app-level3")], &json!({})).to_string());
    let stricter = described(&[one("nhs-cis2-aal3"), one("app-level3")], &json!({}));
    program.done(&["new", "kettles", "--spec", "api.json", "--set", "style=proxygen"]);
    let ran = instances(&program.folder().join("kettles"), &stricter);
    assert!(ran.code == Some(1) && ran.stderr.contains("GET /a lets in nhs-cis2-aal3"), "{ran:?}");

    program.done(&["new", "other", "--spec", "api.json"]);
    let folder = program.folder().join("other");
    fs::create_dir(folder.join("build")).expect("made");
    let checked = |document: &Value| {
        fs::write(folder.join("build/specification.json"), document.to_string()).expect("written");
        let mut command = Command::new("python3");
        command.args(["-m", "unittest", "discover", "-s", "tests", "-p", "test_bundles.py"]);
        command.args(["-k", "test_no_operation_lets_in_more_than_it_says"]);
        Ran::of(&command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(&folder).output().expect("python starts"))
    };
    let ran = checked(&described(&[one("app-level3")], &json!({})));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = checked(&stricter);
    assert!(ran.code != Some(0) && ran.stderr.contains("GET /a lets in nhs-cis2-aal3"), "{ran:?}");
}

/// A scheme of a document, and the access mode that it stands for.
const SCHEMES: [(&str, Option<&str>); 6] = [
    ("app-level0", Some("app-level0")),
    ("app_level3", Some("app-level3")),
    ("staff", Some("nhs-cis2-aal3")),
    ("nhs-login-p9", Some("nhs-login-p9")),
    ("nhs_login_p0", Some("nhs-login-p0")),
    ("own", None),
];

/// A list of alternatives, each of which asks for all of its schemes.
type Security = Vec<BTreeSet<usize>>;

fn security() -> impl Strategy<Value = Security> {
    let alternative = proptest::collection::btree_set(0..SCHEMES.len(), 0..3);
    // Mostly one scheme at a time: other documents are refused, and show little.
    let alternative = prop_oneof![4 => (0..SCHEMES.len()).prop_map(|one| BTreeSet::from([one])), 1 => alternative];
    proptest::collection::vec(alternative, 0..4)
}

/// Whether a caller with nothing but this access mode may call.
fn lets_in(security: &Security, mode: &str) -> bool {
    let fulfils = |alternative: &BTreeSet<usize>| alternative.iter().all(|scheme| SCHEMES[*scheme].1 == Some(mode));
    security.is_empty() || security.iter().any(fulfils)
}

fn is_foreign(security: &Security) -> bool {
    let own = |alternative: &BTreeSet<usize>| alternative.iter().all(|scheme| SCHEMES[*scheme].1.is_none());
    !security.is_empty() && security.iter().all(own)
}

fn written(security: &Security) -> Value {
    let alternative = |schemes: &BTreeSet<usize>| -> Value {
        Value::Object(schemes.iter().map(|scheme| (SCHEMES[*scheme].0.to_owned(), json!([]))).collect())
    };
    security.iter().map(alternative).collect()
}

/// What a document says, and the answer.
#[derive(Clone, Debug)]
struct Case {
    top: Option<Security>,
    each: Vec<Option<Security>>,
    grants: Option<BTreeSet<&'static str>>,
    style: &'static str,
    answer: Option<BTreeSet<&'static str>>,
}

fn case() -> impl Strategy<Value = Case> {
    let some = |size| proptest::collection::btree_set(proptest::sample::select(&MODES[..]), size);
    let each = proptest::collection::vec(proptest::option::of(security()), 1..4);
    let style = prop_oneof![Just("apigee"), Just("proxygen")];
    let given = proptest::option::weighted(0.3, some(1..3));
    let grants = proptest::option::weighted(0.3, some(1..5));
    (proptest::option::of(security()), each, grants, style, given).prop_map(|(top, each, grants, style, answer)| Case {
        top,
        each,
        grants,
        style,
        answer,
    })
}

fn hold(case: &Case) -> Result<(), TestCaseError> {
    let mut rest = json!({"components": schemes(&[("staff", "nhs-cis2-aal3"), ("nhs_login_p0", "nhs_login_p0")])});
    rest["components"]["securitySchemes"]["own"] = json!({"type": "http", "scheme": "basic"});
    if let Some(top) = &case.top {
        rest["security"] = written(top);
    }
    if let Some(grants) = &case.grants {
        let grants: Map<String, Value> = grants.iter().map(|mode| ((*mode).to_owned(), json!([]))).collect();
        rest["x-nhsd-apim"] = json!({"access": [{"title": "People", "grants": grants}]});
    }
    let each: Vec<Option<Value>> = case.each.iter().map(|own| own.as_ref().map(written)).collect();
    let answer = case.answer.as_ref().map(|answer| answer.iter().copied().collect::<Vec<_>>().join(","));
    let Ok(granted) = granted(&described(&each, &rest), case.style, answer.as_deref()) else { return Ok(()) };
    for (letter, own) in ('a'..).zip(&case.each) {
        let security = own.as_ref().or(case.top.as_ref());
        let found = &granted.operations[&format!("GET /{letter}")];
        prop_assert!(!found.is_empty(), "/{letter} is open");
        for mode in found {
            // In words that are not the platform's a document says nothing about its access modes.
            let allowed = security.is_none_or(|security| is_foreign(security) || lets_in(security, mode));
            prop_assert!(allowed, "/{letter} lets in {mode}, which its document does not");
            let given = case.answer.as_ref().is_none_or(|answer| answer.contains(mode.as_str()));
            prop_assert!(given, "/{letter} lets in {mode}, which the answer does not");
            let bound = case.grants.as_ref().filter(|_| case.style == "apigee" || security.is_none());
            prop_assert!(bound.is_none_or(|grants| grants.contains(mode.as_str())), "/{letter} lets in {mode}");
        }
    }
    let over =
        granted.products.iter().find(|mode| case.grants.as_ref().is_some_and(|own| !own.contains(mode.as_str())));
    prop_assert!(over.is_none(), "products are given to {over:?}");
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: if thorough() { 48 } else { 12 }, max_shrink_iters: 40, ..Config::default() })]

    #[test]
    fn no_operation_lets_in_more_than_its_document_says(case in case()) {
        hold(&case)?;
    }
}

#[test]
#[ignore = "needs the real documents"]
fn real_documents_get_the_access_that_they_name() {
    let folder = real_documents();
    let known = [
        ("hello-world.yaml", "proxygen", "app-level0 app-level3 nhs-cis2-aal3 nhs-login-p0 nhs-login-p5"),
        ("hello-world.yaml", "apigee", "refused"),
        ("prescriptions-for-patients.yaml", "proxygen", "nhs-login-p9"),
        ("prescriptions-for-patients.yaml", "apigee", "nhs-login-p9"),
        ("nhs-clinical-data-gateway.yaml", "proxygen", "nhs-cis2-aal3"),
        ("nhs-clinical-data-gateway.yaml", "apigee", "nhs-cis2-aal3"),
    ];
    let program = Program::new();
    for (number, path) in documents(&folder).iter().enumerate().filter(|(_, path)| !path.ends_with(REFUSED)) {
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        for style in ["apigee", "proxygen"] {
            let name = format!("{style}-{number}");
            let set = format!("style={style}");
            let spec = path.to_str().expect("a path");
            let ran = program.run(&["template", "preview", &name, "--into", &name, "--spec", spec, "--set", &set]);
            let found = if ran.code == Some(2) {
                "refused".to_owned()
            } else {
                let text =
                    fs::read_to_string(program.folder().join(&name).join(".apiscaffold.toml")).expect("a receipt");
                let receipt: toml::Table = text.parse().expect("TOML");
                let answer = receipt["answers"]["access_modes"].as_array().expect("a list").iter();
                answer.map(|mode| mode.as_str().expect("a text")).collect::<Vec<_>>().join(" ")
            };
            println!("{file}, {style}: {found}; {}", ran.stderr.replace('\n', " "));
            let expected = known.iter().find(|(known, of, _)| *known == file && *of == style);
            assert_eq!(found, expected.map_or("app-level3", |(.., expected)| expected), "{file}, {style}: {ran:?}");
        }
    }
}
