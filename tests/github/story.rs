//! A story: a GitHub, the real program, a template with settings of every kind, and what must be so in the end.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use super::server::fault::Fault;
use super::server::log::Entry;
use super::server::state::TokenKind;
use super::server::{GitHub, random};
use crate::git_server::clean_git;
use crate::program::{Program, Ran, files};

/// A template with twelve settings, one of each kind that a request makes.
const MANIFEST: &str = r#"
[template]
name = "story"

[github]
description = "What {{ name }} is for"
topics = ["api", "story"]

[github.properties]
kind = "proxy"

[github.repository]
allow_merge_commit = false
delete_branch_on_merge = true

[github.security]
vulnerability_alerts = true
automated_security_fixes = true

[[github.team]]
slug = "platform"
permission = "maintain"

[[github.environment]]
name = "int"
reviewers = ["platform"]
prevent_self_review = true

[[github.variable]]
name = "HOST"
value = "int.example.org"

[[github.variable]]
name = "HOST"
value = "env.example.org"
environment = "int"

[[github.secret]]
name = "DEPLOY_KEY"
purpose = "opens the gateway"

[[github.issue]]
title = "Kick-off"
body = "- [ ] talk"
labels = ["inception"]

[[github.ruleset]]
name = "main"
target = "branch"
enforcement = "active"
conditions = { ref_name = { include = ["~DEFAULT_BRANCH"], exclude = [] } }
rules = [{ type = "deletion" }, { type = "pull_request", parameters = { required_approving_review_count = 1, dismiss_stale_reviews_on_push = true, require_code_owner_review = false, require_last_push_approval = false, required_review_thread_resolution = false } }]
"#;
/// How many settings those are.
pub(super) const SETTINGS: usize = 12;

/// How often the same command is given at most until the work is done.
const MOST_RUNS: usize = 4;

/// One GitHub and one user of it.
pub(super) struct Story {
    pub(super) github: GitHub,
    pub(super) program: Program,
    /// Variables of every run, beside the two addresses.
    pub(super) variables: Vec<(&'static str, String)>,
    /// Everything that was said by any run.
    said: Mutex<String>,
}

/// The value of the secret: the same in every story of this process, so that their ends can be compared.
pub(super) fn secret() -> &'static str {
    static SECRET: OnceLock<String> = OnceLock::new();
    SECRET.get_or_init(|| format!("value-{}", random()))
}

impl Story {
    /// An organisation `nhs`, and its owner's classic token.
    pub(super) fn new() -> Self {
        let github = GitHub::start();
        github.add_organization("nhs", "octo");
        github.organization("nhs", |nhs| nhs.properties = ["kind".to_owned()].into());
        github.add_team("nhs", "platform");
        github.organization("nhs", |nhs| nhs.rulesets.push(super::walk::idle_ruleset()));
        github.guard(secret());
        let token = github.add_token("octo", TokenKind::Classic(vec!["repo", "workflow", "admin:org"]));
        Self::of(github, token)
    }

    /// Somebody else with the same token, who knows nothing of the first one's registry and folder. Its GitHub is not
    /// used: tell its commands where the first one's is.
    pub(super) fn beside(first: &Self) -> Self {
        Self::of(GitHub::start(), first.variables[0].1.clone())
    }

    /// With this many more variables to set.
    pub(super) fn with_variables(count: usize) -> Self {
        let story = Self::new();
        let variable = |number| format!("[[github.variable]]\nname = \"V_{number}\"\nvalue = \"x\"\n");
        let more: String = (0..count).map(variable).collect();
        story.program.write("template/apiscaffold.toml", format!("{MANIFEST}\n{more}"));
        story
    }

    fn of(github: GitHub, token: String) -> Self {
        let program = Program::new();
        program.write("template/apiscaffold.toml", MANIFEST);
        program.write("template/README.md", "# {{ name }}\n");
        program.write("template/.github/workflows/hi.yml", "on: push\n");
        let variables = vec![("GH_TOKEN", token), ("DEPLOY_KEY", secret().to_owned())];
        Self { github, program, variables, said: Mutex::default() }
    }

