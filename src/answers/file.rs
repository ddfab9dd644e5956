//! Files of answers: what `--answers` names, and the `[answers]` of the user's config.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::display_text;
use crate::error::{Blame, Fault, nearest};
use crate::model::text::position;
use crate::model::value::from_toml;
use crate::openapi::document;

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 1 << 20;

/// The table of the user's config that holds answers.
const TABLE: &str = "answers";
/// The key of the user's config that says where the registry is.
const REGISTRY: &str = "registry";
/// The key of the user's config that says who owns new repositories.
const OWNER: &str = "owner";
/// Every key of the user's config.
const KEYS: [&str; 3] = [REGISTRY, OWNER, TABLE];

/// A file's answers by key, as they are written there.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswersFile {
    pub path: PathBuf,
    /// The keys in order of the file.
    pub values: Map<String, Value>,
}

/// Why a file gives no answers.
#[derive(Debug, thiserror::Error)]
pub enum AnswersFileError {
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` is not a file", path.display())]
    NotAFile { path: PathBuf },
    /// Larger than [`MAX_FILE`].
    #[error("`{}` is larger than 1 MiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("`{}`{}: {message}", path.display(), place(*line, *column))]
    NotRead {
        path: PathBuf,
        line: Option<usize>,
        column: Option<usize>,
        /// What is wrong, as half a sentence.
        message: String,
    },
    /// An unknown key of the config.
    #[error("`{}` line {line}: there is {}", path.display(), unknown_key(meant.as_ref()))]
    Unknown {
        path: PathBuf,
        line: usize,
        /// The key and the nearest known key; none when it is like no key.
        meant: Option<(String, &'static str)>,
    },
    /// A setting among the answers.
    #[error("`{}` line {line}: `{key}` is in the table `[{TABLE}]`, where it is not a setting", path.display())]
    Misplaced { path: PathBuf, line: usize, key: &'static str },
    /// A list or a single value where keys with answers should be.
    #[error("`{}` holds no table of answers", path.display())]
    NotATable { path: PathBuf },
}

fn place(line: Option<usize>, column: Option<usize>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!(" line {line}, column {column}"),
        (Some(line), None) => format!(" line {line}"),
        _ => String::new(),
    }
}

fn unknown_key(meant: Option<&(String, &'static str)>) -> String {
    meant.map_or_else(|| "an unknown key".to_owned(), |(key, _)| format!("no key `{key}`"))
}

impl Blame for AnswersFileError {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { meant: Some((_, TABLE)), .. } => Some(format!("did you mean `[{TABLE}]`?")),
            Self::Unknown { meant: Some((_, meant)), .. } => Some(format!("did you mean `{meant}`?")),
            Self::Unknown { .. } => Some(format!(
                "its keys are `{REGISTRY}`, `{OWNER}` and the table `[{TABLE}]`, which holds the answers to a template's questions"
            )),
            Self::Misplaced { key, .. } => Some(format!("write `{key} = \"…\"` above the line `[{TABLE}]`")),
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

/// The user's config.
#[derive(Clone, Debug, PartialEq)]
pub struct UserConfig {
    pub registry: Option<String>,
    pub owner: Option<String>,
    pub answers: AnswersFile,
}

/// The user's config, which is TOML; `None` when there is no such file.
///
/// # Errors
/// Those of [`read`], an unknown key, a setting that is not a text or is empty, and a setting among the answers.
pub fn config(path: &Path) -> Result<Option<UserConfig>, AnswersFileError> {
    let bytes = match bytes(path) {
        Err(AnswersFileError::Unreadable { source, .. })
            if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        bytes => bytes?,
    };
    let mut values = toml(path, &bytes)?;
    known(path, &bytes)?;
    let mut setting = |key: &str| values.remove(key).and_then(|value| value.as_str().map(str::to_owned));
    let (registry, owner) = (setting(REGISTRY), setting(OWNER));
    let answers = match values.remove(TABLE) {
        Some(Value::Object(answers)) => answers,
        _ => Map::new(),
    };
    Ok(Some(UserConfig { registry, owner, answers: AnswersFile { path: path.to_owned(), values: answers } }))
}

/// Refuses what is wrong with the keys of a config.
fn known(path: &Path, bytes: &[u8]) -> Result<(), AnswersFileError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let Ok(table) = DeTable::parse(text) else { return Ok(()) };
    let line = |at: usize| position(text, at).0;
    let path = || path.to_owned();
    for (key, value) in table.get_ref() {
        let (word, value) = (key.get_ref().as_ref(), value.get_ref());
        let key_line = line(key.span().start);
        let wrong = |what: &str| {
            let message = format!("`{word}` {what}");
            AnswersFileError::NotRead { path: path(), line: Some(key_line), column: None, message }
        };
        match (word, value) {
            (TABLE, DeValue::Table(answers)) => among_answers(answers)
                .map_or(Ok(()), |(key, at)| Err(AnswersFileError::Misplaced { path: path(), line: line(at), key }))?,
            (TABLE, _) => return Err(AnswersFileError::NotATable { path: path() }),
            (REGISTRY | OWNER, DeValue::String(text)) if text.trim().is_empty() => {
                return Err(wrong("is empty: leave it out, or give a value"));
            }
            (REGISTRY | OWNER, DeValue::String(_)) => {}
            (REGISTRY | OWNER, _) => return Err(wrong("must be a text in quotes")),
            _ => {
                let meant = nearest(&word.to_lowercase(), KEYS);
                let meant = meant.and_then(|meant| KEYS.into_iter().find(|key| *key == meant));
                return Err(AnswersFileError::Unknown {
                    path: path(),
                    line: key_line,
                    meant: meant.map(|meant| (display_text(word), meant)),
                });
            }
        }
    }
    Ok(())
}

