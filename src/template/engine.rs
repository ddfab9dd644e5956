//! The engine: Liquid with our tags and filters, over values that are all known.

use std::cell::Cell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use liquid_core::Runtime;
use liquid_core::runtime::{InterruptRegister, RuntimeBuilder};

use super::budget::{Bounded, Budget, OUTPUT_MAX, full};
use super::compile::{Node, compile};
use super::language::{Code, Parser, sentence};
use super::place::{Format, MARK, Output};
use super::runtime::{Outputs, Progress};
use super::scan::{ScanError, has_tags};
use super::values::Values;
use crate::error::{Blame, Fault};
use crate::model::text::position;

/// Longest time for all files of a template.
const TIME_MAX: Duration = Duration::from_secs(60);

thread_local! {
    static RENDERING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is rendering: then a panic is reported as the template's fault.
pub fn is_rendering() -> bool {
    RENDERING.get()
}

/// Why rendering stops at a place in a template's file. Line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` line {line}, column {column}: {message}")]
pub struct RenderError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
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
#[derive(Clone)]
pub struct Engine {
    parser: Arc<Parser>,
    budget: Budget,
    deadline: Instant,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    pub fn new() -> Self {
        Self::with(Arc::new(Parser::new()))
    }

    /// The limits of one render begin now: 512 MiB of output and 60 s for all its files, 5,000,000 steps a file, 1 MiB a
    /// value.
    pub(super) fn begin(&self) -> Self {
        Self::with(Arc::clone(&self.parser))
    }

    fn with(parser: Arc<Parser>) -> Self {
        Self { parser, budget: Budget::new(OUTPUT_MAX), deadline: Instant::now() + TIME_MAX }
    }

    /// Renders a text in which nothing is escaped. `origin` names it in errors.
    pub fn text(&self, origin: &str, source: &str, values: &Values) -> Result<String, RenderError> {
        self.begin().render(origin, source, None, values)
    }

    /// Evaluates a condition as in `{% if … %}`.
    pub fn condition(&self, origin: &str, source: &str, values: &Values) -> Result<bool, RenderError> {
        let text = format!("{{% if {source} %}}true{{% endif %}}");
        Ok(self.begin().render(origin, &text, None, values)? == "true")
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
        RENDERING.set(true);
        let rendered = catch_unwind(AssertUnwindSafe(|| self.try_render(text, format, values)));
        RENDERING.set(false);
        rendered
            .unwrap_or_else(|_| Err(ScanError { at: 0, message: "the engine failed".to_owned(), hint: None }))
            .map_err(|error| {
                let (line, column) = position(text, error.at);
                RenderError { file: file.to_owned(), line, column, message: error.message, advice: error.hint }
            })
    }

    fn try_render(&self, text: &str, format: Option<Format>, values: &Values) -> Result<String, ScanError> {
        let nodes = compile(&self.parser, text, format.is_some(), values)?;
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
        // The text with marks is dropped for the text with values, which is written now.
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
}

fn utf8(bytes: Vec<u8>) -> Result<String, ScanError> {
    let message = "the result is not UTF-8".to_owned();
    String::from_utf8(bytes).map_err(|_| ScanError { at: 0, message, hint: None })
}

#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod yaml_tests;
