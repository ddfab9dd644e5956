//! What can go wrong between here and a remote.

use std::io;

use crate::error::{Blame, Failure, Fault};
use crate::net::{Trouble, printable};

/// Why a remote could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error(transparent)]
    Way(#[from] Trouble),
    /// The server wants to know who asks, or does not let this one in: 401, 403, or ssh without a key that fits.
    #[error("the server lets only people in whom it knows: {reason}")]
    Forbidden { reason: String },
    #[error("the server answered {status}: there is no such repository, or it is private")]
    NotThere { status: u16 },
    #[error("the server answered {status}")]
    Status {
        status: u16,
        /// The pause in seconds that the server asks for (`Retry-After`).
        pause: Option<u64>,
    },
    /// Too many requests: 429, or 403 with `Retry-After`, as GitHub words its secondary limits.
    #[error("the server answered {status}: there were too many requests{}", pause.map(|pause| format!(", and it asks for a pause of {pause} seconds")).unwrap_or_default())]
    Limited {
        status: u16,
        /// The pause in seconds that the server asks for.
        pause: Option<u64>,
    },
    /// The caller gives up: there is no token, or Ctrl-C was pressed.
    #[error("{0}")]
    Caller(Failure),
    #[error("the server did not answer as a git server does, but with `{content_type}`")]
    NotGit { content_type: String },
    #[error("the server lists names that are not UTF-8")]
    NotUtf8,
    #[error("cannot run `{command}`")]
    NoSsh {
        command: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    #[error("`ssh` ended early: {said}")]
    Ssh {
        /// The end of what it wrote on its standard error.
        said: String,
    },
    #[error("{text}")]
    Said { text: String },
}

impl NetworkError {
    /// What a status other than 200 means, with the pause that the server asks for.
    pub(super) fn of_status(status: u16, pause: Option<u64>) -> Self {
        match status {
            403 if pause.is_some() => Self::Limited { status, pause },
            429 => Self::Limited { status, pause },
            401 | 403 => Self::Forbidden { reason: format!("it answered {status}") },
            404 | 410 => Self::NotThere { status },
            _ => Self::Status { status, pause },
        }
    }

    /// What the last words of `ssh` mean.
    pub(super) fn of_ssh(said: &[u8]) -> Self {
        let said = printable(&String::from_utf8_lossy(said));
        if said.contains("Permission denied") || said.contains("Host key verification failed") {
            Self::Forbidden { reason: said }
        } else if said.is_empty() {
            Self::Ssh { said: "it printed nothing".to_owned() }
        } else {
            Self::Ssh { said }
        }
    }

    /// libgit2 only fetches; pushes go through `Receiver`.
    pub(super) fn no_push() -> Self {
        Self::Said { text: "libgit2 is not used for pushes".to_owned() }
    }

    /// Whether the server was reached and spoke: it refused what was asked for, not us.
    pub(in crate::git) fn is_an_answer(&self) -> bool {
        matches!(self, Self::Said { .. } | Self::Ssh { .. })
    }
}

impl NetworkError {
    /// Whether trying again may help: the way there failed, the server did (5xx), or it asks for a pause.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Way(trouble) => trouble.may_pass(),
            Self::Status { status, .. } => *status >= 500,
            Self::Limited { .. } => true,
            _ => false,
        }
    }
}

impl Blame for NetworkError {
    fn fault(&self) -> Fault {
        match self {
            Self::Forbidden { .. } => Fault::Permission,
            Self::Way(trouble) => trouble.fault(),
            Self::Caller(failure) => failure.fault(),
            _ => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Way(trouble) => return trouble.hint(),
            Self::Caller(failure) => return failure.hint(),
            Self::Limited { .. } => "run the same command again after the pause",
            Self::Status { .. } => "run the same command again; the server may be busy",
            Self::Forbidden { .. } => {
                "`git ls-remote URL` shows what git may see; over ssh, your own keys are used: `git@host:owner/repository`"
            }
            Self::NotThere { .. } => {
                "check the URL; a private repository can be read over ssh: `git@host:owner/repository`"
            }
            Self::NotGit { .. } => "give the URL that `git clone` takes",
            Self::NoSsh { .. } => "install OpenSSH's client, set `GIT_SSH_COMMAND`, or use an `https` URL",
            Self::Ssh { .. } => "try the same with `git ls-remote URL`",
            Self::NotUtf8 | Self::Said { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_act_follows_from_the_status() {
        assert_eq!(NetworkError::of_status(403, None).fault(), Fault::Permission);
        assert_eq!(NetworkError::of_status(404, None).fault(), Fault::Environment);
        for (status, pause) in [(403, Some(7)), (429, None)] {
            let limited = NetworkError::of_status(status, pause);
            assert!(matches!(limited, NetworkError::Limited { .. }) && limited.fault() == Fault::Environment);
        }
        assert_eq!(NetworkError::of_ssh(b"me@h: Permission denied (publickey).\n").fault(), Fault::Permission);
    }
}
