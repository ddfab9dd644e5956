//! Records as entities of Backstage (kind API, <https://backstage.io/docs/features/software-catalog/descriptor-format>),
//! and back.

use serde_json::{Map, Value, json};

use super::Draft;
use super::csv::{self, COLUMNS};
use crate::model::phase::Phase;
use crate::model::record::Record;
use crate::registry::Problem;

/// Longest name and tag that Backstage takes.
const LONGEST: usize = 63;

/// Where our own keys are kept in an entity.
const PREFIX: &str = "apiscaffold/";

/// The columns of CSV that do not go there: Backstage has a place for them that holds any text.
const PLACED: [&str; 3] = ["title", "description", "repository_url"];

/// The annotation that says where an entity's repository is.
const SOURCE: &str = "backstage.io/source-location";

/// The annotation that names an entity's repository by owner and name.
const SLUG: &str = "github.com/project-slug";

/// One stream of YAML documents, one an API.
pub fn write(records: &[Record]) -> String {
    let documents = records.iter().map(entity).map(|entity| serde_saphyr::to_string(&entity).unwrap_or_default());
    documents.map(|document| format!("---\n{}\n", document.trim_end())).collect()
}

/// One record. The definition itself is in the API's repository, so a stub stands here that leads there.
fn entity(record: &Record) -> Value {
    let cells = COLUMNS.into_iter().zip(csv::row(record));
    let kept = cells.filter(|(column, cell)| !cell.is_empty() && !PLACED.contains(column));
    let mut annotations: Map<String, Value> =
        kept.map(|(column, cell)| (format!("{PREFIX}{column}"), cell.into())).collect();
    annotations.insert(SOURCE.to_owned(), format!("url:{}", record.repository.url).into());
    let tags: Vec<String> =
        [record.phase.word(), &record.style].into_iter().map(tag).filter(|tag| !tag.is_empty()).collect();
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

/// What an entity says of an API; none for an entity of another kind. A repository that is named by its owner and name
/// alone is on `server`.
///
/// # Errors
/// An annotation of ours that does not fit.
pub fn read(file: &str, line: Option<usize>, entity: &Value, server: &str) -> Option<Result<Draft, Problem>> {
    let text = |pointer: &str| entity.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("/kind") != Some("API") {
        return None;
    }
    let annotations = entity.pointer("/metadata/annotations").and_then(Value::as_object);
    let annotation = |key: &str| annotations.and_then(|all| all.get(key)?.as_str()).filter(|text| !text.is_empty());
    let own = COLUMNS.into_iter().filter_map(|column| Some((column, annotation(&format!("{PREFIX}{column}"))?)));
    let repository = repository(annotation(SOURCE), annotation(SLUG), server);
    let mut table = match csv::table(own.chain(repository.as_deref().map(|url| ("repository_url", url)))) {
        Ok(table) => table,
        Err(message) => return Some(Err(Problem { path: file.to_owned(), line, message })),
    };
    // Another tool may mean something else by this label.
    let label = text("/metadata/labels/phase").filter(|word| Phase::ALL.iter().any(|phase| phase.word() == *word));
    // Any other word may be a phase; one that is not is reported.
    let lifecycle = text("/spec/lifecycle").map(|word| match word {
        "experimental" => "alpha",
        "production" => "live",
        other => other,
    });
    for (key, value) in [
        ("name", text("/metadata/name")),
        ("title", text("/metadata/title")),
        ("description", text("/metadata/description")),
        ("owner", text("/spec/owner").map(|owner| owner.rsplit([':', '/']).next().unwrap_or(owner))),
        ("phase", label.or(lifecycle)),
    ] {
        if let Some(value) = value
            && !table.contains_key(key)
        {
            table.insert(key.to_owned(), value.into());
        }
    }
    Some(Ok(Draft { file: file.to_owned(), line, table }))
}

/// The URL of a repository as annotations name it: its page, or a folder in it. Links may lead anywhere.
fn repository(source: Option<&str>, slug: Option<&str>, server: &str) -> Option<String> {
    let page = |source: &str| {
        let url = source.strip_prefix("url:").unwrap_or(source);
        let end = ["/-/tree/", "/-/blob/", "/tree/", "/blob/"].iter().filter_map(|part| url.find(part)).min();
        url.contains("://").then(|| url[..end.unwrap_or(url.len())].trim_end_matches('/').to_owned())
    };
    let on_server = |slug: &str| format!("{}/{}", server.trim_end_matches('/'), slug.trim_matches('/'));
    source.and_then(page).or_else(|| slug.map(on_server))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::name::ApiName;
    use crate::registry::guids;

    fn record() -> impl Strategy<Value = Record> {
        let word = || "[a-zA-Z0-9][a-zA-Z0-9 :#'\"{}.-]{0,12}[a-z]";
        let texts = (word(), word(), word(), word(), word());
        let name = prop_oneof!["[a-z]{1,9}-[a-z]{1,9}", "[a-z]{70}"];
        (name, texts, 0..Phase::ALL.len(), proptest::option::of(0..i64::MAX as u64), any::<bool>()).prop_map(
            |(name, (title, description, owner, contact, style), phase, id, active)| {
                let name = ApiName::new(name).expect("a good name");
                let (guid, spec_guid) = guids(&name);
                let record = json!({
                    "name": name, "short_name": name.initials(), "guid": guid, "spec_guid": spec_guid, "title": title,
                    "description": description, "owner": owner, "contact": contact, "style": style,
                    "base_path": format!("base/{name}"), "environments": ["int", "no", "1e3"], "service_level": "gold",
                    "state": if active { "active" } else { "reserved" }, "phase": Phase::ALL[phase].word(),
                    "repository": {"url": format!("https://example.org/o/{name}")},
                    "template": {"name": "t", "source": "gh:o/t//x", "revision": "0123456"},
                    "history": [{"phase": Phase::ALL[phase].word(), "date": "2026-01-31T12:00:00Z", "by": "A <a@b>", "note": "imported"}],
                });
                let mut record: Record = serde_json::from_value(record).expect("a record");
                record.repository.id = id;
                record
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_exported_comes_in_as_it_was(record in record()) {
            let text = write(std::slice::from_ref(&record));
            let entity: Value = serde_saphyr::from_str(text.trim_start_matches("---\n")).expect("YAML");
            let draft = read("f", Some(1), &entity, "https://github.com").expect("an API").expect("fits");
            prop_assert_eq!(draft.record("A <a@b>", "2027-01-01T00:00:00Z").expect("a record"), record);
        }
    }

    #[test]
    fn a_repository_is_where_an_annotation_says_and_nowhere_else() {
        let server = "https://git.example.org";
        for (source, slug, want) in [
            (Some("url:https://h/o/r"), None, Some("https://h/o/r")),
            (Some("url:https://h/o/r/tree/main/apis/x/"), Some("a/b"), Some("https://h/o/r")),
            (Some("url:https://h/o/r/-/blob/main/f.yaml"), None, Some("https://h/o/r")),
            (Some("https://h/o/r/"), None, Some("https://h/o/r")),
            (Some("dir:."), None, None),
            (Some("dir:."), Some("o/r"), Some("https://git.example.org/o/r")),
            (None, Some("o/r"), Some("https://git.example.org/o/r")),
            (None, None, None),
        ] {
            assert_eq!(repository(source, slug, server).as_deref(), want, "{source:?} {slug:?}");
        }
    }
}
