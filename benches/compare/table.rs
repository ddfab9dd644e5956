//! The result as a Markdown table.

use std::fmt;

use crate::runs::Times;

/// A line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    /// Or why there are none.
    pub(crate) figures: Result<Figures, String>,
}

pub(crate) enum Figures {
    Times {
        ours: Times,
        theirs: Times,
        target: Target,
    },
    /// Bytes: what we took, what the rendered tree has, what we may take.
    Memory {
        peak: u64,
        tree: u64,
        most: u64,
    },
}

/// What must be reached.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// Our time is at most theirs times this.
    AtMost(f64),
    /// Their time is at least ours times this.
    TimesFaster(f64),
    /// We take at most so many milliseconds more.
    Within(f64),
    None,
}

impl Target {
    /// How we compare, what is wanted, and whether it is reached.
    fn judge(self, ours: f64, theirs: f64) -> (String, String, Option<bool>) {
        let (ratio, faster, more) = (ours / theirs, theirs / ours, ours - theirs);
        match self {
            Self::AtMost(most) => (format!("{ratio:.2}"), format!("≤ {most}"), Some(ratio <= most)),
            Self::TimesFaster(least) => {
                (format!("{faster:.1} × faster"), format!("≥ {least} ×"), Some(faster >= least))
            }
            Self::Within(most) => (format!("{more:+.1} ms"), format!("≤ +{most} ms"), Some(more <= most)),
            Self::None => (format!("{faster:.1} × faster"), "–".to_owned(), None),
        }
    }
}

pub(crate) const HEAD: &str = "\
| what | ours, ms: median (least–most) | theirs, ms: median (least–most) | ratio | target | reached | runs |
| --- | --- | --- | --- | --- | --- | --- |";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.figures {
            Err(why) => write!(f, "| {what} | {} | | | | | |", why.replace(['\n', '|'], " ")),
            Ok(Figures::Times { ours, theirs, target }) => {
                let (ratio, wanted, reached) = target.judge(ours.median(), theirs.median());
                let (mine, other, reached, runs) = (shown(ours), shown(theirs), answer(reached), ours.runs());
                write!(f, "| {what} | {mine} | {other} | {ratio} | {wanted} | {reached} | {runs} |")
            }
            Ok(Figures::Memory { peak, tree, most }) => {
                let [mine, other, wanted] = [peak, tree, most].map(|bytes| format!("{:.1} MB", *bytes as f64 / 1e6));
                let (ratio, reached) = (*peak as f64 / *tree as f64, answer(Some(peak <= most)));
                write!(f, "| {what} | {mine} | tree: {other} | {ratio:.1} | ≤ {wanted} | {reached} | 1 |")
            }
        }
    }
}

fn shown(times: &Times) -> String {
    let (median, least, most) = times.summary();
    format!("{median:.1} ({least:.1}–{most:.1})")
}

fn answer(reached: Option<bool>) -> &'static str {
    match reached {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "–",
    }
}
