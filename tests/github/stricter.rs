//! What people made stricter than the template asks stays, unless the command line says otherwise.

use serde_json::{Map, Value, json};

use super::server::state::Repository;
use super::stories::writes;
use super::story::Story;
use crate::program::Ran;

const MANIFEST: &str = r#"
[template]
name = "strict"
[github.repository]
web_commit_signoff_required = false
allow_forking = true
pull_request_creation_policy = "all"
[github.security]
vulnerability_alerts = true
[[github.environment]]
name = "int"
reviewers = ["platform"]
prevent_self_review = false
wait_timer = 5
branches = ["main", "release/*"]
[[github.environment]]
name = "open"
branches = []
[[github.environment]]
name = "bare"
[[github.ruleset]]
name = "main"
target = "branch"
enforcement = "evaluate"
bypass_actors = [{ actor_id = 5, actor_type = "RepositoryRole", bypass_mode = "always" }]
conditions = { ref_name = { include = ["~DEFAULT_BRANCH"], exclude = ["refs/heads/wild"] } }
[[github.ruleset.rules]]
type = "deletion"
[[github.ruleset.rules]]
type = "pull_request"
parameters = { required_approving_review_count = 1, dismiss_stale_reviews_on_push = false, require_code_owner_review = false, require_last_push_approval = false, required_review_thread_resolution = false }
[[github.ruleset.rules]]
type = "required_status_checks"
parameters = { strict_required_status_checks_policy = false, required_status_checks = [{ context = "test" }] }
"#;

const NEW: [&str; 9] = ["new", "my-api", "--owner", "nhs", "--visibility", "public", "--template", "template", "--yes"];
const CHECK: [&str; 3] = ["check", "--settings", "my-api"];
const FIX: [&str; 4] = ["check", "--settings", "--fix", "my-api"];
const LOWER: [&str; 5] = ["check", "--settings", "--fix", "--lower", "my-api"];

fn story() -> Story {
    let story = Story::new();
    story.program.write("template/apiscaffold.toml", MANIFEST);
    story.github.add_team("nhs", "security");
    {
        let mut state = story.github.state();
        let id = state.organizations["nhs"].teams["security"].id;
        state.users.insert("eve".to_owned(), id + 1_000_000);
    }
    story.done(&NEW);
    story.requests();
    story
}

fn ruleset(repository: &mut Repository) -> &mut Map<String, Value> {
    &mut repository.rulesets[0].1
}

fn parameters<'r>(repository: &'r mut Repository, kind: &str) -> &'r mut Value {
    let rules = ruleset(repository)["rules"].as_array_mut().expect("rules");
    &mut rules.iter_mut().find(|rule| rule["type"] == kind).expect("a rule")["parameters"]
}

fn environment<'r>(repository: &'r mut Repository, name: &str) -> &'r mut super::server::state::Environment {
    repository.environments.get_mut(name).expect("an environment")
}

