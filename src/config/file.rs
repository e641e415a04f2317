//! The configuration file as it is written: its sections, their defaults, and reading them strictly. Whether a value
//! makes sense is not asked here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, DEFAULT_LISTEN};
use crate::audit::FleetSection;
use crate::control::{BudgetConfig, RateLimitConfig};
use crate::detect::CalibrationChoice;
use crate::dispatch::BackendConfig;
use crate::ner::NerConfig;
use crate::redact::RedactionConfig;
use crate::service::CallerConfig;

/// The file as written, before validation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where the audit log and its key live; the user's data directory when absent.
    pub data_dir: Option<PathBuf>,
    /// The policy file; the embedded default policy when absent.
    pub policy: Option<PathBuf>,
    /// A policy that decides beside the one in force, is recorded and counted, and never acts.
    pub observe_policy: Option<PathBuf>,
    /// Listeners and their limits.
    pub server: ServerSection,
    /// Who may call.
    #[serde(rename = "caller")]
    pub callers: Vec<CallerConfig>,
    /// The calibration of scores: `embedded`, `none`, or a file that `cordon calibrate detection` wrote.
    pub calibration: CalibrationChoice,
    /// The named-entity model.
    pub ner: NerConfig,
    /// The audit log.
    pub audit: AuditSection,
    /// The key of redaction, and how long sealed maps open.
    pub redaction: RedactionConfig,
    /// Where requests can be sent.
    #[serde(rename = "backend")]
    pub backends: Vec<BackendConfig>,
    /// Logs and metrics.
    pub telemetry: TelemetrySection,
    /// What may be spent in the cloud on one day.
    #[serde(rename = "budget")]
    pub budgets: Vec<BudgetConfig>,
    /// How often callers may ask.
    #[serde(rename = "rate_limit")]
    pub rate_limits: Vec<RateLimitConfig>,
    /// The doors for OpenAI's and Ollama's clients.
    pub http: HttpSection,
}

/// `[http]`: what the doors for OpenAI's and Ollama's clients accept. They are on every listener, beside gRPC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// Names of models that clients may ask for beside `cordon` and the models of the backends; `*` is any. A name never
    /// chooses a backend: the policy does.
    pub models: Vec<String>,
    /// Names under which clients on this machine may call beside `localhost` and loopback addresses. A request under any
    /// other name is refused on loopback, because a web page can make a browser send such requests.
    pub hosts: Vec<String>,
    /// Whether the console is served at `/console`, for callers who may read the log.
    pub console: bool,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self { models: Vec::new(), hosts: Vec::new(), console: true }
    }
}

/// `[server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSection {
    /// `host:port` or `unix:/path`, one or several.
    pub listen: Vec<String>,
    /// Certificate and key of the TCP listeners.
    pub tls: Option<TlsSection>,
    /// Whether a caller without a token is served, under the name `anonymous`. By default only when no caller is
    /// configured.
    pub allow_anonymous: Option<bool>,
    /// Closes the cloud for everybody from the start.
    pub cloud_closed: bool,
    /// Limits.
    pub limits: Limits,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            listen: vec![DEFAULT_LISTEN.to_owned()],
            tls: None,
            allow_anonymous: None,
            cloud_closed: false,
            limits: Limits::default(),
        }
    }
}

/// `[server.tls]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// PEM file of the certificate chain.
    pub certificate: PathBuf,
    /// PEM file of the private key.
    pub key: PathBuf,
    /// PEM file of the authorities whose client certificates are asked for; none are when absent.
    pub client_ca: Option<PathBuf>,
}

/// `[server.limits]`: what one request may hold, and how many are in work at once. A request over a limit is refused
/// with the limit named; none is ever cut short.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of text in one request.
    pub max_text_bytes: u64,
    /// Parts of one classification, or messages of one conversation.
    pub max_parts: usize,
    /// Classifications in work at once; one more is told to come back.
    pub max_classifications: usize,
    /// Dispatches in work at once; one more is told to come back.
    pub max_dispatches: usize,
    /// Items of one `ClassifyStream` in work at once; the stream is read no faster.
    pub stream_concurrency: usize,
    /// Milliseconds that a classification may take when the caller sets no deadline.
    pub classify_deadline_ms: u64,
    /// Milliseconds that a dispatch may take when the caller sets no deadline.
    pub dispatch_deadline_ms: u64,
    /// Milliseconds that requests in work may still take after the signal to stop.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_text_bytes: 1024 * 1024,
            max_parts: 4096,
            max_classifications: 256,
            max_dispatches: 256,
            stream_concurrency: 8,
            classify_deadline_ms: 30_000,
            dispatch_deadline_ms: 300_000,
            drain_ms: 20_000,
        }
    }
}

impl Limits {
    /// The deadline of a classification without one of the caller's.
    #[must_use]
    pub fn classify_deadline(&self) -> Duration {
        Duration::from_millis(self.classify_deadline_ms)
    }

    /// The deadline of a dispatch without one of the caller's.
    #[must_use]
    pub fn dispatch_deadline(&self) -> Duration {
        Duration::from_millis(self.dispatch_deadline_ms)
    }

    /// How long a stop waits for requests in work.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }
}

/// `[audit]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// Where records go beside the log's own files: `postgres://user@host/database`, the log of a fleet. Nowhere when
    /// absent.
    pub store: Option<String>,
    /// How the fleet's log is reached; only with `store`.
    pub fleet: Option<FleetSection>,
    /// Where its files are; `audit` in the data directory when absent.
    pub directory: Option<PathBuf>,
    /// Largest size of the database file in bytes, to keep a disk from filling up. At the limit nothing more leaves
    /// for the cloud.
    pub max_bytes: Option<u64>,
    /// Signs the log after so many records; 1000 when absent.
    pub checkpoint_records: Option<u64>,
    /// And so many seconds after the oldest record that is not signed; 300 when absent. A clean stop signs as well.
    pub checkpoint_seconds: Option<u64>,
    /// The file of the signing key; `audit.signing-key` in the directory when absent. It is made at the first start.
    pub signing_key: Option<PathBuf>,
    /// Removes decisions older than so many days, once a day; all are kept when absent. The chain stays verifiable.
    pub keep_days: Option<u32>,
}

/// `[telemetry]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// Serves Prometheus metrics on this loopback address when set.
    pub metrics_listen: Option<SocketAddr>,
}

impl File {
    /// Reads a file strictly.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has an unknown or mistyped field.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let source =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let parse_error = |at: String, problem: String| ConfigError::Parse { path: path.to_owned(), at, problem };
        let deserializer = toml::Deserializer::parse(&source)
            .map_err(|problem| parse_error("the top".to_owned(), problem.to_string()))?;
        serde_path_to_error::deserialize(deserializer)
            .map_err(|error| parse_error(error.path().to_string(), error.inner().to_string()))
    }
}
