//! Accounts and repositories as GitHub shows them.

use serde_json::{Map, Value, json};

use super::state::{Caller, Organization, Repository, State, Team, TokenKind, now};

/// The moment at which everything that the test made came to be.
pub(super) const BIRTH: &str = "2026-01-01T00:00:00Z";

/// Links that every repository has; the last word of the name is `url`.
const REPOSITORY_LINKS: [&str; 38] = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
    "svn",
    "git",
];
const USER_LINKS: [&str; 10] = [
    "avatar",
    "events",
    "followers",
    "following",
    "gists",
    "organizations",
    "received_events",
    "repos",
    "starred",
    "subscriptions",
];
const ORGANIZATION_LINKS: [&str; 7] = ["repos", "events", "hooks", "issues", "members", "public_members", "avatar"];

/// `NAME_url` for each name.
fn links(base: &str, names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| (format!("{name}_url"), json!(format!("{base}/{name}")))).collect()
}

fn merged(mut object: Map<String, Value>, more: Value) -> Value {
    if let Value::Object(more) = more {
        object.extend(more);
    }
    Value::Object(object)
}

impl State {
    /// A user or an organisation, in short.
    pub(super) fn account(&self, login: &str) -> Value {
        let organization = self.organizations.get(login);
        let id = organization.map(|organization| organization.id).or_else(|| self.users.get(login).copied());
        let url = format!("{}/users/{login}", self.base);
        merged(
            links(&url, &USER_LINKS),
            json!({
                "login": login, "id": id, "node_id": format!("U_{login}"), "gravatar_id": "", "url": url,
                "html_url": format!("{}/{login}", self.base), "site_admin": false,
                "type": if organization.is_some() { "Organization" } else { "User" },
            }),
        )
    }

    /// A user, in full, as everybody sees it.
    pub(super) fn user(&self, login: &str) -> Value {
        let Value::Object(short) = self.account(login) else { return Value::Null };
        merged(
            short,
            json!({
                "bio": null, "blog": "", "company": null, "email": null, "followers": 0, "following": 0,
                "hireable": null, "location": null, "name": login, "public_gists": 0, "public_repos": 0,
                "created_at": BIRTH, "updated_at": BIRTH,
            }),
        )
    }

    /// An organisation; `full` is what `GET /orgs/{org}` shows.
    pub(super) fn organization(&self, login: &str, full: bool) -> Value {
        let id = self.organizations.get(login).map(|organization| organization.id);
        let url = format!("{}/orgs/{login}", self.base);
        let short = merged(
            links(&url, &ORGANIZATION_LINKS),
            json!({"login": login, "id": id, "node_id": format!("O_{login}"), "url": url, "description": null}),
        );
        let Value::Object(short) = short else { return Value::Null };
        if !full {
            return Value::Object(short);
        }
        let can_create = self.organizations.get(login).is_some_and(|organization| !organization.closed);
        merged(
            short,
            json!({
                "html_url": format!("{}/{login}", self.base), "has_organization_projects": true,
                "has_repository_projects": true, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
                "type": "Organization", "created_at": BIRTH, "updated_at": BIRTH, "archived_at": null,
                "members_can_create_repositories": can_create,
            }),
        )
    }

    /// A team; `full` is what `GET /orgs/{org}/teams/{slug}` shows.
    pub(super) fn team(&self, login: &str, slug: &str, team: &Team, full: bool) -> Value {
        let url = format!("{}/orgs/{login}/teams/{slug}", self.base);
        let mut shown = json!({
            "id": team.id, "node_id": format!("T_{slug}"), "url": url, "members_url": format!("{url}/members"),
            "name": team.name, "description": null, "permission": "pull", "html_url": format!("{}/{login}", self.base),
            "repositories_url": format!("{url}/repos"), "slug": slug, "parent": null, "type": "organization",
            "privacy": "closed",
        });
        if full {
            shown["created_at"] = json!(BIRTH);
            shown["updated_at"] = json!(BIRTH);
            shown["members_count"] = json!(0);
            shown["repos_count"] = json!(0);
            shown["organization"] = self.organization(login, true);
        }
        shown
    }

    /// A repository, in full.
    pub(crate) fn repository(&self, repository: &Repository, caller: &Caller) -> Value {
        let full_name = repository.full_name();
        let url = format!("{}/repos/{full_name}", self.base);
        let html = format!("{}/{full_name}", self.base);
        let is_admin = self.may_write(caller, &repository.owner);
        let mut shown = links(&url, &REPOSITORY_LINKS);
        let basic = json!({
            "id": repository.id, "node_id": format!("R_{}", repository.id), "name": repository.name,
            "full_name": full_name, "owner": self.account(&repository.owner), "url": url, "html_url": html,
            "clone_url": format!("{html}.git"), "ssh_url": format!("git@127.0.0.1:{full_name}.git"),
            "private": repository.visibility != "public", "visibility": repository.visibility, "fork": false,
            "default_branch": repository.default_branch, "forks": 0, "forks_count": 0, "has_pages": false,
            "has_downloads": true, "language": null, "disabled": false, "mirror_url": null, "open_issues": 0,
            "open_issues_count": repository.issues.len(), "license": null, "size": 0, "stargazers_count": 0,
            "watchers": 0, "watchers_count": 0, "created_at": repository.created_at, "network_count": 0, "subscribers_count": 0,
            "updated_at": now(), "pushed_at": repository.pushed_at.as_ref().unwrap_or(&repository.created_at),
            "topics": repository.topics, "custom_properties": repository.properties,
            "permissions": {"admin": is_admin, "maintain": is_admin, "push": is_admin, "triage": is_admin, "pull": true},
        });
        if let Value::Object(basic) = basic {
            shown.extend(basic);
        }
        shown.extend(repository.fields.clone());
        if self.organizations.contains_key(&repository.owner) {
            shown.insert("organization".to_owned(), self.account(&repository.owner));
        }
        if is_admin {
            shown.insert("security_and_analysis".to_owned(), analysis(repository));
        }
        Value::Object(shown)
    }
}

fn analysis(repository: &Repository) -> Value {
    let fixes = if repository.fixes { "enabled" } else { "disabled" };
    let mut shown = json!({"dependabot_security_updates": {"status": fixes}});
    for feature in ["secret_scanning", "secret_scanning_push_protection"] {
        let status = repository.analysis.get(feature).map_or("disabled", String::as_str);
        shown[feature] = json!({"status": status});
    }
    shown
}

impl Organization {
    /// Whether this caller is an owner of it.
    pub(super) fn is_owner(&self, caller: &Caller) -> bool {
        caller.kind == TokenKind::Installation || self.members.get(&caller.login).is_some_and(|role| role == "admin")
    }
}
