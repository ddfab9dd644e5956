//! A GitHub on this machine that remembers: the calls that `apiscaffold` makes, pushes over real smart HTTP, and faults
//! on demand. What it answers is held against GitHub's own description (`contract`).

mod accounts;
mod environments;
pub(crate) mod fault;
mod git;
mod holdings;
pub(crate) mod http;
pub(crate) mod log;
mod pulls;
mod repositories;
mod route;
mod serve;
mod settings;
mod show;
pub(crate) mod signatures;
pub(crate) mod state;

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use fault::Fault;
use log::Entry;
use serve::Shared;
use state::{Caller, Organization, State, TokenKind};

/// The server; it stops when it is dropped.
pub(crate) struct GitHub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    _root: TempDir,
}

impl GitHub {
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::new(address, State::new(format!("http://{address}"), root.path().to_owned())));
        let listening = Arc::clone(&shared);
        let thread = thread::spawn(move || listening.listen(listener));
        Self { shared, thread: Some(thread), _root: root }
    }

    /// `http://127.0.0.1:PORT`: both GITHUB_API_URL and GITHUB_SERVER_URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Everything it holds, to look at or to change.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no handler panicked")
    }

    /// Adds an organisation with one owner, who is made too.
    pub(crate) fn add_organization(&self, login: &str, owner: &str) {
        let mut state = self.state();
        let id = state.new_id();
        let user = state.new_id();
        state.users.entry(owner.to_owned()).or_insert(user);
        let members = [(owner.to_owned(), "admin".to_owned())].into();
        let organization = Organization { id, members, enterprise: true, ..Organization::default() };
        state.organizations.insert(login.to_owned(), organization);
    }

    /// Changes an organisation.
    pub(crate) fn organization(&self, login: &str, change: impl FnOnce(&mut Organization)) {
        change(self.state().organizations.get_mut(login).expect("it was added"));
    }

    /// Adds a team.
    pub(crate) fn add_team(&self, login: &str, slug: &str) {
        let id = self.state().new_id();
        self.organization(login, |organization| {
            organization.teams.insert(slug.to_owned(), state::Team::new(id, slug));
        });
    }

    /// A new token of this kind for this user.
    pub(crate) fn add_token(&self, login: &str, kind: TokenKind) -> String {
        let prefix = match kind {
            TokenKind::Classic(_) => "ghp_",
            TokenKind::FineGrained => "github_pat_",
            TokenKind::Installation | TokenKind::Actions => "ghs_",
        };
        let token = format!("{prefix}{}", random());
        let mut state = self.state();
        if !state.organizations.contains_key(login) {
            let id = state.new_id();
            state.users.entry(login.to_owned()).or_insert(id);
        }
        state.tokens.insert(token.clone(), Caller { login: login.to_owned(), kind, expires: None, grant: None });
        token
    }

    /// Adds an empty repository that no request made.
    pub(crate) fn add_repository(&self, owner: &str, name: &str, visibility: &str) -> u64 {
        let mut state = self.state();
        let at = state.add_repository(owner, name, visibility);
        state.repositories[at].id
    }

    /// Adds a fault to those to come.
    pub(crate) fn plan(&self, fault: Fault) {
        self.shared.plan.lock().expect("no panic").add(fault);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn heal(&self) {
        self.shared.plan.lock().expect("no panic").clear();
    }

    /// Every answer takes this much longer.
    pub(crate) fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock().expect("no panic") = latency;
    }

    /// A text that may be in no URL, no body in clear and no process's arguments. Tokens need not be given.
    pub(crate) fn guard(&self, text: &str) {
        self.shared.guarded.lock().expect("no panic").push(text.to_owned());
    }

    /// Where guarded texts and tokens were seen.
    pub(crate) fn leaks(&self) -> Vec<String> {
        self.shared.leaks.lock().expect("no panic").clone()
    }

    /// Every token and guarded text there ever was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.shared.secrets()
    }

    /// The requests since the last call; counting begins anew.
    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.shared.log.lock().expect("no panic"))
    }

    /// What is there in the end, without ids and times: equal for equal ends.
    pub(crate) fn end(&self) -> Value {
        let state = self.state();
        let one = |repository: &state::Repository| {
            let folder = state.folder(repository);
            let refs = git::git(&folder, &["for-each-ref", "--format=%(refname) %(tree)"]).unwrap_or_default();
            let commits = git::git(&folder, &["rev-list", "--all", "--count"]).unwrap_or_default();
            json!({"settings": repository.settings(), "refs": refs.lines().collect::<Vec<_>>(), "commits": commits})
        };
        state.repositories.iter().map(one).collect()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.shared.address);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

/// 32 letters and digits that nobody had before.
pub(crate) fn random() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now().as_nanosecond();
    let seed = format!("{now} {} {}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, seed.as_bytes()).simple().to_string()
}
