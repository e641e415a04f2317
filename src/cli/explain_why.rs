//! `classify --why START:END`: why a span was found or not, in sentences for people and with stable codes in JSON. It
//! only words what the traced run of the detectors noted; it looks for nothing itself.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::classify::Classified;
use crate::detect::trace::{Considered, Hint, NearMiss, Outcome, Winner};
use crate::detect::{Catalog, Detector, Finding, Status, Trace};
use crate::document::CodePoints;

use super::explain::{quoted, visible_line};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The span that is asked about: code points, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) start: usize,
    pub(super) end: usize,
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
    pub(super) fn bytes(self, text: &str) -> Result<Range<usize>, String> {
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
pub(super) struct Why {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether a finding that is reported covers some of it.
    pub(super) found: bool,
    /// What there is in the span, and what there is not, in the order of weight.
    pub(super) answers: Vec<Answer>,
    /// Recognizers that come to mind, though nothing of them matched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) near_misses: Vec<Answer>,
    /// What is true of the whole run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
}

/// One thing that a detector says about the span.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Answer {
    pub(super) entity_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) recognizer: String,
    pub(super) start: u64,
    pub(super) end: u64,
    /// What became of it, in `snake_case`.
    pub(super) outcome: &'static str,
    /// The same for people.
    pub(super) says: String,
}

impl Answer {
    /// Whether it is a finding that a reply holds.
    fn is_reported(&self) -> bool {
        matches!(self.outcome, FOUND | BELOW_POLICY)
    }
}

/// Answers that are told in full, and of those that wait for a word.
const TOLD: usize = 8;
const WAITING: usize = 3;

const FOUND: &str = "found";
const BELOW_POLICY: &str = "below_policy_min_score";
const NO_CONTEXT: &str = "no_context";

/// What a run is asked about and where it is shown.
pub(super) struct Context<'a> {
    pub(super) text: &'a str,
    pub(super) catalog: &'a Catalog,
    /// Findings below it count for no rule.
    pub(super) policy_min_score: f32,
    /// Findings below it are not shown.
    pub(super) shown_min_score: f32,
    /// Whether a run without the question would have skipped the model.
    pub(super) model_skipped: bool,
}

impl Why {
    /// Words what a traced run noted.
    pub(super) fn of(asked: Asked, trace: &Trace, classified: &Classified, context: &Context<'_>) -> Self {
        let verdict = &classified.verdict;
        let teller = Teller { context, points: CodePoints::of(context.text), text: context.text.chars().collect() };
        let here = |finding: &&Finding| trace.wants(finding.part, &finding.range);
        let reported: Vec<&Finding> = verdict.findings().iter().filter(here).collect();
        let found = reported.iter().any(|finding| finding.score >= context.shown_min_score);
        let mut answers: Vec<Answer> = reported.into_iter().map(|finding| teller.found(finding)).collect();
        answers.extend(verdict.cues().iter().filter(here).map(|finding| {
            let says = "found, but such words only help the rules to judge other findings and are not reported";
            teller.not_reported(finding, "cue", says)
        }));
        answers.extend(verdict.allowed().iter().filter(here).map(|finding| {
            let says = "found, and left out because the policy's allow list names this value";
            teller.not_reported(finding, "allowed", says)
        }));
        answers.extend(best(trace).into_iter().map(|considered| teller.considered(considered)));
        let near_misses = trace.near_misses().iter().map(|near_miss| teller.near_miss(asked, near_miss)).collect();
        let (start, end) = (asked.start as u64, asked.end as u64);
        Self { start, end, found, answers, near_misses, notes: teller.notes(classified) }
    }

