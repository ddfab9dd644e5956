//! Processes that die while they write.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Tells the child where its registry is.
const FOLDER: &str = "APISCAFFOLD_TEST_REGISTRY";

/// Not a test of its own: the child, which writes to the registry for as long as it lives.
#[test]
#[allow(clippy::disallowed_methods, reason = "a child process has no other way to be told")]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    for round in 0.. {
        let registry = Registry::open_or_create(&here(Path::new(&folder))).expect("opened");
        let changed = Record { title: format!("Title {round}"), ..record("my-api") };
        registry.add(&changed, &by()).expect("ours");
        let other = record(&format!("other-{}-{round}", std::process::id()));
        registry.add(&other, &by()).expect("added");
        registry.activate(&other, &by()).expect("activated");
        let created = Path::new(&folder).with_file_name("created.git");
        let away = Path::new(&folder).with_file_name(format!("away-{}-{round}", std::process::id()));
        Registry::open_or_create(&here(&created)).expect("created");
        std::fs::rename(created, away).expect("moved");
    }
}

/// Waits until somebody wrote to the registry, at most five seconds.
fn wait_for_a_change(folder: &Path) {
    let main = || std::fs::read(folder.join("refs/heads/main")).ok();
    let (before, started) = (main(), Instant::now());
    while main() == before && started.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_micros(100));
    }
}

#[test]
fn a_registry_survives_processes_killed_at_any_moment() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("registry.git");
    let program = std::env::current_exe().expect("this program");
    for kill in 0..40 {
        let mut child = Command::new(&program)
            .args(["--exact", "registry::tests::killed::child", "--test-threads=1"])
            .env(FOLDER, &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        wait_for_a_change(&folder);
        thread::sleep(Duration::from_micros(1_777 * kill));
        child.kill().expect("killed");
        child.wait().expect("dead");
        let registry = Registry::open_or_create(&here(&folder)).expect("opened");
        registry.add(&record("my-api"), &by()).expect("ours, whatever happened");
        assert_eq!(registry.get("my-api").expect("read"), Some(record("my-api")));
        assert_eq!(registry.list().expect("listed").problems, Vec::new());
        Registry::open_or_create(&here(&parent.path().join("created.git"))).expect("created");
    }
    let listing = Registry::open(&here(&folder)).expect("opened").expect("there").list().expect("listed");
    assert!(listing.records.len() > 1, "the children came to write: {}", listing.records.len());
    let said = git(&folder, &["fsck", "--strict", "--no-progress", "--no-dangling"]);
    // An object that was being written is a file that git never reads.
    let rest = |line: &&str| !line.contains("tmp_object");
    assert_eq!(said.lines().filter(rest).collect::<Vec<_>>(), Vec::<&str>::new());
    assert_no_rests_after_the_next_creation(parent.path());
}

fn assert_no_rests_after_the_next_creation(parent: &Path) {
    std::fs::rename(parent.join("created.git"), parent.join("away")).expect("moved");
    Registry::open_or_create(&here(&parent.join("created.git"))).expect("created");
    let rests = || std::fs::read_dir(parent).expect("listed").flatten().map(|entry| entry.file_name());
    let rests: Vec<_> = rests().filter(|name| name.to_string_lossy().starts_with(".apiscaffold-created")).collect();
    assert!(rests.is_empty(), "{rests:?}");
}
