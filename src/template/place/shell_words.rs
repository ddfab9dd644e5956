//! Words of a shell, as far as they say which parenthesis belongs to a `case`.

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
    nested: bool,
    /// Nothing of them was read yet.
    new: bool,
    /// The word so far; a quoted or expanded part of it is `\0`.
    word: String,
    /// A word that begins now is a command or a keyword.
    command: bool,
    cases: Vec<Case>,
    /// They are operands of `[[` or `let`.
    evaluated: bool,
    /// A word `case` may or may not be the keyword.
    unclear: bool,
}

impl Words {
    pub(super) fn new(nested: bool) -> Self {
        Self { nested, new: true, command: true, ..Self::default() }
    }

    pub(super) fn is_nested(&self) -> bool {
        self.nested
    }

    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    pub(super) fn is_unclear(&self) -> bool {
        self.unclear || self.cases.last() == Some(&Case::Body)
    }

    pub(super) fn is_evaluated(&self) -> bool {
        self.evaluated
    }

    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// The word is `NAME[…`: bash evaluates what stands between the brackets.
    pub(super) fn in_subscript(&self) -> bool {
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        self.word.split_once('[').is_some_and(|(name, rest)| is_name(name) && !rest.contains(']'))
    }

    /// Adds a character to the word.
    pub(super) fn push(&mut self, c: char) {
        self.new = false;
        self.word.push(c);
    }

    /// A space, a line's end or an operator, with the character before it: the word has ended.
    pub(super) fn operator(&mut self, c: char, before: char) {
        self.end_word();
        self.new = false;
        match (c, self.cases.last_mut()) {
            (';' | '&', Some(case)) if before == ';' && *case == Case::Body => *case = Case::Pattern { begun: false },
            (';' | '&' | '|' | '\n', _) => {
                self.command = true;
                self.evaluated &= c != ';' && c != '\n';
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
        }
        closes
    }

    /// A pair of parentheses has ended: what follows is a word of its own, unless they were a part of one.
    pub(super) fn after_parentheses(&mut self) {
        if !self.word.ends_with(['=', '?', '*', '+', '@', '!', '$', '\0']) {
            self.word.clear();
            self.command = true;
        }
    }

    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if word.is_empty() {
            return;
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
            "[[" | "let" if command => self.evaluated = true,
            "]]" => self.evaluated = false,
            "if" | "then" | "else" | "elif" | "do" | "while" | "until" | "!" | "{" | "time" => self.command = command,
            _ => {}
        }
    }
}
