//! Scores of spans. A gold span is found when predictions of its class cover at least half of it; a prediction is
//! right when at least half of it lies in gold spans of its class. A document holds personal data when it has a span
//! of a core label.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::tidy::{Tidy, class_of, tidy};
use super::{GoldFile, Prediction};

/// The labels that make a document one that holds personal data.
const CORE: [&str; 18] = [
    "PERSON",
    "ADDRESS",
    "EMAIL",
    "PHONE",
    "CREDIT_CARD",
    "BANK_ACCOUNT",
    "NATIONAL_ID",
    "PASSPORT",
    "DRIVER_LICENSE",
    "MEDICAL_ID",
    "VEHICLE_ID",
    "IP_ADDRESS",
    "DEVICE_ID",
    "USERNAME",
    "CRYPTO",
    "DATE_OF_BIRTH",
    "SECRET",
    "ID_OTHER",
];
/// Classes that the core row leaves out; places too where a file labels no addresses.
const NOT_CORE: [&str; 6] = ["ORG", "URL", "DATE*", "AGE", "NRP", "TITLE"];

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

#[derive(Clone, Copy, Default)]
struct Tally {
    gold: u64,
    predicted: u64,
    exact: u64,
    gold_found: u64,
    predicted_right: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.gold += other.gold;
        self.predicted += other.predicted;
        self.exact += other.exact;
        self.gold_found += other.gold_found;
        self.predicted_right += other.predicted_right;
    }

    fn scores(&self) -> ClassScores {
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

/// Code points of `span` that the union of `others` covers.
fn covered<'t>(span: &Tidy, others: impl Iterator<Item = &'t Tidy>) -> usize {
    let mut cuts: Vec<(usize, usize)> = others
        .filter(|other| other.start < span.end && other.end > span.start)
        .map(|other| (other.start.max(span.start), other.end.min(span.end)))
        .collect();
    cuts.sort_unstable();
    let (mut total, mut reached) = (0, 0);
    for (start, end) in cuts {
        let start = start.max(reached);
        if end > start {
            total += end - start;
            reached = end;
        }
    }
    total
}

fn half<'t>(span: &Tidy, others: impl Iterator<Item = &'t Tidy>) -> bool {
    2 * covered(span, others) >= span.end - span.start
}

