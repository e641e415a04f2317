//! The list of decisions: filters, pages, and a way to each.

use axum::body::Body;
use axum::extract::{Request, State};
use http::Response;
use maud::{Markup, html};

use crate::audit::{DEFAULT_PAGE_SIZE, DecisionFilter, StatusFilter, StoredDecision};
use crate::policy::{Route, Sensitivity};
use crate::report::Way;
use crate::report::html::format::{dollars, micros, time, words};
use crate::report::html::parts::{self, Column, Row};
use crate::service::error::Refusal;

use super::layout::{self, Place};
use super::query::{self, Query};
use super::{Shared, answer, caller};

/// Types that are shown of one decision.
const TYPES: usize = 4;

/// The names of the filters in the address.
const NAMES: [&str; 9] =
    ["level", "route", "outcome", "caller", "entity_type", "model", "policy_digest", "since", "until"];

fn filter(query: &Query) -> Result<DecisionFilter, Refusal> {
    let unknown = |field: &str| Refusal::field(field, "UNKNOWN_VALUE", "has a value that the log does not know");
    let level = query.get("level").map(|name| level_named(name).ok_or_else(|| unknown("level"))).transpose()?;
    let route = query.get("route").map(|name| Route::named(name).ok_or_else(|| unknown("route"))).transpose()?;
    Ok(DecisionFilter {
        level,
        route,
        caller: query.get("caller").map(str::to_owned),
        entity_type: query.get("entity_type").map(str::to_owned),
        model: query.get("model").map(str::to_owned),
        policy_digest: query.get("policy_digest").map(str::to_owned),
        status: query
            .get("outcome")
            .map(|name| StatusFilter::named(name).ok_or_else(|| unknown("outcome")))
            .transpose()?,
        since: query.day("since")?.and_then(query::begin),
        until: query.day("until")?.and_then(query::end),
        ..DecisionFilter::default()
    })
}

const LEVELS: [Sensitivity; 3] = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential];

fn level_named(name: &str) -> Option<Sensitivity> {
    LEVELS.into_iter().find(|level| level.as_str() == name)
}

pub(super) async fn show(State(console): Shared, request: Request) -> Response<Body> {
    let shown = async move {
        let caller = caller(&request)?;
        let query = Query::of(&request);
        let filter = filter(&query)?;
        let _ = tokio::time::timeout(super::SETTLE, console.core.audit.flush()).await;
        let token = query.get("page").unwrap_or_default().to_owned();
        let reader = console.core.audit.reader();
        let page = reader.list_async(filter, token, DEFAULT_PAGE_SIZE).await.map_err(Refusal::from)?;
        let rows: Vec<Row> = page.decisions.iter().map(row).collect();
        let body = html! {
            main #content {
                h1 { "Decisions" }
                p.about { "Newest first. A page stays as it is while decisions are added." }
                (filters(&query))
                section {
                    @if rows.is_empty() { p.none { "No decision fits." } } @else { (parts::table("Decisions", &COLUMNS, &rows)) }
                    div.pages {
                        @if query.get("page").is_some() { a href=(address(&query, "")) { "Back to the newest" } }
                        @if !page.next_page_token.is_empty() { a rel="next" href=(address(&query, &page.next_page_token)) { "Older decisions" } }
                    }
                }
            }
        };
        Ok(layout::page(Place::Decisions, "Decisions", &caller, &body))
    };
    answer(shown.await)
}

/// The address of another page of the same list.
fn address(query: &Query, page: &str) -> String {
    let mut address = url::form_urlencoded::Serializer::new("/console/decisions?".to_owned());
    for name in NAMES {
        if let Some(value) = query.get(name) {
            address.append_pair(name, value);
        }
    }
    if !page.is_empty() {
        address.append_pair("page", page);
    }
    address.finish()
}

