//! Smart HTTP: one GET that lists, one POST a question (git's `gitprotocol-http`).

use std::cell::{OnceCell, RefCell};
use std::io::{self, Read, Write};
use std::sync::Arc;

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{StatusCode, Url};

use super::{NetworkError, ReferenceListCheck, TransportState};
use crate::net::{self, Limits, Trouble, printable};

/// Servers recognise git by this prefix.
const USER_AGENT: &str = concat!("git/2.0 (apiscaffold ", env!("CARGO_PKG_VERSION"), ")");
const MOST_REDIRECTS: usize = 5;

pub(super) struct Http {
    shared: Arc<TransportState>,
    /// Made at the first request: it reads the system's certificates, which a run without network should not pay for.
    client: OnceCell<Client>,
    /// The repository's URL after redirects.
    base: RefCell<Option<Url>>,
}

impl Http {
    pub(super) fn new(shared: Arc<TransportState>) -> Self {
        Self { shared, client: OnceCell::new(), base: RefCell::new(None) }
    }

    fn client(&self) -> Result<&Client, NetworkError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let network = &self.shared.network;
        let limits = Limits { connect: network.connect_limit, answer: network.idle_limit };
        let built = net::http(limits).user_agent(USER_AGENT).redirect(Policy::custom(follow)).build();
        let client = built.map_err(|error| Trouble::of(error, "", 0))?;
        Ok(self.client.get_or_init(|| client))
    }

    pub(super) fn list(&self, url: &str, service: &str) -> Result<HttpStream, NetworkError> {
        let url = url.trim_end_matches('/');
        let asked = Url::parse(&format!("{url}/info/refs?service={service}"))
            .map_err(|error| NetworkError::Said { text: format!("not a URL: {error}") })?;
        let request = self.client()?.get(asked.clone()).header(CACHE_CONTROL, "no-cache");
        let request = self.signed(request, &asked);
        let answer = send(&self.shared, request, &asked, &format!("application/x-{service}-advertisement"))?;
        let mut base = answer.url().clone();
        base.set_query(None);
        let path = base.path().strip_suffix("/info/refs").ok_or(Trouble::Redirect)?.to_owned();
        base.set_path(&path);
        // A redirect within the server keeps the token; to another one it does not (`call`).
        self.base.replace(Some(base));
        Ok(HttpStream::listing(Arc::clone(&self.shared), answer))
    }

    fn call(&self, url: &str, service: &'static str) -> Result<HttpStream, NetworkError> {
        let (request, target) = self.question(url, service)?;
        Ok(HttpStream::asking(Arc::clone(&self.shared), request, target, service))
    }

    /// Sends a question that is in memory as a whole: only then does `reqwest` notice an answer (too long, not allowed)
    /// that comes before all is sent.
    pub(super) fn ask(&self, url: &str, service: &str, question: Vec<u8>) -> Result<HttpStream, NetworkError> {
        let (request, target) = self.question(url, service)?;
        let answer = send(&self.shared, request.body(question), &target, &result_of(service))?;
        Ok(HttpStream { shared: Arc::clone(&self.shared), question: None, answer: Some(answer), listing: None })
    }

    fn question(&self, url: &str, service: &str) -> Result<(RequestBuilder, Url), NetworkError> {
        let base = self.base.borrow().clone().ok_or(Trouble::Lost)?;
        let mut target = base.clone();
        target.set_path(&format!("{}/{service}", base.path().trim_end_matches('/')));
        let request = self
            .client()?
            .post(target.clone())
            .header(CONTENT_TYPE, format!("application/x-{service}-request"))
            .header(ACCEPT, result_of(service));
        let same_server = Url::parse(url).is_ok_and(|first| first.origin() == target.origin());
        let request = if same_server { self.signed(request, &target) } else { request };
        Ok((request, target))
    }

    /// Adds the token, if there is one and nobody on the way can read it.
    fn signed(&self, request: RequestBuilder, url: &Url) -> RequestBuilder {
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match &self.shared.network.token {
            Some(token) if url.scheme() == "https" || here => {
                request.basic_auth("x-access-token", Some(token.expose()))
            }
            _ => request,
        }
    }
}

