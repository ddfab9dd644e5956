//! The checks of `doctor` on the forge.

use super::{CheckResults, rules};
use crate::error::Fault;
use crate::forge::github::permissions::Permissions;
use crate::forge::github::survey::{Asker, Survey};
use crate::forge::github::{ForgeError, Github, Lower, Owner};
use crate::git::sign::Signing;
use crate::model::name::ApiName;
use crate::model::record::Record;
use crate::model::repository::{NewRepository, OwnerKind, RepositorySlug, Visibility};
use crate::model::settings::Settings;
use crate::model::text::counted;
use crate::scaffold::apply::{DryRun, apply};
use crate::scaffold::open;
use crate::scaffold::plan::{Configure, Plan, Step};
use crate::world::World;

/// What is asked for.
pub(super) struct ForgeChecks<'a> {
    pub(super) owner: &'a str,
    /// The name of the new API, when one is given.
    pub(super) name: Option<&'a ApiName>,
    pub(super) settings: Settings,
    pub(super) record: Option<Record>,
}

/// Looks at everything that a new repository of this owner needs.
pub(super) fn look(asked: ForgeChecks<'_>, world: &World, findings: &mut CheckResults) {
    let github = match open::github::open(asked.owner, world) {
        Ok(github) => github,
        Err(failure) => return findings.failure("token", &*failure),
    };
    let _bar = world.terminal.bar("asking GitHub what is there");
    let ForgeChecks { owner, name, settings, record } = asked;
    let target = RepositorySlug { owner: owner.to_owned(), name: name.map_or_else(String::new, ToString::to_string) };
    // Without a name there is no repository to look for, and any word stands for it.
    let probe = RepositorySlug { name: name.map_or_else(|| "-".to_owned(), ToString::to_string), ..target.clone() };
    let survey = github.survey(&probe);
    let looking = Looking { github: &github, settings: &settings, target: &target, world };
    looking.asker(&survey, findings);
    let Some(owner) = looking.owner(&survey, findings) else { return };
    if name.is_some() {
        looking.name(&survey, record.as_ref(), findings);
    }
    if owner.kind == OwnerKind::Organisation {
        looking.properties(findings);
        looking.rulesets(findings);
    }
    looking.settings(probe, owner.kind, findings);
}

struct Looking<'l> {
    github: &'l Github,
    settings: &'l Settings,
    target: &'l RepositorySlug,
    world: &'l World,
}

impl Looking<'_> {
    fn asker(&self, survey: &Survey, findings: &mut CheckResults) {
        let asker = match &survey.asker {
            Ok(asker) => asker,
            Err(error) => return findings.failure("token", error),
        };
        let login = asker.login.as_ref().map(|login| format!(" of `{login}`")).unwrap_or_default();
        findings.good("token", format!("{}{login}", asker.kind));
        let missing = missing(asker, self.settings);
        let can_tell = asker.scopes.is_some() || asker.permissions.is_some();
        match (missing.is_empty(), can_tell) {
            (true, true) => findings.good("permissions", "enough for what the template asks"),
            (true, false) => {
                findings.good(
                    "permissions",
                    "GitHub does not report the permissions of such a token; a refused call will name the missing one",
                );
            }
            (false, _) => findings.bad(
                "permissions",
                format!("the token lacks {}", missing.join(", ")),
                Fault::Permission,
                "give the token, or the App, what it lacks",
            ),
        }
    }

    fn owner(&self, survey: &Survey, findings: &mut CheckResults) -> Option<Owner> {
        match &survey.owner {
            Ok(Some(owner)) => {
                let login = survey.asker.as_ref().ok().and_then(|asker| asker.login.as_ref());
                let is_mine = login.is_some_and(|login| login.eq_ignore_ascii_case(&owner.login));
                match owner.kind {
                    OwnerKind::Organisation => findings.good("owner", format!("`{}` is an organisation", owner.login)),
                    OwnerKind::User if is_mine => findings.good("owner", format!("`{}` is you", owner.login)),
                    OwnerKind::User => {
                        findings.failure("owner", &ForgeError::NotYours { owner: owner.login.clone() });
                    }
                }
                Some(owner.clone())
            }
            Ok(None) => {
                findings.failure("owner", &ForgeError::NoOwner { name: self.target.owner.clone() });
                None
            }
            // That the token is refused was reported already.
            Err(error) if error.status() == Some(401) => None,
            Err(error) => {
                findings.failure("owner", error);
                None
            }
        }
    }

    fn name(&self, survey: &Survey, record: Option<&Record>, findings: &mut CheckResults) {
        let page = self.github.server().page(self.target);
        match &survey.repository {
            Ok(None) => findings.good("name", format!("{page} is free")),
            Ok(Some(found)) if record.is_some_and(|record| record.repository.id == Some(found.id)) => {
                findings.good("name", format!("{page} is the repository of the registry's record"));
            }
            Ok(Some(_)) => {
                findings.failure("name", &self.github.foreign(self.target, "the registry has no record of it"))
            }
            Err(error) => findings.failure("name", error),
        }
    }

    /// A dry run of the settings of the new repository: what `new` would say of them.
    fn settings(&self, target: RepositorySlug, kind: OwnerKind, findings: &mut CheckResults) {
        let visibility = Visibility::default();
        let new = NewRepository { target: target.clone(), kind, visibility, description: None, homepage: None };
        let settings =
            open::github::fitting(open::github::on_main(self.settings.clone()), kind, visibility, self.world);
        let count = settings.len();
        let step = Step::Configure(Configure { target, settings, create_teams: false, lower: Lower::No });
        let plan = Plan::from(vec![step]);
        match apply(&plan, &mut DryRun::for_new(self.github, &new, self.world)) {
            Ok(outcome) => {
                for step in outcome.remaining() {
                    match &step.failure {
                        Some(failure) => findings.failure_of("setting", &step.words, &**failure),
                        None => findings.bad(
                            "setting",
                            format!("{} cannot be made", step.words),
                            Fault::Environment,
                            "fix the problems above",
                        ),
                    }
                }
                if outcome.is_complete() {
                    findings.good("settings", format!("{} could be made", counted(count, "setting")));
                }
            }
            Err(failure) => findings.failure("settings", &*failure),
        }
    }

    fn properties(&self, findings: &mut CheckResults) {
        if self.settings.properties.is_empty() {
            return;
        }
        match self.github.organisation_properties(&self.target.owner) {
            Ok(Some(known)) => {
                for name in self.settings.properties.keys() {
                    if known.contains(name) {
                        findings.good("custom property", format!("`{name}` is there"));
                    } else {
                        findings.bad(
                            "custom property",
                            format!("`{}` has no custom property `{name}`", self.target.owner),
                            Fault::Input,
                            "an owner of the organisation can add it, or the template can do without",
                        );
                    }
                }
            }
            Ok(None) => findings.good("custom property", "the token may not see which there are"),
            Err(error) if matches!(error.status(), Some(403)) => {
                findings.good("custom property", "the token may not see which there are");
            }
            Err(error) => findings.failure("custom property", &error),
        }
    }

    fn rulesets(&self, findings: &mut CheckResults) {
        let rulesets = match self.github.organisation_rulesets(&self.target.owner) {
            Ok(Some(rulesets)) => rulesets,
            Ok(None) => return findings.good("rulesets", "the token may not see the organisation's"),
            Err(error) if error.status() == Some(403) => {
                return findings.good("rulesets", "the token may not see the organisation's");
            }
            Err(error) => return findings.failure("rulesets", &error),
        };
        let name = Some(self.target.name.as_str()).filter(|name| !name.is_empty());
        let signing = match Signing::configured(None) {
            Ok(signing) => signing,
            Err(error) => return findings.failure("rulesets", &error),
        };
        let mut blocking = 0;
        for ruleset in &rulesets {
            let rules = rules::blocking(ruleset, name, &signing);
            if !rules.is_empty() {
                blocking += 1;
                let called = ruleset["name"].as_str().unwrap_or_default();
                findings.bad(
                    "rulesets",
                    format!("the organisation's ruleset `{called}` stops the first push: {}", rules.join(", ")),
                    Fault::Permission,
                    "let who asks bypass it, or leave new repositories out of it",
                );
            }
        }
        if blocking == 0 {
            findings.good("rulesets", "none of the organisation's stops the first push");
        }
    }
}

