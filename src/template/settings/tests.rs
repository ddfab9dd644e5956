use proptest::prelude::{any, prop_assert_eq, proptest};
use serde_json::{Map, Value, json};

use super::settings;
use crate::model::settings::{DeploymentEnvironment, Settings};
use crate::template::engine::{Engine, RenderError};
use crate::template::manifest::Manifest;

fn values() -> Map<String, Value> {
    let Value::Object(values) = json!({
        "title": "A \"title\"",
        "style": "apigee",
        "empty": "",
        "words": ["one", "two"],
        "environments": [{"name": "int", "approval": "auto"}, {"name": "prod", "approval": "manual"}],
        "spec": null,
    }) else {
        unreachable!("an object")
    };
    values
}

fn rendered(github: &str, values: &Map<String, Value>) -> Result<Settings, Vec<RenderError>> {
    let manifest = Manifest::parse(&format!("[template]\nname = \"t\"\n{github}")).expect("a manifest");
    settings(&manifest.github, &Engine::new(), values)
}

fn good(github: &str) -> Settings {
    rendered(github, &values()).expect("it renders")
}

fn faults(github: &str) -> Vec<String> {
    rendered(github, &values()).expect_err("refused").iter().map(ToString::to_string).collect()
}

const EVERYTHING: &str = r#"
[github]
description = "{{ title }}"
homepage = "https://example.org"
topics = ["api", "{{ style }}"]
[github.properties]
kind = "{{ style }}"
[github.repository]
has_wiki = false
squash_merge_commit_title = "PR_TITLE"
[github.security]
vulnerability_alerts = true
automated_security_fixes = true
private_vulnerability_reporting = true
secret_scanning = true
secret_scanning_push_protection = true
[[github.team]]
slug = "a"
permission = "push"
[[github.environment]]
name = "int"
reviewers = ["a"]
prevent_self_review = true
branches = ["main"]
tags = ["v*"]
wait_timer = 5
[[github.variable]]
name = "A"
value = "1"
environment = "int"
[[github.secret]]
name = "B"
environment = "int"
purpose = "to see"
[[github.issue]]
title = "First"
body = "Body"
labels = ["l"]
[[github.ruleset]]
name = "main"
target = "branch"
bypass_actors = []
rules = [{ type = "pull_request", parameters = { required_approving_review_count = 1, allowed = ["{{ style }}"] } }]
"#;

#[test]
fn every_setting_can_be_asked_for() {
    let settings = good(EVERYTHING);
    let Value::Object(given) = serde_json::to_value(&settings).expect("JSON") else { unreachable!("an object") };
    let Value::Object(default) = serde_json::to_value(Settings::default()).expect("JSON") else {
        unreachable!("an object")
    };
    for (key, value) in &given {
        assert_ne!(default.get(key), Some(value), "{key} is not a question of the template");
        assert!(!value.to_string().contains("{{"), "{value}");
    }
    assert_eq!(settings.description.as_deref(), Some("A \"title\""));
    assert_eq!(settings.topics, ["api", "apigee"]);
    assert_eq!(settings.repository["has_wiki"], json!(false));
    let rule = &settings.rulesets[0]["rules"][0];
    assert_eq!(rule["parameters"], json!({"required_approving_review_count": 1, "allowed": ["apigee"]}));
    assert!(settings.security.secret_scanning_push_protection && settings.environments[0].wait_timer == Some(5));
}

#[test]
fn a_manifest_without_the_part_asks_for_nothing() {
    assert_eq!(good(""), Settings::default());
    assert_eq!(good("[github]"), Settings::default());
}

#[test]
fn one_entry_stands_for_each_item_where_its_condition_holds() {
    let settings = good(
        "[[github.environment]]\nfor = \"environment in environments\"\nwhen = \"environment.approval == 'manual'\"\nname = \"{{ environment.name }}\"\nreviewers = \"{{ words }}\"\n[[github.variable]]\nfor = \"word in words\"\nname = \"{{ word | upcase }}\"\nvalue = \"\"\n",
    );
    let prod = DeploymentEnvironment {
        name: "prod".to_owned(),
        reviewers: Some(vec!["one".to_owned(), "two".to_owned()]),
        ..DeploymentEnvironment::default()
    };
    assert_eq!(settings.environments, [prod]);
    assert_eq!(settings.variables.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>(), ["ONE", "TWO"]);
}

#[test]
fn lists_take_lists_in_and_leave_nothing_out_of_sight() {
    let settings =
        good("[github]\ntopics = [\"a\", \"{{ words }}\", \"{% if spec %}b{% endif %}\"]\nhomepage = \"{{ empty }}\"");
    assert_eq!(settings.topics, ["a", "one", "two"]);
    assert_eq!(settings.homepage, None);
}

