//! Signed commits: whether the rules of a branch ask for them, and commits that GitHub makes and signs itself.
//!
//! GitHub signs what is made by its GraphQL mutation `createCommitOnBranch`, for every kind of token
//! (<https://docs.github.com/en/graphql/reference/commits#createcommitonbranch>). It signs what is made by its REST API
//! for Apps alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Github;
use super::call::{Call, GRAPHQL, Method, below};
use super::error::ForgeError;
use super::permissions::PUSH;
use super::repository::CommitSeen;
use crate::model::repository::RepositorySlug;
use crate::model::tree::TreePath;
use crate::net::printable;

/// The rule that asks for signatures.
const RULE: &str = "required_signatures";
const MUTATION: &str =
    "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } } }";

/// A commit that GitHub is to make, on a branch of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedCommit {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// The commit that it comes after (hex), which is there.
    pub parent: String,
    /// The first line of its message, which is all of it.
    pub title: String,
    /// The files that change; one without content goes. GitHub leaves the mode of a file as it is, and a new one is not
    /// executable.
    pub changes: Vec<(TreePath, Option<Bytes>)>,
    /// The id of the tree that it must have (hex).
    pub tree: String,
}

impl HostedCommit {
    /// The calls that make it: the branch, where it begins, and the commit.
    pub fn calls(&self, target: &RepositorySlug) -> [Call; 2] {
        let Self { branch, parent, title, changes, .. } = self;
        let reference = json!({"ref": format!("refs/heads/{branch}"), "sha": parent});
        let added = changes.iter().filter_map(|(path, bytes)| Some((path, bytes.as_ref()?)));
        let added = added.map(|(path, bytes)| json!({"path": path.as_str(), "contents": STANDARD.encode(bytes)}));
        let removed =
            changes.iter().filter(|(_, bytes)| bytes.is_none()).map(|(path, _)| json!({"path": path.as_str()}));
        let input = json!({
            "branch": {"repositoryNameWithOwner": format!("{}/{}", target.owner, target.name), "branchName": branch},
            "expectedHeadOid": parent,
            "message": {"headline": title},
            "fileChanges": {"additions": added.collect::<Value>(), "deletions": removed.collect::<Value>()},
        });
        [
            Call::with(Method::Post, below(target, &["git", "refs"]), reference),
            Call::with(Method::Post, GRAPHQL, json!({"query": MUTATION, "variables": {"input": input}})),
        ]
    }
}

impl Github {
    /// Whether active rulesets ask for signed commits on a branch.
    pub fn asks_for_signatures(&self, target: &RepositorySlug, branch: &str) -> Result<bool, ForgeError> {
        let path = below(target, &["rules", "branches", branch]) + "?per_page=100";
        let rules = match self.list(&path, None) {
            // A private repository of an account without that feature.
            Err(ForgeError::Refused(refusal)) if refusal.status == 403 && refusal.message.contains("Upgrade to") => {
                None
            }
            rules => rules?,
        };
        Ok(rules.iter().flatten().any(|rule| rule["type"] == RULE))
    }

    /// Lets GitHub make a commit, and sees that it is the right one and signed; its id (hex). Both calls may be sent
    /// again: a branch is made once, and the commit is made on top of its parent alone.
    pub fn commit_signed(&self, target: &RepositorySlug, new: &HostedCommit) -> Result<String, ForgeError> {
        let github = self.narrowed(PUSH, Some(target));
        let [branch, commit] = new.calls(target);
        let is_made = |head: &(String, CommitSeen)| head.0 != new.parent;
        let mut head = self.branch(target, &new.branch)?;
        if head.is_none() {
            match github.call_again(&branch) {
                Err(error) if error.is_taken() => {}
                made => drop(made?),
            }
        }
        if !head.as_ref().is_some_and(is_made) {
            let made = github.call_again(&commit).and_then(|answer| made_commit(&commit, &answer.body));
            head = match made {
                Ok(id) => Some((id.clone(), github.commit_at(target, &id)?)),
                // An answer that got lost, or a no to the second of two: what counts is what is there.
                Err(error) => match self.branch(target, &new.branch)?.filter(is_made) {
                    None => return Err(error),
                    head => head,
                },
            };
        }
        let (id, seen) = head.ok_or_else(|| self.not_signed(target, &new.branch, "is not shown by GitHub"))?;
        if seen.tree != new.tree {
            return Err(self.not_signed(target, &new.branch, "has other files than the tool asked for"));
        }
        self.must_be_verified(target, &new.branch, &seen.verified)?;
        Ok(id)
    }

    /// Sees that GitHub accepts the signature of the newest commit of a branch.
    pub fn branch_is_verified(&self, target: &RepositorySlug, branch: &str) -> Result<(), ForgeError> {
        match self.branch(target, branch)? {
            Some((_, seen)) => self.must_be_verified(target, branch, &seen.verified),
            None => Err(self.not_signed(target, branch, "is not shown by GitHub")),
        }
    }

    /// The error for a signature that GitHub does not accept.
    pub fn must_be_verified(
        &self,
        target: &RepositorySlug,
        branch: &str,
        verified: &Result<(), String>,
    ) -> Result<(), ForgeError> {
        match verified {
            Ok(()) => Ok(()),
            Err(reason) => {
                Err(self.not_signed(target, branch, &format!("has no signature that GitHub accepts ({reason})")))
            }
        }
    }

    fn not_signed(&self, target: &RepositorySlug, branch: &str, what: &str) -> ForgeError {
        ForgeError::NotSigned { page: self.server().page(target), branch: branch.to_owned(), what: what.to_owned() }
    }
}

/// The id of the commit that was made. GraphQL says no with a status of 200.
fn made_commit(call: &Call, body: &Value) -> Result<String, ForgeError> {
    if let Some(id) = body["data"]["createCommitOnBranch"]["commit"]["oid"].as_str() {
        return Ok(id.to_owned());
    }
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said: Vec<&str> = errors.iter().filter_map(|error| error["message"].as_str()).collect();
    if said.is_empty() {
        return Err(ForgeError::Strange { call: call.words(), why: "it holds neither a commit nor errors".to_owned() });
    }
    let forbidden =
        errors.iter().any(|error| matches!(error["type"].as_str(), Some("FORBIDDEN" | "INSUFFICIENT_SCOPES")));
    Err(ForgeError::NotCommitted { why: printable(&said.join("\n")), forbidden })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_of_graphql_is_a_no_and_an_odd_answer_is_no_yes() {
        let call = Call::bare(Method::Post, GRAPHQL);
        let accepted = |body: Value| made_commit(&call, &body);
        let yes = accepted(json!({"data": {"createCommitOnBranch": {"commit": {"oid": "a"}}}}));
        assert_eq!(yes, Ok("a".to_owned()));
        for (kind, forbidden) in [("FORBIDDEN", true), ("STALE_DATA", false)] {
            let error = json!({"message": "no\u{1b}", "type": kind});
            let no = accepted(json!({"data": {"createCommitOnBranch": null}, "errors": [error]}));
            assert_eq!(no, Err(ForgeError::NotCommitted { why: "no".to_owned(), forbidden }));
        }
        for odd in [json!({}), json!({"data": null}), json!("fine"), json!([]), json!({"errors": [{}]})] {
            assert!(matches!(accepted(odd.clone()), Err(ForgeError::Strange { .. })), "{odd}");
        }
    }
}
