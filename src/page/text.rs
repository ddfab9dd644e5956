//! Texts of a record on their way into HTML.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use url::Url;

use crate::model::text::masked;

/// Longest e-mail address (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST_MAIL: usize = 254;

/// `text`, escaped for the content of an element and for an attribute in double quotes. Users and passwords in addresses
/// are masked.
pub(super) fn text(text: &str) -> Text<'_> {
    Text(masked(text))
}

/// What [`text`] gives.
pub(super) struct Text<'t>(Cow<'t, str>);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || is_forbidden(c);
        let mut rest = &*self.0;
        while let Some(at) = rest.find(special) {
            f.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            match chars.next() {
                Some('&') => f.write_str("&amp;")?,
                Some('<') => f.write_str("&lt;")?,
                Some('>') => f.write_str("&gt;")?,
                Some('"') => f.write_str("&quot;")?,
                Some('\'') => f.write_str("&#39;")?,
                _ => f.write_char(char::REPLACEMENT_CHARACTER)?,
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Characters that HTML does not take (HTML, 13.2.3.5): controls but white space, and noncharacters.
fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{FDD0}'..='\u{FDEF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// `value` in an element that isolates its direction, right to left or overridden, from the text around it.
pub(super) fn isolated(value: &str) -> String {
    format!("<bdi>{}</bdi>", text(value))
}

/// Whether there is anything to see: no space, no control, no mark without width.
pub(super) fn is_visible(c: char) -> bool {
    let blank = matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{2800}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}');
    !c.is_whitespace() && !c.is_control() && !blank
}

/// `text` without the characters that steer its direction, for places that take no elements.
pub(super) fn without_direction(text: &str) -> String {
    let steers =
        |c: char| matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.replace(steers, "")
}

/// The beginning of a text, at most `most` characters, ending at a word.
pub(super) fn beginning(text: &str, most: usize) -> Cow<'_, str> {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(most) else { return Cow::Borrowed(text) };
    let cut = &text[..end];
    let cut = cut.rfind(char::is_whitespace).map_or(cut, |space| &cut[..space]);
    Cow::Owned(format!("{}…", cut.trim_end()))
}

/// Where a text leads when it is an address, as the content of `href`: `http`, `https` and `mailto` only.
pub(super) fn href(value: &str) -> Option<String> {
    let value = value.trim();
    web(value).map(|url| text(url.as_str()).to_string()).or_else(|| mail(value))
}

fn web(value: &str) -> Option<Url> {
    let lower = value.get(..8)?.to_ascii_lowercase();
    if !lower.starts_with("http://") && lower != "https://" {
        return None;
    }
    let mut url = Url::parse(value).ok().filter(Url::has_host)?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

fn mail(value: &str) -> Option<String> {
    let (local, domain) = value.split_once('@')?;
    let in_local = |c: char| c.is_ascii_alphanumeric() || ".!#$*+-/=^_{|}~%".contains(c);
    let in_domain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_domain =
        domain.contains('.') && domain.split('.').all(|part| !part.is_empty() && part.chars().all(in_domain));
    if local.is_empty() || !local.chars().all(in_local) || !is_domain || value.len() > LONGEST_MAIL {
        return None;
    }
    let mut href = String::from("mailto:");
    for c in local.chars() {
        // What RFC 6068 leaves as it is.
        if c.is_ascii_alphanumeric() || "-._~!$*+".contains(c) {
            href.push(c);
        } else {
            let _ = write!(href, "%{:02X}", u32::from(c));
        }
    }
    Some(format!("{href}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_ends_its_place() {
        assert_eq!(text("<a b='c' d=\"e\">&amp;").to_string(), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;amp;");
        assert_eq!(
            text("a\u{0}b\u{1b}c\u{85}d\u{FFFE}e\u{FDD0}f\u{1FFFF}\n").to_string(),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\u{FFFD}\n"
        );
    }

    #[test]
    fn only_plain_addresses_are_links() {
        for (value, want) in [
            ("https://example.org/a?b=c&d='e'", Some("https://example.org/a?b=c&amp;d=%27e%27")),
            (" HTTP://Example.org ", Some("http://example.org/")),
            ("https://me:secret@example.org/x", Some("https://example.org/x")),
            ("https://bücher.example/", Some("https://xn--bcher-kva.example/")),
            ("a.b+c@example.org", Some("mailto:a.b+c@example.org")),
            ("50%?@example.org", None),
            ("50%@example.org", Some("mailto:50%25@example.org")),
            ("a@b@example.org", None),
            ("Me <me@example.org>", None),
            ("javascript:alert(1)", None),
            ("java\nscript:alert(1)", None),
            ("\u{1}javascript://example.org/%0aalert(1)", None),
            ("data:text/html,x", None),
            ("https:example.org", None),
            ("https://", None),
            ("file:///home/x", None),
            ("//example.org", None),
            ("ééééé", None),
            ("", None),
        ] {
            assert_eq!(href(value).as_deref(), want, "{value:?}");
        }
    }

    #[test]
    fn users_and_passwords_are_masked_in_addresses_anywhere() {
        for (value, want) in [
            ("see https://me:secret@example.org/x", "see https://***@example.org/x"),
            (
                "https://token@example.org and ssh://git@example.org",
                "https://***@example.org and ssh://git@example.org",
            ),
            ("ssh://git:pw@example.org/x@y", "ssh://***@example.org/x@y"),
            ("https://a@b@example.org", "https://***@example.org"),
            ("://@", "://***@"),
        ] {
            assert_eq!(text(value).to_string(), want);
        }
    }

    #[test]
    fn a_long_text_ends_at_a_word() {
        assert_eq!(beginning(" one two three ", 20), "one two three");
        assert_eq!(beginning("one two three", 9), "one two…");
        assert_eq!(beginning("éééééé", 3), "ééé…");
    }
}
