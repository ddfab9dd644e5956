//! Fetching over real transports from real git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use apiscaffold::error::{Blame, Fault, render};
use apiscaffold::git::remote::{Fetch, FetchError, Fetched, Network, NetworkError, Token, fetch};
use apiscaffold::net::Trouble;
use tempfile::TempDir;

use crate::git_server::{GitServer, Mode, git};

/// A repository with some history, served over HTTP, and an empty cache.
struct World {
    folder: TempDir,
    server: GitServer,
    /// Commits of `main`, oldest first.
    commits: Vec<String>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let commits = make_repository(&folder.path().join("template"));
        let server = GitServer::start(folder.path());
        Self { folder, server, commits }
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("template")
    }

    fn request(&self, revision: Option<&str>) -> Fetch {
        self.request_to(&self.server.url("template"), revision)
    }

    fn request_to(&self, url: &str, revision: Option<&str>) -> Fetch {
        Fetch {
            url: url.to_owned(),
            revision: revision.map(ToOwned::to_owned),
            cache: self.folder.path().join("cache"),
            offline: false,
            network: Network::default(),
        }
    }

    fn fetch(&self, revision: Option<&str>) -> Fetched {
        get(&self.request(revision)).unwrap_or_else(|error| panic!("{revision:?}: {}", render(&error)))
    }

    fn offline(&self, revision: Option<&str>) -> Result<Fetched, FetchError> {
        get(&Fetch { offline: true, ..self.request(revision) })
    }

    fn fails(&self, revision: Option<&str>) -> FetchError {
        get(&self.request(revision)).expect_err("it fails")
    }

    /// A commit on `main` with a file of its own.
    fn commit(&mut self, name: &str) -> String {
        let id = commit(&self.repository(), name);
        self.commits.push(id.clone());
        id
    }
}

fn get(request: &Fetch) -> Result<Fetched, FetchError> {
    fetch(request, &mut |_, _, _| {})
}

fn commit(repository: &Path, name: &str) -> String {
    fs::create_dir_all(repository.join("sub")).expect("folder");
    fs::write(repository.join("sub").join(name), noise(name)).expect("write");
    git(repository, &["add", "."]);
    git(repository, &["commit", "--quiet", "-m", name]);
    git(repository, &["rev-parse", "HEAD"])
}

/// 20 KB that do not compress to nothing.
fn noise(name: &str) -> String {
    let mut state = name.bytes().fold(1u64, |state, byte| state.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}\n", state ^ (state >> 29))
    };
    (0..1200).map(|_| word()).collect()
}

/// `main` with four commits: the second is `light`, the third `annotated`; `side` has one more on the first.
fn make_repository(path: &Path) -> Vec<String> {
    fs::create_dir_all(path).expect("folder");
    git(path, &["init", "--quiet", "--initial-branch=main"]);
    let mut commits = vec![commit(path, "one"), commit(path, "two")];
    git(path, &["tag", "light"]);
    commits.push(commit(path, "three"));
    git(path, &["tag", "-a", "annotated", "-m", "a tag with a message"]);
    commits.push(commit(path, "four"));
    git(path, &["checkout", "--quiet", "-b", "side", "light~1"]);
    commit(path, "aside");
    git(path, &["checkout", "--quiet", "main"]);
    commits
}

/// The commit is in the repository whole: git can read every byte of it.
fn assert_whole(fetched: &Fetched, file: &str) {
    let shown = git(&fetched.repository, &["show", &format!("{}:sub/{file}", fetched.commit)]);
    assert_eq!(shown, noise(file).trim());
    git(&fetched.repository, &["archive", "--output=/dev/null", &fetched.commit]);
}

/// How many commits lead to it in the cache: 1 when the fetch was shallow.
fn depth(fetched: &Fetched) -> String {
    git(&fetched.repository, &["rev-list", "--count", &fetched.commit])
}

#[test]
fn names_lead_to_their_commits_and_only_those_are_fetched() {
    let world = World::new();
    for (revision, at) in [(Some("light"), 1), (Some("annotated"), 2), (Some("main"), 3), (None, 3)] {
        let fetched = world.fetch(revision);
        assert_eq!(fetched.commit, world.commits[at], "{revision:?}");
        assert_eq!(depth(&fetched), "1", "{revision:?}");
        assert_eq!(fetched.cached, revision.is_none(), "HEAD is main: {revision:?}");
        assert_whole(&fetched, "one");
    }
    let side = world.fetch(Some("side"));
    assert_eq!(depth(&side), "1");
    assert_whole(&side, "aside");
    git(&side.repository, &["fsck", "--strict"]);
}

