//! The checks: a repository's files in, what is wrong out.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use regex::Regex;
use roxmltree::{Document, Node};
use serde_json::Value;

use super::{Texts, parsed, version_of};

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// Files of the template: neither the producer's own document nor names and checksums of packages.
fn own(texts: &Texts) -> impl Iterator<Item = (&String, &String)> {
    texts.iter().filter(|(path, _)| !path.starts_with("specification/") && !path.ends_with("package-lock.json"))
}

/// Workflows, and actions of the repository's own.
fn automation(texts: &Texts) -> impl Iterator<Item = (&String, &String)> {
    texts.iter().filter(|(path, _)| path.starts_with(".github/workflows/") || path.starts_with(".github/actions/"))
}

fn workflows(texts: &Texts) -> impl Iterator<Item = (&String, Value)> {
    let files = texts.iter().filter(|(path, _)| path.starts_with(".github/workflows/"));
    files.map(|(path, text)| (path, parsed(path, text)))
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Every step of every job of a workflow, or of an action.
fn steps(workflow: &Value) -> impl Iterator<Item = &Value> {
    let jobs = entries(&workflow["jobs"]).flat_map(|(_, job)| items(&job["steps"]));
    jobs.chain(items(&workflow["runs"]["steps"]))
}

pub(super) fn leftover_tags(texts: &Texts) -> Vec<String> {
    let tag = regex(r"\$?\{\{-?\s*[A-Za-z_][\w.]*\s*-?\}\}|\{%-?\s*[a-z]+");
    let found = own(texts).flat_map(|(path, text)| {
        let actions = path.starts_with(".github/workflows/") || path.starts_with(".github/actions/");
        let tags = tag.find_iter(text).map(|found| found.as_str());
        let wrong = tags.filter(move |found| !(actions && found.starts_with("${{")));
        wrong.map(move |found| format!("{path}: {found}")).collect::<Vec<_>>()
    });
    found.collect()
}

pub(super) fn missing_files(texts: &Texts) -> Vec<String> {
    let mut named: Vec<(String, String)> = Vec::new();
    for (_, api) in entries(&parsed("redocly.yaml", &texts["redocly.yaml"])["apis"]) {
        named.push(("redocly.yaml".into(), api["root"].as_str().unwrap_or_default().into()));
    }
    let catalogue = parsed("catalog-info.yaml", &texts["catalog-info.yaml"]);
    let definition = catalogue["spec"]["definition"]["$text"].as_str().unwrap_or_default();
    named.push(("catalog-info.yaml".into(), definition.trim_start_matches("./").into()));
    if let Some(manifest) = texts.get("manifest.yml").map(|text| parsed("manifest.yml", text)) {
        for spec in items(&manifest["apigee"]["environments"]).flat_map(|environment| items(&environment["specs"])) {
            named.push(("manifest.yml".into(), spec["path"].as_str().unwrap_or_default().into()));
        }
    }
    let script = regex(r"\b(?:scripts?|sandbox|transformation|tests)/[\w./-]*\w\.(?:py|sh|js|mjs|txt|toml)\b");
    for (path, text) in own(texts).filter(|(path, _)| *path == "Makefile" || path.starts_with(".github/workflows/")) {
        named.extend(script.find_iter(text).map(|found| (path.clone(), found.as_str().to_owned())));
    }
    let missing = named.into_iter().filter(|(_, file)| !texts.contains_key(file));
    missing.map(|(path, file)| format!("{path} names {file}")).collect()
}

pub(super) fn undefined_in_make(texts: &Texts) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in texts {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }
    let targets = regex(r"(?m)^([a-z][a-z-]*):.*## ");
    let targets: Vec<&str> = targets.captures_iter(&texts["Makefile"]).map(|found| found.extract::<1>().1[0]).collect();
    let mut wrong: Vec<String> = ["help", "install", "lint", "test", "bundle", "publish", "clean"]
        .into_iter()
        .filter(|wanted| !targets.contains(wanted))
        .map(|wanted| format!("no target {wanted}"))
        .collect();
    for target in targets {
        let mut command = Command::new("make");
        command.args(["-n", "--warn-undefined-variables", target]).current_dir(folder.path()).env_remove("MAKEFLAGS");
        let output = command.output().expect("make starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() || said.contains("undefined variable") {
            wrong.push(format!("make {target}: {said}"));
        }
    }
    wrong
}

