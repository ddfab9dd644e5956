//! Compares the registry with the forge: records whose repository moved or is missing, and repositories without a record.
//!
//! An owner costs one call, one more for each hundred of its repositories, and one or two for each repository that is
//! looked at by itself; of those there are bounds.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::open;
use crate::error::{Blame, Failure, Fault};
use crate::forge::github::{ForgeError, Github, ListedRepository, Server};
use crate::model::phase::Phase;
use crate::model::record::{Record, RecordState};
use crate::model::repository::RepositorySlug;
use crate::model::text::{counted, one_line};
use crate::registry;
use crate::world::World;

/// Of each owner at most so many repositories are looked at by themselves, for each of the two questions.
const MOST_LOOKS: usize = 500;

/// Something that is wrong with a registry.
#[derive(Debug)]
pub(crate) struct RegistryProblem {
    /// The file in the registry; none when it is about something outside.
    pub(crate) path: Option<String>,
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
}

impl RegistryProblem {
    pub(crate) fn json(&self) -> Value {
        json!({"path": self.path, "line": self.line, "message": self.message})
    }

    pub(crate) fn text(&self) -> String {
        let line = self.line.map(|line| format!(" line {line}")).unwrap_or_default();
        let text = match &self.path {
            Some(path) => format!("`{path}`{line}: {}", self.message),
            None => self.message.clone(),
        };
        one_line(&text).into_owned()
    }
}

/// A record and where it says that its repository is.
struct Claim<'r> {
    record: &'r Record,
    target: RepositorySlug,
}

/// The repositories in the registry's records.
struct Known<'r> {
    server: Server,
    /// By owner, in lower case.
    claims: BTreeMap<String, Vec<Claim<'r>>>,
    /// Numbers of the repositories of all records.
    ids: HashSet<u64>,
    /// `owner/name` of the repositories of all records, in lower case.
    places: HashSet<String>,
    /// Names of records that cannot be read: they may belong to a repository of that name.
    unread: HashSet<&'r str>,
}

/// Why the check of an owner is incomplete.
struct Unasked {
    why: String,
    /// Whether the reason applies to every owner.
    for_all: bool,
}

/// What the forge says against the registry, which has records of all these `names`. Where it cannot be asked, that is
/// told and nothing is found.
pub(crate) fn on_forge(records: &[Record], names: &[String], world: &World) -> Result<Vec<RegistryProblem>, Failure> {
    let known = Known::of(open::github::server(world)?, records, names);
    let mut found = Vec::new();
    if known.claims.is_empty() {
        return Ok(found);
    }
    if world.offline {
        world.terminal.warn("GitHub was not asked, because of `--offline`: only the registry was checked");
        return Ok(found);
    }
    let _bar = world.terminal.bar("asking GitHub");
    let mut unasked: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut ended = None;
    for (owner, claims) in &known.claims {
        if let Some(why) = &ended {
            unasked.entry(String::clone(why)).or_default().push(owner);
        } else if let Some(Unasked { why, for_all }) = known.look(owner, claims, &mut found, world)? {
            ended = for_all.then(|| why.clone());
            unasked.entry(why).or_default().push(owner);
        }
    }
    for (why, owners) in unasked {
        world.terminal.warn(&format!("what `{}` has on GitHub was not all checked: {why}", owners.join("`, `")));
    }
    Ok(found)
}

fn full_name(target: &RepositorySlug) -> String {
    format!("{}/{}", target.owner, target.name).to_lowercase()
}

fn outside(message: String) -> RegistryProblem {
    RegistryProblem { path: None, line: None, message }
}

fn in_record(record: &Record, message: String) -> RegistryProblem {
    RegistryProblem { path: Some(registry::path(&record.name)), line: None, message }
}

impl<'r> Known<'r> {
    fn of(server: Server, records: &'r [Record], names: &'r [String]) -> Self {
        let mut claims: BTreeMap<String, Vec<Claim<'_>>> = BTreeMap::new();
        for record in records {
            if let Some(target) = server.target(&record.repository.url) {
                claims.entry(target.owner.to_lowercase()).or_default().push(Claim { record, target });
            }
        }
        let mut unread: HashSet<&str> = names.iter().map(String::as_str).collect();
        for record in records {
            unread.remove(record.name.as_str());
        }
        let places = claims.values().flatten().map(|claim| full_name(&claim.target)).collect();
        let ids = records.iter().filter_map(|record| record.repository.id).collect();
        Self { server, claims, ids, places, unread }
    }

