//! Stories without faults: a first run, a repeated one, a dry one, one that may not, and those who ask.

use std::time::Duration;

use serde_json::json;

use super::server::log::{Entry, round_trips};
use super::server::state::TokenKind;
use super::story::{SETTINGS, Story};

pub(super) fn writes(log: &[Entry]) -> Vec<String> {
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
    assert_eq!(repository["refs"], json!(["refs/apiscaffold/base/1 here", "refs/heads/main here"]));
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
fn the_token_of_actions_under_another_name_is_explained_and_makes_nothing() {
    let mut story = Story::new();
    let token = story.github.add_token("nhs", TokenKind::Actions);
    story.variables[0].1 = token;
    story.variables.push(("GITHUB_ACTIONS", "true".to_owned()));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("App"), "{ran:?}");
    assert_eq!(story.github.end(), json!([]));
    assert!(!story.program.folder().join("my-api").exists());
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

#[test]
fn an_enterprise_server_s_api_is_below_its_own_path() {
    let story = Story::new();
    let api = format!("{}/api/v3", story.github.url());
    let ran = story.heard(&story.command_at(&api, &Story::NEW).output().expect("it starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let outside = |entry: &&Entry| !entry.is_git() && !entry.path.starts_with("/api/v3/");
    assert_eq!(story.requests().iter().filter(outside).map(Entry::line).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_token_of_gh_is_used_when_no_variable_has_one() {
    let mut story = Story::new();
    let (_, token) = story.variables.remove(0);
    let tool = story.program.home().join("bin/gh");
    std::fs::create_dir_all(story.program.home().join("bin")).expect("made");
    // It says what the real one says to `gh auth token`, and nothing to anything else.
    let script = "#!/bin/sh\n[ \"$1 $2\" = 'auth token' ] || exit 1\ncat \"$HOME/kept\"\n";
    std::fs::write(&tool, script).expect("written");
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    std::fs::write(story.program.home().join("kept"), format!("{token}\n")).expect("written");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", story.program.home().join("bin").display());
    story.variables.push(("PATH", path));
    story.done(&Story::NEW);
    std::fs::remove_file(story.program.home().join("kept")).expect("removed");
    story.nothing_leaked();
}

#[test]
fn what_is_beyond_the_first_page_is_found() {
    let story = Story::new();
    for number in 0..130 {
        story.github.add_team("nhs", &format!("a-team-{number:03}"));
    }
    story.done(&Story::NEW);
    {
        let mut state = story.github.state();
        let repository = &mut state.repositories[0];
        let kick_off = repository.issues[0].clone();
        for number in 2..=250 {
            let mut issue = kick_off.clone();
            issue.insert("title".to_owned(), json!(format!("Issue {number}")));
            issue.insert("number".to_owned(), json!(number));
            repository.issues.push(issue);
        }
        for number in 0..40 {
            repository.variables.insert(format!("A_{number:02}"), "x".to_owned());
        }
        for team in 0..130 {
            repository.teams.insert(format!("a-team-{team:03}"), "pull".to_owned());
        }
    }
    story.requests();
    story.done(&["check", "--settings", "--fix", "my-api"]);
    assert_eq!(writes(&story.requests()), [""; 0]);
}
