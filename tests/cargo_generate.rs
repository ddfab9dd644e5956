//! Templates with a `cargo-generate.toml`, through the program.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use apiscaffold::template::engine::Engine;
use apiscaffold::template::folder::read_folder;
use apiscaffold::template::generate::render::Request;
use apiscaffold::template::generate::{Fence, config};
use serde_json::{Map, json};

use crate::program::{Program, Ran, files};

const CONFIG: &str = r#"
[template]
cargo_generate_version = ">=0.20"
exclude = ["*.tpl"]
ignore = ["notes"]

[placeholders]
title = { prompt = "Title", regex = "^[A-Z]" }
color = { prompt = "Color", choices = [{ value = "red", label = "warm" }, { value = "blue" }], default = "blue" }
db = { type = "bool", prompt = "A database?", default = false }
parts = { type = "array", prompt = "Parts", choices = ["a", "b", "c"], default = ["a", "c"] }

[conditional.'db']
placeholders = { engine = { prompt = "Which?", default = "pg" } }

[conditional.'!db']
ignore = ["sql"]
"#;

const WORKFLOW: &str = "run: ${{ matrix }} ${{ secrets.A || '' }} {{project-name}}\r\n";

/// A template in `t`.
fn template(program: &Program) {
    program.write("t/cargo-generate.toml", CONFIG);
    program.write("t/README.md.liquid", "# {{ title }}{% if db %} with {{ engine }}{% endif %}\n{{ crate_name }}\n");
    program.write("t/{{color}}/{{ project-name | snake_case }}.txt", "{% for p in parts %}{{ p }};{% endfor %}");
    program.write("t/.github/workflows/ci.yml", WORKFLOW);
    program.write("t/raw.tpl", "{{ nope }}");
    program.write("t/notes/x", "{{ nope }}");
    program.write("t/sql/x", "{{ engine }}");
    program.write("t/{{color}}/logo-{{project-name}}.png", b"\x89PNG\0{{ nope }}\xff");
    let script = program.write("t/{{project-name}}.sh", "#!/bin/sh\necho {{title}}\n");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("mode");
}

fn new(program: &Program, arguments: &[&str]) -> Ran {
    program.run(&[&["new", "my-api", "--template", "t", "--set", "title=A Ünï \"x\" {{ y }}"], arguments].concat())
}

/// A template that is only this file and this configuration; its refusal.
fn refusal(config: &str, file: &str) -> Ran {
    let program = Program::new();
    program.write("t/cargo-generate.toml", config);
    program.write("t/file", file);
    let ran = program.run(&["new", "my-api", "--template", "t"]);
    assert!(!program.folder().join("my-api").exists(), "{ran:?}");
    ran
}

#[test]
fn such_a_template_makes_a_repository() {
    let program = Program::new();
    template(&program);
    program.write("my-api.yaml", include_str!("specs/lamp-2.0.yaml"));
    let dry = new(&program, &["--spec", "my-api.yaml", "--dry-run"]);
    assert!(dry.code == Some(0) && !program.folder().join("my-api").exists(), "{dry:?}");
    let ran = new(&program, &["--spec", "my-api.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let made = files(&program.folder().join("my-api"));
    let names: Vec<&str> = made.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            ".apiscaffold.toml",
            ".github/workflows/ci.yml",
            "README.md",
            "blue/logo-my-api.png",
            "blue/my_api.txt",
            "my-api.sh",
            "raw.tpl",
            "specification/my-api.yaml"
        ]
    );
    let text = |name: &str| String::from_utf8_lossy(&made[name]).into_owned();
    assert_eq!(text("README.md"), "# A Ünï \"x\" {{ y }}\nmy_api\n");
    assert_eq!(text("blue/my_api.txt"), "a;c;");
    assert_eq!(text(".github/workflows/ci.yml"), WORKFLOW.replace("{{project-name}}", "my-api"));
    assert_eq!(text("raw.tpl"), "{{ nope }}");
    assert_eq!(made["blue/logo-my-api.png"], b"\x89PNG\0{{ nope }}\xff");
    let modes = program.git("my-api", &["ls-tree", "HEAD", "my-api.sh", "README.md"]);
    assert!(modes.contains("100755 blob") && modes.contains("100644 blob"), "{modes}");
    let again = new(&program, &["--spec", "my-api.yaml"]);
    assert!(again.code == Some(0) && again.stdout.contains("nothing to do"), "{again:?}");
}

