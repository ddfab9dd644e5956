//! A text before and after the library: what the library would silently accept is refused, and what it would change is
//! replaced by tokens.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use regex::Regex;

use crate::error::did_you_mean;
use crate::model::text::position;
use crate::template::compile::locals;
use crate::template::engine::RenderError;
use crate::template::scan::{Piece, scan};
use crate::template::variables::{root, variables};

/// The library's filter that runs a script.
static RHAI: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\|\s*rhai\b").expect("the pattern is good"));

/// The globs of `include` and `exclude` as the library reads them: lines of a `.gitignore`.
pub(super) fn matcher<'p>(patterns: impl IntoIterator<Item = &'p String>) -> Result<Gitignore, ignore::Error> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder.add_line(None, pattern)?;
    }
    builder.build()
}

/// The variables that a text's tags name, as far as they can be read.
pub(super) fn roots(text: &str) -> Vec<&str> {
    scan(text).unwrap_or_default().iter().flat_map(|piece| expression(piece)).map(|(_, path)| root(path)).collect()
}

fn expression<'t>(piece: &Piece<'t>) -> Vec<(usize, &'t str)> {
    match piece {
        Piece::Literal(_) => Vec::new(),
        Piece::Output { inner, at } => variables(inner).into_iter().map(|(_, path)| (*at, path)).collect(),
        Piece::Tag { rest, at, .. } => variables(rest).into_iter().map(|(_, path)| (*at, path)).collect(),
    }
}

/// A file of the template, or its path, to be checked.
pub(super) struct TextCheck<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
    /// Every variable that has a value.
    pub(super) known: &'t BTreeSet<&'t str>,
}

impl TextCheck<'_> {
    /// The first thing in the text that the library would render to nothing, change or run.
    pub(super) fn check(&self) -> Result<(), RenderError> {
        let pieces = scan(self.text).map_err(|error| self.error(error.at, error.message, error.hint))?;
        let locals = locals(&pieces);
        for piece in &pieces {
            if let Piece::Output { inner: code, at } | Piece::Tag { rest: code, at, .. } = piece
                && RHAI.is_match(code)
            {
                let message = "the filter `rhai` would run a script, and no template runs code".to_owned();
                return Err(self.error(*at, message, None));
            }
            for (at, path) in expression(piece) {
                let name = root(path);
                if !self.known.contains(name) && !locals.contains(name) {
                    return Err(self.unknown(at, name, &locals));
                }
            }
        }
        for (at, expression) in foreign(self.text) {
            let first = variables(expression).first().map(|(_, path)| root(path));
            if let Some(name) = first.filter(|name| self.known.contains(name)) {
                let message =
                    format!("`${{{{ {name} … }}}}` is left as it is, but `{name}` is a variable of the template");
                let advice = format!("to render it after a dollar sign write `{{{{ \"$\" }}}}{{{{ {name} }}}}`");
                return Err(self.error(at, message, Some(advice)));
            }
        }
        Ok(())
    }

    fn unknown(&self, at: usize, name: &str, locals: &BTreeSet<&str>) -> RenderError {
        let raw = "declare it in [placeholders], or wrap text meant for another engine in {% raw %}";
        let advice = did_you_mean(name, self.known.iter().chain(locals).copied(), raw);
        self.error(at, format!("unknown variable `{name}`"), Some(advice))
    }

    fn error(&self, at: usize, message: String, advice: Option<String>) -> RenderError {
        let (line, column) = position(self.text, at);
        RenderError { file: self.file.to_owned(), line, column, message, advice }
    }
}

/// Each `${{ … }}` of GitHub Actions and Azure Pipelines: where it begins, and all of it. One without an end is its
/// opening only.
fn foreign(text: &str) -> Vec<(usize, &str)> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("${{").map(|at| from + at) {
        let end = text[at..].find("}}").map_or(at + 3, |length| at + length + 2);
        found.push((at, &text[at..end]));
        from = end;
    }
    found
}

/// Words that replace what the library must not see. They begin with a `salt` that is in no text.
pub(super) struct Tokens<'t> {
    pub(super) salt: String,
    /// The text behind each token.
    hidden: Vec<&'t str>,
}

impl<'t> Tokens<'t> {
    /// Tokens that none of `texts` holds.
    pub(super) fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut number = 0;
        loop {
            let salt = format!("@scaffold{number}-");
            if !texts.clone().any(|text| text.contains(&salt)) {
                return Self { salt, hidden: Vec::new() };
            }
            number += 1;
        }
    }

    /// Hides each `${{ … }}` of `text`.
    pub(super) fn hide(&mut self, text: &'t str) -> String {
        let mut output = String::with_capacity(text.len());
        let mut from = 0;
        for (at, expression) in foreign(text) {
            output += &format!("{}{}x{}@", &text[from..at], self.salt, self.hidden.len());
            self.hidden.push(expression);
            from = at + expression.len();
        }
        output + &text[from..]
    }

    /// Puts back what was hidden; nothing when a token was changed on the way.
    pub(super) fn show(&self, text: &str) -> Option<String> {
        let mut parts = text.split(&*self.salt);
        let mut output = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.strip_prefix("x")?.split_once('@')?;
            output += self.hidden.get(number.parse::<usize>().ok()?)?;
            output += rest;
        }
        (!output.to_lowercase().contains(&self.salt)).then_some(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_comes_back_byte_for_byte() {
        let text = "a ${{ b }}${{ c {{ d }} }} ${{ open\n";
        let mut tokens = Tokens::new([text, "@scaffold0-"].into_iter());
        assert_eq!(tokens.salt, "@scaffold1-");
        let hidden = tokens.hide(text);
        assert!(!hidden.contains("${{"), "{hidden}");
        assert_eq!(tokens.show(&hidden).as_deref(), Some(text));
        assert_eq!(tokens.show(&hidden.to_uppercase()), None);
        assert_eq!(tokens.show(&hidden[..15]), None);
    }

    #[test]
    fn what_the_library_would_swallow_is_found_with_its_line() {
        let known = BTreeSet::from(["project-name", "db"]);
        let check = |text| TextCheck { file: "f", text, known: &known }.check();
        for good in [
            "{{ project-name | upcase }}{% if db %}x{% endif %}",
            "{% assign a = db %}{{ a }}{% for b in (1..3) %}{{ b }}{{ forloop.index }}{% endfor %}",
            "${{ secrets.A || '' }}{% raw %}{{ nope }}{% endraw %}",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, line, message) in [
            ("\n{{ project_nam }}", 2, "unknown variable `project_nam`"),
            ("{% if nope %}{% endif %}", 1, "unknown variable `nope`"),
            ("a\n\n${{ db }}", 3, "is a variable of the template"),
            ("{{ 'x.rhai' | rhai }}", 1, "no template runs code"),
            ("{{ db", 1, "never closed"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.line == line && error.message.contains(message), "{error}");
        }
    }
}
