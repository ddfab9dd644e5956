//! From layers to one answer a question.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::problem::{display, display_line, display_text};
use super::{AnswerProblem, Answers, AnswersError, AnswersFile, Layers, Origin};
use crate::error::{Failure, nearest};
use crate::model::name::ApiName;
use crate::model::question::{AnswerType, BECAUSE, DefaultValue, Question};

/// The key that stands for the API's name in an answers file.
const NAME: &str = "name";

/// Liquid text whose value is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression<'e> {
    /// A template; comes to a text.
    Text(&'e str),
    /// A condition as in `{% if %}`; comes to a truth value.
    Condition(&'e str),
}

/// Finds the value of an expression over the answers so far.
type Evaluate<'f> = &'f mut dyn FnMut(Expression<'_>, &Map<String, Value>) -> Result<Value, Failure>;
/// Asks a question, proposing an answer.
pub type Ask<'f> = &'f mut dyn FnMut(&Question, Option<&Value>) -> Result<Value, Failure>;

/// Settles the questions in order, each from the strongest layer that has an answer.
///
/// `evaluate` gets the answers so far, and adds the other values that a template sees. `ask` asks a person every question
/// without an answer whose `when` holds, and proposes the spec's answer or the default. It proposes a text even when the
/// text breaks a rule, unless the question has an `otherwise`. It asks nothing when an answer is wrong. A question whose
/// `when` does not hold keeps its default; without a default its answer is an empty text, an empty list, `false` or
/// `null`. An answer to such a question must keep the rules, and has no effect.
///
/// # Errors
/// [`AnswersError`] with all that is missing or wrong, or the first failure of `evaluate` or `ask`.
pub fn settle(
    name: &ApiName,
    questions: &[Question],
    layers: &Layers,
    evaluate: Evaluate<'_>,
    mut ask: Option<Ask<'_>>,
) -> Result<Answers, Failure> {
    let mut problems = unknown_keys(name, questions, layers);
    let given: Vec<Option<ExplicitAnswer>> =
        questions.iter().map(|question| explicit_answer(question, layers)).collect();
    if ask.is_some() {
        problems.extend(questions.iter().zip(&given).filter_map(|(question, given)| given.as_ref()?.problem(question)));
        if !problems.is_empty() {
            return Err(AnswersError(problems).into());
        }
    }
    let answers = Answers { notes: unknown(questions, layers), ..Answers::default() };
    let mut settling = Settling { layers, evaluate, answers, problems };
    for (question, given) in questions.iter().zip(given) {
        settling.question(question, given, &mut ask)?;
    }
    if settling.problems.is_empty() { Ok(settling.answers) } else { Err(AnswersError(settling.problems).into()) }
}

/// The keys of `--set` and of the answers file that are not questions, and a `name` of another API.
fn unknown_keys(name: &ApiName, questions: &[Question], layers: &Layers) -> Vec<AnswerProblem> {
    let set = layers.set.iter().map(|(key, value)| (Origin::Set, key, display_text(value), value == name.as_str()));
    let file = layers.file.iter().flat_map(|file| {
        let origin = || Origin::File(file.path.clone());
        file.values.iter().map(move |(key, value)| (origin(), key, display(value), value == name.as_str()))
    });
    let mut problems = Vec::new();
    let foreign = layers.file.as_ref().filter(|file| is_foreign(name, questions, file));
    if let Some(file) = foreign {
        problems.push(AnswerProblem::Foreign { origin: Origin::File(file.path.clone()), keys: file.values.len() });
    }
    for (origin, key, value, is_name) in set.chain(file.filter(|_| foreign.is_none())) {
        if key == NAME && !is_name {
            let rule = format!("must be `{name}`, the name of the API");
            problems.push(AnswerProblem::Wrong { origin, key: key.clone(), value, rule });
        } else if key != NAME && !questions.iter().any(|question| question.name == *key) {
            let meant = nearest(key, questions.iter().map(|question| question.name.as_str())).map(str::to_owned);
            problems.push(AnswerProblem::Unknown { origin, key: display_text(key), meant });
        }
    }
    problems
}

/// Whether a file is not an answers file: no key is a question or nearly one, and it does not name the API.
fn is_foreign(name: &ApiName, questions: &[Question], file: &AnswersFile) -> bool {
    let names = || questions.iter().map(|question| question.name.as_str());
    let is_strange = |key: &str| key != NAME && !names().any(|name| name == key) && nearest(key, names()).is_none();
    let is_ours = |(key, value): (&String, &Value)| if key == NAME { value == name.as_str() } else { !is_strange(key) };
    !file.values.iter().any(is_ours) && file.values.keys().any(|key| is_strange(key))
}

/// Warnings about keys of the spec that are not questions, and about keys of the config that are nearly a question's.
fn unknown(questions: &[Question], layers: &Layers) -> Vec<String> {
    let is_question = |key: &str| questions.iter().any(|question| question.name == key);
    let meant = |key: &str| nearest(key, questions.iter().map(|question| question.name.as_str()));
    let spec = layers.spec.keys().filter(|key| !is_question(key)).map(|key| {
        let meant = meant(key).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        format!("the spec's `x-apiscaffold`: there is no question `{}`{meant}", display_text(key))
    });
    let config = layers.config.iter().flat_map(|file| file.values.keys().map(move |key| (file, key)));
    let config = config.filter(|(_, key)| !is_question(key)).filter_map(|(file, key)| {
        let (path, meant) = (file.path.display(), meant(key)?);
        Some(format!("`{path}`: there is no question `{}`; did you mean `{meant}`?", display_text(key)))
    });
    spec.chain(config).collect()
}

/// An answer that is not a default.
struct ExplicitAnswer {
    origin: Origin,
    shown: String,
    value: Result<Value, String>,
}

impl ExplicitAnswer {
    fn problem(&self, question: &Question) -> Option<AnswerProblem> {
        let rule = self.value.as_ref().err()?;
        let (origin, value) = (self.origin.clone(), self.shown.clone());
        Some(AnswerProblem::Wrong { origin, key: question.name.clone(), value, rule: rule.clone() })
    }
}

/// The answer of the strongest layer but the defaults; weaker ones are not checked.
fn explicit_answer(question: &Question, layers: &Layers) -> Option<ExplicitAnswer> {
    let text = |origin, text: &str| ExplicitAnswer { origin, shown: display_text(text), value: question.parse(text) };
    let value = |origin, value: &Value| ExplicitAnswer { origin, shown: display(value), value: question.check(value) };
    let is_it = |key: &String| *key == question.name;
    let set = || layers.set.iter().rev().find(|(key, _)| is_it(key)).map(|(_, answer)| text(Origin::Set, answer));
    let file = || {
        let file = layers.file.as_ref()?;
        Some(value(Origin::File(file.path.clone()), file.values.get(&question.name)?))
    };
    let environment = || {
        let (_, variable, answer) = layers.environment.iter().find(|(key, ..)| is_it(key))?;
        Some(text(Origin::Environment(variable.clone()), answer))
    };
    let config = || {
        let config = layers.config.as_ref()?;
        Some(value(Origin::Config(config.path.clone()), config.values.get(&question.name)?))
    };
    let asked = || Some(value(Origin::Asked, layers.asked.get(&question.name)?));
    set().or_else(file).or_else(environment).or_else(config).or_else(asked)
}

/// The answer of the spec or the template.
enum Fallback {
    Good(Value, Origin),
    /// A value that cannot be the answer, and why not.
    Bad(Value, AnswerProblem),
    None,
}

struct Settling<'s, 'f> {
    layers: &'s Layers,
    evaluate: Evaluate<'f>,
    answers: Answers,
    problems: Vec<AnswerProblem>,
}

impl Settling<'_, '_> {
    fn question(
        &mut self,
        question: &Question,
        given: Option<ExplicitAnswer>,
        ask: &mut Option<Ask<'_>>,
    ) -> Result<(), Failure> {
        self.problems.extend(given.as_ref().and_then(|given| given.problem(question)));
        // `None` when it cannot be known, because an answer is missing or wrong.
        let Some(holds) = self.when(question)? else { return Ok(()) };
        if !holds {
            return self.unasked(question, given);
        }
        if let Some(given) = given {
            if let Ok(value) = given.value {
                self.answers.insert(&question.name, value, given.origin);
            }
            return Ok(());
        }
        let Some(fallback) = self.fallback(question)? else { return Ok(()) };
        match ask {
            Some(ask) => {
                let answer = ask(question, proposal(&fallback))?;
                let proposed = matches!(&fallback, Fallback::Good(value, Origin::Default) if *value == answer);
                self.asked(question, &answer);
                if !proposed {
                    self.answers.reasons.remove(&question.name);
                }
            }
            None => self.fall_back(question, fallback),
        }
        Ok(())
    }

    fn when(&mut self, question: &Question) -> Result<Option<bool>, Failure> {
        let Some(condition) = &question.when else { return Ok(Some(true)) };
        let value = self.evaluate(Expression::Condition(condition), None)?;
        Ok(value.map(|value| value == Value::Bool(true)))
    }

    /// Evaluates over the answers so far and, for a default, the reason for it. `None` for a failure when an answer is
    /// missing or wrong, which may be its cause.
    fn evaluate(&mut self, expression: Expression<'_>, because: Option<&str>) -> Result<Option<Value>, Failure> {
        let mut known = Cow::Borrowed(&self.answers.values);
        if let Some(because) = because {
            known.to_mut().insert(BECAUSE.to_owned(), because.into());
        }
        match (self.evaluate)(expression, &known) {
            Ok(value) => Ok(Some(value)),
            Err(_) if !self.problems.is_empty() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn unasked(&mut self, question: &Question, given: Option<ExplicitAnswer>) -> Result<(), Failure> {
        if let Some(ExplicitAnswer { origin, value: Ok(_), .. }) = given
            && !matches!(origin, Origin::Config(_))
        {
            let (key, when) = (&question.name, question.when.as_deref().unwrap_or_default());
            self.answers.notes.push(format!("{origin}: `{key}` has no effect, because `{when}` does not hold"));
        }
        let value = match self.default(question)? {
            Some(Fallback::Good(value, _)) => value,
            Some(Fallback::Bad(_, problem @ AnswerProblem::Template { .. })) => {
                self.problems.push(problem);
                return Ok(());
            }
            _ => nothing(question),
        };
        self.answers.insert(&question.name, value, Origin::Default);
        Ok(())
    }

    fn asked(&mut self, question: &Question, answer: &Value) {
        match question.check(answer) {
            Ok(value) => self.answers.insert(&question.name, value, Origin::Asked),
            Err(rule) => {
                let (key, value) = (question.name.clone(), display(answer));
                self.problems.push(AnswerProblem::Wrong { origin: Origin::Asked, key, value, rule });
            }
        }
    }

    fn fall_back(&mut self, question: &Question, fallback: Fallback) {
        match fallback {
            Fallback::Good(value, origin) => self.answers.insert(&question.name, value, origin),
            Fallback::Bad(_, problem) => self.problems.push(problem),
            Fallback::None => self
                .problems
                .push(AnswerProblem::Missing { key: question.name.clone(), prompt: question.prompt.clone() }),
        }
    }

    /// The spec's answer, or else the default. `None` when it cannot be known.
    fn fallback(&mut self, question: &Question) -> Result<Option<Fallback>, Failure> {
        let Some(value) = self.layers.spec.get(&question.name).filter(|value| !value.is_null()) else {
            return match self.layers.derived.get(&question.name) {
                Some(value) => Ok(Some(literal(question, value))),
                None => self.default(question),
            };
        };
        Ok(Some(match question.check(value) {
            Ok(good) => Fallback::Good(good, Origin::Spec),
            Err(rule) => {
                let (origin, key) = (Origin::Spec, question.name.clone());
                Fallback::Bad(value.clone(), AnswerProblem::Wrong { origin, key, value: display(value), rule })
            }
        }))
    }

    fn default(&mut self, question: &Question) -> Result<Option<Fallback>, Failure> {
        let text = match &question.default {
            None => return Ok(Some(Fallback::None)),
            Some(DefaultValue::Value(value)) => return Ok(Some(literal(question, value))),
            Some(DefaultValue::Text(text)) => text,
        };
        let because = match &question.because {
            None => None,
            Some(because) => {
                let Some(reason) = self.evaluate(Expression::Text(because), None)? else { return Ok(None) };
                let reason = display_line(reason.as_str().unwrap_or_default());
                self.answers.reasons.insert(question.name.clone(), reason.clone());
                Some(reason)
            }
        };
        let Some(value) = self.evaluate(Expression::Text(text), because.as_deref())? else { return Ok(None) };
        let is_nothing = value.as_str().is_none_or(|text| text.trim().is_empty());
        let fallback = rendered(question, value, is_built(text));
        let otherwise = question.otherwise.as_ref();
        match otherwise.filter(|_| is_nothing || !matches!(fallback, Fallback::Good(..))) {
            None => Ok(Some(fallback)),
            Some(DefaultValue::Value(value)) => Ok(Some(literal(question, value))),
            Some(DefaultValue::Text(text)) => {
                let value = self.evaluate(Expression::Text(text), because.as_deref())?;
                Ok(value.map(|value| rendered(question, value, is_built(text))))
            }
        }
    }
}

/// Whether a default is made of other values.
fn is_built(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

fn literal(question: &Question, value: &Value) -> Fallback {
    match question.check(value) {
        Ok(good) => Fallback::Good(good, Origin::Default),
        Err(rule) => {
            let problem = AnswerProblem::Template { key: question.name.clone(), value: display(value), rule };
            Fallback::Bad(value.clone(), problem)
        }
    }
}

/// The value of a rendered default; `built` when the default has tags.
fn rendered(question: &Question, value: Value, built: bool) -> Fallback {
    let text = value.as_str().unwrap_or_default();
    let rule = match (&question.kind, question.parse(text)) {
        (AnswerType::Choice { .. } | AnswerType::Integer { .. } | AnswerType::Bool, _) if text.trim().is_empty() => {
            return Fallback::None;
        }
        (_, Ok(good)) => return Fallback::Good(good, Origin::Default),
        (_, Err(_)) if text.is_empty() && built => return Fallback::None,
        (_, Err(rule)) => rule,
    };
    let (key, shown) = (question.name.clone(), display_text(text));
    let problem = match built {
        true => AnswerProblem::Unfit { key, value: shown, rule },
        false => AnswerProblem::Template { key, value: shown, rule },
    };
    Fallback::Bad(value, problem)
}

/// A text can be corrected at the prompt; a value of another type cannot.
fn proposal(fallback: &Fallback) -> Option<&Value> {
    match fallback {
        Fallback::Good(value, _) => Some(value),
        Fallback::Bad(value, _) => Some(value).filter(|value| value.is_string()),
        Fallback::None => None,
    }
}

/// The value of a question that is not asked and has no default.
fn nothing(question: &Question) -> Value {
    match question.kind {
        AnswerType::String => Value::String(String::new()),
        AnswerType::List { .. } => Value::Array(Vec::new()),
        AnswerType::Bool => Value::Bool(false),
        AnswerType::Choice { .. } | AnswerType::Integer { .. } => Value::Null,
    }
}

#[cfg(test)]
mod tests;
