//! The values of secrets: from the environment, or typed unseen. Never from flags or files.

use crate::error::Failure;
use crate::forge::github::Secrets;
use crate::model::setting::Setting;
use crate::model::settings::Secret;
use crate::model::token::Token;
use crate::terminal::ask;
use crate::world::World;

/// Adds the values of `missing` as far as they are known, and names the others.
pub(in crate::commands) fn gather(missing: &[Secret], secrets: &mut Secrets, world: &World) -> Result<(), Failure> {
    for secret in missing.iter().filter(|secret| !secrets.has(secret)).cloned().collect::<Vec<_>>() {
        let names = variables(&secret, missing);
        let given = names.iter().find_map(|name| world.variable(name)).map(Token::new);
        let words = Setting::Secret(secret.clone()).words();
        let value = match given {
            Some(value) => Some(value),
            None if world.terminal.can_ask() => ask::secret(&words, &secret.purpose)?,
            None => None,
        };
        match value {
            Some(value) => secrets.put(&secret, value),
            None => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let purpose = if secret.purpose.is_empty() { String::new() } else { format!(" ({})", secret.purpose) };
                let text =
                    format!("the {words}{purpose} has no value and is left out for now: set {}", names.join(" or "));
                world.terminal.warn(&text);
            }
        }
    }
    Ok(())
}

/// The variables that may hold the value, strongest first: `PROD_KEY`, then `KEY`. The short one does not speak for an
/// environment where another place has a secret of the same name: a key of one would open the other.
fn variables(secret: &Secret, all: &[Secret]) -> Vec<String> {
    let Some(environment) = &secret.environment else { return vec![secret.name.clone()] };
    let word: String =
        environment.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    let mut names = vec![format!("{word}_{}", secret.name)];
    if all.iter().filter(|other| other.name == secret.name).count() == 1 {
        names.push(secret.name.clone());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_s_secret_has_a_variable_of_its_own() {
        let secret = |name: &str, environment: Option<&str>| Secret {
            name: name.to_owned(),
            environment: environment.map(str::to_owned),
            purpose: String::new(),
        };
        let all = [secret("KEY", None), secret("KEY", Some("prod")), secret("PIN", Some("internal-dev"))];
        assert_eq!(variables(&all[0], &all), ["KEY"]);
        assert_eq!(variables(&all[1], &all), ["PROD_KEY"]);
        assert_eq!(variables(&all[2], &all), ["INTERNAL_DEV_PIN", "PIN"]);
    }
}
