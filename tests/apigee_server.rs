//! The Apigee management API as far as the generated scripts use it, over real HTTP on this machine: bundles are
//! imported and become revisions, deployments are pending for a while, and what is deployed answers a request as the
//! flow of its own bundle says whose condition holds.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::{Value, json};

use crate::gateway::{flow, refuses};
use crate::small_http::{Answer, Answers, Request, Server};

/// The key that `_status` asks for.
pub(crate) const STATUS_KEY: &str = "monitoring-key-5f1d";
const ENDPOINT: &str = "apiproxy/proxies/default.xml";
const PASSWORD: &str = "machine-password-77aa";

/// How the server behaves; the default is well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// A deployment is pending for so many looks at it.
    pub(crate) looks: usize,
    /// Every deployment ends in this error.
    pub(crate) fails: Option<&'static str>,
    /// A token is good for so many requests.
    pub(crate) token_lasts: Option<usize>,
    /// What stands behind the proxies is down.
    pub(crate) target_is_down: bool,
    /// This many requests are answered 503 before the server comes round.
    pub(crate) hiccups: usize,
}

#[derive(Default)]
struct State {
    manner: Manner,
    tokens_given: usize,
    token_used: usize,
    log: Vec<String>,
    /// The bundles of each proxy; revision 1 is the first.
    proxies: BTreeMap<String, Vec<Vec<u8>>>,
    /// By environment and proxy: the revision, and for how many looks it is pending yet.
    deployments: BTreeMap<(String, String), (usize, usize)>,
    targets: BTreeMap<(String, String), Value>,
}

/// Serves until it is dropped.
pub(crate) struct ApigeeServer(Server<State>);

impl ApigeeServer {
    pub(crate) fn start(manner: Manner) -> Self {
        Self(Server::start(State { manner, ..State::default() }))
    }

    /// The base URL of the management API.
    pub(crate) fn management(&self) -> String {
        self.0.url() + "/v1"
    }

    /// Where tokens are given.
    pub(crate) fn login(&self) -> String {
        self.0.url() + "/oauth/token"
    }

    /// The base URL of an environment; a proxy's base path follows.
    pub(crate) fn gateway(&self, environment: &str) -> String {
        format!("{}/{environment}", self.0.url())
    }

    /// What to sign in with.
    pub(crate) fn account() -> [(&'static str, &'static str); 2] {
        [("APIGEE_USERNAME", "machine"), ("APIGEE_PASSWORD", PASSWORD)]
    }

    /// The token that would be taken now.
    pub(crate) fn give_token(&self) -> String {
        let mut state = self.0.state();
        state.tokens_given += 1;
        state.token()
    }

    /// Everything that must never be seen in an output.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![PASSWORD.to_owned(), STATUS_KEY.to_owned()];
        secrets.extend((1..=self.0.state().tokens_given).map(token));
        secrets
    }

    pub(crate) fn tokens_given(&self) -> usize {
        self.0.state().tokens_given
    }

    /// Method and path of each request that was let in.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.state().log.clone()
    }

    /// Proxy and revision in an environment.
    pub(crate) fn deployed(&self, environment: &str) -> Vec<(String, usize)> {
        let state = self.0.state();
        let here = state.deployments.iter().filter(|((stage, _), _)| stage == environment);
        here.map(|((_, name), (revision, _))| (name.clone(), *revision)).collect()
    }

    /// Names and numbers of revisions of all proxies.
    pub(crate) fn proxies(&self) -> Vec<(String, usize)> {
        self.0.state().proxies.iter().map(|(name, bundles)| (name.clone(), bundles.len())).collect()
    }

    pub(crate) fn target(&self, environment: &str, name: &str) -> Option<Value> {
        self.0.state().targets.get(&(environment.to_owned(), name.to_owned())).cloned()
    }
}

fn token(number: usize) -> String {
    format!("access-token-{number}-c0ffee")
}

fn fault(status: u16, message: impl Into<String>) -> Answer {
    (status, json!({"code": "test", "message": message.into()}))
}

impl Answers for State {
    fn answer(&mut self, request: &Request) -> Answer {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["oauth", "token"] => self.sign_in(request),
            ["v1", "organizations", organisation, rest @ ..] => {
                if self.manner.hiccups > 0 && request.method == "GET" {
                    self.manner.hiccups -= 1;
                    return fault(503, "come back later");
                }
                if !self.lets_in(request) {
                    return fault(401, "Invalid access token");
                }
                self.log.push(format!("{} {organisation}/{}", request.method, rest.join("/")));
                self.manage(request, rest)
            }
            [environment, path @ ..] => self.call(request, environment, &path.join("/")),
            [] => fault(404, "nothing here"),
        }
    }
}

