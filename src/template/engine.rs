//! The engine: Liquid with our tags and filters, over values that are all known.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use liquid_core::runtime::{InterruptRegister, RuntimeBuilder};
use liquid_core::{Language, Runtime, ValueView as _};
use liquid_lib::stdlib;
use serde_json::{Map, Value};

use super::compile::{Code, Node, compile};
use super::filters;
use super::place::{Format, MARK, Output};
use super::runtime::{
    Bounded, BoundedTag, Budget, CaptureBlock, IfChangedBlock, LiteralTag, Outputs, Progress, WrittenBlock,
};
use super::scan::{ScanError, has_tags};
use crate::error::{Blame, Fault};

/// Most bytes that one render may give: 512 MiB.
const OUTPUT_MAX: usize = 512 << 20;
/// Longest time for all files of a template.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Longest text that is written without Liquid, whose own limits then need not be looked at, in bytes.
const TEXT_MAX: usize = 4096;
/// Values of Liquid's own, which it also sees at the beginning of a longer name.
pub(super) const WORDS: [&str; 6] = ["true", "false", "nil", "null", "empty", "blank"];
/// What Liquid finds in a list or an object although it is not in there.
const PROPERTIES: [&str; 3] = ["size", "first", "last"];

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is rendering, so that a panic will be told as the template's fault.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// The values that a template sees, by name.
pub struct Values {
    object: liquid::Object,
}

impl Values {
    /// Takes typed values: lists and objects stay lists and objects. Numbers beyond 64 bits become text.
    pub fn new(values: &Map<String, Value>) -> Self {
        let object = values.iter().map(|(name, value)| (name.clone().into(), to_liquid(value))).collect();
        Self { object }
    }

    /// Whether there is a value of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// The names of all values.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.object.keys().map(liquid::model::KString::as_str)
    }

    /// The first part of a dotted path that an object on the way has no entry for. What goes through nil, a list or a
    /// text is for the render to find out.
    pub(super) fn lacks<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (name, steps) = path.split_once('.')?;
        let mut value = self.object.get(name)?;
        let mut end = name.len();
        for step in steps.split('.') {
            let liquid::model::Value::Object(object) = value else { return None };
            end += 1 + step.len();
            if step.contains('[') || step == "size" {
                return None;
            }
            match object.get(step) {
                Some(found) => value = found,
                None => return Some(&path[..end]),
            }
        }
        None
    }

    /// The text at a dotted path of names, if it is one of ordinary length and the path means nothing else to Liquid.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let mut steps = path.split('.');
        let first = steps.next().filter(|name| !WORDS.iter().any(|word| name.starts_with(word)))?;
        let value = steps.try_fold(self.object.get(first)?, |value, step| match value {
            liquid::model::Value::Object(object) if !PROPERTIES.contains(&step) => object.get(step),
            _ => None,
        });
        let text = value?.as_scalar().filter(|scalar| scalar.type_name() == "string")?.into_string();
        (text.len() <= TEXT_MAX).then(|| text.into_string())
    }

    /// Puts one value, or takes it away when there is none.
    pub(super) fn put(&mut self, name: &str, value: Option<&Value>) {
        match value {
            Some(value) => drop(self.object.insert(name.to_owned().into(), to_liquid(value))),
            None => drop(self.object.remove(name)),
        }
    }

    /// Adds values, or replaces those of the same names.
    pub fn extend(&mut self, values: &Map<String, Value>) {
        for (name, value) in values {
            self.object.insert(name.clone().into(), to_liquid(value));
        }
    }
}

fn to_liquid(value: &Value) -> liquid::model::Value {
    use liquid::model::Value as Liquid;
    match value {
        Value::Null => Liquid::Nil,
        Value::Bool(flag) => Liquid::scalar(*flag),
        Value::Number(number) => number
            .as_i64()
            .map(Liquid::scalar)
            .or_else(|| number.as_f64().filter(|_| number.is_f64()).map(Liquid::scalar))
            .unwrap_or_else(|| Liquid::scalar(number.to_string())),
        Value::String(text) => Liquid::scalar(text.clone()),
        Value::Array(items) => Liquid::Array(items.iter().map(to_liquid).collect()),
        Value::Object(entries) => {
            Liquid::Object(entries.iter().map(|(key, value)| (key.clone().into(), to_liquid(value))).collect())
        }
    }
}

