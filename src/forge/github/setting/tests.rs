//! Every setting: written on nothing, so on what was written, and mended where it differs.

use serde_json::json;

use super::*;
use crate::forge::github::setting::Lower;
use crate::model::settings::Settings;

fn target() -> RepositorySlug {
    RepositorySlug { owner: "org".to_owned(), name: "my-api".to_owned() }
}

fn settings() -> Vec<Setting> {
    let settings: Settings = serde_json::from_value(json!({
        "description": "D", "topics": ["api", "b"], "properties": {"tier": "gold"},
        "team": [{"slug": "core", "permission": "maintain"}],
        "environment": [{"name": "int", "reviewers": ["core"], "branches": ["main"], "tags": ["v*"], "prevent_self_review": true}],
        "variable": [{"name": "A", "value": "1"}, {"name": "B", "value": "2", "environment": "int"}],
        "secret": [{"name": "S", "environment": "int"}],
        "repository": {"allow_squash_merge": true, "delete_branch_on_merge": true},
        "security": {"vulnerability_alerts": true, "automated_security_fixes": true,
            "private_vulnerability_reporting": true, "secret_scanning": true, "secret_scanning_push_protection": true},
        "issue": [{"title": "Kick-off -- now", "body": "Text"}],
        "ruleset": [{"name": "main", "target": "branch", "enforcement": "active", "rules": [{"type": "deletion"}]}],
    }))
    .expect("settings");
    settings.each()
}

/// What GitHub would show once all of that is made.
fn made() -> Observed {
    let mut seen = Observed::default();
    let on = || json!({"status": "enabled"});
    seen.put(
        SettingSource::Repository,
        json!({
            "description": "D", "topics": ["b", "api"], "allow_squash_merge": true, "delete_branch_on_merge": true,
            "security_and_analysis": {"secret_scanning": on(), "secret_scanning_push_protection": on(), "other": {}},
        }),
    );
    seen.put(
        SettingSource::Properties,
        json!([{"property_name": "tier", "value": "gold"}, {"property_name": "x", "value": null}]),
    );
    seen.put(SettingSource::Teams, json!([{"slug": "core", "permission": "maintain", "id": 5}]));
    seen.put(SettingSource::Team("core".to_owned()), json!({"slug": "core", "id": 5}));
    seen.put(SettingSource::Environments, json!([{
        "name": "int", "deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true},
        "protection_rules": [
            {"type": "required_reviewers", "prevent_self_review": true, "reviewers": [{"type": "Team", "reviewer": {"slug": "core", "id": 5}}]},
            {"type": "branch_policy"},
        ],
    }]));
    seen.put(
        SettingSource::Policies("int".to_owned()),
        json!([
            {"id": 1, "name": "main", "type": "branch"}, {"id": 2, "name": "v*", "type": "tag"},
        ]),
    );
    seen.put(SettingSource::Variables(None), json!([{"name": "A", "value": "1"}]));
    seen.put(SettingSource::Variables(Some("int".to_owned())), json!([{"name": "B", "value": "2"}]));
    seen.put(SettingSource::Secrets(Some("int".to_owned())), json!([{"name": "S"}]));
    seen.put(SettingSource::Alerts, json!(true));
    seen.put(SettingSource::Fixes, json!({"enabled": true, "paused": false}));
    seen.put(SettingSource::Reporting, json!({"enabled": true}));
    seen.put(
        SettingSource::Issues,
        json!([{"title": "Renamed", "body": "Text\n\n<!-- apiscaffold: Kick-off -  now -->"}]),
    );
    seen.put(SettingSource::Rulesets, json!([{"id": 9, "name": "main"}]));
    let rules = json!([{"type": "deletion"}]);
    seen.put(SettingSource::Ruleset(9), json!({"id": 9, "name": "main", "target": "branch", "enforcement": "active", "rules": rules, "bypass_actors": []}));
    seen
}

fn planned(setting: &Setting, observed: &Observed) -> Vec<String> {
    let target = target();
    let known = SettingContext { target: &target, observed, secrets: None, lower: Lower::No };
    calls(setting, &known).expect("calls").iter().map(Call::words).collect()
}

#[test]
fn on_nothing_every_setting_differs_and_takes_one_call_a_part() {
    let nothing = Observed::default();
    let mut all = Vec::new();
    for setting in settings() {
        assert!(!differences(&setting, &nothing).expect("readable").is_empty(), "{}", setting.words());
        all.extend(planned(&setting, &nothing));
    }
    assert_eq!(
        all,
        [
            "PATCH /repos/org/my-api",
            "PUT /repos/org/my-api/topics",
            "PATCH /repos/org/my-api/properties/values",
            "PUT /orgs/org/teams/core/repos/org/my-api",
            "PUT /repos/org/my-api/environments/int",
            "POST /repos/org/my-api/environments/int/deployment-branch-policies",
            "POST /repos/org/my-api/environments/int/deployment-branch-policies",
            "POST /repos/org/my-api/actions/variables",
            "POST /repos/org/my-api/environments/int/variables",
            "PUT /repos/org/my-api/environments/int/secrets/S",
            "PUT /repos/org/my-api/vulnerability-alerts",
            "PUT /repos/org/my-api/automated-security-fixes",
            "PUT /repos/org/my-api/private-vulnerability-reporting",
            "PATCH /repos/org/my-api",
            "POST /repos/org/my-api/issues",
            "POST /repos/org/my-api/rulesets",
        ]
    );
}

