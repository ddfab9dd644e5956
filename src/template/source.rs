//! `SOURCE`: where a template is. Parsing only; nothing is read.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Blame, Fault};
use crate::model::tree::{PathError, TreePath};

/// Schemes that git templates come by.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "file"];

/// Where a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    BuiltIn,
    Folder {
        /// As given; relative to the working folder.
        path: String,
        /// The folder within it that is the template.
        subfolder: Option<String>,
    },
    Git {
        /// `https://`, `http://`, `ssh://`, `file://` or `user@host:path`; holds no password.
        url: String,
        /// The folder within it that is the template.
        subfolder: Option<String>,
    },
}

/// How to read a source, once it is known whether a revision was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateLocation<'a> {
    BuiltIn,
    Files(PathBuf),
    /// A commit of a repository: a URL, or the path of a local one.
    Commit {
        /// What `git::remote::fetch` takes.
        repository: &'a str,
        /// What `git::read::tree_at` takes.
        subfolder: Option<&'a str>,
    },
}

impl Source {
    /// Reads `SOURCE`; nothing is the built-in template. `gh:owner/repository` is below `server`, a URL such as
    /// `https://github.com`. What is no URL is a folder. `//` ends a URL or a path and begins a subfolder.
    pub fn parse(text: Option<&str>, server: &str) -> Result<Self, SourceError> {
        let Some(text) = text else { return Ok(Self::BuiltIn) };
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(SourceError::Unreadable);
        }
        if let Some(short) = text.strip_prefix("gh:") {
            return Self::parse_short(short, server);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return Self::parse_url(&scheme.to_ascii_lowercase(), rest);
        }
        let (place, subfolder) = split(text)?;
        let host = text.split(['/', ':']).next().unwrap_or_default();
        let is_scp = host.contains('@') && text[host.len()..].starts_with(':');
        if !is_scp {
            return Ok(Self::Folder { path: place.to_owned(), subfolder });
        }
        if place.len() == host.len() + 1 || text.starts_with(['-', '@']) {
            return Err(SourceError::NoRepository);
        }
        Ok(Self::Git { url: place.to_owned(), subfolder })
    }

    fn parse_short(short: &str, server: &str) -> Result<Self, SourceError> {
        let (place, subfolder) = split(short)?;
        let word = |word: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !word.is_empty() && !matches!(word, "." | "..") && word.chars().all(plain)
        };
        match place.split_once('/') {
            Some((owner, repository)) if word(owner) && word(repository) => {
                Ok(Self::Git { url: format!("{}/{place}", server.trim_end_matches('/')), subfolder })
            }
            _ => Err(SourceError::BadShort { given: format!("gh:{short}") }),
        }
    }

    fn parse_url(scheme: &str, rest: &str) -> Result<Self, SourceError> {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some((user, host)) = authority.rsplit_once('@')
            && (scheme != "ssh" || user.contains(':'))
        {
            return Err(SourceError::Secret { host: host.to_owned() });
        }
        if !SCHEMES.contains(&scheme) {
            return Err(SourceError::Scheme { scheme: scheme.to_owned() });
        }
        if scheme != "file" && rest.contains(['?', '#']) {
            return Err(SourceError::Query { host: authority.to_owned() });
        }
        let path = &rest[authority.len()..];
        let (place, subfolder) = split(path)?;
        let has_host = scheme == "file" || !authority.is_empty();
        if !has_host || authority.starts_with('-') || place.trim_matches('/').is_empty() {
            return Err(SourceError::NoRepository);
        }
        Ok(Self::Git { url: format!("{scheme}://{authority}{place}"), subfolder })
    }

    /// How to read it: a folder is read as git when a revision (`--at`) is asked for, else as files.
    pub fn reading(&self, at: Option<&str>) -> Result<TemplateLocation<'_>, SourceError> {
        match self {
            Self::BuiltIn if at.is_some() => Err(SourceError::NoRevisions),
            Self::BuiltIn => Ok(TemplateLocation::BuiltIn),
            Self::Folder { path, subfolder } if at.is_none() => {
                let path = PathBuf::from(path);
                Ok(TemplateLocation::Files(subfolder.as_ref().map_or(path.clone(), |below| path.join(below))))
            }
            Self::Folder { path: repository, subfolder } | Self::Git { url: repository, subfolder } => {
                Ok(TemplateLocation::Commit { repository, subfolder: subfolder.as_deref() })
            }
        }
    }
}

/// Takes the subfolder off, if there is one.
fn split(text: &str) -> Result<(&str, Option<String>), SourceError> {
    // A path may begin with several slashes.
    let start = text.len() - text.trim_start_matches('/').len();
    let Some(at) = text[start..].find("//").map(|at| start + at) else { return Ok((text, None)) };
    let below = text[at..].trim_matches('/');
    if below.is_empty() {
        return Ok((&text[..at], None));
    }
    let checked = TreePath::new(below).map_err(|source| SourceError::BadSubfolder { source })?;
    Ok((&text[..at], Some(checked.as_str().to_owned())))
}

/// As it can be given again; `builtin` for the built-in template.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, subfolder) = match self {
            Self::BuiltIn => return f.write_str("builtin"),
            Self::Folder { path: place, subfolder } | Self::Git { url: place, subfolder } => (place, subfolder),
        };
        f.write_str(place)?;
        subfolder.as_ref().map_or(Ok(()), |below| write!(f, "//{below}"))
    }
}