    /// For the terminal.
    pub(super) fn render(&self, id: &serde_json::Value, text: &str) -> String {
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
        let id = visible_line(&id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned));
        let _ = writeln!(out, "{value} {style}{is}{style:#} {DIM}(text {id}, {}:{}){DIM:#}", self.start, self.end);
        let (waiting, told): (Vec<&Answer>, Vec<&Answer>) =
            self.answers.iter().partition(|answer| answer.outcome == NO_CONTEXT);
        if self.answers.is_empty() {
            let _ = writeln!(
                out,
                "  No pattern, word list or secret rule matches here, and the model takes it for no name, address or number."
            );
        }
        self.list(&mut out, &told, TOLD, &text);
        if !waiting.is_empty() {
            let _ = writeln!(out, "  It would count with a word for it near by:");
            self.list(&mut out, &waiting, WAITING, &text);
        }
        if !self.near_misses.is_empty() {
            let _ = writeln!(out, "  What comes to mind, though nothing of it matched:");
            self.list(&mut out, &self.near_misses.iter().collect::<Vec<_>>(), TOLD, &text);
        }
        for note in &self.notes {
            let _ = writeln!(out, "  {DIM}{note}{DIM:#}");
        }
        out
    }

    /// The first answers in full, and the types of the others.
    fn list(&self, out: &mut String, answers: &[&Answer], most: usize, text: &[char]) {
        for answer in answers.iter().take(most) {
            let whole = (answer.start, answer.end) == (self.start, self.end);
            let place = if whole { String::new() } else { format!(" {}", quoted(text, answer.start, answer.end)) };
            let by = if answer.recognizer.is_empty() { String::new() } else { format!(" by {}", answer.recognizer) };
            let _ = writeln!(out, "  - {BOLD}{}{BOLD:#}{place}{DIM}{by}{DIM:#}: {}", answer.entity_type, answer.says);
        }
        let shown: BTreeSet<&str> = answers.iter().take(most).map(|answer| answer.entity_type.as_str()).collect();
        let others = answers.iter().skip(most).map(|answer| answer.entity_type.as_str());
        let others: BTreeSet<&str> = others.filter(|name| !shown.contains(name)).collect();
        if !others.is_empty() {
            let names: Vec<&str> = others.into_iter().collect();
            let _ =
                writeln!(out, "  {DIM}- and the same kind of answer for {}; --json has all{DIM:#}", names.join(", "));
        }
    }
}

/// What was considered, the nearest to the span first and of each recognizer's answers of one kind the nearest alone.
fn best(trace: &Trace) -> Vec<&Considered> {
    let mut considered: Vec<(Nearness, u8, &Considered)> = trace
        .considered()
        .iter()
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
        Outcome::Joined(_) => 0,
        Outcome::Lost { .. } => 1,
        Outcome::Dropped { .. } | Outcome::Excluded(_) => 2,
        Outcome::Refused(_) | Outcome::Rejected(_) => 3,
        Outcome::NegativeContext(_) | Outcome::NoSecret(_) => 4,
        Outcome::NoContext { .. } | Outcome::PartOfName | Outcome::OtherCase | Outcome::OtherLanguage => 5,
        Outcome::Digits { .. } | Outcome::PieceOfNumber => 6,
    }
}

/// Puts into words.
struct Teller<'a> {
    context: &'a Context<'a>,
    points: CodePoints<'a>,
    text: Vec<char>,
}