impl State {
    fn token(&self) -> String {
        token(self.tokens_given)
    }

    fn sign_in(&mut self, request: &Request) -> Answer {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        if !form.contains("grant_type=password") || !form.contains(&format!("password={PASSWORD}")) {
            return (401, json!({"error": "unauthorized", "error_description": "Bad credentials"}));
        }
        self.tokens_given += 1;
        self.token_used = 0;
        (200, json!({"access_token": self.token(), "expires_in": 1799}))
    }

    fn lets_in(&mut self, request: &Request) -> bool {
        let good = request.headers.get("authorization") == Some(&format!("Bearer {}", self.token()));
        self.token_used += usize::from(good);
        good && self.tokens_given > 0 && self.manner.token_lasts.is_none_or(|lasts| self.token_used <= lasts)
    }

    fn manage(&mut self, request: &Request, rest: &[&str]) -> Answer {
        match (request.method.as_str(), rest) {
            ("POST", ["apis"]) => self.import(request),
            ("DELETE", ["apis", name]) => self.delete(name),
            ("GET", ["apis", name, "deployments"]) => self.deployments(name),
            (method, ["environments", stage, "apis", name, "revisions", revision, "deployments"]) => {
                let Ok(revision) = revision.parse() else { return fault(400, "no revision") };
                match method {
                    "POST" => self.deploy((stage, name, revision), request.query.contains("override=true")),
                    "DELETE" => self.undeploy(stage, name),
                    _ => self.look(stage, name, revision),
                }
            }
            (method, ["environments", stage, "targetservers", name @ ..]) => self.target(method, stage, name, request),
            _ => fault(404, "no such resource"),
        }
    }

    fn import(&mut self, request: &Request) -> Answer {
        let name = request.query.split('&').find_map(|pair| pair.strip_prefix("name="));
        let Some(name) = name.filter(|_| request.query.contains("action=import")) else {
            return fault(400, "name and action are needed");
        };
        if base_path(&request.body).is_none() {
            return fault(400, "the bundle holds no proxy endpoint");
        }
        let bundles = self.proxies.entry(name.to_owned()).or_default();
        bundles.push(request.body.clone());
        (201, json!({"name": name, "revision": bundles.len().to_string()}))
    }

    fn delete(&mut self, name: &str) -> Answer {
        if self.deployments.keys().any(|(_, deployed)| deployed == name) {
            return fault(409, "the proxy is deployed");
        }
        match self.proxies.remove(name) {
            Some(_) => (200, json!({"name": name})),
            None => fault(404, "no such proxy"),
        }
    }

    fn deployments(&self, name: &str) -> Answer {
        if !self.proxies.contains_key(name) {
            return fault(404, "no such proxy");
        }
        let here = self.deployments.iter().filter(|((_, deployed), _)| deployed == name);
        let stages: Vec<Value> = here
            .map(|((stage, _), (revision, _))| {
                json!({"name": stage, "revision": [{"name": revision.to_string(), "state": "deployed"}]})
            })
            .collect();
        (200, json!({"name": name, "environment": stages}))
    }

    fn deploy(&mut self, (stage, name, revision): (&str, &str, usize), replaces: bool) -> Answer {
        let Some(path) = self.bundle(name, revision).and_then(base_path) else { return fault(404, "no such revision") };
        let taken = self.deployments.iter().find(|((here, other), (at, _))| {
            here == stage && other != name && self.bundle(other, *at).and_then(base_path).as_ref() == Some(&path)
        });
        if let Some(((_, other), _)) = taken {
            return fault(409, format!("base path {path} is taken by {other}"));
        }
        let key = (stage.to_owned(), name.to_owned());
        if self.deployments.contains_key(&key) && !replaces {
            return fault(409, "another revision is deployed");
        }
        self.deployments.insert(key, (revision, self.manner.looks));
        (200, json!({"state": "pending", "revision": revision.to_string()}))
    }

    fn undeploy(&mut self, stage: &str, name: &str) -> Answer {
        match self.deployments.remove(&(stage.to_owned(), name.to_owned())) {
            Some(_) => (200, json!({"state": "undeployed"})),
            None => fault(404, "it is not deployed"),
        }
    }

    fn look(&mut self, stage: &str, name: &str, revision: usize) -> Answer {
        if let Some(why) = self.manner.fails {
            return (200, json!({"state": "error", "server": [{"status": "error", "error": why}]}));
        }
        match self.deployments.get_mut(&(stage.to_owned(), name.to_owned())) {
            Some((deployed, 0)) if *deployed == revision => {
                (200, json!({"state": "deployed", "server": [{"status": "deployed"}]}))
            }
            Some((deployed, looks)) if *deployed == revision => {
                *looks -= 1;
                (200, json!({"state": "pending", "server": [{"status": "pending"}]}))
            }
            _ => fault(404, "it is not deployed"),
        }
    }

