//! What an answers file may hold, as a JSON Schema, for editors and other tools.

use serde_json::{Map, Value, json};

use crate::model::question::{AnswerType, DefaultValue, Question};

/// A JSON Schema (draft 2020-12) of the answers to `questions` in one file, `name` included.
///
/// Required are the answers of questions that are always asked and have no default; the spec or another layer may
/// have them all the same. Two rules are beyond a schema: texts hold no control characters but line breaks and tabs,
/// and `\r\n` counts as one character.
pub fn schema(questions: &[Question]) -> Value {
    let name = json!({
        "type": "string",
        "description": "The name of the API",
        "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "maxLength": 100,
    });
    let mut properties = Map::from_iter([("name".to_owned(), name)]);
    properties.extend(questions.iter().map(|question| (question.name.clone(), property(question))));
    let always = questions.iter().filter(|question| question.default.is_none() && question.when.is_none());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": always.map(|question| question.name.as_str()).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn property(question: &Question) -> Value {
    let mut property = match &question.kind {
        AnswerType::String => text(question),
        AnswerType::Bool => keyword("type", "boolean"),
        AnswerType::Integer { min, max } => {
            let mut integer = keyword("type", "integer");
            integer.extend(min.map(|min| ("minimum".to_owned(), min.into())));
            integer.extend(max.map(|max| ("maximum".to_owned(), max.into())));
            integer
        }
        AnswerType::Choice { choices } => keyword("enum", choices.clone()),
        AnswerType::List { choices, min } => {
            let mut item = text(question);
            if !choices.is_empty() {
                item.insert("enum".to_owned(), choices.clone().into());
            }
            let mut list = keyword("type", "array");
            list.insert("items".to_owned(), item.into());
            if *min > 0 {
                list.insert("minItems".to_owned(), (*min).into());
            }
            list
        }
    };
    let help = question.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    property.insert("description".to_owned(), format!("{}{help}", question.prompt).into());
    if let Some(DefaultValue::Value(value)) = &question.default {
        property.insert("default".to_owned(), value.clone());
    }
    property.into()
}

fn text(question: &Question) -> Map<String, Value> {
    let mut text = keyword("type", "string");
    text.insert("maxLength".to_owned(), question.max_length.into());
    if let Some(pattern) = &question.pattern {
        text.insert("pattern".to_owned(), format!("^(?:{})$", pattern.as_str()).into());
    }
    text
}

fn keyword(key: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value.into())])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::schema;
    use crate::model::question::{AnswerType, DefaultValue, Pattern, Question};

    fn question(name: &str, kind: AnswerType) -> Question {
        Question::new(name, kind, "P")
    }

    fn choices(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_schema_says_what_the_questions_say() {
        let title = Question {
            pattern: Pattern::new("a|b", None).ok(),
            help: Some("H".to_owned()),
            ..question("title", AnswerType::String)
        };
        let default = Some(DefaultValue::Value(json!(443)));
        let port = Question { default, ..question("port", AnswerType::Integer { min: Some(1), max: None }) };
        let built = Some(DefaultValue::Text("{{ title }}".to_owned()));
        let style =
            Question { default: built, ..question("style", AnswerType::Choice { choices: choices(&["a", "b"]) }) };
        let when = Some("style == 'a'".to_owned());
        let teams = Question { when, ..question("teams", AnswerType::List { choices: vec![], min: 0 }) };
        let schema = schema(&[title, port, style, teams]);
        let properties = json!({
            "name": {"type": "string", "description": "The name of the API",
                "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "maxLength": 100},
            "title": {"type": "string", "maxLength": 10_000, "pattern": "^(?:a|b)$", "description": "P\nH"},
            "port": {"type": "integer", "minimum": 1, "description": "P", "default": 443},
            "style": {"enum": ["a", "b"], "description": "P"},
            "teams": {"type": "array", "items": {"type": "string", "maxLength": 10_000}, "description": "P"},
        });
        assert_eq!(schema["properties"], properties);
        assert_eq!(schema["required"], json!(["title"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        jsonschema::meta::validate(&schema).expect("a schema");
    }

    fn questions() -> impl Strategy<Value = Question> {
        let some = || prop_oneof![Just(choices(&["a", "b"])), Just(choices(&["", "true", "ab"]))];
        let kind = prop_oneof![
            Just(AnswerType::String),
            Just(AnswerType::Bool),
            (prop_oneof![Just(None), (-3..3i64).prop_map(Some)], prop_oneof![Just(None), (-3..3i64).prop_map(Some)])
                .prop_map(|(min, max)| AnswerType::Integer { min, max }),
            some().prop_map(|choices| AnswerType::Choice { choices }),
            Just(AnswerType::List { choices: vec![], min: 0 }),
            (some(), 0..2_usize).prop_map(|(choices, min)| AnswerType::List { choices, min }),
        ];
        let patterns = [None, Some("a|ab"), Some("^[a-z]{1,2}$"), Some(r"\w*"), Some(r"[^\d\s]+"), Some("(?i)A.")];
        (kind, 0..patterns.len(), 0..4usize).prop_map(move |(kind, pattern, max_length)| Question {
            pattern: patterns[pattern].and_then(|text| Pattern::new(text, None).ok()),
            max_length,
            ..question("q", kind)
        })
    }

    /// Without control characters and numbers beyond 64 bits: those two rules are not in the schema.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = || {
            prop_oneof![
                "[abA1\\né١]{0,4}".prop_map(Value::from),
                Just(json!("true")),
                any::<bool>().prop_map(Value::from),
                (-4..4i64).prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                prop_oneof![Just(json!(1.0)), Just(json!(-2.0)), Just(json!(1.5))],
                Just(Value::Null),
            ]
        };
        prop_oneof![
            4 => leaf(),
            2 => proptest::collection::vec("[ab]{0,2}", 0..3).prop_map(Value::from),
            1 => proptest::collection::vec(leaf(), 0..3).prop_map(Value::from),
            1 => leaf().prop_map(|value| json!({ "a": value })),
        ]
    }

    proptest! {
        #[test]
        fn the_schema_takes_just_the_values_that_the_question_takes(question in questions(), value in values()) {
            let schema = schema(std::slice::from_ref(&question));
            let answers = json!({"name": "my-api", "q": value});
            prop_assert_eq!(jsonschema::is_valid(&schema, &answers), question.check(&value).is_ok());
        }
    }
}
