//! Fourteen defects that the platform's earlier template had, each kept out of every repository made today.
//!
//! A check takes the files of a repository and names what is wrong. It must find nothing in repositories of every kind,
//! and must find the defect once it is put in.

mod checks;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use rayon::prelude::*;
use serde_json::Value;

use crate::program::{Program, files};
use crate::tools::thorough;

/// Paths and texts; files that are not text are left out.
pub(crate) type Texts = BTreeMap<String, String>;

/// Renders the repository `my-api` with these arguments.
pub(crate) fn repository(arguments: &[&str]) -> Texts {
    let program = Program::new();
    program.done(&[&["template", "preview", "my-api", "--into", "out"], arguments].concat());
    let made = files(&program.folder().join("out"));
    made.into_iter().filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?))).collect()
}

/// The version of a language that `.tool-versions` names; empty when it names none.
pub(crate) fn version_of<'a>(texts: &'a Texts, language: &str) -> &'a str {
    let mut lines = texts[".tool-versions"].lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == language).map_or("", |(_, version)| version.trim())
}

/// Every style that the template has, as it says itself.
pub(crate) fn styles() -> Vec<String> {
    let schema = Program::new().done(&["template", "questions", "--json"]).json();
    let styles = schema["properties"]["style"]["enum"].as_array().expect("choices").iter();
    styles.map(|style| style.as_str().expect("a text").to_owned()).collect()
}

/// Repositories of every kind: their arguments, and their files.
pub(crate) fn repositories() -> &'static [(String, Texts)] {
    static MADE: LazyLock<Vec<(String, Texts)>> = LazyLock::new(make);
    &MADE
}

/// Each kind in each style; for daily work in one or the other.
fn make() -> Vec<(String, Texts)> {
    let spec = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs").join(path);
        path.to_str().expect("a path").to_owned()
    };
    let (library, lamp) = (spec("library/library.yaml"), spec("lamp-2.0.yaml"));
    let everywhere = "environments=internal-dev,internal-dev-sandbox,internal-qa,ref,dev,int,sandbox,prod";
    let kinds: [&[&str]; 8] = [
        &[],
        &["--spec", &library],
        &["--spec", &lamp, "--set", "target=none"],
        &["--set", "standard=fhir-r4", "--set", "target_auth=apikey", "--set", everywhere],
        &["--set", "target=hosted", "--set", "access_modes=app-level0,nhs-cis2-aal3"],
        // As many files as there can be.
        &["--set", "transformation=true", "--set", "target_auth=apikey", "--set", "access_modes=app-level0,app-level3"],
        &["--set", "environments=internal-dev", "--set", "licence=Apache-2.0", "--set", "target_auth=none"],
        &["--set", "access_modes=app-level0", "--set", "licence=none", "--set", "standard=fhir-r4", "--spec", &library],
    ];
    let styles = styles();
    let pairs = (0..kinds.len()).flat_map(|kind| (0..styles.len()).map(move |style| (kind, style)));
    let pairs: Vec<_> = pairs.filter(|(kind, style)| thorough() || kind % 2 == style % 2).collect();
    let make = |(kind, style): &(usize, usize)| {
        let style = format!("style={}", styles[*style]);
        let arguments = [kinds[*kind], &["--set", &style]].concat();
        (arguments.join(" "), repository(&arguments))
    };
    pairs.par_iter().map(make).collect()
}

