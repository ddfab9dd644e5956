//! Writes a value so that a file of some format gives exactly that value back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::shell_quoted;

/// Where an output stands in a file, and so how its value must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// XML: between tags.
    XmlText,
    /// XML: inside an attribute's quotes.
    XmlAttribute,
    /// XML: in a comment.
    XmlComment,
    /// XML: in a CDATA section.
    XmlCdata,
    /// JSON: a whole value.
    JsonValue,
    /// JSON: inside a string's quotes.
    JsonString,
    /// YAML: a whole value or key.
    YamlValue,
    /// YAML: a whole unquoted scalar that is text around outputs.
    YamlPlain,
    /// YAML: inside double quotes.
    YamlDouble,
    /// YAML: a part of an unquoted scalar that cannot be written as a whole.
    YamlPart,
    /// YAML: a whole single-quoted scalar.
    YamlSingle,
    /// YAML: inside single quotes that hold tags as well.
    YamlSinglePart,
    /// YAML: in a block scalar whose lines are indented by so many spaces; `true` when it begins the scalar.
    YamlBlock(usize, bool),
    /// TOML: a whole value.
    TomlValue,
    /// TOML: a key or a part of one.
    TomlKey,
    /// TOML: inside `"…"` or `"""…"""`.
    TomlBasic,
    /// TOML: a whole `'…'` string.
    TomlLiteral,
    /// TOML: inside `'…'` that holds tags as well.
    TomlLiteralPart,
    /// TOML: inside `'''…'''`.
    TomlMultiLiteral,
    /// A shell word, or a part of one.
    ShellWord,
    /// Shell: inside double quotes.
    ShellDouble,
    /// Shell: in a here-document that is expanded; the hash of its last line.
    ShellHere(u32),
    /// Shell: in a here-document that is not expanded; the hash of its last line.
    ShellHereRaw(u32),
    /// Shell: where quoting is not enough: between backticks, in arithmetic, in `$'…'`.
    ShellBare,
    /// Shell: inside single quotes.
    ShellSingle,
    /// In a `#` comment of YAML, TOML or shell.
    Comment,
}

/// The places that carry no number, by their code in a hidden filter's argument.
const CODES: [(&str, Place); 23] = [
    ("xml-text", Place::XmlText),
    ("xml-attribute", Place::XmlAttribute),
    ("xml-comment", Place::XmlComment),
    ("xml-cdata", Place::XmlCdata),
    ("json-value", Place::JsonValue),
    ("json-string", Place::JsonString),
    ("yaml-value", Place::YamlValue),
    ("yaml-plain", Place::YamlPlain),
    ("yaml-double", Place::YamlDouble),
    ("yaml-single", Place::YamlSingle),
    ("toml-value", Place::TomlValue),
    ("toml-key", Place::TomlKey),
    ("toml-basic", Place::TomlBasic),
    ("toml-literal", Place::TomlLiteral),
    ("shell-word", Place::ShellWord),
    ("shell-double", Place::ShellDouble),
    ("shell-bare", Place::ShellBare),
    ("yaml-part", Place::YamlPart),
    ("yaml-single-part", Place::YamlSinglePart),
    ("toml-literal-part", Place::TomlLiteralPart),
    ("toml-multi-literal", Place::TomlMultiLiteral),
    ("shell-single", Place::ShellSingle),
    ("comment", Place::Comment),
];

impl Place {
    /// The place as an argument of the hidden filter.
    pub(super) fn code(self) -> String {
        match self {
            Self::YamlBlock(indent, first) => format!("yaml-block {indent} {first}"),
            Self::ShellHere(end) => format!("shell-here {end}"),
            Self::ShellHereRaw(end) => format!("shell-here-raw {end}"),
            _ => CODES.iter().find(|(_, place)| *place == self).map_or("", |(code, _)| code).to_owned(),
        }
    }

    /// The opposite of `code`.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        if let Some(block) = code.strip_prefix("yaml-block ") {
            let (indent, first) = block.split_once(' ')?;
            return Some(Self::YamlBlock(indent.parse().ok()?, first.parse().ok()?));
        }
        if let Some(end) = code.strip_prefix("shell-here-raw ") {
            return Some(Self::ShellHereRaw(end.parse().ok()?));
        }
        if let Some(end) = code.strip_prefix("shell-here ") {
            return Some(Self::ShellHere(end.parse().ok()?));
        }
        CODES.iter().find(|(known, _)| *known == code).map(|(_, place)| *place)
    }
}