#[test]
fn of_two_entries_for_one_thing_the_later_counts() {
    let settings = good(
        "[[github.team]]\nslug = \"a\"\npermission = \"push\"\n[[github.team]]\nslug = \"b\"\npermission = \"pull\"\n[[github.team]]\nslug = \"a\"\npermission = \"admin\"\n[[github.secret]]\nname = \"S\"\nenvironment = \"int\"\n[[github.secret]]\nname = \"S\"\n",
    );
    let teams: Vec<_> = settings.teams.iter().map(|team| (team.slug.as_str(), team.permission.as_str())).collect();
    assert_eq!(teams, [("b", "pull"), ("a", "admin")]);
    assert_eq!(settings.secrets.len(), 2);
}

#[test]
fn every_fault_is_told_at_its_place_in_the_manifest() {
    let github = "[github]\ndescription = \"x {{ nope }}\"\ntopics = [\n  'a',\n  '{{ nope2 }}',\n]\n[[github.team]]\nwhen = \"style == nope3\"\nslug = \"{{ empty }}\"\npermission = \"pull\"\n[[github.team]]\nslug = \"{{ empty }}\"\npermission = '''\nx\n {{ nope4 }}'''\n[[github.team]]\nfor = \"t in nope5\"\nslug = \"a\"\npermission = \"pull\"\n[[github.team]]\nfor = \"style in words\"\nslug = \"a\"\npermission = \"pull\"\n";
    assert_eq!(
        faults(github),
        [
            "`apiscaffold.toml` line 4, column 18: unknown variable `nope`",
            "`apiscaffold.toml` line 7, column 4: unknown variable `nope2`",
            "`apiscaffold.toml` line 10, column 9: unknown variable `nope3`",
            "`apiscaffold.toml` line 14, column 9: `slug` renders to nothing",
            "`apiscaffold.toml` line 17, column 2: unknown variable `nope4`",
            "`apiscaffold.toml` line 19, column 8: unknown variable `nope5`",
            "`apiscaffold.toml` line 23, column 8: there is a value `style` already",
        ]
    );
}

#[test]
fn what_a_for_binds_is_gone_after_its_entry() {
    let github = "[[github.team]]\nfor = \"word in words\"\nslug = \"{{ word }}\"\npermission = \"pull\"\n[[github.issue]]\ntitle = \"{{ word }}\"\n";
    assert_eq!(faults(github), ["`apiscaffold.toml` line 8, column 10: unknown variable `word`"]);
}

#[test]
fn wrong_keys_and_types_are_told_with_line_and_meaning() {
    let cases = [
        ("[github]\ntopcis = []", 4, "`[github]` has no key `topcis`", "did you mean `topics`?"),
        ("[github]\ntopics = \"a\"", 4, "`topics` must be a list of texts", ""),
        ("[github]\ndescription = 3", 4, "`description` must be text in quotes", ""),
        (
            "[[github.team]]\nslug = \"a\"\npermision = \"x\"",
            5,
            "`[[github.team]]` has no key `permision`",
            "permission",
        ),
        ("[[github.team]]\nslug = \"a\"", 3, "`[[github.team]]` needs a key `permission`", ""),
        ("[github.team]\nslug = \"a\"", 3, "written `[[github.team]]`", ""),
        ("[github.security]\nsecret_scanning = \"on\"", 4, "must be `true` or `false`", ""),
        ("[[github.environment]]\nname = \"a\"\nwait_timer = 43201", 5, "must be from 0 to 43200", ""),
        ("[[github.ruleset]]\ntarget = \"tag\"", 3, "`[[github.ruleset]]` needs a key `name`", ""),
        ("[[github.team]]\nfor = \"words\"\nslug = \"a\"\npermission = \"p\"", 4, "as `item in items`", ""),
        ("[github.properties]\na = 1", 4, "`a` must be text in quotes", ""),
    ];
    for (github, line, words, hint) in cases {
        let error = Manifest::parse(&format!("[template]\nname = \"t\"\n{github}")).expect_err("refused");
        assert_eq!(error.line, line, "{error}");
        assert!(error.sentence.contains(words), "{error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{error:?}");
    }
}

