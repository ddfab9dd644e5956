//! The rules for the content of a record, for `new`, `phase`, `import` and `check` alike.

use url::Url;

use super::RegistryError;
use crate::model::record::Record;
use crate::model::text::{secret, steers};

/// Longest link, in bytes.
const LONGEST_LINK: usize = 2000;

/// Keys whose whole text is an address.
const ADDRESSES: [&str; 5] =
    ["repository.url", "template.source", "evidence.link", "ending.documentation", "ending.successor"];

/// The one key whose text may have several lines, and tabs.
const LINES: &str = "description";

/// Whether the registry accepts `new` in the place of `old`. `new` may break a rule that `old` breaks already.
///
/// # Errors
/// `Unfit` with everything that is wrong.
pub fn check(new: &Record, old: Option<&Record>) -> Result<(), RegistryError> {
    let before = old.map(faults).unwrap_or_default();
    let faults: Vec<String> = faults(new).into_iter().filter(|fault| !before.contains(fault)).collect();
    if faults.is_empty() { Ok(()) } else { Err(RegistryError::Unfit { name: new.name.to_string(), faults }) }
}

/// The rules that a readable record breaks, as a sentence each.
pub(super) fn faults(record: &Record) -> Vec<String> {
    let mut faults = Vec::new();
    record.texts(&mut |key, text| faults.extend(text_fault(key, text)));
    let slashes = record.base_path.starts_with('/') || record.base_path.ends_with('/');
    if record.base_path.is_empty() || slashes {
        faults.push("`base_path` is empty, or has a slash at an end".to_owned());
    }
    if record.short_name.is_empty() {
        faults.push("`short_name` is empty".to_owned());
    }
    for change in &record.history {
        if change.date.parse::<jiff::Timestamp>().is_err() {
            faults
                .push(format!("`{}` is not a date and time such as 2026-01-31T12:00:00Z", change.date.escape_debug()));
        }
    }
    if record.history.last().is_some_and(|last| last.phase != record.phase) {
        faults.push("`phase` is not the last phase of its history".to_owned());
    }
    let fault = |(key, link): (&str, &str)| Some(format!("`{key}`: {}", link_fault(link)?));
    faults.extend(record.evidence.iter().filter_map(|evidence| fault(("evidence.link", &evidence.link))));
    let ending = &record.ending;
    let pages = [("ending.documentation", &ending.documentation), ("ending.successor", &ending.successor)];
    faults.extend(pages.into_iter().filter_map(|(key, page)| fault((key, page.as_deref()?))));
    faults
}

/// What is wrong with a text of a record; none when nothing is.
fn text_fault(key: &str, text: &str) -> Option<String> {
    let steering = text.chars().find(|c| steers(*c) && !(key == LINES && matches!(c, '\n' | '\t')));
    if let Some(c) = steering {
        let wanted = if key == LINES { "it may hold line ends and tabs" } else { "it must be one line" };
        let (key, number) = (key.escape_debug(), u32::from(c));
        return Some(format!("`{key}` holds the control character U+{number:04X}: {wanted}, without such characters"));
    }
    let kind = secret(text, ADDRESSES.contains(&key))?;
    Some(format!(
        "`{}` holds an address with {kind}: remove it, because everyone who reads the registry sees it",
        key.escape_debug()
    ))
}

/// What is wrong with a link, which must be an address that a person can open; none when nothing is.
pub fn link_fault(link: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(link) else { return Some("this is not a link: give an https address") };
    let has_space = link.chars().any(|c| c.is_whitespace() || steers(c) || "<>\"{}".contains(c));
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() => Some("the link holds a user or a password"),
        _ if secret(link, true).is_some() => Some("the link holds an access token, or a user or a password"),
        "https" | "http" if url.host_str().is_none() => Some("the link names no host"),
        "https" | "http" if has_space => Some("the link holds a space, a quote or a bracket"),
        "https" | "http" if link.len() > LONGEST_LINK => Some("the link is longer than 2000 bytes"),
        "https" | "http" => None,
        _ => Some("a link begins with `https://`"),
    }
}
