//! Writes a value so that a file of some format gives exactly that value back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::shell_quoted;

/// Where an output stands in a file, and so how its value must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    XmlText,
    XmlAttribute,
    XmlComment,
    XmlCdata,
    JsonValue,
    JsonString,
    /// YAML: a whole value or key.
    YamlValue,
    YamlDouble,
    /// YAML: a part of an unquoted scalar that cannot be written as a whole.
    YamlPart,
    YamlSinglePart,
    /// YAML: in a block scalar whose lines are indented by so many spaces.
    YamlBlock(usize),
    /// YAML: in a folded block scalar, where a line end would become a space.
    YamlFolded,
    TomlValue,
    TomlKey,
    /// TOML: inside `"…"` or `"""…"""`.
    TomlBasic,
    /// TOML: inside `'…'` that cannot be written as a whole.
    TomlLiteralPart,
    /// TOML: inside `'''…'''`.
    TomlMultiLiteral,
    ShellWord,
    /// The same, in quotes whatever it is.
    ShellQuoted,
    ShellDouble,
    /// Shell: in a here-document that is expanded.
    ShellHere,
    /// Shell: where a number is calculated with.
    ShellInteger,
    ShellSingle,
    /// In a `#` comment of YAML, TOML or shell.
    Comment,
    AsItIs,
    /// Where no value can stand, and what to do instead.
    Nowhere(&'static str),
}

/// Writes `value` for `place`.
///
/// # Errors
/// Why no way of writing it there gives it back: the template must put it elsewhere.
pub(super) fn escape(value: &Value, place: Context) -> Result<String, String> {
    match place {
        Context::JsonValue => Ok(json(value)),
        Context::YamlValue => Ok(yaml_value(value)),
        Context::TomlValue => Ok(toml_value(value)),
        Context::ShellWord => Ok(shell_words(value)),
        _ => escape_text(plain_text(value), place),
    }
}

fn escape_text(text: String, place: Context) -> Result<String, String> {
    Ok(match place {
        Context::XmlText => xml(&text, false),
        Context::XmlAttribute => xml(&text, true),
        Context::XmlComment => xml_comment(&visible(&text)),
        Context::XmlCdata => visible(&text).replace("]]>", "]]]]><![CDATA[>"),
        Context::JsonString | Context::YamlDouble | Context::TomlBasic => quoted_inner(&text),
        Context::TomlKey => toml_key(&text),
        Context::ShellDouble => backslashed(&text, &['\\', '"', '$', '`']),
        Context::ShellHere => backslashed(&text, &['\\', '$', '`']),
        Context::ShellQuoted => shell_quoted(&text),
        Context::ShellSingle => text.replace('\'', r"'\''"),
        Context::Comment => visible(&text).replace(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'], " "),
        _ => return fitting(text, place),
    })
}

/// Texts that can only be taken or refused.
fn fitting(text: String, place: Context) -> Result<String, String> {
    let (fits, advice) = match place {
        Context::YamlPart => (is_plain_scalar(&text), "put the scalar in double quotes"),
        Context::YamlSinglePart => (!text.chars().any(needs_escape), "use double quotes"),
        Context::YamlBlock(_) | Context::YamlFolded => {
            let takes = |c: char| c == '\t' || (c == '\n' && place != Context::YamlFolded) || !needs_escape(c);
            (text.chars().all(takes), "use quotes instead of a block scalar")
        }
        Context::TomlLiteralPart => (!text.contains('\'') && !text.chars().any(needs_escape), "use double quotes"),
        Context::TomlMultiLiteral => {
            let takes = |c: char| c == '\n' || !needs_escape(c);
            (!text.contains("'''") && text.chars().all(takes), "use `\"\"\"`")
        }
        Context::ShellInteger => (is_integer(&text), "only a whole number can stand here"),
        Context::Nowhere(advice) => (false, advice),
        _ => (true, ""),
    };
    if !fits {
        return Err(refused(&text, advice));
    }
    Ok(match place {
        Context::YamlSinglePart => text.replace('\'', "''"),
        Context::YamlBlock(indent) => text.replace('\n', &format!("\n{}", " ".repeat(indent))),
        _ => text,
    })
}

/// Why a value cannot be written where it stands.
pub(super) fn refused(text: &str, advice: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("the value `{}` cannot be written here; {advice}", shown.escape_debug())
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
pub(super) fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A double-quoted string of JSON, YAML and TOML alike.
pub(super) fn quoted(text: &str) -> String {
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

/// Words that YAML 1.1 or 1.2 reads as a truth value, as null or as a number.
const TYPED_WORDS: [&str; 11] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];

/// Text that stands unquoted and is still that string: words of letters that YAML 1.1 and 1.2 read as nothing else.
fn is_plain_string(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphabetic() && c != '\u{FEFF}');
    let never_a_word = !TYPED_WORDS.contains(&text.to_ascii_lowercase().as_str());
    starts_well && never_a_word && is_plain_scalar(text)
}

/// Text that may stand as an unquoted YAML scalar, in a flow collection too, whatever its type.
fn is_plain_scalar(text: &str) -> bool {
    let first = text.chars().next();
    let starts_well = first.is_some_and(|c| !c.is_whitespace() && !"-?:,[]{}#&*!|>'\"%@`=<~".contains(c))
        || (first == Some('-') && text[1..].starts_with(|c: char| c.is_alphanumeric()));
    let ends_well = !text.ends_with(|c: char| c.is_whitespace() || c == ':');
    // Some parsers end a scalar of a flow collection at any `?`.
    let bad = |c: char| needs_escape(c) || ",[]{}?".contains(c);
    starts_well && ends_well && !text.contains(bad) && !text.contains(": ") && !text.contains(" #")
}

/// Whether a text of several parts may stand unquoted; unless it `keeps_type`, YAML must read it as nothing but a string.
pub(super) fn yaml_is_plain(text: &str, keeps_type: bool) -> bool {
    is_plain_scalar(text) && (keeps_type || !has_type(text))
}

/// Whether YAML 1.1 or 1.2 may read an unquoted text as something else than a string.
fn has_type(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_start_matches(['+', '-', '.']);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && lower.chars().all(|c| c.is_ascii_hexdigit() || "xo_.:+-tz ".contains(c));
    TYPED_WORDS.contains(&digits) || text.starts_with("...") || is_number
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

pub(super) fn toml_literal(text: &str) -> String {
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
    /// What a shell reads as more than a word where a command may stand.
    const KEYWORDS: [&str; 17] = [
        "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "function",
        "select", "time", "coproc",
    ];
    let is_bare = !text.is_empty() && text.chars().all(is_shell_safe) && !KEYWORDS.contains(&text);
    if is_bare { text.to_owned() } else { shell_quoted(text) }
}

/// Characters that mean nothing to a shell wherever they stand.
pub(super) fn is_shell_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./:@%+".contains(c)
}

/// Text that does nothing where a shell evaluates it as arithmetic or as a script: it cannot expand, assign, end a
/// command or be an option.
pub(super) fn is_harmless(text: &str) -> bool {
    let is_word = text.chars().all(|c| is_shell_safe(c) && c != '+') && !text.contains("--");
    is_integer(text) || (is_word && !text.starts_with('-') && !text.ends_with('-'))
}

/// A whole number that every shell reads as a decimal one.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && !is_octal
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
