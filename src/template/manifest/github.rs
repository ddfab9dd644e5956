//! The `[github]` part of a manifest: its keys and types are checked when it is read, its texts are templates.

use serde_json::Value;
use toml::Spanned;
use toml::de::DeValue;

use super::ManifestError;
use super::table::Table;
use crate::model::text::position;
use crate::model::value::from_toml;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Shape {
    /// A text; one that renders to nothing is left out.
    TemplateText,
    /// A text that must be there and render to something.
    Name,
    /// A text that must be there.
    Must,
    Texts,
    Flag,
    /// A whole number from 0 to this.
    Whole(i64),
    /// A list or a table that only GitHub knows.
    Any,
}

/// What keys a table takes beside its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum OtherKeys {
    No,
    Texts,
}

/// A table of `[github]`.
#[derive(Debug)]
pub(in crate::template) struct Section {
    pub(in crate::template) key: &'static str,
    /// Whether there may be many, written `[[github.key]]`.
    pub(in crate::template) many: bool,
    pub(in crate::template) fields: &'static [(&'static str, Shape)],
    /// Which other keys may be there as well.
    pub(in crate::template) others: OtherKeys,
    /// The fields by which two entries are the same thing.
    pub(in crate::template) identity: &'static [&'static str],
    /// Keys that GitHub knows and a template may not set here, and who decides instead.
    pub(in crate::template) reserved: &'static [(&'static str, &'static str)],
}

/// The longest wait that GitHub takes: 30 days, in minutes.
const WAIT_MAX: i64 = 43_200;

const BY_VISIBILITY: &str = "whoever runs the command decides it: `--visibility public`, `private` or `internal`";
const BY_FILES: &str = "the first commit holds the template's files and nothing else: put the file into the template";
const BY_GITHUB: &str = "GitHub gives it its value: leave it out";

/// The fields of `PATCH /repos/{owner}/{repo}` that a template may set.
const REPOSITORY: [(&str, Shape); 20] = [
    ("has_issues", Shape::Flag),
    ("has_projects", Shape::Flag),
    ("has_wiki", Shape::Flag),
    ("has_discussions", Shape::Flag),
    ("has_pull_requests", Shape::Flag),
    ("pull_request_creation_policy", Shape::TemplateText),
    ("is_template", Shape::Flag),
    ("allow_squash_merge", Shape::Flag),
    ("allow_merge_commit", Shape::Flag),
    ("allow_rebase_merge", Shape::Flag),
    ("allow_auto_merge", Shape::Flag),
    ("allow_update_branch", Shape::Flag),
    ("allow_forking", Shape::Flag),
    ("delete_branch_on_merge", Shape::Flag),
    ("use_squash_pr_title_as_default", Shape::Flag),
    ("squash_merge_commit_title", Shape::TemplateText),
    ("squash_merge_commit_message", Shape::TemplateText),
    ("merge_commit_title", Shape::TemplateText),
    ("merge_commit_message", Shape::TemplateText),
    ("web_commit_signoff_required", Shape::Flag),
];

/// The other fields that GitHub takes for a repository.
const REPOSITORY_RESERVED: [(&str, &str); 16] = [
    ("visibility", BY_VISIBILITY),
    ("private", BY_VISIBILITY),
    ("name", "the name of the API decides it"),
    ("owner", "whoever runs the command decides it: `--owner`"),
    ("archived", "`apiscaffold phase NAME retired` archives a repository"),
    ("default_branch", "it is `main`, to which the first commit is pushed"),
    ("description", "write it in `[github]`"),
    ("homepage", "write it in `[github]`"),
    ("topics", "write them in `[github]`"),
    ("custom_properties", "write them in `[github.properties]`"),
    ("security_and_analysis", "write it in `[github.security]`"),
    ("team_id", "write the team as `[[github.team]]`"),
    ("auto_init", BY_FILES),
    ("gitignore_template", BY_FILES),
    ("license_template", BY_FILES),
    ("has_downloads", "GitHub has no downloads any more: leave it out"),
];

/// The body of `POST /repos/{owner}/{repo}/rulesets`.
const RULESET: [(&str, Shape); 6] = [
    ("name", Shape::Name),
    ("target", Shape::TemplateText),
    ("enforcement", Shape::TemplateText),
    ("bypass_actors", Shape::Any),
    ("conditions", Shape::Any),
    ("rules", Shape::Any),
];

/// What GitHub shows of a ruleset besides.
const RULESET_RESERVED: [(&str, &str); 8] = [
    ("id", BY_GITHUB),
    ("node_id", BY_GITHUB),
    ("source", "it is the repository itself: leave it out"),
    ("source_type", "it is the repository itself: leave it out"),
    ("current_user_can_bypass", BY_GITHUB),
    ("_links", BY_GITHUB),
    ("created_at", BY_GITHUB),
    ("updated_at", BY_GITHUB),
];

/// The keys of `[github]` itself.
pub(in crate::template) const TOP: [(&str, Shape); 3] =
    [("description", Shape::TemplateText), ("homepage", Shape::TemplateText), ("topics", Shape::Texts)];

