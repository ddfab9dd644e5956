//! Names that the registry would take and that would make trouble on the platform.

use serde_json::{Map, Value};

use crate::error::{Blame, Failure, Fault};
use crate::model::name::ApiName;
use crate::registry::Registry;
use crate::world::World;

/// Words that say nothing about an API, or mean something else where names stand: on command lines, in URLs, and (the
/// names of devices, <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>) as folders.
const RESERVED: [&str; 19] = [
    "api",
    "apis",
    "apiscaffold",
    "aux",
    "con",
    "default",
    "health",
    "keys",
    "none",
    "nul",
    "null",
    "ping",
    "prn",
    "registry",
    "status",
    "template",
    "test",
    "undefined",
    "unknown",
];

#[derive(Debug, thiserror::Error)]
enum BadWord {
    #[error("`{0}` is a reserved word, and cannot be an API's name")]
    Reserved(ApiName),
    #[error(
        "`{name}` ends in `{environment}`, the name of an environment: with it the products of one API could be taken for another's"
    )]
    Environment { name: ApiName, environment: String },
}

impl Blame for BadWord {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Reserved(name) => format!("say what it is for: `{name}-…`"),
            Self::Environment { name, environment } => {
                let rest = name.as_str().strip_suffix(environment.as_str()).unwrap_or_default().trim_end_matches('-');
                match rest {
                    "" => "say what the API is for".to_owned(),
                    rest => format!("leave it out: `{rest}`; environments are chosen by the answer `environments`"),
                }
            }
        })
    }
}

/// Checks the name of a new API against reserved words and the template's environments, and warns of a name near it.
pub(crate) fn check(
    name: &ApiName,
    environments: &[Map<String, Value>],
    registry: Option<&Registry>,
    world: &World,
) -> Result<(), Failure> {
    // With a number too: `com1`, `lpt9`.
    let device = ["com", "lpt"]
        .iter()
        .any(|device| name.as_str().strip_prefix(device).is_some_and(|digits| digits.len() == 1 && digits != "0"));
    if RESERVED.contains(&name.as_str()) || device {
        return Err(BadWord::Reserved(name.clone()).into());
    }
    let words = environments.iter().filter_map(|environment| environment.get("name")?.as_str());
    let ends =
        |word: &&str| name.as_str().strip_suffix(*word).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'));
    if let Some(environment) = words.filter(ends).max_by_key(|word| word.len()) {
        return Err(BadWord::Environment { name: name.clone(), environment: environment.to_owned() }.into());
    }
    if let Some(near) = registry.map(|registry| registry.near(name)).transpose()?.flatten() {
        world.terminal.warn(&format!("`{name}` is easily taken for `{near}`, which the registry has already"));
    }
    Ok(())
}
