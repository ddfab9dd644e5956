//! Protection from texts of others, which may steer a terminal or hold a secret.

use std::borrow::Cow;
use std::fmt::Write as _;

use url::Url;

/// Schemes after which a browser reads a host, however many slashes there are.
const WEB: [&str; 5] = ["http", "https", "ftp", "ws", "wss"];

/// Parameters of a URL that hold a credential, in lower case and without `-` and `_`.
const TOKENS: [&str; 31] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "clientsecret",
    "idtoken",
    "jobtoken",
    "jwt",
    "oauthtoken",
    "pass",
    "passwd",
    "password",
    "personalaccesstoken",
    "privatetoken",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "securitytoken",
    "sig",
    "signature",
    "subscriptionkey",
    "token",
    "xamzsecuritytoken",
    "xamzsignature",
    "xapikey",
    "xauthtoken",
    "xgoogsignature",
    "xvaulttoken",
];

/// The prefixes of tokens of well-known services, and the least number of letters and digits after each.
const KNOWN: [(&str, usize); 9] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 10),
    ("hooks.slack.com/services/", 8),
];

/// Line and column of the byte at `at`, both from 1, the column in characters.
pub fn position(text: impl AsRef<[u8]>, at: usize) -> (usize, usize) {
    let before = text.as_ref().get(..at).unwrap_or(text.as_ref());
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (memchr::memchr_iter(b'\n', before).count() + 1, column)
}

/// Whether `c` steers a terminal, ends a line, or changes the direction of what follows it (Unicode annex 9).
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// `text` with every character that steers, but those in `kept`, written as `\u001b`: JSON and TOML read it back.
pub fn escaped<'t>(text: &'t str, kept: &str) -> Cow<'t, str> {
    // A list of 100,000 records is 100 MB: most of it is decided by its bytes.
    let plain = |byte: u8| (b' '..0x7f).contains(&byte) || kept.as_bytes().contains(&byte);
    let is_shown = |c: char| steers(c) && !kept.contains(c);
    if text.bytes().all(plain) || !text.contains(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) {
            // Writing to memory does not fail; no character that steers needs more than four digits.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// `text` on one line, with nothing in it that steers a terminal.
pub fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, "")
}

/// The first of these for a message, at `most` so many, and how many more there are.
pub fn named(all: &[String], most: usize) -> String {
    let first: Vec<String> = all.iter().take(most).map(|one| format!("`{}`", one.escape_debug())).collect();
    let more = all.len().saturating_sub(most);
    format!("{}{}", first.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}

/// Where the user and the password end that `after` begins with, the rest of a URL after `SCHEME://`; none when there is
/// nothing secret. Over `ssh` a user alone is none.
pub fn user_end(scheme: &str, after: &str) -> Option<usize> {
    let word = &after[..after.find(ends_word).unwrap_or(after.len())];
    let authority = &word[..word.find(['/', '\\', '?', '#']).unwrap_or(word.len())];
    let end = match authority.rfind('@') {
        Some(at) => Some(at),
        // A password with `/`, `?` or `#` in it: what follows the colon is no port.
        None if !authority.ends_with(']') => {
            let port = authority.rsplit_once(':').map(|(_, port)| port);
            port.filter(|port| !port.bytes().all(|byte| byte.is_ascii_digit())).and_then(|_| word.rfind('@'))
        }
        None => None,
    };
    end.filter(|at| !scheme.eq_ignore_ascii_case("ssh") || word[..*at].contains(':'))
}

/// The scheme that `before` ends with, which stands before the colon of a URL.
pub fn scheme(before: &str) -> &str {
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let start =
        before.char_indices().rev().take_while(|(_, c)| in_scheme(*c)).last().map_or(before.len(), |(at, _)| at);
    &before[start..]
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || "\"'`<>".contains(c)
}

/// `text` with `***` in the place of users and passwords in URLs.
pub fn masked(text: &str) -> Cow<'_, str> {
    let secret = |at: usize| user_end(scheme(&text[..at]), &text[at + 3..]);
    if !text.match_indices("://").any(|(at, _)| secret(at).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        // A password may hold such a mark itself.
        if let Some(length) = secret(at).filter(|_| start >= done) {
            out.push_str(&text[done..start]);
            out.push_str("***");
            done = start + length;
        }
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// A URL without what stands before its host, which may be a secret.
pub fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => url.to_owned(),
    }
}

