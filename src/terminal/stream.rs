//! A result that is written while it is made: a list of 100,000 records is 100 MB.

use std::io::{self, Write};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::ser::{Formatter as _, PrettyFormatter, Serializer};

use super::{LINES, safe};

/// Items that are made into text before any of them is written.
const BATCH: usize = 4096;
/// Items that one processor takes at a time.
const SHARE: usize = 256;

/// Writes `{"KEY": [ITEM, …], REST…}` as one document. `rest` is an object with something in it.
///
/// The items are made into text on all processors. No secret that is looked for goes beyond the end of its line.
pub(super) fn list<T: Serialize + Sync>(
    mut out: impl Write,
    key: &str,
    items: &[T],
    rest: &impl Serialize,
) -> io::Result<()> {
    write!(out, "{{\n  \"{key}\": [")?;
    for (at, batch) in items.chunks(BATCH).enumerate() {
        let texts: Vec<Vec<u8>> = batch.par_chunks(SHARE).map(lines).collect::<io::Result<_>>()?;
        for (share, text) in texts.iter().enumerate() {
            // Each item begins with the comma that comes after the one before.
            out.write_all(if at + share == 0 { &text[1..] } else { text })?;
        }
    }
    out.write_all(if items.is_empty() { b"],\n" } else { b"\n  ],\n" })?;
    let rest = serde_json::to_string_pretty(rest)?;
    writeln!(out, "{}", safe(rest.trim_start_matches("{\n"), LINES))?;
    out.flush()
}

/// A comma, a line's end and an item, for each of them.
fn lines<T: Serialize>(items: &[T]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(items.len() * 1024);
    for item in items {
        text.extend_from_slice(b",\n    ");
        item.serialize(&mut Serializer::with_formatter(&mut text, two_deep()))?;
    }
    // JSON is UTF-8.
    let safe = std::str::from_utf8(&text).map(|text| safe(text, LINES)).map_err(io::Error::other)?;
    Ok(match safe {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(other) => other.into_bytes(),
    })
}

/// Indents as in a list in an object.
fn two_deep() -> PrettyFormatter<'static> {
    let mut formatter = PrettyFormatter::new();
    for _ in 0..2 {
        // A sink takes everything.
        let _ = formatter.begin_object(&mut io::sink());
    }
    formatter
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::json;

    #[test]
    fn a_long_list_is_written_as_if_at_once() {
        let rest = json!({"stale": [], "problems": ["https://me:secret@host/path"]});
        for count in [0, 1, 2, SHARE, SHARE + 1, BATCH, BATCH + SHARE + 1] {
            let item = |number: usize| json!({"url": format!("https://me:{number}@host/"), "list": [{}, [number]]});
            let items: Vec<_> = (0..count).map(item).collect();
            let mut written = Vec::new();
            list(&mut written, "apis", &items, &rest).expect("memory");
            let whole = json!({"apis": items, "stale": rest["stale"], "problems": rest["problems"]});
            let whole = serde_json::to_string_pretty(&whole).expect("JSON");
            assert_eq!(String::from_utf8(written).expect("UTF-8"), format!("{}\n", safe(&whole, LINES)), "{count}");
        }
    }
}
