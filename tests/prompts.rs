//! Questions on a terminal.

use std::fs;
use std::process::Stdio;

use rexpect::session::spawn_command;

use crate::program::Program;

#[test]
fn a_terminal_is_asked_and_a_wrong_answer_is_refused_as_typed() {
    let program = Program::new();
    program.write(
        "t/apiscaffold.toml",
        "[template]\nname = \"own\"\n[[question]]\nname = \"title\"\ntype = \"string\"\nprompt = \"Which title\"\npattern = \"^[a-z]{3,9}$\"\n",
    );
    program.write("t/out", "{{ title }}");
    let mut command = program.command(&["new", "x", "--template", "t"]);
    command.stdin(Stdio::inherit()).env("TERM", "xterm");
    let mut session = spawn_command(command, Some(10_000)).expect("a terminal");
    session.exp_string("Which title").expect("asked");
    session.send_line("NO").expect("typed");
    session.exp_string("must match").expect("refused");
    session.send("\u{7f}\u{7f}").expect("cleared");
    session.flush().expect("cleared");
    session.send_line("good").expect("typed");
    session.exp_string("x is ready in").expect("made");
    session.exp_eof().expect("ended");
    assert_eq!(fs::read_to_string(program.folder().join("x/out")).expect("there"), "good");
}

#[test]
fn leaving_a_question_makes_nothing() {
    let program = Program::new();
    let mut command = program.command(&["new", "x"]);
    command.stdin(Stdio::inherit()).env("TERM", "xterm");
    let mut session = spawn_command(command, Some(10_000)).expect("a terminal");
    session.exp_string("Title").expect("asked");
    session.send_control('c').expect("typed");
    session.exp_eof().expect("ended");
    assert_eq!(fs::read_dir(program.folder()).expect("listed").count(), 0);
    assert_eq!(program.registry()["apis"], serde_json::json!([]));
}
