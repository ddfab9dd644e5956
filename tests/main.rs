//! The one integration-test binary: the real program in a closed world.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests may look at their own environment, and say what they leave out"
)]

mod access;
mod addresses;
mod apigee_server;
mod architecture;
mod bad_input;
mod calls;
#[cfg(all(feature = "cargo-generate", unix))]
mod cargo_generate;
#[cfg(unix)]
mod cases;
mod changes;
mod checked;
mod defects;
mod deploy;
mod edits;
mod flows;
mod foreign;
mod gateway;
mod git_server;
#[cfg(unix)]
mod github;
#[cfg(target_os = "linux")]
mod hardening;
mod hostile;
mod killed;
mod linted;
mod new;
mod page;
mod papers;
mod phase;
mod program;
mod prompts;
mod proxygen;
mod published;
mod readme;
mod registry;
mod remote;
mod renamed;
#[cfg(unix)]
mod reports;
mod routes;
mod sandbox;
mod secrets;
mod shared;
mod small_http;
mod sources;
mod specs;
mod steps;
mod targets;
mod tools;
mod workflow;
