//! What we add to Liquid: literals by number, whole scalars, and bounds on everything a template can make grow.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use liquid::model::{KString, Value, ValueView};
use liquid_core::error::ResultLiquidReplaceExt as _;
use liquid_core::parser::TryMatchToken;
use liquid_core::runtime::Variable;
use liquid_core::{
    BlockReflection, Error, Expression, Language, ParseBlock, ParseTag, Renderable, Result, Runtime, TagBlock,
    TagReflection, TagTokenIter, Template,
};

use super::budget::{Bounded, Budget};
use super::place::{MARK, Output};

/// Longest text that one filter or `capture` may give: 1 MiB.
pub(super) const VALUE_MAX: usize = 1 << 20;
/// Steps (tags met) in one file.
const STEPS_MAX: u64 = 5_000_000;
/// Longest range that a loop may count.
const RANGE_MAX: i64 = 100_000;

/// The literal text before a tag, and where that tag is in the file.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) text: String,
    pub(super) at: usize,
}

/// How far the render of one block has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) marks: Arc<Vec<Mark>>,
    /// The last mark met.
    pub(super) mark: usize,
    /// Where the tag stands that is being rendered, if it is in no block.
    pub(super) at: usize,
    steps: u64,
    pub(super) deadline: Option<Instant>,
}

/// The outputs met so far, when the file's format says how values are written.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    list: Vec<Output>,
    budget: Option<Budget>,
    /// What they took from the budget.
    reserved: usize,
    /// In how many tags we are whose text does not go straight to the file.
    nesting: usize,
}

impl Outputs {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..Self::default() }
    }

    /// Whether an output goes straight to the file.
    pub(super) fn is_open(&self) -> bool {
        self.budget.is_some() && self.nesting == 0
    }

    /// Adds an output; whether there is room for its value.
    pub(super) fn push(&mut self, output: Output) -> bool {
        let size = output.value.as_str().map_or_else(|| output.value.to_string().len(), str::len);
        let affordable = self.budget.as_ref().is_none_or(|budget| budget.take(size));
        if affordable {
            self.reserved += size;
            self.list.push(output);
        }
        affordable
    }

    /// Takes all of them, and gives back what they took.
    pub(super) fn finish(&mut self) -> Vec<Output> {
        if let Some(budget) = self.budget.take() {
            budget.give_back(self.reserved);
        }
        std::mem::take(&mut self.list)
    }
}

/// Remembers the value of an output at the place that is being rendered.
pub(super) fn place_output(value: serde_json::Value, is_final: bool, runtime: &dyn Runtime) -> Result<()> {
    let at = runtime.registers().get_mut::<Progress>().place();
    if runtime.registers().get_mut::<Outputs>().push(Output { value, at, is_final }) {
        return Ok(());
    }
    Err(Error::with_msg("Too much output"))
}

/// Renders what does not go straight to the file.
fn render_to_value(template: &Template, runtime: &dyn Runtime) -> Result<String> {
    runtime.registers().get_mut::<Outputs>().nesting += 1;
    let rendered = render_bounded(template, runtime);
    runtime.registers().get_mut::<Outputs>().nesting -= 1;
    rendered
}

fn render_bounded(template: &Template, runtime: &dyn Runtime) -> Result<String> {
    let budget = Budget::new(VALUE_MAX);
    let mut out = Bounded::new(&budget, 0);
    template.render_to(&mut out, runtime)?;
    Ok(String::from_utf8_lossy(&out.into_bytes()).into_owned())
}

/// A tag that a template's author does not write: what it is called, and how its arguments are read.
#[derive(Clone, Debug)]
pub(super) struct CustomTag {
    name: &'static str,
    parse: fn(TagTokenIter<'_>) -> Result<Box<dyn Renderable>>,
}

/// `{% literal N path, path %}` writes the literal text of mark N, counts a step, and checks that each path is known.
pub(super) const LITERAL: CustomTag = CustomTag { name: "literal", parse: parse_literal };

/// `{% bounded (a..b) %}` or `{% bounded items %}` refuses what the loop that follows cannot run over: a range that is
/// too long, and an object, whose order is not the same in each run.
pub(super) const BOUNDED: CustomTag = CustomTag { name: "bounded", parse: parse_bounded };

impl TagReflection for CustomTag {
    fn tag(&self) -> &str {
        self.name
    }