/// Writes `value` for `place`.
///
/// # Errors
/// Why no way of writing it there gives it back: the template must put it elsewhere.
pub(super) fn escape(value: &Value, place: Place) -> Result<String, String> {
    match place {
        Place::JsonValue => Ok(json(value)),
        Place::YamlValue => Ok(yaml_value(value)),
        Place::TomlValue => Ok(toml_value(value)),
        Place::ShellWord => Ok(shell_words(value)),
        _ => escape_text(plain_text(value), place),
    }
}

fn escape_text(text: String, place: Place) -> Result<String, String> {
    Ok(match place {
        Place::XmlText => xml(&text, false),
        Place::XmlAttribute => xml(&text, true),
        Place::XmlComment => xml_comment(&visible(&text)),
        Place::XmlCdata => visible(&text).replace("]]>", "]]]]><![CDATA[>"),
        Place::JsonString | Place::YamlDouble | Place::TomlBasic => quoted_inner(&text),
        Place::YamlPlain => yaml_plain(&text),
        Place::YamlSingle => yaml_single(&text),
        Place::YamlBlock(indent, first) => yaml_block(&text, indent, first),
        Place::TomlKey => toml_key(&text),
        Place::TomlLiteral => toml_literal(&text),
        Place::ShellDouble => backslashed(&text, &['\\', '"', '$', '`']),
        Place::ShellSingle => text.replace('\'', r"'\''"),
        Place::Comment => visible(&text).replace(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'], " "),
        _ => return fitting(text, place),
    })
}

/// Texts that can only be taken or refused.
fn fitting(text: String, place: Place) -> Result<String, String> {
    let is_line = |end: u32| text.lines().any(|line| line_hash(line) == end);
    let (fits, advice) = match place {
        Place::YamlPart => (is_plain_scalar(&text), "put the scalar in double quotes"),
        Place::YamlSinglePart => (!text.chars().any(needs_escape), "use double quotes"),
        Place::TomlLiteralPart => (!text.contains('\'') && !text.chars().any(needs_escape), "use double quotes"),
        Place::TomlMultiLiteral => {
            let takes = |c: char| c == '\n' || !needs_escape(c);
            (!text.contains("'''") && text.chars().all(takes), "use `\"\"\"`")
        }
        Place::ShellBare => (text.chars().all(is_shell_safe), "put it in a variable first"),
        Place::ShellHere(end) | Place::ShellHereRaw(end) => (!is_line(end), "put it in a variable first"),
        _ => (true, ""),
    };
    if !fits {
        let shown: String = text.chars().take(40).collect();
        return Err(format!("the value `{}` cannot be written here; {advice}", shown.escape_debug()));
    }
    Ok(match place {
        Place::YamlSinglePart => text.replace('\'', "''"),
        Place::ShellHere(_) => backslashed(&text, &['\\', '$', '`']),
        _ => text,
    })
}

/// What is compared instead of the line that ends a here-document.
pub(super) fn line_hash(line: &str) -> u32 {
    crc32fast::hash(line.trim_matches(['\t', '\r']).as_bytes())
}

/// A value as running text: strings as they are, nothing for null, lists joined by commas, objects as JSON.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => json(value),
    }
}

/// JSON with the keys of objects in order: Liquid's objects have none.
pub(super) fn json(value: &Value) -> String {
    sorted(value).to_string()
}

/// The same value with the keys of all objects in order.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(entries) => {
            let entries: BTreeMap<&String, Value> = entries.iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        _ => value.clone(),
    }
}

/// Characters that no XML 1.0 or YAML file can hold, even escaped, become U+FFFD.
fn visible(text: &str) -> String {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || matches!(c, '\u{FFFE}' | '\u{FFFF}')
    };
    text.chars().map(|c| if bad(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// XML 1.0 (<https://www.w3.org/TR/xml/#syntax>): what a parser would change (line ends, space in attributes) is
/// written as a character reference.
pub(super) fn xml(text: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#13;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            _ => out.push(c),
        }
    }
    out
}

