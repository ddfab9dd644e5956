//! Every real document becomes a repository that holds it byte for byte, or an error that a person can act on.

use std::fs;

use crate::program::{Program, REFUSED, documents, files, specs, style};

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

#[test]
fn every_real_document_becomes_a_repository_without_loss() {
    let Some(folder) = specs() else { return };
    let program = Program::new();
    let documents = documents(&folder);
    assert!(!documents.is_empty());
    for (number, path) in documents.iter().enumerate() {
        let name = format!("api-{number}");
        let spec = path.to_str().expect("a path");
        let ran = program.run(&["new", &name, "--spec", spec, "--set", style(path), "--json"]);
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
            let proxy =
                made.iter().find(|(file, _)| file.ends_with("live/apiproxy/proxies/default.xml")).expect("a proxy").1;
            let proxy = String::from_utf8_lossy(proxy);
            let parsed = roxmltree::Document::parse(&proxy).expect("XML");
            let conditions = parsed.descendants().filter(|node| {
                node.has_tag_name("Flow") && node.attribute("name").is_some_and(|name| name.starts_with("Operation"))
            });
            println!("{}: {} flows", path.display(), conditions.count());
        }
        assert_eq!(program.git(&name, &["status", "--porcelain"]), "");
    }
    assert_eq!(program.records().len(), documents.len() - 1);
}