/// A setting among the answers, and its place: in TOML a line after `[answers]` belongs to that table.
fn among_answers(answers: &DeTable<'_>) -> Option<(&'static str, usize)> {
    answers.keys().find_map(|key| {
        let setting = [REGISTRY, OWNER].into_iter().find(|setting| *setting == key.get_ref().as_ref())?;
        Some((setting, key.span().start))
    })
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
        let (line, column) = at.map(|at| position(bytes, at)).unzip();
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
    fn the_users_config_gives_its_settings_and_its_answers() {
        let (_folder, path) = file("config.toml", "owner = \"x\"\nregistry = \"r\"\n[answers]\nteam = \"a\"\n");
        let found = config(&path).expect("good").expect("there");
        assert_eq!((found.registry.as_deref(), found.owner.as_deref()), (Some("r"), Some("x")));
        assert_eq!((found.answers.path, Value::Object(found.answers.values)), (path, json!({"team": "a"})));
        let (_folder, path) = file("config.toml", "");
        let found = config(&path).expect("good").expect("there");
        assert!(found.registry.is_none() && found.owner.is_none() && found.answers.values.is_empty());
        for absent in ["absent", "config.toml/absent"] {
            assert_eq!(config(&path.with_file_name(absent)).expect("good"), None);
        }
        let (_folder, path) = file("config.toml", "answers =\n");
        assert!(matches!(config(&path), Err(AnswersFileError::NotRead { line: Some(1), .. })));
    }

    /// A word with one letter left out, doubled, swapped with the next, changed, or in the other case.
    fn slips(word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        let mut slips = Vec::new();
        for at in 0..letters.len() {
            let with = |middle: &[char], rest: usize| {
                [&letters[..at], middle, &letters[rest..]].concat().into_iter().collect::<String>()
            };
            slips.push(with(&[], at + 1));
            slips.push(with(&[letters[at]; 2], at + 1));
            slips.push(with(&['x'], at + 1));
            slips.push(with(&[letters[at].to_ascii_uppercase()], at + 1));
            if at + 1 < letters.len() {
                slips.push(with(&[letters[at + 1], letters[at]], at + 2));
            }
        }
        slips.retain(|slip| slip != word);
        slips
    }

    #[test]
    fn every_typo_in_a_key_of_the_config_is_refused_with_its_line_and_the_nearest_key() {
        for (key, entry) in [("registry", "{} = \"r\""), ("owner", "{} = \"r\""), ("answers", "[{}]\na = 1")] {
            for slip in slips(key) {
                let text = format!("# mine\n\n{}\n", entry.replace("{}", &slip));
                let (_folder, path) = file("config.toml", text);
                let error = config(&path).expect_err(&slip);
                assert!(error.to_string().ends_with(&format!("line 3: there is no key `{slip}`")), "{error}");
                assert!(error.hint().expect("a hint").contains(key), "{slip}: {:?}", error.hint());
            }
        }
    }

    #[test]
    fn every_key_of_the_config_is_held_to_its_kind() {
        for key in ["registry", "owner"] {
            for (value, message) in [
                ("\"\"", "line 2: `KEY` is empty"),
                ("\"  \"", "line 2: `KEY` is empty"),
                ("1", "line 2: `KEY` must be a text"),
                ("true", "line 2: `KEY` must be a text"),
                ("[\"r\"]", "line 2: `KEY` must be a text"),
                ("{url = \"r\"}", "line 2: `KEY` must be a text"),
                ("2026-01-01", "line 2: `KEY` must be a text"),
                ("\"r\"\nKEY = \"s\"", "line 3, column 1: "),
                ("\"r", "line 2"),
            ] {
                let message = message.replace("KEY", key);
                let (_folder, path) = file("config.toml", format!("# mine\n{key} = {}\n", value.replace("KEY", key)));
                let error = config(&path).expect_err(value);
                assert!(error.to_string().contains(&message), "{key} = {value}: {error}");
                let (_folder, path) = file("config.toml", format!("# mine\n{key}.url = \"x\"\n"));
                let error = config(&path).expect_err(key).to_string();
                assert!(error.contains(&format!("line 2: `{key}` must be a text")), "{error}");
                let (_folder, path) = file("config.toml", format!("[answers]\na = 1\n{key} = \"x\"\n"));
                let error = config(&path).expect_err(key).to_string();
                assert!(error.contains(&format!("line 3: `{key}` is in the table `[answers]`")), "{error}");
            }
        }
        for answers in ["answers = 1", "answers = \"x\"", "[[answers]]\na = 1", "answers = [1]"] {
            let (_folder, path) = file("config.toml", answers);
            assert!(matches!(config(&path), Err(AnswersFileError::NotATable { .. })), "{answers}");
        }
        let (_folder, path) = file("config.toml", "\n\"s3cret-word\" = 1\n");
        let error = config(&path).expect_err("unknown");
        let text = crate::error::render(&error);
        assert!(text.contains("line 2: there is an unknown key") && !text.contains("s3cret"), "{text}");
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
