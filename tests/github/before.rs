//! `check --settings` of repositories that were there before the tool: no receipt, no record, no first commit of ours.

use serde_json::json;

use super::stories::writes;
use super::story::{Story, undisturbed};
use crate::git_server::git;

/// A repository that people made by hand, and their clone in `old`.
fn story() -> Story {
    let story = Story::new();
    story.github.add_repository("nhs", "old-api", "public");
    story.github.state().repositories[0].default_branch = "master".to_owned();
    let folder = story.program.folder().join("old");
    std::fs::create_dir(&folder).expect("made");
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["remote", "add", "origin", &format!("{}/nhs/old-api.git", story.github.url())]);
    story
}

#[test]
fn a_repository_that_was_there_before_the_tool_is_compared_and_mended() {
    let story = story();
    let ran = story.run(&["check", "--settings", "old"]);
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    assert!(ran.stderr.contains("--template SOURCE"), "{ran:?}");
    let check = ["check", "--settings", "old", "--template", "template"];
    let ran = story.run(&check);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    for difference in ["topics", "platform", "environment `int`", "What old-api is for", "DEPLOY_KEY"] {
        assert!(ran.stdout.contains(difference), "nothing about `{difference}`: {ran:?}");
    }
    assert_eq!(writes(&story.requests()), [""; 0]);
    story.done(&[&check[..], &["--fix"]].concat());
    assert!(writes(&story.requests()).iter().all(|line| !line.contains("git-receive-pack")));
    story.done(&check);
    let mut end = story.github.end()[0]["settings"].clone();
    let mut wanted = undisturbed()["forge"][0]["settings"].clone();
    assert_eq!((&end["fields"]["description"], &end["issues"]), (&json!("What old-api is for"), &json!([])));
    assert_eq!(end["default_branch"], "master", "nobody asked for another one");
    for settings in [&mut end, &mut wanted] {
        for other in ["name", "issues", "default_branch"] {
            settings.as_object_mut().expect("an object").remove(other);
        }
        settings["fields"].as_object_mut().expect("an object").remove("description");
    }
    assert_eq!(end, wanted);
    assert_eq!(story.program.records(), []);
    assert_eq!(git(&story.program.folder().join("old"), &["status", "--porcelain"]), "");
    story.nothing_leaked();
}

#[test]
fn what_the_registry_knows_of_it_and_what_is_given_are_its_answers() {
    let story = story();
    let question = |name: &str| format!("[[question]]\nname = \"{name}\"\ntype = \"string\"\nprompt = \"P\"\n");
    let github = "[github]\ndescription = \"{{ title }} of {{ api.owner }} for {{ audience }}, {{ api.phase }}\"\n";
    let manifest =
        ["[template]\nname = \"asks\"\n", &question("title"), &question("owner_team"), &question("audience"), github];
    story.program.write("asks/apiscaffold.toml", manifest.concat());
    let check = ["check", "--settings", "old", "--template", "asks"];
    let ran = story.run(&check);
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    let url = format!("{}/nhs/old-api", story.github.url());
    let row = format!("name,phase,title,owner,repository_url\nlegacy,live,Old times,team-x,{url}\n");
    story.program.write("apis.csv", row);
    story.done(&["registry", "import", "apis.csv"]);
    let ran = story.run(&check);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("audience") && !ran.stderr.contains("owner_team"), "{ran:?}");
    story.done(&[&check[..], &["--set", "audience=all", "--fix"]].concat());
    let end = story.github.end();
    assert_eq!(end[0]["settings"]["fields"]["description"], "Old times of team-x for all, live");
    story.nothing_leaked();
}

#[test]
fn answers_beside_a_receipt_are_refused() {
    let story = Story::new();
    story.done(&Story::NEW);
    story.requests();
    let ran = story.run(&["check", "--settings", "my-api", "--set", "title=x"]);
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    assert!(ran.stderr.contains("leave out"), "{ran:?}");
}
