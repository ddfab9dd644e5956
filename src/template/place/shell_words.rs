//! Words of a shell, as far as they say which parenthesis belongs to a `case`, and which words are evaluated.

use super::shell_command::{ShellCommand, is_open_subscript};

/// What comes next in a `case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// The word that is looked at, or `in`.
    Subject { seen: bool },
    /// A pattern, or `esac` in its place.
    Pattern { begun: bool },
    /// Commands, up to `;;` or `esac`.
    Body,
}

/// The words at the top of a script, or in a pair of parentheses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// They stand in parentheses.
    pub(super) nested: bool,
    /// Nothing of them was read yet.
    pub(super) new: bool,
    /// The word so far; a quoted or expanded part of it is `\0`.
    pub(super) word: String,
    /// A word that begins now is a command or a keyword.
    command: bool,
    cases: Vec<Case>,
    /// The word so far without its quotes.
    plain: String,
    /// The word is what `<` or `>` names.
    redirected: bool,
    /// The command that the word belongs to.
    current: ShellCommand,
    /// A word `case` may or may not be the keyword.
    unclear: bool,
}

impl Words {
    pub(super) fn new(nested: bool) -> Self {
        Self { nested, new: true, command: true, ..Self::default() }
    }

    pub(super) fn is_unclear(&self) -> bool {
        self.unclear || self.cases.last() == Some(&Case::Body)
    }

    /// Whether bash evaluates what stands at the end of the word, or in a substitution `inside` it.
    pub(super) fn is_evaluated(&self, inside: bool) -> bool {
        let is_array = inside && self.word.ends_with('=');
        is_open_subscript(&self.word, self.nested)
            || self.current.evaluates(&self.plain, self.redirected, inside, is_array)
    }

    /// Adds a character to the word.
    pub(super) fn push(&mut self, c: char) {
        self.new = false;
        self.word.push(c);
        if c != '\0' {
            self.plain.push(c);
        }
    }

    /// Adds a character that stands in quotes.
    pub(super) fn quoted(&mut self, c: char) {
        self.plain.push(c);
    }

    /// A space, a line's end or an operator, with the character before it: the word has ended.
    pub(super) fn operator(&mut self, c: char, before: char) {
        let is_redirection = matches!(c, '<' | '>');
        // A number right before `<` or `>` is a part of the redirection.
        self.redirected |= is_redirection && self.word.bytes().all(|byte| byte.is_ascii_digit());
        self.end_word();
        self.new = false;
        let is_second = matches!((before, c), ('<' | '>', '&') | ('>', '|'));
        self.redirected = is_redirection || is_second || (self.redirected && matches!(c, ' ' | '\t'));
        if is_second {
            return;
        }
        match (c, self.cases.last_mut()) {
            (';' | '&', Some(case)) if before == ';' && *case == Case::Body => *case = Case::Pattern { begun: false },
            (';' | '&' | '|' | '\n', _) => {
                self.command = true;
                self.current.end();
            }
            _ => {}
        }
    }

    /// `(`: whether it only stands before a pattern.
    pub(super) fn opens_pattern(&mut self) -> bool {
        self.new = false;
        self.word.is_empty() && self.cases.last() == Some(&Case::Pattern { begun: false })
    }

    /// `)`: whether it ends a pattern.
    pub(super) fn closes_pattern(&mut self) -> bool {
        self.end_word();
        self.new = false;
        let closes = matches!(self.cases.last(), Some(Case::Pattern { .. }));
        if closes {
            self.cases.pop();
            self.cases.push(Case::Body);
            self.command = true;
            self.current.end();
        }
        closes
    }

    /// A pair of parentheses has ended: what follows is a word of its own, unless they were a part of one.
    pub(super) fn after_parentheses(&mut self) {
        if !self.word.ends_with(['=', '?', '*', '+', '@', '!', '$', '\0']) {
            self.word.clear();
            self.plain.clear();
            self.command = true;
            self.current.end();
        }
    }

    fn end_word(&mut self) {
        let (word, plain) = (std::mem::take(&mut self.word), std::mem::take(&mut self.plain));
        if word.is_empty() {
            return;
        }
        if !std::mem::take(&mut self.redirected) {
            self.current.word(plain);
        }
        let command = std::mem::take(&mut self.command);
        match self.cases.last_mut() {
            Some(Case::Subject { seen: true }) if word == "in" => {
                self.cases.pop();
                self.cases.push(Case::Pattern { begun: false });
            }
            Some(Case::Subject { seen }) => *seen = true,
            Some(Case::Pattern { begun: false }) if word == "esac" => drop(self.cases.pop()),
            Some(Case::Pattern { begun }) => *begun = true,
            _ => self.keyword(&word, command),
        }
    }

    fn keyword(&mut self, word: &str, command: bool) {
        match word {
            "case" if command => self.cases.push(Case::Subject { seen: false }),
            "case" => self.unclear |= self.nested,
            "esac" if command => drop(self.cases.pop()),
            "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "{" | "time" => self.command = command,
            _ => {}
        }
    }
}
