//! From the bytes of a JSON or YAML file to a value, or to an error with line and column.

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::DeserializeSeed as _;
use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error as YamlError, Location, MessageFormatter as _, Options, UserMessageFormatter};

use super::value::{TOO_MANY, TWICE, ValueSeed};
use crate::model::text::position;

/// Most values a document may have, with aliases written out: every list, object and scalar counts for one, and every
/// whole 64 bytes of a text or key for one more. GitHub's spec (3.7 MB) has 100,000.
pub const MAX_VALUES: usize = 1_000_000;

/// Deepest nesting of lists and objects in YAML (specs in the wild: 25). The YAML reader takes up to 20 KB of stack
/// a level, and a thread has 2 MB. `serde_json` refuses JSON deeper than 127 by itself.
const MAX_DEPTH: usize = 64;

const TOO_DEEP: &str = "the nesting is too deep";

/// Why bytes are not a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", place(*line, *column))]
pub struct ParseError {
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// What is wrong: half a sentence, lower case, without a full stop. It holds no text of the file, which may be a
    /// secret that was named by mistake.
    pub message: String,
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    }
}

/// Reads a document: JSON when its first character is `{` or `[` and it can be read so, otherwise YAML 1.2.
///
/// Keys keep their order and become text as it is written (`200:` is `"200"`). In YAML only `true` and `false` are
/// truth values, dates stay text, `<<` is merged, and a number with leading zeros or underscores stays text.
/// An integer that fits neither `i64` nor `u64` becomes the nearest float, and a float that fits no `f64` the text
/// `.inf`, `-.inf` or `.nan`. Bytes without a value (nothing, or only comments) are `null`.
///
/// # Errors
/// What is not UTF-8 text, a key that is there twice, more than one document, nesting deeper than 64 (YAML) or
/// 127 (JSON), more than [`MAX_VALUES`] values, and whatever is not the notation.
pub fn parse(bytes: &[u8]) -> Result<Value, ParseError> {
    let text = text(bytes)?;
    let left = Cell::new(MAX_VALUES);
    if is_json(text) { parse_flow(text, &left) } else { parse_yaml(text, &left) }
}

/// Reads text that begins like JSON: YAML can begin so too. When it is neither, the error is JSON's.
pub(super) fn parse_flow(text: &str, left: &Cell<usize>) -> Result<Value, ParseError> {
    let before = left.get();
    parse_json(text, left).or_else(|error| {
        left.set(before);
        parse_yaml(text, left).map_err(|_| error)
    })
}

/// The text of a file without its byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, ParseError> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let message = "the text is UTF-16, and only UTF-8 can be read".to_owned();
        return Err(ParseError { line: None, column: None, message });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = position(bytes, error.valid_up_to());
        ParseError { line: Some(line), column: Some(column), message: "the text is not UTF-8".to_owned() }
    })?;
    match text.find('\0') {
        Some(at) => {
            let (line, _) = position(text, at);
            Err(ParseError {
                line: Some(line),
                column: None,
                message: "it holds a NUL byte and is not text".to_owned(),
            })
        }
        None => Ok(text),
    }
}

/// Whether a text is to be read as JSON: its first character that is not white space says so.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Reads JSON; `left` is how many more values may be read, and is lowered by those read.
pub(super) fn parse_json(text: &str, left: &Cell<usize>) -> Result<Value, ParseError> {
    let before = left.get();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = ValueSeed { left }.deserialize(&mut deserializer);
    value.and_then(|value| deserializer.end().map(|()| value)).or_else(|error| {
        let words = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = match words.strip_suffix(&place).unwrap_or(&words) {
            // A number that fits no float, such as 1e400: JSON is YAML, where it can become text.
            "number out of range" => {
                left.set(before);
                return parse_yaml(text, left);
            }
            "recursion limit exceeded" => TOO_DEEP,
            TOO_MANY => TOO_MANY,
            TWICE => TWICE,
            // Such an error may quote a value; of others the words are the reader's own.
            _ if error.is_data() => "a value or a key is not what JSON allows here",
            message => message,
        };
        let number = |number: usize| (error.line() > 0).then_some(number);
        Err(ParseError { line: number(error.line()), column: number(error.column()), message: tidy(message) })
    })
}

/// Reads YAML; `left` as for [`parse_json`].
pub(super) fn parse_yaml(text: &str, left: &Cell<usize>) -> Result<Value, ParseError> {
    serde_saphyr::with_deserializer_from_str_with_options(text, yaml_options(), |deserializer| {
        ValueSeed { left }.deserialize(deserializer)
    })
    .map_err(|error| yaml_error(&error))
}

/// The counts are the same as for JSON; what guards against bombs is the number of values, written out.
pub(super) fn yaml_options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: 2 * MAX_VALUES,
            max_events: 4 * MAX_VALUES,
            max_recorded_anchor_events: MAX_VALUES,
            max_depth: MAX_DEPTH,
            enforce_alias_anchor_ratio: false,
        },
        emit_comments: false,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn yaml_error(error: &YamlError) -> ParseError {
    let message: Cow<'_, str> = match error {
        YamlError::DuplicateMappingKey { .. } => TWICE.into(),
        YamlError::MultipleDocuments { .. } => "a second document begins, and a file may hold only one".into(),
        YamlError::Budget { breach: BudgetBreach::Depth { .. }, .. } => TOO_DEEP.into(),
        YamlError::Budget { breach: BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. }, .. } => TOO_MANY.into(),
        YamlError::Budget { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => {
            "its anchors, aliases and `<<` expand to more than can be read".into()
        }
        YamlError::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias is inside the value that it stands for".into()
        }
        YamlError::UnknownAnchor { .. } => "an alias names an anchor that does not exist".into(),
        YamlError::AliasError { error, .. } => yaml_error(error).message.into(),
        other => match UserMessageFormatter.format_message(other) {
            message if message == "recursion limit exceeded" => TOO_DEEP.into(),
            // What stands in quotes may be from the file.
            message if message.contains(['`', '\'', '"']) => "this is not YAML".into(),
            message => message,
        },
    };
    let location = error.location().filter(|location| *location != Location::UNKNOWN);
    let number = |read: fn(&Location) -> u64| location.as_ref().and_then(|place| usize::try_from(read(place)).ok());
    ParseError { line: number(Location::line), column: number(Location::column), message: tidy(&message) }
}

/// Control characters escaped, so that a message cannot steer a terminal, and no full stop.
fn tidy(message: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    message.trim_end_matches('.').chars().map(escape).collect()
}

#[cfg(test)]
mod tests;
