//! `doctor` before, and `check --settings` after.

use serde_json::json;

use super::server::log::Entry;
use super::server::state::TokenKind;
use super::story::Story;

fn reads_only(story: &Story) {
    let written: Vec<String> = story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect();
    assert_eq!(written, [""; 0]);
}

#[test]
fn doctor_finds_nothing_where_all_is_well() {
    let story = Story::new();
    let ran = story.done(&["doctor", "--owner", "nhs", "--template", "template"]);
    assert!(ran.stdout.contains("nhs"), "{ran:?}");
    reads_only(&story);
    let json = story.done(&["doctor", "--owner", "nhs", "--template", "template", "--json"]).json();
    assert!(json.is_object(), "{json}");
    story.nothing_leaked();
}

#[test]
fn doctor_names_every_problem_in_one_list_and_writes_nothing() {
    let mut story = Story::new();
    let ruleset = json!({
        "name": "no pushes", "enforcement": "active", "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"]}},
        "rules": [{"type": "pull_request"}],
    });
    story.github.organization("nhs", |nhs| {
        nhs.teams.clear();
        nhs.properties.clear();
        nhs.rulesets.push(ruleset.as_object().cloned().expect("an object"));
    });
    let token = story.github.add_token("octo", TokenKind::Classic(vec!["repo"]));
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    story.variables.push(("GH_TOKEN", token));
    let ran = story.run(&["doctor", "--owner", "nhs", "--template", "template"]);
    assert!(matches!(ran.code, Some(1..=5)), "{ran:?}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for problem in ["workflow", "platform", "kind", "no pushes"] {
        assert!(said.contains(problem), "nothing about `{problem}`: {said}");
    }
    reads_only(&story);
    story.nothing_leaked();
}

#[test]
fn doctor_knows_a_token_that_is_none_and_an_organisation_that_is_not_there() {
    let mut story = Story::new();
    let ran = story.run(&["doctor", "--owner", "nobody", "--template", "template"]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(format!("{}{}", ran.stdout, ran.stderr).contains("nobody"), "{ran:?}");
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    story.variables.push(("GH_TOKEN", "ghp_wrong".to_owned()));
    let ran = story.run(&["doctor", "--owner", "nhs", "--template", "template"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
}

#[test]
fn what_was_changed_by_hand_is_found_and_mended() {
    let story = Story::new();
    story.done(&Story::NEW);
    let end = story.end();
    story.requests();
    {
        let mut state = story.github.state();
        let repository = &mut state.repositories[0];
        repository.topics = vec!["other".to_owned()];
        repository.alerts = false;
        repository.variables.insert("HOST".to_owned(), "elsewhere".to_owned());
        repository.teams.clear();
        repository.rulesets[0].1.insert("enforcement".to_owned(), json!("disabled"));
        repository.environments.get_mut("int").expect("made").body.remove("reviewers");
        repository.fields.insert("allow_merge_commit".to_owned(), json!(true));
    }
    let check = ["check", "--settings", "my-api"];
    let ran = story.run(&check);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for difference in ["topics", "alerts", "HOST", "platform", "main", "int", "allow_merge_commit"] {
        assert!(said.contains(difference), "nothing about `{difference}`: {said}");
    }
    reads_only(&story);
    let json = story.run(&["check", "--settings", "my-api", "--json"]).json();
    assert!(json.to_string().contains("topics"), "{json}");
    story.requests();
    story.done(&["check", "--settings", "--fix", "my-api"]);
    let mended: Vec<String> = story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect();
    assert_eq!(mended.len(), 7, "what differed, and nothing else: {mended:#?}");
    assert_eq!(story.end(), end);
    story.done(&check);
    reads_only(&story);
    story.nothing_leaked();
}

#[test]
fn an_issue_that_was_closed_is_not_opened_again() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.github.state().repositories[0].issues[0].insert("state".to_owned(), json!("closed"));
    story.done(&["check", "--settings", "--fix", "my-api"]);
    assert_eq!(story.github.state().repositories[0].issues.len(), 1);
}

#[test]
fn a_repository_without_a_record_is_found_by_its_remote() {
    let story = Story::new();
    story.done(&Story::NEW);
    let end = story.github.end();
    std::fs::remove_dir_all(story.program.home().join(".local")).expect("removed");
    story.github.state().repositories[0].topics.clear();
    let ran = story.run(&["check", "--settings", "my-api"]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    story.done(&["check", "--settings", "--fix", "my-api"]);
    assert_eq!(story.github.end(), end);
    story.program.git("my-api", &["remote", "remove", "origin"]);
    let ran = story.run(&["check", "--settings", "my-api"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("git remote add origin"), "{ran:?}");
}
