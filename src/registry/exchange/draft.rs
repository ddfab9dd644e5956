//! An existing API as a file describes it, completed to a record.

use toml::{Table, Value};

use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::Record;
use crate::registry::{Problem, guids, rules};

/// The keys of a record that some file gives, in the shape of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub file: String,
    /// Where in the file; counted from 1.
    pub line: Option<usize>,
    pub table: Table,
}

impl Draft {
    /// The record that the draft means; `by` (as `Name <address>`) takes it in, at `date` (RFC 3339).
    ///
    /// What is not given is: initials for the short name, the guids of the name, the name for title and base path,
    /// `active`, no template, and a history that begins now. Name, repository and phase must be given.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn record(&self, by: &str, date: &str) -> Result<Record, Vec<Problem>> {
        let flaw = |message: String| Problem { path: self.file.clone(), line: self.line, message };
        let given = |key: &str| self.table.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let mut flaws = Vec::new();
        let name = match given("name").map(ApiName::new) {
            None => Err("it gives no `name`".to_owned()),
            Some(name) => name.map_err(|error| error.to_string()),
        };
        flaws.extend(name.as_ref().err().map(|message| flaw(message.clone())));
        if given("phase").is_none() {
            flaws.push(flaw("it gives no `phase`".to_owned()));
        }
        let url = self.table.get("repository").and_then(|repository| repository.get("url")?.as_str());
        if url.is_none_or(str::is_empty) {
            flaws.push(flaw(
                "it gives no repository: `url` in `[repository]`, the column `repository_url`, or the annotation \
                 `backstage.io/source-location` or `github.com/project-slug`"
                    .to_owned(),
            ));
        }
        let Some(name) = name.ok().filter(|_| flaws.is_empty()) else {
            flaws.extend(self.unfit(by, date).into_iter().map(flaw));
            return Err(flaws);
        };
        let mut table = defaults(&name, given("phase").unwrap_or_default(), by, date);
        overlay(&mut table, self.table.clone());
        // It says when the phase began, which the history does.
        if let Some(since) = table.remove("phase_since")
            && !self.table.contains_key("history")
            && let Some(first) = table.get_mut("history").and_then(|history| history.get_mut(0)?.as_table_mut())
        {
            first.insert("date".to_owned(), since);
        }
        let record: Record = table.try_into().map_err(|error: toml::de::Error| {
            let unfit: Vec<Problem> = self.unfit(by, date).into_iter().map(flaw).collect();
            if unfit.is_empty() { vec![flaw(one_line(error.message()))] } else { unfit }
        })?;
        let wrong = rules::faults(&record).into_iter().map(flaw).collect::<Vec<_>>();
        if wrong.is_empty() { Ok(record) } else { Err(wrong) }
    }

    /// What is wrong with each key by itself: a parse of the whole table reports only the first. It takes ten times as
    /// long.
    fn unfit(&self, by: &str, date: &str) -> Vec<String> {
        let mut base = toml::toml! {
            name = "name"
            phase = "inception"
            [repository]
            url = "url"
        };
        let Ok(name) = ApiName::new("name") else { return Vec::new() };
        overlay(&mut base, defaults(&name, Phase::default().word(), by, date));
        let unfit = |(key, value): (&String, &Value)| {
            let is_empty = value.as_str().is_some_and(|text| text.trim().is_empty());
            if key == "name" || is_empty && key == "phase" {
                return None;
            }
            let mut table = base.clone();
            overlay(&mut table, Table::from_iter([(key.clone(), value.clone())]));
            let error = table.try_into::<Record>().err()?;
            Some(format!("`{key}`: {}", one_line(error.message())))
        };
        self.table.iter().filter_map(unfit).collect()
    }
}

fn one_line(text: &str) -> String {
    text.trim().replace('\n', ", ")
}

fn defaults(name: &ApiName, phase: &str, by: &str, date: &str) -> Table {
    let (guid, spec_guid) = guids(name);
    let mut entry = toml::toml! { note = "imported" };
    for (key, value) in [("phase", phase), ("date", date), ("by", by)] {
        entry.insert(key.to_owned(), value.into());
    }
    let mut table = toml::toml! {
        state = "active"
        [template]
        name = ""
        source = ""
        revision = ""
    };
    table.insert("history".to_owned(), Value::Array(vec![entry.into()]));
    for (key, value) in [
        ("short_name", name.initials()),
        ("guid", guid.to_string()),
        ("spec_guid", spec_guid.to_string()),
        ("title", name.to_string()),
        ("base_path", name.to_string()),
    ] {
        table.insert(key.to_owned(), value.into());
    }
    table
}

/// Puts what `given` says over `table`, table by table.
fn overlay(table: &mut Table, given: Table) {
    for (key, value) in given {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(given)) => overlay(inner, given),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}
