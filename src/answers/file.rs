//! Files of answers: what `--answers` names, and the `[answers]` of the user's config.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::problem::shown_text;
use crate::error::{Blame, Fault, nearest};
use crate::model::value::from_toml;
use crate::openapi::document;

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// The table of the user's config that holds answers.
const TABLE: &str = "answers";

/// A file's answers by key, as they are written there.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswersFile {
    /// As it was given.
    pub path: PathBuf,
    /// The keys in order of the file.
    pub values: Map<String, Value>,
}

/// Why a file gives no answers.
#[derive(Debug, thiserror::Error)]
pub enum AnswersFileError {
    /// The system will not open or read it.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// As it was given.
        path: PathBuf,
    },
    /// Larger than [`MAX_FILE`].
    #[error("`{}` is larger than 1 MiB", path.display())]
    TooLarge {
        /// As it was given.
        path: PathBuf,
    },
    /// Not the notation that it should be.
    #[error("`{}`{}: {message}", path.display(), place(*line, *column))]
    NotRead {
        /// As it was given.
        path: PathBuf,
        /// From 1, where known.
        line: Option<usize>,
        /// From 1, where known.
        column: Option<usize>,
        /// What is wrong, as half a sentence.
        message: String,
    },
    /// A key of the config that nothing reads, and that is nearly one that is read.
    #[error("`{}`: there is no key `{key}`", path.display())]
    Unknown {
        /// As it was given.
        path: PathBuf,
        /// As it is written.
        key: String,
    },
    /// A list or a single value where keys with answers should be.
    #[error("`{}` holds no table of answers", path.display())]
    NotATable {
        /// As it was given.
        path: PathBuf,
    },
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" line {line}, column {column}"),
        (Some(line), None) => format!(" line {line}"),
        _ => String::new(),
    }
}

impl Blame for AnswersFileError {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some(format!("did you mean `[{TABLE}]`?")),
            Self::NotATable { .. } => {
                Some("write an answer a line: `title = \"My API\"` or `title: My API`".to_owned())
            }
            _ => None,
        }
    }
}

