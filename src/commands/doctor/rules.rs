//! Rulesets of an organisation that stop the first push to a new repository.

use globset::Glob;
use serde_json::Value;

use crate::git::sign::Signing;

/// The rule that asks for signatures.
const SIGNATURES: &str = "required_signatures";

/// Rules that a push of one commit to a new branch breaks; the others it keeps. Those of status checks let a new branch
/// in when they say so.
const BREAKS: [(&str, &str); 9] = [
    ("creation", "no branch may be made"),
    ("update", "pushes are blocked"),
    ("pull_request", "changes come by pull request only"),
    (SIGNATURES, "commits must be signed, and git's `commit.gpgsign` is not set"),
    ("required_status_checks", "checks must pass before"),
    ("required_deployments", "deployments must succeed before"),
    ("workflows", "workflows must pass before"),
    ("code_scanning", "code must be scanned before"),
    ("commit_message_pattern", "messages of commits have a form"),
];

/// Why an active ruleset stops the first push to `main` of the repository `name` (none: of some repository), whose commit
/// gets this signature; nothing when it does not.
pub(super) fn blocking(ruleset: &Value, name: Option<&str>, signing: &Signing) -> Vec<&'static str> {
    let conditions = &ruleset["conditions"];
    let branch = ["~ALL", "~DEFAULT_BRANCH"];
    let is_branch = binds(&conditions["ref_name"], &branch, Some("refs/heads/main"));
    let is_repository = match conditions.get("repository_name") {
        Some(names) => binds(names, &["~ALL"], name),
        // Those bound to a list of repositories do not know the new one.
        None => conditions.get("repository_id").is_none(),
    };
    let bypass = matches!(ruleset["current_user_can_bypass"].as_str(), Some("always"));
    if ruleset["enforcement"] != "active" || !is_branch || !is_repository || bypass {
        return Vec::new();
    }
    let rules = ruleset["rules"].as_array().into_iter().flatten();
    let rules = rules.filter(|rule| rule["type"] != SIGNATURES || *signing == Signing::No);
    rules.filter(|rule| rule["parameters"]["do_not_enforce_on_create"] != true).filter_map(why).collect()
}

fn why(rule: &Value) -> Option<&'static str> {
    BREAKS.iter().find(|(kind, _)| rule["type"] == *kind).map(|(_, why)| *why)
}

/// Whether a condition includes `name` and does not exclude it. An unknown name may be included.
fn binds(condition: &Value, all: &[&str], name: Option<&str>) -> bool {
    let holds = |key: &str, unknown: bool| {
        let mut patterns = condition[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        patterns.any(|pattern| all.contains(&pattern) || name.map_or(unknown, |name| fits(pattern, name)))
    };
    holds("include", true) && !holds("exclude", false)
}

fn fits(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ruleset(refs: Value, names: Value, rules: Value) -> Value {
        let mut conditions = json!({"ref_name": refs});
        if !names.is_null() {
            conditions["repository_name"] = names;
        }
        json!({"name": "x", "enforcement": "active", "conditions": conditions, "rules": rules})
    }

    #[test]
    fn only_rules_that_bind_the_new_branch_stop_it() {
        let pull = || json!([{"type": "deletion"}, {"type": "pull_request"}]);
        let main = || json!({"include": ["~DEFAULT_BRANCH"], "exclude": []});
        let stopped = |ruleset: &Value| !blocking(ruleset, Some("my-api"), &Signing::No).is_empty();
        assert!(stopped(&ruleset(main(), json!(null), pull())));
        assert!(stopped(&ruleset(json!({"include": ["refs/heads/m*"]}), json!({"include": ["my-*"]}), pull())));
        assert!(!stopped(&ruleset(json!({"include": ["refs/heads/release"]}), json!(null), pull())));
        assert!(!stopped(&ruleset(json!({"include": ["~ALL"], "exclude": ["refs/heads/main"]}), json!(null), pull())));
        assert!(!stopped(&ruleset(main(), json!({"include": ["other-*"]}), pull())));
        assert!(!stopped(&ruleset(main(), json!(null), json!([{"type": "deletion"}]))));
        let checks = json!([{"type": "required_status_checks", "parameters": {"do_not_enforce_on_create": true}}]);
        assert!(!stopped(&ruleset(main(), json!(null), checks)));
        let signed = ruleset(main(), json!(null), json!([{"type": "required_signatures"}]));
        let own_key = Signing::Known("of the user".to_owned());
        assert!(stopped(&signed) && blocking(&signed, Some("my-api"), &own_key).is_empty());
        let mut other = ruleset(main(), json!(null), pull());
        other["enforcement"] = "evaluate".into();
        assert!(!stopped(&other) && !stopped(&json!(null)) && !stopped(&json!({"conditions": 7})));
    }
}
