//! Who must act on a failure, and the one place that turns a failure into text.

use std::error::Error;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Who must act. The number is the process's exit code, as `apiscaffold --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This machine, a disk or a remote failed; trying again may help.
    Environment = 1,
    /// The input is wrong; the user must fix it.
    Input = 2,
    /// The template is at fault; its maintainers must fix it.
    Template = 3,
    /// Not authenticated, or not permitted.
    Permission = 4,
    /// Something is in the way: a name taken, a folder that exists.
    Conflict = 5,
    /// Some steps are done; the same command finishes the rest.
    Partial = 8,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl Fault {
    /// The process exit code for this fault.
    pub const fn exit_code(self) -> u8 {
        self as u8
    }
}

/// An error that knows who must act on it.
///
/// `Display` is one plain sentence without a full stop, in lower case; causes are in `source()`.
pub trait Blame: Error + Send + Sync + 'static {
    /// Who must act.
    fn fault(&self) -> Fault;
    /// The next thing to do, as a sentence or a command.
    fn hint(&self) -> Option<String> {
        None
    }
    /// What `--json` shows beside `error`: what was done before the failure.
    fn document(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// Any error at command level.
pub type Failure = Box<dyn Blame>;

impl<E: Blame> From<E> for Failure {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

/// The text of a failure: the sentence, its causes, the hint. Ends with a newline; holds no colour. Further lines of the
/// sentence are indented: what it quotes cannot pass for a hint.
pub fn render(failure: &dyn Blame) -> String {
    let mut text = String::new();
    for (number, line) in failure.to_string().lines().enumerate() {
        let head = match number {
            0 => "error: ",
            _ if line.starts_with("  ") => "",
            _ => "  ",
        };
        let _ = writeln!(text, "{head}{line}");
    }
    let mut cause = failure.source();
    while let Some(error) = cause {
        for line in error.to_string().lines() {
            let _ = writeln!(text, "  caused by: {line}");
        }
        cause = error.source();
    }
    if let Some(hint) = failure.hint() {
        for line in hint.lines() {
            let _ = writeln!(text, "hint: {line}");
        }
    }
    text
}

/// `text` in quotes, as one word of a POSIX shell: for commands that a person may copy, or that `sh` runs.
pub fn shell_quoted(text: impl std::fmt::Display) -> String {
    format!("'{}'", text.to_string().replace('\'', r"'\''"))
}

/// The candidate that is likeliest meant by `word`, when one is near enough (a third of its length in edits, rounded up).
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A hint: the nearest candidate, or else `otherwise`.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl Into<String>,
) -> String {
    nearest(word, candidates).map_or_else(|| otherwise.into(), |good| format!("did you mean `{good}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        assert_eq!(nearest("titel", ["name", "title", "file"]), Some("title"));
        assert_eq!(nearest("colour", ["name", "title"]), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_quoted_word_is_one_word_for_a_shell() {
        for text in ["", "a b", "it's", "''", "$(x) `y` \\", "-n"] {
            let script = format!("printf %s {}", shell_quoted(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}
