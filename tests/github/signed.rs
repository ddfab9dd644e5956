//! Where a branch takes signed commits only, every commit of the tool can be merged: signed with the user's key, or made
//! and signed by GitHub. What cannot be signed is refused before it is proposed.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::faults::{each, killed_at};
use super::phase::{DISCOVERY, live, of};
use super::rehearsal::{done_as_told, rehearsed, steps};
use super::server::fault::{Fault, Harm, Side, When, answers};
use super::server::log::Entry;
use super::server::signatures::{WebCommits, make_ssh_key};
use super::story::Story;
use super::walk;
use crate::git_server::clean_git;
use crate::program::Program;

const BRANCH: &str = "apiscaffold/phase-discovery";
const ADA: &str = "ada@example.org";

/// An API on GitHub whose branch `main` takes signed commits only.
pub(super) fn story() -> Story {
    of(strict(Story::new()))
}

/// Lets the template of a story ask for signed commits.
fn strict(story: Story) -> Story {
    let path = story.program.folder().join("template/apiscaffold.toml");
    let manifest = fs::read_to_string(&path).expect("readable");
    let asks =
        manifest.replace("{ type = \"deletion\" }", "{ type = \"deletion\" }, { type = \"required_signatures\" }");
    assert_ne!(asks, manifest);
    fs::write(path, asks).expect("written");
    story
}

/// Lets git sign with an ssh key of this type; its public half.
fn with_ssh_key(program: &Program, kind: &str) -> String {
    let key = program.home().join("id_sign");
    make_ssh_key(&key, kind);
    configure(program, "[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = ~/id_sign\n");
    fs::read_to_string(key.with_extension("pub")).expect("readable")
}

/// Lets git sign with these settings, in Ada's name.
fn configure(program: &Program, more: &str) {
    let text = format!("[user]\n\tname = Ada\n\temail = {ADA}\n[commit]\n\tgpgsign = true\n{more}");
    fs::write(program.home().join(".gitconfig"), text).expect("written");
}

/// Why GitHub does not accept the signature of a commit; `valid` when it does.
fn seen(story: &Story, name: &str) -> Value {
    let walker = walk::Walker::new(story.github.url(), story.variables[0].1.clone());
    let path = format!("/repos/nhs/my-api/commits/{}", name.replace('/', "%2F"));
    let (_, _, body) = walker.call(&reqwest::Method::GET, &path, None);
    serde_json::from_str::<Value>(&body).expect("JSON")["commit"]["verification"]["reason"].clone()
}

fn pulls(story: &Story) -> usize {
    story.github.state().repositories[0].pulls.len()
}

fn there(story: &Story, arguments: &[&str]) -> String {
    let folder = {
        let state = story.github.state();
        state.folder(&state.repositories[0])
    };
    crate::git_server::git(&folder, arguments)
}

fn writes(story: &Story) -> Vec<String> {
    story.requests().iter().filter(|entry| entry.is_write()).map(Entry::line).collect()
}

#[test]
fn the_server_takes_neither_a_push_nor_a_merge_of_what_is_not_signed() {
    let story = of(Story::new());
    story.done(&DISCOVERY);
    assert_eq!(story.github.state().is_blocked(0), None, "nobody asks for signatures");
    let rule = json!({"name": "s", "enforcement": "active", "conditions": {"ref_name": {"include": ["~ALL"]}}, "rules": [{"type": "required_signatures"}]});
    let rule = rule.as_object().cloned().expect("an object");
    story.github.state().repositories[0].rulesets.push((1, rule));
    assert_eq!(story.github.state().is_blocked(0), Some("Commits must have verified signatures."));

    let clone = story.program.folder().join("my-api");
    let public = with_ssh_key(&story.program, "ed25519");
    let key = format!("user.signingkey={}", story.program.home().join("id_sign").display());
    let url = format!("http://x-access-token:{}@{}", story.variables[0].1, &story.github.url()[7..]);
    let push = |address: &str, sign: &str| {
        let mut commit = clean_git(&clone);
        commit.env("GIT_COMMITTER_EMAIL", address).args(["-c", "gpg.format=ssh", "-c", &key]);
        commit.args(["commit", "--quiet", "--allow-empty", "-m", "one", sign]);
        assert!(commit.output().expect("git runs").status.success());
        let to = ["push", &format!("{url}/nhs/my-api.git"), "HEAD:refs/heads/mine"];
        let pushed = clean_git(&clone).args(to).output().expect("git runs");
        crate::git_server::git(&clone, &["reset", "--quiet", "--hard", "HEAD~"]);
        let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
        assert_eq!(pushed.status.success(), !said.contains("Commits must have verified signatures"), "{said}");
        pushed.status.success()
    };
    assert!(!push(ADA, "--no-gpg-sign"), "not signed");
    assert!(!push(ADA, "-S"), "signed with a key that it does not know");
    story.github.state().keys.add_ssh(ADA, &public);
    assert!(!push("eve@example.org", "-S"), "signed with somebody else's key");
    assert!(push(ADA, "-S"));
}

