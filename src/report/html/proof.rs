//! Who decided, and whether the log can be believed: policies, rules, operators, and the verifier's word.

use maud::{Markup, html};

use super::super::{Proof, Seen, Standing, Summary};
use super::format::{count, counted, short, time, words};
use super::parts::{Column, Row, code, level, number, ranking, table};
use crate::policy::Sensitivity;

/// The verifier's word in one line, above everything else.
pub(super) fn banner(standing: &Standing) -> Markup {
    html! {
        div class={ "proof " (standing.proof.class()) } role="note" {
            (sign(standing.proof))
            p {
                strong { (title(standing)) } " "
                @match standing.proof {
                    Proof::Broken => { (standing.fault.as_deref().unwrap_or_default()) ". What this report counts may not be what happened." }
                    Proof::Unproven => { "All " (counted(standing.records, "record")) " follow from each other up to record " (count(standing.head_sequence)) ". "
                        (counted(standing.unproven.len() as u64, "thing")) " could not be proven; " a href="#verification" { "see what" } "." }
                    Proof::Proven => { "All " (counted(standing.records, "record")) " are in place and unchanged, and nothing is left to prove." }
                    Proof::NotVerified => { (standing.not_verified_because) ". Nothing below is proven." }
                }
            }
        }
    }
}

fn title(standing: &Standing) -> &'static str {
    match standing.proof {
        Proof::Broken => "The log is broken.",
        Proof::Unproven => "The log is intact as far as it can be shown.",
        Proof::Proven => "The log is intact.",
        Proof::NotVerified => "The log was not verified:",
    }
}

/// A sign beside the words, so that colour is not all there is.
fn sign(proof: Proof) -> Markup {
    html! {
        svg viewBox="0 0 20 20" aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" {
            @match proof {
                Proof::Broken => { circle cx="10" cy="10" r="8" {} path d="M7 7l6 6M13 7l-6 6" {} }
                Proof::Unproven => { path d="M10 2.6 18.2 17H1.8z" {} path d="M10 8v4M10 14.4v.2" {} }
                Proof::Proven => { circle cx="10" cy="10" r="8" {} path d="M6.3 10.3l2.6 2.6 4.8-5.4" {} }
                Proof::NotVerified => { circle cx="10" cy="10" r="8" {} path d="M10 6v5M10 13.8v.2" {} }
            }
        }
    }
}

/// The whole of what the verifier said.
pub(super) fn verification(standing: &Standing) -> Markup {
    html! {
        section #verification aria-labelledby="h-verification" {
            h2 #h-verification { "Verification" }
            p.about { "Each record is chained to the one before it by a hash, so a record that was changed, removed, put in or moved is found. "
                "What the verifier cannot prove stands here by name and never counts as passed." }
            @let rows = [
                Row::of([html! { "Result" }, html! { (title(standing).trim_end_matches([':', '.'])) @if standing.proof == Proof::NotVerified { ": " (standing.not_verified_because) } }]),
                Row::of([html! { "Records looked at" }, html! { (count(standing.records)) }]),
                Row::of([html! { "Head" }, html! { @if standing.head_hash.is_empty() { "–" } @else { code.wrap { (standing.head_sequence) ":" (standing.head_hash) } } }]),
                Row::of([html! { "Proven by signatures or kept heads" }, html! {
                    @match standing.proven_to { 0 => "nothing", to => { "up to record " (count(to)) } }
                    @if standing.checkpoints > 0 { "; " (counted(standing.checkpoints, "signed checkpoint")) " stand in the log" } }]),
                Row::of([html! { "Removed by retention" }, html! { @match standing.removed_to { 0 => "nothing", to => { "records 1 to " (count(to)) "; the chain goes on behind them" } } }]),
                Row::of([html! { "At fault" }, html! { @match &standing.fault { Some(fault) => (fault), None => "–" } }]),
            ];
            (table("What the verifier found", &[Column::Text("Question"), Column::Text("Answer")], &rows))
            @if !standing.unproven.is_empty() {
                h3 { "Unproven" }
                ul.plain { @for unproven in &standing.unproven { li { (unproven) } } }
            }
            @if !standing.head_hash.is_empty() {
                p.soft.gap { "Keep the head elsewhere. Later, " code { "cordon audit verify --head " (standing.head_sequence) ":" (short(&standing.head_hash)) "…" }
                    " with the whole hash proves that nothing up to it was cut off or made anew." }
            }
        }
    }
}

fn seen(seen: &Seen) -> [Markup; 2] {
    [seen.first, seen.last].map(|at| html! { span.nowrap { @match at { Some(at) => (time(at)), None => "–" } } })
}

/// Policies, rules, what decided beside them, and what operators changed.
pub(super) fn deciders(summary: &Summary) -> Markup {
    use Column::{Number, Text};
    let changes = summary.policies.rows.len();
    html! {
        section #policy aria-labelledby="h-policy" {
            h2 #h-policy { "Policies and rules" }
            p.about {
                @match changes {
                    0 => "No policy decided in this time.",
                    1 => "One policy decided in all of this time.",
                    _ => { (changes) " policies decided; each is known by the digest of its file." }
                }
            }
            (ranking("Policies that decided", &[Text("Digest"), Text("Name"), Text("Version"), Number("Decisions"), Text("First"), Text("Last")],
                &summary.policies, (20, "policy"), |digest| html! { code title=(digest) { (short(digest)) } },
                |policy| { let [first, last] = seen(&policy.seen);
                    vec![html! { (policy.policy) }, html! { (policy.version) }, number(policy.seen.decisions), first, last] }))
            div.two {
                div.gap { (ranking("Rules that applied", &[Text("Rule"), Text("Gives"), Number("Applied"), Number("Gave the level")],
                    &summary.rules, (20, "rule"), code,
                    |rule| vec![
                        html! { @for at in [Sensitivity::Confidential, Sensitivity::Internal, Sensitivity::Public] { @if rule.levels.of(at) > 0 { (level(at)) " " } } },
                        number(rule.applied), number(rule.decided),
                    ])) }
                div.gap {
                    @if summary.operators.is_empty() {
                        h3 { "What operators changed" }
                        p.none { "Nobody opened or closed the cloud in this time." }
                    } @else {
                        @let rows: Vec<Row> = summary.operators.iter().take(50).map(|change| Row::of([
                            html! { span.nowrap { (time(change.time)) } }, html! { (words(&change.change)) },
                            html! { @if change.caller.is_empty() { "everybody" } @else { (change.caller) } }, html! { (change.by) },
                        ])).collect();
                        (table("What operators changed", &[Text("Time"), Text("Change"), Text("For"), Text("By")], &rows))
                        @let more = summary.operators_left_out + summary.operators.len().saturating_sub(50) as u64;
                        @if more > 0 { p.soft { (counted(more, "older change")) " are not shown." } }
                    }
                }
            }
            div.gap { (ranking("What else decided", &[Text("Cordon"), Text("Catalog"), Text("Model"), Number("Decisions"), Text("First"), Text("Last")],
                &summary.programs, (10, "combination"), |key| html! { (key.split(' ').next().unwrap_or_default()) },
                |program| { let [first, last] = seen(&program.seen);
                    vec![code(&short(&program.catalog)), html! { @if program.model.is_empty() { "none" } @else { (code(&short(&program.model))) } },
                        number(program.seen.decisions), first, last] })) }
        }
    }
}
