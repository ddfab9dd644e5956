//! The one integration-test binary: the real program in a closed world.

mod architecture;
mod bad_input;
mod git_server;
mod hostile;
mod killed;
mod new;
mod program;
mod prompts;
mod registry;
mod remote;
mod sources;
mod specs;