/// A comment takes no two hyphens in a row, nor one at its end.
fn xml_comment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.starts_with(['-', '>']) {
        out.push(' ');
    }
    for c in text.chars() {
        if c == '-' && out.ends_with('-') {
            out.push(' ');
        }
        out.push(c);
    }
    if out.ends_with('-') {
        out.push(' ');
    }
    out
}

/// The inside of a double-quoted string of JSON, YAML and TOML alike.
fn quoted_inner(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if needs_escape(c) => out.push_str(&format!("\\u{:04X}", c as u32)),
            _ => out.push(c),
        }
    }
    out
}

/// Control characters, and those that some readers take for line ends or byte-order marks.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", quoted_inner(text))
}

/// A YAML scalar or flow collection that gives `value` back with its type.
pub(super) fn yaml_value(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain_string(text) => text.clone(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml_value).collect::<Vec<_>>().join(", ")),
        _ => json(value),
    }
}

/// Text that stands unquoted and is still that string: words of letters that YAML 1.1 and 1.2 read as nothing else.
fn is_plain_string(text: &str) -> bool {
    const WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() && c != '\u{FEFF}');
    let never_a_word = !WORDS.contains(&text.to_ascii_lowercase().as_str());
    starts_well && never_a_word && is_plain_scalar(text)
}

/// Text that may stand as an unquoted YAML scalar, in a flow collection too, whatever its type.
fn is_plain_scalar(text: &str) -> bool {
    let first = text.chars().next();
    let starts_well = first.is_some_and(|c| !c.is_whitespace() && !"-?:,[]{}#&*!|>'\"%@`=<~".contains(c))
        || (first == Some('-') && text[1..].starts_with(|c: char| c.is_alphanumeric()));
    let ends_well = !text.ends_with(|c: char| c.is_whitespace() || c == ':');
    let bad = |c: char| needs_escape(c) || ",[]{}".contains(c);
    starts_well && ends_well && !text.contains(bad) && !text.contains(": ") && !text.contains(" #")
}

fn yaml_plain(text: &str) -> String {
    if is_plain_scalar(text) { text.to_owned() } else { quoted(text) }
}

fn yaml_single(text: &str) -> String {
    if text.chars().any(needs_escape) { quoted(text) } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Lines of a block scalar: later lines get the indentation; space at the very start would change it, and is dropped.
fn yaml_block(text: &str, indent: usize, first: bool) -> String {
    let text = visible(text).replace("\r\n", "\n").replace(['\r', '\u{85}', '\u{2028}', '\u{2029}'], "\n");
    let text = if first { text.trim_start() } else { &text };
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}

/// A TOML value; TOML has no null, so it is the empty string.
pub(super) fn toml_value(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: BTreeMap<&String, &Value> = entries.iter().collect();
            let entry = |(key, value): (&&String, &&Value)| format!("{} = {}", toml_key(key), toml_value(value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn toml_key(text: &str) -> String {
    let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { text.to_owned() } else { quoted(text) }
}

fn toml_literal(text: &str) -> String {
    let takes = !text.contains('\'') && !text.chars().any(needs_escape);
    if takes { format!("'{text}'") } else { quoted(text) }
}

/// One shell word; a list is a word an item.
pub(super) fn shell_words(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(shell_words).collect::<Vec<_>>().join(" "),
        _ => shell_word(&plain_text(value)),
    }
}

fn shell_word(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_shell_safe) { text.to_owned() } else { shell_quoted(text) }
}

fn is_shell_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c)
}

/// CommonMark: every ASCII punctuation mark may be escaped; line ends become spaces.
pub(super) fn markdown(text: &str) -> String {
    let one_line: String = visible(text).split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
    let mut out = backslashed(
        one_line.trim(),
        &['\\', '`', '*', '_', '[', ']', '<', '>', '&', '|', '~', '#', '!', '$', '{', '}'],
    );
    let marker = out.find(|c: char| !c.is_ascii_digit()).unwrap_or(out.len());
    if out[marker..].starts_with(['-', '+', '=', '.', ')']) {
        out.insert(marker, '\\');
    }
    out
}

fn backslashed(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
