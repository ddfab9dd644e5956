//! The git side: bare repositories behind `git http-backend`, with a hook that refuses what rulesets forbid.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Map, Value, json};

use super::http::{Answer, Request};
use super::signatures::{self, Keys};
use super::state::{Call, Caller, State, TokenKind, now};
use crate::git_server::clean_git;

/// Refuses a ref by the lines in `refused`: `create` or `update`, a pattern, the reason; and workflows when
/// `no-workflows` says so. The ways are those of git's own `update` hook.
const UPDATE_HOOK: &str = r#"#!/bin/sh
kind=update
case $2 in *[!0]*) ;; *) kind=create ;; esac
if [ -f no-workflows ] && git ls-tree -r --name-only "$3" | grep -q '^\.github/workflows/'; then
    echo "refusing to allow a Personal Access Token to create or update workflow without \`workflow\` scope" >&2
    exit 1
fi
@signatures@
[ -f refused ] || exit 0
while read -r when pattern reason; do
    # shellcheck disable=SC2254
    case $1 in $pattern)
        if [ "$when" = any ] || [ "$when" = "$kind" ]; then
            echo "$reason" >&2
            exit 1
        fi ;;
    esac
done < refused
"#;

/// Makes an empty bare repository that takes pushes.
pub(super) fn make(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", "."]).expect("made");
    // Every object is looked at, and a pack is kept as it comes, however small.
    for (key, value) in [("http.receivepack", "true"), ("receive.fsckObjects", "true"), ("receive.unpackLimit", "1")] {
        git(folder, &["config", key, value]).expect("configured");
    }
    let hook = folder.join("hooks/update");
    fs::create_dir_all(folder.join("hooks")).expect("a folder");
    fs::write(&hook, UPDATE_HOOK.replace("@signatures@", signatures::HOOK)).expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// What git prints, when it succeeds.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = clean_git(folder).args(arguments).stderr(Stdio::null()).output().expect("git runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Whether anything was pushed to a branch.
pub(super) fn has_commits(folder: &Path) -> bool {
    git(folder, &["for-each-ref", "--count=1", "refs/heads"]).is_some_and(|refs| !refs.is_empty())
}

/// The object that a name means.
pub(super) fn resolve(folder: &Path, name: &str) -> Option<String> {
    git(folder, &["rev-parse", "--verify", "--quiet", name])
}

pub(super) fn set_head(folder: &Path, branch: &str) {
    git(folder, &["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]).expect("set");
}

/// Lets a branch go on to where another is.
pub(super) fn merge(folder: &Path, into: &str, from: &str) {
    git(folder, &["merge-base", "--is-ancestor", into, from]).expect("it can go on");
    git(folder, &["update-ref", into, from]).expect("merged");
}

/// The rules of active rulesets, the repository's and its organisation's, that bind a ref.
pub(super) fn rules_for(state: &State, at: usize, reference: &str) -> Vec<Value> {
    let repository = &state.repositories[at];
    let organization = state.organizations.get(&repository.owner);
    let of_organization = organization.map(|organization| organization.rulesets.iter()).into_iter().flatten();
    let mut rules = Vec::new();
    for ruleset in repository.rulesets.iter().map(|(_, ruleset)| ruleset).chain(of_organization) {
        if ruleset["enforcement"] == "active" && binds(ruleset, reference, &repository.default_branch) {
            rules.extend(ruleset.get("rules").and_then(Value::as_array).cloned().unwrap_or_default());
        }
    }
    rules
}

fn binds(ruleset: &Map<String, Value>, reference: &str, default_branch: &str) -> bool {
    let empty = json!({});
    let names = ruleset.get("conditions").unwrap_or(&empty);
    let included = names["ref_name"]["include"].as_array().cloned().unwrap_or_default();
    let mut patterns = included.iter().filter_map(Value::as_str);
    patterns.any(|pattern| match pattern {
        "~ALL" => true,
        "~DEFAULT_BRANCH" => reference == format!("refs/heads/{default_branch}"),
        pattern => globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(reference)),
    })
}

/// Which of `create`, `update` or both a rule forbids, and how GitHub says it.
fn forbids(rule: &Value) -> Option<(&'static str, &'static str)> {
    let on_create = rule["parameters"]["do_not_enforce_on_create"] != true;
    match rule["type"].as_str()? {
        "creation" => Some(("create", "Cannot create ref due to creations being restricted.")),
        "update" => Some(("update", "Cannot update this protected ref.")),
        "pull_request" => Some(("any", "Changes must be made through a pull request.")),
        "required_status_checks" if on_create => Some(("any", "Required status check is expected.")),
        "required_status_checks" => Some(("update", "Required status check is expected.")),
        _ => None,
    }
}

/// Serves `/OWNER/NAME.git/…`.
pub(super) fn serve(state: &State, request: &Request, hook: Option<&str>) -> io::Result<(Answer, Option<usize>)> {
    let parts = request.parts();
    let [owner, name, ..] = parts.as_slice() else { return Ok((Answer::not_found(), None)) };
    let found = state.find(owner, name.trim_end_matches(".git"));
    let pushes = request.path.ends_with("git-receive-pack") || request.query.contains("git-receive-pack");
    let is_public = found.is_some_and(|at| state.repositories[at].visibility == "public");
    // What is public is fetched by everybody.
    if is_public && !pushes && request.header("authorization").is_empty() {
        return Ok((ask_git(state, request)?, None));
    }
    let Some(caller) = request.token().and_then(|token| state.caller(&token)) else {
        let refused = Answer::error(401, "Bad credentials").with("WWW-Authenticate", "Basic realm=\"GitHub\"");
        return Ok((refused, None));
    };
    let Some(at) = found else { return Ok((Answer::not_found(), None)) };
    let repository = &state.repositories[at];
    if pushes && !state.may_write(&caller, &repository.owner) {
        return Ok((Answer::error(403, "Permission denied"), None));
    }
    let level = if pushes { "write" } else { "read" };
    if caller.grant.as_ref().is_some_and(|grant| !grant.is_for(&repository.name) || !grant.may("contents", level)) {
        return Ok((Answer::error(403, "Permission denied"), None));
    }
    let folder = state.folder(repository);
    if request.path.ends_with("git-receive-pack") {
        forbid(state, at, &folder, &caller, hook)?;
        let asks = |reference: &&str| signatures::asked_for(state, at, reference);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let named = body.split("PACK").next().unwrap_or_default();
        let named = named.split([' ', '\0', '\n']).filter(|word| word.starts_with("refs/"));
        fs::write(folder.join("signed"), named.filter(asks).map(|name| format!("{name}\n")).collect::<String>())?;
    }
    Ok((ask_git(state, request)?, pushes.then_some(at)))
}

/// Writes down for the hook what it shall refuse.
fn forbid(state: &State, at: usize, folder: &Path, caller: &Caller, hook: Option<&str>) -> io::Result<()> {
    let mut lines: String = hook.map(|reason| format!("any * {reason}\n")).unwrap_or_default();
    for reference in ["main", "master"].map(|branch| format!("refs/heads/{branch}")) {
        for (when, reason) in rules_for(state, at, &reference).iter().filter_map(forbids) {
            lines += &format!("{when} {reference} GH013: Repository rule violations found for {reference}. {reason}\n");
        }
    }
    fs::write(folder.join("refused"), lines)?;
    let may_not = matches!(&caller.kind, TokenKind::Classic(scopes) if !scopes.contains(&"workflow"))
        || caller.grant.as_ref().is_some_and(|grant| !grant.may("workflows", "write"));
    let mark = folder.join("no-workflows");
    if may_not { fs::write(mark, "") } else { fs::remove_file(mark).or(Ok(())) }
}

/// Runs the request through git as a CGI program (RFC 3875).
fn ask_git(state: &State, request: &Request) -> io::Result<Answer> {
    let mut command = clean_git(&state.root);
    state.keys.known_to(&mut command);
    command.arg("http-backend").env("GIT_PROJECT_ROOT", &state.root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", &request.method).env("PATH_INFO", &request.path).env("QUERY_STRING", &request.query);
    command.env("CONTENT_TYPE", request.header("content-type")).env("REMOTE_USER", "tester");
    command.env("HTTP_CONTENT_ENCODING", request.header("content-encoding"));
    command.env("CONTENT_LENGTH", request.body.len().to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    child.stdin.take().expect("piped").write_all(&request.body)?;
    let output = child.wait_with_output()?.stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(output.len());
    let mut answer = Answer::empty(200);
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        match line.split_once(": ") {
            Some(("Status", status)) => answer.status = status[..3].parse().map_err(io::Error::other)?,
            Some((name, value)) => answer = answer.with(name, value),
            None => {}
        }
    }
    answer.body = output.get(end + 4..).unwrap_or_default().to_vec();
    Ok(answer)
}

/// What a push changes beside the objects: the first branch is the default one, when `main` is not among them.
pub(super) fn pushed(state: &mut State, at: usize) {
    let folder = state.folder(&state.repositories[at]);
    let branches = git(&folder, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]).unwrap_or_default();
    let repository = &mut state.repositories[at];
    repository.pushed_at = Some(now());
    if let Some(first) = branches.lines().next()
        && !branches.lines().any(|branch| branch == repository.default_branch)
    {
        repository.default_branch = first.to_owned();
        set_head(&folder, first);
    }
}

/// Answers what the API tells of refs, commits and trees.
pub(super) fn answer(state: &State, call: &Call<'_>, at: usize, rest: (&str, &[&str])) -> Option<Answer> {
    if let ("POST", ["git", "refs"]) = rest {
        return Some(make_ref(state, at, &call.body));
    }
    let ("GET", parts) = rest else { return None };
    let repository = &state.repositories[at];
    let folder = state.folder(repository);
    let url = format!("{}/repos/{}", state.base, repository.full_name());
    let empty = || Answer::error(409, "Git Repository is empty.");
    let answer = match parts {
        ["git", ..] | ["commits", ..] if !has_commits(&folder) => empty(),
        ["git", "ref", name @ ..] => {
            let name = format!("refs/{}", name.join("/"));
            resolve(&folder, &name).map_or_else(Answer::not_found, |id| Answer::json(200, &show_ref(&url, &name, &id)))
        }
        ["git", "matching-refs", name @ ..] => {
            let wanted = format!("refs/{}", name.join("/"));
            let all = git(&folder, &["for-each-ref", "--format=%(refname) %(objectname)"]).unwrap_or_default();
            let refs = all.lines().filter_map(|line| line.split_once(' '));
            let shown = refs.filter(|(name, _)| name.starts_with(&wanted)).map(|(name, id)| show_ref(&url, name, id));
            Answer::json(200, &shown.collect())
        }
        ["git", "commits", id] => {
            show_commit(state, &folder, &url, id).map_or_else(Answer::not_found, |shown| Answer::json(200, &shown))
        }
        ["commits", name @ ..] if !name.is_empty() => {
            let id = resolve(&folder, &format!("{}^{{commit}}", name.join("/")));
            let shown = id.and_then(|id| Some((show_commit(state, &folder, &url, &id)?, id)));
            shown.map_or_else(Answer::not_found, |(commit, id)| Answer::json(200, &in_list(&url, commit, &id)))
        }
        ["commits"] => {
            let ids = git(&folder, &["rev-list", "--max-count=30", "HEAD"]).unwrap_or_default();
            let shown = ids.lines().filter_map(|id| Some(in_list(&url, show_commit(state, &folder, &url, id)?, id)));
            Answer::json(200, &shown.collect())
        }
        ["git", "trees", id] => {
            show_tree(&folder, &url, id).map_or_else(Answer::not_found, |shown| Answer::json(200, &shown))
        }
        ["branches"] => {
            let all = git(&folder, &["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"]);
            let all = all.unwrap_or_default();
            let branch = |(name, id): (&str, &str)| json!({"name": name, "commit": {"sha": id, "url": format!("{url}/commits/{id}")}, "protected": false});
            Answer::json(200, &all.lines().filter_map(|line| line.split_once(' ')).map(branch).collect())
        }
        _ => return None,
    };
    Some(answer)
}

fn show_ref(url: &str, name: &str, id: &str) -> Value {
    let object = json!({"type": "commit", "sha": id, "url": format!("{url}/git/commits/{id}")});
    json!({"ref": name, "node_id": "REF_1", "url": format!("{url}/git/{name}"), "object": object})
}

/// Makes a ref at a commit that is there.
fn make_ref(state: &State, at: usize, body: &Value) -> Answer {
    let repository = &state.repositories[at];
    let (folder, url) = (state.folder(repository), format!("{}/repos/{}", state.base, repository.full_name()));
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let (name, id) = (text("ref"), text("sha"));
    if resolve(&folder, name).is_some() {
        return Answer::error(422, "Reference already exists");
    }
    if git(&folder, &["update-ref", name, id, ""]).is_none() {
        return Answer::error(422, "Object does not exist");
    }
    Answer::json(201, &show_ref(&url, name, id))
}

fn verification(state: &State, folder: &Path, id: &str) -> Value {
    let (payload, signature) = Keys::parts(folder, id).unzip();
    let reason = state.keys.reason(folder, id);
    let verified_at = reason.is_none().then(now);
    json!({
        "verified": reason.is_none(), "reason": reason.unwrap_or("valid"), "payload": payload, "signature": signature,
        "verified_at": verified_at,
    })
}

fn show_commit(state: &State, folder: &Path, url: &str, id: &str) -> Option<Value> {
    let format = "%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B";
    let text = git(folder, &["show", "--no-patch", &format!("--format={format}"), id])?;
    let fields: Vec<&str> = text.splitn(10, '\n').collect();
    let [sha, tree, parents, an, ae, at, cn, ce, ct, message] = fields.as_slice() else { return None };
    let link = |kind: &str, id: &str| json!({"sha": id, "url": format!("{url}/git/{kind}/{id}")});
    let parent = |id: &str| json!({"sha": id, "url": format!("{url}/git/commits/{id}"), "html_url": format!("{url}/commit/{id}")});
    Some(json!({
        "sha": sha, "node_id": "C_1", "url": format!("{url}/git/commits/{sha}"),
        "html_url": format!("{url}/commit/{sha}"), "tree": link("trees", tree), "message": message,
        "author": {"name": an, "email": ae, "date": at}, "committer": {"name": cn, "email": ce, "date": ct},
        "parents": parents.split_whitespace().map(parent).collect::<Vec<_>>(),
        "verification": verification(state, folder, sha),
    }))
}

/// A commit as `/commits` shows it.
fn in_list(url: &str, commit: Value, id: &str) -> Value {
    let mut inner = commit.clone();
    inner["comment_count"] = json!(0);
    json!({
        "url": format!("{url}/commits/{id}"), "sha": id, "node_id": "C_1", "html_url": format!("{url}/commit/{id}"),
        "comments_url": format!("{url}/commits/{id}/comments"), "author": null, "committer": null,
        "parents": commit["parents"], "commit": inner,
    })
}

fn show_tree(folder: &Path, url: &str, id: &str) -> Option<Value> {
    let tree = resolve(folder, &format!("{id}^{{tree}}"))?;
    let text = git(folder, &["ls-tree", &tree])?;
    let entry = |line: &str| {
        let (head, path) = line.split_once('\t')?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let [mode, kind, sha] = words.as_slice() else { return None };
        Some(json!({"path": path, "mode": mode, "type": kind, "sha": sha, "url": format!("{url}/git/{kind}s/{sha}")}))
    };
    let entries: Vec<Value> = text.lines().filter_map(entry).collect();
    Some(json!({"sha": tree, "url": format!("{url}/git/trees/{tree}"), "tree": entries, "truncated": false}))
}
