//! What stops a move.

use serde_json::{Map, Value};

use crate::error::{Blame, Fault};
use crate::model::phase::Phase;
use crate::model::text::counted;

#[derive(Debug, thiserror::Error)]
pub(super) enum PhaseError {
    #[error("`{0}` is only reserved: its repository is not complete yet")]
    Reserved(String),
    #[error("`{name}` is in phase {}, so it cannot move to {}{}", at.word(), asked.word(), why(*at, *asked))]
    NotNext { name: String, at: Phase, asked: Phase },
    #[error("{}", .0.join("\n"))]
    BadInput(Vec<String>),
    #[error("the record of `{0}` names no template, so the gates of its phases are unknown")]
    NoTemplate(String),
    #[error("{}: {} of {} {} not met", cannot(name, *to, *changes_dates), unmet.len(), counted(*all, "gate"), if unmet.len() == 1 { "is" } else { "are" })]
    Unmet {
        name: String,
        to: Phase,
        /// Whether it stays in the phase, and only its dates were to change.
        changes_dates: bool,
        all: usize,
        unmet: Vec<String>,
        document: Box<Map<String, Value>>,
    },
    #[error("the repository of `{name}` is in phase {}, and the registry says {}", there.word(), here.word())]
    OutOfStep { name: String, there: Phase, here: Phase },
    #[error(
        "`{name}` was made from the template `{made_from}`, and `--template` names `{named}`, which has other gates"
    )]
    AnotherTemplate { name: String, named: String, made_from: String },
}

fn cannot(name: &str, to: Phase, changes_dates: bool) -> String {
    if changes_dates {
        return format!("the dates of `{name}` cannot be changed");
    }
    format!("`{name}` cannot move to {}", to.word())
}

fn why(at: Phase, asked: Phase) -> &'static str {
    if asked < at { ": phases go forward only" } else { ": an API enters one phase after the other" }
}

impl Blame for PhaseError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotNext { .. } | Self::BadInput(_) | Self::NoTemplate(_) | Self::AnotherTemplate { .. } => {
                Fault::Input
            }
            Self::Reserved(_) | Self::Unmet { .. } | Self::OutOfStep { .. } => Fault::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Reserved(name) => format!("finish it with the same `apiscaffold new {name}` that began it"),
            Self::NotNext { name, at, .. } => match at.next() {
                Some(next) => format!("the next one is {0}: `apiscaffold phase {name} {0}`", next.word()),
                None => "it is the last one".to_owned(),
            },
            Self::BadInput(_) => "see the gates and their names with `apiscaffold phase NAME`".to_owned(),
            Self::NoTemplate(_) => "name one with `--template SOURCE`".to_owned(),
            Self::Unmet { unmet, changes_dates: true, .. } => format!(
                "{}\nwhat was shown or waived for other dates does not count for these: show it again in the same command with `--evidence GATE=LINK`, or pass a gate with `--waive GATE=REASON`",
                unmet.join("\n")
            ),
            Self::Unmet { name, unmet, .. } => format!(
                "{}\nshow that one is met with `--evidence GATE=LINK`, or pass it with `--waive GATE=REASON`; `apiscaffold phase {name}` shows them all",
                unmet.join("\n")
            ),
            Self::OutOfStep { name, there, here } if there < here => format!(
                "merge the pull request of the last move, or run `apiscaffold phase {name} {}` again to make it",
                here.word()
            ),
            Self::OutOfStep { name, there, .. } => {
                format!("finish what was broken off: `apiscaffold phase {name} {}`", there.word())
            }
            Self::AnotherTemplate { made_from, .. } => {
                format!("leave `--template` out, or name where `{made_from}` is now")
            }
        })
    }

    fn document(&self) -> Map<String, Value> {
        match self {
            Self::Unmet { document, .. } => (**document).clone(),
            _ => Map::new(),
        }
    }
}
