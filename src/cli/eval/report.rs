//! From predictions to figures: the counts of each text, which add up over a set and over all sets, and the report of
//! a set, which is also one line of `--json`. The line `all` adds counts, so each set is held to its own labels there.

use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

use crate::detect::Calibration;
use crate::eval::{
    Bootstrap, Counts, Difference, GoldFile, LevelScores, Outcomes, Point, Prediction, Reliability, Scorer, SpanScores,
};
use crate::policy::Sensitivity;

/// The result of one set.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) set: String,
    pub(super) texts: usize,
    pub(super) spans: Option<SpanScores>,
    pub(super) levels: Option<Levels>,
    pub(super) reliability: Option<Reliability>,
    /// What the scores went through.
    pub(super) calibration: Option<CalibratedBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comparison: Option<Comparison>,
    /// The same set with the model that is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<Box<Report>>,
    pub(super) seconds: f64,
    pub(super) texts_per_second: f64,
    /// A kilobyte is 1000 bytes of UTF-8.
    pub(super) kilobytes_per_second: f64,
}

/// The calibration of this run.
#[derive(Debug, Serialize)]
pub(super) struct CalibratedBy {
    /// A path, `embedded` or `none`.
    pub(super) origin: String,
    /// Of the file; empty without one.
    pub(super) digest: String,
}

/// Levels, with the rates by name; each from 0 to 1.
#[derive(Debug, Serialize)]
pub(super) struct Levels {
    #[serde(flatten)]
    pub(super) scores: LevelScores,
    accuracy: f64,
    confidential_to_public: f64,
    confidential_to_internal: f64,
    internal_to_public: f64,
    public_over: f64,
}

impl Report {
    /// Says what the scores went through.
    pub(super) fn calibrated_by(&mut self, calibration: &Calibration) {
        let (origin, digest) = (calibration.origin().to_owned(), calibration.digest().to_owned());
        self.calibration = Some(CalibratedBy { origin, digest });
        if let Some(other) = &mut self.other {
            other.calibrated_by(calibration);
        }
    }
}

impl Levels {
    fn new(scores: LevelScores) -> Self {
        Self {
            scores,
            accuracy: scores.accuracy(),
            confidential_to_public: scores.leak_rate(),
            confidential_to_internal: scores.soft_leak_rate(),
            internal_to_public: scores.rate(Sensitivity::Internal, Sensitivity::Public),
            public_over: scores.over_rate(),
        }
    }
}

/// This run beside another.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Texts that the other gives no line for; they count as nothing found, and as no level.
    pub(super) missing: usize,
    pub(super) differences: Vec<Difference>,
}

/// Points of two systems, text by text.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    pub(super) this: Vec<Point>,
    pub(super) other: Vec<Point>,
    pub(super) missing: usize,
}

/// What is counted before any rate is made.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    texts: usize,
    bytes: usize,
    took: Duration,
    has_spans: bool,
    counts: Counts,
    levels: LevelScores,
    outcomes: Vec<Outcomes>,
    /// Counts and levels of each text, for pairs.
    pub(super) each: Vec<(Counts, LevelScores)>,
    pub(super) pairs: Option<Pairs>,
}

impl AddAssign for Tallied {
    fn add_assign(&mut self, other: Self) {
        self.texts += other.texts;
        self.bytes += other.bytes;
        self.took += other.took;
        self.has_spans |= other.has_spans;
        self.counts += &other.counts;
        self.levels += other.levels;
        self.outcomes.extend(other.outcomes);
        if let Some(pairs) = other.pairs {
            let own = self.pairs.get_or_insert_default();
            own.this.extend(pairs.this);
            own.other.extend(pairs.other);
            own.missing += pairs.missing;
        }
    }
}

/// The level of one text; a text without a gold level adds nothing.
pub(super) fn level(gold: Option<Sensitivity>, predicted: Option<Sensitivity>) -> LevelScores {
    let mut scores = LevelScores::default();
    match (gold, predicted) {
        (Some(gold), Some(predicted)) => scores.add(gold, predicted),
        (Some(gold), None) => scores.add_missing(gold),
        (None, _) => {}
    }
    scores
}

