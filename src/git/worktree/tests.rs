use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::{look, look_with, public};

/// Runs git with nobody's configuration and gives what it prints.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "T").env(format!("GIT_{role}_EMAIL"), "t@example.invalid");
    }
    let output = command.output().expect("git starts");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, text).expect("written");
}

const NAMES: &str = "(a|b|node_modules|sub)(/(a|b|x\\.log|\\.env|sub)){0,2}";
const RULES: &str = "(!?/?(a|b|sub|node_modules|x\\.log|\\.env|\\*\\.log|\\*|\\*\\*/b|sub/\\*|a/\\*\\*)/?\n){1,3}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_files_are_those_that_git_lists(
        committed in prop::collection::btree_set(NAMES, 0..5),
        later in prop::collection::btree_set(NAMES, 0..7),
        rules in prop::collection::vec((prop::sample::select(vec!["", "sub/", "a/", "info"]), RULES), 0..4),
        in_subfolder: bool,
    ) {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        git(root, &["init", "-q", "-b", "main"]);
        // Of two names one of which is the other's folder the first stays.
        let make = |names: &BTreeSet<String>, text: &str| for name in names {
            let path = root.join(name);
            if path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()) && !path.is_dir() {
                let _ = fs::write(path, text);
            }
        };
        write(root, "sub/kept", "");
        make(&committed, "one");
        git(root, &["add", "-Af"]);
        git(root, &["commit", "-qm", "one"]);
        make(&later, "two");
        for (at, rules) in &rules {
            let path = if *at == "info" { ".git/info/exclude".to_owned() } else { format!("{at}.gitignore") };
            if !root.join(at.trim_end_matches('/')).is_file() {
                write(root, &path, rules);
            }
        }
        let folder = if in_subfolder { root.join("sub") } else { root.to_owned() };
        let listed = git(&folder, &["ls-files", "-z", "-co", "--exclude-standard"]);
        let listed: BTreeSet<&str> =
            listed.split('\0').filter(|path| !path.is_empty() && folder.join(path).is_file()).collect();
        let found = look(&folder).expect("looked at").expect("a work tree");
        prop_assert_eq!(found.files.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed.clone());
        let without = look_with(&folder, |_| None).expect("looked at").expect("a work tree");
        let files: BTreeSet<&str> = without.files.iter().map(String::as_str).collect();
        prop_assert!(files.is_subset(&listed), "never what git ignores: {files:?}, {listed:?}");
        let lost: Vec<&&str> =
            listed.difference(&files).filter(|path| !without.uncertain.iter().any(|one| one == **path)).collect();
        prop_assert!(lost.is_empty(), "nothing is lost in silence: {lost:?}");
        let changed = git(&folder, &["status", "--porcelain", "-z", "--no-renames", "-uall", "."]);
        let prefix = if in_subfolder { "sub/" } else { "" };
        let changed: BTreeSet<&str> =
            changed.split('\0').filter_map(|entry| entry.get(3..)?.strip_prefix(prefix)).collect();
        prop_assert_eq!(found.uncommitted.iter().map(String::as_str).collect::<BTreeSet<_>>(), changed);
        prop_assert_eq!(found.commit, Some(git(root, &["rev-parse", "HEAD"]).trim().to_owned()));
    }
}

#[test]
fn what_is_no_plain_work_tree_is_told_apart() {
    let place = tempfile::tempdir().expect("a folder");
    let at = |path: &str| place.path().join(path);
    fs::create_dir(at("plain")).expect("made");
    assert_eq!(look(&at("plain")).expect("looked at"), None);
    git(place.path(), &["init", "-q", "--bare", "bare.git"]);
    for folder in ["bare.git", "bare.git/refs"] {
        let error = look(&at(folder)).expect_err(folder).to_string();
        assert!(error.contains("not of its work tree"), "{error}");
    }
    git(place.path(), &["init", "-q", "-b", "main", "main"]);
    write(&at("main"), ".gitignore", "out/\n");
    write(&at("main"), "out/t/file", "x");
    assert!(look(&at("main/.git/refs")).is_err());
    let unborn = look(&at("main")).expect("looked at").expect("a work tree");
    assert_eq!((unborn.commit, unborn.uncommitted), (None, vec![".gitignore".to_owned()]));
    let error = look(&at("main/out/t")).expect_err("ignored").to_string();
    assert!(error.contains("is ignored by the git repository"), "{error}");
    git(&at("main"), &["add", "-A"]);
    git(&at("main"), &["commit", "-qm", "one"]);
    git(&at("main"), &["worktree", "add", "-q", "../tree"]);
    write(&at("tree"), "out/file", "x");
    let tree = look(&at("tree")).expect("looked at").expect("a work tree");
    assert_eq!((tree.files, tree.uncommitted), (vec![".gitignore".to_owned()], Vec::new()));
    git(&at("main"), &["init", "-q", "inner"]);
    write(&at("main"), "inner/file", "x");
    let error = look(&at("main")).expect_err("a repository within").to_string();
    assert!(error.contains("`inner/` cannot be used: it is a git repository of its own"), "{error}");
    git(&at("main/inner"), &["add", "-A"]);
    git(&at("main/inner"), &["commit", "-qm", "inner"]);
    git(&at("main"), &["add", "inner"]);
    let error = look(&at("main")).expect_err("a submodule").to_string();
    assert!(error.contains("`inner` cannot be used: it is a submodule"), "{error}");
}

