//! The deploy scripts of a generated repository, run end to end against a management API on this machine.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::apigee_server::{ApigeeServer, Manner, STATUS_KEY, entry};
use crate::program::{Program, Ran};
use crate::routes::write_specification;
use crate::tools::thorough;

/// A generated repository whose environments are on the server, bundled.
struct Repository {
    // Held for the folder.
    _program: Program,
    folder: PathBuf,
    server: ApigeeServer,
}

const LOGIN: &str = "python3 scripts/apigee.py token";

impl Repository {
    fn new(manner: Manner, arguments: &[&str]) -> Self {
        let (program, server) = (Program::new(), ApigeeServer::start(manner));
        program.done(&[&["new", "lib"], arguments].concat());
        let folder = program.folder().join("lib");
        let repository = Self { _program: program, folder, server };
        repository.edit("environments.toml", |text| {
            let mut text = text.to_owned();
            for name in
                ["internal-dev-sandbox", "internal-dev", "internal-qa-sandbox", "internal-qa", "ref", "int", "prod"]
            {
                let host = if name == "prod" { "api".to_owned() } else { format!("{name}.api") };
                text = text.replace(&format!("https://{host}.service.nhs.uk"), &repository.server.gateway(name));
            }
            text
        });
        write_specification(&repository.folder);
        repository.bundle(&[]);
        repository
    }

    /// What `make bundle` does once the specification is one document.
    fn bundle(&self, pull_request: &[&str]) {
        done(&self.script(&[&["bundle.py", "build/specification.json", "build"], pull_request].concat(), &[]));
    }

    fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) {
        let path = self.folder.join(path);
        let text = fs::read_to_string(&path).expect("read");
        let changed = change(&text);
        assert_ne!(text, changed, "nothing was changed");
        fs::write(path, changed).expect("written");
    }

    /// Runs a script with the environment of a workflow, and these variables on top.
    fn script(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let (script, rest) = arguments.split_first().expect("a script");
        let mut command = Command::new("python3");
        command.arg(format!("scripts/{script}")).args(rest).current_dir(&self.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("a path")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("APIGEE_URL", self.server.management()).env("APIGEE_LOGIN_URL", self.server.login());
        command.env("STATUS_ENDPOINT_API_KEY", STATUS_KEY).envs(ApigeeServer::account());
        command.env("APIGEE_TOKEN_COMMAND", LOGIN).envs(variables.iter().copied());
        let ran = Ran::of(&command.output().expect("python starts"));
        for secret in self.server.secrets() {
            assert!(!ran.stdout.contains(&secret) && !ran.stderr.contains(&secret), "a secret was told: {ran:?}");
        }
        ran
    }

    fn deploy(&self, arguments: &[&str]) -> Ran {
        self.script(&[&["deploy.py"], arguments, &["--pause", "0.01"]].concat(), &[])
    }

    /// Runs a script that must fail with one sentence; gives the sentence.
    fn refused(&self, ran: &Ran) -> String {
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        ran.stderr.trim_end().to_owned()
    }

    fn head(&self) -> String {
        let output = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(&self.folder).output().expect("git");
        String::from_utf8(output.stdout).expect("a commit").trim().to_owned()
    }

    fn zip(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join("build").join(name)).expect("built")
    }
}

