//! A generated repository's sandbox, running, and a client for it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running sandbox; it ends with this value.
pub(crate) struct Sandbox {
    process: Child,
    address: String,
}

/// What a call got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Sandbox {
    /// Starts the sandbox of the repository in `folder`, which has its `node_modules`, on a free port. Also says how long it
    /// took until `/_ping` was answered.
    pub(crate) fn start(folder: &Path) -> (Self, Duration) {
        Self::of(folder, None)
    }

    /// The same with another specification.
    pub(crate) fn of(folder: &Path, spec: Option<&Path>) -> (Self, Duration) {
        let begun = Instant::now();
        let faults = File::create(folder.with_extension("sandbox-faults")).expect("made");
        let mut command = Command::new("node");
        command.arg("sandbox/server.js").args(spec).current_dir(folder).env_remove("HOST").env("PORT", "0");
        let mut process = command.stdout(Stdio::piped()).stderr(faults).spawn().expect("node starts");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it speaks");
        // A pipe that nobody reads would stop it.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let address =
            said["sandbox"].as_str().and_then(|url| url.strip_prefix("http://")).expect("an address").to_owned();
        let sandbox = Self { process, address };
        assert_eq!(sandbox.get("/_ping").status, 200);
        (sandbox, begun.elapsed())
    }

    /// How long processors have worked for it; `None` where the system does not tell.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // After the name, which stands in brackets: user and system time are the 12th and 13th field, in hundredths.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let hundredths = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(hundredths * 10))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None)
    }

    /// One call; the body, where there is one, is said to be JSON unless a header says else.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        self.try_call(method, path, headers, body).expect("an answer")
    }

    /// The same; `None` when the connection is closed without an answer, as it may be while too much is being sent.
    pub(crate) fn try_call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Option<Answer> {
        let mut stream = self.connect();
        // What is too much is refused before all of it is there.
        let sent = stream.write_all(Self::request(method, path, headers, body).as_bytes());
        let answer = Self::rest(stream);
        if answer.is_empty() {
            return None;
        }
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {sent:?} {answer}"));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Some(Answer { status, headers: format!("{}\r\n", head.to_lowercase()), body: body.to_owned() })
    }

    /// Sends a call, and does not wait for the answer.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(Self::request(method, path, headers, body).as_bytes()).expect("sent");
        stream
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        stream
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request += "Content-Type: application/json\r\n";
            }
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        format!("{request}\r\n{}", body.unwrap_or_default())
    }

    /// What comes on a connection until it is closed.
    pub(crate) fn rest(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        match stream.read_to_string(&mut answer) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("no answer: {error}"),
            _ => answer,
        }
    }

    /// Tells it to end, as the platform does, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().expect("kill starts");
        assert!(told.success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child") {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
