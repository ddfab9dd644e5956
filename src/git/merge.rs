//! Merging one text: what was done to it here, and what is to be done to it.

use git2::{MergeFileInput, MergeFileOptions};

/// `mine` with the change that leads from `base` to `theirs`; none when both changed the same words.
///
/// Lines are compared first, and words where lines do not do. Neighbours are never taken for the same: git's own merge
/// would call a change to the line below a conflict.
pub fn merge(base: &str, mine: &str, theirs: &str) -> Option<String> {
    let by_words = mine.len() <= WORDS_MAX;
    [lines, words].into_iter().take(1 + usize::from(by_words)).find_map(|split| {
        let [base, mine, theirs] = [base, mine, theirs].map(|text| pieces(split(text)));
        let merged = merge_pieces(&base, &mine, &theirs)?;
        Some(joined(&merged))
    })
}

/// The longest text that is merged word by word: that takes long.
const WORDS_MAX: usize = 1 << 18;

/// What a line of the merge is when it stands between two pieces.
const BETWEEN: &str = "\n|\n";

/// The last line of the merge.
const END: &str = "$\n";

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Words, and every other character by itself.
fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        let is_word = character.is_alphanumeric() || character == '_';
        if at > start && !(is_word && in_word) {
            found.push(&text[start..at]);
            start = at;
        }
        in_word = is_word;
    }
    if start < text.len() {
        found.push(&text[start..]);
    }
    found
}

/// A piece a line, with a line between each two. The last line is always there: libgit2 gives no pointer to an empty merge.
fn pieces(split: Vec<&str>) -> String {
    let escaped =
        split.iter().map(|piece| format!("={}", piece.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")));
    escaped.flat_map(|line| [line, BETWEEN.to_owned()]).chain([END.to_owned()]).collect()
}

fn joined(lines: &str) -> String {
    let pieces = lines.lines().filter_map(|line| line.strip_prefix('='));
    let mut text = String::with_capacity(lines.len());
    for piece in pieces {
        let mut characters = piece.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    _ => text.push('\\'),
                },
                character => text.push(character),
            }
        }
    }
    text
}

fn input(text: &str) -> MergeFileInput<'_> {
    let mut input = MergeFileInput::new();
    input.content(text.as_bytes());
    input
}

fn merge_pieces(base: &str, mine: &str, theirs: &str) -> Option<String> {
    let mut options = MergeFileOptions::new();
    options.style_standard(true);
    let merged = git2::merge_file(&input(base), &input(mine), &input(theirs), Some(&mut options)).ok()?;
    merged.is_automergeable().then(|| String::from_utf8_lossy(merged.content()).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "[lifecycle]\nphase = \"inception\"\ndeprecation = \"\"\n";

    #[test]
    fn a_change_keeps_what_was_written_around_it() {
        let theirs = BASE.replace("inception", "alpha");
        let cases = [
            (BASE.replace("deprecation = \"\"", "deprecation = \"2027-01-31\" # soon"), "the next line"),
            (BASE.replace("\"inception\"", "\"inception\" # as it is"), "the same line"),
            (BASE.replace('\n', "\r\n"), "other line ends"),
            (format!("# ours\n\n{BASE}\n[more]\nx = 1\n"), "lines around"),
            (BASE.trim_end().to_owned(), "no newline at the end"),
        ];
        for (mine, why) in cases {
            assert_eq!(merge(BASE, &mine, &theirs), Some(mine.replace("inception", "alpha")), "{why}");
        }
    }

    #[test]
    fn what_both_changed_is_told_unless_it_is_the_same() {
        let theirs = BASE.replace("inception", "alpha");
        assert_eq!(merge(BASE, &BASE.replace("inception", "beta"), &theirs), None);
        assert_eq!(merge(BASE, &theirs, &theirs), Some(theirs.clone()));
        assert_eq!(merge(BASE, "", &theirs), None);
    }

    proptest! {
        #[test]
        fn texts_come_back_as_they_were(text in "[a\\\\n|=\\n\\r é🦀-]{0,40}", other in "\\PC{0,20}\\n?") {
            prop_assert_eq!(joined(&pieces(lines(&text))), text.clone());
            prop_assert_eq!(joined(&pieces(words(&text))), text.clone());
            prop_assert_eq!(merge(&text, &other, &text), Some(other.clone()));
            prop_assert_eq!(merge(&text, &text, &other), Some(other));
        }
    }
}
