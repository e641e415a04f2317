//! The report of now, with a choice of the range, and the same as files.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use maud::{Markup, html};

use crate::report::html::{self as page, Links};
use crate::report::{Range, Report};
use crate::service::error::Refusal;

use super::layout::{self, Place};
use super::query::{self, Query};
use super::{Console, Shared, answer, caller};

/// Ranges by name, with their days back from today; today itself is one of them.
const NAMED: [(&str, &str, i32); 4] =
    [("today", "Today", 0), ("7d", "7 days", 6), ("30d", "30 days", 29), ("90d", "90 days", 89)];
const DEFAULT: &str = "7d";
const ALL: &str = "all";
const CUSTOM: &str = "custom";

/// A range as it was chosen.
pub(super) struct Choice {
    name: &'static str,
    range: Range,
    days: (Option<Date>, Option<Date>),
}

impl Choice {
    /// What the address says, and else this range.
    pub(super) fn of(query: &Query, now: Timestamp, default: &str) -> Result<Self, Refusal> {
        let days = (query.day("since")?, query.day("until")?);
        if days.0.is_some() || days.1.is_some() {
            // A person means the last day too.
            let range = Range { since: days.0.and_then(query::begin), until: days.1.and_then(query::end) };
            return Ok(Self { name: CUSTOM, range, days });
        }
        let asked = query.get("range").unwrap_or(default);
        if asked == ALL {
            return Ok(Self { name: ALL, range: Range::default(), days });
        }
        let Some((name, _, back)) = NAMED.iter().find(|(name, ..)| *name == asked) else {
            return Err(Refusal::field("range", "UNKNOWN_RANGE", "must be today, 7d, 30d, 90d or all"));
        };
        let today = now.to_zoned(TimeZone::UTC).date();
        let since = today.checked_sub((*back).days()).ok().and_then(query::begin);
        Ok(Self { name, range: Range { since, until: None }, days })
    }

    pub(super) fn range(&self) -> Range {
        self.range
    }

    fn address(&self, file: &str) -> String {
        let mut address = url::form_urlencoded::Serializer::new(format!("/console/{file}?"));
        match self.name {
            CUSTOM => {
                for (name, day) in [("since", self.days.0), ("until", self.days.1)] {
                    if let Some(day) = day {
                        address.append_pair(name, &day.to_string());
                    }
                }
            }
            name => {
                address.append_pair("range", name);
            }
        }
        address.finish()
    }
}

async fn made(console: &Console, query: Query) -> Result<(Choice, Arc<Report>), Refusal> {
    let choice = Choice::of(&query, Timestamp::now(), DEFAULT)?;
    let report = console.core.live.report(&console.core, choice.range).await?;
    Ok((choice, report))
}

pub(super) async fn show(State(console): Shared, request: Request) -> Response<Body> {
    let shown = async move {
        let caller = caller(&request)?;
        let (choice, report) = made(&console, Query::of(&request)).await?;
        let body = html! {
            header.top {
                (page::heading(&report))
                (picker(&choice))
            }
            main #content { (page::sections(&report, Links::Console)) }
        };
        Ok(layout::page(Place::Overview, "Overview", &caller, &body))
    };
    answer(shown.await)
}

fn picker(choice: &Choice) -> Markup {
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    html! {
        ul.ranges aria-label="Range" {
            @for (name, words, _) in NAMED {
                li { a href={ "/console?range=" (name) } aria-current=[(choice.name == name).then_some("true")] { (words) } }
            }
            li { a href={ "/console?range=" (ALL) } aria-current=[(choice.name == ALL).then_some("true")] { "Everything" } }
            li { "Save as " a href=(choice.address("report.html")) { "HTML" } " or " a href=(choice.address("report.json")) { "JSON" } }
        }
        form.fields method="get" action="/console" {
            label { "From" input type="date" name="since" value=[day(choice.days.0)]; }
            label { "To, included" input type="date" name="until" value=[day(choice.days.1)]; }
            button type="submit" { "Show" }
        }
    }
}

pub(super) async fn html_file(State(console): Shared, request: Request) -> Response<Body> {
    let file = async move {
        let (_, report) = made(&console, Query::of(&request)).await?;
        let mut response = as_file(page::page(&report), "text/html; charset=utf-8", "cordon-report.html");
        // The page brings its own policy, which its own style needs.
        let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        Ok(response)
    };
    answer(file.await)
}

pub(super) async fn json_file(State(console): Shared, request: Request) -> Response<Body> {
    let file = async move {
        let (_, report) = made(&console, Query::of(&request)).await?;
        let json = serde_json::to_string_pretty(&*report).map_err(|_| super::internal("the report is no JSON"))?;
        Ok(as_file(json, "application/json", "cordon-report.json"))
    };
    answer(file.await)
}

fn as_file(content: String, kind: &'static str, name: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(query: &str) -> Result<Choice, Refusal> {
        let request = Request::builder().uri(format!("/console?{query}")).body(Body::empty()).unwrap();
        Choice::of(&Query::of(&request), "2026-03-10T15:00:00Z".parse().unwrap(), DEFAULT)
    }

    #[test]
    fn a_range_is_named_or_two_days() {
        let since = |query: &str| choice(query).unwrap().range.since.unwrap().to_string();
        assert_eq!(since(""), "2026-03-04T00:00:00Z");
        assert_eq!(since("range=today"), "2026-03-10T00:00:00Z");
        assert_eq!(choice("range=all").unwrap().range, Range::default());
        let days = choice("since=2026-03-01&until=2026-03-02").unwrap();
        assert_eq!(days.range.until.unwrap().to_string(), "2026-03-03T00:00:00Z", "the last day is in it");
        assert_eq!(days.address("report.json"), "/console/report.json?since=2026-03-01&until=2026-03-02");
        assert!(choice("range=week").is_err() && choice("since=x").is_err());
    }
}
