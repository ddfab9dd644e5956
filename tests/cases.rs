//! Scenarios in folders: each folder of `tests/cases/<command>/` is one, and a new one is a new folder.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `setup` | lines that are run first, and must succeed; what they print is nobody's business |
//! | `command` | the lines that are looked at: `apiscaffold …`, `git …` or `sh -c …`, in words as a shell splits them; `[HOME]` and `[FOLDER]` stand for the two folders |
//! | `env` | more variables, `NAME=VALUE` a line |
//! | `in/` | files of the current folder; `home/` those of the home folder |
//! | `stdout`, `stderr` | what the lines of `command` print, byte for byte; without the file nothing |
//! | `code` | the exit code of each line of `command`; without the file they are all 0 |
//! | `out/` | files that are in the current folder afterwards, byte for byte |
//! | `paths` | every file that is in the current folder afterwards, but git's own |
//! | `github` | if it is there, a GitHub of its own with the organisation `nhs` and its team `platform`, and a token for it |
//! | `program` | if it is there, the same is asked of the program, in a process of its own |
//!
//! `APISCAFFOLD_BLESS=yes cargo test --test main cases::` writes `stdout`, `stderr` and `code`, and what is in `out/` and
//! `paths` where these are there; the difference is then yours to review.
//!
//! The clock stands at [`NOW`], and the author is Ada. What varies all the same is replaced by a word, in [`settled`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use apiscaffold::terminal::{Output, Streams};
use apiscaffold::world::Surroundings;
use rayon::prelude::*;
use regex::Regex;

use crate::github::{GitHub, TokenKind};
use crate::program::{Program, Ran, files};

/// When every run happens.
const NOW: &str = "2026-03-14T09:26:53Z";

/// Variables of every run.
const VARIABLES: [(&str, &str); 2] = [("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.org")];

/// Set for the process in which the scenarios run.
const INSIDE: &str = "CASES_INSIDE";

/// Set to write what is expected.
const BLESS: &str = "APISCAFFOLD_BLESS";

/// What is printed, without what is another thing each time.
fn settled(text: &str, place: &Place) -> String {
    let mut text = text.to_owned();
    for (folder, word) in [(place.program.folder(), "[FOLDER]"), (place.program.home(), "[HOME]")] {
        text = text.replace(folder.to_str().expect("a text"), word);
    }
    if let Some(github) = &place.github {
        text = text.replace(&github.url(), "[GITHUB]");
        text = text.replace(github.url().trim_start_matches("http://"), "[GITHUB]");
    }
    // Ids of commits and revisions of templates change with every change to the built-in template or to the version.
    let id = Regex::new(r"\b[0-9a-f]{40}([0-9a-f]{24})?\b").expect("a pattern");
    let staging = Regex::new(r"\.apiscaffold-([a-z0-9-]+)-[A-Za-z0-9]{6}\b").expect("a pattern");
    text = staging.replace_all(&text, ".apiscaffold-$1-[RANDOM]").into_owned();
    let text = id.replace_all(&text, "[ID]").replace(&format!("\"{}\"", env!("CARGO_PKG_VERSION")), "\"[VERSION]\"");
    text.replace(&format!("apiscaffold {}", env!("CARGO_PKG_VERSION")), "apiscaffold [VERSION]")
}

/// Where a scenario runs.
struct Place {
    program: Program,
    github: Option<GitHub>,
    /// Variables of every run.
    variables: BTreeMap<String, String>,
}

/// A scenario.
struct Case {
    folder: PathBuf,
}

/// What a scenario gave, or should give: each file of its folder that pins something, by name.
type Results = BTreeMap<String, Vec<u8>>;

