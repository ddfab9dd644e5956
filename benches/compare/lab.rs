//! The folder that everything measured happens in.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Failure;
use crate::formats::{Format, expected};
use crate::runs::{Call, Environment};
use crate::templates::{Size, describe};
use crate::tools::on_path;

/// The release build of our own program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_apiscaffold");
/// Where Linux keeps files in memory.
pub(crate) const MEMORY_DISK: &str = "/dev/shm";
/// What our tool adds to what a template says.
const RECEIPT: &str = ".apiscaffold.toml";
// `git commit` would otherwise tidy up in the background, while the next process is measured.
const GIT_CONFIG: &str = "[user]\n\tname = Bench\n\temail = bench@localhost\n[init]\n\tdefaultBranch = main\n\
    [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n";

/// A temporary folder, removed when dropped, and the closed environment of processes in it.
pub(crate) struct Lab {
    folder: TempDir,
    /// The processes' folder for temporary files, in memory where that can be: what the other tools remove there would
    /// slow down everything made on the disk after it (see `runs::Job`).
    _temporary: TempDir,
    pub(crate) environment: Environment,
    made: Cell<usize>,
}

impl Lab {
    /// Makes the folder in `parent`.
    pub(crate) fn open(parent: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(parent)?;
        let folder = tempfile::Builder::new().prefix("apiscaffold-bench-").tempdir_in(parent)?;
        let home = folder.path().join("home");
        let memory = Path::new(MEMORY_DISK);
        let temporary = if memory.is_dir() { memory } else { folder.path() };
        let temporary = tempfile::Builder::new().prefix("apiscaffold-bench-").tempdir_in(temporary)?;
        let config = home.join("gitconfig");
        fs::create_dir(&home)?;
        fs::write(&config, GIT_CONFIG)?;
        let environment = vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", home.clone().into()),
            ("CARGO_HOME", home.join("cargo").into()),
            ("TMPDIR", temporary.path().into()),
            ("USER", "bench".into()),
            ("LANG", "C.UTF-8".into()),
            ("GIT_CONFIG_GLOBAL", config.into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ];
        Ok(Self { folder, _temporary: temporary, environment: Environment(environment), made: Cell::new(0) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A new folder.
    pub(crate) fn fresh(&self) -> Result<PathBuf, Failure> {
        self.made.set(self.made.get() + 1);
        let folder = self.path().join(format!("runs-{}", self.made.get()));
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Where a run makes its folder, in `parent`. What the run before made is removed on a memory disk: memory that a
    /// machine has not used yet can cost a program several times as much as such that is given back.
    pub(crate) fn place(&self, parent: &Path, number: usize) -> Result<PathBuf, Failure> {
        if number > 0 && self.path().starts_with(MEMORY_DISK) {
            fs::remove_dir_all(parent.join((number - 1).to_string()))?;
        }
        Ok(parent.join(number.to_string()))
    }

    /// A process in this folder.
    pub(crate) fn call(&self, program: impl Into<PathBuf>, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Call {
        let arguments = arguments.iter().map(|argument| OsString::from(argument.as_ref())).collect();
        Call { program: program.into(), arguments, folder: self.path().to_owned() }
    }

    /// The first commit by git: `init`, `add`, `commit`.
    pub(crate) fn commit(&self, repository: &Path) -> Result<[Call; 3], Failure> {
        let git = on_path("git").ok_or("there is no git")?;
        let mut calls = [
            self.call(&git, &[&"init", &"-q"]),
            self.call(&git, &[&"add", &"-A"]),
            self.call(&git, &[&"commit", &"-q", &"-m", &"First"]),
        ];
        for call in &mut calls {
            repository.clone_into(&mut call.folder);
        }
        Ok(calls)
    }

    /// The id of the commit that a repository is at.
    pub(crate) fn head(repository: &Path) -> Result<String, Failure> {
        let id = fs::read_to_string(repository.join(".git/refs/heads/main"))?;
        Ok(id.trim_end().to_owned())
    }

    /// The template of this size in this format, written at the first call; that of our tool is a repository as well, with
    /// one pack.
    pub(crate) fn template(&self, format: Format, size: Size) -> Result<PathBuf, Failure> {
        let folder = self.path().join(format!("template-{}-{}", format as u8, size.word()));
        if !folder.exists() {
            format.write(&describe(size), &folder)?;
            if format == Format::Apiscaffold {
                self.commit(&folder)?.iter().try_for_each(|call| self.environment.run(call))?;
                // As everything is that was fetched.
                let git = on_path("git").ok_or("there is no git")?;
                let repack = self.call(git, &[&"-C", &folder, &"repack", &"-a", &"-d", &"-q"]);
                self.environment.run(&repack)?;
            }
        }
        Ok(folder)
    }

    /// What our tool makes of the template of this size, without git; made at the first call.
    pub(crate) fn result(&self, size: Size) -> Result<PathBuf, Failure> {
        let folder = self.path().join(format!("result-{}", size.word()));
        if !folder.exists() {
            let template = self.template(Format::Apiscaffold, size)?;
            self.environment.run(&self.call(
                PROGRAM,
                &[&"template", &"preview", &"bench-api-0000", &"--template", &template, &"--into", &folder, &"--yes"],
            ))?;
        }
        Ok(folder)
    }

    /// Makes sure that `folder` holds what the template must become for the API `name`, and nothing else.
    pub(crate) fn check(&self, size: Size, folder: &Path, name: &str) -> Result<(), Failure> {
        for (path, text) in describe(size).iter().map(|entry| expected(entry, name)) {
            let path = folder.join(path);
            let found = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if found != text {
                let line = found.lines().zip(text.lines()).find(|(found, wanted)| found != wanted);
                return Err(format!("{} is not what it should be: {line:?}", path.display()).into());
            }
        }
        match count(folder)? {
            files if files == size.files() => Ok(()),
            files => Err(format!("{} holds {files} files", folder.display()).into()),
        }
    }

    /// Makes sure that the repository's one commit is sound and is what lies in the folder.
    pub(crate) fn check_commit(&self, repository: &Path) -> Result<(), Failure> {
        let git = on_path("git").ok_or("there is no git")?;
        for arguments in [&["fsck", "--strict"][..], &["diff", "--quiet", "HEAD"]] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            self.environment.run(&Call { program: git.clone(), arguments, folder: repository.to_owned() })?;
        }
        Ok(())
    }
}

/// The files below, without git's and the receipt.
fn count(folder: &Path) -> Result<usize, Failure> {
    let mut files = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            files += if name == ".git" { 0 } else { count(&entry.path())? };
        } else if name != RECEIPT {
            files += 1;
        }
    }
    Ok(files)
}

/// Bytes of all files below, git's included.
pub(crate) fn bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        bytes += if found.is_dir() { self::bytes(&entry.path())? } else { found.len() };
    }
    Ok(bytes)
}
