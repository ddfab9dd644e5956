//! Finds our tags in a text. What is not a tag is literal and never reaches Liquid.
//!
//! The rules are Liquid's own (`{{ … }}`, `{% … %}`, `-` trims, `raw`, `comment`) with one addition:
//! `${{ … }}` belongs to GitHub Actions and Azure Pipelines and is literal from `$` to the first `}}`.

use std::ops::Range;

use crate::error::did_you_mean;

/// One stretch of a text, in order. Together the pieces are the whole text but for comments and trimmed space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Copied as it is.
    Literal(Range<usize>),
    /// `{{ inner }}`, beginning at byte `at`.
    Output { inner: &'t str, at: usize },
    /// `{% name rest %}`, beginning at byte `at`.
    Tag { name: &'t str, rest: &'t str, at: usize },
}

/// A tag that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScanError {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Every tag a template may use; `raw` and `comment` are dealt with here.
const TAGS: [&str; 23] = [
    "assign",
    "break",
    "capture",
    "case",
    "comment",
    "continue",
    "cycle",
    "decrement",
    "else",
    "elsif",
    "endcapture",
    "endcase",
    "endfor",
    "endif",
    "endifchanged",
    "endunless",
    "for",
    "if",
    "ifchanged",
    "increment",
    "raw",
    "unless",
    "when",
];

/// Whether `text` may hold a tag at all; most files do not.
pub(super) fn has_tags(text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    memchr::memchr_iter(b'{', text).any(|brace| matches!(text.get(brace + 1), Some(b'{' | b'%')))
}

/// Splits `text` into pieces. No two literals follow each other, and none is empty.
pub(super) fn scan(text: &str) -> Result<Vec<Piece<'_>>, ScanError> {
    let mut scanner = Scanner { text, pieces: Vec::new(), literal: 0, trim_next: false };
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'{', &text.as_bytes()[at..]) {
        at = scanner.brace(at + found)?;
    }
    scanner.end_literal(text.len(), false);
    Ok(scanner.pieces)
}

struct Scanner<'t> {
    text: &'t str,
    pieces: Vec<Piece<'t>>,
    /// Where the literal that is being read began.
    literal: usize,
    /// The tag before this literal ended in `-%}` or `-}}`.
    trim_next: bool,
}

impl<'t> Scanner<'t> {
    /// Looks at the `{` at `at`; returns where to look on.
    fn brace(&mut self, at: usize) -> Result<usize, ScanError> {
        let bytes = self.text.as_bytes();
        match bytes.get(at + 1) {
            Some(b'{') if at > self.literal && bytes[at - 1] == b'$' => Ok(self.foreign(at)),
            Some(b'{') => self.output(at),
            Some(b'%') => self.tag(at),
            _ => Ok(at + 1),
        }
    }

    /// `${{ … }}`: literal to its end; when it has none, only the braces are.
    fn foreign(&self, at: usize) -> usize {
        self.text[at + 2..].find("}}").map_or(at + 2, |length| at + 2 + length + 2)
    }

    fn output(&mut self, at: usize) -> Result<usize, ScanError> {
        let (inner, end) = self.inside(at, "}}")?;
        self.end_literal(at, inner.starts_with('-'));
        self.pieces.push(Piece::Output { inner: undash(inner).trim(), at });
        self.resume(end, inner.len() > 1 && inner.ends_with('-'));
        Ok(end)
    }

    fn tag(&mut self, at: usize) -> Result<usize, ScanError> {
        let (inner, end) = self.inside(at, "%}")?;
        let (name, rest) = split_name(undash(inner));
        self.end_literal(at, inner.starts_with('-'));
        let trim = inner.len() > 1 && inner.ends_with('-');
        match name {
            "raw" => self.raw(end, at, trim),
            "comment" => self.comment(end, at),
            _ if TAGS.contains(&name) => {
                self.pieces.push(Piece::Tag { name, rest, at });
                self.resume(end, trim);
                Ok(end)
            }
            _ => Err(unknown_tag(name, at)),
        }
    }

    /// The text between the delimiters of the tag that begins at `at`, and where the tag ends. Quoted text is skipped.
    fn inside(&self, at: usize, close: &str) -> Result<(&'t str, usize), ScanError> {
        let body = &self.text[at + 2..];
        let mut quote = None;
        for (i, byte) in body.bytes().enumerate() {
            match quote {
                Some(open) if byte == open => quote = None,
                Some(_) => {}
                None if byte == b'"' || byte == b'\'' => quote = Some(byte),
                None if body.as_bytes()[i..].starts_with(close.as_bytes()) => return Ok((&body[..i], at + 2 + i + 2)),
                None => {}
            }
        }
        let open = &self.text[at..at + 2];
        Err(ScanError {
            at,
            message: format!("`{open}` is never closed"),
            hint: Some(format!("end the tag with `{close}`, or wrap text meant for another engine in {{% raw %}}")),
        })
    }

    /// Everything up to `{% endraw %}` is literal.
    fn raw(&mut self, from: usize, at: usize, trim: bool) -> Result<usize, ScanError> {
        let (inside, end, trims) = self.find_end(from, at, "raw", "endraw")?;
        self.resume(from, trim);
        self.end_literal(inside, trims.0);
        self.resume(end, trims.1);
        Ok(end)
    }

    /// Everything up to the matching `{% endcomment %}` is dropped; comments nest.
    fn comment(&mut self, from: usize, at: usize) -> Result<usize, ScanError> {
        let mut look = from;
        let mut depth = 1;
        loop {
            let (inside, end, trims) = self.find_end(look, at, "comment", "endcomment")?;
            depth += self.opened(look, inside, "comment");
            depth -= 1;
            look = end;
            if depth == 0 {
                self.resume(end, trims.1);
                return Ok(end);
            }
        }
    }

