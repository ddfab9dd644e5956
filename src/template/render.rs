//! A template's tree and values in, the tree of a repository out.

use globset::{GlobBuilder, GlobMatcher};
use rayon::prelude::*;

use super::engine::{Engine, RenderError};
use super::manifest::FileRule;
use super::place::Format;
use super::scan::has_tags;
use super::values::Values;
use crate::error::{Blame, Fault};
use crate::model::tree::{File, PathError, Tree, TreePath};

/// How many of a template's faults one error lists.
const ERRORS_SHOWN: usize = 10;

/// How many files a thread takes at a time: few, as most hold no tag and cost next to nothing.
const SHARE: usize = 4;

/// Everything in a template that could not be rendered, in order of path.
#[derive(Debug, thiserror::Error)]
#[error("template `{template}` cannot be rendered: {}", list(errors))]
pub struct RenderErrors {
    pub template: String,
    /// At least one.
    pub errors: Vec<RenderError>,
}

fn list(errors: &[RenderError]) -> String {
    match errors {
        [only] => only.to_string(),
        _ => {
            let lines: Vec<String> = errors.iter().take(ERRORS_SHOWN).map(|error| format!("\n  {error}")).collect();
            format!("{} places are wrong{}", errors.len(), lines.concat())
        }
    }
}

impl Blame for RenderErrors {
    fn fault(&self) -> Fault {
        Fault::Template
    }

    fn hint(&self) -> Option<String> {
        let advice = self.errors.iter().find_map(|error| error.advice.clone());
        let turn = format!("the maintainers of template `{}` must fix this; your input is fine", self.template);
        Some(advice.map_or_else(|| turn.clone(), |advice| format!("{advice}\n{turn}")))
    }
}

/// Renders every file of `tree`: its path, and its content unless it is binary or a rule says `verbatim`.
/// A file is left out when a rule's `when` does not hold, or when its whole path renders to nothing.
/// Files that hold no tag keep their bytes untouched.
///
/// # Errors
/// All faults of the template at once; the template is to blame for each.
pub fn render(tree: Tree, rules: &[FileRule], engine: &Engine, values: &Values) -> Result<Tree, Vec<RenderError>> {
    let rules = active_rules(rules, engine, values).map_err(|error| vec![error])?;
    let engine = &engine.begin();
    let files: Vec<(TreePath, File)> = tree.into_iter().collect();
    let results: Vec<Result<Option<(TreePath, File)>, RenderError>> =
        files.into_par_iter().with_max_len(SHARE).map(|(path, file)| rules.file(&path, file, engine, values)).collect();
    let mut rendered = Vec::with_capacity(results.len());
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(file) => rendered.extend(file),
            Err(error) => errors.push(error),
        }
    }
    let clashes = |all: Vec<PathError>| all.iter().map(|error| whole_file(&error.path, error.to_string())).collect();
    if errors.is_empty() { Tree::of(rendered).map_err(clashes) } else { Err(errors) }
}

fn whole_file(path: &str, message: String) -> RenderError {
    RenderError { file: path.to_owned(), line: 1, column: 1, message, advice: None }
}

/// A manifest's rules for these values.
struct ActiveRules {
    excluded: Vec<GlobMatcher>,
    verbatim: Vec<GlobMatcher>,
}

fn active_rules(rules: &[FileRule], engine: &Engine, values: &Values) -> Result<ActiveRules, RenderError> {
    let mut active_rules = ActiveRules { excluded: Vec::new(), verbatim: Vec::new() };
    for rule in rules {
        let glob = GlobBuilder::new(&rule.path).literal_separator(true).build();
        let glob = glob.map_err(|error| whole_file(super::manifest::FILE_NAME, error.to_string()))?;
        let matcher = glob.compile_matcher();
        if let Some(when) = &rule.when
            && !engine.condition(&format!("[[file]] {}", rule.path), when, values)?
        {
            active_rules.excluded.push(matcher.clone());
        }
        if rule.verbatim {
            active_rules.verbatim.push(matcher);
        }
    }
    Ok(active_rules)
}

impl ActiveRules {
    fn file(
        &self,
        path: &TreePath,
        file: File,
        engine: &Engine,
        values: &Values,
    ) -> Result<Option<(TreePath, File)>, RenderError> {
        let matches = |globs: &[GlobMatcher]| globs.iter().any(|glob| glob.is_match(path.as_str()));
        if matches(&self.excluded) {
            return Ok(None);
        }
        let Some(target) = target(path, engine, values)? else { return Ok(None) };
        let is_rendered = has_tags(&file.bytes) && !matches(&self.verbatim);
        let rendered = match is_rendered.then(|| file.text()).flatten() {
            Some(text) => {
                let format = Format::of(path.extension());
                let text = engine.render(path.as_str(), text, format, values)?;
                File { bytes: text.into(), executable: file.executable }
            }
            None => file,
        };
        Ok(Some((target, rendered)))
    }
}

