//! Everything that is missing or wrong, in one error.

use std::fmt;

use serde_json::Value;

use super::Origin;
use crate::error::{Blame, Fault};

/// How much of a value a message shows, in characters.
const SHOWN: usize = 40;
/// How much of a line that a template wrote a message shows, in characters.
const LINE_SHOWN: usize = 300;

/// One answer that is missing or wrong. Values are as `display` gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerProblem {
    /// A key that is not a question.
    Unknown {
        origin: Origin,
        key: String,
        /// The nearest question.
        meant: Option<String>,
    },
    /// A file of which no key is a question. Its keys are not repeated: it may be named by mistake and hold secrets.
    Foreign { origin: Origin, keys: usize },
    /// An answer that breaks a rule.
    Wrong { origin: Origin, key: String, value: String, rule: String },
    /// No layer has an answer.
    Missing { key: String, prompt: String },
    /// A default built from other answers breaks a rule: the answer must be given.
    Unfit {
        key: String,
        /// What the default came to.
        value: String,
        rule: String,
    },
    /// A default that can never keep its question's rule.
    Template { key: String, value: String, rule: String },
}

impl fmt::Display for AnswerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { origin, key, meant } => {
                write!(f, "{}: there is no such question", AnswerLocation(origin, key, None))?;
                meant.as_ref().map_or(Ok(()), |meant| write!(f, "; did you mean `{meant}`?"))
            }
            Self::Foreign { origin, keys } => {
                let number = if *keys == 1 { "its key is".to_owned() } else { format!("none of its {keys} keys is") };
                let no = if *keys == 1 { "not a question" } else { "a question" };
                write!(f, "{origin}: {number} {no} of the template: is this the right file?")
            }
            Self::Wrong { origin, key, value, rule } => {
                write!(f, "{}: {rule}", AnswerLocation(origin, key, Some(value)))?;
                if *origin == Origin::Spec { write!(f, "; give `--set {key}=…`") } else { Ok(()) }
            }
            Self::Missing { key, prompt } if key == prompt => write!(f, "`{key}` is missing: give `--set {key}=…`"),
            Self::Missing { key, prompt } => write!(f, "`{key}` is missing ({prompt}): give `--set {key}=…`"),
            Self::Unfit { key, value, rule } => {
                write!(f, "the default of `{key}` would be `{value}`: {rule}; give `--set {key}=…`")
            }
            Self::Template { key, value, rule } => {
                write!(f, "the template's default for `{key}` is `{value}`: {rule}")
            }
        }
    }
}

/// A key, the layer it stands in and its value, as that layer writes them.
struct AnswerLocation<'p>(&'p Origin, &'p str, Option<&'p String>);

impl fmt::Display for AnswerLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(origin, key, value) = self;
        match (origin, value) {
            (Origin::Set, value) => write!(f, "`--set {key}={}`", value.map_or("…", String::as_str)),
            (Origin::Environment(variable), Some(value)) => write!(f, "variable `{variable}={value}`"),
            (Origin::Spec, Some(value)) => write!(f, "{origin}: `{key}` is `{value}`"),
            // The file may be named by mistake and hold secrets: its values are not repeated.
            (_, _) => write!(f, "{origin}: `{key}`"),
        }
    }
}

/// At least one thing that is missing or wrong, in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct AnswersError(pub Vec<AnswerProblem>);

fn list(problems: &[AnswerProblem]) -> String {
    match problems {
        [only] => only.to_string(),
        _ => {
            let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
            format!("{} answers are missing or wrong{}", problems.len(), lines.concat())
        }
    }
}

impl Blame for AnswersError {
    /// The template is at fault only when the user can fix nothing.
    fn fault(&self) -> Fault {
        let template = |problem: &AnswerProblem| matches!(problem, AnswerProblem::Template { .. });
        if self.0.iter().all(template) { Fault::Template } else { Fault::Input }
    }

    fn hint(&self) -> Option<String> {
        let absent =
            |problem: &&AnswerProblem| matches!(problem, AnswerProblem::Missing { .. } | AnswerProblem::Unfit { .. });
        match self.0.iter().filter(absent).count() {
            _ if self.fault() == Fault::Template => Some("the template's maintainers must fix this".to_owned()),
            0 | 1 => Some(QUESTIONS.to_owned()),
            _ => Some("`--answers FILE` gives many answers at once, as TOML, YAML or JSON".to_owned()),
        }
    }
}

const QUESTIONS: &str = "`apiscaffold template questions` lists what a template asks";

/// A value in a message: a text unchanged, anything else as JSON; without control characters, and cut after 40.
pub(super) fn display(value: &Value) -> String {
    match value {
        Value::String(text) => display_text(text),
        other => display_text(&other.to_string()),
    }
}

pub(super) fn display_text(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// What a template says, as one line that a terminal does not act on.
pub(super) fn display_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LINE_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AnswerProblem, AnswersError, display};
    use crate::error::{Blame as _, Fault};

    #[test]
    fn a_long_value_is_cut_and_a_terminal_sees_no_escapes() {
        assert_eq!(display(&json!("é".repeat(40))), "é".repeat(40));
        assert_eq!(display(&json!("é".repeat(41))), format!("{}…", "é".repeat(40)));
        assert_eq!(display(&json!("a\u{1b}[31m\n\u{202e}\"\\")), "a\\u{1b}[31m\\n\\u{202e}\"\\");
        assert_eq!(display(&json!([1, "x"])), "[1,\"x\"]");
    }

    #[test]
    fn the_template_is_blamed_only_when_nobody_else_can_help() {
        let text = String::new;
        let template = AnswerProblem::Template { key: text(), value: text(), rule: text() };
        let missing = AnswerProblem::Missing { key: text(), prompt: text() };
        assert_eq!(AnswersError(vec![template.clone()]).fault(), Fault::Template);
        assert_eq!(AnswersError(vec![template, missing]).fault(), Fault::Input);
    }
}
