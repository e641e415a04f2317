//! Scores of spans. A gold span is found when predictions of its class cover at least half of it; a prediction is
//! right when at least half of it lies in gold spans of its class. A document holds personal data when it has a span
//! of a core label.

use std::collections::BTreeSet;

use super::counts::{Counts, SpanScores};
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
