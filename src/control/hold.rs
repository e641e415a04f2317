//! A reservation: an amount that is out of its budgets until it is settled or given back. One that is dropped without
//! either counts as spent in full, because nobody knows what came of it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::money::Amount;

use super::ledger::Taken;
use super::store::Op;
use super::{ControlError, Shared};

type Answer = oneshot::Receiver<Result<(), ControlError>>;

/// An amount held for one call.
#[must_use = "a hold that is dropped counts as spent in full"]
pub struct Hold {
    shared: Arc<Shared>,
    id: i64,
    taken: Taken,
    answer: Option<Answer>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing of it is in the file.
    Unrecorded,
    Ended,
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold").field("id", &self.id).field("amount", &self.taken.amount).finish_non_exhaustive()
    }
}

impl Hold {
    pub(super) fn new(shared: Arc<Shared>, id: i64, taken: Taken) -> Self {
        Self { shared, id, taken, answer: None, state: State::Open }
    }

    pub(super) fn awaits(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    pub(super) fn unrecorded(&mut self) {
        self.state = State::Unrecorded;
    }

    pub(super) fn day(&self) -> i64 {
        self.taken.day
    }

    /// What is held.
    #[must_use]
    pub fn amount(&self) -> Amount {
        self.taken.amount
    }

    /// Waits until the reservation is on the disk. Before that nothing may be spent.
    ///
    /// # Errors
    /// When it cannot be written; then it is given back.
    pub async fn durable(&mut self) -> Result<(), ControlError> {
        let Some(answer) = self.answer.take() else { return Ok(()) };
        // Without an answer the writer is gone.
        let written = answer.await.unwrap_or(Err(ControlError::Busy));
        if written.is_err() {
            self.state = State::Unrecorded;
        }
        written
    }

    /// The call has cost so much.
    pub fn settle(mut self, cost: Amount) {
        self.end(cost);
    }

    /// The call has cost nothing.
    pub fn release(mut self) {
        self.end(Amount::ZERO);
    }

    fn end(&mut self, cost: Amount) {
        let state = std::mem::replace(&mut self.state, State::Ended);
        if state == State::Ended {
            return;
        }
        let unrecorded = state == State::Unrecorded;
        let cost = if unrecorded { Amount::ZERO } else { cost };
        if cost > self.taken.amount {
            metrics::counter!("cordon_budget_exceeded_total").increment(1);
            tracing::warn!(held = %self.taken.amount, %cost, "a call has cost more than could be foreseen");
        }
        self.shared.ledger().settle(&self.taken, cost);
        if let Some(mailbox) = self.shared.mailbox.as_ref().filter(|_| !unrecorded) {
            // One that is lost leaves the reservation in the file, where it counts in full at the next start.
            mailbox.tell(Op::Settle { id: self.id, cost });
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end(self.taken.amount);
    }
}
