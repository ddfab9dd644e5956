//! XML: text, tags, attributes, comments, CDATA.

use memchr::{memchr, memchr3};

use crate::template::escape::Context;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Tag,
    Attribute(u8),
    Comment,
    Cdata,
    Instruction,
}

#[derive(Debug, Default)]
pub(super) struct Tracker {
    state: State,
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some(found) = next(self.state, rest) {
            let (state, taken) = step(self.state, &rest[found..]);
            self.state = state;
            rest = &rest[found + taken..];
        }
    }

    pub(super) fn output(&self) -> Context {
        match self.state {
            State::Text | State::Tag | State::Instruction => Context::XmlText,
            State::Attribute(_) => Context::XmlAttribute,
            State::Comment => Context::XmlComment,
            State::Cdata => Context::XmlCdata,
        }
    }
}

/// Where the next byte is that may end the state.
fn next(state: State, rest: &[u8]) -> Option<usize> {
    match state {
        State::Text => memchr(b'<', rest),
        State::Tag => memchr3(b'>', b'"', b'\'', rest),
        State::Attribute(quote) => memchr(quote, rest),
        State::Comment => memchr(b'-', rest),
        State::Cdata => memchr(b']', rest),
        State::Instruction => memchr(b'?', rest),
    }
}

/// The state after the next few bytes, and how many they are.
fn step(state: State, rest: &[u8]) -> (State, usize) {
    match state {
        State::Text if rest.starts_with(b"<!--") => (State::Comment, 4),
        State::Text if rest.starts_with(b"<![CDATA[") => (State::Cdata, 9),
        State::Text if rest.starts_with(b"<?") => (State::Instruction, 2),
        State::Text if rest[0] == b'<' => (State::Tag, 1),
        State::Comment if rest.starts_with(b"-->") => (State::Text, 3),
        State::Cdata if rest.starts_with(b"]]>") => (State::Text, 3),
        State::Instruction if rest.starts_with(b"?>") => (State::Text, 2),
        State::Tag if rest[0] == b'>' => (State::Text, 1),
        State::Tag if matches!(rest[0], b'"' | b'\'') => (State::Attribute(rest[0]), 1),
        State::Attribute(quote) if rest[0] == quote => (State::Tag, 1),
        _ => (state, 1),
    }
}

/// The place after `text`, by looking at every byte.
#[cfg(test)]
pub(super) fn place_after(text: &[u8]) -> Context {
    let mut tracker = Tracker::default();
    let mut at = 0;
    while at < text.len() {
        let (state, taken) = step(tracker.state, &text[at..]);
        tracker.state = state;
        at += taken;
    }
    tracker.output()
}