fn done(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_bundle_is_imported_deployed_and_answers_with_its_commit() {
    let repository = Repository::new(Manner { looks: 2, ..Manner::default() }, &[]);
    let ran = repository.deploy(&["internal-dev"]);
    done(&ran);
    assert!(ran.stdout.ends_with(&format!("{}/lib\n", repository.server.gateway("internal-dev"))), "{ran:?}");
    let smoke = repository.script(&["smoke.py", "internal-dev", "--pause", "0.01"], &[]);
    done(&smoke);
    assert!(smoke.stdout.contains(&repository.head()), "{smoke:?}");

    done(&repository.deploy(&["internal-dev"]));
    assert_eq!(repository.server.deployed("internal-dev"), [("lib-internal-dev".to_owned(), 2)]);
    let log = repository.server.log();
    assert!(log.iter().all(|line| line.contains(" nhsd-nonprod/")), "{log:?}");
}

#[test]
fn the_same_artefact_goes_through_every_environment_in_order() {
    let repository = Repository::new(Manner::default(), &["--set", "environments=internal-dev,internal-qa,ref,int"]);
    let ran = repository.deploy(&["int", "--through"]);
    done(&ran);
    let log = repository.server.log();
    let order: Vec<&str> = log
        .iter()
        .filter(|line| line.starts_with("POST") && line.ends_with("/deployments"))
        .map(|line| line.split('/').nth(2).expect("an environment"))
        .collect();
    assert_eq!(order, ["internal-dev", "internal-qa", "ref", "int"]);
    assert!(log.iter().any(|line| line.starts_with("POST nhsd-prod/environments/int")), "{log:?}");
}

#[test]
fn a_promotion_stops_where_an_environment_fails() {
    let repository = Repository::new(Manner { target_is_down: true, ..Manner::default() }, &[]);
    let ran = repository.deploy(&["int", "--through"]);
    let said = repository.refused(&ran);
    assert!(said.contains("_status answers 503"), "{said}");
    assert_eq!(repository.server.deployed("internal-dev").len(), 1);
    assert_eq!(repository.server.deployed("internal-qa"), []);
}

#[test]
fn a_failed_deployment_is_told_with_its_reason() {
    let why = "Unable to resolve virtual host secure";
    let repository = Repository::new(Manner { fails: Some(why), ..Manner::default() }, &[]);
    let said = repository.refused(&repository.deploy(&["internal-dev"]));
    assert!(said.contains(why) && said.contains("revision 1 of lib-internal-dev failed to deploy"), "{said}");
    assert!(said.contains("run the same command again"), "{said}");
}

#[test]
fn a_slow_deployment_is_waited_for_and_given_up_in_the_end() {
    let repository = Repository::new(Manner { looks: 40, hiccups: 3, ..Manner::default() }, &[]);
    done(&repository.deploy(&["internal-dev"]));

    let repository = Repository::new(Manner { looks: usize::MAX, ..Manner::default() }, &[]);
    let said = repository.refused(&repository.deploy(&["internal-dev", "--timeout", "0.2"]));
    assert!(said.contains("is still pending in internal-dev after 0.2 s"), "{said}");
}

#[test]
fn an_expired_token_is_renewed_once_by_the_command() {
    let repository = Repository::new(Manner { token_lasts: Some(3), looks: 2, ..Manner::default() }, &[]);
    done(&repository.deploy(&["internal-dev"]));
    assert_eq!(repository.server.tokens_given(), 2);

    let repository = Repository::new(Manner { token_lasts: Some(0), ..Manner::default() }, &[]);
    let said = repository.refused(&repository.deploy(&["internal-dev"]));
    assert!(said.contains("accepts no token of APIGEE_TOKEN_COMMAND"), "{said}");
    assert_eq!(repository.server.tokens_given(), 2, "one renewal, not more");
}

#[test]
fn an_expired_token_of_the_environment_is_told() {
    let repository = Repository::new(Manner { token_lasts: Some(1), looks: 5, ..Manner::default() }, &[]);
    let token = repository.server.give_token();
    let variables = [("APIGEE_TOKEN_COMMAND", ""), ("APIGEE_ACCESS_TOKEN", token.as_str())];
    let ran = repository.script(&["deploy.py", "internal-dev", "--pause", "0.01"], &variables);
    let said = repository.refused(&ran);
    assert!(said.contains("it may have expired: set APIGEE_ACCESS_TOKEN to a new one"), "{said}");

    let ran = repository.script(&["deploy.py", "internal-dev"], &[("APIGEE_TOKEN_COMMAND", "")]);
    assert!(repository.refused(&ran).contains("there is no access token: set APIGEE_ACCESS_TOKEN"));
    let ran = repository.script(&["deploy.py", "internal-dev"], &[("APIGEE_PASSWORD", "wrong")]);
    assert!(ran.stderr.contains("Apigee does not sign machine in: Bad credentials"), "{ran:?}");
    assert!(ran.stderr.contains("APIGEE_TOKEN_COMMAND gives no token (it ended with 1)"), "{ran:?}");
}

#[test]
fn a_base_path_that_another_proxy_has_is_a_conflict() {
    let repository = Repository::new(Manner::default(), &[]);
    done(&repository.deploy(&["internal-dev"]));
    repository.edit("environments.toml", |text| text.replace("name = \"lib\"", "name = \"other\""));
    let said = repository.refused(&repository.deploy(&["internal-dev"]));
    assert!(said.contains("base path /lib is taken by lib-internal-dev"), "{said}");
}

#[test]
fn a_preview_has_its_own_base_path_and_goes_away_again() {
    let repository = Repository::new(Manner::default(), &[]);
    done(&repository.deploy(&["internal-dev"]));
    repository.bundle(&["12"]);
    for environment in ["internal-dev", "internal-dev-sandbox"] {
        let ran = repository.deploy(&[environment, "--pull-request", "12"]);
        done(&ran);
        assert!(ran.stdout.ends_with("/lib-pr-12\n"), "{ran:?}");
        let smoke = ["smoke.py", environment, "--pull-request", "12", "--pause", "0.01"];
        done(&repository.script(&smoke, &[]));
    }
    let names = |found: &[(String, usize)]| found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&repository.server.proxies()), ["lib-internal-dev", "lib-pr-12", "lib-pr-12-sandbox"]);
    for environment in ["internal-dev", "internal-dev-sandbox", "internal-dev"] {
        done(&repository.deploy(&[environment, "--pull-request", "12", "--remove"]));
    }
    assert_eq!(names(&repository.server.proxies()), ["lib-internal-dev"]);
}