/// The path that a file gets; `None` when it renders to nothing.
fn target(path: &TreePath, engine: &Engine, values: &Values) -> Result<Option<TreePath>, RenderError> {
    if !has_tags(path.as_str()) {
        return Ok(Some(path.clone()));
    }
    let rendered = engine.text(path.as_str(), path.as_str(), values)?;
    if rendered.is_empty() {
        return Ok(None);
    }
    TreePath::new(rendered).map(Some).map_err(|error| whole_file(path.as_str(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn tree(files: &[(&str, &[u8])]) -> Tree {
        let mut tree = Tree::new();
        for (path, bytes) in files {
            tree.insert(TreePath::new(*path).expect("a path"), File::plain(bytes.to_vec())).expect("new");
        }
        tree
    }

    fn rendered(files: &[(&str, &[u8])], rules: &[FileRule]) -> Result<Tree, Vec<RenderError>> {
        let serde_json::Value::Object(map) = json!({"name": "my-api", "empty": "", "up": "..", "flag": false}) else {
            unreachable!("an object")
        };
        render(tree(files), rules, &Engine::new(), &Values::new(&map))
    }

    #[test]
    fn paths_are_rendered_and_an_empty_path_leaves_the_file_out() {
        let files: &[(&str, &[u8])] =
            &[("{{ name }}/{{ name }}.txt", b"{{ name }}"), ("{% if flag %}x{% endif %}", b"x")];
        assert_eq!(rendered(files, &[]).expect("it renders"), tree(&[("my-api/my-api.txt", b"my-api")]));
    }

    #[test]
    fn a_path_cannot_lead_out_of_the_target() {
        for path in ["{{ up }}/x", "{{ empty }}/x", ".g{{ empty }}it/config"] {
            assert_eq!(rendered(&[(path, b"")], &[]).expect_err("refused").len(), 1, "{path}");
        }
    }

    #[test]
    fn two_files_cannot_get_one_path() {
        let errors = rendered(&[("my-api", b"1"), ("{{ name }}", b"2")], &[]).expect_err("refused");
        assert!(errors[0].message.contains("two files"), "{errors:?}");
    }

    #[test]
    fn bytes_without_tags_and_binary_files_are_untouched() {
        let files: &[(&str, &[u8])] = &[
            ("bom-crlf", b"\xEF\xBB\xBFa\r\nb"),
            ("latin1", b"\xE9 {{ name }}"),
            ("nul", b"\0{{ nope }}"),
            ("verbatim/a", b"{{ nope }}"),
            ("empty", b""),
        ];
        let rules = [FileRule { path: "verbatim/**".to_owned(), when: None, verbatim: true }];
        assert_eq!(rendered(files, &rules).expect("it renders"), tree(files));
    }

    #[test]
    fn line_ends_and_byte_order_marks_survive_rendering() {
        let output = rendered(&[("f", b"\xEF\xBB\xBF{{ name }}\r\n{{ name }}")], &[]).expect("it renders");
        assert_eq!(output, tree(&[("f", b"\xEF\xBB\xBFmy-api\r\nmy-api")]));
    }

    #[test]
    fn a_rule_leaves_files_out_and_keeps_the_executable_bit() {
        let rules = [FileRule { path: "a/**".to_owned(), when: Some("flag".to_owned()), verbatim: false }];
        let mut template = tree(&[("a/b/c", b"1")]);
        let path = TreePath::new("run-{{ name }}").expect("a path");
        template.insert(path, File { bytes: Bytes::from_static(b"#!"), executable: true }).expect("new");
        let serde_json::Value::Object(map) = json!({"name": "x", "flag": false}) else { unreachable!("an object") };
        let output = render(template, &rules, &Engine::new(), &Values::new(&map)).expect("it renders");
        assert!(output.get("a/b/c").is_none());
        assert!(output.get("run-x").expect("rendered").executable);
    }

    #[test]
    fn all_faults_are_reported_together() {
        let errors =
            rendered(&[("a", b"{{ x }}"), ("b", b"\n{% if y %}{% endif %}"), ("c", b"fine")], &[]).expect_err("faults");
        let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            ["`a` line 1, column 1: unknown variable `x`", "`b` line 2, column 1: unknown variable `y`"]
        );
    }
}
