//! The life of an API, from inception to retired.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::linted::{equip, passes};
use crate::program::{Program, Ran};
use crate::tools::linters;

const LINK: &str = "https://example.org/evidence";

/// At how many moments of each move a run is killed.
const MOMENTS: u32 = 8;

/// Evidence for every gate of these that people settle.
fn evidence(gates: &[&str]) -> Vec<String> {
    gates.iter().flat_map(|gate| ["--evidence".to_owned(), format!("{gate}={LINK}/{gate}")]).collect()
}

pub(crate) fn moved(program: &Program, phase: &str, gates: &[&str], more: &[&str]) -> Ran {
    let evidence = evidence(gates);
    let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
    program.done(&[&["phase", "my-api", phase], &evidence[..], more].concat())
}

/// What an API of the built-in template shows to enter each phase.
pub(crate) const LIFE: [(&str, &[&str], &[&str]); 6] = [
    ("discovery", &["kick-off"], &[]),
    ("alpha", &["api-is-right", "funding", "team-skills"], &["--note", "agreed in June"]),
    ("beta", &["specification", "lint", "feedback"], &[]),
    (
        "live",
        &[
            "logging",
            "monitoring",
            "live-support",
            "clinical-safety",
            "information-governance",
            "legal",
            "smoke-test",
            "onboarding",
            "first-adopters",
        ],
        &["--waive", "security-review=tested in March, next in September"],
    ),
    (
        "deprecated",
        &["migration-guide", "consumers-told"],
        &[
            "--deprecation",
            "2998-01-31",
            "--sunset",
            "2998-07-31",
            "--documentation",
            "https://example.org/guide",
            "--successor",
            "https://example.org/next",
        ],
    ),
    ("retired", &["no-consumers"], &["--waive", "sunset=nobody uses it"]),
];

fn text(program: &Program, path: &str) -> String {
    fs::read_to_string(program.folder().join("my-api").join(path)).expect("readable")
}

fn record(program: &Program) -> Value {
    program.done(&["show", "my-api", "--json"]).json()
}

