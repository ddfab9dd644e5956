//! The exported page: read by an HTML parser, and looked at in a real browser.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use apiscaffold::disk;
use apiscaffold::model::record::Record;
use apiscaffold::model::tree::Tree;
use apiscaffold::page::site;
use jiff::Timestamp;
use scraper::{ElementRef, Html, Selector};

use crate::program::{Program, files};
use crate::tools::browser;

/// Each of them tries to leave its place, or to fill the page.
const HOSTILE: [&str; 10] = [
    "</title></h2></li></ul></main><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)' x='",
    "--><!-- <!DOCTYPE x> ]]> <![CDATA[ <?php &lt; &#0; &amp;",
    "\u{202E}gnp.exe \u{2066}\u{202B} שלום עולם مرحبا",
    "a\u{0}b\u{1b}[31mc\u{85}d\u{FFFE}e",
    "{{ x }} ${{ y }} %s \\ `z`",
    "\u{200B}\u{2060}\u{3164}",
    "line one\nline two\r\n\tline three",
    "javascript:alert(1)",
];

fn made() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().expect("a time")
}

/// A record as the registry would keep it, with `more` lines of TOML.
fn record(name: &str, phase: &str, more: &str) -> Record {
    let text = format!(
        "name = \"{name}\"\nshort_name = \"x\"\nguid = \"6f1c8d52-0b3e-4c7a-9e25-41d7a860f39b\"\n\
         spec_guid = \"6f1c8d52-0b3e-4c7a-9e25-41d7a860f39c\"\ntitle = \"The {name}\"\nowner = \"Team {name}\"\n\
         description = \"What people do with {name}.\"\ncontact = \"{name}@example.org\"\nstyle = \"apigee\"\n\
         base_path = \"{name}\"\nenvironments = [\"internal-dev\", \"int\", \"prod\"]\nservice_level = \"gold\"\n\
         state = \"active\"\nphase = \"{phase}\"\n{more}\n\
         [repository]\nurl = \"https://example.org/{name}\"\nid = 7\n\
         [template]\nname = \"t\"\nsource = \"builtin\"\nrevision = \"abc\"\n\
         [[history]]\nphase = \"inception\"\ndate = \"2026-01-02T03:04:05Z\"\nby = \"Ada <ada@example.org>\"\n"
    );
    toml::from_str(&text).expect("a record")
}

/// A record all of whose texts are `text`.
fn hostile(number: usize, text: &str) -> Record {
    let mut record = record(&format!("hostile-{number}"), "alpha", "");
    let fields = [&mut record.title, &mut record.description, &mut record.owner, &mut record.contact];
    for field in fields.into_iter().chain([&mut record.short_name, &mut record.style, &mut record.service_level]) {
        text.clone_into(field);
    }
    record.base_path = text.to_owned();
    record.environments = vec![text.to_owned(), text.to_owned()];
    record.repository.url = text.to_owned();
    record.template.source = text.to_owned();
    for change in &mut record.history {
        change.date = text.to_owned();
        change.by = text.to_owned();
        change.note = Some(text.to_owned());
    }
    let nested = toml::Value::Array(vec![toml::Value::from(text), toml::Value::Table(toml::Table::new())]);
    record.other = toml::Table::from_iter([(text.to_owned(), nested), (format!("{text}x"), toml::Value::from(text))]);
    record
}

fn hostiles() -> Vec<Record> {
    let long = ["x".repeat(500), format!("https://example.org/{}", "y".repeat(500)), "word ".repeat(400)];
    let texts = HOSTILE.into_iter().map(str::to_owned).chain(long);
    texts.enumerate().map(|(number, text)| hostile(number, &text)).collect()
}

const EVIDENCE: &str = "deprecation = 2027-01-02T03:04:05Z\nscore = 7\n\
    waivers = [{ gate = \"funding\", reason = \"Paid by the trust.\", by = \"Ada\", date = \"then\" }]\n\
    evidence = [{ gate = \"legal\", link = \"https://example.org/terms\", by = \"Bo\", date = \"now\" }]\n\
    proof = { kick-off = { link = \"https://example.org/minutes\", by = \"Ada\", date = \"2026-02-03\" }, empty = {} }";

