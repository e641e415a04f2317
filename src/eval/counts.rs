//! Counts of spans and of documents, which add up, and the rates that follow from them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

/// Precision, recall and F1, each from 0 to 1; `None` where nothing is there to divide by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Share of predictions that are right.
    pub precision: Option<f64>,
    /// Share of gold that is found.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
}

/// Scores of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClassScores {
    /// Gold spans.
    pub gold: u64,
    /// Predicted spans.
    pub predicted: u64,
    /// Same start and end.
    pub exact: Rates,
    /// Half covered.
    pub overlap: Rates,
}

/// Whole documents: holds personal data or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DocumentScores {
    /// Hold some, and were flagged.
    pub found: u64,
    /// Hold some, and were not.
    pub missed: u64,
    /// Hold none, and were flagged.
    pub false_alarms: u64,
    /// Hold none, and were not.
    pub quiet: u64,
}

/// Everything about one file.
#[derive(Clone, Debug, Serialize)]
pub struct SpanScores {
    /// By class.
    pub classes: BTreeMap<String, ClassScores>,
    /// All core classes together.
    pub core: ClassScores,
    /// All classes together.
    pub all: ClassScores,
    /// Share of the characters of gold spans that any prediction covers.
    pub character_recall: Option<f64>,
    /// Share of the characters of predictions that lie in gold spans.
    pub character_precision: Option<f64>,
    /// Documents.
    pub documents: DocumentScores,
}

impl AddAssign for DocumentScores {
    fn add_assign(&mut self, other: Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.false_alarms += other.false_alarms;
        self.quiet += other.quiet;
    }
}

impl DocumentScores {
    /// Share of harmless documents that were flagged.
    #[must_use]
    pub fn false_alarm_rate(&self) -> Option<f64> {
        ratio(self.false_alarms, self.false_alarms + self.quiet)
    }

    /// Share of documents with personal data that were flagged.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        ratio(self.found, self.found + self.missed)
    }
}

/// Counts behind the scores of one class, or of several together. Counts of documents add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub(super) gold: u64,
    pub(super) predicted: u64,
    pub(super) exact: u64,
    pub(super) gold_found: u64,
    pub(super) predicted_right: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.gold += other.gold;
        self.predicted += other.predicted;
        self.exact += other.exact;
        self.gold_found += other.gold_found;
        self.predicted_right += other.predicted_right;
    }
}

impl Tally {
    /// The rates that follow from the counts.
    #[must_use]
    pub fn scores(&self) -> ClassScores {
        ClassScores {
            gold: self.gold,
            predicted: self.predicted,
            exact: rates(self.exact, self.gold, self.exact, self.predicted),
            overlap: rates(self.gold_found, self.gold, self.predicted_right, self.predicted),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a data file are far below 2^52")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn rates(gold_found: u64, gold: u64, right: u64, predicted: u64) -> Rates {
    let (recall, precision) = (ratio(gold_found, gold), ratio(right, predicted));
    let f1 = match (precision, recall) {
        (Some(p), Some(r)) if p > 0.0 && r > 0.0 => Some(2.0 * p * r / (p + r)),
        _ if gold > 0 && predicted > 0 => Some(0.0),
        _ => None,
    };
    Rates { precision, recall, f1 }
}

/// What one document, or many, add to the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub(super) classes: BTreeMap<String, Tally>,
    pub(super) core: Tally,
    /// Code points: gold ones covered, gold ones, predicted ones in gold spans, predicted ones.
    pub(super) characters: [u64; 4],
    pub(super) documents: DocumentScores,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Self) {
        for (class, tally) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += *tally;
        }
        self.core += other.core;
        for (own, others) in self.characters.iter_mut().zip(other.characters) {
            *own += others;
        }
        self.documents += other.documents;
    }
}

impl Counts {
    /// Counts of one class; `PERSON`, `LOC`, ….
    #[must_use]
    pub fn class(&self, class: &str) -> Tally {
        self.classes.get(class).copied().unwrap_or_default()
    }

    /// Counts of the core classes together.
    #[must_use]
    pub fn core(&self) -> Tally {
        self.core
    }

    /// Whole documents.
    #[must_use]
    pub fn documents(&self) -> DocumentScores {
        self.documents
    }

    /// The scores that follow from the counts.
    #[must_use]
    pub fn scores(&self) -> SpanScores {
        let mut all = Tally::default();
        for tally in self.classes.values() {
            all += *tally;
        }
        let [found, gold, right, predicted] = self.characters;
        SpanScores {
            classes: self.classes.iter().map(|(class, tally)| (class.clone(), tally.scores())).collect(),
            core: self.core.scores(),
            all: all.scores(),
            character_recall: ratio(found, gold),
            character_precision: ratio(right, predicted),
            documents: self.documents,
        }
    }
}
