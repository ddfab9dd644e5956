//! YAML: plain and quoted scalars, block scalars, comments.

use super::Scalar;
use crate::template::escape::Place;

/// Characters that may change the state in a plain line.
const MATTERS: [bool; 256] = {
    let (mut matters, mut rest) = ([false; 256], br#""'|>#[]{}"#.as_slice());
    while let [first, others @ ..] = rest {
        matters[*first as usize] = true;
        rest = others;
    }
    matters
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between scalars, or in a plain one.
    #[default]
    Plain,
    Double,
    Single,
    Comment,
    /// A block scalar whose parent is indented by so many spaces.
    Block(usize),
}

#[derive(Debug, Default)]
pub(in crate::template) struct Tracker {
    state: State,
    /// The line read so far; an output is one `\0`.
    line: String,
    escaped: bool,
    /// Where on the line the scalar begins that we are in.
    scalar: Option<usize>,
    /// An output is in that scalar already.
    joined: bool,
    /// Brackets and braces that are open.
    flow: usize,
    /// `scalar` and `joined` of the single-quoted scalar that the last character closed: one more quote and it goes on.
    closed: Option<(usize, bool)>,
    /// The first line of a block scalar's text was read: its indentation.
    block_indent: Option<usize>,
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            if self.line.is_empty() && self.changes_nothing(line) {
                continue;
            }
            for c in line.chars() {
                match c {
                    '\n' => self.end_line(),
                    _ => self.character(c),
                }
            }
        }
    }

    /// Whether a whole line leaves the state as it was: most do, and need not be looked at letter by letter.
    fn changes_nothing(&self, line: &str) -> bool {
        let whole = line.ends_with('\n');
        match self.state {
            State::Plain => whole && !line.bytes().any(|byte| MATTERS[usize::from(byte)]),
            State::Block(parent) => {
                whole && self.block_indent.is_some() && line.len() - line.trim_start_matches(' ').len() > parent
            }
            State::Double | State::Single | State::Comment => false,
        }
    }

    pub(super) fn output(&mut self) -> Place {
        let place = match self.state {
            State::Plain if self.scalar.is_none() => Place::YamlValue,
            State::Plain => Place::YamlPart,
            State::Double => Place::YamlDouble,
            State::Single => Place::YamlSinglePart,
            State::Comment => Place::Comment,
            State::Block(_) => self.block(),
        };
        self.scalar.get_or_insert(self.line.len());
        self.joined = true;
        self.line.push('\0');
        place
    }

    /// The scalar that an output here would be in, unless its beginning is on another line or behind another tag.
    pub(super) fn scalar(&self) -> Option<Scalar> {
        let place = match self.state {
            State::Plain => Place::YamlPlain,
            State::Single => Place::YamlSingle,
            _ => return None,
        };
        if self.joined || (self.state == State::Single && self.scalar.is_none()) {
            return None;
        }
        let before = self.scalar.map_or(0, |start| self.line.len() - start);
        Some(Scalar { place, before, flow: self.flow > 0 })
    }

    fn block(&mut self) -> Place {
        let here = self.line.len() - self.line.trim_start_matches(' ').len();
        let first = self.block_indent.is_none() && self.line.chars().all(|c| c == ' ');
        let indent = *self.block_indent.get_or_insert(here);
        Place::YamlBlock(indent, first)
    }

    fn character(&mut self, c: char) {
        match (self.state, self.closed.take()) {
            (State::Plain, Some((scalar, joined))) if c == '\'' => {
                self.state = State::Single;
                self.scalar = Some(scalar);
                self.joined = joined;
            }
            (state, _) => self.inside(state, c),
        }
        self.line.push(c);
    }

    fn inside(&mut self, state: State, c: char) {
        match state {
            State::Plain => self.plain(c),
            State::Double => self.double(c),
            State::Single if c == '\'' => {
                self.closed = self.scalar.map(|scalar| (scalar, self.joined));
                self.end_scalar();
            }
            State::Block(parent) if c != ' ' && self.line.chars().all(|c| c == ' ') => self.block_line(parent, c),
            State::Single | State::Comment | State::Block(_) => {}
        }
    }

    /// The first character of a line that may still belong to a block scalar.
    fn block_line(&mut self, parent: usize, c: char) {
        if self.line.len() > parent || c == '\r' {
            if c != '\r' {
                self.block_indent.get_or_insert(self.line.len());
            }
        } else {
            self.state = State::Plain;
            self.block_indent = None;
            self.plain(c);
        }
    }

    fn double(&mut self, c: char) {
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' => self.escaped = true,
            '"' => self.end_scalar(),
            _ => {}
        }
    }

    fn end_scalar(&mut self) {
        self.state = State::Plain;
        self.scalar = None;
        self.joined = false;
    }

    fn plain(&mut self, c: char) {
        let after_space = self.line.is_empty() || self.line.ends_with([' ', '\t']);
        match c {
            '#' if after_space => self.state = State::Comment,
            '"' | '\'' if self.scalar.is_none() => {
                self.state = if c == '"' { State::Double } else { State::Single };
                self.scalar = Some(self.line.len());
            }
            ' ' | '\t' if self.ends_in_indicator() || self.is_property() => self.end_scalar(),
            '[' | '{' if self.scalar.is_none() => self.flow += 1,
            ',' if self.flow > 0 => self.end_scalar(),
            ']' | '}' if self.flow > 0 => {
                self.flow -= 1;
                self.end_scalar();
            }
            ' ' | '\t' | '\r' => {}
            _ => {
                self.scalar.get_or_insert(self.line.len());
            }
        }
    }

    /// The line so far ends in `key:`, `-` or `?`, so that a space begins a new value.
    fn ends_in_indicator(&self) -> bool {
        let before = |mark: &str| self.line.strip_suffix(mark);
        self.line.ends_with(':')
            || before("-").or_else(|| before("?")).is_some_and(|rest| rest.is_empty() || rest.ends_with([' ', '-']))
    }

    /// The scalar so far is a tag (`!!str`) or an anchor (`&name`), which only comes before a value.
    fn is_property(&self) -> bool {
        self.scalar.is_some_and(|start| self.line[start..].starts_with(['!', '&']))
    }

    fn end_line(&mut self) {
        match self.state {
            State::Plain => self.end_plain_line(),
            State::Comment => {
                self.state = State::Plain;
                self.end_plain_line();
            }
            State::Double | State::Single => self.joined = true,
            State::Block(_) => {}
        }
        self.closed = None;
        self.line.clear();
    }

    fn end_plain_line(&mut self) {
        if opens_block(&self.line) {
            self.state = State::Block(parent_indent(&self.line));
            self.block_indent = None;
        }
        self.scalar = None;
        self.joined = false;
    }
}

