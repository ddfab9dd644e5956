//! Timing of whole processes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// A process to run: program, arguments, folder.
pub(crate) struct Call {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
}

/// What every measured process has for an environment; nothing else is passed on.
pub(crate) struct Environment(pub(crate) Vec<(&'static str, OsString)>);

impl Environment {
    /// Runs the process to its end.
    ///
    /// # Errors
    /// What it said last on stderr when it ends with a failure.
    pub(crate) fn run(&self, call: &Call) -> Result<(), Failure> {
        let mut command = Command::new(&call.program);
        command.args(&call.arguments).current_dir(&call.folder).env_clear();
        command.envs(self.0.iter().map(|(name, value)| (name, value)));
        let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
        let output = output.map_err(|error| format!("{}: {error}", call.program.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<_> = said.lines().rev().take(4).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        Err(format!("{} {:?}: {}: {}", call.program.display(), call.arguments, output.status, last.join(" / ")).into())
    }
}

/// One side of a comparison.
///
/// What a run makes on a disk stays until the end of all: ext4 passes over inodes that were freed in the last minutes one
/// by one (`recently_deleted` in its `ialloc.c`), so that after some thousand removals a new file costs 15 times as much.
pub(crate) struct Job<'j> {
    /// The processes of a run, one after the other, given the run's number.
    pub(crate) calls: Box<dyn Fn(usize) -> Result<Vec<Call>, Failure> + 'j>,
    /// Looks at what the first run made.
    pub(crate) check: Box<dyn Fn(usize) -> Result<(), Failure> + 'j>,
}

impl Job<'_> {
    fn run(&self, number: usize, environment: &Environment) -> Result<Duration, Failure> {
        let calls = (self.calls)(number)?;
        let start = Instant::now();
        for call in &calls {
            environment.run(call)?;
        }
        Ok(start.elapsed())
    }

    fn warm_up(&self, environment: &Environment) -> Result<Duration, Failure> {
        let taken = self.run(0, environment)?;
        (self.check)(0)?;
        Ok(taken)
    }
}

/// How many runs: as many as fit into a time, between two bounds.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    pub(crate) least: usize,
    pub(crate) most: usize,
}

impl Budget {
    fn runs(self, one: Duration) -> usize {
        let fit = self.time.as_secs_f64() / one.as_secs_f64().max(0.001);
        (fit as usize).clamp(self.least, self.most)
    }
}

/// Times in the order of the runs.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Milliseconds: median, least, most.
    pub(crate) fn summary(&self) -> (f64, f64, f64) {
        let mut sorted: Vec<f64> = self.0.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        (median, sorted[0], sorted[sorted.len() - 1])
    }

    pub(crate) fn median(&self) -> f64 {
        self.summary().0
    }

    pub(crate) fn runs(&self) -> usize {
        self.0.len()
    }
}

/// Runs both sides in turns, after one run each that is looked at and not counted.
pub(crate) fn compare(
    ours: &Job,
    theirs: &Job,
    environment: &Environment,
    budget: Budget,
) -> Result<(Times, Times), Failure> {
    let one = ours.warm_up(environment)? + theirs.warm_up(environment)?;
    // What the rows before made is written to the disk now, rather than beside these runs.
    Command::new("sync").status()?;
    let (mut mine, mut other) = (Vec::new(), Vec::new());
    for number in 1..=budget.runs(one) {
        for (job, times) in [(ours, &mut mine), (theirs, &mut other)] {
            times.push(job.run(number, environment)?);
        }
    }
    Ok((Times(mine), Times(other)))
}

/// The most memory a run of the job's first process takes, in bytes, by GNU `time`.
pub(crate) fn peak_memory(job: &Job, number: usize, environment: &Environment, folder: &Path) -> Result<u64, Failure> {
    let note = folder.join("peak");
    let calls = (job.calls)(number)?;
    let call = calls.first().ok_or("nothing to run")?;
    let mut arguments: Vec<OsString> = ["-f", "%M", "-o"].map(OsString::from).to_vec();
    arguments.extend([note.clone().into(), call.program.clone().into()]);
    arguments.extend(call.arguments.iter().cloned());
    environment.run(&Call { program: "/usr/bin/time".into(), arguments, folder: call.folder.clone() })?;
    let kilobytes: u64 = fs::read_to_string(&note)?.trim().parse()?;
    Ok(kilobytes * 1024)
}
