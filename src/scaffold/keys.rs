//! The keys of a new API: what was given or the spec says, or the next free value.

use serde_json::Value;

use crate::answers::Answers;
use crate::error::{Blame, Failure, Fault};
use crate::model::question::Question;
use crate::model::record::{KeyKind, Record};
use crate::registry::{Registry, RegistryError};
use crate::scaffold::place::NameClaim;
use crate::scaffold::request::Material;
use crate::scaffold::{address, render};
use crate::world::World;

/// The spec says a base path that another API has.
#[derive(Debug, thiserror::Error)]
#[error("{0}, and the spec's servers say it")]
struct SaidAndTaken(RegistryError);

impl Blame for SaidAndTaken {
    fn fault(&self) -> Fault {
        self.0.fault()
    }

    fn hint(&self) -> Option<String> {
        Some("write another path in the spec's `servers`; `--set base_path=…` gives another one too, but then the proxy is not where the spec says".to_owned())
    }
}

/// The keys of a new API: given ones must be free, derived ones take the next free value.
pub(crate) struct Keys<'k> {
    pub(crate) registry: Option<&'k Registry>,
    pub(crate) standing: &'k NameClaim,
}

impl Keys<'_> {
    pub(crate) fn settle(&self, material: &mut Material, world: &World) -> Result<(Answers, Record), Failure> {
        let propose = |question: &Question, proposed: Option<Value>| self.propose(question, proposed);
        let mut answers = material.first_answers(world, &propose)?;
        let mut record = render::draft(material, &answers);
        let mut derived = Vec::new();
        for (question, kind) in [("short_name", KeyKind::ShortName), ("base_path", KeyKind::BasePath)] {
            let value = record.key(kind);
            let is_explicit = answers.is_explicit(question);
            // With a number the proxy would not be where the spec says.
            let comes_from_spec =
                !is_explicit && kind == KeyKind::BasePath && address::comes_from_spec(material, &value);
            if is_explicit || comes_from_spec {
                let Some(holder) = self.holder(kind, &value)? else { continue };
                let has = self.registry.map(|registry| registry.get(&holder)).transpose()?.flatten();
                let taken = RegistryError::taken(kind, value, &holder, has.as_ref());
                return Err(if comes_from_spec { SaidAndTaken(taken).into() } else { taken.into() });
            }
            let free = self.free(kind, &value)?;
            if free == value {
                continue;
            }
            world.terminal.say(&format!("the {} `{value}` is taken, so `{free}` is used", kind.word()));
            material.derive(question, free.as_str());
            derived.push((kind, free));
        }
        if !derived.is_empty() {
            answers = material.answers(world, &|_, proposed| proposed)?;
            record = render::draft(material, &answers);
            // A template need not ask for its keys: then no answer has carried them here.
            for (kind, free) in derived {
                match kind {
                    KeyKind::ShortName => record.short_name = free,
                    _ => record.base_path = free,
                }
            }
        }
        Ok((answers, record))
    }

    /// What to propose to a person: a key that is free.
    fn propose(&self, question: &Question, proposed: Option<Value>) -> Option<Value> {
        let kind = match question.name.as_str() {
            "short_name" => KeyKind::ShortName,
            "base_path" => KeyKind::BasePath,
            _ => return proposed,
        };
        let text = proposed.as_ref().and_then(Value::as_str)?;
        self.free(kind, text).ok().map(Value::from)
    }

    fn holder(&self, kind: KeyKind, value: &str) -> Result<Option<String>, Failure> {
        let holder = self.registry.map(|registry| registry.holder(kind, value)).transpose()?.flatten();
        let ours = match self.standing {
            NameClaim::Ours(record) => Some(record.name.as_str()),
            NameClaim::Free => None,
        };
        Ok(holder.filter(|holder| Some(holder.as_str()) != ours))
    }

    /// `value`, or the next one that nobody has. What an earlier run of ours reserved is kept.
    fn free(&self, kind: KeyKind, value: &str) -> Result<String, Failure> {
        if let NameClaim::Ours(record) = self.standing
            && is_numbered(&record.key(kind), value)
        {
            return Ok(record.key(kind));
        }
        let mut candidate = value.to_owned();
        let mut number = 2;
        while self.holder(kind, &candidate)?.is_some() {
            candidate = numbered(kind, value, number);
            number += 1;
        }
        Ok(candidate)
    }
}

/// `pds` → `pds2`; `my-api/FHIR/R4` → `my-api-2/FHIR/R4`.
fn numbered(kind: KeyKind, value: &str, number: usize) -> String {
    match (kind, value.split_once('/')) {
        (KeyKind::BasePath, Some((first, rest))) => format!("{first}-{number}/{rest}"),
        (KeyKind::BasePath, None) => format!("{value}-{number}"),
        _ => format!("{value}{number}"),
    }
}

/// Whether `key` is `value` with a number that `numbered` gave it.
fn is_numbered(key: &str, value: &str) -> bool {
    let head = value.split('/').next().unwrap_or(value);
    let number = key.split('/').next().and_then(|first| first.strip_prefix(head));
    number.is_some_and(|number| {
        let digits = number.trim_start_matches('-');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_key_takes_the_next_number() {
        assert_eq!(numbered(KeyKind::ShortName, "pds", 2), "pds2");
        assert_eq!(numbered(KeyKind::BasePath, "my-api", 3), "my-api-3");
        assert_eq!(numbered(KeyKind::BasePath, "my-api/FHIR/R4", 2), "my-api-2/FHIR/R4");
        assert!(is_numbered("pds2", "pds") && is_numbered("my-api-12/FHIR/R4", "my-api/FHIR/R4"));
        assert!(!is_numbered("pds", "pds") && !is_numbered("pdsx", "pds") && !is_numbered("x2", "pds"));
    }
}
