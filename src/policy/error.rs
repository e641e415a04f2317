//! Errors of reading a policy. They may quote the policy file, which is the operator's own; no caller's text is near.

use std::path::PathBuf;

use crate::error::Kind;

use super::Problem;

/// Why a policy could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file is no policy: wrong TOML, an unknown field, a value of the wrong kind.
    #[error("policy line {line}, column {column}: {}{message}", field_prefix(field))]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in code points.
        column: usize,
        /// Path of the field, such as `rule[2].level`; empty if the text is no TOML at all.
        field: String,
        /// What is wrong.
        message: String,
    },
    /// The file reads well and means nothing safe: every problem that makes it unusable.
    #[error("policy has {} error(s), first at {}; run `cordon policy check`", problems.len(), first(problems))]
    Invalid {
        /// Errors and warnings in the order of the file; at least one is an error.
        problems: Vec<Problem>,
    },
    /// The policy file, or a word list that it names, could not be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        reason: std::io::Error,
    },
    /// The policy file or a word list is larger than any that a person wrote.
    #[error("{} is larger than {limit} bytes; split it", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
}

impl PolicyError {
    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Syntax { .. } | Self::Invalid { .. } => Kind::InvalidArgument,
            Self::Unreadable { .. } | Self::TooLarge { .. } => Kind::FailedPrecondition,
        }
    }
}

fn field_prefix(field: &str) -> String {
    if field.is_empty() || field == "." { String::new() } else { format!("{field}: ") }
}

fn first(problems: &[Problem]) -> String {
    problems
        .iter()
        .find(|problem| problem.severity == super::Severity::Error)
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}
