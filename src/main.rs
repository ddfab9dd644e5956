//! The `apiscaffold` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    apiscaffold::run(std::env::args_os()).into()
}
