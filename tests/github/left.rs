//! What is left when something that others need cannot be made.

use serde_json::{Value, json};

use super::server::fault::{Fault, Harm, When};
use super::server::http::Answer;
use super::server::state::TokenKind;
use super::stories::writes;
use super::story::{Story, undisturbed};
use crate::git_server::old_base;

#[test]
fn what_belongs_to_an_environment_that_cannot_be_made_is_left_and_not_tried() {
    let story = Story::new();
    let team = story.github.state().organizations["nhs"].teams.clone();
    story.github.organization("nhs", |nhs| nhs.teams.clear());
    let ran = story.run(&[&Story::NEW[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let told = ran.json();
    let status = |words: &str| -> Value {
        let steps = told["steps"].as_array().expect("a list");
        let step = steps.iter().find(|step| step["words"].as_str().is_some_and(|text| text.contains(words)));
        step.unwrap_or_else(|| panic!("no step `{words}`: {told}"))["status"].clone()
    };
    assert_eq!((status("team `platform`"), status("environment `int`")), ("failed".into(), "failed".into()));
    assert_eq!(status("variable `HOST` of environment `int`"), "left");
    assert_eq!((status("variable `HOST`"), status("ruleset `main`")), ("done".into(), "done".into()));
    assert_eq!(status("as active"), "left");
    let tried: Vec<String> =
        story.requests().iter().filter(|entry| entry.is_write()).map(|entry| entry.line()).collect();
    assert!(!tried.iter().any(|line| line.contains("/environments/int/variables")), "{tried:#?}");
    assert_eq!(story.program.records(), [("my-api".to_owned(), "reserved".to_owned())]);
    story.github.organization("nhs", |nhs| nhs.teams = team);
    story.done(&Story::NEW);
    assert_eq!(story.end(), undisturbed());
    story.nothing_leaked();
}

#[test]
fn what_github_takes_and_does_not_keep_is_found_when_it_is_read_back() {
    let story = Story::new();
    let taken = Harm::Answer(Answer::json(200, &serde_json::json!({"names": []})));
    story.github.plan(Fault::new(When::Call("PUT", "/topics".to_owned()), taken));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let said = r#"topics: wanted ["api","story"], found []"#;
    assert!(ran.stderr.contains("GitHub shows something else") && ran.stderr.contains(said), "{ran:?}");
    story.ends_well([], "topics were not kept");
}

#[test]
fn settings_that_cannot_be_read_do_not_stop_the_others() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.github.state().repositories[0].topics.clear();
    let refused = Harm::Answer(Answer::error(403, "Resource not accessible by personal access token"));
    story.github.plan(Fault::new(When::Call("GET", "/actions/secrets".to_owned()), refused).times(usize::MAX));
    let ran = story.run(&["check", "--settings", "my-api"]);
    assert_eq!(ran.code, Some(4), "it is no drift: {ran:?}");
    assert!(ran.stdout.contains("topics: wanted") && ran.stdout.contains("DEPLOY_KEY"), "{ran:?}");
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert!(ran.stderr.contains("failed: secret `DEPLOY_KEY`"), "{ran:?}");
    assert_eq!(story.github.end()[0]["settings"]["topics"], serde_json::json!(["api", "story"]));
    story.github.heal();
    story.ends_well([], "secrets could not be read");
}

#[test]
fn a_refusal_names_the_permission_that_was_needed() {
    let mut story = Story::new();
    story.variables[0].1 = story.github.add_token("stranger", TokenKind::FineGrained);
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("POST /orgs/nhs/repos") && ran.stderr.contains("administration=write"), "{ran:?}");
    assert!(ran.stderr.contains(":TEST)"), "the request's id: {ran:?}");
    assert_eq!(story.github.end(), serde_json::json!([]));
    story.nothing_leaked();
}

#[test]
fn a_base_of_an_earlier_version_counts() {
    let story = Story::new();
    let taken = Harm::Answer(Answer::json(200, &json!({"names": []})));
    story.github.plan(Fault::new(When::Call("PUT", "/topics".to_owned()), taken));
    assert_eq!(story.run(&Story::NEW).code, Some(8), "pushed, and not all configured");
    let there = {
        let state = story.github.state();
        state.folder(&state.repositories[0])
    };
    old_base(&there);
    story.done(&Story::NEW);
    let refs = || story.end()["forge"][0]["refs"].clone();
    assert_eq!(refs(), json!(["refs/apiscaffold/base here", "refs/heads/main here"]), "it was finished");
    assert_eq!(story.program.records(), [("my-api".to_owned(), "active".to_owned())]);
    story.requests();
    story.done(&Story::NEW);
    assert_eq!(writes(&story.requests()), [""; 0]);
    story.done(&["registry", "check"]);
    assert_eq!(refs(), json!(["refs/apiscaffold/base here", "refs/heads/main here"]));
    story.nothing_leaked();
}
