//! The one seam between Cordon and a model: tokens in, logits of the tokens and log-odds of topics out. The runtime lives
//! behind it, and so do the failing, hanging and lying models of the tests. Nothing that comes through it is believed before
//! it is checked.

use std::sync::Arc;

use super::NerError;

/// What a model reads in one run, special tokens included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Numbers of the tokens.
    pub ids: Vec<u32>,
    /// Shape of each token: its capitals and the space before it; 0 for special tokens. Most models do not want it.
    pub shapes: Vec<u8>,
}

/// Output of one run: a row of logits for each token, and what the whole sequence is about.
#[derive(Clone, Debug, Default)]
pub struct Logits {
    /// Row by row.
    pub values: Vec<f32>,
    /// Rows.
    pub tokens: usize,
    /// Columns.
    pub labels: usize,
    /// Log-odds of each topic; empty for a model that knows none.
    pub topics: Vec<f32>,
}

/// Why a run failed. It carries no message of the runtime: that may quote token ids, and so the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassifierError {
    /// The runtime refused or failed.
    #[error("the runtime failed")]
    Run,
    /// There was no output, or it was not numbers of the expected shape.
    #[error("the output has another shape than the model's labels")]
    Output,
}

/// A token-classification model. One value belongs to one lane, so it may keep buffers.
pub trait TokenClassifier: Send {
    /// Classifies one sequence, special tokens included.
    ///
    /// # Errors
    /// [`ClassifierError`] when there is nothing to believe.
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError>;
}

/// Makes a model for a lane: at the start, and again after one panicked or hung.
pub type ModelFactory = Arc<dyn Fn() -> Result<Box<dyn TokenClassifier>, NerError> + Send + Sync>;

impl Logits {
    /// Whether the logits can be those of `tokens` tokens and `labels` labels: the right shape, and only finite numbers.
    /// A NaN would lose every comparison and read as "nothing found".
    #[must_use]
    pub fn is_sound(&self, tokens: usize, labels: usize) -> bool {
        self.tokens == tokens
            && self.labels == labels
            && tokens.checked_mul(labels) == Some(self.values.len())
            && self.values.iter().all(|value| value.is_finite())
    }

    /// Whether the log-odds can be those of so many topics. Who wants none does not look at them.
    #[must_use]
    pub fn has_topics(&self, topics: usize) -> bool {
        topics == 0 || self.topics.len() == topics && self.topics.iter().all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_numbers_of_the_right_shape_are_sound() {
        let logits = |values: Vec<f32>, tokens, labels| Logits { values, tokens, labels, ..Logits::default() };
        assert!(logits(vec![0.0; 6], 2, 3).is_sound(2, 3));
        assert!(!logits(vec![0.0; 6], 3, 2).is_sound(2, 3), "transposed");
        assert!(!logits(vec![0.0; 5], 2, 3).is_sound(2, 3), "short");
        assert!(!logits(vec![f32::NAN; 6], 2, 3).is_sound(2, 3));
        assert!(!logits(vec![f32::NEG_INFINITY; 6], 2, 3).is_sound(2, 3));
    }

    #[test]
    fn topics_are_as_many_as_were_named_and_finite() {
        let topics = |topics: Vec<f32>| Logits { topics, ..Logits::default() };
        assert!(topics(vec![0.0, -3.0]).has_topics(2));
        assert!(!topics(vec![0.0, -3.0]).has_topics(3));
        assert!(!topics(Vec::new()).has_topics(1));
        assert!(!topics(vec![f32::NAN]).has_topics(1));
        assert!(topics(vec![f32::NAN]).has_topics(0), "nobody looks at them");
    }
}
