//! Names that schemas give themselves with `$id`, `$anchor` and `$dynamicAnchor` (OpenAPI 3.1, JSON Schema 2020-12): a
//! reference may name a schema so, and needs no file of that name.

use std::collections::HashMap;

use serde_json::Value;
use url::Url;

use super::documents::Documents;
use super::reference::{PointerToken, pointer};

/// Stands for the folder of the spec, of whose address nothing is known.
const BASE: &str = "https://spec.invalid/";

/// Where each name leads: to a file, and a JSON pointer in it.
#[derive(Default)]
pub(super) struct Identifiers {
    places: HashMap<String, (String, String)>,
}

impl Identifiers {
    /// Adds the names in the file at `file`.
    pub(super) fn add(&mut self, file: &str, document: &Value) {
        if let Some(base) = of_file(file) {
            self.add_below(file, document, &base, &mut Vec::new());
        }
    }

    fn add_below<'a>(&mut self, file: &str, value: &'a Value, base: &Url, steps: &mut Vec<PointerToken<'a>>) {
        match value {
            Value::Object(map) => {
                let own = own_address(value, base);
                let base = own.as_ref().unwrap_or(base);
                let anchors = ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| map.get(*key)?.as_str());
                let anchors: Vec<String> = anchors.map(|anchor| format!("{base}#{anchor}")).collect();
                for name in own.iter().map(Url::to_string).chain(anchors) {
                    self.places.entry(name).or_insert_with(|| (file.to_owned(), pointer(steps)));
                }
                for (key, below) in map {
                    steps.push(PointerToken::Key(key));
                    self.add_below(file, below, base, steps);
                    steps.pop();
                }
            }
            Value::Array(list) => {
                for (index, below) in list.iter().enumerate() {
                    steps.push(PointerToken::Index(index));
                    self.add_below(file, below, base, steps);
                    steps.pop();
                }
            }
            _ => {}
        }
    }

    /// Whether an address leads to a schema, or to a place inside of one.
    pub(super) fn lead_to(&self, address: &str, documents: &Documents) -> bool {
        if self.places.contains_key(address) {
            return true;
        }
        let (name, fragment) = address.split_once('#').unwrap_or((address, ""));
        let schema = self.places.get(name).and_then(|(file, pointer)| documents.get(file)?.pointer(pointer));
        schema.is_some_and(|schema| schema.pointer(fragment).is_some())
    }
}

/// The address that the reference `text` names when it stands at `steps` in `document`, the file at `file`: it is relative
/// to the nearest `$id` around it.
pub(super) fn of_reference(file: &str, document: &Value, steps: &[PointerToken<'_>], text: &str) -> Option<String> {
    let mut base = of_file(file)?;
    let mut at = document;
    for step in steps {
        base = own_address(at, &base).unwrap_or(base);
        at = match step {
            PointerToken::Key(key) => at.get(key)?,
            PointerToken::Index(index) => at.get(index)?,
        };
    }
    let base = own_address(at, &base).unwrap_or(base);
    base.join(text).ok().map(String::from)
}

fn of_file(file: &str) -> Option<Url> {
    let mut address = Url::parse(BASE).ok()?;
    address.set_path(file);
    Some(address)
}

/// The address that a schema gives itself; OpenAPI 3.2 has `$self` for a whole document.
fn own_address(value: &Value, base: &Url) -> Option<Url> {
    let own = value.get("$id").or_else(|| value.get("$self"))?.as_str()?;
    let mut address = base.join(own).ok()?;
    address.set_fragment(None);
    Some(address)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_found_by_its_own_names() {
        let document = json!({
            "a": {"$id": "/schemas/a", "$defs": {"x": {"$anchor": "x", "type": "string"}}},
            "b": {"$id": "https://example.org/b/", "c": {"$id": "c", "d": {"$dynamicAnchor": "d"}}},
            "refs": [{}, {"$id": "https://example.org/b/e", "in": {}}],
        });
        let (mut identifiers, mut documents) = (Identifiers::default(), Documents::default());
        identifiers.add("f/api.yaml", &document);
        documents.insert("f/api.yaml".to_owned(), Rc::new(document.clone()));
        let top = [PointerToken::Key("refs"), PointerToken::Index(0)];
        let below = [PointerToken::Key("refs"), PointerToken::Index(1), PointerToken::Key("in")];
        let leads = |steps: &[PointerToken<'_>], text: &str| {
            let address = of_reference("f/api.yaml", &document, steps, text).expect("an address");
            identifiers.lead_to(&address, &documents)
        };
        for text in ["/schemas/a", "../schemas/a", "/schemas/a#x", "/schemas/a#/$defs/x", "https://example.org/b/c#d"] {
            assert!(leads(&top, text), "{text}");
        }
        for text in ["c", "./c#d", "#", "#/in", "c#/d"] {
            assert!(leads(&below, text), "{text}");
        }
        for text in ["schemas/a", "/schemas/a#y", "/schemas/a#/$defs/y", "c", "https://example.org/b/f", "#d"] {
            assert!(!leads(&top, text), "{text}");
        }
    }
}
