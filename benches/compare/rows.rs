//! What is compared with what.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::formats::Format;
use crate::lab::{Lab, PROGRAM, bytes};
use crate::runs::{Budget, Call, Job, compare, peak_memory};
use crate::table::{Figures, Row, Target};
use crate::templates::Size;
use crate::tools::{Tool, on_path};

fn name(number: usize) -> String {
    format!("bench-api-{number:04}")
}

fn program(name: &str) -> Result<PathBuf, Failure> {
    on_path(name).ok_or_else(|| format!("there is no {name} on the PATH").into())
}

/// What our tool reads the template from.
#[derive(Clone, Copy)]
pub(crate) enum From {
    /// A commit of a repository, read before, as producers and workflows name it.
    Git,
    /// A folder, as the template's maintainers do.
    Folder,
}

impl From {
    fn word(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Folder => "a folder",
        }
    }

    /// What the command line has for it.
    fn arguments(self, lab: &Lab, size: Size) -> Result<Vec<OsString>, Failure> {
        let template = lab.template(Format::Apiscaffold, size)?;
        let mut arguments = vec!["--template".into(), template.clone().into()];
        if matches!(self, Self::Git) {
            arguments.extend(["--at".into(), Lab::head(&template)?.into()]);
        }
        Ok(arguments)
    }
}

/// `template preview` against `cp -r` of what it makes.
pub(crate) fn render(lab: &Lab, size: Size, from: From, budget: Budget) -> Result<Row, Failure> {
    let template = from.arguments(lab, size)?;
    let result = lab.result(size)?;
    let copy = program("cp")?;
    let (made, copied) = (lab.fresh()?, lab.fresh()?);
    let preview = |number: usize| {
        let into = lab.place(&made, number)?;
        let mut call = lab.call(PROGRAM, &[&"template", &"preview", &name(0), &"--into", &into, &"--yes"]);
        call.arguments.extend(template.iter().cloned());
        Ok(vec![call])
    };
    let ours = Job {
        calls: Box::new(preview),
        check: Box::new(|number| lab.check(size, &made.join(number.to_string()), &name(0))),
    };
    let theirs = Job {
        calls: Box::new(|number| Ok(vec![lab.call(&copy, &[&"-r", &result, &lab.place(&copied, number)?])])),
        check: Box::new(|number| lab.check(size, &copied.join(number.to_string()), &name(0))),
    };
    let (ours, theirs) = compare(&ours, &theirs, &lab.environment, budget)?;
    let target = match size {
        Size::S => Target::AtMost(2.0),
        Size::M => Target::AtMost(1.5),
        Size::L => Target::AtMost(1.2),
    };
    let what = format!("render {} from {}, against `cp -r` of the result", size.word(), from.word());
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target }) })
}

/// `new` in a registry of its own, each run with another name.
fn new_job(lab: &Lab, size: Size, from: From) -> Result<Job<'_>, Failure> {
    let template = from.arguments(lab, size)?;
    let parent = lab.fresh()?;
    let made = parent.clone();
    let registry = lab.fresh()?.join("registry.git");
    let calls = move |number| {
        let name = name(number);
        let mut call = lab.call(PROGRAM, &[&"new", &name, &"--into", &parent, &"--registry", &registry, &"--yes"]);
        call.arguments.extend(template.iter().cloned());
        Ok(vec![call])
    };
    let check = move |number| {
        let repository = made.join(name(number));
        lab.check(size, &repository, &name(number))?;
        lab.check_commit(&repository)
    };
    Ok(Job { calls: Box::new(calls), check: Box::new(check) })
}

/// `new` against `cp -r` of the result and the first commit by git.
pub(crate) fn new_against_copy(lab: &Lab, size: Size, from: From, budget: Budget) -> Result<Row, Failure> {
    let result = lab.result(size)?;
    let copy = program("cp")?;
    let parent = lab.fresh()?;
    let copied = |number: usize| parent.join(number.to_string());
    let theirs = Job {
        calls: Box::new(|number| {
            let mut calls = vec![lab.call(&copy, &[&"-r", &result, &copied(number)])];
            calls.extend(lab.commit(&copied(number))?);
            Ok(calls)
        }),
        check: Box::new(|number| {
            lab.check(size, &copied(number), &name(0))?;
            lab.check_commit(&copied(number))
        }),
    };
    let (ours, theirs) = compare(&new_job(lab, size, from)?, &theirs, &lab.environment, budget)?;
    let (size, from) = (size.word(), from.word());
    let what = format!("`new` {size} from {from}, against `cp -r` + `git init`, `add`, `commit`");
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target: Target::AtMost(0.5) }) })
}

