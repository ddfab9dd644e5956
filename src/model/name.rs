//! The name of an API.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Blame, Fault};

/// Longest name: GitHub takes 100 characters for a repository.
const LONGEST: usize = 100;

/// A checked name: `^[a-z][a-z0-9]*(-[a-z0-9]+)*$` (the platform's manifest schema), at most 100 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiName(String);

impl ApiName {
    /// Checks `name`; the error says what a good name would be.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
        let words = name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        if starts_well && words && name.len() <= LONGEST {
            Ok(Self(name))
        } else {
            Err(InvalidName { suggestion: suggest(&name), name })
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first letter of each word: `personal-demographics-service` gives `pds`.
    pub fn initials(&self) -> String {
        initials(&self.0)
    }
}

/// The first character of each `-`-separated word.
pub fn initials(name: &str) -> String {
    name.split('-').filter_map(|word| word.chars().next()).collect()
}

impl fmt::Display for ApiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ApiName {
    type Error = InvalidName;

    fn try_from(name: String) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl From<ApiName> for String {
    fn from(name: ApiName) -> Self {
        name.0
    }
}

/// The nearest good name, if anything usable is in `name`.
fn suggest(name: &str) -> Option<String> {
    let kebab = heck::ToKebabCase::to_kebab_case(name);
    let kept = kebab.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-');
    let kept: String = kept.collect();
    let words: Vec<&str> = kept.split('-').filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    let trimmed = joined.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let end = trimmed.char_indices().nth(LONGEST).map_or(trimmed.len(), |(at, _)| at);
    let good = trimmed[..end].trim_end_matches('-');
    (!good.is_empty()).then(|| good.to_owned())
}

/// A name that the platform does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be an API's name: use lower-case letters and digits in words joined by single hyphens, beginning with a letter, at most 100 characters", name.escape_debug())]
pub struct InvalidName {
    pub name: String,
    /// A good name near it.
    pub suggestion: Option<String>,
}

impl Blame for InvalidName {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        let good = self.suggestion.as_ref()?;
        Some(format!("`{good}` would do"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_names() {
        for good in ["a", "my-api", "v2", "a1-2b"] {
            assert!(ApiName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "My-Api", "2go", "a_b", "a.b", "é", "../x", "a b"] {
            assert!(ApiName::new(bad).is_err(), "{bad}");
        }
        assert!(ApiName::new("a".repeat(101)).is_err());
    }

    #[test]
    fn a_bad_name_comes_with_a_good_one() {
        let suggestion = |name: &str| ApiName::new(name).expect_err("bad").suggestion;
        assert_eq!(suggestion("My API"), Some("my-api".to_owned()));
        assert_eq!(suggestion("2nd_try"), Some("nd-try".to_owned()));
        assert_eq!(suggestion("../x"), Some("x".to_owned()));
        assert_eq!(suggestion("愛"), None);
        assert_eq!(suggestion(&"a".repeat(200)), Some("a".repeat(100)));
    }

    #[test]
    fn initials_are_the_first_letters() {
        assert_eq!(ApiName::new("personal-demographics-service").expect("good").initials(), "pds");
    }
}
