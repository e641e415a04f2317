//! Whether scores mean something: of the findings with a score of about 0.8, are 80 % right? The expected calibration
//! error (Naeini, Cooper and Hauskrecht, AAAI 2015) is the mean distance between the two over ten bins of equal width,
//! each weighted by its findings. The table groups the same findings by likelihood, because that is what policies use.

use std::ops::AddAssign;

use serde::Serialize;

use super::{Bootstrap, Interval};
use crate::detect::Likelihood;

/// Bins of the error, of equal width.
const BINS: usize = 10;
/// A share that no finding can exceed in the log loss, so that one wrong certainty does not drown the rest.
const ALMOST_CERTAIN: f64 = 0.999;

const STEPS: [Likelihood; 5] =
    [Likelihood::VeryUnlikely, Likelihood::Unlikely, Likelihood::Possible, Likelihood::Likely, Likelihood::VeryLikely];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cell {
    findings: u64,
    right: u64,
    scores: f64,
}

impl AddAssign for Cell {
    fn add_assign(&mut self, other: Self) {
        self.findings += other.findings;
        self.right += other.right;
        self.scores += other.scores;
    }
}

impl Cell {
    fn add(&mut self, score: f64, right: bool) {
        *self += Self { findings: 1, right: u64::from(right), scores: score };
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bins([Cell; BINS]);

impl AddAssign for Bins {
    fn add_assign(&mut self, other: Self) {
        for (own, others) in self.0.iter_mut().zip(other.0) {
            *own += others;
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a data file are far below 2^52")]
impl Bins {
    fn error(&self) -> Option<f64> {
        let findings: u64 = self.0.iter().map(|cell| cell.findings).sum();
        // A bin's share of the findings times the distance of its two means is the distance of its two sums.
        let distance: f64 = self.0.iter().map(|cell| (cell.scores - cell.right as f64).abs()).sum();
        (findings > 0).then(|| distance / findings as f64)
    }
}

/// Scores of findings with whether each was right, of one document or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcomes {
    bins: Bins,
    steps: [Cell; STEPS.len()],
    squares: f64,
    surprise: f64,
}

impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.bins += other.bins;
        for (own, others) in self.steps.iter_mut().zip(other.steps) {
            *own += others;
        }
        self.squares += other.squares;
        self.surprise += other.surprise;
    }
}

impl Outcomes {
    /// Counts one finding.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score from 0 to 1 gives 0 to 9")]
    pub fn add(&mut self, score: f32, right: bool) {
        let exact = f64::from(score);
        // 0.7 as a 32-bit number is a little less than 0.7 and belongs to the bin that starts there.
        let bin = ((exact * BINS as f64 + 1e-4) as usize).min(BINS - 1);
        if let Some(cell) = self.bins.0.get_mut(bin) {
            cell.add(exact, right);
        }
        let step = STEPS.iter().position(|step| *step == Likelihood::of(score));
        if let Some(cell) = step.and_then(|step| self.steps.get_mut(step)) {
            cell.add(exact, right);
        }
        let truth = f64::from(u8::from(right));
        self.squares += (exact - truth).powi(2);
        let given = if right { exact } else { 1.0 - exact };
        self.surprise -= given.clamp(1.0 - ALMOST_CERTAIN, ALMOST_CERTAIN).ln();
    }

    /// Findings counted.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.steps.iter().map(|cell| cell.findings).sum()
    }

    /// The figures over documents; `None` without a finding.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of a data file are far below 2^52")]
    pub fn reliability(documents: &[Self], bootstrap: Bootstrap) -> Option<Reliability> {
        let mut total = Self::default();
        for document in documents {
            total += *document;
        }
        let findings = total.findings();
        let ece = total.bins.error()?;
        let bins: Vec<Bins> = documents.iter().map(|document| document.bins).collect();
        let steps = STEPS.iter().zip(total.steps).rev().filter(|(_, cell)| cell.findings > 0);
        Some(Reliability {
            findings,
            ece,
            interval: bootstrap.interval(&bins, Bins::error),
            brier: total.squares / findings as f64,
            log_loss: total.surprise / findings as f64,
            steps: steps
                .map(|(likelihood, cell)| Step {
                    likelihood: *likelihood,
                    findings: cell.findings,
                    mean_score: cell.scores / cell.findings as f64,
                    precision: cell.right as f64 / cell.findings as f64,
                })
                .collect(),
        })
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The step of the score.
    pub likelihood: Likelihood,
    /// Findings in it.
    pub findings: u64,
    /// What the scores promise, from 0 to 1.
    pub mean_score: f64,
    /// What is true of them, from 0 to 1.
    pub precision: f64,
}

/// How far scores can be taken at their word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Findings that were right or wrong; those of labels that a file does not annotate are neither.
    pub findings: u64,
    /// Expected calibration error, from 0 (perfect) to 1.
    pub ece: f64,
    /// Its bootstrap interval over documents.
    pub interval: Option<Interval>,
    /// Mean square distance between score and truth; 0 is perfect. It needs no bins.
    pub brier: f64,
    /// Mean of `-ln` of the probability that was given to the truth; 0 is perfect.
    pub log_loss: f64,
    /// By likelihood, the highest first.
    pub steps: Vec<Step>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(findings: &[(f32, bool)]) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (score, right) in findings {
            outcomes.add(*score, *right);
        }
        outcomes
    }

