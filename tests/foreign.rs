//! Texts from elsewhere: what steers a terminal and what is secret is taken in nowhere, and shown nowhere.

use serde_json::{Value, json};

use crate::program::{Program, Ran};
use crate::registry::{by_hand, store};

/// Every character that steers a terminal, ends a line or changes the direction of text.
fn steering() -> Vec<char> {
    let controls = (0..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control());
    let directions = ['\u{61c}', '\u{200e}', '\u{200f}'].into_iter().chain('\u{2028}'..='\u{202e}');
    controls.chain(directions).chain('\u{2066}'..='\u{2069}').collect()
}

/// Addresses with a secret in them, each of another kind.
const SECRET: [&str; 7] = [
    "https://me:hunter2@example.org/x",
    "https://hunter2@example.org/x",
    "HTTPS://me:hunter2@example.org/x",
    "https:me:hunter2@example.org/x",
    "https://me:hunter2/3@example.org/x",
    "ssh://me:hunter2@example.org/x",
    "https://example.org/x?access_token=hunter2",
];

/// The fields of a record that hold any text, by the columns of CSV.
const FIELDS: [&str; 12] = [
    "short_name",
    "title",
    "description",
    "owner",
    "contact",
    "style",
    "base_path",
    "service_level",
    "repository_url",
    "template_name",
    "template_source",
    "template_revision",
];

/// Keys that only a record in TOML has, each with a place (`§`) for a text.
const DEEPER: [&str; 12] = [
    "environments = [§]",
    "unheard = §",
    "unheard = [[§]]",
    "unheard = { of = { keys = § } }",
    "unheard = { § = 1 }",
    "evidence = [{ gate = \"g\", link = §, by = \"b\", date = \"2026-01-31T12:00:00Z\" }]",
    "evidence = [{ gate = §, link = \"https://example.org\", by = \"b\", date = \"2026-01-31T12:00:00Z\" }]",
    "waivers = [{ gate = \"g\", reason = §, by = \"b\", date = \"2026-01-31T12:00:00Z\" }]",
    "history = [{ phase = \"live\", date = \"2026-01-31T12:00:00Z\", by = \"b\", note = § }]",
    "history = [{ phase = \"live\", date = \"2026-01-31T12:00:00Z\", by = § }]",
    "ending = { documentation = § }",
    "ending = { successor = § }",
];

/// A text in double quotes as JSON, TOML and YAML read it.
fn quoted(text: &str) -> String {
    let escaped =
        |c: char| if c.is_ascii_graphic() || c == ' ' { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    json!(text).to_string().chars().map(escaped).collect()
}

/// A record in TOML where `field`, a column of CSV, is `text`.
fn toml(name: &str, field: &str, text: &str) -> String {
    let mut tables = [("repository", String::new()), ("template", String::new())];
    let mut root = format!("name = \"{name}\"\nphase = \"live\"\n");
    match tables.iter_mut().find_map(|(table, lines)| Some((field.strip_prefix(&format!("{table}_"))?, lines))) {
        Some((key, lines)) => *lines += &format!("{key} = {}\n", quoted(text)),
        None => root += &format!("{field} = {}\n", quoted(text)),
    }
    if field != "repository_url" {
        tables[0].1 += &format!("url = \"https://example.org/{name}\"\n");
    }
    root + &*tables.map(|(table, lines)| format!("[{table}]\n{lines}")).concat()
}

/// An entity of Backstage where `field`, a column of CSV, is `text`.
fn entity(name: &str, field: &str, text: &str) -> String {
    let text = quoted(text);
    let source = format!("backstage.io/source-location: {}", quoted(&format!("url:https://example.org/{name}")));
    let (metadata, annotations) = match field {
        "title" | "description" => (format!("  {field}: {text}\n"), source),
        "repository_url" => (String::new(), format!("backstage.io/source-location: {text}")),
        _ => (String::new(), format!("{source}\n    apiscaffold/{field}: {text}")),
    };
    format!(
        "kind: API\nmetadata:\n  name: {name}\n{metadata}  annotations:\n    {annotations}\nspec:\n  lifecycle: live\n"
    )
}

fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Imports a record for each field and text, in each notation: every one of them must be refused by its file.
fn refused_everywhere(texts: &[String], what: &str) -> Ran {
    let program = Program::new();
    let mut files = Vec::new();
    let mut put = |path: String, text: String| {
        program.write(&path, text);
        files.push(path);
    };
    for (number, text) in texts.iter().enumerate() {
        for field in FIELDS {
            let name = format!("n{number}-{}", field.replace('_', "-"));
            if field == "description" && ["a\nb", "a\tb"].contains(&text.as_str()) {
                continue;
            }
            put(format!("in/toml/{name}.toml"), toml(&name, field, text));
            put(format!("in/yaml/{name}/catalog-info.yaml"), entity(&name, field, text));
            let url = if field == "repository_url" { String::new() } else { format!("https://example.org/{name}") };
            let (extra, value) =
                if field == "repository_url" { ("", String::new()) } else { (",repository_url", format!(",{url}")) };
            put(
                format!("in/csv/{name}.csv"),
                format!("name,phase,{field}{extra}\n{name},live,{}{value}\n", cell(text)),
            );
        }
        for (place, line) in DEEPER.iter().enumerate() {
            let name = format!("n{number}-deeper{place}");
            let line = line.replace('§', &quoted(text));
            let record = format!(
                "name = \"{name}\"\nphase = \"live\"\n{line}\n[repository]\nurl = \"https://example.org/{name}\"\n"
            );
            put(format!("in/toml/{name}.toml"), record);
        }
    }
    let ran = program.run(&["registry", "import", "in"]);
    assert_eq!(ran.code, Some(2), "{what}");
    let taken: Vec<&String> = files.iter().filter(|file| !ran.stderr.contains(&format!("`{file}` line "))).collect();
    assert!(taken.is_empty(), "{what}: these were taken: {taken:?}");
    assert!(!store(&program).exists(), "{what}");
    ran
}

fn assert_safe(ran: &Ran, kept: &str, what: &str) {
    let steers = steering();
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let bad = text.chars().find(|c| steers.contains(c) && !kept.contains(*c));
        assert_eq!(bad, None, "{what}: {stream}: {text:?}");
    }
}

