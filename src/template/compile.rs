//! Turns one file's text into nodes: literal stretches, and Liquid code made of our tags alone.
//!
//! In a block (`{% if %}` … `{% endif %}`) Liquid must see where literal text belongs: it gets
//! `{% literal 7 %}` for the seventh stretch, which also tells us where in the file a failure happened.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use liquid_core::Renderable;
use serde_json::Value;

use super::engine::{Engine, Values};
use super::escape::{Place, escape};
use super::filters::{FINAL, PLACED};
use super::place::{Format, Scalar, Tracker};
use super::runtime::{Mark, VALUE_MAX};
use super::scan::{self, Piece, ScanError};
use super::variables::{root, variables};
use crate::error::nearest;

/// Parsed Liquid, shared between files that hold the same tag.
pub(super) type Code = Arc<Vec<Box<dyn Renderable>>>;

/// Most tags that may be open at once: parsing and rendering them is recursive.
const DEPTH_MAX: usize = 100;

/// Longest text of one tag, in bytes: parsing its operators is recursive.
const TAG_MAX: usize = 4000;

/// One part of a compiled file, in order.
#[derive(Debug)]
pub(super) enum Node {
    /// Copied from the file's text.
    Literal(Range<usize>),
    /// What a variable alone gives where it stands, which is at byte `at`.
    Text { text: String, at: usize },
    /// Rendered by Liquid; the tag begins at byte `at`.
    Code { code: Code, marks: Arc<Vec<Mark>>, at: usize },
}

/// Compiles `text`. `known` holds the names of all values.
pub(super) fn compile(
    engine: &Engine,
    text: &str,
    format: Option<Format>,
    known: &Values,
) -> Result<Vec<Node>, ScanError> {
    let pieces = scan::scan(text)?;
    let mut compiler = Compiler {
        engine,
        text,
        known,
        locals: locals(&pieces),
        tracker: format.map(Format::tracker),
        last_output: pieces.iter().rev().find_map(Piece::output_at).unwrap_or_default(),
        nodes: Vec::new(),
        block: None,
    };
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
    engine: &'t Engine,
    text: &'t str,
    known: &'t Values,
    locals: BTreeSet<&'t str>,
    tracker: Option<Tracker>,
    /// Where the last output begins: what follows it need not be tracked.
    last_output: usize,
    nodes: Vec<Node>,
    block: Option<Block>,
}

