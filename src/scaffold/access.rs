//! Who may call: the answer must not let in more than the spec does.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::answers::Answers;
use crate::error::{Blame, Failure, Fault};
use crate::openapi::description::{Access, MODES, Modes};
use crate::openapi::{Operation, Spec, Summary};

/// The question whose answer says who may call.
const ACCESS_MODES: &str = "access_modes";

/// The style whose proxies keep the access of each operation. Others have one set of access modes for all operations.
const EACH_ITS_OWN: &str = "proxygen";

/// How many operations a message names, and how many characters of each.
const OPERATIONS_SHOWN: usize = 8;
const OPERATION_SHOWN: usize = 120;

/// An answer and a spec that do not agree on who may call.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}{}", lines(.operations))]
struct Disagreement {
    sentence: String,
    /// Each operation with what it allows.
    operations: Vec<String>,
    hint: String,
}

impl Blame for Disagreement {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}

/// Refuses an answer that lets in more than the spec does.
pub(crate) fn check(spec: Option<&Spec>, answers: &Answers) -> Result<(), Failure> {
    let Some(judge) = Judge::of(spec, answers) else { return Ok(()) };
    judge.impossible()?;
    judge.unreadable()?;
    if let Some(named) = judge.summary.named_modes() {
        judge.undecided(answers.is_explicit(ACCESS_MODES))?;
        if judge.style == EACH_ITS_OWN { judge.each_its_own(&named)? } else { judge.one_for_all()? }
    }
    Ok(())
}

/// A sentence about the operations for which the spec asks for what is no access mode, so that only the answer can say
/// who may call.
pub(crate) fn warning(spec: Option<&Spec>, answers: &Answers) -> Option<String> {
    let judge = Judge::of(spec, answers)?;
    let foreign = judge.foreign();
    let mut shown: Vec<String> = foreign.iter().take(OPERATIONS_SHOWN).map(|name| format!("`{name}`")).collect();
    if foreign.len() > OPERATIONS_SHOWN {
        shown.push(format!("and {} more", foreign.len() - OPERATIONS_SHOWN));
    }
    let (file, modes, shown) = (judge.file, words(&judge.modes), shown.join(", "));
    (!foreign.is_empty()).then(|| {
        format!(
            "the `security` of these operations of `{file}` names no access mode of the platform: {shown}; the proxy \
             lets in {modes}, which `--set {ACCESS_MODES}=…` changes"
        )
    })
}

struct Judge<'j> {
    summary: &'j Summary,
    file: &'j str,
    modes: BTreeSet<&'j str>,
    style: &'j str,
}

impl<'j> Judge<'j> {
    /// Empty without a spec, or when the template has no question about access.
    fn of(spec: Option<&'j Spec>, answers: &'j Answers) -> Option<Self> {
        let (spec, modes) = (spec?, answers.values().get(ACCESS_MODES)?.as_array()?);
        Some(Self {
            summary: &spec.summary,
            file: spec.main.as_str(),
            modes: modes.iter().filter_map(Value::as_str).collect(),
            style: answers.values().get("style").and_then(Value::as_str).unwrap_or_default(),
        })
    }

    /// The operations whose `security` names no access mode.
    fn foreign(&self) -> Vec<String> {
        self.operations(|operation| (operation.access == Access::Foreign).then(String::new))
    }

    /// The operations of which `about` has something to say, with what it says.
    fn operations(&self, about: impl Fn(&Operation) -> Option<String>) -> Vec<String> {
        let told = self.summary.served().filter_map(|operation| Some((operation, about(operation)?)));
        told.map(|(operation, about)| {
            let name = format!("{} {}", operation.method, operation.path);
            let name: String = name.chars().take(OPERATION_SHOWN).flat_map(char::escape_debug).collect();
            if about.is_empty() { name } else { format!("{name}: {about}") }
        })
        .collect()
    }

    fn impossible(&self) -> Result<(), Disagreement> {
        let operations = self.operations(|operation| match operation.access {
            Access::Never(why) => Some(why.to_owned()),
            _ => None,
        });
        refuse(
            format!("no access mode fulfils the `security` of `{}` in these operations:", self.file),
            operations,
            format!("let their `security` list access modes, each in an entry of its own: {}", MODES.join(", ")),
        )
    }

