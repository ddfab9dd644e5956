//! GitHub: a server that remembers, and what is proved with it.

mod behaves;
mod server;
mod walk;
