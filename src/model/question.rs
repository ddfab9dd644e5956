//! A question of a template, and the rules that an answer to it must keep.

use regex::Regex;
use serde_json::Value;

use crate::error::nearest;

/// Longest text, in characters, where a question sets no limit of its own.
pub const MAX_LENGTH: usize = 10_000;

/// How many choices a message spells out.
const CHOICES_SHOWN: usize = 12;

/// The largest whole number that a float holds without rounding.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The variable in which a default sees the reason for it.
pub const BECAUSE: &str = "because";

/// What a template wants to know.
#[derive(Clone, Debug)]
pub struct Question {
    /// The variable in the template, and the key in `--set` and in answers files.
    pub name: String,
    pub kind: AnswerType,
    pub prompt: String,
    /// More about it, shown on demand.
    pub help: Option<String>,
    /// The answer when no other layer has one.
    pub default: Option<DefaultValue>,
    /// The default where a template in `default` renders to nothing or breaks a rule.
    pub otherwise: Option<DefaultValue>,
    /// A Liquid template for the reason of the default, which sees it as [`BECAUSE`].
    pub because: Option<String>,
    /// What a text (or each text of a list) must look like.
    pub pattern: Option<Pattern>,
    /// Longest text, or longest text of a list, in characters.
    pub max_length: usize,
    /// A Liquid condition: where it does not hold the question is not asked.
    pub when: Option<String>,
    /// Items of a list that are not among its choices yet, and why not, as half a sentence each.
    pub withheld: Vec<(String, String)>,
}

/// The type of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerType {
    /// Text, line breaks included.
    String,
    Bool,
    /// A whole number of 64 bits.
    Integer {
        /// The smallest one taken.
        min: Option<i64>,
        /// The largest one taken.
        max: Option<i64>,
    },
    /// One of several texts.
    Choice {
        /// At least one.
        choices: Vec<String>,
    },
    /// Any number of texts.
    List {
        /// What an item may be; anything when empty.
        choices: Vec<String>,
        /// How many items there must be.
        min: usize,
    },
}

impl AnswerType {
    /// The words for the types, as a manifest writes them.
    pub const WORDS: [&'static str; 5] = ["string", "bool", "integer", "choice", "list"];

    pub const fn word(&self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bool => "bool",
            Self::Integer { .. } => "integer",
            Self::Choice { .. } => "choice",
            Self::List { .. } => "list",
        }
    }
}

/// A template's own answer.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// A Liquid template over the name, the spec and the answers before it.
    Text(String),
    /// A value that keeps the question's rules as it is.
    Value(Value),
}

/// What a text must look like: a regular expression that must match the whole of it, in linear time. It means what it
/// means in a JSON Schema (ECMA-262 with the flag `u`: `\d` and `\w` are ASCII), so that an editor that has the schema
/// of the questions takes the same answers; look-around and back-references are refused.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// The rule in words, shown instead of the expression.
    pub hint: Option<String>,
}

impl Pattern {
    /// Compiles `text`; the error is what the `regex` crate says about it.
    pub fn new(text: impl Into<String>, hint: Option<String>) -> Result<Self, regex::Error> {
        let text = text.into();
        // Alone first: `a)(b` would be an expression only between the parentheses added below.
        regex_syntax::parse(&text).map_err(|error| regex::Error::Syntax(error.to_string()))?;
        let meant = jsonschema_regex::to_rust_regex(&text).unwrap_or_else(|()| text.as_str().into());
        let regex = Regex::new(&format!(r"\A(?:{meant})\z"))?;
        Ok(Self { text, regex, hint })
    }

    /// The expression as the template wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn check(&self, text: &str) -> Result<(), String> {
        if self.regex.is_match(text) {
            return Ok(());
        }
        Err(match &self.hint {
            Some(hint) => format!("must be {hint}"),
            None => format!("must match `{}`", self.text),
        })
    }
}