    #[test]
    fn the_error_is_the_weighted_distance_of_promise_and_truth() {
        // Bin 0.9: promised 0.9, true 3 of 4. Bin 0.5: promised 0.5, true 0 of 1. (4 * 0.15 + 1 * 0.5) / 5 = 0.22.
        let all = outcomes(&[(0.9, true), (0.9, true), (0.9, true), (0.9, false), (0.5, false)]);
        let figures = Outcomes::reliability(&[all], Bootstrap::default()).unwrap();
        assert!((figures.ece - 0.22).abs() < 1e-6, "{}", figures.ece);
        assert_eq!((figures.findings, figures.interval), (5, None), "one document has no interval");
        // (3 * 0.1² + 0.9² + 0.5²) / 5 = 0.218; (3 * -ln 0.9 - ln 0.1 - ln 0.5) / 5 = 0.66236.
        assert!((figures.brier - 0.218).abs() < 1e-6, "{}", figures.brier);
        assert!((figures.log_loss - 0.662_36).abs() < 1e-5, "{}", figures.log_loss);
        let steps: Vec<_> = figures.steps.iter().map(|step| (step.likelihood, step.findings, step.precision)).collect();
        assert_eq!(steps, [(Likelihood::VeryLikely, 4, 0.75), (Likelihood::Possible, 1, 0.0)]);
    }

    #[test]
    fn bins_start_at_their_tenth() {
        let tenth = |score| outcomes(&[(score, true)]).bins.0.iter().position(|cell| cell.findings == 1).unwrap();
        assert_eq!([0.0, 0.1, 0.3, 0.6, 0.699, 0.7, 0.9, 1.0].map(tenth), [0, 1, 3, 6, 6, 7, 9, 9]);
    }

    #[test]
    fn scores_that_keep_their_promise_have_no_error_over_documents() {
        let documents = [outcomes(&[(0.5, true)]), outcomes(&[(0.5, false)])];
        let figures = Outcomes::reliability(&documents, Bootstrap::default()).unwrap();
        assert_eq!(figures.ece, 0.0);
        let interval = figures.interval.unwrap();
        assert_eq!((interval.low, interval.high), (0.0, 0.5), "a draw may hold one of the two twice");
        assert_eq!(Outcomes::reliability(&[], Bootstrap::default()), None);
    }

    #[test]
    fn a_wrong_certainty_costs_a_finite_amount() {
        let figures = Outcomes::reliability(&[outcomes(&[(1.0, false)])], Bootstrap::default()).unwrap();
        assert!((figures.log_loss - 6.907_755).abs() < 1e-5, "-ln 0.001, not infinity");
    }
}
