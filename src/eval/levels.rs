//! Scores of levels: the confusion matrix and the rates that matter, leaks first.

use std::ops::AddAssign;

use serde::Serialize;

use crate::policy::Sensitivity;

/// The levels in the order of the matrix.
pub const LEVELS: [Sensitivity; 3] = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential];

/// Counts of (gold, predicted).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LevelScores {
    /// `confusion[gold][predicted]`, both in the order public, internal, confidential.
    pub confusion: [[u64; 3]; 3],
    /// Texts without a predicted level, by gold level: wrong, but no leak.
    pub missing: [u64; 3],
}

fn position(level: Sensitivity) -> usize {
    LEVELS.iter().position(|other| *other == level).unwrap_or(2)
}

impl AddAssign for LevelScores {
    fn add_assign(&mut self, other: Self) {
        for (row, others) in self.confusion.iter_mut().zip(&other.confusion) {
            for (cell, count) in row.iter_mut().zip(others) {
                *cell += count;
            }
        }
        for (cell, count) in self.missing.iter_mut().zip(other.missing) {
            *cell += count;
        }
    }
}

impl LevelScores {
    /// Counts one text.
    pub fn add(&mut self, gold: Sensitivity, predicted: Sensitivity) {
        if let Some(cell) = self.confusion.get_mut(position(gold)).and_then(|row| row.get_mut(position(predicted))) {
            *cell += 1;
        }
    }

    /// Counts one text that has no predicted level.
    pub fn add_missing(&mut self, gold: Sensitivity) {
        if let Some(cell) = self.missing.get_mut(position(gold)) {
            *cell += 1;
        }
    }

    /// Texts without a predicted level.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing.iter().sum()
    }

    /// Texts of this gold level that were given that one.
    #[must_use]
    pub fn count(&self, gold: Sensitivity, predicted: Sensitivity) -> u64 {
        self.confusion.get(position(gold)).and_then(|row| row.get(position(predicted))).copied().unwrap_or(0)
    }

    /// Texts of this gold level.
    #[must_use]
    pub fn total(&self, gold: Sensitivity) -> u64 {
        let missing = self.missing.get(position(gold)).copied().unwrap_or(0);
        LEVELS.iter().map(|level| self.count(gold, *level)).sum::<u64>() + missing
    }

    /// All texts.
    #[must_use]
    pub fn texts(&self) -> u64 {
        LEVELS.iter().map(|level| self.total(*level)).sum()
    }

    /// Share of texts of a gold level that were given that one, from 0 to 1.
    #[must_use]
    pub fn rate(&self, gold: Sensitivity, predicted: Sensitivity) -> f64 {
        share(self.count(gold, predicted), self.total(gold))
    }

    /// Share of all texts with the right level.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        share(LEVELS.iter().map(|level| self.count(*level, *level)).sum(), self.texts())
    }

    /// Share of confidential texts judged public: the number that must be near zero.
    #[must_use]
    pub fn leak_rate(&self) -> f64 {
        self.rate(Sensitivity::Confidential, Sensitivity::Public)
    }

    /// Share of confidential texts judged internal.
    #[must_use]
    pub fn soft_leak_rate(&self) -> f64 {
        self.rate(Sensitivity::Confidential, Sensitivity::Internal)
    }

    /// Share of public texts judged higher.
    #[must_use]
    pub fn over_rate(&self) -> f64 {
        self.rate(Sensitivity::Public, Sensitivity::Internal)
            + self.rate(Sensitivity::Public, Sensitivity::Confidential)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a data file are far below 2^52")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sensitivity::{Confidential, Internal, Public};

    #[test]
    fn rates_follow_the_matrix() {
        let mut scores = LevelScores::default();
        for (gold, predicted) in [
            (Confidential, Public),
            (Confidential, Internal),
            (Confidential, Confidential),
            (Confidential, Confidential),
        ] {
            scores.add(gold, predicted);
        }
        scores.add(Public, Internal);
        assert_eq!((scores.leak_rate(), scores.soft_leak_rate(), scores.over_rate()), (0.25, 0.25, 1.0));
        assert_eq!(scores.accuracy(), 0.4);
    }

    #[test]
    fn a_missing_level_is_wrong_but_no_leak() {
        let mut scores = LevelScores::default();
        scores.add(Confidential, Confidential);
        scores.add_missing(Confidential);
        assert_eq!((scores.accuracy(), scores.leak_rate(), scores.missing(), scores.texts()), (0.5, 0.0, 1, 2));
        let mut both = scores;
        both += scores;
        assert_eq!((both.texts(), both.missing(), both.accuracy()), (4, 2, 0.5));
    }
}