impl Question {
    /// A question without a default and without further rules, which is always asked.
    pub fn new(name: impl Into<String>, kind: AnswerType, prompt: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            prompt: prompt.into(),
            help: None,
            default: None,
            otherwise: None,
            because: None,
            pattern: None,
            max_length: MAX_LENGTH,
            when: None,
            withheld: Vec::new(),
        }
    }

    /// Checks a typed value, as an answers file holds it. Gives the value to keep: `\r\n` in texts becomes `\n`, and
    /// `3.0` becomes `3` where a whole number is asked for. The error is the rule broken, as half a sentence.
    pub fn check(&self, value: &Value) -> Result<Value, String> {
        match (&self.kind, value) {
            (_, Value::Null) => Err("has no value".to_owned()),
            (AnswerType::String, Value::String(text)) => self.check_text(text).map(Value::String),
            (AnswerType::Bool, Value::Bool(_)) => Ok(value.clone()),
            (AnswerType::Integer { .. }, Value::Number(number)) => self.check_integer(whole(number)?),
            (AnswerType::Choice { choices }, Value::String(text)) => {
                among(text, choices)?;
                Ok(value.clone())
            }
            (AnswerType::List { min, .. }, Value::Array(items)) if items.len() < *min => {
                Err(format!("must hold at least {min} of them"))
            }
            (AnswerType::List { choices, .. }, Value::Array(items)) => {
                items.iter().map(|item| self.check_item(choices, item)).collect::<Result<_, _>>().map(Value::Array)
            }
            _ => Err(format!("must be {}, not {}", self.wanted(), type_of(value))),
        }
    }

    /// Reads an answer typed as text, in `--set`, in the environment or at a prompt, and checks it: `true`, `false`,
    /// `yes` and `no` for a bool; a list as a JSON array or separated by commas, empty items left out.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        match &self.kind {
            AnswerType::String | AnswerType::Choice { .. } => self.check(&Value::String(text.to_owned())),
            AnswerType::Bool => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" => Ok(Value::Bool(true)),
                "false" | "no" => Ok(Value::Bool(false)),
                _ => Err("must be `true` or `false`".to_owned()),
            },
            AnswerType::Integer { .. } => {
                let number = text.trim().parse().map_err(|_| "must be a whole number".to_owned())?;
                self.check_integer(number)
            }
            AnswerType::List { .. } => self.check(&Value::Array(items(text)?)),
        }
    }

    /// Removes `choice` from a list's choices and defaults. An answer with it is refused with the `reason`.
    pub fn withhold(&mut self, choice: &str, reason: String) {
        if let AnswerType::List { choices, .. } = &mut self.kind {
            choices.retain(|other| other != choice);
        }
        let default = match &mut self.default {
            Some(DefaultValue::Value(value)) => Some(value),
            _ => match &mut self.otherwise {
                Some(DefaultValue::Value(value)) => Some(value),
                _ => None,
            },
        };
        if let Some(Value::Array(items)) = default {
            items.retain(|item| item != choice);
        }
        self.withheld.push((choice.to_owned(), reason));
    }

    fn check_item(&self, choices: &[String], item: &Value) -> Result<Value, String> {
        let Value::String(text) = item else {
            return Err(format!("must be a list of texts, and one item is {}", type_of(item)));
        };
        let text = self.check_text(text)?;
        if let Some((_, reason)) = self.withheld.iter().find(|(choice, _)| *choice == text) {
            return Err(reason.clone());
        }
        if !choices.is_empty() {
            among(&text, choices)?;
        }
        Ok(Value::String(text))
    }

    fn check_text(&self, text: &str) -> Result<String, String> {
        let text = text.replace("\r\n", "\n");
        if let Some(c) = text.chars().find(|c| !storable(*c)) {
            return Err(format!("must not hold the character U+{:04X}", u32::from(c)));
        }
        let length = text.chars().count();
        if length > self.max_length {
            return Err(format!("must be at most {} characters long, not {length}", self.max_length));
        }
        if let Some(pattern) = &self.pattern {
            pattern.check(&text)?;
        }
        Ok(text)
    }

    fn check_integer(&self, number: i64) -> Result<Value, String> {
        let AnswerType::Integer { min, max } = self.kind else { return Ok(number.into()) };
        if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
            return Err(match (min, max) {
                (Some(min), Some(max)) => format!("must be between {min} and {max}"),
                (Some(min), None) => format!("must be at least {min}"),
                (_, max) => format!("must be at most {}", max.unwrap_or(i64::MAX)),
            });
        }
        Ok(number.into())
    }

    const fn wanted(&self) -> &'static str {
        match self.kind {
            AnswerType::String => "text in quotes",
            AnswerType::Bool => "`true` or `false`",
            AnswerType::Integer { .. } => "a whole number",
            AnswerType::Choice { .. } => "one of its choices",
            AnswerType::List { .. } => "a list",
        }
    }
}

