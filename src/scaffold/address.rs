//! The base path of an API, compared with the servers of its spec.

use serde_json::{Value, json};

use super::request::Material;
use crate::answers::{Answers, Origin};
use crate::model::record::Record;
use crate::openapi::servers::path_list;

/// The question whose answer is the base path.
pub(crate) const BASE_PATH: &str = "base_path";

/// An answer, and what it was taken from.
pub(crate) struct DerivedAnswer {
    pub(crate) question: String,
    pub(crate) value: Value,
    pub(crate) because: String,
}

impl DerivedAnswer {
    /// `base_path pets/v1: the path of the spec's servers`
    pub(crate) fn line(&self) -> String {
        let value = self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned);
        format!("{:<9} {value}: {}", self.question, self.because)
    }

    pub(crate) fn json(&self) -> Value {
        json!({"question": self.question, "answer": self.value, "because": self.because})
    }
}

/// The base path, and every answer whose question says what speaks for its default.
pub(crate) fn taken(material: &Material, answers: &Answers) -> Vec<DerivedAnswer> {
    let told = material.template.manifest.questions.iter().filter_map(|question| {
        let origin = answers.origin(&question.name)?;
        let because = match answers.reason(&question.name) {
            _ if question.name == BASE_PATH => path_because(material, answers, origin),
            _ if question.because.is_none() => return None,
            Some("") => "the template's default".to_owned(),
            Some(reason) => reason.to_owned(),
            None => origin.to_string(),
        };
        let value = answers.values().get(&question.name)?.clone();
        Some(DerivedAnswer { question: question.name.clone(), value, because })
    });
    told.collect()
}

/// Whether the spec has the base path `value` and no other.
pub(crate) fn comes_from_spec(material: &Material, value: &str) -> bool {
    matches!(spec_paths(material), [only] if only == value) && rule(material, value).is_ok()
}

/// What the user should know about the base path of `record`: a sentence each.
pub(crate) fn warnings(material: &Material, answers: &Answers, record: &Record) -> Vec<String> {
    let paths = spec_paths(material);
    let base = &record.base_path;
    let mut warnings = Vec::new();
    if !paths.is_empty() && !paths.contains(base) {
        let (because, next) = match answers.origin(BASE_PATH) {
            Some(origin) => {
                (path_because(material, answers, origin), "change `servers` in the spec or the answer `base_path`")
            }
            None => ("the template does not ask for one".to_owned(), "change `servers` in the spec"),
        };
        let paths = path_list(paths);
        warnings.push(format!(
            "the base path is `/{base}` ({because}), but the spec's servers have {paths}: calls to the addresses in the \
             spec will not reach the proxy; {next}"
        ));
    }
    let operations = material.spec.iter().flat_map(|spec| &spec.summary.operations);
    if let Some(path) = operations.map(|operation| &operation.path).find(|path| comes_twice(base, path)) {
        warnings.push(format!(
            "the base path `/{base}` ends as the path `{}` begins: calls go to `/{base}{0}`, where that part comes twice",
            path.escape_debug()
        ));
    }
    warnings
}

fn spec_paths(material: &Material) -> &[String] {
    material.spec.as_ref().map_or(&[], |spec| &spec.summary.base_paths)
}

/// Whether the template takes `value` as a base path; the error is the rule that it breaks.
fn rule(material: &Material, value: &str) -> Result<Value, String> {
    let question = material.template.manifest.questions.iter().find(|question| question.name == BASE_PATH);
    question.ok_or_else(|| "is not a question of the template".to_owned())?.check(&value.into())
}

fn path_because(material: &Material, answers: &Answers, origin: &Origin) -> String {
    let value = answers.values().get(BASE_PATH).and_then(Value::as_str).unwrap_or_default();
    let own = "the template's default";
    match (origin, spec_paths(material)) {
        (Origin::Default, [path]) if path == value => "the path of the spec's servers".to_owned(),
        (Origin::Asked, [path]) if path == value => {
            "the prompt, which proposed the path of the spec's servers".to_owned()
        }
        (Origin::Default, _) if material.is_derived(BASE_PATH) => format!("{own}, with a number, as it is taken"),
        (Origin::Default, _) if material.spec.is_none() => format!("{own}, as there is no spec"),
        (Origin::Default, []) => format!("{own}, as the spec's servers have no path"),
        (Origin::Default, [path]) => match rule(material, path) {
            Err(rule) => format!("{own}, as the path of the spec's servers cannot be taken: it {rule}"),
            Ok(_) => own.to_owned(),
        },
        (Origin::Default, several) => format!("{own}, as the spec's servers have {}", path_list(several)),
        (given, _) => given.to_string(),
    }
}

/// Whether the end of the base path is the beginning of an operation's path. A base path of one word is a name, which may
/// be the first word of a path as well.
fn comes_twice(base: &str, path: &str) -> bool {
    let base: Vec<&str> = base.split('/').collect();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    (1..=base.len().min(path.len())).any(|count| {
        let (end, begin) = (&base[base.len() - count..], &path[..count]);
        base.len() > 1 && end.iter().zip(begin).all(|(end, begin)| same(end, begin))
    })
}
