//! Names that look like a typo of another name.

use std::collections::BTreeSet;

use super::{Registry, RegistryError, layout};
use crate::model::name::ApiName;

impl Registry {
    /// Every name, in no order, without reading a record.
    pub fn names(&self) -> Result<Vec<String>, RegistryError> {
        let files = self.store.snapshot()?.list(layout::APIS)?;
        let name = |(path, _): (String, _)| Some(path.rsplit('/').next()?.strip_suffix(".toml")?.to_owned());
        Ok(files.into_iter().filter_map(name).collect())
    }

    /// A name in the registry that `name` may be a typo of: a letter too many, doubled or swapped with the next one,
    /// another vowel, the letter of the neighbouring key, a hyphen, a plural, or `-api` at the end. Each such name is
    /// looked up, so that the cost does not grow with the registry. To try every letter in every place would take a
    /// thousand look-ups, nearly as long as the rest of a registration.
    pub fn near(&self, name: &ApiName) -> Result<Option<String>, RegistryError> {
        let snapshot = self.store.snapshot()?;
        for typo in typos(name.as_str()) {
            if snapshot.has(&layout::record(&typo))? {
                return Ok(Some(typo));
            }
        }
        Ok(None)
    }
}

/// They are often confused with each other.
const VOWELS: &str = "aeiou";

/// Letters that are neighbours on most keyboards.
const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// The letters that are easily typed instead of `letter`; none for a digit, because a number is rarely a typo.
fn mistaken(letter: &str) -> impl Iterator<Item = char> {
    let row = ROWS.into_iter().find_map(|row| Some((row, row.find(letter)?)));
    let beside = row.into_iter().flat_map(|(row, at)| row.chars().skip(at.saturating_sub(1)).take(at.min(1) + 2));
    let vowels = if VOWELS.contains(letter) { VOWELS } else { "" };
    beside.chain(vowels.chars())
}

/// The names that are one typo away.
fn typos(name: &str) -> BTreeSet<String> {
    let mut typos = BTreeSet::new();
    for at in 0..name.len() {
        let (head, tail) = name.split_at(at);
        let (one, rest) = tail.split_at(1);
        typos.insert(format!("{head}{rest}"));
        typos.insert(format!("{head}{one}{one}{rest}"));
        typos.insert(format!("{head}-{tail}"));
        typos.extend(mistaken(one).map(|other| format!("{head}{other}{rest}")));
        if let Some((next, rest)) = rest.split_at_checked(1) {
            typos.insert(format!("{head}{next}{one}{rest}"));
        }
    }
    typos.insert(format!("{name}s"));
    typos.insert(format!("{name}-api"));
    typos.extend(name.strip_suffix("-api").map(str::to_owned));
    typos.retain(|typo| typo != name && ApiName::new(typo.as_str()).is_ok());
    typos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_names_near_by() {
        let typos = typos("my-api");
        for typo in ["m-api", "my-apis", "myapi", "mya-pi", "ym-api", "my", "my-api-api", "my-ap-i", "mmy-api"] {
            assert!(typos.contains(typo), "{typo}: {typos:?}");
        }
        for typo in ["mt-api", "my-apo", "my-epi", "my-aoi"] {
            assert!(typos.contains(typo), "{typo}: {typos:?}");
        }
        assert!(!typos.contains("my-api") && typos.iter().all(|typo| ApiName::new(typo.as_str()).is_ok()));
        assert!(typos.len() < 9 * "my-api".len(), "a few look-ups a letter at most: {}", typos.len());
        let numbered = super::typos("api-v1");
        assert!(!numbered.contains("api-v2") && numbered.contains("api-b1"), "{numbered:?}");
    }

    #[test]
    fn a_letter_is_mistaken_for_those_beside_it_and_a_vowel_for_vowels() {
        let mistaken = |letter| mistaken(letter).filter(|other| !letter.contains(*other)).collect::<String>();
        assert_eq!(["q", "w", "m", "a", "7", "-"].map(mistaken), ["w", "qe", "n", "seiou", "", ""]);
    }
}
