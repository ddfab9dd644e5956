//! Records as CSV (RFC 4180), a line an API, and back.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula; such a cell
//! gets a `'` before it, and loses it when it is read again
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use csv::{ReaderBuilder, Writer};
use toml::{Table, Value};

use super::Draft;
use crate::model::record::Record;
use crate::registry::Problem;

/// The columns, in order.
pub(super) const COLUMNS: [&str; 20] = [
    "name",
    "short_name",
    "guid",
    "spec_guid",
    "title",
    "description",
    "owner",
    "contact",
    "style",
    "base_path",
    "environments",
    "service_level",
    "state",
    "phase",
    "phase_since",
    "repository_url",
    "repository_id",
    "template_name",
    "template_source",
    "template_revision",
];

/// What begins a formula, and the mark itself.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// All records, after a line with the names of the columns.
pub fn write(records: &[Record]) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for record in records {
        let row = row(record);
        let _ = writer.write_record(row.map(escaped));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The cells of a record, in the order of the columns; empty where it says nothing.
pub(super) fn row(record: &Record) -> [String; COLUMNS.len()] {
    let word = |value: Result<toml::Value, _>| value.ok().and_then(|value| value.as_str().map(str::to_owned));
    let since = record.phase_since().unwrap_or_default().to_owned();
    [
        record.name.to_string(),
        record.short_name.clone(),
        record.guid.to_string(),
        record.spec_guid.to_string(),
        record.title.clone(),
        record.description.clone(),
        record.owner.clone(),
        record.contact.clone(),
        record.style.clone(),
        record.base_path.clone(),
        record.environments.join(" "),
        record.service_level.clone(),
        word(toml::Value::try_from(record.state)).unwrap_or_default(),
        word(toml::Value::try_from(record.phase)).unwrap_or_default(),
        since,
        record.repository.url.clone(),
        record.repository.id.map(|id| id.to_string()).unwrap_or_default(),
        record.template.name.clone(),
        record.template.source.clone(),
        record.template.revision.clone(),
    ]
}

fn escaped(cell: String) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell }
}

fn unescaped(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(cell)
}

/// A draft for each line; columns may be in any order and only `name` must be there. Empty cells count as not given.
///
/// # Errors
/// Everything that is wrong with the file as such: a line with more or fewer cells than the first, an unknown column.
pub fn read(file: &str, text: &str) -> Result<Vec<Draft>, Vec<Problem>> {
    let flaw = |line: Option<usize>, message: String| Problem { path: file.to_owned(), line, message };
    // A mark of the encoding at the very beginning is a habit of spreadsheets.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let head = match reader.headers() {
        Ok(head) => head.clone(),
        Err(error) => return Err(vec![flaw(Some(1), error.to_string())]),
    };
    let is_known = |column: &str| COLUMNS.contains(&column.trim());
    if !head.iter().any(is_known) {
        // It may be another file, and hold secrets: nothing of it is repeated.
        let message = "its first line names no column of a record, such as `name`, `phase`, `repository_url`";
        return Err(vec![flaw(Some(1), message.to_owned())]);
    }
    let mut flaws: Vec<Problem> = head
        .iter()
        .filter(|column| !is_known(column))
        .map(|column| flaw(Some(1), format!("there is no column `{}`", column.escape_debug())))
        .collect();
    if !head.iter().any(|column| column.trim() == "name") {
        flaws.push(flaw(Some(1), "the column `name` is missing".to_owned()));
    }
    let mut drafts = Vec::new();
    for row in reader.records() {
        match row {
            Ok(row) => {
                let line = row.position().and_then(|at| usize::try_from(at.line()).ok());
                let cells =
                    head.iter().map(str::trim).zip(row.iter().map(unescaped)).filter(|(_, cell)| !cell.is_empty());
                match table(cells) {
                    Ok(table) => drafts.push(Draft { file: file.to_owned(), line, table }),
                    Err(message) => flaws.push(flaw(line, message)),
                }
            }
            Err(error) => {
                let line = error.position().and_then(|at| usize::try_from(at.line()).ok());
                flaws.push(flaw(line, "it has more or fewer cells than the first line, or is not UTF-8".to_owned()));
            }
        }
    }
    if flaws.is_empty() { Ok(drafts) } else { Err(flaws) }
}

/// The keys that cells give, each with the name of its column.
pub(super) fn table<'c>(cells: impl Iterator<Item = (&'c str, &'c str)>) -> Result<Table, String> {
    let mut table = Table::new();
    for (column, cell) in cells {
        let (place, key) = match column.split_once('_') {
            Some((part @ ("repository" | "template"), key)) => {
                let inner = table.entry(part).or_insert_with(|| Table::new().into());
                (inner.as_table_mut(), key)
            }
            _ => (Some(&mut table), column),
        };
        let value = match column {
            "environments" => {
                cell.split_whitespace().map(|word| Value::from(word.to_owned())).collect::<Vec<_>>().into()
            }
            "repository_id" => cell.parse::<i64>().map(Value::from).map_err(|_| "`repository_id` is not a number")?,
            _ => Value::from(cell.to_owned()),
        };
        if let Some(place) = place {
            place.insert(key.to_owned(), value);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_cell_is_no_formula_and_comes_back(cell in "[=+@'\t\r-]{0,3}\\PC{0,8}") {
            let written = escaped(cell.clone());
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(unescaped(&written), cell);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(name|phase|,|\"|\n|'|=|\\PC){0,40}") {
            let _ = read("f", &text);
        }
    }

    #[test]
    fn a_bad_file_is_reported_with_its_lines() {
        let read = |text: &str| read("f.csv", text).map(|drafts| drafts.len()).map_err(|flaws| flaws.len());
        assert_eq!(read("\u{feff}name,phase\na,live\n"), Ok(1));
        assert_eq!(read("phase,colour\nlive,red\n"), Err(2), "an unknown column, and no name");
        assert_eq!(read("name,phase\na\nb,c,d\n"), Err(2), "a cell too few, a cell too many");
        let flaws = super::read("f.csv", "name,repository_id\na,1\nb,many\n").expect_err("no number");
        assert_eq!(flaws[0].to_string(), "`f.csv` line 3: `repository_id` is not a number");
    }
}
