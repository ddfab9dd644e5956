//! The first commit, pushed over ssh.

use super::story::{Story, undisturbed};

#[test]
fn the_first_commit_is_pushed_over_ssh_with_the_user_s_own_program() {
    let mut story = Story::new();
    let root = story.github.state().root.clone();
    // What the other side would run runs here, where it would.
    let ssh = format!(r#"sh -c 'cd "{}" && eval "$2"' ssh"#, root.display());
    story.variables.push(("GIT_SSH_COMMAND", ssh));
    story.done(&[&Story::NEW[..], &["--ssh"]].concat());
    let over_http = story.requests().iter().filter(|entry| entry.is_git()).count();
    assert_eq!(over_http, 0);
    assert_eq!(story.end(), undisturbed());
    let origin = story.program.git("my-api", &["remote", "get-url", "origin"]);
    assert_eq!(origin, "git@127.0.0.1:nhs/my-api.git");
    story.nothing_leaked();
}
