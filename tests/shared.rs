//! One registry for many machines: over real HTTP, over ssh and in a shared folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::git_server::{GitServer, Mode, git};
use crate::program::{Program, Ran};

/// What another machine would run, on this one.
const LOOPBACK: &str = r#"sh -c 'eval "$2"' loopback"#;

/// A server with an empty repository for the registry.
struct Shared {
    folder: TempDir,
    server: GitServer,
}

impl Shared {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "registry.git"]);
        let server = GitServer::start(folder.path());
        Self { folder, server }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("registry.git")
    }

    fn url(&self) -> String {
        self.server.url("registry.git")
    }

    /// What the server's own git says of the registry, oldest first.
    fn subjects(&self) -> Vec<String> {
        let log = git(&self.repository(), &["log", "--reverse", "--format=%s", "main"]);
        log.lines().map(str::to_owned).collect()
    }

    fn assert_sound(&self) {
        assert_eq!(git(&self.repository(), &["fsck", "--strict", "--no-dangling", "--no-progress"]), "");
        let merges = git(&self.repository(), &["rev-list", "--merges", "main"]);
        assert_eq!(merges, "", "one line of history");
    }

    fn hook(&self, name: &str, script: &str) {
        let path = self.repository().join("hooks").join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        let made = Command::new("chmod").arg("+x").arg(&path).status().expect("chmod runs");
        assert!(made.success());
    }
}

/// A machine of its own that uses the registry at `url`.
fn machine(url: &str) -> Program {
    let program = Program::new();
    let config = program.home().join(".config/apiscaffold");
    fs::create_dir_all(&config).expect("made");
    fs::write(config.join("config.toml"), format!("registry = {url:?}\n")).expect("written");
    program
}

fn names(program: &Program) -> Vec<String> {
    program.records().into_iter().map(|(name, _)| name).collect()
}

