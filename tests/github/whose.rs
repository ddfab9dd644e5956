//! Whose a repository is: what is somebody else's is never touched, whatever it looks like.

use std::time::Duration;

use super::server::fault::{Fault, Harm, Teller, When};
use super::server::http::Answer;
use super::stories::writes;
use super::story::Story;

#[test]
fn a_foreign_repository_is_never_touched() {
    let story = Story::new();
    story.github.add_repository("nhs", "my-api", "public");
    let before = story.github.end();
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("nhs/my-api"), "{ran:?}");
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.github.end(), before);
    assert!(!story.program.folder().join("my-api").exists());
    story.nothing_leaked();
}

#[test]
fn a_name_that_a_stranger_takes_at_the_last_moment_is_left_to_the_stranger() {
    let story = Story::new();
    // Not there when looked for; there when made, and as empty as ours would be.
    let refused = Answer::invalid("Repository", "name", "custom", "name already exists on this account");
    let create = When::Call("POST", "/orgs/nhs/repos".to_owned());
    story.github.plan(Fault::new(create, Harm::Answer(refused)));
    let hidden = When::Call("GET", "/repos/nhs/my-api".to_owned());
    story.github.add_repository("nhs", "my-api", "private");
    story.github.state().repositories[0].created_at = jiff::Timestamp::now().to_string();
    story.github.plan(Fault::new(hidden, Harm::Answer(Answer::not_found())));
    let before = story.github.end();
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(story.github.end(), before);
}

#[test]
fn a_repository_that_took_the_place_of_ours_is_not_touched() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.requests();
    {
        let mut state = story.github.state();
        state.repositories[0].id += 1_000_000;
        state.repositories[0].topics.clear();
    }
    let before = story.github.end();
    for command in [&Story::NEW[..], &["check", "--settings", "--fix", "my-api"]] {
        let ran = story.run(command);
        assert_eq!(ran.code, Some(5), "{command:?}: {ran:?}");
        assert_eq!(writes(&story.requests()), [""; 0]);
    }
    assert_eq!(story.github.end(), before);
}

#[test]
fn a_repository_that_was_renamed_is_not_made_again() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.requests();
    {
        let mut state = story.github.state();
        let (old, new) = (state.root.join("nhs/my-api.git"), state.root.join("nhs/new-name.git"));
        std::fs::rename(old, new).expect("renamed");
        let id = state.repositories[0].id;
        state.repositories[0].name = "new-name".to_owned();
        state.renamed.insert("nhs/my-api".to_owned(), id);
    }
    let ran = story.run(&Story::NEW);
    assert!(matches!(ran.code, Some(0 | 5)), "{ran:?}");
    assert_eq!(writes(&story.requests()), [""; 0]);
    assert_eq!(story.github.end().as_array().map(Vec::len), Some(1));
}

#[test]
fn of_two_producers_who_race_for_a_name_one_gets_it_and_the_other_is_told() {
    let first = Story::new();
    let second = Story::beside(&first);
    let start = |story: &Story, url: &str| {
        let mut command = story.command_at(url, &Story::NEW);
        command.env("GITHUB_SERVER_URL", url).spawn().expect("it starts")
    };
    let url = first.github.url();
    let children = [start(&first, &url), start(&second, &url)];
    let ran = children.map(|child| first.heard(&child.wait_with_output().expect("it ends")));
    let mut codes = ran.each_ref().map(|ran| ran.code);
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(5)], "{ran:?}");
    let end = first.github.end();
    assert_eq!(end.as_array().map(Vec::len), Some(1));
    assert_eq!(end[0]["commits"], "1");
    let mut active = [first.program.records(), second.program.records()].concat();
    active.retain(|(_, state)| state == "active");
    assert_eq!(active.len(), 1);
    first.nothing_leaked();
}

#[test]
fn a_repository_that_another_producer_has_just_made_is_left_to_them() {
    let first = Story::new();
    let second = Story::beside(&first);
    let (teller, arrivals) = Teller::new();
    // The first one has made it and is about to push.
    let listing = When::Call("GET", "/info/refs".to_owned());
    first.github.plan(Fault::new(listing, Harm::Tell(teller)));
    let child = first.command(&Story::NEW).spawn().expect("it starts");
    let go = arrivals.recv_timeout(Duration::from_secs(60)).expect("the push begins");
    let url = first.github.url();
    let mut command = second.command_at(&url, &Story::NEW);
    let ran = first.heard(&command.env("GITHUB_SERVER_URL", url).output().expect("it starts"));
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(first.github.end()[0]["commits"], "0", "nothing of the second one is in it");
    drop(go);
    first.heard(&child.wait_with_output().expect("it ends"));
    first.ends_well([], "another producer came between");
}
