//! Every order of the table, and merges of any two values.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// For an order two values, the looser one first.
fn pair(key: &str, order: Order) -> (Value, Value) {
    match order {
        More => (json!(1), json!(2)),
        Less => (json!(2), json!(1)),
        On => (json!(false), json!(true)),
        Off => (json!(true), json!(false)),
        Ladder(words) => (json!(words[0]), json!(words[words.len() - 1])),
        Demands(keys) => (json!([item(keys, "a")]), json!([item(keys, "a"), item(keys, "b")])),
        Passes(keys) => (json!([item(keys, "a"), item(keys, "b")]), json!([item(keys, "a")])),
        Choices => {
            assert_eq!(key, "allowed_merge_methods");
            (json!(["squash", "merge"]), json!(["squash"]))
        }
    }
}

fn item(keys: &[&str], name: &str) -> Value {
    if keys.is_empty() {
        return name.into();
    }
    keys.iter().map(|key| ((*key).to_owned(), Value::from(name))).collect::<Map<_, _>>().into()
}

fn merged(key: &str, wanted: &Value, found: &Value, lower: bool) -> (Value, Vec<Difference>) {
    let mut merge = Merge::new(lower);
    let value = merge.value(key, key, wanted, found);
    (value, merge.differences)
}

#[test]
fn each_protection_is_raised_and_lowered_only_when_said_so() {
    for (key, order) in ORDER {
        let (loose, strict) = pair(key, order);
        let (value, differences) = merged(key, &strict, &loose, false);
        assert!(covers(&strict, &value), "{key}: {value}");
        assert!(!differences.is_empty() && differences.iter().all(|one| !one.lowers), "{key}: {differences:?}");
        let (value, differences) = merged(key, &loose, &strict, false);
        assert_eq!(value, strict, "{key}");
        assert!(!differences.is_empty() && differences.iter().all(|one| one.lowers), "{key}: {differences:?}");
        assert!(differences.iter().all(|one| one.words().contains("--lower")), "{key}: {differences:?}");
        assert_eq!(merged(key, &loose, &strict, true).0, loose, "{key}");
        assert_eq!(merged(key, &strict, &strict, false), (strict, vec![]), "{key}");
    }
}

#[test]
fn what_is_not_asked_for_stays_in_every_depth() {
    let found = json!({
        "rules": [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": 3, "allowed_merge_methods": ["squash"]}},
            {"type": "required_status_checks", "parameters": {"required_status_checks": [
                {"context": "test", "integration_id": 5}, {"context": "scan"}], "do_not_enforce_on_create": false}},
            {"type": "merge_queue", "parameters": {"max_entries_to_build": 5}},
        ],
        "bypass_actors": [{"actor_id": 1, "actor_type": "Team", "bypass_mode": "pull_request"}],
        "enforcement": "evaluate",
    });
    let wanted = json!({
        "rules": [
            {"type": "deletion"},
            {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
            {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "test"}]}},
            {"type": "merge_queue", "parameters": {"max_entries_to_build": 9}},
            {"type": "non_fast_forward"},
        ],
        "enforcement": "active",
    });
    let (value, differences) = merged("ruleset", &wanted, &found, false);
    let mut kept = found.clone();
    kept["enforcement"] = "active".into();
    kept["rules"].as_array_mut().expect("rules").push(json!({"type": "non_fast_forward"}));
    assert_eq!(value, kept);
    let lowering: Vec<&str> = differences.iter().filter(|one| one.lowers).map(|one| one.what.as_str()).collect();
    assert_eq!(
        lowering,
        [
            "ruleset.rules.pull_request.parameters.required_approving_review_count",
            "ruleset.rules.required_status_checks.parameters.required_status_checks.scan",
            "ruleset.rules.merge_queue.parameters.max_entries_to_build",
        ]
    );
    let (value, _) = merged("ruleset", &wanted, &found, true);
    assert!(covers(&wanted, &value), "{value}");
    assert_eq!(value["bypass_actors"], found["bypass_actors"]);
    assert_eq!(value["rules"][1]["parameters"]["allowed_merge_methods"], json!(["squash"]));
    assert_eq!(
        value["rules"][2]["parameters"]["required_status_checks"],
        json!([{"context": "test", "integration_id": 5}])
    );
}

#[test]
fn a_list_that_would_become_empty_and_one_that_holds_all_stay() {
    let (value, differences) = merged("allowed_merge_methods", &json!(["squash"]), &json!(["rebase"]), false);
    assert_eq!((value, differences.len()), (json!(["rebase"]), 1));
    assert_eq!(merged("allowed_merge_methods", &json!(["squash"]), &Value::Null, false).0, json!(["squash"]));
    assert_eq!(merged("include", &json!(["~DEFAULT_BRANCH"]), &json!(["~ALL"]), false).0, json!(["~ALL"]));
}

fn parameters() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(vec!["a", "b", "c"]);
    let words = move || prop::collection::btree_set(word(), 0..3).prop_map(|set| json!(set));
    let rank = prop::sample::select(vec!["disabled", "evaluate", "active"]);
    let fields = (0..4_i64, any::<bool>(), any::<bool>(), rank, words(), words(), words(), 0..3_i64);
    (fields, 0..256_u32).prop_map(|((count, on, off, rank, include, exclude, checks, unknown), mask)| {
        let checks: Vec<Value> = checks
            .as_array()
            .into_iter()
            .flatten()
            .map(|context| json!({"context": context, "integration_id": count}))
            .collect();
        let all = [
            ("required_approving_review_count", json!(count)),
            ("require_last_push_approval", json!(on)),
            ("do_not_enforce_on_create", json!(off)),
            ("enforcement", json!(rank)),
            ("include", include),
            ("exclude", exclude),
            ("required_status_checks", json!(checks)),
            ("something_new", json!(unknown)),
        ];
        let chosen = all.into_iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0);
        chosen.map(|(_, (key, value))| (key.to_owned(), value)).collect::<Map<_, _>>().into()
    })
}

proptest! {
    #[test]
    fn a_merge_is_never_looser_than_what_is_there(wanted in parameters(), found in parameters()) {
        let (value, differences) = merged("x", &wanted, &found, false);
        // What was there would only lower what is there now.
        let (_, back) = merged("x", &found, &value, false);
        prop_assert!(back.iter().all(|one| one.lowers), "{back:?}");
        // What was not asked for is as it was.
        for (key, there) in found.as_object().expect("an object") {
            prop_assert!(wanted.get(key).is_some() || value.get(key) == Some(there), "{key}: {value}");
        }
        // A second time there is nothing to raise.
        let (again, left) = merged("x", &wanted, &value, false);
        prop_assert_eq!(again, value);
        prop_assert!(left.iter().all(|one| one.lowers), "{left:?}");
        prop_assert_eq!(left.len(), differences.iter().filter(|one| one.lowers).count());
        // When it is said so, it becomes what was asked for.
        let (lowered, _) = merged("x", &wanted, &found, true);
        prop_assert!(covers(&wanted, &lowered), "{lowered}");
    }
}
