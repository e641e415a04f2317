//! What a lane does with one window: tokenise, classify, check, decode. It holds no state of a window.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::document::Document;

use super::cache::Outcome;
use super::decode::{decode, tell};
use super::human::Human;
use super::labels::LabelSet;
use super::prose::Looks;
use super::shapes::shapes;
use super::topics::{Heads, Pool};
use super::{ClassifierError, TokenClassifier, Vocabulary};

/// Why a window has no outcome. The words are fixed, so they may stand in receipts and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    TimedOut,
    QueueFull,
    ModelFailed,
    ModelOutput,
    Tokenizer,
    Panicked,
    LaneDied,
    NoLane,
    ShutDown,
    /// A window that is not in its document: a defect of Cordon.
    Range,
}

impl Fault {
    /// The reason in the receipt.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::QueueFull => "queue_full",
            Self::ModelFailed => "model_failed",
            Self::ModelOutput => "model_output_invalid",
            Self::Tokenizer => "tokenizer_failed",
            Self::Panicked => "model_panicked",
            Self::LaneDied => "lane_died",
            Self::NoLane => "no_lane_left",
            Self::ShutDown => "shut_down",
            Self::Range => "window_out_of_range",
        }
    }
}

/// One window.
pub(super) struct Job {
    pub(super) document: Arc<Document>,
    pub(super) part: usize,
    /// Bytes of the part.
    pub(super) range: Range<usize>,
    /// Whether only what people wrote in it is read.
    pub(super) human: bool,
    /// Whether all that the model says about each word is wanted, for whoever asks why.
    pub(super) tell: bool,
    pub(super) deadline: Instant,
}

/// What all lanes share.
pub(super) struct Engine {
    pub(super) vocabulary: Vocabulary,
    pub(super) labels: LabelSet,
    pub(super) topics: Heads,
    /// Tokens of text that one run may have.
    pub(super) longest_run: usize,
    /// Tokens that the runs of one window share.
    pub(super) overlap: usize,
}

impl Engine {
    /// Classifies one window.
    pub(super) fn run(&self, job: &Job, model: &mut dyn TokenClassifier) -> Result<Outcome, Fault> {
        let part = job.document.parts().get(job.part).ok_or(Fault::Range)?;
        let window = part.text.expose().get(job.range.clone()).ok_or(Fault::Range)?;
        let human = job.human.then(|| Human::of(window));
        let text = human.as_ref().map_or(window, |human| human.text.as_str());
        if Instant::now() >= job.deadline {
            return Err(Fault::TimedOut);
        }
        let tokens = self.vocabulary.tokens(text).ok_or(Fault::Tokenizer)?;
        let shapes = shapes(text, &tokens.ranges);
        let width = self.labels.columns.len();
        let mut rows = Vec::with_capacity(tokens.ids.len() * width);
        let mut topics = Pool::default();
        for run in runs(tokens.ids.len(), self.longest_run, self.overlap) {
            if Instant::now() >= job.deadline {
                return Err(Fault::TimedOut);
            }
            let ids = tokens.ids.get(run.tokens.clone()).ok_or(Fault::Range)?;
            let sequence = self.vocabulary.wrap(ids, shapes.get(run.tokens.clone()).ok_or(Fault::Range)?);
            let logits = model.classify(&sequence).map_err(|error| match error {
                ClassifierError::Run => Fault::ModelFailed,
                ClassifierError::Output => Fault::ModelOutput,
            })?;
            if !logits.is_sound(sequence.ids.len(), width) || !logits.has_topics(self.topics.count()) {
                return Err(Fault::ModelOutput);
            }
            self.topics.add(&logits.topics, &mut topics);
            let first = self.vocabulary.prefix_len() + run.core.start - run.tokens.start;
            let kept = logits.values.get(first * width..(first + run.core.len()) * width).ok_or(Fault::ModelOutput)?;
            rows.extend_from_slice(kept);
        }
        let mut decoded = decode(text, &tokens, &rows, &self.labels);
        let mut told = if job.tell { tell(text, &tokens, &rows, &self.labels) } else { Vec::new() };
        if let Some(human) = &human {
            decoded.move_to(|range| human.place(range));
            told.retain_mut(|word| human.place(&word.range).map(|range| word.range = range).is_some());
        }
        Ok(Outcome { decoded, looks: Looks::of(window), topics, told })
    }
}

/// Tokens of one run of the model, and those that it answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) tokens: Range<usize>,
    core: Range<usize>,
}

/// Divides `count` tokens into runs of at most `longest`, of about equal length, that share `overlap`.
pub(super) fn runs(count: usize, longest: usize, overlap: usize) -> impl Iterator<Item = Run> {
    let overlap = overlap.min(longest / 2);
    let stride_limit = (longest - overlap).max(1);
    let (pieces, stride) = if count <= longest {
        (usize::from(count > 0), count)
    } else {
        let pieces = (count - overlap).div_ceil(stride_limit);
        (pieces, (count - overlap).div_ceil(pieces))
    };
    (0..pieces).map(move |piece| {
        let start = piece * stride;
        let end = (start + stride + overlap).min(count);
        let core_start = if piece == 0 { 0 } else { start + overlap / 2 };
        let core_end = if piece + 1 == pieces { count } else { start + stride + overlap / 2 };
        Run { tokens: start..end, core: core_start..core_end }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_tile_the_tokens() {
        for count in 0..700 {
            for (longest, overlap) in [(120, 32), (10, 5), (1, 0), (2, 1), (510, 32)] {
                let mut at = 0;
                for run in runs(count, longest, overlap) {
                    assert!(run.tokens.len() <= longest, "{count} {longest} {overlap}");
                    assert!(run.tokens.start <= run.core.start && run.core.end <= run.tokens.end);
                    assert_eq!(run.core.start, at);
                    at = run.core.end;
                }
                assert_eq!(at, count, "{count} {longest} {overlap}");
            }
        }
    }
}
