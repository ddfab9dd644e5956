use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Value {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

fn refuse(bytes: impl AsRef<[u8]>) -> ParseError {
    parse(bytes.as_ref()).expect_err("this must be refused")
}

#[test]
fn yaml_scalars_that_are_no_plain_number_or_truth_value_stay_text() {
    for text in ["2020-01-01", "2020-01-01T10:00:00Z", "yes", "No", "on", "off", "y", "007", "1_000", "12:30", "1.2.3"]
    {
        assert_eq!(read(&format!("a: {text}")), json!({"a": text}), "{text}");
    }
    assert_eq!(read("[true, False, ~, null, 1, -2, 1.5]"), json!([true, false, null, null, 1, -2, 1.5]));
    assert_eq!(read("'2020': !!str 12"), json!({"2020": "12"}));
    assert_eq!(read("a: !custom x\nb: !!binary aGk="), json!({"a": "x", "b": "aGk="}));
}

#[test]
fn keys_become_text_as_they_are_written_and_keep_their_order() {
    let value = read("b: 1\n200: 2\n1.10: 3\ntrue: 4\nnull: 5\n2020-01-01: 6\na: 7");
    let keys: Vec<_> = value.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["b", "200", "1.10", "true", "null", "2020-01-01", "a"]);
}

#[test]
fn a_number_too_large_does_not_fail_a_document() {
    let value = read("a: 18446744073709551615\nb: 18446744073709551616\nc: 1e400\nd: .nan\ne: -9223372036854775809");
    assert_eq!(value["a"], json!(u64::MAX));
    assert_eq!(value["b"], json!(18_446_744_073_709_551_616.0));
    assert_eq!(value["c"], json!(".inf"));
    assert_eq!(value["d"], json!(".nan"));
    assert!(value["e"].is_f64());
    let json = parse_json(r#"{"a": 1e400, "b": [-1E999]}"#, &Cell::new(5)).expect("read");
    assert_eq!(json, json!({"a": ".inf", "b": ["-.inf"]}));
    assert_eq!(read(r#"{"b": 18446744073709551616}"#), json!({"b": 18_446_744_073_709_551_616.0}));
}

#[test]
fn anchors_and_merge_keys_are_written_out() {
    let text =
        "base: &base {a: 1, b: 2}\none:\n  <<: *base\n  b: 3\ntwo:\n  !!merge <<: [*base]\nlist: &l [x]\nagain: *l";
    let value = read(text);
    assert_eq!(value["one"], json!({"b": 3, "a": 1}));
    assert_eq!(value["two"], json!({"a": 1, "b": 2}));
    assert_eq!(value["again"], json!(["x"]));
}

#[test]
fn one_anchor_may_be_used_many_times() {
    let text = format!("a: &a {{x: 1}}\nall:\n{}", "  - *a\n".repeat(500));
    assert_eq!(read(&text)["all"].as_array().map(Vec::len), Some(500));
}

#[test]
fn byte_order_mark_crlf_tabs_and_other_scripts_are_read() {
    assert_eq!(read("\u{feff}a: 1\r\nb: |\r\n  x\r\n"), json!({"a": 1, "b": "x\n"}));
    assert_eq!(read("\u{feff} {\"a\": 1}"), json!({"a": 1}));
    assert_eq!(read("a: |\n  x\ty\n  \tz\n"), json!({"a": "x\ty\n\tz\n"}));
    assert_eq!(read("имя: Двач {{ x }}"), json!({"имя": "Двач {{ x }}"}));
}

#[test]
fn the_content_decides_between_json_and_yaml() {
    assert_eq!(read("{a: b, c: [d,]}"), json!({"a": "b", "c": ["d"]}));
    assert_eq!(read("\n\t {\"a\":\t1}"), json!({"a": 1}));
    assert_eq!(refuse("{\"a\": 1,, }").line, Some(1));
}

#[test]
fn nothing_is_null() {
    for text in ["", " \n", "# only a remark\n", "---\n"] {
        assert_eq!(read(text), Value::Null, "{text:?}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused_with_its_place() {
    let json = refuse("{\n  \"a\": 1,\n  \"a\": 2\n}");
    assert_eq!((json.line, json.message.as_str()), (Some(3), "a key appears twice"));
    assert!(json.column.is_some());
    let yaml = refuse("b: 1\na: 1\nc:\n  d: 1\n  d: 2\n");
    assert_eq!((yaml.line, yaml.column), (Some(5), Some(3)));
    assert_eq!(yaml.message, "a key appears twice");
    assert_eq!(refuse("200: a\n'200': b\n").message, "a key appears twice");
}

#[test]
fn what_is_not_one_document_of_text_is_refused() {
    assert_eq!(refuse(b"\xff\xfea\0").message, "the text is UTF-16, and only UTF-8 can be read");
    assert_eq!(refuse(b"\xfe\xff\0a").message, "the text is UTF-16, and only UTF-8 can be read");
    assert_eq!(refuse(b"a: b\nc: \xc3\xa9\xff").to_string(), "line 2, column 5: the text is not UTF-8");
    assert_eq!(refuse("a: \0").message, "it holds a NUL byte and is not text");
    let second = refuse("a: 1\n---\nb: 2\n");
    assert_eq!(second.message, "a second document begins, and a file may hold only one");
    assert!(second.line.is_some());
    assert!(refuse("a: [1").line.is_some());
    assert!(refuse("{\"a\": 1} x").line.is_some());
    assert_eq!(refuse("? [a, b]\n: c\n").line, Some(1));
    assert_eq!(refuse("a: *nobody").message, "an alias names an anchor that does not exist");
}

/// Texts of a file that no message may repeat: each is put where a reader could stumble.
const STUMBLES: [&str; 24] = [
    "CANARY: [1",
    "a: CANARY: b",
    "CANARY\nb: c",
    "CANARY: 1\nCANARY: 2",
    "{\"CANARY\": 1, \"CANARY\": 2}",
    "{\"a\": CANARY}",
    "{\"a\": \"CANARY}",
    "{\"CANARY\" 1}",
    "{CANARY",
    "[CANARY",
    "a: *CANARY",
    "a: &CANARY [*CANARY]",
    "a: !CANARY!x y",
    "!<CANARY a: b",
    "%CANARY x\n---\na",
    "%TAG !CANARY! x\n%TAG !CANARY! y\n---\na",
    "a: \"\\CANARY\"",
    "a: 'CANARY",
    "? {CANARY: 1}\n: c",
    "a: @CANARY",
    "a: |CANARY\n x",
    "a: !!binary CANARY%%",
    "<<: CANARY",
    "a:\n\tCANARY: b",
];

proptest! {
    #[test]
    fn no_message_repeats_a_text_of_the_file(
        stumble in prop::sample::select(STUMBLES.to_vec()),
        word in "[A-Z]{8}[0-9]{2}",
        before in "([a-z]{1,3}: [a-z]{1,3}\n){0,3}",
        rest in "[ -~\n]{0,20}",
    ) {
        let text = format!("{before}{}{rest}", stumble.replace("CANARY", &word));
        if let Err(error) = parse(text.as_bytes()) {
            prop_assert!(!error.to_string().contains(&word), "{error}: {text:?}");
        }
        if let Err(error) = parse_json(&text, &Cell::new(MAX_VALUES)) {
            prop_assert!(!error.to_string().contains(&word), "{error}: {text:?}");
        }
    }
}

#[test]
fn a_message_is_one_line() {
    for text in ["a: [1", "a: b: c", "a: \"\\q\"", "{\"a\": \"\u{1}\"}", "a: &a [*a]", "- a\nb: c", "%"] {
        let error = refuse(text);
        assert!(!error.message.contains('\n') && error.message.len() < 200, "{error}");
        assert!(!error.message.ends_with('.'), "{error}");
    }
}

#[test]
fn bombs_are_refused() {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "a0: &a0 {k: x}\n".to_owned();
    for i in 1..30 {
        let before = format!("*a{}", i - 1);
        aliases += &format!("a{i}: &a{i} [{}]\n", [before.as_str(); 10].join(", "));
        merges += &format!("a{i}: &a{i}\n  <<: [{}]\n  k{i}: x\n", [before.as_str(); 10].join(", "));
    }
    let long = format!("a: &a \"{}\"\nall:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(2_000));
    for bomb in [aliases, merges, long] {
        let error = refuse(&bomb);
        assert!(error.line.is_some() && error.message.contains("more"), "{error}");
    }
}

#[test]
fn deep_nesting_is_refused_and_sensible_nesting_is_read() {
    for (depth, read) in [(60, true), (10_000, false), (200_000, false)] {
        let json = ["[".repeat(depth), "]".repeat(depth)].concat();
        let objects = ["{\"a\":".repeat(depth), "}".repeat(depth)].join("1");
        assert_eq!(parse(json.as_bytes()).is_ok(), read, "{depth} lists");
        assert_eq!(parse(objects.as_bytes()).is_ok(), read, "{depth} objects");
        assert_eq!(parse(format!("a: {json}").as_bytes()).is_ok(), read, "{depth} flow lists");
        if !read {
            assert_eq!(refuse(&json).message, "the nesting is too deep");
            assert_eq!(refuse(format!("a: {json}")).message, "the nesting is too deep");
            assert_eq!(refuse("- ".repeat(depth) + "x").message, "the nesting is too deep");
        }
        assert_eq!(parse(("- ".repeat(depth) + "x").as_bytes()).is_ok(), read, "{depth} block lists");
    }
}

#[test]
fn the_number_of_values_is_limited_in_both_notations() {
    let few = &Cell::new(3);
    assert!(parse_json("[1, 2]", few).is_ok());
    assert_eq!(few.get(), 0);
    assert!(parse_json("[1, 2]", &Cell::new(2)).is_err());
    assert!(parse_yaml("[1, 2]", &Cell::new(3)).is_ok());
    assert_eq!(parse_yaml("- 1\n- 2", &Cell::new(2)).expect_err("too many").line, Some(2));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_is_read_as_serde_json_reads_it(value in any_value(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.expect("a value can be written");
        let expected: Value = serde_json::from_str(&text).expect("what was written can be read");
        let read = parse_json(&text, &Cell::new(MAX_VALUES)).expect("what was written can be read");
        prop_assert_eq!(&read, &expected);
        prop_assert_eq!(read.to_string(), expected.to_string(), "the order of keys");
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[ -~\n\t&*<{}\\[\\]:,|>'\"#!%-]{0,120}") {
        let _ = parse(&bytes);
        let _ = parse(text.as_bytes());
    }
}