    /// The command that makes `nhs/my-api`.
    pub(super) const NEW: [&str; 10] =
        ["--verbose", "new", "my-api", "--owner", "nhs", "--visibility", "public", "--template", "template", "--yes"];

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.command_at(&self.github.url(), arguments)
    }

    /// A command whose API is somewhere else, such as behind Prism.
    pub(super) fn command_at(&self, api: &str, arguments: &[&str]) -> Command {
        let mut command = self.program.command(arguments);
        command.env("GITHUB_API_URL", api).env("GITHUB_SERVER_URL", self.github.url());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.heard(&self.command(arguments).output().expect("the program starts"))
    }

    /// What a run gave; it is remembered for the search for secrets.
    pub(super) fn heard(&self, output: &std::process::Output) -> Ran {
        let ran = Ran::of(output);
        *self.said.lock().expect("no panic") += &format!("{}\n{}\n", ran.stdout, ran.stderr);
        ran
    }

    /// Runs a command that must succeed.
    pub(super) fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    }

    /// Gives the same command until it has nothing left to do, and tells how often. A run that fails must say so with a
    /// code that invites to try again.
    pub(super) fn new_until_done(&self) -> usize {
        for number in 1..=MOST_RUNS {
            let ran = self.run(&Self::NEW);
            match ran.code {
                Some(0) => return number,
                Some(1 | 4 | 5 | 8) => assert!(!ran.stderr.contains("panicked"), "{ran:?}"),
                _ => panic!("{ran:?}"),
            }
        }
        panic!("not done after {MOST_RUNS} runs: {:?}", self.run(&Self::NEW));
    }

    /// The faults, then the same command until it is done; the end is that of an undisturbed run.
    pub(super) fn ends_well(&self, faults: impl IntoIterator<Item = Fault>, what: &str) -> usize {
        for fault in faults {
            self.github.plan(fault);
        }
        let runs = self.new_until_done();
        assert_eq!(self.end(), undisturbed(), "{what}");
        self.nothing_leaked();
        runs
    }

    /// What is there in the end, here and on the forge.
    pub(super) fn end(&self) -> Value {
        let folder = self.program.folder().join("my-api");
        let mut forge = self.github.end();
        for repository in forge.as_array_mut().into_iter().flatten() {
            same_tree(repository, &folder);
        }
        let names: Vec<String> = files(&folder).into_keys().collect();
        let beside = fs::read_dir(self.program.folder()).expect("listed").count();
        let origin = self.program.git("my-api", &["config", "--get-all", "remote.origin.url"]);
        let origin = origin.strip_prefix(&self.github.url()).unwrap_or("elsewhere").to_owned();
        json!({
            "forge": forge, "files": names, "records": self.program.records(), "beside": beside, "origin": origin,
        })
    }

    /// No token and no value of a secret is anywhere in what the runs said, asked, made or started.
    pub(super) fn nothing_leaked(&self) {
        assert_eq!(self.github.leaks(), [""; 0]);
        let secrets = self.github.secrets();
        let mut places = vec![("said".to_owned(), self.said.lock().expect("no panic").clone().into_bytes())];
        for root in [self.program.home(), self.program.folder(), self.github.state().root.clone()] {
            every_file(&root, &mut places);
            every_object(&root, &mut places);
        }
        for (place, bytes) in places {
            for secret in &secrets {
                assert!(!holds(&bytes, secret.as_bytes()), "a secret is in {place}");
            }
        }
    }

    /// As if nothing had been made yet, on the forge and here.
    pub(super) fn forget(&self) {
        let mut state = self.github.state();
        state.repositories.clear();
        for folder in fs::read_dir(&state.root).into_iter().flatten().flatten() {
            fs::remove_dir_all(folder.path()).expect("removed");
        }
        for folder in [self.program.folder().join("my-api"), self.program.home().join(".local")] {
            if folder.exists() {
                fs::remove_dir_all(folder).expect("removed");
            }
        }
    }

    /// Requests since the last call.
    pub(super) fn requests(&self) -> Vec<Entry> {
        self.github.take_log()
    }
}

/// The end of a run that nothing disturbs.
pub(super) fn undisturbed() -> Value {
    static END: OnceLock<Value> = OnceLock::new();
    let run = || {
        let story = Story::new();
        story.done(&Story::NEW);
        story.nothing_leaked();
        story.end()
    };
    END.get_or_init(run).clone()
}

/// Trees differ from story to story, since the receipt tells where the template is: what counts is that the forge's are
/// the one that is here.
fn same_tree(repository: &mut Value, folder: &Path) {
    let here = clean_git(folder).args(["rev-parse", "HEAD^{tree}"]).output().expect("git runs");
    let here = String::from_utf8_lossy(&here.stdout).trim().to_owned();
    for reference in repository["refs"].as_array_mut().into_iter().flatten() {
        let text = reference.as_str().unwrap_or_default();
        *reference = json!(if here.is_empty() { text.to_owned() } else { text.replace(&here, "here") });
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Every file below a folder, git's own too.
fn every_file(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => every_file(&path, places),
            // A file that went in the meantime holds nothing.
            _ => places.push((path.display().to_string(), fs::read(&path).unwrap_or_default())),
        }
    }
}

/// Every object of every repository below a folder: packs are compressed, so that their files tell nothing.
fn every_object(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    let is_repository = folder.join("HEAD").is_file() && folder.join("objects").is_dir();
    if is_repository {
        let mut command = clean_git(folder);
        command.args(["--git-dir", "."]).args(["cat-file", "--batch-all-objects", "--batch"]);
        let output = command.output().expect("git runs");
        places.push((format!("objects of {}", folder.display()), output.stdout));
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            every_object(&entry.path(), places);
        }
    }
}
