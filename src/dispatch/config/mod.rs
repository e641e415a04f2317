//! A backend as the configuration writes it, and the checks that it must pass before it is used. Keys never stand in
//! the file: it names an environment variable or a file. Where a backend may be is checked here by its URL, and again
//! at each connection by its address.

mod error;
mod escalation;
mod terms;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs, io};

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

pub use self::error::BackendError;
use self::error::Problem;
pub use self::escalation::{EscalationCalibration, EscalationConfig, HoldBack};
pub(super) use self::terms::Terms;
use super::provider::{
    Anthropic, Dialect, Embedding, Endpoint, EndpointSettings, KeyHeader, Ollama, OpenAi, TokenLimitField, is_loopback,
    may_be_own,
};
use crate::money::PriceConfig;

/// Bytes of a key file: keys are short, and a mistaken path must not fill memory.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Where a backend stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// On this organisation's own machines.
    Local,
    /// At a provider outside.
    Cloud,
}

/// What protocol a backend speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendKind {
    /// Ollama's own API.
    Ollama,
    /// Chat completions: OpenAI, llama.cpp, vLLM and others.
    Openai,
    /// Anthropic's Messages API.
    Anthropic,
}

/// `[[backend]]`: one model at one place. Backends of one side are tried by priority, those without one last and in the
/// order of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendConfig {
    /// Its name in records and answers; unique.
    pub name: String,
    /// Whose machines it runs on: `local` or `cloud`.
    pub side: Side,
    /// What protocol it speaks.
    pub kind: BackendKind,
    /// Base URL. For `openai` it may end in `/v1`; without a path that is added.
    pub url: String,
    /// Name of the model there. A backend that only makes embeddings has none.
    #[serde(default)]
    pub model: String,
    /// Lower numbers are tried first. Backends of one side with the same number share the requests by weight.
    #[serde(default)]
    pub priority: Option<u32>,
    /// Share of the requests among backends of the same priority; 1 to 1000, 1 when absent.
    #[serde(default)]
    pub weight: Option<u32>,
    /// Environment variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// File that holds the key; white space around it is ignored.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// Milliseconds to connect in.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout_ms: u64,
    /// Milliseconds without a byte after which the backend counts as hung. A local model reads a long prompt for a
    /// while before its first token.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout_ms: u64,
    /// Milliseconds until the first piece of the answer, connection and head included; the idle timeout alone holds when
    /// absent. A backend with others beside it is given two thirds of the caller's time at most.
    #[serde(default)]
    pub first_token_timeout_ms: Option<u64>,
    /// How often the backend is called again for one request after a failure that passes by itself (no connection, 429,
    /// 502, 503, 504, no first piece in time), and only before the first piece. 0 to 5.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// Milliseconds between two questions whether the backend is there; they hold no text. 0 is never. 30 s when absent
    /// for a local backend, never for one in the cloud.
    #[serde(default)]
    pub health_interval_ms: Option<u64>,
    /// Calls in work there at once; no limit when absent.
    #[serde(default)]
    pub max_calls: Option<u32>,
    /// Requests that may wait for one of those calls to end, each until its deadline; four times `max_calls` when
    /// absent. One more is told at once to come back.
    #[serde(default)]
    pub max_waiting: Option<u32>,
    /// Milliseconds that one answer may take; the caller's deadline holds too.
    #[serde(default = "default_total_timeout")]
    pub total_timeout_ms: u64,
    /// Tokens of an answer when the caller does not say.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// Bytes of text that one answer may have.
    #[serde(default = "default_max_answer_bytes")]
    pub max_answer_bytes: u64,
    /// Context length to ask Ollama for; its own default is a few thousand tokens.
    #[serde(default)]
    pub context_tokens: Option<u32>,
    /// Field of a chat completion that limits the answer; `max_completion_tokens` for the cloud, `max_tokens` locally.
    #[serde(default)]
    pub token_limit_field: Option<TokenLimitField>,
    /// Accept a local backend at a public address or name: it is this organisation's own all the same.
    #[serde(default)]
    pub allow_public_address: bool,
    /// HTTP proxy to a cloud backend. Proxies of the environment are never used.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Whether a local backend may be asked for the log-probabilities of its tokens; true when absent for the kinds whose
    /// servers give them.
    #[serde(default)]
    pub logprobs: Option<bool>,
    /// What makes a local answer sure enough.
    #[serde(default)]
    pub escalation: Option<EscalationConfig>,
    /// Name of a model there that makes embeddings, for `POST /v1/embeddings`.
    #[serde(default)]
    pub embedding_model: Option<String>,
    /// What its tokens cost; without it no cost is told.
    #[serde(default)]
    pub price: Option<PriceConfig>,
}