/// What the repository's `make bundle` writes about the end of the API, without spaces between tags.
fn bundled(program: &Program) -> String {
    let folder = program.folder().join("my-api");
    let script = "import re, zipfile, html\nbundle = zipfile.ZipFile('build/lint/live.zip')\nfor name in bundle.namelist():\n    if 'AssignMessage.Lifecycle' in name or 'AssignMessage.Release' in name:\n        print(html.unescape(re.sub(r'>\\s+<', '><', bundle.read(name).decode())))";
    let output = Command::new("python3").args(["-c", script]).current_dir(folder).output().expect("python3 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_life_goes_from_inception_to_retired() {
    life(None);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_repository_passes_its_own_checks_in_every_phase() {
    life(Some(&linters()));
}

fn life(tools: Option<&Path>) {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    if let Some(tools) = tools {
        equip(&program.folder().join("my-api"), tools);
    }
    for (at, (phase, gates, more)) in LIFE.into_iter().enumerate() {
        let ran = moved(&program, phase, gates, more);
        assert!(ran.stdout.starts_with(&format!("my-api is in phase {phase}\n")), "{ran:?}");
        assert_eq!(program.git("my-api", &["status", "--porcelain", "--untracked-files=no"]), "");
        assert_eq!(program.git("my-api", &["rev-list", "--count", "HEAD"]), (at + 2).to_string());
        assert!(text(&program, "environments.toml").contains(&format!("phase = \"{phase}\"\n")), "{phase}");
        assert!(text(&program, "catalog-info.yaml").contains(&format!("phase: {phase}\n")), "{phase}");
        assert!(text(&program, ".apiscaffold.toml").contains(&format!("phase = \"{phase}\"\n")), "{phase}");
        let has_prod = text(&program, "environments.toml").contains("name = \"prod\"");
        assert_eq!(has_prod, at >= 2, "{phase}: production is there from beta on");
        assert_eq!(record(&program)["phase"], phase);
        if tools.is_some() {
            passes(&program.folder().join("my-api"));
            let bundle = bundled(&program);
            let tells = |words: &str| bundle.contains(words);
            assert_eq!(tells("@32443200000") && tells("Tue, 31 Jul 2998 00:00:00 GMT"), at >= 4, "{phase}: {bundle}");
            assert_eq!(tells("<https://example.org/next>; rel=\"successor-version\""), at >= 4, "{phase}");
            assert_eq!(tells("<Name>release.retired</Name><Value>true</Value>"), at >= 5, "{phase}: {bundle}");
        }
    }
    let specification = text(&program, "specification/my-api.yaml");
    assert!(specification.contains("This API is retired"), "{specification}");
    assert!(text(&program, "README.md").contains("Phase: retired. [docs/phases/retired.md]"));
    let lifecycle = text(&program, "environments.toml");
    for line in ["deprecation = \"2998-01-31\"", "sunset = \"2998-07-31\"", "successor = \"https://example.org/next\""]
    {
        assert!(lifecycle.contains(line), "{line}: {lifecycle}");
    }
    let record = record(&program);
    let phases: Vec<&str> =
        record["history"].as_array().expect("a list").iter().filter_map(|c| c["phase"].as_str()).collect();
    assert_eq!(phases, ["inception", "discovery", "alpha", "beta", "live", "deprecated", "retired"]);
    assert_eq!(record["history"][2]["note"], "agreed in June");
    assert!(record["environments"].as_array().expect("a list").contains(&json!("prod")), "{record}");
    assert_eq!(program.git("my-api", &["fsck", "--strict"]), "");
    let last = program.done(&["phase", "my-api"]);
    assert_eq!(last.stdout, "my-api is in phase retired, the last one\n");
}

/// Moves an API to the phase before `phase`.
fn until(program: &Program, phase: &str) {
    program.done(&["new", "my-api"]);
    for (next, gates, more) in LIFE.iter().take_while(|(next, ..)| *next != phase) {
        moved(program, next, gates, more);
    }
}

fn unmet(program: &Program, phase: &str) -> String {
    let ran = program.run(&["phase", "my-api", phase]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    ran.stderr
}

#[test]
fn the_tool_looks_at_the_repository_itself() {
    let program = Program::new();
    until(&program, "beta");
    let folder = program.folder().join("my-api");
    let edit = |path: &str, change: &dyn Fn(&str) -> String| {
        let text = fs::read_to_string(folder.join(path)).expect("readable");
        fs::write(folder.join(path), change(&text)).expect("written");
        program.git("my-api", &["commit", "-qam", "edited"]);
    };
    edit("specification/my-api.yaml", &|text| {
        let content = "{application/json: {schema: {type: string}}}";
        let more = format!("  /more: {{get: {{responses: {{'200': {{description: ok, content: {content}}}}}}}}}\n");
        text.replacen("\npaths:\n", &format!("\npaths:\n{more}"), 1)
    });
    let told = unmet(&program, "beta");
    assert!(told.contains("has no example for `GET /more`"), "{told}");
    edit("environments.toml", &|text| text.replace("name = \"int\"", "name = \"other\""));
    let told = unmet(&program, "beta");
    assert!(told.contains("no environment for integration is set up"), "{told}");
    let lint = program.run(&["phase", "my-api", "beta", "--evidence", &format!("examples={LINK}")]);
    assert!(lint.stderr.contains("has no example for"), "a link does not replace a check: {lint:?}");
    assert!(lint.stderr.contains("lint: The repository passes its own checks; not checked"), "{lint:?}");
    edit("specification/my-api.yaml", &|_| "openapi: 3.1\n".to_owned());
    let told = unmet(&program, "beta");
    assert!(told.contains("examples: "), "{told}");
    fs::remove_file(folder.join("specification/my-api.yaml")).expect("removed");
    program.git("my-api", &["commit", "-qam", "gone"]);
    let told = unmet(&program, "beta");
    assert!(told.contains("examples: ") && told.contains("the last commit has no file `spec"), "{told}");
}

#[test]
fn what_is_not_committed_does_not_count_and_is_named() {
    let program = Program::new();
    until(&program, "live");
    let path = program.folder().join("my-api/environments.toml");
    let text = fs::read_to_string(&path).expect("readable");
    let unlimited = text.replacen("quota_per_minute = 300", "quota_per_minute = 0", 1);
    fs::write(&path, &unlimited).expect("written");
    let limits = |ran: &Ran| {
        let gates = ran.json()["gates"].as_array().cloned().expect("a list");
        gates.into_iter().find(|gate| gate["id"] == "rate-limits").expect("a gate")["state"].clone()
    };
    let ask = ["phase", "my-api", "--json"];
    let asked = program.done(&ask);
    assert_eq!(limits(&asked), "met", "as the commit has it");
    let named = "was looked at as its last commit has it, without the changes in `environments.toml`";
    assert!(asked.stderr.contains(named), "{asked:?}");
    assert!(unmet(&program, "live").contains(named));

    program.git("my-api", &["commit", "-qam", "no limits"]);
    fs::write(&path, &text).expect("written");
    let asked = program.done(&ask);
    assert_eq!(limits(&asked), "unmet", "what is only in the work tree opens no gate");
    assert!(asked.stderr.contains(named), "{asked:?}");
    program.git("my-api", &["commit", "-qam", "limits"]);
    let asked = program.done(&ask);
    assert_eq!((limits(&asked), asked.stderr.as_str()), (json!("met"), ""));
}

#[test]
fn limits_of_every_environment_are_looked_at() {
    let program = Program::new();
    until(&program, "live");
    let path = program.folder().join("my-api/environments.toml");
    let text = fs::read_to_string(&path).expect("readable");
    fs::write(&path, text.replacen("quota_per_minute = 300", "quota_per_minute = 0", 1)).expect("written");
    program.git("my-api", &["commit", "-qam", "no limits"]);
    let told = unmet(&program, "live");
    assert!(told.contains("has no quota_per_minute and no spike_per_minute for internal-dev"), "{told}");
}

/// An API whose template asks nothing but what belongs to its end.
fn ending() -> Program {
    let program = Program::new();
    let gate = |id: &str, phase: &str, more: &str| {
        format!("[[gate]]\nid = \"{id}\"\nphase = \"{phase}\"\ntitle = \"t\"\nhow = \"h\"\n{more}")
    };
    let gates = [
        gate("dates", "deprecated", "check = \"dates\"\n"),
        gate("consumers-told", "deprecated", ""),
        gate("sunset", "retired", "check = \"sunset\"\n"),
    ];
    program.write("own/apiscaffold.toml", format!("[template]\nname = \"own\"\n{}", gates.concat()));
    program.write("own/state.txt", "{{ api.phase }} {{ api.deprecation }} {{ api.sunset }}\n");
    program.done(&["new", "my-api", "--template", "own"]);
    for phase in ["discovery", "alpha", "beta", "live"] {
        program.done(&["phase", "my-api", phase]);
    }
    program
}

/// Deprecation, sunset, whether a link is given, exit code, what is said. Each follows from those before it.
const ATTEMPTS: [(&str, &str, bool, i32, &str); 14] = [
    ("2020-01-01", "2020-08-01", true, 5, "the deprecation on 2020-01-01 is before today"),
    ("2020-01-01", "2999-08-01", true, 5, "the deprecation on 2020-01-01 is before today"),
    ("2998-01-01", "2998-06-30", true, 5, "less than 6 months after the deprecation"),
    ("2998-01-01", "2998-12-31", false, 5, "nothing shows it yet"),
    ("2998-01-01", "2998-12-31", true, 0, "my-api is in phase deprecated"),
    ("", "2998-02-01", true, 5, "less than 6 months after the deprecation"),
    ("", "2998-09-30", false, 5, "what was shown or waived for other dates does not count"),
    ("2020-01-01", "", true, 5, "the deprecation on 2020-01-01 is before today"),
    ("2998-01-02", "", false, 5, "what was shown or waived for other dates does not count"),
    ("2998-08-01", "", true, 5, "less than 6 months after the deprecation"),
    ("", "2998-09-30", true, 0, "my-api is in phase deprecated"),
    ("", "2999-01-31", false, 0, "my-api is in phase deprecated"),
    ("2998-01-02", "", true, 0, "my-api is in phase deprecated"),
    ("2998-01-01", "2998-09-30", false, 5, "1 of 2 gates is not met"),
];

#[test]
fn each_change_of_dates_asks_its_gates_again_and_stands_in_the_history() {
    let program = ending();
    let mut notes = Vec::new();
    for (number, (deprecation, sunset, shows, code, why)) in ATTEMPTS.into_iter().enumerate() {
        let mut command = vec!["phase", "my-api", "deprecated"];
        for (flag, day) in [("--deprecation", deprecation), ("--sunset", sunset)] {
            if !day.is_empty() {
                command.extend([flag, day]);
            }
        }
        if shows {
            // The same link counts for other dates only when it is given again.
            command.extend(["--evidence", "consumers-told=https://example.org/told"]);
        }
        let before = (record(&program), program.git("my-api", &["rev-parse", "HEAD"]));
        let ran = program.run(&command);
        assert_eq!(ran.code, Some(code), "{number}: {ran:?}");
        assert!(ran.stdout.contains(why) || ran.stderr.contains(why), "{number}: {why}: {ran:?}");
        let after = (record(&program), program.git("my-api", &["rev-parse", "HEAD"]));
        if code != 0 {
            assert_eq!(after, before, "{number}: a refusal changes nothing");
            continue;
        }
        let ending = &after.0["ending"];
        let day = |key: &str| ending[key].as_str().expect("a date").to_owned();
        assert_eq!(text(&program, "state.txt"), format!("deprecated {} {}\n", day("deprecation"), day("sunset")));
        let last = after.0["history"].as_array().and_then(|history| history.last()).expect("an entry");
        assert!(last["by"].is_string() && last["date"].is_string(), "{last}");
        notes.push(last["note"].as_str().unwrap_or_default().to_owned());
        let again = program.done(&command);
        assert!(again.stdout.contains("nothing to do"), "{number}: {again:?}");
        assert_eq!(record(&program), after.0, "{number}");
    }
    let told = [
        "",
        "sunset from 2998-12-31 to 2998-09-30",
        "sunset from 2998-09-30 to 2999-01-31",
        "deprecation from 2998-01-01 to 2998-01-02",
    ];
    assert_eq!(notes, told);
    let early = program.run(&["phase", "my-api", "retired"]);
    assert!(early.code == Some(5) && early.stderr.contains("the sunset is on 2999-01-31"), "{early:?}");
    let shown = record(&program)["evidence"].as_array().map(Vec::len);
    assert_eq!(shown, Some(3), "the record says for each change who showed the link, and when");
    let since = program.done(&["registry", "export", "--format", "csv"]).stdout;
    let entered = record(&program)["history"][5]["date"].as_str().expect("a date").to_owned();
    assert!(since.contains(&format!(",deprecated,{entered},")), "{since}");
}

#[test]
fn what_people_wrote_stays_and_what_they_changed_alike_is_refused() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    let path = program.folder().join("my-api/environments.toml");
    let original = fs::read_to_string(&path).expect("readable");
    let mine = original
        .replace("phase = \"inception\"", "phase = \"inception\" # since Monday")
        .replace("deprecation = \"\"", "deprecation = \"\" # never!");
    fs::write(&path, &mine).expect("written");
    let dirty = program.run(&["phase", "my-api", "discovery", "--waive", "kick-off=x"]);
    assert!(dirty.code == Some(5) && dirty.stderr.contains("not committed: `environments.toml`"), "{dirty:?}");
    assert_eq!(record(&program)["phase"], "inception");
    program.git("my-api", &["commit", "-qam", "mine"]);
    program.write("my-api/untracked.txt", "mine");
    moved(&program, "discovery", &["kick-off"], &[]);
    assert_eq!(fs::read_to_string(&path).expect("readable"), mine.replace("\"inception\" #", "\"discovery\" #"));

    fs::write(&path, mine.replace("\"inception\" #", "\"live\" #")).expect("written");
    program.git("my-api", &["commit", "-qam", "by hand"]);
    let evidence = evidence(LIFE[1].1);
    let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
    let alpha = [&["phase", "my-api", "alpha"], &evidence[..]].concat();
    let refused = program.run(&alpha);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.stderr.contains("`environments.toml` was changed where the phase is written"), "{refused:?}");
    assert!(refused.stderr.contains("phase = \"alpha\""), "{refused:?}");
    fs::write(&path, mine.replace("\"inception\" #", "\"alpha\" #")).expect("written");
    fs::remove_file(program.folder().join("my-api/catalog-info.yaml")).expect("removed");
    program.git("my-api", &["commit", "-qam", "as it was told"]);
    let ran = program.done(&alpha);
    let gone = "`catalog-info.yaml` was deleted or moved by people, and stays unchanged";
    assert!(ran.stderr.contains(gone), "what is left alone is reported: {ran:?}");
    assert_eq!(record(&program)["phase"], "alpha");
}

#[test]
fn a_document_of_the_producer_is_theirs() {
    let program = Program::new();
    let spec = "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\npaths:\n  /a:\n    get: {responses: {'204': {description: gone}}}\n";
    program.write("spec.yaml", spec);
    program.done(&["new", "my-api", "--spec", "spec.yaml"]);
    for (phase, gates, more) in LIFE.iter().take(3) {
        moved(&program, phase, gates, more);
    }
    assert_eq!(text(&program, "specification/my-api.yaml"), spec);
}

#[test]
fn making_an_api_again_does_not_begin_its_life_anew() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    moved(&program, "discovery", &["kick-off"], &[]);
    let before = record(&program);
    program.done(&["new", "my-api"]);
    assert_eq!(record(&program), before);
    fs::remove_dir_all(program.folder().join("my-api")).expect("removed");
    let lost = program.run(&[
        "phase",
        "my-api",
        "alpha",
        "--waive",
        "funding=x",
        "--waive",
        "team-skills=x",
        "--waive",
        "api-is-right=x",
    ]);
    assert!(lost.code == Some(1) && lost.stderr.contains("--repository DIR"), "{lost:?}");
    program.done(&["new", "my-api"]);
    assert_eq!(record(&program), before);
    let behind = program.done(&["phase", "my-api", "discovery"]);
    assert!(behind.stdout.contains("done: commit 5 files"), "the repository catches up: {behind:?}");
}

