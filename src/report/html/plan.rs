//! Local or cloud, from the recorded traffic: the verdict of `cordon plan`, its reasons and the picture of the costs. What
//! only people know is not in a log, so the section says what it assumes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use crate::plan::{self, DecidedBy, Plan, Side};

use super::format::{count, counted};
use super::parts::{Column, Row, table};

/// The plan as a section of the report.
pub(super) fn section(plan: Option<&Plan>) -> Markup {
    html! {
        section #plan aria-labelledby="h-plan" {
            h2 #h-plan { "Local or cloud" }
            @match plan {
                None => p.none { "Too little is recorded in this time to plan with." },
                Some(plan) => {
                    p.about { "What " code { "cordon plan --from-audit" } " makes of this traffic alone. Tell it what a log cannot know (team, budget, prices, machines) for a plan of your own." }
                    (body(plan))
                }
            }
        }
    }
}

/// Verdict, costs, picture, reasons.
pub(crate) fn body(plan: &Plan) -> Markup {
    let decision = &plan.decision;
    let side = |side: Option<Side>| side.map_or("–", Side::as_str);
    let reasons: Vec<Row> = decision
        .rows
        .iter()
        .filter(|row| row.value.is_some())
        .map(|row| {
            Row::of([
                html! { (row.question) },
                html! { (row.value.unwrap_or("–")) },
                html! { strong { (side(row.verdict)) } },
                html! { (row.reason) },
            ])
        })
        .collect();
    let unasked = decision.rows.iter().filter(|row| row.value.is_none()).count() as u64;
    html! {
        p.lead {
            @match decision.decided_by {
                DecidedBy::Nothing => "Nothing here speaks for either side.",
                _ => { strong { (decision.verdict.as_str()) ": " } (decision.why) }
            }
        }
        @if let Some(traffic) = &plan.traffic {
            p.about { (counted(traffic.requests, "request")) " in " (counted(traffic.days, "day")) "; "
                (count(traffic.must_stay.requests)) " must stay, " (count(traffic.may_leave.requests)) " may leave and stayed, " (count(traffic.leaves.requests)) " left or would have." }
        }
        @if let Some(costs) = &plan.costs {
            figure {
                // A picture of its own brings its own style, which the policy of the page would not let in otherwise.
                img.picture src={ "data:image/svg+xml;base64," (STANDARD.encode(plan::chart::svg(plan))) } width="800" height="400"
                    alt={ "Cumulated cost over five years, local and cloud. " (costs.summary) };
            }
        }
        @if !reasons.is_empty() {
            (table(html! { "What speaks for which side " @if unasked > 0 { span.soft { "(" (counted(unasked, "further question")) " without an answer)" } } },
                &[Column::Text("Question"), Column::Text("Answer"), Column::Text("Speaks for"), Column::Text("Because")], &reasons))
        }
        @let applied: Vec<_> = decision.rules.iter().filter(|rule| rule.applies).collect();
        @if !applied.is_empty() {
            h3 { "Above the weights" }
            ul.plain { @for rule in applied { li { (rule.says) } } }
        }
        @if !plan.notes.is_empty() {
            h3 { "To know before relying on it" }
            ul.plain { @for note in &plan.notes { li { (note) } } }
        }
    }
}
