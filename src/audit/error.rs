//! What can go wrong with the audit log. Messages name files, limits and sequences, say what to do next, and never hold
//! a caller's text: they carry no value of a record.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Kind;

use super::{DecisionId, FleetError};

/// An error of the audit log. Cheap to clone, because one failed commit fails every record of its batch.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The queue before the writer is full.
    #[error("the audit log cannot keep up: {waiting} records wait to be written; try again later")]
    Full {
        /// Records in the queue.
        waiting: usize,
    },
    /// The log was closed, or its writer died.
    #[error("the audit log is closed; restart the service to open it again")]
    Closed,
    /// One record is larger than a record may be.
    #[error("an audit record of {bytes} bytes is larger than the limit of {limit}; send the text in smaller requests")]
    RecordTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A commit failed; none of its records is in the log.
    #[error("the audit log could not write ({reason}); nothing of the batch was recorded; {advice}")]
    WriteFailed {
        /// What the store says.
        reason: Arc<str>,
        /// What to do.
        advice: &'static str,
    },
    /// A record with the same id is already there.
    #[error("decision {0} already has such a record; append each decision and each outcome once")]
    Duplicate(DecisionId),
    /// An outcome names a decision that is not in the log.
    #[error("decision {0} is not in the audit log, so its outcome cannot be recorded")]
    UnknownDecision(DecisionId),
    /// No decision has this id.
    #[error("no decision {0} in the audit log; `cordon audit list` shows those that are there")]
    NotFound(DecisionId),
    /// The verdict is about another document.
    #[error("the verdict is about another document than the one to be recorded; this is a defect of cordon")]
    ForeignVerdict,
    /// Not a request id.
    #[error("a request id has at most 128 bytes, all of them printable ASCII without spaces")]
    InvalidRequestId,
    /// Not a decision id.
    #[error("a decision id is a UUID such as `0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d`")]
    InvalidDecisionId,
    /// Not a page token of this log and filter.
    #[error(
        "the page token does not belong to this list; repeat the filter of the first page, or start without a token"
    )]
    InvalidPageToken,
    /// Another process writes the same log.
    #[error("another cordon process writes the audit log in {directory}; stop it, or configure another data directory", directory = directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// A file or directory can be read by others.
    #[error("{path} is open to other users (mode {mode:o}); run `chmod {wanted:o} {path}`, or choose a directory that does not exist yet", path = path.display())]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// There is no log to read.
    #[error("no audit log in {directory}; name the data directory of the service", directory = directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// The file is a database, or something else, but not an audit log.
    #[error("{path} is not an audit log of cordon; move it away or configure another data directory", path = path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// The log was written by another version.
    #[error("the audit log {path} has schema version {found}, this cordon knows {known}; {advice}", path = path.display())]
    SchemaVersion {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Version of this program.
        known: i64,
        /// What to do.
        advice: &'static str,
    },
    /// The end of the log is not the one that was remembered, so writing on would cover a loss.
    #[error("the audit log in {directory} does not end where it ended last: {problem}; run `cordon audit verify`, then restore the files together from a copy, or move them away to begin a new log", directory = directory.display())]
    BrokenTail {
        /// The data directory.
        directory: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The digest key is not one.
    #[error("the digest key {path} does not hold 32 bytes; restore it from a copy, or move it away to begin with a new one", path = path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
    },
    /// The signing key is not one.
    #[error("the signing key {path} is no Ed25519 key in PKCS#8 PEM; restore it from a copy", path = path.display())]
    BadSigningKey {
        /// The file.
        path: PathBuf,
    },
    /// There is no signing key.
    #[error("there is no signing key {path}; whoever signs needs the key of the service that writes the log", path = path.display())]
    NoSigningKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another key signed the log's checkpoints.
    #[error("the checkpoints of the audit log were signed by the key {wanted}, which {path} does not hold; restore that key from a copy, or move the log away to begin a new one", path = path.display())]
    ForeignSigningKey {
        /// The key file.
        path: PathBuf,
        /// The key that signed.
        wanted: String,
    },
    /// Nothing signs this log, so nothing may be removed from it.
    #[error("the audit log is kept without checkpoints, so no old records can be removed from it")]
    Unsigned,
    /// What should be a public key is none.
    #[error("this is no Ed25519 public key; give the PEM or the 64 hexadecimal digits that `cordon audit key` prints")]
    BadPublicKey,
    /// A record cannot be read back.
    #[error("record {sequence} of the audit log is damaged; run `cordon audit verify`")]
    Damaged {
        /// Position in the log.
        sequence: u64,
    },
    /// The caller of a long read asked to stop.
    #[error("reading the audit log was cancelled")]
    Cancelled,
    /// A file could not be opened, read or written.
    #[error("{doing} {path}: {source}", path = path.display())]
    Io {
        /// What was tried: `cannot create`, ….
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: Arc<std::io::Error>,
    },
    /// The store could not be opened or read.
    #[error("{doing} the audit log: {reason}")]
    Store {
        /// What was tried: `cannot open`, `cannot read`, ….
        doing: &'static str,
        /// What the store says.
        reason: Arc<str>,
    },
    /// The fleet's log.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A defect: a task died or a record could not be encoded.
    #[error("the audit log failed inside ({0}); this is a defect of cordon")]
    Internal(&'static str),
}

impl AuditError {
    /// Which kind of error this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Full { .. } => Kind::ResourceExhausted,
            Self::RecordTooLarge { .. }
            | Self::InvalidRequestId
            | Self::InvalidDecisionId
            | Self::InvalidPageToken
            | Self::BadPublicKey => Kind::InvalidArgument,
            Self::Duplicate(_) => Kind::AlreadyExists,
            Self::NotFound(_) => Kind::NotFound,
            Self::UnknownDecision(_) | Self::ForeignVerdict | Self::Internal(_) => Kind::Internal,
            Self::Cancelled => Kind::Cancelled,
            Self::Fleet(error) => error.kind(),
            Self::Closed | Self::WriteFailed { .. } | Self::Io { .. } | Self::Store { .. } => Kind::Unavailable,
            Self::InUse { .. }
            | Self::OpenToOthers { .. }
            | Self::Missing { .. }
            | Self::NotALog { .. }
            | Self::SchemaVersion { .. }
            | Self::BrokenTail { .. }
            | Self::BadKey { .. }
            | Self::BadSigningKey { .. }
            | Self::NoSigningKey { .. }
            | Self::ForeignSigningKey { .. }
            | Self::Unsigned
            | Self::Damaged { .. } => Kind::FailedPrecondition,
        }
    }

    pub(super) fn io(doing: &'static str, path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source: Arc::new(source) }
    }
}
