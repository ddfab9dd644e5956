//! What can go wrong between here and another machine, before it has answered.

use std::error::Error;
use std::io;

use crate::error::{Blame, Fault};

/// Why a host was not reached, or its answer did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("no host is called `{host}`")]
    UnknownHost { host: String },
    #[error("cannot connect to `{host}`: {reason}")]
    NotConnected {
        host: String,
        /// The system's error.
        reason: String,
    },
    #[error("cannot trust `{host}`: {reason}")]
    Tls { host: String, reason: String },
    #[error("no data came for {seconds} seconds")]
    Slow { seconds: u64 },
    #[error("the server redirects too often, or from `https` to `http`")]
    Redirect,
    #[error("the connection broke before everything had arrived")]
    Lost,
    #[error("{text}")]
    NoClient { text: String },
}

impl Trouble {
    /// Sorts out what `reqwest` met. URLs, which may hold what a redirect put there, are left out.
    pub fn of(error: reqwest::Error, host: &str, seconds: u64) -> Self {
        let error = error.without_url();
        let host = host.to_owned();
        let causes: Vec<&(dyn Error + 'static)> =
            std::iter::successors(Some(&error as &(dyn Error + 'static)), |cause| (*cause).source()).collect();
        let reason = || printable(&causes.last().map_or_else(String::new, ToString::to_string));
        if error.is_timeout() {
            Self::Slow { seconds }
        } else if let Some(tls) = causes.iter().find_map(|cause| tls(*cause)) {
            Self::Tls { host, reason: printable(&tls.to_string()) }
        } else if causes.iter().any(|cause| cause.to_string().starts_with("dns error")) {
            Self::UnknownHost { host }
        } else if error.is_connect() {
            Self::NotConnected { host, reason: reason() }
        } else if error.is_redirect() {
            Self::Redirect
        } else if error.is_builder() {
            Self::NoClient { text: reason() }
        } else {
            Self::Lost
        }
    }

    /// Whether the request cannot have reached the host: sending it again does nothing twice.
    pub fn is_before_sending(&self) -> bool {
        matches!(self, Self::UnknownHost { .. } | Self::NotConnected { .. } | Self::Tls { .. } | Self::NoClient { .. })
    }

    /// Whether it may go away by itself.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::UnknownHost { .. } | Self::NotConnected { .. } | Self::Slow { .. } | Self::Lost)
    }
}

impl Blame for Trouble {
    fn fault(&self) -> Fault {
        Fault::Environment
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownHost { .. } => "check the spelling of the host, and the network connection",
            Self::NotConnected { .. } => "check the network connection, and `HTTPS_PROXY` if there is a proxy",
            Self::Tls { .. } => "name a file with the certificate authority's certificate in `SSL_CERT_FILE`",
            Self::Slow { .. } | Self::Lost => "run the same command again; the server may be busy",
            Self::Redirect => "give the URL that `git clone` takes",
            Self::NoClient { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// The TLS failure inside a cause: an `io::Error` does not show what it wraps as its source.
fn tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = |io: &'a io::Error| io.get_ref().and_then(|inner| tls(inner));
    cause.downcast_ref().or_else(|| cause.downcast_ref::<io::Error>().and_then(wrapped))
}

/// Text from elsewhere, on one line, without anything that could steer a terminal, at most 500 characters.
pub fn printable(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().filter(|c| !c.is_control()).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\n  c\0\u{9b}2J"), "a[31mb; c2J");
        assert_eq!(printable(&"x".repeat(1000)).len(), 500);
    }
}