/// A registry with a bit of everything.
fn registry() -> Vec<Record> {
    let phases = ["inception", "discovery", "alpha", "beta", "live", "deprecated", "retired"];
    let mut records: Vec<Record> =
        (0..21).map(|number| record(&format!("api-{number}"), phases[number % 7], "")).collect();
    records.push(record("cafe-less", "live", EVIDENCE));
    let last = records.len() - 1;
    records[last].title = "Café opening times".to_owned();
    for (name, date) in [("forgotten", "2026-05-03T11:59:59Z"), ("young", "2026-05-03T12:00:00Z"), ("undated", "x")] {
        let mut reserved = record(name, "inception", "");
        reserved.state = apiscaffold::model::record::RecordState::Reserved;
        date.clone_into(&mut reserved.history[0].date);
        records.push(reserved);
    }
    records.extend(hostiles());
    records
}

fn pages(tree: &Tree) -> Vec<(String, Html)> {
    let html = |path: &str| path.ends_with(".html");
    let pages = tree.iter().filter(|(path, _)| html(path.as_str()));
    pages.map(|(path, file)| (path.to_string(), Html::parse_document(file.text().expect("text")))).collect()
}

fn page(tree: &Tree, path: &str) -> Html {
    Html::parse_document(tree.get(path).expect("a page").text().expect("text"))
}

fn all<'h>(html: &'h Html, selector: &str) -> Vec<ElementRef<'h>> {
    html.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn words(html: &Html, selector: &str) -> Vec<String> {
    all(html, selector).iter().map(|element| element.text().collect::<String>()).collect()
}

#[test]
fn every_page_of_hostile_records_is_html_without_an_error_and_holds_only_our_elements() {
    let tree = site(&registry(), made()).expect("a site");
    for (path, html) in pages(&tree) {
        assert!(html.errors.is_empty(), "{path}: {:?}", html.errors);
        let scripts: Vec<_> = all(&html, "script").iter().map(|script| script.attr("src")).collect();
        assert_eq!(scripts, if path == "index.html" { vec![Some("script.js")] } else { vec![] }, "{path}");
        assert!(all(&html, "img, iframe, object, embed, style, svg, base, [style]").is_empty(), "{path}");
        let mut ids = BTreeSet::new();
        for element in all(&html, "*") {
            for (name, value) in element.value().attrs() {
                assert!(!name.starts_with("on"), "{path}: {name}");
                assert!(name != "id" || ids.insert(value.to_owned()), "{path}: two elements are `{value}`");
            }
        }
        let mut above = 0;
        for heading in all(&html, "h1, h2, h3, h4, h5, h6") {
            let level: usize = heading.value().name()[1..].parse().expect("a level");
            assert!(level <= above + 1 && !heading.text().collect::<String>().trim().is_empty(), "{path}");
            above = level;
        }
        assert_eq!(all(&html, "h1").len(), 1, "{path}");
    }
}

#[test]
fn links_lead_to_pages_of_the_site_to_the_web_or_to_mail_and_nowhere_else() {
    let tree = site(&registry(), made()).expect("a site");
    for (path, html) in pages(&tree) {
        for link in all(&html, "[href], [src]") {
            let href = link.attr("href").or(link.attr("src")).expect("an address");
            let inside = href.strip_prefix("../").unwrap_or(href);
            let outside = ["https://", "http://", "mailto:", "#"].iter().any(|start| href.starts_with(start));
            let ours = tree.get(inside).is_some() && path.starts_with("apis/") == href.starts_with("../");
            assert!(outside || ours || href == "data:,", "{path}: `{href}`");
        }
    }
    let index = page(&tree, "index.html");
    let listed: BTreeSet<_> = all(&index, "h2 a").iter().filter_map(|link| link.attr("href")).collect();
    assert_eq!(listed.len(), registry().len());
    let api = page(&tree, "apis/api-4.html");
    let leads: Vec<_> = all(&api, "dd a").iter().filter_map(|link| link.attr("href")).collect();
    assert_eq!(leads, ["mailto:api-4@example.org", "https://example.org/api-4"]);
}

