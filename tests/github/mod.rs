//! GitHub: a server that remembers, and what is proved with it.

mod app;
mod before;
mod behaves;
mod builtin;
mod contract;
mod doctor;
mod faults;
mod first_commit;
mod left;
mod network;
mod once;
mod options;
mod orphans;
mod phase;
mod pty;
mod pushes;
mod rehearsal;
mod server;
mod shared;
mod signed;
mod stories;
mod story;
mod stricter;
mod tokens;
mod unread;
mod upkeep;
mod walk;
mod whose;

pub(crate) use server::GitHub;
pub(crate) use server::state::TokenKind;
