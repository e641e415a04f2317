//! One verdict, rule by rule: which rules applied, which did not and why as far as the record says, what was looked at,
//! where the text went and why, what came of it, and what proves the record. The text itself is nowhere.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use http::Response;
use maud::{Markup, html};

use crate::audit::{Decision, DecisionId, EntityCount, Outcome, RecordedFinding, Routing, StoredDecision};
use crate::detect::Status;
use crate::policy::told::{self, Recorded, RuleTold};
use crate::policy::{DECLARED_LEVEL, INCOMPLETE_COVERAGE, Policy, UNSCANNABLE_CONTENT};
use crate::report::Way;
use crate::report::html::format::{bytes, count, counted, dollars, micros, time, words};
use crate::report::html::parts::{self, Column, Row, code, level, number};
use crate::service::error::Refusal;

use super::layout::{self, Place};
use super::{Shared, answer, caller, rules};

/// Findings that are listed on the page.
const FINDINGS: usize = 200;

pub(super) async fn show(State(console): Shared, Path(id): Path<String>, request: Request) -> Response<Body> {
    let shown = async move {
        let caller = caller(&request)?;
        let id: DecisionId = id.parse().map_err(Refusal::from)?;
        let _ = tokio::time::timeout(super::SETTLE, console.core.audit.flush()).await;
        let stored = console.core.audit.reader().get_async(id).await.map_err(Refusal::from)?;
        let policy = console.core.classifier.policy();
        let policy = (policy.reference().digest == stored.decision.policy.digest).then_some(policy);
        let body = html! {
            main #content { (page(&stored, policy.as_deref())) }
        };
        Ok(layout::page(Place::Decisions, "Decision", &caller, &body))
    };
    answer(shown.await)
}

fn page(stored: &StoredDecision, policy: Option<&Policy>) -> Markup {
    let decision = &stored.decision;
    let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
    html! {
        p.eyebrow.gap { a href="/console/decisions" { "Decisions" } " / " code { (decision.id) } }
        h1 { "Why this text was " (decision.level.as_str()) }
        div.verdict {
            (level(decision.level))
            span.soft { (time(decision.time)) " UTC, asked by " strong { (decision.caller) } ", "
                (counted(decision.text_bytes, "byte")) " in " (counted(decision.parts, "string")) }
        }
        p.lead { (story(stored)) }
        (why_level(decision, policy))
        (found(decision))
        (looked_at(decision))
        (went(decision))
        (came_of_it(decision, outcome))
        (proof(stored))
    }
}

/// The decision in a few sentences.
fn story(stored: &StoredDecision) -> Markup {
    let decision = &stored.decision;
    let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
    let routing = decision.routing.as_ref();
    html! {
        @match decision.reasons.first() {
            None => "No rule of the policy held, so the text is public. ",
            Some(reason) => { "The rule " code { (reason.rule) } " made it " (reason.level.as_str()) ". " }
        }
        @match (Way::of(decision), routing) {
            (Way::NotAsked, Some(routing)) => { "It was only asked where it would go: " (routing.route) ". " }
            (Way::NotAsked, None) => "Nobody asked for a model, so it went nowhere. ",
            (Way::Unserved, _) => "No model took it. ",
            (Way::Local, Some(routing)) => { "It stayed inside, with " (routing.backend) ". " }
            (Way::CloudRedacted, Some(routing)) => { "It left for " (routing.backend) " after its findings were replaced. " }
            (_, Some(routing)) => { "It left for " (routing.backend) ". " }
            (_, None) => "",
        }
        @if let Some(outcome) = outcome {
            "The call " @match outcome.error.as_str() {
                "" => { (outcome.status.as_str()) }
                error => { "failed: " (words(error)) }
            } " after " (micros(outcome.total_us)) "."
        }
    }
}

/// What a built-in reason says.
fn built_in(rule: &str) -> Option<&'static str> {
    match rule {
        INCOMPLETE_COVERAGE => Some("A detector did not see all of the text, and what is unknown is not public."),
        UNSCANNABLE_CONTENT => Some("The request holds something that no detector can read, such as an image."),
        DECLARED_LEVEL => Some("The caller declared at least this level."),
        _ => None,
    }
}

