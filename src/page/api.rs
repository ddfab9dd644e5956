//! The page of one API.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::text::isolated;
use super::{
    NONE, Page, capitalized, comma_list, document, link_or_text, phase, reservation_note, rest, table, text_or_none,
    time, title,
};
use crate::model::record::{PhaseChange, Record, RecordState};

pub(super) fn page(record: &Record, created: Timestamp) -> String {
    let header = format!(
        "<nav aria-label=\"Where you are\"><a href=\"../index.html\">All APIs</a></nav>\n<h1>{}</h1>\n<p>{}</p>\n",
        isolated(title(record)),
        phase(record)
    );
    let about = if record.description.trim().is_empty() {
        String::new()
    } else {
        format!("<p class=\"about\">{}</p>\n", isolated(record.description.trim()))
    };
    let main =
        [reservation_note(record, created), about, facts(record), history(record), rest::sections(record)].concat();
    let title = format!("{} – APIs", title(record));
    document(&Page { title: &title, up: "../", head: "", header: &header, main: &main, created })
}

/// What the record says, as a list of terms.
fn facts(record: &Record) -> String {
    let state = match record.state {
        RecordState::Reserved => "reserved: the repository is not complete",
        RecordState::Active => "active: the repository is complete",
    };
    let facts = [
        ("Name", isolated(record.name.as_str())),
        ("Short name", text_or_none(&record.short_name)),
        ("Owner", text_or_none(&record.owner)),
        ("Contact", link_or_text(&record.contact)),
        ("Repository", link_or_text(&record.repository.url)),
        ("Repository’s number", record.repository.id.map_or_else(|| NONE.to_owned(), |id| id.to_string())),
        ("Base path", text_or_none(&record.base_path)),
        ("Environments", comma_list(&record.environments)),
        ("Service level", text_or_none(&record.service_level)),
        ("Style", text_or_none(&record.style)),
        ("State", state.to_owned()),
        ("Guid", record.guid.to_string()),
        ("Guid of the specification", record.spec_guid.to_string()),
        ("Template", text_or_none(&record.template.name)),
        ("Source of the template", link_or_text(&record.template.source)),
        ("Revision of the template", text_or_none(&record.template.revision)),
    ];
    let mut html = "<section>\n<h2>Record</h2>\n<dl class=\"facts\">\n".to_owned();
    for (term, fact) in facts {
        let _ = writeln!(html, "<div><dt>{term}</dt><dd>{fact}</dd></div>");
    }
    html + "</dl>\n</section>\n"
}

/// The phases entered and the changes of dates, oldest first.
fn history(record: &Record) -> String {
    let html = "<section>\n<h2 id=\"history\">History</h2>\n";
    if record.history.is_empty() {
        return format!("{html}<p>The record has no history.</p>\n</section>\n");
    }
    let row = |change: &PhaseChange| {
        let note = change.note.as_deref().unwrap_or_default();
        vec![capitalized(change.phase.word()), time(&change.date), text_or_none(&change.by), link_or_text(note)]
    };
    let rows: Vec<Vec<String>> = record.history.iter().map(row).collect();
    let columns = ["Phase", "Entered", "By", "Note"].map(str::to_owned);
    format!("{html}{}</section>\n", table::table("history", &columns, &rows))
}