/// The copy of the registry on a machine.
fn copy(program: &Program) -> PathBuf {
    let folder = program.home().join(".cache/apiscaffold/registries");
    let entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("listed").map(|entry| entry.expect("there").path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

#[test]
fn an_empty_repository_becomes_a_registry_that_every_machine_sees() {
    let shared = Shared::new();
    let (one, other) = (machine(&shared.url()), machine(&shared.url()));
    assert_eq!(names(&one), Vec::<String>::new());
    one.done(&["new", "first"]);
    assert_eq!(shared.subjects(), ["Reserve first", "Activate first"]);
    other.done(&["new", "second"]);
    one.done(&["new", "third"]);
    assert_eq!(names(&other), ["first", "second", "third"]);
    assert_eq!(one.registry(), other.registry());
    assert_eq!(other.done(&["show", "first", "--json"]).json()["state"], json!("active"));
    shared.assert_sound();
    let history = git(&copy(&other), &["rev-list", "--count", "main"]);
    assert_eq!(history, "1", "only the newest commit was fetched");
}

#[test]
fn a_run_asks_the_server_no_more_than_it_must() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    program.done(&["new", "first"]);
    shared.server.requests();
    program.done(&["new", "second"]);
    let looked = "GET /registry.git/info/refs";
    let pushed = [looked, "POST /registry.git/git-receive-pack"];
    assert_eq!(shared.server.requests(), [&[looked][..], &pushed, &pushed].concat());
    program.done(&["list"]);
    assert_eq!(shared.server.requests(), [looked], "the copy is up to date");
}

#[test]
fn what_another_machine_took_meanwhile_is_seen_and_a_name_is_taken_once() {
    let shared = Shared::new();
    let (one, other) = (machine(&shared.url()), machine(&shared.url()));
    one.done(&["new", "wanted"]);
    let taken = other.run(&["new", "wanted"]);
    assert_eq!(taken.code, Some(5), "{taken:?}");
    assert!(taken.stderr.contains("`wanted` is taken") && taken.stderr.contains("for file://"), "{taken:?}");
    other.done(&["new", "wanted-too"]);
    let record = other.done(&["show", "wanted-too", "--json"]).json();
    assert_eq!(record["short_name"], json!("wt"));
    let third = other.done(&["new", "white-tower", "--json"]).json();
    assert_eq!(third["record"]["short_name"], json!("wt2"), "a derived key takes the next free value");
}

#[test]
fn offline_the_copy_is_read_and_nothing_is_written() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    let never = program.run(&["list", "--offline"]);
    assert!(never.code == Some(2) && never.stderr.contains("without `--offline`"), "{never:?}");
    program.done(&["new", "first"]);
    shared.server.behave(Mode::Status(404));
    let unreachable = program.run(&["list"]);
    assert!(
        unreachable.code == Some(1) && unreachable.stderr.contains("`--offline` reads the copy"),
        "{unreachable:?}"
    );
    let listed = program.done(&["list", "--offline"]);
    assert!(listed.stdout.contains("first") && listed.stderr.contains("offline: the registry"), "{listed:?}");
    assert!(program.done(&["show", "first", "--offline", "--quiet"]).stderr.is_empty());
    let refused = program.run(&["new", "second", "--offline"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("cannot be changed offline"), "{refused:?}");
    assert!(!program.folder().join("second").exists());
    program.done(&["new", "second", "--offline", "--dry-run"]);
}

#[test]
fn a_server_that_is_busy_is_waited_for_as_long_as_it_says() {
    for status in [429, 503] {
        let shared = Shared::new();
        let program = machine(&shared.url());
        shared.server.behave(Mode::Busy(status, 2));
        let ran = program.done(&["new", "first"]);
        // A pause that ends within the second is not shown.
        assert!(status == 503 || ran.stderr.contains("the git server asks for a pause: 1 s"), "{status}: {ran:?}");
        assert_eq!(shared.server.requests()[..3], ["GET /registry.git/info/refs"; 3]);
        assert_eq!(shared.subjects(), ["Reserve first", "Activate first"]);
        shared.assert_sound();
    }
}

#[test]
fn a_repository_for_something_else_is_refused_and_left_alone() {
    let shared = Shared::new();
    let work = shared.folder.path().join("work");
    git(shared.folder.path(), &["init", "--quiet", "--initial-branch=main", "work"]);
    git(&work, &["commit", "--quiet", "--allow-empty", "-m", "mine"]);
    git(&work, &["push", "--quiet", shared.repository().to_str().expect("text"), "main"]);
    for place in [shared.url(), shared.repository().display().to_string()] {
        let program = machine(&place);
        for command in [&["list"][..], &["new", "mine"]] {
            let refused = program.run(command);
            assert_eq!(refused.code, Some(2), "{refused:?}");
            assert!(refused.stderr.contains("is not a registry"), "{refused:?}");
        }
    }
    git(&shared.repository(), &["branch", "-m", "main", "trunk"]);
    let refused = machine(&shared.url()).run(&["list"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("none called `main`"), "{refused:?}");
    assert_eq!(git(&shared.repository(), &["log", "--format=%s", "trunk"]), "mine");
}

#[test]
fn a_rule_or_a_hook_that_forbids_is_told_plainly() {
    let shared = Shared::new();
    shared.hook("pre-receive", "echo 'main is protected: ask the platform team' >&2; exit 1");
    let program = machine(&shared.url());
    let refused = program.run(&["new", "mine"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("pre-receive hook declined"), "{refused:?}");
    assert!(refused.stderr.contains("ask the platform team"), "{refused:?}");
    assert!(!program.folder().join("mine").exists());
    assert_eq!(names(&program), Vec::<String>::new());
    shared.server.behave(Mode::Status(403));
    assert_eq!(program.run(&["list"]).code, Some(4));
}

/// Runs with a token in the environment, and with the address of the forge in `variable`.
fn with_token(program: &Program, (variable, server): (&str, &str), arguments: &[&str]) -> Ran {
    let mut command = program.command(arguments);
    command.env("GH_TOKEN", "s3cret").env(variable, server);
    Ran::of(&command.output().expect("it starts"))
}

#[test]
fn a_token_goes_to_its_own_host_only_and_is_never_seen() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    let server = shared.server.url("");
    // `x-access-token:s3cret`
    shared.server.behave(Mode::Wants("Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0".to_owned()));
    let server = server.trim_end_matches('/');
    let api = format!("{server}/api/v3");
    let made = with_token(&program, ("GITHUB_SERVER_URL", server), &["new", "mine", "-v"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(shared.subjects().len(), 2);
    // Either address says where the forge is.
    for (variable, server, code) in [
        ("GITHUB_API_URL", &*api, Some(0)),
        ("GITHUB_SERVER_URL", "https://github.example", Some(4)),
        ("GITHUB_API_URL", "https://github.example/api/v3", Some(4)),
    ] {
        let ran = with_token(&program, (variable, server), &["list"]);
        assert_eq!(ran.code, code, "{variable}={server}: {ran:?}");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("s3cret"), "{ran:?}");
    }
    for text in [made.stdout, made.stderr] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    for (path, bytes) in crate::program::files(&program.home()) {
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cret"), "{path}");
    }
    let secret = program.run(&["list", "--registry", "https://me:pw@host/r.git"]);
    assert!(secret.code == Some(2) && !secret.stderr.contains("pw@"), "{secret:?}");
}

#[test]
fn over_ssh_the_users_own_program_is_used() {
    let shared = Shared::new();
    let url = format!("me@host:{}", shared.repository().display());
    let program = machine(&url);
    let run = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        Ran::of(&command.env("GIT_SSH_COMMAND", LOOPBACK).output().expect("it starts"))
    };
    for name in ["first", "second"] {
        let made = run(&["new", name]);
        assert_eq!(made.code, Some(0), "{made:?}");
    }
    shared.hook("update", "echo not today >&2; exit 1");
    let refused = run(&["new", "third"]);
    assert!(refused.code == Some(4) && refused.stderr.contains("hook declined"), "{refused:?}");
    assert!(run(&["list"]).stdout.contains("second"));
    shared.assert_sound();
}

#[test]
fn a_folder_is_named_by_a_path_or_a_file_url() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("a registry.git");
    let url = format!("file://{}", place.display().to_string().replace(' ', "%20"));
    let program = Program::new();
    program.done(&["new", "mine", "--registry", &url]);
    let listed = program.done(&["list", "--registry", place.to_str().expect("text")]);
    assert!(listed.stdout.contains("mine"), "{listed:?}");
    let strange = program.run(&["list", "--registry", "ftp://host/r.git"]);
    assert!(strange.code == Some(2) && strange.stderr.contains("ftp://host/r.git"), "{strange:?}");
}

#[test]
fn a_copy_that_was_broken_is_made_anew() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    program.done(&["new", "first"]);
    fs::write(copy(&program).join("HEAD"), "nonsense").expect("written");
    assert_eq!(names(&program), ["first"]);
    for entry in fs::read_dir(copy(&program).join("objects/pack")).expect("listed") {
        fs::remove_file(entry.expect("there").path()).expect("removed");
    }
    assert_eq!(names(&program), ["first"]);
}

