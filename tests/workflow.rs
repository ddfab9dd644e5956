//! The workflow that every pull request runs, run here: its `run:` steps in order, each in a shell as GitHub's.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::linted::equip;
use crate::program::Program;
use crate::small_http::{Answer, Answers, Request, Server};
use crate::tools::linters;

/// Name and command of each `run:` step of a job.
fn steps(workflow: &Path, job: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(workflow).expect("read");
    let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
    let steps = workflow["jobs"][job]["steps"].as_array().expect("steps").iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    steps.filter_map(|step| Some((text(&step["name"])?, text(&step["run"])?))).collect()
}

/// What stands in for the two commands that install: everything is here already, linked from where it was installed
/// before, and must not be changed there.
const SHIMS: [(&str, &str); 2] = [
    (
        "npm",
        "#!/bin/sh\n[ \"$1\" = ci ] && exec test -d node_modules/.bin\nexec /usr/bin/env PATH=\"${PATH#*:}\" npm \"$@\"\n",
    ),
    (
        "python3",
        "#!/bin/sh\n[ \"$1 $2\" = '-m venv' ] && exec test -x .venv/bin/python\nexec /usr/bin/env PATH=\"${PATH#*:}\" python3 \"$@\"\n",
    ),
];

/// Runs the steps of the job; each must succeed. Gives what they said, by name.
fn run(repository: &Path, program: &Program, steps: &[(String, String)]) -> BTreeMap<String, String> {
    for (name, text) in SHIMS {
        let shim = program.write(&format!("shims/{name}"), text);
        fs::set_permissions(&shim, PermissionsExt::from_mode(0o755)).expect("executable");
    }
    let path = format!("{}:{}", program.folder().join("shims").display(), std::env::var("PATH").expect("a path"));
    let mut said = BTreeMap::new();
    for (name, command) in steps {
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command])
            .current_dir(repository)
            .env_clear()
            .env("PATH", &path)
            .env("HOME", program.home())
            .env("CI", "true")
            .env("GITHUB_STEP_SUMMARY", program.folder().join("summary.md"))
            .output()
            .expect("bash starts");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {text}");
        said.insert(name.clone(), text.into_owned());
    }
    said
}

fn pull_request_is_green(style: &str, built: &[&str]) {
    let tools = linters();
    let program = Program::new();
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/specs/library/library.yaml");
    let clone = green(&program, &tools, &spec, style, built);
    // All that was built can be deleted again.
    let made = Command::new("make").args(["docs", "clean"]).current_dir(&clone).output().expect("make starts");
    assert!(made.status.success(), "{made:?}");
    let left = crate::program::git(&clone, &["status", "--porcelain", "--ignored"]);
    assert_eq!(left.lines().map(|line| &line[3..]).collect::<Vec<_>>(), [".venv", "node_modules"]);
}

