//! The words for what became of something that was considered: one sentence and one stable code for each outcome.

use std::ops::Range;

use super::finding::likelihood_words;
use super::marked::quoted;
use super::why::{Answer, Asked, BELOW_POLICY, Context, FOUND, JOINED, NO_CONTEXT, REJECTED};
use super::words::{Label, Word};
use crate::classify::Classified;
use crate::detect::trace::{Considered, Hint, NearMiss, Outcome, Winner, WordReading};
use crate::detect::{Finding, Status};
use crate::document::CodePoints;

/// Puts into words.
pub(super) struct Teller<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) points: CodePoints<'a>,
    pub(super) text: Vec<char>,
}

impl Teller<'_> {
    fn points(&self, bytes: &Range<usize>) -> (u64, u64) {
        (self.points.code_point(bytes.start) as u64, self.points.code_point(bytes.end) as u64)
    }

    pub(super) fn found(&self, finding: &Finding) -> Answer {
        let score = finding.score;
        let likely = likelihood_words(finding.likelihood());
        let (outcome, says) = if score < self.context.shown_min_score {
            ("below_min_score", format!("found with {score:.2}, which is below --min-score"))
        } else if score < self.context.policy_min_score {
            let least = self.context.policy_min_score;
            (
                BELOW_POLICY,
                format!("found with {score:.2} ({likely}); below {least:.2} no rule of the policy counts it"),
            )
        } else {
            (FOUND, format!("found with {score:.2} ({likely})"))
        };
        self.not_reported(finding, outcome, &says)
    }

    /// What the model says about a word.
    pub(super) fn word(&self, word: &WordReading) -> Word {
        let (start, end) = self.points(&word.range);
        let label = |(label, probability): &(std::sync::Arc<str>, f32)| Label {
            label: label.to_string(),
            probability: *probability,
        };
        Word { start, end, labels: word.labels.iter().map(label).collect(), nothing: word.nothing }
    }

    pub(super) fn not_reported(&self, finding: &Finding, outcome: &'static str, says: &str) -> Answer {
        let (start, end) = self.points(&finding.range);
        Answer {
            entity_type: finding.entity_type.to_string(),
            recognizer: finding.recognizer.to_string(),
            pattern: finding.explanation.pattern.to_string(),
            start,
            end,
            outcome,
            says: says.to_owned(),
        }
    }

    pub(super) fn considered(&self, considered: &Considered) -> Answer {
        let (start, end) = self.points(&considered.range);
        let (outcome, says) = self.outcome(considered);
        Answer {
            entity_type: considered.entity_type.to_string(),
            recognizer: considered.recognizer.to_string(),
            pattern: considered.pattern.to_string(),
            start,
            end,
            outcome,
            says,
        }
    }

    fn outcome(&self, considered: &Considered) -> (&'static str, String) {
        match &considered.outcome {
            Outcome::Digits { digits, min, max } => {
                ("digits", format!("it has {digits} digits, and such a value has {}", span(*min, *max)))
            }
            Outcome::PieceOfNumber => ("piece_of_number", "it is only a piece of a longer number".to_owned()),
            Outcome::Refused(validator) => (
                "refused",
                format!(
                    "the validator {validator} refuses the value: check digits, structure or plausibility are wrong"
                ),
            ),
            Outcome::Rejected(validator) => (
                REJECTED,
                format!("by the check {validator} the value is a placeholder, a test value or something else harmless"),
            ),
            Outcome::NoContext { wanted, window } => (
                NO_CONTEXT,
                format!(
                    "a word such as {} within {window} characters before it, or {} behind",
                    words(wanted),
                    window / 3
                ),
            ),
            Outcome::NegativeContext(word) => (
                "negative_context",
                format!("the word \"{word}\" near it speaks against it, and no word for it is nearer"),
            ),
            Outcome::PartOfName => (
                "part_of_name",
                "a term of the list, but here a piece of an identifier, a path or an address".to_owned(),
            ),
            Outcome::Excluded(rule) => ("excluded", format!("found, but the exclusion {rule} drops such values")),
            Outcome::NoSecret(why) => ("no_secret", (*why).to_owned()),
            Outcome::OtherCase => {
                ("other_case", "a term of the list, but the list counts it in its own capitals only".to_owned())
            }
            Outcome::OtherLanguage => (
                "other_language",
                "a term of the list, but in the language of this text an everyday word or one of several meanings"
                    .to_owned(),
            ),
            Outcome::PutTogether(how) => (
                "put_together",
                format!(
                    "found once the text is read otherwise ({how}), but digits that were put together need a word for them \
                     near by, or right check digits and the length of a card number"
                ),
            ),
            Outcome::BesideUndone(how) => (
                "beside_undone",
                format!("found once the text is read otherwise ({how}), but the value itself was not changed by that"),
            ),
            Outcome::Deferred(winner) => (
                "deferred",
                format!("the model says so, but a rule knows the ends of the address: {}", self.winner(winner)),
            ),
            Outcome::Completed => (
                "completed",
                "the model found this much; the address that goes on behind it was added by rule".to_owned(),
            ),
            Outcome::Joined(winner) => (JOINED, format!("found, and told as one with {}", self.winner(winner))),
            Outcome::Lost { score, to } => {
                ("lost", format!("found with {score:.2}, but it lost against {}", self.beats(*score, to)))
            }
            Outcome::Dropped { score, rule, description } => {
                (rule, format!("the model says so with {score:.2}, but it was dropped: {description} ({rule})"))
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

    pub(super) fn near_miss(&self, asked: Asked, near_miss: &NearMiss) -> Answer {
        let value = self.text.get(asked.start..asked.end).unwrap_or_default();
        let digits = value.iter().filter(|c| c.is_numeric()).count();
        let (outcome, says) = match &near_miss.hint {
            Hint::Alone => (
                "near_miss_alone",
                "alone it would be found; what touches it here makes it a piece of something else".to_owned(),
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
            Hint::Literal => ("near_miss_literal", "it holds a word of one, but no form of it matches".to_owned()),
        };
        let name = near_miss.entity_type.as_str();
        let description =
            self.context.catalog.entity_type(name).map(|info| info.description.as_ref()).unwrap_or_default();
        Answer {
            entity_type: name.to_owned(),
            recognizer: near_miss.recognizer.to_string(),
            pattern: String::new(),
            start: asked.start as u64,
            end: asked.end as u64,
            outcome,
            says: if description.is_empty() { says } else { format!("{description}: {says}") },
        }
    }

    /// What is true of the whole run.
    pub(super) fn notes(&self, classified: &Classified) -> Vec<String> {
        let mut notes = Vec::new();
        if self.context.model_skipped {
            notes.push(
                "The model ran for this question only: the rules alone reach the highest level, so that --explain shows this \
                 text without it, and with it under --all-findings."
                    .to_owned(),
            );
        }
        for entry in &classified.verdict.coverage().detectors {
            let name = entry.detector.as_str();
            match &entry.status {
                Status::Complete => {}
                Status::PermittedSkip(reason) if reason.as_ref() == "machine_text" => notes.push(
                    "The model did not look at the lines of this text that are code, logs or numbers without a name."
                        .to_owned(),
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
