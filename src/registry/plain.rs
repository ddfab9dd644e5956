//! Reading a record that is written as this tool writes it, ten times as fast as any TOML can be read.
//!
//! It knows a part of TOML: one key a line, texts in double quotes without escapes, lists of them, and the tables of a
//! record. Whatever else a file holds is left to the reader of TOML, which also says what is wrong: nothing here decides
//! that a record is bad.

use crate::model::ending::Ending;
use crate::model::name::ApiName;
use crate::model::phase::Phase;
use crate::model::record::{Evidence, PhaseChange, Record, Repository, State, TemplateUsed, Waiver};

/// A value as it is written.
#[derive(Clone, Copy)]
enum Written<'t> {
    Text(&'t str),
    /// What is between the brackets of a list.
    List(&'t str),
    Number(u64),
}

/// The lines of one table; none in the place of a value that was taken.
type Lines<'t> = Vec<(&'t str, Option<Written<'t>>)>;

/// The record that `text` says; none when that must be read as TOML.
pub(super) fn parse(text: &str) -> Option<Record> {
    let mut root = Lines::with_capacity(16);
    // Each with its heading, in order of the file.
    let mut tables: Vec<(&str, Lines<'_>)> = Vec::new();
    for line in text.split('\n') {
        match line {
            "" => {}
            "[repository]" | "[template]" | "[ending]" if tables.iter().any(|(heading, _)| *heading == line) => {
                return None;
            }
            "[repository]" | "[template]" | "[ending]" | "[[history]]" | "[[evidence]]" | "[[waivers]]" => {
                tables.push((line, Lines::new()))
            }
            _ => {
                let open = tables.last_mut().map_or(&mut root, |(_, lines)| lines);
                let (key, value) = line.split_once(" = ")?;
                open.push((key, Some(written(value)?)));
            }
        }
    }
    record(root, Tables(tables))
}

/// The tables of a file, in its order, each with its heading.
struct Tables<'t>(Vec<(&'t str, Lines<'t>)>);

impl<'t> Tables<'t> {
    /// The table of this heading.
    fn one(&mut self, heading: &str) -> Option<Taking<'t>> {
        let at = self.0.iter().position(|(other, _)| *other == heading)?;
        Some(Taking::of(self.0.swap_remove(at).1))
    }

    /// Every table of this heading, read by `read`.
    fn each<T>(&mut self, heading: &str, read: impl Fn(&mut Taking<'t>) -> Option<T>) -> Option<Vec<T>> {
        let wanted = self.0.extract_if(.., |(other, _)| *other == heading);
        let read = |(_, lines)| {
            let mut lines = Taking::of(lines);
            let value = read(&mut lines)?;
            lines.is_done().then_some(value)
        };
        wanted.map(read).collect()
    }
}

fn written(value: &str) -> Option<Written<'_>> {
    let plain = |text: &str| !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f));
    if let Some(text) = value.strip_prefix('"') {
        return text.strip_suffix('"').filter(|text| plain(text)).map(Written::Text);
    }
    if let Some(list) = value.strip_prefix('[') {
        let list = list.strip_suffix(']')?;
        return items(list).all(|item| item.is_some_and(plain)).then_some(Written::List(list));
    }
    // Neither a sign nor a leading zero nor a dot: those are for the reader of TOML.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    value.parse().ok().filter(|number| digits && i64::try_from(*number).is_ok()).map(Written::Number)
}

/// The texts of a list; none for an item that is not one.
fn items(list: &str) -> impl Iterator<Item = Option<&str>> {
    let items = if list.is_empty() { None } else { Some(list.split(", ")) };
    items.into_iter().flatten().map(|item| item.strip_prefix('"')?.strip_suffix('"'))
}

/// Takes values out of a table by key, quickest in the order of its lines. Of two lines with one key the second stays.
struct Taking<'t> {
    lines: Lines<'t>,
    /// Where the next key is looked for first.
    next: usize,
    left: usize,
}

impl<'t> Taking<'t> {
    fn of(lines: Lines<'t>) -> Self {
        Self { next: 0, left: lines.len(), lines }
    }

    fn take(&mut self, key: &str) -> Option<Written<'t>> {
        let is = |(other, value): &(&str, Option<Written<'_>>)| *other == key && value.is_some();
        let (before, after) = self.lines.split_at(self.next);
        let ahead = after.iter().position(is).map(|at| self.next + at);
        let at = ahead.or_else(|| before.iter().position(is))?;
        (self.next, self.left) = (at + 1, self.left - 1);
        self.lines[at].1.take()
    }

