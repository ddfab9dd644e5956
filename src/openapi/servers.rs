//! Where a document says that its API is.

use std::collections::HashSet;

use serde_json::Value;

use super::documents::{At, Documents, follow_key, list, scalar};
use super::reference::shown;

/// Longest address in which variables are replaced by their defaults, in bytes: what is longer is no address.
const MAX_ADDRESS: usize = 4096;

/// How many paths a message names.
const PATHS_SHOWN: usize = 3;

/// The addresses of the servers, as they are written; see [`super::Summary::servers`].
pub(super) fn addresses(documents: &Documents, root: At<'_>, openapi: &str) -> Vec<String> {
    if openapi == "2.0" {
        return hosts(root);
    }
    let servers = follow_key(documents, root, "servers");
    list(servers).iter().filter_map(|server| server.get("url")?.as_str()).map(str::to_owned).collect()
}

/// The paths of the servers that `at` names (the document, a path item or an operation); see
/// [`super::Summary::base_paths`]. Nothing when it names no servers.
pub(super) fn base_paths(documents: &Documents, at: At<'_>, openapi: &str) -> Option<Vec<String>> {
    let urls: Vec<String> = if openapi == "2.0" {
        vec![at.get("basePath")?.value.as_str()?.to_owned()]
    } else {
        let servers = follow_key(documents, at, "servers")?;
        let each =
            servers.value.as_array().filter(|list| !list.is_empty())?.iter().map(|value| At { value, ..servers });
        each.filter_map(|server| resolved(documents, server)).collect()
    };
    let mut seen = HashSet::new();
    let paths = urls.iter().map(|url| path(url)).filter(|path| !path.is_empty() && seen.insert(path.clone()));
    Some(paths.collect())
}

/// The paths as a message names them: `/a`, `/b` and 3 more.
pub(crate) fn path_list(paths: &[String]) -> String {
    let first: Vec<String> = paths.iter().take(PATHS_SHOWN).map(|path| format!("`/{}`", shown(path))).collect();
    match (first.as_slice(), paths.len().saturating_sub(PATHS_SHOWN)) {
        ([], _) => "no path".to_owned(),
        ([one], _) => format!("the path {one}"),
        (several, 0) => format!("the paths {}", several.join(", ")),
        (several, more) => format!("the paths {} and {more} more", several.join(", ")),
    }
}

/// Swagger 2.0 has the parts of one address.
fn hosts(root: At<'_>) -> Vec<String> {
    let (host, path) = (root.text("host"), root.text("basePath"));
    if host.is_empty() {
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    }
    let schemes: Vec<&str> = list(root.get("schemes")).iter().filter_map(Value::as_str).collect();
    let schemes = if schemes.is_empty() { vec!["https"] } else { schemes };
    schemes.into_iter().map(|scheme| format!("{scheme}://{host}{path}")).collect()
}

/// A server's `url` with the default of each variable in its place. A variable without a default stays as it is.
fn resolved(documents: &Documents, server: At<'_>) -> Option<String> {
    let mut rest = server.value.get("url")?.as_str()?;
    let variables = follow_key(documents, server, "variables");
    let default = |name: &str| {
        let default = follow_key(documents, variables?, name)?.value.get("default")?;
        (default.is_string() || default.is_number()).then(|| scalar(Some(default)))
    };
    let mut whole = String::new();
    while let Some((before, after)) = rest.split_once('{').filter(|_| whole.len() < MAX_ADDRESS) {
        let Some((name, behind)) = after.split_once('}') else { break };
        whole += before;
        whole += &default(name).unwrap_or_else(|| format!("{{{name}}}"));
        rest = behind;
    }
    Some(whole + rest)
}