fn filters(query: &Query) -> Markup {
    let chosen = |name: &str, value: &str| query.get(name) == Some(value);
    html! {
        form.fields method="get" action="/console/decisions" {
            label { "Level"
                select name="level" {
                    option value="" { "any" }
                    @for level in LEVELS { option value=(level.as_str()) selected[chosen("level", level.as_str())] { (level.as_str()) } }
                }
            }
            label { "Route"
                select name="route" {
                    option value="" { "any" }
                    @for route in Route::ALL { option value=(route.as_str()) selected[chosen("route", route.as_str())] { (route.as_str()) } }
                }
            }
            label { "Ended"
                select name="outcome" {
                    option value="" { "any" }
                    @for name in StatusFilter::NAMES { option value=(name) selected[chosen("outcome", name)] { (name) } }
                }
            }
            label { "Caller" input name="caller" value=[query.get("caller")] size="11" autocomplete="off"; }
            label { "Entity type" input name="entity_type" value=[query.get("entity_type")] size="13" autocomplete="off"; }
            label { "Model" input name="model" value=[query.get("model")] size="11" autocomplete="off"; }
            label { "Policy digest" input name="policy_digest" value=[query.get("policy_digest")] size="11" autocomplete="off"; }
            label { "From" input type="date" name="since" value=[query.get("since")]; }
            label { "To, included" input type="date" name="until" value=[query.get("until")]; }
            button type="submit" { "Filter" }
            @if NAMES.iter().any(|name| query.get(name).is_some()) { a href="/console/decisions" { "Clear" } }
        }
    }
}

const COLUMNS: [Column; 8] = [
    Column::Text("Time and decision"),
    Column::Text("Level"),
    Column::Text("Because of"),
    Column::Text("Went to"),
    Column::Text("Found"),
    Column::Text("Caller"),
    Column::Text("Ended"),
    Column::Number("Took"),
];

fn row(stored: &StoredDecision) -> Row {
    let decision = &stored.decision;
    let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
    let id = decision.id.to_string();
    let types = &decision.entities;
    Row::of([
        // The end of the id differs where the beginning, which is the time, may not.
        html! { a.nowrap href={ "/console/decisions/" (id) } title=(id) { (time(decision.time)) }
        span.under { code { "…" (id.get(id.len().saturating_sub(12)..).unwrap_or(&id)) } } },
        parts::level(decision.level),
        html! { @match decision.reasons.first() { Some(reason) => (words(reason.rule.as_str())), None => span.soft { "no rule" } } },
        went(stored),
        html! {
            @if types.is_empty() { span.soft { "nothing" } }
            @for entity in types.iter().take(TYPES) { code.tag { (entity.entity_type) @if entity.count > 1 { " ×" (entity.count) } } }
            @if types.len() > TYPES { span.soft { "and " (types.len() - TYPES) " more" } }
        },
        html! { (decision.caller) },
        html! { @match outcome {
            Some(outcome) => {
                @if outcome.error.as_str().is_empty() { (outcome.status.as_str()) } @else { span.tag.warn { (outcome.error) } }
                @if let Some(cost) = outcome.cost_micros { span.under { (dollars(cost)) } }
            }
            None => span.soft { "–" },
        } },
        html! { (micros(outcome.map_or(decision.timings.total_us, |outcome| outcome.total_us))) },
    ])
}

/// Where the text went, in short.
fn went(stored: &StoredDecision) -> Markup {
    let routing = stored.decision.routing.as_ref();
    html! {
        @match (Way::of(&stored.decision), routing) {
            (Way::NotAsked, Some(routing)) => span.soft { "asked only: " (routing.route) },
            (Way::NotAsked, None) => span.soft { "classified only" },
            (Way::Unserved, _) => span.soft { "nowhere" },
            (_, Some(routing)) => { span.nowrap { (routing.route) } span.under { (routing.backend) } },
            (_, None) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&Request::builder().uri(format!("/console/decisions?{text}")).body(Body::empty()).unwrap())
    }

    #[test]
    fn filters_are_read_and_kept_in_addresses() {
        let asked = query(
            "level=internal&route=cloud-redacted&outcome=failed&caller=a%26b&entity_type=PERSON&since=2026-03-01&until=2026-03-01",
        );
        let filter = filter(&asked).unwrap();
        assert_eq!((filter.level, filter.route), (Some(Sensitivity::Internal), Some(Route::CloudRedacted)));
        assert_eq!(filter.caller.as_deref(), Some("a&b"));
        assert_eq!(filter.until.unwrap().to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(
            address(&asked, "t"),
            "/console/decisions?level=internal&route=cloud-redacted&outcome=failed&caller=a%26b&entity_type=PERSON&since=2026-03-01&until=2026-03-01&page=t"
        );
        assert_eq!(filter.entity_type.as_deref(), Some("PERSON"));
        assert!(super::filter(&query("outcome=odd")).is_err());
        assert!(super::filter(&query("level=secret")).is_err() && super::filter(&query("route=moon")).is_err());
    }
}
