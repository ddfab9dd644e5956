//! A template's tree and answers in, the tree of a repository out, with the library in between.
//!
//! Every file goes to the library under its own path. The content of a file to render begins with a token that names the
//! file and holds a probe: so a file that the library loses or leaves unrendered is noticed. The content of any other
//! file is only its token: the library renders its path, and its bytes and mode stay on this side.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use ignore::gitignore::Gitignore;
use serde_json::{Map, Value};

use super::config::Globs;
use super::fence::{self, Fence, FenceError};
use super::prepare::{TextCheck, Tokens, matcher};
use super::{BUILT_IN, Config, FILE_NAME};
use crate::error::Failure;
use crate::model::question::{AnswerType, Question};
use crate::model::tree::{File, Tree, TreePath};
use crate::template::engine::{Engine, RenderError};
use crate::template::folder::read_folder;
use crate::template::manifest::Manifest;
use crate::template::render::RenderErrors;
use crate::template::scan::has_tags;
use crate::template::values::Values;

/// Files of the library's own, in the root of a template.
const OWN_FILES: [&str; 3] = [FILE_NAME, ".cargo-ok", GENIGNORE];
const GENIGNORE: &str = ".genignore";
/// The library removes this from the end of a file's name.
const SUFFIX: &str = ".liquid";
/// The library replaces it when it renders a file.
const PROBE: &str = "{{crate_type}}";

/// What is rendered, and with what.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    pub manifest: &'r Manifest,
    pub config: &'r Config,
    pub name: &'r str,
    pub answers: &'r Map<String, Value>,
    pub fence: &'r Fence,
}

