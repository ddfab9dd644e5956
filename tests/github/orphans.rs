//! `registry check` against the forge: records without a repository, and repositories without a record.

use serde_json::{Value, json};

use super::server::fault::{Fault, Harm, When};
use super::server::http::Answer;
use super::server::state::TokenKind;
use super::story::Story;
use crate::git_server::{git, old_base};

const CHECK: [&str; 3] = ["registry", "check", "--json"];

/// An API on GitHub, complete.
fn story() -> Story {
    let story = Story::new();
    story.done(&Story::NEW);
    story.requests();
    story
}

/// What is found, and the exit code that goes with it.
fn found(story: &Story) -> Vec<Value> {
    let ran = story.run(&CHECK);
    let found = ran.json()["problems"].as_array().expect("a list").clone();
    assert_eq!(ran.code, Some(if found.is_empty() { 0 } else { 5 }), "{ran:?}");
    found
}

/// The one thing that is found.
fn one(story: &Story) -> String {
    let found = found(story);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]["message"].as_str().expect("a text").to_owned()
}

/// Gives the repository another place, as a rename or a transfer does.
pub(super) fn move_to(story: &Story, owner: &str, name: &str) {
    let mut state = story.github.state();
    let (old, new) = (state.root.join("nhs/my-api.git"), state.root.join(format!("{owner}/{name}.git")));
    std::fs::create_dir_all(new.parent().expect("a parent")).expect("made");
    std::fs::rename(old, new).expect("moved");
    let id = state.repositories[0].id;
    state.repositories[0].owner = owner.to_owned();
    state.repositories[0].name = name.to_owned();
    state.renamed.insert("nhs/my-api".to_owned(), id);
}

#[test]
fn nothing_is_found_where_each_has_the_other_and_two_calls_are_enough() {
    let story = story();
    assert_eq!(found(&story), [json!(null); 0]);
    let lines: Vec<String> = story.requests().iter().map(super::server::log::Entry::line).collect();
    assert_eq!(lines, ["GET /users/nhs", "GET /orgs/nhs/repos"]);
    story.nothing_leaked();
}

#[test]
fn a_repository_that_was_renamed_or_transferred_is_told_with_its_new_place() {
    let story = story();
    move_to(&story, "nhs", "new-name");
    let said = one(&story);
    assert!(said.contains("/nhs/new-name`") && said.contains("/nhs/my-api`"), "{said}");
    move_to_back(&story);
    story.github.add_organization("other", "octo");
    move_to(&story, "other", "my-api");
    let found = found(&story);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0]["message"].as_str().is_some_and(|said| said.contains("/other/my-api`")), "{found:?}");
    assert!(found[0]["path"].as_str().is_some_and(|path| path.ends_with("/my-api.toml")), "{found:?}");
}

fn move_to_back(story: &Story) {
    let mut state = story.github.state();
    std::fs::rename(state.root.join("nhs/new-name.git"), state.root.join("nhs/my-api.git")).expect("moved");
    state.repositories[0].name = "my-api".to_owned();
    state.renamed.clear();
}

#[test]
fn a_repository_that_is_gone_is_told_and_so_is_one_that_took_its_place() {
    let story = story();
    story.github.state().repositories[0].id += 1_000_000;
    let said = one(&story);
    assert!(said.contains("is another one"), "{said}");
    story.github.state().repositories.clear();
    let said = one(&story);
    assert!(said.contains("`my-api` is not on GitHub, or the token may not see it"), "{said}");
}

#[test]
fn an_archived_repository_is_told_before_its_api_is_retired() {
    let story = story();
    story.github.state().repositories[0].fields.insert("archived".to_owned(), json!(true));
    let said = one(&story);
    assert!(said.contains("archived") && said.contains("inception"), "{said}");
}