fn default_connect_timeout() -> u64 {
    3_000
}

fn default_idle_timeout() -> u64 {
    120_000
}

fn default_retries() -> u32 {
    1
}

fn default_total_timeout() -> u64 {
    900_000
}

fn default_max_answer_bytes() -> u64 {
    16 * 1024 * 1024
}

impl BackendConfig {
    /// A backend with the defaults for everything else.
    #[must_use]
    pub fn new(name: &str, side: Side, kind: BackendKind, url: &str, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            side,
            kind,
            url: url.to_owned(),
            model: model.to_owned(),
            priority: None,
            weight: None,
            api_key_env: None,
            api_key_file: None,
            connect_timeout_ms: default_connect_timeout(),
            idle_timeout_ms: default_idle_timeout(),
            first_token_timeout_ms: None,
            retries: default_retries(),
            health_interval_ms: None,
            max_calls: None,
            max_waiting: None,
            total_timeout_ms: default_total_timeout(),
            max_output_tokens: None,
            max_answer_bytes: default_max_answer_bytes(),
            context_tokens: None,
            token_limit_field: None,
            allow_public_address: false,
            proxy: None,
            logprobs: None,
            escalation: None,
            embedding_model: None,
            price: None,
        }
    }

    /// Whether it has a model that answers, and is not there for vectors alone.
    pub(super) fn answers(&self) -> bool {
        !self.model.is_empty() || self.embedding_model.is_none()
    }

    /// Checks everything and makes the endpoint for answers.
    pub(super) fn endpoint(&self) -> Result<Endpoint, BackendError> {
        self.checked(&self.model, |model| self.dialect(model))
            .map_err(|problem| BackendError { backend: self.name.clone(), problem })
    }

    /// The same for vectors, if it has a model that makes them.
    pub(super) fn embedding_endpoint(&self) -> Result<Option<Endpoint>, BackendError> {
        let Some(model) = &self.embedding_model else { return Ok(None) };
        let dialect = |model| match self.kind {
            BackendKind::Ollama => Ok(Embedding::ollama(model, self.side == Side::Local)),
            BackendKind::Openai => Ok(Embedding::openai(model)),
            BackendKind::Anthropic => Err(Problem::ForeignField("embedding_model", "openai")),
        };
        dialect(model.as_str().into())
            .and_then(|dialect| self.checked(model, |_| Box::new(dialect)))
            .map(Some)
            .map_err(|problem| BackendError { backend: self.name.clone(), problem })
    }

    fn checked(&self, model: &str, dialect: impl FnOnce(Arc<str>) -> Box<dyn Dialect>) -> Result<Endpoint, Problem> {
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(is_name_byte) {
            return Err(Problem::Name);
        }
        if model.is_empty() || model.len() > 128 || model.chars().any(char::is_control) {
            return Err(Problem::Model);
        }
        for (field, value) in [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("total_timeout_ms", self.total_timeout_ms),
            ("max_answer_bytes", self.max_answer_bytes),
            ("max_output_tokens", self.max_output_tokens.map_or(1, u64::from)),
            ("context_tokens", self.context_tokens.map_or(1, u64::from)),
        ] {
            if value == 0 {
                return Err(Problem::Zero(field));
            }
        }
        if self.context_tokens.is_some() && self.kind != BackendKind::Ollama {
            return Err(Problem::ForeignField("context_tokens", "ollama"));
        }
        if self.token_limit_field.is_some() && self.kind != BackendKind::Openai {
            return Err(Problem::ForeignField("token_limit_field", "openai"));
        }
        let url = self.checked_url()?;
        let model: Arc<str> = model.into();
        let settings = EndpointSettings {
            name: self.name.as_str().into(),
            model: Arc::clone(&model),
            url,
            key: self.key()?,
            key_header: match self.kind {
                BackendKind::Anthropic => KeyHeader::Anthropic,
                BackendKind::Ollama | BackendKind::Openai => KeyHeader::Bearer,
            },
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            idle_timeout: Duration::from_millis(self.idle_timeout_ms),
            total_timeout: Duration::from_millis(self.total_timeout_ms),
            max_answer_bytes: self.max_answer_bytes,
            probabilities: self.gives_probabilities(),
            proxy: self.checked_proxy()?,
            own_addresses_only: self.side == Side::Local && !self.allow_public_address,
        };
        Ok(Endpoint::new(settings, dialect(model))?)
    }

    fn dialect(&self, model: Arc<str>) -> Box<dyn Dialect> {
        let local = self.side == Side::Local;
        match self.kind {
            BackendKind::Ollama => Box::new(Ollama::new(model, self.max_output_tokens, self.context_tokens, local)),
            BackendKind::Openai => {
                let by_side = if local { TokenLimitField::MaxTokens } else { TokenLimitField::MaxCompletionTokens };
                Box::new(OpenAi::new(model, self.max_output_tokens, self.token_limit_field.unwrap_or(by_side)))
            }
            BackendKind::Anthropic => Box::new(Anthropic::new(model, self.max_output_tokens)),
        }
    }

    fn checked_url(&self) -> Result<Url, Problem> {
        let mut url = plain_url(&self.url).ok_or(Problem::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Problem::UserInfo);
        }
        let host = url.host().ok_or(Problem::Url)?;
        match self.side {
            Side::Local if self.proxy.is_some() => return Err(Problem::LocalProxy),
            Side::Local if !self.allow_public_address && !may_be_own(&host) => return Err(Problem::PublicAddress),
            Side::Local => {}
            Side::Cloud if self.allow_public_address => return Err(Problem::CloudOptIn),
            Side::Cloud if url.scheme() == "http" && !is_loopback(&host) => return Err(Problem::PlainHttp),
            Side::Cloud => {}
        }
        if self.kind == BackendKind::Openai && matches!(url.path(), "" | "/") {
            url.set_path("/v1");
        }
        Ok(url)
    }

    fn checked_proxy(&self) -> Result<Option<Url>, Problem> {
        match &self.proxy {
            Some(proxy) => plain_url(proxy).map(Some).ok_or(Problem::Proxy),
            None => Ok(None),
        }
    }

    fn key(&self) -> Result<Option<SecretString>, Problem> {
        let key = match (&self.api_key_env, &self.api_key_file) {
            (Some(_), Some(_)) => return Err(Problem::TwoKeys),
            (Some(variable), None) => std::env::var(variable).map_err(|_| Problem::KeyVariable(variable.clone()))?,
            (None, Some(path)) => read_key(path)?,
            (None, None) => return Ok(None),
        };
        let key = zeroize::Zeroizing::new(key);
        let trimmed = key.trim();
        if trimmed.is_empty() {
            return Err(Problem::EmptyKey);
        }
        Ok(Some(SecretString::from(trimmed.to_owned())))
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn plain_url(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn read_key(path: &Path) -> Result<String, Problem> {
    read_small(path, MAX_KEY_FILE).map_err(|kind| Problem::KeyFile(path.to_owned(), kind))
}

/// A file of at most so many bytes.
fn read_small(path: &Path, limit: u64) -> Result<String, io::ErrorKind> {
    if fs::metadata(path).map_err(|error| error.kind())?.len() > limit {
        return Err(io::ErrorKind::FileTooLarge);
    }
    fs::read_to_string(path).map_err(|error| error.kind())
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ollama => "ollama",
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        })
    }
}