/// Whether `c` may stand in an answer: line breaks and tabs, but no other control character and no non-character
/// that XML 1.0, YAML or TOML files cannot hold.
pub fn storable(c: char) -> bool {
    c == '\n' || c == '\t' || !(c.is_control() || c == '\u{fffe}' || c == '\u{ffff}')
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn whole(number: &serde_json::Number) -> Result<i64, String> {
    let exact = |float: &f64| float.fract() == 0.0 && float.abs() <= EXACT_FLOAT;
    #[expect(clippy::cast_possible_truncation, reason = "`exact` holds only for whole numbers that fit")]
    let from_float = || number.as_f64().filter(exact).map(|float| float as i64);
    match number.as_i64() {
        Some(number) => Ok(number),
        None if number.is_f64() => from_float().ok_or_else(|| "must be a whole number".to_owned()),
        None => Err(format!("must be at most {}", i64::MAX)),
    }
}

fn among(text: &str, choices: &[String]) -> Result<(), String> {
    if choices.iter().any(|choice| choice == text) {
        return Ok(());
    }
    let shown: Vec<String> = choices.iter().take(CHOICES_SHOWN).map(|choice| format!("`{choice}`")).collect();
    let more = choices.len().saturating_sub(CHOICES_SHOWN);
    let more = if more > 0 { format!(" or {more} others") } else { String::new() };
    let meant = nearest(text, choices.iter().map(String::as_str));
    let meant = meant.map(|choice| format!("; did you mean `{choice}`?")).unwrap_or_default();
    Err(format!("must be one of {}{more}{meant}", shown.join(", ")))
}

/// The items of a list typed as text.
fn items(text: &str) -> Result<Vec<Value>, String> {
    if text.trim_start().starts_with('[') {
        let error = |_| "begins with `[` and is not a JSON array of texts, such as `[\"a\", \"b\"]`".to_owned();
        return serde_json::from_str(text).map_err(error);
    }
    Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
    use serde_json::json;

    use super::{AnswerType, DefaultValue, MAX_LENGTH, Pattern, Question};

    fn question(kind: AnswerType) -> Question {
        Question::new("q", kind, "Q")
    }

    #[test]
    fn what_is_withheld_is_in_no_default() {
        let list = || question(AnswerType::List { choices: vec!["a".to_owned(), "b".to_owned()], min: 0 });
        let plain = Some(DefaultValue::Value(json!(["a", "b"])));
        let built = Some(DefaultValue::Text("{{ x }}".to_owned()));
        let mut questions = [
            Question { default: plain, ..list() },
            Question { default: built, otherwise: Some(DefaultValue::Value(json!(["a", "b"]))), ..list() },
        ];
        questions.iter_mut().for_each(|question| question.withhold("b", "not yet".to_owned()));
        let [first, second] = questions;
        assert!(matches!(first.default, Some(DefaultValue::Value(value)) if value == json!(["a"])));
        assert_eq!(second.otherwise, Some(DefaultValue::Value(json!(["a"]))));
        assert_eq!(second.check(&json!(["b"])), Err("not yet".to_owned()));
    }

    fn choices(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_text_keeps_line_breaks_and_loses_carriage_returns() {
        let text = question(AnswerType::String);
        assert_eq!(text.check(&json!("a\r\nb\tc")), Ok(json!("a\nb\tc")));
        for bad in ["\0", "a\rb", "\u{1b}[31m", "\u{85}", "\u{fffe}", "\u{ffff}"] {
            assert!(text.check(&json!(bad)).is_err(), "{bad:?}");
        }
        assert!(text.check(&json!("]]> {{ ${{ 'é' \u{202e} 🦀")).is_ok());
    }

    #[test]
    fn a_text_is_limited_in_characters_not_bytes() {
        let short = Question { max_length: 3, ..question(AnswerType::String) };
        assert!(short.parse("ééé").is_ok());
        assert_eq!(short.parse("abcd"), Err("must be at most 3 characters long, not 4".to_owned()));
        assert!(question(AnswerType::String).parse(&"x".repeat(MAX_LENGTH + 1)).is_err());
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let pattern = Pattern::new("a|ab", None).expect("good");
        let text = Question { pattern: Some(pattern), ..question(AnswerType::String) };
        assert!(text.parse("ab").is_ok());
        assert_eq!(text.parse("xab"), Err("must match `a|ab`".to_owned()));
        assert!(text.parse("a\n").is_err());
        let hint = Some("3 to 60 characters".to_owned());
        let text = Question { pattern: Pattern::new("^.{3,60}$", hint).ok(), ..question(AnswerType::String) };
        assert_eq!(text.parse("ab"), Err("must be 3 to 60 characters".to_owned()));
        assert!(Pattern::new("a)(b", None).is_err());
        assert!(Pattern::new("(", None).is_err());
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_both_types() {
        let refusal = |kind, value| question(kind).check(&value).expect_err("refused");
        assert_eq!(refusal(AnswerType::String, json!(1.5)), "must be text in quotes, not a number");
        assert_eq!(refusal(AnswerType::Bool, json!("yes")), "must be `true` or `false`, not text");
        assert_eq!(
            refusal(AnswerType::Integer { min: None, max: None }, json!("8")),
            "must be a whole number, not text"
        );
        assert_eq!(refusal(AnswerType::List { choices: vec![], min: 0 }, json!("a")), "must be a list, not text");
        assert_eq!(refusal(AnswerType::String, json!(null)), "has no value");
    }

    #[test]
    fn bools_are_typed_in_four_ways() {
        let yes = question(AnswerType::Bool);
        for (text, value) in [("true", true), (" Yes ", true), ("no", false), ("FALSE", false)] {
            assert_eq!(yes.parse(text), Ok(json!(value)));
        }
        for bad in ["", "1", "on", "y"] {
            assert!(yes.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn integers_are_whole_and_within_their_limits() {
        let port = question(AnswerType::Integer { min: Some(1), max: Some(65_535) });
        assert_eq!(port.parse(" 443 "), Ok(json!(443)));
        assert_eq!(port.check(&json!(443.0)), Ok(json!(443)));
        assert_eq!(port.parse("0"), Err("must be between 1 and 65535".to_owned()));
        for bad in [json!(1.5), json!(u64::MAX), json!(1e300)] {
            assert!(port.check(&bad).is_err(), "{bad}");
        }
        assert!(port.parse("four").is_err());
    }

    #[test]
    fn a_wrong_choice_comes_with_the_choices_and_the_nearest() {
        let style = question(AnswerType::Choice { choices: choices(&["apigee", "proxygen"]) });
        assert_eq!(style.parse("apigee"), Ok(json!("apigee")));
        assert_eq!(style.parse("apige"), Err("must be one of `apigee`, `proxygen`; did you mean `apigee`?".to_owned()));
    }

    #[test]
    fn a_list_is_typed_with_commas_or_as_json() {
        let list = question(AnswerType::List { choices: vec![], min: 0 });
        assert_eq!(list.parse(" a, b c ,,"), Ok(json!(["a", "b c"])));
        assert_eq!(list.parse(r#" ["a,b", "c"]"#), Ok(json!(["a,b", "c"])));
        assert_eq!(list.parse(""), Ok(json!([])));
        assert!(list.parse("[a]").is_err());
        assert!(list.parse("[1]").is_err());
        let some = question(AnswerType::List { choices: choices(&["a", "b"]), min: 0 });
        assert!(some.parse("a,c").is_err());
    }

    fn kinds() -> impl Strategy<Value = AnswerType> {
        prop_oneof![
            Just(AnswerType::String),
            Just(AnswerType::Bool),
            any::<(Option<i64>, Option<i64>)>().prop_map(|(min, max)| AnswerType::Integer { min, max }),
            Just(AnswerType::Choice { choices: choices(&["a", "b"]) }),
            Just(AnswerType::List { choices: vec![], min: 0 }),
            Just(AnswerType::List { choices: choices(&["a", "b"]), min: 0 }),
        ]
    }

    proptest! {
        #[test]
        fn what_parses_passes_the_check_unchanged(
            kind in kinds(),
            text in prop_oneof![any::<String>(), "[ab,]{0,5}", "-?[0-9]{1,20}", "true|no", r#"\["a"(,"b")?\]"#],
        ) {
            let question = question(kind);
            if let Ok(value) = question.parse(&text) {
                prop_assert_eq!(question.check(&value), Ok(value.clone()));
            }
        }
    }
}
