//! Title, owner, contact and the like of a generated repository are changed in `environments.toml`: `make generate` writes
//! them wherever else they stand, and `make lint` names what is left.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::hostile::hostile;
use crate::phase::{LIFE, moved};
use crate::program::{Program, Ran};
use crate::tools::thorough;

const LIST: &str = "environments.toml";

/// Runs `scripts/generate.py` of a repository.
pub(crate) fn generate(repository: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("python3");
    command.arg("scripts/generate.py").args(arguments).current_dir(repository).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("PYTHONDONTWRITEBYTECODE", "1");
    command.output().expect("python starts")
}

/// The text of `environments.toml` with other values in `[api]`.
fn changed(text: &str, values: &BTreeMap<&str, toml::Value>) -> String {
    let (api, rest) = text.split_once("\n[lifecycle]").expect("two tables");
    let line = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        values.get(key).map_or_else(|| line.to_owned(), |value| format!("{key} = {value}"))
    };
    format!("{}\n[lifecycle]{rest}", api.lines().map(line).collect::<Vec<_>>().join("\n"))
}

fn read(repository: &Path, path: &str) -> String {
    fs::read_to_string(repository.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(repository: &Path, path: &str) -> Value {
    apiscaffold::openapi::document::parse(read(repository, path).as_bytes()).expect("YAML")
}

/// The text that a line of Markdown shows.
fn shown(line: &str) -> String {
    let mut characters = line.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next().expect("an escaped character") } else { character });
    }
    text
}

/// What an owner may choose: one line each, whatever is in it.
fn values() -> impl Strategy<Value = BTreeMap<&'static str, toml::Value>> {
    let text = |strategy: BoxedStrategy<String>| strategy.prop_map(toml::Value::String).boxed();
    let owner = text("[A-Za-z0-9][A-Za-z0-9 ._-]{0,20}[A-Za-z0-9]".boxed());
    let contact = text("[a-z]{1,8}[.+%_-]?[a-z]{1,3}@[a-z]{1,6}\\.[a-z]{2,3}".boxed());
    let owners = prop::collection::vec("@[A-Za-z]{1,8}(/[a-z]{1,4}[._-]?[a-z]{1,4})?", 1..4);
    (text(hostile().boxed()), text(hostile().boxed()), text(hostile().boxed()), owner, contact, owners).prop_map(
        |(title, description, product_owner, owner, contact, owners)| {
            let owners = owners.into_iter().map(toml::Value::String).collect();
            BTreeMap::from([
                ("title", title),
                ("description", description),
                ("product_owner", product_owner),
                ("owner", owner),
                ("contact", contact),
                ("service_level", toml::Value::String("gold".to_owned())),
                ("code_owners", toml::Value::Array(owners)),
            ])
        },
    )
}

/// Every file that names something gives the value back.
fn check(repository: &Path, values: &BTreeMap<&str, toml::Value>) {
    let text = |key: &str| values[key].as_str().expect("a text");
    let catalogue = yaml(repository, "catalog-info.yaml");
    assert_eq!(catalogue["metadata"]["title"], text("title"));
    assert_eq!(catalogue["metadata"]["description"], text("description"));
    for key in ["owner", "contact", "service_level"] {
        assert_eq!(catalogue["metadata"]["annotations"][format!("apiscaffold/{key}")], text(key));
    }
    if repository.join("manifest.yml").exists() {
        for environment in yaml(repository, "manifest.yml")["apigee"]["environments"].as_array().expect("a list") {
            let product = &environment["products"][0];
            assert!(product["displayName"].as_str().expect("a text").starts_with(text("title")), "{product}");
            assert_eq!(product["description"], text("description"));
        }
    }
    let readme = read(repository, "README.md");
    let lines: Vec<String> = readme.lines().take(20).map(shown).collect();
    let owner = format!("| Owner | {} (product owner: {}) |", text("owner"), text("product_owner"));
    let contact = format!("| Contact | {} |", text("contact"));
    for line in [&format!("# {}", text("title")), text("description"), &owner, &contact, "| Service level | gold |"] {
        assert!(lines.iter().any(|shown| shown == line), "{line}\n{readme}");
    }
    assert!(read(repository, "SECURITY.md").lines().any(|line| shown(line) == text("contact")));
    let owners: Vec<&str> = values["code_owners"].as_array().into_iter().flatten().filter_map(|o| o.as_str()).collect();
    assert!(read(repository, ".github/CODEOWNERS").contains(&format!("\n* {}\n", owners.join(" "))));
}

