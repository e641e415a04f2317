//! The connection to NATS: addresses, credentials, TLS, and what the server says beside its answers. Secrets come from
//! files or the environment; an address that holds one is refused, because process lists and logs show it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerError, jetstream};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;

use super::WorkerError;

/// How long an answer of JetStream, or its word that something is stored, is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Publications that wait for their word at once, in one process.
const MOST_PENDING: usize = 4096;

/// Who we are to the server.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nobody in particular, or whom the TLS certificate names.
    #[default]
    None,
    /// A token.
    Token(SecretString),
    /// A name and a password.
    User {
        /// The name.
        name: String,
        /// The password.
        password: SecretString,
    },
    /// The seed of an nkey.
    Nkey(SecretString),
    /// A file of credentials, as `nsc` writes it.
    File(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token",
            Self::User { .. } => "User",
            Self::Nkey(_) => "Nkey",
            Self::File(_) => "File",
        })
    }
}

/// How the connection is protected.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// PEM file of the authorities to trust, instead of the system's.
    pub authorities: Option<PathBuf>,
    /// PEM files of our own certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Refuse a connection without TLS, whatever the address says.
    pub required: bool,
}

/// Where NATS is and who we are there.
#[derive(Clone, Debug, Default)]
pub struct NatsOptions {
    /// Addresses of one server or one cluster.
    pub servers: Vec<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// TLS.
    pub tls: Tls,
}

/// Reads the first line of a file that holds a secret.
///
/// # Errors
/// When it cannot be read or is empty.
pub(crate) fn secret_file(path: &Path) -> Result<SecretString, WorkerError> {
    let fault = |problem: String| WorkerError::File { path: path.to_owned(), problem };
    let content = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    match content.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')) {
        Some(secret) => Ok(SecretString::from(secret)),
        None => Err(fault("it is empty; write the secret into its first line".to_owned())),
    }
}

/// A connection.
#[derive(Clone)]
pub struct Connection {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    /// The addresses, for messages.
    pub(super) servers: String,
    /// What the server last forbade.
    denial: Arc<Mutex<Option<String>>>,
    /// Counts the times that the connection was made.
    pub(super) connects: watch::Receiver<u64>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.servers)
    }
}

impl Connection {
    /// Connects, and from then on connects again whenever the connection is lost.
    ///
    /// # Errors
    /// When the addresses or files are wrong, or no server takes us.
    pub async fn open(options: &NatsOptions) -> Result<Self, WorkerError> {
        let addresses = addresses(&options.servers)?;
        let servers = options.servers.join(", ");
        let denial = Arc::new(Mutex::new(None));
        let (connected, connects) = watch::channel(0);
        let connected = Arc::new(connected);
        let told = Arc::clone(&denial);
        let place = servers.clone();
        let mut connect = ConnectOptions::new()
            .name(format!("cordon {}", env!("CARGO_PKG_VERSION")))
            .request_timeout(Some(PATIENCE))
            .require_tls(options.tls.required)
            .event_callback(move |event| {
                tell(&event, &place, &told, &connected);
                async {}
            });
        connect = match &options.credentials {
            Credentials::None => connect,
            Credentials::Token(token) => connect.token(token.expose_secret().to_owned()),
            Credentials::User { name, password } => {
                connect.user_and_password(name.clone(), password.expose_secret().to_owned())
            }
            Credentials::Nkey(seed) => connect.nkey(seed.expose_secret().to_owned()),
            Credentials::File(path) => connect
                .credentials_file(path)
                .await
                .map_err(|error| WorkerError::File { path: path.clone(), problem: error.to_string() })?,
        };
        if let Some(authorities) = &options.tls.authorities {
            readable(authorities)?;
            connect = connect.add_root_certificates(authorities.clone());
        }
        if let Some((certificate, key)) = &options.tls.certificate {
            readable(certificate)?;
            readable(key)?;
            connect = connect.add_client_certificate(certificate.clone(), key.clone());
        }
        let client = connect.connect(addresses).await.map_err(|error| refused(&error, servers.clone()))?;
        warn_of_plain_text(options, &client);
        let jetstream = ContextBuilder::new().timeout(PATIENCE).max_ack_inflight(MOST_PENDING).build(client.clone());
        Ok(Self { client, jetstream, servers, denial, connects })
    }