/// `new` against another tool and the first commit by git.
pub(crate) fn new_against_tool(lab: &Lab, size: Size, tool: &Tool, budget: Budget) -> Result<Row, Failure> {
    let what = format!("`new` {}, against {} + `git init`, `add`, `commit`", size.word(), tool.name);
    let Some(program_of_tool) = tool.find() else {
        return Ok(Row { what, figures: Err("not installed (cargo bench -- --install)".to_owned()) });
    };
    let template = lab.template(tool.format, size)?;
    let parent = lab.fresh()?;
    let theirs = Job {
        calls: Box::new(|number| {
            let name = name(number);
            let arguments = tool.arguments(&template, &parent, &name);
            let mut calls = vec![Call { program: program_of_tool.clone(), arguments, folder: lab.path().to_owned() }];
            calls.extend(lab.commit(&parent.join(&name))?);
            Ok(calls)
        }),
        check: Box::new(|number| lab.check(size, &parent.join(name(number)), &name(number))),
    };
    let (ours, theirs) = compare(&new_job(lab, size, From::Folder)?, &theirs, &lab.environment, budget)?;
    let target = match (tool.format, size) {
        (Format::CargoGenerate, Size::S) => Target::TimesFaster(6.0),
        (Format::CargoGenerate, _) => Target::TimesFaster(10.0),
        (Format::Copier, _) => Target::TimesFaster(60.0),
        _ => Target::None,
    };
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target }) })
}

/// `--version` against an empty process.
pub(crate) fn start(lab: &Lab, budget: Budget) -> Result<Row, Failure> {
    let nothing = program("true")?;
    let ours = idle(lab, PathBuf::from(PROGRAM), vec!["--version".to_owned()]);
    let theirs = idle(lab, nothing, Vec::new());
    let (ours, theirs) = compare(&ours, &theirs, &lab.environment, budget)?;
    let what = "start (`--version`), against an empty process".to_owned();
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target: Target::Within(5.0) }) })
}

/// A job that makes nothing.
fn idle(lab: &Lab, program: PathBuf, arguments: Vec<String>) -> Job<'_> {
    let call = move |_| {
        let arguments = arguments.iter().map(Into::into).collect();
        Ok(vec![Call { program: program.clone(), arguments, folder: lab.path().to_owned() }])
    };
    Job { calls: Box::new(call), check: Box::new(|_| Ok(())) }
}

/// Reading a spec as we do against parsing it into a `serde_json::Value`.
pub(crate) fn spec(lab: &Lab, path: &Path, budget: Budget) -> Result<Row, Failure> {
    let size = fs::metadata(path)?.len() as f64 / 1e6;
    let reader = |how: &str| -> Result<Job<'_>, Failure> {
        let arguments = ["--read-spec", how, &path.to_string_lossy()].map(str::to_owned);
        Ok(idle(lab, std::env::current_exe()?, arguments.to_vec()))
    };
    let (ours, theirs) = compare(&reader("apiscaffold")?, &reader("serde_json")?, &lab.environment, budget)?;
    let what = format!("read a spec of {size:.1} MB, against `serde_json` into a `Value`");
    Ok(Row { what, figures: Ok(Figures::Times { ours, theirs, target: Target::AtMost(2.0) }) })
}

/// The peak memory of `new`.
pub(crate) fn memory(lab: &Lab, size: Size) -> Result<Row, Failure> {
    let what = format!("peak memory of `new` {}", size.word());
    if !Path::new("/usr/bin/time").is_file() {
        return Ok(Row { what, figures: Err("needs GNU `time` in /usr/bin".to_owned()) });
    }
    let tree = bytes(&lab.result(size)?)?;
    let job = new_job(lab, size, From::Folder)?;
    let peak = peak_memory(&job, 0, &lab.environment, lab.path())?;
    Ok(Row { what, figures: Ok(Figures::Memory { peak, tree, most: 3 * tree + 20_000_000 }) })
}
