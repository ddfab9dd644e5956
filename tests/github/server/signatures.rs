//! Signatures: the keys that the forge knows, the look at each commit, and commits that the forge makes and signs itself.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::git::{resolve, rules_for};
use super::http::Answer;
use super::state::{Call, State};
use crate::git_server::clean_git;

/// Who commits what is made on the forge.
const WEB: &str = "noreply@github.com";
/// Whether a signature is good, whose it is, and the committer's address.
const LOOK: &str = "--format=%G?|%GS|%ce";

/// The keys that the forge knows.
pub(crate) struct Keys {
    folder: TempDir,
}

/// What becomes of a commit that the forge is asked to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WebCommits {
    /// It is signed.
    #[default]
    Signed,
    /// It is not, as on an Enterprise Server where nobody switched that on.
    Unsigned,
    /// It has one more file.
    Odd,
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

    /// The forge's own key, made when it is first needed.
    fn own(&self) -> PathBuf {
        let path = self.folder.path().join("web-flow");
        if !path.exists() {
            make_ssh_key(&path, "ed25519");
            self.add_ssh(WEB, &fs::read_to_string(path.with_extension("pub")).expect("readable"));
        }
        path
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

/// Answers `createCommitOnBranch`, the one mutation that is known here
/// (<https://docs.github.com/en/graphql/reference/commits#createcommitonbranch>).
pub(super) fn answer_graphql(state: &mut State, call: &Call<'_>) -> Answer {
    let no = |kind: &str, message: &str| {
        let error = json!({"type": kind, "path": ["createCommitOnBranch"], "message": message});
        Answer::json(200, &json!({"data": {"createCommitOnBranch": null}, "errors": [error]}))
    };
    let Some(wish) = Wish::read(&call.body) else { return no("BAD_REQUEST", "The input is not understood") };
    let found = wish.repository.split_once('/').and_then(|(owner, name)| state.find(owner, name));
    let Some(at) = found else { return no("NOT_FOUND", "Could not resolve to a Repository") };
    let repository = &state.repositories[at];
    let may = |permission: &str| {
        let grant = call.caller.grant.as_ref();
        grant.is_none_or(|grant| grant.is_for(&repository.name) && grant.may(permission, "write"))
    };
    if !state.may_write(call.caller, &repository.owner) || !may("contents") {
        return no("FORBIDDEN", "Resource not accessible by integration");
    }
    if wish.paths().any(|path| path.starts_with(".github/workflows/")) && !may("workflows") {
        return no("FORBIDDEN", "refusing to allow a GitHub App to create or update workflow");
    }
    let (folder, reference) = (state.folder(repository), format!("refs/heads/{}", wish.branch));
    if resolve(&folder, &reference).as_ref() != Some(&wish.head) {
        let message = format!("Expected branch to point to \"{}\" but it did not. Pull and try again.", wish.head);
        return no("STALE_DATA", &message);
    }
    if rules_for(state, at, &reference).iter().any(|rule| rule["type"] == "pull_request") {
        return no("UNPROCESSABLE", "Changes must be made through a pull request.");
    }
    let id = wish.commit(state, &folder, &call.caller.login);
    git(&mut clean_git(&folder), &["update-ref", &reference, &id, &wish.head], b"");
    Answer::json(200, &json!({"data": {"createCommitOnBranch": {"commit": {"oid": id}}}}))
}

/// The input of the mutation.
struct Wish {
    repository: String,
    branch: String,
    head: String,
    title: String,
    added: Vec<(String, Vec<u8>)>,
    removed: Vec<String>,
}

impl Wish {
    /// The fields are those of GitHub's schema; none that it does not have is accepted.
    fn read(body: &Value) -> Option<Self> {
        let mutation =
            "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }";
        let input = &body["variables"]["input"];
        let changes = &input["fileChanges"];
        let is_known = body["query"] == mutation
            && has(body, &["query", "variables"])
            && has(&body["variables"], &["input"])
            && has(input, &["branch", "expectedHeadOid", "message", "fileChanges"])
            && has(&input["branch"], &["repositoryNameWithOwner", "branchName"])
            && has(&input["message"], &["headline"])
            && has(changes, &["additions", "deletions"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let added = |file: &Value| {
            let bytes = STANDARD.decode(file["contents"].as_str()?).ok()?;
            has(file, &["path", "contents"]).then_some((text(&file["path"])?, bytes))
        };
        let removed = |file: &Value| has(file, &["path"]).then(|| text(&file["path"]))?;
        Some(Self {
            repository: text(&input["branch"]["repositoryNameWithOwner"]).filter(|_| is_known)?,
            branch: text(&input["branch"]["branchName"])?,
            head: text(&input["expectedHeadOid"])?,
            title: text(&input["message"]["headline"])?,
            added: changes["additions"].as_array()?.iter().map(added).collect::<Option<_>>()?,
            removed: changes["deletions"].as_array()?.iter().map(removed).collect::<Option<_>>()?,
        })
    }

    fn paths(&self) -> impl Iterator<Item = &String> {
        self.added.iter().map(|(path, _)| path).chain(&self.removed)
    }

    /// Makes the commit; a file keeps its mode.
    fn commit(&self, state: &State, folder: &Path, login: &str) -> String {
        let place = tempfile::tempdir().expect("a folder");
        let run = |arguments: &[&str], input: &[u8]| {
            git(clean_git(folder).env("GIT_INDEX_FILE", place.path().join("index")), arguments, input)
        };
        run(&["read-tree", &self.head], b"");
        let odd = (state.web_commits == WebCommits::Odd).then(|| ("odd".to_owned(), Vec::new()));
        for (path, bytes) in self.added.iter().chain(&odd) {
            let (blob, was) = (run(&["hash-object", "-w", "--stdin"], bytes), run(&["ls-files", "--stage", path], b""));
            let mode = was.split(' ').next().filter(|mode| !mode.is_empty()).unwrap_or("100644").to_owned();
            run(&["update-index", "--add", "--cacheinfo", &format!("{mode},{blob},{path}")], b"");
        }
        for path in &self.removed {
            run(&["update-index", "--force-remove", path], b"");
        }
        let tree = run(&["write-tree"], b"");
        let mut command = clean_git(folder);
        command.env("GIT_AUTHOR_NAME", login).env("GIT_AUTHOR_EMAIL", format!("{login}@users.noreply.github.com"));
        command.env("GIT_COMMITTER_NAME", "GitHub").env("GIT_COMMITTER_EMAIL", WEB);
        let key = format!("user.signingKey={}", state.keys.own().display());
        command.args(["-c", "gpg.format=ssh", "-c", &key]);
        let commit = ["commit-tree", &tree, "-p", &self.head, "-m", &self.title];
        let signed: &[&str] = if state.web_commits == WebCommits::Unsigned { &[] } else { &["-S"] };
        git(&mut command, &[&commit[..], signed].concat(), b"")
    }
}

/// Whether an object has these keys and no other.
fn has(value: &Value, keys: &[&str]) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.len() == keys.len() && keys.iter().all(|key| object.contains_key(*key)))
}

/// What git prints, which must succeed.
fn git(command: &mut Command, arguments: &[&str], input: &[u8]) -> String {
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git starts");
    child.stdin.take().expect("piped").write_all(input).expect("written");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
