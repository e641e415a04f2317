//! Why a replay could not be made. Nothing of a caller's text is near.

use crate::audit::AuditError;
use crate::error::Kind;

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log could not be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A record of a version that this program does not read.
    #[error("record {sequence} of the log is of another version than 1; replay it with the Cordon that wrote it")]
    Version {
        /// Its position.
        sequence: u64,
    },
    /// A record that is none.
    #[error("record {sequence} of the log cannot be read; run `cordon audit verify`")]
    Malformed {
        /// Its position.
        sequence: u64,
    },
    /// No decision lies in the range.
    #[error("no decision of the log fits; look at `--since`, `--until`, `--caller` and `--level`")]
    Empty,
    /// More records than may be looked at.
    #[error("the range has more than {limit} records; name a shorter one, or replay on the command line")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// The time is over.
    #[error("the replay did not end in time; name a shorter range, or replay on the command line")]
    Deadline,
    /// A thread ended without its work.
    #[error("a thread of the replay failed")]
    Thread,
}

impl ReplayError {
    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Audit(error) => error.kind(),
            Self::Version { .. } | Self::Malformed { .. } => Kind::FailedPrecondition,
            Self::Empty => Kind::NotFound,
            Self::TooMany { .. } => Kind::ResourceExhausted,
            Self::Deadline => Kind::DeadlineExceeded,
            Self::Thread => Kind::Internal,
        }
    }
}
