//! What can go wrong with a backend, in words that are safe to log and to return. A backend's own error message may
//! echo the text that it was sent, so none is ever kept: of an error body only a code from a fixed list survives.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::error::Kind;

/// A failed call, with the backend that failed.
#[derive(Clone, Debug, Error)]
#[error("{fault} (backend `{backend}`, model `{model}`)")]
pub struct ProviderError {
    /// Name of the backend in the configuration.
    pub backend: Arc<str>,
    /// Its model.
    pub model: Arc<str>,
    /// What happened.
    pub fault: Fault,
}

impl ProviderError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.fault.kind()
    }

    /// How long the backend asks to be left alone, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.fault.retry_after()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// No connection.
    #[error("the backend cannot be reached: {0}; check that it runs and that its url is right")]
    Connect(ConnectCause),
    /// 401 or 403.
    #[error("the backend refused the key of its configuration{}; replace the key", .code.text())]
    KeyRefused {
        /// The backend's own code.
        code: ErrorCode,
    },
    /// 404.
    #[error("the backend does not know the model or the path{}; check `model` and `url`", .code.text())]
    ModelNotFound {
        /// The backend's own code.
        code: ErrorCode,
    },
    /// 429.
    #[error("the backend is over its limit{}; try again later", .code.text())]
    Busy {
        /// The backend's own code.
        code: ErrorCode,
        /// How long to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// Another 4xx: the backend does not accept the request.
    #[error("the backend rejected the request with status {status}{}", .code.text())]
    Rejected {
        /// HTTP status.
        status: u16,
        /// The backend's own code.
        code: ErrorCode,
    },
    /// 5xx, or an error inside the stream.
    #[error("the backend failed with status {status}{}; try again later", .code.text())]
    Failed {
        /// HTTP status; 200 when the error came inside the stream.
        status: u16,
        /// The backend's own code.
        code: ErrorCode,
        /// How long to wait, if it says.
        retry_after: Option<Duration>,
    },
    /// 3xx. A redirect could lead the text elsewhere.
    #[error("the backend answered with a redirect, which is never followed; set `url` to the final address")]
    Redirect,
    /// No first piece came in the time that the call had.
    #[error("the backend did not begin to answer within {0:?}; raise `first_token_timeout_ms` or allow more time")]
    Late(Duration),
    /// Nothing came for the idle timeout.
    #[error("the backend sent nothing for {0:?}; raise `idle_timeout_ms` if it is only slow")]
    Idle(Duration),
    /// The configured total time is over.
    #[error("the answer took longer than {0:?}; raise `total_timeout_ms` if that is expected")]
    TotalTimeout(Duration),
    /// The caller's deadline passed.
    #[error("the deadline passed before the answer was whole")]
    Deadline,
    /// The connection broke.
    #[error("the connection to the backend broke before the answer was whole")]
    Broken,
    /// The stream ended without its end mark.
    #[error("the backend ended the answer before it was whole")]
    EndedEarly,
    /// The answer is not what the backend's protocol says.
    #[error("the backend's answer cannot be read: {0}; check that `kind` fits the backend")]
    Malformed(&'static str),
    /// The answer has more text than allowed.
    #[error("the answer is larger than {0} bytes; raise `max_answer_bytes` or ask for less")]
    AnswerTooLarge(u64),
    /// A local backend whose model runs elsewhere.
    #[error("the model is served elsewhere, so the backend is refused as local; choose a model that is on the machine")]
    ServedElsewhere,
    /// A local backend whose name leads to a public address.
    #[error(
        "the backend's name leads to a public address, so it is refused as local; set `allow_public_address` if it is yours"
    )]
    PublicAddress,
    /// The proof of the record is one of another request.
    #[error("the recorded decision does not cover this request, so nothing was sent; this is a defect of Cordon")]
    NotRecorded,
    /// The backend's API has no place for something in the request.
    #[error("the backend's API cannot take {0}; leave it out, or configure a backend that can")]
    Unsupported(&'static str),
    /// The request could not be written as JSON.
    #[error("the request could not be encoded; this is a defect of Cordon")]
    Encode,
}

impl Fault {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::KeyRefused { .. }
            | Self::ModelNotFound { .. }
            | Self::Redirect
            | Self::ServedElsewhere
            | Self::PublicAddress => Kind::FailedPrecondition,
            // Only these statuses speak of the request's content; the others (405, 409, 415, …) of the set-up.
            Self::Rejected { status: 400 | 413 | 422, .. } => Kind::InvalidArgument,
            Self::Rejected { .. } | Self::Unsupported(_) => Kind::FailedPrecondition,
            Self::Busy { .. } | Self::AnswerTooLarge(_) => Kind::ResourceExhausted,
            Self::Deadline => Kind::DeadlineExceeded,
            Self::Connect(_)
            | Self::Failed { .. }
            | Self::Late(_)
            | Self::Idle(_)
            | Self::TotalTimeout(_)
            | Self::Broken
            | Self::EndedEarly
            | Self::Malformed(_) => Kind::Unavailable,
            Self::NotRecorded | Self::Encode => Kind::Internal,
        }
    }

    /// Whether the backend was not there at all, so that the next request need not try it at once.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// Whether another backend could do better: not when the request itself is at fault or the time is over.
    #[must_use]
    pub fn another_may_help(&self) -> bool {
        !matches!(self, Self::Deadline | Self::Encode | Self::Rejected { status: 400 | 413 | 422, .. })
    }

    /// Whether it passes by itself, so that the same backend may answer a moment later. A spent quota does not.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Busy { code, .. } => code.as_str() != Some("insufficient_quota"),
            Self::Failed { status, .. } => matches!(status, 502..=504),
            Self::Connect(_) | Self::Late(_) | Self::Idle(_) => true,
            _ => false,
        }
    }

    /// How long the backend asks to be left alone, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } | Self::Failed { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The name in audit records and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::KeyRefused { .. } => "key_refused",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::Busy { .. } => "busy",
            Self::Rejected { .. } => "rejected",
            Self::Failed { .. } => "failed",
            Self::Redirect => "redirect",
            Self::Late(_) => "first_token_timeout",
            Self::Idle(_) => "idle_timeout",
            Self::TotalTimeout(_) => "total_timeout",
            Self::Deadline => "deadline",
            Self::Broken => "broken",
            Self::EndedEarly => "ended_early",
            Self::Malformed(_) => "malformed",
            Self::AnswerTooLarge(_) => "answer_too_large",
            Self::ServedElsewhere => "served_elsewhere",
            Self::PublicAddress => "public_address",
            Self::NotRecorded => "not_recorded",
            Self::Unsupported(_) => "unsupported",
            Self::Encode => "encode",
        }
    }
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectCause {
    /// The operating system says so.
    Io(io::ErrorKind),
    /// No answer within the connect timeout.
    TimedOut,
    /// Anything else: name resolution, TLS.
    Other,
}

