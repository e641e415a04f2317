//! How calls ended, what was not seen, who got an exception, what it cost and how long it took.

use maud::{Markup, html};

use super::super::{ObservedUse, Summary};
use super::Links;
use super::chart::{self, LEVELS};
use super::format::{bytes, count, counted, dollars, micros, percent, signed_dollars, time, words};
use super::parts::{Column, Row, bar, level, number, ranking, table};

/// Refused, failed, escalated.
pub(super) fn outcomes(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let endings = &summary.endings;
    let calls = summary.operations.dispatch;
    let escalations = &summary.escalations;
    let rows: Vec<Row> = [
        ("Answered whole", endings.completed),
        ("Refused or failed", endings.failed),
        ("Caller left, or the service stopped", endings.cancelled),
        ("Replaced by the cloud's answer", endings.escalated),
        ("No end recorded", endings.open),
    ]
    .into_iter()
    .map(|(name, of)| Row::of([html! { (name) }, number(of), bar(of, calls), html! { (percent(of, calls)) }]))
    .collect();
    html! {
        section #outcomes aria-labelledby="h-outcomes" {
            h2 #h-outcomes { "Refused, failed, escalated" }
            @if calls == 0 { p.none { "No model was called in this time." } } @else {
                div.two {
                    div { (table("How calls ended", &[Text("End"), Number("Calls"), Column::Bar, Number("Share")], &rows)) }
                    div {
                        @if summary.failures.is_empty() { h3 { "Why calls failed" } p.none { "None failed." } }
                        (ranking("Why calls were refused or failed", &[Text("Error: reason"), Number("Calls"), Column::Bar],
                            &summary.failures, (15, "reason"), |name| html! { span.mono.wrap { (name) } },
                            |of| vec![number(of.count), bar(of.count, endings.failed)]))
                    }
                }
                @if endings.open > 0 { p.soft.gap { "A call without an end is still in work, or the service was killed before it could record one." } }
                div.two.gap {
                    div {
                        h3 { "Escalations" }
                        @if escalations.confidence.judged == 0 && escalations.escalated == 0 { p.none { "No local answer was judged in this time." } } @else {
                            p { (counted(escalations.confidence.judged, "local answer")) " that stayed or were replaced were judged, " (count(escalations.confidence.low)) " of them not sure enough. "
                                (count(escalations.escalated)) " were replaced by the cloud's, " (count(escalations.withheld)) " stayed although they were not sure enough." }
                        }
                    }
                    div {
                        @if let Some(because) = &escalations.withheld_because {
                            (ranking("Why the cloud was not asked", &[Text("Reason"), Number("Answers")], because, (10, "reason"), |name| html! { (words(name)) }, |of| vec![number(of.count)]))
                        }
                        @if let Some(because) = &escalations.confidence.low_because {
                            (ranking("What spoke against answers", &[Text("Sign"), Number("Answers")], because, (10, "sign"), |name| html! { (words(name)) }, |of| vec![number(of.count)]))
                        }
                    }
                }
            }
        }
    }
}

/// Detectors that did not see everything.
pub(super) fn coverage(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let columns = [Text("Detector: reason"), Number("Decisions"), Number("Share"), Number("Bytes not seen")];
    let cells = |of: &super::super::Gap| {
        vec![
            number(of.decisions),
            html! { (percent(of.decisions, summary.total.decisions)) },
            html! { (bytes(of.bytes_missed)) },
        ]
    };
    html! {
        section #coverage aria-labelledby="h-coverage" {
            h2 #h-coverage { "Coverage gaps" }
            p.about {
                @if summary.incomplete_coverage == 0 { "Every detector that had to look at a text looked at all of it." }
                @else { "In " (counted(summary.incomplete_coverage, "decision")) " (" (percent(summary.incomplete_coverage, summary.total.decisions))
                    ") a detector failed or did not see all of the text. Unknown is confidential, so each of these counts as confidential." }
            }
            (ranking("Detectors that failed", &columns, &summary.failed_detectors, (15, "reason"), |name| html! { (words(name)) }, cells))
            div.gap { (ranking("Skips that the policy permits", &columns, &summary.skipped_detectors, (15, "reason"), |name| html! { (words(name)) }, cells)) }
        }
    }
}

