//! Signing commits with the user's own key: by the settings and the programs by which git itself signs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use git2::{Config, ErrorCode, Repository};

use crate::error::{Blame, Fault};
use crate::model::author::Signature;
use crate::net::printable;

/// How a commit gets its signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// It gets none.
    #[default]
    No,
    /// With the user's key.
    With(Signer),
    /// It has this one, where it is already.
    Known(String),
}

/// A program that signs, and the key that it is to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    format: Format,
    program: PathBuf,
    /// `user.signingkey`; an OpenPGP or X.509 key is else found by the committer.
    key: Option<String>,
}

/// `gpg.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    OpenPgp,
    X509,
    Ssh,
}

/// A commit that was to be signed, and was not.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("git's configuration cannot be read, so that it is unknown whether commits are to be signed")]
    Config(#[source] git2::Error),
    #[error("git's configuration asks for signed commits, and {0}")]
    Setting(String),
    #[error("`{}`, which signs commits by git's configuration, cannot be run", program.display())]
    NotRun {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` did not sign the commit: {said}", program.display())]
    Failed { program: PathBuf, said: String },
    #[error("cannot write a temporary file to sign the commit")]
    Disk(#[from] io::Error),
}

impl Blame for SignError {
    fn fault(&self) -> Fault {
        match self {
            Self::Setting(_) => Fault::Input,
            Self::Config(_) | Self::NotRun { .. } | Self::Failed { .. } | Self::Disk(_) => Fault::Environment,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Config(_) => "see what git says: git config --list",
            Self::Disk(_) => "free some space where temporary files are, then run the same command again",
            Self::Setting(_) | Self::NotRun { .. } | Self::Failed { .. } => {
                "make `git commit --allow-empty -S` work in some repository, then run the same command again; or turn \
                 signing off: git config --global commit.gpgsign false"
            }
        }
        .to_owned())
    }
}

impl Signing {
    /// What git's configuration asks for in the repository in `folder`, or in a new one: `commit.gpgsign`.
    ///
    /// # Errors
    /// `Config`, or `Setting` when it asks for what it does not describe.
    pub fn configured(folder: Option<&Path>) -> Result<Self, SignError> {
        let config = match folder {
            Some(folder) => Repository::open(folder).and_then(|repository| repository.config()),
            None => Config::open_default(),
        };
        Self::of(&config.and_then(|mut config| config.snapshot()).map_err(SignError::Config)?)
    }

    fn of(config: &Config) -> Result<Self, SignError> {
        if !found(config.get_bool("commit.gpgsign"))?.unwrap_or(false) {
            return Ok(Self::No);
        }
        let (format, keys, usual) = match found(config.get_string("gpg.format"))?.as_deref() {
            None | Some("openpgp") => (Format::OpenPgp, &["gpg.openpgp.program", "gpg.program"][..], "gpg"),
            Some("x509") => (Format::X509, &["gpg.x509.program"][..], "gpgsm"),
            Some("ssh") => (Format::Ssh, &["gpg.ssh.program"][..], "ssh-keygen"),
            Some(_) => return Err(SignError::Setting("`gpg.format` is none of openpgp, x509 and ssh".to_owned())),
        };
        let programs = keys.iter().map(|key| found(config.get_path(key))).collect::<Result<Vec<_>, _>>()?;
        let program = programs.into_iter().flatten().next().unwrap_or_else(|| usual.into());
        let key = found(config.get_string("user.signingkey"))?.filter(|key| !key.is_empty());
        let key = match (format, key) {
            (Format::Ssh, Some(key)) if literal(&key).is_some() => Some(key),
            (Format::Ssh, Some(_)) => {
                found(config.get_path("user.signingkey"))?.map(|path| path.to_string_lossy().into_owned())
            }
            (Format::Ssh, None) => Some(default_ssh_key(config)?),
            (_, key) => key,
        };
        Ok(Self::With(Signer { format, program, key }))
    }

    /// With which key of the user's, in words; none without one.
    pub fn words(&self) -> Option<&'static str> {
        let Self::With(signer) = self else { return None };
        Some(match signer.format {
            Format::OpenPgp => "your OpenPGP key",
            Format::X509 => "your X.509 key",
            Format::Ssh => "your ssh key",
        })
    }

    /// The text of a commit by `committer`, signed.
    pub(super) fn sign(&self, text: String, committer: &Signature) -> Result<String, SignError> {
        match self {
            Self::No => Ok(text),
            Self::With(signer) => Ok(with_signature(&text, &signer.sign(&text, committer)?)),
            Self::Known(signature) => Ok(with_signature(&text, signature)),
        }
    }
}

/// A value of the configuration; none when it has none.
fn found<T>(value: Result<T, git2::Error>) -> Result<Option<T>, SignError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(SignError::Config(error)),
    }
}

/// The text of an ssh key that stands in the configuration itself; its secret half is with the agent.
fn literal(key: &str) -> Option<&str> {
    key.strip_prefix("key::").or_else(|| key.starts_with("ssh-").then_some(key))
}

/// The key that `gpg.ssh.defaultKeyCommand` prints.
fn default_ssh_key(config: &Config) -> Result<String, SignError> {
    let missing =
        || SignError::Setting("neither `user.signingkey` nor `gpg.ssh.defaultKeyCommand` names an ssh key".to_owned());
    let words = found(config.get_string("gpg.ssh.defaultKeyCommand"))?.ok_or_else(missing)?;
    let output = Command::new("sh").args(["-c", &words]).stdin(Stdio::null()).output();
    let output = output.map_err(|source| SignError::NotRun { program: "sh".into(), source })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let key = text.lines().next().and_then(literal).filter(|_| output.status.success());
    key.map(|key| format!("key::{key}")).ok_or_else(missing)
}

impl Signer {
    fn sign(&self, text: &str, committer: &Signature) -> Result<String, SignError> {
        let signature = match self.format {
            Format::OpenPgp | Format::X509 => self.sign_by_gpg(text, committer)?,
            Format::Ssh => self.sign_by_ssh(text)?,
        };
        Ok(signature.replace('\r', ""))
    }

    fn sign_by_gpg(&self, text: &str, committer: &Signature) -> Result<String, SignError> {
        let key = self.key.clone().unwrap_or_else(|| {
            let [name, email] = committer.fields();
            format!("{name} <{email}>")
        });
        let mut command = Command::new(&self.program);
        command.args(["--status-fd=2", "-bsau", &key]);
        let output = self.run(command, Some(text))?;
        let is_made =
            String::from_utf8_lossy(&output.stderr).lines().any(|line| line.starts_with("[GNUPG:] SIG_CREATED "));
        if is_made { Ok(String::from_utf8_lossy(&output.stdout).into_owned()) } else { Err(self.failed(&output)) }
    }

    fn sign_by_ssh(&self, text: &str) -> Result<String, SignError> {
        let place = tempfile::tempdir()?;
        let payload = place.path().join("commit");
        fs::write(&payload, text)?;
        let mut command = Command::new(&self.program);
        command.args(["-Y", "sign", "-n", "git", "-f"]);
        let key = self.key.as_deref().unwrap_or_default();
        match literal(key) {
            Some(key) => {
                let path = place.path().join("key");
                fs::write(&path, key)?;
                command.arg(path).arg("-U");
            }
            None => {
                command.arg(key);
            }
        }
        command.arg(&payload);
        let output = self.run(command, None)?;
        fs::read_to_string(payload.with_extension("sig")).map_err(|_| self.failed(&output))
    }

    /// Runs the program, which may ask the user on the terminal for a passphrase; it must succeed.
    fn run(&self, mut command: Command, input: Option<&str>) -> Result<Output, SignError> {
        let not_run = |source| SignError::NotRun { program: self.program.clone(), source };
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_run)?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // A program that ends before it has read everything says why.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().map_err(not_run)?;
        if output.status.success() { Ok(output) } else { Err(self.failed(&output)) }
    }

    fn failed(&self, output: &Output) -> SignError {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let said: Vec<&str> = text.lines().filter(|line| !line.starts_with("[GNUPG:]")).collect();
        let said = if said.is_empty() { output.status.to_string() } else { printable(&said.join("\n")) };
        SignError::Failed { program: self.program.clone(), said }
    }
}

/// The text of a commit with a signature at the end of its head, where git puts it.
fn with_signature(text: &str, signature: &str) -> String {
    let (head, message) = text.split_once("\n\n").unwrap_or((text, ""));
    let lines: Vec<&str> = signature.trim_end().lines().collect();
    format!("{head}\ngpgsig {}\n\n{message}", lines.join("\n "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(text: &str) -> Result<Signing, SignError> {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("config");
        fs::write(&path, text).expect("written");
        Signing::of(&Config::open(&path).and_then(|mut config| config.snapshot()).expect("a configuration"))
    }

    #[test]
    fn git_s_settings_say_who_signs() {
        for text in ["", "[commit]\ngpgsign = false\n[gpg]\nformat = ssh\n", "[user]\nsigningkey = A\n"] {
            assert_eq!(configured(text).expect("settings"), Signing::No, "{text}");
        }
        let on = "[commit]\ngpgsign = true\n";
        for (text, format, program, key) in [
            ("", Format::OpenPgp, "gpg", None),
            ("[user]\nsigningkey = A\n[gpg]\nprogram = /opt/gpg2\n", Format::OpenPgp, "/opt/gpg2", Some("A")),
            ("[gpg \"openpgp\"]\nprogram = b\n[gpg]\nprogram = a\n", Format::OpenPgp, "b", None),
            ("[gpg]\nformat = x509\n[gpg \"x509\"]\nprogram = c\n", Format::X509, "c", None),
            ("[gpg]\nformat = x509\nprogram = c\n", Format::X509, "gpgsm", None),
            ("[gpg]\nformat = ssh\n[user]\nsigningkey = /k/id\n", Format::Ssh, "ssh-keygen", Some("/k/id")),
            (
                "[gpg]\nformat = ssh\n[user]\nsigningkey = ssh-ed25519 AA\n",
                Format::Ssh,
                "ssh-keygen",
                Some("ssh-ed25519 AA"),
            ),
            (
                "[gpg]\nformat = ssh\n[gpg \"ssh\"]\ndefaultKeyCommand = echo ssh-rsa AA\n",
                Format::Ssh,
                "ssh-keygen",
                Some("key::ssh-rsa AA"),
            ),
        ] {
            let signer = Signer { format, program: program.into(), key: key.map(str::to_owned) };
            assert_eq!(configured(&format!("{on}{text}")).expect("settings"), Signing::With(signer), "{text}");
        }
    }

    #[test]
    fn settings_that_do_not_say_it_are_refused_and_never_taken_for_no() {
        let on = "[commit]\ngpgsign = true\n";
        for text in [
            "[gpg]\nformat = odd\n",
            "[gpg]\nformat = ssh\n",
            "[gpg]\nformat = ssh\n[gpg \"ssh\"]\ndefaultKeyCommand = false\n",
        ] {
            let error = configured(&format!("{on}{text}")).expect_err("refused");
            assert_eq!(error.fault(), Fault::Input, "{text}: {error}");
        }
        assert!(matches!(configured("[commit]\ngpgsign = maybe\n"), Err(SignError::Config(_))));
    }
}
