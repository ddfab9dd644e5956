//! Pure values: what the tool knows about, with no input or output.

pub mod author;
pub mod ending;
pub mod gate;
pub mod name;
pub mod phase;
pub mod question;
pub mod receipt;
pub mod record;
pub mod refs;
pub mod repository;
pub mod setting;
pub mod settings;
pub mod text;
pub mod token;
pub mod tree;
pub mod value;
