//! Where a GitHub is: its API, its pages, its repositories.

use reqwest::Url;

use super::error::ForgeError;
use crate::model::repository::RepositorySlug;
use crate::model::text::without_user;

/// GitHub's own API.
const PUBLIC_API: &str = "https://api.github.com";
const PUBLIC_SERVER: &str = "https://github.com";

/// Where a GitHub is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub(super) api: Url,
    server: Url,
}

impl Server {
    /// From `GITHUB_API_URL` and `GITHUB_SERVER_URL`. Either follows from the other: `https://HOST/api/v3` for a GitHub
    /// Enterprise Server, `https://api.SUBDOMAIN.ghe.com` with data residency, github.com when neither is given.
    pub fn new(api: Option<&str>, server: Option<&str>) -> Result<Self, ForgeError> {
        let api = api.map(|url| address("GITHUB_API_URL", url)).transpose()?;
        let server = server.map(|url| address("GITHUB_SERVER_URL", url)).transpose()?;
        let (api, server) = match (api, server) {
            (Some(api), Some(server)) => (api, server),
            (Some(api), None) => {
                let server = server_of(&api);
                (api, server)
            }
            (None, Some(server)) => (api_of(&server), server),
            (None, None) => (address("GITHUB_API_URL", PUBLIC_API)?, address("GITHUB_SERVER_URL", PUBLIC_SERVER)?),
        };
        Ok(Self { api, server })
    }

    /// The API's base.
    pub fn api(&self) -> &str {
        self.api.as_str().trim_end_matches('/')
    }

    /// The base of its pages.
    pub fn base(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }

    /// The host that people and `gh` know it by.
    pub fn host(&self) -> &str {
        self.server.host_str().unwrap_or_default()
    }

    /// The page of a repository, which is also what its records say.
    pub fn page(&self, target: &RepositorySlug) -> String {
        format!("{}/{}/{}", self.base(), target.owner, target.name)
    }

    /// Which repository a page, or an address for git, names; none when it is on another server.
    pub fn target(&self, url: &str) -> Option<RepositorySlug> {
        let path = match Url::parse(url) {
            Ok(url) if url.origin() == self.server.origin() => url.path().to_owned(),
            Ok(url) if url.scheme() == "ssh" && url.host_str() == self.server.host_str() => url.path().to_owned(),
            Ok(_) => return None,
            // `git@host:owner/name.git`
            Err(_) => {
                let (host, path) = url.split_once(':')?;
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                (host == self.host()).then(|| path.to_owned())?
            }
        };
        let (owner, name) = path.trim_matches('/').split_once('/')?;
        let name = name.strip_suffix(".git").unwrap_or(name);
        let is_word = |word: &str| !word.is_empty() && !word.contains('/');
        (is_word(owner) && is_word(name)).then(|| RepositorySlug { owner: owner.to_owned(), name: name.to_owned() })
    }

    /// Whether a URL for git is on this server, so that the token belongs there.
    pub fn is_home_of(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.server.origin() || url.origin() == self.api.origin())
    }
}

/// An address that a token may be sent to.
fn address(variable: &'static str, text: &str) -> Result<Url, ForgeError> {
    let bad = |reason| ForgeError::Address { variable, value: without_user(text), reason };
    let url = Url::parse(text.trim()).map_err(|_| bad("it is not a URL"))?;
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        _ if url.host_str().is_none() => Err(bad("it names no host")),
        _ if !url.username().is_empty() || url.password().is_some() => Err(bad("it holds a user or a password")),
        _ if url.query().is_some() || url.fragment().is_some() => Err(bad("it holds `?` or `#`")),
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(bad("a token is sent over `https` only")),
    }
}

fn server_of(api: &Url) -> Url {
    let mut server = api.clone();
    server.set_path(api.path().trim_end_matches('/').strip_suffix("/api/v3").unwrap_or(""));
    let host = api.host_str().unwrap_or_default().to_owned();
    if let Some(rest) = host.strip_prefix("api.").filter(|rest| is_githubs_own(rest)) {
        // It was a host with a word before it: the rest is one too.
        let _ = server.set_host(Some(rest));
    }
    server
}

fn api_of(server: &Url) -> Url {
    let mut api = server.clone();
    let host = server.host_str().unwrap_or_default().to_owned();
    if is_githubs_own(&host) {
        let _ = api.set_host(Some(&format!("api.{host}")));
    } else {
        api.set_path(&format!("{}/api/v3", server.path().trim_end_matches('/')));
    }
    api
}

/// github.com, and organisations with data residency: their API is a host beside.
fn is_githubs_own(host: &str) -> bool {
    host == "github.com" || host.ends_with(".ghe.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(api: Option<&str>, server: Option<&str>) -> (String, String) {
        let server = Server::new(api, server).expect("addresses");
        (server.api().to_owned(), server.page(&RepositorySlug { owner: "o".to_owned(), name: "n".to_owned() }))
    }

    #[test]
    fn every_kind_of_github_is_found_by_either_address() {
        let pair = |api: &str, page: &str| (api.to_owned(), page.to_owned());
        assert_eq!(addresses(None, None), pair("https://api.github.com", "https://github.com/o/n"));
        let residency = pair("https://api.x.ghe.com", "https://x.ghe.com/o/n");
        assert_eq!(addresses(Some("https://api.x.ghe.com"), None), residency);
        assert_eq!(addresses(None, Some("https://x.ghe.com")), residency);
        let enterprise = pair("https://git.x.org/api/v3", "https://git.x.org/o/n");
        assert_eq!(addresses(Some("https://git.x.org/api/v3/"), None), enterprise);
        assert_eq!(addresses(None, Some("https://git.x.org")), enterprise);
        assert_eq!(addresses(Some("http://127.0.0.1:9"), None), pair("http://127.0.0.1:9", "http://127.0.0.1:9/o/n"));
    }

    #[test]
    fn a_repository_is_known_by_any_of_its_addresses() {
        let server = Server::new(None, None).expect("addresses");
        for url in [
            "https://github.com/o/n",
            "https://github.com/o/n.git",
            "git@github.com:o/n.git",
            "ssh://git@github.com/o/n.git",
            "https://github.com/o/n/",
        ] {
            let target = server.target(url).expect(url);
            assert_eq!((target.owner.as_str(), target.name.as_str()), ("o", "n"), "{url}");
        }
        for url in [
            "https://gitlab.com/o/n",
            "git@other:o/n",
            "file:///o/n",
            "https://github.com/o",
            "x",
            "https://github.com/o/n/x",
        ] {
            assert_eq!(server.target(url), None, "{url}");
        }
    }

    #[test]
    fn a_token_is_sent_nowhere_that_others_can_read_it() {
        for bad in ["http://api.github.com", "ftp://x", "nonsense", "https://me:pw@h", "https://h/?q", "file:///x"] {
            let error = Server::new(Some(bad), None).expect_err(bad);
            assert!(!error.to_string().contains("pw"), "{error}");
        }
        let server = Server::new(None, None).expect("addresses");
        assert!(server.is_home_of("https://github.com/o/n.git"));
        for elsewhere in ["https://evil.example/o/n.git", "http://github.com/o/n.git", "git@github.com:o/n.git"] {
            assert!(!server.is_home_of(elsewhere), "{elsewhere}");
        }
    }
}