fn why_level(decision: &Decision, policy: Option<&Policy>) -> Markup {
    let told = policy.map(|policy| told(decision, policy)).unwrap_or_default();
    let description = |rule: &str| {
        let told = told.iter().find(|told| &*told.rule == rule).map(|told| told.description.to_string());
        told.or_else(|| built_in(rule).map(str::to_owned)).unwrap_or_default()
    };
    html! {
        section aria-labelledby="h-rules" {
            h2 #h-rules { "Rule by rule" }
            @if decision.reasons.is_empty() {
                p.about { "No rule held. A text that no rule speaks about is public." }
            } @else {
                p.about { "The highest level wins. Of each level the first rule that holds is named; those behind it are not asked." }
                ul.rules {
                    @for (index, reason) in decision.reasons.iter().enumerate() {
                        (rules::line(true, reason.rule.as_str(), reason.level, &description(reason.rule.as_str()),
                            &html! { @if index == 0 { "It applied, and gave the level." } @else { "It applied too; without the rules above the level would be this." } }))
                    }
                }
            }
            @if policy.is_some() {
                details {
                    summary { "The " (told.iter().filter(|told| told.standing != told::Standing::Applied).count()) " rules that did not apply, and why" }
                    (rules::unapplied(&told))
                }
            } @else {
                p.soft { "The policy of this decision is not the one in force now, so the rules that did not apply are not known here; the record names those that did. "
                    "Its digest is " code.wrap { (decision.policy.digest) } "." }
            }
        }
    }
}

fn told(decision: &Decision, policy: &Policy) -> Vec<RuleTold> {
    let counted = |entity: &EntityCount| (entity.entity_type.to_string(), entity.clone());
    let held: Vec<(String, EntityCount)> = decision.entities.iter().map(counted).collect();
    let counts: Vec<told::Counted<'_>> = held
        .iter()
        .map(|(name, entity)| told::Counted {
            entity_type: name,
            category: entity.category,
            count: entity.count,
            distinct: entity.distinct,
            max_score: entity.max_score.as_f32(),
        })
        .collect();
    let topics: Vec<(&str, f32)> =
        decision.topics.iter().map(|topic| (topic.name.as_str(), topic.probability.as_f32())).collect();
    let applied: Vec<&str> = decision.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    policy.told(&Recorded {
        counts: &counts,
        topics: &topics,
        declared: decision.declared_level,
        caller: decision.caller.as_str(),
        applied: &applied,
    })
}

fn found(decision: &Decision) -> Markup {
    use Column::{Number, Text};
    let percent = |millionths: u32| format!("{}.{:02}", millionths / 1_000_000, millionths % 1_000_000 / 10_000);
    let entities: Vec<Row> = decision
        .entities
        .iter()
        .map(|entity| {
            Row::of([
                code(entity.entity_type.as_str()),
                html! { (words(entity.category.as_str())) },
                number(entity.count),
                number(entity.distinct),
                html! { (percent(entity.max_score.millionths())) },
            ])
        })
        .collect();
    let finding = |finding: &RecordedFinding| {
        Row::of([
            code(finding.entity_type.as_str()),
            html! { "string " (finding.part + 1) span.soft { ", " (finding.role) } },
            html! { (finding.start) "–" (finding.end) },
            html! { (percent(finding.score.millionths())) },
            html! { (finding.detector.as_str()) },
            html! { code { (finding.recognizer) } },
        ])
    };
    let findings: Vec<Row> = decision.findings.iter().take(FINDINGS).map(finding).collect();
    let more = decision.findings_omitted + decision.findings.len().saturating_sub(FINDINGS) as u64;
    html! {
        section aria-labelledby="h-found" {
            h2 #h-found { "What was found" }
            @if entities.is_empty() { p.none { "Nothing." } } @else {
                p.about { "Types, places and scores. The values are not in the record." }
                (parts::table("By type", &[Text("Type"), Text("Group"), Number("Findings"), Number("Different values"), Number("Best score")], &entities))
                details {
                    summary { "Each finding" }
                    (parts::table("Findings", &[Text("Type"), Text("Where"), Number("Bytes"), Number("Score"), Text("Detector"), Text("Recognizer")], &findings))
                    @if more > 0 { p.soft { (counted(more, "further finding")) " are counted and not listed." } }
                }
            }
            @if !decision.topics.is_empty() {
                p.gap { "What the text is about, by the model: "
                    @for topic in &decision.topics { span.tag { (words(topic.name.as_str())) " " (percent(topic.probability.millionths())) } } }
            }
        }
    }
}

