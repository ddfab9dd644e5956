//! A table of a manifest, whose errors have a line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ManifestError;
use crate::error::did_you_mean;
use crate::model::question::storable;

/// A table, what it is called, and the text that it was read from.
pub(in crate::template) struct Table<'t> {
    file: &'static str,
    pub(super) source: &'t str,
    /// Such as `[[question]]`.
    pub(in crate::template) title: String,
    entries: &'t DeTable<'t>,
    /// Where the table begins, in bytes.
    pub(in crate::template) start: usize,
}

impl<'t> Table<'t> {
    /// The whole of a manifest, which is in a file of this name.
    pub(in crate::template) fn root(file: &'static str, source: &'t str, entries: &'t DeTable<'t>) -> Self {
        Self { file, source, title: file.to_owned(), entries, start: 0 }
    }

    pub(in crate::template) fn error(&self, at: usize, sentence: impl Into<String>) -> ManifestError {
        ManifestError::at(self.file, self.source, at, sentence)
    }

    /// Refuses keys that are not among `known`.
    pub(in crate::template) fn only(&self, known: &[&str]) -> Result<(), ManifestError> {
        let Some((key, _)) = self.entries.iter().find(|(key, _)| !known.contains(&key.get_ref().as_ref())) else {
            return Ok(());
        };
        let word = key.get_ref().as_ref();
        let error = self.error(key.span().start, format!("`{}` has no key `{}`", self.title, word.escape_debug()));
        let keys = format!("its keys are `{}`", known.join("`, `"));
        Err(error.with_hint(did_you_mean(word, known.iter().copied(), keys)))
    }

    pub(in crate::template) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Where the value of `key` begins; where the table begins when it is not there.
    pub(in crate::template) fn at(&self, key: &str) -> usize {
        self.get(key).map_or(self.start, |value| value.span().start)
    }

    /// Where `key` itself begins; where the table begins when it is not there.
    pub(in crate::template) fn key_at(&self, key: &str) -> usize {
        self.entries.get_key_value(key).map_or(self.start, |(key, _)| key.span().start)
    }

    /// A text without carriage returns. It may hold the characters that an answer may hold: others steer a terminal.
    pub(in crate::template) fn text(&self, key: &str) -> Result<Option<String>, ManifestError> {
        let text = self.typed(key, "text in quotes", |value| value.as_str().map(|text| text.replace("\r\n", "\n")))?;
        text.map(|text| self.storable(key, text)).transpose()
    }

    /// A text that must be there and hold something.
    pub(in crate::template) fn required(&self, key: &str) -> Result<String, ManifestError> {
        match self.text(key)? {
            Some(text) if text.is_empty() => Err(self.error(self.at(key), format!("`{key}` must not be empty"))),
            Some(text) => Ok(text),
            None => Err(self.error(self.start, format!("`{}` needs a key `{key}`", self.title))),
        }
    }

    pub(in crate::template) fn flag(&self, key: &str) -> Result<Option<bool>, ManifestError> {
        self.typed(key, "`true` or `false`", DeValue::as_bool)
    }

    pub(in crate::template) fn integer(&self, key: &str) -> Result<Option<i64>, ManifestError> {
        self.typed(key, "a whole number of 64 bits", |value| {
            let number = value.as_integer()?;
            i64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    pub(in crate::template) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, ManifestError> {
        let texts = self.typed(key, "a list of texts", |value| {
            value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        })?;
        texts.map(|texts| texts.into_iter().map(|text| self.storable(key, text)).collect()).transpose()
    }

    fn storable(&self, key: &str, text: String) -> Result<String, ManifestError> {
        match text.chars().find(|c| !storable(*c)) {
            Some(c) => {
                Err(self.error(self.at(key), format!("`{key}` must not hold the character U+{:04X}", u32::from(c))))
            }
            None => Ok(text),
        }
    }

    /// The table `[key]`.
    pub(in crate::template) fn table(&self, key: &str) -> Result<Option<Table<'t>>, ManifestError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let inside = self.title.strip_prefix('[').and_then(|title| title.strip_suffix(']'));
        let title = inside.map_or_else(|| format!("[{key}]"), |title| format!("[{title}.{}]", key.escape_debug()));
        let start = value.span().start;
        match value.get_ref().as_table() {
            Some(entries) => Ok(Some(Table { file: self.file, source: self.source, title, entries, start })),
            None => Err(self.error(start, format!("`{key}` must be a table, written `{title}`"))),
        }
    }

    /// The tables `[[key]]`, in order.
    pub(in crate::template) fn tables(&self, key: &str) -> Result<Vec<Table<'t>>, ManifestError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let inside = self.title.strip_prefix('[').and_then(|title| title.strip_suffix(']'));
        let title = inside.map_or_else(|| format!("[[{key}]]"), |title| format!("[[{title}.{}]]", key.escape_debug()));
        let wrong = |at| self.error(at, format!("`{key}` must be a list of tables, each written `{title}`"));
        let items = value.get_ref().as_array().ok_or_else(|| wrong(value.span().start))?;
        let table = |item: &'t Spanned<DeValue<'t>>| {
            let start = item.span().start;
            let entries = item.get_ref().as_table().ok_or_else(|| wrong(start))?;
            Ok(Table { file: self.file, source: self.source, title: title.clone(), entries, start })
        };
        items.iter().map(table).collect()
    }

    pub(in crate::template) fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.entries.get(key)
    }

    pub(in crate::template) fn entries(&self) -> impl Iterator<Item = (&'t str, &'t Spanned<DeValue<'t>>)> {
        self.entries.iter().map(|(key, value)| (key.get_ref().as_ref(), value))
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Result<Option<T>, ManifestError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match read(value.get_ref()) {
            Some(read) => Ok(Some(read)),
            None => Err(self.error(value.span().start, format!("`{key}` must be {expected}"))),
        }
    }
}
