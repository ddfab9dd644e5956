//! GitHub: a server that remembers, and what is proved with it.

mod behaves;
mod contract;
mod server;
mod walk;