impl std::fmt::Display for ConnectCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(kind) => write!(f, "{kind}"),
            Self::TimedOut => f.write_str("no answer within the connect timeout"),
            Self::Other => f.write_str("its name or its certificate could not be resolved"),
        }
    }
}

/// A backend's own error code, if it is one of those that the providers document. Anything else is dropped, because it
/// could hold text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCode(Option<&'static str>);

/// OpenAI's error codes and types, Anthropic's error types, llama.cpp's and vLLM's, from their documentation.
const KNOWN: [&str; 34] = [
    "api_error",
    "authentication_error",
    "BadRequestError",
    "billing_error",
    "billing_not_active",
    "content_filter",
    "content_policy_violation",
    "context_length_exceeded",
    "engine_overloaded",
    "exceed_context_size_error",
    "insufficient_quota",
    "internal_error",
    "InternalServerError",
    "invalid_api_key",
    "invalid_prompt",
    "invalid_request_error",
    "model_not_found",
    "not_found_error",
    "not_supported_error",
    "NotFoundError",
    "organization_not_found",
    "overloaded_error",
    "permission_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "request_too_large",
    "server_error",
    "server_overloaded",
    "string_above_max_length",
    "timeout_error",
    "unavailable_error",
    "unsupported_parameter",
    "unsupported_value",
    "unsupported_country_region_territory",
];

impl ErrorCode {
    /// The first of these that is known.
    pub(in crate::dispatch) fn of<'a>(candidates: impl IntoIterator<Item = &'a str>) -> Self {
        Self(candidates.into_iter().find_map(|candidate| KNOWN.into_iter().find(|known| *known == candidate)))
    }

    /// Reads the code out of an error body `{"error":{"type","code"}}`, the form that OpenAI, Anthropic, llama.cpp and
    /// vLLM share.
    pub(super) fn of_body(body: &[u8]) -> Self {
        serde_json::from_slice(body).map_or(Self::default(), |value| Self::of_value(&value))
    }

    /// The same for a parsed body.
    pub(super) fn of_value(body: &serde_json::Value) -> Self {
        let error = body.get("error").unwrap_or(body);
        // The code says more than the type, so it comes first.
        Self::of(["code", "type"].into_iter().filter_map(|field| error.get(field)?.as_str()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> Option<&'static str> {
        self.0
    }

    fn text(&self) -> String {
        self.0.map_or_else(String::new, |code| format!(" ({code})"))
    }

    /// The fault that this code means when it comes inside a stream, where there is no status to tell.
    pub(super) fn fault(self) -> Fault {
        match self.0 {
            Some("rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota") => {
                Fault::Busy { code: self, retry_after: None }
            }
            Some("context_length_exceeded" | "exceed_context_size_error" | "request_too_large") => {
                Fault::Rejected { status: 413, code: self }
            }
            Some("invalid_request_error" | "invalid_prompt" | "BadRequestError") => {
                Fault::Rejected { status: 400, code: self }
            }
            Some("authentication_error" | "permission_error" | "invalid_api_key") => Fault::KeyRefused { code: self },
            _ => Fault::Failed { status: 200, code: self, retry_after: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documented_codes_survive() {
        assert_eq!(
            ErrorCode::of_body(br#"{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}"#)
                .as_str(),
            Some("context_length_exceeded")
        );
        assert_eq!(
            ErrorCode::of_body(br#"{"type":"error","error":{"type":"overloaded_error","message":"canary-1f"}}"#)
                .as_str(),
            Some("overloaded_error")
        );
        let echoing = ErrorCode::of_body(br#"{"error":{"type":"canary-1f","code":"canary-1f"}}"#);
        assert_eq!(echoing, ErrorCode::default());
        assert_eq!(ErrorCode::of_body(br#"{"error":{"type":4,"code":null}}"#), ErrorCode::default());
        assert_eq!(ErrorCode::of_body(b"canary-1f"), ErrorCode::default());
    }

    #[test]
    fn messages_say_what_to_do() {
        let error = ProviderError {
            backend: "gpt".into(),
            model: "m".into(),
            fault: Fault::KeyRefused { code: ErrorCode::of(["invalid_api_key"]) },
        };
        assert_eq!(
            error.to_string(),
            "the backend refused the key of its configuration (invalid_api_key); replace the key (backend `gpt`, model `m`)"
        );
        assert_eq!(error.kind(), Kind::FailedPrecondition);
    }
}