/// Makes the repository `lib` of the spec, and runs the workflow in a clone, which it gives.
fn green(program: &Program, tools: &Path, spec: &Path, style: &str, built: &[&str]) -> PathBuf {
    let style = format!("style={style}");
    program.done(&["new", "lib", "--spec", spec.to_str().expect("a path"), "--set", &style]);
    // What was committed, and nothing else, as a runner checks it out.
    let done = Command::new("git").args(["clone", "-q", "lib", "clone"]).current_dir(program.folder()).status();
    assert!(done.expect("git starts").success());
    let clone = program.folder().join("clone");
    equip(&clone, tools);
    let steps = steps(&clone.join(".github/workflows/pull-request.yml"), "check");
    let commands: Vec<&str> = steps.iter().map(|(_, command)| command.as_str()).collect();
    let expected = ["make install", "make lint", "make test", "make changes", "make bundle publish sbom"];
    assert_eq!(commands[..5], expected);
    let said = run(&clone, program, &steps);
    assert!(said["Test"].contains(" passed"), "{said:?}");
    for file in built.iter().chain(&["lib.json", "sbom.json"]) {
        assert!(clone.join("build").join(file).is_file(), "{file}: {said:?}");
    }
    let changed = Command::new("git").args(["status", "--porcelain"]).current_dir(&clone).output().expect("git starts");
    // Git takes the links that stand in for installed folders for files.
    let changed = String::from_utf8_lossy(&changed.stdout).replace("?? .venv\n", "").replace("?? node_modules\n", "");
    assert_eq!(changed, "", "a build leaves the clone as it was");
    let summary = fs::read_to_string(program.folder().join("summary.md")).expect("read");
    for file in built.iter().chain(&["lib.json", "sbom.json"]) {
        assert!(summary.contains(&format!("| `{file}` |")), "{file}: {summary}");
    }
    clone
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_pull_request_of_an_apigee_repository_is_green() {
    pull_request_is_green("apigee", &["live.zip", "sandbox.zip"]);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn a_pull_request_of_a_proxygen_repository_is_green() {
    pull_request_is_green("proxygen", &["internal-dev.json", "sandbox.json"]);
}

/// Another machine, which would answer with what the references to it ask for.
#[derive(Default)]
struct Elsewhere {
    asked: Vec<String>,
}

impl Answers for Elsewhere {
    fn answer(&mut self, request: &Request) -> Answer {
        self.asked.push(request.path.clone());
        (200, json!({"Gone": {"description": "Gone."}, "one": {"value": {"far": true}}}))
    }
}

/// A document with references to that machine and to where they stand.
fn loose(machine: &str) -> Value {
    let answer = json!({
        "schema": {"$ref": "#/components/schemas/Node"},
        "examples": {"near": {"value": {"next": {}}}, "far": {"externalValue": format!("{machine}/far.json")}},
    });
    let responses = json!({
        "200": {"description": "A node.", "content": {"application/json": answer}},
        "404": {"$ref": format!("{machine}/common.json#/Gone")},
    });
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Nodes", "version": "1"},
        "paths": {"/nodes": {"get": {"operationId": "nodes", "responses": responses}}},
        "components": {"schemas": {
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}},
        }},
    })
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn references_to_other_machines_stay_and_nothing_is_fetched() {
    let tools = linters();
    for (style, built) in [("apigee", "live.zip"), ("proxygen", "sandbox.json")] {
        let (program, server) = (Program::new(), Server::start(Elsewhere::default()));
        let loose = loose(&server.url());
        let spec = program.write("loose.json", loose.to_string());
        let clone = green(&program, &tools, &spec, style, &[built]);
        let published = fs::read(clone.join("build/lib.json")).expect("read");
        let published: Value = serde_json::from_slice(&published).expect("JSON");
        let responses = |document: &Value| document["paths"]["/nodes"]["get"]["responses"].clone();
        assert_eq!(responses(&published), responses(&loose), "{style}");
        assert_eq!(server.state().asked, [] as [&str; 0], "{style}");
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn what_leads_nowhere_is_listed_and_not_published() {
    let tools = linters();
    let (program, server) = (Program::new(), Server::start(Elsewhere::default()));
    let mut dead = loose(&server.url());
    let responses = &mut dead["paths"]["/nodes"]["get"]["responses"];
    responses["500"] = json!({"$ref": "gone.yaml#/responses/Fault"});
    responses["503"] = json!({"$ref": "#/components/responses/Fault"});
    responses["200"]["content"]["application/json"]["examples"]["one"] =
        json!({"$ref": format!("{}/common.json#/one", server.url())});
    program.write("dead.json", dead.to_string());
    program.done(&["new", "lib", "--spec", "dead.json"]);
    let folder = program.folder().join("lib");
    equip(&folder, &tools);
    let made = Command::new("make").arg("publish").current_dir(&folder).output().expect("make starts");
    let said = String::from_utf8_lossy(&made.stdout) + String::from_utf8_lossy(&made.stderr);
    assert!(!made.status.success() && !folder.join("build/lib.json").exists(), "{said}");
    for target in ["gone.yaml#/responses/Fault", "#/components/responses/Fault", "common.json#/one"] {
        assert!(said.contains(target), "{target}: {said}");
    }
    assert_eq!(server.state().asked, [] as [&str; 0]);
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn what_is_published_has_no_references_where_that_can_be() {
    let tools = linters();
    let program = Program::new();
    let schema = json!({"$ref": "#/components/schemas/Node"});
    let answer = json!({"description": "A node.", "content": {"application/json": {"schema": schema}}});
    let mut spec = json!({
        "openapi": "3.0.3",
        "info": {"title": "Nodes", "version": "1"},
        "paths": {"/nodes": {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": {"Node": {"type": "object"}}},
    });
    let published = |name: &str, spec: &Value| {
        let file = program.write("nodes.json", spec.to_string());
        program.done(&["new", name, "--spec", file.to_str().expect("a path")]);
        let folder = program.folder().join(name);
        equip(&folder, &tools);
        let made = Command::new("make").arg("publish").current_dir(&folder).output().expect("make starts");
        assert!(made.status.success(), "{made:?}");
        fs::read_to_string(folder.join(format!("build/{name}.json"))).expect("read")
    };
    assert!(!published("flat", &spec).contains("$ref"));
    spec["components"]["schemas"]["Node"]["properties"] = json!({"next": schema});
    assert!(published("round", &spec).contains(r##""$ref": "#/components/schemas/Node""##));
}

#[test]
fn a_pull_request_builds_all_that_a_release_builds() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let workflows = program.folder().join("lib/.github/workflows");
    let targets = |file: &str, job: &str| -> Vec<String> {
        let steps = steps(&workflows.join(file), job).into_iter();
        let made = steps.filter_map(|(_, command)| Some(command.strip_prefix("make ")?.to_owned()));
        made.flat_map(|targets| targets.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let tried = targets("pull-request.yml", "check");
    for (file, job) in [("release.yml", "build"), ("publish-spec.yml", "publish"), ("deploy-preview.yml", "build")] {
        let wanted = targets(file, job);
        assert!(!wanted.is_empty() && wanted.iter().all(|target| tried.contains(target)), "{file}: {wanted:?}");
    }
}

/// Runs a step's command in an empty world with these variables; gives whether it succeeded, and what it said.
fn step(command: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", command]).env_clear().envs(variables.iter().copied());
    let output = bash.output().expect("bash starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

#[test]
fn a_release_is_a_tag_or_refused_at_the_first_step() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let (_, first) = steps(&program.folder().join("lib/.github/workflows/release.yml"), "build").remove(0);
    for tag in ["refs/tags/v1.2.3", "refs/tags/v0.1.0-rc.1"] {
        assert_eq!(step(&first, &[("GITHUB_REF", tag)]), (true, String::new()), "{tag}");
    }
    for other in ["refs/heads/main", "refs/heads/v1.2.3", "refs/tags/last", "refs/pull/1/merge"] {
        let (done, said) = step(&first, &[("GITHUB_REF", other)]);
        assert!(!done && said.starts_with("::error title=No release::") && said.contains(other), "{other}: {said}");
    }
}

#[test]
fn each_merge_is_deployed_where_previews_go_once_they_are_switched_on() {
    let program = Program::new();
    for style in ["apigee", "proxygen"] {
        program.done(&["new", style, "--set", &format!("style={style}")]);
        let path = program.folder().join(style).join(".github/workflows/deploy-preview.yml");
        let workflow: Value = serde_saphyr::from_str(&fs::read_to_string(path).expect("read")).expect("YAML");
        assert_eq!(workflow["on"]["push"], json!({"branches": ["main"]}), "{style}");
        let condition = |job: &str| workflow["jobs"][job]["if"].as_str().expect("a condition").to_owned();
        assert!(condition("build").starts_with("vars.DEPLOY_PREVIEWS == 'true' && (github.event_name == 'push' ||"));
        // A push has no `action`.
        assert!(condition("deploy").starts_with("github.event.action != 'closed'"), "{style}");
        assert!(condition("remove").starts_with("github.event.action == 'closed'"), "{style}");
    }
}

#[test]
fn the_repositorys_own_actions_are_found_on_every_github() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let folder = program.folder().join("lib");
    let mut found = 0;
    for entry in fs::read_dir(folder.join(".github/workflows")).expect("readable") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("read");
        let workflow: Value = serde_saphyr::from_str(&text).expect("YAML");
        for (name, job) in workflow["jobs"].as_object().expect("jobs") {
            let uses: Vec<&str> =
                job["steps"].as_array().expect("steps").iter().filter_map(|s| s["uses"].as_str()).collect();
            for (at, action) in uses.iter().enumerate().filter(|(_, action)| !action.contains('@')) {
                found += 1;
                assert!(folder.join(action).join("action.yml").is_file(), "{name}: {action}");
                assert!(uses[..at].iter().any(|before| before.starts_with("actions/checkout@")), "{name}: {action}");
            }
        }
    }
    assert!(found > 4, "{found}");
}

#[test]
fn a_template_update_that_this_apiscaffold_cannot_do_is_a_warning() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let steps = steps(&program.folder().join("lib/.github/workflows/template-update.yml"), "update");
    let (_, update) = steps.last().expect("a step");
    let built = Path::new(env!("CARGO_BIN_EXE_apiscaffold")).parent().expect("a folder").to_str().expect("a path");
    let mut paths = vec!["/usr/bin:/bin".to_owned()];
    if program.run(&["update", "--help"]).code != Some(0) {
        paths.push(format!("{built}:/usr/bin:/bin"));
    }
    for path in paths {
        let (done, said) = step(update, &[("PATH", &path)]);
        assert!(done && said.lines().count() == 1, "{path}: {said}");
        assert!(said.starts_with("::warning title=No template update::"), "{path}: {said}");
    }
    let later = program.write("later/apiscaffold", "#!/bin/sh\necho \"$*\"\n");
    fs::set_permissions(&later, PermissionsExt::from_mode(0o755)).expect("executable");
    let path = format!("{}:/usr/bin:/bin", program.folder().join("later").display());
    assert_eq!(step(update, &[("PATH", &path)]), (true, "update --pull-request --yes\n".to_owned()));
}

/// A docker that knows what the workflow asks of it, and writes down how it was called.
const DOCKER: &str = r#"#!/bin/sh
set -eu
echo "$*" >> "$LOG"
case "$1 $2" in
    "login --username") [ "$(cat)" = a-token ] ;;
    "buildx create") ;;
    "buildx imagetools") [ "$(cat "$STATE")" = published ] && echo sha256:0123456789abcdef ;;
    "buildx build")
        for word; do last=$word; done
        case "$*" in *" --push "*) ;; *) exit 1 ;; esac
        test -f "$last/sandbox/Dockerfile"
        echo '{"containerimage.digest": "sha256:0123456789abcdef"}' > "$(echo "$*" | sed 's/.*--metadata-file \([^ ]*\).*/\1/')"
        ;;
    *) exit 1 ;;
