//! A life on GitHub: each phase is a pull request, and in the end the repository is archived.

use std::fs;

use serde_json::{Value, json};

use super::faults::{each, killed_at};
use super::server::fault::{Fault, Harm, Side, When, answers};
use super::server::log::Entry;
use super::story::Story;
use crate::git_server::clean_git;

const GATES: &str = r#"
[[gate]]
id = "kick-off"
phase = "discovery"
title = "The kick-off was held"
how = "Hold it."
[[gate]]
id = "dates"
phase = "deprecated"
title = "The dates are set"
how = "Set them."
check = "dates"
"#;

/// An API on GitHub, complete, whose template has two gates.
pub(super) fn story() -> Story {
    of(Story::new())
}

/// The same in the name of another user.
pub(super) fn of(story: Story) -> Story {
    let path = story.program.folder().join("template/apiscaffold.toml");
    let manifest = fs::read_to_string(&path).expect("readable");
    fs::write(path, format!("{manifest}\n{GATES}")).expect("written");
    story.program.write("template/state.txt", "{{ api.phase }} {{ api.sunset }}\n");
    story.done(&Story::NEW);
    story.requests();
    story
}

pub(super) const DISCOVERY: [&str; 5] =
    ["phase", "my-api", "discovery", "--evidence", "kick-off=https://example.org/1"];

fn pulls(story: &Story) -> Vec<Value> {
    story.github.state().repositories[0].pulls.iter().cloned().map(Value::from).collect()
}

fn phase(story: &Story) -> Value {
    story.done(&["show", "my-api", "--json"]).json()["phase"].clone()
}

/// A file as a branch of the repository on GitHub has it.
fn there(story: &Story, path: &str) -> String {
    let state = story.github.state();
    let folder = state.folder(&state.repositories[0]);
    let output = clean_git(&folder).args(["--git-dir", ".", "show", path]).output().expect("git runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_phase_is_a_pull_request_that_is_found_again() {
    let story = story();
    let planned = story.done(&[&DISCOVERY[..], &["--dry-run"]].concat());
    assert!(planned.stdout.contains("push a commit of 2 files to branch apiscaffold/phase-discovery"), "{planned:?}");
    assert!(story.requests().iter().all(|entry| !entry.is_write()), "a dry run writes nothing");
    assert_eq!(pulls(&story), Vec::<Value>::new());

    let ran = story.done(&DISCOVERY);
    assert!(ran.stdout.contains("/pull/"), "{ran:?}");
    assert_eq!(phase(&story), "discovery");
    let made = pulls(&story);
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        (&made[0]["base"]["ref"], &made[0]["head"]["ref"]),
        (&json!("main"), &json!("apiscaffold/phase-discovery"))
    );
    assert_eq!(there(&story, "apiscaffold/phase-discovery:state.txt"), "discovery \n");
    assert_eq!(there(&story, "main:state.txt"), "inception \n", "people decide");
    assert!(story.requests().iter().filter(|entry| entry.is_write()).count() <= 4, "no more than is needed");

    let again = story.done(&DISCOVERY);
    assert!(again.stdout.contains("already so: open a pull request"), "{again:?}");
    assert_eq!(pulls(&story).len(), 1);
    let early = story.run(&["phase", "my-api", "alpha"]);
    assert_eq!(early.code, Some(5), "{early:?}");
    assert!(early.stderr.contains("merge the pull request of the last move"), "{early:?}");
    story.github.state().end_pull(0, true);
    let done = story.done(&DISCOVERY);
    assert!(done.stdout.contains("nothing to do"), "{done:?}");
    story.nothing_leaked();
}

#[test]
fn the_repository_s_own_checks_need_a_clone_on_this_machine() {
    let story = story();
    let path = story.program.folder().join("template/apiscaffold.toml");
    let gate = "[[gate]]\nid = \"lint\"\nphase = \"discovery\"\ntitle = \"T\"\nhow = \"H\"\ncheck = \"lint\"\n";
    fs::write(&path, fs::read_to_string(&path).expect("readable") + gate).expect("written");
    let lint = |arguments: &[&str]| {
        let asked = story.done(&[&["phase", "my-api", "--run-checks", "--json"], arguments].concat()).json();
        asked["gates"].as_array().expect("a list").iter().find(|gate| gate["id"] == "lint").expect("a gate").clone()
    };
    let there = lint(&[]);
    assert_eq!(there["state"], "unmet");
    let why = there["why"].as_str().expect("a text");
    assert!(why.contains("only a clone on this machine can run `make lint test`"), "{why}");
    let clone = story.program.folder().join("my-api");
    let why = lint(&["--repository", clone.to_str().expect("a path")])["why"].clone();
    assert!(why.as_str().is_some_and(|why| why.contains("`make lint test` fails")), "it has no Makefile: {why}");
}

#[test]
fn a_repository_that_was_renamed_is_changed_under_its_new_name() {
    let story = story();
    super::orphans::move_to(&story, "nhs", "new-name");
    story.requests();
    let ran = story.done(&DISCOVERY);
    assert!(ran.stdout.contains("/nhs/new-name/pull/"), "{ran:?}");
    let written: Vec<String> = story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect();
    assert!(written.iter().all(|line| line.contains("/nhs/new-name")), "{written:?}");
}

