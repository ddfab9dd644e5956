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

    /// A name in the registry that differs from `name` by a slip: a letter left out, doubled or swapped with the next
    /// one, a hyphen, a plural, or `-api` at the end. Looks each such name up, so that the cost does not grow with the
    /// registry.
    pub fn near(&self, name: &ApiName) -> Result<Option<String>, RegistryError> {
        let snapshot = self.store.snapshot()?;
        for slip in slips(name.as_str()) {
            if snapshot.read(&layout::record(&slip))?.is_some() {
                return Ok(Some(slip));
            }
        }
        Ok(None)
    }
}

fn slips(name: &str) -> BTreeSet<String> {
    let mut slips = BTreeSet::new();
    for at in 0..name.len() {
        let (head, tail) = name.split_at(at);
        let (one, rest) = tail.split_at(1);
        slips.insert(format!("{head}{rest}"));
        slips.insert(format!("{head}{one}{one}{rest}"));
        slips.insert(format!("{head}-{tail}"));
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
        assert!(!slips.contains("my-api") && slips.iter().all(|slip| ApiName::new(slip.as_str()).is_ok()));
        assert!(slips.len() < 30, "a few look-ups a letter at most: {}", slips.len());
    }
}
