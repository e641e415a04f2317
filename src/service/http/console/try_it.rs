//! A box for a text: it is classified by the engine and policy of this service, in memory. Nothing is sent anywhere,
//! logged or recorded, and the page says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use http::Response;
use maud::{Markup, html};

use crate::classify::{Classified, NerMode, Query as Asked};
use crate::detect::{Finding, Status};
use crate::document::Document;
use crate::policy::Reason;
use crate::report::html::format::{micros, words};
use crate::report::html::parts::{self, Column, Row, code, level};
use crate::service::auth::Caller;
use crate::service::convert;
use crate::service::error::Refusal;

use super::layout::{self, Place};
use super::{Console, Shared, answer, caller, query, rules};

/// Bytes of a text. A form writes most characters as three.
const MAX_TEXT: usize = 64 * 1024;
const MAX_FORM: usize = 3 * MAX_TEXT + 1024;
/// Findings that are listed below the text; all are marked in it.
const LISTED: usize = 100;

pub(super) async fn show(State(_): Shared, request: Request) -> Response<Body> {
    answer(caller(&request).map(|caller| page(&caller, "", false, &html! {})))
}

pub(super) async fn classify(State(console): Shared, request: Request) -> Response<Body> {
    let classified = async move {
        let caller = caller(&request)?;
        let form = query::form(request, MAX_FORM, super::form_deadline()).await?;
        // A form sends CR LF for a line break, whatever was typed.
        let text = form.raw("text").unwrap_or_default().replace("\r\n", "\n");
        let all = form.get("all").is_some();
        if text.trim().is_empty() {
            return Ok(page(&caller, &text, all, &html! { p.problem role="alert" { "Write a text first." } }));
        }
        if text.len() > MAX_TEXT {
            let message =
                format!("is over {MAX_TEXT} bytes; the box is for short texts, `cordon classify` takes long ones");
            return Err(Refusal::field("text", "TEXT_TOO_LARGE", message));
        }
        let found = run(&console, &caller, text.clone(), all).await?;
        Ok(page(&caller, &text, all, &found))
    };
    answer(classified.await)
}

async fn run(console: &Console, caller: &Caller, text: String, all: bool) -> Result<Markup, Refusal> {
    let core = &console.core;
    let document = Arc::new(convert::document(text, Vec::new(), &core.limits)?);
    let _slot = core.classify_slots.take()?;
    let deadline = Instant::now() + core.limits.classify_deadline();
    let ner = if all { NerMode::Always } else { NerMode::Auto };
    let asked = Asked { declared_level: None, ner, caller: Arc::clone(caller.name()) };
    let classified = core.classifier.classify(&document, &asked, deadline).await;
    if Instant::now() >= deadline {
        return Err(Refusal::deadline());
    }
    Ok(result(&classified, &document))
}

fn page(caller: &Caller, text: &str, all: bool, found: &Markup) -> Response<Body> {
    let body = html! {
        main #content {
            h1 { "Try it" }
            p.about { "Cordon classifies the text with the policy and the detectors that are in force now. It stays in the memory of this service while the page is made: "
                "it is not sent to any model, not logged and not recorded in the audit log, so this try is not in the report." }
            (found)
            section {
                form method="post" action="/console/try" {
                    label for="text" { "Text, at most 64 KiB" }
                    textarea #text name="text" required spellcheck="false" autocomplete="off" { (text) }
                    div.fields {
                        button type="submit" { "Classify" }
                        label.check { input type="checkbox" name="all" value="1" checked[all]; "run the model even if the rules alone give the highest level" }
                    }
                }
            }
        }
    };
    layout::page(Place::TryIt, "Try it", caller, &body)
}

fn result(classified: &Classified, document: &Document) -> Markup {
    let verdict = &classified.verdict;
    let findings = verdict.findings();
    let by_finding = verdict.reasons_by_finding();
    let text = document.parts().first().map(|part| part.text.expose()).unwrap_or_default();
    html! {
        section aria-labelledby="h-result" {
            h2 #h-result { "This text is " (verdict.level().as_str()) }
            div.verdict {
                (level(verdict.level()))
                span.soft { "in " (micros(u64::try_from(classified.timings.total.as_micros()).unwrap_or(u64::MAX)))
                    ", by the policy " (verdict.policy().name) " " (verdict.policy().version) }
            }
            div.text aria-label="The text with its findings marked" tabindex="0" { (marked(text, findings, &by_finding)) }
            h3 { "Rules" }
            @if verdict.reasons().is_empty() { p.none { "No rule of the policy holds, so the text is public." } }
            ul.rules {
                @for (index, (reason, topics)) in verdict.reasons().iter().zip(verdict.topics_by_reason()).enumerate() {
                    (rules::line(true, &reason.rule, reason.level, &reason.description, &html! {
                        @if index == 0 { "It gives the level" } @else { "It holds too" }
                        @if !reason.entity_types.is_empty() { ", because of " @for name in &reason.entity_types { code.tag { (name) } } }
                        @if !topics.is_empty() { ", and what the text is about: " @for topic in topics { span.tag { (words(&topic.name)) } } }
                    }))
                }
            }
            @if !findings.is_empty() { (table(findings, &by_finding)) }
            p.soft.gap { (checked(classified))
                @if !verdict.allowed().is_empty() { " Values that the policy lists as harmless were left out: " (verdict.allowed().len()) "." } }
        }
    }
}

