//! Why the model could not be loaded. Once it is loaded nothing here is returned: `find` reports in the receipt.

use std::path::PathBuf;

use crate::error::Kind;

/// Why [`super::Ner::load`] failed.
#[derive(Debug, thiserror::Error)]
pub enum NerError {
    /// A file is not there.
    #[error("{what} is not at {path}; run `make assets`, or name it in {key}")]
    Missing {
        /// Which file.
        what: &'static str,
        /// Where it was expected.
        path: PathBuf,
        /// The configuration key and the environment variable.
        key: &'static str,
    },
    /// There is no home folder to look in.
    #[error(
        "no cache folder for this user; set XDG_CACHE_HOME, or name the ONNX Runtime and the model in the configuration"
    )]
    NoCache,
    /// A file is there and cannot be used.
    #[error("{what} at {path} is damaged or of another kind ({why}); fetch it again with `make assets`")]
    Damaged {
        /// Which file.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A setting is wrong.
    #[error("ner: {0}")]
    Config(String),
    /// The model does not fit the way in which it would be used.
    #[error("the model cannot be used: {0}")]
    Model(String),
    /// The runtime is already loaded from elsewhere; a process holds one.
    #[error("onnx runtime is already loaded from {loaded}; use the same library for every model of this process")]
    RuntimeTaken {
        /// What is loaded.
        loaded: PathBuf,
    },
    /// A lane could not be started.
    #[error("cannot start a thread for the model: {0}")]
    Thread(std::io::Error),
}

impl NerError {
    /// The kind of error, for the one place that turns it into a status code.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. }
            | Self::NoCache
            | Self::Damaged { .. }
            | Self::Read { .. }
            | Self::Config(_)
            | Self::Model(_)
            | Self::RuntimeTaken { .. } => Kind::FailedPrecondition,
            Self::Thread(_) => Kind::Unavailable,
        }
    }
}
