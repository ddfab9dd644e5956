//! Records as entities of Backstage (kind API, <https://backstage.io/docs/features/software-catalog/descriptor-format>),
//! and back.

use serde_json::{Map, Value, json};
use toml::Table;

use super::Draft;
use crate::model::phase::Phase;
use crate::model::record::Record;

/// Longest name and tag that Backstage takes.
const LONGEST: usize = 63;

/// Where our own keys are kept in an entity.
const PREFIX: &str = "apiscaffold/";

/// The keys that go there, beside those that Backstage has a place for.
const KEPT: [&str; 7] = ["name", "short_name", "guid", "spec_guid", "base_path", "phase", "contact"];

/// The annotation that says where an entity's repository is.
const SOURCE: &str = "backstage.io/source-location";

/// One stream of YAML documents, one an API.
pub fn write(records: &[Record]) -> String {
    let documents = records.iter().map(entity).map(|entity| serde_saphyr::to_string(&entity).unwrap_or_default());
    documents.map(|document| format!("---\n{}\n", document.trim_end())).collect()
}

/// One record. The definition itself is in the API's repository, so a stub stands here that leads there.
fn entity(record: &Record) -> Value {
    let own = serde_json::to_value(record).unwrap_or_default();
    let mut annotations: Map<String, Value> =
        KEPT.iter().map(|key| (format!("{PREFIX}{key}"), own.get(*key).cloned().unwrap_or_default())).collect();
    annotations.insert(SOURCE.to_owned(), format!("url:{}", record.repository.url).into());
    let tags: Vec<String> = [own["phase"].as_str().unwrap_or_default(), &record.style]
        .into_iter()
        .map(tag)
        .filter(|tag| !tag.is_empty())
        .collect();
    let title = if record.title.is_empty() { record.name.as_str() } else { &record.title };
    let definition = json!({
        "openapi": "3.0.3",
        "info": {"title": title, "version": "0", "description": record.description},
        "externalDocs": {"url": record.repository.url, "description": "The API's repository, which holds the definition"},
        "paths": {},
    });
    let name = if record.name.as_str().len() > LONGEST { record.guid.to_string() } else { record.name.to_string() };
    json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "API",
        "metadata": {
            "name": name, "title": title, "description": record.description, "annotations": annotations, "tags": tags,
            "links": [{"url": record.repository.url, "title": "Repository"}],
        },
        "spec": {
            "type": "openapi", "lifecycle": lifecycle(record.phase), "owner": owner(&record.owner),
            "definition": serde_json::to_string_pretty(&definition).unwrap_or_default(),
        },
    })
}

const fn lifecycle(phase: Phase) -> &'static str {
    match phase {
        Phase::Inception | Phase::Discovery | Phase::Alpha => "experimental",
        Phase::Beta | Phase::Live => "production",
        Phase::Deprecated | Phase::Retired => "deprecated",
    }
}

/// Lower-case letters and digits in words joined by single hyphens.
fn tag(text: &str) -> String {
    let kebab = heck::ToKebabCase::to_kebab_case(text);
    let words: Vec<String> = kebab.split('-').map(plain).filter(|word| !word.is_empty()).collect();
    let mut tag = words.join("-");
    tag.truncate(LONGEST);
    tag.trim_end_matches('-').to_owned()
}

fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// An owner as a reference to an entity: Backstage takes no spaces there.
fn owner(text: &str) -> String {
    let tag = tag(text);
    if tag.is_empty() { "unknown".to_owned() } else { tag }
}

/// What an entity says of an API; none for an entity of another kind.
pub fn read(file: &str, line: Option<usize>, entity: &Value) -> Option<Draft> {
    let text = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("/kind") != Some("API") {
        return None;
    }
    let annotations = entity.pointer("/metadata/annotations").and_then(Value::as_object);
    let annotation = |key: &str| annotations.and_then(|all| all.get(key)?.as_str()).filter(|text| !text.is_empty());
    // Other words than these three may be a phase's; what is none is told.
    let lifecycle = text("/spec/lifecycle").map(|word| match word {
        "experimental" => "alpha",
        "production" => "live",
        other => other,
    });
    let mut table = Table::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            table.insert(key.to_owned(), value.into());
        }
    };
    put("name", text("/metadata/name"));
    put("title", text("/metadata/title"));
    put("description", text("/metadata/description"));
    put("owner", text("/spec/owner").map(|owner| owner.rsplit([':', '/']).next().unwrap_or(owner)));
    put("phase", lifecycle);
    for key in KEPT {
        put(key, annotation(&format!("{PREFIX}{key}")));
    }
    let source = annotation(SOURCE).map(|source| source.strip_prefix("url:").unwrap_or(source).to_owned());
    let slug = || annotation("github.com/project-slug").map(|slug| format!("https://github.com/{slug}"));
    let link = || text("/metadata/links/0/url").map(str::to_owned);
    if let Some(url) = source.or_else(slug).or_else(link) {
        let mut repository = Table::new();
        repository.insert("url".to_owned(), url.trim_end_matches('/').into());
        table.insert("repository".to_owned(), repository.into());
    }
    Some(Draft { file: file.to_owned(), line, table })
}
