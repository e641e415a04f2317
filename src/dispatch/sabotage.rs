//! Builds broken on purpose, in tests alone: each leaves out one of the guards of an egress, and the test of many faults
//! must notice. The guards that the types are need a door of their own here, which no other build has.

use std::time::Duration;

use tokio::time::Instant;

use crate::policy::Route;

use super::attempt::{Attempts, Begun, Missed};
use super::backend::Backend;
use super::plan::{Step, reason};
use super::provider::CloudProvider;
use super::turn::first_piece;

/// What is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// Nothing.
    #[default]
    None,
    /// The permit is not asked: everything goes to the cloud first.
    SkipsPermit,
    /// The permit is asked for the first call only.
    RetriesWithoutPermit,
    /// The record is handed to the log when the call has begun.
    RecordsAfterEgress,
    /// A local answer that is not sure enough leaves for the cloud whatever the permit says.
    EscalatesWithoutPermit,
    /// One string of the conversation is sent and no detector sees it.
    ForwardsUnscanned,
}

impl Sabotage {
    /// Whether the permit is not asked after so many calls.
    pub(super) fn ignores_permit(self, calls: u32) -> bool {
        self == Self::SkipsPermit || (self == Self::RetriesWithoutPermit && calls > 0)
    }

    /// The steps of a plan without a ceiling.
    pub(super) fn steps(self) -> Option<Vec<Step>> {
        let step = |route| Step { route, reason: reason::NONE };
        match self {
            Self::SkipsPermit => Some(vec![step(Route::Cloud), step(Route::Local)]),
            Self::RetriesWithoutPermit => Some(vec![step(Route::Local), step(Route::Cloud)]),
            Self::None | Self::RecordsAfterEgress | Self::EscalatesWithoutPermit | Self::ForwardsUnscanned => None,
        }
    }
}

/// A cloud call whose record comes too late.
pub(super) async fn call_then_record(
    attempts: &mut Attempts<'_>,
    backend: &Backend<CloudProvider>,
    reason: &'static str,
    limit: Option<Duration>,
) -> Result<Begun, Missed> {
    let Some(text) = attempts.cloud_text() else { return Err(Missed::Closed) };
    let called = Instant::now();
    let answer = first_piece(backend, limit, backend.provider().stream_unproven(text, attempts.call())).await;
    let decision = attempts.decision(Route::Cloud, backend.name(), backend.model(), reason);
    let pending = attempts.append(&decision).map_err(Missed::Audit)?;
    let open = attempts.open(decision, Some(pending.id()));
    attempts.settle(backend, open, answer, called).map_err(Missed::Failed)
}
