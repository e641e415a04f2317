//! The order of the page: what it is about, the key figures, and then each question with its answer.

use maud::{Markup, html};

use super::super::{Proof, Report, Volume};
use super::format::{bytes, count, counted, date, dollars, micros, percent, signed_dollars};
use super::{Links, outcomes, plan, proof, volume};

/// The range in words.
pub(crate) fn period(report: &Report) -> String {
    let (range, summary) = (&report.range, &report.summary);
    let from = range.since.or(summary.first);
    // The end is not part of the range, so a page up to midnight names the day before.
    let to = range.until.and_then(|until| until.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()).or(summary.last);
    match (from, to) {
        (Some(from), Some(to)) if date(from) == date(to) => date(from),
        (Some(from), Some(to)) => format!("{} to {}", date(from), date(to)),
        (Some(from), None) => format!("from {}", date(from)),
        (None, Some(to)) => format!("up to {}", date(to)),
        (None, None) => "an empty log".to_owned(),
    }
}

/// The head of the page: title, range, the whole in three sentences, and whether the log can be believed.
pub(crate) fn heading(report: &Report) -> Markup {
    html! {
        p.eyebrow { "Cordon audit report" }
        h1 { (period(report)) }
        p.lead { (story(report)) }
        (proof::banner(&report.verification))
    }
}

/// The report in a few sentences.
fn story(report: &Report) -> Markup {
    let Volume { decisions, levels, routes, .. } = report.summary.total;
    let egress = &report.summary.cloud_egress;
    if decisions == 0 {
        return html! { "The log holds no decision in this time." };
    }
    let confidential_out = egress.sent_levels.confidential;
    html! {
        "Cordon decided on " (counted(decisions, "text")) ": "
        (count(levels.public)) " public, " (count(levels.internal)) " internal and " (count(levels.confidential)) " confidential. "
        @if routes.left() == 0 { "Nothing left for the cloud. " }
        @else {
            (count(routes.left())) " (" (percent(routes.left(), decisions)) ") left for the cloud, "
            @if confidential_out > 0 { strong { (count(confidential_out)) " of them with confidential text" } ". " }
            @else if egress.sent_levels.internal > 0 { (count(egress.sent_levels.internal)) " of them with internal and none with confidential text. " }
            @else { "all of them public text. " }
        }
        @if report.summary.endings.failed > 0 { (counted(report.summary.endings.failed, "call")) " failed or were refused. " }
        @if report.summary.incomplete_coverage > 0 {
            "In " (counted(report.summary.incomplete_coverage, "decision")) " a detector did not finish, and the text counts as confidential."
        }
    }
}

/// Every section.
pub(crate) fn sections(report: &Report, links: Links) -> Markup {
    let summary = &report.summary;
    html! {
        (figures(report))
        nav aria-label="Contents" {
            ul.contents {
                @for (id, name) in CONTENTS { li { a href={ "#" (id) } { (name) } } }
            }
        }
        (volume::volume(summary))
        (volume::routes(summary))
        (volume::egress(summary, links))
        (volume::who(summary))
        (volume::entity_types(summary))
        (proof::deciders(summary))
        (outcomes::outcomes(summary))
        (outcomes::coverage(summary))
        (outcomes::exceptions(summary, links))
        (outcomes::cost(summary))
        (outcomes::latency(summary))
        (plan::section(report.plan.as_ref()))
        (proof::verification(&report.verification))
    }
}

const CONTENTS: [(&str, &str); 13] = [
    ("volume", "Volume"),
    ("routes", "Where texts went"),
    ("egress", "What left"),
    ("callers", "Callers and models"),
    ("types", "Entity types"),
    ("policy", "Policies and rules"),
    ("outcomes", "Refused, failed, escalated"),
    ("coverage", "Coverage gaps"),
    ("exceptions", "Redactions and overrides"),
    ("cost", "Cost"),
    ("latency", "Latency"),
    ("plan", "Local or cloud"),
    ("verification", "Verification"),
];

/// The key figures.
fn figures(report: &Report) -> Markup {
    let summary = &report.summary;
    let total = &summary.total;
    let egress = &summary.cloud_egress;
    let leaked = egress.sent_levels.confidential;
    let paid = summary.local_money.cost_micros.saturating_add(summary.cloud_money.cost_micros);
    let saved = summary.local_money.saved_micros() + summary.cloud_money.saved_micros();
    let unpriced = summary.local_money.unpriced + summary.cloud_money.unpriced;
    let compared = summary.local_money.compared + summary.cloud_money.compared;
    let refused = summary.endings.failed;
    html! {
        dl.figures {
            (figure("Decisions", html! { (count(total.decisions)) }, false, html! { (bytes(total.text_bytes)) " of text" }))
            (figure("Left for the cloud", html! { (count(total.routes.left())) }, false,
                html! { (percent(total.routes.left(), total.decisions)) " of decisions, " (bytes(egress.bytes)) }))
            (figure("Confidential text that left", html! { (count(leaked)) }, leaked > 0,
                html! { "of " (counted(total.levels.confidential, "confidential text")) }))
            (figure("Refused or failed", html! { (count(refused)) }, false, html! { "of " (counted(summary.operations.dispatch, "call")) }))
            (figure("Coverage gaps", html! { (count(summary.incomplete_coverage)) }, false, html! { "counted as confidential" }))
            @match &summary.latency.verdict {
                Some(verdict) => (figure("Verdict, 99 of 100 within", html! { (micros(verdict.p99_us)) }, false,
                    html! { (count(verdict.over_aim)) " took longer than 500 ms" })),
                None => (figure("Verdict, 99 of 100 within", html! { "–" }, false, html! { "nothing measured" })),
            }
            (figure("Paid", html! { (dollars(paid)) }, false, html! {
                @if unpriced > 0 { (counted(unpriced, "call")) " without a price" } @else { "for " (counted(summary.local_money.priced + summary.cloud_money.priced, "call")) }
            }))
            (figure("Saved by the routes taken", html! {
                @if compared > 0 { (signed_dollars(saved)) } @else { "–" }
            }, false, html! {
                @if compared > 0 { "against the other side, " (counted(compared, "call")) } @else { "no call has a price on both sides" }
            }))
        }
    }
}

fn figure(name: &str, value: Markup, bad: bool, note: Markup) -> Markup {
    html! {
        div {
            dt { (name) }
            dd { div class={ "big" @if bad { " bad" } } { (value) } div.note { (note) } }
        }
    }
}

impl Proof {
    /// The class of its colour.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Broken => "bad",
            Self::Unproven => "warn",
            Self::Proven => "good",
            Self::NotVerified => "quiet",
        }
    }
}
