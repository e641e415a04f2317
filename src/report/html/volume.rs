//! How much, of which level, from whom and to where.

use jiff::civil::Date;
use maud::{Markup, html};

use super::super::counts::{Levels, Volume, Way};
use super::super::egress::Outward;
use super::super::{Ranking, Summary};
use super::chart::{self, Bin, LEVELS, way_name};
use super::format::{bytes, count, counted, dollars, percent, time};
use super::parts::{Column, Row, bar, code, level, number, ranking, table};
use super::{EGRESS_FIRST, EGRESS_SHOWN, Links};

/// Days that are drawn one by one; more are drawn by week, and many more by month.
const DAYS_DRAWN: usize = 92;
const WEEKS_DRAWN: usize = 104;
/// Days of the table on the page; the JSON has them all.
const DAYS_SHOWN: usize = 62;

/// By day and by what was asked.
pub(super) fn volume(summary: &Summary) -> Markup {
    use Column::Number;
    let (bins, unit) = bins(&summary.days);
    let operations = &summary.operations;
    html! {
        section #volume aria-labelledby="h-volume" {
            h2 #h-volume { "Volume" }
            p.about { (count(operations.dispatch)) " calls of models, " (counted(operations.classify, "classification")) " and "
                (counted(operations.validate, "question")) " where a request would go. A request that was escalated, or that a second backend took, is two calls." }
            @if bins.is_empty() { p.none { "Nothing to draw." } } @else {
                (chart::by_time(&bins, unit))
                details {
                    summary { "The numbers by day" }
                    @let days: Vec<Row> = summary.days.rows.iter().rev().take(DAYS_SHOWN).map(|day| day_row(&day.name, &day.counts)).collect();
                    (table("Decisions by day, newest first", &[Column::Text("Day"), Number("Decisions"), Number("Public"), Number("Internal"), Number("Confidential"), Number("To the cloud"), Number("Failed"), Number("Paid")], &days))
                    @let more = summary.days.rows.len().saturating_sub(DAYS_SHOWN) as u64;
                    @if more > 0 { p.soft { (counted(more, "older day")) " are in the JSON." } }
                    @if let Some(other) = &summary.days.other { p.soft { (counted(other.decisions, "decision")) " of further days are counted together." } }
                }
            }
        }
    }
}

fn day_row(day: &str, of: &Volume) -> Row {
    Row::of([
        html! { span.nowrap { (day) } },
        number(of.decisions),
        number(of.levels.public),
        number(of.levels.internal),
        number(of.levels.confidential),
        number(of.routes.left()),
        number(of.failed),
        html! { @if of.money.priced == 0 { span.soft { "–" } } @else { (dollars(of.money.cost_micros)) } },
    ])
}

/// The days as bars, those without a decision too.
fn bins(days: &Ranking<Volume>) -> (Vec<Bin>, &'static str) {
    let read: Vec<(Date, Levels)> =
        days.rows.iter().filter_map(|day| Some((day.name.parse().ok()?, day.counts.levels))).collect();
    let (Some((first, _)), Some((last, _))) = (read.first(), read.last()) else { return (Vec::new(), "day") };
    let span = first.until(*last).map_or(0, |span| span.get_days().unsigned_abs() as usize) + 1;
    if span > 40 * 366 {
        // A clock was wrong: only the days that there are.
        return (read.iter().map(|(day, levels)| Bin { label: day.to_string(), levels: *levels }).collect(), "day");
    }
    let (label, unit): (fn(Date) -> String, _) = match span {
        0..=DAYS_DRAWN => (|day| day.to_string(), "day"),
        _ if span <= WEEKS_DRAWN * 7 => (week_of, "week"),
        _ => (|day| day.strftime("%Y-%m").to_string(), "month"),
    };
    let mut bins: Vec<Bin> = Vec::new();
    let mut waiting = read.iter().peekable();
    for day in first.series(jiff::Span::new().days(1)).take(span) {
        let label = label(day);
        if bins.last().is_none_or(|bin| bin.label != label) {
            bins.push(Bin { label, levels: Levels::default() });
        }
        while let Some((_, levels)) = waiting.next_if(|(at, _)| *at <= day) {
            if let Some(bin) = bins.last_mut() {
                bin.levels.merge(levels);
            }
        }
    }
    (bins, unit)
}

/// The Monday of a week.
fn week_of(day: Date) -> String {
    let back = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(back)).unwrap_or(day).to_string()
}

/// Level against route.
pub(super) fn routes(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let of = &summary.level_routes;
    let mut columns = vec![Text("Level")];
    columns.extend(
        ["Local model", "Cloud, redacted", "Cloud", "Refused or not taken", "Classified only", "All"].map(Number),
    );
    let rows: Vec<Row> = LEVELS
        .iter()
        .rev()
        .map(|at| {
            let routes = of.of(*at);
            let ways = Way::ALL.map(|way| number(routes.of(way)));
            Row::of([level(*at)].into_iter().chain(ways).chain([number(routes.total())]))
        })
        .collect();
    html! {
        section #routes aria-labelledby="h-routes" {
            h2 #h-routes { "Where texts went" }
            p.about { "The verdict on a text bounds where it may go. This is where it went." }
            (chart::level_routes(of))
            (table("Decisions by level and route", &columns, &rows))
            div.gap { (ranking("Why a request did not take the route that the policy prefers", &[Text("Reason"), Number("Calls"), Column::Bar],
                &summary.route_reasons, (12, "reason"), |name| html! { (super::format::words(name)) },
                |reason| vec![number(reason.count), bar(reason.count, summary.operations.dispatch)])) }
        }
    }
}

