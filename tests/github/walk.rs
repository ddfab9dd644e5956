//! A walk past everything that the server answers, without the product: the server does what GitHub does.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::blocking::Client;
use serde_json::{Map, Value, json};

use super::server::GitHub;
use super::server::state::TokenKind;
use crate::git_server::git;

/// One call of the walk, and the status it must have.
pub(super) struct Step {
    method: Method,
    path: String,
    body: Option<Value>,
    status: u16,
}

/// Who walks: a client, the base of the API and a token.
pub(super) struct Walker {
    client: Client,
    pub(super) base: String,
    pub(super) token: String,
}

impl Walker {
    pub(super) fn new(base: String, token: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: Client::builder().user_agent("walker").build().expect("a client"), base, token }
    }

    /// Status, `Link` header and body of one call.
    pub(super) fn call(&self, method: &Method, path: &str, body: Option<&Value>) -> (u16, String, String) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.client.request(method.clone(), url).bearer_auth(&self.token);
        request = request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28");
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answer = request.send().unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let link = answer.headers().get("Link").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        (answer.status().as_u16(), link, answer.text().expect("a text"))
    }

    /// Why a call gets no answer within a time.
    pub(super) fn fails(&self, method: &Method, path: &str, body: &Value, limit: Duration) -> reqwest::Error {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        request.timeout(limit).body(body.to_string()).send().expect_err("no answer")
    }

    fn get(&self, path: &str) -> Value {
        let (status, _, body) = self.call(&Method::GET, path, None);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    pub(super) fn take(&self, steps: &[Step]) {
        for Step { method, path, body, status } in steps {
            let (got, _, said) = self.call(method, path, body.as_ref());
            assert_eq!(got, *status, "{method} {path} {body:?}: {said}");
        }
    }
}

fn get(path: &str) -> Step {
    Step { method: Method::GET, path: path.to_owned(), body: None, status: 200 }
}

fn ask(method: Method, path: &str, body: Value, status: u16) -> Step {
    Step { method, path: path.to_owned(), body: Some(body), status }
}

fn put(path: &str, status: u16) -> Step {
    Step { method: Method::PUT, path: path.to_owned(), body: None, status }
}

/// A ruleset that binds nobody.
pub(super) fn idle_ruleset() -> Map<String, Value> {
    let ruleset = json!({
        "name": "idle", "target": "branch", "enforcement": "disabled", "bypass_actors": [],
        "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}, "repository_name": {"include": ["~ALL"], "exclude": []}},
        "rules": [{"type": "creation"}],
    });
    ruleset.as_object().cloned().unwrap_or_default()
}

/// A server with an organisation `nhs`, and a token of its owner.
pub(super) fn peopled() -> (GitHub, String) {
    let github = GitHub::start();
    github.add_organization("nhs", "octo");
    github.organization("nhs", |nhs| nhs.properties = ["kind".to_owned()].into());
    github.add_team("nhs", "platform");
    github.organization("nhs", |nhs| nhs.rulesets.push(idle_ruleset()));
    let token = github.add_token("octo", TokenKind::Classic(vec!["repo", "workflow", "admin:org"]));
    (github, token)
}

