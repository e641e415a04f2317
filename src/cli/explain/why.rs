//! `classify --why START:END`: why a span was found or not, in sentences for people and with stable codes in JSON. It
//! only words what the traced run of the detectors noted; it looks for nothing itself.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr;

use anstyle::AnsiColor;
use serde::Serialize;

use super::finding::body;
use super::marked::quoted;
use super::outcome::Teller;
use super::words::{Word, words};
use super::{BOLD, DIM, id};
use crate::classify::Classified;
use crate::cli::row::FindingRow;
use crate::detect::trace::{Considered, Outcome};
use crate::detect::{Catalog, Finding, Trace};
use crate::document::CodePoints;

/// The span that is asked about: code points, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Asked {
    pub(in crate::cli) start: usize,
    pub(in crate::cli) end: usize,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text.split_once(':').ok_or("write START:END, two counts of characters such as 8:24")?;
        let number = |text: &str| text.trim().parse().map_err(|_| format!("{text:?} is no whole number"));
        let (start, end) = (number(start)?, number(end)?);
        if start < end { Ok(Self { start, end }) } else { Err("END must be greater than START".to_owned()) }
    }
}

impl Asked {
    /// Its bytes in a text.
    ///
    /// # Errors
    /// Says how long the text is when the span reaches beyond it.
    pub(in crate::cli) fn bytes(self, text: &str) -> Result<Range<usize>, String> {
        let length = text.chars().count();
        if self.end > length {
            let Self { start, end } = self;
            return Err(format!("--why {start}:{end} reaches beyond the text, which has {length} characters"));
        }
        let points = CodePoints::of(text);
        Ok(points.byte(self.start)..points.byte(self.end))
    }
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Why {
    pub(in crate::cli) start: u64,
    pub(in crate::cli) end: u64,
    /// Whether a finding that is reported covers some of it.
    pub(in crate::cli) found: bool,
    /// What there is in the span, and what there is not, in the order of weight.
    pub(in crate::cli) answers: Vec<Answer>,
    /// Recognizers that come to mind, though nothing of them matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) near_misses: Vec<Answer>,
    /// What the model says about each word, sure or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) words: Vec<Word>,
    /// What is true of the whole run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) notes: Vec<String>,
    /// The findings in the span, in full, for the terminal.
    #[serde(skip)]
    rows: Vec<FindingRow>,
}

/// One thing that a detector says about the span.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct Answer {
    pub(in crate::cli) entity_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli) recognizer: String,
    /// Form of the recognizer that matched.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::cli) pattern: String,
    pub(in crate::cli) start: u64,
    pub(in crate::cli) end: u64,
    /// What became of it, in `snake_case`.
    pub(in crate::cli) outcome: &'static str,
    /// The same for people.
    pub(in crate::cli) says: String,
}

impl Answer {
    /// Whether it is a finding that a reply holds.
    fn is_reported(&self) -> bool {
        matches!(self.outcome, FOUND | BELOW_POLICY)
    }
}

/// Answers that are told in full, those that wait for a word, and types that are only named.
const TOLD: usize = 3;
const WAITING: usize = 3;
const NAMED: usize = 8;

pub(super) const FOUND: &str = "found";
pub(super) const BELOW_POLICY: &str = "below_policy_min_score";
pub(super) const NO_CONTEXT: &str = "no_context";
pub(super) const JOINED: &str = "joined";
pub(super) const REJECTED: &str = "rejected";
/// Outcomes that say what a value is not.
const ELSE: [&str; 5] = ["digits", "piece_of_number", "refused", REJECTED, "negative_context"];

/// What a run is asked about and where it is shown.
pub(in crate::cli) struct Context<'a> {
    pub(in crate::cli) text: &'a str,
    pub(in crate::cli) catalog: &'a Catalog,
    /// The findings of the run, as they are shown.
    pub(in crate::cli) rows: &'a [FindingRow],
    /// Findings below it count for no rule.
    pub(in crate::cli) policy_min_score: f32,
    /// Findings below it are not shown.
    pub(in crate::cli) shown_min_score: f32,
    /// Whether a run without the question would have skipped the model.
    pub(in crate::cli) model_skipped: bool,
}