#[test]
fn the_texts_of_hostile_records_come_back_as_texts() {
    let tree = site(&registry(), made()).expect("a site");
    for number in [0, 1, 2, 3, 4, 6, 9] {
        let html = page(&tree, &format!("apis/hostile-{number}.html"));
        let want = HOSTILE[number];
        assert_eq!(words(&html, "h1 bdi"), [want]);
        assert_eq!(words(&html, "td bdi"), [want, want, want]);
        assert!(words(&html, "dd").iter().filter(|fact| *fact == want).count() >= 7, "{want}");
        assert!(words(&html, "h2").iter().any(|heading| heading.to_lowercase() == want.to_lowercase()), "{want}");
    }
    // What cannot be seen is no title, and what HTML cannot hold is replaced.
    assert_eq!(words(&page(&tree, "apis/hostile-7.html"), "h1"), ["hostile-7"]);
    assert_eq!(words(&page(&tree, "apis/hostile-5.html"), "h1"), ["a\u{FFFD}b\u{FFFD}[31mc\u{FFFD}d\u{FFFD}e"]);
    // A direction that is turned around in the title of the window would turn around what follows.
    assert_eq!(words(&page(&tree, "apis/hostile-4.html"), "title"), ["gnp.exe  שלום עולם مرحبا – APIs"]);
}

#[test]
fn the_page_of_an_api_tells_its_facts_its_history_and_what_this_version_does_not_know() {
    let tree = site(&registry(), made()).expect("a site");
    let html = page(&tree, "apis/cafe-less.html");
    assert_eq!(words(&html, "h1"), ["Café opening times"]);
    assert_eq!(words(&html, "h2"), ["Record", "History", "Evidence", "Waivers", "Proof", "More"]);
    assert_eq!(
        words(&html, "tbody th, td"),
        [
            "Inception",
            "2 January 2026, 03:04 UTC",
            "Ada <ada@example.org>",
            "none",
            "legal",
            "https://example.org/terms",
            "Bo",
            "now",
            "funding",
            "Paid by the trust.",
            "Ada",
            "then",
        ]
    );
    let text = words(&html, "main").concat();
    for fact in [
        "Team cafe-less",
        "internal-dev, int, prod",
        "gold",
        "Paid by the trust.",
        "2 January 2027, 03:04 UTC",
        "Kick-off",
    ] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    assert_eq!(all(&html, "a[href='https://example.org/minutes']").len(), 1);
}

#[test]
fn reservations_older_than_a_day_are_marked() {
    let tree = site(&registry(), made()).expect("a site");
    let marked = |name: &str| {
        let html = page(&tree, &format!("apis/{name}.html"));
        (all(&html, ".warning").len(), all(&html, ".hint").len())
    };
    assert_eq!(marked("forgotten"), (1, 0));
    assert_eq!(marked("undated"), (1, 0));
    assert_eq!(marked("young"), (0, 1));
    assert_eq!(marked("api-1"), (0, 0));
    assert_eq!(all(&page(&tree, "index.html"), "li .warning").len(), 2);
}

#[test]
fn names_and_passwords_in_addresses_are_nowhere_on_the_site() {
    let mut secret = record("secret", "live", "");
    for field in [&mut secret.repository.url, &mut secret.contact, &mut secret.description, &mut secret.template.source]
    {
        "https://someone:hunter2@example.org/x".clone_into(field);
    }
    secret.other.insert("where".to_owned(), toml::Value::from("see https://hunter2@example.org/x"));
    let tree = site(&[secret], made()).expect("a site");
    for (path, file) in tree.iter() {
        let text = file.text().expect("text");
        assert!(!text.contains("hunter2") && !text.contains("someone"), "{path}");
    }
    assert!(
        tree.get("apis/secret.html")
            .and_then(|file| file.text())
            .is_some_and(|text| text.contains("\"https://example.org/x\""))
    );
}

#[test]
fn the_same_records_give_the_same_bytes_in_any_order_and_an_empty_registry_gives_a_page() {
    let mut records = registry();
    let one = site(&records, made()).expect("a site");
    records.reverse();
    assert_eq!(one, site(&records, made()).expect("a site"));
    let empty = site(&[], made()).expect("a site");
    assert_eq!(empty.len(), 3);
    assert_eq!(words(&page(&empty, "index.html"), "#shown"), ["There is no API yet."]);
}

