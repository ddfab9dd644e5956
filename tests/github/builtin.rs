//! The template that is built in, on GitHub: what its maintainers ask for is what GitHub can do.

use serde_json::Value;

use super::server::log::Entry;
use super::story::{Story, secret};

const NEW: [&str; 6] = ["new", "my-api", "--owner", "nhs", "--create-teams", "--yes"];

fn writes(story: &Story) -> Vec<String> {
    story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect()
}

/// The variables of the secrets that wait for a value.
fn waiting(told: &Value) -> Vec<String> {
    let steps = told["steps"].as_array().expect("a list").iter().filter(|step| step["status"] == "waiting");
    let variable = |step: &Value| step["hint"].as_str().and_then(|hint| hint.split('`').nth(1)).map(str::to_owned);
    steps.filter_map(variable).collect()
}

#[test]
fn the_template_that_is_built_in_is_set_up_whole_once_its_secrets_have_values() {
    set_up_whole();
}

/// Every environment, ruleset and issue of the template is one that GitHub takes.
#[test]
#[ignore = "needs GitHub's description, which tests/run installs"]
fn the_template_that_is_built_in_asks_as_github_s_own_description_says() {
    super::contract::described(&set_up_whole());
}

/// Sets up a repository, and gives the requests of the first run.
fn set_up_whole() -> Vec<Entry> {
    let mut story = Story::new();
    let public = [&NEW[..], &["--visibility", "public"]].concat();
    let ran = story.run(&[&public[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(8), "{ran:?}");
    let told = ran.json();
    let names = waiting(&told);
    assert!(!names.is_empty() && told["error"]["exit_code"] == 8, "{told}");
    let steps = told["steps"].as_array().expect("a list");
    let undone: Vec<&Value> = steps
        .iter()
        .filter(|step| !["done", "already so", "waiting"].contains(&step["status"].as_str().expect("text")))
        .collect();
    assert_eq!(undone, [&Value::Null; 0], "only secrets wait");
    assert_eq!(story.program.records(), [("my-api".to_owned(), "active".to_owned())]);
    let log = story.requests();
    let first: Vec<String> = log.iter().filter(|entry| entry.is_write()).map(Entry::line).collect();
    let mut once: Vec<&String> = first.iter().filter(|line| line.starts_with("PUT")).collect();
    let count = once.len();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), count, "something was set twice: {first:#?}");

    let leaked: Vec<&'static str> = names.iter().map(|name| &*name.clone().leak()).collect();
    story.variables.extend(leaked.iter().map(|name| (*name, secret().to_owned())));
    story.done(&public);
    let second = writes(&story);
    assert_eq!(second.len(), names.len(), "the secrets, and nothing twice: {second:#?}");
    assert!(second.iter().all(|line| line.contains("/secrets/")), "{second:#?}");
    assert_eq!(story.github.end()[0]["commits"], "1");

    story.done(&public);
    story.done(&["check", "--settings", "my-api"]);
    assert_eq!(writes(&story), [""; 0]);
    story.nothing_leaked();
    log
}

#[test]
fn a_private_repository_is_not_asked_for_what_only_a_public_one_can_have() {
    let story = Story::new();
    assert_eq!(story.run(&NEW).code, Some(8));
    let written = writes(&story);
    assert!(!written.iter().any(|line| line.contains("private-vulnerability-reporting")), "{written:#?}");
    assert!(written.iter().any(|line| line.contains("vulnerability-alerts")), "{written:#?}");
}

#[test]
fn its_catalogue_file_can_be_imported_into_another_registry() {
    let story = Story::new();
    assert_eq!(story.run(&NEW).code, Some(8));
    let import = ["registry", "import", "my-api/catalog-info.yaml", "--registry", "other.git"];
    story.done(&import);
    let copy = story.done(&["show", "my-api", "--json", "--registry", "other.git"]).json();
    let own = story.done(&["show", "my-api", "--json"]).json();
    assert_eq!(copy["repository"]["url"], own["repository"]["url"]);
    for key in ["phase", "short_name", "guid", "title", "owner", "base_path", "environments"] {
        assert_eq!(copy[key], own[key], "{key}");
    }
}
