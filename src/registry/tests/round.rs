//! A record is the same after it was written and read.

use proptest::prelude::*;

use super::*;

/// Text with everything that TOML could stumble over.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "\"",
        "'",
        "'''",
        "\"\"\"",
        "\\",
        "\n",
        "\r\n",
        "\t",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "#",
        "=",
        "[x]",
        "{{",
        "${{ x }}",
        "]]>",
        "<&>",
        "\u{202e}",
        "🦀",
        "é",
        ": ",
        " ",
        "a",
        "true",
        "1979-05-27",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..20).prop_map(|pieces| pieces.concat()), "\\PC{0,60}"]
}

fn other() -> impl Strategy<Value = toml::Table> {
    let value = prop_oneof![
        hostile().prop_map(toml::Value::String),
        any::<i64>().prop_map(toml::Value::Integer),
        any::<bool>().prop_map(toml::Value::Boolean),
    ];
    let table = prop::collection::btree_map("[a-z]{1,5}", value.clone(), 0..3)
        .prop_map(|table| toml::Value::Table(table.into_iter().collect()));
    let array = prop::collection::vec(table.clone(), 1..3).prop_map(toml::Value::Array);
    prop::collection::btree_map("x_[a-z\" ]{1,5}", prop_oneof![value, table, array], 0..4)
        .prop_map(|table| table.into_iter().collect())
}

fn any_record() -> impl Strategy<Value = Record> {
    let texts = (hostile(), hostile(), hostile(), hostile());
    (texts, other(), prop::collection::vec(hostile(), 0..4), proptest::option::of(0..i64::MAX as u64)).prop_map(
        |((title, description, path, note), other, environments, id)| {
            let mut record = record("my-api");
            record.history[0].note = (!note.is_empty()).then_some(note);
            record.repository.id = id;
            live_on(&mut record, &title, environments.len());
            Record { title, description, base_path: path, environments, other, ..record }
        },
    )
}

/// What a record has after some phases.
fn live_on(record: &mut Record, text: &str, times: usize) {
    let (by, date) = ("Ada <ada@example.com>".to_owned(), "2026-01-02T03:04:05Z".to_owned());
    for number in 0..times {
        let (gate, by, date) = (format!("gate-{number}"), by.clone(), date.clone());
        let (other, when) = (by.clone(), date.clone());
        record.waivers.push(Waiver { gate: gate.clone(), reason: text.to_owned(), by, date });
        record.evidence.push(Evidence { gate, link: format!("https://h/{text}"), by: other, date: when });
        record.ending.sunset = "2027-01-31".parse().ok();
        record.ending.successor = Some(text.to_owned());
    }
}

proptest! {
    #[test]
    fn a_record_is_equal_after_writing_and_reading(record in any_record()) {
        let text = entry::text(&record, None, "r").expect("written");
        let entry = StoredRecord { path: layout::record("my-api"), bytes: text.clone().into_bytes() };
        prop_assert_eq!(entry.parse().expect("read"), record.clone());
        prop_assert_eq!(entry::text(&record, Some(&entry), "r").expect("written"), text);
    }

    #[test]
    fn unknown_keys_of_the_stored_record_are_kept(stored in any_record(), title in hostile()) {
        let old = StoredRecord {
            path: layout::record("my-api"),
            bytes: entry::text(&stored, None, "r").expect("written").into_bytes(),
        };
        let new = Record { title, other: toml::Table::new(), ..stored.clone() };
        let bytes = entry::text(&new, Some(&old), "r").expect("written").into_bytes();
        let read = StoredRecord { path: old.path, bytes }.parse().expect("read");
        prop_assert_eq!(read, Record { title: new.title, ..stored });
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let flaw = StoredRecord { path: layout::record("my-api"), bytes }.parse().expect_err("never a record");
        prop_assert!(!flaw.message.is_empty());
    }
}

#[test]
fn unknown_keys_inside_known_tables_are_kept_too() {
    let fresh = Fresh::new();
    let record = record("my-api");
    fresh.registry.add(&record, &by()).expect("added");
    let path = layout::record("my-api");
    let text = entry::text(&record, None, "r").expect("written");
    let newer = text.replace("[repository]", "[repository]\nforge = \"x\"") + "evidence = [\"link\"]\n";
    let newer = format!("seen = 2027-01-02T03:04:05Z\n{newer}");
    let edits = [Edit { path: path.clone(), bytes: Some(newer.into_bytes()) }];
    let head = fresh.registry.store.snapshot().expect("read").head();
    let writer = fresh.registry.store.writer().expect("turn");
    writer.update(head.as_deref(), &edits, "A newer version", &by()).expect("written");
    drop(writer);
    let read = fresh.registry.get("my-api").expect("read").expect("there");
    fresh.registry.activate(&read, &by()).expect("activated");
    let bytes = fresh.registry.store.snapshot().expect("read").read(&path).expect("read").expect("there");
    let table: toml::Table = toml::from_str(&String::from_utf8(bytes).expect("text")).expect("TOML");
    assert_eq!(table["state"].as_str(), Some("active"));
    assert_eq!(table["repository"]["forge"].as_str(), Some("x"));
    assert_eq!(table["history"][0]["evidence"][0].as_str(), Some("link"));
    assert!(table["seen"].is_datetime(), "{table}");
    assert_eq!(serde_json::to_value(&read).expect("JSON")["seen"], "2027-01-02T03:04:05Z");
}

#[test]
fn a_record_reads_like_a_document() {
    let text = entry::text(&record("my-api"), None, "r").expect("written");
    assert_eq!(text, READABLE);
}

const READABLE: &str = r#"name = "my-api"
short_name = "short-my-api"
guid = "f094989c-0d7e-5237-9e15-c4632c1d798d"
spec_guid = "42ae5d6b-8d91-58ce-b69a-eef423038152"
title = "A title"
description = ""
owner = "a team"
contact = "team@example.com"
style = "apigee"
base_path = "base/my-api"
environments = ["internal-dev"]
service_level = "bronze"
state = "reserved"
phase = "inception"

[repository]
url = "file:///apis/my-api"

[template]
name = "apigee"
source = "builtin"
revision = "r1"

[[history]]
phase = "inception"
date = "2026-01-02T03:04:05Z"
by = "Ada <ada@example.com>"
"#;
