//! The flows of a generated proxy are the operations of its document, and `make lint` says when they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::gateway::{flow, refuses};
use crate::linted::equip;
use crate::program::{Program, Ran};
use crate::small_http::Request;
use crate::tools::{linters, thorough};

const KINDS: [&str; 2] = ["live", "sandbox"];
const METHODS: [&str; 3] = ["get", "post", "delete"];
/// Texts that a path may hold, and how a request writes each: as it is, or percent-encoded.
const TEXTS: [(&str, &[&str]); 34] = [
    ("p", &["p"]),
    ("q", &["q"]),
    ("pq", &["pq"]),
    ("q-", &["q-"]),
    (".", &["."]),
    ("..", &[".."]),
    (":", &[":"]),
    (":q", &[":q"]),
    ("+", &["+"]),
    ("(", &["("]),
    (")", &[")"]),
    ("$", &["$"]),
    ("$q", &["$q"]),
    ("*", &["*"]),
    ("&", &["&"]),
    ("'", &["'"]),
    (";p=", &[";p="]),
    ("@", &["@"]),
    ("^", &["^", "%5E", "%5e"]),
    ("|", &["|", "%7C", "%7c"]),
    ("[", &["[", "%5B", "%5b"]),
    ("]", &["]", "%5D"]),
    ("{", &["{", "%7B", "%7b"]),
    ("}", &["}", "%7D"]),
    ("\\", &["\\", "%5C", "%5c"]),
    ("\"", &["\"", "%22"]),
    ("<", &["<", "%3C", "%3c"]),
    ("`", &["`", "%60"]),
    (" ", &["%20"]),
    ("%", &["%25"]),
    ("%2F", &["%2F", "%2f"]),
    ("%c3%a9", &["%C3%A9", "%c3%a9"]),
    ("ü", &["ü", "%C3%BC", "%c3%bc"]),
    ("日", &["日", "%E6%97%A5"]),
];

/// A part of a segment: a place in [`TEXTS`], or a parameter.
type Part = Option<usize>;
type Segments = Vec<Vec<Part>>;

fn segments() -> impl Strategy<Value = Segments> {
    let part = prop_oneof![3 => (0..TEXTS.len()).prop_map(Some), 2 => Just(None)];
    let common = prop_oneof![3 => (0..4_usize).prop_map(Some), 2 => Just(None)];
    let segment = prop_oneof![
        3 => prop::collection::vec(part, 0..5),
        // From few parts, so that paths meet.
        2 => prop::collection::vec(common, 1..4),
    ];
    prop::collection::vec(segment, 1..4)
}

/// The path as the document has it. A lone brace that would make a parameter of what is between is left out.
fn written(segments: &Segments) -> String {
    let segment = |parts: &Vec<Part>| {
        let mut open = false;
        let mut text = String::new();
        for part in parts {
            match part.map_or("{id}", |at| TEXTS[at].0) {
                "}" if open => {}
                part => {
                    open |= part == "{";
                    text += part;
                }
            }
        }
        text
    };
    segments.iter().map(|parts| format!("/{}", segment(parts))).collect()
}

/// What a URL says: everything that it must percent-encode is, in capital letters.
fn canonical(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_code = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit));
    let (mut out, mut at) = (String::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' && is_code(at) {
            out += &text[at..at + 3].to_uppercase();
            at += 2;
        } else if bytes[at].is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&bytes[at]) {
            out.push(char::from(bytes[at]));
        } else {
            out += &format!("%{:02X}", bytes[at]);
        }
        at += 1;
    }
    out
}

/// The literal texts around the parameters of each segment of a path.
fn literals(path: &str) -> Vec<Vec<&str>> {
    path.split('/').map(|segment| segment.split("{id}").collect()).collect()
}

/// Whether a segment of a request fits. Every way to cut it is tried.
fn fits(texts: &[&str], segment: &str) -> bool {
    let cuts = || segment.char_indices().map(|(at, _)| at).chain([segment.len()]).map(|at| segment.split_at(at));
    let literal = canonical(texts[0]);
    let is_whole = |(text, rest): &(&str, &str)| {
        canonical(text) == literal && format!("{literal}{}", canonical(rest)) == canonical(segment)
    };
    cuts().filter(is_whole).any(|(_, rest)| match &texts[1..] {
        [] => rest.is_empty(),
        more => rest.char_indices().map(|(at, c)| &rest[at + c.len_utf8()..]).any(|rest| fits(more, rest)),
    })
}