#[test]
fn a_pull_request_that_was_refused_is_told() {
    let story = story();
    story.done(&DISCOVERY);
    story.github.state().end_pull(0, false);
    // The same files are asked for once more, since the same command was given once more.
    story.done(&DISCOVERY);
    assert_eq!(pulls(&story).len(), 2);
    story.github.state().end_pull(0, false);
    let state = story.github.state();
    let folder = state.folder(&state.repositories[0]);
    drop(state);
    clean_git(&folder)
        .args(["--git-dir", ".", "update-ref", "refs/heads/apiscaffold/phase-discovery", "refs/heads/main"])
        .output()
        .expect("git runs");
    let ran = story.run(&DISCOVERY);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("has a branch `apiscaffold/phase-discovery` with other files"), "{ran:?}");
}

#[test]
fn killed_at_any_request_the_same_command_finishes_it() {
    let undisturbed = story();
    undisturbed.done(&DISCOVERY);
    let count = undisturbed.requests().len();
    let moments = (1..=count).flat_map(|number| [(number, Side::Before), (number, Side::After)]).collect();
    each(moments, |(number, side)| {
        let story = story();
        assert!(killed_at(&story, &DISCOVERY, When::Nth(number), side), "request {number} of {count} was not made");
        story.done(&DISCOVERY);
        assert_eq!(pulls(&story).len(), 1, "request {number}");
        assert_eq!(phase(&story), "discovery");
        assert_eq!(there(&story, "apiscaffold/phase-discovery:state.txt"), "discovery \n");
    });
}

#[test]
fn a_fault_of_git_that_passes_is_waited_for() {
    let undisturbed = story();
    undisturbed.done(&DISCOVERY);
    let calls: Vec<(usize, String)> = undisturbed.requests().iter().map(Entry::line).enumerate().collect();
    let of_git = |line: &str| line.contains("/info/refs") || line.contains("-pack");
    let requests: Vec<usize> = calls.iter().filter(|(_, line)| of_git(line)).map(|(at, _)| at + 1).collect();
    assert!(requests.len() >= 4, "it fetches and it pushes: {calls:?}");
    let harms =
        || [Harm::Answer(answers::broken(502)), Harm::Answer(answers::broken(429).with("Retry-After", 1)), Harm::Reset];
    each(requests.into_iter().flat_map(|number| harms().map(|harm| (number, harm))).collect(), |(number, harm)| {
        let story = story();
        story.github.plan(Fault::new(When::Nth(number), harm.clone()));
        story.done(&DISCOVERY);
        assert_eq!(pulls(&story).len(), 1, "request {number}: {harm:?}");
        assert_eq!(there(&story, "apiscaffold/phase-discovery:state.txt"), "discovery \n");
    });
}

/// From inception until everything is merged and the repository is archived.
pub(super) fn live(story: &Story) {
    let ending = ["--deprecation", "2998-01-31", "--sunset", "2998-07-31"];
    for phase in ["discovery", "alpha", "beta", "live", "deprecated", "retired"] {
        let mut command = vec!["phase", "my-api", phase];
        match phase {
            "discovery" => command.extend(["--waive", "kick-off=a renewal of @nhs/old"]),
            "deprecated" => command.extend(ending),
            _ => {}
        }
        story.done(&command);
        let body = pulls(story).last().map(|pull| pull["body"].as_str().unwrap_or_default().to_owned());
        assert!(
            body.is_some_and(|body| body.contains("a renewal of \\@nhs/old")),
            "waivers stay visible, and call nobody"
        );
        story.github.state().end_pull(0, true);
    }
    assert_eq!(there(story, "main:state.txt"), "retired 2998-07-31\n");
    assert_eq!(
        story.github.state().repositories[0].fields["archived"],
        false,
        "first what is answered 410 is released"
    );
    let ran = story.done(&["phase", "my-api", "retired"]);
    assert!(ran.stdout.contains("done: archive"), "{ran:?}");
    assert_eq!(story.github.state().repositories[0].fields["archived"], true);
}

#[test]
fn a_life_on_github_ends_in_an_archive() {
    let story = story();
    live(&story);
    story.requests();
    let again = story.done(&["phase", "my-api", "retired"]);
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    let writes: Vec<String> = story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect();
    assert_eq!(writes, [""; 0]);
    story.nothing_leaked();
}

/// What the branch of a move to phase deprecated says.
const PROPOSED: &str = "apiscaffold/phase-deprecated:state.txt";

#[test]
fn a_pull_request_that_waits_with_other_dates_is_not_taken_for_this_one() {
    let story = story();
    for phase in ["discovery", "alpha", "beta", "live"] {
        story.done(&["phase", "my-api", phase, "--waive", "kick-off=x"]);
        story.github.state().end_pull(0, true);
    }
    let dates = |sunset| ["phase", "my-api", "deprecated", "--deprecation", "2998-01-31", "--sunset", sunset];
    story.done(&dates("2999-01-31"));
    assert_eq!(there(&story, PROPOSED), "deprecated 2999-01-31\n");
    let before = story.done(&["show", "my-api", "--json"]).json();
    let count = pulls(&story).len();
    for (sunset, why) in [("2998-03-31", "less than 6 months"), ("2998-12-31", "is open, and changes other files")] {
        let ran = story.run(&dates(sunset));
        assert!(ran.code == Some(5) && ran.stderr.contains(why), "{why}: {ran:?}");
        assert_eq!(story.done(&["show", "my-api", "--json"]).json(), before, "{sunset}");
    }
    assert_eq!((there(&story, PROPOSED).as_str(), pulls(&story).len()), ("deprecated 2999-01-31\n", count));
    let again = story.done(&dates("2999-01-31"));
    assert!(again.stdout.contains("already so: open a pull request"), "{again:?}");
    story.nothing_leaked();
}
