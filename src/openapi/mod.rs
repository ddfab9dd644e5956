//! Reading a spec: an OpenAPI document and the files it refers to.
