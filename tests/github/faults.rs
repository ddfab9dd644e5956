//! After any fault the same command finishes the work: one repository, one commit, one record, all settings.

use std::thread;
use std::time::{Duration, Instant};

use super::server::fault::{Fault, Harm, Side, Teller, When, answers};
use super::server::http::Answer;
use super::story::{Story, undisturbed};

/// Whether `tests/run` wants every request struck, not a few.
fn every() -> bool {
    std::env::var_os("APISCAFFOLD_EVERY_REQUEST").is_some()
}

/// How many requests an undisturbed run makes.
fn requests() -> usize {
    let story = Story::new();
    story.done(&Story::NEW);
    story.requests().len()
}

/// Every request of a run; for daily work those that must not be made twice.
fn moments() -> Vec<When> {
    if every() {
        return (1..=requests()).map(When::Nth).collect();
    }
    vec![call("POST", "/orgs/nhs/repos"), call("POST", "git-receive-pack"), call("POST", "/issues")]
}

/// Does the work for each item, as many at once as there are processors: most of the time is spent in waiting.
pub(super) fn each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync) {
    let workers = 2 * thread::available_parallelism().map_or(2, usize::from);
    let queue = std::sync::Mutex::new(items);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic").pop();
                    let Some(item) = next else { return };
                    work(item);
                }
            });
        }
    });
}

fn call(method: &'static str, path: &str) -> When {
    When::Call(method, path.to_owned())
}

/// Runs the program and kills it at a request; whether that request was ever made.
pub(super) fn killed_at(story: &Story, command: &[&str], when: When, side: Side) -> bool {
    let (teller, arrivals) = Teller::new();
    story.github.plan(Fault::new(when, Harm::Tell(teller)).side(side));
    let mut child = story.command(command).spawn().expect("it starts");
    loop {
        match arrivals.recv_timeout(Duration::from_millis(20)) {
            Ok(go) => {
                child.kill().expect("killed");
                story.heard(&child.wait_with_output().expect("it ended"));
                drop(go);
                return true;
            }
            Err(_) if child.try_wait().expect("asked").is_some() => {
                story.heard(&child.wait_with_output().expect("it ended"));
                return false;
            }
            Err(_) => {}
        }
    }
}

#[test]
fn killed_before_and_after_every_request_the_same_command_finishes_the_work() {
    undisturbed();
    let moments: Vec<(When, Side)> =
        moments().into_iter().flat_map(|when| [(when.clone(), Side::Before), (when, Side::After)]).collect();
    println!("killed at {} moments", moments.len());
    each(moments, |(when, side)| {
        let what = format!("killed {side:?} {when:?}");
        let story = Story::new();
        assert!(killed_at(&story, &Story::NEW, when, side), "{what}: it was never asked");
        story.ends_well([], &what);
    });
}

#[test]
fn a_stranger_who_comes_between_a_killed_run_and_the_next_keeps_the_repository() {
    let story = Story::new();
    let (teller, arrivals) = Teller::new();
    story.github.plan(Fault::new(call("POST", "/orgs/nhs/repos"), Harm::Tell(teller)));
    let mut child = story.command(&Story::NEW).spawn().expect("it starts");
    let go = arrivals.recv_timeout(Duration::from_secs(60)).expect("reached");
    child.kill().expect("killed");
    child.wait().expect("ended");
    drop(go);
    story.github.add_repository("nhs", "my-api", "public");
    {
        let mut state = story.github.state();
        state.repositories[0].created_at = jiff::Timestamp::now().to_string();
        state.repositories[0].fields.insert("description".to_owned(), serde_json::json!("a stranger's"));
    }
    let before = story.github.end();
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(story.github.end(), before);
}

#[test]
fn broken_off_before_and_after_every_request_the_work_is_finished() {
    undisturbed();
    let mut cases = Vec::new();
    for when in moments() {
        let mut harms = vec![
            (Side::Before, Harm::Reset),
            (Side::After, Harm::Reset),
            (Side::After, Harm::Answer(answers::broken(502))),
            (Side::After, Harm::Answer(answers::nonsense().remove(0))),
        ];
        // git is waited for longer than the API: half a minute.
        if every() || !format!("{when:?}").contains("pack") {
            harms.push((Side::After, Harm::Silence));
        }
        if every() {
            harms.extend([
                (Side::Before, Harm::Answer(answers::broken(500))),
                (Side::Before, Harm::Answer(answers::broken(503))),
                (Side::Before, Harm::Closed(Duration::from_millis(500))),
            ]);
        }
        cases.extend(harms.into_iter().map(|(side, harm)| (when.clone(), side, harm)));
    }
    each(cases, |(when, side, harm)| {
        let what = format!("{harm:?} {side:?} {when:?}");
        let mut story = Story::new();
        // How long the program waits for an answer, in seconds.
        story.variables.push(("APISCAFFOLD_TIMEOUT", "3".to_owned()));
        story.ends_well([Fault::new(when, harm).side(side)], &what);
    });
}

