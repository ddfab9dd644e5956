//! Dry runs: what they tell is what a run does.

use serde_json::{Value, json};

use super::server::log::Entry;
use super::stories::writes;
use super::story::Story;

/// What a dry run of this command told; it wrote nothing.
pub(super) fn rehearsed(story: &Story, command: &[&str]) -> Value {
    story.requests();
    let told = story.done(&[command, &["--dry-run", "--json"]].concat()).json();
    assert_eq!(writes(&story.requests()), [""; 0]);
    told
}

/// Runs the command, whose calls must be those that were told, in that order.
pub(super) fn done_as_told(story: &Story, command: &[&str], told: &Value) {
    let run = story.done(&[command, &["--json"]].concat()).json();
    assert_eq!(same_steps(told), same_steps(&run));
    let log = story.requests();
    let made: Vec<&Entry> = log.iter().filter(|entry| entry.is_write() && !entry.is_git()).collect();
    let calls: Vec<&Value> = steps(told).flat_map(|step| step["calls"].as_array().into_iter().flatten()).collect();
    let lines: Vec<String> = made.iter().map(|entry| entry.line()).collect();
    assert_eq!(calls.len(), made.len(), "told {calls:#?}, made {lines:#?}");
    for (call, entry) in calls.iter().zip(made) {
        let line =
            format!("{} {}", call["method"].as_str().unwrap_or_default(), call["path"].as_str().unwrap_or_default());
        let sent = entry.body.clone().unwrap_or_default();
        assert_eq!(line, entry.line());
        assert!(is_told(&call["body"], &sent), "{line}: told {}, sent {sent}", call["body"]);
    }
    story.nothing_leaked();
}

pub(super) fn steps(told: &Value) -> impl Iterator<Item = &Value> {
    told["steps"].as_array().into_iter().flatten()
}

/// The steps, without how they went.
fn same_steps(document: &Value) -> Vec<(&Value, &Value)> {
    steps(document).map(|step| (&step["step"], &step["words"])).collect()
}

/// Whether what was told is what was sent; words in brackets stand for what only GitHub knows.
fn is_told(told: &Value, sent: &Value) -> bool {
    match (told, sent) {
        (Value::String(told), _) if told.starts_with('(') => !sent.is_null(),
        (Value::Object(told), Value::Object(sent)) => {
            told.len() == sent.len()
                && told.iter().all(|(key, told)| sent.get(key).is_some_and(|sent| is_told(told, sent)))
        }
        (Value::Array(told), Value::Array(sent)) => {
            told.len() == sent.len() && told.iter().zip(sent).all(|(told, sent)| is_told(told, sent))
        }
        _ => told == sent,
    }
}

#[test]
fn a_dry_run_tells_every_call_and_makes_no_write() {
    let story = Story::new();
    let ran = story.done(&[&Story::NEW[..], &["--dry-run"]].concat());
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.github.end(), json!([]));
    assert!(!story.program.folder().join("my-api").exists());
    for call in
        ["POST /orgs/nhs/repos", "PUT /repos/nhs/my-api/topics", "POST /repos/nhs/my-api/rulesets", "DEPLOY_KEY"]
    {
        assert!(ran.stdout.contains(call), "{call} is not in {}", ran.stdout);
    }
    let told = rehearsed(&story, &Story::NEW);
    done_as_told(&story, &Story::NEW, &told);
}

#[test]
fn a_dry_run_of_what_is_partly_there_tells_what_is_left() {
    let story = Story::new();
    story.done(&Story::NEW);
    {
        let mut state = story.github.state();
        let repository = &mut state.repositories[0];
        repository.topics.clear();
        repository.variables.insert("HOST".to_owned(), "elsewhere".to_owned());
        repository.rulesets[0].1.insert("enforcement".to_owned(), json!("disabled"));
    }
    let told = rehearsed(&story, &Story::NEW);
    assert_eq!(steps(&told).flat_map(|step| step["calls"].as_array().into_iter().flatten()).count(), 3, "{told:#}");
    done_as_told(&story, &Story::NEW, &told);
}

#[test]
fn a_dry_run_tells_the_teams_that_would_be_made_and_what_fails_without_them() {
    let story = Story::new();
    story.github.organization("nhs", |nhs| nhs.teams.clear());
    let told = rehearsed(&story, &Story::NEW);
    let failing: Vec<&Value> = steps(&told).filter(|step| !step["error"].is_null()).collect();
    let ran = story.done(&[&Story::NEW[..], &["--dry-run"]].concat());
    assert!(
        ran.stdout.contains("team `platform` (maintain)\n      would fail: `nhs` has no team `platform`")
            && ran.stdout.contains("--create-teams"),
        "{ran:?}"
    );
    let create = [&Story::NEW[..], &["--create-teams"]].concat();
    let all = rehearsed(&story, &create);
    // Without the team neither it nor the environment that it reviews, nor what is in that, can be made.
    assert_eq!(failing.len(), 3, "{failing:#?}");
    done_as_told(&story, &create, &all);
}

/// Every command that changes something on GitHub.
#[test]
fn a_dry_run_has_the_steps_of_a_run() {
    let story = super::phase::story();
    story.github.state().repositories[0].topics.clear();
    let (dates, kick_off) =
        (["--deprecation=2099-01-01", "--sunset=2100-01-01"], "--evidence=kick-off=https://example.org/1");
    let retired = ["phase", "my-api", "retired", "--json"];
    let commands: [&[&str]; 8] = [
        &["new", "other", "--owner", "nhs", "--visibility", "public", "--template", "template"],
        &["check", "--settings", "--fix", "my-api"],
        &["phase", "my-api", "discovery", kick_off],
        &["phase", "my-api", "alpha"],
        &["phase", "my-api", "beta"],
        &["phase", "my-api", "live"],
        &["phase", "my-api", "deprecated", dates[0], dates[1]],
        &retired[..3],
    ];
    for command in commands {
        let told = rehearsed(&story, command);
        let run = story.done(&[command, &["--json"]].concat()).json();
        assert_eq!(same_steps(&told), same_steps(&run), "{command:?}");
        assert!(!same_steps(&told).is_empty(), "{command:?}");
        let mut state = story.github.state();
        if state.repositories[0].pulls.last().is_some_and(|pull| pull["state"] == "open") {
            state.end_pull(0, true);
        }
    }
    let told = rehearsed(&story, &retired[..3]);
    assert_eq!(steps(&told).next().map(|step| &step["step"]), Some(&json!("archive")), "{told:#}");
    let run = story.done(&retired).json();
    assert_eq!(same_steps(&told), same_steps(&run));
}
