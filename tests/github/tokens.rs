//! Tokens of a GitHub App: each may do what its calls need and no more, and none outlives the run.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::app::{app_for, story};
use super::server::fault::{Fault, Harm, Teller, When};
use super::server::http::Answer;
use super::server::log::Entry;
use super::server::state::TokenKind;
use super::story::Story;

/// What the tokens of the last commands were asked for, in that order: permissions and repositories.
fn asked(log: &[Entry]) -> Vec<(Value, Value)> {
    let made = log.iter().filter(|entry| entry.path.ends_with("/access_tokens") && entry.status == Some(201));
    let body = |entry: &Entry| {
        let body = entry.body.clone().unwrap_or_default();
        (body["permissions"].clone(), body["repositories"].clone())
    };
    made.map(body).collect()
}

fn for_all(permissions: Value) -> (Value, Value) {
    (permissions, Value::Null)
}

fn for_mine(permissions: Value) -> (Value, Value) {
    (permissions, json!(["my-api"]))
}

fn look() -> (Value, Value) {
    for_all(json!({"metadata": "read"}))
}

fn fetch() -> (Value, Value) {
    for_mine(json!({"contents": "read"}))
}

fn push() -> (Value, Value) {
    for_mine(json!({"contents": "write", "workflows": "write"}))
}

fn create() -> (Value, Value) {
    for_all(json!({"administration": "write"}))
}

/// A complete API on GitHub, whose user has an App from now on.
fn made() -> Story {
    let mut story = Story::new();
    story.done(&Story::NEW);
    app_for(&mut story, 3600);
    story.requests();
    story
}

/// How many tokens of the App there were, when none of them is good any more.
fn all_revoked(story: &Story) -> usize {
    let state = story.github.state();
    let ours: Vec<_> = state.tokens.values().filter(|caller| caller.kind == TokenKind::Installation).collect();
    assert!(ours.iter().all(|caller| caller.expires == Some(0)), "a token is good still: {ours:?}");
    ours.len()
}

#[test]
fn a_repository_without_settings_takes_three_small_tokens() {
    let story = story(3600);
    story.program.write("plain/apiscaffold.toml", "[template]\nname = \"plain\"\n");
    story.program.write("plain/README.md", "# {{ name }}\n");
    story.done(&["new", "my-api", "--owner", "nhs", "--template", "plain", "--yes"]);
    assert_eq!(asked(&story.requests()), [look(), create(), push()]);
    assert_eq!(all_revoked(&story), 3);
    story.nothing_leaked();
}

#[test]
fn the_built_in_template_needs_what_its_settings_need() {
    let story = story(3600);
    let new = ["new", "my-api", "--owner", "nhs", "--create-teams", "--visibility", "public", "--yes"];
    // Its secrets wait for values.
    assert_eq!(story.run(&new).code, Some(8));
    let configure = for_mine(json!({
        "actions": "read", "actions_variables": "write", "administration": "write", "environments": "write",
        "issues": "write", "members": "write", "metadata": "read", "secrets": "write",
    }));
    assert_eq!(asked(&story.requests()), [look(), create(), push(), configure]);
    all_revoked(&story);
    story.nothing_leaked();
}

#[test]
fn a_check_reads_and_its_fix_may_change_what_differs() {
    let story = made();
    story.done(&["check", "--settings", "my-api"]);
    let compare = || {
        for_mine(json!({
            "actions": "read", "actions_variables": "read", "administration": "read", "environments": "read",
            "members": "read", "metadata": "read", "secrets": "read",
        }))
    };
    assert_eq!(asked(&story.requests()), [look(), compare()]);
    story.github.state().repositories[0].variables.clear();
    story.done(&["check", "--settings", "--fix", "my-api"]);
    let fix = for_mine(json!({"actions_variables": "write", "metadata": "read"}));
    assert_eq!(asked(&story.requests()), [look(), compare(), fix]);
    assert_eq!(all_revoked(&story), 5);
    story.nothing_leaked();
}

#[test]
fn a_dry_run_only_reads() {
    let story = story(3600);
    story.done(&[&Story::NEW[..], &["--dry-run"]].concat());
    let log = story.requests();
    let teams = asked(&log).into_iter().map(|(permissions, _)| permissions);
    assert!(teams.flat_map(|all| all.as_object().cloned().unwrap_or_default()).all(|(_, level)| level == "read"));
    story.nothing_leaked();
}