#[test]
fn what_others_decide_is_refused_at_its_key_with_who_decides_it() {
    let repository = [
        ("visibility = \"public\"", "--visibility"),
        ("private = false", "--visibility"),
        ("name = \"other\"", "name of the API"),
        ("owner = \"me\"", "--owner"),
        ("archived = true", "apiscaffold phase"),
        ("default_branch = \"trunk\"", "`main`"),
        ("description = \"d\"", "`[github]`"),
        ("homepage = \"https://example.org\"", "`[github]`"),
        ("topics = [\"a\"]", "`[github]`"),
        ("custom_properties = { a = \"b\" }", "[github.properties]"),
        ("security_and_analysis = { secret_scanning = { status = \"disabled\" } }", "[github.security]"),
        ("team_id = 1", "[[github.team]]"),
        ("auto_init = true", "first commit"),
        ("gitignore_template = \"Rust\"", "first commit"),
        ("license_template = \"mit\"", "first commit"),
        ("has_downloads = true", "leave it out"),
    ];
    let ruleset = ["id = 1", "node_id = \"x\"", "source = \"o/r\"", "source_type = \"Organization\"", "_links = {}"];
    let shown = ["current_user_can_bypass = \"always\"", "created_at = \"x\"", "updated_at = \"x\""];
    let ruleset =
        ruleset.into_iter().chain(shown).map(|line| ("[[github.ruleset]]\nname = \"r\"", line, "leave it out"));
    let cases = repository.map(|(line, who)| ("[github.repository]\nhas_wiki = true", line, who));
    for (table, line, who) in cases.into_iter().chain(ruleset) {
        for written in [line.to_owned(), quoted(line)] {
            let text = format!("[template]\nname = \"t\"\n{table}\n{written}");
            let error = Manifest::parse(&text).expect_err(&written);
            assert_eq!(error.line, 5, "{error}");
            assert!(error.sentence.contains("cannot set"), "{error}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(who), "{error:?}");
        }
    }
}

/// The same line with its key in quotes.
fn quoted(line: &str) -> String {
    let (key, value) = line.split_once(" = ").expect("a key and a value");
    format!("\"{key}\" = {value}")
}

#[test]
fn a_key_that_is_no_plain_word_of_github_s_is_refused() {
    let cases = [
        ("[github.repository]", "\"{{ 'private' }}\" = false"),
        ("[github.repository]", "\"{% if title %}private{% endif %}\" = false"),
        ("[github.repository]", "Visibility = \"public\""),
        ("[github.repository]", "PRIVATE = false"),
        ("[github.repository]", "when = \"title\""),
        ("[github.repository]", "has_wiki = \"{{ title }}\""),
        ("[github.properties]", "\"{{ title }}\" = \"x\""),
        ("[[github.ruleset]]\nname = \"r\"", "\"{{ 'source' }}\" = \"x\""),
        ("[[github.ruleset]]\nname = \"r\"", "note = \"x\""),
        ("[[github.ruleset]]\nname = \"r\"", "rules = \"x\""),
        ("[[github.ruleset]]\nname = \"r\"", "conditions = { \"{{ title }}\" = 1 }"),
        ("[[github.ruleset]]\nname = \"r\"", "rules = [{ type = \"deletion\", \"{{ title }}\" = 1 }]"),
    ];
    for (table, line) in cases {
        let error = Manifest::parse(&format!("[template]\nname = \"t\"\n{table}\n{line}")).expect_err(line);
        assert_eq!(error.line, 3 + table.lines().count(), "{error}");
    }
    // A property may have any name that is one, even that of a turn of other tables.
    assert_eq!(good("[github.properties]\nwhen = \"x\"").properties["when"], "x");
}

#[test]
fn two_rulesets_of_one_name_are_refused_however_the_name_comes_about() {
    let cases = [
        ("[[github.ruleset]]\nname = \"a\"\n[[github.ruleset]]\nname = \"a\"\n", 6),
        ("[[github.ruleset]]\nname = \"apigee\"\n[[github.ruleset]]\nname = \"{{ style }}\"\n", 6),
        ("[[github.ruleset]]\nfor = \"word in words\"\nname = \"same\"\n", 5),
    ];
    for (github, line) in cases {
        let said = faults(github);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(&format!("line {line},")) && said[0].contains("two rulesets"), "{said:?}");
    }
    good(
        "[[github.ruleset]]\nname = \"a\"\n[[github.ruleset]]\nwhen = \"empty\"\nname = \"a\"\n[[github.ruleset]]\nname = \"b\"\n",
    );
}

proptest! {
    #[test]
    fn any_title_comes_back_equal_and_a_second_time_the_same(title in any::<String>()) {
        let mut values = values();
        values.insert("title".to_owned(), title.clone().into());
        let github = "[github]\ndescription = \"{{ title }}!\"\n[[github.issue]]\ntitle = \"- {{ title }}\"\n[[github.ruleset]]\nname = \"r\"\nrules = [\"{{ title }}\"]\n";
        let first = rendered(github, &values).expect("it renders");
        prop_assert_eq!(first.description.clone(), Some(format!("{title}!")));
        prop_assert_eq!(&first.issues[0].title, &format!("- {title}"));
        prop_assert_eq!(&first.rulesets[0]["rules"], &json!([title]));
        prop_assert_eq!(rendered(github, &values).expect("it renders"), first);
    }
}
