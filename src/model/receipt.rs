//! The receipt: the file in a generated repository that says what it was made from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ending::Ending;
use super::name::ApiName;
use super::phase::Phase;
use super::record::TemplateUsed;

/// Where the receipt is in a generated repository.
pub const FILE_NAME: &str = ".apiscaffold.toml";

/// What a repository was made from: enough to make it again. It holds no secrets and no dates, so that the same
/// answers give the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub name: ApiName,
    pub tool: String,
    pub template: TemplateUsed,
    /// The repository path of the spec.
    pub spec: String,
    /// The folder around the spec that its references stay in; empty when that is the spec's own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub spec_root: String,
    /// The phase that the repository is in; inception is not written.
    #[serde(default, skip_serializing_if = "is_first")]
    pub phase: Phase,
    #[serde(default, skip_serializing_if = "Ending::is_none")]
    pub ending: Ending,
    /// Every answer, given or by default.
    pub answers: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(phase: &Phase) -> bool {
    *phase == Phase::default()
}

impl Receipt {
    /// The receipt as TOML, with a line that says what it is.
    pub fn to_toml(&self) -> String {
        let mut receipt = self.clone();
        receipt.answers.retain(|_, value| !value.is_null());
        let body = toml::to_string(&receipt).expect("texts, numbers, booleans and lists of them are TOML");
        format!("# Written by apiscaffold: what this repository was made from. Keep it; updates need it.\n{body}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_receipt_is_read_back_equal() {
        let Value::Object(answers) =
            json!({"title": "a \"b\"\nc {{ d }} 🦀", "flag": true, "n": 3, "list": ["x"], "empty": []})
        else {
            unreachable!("an object")
        };
        let template = TemplateUsed { name: "t".into(), source: "builtin".into(), revision: "abc".into() };
        let name = ApiName::new("my-api").expect("a name");
        let (phase, ending) = (Phase::Inception, Ending::default());
        let mut receipt = Receipt {
            name,
            tool: "0.1.0".into(),
            template,
            spec: "s.yaml".into(),
            spec_root: String::new(),
            phase,
            ending,
            answers,
        };
        assert_eq!(toml::from_str::<Receipt>(&receipt.to_toml()).expect("it parses"), receipt);
        let text = receipt.to_toml();
        assert!(
            !text.contains("inception") && !text.contains("spec_root"),
            "what is usual goes without saying: {text}"
        );
        receipt.spec_root = "specification".to_owned();
        receipt.phase = Phase::Deprecated;
        receipt.ending.sunset = Some("2027-01-31".parse().expect("a date"));
        assert_eq!(toml::from_str::<Receipt>(&receipt.to_toml()).expect("it parses"), receipt);
    }
}
