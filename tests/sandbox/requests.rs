//! Each call that the specification describes is answered, and each other is refused.

use serde_json::json;

use super::repository;
use crate::program::Program;
use crate::sandbox::server::Sandbox;
use crate::tools::linters;

const JSON: &str = "Content-Type: application/json";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PARTS: &str = "Content-Type: multipart/form-data; boundary=B";
const XML: &str = "Content-Type: application/xml";

/// A call: method and path, a header and a body, which may be empty, and the status of the answer.
type Call<'a> = (&'a str, &'a str, &'a str, u16);

/// Starts the sandbox of a repository with another specification than its own: `new` takes fewer.
fn start(program: &Program, spec: &str) -> Sandbox {
    let folder = repository(program, "bare", &[], &linters());
    Sandbox::of(&folder, Some(&program.write("spec.yaml", spec))).0
}

fn answers(sandbox: &Sandbox, calls: &[Call<'_>]) {
    for (call, header, body, status) in calls {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let headers: Vec<_> = header.split_once(": ").into_iter().collect();
        let answer = sandbox.call(method, path, &headers, (!body.is_empty()).then_some(*body));
        assert_eq!(answer.status, *status, "{call} {header} {body}: {answer:?}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn parameters_are_read_by_their_styles() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    let calls = [
        ("GET /simple/1,2", 200),
        ("GET /simple/1,b", 422),
        ("GET /label/.1.2", 200),
        ("GET /label/.1.b", 422),
        ("GET /matrix/;a=1;a=2", 200),
        ("GET /matrix/;a=1;a=b", 422),
        ("GET /object/R,100,G,200", 200),
        ("GET /object/G,200", 422),
        ("GET /exploded/R=100,G=200", 200),
        ("GET /exploded/R=x", 422),
        ("GET /form?R=1&G=2", 200),
        ("GET /form?G=2", 422),
        ("GET /form", 422),
        ("GET /flat?colour=R,1,G,2", 200),
        ("GET /flat?colour=G,2", 422),
        ("GET /flat", 200),
        ("GET /deep", 200),
        ("GET /deep?f%5Bage%5D=3&f[of][b]=1&f[list][]=1&f[list][]=2", 200),
        ("GET /deep?f[age]=3&f[list]=1&f[list]=2", 200),
        ("GET /deep?f[of][b]=1", 422),
        ("GET /deep?f[age]=x", 422),
        ("GET /deep?f[age]=3&f[of][b]=x", 422),
        ("GET /lists?many=1&many=2&comma=1,2&space=1%202&pipe=1%7C2", 200),
        ("GET /lists?many=1&comma=1&space=1+2&pipe=1|2", 200),
        ("GET /lists?many=1&many=b", 422),
        ("GET /lists?comma=1,2,3,4", 422),
        ("GET /lists?space=1%20b", 422),
        ("GET /lists?pipe=1|b", 422),
        ("GET /json?j=%7B%22R%22:1%7D", 200),
        ("GET /json?j=%7B%22R%22:%22a%22%7D", 422),
        ("GET /json?j=R", 400),
        ("GET /range/1..2", 200),
        ("GET /range/1..b", 422),
        ("GET /entity(key=1)", 200),
        ("GET /entity(key=b)", 422),
    ];
    answers(&sandbox, &calls.map(|(call, status)| (call, "", "", status)));
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn parameters_may_have_any_name_and_values_are_what_their_schemas_say() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    answers(
        &sandbox,
        &[
            ("GET /names", "", "", 422),
            ("GET /names?%24filter=1", "", "", 200),
            ("GET /names?$filter=1&a.b=1&x[y]=1&@p=1&a:b=1&%C3%BC=1&with+space=1&tags[]=1&tags[]=2", "", "", 200),
            ("GET /names?$filter=1&x%5By%5D=1&%40p=1&a%3Ab=1&with%20space=1&tags%5B%5D=1", "X-A.b_c: 1", "", 200),
            ("GET /names?$filter=1&a.b=x", "", "", 422),
            ("GET /names?$filter=1&x[y]=x", "", "", 422),
            ("GET /names?$filter=1&%40p=x", "", "", 422),
            ("GET /names?$filter=1&a:b=x", "", "", 422),
            ("GET /names?$filter=1&%C3%BC=x", "", "", 422),
            ("GET /names?$filter=1&with+space=x", "", "", 422),
            ("GET /names?$filter=1&tags[]=x", "", "", 422),
            ("GET /names?$filter=1", "X-A.b_c: x", "", 422),
            ("GET /values", "", "", 200),
            ("GET /values?flag=true&empty=&one=2&none=&either=1&some=all&ref=1", "", "", 200),
            ("GET /values?empty=1&none=1&either=x&some=5", "", "", 200),
            ("GET /values?flag=1", "", "", 422),
            ("GET /values?empty=x", "", "", 422),
            ("GET /values?one=3", "", "", 422),
            ("GET /values?none=x", "", "", 422),
            ("GET /values?some=9", "", "", 422),
            ("GET /values?ref=1&ref=2", "", "", 422),
            ("GET /values", "X-List: 1, 2", "", 200),
            ("GET /values", "X-List: 1, b", "", 422),
            ("GET /values", "Cookie: a=b; sid=3", "", 200),
            ("GET /values", "Cookie: sid=b", "", 422),
            // OpenAPI ignores header parameters of these names.
            ("GET /ignored", "", "", 200),
            ("GET /ignored", "Authorization: Basic YQ==", "", 200),
            ("GET /ignored", "Accept: application/vnd.mine+json", "", 200),
        ],
    );
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_most_specific_path_is_called_however_it_is_encoded() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    for (path, is) in [
        ("/jobs/1", "job"),
        ("/jobs/1:cancel", "cancel"),
        ("/jobs/1%3Acancel", "cancel"),
        ("/jobs/a:b:cancel", "cancel"),
        ("/jobs/1:other", "job"),
        ("/jobs:batch", "batch"),
        ("/jobs%3Abatch", "batch"),
        ("/jobs/mine", "mine"),
        ("/jobs/m%69ne", "mine"),
        ("/jobs/mine:cancel", "cancel"),
        ("/jobs/a%2Fb", "job"),
    ] {
        let answer = sandbox.call("POST", path, &[], None);
        assert_eq!((answer.status, answer.json()), (200, json!({"is": is})), "{path}");
    }
    answers(
        &sandbox,
        &[
            ("DELETE /jobs/1", "", "", 204),
            ("DELETE /jobs/1:cancel", "", "", 405),
            ("DELETE /jobs/mine", "", "", 405),
            ("GET /jobs/1", "", "", 405),
            ("GET /Patient/$match", "", "", 200),
            ("GET /Patient/%24match", "", "", 200),
            ("GET /Patient/match", "", "", 404),
            ("GET /odd/e%20f/%C3%BC/100%25", "", "", 200),
            ("GET /slash/", "", "", 200),
            ("GET /slash", "", "", 404),
            ("GET /jobs", "", "", 404),
            ("GET /", "", "", 404),
            ("GET /text/%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC", "", "", 200),
            ("GET /text/%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC%C3%BC", "", "", 422),
            ("GET /text/%zz", "", "", 200),
            ("GET /text/", "", "", 404),
            // The specification's own `/health`; the platform's paths stay.
            ("GET /health?depth=1", "", "", 200),
            ("GET /health", "", "", 422),
            ("GET /_ping", "", "", 200),
            ("GET /_status", "", "", 200),
        ],
    );
    assert_eq!(sandbox.get("/health?depth=1").json(), json!({"ok": 1}));
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn bodies_are_checked_by_their_media_types() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    answers(
        &sandbox,
        &[
            ("POST /body", JSON, r#"{"name": "a", "either": {"a": 1}, "low": 0.5, "parts": [{"name": "b"}]}"#, 200),
            ("POST /body", JSON, r#"{"id": 1, "name": "a"}"#, 200),
            ("POST /body", JSON, r#"{"name": "a", "slips": {"type": 1, "empty": 1, "pattern": "a"}}"#, 200),
            ("POST /body", JSON, r#"{"name": "a", "constructor": 1}"#, 400),
            ("POST /body", "", "", 400),
            ("POST /body", JSON, "{", 400),
            ("POST /body", JSON, "[]", 400),
            ("POST /body", JSON, r#"{"name": "toolong"}"#, 400),
            ("POST /body", JSON, r#"{"name": "a", "either": {"a": 1, "b": 2}}"#, 400),
            ("POST /body", JSON, r#"{"name": "a", "low": 0}"#, 400),
            ("POST /body", JSON, r#"{"name": "a", "parts": [{}]}"#, 400),
            ("POST /body", XML, "<a/>", 415),
            ("POST /body", "Content-Type: nonsense", "a", 415),
            ("POST /types", JSON, r#"{"R": 1}"#, 200),
            ("POST /types", "Content-Type: Application/JSON; charset=UTF-8", r#"{"G": 1}"#, 422),
            ("POST /types", "Content-Type: application/vnd.mine+json; version=1", "{}", 422),
            ("POST /types", "Content-Type: text/markdown", "abc", 200),
            ("POST /types", "Content-Type: text/markdown", "abcd", 422),
            ("POST /types", "Content-Type: application/octet-stream", "abcd", 200),
            ("POST /types", "Content-Type: image/png", "abcd", 415),
            (
                "POST /xml",
                XML,
                "<?xml version=\"1.0\"?>\n<!-- one -->\n<pet id=\"1\"><n>a&amp;<![CDATA[<b>]]></n></pet>\n",
                200,
            ),
            ("POST /xml", XML, "<pet id=\"1\"", 400),
            ("POST /xml", XML, "<pet><id></pet></id>", 400),
            ("POST /xml", XML, "{\"id\": 1}", 400),
            ("POST /xml", XML, "<a/><b/>", 400),
            ("POST /xml", JSON, "{}", 415),
            ("POST /xml", "", "", 400),
        ],
    );
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn forms_are_read_field_by_field() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    let part =
        |name: &str, value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let file = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n";
    let meta =
        "--B\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n";
    let whole = format!("{file}{meta}{}{}--B--\r\n", part("ids", "1"), part("ids", "2"));
    let wrong_part = format!("{file}{}--B--\r\n", part("meta", "{\"a\":\"b\"}"));
    let no_file = format!("{}--B--\r\n", part("ids", "1"));
    answers(
        &sandbox,
        &[
            (
                "POST /forms",
                FORM,
                "Messaging.Address=a&tags%5B%5D=1&tags[]=2&deep[a]=1&spaced=1+2&meta=%7B%22a%22:1%7D",
                200,
            ),
            ("POST /forms", FORM, "Messaging.Address=a&tags[]=1&more=x", 200),
            ("POST /forms", FORM, "Messaging.Address=a&lines=%7B%22a%22:1%7D", 200),
            ("POST /forms", FORM, "Messaging.Address=a&lines=%7B%22a%22:1%7D&lines=%7B%7D", 200),
            ("POST /forms", FORM, "Messaging.Address=a&lines=%5B%7B%22a%22:1%7D%5D", 200),
            ("POST /forms", FORM, "Messaging.Address=a&lines=%7B%22a%22:%22b%22%7D", 422),
            ("POST /forms", FORM, "tags[]=1", 422),
            ("POST /forms", FORM, "Messaging.Address=a&tags[]=x", 422),
            ("POST /forms", FORM, "Messaging.Address=a&deep[a]=x", 422),
            ("POST /forms", FORM, "Messaging.Address=a&spaced=1+b", 422),
            ("POST /forms", FORM, "Messaging.Address=a&meta=%7B%22a%22:%22b%22%7D", 422),
            ("POST /forms", PARTS, &whole, 200),
            ("POST /forms", PARTS, &wrong_part, 422),
            ("POST /forms", PARTS, &no_file, 422),
            ("POST /forms", PARTS, "no parts", 400),
            ("POST /forms", "Content-Type: multipart/form-data", &whole, 400),
            ("POST /forms", JSON, "{}", 415),
        ],
    );
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_wrong_call_gets_the_answer_that_is_documented_for_it() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    let cases = [
        ("/body", 400, json!({"is": "wrong"})),
        ("/range-of-faults", 422, json!({"is": "4XX"})),
        ("/other-faults", 422, json!({"is": "default"})),
    ];
    for (path, status, body) in cases {
        let answer = sandbox.call("POST", path, &[("Accept", "text/plain")], Some("[1]"));
        assert_eq!((answer.status, answer.json()), (status, body), "{path}");
    }
    let answer = sandbox.call("POST", "/types", &[], Some("{\"G\": \"secret\"}"));
    let expected = "the body is wrong: must have required property 'R'";
    assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(expected)));
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn requests_of_swagger_and_of_openapi_3_1_are_checked() {
    let program = Program::new();
    let old = start(&program, include_str!("specs/requests-2.0.yaml"));
    let file = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n%PDF\r\n--B--\r\n";
    answers(
        &old,
        &[
            ("GET /lists?many=1&many=2&comma=1,2&pipe=1|2&space=1+2", "", "", 200),
            ("GET /lists?many=x", "", "", 422),
            ("GET /lists?comma=1,x", "", "", 422),
            ("GET /lists?pipe=1|x", "", "", 422),
            ("GET /lists?space=1+x", "", "", 422),
            ("POST /body", JSON, r#"{"id": 1, "note": null}"#, 200),
            ("POST /body", JSON, r#"{"id": null}"#, 422),
            ("POST /body", "", "", 400),
            ("POST /body", FORM, "id=1", 415),
            ("POST /form", FORM, "age=1&tags=1,2", 200),
            ("POST /form", FORM, "age=x", 422),
            ("POST /form", FORM, "tags=1", 422),
            ("POST /form", FORM, "age=1&tags=1,x", 422),
            ("POST /file", PARTS, file, 200),
            ("POST /file", PARTS, "--B--\r\n", 422),
        ],
    );
    let folder = program.folder().join("bare");
    let new = Sandbox::of(&folder, Some(&program.write("new.yaml", include_str!("specs/requests-3.1.yaml")))).0;
    answers(
        &new,
        &[
            ("POST /ids", JSON, r#"{"id": 1, "category": {"name": "x"}, "other": "a"}"#, 200),
            ("POST /ids", JSON, r#"{"id": 1, "inner": {"near": true, "beside": 1}}"#, 200),
            ("POST /ids", JSON, r#"{"id": "1"}"#, 422),
            ("POST /ids", JSON, r#"{"id": 1, "category": {}}"#, 422),
            ("POST /ids", JSON, r#"{"id": 1, "other": 5}"#, 422),
            ("POST /ids", JSON, r#"{"id": 1, "inner": {"near": 1}}"#, 422),
            ("POST /ids", JSON, r#"{"id": 1, "inner": {"beside": "1"}}"#, 422),
            ("POST /tree", JSON, r#"{"leaf": 1, "children": [{"leaf": 2, "children": []}]}"#, 200),
            ("POST /tree", JSON, r#"{"children": [{"children": [{"leaf": "x"}]}]}"#, 422),
            ("POST /types", JSON, "null", 200),
            ("POST /types", JSON, "4", 200),
            ("POST /types", JSON, "3", 422),
            ("POST /types", JSON, "\"4\"", 422),
            ("POST /tuple", JSON, "[1, \"a\"]", 200),
            ("POST /tuple", JSON, "[1, \"a\", 2]", 422),
            ("GET /choice?q=4", "", "", 200),
            ("GET /choice?q=5", "", "", 422),
        ],
    );
}

/// Whatever `Origin` a browser sends, the sandbox answers as the policies of the proxies do.
#[test]
#[ignore = "needs the linters of tests/run"]
fn browsers_get_the_headers_that_the_proxies_send() {
    let program = Program::new();
    let sandbox = start(&program, include_str!("specs/requests-3.0.yaml"));
    let policies = program.folder().join("bare/proxies/live/apiproxy/policies");
    let headers = |policy: &str| -> Vec<String> {
        let text = std::fs::read_to_string(policies.join(policy)).expect("there");
        let header = regex::Regex::new("<Header name=\"([^\"]+)\">([^<]*)</Header>").expect("a pattern");
        let found: Vec<_> =
            header.captures_iter(&text).map(|one| format!("\r\n{}: {}", &one[1], &one[2]).to_lowercase()).collect();
        assert!(!found.is_empty(), "{policy}");
        found
    };
    let origin = ("Origin", "https://example.org");
    let preflight = sandbox.call("OPTIONS", "/body", &[origin, ("Access-Control-Request-Method", "POST")], None);
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
    for header in headers("AssignMessage.CorsPreflight.xml") {
        assert!(preflight.headers.contains(&header), "{header}: {preflight:?}");
    }
    for path in ["/lists", "/no/such/path", "/_ping"] {
        let answer = sandbox.call("GET", path, &[origin], None);
        for header in headers("AssignMessage.AddCors.xml") {
            assert!(answer.headers.contains(&header), "{path} {header}: {answer:?}");
        }
        assert!(!sandbox.get(path).headers.contains("access-control"), "{path}");
    }
    assert_eq!(sandbox.call("OPTIONS", "/body", &[origin], None).status, 405);
}