/// Accounts, and the repository `nhs/my-api`, made and set up as far as an empty one can be.
pub(super) fn before_the_push(team: u64) -> Vec<Step> {
    let repository = "/repos/nhs/my-api";
    vec![
        get("/user"),
        get("/users/octo"),
        get("/orgs/nhs"),
        get("/user/memberships/orgs/nhs"),
        get("/orgs/nhs/memberships/octo"),
        get("/rate_limit"),
        get("/orgs/nhs/properties/schema"),
        get("/orgs/nhs/rulesets"),
        get("/orgs/nhs/rulesets/1"),
        get("/orgs/nhs/teams"),
        get("/orgs/nhs/teams/platform"),
        ask(Method::POST, "/orgs/nhs/teams", json!({"name": "My Readers", "privacy": "closed"}), 201),
        get("/orgs/nhs/teams/my-readers"),
        ask(
            Method::POST,
            "/orgs/nhs/repos",
            json!({"name": "my-api", "description": "d", "visibility": "public", "custom_properties": {"kind": "api"}}),
            201,
        ),
        ask(Method::POST, "/user/repos", json!({"name": "mine", "private": true}), 201),
        get(repository),
        ask(Method::PATCH, repository, json!({"allow_auto_merge": true, "delete_branch_on_merge": true}), 200),
        ask(
            Method::PATCH,
            repository,
            json!({"security_and_analysis": {"secret_scanning": {"status": "enabled"}}}),
            200,
        ),
        ask(Method::PUT, "/repos/nhs/my-api/topics", json!({"names": ["api", "apigee"]}), 200),
        get("/repos/nhs/my-api/topics"),
        ask(
            Method::PATCH,
            "/repos/nhs/my-api/properties/values",
            json!({"properties": [{"property_name": "kind", "value": "proxy"}]}),
            204,
        ),
        get("/repos/nhs/my-api/properties/values"),
        ask(Method::PUT, "/orgs/nhs/teams/platform/repos/nhs/my-api", json!({"permission": "maintain"}), 204),
        get("/repos/nhs/my-api/teams"),
        ask(
            Method::PUT,
            "/repos/nhs/my-api/environments/int",
            json!({
                "wait_timer": 5, "prevent_self_review": true, "reviewers": [{"type": "Team", "id": team}],
                "deployment_branch_policy": {"protected_branches": false, "custom_branch_policies": true},
            }),
            200,
        ),
        get("/repos/nhs/my-api/environments"),
        get("/repos/nhs/my-api/environments/int"),
        ask(
            Method::POST,
            "/repos/nhs/my-api/environments/int/deployment-branch-policies",
            json!({"name": "main", "type": "branch"}),
            200,
        ),
        get("/repos/nhs/my-api/environments/int/deployment-branch-policies"),
    ]
}

/// Variables, secrets, security, issues and rulesets.
pub(super) fn settings(sealed: &str, key: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for place in ["/repos/nhs/my-api/actions", "/repos/nhs/my-api/environments/int"] {
        let (variables, secrets) = (format!("{place}/variables"), format!("{place}/secrets"));
        steps.extend([
            ask(Method::POST, &variables, json!({"name": "HOST", "value": "a"}), 201),
            ask(Method::PATCH, &format!("{variables}/HOST"), json!({"value": "b"}), 204),
            get(&format!("{variables}/HOST")),
            get(&variables),
            get(&format!("{secrets}/public-key")),
            ask(Method::PUT, &format!("{secrets}/KEY"), json!({"encrypted_value": sealed, "key_id": key}), 201),
            ask(Method::PUT, &format!("{secrets}/KEY"), json!({"encrypted_value": sealed, "key_id": key}), 204),
            get(&secrets),
        ]);
    }
    let rules = json!({
        "name": "main", "target": "branch", "enforcement": "active", "bypass_actors": [],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "pull_request", "parameters": {
            "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": true,
            "require_code_owner_review": false, "require_last_push_approval": false,
            "required_review_thread_resolution": false,
        }}],
    });
    steps.extend([
        put("/repos/nhs/my-api/vulnerability-alerts", 204),
        Step { status: 204, ..get("/repos/nhs/my-api/vulnerability-alerts") },
        put("/repos/nhs/my-api/automated-security-fixes", 204),
        get("/repos/nhs/my-api/automated-security-fixes"),
        put("/repos/nhs/my-api/private-vulnerability-reporting", 204),
        get("/repos/nhs/my-api/private-vulnerability-reporting"),
        ask(
            Method::POST,
            "/repos/nhs/my-api/issues",
            json!({"title": "One", "body": "b", "labels": ["kick-off"]}),
            201,
        ),
        get("/repos/nhs/my-api/issues?state=all&per_page=100"),
        get("/repos/nhs/my-api/issues/1"),
        ask(Method::POST, "/repos/nhs/my-api/rulesets", rules, 201),
        get("/repos/nhs/my-api/rulesets"),
        get("/repos/nhs/my-api/rules/branches/main"),
    ]);
    steps
}

