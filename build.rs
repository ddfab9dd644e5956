//! The template is part of the binary: the binary is built again when the template changes.

use std::env;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment what the program is built for")]
fn main() {
    println!("cargo::rerun-if-changed=template");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let is_gnu = target("OS") == "linux" && target("ENV") == "gnu";
    let is_static = target("FEATURE").split(',').any(|feature| feature == "crt-static");
    if is_gnu && LIBRARIES.iter().all(|library| is_there(library)) {
        for library in LIBRARIES {
            println!("cargo::rustc-link-lib=static:-bundle={library}");
        }
    }
    // At an address of its own choice the program would have 26,000 pointers mended, and 110 pages copied for it, at each
    // start: a seventh of the time for a small template. Go's programs are linked like this, too. The price: who found a
    // hole in the C code would know where the program's own code is. Libraries, heap and stack still are anywhere.
    if is_gnu && target("ARCH") == "x86_64" && !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// The unwinder of GCC. Its static library is named before the shared one: a library less to load at each start.
const LIBRARIES: [&str; 2] = ["gcc_eh", "gcc"];

/// Whether the linker has the static library: a toolchain without GCC does not. It gives back the bare name then.
#[expect(clippy::disallowed_methods, reason = "cargo says in the environment which linker it uses")]
fn is_there(library: &str) -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let output = Command::new(linker).arg(format!("-print-file-name=lib{library}.a")).output();
    output.is_ok_and(|output| output.status.success() && output.stdout.contains(&b'/'))
}
