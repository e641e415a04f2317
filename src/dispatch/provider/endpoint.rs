//! One HTTP endpoint: the client, its timeouts and its key, and how a response's status becomes a fault.
//!
//! The client follows no redirect and takes no proxy from the environment, because either could carry the text to
//! somebody whom nobody named. A local endpoint connects only to this organisation's own addresses unless its
//! configuration says otherwise. The body of an error response is read for a known code and then forgotten.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Proxy, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use crate::document::Conversation;

use super::answer::{Answer, Patience};
use super::error::ConnectCause;
use super::resolve::{OnlyPublic, OwnAddressesOnly};
use super::{AnswerStream, Call, Dialect, ErrorCode, Fault, Framing, ProviderError, anthropic};

/// Bytes of an error body that are read to find its code.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// How long to wait for the body of an error: only its code is wanted, and the status says most.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of a list of models; a thousand models take about 400 KiB.
const MAX_DESCRIPTION: usize = 4 * 1024 * 1024;

/// How long a check that the model is really local stays good. A model can be replaced by one that is served elsewhere
/// while Cordon runs, so the check is repeated; the answer is checked too.
const LOCAL_CHECK_GOOD_FOR: Duration = Duration::from_secs(10);

/// Longest pause that a backend may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How a key is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    /// `authorization: Bearer`.
    Bearer,
    /// `x-api-key`, with `anthropic-version`.
    Anthropic,
}

/// What an endpoint is made of, validated.
pub(crate) struct EndpointSettings {
    pub(crate) name: Arc<str>,
    pub(crate) model: Arc<str>,
    /// Base URL, without user info.
    pub(crate) url: Url,
    pub(crate) key: Option<SecretString>,
    pub(crate) key_header: KeyHeader,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) total_timeout: Duration,
    pub(crate) max_answer_bytes: u64,
    /// Whether it may be asked for log-probabilities.
    pub(crate) probabilities: bool,
    pub(crate) proxy: Option<Url>,
    /// Connect to nobody outside.
    pub(crate) own_addresses_only: bool,
}

/// An endpoint cannot be made.
#[derive(Debug, Error)]
pub(crate) enum EndpointError {
    #[error("its key holds characters that no HTTP header may hold; check for stray line breaks")]
    Key,
    #[error("its url cannot be a base url; write it as `http://host:port`")]
    Url,
    #[error("its proxy cannot be used; write it as `http://host:port`")]
    Proxy,
    #[error("the HTTP client could not be built; check the system's certificate store")]
    Client,
}

