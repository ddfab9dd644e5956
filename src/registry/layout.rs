//! Where things are in a registry.

use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use super::write;
use crate::git::store::{Edit, Snapshot};
use crate::model::record::KeyKind;
use crate::model::text::secret;

/// Keys that have a file of their own; the name's is the record.
pub(super) const KEYS_WITH_FILES: [KeyKind; 4] =
    [KeyKind::ShortName, KeyKind::BasePath, KeyKind::Guid, KeyKind::Repository];

/// The file that says that a repository is a registry, and of which kind.
pub(super) const MARK: &str = "registry.toml";

/// What stands in it. A layout that this version would not understand must have another number.
pub(super) const MARK_TEXT: &str = "# How apiscaffold keeps this registry.\nformat = 1\n";

/// The kind of registry that this version reads and writes.
pub(super) const FORMAT: i64 = 1;

pub(super) const APIS: &str = "apis";

pub(super) const KEYS: &str = "keys";

/// What a person sees who finds the repository.
const README: &str = "\
This is a registry of APIs, kept by apiscaffold: `apis` holds one record an API, `keys` says which API has a short name, \
base path, guid or repository.
RecordChange it with `apiscaffold`; each change is one commit, which says who made it and when.
";

/// Longest file name for a key before it is cut: checkouts take 255 bytes.
const LONGEST: usize = 200;

/// The files that a registry begins with, when there is nothing yet.
pub(super) fn beginning(snapshot: &Snapshot<'_>) -> Vec<Edit> {
    let files = if snapshot.head().is_none() { &[("README.md", README), (MARK, MARK_TEXT)][..] } else { &[] };
    files.iter().map(|(path, text)| write((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

/// The path of the record of the API `name`.
pub(super) fn record(name: &str) -> String {
    format!("{APIS}/{}/{name}.toml", shards(hash(name)))
}

/// The path of a key. All kinds share the shards: a folder less to write for each key that is taken.
pub(super) fn key(kind: KeyKind, value: &str) -> String {
    let hash = hash(value);
    let mut path = String::with_capacity(value.len() + 48);
    for part in [KEYS, "/", &shards(hash), "/", word(kind), "="] {
        path.push_str(part);
    }
    escape(value, hash, &mut path);
    path
}

fn word(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Name => "name",
        KeyKind::ShortName => "short-name",
        KeyKind::BasePath => "base-path",
        KeyKind::Guid => "guid",
        KeyKind::Repository => "repository",
    }
}

fn hash(value: &str) -> [u8; 20] {
    Sha1::digest(value.as_bytes()).into()
}

/// Three folders of at most sixteen each: a change writes every folder on its way anew, so they must stay small however
/// many records there are.
fn shards(hash: [u8; 20]) -> String {
    // Without formatting each byte: a list of 100,000 records asks for half a million of these.
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let [first, second, third] = [hash[0] >> 4, hash[0] & 15, hash[1] >> 4].map(digit);
    String::from_iter([first, '/', second, '/', third])
}

/// Adds `value` as the end of a file name that every file system and git take: letters, digits, `-`, `_` and inner dots stay, each other
/// byte becomes `%XX`. A long one is cut and ends with `~` and its hash; no value is `%`.
fn escape(value: &str, hash: [u8; 20], to: &mut String) {
    let start = to.len();
    for (at, byte) in value.bytes().enumerate() {
        let inner_dot = byte == b'.' && at > 0 && at + 1 < value.len();
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || inner_dot {
            to.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
            to.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    if to.len() - start > LONGEST {
        to.truncate(start + LONGEST - 2 * hash.len() - 1);
        to.push('~');
        for byte in hash {
            let _ = write!(to, "{byte:02x}");
        }
    }
    if to.len() == start {
        to.push('%');
    }
}

/// The path of a key as people may see it: not with a password that is in an old one.
pub(super) fn shown(path: &str) -> String {
    let Some((kind, escaped)) = path.split_once('=') else { return path.to_owned() };
    let mut value = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(first) = rest.bytes().next() {
        let code = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        value.push(byte.unwrap_or(first));
        rest = rest.get(if byte.is_some() { 3 } else { 1 }..).unwrap_or_default();
    }
    match secret(&String::from_utf8_lossy(&value), true) {
        Some(_) => format!("{kind}=***"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn escaped(value: &str, hash: [u8; 20]) -> String {
        let mut name = String::new();
        escape(value, hash, &mut name);
        name
    }

    #[test]
    fn paths_can_be_read() {
        assert_eq!(record("my-api"), format!("apis/{}/my-api.toml", shards(hash("my-api"))));
        let path = key(KeyKind::BasePath, "a/b.c");
        assert_eq!(path, format!("keys/{}/base-path=a%2Fb.c", shards(hash("a/b.c"))));
        assert_eq!(shards(hash("abc")), "a/9/9", "the example of FIPS 180 is a9993e36…");
        let long = "a".repeat(300);
        assert!(escaped(&long, hash("abc")).ends_with("a~a9993e364706816aba3e25717850c26c9cd0d89d"));
    }

    #[test]
    fn names_that_git_fears_are_escaped() {
        for (value, name) in [("", "%"), (".git", "%2Egit"), ("..", "%2E%2E"), ("git~1", "git%7E1"), ("é", "%C3%A9")] {
            assert_eq!(escaped(value, hash(value)), name);
        }
    }

    proptest! {
        #[test]
        fn two_values_never_share_a_name(one in "[a%./~]{0,6}|\\PC{190,210}", other in "[a%./~]{0,6}|\\PC{190,210}") {
            let name = |value: &str| escaped(value, hash(value));
            prop_assert_eq!(one == other, name(&one) == name(&other));
            prop_assert!(!name(&one).is_empty() && name(&one).len() <= LONGEST);
            prop_assert!(name(&one).bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.%~".contains(&b)));
        }
    }
}