#[test]
fn without_a_key_github_makes_and_signs_the_commit() {
    let story = story();
    let told = rehearsed(&story, &DISCOVERY);
    let step = steps(&told).next().expect("a step").clone();
    let page = format!("{}/nhs/my-api", story.github.url());
    assert_eq!(step["words"], format!("let GitHub make and sign a commit of 2 files on branch {BRANCH} of {page}"));
    assert_eq!(step["calls"][0]["path"], "/repos/nhs/my-api/git/refs");
    assert_eq!(step["calls"][1]["path"], "/graphql");
    done_as_told(&story, &DISCOVERY, &told);
    assert_eq!((seen(&story, BRANCH), pulls(&story)), (json!("valid"), 1));
    assert_eq!(
        there(&story, &["show", "-s", "--format=%an|%cn|%s", BRANCH]),
        "octo|GitHub|Move my-api to phase discovery"
    );
    story.requests();
    let again = story.done(&DISCOVERY);
    assert!(again.stdout.contains("already so: open a pull request"), "{again:?}");
    assert_eq!(writes(&story), [""; 0]);
    story.nothing_leaked();
}

#[test]
fn on_an_enterprise_server_graphql_lies_beside_the_rest_api() {
    let story = story();
    let api = format!("{}/api/v3", story.github.url());
    let ran = story.heard(&story.command_at(&api, &DISCOVERY).output().expect("it starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let log = story.requests();
    let graphql: Vec<&str> =
        log.iter().map(|entry| entry.path.as_str()).filter(|path| path.contains("graphql")).collect();
    assert_eq!(graphql, ["/api/graphql"]);
    assert_eq!(seen(&story, BRANCH), "valid");
}

#[test]
fn a_life_ends_in_an_archive_where_signatures_are_asked_for() {
    let story = story();
    live(&story);
    assert!(story.requests().iter().any(|entry| entry.path == "/graphql"), "GitHub signs");
    story.nothing_leaked();
}

#[test]
fn an_app_s_commits_are_signed_by_github_with_tokens_that_may_do_no_more() {
    let mut story = strict(Story::new());
    super::app::app_for(&mut story, 3600);
    let story = of(story);
    story.done(&DISCOVERY);
    let asked: Vec<Value> =
        story.requests().iter().filter_map(|entry| Some(entry.body.clone()?["permissions"].clone())).collect();
    let may_write = json!({"contents": "write", "workflows": "write", "metadata": "read"});
    let within =
        |all: &Value| all.as_object().is_some_and(|all| all.iter().all(|(name, level)| may_write[name] == *level));
    assert!(asked.iter().any(|all| all["contents"] == "write" && within(all)), "{asked:?}");
    let state = story.github.state();
    assert_eq!((state.is_blocked(0), state.repositories[0].pulls.len()), (None, 1));
    drop(state);
    story.nothing_leaked();
}

#[test]
fn killed_or_broken_off_at_any_request_the_same_command_finishes_it_with_one_signed_commit() {
    let undisturbed = story();
    undisturbed.done(&DISCOVERY);
    let lines: Vec<String> = undisturbed.requests().iter().map(Entry::line).collect();
    let posts = |line: &str| line.ends_with("/git/refs") || line == "POST /graphql";
    assert_eq!(lines.iter().filter(|line| posts(line)).count(), 2, "{lines:?}");
    let mut moments = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        moments.extend([Side::Before, Side::After].map(|side| (number + 1, side, None)));
        if posts(line) {
            let harms = [
                Harm::Reset,
                Harm::Answer(answers::broken(502)),
                Harm::Answer(answers::broken(429).with("Retry-After", 1)),
            ];
            moments.extend(harms.map(|harm| (number + 1, Side::Before, Some(harm))));
            let harms = [Harm::Reset, Harm::Answer(answers::broken(502))].into_iter();
            let harms = harms.chain(answers::nonsense().into_iter().map(Harm::Answer));
            moments.extend(harms.map(|harm| (number + 1, Side::After, Some(harm))));
        }
    }
    each(moments, |(number, side, harm)| {
        let what = format!("{side:?} request {number} of {lines:?}: {harm:?}");
        let story = story();
        match harm {
            None => assert!(killed_at(&story, &DISCOVERY, When::Nth(number), side), "{what}"),
            Some(harm) => {
                story.github.plan(Fault::new(When::Nth(number), harm).side(side));
                let ran = story.run(&DISCOVERY);
                assert!(matches!(ran.code, Some(0 | 1 | 8)), "{what}: {ran:?}");
            }
        }
        story.done(&DISCOVERY);
        assert_eq!(pulls(&story), 1, "{what}");
        assert_eq!(there(&story, &["rev-list", "--count", &format!("main..{BRANCH}")]), "1", "{what}");
        assert_eq!((seen(&story, BRANCH), story.github.state().is_blocked(0)), (json!("valid"), None), "{what}");
    });
}

#[test]
fn what_github_did_not_sign_or_made_of_other_files_is_not_proposed() {
    for (web, why) in [
        (WebCommits::Unsigned, "has no signature that GitHub accepts (unsigned)"),
        (WebCommits::Odd, "has other files than the tool asked for"),
    ] {
        let story = story();
        story.github.state().web_commits = web;
        for _ in 0..2 {
            let ran = story.run(&DISCOVERY);
            assert!(matches!(ran.code, Some(5 | 8)), "{ran:?}");
            assert_eq!(pulls(&story), 0, "{why}");
        }
        let ran = story.run(&[&DISCOVERY[..], &["--json"]].concat());
        assert!(
            ran.stdout.contains(why) || web == WebCommits::Odd && ran.stdout.contains("with other files"),
            "{ran:?}"
        );
        assert_eq!(story.done(&["show", "my-api", "--json"]).json()["phase"], "inception");
    }
}

#[test]
fn the_user_s_ssh_key_signs_the_first_commit_and_every_proposal() {
    let story = strict(Story::new());
    let public = with_ssh_key(&story.program, "ed25519");
    story.github.state().keys.add_ssh(ADA, &public);
    let told = rehearsed(&story, &Story::NEW);
    let first = steps(&told).next().expect("a step")["words"].clone();
    assert!(
        first.as_str().is_some_and(|words| words.contains(", signed with your ssh key, on main: Make my-api")),
        "{first}"
    );
    let story = of(story);
    assert_eq!(seen(&story, "main"), "valid");
    let told = rehearsed(&story, &DISCOVERY);
    let words = steps(&told).next().expect("a step")["words"].to_string();
    assert!(words.contains("push a commit of 2 files, signed with your ssh key, to branch"), "{words}");
    live(&story);
    assert!(!story.requests().iter().any(|entry| entry.path == "/graphql"), "nobody else signs");
    story.nothing_leaked();
}

#[test]
fn a_key_that_github_does_not_know_is_refused_until_it_does() {
    let story = story();
    let public = with_ssh_key(&story.program, "ed25519");
    for _ in 0..2 {
        let ran = story.run(&DISCOVERY);
        assert!(matches!(ran.code, Some(5 | 8)), "{ran:?}");
        let said = "has no signature that GitHub accepts (unknown_key)";
        assert!(ran.stderr.contains(said) && ran.stderr.contains("let GitHub know your signing key"), "{ran:?}");
        assert_eq!(pulls(&story), 0);
    }
    assert_eq!(story.done(&["show", "my-api", "--json"]).json()["phase"], "inception");
    story.github.state().keys.add_ssh(ADA, &public);
    story.done(&DISCOVERY);
    assert_eq!((pulls(&story), story.github.state().is_blocked(0)), (1, None));
}

#[test]
fn a_key_that_cannot_sign_stops_everything_before_it_begins() {
    let story = story();
    for (settings, said) in [
        ("[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = ~/missing\n", "did not sign the commit"),
        ("[gpg]\n\tformat = ssh\n", "names an ssh key"),
        (
            "[gpg]\n\tprogram = /nowhere/gpg\n",
            "`/nowhere/gpg`, which signs commits by git's configuration, cannot be run",
        ),
        ("[gpg]\n\tprogram = false\n", "`false` did not sign the commit"),
        ("[gpg]\n\tprogram = true\n", "`true` did not sign the commit"),
        ("[gpg]\n\tformat = odd\n", "`gpg.format` is none of openpgp, x509 and ssh"),
    ] {
        configure(&story.program, settings);
        story.requests();
        let other: [&str; 6] = ["new", "other", "--template", "template", "--yes", "--json"];
        let hosted = [&other[..], &["--owner", "nhs"]].concat();
        for command in [&DISCOVERY[..], &hosted, &other] {
            let ran = story.run(command);
            assert!(matches!(ran.code, Some(1 | 2)), "{settings}: {ran:?}");
            assert!(format!("{}{}", ran.stdout, ran.stderr).contains(said), "{settings}: {ran:?}");
            assert!(
                format!("{}{}", ran.stdout, ran.stderr).contains("git commit --allow-empty -S"),
                "{settings}: {ran:?}"
            );
            assert_eq!(writes(&story), [""; 0], "{settings}");
        }
        assert!(!story.program.folder().join("other").exists());
    }
    fs::remove_file(story.program.home().join(".gitconfig")).expect("removed");
    assert_eq!(story.program.records(), [("my-api".to_owned(), "active".to_owned())]);
    assert_eq!(pulls(&story), 0);
}

#[test]
fn what_only_a_key_of_the_user_could_sign_is_refused_before_anything_is_written() {
    let story = strict(Story::new());
    let script = story.program.write("template/{% if api.phase == 'discovery' %}run.sh{% endif %}", "#!/bin/sh\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(script, mode).expect("set");
    let story = of(story);
    for arguments in [&DISCOVERY[..], &[&DISCOVERY[..], &["--dry-run"]].concat()] {
        let ran = story.run(arguments);
        assert_eq!(ran.code, Some(5), "{ran:?}");
        let said = "GitHub cannot sign a commit that makes an executable of `run.sh`";
        assert!(ran.stderr.contains(said) && ran.stderr.contains("commit.gpgsign true"), "{ran:?}");
        assert_eq!(writes(&story), [""; 0]);
    }
    let public = with_ssh_key(&story.program, "ed25519");
    story.github.state().keys.add_ssh(ADA, &public);
    story.done(&DISCOVERY);
    assert!(there(&story, &["ls-tree", BRANCH, "run.sh"]).starts_with("100755"));
    assert_eq!(story.github.state().is_blocked(0), None);
}

/// Signatures of this kind are never twice the same.
#[test]
fn a_run_that_was_killed_after_the_push_goes_on_with_the_commit_that_is_there() {
    let moments = vec![("git-receive-pack", Side::After), ("/topics", Side::Before)];
    each(moments, |(path, side)| {
        let story = strict(Story::new());
        let public = with_ssh_key(&story.program, "ecdsa");
        story.github.state().keys.add_ssh(ADA, &public);
        let method = if path == "/topics" { "PUT" } else { "POST" };
        let when = When::Call(method, path.to_owned());
        assert!(killed_at(&story, &Story::NEW, when, side), "{path}");
        let before = there(&story, &["rev-parse", "main"]);
        story.new_until_done();
        assert_eq!(there(&story, &["rev-parse", "main", "refs/apiscaffold/base/1"]), format!("{before}\n{before}"));
        assert_eq!(story.program.git("my-api", &["rev-parse", "HEAD", "origin/main"]), format!("{before}\n{before}"));
        assert_eq!(story.program.git("my-api", &["fsck", "--strict"]), "");
        assert_eq!(seen(&story, "main"), "valid");
    });
}

#[test]
fn a_repository_on_this_machine_is_signed_as_git_signs() {
    let program = Program::new();
    let public = with_ssh_key(&program, "ed25519");
    let signers = program.write("signers", format!("{ADA} {public}"));
    let verify = || {
        let trust = format!("gpg.ssh.allowedSignersFile={}", signers.display());
        program.git("my-api", &["-c", &trust, "log", "--format=%G? %GS"])
    };
    program.write("t/apiscaffold.toml", "[template]\nname = \"t\"\n");
    program.write("t/state.txt", "{{ api.phase }}\n");
    program.done(&["new", "my-api", "--template", "t", "--yes"]);
    assert_eq!(verify(), format!("G {ADA}"));
    assert_eq!(program.git("my-api", &["status", "--porcelain"]), "");
    let ran = program.done(&["phase", "my-api", "discovery"]);
    assert!(ran.stdout.contains(", signed with your ssh key, on main"), "{ran:?}");
    assert_eq!(verify(), format!("G {ADA}\nG {ADA}"));
    program.git("my-api", &["fsck", "--strict"]);
}

#[test]
#[ignore = "needs gpg, which tests/run installs"]
fn the_user_s_openpgp_key_signs_by_gpg() {
    let story = strict(Story::new());
    let home = story.program.home();
    let gpg = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("HOME", &home).env("GNUPGHOME", home.join(".gnupg"));
        let output = command.output().expect("gpg starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    fs::create_dir(home.join(".gnupg")).expect("made");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(home.join(".gnupg"), private).expect("set");
    let who = format!("Ada <{ADA}>");
    gpg("gpg", &["--batch", "--quiet", "--passphrase", "", "--quick-gen-key", &who, "ed25519", "sign", "never"]);
    story.github.state().keys.add_gpg(&gpg("gpg", &["--armor", "--export", ADA]));
    configure(&story.program, "");
    let story = of(story);
    assert_eq!(seen(&story, "main"), "valid");
    live(&story);
    // The agent that gpg started.
    gpg("gpgconf", &["--kill", "all"]);
    story.nothing_leaked();
}

#[test]
fn a_shared_registry_may_ask_for_signatures() {
    let mut story = Story::new();
    story.github.add_repository("nhs", "registry", "private");
    let rule = json!({"name": "s", "enforcement": "active", "conditions": {"ref_name": {"include": ["~ALL"]}}, "rules": [{"type": "required_signatures"}]});
    story.github.state().repositories[0].rulesets.push((1, rule.as_object().cloned().expect("an object")));
    story.variables.push(("APISCAFFOLD_REGISTRY", format!("{}/nhs/registry.git", story.github.url())));
    let new = ["new", "my-api", "--template", "template", "--yes"];
    let ran = story.run(&new);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert!(
        ran.stderr.contains("Commits must have verified signatures") && ran.stderr.contains("commit.gpgsign"),
        "{ran:?}"
    );
    let public = with_ssh_key(&story.program, "ed25519");
    story.github.state().keys.add_ssh(ADA, &public);
    story.done(&new);
    assert_eq!(there(&story, &["rev-list", "--count", "main"]), "2", "reserved, and active");
    story.nothing_leaked();
}

/// The template that is built in lives its whole life under the ruleset that it asks for.
#[test]
fn the_template_that_is_built_in_can_merge_what_the_tool_proposes() {
    let story = Story::new();
    let ran = story.run(&["new", "my-api", "--owner", "nhs", "--create-teams", "--yes"]);
    assert_eq!(ran.code, Some(8), "only secrets wait: {ran:?}");
    let asks = |body: &serde_json::Map<String, Value>| body["rules"].to_string().contains("required_signatures");
    assert!(story.github.state().repositories[0].rulesets.iter().any(|(_, body)| asks(body)), "it asks for signatures");
    for phase in ["discovery", "alpha", "beta", "live", "deprecated", "retired"] {
        let gates = story.done(&["phase", "my-api", "--json"]).json()["gates"].clone();
        let waived = |gate: &Value| format!("{}=a test", gate["id"].as_str().expect("an id"));
        let unmet = gates.as_array().into_iter().flatten().filter(|gate| gate["state"] == "unmet");
        let waivers: Vec<String> = unmet.filter(|gate| gate["id"] != "dates").map(waived).collect();
        let mut command = vec!["phase", "my-api", phase];
        command.extend(waivers.iter().flat_map(|waiver| ["--waive", waiver.as_str()]));
        if phase == "deprecated" {
            command.extend(["--deprecation", "2998-01-31", "--sunset", "2999-01-31"]);
            command.extend(["--documentation", "https://example.org/end"]);
        }
        story.done(&command);
        assert_eq!(story.github.state().is_blocked(0), None, "{phase}");
        story.github.state().end_pull(0, true);
    }
    assert!(story.done(&["phase", "my-api", "retired"]).stdout.contains("done: archive"));
    story.nothing_leaked();
}
