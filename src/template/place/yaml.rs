//! YAML: every scalar that holds outputs is written as a whole, so that a parser gives its text back.

use super::{MARK, TextWriter, lacks_backslash, substituted};
use crate::template::escape::{self, Context, escape, plain_text, refused};
use crate::template::scan::ScanError;

pub(super) fn write(writer: &mut TextWriter<'_>) -> Result<(), ScanError> {
    let start = writer.text.len() - writer.text.trim_start_matches('\u{FEFF}').len();
    let mut yaml = Yaml { text: writer.text, writer, at: start, line: start, parent: -1, open: true };
    while yaml.writer.has_more() && yaml.at < yaml.text.len() {
        yaml.line()?;
    }
    Ok(())
}

struct Yaml<'y, 'p> {
    writer: &'y mut TextWriter<'p>,
    text: &'p str,
    /// How far the text has been read.
    at: usize,
    /// Where the line begins that is being read.
    line: usize,
    /// The column of the key or the hyphen that the next node belongs to; -1 at the top of a document.
    parent: isize,
    /// A node may begin on the next line.
    open: bool,
}

/// Why a plain scalar ends on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// `: ` follows: it is a key.
    Key,
    Comment,
    LineEnd,
}

impl<'p> Yaml<'_, 'p> {
    fn line(&mut self) -> Result<(), ScanError> {
        self.line = self.at;
        let indent = indent_of(&self.text[self.at..]);
        self.at += indent;
        let body = &self.text[self.at..self.line_end(self.at)];
        let mut fits = self.open && column(indent) > self.parent;
        if body.trim().is_empty() {
            self.next_line();
            return Ok(());
        }
        if indent == 0 && is_marker(body) {
            self.parent = -1;
            self.at += 3;
            fits = true;
        } else if indent == 0 && body.starts_with('%') {
            return self.comment();
        }
        self.nodes(fits)
    }

    /// What stands on a line: indicators, properties, a key, a node.
    fn nodes(&mut self, mut fits: bool) -> Result<(), ScanError> {
        let mut has_key = false;
        loop {
            self.skip_blanks();
            let start = self.at;
            match self.peek() {
                None | Some('\n') => {
                    self.open = fits;
                    self.next_line();
                    return Ok(());
                }
                Some('#') if self.after_blank() => {
                    self.open = fits;
                    return self.comment();
                }
                Some('-' | '?' | ':') if is_blank(self.text[start + 1..].chars().next()) => {
                    self.parent = self.column();
                    self.at += 1;
                    fits = true;
                    continue;
                }
                Some('!' | '&') => {
                    self.token(false)?;
                    continue;
                }
                _ => {}
            }
            if !self.node(fits, has_key)? {
                return Ok(());
            }
            has_key = true;
            fits = true;
        }
    }

    /// One node; whether it was a key, so that another may follow on the line.
    fn node(&mut self, fits: bool, has_key: bool) -> Result<bool, ScanError> {
        let (start, key_column) = (self.at, self.column());
        let is_plain = match self.peek() {
            Some('|' | '>') if self.block_header().is_some() => {
                self.open = false;
                self.block()?;
                return Ok(false);
            }
            Some('"' | '\'' | '[' | '{' | '*') => false,
            _ => true,
        };
        let is_key = if is_plain {
            let (end, stop) = self.plain_end(start);
            let allowed = if stop == Stop::Key { !has_key } else { fits };
            if !allowed {
                self.refuse_outputs(end)?;
            }
            self.plain(start, end)?;
            self.at = end;
            stop == Stop::Key
        } else {
            self.delimited(fits)?;
            self.skip_blanks();
            self.peek() == Some(':') && is_blank(self.text[self.at + 1..].chars().next())
        };
        if is_key && !has_key {
            self.skip_blanks();
            self.at += 1;
            self.parent = key_column;
            return Ok(true);
        }
        self.end_node()?;
        Ok(false)
    }

    /// A node that says itself where it ends.
    fn delimited(&mut self, fits: bool) -> Result<(), ScanError> {
        match self.peek() {
            Some('"') => self.double(fits),
            Some('\'') => self.single(fits),
            Some('*') => self.token(false),
            _ => self.flow(),
        }
    }

    /// After a node only a comment may follow on its line.
    fn end_node(&mut self) -> Result<(), ScanError> {
        self.open = false;
        let line_end = self.line_end(self.at);
        let comment = (self.at..line_end)
            .find(|&at| self.text.as_bytes()[at] == b'#' && self.text[..at].ends_with([' ', '\t']))
            .unwrap_or(line_end);
        self.refuse_outputs(comment)?;
        self.at = comment;
        self.comment()
    }

    /// The rest of the line, whatever it holds, is a comment.
    fn comment(&mut self) -> Result<(), ScanError> {
        let end = self.line_end(self.at);
        self.writer.fill(end, Context::Comment)?;
        self.at = end;
        self.next_line();
        Ok(())
    }

    /// A tag, an anchor or an alias.
    fn token(&mut self, in_flow: bool) -> Result<(), ScanError> {
        let ends = |c: char| is_blank(Some(c)) || in_flow && is_flow(c);
        let end = self.text[self.at..].find(ends).map_or(self.text.len(), |length| self.at + length);
        self.refuse_outputs(end)?;
        self.at = end;
        Ok(())
    }

    /// Refuses the outputs up to `end`, but for those that the template writes as they are.
    fn refuse_outputs(&mut self, end: usize) -> Result<(), ScanError> {
        self.writer.fill(end, Context::Nowhere("no YAML value can stand here; put the whole value in quotes"))
    }

    /// Where the plain scalar that begins at `start` ends, with its lines, and why.
    fn plain_end(&self, start: usize) -> (usize, Stop) {
        let (mut end, mut stop) = self.plain_line(start);
        let is_final = |end: usize| self.writer.upcoming(&self.text[start..end]).iter().any(|output| output.is_final);
        if stop != Stop::LineEnd || is_final(end) {
            return (end, stop);
        }
        let mut next = self.line_end(end) + 1;
        while let Some(line) = self.text.get(next..).filter(|rest| !rest.is_empty()) {
            let line = &line[..line.find('\n').unwrap_or(line.len())];
            let indent = indent_of(line);
            let body = line.trim();
            let ends = column(indent) <= self.parent || body.starts_with('#') || (indent == 0 && is_marker(line));
            if !body.is_empty() {
                let (line_end, line_stop) = self.plain_line(next + line.len() - line.trim_start().len());
                if ends || line_stop == Stop::Key || is_final(line_end) {
                    break;
                }
                (end, stop) = (line_end, line_stop);
                if stop == Stop::Comment {
                    break;
                }
            }
            next += line.len() + 1;
        }
        (end, stop)
    }

    /// Where the part of a plain scalar on one line ends.
    fn plain_line(&self, start: usize) -> (usize, Stop) {
        let line = &self.text[start..self.line_end(start)];
        let bytes = line.as_bytes();
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b':' if bytes.get(at + 1).is_none_or(|next| is_blank(Some(char::from(*next)))) => {
                    return (start + line[..at].trim_end().len(), Stop::Key);
                }
                b'#' if at > 0 && matches!(bytes[at - 1], b' ' | b'\t') => {
                    return (start + line[..at].trim_end().len(), Stop::Comment);
                }
                _ => {}
            }
        }
        (start + line.trim_end().len(), Stop::LineEnd)
    }

    fn plain(&mut self, start: usize, end: usize) -> Result<(), ScanError> {
        let segment = &self.text[start..end];
        let outputs = self.writer.upcoming(segment);
        self.writer.copy(start)?;
        if segment.len() == MARK.len_utf8() {
            return self.writer.fill(end, Context::YamlValue);
        }
        if outputs.is_empty() || outputs.iter().any(|output| output.is_final) {
            return self.writer.fill(end, Context::YamlPart);
        }
        let keeps_type = outputs.iter().all(|output| output.value.is_number() || output.value.is_boolean());
        let values: Vec<String> = outputs.iter().map(|output| plain_text(&output.value)).collect();
        let whole = substituted(&folded(segment), &values);
        if stands_in_lines(segment, &values) && escape::yaml_is_plain(&whole, keeps_type) {
            return self.writer.fill(end, Context::AsItIs);
        }
        self.writer.replace(end, &escape::quoted(&whole))
    }

    fn single(&mut self, fits: bool) -> Result<(), ScanError> {
        let (start, end) = (self.at, single_end(self.text, self.at));
        self.at = end;
        if !fits && !self.is_key() {
            return self.refuse_outputs(end);
        }
        let segment = &self.text[start..end];
        let outputs = self.writer.upcoming(segment);
        self.writer.copy(start)?;
        let values: Vec<String> = outputs.iter().map(|output| plain_text(&output.value)).collect();
        let takes =
            values.iter().all(|value| !value.chars().any(escape::needs_escape)) && stands_in_lines(segment, &values);
        if takes || outputs.iter().any(|output| output.is_final) {
            return self.writer.fill(end, Context::YamlSinglePart);
        }
        let inner = segment[1..].strip_suffix('\'').unwrap_or(&segment[1..]).replace("''", "'");
        self.writer.replace(end, &escape::quoted(&substituted(&folded(&inner), &values)))
    }

    fn double(&mut self, fits: bool) -> Result<(), ScanError> {
        let (start, end) = (self.at, double_end(self.text, self.at));
        self.at = end;
        if !fits && !self.is_key() {
            return self.refuse_outputs(end);
        }
        let segment = &self.text[start..end];
        for (mark, _) in segment.match_indices(MARK) {
            self.writer.copy(start + mark)?;
            let Some(output) = self.writer.upcoming(segment).first().filter(|output| !output.is_final) else {
                self.writer.fill(start + mark + 1, Context::AsItIs)?;
                continue;
            };
            if in_escape(&segment[1..mark]) {
                return Err(self.writer.refusal(lacks_backslash()));
            }
            let text = plain_text(&output.value);
            let blank = |part: &str| part.trim_matches([' ', '\t', '\r', MARK]).is_empty();
            let before = segment[1..mark].rsplit_once('\n').is_some_and(|(_, line)| blank(line));
            let after = segment[mark + 1..].split_once('\n').is_some_and(|(line, _)| blank(line));
            if text.is_empty() && before && after {
                return Err(self.writer.refusal(refused(&text, "write the text on one line")));
            }
            let mut written =
                escape(&output.value, Context::YamlDouble).map_err(|reason| self.writer.refusal(reason))?;
            if before && written.starts_with([' ', '-', '.']) {
                let first = written.remove(0);
                written.insert_str(0, &format!("\\x{:02X}", u32::from(first)));
            }
            if after && written.ends_with(' ') {
                written.replace_range(written.len() - 1.., "\\x20");
            }
            self.writer.replace(start + mark + 1, &written)?;
        }
        Ok(())
    }

    /// What was read is a key: `:` follows.
    fn is_key(&self) -> bool {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t']);
        rest.strip_prefix(':').is_some_and(|rest| is_blank(rest.chars().next()))
    }

    fn flow(&mut self) -> Result<(), ScanError> {
        let mut depth = 0_usize;
        // A node has ended, and nothing came yet that lets another begin.
        let mut complete = false;
        while let Some(c) = self.peek() {
            let next = self.text[self.at + c.len_utf8()..].chars().next();
            match c {
                '[' | '{' | ',' => {
                    depth += usize::from(c != ',');
                    complete = false;
                    self.at += 1;
                }
                ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    complete = true;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                '#' if self.after_blank() => self.comment()?,
                '?' | '-' if is_blank(next) => self.at += 1,
                ':' if complete || is_blank(next) || next.is_some_and(is_flow) => {
                    complete = false;
                    self.at += 1;
                }
                _ if is_blank(Some(c)) => self.at += 1,
                '!' | '&' if !complete => self.token(true)?,
                _ => {
                    self.flow_node(c, complete)?;
                    complete = true;
                }
            }
        }
        Ok(())
    }

    fn flow_node(&mut self, c: char, complete: bool) -> Result<(), ScanError> {
        match c {
            '"' => self.double(!complete),
            '\'' => self.single(!complete),
            '*' => self.token(true),
            _ => {
                let (start, end) = (self.at, flow_plain_end(self.text, self.at));
                if complete {
                    self.refuse_outputs(end)?;
                }
                self.at = end;
                self.plain(start, end)
            }
        }
    }

    /// The explicit indentation of the block scalar whose header begins here, if it is one.
    fn block_header(&self) -> Option<Option<usize>> {
        let header = &self.text[self.at + 1..self.line_end(self.at)];
        let length = header.find(|c: char| !c.is_ascii_digit() && c != '+' && c != '-').unwrap_or(header.len());
        let (indicators, rest) = header.split_at(length);
        let ends = rest.trim().is_empty() || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#'));
        let digit = indicators.chars().find_map(|c| c.to_digit(10));
        (ends && length <= 2).then(|| digit.and_then(|digit| usize::try_from(digit).ok()))
    }

    fn block(&mut self) -> Result<(), ScanError> {
        let explicit = self.block_header().flatten();
        let is_folded = self.peek() == Some('>');
        let outer = usize::try_from(self.parent).unwrap_or(0);
        let body = (self.line_end(self.at) + 1).min(self.text.len());
        let lines = self.block_lines(body);
        let first = lines.iter().find(|line| !line.trim().is_empty());
        let indent = explicit.map_or_else(|| first.map_or(0, |line| indent_of(line)), |digit| outer + digit);
        self.writer.copy(self.at + 1)?;
        if explicit.is_none() && self.needs_indentation(body, &lines, indent) {
            let digit = indent.saturating_sub(outer);
            if !(1..=9).contains(&digit) {
                return Err(self.writer.refusal(refused("", "begin the block scalar with other text")));
            }
            self.writer.insert(&digit.to_string())?;
        }
        self.comment()?;
        for line in lines {
            let place = match indent_of(line) {
                here if here >= indent && is_folded => Context::YamlFolded,
                here if here >= indent => Context::YamlBlock(indent),
                _ => Context::Nowhere("indent its line like the first line of the block scalar"),
            };
            self.writer.fill(self.at + line.len(), place)?;
            self.next_line();
        }
        Ok(())
    }

    /// The lines of the block scalar whose first line begins at `body`.
    fn block_lines(&self, body: usize) -> Vec<&'p str> {
        let belongs = |line: &&str| {
            let indent = indent_of(line);
            line.trim().is_empty() || (column(indent) > self.parent && !(indent == 0 && is_marker(line)))
        };
        self.text[body..].split('\n').take_while(belongs).collect()
    }

    /// Whether the first lines, with their values, show another indentation than the template means.
    fn needs_indentation(&self, body: usize, lines: &[&str], indent: usize) -> bool {
        let block: usize = lines.iter().map(|line| line.len() + 1).sum();
        let outputs = self.writer.upcoming(&self.text[self.at..(body + block).min(self.text.len())]);
        let mut outputs = outputs.iter().skip(self.text[self.at..body].matches(MARK).count());
        for line in lines {
            let values = outputs.by_ref().take(line.matches(MARK).count()).map(|output| plain_text(&output.value));
            let values: Vec<String> = values.collect();
            for (i, shown) in substituted(line, &values).split(['\n', '\r']).enumerate() {
                let spaces = indent_of(shown) + if i > 0 { indent } else { 0 };
                let is_blank = shown.trim_matches([' ', '\r']).is_empty();
                if !is_blank || (spaces > indent && !values.is_empty()) {
                    return spaces != indent;
                }
            }
        }
        false
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn after_blank(&self) -> bool {
        is_blank(self.text[..self.at].chars().next_back())
    }

    fn skip_blanks(&mut self) {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start_matches([' ', '\t', '\r']).len();
    }

    fn line_end(&self, from: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[from..]).map_or(self.text.len(), |length| from + length)
    }

    fn next_line(&mut self) {
        self.at = (self.line_end(self.at) + 1).min(self.text.len());
    }

    fn column(&self) -> isize {
        column(self.at.saturating_sub(self.line))
    }
}

