//! The variables that a tag's text names, found without parsing it.

/// Words of Liquid's expressions that are not variables.
const WORDS: [&str; 12] =
    ["and", "blank", "contains", "empty", "false", "in", "nil", "null", "or", "reversed", "true", "not"];

/// Each variable in `text` as a path (`spec.title`, `items[0].name`), with the place where it begins.
/// Filter names, keyword arguments, numbers and quoted text are none. A path within `[…]` is listed as well.
pub(super) fn variables(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut after_pipe = false;
    while let Some(c) = text[at..].chars().next() {
        let length = match c {
            '"' | '\'' => quoted(&text[at..], c),
            '|' => {
                after_pipe = true;
                1
            }
            _ if c.is_ascii_digit() => word(&text[at..]).len(),
            _ if c.is_ascii_alphabetic() || c == '_' => {
                let path = path(&text[at..]);
                let keyword = text[at + path.len()..].trim_start().starts_with(':');
                if !std::mem::take(&mut after_pipe) && !keyword && !WORDS.contains(&path) {
                    found.push((at, path));
                    found.extend(inner(path).into_iter().map(|(offset, variable)| (at + offset, variable)));
                }
                path.len()
            }
            _ => c.len_utf8(),
        };
        at += length;
    }
    found
}

/// The first step of a path.
pub(super) fn root(path: &str) -> &str {
    word(path)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    &text[..end]
}

/// An identifier with the `.steps` and `[indexes]` that follow it.
fn path(text: &str) -> &str {
    let mut end = word(text).len();
    loop {
        let rest = &text[end..];
        let step = rest.strip_prefix('.').map(word).filter(|step| !step.is_empty() && !step.starts_with('-'));
        if let Some(step) = step {
            end += 1 + step.len();
        } else if let Some(length) = rest.starts_with('[').then(|| bracket(rest)).flatten() {
            end += length;
        } else {
            return &text[..end];
        }
    }
}

/// The length of `[…]`, brackets within it counted.
fn bracket(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let mut length = c.len_utf8();
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '"' | '\'' => length = quoted(&text[at..], c),
            _ => {}
        }
        at += length;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The variables inside a path's brackets.
fn inner(path: &str) -> Vec<(usize, &str)> {
    let Some(open) = path.find('[') else { return Vec::new() };
    variables(&path[open..])
        .into_iter()
        .filter(|(offset, _)| !path[..open + offset].ends_with('.'))
        .map(|(offset, variable)| (open + offset, variable))
        .collect()
}

/// The length of quoted text, quotes included.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        variables(text).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn words_filters_and_text_are_not_variables() {
        assert_eq!(names("a.b | default: 'c d' | append: e.f, g"), ["a.b", "e.f", "g"]);
        assert_eq!(names("x == \"y\" and z contains 3 or nil != w"), ["x", "z", "w"]);
        assert_eq!(names("(1..n) limit: m reversed"), ["n", "m"]);
        assert_eq!(names("a-b.c"), ["a-b.c"]);
        assert_eq!(names("a[b.c].d[0]['e f']"), ["a[b.c].d[0]['e f']", "b.c"]);
    }

    #[test]
    fn any_text_is_taken_apart_without_a_panic() {
        for text in ["", "[", "a[", "a['", "'", "a..b", "é | ü: ß", "a[[b]"] {
            variables(text);
        }
    }
}
