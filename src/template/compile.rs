//! Turns one file's text into nodes: literal stretches, and Liquid code made of our tags alone.
//!
//! In a block (`{% if %}` … `{% endif %}`) Liquid must see where literal text belongs: it gets
//! `{% literal 7 %}` for the seventh stretch, which also tells us where in the file a failure happened.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::filters::{FINAL, PLACED};
use super::language::{Code, Parser, sentence};
use super::runtime::Mark;
use super::scan::{self, Piece, ScanError};
use super::values::Values;
use super::variables::{root, variables};
use crate::error::did_you_mean;

/// Most tags that may be open at once: parsing and rendering them is recursive.
const DEPTH_MAX: usize = 100;

/// Longest text of one tag, in bytes: parsing its operators is recursive.
const TAG_MAX: usize = 4000;

/// One part of a compiled file, in order.
#[derive(Debug)]
pub(super) enum Node {
    /// Copied from the file's text.
    Literal(Range<usize>),
    /// The text of a variable alone, whose tag begins at byte `at`.
    Text { text: String, at: usize },
    /// Rendered by Liquid; the tag begins at byte `at`.
    Code { code: Code, marks: Arc<Vec<Mark>>, at: usize },
}

/// Compiles `text`. `known` holds the names of all values; `placed` says that outputs are written for their places.
pub(super) fn compile(parser: &Parser, text: &str, placed: bool, known: &Values) -> Result<Vec<Node>, ScanError> {
    let pieces = scan::scan(text)?;
    let mut compiler =
        Compiler { parser, text, known, locals: locals(&pieces), placed, nodes: Vec::new(), block: None };
    compiler.pieces(&pieces)?;
    match compiler.block {
        Some(block) => Err(block.never_closed()),
        None => Ok(compiler.nodes),
    }
}

/// Names that a text's own tags give values to.
pub(super) fn locals<'t>(pieces: &[Piece<'t>]) -> BTreeSet<&'t str> {
    let mut locals = BTreeSet::new();
    for piece in pieces {
        if let Piece::Tag { name, rest, .. } = piece {
            match *name {
                "assign" | "capture" | "increment" | "decrement" => {
                    locals.insert(root(rest));
                }
                "for" => locals.extend([root(rest), "forloop"]),
                _ => {}
            }
        }
    }
    locals
}

/// The block being compiled: Liquid code, and the literals that it names.
struct Block {
    code: String,
    marks: Vec<Mark>,
    /// Literal text since the last mark.
    literal: String,
    /// Tags that are open: name, place in the file, and where in `code` the paths that they check go.
    open: Vec<(String, usize, usize)>,
    at: usize,
}

impl Block {
    fn new(at: usize) -> Self {
        Self { code: String::new(), marks: Vec::new(), literal: String::new(), open: Vec::new(), at }
    }

    /// Adds a mark and then `fragment`. Returns where in the code the paths that the mark checks end.
    fn add(&mut self, fragment: &str, at: usize, checks: &[&str]) -> usize {
        let text = std::mem::take(&mut self.literal);
        self.marks.push(Mark { text, at });
        self.code.push_str(&format!("{{% literal {} {}", self.marks.len() - 1, checks.join(", ")));
        let end = self.code.len();
        self.code.push_str(" %}");
        self.code.push_str(fragment);
        end
    }

    fn never_closed(&self) -> ScanError {
        let (name, at, _) = self.open.last().cloned().unwrap_or_default();
        let hint = Some(format!("end it with `{{% end{name} %}}`"));
        ScanError { at, message: format!("`{{% {name} %}}` is never closed"), hint }
    }
}

struct Compiler<'t> {
    parser: &'t Parser,
    text: &'t str,
    known: &'t Values,
    locals: BTreeSet<&'t str>,
    placed: bool,
    nodes: Vec<Node>,
    block: Option<Block>,
}