#[test]
fn two_records_of_one_name_are_refused() {
    let error = site(&[record("one", "live", ""), record("one", "live", "")], made()).expect_err("refused");
    assert!(error.to_string().contains("apis/one.html"), "{error}");
}

#[test]
fn an_export_makes_the_site_and_replaces_it_and_touches_no_other_folder() {
    let program = Program::new();
    let export = ["registry", "export", "--format", "html", "--into", "public/site"];
    program.done(&["new", "first", "--set", "title=The <first>"]);
    let told = program.done(&export).stdout;
    assert!(told.starts_with("1 API in ") && told.trim_end().ends_with("public/site/index.html"), "{told}");
    program.done(&["new", "second"]);
    let made = program.done(&[&export[..], &["--json"]].concat()).json();
    let site = program.folder().join("public/site");
    assert_eq!((&made["apis"], &made["files"]), (&2.into(), &5.into()));
    assert_eq!(made["path"].as_str(), site.to_str());
    let names: Vec<String> = files(&site).into_keys().collect();
    assert_eq!(names, ["apis/first.html", "apis/second.html", "index.html", "script.js", "style.css"]);
    let index = Html::parse_document(&std::fs::read_to_string(site.join("index.html")).expect("readable"));
    assert_eq!(words(&index, "h2 a"), ["Second", "The <first>"]);
    // Nothing is left beside it, and others may read it as any new folder.
    assert_eq!(std::fs::read_dir(site.parent().expect("a parent")).expect("readable").count(), 1);

    for (path, text) in [("apis/notes.txt", "mine"), (".git/HEAD", "mine"), ("index.html", "mine")] {
        let before = files(&site);
        let file = program.write(&format!("public/site/{path}"), text);
        let refused = program.run(&export);
        assert_eq!(refused.code, Some(5), "{path}: {refused:?}");
        assert!(refused.stderr.contains("is not an earlier export"), "{refused:?}");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), text);
        assert_eq!(files(&site).len(), before.len() + usize::from(path == "apis/notes.txt"));
        std::fs::remove_file(&file).expect("removed");
        let _ = std::fs::remove_dir(site.join(".git"));
    }
    program.write("taken", "mine");
    for (arguments, code) in [
        (&["--format", "html"][..], 2),
        (&["--format", "csv", "--into", "x"], 2),
        (&["--format", "html", "--into", "taken"], 2),
        (&["--format", "html", "--into", "first"], 5),
    ] {
        let refused = program.run(&[&["registry", "export"][..], arguments].concat());
        assert_eq!(refused.code, Some(code), "{refused:?}");
    }
    std::fs::create_dir(program.folder().join("empty")).expect("made");
    program.done(&["registry", "export", "--format", "html", "--into", "empty/."]);
    assert!(program.folder().join("empty/index.html").is_file());
}

/// As many APIs as no platform has.
fn many() -> Vec<Record> {
    (0..10_000)
        .map(|number| record(&format!("api-{number}"), if number % 5 == 0 { "live" } else { "alpha" }, ""))
        .collect()
}

#[test]
fn ten_thousand_records_stay_a_page_of_a_size_that_a_browser_takes() {
    let records = many();
    let start = Instant::now();
    let tree = site(&records, made()).expect("a site");
    let index = tree.get("index.html").expect("a page").bytes.len();
    println!("page: 10,000 records, {index} bytes of index, {} in all, {:?}", tree.size(), start.elapsed());
    assert_eq!(tree.len(), 10_003);
    assert!(index < 10_000 * 1_000, "{index} bytes");
}

#[test]
#[ignore = "needs the browser of tests/run"]
fn a_browser_shows_it_without_a_request_a_violation_or_a_step_sideways() {
    let tools = browser();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, records) in [("few", registry()), ("many", many()), ("empty", Vec::new())] {
        let place = folder.path().join(name);
        std::fs::create_dir(&place).expect("made");
        disk::write(&site(&records, made()).expect("a site"), &place).expect("written");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/look.mjs");
    let output = Command::new("node").arg(script).arg(tools).arg(folder.path()).output().expect("node starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    println!("{said}");
    assert!(output.status.success(), "{said}");
}