    /// Looks at what an owner has; says why, when that fails.
    fn look(
        &self,
        owner: &str,
        claims: &[Claim<'_>],
        found: &mut Vec<RegistryProblem>,
        world: &World,
    ) -> Result<Option<Unasked>, Failure> {
        let words = |failure: &dyn Blame| {
            format!("{failure}{}", failure.hint().map(|hint| format!(" ({hint})")).unwrap_or_default())
        };
        let github = match open::github::open(owner, world) {
            Ok(github) => github,
            Err(failure) => return Ok(Some(Unasked { why: words(&*failure), for_all: true })),
        };
        match self.ask(&github, (owner, claims), found, world) {
            Ok(()) => Ok(None),
            Err(error) if error.fault() == Fault::Interrupted => Err(error.into()),
            Err(error) => Ok(Some(Unasked { why: words(&error), for_all: error.ends_all() })),
        }
    }

    /// Adds what is found until something fails.
    fn ask(
        &self,
        github: &Github,
        (owner, claims): (&str, &[Claim<'_>]),
        found: &mut Vec<RegistryProblem>,
        world: &World,
    ) -> Result<(), ForgeError> {
        let holdings = github.holdings(owner)?;
        if holdings.is_none() {
            world.terminal.warn(&format!("GitHub has no account `{owner}`, or the token may not see it"));
        }
        let mut holdings = holdings.unwrap_or_default();
        let by_id: HashMap<u64, &ListedRepository> = holdings.iter().map(|holding| (holding.id, holding)).collect();
        let by_name: HashMap<String, &ListedRepository> =
            holdings.iter().map(|holding| (full_name(&holding.target), holding)).collect();
        let held = |claim: &Claim<'_>| match claim.record.repository.id {
            Some(id) => by_id.get(&id).copied(),
            None => by_name.get(&full_name(&claim.target)).copied(),
        };
        let (here, elsewhere): (Vec<&Claim<'_>>, Vec<&Claim<'_>>) =
            claims.iter().partition(|claim| held(claim).is_some());
        found.extend(here.into_iter().filter_map(|claim| self.against(claim, held(claim))));
        let looked_at = &elsewhere[..elsewhere.len().min(MOST_LOOKS)];
        let targets: Vec<RepositorySlug> = looked_at.iter().map(|claim| claim.target.clone()).collect();
        let mut recorded = self.ids.clone();
        for (claim, whereabouts) in looked_at.iter().zip(github.whereabouts(&targets)) {
            let whereabouts = whereabouts?;
            found.extend(self.against(claim, whereabouts.as_ref()));
            recorded.extend(whereabouts.map(|holding| holding.id));
        }
        tell_rest(elsewhere.len(), owner, world);
        holdings.retain(|holding| !recorded.contains(&holding.id));
        self.unrecorded(github, (owner, &holdings), found, world)
    }

    /// What is wrong with a record, when its repository is this one, or is gone.
    fn against(&self, claim: &Claim<'_>, holding: Option<&ListedRepository>) -> Option<RegistryProblem> {
        let (name, url) = (&claim.record.name, &claim.record.repository.url);
        let Some(holding) = holding else {
            // A name is reserved before its repository is made.
            let gone = format!("the repository of `{name}` is not on GitHub, or the token may not see it: `{url}`");
            return (claim.record.state == RecordState::Active).then(|| outside(gone));
        };
        let page = self.server.page(&holding.target);
        if let Some(id) = claim.record.repository.id.filter(|id| *id != holding.id) {
            let number = holding.id;
            let message = format!("its repository (number {id}) is gone or moved: `{page}` is another one ({number})");
            return Some(in_record(claim.record, message));
        }
        if full_name(&holding.target) != full_name(&claim.target) {
            let message = format!("its repository is now `{page}`; it says `{url}`");
            return Some(in_record(claim.record, message));
        }
        let early = holding.archived && claim.record.phase != Phase::Retired;
        let phase = claim.record.phase.word();
        early.then(|| outside(format!("the repository of `{name}` is archived, and its phase is {phase}: `{page}`")))
    }

    /// Adds repositories that this tool made and that have no record.
    fn unrecorded(
        &self,
        github: &Github,
        (owner, holdings): (&str, &[ListedRepository]),
        found: &mut Vec<RegistryProblem>,
        world: &World,
    ) -> Result<(), ForgeError> {
        let is_unknown = |holding: &&ListedRepository| {
            !holding.fork
                && !self.places.contains(&full_name(&holding.target))
                && !self.unread.contains(holding.target.name.as_str())
        };
        let unknown: Vec<RepositorySlug> =
            holdings.iter().filter(is_unknown).map(|holding| holding.target.clone()).collect();
        let looked_at = &unknown[..unknown.len().min(MOST_LOOKS)];
        let mut failed = Ok(());
        for (target, made) in looked_at.iter().zip(github.are_made(looked_at)) {
            match made {
                Ok(false) => {}
                Ok(true) => found.push(outside(format!(
                    "no record speaks of the repository `{}`: `apiscaffold registry import FILE` makes one",
                    self.server.page(target)
                ))),
                // One that is blocked hides no other.
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        tell_rest(unknown.len(), owner, world);
        failed
    }
}

/// Says how many were left out.
fn tell_rest(count: usize, owner: &str, world: &World) {
    if count > MOST_LOOKS {
        let rest = counted(count - MOST_LOOKS, "other");
        world
            .terminal
            .warn(&format!("{MOST_LOOKS} repositories of `{owner}` were checked one by one, {rest} were not checked"));
    }
}