/// A file of a format that is YAML, JSON or TOML.
pub(crate) fn parsed(path: &str, text: &str) -> Value {
    if path.ends_with(".toml") {
        return toml::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    apiscaffold::openapi::document::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

/// Holds a check against every kind of repository, and then against defects: for each a path, a text that stands in
/// that file, and what is put in its place. Without a text to replace the whole file is written anew.
fn keeps_out(check: fn(&Texts) -> Vec<String>, defects: &[(&str, &str, &str)]) {
    let made = repositories();
    for (kind, texts) in made {
        assert_eq!(check(texts), Vec::<String>::new(), "{kind}");
    }
    for (path, good, bad) in defects {
        let fits = |texts: &&Texts| good.is_empty() || texts.get(*path).is_some_and(|text| text.contains(good));
        let (_, texts) = made
            .iter()
            .find(|(_, texts)| fits(&texts))
            .unwrap_or_else(|| panic!("no repository has `{good}` in {path}"));
        let mut texts = texts.clone();
        let text = if good.is_empty() { (*bad).to_owned() } else { texts[*path].replace(good, bad) };
        texts.insert((*path).to_owned(), text);
        assert_ne!(check(&texts), Vec::<String>::new(), "`{bad}` in {path} is not found");
    }
}

const LIVE: &str = "proxies/live/apiproxy/";
const WORKFLOW: &str = ".github/workflows/pull-request.yml";

fn live(path: &str) -> String {
    format!("{LIVE}{path}")
}

#[test]
fn defect_1_no_file_holds_a_tag_of_the_template() {
    keeps_out(
        checks::leftover_tags,
        &[
            ("README.md", "# ", "# {{ SERVICE_NAME }} "),
            ("Makefile", "help:", "{% raw %}help:"),
            ("catalog-info.yaml", "kind: API", "kind: ${{ variables.kind }}"),
        ],
    );
}

#[test]
fn defect_2_files_that_are_named_are_there() {
    keeps_out(
        checks::missing_files,
        &[
            ("redocly.yaml", "root: specification/my-api", "root: specification/example"),
            ("catalog-info.yaml", "./specification/", "./spec/"),
            ("Makefile", "scripts/", "script/"),
            ("manifest.yml", "path: \"specification/", "path: \"specifications/"),
        ],
    );
}

#[test]
fn defect_3_the_makefile_uses_no_variable_that_is_not_set() {
    keeps_out(checks::undefined_in_make, &[("Makefile", "$(PYTHON)", "$(PROD_CMD)")]);
}

#[test]
fn defect_4_conditions_name_policies_that_exist() {
    let target = live("targets/target.xml");
    let default = live("proxies/default.xml");
    keeps_out(
        checks::unknown_policies,
        &[
            (&target, "oauthV2.OAuthV2.VerifyAccessToken.failed", "oauthV2.OauthV2.VerifyAccessToken.failed"),
            (&default, "<Name>RaiseFault.404NotFound</Name>", "<Name>RaiseFault.404Notfound</Name>"),
        ],
    );
}

#[test]
fn defect_5_a_policy_is_named_like_its_file() {
    let policy = live("policies/OAuthV2.VerifyAccessToken.xml");
    keeps_out(checks::misnamed_policies, &[(&policy, "name=\"OAuthV2.", "name=\"OauthV2.")]);
}

#[test]
fn defect_6_packages_and_images_have_versions_that_exist_and_are_kept() {
    keeps_out(
        checks::unsound_versions,
        &[
            ("package.json", "\"2.", "\"^4 .2."),
            ("package.json", "\"private\": true", "\"private\": true, \"license\": \"Unlicense\""),
            (".tool-versions", "nodejs 24", "nodejs 12"),
            ("sandbox/Dockerfile", "", "FROM node:12\n"),
        ],
    );
}

#[test]
fn defect_7_workflows_run_no_text_of_strangers_and_only_pinned_actions() {
    keeps_out(
        checks::unsafe_workflows,
        &[
            (WORKFLOW, "run: make lint", "run: echo ${{ github.event.pull_request.head.ref }}"),
            (WORKFLOW, "run: make lint", "run: echo '::set-env name=A::b'"),
            (WORKFLOW, "permissions: {}", "permissions: {}\nenv: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}"),
            (WORKFLOW, "actions/checkout@", "unsplash/comment-on-pr@master # "),
        ],
    );
}

#[test]
fn defect_8_workflows_are_granted_the_least() {
    keeps_out(
        checks::generous_workflows,
        &[
            (WORKFLOW, "permissions: {}", ""),
            (WORKFLOW, "permissions: {}", "permissions: {contents: write}"),
            (WORKFLOW, "permissions: {}", "permissions: write-all"),
            (WORKFLOW, "  pull_request:", "  pull_request_target:"),
        ],
    );
}

#[test]
fn defect_9_pull_requests_are_linted_tested_and_built() {
    keeps_out(
        checks::untested_changes,
        &[
            (WORKFLOW, "run: make lint", "run: make help"),
            (WORKFLOW, "run: make test", "run: make help"),
            (WORKFLOW, "run: make bundle", "run: make help"),
            (WORKFLOW, "run: make bundle publish", "run: make bundle"),
            (WORKFLOW, "  pull_request:", "  workflow_dispatch:"),
        ],
    );
}

#[test]
fn defect_10_each_environment_is_listed_once() {
    keeps_out(
        checks::doubled_environments,
        &[
            ("environments.toml", "name = \"int\"", "name = \"ref\""),
            ("manifest.yml", "- name: \"internal-qa\"\n", "- name: \"ref\"\n"),
        ],
    );
}

#[test]
fn defect_11_versions_of_languages_have_one_source() {
    keeps_out(
        checks::many_sources_of_versions,
        &[
            (WORKFLOW, "node-version-file: .tool-versions", "node-version: 24"),
            (WORKFLOW, "python-version-file: .tool-versions", "python-version: \"3.9\""),
            ("pyproject.toml", "", "[project]\nrequires-python = \"^3.9\"\n"),
        ],
    );
}

#[test]
fn defect_12_error_bodies_tell_nothing_from_inside_and_fit_their_status() {
    let error = live("policies/AssignMessage.Error500.xml");
    let refusal = live("policies/AssignMessage.Error401.xml");
    keeps_out(
        checks::leaky_errors,
        &[
            (&error, "</Payload>", "{error.content}</Payload>"),
            (&error, "</Payload>", "%error.content#</Payload>"),
            (&error, "<Set>", "<AssignTo createNew=\"false\" type=\"request\"/><Set>"),
            (&refusal, "</Payload>", "forbidden</Payload>"),
        ],
    );
}

#[test]
fn defect_13_nothing_is_left_to_fill_in() {
    keeps_out(
        checks::placeholders,
        &[
            ("Makefile", "PYTHON ?= python3", "PYTHON ?= python3\nAPIGEE_APP_ID = \"MY APP ID\""),
            ("SECURITY.md", "## Secrets", "## Secrets\n\nTo be completed."),
            ("README.md", "## Start", "## Start\n\nTODO"),
        ],
    );
}

#[test]
fn defect_14_owners_catalogue_entry_and_provenance_are_there() {
    keeps_out(
        checks::missing_provenance,
        &[
            (".github/CODEOWNERS", "", "# nobody\n"),
            (".github/CODEOWNERS", "/.github/ @", "/.github/ @NHSDigital/ma-team @"),
            ("catalog-info.yaml", "kind: API", "kind: Component"),
            (".apiscaffold.toml", "revision", "version"),
        ],
    );
}
