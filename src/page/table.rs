//! A table that a narrow screen shows as blocks.

use std::fmt::Write as _;

use super::text::text;

/// A table with the name of the element `named`. `columns` are texts; the cells, as many a row, are HTML, and the first of
/// a row is its heading.
///
/// The roles are said again because narrow screens show the parts as blocks, and some browsers then no longer take them
/// for a table; each cell carries the name of its column for the same reason.
pub(super) fn table(named: &str, columns: &[String], rows: &[Vec<String>]) -> String {
    let mut html =
        format!("<table role=\"table\" aria-labelledby=\"{named}\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for column in columns {
        let _ = write!(html, "<th role=\"columnheader\" scope=\"col\">{}</th>", text(column));
    }
    html += "</tr></thead>\n<tbody role=\"rowgroup\">\n";
    for row in rows {
        html += "<tr role=\"row\">";
        for (at, (column, cell)) in columns.iter().zip(row).enumerate() {
            let _ = match at {
                0 => write!(html, "<th role=\"rowheader\" scope=\"row\">{cell}</th>"),
                _ => write!(html, "<td role=\"cell\" data-label=\"{}\">{cell}</td>", text(column)),
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n"
}
