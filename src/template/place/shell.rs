//! POSIX shell and bash: words, quotes, substitutions, comments, here-documents.
//!
//! Where bash and other shells read a text differently, the tracker says so and takes harmless values only from there on.

use std::collections::VecDeque;

use super::shell_words::Words;
use super::{Output, lacks_backslash};
use crate::template::escape::{Context, escape, is_harmless, is_shell_safe, plain_text, refused};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Frame {
    /// Words, at the top or in `$(…)` and `(…)`.
    Words(Words),
    Double,
    Single,
    /// `$'…'`
    Ansi,
    /// Between backticks.
    Backtick,
    /// `$((…))` or `((…))`; so many parentheses are open in it, and one of the last two was met.
    Arithmetic {
        depth: usize,
        closing: bool,
    },
    /// `${…}`
    Parameter(ExpansionPart),
    Comment,
    /// The word after `<<`.
    Delimiter {
        here: Here,
        begun: bool,
        quote: Option<char>,
    },
    Here(Here),
}

/// How far `${…}` has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpansionPart {
    Start,
    Name,
    Colon,
    /// After an operator whose operand is a text or a pattern.
    Word,
    /// After any other operator.
    Other,
}

/// A here-document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Here {
    end: String,
    /// Nothing in it is expanded.
    quoted: bool,
    /// `<<-`: tabs before the last line do not count.
    strip: bool,
    /// How many frames were open where it was asked for.
    depth: usize,
}

#[derive(Debug)]
pub(super) struct Tracker {
    /// The innermost frame is last.
    stack: Vec<Frame>,
    /// Here-documents that begin with the next line.
    pending: VecDeque<Here>,
    /// The line of a here-document read so far, and whether a value or the line before is a part of it.
    line: String,
    has_value: bool,
    joined: bool,
    /// The character before, if it is neither escaped nor quoted nor a value's.
    before: char,
    escaped: bool,
    /// The name of a parameter is being read: `$NAME`.
    name: bool,
    /// The value before is a number that a redirection would take for a file descriptor.
    number: bool,
    /// Why the text can no longer be followed.
    lost: Option<&'static str>,
    /// The text may hold here-documents.
    has_here: bool,
}

impl Tracker {
    pub(super) fn new(text: &str) -> Self {
        Self {
            stack: vec![Frame::Words(Words::new(false))],
            pending: VecDeque::new(),
            line: String::new(),
            has_value: false,
            joined: false,
            before: '\n',
            escaped: false,
            name: false,
            number: false,
            lost: None,
            has_here: text.contains("<<"),
        }
    }

