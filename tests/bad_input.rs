//! What goes wrong: exit code, one sentence, a hint, and nothing touched.

use std::fs;

use crate::program::{Program, files};

/// Runs a command that must fail, and checks code, sentence and hint, and that no repository or record appears.
fn fails(program: &Program, arguments: &[&str], code: i32, sentence: &str, hint: &str) {
    let before = files(&program.folder());
    let ran = program.run(arguments);
    assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
    assert!(ran.stderr.contains(sentence), "{arguments:?}: wants `{sentence}`: {ran:?}");
    let hints: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert!(hints.iter().any(|line| line.contains(hint)), "{arguments:?}: wants hint `{hint}`: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    assert_eq!(ran.stdout, "", "{arguments:?}");
    assert_eq!(files(&program.folder()), before, "{arguments:?}");
}

#[test]
fn bad_names_come_with_a_good_one() {
    let program = Program::new();
    fails(&program, &["new", "My API"], 2, "`My API` cannot be an API's name", "`my-api` would do");
    fails(&program, &["new", "../x"], 2, "cannot be an API's name", "`x` would do");
    assert_eq!(program.run(&["new", ""]).code, Some(2));
}

#[test]
fn a_name_that_is_taken_says_by_whom_and_where() {
    let program = Program::new();
    fs::write(program.home().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.invalid\n")
        .expect("written");
    program.done(&["new", "my-api"]);
    fs::create_dir(program.folder().join("other")).expect("made");
    let place = format!("file://{}", program.folder().join("my-api").display());
    let sentence = "the name `my-api` is taken (registered by Ada <ada@example.invalid> on 20";
    fails(&program, &["new", "my-api", "--into", "other"], 5, sentence, "apiscaffold show my-api");
    fails(&program, &["new", "my-api", "--into", "other"], 5, &place, "another name");
}

#[test]
fn what_is_in_the_target_is_not_touched() {
    let program = Program::new();
    program.write("my-api/mine.txt", "mine");
    fails(&program, &["new", "my-api"], 5, "exists already, and is left as it is", "--into");
    program.write("file", "mine");
    fails(&program, &["new", "file"], 5, "exists already", "--into");
    fs::create_dir(program.folder().join("empty")).expect("made");
    fails(&program, &["new", "empty"], 5, "exists already", "--into");
    fails(&program, &["new", "x", "--into", "file"], 2, "is not a folder", "--into");
}

#[test]
fn all_wrong_answers_are_told_at_once() {
    let program = Program::new();
    program.write(
        "t/apiscaffold.toml",
        "[template]\nname = \"own\"\n[[question]]\nname = \"title\"\ntype = \"string\"\nprompt = \"?\"\npattern = \"^.{3,9}$\"\n\
         [[question]]\nname = \"count\"\ntype = \"integer\"\nprompt = \"?\"\n[[question]]\nname = \"must\"\ntype = \"string\"\nprompt = \"?\"\n",
    );
    program.write("answers.toml", "titel = \"x\"\ncount = \"three\"\n");
    let arguments =
        ["new", "x", "--template", "t", "--set", "title=ab", "--set", "cuont=1", "--answers", "answers.toml"];
    for sentence in ["cuont", "titel", "answers.toml", "title", "count", "must"] {
        fails(&program, &arguments, 2, sentence, "");
    }
    fails(&program, &["new", "y", "--template", "t"], 2, "--set must=", "");
    fails(&program, &["new", "z", "--set", "titel=x"], 2, "did you mean `title`", "");
}

#[test]
fn environments_of_later_phases_are_not_to_be_had_at_inception() {
    let program = Program::new();
    let sentence = "`--set environments=int,prod`: `prod` is not for an API in phase inception; \
                    `apiscaffold phase` adds it with phase beta";
    fails(&program, &["new", "x", "--set", "environments=int,prod"], 2, sentence, "template questions");
    assert_eq!(program.done(&["new", "x", "--set", "environments=int"]).code, Some(0));
    let schema = program.done(&["template", "questions", "--json"]).json();
    let offered = &schema["properties"]["environments"]["items"]["enum"];
    assert!(offered.as_array().is_some_and(|offered| offered.len() == 8), "{offered}");
}

#[test]
fn a_broken_manifest_says_file_and_line() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n\n[[question]]\nnam = \"x\"\n");
    fails(&program, &["new", "x", "--template", "t"], 3, "`apiscaffold.toml` line 5", "");
    program.write("t/apiscaffold.toml", "[template\n");
    fails(&program, &["new", "x", "--template", "t"], 3, "`apiscaffold.toml` line 1", "");
}