fn column(of: usize) -> isize {
    isize::try_from(of).unwrap_or(isize::MAX)
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// White space, a line's end, or the end of the text.
fn is_blank(c: Option<char>) -> bool {
    c.is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
}

fn is_flow(c: char) -> bool {
    matches!(c, ',' | '[' | ']' | '{' | '}')
}

/// `---` or `...` on its own at a line's beginning.
fn is_marker(line: &str) -> bool {
    ["---", "..."].iter().any(|marker| line.strip_prefix(marker).is_some_and(|rest| is_blank(rest.chars().next())))
}

/// The end of the single-quoted scalar that begins at `start`, its closing quote included.
fn single_end(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = text[at..].find('\'') {
        at += found + 1;
        if !text[at..].starts_with('\'') {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// The same of a double-quoted one.
fn double_end(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = text[at..].find(['"', '\\']) {
        let is_quote = text[at + found..].starts_with('"');
        at += found + 1;
        if is_quote {
            return at;
        }
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    text.len()
}

/// Whether a double-quoted text ends in an escape sequence that is not complete.
fn in_escape(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('\\') {
        let Some(letter) = after.chars().next() else { return true };
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        rest = &after[letter.len_utf8()..];
        let given = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        if given == rest.len() && given < digits {
            return true;
        }
    }
    false
}

/// Where a plain scalar in a flow collection ends.
fn flow_plain_end(text: &str, start: usize) -> usize {
    let mut before = None;
    let ends = |(at, c): &(usize, char)| {
        let next = text[start + at + c.len_utf8()..].chars().next();
        let is_end = is_flow(*c)
            || (*c == ':' && (is_blank(next) || next.is_some_and(is_flow)))
            || (*c == '#' && before.is_some_and(|before| is_blank(Some(before))));
        before = Some(*c);
        is_end
    };
    let end = text[start..].char_indices().find(ends).map_or(text.len(), |(at, _)| start + at);
    start + text[start..end].trim_end_matches([' ', '\t', '\n', '\r']).len()
}

/// A scalar's text as a parser reads its lines: one line end is a space, more are one line end less.
fn folded(text: &str) -> String {
    let blank = [' ', '\t', '\r'];
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut ends = 0;
    for (i, line) in lines.iter().enumerate() {
        let line = if i > 0 { line.trim_start_matches(blank) } else { line };
        let line = if i + 1 < lines.len() { line.trim_end_matches(blank) } else { line };
        if i > 0 {
            ends += 1;
        }
        if line.is_empty() && i > 0 && i + 1 < lines.len() {
            continue;
        }
        match ends {
            0 => {}
            1 => out.push(' '),
            _ => out.push_str(&"\n".repeat(ends - 1)),
        }
        ends = 0;
        out.push_str(line);
    }
    out
}

/// Whether values may stand as they are in a scalar of several lines, where a parser drops space at the lines' ends and
/// takes `---` for the document's end.
fn stands_in_lines(segment: &str, values: &[String]) -> bool {
    !segment.contains('\n')
        || values.iter().all(|value| !value.is_empty() && value.trim() == value && !value.starts_with(['-', '.']))
}
