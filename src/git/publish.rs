//! Publishing: the references of a repository on this machine, pushed to an empty one elsewhere.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, PushOptions, RemoteCallbacks, Repository};

use super::read;
use super::transport::{Address, Session, has_secret};
use crate::error::{Blame, Fault};
use crate::net::printable;

pub use super::transport::{Network, NetworkError};

/// What every first push holds: the branch, and the pristine render beside it.
pub const REFERENCES: [&str; 2] = ["refs/heads/main", "refs/apiscaffold/base"];

/// What is pushed, and where to.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The folder that holds `.git`.
    pub folder: PathBuf,
    /// `https://`, `ssh://` or `user@host:path`; never with a password.
    pub url: String,
    /// How to reach it.
    pub network: Network,
}

/// A repository that was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The URL holds a password, or is none that can be pushed to.
    #[error("`{}` is no URL that can be pushed to", .0.escape_debug())]
    Url(String),
    /// The repository on this machine cannot be used.
    #[error("git cannot use the repository `{}`", folder.display())]
    Here {
        /// Its folder.
        folder: PathBuf,
        /// git's reason.
        #[source]
        source: git2::Error,
    },
    /// The remote cannot be reached, or does not let us in.
    #[error("`{url}` cannot be pushed to")]
    There {
        /// Its URL.
        url: String,
        /// Why not.
        #[source]
        cause: NetworkError,
    },
    /// The remote has other commits.
    #[error("`{url}` has commits that are not ours, and is left as it is")]
    Other {
        /// Its URL.
        url: String,
    },
    /// A hook or a rule of the remote refuses.
    #[error("`{url}` refuses {reference}: {reason}")]
    Refused {
        /// Its URL.
        url: String,
        /// Which reference.
        reference: String,
        /// In the remote's words.
        reason: String,
    },
}

impl PublishError {
    /// Whether the remote may only not know the repository yet.
    pub fn is_not_there(&self) -> bool {
        matches!(self, Self::There { cause: NetworkError::NotThere { .. } | NetworkError::Status { status: 409 }, .. })
    }

    /// Whether the token was not taken.
    pub fn is_refused_token(&self) -> bool {
        matches!(self, Self::There { cause: NetworkError::Forbidden { .. }, .. })
    }

    /// Whether trying again may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::There { cause: NetworkError::Way(trouble), .. } => trouble.may_pass(),
            Self::There { cause: NetworkError::Status { status }, .. } => *status >= 500,
            _ => false,
        }
    }
}

impl Blame for PublishError {
    fn fault(&self) -> Fault {
        match self {
            Self::Url(_) => Fault::Input,
            Self::Here { .. } => Fault::Environment,
            Self::There { cause, .. } => cause.fault(),
            Self::Other { .. } => Fault::Conflict,
            Self::Refused { .. } => Fault::Permission,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Url(_) => Some("see whether `GITHUB_API_URL` names the API of a GitHub".to_owned()),
            Self::Here { folder, .. } => Some(format!("see what git says: git -C '{}' fsck", folder.display())),
            Self::There { cause: NetworkError::Forbidden { .. }, .. } => {
                Some("the token needs to write contents and workflows (a classic one: `repo` and `workflow`)".to_owned())
            }
            Self::There { cause, .. } => cause.hint(),
            Self::Other { .. } => Some("choose another name, or see who works there".to_owned()),
            Self::Refused { .. } => Some(
                "have the rule or the hook let the first push through, then run the same command again; `apiscaffold doctor` names rules".to_owned(),
            ),
        }
    }
}

/// Pushes [`REFERENCES`]. What is there already stays; nothing is ever overwritten.
pub fn publish(request: &Publish) -> Result<(), PublishError> {
    push(request, &REFERENCES)
}

/// Pushes a branch that is not there yet, at this commit (hex) of the repository on this machine.
pub fn push_branch(request: &Publish, branch: &str, commit: &str) -> Result<(), PublishError> {
    let here = |source| PublishError::Here { folder: request.folder.clone(), source };
    let name = format!("refs/heads/{branch}");
    let repository = opened(&request.folder)?;
    let id = git2::Oid::from_str(commit).map_err(here)?;
    repository.reference(&name, id, true, "push").map_err(here)?;
    push(request, &[&name])
}

/// Pushes these references under the names that they have here.
fn push(request: &Publish, references: &[&str]) -> Result<(), PublishError> {
    let Publish { folder, url, network } = request;
    if has_secret(url) || matches!(Address::of(url), Address::Unknown) {
        return Err(PublishError::Url(without_secret(url)));
    }
    let here = |source| PublishError::Here { folder: folder.clone(), source };
    let repository = opened(folder)?;
    let session = Session::begin(network);
    let said = RefCell::new(Vec::new());
    let refused = RefCell::new(None);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.sideband_progress(|bytes| {
        said.borrow_mut().extend_from_slice(bytes);
        true
    });
    // A push that is refused for one of its references succeeds as a whole: only this tells.
    callbacks.push_update_reference(|reference, why| {
        if let Some(why) = why {
            refused.borrow_mut().get_or_insert_with(|| (reference.to_owned(), why.to_owned()));
        }
        Ok(())
    });
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks);
    let mut remote = repository.remote_anonymous(url).map_err(here)?;
    let specs: Vec<String> = references.iter().map(|name| format!("{name}:{name}")).collect();
    let pushed = remote.push(&specs, Some(&mut options));
    drop(options);
    let url = url.clone();
    match (pushed, refused.into_inner()) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some((reference, why))) => {
            let words = String::from_utf8_lossy(&said.into_inner()).into_owned();
            Err(PublishError::Refused { url, reference, reason: printable(&format!("{why}\n{words}")) })
        }
        (Err(error), _) if error.code() == ErrorCode::NotFastForward => Err(PublishError::Other { url }),
        (Err(error), _) => Err(PublishError::There { url, cause: session.explain(&error) }),
    }
}