/// What git shows through the API, once something was pushed.
pub(super) fn after_the_push(commit: &str) -> Vec<Step> {
    let repository = "/repos/nhs/my-api";
    vec![
        ask(Method::PATCH, repository, json!({"default_branch": "main"}), 200),
        get("/repos/nhs/my-api/git/ref/heads%2Fmain"),
        get("/repos/nhs/my-api/git/matching-refs/heads%2F"),
        ask(Method::POST, "/repos/nhs/my-api/git/refs", json!({"ref": "refs/heads/other", "sha": commit}), 201),
        ask(Method::POST, "/repos/nhs/my-api/git/refs", json!({"ref": "refs/heads/other", "sha": commit}), 422),
        get(&format!("{repository}/git/commits/{commit}")),
        get(&format!("{repository}/git/trees/{commit}")),
        get("/repos/nhs/my-api/commits"),
        get("/repos/nhs/my-api/commits/main"),
        get("/repos/nhs/my-api/branches"),
        get("/repos/nhs/my-api/contents/.github%2Fworkflows%2Fhi.yml"),
        get("/orgs/nhs/repos?sort=created&direction=desc&per_page=100"),
        get("/users/octo/repos?sort=created&direction=desc&per_page=100"),
        get("/user/repos?affiliation=owner&sort=created&direction=desc&per_page=100"),
        ask(
            Method::POST,
            "/repos/nhs/my-api/actions/workflows/hi.yml/dispatches",
            json!({"ref": "main", "inputs": {"a": "b"}}),
            204,
        ),
        ask(
            Method::POST,
            "/repos/nhs/my-api/actions/workflows/hi.yml/dispatches",
            json!({"ref": "main", "return_run_details": true}),
            200,
        ),
    ]
}

/// Makes a repository with one commit and pushes it with real git; what git said.
pub(super) fn push(folder: &Path, url: &str, token: &str) -> Result<String, String> {
    if !folder.join(".git").exists() {
        git(folder, &["init", "--quiet", "--initial-branch=main"]);
        std::fs::create_dir_all(folder.join(".github/workflows")).expect("made");
        std::fs::write(folder.join(".github/workflows/hi.yml"), "on: push\n").expect("written");
        git(folder, &["add", "."]);
    }
    git(folder, &["commit", "--quiet", "--allow-empty", "-m", "one"]);
    let header =
        format!("http.extraHeader=Authorization: Basic {}", STANDARD.encode(format!("x-access-token:{token}")));
    let mut command = crate::git_server::clean_git(folder);
    let output = command.args(["-c", &header, "push", url, "main"]).output().expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(git(folder, &["rev-parse", "HEAD"])) } else { Err(said) }
}

/// Seals a value as a client does.
pub(super) fn seal(walker: &Walker, value: &str) -> (String, String) {
    let key = walker.get("/repos/nhs/my-api/actions/secrets/public-key");
    let bytes = STANDARD.decode(key["key"].as_str().expect("a key")).expect("base64");
    let bytes: [u8; 32] = bytes.try_into().expect("32 bytes");
    let sealed =
        crypto_box::PublicKey::from(bytes).seal(&mut crypto_box::aead::OsRng, value.as_bytes()).expect("sealed");
    (STANDARD.encode(sealed), key["key_id"].as_str().expect("an id").to_owned())
}

/// The whole walk.
pub(super) fn walk(github: &GitHub, walker: &Walker) {
    let team = walker.get("/orgs/nhs/teams/platform")["id"].as_u64().expect("an id");
    walker.take(&before_the_push(team));
    let folder = tempfile::tempdir().expect("a folder");
    let commit = push(folder.path(), &format!("{}/nhs/my-api.git", github.url()), &walker.token).expect("pushed");
    let (sealed, key) = seal(walker, "s3cret");
    walker.take(&settings(&sealed, &key));
    walker.take(&after_the_push(&commit));
    let rulesets = walker.get("/repos/nhs/my-api/rulesets");
    let path = format!("/repos/nhs/my-api/rulesets/{}", rulesets[0]["id"]);
    walker.take(&[get(&path), ask(Method::PUT, &path, json!({"enforcement": "disabled"}), 200)]);
}

#[test]
fn everything_that_is_set_is_held_and_shown() {
    let (github, token) = peopled();
    let walker = Walker::new(github.url(), token);
    walk(&github, &walker);
    let end = github.end();
    let settings = &end[0]["settings"];
    assert_eq!(settings["topics"], json!(["api", "apigee"]));
    assert_eq!(settings["properties"], json!({"kind": "proxy"}));
    assert_eq!(settings["teams"], json!({"platform": "maintain"}));
    assert_eq!(settings["environments"]["int"]["policies"], json!(["branch main"]));
    assert_eq!(settings["environments"]["int"]["secrets"], json!({"KEY": "s3cret"}));
    assert_eq!(settings["variables"], json!({"HOST": "b"}));
    assert_eq!(settings["secrets"], json!({"KEY": "s3cret"}));
    assert_eq!(settings["rulesets"][0]["enforcement"], "disabled");
    assert_eq!(end[0]["commits"], "1");
    assert_eq!(end[0]["refs"].as_array().map(Vec::len), Some(2));
}
