//! Names that are easily taken for another.

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

    /// A name in the registry that differs from `name` by a slip: a letter too many, doubled or swapped with the next one,
    /// another vowel, the letter of the key beside, a hyphen, a plural, or `-api` at the end. Looks each such name up, so
    /// that the cost does not grow with the registry; every letter in every place would be a thousand look-ups, which take
    /// nearly as long as all the rest of a registration.
    pub fn near(&self, name: &ApiName) -> Result<Option<String>, RegistryError> {
        let snapshot = self.store.snapshot()?;
        for slip in slips(name.as_str()) {
            if snapshot.has(&layout::record(&slip))? {
                return Ok(Some(slip));
            }
        }
        Ok(None)
    }
}

/// One is often written in the place of another.
const VOWELS: &str = "aeiou";

/// Letters as they lie beside each other on most keyboards.
const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// What is easily written in the place of `letter`. Of a digit nothing is: who numbers names means the number.
fn mistaken(letter: &str) -> impl Iterator<Item = char> {
    let row = ROWS.into_iter().find_map(|row| Some((row, row.find(letter)?)));
    let beside = row.into_iter().flat_map(|(row, at)| row.chars().skip(at.saturating_sub(1)).take(at.min(1) + 2));
    let vowels = if VOWELS.contains(letter) { VOWELS } else { "" };
    beside.chain(vowels.chars())
}

/// The names that are a slip away.
fn slips(name: &str) -> BTreeSet<String> {
    let mut slips = BTreeSet::new();
    for at in 0..name.len() {
        let (head, tail) = name.split_at(at);
        let (one, rest) = tail.split_at(1);
        slips.insert(format!("{head}{rest}"));
        slips.insert(format!("{head}{one}{one}{rest}"));
        slips.insert(format!("{head}-{tail}"));
        slips.extend(mistaken(one).map(|other| format!("{head}{other}{rest}")));
        if let Some((next, rest)) = rest.split_at_checked(1) {
            slips.insert(format!("{head}{next}{one}{rest}"));
        }
    }
    slips.insert(format!("{name}s"));
    slips.insert(format!("{name}-api"));
    slips.extend(name.strip_suffix("-api").map(str::to_owned));
    slips.retain(|slip| slip != name && ApiName::new(slip.as_str()).is_ok());
    slips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_names_near_by() {
        let slips = slips("my-api");
        for slip in ["m-api", "my-apis", "myapi", "mya-pi", "ym-api", "my", "my-api-api", "my-ap-i", "mmy-api"] {
            assert!(slips.contains(slip), "{slip}: {slips:?}");
        }
        for slip in ["mt-api", "my-apo", "my-epi", "my-aoi"] {
            assert!(slips.contains(slip), "{slip}: {slips:?}");
        }
        assert!(!slips.contains("my-api") && slips.iter().all(|slip| ApiName::new(slip.as_str()).is_ok()));
        assert!(slips.len() < 9 * "my-api".len(), "a few look-ups a letter at most: {}", slips.len());
        let numbered = super::slips("api-v1");
        assert!(!numbered.contains("api-v2") && numbered.contains("api-b1"), "{numbered:?}");
    }

    #[test]
    fn a_letter_is_mistaken_for_those_beside_it_and_a_vowel_for_vowels() {
        let mistaken = |letter| mistaken(letter).filter(|other| !letter.contains(*other)).collect::<String>();
        assert_eq!(["q", "w", "m", "a", "7", "-"].map(mistaken), ["w", "qe", "n", "seiou", "", ""]);
    }
}
