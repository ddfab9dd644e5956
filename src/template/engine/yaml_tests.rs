//! A value in a YAML file is the string that it is, whatever stands around it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A place of outputs, where its text is in the document, and the text: `{v}` is the value.
const PLACES: [(&str, &str, &str); 51] = [
    ("a: {{ v }}", "/a", "{v}"),
    ("a: {% if true %}{{ v }}{% else %}p{% endif %}\n", "/a", "{v}"),
    ("a: {% if false %}p{% else %}{{ v }}{% endif %}\nb: 1\n", "/a", "{v}"),
    ("a: {{ v }}{% if true %} more{% endif %}\n", "/a", "{v} more"),
    ("a: {{ v }}{% if false %} more{% endif %}\n", "/a", "{v}"),
    ("a: {% if false %}p{% endif %}{{ v }}", "/a", "{v}"),
    ("a: {% case 1 %}{% when 1 %}{{ v }}{% else %}no{% endcase %}\n", "/a", "{v}"),
    ("a: {% for i in (1..2) %}{{ v }}{% endfor %}\n", "/a", "{v}{v}"),
    ("a: {% for i in (1..2) %}{{ v }} {% endfor %}end\n", "/a", "{v} {v} end"),
    ("a: {{ v }}{{ v }}\n", "/a", "{v}{v}"),
    ("a: pre {{ v }} post # {{ v }}\n", "/a", "pre {v} post"),
    ("a: x - {{ v }}\n", "/a", "x - {v}"),
    ("a: x ? {{ v }}\n", "/a", "x ? {v}"),
    ("a: !!str {{ v }}\n", "/a", "{v}"),
    ("a: &n {{ v }}\nb: *n\n", "/b", "{v}"),
    ("a: some text\n  {{ v }}\n", "/a", "some text {v}"),
    ("a: some text\n  {{ v }}\n  more\nb: 1\n", "/a", "some text {v} more"),
    ("a: some text\n\n  {{ v }} more\n", "/a", "some text\n{v} more"),
    ("a: {{ v }}\n  more\n", "/a", "{v} more"),
    ("a:\n  some text\n  {{ v }}\nb: 1\n", "/a", "some text {v}"),
    ("a:\n  {{ v }}\n", "/a", "{v}"),
    ("a:\n  - text\n    {{ v }} more\n  - next\n", "/a/0", "text {v} more"),
    ("a:\n- {{ v }}\n- next\n", "/a/0", "{v}"),
    ("a:\n  - - {{ v }}\n    - x\n", "/a/0/0", "{v}"),
    ("a:\n  - k: {{ v }}\n    l: 1\n", "/a/0/k", "{v}"),
    ("a:\n  - k: text\n      {{ v }}\n    l: 1\n", "/a/0/k", "text {v}"),
    ("text\n{{ v }}\n", "", "text {v}"),
    ("{{ v }}\n", "", "{v}"),
    ("--- {{ v }}\n", "", "{v}"),
    ("a: [{{ v }}, b]\n", "/a/0", "{v}"),
    ("a: [b,\n  pre\n  {{ v }}, c]\n", "/a/1", "pre {v}"),
    ("a: [b, {k: x {{ v }}}, c]\n", "/a/1/k", "x {v}"),
    ("a: [{% for i in (1..2) %}{{ v }}, {% endfor %}c]\n", "/a/1", "{v}"),
    ("a: [x{% if true %}, {{ v }}{% endif %}]\n", "/a/1", "{v}"),
    ("a: {\"k\":{{ v }}}\n", "/a/k", "{v}"),
    ("a: \"pre {{ v }}\"\n", "/a", "pre {v}"),
    ("a: \"pre\n  {{ v }}\n  post\"\n", "/a", "pre {v} post"),
    ("a: \"C:\\\\{{ v }}\"\n", "/a", "C:\\{v}"),
    ("a: \"C:\\{{ v }}\"\n", "/a", "C:\\{v}"),
    ("a: '{{ v }}'\n", "/a", "{v}"),
    ("a: 'it''s {% if true %}{{ v }}{% endif %}'\n", "/a", "it's {v}"),
    ("a: 'pre\n  {{ v }}\n  post'\n", "/a", "pre {v} post"),
    ("a: |-\n  {{ v }}x\nb: 1\n", "/a", "{v}x"),
    ("a: |-\n  pre\n  {{ v }}x\n  post\n", "/a", "pre\n{v}x\npost"),
    ("a: |-\n  {{ v }}x\n  post\n", "/a", "{v}x\npost"),
    ("a:\n  - |-\n    {{ v }}x\n  - b\n", "/a/0", "{v}x"),
    ("a:\n  - k: |2-\n        {{ v }}x\n", "/a/0/k", "  {v}x"),
    ("# {{ v }}\na: x # {{ v }}\n", "/a", "x"),
    ("a: x\n  # {{ v }}\nb: {{ v }}\n", "/b", "{v}"),
    ("a: x\n{{ v }}\n", "/a", "x"),
    ("a: &{{ v }} x\n", "/a", "x"),
];