fn looked_at(decision: &Decision) -> Markup {
    use Column::{Number, Text};
    let row = |entry: &crate::detect::DetectorCoverage| {
        Row::of([
            html! { (entry.detector.as_str()) },
            html! { @match &entry.status {
                Status::Complete if entry.bytes_scanned < entry.bytes_total => span.tag.bad { "did not see all" },
                Status::Complete => "saw all",
                Status::PermittedSkip(why) => { "skipped, as the policy permits: " (words(why)) }
                Status::Failed(why) => { span.tag.bad { "failed" } " " (words(why)) }
            } },
            html! { (bytes(entry.bytes_scanned)) " of " (bytes(entry.bytes_total)) },
            html! { code.wrap { (crate::report::html::format::short(&entry.digest)) } },
        ])
    };
    let rows: Vec<Row> = decision.coverage.detectors.iter().map(row).collect();
    let timings = &decision.timings;
    html! {
        section aria-labelledby="h-coverage" {
            h2 #h-coverage { "What was looked at" }
            p.about {
                @if decision.coverage.is_complete() { "Every detector that had to look did so." }
                @else { "A detector did not see all of the text. Unknown is confidential." }
                " Rules took " (micros(timings.rules_us)) ", the model " (micros(timings.ner_us)) ", the policy " (micros(timings.policy_us)) "."
            }
            (parts::table("Coverage", &[Text("Detector"), Text("How far"), Number("Bytes"), Text("Ran with")], &rows))
        }
    }
}

fn went(decision: &Decision) -> Markup {
    let Some(routing) = &decision.routing else {
        return html! {
            section aria-labelledby="h-route" {
                h2 #h-route { "Where it went" }
                p.none { "Nowhere: this was a classification." }
            }
        };
    };
    html! {
        section aria-labelledby="h-route" {
            h2 #h-route { "Where it went, and why" }
            ol.steps {
                li { "The verdict allows " strong { (routing.ceiling) } " at the most." }
                @if let Some(overridden) = &routing.overridden {
                    li { "The override " code { (overridden.rule) } " let this caller have it treated as " (level(overridden.to)) " instead of " (level(overridden.from))
                        @if !overridden.reason.as_str().is_empty() { ", with the reason " code { (overridden.reason) } } "." }
                }
                li { "It asks " (routing.complexity.as_str()) " things of a model"
                    @if !routing.complexity_reasons.is_empty() { " (" @for (index, reason) in routing.complexity_reasons.iter().enumerate() { @if index > 0 { ", " } (words(reason.as_str())) } ")" }
                    "; the route rule " code { (routing.rule) } " speaks about that." }
                @if !routing.reason.as_str().is_empty() { li { "The preferred route was not taken: " strong { (words(routing.reason.as_str())) } "." } }
                @if let Some(from) = &routing.escalated_from {
                    li { "The local answer of " a href={ "/console/decisions/" (from) } { "this decision" } " was not sure enough, so the cloud was asked." }
                }
                (taken(decision, routing))
            }
            @if let Some(observed) = &decision.observed {
                p.gap { "The observed policy " code { (observed.policy.name) " " (observed.policy.version) } " would have said " (level(observed.level))
                    @if let Some(route) = observed.route { ", route " strong { (route) } }
                    @if observed.differs { ": that differs." } @else { ": the same." } }
            }
        }
    }
}

