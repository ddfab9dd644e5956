//! Where the registry is, and how a git URL is reached.

use std::path::{Path, PathBuf};

use url::Url;

use super::github;
use crate::answers::file;
use crate::error::Failure;
use crate::registry::{Location, Registry, RegistryError, Remote};
use crate::world::World;

/// The registry that is `given` by the command line or the environment, else the one that the user's config names, else the
/// one in the data folder.
pub(crate) fn location(given: Option<&str>, world: &World) -> Result<Location, Failure> {
    if let Some(place) = given.filter(|place| !place.is_empty()) {
        return locate(place, &world.folder, world);
    }
    if let Some(config) = world.config()
        && let Some(place) = file::config(&config)?.and_then(|found| found.registry)
    {
        return locate(&place, config.parent().unwrap_or(&world.folder), world);
    }
    Ok(Location::Here(world.default_registry()?))
}

/// `place` as it is meant in the folder `base`.
fn locate(place: &str, base: &Path, world: &World) -> Result<Location, Failure> {
    if let Some(path) = place.strip_prefix("file://") {
        let decoded = Url::parse(place).ok().and_then(|url| url.to_file_path().ok());
        return Ok(Location::Here(decoded.unwrap_or_else(|| PathBuf::from(path))));
    }
    // As git reads it: a colon before the first slash names a host, unless there is such a file.
    let names_host = place.split('/').next().is_some_and(|first| first.contains(':')) && !base.join(place).exists();
    if !place.contains("://") && !names_host {
        return Ok(Location::Here(base.join(place)));
    }
    let cache = world.registry_cache()?;
    let server = (github::network(world)?, github::caller_of(place, world)?);
    Ok(Location::There(Remote::new(place, cache, server, world.offline)?))
}

/// The registry at `location`, if there is one. Another machine may take its time: meanwhile there is something to see.
pub(crate) fn open(location: &Location, world: &World) -> Result<Option<Registry>, RegistryError> {
    let _bar = matches!(location, Location::There(_)).then(|| world.terminal.bar("reading the registry"));
    Registry::open(location)
}

/// Offline, says how old the copy is that is read.
pub(crate) fn warn_of_age(registry: &Registry, world: &World) {
    if let Some(age) = registry.age() {
        let minutes = age.as_secs() / 60;
        let age = match minutes {
            0 => "less than a minute".to_owned(),
            1..120 => format!("{minutes} minutes"),
            120..2880 => format!("{} hours", minutes / 60),
            _ => format!("{} days", minutes / 1440),
        };
        world.terminal.say(&format!("offline: the registry as it was {age} ago"));
    }
}
