//! JSON: inside a string, or where a value stands.

use memchr::memchr2;

use super::lacks_backslash;
use crate::template::escape::Context;

#[derive(Debug, Default)]
pub(super) struct Tracker {
    in_string: bool,
    escaped: bool,
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        if self.escaped && !rest.is_empty() {
            self.escaped = false;
            rest = &rest[1..];
        }
        while let Some(found) = memchr2(b'"', b'\\', rest) {
            let escapes = rest[found] == b'\\' && self.in_string;
            self.in_string ^= rest[found] == b'"';
            self.escaped = escapes && found + 1 == rest.len();
            rest = rest.get(found + 1 + usize::from(escapes)..).unwrap_or_default();
        }
    }

    pub(super) fn output(&self) -> Result<Context, String> {
        match (self.in_string, self.escaped) {
            (true, true) => Err(lacks_backslash()),
            (true, false) => Ok(Context::JsonString),
            (false, _) => Ok(Context::JsonValue),
        }
    }
}

/// The place after `text`, by looking at every letter.
#[cfg(test)]
pub(super) fn place_after(text: &str) -> Result<Context, String> {
    let mut tracker = Tracker::default();
    for c in text.chars() {
        match c {
            _ if tracker.escaped => tracker.escaped = false,
            '\\' => tracker.escaped = tracker.in_string,
            '"' => tracker.in_string = !tracker.in_string,
            _ => {}
        }
    }
    tracker.output()
}