/// Each bundle as it is in the repository: path from its folder, and XML, of every file.
fn bundles(texts: &Texts) -> Vec<Vec<(&str, Document<'_>)>> {
    let bundle = |folder: &str| {
        let files = texts.iter().filter_map(|(path, text)| {
            let inner = path.strip_prefix(folder)?;
            inner.ends_with(".xml").then(|| (inner, Document::parse(text).expect("XML")))
        });
        files.collect()
    };
    ["proxies/live/apiproxy/", "proxies/sandbox/apiproxy/"].into_iter().map(bundle).collect()
}

/// The stem of a policy's file.
fn stem(path: &str) -> Option<&str> {
    path.strip_prefix("policies/")?.strip_suffix(".xml")
}

fn texts_of<'d>(document: &'d Document<'_>, tag: &'d str) -> impl Iterator<Item = &'d str> {
    let nodes = document.descendants().filter(move |node: &Node<'_, '_>| node.has_tag_name(tag));
    nodes.filter_map(|node| node.text())
}

pub(super) fn unknown_policies(texts: &Texts) -> Vec<String> {
    let failed = regex(r"\b\w+\.([\w.-]+)\.failed\b");
    let mut wrong = Vec::new();
    let bundles = bundles(texts);
    for bundle in &bundles {
        // What the sandbox has no policy of its own for is live's, put in when it is built.
        let files = bundles.first().into_iter().chain([bundle]).flatten();
        let known: BTreeSet<&str> = files.filter_map(|(path, _)| stem(path)).collect();
        for (path, document) in bundle {
            let steps = document.descendants().filter(|node| node.has_tag_name("Step"));
            let names = steps.filter_map(|step| step.children().find(|node| node.has_tag_name("Name"))?.text());
            let asked = texts_of(document, "Condition").flat_map(|condition| failed.captures_iter(condition));
            let asked = asked.map(|found| found.extract::<1>().1[0]);
            let unknown = names.chain(asked).filter(|name| !known.contains(name));
            wrong.extend(unknown.map(|name| format!("{path} names the policy {name}")));
        }
    }
    wrong
}

pub(super) fn misnamed_policies(texts: &Texts) -> Vec<String> {
    let bundles = bundles(texts);
    let policies = bundles.iter().flatten().filter_map(|(path, document)| Some((stem(path)?, document)));
    let wrong = policies.filter(|(stem, document)| document.root_element().attribute("name") != Some(stem));
    wrong.map(|(stem, _)| stem.to_owned()).collect()
}

/// The oldest Node.js that is still looked after, <https://nodejs.org/en/about/previous-releases>.
const NODE: u64 = 22;

pub(super) fn unsound_versions(texts: &Texts) -> Vec<String> {
    let mut wrong = Vec::new();
    let packages = texts.iter().filter(|(path, _)| path.as_str() == "package.json" || path.ends_with("/package.json"));
    for (path, text) in packages {
        let package = parsed(path, text);
        for (name, version) in ["dependencies", "devDependencies"].iter().flat_map(|key| entries(&package[*key])) {
            let version = version.as_str().unwrap_or_default();
            if semver::Version::parse(version).is_err() {
                wrong.push(format!("{path}: {name} is not one version but `{version}`"));
            }
        }
        if package.get("license").is_some() || package["private"] != Value::Bool(true) {
            wrong.push(format!("{path} is no package to publish, and has no licence of its own"));
        }
    }
    let node: u64 = version_of(texts, "nodejs").split('.').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    if node < NODE {
        wrong.push(format!("Node.js {node} is not looked after any more"));
    }
    let from = regex(r"(?m)^FROM\s+(\S+)");
    let digest = regex(r"@sha256:[0-9a-f]{64}$");
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with("Dockerfile")) {
        let images = from.captures_iter(text).map(|found| found.extract::<1>().1[0]);
        wrong.extend(images.filter(|image| !digest.is_match(image)).map(|image| format!("{path}: {image} may change")));
    }
    wrong
}

