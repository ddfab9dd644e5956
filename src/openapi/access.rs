//! Who may call the operations of a spec, in the words of the platform: its access modes.

use serde_json::Value;

use super::description::{Access, MODES, Modes, Operation, Summary};
use super::documents::{At, Documents};

/// Paths that every proxy answers by itself, whatever the document says of them.
const OWN: [&str; 2] = ["/_ping", "/_status"];

/// Most references from one scheme to the next.
const MAX_HOPS: usize = 32;

impl Summary {
    /// The operations that a proxy passes on.
    pub fn served(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| is_served(operation))
    }

    /// The access modes that may call the operation; `None` when the document sets no bounds.
    pub fn allowed(&self, operation: &Operation) -> Option<Modes> {
        match (&operation.access, &self.granted) {
            (Access::Modes(own), Some(granted)) => Some(own & granted),
            (Access::Modes(own), None) => Some(own.clone()),
            (_, granted) => granted.clone(),
        }
    }

    /// The access modes that may call every operation. `None` when the document sets no bounds.
    pub fn shared_modes(&self) -> Option<Modes> {
        let bounds =
            self.granted.clone().into_iter().chain(self.served().filter_map(|operation| self.allowed(operation)));
        bounds.reduce(|shared, modes| &shared & &modes)
    }

    /// The access modes that the document names for any operation. `None` when the document sets no bounds.
    pub fn named_modes(&self) -> Option<Modes> {
        let own = self.served().filter_map(|operation| match &operation.access {
            Access::Modes(own) => Some(own.clone()),
            _ => None,
        });
        self.granted.clone().into_iter().chain(own).reduce(|named, modes| &named | &modes)
    }
}

fn is_served(operation: &Operation) -> bool {
    operation.method != "GET" || !OWN.contains(&operation.path.as_str())
}

/// The security schemes of a document.
#[derive(Clone, Copy)]
pub(super) struct Schemes<'a> {
    pub(super) documents: &'a Documents,
    /// `components.securitySchemes`, or `securityDefinitions`.
    pub(super) schemes: Option<At<'a>>,
}

impl<'a> Schemes<'a> {
    /// What a `security` asks for.
    pub(super) fn access(self, security: Option<At<'a>>) -> Access {
        let Some(security) = security else { return Access::Open };
        let Some(security) = self.documents.follow(security) else {
            return Access::Never("its `security` refers to something that does not exist");
        };
        let Some(alternatives) = security.value.as_array() else {
            return Access::Never("its `security` is not a list");
        };
        let mut modes = Modes::new();
        let (mut open, mut combined) = (alternatives.is_empty(), false);
        for alternative in alternatives {
            let Some(requirement) = alternative.as_object() else {
                return Access::Never("its `security` has an entry that is not an object");
            };
            let named: Vec<Modes> = requirement.iter().map(|(name, scopes)| self.modes(name, scopes)).collect();
            let needed: Modes = named.iter().flatten().copied().collect();
            let foreign = named.iter().any(Modes::is_empty);
            open |= named.is_empty();
            if needed.len() == 1 && !foreign {
                modes.extend(needed);
            } else {
                combined |= !needed.is_empty();
            }
        }
        match () {
            () if !modes.is_empty() => Access::Modes(modes),
            () if open => Access::Open,
            () if combined => Access::Never("it asks for several security schemes at once"),
            () => Access::Foreign,
        }
    }

    /// The access modes that a scheme stands for, by its name, by what it refers to, or else by the scopes asked of it.
    fn modes(self, name: &str, scopes: &Value) -> Modes {
        let mut modes: Modes = mode(name).into_iter().collect();
        let mut hop = self.schemes.and_then(|schemes| schemes.get(name));
        for _ in 0..MAX_HOPS {
            let Some(at) = hop else { break };
            modes.extend(mode(at.text("$ref").trim_end_matches('/').rsplit('/').next().unwrap_or_default()));
            hop = self.documents.next(at);
        }
        if modes.is_empty() {
            modes.extend(scopes.as_array().into_iter().flatten().filter_map(Value::as_str).filter_map(of_scope));
        }
        modes
    }