/// Reads answers in TOML, YAML or JSON, by the extension `toml`, `yaml`, `yml` or `json`; another file is TOML if it
/// can be read so. Dates become text. A file without anything in it has no answers.
///
/// # Errors
/// What cannot be read, is no file, is larger than 1 MiB, is not the notation, or has something other than a table
/// at its top.
pub fn read(path: &Path) -> Result<AnswersFile, AnswersFileError> {
    let bytes = bytes(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    let values = match extension.as_deref() {
        Some("toml") => toml(path, &bytes),
        Some("yaml" | "yml" | "json") => document(path, &bytes),
        _ => toml(path, &bytes).or_else(|as_toml| {
            let begins_as_json = bytes.trim_ascii_start().starts_with(b"{");
            document(path, &bytes).map_err(|as_document| if begins_as_json { as_document } else { as_toml })
        }),
    }?;
    Ok(AnswersFile { path: path.to_owned(), values })
}

/// The `[answers]` of the user's config, which is TOML; no answers when it has no such table, and `None` when there
/// is no such file.
///
/// # Errors
/// Those of [`read`].
pub fn config(path: &Path) -> Result<Option<AnswersFile>, AnswersFileError> {
    let bytes = match bytes(path) {
        Err(AnswersFileError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        bytes => bytes?,
    };
    let mut keys = toml(path, &bytes)?;
    if let Some(key) = keys.keys().find(|key| *key != TABLE && nearest(key, [TABLE]).is_some()) {
        return Err(AnswersFileError::Unknown { path: path.to_owned(), key: shown_text(key) });
    }
    let values = match keys.remove(TABLE) {
        None => Map::new(),
        Some(Value::Object(values)) => values,
        Some(_) => return Err(AnswersFileError::NotATable { path: path.to_owned() }),
    };
    Ok(Some(AnswersFile { path: path.to_owned(), values }))
}

/// The text that the user's config gives for `key`, beside its tables; `None` when it has none, or does not exist.
///
/// # Errors
/// Those of [`read`], and `NotRead` for something other than a text.
pub fn setting(path: &Path, key: &str) -> Result<Option<String>, AnswersFileError> {
    if !path.exists() {
        return Ok(None);
    }
    match toml(path, &bytes(path)?)?.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(AnswersFileError::NotRead {
            path: path.to_owned(),
            line: None,
            column: None,
            message: format!("`{key}` must be a text"),
        }),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, AnswersFileError> {
    let unreadable = |source| AnswersFileError::Unreadable { path: path.to_owned(), source };
    // Before it is opened: opening a pipe waits until somebody writes.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(AnswersFileError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        Ok(bytes)
    } else {
        Err(AnswersFileError::TooLarge { path: path.to_owned() })
    }
}

fn toml(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>, AnswersFileError> {
    let not_read = |at: Option<usize>, message: String| {
        let before = at.map(|at| String::from_utf8_lossy(bytes.get(..at).unwrap_or(bytes)));
        let line = before.as_ref().map(|before| before.matches('\n').count() + 1);
        let column = before.as_ref().map(|before| before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        AnswersFileError::NotRead { path: path.to_owned(), line, column, message }
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| not_read(Some(error.valid_up_to()), "the text is not UTF-8".to_owned()))?;
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        not_read(error.span().map(|span| span.start), message)
    })?;
    Ok(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
}

fn document(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>, AnswersFileError> {
    let value = document::parse(bytes).map_err(|error| {
        let document::ParseError { line, column, message } = error;
        AnswersFileError::NotRead { path: path.to_owned(), line, column, message }
    })?;
    match value {
        Value::Object(values) => Ok(values),
        Value::Null => Ok(Map::new()),
        _ => Err(AnswersFileError::NotATable { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::{any, prop_assert, proptest};
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::{AnswersFileError, MAX_FILE, config, document, read, toml};
    use crate::error::{Blame as _, Fault};

    fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        (folder, path)
    }

    fn values(name: &str, content: impl AsRef<[u8]>) -> Value {
        let (_folder, path) = file(name, content);
        let answers = read(&path).expect("good");
        assert_eq!(answers.path, path);
        Value::Object(answers.values)
    }

    fn refusal(name: &str, content: impl AsRef<[u8]>) -> AnswersFileError {
        let (_folder, path) = file(name, content);
        read(&path).expect_err("refused")
    }

    #[test]
    fn the_extension_names_the_notation() {
        let want = json!({"title": "A: b", "port": 443, "tags": ["x"], "day": "2024-01-02"});
        let toml = "title = \"A: b\"\nport = 443\ntags = [\"x\"]\nday = 2024-01-02\n";
        let yaml = "title: 'A: b'\nport: 443\ntags: [x]\nday: 2024-01-02\n";
        for (name, text) in [("a.toml", toml), ("a.TOML", toml), ("a.yaml", yaml), ("a.yml", yaml)] {
            assert_eq!(values(name, text), want, "{name}");
        }
        assert_eq!(values("a.json", want.to_string()), want);
        for text in [toml, yaml, &want.to_string()] {
            assert_eq!(values("answers", text), want, "{text}");
        }
        assert_eq!(values("a.toml", "\u{feff}port = 443"), json!({"port": 443}));
    }

    #[test]
    fn a_file_without_anything_has_no_answers() {
        for name in ["a.toml", "a.yaml", "a.json", "a"] {
            assert_eq!(values(name, "# nothing\n"), json!({}), "{name}");
        }
    }

    #[test]
    fn an_error_has_file_line_and_column() {
        for (name, text) in [
            ("a.toml", "a = 1\nb = = 2"),
            ("a.json", "{\n\"a\" 1}"),
            ("a.yaml", "a: 1\nb: [\n"),
            ("a", "a = 1\nb = = 2"),
        ] {
            let AnswersFileError::NotRead { path, line, column, .. } = refusal(name, text) else { panic!("{name}") };
            assert!(path.ends_with(name));
            assert!(line >= Some(2) && column.is_some(), "{name} {line:?} {column:?}");
        }
        let error = refusal("a.toml", "é = 1\n");
        assert!(error.to_string().contains("a.toml` line 1, column 1: "), "{error}");
        let error = refusal("a.toml", b"a = \"\xff\"");
        assert!(error.to_string().ends_with("line 1, column 6: the text is not UTF-8"), "{error}");
        assert_eq!(error.fault(), Fault::Input);
    }

    #[test]
    fn the_top_must_be_a_table() {
        for (name, text) in [("a.json", "[1]"), ("a.yaml", "- a"), ("a.yml", "title")] {
            assert!(matches!(refusal(name, text), AnswersFileError::NotATable { .. }), "{name}");
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let folder = TempDir::new().expect("a folder");
        assert!(matches!(read(folder.path()), Err(AnswersFileError::NotAFile { .. })));
        let absent = folder.path().join("absent.toml");
        assert!(matches!(read(&absent), Err(AnswersFileError::Unreadable { .. })));
        let size = usize::try_from(MAX_FILE).expect("fits");
        assert_eq!(values("a.toml", "#".repeat(size)), json!({}));
        assert!(matches!(refusal("a.toml", "#".repeat(size + 1)), AnswersFileError::TooLarge { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused_without_reading_it() {
        assert!(matches!(read("/dev/zero".as_ref()), Err(AnswersFileError::NotAFile { .. })));
    }

    #[test]
    fn the_users_config_gives_its_answers_alone() {
        let (_folder, path) = file("config.toml", "owner = \"x\"\n[answers]\nteam = \"a\"\n");
        let answers = config(&path).expect("good").expect("there");
        assert_eq!((answers.path, Value::Object(answers.values)), (path, json!({"team": "a"})));
        let (_folder, path) = file("config.toml", "owner = \"x\"\n");
        assert!(config(&path).expect("good").expect("there").values.is_empty());
        assert_eq!(config(&path.with_file_name("absent")).expect("good"), None);
        let (_folder, path) = file("config.toml", "answers = 1\n");
        assert!(matches!(config(&path), Err(AnswersFileError::NotATable { .. })));
        let (_folder, path) = file("config.toml", "answers =\n");
        assert!(matches!(config(&path), Err(AnswersFileError::NotRead { line: Some(1), .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_give_answers_or_an_error_in_the_file(
            bytes in any::<Vec<u8>>(),
            text in "[a-z=:\\[\\]{}\"' \n#-]{0,30}",
        ) {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let lines = bytes.split(|byte| *byte == b'\n').count();
                for result in [toml("p".as_ref(), bytes), document("p".as_ref(), bytes)] {
                    if let Err(AnswersFileError::NotRead { line: Some(line), .. }) = result {
                        // A reader may name the end of the file as a line of its own.
                        prop_assert!((1..=lines + 1).contains(&line), "{line} of {lines}");
                    }
                }
            }
        }
    }
}