impl SmartSubtransport for Http {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let opened = match action {
            Service::UploadPackLs => self.list(url, "git-upload-pack"),
            Service::UploadPack => self.call(url, "git-upload-pack"),
            Service::ReceivePackLs | Service::ReceivePack => Err(NetworkError::no_push()),
        };
        opened.map(|call| Box::new(call) as _).map_err(|trouble| self.shared.fail(trouble))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// Only the listing may be redirected (a POST would become a GET), a few times, and never out of encryption.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let first = attempt.previous().first();
    let lists = first.is_some_and(|url| url.path().ends_with("/info/refs"));
    let exposed = first.is_some_and(|url| url.scheme() == "https") && attempt.url().scheme() != "https";
    if lists && !exposed && attempt.previous().len() <= MOST_REDIRECTS {
        attempt.follow()
    } else {
        attempt.error("not followed")
    }
}

/// The content type of an answer.
fn result_of(service: &str) -> String {
    format!("application/x-{service}-result")
}

fn send(shared: &TransportState, request: RequestBuilder, url: &Url, wanted: &str) -> Result<Response, NetworkError> {
    let network = &shared.network;
    let failed = |error: reqwest::Error| {
        let limit = if error.is_connect() { network.connect_limit } else { network.idle_limit };
        Trouble::of(error, url.host_str().unwrap_or_default(), limit.as_secs())
    };
    let answer = request.send().map_err(failed)?;
    if answer.status() != StatusCode::OK {
        let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(NetworkError::of_status(answer.status().as_u16(), pause));
    }
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    if content_type == wanted {
        Ok(answer)
    } else {
        Err(NetworkError::NotGit { content_type: printable(content_type) })
    }
}

/// One request and its answer, which is passed on as it comes.
pub(super) struct HttpStream {
    shared: Arc<TransportState>,
    /// Sent at the first read, with the bytes written until then.
    question: Option<PendingRequest>,
    answer: Option<Response>,
    /// Present for a listing only.
    listing: Option<ReferenceListCheck>,
}

struct PendingRequest {
    request: RequestBuilder,
    url: Url,
    service: &'static str,
    body: Vec<u8>,
}

impl HttpStream {
    fn listing(shared: Arc<TransportState>, answer: Response) -> Self {
        Self { shared, question: None, answer: Some(answer), listing: Some(ReferenceListCheck::default()) }
    }

    fn asking(shared: Arc<TransportState>, request: RequestBuilder, url: Url, service: &'static str) -> Self {
        let question = PendingRequest { request, url, service, body: Vec::new() };
        Self { shared, question: Some(question), answer: None, listing: None }
    }

    fn ask(&self, question: PendingRequest) -> Result<Response, NetworkError> {
        let PendingRequest { request, url, service, body } = question;
        send(&self.shared, request.body(body), &url, &result_of(service))
    }
}

impl Read for HttpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(question) = self.question.take() {
            let answer = self.ask(question).map_err(|trouble| self.shared.fail_io(trouble))?;
            self.answer = Some(answer);
        }
        let Some(answer) = &mut self.answer else { return Ok(0) };
        let seconds = self.shared.network.idle_limit.as_secs();
        let read = answer.read(buffer).map_err(|error| {
            let inner = error.into_inner().and_then(|inner| inner.downcast::<reqwest::Error>().ok());
            let trouble = inner.map_or(Trouble::Lost, |error| Trouble::of(*error, "", seconds));
            self.shared.fail_io(trouble.into())
        })?;
        if self.listing.as_mut().is_none_or(|listing| listing.accepts(&buffer[..read])) {
            Ok(read)
        } else {
            Err(self.shared.fail_io(NetworkError::NotUtf8))
        }
    }
}

impl Write for HttpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(question) = &mut self.question else {
            return Err(self.shared.fail_io(Trouble::Lost.into()));
        };
        question.body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
