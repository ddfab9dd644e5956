//! Real git over real HTTP: a small server on this machine that hands every request to `git http-backend`.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the server behaves.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    /// As it should.
    Serve,
    /// Every answer has this status and no body.
    Status(u16),
    /// So many requests are answered with this status and a `Retry-After` of one second.
    Busy(u16, usize),
    /// Only who sends this `Authorization` header is let in.
    Wants(String),
    /// Half of every pack is sent, then the connection is closed.
    DropMidPack,
    /// Packs come in pieces of 1 KiB, this far apart.
    Slow(Duration),
    /// So many KiB of every pack are sent, and the test is told; the rest never comes.
    Halt(usize, Sender<()>),
    /// Connections are taken and nothing is said, until the client goes away.
    Silent,
    /// A web page, whatever is asked.
    WebPage,
    /// The server does not offer shallow fetches.
    NoShallow,
    /// Listings are redirected to the same path below this URL.
    Redirect(String),
    /// A branch's name is not UTF-8.
    StrangeName,
}

struct State {
    root: PathBuf,
    mode: Mutex<Mode>,
    requests: Mutex<Vec<String>>,
    stop: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

/// Serves the repositories in a folder until it is dropped.
pub(crate) struct GitServer {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl GitServer {
    /// Serves over `http`.
    pub(crate) fn start(root: &Path) -> Self {
        Self::start_with(root, None)
    }

    /// Serves over `https` when given a configuration.
    pub(crate) fn start_with(root: &Path, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (mode, requests) = (Mutex::new(Mode::Serve), Mutex::default());
        let state = Arc::new(State { root: root.to_owned(), mode, requests, stop: AtomicBool::new(false), tls });
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            for connection in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(connection), shared) = (connection, Arc::clone(&shared)) else { continue };
                // A client that goes away is no concern of the server's.
                thread::spawn(move || drop(shared.welcome(connection)));
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    /// The URL of a repository.
    pub(crate) fn url(&self, repository: &str) -> String {
        let scheme = if self.state.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/{repository}", self.address)
    }

    pub(crate) fn behave(&self, mode: Mode) {
        *self.state.mode.lock().expect("no panic") = mode;
    }

    /// The requests since the last call: method and path without query.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.requests.lock().expect("no panic"))
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl State {
    fn welcome(&self, connection: TcpStream) -> io::Result<()> {
        match &self.tls {
            None => self.serve(connection),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                self.serve(StreamOwned::new(session, connection))
            }
        }
    }

    /// How to behave now. One request less is answered as by a busy server.
    fn mode(&self) -> Mode {
        let mut mode = self.mode.lock().expect("no panic");
        let now = mode.clone();
        if let Mode::Busy(_, left) = &mut *mode {
            *left = left.saturating_sub(1);
        }
        now
    }

    fn serve(&self, mut stream: impl Read + Write) -> io::Result<()> {
        let request = Request::read(&mut BufReader::new(&mut stream))?;
        self.requests.lock().expect("no panic").push(format!("{} {}", request.method, request.path));
        let mode = self.mode();
        let is_pack = request.method == "POST";
        match mode {
            Mode::Busy(status, 1..) => write!(
                stream,
                "HTTP/1.1 {status} No\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
            )?,
            Mode::Silent => wait_for_the_end(&mut stream),
            Mode::Status(status) => {
                write!(stream, "HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?
            }
            Mode::Wants(secret) if request.headers.get("authorization") != Some(&secret) => {
                write!(stream, "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
            }
            Mode::WebPage => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
                )?;
            }
            Mode::Redirect(to) if !is_pack => {
                let target = format!("{to}{}?{}", request.path, request.query);
                write!(
                    stream,
                    "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
                )?;
            }
            mode => {
                let (head, body) = self.ask_git(&request)?;
                stream.write_all(&head)?;
                send(&mut stream, &mode, is_pack, body)?;
            }
        }
        stream.flush()
    }

    /// Runs the request through git as a CGI program (RFC 3875).
    fn ask_git(&self, request: &Request) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let mut command = clean_git(&self.root);
        command.arg("http-backend").env("GIT_PROJECT_ROOT", &self.root).env("GIT_HTTP_EXPORT_ALL", "1");
        command
            .env("REQUEST_METHOD", &request.method)
            .env("PATH_INFO", &request.path)
            .env("QUERY_STRING", &request.query);
        command.env("CONTENT_TYPE", request.headers.get("content-type").map_or("", String::as_str));
        command.env("CONTENT_LENGTH", request.body.len().to_string()).env("REMOTE_USER", "tester");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        child.stdin.take().expect("piped").write_all(&request.body)?;
        let output = child.wait_with_output()?.stdout;
        let end = output.windows(4).position(|four| four == b"\r\n\r\n").map_or(output.len(), |at| at + 4);
        let headers = String::from_utf8_lossy(&output[..end]).into_owned();
        let status = headers.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
        let length = output.len() - end;
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}");
        Ok((head.into_bytes(), output[end..].to_vec()))
    }
}

/// Waits until the client closes the connection.
fn wait_for_the_end(stream: &mut impl Read) {
    let _ = io::copy(stream, &mut io::sink());
}

fn send(stream: &mut (impl Read + Write), mode: &Mode, is_pack: bool, mut body: Vec<u8>) -> io::Result<()> {
    match mode {
        Mode::DropMidPack if is_pack => stream.write_all(&body[..body.len() / 2]),
        Mode::Slow(pause) if is_pack => body.chunks(1024).try_for_each(|piece| {
            thread::sleep(*pause);
            stream.write_all(piece)?;
            stream.flush()
        }),
        Mode::Halt(pieces, told) if is_pack => {
            stream.write_all(&body[..body.len().min(pieces * 1024)])?;
            stream.flush()?;
            // The test may have ended.
            let _ = told.send(());
            wait_for_the_end(stream);
            Ok(())
        }
        Mode::NoShallow => {
            replace(&mut body, b" shallow ", b" xhallow ");
            stream.write_all(&body)
        }
        Mode::StrangeName => {
            replace(&mut body, b"refs/heads/main", b"refs/heads/m\xffin");
            stream.write_all(&body)
        }
        _ => stream.write_all(&body),
    }
}

/// Replaces by something of the same length, wherever it is found.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    for at in 0..bytes.len().saturating_sub(old.len()) {
        if bytes[at..].starts_with(old) {
            bytes[at..at + old.len()].copy_from_slice(new);
        }
    }
}

impl Request {
    fn read(stream: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(ToOwned::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let mut headers = HashMap::new();
        for line in stream.lines() {
            let line = line?;
            let Some((key, value)) = line.split_once(':') else { break };
            headers.insert(key.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length: usize = headers.get("content-length").and_then(|value: &String| value.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Ok(Self { method, path: path.to_owned(), query: query.to_owned(), headers, body })
    }
}

/// `git` in a folder, with nobody's configuration and always the same author and date.
pub(crate) fn clean_git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]).env("HOME", folder);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Tester").env(format!("GIT_{role}_EMAIL"), "tester@example.com");
        command.env(format!("GIT_{role}_DATE"), "2026-01-01T00:00:00Z");
    }
    command
}

/// What `git ARGUMENTS` prints; it must succeed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = clean_git(folder).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

/// Gives the repository in `folder` the base that earlier versions of the tool wrote.
pub(crate) fn old_base(folder: &Path) {
    git(folder, &["update-ref", "-d", "refs/apiscaffold/base/1"]);
    git(folder, &["update-ref", "refs/apiscaffold/base", "refs/heads/main"]);
}
