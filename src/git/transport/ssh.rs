//! ssh, by the user's own program: their configuration, agent and known hosts all work.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::address::{Address, SshAddress};
use super::{NetworkError, ReferenceListCheck, TransportState};
use crate::net::Trouble;

/// How long `ssh` may take to end once its input is closed.
const GRACE: Duration = Duration::from_secs(2);
/// The most that is kept of what `ssh` complains about.
const COMPLAINT: u64 = 8 * 1024;

pub(super) struct Ssh {
    shared: Arc<TransportState>,
}

impl Ssh {
    pub(super) fn new(shared: Arc<TransportState>) -> Self {
        Self { shared }
    }

    pub(super) fn connect(&self, url: &str, service: &str) -> Result<Connection, NetworkError> {
        let Address::Ssh(address) = Address::of(url) else {
            return Err(NetworkError::Said { text: "the URL names no host and path that ssh can take".to_owned() });
        };
        let network = &self.shared.network;
        let (name, mut command) = program(network.ssh_command.as_deref(), network.connect_limit);
        command.args(arguments(&address, service));
        // git itself would ask for protocol 2 by this, which libgit2 does not speak.
        command.env_remove("GIT_PROTOCOL").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(|source| NetworkError::NoSsh { command: name, source })?;
        Ok(Connection::new(Arc::clone(&self.shared), child))
    }
}

impl SmartSubtransport for Ssh {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let connection = match action {
            Service::UploadPackLs | Service::UploadPack => self.connect(url, "git-upload-pack"),
            Service::ReceivePackLs | Service::ReceivePack => Err(NetworkError::no_push()),
        };
        connection.map(|connection| Box::new(connection) as _).map_err(|trouble| self.shared.fail(trouble))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// What is run, for messages and to be run. A given command is split by a shell, as git does.
fn program(given: Option<&str>, connect_limit: Duration) -> (String, Command) {
    if let Some(words) = given {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{words} \"$@\"")).arg(words);
        return (words.to_owned(), command);
    }
    let mut command = Command::new("ssh");
    let connect = format!("ConnectTimeout={}", connect_limit.as_secs().max(1));
    command.args(["-o", &connect, "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"]);
    ("ssh".to_owned(), command)
}

fn arguments(address: &SshAddress, service: &str) -> Vec<String> {
    let port = address.port.map(|port| ["-p".to_owned(), port.to_string()]);
    let quoted = format!("{service} '{}'", address.path.replace('\'', r"'\''").replace('!', r"'\!'"));
    port.into_iter().flatten().chain([address.destination.clone(), quoted]).collect()
}

pub(super) struct Connection {
    shared: Arc<TransportState>,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    complaint: Receiver<Vec<u8>>,
    /// What was received and not yet read.
    pending: io::Cursor<Vec<u8>>,
    /// Until something is asked, the server lists.
    listing: Option<ReferenceListCheck>,
    /// Before the first data a person may be typing a passphrase: no limit then but `ssh`'s own.
    begun: bool,
}

impl Connection {
    fn new(shared: Arc<TransportState>, mut child: Child) -> Self {
        let input = child.stdin.take();
        let output = chunks(child.stdout.take());
        let complaint = last_words(child.stderr.take());
        let pending = io::Cursor::default();
        Self {
            shared,
            child,
            input,
            output,
            complaint,
            pending,
            listing: Some(ReferenceListCheck::default()),
            begun: false,
        }
    }

