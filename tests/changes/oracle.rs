//! What the rules say about schemas, against what a validator says about values.

use serde_json::{Map, Value, json};

use super::table::Side;
use super::{FINE, compared, repository};
use crate::program::Program;
use crate::tools::thorough;

const WORDS: [&str; 6] = ["a", "b", "ab", "abc", "x1", ""];
const NUMBERS: [f64; 9] = [-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0];
const PROPERTIES: [&str; 4] = ["p", "q", "r", "s"];

/// Makes schemas, changes of them, and values that they describe.
struct Maker {
    random: fastrand::Rng,
}

impl Maker {
    fn likely(&mut self, percent: u32) -> bool {
        self.random.u32(0..100) < percent
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.random.usize(..items.len())]
    }

    fn several(&mut self, most: usize) -> Vec<&'static str> {
        let count = self.random.usize(0..=most);
        self.random.choose_multiple(PROPERTIES, count)
    }

    fn value(&mut self) -> Value {
        let word = *self.pick(&WORDS);
        let number = *self.pick(&NUMBERS);
        self.pick(&[
            json!(word),
            json!(word),
            json!(1),
            json!(2),
            json!(true),
            json!(false),
            json!(null),
            json!(number),
            json!([]),
            json!({}),
        ])
        .clone()
    }

    fn schema(&mut self, depth: usize) -> Value {
        match self.random.u32(0..if depth < 3 { 16 } else { 7 }) {
            0 | 1 => self.text(),
            2 | 3 => self.number(),
            4 => json!({"type": *self.pick(&["boolean", "null"])}),
            5 => json!({"enum": [self.value(), self.value(), self.value()]}),
            6 => json!({"const": self.value()}),
            7 => self
                .pick(&[
                    json!({}),
                    json!(true),
                    json!({"type": ["string", "null"]}),
                    json!({"type": ["integer", "boolean"]}),
                ])
                .clone(),
            8 => json!({"not": self.schema(depth + 1)}),
            9 => json!({"$ref": format!("#/components/schemas/{}", self.pick(&["A", "B"]))}),
            10 | 11 => {
                let branches: Vec<_> = (0..self.random.usize(1..4)).map(|_| self.schema(depth + 1)).collect();
                json!({*self.pick(&["anyOf", "oneOf"]): branches})
            }
            12 => json!({"allOf": [self.schema(depth + 1), self.object(depth)]}),
            13 => self.list(depth),
            _ => self.object(depth),
        }
    }

    fn text(&mut self) -> Value {
        let mut schema = json!({"type": "string"});
        if self.likely(30) {
            schema["minLength"] = json!(self.random.u32(0..4));
        }
        if self.likely(30) {
            schema["maxLength"] = json!(self.random.u32(1..5));
        }
        if self.likely(20) {
            schema["pattern"] = json!(*self.pick(&["^a", "b$", "^[a-z]*$"]));
        }
        schema
    }

    fn number(&mut self) -> Value {
        let mut schema = json!({"type": *self.pick(&["integer", "number"])});
        for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            if self.likely(20) {
                schema[key] = json!(*self.pick(&NUMBERS));
            }
        }
        if self.likely(15) {
            schema["multipleOf"] = json!(*self.pick(&[0.5, 1.0, 2.0, 3.0, 4.0]));
        }
        schema
    }

    fn list(&mut self, depth: usize) -> Value {
        let mut schema = json!({"type": "array", "items": self.schema(depth + 1)});
        for (key, most) in [("minItems", 3), ("maxItems", 4)] {
            if self.likely(20) {
                schema[key] = json!(self.random.u32(0..most));
            }
        }
        if self.likely(20) {
            schema["uniqueItems"] = json!(true);
        }
        schema
    }

    fn object(&mut self, depth: usize) -> Value {
        let names = self.several(3);
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), self.schema(depth + 1))).collect();
        let mut schema = json!({"type": "object", "properties": properties});
        if self.likely(50) {
            schema["required"] = json!(self.several(2));
        }
        if self.likely(30) {
            let more = self.schema(depth + 1);
            schema["additionalProperties"] = self.pick(&[json!(false), json!(true), more]).clone();
        }
        for (key, most) in [("minProperties", 3), ("maxProperties", 4)] {
            if self.likely(10) {
                schema[key] = json!(self.random.u32(0..most));
            }
        }
        schema
    }

    /// The schema with one change, at any depth.
    fn changed(&mut self, schema: &Value, depth: usize) -> Value {
        let Some(map) = schema.as_object().filter(|_| !self.likely(15)) else {
            return self.schema(depth.min(3));
        };
        let mut map = map.clone();
        let mut below: Vec<String> = Vec::new();
        for (key, value) in &map {
            match (key.as_str(), value) {
                ("items" | "additionalProperties" | "not", Value::Object(_)) => below.push(format!("/{key}")),
                ("properties", Value::Object(map)) => {
                    below.extend(map.keys().map(|name| format!("/properties/{name}")))
                }
                ("anyOf" | "oneOf" | "allOf", Value::Array(items)) => {
                    below.extend((0..items.len()).map(|at| format!("/{key}/{at}")))
                }
                _ => {}
            }
        }
        if !below.is_empty() && self.likely(70) {
            let mut whole = Value::Object(map);
            let place = whole.pointer_mut(self.pick(&below).as_str()).expect("there");
            *place = self.changed(&place.clone(), depth + 1);
            return whole;
        }
        let keys: Vec<String> = map.keys().cloned().collect();
        if self.likely(40) && !keys.is_empty() {
            map.remove(self.pick(&keys).as_str());
        } else if let Some(Value::Object(properties)) = map.get_mut("properties").filter(|_| self.likely(50)) {
            let name = *self.pick(&PROPERTIES);
            if properties.remove(name).is_none() {
                properties.insert(name.to_owned(), self.schema(depth + 1));
            }
        } else if let Value::Object(more) = self.schema(depth) {
            map.extend(more);
        }
        Value::Object(map)
    }

    /// A value that the schema describes, or nearly. It has no properties that the schema does not name.
    fn instance(&mut self, document: &Value, schema: &Value, depth: usize) -> Value {
        let Some(map) = schema.as_object().filter(|map| depth < 7 && !map.is_empty()) else { return self.value() };
        if let Some(pointer) = map.get("$ref").and_then(Value::as_str) {
            return self.instance(document, document.pointer(&pointer[1..]).expect("there"), depth + 1);
        }
        if let Some(value) = map.get("const") {
            return value.clone();
        }
        if let Some(values) = map.get("enum").and_then(Value::as_array).filter(|_| self.likely(90)) {
            return self.pick(values).clone();
        }
        let branches: Vec<Value> =
            ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| map.get(*key)?.as_array()).flatten().cloned().collect();
        let mut own = self.plain(document, map, depth);
        if !branches.is_empty() && (map.len() == 1 || self.likely(80)) {
            let chosen: Vec<Value> =
                if map.contains_key("allOf") { branches } else { vec![self.pick(&branches).clone()] };
            for branch in chosen {
                match (&mut own, self.instance(document, &branch, depth + 1)) {
                    (Value::Object(own), Value::Object(more)) => own.extend(more),
                    (own, other) => *own = other,
                }
            }
        }
        own
    }

    fn plain(&mut self, document: &Value, map: &Map<String, Value>, depth: usize) -> Value {
        let kinds = match map.get("type") {
            Some(Value::String(kind)) => vec![kind.clone()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(|kind| Some(kind.as_str()?.to_owned())).collect(),
            _ => ["string", "integer", "object", "array", "null"].map(str::to_owned).to_vec(),
        };
        match self.pick(&kinds).as_str() {
            "string" => json!(*self.pick(&WORDS)),
            "integer" => json!(self.random.i32(-1..7)),
            "number" => json!(*self.pick(&NUMBERS)),
            "boolean" => json!(self.random.bool()),
            "array" => {
                let items = map.get("items").unwrap_or(&Value::Bool(true)).clone();
                (0..self.random.usize(0..4)).map(|_| self.instance(document, &items, depth + 1)).collect()
            }
            "object" => {
                let mut found = Map::new();
                let named = map.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
                for (name, schema) in &named {
                    if self.likely(85) {
                        found.insert(name.clone(), self.instance(document, schema, depth + 1));
                    }
                }
                if let Some(more) =
                    map.get("additionalProperties").filter(|more| more.as_object().is_some_and(|map| !map.is_empty()))
                {
                    for name in ["p", "r", "z"].iter().filter(|name| !named.contains_key(**name)) {
                        if self.likely(40) {
                            found.insert((*name).to_owned(), self.instance(document, more, depth + 1));
                        }
                    }
                }
                Value::Object(found)
            }
            _ => Value::Null,
        }
    }
}