    /// Follows a literal; what must be written before it is returned.
    pub(super) fn literal(&mut self, text: &str) -> Result<&'static str, String> {
        let ends_number = std::mem::take(&mut self.number) && text.starts_with(['<', '>']);
        for c in text.chars() {
            self.character(c)?;
        }
        Ok(if ends_number { "''" } else { "" })
    }

    /// Follows an output and writes it.
    pub(super) fn output(&mut self, output: &Output) -> Result<String, String> {
        if output.is_final {
            let text = plain_text(&output.value);
            return self.literal(&text).map(|before| format!("{before}{text}"));
        }
        let place = self.place(output)?;
        let text = plain_text(&output.value);
        if text.contains('\0') && place != Context::Comment {
            return Err(refused(&text, "a shell cannot hold a NUL byte"));
        }
        if text.contains('\n') && !self.pending.is_empty() && !self.in_here() {
            return Err(refused(&text, "put it in a variable before the line with `<<`"));
        }
        if self.name && place != Context::ShellQuoted && text.starts_with(is_name) {
            return Err(refused(&text, "it would become a part of the parameter's name; write `${NAME}`"));
        }
        if text.contains('\t') && matches!(self.top(), Frame::Here(here) if here.strip) {
            return Err(refused(&text, "`<<-` takes tabs away; use `<<`"));
        }
        let written = escape(&output.value, place)?;
        self.number = place == Context::ShellWord && written.bytes().all(|byte| byte.is_ascii_digit());
        if self.in_here() {
            for c in written.chars() {
                self.has_value = true;
                self.here_line(c)?;
            }
            self.has_value = true;
        }
        if let Some(Frame::Words(words)) = self.stack.last_mut() {
            words.push('\0');
        }
        self.before = '\0';
        self.name = false;
        Ok(written)
    }

    /// How an output here must be written.
    fn place(&self, output: &Output) -> Result<Context, String> {
        let top = self.top();
        if let Some(reason) = self.lost {
            return self.bare(output, reason);
        }
        if *top == Frame::Comment && self.stack.iter().all(|frame| matches!(frame, Frame::Words(_) | Frame::Comment)) {
            return Ok(Context::Comment);
        }
        if self.escaped {
            return Err(lacks_backslash());
        }
        if self.before == '$' && !matches!(top, Frame::Single) {
            return Err("an output cannot stand right after `$`; put the value in a variable first".to_owned());
        }
        if self.is_evaluated() && !is_harmless(&plain_text(&output.value)) {
            let advice = "the shell evaluates its text: only letters, digits and `_`, `-`, `.`, `/`, `:`, `@`, `%` can stand here";
            return Err(refused(&plain_text(&output.value), advice));
        }
        if self.stack.iter().any(|frame| matches!(frame, Frame::Arithmetic { .. })) {
            return Ok(Context::ShellInteger);
        }
        if self.stack.iter().any(|frame| matches!(frame, Frame::Parameter(part) if *part != ExpansionPart::Word)) {
            return Err("an output cannot stand in this part of `${…}`; put the value in a variable first".to_owned());
        }
        let nested = self.stack[..self.stack.len() - 1].iter().any(|frame| matches!(frame, Frame::Here(_)));
        let is_expansion = |frame: &Frame| matches!(frame, Frame::Parameter(_) | Frame::Backtick);
        if nested || self.stack.iter().any(is_expansion) {
            return self
                .bare(output, "in `${…}`, between backticks and in a here-document's `$(…)` quotes do not hold");
        }
        match top {
            Frame::Words(words) => self.word(words, output),
            Frame::Double => Ok(Context::ShellDouble),
            Frame::Single => Ok(Context::ShellSingle),
            Frame::Here(here) if here.quoted => Ok(Context::AsItIs),
            Frame::Here(_) => Ok(Context::ShellHere),
            Frame::Comment => self.bare(output, "shells disagree where a comment in a quoted `$(…)` ends"),
            Frame::Delimiter { .. } => Err("an output cannot be the word after `<<`".to_owned()),
            _ => Err("an output cannot stand in `$'…'`; use double quotes".to_owned()),
        }
    }

    /// A value that means nothing to a shell may stand anywhere.
    fn bare(&self, output: &Output, reason: &str) -> Result<Context, String> {
        let text = plain_text(&output.value);
        let may_be_empty = matches!(self.top(), Frame::Double | Frame::Single | Frame::Parameter(_));
        let may_end_here = self.lost.is_some() && self.has_here;
        if text.chars().all(is_shell_safe) && (may_be_empty || !text.is_empty()) && !may_end_here {
            return Ok(Context::AsItIs);
        }
        Err(refused(&text, &format!("{reason}: put it in a variable first")))
    }

    fn word(&self, words: &Words, output: &Output) -> Result<Context, String> {
        if output.value.is_array() && !words.word.is_empty() {
            return Err(
                "a list is several words and cannot stand in the middle of one; use the filter `join`".to_owned()
            );
        }
        Ok(if self.name { Context::ShellQuoted } else { Context::ShellWord })
    }

    /// Whether a command that the output belongs to, quoted or not, reads it as arithmetic, as a name or as a script.
    fn is_evaluated(&self) -> bool {
        let innermost = self.stack.iter().rposition(|frame| matches!(frame, Frame::Words(_)));
        self.stack
            .iter()
            .enumerate()
            .any(|(at, frame)| matches!(frame, Frame::Words(words) if words.is_evaluated(innermost != Some(at))))
    }

    fn top(&self) -> &Frame {
        self.stack.last().unwrap_or(&Frame::Comment)
    }

    /// The words are the items of `NAME=(…)`.
    fn in_array(&self) -> bool {
        matches!(self.stack.as_slice(), [.., Frame::Words(around), Frame::Words(_)] if around.word.ends_with('='))
    }

    fn in_here(&self) -> bool {
        self.stack.iter().any(|frame| matches!(frame, Frame::Here(_)))
    }

    fn lose(&mut self, reason: &'static str) {
        self.lost.get_or_insert(reason);
    }

    fn character(&mut self, c: char) -> Result<(), String> {
        if self.lost.is_some() || (self.in_here() && (self.here_line(c)? || self.lost.is_some())) {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.before, c);
        let named = self.name;
        self.name = is_name(c) && (named || (before == '$' && !c.is_ascii_digit()));
        if std::mem::take(&mut self.escaped) {
            self.before = '\0';
            if let Some(Frame::Words(words)) = self.stack.last_mut().filter(|_| c != '\n') {
                words.push('\0');
                words.quoted(c);
            }
            return Ok(());
        }
        if c == '\n'
            && !self.pending.is_empty()
            && !matches!(self.top(), Frame::Words(_) | Frame::Comment | Frame::Delimiter { .. } | Frame::Here(_))
        {
            self.lose("shells disagree where a here-document begins in a quoted text of several lines");
            return Ok(());
        }
        self.step(c, before);
        Ok(())
    }

    fn step(&mut self, c: char, before: char) {
        let ends = if *self.top() == Frame::Double { '"' } else { '\'' };
        if let [.., Frame::Words(words), Frame::Double | Frame::Single | Frame::Ansi] = self.stack.as_mut_slice()
            && c != ends
        {
            words.quoted(c);
        }
        match self.top().clone() {
            Frame::Words(_) => self.words(c, before),
            Frame::Double if c == '"' => self.leave(),
            Frame::Double => self.expansion(c, before),
            Frame::Here(here) if !here.quoted => self.expansion(c, before),
            Frame::Single if c == '\'' => self.leave(),
            Frame::Ansi if c == '\'' => self.leave(),
            Frame::Ansi if c == '\\' => self.lose("shells disagree where `$'…'` with a backslash ends"),
            Frame::Backtick if c == '`' => self.leave(),
            Frame::Backtick => self.escaped = c == '\\',
            Frame::Arithmetic { depth, closing } => self.arithmetic(c, before, depth, closing),
            Frame::Parameter(part) => self.parameter(c, before, part),
            Frame::Comment if c == '\n' => {
                self.leave();
                self.words(c, before);
            }
            Frame::Delimiter { here, begun, quote } => self.delimiter(c, here, begun, quote),
            Frame::Single | Frame::Ansi | Frame::Comment | Frame::Here(_) => {}
        }
    }

    fn words(&mut self, c: char, before: char) {
        let is_operator = matches!(c, ';' | '&' | '|' | '<' | '>') || (c == '(' && before != '$');
        if is_operator && self.in_array() {
            return self.lose("shells disagree where an array with an operator in it ends");
        }
        let Some(Frame::Words(words)) = self.stack.last_mut() else { return };
        match c {
            '\'' => {
                words.push('\0');
                self.stack.push(if before == '$' { Frame::Ansi } else { Frame::Single });
            }
            '"' => {
                words.push('\0');
                self.stack.push(Frame::Double);
            }
            '#' if words.word.is_empty() => self.stack.push(Frame::Comment),
            '(' | ')' => self.parenthesis(c, before),
            '<' if before == '<' => {
                let here = Here { depth: self.stack.len(), ..Here::default() };
                self.stack.push(Frame::Delimiter { here, begun: false, quote: None });
            }
            '\n' => {
                words.operator(c, before);
                self.start_here_document();
            }
            ' ' | '\t' | ';' | '&' | '|' | '<' | '>' => {
                words.operator(c, before);
            }
            _ => {
                if !matches!(c, '\\' | '`') {
                    words.push(c);
                }
                self.expansion(c, before);
            }
        }
    }

    fn parenthesis(&mut self, c: char, before: char) {
        let Some(Frame::Words(words)) = self.stack.last_mut() else { return };
        if c == '(' && before == '(' && words.new && words.nested {
            self.replace(Frame::Arithmetic { depth: 0, closing: false });
        } else if c == '(' {
            if before == '$' || !words.opens_pattern() {
                if matches!(before, '<' | '>') {
                    words.push('\0');
                }
                self.stack.push(Frame::Words(Words::new(true)));
            }
        } else if !words.closes_pattern() {
            if words.nested && words.is_unclear() {
                self.lose("a `)` here may belong to a `case`");
            } else if words.nested {
                self.leave();
                if let Some(Frame::Words(words)) = self.stack.last_mut() {
                    words.after_parentheses();
                }
            }
        }
    }

    /// What `$`, a backtick and a backslash mean in words, double quotes and here-documents alike.
    fn expansion(&mut self, c: char, before: char) {
        match c {
            '\\' => self.escaped = true,
            '`' => {
                self.part_of_word();
                self.stack.push(Frame::Backtick);
            }
            '$' if before == '$' => self.before = '\0',
            '(' if before == '$' => self.stack.push(Frame::Words(Words::new(true))),
            '{' if before == '$' => self.stack.push(Frame::Parameter(ExpansionPart::Start)),
            '[' if before == '$' => self.lose("`$[` means different things to different shells"),
            _ => {}
        }
    }

    fn part_of_word(&mut self) {
        if let Some(Frame::Words(words)) = self.stack.last_mut() {
            words.push('\0');
        }
    }

    fn arithmetic(&mut self, c: char, before: char, depth: usize, closing: bool) {
        let becomes = match c {
            ')' if closing => return self.leave(),
            _ if closing => return self.lose("`((` does not end in `))`"),
            '"' | '\'' => return self.lose("a quote in arithmetic means different things to different shells"),
            ')' if depth == 0 => Frame::Arithmetic { depth, closing: true },
            ')' => Frame::Arithmetic { depth: depth - 1, closing },
            '(' if before != '$' => Frame::Arithmetic { depth: depth + 1, closing },
            _ => return self.expansion(c, before),
        };
        self.replace(becomes);
    }

    fn parameter(&mut self, c: char, before: char, part: ExpansionPart) {
        let opens = before == '$' && matches!(c, '{' | '(');
        if c == '}' {
            return self.leave();
        }
        if matches!(part, ExpansionPart::Word | ExpansionPart::Other) || opens {
            return self.operand(c, before);
        }
        let next = match (part, c) {
            (ExpansionPart::Start, '#' | '!' | '@' | '*' | '?' | '$' | '-') => ExpansionPart::Name,
            (ExpansionPart::Start | ExpansionPart::Name, _) if is_name(c) => ExpansionPart::Name,
            (ExpansionPart::Name, ':') => ExpansionPart::Colon,
            (ExpansionPart::Name, '-' | '=' | '+' | '?' | '#' | '%')
            | (ExpansionPart::Colon, '-' | '=' | '+' | '?') => ExpansionPart::Word,
            _ => ExpansionPart::Other,
        };
        self.replace(Frame::Parameter(next));
        if next == ExpansionPart::Other {
            self.operand(c, before);
        }
    }

    /// A character of what follows the operator in `${…}`.
    fn operand(&mut self, c: char, before: char) {
        let around = self.stack.iter().rev().find(|frame| !matches!(frame, Frame::Parameter(_)));
        let in_words = matches!(around, Some(Frame::Words(_)));
        match c {
            '"' if matches!(around, Some(Frame::Words(_) | Frame::Double)) => self.stack.push(Frame::Double),
            '\'' if in_words => self.stack.push(if before == '$' { Frame::Ansi } else { Frame::Single }),
            '"' | '\'' => self.lose("a quote in `${…}` means different things to different shells"),
            _ => self.expansion(c, before),
        }
    }

    fn delimiter(&mut self, c: char, mut here: Here, mut begun: bool, mut quote: Option<char>) {
        let unquoted = quote.is_none();
        match c {
            '<' if !begun && !here.strip => return self.leave(),
            '-' if !begun && !here.strip => here.strip = true,
            ' ' | '\t' if !begun => {}
            '\n' if !unquoted => return self.lose("the word after `<<` is on several lines"),
            '$' | '`' if quote != Some('\'') => return self.lose("the word after `<<` holds an expansion"),
            '\\' if quote != Some('\'') => return self.lose("the word after `<<` holds a backslash"),
            '\'' | '"' if unquoted => {
                (here.quoted, begun) = (true, true);
                quote = Some(c);
            }
            _ if quote == Some(c) => quote = None,
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' if unquoted => {
                self.leave();
                return self.end_delimiter(c, here, begun);
            }
            _ => {
                begun = true;
                here.end.push(c);
            }
        }
        self.replace(Frame::Delimiter { here, begun, quote });
    }

    fn end_delimiter(&mut self, c: char, here: Here, begun: bool) {
        if !begun || self.in_here() {
            return self.lose("a here-document cannot be followed here");
        }
        self.pending.push_back(here);
        self.words(c, '\0');
    }

    fn start_here_document(&mut self) {
        let Some(here) = self.pending.pop_front() else { return };
        if here.depth != self.stack.len() {
            return self.lose("a here-document begins inside another construct than the one that asks for it");
        }
        self.line.clear();
        (self.has_value, self.joined) = (false, false);
        self.stack.push(Frame::Here(here));
    }

    /// Follows the lines of a here-document; whether it ended.
    fn here_line(&mut self, c: char) -> Result<bool, String> {
        if c != '\n' {
            self.line.push(c);
            return Ok(false);
        }
        let is_top = matches!(self.top(), Frame::Here(_));
        let Some(here) =
            self.stack.iter().find_map(|frame| if let Frame::Here(here) = frame { Some(here.clone()) } else { None })
        else {
            return Ok(false);
        };
        if self.escaped && !here.quoted && is_top {
            self.line.pop();
            self.joined = true;
            return Ok(false);
        }
        let line = std::mem::take(&mut self.line);
        let line = if here.strip { line.trim_start_matches('\t') } else { &line };
        let (has_value, joined) = (std::mem::take(&mut self.has_value), std::mem::take(&mut self.joined));
        if line != here.end {
            return Ok(false);
        }
        if has_value {
            return Err(refused(line, "it would end the here-document; put it in a variable first"));
        }
        if joined || !is_top {
            self.lose("shells disagree where this here-document ends");
            return Ok(false);
        }
        self.leave();
        (self.before, self.escaped) = ('\n', false);
        if !self.pending.is_empty() {
            self.start_here_document();
        }
        Ok(true)
    }

    fn replace(&mut self, frame: Frame) {
        if let Some(top) = self.stack.last_mut() {
            *top = frame;
        }
    }

    fn leave(&mut self) {
        let asked_inside = self.pending.iter().any(|here| here.depth == self.stack.len());
        if asked_inside && !matches!(self.top(), Frame::Delimiter { .. }) && self.stack.len() > 1 {
            self.lose("a here-document is asked for in a `(…)` that ends before it begins");
        }
        if self.stack.len() > 1 {
            self.stack.pop();
        }
        self.before = '\0';
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
