//! The one way to push: references are compared and swapped. Each moves on from the commit that is expected there, or
//! none moves; nothing is ever overwritten.

use std::sync::Arc;
use std::time::Duration;

use super::pack::{Id, Pack, hex};
use super::transport::{Caller, Network, NetworkError, Receiver, persist};
use crate::net::printable;

/// The slowest line that a pack is sent over, in bytes a second.
const SLOWEST: u64 = 64 << 10;

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PushOutcome {
    /// Every reference is at the new commit.
    Done,
    /// A reference is at another commit than expected.
    Moved,
    /// The remote does not take it, though everything is where it should be: a hook, or a rule for a reference.
    Refused {
        /// The reference's full name.
        reference: String,
        /// The reason given for it.
        reason: String,
        /// What else the remote says, on one line.
        said: String,
    },
}

/// What is pushed: references and a pack of everything that the remote does not have yet.
pub(super) struct Push {
    pub(super) url: String,
    pub(super) moves: Vec<Move>,
    pub(super) pack: Arc<Pack>,
}

/// One reference on its way. A remote that has it where it shall be is not asked to move it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Its full name.
    pub(super) reference: String,
    /// Where it must be; none when it must not exist.
    pub(super) from: Option<Id>,
    /// Where it shall be.
    pub(super) to: Id,
}

impl Push {
    /// Pushes, with the patience of `caller`. After an answer that got lost the remote is asked what took effect, and only
    /// what did not is sent again.
    pub(super) fn run(self, caller: &dyn Caller, network: &Network) -> Result<PushOutcome, NetworkError> {
        let network = slow(network, self.pack.length() as u64);
        persist(caller, &network, move |network| self.attempt(network))
    }

    fn attempt(&self, network: &Network) -> Result<PushOutcome, NetworkError> {
        let (remote, listed) = Receiver::open(network, &self.url)?;
        let list = List::read(&listed)?;
        if let Some(end) = self.end(&list) {
            remote.leave();
            return Ok(end);
        }
        let moves = self.remaining(&list);
        let answer = remote.ask(self.request(&moves, &list));
        let report = match answer.map(|packets| PushReport::read(&packets, list.offers("side-band-64k"), &moves)) {
            Ok(report) if report.failures.is_empty() => return Ok(PushOutcome::Done),
            // Who was not let in has changed nothing.
            Err(error @ (NetworkError::Forbidden { .. } | NetworkError::Limited { .. })) => return Err(error),
            report => report,
        };
        match (self.look(network), report) {
            (Ok(Some(end)), _) => Ok(end),
            (Ok(None), Ok(report)) => Ok(report.refused()),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
        }
    }

    /// How the push has ended, by what the remote lists now.
    fn look(&self, network: &Network) -> Result<Option<PushOutcome>, NetworkError> {
        let (remote, listed) = Receiver::open(network, &self.url)?;
        let end = List::read(&listed).map(|list| self.end(&list));
        remote.leave();
        end
    }

    /// How the push has ended; none when it can be made.
    fn end(&self, list: &List<'_>) -> Option<PushOutcome> {
        let remaining = self.remaining(list);
        if remaining.iter().any(|moved| list.find(&moved.reference) != moved.from.map(|id| hex(&id)).as_deref()) {
            return Some(PushOutcome::Moved);
        }
        remaining.is_empty().then_some(PushOutcome::Done)
    }

    /// The references that are not where they shall be.
    fn remaining(&self, list: &List<'_>) -> Vec<&Move> {
        self.moves.iter().filter(|moved| list.find(&moved.reference) != Some(&hex(&moved.to))).collect()
    }

    fn request(&self, moves: &[&Move], list: &List<'_>) -> Vec<u8> {
        let mut capabilities = "\0 report-status".to_owned();
        // Of several references all are taken or none is.
        for capability in ["side-band-64k", "atomic"].into_iter().filter(|capability| list.offers(capability)) {
            capabilities = format!("{capabilities} {capability}");
        }
        capabilities += concat!(" agent=apiscaffold/", env!("CARGO_PKG_VERSION"));
        let mut request = Vec::with_capacity(self.pack.length() + 1024);
        for Move { reference, from, to } in moves {
            let (from, to) = (hex(&from.unwrap_or_default()), hex(to));
            let command = format!("{from} {to} {reference}{}", std::mem::take(&mut capabilities));
            request.extend(format!("{:04x}{command}", command.len() + 4).into_bytes());
        }
        request.extend(b"0000");
        // Writing to memory does not fail.
        let _ = self.pack.write(&mut request);
        request
    }
}

