//! Reading a spec, in a process of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::Failure;

/// Bytes of the spec that is made when there is none, about: as GitHub's.
const SIZE: usize = 3_700_000;

/// The biggest JSON document of the folder of specs, if that folder is there.
pub(crate) fn biggest() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
    let folder = env::var_os("APISCAFFOLD_SPECS").map_or_else(beside, PathBuf::from);
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let documents = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    documents.max_by_key(|path| fs::metadata(path).map_or(0, |found| found.len()))
}

/// A document of the size of a big one.
pub(crate) fn generate() -> String {
    let mut paths = Map::new();
    let mut size = 0;
    while size < SIZE {
        let resource = format!("resource{}", paths.len());
        let operation = |method: &str| {
            json!({
                "operationId": format!("{method}-{resource}"), "summary": "Reads or changes one resource",
                "description": "A longer text, such as documents have, about what the operation does and for whom.",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {
                    "200": {"description": "Found", "content": {"application/json": {"schema": {
                        "type": "object", "properties": {"id": {"type": "string"}, "count": {"type": "integer"}},
                    }}}},
                    "404": {"$ref": "#/components/responses/NotFound"},
                },
            })
        };
        let item = json!({"get": operation("get"), "put": operation("put"), "delete": operation("delete")});
        size += item.to_string().len();
        paths.insert(format!("/{resource}/{{id}}"), item);
    }
    let components = json!({"responses": {"NotFound": {"description": "There is none"}}});
    let info = json!({"title": "Big", "version": "1.0.0"});
    json!({"openapi": "3.0.3", "info": info, "paths": Value::Object(paths), "components": components}).to_string()
}

/// What the measured process does: reads the document as `how` does.
pub(crate) fn read(how: &str, path: &Path) -> Result<(), Failure> {
    if how == "apiscaffold" {
        std::hint::black_box(apiscaffold::openapi::read(path, None)?);
    } else {
        std::hint::black_box(serde_json::from_slice::<Value>(&fs::read(path)?)?);
    }
    Ok(())
}