/// A place in a template's file where rendering cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` line {line}, column {column}: {message}")]
pub struct RenderError {
    /// The file's path in the template.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Blame for RenderError {
    fn fault(&self) -> Fault {
        Fault::Template
    }

    fn hint(&self) -> Option<String> {
        self.advice.clone()
    }
}

/// Renders texts. Cheap to use from several threads; a tag that stands in many files is parsed once.
pub struct Engine {
    language: Language,
    cache: RwLock<HashMap<String, Code>>,
    budget: Budget,
    deadline: Instant,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// An engine with fresh limits: 512 MiB of output and 60 s in all, 5,000,000 steps a file, 1 MiB a value.
    pub fn new() -> Self {
        let mut language = Language::empty();
        filters::register(&mut language);
        register_tags(&mut language);
        let cache = RwLock::default();
        Self { language, cache, budget: Budget::new(OUTPUT_MAX), deadline: Instant::now() + TIME_MAX }
    }

    /// Renders a text in which nothing is escaped. `origin` names it in errors.
    pub fn text(&self, origin: &str, source: &str, values: &Values) -> Result<String, RenderError> {
        self.render(origin, source, None, values)
    }

    /// Evaluates a condition as in `{% if … %}`.
    pub fn condition(&self, origin: &str, source: &str, values: &Values) -> Result<bool, RenderError> {
        let text = format!("{{% if {source} %}}true{{% endif %}}");
        Ok(self.render(origin, &text, None, values)? == "true")
    }

    pub(super) fn render(
        &self,
        file: &str,
        text: &str,
        format: Option<Format>,
        values: &Values,
    ) -> Result<String, RenderError> {
        if !has_tags(text) {
            return Ok(text.to_owned());
        }
        // Liquid's own code has arithmetic and indexing that can panic on odd input; no template may end the program.
        GUARDED.set(true);
        let rendered = catch_unwind(AssertUnwindSafe(|| self.try_render(text, format, values)));
        GUARDED.set(false);
        rendered
            .unwrap_or_else(|_| Err(ScanError { at: 0, message: "the engine failed".to_owned(), hint: None }))
            .map_err(|error| {
                let (line, column) = position(text, error.at);
                RenderError { file: file.to_owned(), line, column, message: error.message, advice: error.hint }
            })
    }

    fn try_render(&self, text: &str, format: Option<Format>, values: &Values) -> Result<String, ScanError> {
        let nodes = compile(self, text, format.is_some(), values)?;
        let runtime = RuntimeBuilder::new().set_globals(&values.object).build();
        let mut out = Bounded::new(&self.budget, text.len() + text.len() / 8);
        runtime.registers().get_mut::<Progress>().deadline = Some(self.deadline);
        if format.is_some() {
            *runtime.registers().get_mut::<Outputs>() = Outputs::new(&self.budget);
        }
        for node in &nodes {
            match node {
                Node::Literal(range) => {
                    out.write_all(&text.as_bytes()[range.clone()]).map_err(|error| full(&error, range.start))?
                }
                Node::Text { text, at } if format.is_none() => {
                    out.write_all(text.as_bytes()).map_err(|error| full(&error, *at))?;
                }
                Node::Text { text, at } => {
                    let output = Output { value: text.as_str().into(), at: *at, is_final: false };
                    let fits = runtime.registers().get_mut::<Outputs>().push(output);
                    fits.then(|| write!(out, "{MARK}")).transpose().map_err(|error| full(&error, *at))?;
                }
                Node::Code { code, marks, at } => {
                    let mut progress = runtime.registers().get_mut::<Progress>();
                    (progress.marks, progress.at) = (Arc::clone(marks), *at);
                    drop(progress);
                    self.run(code, &mut out, &runtime).map_err(|error| self.failed(&error, &runtime))?;
                    if runtime.registers().get_mut::<InterruptRegister>().interrupted() {
                        break;
                    }
                }
            }
        }
        let bytes = out.into_bytes();
        let Some(format) = format else { return utf8(bytes) };
        let outputs = runtime.registers().get_mut::<Outputs>().finish();
        // The text with marks only was on the way to the one that is written now.
        self.budget.give_back(bytes.len());
        let out = Bounded::new(&self.budget, bytes.len() + bytes.len() / 8);
        utf8(format.place(&utf8(bytes)?, &outputs, out)?)
    }

