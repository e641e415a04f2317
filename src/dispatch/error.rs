//! How a dispatch fails. Messages say which backend and what to do, never what was asked.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::audit::{AuditError, DecisionId};
use crate::control::Overrun;
use crate::error::Kind;
use crate::policy::OverrideDenied;

use super::once::Duplicate;
use super::provider::{Fault, ProviderError};

/// When a request that found a full queue may come back: an answer of a model takes a second or more.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// A dispatch that ended without its whole answer.
#[derive(Clone, Debug, Error)]
pub enum DispatchError {
    /// The verdict allows local inference only, and no local backend can take the request.
    #[error("no local backend can take the request, and it may go nowhere else: {}", cause(.0.as_ref()))]
    LocalUnavailable(Option<ProviderError>),
    /// Neither side can take it.
    #[error("no backend can take the request; local: {}; cloud: {}", cause(.local.as_ref()), cause(.cloud.as_ref()))]
    NoneAvailable {
        /// What happened at the last local backend that was tried.
        local: Option<ProviderError>,
        /// What happened at the last cloud backend that was tried.
        cloud: Option<ProviderError>,
    },
    /// The decision could not be recorded, so nothing may leave, and no local backend can take the request.
    #[error(
        "the decision cannot be recorded, so nothing may leave for the cloud, and no local backend can take the request: {0}"
    )]
    AuditUnavailable(AuditError),
    /// The only backends that could take the request have no place free, and their queues are full.
    #[error("backend `{0}` is full and so is its queue; come back after the time in RetryInfo, or raise max_calls")]
    Full(Arc<str>),
    /// A budget has no room for what the request may cost, and the policy refuses instead of answering locally.
    #[error("{overrun}", overrun = .0)]
    OverBudget(Overrun),
    /// The caller asked for a lower level, and the policy gives it no leave.
    #[error(transparent)]
    OverrideDenied(#[from] OverrideDenied),
    /// The caller's request of this id was answered before.
    #[error(
        "the request of this id was answered before{}; answers are not stored, so send it with another request_id to ask again",
        .0.map(|id| format!(" under decision {id}")).unwrap_or_default()
    )]
    Answered(Option<DecisionId>),
    /// The caller's request of this id is in work.
    #[error("a request of this id is in work; wait for its answer, or send another request_id")]
    InWork,
    /// A backend rejected the request, or failed after it had begun to answer.
    #[error("{0}")]
    Backend(ProviderError),
    /// The deadline passed.
    #[error("the deadline passed before the answer was whole; allow more time")]
    Deadline,
}

fn cause(error: Option<&ProviderError>) -> String {
    error.map_or_else(
        || "none is configured, or those that are were unreachable a moment ago; check the backends".to_owned(),
        ToString::to_string,
    )
}

impl DispatchError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::LocalUnavailable(_) | Self::NoneAvailable { .. } | Self::AuditUnavailable(_) => Kind::Unavailable,
            Self::Answered(_) | Self::InWork => Kind::AlreadyExists,
            Self::Full(_) | Self::OverBudget(_) => Kind::ResourceExhausted,
            Self::OverrideDenied(OverrideDenied::ReasonMissing { .. }) => Kind::InvalidArgument,
            Self::OverrideDenied(_) => Kind::PermissionDenied,
            Self::Backend(error) => error.kind(),
            Self::Deadline => Kind::DeadlineExceeded,
        }
    }

    /// A constant for programs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::LocalUnavailable(_) => "LOCAL_BACKEND_UNAVAILABLE",
            Self::NoneAvailable { .. } => "NO_BACKEND_AVAILABLE",
            Self::AuditUnavailable(_) => "AUDIT_LOG_UNAVAILABLE",
            Self::Answered(_) => "REQUEST_ANSWERED",
            Self::InWork => "REQUEST_IN_WORK",
            Self::Full(_) => "BACKEND_FULL",
            Self::OverBudget(_) => "BUDGET_SPENT",
            Self::OverrideDenied(OverrideDenied::ReasonMissing { .. }) => "OVERRIDE_REASON_REQUIRED",
            Self::OverrideDenied(_) => "OVERRIDE_DENIED",
            Self::Backend(error) => match error.fault {
                Fault::Rejected { .. } => "BACKEND_REJECTED",
                Fault::Busy { .. } => "BACKEND_BUSY",
                Fault::AnswerTooLarge(_) => "ANSWER_TOO_LARGE",
                _ => "BACKEND_FAILED",
            },
            Self::Deadline => "DEADLINE_EXCEEDED",
        }
    }

    /// The decision of the request that was answered before, if this error tells of one.
    #[must_use]
    pub fn decision(&self) -> Option<DecisionId> {
        match self {
            Self::Answered(decision) => *decision,
            _ => None,
        }
    }

    /// The rule of the policy that refused, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&Arc<str>> {
        match self {
            Self::OverrideDenied(denied) => Some(denied.rule()),
            _ => None,
        }
    }

    /// When to come back, if the backend said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Backend(error) | Self::LocalUnavailable(Some(error)) => error.retry_after(),
            Self::Full(_) => Some(COME_BACK_AFTER),
            Self::OverBudget(Overrun::Spent { opens_in, .. }) => Some(*opens_in),
            // Whichever may answer first.
            Self::NoneAvailable { local, cloud } => {
                [local, cloud].into_iter().flatten().filter_map(ProviderError::retry_after).min()
            }
            _ => None,
        }
    }
}

impl From<Duplicate> for DispatchError {
    fn from(duplicate: Duplicate) -> Self {
        match duplicate {
            Duplicate::InWork => Self::InWork,
            Duplicate::Answered(decision) => Self::Answered(decision),
        }
    }
}

impl From<ProviderError> for DispatchError {
    fn from(error: ProviderError) -> Self {
        if error.fault == Fault::Deadline { Self::Deadline } else { Self::Backend(error) }
    }
}