#[test]
fn a_repository_that_is_not_known_everywhere_for_a_while_is_waited_for() {
    undisturbed();
    let unknown = || Harm::Answer(Answer::not_found());
    let empty = || Harm::Answer(Answer::error(409, "Git Repository is empty."));
    let times = if every() { 4 } else { 1 };
    let new = |harm| Fault::new(When::AfterCreation, harm);
    let mut faults = vec![
        new(unknown()).times(times),
        new(empty()).times(times),
        Fault::new(call("PATCH", "/repos/nhs/my-api"), unknown()).times(times),
        Fault::new(call("PUT", "/topics"), empty()).times(times),
    ];
    if every() {
        faults.push(new(unknown()).lasting(Duration::from_secs(20)));
    }
    each(faults, |fault| {
        let what = format!("{fault:?}");
        assert_eq!(Story::new().ends_well([fault], &what), 1, "the run itself waits: {what}");
    });
}

#[test]
fn limits_are_obeyed() {
    undisturbed();
    let began = Instant::now();
    // The last but one: what comes after a limit is written slowly.
    let last = || call("POST", "/rulesets");
    let reset = jiff::Timestamp::now().as_second() + 4;
    let mut limits = vec![
        answers::secondary_limit(403, Some(1)),
        answers::secondary_limit(429, Some(1)),
        answers::primary_limit(reset),
    ];
    if every() {
        limits.extend([answers::secondary_limit(403, None), answers::secondary_limit(429, None)]);
    }
    each(limits, |limit| {
        let what = format!("{limit:?}");
        assert_eq!(Story::new().ends_well([Fault::new(last(), Harm::Answer(limit))], &what), 1, "{what}");
    });
    assert!(began.elapsed() >= Duration::from_secs(2), "the reset is waited for");
    if every() {
        assert!(began.elapsed() >= Duration::from_secs(60), "a limit that does not say for how long lasts a minute");
    }
}

#[test]
#[ignore = "takes more than a minute: tests/run runs it"]
fn more_settings_than_github_takes_in_a_minute_are_paced() {
    let story = Story::with_variables(80);
    story.done(&Story::NEW);
    let refused = story.requests().iter().filter(|entry| entry.status == Some(403)).count();
    assert_eq!(refused, 0, "GitHub never had to ask for a pause");
    assert_eq!(story.github.end()[0]["settings"]["variables"].as_object().map(serde_json::Map::len), Some(81));
}

#[test]
fn a_token_that_expires_midway_is_told_and_a_new_one_finishes_the_work() {
    let mut story = Story::new();
    story.github.plan(Fault::new(call("PUT", "/topics"), Harm::Expire));
    let ran = story.run(&Story::NEW);
    assert!(matches!(ran.code, Some(4 | 8)), "{ran:?}");
    assert!(ran.stderr.contains("401") || ran.stderr.contains("token"), "{ran:?}");
    let token = story.github.add_token("octo", super::server::state::TokenKind::FineGrained);
    for (name, value) in &mut story.variables {
        if *name == "GH_TOKEN" {
            value.clone_from(&token);
        }
    }
    story.ends_well([], "token expired midway");
}

#[test]
fn a_push_that_a_hook_refuses_is_told_in_the_hook_s_words_and_done_later() {
    let story = Story::new();
    story.github.plan(Fault::new(call("POST", "git-receive-pack"), Harm::Hook("the moon is full".to_owned())));
    let ran = story.run(&Story::NEW);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("the moon is full"), "{ran:?}");
    story.ends_well([], "hook");
}

#[test]
fn a_team_that_is_missing_is_told_and_is_made_when_wanted() {
    let story = Story::new();
    story.github.organization("nhs", |nhs| nhs.teams.clear());
    let began = Instant::now();
    let ran = story.run(&Story::NEW);
    assert!(began.elapsed() < Duration::from_secs(15), "what needs what could not be made is not waited for");
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("platform") && ran.stderr.contains("--create-teams"), "{ran:?}");
    story.done(&[&Story::NEW[..], &["--create-teams"]].concat());
    let end = story.end();
    assert_eq!(end["forge"][0]["settings"]["teams"]["platform"], "maintain");
    assert_eq!(end["records"], undisturbed()["records"]);
    story.nothing_leaked();
}

#[test]
fn independent_settings_are_made_when_one_cannot_be() {
    let story = Story::new();
    let refused = Answer::error(403, "Resource not accessible by personal access token");
    story.github.plan(Fault::new(call("PUT", "/topics"), Harm::Answer(refused)).times(usize::MAX));
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    assert!(ran.stderr.contains("topics") && ran.stderr.contains("FA17:000000:TEST"), "with the request's id: {ran:?}");
    let settings = &story.end()["forge"][0]["settings"];
    assert_eq!(settings["rulesets"].as_array().map(Vec::len), Some(1), "{settings}");
    assert_eq!(settings["issues"].as_array().map(Vec::len), Some(1), "{settings}");
    story.github.heal();
    story.ends_well([], "topics were refused");
}