fn table(findings: &[Finding], by_finding: &[Vec<&Reason>]) -> Markup {
    use Column::{Number, Text};
    let row = |(number, (finding, reasons)): (usize, (&Finding, &Vec<&Reason>))| {
        let explanation = &finding.explanation;
        Row::of([
            html! { (number) },
            code(finding.entity_type.as_str()),
            html! { (format!("{:.2}", finding.score)) },
            html! { (finding.detector.as_str()) },
            html! { code { (finding.recognizer) } @if !explanation.validator.is_empty() { span.soft { ", checked by " (explanation.validator) } } },
            html! { @for word in &explanation.context_words { span.tag { (word) } } },
            html! { @if reasons.is_empty() { span.soft { "no rule" } } @for reason in reasons { code.tag { (reason.rule) } } },
        ])
    };
    let rows: Vec<Row> = (1..).zip(findings.iter().zip(by_finding)).take(LISTED).map(row).collect();
    let more = findings.len().saturating_sub(LISTED);
    html! {
        div.gap {
            (parts::table("Findings", &[Number("No."), Text("Type"), Number("Score"), Text("Detector"), Text("Recognizer"), Text("Words near by"), Text("Speaks for")], &rows))
            @if more > 0 { p.soft { (more) " more are marked in the text and not listed." } }
        }
    }
}

/// How far the detectors came.
fn checked(classified: &Classified) -> Markup {
    html! {
        @for entry in &classified.verdict.coverage().detectors {
            @match &entry.status {
                Status::Complete => {}
                Status::PermittedSkip(why) => { "The detector " (entry.detector.as_str()) " was skipped for a part, as the policy permits: " (words(why)) ". " }
                Status::Failed(why) => { strong { "The detector " (entry.detector.as_str()) " failed: " (words(why)) ". " } }
            }
        }
        @if classified.verdict.coverage().is_complete() { "Every detector that had to look saw all of the text." }
    }
}

/// The text with numbered marks around the findings. Findings may lie in each other; a piece takes the marks of all that
/// cover it, so the text is cut where one begins or ends, and the last piece of each bears its number.
fn marked(text: &str, findings: &[Finding], by_finding: &[Vec<&Reason>]) -> Markup {
    let mut cuts: BTreeSet<usize> = BTreeSet::from([0, text.len()]);
    let mut opening: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let (start, end) = (finding.range.start.min(text.len()), finding.range.end.min(text.len()));
        if start < end && text.is_char_boundary(start) && text.is_char_boundary(end) {
            cuts.extend([start, end]);
            opening.entry(start).or_default().push(index);
        }
    }
    let mut open: Vec<usize> = Vec::new();
    let end_of = |index: usize| findings.get(index).map_or(0, |finding| finding.range.end);
    let decides = |index: &usize| by_finding.get(*index).is_some_and(|reasons| !reasons.is_empty());
    let pieces: Vec<(usize, usize)> = cuts.iter().copied().zip(cuts.iter().copied().skip(1)).collect();
    html! {
        @for (from, to) in pieces {
            @let piece = text.get(from..to).unwrap_or_default();
            @let covering: Vec<usize> = {
                open.extend(opening.get(&from).into_iter().flatten());
                open.retain(|index| end_of(*index) > from);
                open.clone()
            };
            @if covering.is_empty() { (visible(piece)) } @else {
                mark class=[covering.iter().any(decides).then_some("decides")] title=(covering.iter().filter_map(|index| findings.get(*index)).map(|finding| finding.entity_type.to_string()).collect::<Vec<_>>().join(", ")) {
                    (visible(piece))
                    @for index in covering.iter().filter(|index| end_of(**index) == to) { sup { (index + 1) } }
                }
            }
        }
    }
}

/// Characters that cannot be seen or that turn the direction of others, so that a pasted text cannot hide what was found.
fn visible(piece: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    };
    piece.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Category, Detector, EntityType, Explanation};

    fn finding(range: std::ops::Range<usize>, name: &str) -> Finding {
        Finding {
            part: 0,
            range,
            entity_type: EntityType::new(name),
            category: Category::Person,
            score: 0.9,
            detector: Detector::Pattern,
            recognizer: "r".into(),
            explanation: Explanation::default(),
        }
    }

    #[test]
    fn findings_are_marked_even_inside_each_other_and_escaped() {
        let text = "a <b> ünd c\u{202e}";
        let found = [finding(0..5, "OUTER"), finding(2..5, "INNER"), finding(6..10, "\"><i>"), finding(50..60, "FAR")];
        let reasons = vec![Vec::new(); found.len()];
        let shown = marked(text, &found, &reasons).into_string();
        assert_eq!(
            shown,
            "<mark title=\"OUTER\">a </mark><mark title=\"OUTER, INNER\">&lt;b&gt;<sup>1</sup><sup>2</sup></mark> \
             <mark title=\"&quot;&gt;&lt;i&gt;\">ünd<sup>3</sup></mark> c\u{fffd}"
        );
    }

    #[test]
    fn a_text_without_findings_is_itself() {
        assert_eq!(marked("plain & simple", &[], &[]).into_string(), "plain &amp; simple");
    }
}