/// Whether the value has a property of this name at any depth.
fn has(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has(item, name)),
        Value::Object(map) => map.contains_key(name) || map.values().any(|item| has(item, name)),
        _ => false,
    }
}

/// The schema of the body, and what checks values against it.
fn checked(document: &Value, pointer: &str) -> (Value, jsonschema::Validator) {
    let schema = document.pointer(pointer).expect("there").clone();
    let whole = json!({"allOf": [schema], "components": document["components"]});
    (schema, jsonschema::validator_for(&whole).expect("a schema"))
}

/// In a request the new document must take what the old one took; in an answer the old one, what the new one gives.
#[test]
fn what_a_validator_no_longer_takes_is_never_without_a_breaking_change() {
    const BODY: &str = "/paths/~1a~1{id}/post/requestBody/content/application~1json/schema";
    const ANSWER: &str = "/paths/~1a~1{id}/post/responses/200/content/application~1json/schema";
    let program = Program::new();
    let repository = repository(&program, &[]);
    let mut maker = Maker { random: fastrand::Rng::with_seed(3) };
    let count = if thorough() { 6000 } else { 2000 };
    let pairs: Vec<(Value, Value)> = (0..count)
        .map(|at| {
            let side = if at % 2 == 0 { Side::Body } else { Side::Answer };
            let (schema, parts) = (maker.schema(0), json!({"A": maker.object(2), "B": maker.object(2)}));
            let mut others = parts.clone();
            if maker.likely(40) {
                others["A"] = maker.changed(&parts["A"], 2);
            }
            let other = if maker.likely(85) { maker.changed(&schema, 0) } else { schema.clone() };
            (side.document("3.1.0", &schema, &parts), side.document("3.1.0", &other, &others))
        })
        .collect();
    let (mut quiet, mut loud, mut caught) = (0, 0, 0);
    for (at, ((old, new), found)) in pairs.iter().zip(compared(&repository, &pairs)).enumerate() {
        let (pointer, from, to) = if at % 2 == 0 { (BODY, old, new) } else { (ANSWER, new, old) };
        // What only one of `oneOf` may take is not asked of an answer.
        if at % 2 == 1 && old.to_string().contains("oneOf") {
            continue;
        }
        let ((schema, takes), (_, must_take)) = (checked(from, pointer), checked(to, pointer));
        let added: Vec<_> = found
            .iter()
            .filter(|one| one.rule.ends_with("-property-added"))
            .map(|one| one.place.rsplit(' ').next().expect("a name"))
            .collect();
        // A warning is enough for a new value of an answer, and for a type that other keywords let expect.
        let is_loud = found
            .iter()
            .any(|one| one.breaks() || one.severity != FINE && (at % 2 == 1 || one.rule.contains("implied")));
        quiet += usize::from(!is_loud);
        loud += usize::from(is_loud);
        for _ in 0..40 {
            let value = maker.instance(from, &schema, 0);
            // Nobody sends, or reads, what the document did not name.
            if takes.is_valid(&value) && !must_take.is_valid(&value) && !added.iter().any(|name| has(&value, name)) {
                assert!(is_loud, "{value}: {old} -> {new}: {found:?}");
                caught += 1;
                break;
            }
        }
    }
    assert!(quiet > count / 5 && loud > count / 5 && caught > count / 8, "{quiet} {loud} {caught}");
}