    fn text(&mut self, key: &str) -> Option<&'t str> {
        match self.take(key)? {
            Written::Text(text) => Some(text),
            Written::List(_) | Written::Number(_) => None,
        }
    }

    /// An empty one when it is not there. What may be left out must not be something else than a text.
    fn text_or_empty(&mut self, key: &str) -> Option<String> {
        match self.take(key) {
            None => Some(String::new()),
            Some(Written::Text(text)) => Some(text.to_owned()),
            Some(_) => None,
        }
    }

    /// The inner none is for what is not there.
    fn text_if_there(&mut self, key: &str) -> Option<Option<String>> {
        match self.take(key) {
            None => Some(None),
            Some(Written::Text(text)) => Some(Some(text.to_owned())),
            Some(_) => None,
        }
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }
}

fn record(root: Lines<'_>, mut tables: Tables<'_>) -> Option<Record> {
    let mut root = Taking::of(root);
    // In this order: taking one table out disturbs the order of the others.
    let (history, evidence) = (tables.each("[[history]]", change)?, tables.each("[[evidence]]", evidence)?);
    let waivers = tables.each("[[waivers]]", waiver)?;
    let (mut repository, mut template) = (tables.one("[repository]")?, tables.one("[template]")?);
    let ending = tables.one("[ending]").map_or(Some(Ending::default()), ending)?;
    let environments = match root.take("environments") {
        None => Vec::new(),
        Some(Written::List(list)) => items(list).map(|item| item.map(str::to_owned)).collect::<Option<_>>()?,
        Some(_) => return None,
    };
    let id = match repository.take("id") {
        None => None,
        Some(Written::Number(id)) => Some(id),
        Some(_) => return None,
    };
    let record = Record {
        name: ApiName::new(root.text("name")?).ok()?,
        short_name: root.text("short_name")?.to_owned(),
        guid: root.text("guid")?.parse().ok()?,
        spec_guid: root.text("spec_guid")?.parse().ok()?,
        title: root.text("title")?.to_owned(),
        description: root.text_or_empty("description")?,
        owner: root.text_or_empty("owner")?,
        contact: root.text_or_empty("contact")?,
        style: root.text_or_empty("style")?,
        base_path: root.text("base_path")?.to_owned(),
        environments,
        service_level: root.text_or_empty("service_level")?,
        state: state(root.text("state")?)?,
        phase: phase(root.text("phase")?)?,
        repository: Repository { url: repository.text("url")?.to_owned(), id },
        template: TemplateUsed {
            name: template.text("name")?.to_owned(),
            source: template.text("source")?.to_owned(),
            revision: template.text("revision")?.to_owned(),
        },
        ending,
        history,
        evidence,
        waivers,
        other: toml::Table::new(),
    };
    (root.is_done() && repository.is_done() && template.is_done()).then_some(record)
}

fn change(lines: &mut Taking<'_>) -> Option<PhaseChange> {
    Some(PhaseChange {
        phase: phase(lines.text("phase")?)?,
        date: lines.text("date")?.to_owned(),
        by: lines.text("by")?.to_owned(),
        note: lines.text_if_there("note")?,
    })
}

fn evidence(lines: &mut Taking<'_>) -> Option<Evidence> {
    let mut text = |key: &str| lines.text(key).map(str::to_owned);
    Some(Evidence { gate: text("gate")?, link: text("link")?, by: text("by")?, date: text("date")? })
}

fn waiver(lines: &mut Taking<'_>) -> Option<Waiver> {
    let mut text = |key: &str| lines.text(key).map(str::to_owned);
    Some(Waiver { gate: text("gate")?, reason: text("reason")?, by: text("by")?, date: text("date")? })
}

fn ending(mut lines: Taking<'_>) -> Option<Ending> {
    let (deprecation, sunset) = (lines.text_if_there("deprecation")?, lines.text_if_there("sunset")?);
    let day = |text: Option<String>| text.map(|text| text.parse().ok()).map_or(Some(None), |day| day.map(Some));
    let ending = Ending {
        deprecation: day(deprecation)?,
        sunset: day(sunset)?,
        documentation: lines.text_if_there("documentation")?,
        successor: lines.text_if_there("successor")?,
    };
    lines.is_done().then_some(ending)
}

fn state(word: &str) -> Option<State> {
    match word {
        "reserved" => Some(State::Reserved),
        "active" => Some(State::Active),
        _ => None,
    }
}

fn phase(word: &str) -> Option<Phase> {
    match word {
        "inception" => Some(Phase::Inception),
        "discovery" => Some(Phase::Discovery),
        "alpha" => Some(Phase::Alpha),
        "beta" => Some(Phase::Beta),
        "live" => Some(Phase::Live),
        "deprecated" => Some(Phase::Deprecated),
        "retired" => Some(Phase::Retired),
        _ => None,
    }
}
