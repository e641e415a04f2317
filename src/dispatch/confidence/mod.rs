//! How sure a model was of its answer, judged while the answer streams by: the log-probabilities of its tokens where the
//! backend gives them, and what can be told from the text alone (refused, empty, going in circles, cut off). Pure and in
//! linear time, with a memory that does not grow with the answer.
//!
//! It says nothing about whether an answer is right: a model can be sure and wrong. How much the number is worth for one
//! model is measured by `cordon calibrate escalation`. No text leaves this module, and its `Debug` shows none.

mod accepted;
mod formula;
mod labelled;
mod probabilities;
mod refusal;
mod repetition;

#[cfg(test)]
mod tests;

use std::fmt;

use super::provider::{FinishReason, Piece};
pub use accepted::{Accepted, AcceptedError, AcceptedPrompt, Match};
pub use formula::{Features, Measure, Weights};
pub use labelled::{Band, Fitted, Observed, Pick, Picked, fit};

/// The words of signals and reasons.
pub(super) mod word {
    /// Signal: the log-probabilities of tokens were used.
    pub(in crate::dispatch) const LOG_PROBABILITIES: &str = "log_probabilities";
    /// Signal: how the answer begins was looked at. Reason: it refuses, or says that it does not know.
    pub(in crate::dispatch) const REFUSAL: &str = "refusal";
    /// Signal: it was looked for loops. Reason: it goes in circles.
    pub(in crate::dispatch) const REPETITION: &str = "repetition";
    /// Signal: its end was seen.
    pub(in crate::dispatch) const ENDING: &str = "ending";
    /// Reason: its tokens are less probable on average than those of good answers.
    pub(in crate::dispatch) const LOW_MEAN_PROBABILITY: &str = "low_mean_probability";
    /// Reason: somewhere in it a few tokens in a row are improbable.
    pub(in crate::dispatch) const LOW_WINDOW: &str = "low_window";
    /// Reason: for many of its tokens another one was about as probable.
    pub(in crate::dispatch) const LOW_MARGINS: &str = "low_margins";
    /// Reason: it holds nothing.
    pub(in crate::dispatch) const EMPTY: &str = "empty";
    /// Reason: a limit of the model cut it off.
    pub(in crate::dispatch) const CUT_OFF: &str = "cut_off";
    /// Reason: the backend failed before its end.
    pub(in crate::dispatch) const BROKEN_OFF: &str = "broken_off";
}

/// How far an answer has come when it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is still being written.
    Open,
    /// It is whole.
    Whole,
    /// A limit ended it that the caller did not set: a better model may have come to an end.
    CutOff,
    /// A filter of the provider withheld the rest.
    Withheld,
}

impl Ending {
    /// The ending of a finished answer. An answer as long as the caller allows would be cut off anywhere.
    #[must_use]
    pub fn of(reason: FinishReason, output_tokens: u64, callers_limit: Option<u32>) -> Self {
        match reason {
            FinishReason::Length => {
                let callers =
                    callers_limit.is_some_and(|limit| output_tokens == 0 || output_tokens >= u64::from(limit));
                if callers { Self::Whole } else { Self::CutOff }
            }
            FinishReason::ContentFilter => Self::Withheld,
            FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other => Self::Whole,
        }
    }
}

/// How sure a model was, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidence {
    /// From 0 to a million; the share of accepted answers among those like it, where the measure is calibrated.
    pub millionths: u32,
    /// Whether that is too little: under the threshold, or a flaw.
    pub low: bool,
    /// Whether it was judged before its end.
    pub early: bool,
    /// What was looked at, of [`word`].
    pub signals: Vec<&'static str>,
    /// What speaks against the answer, of [`word`], flaws first.
    pub reasons: Vec<&'static str>,
}

impl Confidence {
    /// An answer whose backend failed before its end.
    #[must_use]
    pub fn broken_off(self) -> Self {
        let reasons = std::iter::once(word::BROKEN_OFF).chain(self.reasons).collect();
        Self { millionths: 0, low: true, reasons, ..self }
    }
}

/// Judges one answer while it comes.
#[derive(Clone, Default)]
pub struct Judge {
    probabilities: probabilities::Probabilities,
    beginning: refusal::Beginning,
    repetition: repetition::Repetition,
    any_text: bool,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("probabilities", &self.probabilities).finish_non_exhaustive()
    }
}

impl Judge {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &Piece) {
        match piece {
            Piece::Text(text) => self.text(text.expose()),
            Piece::Tokens(scores) => scores.iter().for_each(|score| self.probabilities.take(*score)),
            // A call is something said, and nothing to read for refusals.
            Piece::ToolCall(_) => self.any_text = true,
            Piece::Vectors(_) | Piece::Finish(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.any_text |= text.chars().any(|character| !character.is_whitespace());
        self.beginning.take(text);
        self.repetition.take(text);
    }

    /// Tokens whose probability is known.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.probabilities.tokens()
    }

    /// What the formula is about; `None` without log-probabilities.
    #[must_use]
    pub fn features(&self) -> Option<Features> {
        self.probabilities.features()
    }

    /// Flaws that make an answer low whatever its probabilities.
    #[must_use]
    pub fn flaws(&self, ending: Ending) -> Vec<&'static str> {
        let flaws = [
            (word::EMPTY, !self.any_text && ending != Ending::Open),
            (word::REFUSAL, self.beginning.refuses() || ending == Ending::Withheld),
            (word::REPETITION, self.repetition.found()),
            (word::CUT_OFF, ending == Ending::CutOff),
        ];
        flaws.into_iter().filter(|(_, holds)| *holds).map(|(word, _)| word).collect()
    }

    /// What it amounts to.
    #[must_use]
    pub fn assess(&self, measure: &Measure, ending: Ending) -> Confidence {
        let early = ending == Ending::Open;
        let features = self.features();
        let flaws = self.flaws(ending);
        let score = measure.score(features.as_ref(), flaws.len());
        let threshold = if early { measure.early_threshold } else { measure.threshold };
        // Without probabilities the score is no measurement, so only a flaw counts.
        let unsure = features.is_some() && score < threshold;
        let mut signals = vec![word::REFUSAL, word::REPETITION];
        if features.is_some() {
            signals.insert(0, word::LOG_PROBABILITIES);
        }
        if !early {
            signals.push(word::ENDING);
        }
        let low = unsure || !flaws.is_empty();
        let mut reasons = flaws;
        if let Some(features) = features.filter(|_| unsure) {
            reasons.extend(measure.weights.reasons(&features));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
        let millionths = (score * 1e6).round() as u32;
        Confidence { millionths, low, early, signals, reasons }
    }
}