/// Whether a URL in `text` holds a password, or a user that may be one.
pub fn has_user(text: &str) -> bool {
    text.match_indices(':').any(|(at, _)| {
        let (scheme, after) = (scheme(&text[..at]), &text[at + 1..]);
        let is_web = WEB.iter().any(|web| scheme.eq_ignore_ascii_case(web));
        let after = match after.strip_prefix("//") {
            _ if is_web => after.trim_start_matches(['/', '\\']),
            Some(after) => after,
            None => return false,
        };
        user_end(scheme, after).is_some()
    }) || text.strip_prefix("//").and_then(|after| user_end("", after)).is_some()
}

/// Whether `text` is, as a whole, an address with a password, as it is or as a reader of URLs takes it:
/// `user:password@host:path`, or a password with a space or a quote in it.
fn is_with_password(text: &str) -> bool {
    if let Ok(url) = Url::parse(text) {
        let has_name = !url.username().is_empty() && !url.scheme().eq_ignore_ascii_case("ssh");
        if url.has_host() && (has_name || url.password().is_some()) {
            return true;
        }
    }
    let authority = text.split('/').next().unwrap_or_default();
    let secret = |at: usize| {
        let (user, _) = authority[..at].split_once(':')?;
        Some(!user.is_empty() && !user.eq_ignore_ascii_case("mailto") && at + 1 < authority.len())
    };
    !text.contains(char::is_whitespace) && authority.rfind('@').and_then(secret).unwrap_or(false)
}

/// Whether a URL in `text` holds a credential as a parameter; `is_address` says that the whole text is a URL.
fn has_token(text: &str, is_address: bool) -> bool {
    let within = text.match_indices("://").map(|(at, mark)| {
        let after = &text[at + mark.len()..];
        &after[..after.find(ends_word).unwrap_or(after.len())]
    });
    let whole = is_address.then_some(text);
    within.chain(whole).any(|url| {
        let parameters = url.split(['?', '&', '#', ';']).skip(1).filter_map(|parameter| parameter.split_once('='));
        parameters.into_iter().any(|(name, value)| !value.is_empty() && is_token(name))
    })
}

/// Whether a parameter's name, which may be percent-encoded, is one of [`TOKENS`].
fn is_token(name: &str) -> bool {
    // The one decoder that reads URLs: a name without `=` is decoded as a whole.
    let decoded = url::form_urlencoded::parse(name.as_bytes()).next();
    let decoded = decoded.map(|(name, _)| name.to_ascii_lowercase().replace(['-', '_'], "")).unwrap_or_default();
    TOKENS.contains(&decoded.as_str())
}

/// Whether `text` holds a token of a well-known service.
fn has_known_token(text: &str) -> bool {
    KNOWN.iter().any(|(prefix, least)| {
        text.match_indices(prefix).any(|(at, _)| {
            let rest = text[at + prefix.len()..].bytes();
            rest.take_while(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(byte)).count() >= *least
        })
    })
}

/// The kind of secret that a URL in `text` holds; the secret itself is not repeated. `is_address` says that the whole text
/// is an address.
pub fn secret(text: &str, is_address: bool) -> Option<&'static str> {
    if text.contains('@') && (has_user(text) || is_address && is_with_password(text)) {
        return Some("a user or a password");
    }
    let has_token = text.contains('=') && has_token(text, is_address) || has_known_token(text);
    has_token.then_some("an access token")
}