/// A section that stands once, with the fields that are added to it below.
const ONE: Section = Section { key: "", many: false, fields: &[], others: OtherKeys::No, identity: &[], reserved: &[] };
const MANY: Section = Section { many: true, ..ONE };

/// The tables of `[github]`, by the names and types of [`crate::model::settings::Settings`].
pub(in crate::template) const SECTIONS: [Section; 9] = [
    Section { key: "properties", others: OtherKeys::Texts, ..ONE },
    Section { key: "repository", fields: &REPOSITORY, reserved: &REPOSITORY_RESERVED, ..ONE },
    Section {
        key: "security",
        fields: &[
            ("vulnerability_alerts", Shape::Flag),
            ("automated_security_fixes", Shape::Flag),
            ("private_vulnerability_reporting", Shape::Flag),
            ("secret_scanning", Shape::Flag),
            ("secret_scanning_push_protection", Shape::Flag),
        ],
        ..ONE
    },
    Section { key: "team", fields: &[("slug", Shape::Name), ("permission", Shape::Name)], identity: &["slug"], ..MANY },
    Section {
        key: "environment",
        fields: &[
            ("name", Shape::Name),
            ("reviewers", Shape::Texts),
            ("prevent_self_review", Shape::Flag),
            ("branches", Shape::Texts),
            ("tags", Shape::Texts),
            ("wait_timer", Shape::Whole(WAIT_MAX)),
        ],
        identity: &["name"],
        ..MANY
    },
    Section {
        key: "variable",
        fields: &[("name", Shape::Name), ("value", Shape::Must), ("environment", Shape::TemplateText)],
        identity: &["name", "environment"],
        ..MANY
    },
    Section {
        key: "secret",
        fields: &[("name", Shape::Name), ("environment", Shape::TemplateText), ("purpose", Shape::TemplateText)],
        identity: &["name", "environment"],
        ..MANY
    },
    Section {
        key: "issue",
        fields: &[("title", Shape::Name), ("body", Shape::TemplateText), ("labels", Shape::Texts)],
        identity: &["title"],
        ..MANY
    },
    Section { key: "ruleset", fields: &RULESET, identity: &["name"], reserved: &RULESET_RESERVED, ..MANY },
];

/// A text, and where it begins in the manifest. Line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct TemplateText {
    pub(in crate::template) source: String,
    pub(in crate::template) line: usize,
    pub(in crate::template) column: usize,
}

/// A value whose texts are still templates.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::template) enum TemplateValue {
    TemplateText(TemplateText),
    Value(Value),
    List(Vec<TemplateValue>),
    Table(Vec<(String, TemplateValue)>),
}

/// `for = "item in list"`: the entry stands once for each item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Loop {
    pub(in crate::template) variable: String,
    /// A path to a list among the values.
    pub(in crate::template) list: String,
    pub(in crate::template) text: TemplateText,
}

/// One table of a section.
#[derive(Clone, Debug)]
pub(in crate::template) struct SettingEntry {
    pub(in crate::template) section: &'static Section,
    pub(in crate::template) each: Option<Loop>,
    pub(in crate::template) when: Option<TemplateText>,
    pub(in crate::template) fields: Vec<(String, TemplateValue)>,
}

/// `[github]` as it is written, its keys and types known to be good.
#[derive(Clone, Debug, Default)]
pub struct GithubSettings {
    pub(in crate::template) top: Vec<(String, TemplateValue)>,
    pub(in crate::template) entries: Vec<SettingEntry>,
}

/// Reads the table `[github]`.
pub(super) fn read(github: &Table<'_>) -> Result<GithubSettings, ManifestError> {
    let keys: Vec<&str> = TOP.iter().map(|(key, _)| *key).chain(SECTIONS.iter().map(|section| section.key)).collect();
    github.only(&keys)?;
    let mut entries = Vec::new();
    for section in &SECTIONS {
        let tables =
            if section.many { github.tables(section.key)? } else { Vec::from_iter(github.table(section.key)?) };
        for table in tables {
            entries.push(entry(section, &table)?);
        }
    }
    Ok(GithubSettings { top: fields(github, &TOP, OtherKeys::No)?, entries })
}

fn entry(section: &'static Section, table: &Table<'_>) -> Result<SettingEntry, ManifestError> {
    refuse_reserved(section, table)?;
    if section.others == OtherKeys::No {
        let fields = section.fields.iter().map(|(key, _)| *key);
        let turns: &[&str] = if section.many { &["when", "for"] } else { &[] };
        table.only(&fields.chain(turns.iter().copied()).collect::<Vec<_>>())?;
    }
    let (mut each, mut when) = (None, None);
    if section.many {
        each = table.text("for")?.map(|_| loop_of(table)).transpose()?;
        when = table.text("when")?.and_then(|_| text(table, table.get("when")?));
    }
    Ok(SettingEntry { section, each, when, fields: fields(table, section.fields, section.others)? })
}

