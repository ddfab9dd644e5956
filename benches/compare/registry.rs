//! The registry: few records against many, and reading all of them against git.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::formats::Format;
use crate::lab::{Lab, PROGRAM};
use crate::runs::{Budget, Job, compare};
use crate::table::{Figures, Row, Target};
use crate::templates::Size;
use crate::tools::on_path;

/// A small registry.
const FEW: usize = 100;

/// Makes a registry of `count` records by one import.
fn registry_of(lab: &Lab, count: usize) -> Result<PathBuf, Failure> {
    let folder = lab.fresh()?;
    let mut csv = "name,title,description,owner,style,environments,service_level,phase,repository_url\n".to_owned();
    for number in 0..count {
        writeln!(
            csv,
            "made-api-{number},Title of API {number},\"What people can do with API {number}, in one sentence\",\
             team-{},apigee,internal-dev int prod,bronze,live,https://git.example/apis/made-api-{number}",
            number % 97
        )?;
    }
    let file = folder.join("apis.csv");
    fs::write(&file, csv)?;
    let registry = folder.join("registry.git");
    let arguments: [&dyn AsRef<OsStr>; 5] = [&"registry", &"import", &file, &"--registry", &registry];
    lab.environment.run(&lab.call(PROGRAM, &arguments))?;
    Ok(registry)
}

/// `new`, each run with another name.
fn new_in<'l>(lab: &'l Lab, registry: &'l Path) -> Result<Job<'l>, Failure> {
    let template = lab.template(Format::Apiscaffold, Size::S)?;
    let parent = lab.fresh()?;
    let made = parent.clone();
    let calls = move |number: usize| {
        let name = format!("newcomer-{number:04}");
        let arguments: [&dyn AsRef<OsStr>; 9] =
            [&"new", &name, &"--template", &template, &"--into", &parent, &"--registry", &registry, &"--yes"];
        Ok(vec![lab.call(PROGRAM, &arguments)])
    };
    let check = move |number: usize| lab.check_commit(&made.join(format!("newcomer-{number:04}")));
    Ok(Job { calls: Box::new(calls), check: Box::new(check) })
}

/// `new` into `many` records against `new` into a hundred.
pub(crate) fn registering(lab: &Lab, many: usize, budget: Budget) -> Result<Row, Failure> {
    let (full, small) = (registry_of(lab, many)?, registry_of(lab, FEW)?);
    let (ours, theirs) = compare(&new_in(lab, &full)?, &new_in(lab, &small)?, &lab.environment, budget)?;
    let what = format!("`new` into {many} records, against into {FEW}");
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target: Target::AtMost(1.5) }) })
}

/// `list --json` of `many` records against `git cat-file --batch` of the same blobs.
pub(crate) fn listing(lab: &Lab, many: usize, budget: Budget) -> Result<Row, Failure> {
    let registry = registry_of(lab, many)?;
    let sh = on_path("sh").ok_or("there is no sh on the PATH")?;
    let git = Command::new("git").arg("--git-dir").arg(&registry).args(["ls-tree", "-r", "main", "apis"]).output()?;
    let lines = String::from_utf8(git.stdout)?;
    let ids: Vec<&str> = lines.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    if ids.len() != many {
        return Err(format!("{} of {many} records were imported", ids.len()).into());
    }
    let list = registry.with_file_name("ids");
    fs::write(&list, ids.join("\n") + "\n")?;
    let script = format!("git --git-dir '{}' cat-file --batch < '{}'", registry.display(), list.display());
    let ours = Job {
        calls: Box::new(|_| Ok(vec![lab.call(PROGRAM, &[&"list", &"--json", &"--registry", &registry])])),
        check: Box::new(|_| Ok(())),
    };
    let theirs = Job { calls: Box::new(|_| Ok(vec![lab.call(&sh, &[&"-c", &script])])), check: Box::new(|_| Ok(())) };
    let (ours, theirs) = compare(&ours, &theirs, &lab.environment, budget)?;
    let what = format!("`list --json` of {many} records, against `git cat-file --batch` of them");
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target: Target::Within(1000.0) }) })
}