    /// The one access mode that a scheme stands for.
    fn sole(self, name: &str) -> Option<&'static str> {
        let modes = self.modes(name, &Value::Null);
        modes.first().copied().filter(|_| modes.len() == 1)
    }

    /// The access modes that the document grants as a whole: in an extension; or, where no operation names any, those of
    /// its top-level `security`, or those that it has schemes for.
    pub(super) fn granted(self, root: At<'a>, operations: &[Operation]) -> Option<Modes> {
        let granted = self.products(root).or_else(|| self.older(root));
        let mut served = operations.iter().filter(|operation| is_served(operation));
        if granted.is_some() || served.any(|operation| matches!(operation.access, Access::Modes(_))) {
            return granted;
        }
        if let Access::Modes(modes) = self.access(root.get("security")) {
            return Some(modes);
        }
        let schemes = self.schemes.and_then(|at| at.value.as_object()).into_iter().flatten();
        let modes: Modes = schemes.filter_map(|(name, _)| self.sole(name)).collect();
        Some(modes).filter(|modes| !modes.is_empty())
    }

    /// The grants of `x-nhsd-apim`: none of them where they cannot be read.
    fn products(self, root: At<'a>) -> Option<Modes> {
        let extension = root.get("x-nhsd-apim").filter(|extension| !extension.value.is_null())?;
        let Some(extension) = self.documents.follow(extension) else { return Some(Modes::new()) };
        let keys = extension.value.as_object().map(|map| map.keys());
        if keys.is_none_or(|mut keys| keys.any(|key| is_misspelt_access(key))) {
            return Some(Modes::new());
        }
        let access = extension.get("access").filter(|access| !access.value.is_null())?;
        let access = self.documents.follow(access).filter(|access| access.value.is_array());
        let Some(access) = access else { return Some(Modes::new()) };
        let products = access.value.as_array().into_iter().flatten();
        let products = products.filter_map(|value| self.documents.follow(At { value, ..access }));
        let grants = products.filter_map(|product| self.documents.follow(product.get("grants")?));
        let names = grants.filter_map(|grants| grants.value.as_object()).flat_map(|grants| grants.keys());
        let modes = names.filter_map(|name| self.sole(name)).collect();
        Some(modes).filter(|_| access.value.as_array().is_some_and(|list| !list.is_empty()))
    }

    /// The access modes that the older `x-nhsd-api-platform` mentions: none of them where it is no object.
    fn older(self, root: At<'a>) -> Option<Modes> {
        let extension = root.get("x-nhsd-api-platform").filter(|extension| !extension.value.is_null())?;
        let extension = self.documents.follow(extension).filter(|extension| extension.value.is_object());
        let Some(extension) = extension else { return Some(Modes::new()) };
        let mut modes = Modes::new();
        mentioned(extension.value, &mut modes);
        Some(modes).filter(|modes| !modes.is_empty())
    }
}

/// Whether a key of `x-nhsd-apim` is a misspelling of `access`: in another case, or with one typo.
fn is_misspelt_access(key: &str) -> bool {
    key != "access" && strsim::osa_distance(&key.to_lowercase(), "access") <= 1
}

/// The access mode of this name, which may be written with underscores or in capitals.
fn mode(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    MODES.into_iter().find(|mode| *mode == name)
}

/// The access mode that a scope of the platform belongs to: `urn:nhsd:apim:user-nhs-cis2:aal3:my-api`.
fn of_scope(scope: &str) -> Option<&'static str> {
    let mut parts = scope.strip_prefix("urn:nhsd:apim:")?.split(':');
    let kind = match parts.next()? {
        "user-nhs-id" => "nhs-cis2",
        kind => kind.trim_start_matches("user-"),
    };
    mode(&format!("{kind}-{}", parts.next()?))
}

/// Every access mode and scope in an extension of no fixed shape.
fn mentioned(value: &Value, modes: &mut Modes) {
    match value {
        Value::String(text) => modes.extend(mode(text).or_else(|| of_scope(text))),
        Value::Array(list) => list.iter().for_each(|item| mentioned(item, modes)),
        Value::Object(map) => {
            for (key, item) in map {
                modes.extend(mode(key));
                mentioned(item, modes);
            }
        }
        _ => {}
    }
}