/// A way to one backend.
pub(crate) struct Endpoint {
    name: Arc<str>,
    model: Arc<str>,
    client: Client,
    url: Url,
    models_url: Url,
    check_url: Option<Url>,
    headers: HeaderMap,
    dialect: Box<dyn Dialect>,
    idle_timeout: Duration,
    total_timeout: Duration,
    max_answer_bytes: u64,
    probabilities: bool,
    checked_local: Mutex<Option<Instant>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).field("model", &self.model).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(crate) fn new(settings: EndpointSettings, dialect: Box<dyn Dialect>) -> Result<Self, EndpointError> {
        // `no_proxy` also switches off the proxies of the environment; it must come before `proxy`, which it clears.
        let mut client = Client::builder()
            .user_agent(concat!("cordon/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true);
        if let Some(proxy) = settings.proxy {
            client = client.proxy(Proxy::all(proxy).map_err(|_| EndpointError::Proxy)?);
        }
        if settings.own_addresses_only {
            client = client.dns_resolver(OwnAddressesOnly);
        }
        let client = client.build().map_err(|_| EndpointError::Client)?;
        let check_url = match dialect.local_check() {
            Some(check) => Some(join(&settings.url, check.path())?),
            None => None,
        };
        Ok(Self {
            url: join(&settings.url, dialect.path())?,
            models_url: join(&settings.url, dialect.models_path())?,
            check_url,
            headers: headers(settings.key.as_ref(), settings.key_header)?,
            name: settings.name,
            model: settings.model,
            client,
            dialect,
            idle_timeout: settings.idle_timeout,
            total_timeout: settings.total_timeout,
            max_answer_bytes: settings.max_answer_bytes,
            probabilities: settings.probabilities,
            checked_local: Mutex::new(None),
        })
    }

    /// Sends the conversation and returns the answer as it comes.
    pub(crate) async fn open(&self, conversation: &Conversation, call: Call) -> Result<AnswerStream, ProviderError> {
        if call.probabilities && self.probabilities {
            match self.ask(conversation, call, true).await {
                // Some servers refuse what they do not know, and llama.cpp refuses it beside tools.
                Err(ProviderError { fault: Fault::Rejected { .. } | Fault::Failed { status: 501, .. }, .. }) => {}
                other => return other,
            }
        }
        self.ask(conversation, call, false).await
    }

    async fn ask(
        &self,
        conversation: &Conversation,
        call: Call,
        probabilities: bool,
    ) -> Result<AnswerStream, ProviderError> {
        let patience = self.patience(call);
        let body = self.dialect.body(conversation, probabilities).map_err(|fault| self.error(fault))?;
        let accept = match self.dialect.framing() {
            Framing::JsonLines => "application/x-ndjson",
            Framing::Events => "text/event-stream",
            Framing::Whole => "application/json",
        };
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept)
            .body(body);
        let mut response = self.send(request, &patience).await.map_err(|fault| self.error(fault))?;
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        // A whole JSON body instead of events, or a web page of something in between, would only look like silence.
        let unstreamed = self.dialect.framing() == Framing::Events && kind.starts_with("application/json");
        if unstreamed || kind.starts_with("text/html") {
            return Err(self.error(Fault::Malformed("it is no stream")));
        }
        // They are views into the buffer of the connection, and would keep 8 KiB of it for as long as the answer streams.
        response.headers_mut().clear();
        let (name, model) = (Arc::clone(&self.name), Arc::clone(&self.model));
        let answer = Answer {
            response,
            framing: self.dialect.framing(),
            decoder: self.dialect.decoder(),
            patience,
            max_bytes: self.max_answer_bytes,
            name_error: Box::new(move |fault| ProviderError { backend: name.clone(), model: model.clone(), fault }),
        };
        Ok(answer.into_stream())
    }

    /// Bytes of the request that [`Self::open`] sends.
    pub(crate) fn request_bytes(&self, conversation: &Conversation) -> Option<u64> {
        // Asking for probabilities makes it longer, if anything.
        self.dialect.body(conversation, true).ok().map(|body| body.len() as u64)
    }

    /// Asks the backend whether the model is really served there. Backends that cannot say pass.
    pub(crate) async fn ensure_local(&self, call: Call) -> Result<(), ProviderError> {
        let checked = *self.checked_local.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.is_some_and(|at| at.elapsed() < LOCAL_CHECK_GOOD_FOR) {
            return Ok(());
        }
        self.check_local(call).await
    }

    /// The same, without trusting an earlier answer. Sends no text.
    pub(crate) async fn probe(&self, call: Call) -> Result<(), ProviderError> {
        if self.check_url.is_some() {
            return self.check_local(call).await;
        }
        // Any answer shows that something listens, also that of a backend without such a list.
        let request = self.client.get(self.models_url.clone()).headers(self.headers.clone());
        match self.send(request, &self.patience(call)).await {
            Ok(_) | Err(Fault::Rejected { .. } | Fault::ModelNotFound { .. } | Fault::Failed { status: 501, .. }) => {
                Ok(())
            }
            Err(fault) => Err(self.error(fault)),
        }
    }

    async fn check_local(&self, call: Call) -> Result<(), ProviderError> {
        let (Some(url), Some(check)) = (&self.check_url, self.dialect.local_check()) else {
            return Ok(());
        };
        *self.checked_local.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let patience = self.patience(call);
        let request = self.client.get(url.clone()).headers(self.headers.clone());
        let outcome = match self.send(request, &patience).await {
            Ok(response) => match read(response, MAX_DESCRIPTION, &patience).await {
                Ok(description) => check.judge(&description),
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        };
        outcome.map_err(|fault| self.error(fault))?;
        *self.checked_local.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    async fn send(&self, request: reqwest::RequestBuilder, patience: &Patience) -> Result<Response, Fault> {
        let response = patience.wait(request.send()).await?.map_err(|error| connect_fault(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(Fault::Redirect);
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(retry_after);
        let patience = Patience { idle: ERROR_BODY_PATIENCE.min(patience.idle), ..*patience };
        let code = match read(response, MAX_ERROR_BODY, &patience).await {
            Ok(body) => ErrorCode::of_body(&body),
            Err(_) => ErrorCode::default(),
        };
        Err(status_fault(status, code, retry_after))
    }

    fn patience(&self, call: Call) -> Patience {
        Patience::new(self.idle_timeout, self.total_timeout, call.deadline)
    }

    pub(crate) fn error(&self, fault: Fault) -> ProviderError {
        ProviderError { backend: Arc::clone(&self.name), model: Arc::clone(&self.model), fault }
    }
}

/// Reads a body of bounded size; a larger one is a fault, because a part of it says nothing.
async fn read(mut response: Response, limit: usize, patience: &Patience) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = patience.wait(response.chunk()).await?.map_err(|_| Fault::Broken)? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(Fault::Malformed("it is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn status_fault(status: StatusCode, code: ErrorCode, retry_after: Option<Duration>) -> Fault {
    match status.as_u16() {
        401 | 403 => Fault::KeyRefused { code },
        404 => Fault::ModelNotFound { code },
        429 => Fault::Busy { code, retry_after },
        // 408: the backend timed out waiting, which is its affair and passes.
        status @ 408 => Fault::Failed { status, code, retry_after },
        status if status < 500 => Fault::Rejected { status, code },
        status => Fault::Failed { status, code, retry_after },
    }
}

/// Seconds or an HTTP date (RFC 9110, section 10.2.3).
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let pause = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(until.duration_since(jiff::Timestamp::now())).unwrap_or(Duration::ZERO)
        }
    };
    Some(pause.min(MAX_RETRY_AFTER))
}

/// Only what kind of error it is leaves here: the rest of a client error may quote URLs.
fn connect_fault(error: &reqwest::Error) -> Fault {
    let mut cause = error.source();
    let mut kind = None;
    while let Some(inner) = cause {
        if inner.is::<OnlyPublic>() {
            return Fault::PublicAddress;
        }
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            if io.get_ref().is_some_and(|inner| inner.is::<OnlyPublic>()) {
                return Fault::PublicAddress;
            }
            // `Other` and `Uncategorized` say nothing to people.
            kind = kind.or(match io.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::TimedOut => Some(io.kind()),
                _ => None,
            });
        }
        cause = inner.source();
    }
    match kind {
        _ if error.is_timeout() => Fault::Connect(ConnectCause::TimedOut),
        Some(kind) if error.is_connect() => Fault::Connect(ConnectCause::Io(kind)),
        None if error.is_connect() => Fault::Connect(ConnectCause::Other),
        _ => Fault::Broken,
    }
}

