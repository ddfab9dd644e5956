//! TOML as the kind of value that everything else works with.

use serde_json::{Number, Value};

/// The same value as JSON has it. Dates and times become text as TOML writes them, and so do the floats `inf` and
/// `nan`, which JSON has no word for.
pub fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, from_toml(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::from_toml;

    #[test]
    fn every_kind_of_value_has_its_like() {
        let text = "b = 1979-05-27T07:32:00Z\na = [1, 2.5, true, inf, \"x\"]\n[c]\nd = 07:32:00\n";
        let table: toml::Table = text.parse().expect("TOML");
        let value = from_toml(toml::Value::Table(table));
        assert_eq!(
            value,
            json!({"b": "1979-05-27T07:32:00Z", "a": [1, 2.5, true, "inf", "x"], "c": {"d": "07:32:00"}})
        );
        assert_eq!(value.as_object().expect("a table").keys().collect::<Vec<_>>(), ["b", "a", "c"]);
    }
}
