//! `doctor` about one name, and about an app.

use super::story::Story;

#[test]
fn doctor_tells_whose_a_name_is() {
    let story = Story::new();
    let doctor = ["doctor", "my-api", "--owner", "nhs", "--template", "template"];
    let ran = story.done(&doctor);
    assert!(ran.stdout.contains("nhs/my-api is free"), "{ran:?}");
    story.github.add_repository("nhs", "my-api", "private");
    let ran = story.run(&doctor);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stdout.contains("nhs/my-api` exists already"), "{ran:?}");
    story.github.state().repositories.clear();
    std::fs::remove_dir_all(story.github.state().root.join("nhs/my-api.git")).expect("removed");
    story.done(&Story::NEW);
    story.requests();
    let ran = story.run(&doctor);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stdout.contains("the registry has `my-api` already"), "{ran:?}");
    assert!(story.requests().iter().all(|entry| !entry.is_write()));
    story.nothing_leaked();
}

#[test]
fn doctor_s_list_is_a_document_with_the_worst_as_the_exit_code() {
    let mut story = Story::new();
    story.program.write("odd/apiscaffold.toml", "[template]\nname = \"odd\"\n[github]\ntopics = [\"{{ nothing }}\"]\n");
    let doctor = ["doctor", "--owner", "nhs", "--template", "odd", "--json"];
    let ran = story.run(&doctor);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    story.variables.retain(|(name, _)| *name != "GH_TOKEN");
    let ran = story.run(&doctor);
    assert_eq!(ran.code, Some(4), "a token that is missing is worse: {ran:?}");
    let told = ran.json();
    let findings = told["findings"].as_array().expect("a list");
    let problem = |about: &str| findings.iter().find(|finding| finding["about"] == about).map(|it| it["ok"].clone());
    assert_eq!(problem("template"), Some(false.into()), "{told}");
    assert_eq!(problem("token"), Some(false.into()), "{told}");
    assert_eq!(problem("registry"), Some(true.into()), "{told}");
    assert_eq!(told["error"]["exit_code"], 4);
}
