//! A GitHub on this machine that remembers: the calls that `apiscaffold` makes, pushes over real smart HTTP, and faults
//! on demand. What it answers is held against GitHub's own description (`contract`).

mod accounts;
mod environments;
pub(crate) mod fault;
mod git;
pub(crate) mod http;
pub(crate) mod log;
mod repositories;
mod route;
mod settings;
mod show;
pub(crate) mod state;

use std::io::{self, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::SockRef;
use tempfile::TempDir;

use fault::{Fault, Harm, Plan, Side, Struck};
use http::{Answer, Request};
use log::Entry;
use state::{Caller, Organization, State, TokenKind};

/// The server; it stops when it is dropped.
pub(crate) struct GitHub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    _root: TempDir,
}

struct Shared {
    address: SocketAddr,
    state: Mutex<State>,
    plan: Mutex<Plan>,
    log: Mutex<Vec<Entry>>,
    latency: Mutex<Duration>,
    /// Texts that may be nowhere but in a header, beside the tokens.
    guarded: Mutex<Vec<String>>,
    leaks: Mutex<Vec<String>>,
    /// For how long to close the door, and whom to tell that it is closed.
    closing: Mutex<Option<(Duration, Sender<()>)>>,
    stop: AtomicBool,
}

/// What is done once a request's fault is known.
enum Course {
    Answer(Answer),
    BreakOff(Harm),
}

