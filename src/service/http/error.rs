//! The one place where an error becomes an HTTP status and a body in the words of the client that asked: OpenAI's error
//! object or Ollama's string. No message holds the caller's text.

use axum::body::Body;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::error::Kind;
use crate::service::error::Refusal;

/// Whose words are spoken on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    /// OpenAI's.
    OpenAi,
    /// Ollama's.
    Ollama,
}

impl Tongue {
    /// That of the clients who use this path.
    pub(super) fn of_path(path: &str) -> Self {
        if path.starts_with("/api/") { Self::Ollama } else { Self::OpenAi }
    }
}

/// The HTTP status of a kind of error.
pub(super) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidArgument => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::AlreadyExists => StatusCode::CONFLICT,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::PermissionDenied => StatusCode::FORBIDDEN,
        Kind::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Kind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        // The client that left does not see it; the number is nginx's, which many logs know.
        Kind::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        // As google.rpc.Code has it: the request cannot work before somebody changes the service.
        Kind::FailedPrecondition => StatusCode::BAD_REQUEST,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status of an error; some reasons have one of their own in HTTP.
fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal.reason {
        "BODY_TOO_LARGE" | "TEXT_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        "UNSUPPORTED_MEDIA_TYPE" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "METHOD_NOT_ALLOWED" => StatusCode::METHOD_NOT_ALLOWED,
        // The limit is the backend's configuration, so coming back later does not help.
        "ANSWER_TOO_LARGE" => StatusCode::BAD_GATEWAY,
        _ => status(refusal.kind),
    }
}

/// The body of an error in OpenAI's words: what is in an error response, and in an error event of a stream.
pub(super) fn openai(refusal: &Refusal) -> Value {
    let kind = match status_of(refusal) {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "server_error",
    };
    let code = refusal.reason.to_ascii_lowercase();
    json!({"error": {"message": message(refusal), "type": kind, "param": refusal.field, "code": code}})
}

/// The same in Ollama's words.
pub(super) fn ollama(refusal: &Refusal) -> Value {
    json!({"error": message(refusal)})
}

fn message(refusal: &Refusal) -> String {
    match &refusal.field {
        Some(field) => format!("{field}: {}", refusal.message),
        None => refusal.message.clone(),
    }
}

/// The whole response.
pub(super) fn response(refusal: &Refusal, tongue: Tongue) -> Response<Body> {
    refusal.note();
    let body = match tongue {
        Tongue::OpenAi => openai(refusal),
        Tongue::Ollama => ollama(refusal),
    };
    let status = status_of(refusal);
    let mut response = json_response(status, &body);
    let headers = response.headers_mut();
    let passes = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if let Some(pause) = refusal.come_back_after().filter(|_| passes) {
        // Whole seconds, up: a client that came earlier would find the same.
        let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if refusal.kind == Kind::Unauthenticated {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if !passes && status != StatusCode::GATEWAY_TIMEOUT {
        // OpenAI's clients repeat a conflict on their own, which cannot help here; this header of theirs stops them.
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
    for (name, value) in &refusal.metadata {
        if *name == "decision_id"
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(HeaderName::from_static("x-cordon-decision-id"), value);
        }
    }
    response
}

/// A JSON body under this status.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    json_text(status, body.to_string())
}

/// The same of JSON that is written already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_has_a_status_that_clients_know() {
        for (kind, expected) in [
            (Kind::InvalidArgument, 400),
            (Kind::Unauthenticated, 401),
            (Kind::PermissionDenied, 403),
            (Kind::NotFound, 404),
            (Kind::AlreadyExists, 409),
            (Kind::ResourceExhausted, 429),
            (Kind::Cancelled, 499),
            (Kind::Internal, 500),
            (Kind::Unavailable, 503),
            (Kind::DeadlineExceeded, 504),
        ] {
            assert_eq!(status(kind).as_u16(), expected, "{kind:?}");
        }
    }

    #[test]
    fn an_error_speaks_the_words_of_the_client() {
        let refusal = Refusal::field("messages[0].content", "INVALID_TYPE", "must be a string");
        let said = openai(&refusal);
        assert_eq!(said["error"]["param"], "messages[0].content");
        assert_eq!(said["error"]["code"], "invalid_type");
        assert_eq!(said["error"]["type"], "invalid_request_error");
        assert_eq!(ollama(&refusal)["error"], "messages[0].content: must be a string");
    }

    #[test]
    fn overload_says_when_to_come_back_in_whole_seconds() {
        let mut refusal = Refusal::overloaded("dispatches");
        let seconds =
            |refusal: &Refusal| response(refusal, Tongue::OpenAi).headers()[RETRY_AFTER].to_str().unwrap().to_owned();
        assert_eq!(seconds(&refusal), "1");
        refusal.retry_after = Some(Duration::from_millis(2_001));
        assert_eq!(seconds(&refusal), "3");
    }
}