const VALUES: [&str; 45] = [
    "word",
    "no",
    "on",
    "y",
    "true",
    "null",
    "~",
    "1",
    "1.0",
    "0x1f",
    "0o7",
    "1e3",
    ".inf",
    "12:30:45",
    "2020-01-01",
    "a: b",
    "a:",
    ": a",
    "a #b",
    "#b",
    "- x",
    "-",
    "?",
    "? x",
    "\"q\"",
    "'q'",
    "one\ntwo",
    "one\n  two\n",
    "{",
    "}",
    "]",
    "a, b",
    "*a",
    "&a",
    "!t",
    "%",
    "@",
    "`",
    "",
    " lead",
    "trail ",
    "---",
    "|",
    "\\",
    "=",
];

fn values(value: &str) -> Values {
    let Value::Object(map) = json!({"v": value}) else { unreachable!("an object") };
    Values::new(&map)
}

/// What YAML 1.1 and 1.2 read, when they read the same.
fn read(text: &str) -> Result<Value, String> {
    let strict: Value = serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
        .map_err(|error| error.to_string())?;
    let lax: Value = serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: false })
        .map_err(|error| error.to_string())?;
    if strict == lax { Ok(strict) } else { Err("YAML 1.1 reads something else".to_owned()) }
}

fn check(template: &str, pointer: &str, expected: &str, value: &str) -> Result<bool, String> {
    let Ok(text) = Engine::new().render("f.yaml", template, Some(Format::Yaml), &values(value)) else {
        return Ok(false);
    };
    let document = read(&text).map_err(|error| format!("{error}\n{text}"))?;
    let expected = json!(expected.replace("{v}", value));
    if document.pointer(pointer) == Some(&expected) {
        Ok(true)
    } else {
        Err(format!("not {expected} but {document}\n{text}"))
    }
}

#[test]
fn a_value_is_the_same_string_wherever_it_stands_in_yaml() {
    let never = ["a: \"C:\\{{ v }}\"\n", "a: x\n{{ v }}\n", "a: &{{ v }} x\n"];
    for (template, pointer, expected) in PLACES {
        let mut given = 0;
        for value in VALUES {
            match check(template, pointer, expected, value) {
                Ok(is_given) => given += usize::from(is_given),
                Err(error) => panic!("{value:?} in {template:?}: {error}"),
            }
        }
        assert_eq!(given == 0, never.contains(&template), "{template:?}: {given} values are given back");
        assert!(given == 0 || given + 8 > VALUES.len(), "{template:?}: only {given} values are given back");
    }
}

#[test]
fn the_built_in_template_keeps_the_name_of_an_api_a_string() {
    let template = include_str!("../../../template/catalog-info.yaml");
    for name in ["my-api", "no", "on", "true", "y", "null", "off"] {
        let Value::Object(map) = json!({
            "name": name, "title": name, "description": name, "standard": name, "base_path": name, "owner_team": name,
            "environments": [{"name": name, "title": name, "host": "h"}],
            "api": {
                "guid": "g", "spec_guid": "g", "phase": "alpha", "spec_path": "s.yaml", "repository": "https://h/r",
                "short_name": name, "base_path": name, "owner": name, "contact": name, "style": name,
                "service_level": name,
            },
        }) else {
            unreachable!("an object")
        };
        let text = Engine::new().render("f", template, Some(Format::Yaml), &Values::new(&map)).expect("rendered");
        let document = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for pointer in
            ["/metadata/name", "/metadata/title", "/metadata/tags/1", "/metadata/links/0/title", "/spec/owner"]
        {
            assert_eq!(document.pointer(pointer), Some(&json!(name)), "{pointer}\n{text}");
        }
        for key in ["name", "short_name", "base_path", "owner", "contact", "style", "service_level", "environments"] {
            assert_eq!(document["metadata"]["annotations"][format!("apiscaffold/{key}")], name, "{key}\n{text}");
        }
    }
}

