//! An answer with 200 that is not GitHub's means nothing: the run says which call it was, and writes nothing after it.

use std::collections::BTreeSet;

use serde_json::json;

use super::server::fault::{Fault, Harm, When, answers};
use super::server::http::Answer;
use super::server::log::Entry;
use super::stories::writes;
use super::story::{Story, undisturbed};
use crate::program::Ran;

/// The paths that a command reads from the API.
fn read_by(story: &Story, command: &[&str]) -> BTreeSet<String> {
    story.requests();
    story.run(command);
    let reads = story.requests().into_iter().filter(|entry| entry.method == "GET" && !entry.is_git());
    reads.map(|entry| entry.path).collect()
}

/// Runs a command whose every read of `path` is answered like this.
fn run_with(story: &Story, command: &[&str], path: &str, answer: Answer) -> (Ran, Vec<Entry>) {
    story.github.plan(Fault::new(When::Exact("GET", path.to_owned()), Harm::Answer(answer)).times(usize::MAX));
    story.requests();
    let ran = story.run(command);
    story.github.heal();
    (ran, story.requests())
}

/// Every read of a command, with every answer that means nothing: the exit code is 1, the call is named, nothing is
/// written.
fn nothing_is_believed(story: &Story, command: &[&str], but: &[&str]) {
    let paths = read_by(story, command);
    assert!(paths.len() > 1, "{paths:?}");
    for path in paths.iter().filter(|path| !but.contains(&path.as_str())) {
        for answer in answers::nonsense() {
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            let before = story.github.end();
            let (ran, log) = run_with(story, command, path, answer);
            let what = format!("{command:?}: {path} answered `{body}`: {ran:?}");
            assert_eq!(ran.code, Some(1), "{what}");
            assert!(ran.stderr.contains(&format!("GET {path}")), "{what}");
            assert_eq!(writes(&log), [""; 0], "{what}");
            assert_eq!(story.github.end(), before, "{what}");
        }
    }
}

#[test]
fn nothing_is_mended_after_an_answer_that_cannot_be_read() {
    let story = Story::new();
    story.done(&Story::NEW);
    // Something is to be mended, so that everything is read that decides how.
    story.github.state().repositories[0].topics.clear();
    // Who asks decides nothing where the owner is an organisation.
    nothing_is_believed(&story, &["check", "--settings", "--fix", "my-api"], &["/user"]);
    story.nothing_leaked();
}

#[test]
fn nothing_is_made_after_an_answer_that_cannot_be_read() {
    let story = Story::new();
    let new = [&Story::NEW[..], &["--dry-run"]].concat();
    nothing_is_believed(&story, &new, &["/user"]);
    for path in ["/users/nhs", "/repos/nhs/my-api"] {
        for answer in answers::nonsense() {
            let (ran, log) = run_with(&story, &Story::NEW, path, answer);
            assert_eq!((ran.code, writes(&log).len()), (Some(1), 0), "{path}: {ran:?}");
        }
    }
    assert_eq!(story.program.records(), []);
    for answer in answers::nonsense() {
        let story = Story::new();
        story.github.plan(Fault::new(When::Exact("POST", "/orgs/nhs/repos".to_owned()), Harm::Answer(answer)));
        let ran = story.run(&Story::NEW);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("POST /orgs/nhs/repos"), "{ran:?}");
        assert_eq!(writes(&story.requests()), ["POST /orgs/nhs/repos"]);
        story.ends_well([], "an answer that cannot be read");
    }
}

#[test]
fn an_organisation_is_no_user_because_its_type_is_missing() {
    let story = Story::new();
    let mut odd = vec![json!({"login": "nhs"}), json!({"login": "nhs", "type": "Mannequin"}), json!({"type": "User"})];
    odd.extend([json!({"login": "nhs", "type": null}), json!({"login": 7, "type": "User"})]);
    for body in odd {
        let (ran, log) = run_with(&story, &Story::NEW, "/users/nhs", Answer::json(200, &body));
        assert_eq!((ran.code, writes(&log).len()), (Some(1), 0), "{body}: {ran:?}");
    }
}

#[test]
fn a_repository_is_believed_only_with_every_field_that_decides_something() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.github.state().repositories[0].topics.clear();
    let whole: serde_json::Value = {
        let state = story.github.state();
        let token = story.variables[0].1.clone();
        state.repository(&state.repositories[0], &state.tokens[&token])
    };
    let deciding =
        ["id", "full_name", "clone_url", "ssh_url", "default_branch", "private", "created_at", "description", "topics"];
    for field in deciding {
        for value in [None, Some(json!([1])), Some(json!({}))] {
            let mut body = whole.clone();
            match &value {
                Some(value) if field == "topics" && value.is_array() => continue,
                Some(value) => body[field] = value.clone(),
                None => drop(body.as_object_mut().expect("an object").remove(field)),
            }
            let answer = Answer::json(200, &body);
            let check = ["check", "--settings", "--fix", "my-api"];
            let (ran, log) = run_with(&story, &check, "/repos/nhs/my-api", answer);
            assert_eq!((ran.code, writes(&log).len()), (Some(1), 0), "{field} {value:?}: {ran:?}");
        }
    }
}

#[test]
fn a_sign_in_page_that_says_not_found_is_no_missing_repository() {
    for status in [404, 409] {
        let story = Story::new();
        let mut page = answers::nonsense().remove(0);
        page.status = status;
        let (ran, log) = run_with(&story, &Story::NEW, "/repos/nhs/my-api", page);
        assert_eq!((ran.code, writes(&log).len()), (Some(1), 0), "{status}: {ran:?}");
        story.ends_well([], "a page in GitHub's place");
    }
}

#[test]
fn a_run_that_goes_on_writes_nothing_after_an_answer_that_cannot_be_read() {
    let story = Story::new();
    let refused = || Harm::Answer(Answer::error(403, "Resource not accessible by personal access token"));
    let topics = || Fault::new(When::Call("PUT", "/topics".to_owned()), refused()).times(usize::MAX);
    story.github.plan(topics());
    assert_eq!(story.run(&Story::NEW).code, Some(8));
    story.github.plan(topics());
    let paths = read_by(&story, &Story::NEW);
    story.github.heal();
    for path in paths.iter().filter(|path| *path != "/user") {
        for answer in answers::nonsense() {
            let (ran, log) = run_with(&story, &Story::NEW, path, answer);
            assert!(matches!(ran.code, Some(1 | 8)), "{path}: {ran:?}");
            assert!(ran.stderr.contains(&format!("GET {path}")), "{path}: {ran:?}");
            assert_eq!(writes(&log), [""; 0], "{path}: {ran:?}");
        }
    }
    story.ends_well([], "answers that could not be read");
    assert_eq!(story.end(), undisturbed());
}
