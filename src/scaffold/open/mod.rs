//! From the environment to what a command works with: the registry, GitHub, and who makes a change.

pub(crate) mod github;
pub(crate) mod registry;

use crate::git::commit;
use crate::model::author::Author;
use crate::model::text::steers;
use crate::world::World;

/// Who makes a change: by the environment, else git's configuration, else this tool.
pub(crate) fn author(world: &World) -> Author {
    let given =
        || Some((world.variable("GIT_AUTHOR_NAME")?.to_owned(), world.variable("GIT_AUTHOR_EMAIL")?.to_owned()));
    let fallback = || ("apiscaffold".to_owned(), "apiscaffold@localhost".to_owned());
    let (name, email) = given().or_else(commit::configured_identity).unwrap_or_else(fallback);
    // As git drops line ends from a name.
    let [name, email] = [name, email].map(|text| text.replace(steers, ""));
    Author { name, email }
}