/// What a block scalar cannot hold is refused, and everything else is given back.
#[test]
fn a_block_scalar_gives_a_value_back_or_refuses_it() {
    let places = [
        ("a: |-\n  {{ v }}\nb: 1\n", "/a", "{v}"),
        ("a: |-\n  pre {{ v }} post\n", "/a", "pre {v} post"),
        ("a:\n  - |-\n    pre\n    {{ v }}x\n", "/a/0", "pre\n{v}x"),
        ("a: >-\n  x{{ v }}x\n", "/a", "x{v}x"),
        ("a: >-\n  pre\n  x{{ v }}x\n  post\n", "/a", "pre x{v}x post"),
        ("a:\n  - k: >-\n      x{{ v }}x # {{ v }}\n", "/a/0/k", "x{v}x # {v}"),
    ];
    for (template, pointer, expected) in places {
        let is_folded = template.contains('>');
        for end in ["\n", "\n\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{7}", "\u{FEFF}", "\t", " "] {
            let value = format!("a{end}b");
            let is_given =
                check(template, pointer, expected, &value).unwrap_or_else(|error| panic!("{value:?}: {error}"));
            let takes = matches!(end, "\t" | " ") || (end.starts_with('\n') && !is_folded);
            assert_eq!(is_given, takes, "{value:?} in {template:?}");
        }
    }
}

proptest! {
    /// Some parsers end an unquoted scalar of a flow collection at any `?`.
    #[test]
    fn a_question_mark_in_a_flow_collection_is_quoted(
        value in "[a-z:/=&. ]{0,8}\\?[a-z:/?=&. ]{0,8}",
        template in prop::sample::select(vec!["a: [{{ v }}]\n", "a: [x{{ v }}, b]\n", "a: {k: {{ v }}}\n", "a: { {{ v }}: b}\n", "a: [x\n  {{ v }}]\n", "a: {{ l }}\n"]),
    ) {
        let Value::Object(map) = json!({"v": value, "l": [value]}) else { unreachable!("an object") };
        let text = Engine::new().render("f.yaml", template, Some(Format::Yaml), &Values::new(&map)).expect("rendered");
        let unquoted: String = text.split('"').step_by(2).collect();
        prop_assert!(!unquoted.contains('?'), "{}", text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// A scalar of texts and outputs, some of them in branches, is the text that they are together.
    #[test]
    fn texts_and_values_together_are_one_string(
        mut parts in prop::collection::vec(prop_oneof![Just(None), "[a-z0-9.-]{1,3}".prop_map(Some), Just(Some(" w".to_owned())), Just(Some("\n    w".to_owned()))], 0..5),
        branches in prop::collection::vec(0..4_usize, 5),
        value in prop::sample::select(VALUES.to_vec()),
        around in prop::sample::select(vec![("k: ", "\nl: 1\n"), ("k:\n  - ", "\n  - x\n"), ("k: [", ", x]\n"), ("k: {m: ", "}\n"), ("k:\n   ", "\n")]),
    ) {
        parts.push(None);
        let (mut template, mut expected) = (around.0.to_owned() + "s", "s".to_owned());
        for (part, branch) in parts.iter().zip(branches) {
            let text = part.clone().unwrap_or_else(|| "{{ v }}".to_owned());
            template += &match branch {
                0 => format!("{{% if true %}}{text}{{% endif %}}"),
                1 => format!("{{% if false %}}x{{% else %}}{text}{{% endif %}}"),
                _ => text,
            };
            expected += &part.clone().unwrap_or_else(|| value.to_owned()).replace("\n    w", " w");
        }
        template += around.1;
        let pointer = if around.0.contains("- ") || around.0.contains('[') { "/k/0" } else if around.0.contains('{') { "/k/m" } else { "/k" };
        if let Err(error) = check(&template, pointer, &expected, value) {
            prop_assert!(false, "{:?} in {:?}: {}", value, template, error);
        }
    }
}