fn taken(decision: &Decision, routing: &Routing) -> Markup {
    html! {
        @if let Some(redacted) = &routing.redacted {
            li { (counted(redacted.replaced, "value")) " were replaced. The rest was classified again: " (level(redacted.level)) ", " (bytes(redacted.text_bytes))
                @if !redacted.entities.is_empty() { ", still with " @for entity in &redacted.entities { code.tag { (entity.entity_type) } } } "." }
        }
        li {
            @match Way::of(decision) {
                Way::NotAsked => { "It was only asked: the route would be " strong { (routing.route) } "." }
                Way::Unserved => strong { "No backend took it." },
                _ => { "It went " strong { (routing.route) } ", to " code { (routing.backend) } " for the model " code { (routing.model) } "." }
            }
        }
    }
}

fn came_of_it(decision: &Decision, outcome: Option<&Outcome>) -> Markup {
    let Some(outcome) = outcome else {
        return html! {
            @if Way::of(decision) != Way::NotAsked {
                section aria-labelledby="h-outcome" {
                    h2 #h-outcome { "What came of it" }
                    p.none { "No end is recorded: it is still in work, or the service was killed." }
                }
            }
        };
    };
    html! {
        section aria-labelledby="h-outcome" {
            h2 #h-outcome { "What came of it" }
            dl.facts {
                dt { "Ended" } dd { (outcome.status.as_str())
                    @if !outcome.error.as_str().is_empty() { ": " (words(outcome.error.as_str())) ", " code { (outcome.reason) } } }
                dt { "Tokens" } dd { (count(outcome.input_tokens)) " read" @if outcome.cached_input_tokens > 0 { " (" (count(outcome.cached_input_tokens)) " cached)" } ", " (count(outcome.output_tokens)) " written" }
                dt { "Cost" } dd {
                    @match outcome.cost_micros { Some(cost) => { @if outcome.cost_estimated { "at most " } (dollars(cost)) } None => "no price is configured" }
                    @if let Some(other) = outcome.other_side_cost_micros { "; the same on the other side: " (dollars(other)) }
                }
                dt { "Time" } dd { (micros(outcome.total_us)) " in all"
                    @if outcome.time_to_first_token_us > 0 { ", first piece of the answer " (micros(outcome.time_to_first_token_us)) " after the call" } }
                @if let Some(confidence) = &outcome.confidence {
                    dt { "Confidence" } dd { (confidence.millionths / 10_000) " of 100" @if confidence.low { ", not sure enough" }
                        @for reason in &confidence.reasons { " " span.tag { (words(reason.as_str())) } } }
                }
                @if let Some(withheld) = &outcome.escalation_withheld { dt { "Not escalated" } dd { (words(withheld.as_str())) } }
            }
        }
    }
}

fn proof(stored: &StoredDecision) -> Markup {
    let decision = &stored.decision;
    let from = &decision.provenance;
    let facts = [
        ("Record", stored.sequence.to_string()),
        ("Hash of the record", stored.hash.to_string()),
        ("Keyed digest of the text", decision.text_digest.to_string()),
        ("Policy", format!("{} {}, {}", decision.policy.name, decision.policy.version, decision.policy.digest)),
        ("Catalog", from.catalog.to_string()),
        ("Model", from.model.to_string()),
        ("Calibration", from.calibration.to_string()),
        ("Cordon", from.service_version.to_string()),
        ("Request id", decision.request_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default()),
        ("Declared level", decision.declared_level.map(|level| level.to_string()).unwrap_or_default()),
    ];
    let raw = serde_json::to_string_pretty(decision).unwrap_or_default();
    let ended = stored.outcome.as_ref().and_then(|stored| serde_json::to_string_pretty(&stored.outcome).ok());
    html! {
        section aria-labelledby="h-proof" {
            h2 #h-proof { "What proves it" }
            dl.facts {
                @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) { dt { (name) } dd { code { (value) } } }
                @if let Some(outcome) = &stored.outcome { dt { "Record of the end" } dd { code { (outcome.sequence) ", " (outcome.hash) } } }
            }
            details {
                summary { "The record as it stands in the log" }
                pre { (raw) }
                @if let Some(ended) = ended { pre { (ended) } }
            }
        }
    }
}
