//! A simple command of a shell, as far as it says which of its words are evaluated: read as arithmetic, as the name of a
//! variable or as a script, although they stand in quotes.

/// What a command does with its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CommandKind {
    /// Its name was not read yet.
    #[default]
    Unnamed,
    /// It evaluates none.
    Other,
    /// It evaluates all of them.
    All,
    /// `[[ … ]]`
    Condition,
    /// All are names of variables.
    Names,
    /// What follows `-v` is the name of a variable.
    Option,
    /// `declare` and the like: what stands before `=` is the name of a variable.
    Declaration,
    /// The same for arrays: a quoted text after `=` is evaluated too.
    Array,
    /// `source`
    Source,
    /// A program that evaluates what follows `-c`.
    Shell,
}

/// The command that is being read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ShellCommand {
    kind: CommandKind,
    /// The word before.
    last: String,
    /// A variable was declared whose values are evaluated.
    has_evaluated_variables: bool,
}

impl ShellCommand {
    /// The command ends; `[[` goes on until `]]`.
    pub(super) fn end(&mut self) {
        if self.kind != CommandKind::Condition {
            self.kind = CommandKind::Unnamed;
        }
        self.last.clear();
    }

    /// Follows a word, without its quotes.
    pub(super) fn word(&mut self, word: String) {
        let option = word.strip_prefix(['-', '+']).unwrap_or_default();
        match self.kind {
            _ if word == "{" => self.end(),
            CommandKind::Unnamed if !is_before_name(&word) => self.kind = command_kind(&word),
            CommandKind::Condition if word == "]]" => self.kind = CommandKind::Other,
            CommandKind::Declaration | CommandKind::Array if option.contains(['i', 'n']) => {
                self.kind = CommandKind::All;
                self.has_evaluated_variables = true;
            }
            CommandKind::Declaration if option.contains(['a', 'A']) => self.kind = CommandKind::Array,
            CommandKind::Shell if is_script_option(&word) => self.kind = CommandKind::All,
            CommandKind::Other if command_kind(&word) == CommandKind::Shell => self.kind = CommandKind::Shell,
            _ => {}
        }
        self.last = word;
    }

    /// Whether what stands at the end of `word`, or `inside` a substitution or an array in it, is evaluated.
    pub(super) fn evaluates(&self, word: &str, redirected: bool, inside: bool, is_array: bool) -> bool {
        /// What comes in `[[ … ]]` before a text that is never evaluated.
        const BEFORE_TEXT: [&str; 12] = ["==", "=", "!=", "=~", "-n", "-z", "-e", "-f", "-d", "-r", "-w", "-x"];
        let is_name = !word.contains('=') || is_open_subscript(word, false);
        match self.kind {
            CommandKind::Unnamed => self.has_evaluated_variables && is_assignment(word),
            CommandKind::Other => false,
            CommandKind::All => true,
            CommandKind::Condition => !BEFORE_TEXT.contains(&self.last.as_str()),
            CommandKind::Names => !(redirected || self.last.starts_with('-') && self.last.ends_with('p')),
            CommandKind::Option => !redirected && (matches!(self.last.as_str(), "-v" | "-R") || word.starts_with("-v")),
            CommandKind::Declaration => !redirected && is_name,
            CommandKind::Array => !redirected && (is_name || !is_array),
            CommandKind::Source => redirected || inside,
            CommandKind::Shell => is_script_option(word),
        }
    }
}

/// What the command of this name does with its words.
fn command_kind(name: &str) -> CommandKind {
    match name.rsplit('/').next().unwrap_or(name) {
        "let" | "eval" | "trap" | "alias" | "bind" | "complete" | "compgen" => CommandKind::All,
        "[[" => CommandKind::Condition,
        "read" | "unset" | "mapfile" | "readarray" | "getopts" => CommandKind::Names,
        "printf" | "test" | "[" => CommandKind::Option,
        "declare" | "typeset" | "local" | "export" | "readonly" => CommandKind::Declaration,
        "source" | "." => CommandKind::Source,
        "sh" | "bash" | "dash" | "ash" | "ksh" | "mksh" | "zsh" | "su" | "runuser" | "script" | "flock" => {
            CommandKind::Shell
        }
        _ => CommandKind::Other,
    }
}

/// A word after which the name of the command still comes.
fn is_before_name(word: &str) -> bool {
    const WORDS: [&str; 22] = [
        "if", "then", "else", "elif", "do", "while", "until", "!", "time", "command", "builtin", "exec", "env", "sudo",
        "doas", "nohup", "nice", "setsid", "stdbuf", "xargs", "busybox", "coproc",
    ];
    WORDS.contains(&word) || word.starts_with('-') || is_assignment(word)
}

/// `NAME=…`, `NAME+=…` or `NAME[…]=…`
fn is_assignment(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && word.contains('=')
}

/// `-c`, alone or among other letters, or `--command`
fn is_script_option(word: &str) -> bool {
    let is_short = word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    is_short || word.starts_with("--command")
}

/// `NAME[…`, or `[…` in parentheses, where an array may stand: bash evaluates what stands between the brackets.
pub(super) fn is_open_subscript(word: &str, in_parentheses: bool) -> bool {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word.split_once('[').is_some_and(|(name, rest)| {
        is_name(name) && (in_parentheses || !name.is_empty()) && rest.matches(']').count() <= rest.matches('[').count()
    })
}