/// Whether a line ends in `|` or `>`, with indicators, where a value stands.
fn opens_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let body = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
    let Some(before) = body.strip_suffix(['|', '>']) else { return false };
    let before = before.trim_end();
    let last_word = before.rsplit(' ').next().unwrap_or_default();
    let after_indicator =
        before.len() + 1 < body.len() && (last_word.ends_with([':', '-']) || last_word.starts_with(['&', '!']));
    after_indicator || (before.is_empty() && line.len() == 1)
}

/// The indentation of the node that a block scalar on this line belongs to: leading `- ` count when a key follows them.
fn parent_indent(line: &str) -> usize {
    let mut indent = 0;
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start_matches(' ');
        indent += rest.len() - trimmed.len();
        match trimmed.strip_prefix("- ") {
            Some(after) if !after.trim_start().starts_with(['|', '>']) => {
                indent += 2;
                rest = after;
            }
            _ => return indent,
        }
    }
}

/// Where a plain scalar ends: at the end of the line, before ` #` or `: `, and in a flow collection before `,`, `]` or
/// `}`. `None`: not in this text.
pub(super) fn plain_end(text: &str, flow: bool) -> Option<usize> {
    let line_end = text.find('\n');
    let line = &text[..line_end.unwrap_or(text.len())];
    let stops: &[&str] = if flow { &[": ", " #", ",", "]", "}"] } else { &[": ", " #"] };
    let stop = stops.iter().filter_map(|stop| line.find(stop));
    let key = line_end.and_then(|_| line.trim_end().strip_suffix(':')).map(str::len);
    let end = stop.chain(key).min().or(line_end)?;
    Some(line[..end].trim_end().len())
}

/// Where a single-quoted scalar ends, its closing quote included, if it does so on this line.
pub(super) fn single_end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(['\'', '\n'])?;
        if text[at..].starts_with('\n') {
            return None;
        }
        if !text[at..].starts_with("''") {
            return Some(at + 1);
        }
        from = at + 2;
    }
}
