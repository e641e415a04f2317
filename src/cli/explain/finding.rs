//! The findings of an explanation: what was found and where, then what it means, who found it, how its score came about
//! and which rules use it. Findings of which all that is the same are told once, with all their places.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::marked::quoted;
use super::{BOLD, DIM};
use crate::cli::row::{AdjustmentRow, CueRow, Detail, FindingRow};
use crate::detect::{Likelihood, reason};

/// Places of one value that are listed.
const PLACES: usize = 6;

/// Least change by calibration that is told.
const SMALL_STEP: f32 = 0.03;

/// All findings, in the order of their first places.
pub(super) fn all(out: &mut String, findings: &[FindingRow], detail: &Detail, text: &[char]) {
    let mut alike: Vec<(Vec<(usize, &FindingRow)>, String)> = Vec::new();
    for (number, finding) in (1..).zip(findings) {
        let body = body(finding, Some(detail));
        let same = alike
            .iter_mut()
            .find(|(group, other)| *other == body && group.iter().any(|(_, f)| f.entity_type == finding.entity_type));
        match same {
            Some((group, _)) => group.push((number, finding)),
            None => alike.push((vec![(number, finding)], body)),
        }
    }
    for (group, body) in alike {
        let _ = writeln!(out);
        heads(out, &group, text);
        out.push_str(&body);
    }
}

/// A line for each value: the numbers of its marks, the type, the value, its places.
fn heads(out: &mut String, group: &[(usize, &FindingRow)], text: &[char]) {
    let mut by_value: Vec<(String, Vec<(usize, &FindingRow)>)> = Vec::new();
    for (number, finding) in group {
        let value = quoted(text, finding.start, finding.end);
        match by_value.iter_mut().find(|(known, _)| *known == value) {
            Some((_, places)) => places.push((*number, finding)),
            None => by_value.push((value, vec![(*number, finding)])),
        }
    }
    for (value, places) in by_value {
        let Some((_, first)) = places.first() else { continue };
        let shown = || places.iter().take(PLACES);
        let marks: Vec<String> = shown().map(|(number, _)| format!("[{number}]")).collect();
        let spans: Vec<String> = shown().map(|(_, finding)| format!("{}:{}", finding.start, finding.end)).collect();
        let more = places.len().saturating_sub(PLACES);
        let more = match more {
            0 => String::new(),
            1 => " and one more place".to_owned(),
            more => format!(" and {more} more places"),
        };
        let style = style(first);
        let _ = writeln!(
            out,
            "{} {style}{}{style:#} {value} {DIM}at {}{more}{DIM:#}",
            marks.join(" "),
            first.entity_type,
            spans.join(", ")
        );
    }
}

/// What there is to say about a finding. Without a `detail` its place among the rules is left out.
pub(super) fn body(finding: &FindingRow, detail: Option<&Detail>) -> String {
    let mut out = String::new();
    let mut line = |name: &str, what: &str| {
        if !what.is_empty() {
            let _ = writeln!(out, "    {DIM}{name:<9}{DIM:#} {what}");
        }
    };
    line("means", &finding.description);
    let public_source = Some(&finding.source).filter(|source| source.starts_with("http"));
    let source = public_source.map_or_else(String::new, |source| format!(" {DIM}({source}){DIM:#}"));
    line("found by", &format!("{}{source}", found_by(finding)));
    line("score", &score(finding));
    line("note", &finding.note_for_people());
    line("used", &detail.map_or_else(|| used(finding, 0.0, &[]), |d| used(finding, d.least_score, &d.cues)));
    out
}

/// Which rules rest on it.
fn used(finding: &FindingRow, least_score: f32, cues: &[CueRow]) -> String {
    match finding.used_by.as_slice() {
        [] if finding.score < least_score => {
            format!("by no rule: the policy counts findings from {least_score:.2} on")
        }
        [] => {
            let on_it = cues.iter().find(|cue| cue.start <= finding.start && finding.end <= cue.end);
            let mark = on_it.map_or_else(String::new, |cue| format!("; the cue {} stands on it", cue.entity_type));
            format!("by no rule that holds here{mark}")
        }
        [rule] => format!("by the rule {BOLD}{rule}{BOLD:#}"),
        [rules @ .., last] => format!("by the rules {} and {last}", rules.join(", ")),
    }
}

/// Who found it, in a phrase.
fn found_by(finding: &FindingRow) -> String {
    let FindingRow { recognizer, pattern, validator, .. } = finding;
    match finding.detector.as_str() {
        "dictionary" => format!("the word list {recognizer}"),
        "ner" => format!("the named-entity model, under its label {recognizer}"),
        detector => {
            let kind = if detector == "secret" { "the secret detector" } else { "the pattern" };
            let by = format!("{kind} {recognizer} in the form {pattern}");
            if validator.is_empty() { by } else { format!("{by}; the validator {validator} accepted the value") }
        }
    }
}

