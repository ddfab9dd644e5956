//! TOML as the kind of value that everything else works with.

use serde_json::{Number, Value};

use super::text::position;

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

/// Why a text is not the expected TOML, with its line. No text is repeated: the file may be named by mistake and hold
/// secrets.
pub fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let place = error.span().map(|span| format!("line {}: ", position(text, span.start).0)).unwrap_or_default();
    // The reader's own words repeat no text when the text is not TOML, or a key is missing.
    let is_plain = text.parse::<toml::Table>().is_err() || error.message().starts_with("missing field");
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    place + if is_plain { &message } else { "a value does not fit its key" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{from_toml, toml_error};

    #[test]
    fn a_complaint_names_the_line_and_no_value() {
        #[derive(serde::Deserialize, Debug)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Shape {
            number: u8,
            phase: crate::model::phase::Phase,
        }
        for (text, message) in [
            ("number = \"s3cret\"\nphase = \"alpha\"", "line 1: a value does not fit its key"),
            ("number = 1\nphase = \"s3cret\"", "line 2: a value does not fit its key"),
            ("number = 1", "line 1: missing field `phase`"),
        ] {
            let error = toml::from_str::<Shape>(text).expect_err("refused");
            assert_eq!(toml_error(text, &error), message);
        }
        let error = toml::from_str::<Shape>("a = 1\ns3cret:x").expect_err("no TOML");
        let message = toml_error("a = 1\ns3cret:x", &error);
        assert!(message.starts_with("line 2: ") && !message.contains("s3cret"), "{message}");
    }

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
