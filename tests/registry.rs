//! `list`, `show` and `registry`, and many runs at once.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::program::{Program, Ran, git};

#[test]
fn twenty_producers_at_once_get_twenty_records() {
    let program = Program::new();
    let start = |i: usize| {
        let mut command = program.command(&["new", &format!("api-{i}")]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = (0..20).map(start).collect();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let records = program.records();
    assert_eq!(records.len(), 20);
    let registry = program.home().join(".local/share/apiscaffold/registry.git");
    assert_eq!(git(&registry, &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn of_many_producers_racing_for_one_name_one_wins() {
    let program = Program::new();
    let start = |i: usize| {
        let folder = format!("place-{i}");
        std::fs::create_dir(program.folder().join(&folder)).expect("made");
        let mut command = program.command(&["new", "wanted", "--into", &folder]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = (0..12).map(start).collect();
    let mut codes = Vec::new();
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || stderr.contains("`wanted` is taken"), "{stderr}");
        codes.push(output.status.code().expect("a code"));
    }
    codes.sort_unstable();
    assert_eq!(codes, [vec![0], vec![5; 11]].concat());
    let made = (0..12).filter(|i| program.folder().join(format!("place-{i}/wanted")).exists()).count();
    assert_eq!((made, program.records().len()), (1, 1));
}

pub(crate) fn store(program: &Program) -> PathBuf {
    program.home().join(".local/share/apiscaffold/registry.git")
}

/// Changes the registry as somebody with a clone would; `edit` is a line for the shell.
pub(crate) fn by_hand(program: &Program, edit: &str) {
    let clone = program.home().join("clone");
    git(&program.home(), &["clone", "--quiet", store(program).to_str().expect("text"), "clone"]);
    let edited = std::process::Command::new("sh").args(["-ec", edit]).current_dir(&clone).status().expect("sh runs");
    assert!(edited.success(), "{edit}");
    git(&clone, &["add", "-A"]);
    git(&clone, &["commit", "--quiet", "-m", "By hand"]);
    git(&clone, &["push", "--quiet", "origin", "HEAD:main"]);
    std::fs::remove_dir_all(clone).expect("removed");
}

fn apis(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let apis = document["apis"].as_array().expect("a list").iter();
    apis.map(|api| api["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn list_picks_by_the_beginning_of_a_revision() {
    let program = Program::new();
    program.write("other/apiscaffold.toml", OTHER_TEMPLATE);
    program.done(&["new", "plain"]);
    program.done(&["new", "strange", "--template", "other"]);
    let revision = program.done(&["show", "strange", "--json"]).json()["template"]["revision"].clone();
    let revision = revision.as_str().expect("a revision");
    assert_eq!(apis(&program.done(&["list", "--json", "--template-revision", &revision[..8]])), ["strange"]);
}

const OTHER_TEMPLATE: &str = r#"
[template]
name = "other"
[[question]]
name = "title"
type = "string"
prompt = "Title"
default = "A title"
"#;

/// What Python's own reader of CSV makes of a text, as JSON.
fn python_csv(text: &str) -> Value {
    use std::io::Write as _;
    let script = "import csv,json,sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";
    let mut python = std::process::Command::new("python3");
    let mut child =
        python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
    serde_json::from_slice(&child.wait_with_output().expect("it ends").stdout).expect("JSON")
}

#[test]
fn exports_fit_their_schemas_and_no_cell_is_a_formula() {
    let program = Program::new();
    program.done(&[
        "new",
        "first",
        "--set",
        "title==HYPERLINK(\"http://x\",\"y\")",
        "--set",
        "description=- a, \"b\" & <c>",
    ]);
    program.done(&["new", "a-name-that-is-far-longer-than-the-sixty-three-characters-that-backstage-takes"]);
    let validator = |schema: &Value| jsonschema::validator_for(schema).expect("a schema");
    let schema = program.done(&["registry", "export", "--format", "json-schema"]).json();
    let document = program.done(&["registry", "export", "--format", "json"]).json();
    let errors: Vec<String> = validator(&schema).iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(document["commit"], json!(git(&store(&program), &["rev-parse", "main"])));
    let mut bad = document.clone();
    bad["apis"][0]["phase"] = json!("unheard of");
    assert!(!validator(&schema).is_valid(&bad));

    let entities = program.done(&["registry", "export", "--format", "backstage"]).stdout;
    let schema = include_str!("lint/catalog-info.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let documents: Vec<&str> = entities.split("---\n").filter(|text| !text.trim().is_empty()).collect();
    assert_eq!(documents.len(), 2);
    for text in documents {
        let entity: Value = serde_saphyr::from_str(text).expect("YAML");
        let errors: Vec<String> = validator(&schema).iter_errors(&entity).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{text}");
    }

    let csv = program.done(&["registry", "export", "--format", "csv"]).stdout;
    let rows = python_csv(&csv);
    assert_eq!(rows[1]["title"], json!("'=HYPERLINK(\"http://x\",\"y\")"));
    assert_eq!(rows[1]["description"], json!("'- a, \"b\" & <c>"));
    assert_eq!(
        (&rows[1]["name"], &rows[1]["state"], &rows[1]["phase"]),
        (&json!("first"), &json!("active"), &json!("inception"))
    );
    let mixed = program.run(&["registry", "export", "--format", "csv", "--json"]);
    assert_eq!(mixed.code, Some(2), "{mixed:?}");
}

#[test]
fn what_is_exported_can_be_imported_into_another_registry() {
    let program = Program::new();
    program.done(&["new", "first", "--set", "title==1+1"]);
    program.done(&["new", "second"]);
    let records = program.registry()["apis"].clone();
    for (format, file) in [("csv", "apis.csv"), ("backstage", "catalog-info.yaml")] {
        let text = program.done(&["registry", "export", "--format", format]).stdout;
        program.write(file, text);
        let place = format!("{format}.git");
        let tried = program.done(&["registry", "import", file, "--dry-run", "--registry", &place]);
        assert!(tried.stdout.contains("record 2 APIs") && !program.folder().join(&place).exists(), "{tried:?}");
        program.done(&["registry", "import", file, "--registry", &place]);
        assert_eq!(git(&program.folder().join(&place), &["rev-list", "--count", "main"]), "1", "one commit");
        let copied = program.done(&["list", "--json", "--registry", &place]).json();
        assert_eq!(copied["problems"], json!([]));
        for (copy, record) in copied["apis"].as_array().expect("a list").iter().zip(records.as_array().expect("a list"))
        {
            for key in ["name", "short_name", "guid", "spec_guid", "title", "base_path", "repository"] {
                assert_eq!(copy[key], record[key], "{format} {key}");
            }
        }
        let again = program.done(&["registry", "import", file, "--registry", &place]);
        assert!(again.stdout.contains("imported 0, 2 in the registry already"), "{again:?}");
        assert_eq!(git(&program.folder().join(&place), &["rev-list", "--count", "main"]), "1", "nothing to do");
    }
}

/// Names and short names, as lines of a report `NAME (SHORT, …)` or of a table give them.
fn short_names(text: &str) -> std::collections::BTreeMap<String, String> {
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map(|word| word.trim_matches(['(', ',']).to_owned());
        Some((words.next().filter(|name| name.starts_with("app-"))?, words.next()?))
    };
    text.lines().filter_map(pair).collect()
}

#[test]
fn imports_at_once_print_what_they_recorded() {
    let program = Program::new();
    program.done(&["new", "first-one"]);
    let files = ["a", "b", "c", "d", "e", "f"];
    for file in files {
        let line = |number| format!("app-box{file}{number},live,https://example.org/{file}/{number}\n");
        let lines: String = (0..60).map(line).collect();
        program.write(&format!("{file}.csv"), format!("name,phase,repository_url\n{lines}"));
    }
    let start = |file: &str| {
        let mut command = program.command(&["registry", "import", &format!("{file}.csv")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = files.map(start).into_iter().collect();
    let ended = running.into_iter().map(|child| Ran::of(&child.wait_with_output().expect("it ends")));
    let said: String = ended
        .map(|ran| {
            assert_eq!(ran.code, Some(0), "{ran:?}");
            ran.stdout
        })
        .collect();
    let recorded = short_names(&program.done(&["list"]).stdout);
    assert_eq!(recorded.len(), 360);
    assert_eq!(short_names(&said), recorded);
}

#[test]
fn the_catalogue_file_of_a_repository_that_says_no_place_is_refused_for_that() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    let file = "my-api/catalog-info.yaml";
    let refused = program.run(&["registry", "import", file, "--registry", "other.git"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("1 problem") && refused.stderr.contains("it gives no repository"), "{refused:?}");
    // Its own record, once somebody has said where the repository is; a label of another tool's is no phase.
    let text = std::fs::read_to_string(program.folder().join(file)).expect("read");
    for (number, phase) in ["inception", "alpha", "beta", "deprecated", "retired"].into_iter().enumerate() {
        let text = text
            .replace("inception", phase)
            .replace("  annotations:\n", "  annotations:\n    github.com/project-slug: o/my-api\n");
        for (text, place) in
            [(text.clone(), "annotation"), (text.replace(&format!("    apiscaffold/phase: {phase}\n"), ""), "label")]
        {
            program.write("catalog-info.yaml", text);
            let registry = format!("{number}-{place}.git");
            program.done(&["registry", "import", "catalog-info.yaml", "--registry", &registry]);
            let record = program.done(&["show", "my-api", "--json", "--registry", &registry]).json();
            assert_eq!(
                (&record["phase"], &record["repository"]["url"]),
                (&json!(phase), &json!("https://github.com/o/my-api"))
            );
            let own = program.done(&["show", "my-api", "--json"]).json();
            for key in [
                "name",
                "short_name",
                "guid",
                "spec_guid",
                "title",
                "description",
                "owner",
                "contact",
                "style",
                "base_path",
                "environments",
                "service_level",
            ] {
                assert_eq!(record[key], own[key], "{place} {key}");
            }
        }
    }
}

/// A reservation as a run leaves it that is killed before its end: `days` ago, by `email`.
pub(crate) fn reserve(program: &Program, name: &str, days: i64, email: &str) {
    program.done(&["new", name]);
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days + 1);
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
    by_hand(
        program,
        &format!(
            "sed -i -e 's/^state = .*/state = \"reserved\"/' -e 's/^date = .*/date = \"{since}\"/' \
             -e 's/^by = .*/by = \"Ada <{email}>\"/' apis/*/*/*/{name}.toml"
        ),
    );
}
