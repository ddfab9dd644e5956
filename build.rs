//! The template is part of the binary: the binary is built again when the template changes.

use std::env;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment what the program is built for")]
fn main() {
    println!("cargo::rerun-if-changed=template");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // The unwinder of GCC from its static library, which is named before the shared one: a library less to load at
        // each start.
        for library in ["gcc_eh", "gcc"] {
            println!("cargo::rustc-link-lib=static:-bundle={library}");
        }
    }
}