impl Case {
    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    fn lines(&self, file: &str) -> Vec<String> {
        self.read(file).unwrap_or_default().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn name(&self) -> String {
        let below = self.folder.strip_prefix(root()).expect("below");
        below.display().to_string()
    }

    /// Runs it in an empty world, in this process or as a program.
    fn run(&self, as_program: bool) -> Results {
        let place = self.place();
        let program = &place.program;
        for line in self.lines("setup") {
            let ran = self.line(&line, &place, as_program);
            assert_eq!(ran.code, Some(0), "{}: {line}: {ran:?}", self.name());
        }
        let (mut codes, mut stdout, mut stderr) = (Vec::new(), String::new(), String::new());
        for line in self.lines("command") {
            let ran = self.line(&line, &place, as_program);
            codes.push(ran.code.map_or_else(|| "none".to_owned(), |code| code.to_string()));
            stdout += &settled(&ran.stdout, &place);
            stderr += &settled(&ran.stderr, &place);
        }
        let code = if codes.iter().all(|code| code == "0") { String::new() } else { codes.join(" ") + "\n" };
        let mut results = Results::new();
        for (name, text) in [("stdout", stdout), ("stderr", stderr), ("code", code)] {
            results.insert(name.to_owned(), text.into_bytes());
        }
        let found = files(&program.folder());
        for name in below(&self.folder.join("out")).into_keys() {
            let content = found.get(&name).cloned().unwrap_or_else(|| b"there is no such file\n".to_vec());
            let settled = String::from_utf8(content).map(|text| settled(&text, &place).into_bytes());
            results.insert(format!("out/{name}"), settled.unwrap_or_else(|bytes| bytes.into_bytes()));
        }
        if self.folder.join("paths").exists() {
            let paths: String = found.keys().map(|path| format!("{path}\n")).collect();
            results.insert("paths".to_owned(), paths.into_bytes());
        }
        results
    }

    /// A folder and a home with the scenario's files, and its GitHub.
    fn place(&self) -> Place {
        let program = Program::new();
        for (from, into) in [("in", program.folder()), ("home", program.home())] {
            copy(&self.folder.join(from), &into);
        }
        let own = self.lines("env");
        let own = own.iter().map(|line| line.split_once('=').expect("NAME=VALUE"));
        let mut variables: BTreeMap<String, String> =
            VARIABLES.into_iter().chain(own).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let github = self.folder.join("github").exists().then(GitHub::start);
        if let Some(github) = &github {
            github.add_organization("nhs", "octo");
            github.add_team("nhs", "platform");
            let token = github.add_token("octo", TokenKind::Classic(vec!["repo", "workflow", "admin:org"]));
            let url = github.url();
            let own = [("GITHUB_API_URL", &url), ("GITHUB_SERVER_URL", &url), ("GH_TOKEN", &token)];
            variables.extend(own.map(|(name, value)| (name.to_owned(), value.clone())));
        }
        Place { program, github, variables }
    }

    fn line(&self, line: &str, place: &Place, as_program: bool) -> Ran {
        let Place { program, variables, .. } = place;
        let text = |folder: PathBuf| folder.display().to_string();
        let line = line.replace("[HOME]", &text(program.home())).replace("[FOLDER]", &text(program.folder()));
        let words = words(&line);
        let (first, arguments) = words.split_first().expect("a line has words");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match (first.as_str(), as_program) {
            ("apiscaffold", true) => Ran::of(&program.command(&arguments).envs(variables).output().expect("it starts")),
            ("apiscaffold", false) => in_process(&words, program, variables.clone()),
            ("git" | "sh", _) => {
                let mut command = Command::new(first);
                command.args(&arguments).current_dir(program.folder()).stdin(Stdio::null());
                for role in ["AUTHOR", "COMMITTER"] {
                    command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.org");
                    command.env(format!("GIT_{role}_DATE"), NOW);
                }
                Ran::of(&command.output().expect("it starts"))
            }
            (other, _) => panic!("{}: a line begins with `apiscaffold`, `git` or `sh`, not `{other}`", self.name()),
        }
    }

    fn expected(&self, results: &Results) -> Results {
        let read = |name: &String| fs::read(self.folder.join(name)).unwrap_or_default();
        results.keys().map(|name| (name.clone(), read(name))).collect()
    }

    fn bless(&self, results: &Results) {
        for (name, content) in results {
            let path = self.folder.join(name);
            if content.is_empty() && name != "paths" {
                // It may not be there.
                let _ = fs::remove_file(path);
            } else {
                fs::write(path, content).expect("written");
            }
        }
    }

    /// What is wrong with it, in words that show the difference.
    fn faults(&self) -> Option<String> {
        let ways = [false, true].into_iter().filter(|as_program| !as_program || self.folder.join("program").exists());
        let bless = std::env::var_os(BLESS).is_some();
        for as_program in ways {
            let Ok(results) = catch_unwind(|| self.run(as_program)) else {
                return Some(format!("== {}: it cannot be run: see above\n", self.name()));
            };
            if bless && !as_program {
                self.bless(&results);
            }
            let expected = self.expected(&results);
            let differs = results.iter().filter(|(name, content)| expected[*name] != **content);
            let mut text = String::new();
            for (name, content) in differs {
                let way = if as_program { ", as a program" } else { "" };
                let _ = write!(text, "== {}/{name}{way}\n{}", self.name(), difference(&expected[name], content));
            }
            if !text.is_empty() {
                return Some(text);
            }
        }
        None
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The files of a folder, if it is there.
fn below(folder: &Path) -> Results {
    if folder.is_dir() { files(folder) } else { Results::new() }
}

fn copy(from: &Path, into: &Path) {
    for (name, content) in below(from) {
        let path = into.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }
}

/// The words of a line: quotes keep blanks, and `\n` in double quotes ends a line.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => word.get_or_insert_default().push(match characters.next() {
                Some('n') => '\n',
                Some(c) => c,
                None => panic!("{line}: a backslash ends it"),
            }),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "{line}: a quote is open");
    words.extend(word);
    words
}

