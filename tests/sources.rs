//! Templates from git, through the program.

use std::fs;

use crate::git_server::{GitServer, clean_git, git};
use crate::program::{Program, Ran};

const MANIFEST: &str = "[template]\nname = \"own\"\n";

/// A repository with a template in a subfolder: tag `v1` says one, `main` says two.
fn repository(program: &Program) {
    program.write("served/t/sub/folder/apiscaffold.toml", MANIFEST);
    program.write("served/t/sub/folder/out", "one {{ name }}");
    let folder = program.folder().join("served/t");
    git(&folder, &["init", "-q", "-b", "main"]);
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-qm", "one"]);
    git(&folder, &["tag", "v1"]);
    fs::write(folder.join("sub/folder/out"), "two {{ name }}").expect("written");
    git(&folder, &["commit", "-qam", "two"]);
}

fn out(program: &Program, name: &str) -> String {
    fs::read_to_string(program.folder().join(name).join("out")).expect("rendered")
}

#[test]
fn a_git_url_with_subfolder_and_revision_is_fetched_once_and_then_works_offline() {
    let program = Program::new();
    repository(&program);
    let server = GitServer::start(&program.folder().join("served"));
    let source = format!("{}//sub/folder", server.url("t"));
    program.done(&["new", "tagged", "--template", &source, "--at", "v1"]);
    assert_eq!(out(&program, "tagged"), "one tagged");
    program.done(&["new", "newest", "--template", &source]);
    assert_eq!(out(&program, "newest"), "two newest");
    let commit = git(&program.folder().join("served/t"), &["rev-parse", "v1"]);
    program.done(&["new", "by-id", "--template", &source, "--at", &commit]);
    let record = program.done(&["show", "by-id", "--json"]).json();
    assert_eq!(record["template"]["revision"], serde_json::json!(commit));
    assert_eq!(record["template"]["source"], serde_json::json!(source));
    drop(server);
    program.done(&["new", "away", "--template", &source, "--at", "v1", "--offline"]);
    assert_eq!(out(&program, "away"), "one away");
    let unreachable = program.run(&["new", "lost", "--template", &source]);
    assert!(unreachable.code == Some(1) && unreachable.stderr.contains("--offline"), "{unreachable:?}");
}

