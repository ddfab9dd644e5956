//! The `[[question]]` tables of a manifest.

use serde_json::Value;

use super::ManifestError;
use super::table::Table;
use crate::error::did_you_mean;
use crate::model::question::{AnswerType, BECAUSE, DefaultValue, MAX_LENGTH, Pattern, Question};
use crate::template::scan::has_tags;
use crate::template::values::WORDS;

const KEYS: [&str; 14] = [
    "name",
    "type",
    "prompt",
    "help",
    "default",
    "otherwise",
    "because",
    "pattern",
    "pattern_hint",
    "choices",
    "min",
    "max",
    "max_length",
    "when",
];

/// Names that a template sees anyway, or that mean something in Liquid.
const RESERVED: [&str; 8] = ["api", "spec", "template", "name", "phases", "gates", "forloop", BECAUSE];

/// Reads the question in `table`. `value` gives the value of a key of it.
pub(super) fn read(table: &Table<'_>, value: impl Fn(&str) -> Option<Value>) -> Result<Question, ManifestError> {
    table.only(&KEYS)?;
    let name = name(table)?;
    let prompt = table.text("prompt")?.unwrap_or_else(|| name.clone());
    let mut question = Question {
        help: table.text("help")?,
        pattern: pattern(table)?,
        max_length: max_length(table)?,
        when: table.text("when")?,
        ..Question::new(name, kind(table)?, prompt)
    };
    if let Some(value) = value("default") {
        question.default = Some(default_of(&question, "default", "the default", value, table)?);
    }
    let has_tags = matches!(question.default, Some(DefaultValue::Text(_)));
    if let Some(value) = value("otherwise") {
        if !has_tags {
            let sentence = "`otherwise` needs a `default` with tags, in whose place it is taken";
            return Err(table.error(table.at("otherwise"), sentence));
        }
        question.otherwise = Some(default_of(&question, "otherwise", "`otherwise`", value, table)?);
    }
    question.because = table.text(BECAUSE)?;
    if question.because.is_some() && !has_tags {
        return Err(table.error(table.at(BECAUSE), "`because` needs a `default` with tags, which sees it"));
    }
    Ok(question)
}

fn name(table: &Table<'_>) -> Result<String, ManifestError> {
    let name = table.required("name")?;
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(letters) {
        let sentence = format!("`{}` cannot be a question's name", name.escape_debug());
        let hint = "use lower-case letters, digits and underscores, beginning with a letter";
        return Err(table.error(table.at("name"), sentence).with_hint(hint));
    }
    if RESERVED.contains(&name.as_str()) {
        let sentence = format!("`{name}` cannot be a question's name: it means something else in a template");
        return Err(table.error(table.at("name"), sentence).with_hint(format!("`{name}_text` would do")));
    }
    if let Some(word) = WORDS.iter().find(|word| name.starts_with(*word)) {
        let sentence = format!("`{name}` cannot be a question's name: Liquid reads `{word}` at its beginning");
        return Err(table.error(table.at("name"), sentence).with_hint(format!("`is_{name}` would do")));
    }
    Ok(name)
}

fn kind(table: &Table<'_>) -> Result<AnswerType, ManifestError> {
    let word = table.required("type")?;
    let kind = match word.as_str() {
        "string" => AnswerType::String,
        "bool" => AnswerType::Bool,
        "integer" => integer(table)?,
        "choice" => AnswerType::Choice { choices: choices(table)?.unwrap_or_default() },
        "list" => AnswerType::List { choices: choices(table)?.unwrap_or_default(), min: fewest(table)? },
        _ => return Err(unknown_type(table, &word)),
    };
    if matches!(&kind, AnswerType::Choice { choices } if choices.is_empty()) {
        return Err(table.error(table.start, "a question of type `choice` needs a key `choices`"));
    }
    let useless: &[&str] = match kind {
        AnswerType::String => &["choices", "min", "max"],
        AnswerType::Bool => &["choices", "min", "max", "pattern", "pattern_hint", "max_length"],
        AnswerType::Integer { .. } => &["choices", "pattern", "pattern_hint", "max_length"],
        AnswerType::Choice { .. } => &["min", "max", "pattern", "pattern_hint", "max_length"],
        AnswerType::List { .. } => &["max"],
    };
    match useless.iter().find(|key| table.has(key)) {
        Some(key) => Err(table.error(table.at(key), format!("`{key}` means nothing for a question of type `{word}`"))),
        None => Ok(kind),
    }
}

fn unknown_type(table: &Table<'_>, word: &str) -> ManifestError {
    let error = table.error(table.at("type"), format!("there is no type `{}`", word.escape_debug()));
    error.with_hint(did_you_mean(
        word,
        AnswerType::WORDS,
        format!("the types are `{}`", AnswerType::WORDS.join("`, `")),
    ))
}

fn integer(table: &Table<'_>) -> Result<AnswerType, ManifestError> {
    let (min, max) = (table.integer("min")?, table.integer("max")?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(table.error(table.at("max"), "`max` is less than `min`"));
    }
    Ok(AnswerType::Integer { min, max })
}

fn fewest(table: &Table<'_>) -> Result<usize, ManifestError> {
    let min = table.integer("min")?.unwrap_or(0);
    usize::try_from(min).map_err(|_| table.error(table.at("min"), "`min` must not be negative"))
}

fn choices(table: &Table<'_>) -> Result<Option<Vec<String>>, ManifestError> {
    let Some(choices) = table.texts("choices")? else { return Ok(None) };
    let wrong = |sentence: String| Err(table.error(table.at("choices"), sentence));
    if choices.is_empty() {
        return wrong("`choices` must not be empty".to_owned());
    }
    let twice = choices.iter().enumerate().find(|(at, choice)| choices[..*at].contains(choice));
    match twice {
        Some((_, choice)) => wrong(format!("`choices` holds `{}` twice", choice.escape_debug())),
        None => Ok(Some(choices)),
    }
}

fn pattern(table: &Table<'_>) -> Result<Option<Pattern>, ManifestError> {
    let hint = table.text("pattern_hint")?;
    let Some(text) = table.text("pattern")? else {
        return match hint {
            Some(_) => Err(table.error(table.at("pattern_hint"), "`pattern_hint` needs a `pattern`")),
            None => Ok(None),
        };
    };
    Pattern::new(text, hint).map(Some).map_err(|error| {
        let sentence = "`pattern` is not a regular expression that can be used";
        table.error(table.at("pattern"), sentence).with_hint(error.to_string())
    })
}

fn max_length(table: &Table<'_>) -> Result<usize, ManifestError> {
    let Some(length) = table.integer("max_length")? else { return Ok(MAX_LENGTH) };
    let good = usize::try_from(length).ok().filter(|length| *length > 0);
    good.ok_or_else(|| table.error(table.at("max_length"), "`max_length` must be at least 1"))
}

/// The default under `key`. One with tags is rendered when the earlier answers are known; any other is checked now.
fn default_of(
    question: &Question,
    key: &str,
    what: &str,
    value: Value,
    table: &Table<'_>,
) -> Result<DefaultValue, ManifestError> {
    match value {
        Value::String(text) if has_tags(&text) => Ok(DefaultValue::Text(text)),
        value => question
            .check(&value)
            .map(DefaultValue::Value)
            .map_err(|rule| table.error(table.at(key), format!("{what} of `{}` {rule}", question.name))),
    }
}
