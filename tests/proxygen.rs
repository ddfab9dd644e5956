//! Style proxygen, deployed by the platform's real command line against a platform on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::linted::equip;
use crate::phase::{LIFE, moved};
use crate::program::{Program, REFUSED, Ran};
use crate::small_http::{Answer, Answers, Request, Server};
use crate::tools::{documents, linters, real_documents};

/// The platform as far as the command line asks it.
#[derive(Default)]
struct Platform {
    /// By path: the documents of instances and of the catalogue.
    documents: BTreeMap<String, Value>,
    log: Vec<String>,
}

/// Reads as a token of the platform; nothing is signed with it.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.c2lnbmVk";

/// What the registry of images asks for.
const PASSWORD: &str = "registry-password-31337";

impl Answers for Platform {
    fn answer(&mut self, request: &Request) -> Answer {
        self.log.push(format!("{} {}", request.method, request.path));
        let signed = request.headers.get("authorization") == Some(&format!("Bearer {TOKEN}"));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/_status") => (200, json!({"proxygen_cli": {"min_version": "2.0.0"}})),
            ("POST", "/realm/protocol/openid-connect/token") => {
                let form = String::from_utf8_lossy(&request.body);
                let good = form.contains("grant_type=client_credentials") && form.contains("client_assertion=ey");
                if good { (200, json!({"access_token": TOKEN})) } else { (401, json!({"error": "no"})) }
            }
            ("GET", "/apis/lib/docker-token") if signed => {
                let registry = "https://registry.example.org";
                (200, json!({"user": "AWS", "password": PASSWORD, "registry": registry}))
            }
            _ if !signed => (401, json!({"message": "no token"})),
            ("PUT", path) => match serde_json::from_slice::<Value>(&request.body) {
                Ok(document) if document["paths"].is_object() => {
                    self.documents.insert(path.to_owned(), document.clone());
                    (200, document)
                }
                _ => (400, json!({"message": "no document"})),
            },
            ("DELETE", path) => match self.documents.remove(path) {
                Some(_) => (200, json!({})),
                None => (404, json!({})),
            },
            (_, path) => self.documents.get(path).map_or((404, json!({})), |document| (200, document.clone())),
        }
    }
}

struct Repository {
    program: Program,
    folder: PathBuf,
    tools: PathBuf,
    server: Server<Platform>,
    key: String,
}

impl Repository {
    /// A repository with what `make bundle publish` would build.
    fn new(tools: &Path) -> Self {
        let program = Program::new();
        program.done(&["new", "lib", "--set", "style=proxygen", "--set", "base_path=lib/v1"]);
        let folder = program.folder().join("lib");
        let key = program.folder().join("key.pem");
        let made =
            Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048").output().expect("openssl starts");
        assert!(made.status.success(), "{made:?}");
        let encoded = Command::new("base64").arg("--wrap=0").arg(&key).output().expect("base64 starts");
        let key = String::from_utf8(encoded.stdout).expect("text");
        let server = Server::start(Platform::default());
        let repository = Self { program, folder, tools: tools.to_owned(), server, key };
        let specification = json!({
            "openapi": "3.1.0",
            "info": {"title": "Library", "version": "1"},
            "paths": {"/books": {"get": {"responses": {"200": {"description": "Books."}}}}},
        });
        fs::create_dir(repository.folder.join("build")).expect("made");
        fs::write(repository.folder.join("build/specification.json"), specification.to_string()).expect("written");
        repository
    }