impl Tallied {
    pub(super) fn of(file: &GoldFile, predictions: &[Prediction], took: Duration) -> Self {
        let scorer = Scorer::new(&file.annotated);
        let mut tallied = Self { took, texts: file.texts.len(), ..Self::default() };
        for (gold, prediction) in file.texts.iter().zip(predictions) {
            let (counts, level) = (scorer.count(gold, prediction), level(gold.level, prediction.level));
            let mut outcomes = Outcomes::default();
            for (span, right) in prediction.spans.iter().zip(scorer.judge(gold, &prediction.spans)) {
                if let Some(right) = right {
                    outcomes.add(span.score, right);
                }
            }
            tallied.bytes += gold.text.len();
            tallied.has_spans |= gold.spans.is_some();
            tallied.counts += &counts;
            tallied.levels += level;
            tallied.outcomes.push(outcomes);
            tallied.each.push((counts, level));
        }
        tallied
    }

    /// Puts the texts of the same set with another model beside these.
    pub(super) fn pair(&mut self, other: &Self) {
        let points = |each: &[(Counts, LevelScores)]| {
            each.iter().map(|(counts, levels)| Point::new(counts, *levels)).collect::<Vec<_>>()
        };
        self.pairs = Some(Pairs { this: points(&self.each), other: points(&other.each), missing: 0 });
    }

    pub(super) fn report(&self, name: &str, bootstrap: Bootstrap) -> Report {
        let seconds = self.took.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "counts of texts and of bytes")]
        let per_second = |count: usize| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let compare = |pairs: &Pairs| Comparison {
            missing: pairs.missing,
            differences: Difference::all(&pairs.this, &pairs.other, bootstrap),
        };
        Report {
            set: name.to_owned(),
            texts: self.texts,
            spans: self.has_spans.then(|| self.counts.scores()),
            levels: (self.levels.texts() > 0).then(|| Levels::new(self.levels)),
            reliability: Outcomes::reliability(&self.outcomes, bootstrap),
            calibration: None,
            comparison: self.pairs.as_ref().map(compare),
            other: None,
            seconds,
            texts_per_second: per_second(self.texts),
            kilobytes_per_second: per_second(self.bytes) / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Gold, Measured, Span};

    fn set(name: &str, label: &str) -> GoldFile {
        let text = Gold {
            id: "1".into(),
            text: "Ann Lee".into(),
            spans: Some(vec![Span::new(0, 7, label)]),
            level: Some(Sensitivity::Internal),
        };
        GoldFile { name: name.into(), texts: vec![text], annotated: [label.to_owned()].into() }
    }

    #[test]
    fn all_holds_each_set_to_its_own_labels() {
        let found = [Prediction { spans: vec![Span::new(0, 7, "PERSON")], level: Some(Sensitivity::Public) }];
        let mut together = Tallied::of(&set("a", "PERSON"), &found, Duration::from_secs(1));
        together += Tallied::of(&set("b", "EMAIL"), &found, Duration::from_secs(1));
        let report = together.report("all", Bootstrap::default());
        let core = report.spans.unwrap().core;
        assert_eq!((core.gold, core.predicted), (2, 1), "b does not label people, so its prediction does not count");
        assert_eq!(report.levels.unwrap().internal_to_public, 1.0);
        assert_eq!((report.texts, report.texts_per_second, report.kilobytes_per_second), (2, 1.0, 0.007));
        assert_eq!(report.reliability.unwrap().findings, 1);
    }

    #[test]
    fn texts_are_paired_with_the_same_ones_of_another_model() {
        let found = |label| [Prediction { spans: vec![Span::new(0, 7, label)], level: Some(Sensitivity::Internal) }];
        let gold = set("a", "PERSON");
        let mut this = Tallied::of(&gold, &found("PERSON"), Duration::ZERO);
        this.pair(&Tallied::of(&gold, &found("EMAIL"), Duration::ZERO));
        let report = this.report("a", Bootstrap { resamples: 10, ..Bootstrap::default() });
        let comparison = report.comparison.unwrap();
        let core = comparison.differences.iter().find(|difference| difference.measured == Measured::CoreF1).unwrap();
        assert_eq!((core.this, core.other, comparison.missing), (1.0, 0.0, 0));
    }

    #[test]
    fn a_level_that_is_not_there_is_missing() {
        assert_eq!(level(Some(Sensitivity::Public), None).missing(), 1);
        assert_eq!(level(None, Some(Sensitivity::Public)).texts(), 0);
    }
}
