//! The contract: GitHub's own description of its API, served by Prism.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::server::fault::{Fault, Harm, When};
use super::server::http::Answer;
use super::server::log::Entry;
use super::walk::{Walker, peopled, walk};

/// The folder of Prism and the description, when `tests/run` installed it.
fn tools() -> Option<PathBuf> {
    let tools = std::env::var_os("APISCAFFOLD_TEST_GITHUB").map(PathBuf::from);
    if tools.is_none() {
        println!("GitHub's description: not installed (tests/run does it), skipped");
    }
    tools
}

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
    for entry in log.iter().filter(|entry| !entry.is_git()) {
        let method: Method = entry.method.parse().expect("a method");
        let query = if entry.query.is_empty() { String::new() } else { format!("?{}", entry.query) };
        let (status, _, said) = walker.call(&method, &format!("{}{query}", entry.path), entry.body.as_ref());
        assert!((200..300).contains(&status), "{} {:?}: {status} {said}", entry.line(), entry.body);
    }
}

#[test]
fn the_server_answers_as_github_s_own_description_says() {
    let Some(tools) = tools() else { return };
    let (github, token) = peopled();
    let prism = Prism::before(&tools, &github.url());
    let walker = Walker::new(prism.url.clone(), token);
    walk(&github, &walker);
    // The judge is awake: it refuses what is not described, on both sides.
    let odd = json!({"name": "x", "colour": "red"});
    assert_eq!(walker.call(&Method::POST, "/orgs/nhs/repos", Some(&odd)).0, 422);
    github.plan(Fault::new(When::Call("GET", "/repos/nhs/my-api".to_owned()), Harm::Answer(Answer::json(200, &odd))));
    assert_eq!(walker.call(&Method::GET, "/repos/nhs/my-api", None).0, 500);
    replay(&Prism::mock(&tools), &github.take_log());
}
