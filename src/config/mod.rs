//! The configuration of the service: a TOML file, read strictly (an unknown field is an error that names it), then
//! validated into values that the rest can rely on. Secrets never stand in the file, only the names of environment
//! variables or files that hold them. Nothing here comes from a request.

mod file;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::file::{AuditSection, File, HttpSection, Limits, ServerSection, TelemetrySection, TlsSection};
use crate::audit::{AuditConfig, Checkpoints};
use crate::control::{ControlConfig, ControlFile};
use crate::detect::CalibrationChoice;
use crate::dispatch::BackendConfig;
use crate::error::Kind;
use crate::ner::NerConfig;
use crate::redact::RedactionConfig;
use crate::service::{ANONYMOUS, Callers};

/// Address of the service when nothing else is configured.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:50051";

/// One door of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix domain socket at this path.
    Unix(PathBuf),
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The configuration, validated.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the audit log and its key live.
    pub data_dir: PathBuf,
    /// The policy file; the embedded default policy when absent.
    pub policy: Option<PathBuf>,
    /// A policy that decides beside it and never acts.
    pub observe_policy: Option<PathBuf>,
    /// The doors; at least one.
    pub listen: Vec<Listen>,
    /// Certificate and key of the TCP listeners.
    pub tls: Option<TlsSection>,
    /// Who may call.
    pub callers: Callers,
    /// Closes the cloud for everybody from the start.
    pub cloud_closed: bool,
    /// Limits.
    pub limits: Limits,
    /// The calibration of scores.
    pub calibration: CalibrationChoice,
    /// The named-entity model.
    pub ner: NerConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// The key of redaction, and how long sealed maps open.
    pub redaction: RedactionConfig,
    /// Where requests can be sent.
    pub backends: Vec<BackendConfig>,
    /// Logs and metrics.
    pub telemetry: TelemetrySection,
    /// Budgets, and where what is spent is kept.
    pub control: ControlConfig,
    /// The doors for OpenAI's and Ollama's clients.
    pub http: HttpSection,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}; check the path and its permissions")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no valid TOML or has a field that Cordon does not know.
    #[error("the configuration {path} is wrong at {at}: {problem}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Path of the field.
        at: String,
        /// What the parser says, with line and column.
        problem: String,
    },
    /// A value makes no sense.
    #[error("the configuration is wrong at {field}: {problem}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl ConfigError {
    /// The kind of every configuration error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }

    fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }
}

impl File {
    /// Checks every value and fills in the defaults.
    ///
    /// # Errors
    /// Names the first field that makes no sense.
    pub fn validate(self) -> Result<Config, ConfigError> {
        let data_dir = match self.data_dir {
            Some(dir) => dir,
            None => default_data_dir()?,
        };
        if self.server.listen.is_empty() {
            return Err(ConfigError::invalid("server.listen", "give at least one address, such as 127.0.0.1:50051"));
        }
        let listen = self.server.listen.iter().map(|text| parse_listen(text)).collect::<Result<Vec<_>, _>>()?;
        let limits = self.server.limits;
        for (field, value) in [
            ("max_parts", limits.max_parts),
            ("max_classifications", limits.max_classifications),
            ("max_dispatches", limits.max_dispatches),
            ("stream_concurrency", limits.stream_concurrency),
        ] {
            if value == 0 {
                return Err(ConfigError::invalid(format!("server.limits.{field}"), "must be at least 1"));
            }
        }
        if limits.max_text_bytes == 0 || limits.max_text_bytes > MAX_TEXT_BYTES_CEILING {
            return Err(ConfigError::invalid("server.limits.max_text_bytes", "must be from 1 to 268435456 (256 MiB)"));
        }
        let callers = Callers::build(&self.callers, self.server.allow_anonymous)
            .map_err(|problem| ConfigError::invalid("caller", problem))?;
        let exposed = listen.iter().find(|door| matches!(door, Listen::Tcp(a) if !a.ip().is_loopback()));
        if let Some(door) = exposed
            && (self.callers.is_empty() || callers.allows_anonymous())
        {
            return Err(ConfigError::invalid(
                "server.listen",
                format!(
                    "{door} is not loopback, so every caller needs a token: add [[caller]] entries with token_sha256, \
                     and leave allow_anonymous off"
                ),
            ));
        }
        if let Some(address) = self.telemetry.metrics_listen
            && !address.ip().is_loopback()
        {
            return Err(ConfigError::invalid(
                "telemetry.metrics_listen",
                "metrics have no authentication, so the address must be loopback, such as 127.0.0.1:9464",
            ));
        }
        let mut names: Vec<Arc<str>> = self.callers.iter().map(|caller| caller.name.as_str().into()).collect();
        if callers.allows_anonymous() {
            names.push(ANONYMOUS.into());
        }
        let control = ControlFile { budgets: &self.budgets, rate_limits: &self.rate_limits };
        let control = ControlConfig::checked(data_dir.join("control"), control, names)
            .map_err(|(field, problem)| ConfigError::invalid(field, problem))?;
        for backend in self.backends.iter().filter(|_| !self.budgets.is_empty()) {
            if let Some(missing) = backend.lacks_for_budget() {
                return Err(ConfigError::invalid(
                    format!("backend `{}`", backend.name),
                    format!("a budget is hard only if it knows what a call may cost; give this backend {missing}"),
                ));
            }
        }
        let audit = checked_audit(self.audit, &data_dir)?;
        Ok(Config {
            audit,
            data_dir,
            policy: self.policy,
            observe_policy: self.observe_policy,
            listen,
            tls: self.server.tls,
            callers,
            cloud_closed: self.server.cloud_closed,
            limits,
            calibration: self.calibration,
            ner: self.ner,
            redaction: self.redaction,
            backends: self.backends,
            telemetry: self.telemetry,
            control,
            http: checked_http(self.http)?,
        })
    }
}

