//! The library in a process of its own. The library reads the user's configuration and environment, writes to whatever
//! path a name gives, prints, panics, and may never end. The process has an empty environment, limits, and a deadline.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cargo_generate::{GenerateArgs, TemplatePath, Vcs};

use crate::error::{Blame, Fault};

/// The first argument of the process: what follows is the project's name.
pub const ARGUMENT: &str = "--inside-the-fence";

/// Longest time for a template.
pub const TIME_MAX: Duration = Duration::from_secs(60);
/// Most memory of the process, in bytes: 2 GiB.
const MEMORY_MAX: u64 = 2 << 30;
/// Longest file that it may write, in bytes: 512 MiB.
const FILE_MAX: u64 = 512 << 20;
/// How often its end is looked for.
const PAUSE: Duration = Duration::from_millis(2);

/// In the folder of the process: the template, the values, the output, what it says.
pub(super) const TEMPLATE: &str = "template";
pub(super) const VALUES: &str = "values.toml";
pub(super) const OUTPUT: &str = "output";
const ERROR: &str = "error";
const PRINTED: &str = "printed";

/// How the process is started.
#[derive(Clone, Debug)]
pub struct Fence {
    pub program: PathBuf,
    /// When the process is killed.
    pub limit: Duration,
}

/// The library did not end, or it failed.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    #[error("cannot run the `cargo-generate` library in a process of its own")]
    Start(#[source] io::Error),
    #[error("rendering took longer than {} seconds, and was stopped", .0.as_secs_f32())]
    TooLong(Duration),
    #[error("the `cargo-generate` library cannot render the template: {0}")]
    Failed(String),
}

impl Blame for FenceError {
    fn fault(&self) -> Fault {
        match self {
            Self::Start(_) => Fault::Environment,
            Self::TooLong(_) | Self::Failed(_) => Fault::Template,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Start(_) => "is there room in the folder for temporary files?".to_owned(),
            Self::TooLong(_) | Self::Failed(_) => "the template's maintainers must fix this".to_owned(),
        })
    }
}

impl Fence {
    /// Runs the library in `folder`, which holds a template and values, and waits for it.
    pub(super) fn run(&self, folder: &Path, name: &str) -> Result<(), FenceError> {
        let child = self.start(folder, name).map_err(FenceError::Start)?;
        let status = self.wait(child)?;
        if status.success() {
            return Ok(());
        }
        let read = |file: &str| fs::read(folder.join(file)).unwrap_or_default();
        let output = [ERROR, PRINTED].map(read).into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let lines: Vec<String> = String::from_utf8_lossy(&output)
            .lines()
            .map(plain)
            .filter(|line| !line.is_empty() && !line.starts_with("Learn more"))
            .take(20)
            .collect();
        Err(FenceError::Failed(if lines.is_empty() { status.to_string() } else { lines.join("; ") }))
    }

    fn start(&self, folder: &Path, name: &str) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args([ARGUMENT, name]).current_dir(folder).env_clear();
        for (variable, subfolder) in [("HOME", "home"), ("CARGO_HOME", "home/cargo"), ("TMPDIR", "tmp")] {
            fs::create_dir_all(folder.join(subfolder))?;
            command.env(variable, folder.join(subfolder));
        }
        fs::create_dir(folder.join(OUTPUT))?;
        // The library fails without a user, also where no file names one.
        command.env("USER", "nobody").env("NO_COLOR", "1");
        let printed = File::create(folder.join(PRINTED))?;
        command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed);
        command.spawn()
    }

    fn wait(&self, mut child: Child) -> Result<ExitStatus, FenceError> {
        let end = Instant::now() + self.limit;
        loop {
            if let Some(status) = child.try_wait().map_err(FenceError::Start)? {
                return Ok(status);
            }
            if Instant::now() > end {
                child.kill().and_then(|()| child.wait()).map_err(FenceError::Start)?;
                return Err(FenceError::TooLong(self.limit));
            }
            thread::sleep(PAUSE);
        }
    }
}

/// A line without control characters.
fn plain(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// What the process does, in its folder. Returns its exit code; what went wrong is in a file.
pub fn inside(name: &str) -> u8 {
    let arguments = GenerateArgs {
        template_path: TemplatePath { path: Some(TEMPLATE.to_owned()), ..TemplatePath::default() },
        name: Some(name.to_owned()),
        // Takes the name as it is: it was checked.
        force: true,
        silent: true,
        template_values_file: Some(VALUES.to_owned()),
        destination: Some(OUTPUT.into()),
        vcs: Some(Vcs::None),
        no_workspace: true,
        ..GenerateArgs::default()
    };
    let generated = limit().and_then(|()| cargo_generate::generate(arguments).map_err(|error| format!("{error:#}")));
    match generated {
        Ok(_) => 0,
        Err(error) => {
            // Without the file the exit code still says that it failed.
            let _ = fs::write(ERROR, error);
            1
        }
    }
}

/// Limits that hold even when nobody is left to kill the process.
#[cfg(unix)]
fn limit() -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    for (resource, most) in [
        (Resource::As, MEMORY_MAX),
        (Resource::Fsize, FILE_MAX),
        (Resource::Cpu, TIME_MAX.as_secs()),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("no limit can be set: {error}"))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn limit() -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn run(script: &str, limit: Duration) -> (Result<(), FenceError>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
        (Fence { program, limit }.run(folder.path(), "name"), folder)
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let begin = Instant::now();
        let (result, _folder) = run("exec sleep 60", Duration::from_millis(100));
        assert!(matches!(result, Err(FenceError::TooLong(_))), "{result:?}");
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn the_process_finds_an_empty_world() {
        let (result, folder) = run("env | sort > seen; pwd >> seen; cat >> seen", TIME_MAX);
        result.expect("it ends well");
        let seen = fs::read_to_string(folder.path().join("seen")).expect("written");
        let here = folder.path().canonicalize().expect("there");
        for line in seen.lines().filter(|line| !line.starts_with("PWD=") && !line.starts_with("_=")) {
            let ours = ["USER=nobody", "NO_COLOR=1", "SHLVL=0", "SHLVL=1"].contains(&line);
            assert!(
                ours || line.contains(&*folder.path().to_string_lossy()) || line == here.to_string_lossy(),
                "{line}"
            );
        }
    }

    #[test]
    fn a_failure_repeats_the_output_without_control_characters() {
        let (result, _folder) = run("printf 'one\\n\\033[31mtwo\\n' >&2; exit 3", TIME_MAX);
        assert!(matches!(&result, Err(FenceError::Failed(text)) if text == "one; [31mtwo"), "{result:?}");
    }
}