    fn run(&self, code: &Code, out: &mut Bounded<'_>, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        code.iter().try_for_each(|part| part.render_to(out, runtime))
    }

    /// Where and why Liquid failed: at the last mark of a block, or at the tag itself.
    fn failed(&self, error: &liquid_core::Error, runtime: &dyn Runtime) -> ScanError {
        let progress = runtime.registers().get_mut::<Progress>();
        ScanError { at: progress.place(), message: sentence(error), hint: None }
    }

    /// Parsed code, from the cache when the same was parsed before.
    pub(super) fn code(&self, source: &str) -> liquid_core::Result<Code> {
        let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(source).cloned();
        if let Some(code) = cached {
            return Ok(code);
        }
        let code: Code = Arc::new(liquid_core::parser::parse(source, &self.language)?);
        self.cache.write().unwrap_or_else(PoisonError::into_inner).insert(source.to_owned(), Arc::clone(&code));
        Ok(code)
    }
}

fn register_tags(language: &mut Language) {
    language.tags.register("assign".to_owned(), stdlib::AssignTag.into());
    language.tags.register("break".to_owned(), stdlib::BreakTag.into());
    language.tags.register("continue".to_owned(), stdlib::ContinueTag.into());
    language.tags.register("cycle".to_owned(), stdlib::CycleTag.into());
    language.tags.register("increment".to_owned(), stdlib::IncrementTag.into());
    language.tags.register("decrement".to_owned(), stdlib::DecrementTag.into());
    language.tags.register("literal".to_owned(), LiteralTag.into());
    language.tags.register("bounded".to_owned(), BoundedTag.into());
    language.blocks.register("if".to_owned(), stdlib::IfBlock.into());
    language.blocks.register("unless".to_owned(), stdlib::UnlessBlock.into());
    language.blocks.register("ifchanged".to_owned(), IfChangedBlock.into());
    language.blocks.register("for".to_owned(), stdlib::ForBlock.into());
    language.blocks.register("case".to_owned(), stdlib::CaseBlock.into());
    language.blocks.register("capture".to_owned(), CaptureBlock.into());
    language.blocks.register("written".to_owned(), WrittenBlock.into());
}

fn utf8(bytes: Vec<u8>) -> Result<String, ScanError> {
    let message = "the result is not UTF-8".to_owned();
    String::from_utf8(bytes).map_err(|_| ScanError { at: 0, message, hint: None })
}

/// Line and column, from 1, of a byte.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1, before[line_start..].chars().count() + 1)
}

pub(super) fn full(_: &std::io::Error, at: usize) -> ScanError {
    ScanError { at, message: format!("more than {} MiB of output", OUTPUT_MAX >> 20), hint: None }
}

/// Liquid's error, which is several lines of text, as one sentence.
pub(super) fn sentence(error: &liquid_core::Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("liquid:").trim();
    let context = |key: &str| {
        let found = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        found.map(str::to_owned)
    };
    if first.is_empty() || first.starts_with("-->") {
        return format!("not valid Liquid{}", text.lines().rev().find_map(expected).unwrap_or_default());
    }
    if first == "Failed to render" {
        return "too much output".to_owned();
    }
    if let Some(filter) = context("requested filter") {
        return format!("unknown filter `{filter}`");
    }
    let subject = context("requested variable")
        .or_else(|| Some(format!("{}.{}", context("variable")?, context("requested index")?)));
    match subject {
        Some(subject) => format!("unknown variable `{subject}`"),
        None => {
            let mut sentence = first.trim_end_matches('.').to_owned();
            if let Some(letter) = sentence.get(..1).map(str::to_lowercase) {
                sentence.replace_range(..1, &letter);
            }
            let filter = context("filter").map(|name| format!(" (filter `{name}`)")).unwrap_or_default();
            format!("{sentence}{filter}")
        }
    }
}

/// `= expected …` of a parser's message.
fn expected(line: &str) -> Option<String> {
    line.trim().strip_prefix("= ").map(|expected| format!(": {}", expected.trim()))
}

#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod yaml_tests;
