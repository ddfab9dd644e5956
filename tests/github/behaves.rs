//! The server does wrong exactly what it is told to do wrong, refuses what GitHub refuses, and notices leaks.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::GitHub;
use super::server::fault::{Fault, Harm, Side, Teller, When, answers};
use super::server::log::round_trips;
use super::server::state::{App, TokenKind};
use super::walk::{Walker, peopled, push};

const TOPICS: &str = "/repos/nhs/my-api/topics";

fn walker() -> (GitHub, Walker) {
    let (github, token) = peopled();
    let walker = Walker::new(github.url(), token);
    (github, walker)
}

fn make(walker: &Walker, name: &str) -> (u16, Value) {
    let (status, _, body) = walker.call(&Method::POST, "/orgs/nhs/repos", Some(&json!({"name": name})));
    (status, serde_json::from_str(&body).expect("JSON"))
}

fn status(walker: &Walker, method: &Method, path: &str, body: Option<&Value>) -> u16 {
    walker.call(method, path, body).0
}

#[test]
fn a_name_that_is_taken_is_refused_in_github_s_words() {
    let (_github, walker) = walker();
    assert_eq!(make(&walker, "my-api").0, 201);
    let (status, body) = make(&walker, "MY-API");
    assert_eq!(status, 422);
    assert_eq!(body["message"], "Repository creation failed.");
    assert_eq!(body["errors"][0]["field"], "name");
    assert_eq!(body["errors"][0]["message"], "name already exists on this account");
}

#[test]
fn broken_connections_break_before_or_after_the_effect() {
    let (github, walker) = walker();
    make(&walker, "my-api");
    for (harm, limit) in [(Harm::Reset, 5000), (Harm::Silence, 100)] {
        for side in [Side::Before, Side::After] {
            github.state().repositories[0].topics.clear();
            github.plan(Fault::new(When::Call("PUT", "/topics".to_owned()), harm.clone()).side(side));
            let failed = walker.fails(&Method::PUT, TOPICS, &json!({"names": ["a"]}), Duration::from_millis(limit));
            assert_eq!(failed.is_timeout(), matches!(harm, Harm::Silence), "{failed:?}");
            assert_eq!(github.state().repositories[0].topics.len(), usize::from(side == Side::After), "{harm:?}");
            assert_eq!(status(&walker, &Method::GET, TOPICS, None), 200, "only once");
        }
    }
}

#[test]
fn a_closed_door_refuses_connections_and_opens_again() {
    let (github, walker) = walker();
    // On a busy machine the second call may come late.
    github.plan(Fault::new(When::Nth(1), Harm::Closed(Duration::from_secs(3))));
    assert_eq!(status(&walker, &Method::GET, "/user", None), 200);
    let failed = walker.fails(&Method::GET, "/user", &json!({}), Duration::from_secs(1));
    assert!(failed.is_connect(), "{failed:?}");
    opens_again(github.url());
    assert_eq!(status(&walker, &Method::GET, "/user", None), 200);
}

/// Waits until connections are taken.
fn opens_again(url: String) {
    let address = url.trim_start_matches("http://").to_owned();
    let end = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < end, "the door stays closed");
        thread::yield_now();
    }
}

