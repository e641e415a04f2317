//! What the log keeps of how a decided request ended. As in a decision, no field could carry a caller's text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Kind;
use crate::policy::Route;

use super::{Label, words};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// The answer was given whole.
    Completed,
    /// It ended with an error.
    Failed,
    /// The caller left, or the service stopped.
    Cancelled,
    /// The local answer was not sure enough, and the cloud's took its place; that one has a decision of its own.
    Escalated,
}

impl OutcomeStatus {
    /// The name in output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Escalated => "escalated",
        }
    }
}

/// Why a model ended its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// The limit of tokens was reached.
    Length,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// Anything else.
    Other,
}

/// How a decided request ended, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Wall-clock time, in microseconds.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// How it ended.
    pub status: OutcomeStatus,
    /// Kind of the error when it failed; see [`error_name`].
    pub error: Label,
    /// Why it failed, in one word, such as `LOCAL_BACKEND_UNAVAILABLE`; may be empty.
    pub reason: Label,
    /// Why the model ended its answer, if it did.
    pub finish_reason: Option<FinishReason>,
    /// Backend that answered in the end; empty if none did.
    pub backend: Label,
    /// Model that answered in the end.
    pub model: Label,
    /// Route taken in the end.
    pub route: Option<Route>,
    /// Calls made to backends.
    pub attempts: u32,
    /// As the backend counts them; 0 if it does not say.
    pub input_tokens: u64,
    /// As the backend counts them; 0 if it does not say.
    pub output_tokens: u64,
    /// Cost in millionths of a US dollar, rounded up; `None` if the configuration names no price.
    pub cost_micros: Option<u64>,
    /// Microseconds from the call to the first piece of the answer; 0 if there was none.
    pub time_to_first_token_us: u64,
    /// Microseconds from the arrival of the request to its end.
    pub total_us: u64,
    /// How sure the local model was of its answer, where that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Box<RecordedConfidence>>,
    /// Why the cloud was not asked though that was too little, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation_withheld: Option<Label>,
    /// Those of the tokens read that the backend had in its cache. Left out of the record if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// What the same tokens cost at the first usable backend of the other side that has a price. Left out of the record
    /// if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_side_cost_micros: Option<u64>,
    /// The backend did not count its tokens, so the costs are bounds, made of bytes. Left out of the record if not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cost_estimated: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How sure a model was of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedConfidence {
    /// From 0 to a million.
    pub millionths: u32,
    /// Whether that was too little.
    pub low: bool,
    /// Whether it was judged before the end of the answer.
    pub early: bool,
    /// What was looked at.
    pub signals: Vec<Label>,
    /// What spoke against the answer.
    pub reasons: Vec<Label>,
}

impl Outcome {
    /// An outcome at the time of now with nothing else in it; the other fields are for the caller to fill.
    #[must_use]
    pub fn new(status: OutcomeStatus) -> Self {
        Self {
            time: words::now(),
            status,
            error: Label::default(),
            reason: Label::default(),
            finish_reason: None,
            backend: Label::default(),
            model: Label::default(),
            route: None,
            attempts: 0,
            input_tokens: 0,
            output_tokens: 0,
            cost_micros: None,
            time_to_first_token_us: 0,
            total_us: 0,
            confidence: None,
            escalation_withheld: None,
            cached_input_tokens: 0,
            other_side_cost_micros: None,
            cost_estimated: false,
        }
    }

    /// A failure of this kind, with its reason in one word.
    #[must_use]
    pub fn failed(kind: Kind, reason: &str) -> Self {
        Self { error: Label::token(error_name(kind)), reason: Label::token(reason), ..Self::new(OutcomeStatus::Failed) }
    }
}

/// The name of an error kind in records: the gRPC code's name in lower case.
#[must_use]
pub fn error_name(kind: Kind) -> &'static str {
    match kind {
        Kind::InvalidArgument => "invalid_argument",
        Kind::NotFound => "not_found",
        Kind::AlreadyExists => "already_exists",
        Kind::Unauthenticated => "unauthenticated",
        Kind::PermissionDenied => "permission_denied",
        Kind::ResourceExhausted => "resource_exhausted",
        Kind::DeadlineExceeded => "deadline_exceeded",
        Kind::Cancelled => "cancelled",
        Kind::Unavailable => "unavailable",
        Kind::FailedPrecondition => "failed_precondition",
        Kind::Internal => "internal",
    }
}