pub(super) fn unsafe_workflows(texts: &Texts) -> Vec<String> {
    let pinned =
        regex(r"(?m)uses: (\./\S+ # zizmor: ignore\[self-repository\]|[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*)\s*$");
    let mut wrong = Vec::new();
    for (path, text) in automation(texts) {
        let old = ["ACTIONS_ALLOW_UNSECURE_COMMANDS", "::set-env", "::add-path", "::set-output"];
        wrong.extend(old.iter().filter(|word| text.contains(**word)).map(|word| format!("{path}: {word}")));
        let uses = text.matches("uses: ").count();
        if uses != pinned.find_iter(text).count() {
            wrong.push(format!("{path}: an action is not pinned to a commit with its tag"));
        }
        for run in steps(&parsed(path, text)).filter_map(|step| step["run"].as_str()) {
            if run.contains("${{") {
                wrong.push(format!("{path}: an expression inside `run`: {run}"));
            }
        }
    }
    wrong
}

pub(super) fn generous_workflows(texts: &Texts) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, workflow) in workflows(texts) {
        let granted = &workflow["permissions"];
        let writes = entries(granted).any(|(_, level)| level == "write");
        if !granted.is_object() || writes {
            wrong.push(format!("{path}: what is not said for a job must not be granted"));
        }
        for (name, job) in entries(&workflow["jobs"]) {
            if !job["permissions"].is_object() {
                wrong.push(format!("{path}: job {name} does not say what it needs"));
            }
        }
        // It runs with the secrets of the repository on what strangers propose.
        if workflow["on"].get("pull_request_target").is_some() {
            wrong.push(format!("{path}: pull_request_target"));
        }
    }
    wrong
}

pub(super) fn untested_changes(texts: &Texts) -> Vec<String> {
    let path = ".github/workflows/pull-request.yml";
    let workflow = parsed(path, &texts[path]);
    let mut wrong: Vec<String> = ["pull_request", "push"]
        .into_iter()
        .filter(|event| workflow["on"].get(event).is_none())
        .map(|event| format!("nothing runs on {event}"))
        .collect();
    let runs: Vec<&str> = steps(&workflow).filter_map(|step| step["run"].as_str()).collect();
    for target in ["lint", "test", "bundle", "publish"] {
        let word = regex(&format!(r"\bmake\b[^\n]*\b{target}\b"));
        if !runs.iter().any(|run| word.is_match(run)) {
            wrong.push(format!("no step runs `make {target}`"));
        }
    }
    wrong
}

