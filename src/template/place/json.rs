//! JSON: inside a string, or where a value stands.

use crate::template::escape::Place;

#[derive(Debug, Default)]
pub(in crate::template) struct Tracker {
    in_string: bool,
    escaped: bool,
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.in_string,
                b'"' => self.in_string = !self.in_string,
                _ => {}
            }
        }
    }

    pub(super) fn output(&self) -> Place {
        if self.in_string { Place::JsonString } else { Place::JsonValue }
    }
}