    /// Most bytes of a message, with its headers.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }

    /// What the server forbade since this was last asked.
    pub(super) fn take_denial(&self) -> Option<String> {
        self.denial.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn readable(path: &Path) -> Result<(), WorkerError> {
    std::fs::File::open(path)
        .map(|_| ())
        .map_err(|error| WorkerError::File { path: path.to_owned(), problem: error.to_string() })
}

/// The addresses, checked.
fn addresses(servers: &[String]) -> Result<Vec<ServerAddr>, WorkerError> {
    let mut addresses = Vec::with_capacity(servers.len());
    for server in servers {
        let full = if server.contains("://") { server.clone() } else { format!("nats://{server}") };
        // The parser's words would repeat the address, and the address may hold a secret.
        let url = url::Url::parse(&full).map_err(|error| WorkerError::Address(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WorkerError::SecretInAddress);
        }
        if !matches!(url.scheme(), "nats" | "tls") || url.host_str().is_none_or(str::is_empty) {
            return Err(WorkerError::Address(format!("`{}` is neither nats:// nor tls:// with a host", url.scheme())));
        }
        addresses.push(ServerAddr::from_url(url).map_err(|error| WorkerError::Address(error.to_string()))?);
    }
    if addresses.is_empty() {
        return Err(WorkerError::Address("give at least one".to_owned()));
    }
    Ok(addresses)
}

fn refused(error: &async_nats::ConnectError, servers: String) -> WorkerError {
    let problem = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            WorkerError::Credentials { servers }
        }
        ConnectErrorKind::Tls => WorkerError::Tls { servers, problem },
        _ => WorkerError::Connect { servers, problem },
    }
}

/// Documents are the most sensitive thing that travels here.
fn warn_of_plain_text(options: &NatsOptions, client: &Client) {
    let near = |server: &String| {
        let full = if server.contains("://") { server.clone() } else { format!("nats://{server}") };
        let host = url::Url::parse(&full).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    };
    let protected = options.tls.required
        || client.server_info().tls_required
        || options.servers.iter().all(|server| server.starts_with("tls://"));
    if !protected && !options.servers.iter().all(near) {
        tracing::warn!("documents travel to NATS without TLS; use a tls:// address or --nats-tls");
    }
}

/// Keeps what the server says beside its answers.
fn tell(event: &Event, servers: &str, denial: &Mutex<Option<String>>, connected: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            connected.send_modify(|times| *times += 1);
            tracing::info!(servers, "connected to NATS");
        }
        Event::Disconnected => tracing::warn!(servers, "the connection to NATS is lost; connecting again"),
        Event::ServerError(ServerError::Other(words))
            if words.to_ascii_lowercase().contains("permissions violation") =>
        {
            *denial.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.clone());
            tracing::warn!(servers, denial = %words, "NATS forbade something");
        }
        other => tracing::debug!(servers, event = %other, "NATS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_secret_is_refused_and_not_shown() {
        for address in ["nats://user:canary@host:4222", "canary@host:4222"] {
            let error = addresses(&[address.to_owned()]).unwrap_err();
            assert!(matches!(error, WorkerError::SecretInAddress), "{error}");
            assert!(!error.to_string().contains("canary"));
        }
        for address in ["http://host", "nats://", "nats://host:99999", ""] {
            assert!(matches!(addresses(&[address.to_owned()]), Err(WorkerError::Address(_))), "{address}");
        }
        assert_eq!(addresses(&["127.0.0.1:4222".to_owned(), "tls://q.example".to_owned()]).unwrap().len(), 2);
        assert!(addresses(&[]).is_err());
    }

    #[test]
    fn a_secret_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "# of the queue\n  s3cret  \n").unwrap();
        assert_eq!(secret_file(&path).unwrap().expose_secret(), "s3cret");
        std::fs::write(&path, "\n").unwrap();
        assert!(secret_file(&path).unwrap_err().to_string().contains("empty"));
        assert!(secret_file(&folder.path().join("none")).is_err());
    }
}
