//! Two producers with one registry, who want the same repository.

use super::story::Story;

#[test]
fn what_one_producer_has_begun_is_not_finished_by_another() {
    let mut story = Story::new();
    let registry = story.program.folder().join("../shared.git").display().to_string();
    story.variables.push(("APISCAFFOLD_REGISTRY", registry));
    story.variables.push(("GIT_AUTHOR_NAME", "Ada".to_owned()));
    story.variables.push(("GIT_AUTHOR_EMAIL", "ada@example.org".to_owned()));
    let name = story.variables.iter().position(|(name, _)| *name == "GIT_AUTHOR_NAME").expect("set");
    let team = story.github.state().organizations["nhs"].teams.clone();
    story.github.organization("nhs", |nhs| nhs.teams.clear());
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(8), "{ran:?}");
    story.requests();

    story.github.organization("nhs", |nhs| nhs.teams = team);
    let ada = std::mem::replace(&mut story.variables[name].1, "Bob".to_owned());
    let ran = story.run(&Story::NEW);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stderr.contains("Ada <ada@example.org>"), "{ran:?}");
    assert!(story.requests().iter().all(|entry| !entry.is_write()));

    story.variables[name].1 = ada;
    story.done(&Story::NEW);
    assert_eq!(story.github.end()[0]["commits"], "1");
    story.nothing_leaked();
}
