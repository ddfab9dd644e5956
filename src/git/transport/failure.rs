//! What can go wrong between here and a remote.

use std::error::Error;
use std::io;

use crate::error::{Blame, Fault};

/// Why a remote could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The name service does not know the host.
    #[error("no host is called `{host}`")]
    UnknownHost {
        /// The host of the URL.
        host: String,
    },
    /// The host, or a proxy on the way, takes no connection.
    #[error("cannot connect to `{host}`: {reason}")]
    NotConnected {
        /// The host of the URL.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// No encrypted connection could be agreed on.
    #[error("cannot trust `{host}`: {reason}")]
    Tls {
        /// The host of the URL.
        host: String,
        /// What is wrong with its certificate or its encryption.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("no data came for {seconds} seconds")]
    Slow {
        /// The limit that was passed.
        seconds: u64,
    },
    /// The server wants to know who asks, or does not let this one in: 401, 403, or ssh without a key that fits.
    #[error("the server lets only people in whom it knows: {reason}")]
    Forbidden {
        /// The status or what `ssh` says.
        reason: String,
    },
    /// 404 or 410.
    #[error("the server answered {status}: there is no such repository, or it is private")]
    NotThere {
        /// The HTTP status.
        status: u16,
    },
    /// Another HTTP status than 200.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The server sends elsewhere, in a way that is not followed.
    #[error("the server redirects too often, or from `https` to `http`")]
    Redirect,
    /// A web page, most likely.
    #[error("the server did not answer as a git server does, but with `{content_type}`")]
    NotGit {
        /// The content type of the answer.
        content_type: String,
    },
    /// The server lists a branch or a tag in another encoding.
    #[error("the server lists names that are not UTF-8")]
    NotUtf8,
    /// The connection ended early.
    #[error("the connection broke before everything had arrived")]
    Lost,
    /// `ssh` could not be run.
    #[error("cannot run `{command}`")]
    NoSsh {
        /// The program, or the shell words for it.
        command: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// `ssh` gave up.
    #[error("`ssh` ended early: {said}")]
    Ssh {
        /// The end of what it wrote on its standard error.
        said: String,
    },
    /// What the server, or libgit2 about what the server sent, says.
    #[error("{text}")]
    Said {
        /// Their words.
        text: String,
    },
}

impl NetworkError {
    /// Sorts out what `reqwest` met. URLs, which may hold what a redirect put there, are left out.
    pub(super) fn of_http(error: reqwest::Error, host: &str, seconds: u64) -> Self {
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
            Self::Said { text: reason() }
        } else {
            Self::Lost
        }
    }

    /// What a status other than 200 means.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Forbidden { reason: format!("it answered {status}") },
            404 | 410 => Self::NotThere { status },
            _ => Self::Status { status },
        }
    }

    /// What the last words of `ssh` mean.
    pub(super) fn of_ssh(said: &[u8]) -> Self {
        let said = printable(&String::from_utf8_lossy(said));
        if said.contains("Permission denied") || said.contains("Host key verification failed") {
            Self::Forbidden { reason: said }
        } else if said.is_empty() {
            Self::Ssh { said: "it said nothing".to_owned() }
        } else {
            Self::Ssh { said }
        }
    }

    /// Whether the server was reached and spoke: it refused what was asked for, not us.
    pub(in crate::git) fn is_an_answer(&self) -> bool {
        matches!(self, Self::Said { .. } | Self::Ssh { .. })
    }
}

impl Blame for NetworkError {
    fn fault(&self) -> Fault {
        match self {
            Self::Forbidden { .. } => Fault::Permission,
            _ => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownHost { .. } => "check the spelling of the host, and the network connection",
            Self::NotConnected { .. } => "check the network connection, and `HTTPS_PROXY` if there is a proxy",
            Self::Tls { .. } => "name a file with the certificate authority's certificate in `SSL_CERT_FILE`",
            Self::Slow { .. } | Self::Lost | Self::Status { .. } => {
                "run the same command again; the server may be busy"
            }
            Self::Forbidden { .. } => {
                "`git ls-remote URL` shows what git may see; over ssh, your own keys are used: `git@host:owner/repository`"
            }
            Self::NotThere { .. } => {
                "check the URL; a private repository can be read over ssh: `git@host:owner/repository`"
            }
            Self::NotGit { .. } | Self::Redirect => "give the URL that `git clone` takes",
            Self::NoSsh { .. } => "install OpenSSH's client, set `GIT_SSH_COMMAND`, or use an `https` URL",
            Self::Ssh { .. } => "try the same with `git ls-remote URL`",
            Self::NotUtf8 | Self::Said { .. } => return None,
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
pub(in crate::git) fn printable(text: &str) -> String {
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

    #[test]
    fn who_must_act_follows_from_the_status() {
        assert_eq!(NetworkError::of_status(403).fault(), Fault::Permission);
        assert_eq!(NetworkError::of_status(404).fault(), Fault::Environment);
        assert_eq!(NetworkError::of_ssh(b"me@h: Permission denied (publickey).\n").fault(), Fault::Permission);
    }
}
