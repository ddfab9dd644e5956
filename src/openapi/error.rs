//! Why a spec cannot be read.

use std::io;
use std::path::PathBuf;

use super::document::ParseError;
use super::kind::Kind;
use crate::error::{Blame, Fault};
use crate::model::tree::PathError;

/// Why a spec cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not a file but a {what}", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    /// `-`, or an address such as `https://…`.
    #[error("the spec must be a file, and cannot be read from {from}")]
    NotLocal { from: &'static str, way: &'static str },
    #[error("`{}` is not a folder", path.display())]
    NoRoot { path: PathBuf },
    #[error("`{}` is not in the folder `{}`", path.display(), root.display())]
    NotBelowRoot { path: PathBuf, root: PathBuf },
    #[error("`{}` has {size} bytes; a file of a spec may have at most {limit}", path.display())]
    FileTooLarge { path: PathBuf, size: u64, limit: u64 },
    /// All files together have too many bytes, or are too many.
    #[error("with `{}` the spec has more than {limit}", path.display())]
    TreeTooLarge { path: PathBuf, limit: String },
    #[error("cannot read `{}{}`: {}{}", path.display(), at(reason), reason.message, looks_like(*looks))]
    Parse {
        path: PathBuf,
        reason: ParseError,
        /// What the file looks like, when it is neither JSON nor YAML.
        looks: Option<Kind>,
        /// Whether nothing in it says that it is meant to be an OpenAPI document.
        is_other: bool,
    },
    #[error("`{}` is not an OpenAPI document: there is no `openapi` or `swagger` at its top, but {}", path.display(), found.what)]
    NotOpenApi { path: PathBuf, found: Kind },
    #[error("`{}` says {found}; only OpenAPI 3.0, 3.1, 3.2 and Swagger 2.0 can be read", path.display())]
    Version {
        /// The document.
        path: PathBuf,
        /// The key and the version, in ticks.
        found: String,
    },
    #[error("`{}` says {found}; a version must be a complete string, with nothing after it", path.display())]
    VersionNotWhole {
        path: PathBuf,
        /// The key and the version, in ticks.
        found: String,
        /// The line as it must be written.
        whole: &'static str,
    },
    #[error("`{place}` refers at `{pointer}` to `{reference}`, which leads in a circle and never to a value")]
    Circle { place: String, pointer: String, reference: String },
    #[error("`paths` in `{}` is {found}, not an object", path.display())]
    PathsNotAnObject { path: PathBuf, found: &'static str },
    #[error("`{place}` refers at `{pointer}` to `{reference}`: {reason}")]
    Outside {
        /// The file, and where in it.
        place: String,
        pointer: String,
        reference: String,
        /// Why it is refused, as half a sentence.
        reason: &'static str,
    },
    #[error("`{place}` refers at `{pointer}` to `{reference}`; linters do not find a file by a percent-encoded name")]
    Encoded {
        place: String,
        pointer: String,
        reference: String,
        /// The reference with the name as it is.
        plain: String,
    },
    #[error("a file of the spec has a name that cannot be used")]
    Name(#[from] PathError),
    #[error("the operations of `{}` are more than can be listed", path.display())]
    TooManyOperations { path: PathBuf },
}

fn looks_like(looks: Option<Kind>) -> String {
    looks.map(|kind| format!("; it looks like {}", kind.what)).unwrap_or_default()
}

fn at(reason: &ParseError) -> String {
    [reason.line, reason.column].into_iter().map_while(|number| number.map(|number| format!(":{number}"))).collect()
}

impl Blame for SpecError {
    fn fault(&self) -> Fault {
        match self {
            Self::Read { source, .. } if source.kind() != io::ErrorKind::NotFound => Fault::Environment,
            _ => Fault::Input,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path given with `--spec`"
            }
            Self::Read { .. } => "check who may read the file",
            Self::NotAFile { what: "folder", .. } => "name the OpenAPI document that is in it",
            Self::NotAFile { .. } => "write the document to a file, and name that",
            Self::NotLocal { way, .. } => way,
            Self::NoRoot { .. } => {
                "name the folder that holds the document and the files it refers to: `--spec-root FOLDER`"
            }
            Self::NotBelowRoot { .. } => "name a folder around the document with `--spec-root`",
            Self::FileTooLarge { .. } | Self::TreeTooLarge { .. } | Self::TooManyOperations { .. } => {
                "split the API, or leave out what the spec does not need"
            }
            Self::Parse { looks: Some(kind), .. } => kind.way,
            Self::Parse { is_other: true, .. } => {
                "name an OpenAPI document: YAML or JSON with `openapi: 3…` or `swagger: \"2.0\"` at its top"
            }
            Self::Parse { .. } => "correct the file, then run the same command again",
            Self::NotOpenApi { found, .. } => found.way,
            Self::VersionNotWhole { whole, .. } => return Some(format!("write `{whole}`")),
            Self::Encoded { plain, .. } => return Some(format!("write `{plain}`, or rename the file")),
            Self::Circle { .. } => "replace one of the references with the value that is meant",
            Self::Version { .. } => "convert the document to OpenAPI 3.0 or 3.1",
            Self::PathsNotAnObject { .. } => "write it as an object; without any path it is `paths: {}`",
            Self::Outside { .. } => {
                "name the folder that holds the document and all its files with `--spec-root`, move the file beside the document, or bundle the spec into one file"
            }
            Self::Name(_) => "rename the file, and the references to it",
        };
        Some(hint.to_owned())
    }
}
