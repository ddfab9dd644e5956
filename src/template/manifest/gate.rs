//! The `[[phase]]` and `[[gate]]` tables of a manifest.

use super::ManifestError;
use super::table::Table;
use crate::error::did_you_mean;
use crate::model::gate::{CHECKS, Gate, LifecycleRules, PhaseWords};
use crate::model::phase::Phase;

/// Reads every `[[phase]]`, in order of the phases.
pub(super) fn phases(root: &Table<'_>) -> Result<Vec<PhaseWords>, ManifestError> {
    let mut phases: Vec<PhaseWords> = Vec::new();
    for table in root.tables("phase")? {
        table.only(&["name", "title", "about", "status"])?;
        let name = phase(&table, "name")?;
        if phases.iter().any(|other| other.name == name) {
            return Err(table.error(table.at("name"), format!("there are two phases named `{}`", name.word())));
        }
        let (title, about, status) = (table.required("title")?, table.required("about")?, table.text("status")?);
        phases.push(PhaseWords { name, title, about, status });
    }
    phases.sort_by_key(|phase| phase.name);
    Ok(phases)
}

pub(super) fn lifecycle(table: &Table<'_>) -> Result<LifecycleRules, ManifestError> {
    table.only(&["notice_months", "environments", "limits"])?;
    let mut rules = LifecycleRules::default();
    if let Some(months) = table.integer("notice_months")? {
        if !(0..=120).contains(&months) {
            return Err(table.error(table.at("notice_months"), "`notice_months` must be 0 to 120"));
        }
        rules.notice_months = months;
    }
    rules.environments = table.text("environments")?;
    rules.limits = table.texts("limits")?.unwrap_or_default();
    Ok(rules)
}

/// Reads every `[[gate]]`, in order of the phases that they lead to, and else as they are written.
pub(super) fn gates(root: &Table<'_>) -> Result<Vec<Gate>, ManifestError> {
    let mut gates: Vec<Gate> = Vec::new();
    for table in root.tables("gate")? {
        let gate = gate(&table)?;
        if gates.iter().any(|other| other.id == gate.id) {
            return Err(table.error(table.at("id"), format!("there are two gates with the id `{}`", gate.id)));
        }
        gates.push(gate);
    }
    gates.sort_by_key(|gate| gate.to);
    Ok(gates)
}

fn gate(table: &Table<'_>) -> Result<Gate, ManifestError> {
    table.only(&["id", "phase", "title", "how", "check"])?;
    let id = table.required("id")?;
    let letters = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !id.split('-').all(|word| !word.is_empty() && letters(word)) {
        let error = table.error(table.at("id"), format!("`{}` cannot be a gate's id", id.escape_debug()));
        return Err(error.with_hint("use lower-case words joined by single hyphens, such as `kick-off`"));
    }
    let to = phase(table, "phase")?;
    let Some(from) = to.before() else {
        let sentence = format!("no gate can lead to `{}`: every API begins there", to.word());
        return Err(table.error(table.at("phase"), sentence));
    };
    Ok(Gate { id, from, to, title: table.required("title")?, how: table.required("how")?, check: check(table)? })
}

fn phase(table: &Table<'_>, key: &str) -> Result<Phase, ManifestError> {
    let word = table.required(key)?;
    Phase::of_word(&word).ok_or_else(|| {
        let words = Phase::ALL.map(Phase::word);
        unknown(table, key, "phase", &word, &words)
    })
}

fn check(table: &Table<'_>) -> Result<Option<String>, ManifestError> {
    let Some(word) = table.text("check")? else { return Ok(None) };
    let words = CHECKS.map(|(name, _)| name);
    if words.contains(&word.as_str()) { Ok(Some(word)) } else { Err(unknown(table, "check", "check", &word, &words)) }
}

fn unknown(table: &Table<'_>, key: &str, what: &str, word: &str, words: &[&str]) -> ManifestError {
    let error = table.error(table.at(key), format!("there is no {what} `{}`", word.escape_debug()));
    error.with_hint(did_you_mean(word, words.iter().copied(), format!("there are `{}`", words.join("`, `"))))
}