impl Request<'_> {
    /// Renders `tree`.
    ///
    /// # Errors
    /// Everything in the template that the library would silently accept, or the library's own failure.
    pub fn render(&self, tree: Tree, engine: &Engine) -> Result<Tree, Failure> {
        let globs = self.globs(engine)?;
        let files = self.kept(tree, &globs).map_err(|error| self.errors(vec![error]))?;
        let render = rendered(&globs, &files);
        let texts = files.iter().flat_map(|(path, file)| [Some(path.as_str()), file.text()]).flatten();
        let texts = texts.chain(self.answers.values().flat_map(strings));
        let mut tokens = Tokens::new(texts);
        let sent = self.sent(&files, &render, &mut tokens)?;
        let given = self.run(&files, &sent)?;
        let (tree, errors) = restored(&given, &files, &tokens);
        if errors.is_empty() { Ok(tree) } else { Err(self.errors(errors)) }
    }

    fn errors(&self, errors: Vec<RenderError>) -> Failure {
        RenderErrors { template: self.manifest.about.name.clone(), errors }.into()
    }

    /// The globs of all conditions that hold, together.
    fn globs(&self, engine: &Engine) -> Result<Globs, Failure> {
        let values = Values::new(self.answers);
        let mut all = Globs::default();
        for (when, globs) in &self.config.parts {
            if let Some(when) = when
                && !engine.condition(FILE_NAME, when, &values)?
            {
                continue;
            }
            let Globs { include, exclude, ignore } = globs.clone();
            for (into, from) in [(&mut all.include, include), (&mut all.exclude, exclude)] {
                if let Some(from) = from {
                    into.get_or_insert_default().extend(from);
                }
            }
            all.ignore.extend(ignore);
        }
        Ok(all)
    }

    /// The files that are not left out, without the suffix that the library removes.
    fn kept(&self, mut tree: Tree, globs: &Globs) -> Result<Vec<(TreePath, File)>, RenderError> {
        let nested = tree.iter().find(|(path, _)| path.file_name() == GENIGNORE && path.as_str() != GENIGNORE);
        if let Some((path, _)) = nested {
            return Err(whole(path, "is only supported in the root of the template"));
        }
        let lines = tree.remove(GENIGNORE).and_then(|file| Some(file.text()?.to_owned())).unwrap_or_default();
        let genignore = matcher(&lines.lines().map(str::to_owned).collect::<Vec<_>>());
        let genignore =
            genignore.map_err(|error| RenderError { message: error.to_string(), ..root_file(GENIGNORE) })?;
        let shadowed: BTreeSet<String> =
            tree.iter().filter_map(|(path, _)| Some(path.as_str().strip_suffix(SUFFIX)?.to_owned())).collect();
        let ignored = |path: &str| {
            let within = |ignore: &String| path == ignore || path.starts_with(&format!("{ignore}/"));
            OWN_FILES.contains(&path)
                || globs.ignore.iter().any(within)
                || matches(&genignore, path)
                || shadowed.contains(path)
        };
        let mut kept = Vec::new();
        for (path, file) in tree {
            let name = path.as_str().strip_suffix(SUFFIX).unwrap_or(path.as_str()).to_owned();
            let renamed = TreePath::new(name).map_err(|error| whole(&path, &error.to_string()))?;
            if !ignored(path.as_str()) {
                kept.push((renamed, file));
            }
        }
        Ok(kept)
    }

    /// The content of each file as the library gets it.
    ///
    /// # Errors
    /// Each file that is rendered, and each path, in which a variable has no value or a tag is not supported.
    fn sent<'f>(
        &self,
        files: &'f [(TreePath, File)],
        render: &[bool],
        tokens: &mut Tokens<'f>,
    ) -> Result<Vec<String>, Failure> {
        let questions = self.manifest.questions.iter().map(|question| question.name.as_str());
        let known: BTreeSet<&str> = questions.chain(BUILT_IN).collect();
        let mut errors = Vec::new();
        let mut sent = Vec::new();
        let salt = tokens.salt.clone();
        for (i, (path, file)) in files.iter().enumerate() {
            let name = path.as_str();
            let check = |text: &str| TextCheck { file: name, text, known: &known }.check();
            if name.contains("${{") {
                errors.push(whole(path, "cannot have `${{` in its path"));
            }
            errors.extend(check(name).err());
            let Some(text) = file.text().filter(|_| render[i]) else {
                sent.push(format!("{salt}{i}@"));
                continue;
            };
            let hidden = tokens.hide(text);
            // The library reads the text with tokens: where quotes and braces cross, other tags are in it.
            errors.extend(check(text).and_then(|()| check(&hidden)).err());
            sent.push(format!("{salt}{i}:{PROBE}@{hidden}"));
        }
        if errors.is_empty() { Ok(sent) } else { Err(self.errors(errors)) }
    }

    /// Lets the library render `sent`, the content of each file.
    fn run(&self, files: &[(TreePath, File)], sent: &[String]) -> Result<Tree, Failure> {
        let folder = tempfile::Builder::new().prefix("apiscaffold-").tempdir().map_err(FenceError::Start)?;
        let write = |path: &Path, text: &str| -> io::Result<()> {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
            fs::write(path, text)
        };
        let template = Path::new(fence::TEMPLATE);
        let mut written = write(&template.join(FILE_NAME), &self.placeholders())
            .and_then(|()| write(Path::new(fence::VALUES), &self.values()));
        for ((path, _), text) in files.iter().zip(sent) {
            written = written.and_then(|()| write(&template.join(path.as_str()), text));
        }
        written.map_err(FenceError::Start)?;
        self.fence.run(folder.path(), self.name)?;
        Ok(read_folder(&folder.path().join(fence::OUTPUT).join(self.name))?)
    }

    /// The questions again: the library takes types from nowhere else.
    fn placeholders(&self) -> String {
        let mut placeholders = toml::Table::new();
        for question in self.questions() {
            let mut table = toml::Table::from_iter([("prompt".to_owned(), question.name.clone().into())]);
            let word = match &question.kind {
                AnswerType::Bool => "bool",
                AnswerType::List { choices, .. } => {
                    table.insert("choices".to_owned(), choices.clone().into());
                    "array"
                }
                _ => "string",
            };
            table.insert("type".to_owned(), word.into());
            placeholders.insert(question.name.clone(), table.into());
        }
        toml::Table::from_iter([("placeholders".to_owned(), placeholders.into())]).to_string()
    }

    fn questions(&self) -> impl Iterator<Item = &Question> {
        self.manifest.questions.iter().filter(|question| !BUILT_IN.contains(&question.name.as_str()))
    }

    /// The answers as the library reads them, and what it would otherwise find out about the machine.
    fn values(&self) -> String {
        let mut values = toml::Table::from_iter([("within_cargo_project".to_owned(), false.into())]);
        for question in &self.manifest.questions {
            let text = match self.answers.get(&question.name) {
                Some(Value::Bool(flag)) => flag.to_string(),
                Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
                answer => answer.and_then(Value::as_str).unwrap_or_default().to_owned(),
            };
            values.insert(question.name.clone(), text.into());
        }
        toml::Table::from_iter([("values".to_owned(), values.into())]).to_string()
    }
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

