//! Waiting for a record to be durable, and the proof that it is.
//!
//! [`Durable`] has private fields and only a commit makes one. A call to a cloud provider asks for it, so no byte can
//! leave before its decision is on the disk: no record, no egress.

use tokio::sync::oneshot;

use crate::policy::Route;

use super::chain::ChainHash;
use super::store::Position;
use super::{AuditError, DecisionId};

/// What the writer answers.
pub(super) type Answer = Result<Position, AuditError>;

/// A decision on its way into the log.
#[derive(Debug)]
#[must_use = "a decision may fail to be recorded; wait for `durable`"]
pub struct Pending {
    pub(super) id: DecisionId,
    pub(super) document_id: u64,
    pub(super) ceiling: Option<Route>,
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Pending {
    /// The decision's name.
    #[must_use]
    pub fn id(&self) -> DecisionId {
        self.id
    }

    /// Waits until the record is on the disk, or is known not to be.
    pub async fn durable(self) -> Result<Durable, AuditError> {
        let Position { sequence, hash } = answered(self.answer).await?;
        Ok(Durable { decision_id: self.id, sequence, hash, document_id: self.document_id, ceiling: self.ceiling })
    }
}

/// Proof that a decision is on the disk.
#[derive(Debug)]
pub struct Durable {
    decision_id: DecisionId,
    sequence: u64,
    hash: ChainHash,
    document_id: u64,
    ceiling: Option<Route>,
}

impl Durable {
    /// The decision.
    #[must_use]
    pub fn decision_id(&self) -> DecisionId {
        self.decision_id
    }

    /// Its position in the log.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Its chain hash.
    #[must_use]
    pub fn hash(&self) -> ChainHash {
        self.hash
    }

    /// Whether the record says that the document of this id (see [`crate::document::Document::id`]) may take this
    /// route. The record of a classification covers none.
    #[must_use]
    pub fn covers(&self, document_id: u64, route: Route) -> bool {
        self.document_id == document_id && self.ceiling.is_some_and(|ceiling| route <= ceiling)
    }
}

/// An outcome on its way into the log.
#[derive(Debug)]
#[must_use = "an outcome may fail to be recorded; wait for `recorded`, or say that it does not matter"]
pub struct PendingOutcome {
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl PendingOutcome {
    /// Waits until the record is on the disk, and gives its position and chain hash.
    pub async fn recorded(self) -> Result<(u64, ChainHash), AuditError> {
        answered(self.answer).await.map(|position| (position.sequence, position.hash))
    }
}

async fn answered(answer: oneshot::Receiver<Answer>) -> Answer {
    // The writer answers every record that it takes; without an answer it is gone.
    answer.await.unwrap_or(Err(AuditError::Closed))
}
