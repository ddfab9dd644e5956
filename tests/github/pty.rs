//! What a person sees while GitHub is slow.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rexpect::session::spawn_command;

use super::faults::each;
use super::server::fault::{Fault, Harm, Teller, When};
use super::story::{Story, undisturbed};
use crate::git_server::{GitServer, Mode};

/// How each frame of the spinner begins: the pty gives UTF-8 byte by byte.
const SPINNER: &str = "\u{E2}\u{A0}.";

/// The command of a person who sits at a terminal.
fn on_a_terminal(story: &Story, arguments: &[&str]) -> Command {
    let mut command = story.program.command(arguments);
    command.env("GITHUB_API_URL", story.github.url()).env("GITHUB_SERVER_URL", story.github.url());
    command.envs(story.variables.iter().map(|(name, value)| (name, value))).env("TERM", "xterm");
    command
}

#[test]
fn a_spinner_is_drawn_before_the_first_answer_comes() {
    let story = Story::new();
    let (teller, arrivals) = Teller::new();
    story.github.plan(Fault::new(When::Nth(1), Harm::Tell(teller)));
    let command = on_a_terminal(&story, &Story::NEW[1..]);
    let mut session = spawn_command(command, Some(10_000)).expect("a pty");
    // The first request has no answer yet: what is on the screen now was drawn without one.
    let go = arrivals.recv_timeout(Duration::from_secs(10)).expect("a request");
    session.exp_regex(SPINNER).expect("a spinner");
    drop(go);
}

#[test]
fn a_spinner_is_drawn_while_a_shared_registry_is_slow() {
    let root = tempfile::tempdir().expect("a folder");
    // It says nothing at all.
    let server = GitServer::start(root.path());
    server.behave(Mode::Silent);
    for arguments in [&Story::NEW[1..], &["list"], &["show", "my-api"], &["doctor"]] {
        let mut story = Story::new();
        story.variables.push(("APISCAFFOLD_REGISTRY", server.url("registry.git")));
        let mut session = spawn_command(on_a_terminal(&story, arguments), Some(10_000)).expect("a pty");
        session.exp_string("reading the registry").unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    }
}

#[test]
fn a_pause_that_github_asks_for_is_counted_down() {
    let story = Story::new();
    let limit = super::server::fault::answers::secondary_limit(403, Some(3));
    story.github.plan(Fault::new(When::Call("POST", "/rulesets".to_owned()), Harm::Answer(limit)));
    let command = on_a_terminal(&story, &Story::NEW[1..]);
    let mut session = spawn_command(command, Some(20_000)).expect("a pty");
    for left in ["3 s", "2 s", "1 s"] {
        session.exp_string(left).unwrap_or_else(|error| panic!("`{left}` was not told: {error}"));
    }
    session.exp_string("my-api is ready").expect("done after the pause");
}

#[test]
fn control_c_is_heard_at_once_while_github_is_silent_or_has_asked_for_a_pause() {
    let limit = || Harm::Answer(super::server::fault::answers::secondary_limit(403, Some(600)));
    let cases = [("/topics", Harm::Silence), ("/topics", limit()), ("git-receive-pack", Harm::Silence)];
    each(cases.to_vec(), |(path, harm)| {
        let (what, pauses) = (format!("{harm:?} at {path}"), matches!(harm, Harm::Answer(_)));
        let story = Story::new();
        story.github.plan(Fault::new(When::Call("*", path.to_owned()), harm));
        let mut session = spawn_command(on_a_terminal(&story, &Story::NEW[1..]), Some(10_000)).expect("a pty");
        let end = Instant::now() + Duration::from_secs(10);
        let is_there = || story.requests().iter().any(|entry| entry.path.ends_with(path));
        while !is_there() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        if pauses {
            session.exp_string("600 s").expect("the pause has begun");
        }
        session.send_control('c').expect("pressed");
        let pressed = Instant::now();
        let said = session.exp_eof().expect("it ends");
        // Without Ctrl-C the time-out of 20 seconds would end it, or the pause of 600.
        assert!(pressed.elapsed() < Duration::from_secs(10), "{what}: {:?}", pressed.elapsed());
        let status = session.process().wait().expect("it ended");
        assert!(format!("{status:?}").contains("130"), "{what}: {status:?} {said}");
        assert!(said.contains("run the same command again"), "{what}: {said}");
        story.github.heal();
        story.ends_well([], &what);
    });
}

#[test]
fn control_c_while_something_is_looked_at_says_nothing_of_what_was_not_seen() {
    let check = ["check", "--settings", "my-api"];
    let dry = [&Story::NEW[1..], &["--dry-run"]].concat();
    each(vec![&check[..], &dry], |command| {
        let story = Story::new();
        story.done(&Story::NEW);
        story.requests();
        story.github.plan(Fault::new(When::Call("GET", "/rulesets".to_owned()), Harm::Silence));
        let mut session = spawn_command(on_a_terminal(&story, command), Some(10_000)).expect("a pty");
        let end = Instant::now() + Duration::from_secs(10);
        let mut seen = Vec::new();
        while !seen.iter().any(|path: &String| path.ends_with("/rulesets")) && Instant::now() < end {
            seen.extend(story.requests().into_iter().map(|entry| entry.path));
            std::thread::sleep(Duration::from_millis(20));
        }
        session.send_control('c').expect("pressed");
        let said = session.exp_eof().expect("it ends");
        let status = session.process().wait().expect("it ended");
        assert!(format!("{status:?}").contains("130"), "{command:?}: {status:?} {said}");
        assert!(!said.contains("ruleset `main`"), "{command:?}: {said}");
    });
}

#[test]
fn a_secret_without_a_value_is_asked_for_unseen_before_anything_is_made() {
    let mut story = Story::new();
    let value = story.variables.pop().expect("the secret's variable").1;
    let new: Vec<&str> = Story::NEW.into_iter().filter(|word| *word != "--yes").collect();
    let mut command = on_a_terminal(&story, &new);
    command.stdin(Stdio::inherit());
    let mut session = spawn_command(command, Some(10_000)).expect("a pty");
    let before = session.exp_string("opens the gateway").expect("asked");
    assert!(before.contains("DEPLOY_KEY"), "{before}");
    assert_eq!(story.github.end(), serde_json::json!([]));
    session.send_line(&value).expect("typed");
    let said = session.exp_eof().expect("it ends");
    assert!(!said.contains(&value), "it is shown: {said}");
    assert_eq!(story.end(), undisturbed());
    story.nothing_leaked();
}

#[test]
fn what_is_said_meanwhile_has_a_line_of_its_own() {
    let story = Story::new();
    let mut session = spawn_command(on_a_terminal(&story, &Story::NEW), Some(10_000)).expect("a pty");
    let said = session.exp_eof().expect("it ends");
    for line in ["reserve `my-api`", "make the public repository", "make 12 settings", "record `my-api` as active"] {
        let before = &said[..said.find(line).unwrap_or_else(|| panic!("no `{line}`: {said}"))];
        assert!(before.ends_with("\u{1b}[2K") || before.ends_with('\n'), "`{line}` follows the bar: {said:?}");
    }
}