#[test]
fn what_must_not_be_deployed_is_refused_before_any_request() {
    let repository = Repository::new(Manner::default(), &["--set", "environments=internal-dev,ref,int"]);
    repository.edit("environments.toml", |text| {
        let (before, int) = text.rsplit_once("[[environment]]").expect("environments");
        let prod = int.replace("\"int\"", "\"prod\"").replace("\"auto\"", "\"manual\"");
        format!("{before}[[environment]]{}", prod.replace("\"inception\", \"discovery\", \"alpha\", ", ""))
    });
    for (arguments, said) in [
        (&["nowhere"][..], "environments.toml has no environment `nowhere`: it has internal-dev, ref, prod"),
        (&["prod"], "`prod` is not for an API in phase inception"),
        (&["ref", "--pull-request", "3"], "`ref` takes no previews"),
        (&["internal-dev", "--pull-request", "x/../y"], "`x/../y` is not the number of a pull request"),
        (&["internal-dev", "--pull-request", "3", "--through"], "a preview goes to one environment"),
        (&["internal-dev", "--remove"], "only a preview is taken away"),
        (&["internal-dev", "--from", "nothing"], "nothing/live.zip cannot be read"),
    ] {
        let refused = repository.refused(&repository.deploy(arguments));
        assert!(refused.contains(said), "{refused}");
    }
    let ran = repository.script(&["deploy.py", "internal-dev"], &[("APIGEE_URL", "http://example.org/v1")]);
    assert!(repository.refused(&ran).contains("only https is spoken to other machines"));
    assert_eq!(repository.server.log(), [] as [&str; 0]);
}

#[test]
fn the_target_server_is_what_the_list_of_environments_says() {
    let url = "target_url=https://back-end.example.org:8443/api";
    let repository = Repository::new(Manner::default(), &["--set", url]);
    done(&repository.deploy(&["internal-dev"]));
    let target = repository.server.target("internal-dev", "lib").expect("set");
    assert_eq!((&target["host"], &target["port"]), (&"back-end.example.org".into(), &8443.into()));
    assert_eq!(target["sSLInfo"]["keyStore"], "l-target");
    let changes =
        |log: &[String]| log.iter().filter(|line| line.contains("targetservers") && !line.starts_with("GET")).count();
    done(&repository.deploy(&["internal-dev"]));
    assert_eq!(changes(&repository.server.log()), 1, "the second time it is so already");
    repository.edit("environments.toml", |text| text.replace("back-end", "new-back-end"));
    done(&repository.deploy(&["internal-dev"]));
    assert_eq!(repository.server.target("internal-dev", "lib").expect("set")["host"], "new-back-end.example.org");
}

#[test]
fn smoke_waits_for_the_commit_and_tells_a_wrong_key() {
    let repository = Repository::new(Manner::default(), &[]);
    done(&repository.deploy(&["internal-dev"]));
    let url = format!("{}/lib", repository.server.gateway("internal-dev"));
    let wrong = ["smoke.py", &url, "--commit", "1234", "--timeout", "0.1", "--pause", "0.01"];
    let said = repository.refused(&repository.script(&wrong, &[]));
    assert!(said.contains("commit 1234 does not answer after 0.1 s"), "{said}");
    let ran = repository.script(&["smoke.py", &url], &[("STATUS_ENDPOINT_API_KEY", "wrong")]);
    assert!(ran.stderr.contains("does not accept STATUS_ENDPOINT_API_KEY"), "{ran:?}");
    let ran = repository.script(&["smoke.py", &url], &[("STATUS_ENDPOINT_API_KEY", "")]);
    assert!(ran.stderr.contains("set STATUS_ENDPOINT_API_KEY"), "{ran:?}");
}