fn join(base: &Url, path: &[&str]) -> Result<Url, EndpointError> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().map_err(|()| EndpointError::Url)?.pop_if_empty().extend(path);
    Ok(url)
}

fn headers(key: Option<&SecretString>, style: KeyHeader) -> Result<HeaderMap, EndpointError> {
    let mut headers = HeaderMap::new();
    if style == KeyHeader::Anthropic {
        headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
    }
    if let Some(key) = key {
        let (name, value) = match style {
            KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
            KeyHeader::Anthropic => (HeaderName::from_static("x-api-key"), key.expose_secret().to_owned()),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| EndpointError::Key)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_to_any_base() {
        let joined = |base: &str| join(&Url::parse(base).unwrap(), &["api", "chat"]).unwrap().to_string();
        assert_eq!(joined("http://h:1"), "http://h:1/api/chat");
        assert_eq!(joined("http://h:1/"), "http://h:1/api/chat");
        assert_eq!(joined("http://h/ollama"), "http://h/ollama/api/chat");
        assert_eq!(joined("http://h/ollama/?x=1#y"), "http://h/ollama/api/chat");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |text: &str| retry_after(&HeaderValue::from_str(text).unwrap());
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("999999999"), Some(MAX_RETRY_AFTER));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO), "past");
        assert_eq!(read("Wed, 21 Oct 2099 07:28:00 GMT"), Some(MAX_RETRY_AFTER));
        assert_eq!(read("soon"), None);
    }

    struct OnlyPublicAddresses;

    impl reqwest::dns::Resolve for OnlyPublicAddresses {
        fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err(OnlyPublic.into()) })
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_outside_is_told() {
        let client = Client::builder().no_proxy().dns_resolver(OnlyPublicAddresses).build().unwrap();
        let error = client.get("http://llm.internal/").send().await.unwrap_err();
        assert_eq!(connect_fault(&error), Fault::PublicAddress);
    }
}
