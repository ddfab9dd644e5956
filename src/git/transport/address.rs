//! What kind of place a repository's address names.

use std::path::PathBuf;

/// An address, read as git reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) enum Address {
    /// On this machine: a path, or `file://`.
    Local(PathBuf),
    /// `http://` or `https://`.
    Http,
    /// `ssh://` or `user@host:path`.
    Ssh(SshAddress),
    /// Another scheme.
    Unknown,
}

/// Where `ssh` goes and what it asks for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::git) struct SshAddress {
    /// `host` or `user@host`.
    pub(super) destination: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
}

impl Address {
    /// Reads an address. A path with a colon before its first slash must be given as an absolute path or with `./`.
    pub(in crate::git) fn of(text: &str) -> Self {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text.split_once(':') {
                Some((host, path)) if !host.contains('/') => Self::ssh(host, None, path.to_owned()),
                _ => Self::Local(PathBuf::from(text)),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" => rest.find('/').map_or(Self::Unknown, |at| Self::Local(decoded(&rest[at..]).into())),
            "http" | "https" => Self::Http,
            "ssh" => Self::of_ssh_url(rest),
            _ => Self::Unknown,
        }
    }

    fn of_ssh_url(rest: &str) -> Self {
        let Some((authority, path)) = rest.split_once('/') else { return Self::Unknown };
        let path = decoded(path);
        let path = if path.starts_with('~') { path } else { format!("/{path}") };
        let after_user = authority.rfind('@').map_or(0, |at| at + 1);
        let colon = authority[after_user..].rfind(':').map(|at| after_user + at);
        match colon.filter(|_| !authority.ends_with(']')) {
            None => Self::ssh(authority, None, path),
            Some(at) => match authority[at + 1..].parse() {
                Ok(port) => Self::ssh(&authority[..at], Some(port), path),
                Err(_) => Self::Unknown,
            },
        }
    }

    /// Nothing may begin with `-`: it would be taken for an option by `ssh` here or by git there.
    fn ssh(destination: &str, port: Option<u16>, path: String) -> Self {
        let (user, host) = destination.rsplit_once('@').unwrap_or(("", destination));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let unsafe_word = |word: &str| word.starts_with('-') || word.chars().any(|c| c.is_control() || c == ' ');
        if bare.is_empty()
            || path.is_empty()
            || [user, bare, destination, &path[..1.min(path.len())]].iter().any(|w| unsafe_word(w))
        {
            return Self::Unknown;
        }
        let destination = if user.is_empty() { bare.to_owned() } else { format!("{user}@{bare}") };
        Self::Ssh(SshAddress { destination, port, path })
    }
}

/// `%20` and the like as the bytes they stand for; what is no such code, or would not be UTF-8, stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(destination: &str, port: Option<u16>, path: &str) -> Address {
        Address::Ssh(SshAddress { destination: destination.to_owned(), port, path: path.to_owned() })
    }

    #[test]
    fn addresses_are_read_as_git_reads_them() {
        assert_eq!(Address::of("/a/b"), Address::Local("/a/b".into()));
        assert_eq!(Address::of("./a:b"), Address::Local("./a:b".into()));
        assert_eq!(Address::of("file:///a%20b/%zz"), Address::Local("/a b/%zz".into()));
        assert_eq!(Address::of("HTTPS://h/r"), Address::Http);
        assert_eq!(Address::of("git@h:o/r.git"), ssh("git@h", None, "o/r.git"));
        assert_eq!(Address::of("ssh://git@h/o/r"), ssh("git@h", None, "/o/r"));
        assert_eq!(Address::of("ssh://h:22/~me/r%20s"), ssh("h", Some(22), "~me/r s"));
        assert_eq!(Address::of("ssh://me@[::1]:2222/r"), ssh("me@::1", Some(2222), "/r"));
        assert_eq!(Address::of("ssh://[::1]/r"), ssh("::1", None, "/r"));
    }

    #[test]
    fn nothing_is_taken_for_an_option() {
        for bad in [
            "ssh://-oProxyCommand=x/r",
            "ssh://-oProxyCommand=x@h/r",
            "ssh://me@-x/r",
            "-oProxyCommand=x:r",
            "git@h:-x",
            "ssh://[-x]/r",
            "ssh://h:x/r",
            "ssh://h",
            "git://h/r",
            "ext::sh -c x://",
        ] {
            assert_eq!(Address::of(bad), Address::Unknown, "{bad}");
        }
    }
}