/// The list of what left.
pub(super) fn egress(summary: &Summary, links: Links) -> Markup {
    use Column::{Number, Text};
    let Outward { calls, sent_levels, bytes: sent, money, overridden, redacted, rows_left_out, rows } =
        &summary.cloud_egress;
    let row = |row: &super::super::Egress| {
        Row::of([
            html! { span.nowrap { (time(row.time)) } span.under { (links.decision(&row.decision_id)) } },
            html! { (row.caller) },
            html! { (row.backend) span.under { (row.model) } },
            html! {
                (level(row.level))
                @if row.sent_level != row.level { " sent as " (level(row.sent_level)) }
                @if row.replaced > 0 { " " span.tag { (counted(row.replaced, "value")) " replaced" } }
                @if let Some(rule) = &row.overridden_by { " " span.tag.warn { "override " (rule) } }
                @if row.escalated_from.is_some() { " " span.tag { "escalated" } }
                @if row.outcome != "completed" { " " span.tag.warn { (row.outcome) } }
            },
            html! { @if row.entity_types.is_empty() { span.soft { "none" } } @for name in &row.entity_types { code.tag { (name) } } },
            html! { (bytes(row.bytes)) },
            html! { @match row.cost_micros { Some(cost) => { @if row.cost_estimated { "≤ " } (dollars(cost)) }, None => span.soft { "–" } } },
        ])
    };
    let columns = [
        Text("Time and decision"),
        Text("Caller"),
        Text("Backend and model"),
        Text("Level"),
        Text("Types in what was sent"),
        Number("Sent"),
        Number("Cost"),
    ];
    let shown: Vec<Row> = rows.iter().take(EGRESS_SHOWN).map(row).collect();
    let more = rows_left_out + rows.len().saturating_sub(EGRESS_SHOWN) as u64;
    html! {
        section #egress aria-labelledby="h-egress" {
            h2 #h-egress { "What left the organisation" }
            @if *calls == 0 {
                p.none { "Nothing: no call of a cloud model is recorded in this time." }
            } @else {
                p.about {
                    (counted(*calls, "call")) " of cloud models with " (bytes(*sent)) " of text: "
                    (count(sent_levels.public)) " public, " (count(sent_levels.internal)) " internal, " (count(sent_levels.confidential)) " confidential. "
                    (count(*redacted)) " were redacted first, " (count(*overridden)) " went out under an override. Together they cost " (dollars(money.cost_micros))
                    @if money.unpriced > 0 { ", and for " (count(money.unpriced)) " no price is known" } "."
                }
                @let (first, others) = shown.split_at_checked(EGRESS_FIRST).unwrap_or((&shown, &[]));
                (table(html! { "Calls of the cloud, newest first " @if !others.is_empty() || more > 0 { span.soft { "(the newest " (first.len()) " of " (count(*calls)) ")" } } }, &columns, first))
                @if !others.is_empty() {
                    details {
                        summary { "The next " (counted(others.len() as u64, "call")) }
                        (table("Calls of the cloud before those", &columns, others))
                    }
                }
                @if more > 0 { p.soft.gap { "The page shows the newest " (count(shown.len() as u64)) "; " (counted(more, "older call")) " are left out here, and the JSON of "
                    code { "cordon audit report --json" } " has them all." } }
            }
        }
    }
}

/// Callers and models.
pub(super) fn who(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let money = |of: &super::super::Money| {
        html! { @if of.priced == 0 { span.soft { "–" } } @else { @if of.estimated > 0 { "≤ " } (dollars(of.cost_micros)) } }
    };
    html! {
        section #callers aria-labelledby="h-callers" {
            h2 #h-callers { "Callers and models" }
            @if summary.callers.is_empty() { p.none { "Nobody called." } }
            (ranking("Callers", &[Text("Caller"), Number("Decisions"), Column::Bar, Number("Public"), Number("Internal"), Number("Confidential"), Number("To the cloud"), Number("Failed"), Number("Paid")],
                &summary.callers, (20, "caller"), |name| html! { (name) },
                |of| vec![number(of.decisions), bar(of.decisions, summary.total.decisions), number(of.levels.public), number(of.levels.internal), number(of.levels.confidential),
                    number(of.routes.left()), number(of.failed), money(&of.money)]))
            div.gap { (ranking("Models", &[Text("Backend / model"), Number("Calls"), Text("Side"), Number("Failed"), Number("Tokens read"), Number("Tokens written"), Number("Paid")],
                &summary.models, (20, "model"), |name| html! { (name) },
                |of| vec![number(of.calls), html! { @if of.left == 0 { (way_name(Way::Local).trim_end_matches(" model")) } @else if of.left == of.calls { "cloud" } @else { "both" } },
                    number(of.failed), number(of.input_tokens), number(of.output_tokens), money(&of.money)])) }
        }
    }
}

/// What was found.
pub(super) fn entity_types(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let most = summary.entity_types.rows.iter().map(|row| row.counts.findings).max().unwrap_or(0);
    html! {
        section #types aria-labelledby="h-types" {
            h2 #h-types { "Entity types" }
            @if summary.entity_types.is_empty() { p.none { "Nothing was found in any text." } } @else {
                p.about { "What the detectors found. The last column counts the calls in which a type stood in the text that was sent to the cloud, after any redaction." }
            }
            (ranking("Entity types", &[Text("Type"), Number("Findings"), Column::Bar, Number("Different values"), Number("Texts"), Number("Share of texts"), Number("Sent to the cloud")],
                &summary.entity_types, (25, "type"), code,
                |of| vec![number(of.findings), bar(of.findings, most), number(of.distinct), number(of.decisions),
                    html! { (percent(of.decisions, summary.total.decisions)) }, number(of.left)]))
        }
    }
}
