//! The configuration of the service: a TOML file, read strictly (an unknown field is an error that names it), then
//! validated into values that the rest can rely on. Secrets never stand in the file, only the names of environment
//! variables or files that hold them. Nothing here comes from a request.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::audit::AuditConfig;
use crate::detect::CalibrationChoice;
use crate::dispatch::BackendConfig;
use crate::error::Kind;
use crate::ner::NerConfig;
use crate::service::{CallerConfig, Callers};

/// Address of the service when nothing else is configured.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:50051";

/// The file as written, before validation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where the audit log and its key live; the user's data directory when absent.
    pub data_dir: Option<PathBuf>,
    /// The policy file; the embedded default policy when absent.
    pub policy: Option<PathBuf>,
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
    /// Where requests can be sent.
    #[serde(rename = "backend")]
    pub backends: Vec<BackendConfig>,
    /// Logs and metrics.
    pub telemetry: TelemetrySection,
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
    /// Where its files are; `audit` in the data directory when absent.
    pub directory: Option<PathBuf>,
    /// Largest size of the database file in bytes, to keep a disk from filling up. At the limit nothing more leaves
    /// for the cloud.
    pub max_bytes: Option<u64>,
}

/// `[telemetry]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// Serves Prometheus metrics on this loopback address when set.
    pub metrics_listen: Option<SocketAddr>,
}

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
    /// Where requests can be sent.
    pub backends: Vec<BackendConfig>,
    /// Logs and metrics.
    pub telemetry: TelemetrySection,
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
        let directory = self.audit.directory.unwrap_or_else(|| data_dir.join("audit"));
        Ok(Config {
            audit: AuditConfig { max_bytes: self.audit.max_bytes, ..AuditConfig::in_directory(directory) },
            data_dir,
            policy: self.policy,
            listen,
            tls: self.server.tls,
            callers,
            cloud_closed: self.server.cloud_closed,
            limits,
            calibration: self.calibration,
            ner: self.ner,
            backends: self.backends,
            telemetry: self.telemetry,
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<File, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cordon.toml");
        std::fs::write(&path, text).unwrap();
        File::read(&path)
    }

    fn valid(text: &str) -> Result<Config, ConfigError> {
        file(&format!("data_dir = \"/tmp/x\"\n{text}"))?.validate()
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = valid("").unwrap();
        assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:50051".parse().unwrap())]);
        assert!(config.callers.allows_anonymous());
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let message = file("[server]\nlisten = [\"127.0.0.1:1\"]\nlimit = 3\n").unwrap_err().to_string();
        assert!(message.contains("server") && message.contains("limit") && message.contains("line 3"), "{message}");
    }

    #[test]
    fn an_open_door_needs_tokens() {
        let message = valid("[server]\nlisten = [\"0.0.0.0:50051\"]").unwrap_err().to_string();
        assert!(message.contains("not loopback") && message.contains("token_sha256"), "{message}");
        let token = "[[caller]]\nname = \"crm\"\ntoken_sha256 = \"".to_owned() + &"ab".repeat(32) + "\"\n";
        valid(&format!("{token}[server]\nlisten = [\"0.0.0.0:50051\"]")).unwrap();
        valid(&format!("{token}[server]\nlisten = [\"0.0.0.0:50051\"]\nallow_anonymous = true")).unwrap_err();
    }

    #[test]
    fn a_calibration_is_a_word_or_a_path() {
        let choice = |text: &str| valid(text).unwrap().calibration;
        assert_eq!(choice(""), CalibrationChoice::Embedded);
        assert_eq!(choice("calibration = \"none\""), CalibrationChoice::None);
        assert_eq!(choice("calibration = \"c.toml\""), CalibrationChoice::File("c.toml".into()));
    }

    #[test]
    fn listeners_are_sockets_or_addresses() {
        assert_eq!(parse_listen("unix:/run/c.sock").unwrap(), Listen::Unix("/run/c.sock".into()));
        for bad in ["unix:", "localhost", "50051", "127.0.0.1"] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zero_limits_are_refused_by_name() {
        let message = valid("[server.limits]\nmax_parts = 0").unwrap_err().to_string();
        assert!(message.contains("server.limits.max_parts"), "{message}");
    }
}
