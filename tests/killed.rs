//! Killed or stopped at any moment, the next identical run succeeds: one record, one repository, nothing left over.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{Program, files};
use crate::tools::thorough;

/// Deterministic numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

fn start(program: &Program, name: &str) -> Child {
    let mut command = program.command(&["new", name]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// How long an undisturbed run takes here: the shortest of three.
fn usual(program: &Program) -> Duration {
    let run = |i: i32| {
        let before = Instant::now();
        assert!(start(program, &format!("usual-{i}")).wait().expect("it ends").success());
        before.elapsed()
    };
    (0..3).map(run).min().expect("three runs")
}

#[test]
fn killed_at_any_moment_the_next_run_finishes_the_work() {
    let program = Program::new();
    let span = usual(&program).as_micros() as u64;
    let mut numbers = Numbers(7);
    let mut killed = 0;
    let mut rounds = 0;
    let wanted = if thorough() { 200 } else { 40 };
    // A run that was done before its moment came does not count.
    while killed < wanted {
        let round = rounds;
        rounds += 1;
        assert!(rounds <= 2000, "only {killed} of {rounds} runs were killed before their end");
        let name = format!("api-{round}");
        let mut child = start(&program, &name);
        thread::sleep(Duration::from_micros(numbers.below(span)));
        let finished = child.try_wait().expect("asked").is_some();
        child.kill().expect("killed");
        child.wait().expect("it ends");
        killed += usize::from(!finished);
        program.done(&["new", &name]);
        assert_eq!(program.git(&name, &["rev-list", "--count", "HEAD"]), "1");
    }
    println!("{killed} of {rounds} runs were killed before their end");
    let records = program.records();
    assert_eq!(records.len(), rounds + 3);
    assert!(records.iter().all(|(_, state)| state == "active"), "{records:?}");
    let beside = fs::read_dir(program.folder()).expect("listed").count();
    assert_eq!(beside, rounds + 3, "staging folders were left over");
    let registry = program.home().join(".local/share/apiscaffold/registry.git");
    assert_eq!(crate::program::git(&registry, &["fsck", "--strict", "--no-dangling"]), "");
    assert_eq!(files(&program.folder().join("api-0")).len(), files(&program.folder().join("usual-0")).len());
}

#[test]
fn ctrl_c_is_answered_in_one_sentence_and_leaves_nothing() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"many\"\n");
    for number in 0..4_000 {
        program.write(&format!("t/{}/{number}", number % 100), "{{ name }}\n".repeat(20));
    }
    let mut stopped = 0;
    // A run that is done before it looks up is not stopped.
    for round in 0..20 {
        let name = format!("api-{round}");
        let mut command = program.command(&["new", &name, "--template", "t"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let staged = || {
            let mut entries = fs::read_dir(program.folder()).expect("listed").flatten();
            entries.any(|entry| entry.file_name().to_string_lossy().starts_with(".apiscaffold-"))
        };
        let end = Instant::now() + Duration::from_secs(20);
        while !staged() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        let pressed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill starts");
        assert!(pressed.success());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!staged(), "a staging folder was left over: {said}");
        if !output.status.success() {
            stopped += 1;
            assert_eq!(output.status.code(), Some(130), "{said}");
            let hint = "hint: run the same command again: it finishes what was begun";
            assert_eq!(said, format!("error: stopped by Ctrl-C\n{hint}\n"));
            assert!(!program.folder().join(&name).exists());
        }
        program.run(&["new", &name, "--template", "t"]);
        assert_eq!(program.git(&name, &["rev-list", "--count", "HEAD"]), "1");
        if stopped == if thorough() { 3 } else { 1 } {
            return;
        }
    }
    panic!("only {stopped} of 20 runs were stopped");
}