    fn receive(&mut self) -> Result<Vec<u8>, NetworkError> {
        let limit = self.shared.network.idle_limit;
        let received = if self.begun {
            self.output.recv_timeout(limit)
        } else {
            self.output.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(bytes) if self.listing.as_mut().is_some_and(|listing| !listing.accepts(&bytes)) => {
                Err(NetworkError::NotUtf8)
            }
            Ok(bytes) => Ok(bytes),
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Slow { seconds: limit.as_secs() }.into()),
            Err(RecvTimeoutError::Disconnected) => Err(self.why_it_ended()),
        }
    }

    fn why_it_ended(&mut self) -> NetworkError {
        self.end();
        NetworkError::of_ssh(&self.complaint.recv_timeout(GRACE).unwrap_or_default())
    }

    /// Lets `ssh` end by itself for a while (it may be serving other connections), then ends it.
    fn end(&mut self) {
        self.input = None;
        let deadline = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What comes out of `ssh`, piece by piece; a thread reads, so that waiting can have a limit.
fn chunks(output: Option<ChildStdout>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(16);
    thread::spawn(move || {
        let Some(mut output) = output else { return };
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn last_words(errors: Option<ChildStderr>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let Some(mut errors) = errors else { return };
        let mut kept = Vec::new();
        let _ = errors.by_ref().take(COMPLAINT).read_to_end(&mut kept);
        // A full pipe would stop `ssh`.
        let _ = io::copy(&mut errors, &mut io::sink());
        let _ = sender.send(kept);
    });
    receiver
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.position() == self.pending.get_ref().len() as u64 {
            let bytes = self.receive().map_err(|trouble| self.shared.fail_io(trouble))?;
            self.pending = io::Cursor::new(bytes);
            self.begun = true;
        }
        self.pending.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.listing = None;
        let written = self.input.as_mut().map_or(Ok(0), |input| input.write(bytes));
        written.map_err(|_| {
            let trouble = self.why_it_ended();
            self.shared.fail_io(trouble)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use git2::{Direction, Repository, Signature};

    use super::*;
    use crate::git::transport::{Network, NetworkScope};

    /// Runs what the other side would run, on this one.
    const LOOPBACK: &str = r#"sh -c 'eval "$2"' loopback"#;

    fn network(ssh_command: &str) -> Network {
        let idle_limit = Duration::from_millis(300);
        Network { ssh_command: Some(ssh_command.to_owned()), idle_limit, ..Network::default() }
    }

    fn commit(repository: &Repository) -> git2::Oid {
        let author = Signature::now("Tester", "tester@example.com").expect("a signature");
        let tree = repository.treebuilder(None).and_then(|builder| builder.write()).expect("a tree");
        let tree = repository.find_tree(tree).expect("the tree");
        repository.commit(Some("refs/heads/main"), &author, &author, "one", &tree, &[]).expect("a commit")
    }

    fn connected(repository: &Repository, url: &str) -> Result<(), NetworkError> {
        let session = NetworkScope::begin(&network(url));
        let mut remote = repository.remote_anonymous("me@h:r").expect("a remote");
        remote.connect(Direction::Fetch).map_err(|error| session.explain(&error))
    }

    #[test]
    fn the_path_is_quoted_for_the_shell_on_the_other_side() {
        let Address::Ssh(address) = Address::of("ssh://me@h:22/a'b; rm -rf !") else { panic!("ssh") };
        assert_eq!(
            arguments(&address, "git-upload-pack"),
            ["-p", "22", "me@h", r"git-upload-pack '/a'\''b; rm -rf '\!''"]
        );
    }

    #[test]
    fn a_commit_is_fetched_from_a_path_with_every_awkward_character() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let there = path("it's a $HOME; `x` !");
        let id = commit(&Repository::init_bare(&there).expect("new"));
        let here = Repository::init(path("here")).expect("new");
        let session = NetworkScope::begin(&network(LOOPBACK));
        let url = format!("ssh://me@h{}", Path::display(&there));
        let mut remote = here.remote_anonymous(&url).expect("a remote");
        let fetched = remote.fetch(&["refs/heads/main:refs/heads/main"], None, None);
        fetched.unwrap_or_else(|error| panic!("{}", session.explain(&error)));
        assert_eq!(here.refname_to_id("refs/heads/main"), Ok(id));
    }

    #[test]
    fn a_program_that_hangs_is_ended_and_one_that_fails_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = Repository::init(folder.path()).expect("new");
        let begun = Instant::now();
        let hangs = connected(&here, "sh -c 'printf 00; exec sleep 20' x").expect_err("nothing comes");
        assert!(matches!(hangs, NetworkError::Way(Trouble::Slow { .. })), "{hangs}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let fails = connected(&here, "sh -c 'echo out of order >&2; exit 3' x").expect_err("it ends");
        assert_eq!(fails.to_string(), "`ssh` ended early: out of order");
        let strange = connected(&here, r"printf '0034%040d refs/heads/\377\n0000' 1 #").expect_err("a strange name");
        assert!(matches!(strange, NetworkError::NotUtf8), "{strange}");
    }
}