#[test]
fn killed_at_any_moment_the_same_command_finishes_the_move() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    let start = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    };
    let moves = ["discovery", "alpha", "beta", "live", "deprecated"];
    let waivers: Vec<String> =
        LIFE.iter().flat_map(|(_, gates, _)| gates.iter()).map(|gate| format!("{gate}=x")).collect();
    let waive = |more: &[&str]| -> Vec<String> {
        let waivers = waivers.iter().flat_map(|waiver| ["--waive".to_owned(), waiver.clone()]);
        more.iter().map(|word| (*word).to_owned()).chain(waivers).collect()
    };
    let mut killed = 0;
    for (at, phase) in moves.into_iter().enumerate() {
        let ending = ["--waive", "dates=x", "--waive", "security-review=x"];
        let command = waive(&[&["phase", "my-api", phase], &ending[..]].concat());
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let before = Instant::now();
        program.done(&[&command[..], &["--dry-run"]].concat());
        let span = before.elapsed();
        // The plan takes as long as the work up to its first effect; what is of interest comes at the end of it.
        for part in 0..MOMENTS {
            let mut child = start(&command);
            thread::sleep(span.mul_f64(0.7 + 0.6 * f64::from(part) / f64::from(MOMENTS)));
            let finished = child.try_wait().expect("asked").is_some();
            child.kill().expect("killed");
            child.wait().expect("it ends");
            killed += usize::from(!finished);
        }
        // Killed within git's own writing, a lock is left, which only a person can tell from another git at work.
        let first = program.run(&command);
        let lock = ["lock file '", "remove '"].iter().find_map(|words| first.stderr.split_once(words));
        if let Some((_, rest)) = lock.filter(|_| first.code == Some(1)) {
            let named = rest.split('\'').next().expect("a path").trim_end_matches(".lock");
            fs::remove_file(format!("{named}.lock")).expect("the lock that the error names");
        }
        program.done(&command);
        assert_eq!(program.git("my-api", &["rev-list", "--count", "HEAD"]), (at + 2).to_string(), "{phase}");
        assert_eq!(program.git("my-api", &["status", "--porcelain", "--untracked-files=no"]), "");
        assert!(!program.folder().join("my-api/.git/apiscaffold-moving").exists());
        assert_eq!(record(&program)["phase"], phase);
        assert_eq!(record(&program)["history"].as_array().map(Vec::len), Some(at + 2), "{phase}");
    }
    println!("{killed} runs were killed before their end");
    assert!(killed > 0);
    assert_eq!(program.git("my-api", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn the_repository_s_own_checks_run_when_they_are_asked_for() {
    let program = Program::new();
    until(&program, "beta");
    let makefile = program.folder().join("my-api/Makefile");
    let lint = |arguments: &[&str]| {
        let standing = program.done(&[&["phase", "my-api", "--json"], arguments].concat()).json();
        let gates = standing["gates"].as_array().cloned().unwrap_or_default();
        gates.into_iter().find(|gate| gate["id"] == "lint").expect("a gate")
    };
    let with = |script: &str| fs::write(&makefile, format!("lint test:\n\t@{script}\n")).expect("written");
    with("touch ran");
    assert_eq!(lint(&[])["state"], "unmet");
    assert!(!program.folder().join("my-api/ran").exists(), "nothing of it runs unasked");
    assert_eq!(lint(&["--run-checks"])["why"], "`make lint test` passes");
    assert!(program.folder().join("my-api/ran").exists());
    with("echo it is wrong; false");
    let told = lint(&["--run-checks"]);
    assert!(told["state"] == "unmet" && told["why"].as_str().is_some_and(|why| why.contains("it is wrong")), "{told}");
}
