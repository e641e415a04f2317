//! Two systems on the same texts, side by side. The interval of a difference is drawn over pairs: each draw takes the
//! same documents for both, so what makes a text hard for everybody cancels out.

use std::ops::AddAssign;

use serde::Serialize;

use super::{Bootstrap, Counts, DocumentScores, Interval, LevelScores, Tally};
use crate::policy::Sensitivity::{Confidential, Internal, Public};

/// What one text adds to everything that is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    core: Tally,
    person: Tally,
    documents: DocumentScores,
    levels: LevelScores,
}

impl Point {
    /// Of the counts of one text, and its level.
    #[must_use]
    pub fn new(counts: &Counts, levels: LevelScores) -> Self {
        Self { core: counts.core(), person: counts.class("PERSON"), documents: counts.documents(), levels }
    }
}

impl AddAssign for Point {
    fn add_assign(&mut self, other: Self) {
        self.core += other.core;
        self.person += other.person;
        self.documents += other.documents;
        self.levels += other.levels;
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Overlap F1 over the core classes.
    CoreF1,
    /// Overlap F1 of people.
    PersonF1,
    /// Share of texts without personal data that are flagged; lower is better.
    CleanFlagged,
    /// Share of texts with the right level.
    LevelRight,
    /// Share of confidential texts judged public; lower is better.
    ConfidentialPublic,
    /// Share of confidential texts judged internal; lower is better.
    ConfidentialInternal,
    /// Share of public texts judged higher; lower is better.
    PublicOver,
}

impl Measured {
    /// Everything, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::CoreF1,
        Self::PersonF1,
        Self::CleanFlagged,
        Self::LevelRight,
        Self::ConfidentialPublic,
        Self::ConfidentialInternal,
        Self::PublicOver,
    ];

    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoreF1 => "core F1",
            Self::PersonF1 => "PERSON F1",
            Self::CleanFlagged => "clean flagged",
            Self::LevelRight => "level right",
            Self::ConfidentialPublic => "conf→public",
            Self::ConfidentialInternal => "conf→internal",
            Self::PublicOver => "public over",
        }
    }

    /// Whether more is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        matches!(self, Self::CoreF1 | Self::PersonF1 | Self::LevelRight)
    }

    /// The value over what was summed; `None` where there is nothing to divide by.
    fn of(self, sum: &Point) -> Option<f64> {
        let levels = |gold, value: f64| (sum.levels.total(gold) > 0).then_some(value);
        match self {
            Self::CoreF1 => f1(sum.core),
            Self::PersonF1 => f1(sum.person),
            Self::CleanFlagged => sum.documents.false_alarm_rate(),
            Self::LevelRight => (sum.levels.texts() > 0).then(|| sum.levels.accuracy()),
            Self::ConfidentialPublic => levels(Confidential, sum.levels.rate(Confidential, Public)),
            Self::ConfidentialInternal => levels(Confidential, sum.levels.rate(Confidential, Internal)),
            Self::PublicOver => levels(Public, sum.levels.over_rate()),
        }
    }
}

/// F1, where a system that found nothing of what is there has 0.
fn f1(tally: Tally) -> Option<f64> {
    let scores = tally.scores();
    (scores.gold > 0).then(|| scores.overlap.f1.unwrap_or(0.0))
}

#[derive(Clone, Copy, Default)]
struct Pair(Point, Point);

impl AddAssign for Pair {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
        self.1 += other.1;
    }
}

/// One measure of both systems.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What.
    pub measured: Measured,
    /// This run, from 0 to 1.
    pub this: f64,
    /// The other, from 0 to 1.
    pub other: f64,
    /// This run less the other.
    pub difference: f64,
    /// Bootstrap interval of the difference.
    pub interval: Option<Interval>,
    /// Whether the interval excludes zero.
    pub significant: bool,
}

impl Difference {
    /// Whether this run is better, as far as the documents can tell; `None` where the interval holds zero.
    #[must_use]
    pub fn better(&self) -> Option<bool> {
        self.significant.then(|| (self.difference > 0.0) == self.measured.higher_is_better())
    }

    /// Every measure for which both have a value; the points of both are in the same order of texts.
    #[must_use]
    pub fn all(this: &[Point], other: &[Point], bootstrap: Bootstrap) -> Vec<Self> {
        let pairs: Vec<Pair> = this.iter().zip(other).map(|(a, b)| Pair(*a, *b)).collect();
        let mut sum = Pair::default();
        for pair in &pairs {
            sum += *pair;
        }
        let one = |measured: Measured| {
            let (this, other) = (measured.of(&sum.0)?, measured.of(&sum.1)?);
            let interval = bootstrap.interval(&pairs, |sum| Some(measured.of(&sum.0)? - measured.of(&sum.1)?));
            let significant = interval.is_some_and(|interval| interval.excludes_zero());
            Some(Self { measured, this, other, difference: this - other, interval, significant })
        };
        Measured::ALL.into_iter().filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::eval::{Gold, Prediction, Scorer, Span};

    /// Points of texts that hold one name each, found or not.
    fn points(found: &[bool]) -> Vec<Point> {
        let scorer = Scorer::new(&BTreeSet::from(["PERSON".to_owned()]));
        let name = || Span::new(0, 3, "PERSON");
        let text = Gold { id: "1".into(), text: "Ann".into(), spans: Some(vec![name()]), level: Some(Confidential) };
        found
            .iter()
            .map(|found| {
                let spans = if *found { vec![name()] } else { Vec::new() };
                let mut levels = LevelScores::default();
                levels.add(Confidential, if *found { Confidential } else { Public });
                Point::new(&scorer.count(&text, &Prediction { spans, level: None }), levels)
            })
            .collect()
    }

    fn of(differences: &[Difference], measured: Measured) -> Difference {
        *differences.iter().find(|d| d.measured == measured).unwrap()
    }

    #[test]
    fn a_clear_difference_is_marked_and_has_a_direction() {
        let this = points(&[true; 40]);
        let other = points(&[vec![true; 20], vec![false; 20]].concat());
        let differences = Difference::all(&this, &other, Bootstrap::default());
        let core = of(&differences, Measured::CoreF1);
        // Precision 1 and recall 0.5 make an F1 of 2/3.
        assert!((core.this - 1.0).abs() < 1e-9 && (core.other - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(core.better(), Some(true));
        let leaks = of(&differences, Measured::ConfidentialPublic);
        assert_eq!((leaks.this, leaks.other, leaks.better()), (0.0, 0.5, Some(true)), "fewer leaks are better");
        assert!(!differences.iter().any(|d| d.measured == Measured::CleanFlagged), "no clean text is there");
    }

    #[test]
    fn the_same_answers_and_an_accident_of_one_text_are_not_marked() {
        let this = points(&[true, false, true, true, false, true]);
        for difference in Difference::all(&this, &this, Bootstrap::default()) {
            assert_eq!((difference.difference, difference.better()), (0.0, None));
        }
        let other = points(&[true, false, true, true, true, true]);
        let core = of(&Difference::all(&this, &other, Bootstrap::default()), Measured::CoreF1);
        assert!(core.difference < 0.0 && core.better().is_none(), "{core:?}");
    }

    #[test]
    fn a_seed_decides_the_intervals() {
        let (this, other) = (points(&[true; 30]), points(&[vec![true; 25], vec![false; 5]].concat()));
        let with = |seed| of(&Difference::all(&this, &other, Bootstrap { resamples: 200, seed }), Measured::CoreF1);
        assert_eq!(with(3), with(3));
        assert_ne!(with(3).interval, with(4).interval);
    }
}