#[test]
fn one_edit_switches_the_end_of_an_api_on() {
    let repository = Repository::new(Manner::default(), &[]);
    let policy = |zip: &str, name: &str| {
        entry(&repository.zip(zip), &format!("apiproxy/policies/AssignMessage.{name}.xml")).expect("there")
    };
    assert!(policy("live.zip", "Release").contains("<Value>false</Value>"));
    repository.edit("environments.toml", |text| {
        text.replace("deprecation = \"\"", "deprecation = \"2027-01-31\"")
            .replace("sunset = \"\"", "sunset = \"2027-07-31\"")
            .replace("successor = \"\"", "successor = \"https://example.org/next?a=1&b=2\"")
            .replace("phase = \"inception\"", "phase = \"retired\"")
    });
    repository.bundle(&[]);
    for zip in ["live.zip", "sandbox.zip"] {
        assert_eq!(policy(zip, "Release").matches("<Value>true</Value>").count(), 2);
        let headers = policy(zip, "Lifecycle");
        assert!(headers.contains(">@1801353600<"), "{headers}");
        assert!(headers.contains(">Sat, 31 Jul 2027 00:00:00 GMT<"), "{headers}");
        assert!(
            headers.contains("&lt;https://example.org/next?a=1&amp;b=2&gt;; rel=\"successor-version\""),
            "{headers}"
        );
        assert!(!headers.contains("rel=\"deprecation\""), "{headers}");
    }
    repository.edit("environments.toml", |text| text.replace("2027-07-31", "2026-07-31"));
    let said = repository.refused(&repository.script(&["environments.py", "check"], &[]));
    assert!(said.contains("`sunset` must not be before `deprecation`"), "{said}");
}

#[test]
fn what_is_generated_follows_the_list_of_environments() {
    let repository = Repository::new(Manner::default(), &["--set", "rate_limits=10/20,ref=30/40"]);
    let manifest = || fs::read_to_string(repository.folder.join("manifest.yml")).expect("read");
    assert!(manifest().contains("limit: 30\n") && manifest().contains("ratelimit: \"20pm\""), "{}", manifest());
    repository.edit("environments.toml", |text| text.replace("quota_per_minute = 30", "quota_per_minute = 77"));
    let said = repository.refused(&repository.script(&["generate.py", "--check"], &[]));
    assert!(said.contains("manifest.yml") && said.contains("run `make generate`"), "{said}");
    done(&repository.script(&["generate.py"], &[]));
    done(&repository.script(&["generate.py", "--check"], &[]));
    assert!(manifest().contains("limit: 77\n"), "{}", manifest());
}

/// A request, and the operation that answers it; none when it is not documented.
type Answered = (&'static str, Option<&'static str>);

