//! What can go wrong with the file that keeps budgets, rates and the switch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Kind;

/// An error of the control store. Cheap to clone, because one failed commit fails everything in it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// A file or directory cannot be used.
    #[error("{doing} {path}: {reason}; check the path and its permissions", path = .path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Arc<str>,
    },
    /// Others can look into the file or directory.
    #[error("{path} is open to others; run chmod {wanted:o} on it, and see who may have changed it", path = .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// The mode that it needs.
        wanted: u32,
    },
    /// Another process has it.
    #[error("{path} is in use by another cordon; one at a time keeps budgets, so give each its own data_dir", path = .path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Not a file of this kind or version.
    #[error("{path} is no control file that this cordon knows; use the cordon that wrote it, or move it away", path = .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be written or read.
    #[error("budgets and limits cannot be kept ({reason}); free disk space or check the disk")]
    Store {
        /// What the store says.
        reason: Arc<str>,
    },
    /// The thread that writes cannot keep up, or has ended.
    #[error("what keeps budgets and limits cannot keep up or was stopped; try again later")]
    Busy,
}

impl ControlError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::File { .. } | Self::OpenToOthers { .. } | Self::InUse { .. } | Self::NotOurs { .. } => {
                Kind::FailedPrecondition
            }
            Self::Store { .. } | Self::Busy => Kind::Unavailable,
        }
    }

    pub(super) fn file(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::File { doing, path: path.to_owned(), reason: error.to_string().into() }
    }
}

impl From<rusqlite::Error> for ControlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store { reason: error.to_string().into() }
    }
}