#[test]
fn no_character_that_steers_is_imported_in_any_field_from_any_notation() {
    let texts: Vec<String> = steering().into_iter().map(|c| format!("a{c}b")).collect();
    let ran = refused_everywhere(&texts, "characters");
    assert_safe(&ran, "\n", "the refusal");
}

#[test]
fn no_secret_in_an_address_is_imported_in_any_field_from_any_notation() {
    let texts = SECRET.map(str::to_owned);
    let ran = refused_everywhere(&texts, "secrets");
    assert!(!ran.stderr.contains("hunter2") && !ran.stdout.contains("hunter2"), "{ran:?}");
}

#[test]
fn new_takes_no_character_that_steers_and_no_secret() {
    let program = Program::new();
    let steering = ['\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{200e}', '\u{2028}', '\u{202e}', '\u{2066}'];
    let titles = steering.map(|c| format!("a{c}b")).into_iter().chain(SECRET[..2].iter().map(|&text| text.to_owned()));
    for title in titles {
        for given in [json!({"title": title}), json!({"description": format!("\u{202e}{title}")})] {
            program.write("answers.json", given.to_string());
            let ran = program.run(&["new", "my-api", "--answers", "answers.json"]);
            assert_eq!(ran.code, Some(2), "{given}: {ran:?}");
            assert_safe(&ran, "\n", &title);
            assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
            let doctor = program.run(&["doctor", "my-api", "--answers", "answers.json"]);
            assert!(doctor.code != Some(0) && doctor.stdout.contains("problem  template"), "{given}: {doctor:?}");
            assert_safe(&doctor, "\n", &title);
        }
    }
    program.write("spec.yaml", "openapi: 3.0.3\ninfo: {title: \"a\\u202eb\", version: '1'}\npaths: {}\n");
    let ran = program.run(&["new", "my-api", "--spec", "spec.yaml"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("`title` holds") && ran.stderr.contains("U+202E"), "{ran:?}");
    assert!(!program.folder().join("my-api").exists() && !store(&program).exists());
    program.write("spec.yaml", "openapi: 3.0.3\ninfo: {title: \"Two\\nlines\", version: '1'}\npaths: {}\n");
    program.done(&["new", "my-api", "--spec", "spec.yaml"]);
    assert_eq!(program.done(&["show", "my-api", "--json"]).json()["title"], "Two lines");
}

#[test]
fn no_phase_takes_a_secret() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    for secret in SECRET {
        let evidence = format!("kick-off={secret}");
        let note = format!("see {secret}");
        for arguments in [
            &["--evidence", &evidence][..],
            &["deprecated", "--documentation", secret],
            &["deprecated", "--successor", secret],
            &["--waive", &evidence],
            &["discovery", "--waive", "kick-off=x", "--note", &note],
        ] {
            let ran = program.run(&[&["phase", "my-api"], arguments].concat());
            assert!(matches!(ran.code, Some(2 | 5)), "{arguments:?}: {ran:?}");
            assert!(!ran.stderr.contains("hunter2"), "{arguments:?}: {ran:?}");
        }
    }
    let record = program.done(&["show", "my-api", "--json"]).json();
    assert_eq!(
        (&record["phase"], &record["evidence"], &record["waivers"]),
        (&json!("inception"), &Value::Null, &Value::Null)
    );
}

