//! What is stricter, and how what a template asks for is merged into what is there.
//!
//! People make a repository stricter than its template asks: more reviews, one more required check, fewer exceptions. That
//! is left as it is unless whoever runs the command says `--lower`. What the template does not speak of is sent back as it
//! was in any case.
//!
//! [`ORDER`] says of each protection in which direction it is stricter. A value of a ruleset that is not in the table counts
//! as stricter when something else is there already, since nobody can say that it is not; an item of a list that is not in
//! the table counts as a demand. Fields of the repository that are not in the table (merge options, texts) protect nothing:
//! they are set. So are topics, variables, properties and what a team may do.

use serde_json::{Map, Value};

use super::compare::covers;
use crate::model::setting::Difference;

/// Which of two values of one key is the stricter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The larger number.
    More,
    /// The smaller number.
    Less,
    /// `true`.
    On,
    /// `false`.
    Off,
    /// The word that comes later.
    Ladder(&'static [&'static str]),
    /// Each item demands something: the list that has an item more. By these keys two items are the same.
    Demands(&'static [&'static str]),
    /// Each item lets somebody or something pass: the list that has an item less.
    Passes(&'static [&'static str]),
    /// The same, but where there is no list everything passes, and an empty one is none.
    Choices,
}

use Order::{Choices, Demands, Ladder, Less, More, Off, On, Passes};

/// Each protection, by its key in GitHub's API.
pub(super) const ORDER: [(&str, Order); 35] = [
    // The repository.
    ("web_commit_signoff_required", On),
    ("allow_forking", Off),
    ("pull_request_creation_policy", Ladder(&["all", "collaborators_only"])),
    // Environments. One reviewer must agree, so that neither more nor fewer are stricter: whoever is there stays.
    ("wait_timer", More),
    ("prevent_self_review", On),
    ("reviewers", Demands(&[])),
    // Rulesets.
    ("enforcement", Ladder(&["disabled", "evaluate", "active"])),
    ("bypass_actors", Passes(&["actor_type", "actor_id"])),
    ("bypass_mode", Ladder(&["exempt", "always", "pull_request"])),
    ("include", Demands(&[])),
    ("exclude", Passes(&[])),
    ("rules", Demands(&["type"])),
    // Rules.
    ("required_approving_review_count", More),
    ("dismiss_stale_reviews_on_push", On),
    ("require_code_owner_review", On),
    ("require_last_push_approval", On),
    ("required_review_thread_resolution", On),
    ("allowed_merge_methods", Choices),
    ("required_reviewers", Demands(&["reviewer", "file_patterns"])),
    ("minimum_approvals", More),
    ("required_status_checks", Demands(&["context"])),
    ("strict_required_status_checks_policy", On),
    ("do_not_enforce_on_create", Off),
    ("required_deployment_environments", Demands(&[])),
    ("update_allows_fetch_and_merge", Off),
    ("workflows", Demands(&["path", "repository_id"])),
    ("code_scanning_tools", Demands(&["tool"])),
    ("alerts_threshold", Ladder(&["none", "errors", "errors_and_warnings", "all"])),
    ("security_alerts_threshold", Ladder(&["none", "critical", "high_or_higher", "medium_or_higher", "all"])),
    ("review_on_push", On),
    ("review_draft_pull_requests", On),
    ("restricted_file_paths", Demands(&[])),
    ("restricted_file_extensions", Demands(&[])),
    ("max_file_size", Less),
    ("max_file_path_length", Less),
];

/// Every branch, in a condition of a ruleset.
const ALL: &str = "~ALL";

/// The order of a key; none where nobody can say.
pub(super) fn order(key: &str) -> Option<Order> {
    ORDER.iter().find(|(name, _)| *name == key).map(|(_, order)| *order)
}

/// Whether `wanted` in the place of `found` protects less. They differ.
pub(super) fn lowers(key: &str, wanted: &Value, found: &Value) -> bool {
    if found.is_null() {
        return false;
    }
    let numbers = wanted.as_i64().zip(found.as_i64());
    let rank = |words: &[&str], value: &Value| value.as_str().and_then(|word| words.iter().position(|it| *it == word));
    match order(key) {
        Some(More) => numbers.is_none_or(|(wanted, found)| wanted < found),
        Some(Less) => numbers.is_none_or(|(wanted, found)| wanted > found),
        Some(On) => *found != Value::Bool(false),
        Some(Off) => *found != Value::Bool(true),
        Some(Ladder(words)) => rank(words, wanted).zip(rank(words, found)).is_none_or(|(wanted, found)| wanted < found),
        Some(Demands(_) | Passes(_) | Choices) | None => true,
    }
}

