//! Talking to a remote's `git-receive-pack` (git's `gitprotocol-pack`). libgit2 does not: it knows neither atomic pushes nor
//! references that must be where they were, and would read every folder of the commit before.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::address::Address;
use super::http::{Http, HttpStream};
use super::ssh::{Connection, Ssh};
use super::{Network, NetworkError, TransportState};
use crate::net::{Trouble, printable};

const SERVICE: &str = "git-receive-pack";
/// The most that a server may list or answer, in bytes.
const MOST: usize = 64 << 20;

/// A remote that listens for what is pushed to it.
pub(in crate::git) struct Receiver {
    shared: Arc<TransportState>,
    channel: Channel,
    url: String,
}

enum Channel {
    Http(Box<Http>),
    Ssh(Box<Connection>),
}

impl Receiver {
    /// Connects, and gives the packets in which the remote lists its references.
    pub(in crate::git) fn open(network: &Network, url: &str) -> Result<(Self, Vec<Vec<u8>>), NetworkError> {
        let shared = Arc::new(TransportState { network: network.clone(), trouble: Mutex::new(None) });
        let (channel, listed) = match Address::of(url) {
            Address::Ssh(_) => {
                let mut connection = Ssh::new(Arc::clone(&shared)).connect(url, SERVICE)?;
                let listed = packets(&mut connection);
                (Channel::Ssh(Box::new(connection)), listed)
            }
            _ => {
                let http = Http::new(Arc::clone(&shared));
                let mut call = http.list(url, SERVICE)?;
                (Channel::Http(Box::new(http)), listed(&mut call))
            }
        };
        let listed = listed.map_err(|error| trouble(&shared, &error))?;
        match listed.first().and_then(|first| first.strip_prefix(b"ERR ")) {
            Some(said) => Err(NetworkError::Said { text: printable(&String::from_utf8_lossy(said)) }),
            None => Ok((Self { shared, channel, url: url.to_owned() }, listed)),
        }
    }

    /// Sends a request, and gives the packets of the answer.
    pub(in crate::git) fn ask(self, request: Vec<u8>) -> Result<Vec<Vec<u8>>, NetworkError> {
        let Self { shared, channel, url } = self;
        let answer = match channel {
            Channel::Http(http) => packets(&mut http.ask(&url, SERVICE, request)?),
            Channel::Ssh(mut connection) => connection.write_all(&request).and_then(|()| packets(&mut connection)),
        };
        answer.map_err(|error| trouble(&shared, &error))
    }

    /// Ends the conversation without a request.
    pub(in crate::git) fn leave(self) {
        if let Channel::Ssh(mut connection) = self.channel {
            // It ends with the connection in any case.
            let _ = connection.write_all(b"0000");
        }
    }
}

/// Over HTTP the list comes after a heading of its own.
fn listed(call: &mut HttpStream) -> io::Result<Vec<Vec<u8>>> {
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
fn trouble(shared: &TransportState, error: &io::Error) -> NetworkError {
    let met = shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    met.unwrap_or_else(|| match error.kind() {
        io::ErrorKind::InvalidData => NetworkError::Said { text: "the server did not answer as git does".to_owned() },
        _ => Trouble::Lost.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

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

    /// A server that lists nothing and, when something is pushed, reads so much of it before it answers with `status`.
    fn server(reads: u64, status: u16) -> (String, JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/r", listener.local_addr().expect("an address"));
        let serve = move || {
            let list = b"001f# service=git-receive-pack\n00000000";
            let report = b"000eunpack ok\n0000";
            for (reads, status, kind, body) in [(0, 200, "advertisement", &list[..]), (reads, status, "result", report)]
            {
                let (connection, _) = listener.accept()?;
                let mut reader = BufReader::new(&connection);
                let mut line = String::new();
                while reader.read_line(&mut line)? > 2 {
                    line.clear();
                }
                io::copy(&mut reader.by_ref().take(reads), &mut io::sink())?;
                let length = body.len();
                write!(&connection, "HTTP/1.1 {status} X\r\nContent-Type: application/x-{SERVICE}-{kind}\r\n")?;
                write!(&connection, "Connection: close\r\nContent-Length: {length}\r\n\r\n")?;
                (&connection).write_all(body)?;
                // As real servers do: what still comes would else break the connection before the answer is read.
                let _ = io::copy(&mut reader, &mut io::sink());
            }
            Ok(())
        };
        (url, thread::spawn(serve))
    }

    #[test]
    fn a_refusal_is_honoured_before_all_is_sent_and_what_is_long_arrives_whole() {
        const LONG: usize = 16 << 20;
        for (reads, status) in [(0, 413), (LONG as u64, 200)] {
            let (url, server) = server(reads, status);
            let (remote, _) = Receiver::open(&Network::default(), &url).expect("a list");
            match remote.ask(vec![7; LONG]) {
                Ok(answer) => assert_eq!((status, answer), (200, vec![b"unpack ok\n".to_vec()])),
                Err(error) => assert!(matches!(error, NetworkError::Status { status: 413, .. }), "{reads}: {error}"),
            }
            server.join().expect("no panic").expect("served");
        }
    }
}
