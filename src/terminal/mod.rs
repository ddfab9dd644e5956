//! All output, questions and progress bars. Results go to stdout, everything else to stderr.

pub mod ask;
mod output;
mod stream;

use std::borrow::Cow;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::error::{self, Blame};
use crate::model::text;
use crate::net::printable;

pub use output::{Output, Streams};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` or `TERM=dumb` says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The options of the output.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputOptions {
    /// Results as one JSON document on stdout.
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub yes: bool,
    pub color: bool,
    pub bars: bool,
}

/// The way to the person, or to the workflow, that started the program.
#[derive(Clone, Debug)]
pub struct Terminal {
    streams: Streams,
    manner: OutputOptions,
    /// Whether a result could not be written, though somebody was there to read it.
    lost: Arc<AtomicBool>,
    /// The bar that is drawn now.
    drawn: Arc<Mutex<Option<ProgressBar>>>,
}

impl Terminal {
    /// Speaks in `manner` on `streams`.
    pub fn new(streams: Streams, manner: OutputOptions) -> Self {
        Self { streams, manner, lost: Arc::default(), drawn: Arc::default() }
    }

    /// Whether there is someone to ask: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        let person = self.streams.stdin_is_terminal && self.streams.stderr.is_terminal;
        person && !self.manner.yes && !self.manner.json
    }

    /// Whether a result was lost: the exit code must say so.
    pub fn lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether everything is agreed to beforehand.
    pub fn yes(&self) -> bool {
        self.manner.yes
    }

    /// Whether the result is to be JSON.
    pub fn json(&self) -> bool {
        self.manner.json
    }

    /// Something worth knowing, on one line.
    pub fn say(&self, text: &str) {
        if !self.manner.quiet {
            self.line("", text);
        }
    }

    /// A detail for `-v`, on one line.
    pub fn detail(&self, text: &str) {
        if self.manner.verbose {
            self.line("", text);
        }
    }

    /// Something that may need attention, on one line.
    pub fn warn(&self, text: &str) {
        if !self.manner.quiet {
            self.line(&self.painted("warning: ", YELLOW), text);
        }
    }

    /// A failure: to stderr for a person, and as `{"error": …}` on stdout with `--json`.
    pub fn fail(&self, failure: &dyn Blame) {
        if let Some(bar) = self.drawn().take() {
            bar.finish_and_clear();
        }
        let text = error::render(failure);
        let (head, text) = match text.strip_prefix(ERROR) {
            Some(rest) => (self.painted(ERROR, RED), rest),
            None => (String::new(), &*text),
        };
        self.to_stderr(&head, text.trim_end(), LINES);
        if self.manner.json {
            let code = failure.fault().exit_code();
            let hint = failure.hint();
            let mut document = failure.document();
            document
                .insert("error".to_owned(), json!({"message": failure.to_string(), "hint": hint, "exit_code": code}));
            self.result_json(&document);
        }
    }

    /// The result, as text. A line end in it ends a line: what is not known to be one line is made so before, by
    /// [`text::one_line`].
    pub fn result(&self, text: &str) {
        self.to_stdout(text, LINES);
    }

    /// The result, as a file in a notation of its own, tabs included.
    pub fn document(&self, text: &str) {
        self.to_stdout(text, DOCUMENT);
    }

    /// The result, as a JSON document.
    pub fn result_json(&self, value: &(impl Serialize + ?Sized)) {
        self.to_stdout(&serde_json::to_string_pretty(value).unwrap_or_default(), LINES);
    }

    /// The result, as a JSON document that has a long list under `key` before the fields of `rest`.
    pub fn result_json_list<T: Serialize + Sync>(&self, key: &str, items: &[T], rest: &impl Serialize) {
        self.note(stream::list(&mut *self.streams.stdout.lock(), key, items, rest));
    }

    /// A spinner that says what is going on; it is gone when dropped. Draws nothing when stderr is no terminal.
    pub fn bar(&self, text: &'static str) -> Bar {
        let bar = ProgressBar::new_spinner().with_message(text);
        if !self.manner.bars || self.manner.quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        } else {
            bar.enable_steady_tick(Duration::from_millis(100));
            bar.tick();
        }
        *self.drawn() = Some(bar.clone());
        Bar(bar)
    }

    /// How much of how much is done and what is next, on the bar that is drawn now.
    pub fn progress(&self, done: u64, total: u64, text: &str) {
        if let Some(bar) = &*self.drawn() {
            let bar = Bar::show(bar, done, total);
            bar.set_message(printable(text));
        }
    }

    /// A pause, second by second: on the bar when one is drawn, else one line at its `beginning`.
    pub fn pause(&self, text: &str, seconds: u64, beginning: bool) {
        let text = format!("{text}: {seconds} s");
        let drawn = self.drawn().clone();
        match drawn {
            Some(bar) if !bar.is_hidden() => bar.set_message(text),
            _ if beginning && seconds > 0 => self.say(&text),
            _ => {}
        }
    }

    /// A line of its own after our own `head`: a bar makes room for it.
    fn line(&self, head: &str, text: &str) {
        let drawn = self.drawn().clone();
        match drawn {
            Some(bar) => bar.suspend(|| self.to_stderr(head, text, "")),
            None => self.to_stderr(head, text, ""),
        }
    }

    fn to_stdout(&self, text: &str, kept: &str) {
        let mut out = self.streams.stdout.lock();
        let written = writeln!(out, "{}", safe(text, kept)).and_then(|()| out.flush());
        drop(out);
        self.note(written);
    }

    /// Notes when a result could not be written.
    fn note(&self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost.store(true, Ordering::Relaxed);
            self.to_stderr(ERROR, &format!(" the result cannot be written: {error}"), "");
        }
    }

    /// Writes our own `head`, colours included, and `text` as it is safe to show.
    fn to_stderr(&self, head: &str, text: &str, kept: &str) {
        self.streams.stderr.line(&format!("{head}{}", safe(text, kept)));
    }

    fn drawn(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn painted(&self, text: &str, color: &str) -> String {
        if self.manner.color { format!("{color}{text}{RESET}") } else { text.to_owned() }
    }
}

/// A fault of the program itself, which its user cannot fix.
pub fn bug(what: &str) {
    let text = format!(
        "error: apiscaffold failed in a way that it should not: {what}\nhint: please report this with the command that you ran"
    );
    Streams::of_process().stderr.line(&safe(&text, LINES));
}

/// How a failure begins.
const ERROR: &str = "error:";

/// What may stand in text of several lines.
const LINES: &str = "\n";

/// What may stand in a file.
const DOCUMENT: &str = "\n\t";

const RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[1;33m";
const RESET: &str = "\u{1b}[0m";

/// A spinner or bar on stderr.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// How much of how much is done.
    pub fn set(&self, done: u64, total: u64) {
        Self::show(&self.0, done, total);
    }

    fn show(bar: &ProgressBar, done: u64, total: u64) -> &ProgressBar {
        if bar.length() != Some(total) {
            bar.set_length(total);
            if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len}") {
                bar.set_style(style);
            }
        }
        bar.set_position(done);
        bar
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// `text` as it may be shown: without users and passwords in URLs, and with every character that would steer a terminal,
/// but those in `kept`, written by its number. All output passes here.
fn safe<'t>(text: &'t str, kept: &str) -> Cow<'t, str> {
    match text::masked(text) {
        Cow::Borrowed(text) => text::escaped(text, kept),
        Cow::Owned(text) => Cow::Owned(text::escaped(&text, kept).into_owned()),
    }
}
