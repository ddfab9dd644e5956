//! A question at the terminal. What is typed is checked while it can still be corrected.

use inquire::validator::Validation;
use inquire::{Confirm, InquireError, MultiSelect, Password, PasswordDisplayMode, Select, Text};
use serde_json::Value;

use crate::error::{Blame, Fault};
use crate::model::question::{Kind, Question, storable};
use crate::model::text::one_line;
use crate::model::token::Token;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Ctrl-C or Esc.
    #[error("stopped at question `{name}`; nothing was made")]
    Interrupted {
        /// The question.
        name: String,
    },
    /// The terminal does not do what it should.
    #[error("cannot ask question `{name}` at this terminal")]
    Terminal {
        /// The question.
        name: String,
        /// What `inquire` says.
        source: InquireError,
    },
}

impl Blame for AskError {
    fn fault(&self) -> Fault {
        match self {
            Self::Interrupted { .. } => Fault::Interrupted,
            Self::Terminal { .. } => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Interrupted { .. } => None,
            Self::Terminal { name, .. } => Some(format!("give the answer with `--set {name}=…`")),
        }
    }
}

/// Asks `question` on stderr until the answer keeps its rules. Enter takes what is `proposed`.
pub fn ask(question: &Question, proposed: Option<&Value>) -> Result<Value, AskError> {
    let answer = match &question.kind {
        Kind::String | Kind::Integer { .. } => typed(question, proposed),
        Kind::Bool => flag(question, proposed),
        Kind::Choice { choices } => choice(question, choices, proposed),
        Kind::List { choices, .. } if choices.is_empty() => typed(question, proposed),
        Kind::List { choices, .. } => several(question, choices, proposed),
    };
    let name = question.name.clone();
    answer.map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => AskError::Interrupted { name },
        source => AskError::Terminal { name, source },
    })
}

/// Asks whether to do something that cannot be undone; Enter alone says no.
pub fn confirm(prompt: &str) -> Result<bool, AskError> {
    let answer = Confirm::new(&one_line(prompt)).with_default(false).prompt();
    answer.map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            AskError::Interrupted { name: prompt.to_owned() }
        }
        source => AskError::Terminal { name: prompt.to_owned(), source },
    })
}

/// Asks for the value of a secret; nothing that is typed is shown. None when it is left out for now.
pub fn secret(name: &str, purpose: &str) -> Result<Option<Token>, AskError> {
    let mut prompt = Password::new(name).without_confirmation().with_display_mode(PasswordDisplayMode::Hidden);
    let help = match purpose {
        "" => "Enter alone leaves it out for now".to_owned(),
        purpose => format!("{purpose}; Enter alone leaves it out for now"),
    };
    prompt = prompt.with_help_message(&help);
    match prompt.prompt() {
        Ok(value) => Ok((!value.is_empty()).then(|| Token::new(value))),
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => {
            Err(AskError::Interrupted { name: name.to_owned() })
        }
        Err(source) => Err(AskError::Terminal { name: name.to_owned(), source }),
    }
}

fn typed(question: &Question, proposed: Option<&Value>) -> Result<Value, InquireError> {
    // A spec's text may hold escape sequences that a terminal would obey. It could not be an answer, so it is not shown.
    let proposed = proposed.filter(|value| line(value).chars().all(storable));
    let line = proposed.map(line);
    // A text of several lines cannot be edited in one: it is named, and an empty line takes it.
    let whole = proposed.filter(|_| line.as_ref().is_some_and(|line| line.contains('\n')));
    let lines = line.as_ref().map_or(0, |line| line.lines().count());
    let placeholder = format!("Enter takes the {lines} lines proposed");
    let list = if matches!(question.kind, Kind::List { .. }) { "separated by commas" } else { "" };
    let help = question.help.as_deref().unwrap_or(list);
    let mut prompt = Text::new(&question.prompt);
    if !help.is_empty() {
        prompt = prompt.with_help_message(help);
    }
    match (&line, whole) {
        (_, Some(_)) => prompt = prompt.with_placeholder(&placeholder),
        (Some(line), None) => prompt = prompt.with_initial_value(line),
        (None, None) => {}
    }
    let read = Reading { question: question.clone(), whole: whole.cloned() };
    let checked = read.clone();
    let validator = move |text: &str| {
        Ok(checked.parse(text).map_or_else(|rule| Validation::Invalid(rule.into()), |_| Validation::Valid))
    };
    let text = prompt.with_validator(validator).prompt()?;
    read.parse(&text).map_err(InquireError::InvalidConfiguration)
}

/// How a line that was typed is read.
#[derive(Clone)]
struct Reading {
    question: Question,
    /// What an empty line stands for.
    whole: Option<Value>,
}

impl Reading {
    fn parse(&self, text: &str) -> Result<Value, String> {
        match &self.whole {
            Some(whole) if text.is_empty() => self.question.check(whole),
            _ => self.question.parse(text),
        }
    }
}

/// A value as it would be typed.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            let plain = |text: &&str| !text.is_empty() && text.trim() == *text && !text.contains([',', '[', '\n']);
            match texts {
                Some(texts) if texts.iter().all(plain) => texts.join(", "),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

fn flag(question: &Question, proposed: Option<&Value>) -> Result<Value, InquireError> {
    let mut prompt = Confirm::new(&question.prompt);
    prompt.default = proposed.and_then(Value::as_bool);
    prompt.help_message = question.help.as_deref();
    prompt.prompt().map(Value::Bool)
}

fn choice(question: &Question, choices: &[String], proposed: Option<&Value>) -> Result<Value, InquireError> {
    let start = choices.iter().position(|choice| proposed.is_some_and(|proposed| proposed == choice));
    let mut prompt = Select::new(&question.prompt, choices.to_vec()).with_starting_cursor(start.unwrap_or(0));
    if let Some(help) = &question.help {
        prompt = prompt.with_help_message(help);
    }
    prompt.prompt().map(Value::String)
}

fn several(question: &Question, choices: &[String], proposed: Option<&Value>) -> Result<Value, InquireError> {
    let proposed = proposed.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let chosen: Vec<usize> =
        (0..choices.len()).filter(|at| proposed.iter().any(|item| *item == choices[*at])).collect();
    let mut prompt = MultiSelect::new(&question.prompt, choices.to_vec()).with_default(&chosen);
    if let Some(help) = &question.help {
        prompt = prompt.with_help_message(help);
    }
    prompt.prompt().map(Value::from)
}

#[cfg(test)]
mod pty_tests;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::line;
    use crate::model::question::{Kind, MAX_LENGTH, Question};

    fn list() -> Question {
        Question {
            name: "q".to_owned(),
            kind: Kind::List { choices: vec![], min: 0 },
            prompt: "Q".to_owned(),
            help: None,
            default: None,
            pattern: None,
            max_length: MAX_LENGTH,
            otherwise: None,
            because: None,
            withheld: Vec::new(),
            when: None,
        }
    }

    #[test]
    fn a_proposal_looks_as_it_would_be_typed() {
        assert_eq!(line(&json!("a b")), "a b");
        assert_eq!(line(&json!(8)), "8");
        assert_eq!(line(&json!(["a", "b c"])), "a, b c");
        assert_eq!(line(&json!(["a,b"])), r#"["a,b"]"#);
    }

    proptest! {
        #[test]
        fn enter_on_a_proposed_list_gives_that_list(items in proptest::collection::vec(any::<String>(), 0..4)) {
            if let Ok(value) = list().check(&Value::from(items)) {
                prop_assert_eq!(list().parse(&line(&value)), Ok(value.clone()));
            }
        }
    }
}
