//! Writes each output for the place where it stands, once it is known what a file's text is: conditions and loops have
//! been gone through, and each output is a mark in the text.

mod json;
mod shell;
mod shell_command;
mod shell_words;
mod toml;
mod xml;
mod yaml;

use std::io::Write as _;

use serde_json::Value;

use super::budget::{Bounded, full};
use super::escape::{Context, escape, plain_text};
use super::scan::ScanError;

/// Stands in a text for an output. No file that is text holds it.
pub(super) const MARK: char = '\0';

/// What stands where a mark is.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) value: Value,
    /// Where its tag begins in the template's file.
    pub(super) at: usize,
    /// It is written as it is.
    pub(super) is_final: bool,
}

/// A format whose outputs are escaped by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xml,
    Json,
    Yaml,
    Toml,
    Shell,
}

impl Format {
    /// By the file name's extension.
    pub(super) fn of(extension: Option<&str>) -> Option<Self> {
        match extension? {
            "xml" => Some(Self::Xml),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "sh" => Some(Self::Shell),
            _ => None,
        }
    }

    /// Puts the outputs into a text.
    pub(super) fn place(self, text: &str, outputs: &[Output], out: Bounded<'_>) -> Result<Vec<u8>, ScanError> {
        let mut writer = TextWriter { text, outputs, at: 0, next: 0, out };
        match self {
            Self::Xml => {
                follow(
                    &mut writer,
                    &mut xml::Tracker::default(),
                    xml::Tracker::literal,
                    |tracker| Ok(tracker.output()),
                )?
            }
            Self::Json => {
                follow(&mut writer, &mut json::Tracker::default(), json::Tracker::literal, json::Tracker::output)?
            }
            Self::Yaml => yaml::write(&mut writer)?,
            Self::Toml => toml::write(&mut writer)?,
            Self::Shell => write_shell(&mut writer)?,
        }
        writer.fill(text.len(), Context::Nowhere("the file's text cannot be followed"))?;
        Ok(writer.out.into_bytes())
    }
}

/// Writes a text whose outputs stand each by itself.
fn follow<T>(
    writer: &mut TextWriter<'_>,
    tracker: &mut T,
    literal: impl Fn(&mut T, &str),
    output: impl Fn(&T) -> Result<Context, String>,
) -> Result<(), ScanError> {
    while let Some(mark) = writer.next_mark() {
        literal(tracker, &writer.text[writer.at..mark]);
        writer.copy(mark)?;
        let place = output(tracker).map_err(|reason| writer.refusal(reason))?;
        writer.fill(mark + 1, place)?;
    }
    Ok(())
}

fn write_shell(writer: &mut TextWriter<'_>) -> Result<(), ScanError> {
    let mut tracker = shell::Tracker::new(writer.text);
    loop {
        let mark = writer.next_mark();
        let literal = &writer.text[writer.at..mark.unwrap_or(writer.text.len())];
        let before = tracker.literal(literal).map_err(|reason| writer.last_refusal(reason))?;
        writer.insert(before)?;
        let (Some(mark), Some(output)) = (mark, writer.outputs.get(writer.next)) else { return Ok(()) };
        writer.copy(mark)?;
        let written = tracker.output(output).map_err(|reason| writer.refusal(reason))?;
        writer.replace(mark + 1, &written)?;
    }
}

/// A text that is written piece by piece.
struct TextWriter<'p> {
    text: &'p str,
    outputs: &'p [Output],
    /// How far the text has been written.
    at: usize,
    next: usize,
    out: Bounded<'p>,
}

impl<'p> TextWriter<'p> {
    fn has_more(&self) -> bool {
        self.next < self.outputs.len()
    }

    fn next_mark(&self) -> Option<usize> {
        memchr::memchr(0, &self.text.as_bytes()[self.at..]).map(|length| self.at + length)
    }

    /// The outputs of a part of the text that is not yet written and holds the next mark, if any.
    fn upcoming(&self, part: &str) -> &'p [Output] {
        let count = memchr::memchr_iter(0, part.as_bytes()).count();
        self.outputs[self.next..].get(..count).unwrap_or_default()
    }

    /// Copies the text up to `end`, which holds no mark.
    fn copy(&mut self, end: usize) -> Result<(), ScanError> {
        let literal = self.at..end.max(self.at);
        self.at = literal.end;
        self.insert(&self.text[literal])
    }

    /// Copies the text up to `end`, and writes each output in it for `place`.
    fn fill(&mut self, end: usize, place: Context) -> Result<(), ScanError> {
        while let Some(mark) = self.next_mark().filter(|mark| *mark < end) {
            self.copy(mark)?;
            let Some(output) = self.outputs.get(self.next) else {
                return Err(ScanError { at: 0, message: "the text holds a NUL byte".to_owned(), hint: None });
            };
            let written = if output.is_final { Ok(plain_text(&output.value)) } else { escape(&output.value, place) };
            self.replace(mark + 1, &written.map_err(|reason| self.refusal(reason))?)?;
        }
        self.copy(end)
    }

    /// Writes `written` instead of the text up to `end`.
    fn replace(&mut self, end: usize, written: &str) -> Result<(), ScanError> {
        self.next += self.upcoming(&self.text[self.at..end]).len();
        self.at = end;
        self.insert(written)
    }

    fn insert(&mut self, written: &str) -> Result<(), ScanError> {
        let at = self.outputs.get(self.next).or(self.outputs.last()).map_or(0, |output| output.at);
        self.out.write_all(written.as_bytes()).map_err(|error| full(&error, at))
    }

    /// Why the next output cannot be written.
    fn refusal(&self, message: String) -> ScanError {
        let at = self.outputs.get(self.next).or(self.outputs.last()).map_or(0, |output| output.at);
        ScanError { at, message, hint: None }
    }

    /// Why the output before cannot be written.
    fn last_refusal(&self, message: String) -> ScanError {
        let at = self.outputs.get(self.next.saturating_sub(1)).map_or(0, |output| output.at);
        ScanError { at, message, hint: None }
    }
}

/// Why an output cannot follow a backslash.
fn lacks_backslash() -> String {
    "an output cannot stand right after a backslash; write the backslash twice, or put it into the value".to_owned()
}

/// A text with its values in the places of their marks.
fn substituted(text: &str, values: &[String]) -> String {
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values) {
        out.push_str(value);
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is passed over at a stride changes nothing.
        #[test]
        fn json_at_once_is_followed_like_letter_by_letter(text in r#"([a-z ]|\n|\r|: |- |[\\"'|>#\[\]{},<!&]){0,60}"#) {
            let (mut at_once, mut by_letter) = (json::Tracker::default(), json::Tracker::default());
            at_once.literal(&text);
            text.char_indices().for_each(|(at, c)| by_letter.literal(&text[at..at + c.len_utf8()]));
            prop_assert_eq!(at_once.output(), by_letter.output());
            prop_assert_eq!(at_once.output(), json::place_after(&text));
        }

        #[test]
        fn the_next_byte_of_xml_that_matters_is_the_next_that_changes_the_state(
            text in r#"([a-z ]|\n|<!--|-->|<!\[CDATA\[|\]\]>|<\?|\?>|["'<>/=-]){0,60}"#
        ) {
            let mut tracker = xml::Tracker::default();
            tracker.literal(&text);
            prop_assert_eq!(tracker.output(), xml::place_after(text.as_bytes()));
        }
    }
}
