//! What an operator may set. Every default is a measured or stated choice; an unknown key is an error, not a shrug.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::detect::Category;

use super::NerError;

/// Settings of the named-entity model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NerConfig {
    /// ONNX Runtime library. Without it: `CORDON_ONNXRUNTIME`, then the asset folder of the user's cache.
    pub runtime: Option<PathBuf>,
    /// Folder with `config.json`, `tokenizer.json` and one `.onnx` file (here or in `onnx/`). Without it:
    /// `CORDON_NER_MODEL`, then the asset folder of the user's cache.
    pub model: Option<PathBuf>,
    /// Threads that run the model, each with a session of its own. Without it: one for each core.
    pub lanes: Option<NonZeroUsize>,
    /// Tokens in a window, estimated; WordPiece makes about 120 of 150 in English and 170 in Spanish. Small NER models
    /// find most in about the length that they were trained on: longer windows lose places, shorter ones invent people.
    pub window_tokens: usize,
    /// Tokens that neighbouring windows share. An entity longer than this may be found in two pieces, never lost. A
    /// longer overlap was measured to find no more, and every shared token is paid for twice.
    pub overlap_tokens: usize,
    /// Windows that may wait for a lane, over all requests.
    pub queue: NonZeroUsize,
    /// Windows whose spans are remembered; 0 switches the cache off.
    pub cache_windows: u64,
    /// A lane that is busy with one window for longer than this many milliseconds is given up and replaced.
    pub hang_after_ms: u64,
    /// In windows that are code, logs or tables, run the model only on the lines that could hold a name: those with
    /// comments, string literals, messages, or a bare word with a capital. The receipt then says `permitted_skip` and
    /// counts what was read. It halves the time for source code; over 4,400 labelled texts as much was found with it as
    /// without, and fewer false names.
    pub skip_machine_text: bool,
    /// Multiply in 8-bit integers where the model has 4-bit weights: twice as fast, and almost the same numbers.
    pub eight_bit: bool,
    /// What a label of the model means, by label without its `B-` or `I-`. Adds to and overrides the built-in map.
    pub labels: BTreeMap<String, LabelRule>,
}

/// What one label of a model means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// Entity type of the findings; `IGNORE` drops the label.
    pub entity_type: String,
    /// Its group; without it that of the built-in map, else `other`.
    #[serde(default)]
    pub category: Option<Category>,
    /// Least probability, from 0 to 1, at which a word counts. Without it the built-in one.
    #[serde(default)]
    pub threshold: Option<f32>,
}

impl Default for NerConfig {
    fn default() -> Self {
        Self {
            runtime: None,
            model: None,
            lanes: None,
            window_tokens: 150,
            overlap_tokens: 20,
            queue: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            cache_windows: 20_000,
            hang_after_ms: 30_000,
            skip_machine_text: true,
            eight_bit: true,
            labels: BTreeMap::new(),
        }
    }
}

/// Fewer tokens than this hold no context worth a run.
const MIN_WINDOW: usize = 16;
/// Longest window that is accepted; the model's own limit may be lower.
const MAX_WINDOW: usize = 2048;

/// Lengths in tokens of text, fitted to a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Of a window, about.
    pub(super) window: usize,
    /// What neighbouring windows share.
    pub(super) overlap: usize,
    /// The most that one run may have.
    pub(super) longest_run: usize,
}

impl NerConfig {
    /// The lengths for a model that takes `most` tokens of text.
    pub(super) fn lengths(&self, most: usize) -> Lengths {
        let window = self.window_tokens.min(most);
        // The cut is an estimate; a window that is a little longer is still better run in one piece.
        Lengths { window, overlap: self.overlap_tokens.min(window / 2), longest_run: (window + window / 4).min(most) }
    }

    /// Refuses numbers that cannot work.
    ///
    /// # Errors
    /// [`NerError::Config`] names the key and its limits.
    pub fn validate(&self) -> Result<(), NerError> {
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&self.window_tokens) {
            return Err(NerError::Config(format!("window_tokens must be {MIN_WINDOW} to {MAX_WINDOW}")));
        }
        // More than half shared means that every byte is classified more than twice.
        if self.overlap_tokens * 2 > self.window_tokens {
            return Err(NerError::Config("overlap_tokens must be at most half of window_tokens".into()));
        }
        for (label, rule) in &self.labels {
            if rule.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
                return Err(NerError::Config(format!("labels.{label}.threshold must be 0 to 1")));
            }
            if rule.entity_type.is_empty() {
                return Err(NerError::Config(format!("labels.{label}.entity_type must not be empty")));
            }
        }
        Ok(())
    }

    /// Lanes to start.
    #[must_use]
    pub fn lane_count(&self) -> NonZeroUsize {
        self.lanes.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_an_unknown_key_is_refused() {
        NerConfig::default().validate().unwrap();
        assert!(toml::from_str::<NerConfig>("window_tokens = 64").unwrap().validate().is_ok());
        assert!(toml::from_str::<NerConfig>("windows = 64").is_err());
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for text in [
            "window_tokens = 3",
            "overlap_tokens = 100",
            "labels.PER = { entity_type = 'PERSON', threshold = 1.5 }",
            "labels.PER = { entity_type = '' }",
        ] {
            assert!(toml::from_str::<NerConfig>(text).unwrap().validate().is_err(), "{text}");
        }
    }
}
