//! Every real document becomes a repository that holds it byte for byte, or an error that a person can act on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;

use crate::program::{Program, REFUSED, files, style};
use crate::tools::{documents, real_documents};

/// Operations by a plain walk of the main document, for documents whose paths are all in it.
fn counted(document: &serde_json::Value) -> Option<usize> {
    const METHODS: [&str; 9] = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"];
    let paths = document.get("paths").and_then(|paths| paths.as_object());
    let mut count = 0;
    for item in paths.into_iter().flat_map(|paths| paths.values()) {
        if item.get("$ref").is_some() {
            return None;
        }
        count += METHODS.iter().filter(|method| item.get(**method).is_some()).count();
    }
    Some(count)
}

/// The paths of a document's servers, by a regular expression.
fn server_paths(document: &serde_json::Value) -> BTreeSet<String> {
    let host = Regex::new(r"^([a-z]+:)?//[^/]+").expect("good");
    let servers = document["servers"].as_array().cloned().unwrap_or_default();
    let urls = servers.iter().map(|server| {
        let mut url = server["url"].as_str().expect("a text").to_owned();
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            url = url.replace(&format!("{{{name}}}"), variable["default"].as_str().expect("a text"));
        }
        url
    });
    let urls = urls.chain(document["basePath"].as_str().map(str::to_owned));
    urls.map(|url| host.replace(&url, "").trim_matches('/').to_owned()).filter(|path| !path.is_empty()).collect()
}

/// The base path of both bundles is the path of the document's servers, or it is said that it is not.
fn deployed_where_the_document_says(
    made: &BTreeMap<String, Vec<u8>>,
    document: &serde_json::Value,
    ran: &crate::program::Ran,
) {
    let said = server_paths(document);
    for bundle in ["live", "sandbox"] {
        // Style proxygen has no bundles.
        let Some(proxy) = made.get(&format!("proxies/{bundle}/apiproxy/proxies/default.xml")) else { continue };
        let proxy = String::from_utf8_lossy(proxy);
        let parsed = roxmltree::Document::parse(&proxy).expect("XML");
        let base = parsed.descendants().find(|node| node.has_tag_name("BasePath")).and_then(|node| node.text());
        let base = base.expect("a base path").trim_matches('/');
        let warnings = ran.json()["warnings"].as_array().expect("a list").clone();
        let about = |warning: &&serde_json::Value| warning.as_str().expect("a text").contains("base path");
        let warnings = warnings.iter().filter(about).count();
        let agrees = said.is_empty() || said.contains(base);
        assert_eq!(usize::from(!agrees), warnings, "{base}: {said:?} {ran:?}");
        for path in document["paths"].as_object().into_iter().flatten().map(|(path, _)| path) {
            assert!(format!("/{base}{path}/").matches("/FHIR/R4/").count() < 2, "{base}: {path}");
        }
    }
}

#[test]
#[ignore = "needs the real documents"]
fn all_real_documents_become_repositories_without_loss() {
    let folder = real_documents();
    let program = Program::new();
    let documents = documents(&folder);
    assert!(!documents.is_empty());
    for (number, path) in documents.iter().enumerate() {
        let name = format!("api-{number}");
        // Several say the same base path.
        let registry = format!("{name}.registry");
        let spec = path.to_str().expect("a path");
        let ran = program.run(&["new", &name, "--registry", &registry, "--spec", spec, "--set", style(path), "--json"]);
        if path.ends_with(REFUSED) {
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(
                ran.json()["error"]["hint"].as_str().is_some_and(|hint| hint == "write `openapi: 3.0.4`"),
                "{ran:?}"
            );
            assert!(!program.folder().join(&name).exists());
            continue;
        }
        assert_eq!(ran.code, Some(0), "{}: {ran:?}", path.display());
        let bytes = fs::read(path).expect("readable");
        let made = files(&program.folder().join(&name));
        let kept = made.iter().any(|(file, content)| file.starts_with("specification/") && *content == bytes);
        assert!(kept, "{} is not in the repository", path.display());
        let document = apiscaffold::openapi::document::parse(&bytes).expect("it was read before");
        if let Some(count) = counted(&document) {
            assert_eq!(ran.json()["spec"]["operations"], count, "{}", path.display());
        }
        if style(path) == "style=apigee" {
            deployed_where_the_document_says(&made, &document, &ran);
        }
        assert_eq!(ran.json()["record"]["state"], "active");
        assert_eq!(program.git(&name, &["status", "--porcelain"]), "");
    }
}