/// Refuses keys that somebody else decides, and those that look like templates: no key is rendered.
fn refuse_reserved(section: &Section, table: &Table<'_>) -> Result<(), ManifestError> {
    for (key, _) in table.entries() {
        refuse_tags(table, key, table.key_at(key))?;
        if let Some((_, who)) = section.reserved.iter().find(|(reserved, _)| *reserved == key) {
            let sentence = format!("`{}` cannot set `{key}`", table.title);
            return Err(table.error(table.key_at(key), sentence).with_hint(*who));
        }
    }
    Ok(())
}

fn refuse_tags(table: &Table<'_>, key: &str, at: usize) -> Result<(), ManifestError> {
    if key.contains("{{") || key.contains("{%") {
        let sentence = format!("the key `{}` is written as a template, and keys are not rendered", key.escape_debug());
        return Err(table.error(at, sentence).with_hint("write the key as it is; values are rendered"));
    }
    Ok(())
}

fn loop_of(table: &Table<'_>) -> Result<Loop, ManifestError> {
    let text = table.get("for").and_then(|value| text(table, value));
    let parts = text.as_ref().and_then(|text| text.source.split_once(" in "));
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match (parts, &text) {
        (Some((variable, list)), Some(text)) if is_name(variable.trim()) && list.trim().split('.').all(is_name) => {
            Ok(Loop { variable: variable.trim().into(), list: list.trim().into(), text: text.clone() })
        }
        _ => Err(table.error(table.at("for"), "`for` must name a value and a list, as `item in items`")),
    }
}

fn fields(
    table: &Table<'_>,
    shapes: &[(&'static str, Shape)],
    others: OtherKeys,
) -> Result<Vec<(String, TemplateValue)>, ManifestError> {
    let mut fields = Vec::new();
    for (key, shape) in shapes {
        fields.extend(field(table, key, *shape)?.map(|node| ((*key).to_owned(), node)));
    }
    if others == OtherKeys::Texts {
        for (key, _) in table.entries() {
            fields.extend(field(table, key, Shape::Must)?.map(|node| (key.to_owned(), node)));
        }
    }
    Ok(fields)
}

/// The value of `key`, which must be of this shape.
fn field(table: &Table<'_>, key: &str, shape: Shape) -> Result<Option<TemplateValue>, ManifestError> {
    let Some(value) = table.get(key) else {
        return match shape {
            Shape::Name | Shape::Must => {
                Err(table.error(table.start, format!("`{}` needs a key `{key}`", table.title)))
            }
            _ => Ok(None),
        };
    };
    let wrong = |kind: String| Err(table.error(table.at(key), format!("`{key}` must be {kind}")));
    let is_list = value.get_ref().is_array();
    match shape {
        Shape::TemplateText | Shape::Name | Shape::Must => table.text(key).map(drop)?,
        Shape::Texts if is_list => table.texts(key).map(drop)?,
        Shape::Texts => match table.text(key) {
            Ok(Some(text)) if text.contains("{{") => {}
            _ => return wrong("a list of texts".to_owned()),
        },
        Shape::Flag => table.flag(key).map(drop)?,
        Shape::Any if is_list || value.get_ref().is_table() => {}
        Shape::Any => return wrong("a list or a table".to_owned()),
        Shape::Whole(max) => {
            if table.integer(key)?.is_some_and(|number| !(0..=max).contains(&number)) {
                return wrong(format!("from 0 to {max}"));
            }
        }
    }
    node(table, value).map(Some)
}

fn node(table: &Table<'_>, value: &Spanned<DeValue<'_>>) -> Result<TemplateValue, ManifestError> {
    if let Some(text) = text(table, value) {
        return Ok(TemplateValue::TemplateText(text));
    }
    Ok(match value.get_ref() {
        DeValue::Array(items) => {
            TemplateValue::List(items.iter().map(|item| node(table, item)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let at = key.span().start;
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                refuse_tags(table, key, at)?;
                Ok((key.to_string(), node(table, value)?))
            };
            TemplateValue::Table(entries.iter().map(entry).collect::<Result<_, _>>()?)
        }
        _ => {
            let written = table.source.get(value.span()).unwrap_or_default();
            let parsed = format!("value = {written}").parse::<toml::Table>().ok();
            match parsed.and_then(|mut parsed| parsed.remove("value")) {
                Some(value) => TemplateValue::Value(from_toml(value)),
                None => return Err(table.error(value.span().start, "this value cannot be read")),
            }
        }
    })
}

/// A text with the place of its first character: after the quotes, and after the line end that may follow three.
fn text(table: &Table<'_>, value: &Spanned<DeValue<'_>>) -> Option<TemplateText> {
    let source = value.get_ref().as_str()?.replace("\r\n", "\n");
    let start = value.span().start;
    let written = table.source.get(start..).unwrap_or_default();
    let long = written.starts_with("\"\"\"") || written.starts_with("'''");
    let (skip, ends_line) = match written.get(3..) {
        Some(rest) if long => (3, rest.starts_with('\n') || rest.starts_with("\r\n")),
        _ => (1, false),
    };
    let (line, column) = position(table.source, start);
    let (line, column) = if ends_line { (line + 1, 1) } else { (line, column + skip) };
    Some(TemplateText { source, line, column })
}
