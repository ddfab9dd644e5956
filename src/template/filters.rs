//! The filters a template may use: Liquid's own and ours, each with a bound on its result.

use std::fmt;

use heck::{ToKebabCase as _, ToPascalCase as _, ToSnakeCase as _, ToTitleCase as _};
use liquid::model::{self, ValueView};
use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Error, Expression, Filter, FilterReflection, Language, ParseFilter, Result, Runtime};
use liquid_lib::stdlib;
use serde_json::Value;

use super::escape::{self, plain_text as text};
use super::place::MARK;
use super::runtime::{Outputs, VALUE_MAX, place_output};
use crate::model::name;

/// The hidden filter at the end of each output: it leaves a mark where the value is to be written for its place. Its
/// argument is whether the value is final.
pub(super) const PLACED: &str = "placed";

/// Filters after which an output is not escaped again.
pub(super) const FINAL: [&str; 7] = ["raw", "json", "yaml", "xml", "toml", "shell", "markdown"];

type FilterFunction = fn(&Value, &[Value]) -> std::result::Result<Value, String>;

/// Our filters: name, number of arguments, function.
const CUSTOM: [(&str, usize, FilterFunction); 20] = [
    (PLACED, 1, |value, _| Ok(if value.is_object() { escape::json(value).into() } else { value.clone() })),
    ("raw", 0, |value, _| Ok(value.clone())),
    ("json", 0, |value, _| Ok(escape::json(value).into())),
    ("yaml", 0, |value, _| Ok(escape::yaml_value(value).into())),
    ("toml", 0, |value, _| Ok(escape::toml_value(value).into())),
    ("xml", 0, |value, _| Ok(escape::xml(&text(value), true).into())),
    ("shell", 0, |value, _| Ok(escape::shell_words(value).into())),
    ("markdown", 0, |value, _| Ok(escape::markdown(&text(value)).into())),
    ("kebab", 0, |value, _| Ok(text(value).to_kebab_case().into())),
    ("snake", 0, |value, _| Ok(text(value).to_snake_case().into())),
    ("pascal", 0, |value, _| Ok(text(value).to_pascal_case().into())),
    ("title", 0, |value, _| Ok(text(value).to_title_case().into())),
    ("initials", 0, |value, _| Ok(name::initials(&text(value)).into())),
    ("append", 1, |value, arguments| Ok((text(value) + text(&arguments[0]).as_str()).into())),
    ("prepend", 1, |value, arguments| Ok((text(&arguments[0]) + text(value).as_str()).into())),
    ("replace", 2, |value, arguments| replace(value, arguments, usize::MAX)),
    ("replace_first", 2, |value, arguments| replace(value, arguments, 1)),
    ("remove", 1, |value, arguments| Ok(text(value).replace(&text(&arguments[0]), "").into())),
    ("join", 1, join),
    ("uuid", 0, |value, _| {
        Ok(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, text(value).as_bytes()).to_string().into())
    }),
];

fn replace(value: &Value, arguments: &[Value], count: usize) -> std::result::Result<Value, String> {
    let (text, from, to) = (text(value), text(&arguments[0]), text(&arguments[1]));
    let times = text.matches(&from).count().min(count);
    if times.saturating_mul(to.len()) > VALUE_MAX {
        return Err(too_long());
    }
    Ok(text.replacen(&from, &to, times).into())
}

fn join(value: &Value, arguments: &[Value]) -> std::result::Result<Value, String> {
    let Value::Array(items) = value else { return Ok(value.clone()) };
    let separator = text(&arguments[0]);
    if items.len().saturating_mul(separator.len()) > VALUE_MAX {
        return Err(too_long());
    }
    Ok(items.iter().map(text).collect::<Vec<_>>().join(&separator).into())
}

fn too_long() -> String {
    format!("a value of more than {VALUE_MAX} bytes")
}

