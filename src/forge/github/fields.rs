//! What an answer must hold before it is given a meaning. GitHub always sends these fields; a sign-in page, a proxy and a
//! part of an answer do not. A missing field means nothing: it is an error.

use serde_json::Value;

use super::error::ForgeError;

/// What a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Text,
    /// A text, or `null` where GitHub has none.
    TextOrNull,
    Number,
    Flag,
    List,
    Map,
}

/// Fields of one object, by their paths (`object.sha`).
pub(super) type Fields = &'static [(&'static str, FieldType)];

impl FieldType {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::TextOrNull => value.is_string() || value.is_null(),
            Self::Number => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
        }
    }
}

/// Sees whether an answer is an object that holds all of these.
///
/// # Errors
/// The first field that is missing or of another type; `call` is method and path.
pub(super) fn must_hold(call: &str, body: &Value, fields: Fields) -> Result<(), ForgeError> {
    let strange = |why: String| ForgeError::Strange { call: call.to_owned(), why };
    if !body.is_object() {
        return Err(strange("it is not a JSON object".to_owned()));
    }
    let missing = fields.iter().find(|(path, kind)| !at(body, path).is_some_and(|value| kind.fits(value)));
    missing.map_or(Ok(()), |(path, _)| Err(strange(format!("it holds no usable `{path}`"))))
}

/// The same for each object of a list.
pub(super) fn each_must_hold(call: &str, items: &[Value], fields: Fields) -> Result<(), ForgeError> {
    items.iter().try_for_each(|item| must_hold(call, item, fields))
}

/// A text that must be there.
pub(super) fn text(call: &str, body: &Value, path: &'static str) -> Result<String, ForgeError> {
    let found = at(body, path).filter(|value| FieldType::Text.fits(value)).and_then(Value::as_str);
    let strange = || ForgeError::Strange { call: call.to_owned(), why: format!("it holds no usable `{path}`") };
    found.map(str::to_owned).ok_or_else(strange)
}

fn at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(body, |value, key| value.get(key))
}