    /// Grants without a readable access mode let nobody in.
    fn unreadable(&self) -> Result<(), Disagreement> {
        if self.summary.granted.as_ref().is_none_or(|granted| !granted.is_empty()) {
            return Ok(());
        }
        let mut operations = self.operations(|_| Some(String::new()));
        if operations.is_empty() {
            operations.push("all operations".to_owned());
        }
        Err(Disagreement {
            sentence: format!(
                "no access mode can be read from the grants of `{}`, its `x-nhsd-apim` or `x-nhsd-api-platform`, so \
                 nobody may call these operations:",
                self.file
            ),
            operations,
            hint: format!(
                "write `x-nhsd-apim` as an object whose `access` is a list of products, each with `grants` ({}), or \
                 delete it",
                MODES.join(", ")
            ),
        })
    }

    fn undecided(&self, given: bool) -> Result<(), Disagreement> {
        if given {
            return Ok(());
        }
        refuse(
            format!("`{}` names access modes, but not in the `security` of these operations:", self.file),
            self.foreign(),
            format!("name an access mode there, or say by `--set {ACCESS_MODES}=…` who may call them"),
        )
    }

    /// Each operation keeps those of its own access modes that are in the answer.
    fn each_its_own(&self, named: &Modes) -> Result<(), Disagreement> {
        let file = self.file;
        let more: BTreeSet<&str> = self.modes.iter().copied().filter(|mode| !named.contains(mode)).collect();
        if !more.is_empty() {
            let told = self.operations(|operation| Some(words(&self.summary.allowed(operation)?)));
            return Err(Disagreement {
                sentence: format!("`{ACCESS_MODES}` lets in {}, which `{file}` allows nowhere:", words(&more)),
                operations: if told.is_empty() { vec![format!("all operations: {}", words(named))] } else { told },
                hint: format!("leave `{ACCESS_MODES}` out to take what the document allows: {}", words(named)),
            });
        }
        if let Some(granted) = &self.summary.granted
            && granted.iter().all(|mode| !self.modes.contains(mode))
        {
            return Err(Disagreement {
                sentence: format!("`{ACCESS_MODES}` has none of the access modes that `{file}` grants:"),
                operations: vec![format!("all operations: {}", words(granted))],
                hint: format!("leave `{ACCESS_MODES}` out to take what the document allows: {}", words(named)),
            });
        }
        let shut = self.operations(|operation| match &operation.access {
            Access::Modes(own) if own.iter().all(|mode| !self.modes.contains(mode)) => Some(words(own)),
            _ => None,
        });
        refuse(
            format!("`{ACCESS_MODES}` has none of the access modes that `{file}` allows for these operations:"),
            shut,
            format!("add them to `{ACCESS_MODES}`, or change the `security` of the operations"),
        )
    }

    /// Every operation lets in whoever is in the answer.
    fn one_for_all(&self) -> Result<(), Disagreement> {
        let (file, style) = (self.file, self.style);
        let shared = self.summary.shared_modes().unwrap_or_default();
        if self.modes.iter().all(|mode| shared.contains(mode)) {
            return Ok(());
        }
        let told = |wider: bool| {
            let operations = self.operations(|operation| {
                let allowed = self.summary.allowed(operation)?;
                let fits = wider && self.modes.iter().all(|mode| allowed.contains(mode));
                (!fits).then(|| words(&allowed))
            });
            if operations.is_empty() { vec![format!("all operations: {}", words(&shared))] } else { operations }
        };
        if shared.is_empty() {
            return Err(Disagreement {
                sentence: format!(
                    "no access mode is allowed for every operation of `{file}`, and a proxy of style {style} lets the \
                     same callers in everywhere:"
                ),
                operations: told(false),
                hint: format!(
                    "`--set style={EACH_ITS_OWN}` keeps the access of each operation; or give the operations of the \
                     document an access mode in common"
                ),
            });
        }
        Err(Disagreement {
            sentence: format!("`{ACCESS_MODES}` ({}) lets in more than `{file}` allows:", words(&self.modes)),
            operations: told(true),
            hint: format!("leave `{ACCESS_MODES}` out to take what every operation allows: {}", words(&shared)),
        })
    }
}

fn refuse(sentence: String, operations: Vec<String>, hint: String) -> Result<(), Disagreement> {
    if operations.is_empty() { Ok(()) } else { Err(Disagreement { sentence, operations, hint }) }
}

fn words<'w>(modes: impl IntoIterator<Item = &'w &'w str>) -> String {
    let words: Vec<&str> = modes.into_iter().copied().collect();
    if words.is_empty() { "no access mode".to_owned() } else { words.join(", ") }
}

fn lines(operations: &[String]) -> String {
    let mut text: String = operations.iter().take(OPERATIONS_SHOWN).map(|line| format!("\n  {line}")).collect();
    if operations.len() > OPERATIONS_SHOWN {
        text += &format!("\n  and {} more", operations.len() - OPERATIONS_SHOWN);
    }
    text
}