pub(super) fn register(language: &mut Language) {
    for filter in standard() {
        let name = filter.reflection().name().to_owned();
        language.filters.register(name, Box::new(BoundedFilter(filter)));
    }
    for (name, arguments, call) in CUSTOM {
        let custom = CustomFilter { name, arguments, call };
        language.filters.register(name.to_owned(), Box::new(BoundedFilter(Box::new(custom))));
    }
}

/// Liquid's filters without those that ours replace, and without `date`: the same answers must give the same bytes.
fn standard() -> Vec<Box<dyn ParseFilter>> {
    macro_rules! filters { ($($name:ident)*) => { vec![$(stdlib::$name.into()),*] } }
    filters![
        Abs AtLeast AtMost Capitalize Ceil Compact Concat Default DividedBy Downcase Escape EscapeOnce First Floor
        Last Lstrip Map Minus Modulo NewlineToBr Plus RemoveFirst Reverse Round Rstrip Size Slice Sort SortNatural
        Split Strip StripHtml StripNewlines Times Truncate TruncateWords Uniq Upcase UrlDecode UrlEncode Where
    ]
}

/// A filter made of a function over JSON values.
#[derive(Clone, Debug)]
struct CustomFilter {
    name: &'static str,
    arguments: usize,
    call: FilterFunction,
}

impl FilterReflection for CustomFilter {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        ""
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for CustomFilter {
    fn parse(&self, mut arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        let positional: Vec<Expression> = arguments.positional.by_ref().collect();
        if positional.len() != self.arguments || arguments.keyword.next().is_some() {
            let message =
                format!("filter `{}` takes {} arguments, not {}", self.name, self.arguments, positional.len());
            return Err(Error::with_msg(message));
        }
        Ok(Box::new(CustomFilterCall { filter: self.clone(), arguments: positional }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

#[derive(Debug)]
struct CustomFilterCall {
    filter: CustomFilter,
    arguments: Vec<Expression>,
}

impl fmt::Display for CustomFilterCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.filter.name)
    }
}

impl Filter for CustomFilterCall {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<model::Value> {
        let evaluated: Result<Vec<Value>> =
            self.arguments.iter().map(|argument| to_json(argument.evaluate(runtime)?.as_view())).collect();
        let (value, evaluated) = (to_json(input)?, evaluated?);
        if self.filter.name == PLACED && runtime.registers().get_mut::<Outputs>().is_open() {
            let is_final = evaluated == [Value::Bool(true)];
            let value = if is_final { input.render().to_string().into() } else { value };
            place_output(value, is_final, runtime)?;
            return Ok(model::Value::scalar(MARK.to_string()));
        }
        model::to_value(&(self.filter.call)(&value, &evaluated).map_err(Error::with_msg)?)
    }
}

fn to_json(value: &dyn ValueView) -> Result<Value> {
    // Liquid's words `empty` and `blank` are no text.
    if value.is_state() {
        return Ok(Value::Null);
    }
    serde_json::to_value(value.to_value()).map_err(|error| Error::with_msg(error.to_string()))
}

/// Refuses a filter's result that is too large, so that no chain of filters fills the memory.
#[derive(Clone)]
struct BoundedFilter(Box<dyn ParseFilter>);

impl ParseFilter for BoundedFilter {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        Ok(Box::new(BoundedFilterCall(self.0.parse(arguments)?)))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self.0.reflection()
    }
}

#[derive(Debug)]
struct BoundedFilterCall(Box<dyn Filter>);

impl fmt::Display for BoundedFilterCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Filter for BoundedFilterCall {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<model::Value> {
        let output = self.0.evaluate(input, runtime)?;
        let long = match &output {
            model::Value::Scalar(scalar) => scalar.to_kstr().len() > VALUE_MAX,
            model::Value::Array(items) => items.len() > VALUE_MAX,
            _ => false,
        };
        if long { Err(Error::with_msg(too_long())) } else { Ok(output) }
    }
}
