//! The flows of a generated proxy are the operations of its document, with the steps that its owner gives them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::program::{Program, Ran};
use crate::routes::{
    KINDS, METHODS, Segments, bundle, endpoint, request, runner, says_what_the_document_says, segments, written,
};
use crate::tools::thorough;

/// Paths, each with some methods, and requests that fit them or nearly do.
#[derive(Clone, Debug)]
struct Case {
    paths: Vec<(Segments, BTreeSet<usize>)>,
    requests: Vec<String>,
}

fn case() -> impl Strategy<Value = Case> {
    let methods = prop::collection::btree_set(0..METHODS.len(), 1..3);
    prop::collection::vec((segments(), methods), 4..14).prop_flat_map(|paths| {
        let requests: Vec<_> = paths.iter().flat_map(|(path, _)| [request(path), request(path)]).collect();
        requests.prop_map(move |requests| Case { paths: paths.clone(), requests })
    })
}

fn document(paths: &Value) -> String {
    json!({"openapi": "3.0.3", "info": {"title": "Routes", "version": "1"}, "paths": paths}).to_string()
}

#[test]
fn each_request_takes_the_flow_of_the_operation_that_the_document_means_and_no_other_takes_any() {
    let program = Program::new();
    program.write("routes.json", document(&json!({})));
    program.done(&["new", "routes", "--spec", "routes.json"]);
    let repository = program.folder().join("routes");
    // Each takes a quarter of a second.
    let given = std::env::var("APISCAFFOLD_ROUTES").ok().and_then(|cases| cases.parse().ok());
    let done = runner(given.unwrap_or(if thorough() { 100 } else { 20 })).run(&case(), |case| {
        let mut paths = Map::new();
        for (number, (path, methods)) in case.paths.iter().enumerate() {
            let operations = methods.iter().map(|method| METHODS[*method]).map(|method| {
                (method.to_owned(), json!({"operationId": format!("op{number}{method}"), "responses": {}}))
            });
            paths.insert(written(path), Value::Object(operations.collect()));
        }
        let spec = program.write("routes.json", document(&Value::Object(paths.clone())));
        let ran = bundle(&repository, &spec);
        prop_assert_eq!(ran.code, Some(0), "{:?}", ran);
        for kind in KINDS {
            says_what_the_document_says(
                &endpoint(&repository, kind),
                &paths,
                &case.requests.iter().cloned().collect(),
            )?;
        }
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// A repository of paths that meet one another, and its document.
fn shelves(program: &Program) -> (PathBuf, PathBuf) {
    let paths = json!({
        "/books/{id}": {"get": {"operationId": "getBook"}, "delete": {"operationId": "deleteBook", "summary": "Lost"}},
        "/books/{id}:lend": {"post": {"operationId": "lend"}},
        "/books/new": {"get": {"operationId": "twice"}, "put": {"operationId": "twice"}},
        "/search": {"get": {}},
    });
    let spec = program.write("shelves.json", document(&paths));
    program.done(&["new", "shelves", "--spec", "shelves.json"]);
    (program.folder().join("shelves"), spec)
}

fn default_xml(kind: &str) -> String {
    format!("proxies/{kind}/apiproxy/proxies/default.xml")
}

const LAST: &str = "        <Flow name=\"NotFound\">";
const NOT_FOUND: &str = "\"NotFound\">";
const STALE: &str = "        <Flow name=\"old\"><Request/><Response/><Condition>(proxy.pathsuffix = \"/old\") and (request.verb = \"DELETE\")</Condition></Flow>\n";
const STATUS: &str = "(proxy.pathsuffix MatchesPath \"/_status\") and (request.verb = \"GET\")";
const PING: &str =
    "(proxy.pathsuffix MatchesPath \"/_ping\") and (request.verb = \"GET\")</Condition>\n        </Flow>";

/// The text of the flow for a condition's path, from tag to tag.
fn flow_of(text: &str, condition: &str) -> String {
    let at = text.find(condition).unwrap_or_else(|| panic!("{condition} is not in {text}"));
    let start = text[..at].rfind("        <Flow name").expect("it begins");
    let end = at + text[at..].find("</Flow>\n").expect("it ends") + "</Flow>\n".len();
    text[start..end].to_owned()
}

fn without(text: &str, condition: &str) -> String {
    text.replace(&flow_of(text, condition), "")
}

/// What was written to the flow for a condition's path, in place of what was there.
fn changed(text: &str, condition: &str, from: &str, to: &str) -> String {
    let flow = flow_of(text, condition);
    text.replace(&flow, &flow.replacen(from, to, 1))
}

/// The flow of this name is gone.
fn without_own(text: &str, name: &str) -> String {
    without(text, &format!("\"{name}\">"))
}

/// The step of this policy is gone from the flow for a condition's path.
fn without_step(text: &str, condition: &str, policy: &str) -> String {
    let flow = flow_of(text, condition);
    let at = flow.find(policy).unwrap_or_else(|| panic!("{policy} is not in {flow}"));
    let start = flow[..at].rfind("                <Step>\n").expect("it begins");
    let end = at + flow[at..].find("</Step>\n").expect("it ends") + "</Step>\n".len();
    text.replace(&flow, &format!("{}{}", &flow[..start], &flow[end..]))
}

/// What somebody does to the proxy's own flows, and what the build says then.
type Fault = (&'static str, fn(&str) -> String, &'static [&'static str]);

const UNCLEAR: &str = "is not one element with only text";
const OTHER_STEPS: &str = "than the template made";
const MISSING: &str = "must be CorsPreflight, Ping, Status and, as the last one, NotFound";
const NOT_OWN: &[&str] = &["flow `old` is none of the proxy's own flows", "delete this one", "/flows"];

const FAULTS: [Fault; 23] = [
    (
        "a second condition",
        |text| {
            changed(
                text,
                STATUS,
                "</Condition>\n        </Flow>",
                "</Condition><Condition>(request.verb = \"PUT\")</Condition></Flow>",
            )
        },
        &["`Status`", UNCLEAR],
    ),
    (
        "an element in a condition",
        |text| changed(text, STATUS, &format!("{STATUS}<"), &format!("{STATUS}<x> or true</x><")),
        &["`Status`", UNCLEAR],
    ),
    (
        "a second name of a step",
        |text| changed(text, STATUS, "Unauthorized</Name>", "Unauthorized</Name><Name>AssignMessage.Ping</Name>"),
        &["`Status`", UNCLEAR],
    ),
    (
        "a second request",
        |text| changed(text, NOT_FOUND, "<Request>", "<Request/><Request>"),
        &["`NotFound`", "more than one <Request>"],
    ),
    ("no flow Ping", |text| without_own(text, "Ping"), &[MISSING]),
    ("no flow Status", |text| without_own(text, "Status"), &[MISSING]),
    ("no flow CorsPreflight", |text| without_own(text, "CorsPreflight"), &[MISSING]),
    ("no flow NotFound", |text| without_own(text, "NotFound"), &[MISSING]),
    ("no flows", |text| text.replace("Flows>", "Nothing>"), &[MISSING]),
    ("a flow twice", |text| text.replace(LAST, &format!("{}{LAST}", flow_of(text, "\"Ping\">"))), &[MISSING]),
    ("flows in two places", |text| text.replace(LAST, &format!("</Flows><Flows>{LAST}")), &[MISSING]),
    (
        "NotFound in front",
        |text| {
            let last = flow_of(text, NOT_FOUND);
            text.replace(&last, "").replace("    <Flows>\n", &format!("    <Flows>\n{last}"))
        },
        &[MISSING],
    ),
    (
        "no check of the key",
        |text| without_step(text, STATUS, "RaiseFault.401Unauthorized"),
        &["`Status`", OTHER_STEPS, "RaiseFault.401Unauthorized"],
    ),
    (
        "no key to compare",
        |text| without_step(text, STATUS, "KeyValueMapOperations.StatusKey"),
        &["`Status`", OTHER_STEPS],
    ),
    (
        "a check of the key that never happens",
        |text| changed(text, STATUS, "(private.status.key = null) or", "(private.status.key = null) and"),
        &["`Status`", OTHER_STEPS],
    ),
    (
        "a status that is always well",
        |text| without_step(text, STATUS, "AssignMessage.StatusFail"),
        &["`Status`", OTHER_STEPS],
    ),
    (
        "a ping that refuses",
        |text| changed(text, "\"Ping\">", "AssignMessage.Ping", "RaiseFault.404NotFound"),
        &["`Ping`", OTHER_STEPS],
    ),
    (
        "a preflight without an answer",
        |text| without_step(text, "\"CorsPreflight\">", "AssignMessage.CorsPreflight"),
        &["`CorsPreflight`", OTHER_STEPS],
    ),
    ("a flow of one's own", |text| text.replace(LAST, &format!("{STALE}{LAST}")), NOT_OWN),
    (
        "a flow of one's own in front",
        |text| text.replace("        <Flow name=\"Ping\">", &format!("{STALE}        <Flow name=\"Ping\">")),
        NOT_OWN,
    ),
    (
        "a flow that is wider",
        |text| text.replace(PING, "(request.verb = \"GET\")</Condition></Flow>"),
        &["flow `Ping` has another condition than the template made", "MatchesPath"],
    ),
    (
        "a condition of the last flow",
        |text| changed(text, NOT_FOUND, "<Response/>", "<Response/><Condition>(request.verb = \"GET\")</Condition>"),
        &["flow `NotFound` has another condition", "there must be none"],
    ),
    (
        "no end",
        |text| changed(text, NOT_FOUND, "RaiseFault.404NotFound", "AssignMessage.Ping"),
        &["`NotFound`", OTHER_STEPS, "RaiseFault.404NotFound"],
    ),
];

/// The lines of the refusal about a file.
fn refused(ran: &Ran, path: &str) -> String {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    ran.stderr.lines().filter(|line| line.starts_with(path)).collect()
}

#[test]
fn own_flows_of_the_proxy_that_are_not_as_the_template_made_them_are_found_in_both() {
    let program = Program::new();
    let (repository, spec) = shelves(&program);
    let ran = bundle(&repository, &spec);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let paths = KINDS.map(|kind| repository.join(default_xml(kind)));
    let good = paths.clone().map(|path| fs::read_to_string(path).expect("read"));
    for (fault, change, said) in FAULTS {
        for (path, good) in paths.iter().zip(&good) {
            let bad = change(good);
            assert_ne!(*good, bad, "{fault}: nothing was changed");
            fs::write(path, bad).expect("written");
        }
        let ran = bundle(&repository, &spec);
        for kind in KINDS {
            let about = refused(&ran, &default_xml(kind));
            for words in said {
                assert!(about.contains(words), "{fault}: `{words}` is not said of {kind}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn each_proxy_must_be_there() {
    for kind in KINDS {
        let program = Program::new();
        let (repository, spec) = shelves(&program);
        fs::rename(repository.join(default_xml(kind)), repository.join("default.xml")).expect("moved");
        let ran = bundle(&repository, &spec);
        assert!(refused(&ran, &default_xml(kind)).contains("is not there"), "{ran:?}");
    }
}

#[test]
fn the_flows_of_every_kind_of_target_are_those_that_are_checked() {
    for target in ["none", "external", "hosted"] {
        let program = Program::new();
        let spec = program.write("spec.json", document(&json!({"/search": {"get": {}}})));
        program.done(&["new", "search", "--spec", "spec.json", "--set", &format!("target={target}")]);
        let repository = program.folder().join("search");
        let ran = bundle(&repository, &spec);
        assert_eq!(ran.code, Some(0), "{target}: {ran:?}");
        for kind in KINDS {
            let path = repository.join(default_xml(kind));
            let good = fs::read_to_string(&path).expect("read");
            fs::write(&path, without_step(&good, STATUS, "RaiseFault.401Unauthorized")).expect("written");
            let ran = bundle(&repository, &spec);
            assert!(refused(&ran, &default_xml(kind)).contains(OTHER_STEPS), "{target}: {ran:?}");
            fs::write(path, good).expect("written");
        }
    }
}

const STEP: &str = "<Step><Name>AssignMessage.AddCors</Name></Step>";

/// Writes the flow of an operation to a file of its own.
fn own_flow(repository: &Path, path: &str, text: &str) -> PathBuf {
    let path = repository.join("proxies").join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, text).expect("written");
    path
}

/// The file of an operation's own flow, what it holds, and what the build says then.
const OWN_FAULTS: [(&str, &str, &[&str]); 23] = [
    ("x.xml", "<Flow name=\"lendd\"/>", &["no operation `lendd`", "`lend`", "delete the file"]),
    ("x.xml", "<Flow name=\"zzz\"/>", &["no operation `zzz`", "delete the file"]),
    ("x.xml", "<Flow name=\"POST /books/{id}:lend\"/>", &["no operation `POST /books/{id}:lend`", "(it has `lend`)"]),
    ("x.xml", "<Flow name=\"twice\"/>", &["no operation `twice`, or several"]),
    ("x.xml", "<Flow name=\"NotFound\"/>", &["no operation `NotFound`"]),
    ("x.xml", "<Flow/>", &["must hold one <Flow name"]),
    ("x.xml", "<Flow name=\"\"/>", &["must hold one <Flow name"]),
    ("x.xml", "<Flow name=\"lend\" enabled=\"false\"/>", &["must hold one <Flow name"]),
    ("x.xml", "<Flows><Flow name=\"lend\"/></Flows>", &["must hold one <Flow name"]),
    ("x.xml", "<Flow name=\"lend\">", &["cannot be read as XML"]),
    ("x.xml", "", &["cannot be read as XML"]),
    (
        "x.xml",
        "<Flow name=\"lend\"><Condition>(request.verb = \"PUT\")</Condition></Flow>",
        &["has a <Condition>", "delete it"],
    ),
    ("x.xml", "<Flow name=\"lend\"><Condition/></Flow>", &["has a <Condition>"]),
    (
        "x.xml",
        "<Flow name=\"lend\"><Step><Name>AssignMessage.Ping</Name></Step></Flow>",
        &["has a <Step> in its <Flow>"],
    ),
    (
        "x.xml",
        "<Flow name=\"lend\"><Request><Name>AssignMessage.Ping</Name></Request></Flow>",
        &["has a <Name> in its <Request>"],
    ),
    ("x.xml", "<Flow name=\"lend\"><Request/><Request/></Flow>", &["more than one <Request>"]),
    ("x.xml", "<Flow name=\"lend\"><Request><Step/></Request></Flow>", &["has the step ``"]),
    (
        "x.xml",
        "<Flow name=\"lend\"><Request><Step><Name>AssignMessage.None</Name></Step></Request></Flow>",
        &["`AssignMessage.None`, which is no policy", "policies/AssignMessage.None.xml"],
    ),
    (
        "x.xml",
        "<Flow name=\"lend\"><Response><Step><Name>AssignMessage.Ping</Name><Condition>a = 1</Condition><Condition>b = 1</Condition></Step></Response></Flow>",
        &[UNCLEAR],
    ),
    (
        "x.xml",
        "<Flow name=\"lend\"><Request><Step><Name>RaiseFault.404NotFound</Name></Step></Request></Flow>",
        &["refuses every request", "RaiseFault.404NotFound"],
    ),
    (
        "x.xml",
        "<Flow name=\"lend\"><Response><Step><Name>RaiseFault.410Gone</Name><Condition/></Step></Response></Flow>",
        &["refuses every request", "RaiseFault.410Gone"],
    ),
    ("more/x.xml", "<Flow name=\"lend\"/>", &["would have no effect"]),
    ("x.XML", "<Flow name=\"lend\"/>", &["would have no effect"]),
];

#[test]
fn a_flow_of_an_operation_that_cannot_be_built_as_it_stands_is_refused() {
    let program = Program::new();
    let (repository, spec) = shelves(&program);
    for (number, (path, text, said)) in OWN_FAULTS.into_iter().enumerate() {
        let path = format!("{}/flows/{path}", KINDS[number % KINDS.len()]);
        let file = own_flow(&repository, &path, text);
        let ran = bundle(&repository, &spec);
        let about = refused(&ran, &format!("proxies/{path}"));
        for words in said {
            assert!(about.contains(words), "{text}: `{words}` is not said: {}", ran.stderr);
        }
        fs::remove_file(file).expect("removed");
    }
    for kind in KINDS {
        for path in [format!("{kind}/flow/x.xml"), format!("{kind}/apiproxy/flows/x.xml"), "flows/x.xml".to_owned()] {
            let file = own_flow(&repository, &path, "<Flow name=\"lend\"/>");
            let ran = bundle(&repository, &spec);
            assert!(refused(&ran, &format!("proxies/{path}")).contains("would have no effect"), "{ran:?}");
            fs::remove_file(file).expect("removed");
        }
        let files =
            ["a", "b"].map(|file| own_flow(&repository, &format!("{kind}/flows/{file}.xml"), "<Flow name=\"lend\"/>"));
        let ran = bundle(&repository, &spec);
        let about = refused(&ran, &format!("proxies/{kind}/flows/b.xml"));
        assert!(about.contains("is in proxies") && about.contains("a.xml"), "{ran:?}");
        for file in files {
            fs::remove_file(file).expect("removed");
        }
    }
    assert_eq!(bundle(&repository, &spec).code, Some(0), "all is as it was");
}

/// The names of the flows that have the step, without their numbers.
fn with_the_step(repository: &Path, kind: &str) -> Vec<String> {
    let text = endpoint(repository, kind);
    let proxy = roxmltree::Document::parse(&text).expect("XML");
    let flows = proxy.descendants().filter(|node| node.has_tag_name("Flow"));
    let flows = flows.filter(|flow| flow.descendants().any(|node| node.text() == Some("AssignMessage.AddCors")));
    flows.map(|flow| flow.attribute("name").expect("a name").split_once(' ').expect("a number").1.to_owned()).collect()
}

#[test]
fn an_operation_keeps_the_steps_that_it_was_given_wherever_its_path_moves() {
    let program = Program::new();
    let (repository, spec) = shelves(&program);
    for kind in KINDS {
        for (file, name) in [("lend", "lend"), ("find", "GET /search"), ("new", "PUT /books/new")] {
            let text = format!("<Flow name=\"{name}\"><!-- why --><Request>{STEP}</Request></Flow>");
            own_flow(&repository, &format!("{kind}/flows/{file}.xml"), &text);
        }
        let text =
            format!("<Flow name=\"deleteBook\"><Description>Gone</Description><Response>{STEP}</Response></Flow>");
        own_flow(&repository, &format!("{kind}/flows/delete.xml"), &text);
    }
    let before = fs::read_to_string(&spec).expect("read");
    for (from, to) in [("", ""), ("/books/{id}", "/tomes/{isbn}"), ("/books/{id}:lend", "/loans")] {
        fs::write(&spec, before.replace(&format!("\"{from}\""), &format!("\"{to}\""))).expect("written");
        let ran = bundle(&repository, &spec);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for kind in KINDS {
            let mut names = with_the_step(&repository, kind);
            names.sort();
            assert_eq!(names, ["GET /search", "deleteBook", "lend", "twice"], "{to}");
            let text = endpoint(&repository, kind);
            assert!(text.contains("<Description>Gone</Description>") && !text.contains("Lost"), "{text}");
        }
    }
    let text = before.replace("\"lend\"", "\"borrow\"");
    fs::write(&spec, text).expect("written");
    let ran = bundle(&repository, &spec);
    assert!(refused(&ran, "proxies/live/flows/lend.xml").contains("no operation `lend`"), "{ran:?}");
}

#[test]
fn texts_of_the_document_cannot_break_the_bundle() {
    let program = Program::new();
    let (repository, _) = shelves(&program);
    let text = "<&>\"']]>\u{1}\u{fffe}\u{85}\n\t{{ x }}é";
    let spec = program.write(
        "odd.json",
        document(&json!({"/a\u{1}<&\"'": {"get": {"operationId": text, "summary": text}, "post": {"operationId": 7, "summary": {}}}})),
    );
    let ran = bundle(&repository, &spec);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for kind in KINDS {
        let text = endpoint(&repository, kind);
        let proxy = roxmltree::Document::parse(&text).expect("XML");
        assert_eq!(proxy.descendants().filter(|node| node.has_tag_name("Flow")).count(), 6);
    }
}