/// Starts `new` on each of the machines at once, with these names, and gives exit code and stderr of each run.
fn at_once(machines: &[&Program], names: &[String]) -> Vec<(Option<i32>, String)> {
    let start = |(program, name): (&&Program, &String)| {
        let mut command = program.command(&["new", name, "--into", &format!("of-{}", machines.len())]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let running: Vec<_> = machines.iter().zip(names).map(start).collect();
    running
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("it ends");
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        })
        .collect()
}

#[test]
fn machines_that_register_at_once_lose_nothing() {
    let shared = Shared::new();
    let machines: Vec<Program> = (0..6).map(|_| machine(&shared.url())).collect();
    let names: Vec<String> = (0..6).map(|i| format!("api-{i}")).collect();
    for (code, stderr) in at_once(&machines.iter().collect::<Vec<_>>(), &names) {
        assert_eq!(code, Some(0), "{stderr}");
    }
    assert_eq!(self::names(&machines[0]), names);
    assert_eq!(shared.subjects().len(), 12);
    shared.assert_sound();
}

#[test]
fn a_run_killed_while_it_shares_leaves_the_registry_whole_and_is_finished_by_the_next() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    program.done(&["new", "first"]);
    let kills = 16;
    for round in 0..kills {
        let name = format!("api-{round}");
        let mut command = program.command(&["new", &name]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_millis(16 * round));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        program.done(&["new", &name]);
    }
    let other = machine(&shared.url());
    let records = other.records();
    assert_eq!(records.len(), usize::try_from(kills).expect("few") + 1);
    assert!(records.iter().all(|(_, state)| state == "active"), "{records:?}");
    // What a killed run had sent may arrive after the next one looked, which then says it once more.
    let known = |subject: &String| subject.starts_with("Reserve ") || subject.starts_with("Activate ");
    assert!(shared.subjects().iter().all(known), "{:?}", shared.subjects());
    shared.assert_sound();
}