#[test]
fn a_cached_file_that_was_changed_is_noticed() {
    let program = Program::new();
    repository(&program);
    let server = GitServer::start(&program.folder().join("served"));
    let source = format!("{}//sub/folder", server.url("t"));
    let commit = git(&program.folder().join("served/t"), &["rev-parse", "v1"]);
    let make = |name| program.run(&["new", name, "--template", &source, "--at", &commit]);
    assert_eq!(make("first").code, Some(0));
    let cache = program.home().join(".cache/apiscaffold/templates");
    let cached = fs::read_dir(cache).expect("a cache").map(|entry| entry.expect("read").path());
    let repository = cached.into_iter().find(|path| path.is_dir()).expect("a repository");
    let files = || fs::read_dir(repository.join("objects/pack")).expect("packs").map(|file| file.expect("read").path());
    let pack = files().find(|path| path.extension() == Some("pack".as_ref())).expect("a pack");
    let packed = program.folder().join("packed");
    fs::rename(pack, &packed).expect("moved");
    files().for_each(|file| fs::remove_file(file).expect("removed"));
    let mut unpack = clean_git(&repository);
    unpack.args(["unpack-objects", "-q"]).stdin(fs::File::open(packed).expect("opened"));
    assert!(unpack.status().expect("git runs").success());
    assert_eq!(make("again").code, Some(0));
    // Another text under the id of the one that was fetched.
    program.write("other", "two {{ name }}");
    let other = git(&repository, &["hash-object", "-w", &program.folder().join("other").display().to_string()]);
    let fetched = git(&repository, &["rev-parse", &format!("{commit}:sub/folder/out")]);
    let object = |id: &str| repository.join("objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(object(&fetched)).expect("removed");
    fs::copy(object(&other), object(&fetched)).expect("copied");
    let changed = make("changed");
    assert!(changed.code != Some(0) && !program.folder().join("changed").exists(), "{changed:?}");
}

#[test]
fn an_unknown_revision_names_a_near_one() {
    let program = Program::new();
    repository(&program);
    let server = GitServer::start(&program.folder().join("served"));
    let ran = program.run(&["new", "x", "--template", &format!("{}//sub/folder", server.url("t")), "--at", "v11"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("v11") && ran.stderr.contains("`v1`"), "{ran:?}");
    let local = program.run(&["new", "x", "--template", "served/t//sub/folder", "--at", "mian"]);
    assert!(local.code == Some(2) && local.stderr.contains("`main`"), "{local:?}");
}

#[test]
fn a_local_repository_is_read_at_a_revision_or_as_files() {
    let program = Program::new();
    repository(&program);
    fs::write(program.folder().join("served/t/sub/folder/out"), "unsaved {{ name }}").expect("written");
    program.done(&["new", "files", "--template", "served/t//sub/folder"]);
    assert_eq!(out(&program, "files"), "unsaved files");
    program.done(&["new", "tagged", "--template", "served/t//sub/folder", "--at", "v1"]);
    assert_eq!(out(&program, "tagged"), "one tagged");
    let served = program.folder().join("served/t");
    let id = git(&served, &["rev-parse", "main"]);
    git(&served, &["update-ref", &format!("refs/heads/{id}"), "v1"]);
    program.done(&["new", "by-id", "--template", "served/t//sub/folder", "--at", &id]);
    assert_eq!(out(&program, "by-id"), "two by-id", "a full id is no branch");
    let url = format!("file://{}//sub/folder", served.display());
    program.done(&["new", "url", "--template", &url]);
    assert_eq!(out(&program, "url"), "two url");
}

#[test]
fn one_small_object_at_many_paths_does_not_fill_the_memory() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", MANIFEST);
    program.write("t/zeros", vec![0_u8; 10_000_000]);
    let folder = program.folder().join("t");
    git(&folder, &["init", "-q", "-b", "main"]);
    git(&folder, &["add", "-A"]);
    let blob = git(&folder, &["rev-parse", ":zeros"]);
    for i in 0..60 {
        git(&folder, &["update-index", "--add", "--cacheinfo", &format!("100644,{blob},d/f{i}")]);
    }
    git(&folder, &["commit", "-qm", "bomb"]);
    let ran = program.run(&["new", "x", "--template", "t", "--at", "main"]);
    assert!(ran.code == Some(3) && ran.stderr.contains("more than 512 MiB"), "{ran:?}");
}

/// A work tree with a template in a subfolder, and with what its author has lying about.
fn untidy(program: &Program) {
    program.write("mine/.gitignore", ".env\nnode_modules/\n");
    program.write("mine/templates/own/.gitignore", "*.log\n!kept.log\n");
    program.write("mine/templates/own/apiscaffold.toml", MANIFEST);
    program.write("mine/templates/own/out", "{{ name }} {{ template.source }}");
    program.write("mine/templates/own/kept.log", "kept");
    let folder = program.folder().join("mine");
    git(&folder, &["init", "-q", "-b", "main"]);
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-qm", "one"]);
    for path in [".env", "node_modules/x/index.js", "sub/.env", "debug.log", "excluded", "private"] {
        program.write(&format!("mine/templates/own/{path}"), "s3cret");
    }
    program.write("mine/.git/info/exclude", "excluded\n");
    program.write("ignored-by-me", "private\n");
    let global = format!("[core]\n\texcludesFile = {}\n", program.folder().join("ignored-by-me").display());
    fs::write(program.home().join(".gitconfig"), global).expect("written");
}

/// Makes an API, which must hold these files beside the receipt and no path of this machine, and gives what was said.
fn made(program: &Program, name: &str, arguments: &[&str], files: &[&str]) -> Ran {
    let ran = program.done(&[&["new", name], arguments].concat());
    let found = crate::program::files(&program.folder().join(name));
    let mut wanted = [files, &[".apiscaffold.toml"]].concat();
    wanted.sort_unstable();
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), wanted, "{name}");
    let record = program.done(&["show", name, "--json"]).json()["template"].to_string();
    for text in found.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).chain([record]) {
        assert!(!text.contains("s3cret") && !text.contains(&program.folder().display().to_string()), "{name}: {text}");
    }
    ran
}

fn template_of(program: &Program, name: &str) -> serde_json::Value {
    program.done(&["show", name, "--json"]).json()["template"].clone()
}