impl Why {
    /// Words what a traced run noted.
    pub(in crate::cli) fn of(asked: Asked, trace: &Trace, classified: &Classified, context: &Context<'_>) -> Self {
        let verdict = &classified.verdict;
        let teller = Teller { context, points: CodePoints::of(context.text), text: context.text.chars().collect() };
        let here = |finding: &&Finding| trace.wants(finding.part, &finding.range);
        let reported: Vec<&Finding> = verdict.findings().iter().filter(here).collect();
        let found = reported.iter().any(|finding| finding.score >= context.shown_min_score);
        let mut answers: Vec<Answer> = reported.into_iter().map(|finding| teller.found(finding)).collect();
        answers.extend(verdict.cues().iter().filter(here).map(|finding| {
            let says = "found as a cue: such words only help the rules to judge other findings and are not reported";
            teller.not_reported(finding, "cue", says)
        }));
        answers.extend(verdict.allowed().iter().filter(here).map(|finding| {
            let says = "found, and left out because the policy's allow list names this value";
            teller.not_reported(finding, "allowed", says)
        }));
        answers.extend(best(trace, context.text).into_iter().map(|considered| teller.considered(considered)));
        let near_misses = trace.near_misses().iter().map(|near_miss| teller.near_miss(asked, near_miss)).collect();
        let (start, end) = (asked.start as u64, asked.end as u64);
        let rows = context.rows.iter().filter(|row| row.start < end && start < row.end).cloned().collect();
        let said = trace.words().iter().map(|word| teller.word(word)).collect();
        Self { start, end, found, answers, near_misses, words: said, notes: teller.notes(classified), rows }
    }

    /// For the terminal.
    pub(in crate::cli) fn render(&self, text_id: &serde_json::Value, text: &str) -> String {
        let text: Vec<char> = text.chars().collect();
        let mut out = String::new();
        let covers = |answer: &&Answer| answer.start <= self.start && self.end <= answer.end;
        let whole = self.answers.iter().filter(|answer| answer.is_reported()).any(|answer| covers(&answer));
        let (colour, is) = match (self.found, whole) {
            (true, true) => (AnsiColor::Green, "is found"),
            (true, false) => (AnsiColor::Yellow, "is found in part"),
            (false, _) => (AnsiColor::Yellow, "is not found"),
        };
        let style = colour.on_default().bold();
        let value = quoted(&text, self.start, self.end);
        let _ = writeln!(
            out,
            "{value} {style}{is}{style:#} {DIM}(text {}, {}:{}){DIM:#}",
            id(text_id),
            self.start,
            self.end
        );
        let (waiting, mut told): (Vec<&Answer>, Vec<&Answer>) =
            self.answers.iter().partition(|answer| answer.outcome == NO_CONTEXT);
        if whole {
            // Of a span that is found as a whole nobody asks what it is not.
            told.retain(|answer| !ELSE.contains(&answer.outcome));
        }
        let harmless = told.iter().any(|answer| answer.outcome == REJECTED && covers(answer));
        for row in &self.rows {
            told.retain(|answer| !row.tells(answer));
            let _ = writeln!(out, "  - {BOLD}{}{BOLD:#}{}", row.entity_type, self.place((row.start, row.end), &text));
            out.push_str(&body(row, None));
        }
        // What the model left out it has taken for nothing; the notes say why it did.
        if self.answers.is_empty() && !self.words.is_empty() {
            let _ = writeln!(
                out,
                "  No pattern, word list or secret rule matches here, and the model takes it for no name, address or number."
            );
        } else if self.rows.is_empty() && told.iter().all(|answer| answer.recognizer.is_empty()) && waiting.is_empty() {
            let _ = writeln!(out, "  No pattern, word list or secret rule matches here.");
        }
        self.list(&mut out, &told, TOLD, &text);
        if !whole && !harmless && !waiting.is_empty() {
            let _ = writeln!(out, "  With a word for it near by it would be found as one of these:");
            self.list(&mut out, &waiting, WAITING, &text);
        }
        if !whole && !harmless && !self.near_misses.is_empty() {
            let _ = writeln!(out, "  It comes near to these, though nothing of them matched:");
            self.list(&mut out, &self.near_misses.iter().collect::<Vec<_>>(), TOLD, &text);
        }
        // Without any answer that has been said.
        let highest = self.rows.iter().filter(|row| row.detector == "ner").map(|row| row.base_score);
        words(&mut out, &self.words, &text, !self.answers.is_empty(), highest.fold(0.0, f32::max));
        for note in &self.notes {
            let _ = writeln!(out, "  {DIM}{note}{DIM:#}");
        }
        out
    }

    /// The value at a place, where it is not the span itself.
    fn place(&self, (start, end): (u64, u64), text: &[char]) -> String {
        if (start, end) == (self.start, self.end) {
            String::new()
        } else {
            format!(" {} {DIM}at {start}:{end}{DIM:#}", quoted(text, start, end))
        }
    }

