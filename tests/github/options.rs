//! What is said on the command line, in the environment and in the user's config.

use super::story::Story;

fn without(arguments: &[&'static str], left_out: &str) -> Vec<&'static str> {
    let at = arguments.iter().position(|argument| *argument == left_out).expect("given");
    [&arguments[..at], &arguments[at + 2..]].concat()
}

#[test]
fn the_owner_may_stand_in_the_user_s_config_and_an_empty_one_means_nobody() {
    let mut story = Story::new();
    let config = story.program.home().join(".config/apiscaffold");
    std::fs::create_dir_all(&config).expect("made");
    std::fs::write(config.join("config.toml"), "owner = \"nhs\"\n").expect("written");
    let mut local = without(&without(&Story::NEW, "--owner"), "--visibility");
    let name = local.iter().position(|argument| *argument == "my-api").expect("given");
    local[name] = "local-api";
    story.variables.push(("APISCAFFOLD_OWNER", String::new()));
    story.done(&local);
    assert_eq!(story.requests().len(), 0);
    story.variables.pop();
    local[name] = "my-api";
    story.done(&local);
    assert_eq!(story.github.end()[0]["settings"]["name"], "nhs/my-api");
    assert_eq!(story.github.end()[0]["settings"]["visibility"], "private", "nobody is let in unasked");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_asked() {
    let mut story = Story::new();
    let ran = story.run(&[&Story::NEW[..], &["--offline"]].concat());
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    let ran = story.run(&["new", "my-api", "--create-teams"]);
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    story.variables.push(("APISCAFFOLD_TIMEOUT", "soon".to_owned()));
    let ran = story.run(&Story::NEW);
    assert_eq!((ran.code, story.requests().len()), (Some(2), 0), "{ran:?}");
    assert!(ran.stderr.contains("APISCAFFOLD_TIMEOUT"), "{ran:?}");
    story.variables.pop();
    let internal = ["new", "my-api", "--owner", "octo", "--visibility", "internal", "--template", "template", "--yes"];
    let ran = story.run(&internal);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(story.program.records(), []);
}

#[test]
fn without_a_token_a_dry_run_still_tells_every_call() {
    let mut story = Story::new();
    story.variables.clear();
    let ran = story.done(&[&Story::NEW[..], &["--dry-run"]].concat());
    assert_eq!(story.requests().len(), 0);
    for call in
        ["POST /orgs/nhs/repos", "git push", "PUT /repos/nhs/my-api/environments/int", "the id of team platform"]
    {
        assert!(ran.stdout.contains(call), "{call}: {ran:?}");
    }
}

#[test]
fn an_address_that_others_could_read_along_is_refused_without_a_request() {
    let story = Story::new();
    let output = story.command_at("http://api.example.org", &Story::NEW).output().expect("it starts");
    let ran = story.heard(&output);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("https"), "{ran:?}");
}

#[test]
fn an_internal_repository_is_made_where_there_can_be_one() {
    let story = Story::new();
    let internal = Story::NEW.map(|word| if word == "public" { "internal" } else { word });
    story.github.organization("nhs", |nhs| nhs.enterprise = false);
    let ran = story.run(&internal);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("only organisations of an enterprise"), "{ran:?}");
    assert_eq!(story.github.end(), serde_json::json!([]));
    story.github.organization("nhs", |nhs| nhs.enterprise = true);
    story.done(&internal);
    assert_eq!(story.github.end()[0]["settings"]["visibility"], "internal");
    story.done(&["check", "--settings", "my-api"]);
    story.nothing_leaked();
}

#[test]
fn a_template_does_not_decide_what_the_command_line_does() {
    let story = Story::new();
    story.program.write("plain/README.md", "# {{ name }}\n");
    let new = ["new", "my-api", "--owner", "nhs", "--visibility", "private", "--template", "plain", "--yes"];
    for field in ["visibility = \"public\"", "private = false", "name = \"other\"", "archived = true"] {
        story
            .program
            .write("plain/apiscaffold.toml", format!("[template]\nname = \"plain\"\n[github.repository]\n{field}\n"));
        let ran = story.run(&new);
        assert_eq!(ran.code, Some(3), "{field}: {ran:?}");
        assert!(ran.stderr.contains("line 4") && ran.stderr.contains("cannot set"), "{ran:?}");
        assert_eq!(story.github.end(), serde_json::json!([]), "{field}");
        assert_eq!(super::stories::writes(&story.requests()), [""; 0], "{field}");
    }
}