fn matches(globs: &Gitignore, path: &str) -> bool {
    globs.matched_path_or_any_parents(path, false).is_ignore()
}

/// Which files hold tags that are to be rendered.
fn rendered(globs: &Globs, files: &[(TreePath, File)]) -> Vec<bool> {
    let list = |list: &Option<Vec<String>>| list.as_ref().and_then(|patterns| matcher(patterns).ok());
    let (include, exclude) = (list(&globs.include), list(&globs.exclude));
    let wanted = |path: &str| {
        include.as_ref().is_none_or(|include| matches(include, path))
            && exclude.as_ref().is_none_or(|exclude| !matches(exclude, path))
    };
    files.iter().map(|(path, file)| file.text().is_some_and(has_tags) && wanted(path.as_str())).collect()
}

/// What the library gave, with its tokens put back and every file's mode; and what is wrong with it.
fn restored(given: &Tree, files: &[(TreePath, File)], tokens: &Tokens<'_>) -> (Tree, Vec<RenderError>) {
    let mut tree = Tree::new();
    let mut errors = Vec::new();
    let mut missing: BTreeSet<usize> = (0..files.len()).collect();
    for (path, file) in given.iter() {
        let head = file.text().and_then(|text| text.strip_prefix(&*tokens.salt)?.split_once('@'));
        let found = head.and_then(|(head, text)| {
            let (number, probe) = head.split_once(':').map_or((head, None), |(number, probe)| (number, Some(probe)));
            let number: usize = number.parse().ok()?;
            Some((number, files.get(number)?, probe, text))
        });
        let Some((number, (source, original), probe, text)) = found else {
            errors.push(whole(path, "is a file that the library made, and that is not in the template"));
            continue;
        };
        missing.remove(&number);
        if !has_tags(source.as_str()) && source != path {
            errors.push(whole(source, &format!("would be renamed to `{path}`: its name is not good on every system")));
        }
        let bytes = match probe {
            None => original.bytes.clone(),
            Some(PROBE) => {
                errors.push(whole(source, "cannot be rendered: a tag fails, and the library does not say which"));
                continue;
            }
            Some(_) => match tokens.show(text) {
                Some(text) => text.into_bytes().into(),
                None => {
                    errors.push(whole(source, "changes `${{ … }}` with a filter"));
                    continue;
                }
            },
        };
        let file = File { bytes, executable: original.executable };
        errors.extend(tree.insert(path.clone(), file).err().map(|error| whole(source, &error.to_string())));
    }
    let lost = "is lost: its path becomes that of another file, or nothing";
    errors.extend(missing.into_iter().filter_map(|number| Some(whole(&files.get(number)?.0, lost))));
    (tree, errors)
}

fn root_file(path: &str) -> RenderError {
    RenderError { file: path.to_owned(), line: 1, column: 1, message: String::new(), advice: None }
}

fn whole(path: &TreePath, message: &str) -> RenderError {
    RenderError { message: format!("this file {message}"), ..root_file(path.as_str()) }
}
