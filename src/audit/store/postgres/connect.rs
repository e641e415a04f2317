//! One connection to the database: made, checked, and its errors put into words that say what to do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use crate::audit::fleet::{FleetConfig, FleetError};

use super::tls::Tls;

/// Oldest major version: the oldest that its makers still mend (<https://www.postgresql.org/support/versioning/>).
pub(super) const LEAST_VERSION: u32 = 15;

/// How long one host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a login may take, all hosts together.
const LOGIN: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How long a question or a batch may take. A server that stopped without closing its connections says nothing.
const EXCHANGE: Duration = Duration::from_secs(20);
/// The same for the server, a little shorter, so that it gives up first and says why.
const STATEMENT_MS: u32 = 18_000;
/// How long bytes may stay unacknowledged before the connection counts as broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Makes connections.
#[derive(Clone)]
pub(in crate::audit) struct Connector {
    config: FleetConfig,
    tls: Option<Tls>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Ship,
    Read,
    Migrate,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Ship => "cordon shipper",
            Self::Read => "cordon reader",
            Self::Migrate => "cordon migrate",
        }
    }
}

/// One connection. The task that moves its bytes ends with it.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    store: Arc<str>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connector {
    /// Reads the authorities, if TLS is needed.
    pub(in crate::audit) fn new(config: &FleetConfig) -> Result<Self, FleetError> {
        let tls = config.address.tls.then(|| Tls::new(config.ca_file.as_deref())).transpose()?;
        Ok(Self { config: config.clone(), tls })
    }

    pub(in crate::audit) fn store(&self) -> &Arc<str> {
        self.config.address.shown()
    }

    pub(super) fn user(&self) -> &str {
        self.config.address.user()
    }

    pub(in crate::audit) fn config(&self) -> &FleetConfig {
        &self.config
    }

    /// Connects, and refuses a server that is too old or, to write, a standby.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Connection, FleetError> {
        let mut config = self.config.address.config.clone();
        if let Some(password) = self.config.password.read()? {
            config.password(password.expose_secret());
        }
        config.application_name(purpose.name());
        config.connect_timeout(CONNECT).tcp_user_timeout(UNACKNOWLEDGED).keepalives_idle(UNACKNOWLEDGED);
        if purpose != Purpose::Read && config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let login = self.login(&config);
        let (connection, version, standby) =
            timeout(LOGIN, login).await.map_err(|_| self.away("it does not answer in time"))??;
        let major = version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major: u32| major < LEAST_VERSION) {
            let found = version.as_str().into();
            return Err(FleetError::TooOld { store: Arc::clone(self.store()), found, least: LEAST_VERSION });
        }
        if standby && purpose != Purpose::Read {
            return Err(FleetError::ReadOnly { store: Arc::clone(self.store()) });
        }
        // Names are always written with their schema, so that no other schema can put a table in their place.
        let settings =
            format!("SET search_path = ''; SET statement_timeout = {STATEMENT_MS}; SET lock_timeout = 10000");
        connection.ask("cannot prepare", connection.client.batch_execute(&settings)).await?;
        Ok(connection)
    }

    async fn login(&self, config: &Config) -> Result<(Connection, String, bool), FleetError> {
        let failed = |error: tokio_postgres::Error| self.refused(&error);
        // The runtime is that of one shipper or one reader, and ends with it, and its tasks with the runtime.
        let runtime = tokio::runtime::Handle::current();
        let facts = |version: Option<&str>, standby: Option<&str>| {
            (version.unwrap_or("of an unknown version").to_owned(), standby == Some("on"))
        };
        let (client, (version, standby), driver) = match &self.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await.map_err(failed)?;
                let facts = facts(connection.parameter("server_version"), connection.parameter("in_hot_standby"));
                (client, facts, runtime.spawn(async move { drop(connection.await) }))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(failed)?;
                let facts = facts(connection.parameter("server_version"), connection.parameter("in_hot_standby"));
                (client, facts, runtime.spawn(async move { drop(connection.await) }))
            }
        };
        Ok((Connection { client, driver, store: Arc::clone(self.store()) }, version, standby))
    }

    fn away(&self, reason: &str) -> FleetError {
        FleetError::Away { store: Arc::clone(self.store()), reason: reason.into() }
    }

    /// Why there is no connection.
    fn refused(&self, error: &tokio_postgres::Error) -> FleetError {
        let store = Arc::clone(self.store());
        let Some(said) = error.as_db_error() else {
            let reason = reason(error);
            // The library tells these cases apart by words alone.
            return match () {
                () if reason.contains("certificate") || reason.contains("TLS") => FleetError::Tls { store, reason },
                () if reason.contains("password") || reason.contains("authentication") => {
                    FleetError::Login { store, reason }
                }
                () if reason.contains("does not allow writes") => FleetError::ReadOnly { store },
                () => FleetError::Away { store, reason },
            };
        };
        let reason = said.message().into();
        match said.code() {
            &SqlState::INVALID_PASSWORD
            | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | &SqlState::INVALID_CATALOG_NAME
            | &SqlState::INSUFFICIENT_PRIVILEGE => FleetError::Login { store, reason },
            // Starting up, shutting down, too many connections: all pass by themselves.
            _ => FleetError::Away { store, reason },
        }
    }
}

impl Connection {
    /// Waits for an answer, but not for ever.
    pub(super) async fn ask<T>(
        &self,
        doing: &'static str,
        question: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, FleetError> {
        match timeout(EXCHANGE, question).await {
            Ok(answer) => answer.map_err(|error| self.failed(doing, &error)),
            Err(_) => Err(FleetError::Away { store: self.store(), reason: "it does not answer in time".into() }),
        }
    }

    pub(super) fn store(&self) -> Arc<str> {
        Arc::clone(&self.store)
    }

    /// What an error of a statement means.
    pub(super) fn failed(&self, doing: &'static str, error: &tokio_postgres::Error) -> FleetError {
        let store = self.store();
        let Some(said) = error.as_db_error() else { return FleetError::Away { store, reason: reason(error) } };
        let reason: Arc<str> = said.message().into();
        let code = said.code();
        match code.code() {
            "42501" => FleetError::NotAllowed { store, reason },
            "25006" => FleetError::ReadOnly { store },
            // No space; a quota of the file system; a limit of the size of files.
            "53100" | "53000" | "58030" => FleetError::Full { store, reason },
            _ if reason.contains("could not extend file") || reason.contains("No space left") => {
                FleetError::Full { store, reason }
            }
            // Shutdowns and crashes, connections, too many of them, time limits, deadlocks.
            code if ["57", "08", "53", "55", "40"].iter().any(|class| code.starts_with(class)) => {
                FleetError::Away { store, reason }
            }
            _ => FleetError::Database { doing, store, reason },
        }
    }
}

/// The library's words with those of its cause, which it leaves out.
fn reason(error: &tokio_postgres::Error) -> Arc<str> {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}").into(),
        None => error.to_string().into(),
    }
}
