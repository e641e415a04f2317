//! What a request says beside its body: the headers that steer Cordon, and the body's bytes within their bounds. Both
//! shapes of API share it.

use std::time::{Duration, Instant};

use axum::body::Body;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use crate::classify::NerMode;
use crate::error::Kind;
use crate::policy::{Complexity, Sensitivity};
use crate::service::convert;
use crate::service::error::Refusal;

/// The request's own id; a request of an id that was answered before is refused. The first one wins.
const REQUEST_ID: [&str; 2] = ["idempotency-key", "x-request-id"];
const DECLARED_LEVEL: &str = "x-cordon-declared-level";
const COMPLEXITY: &str = "x-cordon-complexity";
const VALIDATE_ONLY: &str = "x-cordon-validate-only";
const TIMEOUT_MS: &str = "x-cordon-timeout-ms";
const ALWAYS_NER: &str = "x-cordon-always-ner";
const CONFIDENCE: &str = "x-cordon-confidence";

/// What the headers ask for.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) request_id: String,
    pub(super) declared_level: Option<Sensitivity>,
    pub(super) complexity: Option<Complexity>,
    pub(super) validate_only: bool,
    pub(super) confidence: bool,
    pub(super) ner: NerMode,
    pub(super) deadline: Instant,
}

impl Inputs {
    /// Reads and checks them. The service's own deadline holds unless the caller's is earlier.
    pub(super) fn read(headers: &HeaderMap, default: Duration) -> Result<Self, Refusal> {
        let mut request_id = String::new();
        for name in REQUEST_ID {
            if let Some(id) = text(headers, name)? {
                convert::request_id(id).map_err(|refusal| Refusal { field: Some(name.to_string()), ..refusal })?;
                id.clone_into(&mut request_id);
                break;
            }
        }
        let declared_level = word(
            headers,
            DECLARED_LEVEL,
            &[Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential],
            Sensitivity::as_str,
        )?;
        let complexity = word(
            headers,
            COMPLEXITY,
            &[Complexity::Simple, Complexity::Moderate, Complexity::Complex],
            Complexity::as_str,
        )?;
        let truth = |value: bool| if value { "true" } else { "false" };
        let yes = |name| word(headers, name, &[true, false], truth).map(Option::unwrap_or_default);
        let validate_only = yes(VALIDATE_ONLY)?;
        let confidence = yes(CONFIDENCE)?;
        let ner = if yes(ALWAYS_NER)? { NerMode::Always } else { NerMode::Auto };
        let asked = match text(headers, TIMEOUT_MS)? {
            None => default,
            Some(digits) => digits
                .parse::<u64>()
                .map(|millis| Duration::from_millis(millis).min(default))
                .map_err(|_| wrong(TIMEOUT_MS, "must be a whole number of milliseconds"))?,
        };
        Ok(Self {
            request_id,
            declared_level,
            complexity,
            validate_only,
            confidence,
            ner,
            deadline: Instant::now() + asked,
        })
    }
}

fn wrong(name: &str, message: impl Into<String>) -> Refusal {
    Refusal::field(name, "INVALID_HEADER", message)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| wrong(name, "must be printable ASCII")),
        (Some(_), Some(_)) => Err(wrong(name, "stands twice; send it once")),
    }
}

fn word<T: Copy>(
    headers: &HeaderMap,
    name: &str,
    known: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Refusal> {
    let Some(given) = text(headers, name)? else { return Ok(None) };
    known.iter().copied().find(|value| as_str(*value).eq_ignore_ascii_case(given.trim())).map(Some).ok_or_else(|| {
        let words: Vec<_> = known.iter().map(|value| as_str(*value)).collect();
        wrong(name, format!("must be one of {}", words.join(", ")))
    })
}

/// The whole body, if it is not over the limit and comes before the deadline.
pub(super) async fn body(headers: &HeaderMap, body: Body, limit: usize, deadline: Instant) -> Result<Vec<u8>, Refusal> {
    let too_large = || {
        let message = format!("the body is over {limit} bytes, which follows from max_text_bytes; send less at a time");
        Refusal::new(Kind::InvalidArgument, "BODY_TOO_LARGE", message)
    };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let read = async {
        let mut bytes = Vec::with_capacity(declared.unwrap_or_default());
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk
                .map_err(|_| Refusal::new(Kind::InvalidArgument, "BODY_BROKEN", "the body broke off; send it again"))?;
            if bytes.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout_at(deadline.into(), read).await.map_err(|_| Refusal::deadline())?
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn read(headers: &[(&'static str, &'static str)]) -> Result<Inputs, Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        Inputs::read(&map, DAY)
    }

    #[test]
    fn headers_steer() {
        let inputs = read(&[
            ("x-request-id", "r-1"),
            ("x-cordon-declared-level", "Internal"),
            ("x-cordon-complexity", "complex"),
            ("x-cordon-validate-only", "true"),
            ("x-cordon-timeout-ms", "1000"),
        ])
        .unwrap();
        assert_eq!((inputs.request_id.as_str(), inputs.validate_only), ("r-1", true));
        assert_eq!(inputs.declared_level, Some(Sensitivity::Internal));
        assert_eq!(inputs.complexity, Some(Complexity::Complex));
        assert!(inputs.deadline <= Instant::now() + Duration::from_secs(1));
        let both = read(&[("x-request-id", "of-a-proxy"), ("idempotency-key", "k")]).unwrap();
        assert_eq!(both.request_id, "k");
    }

    #[test]
    fn wrong_headers_are_named() {
        for (name, value) in [
            ("x-request-id", "two words"),
            ("x-cordon-declared-level", "canary"),
            ("x-cordon-complexity", "hard"),
            ("x-cordon-validate-only", "1"),
            ("x-cordon-timeout-ms", "-1"),
        ] {
            let refusal = read(&[(name, value)]).unwrap_err();
            assert_eq!(refusal.field.as_deref(), Some(name));
            assert!(!refusal.message.contains("canary"));
        }
        assert!(read(&[("x-request-id", "a"), ("x-request-id", "b")]).is_err());
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_whether_declared_or_not() {
        let soon = Instant::now() + DAY;
        let sized = |length: &'static str| HeaderMap::from_iter([(CONTENT_LENGTH, HeaderValue::from_static(length))]);
        let refused = body(&sized("11"), Body::from("x"), 10, soon).await.unwrap_err();
        assert_eq!(refused.reason, "BODY_TOO_LARGE");
        let refused = body(&HeaderMap::new(), Body::from("x".repeat(11)), 10, soon).await.unwrap_err();
        assert_eq!(refused.reason, "BODY_TOO_LARGE");
        assert_eq!(body(&HeaderMap::new(), Body::from("x".repeat(10)), 10, soon).await.unwrap().len(), 10);
        let never = Body::from_stream(futures_util::stream::pending::<Result<&'static [u8], std::io::Error>>());
        let refused = body(&HeaderMap::new(), never, 10, Instant::now()).await.unwrap_err();
        assert_eq!(refused.reason, "DEADLINE_EXCEEDED");
    }
}