#[test]
fn a_dry_run_tells_who_may_bypass_a_ruleset_since_a_run_writes_it() {
    let story = made();
    story.github.state().repositories[0].rulesets[0].1.insert("enforcement".to_owned(), json!("disabled"));
    let told = story.done(&[&Story::NEW[..], &["--dry-run", "--json"]].concat()).json();
    let steps = told["steps"].as_array().expect("a list");
    let mut calls = steps.iter().flat_map(|step| step["calls"].as_array().into_iter().flatten());
    let ruleset = calls.find(|call| call["path"].as_str().is_some_and(|path| path.contains("/rulesets/")));
    assert_eq!(ruleset.map(|call| &call["body"]["bypass_actors"]), Some(&json!([])), "{told}");
}

#[test]
fn a_move_to_a_phase_fetches_pushes_and_opens_a_pull_request() {
    let mut story = super::phase::story();
    app_for(&mut story, 3600);
    story.done(&super::phase::DISCOVERY);
    let pulls = |level: &str| for_mine(json!({"pull_requests": level}));
    assert_eq!(asked(&story.requests()), [look(), fetch(), pulls("read"), push(), pulls("write")]);
    assert_eq!(all_revoked(&story), 5);
    story.nothing_leaked();
}

#[test]
fn an_app_that_may_do_nothing_of_what_is_needed_does_not_ask_for_everything() {
    let mut story = super::phase::story();
    app_for(&mut story, 3600);
    story.github.state().app.as_mut().and_then(|app| app.permissions.remove("pull_requests"));
    let ran = story.run(&super::phase::DISCOVERY);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("the GitHub App lacks the permission `pull_requests` (read)"), "{ran:?}");
    assert_eq!(asked(&story.requests()), [look(), fetch(), for_mine(json!({"metadata": "read"}))]);
}

#[test]
fn the_registry_is_checked_with_tokens_that_read() {
    let story = made();
    story.github.add_repository("nhs", "other", "private");
    story.done(&["registry", "check"]);
    assert_eq!(asked(&story.requests()), [look(), for_all(json!({"contents": "read"}))]);
    all_revoked(&story);
}

#[test]
fn a_shared_registry_and_a_template_are_reached_with_tokens_for_them_alone() {
    let story = story(3600);
    story.github.add_repository("nhs", "registry", "private");
    let registry = format!("{}/nhs/registry.git", story.github.url());
    story.done(&["new", "first", "--registry", &registry, "--yes"]);
    let only = json!(["registry"]);
    let log = story.requests();
    assert!(!asked(&log).is_empty() && asked(&log).iter().all(|(_, repositories)| *repositories == only), "{log:?}");
    all_revoked(&story);
}

#[test]
fn a_public_template_is_fetched_where_the_app_is_not_installed() {
    let mut story = Story::new();
    story.github.add_organization("other", "octo");
    story.github.add_repository("other", "template", "public");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("apiscaffold.toml"), "[template]\nname = \"public\"\n").expect("written");
    let url = format!("{}/other/template.git", story.github.url());
    super::walk::push(folder.path(), &url, &story.variables[0].1).expect("pushed");
    app_for(&mut story, 3600);
    story.done(&["new", "my-api", "--owner", "nhs", "--template", "gh:other/template", "--yes"]);
    assert_eq!(asked(&story.requests()), [look(), create(), push()]);
    story.nothing_leaked();
}

#[test]
fn a_whole_life_is_lived_with_narrow_tokens() {
    let mut story = super::phase::story();
    app_for(&mut story, 3600);
    {
        let mut state = story.github.state();
        let made = &mut state.repositories[0];
        made.topics.clear();
        made.properties.clear();
        made.teams.clear();
        made.environments.clear();
        made.variables.clear();
        made.secrets.clear();
        made.rulesets.clear();
        (made.alerts, made.fixes) = (false, false);
        made.fields.insert("allow_merge_commit".to_owned(), json!(true));
    }
    let check = ["check", "--settings", "my-api"];
    assert_eq!(story.run(&check).code, Some(5));
    story.done(&[&check[..], &["--fix"]].concat());
    story.done(&check);
    super::phase::live(&story);
    story.done(&["registry", "check"]);
    story.done(&["doctor", "your-api", "--owner", "nhs", "--template", "template"]);
    let refused: Vec<String> = story
        .requests()
        .iter()
        .filter(|entry| matches!(entry.status, Some(401 | 403 | 422)))
        .map(Entry::line)
        .collect();
    assert_eq!(refused, [""; 0]);
    all_revoked(&story);
    story.nothing_leaked();
}

#[test]
fn where_nothing_is_asked_no_token_is_made() {
    let story = story(3600);
    let local = ["new", "here", "--template", "template", "--yes"];
    for command in [&local[..], &["list"], &["show", "here"], &["registry", "check"]] {
        story.done(command);
    }
    assert_eq!(story.run(&[&Story::NEW[..], &["--offline"]].concat()).code, Some(2));
    let lines: Vec<String> = story.requests().iter().map(Entry::line).collect();
    assert_eq!(lines, [""; 0]);
}

