//! What is wrong in a file, and where.

use std::fmt;

use crate::model::text::one_line;

/// Something wrong in a file of the registry that was changed by hand, or in a file that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file: its path in the registry's branch `main`, or as it was named.
    pub path: String,
    /// Counted from 1; none when it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, as half a sentence.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(" line {line}")).unwrap_or_default();
        write!(f, "`{}`{line}: {}", one_line(&self.path), one_line(&self.message))
    }
}