    fn description(&self) -> &'static str {
        ""
    }
}

impl ParseTag for CustomTag {
    fn parse(&self, arguments: TagTokenIter<'_>, _: &Language) -> Result<Box<dyn Renderable>> {
        (self.parse)(arguments)
    }

    fn reflection(&self) -> &dyn TagReflection {
        self
    }
}

/// A block that renders what is in it in a way of its own.
#[derive(Clone, Debug)]
pub(super) struct CustomBlock {
    name: &'static str,
    end: &'static str,
    parse: fn(TagTokenIter<'_>, Template) -> Result<Box<dyn Renderable>>,
}

/// Liquid's `capture`, with a bound on its text.
pub(super) const CAPTURE: CustomBlock = CustomBlock {
    name: "capture",
    end: "endcapture",
    parse: |mut arguments, template| {
        let name = KString::from_ref(arguments.expect_next("a name")?.expect_identifier().into_result()?);
        arguments.expect_nothing()?;
        Ok(Box::new(Capture { name, template }))
    },
};

/// `{% written %}{% cycle … %}{% endwritten %}`: the value that the tag writes becomes an output like others.
pub(super) const WRITTEN: CustomBlock = CustomBlock {
    name: "written",
    end: "endwritten",
    parse: |mut arguments, template| {
        arguments.expect_nothing()?;
        Ok(Box::new(ValueBlock(template)))
    },
};

/// Liquid's `ifchanged`, which here compares values and not the marks that stand for them.
pub(super) const IF_CHANGED: CustomBlock = CustomBlock {
    name: "ifchanged",
    end: "endifchanged",
    parse: |mut arguments, template| {
        arguments.expect_nothing()?;
        Ok(Box::new(IfChanged(template)))
    },
};

impl BlockReflection for CustomBlock {
    fn start_tag(&self) -> &str {
        self.name
    }

    fn end_tag(&self) -> &str {
        self.end
    }

    fn description(&self) -> &'static str {
        ""
    }
}

impl ParseBlock for CustomBlock {
    fn parse(
        &self,
        arguments: TagTokenIter<'_>,
        mut tokens: TagBlock<'_, '_>,
        options: &Language,
    ) -> Result<Box<dyn Renderable>> {
        let template = Template::new(tokens.parse_all(options)?);
        tokens.assert_empty();
        (self.parse)(arguments, template)
    }

    fn reflection(&self) -> &dyn BlockReflection {
        self
    }
}

fn parse_literal(mut arguments: TagTokenIter<'_>) -> Result<Box<dyn Renderable>> {
    let number = arguments.expect_next("a number")?.expect_literal().into_result()?;
    let mark = number.as_scalar().and_then(|scalar| scalar.to_integer()).and_then(|i| usize::try_from(i).ok());
    let known = arguments.filter_map(|token| match token.expect_variable() {
        TryMatchToken::Matches(variable) => Some(variable),
        TryMatchToken::Fails(_) => None,
    });
    Ok(Box::new(Literal { mark: mark.unwrap_or(0), known: known.collect() }))
}

fn parse_bounded(mut arguments: TagTokenIter<'_>) -> Result<Box<dyn Renderable>> {
    match arguments.expect_next("a range")?.expect_range() {
        TryMatchToken::Matches((from, to)) => Ok(Box::new(Range { from, to })),
        TryMatchToken::Fails(token) => Ok(Box::new(Items(token.expect_value().into_result()?))),
    }
}

#[derive(Debug)]
struct Literal {
    mark: usize,
    known: Vec<Variable>,
}

