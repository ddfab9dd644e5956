//! Talking to a remote's `git-receive-pack` directly (git's `gitprotocol-pack`): libgit2 would make the pack anew, and
//! read every folder of the commit before for it.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::address::Address;
use super::http::{Call, Http};
use super::ssh::{Connection, Ssh};
use super::{Network, NetworkError, Shared};
use crate::net::{Trouble, printable};

const SERVICE: &str = "git-receive-pack";
/// The most that a server may list or answer, in bytes.
const MOST: usize = 64 << 20;

/// A remote that listens for what is pushed to it.
pub(in crate::git) struct Receiver {
    shared: Arc<Shared>,
    line: Line,
    url: String,
}

enum Line {
    Http(Box<Http>),
    Ssh(Box<Connection>),
}

impl Receiver {
    /// Connects, and gives the packets in which the remote lists its references.
    pub(in crate::git) fn open(network: &Network, url: &str) -> Result<(Self, Vec<Vec<u8>>), NetworkError> {
        let shared = Arc::new(Shared { network: network.clone(), trouble: Mutex::new(None) });
        let (line, listed) = match Address::of(url) {
            Address::Ssh(_) => {
                let mut connection = Ssh::new(Arc::clone(&shared)).connect(url, SERVICE)?;
                let listed = packets(&mut connection);
                (Line::Ssh(Box::new(connection)), listed)
            }
            _ => {
                let http = Http::new(Arc::clone(&shared));
                let mut call = http.list(url, SERVICE)?;
                (Line::Http(Box::new(http)), listed(&mut call))
            }
        };
        let listed = listed.map_err(|error| trouble(&shared, &error))?;
        match listed.first().and_then(|first| first.strip_prefix(b"ERR ")) {
            Some(said) => Err(NetworkError::Said { text: printable(&String::from_utf8_lossy(said)) }),
            None => Ok((Self { shared, line, url: url.to_owned() }, listed)),
        }
    }

    /// Sends a request, and gives the packets of the answer.
    pub(in crate::git) fn ask(self, request: &[u8]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let Self { shared, line, url } = self;
        let answer = match line {
            Line::Http(http) => {
                let mut call = http.call(&url, SERVICE)?;
                call.write_all(request).and_then(|()| packets(&mut call))
            }
            Line::Ssh(mut connection) => connection.write_all(request).and_then(|()| packets(&mut connection)),
        };
        answer.map_err(|error| trouble(&shared, &error))
    }

    /// Ends the conversation without a request.
    pub(in crate::git) fn leave(self) {
        if let Line::Ssh(mut connection) = self.line {
            // It ends with the connection in any case.
            let _ = connection.write_all(b"0000");
        }
    }
}

/// Over HTTP the list comes after a heading of its own.
fn listed(call: &mut Call) -> io::Result<Vec<Vec<u8>>> {
    let heading = packets(call)?;
    if heading.first().is_some_and(|first| first.starts_with(b"# service=")) { packets(call) } else { Ok(heading) }
}

/// The packets up to the next flush packet.
fn packets(from: &mut impl Read) -> io::Result<Vec<Vec<u8>>> {
    let mut packets = Vec::new();
    let mut total = 0;
    loop {
        let mut head = [0; 4];
        from.read_exact(&mut head)?;
        let length = str::from_utf8(&head).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = match length {
            Some(0) => return Ok(packets),
            Some(length) if length >= 4 => length - 4,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        total += length;
        if total > MOST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut packet = vec![0; length];
        from.read_exact(&mut packet)?;
        packets.push(packet);
    }
}

/// What the transport met, else what the bytes say.
fn trouble(shared: &Shared, error: &io::Error) -> NetworkError {
    let met = shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    met.unwrap_or_else(|| match error.kind() {
        io::ErrorKind::InvalidData => NetworkError::Said { text: "the server did not answer as git does".to_owned() },
        _ => Trouble::Lost.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_up_to_the_flush_and_nothing_else_is_taken_for_one() {
        let read = |text: &str| packets(&mut text.as_bytes());
        assert_eq!(read("0006a\n0005b0000rest").expect("two"), [b"a\n".to_vec(), b"b".to_vec()]);
        for (text, kind) in [
            ("0006a", io::ErrorKind::UnexpectedEof),
            ("", io::ErrorKind::UnexpectedEof),
            ("0003", io::ErrorKind::InvalidData),
            ("<html>", io::ErrorKind::InvalidData),
        ] {
            assert_eq!(read(text).expect_err("not packets").kind(), kind, "{text}");
        }
    }
}