impl GitHub {
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            address,
            state: Mutex::new(State::new(format!("http://{address}"), root.path().to_owned())),
            plan: Mutex::default(),
            log: Mutex::default(),
            latency: Mutex::default(),
            guarded: Mutex::default(),
            leaks: Mutex::default(),
            closing: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let listening = Arc::clone(&shared);
        let thread = thread::spawn(move || listening.listen(listener));
        Self { shared, thread: Some(thread), _root: root }
    }

    /// `http://127.0.0.1:PORT`: both GITHUB_API_URL and GITHUB_SERVER_URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Everything it holds, to look at or to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no handler panicked")
    }

    /// Adds an organisation with one owner, who is made too.
    pub(crate) fn add_organization(&self, login: &str, owner: &str) {
        let mut state = self.state();
        let id = state.new_id();
        let user = state.new_id();
        state.users.entry(owner.to_owned()).or_insert(user);
        let members = [(owner.to_owned(), "admin".to_owned())].into();
        let organization = Organization { id, members, enterprise: true, ..Organization::default() };
        state.organizations.insert(login.to_owned(), organization);
    }

    /// Changes an organisation.
    pub(crate) fn organization(&self, login: &str, change: impl FnOnce(&mut Organization)) {
        change(self.state().organizations.get_mut(login).expect("it was added"));
    }

    /// Adds a team.
    pub(crate) fn add_team(&self, login: &str, slug: &str) {
        let id = self.state().new_id();
        self.organization(login, |organization| {
            organization.teams.insert(slug.to_owned(), state::Team::new(id, slug));
        });
    }

    /// A new token of this kind for this user.
    pub(crate) fn add_token(&self, login: &str, kind: TokenKind) -> String {
        let prefix = match kind {
            TokenKind::Classic(_) => "ghp_",
            TokenKind::FineGrained => "github_pat_",
            TokenKind::Installation | TokenKind::Actions => "ghs_",
        };
        let token = format!("{prefix}{}", random());
        let mut state = self.state();
        if !state.organizations.contains_key(login) {
            let id = state.new_id();
            state.users.entry(login.to_owned()).or_insert(id);
        }
        state.tokens.insert(token.clone(), Caller { login: login.to_owned(), kind, expires: None });
        token
    }

    /// Adds an empty repository that no request made.
    pub(crate) fn add_repository(&self, owner: &str, name: &str, visibility: &str) -> u64 {
        let mut state = self.state();
        let at = state.add_repository(owner, name, visibility);
        state.repositories[at].id
    }

    /// Adds a fault to those to come.
    pub(crate) fn plan(&self, fault: Fault) {
        self.shared.plan.lock().expect("no panic").add(fault);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.shared.plan.lock().expect("no panic").clear();
    }

    /// Every answer takes this much longer.
    pub(crate) fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock().expect("no panic") = latency;
    }

    /// A text that may be in no URL, no body in clear and no process's arguments. Tokens need not be given.
    pub(crate) fn guard(&self, text: &str) {
        self.shared.guarded.lock().expect("no panic").push(text.to_owned());
    }

    /// Where guarded texts and tokens were seen.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.shared.leaks.lock().expect("no panic").clone()
    }

    /// Every token and guarded text there ever was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.shared.secrets()
    }

    /// The requests since the last call; counting begins anew.
    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.shared.log.lock().expect("no panic"))
    }

    /// What is there in the end, without ids and times: equal for equal ends.
    pub(crate) fn end(&self) -> Value {
        let state = self.state();
        let one = |repository: &state::Repository| {
            let folder = state.folder(repository);
            let refs = git::git(&folder, &["for-each-ref", "--format=%(refname) %(tree)"]).unwrap_or_default();
            let commits = git::git(&folder, &["rev-list", "--all", "--count"]).unwrap_or_default();
            json!({"settings": repository.settings(), "refs": refs.lines().collect::<Vec<_>>(), "commits": commits})
        };
        state.repositories.iter().map(one).collect()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.shared.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

/// 32 letters and digits that nobody had before.
pub(crate) fn random() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now().as_nanosecond();
    let seed = format!("{now} {} {}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, seed.as_bytes()).simple().to_string()
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: TcpListener) {
        let mut open = Some(listener);
        while let Some(listener) = open.take() {
            let accepted = listener.accept();
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            if let Some((span, closed)) = self.closing.lock().expect("no panic").take() {
                drop((accepted, listener));
                let _ = closed.send(());
                thread::sleep(span);
                open = Some(self.listen_again());
                continue;
            }
            open = Some(listener);
            let (Ok((connection, _)), shared) = (accepted, Arc::clone(self)) else { continue };
            // A client that goes away is no concern of the server's.
            thread::spawn(move || drop(shared.serve(&connection)));
        }
    }

    fn listen_again(&self) -> TcpListener {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => return listener,
                Err(error) if Instant::now() > end => panic!("{}: {error}", self.address),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn serve(&self, connection: &TcpStream) -> io::Result<()> {
        let request = Request::read(&mut BufReader::new(connection))?;
        let number = {
            let mut log = self.log.lock().expect("no panic");
            let number = log.len() + 1;
            log.push(Entry::new(&request));
            number
        };
        self.look_for_leaks(&request);
        let latency = *self.latency.lock().expect("no panic");
        thread::sleep(latency);
        let on_created = self.is_on_created(&request);
        let harm = self.plan.lock().expect("no panic").strike(&Struck { request: &request, number, on_created });
        match self.course(&request, harm) {
            Course::Answer(answer) => {
                self.note(number, &request, |entry| entry.answered(&answer));
                let mut connection = connection;
                answer.write(&mut connection)
            }
            Course::BreakOff(harm) => {
                self.note(number, &request, |_| {});
                match harm {
                    Harm::Reset => SockRef::from(connection).set_linger(Some(Duration::ZERO)),
                    Harm::Silence => self.keep_silent(connection),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Ends a log entry, if the log was not taken in the meantime.
    fn note(&self, number: usize, request: &Request, change: impl FnOnce(&mut Entry)) {
        let mut log = self.log.lock().expect("no panic");
        if let Some(entry) = log.get_mut(number - 1)
            && entry.path == request.path
        {
            entry.ended = Some(Instant::now());
            change(entry);
        }
    }

    fn course(&self, request: &Request, harm: Option<(Side, Harm)>) -> Course {
        match harm {
            None => Course::Answer(self.effect(request, None)),
            Some((_, Harm::Hook(reason))) => Course::Answer(self.effect(request, Some(&reason))),
            Some((_, Harm::Expire)) => {
                let state = &mut self.state.lock().expect("no panic");
                if let Some(caller) = request.token().and_then(|token| state.tokens.get_mut(&token)) {
                    caller.expires = Some(0);
                }
                Course::Answer(Self::effect_on(state, request, None))
            }
            Some((_, Harm::Closed(span))) => {
                let answer = self.effect(request, None);
                self.close_the_door(span);
                Course::Answer(answer)
            }
            Some((side, harm)) => {
                if side == Side::After {
                    self.effect(request, None);
                }
                match harm {
                    Harm::Answer(answer) => Course::Answer(answer.with("X-GitHub-Request-Id", "FA17:000000:TEST")),
                    Harm::Tell(teller) => {
                        teller.tell();
                        Course::BreakOff(Harm::Tell(teller))
                    }
                    harm => Course::BreakOff(harm),
                }
            }
        }
    }

    fn effect(&self, request: &Request, hook: Option<&str>) -> Answer {
        Self::effect_on(&mut self.state.lock().expect("no panic"), request, hook)
    }

    fn effect_on(state: &mut State, request: &Request, hook: Option<&str>) -> Answer {
        if !is_git(request) {
            return route::answer(state, request);
        }
        let (answer, pushed) = git::serve(state, request, hook).expect("git http-backend runs");
        if let Some(at) = pushed
            && request.method == "POST"
        {
            git::pushed(state, at);
        }
        answer
    }

    /// Stops listening before the answer goes out, so that the client's next connection is refused.
    fn close_the_door(&self, span: Duration) {
        let (tell, closed) = channel();
        *self.closing.lock().expect("no panic") = Some((span, tell));
        let _ = TcpStream::connect(self.address);
        // An error says that the server stops.
        let _ = closed.recv_timeout(Duration::from_secs(5));
    }

    fn keep_silent(&self, mut connection: &TcpStream) -> io::Result<()> {
        connection.set_read_timeout(Some(Duration::from_millis(50)))?;
        while !self.stop.load(Ordering::SeqCst) {
            match connection.read(&mut [0; 64]) {
                Ok(0) => return Ok(()),
                Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_on_created(&self, request: &Request) -> bool {
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (owner, name) = match parts.as_slice() {
            ["repos", owner, name, ..] => (*owner, *name),
            [owner, name, ..] if is_git(request) => (*owner, name.trim_end_matches(".git")),
            _ => return false,
        };
        let state = self.state.lock().expect("no panic");
        state.find(owner, name).is_some_and(|at| state.repositories[at].created)
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.state.lock().expect("no panic").tokens.keys().cloned().collect();
        secrets.extend(self.guarded.lock().expect("no panic").iter().cloned());
        secrets
    }

    /// Looks for secrets where nobody should see them: in the URL, in the body, in any process's arguments.
    fn look_for_leaks(&self, request: &Request) {
        let secrets = self.secrets();
        let mut places = vec![("URL", format!("{}?{}", request.path, request.query))];
        places.push(("body", String::from_utf8_lossy(&request.body).into_owned()));
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            if let Ok(arguments) = std::fs::read(entry.path().join("cmdline")) {
                places.push(("arguments", String::from_utf8_lossy(&arguments).into_owned()));
            }
        }
        for (place, text) in places {
            if secrets.iter().any(|secret| text.contains(secret.as_str())) {
                self.leaks.lock().expect("no panic").push(format!("{} {}: {place}", request.method, request.path));
            }
        }
    }
}

fn is_git(request: &Request) -> bool {
    request.path.ends_with("/info/refs")
        || request.path.ends_with("/git-receive-pack")
        || request.path.ends_with("/git-upload-pack")
}