#[test]
fn what_is_made_does_not_differ() {
    let made = made();
    for setting in settings() {
        assert_eq!(differences(&setting, &made).expect("readable"), [], "{}", setting.words());
    }
}

#[test]
fn what_was_changed_by_hand_is_seen_and_mended_in_its_place() {
    let cases = [
        (
            SettingSource::Variables(None),
            json!([{"name": "a", "value": "9"}]),
            "PATCH /repos/org/my-api/actions/variables/A",
        ),
        (SettingSource::Rulesets, json!([{"id": 4, "name": "other"}]), "POST /repos/org/my-api/rulesets"),
        (SettingSource::Ruleset(9), json!({"enforcement": "disabled"}), "PUT /repos/org/my-api/rulesets/9"),
        (
            SettingSource::Policies("int".to_owned()),
            json!([{"id": 1, "name": "main", "type": "branch"}, {"id": 2, "name": "v*", "type": "tag"}, {"id": 3, "name": "*", "type": "branch"}]),
            "DELETE /repos/org/my-api/environments/int/deployment-branch-policies/3",
        ),
        (
            SettingSource::Environments,
            json!([{"name": "int", "protection_rules": [], "deployment_branch_policy": null}]),
            "PUT /repos/org/my-api/environments/int",
        ),
        (
            SettingSource::Teams,
            json!([{"slug": "core", "permission": "pull"}]),
            "PUT /orgs/org/teams/core/repos/org/my-api",
        ),
    ];
    for (reading, value, call) in cases {
        let mut changed = made();
        changed.put(reading, value);
        let differing: Vec<Setting> = settings()
            .into_iter()
            .filter(|setting| !differences(setting, &changed).expect("readable").is_empty())
            .collect();
        let calls: Vec<String> = differing.iter().flat_map(|setting| planned(setting, &changed)).collect();
        assert_eq!(calls, [call]);
    }
}

#[test]
fn only_fields_that_differ_are_sent() {
    let mut changed = made();
    changed.put(
        SettingSource::Repository,
        json!({"description": "D", "topics": ["api", "b"], "allow_squash_merge": true}),
    );
    let target = target();
    let known = SettingContext { target: &target, observed: &changed, secrets: None, lower: Lower::No };
    let fields = settings().into_iter().next().expect("the repository");
    let call = calls(&fields, &known).expect("calls").remove(0);
    assert_eq!(call.body, Some(json!({"delete_branch_on_merge": true})));
}

#[test]
fn a_secret_is_sealed_and_its_value_is_in_no_call() {
    let mut made = made();
    let key = {
        use base64::Engine as _;
        let secret = crypto_box::SecretKey::generate(&mut crypto_box::aead::OsRng);
        base64::engine::general_purpose::STANDARD.encode(secret.public_key().as_bytes())
    };
    made.put(SettingSource::Key(Some("int".to_owned())), json!({"key_id": "k1", "key": key}));
    let target = target();
    let secret = settings().into_iter().find(|setting| matches!(setting, Setting::Secret(_))).expect("one");
    let values = BTreeMap::from([((Some("int".to_owned()), "S".to_owned()), Token::new("s3cret"))]);
    let known = SettingContext { target: &target, observed: &made, secrets: Some(&values), lower: Lower::No };
    let call = calls(&secret, &known).expect("calls").remove(0);
    let body = call.body.expect("a body");
    assert!(body["key_id"] == "k1" && !body.to_string().contains("s3cret"), "{body}");
    let empty = BTreeMap::new();
    let known = SettingContext { target: &target, observed: &made, secrets: Some(&empty), lower: Lower::No };
    assert_eq!(calls(&secret, &known), Err(ForgeError::NoValue { variable: "INT_S".to_owned() }));
}

#[test]
fn answers_of_any_shape_are_compared_without_a_fault() {
    for odd in [json!(null), json!([]), json!({}), json!("x"), json!([null, 7, "x", {}, []]), json!(true)] {
        let mut seen = Observed::default();
        for setting in settings() {
            for reading in readings(&setting) {
                seen.put(reading, odd.clone());
            }
        }
        for setting in settings() {
            let _ = differences(&setting, &seen);
            let _ = planned(&setting, &seen);
        }
    }
}
