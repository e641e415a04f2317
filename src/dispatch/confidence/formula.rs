//! From what was measured to one number from 0 to 1. With the features `x` (mean and lowest window of the
//! log-probabilities, share of low margins), their usual values `c` and weights `w`:
//!
//! ```text
//! score = 1 / (1 + exp(-(bias + w_mean (x_mean - c_mean) + w_window (x_window - c_window) + w_margins (x_margins - c_margins))))
//! ```
//!
//! halved for each flaw, and one half where no log-probabilities are known. The weights are fitted on answers that were
//! accepted or not (logistic regression), so the score is the share of accepted answers among those like it. No weight
//! may say that a less probable answer is a better one.

use serde::{Deserialize, Serialize};

/// What the log-probabilities of one answer come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    /// Mean natural logarithm of a token's probability; at most 0.
    pub mean: f64,
    /// Lowest such mean of a few tokens in a row; at most 0.
    pub window: f64,
    /// Share of tokens whose runner-up is at least half as probable, from 0 to 1.
    pub margins: f64,
}

impl Features {
    pub(super) fn array(&self) -> [f64; 3] {
        [self.mean, self.window, self.margins]
    }
}

/// The weights of the formula.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The sum for an answer with the usual features.
    pub bias: f64,
    /// Of the mean; not negative.
    pub mean: f64,
    /// Of the lowest window; not negative.
    pub window: f64,
    /// Of the share of low margins; not positive.
    pub margins: f64,
    /// The usual features.
    pub usual: Features,
}

/// The words for features that speak against an answer, in the order of [`Features::array`].
const REASONS: [&str; 3] = [super::word::LOW_MEAN_PROBABILITY, super::word::LOW_WINDOW, super::word::LOW_MARGINS];

/// A feature that takes less than this from the sum is no reason.
const FEEBLE: f64 = 0.05;

impl Weights {
    /// Whether all numbers are finite, the weights not against the meaning of their features, and the usual features
    /// possible.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        let usual = self.usual;
        let finite = self.array().into_iter().chain(usual.array()).all(f64::is_finite) && self.bias.is_finite();
        finite
            && self.mean >= 0.0
            && self.window >= 0.0
            && self.margins <= 0.0
            && usual.mean <= 0.0
            && usual.window <= 0.0
            && (0.0..=1.0).contains(&usual.margins)
    }

    pub(super) fn array(&self) -> [f64; 3] {
        [self.mean, self.window, self.margins]
    }

    fn shares(&self, features: &Features) -> [f64; 3] {
        let mut shares = self.array();
        let values = features.array().into_iter().zip(self.usual.array());
        shares.iter_mut().zip(values).for_each(|(share, (value, usual))| *share *= value - usual);
        shares
    }

    /// From 0 to 1.
    #[must_use]
    pub fn probability(&self, features: &Features) -> f64 {
        let sum = self.bias + self.shares(features).iter().sum::<f64>();
        1.0 / (1.0 + (-sum).exp())
    }

    /// The features that take from the sum, those that take most first. At least one.
    pub(super) fn reasons(&self, features: &Features) -> Vec<&'static str> {
        let mut found: Vec<(f64, &'static str)> = self.shares(features).into_iter().zip(REASONS).collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let strong = found.iter().filter(|(share, _)| *share <= -FEEBLE).count().max(1);
        found.into_iter().take(strong).map(|(_, word)| word).collect()
    }
}

/// The weights with the limit under which an answer is not sure enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// The formula's weights.
    pub weights: Weights,
    /// An answer with a lower score is low; from 0 to 1.
    pub threshold: f64,
    /// The same for the beginning of an answer that is judged before its end.
    pub early_threshold: f64,
}

impl Default for Measure {
    /// Fitted by `cordon calibrate escalation --share 0.3` on `tests/escalation/prompts.jsonl` for SmolLM2 135M Instruct (Q4_1). Other
    /// models need their own; until then these order answers and no more.
    fn default() -> Self {
        Self {
            weights: Weights {
                bias: -0.012,
                mean: 0.0,
                window: 1.581,
                margins: 0.0,
                usual: Features { mean: -0.592, window: -1.13, margins: 0.273 },
            },
            threshold: 0.349,
            early_threshold: 0.349,
        }
    }
}

impl Measure {
    /// The score of an answer: that of its log-probabilities, one half without them, halved again for each flaw.
    #[must_use]
    pub fn score(&self, features: Option<&Features>, flaws: usize) -> f64 {
        let base = features.map_or(0.5, |features| self.weights.probability(features));
        base * 0.5_f64.powi(i32::try_from(flaws).unwrap_or(i32::MAX))
    }
}
