//! The values that a template sees, as Liquid has them.

use liquid_core::ValueView as _;
use serde_json::{Map, Value};

/// Longest text that is written without Liquid and so without Liquid's limits, in bytes.
const TEXT_MAX: usize = 4096;
/// Values of Liquid's own, which it also sees at the beginning of a longer name.
pub(super) const WORDS: [&str; 6] = ["true", "false", "nil", "null", "empty", "blank"];
/// What Liquid finds in a list or an object although it is not in there.
const PROPERTIES: [&str; 3] = ["size", "first", "last"];

/// The values that a template sees, by name.
pub struct Values {
    pub(super) object: liquid::Object,
}

impl Values {
    /// Takes typed values: lists and objects stay lists and objects. Numbers beyond 64 bits become text.
    pub fn new(values: &Map<String, Value>) -> Self {
        let object = values.iter().map(|(name, value)| (name.clone().into(), to_liquid(value))).collect();
        Self { object }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.object.keys().map(liquid::model::KString::as_str)
    }

    /// The beginning of a dotted path up to the first step that an object does not have. A path through nil, a list or a
    /// text is checked during rendering.
    pub(super) fn lacks<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (name, steps) = path.split_once('.')?;
        let mut value = self.object.get(name)?;
        let mut end = name.len();
        for step in steps.split('.') {
            let liquid::model::Value::Object(object) = value else { return None };
            end += 1 + step.len();
            if step.contains('[') || step == "size" {
                return None;
            }
            match object.get(step) {
                Some(found) => value = found,
                None => return Some(&path[..end]),
            }
        }
        None
    }

    /// The text at a dotted path of names, if it is one of ordinary length and the path means nothing else to Liquid.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let mut steps = path.split('.');
        let first = steps.next().filter(|name| !WORDS.iter().any(|word| name.starts_with(word)))?;
        let value = steps.try_fold(self.object.get(first)?, |value, step| match value {
            liquid::model::Value::Object(object) if !PROPERTIES.contains(&step) => object.get(step),
            _ => None,
        });
        let text = value?.as_scalar().filter(|scalar| scalar.type_name() == "string")?.into_string();
        (text.len() <= TEXT_MAX).then(|| text.into_string())
    }

    /// Puts one value, or takes it away when there is none.
    pub(super) fn put(&mut self, name: &str, value: Option<&Value>) {
        match value {
            Some(value) => drop(self.object.insert(name.to_owned().into(), to_liquid(value))),
            None => drop(self.object.remove(name)),
        }
    }

    /// Adds values, or replaces those of the same names.
    pub fn extend(&mut self, values: &Map<String, Value>) {
        for (name, value) in values {
            self.object.insert(name.clone().into(), to_liquid(value));
        }
    }
}

fn to_liquid(value: &Value) -> liquid::model::Value {
    use liquid::model::Value as Liquid;
    match value {
        Value::Null => Liquid::Nil,
        Value::Bool(flag) => Liquid::scalar(*flag),
        Value::Number(number) => number
            .as_i64()
            .map(Liquid::scalar)
            .or_else(|| number.as_f64().filter(|_| number.is_f64()).map(Liquid::scalar))
            .unwrap_or_else(|| Liquid::scalar(number.to_string())),
        Value::String(text) => Liquid::scalar(text.clone()),
        Value::Array(items) => Liquid::Array(items.iter().map(to_liquid).collect()),
        Value::Object(entries) => {
            Liquid::Object(entries.iter().map(|(key, value)| (key.clone().into(), to_liquid(value))).collect())
        }
    }
}
