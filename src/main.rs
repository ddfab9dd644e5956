//! The `apiscaffold` command.

fn main() {}