fn checked_audit(section: AuditSection, data_dir: &Path) -> Result<AuditConfig, ConfigError> {
    let positive = |name: &str, value: Option<u64>| match value {
        Some(0) => Err(ConfigError::invalid(name, "must be at least 1")),
        value => Ok(value),
    };
    if section.keep_days == Some(0) {
        return Err(ConfigError::invalid("audit.keep_days", "must be at least 1; leave it out to keep everything"));
    }
    let fleet = match (section.store, section.fleet) {
        (Some(store), fleet) => {
            let fleet = fleet.unwrap_or_default().checked(&store);
            Some(fleet.map_err(|problem| ConfigError::invalid("audit", problem.to_string()))?)
        }
        (None, Some(_)) => {
            let problem = "is of use with audit.store alone; add it, or leave the section out";
            return Err(ConfigError::invalid("audit.fleet", problem));
        }
        (None, None) => None,
    };
    let usual = Checkpoints::default();
    let every = positive("audit.checkpoint_seconds", section.checkpoint_seconds)?;
    let checkpoints = Checkpoints {
        every_records: positive("audit.checkpoint_records", section.checkpoint_records)?.unwrap_or(usual.every_records),
        every: every.map_or(usual.every, Duration::from_secs),
        key: section.signing_key,
    };
    Ok(AuditConfig {
        max_bytes: section.max_bytes,
        checkpoints: Some(checkpoints),
        keep_days: section.keep_days,
        fleet,
        ..AuditConfig::in_directory(section.directory.unwrap_or_else(|| data_dir.join("audit")))
    })
}

/// Longest name of a model or a host, in bytes.
const MAX_NAME: usize = 255;

fn checked_http(section: HttpSection) -> Result<HttpSection, ConfigError> {
    let readable = |name: &str| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    if !section.models.iter().all(|name| readable(name)) {
        return Err(ConfigError::invalid(
            "http.models",
            format!("each name must have 1 to {MAX_NAME} bytes and no control characters; `*` accepts any name"),
        ));
    }
    let named = |name: &str| readable(name) && !name.contains(['/', ':', '*', ' ']);
    if !section.hosts.iter().all(|name| named(name)) {
        return Err(ConfigError::invalid(
            "http.hosts",
            "write names of hosts without scheme and port, such as `models.example.org`",
        ));
    }
    Ok(section)
}

/// No text of a request can be larger, whatever the file says: messages are held in memory.
const MAX_TEXT_BYTES_CEILING: u64 = 256 * 1024 * 1024;

/// Reads `host:port` or `unix:/path`.
///
/// # Errors
/// When it is neither.
pub fn parse_listen(text: &str) -> Result<Listen, ConfigError> {
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            return Err(ConfigError::invalid("server.listen", "unix: needs a path, such as unix:/run/cordon.sock"));
        }
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    text.parse().map(Listen::Tcp).map_err(|_| {
        ConfigError::invalid(
            "server.listen",
            format!("`{text}` is no address; write an IP and a port (127.0.0.1:50051) or a socket (unix:/run/x.sock)"),
        )
    })
}

/// The user's data directory for Cordon: `$XDG_DATA_HOME/cordon` or the platform's own place.
///
/// # Errors
/// When the system names no home directory.
pub fn default_data_dir() -> Result<PathBuf, ConfigError> {
    directories::ProjectDirs::from("", "", "cordon")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| ConfigError::invalid("data_dir", "no home directory is known; set data_dir"))
}