    /// The first answers in full, and the types of the others. Those of one type that say the same are one.
    fn list(&self, out: &mut String, answers: &[&Answer], most: usize, text: &[char]) {
        let mut lines: Vec<(&Answer, Vec<&str>)> = Vec::new();
        for answer in answers {
            let same = lines.iter_mut().find(|(known, _)| known.says_the_same(answer));
            match same {
                Some((_, by)) => by.push(&answer.recognizer),
                None => lines.push((answer, vec![&answer.recognizer])),
            }
        }
        for (answer, by) in lines.iter().take(most) {
            let by: Vec<&str> = by.iter().copied().filter(|by| !by.is_empty()).collect();
            let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
            let place = self.place((answer.start, answer.end), text);
            let _ = writeln!(out, "  - {BOLD}{}{BOLD:#}{place}{DIM}{by}{DIM:#}: {}", answer.entity_type, answer.says);
        }
        let shown: BTreeSet<&str> = lines.iter().take(most).map(|(answer, _)| answer.entity_type.as_str()).collect();
        let others = lines.iter().skip(most).map(|(answer, _)| answer.entity_type.as_str());
        let others: BTreeSet<&str> = others.filter(|name| !shown.contains(name)).collect();
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().copied().take(NAMED).collect();
            let more = if others.len() > NAMED { " and others" } else { "" };
            let _ = writeln!(out, "  {DIM}- likewise {}{more}; --json says of each why{DIM:#}", names.join(", "));
        }
    }
}

impl Answer {
    /// Whether two answers differ in nothing but who gives them.
    fn says_the_same(&self, other: &Self) -> bool {
        let all = |answer: &Self| (answer.start, answer.end, answer.outcome, answer.entity_type.clone());
        all(self) == all(other) && self.says == other.says
    }
}

impl FindingRow {
    /// Whether an answer is about this finding and says no more than it does.
    fn tells(&self, answer: &Answer) -> bool {
        let same = answer.entity_type == self.entity_type && answer.recognizer == self.recognizer;
        same && answer.is_reported() && (answer.start, answer.end) == (self.start, self.end)
    }
}

/// What was considered, the nearest to the span first and of each recognizer's answers of one kind the nearest alone.
fn best<'t>(trace: &'t Trace, text: &str) -> Vec<&'t Considered> {
    // What the model half thinks of a comma is nothing that anybody asks about.
    let says_something = |considered: &&Considered| {
        text.get(considered.range.clone()).is_some_and(|value| value.chars().any(char::is_alphanumeric))
    };
    let mut considered: Vec<(Nearness, u8, &Considered)> = trace
        .considered()
        .iter()
        .filter(says_something)
        .map(|considered| (Nearness::of(trace.range(), &considered.range), weight(&considered.outcome), considered))
        .collect();
    considered.sort_by_key(|(nearness, weight, _)| (*nearness, *weight));
    let mut told = HashSet::new();
    considered
        .retain(|(_, weight, considered)| told.insert((&considered.recognizer, &considered.entity_type, *weight)));
    considered.into_iter().map(|(_, _, considered)| considered).collect()
}

/// How well a range fits the span, by the share that they have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// At least four fifths.
    Fits,
    /// At least two fifths.
    Overlaps,
    /// Less.
    Touches,
}

impl Nearness {
    fn of(asked: &Range<usize>, range: &Range<usize>) -> Self {
        let common = asked.end.min(range.end).saturating_sub(asked.start.max(range.start));
        let all = asked.end.max(range.end).saturating_sub(asked.start.min(range.start)).max(1);
        match common * 5 / all {
            4.. => Self::Fits,
            2.. => Self::Overlaps,
            _ => Self::Touches,
        }
    }
}

/// The nearer to a finding, the earlier it is told.
fn weight(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Joined(_) | Outcome::Completed => 0,
        Outcome::Lost { .. } => 1,
        Outcome::Dropped { .. } | Outcome::Excluded(_) | Outcome::Deferred(_) => 2,
        Outcome::Refused(_) | Outcome::Rejected(_) => 3,
        Outcome::NegativeContext(_) | Outcome::NoSecret(_) | Outcome::PutTogether(_) | Outcome::BesideUndone(_) => 4,
        Outcome::NoContext { .. } | Outcome::PartOfName | Outcome::OtherCase | Outcome::OtherLanguage => 5,
        Outcome::Digits { .. } | Outcome::PieceOfNumber => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_two_counts() {
        assert_eq!("8:24".parse(), Ok(Asked { start: 8, end: 24 }));
        for wrong in ["", "8", "8-24", "a:b", "24:8", "8:8", "-1:4"] {
            assert!(wrong.parse::<Asked>().is_err(), "{wrong}");
        }
        assert_eq!("1:3".parse::<Asked>().unwrap().bytes("aüöb"), Ok(1..5));
        assert!("1:5".parse::<Asked>().unwrap().bytes("aüöb").unwrap_err().contains("4 characters"));
    }
}
