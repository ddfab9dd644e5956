//! TOML: keys, values, the four kinds of strings, comments.

use super::{TextWriter, lacks_backslash, substituted};
use crate::template::escape::{Context, plain_text, toml_literal};
use crate::template::scan::ScanError;

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
struct Tracker {
    state: State,
    /// What to go back to after a string or a comment.
    outer: State,
    /// Open brackets and braces in a value.
    depth: usize,
    escaped: bool,
    /// Bytes since the opening quote of a literal string.
    since_quote: usize,
}

pub(super) fn write(writer: &mut TextWriter<'_>) -> Result<(), ScanError> {
    let mut tracker = Tracker::default();
    while let Some(mark) = writer.next_mark() {
        tracker.literal(&writer.text[writer.at..mark]);
        let end = writer.text[mark..].find(['\'', '\n']).map(|length| mark + length);
        match end.filter(|&end| tracker.state == State::Literal && writer.text[end..].starts_with('\'')) {
            Some(end) => {
                literal_string(writer, mark - tracker.since_quote, end + 1)?;
                tracker.literal("'");
            }
            None => {
                writer.copy(mark)?;
                let place = tracker.output().map_err(|reason| writer.refusal(reason))?;
                writer.fill(mark + 1, place)?;
            }
        }
    }
    Ok(())
}

/// Writes a `'…'` string: as a `"…"` string when a value in it asks for that.
fn literal_string(writer: &mut TextWriter<'_>, start: usize, end: usize) -> Result<(), ScanError> {
    writer.copy(start)?;
    let segment = &writer.text[start..end];
    let outputs = writer.upcoming(segment);
    if outputs.iter().any(|output| output.is_final) {
        return writer.fill(end, Context::TomlLiteralPart);
    }
    let values: Vec<String> = outputs.iter().map(|output| plain_text(&output.value)).collect();
    writer.replace(end, &toml_literal(&substituted(&segment[1..segment.len() - 1], &values)))
}

impl Tracker {
    fn literal(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let taken = self.step(rest);
            rest = &rest[taken..];
        }
    }

    fn output(&self) -> Result<Context, String> {
        Ok(match self.state {
            State::Basic | State::MultiBasic if self.escaped => return Err(lacks_backslash()),
            State::Key => Context::TomlKey,
            State::Value => Context::TomlValue,
            State::Basic | State::MultiBasic => Context::TomlBasic,
            State::Literal => Context::TomlLiteralPart,
            State::MultiLiteral => Context::TomlMultiLiteral,
            State::Comment => Context::Comment,
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