/// Scores predictions; `predict` gives those of a text by its position in the file. Texts without labelled spans are
/// passed over.
pub fn score<'p>(file: &GoldFile, predict: impl Fn(usize) -> &'p Prediction) -> SpanScores {
    let annotated: BTreeSet<&str> = file.annotated.iter().map(String::as_str).filter(|l| *l != "OTHER").collect();
    let classes: BTreeSet<&str> = annotated.iter().map(|label| class_of(label)).collect();
    let is_core = |label: &str| CORE.contains(&label) && annotated.contains(label);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut characters = [0usize; 4];
    let mut documents = DocumentScores::default();
    for (index, text) in file.texts.iter().enumerate() {
        let Some(spans) = &text.spans else { continue };
        let chars: Vec<char> = text.text.chars().collect();
        let prediction = predict(index);
        let gold = tidy(&chars, spans.iter().filter(|span| annotated.contains(span.label.as_str())));
        let ignored = tidy(&chars, spans.iter().filter(|span| !annotated.contains(span.label.as_str())));
        let every = tidy(&chars, prediction.spans.iter());
        let mut predicted =
            tidy(&chars, prediction.spans.iter().filter(|span| classes.contains(class_of(&span.label))));
        // What lies in a span that the file leaves out, and in none of its own class, is neither right nor wrong.
        predicted.retain(|span| {
            let own = gold.iter().any(|g| g.class == span.class && g.start < span.end && g.end > span.start);
            own || ignored.is_empty() || !half(span, ignored.iter())
        });
        for span in &gold {
            let tally = tallies.entry(span.class.clone()).or_default();
            tally.gold += 1;
            tally.gold_found += u64::from(half(span, predicted.iter().filter(|p| p.class == span.class)));
            characters[0] += covered(span, every.iter());
            characters[1] += span.end - span.start;
        }
        for span in &predicted {
            let tally = tallies.entry(span.class.clone()).or_default();
            tally.predicted += 1;
            let same = |g: &&Tidy| g.class == span.class;
            tally.exact += u64::from(gold.iter().filter(same).any(|g| (g.start, g.end) == (span.start, span.end)));
            tally.predicted_right += u64::from(half(span, gold.iter().filter(same)));
            characters[2] += covered(span, gold.iter());
            characters[3] += span.end - span.start;
        }
        let holds = gold.iter().any(|span| is_core(&span.label));
        let flagged = predicted.iter().any(|span| is_core(&span.label));
        *match (holds, flagged) {
            (true, true) => &mut documents.found,
            (true, false) => &mut documents.missed,
            (false, true) => &mut documents.false_alarms,
            (false, false) => &mut documents.quiet,
        } += 1;
    }
    let (mut core, mut all) = (Tally::default(), Tally::default());
    for (class, tally) in &tallies {
        all.add(tally);
        let left_out = NOT_CORE.contains(&class.as_str()) || (class == "LOC" && !annotated.contains("ADDRESS"));
        if !left_out {
            core.add(tally);
        }
    }
    let [found, gold, right, predicted] = characters.map(|count| count as u64);
    SpanScores {
        classes: tallies.iter().map(|(class, tally)| (class.clone(), tally.scores())).collect(),
        core: core.scores(),
        all: all.scores(),
        character_recall: ratio(found, gold),
        character_precision: ratio(right, predicted),
        documents,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Gold, Span};
    use super::*;

    fn span(start: usize, end: usize, label: &str) -> Span {
        Span { start, end, label: label.into() }
    }

    fn file(text: &str, spans: Vec<Span>, annotated: &[&str]) -> GoldFile {
        let gold = Gold { id: "1".into(), text: text.into(), spans: Some(spans), level: None };
        GoldFile { name: "t".into(), texts: vec![gold], annotated: annotated.iter().map(|l| (*l).into()).collect() }
    }

    #[test]
    fn half_a_span_is_found_and_less_is_not() {
        let gold = file("abcdefghij", vec![span(0, 10, "EMAIL")], &["EMAIL"]);
        let found = Prediction { spans: vec![span(0, 5, "EMAIL")], level: None };
        let less = Prediction { spans: vec![span(0, 4, "EMAIL")], level: None };
        assert_eq!(score(&gold, |_| &found).core.overlap.recall, Some(1.0));
        assert_eq!(score(&gold, |_| &less).core.overlap.recall, Some(0.0));
        assert_eq!(score(&gold, |_| &less).core.overlap.precision, Some(1.0));
    }

    #[test]
    fn labels_that_a_file_leaves_out_do_not_count() {
        let gold = file("Ann at Acme", vec![span(0, 3, "PERSON")], &["PERSON"]);
        let prediction = Prediction { spans: vec![span(0, 3, "PERSON"), span(7, 11, "ORG")], level: None };
        let scores = score(&gold, |_| &prediction);
        assert_eq!((scores.all.predicted, scores.all.overlap.f1), (1, Some(1.0)));
    }

    #[test]
    fn a_wrong_class_is_wrong_but_covers_characters() {
        let gold = file("Ann at Acme", vec![span(0, 3, "PERSON")], &["PERSON", "ORG"]);
        let prediction = Prediction { spans: vec![span(0, 3, "ORG")], level: None };
        let scores = score(&gold, |_| &prediction);
        assert_eq!(scores.all.overlap.f1, Some(0.0));
        assert_eq!(scores.character_recall, Some(1.0));
        assert_eq!(scores.documents.missed, 1, "an organisation is not core");
    }
}