/// What the token lacks, as far as GitHub lists what it may.
fn missing(asker: &Asker, settings: &Settings) -> Vec<String> {
    if let Some(scopes) = &asker.scopes {
        let needed: &[&[&str]] = if settings.teams.is_empty() {
            &[&["repo"], &["workflow"]]
        } else {
            &[&["repo"], &["workflow"], &["read:org", "write:org", "admin:org"]]
        };
        let lacks = needed.iter().filter(|any| !any.iter().any(|scope| scopes.iter().any(|has| has == scope)));
        return lacks.map(|any| format!("the scope `{}`", any[0])).collect();
    }
    let Some(granted) = &asker.permissions else { return Vec::new() };
    let lacking = Permissions::to_make(&settings.each()).lacking(granted);
    if lacking.is_empty() { Vec::new() } else { vec![lacking.to_string()] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asker(scopes: Option<&[&str]>, permissions: Option<&serde_json::Value>) -> Asker {
        Asker {
            login: None,
            kind: "token",
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            permissions: permissions.map(Permissions::granted),
        }
    }

    #[test]
    fn what_a_token_lacks_follows_from_what_the_template_asks() {
        let plain = Settings::default();
        let teams: Settings =
            serde_json::from_value(json!({"team": [{"slug": "a", "permission": "push"}]})).expect("settings");
        assert_eq!(missing(&asker(Some(&["repo", "workflow"]), None), &plain), [""; 0]);
        assert_eq!(missing(&asker(Some(&["repo"]), None), &plain), ["the scope `workflow`"]);
        assert_eq!(missing(&asker(Some(&["repo", "workflow"]), None), &teams), ["the scope `read:org`"]);
        assert_eq!(missing(&asker(Some(&["repo", "workflow", "admin:org"]), None), &teams), [""; 0]);
        let mut app = json!({
            "metadata": "read", "administration": "write", "contents": "write", "workflows": "read", "members": "read",
        });
        assert_eq!(missing(&asker(None, Some(&app)), &teams), ["the permission `workflows` (write)"]);
        assert_eq!(missing(&asker(None, None), &teams), [""; 0]);
        let values: Settings = serde_json::from_value(json!({
            "variable": [{"name": "A", "value": "1"}], "secret": [{"name": "S", "environment": "int"}],
        }))
        .expect("settings");
        app["workflows"] = "write".into();
        let lacking = ["the permission `actions_variables` (write), the permission `environments` (write)"];
        assert_eq!(missing(&asker(None, Some(&app)), &values), lacking);
    }
}