#[test]
fn of_repositories_without_a_record_those_that_we_made_are_told() {
    let story = story();
    // More than a page of others: empty ones, and one with a commit.
    for number in 0..101 {
        story.github.add_repository("nhs", &format!("other-{number}"), "private");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("{}/nhs/other-0.git", story.github.url());
    super::walk::push(folder.path(), &url, &story.variables[0].1).expect("pushed");
    assert_eq!(found(&story), [json!(null); 0]);
    let pages = story.requests().iter().filter(|entry| entry.path == "/orgs/nhs/repos").count();
    assert_eq!(pages, 2);

    // By its receipt.
    std::fs::write(folder.path().join(".apiscaffold.toml"), "name = \"other-0\"\n").expect("written");
    git(folder.path(), &["add", "."]);
    super::walk::push(folder.path(), &url, &story.variables[0].1).expect("pushed");
    let said = one(&story);
    assert!(said.contains("/nhs/other-0`") && said.contains("registry import"), "{said}");

    // By its first commit alone, under the name of today and under the one of earlier versions.
    git(folder.path(), &["rm", "--quiet", ".apiscaffold.toml"]);
    super::walk::push(folder.path(), &url, &story.variables[0].1).expect("pushed");
    let bare = story.github.state().root.join("nhs/other-0.git");
    assert_eq!(found(&story), [json!(null); 0]);
    git(&bare, &["update-ref", "refs/apiscaffold/base/1", "refs/heads/main"]);
    assert!(one(&story).contains("/nhs/other-0`"));
    old_base(&bare);
    assert!(one(&story).contains("/nhs/other-0`"));
    // A fork is a copy of somebody's.
    for repository in &mut story.github.state().repositories {
        repository.fields.insert("fork".to_owned(), json!(true));
    }
    assert_eq!(found(&story), [json!(null); 0]);
    assert!(story.requests().iter().all(|entry| entry.is_git() || !entry.is_write()), "it only looks");
    story.nothing_leaked();
}

#[test]
fn a_user_s_private_repositories_are_looked_at_with_the_user_s_token() {
    let mut story = Story::new();
    let token = story.github.add_token("ada", TokenKind::Classic(vec!["repo", "workflow"]));
    story.variables[0].1 = token;
    story.program.write("plain/apiscaffold.toml", "[template]\nname = \"plain\"\n");
    story.program.write("plain/README.md", "# {{ name }}\n");
    for name in ["one", "two"] {
        story.done(&["new", name, "--owner", "ada", "--template", "plain", "--visibility", "private", "--yes"]);
    }
    assert_eq!(found(&story), [json!(null); 0]);
    story
        .program
        .write("registry.csv", format!("name,phase,repository_url\none,alpha,{}/ada/one\n", story.github.url()));
    std::fs::remove_dir_all(story.program.home().join(".local")).expect("removed");
    story.done(&["registry", "import", "registry.csv"]);
    let said = one(&story);
    assert!(said.contains("/ada/two`"), "{said}");
}

#[test]
fn where_the_forge_is_not_asked_that_is_told_and_the_rest_stands() {
    let mut story = story();
    story.github.state().repositories.clear();
    let ran = story.done(&["registry", "check", "--offline"]);
    assert!(ran.stderr.contains("GitHub was not asked") && ran.stdout.contains("nothing is wrong"), "{ran:?}");
    let get = When::Call("GET", "/orgs/nhs/repos".to_owned());
    story.github.plan(Fault::new(get, Harm::Answer(Answer::error(403, "Resource protected by SAML"))));
    let ran = story.done(&["registry", "check"]);
    assert!(ran.stderr.contains("what `nhs` has on GitHub was not all checked: GitHub answered 403"), "{ran:?}");
    story.github.heal();
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    let ran = story.done(&["registry", "check"]);
    assert!(ran.stderr.contains("was not all checked: ") && ran.stderr.contains("there is none"), "{ran:?}");
    story.requests();
}

#[test]
fn a_repository_that_may_not_be_looked_into_hides_no_other_finding() {
    let story = story();
    story.github.state().repositories[0].fields.insert("archived".to_owned(), json!(true));
    story.github.add_repository("nhs", "blocked", "private");
    let get = When::Call("GET", "/repos/nhs/blocked/contents/.apiscaffold.toml".to_owned());
    story.github.plan(Fault::new(get, Harm::Answer(Answer::error(403, "Repository access blocked"))));
    let ran = story.run(&["registry", "check"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("was not all checked: GitHub answered 403"), "{ran:?}");
    assert!(ran.stdout.contains("the repository of `my-api` is archived"), "{ran:?}");
}

#[test]
fn an_owner_that_is_gone_is_one_sentence_and_its_records_have_no_repository() {
    let story = story();
    {
        let mut state = story.github.state();
        state.repositories.clear();
        state.organizations.clear();
    }
    let ran = story.run(&["registry", "check"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("GitHub has no account `nhs`"), "{ran:?}");
    assert!(ran.stdout.contains("the repository of `my-api` is not on GitHub"), "{ran:?}");
}