type Stricter = (&'static str, fn(&mut Repository));

/// What people may make stricter, one thing each.
const STRICTER: [Stricter; 24] = [
    ("required_approving_review_count", |it| {
        parameters(it, "pull_request")["required_approving_review_count"] = json!(2)
    }),
    ("dismiss_stale_reviews_on_push", |it| {
        parameters(it, "pull_request")["dismiss_stale_reviews_on_push"] = json!(true)
    }),
    ("require_code_owner_review", |it| parameters(it, "pull_request")["require_code_owner_review"] = json!(true)),
    ("strict_required", |it| {
        parameters(it, "required_status_checks")["strict_required_status_checks_policy"] = json!(true);
    }),
    ("required_status_checks.scan", |it| {
        let checks = &mut parameters(it, "required_status_checks")["required_status_checks"];
        checks.as_array_mut().expect("a list").push(json!({"context": "scan"}));
    }),
    ("rules.required_signatures", |it| {
        ruleset(it)["rules"].as_array_mut().expect("a list").push(json!({"type": "required_signatures"}));
    }),
    ("rules.required_linear_history", |it| {
        ruleset(it)["rules"].as_array_mut().expect("a list").insert(0, json!({"type": "required_linear_history"}));
    }),
    ("enforcement", |it| drop(ruleset(it).insert("enforcement".to_owned(), json!("active")))),
    ("bypass_actors", |it| drop(ruleset(it).insert("bypass_actors".to_owned(), json!([])))),
    ("bypass_mode", |it| ruleset(it)["bypass_actors"][0]["bypass_mode"] = json!("pull_request")),
    ("include", |it| {
        ruleset(it)["conditions"]["ref_name"]["include"] = json!(["~DEFAULT_BRANCH", "refs/heads/release/*"]);
    }),
    ("include", |it| ruleset(it)["conditions"]["ref_name"]["include"] = json!(["~ALL"])),
    ("exclude", |it| ruleset(it)["conditions"]["ref_name"]["exclude"] = json!([])),
    ("wait_timer", |it| drop(environment(it, "int").body.insert("wait_timer".to_owned(), json!(30)))),
    ("prevent_self_review", |it| {
        environment(it, "int").body.insert("prevent_self_review".to_owned(), json!(true));
    }),
    ("branches and tags", |it| environment(it, "int").policies.retain(|(_, pattern, _)| pattern == "main")),
    ("branches and tags", |it| {
        for (_, pattern, _) in &mut environment(it, "int").policies {
            *pattern = format!("only-{pattern}");
        }
    }),
    ("branches and tags", |it| {
        environment(it, "int").policies.clear();
        let protected = json!({"protected_branches": true, "custom_branch_policies": false});
        environment(it, "int").body.insert("deployment_branch_policy".to_owned(), protected);
    }),
    ("branches and tags", |it| {
        let custom = json!({"protected_branches": false, "custom_branch_policies": true});
        let open = environment(it, "open");
        open.body.insert("deployment_branch_policy".to_owned(), custom);
        open.policies.push((7_000_001, "main".to_owned(), "branch".to_owned()));
    }),
    ("branches and tags", |it| {
        let protected = json!({"protected_branches": true, "custom_branch_policies": false});
        environment(it, "open").body.insert("deployment_branch_policy".to_owned(), protected);
    }),
    ("web_commit_signoff_required", |it| {
        it.fields.insert("web_commit_signoff_required".to_owned(), json!(true));
    }),
    ("allow_forking", |it| drop(it.fields.insert("allow_forking".to_owned(), json!(false)))),
    ("pull_request_creation_policy", |it| {
        it.fields.insert("pull_request_creation_policy".to_owned(), json!("collaborators_only"));
    }),
    ("required_review_thread_resolution", |it| {
        parameters(it, "pull_request")["required_review_thread_resolution"] = json!(true);
    }),
];

fn all_said(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

/// Checks, mends and makes again: all name it and leave it; only `--lower` lowers it.
fn stays(story: &Story, what: &str) {
    let stricter = story.github.end();
    for (command, code) in [(&CHECK[..], 5), (&FIX[..], 5), (&NEW[..], 0), (&[&NEW[..], &["--dry-run"]].concat(), 0)] {
        let ran = story.run(command);
        assert_eq!(ran.code, Some(code), "{what}: {command:?}: {ran:?}");
        let said = all_said(&ran);
        assert!(said.contains(what) && said.contains("--lower"), "{what}: {command:?}: {ran:?}");
        assert_eq!(writes(&story.requests()), [""; 0], "{what}: {command:?}");
        assert_eq!(story.github.end(), stricter, "{what}: {command:?}");
    }
    let told = story.run(&[&CHECK[..], &["--json"]].concat()).json();
    let differences = told["differences"].as_array().expect("a list");
    assert!(differences.iter().any(|one| one["lowers"] == true), "{what}: {told}");
    story.requests();
}

#[test]
fn what_people_made_stricter_stays_until_it_is_said_otherwise() {
    let story = story();
    let asked = story.github.end();
    for (what, make_stricter) in STRICTER {
        make_stricter(&mut story.github.state().repositories[0]);
        stays(&story, what);
        story.done(&LOWER);
        story.done(&CHECK);
        let (now, before) = (story.github.end(), &asked);
        assert_eq!(now, *before, "{what}");
        story.requests();
    }
    story.nothing_leaked();
}

#[test]
fn whoever_people_added_as_a_reviewer_stays() {
    for kind in ["Team", "User"] {
        let story = story();
        {
            let mut state = story.github.state();
            let team = state.organizations["nhs"].teams["security"].id;
            let id = if kind == "Team" { team } else { state.users["eve"] };
            let reviewers = &mut environment(&mut state.repositories[0], "int").body["reviewers"];
            reviewers.as_array_mut().expect("a list").push(json!({"type": kind, "id": id}));
        }
        stays(&story, "reviewers");
        // Something else is raised: who was added is sent back.
        environment(&mut story.github.state().repositories[0], "int").body.insert("wait_timer".to_owned(), json!(0));
        let ran = story.run(&FIX);
        assert_eq!(ran.code, Some(5), "{ran:?}");
        let end = story.github.end();
        let body = &end[0]["settings"]["environments"]["int"]["body"];
        assert_eq!((&body["wait_timer"], body["reviewers"].as_array().map(Vec::len)), (&json!(5), Some(2)), "{body}");
    }
}

#[test]
fn what_the_template_does_not_speak_of_is_sent_back_as_it_was() {
    let story = story();
    {
        let mut state = story.github.state();
        let platform = state.organizations["nhs"].teams["security"].id;
        let repository = &mut state.repositories[0];
        // Unasked, and one thing that is to be raised in each.
        parameters(repository, "pull_request")["allowed_merge_methods"] = json!(["squash"]);
        parameters(repository, "required_status_checks")["required_status_checks"][0]["integration_id"] = json!(15_368);
        parameters(repository, "required_status_checks")["do_not_enforce_on_create"] = json!(true);
        parameters(repository, "pull_request")["required_approving_review_count"] = json!(0);
        let bare = json!({
            "wait_timer": 9, "prevent_self_review": true, "reviewers": [{"type": "Team", "id": platform}],
            "deployment_branch_policy": {"protected_branches": true, "custom_branch_policies": false},
        });
        environment(repository, "bare").body = bare.as_object().cloned().unwrap_or_default();
        environment(repository, "int").body.insert("wait_timer".to_owned(), json!(0));
    }
    for command in [&FIX[..], &LOWER[..], &NEW[..]] {
        parameters(&mut story.github.state().repositories[0], "pull_request")["required_approving_review_count"] =
            json!(0);
        story.done(command);
        let end = story.github.end();
        let settings = &end[0]["settings"];
        let rules = settings["rulesets"][0]["rules"].as_array().expect("rules");
        let pull = &rules[1]["parameters"];
        assert_eq!(
            (&pull["required_approving_review_count"], &pull["allowed_merge_methods"]),
            (&json!(1), &json!(["squash"])),
            "{rules:?}"
        );
        let checks = &rules[2]["parameters"];
        assert_eq!(checks["required_status_checks"], json!([{"context": "test", "integration_id": 15_368}]));
        assert_eq!(checks["do_not_enforce_on_create"], true);
        let bare = &settings["environments"]["bare"]["body"];
        assert_eq!(
            (&bare["wait_timer"], &bare["deployment_branch_policy"]["protected_branches"]),
            (&json!(9), &json!(true))
        );
        assert_eq!(settings["environments"]["int"]["body"]["wait_timer"], 5);
    }
}

#[test]
fn a_raise_beside_something_stricter_is_made_and_the_rest_is_left() {
    let story = story();
    {
        let mut state = story.github.state();
        let repository = &mut state.repositories[0];
        parameters(repository, "pull_request")["required_approving_review_count"] = json!(3);
        ruleset(repository).insert("enforcement".to_owned(), json!("disabled"));
        environment(repository, "int").policies.push((7_000_002, "*".to_owned(), "branch".to_owned()));
        repository.alerts = false;
    }
    let ran = story.run(&FIX);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(all_said(&ran).contains("`--lower` changes it from 3 to 1"), "{ran:?}");
    let end = story.github.end();
    let settings = &end[0]["settings"];
    assert_eq!(settings["rulesets"][0]["enforcement"], "evaluate");
    assert_eq!(settings["rulesets"][0]["rules"][1]["parameters"]["required_approving_review_count"], 3);
    assert_eq!(settings["environments"]["int"]["policies"], json!(["branch main", "branch release/*"]));
    assert_eq!(settings["alerts"], true);
}

#[test]
fn patterns_that_a_run_left_half_written_are_completed_while_the_api_is_not_finished() {
    for left in [0, 1] {
        let story = Story::new();
        story.program.write("template/apiscaffold.toml", MANIFEST);
        let refused = super::server::http::Answer::error(403, "Resource not accessible by personal access token");
        let post = super::server::fault::When::Call("PUT", "/vulnerability-alerts".to_owned());
        let harm = super::server::fault::Harm::Answer(refused);
        story.github.plan(super::server::fault::Fault::new(post, harm).times(usize::MAX));
        assert_eq!(story.run(&NEW).code, Some(8));
        environment(&mut story.github.state().repositories[0], "int").policies.truncate(left);
        story.github.heal();
        story.done(&NEW);
        assert_eq!(environment(&mut story.github.state().repositories[0], "int").policies.len(), 2);
        story.done(&NEW);
        assert_eq!(story.github.state().repositories[0].environments["int"].policies.len(), 2);
    }
}
