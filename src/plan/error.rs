//! What can be wrong with the figures that a plan is made of.

use crate::error::Kind;

/// Figures from which no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A value that makes no sense.
    #[error("{name} {problem}")]
    Wrong {
        /// The input.
        name: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A product or sum over five years that no counter holds.
    #[error("{0} over five years is more than nine trillion dollars; check volume, tokens and prices")]
    TooLarge(&'static str),
    /// A file that cannot be read as such figures.
    #[error("the plan file is wrong at {at}: {problem}")]
    File {
        /// Path of the field.
        at: String,
        /// What the parser says.
        problem: String,
    },
}

impl PlanError {
    /// The kind of every such error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }

    pub(super) fn wrong(name: &'static str, problem: impl Into<String>) -> Self {
        Self::Wrong { name, problem: problem.into() }
    }
}