/// A network that waits for an answer for as long as so many bytes may take to be sent: over http the limit is for both.
fn slow(network: &Network, length: u64) -> Network {
    let idle_limit = network.idle_limit + Duration::from_secs(length / SLOWEST);
    Network { idle_limit, ..network.clone() }
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
struct PushReport {
    /// The references that were not moved, and why not.
    failures: Vec<(String, String)>,
    said: String,
}

impl PushReport {
    fn read(packets: &[Vec<u8>], banded: bool, moves: &[&Move]) -> Self {
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
        let names = moves.iter().map(|moved| &moved.reference);
        let failures = names.filter_map(|name| Some((name.clone(), printable(failure(&report, name)?)))).collect();
        Self { failures, said: printable(&spoken(&String::from_utf8_lossy(&said))) }
    }

    /// The reference that was refused for its own sake: it takes the others along, whose reason is this word of git's.
    fn refused(self) -> PushOutcome {
        let Self { mut failures, said } = self;
        let own = failures.iter().position(|(_, reason)| reason != "atomic push failure");
        let (reference, reason) = failures.swap_remove(own.unwrap_or_default());
        PushOutcome::Refused { reference, reason, said }
    }
}

/// Why a reference was not moved; none when it was.
fn failure<'r>(report: &'r str, reference: &str) -> Option<&'r str> {
    // Inside a band, packets have their lengths before them still: only the words count.
    let after = |words: &str| report.lines().find_map(|line| Some(line.split_once(words)?.1));
    let taken = || report.lines().any(|line| line.ends_with(&format!("ok {reference}")));
    match (after(&format!("ng {reference} ")), after("unpack ")) {
        (Some(why), _) => Some(why),
        (None, Some("ok")) if taken() => None,
        (None, Some("ok") | None) => Some("the answer does not say whether it was taken"),
        (None, Some(why)) => Some(why),
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
    use std::collections::BTreeMap;

    use super::*;

    fn packets(lines: &[&str]) -> Vec<Vec<u8>> {
        lines.iter().map(|line| line.as_bytes().to_vec()).collect()
    }

    fn moved(reference: &str) -> Move {
        Move { reference: reference.to_owned(), from: None, to: [0xab; 20] }
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
    fn a_request_names_what_is_to_be_moved_and_asks_for_what_is_offered() {
        let pack = Arc::new(Pack::new(BTreeMap::new()));
        let push = Push { url: String::new(), moves: ["refs/a", "refs/b"].map(moved).into(), pack };
        let (zero, ours, other) = ("0".repeat(40), "ab".repeat(20), "cd".repeat(20));
        let nothing = packets(&[&format!("{zero} capabilities^{{}}\0atomic")]);
        let nothing = List::read(&nothing).expect("a list");
        assert_eq!(push.end(&nothing), None);
        let request = push.request(&push.remaining(&nothing), &nothing);
        let request = String::from_utf8_lossy(&request).into_owned();
        let agent = concat!("agent=apiscaffold/", env!("CARGO_PKG_VERSION"));
        let first = format!("{zero} {ours} refs/a\0 report-status atomic {agent}");
        let head = format!("{:04x}{first}005c{zero} {ours} refs/b0000PACK", first.len() + 4);
        assert!(request.starts_with(&head), "{request:?}");
        let listed = |a: &str, b: &str| packets(&[&format!("{a} refs/a\0side-band-64k"), &format!("{b} refs/b")]);
        let end = |listed: &[Vec<u8>]| push.end(&List::read(listed).expect("a list"));
        assert_eq!(end(&listed(&ours, &ours)), Some(PushOutcome::Done));
        assert_eq!(end(&listed(&ours, &other)), Some(PushOutcome::Moved));
        assert_eq!(end(&listed(&ours, &other)[..1]), None, "one of them is to be moved yet");
    }

    #[test]
    fn a_long_pack_has_its_time() {
        let network = Network { idle_limit: Duration::from_secs(30), ..Network::default() };
        let limits = [300, 100 << 20].map(|length| slow(&network, length).idle_limit.as_secs());
        assert_eq!(limits, [30, 30 + 1600]);
    }

    #[test]
    fn a_report_says_whether_the_branch_moved_and_why_not() {
        let main = moved("refs/heads/main");
        let read = |lines: &[&str], banded| PushReport::read(&packets(lines), banded, &[&main]);
        let failure = |report: PushReport| report.failures.into_iter().next().map(|(_, reason)| reason);
        assert_eq!(failure(read(&["unpack ok\n", "ok refs/heads/main\n"], false)), None);
        let refused = read(&["unpack ok\n", "ng refs/heads/main pre-receive hook declined\n"], false);
        assert_eq!(failure(refused).as_deref(), Some("pre-receive hook declined"));
        let banded = [
            "\u{2}Checking: 50% (1/2)\r",
            "\u{2}no \u{1b}[31mway\n",
            "\u{1}000eunpack ok\n0019ok refs/heads/main\n0000",
        ];
        assert_eq!(read(&banded, true), PushReport { failures: Vec::new(), said: "no [31mway".to_owned() });
        let bad = read(&["\u{1}0011unpack no room\n0020ng refs/heads/main unpacker error\n"], true);
        assert_eq!(failure(bad).as_deref(), Some("unpacker error"));
        assert_eq!(failure(read(&["\u{1}0011unpack no room\n"], true)).as_deref(), Some("no room"));
        let silent = Some("the answer does not say whether it was taken".to_owned());
        assert_eq!(failure(read(&[], true)), silent);
        assert_eq!(failure(read(&["unpack ok"], false)), silent);
        assert_eq!(failure(read(&["unpack ok\n", "ok refs/heads/mainly\n"], false)), silent);
    }

    #[test]
    fn of_several_references_the_one_that_is_refused_for_its_own_sake_is_named() {
        let [main, base] = ["refs/heads/main", "refs/apiscaffold/base"].map(moved);
        let names = [&main, &base];
        let lines = "unpack ok\nng refs/heads/main atomic push failure\nng refs/apiscaffold/base hook declined\n";
        let PushOutcome::Refused { reference, reason, .. } =
            PushReport::read(&packets(&[lines]), false, &names).refused()
        else {
            panic!("refused");
        };
        assert_eq!((reference.as_str(), reason.as_str()), ("refs/apiscaffold/base", "hook declined"));
        let lines = "unpack ok\nok refs/heads/main\nng refs/apiscaffold/base no\n";
        let report = PushReport::read(&packets(&[lines]), false, &names);
        assert_eq!(report.failures, [("refs/apiscaffold/base".to_owned(), "no".to_owned())]);
    }
}
