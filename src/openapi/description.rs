//! What a spec says about its API, as values.

use std::collections::BTreeSet;

/// The access modes of the platform.
pub const MODES: [&str; 7] =
    ["app-level0", "app-level3", "nhs-login-p0", "nhs-login-p5", "nhs-login-p9", "nhs-cis2-aal1", "nhs-cis2-aal3"];

pub type Modes = BTreeSet<&'static str>;

/// What the `security` of an operation asks of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: the document does not say, or it says that anyone may call.
    Open,
    /// Any one of these access modes.
    Modes(Modes),
    /// Only schemes that are no access mode of the platform.
    Foreign,
    /// Something that no access mode fulfils. The reason is half a sentence.
    Never(&'static str),
}

/// What a spec says about its API. Text that is missing is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub title: String,
    /// `info.version`, as it is written.
    pub version: String,
    /// `info.description`, or the text of the file it refers to.
    pub description: String,
    /// The version of OpenAPI, such as `3.0.3` or `2.0`.
    pub openapi: String,
    /// The addresses of the servers, as they are written; those of Swagger 2.0 are put together from `schemes`,
    /// `host` and `basePath`, with `https` when it names no scheme and only the path when it names no host.
    pub servers: Vec<String>,
    /// The paths of the servers' addresses, as the defaults of their variables make them, without a slash at either
    /// end: each once, and only those that are not just the root.
    pub base_paths: Vec<String>,
    pub schemas: Vec<String>,
    /// The names of the security schemes.
    pub security: Vec<String>,
    /// The access modes that the document grants as a whole; `None` when it does not say.
    pub granted: Option<Modes>,
    pub contact: Option<Contact>,
    /// Every operation, in the order of the document.
    pub operations: Vec<Operation>,
    pub webhooks: Vec<String>,
}

/// Who to ask about an API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    pub name: Option<String>,
    pub email: Option<String>,
    pub url: Option<String>,
}

/// One method of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The HTTP method: upper case, or as written under `additionalOperations`.
    pub method: String,
    /// The path, as it is written.
    pub path: String,
    /// `operationId`.
    pub id: Option<String>,
    pub summary: String,
    pub tags: Vec<String>,
    /// The keys of `responses`: status codes, `4XX`, `default`.
    pub statuses: Vec<String>,
    /// The media types of what is sent and what is answered, as they are written. Each once.
    pub media_types: Vec<String>,
    /// The names of the security schemes that apply: the operation's own, or else the document's. Each once.
    pub security: Vec<String>,
    pub access: Access,
    pub deprecated: bool,
    /// Whether an answer with content has an example, of itself or of its schema; or no answer has content.
    pub exemplified: bool,
}
