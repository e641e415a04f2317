//! Why a side gave no answer, and what is told of it: the reason why another side is tried, and the error when none is left.

use std::sync::Arc;

use crate::audit::AuditError;
use crate::control::Overrun;
use crate::dispatch::error::DispatchError;
use crate::dispatch::plan::{Step, reason};
use crate::dispatch::provider::ProviderError;

/// Why a side gave no answer.
pub(in crate::dispatch) enum Missed {
    /// No backend is configured, or none was worth a try.
    NoneUsable,
    /// The places of this one are taken and its queue is full; no other was tried.
    Full(Arc<str>),
    /// The last one tried failed so.
    Failed(ProviderError),
    /// The decision could not be made durable.
    Audit(AuditError),
    /// The cloud was closed in the meantime.
    Closed,
    /// A budget does not allow what the call may cost.
    OverBudget(Overrun),
    /// Nothing else can help.
    Fatal(DispatchError),
}

impl Missed {
    /// A full backend says less than a failed one.
    pub(in crate::dispatch) fn or_full(self, backend: &Arc<str>) -> Self {
        match self {
            Self::NoneUsable => Self::Full(Arc::clone(backend)),
            other => other,
        }
    }

    /// So does one that is too dear; and what a failed one was is known already.
    pub(in crate::dispatch) fn or_over_budget(self, overrun: Overrun) -> Self {
        match self {
            Self::NoneUsable | Self::Full(_) => Self::OverBudget(overrun),
            other => other,
        }
    }
}

/// Why the local side is tried, given how the cloud was missed.
pub(super) fn local_reason(step: Step, cloud: Option<&Missed>) -> &'static str {
    match cloud.map_or(reason::NONE, missed_reason) {
        reason::NONE => step.reason,
        reason => reason,
    }
}

/// Why the cloud was missed before anything was sent; empty if it was not so.
pub(super) fn missed_reason(missed: &Missed) -> &'static str {
    match missed {
        Missed::Audit(_) => reason::AUDIT_LOG_UNAVAILABLE,
        Missed::Closed => reason::CLOUD_CLOSED,
        Missed::OverBudget(Overrun::Spent { .. }) => reason::BUDGET_SPENT,
        Missed::OverBudget(Overrun::Unbounded | Overrun::Unrecorded(_)) => reason::BUDGET_UNAVAILABLE,
        Missed::NoneUsable | Missed::Full(_) | Missed::Failed(_) | Missed::Fatal(_) => reason::NONE,
    }
}

/// The error when every side was missed.
pub(super) fn no_answer(local: Option<Missed>, cloud: Option<Missed>) -> DispatchError {
    let failed = |missed| match missed {
        Some(Missed::Failed(error)) => Some(error),
        _ => None,
    };
    match (cloud, local) {
        (Some(Missed::Audit(error)), _) => DispatchError::AuditUnavailable(error),
        // Whatever else failed: a place becomes free soon.
        (_, Some(Missed::Full(backend))) | (Some(Missed::Full(backend)), _) => DispatchError::Full(backend),
        (Some(cloud @ (Missed::Failed(_) | Missed::NoneUsable)), local) => {
            DispatchError::NoneAvailable { local: failed(local), cloud: failed(Some(cloud)) }
        }
        (Some(Missed::Closed | Missed::OverBudget(_) | Missed::Fatal(_)) | None, local) => {
            DispatchError::LocalUnavailable(failed(local))
        }
    }
}
