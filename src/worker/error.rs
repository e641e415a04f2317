//! What can be wrong with a NATS server, a stream of it, or a run; each error says what to do next. None holds the text
//! of a document or a secret.

use std::path::PathBuf;

use crate::error::Kind;

/// Why the queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A name that cannot stand in a subject.
    #[error("{what} `{name}` must be 1 to 64 letters, digits, `-` or `_`")]
    Name {
        /// Which.
        what: &'static str,
        /// The name, escaped.
        name: String,
    },
    /// The address is none.
    #[error("`--nats` needs addresses such as nats://127.0.0.1:4222 or tls://queue.example.org: {0}")]
    Address(String),
    /// A secret stands where everybody can read it.
    #[error(
        "the address of NATS holds a secret, which process lists and logs show; use --nats-user-file, --nats-token-file, \
         --nats-nkey-file or --nats-creds"
    )]
    SecretInAddress,
    /// A file of the credentials cannot be read.
    #[error("cannot read {path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The server cannot be reached.
    #[error("cannot reach NATS at {servers}: {problem}; check the address and that nats-server runs there")]
    Connect {
        /// The addresses.
        servers: String,
        /// Why.
        problem: String,
    },
    /// The server does not know the user.
    #[error(
        "NATS at {servers} refuses the credentials; check --nats-token-file, --nats-user-file, --nats-nkey-file or --nats-creds"
    )]
    Credentials {
        /// The addresses.
        servers: String,
    },
    /// TLS cannot be spoken.
    #[error("TLS with NATS at {servers} failed: {problem}; check --nats-ca, --nats-cert and --nats-key")]
    Tls {
        /// The addresses.
        servers: String,
        /// Why.
        problem: String,
    },
    /// The server stores nothing.
    #[error(
        "the NATS server at {servers} has no JetStream for this account; start it with `nats-server -js` or enable it"
    )]
    NoJetStream {
        /// The addresses.
        servers: String,
    },
    /// The user may not do this.
    #[error("NATS does not let this user do what it needs for {what}: {denial}; docs/bulk.md lists the subjects")]
    Denied {
        /// The stream or consumer.
        what: String,
        /// What the server said.
        denial: String,
    },
    /// There is no answer.
    #[error(
        "NATS did not answer about {what} in time; check its log, and that the user may use `$JS.API.>` and `_INBOX.>`"
    )]
    NoAnswer {
        /// The stream or consumer.
        what: String,
    },
    /// A stream or consumer is there and is another.
    #[error(
        "{what} is there with {field} {found}, and {wanted} is needed; delete it, or use another name with --stream"
    )]
    Mismatch {
        /// The stream or consumer.
        what: String,
        /// The setting.
        field: &'static str,
        /// What it is.
        found: String,
        /// What it has to be.
        wanted: String,
    },
    /// The server has no room for a stream of this size.
    #[error("NATS has no room for {what}: {problem}; give it more (max_file_store), or ask for less ({option})")]
    NoRoom {
        /// The stream.
        what: String,
        /// What the server said.
        problem: String,
        /// The option.
        option: &'static str,
    },
    /// The server refused for another reason.
    #[error("NATS refused {what}: {problem}")]
    Refused {
        /// What was asked.
        what: String,
        /// What the server said.
        problem: String,
    },
    /// The consumer was deleted while workers used it.
    #[error("the consumer {0} was deleted; start the workers again, and they make it anew")]
    ConsumerGone(String),
    /// A run that nobody began.
    #[error("NATS knows no run `{0}`; leave out --run to begin a new one")]
    UnknownRun(String),
    /// A run of other files.
    #[error(
        "the files are not those that run `{0}` began with (names, sizes, times or options differ); begin a new run without --run"
    )]
    OtherFiles(String),
    /// What stands in the run's record cannot be read.
    #[error("the record of run `{0}` cannot be read; it is from another version of Cordon")]
    BadRecord(String),
}

impl WorkerError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Name { .. } | Self::Address(_) | Self::SecretInAddress | Self::OtherFiles(_) => Kind::InvalidArgument,
            Self::Connect { .. } | Self::NoAnswer { .. } | Self::Tls { .. } => Kind::Unavailable,
            Self::Credentials { .. } => Kind::Unauthenticated,
            Self::Denied { .. } => Kind::PermissionDenied,
            Self::NoRoom { .. } => Kind::ResourceExhausted,
            Self::UnknownRun(_) => Kind::NotFound,
            Self::File { .. }
            | Self::NoJetStream { .. }
            | Self::Mismatch { .. }
            | Self::Refused { .. }
            | Self::ConsumerGone(_)
            | Self::BadRecord(_) => Kind::FailedPrecondition,
        }
    }
}
