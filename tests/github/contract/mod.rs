//! The contract: GitHub's own description of its API, served by Prism.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::server::fault::{Fault, Harm, When};
use super::server::http::Answer;
use super::server::log::Entry;
use super::server::state::TokenKind;
use super::story::Story;
use super::walk::{Walker, walk};
use crate::tools::github;

/// Prism on this machine; it ends when it is dropped.
struct Prism {
    child: Child,
    url: String,
}

impl Prism {
    /// Answers with the description's examples, and refuses requests that it does not allow.
    fn mock(tools: &Path) -> Self {
        Self::start(tools, &["mock"], &[])
    }

    /// Stands before a server and refuses requests as well as answers that the description does not allow.
    fn before(tools: &Path, url: &str) -> Self {
        Self::start(tools, &["proxy", "--errors"], &[url])
    }

    fn start(tools: &Path, mode: &[&str], last: &[&str]) -> Self {
        let mut command = Command::new(tools.join("node_modules/.bin/prism"));
        command.args(mode).args(["--host", "127.0.0.1", "--port", "0"]).arg(tools.join("github.json")).args(last);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Prism starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let (tell, told) = channel();
        // It is read to its end, or Prism would stop for want of a reader.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("listening on ") {
                    let _ = tell.send(url.trim().to_owned());
                }
            }
        });
        let url = told.recv_timeout(Duration::from_secs(60)).expect("Prism listens");
        Self { child, url }
    }
}

impl Drop for Prism {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends what a client sent to the server again, to Prism: every request must be one that GitHub describes.
fn replay(prism: &Prism, log: &[Entry]) {
    let walker = Walker::new(prism.url.clone(), "nobody's".to_owned());
    // GraphQL is described elsewhere.
    for entry in log.iter().filter(|entry| !entry.is_git() && entry.path != "/graphql") {
        let method: Method = entry.method.parse().expect("a method");
        let query = if entry.query.is_empty() { String::new() } else { format!("?{}", entry.query) };
        let (status, _, said) = walker.call(&method, &format!("{}{query}", entry.path), entry.body.as_ref());
        assert!((200..300).contains(&status), "{} {:?}: {status} {said}", entry.line(), entry.body);
    }
}

/// Every request of a log is one that GitHub describes.
pub(super) fn described(log: &[Entry]) {
    replay(&Prism::mock(&github()), log);
}

/// The server itself: every answer it has.
fn server_is_sound(story: &Story, prism: &Prism) {
    let token = story.variables[0].1.clone();
    let walker = Walker::new(prism.url.clone(), token);
    walk(&story.github, &walker);
    // The judge is awake: it refuses what is not described, on both sides.
    let odd = json!({"name": "x", "colour": "red"});
    assert_eq!(walker.call(&Method::POST, "/orgs/nhs/repos", Some(&odd)).0, 422);
    let get = When::Call("GET", "/repos/nhs/my-api".to_owned());
    story.github.plan(Fault::new(get, Harm::Answer(Answer::json(200, &odd))));
    assert_eq!(walker.call(&Method::GET, "/repos/nhs/my-api", None).0, 500);
}

/// The program: every request it makes, and every answer it gets.
fn program_is_sound(story: &Story, prism: &Prism) {
    let new = [&Story::NEW[..], &["--create-teams"]].concat();
    let runs: [&[&str]; 6] = [
        &["doctor", "--owner", "nhs", "--template", "template"],
        &new,
        &new,
        &["check", "--settings", "my-api"],
        &["check", "--settings", "--fix", "my-api"],
        &["registry", "check"],
    ];
    for (number, arguments) in runs.into_iter().enumerate() {
        if number == 4 {
            story.github.state().repositories[0].topics.clear();
            story.github.state().repositories[0].variables.insert("HOST".to_owned(), "elsewhere".to_owned());
            story.github.state().repositories[0].rulesets[0].1.insert("enforcement".to_owned(), json!("disabled"));
        }
        if number == 5 {
            // Nobody's: it is looked into.
            story.github.add_repository("nhs", "other", "private");
        }
        let ran = story.heard(&story.command_at(&prism.url, arguments).output().expect("it starts"));
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        assert!(!ran.stderr.contains("not all checked"), "{ran:?}");
    }
}

#[test]
#[ignore = "needs GitHub's description, which tests/run installs"]
fn program_and_server_speak_as_github_s_own_description_says() {
    let tools = github();
    let mut story = super::app::story(3600);
    let of_app = story.variables.clone();
    let token = story.github.add_token("octo", TokenKind::Classic(vec!["repo", "workflow", "admin:org"]));
    story.variables.retain(|(name, _)| !name.starts_with("APISCAFFOLD_APP"));
    story.variables.insert(0, ("GH_TOKEN", token));
    let (prism, mock) = thread::scope(|scope| {
        let mock = scope.spawn(|| Prism::mock(&tools));
        (Prism::before(&tools, &story.github.url()), mock.join().expect("it starts"))
    });
    server_is_sound(&story, &prism);
    let mut log = story.requests();
    for is_app in [false, true] {
        story.forget();
        if is_app {
            story.variables.clone_from(&of_app);
        }
        program_is_sound(&story, &prism);
        log.extend(story.requests());
        if !is_app {
            story
                .program
                .write("plain/apiscaffold.toml", "[template]\nname = \"plain\"\n[github]\ntopics = [\"api\"]\n");
            story.program.write("plain/README.md", "# {{ name }}\n");
            let mine = ["new", "mine", "--owner", "octo", "--template", "plain", "--visibility", "private", "--yes"];
            for arguments in [&mine[..], &["registry", "check"]] {
                let ran = story.heard(&story.command_at(&prism.url, arguments).output().expect("it starts"));
                assert_eq!(ran.code, Some(0), "{ran:?}");
                assert!(!ran.stderr.contains("not all checked"), "{ran:?}");
            }
        }
    }
    println!("{} requests are as described", log.len());
    replay(&mock, &log);
    story.nothing_leaked();
}

#[test]
#[ignore = "needs GitHub's description, which tests/run installs"]
fn a_life_on_github_asks_as_github_s_own_description_says() {
    let tools = github();
    let prism = Prism::mock(&tools);
    for story in [super::phase::story(), super::signed::story()] {
        super::phase::live(&story);
        let log: Vec<Entry> =
            story.requests().into_iter().filter(|entry| entry.status.is_some_and(|code| code < 400)).collect();
        assert!(log.iter().any(|entry| entry.line().starts_with("POST") && entry.path.ends_with("/pulls")));
        replay(&prism, &log);
    }
}

#[test]
#[ignore = "needs GitHub's description, which tests/run installs"]
fn every_field_of_a_repository_is_a_template_s_to_set_or_has_somebody_else_who_decides() {
    let tools = github();
    let text = std::fs::read_to_string(tools.join("github.json")).expect("the description");
    let description: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let story = Story::new();
    let bodies = [("/repos/{owner}/{repo}", "patch"), ("/orgs/{org}/repos", "post"), ("/user/repos", "post")];
    for (path, method) in bodies {
        let body = &description["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"];
        for key in body["properties"].as_object().expect("fields").keys() {
            let text = format!("[template]\nname = \"t\"\n[github.repository]\n{key} = []\n");
            story.program.write("field/apiscaffold.toml", text);
            let ran = story.run(&["template", "questions", "--template", "field"]);
            assert!(ran.code == Some(3) && !ran.stderr.contains("has no key"), "`{key}` is unknown: {ran:?}");
        }
    }
}