/// A record of a registry that was written before the rules were: `text` is in every field.
fn old_record(program: &Program, text: &str) {
    let quoted = quoted(text);
    let fields: String = ["title", "description", "owner", "contact", "style", "service_level"]
        .map(|key| format!("{key} = {quoted}\n"))
        .concat();
    let record = format!(
        "name = \"old-api\"\nshort_name = {quoted}\nguid = \"6f1c8d52-0b3e-4c7a-9e25-41d7a860f39b\"\n\
         spec_guid = \"6f1c8d52-0b3e-4c7a-9e25-41d7a860f39c\"\nbase_path = {quoted}\nstate = \"active\"\nphase = \"inception\"\n\
         environments = [{quoted}]\nunheard = {{ {quoted} = {quoted} }}\n{fields}\n[repository]\nurl = {quoted}\n\n[template]\n\
         name = {quoted}\nsource = \"builtin\"\nrevision = {quoted}\n\n[ending]\nsuccessor = {quoted}\n\n[[history]]\n\
         phase = \"inception\"\ndate = \"2026-01-31T12:00:00Z\"\nby = {quoted}\nnote = {quoted}\n\n[[evidence]]\n\
         gate = \"kick-off\"\nlink = {quoted}\nby = {quoted}\ndate = {quoted}\n\n[[waivers]]\ngate = \"kick-off\"\n\
         reason = {quoted}\nby = {quoted}\ndate = {quoted}\n"
    );
    let file = program.write("old.toml", record);
    let path = apiscaffold::registry::path(&apiscaffold::model::name::ApiName::new("old-api").expect("a name"));
    let folder = path.rsplit_once('/').expect("a folder").0;
    by_hand(program, &format!("mkdir -p {folder} && cp '{}' {path}", file.display()));
}

#[test]
fn an_old_record_with_characters_that_steer_is_read_and_shown_without_them() {
    let all: String = std::iter::once('a').chain(steering()).chain(['b']).collect();
    let program = Program::new();
    program.done(&["new", "first"]);
    old_record(&program, &format!("{all}\nerror: a line of its own\nfake-api  fa  live"));
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", "old-api"],
        &["show", "old-api", "--json"],
        &["registry", "check"],
        &["registry", "check", "--json"],
        &["registry", "export", "--format", "json"],
        &["registry", "export", "--format", "backstage"],
        &["registry", "export", "--format", "csv"],
        &["registry", "release", "old-api", "--yes"],
        &["phase", "old-api"],
        &["phase", "old-api", "--json"],
        &["new", "old-api"],
        &["new", "another", "--set", "short_name=x"],
    ] {
        let ran = program.run(arguments);
        assert!(ran.code.is_some_and(|code| code != 101), "{arguments:?}: {ran:?}");
        let kept = if arguments.contains(&"export") { "\n\t" } else { "\n" };
        assert_safe(&ran, kept, &format!("{arguments:?}"));
        let said = if arguments.contains(&"export") { &ran.stderr } else { &format!("{}{}", ran.stdout, ran.stderr) };
        assert!(!said.lines().any(|line| line.starts_with("fake-api") || line == "error: a line of its own"), "{said}");
    }
    let table = program.done(&["list"]).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("a\\u0000\\u0001") && table.contains("\\u202e"), "{table}");
    let record = program.done(&["show", "old-api", "--json"]).json();
    assert!(record["title"].as_str().expect("text").starts_with(&all), "JSON gives the text back");
    let shown: toml::Table = toml::from_str(&program.done(&["show", "old-api"]).stdout).expect("TOML");
    assert_eq!(shown["title"].as_str(), record["title"].as_str(), "and so does TOML");
    program.done(&["phase", "old-api", "--waive", "kick-off=another reason"]);
}