#[test]
fn a_server_whose_door_is_closed_can_be_stopped() {
    let (github, walker) = walker();
    github.plan(Fault::new(When::Nth(1), Harm::Closed(Duration::from_millis(300))));
    assert_eq!(status(&walker, &Method::GET, "/user", None), 200);
    let began = Instant::now();
    drop(github);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn answers_of_a_plan_come_as_often_as_it_says() {
    let (github, walker) = walker();
    make(&walker, "my-api");
    github.plan(Fault::new(When::AfterCreation, Harm::Answer(answers::broken(502))).times(2));
    let got: Vec<u16> = (0..3).map(|_| status(&walker, &Method::GET, TOPICS, None)).collect();
    assert_eq!(got, [502, 502, 200]);
    github.plan(
        Fault::new(When::AfterCreation, Harm::Answer(answers::bad_credentials())).lasting(Duration::from_millis(200)),
    );
    assert_eq!(status(&walker, &Method::GET, TOPICS, None), 401);
    assert_eq!(status(&walker, &Method::GET, "/user", None), 200, "no repository");
    let end = Instant::now() + Duration::from_secs(30);
    while status(&walker, &Method::GET, TOPICS, None) == 401 {
        assert!(Instant::now() < end, "it lasts for ever");
    }
    github.plan(Fault::new(When::Call("*", "/user".to_owned()), Harm::Expire));
    assert_eq!(status(&walker, &Method::GET, "/user", None), 401);
    assert_eq!(status(&walker, &Method::GET, "/user", None), 401, "expired for good");
}

#[test]
fn a_test_that_is_told_can_end_the_client_before_the_answer() {
    let (github, walker) = walker();
    let (teller, arrivals) = Teller::new();
    github.plan(Fault::new(When::Nth(1), Harm::Tell(teller)));
    let waiting = thread::spawn(move || walker.fails(&Method::GET, "/user", &json!({}), Duration::from_secs(9)));
    let go = arrivals.recv_timeout(Duration::from_secs(9)).expect("reached");
    assert!(!waiting.is_finished());
    drop(go);
    waiting.join().expect("it failed as it should");
}

#[test]
fn pushes_are_refused_for_a_wrong_token_a_hook_a_ruleset_and_a_missing_scope() {
    let (github, walker) = walker();
    make(&walker, "my-api");
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("{}/nhs/my-api.git", github.url());
    let refused = |token: &str| push(folder.path(), &url, token).expect_err("refused");
    refused("nobody");
    github.plan(Fault::new(When::Call("POST", "git-receive-pack".to_owned()), Harm::Hook("not today".to_owned())));
    assert!(refused(&walker.token).contains("not today"));
    let bare = github.add_token("octo", TokenKind::Classic(vec!["repo"]));
    assert!(refused(&bare).contains("without `workflow` scope"));
    let ruleset = json!({
        "name": "all", "enforcement": "active", "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"]}},
        "rules": [{"type": "creation"}],
    });
    github.organization("nhs", |nhs| nhs.rulesets.push(ruleset.as_object().cloned().expect("an object")));
    assert!(refused(&walker.token).contains("GH013"));
    github.organization("nhs", |nhs| nhs.rulesets.clear());
    push(folder.path(), &url, &walker.token).expect("pushed");
    assert_eq!(github.end()[0]["refs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_github_refuses_is_refused() {
    let (github, walker) = walker();
    let wrong = |method: Method, path: &str, body: Value| status(&walker, &method, path, Some(&body));
    make(&walker, "my-api");
    let repository = "/repos/nhs/my-api";
    assert_eq!(wrong(Method::PATCH, repository, json!({"default_branch": "main"})), 422, "empty repository");
    assert_eq!(wrong(Method::PUT, TOPICS, json!({"names": ["Big"]})), 422);
    assert_eq!(wrong(Method::PUT, "/orgs/nhs/teams/nobody/repos/nhs/my-api", json!({})), 404);
    let same = json!({"deployment_branch_policy": {"protected_branches": true, "custom_branch_policies": true}});
    assert_eq!(wrong(Method::PUT, "/repos/nhs/my-api/environments/int", same), 422);
    let secret = json!({"encrypted_value": "AAAA", "key_id": "1"});
    assert_eq!(wrong(Method::PUT, "/repos/nhs/my-api/actions/secrets/A", secret), 422, "not sealed for it");
    assert_eq!(wrong(Method::PUT, "/repos/nhs/my-api/automated-security-fixes", json!({})), 422, "no alerts");
    let property = json!({"properties": [{"property_name": "unknown", "value": "x"}]});
    assert_eq!(wrong(Method::PATCH, "/repos/nhs/my-api/properties/values", property), 422);
    for (path, body) in [
        ("/repos/nhs/my-api/actions/variables", json!({"name": "A", "value": "b"})),
        ("/repos/nhs/my-api/rulesets", json!({"name": "A", "enforcement": "active"})),
    ] {
        assert_eq!(wrong(Method::POST, path, body.clone()), 201);
        assert!([409, 422].contains(&wrong(Method::POST, path, body)), "{path}: only once");
    }
    assert_eq!(status(&walker, &Method::GET, "/repos/nhs/my-api/", None), 404, "a slash at the end");
    let actions = Walker::new(github.url(), github.add_token("nhs", TokenKind::Actions));
    assert_eq!(make(&actions, "other").0, 403);
    let stranger = Walker::new(github.url(), github.add_token("stranger", TokenKind::FineGrained));
    assert_eq!(make(&stranger, "other").0, 403);
}

#[test]
fn more_than_eighty_writes_in_a_minute_are_too_many() {
    let (_github, walker) = walker();
    make(&walker, "my-api");
    let body = json!({"names": ["a"]});
    let got: Vec<u16> = (1..=80).map(|_| status(&walker, &Method::PUT, TOPICS, Some(&body))).collect();
    assert_eq!((got[78], got[79]), (200, 403));
    assert_eq!(status(&walker, &Method::GET, TOPICS, None), 200);
}

#[test]
fn lists_come_in_pages_whose_links_lead_on() {
    let (github, walker) = walker();
    for number in 0..31 {
        github.add_team("nhs", &format!("team-{number:02}"));
    }
    let (_, link, first) = walker.call(&Method::GET, "/orgs/nhs/teams", None);
    let next = link.split(['<', '>']).nth(1).expect("a link");
    let (_, end, second) = walker.call(&Method::GET, next, None);
    let count = |text: &str| serde_json::from_str::<Vec<Value>>(text).expect("a list").len();
    assert_eq!((count(&first), count(&second), end.as_str()), (30, 2, ""));
}

/// A key pair of an App, made by `ssh-keygen`: private in PKCS#1, as GitHub hands it out, and public.
pub(super) fn app_keys() -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    let run = |arguments: &[&str]| {
        let output = Command::new("ssh-keygen").args(arguments).arg("-f").arg(&key).output().expect("ssh-keygen runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    run(&["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
    let public = run(&["-e", "-m", "PKCS8"]);
    let mut private = String::new();
    std::fs::File::open(&key).expect("made").read_to_string(&mut private).expect("read");
    (private, public)
}

#[test]
fn an_app_gets_tokens_for_its_own_key_only() {
    let (github, _) = walker();
    let (private, public_key) = app_keys();
    let (other, _) = app_keys();
    github.state().app = Some(App::new(public_key, 3600));
    let jwt = |key: &str, life: i64| {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({"iat": now - 30, "exp": now + life, "iss": "7"});
        let key = EncodingKey::from_rsa_pem(key.as_bytes()).expect("a key");
        encode(&Header::new(Algorithm::RS256), &claims, &key).expect("signed")
    };
    let ask = |jwt: String| {
        let walker = Walker::new(github.url(), jwt);
        let found = status(&walker, &Method::GET, "/orgs/nhs/installation", None);
        let (made, _, body) = walker.call(&Method::POST, "/app/installations/70/access_tokens", None);
        (found, made, body)
    };
    assert_eq!(ask(jwt(&other, 300)).0, 401);
    assert_eq!(ask(jwt(&private, 900)).0, 401, "too long");
    let (found, made, body) = ask(jwt(&private, 300));
    assert_eq!((found, made), (200, 201));
    let token = serde_json::from_str::<Value>(&body).expect("JSON")["token"].as_str().expect("a token").to_owned();
    let walker = Walker::new(github.url(), token);
    assert_eq!(make(&walker, "my-api").0, 201);
    assert_eq!(status(&walker, &Method::GET, "/user", None), 403);
    assert_eq!(status(&walker, &Method::DELETE, "/installation/token", None), 204);
    assert_eq!(status(&walker, &Method::GET, "/repos/nhs/my-api", None), 401, "revoked");
}

#[test]
fn a_narrowed_token_may_do_what_it_was_asked_for_where_it_was_asked_for() {
    let (github, owner) = walker();
    let (private, public_key) = app_keys();
    github.state().app = Some(App::new(public_key, 3600));
    for name in ["my-api", "other"] {
        make(&owner, name);
    }
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({"iat": now - 30, "exp": now + 300, "iss": "7"});
    let key = EncodingKey::from_rsa_pem(private.as_bytes()).expect("a key");
    let app = Walker::new(github.url(), encode(&Header::new(Algorithm::RS256), &claims, &key).expect("signed"));
    let ask = |body: Value| {
        let (status, _, body) = app.call(&Method::POST, "/app/installations/70/access_tokens", Some(&body));
        (status, serde_json::from_str::<Value>(&body).expect("JSON"))
    };
    assert_eq!(ask(json!({"permissions": {"packages": "read"}})).0, 422);
    assert_eq!(ask(json!({"permissions": {"organization_custom_properties": "write"}})).0, 422);
    assert_eq!(ask(json!({"repositories": ["my-api", "nobody-s"]})).0, 422);
    let (status_of, told) = ask(json!({"permissions": {"issues": "read"}, "repositories": ["my-api"]}));
    assert_eq!((status_of, &told["permissions"]), (201, &json!({"issues": "read", "metadata": "read"})));
    let token = told["token"].as_str().expect("a token").to_owned();
    let walker = Walker::new(github.url(), token.clone());
    for (method, path, expected) in [
        (Method::GET, "/repos/nhs/my-api", 200),
        (Method::GET, "/repos/nhs/my-api/issues", 200),
        (Method::POST, "/repos/nhs/my-api/issues", 403),
        (Method::GET, "/repos/nhs/my-api/teams", 403),
        (Method::GET, "/repos/nhs/other", 404),
        (Method::POST, "/orgs/nhs/repos", 403),
    ] {
        assert_eq!(status(&walker, &method, path, None), expected, "{method} {path}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let refused = push(folder.path(), &format!("{}/nhs/my-api.git", github.url()), &token).expect_err("refused");
    assert!(refused.contains("403"), "{refused}");
}

#[test]
fn a_renamed_repository_redirects_to_its_id() {
    let (github, walker) = walker();
    let id = github.add_repository("nhs", "new-name", "public");
    github.state().renamed.insert("nhs/old-name".to_owned(), id);
    let (status, _, body) = walker.call(&Method::GET, "/repos/nhs/old-name", None);
    assert_eq!(status, 200);
    assert!(body.contains("\"full_name\":\"nhs/new-name\""), "{body}");
}

#[test]
fn secrets_in_urls_bodies_and_arguments_are_noticed() {
    let (github, walker) = walker();
    status(&walker, &Method::GET, "/user", None);
    assert_eq!(github.leaks(), [""; 0]);
    status(&walker, &Method::GET, &format!("/user?token={}", walker.token), None);
    assert_eq!(github.leaks(), ["GET /user: URL"]);
    github.guard("hush-hush");
    status(&walker, &Method::POST, "/user/repos", Some(&json!({"name": "hush-hush"})));
    assert_eq!(github.leaks().len(), 2);
    // A shell that says that it is there and waits for a line, with the token as its name.
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo; read line", &walker.token]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = shell.spawn().expect("it starts");
    child.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("it is there");
    status(&walker, &Method::GET, "/user", None);
    child.kill().expect("ended");
    child.wait().expect("ended");
    assert_eq!(github.leaks().last().map(String::as_str), Some("GET /user: arguments"));
}

#[test]
fn round_trips_at_the_same_time_count_once() {
    let (github, walker) = walker();
    github.set_latency(Duration::from_millis(100));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| status(&walker, &Method::GET, "/user", None));
        }
    });
    status(&walker, &Method::GET, "/user", None);
    assert!(began.elapsed() >= Duration::from_millis(200));
    let log = github.take_log();
    assert_eq!((log.len(), round_trips(&log)), (4, 2));
    assert!(log.iter().all(|entry| entry.status == Some(200) && !entry.is_write()));
    assert_eq!(github.take_log().len(), 0);
}
