//! Reading a spec: an OpenAPI document and the files it refers to.

pub mod document;
mod value;
