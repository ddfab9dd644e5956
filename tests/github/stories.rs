//! Stories without faults: a first run, a repeated one, one in the way of others, one that may not.

use std::time::Duration;

use serde_json::json;

use super::server::fault::{Fault, Harm, When};
use super::server::http::Answer;
use super::server::log::{Entry, round_trips};
use super::server::state::TokenKind;
use super::story::{SETTINGS, Story};

fn writes(log: &[Entry]) -> Vec<String> {
    log.iter().filter(|entry| entry.is_write()).map(Entry::line).collect()
}

#[test]
fn a_first_run_makes_everything_and_a_second_one_only_reads() {
    let story = Story::new();
    let ran = story.done(&Story::NEW);
    assert!(ran.stdout.contains(&format!("{}/nhs/my-api", story.github.url())), "{ran:?}");
    let first = story.requests();
    // Every setting is one request; the repository and the push are one each.
    assert_eq!(writes(&first).len(), SETTINGS + 2, "{:#?}", writes(&first));
    let end = story.end();
    let repository = &end["forge"][0];
    assert_eq!(repository["commits"], "1");
    assert_eq!(repository["refs"], json!(["refs/apiscaffold/base here", "refs/heads/main here"]));
    let settings = &repository["settings"];
    assert_eq!(settings["topics"], json!(["api", "story"]));
    assert_eq!(settings["properties"], json!({"kind": "proxy"}));
    assert_eq!(settings["teams"], json!({"platform": "maintain"}));
    assert_eq!(settings["variables"], json!({"HOST": "int.example.org"}));
    assert_eq!(settings["environments"]["int"]["variables"], json!({"HOST": "env.example.org"}));
    assert_eq!(settings["secrets"], json!({"DEPLOY_KEY": super::story::secret()}));
    assert_eq!(settings["fields"]["description"], "What my-api is for");
    assert_eq!(settings["fields"]["allow_merge_commit"], false);
    assert_eq!((&settings["alerts"], &settings["fixes"]), (&json!(true), &json!(true)));
    assert_eq!(settings["issues"].as_array().map(Vec::len), Some(1));
    assert_eq!(settings["rulesets"][0]["name"], "main");
    assert_eq!(end["records"], json!([["my-api", "active"]]));

    story.done(&Story::NEW);
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.end(), end);
    story.nothing_leaked();
}

#[test]
fn the_critical_path_is_a_dozen_round_trips_and_one_for_each_setting() {
    let story = Story::new();
    story.github.set_latency(Duration::from_millis(100));
    story.done(&Story::NEW);
    let log = story.requests();
    let trips = round_trips(&log);
    let lines: Vec<String> = log.iter().map(Entry::line).collect();
    println!("{trips} round trips, {} requests, {SETTINGS} settings", log.len());
    assert!(trips <= 12 + SETTINGS, "{trips} round trips: {lines:#?}");
}

#[test]
fn a_dry_run_tells_every_call_and_makes_no_write() {
    let story = Story::new();
    let dry = [&Story::NEW[..], &["--dry-run"]].concat();
    let ran = story.done(&dry);
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.github.end(), json!([]));
    assert!(!story.program.folder().join("my-api").exists());
    for call in
        ["POST /orgs/nhs/repos", "PUT /repos/nhs/my-api/topics", "POST /repos/nhs/my-api/rulesets", "DEPLOY_KEY"]
    {
        assert!(ran.stdout.contains(call), "{call} is not in {}", ran.stdout);
    }
    let json = story.done(&[&dry[..], &["--json"]].concat()).json();
    let told = json.to_string();
    assert!(told.contains("\"/repos/nhs/my-api/topics\""), "{told}");
    story.nothing_leaked();
    // What was told is what is done.
    story.done(&Story::NEW);
    for line in writes(&story.requests()).iter().filter(|line| !line.contains(".git/")) {
        assert!(ran.stdout.contains(line), "{line} was not told: {}", ran.stdout);
    }
}

#[test]
fn a_foreign_repository_is_never_touched() {
    let story = Story::new();
    story.github.add_repository("nhs", "my-api", "public");
    let before = story.github.end();
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("nhs/my-api"), "{ran:?}");
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.github.end(), before);
    assert!(!story.program.folder().join("my-api").exists());
    story.nothing_leaked();
}

#[test]
fn a_name_that_a_stranger_takes_at_the_last_moment_is_left_to_the_stranger() {
    let story = Story::new();
    // Not there when looked for; there when made.
    let refused = Answer::invalid("Repository", "name", "custom", "name already exists on this account");
    let create = When::Call("POST", "/orgs/nhs/repos".to_owned());
    story.github.plan(Fault::new(create, Harm::Answer(refused)));
    let hidden = When::Call("GET", "/repos/nhs/my-api".to_owned());
    story.github.add_repository("nhs", "my-api", "private");
    story.github.plan(Fault::new(hidden, Harm::Answer(Answer::not_found())));
    let before = story.github.end();
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(story.github.end(), before);
}

#[test]
fn the_token_of_actions_is_refused_before_any_request_that_writes() {
    let mut story = Story::new();
    let token = story.github.add_token("nhs", TokenKind::Actions);
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    story.variables.extend([("GITHUB_TOKEN", token), ("GITHUB_ACTIONS", "true".to_owned())]);
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("App"), "{ran:?}");
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert!(!story.program.folder().join("my-api").exists());
    assert_eq!(story.program.records(), []);
    story.nothing_leaked();
}

#[test]
fn without_a_token_nothing_is_asked_and_nothing_is_made() {
    let mut story = Story::new();
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("GH_TOKEN"), "{ran:?}");
    assert_eq!(story.requests().len(), 0);
    assert_eq!(story.program.records(), []);
}

#[test]
fn a_secret_without_a_value_is_named_before_anything_is_made() {
    let mut story = Story::new();
    story.variables.retain(|(name, _)| *name != "DEPLOY_KEY");
    let ran = story.run(&Story::NEW);
    assert_ne!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("DEPLOY_KEY"), "{ran:?}");
}

#[test]
fn a_user_s_own_account_takes_a_repository_too() {
    let story = Story::new();
    let arguments = ["new", "my-api", "--owner", "octo", "--template", "plain", "--visibility", "private", "--yes"];
    story.program.write("plain/apiscaffold.toml", "[template]\nname = \"plain\"\n[github]\ntopics = [\"api\"]\n");
    story.program.write("plain/README.md", "# {{ name }}\n");
    story.done(&arguments);
    let log = story.requests();
    assert!(writes(&log).contains(&"POST /user/repos".to_owned()), "{:?}", writes(&log));
    let end = story.github.end();
    assert_eq!(end[0]["settings"]["name"], "octo/my-api");
    assert_eq!(end[0]["settings"]["visibility"], "private");
    assert_eq!(end[0]["settings"]["topics"], json!(["api"]));
    story.nothing_leaked();
}