/// Redactions, overrides, declared levels, the observed policy.
pub(super) fn exceptions(summary: &Summary, links: Links) -> Markup {
    use Column::{Number, Text};
    let (redactions, overrides, declared) = (&summary.redactions, &summary.overrides, &summary.declared);
    let levels = [Number("Public"), Number("Internal"), Number("Confidential")];
    let declared_rows: Vec<Row> = [
        (html! { "nothing" }, &declared.undeclared),
        (level(LEVELS[0]), &declared.public),
        (level(LEVELS[1]), &declared.internal),
        (level(LEVELS[2]), &declared.confidential),
    ]
    .into_iter()
    .map(|(name, found)| Row::of([name].into_iter().chain(LEVELS.map(|at| number(found.of(at))))))
    .collect();
    html! {
        section #exceptions aria-labelledby="h-exceptions" {
            h2 #h-exceptions { "Redactions, overrides, declared levels" }
            div.two {
                div {
                    h3 { "Redactions" }
                    @if redactions.calls == 0 { p.none { "No redacted text left in this time." } } @else {
                        p { (counted(redactions.calls, "call")) " left with " (counted(redactions.values_replaced, "value")) " replaced. By their own verdicts, "
                            (count(redactions.before.confidential)) " of the texts were confidential before and " (count(redactions.after.confidential)) " after; "
                            (count(redactions.before.internal)) " were internal before and " (count(redactions.after.internal)) " after." }
                    }
                    (observed(&summary.observed))
                }
                div {
                    (table(html! { "Declared by the caller, and found " @if declared.raised > 0 { span.soft { "(raised " (count(declared.raised)) " times)" } } },
                        &[&[Text("Declared")], levels.as_slice()].concat(), &declared_rows))
                }
            }
            @if overrides.count == 0 {
                h3 { "Overrides" }
                p.none { "No caller used a leave of the policy to lower a level." }
            } @else {
                @let rows: Vec<Row> = overrides.rows.iter().take(100).map(|row| Row::of([
                    html! { span.nowrap { (time(row.time)) } }, html! { (row.caller) }, html! { code { (row.rule) } },
                    html! { (level(row.from)) " as " (level(row.to)) }, html! { @if row.reason.is_empty() { span.soft { "none given" } } @else { (row.reason) } },
                    links.decision(&row.decision_id),
                ])).collect();
                @let more = overrides.rows_left_out + overrides.rows.len().saturating_sub(100) as u64;
                div.gap {
                    (table(html! { "Overrides, newest first " @if more > 0 { span.soft { "(the newest " (rows.len()) "; " (counted(more, "older one")) " are left out here)" } } },
                        &[Text("Time"), Text("Caller"), Text("Override"), Text("Treated"), Text("Reason given"), Text("Decision")], &rows))
                }
            }
        }
    }
}

fn observed(of: &ObservedUse) -> Markup {
    html! {
        h3 { "Observed policy" }
        @if of.decisions == 0 { p.none { "No policy only looked on in this time." } } @else {
            p { "A policy that does not act looked on " (count(of.decisions)) " times and would have decided otherwise " (count(of.differs)) " times: a higher level "
                (count(of.higher)) ", a lower one " (count(of.lower)) ", to the cloud what stayed " (count(of.newly_outward)) ", kept what left " (count(of.newly_inward)) "." }
        }
    }
}

/// Cost and savings.
pub(super) fn cost(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let (local, cloud) = (&summary.local_money, &summary.cloud_money);
    let row = |name: &str, of: &super::super::Money| {
        Row::of([
            html! { (name) },
            number(of.priced + of.unpriced),
            number(of.unpriced),
            html! { @if of.estimated > 0 { "≤ " } (dollars(of.cost_micros)) },
            number(of.compared),
            html! { (dollars(of.compared_cost_micros)) },
            html! { (dollars(of.other_side_cost_micros)) },
            html! { (signed_dollars(of.saved_micros())) },
        ])
    };
    let estimated = local.estimated + cloud.estimated;
    let bars = [
        ("Local calls", "paid", local.compared_cost_micros, "f-local", local.compared),
        ("", "in the cloud, the same", local.other_side_cost_micros, "f-cloud", local.compared),
        ("Cloud calls", "paid", cloud.compared_cost_micros, "f-cloud", cloud.compared),
        ("", "on a local model, the same", cloud.other_side_cost_micros, "f-local", cloud.compared),
    ];
    let bars: Vec<_> = bars.iter().filter(|bar| bar.4 > 0).map(|bar| (bar.0, bar.1, bar.2, bar.3)).collect();
    html! {
        section #cost aria-labelledby="h-cost" {
            h2 #h-cost { "Cost" }
            p.about { "By the prices of the configuration at the time of each call. Savings compare the calls for which both sides have a price, and count no hardware, power or people." }
            @if local.priced + cloud.priced == 0 { p.none { "No call has a price: give the backends one in the configuration." } } @else {
                @if !bars.is_empty() { (chart::cost(&bars, dollars)) }
                (table("Cost by side", &[Text("Side"), Number("Calls"), Number("Without a price"), Number("Paid"), Number("Compared calls"), Number("They cost"), Number("On the other side"), Number("Saved")],
                    &[row("Local", local), row("Cloud", cloud)]))
                @if estimated > 0 { p.soft.gap { "For " (counted(estimated, "call")) " the cost is a bound made of bytes, because the backend does not count its tokens." } }
            }
        }
    }
}

/// Times against the aim.
pub(super) fn latency(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let measured = chart::measures(&summary.latency);
    let rows: Vec<Row> = measured
        .iter()
        .map(|(name, about, told)| {
            Row::of([
                html! { (name) span.soft { ", " (about) } },
                number(told.count),
                html! { (micros(told.p50_us)) },
                html! { (micros(told.p90_us)) },
                html! { (micros(told.p99_us)) },
                html! { (micros(told.max_us)) },
                number(told.over_aim),
                html! { (percent(told.count - told.over_aim, told.count)) },
            ])
        })
        .collect();
    html! {
        section #latency aria-labelledby="h-latency" {
            h2 #h-latency { "Latency" }
            p.about { "Percentiles are at most 1.6 % too high and never too low; how many missed the aim of 500 ms is exact. Calls that did not end whole are not among them." }
            @if measured.is_empty() { p.none { "Nothing was measured in this time." } } @else {
                (chart::latency(&summary.latency))
                (table("Times", &[Text("Measure"), Number("Measured"), Number("Half within"), Number("90 of 100"), Number("99 of 100"), Number("Longest"), Number("Over 500 ms"), Number("Within the aim")], &rows))
            }
        }
    }
}
