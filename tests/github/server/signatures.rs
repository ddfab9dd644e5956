//! Signatures: the keys that the forge knows, and the look at each commit.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::git::rules_for;
use super::state::State;
use crate::git_server::clean_git;

/// Whether a signature is good, whose it is, and the committer's address.
const LOOK: &str = "--format=%G?|%GS|%ce";

/// The keys that the forge knows.
pub(crate) struct Keys {
    folder: TempDir,
}

impl Keys {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("signers"), "").expect("written");
        fs::create_dir(folder.path().join("gpg")).expect("made");
        fs::set_permissions(folder.path().join("gpg"), fs::Permissions::from_mode(0o700)).expect("set");
        Self { folder }
    }

    /// Somebody with this address adds an ssh key to sign with.
    pub(crate) fn add_ssh(&self, address: &str, public: &str) {
        let path = self.folder.path().join("signers");
        let known = fs::read_to_string(&path).expect("readable");
        fs::write(path, format!("{known}{address} {}\n", public.trim())).expect("written");
    }

    /// Somebody adds an OpenPGP key.
    pub(crate) fn add_gpg(&self, armoured: &str) {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.gpg()).args(["--batch", "--quiet", "--no-autostart", "--import"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("gpg starts");
        child.stdin.take().expect("piped").write_all(armoured.as_bytes()).expect("written");
        assert!(child.wait().expect("ended").success(), "the key is imported");
    }

    fn gpg(&self) -> PathBuf {
        self.folder.path().join("gpg")
    }

    /// What git must be told to know the keys.
    pub(super) fn known_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("GNUPGHOME", self.gpg()).env("GIT_CONFIG_COUNT", "1");
        command.env("GIT_CONFIG_KEY_0", "gpg.ssh.allowedSignersFile");
        command.env("GIT_CONFIG_VALUE_0", self.folder.path().join("signers"))
    }

    /// Why the signature of a commit is not accepted, in GitHub's words; none when it is.
    pub(super) fn reason(&self, folder: &Path, id: &str) -> Option<&'static str> {
        let mut command = clean_git(folder);
        let output = self.known_to(&mut command).args(["log", "-1", LOOK, id]).output().expect("git runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut fields = said.trim().splitn(3, '|');
        let (state, signer, address) = (fields.next()?, fields.next()?, fields.next()?);
        match state {
            "G" | "U" if signer == address || signer.ends_with(&format!("<{address}>")) => None,
            "G" => Some("bad_email"),
            "N" => Some("unsigned"),
            "B" => Some("invalid"),
            _ => Some("unknown_key"),
        }
    }

    /// Payload and signature of a commit.
    pub(super) fn parts(folder: &Path, id: &str) -> Option<(String, String)> {
        let output = clean_git(folder).args(["cat-file", "commit", id]).output().expect("git runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (before, rest) = text.split_once("gpgsig ")?;
        let lines: Vec<&str> = rest.split('\n').collect();
        let end = lines.iter().skip(1).position(|line| !line.starts_with(' '))? + 1;
        let signature: Vec<&str> = lines[..end].iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        Some((format!("{before}{}", lines[end..].join("\n")), signature.join("\n")))
    }
}

/// Makes an ssh key of this type without passphrase, and its public half beside it.
pub(crate) fn make_ssh_key(path: &Path, kind: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", "", "-C", "test", "-f"]).arg(path).stdin(Stdio::null());
    assert!(command.status().expect("ssh-keygen starts").success());
}

/// The rule that a ref breaks: the part of the hook that looks at each commit that is new there.
pub(super) const HOOK: &str = r#"
if [ -f signed ] && grep -qxF "$1" signed; then
    case $2 in *[!0]*) range=$2..$3 ;; *) range="$3 --not --all" ;; esac
    # shellcheck disable=SC2086
    git log --format='%G?|%GS|%ce' $range > looked-at
    while IFS='|' read -r state signer address; do
        case $state in G|U) ;; *) signer=nobody ;; esac
        case $signer in
            "$address" | *"<$address>") ;;
            *)
                echo "GH013: Repository rule violations found for $1. Commits must have verified signatures." >&2
                exit 1 ;;
        esac
    done < looked-at
fi
"#;

/// Whether a ref takes signed commits only.
pub(super) fn asked_for(state: &State, at: usize, reference: &str) -> bool {
    rules_for(state, at, reference).iter().any(|rule| rule["type"] == "required_signatures")
}
