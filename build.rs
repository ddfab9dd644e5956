//! The template is part of the binary: the binary is built again when the template changes.

fn main() {
    println!("cargo::rerun-if-changed=template");
}