/// Lets the repository know where it was published, as `git clone` would: `origin`, and what `main` follows.
pub fn connect(folder: &Path, url: &str) -> Result<(), PublishError> {
    let here = |source| PublishError::Here { folder: folder.to_owned(), source };
    let repository = opened(folder)?;
    match repository.remote("origin", url) {
        Ok(_) => {}
        Err(error) if error.code() == ErrorCode::Exists => return Ok(()),
        Err(error) => return Err(here(error)),
    }
    let main = repository.refname_to_id("refs/heads/main").map_err(here)?;
    repository.reference("refs/remotes/origin/main", main, true, "push").map_err(here)?;
    let mut config = repository.config().map_err(here)?;
    config.set_str("branch.main.remote", "origin").map_err(here)?;
    config.set_str("branch.main.merge", "refs/heads/main").map_err(here)
}

/// The URL of the remote `origin`, without what may be a secret.
pub fn origin(folder: &Path) -> Option<String> {
    let repository = read::open(folder).ok()?;
    let remote = repository.find_remote("origin").ok()?;
    let url = remote.url().ok()?;
    (!has_secret(url)).then(|| url.to_owned())
}

fn opened(folder: &Path) -> Result<Repository, PublishError> {
    read::open(folder).map_err(|error| {
        let source = git2::Error::from_str(&error.to_string());
        PublishError::Here { folder: folder.to_owned(), source }
    })
}

fn without_secret(url: &str) -> String {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::commit::{self, NewCommit, Signature};
    use crate::model::tree::{File, Tree, TreePath};

    fn made(folder: &Path) -> String {
        let mut tree = Tree::new();
        let file = File::plain(b"# x\n".to_vec());
        tree.insert(TreePath::new("README.md").expect("a path"), file).expect("new");
        fs::write(folder.join("README.md"), "# x\n").expect("written");
        let author = Signature { name: "A".to_owned(), email: "a@b.c".to_owned(), seconds: 1 };
        commit::first_commit(folder, &tree, &NewCommit { author, message: "one".to_owned() }).expect("a commit")
    }

    #[test]
    fn both_references_arrive_and_nothing_is_overwritten() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = |name: &str| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).expect("made");
            folder
        };
        let (here, there) = (folder("here"), folder("there"));
        let commit = made(&here);
        let bare = Repository::init_bare(&there).expect("a repository");
        let url = format!("file://{}", there.display());
        let request = Publish { folder: here.clone(), url: url.clone(), network: Network::default() };
        publish(&request).expect("pushed");
        for reference in REFERENCES {
            assert_eq!(bare.refname_to_id(reference).expect("there").to_string(), commit);
        }
        publish(&request).expect("nothing to do");
        connect(&here, &url).expect("connected");
        connect(&here, &url).expect("connected already");
        let local = Repository::open(&here).expect("a repository");
        let branch = local.find_branch("main", git2::BranchType::Local).expect("main");
        assert_eq!(branch.upstream().expect("an upstream").name().expect("a name"), Some("origin/main"));

        let other = folder("other");
        fs::write(other.join("x"), "").expect("written");
        let mut tree = Tree::new();
        tree.insert(TreePath::new("x").expect("a path"), File::plain(Vec::new())).expect("new");
        let author = Signature { name: "B".to_owned(), email: String::new(), seconds: 2 };
        let new = NewCommit { author, message: "two".to_owned() };
        commit::first_commit(&other, &tree, &new).expect("a commit");
        let refused = publish(&Publish { folder: other, ..request }).expect_err("other commits");
        assert!(matches!(refused, PublishError::Other { .. }), "{refused:?}");
        assert_eq!(bare.refname_to_id("refs/heads/main").expect("there").to_string(), commit);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_hook_says_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().expect("a folder");
        let (here, there) = (place.path().join("here"), place.path().join("there"));
        fs::create_dir(&here).expect("made");
        made(&here);
        Repository::init_bare(&there).expect("a repository");
        let hook = there.join("hooks/pre-receive");
        fs::write(&hook, "#!/bin/sh\necho 'GH013: not on a Monday' >&2\nexit 1\n").expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("executable");
        // libgit2 runs no hooks in repositories of this machine, so real git listens.
        let ssh_command = Some(r#"sh -c 'eval "$2"' loopback"#.to_owned());
        let network = Network { ssh_command, ..Network::default() };
        let url = format!("ssh://me@h{}", there.display());
        let refused = publish(&Publish { folder: here, url, network }).expect_err("a hook");
        let PublishError::Refused { reference, reason, .. } = &refused else { panic!("{refused:?}") };
        assert!(REFERENCES.contains(&reference.as_str()), "{reference}");
        assert!(reason.contains("GH013: not on a Monday"), "{reason}");
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        let request = |url: &str| Publish { folder: PathBuf::new(), url: url.to_owned(), network: Network::default() };
        for url in ["https://me:pw@h/r", "ext::sh -c x://"] {
            let error = publish(&request(url)).expect_err("refused");
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }
}