pub(super) fn doubled_environments(texts: &Texts) -> Vec<String> {
    let names = |value: &Value| -> Vec<String> {
        items(value).map(|environment| environment["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let listed = names(&parsed("environments.toml", &texts["environments.toml"])["environment"]);
    let mut wrong = Vec::new();
    if listed.iter().collect::<BTreeSet<_>>().len() != listed.len() {
        wrong.push(format!("environments.toml: {listed:?}"));
    }
    if let Some(manifest) = texts.get("manifest.yml").map(|text| parsed("manifest.yml", text)) {
        let built = names(&manifest["apigee"]["environments"]);
        if built != listed {
            wrong.push(format!("manifest.yml has {built:?}, and environments.toml {listed:?}"));
        }
    }
    wrong
}

pub(super) fn many_sources_of_versions(texts: &Texts) -> Vec<String> {
    let literal = regex(r"(?m)^\s*(?:node-version|python-version|python_version)\s*[:=]|requires-python|^python\s*=");
    let mut wrong: Vec<String> = own(texts)
        .filter(|(path, text)| {
            let is_configuration = [".yml", ".yaml", ".toml", ".cfg"].iter().any(|end| path.ends_with(end));
            is_configuration && *path != ".apiscaffold.toml" && literal.is_match(text)
        })
        .map(|(path, _)| format!("{path} has a version of its own"))
        .collect();
    let image = regex(r"(?m)^FROM\s+(?:\S*/)?(node|python):(\d+(?:\.\d+)?)");
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with("Dockerfile")) {
        for [language, version] in image.captures_iter(text).map(|found| found.extract::<2>().1) {
            let wanted = version_of(texts, if language == "node" { "nodejs" } else { language });
            if version != wanted && !version.starts_with(&format!("{wanted}.")) {
                wrong.push(format!("{path}: {language} {version}"));
            }
        }
    }
    wrong
}

pub(super) fn leaky_errors(texts: &Texts) -> Vec<String> {
    let inside = regex(r"[{%](?:error|fault|exception|target\.error|message\.content)[.}#]");
    let mut wrong = Vec::new();
    for bundle in bundles(texts) {
        let faulty: BTreeSet<&str> = bundle.iter().flat_map(|(_, document)| in_fault_rules(document)).collect();
        for (path, document) in &bundle {
            let Some(stem) = stem(path) else { continue };
            let payloads: Vec<&str> = texts_of(document, "Payload").collect();
            if payloads.iter().any(|payload| inside.is_match(payload)) {
                wrong.push(format!("{path} tells what went wrong inside"));
            }
            let to_request = document.descendants().any(|node| {
                node.has_tag_name("AssignTo") && node.attribute("type").is_some_and(|kind| kind != "response")
            });
            if to_request && faulty.contains(stem) {
                wrong.push(format!("{path} changes the request when it is too late"));
            }
            let unknown_caller = texts_of(document, "StatusCode").any(|code| code == "401");
            if unknown_caller && payloads.iter().any(|payload| payload.contains("forbidden")) {
                wrong.push(format!("{path} says 401 and means 403"));
            }
        }
    }
    wrong
}

/// The policies that run when something went wrong.
fn in_fault_rules<'d>(document: &'d Document<'_>) -> Vec<&'d str> {
    let rules =
        document.descendants().filter(|node| node.has_tag_name("FaultRule") || node.has_tag_name("DefaultFaultRule"));
    let names = rules.flat_map(|rule| rule.descendants()).filter(|node| node.has_tag_name("Name"));
    names.filter_map(|node| node.text()).collect()
}

pub(super) fn placeholders(texts: &Texts) -> Vec<String> {
    let gap = regex(
        r"(?i)\b(?:todo|tbd|fixme|xxx|changeme|change[ _-]me|to be (?:completed|confirmed|done)|lorem ipsum|my app id|your[-_](?:api|app|name|key|token)(?:[-_]\w+)*)\b|<(?:insert|your)[^>]*>",
    );
    let found = own(texts).flat_map(|(path, text)| {
        gap.find_iter(text).map(move |found| format!("{path}: {}", found.as_str())).collect::<Vec<_>>()
    });
    found.collect()
}

pub(super) fn missing_provenance(texts: &Texts) -> Vec<String> {
    let mut wrong = Vec::new();
    let owners = texts.get(".github/CODEOWNERS").map(String::as_str).unwrap_or_default();
    for pattern in ["* @", "/.github/ @"] {
        if !owners.lines().any(|line| line.starts_with(pattern)) {
            wrong.push(format!("CODEOWNERS has no line `{pattern}…`"));
        }
    }
    // GitHub takes the approval of any one owner on the last line that fits.
    let workflows = owners.lines().rfind(|line| line.starts_with("/.github/ "));
    if workflows.is_some_and(|line| line != "/.github/ @NHSDigital/api-platform-admins") {
        wrong.push("others than the administrators can approve a change of workflows".to_owned());
    }
    if parsed("catalog-info.yaml", &texts["catalog-info.yaml"])["kind"] != "API" {
        wrong.push("catalog-info.yaml is no entry of an API".to_owned());
    }
    let receipt = parsed(".apiscaffold.toml", &texts[".apiscaffold.toml"]);
    for key in ["name", "source", "revision"] {
        if receipt["template"][key].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("the receipt has no {key} of the template"));
        }
    }
    wrong
}