/// What the document means by a request: the operation of the most specific path, or none.
fn meant(paths: &Map<String, Value>, method: &str, request: &str) -> Option<String> {
    let segments: Vec<&str> = request.split('/').collect();
    let matching = paths.iter().filter(|(path, _)| {
        let own = literals(path);
        own.len() == segments.len() && own.iter().zip(&segments).all(|(texts, segment)| fits(texts, segment))
    });
    let specificity = |path: &str| {
        let own = literals(path);
        let text: usize = own.iter().flatten().map(|text| text.chars().count()).sum();
        (own.iter().filter(|texts| texts.len() == 1).count(), text, path.matches("}{").count())
    };
    // Of equals `max_by_key` takes the last, and the first of the document is meant.
    let (_, item) = matching.rev().max_by_key(|(path, _)| specificity(path))?;
    item[method]["operationId"].as_str().map(str::to_owned)
}

/// Paths, and requests that fit them or nearly do.
#[derive(Clone, Debug)]
struct Case {
    paths: Vec<(Segments, BTreeSet<usize>)>,
    requests: Vec<String>,
}

/// A request for a path: values of parameters, ways to write its texts, and sometimes a fault.
fn request(segments: &Segments) -> impl Strategy<Value = String> + use<> {
    let parts: Vec<BoxedStrategy<String>> = segments
        .iter()
        .flat_map(|parts| {
            let parts = parts.iter().map(|part| match part {
                Some(at) => prop::sample::select(TEXTS[*at].1).prop_map(str::to_owned).boxed(),
                None => prop::collection::vec(prop::sample::select(TEXTS.to_vec()), 1..4)
                    .prop_map(|texts| texts.iter().map(|(_, written)| written[0]).collect())
                    .boxed(),
            });
            [Just("/".to_owned()).boxed()].into_iter().chain(parts).collect::<Vec<_>>()
        })
        .collect();
    let fault = prop_oneof![4 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (parts, fault, any::<prop::sample::Index>()).prop_map(|(mut parts, fault, at)| {
        let at = at.index(parts.len());
        match fault {
            1 => parts.push("/".to_owned()),
            2 => drop(parts.remove(at)),
            3 => parts[at] = "x".to_owned(),
            _ => {}
        }
        format!("/{}", parts.concat().trim_start_matches('/'))
    })
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

fn endpoint(repository: &Path, kind: &str) -> String {
    fs::read_to_string(repository.join(format!("proxies/{kind}/apiproxy/proxies/default.xml"))).expect("read")
}

/// Runs the check that `make lint` runs, with a document that needs no bundling.
fn check(repository: &Path, document: &Path) -> Ran {
    let mut command = Command::new("python3");
    command.arg("scripts/flows.py").arg(document).current_dir(repository).env("PYTHONDONTWRITEBYTECODE", "1");
    Ran::of(&command.output().expect("python starts"))
}

#[test]
fn each_request_takes_the_flow_of_the_operation_that_the_document_means_and_no_other_takes_any() {
    let mut runner =
        TestRunner::new(Config { cases: if thorough() { 12 } else { 4 }, max_shrink_iters: 64, ..Config::default() });
    let done = runner.run(&case(), |case| {
        let mut paths = Map::new();
        for (number, (path, methods)) in case.paths.iter().enumerate() {
            let operations = methods.iter().map(|method| METHODS[*method]).map(|method| {
                (method.to_owned(), json!({"operationId": format!("op{number}{method}"), "responses": {}}))
            });
            paths.insert(written(path), Value::Object(operations.collect()));
        }
        let program = Program::new();
        let spec = program.write("routes.json", document(&Value::Object(paths.clone())));
        program.done(&["new", "routes", "--spec", "routes.json"]);
        let repository = program.folder().join("routes");
        for kind in KINDS {
            let text = endpoint(&repository, kind);
            let proxy = roxmltree::Document::parse(&text).expect("XML");
            for (path, method) in case.requests.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
                let request = Request {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    query: String::new(),
                    headers: BTreeMap::new(),
                    body: Vec::new(),
                };
                let taken = flow(&proxy, &request, path).filter(|flow| !refuses(*flow));
                let name = taken.and_then(|flow| flow.attribute("name")).and_then(|name| name.split_once(' '));
                let meant = meant(&paths, method, path);
                prop_assert_eq!(name.map(|(_, id)| id.to_owned()), meant, "{} {} {}", kind, method, path);
            }
        }
        let ran = check(&repository, &spec);
        prop_assert_eq!(ran.code, Some(0), "{:?}", ran);
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// A repository of paths that meet one another.
fn shelves(program: &Program) -> std::path::PathBuf {
    let paths = json!({
        "/books/{id}": {"get": {}, "delete": {}},
        "/books/{id}:lend": {"post": {}},
        "/books/new": {"get": {}},
        "/covers/{id}.{format}": {"get": {}},
        "/search": {"get": {}},
    });
    program.write("shelves.json", document(&paths));
    program.done(&["new", "shelves", "--spec", "shelves.json"]);
    program.folder().join("shelves")
}

const LAST: &str = "        <Flow name=\"NotFound\">";
const STALE: &str = "        <Flow name=\"old\"><Request/><Response/><Condition>(proxy.pathsuffix = \"/old\") and (request.verb = \"DELETE\")</Condition></Flow>\n";

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

fn moved_to_the_end(text: &str, condition: &str) -> String {
    let flow = flow_of(text, condition);
    text.replace(&flow, "").replace(LAST, &(flow + LAST))
}

/// What somebody does to the flows, and what the check says then.
type Fault = (&'static str, fn(&str) -> String, &'static [&'static str]);

const SEARCH: &str = "(proxy.pathsuffix = \"/search\") and (request.verb = \"GET\")";
const BOOK: &str = "(proxy.pathsuffix JavaRegex \"/books/[^/]+\") and (request.verb = \"GET\")";
const COVER: &str = "(proxy.pathsuffix JavaRegex \"/covers/(?&gt;[^/]+?[.])[^/]+\")";
const NEW: &str = "(proxy.pathsuffix = \"/books/new\") and (request.verb = \"GET\")";
const NOT_NEW: &str = "<Condition>(proxy.pathsuffix = \"/books/new\")</Condition>";

const STATUS: &str = "(proxy.pathsuffix MatchesPath \"/_status\") and (request.verb = \"GET\")";

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

/// The operation's flow gets this step.
fn with_step(text: &str, step: &str) -> String {
    changed(text, SEARCH, "<Request/>", &format!("<Request><Step>{step}</Step></Request>"))
}

const UNCLEAR: &str = "is not one element with only text";
const OTHER_STEPS: &str = "than the template made";

const FAULTS: [Fault; 38] = [
    (
        "a second condition",
        |text| changed(text, SEARCH, "</Condition>", "</Condition><Condition>(request.verb = \"PUT\")</Condition>"),
        &["GET /search", UNCLEAR],
    ),
    (
        "a second condition in front",
        |text| changed(text, SEARCH, "<Condition>", "<Condition>(request.verb = \"PUT\")</Condition><Condition>"),
        &["GET /search", UNCLEAR],
    ),
    (
        "text after an element in a condition",
        |text| changed(text, SEARCH, "</Condition>", "<x/> or (request.verb = \"PUT\")</Condition>"),
        &["GET /search", UNCLEAR],
    ),
    (
        "an element in an own condition",
        |text| changed(text, STATUS, &format!("{STATUS}<"), &format!("{STATUS}<x> or true</x><")),
        &["`Status`", UNCLEAR],
    ),
    (
        "a second condition of a step",
        |text| with_step(text, "<Name>A</Name><Condition>a = 1</Condition><Condition>b = 1</Condition>"),
        &["GET /search", UNCLEAR],
    ),
    (
        "a second name of an own step",
        |text| changed(text, STATUS, "Unauthorized</Name>", "Unauthorized</Name><Name>AssignMessage.Ping</Name>"),
        &["`Status`", UNCLEAR],
    ),
    (
        "a second request",
        |text| changed(text, SEARCH, "<Request/>", "<Request/><Request/>"),
        &["GET /search", "more than one <Request>"],
    ),
    ("no flow Ping", |text| without_own(text, "Ping"), &["the first flows must be"]),
    ("no flow Status", |text| without_own(text, "Status"), &["the first flows must be"]),
    ("no flow CorsPreflight", |text| without_own(text, "CorsPreflight"), &["the first flows must be"]),
    ("no flow NotFound", |text| without_own(text, "NotFound"), &["there is no flow `NotFound` at the end"]),
    ("an own flow at the end", |text| moved_to_the_end(text, STATUS), &["the first flows must be"]),
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
    (
        "an operation that is refused",
        |text| with_step(text, "<Name>RaiseFault.404NotFound</Name>"),
        &["refuses every request of GET /search", "RaiseFault.404NotFound"],
    ),
    (
        "an operation that is refused under an empty condition",
        |text| with_step(text, "<Name>AddCors</Name></Step><Step><Name>RaiseFault.410Gone</Name><Condition/>"),
        &["refuses every request of GET /search", "RaiseFault.410Gone"],
    ),
    ("a stale flow", |text| text.replace(LAST, &format!("{STALE}{LAST}")), &["flow `old`", "delete the flow"]),
    (
        "a stale flow in front",
        |text| text.replace("        <Flow name=\"Ping\">", &format!("{STALE}        <Flow name=\"Ping\">")),
        &["flow `old`", "delete the flow"],
    ),
    (
        "a wider path",
        |text| {
            text.replace("\"/search\"", "\"/search/**\"").replace("suffix = \"/search", "suffix MatchesPath \"/search")
        },
        &["opens what no operation describes", "GET /search has no flow", SEARCH],
    ),
    (
        "a wider expression",
        |text| text.replace("/books/[^/]+\"", "/books/.+\""),
        &["GET /books/{id} has no flow", BOOK],
    ),
    (
        "a choice",
        |text| text.replace(SEARCH, &format!("{SEARCH} or (proxy.pathsuffix = \"/all\")")),
        &["opens what no operation describes"],
    ),
    ("no verb", |text| text.replace(SEARCH, "(proxy.pathsuffix = \"/search\")"), &["GET /search has no flow"]),
    (
        "no condition",
        |text| text.replace(&format!("<Condition>{SEARCH}</Condition>"), ""),
        &["has no condition", "GET /search has no flow"],
    ),
    ("an empty condition", |text| text.replace(SEARCH, ""), &["has no condition", "GET /search has no flow"]),
    ("a missing flow", |text| without(text, SEARCH), &["GET /search has no flow", SEARCH]),
    ("a missing flow with XML", |text| without(text, COVER), &["GET /covers/{id}.{format} has no flow", COVER]),
    (
        "a flow in a comment",
        |text| text.replace(&flow_of(text, SEARCH), &format!("<!-- {} -->", flow_of(text, SEARCH))),
        &["GET /search has no flow"],
    ),
    (
        "a flow twice",
        |text| {
            let again = flow_of(text, SEARCH).replace(" GET /search", " again");
            text.replace(LAST, &(again + LAST))
        },
        &["again` has the condition of flow", "delete one of them"],
    ),
    ("a general path in front", |text| moved_to_the_end(text, NEW), &["stands behind flow", "put it in front"]),
    (
        "a missing refusal",
        |text| without(text, NOT_NEW),
        &["other methods of /books/new has no flow", "RaiseFault.404NotFound"],
    ),
    (
        "a refusal too late",
        |text| moved_to_the_end(text, NOT_NEW),
        &["Other methods of /books/new` stands behind flow"],
    ),
    (
        "a refusal that lets through",
        |text| {
            text.replace(
                &flow_of(text, NOT_NEW),
                &flow_of(text, NOT_NEW).replace("RaiseFault.404NotFound", "AssignMessage.Ping"),
            )
        },
        &["its first step must be RaiseFault.404NotFound"],
    ),
    (
        "an own flow that is wider",
        |text| {
            text.replace(
                "(proxy.pathsuffix MatchesPath \"/_ping\") and (request.verb = \"GET\")",
                "(request.verb = \"GET\")",
            )
        },
        &["flow `Ping` opens what no operation describes"],
    ),
    (
        "no end",
        |text| {
            text.replacen("RaiseFault.404NotFound</Name>\n                </Step>\n            </Request>\n            <Response/>\n        </Flow>\n    </Flows>",
            "AssignMessage.Ping</Name>\n                </Step>\n            </Request>\n            <Response/>\n        </Flow>\n    </Flows>", 1)
        },
        &["flow `NotFound` has no condition"],
    ),
];

#[test]
fn flows_that_are_not_the_operations_are_found_in_both_proxies() {
    let program = Program::new();
    let repository = shelves(&program);
    let spec = program.folder().join("shelves.json");
    let ran = check(&repository, &spec);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let paths = KINDS.map(|kind| format!("proxies/{kind}/apiproxy/proxies/default.xml"));
    let good = KINDS.map(|kind| endpoint(&repository, kind));
    for (fault, change, said) in FAULTS {
        for (path, good) in paths.iter().zip(&good) {
            let bad = change(good);
            assert_ne!(*good, bad, "{fault}: nothing was changed");
            fs::write(repository.join(path), bad).expect("written");
        }
        let ran = check(&repository, &spec);
        assert_eq!(ran.code, Some(1), "{fault}: {ran:?}");
        for path in &paths {
            let about: String = ran.stderr.lines().filter(|line| line.starts_with(path)).collect();
            for words in said {
                assert!(about.contains(words), "{fault}: `{words}` is not said of {path}: {}", ran.stderr);
            }
        }
    }
}

#[test]
fn each_proxy_must_be_there() {
    for kind in KINDS {
        let program = Program::new();
        let repository = shelves(&program);
        let path = format!("proxies/{kind}/apiproxy/proxies/default.xml");
        fs::rename(repository.join(&path), repository.join(format!("proxies/{kind}/default.xml"))).expect("moved");
        let ran = check(&repository, &program.folder().join("shelves.json"));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(&format!("{path} is not there")), "{ran:?}");
    }
}

#[test]
fn the_flows_of_every_kind_of_target_are_those_that_are_checked() {
    for target in ["none", "external", "hosted"] {
        let program = Program::new();
        program.write("spec.json", document(&json!({"/search": {"get": {}}})));
        program.done(&["new", "search", "--spec", "spec.json", "--set", &format!("target={target}")]);
        let repository = program.folder().join("search");
        let spec = program.folder().join("spec.json");
        let ran = check(&repository, &spec);
        assert_eq!(ran.code, Some(0), "{target}: {ran:?}");
        for kind in KINDS {
            let good = endpoint(&repository, kind);
            let path = repository.join(format!("proxies/{kind}/apiproxy/proxies/default.xml"));
            fs::write(&path, without_step(&good, STATUS, "RaiseFault.401Unauthorized")).expect("written");
            let ran = check(&repository, &spec);
            assert!(ran.code == Some(1) && ran.stderr.contains(OTHER_STEPS), "{target}: {ran:?}");
            fs::write(path, good).expect("written");
        }
    }
}

#[test]
fn what_does_not_widen_a_flow_is_let_be() {
    let program = Program::new();
    let repository = shelves(&program);
    let spec = program.folder().join("shelves.json");
    let step = "<Request><Step><Name>AssignMessage.AddCors</Name><Condition>request.header.x = \"y\"</Condition></Step></Request>";
    let changes: [fn(&str) -> String; 2] = [
        |text| text.replace(SEARCH, &SEARCH.replace(" and ", "\n                and ")),
        |text| moved_to_the_end(text, SEARCH),
    ];
    let good = KINDS.map(|kind| endpoint(&repository, kind));
    for change in changes {
        for (kind, text) in KINDS.iter().zip(&good) {
            let path = repository.join(format!("proxies/{kind}/apiproxy/proxies/default.xml"));
            let own = flow_of(text, "\"/search\"");
            let text = text.replace(&own, &own.replace("<Request/>", step));
            fs::write(path, change(&text)).expect("written");
        }
        let ran = check(&repository, &spec);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn an_operation_that_is_removed_leaves_a_flow_that_make_lint_finds() {
    let tools = linters();
    let program = Program::new();
    let repository = shelves(&program);
    equip(&repository, &tools);
    let lint = || Ran::of(&Command::new("make").arg("lint").current_dir(&repository).output().expect("make starts"));
    let ran = lint();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let spec = repository.join("specification/shelves.json");
    let text = fs::read_to_string(&spec).expect("read");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    document["paths"].as_object_mut().expect("paths").remove("/search");
    fs::write(&spec, document.to_string()).expect("written");
    let ran = lint();
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("GET /search` opens what no operation describes"), "{ran:?}");
}