/// A `SOURCE` that names no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing, or control characters.
    #[error("the template's source is empty or holds control characters")]
    Unreadable,
    /// A user or a password in a URL; it is not repeated here.
    #[error("the URL of the template on `{host}` holds a user or a password")]
    Secret { host: String },
    #[error("templates are not fetched by `{}://`", scheme.escape_debug())]
    Scheme { scheme: String },
    /// `?ref=…` or `#…`; it is not repeated here, as it may hold a secret.
    #[error("the URL of the template on `{host}` holds a `?` or a `#`")]
    Query { host: String },
    #[error("the URL of the template names no repository")]
    NoRepository,
    #[error("`{}` names no repository", given.escape_debug())]
    BadShort { given: String },
    #[error("the template's subfolder cannot be used")]
    BadSubfolder {
        #[source]
        source: PathError,
    },
    #[error("the built-in template has no revisions")]
    NoRevisions,
}

impl Blame for SourceError {
    fn fault(&self) -> Fault {
        Fault::Input
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unreadable | Self::NoRepository | Self::BadShort { .. } => {
                "give a folder, `gh:owner/repository`, `https://host/owner/repository` or `git@host:owner/repository`"
            }
            Self::Secret { .. } => {
                "take it out of the URL; over ssh your own keys are used: `git@host:owner/repository`"
            }
            Self::Scheme { .. } => "use `https://` or `ssh://`, which show that nobody changed the template on its way",
            Self::Query { .. } => {
                "give the revision with `--at` and the folder after `//`: `https://host/owner/repository//folder`"
            }
            Self::BadSubfolder { .. } => "give a folder within the repository after the `//`",
            Self::NoRevisions => "give the template that `--at` belongs to with `--template`",
        };
        Some(hint.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SERVER: &str = "https://github.com";

    fn parse(text: &str) -> Result<Source, SourceError> {
        Source::parse(Some(text), SERVER)
    }

    fn git(url: &str, subfolder: Option<&str>) -> Result<Source, SourceError> {
        Ok(Source::Git { url: url.to_owned(), subfolder: subfolder.map(ToOwned::to_owned) })
    }

    fn folder(path: &str, subfolder: Option<&str>) -> Result<Source, SourceError> {
        Ok(Source::Folder { path: path.to_owned(), subfolder: subfolder.map(ToOwned::to_owned) })
    }

    #[test]
    fn urls_and_short_forms_are_git() {
        assert_eq!(Source::parse(None, SERVER), Ok(Source::BuiltIn));
        assert_eq!(parse("gh:o/r"), git("https://github.com/o/r", None));
        assert_eq!(parse("gh:o/r//a/b/"), git("https://github.com/o/r", Some("a/b")));
        assert_eq!(Source::parse(Some("gh:o/r"), "https://ghe.test/"), git("https://ghe.test/o/r", None));
        assert_eq!(parse("https://h/o/r.git//t"), git("https://h/o/r.git", Some("t")));
        assert_eq!(parse("HTTP://h:8080/r"), git("http://h:8080/r", None));
        assert_eq!(parse("ssh://git@h:22/o/r//t"), git("ssh://git@h:22/o/r", Some("t")));
        assert_eq!(parse("git@h:o/r.git//t"), git("git@h:o/r.git", Some("t")));
        assert_eq!(parse("file:///a/b//c"), git("file:///a/b", Some("c")));
        assert_eq!(parse("https://h/r//"), git("https://h/r", None));
    }

    #[test]
    fn everything_else_is_a_folder() {
        for path in ["template", "./a:b", "/a/b", "..", "C:x", "a@b/c:d", "host:path"] {
            assert_eq!(parse(path), folder(path, None));
        }
        assert_eq!(parse("./t//sub/x"), folder("./t", Some("sub/x")));
        assert_eq!(parse("//srv/t//sub"), folder("//srv/t", Some("sub")));
        assert_eq!(parse("/"), folder("/", None));
    }

    #[test]
    fn secrets_are_refused_and_never_repeated() {
        for text in [
            "https://me:s3cret@h/r",
            "https://s3cret@h/r",
            "ssh://me:s3cret@h/r",
            "http://a@s3cret@h/r",
            "ftp://me:s3cret@h/r",
            "https://h/r?token=s3cret",
            "https://h/r#s3cret",
        ] {
            let error = parse(text).expect_err(text);
            let text = crate::error::render(&error);
            assert!(!text.contains("s3cret") && text.contains("`h`") && text.contains("hint: "), "{text}");
        }
    }

    #[test]
    fn what_names_no_template_is_refused() {
        for text in [
            "",
            "a\nb",
            "gh:",
            "gh:o",
            "gh:o/",
            "gh:o/r/x",
            "gh:../..",
            "gh:-/r?x",
            "https://",
            "https://h",
            "https://h/",
            "file://",
            "ssh:///r",
            "ssh://-x/r",
            "git://h/r",
            "git@h:",
            "-x@h:r",
            "gh:o/r//../x",
            "https://h/r//a/../..",
            "t//.git",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_folder_is_read_as_git_only_at_a_revision() {
        let source = parse("t//sub").expect("a folder");
        assert_eq!(source.reading(None), Ok(TemplateLocation::Files("t/sub".into())));
        assert_eq!(
            source.reading(Some("v1")),
            Ok(TemplateLocation::Commit { repository: "t", subfolder: Some("sub") })
        );
        assert_eq!(Source::BuiltIn.reading(None), Ok(TemplateLocation::BuiltIn));
        assert_eq!(Source::BuiltIn.reading(Some("v1")), Err(SourceError::NoRevisions));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back_the_same(text in "(gh:|https://h/|git@h:|file:///|/|)[a-z@:./-]{0,20}") {
            if let Ok(source) = parse(&text) {
                prop_assert_eq!(parse(&source.to_string()), Ok(source));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
            let _ = parse(&format!("https://{text}"));
            let _ = parse(&format!("gh:{text}"));
        }
    }
}