/// The operations of a document, and requests.
const ROUTES: [(&[&str], &[Answered]); 9] = [
    (
        &["GET /users/{id}", "POST /users/{id}:block", "POST /users/{id}:greet"],
        &[
            ("GET /users/7", Some("GET /users/{id}")),
            ("POST /users/7:block", Some("POST /users/{id}:block")),
            ("POST /users/7:greet", Some("POST /users/{id}:greet")),
            ("GET /users/7:block", None),
            ("POST /users/7", None),
            ("POST /users/7:other", None),
            ("GET /users/7:other", Some("GET /users/{id}")),
            ("GET /users/", None),
            ("GET /users/7/8", None),
        ],
    ),
    (
        &["POST /{id}", "POST /jobs:batch", "POST /{id}:batch"],
        &[
            ("POST /jobs", Some("POST /{id}")),
            ("POST /jobs:batch", Some("POST /jobs:batch")),
            ("POST /tasks:batch", Some("POST /{id}:batch")),
            ("POST /:batch", Some("POST /{id}")),
        ],
    ),
    (
        &["GET /report.{format}", "GET /range/{a}..{b}"],
        &[
            ("GET /report.csv", Some("GET /report.{format}")),
            ("GET /report", None),
            ("GET /report.", None),
            ("GET /reportxcsv", None),
            ("GET /range/1..2", Some("GET /range/{a}..{b}")),
            ("GET /range/1...2", Some("GET /range/{a}..{b}")),
            ("GET /range/1.2", None),
            ("GET /range/1xx2", None),
            ("GET /range/..2", None),
        ],
    ),
    (
        &["GET /c/{c}/{i}/{date}", "GET /c/{c}/{i}/notes", "GET /c/{c}/all/notes"],
        &[
            ("GET /c/1/2/notes", Some("GET /c/{c}/{i}/notes")),
            ("GET /c/1/2/3", Some("GET /c/{c}/{i}/{date}")),
            ("GET /c/1/all/notes", Some("GET /c/{c}/all/notes")),
        ],
    ),
    (
        &["GET /", "GET /a", "PUT /a/", "GET /b/{x}/", "POST /b/{x}"],
        &[
            ("GET /", Some("GET /")),
            ("GET ", Some("GET /")),
            ("GET /a", Some("GET /a")),
            ("GET /a/", None),
            ("PUT /a/", Some("PUT /a/")),
            ("PUT /a", None),
            ("GET /b/1/", Some("GET /b/{x}/")),
            ("GET /b/1", None),
            ("POST /b/", None),
        ],
    ),
    (
        &["GET /v1.0/a+b/(c)/e f/ü/100%", "GET /x^y|z/[q]", "GET /p\\{id}", "GET /s%2ft/$all"],
        &[
            ("GET /v1.0/a+b/(c)/e%20f/%c3%bc/100%25", Some("GET /v1.0/a+b/(c)/e f/ü/100%")),
            ("GET /v1.0/a+b/(c)/e%20f/ü/100%", Some("GET /v1.0/a+b/(c)/e f/ü/100%")),
            ("GET /v1x0/a+b/(c)/e%20f/ü/100%", None),
            ("GET /v1.0/aab/(c)/e%20f/ü/100%", None),
            ("GET /v1.0/a+b/c/e%20f/ü/100%", None),
            ("GET /x^y|z/[q]", Some("GET /x^y|z/[q]")),
            ("GET /x%5Ey%7cz/%5bq%5D", Some("GET /x^y|z/[q]")),
            ("GET /x^y/q", None),
            ("GET /p\\1", Some("GET /p\\{id}")),
            ("GET /p%5C1", Some("GET /p\\{id}")),
            ("GET /p1", None),
            ("GET /s%2Ft/$all", Some("GET /s%2ft/$all")),
            ("GET /s/t/$all", None),
        ],
    ),
    (
        &["GET /{a}{b}", "PUT /{c}", "GET /e(k={k})", "GET /{a}-{b}-{c}"],
        &[
            ("GET /xy", Some("GET /{a}{b}")),
            ("GET /x", None),
            ("PUT /x", Some("PUT /{c}")),
            ("PUT /xy", None),
            ("GET /e(k=5)", Some("GET /e(k={k})")),
            ("GET /1-2-3", Some("GET /{a}-{b}-{c}")),
            ("GET /1-2-3-4", Some("GET /{a}-{b}-{c}")),
            ("GET /1-2-", Some("GET /{a}{b}")),
        ],
    ),
    (
        &["GET /pets/mine", "GET /pets/{id}", "DELETE /pets/{pet}"],
        &[
            ("GET /pets/mine", Some("GET /pets/mine")),
            ("DELETE /pets/mine", None),
            ("DELETE /pets/2", Some("DELETE /pets/{pet}")),
            ("GET /pets/mine2", Some("GET /pets/{id}")),
        ],
    ),
    (
        &["GET /{any}"],
        &[("GET /x", Some("GET /{any}")), ("PUT /x", None), ("GET /x/y", None), ("GET /x%2Fy", Some("GET /{any}"))],
    ),
];

#[test]
fn what_is_deployed_answers_each_request_as_the_operation_that_the_document_means() {
    for (number, (operations, requests)) in ROUTES.iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut paths = json!({});
        for operation in *operations {
            let (method, path) = operation.split_once(' ').expect("method and path");
            paths[path][method.to_lowercase()] = json!({"operationId": operation});
        }
        let spec = folder.path().join("routes.json");
        let document = json!({"openapi": "3.1.0", "info": {"title": "Routes", "version": "1"}, "paths": paths});
        fs::write(&spec, document.to_string()).expect("written");
        let repository = Repository::new(Manner::default(), &["--spec", spec.to_str().expect("a path")]);
        let stages = ["internal-dev", "internal-dev-sandbox"].iter().enumerate();
        for (_, stage) in stages.filter(|(at, _)| thorough() || at % 2 == number % 2) {
            done(&repository.deploy(&[stage]));
            for (request, operation) in *requests {
                let (method, path) = request.split_once(' ').expect("method and path");
                let (status, body) = call(method, &format!("{}/lib{path}", repository.server.gateway(stage)));
                let flow = body["flow"].as_str().and_then(|name| name.split_once(' ')).map(|(_, name)| name);
                assert_eq!(
                    (status, flow),
                    (if operation.is_some() { 200 } else { 404 }, *operation),
                    "{stage} {request}"
                );
            }
        }
    }
}

/// Sends a request with its address exactly as it is; gives status and body.
fn call(method: &str, url: &str) -> (u16, Value) {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an address");
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.write_all(format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON"))
}
