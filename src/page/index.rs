//! The list of every API.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Page, address, comma_list, document, phase, reservation_note, text, text_or_none, title};
use crate::model::phase::Phase;
use crate::model::record::Record;

/// Characters of a description that the list shows.
const ABOUT: usize = 200;

/// The page, with the APIs in order of title.
pub(super) fn page(records: &[Record], created: Timestamp) -> String {
    let mut sorted: Vec<(String, &Record)> =
        records.iter().map(|record| (title(record).to_lowercase(), record)).collect();
    sorted.sort_by(|(one, first), (other, second)| (one, &first.name).cmp(&(other, &second.name)));
    let shown = format!("<p id=\"shown\" role=\"status\">{}</p>\n", count(records.len()));
    let items: String = sorted.into_iter().map(|(_, record)| item(record, created)).collect();
    let (main, head) = match records {
        [] => (shown, ""),
        _ => (
            format!("{}{shown}<ul id=\"apis\" class=\"apis\" role=\"list\">\n{items}</ul>\n", form(records)),
            "<script src=\"script.js\" defer></script>\n",
        ),
    };
    let header = "<h1>APIs</h1>\n<p>Every API in the registry: what it is, who owns it and how far along it is.</p>\n";
    document(&Page { title: "APIs", up: "", head, header, main: &main, created })
}

fn count(apis: usize) -> String {
    match apis {
        0 => "There is no API yet.".to_owned(),
        1 => "1 API".to_owned(),
        apis => format!("{apis} APIs"),
    }
}

/// Search and filter; hidden until the script that does them runs.
fn form(records: &[Record]) -> String {
    let mut options = format!("<option value=\"\">All phases ({})</option>\n", records.len());
    for phase in Phase::ALL {
        let count = records.iter().filter(|record| record.phase == phase).count();
        let _ = writeln!(
            options,
            "<option value=\"{}\">{} ({count})</option>",
            phase.word(),
            super::capitalized(phase.word())
        );
    }
    format!(
        "<form id=\"find\" role=\"search\" aria-label=\"APIs\" autocomplete=\"off\" hidden>\n\
         <p class=\"field wide\"><label for=\"q\">Search by title, name, owner or environment</label>\n\
         <input id=\"q\" name=\"q\" type=\"search\" autocapitalize=\"none\" spellcheck=\"false\"></p>\n\
         <p class=\"field\"><label for=\"phase\">Phase</label>\n<select id=\"phase\" name=\"phase\">\n{options}</select></p>\n\
         <p class=\"field\"><button type=\"reset\">Show all</button></p>\n</form>\n"
    )
}

fn item(record: &Record, created: Timestamp) -> String {
    let about = text::beginning(&record.description, ABOUT);
    let about = if about.is_empty() { String::new() } else { format!("<p>{}</p>\n", text::isolated(&about)) };
    format!(
        "<li data-phase=\"{word}\">\n<div>\n<h2><a href=\"{address}\">{title}</a></h2>\n\
         <p class=\"name\">{name}</p>\n{about}{reservation_note}</div>\n<dl>\n<div><dt>Phase</dt><dd>{phase}</dd></div>\n\
         <div><dt>Owner</dt><dd>{owner}</dd></div>\n<div><dt>Environments</dt><dd>{environments}</dd></div>\n\
         <div><dt>Links</dt><dd>{links}</dd></div>\n</dl>\n</li>\n",
        word = record.phase.word(),
        address = address(record),
        title = text::isolated(title(record)),
        name = record.name,
        reservation_note = reservation_note(record, created),
        phase = phase(record),
        owner = text_or_none(&record.owner),
        environments = comma_list(&record.environments),
        links = links(record),
    )
}

/// Links to the repository and to the people, with the name of the API for screen readers.
fn links(record: &Record) -> String {
    let link = |(word, value): (&str, &str)| {
        let href = text::href(value)?;
        Some(format!("<a href=\"{href}\">{word}<span class=\"unseen\"> of {}</span></a>", record.name))
    };
    let links = [("Repository", record.repository.url.as_str()), ("Contact", record.contact.as_str())];
    let links: Vec<String> = links.into_iter().filter_map(link).collect();
    if links.is_empty() { super::NONE.to_owned() } else { links.join(", ") }
}
