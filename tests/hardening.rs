//! The program is hardened as distributions harden theirs: an intruder who finds a hole cannot know where anything is.

use std::process::Command;

/// What `readelf` says of the program under test.
fn readelf(option: &str) -> String {
    let program = env!("CARGO_BIN_EXE_apiscaffold");
    let output = Command::new("readelf").args([option, "-W", program]).output().expect("readelf comes with the linker");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The program header of this type.
fn header(kind: &str) -> String {
    let headers = readelf("--program-headers");
    let found = headers.lines().find(|line| line.trim_start().starts_with(kind));
    found.unwrap_or_else(|| panic!("no {kind}: {headers}")).to_owned()
}

#[test]
fn the_program_is_loaded_at_an_address_of_the_systems_choice() {
    let kind = readelf("--file-header");
    let kind = kind.lines().find(|line| line.trim_start().starts_with("Type:")).expect("a type").to_owned();
    assert!(kind.contains("DYN"), "the program is not position-independent: {kind}");
    // Every segment has an address that counts from where the program is put.
    assert!(header("LOAD").contains("0x0000000000000000 0x0000000000000000"), "{}", header("LOAD"));
}

#[test]
fn nothing_that_can_be_written_can_be_run() {
    assert!(header("GNU_STACK").contains(" RW "), "the stack can be run: {}", header("GNU_STACK"));
    let headers = readelf("--program-headers");
    let segments = headers.lines().filter(|line| line.trim_start().starts_with("LOAD"));
    for segment in segments {
        assert!(!segment.contains(" RWE "), "{segment}");
    }
}

#[test]
fn addresses_of_functions_cannot_be_overwritten() {
    header("GNU_RELRO");
    let dynamic = readelf("--dynamic");
    assert!(dynamic.contains("NOW"), "functions are looked up late: {dynamic}");
    assert!(!dynamic.contains("TEXTREL"), "{dynamic}");
}