    /// How many `{% name %}` begin between two places.
    fn opened(&self, from: usize, to: usize, name: &str) -> usize {
        self.text[from..to]
            .match_indices("{%")
            .filter(|(i, _)| is_tag(&self.text[from + i + 2..], name).is_some())
            .count()
    }

    /// Finds `{% end %}` from `from` on: where it begins, where it ends, and on which sides it trims.
    fn find_end(
        &self,
        from: usize,
        opened: usize,
        name: &str,
        end: &str,
    ) -> Result<(usize, usize, (bool, bool)), ScanError> {
        let mut at = from;
        while let Some(found) = self.text[at..].find('{') {
            let begin = at + found;
            let rest = &self.text[begin..];
            let tag = rest.strip_prefix("{%").and_then(|rest| is_tag(rest, end));
            if let Some((length, before, after)) = tag {
                return Ok((begin, begin + 2 + length, (before, after)));
            }
            let foreign = begin > from && self.text.as_bytes()[begin - 1] == b'$' && rest.starts_with("{{");
            at = if foreign { self.foreign(begin) } else { begin + 1 };
        }
        let message = format!("`{{% {name} %}}` is never closed");
        Err(ScanError { at: opened, message, hint: Some(format!("end it with `{{% {end} %}}`")) })
    }

    /// Ends the literal being read at `end`, without the space at its ends that tags trim.
    fn end_literal(&mut self, end: usize, trim_end: bool) {
        let mut range = self.literal..end;
        if self.trim_next {
            range.start = end - self.text[range.clone()].trim_start_matches(is_space).len();
        }
        if trim_end {
            range.end = range.start + self.text[range.clone()].trim_end_matches(is_space).len();
        }
        self.trim_next = false;
        if range.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) if last.end == range.start => last.end = range.end,
            _ => self.pieces.push(Piece::Literal(range)),
        }
    }

    /// Begins a literal after a tag that ended at `end`.
    fn resume(&mut self, end: usize, trim: bool) {
        self.literal = end;
        self.trim_next = trim;
    }
}

/// White space as Liquid's grammar trims it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\r')
}

fn undash(inner: &str) -> &str {
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    inner.strip_suffix('-').unwrap_or(inner)
}

fn split_name(inner: &str) -> (&str, &str) {
    let inner = inner.trim();
    let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
    (&inner[..end], inner[end..].trim())
}

/// Whether `after` (what follows `{%`) is the rest of a tag without arguments called `name`: its length and dashes.
fn is_tag(after: &str, name: &str) -> Option<(usize, bool, bool)> {
    let before = after.starts_with('-');
    let rest = after.strip_prefix('-').unwrap_or(after).trim_start();
    let rest = rest.strip_prefix(name)?.trim_start();
    let dash = rest.starts_with('-');
    let rest = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("%}")?;
    Some((after.len() - rest.len(), before, dash))
}

fn unknown_tag(name: &str, at: usize) -> ScanError {
    let message = if name.is_empty() { "a tag has no name".to_owned() } else { format!("unknown tag `{name}`") };
    let hint = did_you_mean(name, TAGS, "wrap text meant for another engine in {% raw %}");
    ScanError { at, message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces in short: literals as they are, outputs as `<x>`, tags as `[x]`.
    fn short(text: &str) -> String {
        let pieces = scan(text).expect("a good text");
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(range) => text[range.clone()].to_owned(),
                Piece::Output { inner, .. } => format!("<{inner}>"),
                Piece::Tag { name, rest, .. } => format!("[{name} {rest}]"),
            })
            .collect()
    }

    #[test]
    fn tags_are_found_and_all_else_is_literal() {
        assert_eq!(short("a {{ b }} {c} {% if d %}e{% endif %}"), "a <b> {c} [if d]e[endif ]");
        assert_eq!(short(r#"{{ "}}" | append: '%}' }}"#), r#"<"}}" | append: '%}'>"#);
    }

    #[test]
    fn expressions_of_github_actions_are_literal() {
        let text = "${{ github.ref }} ${{ a {{ b }} }} $ {{ c }} ${{ open {{ d";
        assert_eq!(short("${{ github.ref }}{{ c }}"), "${{ github.ref }}<c>");
        assert_eq!(short(&text[..34]), &text[..34]);
        assert_eq!(short("${{ never closed"), "${{ never closed");
        assert_eq!(short("$ {{ c }}"), "$ <c>");
    }

    #[test]
    fn dashes_trim_space_on_their_side_only() {
        assert_eq!(short("a \n {{- b -}} \r\n c"), "a<b>c");
        assert_eq!(short("a {%- if b %} c {% endif -%} d"), "a[if b] c [endif ]d");
        assert_eq!(short("a {{ b -}} {{- c }} d"), "a <b><c> d");
    }

    #[test]
    fn raw_is_literal_and_comments_vanish() {
        assert_eq!(short("a{% raw %}{{ b }}{% if %}{% endraw %}c"), "a{{ b }}{% if %}c");
        assert_eq!(short("a {%- raw -%} b {%- endraw -%} c"), "abc");
        assert_eq!(short("a{% comment %}{{ x {% comment %}y{% endcomment %}z{% endcomment %}b"), "ab");
    }

    #[test]
    fn an_unclosed_or_unknown_tag_says_where() {
        assert_eq!(scan("ab{{ c").expect_err("open").at, 2);
        assert_eq!(scan("a{% raw %}b").expect_err("open").message, "`{% raw %}` is never closed");
        let unknown = scan("x {% fro a in b %}").expect_err("unknown");
        assert_eq!((unknown.at, unknown.hint.as_deref()), (2, Some("did you mean `for`?")));
    }
}
