//! How bytes reach a remote: `http` and `https` through `reqwest`, `ssh` through the user's own `ssh` program.
//!
//! libgit2 is built without its own network code, so that building needs Rust and a C compiler only. It speaks the git
//! protocol; what is here opens the stream it speaks over.

mod address;
mod caller;
mod failure;
mod http;
mod receive;
mod ssh;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use git2::transport::{Transport, register};

use crate::net::{Trouble, printable};

pub use crate::model::token::Token;
pub(super) use address::Address;
pub use caller::Caller;
#[cfg(test)]
pub(super) use caller::tests as callers;
pub(super) use caller::{Attempts, persist};
pub use failure::NetworkError;
pub(super) use receive::Receiver;

/// How to reach remotes.
#[derive(Clone, Debug)]
pub struct Network {
    /// What to run instead of `ssh`, in words that a shell splits (`GIT_SSH_COMMAND`; a `GIT_SSH` is quoted by the caller).
    pub ssh_command: Option<String>,
    /// Sent to the host of the URL, over `https` or to this machine itself only; give it only where it belongs.
    pub token: Option<Token>,
    /// The longest time for a connection to be made.
    pub connect_limit: Duration,
    /// The longest time without any data.
    pub idle_limit: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            ssh_command: None,
            token: None,
            connect_limit: Duration::from_secs(10),
            idle_limit: Duration::from_secs(30),
        }
    }
}

thread_local! {
    /// What the transports that libgit2 opens on this thread shall use: its interface cannot carry it.
    static CURRENT: RefCell<Option<Arc<TransportState>>> = const { RefCell::new(None) };
}

struct TransportState {
    network: Network,
    trouble: Mutex<Option<NetworkError>>,
}

impl TransportState {
    /// Keeps what went wrong (the first trouble wins) and gives libgit2 a stand-in: its errors are plain text.
    fn fail(&self, trouble: NetworkError) -> git2::Error {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
        git2::Error::from_str("the transport failed")
    }

    /// The same for streams. git2 aborts on a message with a NUL byte, so the text is fixed.
    fn fail_io(&self, trouble: NetworkError) -> std::io::Error {
        std::io::Error::other(self.fail(trouble))
    }
}

/// While it lives, remotes on this thread are reached by its network.
pub(super) struct NetworkScope {
    shared: Arc<TransportState>,
    before: Option<Arc<TransportState>>,
}

impl NetworkScope {
    /// Begins a session; the transports are registered with libgit2 the first time.
    pub(super) fn begin(network: &Network) -> Self {
        register_once();
        let shared = Arc::new(TransportState { network: network.clone(), trouble: Mutex::new(None) });
        let before = CURRENT.replace(Some(Arc::clone(&shared)));
        Self { shared, before }
    }

    /// Forgets troubles of a connection that is no longer of interest.
    pub(super) fn forget(&self) {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Why a call to git2 failed: what the transport met, else what libgit2 says.
    pub(super) fn explain(&self, error: &git2::Error) -> NetworkError {
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        trouble.unwrap_or_else(|| match error.code() {
            git2::ErrorCode::Eof => Trouble::Lost.into(),
            _ => NetworkError::Said { text: printable(error.message()) },
        })
    }
}

impl Drop for NetworkScope {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

fn register_once() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let stateless = |remote: &git2::Remote<'_>| Transport::smart(remote, true, http::Http::new(current()?));
        let lasting = |remote: &git2::Remote<'_>| Transport::smart(remote, false, ssh::Ssh::new(current()?));
        // SAFETY: `register` must not run beside the making of another transport. Transports are made only inside a
        // `NetworkScope`, which begins with this call, and `Once` makes every other session wait for its end.
        #[allow(unsafe_code, reason = "git2 offers no safe way to add a transport")]
        let registered = unsafe {
            register("http", stateless)
                .and_then(|()| register("https", stateless))
                .and_then(|()| register("ssh", lasting))
        };
        registered.expect("fails only when a scheme is registered twice or memory is out");
    });
}

fn current() -> Result<Arc<TransportState>, git2::Error> {
    CURRENT.with_borrow(Clone::clone).ok_or_else(|| git2::Error::from_str("no session on this thread"))
}

/// Checks that what a server lists before it is asked anything is UTF-8: git2 panics on a name that is not.
#[derive(Default)]
struct ReferenceListCheck {
    /// The beginning of a character whose end has not come yet, at most three bytes.
    unfinished: Vec<u8>,
}

impl ReferenceListCheck {
    fn accepts(&mut self, bytes: &[u8]) -> bool {
        self.unfinished.extend_from_slice(bytes);
        match std::str::from_utf8(&self.unfinished) {
            Ok(_) => self.unfinished.clear(),
            Err(error) if error.error_len().is_none() => drop(self.unfinished.drain(..error.valid_up_to())),
            Err(_) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_printed() {
        let network = Network { token: Some(Token::new("s3cret")), ..Network::default() };
        let text = format!("{network:?}");
        assert!(text.contains("***") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_listing_is_utf_8_however_it_is_cut() {
        let text = "refs/heads/für-愛-🦀\n".as_bytes();
        for size in 1..text.len() {
            let mut listing = ReferenceListCheck::default();
            assert!(text.chunks(size).all(|chunk| listing.accepts(chunk)), "{size}");
        }
        assert!(!ReferenceListCheck::default().accepts(b"refs/heads/\xff\n"));
        let mut cut = ReferenceListCheck::default();
        assert!(cut.accepts(b"\xc3") && !cut.accepts(b"x"));
    }
}
