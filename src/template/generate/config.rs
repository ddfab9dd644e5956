//! `cargo-generate.toml` as a manifest and rules for files.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};
use serde_json::Value;
use toml::de::DeTable;

use super::{BUILT_IN, FILE_NAME, condition, prepare};
use crate::model::gate::LifecycleRules;
use crate::model::question::{AnswerType, DefaultValue, Pattern, Question};
use crate::model::tree::{Tree, TreePath};
use crate::model::value::from_toml;
use crate::template::manifest::table::Table;
use crate::template::manifest::{About, GithubSettings, Manifest, ManifestError, SpecPlace};

/// The library's version, for `cargo_generate_version`; `Cargo.toml` pins it.
const LIBRARY: Version = Version::new(0, 25, 1);

/// Names that cannot be a question's: the tool's own, and those that mean something in Liquid.
const RESERVED: [&str; 11] =
    ["api", "spec", "template", "name", "forloop", "nil", "null", "true", "false", "empty", "blank"];

/// Which files are copied, rendered or left out.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[template]`, and then each `[conditional.'…']` with its condition, in Liquid.
    pub(super) parts: Vec<(Option<String>, Globs)>,
}

/// What one table says about files.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    /// Only these are rendered.
    pub(super) include: Option<Vec<String>>,
    /// These are not rendered.
    pub(super) exclude: Option<Vec<String>>,
    /// These are left out: plain paths.
    pub(super) ignore: Vec<String>,
}

/// Reads the text of a `cargo-generate.toml`. `name` is the template's name, which the file does not say, and `tree` its
/// files, which say whether `authors` must be asked.
///
/// # Errors
/// The first key that is unknown, that would run code, or whose value is not supported, with its place.
pub fn read(text: &str, name: &str, tree: &Tree) -> Result<(Manifest, Config), ManifestError> {
    let not_toml = |error: &toml::de::Error| ManifestError::not_toml(FILE_NAME, text, error);
    let entries = DeTable::parse(text).map_err(|error| not_toml(&error))?;
    let plain: toml::Table = toml::from_str(text).map_err(|error| not_toml(&error))?;
    let plain = from_toml(toml::Value::Table(plain));
    let root = Table::root(FILE_NAME, text, entries.get_ref());
    let mut reader = Reader { questions: questions_of_the_library(tree), parts: Vec::new() };
    reader.root(&root, &plain)?;
    let manifest = Manifest {
        about: About { name: name.to_owned(), description: None, requires: None },
        questions: reader.questions,
        files: Vec::new(),
        environments: Vec::new(),
        spec: Some(SpecPlace { path: "specification/{{ name }}".to_owned() }),
        phases: Vec::new(),
        gates: Vec::new(),
        lifecycle: LifecycleRules::default(),
        github: GithubSettings::default(),
    };
    Ok((manifest, Config { parts: reader.parts }))
}

struct Reader {
    questions: Vec<Question>,
    parts: Vec<(Option<String>, Globs)>,
}

impl Reader {
    fn root(&mut self, root: &Table<'_>, plain: &Value) -> Result<(), ManifestError> {
        refuse(root, "hooks", "`[hooks]` would run scripts, and no template runs code")?;
        root.only(&["template", "placeholders", "conditional"])?;
        if let Some(table) = root.table("template")? {
            refuse(
                &table,
                "sub_templates",
                "`sub_templates` is not supported: name the folder of one with `//folder`",
            )?;
            refuse(&table, "init", "`init` is not supported: a repository has a folder of its own")?;
            refuse(&table, "vcs", "`vcs` is not supported: every repository is a git repository")?;
            table.only(&["cargo_generate_version", "include", "exclude", "ignore"])?;
            version(&table)?;
            self.parts.push((None, globs(&table)?));
        }
        self.placeholders(root, plain, None)?;
        if let Some(conditions) = root.table("conditional")? {
            for (rhai, _) in conditions.entries() {
                let Some(table) = conditions.table(rhai)? else { continue };
                table.only(&["include", "exclude", "ignore", "placeholders"])?;
                let when = condition::to_liquid(rhai, &self.questions).map_err(|why| {
                    root.error(conditions.key_at(rhai), format!("this condition cannot be used: {why}"))
                })?;
                self.parts.push((Some(when.clone()), globs(&table)?));
                let plain = plain.get("conditional").and_then(|tables| tables.get(rhai));
                self.placeholders(&table, plain.unwrap_or(&Value::Null), Some(&when))?;
            }
        }
        let has = |pick: fn(&Globs) -> bool| self.parts.iter().any(|(_, globs)| pick(globs));
        if has(|globs| globs.include.is_some()) && has(|globs| globs.exclude.is_some()) {
            return Err(root.error(0, "`include` and `exclude` cannot be used together"));
        }
        Ok(())
    }

    fn placeholders(&mut self, parent: &Table<'_>, plain: &Value, when: Option<&str>) -> Result<(), ManifestError> {
        let Some(tables) = parent.table("placeholders")? else { return Ok(()) };
        for (name, _) in tables.entries() {
            let refused =
                |why: &str| Err(tables.error(tables.key_at(name), format!("`{}` {why}", name.escape_debug())));
            let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(good) {
                return refused("cannot be a placeholder's name");
            }
            if BUILT_IN.contains(&name) || RESERVED.contains(&name) {
                return refused("cannot be a placeholder's name: it means something else");
            }
            if self.questions.iter().any(|question| question.name == name) {
                return refused("is declared twice");
            }
            let Some(table) = tables.table(name)? else { continue };
            let default = plain.get("placeholders").and_then(|tables| tables.get(name)?.get("default"));
            self.questions.push(placeholder(name, &table, default, when)?);
        }
        Ok(())
    }
}