/// A merge of what is asked for into what is there, which notes where they differ.
pub(super) struct Merge {
    /// Whether what is stricter is lowered.
    lower: bool,
    pub(super) differences: Vec<Difference>,
}

impl Merge {
    pub(super) const fn new(lower: bool) -> Self {
        Self { lower, differences: Vec::new() }
    }

    /// What is to be there: `key` is the key of the value, `what` its place in words.
    pub(super) fn value(&mut self, what: &str, key: &str, wanted: &Value, found: &Value) -> Value {
        match (wanted, found) {
            _ if covers(wanted, found) => if found.is_null() { wanted } else { found }.clone(),
            (Value::Object(wanted), Value::Object(found)) => self.object(what, wanted, found).into(),
            (Value::Object(wanted), Value::Null) => self.object(what, wanted, &Map::new()).into(),
            (Value::Array(wanted), Value::Array(found)) => self.list(what, key, wanted, found).into(),
            (Value::Array(items), Value::Null) if order(key) != Some(Choices) => {
                self.list(what, key, items, &[]).into()
            }
            _ => {
                let is_lower = lowers(key, wanted, found);
                self.note(what, wanted, found, is_lower);
                if is_lower && !self.lower { found } else { wanted }.clone()
            }
        }
    }

    fn note(&mut self, what: &str, wanted: &Value, found: &Value, lowers: bool) {
        let (what, wanted, found) = (what.to_owned(), wanted.clone(), found.clone());
        self.differences.push(Difference { what, wanted, found, lowers, partial: false });
    }

    fn object(&mut self, what: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) -> Map<String, Value> {
        let mut all = found.clone();
        for (key, wanted) in wanted {
            let found = found.get(key).unwrap_or(&Value::Null);
            all.insert(key.clone(), self.value(&format!("{what}.{key}"), key, wanted, found));
        }
        all
    }

    fn list(&mut self, what: &str, key: &str, wanted: &[Value], found: &[Value]) -> Vec<Value> {
        let (keys, passes) = match order(key) {
            Some(Demands(keys)) => (keys, false),
            Some(Passes(keys)) => (keys, true),
            Some(Choices) => (&[][..], true),
            _ => (&[][..], false),
        };
        let mut left: Vec<&Value> = found.iter().collect();
        let paired: Vec<(&Value, Option<&Value>)> =
            wanted.iter().map(|item| (item, position(item, &left, keys).map(|at| left.remove(at)))).collect();
        if order(key) == Some(Choices) && paired.iter().all(|(_, found)| found.is_none()) && !self.lower {
            // Half of the change would leave no choice at all.
            self.note(what, &wanted.to_vec().into(), &found.to_vec().into(), true);
            return found.to_vec();
        }
        let everywhere = key == "include" && found.iter().any(|item| item == ALL);
        let mut all = Vec::new();
        for (item, there) in paired {
            match there {
                Some(there) => all.push(self.value(&format!("{what}{}", named(item, keys)), key, item, there)),
                // It is covered already.
                None if everywhere && !self.lower => {}
                None => {
                    self.note(&format!("{what}{}", named(item, keys)), item, &Value::Null, passes);
                    if self.lower || !passes {
                        all.push(item.clone());
                    }
                }
            }
        }
        for there in left {
            self.note(&format!("{what}{}", named(there, keys)), &Value::Null, there, !passes);
            if !self.lower && !passes {
                all.push(there.clone());
            }
        }
        all
    }
}

/// The item that is the wanted one: its equal, else the first that covers it, else the first with the same keys.
fn position(wanted: &Value, found: &[&Value], keys: &[&str]) -> Option<usize> {
    let same = |found: &&Value| {
        let one = |key: &&str| wanted.get(*key).is_none_or(|wanted| found.get(*key) == Some(wanted));
        keys.first().is_some_and(|key| wanted.get(*key).is_some()) && keys.iter().all(one)
    };
    let equal = found.iter().position(|found| *found == wanted);
    let covering = || found.iter().position(|found| covers(wanted, found));
    equal.or_else(covering).or_else(|| found.iter().position(same))
}

/// `.pull_request`
fn named(item: &Value, keys: &[&str]) -> String {
    keys.first().and_then(|key| item.get(*key)?.as_str()).map(|name| format!(".{name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