    fn script(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let (script, rest) = arguments.split_first().expect("a script");
        let path = format!("{}:{}", self.tools.join("proxygen/bin").display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("python3");
        command.arg(format!("scripts/{script}")).args(rest).current_dir(&self.folder).env_clear();
        command.env("PATH", path).env("HOME", self.program.home()).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("PROXYGEN_URL", self.server.url()).env("PROXYGEN_IDENTITY_URL", self.server.url() + "/realm");
        command.env("PROXYGEN_CLIENT_ID", "lib-client").env("PROXYGEN_KID", "lib-1");
        command.env("ENCODED_PROXYGEN_PRIVATE_KEY", &self.key).envs(variables.iter().copied());
        let ran = Ran::of(&command.output().expect("python starts"));
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(
            !said.contains(TOKEN) && !said.contains(PASSWORD) && !said.contains(&self.key[..40]),
            "a secret was told: {ran:?}"
        );
        ran
    }

    fn done(&self, arguments: &[&str]) -> Ran {
        let ran = self.script(arguments, &[]);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran
    }
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn instances_are_deployed_and_previews_go_away_again() {
    let tools = linters();
    let repository = Repository::new(&tools);
    repository.done(&["instance.py", "build/specification.json", "build"]);
    repository.done(&["deploy.py", "internal-dev"]);
    let place = "/apis/lib/environments/internal-dev/instances/lib_v1";
    let deployed = repository.server.state().documents[place].clone();
    assert_eq!(deployed["servers"], json!([{"url": "https://internal-dev.api.service.nhs.uk/lib/v1"}]));
    assert_eq!(deployed["x-nhsd-apim"]["temporary"], false);

    repository.done(&["instance.py", "build/specification.json", "build", "5"]);
    let preview = ["deploy.py", "internal-dev", "--pull-request", "5"];
    repository.done(&preview);
    let place = format!("{place}-pr-5");
    let deployed = repository.server.state().documents[&place].clone();
    assert_eq!(deployed["servers"], json!([{"url": "https://internal-dev.api.service.nhs.uk/lib/v1-pr-5"}]));
    assert_eq!(deployed["x-nhsd-apim"]["temporary"], true);

    let remove = [&preview[..], &["--remove"]].concat();
    repository.done(&remove);
    assert!(!repository.server.state().documents.contains_key(&place));
    assert!(repository.done(&remove).stdout.contains("not there"), "the second time there is nothing to do");
    assert_eq!(repository.server.state().documents.len(), 1);
    // Nothing of the account stays behind.
    assert!(!repository.program.home().join(".proxygen").exists());
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn the_specification_is_published_as_it_is() {
    let tools = linters();
    let repository = Repository::new(&tools);
    repository.done(&["catalogue.py", "build/specification.json"]);
    assert_eq!(repository.server.state().documents["/apis/lib/spec"]["openapi"], "3.1.0");
    repository.done(&["catalogue.py", "build/specification.json", "--uat"]);
    assert!(repository.server.state().documents.contains_key("/apis/lib/spec/uat"));
}

#[test]
#[ignore = "needs the linters of tests/run"]
fn what_is_missing_is_told_in_one_sentence() {
    let tools = linters();
    let repository = Repository::new(&tools);
    let refused = |arguments: &[&str], variables: &[(&str, &str)]| {
        let ran = repository.script(arguments, variables);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.stderr.lines().last().unwrap_or_default().to_owned()
    };
    let publish = ["catalogue.py", "build/specification.json"];
    assert!(refused(&["deploy.py", "int"], &[]).ends_with("int.json is not there: run `make bundle`"));
    assert!(refused(&publish, &[("PROXYGEN_KID", "")]).starts_with("set PROXYGEN_KID too"));
    assert!(refused(&publish, &[("ENCODED_PROXYGEN_PRIVATE_KEY", "no base64!")]).contains("base64 --wrap=0"));
    assert!(refused(&publish, &[("PATH", "/usr/bin:/bin")]).contains("`proxygen` is not installed"));
    assert_eq!(repository.server.state().log, [] as [&str; 0], "nobody was asked");
    let said = refused(&publish, &[("PROXYGEN_IDENTITY_URL", &(repository.server.url() + "/elsewhere"))]);
    assert!(said.contains("`proxygen spec publish` failed"), "{said}");
}

/// Stands in for docker, which needs a daemon: notes its arguments and what it is told on stdin.
const DOCKER: &str =
    "#!/bin/sh\necho \"$@\" >> \"$HOME/docker.log\"\n[ \"$1\" != login ] || cat > \"$HOME/docker.stdin\"\n";

#[test]
#[ignore = "needs the linters of tests/run"]
fn images_are_built_and_pushed_with_the_password_on_stdin() {
    let tools = linters();
    let repository = Repository::new(&tools);
    let docker = repository.program.write("shims/docker", DOCKER);
    fs::set_permissions(&docker, PermissionsExt::from_mode(0o755)).expect("executable");
    let shims = docker.parent().expect("a folder").display().to_string();
    let path = format!(
        "{shims}:{}:{}",
        repository.tools.join("proxygen/bin").display(),
        std::env::var("PATH").expect("a path")
    );
    // The CLI runs in a home of its own; docker in that of the user.
    let ran = repository.script(&["images.py"], &[("PATH", &path)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let noted = |file: &str| fs::read_to_string(repository.program.home().join(file)).expect("noted");
    let log = noted("docker.log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "login --username AWS --password-stdin registry.example.org");
    assert!(lines[1].starts_with("build --file sandbox/Dockerfile --tag registry.example.org/lib-sandbox:"), "{log}");
    assert!(lines[2].starts_with("push registry.example.org/lib-sandbox:"), "{log}");
    assert_eq!(lines.len(), 3, "{log}");
    assert_eq!(noted("docker.stdin"), PASSWORD);
}

#[test]
fn what_three_point_one_says_is_said_in_the_words_of_3_0_3_or_told() {
    let program = Program::new();
    program.done(&["new", "lib", "--set", "style=proxygen"]);
    let folder = program.folder().join("lib");
    let schema = json!({
        "type": ["object", "null"],
        "properties": {
            "kind": {"const": "book"},
            "pages": {"type": "integer", "exclusiveMinimum": 0, "examples": [12, 13]},
            "code": {"type": ["string", "integer"]},
            "next": {"anyOf": [{"$ref": "#/components/schemas/Book"}, {"type": "null"}]},
            "cover": {"type": "string", "contentEncoding": "base64"},
            "any": true,
            "lost": {"$ref": "#/components/schemas/Nowhere"},
            "extra": {"patternProperties": {"^x": {}}},
        },
    });
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Library", "version": "1", "summary": "Books."},
        "webhooks": {"new": {}},
        "security": [{"own": []}],
        "paths": {
            "/_ping": {"get": {"responses": {"200": {"description": "It is there."}}}},
            "/books": {"get": {"security": [{"own": []}], "responses": {"200": {"description": "Books."}}}},
            "/open": {"get": {"security": [{"app-level3": []}]}},
        },
        "components": {"schemas": {"Book": schema}, "securitySchemes": {"own": {"type": "mutualTLS"}}},
    });
    fs::write(program.folder().join("document.json"), document.to_string()).expect("written");
    let mut command = Command::new("python3");
    command.args(["scripts/instance.py", "../document.json", "build"]).current_dir(&folder);
    let ran = Ran::of(&command.output().expect("python starts"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told: Vec<&str> = ran.stdout.lines().collect();
    for lost in ["webhooks", "`summary` of info objects", "patternProperties"] {
        assert!(told[0].contains(lost), "{lost}: {told:?}");
    }
    assert!(told[1].contains("no part of the document is `#/components/schemas/Nowhere`"), "{told:?}");
    let made = fs::read_to_string(folder.join("build/int.json")).expect("built");
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let book = &made["components"]["schemas"]["Book"];
    assert_eq!((&book["type"], &book["nullable"]), (&json!("object"), &json!(true)));
    let of = |name: &str| book["properties"][name].clone();
    assert_eq!(of("kind"), json!({"enum": ["book"]}));
    assert_eq!(of("pages"), json!({"type": "integer", "exclusiveMinimum": true, "minimum": 0, "example": 12}));
    assert_eq!(of("code"), json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}));
    assert_eq!(of("next"), json!({"anyOf": [{"$ref": "#/components/schemas/Book"}], "nullable": true}));
    assert_eq!(of("cover"), json!({"type": "string", "format": "byte"}));
    assert_eq!((of("any"), of("lost")), (json!({}), json!({})));
    let paths = made["paths"].as_object().expect("paths");
    assert_eq!(paths.keys().collect::<Vec<_>>(), ["/books", "/open"]);
    assert_eq!(paths["/books"]["get"].get("security"), None, "a scheme of its own is none of the platform's");
    assert_eq!(paths["/open"]["get"]["security"], json!([{"app-level3": []}]));
}

#[test]
#[ignore = "needs the linters of tests/run and the real documents"]
fn real_documents_become_documents_that_the_platform_takes() {
    let (tools, folder) = (linters(), real_documents());
    let program = Program::new();
    for (number, path) in documents(&folder).iter().enumerate() {
        if path.ends_with(REFUSED) {
            continue;
        }
        let name = format!("api-{number}");
        let registry = format!("{name}.registry");
        let spec = path.to_str().expect("a path");
        program.done(&["new", &name, "--registry", &registry, "--set", "style=proxygen", "--spec", spec]);
        let repository = program.folder().join(&name);
        equip(&repository, &tools);
        let build = "make bundle && python3 -m unittest discover -s tests -p test_instances.py";
        let output = Command::new("sh").args(["-c", build]).current_dir(&repository).output().expect("sh starts");
        assert!(output.status.success(), "{}: {:?}", path.display(), Ran::of(&output));
    }
}

#[test]
fn no_page_promises_an_answer_that_the_platform_does_not_give() {
    let words =
        [("apigee", "Every call is answered 410"), ("proxygen", "The proxies are deleted in every environment")];
    for (style, promise) in words {
        let program = Program::new();
        program.done(&["new", "my-api", "--set", &format!("style={style}")]);
        for (phase, gates, more) in LIFE {
            moved(&program, phase, gates, more);
        }
        let retired = fs::read_to_string(program.folder().join("my-api/docs/phases/retired.md")).expect("read");
        assert!(retired.contains(promise), "{style}: {retired}");
        assert_eq!(retired.contains("410"), style == "apigee", "{style}: {retired}");
    }
}