fn refuse(table: &Table<'_>, key: &str, sentence: &str) -> Result<(), ManifestError> {
    if table.has(key) { Err(table.error(table.at(key), sentence)) } else { Ok(()) }
}

fn version(table: &Table<'_>) -> Result<(), ManifestError> {
    let Some(text) = table.text("cargo_generate_version")? else { return Ok(()) };
    let wrong = |sentence: String| table.error(table.at("cargo_generate_version"), sentence);
    let required = VersionReq::parse(&text).map_err(|error| wrong(error.to_string()))?;
    if required.matches(&LIBRARY) {
        return Ok(());
    }
    Err(wrong(format!("the template requires cargo-generate `{required}`, and this is {LIBRARY}")))
}

fn globs(table: &Table<'_>) -> Result<Globs, ManifestError> {
    let ignore = table.texts("ignore")?.unwrap_or_default();
    let ignore: Vec<String> = ignore.iter().map(|path| path.trim_end_matches('/').to_owned()).collect();
    if let Some(error) = ignore.iter().find_map(|path| TreePath::new(path.as_str()).err()) {
        return Err(table.error(table.at("ignore"), error.to_string()));
    }
    for key in ["include", "exclude"] {
        let patterns = table.texts(key)?.unwrap_or_default();
        prepare::matcher(&patterns).map_err(|error| table.error(table.at(key), error.to_string()))?;
    }
    Ok(Globs { include: table.texts("include")?, exclude: table.texts("exclude")?, ignore })
}

fn placeholder(
    name: &str,
    table: &Table<'_>,
    default: Option<&Value>,
    when: Option<&str>,
) -> Result<Question, ManifestError> {
    table.only(&["type", "prompt", "choices", "regex", "default"])?;
    let (choices, help) = choices(table)?;
    let word = table.text("type")?.unwrap_or_else(|| "string".to_owned());
    let kind = match (word.as_str(), choices) {
        ("string", Some(choices)) => AnswerType::Choice { choices },
        ("string" | "text" | "editor", None) => AnswerType::String,
        ("bool", None) => AnswerType::Bool,
        ("array", Some(choices)) if choices.iter().all(|choice| !choice.is_empty() && !choice.contains(',')) => {
            AnswerType::List { choices, min: 0 }
        }
        ("array", Some(_)) => return Err(table.error(table.at("choices"), "a choice of an array cannot hold a comma")),
        ("array", None) => return Err(table.error(table.start, "a placeholder of type `array` needs a key `choices`")),
        ("text" | "editor" | "bool", Some(_)) => {
            return Err(table.error(table.at("choices"), format!("`choices` means nothing for type `{word}`")));
        }
        _ => {
            let hint = "the types are `string`, `text`, `editor`, `bool`, `array`";
            let sentence = format!("there is no type `{}`", word.escape_debug());
            return Err(table.error(table.at("type"), sentence).with_hint(hint));
        }
    };
    if table.has("regex") && kind != AnswerType::String {
        return Err(table.error(table.at("regex"), "`regex` is for texts without `choices`"));
    }
    let mut question = Question {
        help,
        pattern: pattern(table)?,
        when: when.map(str::to_owned),
        ..Question::new(name, kind, table.required("prompt")?)
    };
    question.default = default
        .map(|value| question.check(value))
        .transpose()
        .map_err(|rule| table.error(table.at("default"), format!("the default of `{name}` {rule}")))?
        .map(DefaultValue::Value);
    Ok(question)
}

/// The choices and the text of their labels. A choice is a text or `{ value = "…", label = "…" }`.
fn choices(table: &Table<'_>) -> Result<(Option<Vec<String>>, Option<String>), ManifestError> {
    if !table.has("choices") {
        return Ok((None, None));
    }
    let (values, help) = match table.texts("choices") {
        Ok(texts) => (texts.unwrap_or_default(), None),
        Err(_) => {
            let mut values = Vec::new();
            let mut labels = Vec::new();
            for choice in table.tables("choices")? {
                choice.only(&["value", "label"])?;
                let value = choice.required("value")?;
                labels.extend(choice.text("label")?.map(|label| format!("{value}: {label}")));
                values.push(value);
            }
            (values, Some(labels.join("\n")))
        }
    };
    let unique: BTreeSet<&String> = values.iter().collect();
    if values.is_empty() || unique.len() < values.len() {
        return Err(table.error(table.at("choices"), "`choices` must not be empty, and must not repeat a choice"));
    }
    Ok((Some(values), help.filter(|help| !help.is_empty())))
}

/// The library looks for a match anywhere in the text, a [`Pattern`] matches the whole of it.
fn pattern(table: &Table<'_>) -> Result<Option<Pattern>, ManifestError> {
    let Some(regex) = table.text("regex")? else { return Ok(None) };
    let whole = regex.starts_with('^') && regex.ends_with('$') && !regex.ends_with("\\$") && !regex.contains('|');
    let hint = Some(format!("a text that matches `{regex}`"));
    let text = if whole { regex } else { format!(r"[\s\S]*(?:{regex})[\s\S]*") };
    Pattern::new(text, hint)
        .map(Some)
        .map_err(|error| table.error(table.at("regex"), "`regex` cannot be used").with_hint(error.to_string()))
}

/// The questions that the library answers from the machine, for templates that use them.
fn questions_of_the_library(tree: &Tree) -> Vec<Question> {
    let used: BTreeSet<&str> = tree.iter().filter_map(|(_, file)| file.text()).flat_map(prepare::roots).collect();
    let prompts = [("authors", "Who wrote it, such as `Ann Example <ann@example.org>`"), ("username", "Who wrote it")];
    let used = prompts.into_iter().filter(|(name, _)| used.contains(name));
    used.map(|(name, prompt)| Question::new(name, AnswerType::String, prompt)).collect()
}