impl Compiler<'_> {
    fn pieces(&mut self, pieces: &[Piece<'_>]) -> Result<(), ScanError> {
        let mut i = 0;
        while i < pieces.len() {
            match &pieces[i] {
                Piece::Literal(range) => self.literal(range.clone()),
                Piece::Tag { name, rest, at } => self.tag(name, rest, *at)?,
                Piece::Output { inner, at } => match self.group(&pieces[i..]) {
                    Some(group) => {
                        self.scalar(&pieces[i..], &group)?;
                        i += group.pieces;
                        continue;
                    }
                    None => self.output(inner, *at, &pieces[i + 1..])?,
                },
            }
            i += 1;
        }
        Ok(())
    }

    fn literal(&mut self, range: Range<usize>) {
        self.track(range.clone());
        let text = &self.text[range.clone()];
        match &mut self.block {
            Some(block) => block.literal.push_str(text),
            None if range.is_empty() => {}
            None => self.nodes.push(Node::Literal(range)),
        }
    }

    fn track(&mut self, literal: Range<usize>) {
        if let Some(tracker) = self.tracker.as_mut().filter(|_| literal.start < self.last_output) {
            tracker.literal(&self.text[literal]);
        }
    }

    fn output(&mut self, inner: &str, at: usize, next: &[Piece<'_>]) -> Result<(), ScanError> {
        self.check_known(inner, at)?;
        let flow = self.tracker.as_ref().and_then(Tracker::scalar).is_some_and(|scalar| scalar.flow);
        let place = self.tracker.as_mut().map(Tracker::output);
        let place = match place {
            Some(Place::YamlValue) if self.goes_on(next, flow) => Some(Place::YamlPart),
            _ => place,
        };
        if let Some(text) = self.simple(inner, place) {
            self.nodes.push(Node::Text { text, at });
            return Ok(());
        }
        let fragment = if is_final(inner) {
            format!("{{{{ {} }}}}", spaced(inner))
        } else {
            let code = place.map_or_else(|| "text".to_owned(), Place::code);
            format!("{{{{ {} | {PLACED}: \"{code}\" }}}}", spaced(inner))
        };
        self.code(&fragment, at)
    }

    /// What an output gives that is nothing but the name of a text, as most are: Liquid need not be asked. `None` where it
    /// must be: in a block, and for what cannot be written.
    fn simple(&self, inner: &str, place: Option<Place>) -> Option<String> {
        let text = self.known_text(inner)?;
        match place {
            Some(place) => escape(&Value::from(text), place).ok(),
            None => Some(text),
        }
    }

    /// The text of a variable that has one, and keeps it throughout the file.
    fn known_text(&self, inner: &str) -> Option<String> {
        let path = inner.trim();
        let is_known = self.block.is_none() && !self.locals.contains(root(path));
        is_known.then(|| self.known.text(path)).flatten()
    }

    /// Whether more of a YAML scalar stands behind the tags that follow an output.
    fn goes_on(&self, next: &[Piece<'_>], flow: bool) -> bool {
        let tags = next.iter().take_while(|piece| matches!(piece, Piece::Tag { .. })).count();
        match next.get(tags) {
            Some(Piece::Literal(range)) if tags > 0 => {
                let whole = Scalar { place: Place::YamlPlain, before: 0, flow };
                Tracker::scalar_end(whole, &self.text[range.clone()]) != Some(0)
            }
            Some(Piece::Output { .. }) => tags > 0,
            _ => false,
        }
    }

    /// A tag on its own: in a block it becomes a part of it.
    fn code(&mut self, fragment: &str, at: usize) -> Result<(), ScanError> {
        if let Some(block) = &mut self.block {
            block.add(fragment, at, &[]);
            return Ok(());
        }
        let code = self.engine.code(fragment).map_err(|error| broken(&error, at))?;
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
        let code = self.engine.code(&block.code).map_err(|error| broken(&error, block.at))?;
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
                let hint = nearest(name, candidates).map_or_else(
                    || "declare it as a [[question]], or wrap text meant for another engine in {% raw %}".to_owned(),
                    |good| format!("did you mean `{good}`?"),
                );
                return Err(ScanError { at, message: format!("unknown variable `{name}`"), hint: Some(hint) });
            }
        }
        Ok(())
    }

    /// The scalar that begins at or before these pieces and is more than one output.
    fn group(&self, pieces: &[Piece<'_>]) -> Option<Group> {
        let scalar = self.tracker.as_ref()?.scalar()?;
        let plain = scalar.place == Place::YamlPlain;
        let mut group = Group { scalar, pieces: 0, end: 0 };
        let mut closed = plain;
        for piece in pieces {
            match piece {
                Piece::Output { inner, .. } if is_final(inner) => return None,
                Piece::Output { .. } => group.pieces += 1,
                Piece::Tag { .. } => break,
                Piece::Literal(range) => {
                    let text = &self.text[range.clone()];
                    let last = (plain && range.end == self.text.len()).then(|| text.trim_end().len());
                    let end = Tracker::scalar_end(scalar, text).or(last);
                    group.end = end.unwrap_or(text.len());
                    group.pieces += usize::from(group.end > 0);
                    closed |= end.is_some();
                    if end.is_some() {
                        break;
                    }
                }
            }
        }
        let alone = plain && group.pieces == 1 && scalar.before == 0;
        (closed && !alone && self.holds(scalar.before)).then_some(group)
    }

    /// Whether the literal before the tag still has so many bytes to give to a scalar.
    fn holds(&self, before: usize) -> bool {
        match (&self.block, self.nodes.last()) {
            (Some(block), _) => block.literal.len() >= before,
            (None, Some(Node::Literal(range))) => range.len() >= before,
            (None, _) => before == 0,
        }
    }

    /// Compiles a scalar that is written as a whole.
    fn scalar(&mut self, pieces: &[Piece<'_>], group: &Group) -> Result<(), ScanError> {
        let at = match &pieces[0] {
            Piece::Output { at, .. } | Piece::Tag { at, .. } => *at,
            Piece::Literal(range) => range.start,
        };
        let before = self.take_back(group.scalar.before);
        let before = unquote(&before, group.scalar.place, true);
        let (members, rest) = self.members(&pieces[..group.pieces], group);
        match self.simple_scalar(&before, &members, group.scalar.place) {
            Some(text) => self.nodes.push(Node::Text { text, at }),
            None => self.scalar_block(before, &members, group.scalar.place, at)?,
        }
        self.follow(&pieces[..group.pieces], rest.start);
        self.literal(rest);
        Ok(())
    }

    /// What a scalar is made of, without its quotes, and the part of the last literal that is not in it.
    fn members<'p>(&self, pieces: &[Piece<'p>], group: &Group) -> (Vec<Member<'p>>, Range<usize>) {
        let mut rest = self.text.len()..self.text.len();
        let mut members = Vec::with_capacity(pieces.len());
        for (i, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Output { inner, at } => members.push(Member::Output { inner, at: *at }),
                Piece::Literal(range) if i + 1 == pieces.len() => {
                    rest = range.start + group.end..range.end;
                    let text = &self.text[range.start..rest.start];
                    members.push(Member::Text(unquote(text, group.scalar.place, false)));
                }
                Piece::Literal(range) => members.push(Member::Text(self.text[range.clone()].to_owned())),
                Piece::Tag { .. } => {}
            }
        }
        (members, rest)
    }

    /// As `simple`, of a scalar that holds nothing but text and such outputs.
    fn simple_scalar(&self, before: &str, members: &[Member<'_>], place: Place) -> Option<String> {
        let mut whole = before.to_owned();
        for member in members {
            match member {
                Member::Text(text) => whole.push_str(text),
                Member::Output { inner, .. } => whole.push_str(&self.known_text(inner)?),
            }
        }
        (whole.len() <= VALUE_MAX).then(|| escape(&Value::from(whole), place).ok()).flatten()
    }

    fn scalar_block(
        &mut self,
        before: String,
        members: &[Member<'_>],
        place: Place,
        at: usize,
    ) -> Result<(), ScanError> {
        let standalone = self.block.is_none();
        let mut block = self.block.take().unwrap_or_else(|| Block::new(at));
        block.add(&format!("{{% scalar \"{}\" %}}", place.code()), at, &[]);
        block.literal = before;
        for member in members {
            match member {
                Member::Text(text) => block.literal.push_str(text),
                Member::Output { inner, at } => {
                    self.check_known(inner, *at)?;
                    block.add(&format!("{{{{ {} }}}}", spaced(inner)), *at, &[]);
                }
            }
        }
        block.add("{% endscalar %}", at, &[]);
        if standalone {
            return self.end_block(block);
        }
        self.block = Some(block);
        Ok(())
    }

    /// Has the tracker follow the pieces of a scalar, up to byte `end`.
    fn follow(&mut self, pieces: &[Piece<'_>], end: usize) {
        for piece in pieces {
            match (piece, &mut self.tracker) {
                (Piece::Output { .. }, Some(tracker)) => drop(tracker.output()),
                (Piece::Literal(range), _) => self.track(range.start..range.end.min(end)),
                _ => {}
            }
        }
    }

    /// Takes the last bytes of the literal before the tag back.
    fn take_back(&mut self, bytes: usize) -> String {
        if let Some(block) = &mut self.block {
            let start = block.literal.len() - bytes;
            return block.literal.split_off(start);
        }
        match self.nodes.last_mut() {
            Some(Node::Literal(range)) if bytes > 0 => {
                range.end -= bytes;
                self.text[range.end..range.end + bytes].to_owned()
            }
            _ => String::new(),
        }
    }
}

/// A scalar to be written as a whole: so many pieces, the last of them a literal that gives `end` bytes.
struct Group {
    scalar: Scalar,
    pieces: usize,
    end: usize,
}

/// A part of a scalar.
enum Member<'t> {
    Text(String),
    Output { inner: &'t str, at: usize },
}

/// The text of a scalar without the quotes of its place.
fn unquote(text: &str, place: Place, opening: bool) -> String {
    if place == Place::YamlPlain {
        return text.to_owned();
    }
    let inner = if opening { text.strip_prefix('\'') } else { text.strip_suffix('\'') }.unwrap_or(text);
    if place == Place::YamlSingle { inner.replace("''", "'") } else { inner.to_owned() }
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
    ScanError { at, message: super::engine::sentence(error), hint: None }
}
