//! From what was counted to simple, moderate or complex: three sums of weighted features, the largest of which wins
//! (multinomial logistic regression). The weights are data, fitted by `cordon calibrate complexity` on one half of
//! labelled prompts, so that no number here is anybody's opinion.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::features::{COUNT, Features, names};
use crate::policy::Complexity;

/// The labels in the order of the weights.
pub(super) const LABELS: [Complexity; 3] = [Complexity::Simple, Complexity::Moderate, Complexity::Complex];

/// Strength of the pull towards zero, on the sum of squares; it keeps 180 prompts from saying too much.
const PULL: f64 = 1.0;
/// Steps of the descent and their length; the sums are convex, so these only need to suffice.
const STEPS: usize = 4_000;
const LENGTH: f64 = 0.5;

/// Weights of one feature, or the constants, for simple, moderate and complex.
type Row = [f64; 3];

/// The table.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    constant: Row,
    features: [Row; COUNT],
}

/// A table on disk: weights in thousandths by the name of the feature, `constant` among them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    weights: std::collections::BTreeMap<String, [i32; 3]>,
}

/// Why a table is none.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// It is not TOML of this form.
    #[error("the weights are not valid TOML; make them anew with `cordon calibrate complexity`: {0}")]
    Toml(#[from] toml::de::Error),
    /// A feature has no weights.
    #[error("the weights lack {0:?}; make them anew with `cordon calibrate complexity`")]
    Missing(&'static str),
}

const HEADER: &str = "\
# What each feature says for simple, moderate and complex, in thousandths. Written by `cordon calibrate complexity`; make it
# anew instead of editing it.
";

static EMBEDDED: LazyLock<Option<Weights>> = LazyLock::new(|| Weights::read(include_str!("weights.toml")).ok());

impl Weights {
    /// The table of this build; a test reads it.
    pub(super) fn embedded() -> Option<&'static Self> {
        EMBEDDED.as_ref()
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// When it is no such table or a feature is missing.
    pub fn read(text: &str) -> Result<Self, WeightsError> {
        let file: File = toml::from_str(text)?;
        let row = |name: &'static str| {
            let row = file.weights.get(name).ok_or(WeightsError::Missing(name))?;
            Ok::<Row, WeightsError>(row.map(|weight| f64::from(weight) / 1000.0))
        };
        let mut features = [[0.0; 3]; COUNT];
        for (weights, name) in features.iter_mut().zip(names()) {
            *weights = row(name)?;
        }
        Ok(Self { constant: row("constant")?, features })
    }

    /// The table as a file.
    #[must_use]
    pub fn write(&self) -> String {
        let thousandths = |row: &Row| row.map(|weight| (weight * 1000.0).round() as i32);
        let mut text = format!("{HEADER}\n[weights]\nconstant = {:?}\n", thousandths(&self.constant));
        for (name, row) in names().zip(&self.features) {
            text.push_str(&format!("{name} = {:?}\n", thousandths(row)));
        }
        text
    }

    /// Whether no weight differs by more than two thousandths.
    #[cfg(test)]
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let all = |weights: &Self| {
            let rows = weights.features.into_iter().chain(std::iter::once(weights.constant));
            rows.flatten().collect::<Vec<f64>>()
        };
        all(self).iter().zip(all(other)).all(|(one, two)| (one - two).abs() <= 0.002)
    }

    /// The label, and the names of the features that speak most for it against the others, strongest first.
    pub(super) fn judge(&self, features: &Features) -> (Complexity, Vec<&'static str>) {
        let sums = self.sums(features);
        let best = (0..3).max_by(|a, b| sums.get(*a).partial_cmp(&sums.get(*b)).unwrap_or(std::cmp::Ordering::Equal));
        let best = best.unwrap_or(0);
        let mut reasons: Vec<(f64, &'static str)> = names()
            .zip(features.iter().zip(&self.features))
            .filter(|(_, (value, _))| **value > 0.0)
            .map(|(name, (value, row))| {
                let others = row.iter().enumerate().filter(|(label, _)| *label != best).map(|(_, weight)| weight);
                let own = row.get(best).copied().unwrap_or_default();
                (f64::from(*value) * (own - others.sum::<f64>() / 2.0), name)
            })
            .filter(|(weight, _)| *weight >= FEEBLE)
            .collect();
        reasons.sort_by(|a, b| b.0.total_cmp(&a.0));
        let complexity = LABELS.get(best).copied().unwrap_or(Complexity::Complex);
        (complexity, reasons.into_iter().take(MOST_REASONS).map(|(_, name)| name).collect())
    }

    fn sums(&self, features: &Features) -> Row {
        let mut sums = self.constant;
        for (value, row) in features.iter().zip(&self.features).filter(|(value, _)| **value != 0.0) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += f64::from(*value) * weight);
        }
        sums
    }

    /// The weights that make labelled features likeliest, by gradient descent from zero: the same input gives the same
    /// weights. `labels` are positions in simple, moderate, complex.
    pub(super) fn fit(examples: &[(Features, usize)]) -> Self {
        let mut weights = Self { constant: [0.0; 3], features: [[0.0; 3]; COUNT] };
        let count = examples.len().max(1) as f64;
        for _ in 0..STEPS {
            let mut slope = Self { constant: [0.0; 3], features: [[0.0; 3]; COUNT] };
            for (features, label) in examples {
                let wrong = weights.wrongness(features, *label);
                slope.constant.iter_mut().zip(wrong).for_each(|(slope, wrong)| *slope += wrong);
                for (value, row) in features.iter().zip(&mut slope.features).filter(|(value, _)| **value != 0.0) {
                    row.iter_mut().zip(wrong).for_each(|(slope, wrong)| *slope += f64::from(*value) * wrong);
                }
            }
            weights
                .constant
                .iter_mut()
                .zip(slope.constant)
                .for_each(|(weight, slope)| *weight -= LENGTH * slope / count);
            for (row, slopes) in weights.features.iter_mut().zip(slope.features) {
                for (weight, slope) in row.iter_mut().zip(slopes) {
                    *weight -= LENGTH * (slope + PULL * *weight) / count;
                }
            }
        }
        weights
    }

    /// Probability of each label, less one for the right one.
    fn wrongness(&self, features: &Features, label: usize) -> Row {
        let sums = self.sums(features);
        let most = sums.iter().copied().fold(f64::MIN, f64::max);
        let mut chances = sums.map(|sum| (sum - most).exp());
        let all: f64 = chances.iter().sum();
        chances.iter_mut().for_each(|chance| *chance /= all);
        chances.get_mut(label).into_iter().for_each(|chance| *chance -= 1.0);
        chances
    }
}

/// A feature that says less than this for the label is no reason.
const FEEBLE: f64 = 0.1;
/// Reasons that are named.
const MOST_REASONS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_whole_and_survives_writing() {
        let embedded = Weights::embedded().unwrap();
        assert_eq!(Weights::read(&embedded.write()).unwrap(), *embedded);
        let cut = embedded.write().replace("constant", "constants");
        assert!(Weights::read(&cut).unwrap_err().to_string().contains("constant"));
    }

    #[test]
    fn what_can_be_told_is_learnt() {
        let example = |index: usize, label| {
            let mut features = [0.0; COUNT];
            features[index] = 1.0;
            (features, label)
        };
        let examples: Vec<_> = (0..30).map(|n| example(n % 3, n % 3)).collect();
        let weights = Weights::fit(&examples);
        for (features, label) in &examples {
            assert_eq!(weights.judge(features).0, LABELS[*label]);
        }
        assert_eq!(weights.judge(&examples[1].0).1, [names().nth(1).unwrap()], "the reason is the feature");
    }
}
