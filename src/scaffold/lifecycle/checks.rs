//! What the tool can see for itself: looks at a record and at the files of a repository. No code of the repository runs
//! unless the user asks for it.

use std::process::Command;

use jiff::civil::Date;
use serde_json::{Map, Value};
use toml::Table;

use super::gates::LINT;
use crate::model::ending::Ending;
use crate::model::gate::LifecycleRules;
use crate::model::record::Record;
use crate::model::text::named;
use crate::openapi::FindingKind;
use crate::scaffold::checkout::{Checkout, Files, Home};

/// How many operations, or lines of a failed check, are reported.
const REPORTED: usize = 3;

/// The data for the checks.
pub(crate) struct Inspection<'f> {
    pub(crate) record: &'f Record,
    pub(crate) rules: &'f LifecycleRules,
    /// The platform's environments, from the manifest.
    pub(crate) platform: &'f [Map<String, Value>],
    /// The repository, or why it cannot be seen.
    pub(crate) checkout: Result<&'f Checkout, &'f str>,
    pub(crate) today: Date,
    /// The dates of the end that were announced to users; none before the API is deprecated.
    pub(crate) announced: &'f Ending,
    /// Whether the repository's own checks may be run.
    pub(crate) may_run: bool,
}

impl Inspection<'_> {
    /// Why the check `name` is met, or what is missing.
    pub(crate) fn check(&self, name: &str) -> Result<String, String> {
        let recorded = |text: &str, what: &str| {
            let text = text.trim();
            if text.is_empty() { Err(format!("the record names no {what}")) } else { Ok(text.to_owned()) }
        };
        match name {
            "owner" => recorded(&self.record.owner, "owner"),
            "contact" => recorded(&self.record.contact, "contact"),
            "examples" => self.examples(),
            LINT => self.lint(),
            "sandbox" | "integration" => self.environment(name),
            "limits" => self.limits(),
            "dates" => self.dates(),
            "sunset" => self.sunset(),
            _ => Err(format!("this version does not know the check `{name}`")),
        }
    }

    fn files(&self) -> Result<&Files, String> {
        self.checkout.map(|checkout| &checkout.files).map_err(str::to_owned)
    }

    fn examples(&self) -> Result<String, String> {
        let files = self.files()?;
        let receipt = self.checkout.ok().and_then(|checkout| checkout.receipt.as_ref());
        let receipt =
            receipt.filter(|receipt| !receipt.spec.is_empty()).ok_or("the repository has no specification")?;
        let path = &receipt.spec;
        let spec = files.spec(receipt).map_err(|error| error.to_string())?;
        let spec = spec.ok_or_else(|| format!("the last commit has no file `{path}`"))?;
        let faulty =
            |kind: FindingKind| matches!(kind, FindingKind::Dangling | FindingKind::Untitled | FindingKind::Misplaced);
        if let Some(finding) = spec.findings.iter().find(|finding| faulty(finding.kind)) {
            return Err(finding.to_string());
        }
        let operations = &spec.summary.operations;
        let without = operations.iter().filter(|operation| !operation.exemplified);
        let without: Vec<String> = without.map(|one| format!("{} {}", one.method, one.path)).collect();
        if operations.is_empty() {
            return Err(format!("`{path}` has no operation"));
        }
        if without.is_empty() {
            return Ok(format!("`{path}` can be read, and has an example for each of {} operations", operations.len()));
        }
        Err(format!("`{path}` has no example for {}", named(&without, REPORTED)))
    }

    /// Runs the repository's own checks, when that was asked for.
    fn lint(&self) -> Result<String, String> {
        if !self.may_run {
            return Err(
                "not checked: `--run-checks` runs `make lint test`; a link to a green workflow run is accepted too"
                    .to_owned(),
            );
        }
        let Home::Here(folder) = &self.checkout.map_err(str::to_owned)?.home else {
            return Err(
                "not looked at: only a clone on this machine can run `make lint test`; name it with `--repository DIR`"
                    .to_owned(),
            );
        };
        let output = Command::new("make").args(["lint", "test"]).current_dir(folder).output();
        let output = output.map_err(|error| format!("`make` does not start: {error}"))?;
        if output.status.success() {
            return Ok("`make lint test` passes".to_owned());
        }
        let output = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines.get(lines.len().saturating_sub(REPORTED)..).unwrap_or_default().join(" / ");
        Err(format!("`make lint test` fails: {}", last.chars().filter(|c| !c.is_control()).collect::<String>()))
    }

    /// An environment that the manifest marks with `kind = true`.
    fn environment(&self, kind: &str) -> Result<String, String> {
        let is_kind = |name: &String| {
            let all = self.platform.iter();
            let named = all.filter(|environment| environment.get("name").and_then(Value::as_str) == Some(name));
            named.into_iter().any(|environment| environment.get(kind).and_then(Value::as_bool) == Some(true))
        };
        let names = self.names()?;
        let found: Vec<String> = names.into_iter().filter(is_kind).collect();
        if found.is_empty() { Err(format!("no environment for {kind} is set up")) } else { Ok(found.join(", ")) }
    }

    /// The environments that the repository has; where no file says so, those of the record.
    fn names(&self) -> Result<Vec<String>, String> {
        match &self.rules.environments {
            Some(file) => Ok(names(&tables(self.files()?, file)?)),
            None => Ok(self.record.environments.clone()),
        }
    }

    fn limits(&self) -> Result<String, String> {
        let file = self.rules.environments.as_deref().ok_or("the template does not say where limits are set")?;
        let tables = tables(self.files()?, file)?;
        let is_limited = |table: &&Table| {
            self.rules.limits.iter().all(|key| table.get(key).and_then(toml::Value::as_integer).is_some_and(|n| n > 0))
        };
        let open: Vec<Table> = tables.iter().filter(|table| !is_limited(table)).cloned().collect();
        match (tables.len(), names(&open)) {
            (0, _) => Err(format!("`{file}` has no environment")),
            (number, open) if open.is_empty() => Ok(format!("`{file}` limits all {number} environments")),
            (_, open) => Err(format!("`{file}` has no {} for {}", self.rules.limits.join(" and no "), open.join(", "))),
        }
    }

    fn dates(&self) -> Result<String, String> {
        let ending = &self.record.ending;
        match (
            ending.objection(self.announced, self.rules.notice_months, self.today),
            ending.deprecation,
            ending.sunset,
        ) {
            (None, Some(deprecation), Some(sunset)) => Ok(format!("deprecation {deprecation}, sunset {sunset}")),
            (objection, ..) => {
                Err(format!("{}; give `--deprecation DATE` and `--sunset DATE`", objection.unwrap_or_default()))
            }
        }
    }

    fn sunset(&self) -> Result<String, String> {
        match self.record.ending.sunset {
            Some(sunset) if sunset <= self.today => Ok(format!("the sunset was on {sunset}")),
            Some(sunset) => Err(format!("the sunset is on {sunset}, and today is {}", self.today)),
            None => Err("no date of sunset is set".to_owned()),
        }
    }
}

/// The `[[environment]]` tables of a file.
fn tables(files: &Files, file: &str) -> Result<Vec<Table>, String> {
    let found = files.get(file).map_err(|error| format!("`{file}` cannot be read: {error}"))?;
    let found = found.ok_or_else(|| format!("the last commit has no file `{file}`"))?;
    let text = found.text().ok_or_else(|| format!("`{file}` is not text"))?;
    let table: Table = toml::from_str(text).map_err(|error| format!("`{file}`: {}", error.message()))?;
    let list = table.get("environment").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    Ok(list.into_iter().filter_map(|table| table.as_table().cloned()).collect())
}

/// The names of the environments in the file that the template names; none when it cannot be read.
pub(crate) fn listed(files: &Files, file: &str) -> Vec<String> {
    tables(files, file).map(|tables| names(&tables)).unwrap_or_default()
}

fn names(tables: &[Table]) -> Vec<String> {
    tables.iter().filter_map(|table| table.get("name")?.as_str().map(str::to_owned)).collect()
}
