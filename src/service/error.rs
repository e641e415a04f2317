//! The one place where an error becomes a gRPC status. Every status carries a `google.rpc.ErrorInfo` (reason, domain
//! `cordon`); a bad field adds `BadRequest`, overload adds `RetryInfo`. No message holds the caller's text.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::error::Kind;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "cordon";

/// When a caller who met overload may come back.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// A request that is answered with an error.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What kind.
    pub kind: Kind,
    /// A constant for programs, such as `TEXT_TOO_LARGE`.
    pub reason: &'static str,
    /// For people; says what to do.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// More for programs, told in the `ErrorInfo`: names of this project with ids, never text.
    pub metadata: Vec<(&'static str, String)>,
    /// When to come back, if the one who refused said so.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: Kind, reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind, reason, message: message.into(), field: None, metadata: Vec::new(), retry_after: None }
    }

    /// A field that is wrong.
    #[must_use]
    pub fn field(field: impl Into<String>, reason: &'static str, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Kind::InvalidArgument, reason, message) }
    }

    /// All slots of `what` are taken.
    #[must_use]
    pub fn overloaded(what: &str) -> Self {
        let message = format!("too many {what} are in work; come back after the time in RetryInfo");
        Self { retry_after: Some(RETRY_AFTER), ..Self::new(Kind::ResourceExhausted, "OVERLOADED", message) }
    }

    /// The deadline has passed.
    #[must_use]
    pub fn deadline() -> Self {
        Self::new(
            Kind::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
            "the deadline passed before the answer was ready; allow more time or send less text",
        )
    }

    /// The token names nobody.
    #[must_use]
    pub(super) fn unknown_token() -> Self {
        Self::new(Kind::Unauthenticated, "UNAUTHENTICATED", "the token is not one that is configured")
    }

    /// When the caller may come back; always something for an overload.
    #[must_use]
    pub(super) fn come_back_after(&self) -> Option<Duration> {
        self.retry_after.or((self.kind == Kind::ResourceExhausted).then_some(RETRY_AFTER))
    }

    /// Tells the operator: every refusal is counted, a fault is logged.
    pub(super) fn note(&self) {
        if self.kind.is_fault() {
            tracing::warn!(reason = self.reason, message = %self.message, "request failed");
        } else {
            tracing::debug!(reason = self.reason, "request refused");
        }
        metrics::counter!("cordon_refusals_total", "reason" => self.reason).increment(1);
    }

    /// The numeric code of google.rpc.Code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.kind {
            Kind::InvalidArgument => Code::InvalidArgument,
            Kind::NotFound => Code::NotFound,
            Kind::AlreadyExists => Code::AlreadyExists,
            Kind::Unauthenticated => Code::Unauthenticated,
            Kind::PermissionDenied => Code::PermissionDenied,
            Kind::ResourceExhausted => Code::ResourceExhausted,
            Kind::DeadlineExceeded => Code::DeadlineExceeded,
            Kind::Cancelled => Code::Cancelled,
            Kind::Unavailable => Code::Unavailable,
            Kind::FailedPrecondition => Code::FailedPrecondition,
            Kind::Internal => Code::Internal,
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.note();
        let mut details = ErrorDetails::new();
        let metadata: HashMap<String, String> =
            refusal.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        details.set_error_info(refusal.reason, DOMAIN, metadata);
        if let Some(field) = &refusal.field {
            details.add_bad_request_violation(field.clone(), refusal.message.clone());
        }
        let retry_after = refusal.come_back_after();
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        let message = match &refusal.field {
            Some(field) => format!("{field}: {}", refusal.message),
            None => refusal.message.clone(),
        };
        Status::with_error_details(refusal.code(), message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_field_reason_and_when_to_come_back() {
        let status = Status::from(Refusal::field("text", "TEXT_TOO_LARGE", "is over the limit"));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "text: is over the limit");
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "TEXT_TOO_LARGE");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "text");

        let status = Status::from(Refusal::overloaded("classifications"));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_error_details().retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
    }
}
