//! Templates from git, through the program.

use std::fs;

use crate::git_server::{GitServer, git};
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
fn files_of_a_commit_are_kept_until_they_are_damaged() {
    let program = Program::new();
    repository(&program);
    let served = program.folder().join("served/t");
    let commit = git(&served, &["rev-parse", "v1"]);
    let make = |name| program.run(&["new", name, "--template", "served/t//sub/folder", "--at", &commit]);
    assert_eq!(make("first").code, Some(0));
    fs::rename(served.join(".git/objects"), served.join("objects")).expect("moved");
    assert_eq!(make("kept").code, Some(0));
    assert_eq!(out(&program, "kept"), "one kept");
    let cache = fs::read_dir(program.home().join(".cache/apiscaffold/templates")).expect("a cache");
    let archive =
        cache.map(|entry| entry.expect("read").path()).find(|path| path.extension() == Some("archive".as_ref()));
    let archive = archive.expect("an archive");
    let mut bytes = fs::read(&archive).expect("read");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&archive, bytes).expect("damaged");
    let lost = make("lost");
    assert!(lost.code == Some(2) && !program.folder().join("lost").exists(), "{lost:?}");
    fs::rename(served.join("objects"), served.join(".git/objects")).expect("moved back");
    assert_eq!(make("lost").code, Some(0));
    assert_eq!(out(&program, "lost"), "one lost");
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
fn a_progress_bar_is_for_terminals_only() {
    let program = Program::new();
    let mut command = program.command(&["new", "x"]);
    let ran = Ran::of(&command.env("CLICOLOR_FORCE", "1").output().expect("it starts"));
    assert_eq!(ran.stderr, "");
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
