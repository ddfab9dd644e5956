//! Pushing one commit to one branch, compared and swapped: it is taken on top of the commit that is expected there, or
//! not at all.

use super::pack::{Id, Pack, hex};
use super::transport::{Network, NetworkError, Receiver};
use crate::net::printable;

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The branch is at the new commit.
    Done,
    /// The branch is at another commit than expected.
    Moved,
    /// The remote does not take it, though the branch is where it should be: a hook, or a rule for the branch.
    Refused {
        /// The reason given for the branch.
        reason: String,
        /// What else the remote says, on one line.
        said: String,
    },
}

/// What is pushed.
pub(super) struct Push<'p> {
    /// The branch's full name.
    pub(super) reference: &'p str,
    /// Where it must be; none when it must not exist.
    pub(super) expected: Option<Id>,
    /// Where it shall be.
    pub(super) commit: Id,
    /// Everything that the remote does not have yet.
    pub(super) pack: &'p Pack,
}

impl Push<'_> {
    /// Pushes. Whether it took effect is looked at when the answer got lost.
    pub(super) fn run(&self, network: &Network, url: &str) -> Result<Pushed, NetworkError> {
        let (remote, listed) = Receiver::open(network, url)?;
        let list = List::read(&listed)?;
        if list.find(self.reference) != self.expected.map(|id| hex(&id)).as_deref() {
            remote.leave();
            return Ok(Pushed::Moved);
        }
        let banded = list.offers("side-band-64k");
        let answer = remote.ask(&self.request(banded)).map(|packets| Report::read(&packets, banded));
        match answer {
            Ok(Report { failure: None, .. }) => Ok(Pushed::Done),
            Ok(Report { failure: Some(reason), said }) => match self.look(network, url)? {
                Standing::Ours => Ok(Pushed::Done),
                Standing::Elsewhere => Ok(Pushed::Moved),
                Standing::Expected => Ok(Pushed::Refused { reason, said }),
            },
            Err(NetworkError::Forbidden { reason }) => Err(NetworkError::Forbidden { reason }),
            Err(error) => match self.look(network, url) {
                Ok(Standing::Ours) => Ok(Pushed::Done),
                Ok(Standing::Elsewhere) => Ok(Pushed::Moved),
                Ok(Standing::Expected) | Err(_) => Err(error),
            },
        }
    }

    fn look(&self, network: &Network, url: &str) -> Result<Standing, NetworkError> {
        let (remote, listed) = Receiver::open(network, url)?;
        let head = List::read(&listed)?.find(self.reference).map(str::to_owned);
        remote.leave();
        Ok(match head {
            Some(head) if head == hex(&self.commit) => Standing::Ours,
            head if head == self.expected.map(|id| hex(&id)) => Standing::Expected,
            _ => Standing::Elsewhere,
        })
    }

    fn request(&self, banded: bool) -> Vec<u8> {
        let old = hex(&self.expected.unwrap_or_default());
        let bands = if banded { " side-band-64k" } else { "" };
        let agent = concat!("agent=apiscaffold/", env!("CARGO_PKG_VERSION"));
        let command = format!("{old} {} {}\0 report-status{bands} {agent}", hex(&self.commit), self.reference);
        let mut request = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
        // Writing to memory does not fail.
        let _ = self.pack.write(&mut request);
        request
    }
}

enum Standing {
    Ours,
    Expected,
    Elsewhere,
}

/// What a remote lists before it is asked anything.
struct List<'l> {
    references: Vec<(&'l str, &'l str)>,
    capabilities: &'l str,
}

impl<'l> List<'l> {
    fn read(packets: &'l [Vec<u8>]) -> Result<Self, NetworkError> {
        let mut list = Self { references: Vec::new(), capabilities: "" };
        for packet in packets {
            let text = str::from_utf8(packet).map_err(|_| NetworkError::NotUtf8)?;
            let text = text.trim_end_matches('\n');
            let (line, capabilities) = text.split_once('\0').unwrap_or((text, ""));
            if !capabilities.is_empty() {
                list.capabilities = capabilities;
            }
            if let Some((id, name)) = line.split_once(' ') {
                list.references.push((name, id));
            }
        }
        if list.offers("object-format=sha256") {
            let text = "it names its objects by SHA-256, and only SHA-1 can be pushed to".to_owned();
            return Err(NetworkError::Said { text });
        }
        Ok(list)
    }

