//! GitHub: a server that remembers, and what is proved with it.

mod app;
mod behaves;
mod contract;
mod faults;
mod phase;
mod pty;
mod server;
mod stories;
mod story;
mod upkeep;
mod walk;
