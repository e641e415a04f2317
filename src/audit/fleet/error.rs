//! What can go wrong between a replica and the fleet's log. Messages name the store without its password, say whether
//! records wait or what an operator has to do, and never hold a value of a record.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Kind;

/// An error of the fleet's log. Cheap to clone, because the status of the shipper keeps it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// The address is none.
    #[error("audit.store is no address of a PostgreSQL database: {0}; write postgres://user@host:5432/database")]
    Address(String),
    /// A password stands in the address, where logs, process lists and backups see it.
    #[error(
        "audit.store holds a password; take it out, and give it by audit.fleet.password_file, \
         audit.fleet.password_env or the environment variable CORDON_STORE_PASSWORD"
    )]
    PasswordInAddress,
    /// TLS was switched off for a database on another machine.
    #[error(
        "audit.store switches TLS off for {host}, which is not this machine; remove sslmode=disable, and give \
         audit.fleet.ca_file if the database's certificate is of an authority of your own"
    )]
    Insecure {
        /// The host.
        host: String,
    },
    /// Two passwords.
    #[error("audit.fleet.password_file and audit.fleet.password_env are both set; keep one")]
    TwoPasswords,
    /// The variable is not there.
    #[error("the environment variable {0} of audit.fleet.password_env is not set; set it, or use password_file")]
    PasswordVariable(String),
    /// A file cannot be read.
    #[error("cannot read {path} of audit.fleet.{field}: {source}", path = path.display())]
    File {
        /// The setting that names it.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// Others can read the password.
    #[error("{path} of audit.fleet.password_file is open to others (mode {mode:o}); change the password and `chmod 600` the file", path = path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The authorities for the database's certificate cannot be used.
    #[error("the certificates of authorities for the fleet's log cannot be used: {0}")]
    Authorities(String),
    /// A number of the section makes no sense.
    #[error("audit.fleet.{field} must be from {least} to {most}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// Least value.
        least: u64,
        /// Largest value.
        most: u64,
    },
    /// Nobody answers, or the connection broke.
    #[error("the fleet's log {store} is away ({reason}); records wait in the local log and follow by themselves")]
    Away {
        /// The store.
        store: Arc<str>,
        /// What the network or the server says.
        reason: Arc<str>,
    },
    /// The database has no room.
    #[error("the fleet's log {store} has no room ({reason}); free disk space there, and records follow by themselves")]
    Full {
        /// The store.
        store: Arc<str>,
        /// What the server says.
        reason: Arc<str>,
    },
    /// The server refuses the login.
    #[error("the fleet's log {store} refuses the login ({reason}); check user, password, database and pg_hba.conf")]
    Login {
        /// The store.
        store: Arc<str>,
        /// What the server says.
        reason: Arc<str>,
    },
    /// The certificate is not one for this host of a known authority, or the server offers no TLS.
    #[error(
        "no TLS with the fleet's log {store}: {reason}; the server needs a certificate for its host name, of an \
         authority that the system knows or that audit.fleet.ca_file holds"
    )]
    Tls {
        /// The store.
        store: Arc<str>,
        /// What the library says.
        reason: Arc<str>,
    },
    /// The server is older than the versions that this program was made for.
    #[error("the fleet's log {store} runs PostgreSQL {found}; cordon needs {least} or newer; upgrade the server")]
    TooOld {
        /// The store.
        store: Arc<str>,
        /// What the server calls itself.
        found: Arc<str>,
        /// Oldest major version.
        least: u32,
    },
    /// The tables were made by a newer program.
    #[error(
        "the fleet's log {store} has schema version {found}, this cordon knows {known}; use the cordon that wrote it, \
         or a newer one"
    )]
    NewerSchema {
        /// The store.
        store: Arc<str>,
        /// Version in the database.
        found: i32,
        /// Version of this program.
        known: i32,
    },
    /// The tables are not there or of an older version, and this user may not make them.
    #[error(
        "the fleet's log {store} has schema version {found}, this cordon needs {known}, and the user may not change \
         it ({reason}); run `cordon audit migrate --store …` once as the owner of the database"
    )]
    NeedsMigration {
        /// The store.
        store: Arc<str>,
        /// Version in the database; 0 without tables.
        found: i32,
        /// Version of this program.
        known: i32,
        /// What the server says.
        reason: Arc<str>,
    },
    /// A right is missing.
    #[error(
        "the user of the fleet's log {store} lacks a right ({reason}); run `cordon audit migrate --store … --grant \
         USER` as the owner of the database"
    )]
    NotAllowed {
        /// The store.
        store: Arc<str>,
        /// What the server says.
        reason: Arc<str>,
    },
    /// The server takes no writes, as a standby does.
    #[error("the fleet's log {store} is read-only now; name its primary in audit.store; records wait in the local log")]
    ReadOnly {
        /// The store.
        store: Arc<str>,
    },
    /// The same position of this chain holds another record there.
    #[error(
        "forked chain: record {sequence} of chain {chain} is another in the fleet's log than here, so two services \
         wrote under one replica id, as after a copy of a data directory; nothing more is sent; stop the copy, or \
         move its data directory away so that it begins a chain of its own"
    )]
    Forked {
        /// The chain.
        chain: String,
        /// The position.
        sequence: u64,
    },
    /// The fleet knows more of this chain than the local log.
    #[error(
        "chain {chain} ends at record {local} here and at record {fleet} in the fleet's log: the local log is an older \
         copy or was cut off; restore the newest copy, or move the data directory away to begin a new chain"
    )]
    Behind {
        /// The chain.
        chain: String,
        /// Newest record here.
        local: u64,
        /// Newest record there.
        fleet: u64,
    },
    /// Records that the fleet does not have are no longer here.
    #[error(
        "records {from} to {to} of chain {chain} were removed here before the fleet's log had them; nothing more is \
         sent; restore the local log from a copy"
    )]
    Gap {
        /// The chain.
        chain: String,
        /// First missing record.
        from: u64,
        /// Last missing record.
        to: u64,
    },
    /// The local log does not follow from itself.
    #[error(
        "record {sequence} of the local log does not follow from the one before it; it is not sent on; run `cordon audit verify`"
    )]
    Broken {
        /// The position.
        sequence: u64,
    },
    /// A decision of this chain is already there under another chain.
    #[error(
        "a decision among records {from} to {to} of chain {chain} is already in the fleet's log under another chain, \
         as after a copy of a log whose replica id was made anew; nothing more is sent"
    )]
    Twice {
        /// The chain.
        chain: String,
        /// First record of the batch.
        from: u64,
        /// Last record of the batch.
        to: u64,
    },
    /// Anything else that the database says.
    #[error("{doing} the fleet's log {store}: {reason}")]
    Database {
        /// What was tried: `cannot write to`, ….
        doing: &'static str,
        /// The store.
        store: Arc<str>,
        /// What the server says.
        reason: Arc<str>,
    },
    /// The local log could not be read.
    #[error("the local log cannot be read for the fleet: {0}")]
    Local(Arc<str>),
}

impl FleetError {
    /// Which kind of error this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.lasting() { Kind::FailedPrecondition } else { Kind::Unavailable }
    }

    /// Whether only an operator can end it: a service does not start with it, and one that runs tries again rarely.
    #[must_use]
    pub fn lasting(&self) -> bool {
        !matches!(
            self,
            Self::Away { .. } | Self::Full { .. } | Self::ReadOnly { .. } | Self::Database { .. } | Self::Local(_)
        )
    }

    /// One word for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Away { .. } => "away",
            Self::Full { .. } => "full",
            Self::ReadOnly { .. } => "read_only",
            Self::Login { .. } => "login",
            Self::Tls { .. } => "tls",
            Self::NotAllowed { .. } | Self::NeedsMigration { .. } => "not_allowed",
            Self::TooOld { .. } | Self::NewerSchema { .. } => "version",
            Self::Forked { .. } | Self::Behind { .. } | Self::Twice { .. } => "forked",
            Self::Gap { .. } | Self::Broken { .. } | Self::Local(_) => "local_log",
            Self::Database { .. } => "database",
            _ => "configuration",
        }
    }
}
