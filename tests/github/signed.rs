//! Where a branch takes signed commits only, commits that are signed with the user's key can be merged.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::faults::{each, killed_at};
use super::phase::{DISCOVERY, live, of};
use super::rehearsal::{rehearsed, steps};
use super::server::fault::{Side, When};
use super::server::log::Entry;
use super::server::signatures::make_ssh_key;
use super::story::Story;
use super::walk;
use crate::git_server::clean_git;
use crate::program::Program;

const ADA: &str = "ada@example.org";

/// An API on GitHub whose branch `main` takes signed commits only.
fn story() -> Story {
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
