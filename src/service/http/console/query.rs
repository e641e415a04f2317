//! What an address or a form says, as pairs of names and values, with the bounds that every body has.

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use http::header::CONTENT_TYPE;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::error::Kind;
use crate::service::error::Refusal;
use crate::service::http::ask;

/// Pairs in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Those of an address.
    pub(super) fn of(request: &Request) -> Self {
        Self::parse(request.uri().query().unwrap_or_default().as_bytes())
    }

    fn parse(bytes: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The value of a name, without blanks around it; `None` if it is not there or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The value as it came.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A day of this name.
    pub(super) fn day(&self, name: &str) -> Result<Option<Date>, Refusal> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Refusal::field(name, "INVALID_DATE", "must be a day such as 2026-01-31"))
        };
        self.get(name).map(parse).transpose()
    }
}

/// The pairs of a form.
pub(super) async fn form(request: Request<Body>, limit: usize, deadline: Instant) -> Result<Query, Refusal> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let message = "the body must be a form; send `content-type: application/x-www-form-urlencoded`";
        return Err(Refusal::new(Kind::InvalidArgument, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    Ok(Query::parse(&ask::body(&parts.headers, body, limit, deadline).await?))
}

/// The first moment of a day, in UTC.
pub(super) fn begin(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The first moment after a day.
pub(super) fn end(day: Date) -> Option<Timestamp> {
    day.checked_add(1.day()).ok().and_then(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_trimmed() {
        let query = Query::parse(b"a=%3Cb%3E+c&empty=&pad=+x+&since=2026-01-31&bad=31.1.");
        assert_eq!((query.get("a"), query.get("empty"), query.get("pad")), (Some("<b> c"), None, Some("x")));
        assert_eq!(query.raw("pad"), Some(" x "));
        let day = query.day("since").unwrap().unwrap();
        assert_eq!(begin(day).unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!(end(day).unwrap().to_string(), "2026-02-01T00:00:00Z");
        assert!(query.day("bad").is_err());
        assert!(query.day("none").unwrap().is_none());
    }
}
