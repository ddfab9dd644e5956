//! What stands around the API in a generated repository: documents, forms, licence, and its settings on GitHub.

use std::collections::BTreeSet;

use apiscaffold::template::manifest::Manifest;
use regex::Regex;
use serde_json::Value;

use crate::defects::{Texts, parsed, repositories, repository, version_of};
use crate::phase::{LIFE, moved};
use crate::program::{Program, files};

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// The settings that the built-in template asks of GitHub.
fn settings(arguments: &[&str]) -> Value {
    let program = Program::new();
    let fixed = ["template", "preview", "my-api", "--into", "out", "--json"];
    program.done(&[&fixed, arguments].concat()).json()["settings"].clone()
}

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|entry| entry["name"].as_str().expect("a name").to_owned()).collect()
}

/// The path of `link` as it stands in the document `path`; `None` when it leaves the repository's tree.
fn resolved(path: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for step in link.split('/') {
        match step {
            ".." => drop(parts.pop()?),
            "." | "" => {}
            step => parts.push(step),
        }
    }
    Some(parts.join("/"))
}

fn dead_links(texts: &Texts) -> Vec<String> {
    let link = regex(r"\]\(([^)\s]+)\)");
    let mut dead = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.ends_with(".md") && !path.starts_with("specification/")) {
        for [target] in link.captures_iter(text).map(|found| found.extract().1) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let there = resolved(path, file)
                .is_some_and(|file| texts.keys().any(|known| *known == file || known.starts_with(&format!("{file}/"))));
            if !there {
                dead.push(format!("{path}: {target}"));
            }
        }
    }
    dead
}

#[test]
fn every_link_in_the_documents_leads_to_a_file() {
    for (kind, texts) in repositories() {
        assert_eq!(dead_links(texts), Vec::<String>::new(), "{kind}");
    }
    let mut texts = repository(&[]);
    texts.remove("SECURITY.md").expect("there");
    assert_ne!(dead_links(&texts), Vec::<String>::new());
}

#[test]
fn no_repository_is_larger_than_a_person_can_look_through() {
    let usual = repository(&[]);
    assert!(usual.len() <= 104, "{} files: {:#?}", usual.len(), usual.keys());
    for (kind, texts) in repositories() {
        assert!(texts.len() <= 112, "{kind}: {} files", texts.len());
        let empty: Vec<&String> =
            texts.iter().filter(|(_, text)| text.trim().is_empty()).map(|(path, _)| path).collect();
        assert_eq!(empty, Vec::<&String>::new(), "{kind}");
    }
}

#[test]
fn no_heading_in_the_documents_is_empty() {
    let heading = regex(r"^#+ ");
    for (kind, texts) in repositories() {
        for (path, text) in texts.iter().filter(|(path, _)| path.starts_with("docs/") || *path == "README.md") {
            let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
            let depth = |line: &str| heading.find(line).map(|found| found.len());
            for pair in lines.windows(2).chain(lines.last().map(|last| [*last, "# "]).iter().map(|pair| &pair[..])) {
                let empty = depth(pair[0]).zip(depth(pair[1])).is_some_and(|(first, second)| second <= first);
                assert!(!empty, "{kind}: {path}: `{}` has nothing below it", pair[0]);
            }
        }
    }
}

#[test]
fn the_page_of_a_phase_comes_with_it_and_lists_just_the_gates_that_lead_out_of_it() {
    let manifest = include_str!("../template/apiscaffold.toml");
    let manifest = Manifest::parse(manifest).expect("a manifest");
    let gate = regex(r"(?m)^- \[ \] \*\*.*\*\* \(`([a-z-]+)`");
    assert_eq!(manifest.phases.len(), LIFE.len() + 1);
    let program = Program::new();
    program.done(&["new", "my-api"]);
    for (at, phase) in manifest.phases.iter().enumerate() {
        if at > 0 {
            let (name, gates, more) = LIFE[at - 1];
            moved(&program, name, gates, more);
        }
        let made = files(&program.folder().join("my-api"));
        let texts: Texts =
            made.into_iter().filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?))).collect();
        assert_eq!(dead_links(&texts), Vec::<String>::new(), "{}", phase.title);
        for (later, other) in manifest.phases.iter().enumerate() {
            let page = texts.get(&format!("docs/phases/{}.md", other.name.word()));
            assert_eq!(page.is_some(), later <= at, "{} in {}", other.title, phase.title);
        }
        assert_eq!(texts.contains_key("docs/runbook.md"), at >= 3, "from beta on somebody is called");
        let page = &texts[&format!("docs/phases/{}.md", phase.name.word())];
        let listed: Vec<&str> = gate.captures_iter(page).map(|found| found.extract::<1>().1[0]).collect();
        let wanted: Vec<&str> =
            manifest.gates.iter().filter(|gate| gate.from == phase.name).map(|gate| gate.id.as_str()).collect();
        assert_eq!(listed, wanted, "{}", phase.title);
        assert!(page.starts_with(&format!("# {}\n", phase.title)) && page.contains(&phase.about), "{page}");
        assert!(wanted.is_empty() == (phase.title == "Retired"));
    }
}

