//! What every room that talks to other machines shares: one way to build an HTTP client, one list of what can go wrong
//! on the way, how often one asks again, and waiting that Ctrl-C ends.

mod interrupt;
mod patience;
mod trouble;

use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};

pub use interrupt::{Interrupt, Interrupted};
pub use patience::{LONGEST_PAUSE, PauseReason, Tries, backoff};
pub use trouble::{Trouble, printable};

/// How long to wait for another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection to be made.
    pub connect: Duration,
    /// For an answer, or between two pieces of one.
    pub answer: Duration,
}

/// The beginning of every HTTP client: encryption by rustls and ring, certificates of the system, proxies of the
/// environment, these limits.
pub fn http(limits: Limits) -> ClientBuilder {
    // An error says that another part of this process has chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().connect_timeout(limits.connect).timeout(limits.answer)
}