impl Renderable for Literal {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        {
            let mut progress = runtime.registers().get_mut::<Progress>();
            progress.mark = self.mark;
            progress.step()?;
            let text = progress.marks.get(self.mark).map_or("", |mark| mark.text.as_str());
            writer.write_all(text.as_bytes()).replace("too much output")?;
        }
        self.known.iter().try_for_each(|variable| is_known(variable, runtime))
    }
}

impl Progress {
    /// Where the tag or the output is that is being rendered.
    pub(super) fn place(&self) -> usize {
        self.marks.get(self.mark).map_or(self.at, |mark| mark.at)
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(Error::with_msg(format!("more than {STEPS_MAX} steps")));
        }
        if self.steps.is_multiple_of(4096) && self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(Error::with_msg("rendering takes too long"));
        }
        Ok(())
    }
}

/// A path is known when each step of it is there, or when it goes through nil: `spec.title` is, without a spec.
fn is_known(variable: &Variable, runtime: &dyn Runtime) -> Result<()> {
    let Some(path) = variable.try_evaluate(runtime) else {
        return Err(unknown(&variable.to_string()));
    };
    for length in 1..=path.len() {
        match runtime.try_get(&path[..length]) {
            Some(value) if value.is_nil() => return Ok(()),
            Some(_) => {}
            None => {
                let words: Vec<String> = path.iter().map(|step| step.to_kstr().to_string()).collect();
                return Err(unknown(&words[..length].join(".")));
            }
        }
    }
    Ok(())
}

fn unknown(path: &str) -> Error {
    Error::with_msg("Unknown variable").context("requested variable", path.to_owned())
}

#[derive(Debug)]
struct Items(Expression);

impl Renderable for Items {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        match self.0.evaluate(runtime)?.as_object() {
            Some(_) => Err(Error::with_msg("a loop runs over a list, not over an object, which has no order")),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Range {
    from: Expression,
    to: Expression,
}

impl Renderable for Range {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let end = |expression: &Expression| -> Result<i64> {
            Ok(expression.evaluate(runtime)?.as_scalar().and_then(|scalar| scalar.to_integer()).unwrap_or(0))
        };
        if end(&self.to)?.saturating_sub(end(&self.from)?) >= RANGE_MAX {
            return Err(Error::with_msg(format!("a range of more than {RANGE_MAX} numbers")));
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Capture {
    name: KString,
    template: Template,
}

impl Renderable for Capture {
    fn render_to(&self, _: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let text = render_to_value(&self.template, runtime)?;
        runtime.set_global(self.name.clone(), Value::scalar(text));
        Ok(())
    }
}

#[derive(Debug)]
struct ValueBlock(Template);

impl Renderable for ValueBlock {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let text = render_to_value(&self.0, runtime)?;
        if !runtime.registers().get_mut::<Outputs>().is_open() {
            return writer.write_all(text.as_bytes()).replace("too much output");
        }
        // `increment` and `decrement` write numbers; a text of `cycle` that looks like one is one, as in Liquid.
        let value = text.parse::<i64>().map_or_else(|_| text.into(), serde_json::Value::from);
        place_output(value, false, runtime)?;
        write!(writer, "{MARK}").replace("too much output")
    }
}

#[derive(Debug)]
struct IfChanged(Template);

/// What the last `ifchanged` rendered: its text, and the values of the outputs in it.
#[derive(Debug, Default)]
struct Last(Option<(String, Vec<serde_json::Value>)>);

impl Renderable for IfChanged {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> Result<()> {
        let before = runtime.registers().get_mut::<Outputs>().list.len();
        let text = render_bounded(&self.0, runtime)?;
        let outputs = runtime.registers().get_mut::<Outputs>();
        let rendered = (text, outputs.list[before..].iter().map(|output| output.value.clone()).collect());
        drop(outputs);
        if runtime.registers().get_mut::<Last>().0.as_ref() == Some(&rendered) {
            runtime.registers().get_mut::<Outputs>().list.truncate(before);
            return Ok(());
        }
        writer.write_all(rendered.0.as_bytes()).replace("too much output")?;
        runtime.registers().get_mut::<Last>().0 = Some(rendered);
        Ok(())
    }
}
