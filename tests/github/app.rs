//! A GitHub App instead of a token: its key signs, its installation's tokens are renewed.

use super::behaves::app_keys;
use super::server::fault::{Fault, Harm, When};
use super::server::state::App;
use super::story::Story;

/// A story whose user is an App with tokens of this lifetime.
pub(super) fn story(lifetime: i64) -> Story {
    let mut story = Story::new();
    app_for(&mut story, lifetime);
    story
}

/// Lets the user of a story be an App from now on.
pub(super) fn app_for(story: &mut Story, lifetime: i64) {
    let (private, public_key) = app_keys();
    story.github.state().app = Some(App::new(public_key, lifetime));
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    // A line in the middle of the key stands for the whole: nobody prints a key without its lines.
    story.github.guard(private.lines().nth(5).expect("a line"));
    story.variables.extend([("APISCAFFOLD_APP_ID", "7".to_owned()), ("APISCAFFOLD_APP_KEY", private)]);
}

fn tokens_made(story: &Story) -> usize {
    story.requests().iter().filter(|entry| entry.path.ends_with("/access_tokens") && entry.status == Some(201)).count()
}

#[test]
fn an_app_makes_the_repository_with_a_token_for_each_kind_of_work() {
    let story = story(3600);
    story.ends_well([], "an App");
    assert_eq!(tokens_made(&story), 4, "to look, to make it, to push and to configure");
}

#[test]
fn an_app_s_key_may_be_a_file() {
    let mut story = story(3600);
    let key = story.variables.pop().expect("the key").1;
    let path = story.program.home().join("key.pem");
    std::fs::write(&path, key).expect("written");
    story.variables.push(("APISCAFFOLD_APP_KEY", path.display().to_string()));
    story.done(&Story::NEW);
    assert_eq!(story.program.records(), [("my-api".to_owned(), "active".to_owned())]);
}

#[test]
fn a_token_that_expires_midway_is_replaced_within_the_run() {
    for (method, path) in [("PUT", "/topics"), ("GET", "/info/refs"), ("POST", "git-receive-pack")] {
        let story = story(3600);
        let runs = story.ends_well([Fault::new(When::Call(method, path.to_owned()), Harm::Expire)], path);
        assert_eq!(runs, 1, "the run itself renews it: {path}");
        assert_eq!(tokens_made(&story), 5, "{path}");
    }
}

#[test]
fn a_token_that_is_about_to_expire_is_replaced_before_it_does() {
    let story = story(61);
    story.ends_well([], "short-lived tokens");
    let refused = story.requests().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!(refused, 0, "no request was made with an expired token");
}

#[test]
fn an_app_that_is_not_installed_there_is_told_so() {
    let story = story(3600);
    if let Some(app) = &mut story.github.state().app {
        app.installations.clear();
    }
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("install"), "{ran:?}");
    assert_eq!(story.program.records(), []);
    assert_eq!(story.github.end(), serde_json::json!([]));
    story.nothing_leaked();
}

#[test]
fn an_app_alone_reaches_a_shared_registry_and_a_template_on_github() {
    let story = story(3600);
    story.github.add_repository("nhs", "registry", "private");
    let registry = format!("{}/nhs/registry.git", story.github.url());
    story.done(&["new", "first", "--registry", &registry, "--yes"]);
    let ran = story.done(&["list", "--registry", &registry]);
    assert!(ran.stdout.contains("first"), "{ran:?}");
    story.nothing_leaked();
}