    fn offers(&self, capability: &str) -> bool {
        self.capabilities.split(' ').any(|offered| offered == capability)
    }

    fn find(&self, reference: &str) -> Option<&'l str> {
        self.references.iter().find(|(name, _)| *name == reference).map(|(_, id)| *id)
    }
}

/// What a remote answers to a push.
#[derive(Debug, PartialEq, Eq)]
struct Report {
    /// Why the branch was not moved; none when it was.
    failure: Option<String>,
    said: String,
}

impl Report {
    fn read(packets: &[Vec<u8>], banded: bool) -> Self {
        let mut report = Vec::new();
        let mut said = Vec::new();
        for packet in packets {
            match packet.split_first() {
                Some((1, data)) if banded => report.extend_from_slice(data),
                Some((2 | 3, text)) if banded => {
                    said.extend_from_slice(text);
                    said.push(b'\n');
                }
                _ if banded => {}
                _ => report.extend_from_slice(packet),
            }
        }
        let report = String::from_utf8_lossy(&report);
        // Inside a band, packets have their lengths before them still: only the words count.
        let after = |word: &str| report.find(word).map(|at| report[at + word.len()..].lines().next().unwrap_or(""));
        let unpacked = report.contains("unpack ok");
        let failure = match (after("ng refs/"), unpacked && report.contains("ok refs/")) {
            (Some(refused), _) => Some(refused.split_once(' ').map_or("refused", |(_, reason)| reason)),
            (None, true) => None,
            (None, false) => Some(after("unpack ").unwrap_or("the answer does not say whether it was taken")),
        };
        Self { failure: failure.map(printable), said: printable(&spoken(&String::from_utf8_lossy(&said))) }
    }
}

/// The lines of `text` as they are left on a terminal after carriage returns, without meters.
fn spoken(text: &str) -> String {
    let meter = |line: &&str| line.contains('%') && line.contains('(');
    let lines: Vec<&str> = text.split(['\n', '\r']).filter(|line| !meter(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(lines: &[&str]) -> Vec<Vec<u8>> {
        lines.iter().map(|line| line.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_list_is_read_with_its_capabilities() {
        let listed = packets(&["aa refs/heads/main\0 report-status side-band-64k", "bb refs/heads/other"]);
        let list = List::read(&listed).expect("a list");
        assert_eq!(list.find("refs/heads/main"), Some("aa"));
        assert_eq!(list.find("refs/heads/mai"), None);
        assert!(list.offers("side-band-64k") && !list.offers("side-band"));
        let newer = packets(&["0 capabilities^{}\0object-format=sha256"]);
        assert!(matches!(List::read(&newer), Err(NetworkError::Said { .. })));
        assert!(List::read(&[vec![0xff]]).is_err());
    }

    #[test]
    fn a_report_says_whether_the_branch_moved_and_why_not() {
        let read = |lines: &[&str], banded| Report::read(&packets(lines), banded);
        assert_eq!(read(&["unpack ok\n", "ok refs/heads/main\n"], false).failure, None);
        let refused = read(&["unpack ok\n", "ng refs/heads/main pre-receive hook declined\n"], false);
        assert_eq!(refused.failure.as_deref(), Some("pre-receive hook declined"));
        let banded = [
            "\u{2}Checking: 50% (1/2)\r",
            "\u{2}no \u{1b}[31mway\n",
            "\u{1}000eunpack ok\n0019ok refs/heads/main\n0000",
        ];
        assert_eq!(read(&banded, true), Report { failure: None, said: "no [31mway".to_owned() });
        let bad = read(&["\u{1}0011unpack no room\n0020ng refs/heads/main unpacker error\n"], true);
        assert_eq!(bad.failure.as_deref(), Some("unpacker error"));
        assert!(read(&[], true).failure.is_some() && read(&["unpack ok"], false).failure.is_some());
    }
}
