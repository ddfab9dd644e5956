//! The registry as a static site of one folder: records in, a tree out.
//!
//! `index.html` lists every API, `apis/<name>.html` holds one API's record and history, `style.css` and `script.js` go
//! with them. A page asks for nothing but these, which its own policy enforces, so it works from a disk as from a server;
//! without the script only searching is missing. Whatever a record says is text: escaped for its place, kept apart from
//! the direction of the text around it, and a link only when it is a plain web or e-mail address.

mod api;
mod index;
mod rest;
mod table;
mod text;

use jiff::Timestamp;

use crate::model::record::Record;
use crate::model::tree::{File, PathError, Tree, TreePath};

use text::text;

/// The first page.
pub const INDEX: &str = "index.html";

/// The folder of the pages with one API each.
pub const APIS: &str = "apis";

/// The style sheet of all pages.
pub const STYLE: &str = "style.css";

/// Searching and filtering.
pub const SCRIPT: &str = "script.js";

/// Marks an `index.html` as ours, near its beginning: a folder that holds one may be replaced.
pub const MARK: &str = "<meta name=\"generator\" content=\"apiscaffold registry export\">";

/// Makes the site. The same records and the same time give the same bytes, in whatever order the records are.
///
/// Every page shows `created`, which also decides which reservations are old.
///
/// # Errors
/// A name that two records have.
pub fn site(records: &[Record], created: Timestamp) -> Result<Tree, PathError> {
    let mut files =
        vec![file(INDEX, index::page(records, created))?, file(STYLE, include_str!("style.css").to_owned())?];
    files.push(file(SCRIPT, include_str!("script.js").to_owned())?);
    for record in records {
        files.push(file(&address(record), api::page(record, created))?);
    }
    Tree::of(files).map_err(|mut errors| errors.swap_remove(0))
}

fn file(path: &str, content: String) -> Result<(TreePath, File), PathError> {
    Ok((TreePath::new(path)?, File::plain(content.into_bytes())))
}

/// The page of one API, seen from the index.
fn address(record: &Record) -> String {
    format!("{APIS}/{}.html", record.name)
}

/// The parts of a page that differ.
struct Page<'p> {
    /// In the browser's tab.
    title: &'p str,
    /// From the page to the site's folder: nothing, or `../`.
    up: &'static str,
    /// Further lines of the head, as HTML.
    head: &'static str,
    /// Before the main part, as HTML.
    header: &'p str,
    /// The main part, as HTML.
    main: &'p str,
    created: Timestamp,
}

/// The policy names the page's own folder in two ways: browsers differ in whether a file on disk is `'self'`.
const POLICY: &str = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// A whole document.
fn document(page: &Page<'_>) -> String {
    let Page { title, up, head, header, main, created } = page;
    let title = text(&text::without_direction(title)).to_string();
    let created = time(&created.to_string());
    // The empty icon keeps browsers from asking a server for one.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{MARK}\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{up}{STYLE}\">\n{head}\
         </head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
         <header>\n{header}</header>\n<main id=\"main\" tabindex=\"-1\">\n{main}</main>\n\
         <footer>\n<p>Made by apiscaffold from the API registry on {created}.</p>\n</footer>\n</body>\n</html>\n"
    )
}

/// A moment as people write it; a text that is none is shown as it is.
fn time(moment: &str) -> String {
    match moment.parse::<Timestamp>() {
        Ok(time) => format!(
            "<time datetime=\"{}\">{}</time>",
            time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            time.strftime("%-d %B %Y, %H:%M UTC")
        ),
        Err(_) => text::isolated(moment),
    }
}

/// What the record is called where people read it: its title, or its name when the title has nothing to see.
fn title(record: &Record) -> &str {
    if record.title.chars().any(text::is_visible) { record.title.trim() } else { record.name.as_str() }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The mark of a phase, as HTML.
fn phase(record: &Record) -> String {
    format!("<span class=\"phase {0}\">{1}</span>", record.phase.word(), capitalized(record.phase.word()))
}

/// A sentence about a record that is only reserved, as HTML; nothing for an active one.
fn reservation_note(record: &Record, created: Timestamp) -> String {
    let since = record.history.first().map(|change| format!(" since {}", time(&change.date))).unwrap_or_default();
    if record.is_forgotten(created) {
        format!("<p class=\"warning\"><strong>Not finished:</strong> only reserved{since}, more than a day ago.</p>\n")
    } else if record.is_reserved() {
        format!("<p class=\"hint\">Reserved{since}: its repository is being made.</p>\n")
    } else {
        String::new()
    }
}

/// Several texts, with commas, as HTML.
fn comma_list(texts: &[String]) -> String {
    if texts.is_empty() {
        return NONE.to_owned();
    }
    texts.iter().map(|text| text::isolated(text)).collect::<Vec<_>>().join(", ")
}

/// A text, or that there is none, as HTML.
fn text_or_none(value: &str) -> String {
    if value.chars().any(text::is_visible) { text::isolated(value) } else { NONE.to_owned() }
}

/// A text, as a link when it is an address, or that there is none, as HTML.
fn link_or_text(text: &str) -> String {
    match text::href(text) {
        Some(href) => format!("<a href=\"{href}\">{}</a>", text::isolated(text.trim())),
        None => text_or_none(text.trim()),
    }
}

const NONE: &str = "<span class=\"none\">none</span>";