#[test]
fn its_placeholders_are_questions_and_its_conditions_hold() {
    let program = Program::new();
    template(&program);
    let questions = program.done(&["template", "questions", "--template", "t", "--json"]).json();
    let names: Vec<&String> = questions["properties"].as_object().expect("a table").keys().collect();
    assert!(
        ["title", "color", "db", "parts", "engine"].iter().all(|name| names.iter().any(|n| n == name)),
        "{names:?}"
    );
    let ran = new(&program, &["--set", "db=true", "--set", "engine=my", "--set", "parts=b"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let made = files(&program.folder().join("my-api"));
    assert_eq!(made["sql/x"], b"my");
    assert_eq!(made["blue/my_api.txt"], b"b;");
    assert!(made["README.md"].ends_with(b" with my\nmy_api\n"));
    let wrong = program.run(&["new", "b", "--template", "t", "--set", "title=x", "--set", "color=green"]);
    let all = wrong.stderr.contains("^[A-Z]") && wrong.stderr.contains("`red`, `blue`");
    assert!(wrong.code == Some(2) && all, "{wrong:?}");
}

#[test]
fn what_the_library_takes_in_silence_is_refused_with_its_place() {
    for (config, file, told) in [
        ("", "a\n{{ nope }}", "`file` line 2, column 1: unknown variable `nope`"),
        ("", "{{ project-name.x }}", "cannot be rendered"),
        ("", "{{ project-name | nope }}", "file"),
        ("", "{{ 'a.rhai' | rhai }}", "no template runs code"),
        ("", r#"{{ "${{" }}" | rhai }}"#, "no template runs code"),
        ("", "${{ project-name }}", "line 1, column 1: `${{ project-name"),
        ("\n[hooks]\npre = ['x.rhai']", "", "`cargo-generate.toml` line 2, column 1: `[hooks]`"),
        ("hooks.post = ['x.rhai']", "", "no template runs code"),
        ("[template]\nvcs = 'Git'", "", "`vcs`"),
        ("[template]\ninit = true", "", "`init`"),
        ("[template]\nsub_templates = []", "", "`sub_templates`"),
        ("[template]\nexclud = []", "", "line 2, column 1: `[template]` has no key `exclud`"),
        ("[template]\nignore = ['../x']", "", "it would leave the folder"),
        ("[template]\nignore = ['/x']", "", "empty name"),
        ("[template]\ncargo_generate_version = '<0.20'", "", "requires cargo-generate"),
        ("[placehoders]", "", "did you mean `placeholders`?"),
        ("[placeholders]\nauthors = { prompt = 'x' }", "", "means something else"),
        ("[placeholders]\nx = { prompt = 'x', tipe = 'bool' }", "", "did you mean `type`?"),
        ("[conditional.'loop {}']\nignore = []", "", "this condition cannot be used"),
        (r#"[conditional.'eval("loop {}")']"#, "", "this condition cannot be used"),
    ] {
        let ran = refusal(config, file);
        assert!(ran.code == Some(3) && ran.stderr.contains(told), "{config} {file}: {ran:?}");
    }
}

#[test]
fn files_are_left_out_and_chosen_as_the_library_does_it() {
    let program = Program::new();
    program.write("t/cargo-generate.toml", "[template]\ninclude = [\"src/**\", \"*.md\"]\nignore = [\"gone.md\"]");
    program.write("t/.genignore", "*.bak\n!kept.bak\nbuild/\n");
    for path in
        ["src/a", "b.md", "deep/c.md", "other", "gone.md", "x.bak", "kept.bak", "build/y", "twin", "twin.liquid"]
    {
        program.write(&format!("t/{path}"), format!("{path} {{{{ project-name }}}}"));
    }
    program.write("t/cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    program.done(&["template", "preview", "my-api", "--template", "t", "--into", "out"]);
    let made = files(&program.folder().join("out"));
    let text = |name: &str| String::from_utf8_lossy(&made[name]).into_owned();
    for (name, expected) in [
        ("src/a", "src/a my-api"),
        ("b.md", "b.md my-api"),
        ("deep/c.md", "deep/c.md my-api"),
        ("other", "other {{ project-name }}"),
        ("kept.bak", "kept.bak {{ project-name }}"),
        ("twin", "twin.liquid {{ project-name }}"),
        ("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"),
    ] {
        assert_eq!(text(name), expected);
    }
    // And the receipt.
    assert_eq!(made.len(), 8, "{:?}", made.keys());
}

#[test]
fn authors_are_asked_and_not_taken_from_the_machine() {
    let program = Program::new();
    program.write("t/cargo-generate.toml", "");
    program.write("t/file", "{{ authors }}");
    let ran = program.run(&["new", "my-api", "--template", "t"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("authors"), "{ran:?}");
    program.done(&["new", "my-api", "--template", "t", "--set", "authors=Ann <a@b.c>"]);
    assert_eq!(fs::read(program.folder().join("my-api/file")).expect("made"), b"Ann <a@b.c>");
}

#[test]
fn configuration_environment_and_a_cargo_project_around_change_nothing() {
    let program = Program::new();
    program.write("t/cargo-generate.toml", "[placeholders]\ncolor = { prompt = 'Color', default = 'blue' }");
    program.write("t/file", "{{ color }} {{ within_cargo_project }} {{ crate_type }}");
    let workspace = "# mine\n[workspace]\nmembers = []\n";
    program.write("Cargo.toml", workspace);
    program.write("values.toml", "[values]\ncolor = 'env'");
    for place in ["cargo-generate.toml", ".cargo/cargo-generate.toml"] {
        fs::create_dir_all(program.home().join(".cargo")).expect("made");
        fs::write(program.home().join(place), "[values]\ncolor = 'user'\n[defaults]\nvcs = 'Git'").expect("written");
    }
    let mut command = program.command(&["new", "my-api", "--template", "t"]);
    command.env("CARGO_HOME", program.home().join(".cargo")).env("CARGO_GENERATE_VALUE_COLOR", "env");
    command.env("CARGO_GENERATE_TEMPLATE_VALUES_FILE", program.folder().join("values.toml"));
    let ran = Ran::of(&command.output().expect("the program starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fs::read_to_string(program.folder().join("my-api/file")).expect("made"), "blue false lib");
    assert_eq!(fs::read_to_string(program.folder().join("Cargo.toml")).expect("there"), workspace);
}

#[test]
fn the_tools_own_manifest_wins() {
    let program = Program::new();
    program.write("t/cargo-generate.toml", "[hooks]\npre = ['x']");
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n");
    program.write("t/file", "{{ name }}");
    program.done(&["new", "my-api", "--template", "t"]);
    assert_eq!(fs::read(program.folder().join("my-api/file")).expect("made"), b"my-api");
}

#[test]
fn a_template_without_end_is_stopped() {
    let program = Program::new();
    let nested = (0..9).fold("x".to_owned(), |inner, i| format!("{{% for i{i} in (1..200) %}}{inner}{{% endfor %}}"));
    let silent = format!("{{% capture c %}}{nested}{{% endcapture %}}");
    program.write("t/file", silent.replace('x', "{% assign y = 1 %}"));
    let tree = read_folder(&program.folder().join("t")).expect("read");
    let (manifest, config) = config::read("", "t", &tree).expect("good");
    let own = env!("CARGO_BIN_EXE_apiscaffold").into();
    let fence = Fence { program: own, limit: Duration::from_millis(300) };
    let answers = Map::from_iter([("unused".to_owned(), json!(true))]);
    let request = Request { manifest: &manifest, config: &config, name: "a", answers: &answers, fence: &fence };
    let begin = Instant::now();
    let failure = request.render(tree, &Engine::new()).expect_err("stopped");
    assert!(failure.to_string().contains("longer than 0.3 seconds"), "{failure}");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_template_that_wants_all_memory_gets_none() {
    let ran = refusal("", "{% for i in (1..100000000000) %}{{ i }}{% endfor %}");
    assert_eq!(ran.code, Some(3), "{ran:?}");
}