#[test]
fn tokens_are_revoked_after_a_failure_and_that_they_cannot_be_is_none() {
    let story = story(3600);
    let refused = || Harm::Answer(Answer::error(403, "Organisation policy"));
    story.github.plan(Fault::new(When::Call("POST", "/orgs/nhs/repos".to_owned()), refused()));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_eq!(all_revoked(&story), 2);
    assert!(ran.stderr.contains("revoked the tokens of the GitHub App (2)"), "{ran:?}");
    let lost = Fault::new(When::Exact("DELETE", "/installation/token".to_owned()), Harm::Reset);
    story.github.plan(lost.times(usize::MAX));
    let ran = story.done(&Story::NEW);
    assert!(ran.stderr.contains("were not revoked and expire by themselves ("), "a detail with --verbose: {ran:?}");
    story.github.heal();
    story.github.plan(Fault::new(When::Exact("DELETE", "/installation/token".to_owned()), refused()));
    let ran = story.done(&["check", "--settings", "my-api"]);
    assert!(!ran.stderr.contains("revoked"), "{ran:?}");
    story.nothing_leaked();
}

#[test]
fn tokens_are_revoked_after_ctrl_c() {
    let story = story(3600);
    let (teller, arrivals) = Teller::new();
    story.github.plan(Fault::new(When::Call("PUT", "/topics".to_owned()), Harm::Tell(teller)));
    let child = story.command(&Story::NEW).spawn().expect("it starts");
    let go = arrivals.recv_timeout(Duration::from_secs(60)).expect("reached");
    let pressed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
    assert!(pressed.success());
    let ran = story.heard(&child.wait_with_output().expect("it ends"));
    drop(go);
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert_eq!(all_revoked(&story), 4);
    story.nothing_leaked();
}

#[test]
fn a_token_that_the_user_gave_is_not_revoked() {
    let story = Story::new();
    story.done(&Story::NEW);
    assert!(story.requests().iter().all(|entry| entry.path != "/installation/token"));
}

#[test]
fn a_permission_that_the_app_lacks_stops_only_what_needs_it() {
    let story = story(3600);
    let lack = |name: &str| story.github.state().app.as_mut().and_then(|app| app.permissions.remove(name));
    let issues = lack("issues");
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert!(ran.stderr.contains("the GitHub App lacks the permission `issues` (write)"), "{ran:?}");
    assert!(ran.stderr.contains("let the owner accept it"), "{ran:?}");
    let end = story.github.end();
    assert_eq!(
        (&end[0]["settings"]["issues"], &end[0]["settings"]["rulesets"][0]["name"]),
        (&json!([]), &json!("main"))
    );
    let asked_too_much = story.requests().iter().any(|entry| entry.status == Some(422));
    assert!(!asked_too_much, "only what the installation has is asked for");
    if let (Some(app), Some(level)) = (&mut story.github.state().app, issues) {
        app.permissions.insert("issues".to_owned(), level);
    }
    story.ends_well([], "the App got what it lacked");
}

#[test]
fn an_app_that_may_not_push_or_lost_a_permission_is_told_so() {
    let story = story(3600);
    story.github.state().app.as_mut().and_then(|app| app.permissions.remove("contents"));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let lacks = "the GitHub App `7` lacks the permission `contents` (write) for `nhs`";
    assert!(ran.stderr.contains(lacks), "{ran:?}");
    let taken = Answer::error(422, "The permissions requested are not granted to this installation.");
    story.github.plan(Fault::new(When::Call("POST", "/access_tokens".to_owned()), Harm::Answer(taken)));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("the GitHub App `7` lacks the permission `metadata` (read) for `nhs`"), "{ran:?}");
    story.nothing_leaked();
}

#[test]
fn a_repository_that_github_does_not_know_by_this_name_gets_a_token_that_is_narrow_otherwise() {
    let story = made();
    let why = "There is at least one repository that does not exist or is not accessible to the parent installation.";
    story.done(&["check", "--settings", "my-api"]);
    let log = story.requests();
    let at = log.iter().rposition(|entry| entry.path.ends_with("/access_tokens")).expect("made");
    story.github.plan(Fault::new(When::Nth(at + 1), Harm::Answer(Answer::error(422, why))));
    story.done(&["check", "--settings", "my-api"]);
    let (permissions, repositories) = asked(&story.requests()).pop().expect("made");
    assert_eq!((&permissions["administration"], repositories), (&json!("read"), Value::Null));
    assert_eq!(asked(&log).pop(), Some((permissions, json!(["my-api"]))));
}