esac
"#;

/// A gh whose release is in the state of a file: none, a draft or published.
const GH: &str = r#"#!/bin/sh
set -eu
echo "$GH_REPO: $*" >> "$LOG"
case "$1 $2" in
    "release view")
        case $(cat "$STATE") in
            none) echo "release not found" >&2; exit 1 ;;
            draft) echo true ;;
            published) echo false ;;
        esac ;;
    "release delete") [ "$(cat "$STATE")" = draft ]; echo none > "$STATE" ;;
    "release create")
        [ "$(cat "$STATE")" = none ]
        for word; do case "$word" in build/*) test -s "$word"; echo "$word" >> "$LOG" ;; esac; done
        (cd build && sha256sum --check --quiet SHA256SUMS)
        echo "$*" | grep -q -- "--notes-file notes.md --generate-notes"
        cat notes.md >> "$LOG"
        echo published > "$STATE"
        echo "https://example.org/release" ;;
    *) exit 1 ;;
esac
"#;

/// Runs the `run:` steps of a job of the release in `folder`, with these programs and variables; gives the log of the programs.
fn released(program: &Program, job: &str, folder: &Path, variables: &[(&str, &str)]) -> (bool, String) {
    for (name, text) in [("docker", DOCKER), ("gh", GH)] {
        let path = program.write(&format!("fakes/{name}"), text);
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("executable");
    }
    let log = program.write("log", "");
    let mut done = true;
    for (_, command) in steps(&program.folder().join("lib/.github/workflows/release.yml"), job) {
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &command]).current_dir(folder).env_clear();
        bash.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", program.folder().join("fakes").display()));
        bash.env("LOG", &log).env("STATE", program.folder().join("state")).env("TOKEN", "a-token");
        bash.env("GITHUB_OUTPUT", program.folder().join("output"));
        bash.env("GITHUB_STEP_SUMMARY", program.folder().join("summary"));
        bash.env("GITHUB_REPOSITORY", "NHSDigital/Lib").env("GITHUB_ACTOR", "ada").env("GITHUB_SHA", "1234");
        bash.env("IMAGE", "an-image").envs(variables.iter().copied());
        done &= bash.output().expect("bash starts").status.success();
    }
    (done, fs::read_to_string(log).expect("read"))
}

#[test]
fn a_release_publishes_the_image_of_the_sandbox_where_the_repository_is() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let places = [("https://github.com", "ghcr.io"), ("https://git.example.org", "containers.git.example.org")];
    for (server, registry) in places {
        for (state, tag, version) in
            [("none", "v1.2.3", "1.2.3"), ("published", "v1.2.3", "1.2.3"), ("none", "v1.0+2", "1.0-2")]
        {
            program.write("state", state);
            let variables = [("GITHUB_SERVER_URL", server), ("GITHUB_REF_NAME", tag)];
            let (done, log) = released(&program, "image", &program.folder().join("lib"), &variables);
            assert!(done && !log.contains("a-token"), "{log}");
            assert!(log.contains(&format!("login --username ada --password-stdin {registry}\n")), "{log}");
            let is_built = log.contains("buildx build") && log.contains("--provenance=mode=max --sbom=true");
            assert_eq!(is_built, state == "none", "what was published stays: {log}");
            let image = format!("{registry}/nhsdigital/lib-sandbox");
            let output = fs::read_to_string(program.folder().join("output")).expect("read");
            let digest = "sha256:0123456789abcdef";
            let wanted = format!("name={image}\ndigest={digest}\nimage={image}:{version}@{digest}\n");
            assert!(output.ends_with(&wanted), "{output}");
        }
    }
}

#[test]
fn a_release_holds_what_was_built_with_checksums_and_is_made_once() {
    let program = Program::new();
    program.done(&["new", "lib"]);
    let host = ("GITHUB_SERVER_URL", "https://github.com");
    for (state, tag, prerelease) in
        [("none", "v1.2.3", false), ("draft", "v1.2.3", false), ("none", "v0.1.0-rc.1", true)]
    {
        program.write("state", format!("{state}\n"));
        for (file, text) in
            [("live.zip", "one"), ("changes.md", "Added `GET /x`\n"), ("-odd name.json", "three"), ("sbom.json", "{}")]
        {
            program.write(&format!("{tag}-{state}/build/{file}"), text);
        }
        let folder = program.folder().join(format!("{tag}-{state}"));
        let (done, log) = released(&program, "publish", &folder, &[host, ("GITHUB_REF_NAME", tag)]);
        assert!(done, "{state} {tag}: {log}");
        assert_eq!(fs::read_to_string(program.folder().join("state")).expect("read"), "published\n");
        assert!(log.contains(&format!("github.com/NHSDigital/Lib: release create {tag} ")), "{log}");
        assert_eq!(log.contains("--prerelease"), prerelease, "{log}");
        assert!(log.contains("--verify-tag") && log.contains("docker run --rm --publish 9000:9000 an-image"), "{log}");
        for file in ["SHA256SUMS", "live.zip", "changes.md", "-odd name.json", "sbom.json"] {
            assert!(log.contains(&format!("\nbuild/{file}\n")), "{file}: {log}");
        }
        assert!(log.contains("Added `GET /x`\n\nThe sandbox of this version"), "{log}");
        let sums = fs::read_to_string(folder.join("build/SHA256SUMS")).expect("read");
        assert_eq!(sums.lines().count(), 4, "{sums}");
        // The same run again finds it there.
        let (done, log) = released(&program, "publish", &folder, &[host, ("GITHUB_REF_NAME", tag)]);
        assert!(done && !log.contains("release create") && !log.contains("release delete"), "{log}");
    }
}

#[test]
fn what_is_published_is_built_without_a_cache_and_a_pull_request_with_one() {
    let program = Program::new();
    for style in ["apigee", "proxygen"] {
        program.done(&["new", style, "--set", &format!("style={style}")]);
        let workflows = program.folder().join(style).join(".github/workflows");
        for entry in fs::read_dir(&workflows).expect("readable") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("read");
            let is_pull_request = path.ends_with("pull-request.yml");
            assert_eq!(
                text.contains("cache: npm") && text.contains("cache: pip"),
                is_pull_request,
                "{}",
                path.display()
            );
            let (node, off) =
                (text.matches("setup-node@").count(), text.matches("package-manager-cache: false").count());
            assert!(is_pull_request || node == off, "{}", path.display());
        }
    }
}