/// 200 APIs by 50 processes at a time.
fn register_200(machines: &[Program], repository: &Path) {
    for round in 0..4 {
        let names: Vec<String> = (0..50).map(|i| format!("api-{round}-{i}")).collect();
        let users: Vec<&Program> = machines.iter().cycle().take(50).collect();
        for (code, stderr) in at_once(&users, &names) {
            assert_eq!(code, Some(0), "{stderr}");
        }
    }
    let records = machines[0].records();
    assert_eq!(records.len(), 200);
    assert!(records.iter().all(|(_, state)| state == "active"), "{records:?}");
    let log = git(repository, &["log", "--format=%s", "main"]);
    let mut subjects: Vec<&str> = log.lines().collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!((log.lines().count(), subjects.len()), (400, 400), "each change is one commit, made once");
    assert_eq!(git(repository, &["rev-list", "--merges", "main"]), "");
    assert_eq!(git(repository, &["fsck", "--strict", "--no-dangling", "--no-progress"]), "");
}

/// 50 racers for one name.
fn race(machines: &[Program]) {
    let users: Vec<&Program> = machines.iter().cycle().take(50).collect();
    let running: Vec<_> = users
        .iter()
        .enumerate()
        .map(|(racer, program)| {
            let mut command = program.command(&["new", "wanted", "--into", &format!("racer-{racer}")]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
        })
        .collect();
    let ended: Vec<_> = running.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect();
    let made = users.iter().enumerate().filter(|(i, user)| user.folder().join(format!("racer-{i}/wanted")).exists());
    let winners: Vec<usize> = made.map(|(racer, _)| racer).collect();
    assert_eq!(winners.len(), 1);
    for (racer, output) in ended.iter().enumerate() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        if racer == winners[0] {
            assert!(output.status.success(), "{stderr}");
        } else {
            assert_eq!(output.status.code(), Some(5), "{stderr}");
            let winner = format!("racer-{}/wanted", winners[0]);
            assert!(stderr.contains("`wanted` is taken") && stderr.contains(&winner), "{stderr}");
        }
    }
}

#[test]
#[ignore = "takes minutes: tests/run runs it"]
fn fifty_processes_on_as_many_machines_register_200_apis_over_http() {
    let shared = Shared::new();
    let machines: Vec<Program> = (0..50).map(|_| machine(&shared.url())).collect();
    register_200(&machines, &shared.repository());
    race(&machines);
}

#[test]
#[ignore = "takes minutes: tests/run runs it"]
fn fifty_processes_on_one_machine_register_200_apis_over_http() {
    let shared = Shared::new();
    let machines = [machine(&shared.url())];
    register_200(&machines, &shared.repository());
    race(&machines);
}

#[test]
#[ignore = "takes minutes: tests/run runs it"]
fn fifty_processes_register_200_apis_in_a_shared_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("registry.git");
    let machines: Vec<Program> = (0..50).map(|_| machine(&format!("file://{}", place.display()))).collect();
    register_200(&machines, &place);
    race(&machines);
}

