//! What will not work as it is written: each fault is found, at its line.

use proptest::prelude::*;

use super::{Files, FindingKind, Spec, one};

fn found(text: &str) -> Vec<(FindingKind, usize)> {
    let spec = one(text).expect("it can be read");
    spec.findings.iter().map(|finding| (finding.kind, finding.place.expect("a place").line)).collect()
}

fn messages(spec: &Spec) -> Vec<String> {
    spec.findings.iter().map(ToString::to_string).collect()
}

fn document(paths: &str) -> String {
    format!("openapi: 3.1.0\ninfo: {{title: T, version: '1'}}\npaths:\n{paths}")
}

#[test]
fn identical_paths_are_found_by_the_rule_of_openapi() {
    for (one, other, is_identical) in [
        ("/pets/{petId}", "/pets/{name}", true),
        ("/{a}/x/{b}", "/{b}/x/{a}", true),
        ("/pets/{id}.json", "/pets/{name}.json", true),
        ("/pets/{id}", "/pets/mine", false),
        ("/pets/{id}", "/pets/{id}/", false),
        ("/pets/{id}", "/Pets/{id}", false),
        ("/pets/{id}", "/pets/{id}#again", false),
        ("/pets/{id}", "/pets/{id", false),
    ] {
        let text = document(&format!("  {one}: {{get: {{}}}}\n  /other: {{get: {{}}}}\n  '{other}': {{get: {{}}}}\n"));
        let want: &[_] = if is_identical { &[(FindingKind::Identical, 6)] } else { &[] };
        assert_eq!(found(&text), want, "{one} {other}");
    }
}

#[test]
fn a_parameter_that_is_named_twice_is_found_where_it_is_the_second_time() {
    let spec = Files::new(&[
        (
            "api.yaml",
            document(
                "  /a:\n    parameters: &p\n      - {name: id, in: query}\n      - {name: id, in: header}\n      - {name: ID, in: header}\n    \
                 get:\n      parameters:\n      - $ref: common.yaml#/p\n      - {name: id, in: query}\n      - {name: id, in: path}\n  \
                 /b: {$ref: item.yaml}\n  /c: {$ref: item.yaml}\n",
            )
            .as_bytes(),
        ),
        ("common.yaml", b"p: {name: id, in: query}"),
        ("item.yaml", b"parameters:\n- {name: x, in: cookie}\n- {name: x, in: cookie}\nget: {}"),
    ]);
    let twice = |name: &str, place: &str, first: usize| {
        format!("the parameter `{name}` in `{place}` is here twice, first as number {first} of this list: delete one")
    };
    let want = [
        format!("api.yaml:8:9 (/paths/~1a/parameters/2): {}", twice("ID", "header", 2)),
        format!("api.yaml:12:9 (/paths/~1a/get/parameters/1): {}", twice("id", "query", 1)),
        format!("item.yaml:3:3 (/parameters/1): {}", twice("x", "cookie", 1)),
    ];
    assert_eq!(messages(&spec.read().expect("read")), want);
}

#[test]
fn what_is_not_served_is_found() {
    let text = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    post:\n      callbacks:\n        done: {'{$request.body#/url}': {post: {}}}\n\
                webhooks:\n  arrived: {post: {}}\n";
    assert_eq!(found(text), [(FindingKind::Unserved, 6), (FindingKind::Unserved, 8)]);
    let only = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\nwebhooks:\n  arrived: {post: {}}\n";
    assert_eq!(found(only), [(FindingKind::Empty, 1), (FindingKind::Unserved, 3)]);
    for paths in ["{}", "{/a: {parameters: []}}", "{x-own: {get: {}}}"] {
        let text = format!("openapi: 3.0.3\ninfo: {{title: T}}\n\npaths: {paths}\n");
        assert_eq!(found(&text), [(FindingKind::Empty, 4)], "{paths}");
    }
}

/// A fault that is put into a document, as the lines of one path, with the line of the fault among them.
#[derive(Clone, Debug)]
struct Fault {
    lines: Vec<String>,
    kind: FindingKind,
    at: usize,
}

fn any_fault() -> impl Strategy<Value = (u8, usize)> {
    (0..7u8, 0..5usize)
}

fn fault(number: usize, (what, padding): (u8, usize)) -> Fault {
    let path = format!("/p{number}");
    let mut lines = vec![format!("  {path}/{{id}}:"), "    get:".to_owned()];
    lines.extend((0..padding).map(|line| format!("      x-{line}: more")));
    let at = lines.len();
    let (kind, rest, at) = match what {
        0 => (
            FindingKind::Identical,
            vec!["      deprecated: true".to_owned(), format!("  {path}/{{other}}: {{get: {{}}}}")],
            at + 1,
        ),
        1 => (
            FindingKind::Repeated,
            ["parameters:", "- {name: a, in: query}", "- {name: b, in: query}", "- {name: a, in: query}"]
                .map(|line| format!("      {line}"))
                .to_vec(),
            at + 3,
        ),
        2 => (FindingKind::Unserved, vec!["      callbacks: {done: {}}".to_owned()], at),
        3 => (FindingKind::Misplaced, vec!["      deprecated: true".to_owned(), "    put: nothing".to_owned()], at + 1),
        4 => (FindingKind::Misplaced, vec!["      deprecated: true".to_owned(), "    PUT: {}".to_owned()], at + 1),
        5 => (
            FindingKind::Dangling,
            vec!["      responses:".to_owned(), "        '200': {$ref: '#/gone'}".to_owned()],
            at + 1,
        ),
        _ => (
            FindingKind::Elsewhere,
            vec!["      deprecated: true".to_owned(), "      servers: [{url: /else}]".to_owned()],
            at + 1,
        ),
    };
    lines.extend(rest);
    Fault { lines, kind, at }
}

proptest! {
    /// Each fault of a document is found at its line, and nothing else is.
    #[test]
    fn each_fault_is_found_at_its_line(faults in prop::collection::vec(any_fault(), 1..8)) {
        let mut text = document("  /sound/{id}:\n    get: {parameters: [{name: id, in: path}]}\n");
        let mut want = Vec::new();
        for (number, one) in faults.into_iter().enumerate() {
            let Fault { lines, kind, at } = fault(number, one);
            want.push((text.lines().count() + at + 1, kind));
            text += &lines.join("\n");
            text.push('\n');
        }
        let mut found: Vec<_> = found(&text).into_iter().map(|(kind, line)| (line, kind)).collect();
        found.sort_by_key(|(line, _)| *line);
        prop_assert_eq!(found, want, "{}", text);
    }
}