#[test]
fn an_origin_is_told_without_what_could_be_a_secret() {
    for (url, told) in [
        ("https://example.org/o/r.git", Some("https://example.org/o/r.git")),
        ("https://me:s3cret@example.org/o/r", Some("https://example.org/o/r")),
        ("https://s3cret@example.org/o/r?token=s3cret#s3cret", Some("https://example.org/o/r")),
        ("ssh://git:s3cret@example.org:22/o/r", Some("ssh://git@example.org:22/o/r")),
        ("git@example.org:o/r.git", Some("git@example.org:o/r.git")),
        ("/home/alice/r.git", None),
        ("../r.git", None),
        ("file:///home/alice/r.git", None),
        ("ftp://example.org/r", None),
    ] {
        assert!(!public(url).contains("s3cret"), "{url}");
        let place = tempfile::tempdir().expect("a folder");
        git(place.path(), &["init", "-q", "-b", "main"]);
        git(place.path(), &["remote", "add", "origin", url]);
        let found = look(place.path()).expect("looked at").expect("a work tree");
        assert_eq!(found.origin.map(|origin| origin.url).as_deref(), told, "{url}");
    }
}

/// Rules and settings that readers of git's rules other than git itself take otherwise.
#[test]
fn what_git_ignores_by_rules_that_few_know_is_left_out() {
    let place = tempfile::tempdir().expect("a folder");
    let rules: [(&str, &[u8], &[&str]); 8] = [
        ("tab", b".env\t\n", &[".env"]),
        ("digits", b"[[:digit:]]x\n", &["1x", "ax"]),
        ("braces", b"{a,b}\n", &["a", "b", "{a,b}"]),
        ("bracket", b"[a\n", &["a", "[a"]),
        ("bytes", b"\xff\n.env\n", &[".env", "kept"]),
        ("stars", b"c**/d\n", &["cx/y/d", "c/d"]),
        ("negation", b"a/**/\n!b\n", &["a/b/a", "a/c/a"]),
        ("case", b".ENV\n", &[".env", "kept"]),
    ];
    for (name, ignore, files) in rules {
        let root = place.path().join(name);
        fs::create_dir(&root).expect("made");
        git(&root, &["init", "-q"]);
        if name == "case" {
            git(&root, &["config", "core.ignorecase", "true"]);
        }
        fs::write(root.join(".gitignore"), ignore).expect("written");
        files.iter().for_each(|path| write(&root, path, "x"));
        agrees(&root, name);
    }
    let root = place.path().join("excludes");
    fs::create_dir(&root).expect("made");
    git(&root, &["init", "-q"]);
    fs::write(place.path().join("own ex"), ".env\n").expect("written");
    git(&root, &["config", "core.excludesFile", &place.path().join("own ex").to_string_lossy()]);
    write(&root, ".env", "SECRET");
    agrees(&root, "the repository's own excludesFile");
    fs::create_dir(place.path().join("separate")).expect("made");
    git(&place.path().join("separate"), &["init", "-q", "--separate-git-dir", "../sg"]);
    fs::write(place.path().join("sg/info/exclude"), ".env\n").expect("written");
    write(&place.path().join("separate"), ".env", "SECRET");
    agrees(&place.path().join("separate"), "a git folder elsewhere");
}

/// The files are those that git takes.
fn agrees(root: &Path, what: &str) {
    let listed = git(root, &["ls-files", "-z", "-co", "--exclude-standard"]);
    let listed: BTreeSet<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    let found = look(root).expect("looked at").expect("a work tree");
    assert_eq!(found.files.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed, "{what}");
}
