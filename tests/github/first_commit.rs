//! The first commit, pushed over https and over ssh: what arrives is the pack that was written.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::story::{Story, undisturbed};
use crate::git_server::git;

/// Name and bytes of each pack of a repository.
fn packs(folder: &Path) -> Vec<(OsString, Vec<u8>)> {
    let files = fs::read_dir(folder.join("objects/pack")).expect("packs").map(|entry| entry.expect("an entry").path());
    let packs = files.filter(|path| path.extension().is_some_and(|extension| extension == "pack"));
    packs.map(|path| (path.file_name().expect("a name").to_owned(), fs::read(&path).expect("read"))).collect()
}

/// The forge has the pack that is here, byte for byte, and git finds nothing wrong with it.
fn arrived_as_it_was_written(story: &Story) {
    let there = {
        let state = story.github.state();
        state.folder(&state.repositories[0])
    };
    let here = packs(&story.program.folder().join("my-api/.git"));
    assert_eq!(here.len(), 1);
    assert_eq!(packs(&there), here);
    assert_eq!(git(&there, &["fsck", "--strict", "--full"]), "");
}

#[test]
fn the_pack_that_was_written_is_the_one_that_arrives() {
    let story = Story::new();
    story.done(&Story::NEW);
    arrived_as_it_was_written(&story);
}

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
    let mut end = story.end();
    // It is another address, which is looked at here.
    end["origin"] = undisturbed()["origin"].clone();
    assert_eq!(end, undisturbed());
    let origin = story.program.git("my-api", &["remote", "get-url", "origin"]);
    assert_eq!(origin, "git@127.0.0.1:nhs/my-api.git");
    arrived_as_it_was_written(&story);
    story.nothing_leaked();
}