#[test]
fn whatever_an_owner_writes_in_one_file_stands_in_all_others_after_make_generate() {
    let program = Program::new();
    for style in ["apigee", "proxygen"] {
        program.done(&["new", style, "--set", &format!("style={style}")]);
    }
    let cases = if thorough() { 100 } else { 16 };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let is_apigee = prop::sample::select(vec!["apigee", "proxygen"]);
    let run = runner.run(&(values(), is_apigee), |(values, style)| {
        let repository = program.folder().join(style);
        let before = program.git(style, &["show", &format!("HEAD:{LIST}")]) + "\n";
        fs::write(repository.join(LIST), changed(&before, &values)).expect("written");
        let stale = Ran::of(&generate(&repository, &["--check"]));
        assert!(stale.code == Some(1) && stale.stderr.contains("run `make generate`"), "{stale:?}");
        let written = Ran::of(&generate(&repository, &[]));
        assert_eq!(written.code, Some(0), "{written:?}");
        check(&repository, &values);
        // The document is the producer's; it is only noted that it still has the former ones.
        let green = Ran::of(&generate(&repository, &["--check"]));
        assert!(green.code == Some(0) && green.stderr.lines().all(|line| line.starts_with("note: ")), "{green:?}");
        Ok(())
    });
    run.expect("every value is given back");
}

#[test]
fn what_no_file_could_hold_is_refused_and_nothing_is_written() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let repository = program.folder().join("lib");
    let before = read(&repository, LIST);
    let text = |text: &str| toml::Value::String(text.to_owned());
    let wrong = [
        ("title", text(""), "`title` of [api] must not be empty"),
        ("title", text(" \t"), "`title` of [api] must not be empty"),
        ("title", text("a\nb"), "`title` of [api] must be one line"),
        ("title", text("a\rb"), "`title` of [api] must be one line"),
        ("title", toml::Value::Integer(1), "`title` of [api] must be a text"),
        ("owner", text("a\nb"), "`owner` of [api] must be one line"),
        ("contact", text("somebody"), "`contact` of [api] must be an e-mail address"),
        ("contact", text("a@b.uk | c"), "`contact` of [api] must be an e-mail address"),
        ("code_owners", toml::Value::Array(vec![text("nobody")]), "`code_owners` of [api] must be a list of"),
        ("code_owners", toml::Value::Array(vec![text("@a\n@b")]), "`code_owners` of [api] must be a list of"),
        ("code_owners", text("@a"), "`code_owners` of [api] must be a list of"),
    ];
    for (key, value, sentence) in wrong {
        fs::write(repository.join(LIST), changed(&before, &BTreeMap::from([(key, value.clone())]))).expect("written");
        let ran = Ran::of(&generate(&repository, &[]));
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(1), 1), "{key} {value}: {ran:?}");
        assert!(ran.stderr.contains(sentence), "{key} {value}: {ran:?}");
    }
    let without: String =
        before.lines().filter(|line| !line.starts_with("contact = ")).map(|l| format!("{l}\n")).collect();
    fs::write(repository.join(LIST), without).expect("written");
    let ran = Ran::of(&generate(&repository, &[]));
    assert!(ran.stderr.contains("`contact` of [api] must be a text"), "{ran:?}");
    assert_eq!(program.git("lib", &["diff", "--name-only"]), LIST);
}

