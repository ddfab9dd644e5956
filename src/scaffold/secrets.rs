//! The values of secrets: from the environment, or typed unseen. Never from flags or files.

use crate::error::Failure;
use crate::forge::github::Secrets;
use crate::model::setting::Setting;
use crate::model::settings::Secret;
use crate::model::token::Token;
use crate::terminal::ask;
use crate::world::World;

/// The secrets among settings.
pub(crate) fn of(settings: &[Setting]) -> Vec<Secret> {
    let secret = |setting: &Setting| match setting {
        Setting::Secret(secret) => Some(secret.clone()),
        _ => None,
    };
    settings.iter().filter_map(secret).collect()
}

/// Adds the values of `missing` as far as they are known, and names the variables of the others.
pub(crate) fn gather(missing: &[Secret], secrets: &mut Secrets, world: &World) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    for secret in missing {
        if secrets.has(secret) {
            continue;
        }
        let given = variables(secret, missing).iter().find_map(|name| world.variable(name)).map(Token::new);
        let value = match given {
            None if world.terminal.can_ask() => ask::secret(&Setting::Secret(secret.clone()).words(), &secret.purpose)?,
            given => given,
        };
        match value {
            Some(value) => secrets.put(secret, value),
            None => unknown.push(format!("`{}`", secret.variable())),
        }
    }
    if !unknown.is_empty() {
        let text = format!("secrets without a value in a variable are skipped for now: {}", unknown.join(", "));
        world.terminal.warn(&text);
    }
    Ok(())
}

/// The variables that may hold the value, strongest first: `PROD_KEY`, then `KEY`. The short one does not speak for an
/// environment where another place has a secret of the same name: a key of one would open the other.
fn variables(secret: &Secret, all: &[Secret]) -> Vec<String> {
    let mut names = vec![secret.variable()];
    let alone = all.iter().filter(|other| other.name == secret.name).count() == 1;
    if secret.environment.is_some() && alone {
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
