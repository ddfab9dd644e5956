//! Connections: each has one request, which is noted, may be struck by a fault, and is answered.

use std::io::{self, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::fault::{Harm, Plan, Side, Struck};
use super::http::{Answer, Request};
use super::log::Entry;
use super::state::State;
use super::{git, route};

/// What the server's threads share.
pub(super) struct Shared {
    pub(super) address: SocketAddr,
    pub(super) state: Mutex<State>,
    pub(super) plan: Mutex<Plan>,
    pub(super) log: Mutex<Vec<Entry>>,
    pub(super) latency: Mutex<Duration>,
    /// Texts that may be nowhere but in a header, beside the tokens.
    pub(super) guarded: Mutex<Vec<String>>,
    pub(super) leaks: Mutex<Vec<String>>,
    /// For how long to close the door, and whom to tell that it is closed.
    closing: Mutex<Option<(Duration, Sender<()>)>>,
    pub(super) stop: AtomicBool,
}

/// What is done once a request's fault is known.
enum Course {
    Answer(Answer),
    BreakOff(Harm),
}

impl Shared {
    pub(super) fn new(address: SocketAddr, state: State) -> Self {
        Self {
            address,
            state: Mutex::new(state),
            plan: Mutex::default(),
            log: Mutex::default(),
            latency: Mutex::default(),
            guarded: Mutex::default(),
            leaks: Mutex::default(),
            closing: Mutex::default(),
            stop: AtomicBool::new(false),
        }
    }

    pub(super) fn listen(self: &Arc<Self>, listener: TcpListener) {
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
                let again = self.listen_again();
                // Who stopped the server while the door was closed could not knock.
                if self.stop.load(Ordering::SeqCst) {
                    return;
                }
                open = Some(again);
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

    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.state.lock().expect("no panic").tokens.keys().cloned().collect();
        secrets.extend(self.guarded.lock().expect("no panic").iter().cloned());
        secrets
    }

    /// Looks for secrets where nobody should see them: in the URL, in the body, in the arguments of processes.
    fn look_for_leaks(&self, request: &Request) {
        let secrets = self.secrets();
        let mut places = vec![("URL", format!("{}?{}", request.path, request.query))];
        places.push(("body", String::from_utf8_lossy(&request.body).into_owned()));
        let mut arguments = Vec::new();
        arguments_below(std::process::id(), &mut arguments);
        places.extend(arguments.into_iter().map(|text| ("arguments", text)));
        for (place, text) in places {
            if secrets.iter().any(|secret| text.contains(secret.as_str())) {
                self.leaks.lock().expect("no panic").push(format!("{} {}: {place}", request.method, request.path));
            }
        }
    }
}

/// The arguments of every process that this test program started, and of those that they started.
fn arguments_below(process: u32, found: &mut Vec<String>) {
    for task in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        // A process that ended in the meantime has nothing to tell.
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            let arguments = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&arguments).into_owned());
            arguments_below(child, found);
        }
    }
}

fn is_git(request: &Request) -> bool {
    request.path.ends_with("/info/refs")
        || request.path.ends_with("/git-receive-pack")
        || request.path.ends_with("/git-upload-pack")
}
