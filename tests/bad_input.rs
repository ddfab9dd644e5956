//! What goes wrong: exit code, one sentence, a hint, and nothing touched.

use std::fs;

use crate::program::Program;

#[test]
#[ignore = "needs mount namespaces"]
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
    let output = command.output().expect("unshare is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let permitted = output.status.code() != Some(77) && !stderr.contains("unshare");
    assert!(permitted, "mount namespaces are not permitted here: {stderr}");
    assert_eq!(output.status.code(), Some(1), "{stderr} {}", String::from_utf8_lossy(&output.stdout));
    assert!(stderr.contains("free some space"), "{stderr}");
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
fn a_result_that_cannot_be_written_is_a_failure() {
    let program = Program::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let mut command = program.command(&["list", "--json"]);
    let output = command.stdout(full).stderr(std::process::Stdio::piped()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