/// A repository `lib` with other names, generated and committed.
fn renamed(program: &Program, values: &[(&str, &str)]) {
    let repository = program.folder().join("lib");
    let values = values.iter().map(|(key, value)| (*key, toml::Value::String((*value).to_owned()))).collect();
    fs::write(repository.join(LIST), changed(&read(&repository, LIST), &values)).expect("written");
    let ran = Ran::of(&generate(&repository, &[]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    program.git("lib", &["commit", "-qam", "Rename"]);
}

#[test]
fn what_still_has_a_former_name_is_named_with_file_and_line() {
    let program = Program::new();
    let first =
        ["title=Books & Co API", "owner_team=Book Team", "product_owner=Ada Lovelace", "contact_email=a@books.uk"];
    let answers: Vec<&str> = first.iter().flat_map(|answer| ["--set", answer]).collect();
    program.done(&[&["new", "lib"], &answers[..]].concat());
    let second =
        [("title", "Loans"), ("owner", "Loan Team"), ("product_owner", "Grace Hopper"), ("contact", "b@books.uk")];
    renamed(&program, &second);
    // The former ones are found in the receipt and in the history.
    let third = [("title", "Books & Co"), ("owner", "Shelf Team"), ("product_owner", ""), ("contact", "c@books.uk")];
    renamed(&program, &third);
    let repository = program.folder().join("lib");
    program.write(
        "lib/notes/found.md",
        "One\n\nThe *Books &\nCo API*.\nBooks \\& Co API\nLoan Team,\nGrace Hopper\nAda Lovelace: a@books.uk.\n",
    );
    program.write("lib/notes/found.xml", "<a>Books &amp; Co API</a>\n<b c='b@books.uk'/>\n");
    program.write(
        "lib/notes/other.md",
        "Books & Co, @Org/book-team, Loans, xa@books.uk, a@books.uk.com, Loan Teams, MyLoan Team\n",
    );
    program.write("lib/notes/image.bin", b"Loan Team\xff\xfe");
    program.write("lib/docs/decisions/0002-names.md", "Books & Co API became Loans, of the Loan Team.\n");
    let not_tracked = Ran::of(&generate(&repository, &["--check"]));
    assert_eq!(not_tracked.code, Some(0), "{not_tracked:?}");
    program.git("lib", &["add", "-A"]);
    let ran = Ran::of(&generate(&repository, &["--check"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let (notes, wrong): (Vec<&str>, Vec<&str>) = ran.stderr.lines().partition(|line| line.starts_with("note: "));
    let wanted = [
        "notes/found.md:3: `Books & Co API` is not the title any more, but `Books & Co`",
        "notes/found.md:5: `Books & Co API` is not the title any more, but `Books & Co`",
        "notes/found.md:6: `Loan Team` is not the owner any more, but `Shelf Team`",
        "notes/found.md:7: `Grace Hopper` is not the product owner any more, and there is none",
        "notes/found.md:8: `Ada Lovelace` is not the product owner any more, and there is none",
        "notes/found.md:8: `a@books.uk` is not the contact any more, but `c@books.uk`",
        "notes/found.xml:1: `Books & Co API` is not the title any more, but `Books & Co`",
        "notes/found.xml:2: `b@books.uk` is not the contact any more, but `c@books.uk`",
    ];
    assert_eq!(wrong[..wrong.len() - 1], wanted, "{ran:?}");
    assert!(wrong[wrong.len() - 1].contains("may stay in docs/decisions"), "{ran:?}");
    // A single word may be meant otherwise, and the document is the producer's.
    assert!(notes.iter().any(|note| note.starts_with("note: notes/other.md:1: `Loans`")), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("note: specification/lib.yaml:3: `Books & Co API`")), "{notes:?}");
    assert!(notes.iter().all(|note| note.contains("/lib.yaml:") || note.contains("`Loans`")), "{notes:?}");
}

#[test]
fn what_the_document_says_otherwise_is_noted() {
    let program = Program::new();
    program.done(&["new", "lib", "--set", "title=Books & Co", "--set", "contact_email=a@books.uk"]);
    let repository = program.folder().join("lib");
    let info = |title: Value, email: Value| json!({"info": {"title": title, "contact": {"email": email}}}).to_string();
    let cases = [
        (info(json!("Books & Co"), json!("a@books.uk")), vec![]),
        (info(json!(" Books  &\nCo "), Value::Null), vec![]),
        (json!({"info": {"title": "Books & Co", "contact": []}}).to_string(), vec![]),
        (info(json!("Loans"), json!("a@books.uk")), vec!["its title is `Loans`"]),
        (info(json!("Loans"), json!("b@books.uk")), vec!["its title is `Loans`", "its contact is `b@books.uk`"]),
    ];
    for (document, wanted) in cases {
        program.write("lib/build/document.json", &document);
        let ran = Ran::of(&generate(&repository, &["--check", "build/document.json"]));
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(0), wanted.len()), "{document}: {ran:?}");
        assert!(ran.stderr.lines().zip(wanted).all(|(note, text)| note.contains(text)), "{document}: {ran:?}");
    }
    for broken in ["", "[]", "{\"info\": 1}"] {
        program.write("lib/build/document.json", broken);
        let ran = Ran::of(&generate(&repository, &["--check", "build/document.json"]));
        assert!(ran.code == Some(1) && ran.stderr.contains("cannot be read: run `make lint`"), "{broken}: {ran:?}");
    }
}

#[test]
fn a_repository_with_other_names_moves_through_all_phases() {
    let program = Program::new();
    for style in ["apigee", "proxygen"] {
        let registry = format!("{style}.registry");
        program.done(&["new", "my-api", "--registry", &registry, "--into", style, "--set", &format!("style={style}")]);
        let repository = program.folder().join(style).join("my-api");
        let names = [
            ("title", "Loans: a \"new\" one"),
            ("owner", "Loan Team"),
            ("contact", "b@books.uk"),
            ("description", "X"),
            ("service_level", "gold"),
        ];
        let values = names.iter().map(|(key, value)| (*key, toml::Value::String((*value).to_owned()))).collect();
        fs::write(repository.join(LIST), changed(&read(&repository, LIST), &values)).expect("written");
        assert!(generate(&repository, &[]).status.success());
        crate::program::git(&repository, &["commit", "-qam", "Rename"]);
        for (phase, gates, more) in LIFE {
            moved(&program, phase, gates, &[more, &["--registry", &registry]].concat());
            // As the command says: an environment that a phase adds comes with the template's first names.
            let ran = Ran::of(&generate(&repository, &[]));
            let is_added = phase == "beta" && style == "apigee";
            let said = if is_added { "manifest.yml: written\n" } else { "" };
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), said), "{style} {phase}: {ran:?}");
            crate::program::git(&repository, &["commit", "-qam", "Generate", "--allow-empty"]);
            let ran = Ran::of(&generate(&repository, &["--check"]));
            assert_eq!(ran.code, Some(0), "{style} {phase}: {ran:?}");
            assert_eq!(yaml(&repository, "catalog-info.yaml")["metadata"]["title"], names[0].1, "{style} {phase}");
            assert_eq!(yaml(&repository, "catalog-info.yaml")["metadata"]["labels"]["phase"], phase, "{style}");
        }
    }
}
