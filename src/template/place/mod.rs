//! Where an output stands: follows a file's literal text and knows the syntax around each tag.
//!
//! Branches of conditions are followed one after the other, as if all of them were taken.

mod json;
mod shell;
mod toml;
mod xml;
mod yaml;

use super::escape::Place;

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

    pub(super) fn tracker(self) -> Tracker {
        match self {
            Self::Xml => Tracker::Xml(xml::Tracker::default()),
            Self::Json => Tracker::Json(json::Tracker::default()),
            Self::Yaml => Tracker::Yaml(yaml::Tracker::default()),
            Self::Toml => Tracker::Toml(toml::Tracker::default()),
            Self::Shell => Tracker::Shell(shell::Tracker::default()),
        }
    }
}

/// Follows the text of one file.
#[derive(Debug)]
pub(super) enum Tracker {
    Xml(xml::Tracker),
    Json(json::Tracker),
    Yaml(yaml::Tracker),
    Toml(toml::Tracker),
    Shell(shell::Tracker),
}

/// A scalar on one line whose quoting depends on the values in it: it is written as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// How the whole is written.
    pub(super) place: Place,
    /// How many bytes of the literal before the tag belong to it, its opening quote included.
    pub(super) before: usize,
    /// It stands in a flow collection.
    pub(super) flow: bool,
}

impl Tracker {
    /// Follows a literal.
    pub(super) fn literal(&mut self, text: &str) {
        match self {
            Self::Xml(tracker) => tracker.literal(text),
            Self::Json(tracker) => tracker.literal(text),
            Self::Yaml(tracker) => tracker.literal(text),
            Self::Toml(tracker) => tracker.literal(text),
            Self::Shell(tracker) => tracker.literal(text),
        }
    }

    /// Follows an output, and says where it stands.
    pub(super) fn output(&mut self) -> Place {
        match self {
            Self::Xml(tracker) => tracker.output(),
            Self::Json(tracker) => tracker.output(),
            Self::Yaml(tracker) => tracker.output(),
            Self::Toml(tracker) => tracker.output(),
            Self::Shell(tracker) => tracker.output(),
        }
    }

    /// Whether an output here would be in a scalar that must be written as a whole.
    pub(super) fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::Yaml(tracker) => tracker.scalar(),
            Self::Toml(tracker) => tracker.scalar(),
            Self::Xml(_) | Self::Json(_) | Self::Shell(_) => None,
        }
    }

    /// Where such a scalar ends in the literal that follows a tag: the bytes of it that belong to it, closing quote
    /// included. `None`: it goes on beyond this literal.
    pub(super) fn scalar_end(scalar: Scalar, text: &str) -> Option<usize> {
        match scalar.place {
            Place::YamlSingle => yaml::single_end(text),
            Place::TomlLiteral => {
                text.find(['\'', '\n']).filter(|&end| text[end..].starts_with('\'')).map(|end| end + 1)
            }
            _ => yaml::plain_end(text, scalar.flow),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is passed over at a stride changes nothing.
        #[test]
        fn a_text_at_once_is_followed_like_letter_by_letter(text in r#"([a-z ]|\n|\r|: |- |[\\"'|>#\[\]{},<!&]){0,60}"#) {
            for format in [Format::Json, Format::Yaml] {
                let (mut at_once, mut by_letter) = (format.tracker(), format.tracker());
                at_once.literal(&text);
                text.char_indices().for_each(|(at, c)| by_letter.literal(&text[at..at + c.len_utf8()]));
                prop_assert_eq!(at_once.scalar(), by_letter.scalar());
                prop_assert_eq!(at_once.output(), by_letter.output());
            }
            let mut json = json::Tracker::default();
            json.literal(&text);
            prop_assert_eq!(json.output(), json::place_after(&text));
        }

        #[test]
        fn the_next_byte_of_xml_that_matters_is_the_next_that_changes_the_state(
            text in r#"([a-z ]|\n|<!--|-->|<!\[CDATA\[|\]\]>|<\?|\?>|["'<>/=-]){0,60}"#
        ) {
            let mut tracker = Format::Xml.tracker();
            tracker.literal(&text);
            prop_assert_eq!(tracker.output(), xml::place_after(text.as_bytes()));
        }
    }
}