impl Compiler<'_> {
    fn pieces(&mut self, pieces: &[Piece<'_>]) -> Result<(), ScanError> {
        for piece in pieces {
            match piece {
                Piece::Literal(range) => self.literal(range.clone()),
                Piece::Tag { name, rest, at } => self.tag(name, rest, *at)?,
                Piece::Output { inner, at } => self.output(inner, *at)?,
            }
        }
        Ok(())
    }

    fn literal(&mut self, range: Range<usize>) {
        match &mut self.block {
            Some(block) => block.literal.push_str(&self.text[range]),
            None if range.is_empty() => {}
            None => self.nodes.push(Node::Literal(range)),
        }
    }

    fn output(&mut self, inner: &str, at: usize) -> Result<(), ScanError> {
        self.check_known(inner, at)?;
        if let Some(text) = self.known_text(inner) {
            self.nodes.push(Node::Text { text, at });
            return Ok(());
        }
        let is_final = is_final(inner);
        let fragment = if is_final && !self.placed {
            format!("{{{{ {} }}}}", spaced(inner))
        } else {
            format!("{{{{ {} | {PLACED}: {is_final} }}}}", spaced(inner))
        };
        self.code(&fragment, at)
    }

    /// The text of a variable that the file does not change, as most: it is written without Liquid.
    fn known_text(&self, inner: &str) -> Option<String> {
        let path = inner.trim();
        let is_known = self.block.is_none() && !self.locals.contains(root(path));
        is_known.then(|| self.known.text(path)).flatten()
    }

    /// A tag on its own: in a block it becomes a part of it.
    fn code(&mut self, fragment: &str, at: usize) -> Result<(), ScanError> {
        if let Some(block) = &mut self.block {
            block.add(fragment, at, &[]);
            return Ok(());
        }
        let code = self.parser.code(fragment).map_err(|error| broken(&error, at))?;
        self.nodes.push(Node::Code { code, marks: Arc::default(), at });
        Ok(())
    }

    fn tag(&mut self, name: &str, rest: &str, at: usize) -> Result<(), ScanError> {
        if rest.len() > TAG_MAX {
            return Err(ScanError { at, message: format!("a tag is longer than {TAG_MAX} bytes"), hint: None });
        }
        let rest = &spaced(rest);
        let expression = self.expression(name, rest, at)?;
        self.check_known(expression, at)?;
        let fragment = format!("{{% {name} {rest} %}}");
        match name {
            "if" | "unless" | "case" | "for" | "capture" | "ifchanged" => self.open(name, &fragment, expression, at),
            "else" | "elsif" | "when" => self.branch(name, &fragment, expression, at),
            _ if name.starts_with("end") => self.close(name, &fragment, at),
            "cycle" | "increment" | "decrement" => {
                self.code(&format!("{{% written %}}{fragment}{{% endwritten %}}"), at)
            }
            _ => self.code(&fragment, at),
        }
    }

    /// The part of a tag that is an expression.
    fn expression<'r>(&self, name: &str, rest: &'r str, at: usize) -> Result<&'r str, ScanError> {
        let after = |mark: &str| rest.split_once(mark).map(|(_, after)| after);
        let expression = match name {
            "assign" => after("="),
            "for" => after(" in "),
            "capture" | "increment" | "decrement" => Some(""),
            _ => Some(rest),
        };
        expression.ok_or_else(|| ScanError {
            at,
            message: format!("`{{% {name} {rest} %}}` is not complete"),
            hint: None,
        })
    }

    fn open(&mut self, name: &str, fragment: &str, expression: &str, at: usize) -> Result<(), ScanError> {
        let checks: Vec<&str> = match name {
            "if" | "unless" | "case" => paths(expression),
            _ => Vec::new(),
        };
        let bound = (name == "for").then(|| looped(expression)).flatten();
        let fragment = bound.map_or_else(|| fragment.to_owned(), |range| format!("{{% bounded {range} %}}{fragment}"));
        let block = self.block.get_or_insert_with(|| Block::new(at));
        if block.open.len() == DEPTH_MAX {
            return Err(ScanError { at, message: format!("more than {DEPTH_MAX} tags are open"), hint: None });
        }
        let checked = block.add(&fragment, at, &checks);
        block.open.push((name.to_owned(), at, checked));
        Ok(())
    }

    /// `elsif` and `when` are checked where their block begins: they are evaluated from there.
    fn branch(&mut self, name: &str, fragment: &str, expression: &str, at: usize) -> Result<(), ScanError> {
        let Some(block) = &mut self.block else { return Err(misplaced(name, at)) };
        let Some((_, _, checked)) = block.open.last_mut() else { return Err(misplaced(name, at)) };
        let more: String = paths(expression).iter().map(|path| format!(", {path}")).collect();
        block.code.insert_str(*checked, &more);
        *checked += more.len();
        block.add(fragment, at, &[]);
        Ok(())
    }

    fn close(&mut self, name: &str, fragment: &str, at: usize) -> Result<(), ScanError> {
        let Some(mut block) = self.block.take() else { return Err(misplaced(name, at)) };
        let opened = block.open.pop().map(|(opened, ..)| opened);
        if opened.as_deref() != name.strip_prefix("end") {
            return Err(misplaced(name, at));
        }
        block.add(fragment, at, &[]);
        if !block.open.is_empty() {
            self.block = Some(block);
            return Ok(());
        }
        self.end_block(block)
    }

    fn end_block(&mut self, block: Block) -> Result<(), ScanError> {
        let code = self.parser.code(&block.code).map_err(|error| broken(&error, block.at))?;
        self.nodes.push(Node::Code { code, marks: Arc::new(block.marks), at: block.at });
        Ok(())
    }

    /// Every variable of `expression` must be a value or a local, also where it is never rendered.
    fn check_known(&self, expression: &str, at: usize) -> Result<(), ScanError> {
        for (_, path) in variables(expression) {
            let name = root(path);
            if !self.locals.contains(name)
                && let Some(unknown) = self.known.lacks(path)
            {
                return Err(ScanError { at, message: format!("unknown variable `{unknown}`"), hint: None });
            }
            if !self.known.has(name) && !self.locals.contains(name) {
                let candidates = self.known.names().chain(self.locals.iter().copied());
                let raw = "declare it as a [[question]], or wrap text meant for another engine in {% raw %}";
                let hint = did_you_mean(name, candidates, raw);
                return Err(ScanError { at, message: format!("unknown variable `{name}`"), hint: Some(hint) });
            }
        }
        Ok(())
    }
}