#[test]
fn what_git_ignores_is_in_no_repository_and_what_is_not_committed_is_told() {
    let program = Program::new();
    untidy(&program);
    let own = ["--template", "mine/templates/own"];
    let committed = [".gitignore", "kept.log", "out"];
    let clean = made(&program, "clean", &own, &committed);
    assert!(!clean.stderr.contains("not committed"), "{clean:?}");
    let head = git(&program.folder().join("mine"), &["rev-parse", "HEAD"]);
    assert_eq!(template_of(&program, "clean")["revision"], serde_json::json!(head));
    assert_eq!(template_of(&program, "clean")["source"], "own");

    // Untracked, staged and modified.
    for number in 1..=6 {
        program.write(&format!("mine/templates/own/new-{number}"), "x");
    }
    program.write("mine/templates/own/kept.log", "changed");
    git(&program.folder().join("mine"), &["add", "templates/own/new-1"]);
    let news: Vec<String> = (1..=6).map(|number| format!("new-{number}")).collect();
    let files: Vec<&str> = committed.into_iter().chain(news.iter().map(String::as_str)).collect();
    let dirty = made(&program, "dirty", &own, &files);
    assert_eq!(fs::read_to_string(program.folder().join("dirty/kept.log")).expect("there"), "changed");
    for told in ["not committed: `kept.log`, `new-1`, ", " and 2 more", &format!("{head}, does not hold them")] {
        assert!(dirty.stderr.contains(told), "{told}: {dirty:?}");
    }
    let at = made(&program, "at-head", &["--template", "mine//templates/own", "--at", "main"], &committed);
    assert!(!at.stderr.contains("not committed"), "{at:?}");
    let url = format!("file://{}//templates/own", program.folder().join("mine").display());
    made(&program, "by-url", &["--template", &url], &committed);

    // A folder that is in no work tree is taken whole.
    program.write("plain/apiscaffold.toml", MANIFEST);
    program.write("plain/.gitignore", "out\n");
    program.write("plain/out", "x");
    made(&program, "whole", &["--template", "plain"], &[".gitignore", "out"]);
    assert_eq!(template_of(&program, "whole")["source"], "plain");

    let ignored = program.write("mine/templates/own/node_modules/t/apiscaffold.toml", MANIFEST);
    let refused = program.run(&["new", "x", "--template", &ignored.parent().expect("a folder").display().to_string()]);
    assert!(refused.code == Some(2) && refused.stderr.contains("is ignored by the git repository"), "{refused:?}");
}

#[test]
fn a_folder_s_origin_is_its_source_and_without_one_another_command_finds_it_or_says_how_to_name_it() {
    let program = Program::new();
    untidy(&program);
    let mine = program.folder().join("mine");
    let own = ["--template", "mine/templates/own"];
    let files = [".gitignore", "kept.log", "out"];
    for (number, (url, source)) in [
        ("https://me:s3cret@git.example.invalid/o/t.git", "https://git.example.invalid/o/t.git//templates/own"),
        ("git@git.example.invalid:o/t.git", "git@git.example.invalid:o/t.git//templates/own"),
        ("/srv/elsewhere.git", "own"),
        ("file:///srv/elsewhere.git", "own"),
    ]
    .into_iter()
    .enumerate()
    {
        let _ = std::process::Command::new("git").args(["remote", "remove", "origin"]).current_dir(&mine).output();
        git(&mine, &["remote", "add", "origin", url]);
        let name = format!("origin-{}", ["a", "b", "c", "d"][number]);
        made(&program, &name, &own, &files);
        assert_eq!(template_of(&program, &name)["source"], source, "{url}");
    }
    let away = program.run(&["phase", "origin-a", "--offline"]);
    assert!(away.code != Some(0) && away.stderr.contains("--template SOURCE"), "{away:?}");
    program.done(&["phase", "origin-a", "--template", "mine/templates/own"]);
    // By its name alone: a folder of that name here, if it is that template.
    let lost = program.run(&["phase", "origin-c"]);
    assert!(lost.code == Some(2) && lost.stderr.contains("--template SOURCE"), "{lost:?}");
    program.write("own/apiscaffold.toml", "[template]\nname = \"another\"\n");
    let wrong = program.run(&["phase", "origin-c"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("is the template `another`, not `own`"), "{wrong:?}");
    program.write("own/apiscaffold.toml", MANIFEST);
    program.done(&["phase", "origin-c"]);
    git(&program.folder().join("origin-c"), &["remote", "add", "origin", "https://github.com/o/origin-c"]);
    program.write("own/apiscaffold.toml", "[template]\nname = \"another\"\n");
    let check = program.run(&["check", "--settings", "origin-c"]);
    assert!(check.code == Some(2) && check.stderr.contains("--template SOURCE"), "{check:?}");
}