impl Teller<'_> {
    fn points(&self, bytes: &Range<usize>) -> (u64, u64) {
        (self.points.code_point(bytes.start) as u64, self.points.code_point(bytes.end) as u64)
    }

    fn found(&self, finding: &Finding) -> Answer {
        let score = finding.score;
        let (outcome, says) = if score < self.context.shown_min_score {
            ("below_min_score", format!("found with {score:.2}, which is below --min-score"))
        } else if score < self.context.policy_min_score {
            let least = self.context.policy_min_score;
            (BELOW_POLICY, format!("found with {score:.2}; below {least:.2} no rule of the policy counts it"))
        } else {
            (FOUND, format!("found with {score:.2}; --explain says how"))
        };
        self.not_reported(finding, outcome, &says)
    }

    fn not_reported(&self, finding: &Finding, outcome: &'static str, says: &str) -> Answer {
        let (start, end) = self.points(&finding.range);
        Answer {
            entity_type: finding.entity_type.to_string(),
            recognizer: finding.recognizer.to_string(),
            start,
            end,
            outcome,
            says: says.to_owned(),
        }
    }

    fn considered(&self, considered: &Considered) -> Answer {
        let (start, end) = self.points(&considered.range);
        let (outcome, says) = self.outcome(considered);
        Answer {
            entity_type: considered.entity_type.to_string(),
            recognizer: considered.recognizer.to_string(),
            start,
            end,
            outcome,
            says,
        }
    }

    fn outcome(&self, considered: &Considered) -> (&'static str, String) {
        let form = match (considered.detector, considered.pattern.as_ref()) {
            (Detector::Pattern | Detector::Secret, form) if !form.is_empty() => format!("the form {form} matches"),
            _ => "it matches".to_owned(),
        };
        match &considered.outcome {
            Outcome::Digits { digits, min, max } => {
                ("digits", format!("{form}, but it has {digits} digits and such a value has {}", span(*min, *max)))
            }
            Outcome::PieceOfNumber => ("piece_of_number", format!("{form}, but it is a piece of a longer number")),
            Outcome::Refused(validator) => (
                "refused",
                format!(
                    "{form}, but the validator {validator} refused the value (check digits, structure or plausibility)"
                ),
            ),
            Outcome::Rejected(validator) => (
                "rejected",
                format!(
                    "{form}, but {validator} takes the value for a placeholder, a test value or something else harmless"
                ),
            ),
            Outcome::NoContext { wanted, window } => (
                NO_CONTEXT,
                format!(
                    "{form}, but none of its words, such as {}, stands within {window} characters before it or {} behind",
                    words(wanted),
                    window / 3
                ),
            ),
            Outcome::NegativeContext(word) => (
                "negative_context",
                format!("{form}, but the word \"{word}\" near it speaks against it, and no word for it is nearer"),
            ),
            Outcome::PartOfName => (
                "part_of_name",
                "a term of the list, but here it is part of an identifier, a path or an address".to_owned(),
            ),
            Outcome::Excluded(rule) => ("excluded", format!("found, but the exclusion {rule} drops such values")),
            Outcome::NoSecret(why) => ("no_secret", (*why).to_owned()),
            Outcome::OtherCase => (
                "other_case",
                "a term of the list, but written in another case than the list's, which counts".to_owned(),
            ),
            Outcome::OtherLanguage => (
                "other_language",
                "a term of the list, but in the language of this text an everyday word or one of several meanings"
                    .to_owned(),
            ),
            Outcome::Joined(winner) => ("joined", format!("found, and part of {}", self.winner(winner))),
            Outcome::Lost { score, to } => {
                ("lost", format!("found with {score:.2}, but it lost against {}", self.beats(*score, to)))
            }
            Outcome::Dropped { score, rule, description } => {
                (rule, format!("the model says so with {score:.2}, but that was dropped ({rule}): {description}"))
            }
        }
    }

    fn winner(&self, winner: &Winner) -> String {
        let (start, end) = self.points(&winner.range);
        format!("{} {} ({})", winner.entity_type, quoted(&self.text, start, end), winner.recognizer)
    }

    /// The finding that won, and why.
    fn beats(&self, score: f32, to: &Winner) -> String {
        let why = if to.score > score {
            format!("whose score of {:.2} is better", to.score)
        } else if to.validated {
            format!("which a validator confirmed (score {:.2})", to.score)
        } else {
            "which is longer or comes first".to_owned()
        };
        format!("{}, {why}", self.winner(to))
    }

    fn near_miss(&self, asked: Asked, near_miss: &NearMiss) -> Answer {
        let value = self.text.get(asked.start..asked.end).unwrap_or_default();
        let digits = value.iter().filter(|c| c.is_numeric()).count();
        let (outcome, says) = match &near_miss.hint {
            Hint::Alone => (
                "near_miss_alone",
                "alone it would be found; what touches it here makes it a part of something else".to_owned(),
            ),
            Hint::Words(near) => {
                let forms = match near_miss.digits {
                    Some((min, max)) if digits < min || digits > max => {
                        format!("it has {digits} digits and such a value has {}", span(min, max))
                    }
                    _ => "none of its forms matches this value".to_owned(),
                };
                ("near_miss_words", format!("its words {} stand near, but {forms}", words(near)))
            }
            Hint::Literal => ("near_miss_literal", "it begins like one, but no form of it matches".to_owned()),
        };
        let name = near_miss.entity_type.as_str();
        let description =
            self.context.catalog.entity_type(name).map(|info| info.description.as_ref()).unwrap_or_default();
        Answer {
            entity_type: name.to_owned(),
            recognizer: near_miss.recognizer.to_string(),
            start: asked.start as u64,
            end: asked.end as u64,
            outcome,
            says: if description.is_empty() { says } else { format!("{description}: {says}") },
        }
    }

    /// What is true of the whole run.
    fn notes(&self, classified: &Classified) -> Vec<String> {
        let mut notes = Vec::new();
        if self.context.model_skipped {
            notes.push(
                "Without this question the model does not run on this text, since the rules alone reach the highest level; \
                 --all-findings makes it run."
                    .to_owned(),
            );
        }
        for entry in &classified.verdict.coverage().detectors {
            let name = entry.detector.as_str();
            match &entry.status {
                Status::Complete => {}
                Status::PermittedSkip(reason) if reason.as_ref() == "machine_text" => notes.push(
                    "The model did not look at the parts of this text that are code, a log or a table.".to_owned(),
                ),
                Status::PermittedSkip(reason) => notes.push(format!("The detector {name} was skipped: {reason}.")),
                Status::Failed(reason) => {
                    notes.push(format!(
                        "The detector {name} did not finish ({reason}): what it would have found is unknown."
                    ));
                }
            }
        }
        notes
    }
}

fn span(min: usize, max: usize) -> String {
    if min == max { min.to_string() } else { format!("{min} to {max}") }
}

fn words(words: &[std::sync::Arc<str>]) -> String {
    let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    list.join(", ")
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