#[test]
fn a_commit_is_fetched_once() {
    let world = World::new();
    world.fetch(Some("light"));
    let requests = ["GET /template/info/refs", "POST /template/git-upload-pack", "POST /template/git-upload-pack"];
    assert_eq!(world.server.requests(), requests);
    assert!(world.fetch(Some("light")).cached);
    assert_eq!(world.server.requests(), ["GET /template/info/refs"], "the tag may have moved, so it is looked up");
    assert!(world.fetch(Some(&world.commits[1])).cached);
    assert!(world.fetch(Some(&world.commits[1][..9])).cached);
    assert_eq!(world.server.requests(), [""; 0], "a commit cannot change");
}

#[test]
fn a_branch_that_moved_is_fetched_again_and_the_old_commit_stays() {
    let mut world = World::new();
    let old = world.fetch(Some("main"));
    let new_id = world.commit("five");
    let new = world.fetch(Some("main"));
    assert_eq!((new.commit.as_str(), new.cached), (new_id.as_str(), false));
    assert_whole(&new, "five");
    assert_whole(&old, "four");
    assert_eq!(depth(&new), "1");
}

#[test]
fn a_full_id_is_fetched_alone_where_the_server_allows_it() {
    for (setting, expected) in
        [("uploadpack.allowReachableSHA1InWant", "1"), ("uploadpack.allowAnySHA1InWant", "1"), ("core.bare", "4")]
    {
        let mut world = World::new();
        git(&world.repository(), &["config", setting, if setting == "core.bare" { "false" } else { "true" }]);
        world.commit("five");
        let fetched = world.fetch(Some(&world.commits[3]));
        assert_eq!(fetched.commit, world.commits[3]);
        assert_eq!(depth(&fetched), expected, "{setting}");
        assert_whole(&fetched, "four");
    }
}

#[test]
fn the_full_id_of_a_tag_or_a_branch_is_fetched_alone_from_any_server() {
    let world = World::new();
    for commit in &world.commits[1..] {
        assert_eq!(depth(&world.fetch(Some(commit))), "1");
    }
}

#[test]
fn an_abbreviated_id_is_found_in_the_whole_history_even_after_a_shallow_fetch() {
    let world = World::new();
    let tip = world.fetch(None);
    assert_eq!(depth(&tip), "1");
    let fetched = world.fetch(Some(&world.commits[0][..8]));
    assert_eq!(fetched.commit, world.commits[0]);
    assert_whole(&fetched, "one");
    assert_eq!(depth(&tip), "4", "everything was fetched");
    world.server.requests();
    assert_eq!(world.fetch(Some(&world.commits[2][..8])).commit, world.commits[2]);
    assert_eq!(world.server.requests(), [""; 0], "nothing is fetched twice");
}

#[test]
fn an_unknown_revision_lists_what_there_is() {
    let world = World::new();
    let error = world.fails(Some("ligth"));
    assert_eq!(error.fault(), Fault::Input);
    let hint = error.hint().expect("a hint");
    assert!(hint.contains("did you mean `light`?") && hint.contains("`annotated`"), "{hint}");
    for id in ["0123456", &"0".repeat(39), &"1".repeat(40)] {
        let error = world.fails(Some(id));
        assert!(matches!(error, FetchError::UnknownRevision { .. }), "{}", render(&error));
    }
}

