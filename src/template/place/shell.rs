//! POSIX shell: words, quotes, command substitutions, comments, here-documents.

use crate::template::escape::{Place, line_hash};

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Words; what was opened by `$(` or a backtick is closed by the byte.
    Words(Option<u8>),
    Double,
    Single,
    /// `$'…'`
    Ansi,
    /// `$((…))`
    Arithmetic,
    Comment,
    HereDocument {
        end: String,
        quoted: bool,
    },
}

#[derive(Debug)]
pub(in crate::template) struct Tracker {
    /// The innermost state is last.
    stack: Vec<State>,
    /// A here-document that begins with the next line.
    pending: Option<State>,
    /// The line read so far.
    line: String,
    escaped: bool,
}

impl Default for Tracker {
    fn default() -> Self {
        Self { stack: vec![State::Words(None)], pending: None, line: String::new(), escaped: false }
    }
}

impl Tracker {
    pub(super) fn literal(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let taken = self.step(rest, c);
            self.line.push_str(&rest[..taken]);
            if rest[..taken].ends_with('\n') {
                self.line.clear();
            }
            rest = &rest[taken..];
        }
    }

    pub(super) fn output(&mut self) -> Place {
        self.line.push('\u{0}');
        if self.stack.contains(&State::Words(Some(b'`'))) {
            return Place::ShellBare;
        }
        match self.top() {
            State::Ansi | State::Arithmetic => Place::ShellBare,
            State::Words(_) => Place::ShellWord,
            State::Double => Place::ShellDouble,
            State::Single => Place::ShellSingle,
            State::Comment => Place::Comment,
            State::HereDocument { quoted: false, end } => Place::ShellHere(line_hash(&end)),
            State::HereDocument { quoted: true, end } => Place::ShellHereRaw(line_hash(&end)),
        }
    }

    fn top(&self) -> State {
        self.stack.last().cloned().unwrap_or(State::Words(None))
    }

    fn step(&mut self, rest: &str, c: char) -> usize {
        if std::mem::take(&mut self.escaped) {
            return c.len_utf8();
        }
        match self.top() {
            State::Words(close) => return self.words(rest, c, close),
            State::Double => return self.double(rest, c),
            State::Single | State::Ansi if c == '\'' => self.leave(),
            State::Ansi if c == '\\' => self.escaped = true,
            State::Arithmetic if rest.starts_with("))") => {
                self.leave();
                return 2;
            }
            State::Comment if c == '\n' => {
                self.leave();
                self.start_here_document();
            }
            State::HereDocument { end, .. } if c == '\n' && self.line.trim_start_matches('\t') == end => self.leave(),
            State::Single | State::Ansi | State::Arithmetic | State::Comment | State::HereDocument { .. } => {}
        }
        c.len_utf8()
    }

    fn words(&mut self, rest: &str, c: char, close: Option<u8>) -> usize {
        match c {
            '\\' => self.escaped = true,
            '\'' => self.stack.push(State::Single),
            '"' => self.stack.push(State::Double),
            '#' if self.line.is_empty() || self.line.ends_with([' ', '\t', ';', '(', ')', '&', '|', '\n']) => {
                self.stack.push(State::Comment);
            }
            '\n' => self.start_here_document(),
            '<' => return self.here_document(rest),
            _ if close.is_some_and(|close| c == char::from(close)) => self.leave(),
            _ => return self.substitution(rest, c),
        }
        c.len_utf8()
    }

    fn double(&mut self, rest: &str, c: char) -> usize {
        match c {
            '\\' => self.escaped = true,
            '"' => self.leave(),
            _ => return self.substitution(rest, c),
        }
        c.len_utf8()
    }

    fn substitution(&mut self, rest: &str, c: char) -> usize {
        for (open, state) in [("$((", State::Arithmetic), ("$'", State::Ansi)] {
            if rest.starts_with(open) && (state == State::Arithmetic || self.top() != State::Double) {
                self.stack.push(state);
                return open.len();
            }
        }
        if rest.starts_with("$(") {
            self.stack.push(State::Words(Some(b')')));
            return 2;
        }
        match c {
            '`' => self.stack.push(State::Words(Some(b'`'))),
            '(' if self.top() != State::Double => self.stack.push(State::Words(Some(b')'))),
            _ => {}
        }
        c.len_utf8()
    }

    /// `<<WORD`, `<<-WORD`, `<<'WORD'`; `<<<` is none.
    fn here_document(&mut self, rest: &str) -> usize {
        if rest.starts_with("<<<") {
            return 3;
        }
        let Some(after) = rest.strip_prefix("<<") else { return 1 };
        let word = after.trim_start_matches('-').trim_start_matches([' ', '\t']);
        let bare = word.trim_start_matches(['\'', '"', '\\']);
        let end: String = bare.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if end.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            let quoted = bare.len() != word.len();
            let quote = usize::from(quoted && !word.starts_with('\\'));
            self.pending = Some(State::HereDocument { quoted, end: end.clone() });
            return rest.len() - bare.len() + end.len() + quote;
        }
        2
    }

    fn start_here_document(&mut self) {
        self.stack.extend(self.pending.take());
    }

    fn leave(&mut self) {
        if self.stack.len() > 1 {
            self.stack.pop();
        }
    }
}
