//! Where text goes: to the streams of the process, or to whatever a run is given in their place.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A stream that text is written to.
#[derive(Clone)]
pub struct Output {
    writer: Arc<Mutex<dyn Write + Send>>,
    /// Whether a terminal shows it.
    pub is_terminal: bool,
}

/// The streams of a run.
#[derive(Clone, Debug)]
pub struct Streams {
    /// For results.
    pub stdout: Output,
    /// For everything else.
    pub stderr: Output,
    /// Whether answers can be typed.
    pub stdin_is_terminal: bool,
    /// The width of lines of help; without it the terminal's own.
    pub width: Option<usize>,
}

impl Streams {
    /// Those of the process.
    pub fn of_process() -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self {
            stdout: Output { is_terminal: stdout.is_terminal(), ..Output::new(Arc::new(Mutex::new(stdout))) },
            stderr: Output { is_terminal: stderr.is_terminal(), ..Output::new(Arc::new(Mutex::new(stderr))) },
            stdin_is_terminal: io::stdin().is_terminal(),
            width: None,
        }
    }
}

impl Output {
    /// An output that no terminal shows.
    pub fn new(writer: Arc<Mutex<dyn Write + Send>>) -> Self {
        Self { writer, is_terminal: false }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `text` and a line's end at once. When writing fails, nobody reads any more, and nobody can be told.
    pub fn line(&self, text: &str) {
        let _ = self.lock().write_all(format!("{text}\n").as_bytes());
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Output").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}
