//! TOML: keys, values, the four kinds of strings, comments.

use super::Scalar;
use crate::template::escape::Place;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Key,
    Value,
    Basic,
    Literal,
    MultiBasic,
    MultiLiteral,
    Comment,
}

#[derive(Debug, Default)]
pub(in crate::template) struct Tracker {
    state: State,
    /// What to go back to after a string or a comment.
    outer: State,
    /// Open brackets and braces in a value.
    depth: usize,
    escaped: bool,
    /// Bytes since the opening quote of a literal string.
    since_quote: usize,
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let taken = self.step(rest);
            rest = &rest[taken..];
        }
    }

    pub(super) fn output(&mut self) -> Place {
        self.since_quote = usize::MAX / 2;
        match self.state {
            State::Key => Place::TomlKey,
            State::Value => Place::TomlValue,
            State::Basic | State::MultiBasic => Place::TomlBasic,
            State::Literal => Place::TomlLiteralPart,
            State::MultiLiteral => Place::TomlMultiLiteral,
            State::Comment => Place::Comment,
        }
    }

    pub(super) fn scalar(&self) -> Option<Scalar> {
        (self.state == State::Literal && self.since_quote < usize::MAX / 2).then_some(Scalar {
            place: Place::TomlLiteral,
            before: self.since_quote,
            flow: false,
        })
    }

    fn step(&mut self, rest: &[u8]) -> usize {
        match self.state {
            State::Key | State::Value => self.outside(rest),
            State::Comment => self.comment(rest[0]),
            State::Basic if self.escaped => self.unescape(),
            State::MultiBasic if self.escaped => self.unescape(),
            State::Basic | State::MultiBasic if rest[0] == b'\\' => {
                self.escaped = true;
                1
            }
            State::Basic => self.close(rest, b"\""),
            State::MultiBasic => self.close(rest, b"\"\"\""),
            State::Literal => self.close(rest, b"'"),
            State::MultiLiteral => self.close(rest, b"'''"),
        }
    }

    fn unescape(&mut self) -> usize {
        self.escaped = false;
        1
    }

    fn close(&mut self, rest: &[u8], quotes: &[u8]) -> usize {
        self.since_quote = self.since_quote.saturating_add(1);
        if rest.starts_with(quotes) {
            self.state = self.outer;
            quotes.len()
        } else {
            1
        }
    }

    fn comment(&mut self, byte: u8) -> usize {
        if byte == b'\n' {
            self.state = self.outer;
            self.outside(b"\n");
        }
        1
    }

    fn outside(&mut self, rest: &[u8]) -> usize {
        let in_value = self.state == State::Value;
        match rest[0] {
            b'#' => self.enter(State::Comment, 1),
            b'"' if rest.starts_with(b"\"\"\"") => self.enter(State::MultiBasic, 3),
            b'"' => self.enter(State::Basic, 1),
            b'\'' if rest.starts_with(b"'''") => self.enter(State::MultiLiteral, 3),
            b'\'' => self.enter(State::Literal, 1),
            byte => {
                self.punctuation(byte, in_value);
                1
            }
        }
    }

    fn punctuation(&mut self, byte: u8, in_value: bool) {
        match byte {
            b'=' => self.state = State::Value,
            b'[' | b'{' if in_value => self.depth += 1,
            b']' | b'}' if in_value => self.depth = self.depth.saturating_sub(1),
            b'\n' if self.depth == 0 => self.state = State::Key,
            _ => {}
        }
    }

    fn enter(&mut self, state: State, length: usize) -> usize {
        self.outer = self.state;
        self.state = state;
        self.since_quote = 1;
        length
    }
}
