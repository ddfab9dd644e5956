//! Base paths that get into each other's way, though they are not the same.

use crate::error::{Blame, Failure, Fault};
use crate::model::record::KeyKind;
use crate::registry::Registry;

/// Ends of base paths that many APIs have: those of a base path with such an end are looked up.
const USUAL_ENDS: [&str; 7] = ["FHIR", "FHIR/R4", "FHIR/STU3", "v1", "v2", "v3", "v4"];

#[derive(Debug, thiserror::Error)]
enum Overlap {
    #[error(
        "the base path `{base}` is where pull request {number} of the API `{holder}` is tried out: `{other}` with `-pr-{number}`"
    )]
    Preview { base: String, other: String, number: String, holder: String },
    #[error("the base path `{base}` differs only in case from `{other}`, which the API `{holder}` has")]
    Case { base: String, other: String, holder: String },
}

impl Blame for Overlap {
    fn fault(&self) -> Fault {
        Fault::Conflict
    }

    fn hint(&self) -> Option<String> {
        Some("give another one: `--set base_path=…`, or another path in the spec's `servers`".to_owned())
    }
}

/// Compares the base path `base` of a new API with those of the others: an error when calls to one would reach the other, and
/// warnings where one hides a part of the other. Each base path that matters is looked up, so that the cost does not grow
/// with the registry.
pub(crate) fn check(base: &str, registry: &Registry) -> Result<Vec<String>, Failure> {
    let holder = |path: &str| registry.holder(KeyKind::BasePath, path);
    if let Some((other, number)) = previewed(base)
        && let Some(holder) = holder(other)?
    {
        let (base, other, number) = (base.to_owned(), other.to_owned(), number.to_owned());
        return Err(Overlap::Preview { base, other, number, holder }.into());
    }
    for other in other_cases(base) {
        if let Some(holder) = holder(&other)? {
            return Err(Overlap::Case { base: base.to_owned(), other, holder }.into());
        }
    }
    let around = base.match_indices('/').map(|(at, _)| (base[..at].to_owned(), base.to_owned()));
    let below = USUAL_ENDS.iter().map(|end| (base.to_owned(), format!("{base}/{end}")));
    let mut warnings = Vec::new();
    for (short, long) in around.chain(below) {
        let other = if long == base { &short } else { &long };
        if let Some(holder) = holder(other)? {
            warnings.push(format!(
                "the API `{holder}` has the base path `{other}`: calls to `/{long}` and below reach only the API with the longer base path, and paths of the other one that begin so are hidden"
            ));
        }
    }
    Ok(warnings)
}

/// The base path whose preview has the base path `base`, and the number of the pull request.
fn previewed(base: &str) -> Option<(&str, &str)> {
    let (other, number) = base.rsplit_once("-pr-")?;
    (!other.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((other, number))
}

/// A base path as others may write it.
fn other_cases(base: &str) -> Vec<String> {
    let capital = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    let lower = base.to_ascii_lowercase();
    let words: Vec<String> = lower.split('/').map(capital).collect();
    let (first, rest) = base.split_at(base.find('/').unwrap_or(base.len()));
    let low = first.to_ascii_lowercase();
    let mut cases = vec![
        base.to_ascii_uppercase(),
        words.join("/"),
        format!("{}{rest}", first.to_ascii_uppercase()),
        format!("{}{rest}", capital(&low)),
        format!("{low}{}", rest.to_ascii_uppercase()),
        format!("{low}{rest}"),
        lower,
    ];
    cases.sort_unstable();
    cases.dedup();
    cases.retain(|other| other != base);
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_recognised() {
        assert_eq!(previewed("foo-pr-12"), Some(("foo", "12")));
        assert_eq!(previewed("foo/FHIR/R4-pr-1"), Some(("foo/FHIR/R4", "1")));
        for other in ["foo", "foo-pr-", "foo-pr-1a", "-pr-1", "foo-pr-1/v2", "foo-pr"] {
            assert_eq!(previewed(other), None, "{other}");
        }
    }

    #[test]
    fn other_cases_are_the_same_but_for_case() {
        for base in ["foo", "FOO", "Foo/v2", "foo/FHIR/R4", "my-api/v1"] {
            let cases = other_cases(base);
            assert!(cases.iter().all(|other| other != base && other.eq_ignore_ascii_case(base)), "{base}: {cases:?}");
            assert!(
                base == base.to_ascii_lowercase() || cases.contains(&base.to_ascii_lowercase()),
                "{base}: {cases:?}"
            );
        }
        assert!(other_cases("foo/FHIR/R4").contains(&"FOO/FHIR/R4".to_owned()));
    }
}
