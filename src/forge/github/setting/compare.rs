//! Whether what is there is what is wanted, where GitHub's answers say more than was asked for.

use serde_json::Value;

/// Whether `found` says at least what `wanted` says. Objects may have more keys; lists have the same items in any order;
/// nothing and an empty text are the same.
pub(super) fn covers(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            wanted.iter().all(|(key, wanted)| covers(wanted, found.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(found)) => wanted.len() == found.len() && pairs(wanted, found),
        // An object that asks for nothing is there when nothing is.
        (Value::Object(wanted), Value::Null) => wanted.values().all(|wanted| covers(wanted, &Value::Null)),
        (Value::Array(wanted), Value::Null) => wanted.is_empty(),
        // GitHub drops space at the ends of what is typed in a field.
        (Value::String(wanted), Value::String(found)) => wanted.trim() == found.trim(),
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        _ => wanted == found,
    }
}

/// Whether every wanted item has a found one of its own: its equal if there is one, else the first that covers it.
fn pairs(wanted: &[Value], found: &[Value]) -> bool {
    let mut left: Vec<&Value> = found.iter().collect();
    wanted.iter().all(|wanted| {
        let equal = left.iter().position(|found| *found == wanted);
        let at = equal.or_else(|| left.iter().position(|found| covers(wanted, found)));
        at.map(|at| left.swap_remove(at)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn more_is_enough_and_less_is_not() {
        let found = json!({"a": 1, "b": [{"type": "x", "id": 7}, {"type": "y"}], "c": null});
        for wanted in [json!({}), json!({"a": 1}), json!({"b": [{"type": "y"}, {"type": "x"}]}), json!({"c": ""})] {
            assert!(covers(&wanted, &found), "{wanted}");
        }
        for wanted in [json!({"a": 2}), json!({"b": [{"type": "y"}]}), json!({"d": false}), json!({"b": []}), json!([])]
        {
            assert!(!covers(&wanted, &found), "{wanted}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..9).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_covers_itself(value in value()) {
            prop_assert!(covers(&value, &value));
        }
    }
}