#[test]
fn an_id_that_the_server_would_give_but_does_not_have_is_unknown() {
    let world = World::new();
    git(&world.repository(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let error = world.fails(Some(&"1".repeat(40)));
    assert!(matches!(error, FetchError::UnknownRevision { .. }), "{}", render(&error));
}

#[test]
fn a_name_of_digits_is_a_name_before_it_is_an_id() {
    let mut world = World::new();
    world.fetch(Some(&world.commits[0][..8]));
    let name = world.commits[0][..4].to_owned();
    assert_eq!(world.fetch(Some(&name)).commit, world.commits[0], "found in the cache, as nothing is called so");
    let id = world.commit("five");
    git(&world.repository(), &["tag", &name]);
    assert_eq!(world.fetch(Some(&name)).commit, id);
}

#[test]
fn many_commits_in_the_cache_are_no_hindrance() {
    let mut world = World::new();
    for number in 0..25 {
        let id = world.commit(&format!("more-{number}"));
        let fetched = world.fetch(None);
        assert_eq!((fetched.commit.as_str(), depth(&fetched).as_str()), (id.as_str(), "1"));
    }
    world.fetch(Some(&world.commits[0][..8]));
    let tip = world.fetch(None);
    assert_eq!(depth(&tip), world.commits.len().to_string());
    git(&tip.repository, &["fsck", "--strict"]);
}

#[test]
fn an_empty_repository_says_so() {
    let world = World::new();
    git(world.folder.path(), &["init", "--quiet", "empty"]);
    let error = get(&world.request_to(&world.server.url("empty"), None)).expect_err("no commit");
    assert!(error.hint().is_some_and(|hint| hint.contains("no commit yet")), "{}", render(&error));
}

#[test]
fn a_tag_of_a_file_is_not_a_template() {
    let world = World::new();
    git(&world.repository(), &["tag", "blob", "HEAD:sub/one"]);
    let error = world.fails(Some("blob"));
    assert!(matches!(error, FetchError::NotACommit { .. }), "{}", render(&error));
}

#[test]
fn offline_uses_what_was_fetched_and_says_how_old_it_is() {
    let world = World::new();
    assert!(matches!(world.offline(None), Err(FetchError::NotCached { .. })));
    assert!(!world.folder.path().join("cache").exists(), "looking makes nothing");
    world.fetch(Some("light"));
    world.server.requests();
    let found = world.offline(Some("light")).expect("it is there");
    assert_eq!((&found.commit, found.cached), (&world.commits[1], true));
    assert!(found.age.is_some_and(|age| age < Duration::from_secs(60)));
    assert_eq!(world.offline(Some(&world.commits[1][..7])).expect("by id").age, None);
    let error = world.offline(Some("main")).expect_err("never fetched");
    assert!(error.fault() == Fault::Input && error.hint().is_some_and(|hint| hint.contains("without `--offline`")));
    assert_eq!(world.server.requests(), [""; 0]);
}

#[test]
fn a_broken_connection_is_told_and_the_next_run_succeeds() {
    let world = World::new();
    world.server.behave(Mode::DropMidPack);
    let error = world.fails(None);
    assert!(
        matches!(&error, FetchError::Unreachable { cause: NetworkError::Way(Trouble::Lost), .. }),
        "{}",
        render(&error)
    );
    world.server.behave(Mode::Serve);
    assert_whole(&world.fetch(None), "four");
}

#[test]
fn what_a_server_answers_decides_who_must_act() {
    let world = World::new();
    for (mode, fault, words) in [
        (Mode::Status(401), Fault::Permission, "401"),
        (Mode::Status(403), Fault::Permission, "403"),
        (Mode::Status(404), Fault::Environment, "no such repository"),
        (Mode::Status(500), Fault::Environment, "500"),
        (Mode::WebPage, Fault::Environment, "text/html"),
        (Mode::StrangeName, Fault::Environment, "not UTF-8"),
        (Mode::Redirect(world.server.url("x")), Fault::Environment, "redirects"),
    ] {
        world.server.behave(mode.clone());
        let error = world.fails(Some("light"));
        let text = render(&error);
        assert!(error.fault() == fault && text.contains(words) && text.contains("127.0.0.1"), "{mode:?}: {text}");
        assert!(!text.contains("--offline"), "nothing is cached: {text}");
    }
    world.server.behave(Mode::Serve);
    world.fetch(Some("light"));
    world.server.behave(Mode::Status(500));
    assert!(render(&world.fails(Some("light"))).contains("`--offline` uses what was fetched before"));
}

#[test]
fn hosts_that_are_not_there_are_told_apart() {
    let world = World::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let refused = get(&world.request_to(&format!("http://127.0.0.1:{port}/r"), None)).expect_err("closed");
    assert!(
        matches!(&refused, FetchError::Unreachable { cause: NetworkError::Way(Trouble::NotConnected { .. }), .. }),
        "{}",
        render(&refused)
    );
    let unknown = get(&world.request_to("http://nowhere.invalid/r", None)).expect_err("no such host");
    assert!(
        matches!(&unknown, FetchError::Unreachable { cause: NetworkError::Way(Trouble::UnknownHost { .. }), .. }),
        "{}",
        render(&unknown)
    );
    let git_scheme = get(&world.request_to("git://h/r", None)).expect_err("unauthenticated");
    assert!(matches!(&git_scheme, FetchError::Unsupported { .. }));
    let secret = get(&world.request_to("https://me:s3cret@h/r", None)).expect_err("a secret");
    assert!(!render(&secret).contains("s3cret"));
}

#[test]
fn silence_has_a_limit() {
    let world = World::new();
    world.server.behave(Mode::Silent);
    let network = Network { idle_limit: Duration::from_secs(1), ..Network::default() };
    let error = get(&Fetch { network, ..world.request(None) }).expect_err("silence");
    assert!(
        matches!(&error, FetchError::Unreachable { cause: NetworkError::Way(Trouble::Slow { seconds: 1 }), .. }),
        "{}",
        render(&error)
    );
}

#[test]
fn slow_is_not_silent_and_progress_is_told() {
    let world = World::new();
    world.server.behave(Mode::Slow(Duration::from_millis(20)));
    let network = Network { idle_limit: Duration::from_millis(500), ..Network::default() };
    let mut seen = Vec::new();
    let begun = Instant::now();
    fetch(&Fetch { network, ..world.request(None) }, &mut |received, total, bytes| seen.push((received, total, bytes)))
        .unwrap_or_else(|error| panic!("{}", render(&error)));
    assert!(begun.elapsed() > Duration::from_millis(500), "it took longer than the limit without data");
    let (received, total, bytes) = *seen.last().expect("progress");
    assert!(received == total && bytes > 20_000 && seen.len() > 3, "{seen:?}");
}

#[test]
fn a_server_without_shallow_fetches_gives_the_whole_history() {
    let world = World::new();
    world.server.behave(Mode::NoShallow);
    let fetched = world.fetch(Some("light"));
    assert_whole(&fetched, "two");
    assert_eq!(depth(&fetched), "2");
}

#[test]
fn a_redirect_of_the_listing_is_followed_for_the_pack_too() {
    let world = World::new();
    let old = GitServer::start(world.folder.path());
    old.behave(Mode::Redirect(world.server.url("").trim_end_matches('/').to_owned()));
    let fetched =
        get(&world.request_to(&old.url("template"), None)).unwrap_or_else(|error| panic!("{}", render(&error)));
    assert_whole(&fetched, "four");
    assert_eq!(old.requests(), ["GET /template/info/refs"]);
}

#[test]
fn a_token_goes_to_the_server_it_is_for_and_to_no_other() {
    let world = World::new();
    let wanted = Mode::Wants("Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0".to_owned());
    world.server.behave(wanted);
    let network = Network { token: Some(Token::new("s3cret")), ..Network::default() };
    assert_eq!(world.fails(None).fault(), Fault::Permission);
    let old = GitServer::start(world.folder.path());
    old.behave(Mode::Redirect(world.server.url("").trim_end_matches('/').to_owned()));
    let elsewhere = Fetch { network: network.clone(), ..world.request_to(&old.url("template"), None) };
    assert_eq!(get(&elsewhere).expect_err("sent elsewhere").fault(), Fault::Permission);
    let fetched = get(&Fetch { network, ..world.request(None) }).unwrap_or_else(|error| panic!("{}", render(&error)));
    assert_whole(&fetched, "four");
}

#[test]
fn a_cache_that_cannot_be_read_is_made_anew() {
    let world = World::new();
    let break_head = |repository: &Path| fs::remove_file(repository.join("HEAD")).expect("removed");
    let break_packs = |repository: &Path| {
        for entry in fs::read_dir(repository.join("objects/pack")).expect("packs") {
            fs::remove_file(entry.expect("entry").path()).expect("removed");
        }
    };
    let break_names = |repository: &Path| fs::write(repository.join("names.toml"), "\0half").expect("write");
    for breaking in [&break_head as &dyn Fn(&Path), &break_packs, &break_names] {
        breaking(&world.fetch(None).repository);
        assert_whole(&world.fetch(None), "four");
        assert!(world.offline(None).is_ok());
    }
}

#[test]
fn local_repositories_are_read_in_place() {
    let world = World::new();
    let path = world.repository();
    let plain = path.to_str().expect("UTF-8");
    for url in [plain.to_owned(), format!("file://{plain}")] {
        for (revision, at) in [(Some("light"), 1), (Some("annotated"), 2), (Some("main"), 3), (None, 3)] {
            let fetched = get(&world.request_to(&url, revision)).unwrap_or_else(|error| panic!("{}", render(&error)));
            assert_eq!((&fetched.repository, &fetched.commit), (&path, &world.commits[at]));
        }
        let by_id = get(&world.request_to(&url, Some(&world.commits[0][..8]))).expect("by id");
        assert_eq!(by_id.commit, world.commits[0]);
        let error = get(&world.request_to(&url, Some("mian"))).expect_err("unknown");
        assert!(error.hint().is_some_and(|hint| hint.contains("did you mean `main`?")), "{}", render(&error));
        assert!(matches!(get(&world.request_to(&url, Some("beef123"))), Err(FetchError::UnknownRevision { .. })));
    }
    assert!(!world.folder.path().join("cache").exists());
    let none = get(&world.request_to(world.folder.path().to_str().expect("UTF-8"), None)).expect_err("no repository");
    assert!(none.fault() == Fault::Input && none.hint().is_some(), "{}", render(&none));
}

#[test]
fn eight_threads_at_once_fetch_once() {
    let world = World::new();
    let fetched: Vec<Fetched> = thread::scope(|scope| {
        let running: Vec<_> = (0..8).map(|_| scope.spawn(|| world.fetch(None))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(fetched.iter().filter(|fetched| !fetched.cached).count(), 1);
    fetched.iter().for_each(|fetched| assert_whole(fetched, "four"));
}

#[test]
fn eight_processes_at_once_all_succeed() {
    let world = World::new();
    let children: Vec<Child> = (0..8).map(|_| fetch_elsewhere(&world, &world.server.url("template"), &[])).collect();
    for child in children {
        let output = child.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let packs = world.server.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(packs, 2, "one fetch: two POSTs");
}

#[test]
fn a_process_killed_in_the_midst_of_a_pack_leaves_a_cache_that_works() {
    let world = World::new();
    for pieces in [0, 3, 6, 9, 12, 20, 30, 40] {
        let (teller, told) = channel();
        world.server.behave(Mode::Halt(pieces, teller));
        let mut child = fetch_elsewhere(&world, &world.server.url("template"), &[]);
        told.recv_timeout(Duration::from_secs(60)).expect("so much was sent");
        child.kill().expect("killed");
        child.wait().expect("ended");
        world.server.behave(Mode::Serve);
        let fetched = world.fetch(None);
        assert_whole(&fetched, "four");
        let left = fs::read_dir(fetched.repository.join("objects/pack")).expect("packs");
        let left: Vec<_> = left.map(|entry| entry.expect("entry").file_name()).collect();
        assert!(left.len() >= 2 && left.iter().all(|name| name.to_string_lossy().starts_with("pack-")), "{left:?}");
        fs::remove_dir_all(world.folder.path().join("cache")).expect("removed");
    }
}

/// Runs `fetch_for_another_process` in a process of its own.
fn fetch_elsewhere(world: &World, url: &str, environment: &[(&str, &Path)]) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "remote::fetch_for_another_process", "--nocapture"]);
    command.env("FETCH_URL", url).env("FETCH_CACHE", world.folder.path().join("cache"));
    command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("started")
}

/// Not a test of its own: the process of other tests.
#[test]
fn fetch_for_another_process() {
    if std::env::var_os("FETCH_CACHE").is_none() {
        return;
    }
    let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"));
    let cache = PathBuf::from(value("FETCH_CACHE"));
    let request = Fetch { url: value("FETCH_URL"), revision: None, cache, offline: false, network: Network::default() };
    let fetched = get(&request).unwrap_or_else(|error| panic!("{}", render(&error)));
    assert_whole(&fetched, "four");
}

/// A certificate authority in PEM, and the configuration of a server on 127.0.0.1 that it vouches for.
fn certificates() -> (String, Arc<rustls::ServerConfig>) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let root = authority.self_signed(&key).expect("signed").pem();
    let issuer = Issuer::new(authority, key);
    let server_key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = server.signed_by(&server_key, &issuer).expect("signed");
    let private = rustls::pki_types::PrivateKeyDer::try_from(server_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a configuration");
    (root, Arc::new(config))
}

#[test]
fn https_trusts_whom_the_environment_says_and_nobody_else() {
    let world = World::new();
    let (root, config) = certificates();
    let server = GitServer::start_with(world.folder.path(), Some(config));
    let url = server.url("template");
    let error = get(&world.request_to(&url, None)).expect_err("an unknown authority");
    assert!(
        matches!(&error, FetchError::Unreachable { cause: NetworkError::Way(Trouble::Tls { .. }), .. }),
        "{}",
        render(&error)
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("SSL_CERT_FILE")));
    let file = world.folder.path().join("root.pem");
    fs::write(&file, root).expect("write");
    let output = fetch_elsewhere(&world, &url, &[("SSL_CERT_FILE", &file)]).wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A real `sshd` on a free port of this machine, with keys of its own.
struct Sshd {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Sshd {
    fn start() -> Self {
        assert!(Path::new("/usr/sbin/sshd").exists(), "sshd is missing: `tests/run` installs it");
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user", "stranger"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        fs::copy(at("user.pub"), at("authorized_keys")).expect("copied");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let configuration = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin yes\n",
            at("host"),
            at("authorized_keys"),
        );
        fs::write(at("sshd_config"), configuration).expect("write");
        // As root, sshd wants this folder whatever its configuration says.
        let _ = fs::create_dir_all("/run/sshd");
        let child =
            Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f", &at("sshd_config")]).stderr(Stdio::null()).spawn();
        let sshd = Self { child: child.expect("sshd runs"), port, folder };
        let ready = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(25));
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(ready, "sshd answers");
        sshd
    }

    /// Logs in by the named key, taking nothing from the user's own configuration.
    fn network(&self, key: &str) -> Network {
        let key = self.folder.path().join(key).display().to_string();
        let options = "-F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes";
        Network { ssh_command: Some(format!("ssh {options} -i '{key}'")), ..Network::default() }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs sshd"]
fn ssh_fetches_through_the_users_own_program() {
    let sshd = Sshd::start();
    let mut world = World::new();
    let user = String::from_utf8(Command::new("id").arg("-un").output().expect("id runs").stdout).expect("UTF-8");
    let url = |path: &Path| format!("ssh://{}@127.0.0.1:{}{}", user.trim(), sshd.port, path.display());
    let request =
        |path: &Path, revision, key| Fetch { network: sshd.network(key), ..world.request_to(&url(path), revision) };
    for (revision, at) in [("light", 1), ("annotated", 2), ("main", 3)] {
        let fetched =
            get(&request(&world.repository(), Some(revision), "user")).unwrap_or_else(|e| panic!("{}", render(&e)));
        assert_eq!((fetched.commit.as_str(), depth(&fetched).as_str()), (world.commits[at].as_str(), "1"));
        assert_whole(&fetched, "one");
    }
    let by_id = get(&request(&world.repository(), Some(&world.commits[0][..8]), "user"))
        .unwrap_or_else(|e| panic!("{}", render(&e)));
    assert_eq!(by_id.commit, world.commits[0]);

    let nothing = get(&request(Path::new("/no/where"), None, "user")).expect_err("no repository");
    assert!(render(&nothing).contains("does not appear to be a git repository"), "{}", render(&nothing));
    let stranger = get(&request(&world.repository(), Some("side"), "stranger")).expect_err("unknown key");
    assert!(
        stranger.fault() == Fault::Permission && render(&stranger).contains("Permission denied"),
        "{}",
        render(&stranger)
    );

    let again = request(&world.repository(), Some("main"), "user");
    let id = world.commit("it's five");
    let moved = get(&again).unwrap_or_else(|e| panic!("{}", render(&e)));
    assert_eq!((moved.commit, moved.cached), (id, false));
}

#[test]
fn a_missing_ssh_program_is_named() {
    let world = World::new();
    let network = Network { ssh_command: Some("no-such-ssh-program".to_owned()), ..Network::default() };
    let error = get(&Fetch { network, ..world.request_to("git@127.0.0.1:r", None) }).expect_err("not there");
    assert!(render(&error).contains("no-such-ssh-program"), "{}", render(&error));
    for url in ["ssh://-oProxyCommand=x/r", "-oProxyCommand=x:r", "git@h:-x"] {
        let refused = get(&world.request_to(url, None)).expect_err("an option");
        assert!(matches!(refused, FetchError::Unsupported { .. }), "{}", render(&refused));
    }
}