#[cfg(test)]
mod tests {
    use crate::model::phase::Phase;
    use crate::template::manifest::{Manifest, ManifestError};

    fn manifest(rest: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(&format!("[template]\nname = \"t\"\n{rest}"))
    }

    fn gate(id: &str, phase: &str, rest: &str) -> String {
        format!("[[gate]]\nid = \"{id}\"\nphase = \"{phase}\"\ntitle = \"T\"\nhow = \"H\"\n{rest}\n")
    }

    #[test]
    fn gates_stand_in_the_order_of_the_phases_they_lead_to() {
        let text = [gate("b", "live", ""), gate("c", "discovery", "check = \"owner\""), gate("a", "discovery", "")];
        let gates = manifest(&text.concat()).expect("good").gates;
        assert_eq!(gates.iter().map(|gate| gate.id.as_str()).collect::<Vec<_>>(), ["c", "a", "b"]);
        assert_eq!((gates[0].from, gates[0].to), (Phase::Inception, Phase::Discovery));
        assert_eq!((gates[0].check.as_deref(), gates[1].check.as_deref()), (Some("owner"), None));
    }

    #[test]
    fn phases_stand_in_their_order() {
        let text = "[[phase]]\nname = \"beta\"\ntitle = \"B\"\nabout = \"…\"\nstatus = \"beta\"\n[[phase]]\nname = \"alpha\"\ntitle = \"A\"\nabout = \"…\"\n";
        let phases = manifest(text).expect("good").phases;
        assert_eq!(phases.iter().map(|phase| phase.name).collect::<Vec<_>>(), [Phase::Alpha, Phase::Beta]);
        assert_eq!(phases[0].status, None);
    }

    #[test]
    fn rules_of_a_life_have_defaults() {
        let rules = manifest("").expect("good").lifecycle;
        assert_eq!((rules.notice_months, rules.environments, rules.limits), (6, None, Vec::new()));
        let text = "[lifecycle]\nnotice_months = 12\nenvironments = \"e.toml\"\nlimits = [\"quota\"]\n";
        let rules = manifest(text).expect("good").lifecycle;
        assert_eq!((rules.notice_months, rules.environments.as_deref()), (12, Some("e.toml")));
        assert_eq!(rules.limits, ["quota"]);
        for (text, sentence) in [("notice_months = -1", "must be 0 to 120"), ("notice = 6", "`notice`")] {
            let error = manifest(&format!("[lifecycle]\n{text}\n")).expect_err("refused");
            assert!(error.line == 4 && error.sentence.contains(sentence), "{error:?}");
        }
    }

    #[test]
    fn a_broken_rule_is_reported_with_its_line() {
        let twice = [gate("a", "live", ""), gate("a", "beta", "")].concat();
        let cases = [
            (gate("a", "aplha", ""), 5, "there is no phase `aplha`", "did you mean `alpha`?"),
            (gate("a", "inception", ""), 5, "every API begins there", ""),
            (gate("A b", "live", ""), 4, "`A b` cannot be a gate's id", "single hyphens"),
            (gate("a", "live", "check = \"examlpes\""), 8, "there is no check `examlpes`", "did you mean `examples`?"),
            (gate("a", "live", "checks = \"lint\""), 8, "`[[gate]]` has no key `checks`", "did you mean `check`?"),
            (twice, 10, "two gates with the id `a`", ""),
            ("[[phase]]\nname = \"beta\"\ntitle = \"B\"\n".to_owned(), 3, "`[[phase]]` needs a key `about`", ""),
        ];
        for (text, line, words, hint) in cases {
            let error = manifest(&text).expect_err("refused");
            assert_eq!(error.line, line, "{error}");
            assert!(error.sentence.contains(words), "{error}");
            assert!(error.hint.unwrap_or_default().contains(hint), "{text}");
        }
    }
}