/// The paths of a condition, to be checked before it is evaluated.
fn paths(expression: &str) -> Vec<&str> {
    variables(expression).into_iter().map(|(_, path)| path).collect()
}

/// What a loop runs over: `(a..b)` or a path.
fn looped(expression: &str) -> Option<&str> {
    let expression = expression.trim_start();
    if expression.starts_with('(') {
        return expression.find(')').map(|end| &expression[..=end]);
    }
    variables(expression).first().filter(|(at, _)| *at == 0).map(|(_, path)| *path)
}

/// Whether an output ends in a filter after which nothing is escaped.
fn is_final(inner: &str) -> bool {
    let last = inner.rsplit('|').next().unwrap_or_default();
    inner.contains('|') && FINAL.contains(&last.trim())
}

/// Liquid's grammar takes no tabs between words; in quoted text they stay.
fn spaced(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return text.into();
    }
    let mut quote = None;
    let space = |c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '\t' => return ' ',
            _ => {}
        }
        c
    };
    text.chars().map(space).collect()
}

fn misplaced(name: &str, at: usize) -> ScanError {
    ScanError { at, message: format!("`{{% {name} %}}` does not belong to an open tag"), hint: None }
}

fn broken(error: &liquid_core::Error, at: usize) -> ScanError {
    ScanError { at, message: sentence(error), hint: None }
}