/// Runs a command in this process.
fn in_process(words: &[String], program: &Program, variables: BTreeMap<String, String>) -> Ran {
    let [stdout, stderr] = [(); 2].map(|()| Arc::new(Mutex::new(Vec::<u8>::new())));
    let (out, err): (Output, Output) = (Output::new(stdout.clone()), Output::new(stderr.clone()));
    let surroundings = Surroundings {
        variables,
        folder: Ok(program.folder()),
        home: Some(program.home()),
        program: Some(env!("CARGO_BIN_EXE_apiscaffold").into()),
        now: NOW.parse().expect("a time"),
        streams: Streams { stdout: out, stderr: err, stdin_is_terminal: false, width: Some(100) },
    };
    let code = apiscaffold::run_in(surroundings, words.iter().map(Into::into));
    let text = |bytes: Arc<Mutex<Vec<u8>>>| {
        String::from_utf8(bytes.lock().expect("nobody holds it").clone()).expect("the program speaks UTF-8")
    };
    Ran { code: Some(code.into()), stdout: text(stdout), stderr: text(stderr) }
}

/// The lines of both that differ: `-` is expected, `+` is there.
fn difference(expected: &[u8], found: &[u8]) -> String {
    let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let ends = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = ends.take_while(|(old, new)| old == new).count();
    let mut text = format!("   from line {}\n", start + 1);
    for (mark, lines) in [("-", &old[start..old.len() - end]), ("+", &new[start..new.len() - end])] {
        for line in lines {
            let _ = writeln!(text, "{mark} {line}");
        }
    }
    text
}

/// Every folder below `tests/cases` that holds a scenario.
fn all() -> Vec<Case> {
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry").path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        folders
    };
    folders(&root()).iter().flat_map(|command| folders(command)).map(|folder| Case { folder }).collect()
}

/// Runs all scenarios in one process, which sees nothing of this one: not its home folder, and no variable.
#[test]
fn every_scenario_prints_and_makes_what_its_folder_says() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "cases::inside", "--nocapture"]).env_clear().current_dir(home.path());
    command.env("HOME", home.path()).env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env(INSIDE, "yes").envs(std::env::var_os(BLESS).map(|yes| (BLESS, yes)));
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Not a test of its own: the process of the test above.
#[test]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let cases = all();
    assert!(cases.len() >= 60, "{}", cases.len());
    let faults: Vec<String> = cases.par_iter().filter_map(Case::faults).collect();
    let again = format!("{BLESS}=yes cargo test --test main cases::");
    assert!(faults.is_empty(), "{}\nif this is as it should be: {again}", faults.concat());
    println!("{} scenarios", cases.len());
}

#[test]
fn words_are_split_as_by_a_shell() {
    assert_eq!(words(r#"a  'b c' d"e f"'' "" "x\ny\"""#), ["a", "b c", "de f", "", "x\ny\""]);
}

#[test]
fn a_difference_shows_the_lines_that_differ() {
    assert_eq!(difference(b"a\nb\nc\n", b"a\nx\ny\nc\n"), "   from line 2\n- b\n+ x\n+ y\n");
}