#[test]
fn a_container_for_development_has_the_versions_of_the_repository() {
    for (kind, texts) in repositories() {
        let container = parsed(".devcontainer/devcontainer.json", &texts[".devcontainer/devcontainer.json"]);
        let image = container["image"].as_str().expect("an image");
        let version = format!("-{}-", version_of(texts, "nodejs"));
        assert!(image.contains(&version), "{kind}: {image} is not Node.js {version}");
        assert_eq!(container["postCreateCommand"], "make install", "{kind}");
    }
}

#[test]
fn the_licence_is_the_one_that_was_asked_for() {
    let cases = [
        ("MIT", "MIT License", "OTHER DEALINGS IN THE\nSOFTWARE."),
        ("Apache-2.0", "Apache License", "END OF TERMS AND CONDITIONS"),
        ("BSD-3-Clause", "BSD 3-Clause License", "POSSIBILITY OF SUCH DAMAGE."),
    ];
    for (licence, first, last) in cases {
        let texts = repository(&["--set", &format!("licence={licence}")]);
        let text = &texts["LICENCE"];
        assert!(text.trim_start().starts_with(first) && text.contains(last), "{licence}: {text}");
        assert_eq!(text.matches("Crown Copyright").count(), 1, "{licence}");
        let others = cases.iter().filter(|(other, ..)| *other != licence);
        assert!(others.clone().all(|(_, first, _)| !text.contains(first)), "{licence}");
        assert!(texts["README.md"].contains(&format!("Code: {licence}")));
    }
    assert!(!repository(&["--set", "licence=none"]).contains_key("LICENCE"));
}

