//! Variables of the environment that belong to this tool: those that steer it, and those that answer questions.

use crate::error::{Blame, Failure, Fault, nearest};
use crate::model::question::Question;
use crate::world::World;

/// What the names of all of them begin with.
const PREFIX: &str = "APISCAFFOLD_";

/// Variables that steer the tool itself; no question of a template can read them.
const SETTINGS: [&str; 8] = ["APP_ID", "APP_KEY", "OFFLINE", "OWNER", "REGISTRY", "TEMPLATE", "TIMEOUT", "TOKEN"];

/// Settings with fewer letters than this are only meant by a word that is one slip away.
const LONG: usize = 7;

/// A variable that nothing reads, and that was surely meant to steer the tool. Its value is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("nothing reads the variable `{}`", given.escape_debug())]
struct Misspelt {
    given: String,
    meant: String,
}

impl Blame for Misspelt {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        Some(format!("did you mean `{}`? If not, unset it for this command", self.meant))
    }
}

/// The variable that answers a question; none for a question that has the name of a setting.
pub(crate) fn of_question(question: &Question) -> Option<String> {
    let word = question.name.to_uppercase();
    (!SETTINGS.contains(&word.as_str())).then(|| format!("{PREFIX}{word}"))
}

/// Refuses variables that are nearly a setting's, and that answer none of the questions.
///
/// # Errors
/// With such a variable the tool would do something else than its user meant: use another registry, or the network.
pub(crate) fn refuse_misspelt(questions: &[Question], world: &World) -> Result<(), Failure> {
    let answers: Vec<String> = questions.iter().filter_map(of_question).collect();
    let strange = world.variables.keys().filter(|name| !answers.contains(name));
    for given in strange {
        if let Some(meant) = setting(given) {
            return Err(Misspelt { given: given.clone(), meant }.into());
        }
    }
    Ok(())
}

/// The setting that a variable is likely meant for; none when it is one, or like none.
fn setting(given: &str) -> Option<String> {
    let upper = given.to_uppercase();
    let distance = |meant: &String| strsim::osa_distance(&upper, meant);
    let settings = SETTINGS.map(|word| (word, format!("{PREFIX}{word}")));
    if settings.iter().any(|(_, meant)| meant == given) {
        return None;
    }
    let near = |(word, meant): &(&str, String)| distance(meant) <= if word.len() < LONG { 1 } else { 2 };
    let near = settings.into_iter().filter(near).map(|(_, meant)| meant);
    near.min_by_key(distance)
}

/// A sentence for each variable whose name is nearly a question's.
pub(crate) fn notes(questions: &[Question], world: &World) -> Vec<String> {
    let answers: Vec<String> = questions.iter().filter_map(of_question).collect();
    let words: Vec<&str> = answers.iter().filter_map(|name| name.strip_prefix(PREFIX)).collect();
    let strange = world.variables.keys().filter(|name| !answers.contains(name));
    let note = |name: &String| {
        let word = name.strip_prefix(PREFIX).filter(|word| !SETTINGS.contains(word))?;
        let meant = nearest(word, words.iter().copied())?;
        Some(format!("nothing reads the variable `{}`; did you mean `{PREFIX}{meant}`?", name.escape_debug()))
    };
    strange.filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, SETTINGS, setting};

    #[test]
    fn every_slip_in_a_setting_s_name_is_noticed_and_no_other_word() {
        for word in SETTINGS {
            let name = format!("{PREFIX}{word}");
            assert_eq!(setting(&name), None);
            let letters: Vec<char> = name.chars().collect();
            let mut slips = vec![name.to_lowercase(), format!("{name}S")];
            for at in 0..letters.len() {
                let with = |middle: &[char], rest: usize| -> String {
                    [&letters[..at], middle, &letters[rest..]].concat().into_iter().collect()
                };
                slips.extend([with(&[], at + 1), with(&[letters[at]; 2], at + 1), with(&['X'], at + 1)]);
                if at + 1 < letters.len() {
                    slips.push(with(&[letters[at + 1], letters[at]], at + 2));
                }
            }
            slips.retain(|slip| *slip != name);
            for slip in slips {
                assert_eq!(setting(&slip).as_deref(), Some(name.as_str()), "{slip}");
            }
        }
        for word in ["TITLE", "OWNER_TEAM", "TEST_REGISTRY", "TEST_TOOLS", "SPECS", "KEY", "TARGET", "STYLE", ""] {
            assert_eq!(setting(&format!("{PREFIX}{word}")), None, "{word}");
        }
        for name in ["PATH", "REGISTRY", "GITHUB_TOKEN", "OWNER"] {
            assert_eq!(setting(name), None, "{name}");
        }
    }
}