#[test]
fn an_unknown_variable_blames_the_template() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n");
    program.write("t/a/b.txt", "one\n  {{ titel }}\n");
    let sentence = "template `own` cannot be rendered: `a/b.txt` line 2, column 3: unknown variable `titel`";
    fails(&program, &["new", "x", "--template", "t"], 3, sentence, "maintainers of template `own`");
}

#[test]
fn unreadable_specs_are_refused_with_their_place() {
    let program = Program::new();
    fails(&program, &["new", "x", "--spec", "none.yaml"], 2, "none.yaml", "");
    program.write("broken.yaml", "openapi: 3.0.0\npaths:\n  a: [\n");
    fails(&program, &["new", "x", "--spec", "broken.yaml"], 2, "broken.yaml", "");
    program.write("twice.yaml", "openapi: 3.0.0\ninfo: {title: x, version: '1'}\ninfo: {}\npaths: {}\n");
    fails(&program, &["new", "x", "--spec", "twice.yaml"], 2, "twice.yaml:3:1", "");
    program.write("not.yaml", "a: b\n");
    fails(&program, &["new", "x", "--spec", "not.yaml"], 2, "not.yaml", "");
    program.write("out.yaml", "openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {$ref: ../b.yaml}\n");
    fails(&program, &["new", "x", "--spec", "out.yaml"], 2, "../b.yaml", "");
}

#[test]
fn templates_that_are_not_there_are_told_apart() {
    let program = Program::new();
    fails(&program, &["new", "x", "--template", "nowhere"], 2, "nowhere", "");
    program.write("t/readme", "x");
    fails(&program, &["new", "x", "--template", "t"], 2, "has no `apiscaffold.toml`", "subfolder");
    fails(&program, &["new", "x", "--template", "http://127.0.0.1:9/t"], 1, "127.0.0.1:9", "");
    fails(&program, &["new", "x", "--template", "https://u:secret@example.invalid/t"], 2, "example.invalid", "");
    let ran = program.run(&["new", "x", "--template", "https://u:secret@example.invalid/t"]);
    assert!(!ran.stderr.contains("secret@"), "{ran:?}");
    fails(&program, &["new", "x", "--at", "v1"], 2, "", "");
}

#[test]
fn symlinks_in_a_template_are_refused_with_the_reason() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n");
    std::os::unix::fs::symlink("/etc/passwd", program.folder().join("t/link")).expect("linked");
    let ran = program.run(&["new", "x", "--template", "t"]);
    assert!(ran.code == Some(3) && ran.stderr.contains("link"), "{ran:?}");
}

#[test]
fn folders_that_cannot_be_written_leave_nothing_behind() {
    let program = Program::new();
    let ran = program.run(&["new", "x", "--into", "/proc"]);
    assert!(ran.code == Some(1) && ran.stderr.contains("hint: "), "{ran:?}");
    assert_eq!(program.registry()["apis"], serde_json::json!([]));
    let mut command = program.command(&["new", "x"]);
    command.env("XDG_DATA_HOME", "/proc/none");
    let ran = crate::program::Ran::of(&command.output().expect("it starts"));
    assert!(ran.code == Some(1) && ran.stderr.contains("/proc/none"), "{ran:?}");
    assert!(!program.folder().join("x").exists());
    assert_eq!(fs::read_dir(program.folder()).expect("listed").count(), 0);
}

#[test]
fn a_full_disk_leaves_nothing_and_the_same_command_finishes_later() {
    let program = Program::new();
    let small = program.folder().join("small");
    fs::create_dir(&small).expect("made");
    let binary = env!("CARGO_BIN_EXE_apiscaffold");
    let script = format!(
        "mount -t tmpfs -o size=64k none small || exit 77; \"{binary}\" new x --into small; code=$?; ls -A small; [ -z \"$(ls -A small)\" ] || exit 78; mount -o remount,size=64m small; \"{binary}\" new x --into small && exit $code"
    );
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).current_dir(program.folder());
    command.env_clear().env("HOME", program.home()).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    let Ok(output) = command.output() else {
        println!("unshare: not present, skipped");
        return;
    };
    if matches!(output.status.code(), Some(77)) || String::from_utf8_lossy(&output.stderr).contains("unshare") {
        println!("mount namespaces: not permitted, skipped");
        return;
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr} {}", String::from_utf8_lossy(&output.stdout));
    assert!(stderr.contains("free some space"), "{stderr}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let program = Program::new();
    assert_eq!(program.run(&[]).code, Some(2));
    assert_eq!(program.run(&["nwe"]).code, Some(2));
    assert_eq!(program.run(&["new", "x", "--set", "novalue"]).code, Some(2));
    fails(&program, &["list", "--registry", "ftp://x/r.git"], 2, "`ftp://x/r.git` is not an address", "https://");
    fails(&program, &["list", "--registry", "https://x.invalid/r.git"], 1, "no host is called `x.invalid`", "host");
    fails(&program, &["show", "nope"], 2, "no API called `nope`", "apiscaffold list");
}