/// Ecosystem and folder of each update that dependabot is asked for.
fn updates(texts: &Texts) -> BTreeSet<(String, String)> {
    let path = ".github/dependabot.yml";
    let updates = parsed(path, &texts[path])["updates"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    for update in &updates {
        assert!(update["cooldown"]["default-days"].as_u64().is_some_and(|days| days >= 7), "{update}");
    }
    let folders = |update: &Value| match &update["directories"] {
        Value::Array(folders) => folders.clone(),
        _ => vec![update["directory"].clone()],
    };
    let pairs = |update: &Value| {
        let ecosystem = text(&update["package-ecosystem"]);
        folders(update).iter().map(|folder| (ecosystem.clone(), text(folder))).collect::<Vec<_>>()
    };
    updates.iter().flat_map(pairs).collect()
}

#[test]
fn dependabot_looks_after_every_kind_of_dependency_that_is_there() {
    for (kind, texts) in repositories() {
        let mut wanted = BTreeSet::from([("github-actions".to_owned(), "/".to_owned())]);
        for path in texts.keys() {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            let ecosystem = match file {
                "package.json" => "npm",
                "pyproject.toml" => "pip",
                file if file.starts_with("requirements") && file.ends_with(".txt") => "pip",
                "Dockerfile" => "docker",
                _ => continue,
            };
            wanted.insert((ecosystem.to_owned(), format!("/{folder}")));
        }
        assert_eq!(updates(texts), wanted, "{kind}");
    }
}

#[test]
fn gitleaks_rules_find_a_key_and_leave_a_checksum() {
    let config = parsed(".gitleaks.toml", &repository(&[])[".gitleaks.toml"]);
    let rule = regex(config["rules"][0]["regex"].as_str().expect("a pattern"));
    assert!(rule.is_match("apikey: 0123456789abcdef0123456789abcdef"));
    assert!(rule.is_match("\"x-api-key\": \"0123456789abcdef0123456789ABCDEF\""));
    assert!(!rule.is_match("apikey: ${{ secrets.STATUS_ENDPOINT_API_KEY }}"));
    let allowed = regex(config["allowlists"][0]["paths"][0].as_str().expect("a pattern"));
    assert!(allowed.is_match("sandbox/package-lock.json") && !allowed.is_match("package.json"));
}

#[test]
fn settings_and_workflows_name_the_same_things() {
    let used = regex(r"\b(secrets|vars)\.([A-Z_][A-Z0-9_]*)");
    for style in crate::defects::styles() {
        let arguments = ["--set", &format!("style={style}")];
        let (settings, texts) = (settings(&arguments), repository(&arguments));
        let workflows = || texts.iter().filter(|(path, _)| path.starts_with(".github/workflows/"));
        let (secrets, variables) = (names(&settings["secret"]), names(&settings["variable"]));
        for (path, line) in workflows().flat_map(|(path, text)| text.lines().map(move |line| (path, line))) {
            for [kind, name] in used.captures_iter(line).map(|found| found.extract().1) {
                let known = if kind == "vars" { &variables } else { &secrets };
                // What has something in its place may be missing.
                assert!(known.contains(name) || line.contains("||"), "{style}: {path} uses {kind}.{name}");
                assert!(texts["SECURITY.md"].contains(&format!("`{name}`")), "{style}: {name} is not documented");
            }
        }
        for secret in secrets.iter().chain(&variables) {
            assert!(texts["SECURITY.md"].contains(&format!("`{secret}`")), "{style}: {secret} is not documented");
        }
        let jobs: BTreeSet<String> = workflows()
            .flat_map(|(path, text)| {
                let jobs = parsed(path, text)["jobs"].as_object().expect("jobs").clone();
                jobs.into_iter().map(|(key, job)| job["name"].as_str().unwrap_or(&key).to_owned()).collect::<Vec<_>>()
            })
            .collect();
        let checks = required_checks(&settings);
        assert!(!checks.is_empty() && checks.is_subset(&jobs), "{style}: {checks:?} of {jobs:?}");
    }
}

/// The checks without which nothing is merged.
fn required_checks(settings: &Value) -> BTreeSet<String> {
    let rules = settings["ruleset"].as_array().expect("rulesets").iter().flat_map(|set| set["rules"].as_array());
    let checks = rules.flatten().filter_map(|rule| rule["parameters"]["required_status_checks"].as_array());
    checks.flatten().map(|check| check["context"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_settings_are_the_policy_for_repositories() {
    let settings = settings(&["--set", "environments=internal-dev,int,prod", "--set", "code_owners=@Org/Owners,@ada"]);
    let teams = serde_json::json!([
        {"slug": "ma-team", "permission": "push"},
        {"slug": "owners", "permission": "maintain"},
        {"slug": "api-platform-admins", "permission": "admin"},
    ]);
    assert_eq!(settings["team"], teams);
    let branch = &settings["ruleset"][0];
    let kinds: BTreeSet<&str> =
        branch["rules"].as_array().expect("rules").iter().filter_map(|rule| rule["type"].as_str()).collect();
    for wanted in ["deletion", "non_fast_forward", "pull_request", "required_signatures", "required_status_checks"] {
        assert!(kinds.contains(wanted), "{kinds:?}");
    }
    assert_eq!(branch["bypass_actors"], serde_json::json!([]), "administrators keep the rules too");
    let environments = settings["environment"].as_array().expect("environments");
    assert_eq!(environments.len(), 4, "the three, and the catalogue");
    let prod = environments.iter().find(|environment| environment["name"] == "prod").expect("there");
    assert_eq!(prod["reviewers"], serde_json::json!(["ma-team"]));
    assert_eq!((&prod["prevent_self_review"], &prod["tags"]), (&Value::Bool(true), &serde_json::json!(["v*"])));
    assert!(settings["security"].as_object().expect("an object").values().all(|on| *on == Value::Bool(true)));
    let alone = settings["secret"].as_array().expect("secrets").iter().filter(|secret| secret["environment"] == "prod");
    assert_eq!(alone.count(), 2, "production has credentials of its own");
}

#[test]
fn settings_of_hostile_answers_are_what_github_takes() {
    let hostile = "\"<&>'${{ secrets.X }} {{ y }} {% if %}: #\n]]>\t`$(x)` ".repeat(20);
    let program = Program::new();
    let answers = serde_json::json!({"title": hostile[..400].replace('\n', " "), "description": hostile, "owner_team": "My Team.1"});
    program.write("answers.json", answers.to_string());
    let run = |into: &str| {
        let fixed = ["template", "preview", "my-api", "--json", "--answers", "answers.json", "--into"];
        program.done(&[&fixed[..], &[into]].concat()).json()["settings"].clone()
    };
    let first = run("a");
    assert_eq!(first, run("b"));
    let description = first["description"].as_str().expect("a text");
    assert!(description.chars().count() <= 350 && !description.chars().any(char::is_control), "{description}");
    assert!(hostile.replace(['\n', '\t'], " ").starts_with(description.trim_end_matches("...")), "{description}");
    let topic = regex(r"^[a-z0-9][a-z0-9-]{0,49}$");
    assert!(
        first["topics"].as_array().into_iter().flatten().all(|word| topic.is_match(word.as_str().expect("a text")))
    );
    assert_eq!(first["team"][0]["slug"], "my-team-1");
}