    fn target(&mut self, method: &str, stage: &str, name: &[&str], request: &Request) -> Answer {
        if method == "GET" {
            let found = name.first().and_then(|name| self.targets.get(&(stage.to_owned(), (*name).to_owned())));
            return found.map_or_else(|| fault(404, "no such target server"), |found| (200, found.clone()));
        }
        let Ok(server) = serde_json::from_slice::<Value>(&request.body) else { return fault(400, "no JSON") };
        let key = (stage.to_owned(), server["name"].as_str().unwrap_or_default().to_owned());
        if self.targets.contains_key(&key) != (method == "PUT") {
            return fault(409, "it is there, or it is not");
        }
        self.targets.insert(key, server.clone());
        (201, server)
    }

    fn bundle(&self, name: &str, revision: usize) -> Option<&Vec<u8>> {
        self.proxies.get(name)?.get(revision.checked_sub(1)?)
    }

    /// A call to what is deployed: the longest base path that fits, answered as its bundle says.
    fn call(&self, request: &Request, environment: &str, path: &str) -> Answer {
        let here = self.deployments.iter().filter(|((stage, _), (_, looks))| stage == environment && *looks == 0);
        let fits = here.filter_map(|((_, name), (revision, _))| {
            let bundle = self.bundle(name, *revision)?;
            let rest = format!("/{path}").strip_prefix(&base_path(bundle)?)?.to_owned();
            (rest.is_empty() || rest.starts_with('/')).then_some((rest, bundle, revision))
        });
        let Some((rest, bundle, revision)) = fits.min_by_key(|(rest, ..)| rest.len()) else {
            return fault(404, "no proxy has this base path");
        };
        let commit = variable(bundle, "release.commit");
        let endpoint = entry(bundle, ENDPOINT).unwrap_or_default();
        let Ok(endpoint) = roxmltree::Document::parse(&endpoint) else { return fault(500, "no XML") };
        let Some(flow) = flow(&endpoint, request, &rest) else { return fault(500, "no flow takes this") };
        match flow.attribute("name") {
            _ if refuses(flow) => fault(404, "no such operation"),
            Some("Ping") => (200, json!({"commitId": commit, "revision": revision.to_string()})),
            Some("Status") if request.headers.get("apikey").map(String::as_str) != Some(STATUS_KEY) => fault(401, "no"),
            Some("Status") if self.manner.target_is_down => (503, json!({"status": "fail"})),
            Some("Status") => (200, json!({"status": "pass", "commitId": commit})),
            name => (200, json!({"flow": name})),
        }
    }
}

/// The base path in a bundle.
fn base_path(bundle: impl AsRef<[u8]>) -> Option<String> {
    let endpoint = entry(bundle.as_ref(), ENDPOINT)?;
    let document = roxmltree::Document::parse(&endpoint).ok()?;
    let path = document.descendants().find(|node| node.has_tag_name("BasePath"))?;
    path.text().map(str::to_owned)
}

/// What a bundle's `AssignMessage.Release` sets the variable to.
fn variable(bundle: &[u8], name: &str) -> Option<String> {
    let policy = entry(bundle, "apiproxy/policies/AssignMessage.Release.xml")?;
    let document = roxmltree::Document::parse(&policy).ok()?;
    let child = |node: &roxmltree::Node<'_, '_>, tag: &str| {
        node.children().find(|child| child.has_tag_name(tag)).and_then(|child| child.text().map(str::to_owned))
    };
    let mut variables = document.descendants().filter(|node| node.has_tag_name("AssignVariable"));
    variables.find(|node| child(node, "Name").as_deref() == Some(name)).and_then(|node| child(&node, "Value"))
}

/// The text of a file in a zip whose local headers hold the sizes, as Python's `zipfile` writes them.
pub(crate) fn entry(zip: &[u8], wanted: &str) -> Option<String> {
    let number = |at: usize, bytes: usize| {
        zip.get(at..at + bytes)
            .map(|found| found.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    let mut at = 0;
    while zip.get(at..at + 4)? == b"PK\x03\x04" {
        let (packed, name, extra) = (number(at + 18, 4)?, number(at + 26, 2)?, number(at + 28, 2)?);
        let start = at + 30 + name + extra;
        if zip.get(at + 30..at + 30 + name)? == wanted.as_bytes() {
            let mut text = String::new();
            flate2::read::DeflateDecoder::new(zip.get(start..start + packed)?).read_to_string(&mut text).ok()?;
            return Some(text);
        }
        at = start + packed;
    }
    None
}
