//! A record: what the registry knows about one API.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::ending::Ending;
use super::value::from_toml;
use super::{name::ApiName, phase::Phase};

/// How long a reservation may take before it counts as forgotten.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// Whether an API's name is only reserved, or its repository is complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// The name is taken; the repository is not complete yet.
    #[default]
    Reserved,
    /// The repository is complete.
    Active,
}

/// Where an API's repository is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// A URL (`file://…` for a local repository).
    pub url: String,
    /// The forge's number for it; none for a local repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

/// The template that a repository was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateUsed {
    pub name: String,
    /// `builtin`, a git URL, or the name of a folder that others cannot reach; never a path of the machine it was made on.
    pub source: String,
    /// A commit of a git repository or work tree, a content hash otherwise.
    pub revision: String,
}

/// One entry of an API's history: the start of a phase, or a change of its end dates, which the note describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseChange {
    pub phase: Phase,
    /// When, RFC 3339 in UTC, to the second.
    pub date: String,
    /// Who, as `Name <address>`.
    pub by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A link that shows that a gate is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The gate's id.
    pub gate: String,
    pub link: String,
    pub by: String,
    pub date: String,
}

/// A gate that was passed without being met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    pub gate: String,
    /// Why, on one line.
    pub reason: String,
    pub by: String,
    pub date: String,
}

/// What the registry keeps about an API. Keys that this version does not know are kept in `other`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Unique: the API's name.
    pub name: ApiName,
    /// Unique: usually initials.
    pub short_name: String,
    /// Unique: stable for a name (UUIDv5).
    pub guid: Uuid,
    /// Stable for a name (UUIDv5).
    pub spec_guid: Uuid,
    pub title: String,
    /// What the API is for, in a sentence.
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub owner: String,
    /// An e-mail address or a URL.
    #[serde(default)]
    pub contact: String,
    /// `apigee`, `proxygen` or what another template offers.
    #[serde(default)]
    pub style: String,
    /// Unique: the path below the host, without slashes at its ends.
    pub base_path: String,
    /// Names of the environments set up.
    #[serde(default)]
    pub environments: Vec<String>,
    /// bronze, silver, gold, platinum or what another template offers.
    #[serde(default)]
    pub service_level: String,
    pub state: RecordState,
    pub phase: Phase,
    /// Unique: where the repository is.
    pub repository: Repository,
    pub template: TemplateUsed,
    #[serde(default, skip_serializing_if = "Ending::is_none")]
    pub ending: Ending,
    /// The phases entered so far and the changes of dates, oldest first.
    #[serde(default)]
    pub history: Vec<PhaseChange>,
    /// What was shown for gates, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Gates that were passed without being met, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// Keys written by a newer version; never dropped.
    #[serde(flatten, serialize_with = "plainly")]
    pub other: toml::Table,
}

/// Shows `visit` every key and every text within `value`, which stands under the record's own key `key`.
fn texts_of<'r>(key: &'r str, value: &'r toml::Value, visit: &mut dyn FnMut(&'r str, &'r str)) {
    match value {
        toml::Value::String(text) => visit(key, text),
        toml::Value::Array(items) => items.iter().for_each(|item| texts_of(key, item, visit)),
        toml::Value::Table(table) => table.iter().for_each(|(inner, value)| {
            visit(key, inner);
            texts_of(key, value, visit);
        }),
        _ => {}
    }
}

/// Dates as text: through serde they would become tables, in JSON and in TOML alike.
fn plainly<S: Serializer>(other: &toml::Table, serializer: S) -> Result<S::Ok, S::Error> {
    from_toml(toml::Value::Table(other.clone())).serialize(serializer)
}

/// What must be unique across a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    Name,
    ShortName,
    BasePath,
    Guid,
    Repository,
}

impl KeyKind {
    pub const ALL: [Self; 5] = [Self::Name, Self::ShortName, Self::BasePath, Self::Guid, Self::Repository];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::ShortName => "short name",
            Self::BasePath => "base path",
            Self::Guid => "guid",
            Self::Repository => "repository",
        }
    }
}

impl Record {
    /// The value of one key.
    pub fn key(&self, kind: KeyKind) -> String {
        match kind {
            KeyKind::Name => self.name.as_str().to_owned(),
            KeyKind::ShortName => self.short_name.clone(),
            KeyKind::BasePath => self.base_path.clone(),
            KeyKind::Guid => self.guid.to_string(),
            KeyKind::Repository => self.repository.url.clone(),
        }
    }

    /// When the API entered the phase that it is in; later entries of the same phase are changes of its dates.
    pub fn phase_since(&self) -> Option<&str> {
        let same = self.history.iter().rev().take_while(|change| change.phase == self.phase);
        same.last().map(|change| change.date.as_str())
    }

    /// Shows `visit` every text that people or files give, with the key that it is under.
    pub fn texts<'r>(&'r self, visit: &mut dyn FnMut(&'r str, &'r str)) {
        let Self { repository, template, ending, .. } = self;
        for (key, text) in [
            ("short_name", &self.short_name),
            ("title", &self.title),
            ("description", &self.description),
            ("owner", &self.owner),
            ("contact", &self.contact),
            ("style", &self.style),
            ("base_path", &self.base_path),
            ("service_level", &self.service_level),
            ("repository.url", &repository.url),
            ("template.name", &template.name),
            ("template.source", &template.source),
            ("template.revision", &template.revision),
        ] {
            visit(key, text);
        }
        self.environments.iter().for_each(|environment| visit("environments", environment));
        ending.documentation.iter().for_each(|page| visit("ending.documentation", page));
        ending.successor.iter().for_each(|page| visit("ending.successor", page));
        for PhaseChange { date, by, note, .. } in &self.history {
            visit("history.date", date);
            visit("history.by", by);
            note.iter().for_each(|note| visit("history.note", note));
        }
        for Evidence { gate, link, by, date } in &self.evidence {
            visit("evidence.gate", gate);
            visit("evidence.link", link);
            visit("evidence.by", by);
            visit("evidence.date", date);
        }
        for Waiver { gate, reason, by, date } in &self.waivers {
            visit("waivers.gate", gate);
            visit("waivers.reason", reason);
            visit("waivers.by", by);
            visit("waivers.date", date);
        }
        for (key, value) in &self.other {
            visit(key, key);
            texts_of(key, value, visit);
        }
    }

    /// Whether the repository is not complete yet.
    pub fn is_reserved(&self) -> bool {
        self.state == RecordState::Reserved
    }

    /// Whether it was reserved more than a day before `now` and never finished. A date that cannot be read is old.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        let since = || self.history.first()?.date.parse::<Timestamp>().ok();
        self.is_reserved() && since().is_none_or(|since| now.duration_since(since) > FRESH)
    }
}
