//! Questions asked by this very test program, run a second time under a pty.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};
use serde_json::json;

use super::ask;
use crate::error::Blame as _;
use crate::model::question::{AnswerType, MAX_LENGTH, Question};

/// Set for the copy of this test program that runs inside a pty; names the kind of question to ask.
const INSIDE: &str = "ASK_TEST_KIND";

fn question(kind: AnswerType) -> Question {
    Question {
        name: "q".to_owned(),
        kind,
        prompt: "Which one".to_owned(),
        help: None,
        default: None,
        pattern: None,
        max_length: MAX_LENGTH,
        otherwise: None,
        because: None,
        withheld: Vec::new(),
        when: None,
    }
}

/// Not a test of its own: asks when another test runs it inside a pty.
#[test]
fn inside_a_pty() {
    let Ok(kind) = std::env::var(INSIDE) else { return };
    let choices = vec!["one".to_owned(), "two".to_owned(), "three".to_owned()];
    let (kind, proposed) = match kind.as_str() {
        "integer" => (AnswerType::Integer { min: Some(1), max: Some(9) }, Some(json!(7))),
        "bool" => (AnswerType::Bool, Some(json!(true))),
        "choice" => (AnswerType::Choice { choices }, Some(json!("two"))),
        "escape" => (AnswerType::String, Some(json!("a\u{1b}]0;owned\u{7}"))),
        "list" => (AnswerType::List { choices, min: 0 }, Some(json!(["two"]))),
        _ => (AnswerType::String, Some(json!("a\nb"))),
    };
    let said = match ask(&question(kind), proposed.as_ref()) {
        Ok(value) => value.to_string(),
        Err(error) => format!("{error:?} {}", error.fault().exit_code()),
    };
    std::fs::write("/dev/tty", format!("answer={said}\n")).expect("a terminal");
}

fn inside(kind: &str) -> PtySession {
    let mut command = Command::new(std::env::current_exe().expect("this test program"));
    command.args(["--exact", "terminal::ask::pty_tests::inside_a_pty", "--nocapture"]);
    command.env(INSIDE, kind).env("TERM", "xterm");
    let mut session = spawn_command(command, Some(20_000)).expect("a pty");
    session.exp_string("Which one").expect("the prompt");
    session
}

fn send(session: &mut PtySession, keys: &str) {
    session.send(keys).expect("typed");
    session.flush().expect("sent");
}

#[test]
fn an_empty_line_takes_what_is_proposed_line_breaks_included() {
    for (kind, answer) in
        [("string", r#""a\nb""#), ("integer", "7"), ("bool", "true"), ("choice", r#""two""#), ("list", r#"["two"]"#)]
    {
        let mut session = inside(kind);
        send(&mut session, "\r");
        session.exp_string(&format!("answer={answer}")).expect(kind);
    }
}

#[test]
fn a_wrong_answer_is_refused_as_typed_and_can_be_corrected() {
    let mut session = inside("integer");
    send(&mut session, "2\r");
    session.exp_string("must be between 1 and 9").expect("refused");
    send(&mut session, "\u{7f}\u{7f}3\r");
    session.exp_string("answer=3").expect("corrected");
}

#[test]
fn control_c_and_escape_interrupt() {
    for key in ["\u{3}", "\u{1b}"] {
        let mut session = inside("string");
        send(&mut session, key);
        session.exp_string("Interrupted").expect("interrupted");
        session.exp_string("130").expect("exit code");
    }
}

#[test]
fn escape_sequences_in_a_proposal_never_reach_the_terminal() {
    let mut session = inside("escape");
    send(&mut session, "mine\r");
    let drawn = session.exp_string("answer=\"mine\"").expect("only what was typed");
    assert!(!drawn.contains("owned"), "{drawn:?}");
}
