//! Scores of spans. A gold span is found when predictions of its class cover at least half of it; a prediction is
//! right when at least half of it lies in gold spans of its class. A document holds personal data when it has a span
//! of a core label.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use serde::Serialize;

use super::tidy::{Tidy, class_of, tidy};
use super::{Gold, GoldFile, Prediction, Span};

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
    gold: u64,
    predicted: u64,
    exact: u64,
    gold_found: u64,
    predicted_right: u64,
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

/// What one document, or many, add to the scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    classes: BTreeMap<String, Tally>,
    core: Tally,
    /// Code points: gold ones covered, gold ones, predicted ones in gold spans, predicted ones.
    characters: [u64; 4],
    documents: DocumentScores,
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

/// Compares predictions with gold spans, by the labels that a file annotates.
#[derive(Clone, Debug)]
pub struct Scorer {
    annotated: BTreeSet<String>,
    classes: BTreeSet<String>,
}

impl Scorer {
    /// For a file that annotates these labels completely.
    #[must_use]
    pub fn new(annotated: &BTreeSet<String>) -> Self {
        let annotated: BTreeSet<String> = annotated.iter().filter(|label| *label != "OTHER").cloned().collect();
        let classes = annotated.iter().map(|label| class_of(label).to_owned()).collect();
        Self { annotated, classes }
    }

    fn is_core_label(&self, label: &str) -> bool {
        CORE.contains(&label) && self.annotated.contains(label)
    }

    /// Places alone are core only where addresses are annotated too.
    fn is_core_class(&self, class: &str) -> bool {
        !NOT_CORE.contains(&class) && (class != "LOC" || self.annotated.contains("ADDRESS"))
    }

    /// Gold spans that count, and those that the file leaves out.
    fn gold(&self, chars: &[char], spans: &[Span]) -> (Vec<Tidy>, Vec<Tidy>) {
        let counts = |span: &&Span| self.annotated.contains(span.label.as_str());
        (tidy(chars, spans.iter().filter(counts)), tidy(chars, spans.iter().filter(|span| !counts(span))))
    }

    /// Whether a prediction is right or wrong at all: what lies in a span that the file leaves out, and touches none
    /// of its own class, is neither.
    fn counts(span: &Tidy, gold: &[Tidy], ignored: &[Tidy]) -> bool {
        let own = gold.iter().any(|g| g.class == span.class && g.start < span.end && g.end > span.start);
        own || ignored.is_empty() || !half(span, ignored.iter())
    }

    /// What one text adds. A text without labelled spans adds nothing.
    #[must_use]
    pub fn count(&self, text: &Gold, prediction: &Prediction) -> Counts {
        let mut counts = Counts::default();
        let Some(spans) = &text.spans else { return counts };
        let chars: Vec<char> = text.text.chars().collect();
        let (gold, ignored) = self.gold(&chars, spans);
        let every = tidy(&chars, prediction.spans.iter());
        let annotated = |span: &&Span| self.classes.contains(class_of(&span.label));
        let mut predicted = tidy(&chars, prediction.spans.iter().filter(annotated));
        predicted.retain(|span| Self::counts(span, &gold, &ignored));
        let [mut gold_covered, mut gold_length, mut predicted_covered, mut predicted_length] = [0; 4];
        for span in &gold {
            let tally = counts.classes.entry(span.class.clone()).or_default();
            tally.gold += 1;
            tally.gold_found += u64::from(half(span, predicted.iter().filter(|p| p.class == span.class)));
            gold_covered += covered(span, every.iter());
            gold_length += span.end - span.start;
        }
        for span in &predicted {
            let tally = counts.classes.entry(span.class.clone()).or_default();
            tally.predicted += 1;
            let same = |g: &&Tidy| g.class == span.class;
            tally.exact += u64::from(gold.iter().filter(same).any(|g| (g.start, g.end) == (span.start, span.end)));
            tally.predicted_right += u64::from(half(span, gold.iter().filter(same)));
            predicted_covered += covered(span, gold.iter());
            predicted_length += span.end - span.start;
        }
        counts.characters = [gold_covered, gold_length, predicted_covered, predicted_length].map(|count| count as u64);
        for (class, tally) in &counts.classes {
            if self.is_core_class(class) {
                counts.core += *tally;
            }
        }
        let holds = gold.iter().any(|span| self.is_core_label(&span.label));
        let flagged = predicted.iter().any(|span| self.is_core_label(&span.label));
        *match (holds, flagged) {
            (true, true) => &mut counts.documents.found,
            (true, false) => &mut counts.documents.missed,
            (false, true) => &mut counts.documents.false_alarms,
            (false, false) => &mut counts.documents.quiet,
        } = 1;
        counts
    }

    /// Whether each predicted span, taken alone, is right; `None` where the file cannot tell. By the overlap rule.
    #[must_use]
    pub fn judge(&self, text: &Gold, predicted: &[Span]) -> Vec<Option<bool>> {
        let Some(spans) = &text.spans else { return vec![None; predicted.len()] };
        let chars: Vec<char> = text.text.chars().collect();
        let (gold, ignored) = self.gold(&chars, spans);
        let one = |span: &Span| {
            let span = tidy(&chars, std::iter::once(span)).into_iter().next()?;
            let counts = self.classes.contains(&span.class) && Self::counts(&span, &gold, &ignored);
            counts.then(|| half(&span, gold.iter().filter(|g| g.class == span.class)))
        };
        predicted.iter().map(one).collect()
    }
}

/// Scores predictions; `predict` gives those of a text by its position in the file. Texts without labelled spans are
/// passed over.
pub fn score<'p>(file: &GoldFile, predict: impl Fn(usize) -> &'p Prediction) -> SpanScores {
    let scorer = Scorer::new(&file.annotated);
    let mut counts = Counts::default();
    for (index, text) in file.texts.iter().enumerate() {
        counts += &scorer.count(text, predict(index));
    }
    counts.scores()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize, label: &str) -> Span {
        Span::new(start, end, label)
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
    #[test]
    fn a_finding_is_judged_alone_and_only_where_the_file_can_tell() {
        let gold = file("Ann Lee at Acme", vec![span(0, 7, "PERSON"), span(11, 15, "ORG")], &["PERSON", "OTHER"]);
        let found = [
            span(0, 3, "PERSON"),
            span(4, 7, "PERSON"),
            span(8, 10, "PERSON"),
            span(11, 15, "PERSON"),
            span(0, 3, "ORG"),
        ];
        let judged = Scorer::new(&gold.annotated).judge(&gold.texts[0], &found);
        assert_eq!(
            judged,
            [Some(true), Some(true), Some(false), None, None],
            "the fourth lies in what the file leaves out"
        );
    }

    #[test]
    fn counts_of_documents_add_up_to_the_counts_of_the_file() {
        let mut gold = file("Ann at Acme", vec![span(0, 3, "PERSON")], &["PERSON"]);
        gold.texts.push(Gold { id: "2".into(), text: "nobody".into(), spans: Some(Vec::new()), level: None });
        let prediction = Prediction { spans: vec![span(0, 3, "PERSON")], level: None };
        let scores = score(&gold, |_| &prediction);
        assert_eq!((scores.core.gold, scores.core.predicted), (1, 2));
        assert_eq!(scores.core.overlap.precision, Some(0.5));
        assert_eq!((scores.character_recall, scores.character_precision), (Some(1.0), Some(0.5)));
        assert_eq!((scores.documents.recall(), scores.documents.false_alarm_rate()), (Some(1.0), Some(1.0)));
    }
}
