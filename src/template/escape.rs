//! Writes a value so that a file of some format gives exactly that value back.

use serde_json::Value;

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
    /// YAML: a whole single-quoted scalar.
    YamlSingle,
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
    /// A shell word, or a part of one.
    ShellWord,
    /// Shell: inside double quotes.
    ShellDouble,
    /// Shell: in a here-document that is expanded.
    ShellHere,
    /// Shell: inside single quotes.
    ShellSingle,
    /// In a `#` comment of YAML, TOML or shell.
    Comment,
}

/// The places that carry no number, by their code in a hidden filter's argument.
const CODES: [(&str, Place); 19] = [
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
    ("shell-here", Place::ShellHere),
    ("shell-single", Place::ShellSingle),
    ("comment", Place::Comment),
];

impl Place {
    /// The place as an argument of the hidden filter.
    pub(super) fn code(self) -> String {
        match self {
            Self::YamlBlock(indent, first) => format!("yaml-block {indent} {first}"),
            _ => CODES.iter().find(|(_, place)| *place == self).map_or("", |(code, _)| code).to_owned(),
        }
    }

    /// The opposite of `code`.
    pub(super) fn from_code(code: &str) -> Option<Self> {
        if let Some(block) = code.strip_prefix("yaml-block ") {
            let (indent, first) = block.split_once(' ')?;
            return Some(Self::YamlBlock(indent.parse().ok()?, first.parse().ok()?));
        }
        CODES.iter().find(|(known, _)| *known == code).map(|(_, place)| *place)
    }
}

/// Writes `value` for `place`.
pub(super) fn escape(value: &Value, place: Place) -> String {
    match place {
        Place::JsonValue => value.to_string(),
        Place::YamlValue => yaml_value(value),
        Place::TomlValue => toml_value(value),
        Place::ShellWord => shell_words(value),
        _ => escape_text(&plain_text(value), place),
    }
}

fn escape_text(text: &str, place: Place) -> String {
    match place {
        Place::XmlText => xml(text, false),
        Place::XmlAttribute => xml(text, true),
        Place::XmlComment => xml_comment(&visible(text)),
        Place::XmlCdata => visible(text).replace("]]>", "]]]]><![CDATA[>"),
        Place::JsonString | Place::YamlDouble | Place::TomlBasic => quoted_inner(text),
        Place::YamlPlain => yaml_plain(text),
        Place::YamlSingle => yaml_single(text),
        Place::YamlBlock(indent, first) => yaml_block(text, indent, first),
        Place::TomlKey => toml_key(text),
        Place::TomlLiteral => toml_literal(text),
        Place::ShellDouble => backslashed(text, &['\\', '"', '$', '`']),
        Place::ShellHere => backslashed(text, &['\\', '$', '`']),
        Place::ShellSingle => text.replace('\'', r"'\''"),
        Place::Comment => visible(text).replace(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'], " "),
        Place::JsonValue | Place::YamlValue | Place::TomlValue | Place::ShellWord => text.to_owned(),
    }
}

/// A value as running text: strings as they are, nothing for null, lists joined by commas, objects as JSON.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Characters that no XML 1.0 or YAML file can hold, even escaped, become U+FFFD.
fn visible(text: &str) -> String {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) || matches!(c, '\u{FFFE}' | '\u{FFFF}')
    };
    text.chars().map(|c| if bad(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// XML 1.0 (https://www.w3.org/TR/xml/#syntax): what a parser would change (line ends, space in attributes) is
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
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), yaml_value(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
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
            let entry = |(key, value): (&String, &Value)| format!("{} = {}", toml_key(key), toml_value(value));
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
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
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