/// What may happen to the branch of a registry with two APIs; each line is for the shell, in the repository.
const LOSSES: [(&str, &str); 5] = [
    ("deleted", "git update-ref -d refs/heads/main"),
    ("deleted, and its commits removed", "git update-ref -d refs/heads/main; git gc --quiet --prune=now"),
    ("set back by one commit", "git update-ref refs/heads/main main~1"),
    ("set back to its first commit", "git update-ref refs/heads/main $(git rev-list --max-parents=0 main)"),
    (
        "replaced",
        "git update-ref refs/heads/main $(git commit-tree -m other $(git rev-list --max-parents=0 main)^{tree})",
    ),
];

fn shell(folder: &Path, line: &str) {
    let mut command = Command::new("sh");
    command.args(["-ec", line]).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null"), ("HOME", "/nonexistent")]);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Test").env(format!("GIT_{role}_EMAIL"), "test@example.invalid");
    }
    let output = command.output().expect("sh runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The command between back quotes after `words`.
fn advised(ran: &Ran, words: &str) -> String {
    let after = ran.stderr.split_once(words).unwrap_or_else(|| panic!("{words}: {ran:?}")).1;
    after.split('`').nth(1).expect("a command").to_owned()
}

#[test]
fn a_branch_that_is_gone_or_went_backwards_is_not_written_and_is_restored_from_the_copy() {
    for (what, loss) in LOSSES {
        let shared = Shared::new();
        let (one, other) = (machine(&shared.url()), machine(&shared.url()));
        one.done(&["new", "first"]);
        assert_eq!(names(&other), ["first"]);
        one.done(&["new", "second"]);
        // The last change is another machine's, so that the copy has it without what was before.
        assert_eq!(names(&other), ["first", "second"], "{what}");
        shell(&shared.repository(), loss);
        let refs = || git(&shared.repository(), &["for-each-ref"]);
        let before = refs();
        for arguments in
            [&["list"][..], &["show", "first"], &["registry", "check"], &["new", "third"], &["new", "first"]]
        {
            for program in [&one, &other] {
                let refused = program.run(arguments);
                assert_eq!(refused.code, Some(5), "{what}: {refused:?}");
                assert!(
                    refused.stderr.contains("has lost its branch")
                        || refused.stderr.contains("was set back or replaced"),
                    "{what}: {refused:?}"
                );
            }
        }
        assert_eq!(refs(), before, "{what}: nothing was written");
        assert!(!one.folder().join("third").exists(), "{what}");
        let kept = other.done(&["list", "--offline"]);
        assert!(kept.stdout.contains("first") && kept.stdout.contains("second"), "{what}: {kept:?}");
        shell(other.folder().as_path(), &advised(&other.run(&["list"]), "restore its files from the copy"));
        for program in [&one, &other] {
            assert_eq!(names(program), ["first", "second"], "{what}");
        }
        assert_eq!(other.run(&["new", "first"]).code, Some(5), "{what}: the name is taken still");
        other.done(&["new", "third"]);
        assert_eq!(names(&one), ["first", "second", "third"], "{what}");
        shared.assert_sound();
    }
}

#[test]
fn a_loss_that_is_meant_is_taken_once_the_copy_is_removed() {
    let shared = Shared::new();
    let program = machine(&shared.url());
    program.done(&["new", "first"]);
    shell(&shared.repository(), "git update-ref -d refs/heads/main");
    shell(program.folder().as_path(), &advised(&program.run(&["list"]), "remove the copy with"));
    assert_eq!(names(&program), Vec::<String>::new());
    program.done(&["new", "other"]);
    assert_eq!(names(&program), ["other"]);
}

#[test]
fn a_folder_that_lost_its_branch_is_not_begun_anew() {
    for scheme in ["", "file://"] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("registry.git");
        let program = machine(&format!("{scheme}{}", place.display()));
        program.done(&["new", "first"]);
        shell(&place, "git update-ref -d refs/heads/main");
        for arguments in [&["list"][..], &["new", "second"]] {
            let refused = program.run(arguments);
            assert!(refused.code == Some(5) && refused.stderr.contains("has lost its branch"), "{refused:?}");
        }
        shell(&place, &advised(&program.run(&["list"]), "put it back with"));
        assert_eq!(names(&program), ["first"]);
        program.done(&["new", "second"]);
    }
}