/// The score, and the steps that led to it.
fn score(finding: &FindingRow) -> String {
    let mut before = finding.base_score;
    let mut steps = Vec::new();
    for adjustment in &finding.adjustments {
        if is_told(adjustment, before) {
            let why = match adjustment.reason.as_str() {
                reason::CONTEXT_WORDS | reason::NEGATIVE_CONTEXT => words(&adjustment.reason, &finding.context_words),
                code => phrase(code),
            };
            let verb = if adjustment.score > before { "raised" } else { "lowered" };
            steps.push(format!("{verb} to {:.2}: {why}", adjustment.score));
        }
        before = adjustment.score;
    }
    let likely = likelihood_words(Likelihood::of(finding.score));
    if steps.is_empty() {
        let near = if finding.context_words.is_empty() {
            String::new()
        } else {
            format!(" ({})", words(reason::CONTEXT_WORDS, &finding.context_words))
        };
        return format!("{:.2}, {likely}{near}", finding.score);
    }
    format!("{:.2}, {likely} (at first {:.2}; {})", finding.score, finding.base_score, steps.join("; "))
}

/// Whether a step is large enough to be told: one that cannot be seen, or a calibration by a hair, would only puzzle.
fn is_told(step: &AdjustmentRow, before: f32) -> bool {
    let least = if step.reason == reason::CALIBRATED { SMALL_STEP } else { 0.005 };
    (step.score - before).abs() >= least
}

fn words(code: &str, words: &[String]) -> String {
    let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let against = code == reason::NEGATIVE_CONTEXT;
    match (against, list.as_slice()) {
        (true, _) => format!("a word near it speaks against it {}", list.join(", ")).trim_end().to_owned(),
        (false, []) => "words near it speak for it".to_owned(),
        (false, [word]) => format!("the word {word} near it"),
        (false, list) => format!("the words {} near it", list.join(", ")),
    }
}

/// A likelihood for people.
pub(super) fn likelihood_words(likelihood: Likelihood) -> &'static str {
    match likelihood {
        Likelihood::VeryUnlikely => "very unlikely",
        Likelihood::Unlikely => "unlikely",
        Likelihood::Possible => "possible",
        Likelihood::Likely => "likely",
        Likelihood::VeryLikely => "very likely",
    }
}

/// A code of an explanation in words for people; one without words of its own is shown as it is.
pub(super) fn phrase(code: &str) -> String {
    let usual: BTreeMap<&str, &str> = [
        (reason::CALIBRATED, "calibrated"),
        (reason::HOTWORD, "a hotword stands near it"),
        (reason::OTHER_TERMS, "other terms of the list stand near it"),
        (reason::WHOLE_ADDRESS, "it has street, number and postal code"),
        (reason::BESIDE_PERSONAL_DATA, "personal data stand near it"),
        ("named_elsewhere", "a part of a name that stands in full elsewhere in the text"),
    ]
    .into();
    if let Some(words) = usual.get(code) {
        return (*words).to_owned();
    }
    let told = crate::ner::Reason::ALL.iter().find(|reason| reason.name() == code);
    told.map_or_else(|| code.replace('_', " "), |reason| reason.description().to_owned())
}

impl FindingRow {
    /// The remark, unless an adjustment says the same. It may be a code and a remark, or several remarks.
    fn note_for_people(&self) -> String {
        if self.adjustments.iter().any(|adjustment| adjustment.reason == self.note) {
            return String::new();
        }
        let remarks = self.note.split("; ").filter(|remark| !remark.is_empty());
        let told: Vec<String> =
            remarks.map(|remark| if remark.contains(' ') { remark.to_owned() } else { phrase(remark) }).collect();
        told.join("; ")
    }

    /// Whether its score is told to be calibrated.
    pub(super) fn is_calibrated(&self) -> bool {
        let before = std::iter::once(self.base_score).chain(self.adjustments.iter().map(|step| step.score));
        let mut steps = self.adjustments.iter().zip(before);
        steps.any(|(step, before)| step.reason == reason::CALIBRATED && is_told(step, before))
    }
}

/// Colour by what is at stake; a finding that the level rests on is bold.
pub(super) fn style(finding: &FindingRow) -> Style {
    let colour = match finding.detector.as_str() {
        "secret" => AnsiColor::Red,
        "dictionary" => AnsiColor::Magenta,
        "ner" => AnsiColor::Blue,
        _ => AnsiColor::Cyan,
    };
    let style = colour.on_default();
    if finding.used_by.is_empty() { style } else { style.bold() }
}