/// `1 file`, `2 files`.
pub fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn secrets_in_urls_are_seen() {
        for text in [
            "https://me:pw@h/r",
            "https://token@h/r",
            "HTTPS://me:pw@h",
            "http://a@b@h/",
            "https:me:pw@h/r",
            "https:/me:pw@h/r",
            "https:\\\\me:pw@h/r",
            "https://me:p/w@h/r",
            "https://me:p#w@h/r",
            "https://me:p?w@h/r",
            "https://me%3Apw@h/r",
            "ssh://me:pw@h/r",
            "git+https://me:pw@h/r",
            "postgres://me:pw@h/r",
            "//me:pw@h/r",
            "see (https://me:pw@h/r), please",
            "two: https://h/r https://me:pw@h/r",
        ] {
            assert!(has_user(text), "{text}");
            assert_eq!(secret(text, false), Some("a user or a password"), "{text}");
        }
        for text in [
            "me:pw@h:o/r",
            "me:pw@h/r",
            "first.last:pw@h/r",
            "me@corp.example:pw@h/r",
            "CORP\\me:pw@h/r",
            "https://me:p'w@h/r",
            "https://me:p\"w@h/r",
            "https://me:p w@h/r",
            "https://me:p<w@h/r",
            "https://to ken@h/r",
        ] {
            assert_eq!(secret(text, true), Some("a user or a password"), "{text}");
        }
        for name in TOKENS.iter().map(|name| (*name).to_owned()).chain(
            ["access_token", "Access-Token", "accessToken", "access%5Ftoken", "%74oken", "X-Amz-Security-Token"]
                .map(str::to_owned),
        ) {
            for text in [format!("h/r?{name}=x"), format!("https:/h/r?{name}=x"), format!("https://h/r?a='&{name}=x")] {
                assert_eq!(secret(&text, true), Some("an access token"), "{text}");
            }
        }
        for (prefix, _) in KNOWN {
            let text = format!("see https://h/r and {prefix}{}", "a1".repeat(12));
            assert_eq!(secret(&text, false), Some("an access token"), "{text}");
        }
        for text in [
            "https://h/r?access_token=x",
            "https://h/r?a=b&Private_Token=x",
            "https://h/r#id_token=x",
            "https://h/r?X-Amz-Signature=0a",
        ] {
            assert_eq!(secret(text, false), Some("an access token"), "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "https://h/r@v1",
            "https://h:8080/r@v1",
            "https://[::1]/r@v1",
            "https://[::1]:80/r@v1",
            "ssh://git@h/r",
            "ssh://git@h:22/r",
            "git@h:o/r",
            "https://h/x?a@b",
            "https://h/x?token=",
            "https://h/x?page=token",
            "https://h/x?tokens=3",
            "git@h:o/r@v1",
            "ghp_short",
            "mailto:ada@example.org",
            "Contact: ada@example.org",
            "Ada <ada@example.org>",
            "file:///home/me@work/x",
            "/home/me:you@work/x",
            "",
        ] {
            assert_eq!(secret(text, true), None, "{text}");
        }
        assert_eq!(secret("ask:ada@example.org", false), None);
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left_and_json_reads_the_text_back(text in any::<String>()) {
            let shown = one_line(&text);
            prop_assert!(!shown.contains(steers), "{shown:?}");
            let json = serde_json::to_string(&text).expect("JSON");
            let read: String = serde_json::from_str(&one_line(&json)).expect("JSON");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn what_is_kept_stays(text in "[a\n\t\u{1b}\u{202e}]{0,20}") {
            prop_assert_eq!(&*escaped(&text, "\n\t\u{1b}\u{202e}"), &*text);
        }
    }

    #[test]
    fn every_character_that_steers_is_written_by_its_number() {
        for c in ('\0'..=char::MAX).filter(|c| steers(*c)) {
            assert_eq!(one_line(&format!("a{c}b")), format!("a\\u{:04x}b", u32::from(c)));
        }
    }
}