/// The path of an address without the slashes at its ends. A relative address is taken from the root of its host.
fn path(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default().trim();
    let authority = url.split_once("//").filter(|(scheme, _)| {
        scheme.is_empty() || scheme.strip_suffix(':').is_some_and(|scheme| !scheme.contains('/'))
    });
    let path = match authority {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url,
    };
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => _ = segments.pop(),
            segment => segments.push(segment),
        }
    }
    segments.join("/").trim_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, any, prop, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{At, Documents, addresses, base_paths};

    fn paths(document: &Value, openapi: &str) -> Vec<String> {
        let at = At { file: "api.yaml", value: document };
        base_paths(&Documents::default(), at, openapi).unwrap_or_default()
    }

    fn of(servers: Value) -> Vec<String> {
        paths(&json!({ "servers": servers }), "3.0.3")
    }

    #[test]
    fn the_path_of_a_server_is_what_follows_its_host() {
        for (url, path) in [
            ("https://api.example.org/pets/v1", "pets/v1"),
            ("https://api.example.org/pets/v1/", "pets/v1"),
            ("https://api.example.org//pets", "pets"),
            ("http://localhost:8080/pets?x=/y#/z", "pets"),
            ("wss://user:word@[::1]:8080/pets", "pets"),
            ("//api.example.org/pets", "pets"),
            ("/pets", "pets"),
            ("pets/v1", "pets/v1"),
            ("./pets", "pets"),
            ("../pets/./x/../v1", "pets/v1"),
            ("/pets//v1", "pets//v1"),
            ("/go?to=https://else.example.org/x", "go"),
            ("api.example.org/pets", "api.example.org/pets"),
            ("/p%C3%A9ts", "p%C3%A9ts"),
        ] {
            assert_eq!(of(json!([{"url": url}])), [path], "{url}");
        }
        for url in ["", "/", "//", ".", "https://api.example.org", "https://api.example.org/", "https://a.org?x=/y"] {
            assert!(of(json!([{"url": url}])).is_empty(), "{url}");
        }
        for servers in [json!(null), json!("x"), json!([]), json!([7, {}, {"url": 7}])] {
            assert!(of(servers.clone()).is_empty(), "{servers}");
        }
    }

    #[test]
    fn variables_have_their_defaults() {
        for (url, variables, path) in [
            ("{scheme}://example.org/pets", json!({"scheme": {"default": "https"}}), "pets"),
            ("{scheme}://example.org/pets", json!({}), "pets"),
            ("{origin}/pets", json!({"origin": {"default": "https://example.org"}}), "pets"),
            ("{origin}/pets", json!({"origin": {"default": "https://example.org/a/"}}), "a//pets"),
            ("https://{host}/{basePath}/", json!({"basePath": {"default": "a/b", "enum": ["c", "a/b"]}}), "a/b"),
            ("https://example.org/v{n}", json!({"n": {"default": 2}}), "v2"),
            ("https://example.org/{a}/{b}", json!({"a": {"default": "{b}"}, "b": {"default": "x"}}), "{b}/x"),
            ("https://example.org/x{a}", json!({"a": {"default": ""}}), "x"),
            ("https://example.org/{a}", json!({"a": {"enum": ["x"]}}), "{a}"),
            ("https://example.org/{a", json!({"a": {"default": "x"}}), "{a"),
            ("{a}/pets", json!({"a": {"default": {}}}), "{a}/pets"),
        ] {
            assert_eq!(of(json!([{"url": url, "variables": variables}])), [path], "{url} {variables}");
        }
        let huge = json!({"a": {"default": "x".repeat(1 << 20)}});
        let url = "{a}".repeat(1 << 20);
        assert!(of(json!([{"url": url, "variables": huge}]))[0].len() < 8 << 20, "variables cannot multiply");
    }

    #[test]
    fn swagger_2_names_its_base_path() {
        for (base_path, path) in [("/v1", "v1"), ("v1/", "v1"), ("/a/b/", "a/b")] {
            assert_eq!(paths(&json!({"host": "example.org", "basePath": base_path}), "2.0"), [path]);
            assert_eq!(paths(&json!({"basePath": base_path}), "2.0"), [path]);
        }
        for none in [json!({"host": "example.org"}), json!({"basePath": "/"}), json!({"basePath": 7})] {
            assert!(paths(&none, "2.0").is_empty(), "{none}");
        }
        let other = json!({"servers": [{"url": "/x"}], "basePath": "/y"});
        assert_eq!((paths(&other, "2.0"), paths(&other, "3.1.0")), (vec!["y".to_owned()], vec!["x".to_owned()]));
    }

    proptest! {
        /// However hosts, schemes, variables and slashes are written: each path comes once, in the document's order.
        #[test]
        fn any_servers_have_the_paths_that_they_were_made_from(
            servers in prop::collection::vec(
                ("[a-z]{3,5}", prop::collection::vec("[A-Za-z0-9]{1,3}", 0..3), any::<[bool; 3]>()), 0..6,
            ).prop_map(|servers| servers.into_iter().map(|(host, path, how)| (host, path.join("/"), how)).collect::<Vec<_>>())
        ) {
            let mut want: Vec<String> = Vec::new();
            let mut written = Vec::new();
            for (host, path, [relative, slash, variable]) in servers {
                let shown = if variable { "{at}" } else { &path };
                let origin = if relative { String::new() } else { format!("https://{host}.example.org") };
                let end = if slash { "/" } else { "" };
                written.push(json!({"url": format!("{origin}/{shown}{end}"), "variables": {"at": {"default": path}}}));
                if !path.is_empty() && !want.contains(&path) {
                    want.push(path);
                }
            }
            let document = json!({ "servers": written });
            prop_assert_eq!(paths(&document, "3.0.3"), want);
            let at = At { file: "api.yaml", value: &document };
            prop_assert_eq!(addresses(&Documents::default(), at, "3.0.3").len(), written.len());
        }
    }
}
