//! The template is part of the binary: the binary is built again when the template changes.

use std::env;
use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment what the program is built for")]
fn main() {
    println!("cargo::rerun-if-changed=template");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" && LIBRARIES.iter().all(|library| is_there(library)) {
        for library in LIBRARIES {
            println!("cargo::rustc-link-lib=static:-bundle={library}");
        }
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
