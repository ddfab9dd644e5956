//! The one integration-test binary: the real program in a closed world.

mod git_server;
mod remote;