#[test]
fn with_json_a_failure_is_a_document_too() {
    let program = Program::new();
    let ran = program.run(&["new", "My API", "--json"]);
    assert_eq!(ran.json()["error"]["exit_code"], serde_json::json!(2));
    assert_eq!(ran.json()["error"]["hint"], serde_json::json!("`my-api` would do"));
}

#[test]
fn a_template_that_makes_liquid_panic_is_at_fault_and_nothing_else_is_said() {
    let program = Program::new();
    program.write("t/apiscaffold.toml", "[template]\nname = \"own\"\n");
    program.write(
        "t/out",
        "{{ -9223372036854775808 | abs }}{{ 9223372036854775807 | times: 9223372036854775807 }}{{ 1 | divided_by: 0 }}",
    );
    let ran = program.run(&["new", "x", "--template", "t"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.starts_with("error: template `own`") && !ran.stderr.contains("panicked"), "{ran:?}");
}

#[cfg(not(feature = "cargo-generate"))]
#[test]
fn a_template_of_a_library_that_is_not_built_in_is_refused_by_the_features_name() {
    let program = Program::new();
    program.write("t/cargo-generate.toml", "");
    let ran = program.run(&["new", "my-api", "--template", "t"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("without the feature `cargo-generate`"), "{ran:?}");
}

#[test]
fn wrong_usage_with_json_is_a_document_too() {
    let program = Program::new();
    for arguments in
        [&["--json"][..], &["new", "--json"], &["--bogus", "--json"], &["new", "d", "--set", "foo", "--json"]]
    {
        let ran = program.run(arguments);
        assert_eq!(ran.json()["error"]["exit_code"], serde_json::json!(2), "{ran:?}");
    }
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let program = Program::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let mut command = program.command(&["list", "--json"]);
    let output = command.stdout(full).stderr(std::process::Stdio::piped()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn passwords_in_urls_are_never_said() {
    let program = Program::new();
    program.write("s.yaml", "openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths:\n  /a: {$ref: 'https://user:s3cret@example.invalid/x.yaml'}\n");
    let runs: [&[&str]; 4] = [
        &["new", "a", "--spec", "s.yaml"],
        &["new", "b", "--spec", "s.yaml", "--json"],
        &["new", "c", "--set", "contact_email=https://u:s3cret@h/x"],
        &["new", "d", "--registry", "https://u:s3cret@h/x.git"],
    ];
    for arguments in runs {
        let ran = program.run(arguments);
        assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_broken_default_or_condition_is_found_in_the_manifest() {
    let program = Program::new();
    let question = "[template]\nname = \"own\"\n\n[[question]]\nname = \"a\"\ntype = \"string\"\n";
    program.write("t/apiscaffold.toml", format!("{question}default = \"x {{{{ nope }}}}\"\n"));
    fails(
        &program,
        &["new", "x", "--template", "t"],
        3,
        "`apiscaffold.toml` line 7, column 14: unknown variable `nope`",
        "maintainers",
    );
    program.write("t/apiscaffold.toml", format!("{question}default = \"\"\nwhen = \"nope\"\n"));
    fails(&program, &["new", "x", "--template", "t"], 3, "`apiscaffold.toml` line 8", "maintainers");
}

#[test]
fn keys_that_nothing_reads_are_told() {
    let program = Program::new();
    program.write(
        "spec.yaml",
        "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\nx-apiscaffold: {titel: Other, nothing-like-it: 1}\n",
    );
    let config = program.home().join(".config/apiscaffold/config.toml");
    fs::create_dir_all(config.parent().expect("a parent")).expect("made");
    fs::write(&config, "[answers]\nowner_tem = \"x\"\ncolour_of_another_template = \"x\"\n").expect("written");
    let ran = program.done(&["new", "my-api", "--spec", "spec.yaml"]);
    for told in [
        "the spec's `x-apiscaffold`: there is no question `titel`; did you mean `title`?",
        "the spec's `x-apiscaffold`: there is no question `nothing-like-it`",
        "config.toml`: there is no question `owner_tem`; did you mean `owner_team`?",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
    assert!(!ran.stderr.contains("colour"), "{ran:?}");
    fs::write(&config, "[answer]\ntitle = \"x\"\n").expect("written");
    fails(&program, &["new", "another"], 2, "there is no key `answer`", "did you mean `[answers]`?");
}

#[test]
fn a_misspelt_setting_sends_no_api_into_another_registry() {
    let program = Program::new();
    let config = program.home().join(".config/apiscaffold/config.toml");
    fs::create_dir_all(config.parent().expect("a parent")).expect("made");
    let commands: [&[&str]; 4] =
        [&["new", "my-api", "--yes"], &["list"], &["registry", "check"], &["registry", "export", "--format", "csv"]];
    for (text, sentence, hint) in [
        ("# mine\nregistri = \"r.git\"\n", "line 2: there is no key `registri`", "did you mean `registry`?"),
        ("ownr = \"org\"\n", "line 1: there is no key `ownr`", "did you mean `owner`?"),
        ("[answers]\nregistry = \"r.git\"\n", "line 2: `registry` is in the table `[answers]`", "above the line"),
        ("[registry]\nurl = \"r.git\"\n", "line 1: `registry` must be a text", ""),
        ("title = \"x\"\n", "line 1: there is an unknown key", "the answers to a template's questions"),
    ] {
        fs::write(&config, text).expect("written");
        for command in commands {
            let ran = program.run(command);
            assert_eq!(ran.code, Some(2), "{text}: {command:?}: {ran:?}");
            assert!(ran.stderr.contains(sentence) && ran.stderr.contains(hint), "{text}: {command:?}: {ran:?}");
        }
    }
    fs::remove_file(&config).expect("removed");
    let run = |variable: &str, arguments: &[&str]| {
        let output = program.command(arguments).env(variable, "s3cret").output().expect("it starts");
        crate::program::Ran::of(&output)
    };
    for (given, meant) in [
        ("APISCAFFOLD_REGISTY", "APISCAFFOLD_REGISTRY"),
        ("APISCAFOLD_REGISTRY", "APISCAFFOLD_REGISTRY"),
        ("apiscaffold_registry", "APISCAFFOLD_REGISTRY"),
        ("APISCAFFOLD_OWNERS", "APISCAFFOLD_OWNER"),
        ("APISCAFFOLD_OFLINE", "APISCAFFOLD_OFFLINE"),
        ("APISCAFFOLD_TEMPLAET", "APISCAFFOLD_TEMPLATE"),
    ] {
        for command in commands {
            let ran = run(given, command);
            assert_eq!(ran.code, Some(2), "{given}: {command:?}: {ran:?}");
            assert!(ran.stderr.contains(&format!("nothing reads the variable `{given}`")), "{ran:?}");
            assert!(
                ran.stderr.contains(&format!("did you mean `{meant}`?")) && !ran.stderr.contains("s3cret"),
                "{ran:?}"
            );
        }
    }
    assert!(!program.folder().join("my-api").exists());
    // A question may have such a name.
    program.write(
        "own/apiscaffold.toml",
        "[template]\nname = \"own\"\n[[question]]\nname = \"owners\"\ntype = \"string\"\nprompt = \"?\"\n",
    );
    program.write("own/owners.txt", "{{ owners }}\n");
    let ran = run("APISCAFFOLD_OWNERS", &["new", "my-api", "--template", "own"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let near = run("APISCAFFOLD_TITEL", &["new", "another", "--yes"]);
    assert!(near.code == Some(0) && near.stderr.contains("did you mean `APISCAFFOLD_TITLE`?"), "{near:?}");
}

#[test]
fn a_short_name_that_the_spec_gives_is_not_numbered() {
    let program = Program::new();
    program.done(&["new", "my-api"]);
    program.write(
        "spec.yaml",
        "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\nx-apiscaffold: {short_name: ma}\n",
    );
    let sentence = "the short name `ma` is taken by the API `my-api`";
    fails(&program, &["new", "another", "--spec", "spec.yaml"], 5, sentence, "");
}

#[test]
fn a_switch_in_the_environment_is_on_or_off_and_nothing_else() {
    let program = Program::new();
    for (value, code) in [("true", 0), ("0", 0), ("", 0), ("maybe", 2)] {
        let output = program.command(&["template", "questions"]).env("APISCAFFOLD_OFFLINE", value).output();
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(code), "{value}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.contains("write `true` or `false`"), code == 2, "{said}");
    }
}

#[test]
fn manual_pages_go_into_a_folder_that_is_there() {
    fails(&Program::new(), &["man", "nowhere"], 2, "there is no folder `", "make it first");
}

#[test]
fn settings_that_cannot_be_are_the_template_s_fault_and_nothing_is_made() {
    let program = Program::new();
    let template = |github: &str| {
        program.write("t/apiscaffold.toml", format!("[template]\nname = \"own\"\n[github]\n{github}\n"));
    };
    let new = ["new", "my-api", "--template", "t"];
    template("topcis = []");
    fails(
        &program,
        &new,
        3,
        "`apiscaffold.toml` line 4, column 1: `[github]` has no key `topcis`",
        "did you mean `topics`?",
    );
    template("description = \"{{ nope }}\"");
    fails(&program, &new, 3, "`apiscaffold.toml` line 4, column 16: unknown variable `nope`", "maintainers");
}
