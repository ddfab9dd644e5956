//! Where a branch takes signed commits only.

use std::fs;

use serde_json::json;

use super::phase::{DISCOVERY, of};
use super::server::signatures::make_ssh_key;
use super::story::Story;
use crate::git_server::clean_git;
use crate::program::Program;

const ADA: &str = "ada@example.org";

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
