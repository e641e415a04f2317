//! What an operator may set. Every default is a measured or stated choice; an unknown key is an error, not a shrug.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::detect::Category;

use super::NerError;
use super::model_config::Own;

/// Settings of the named-entity model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NerConfig {
    /// ONNX Runtime library. Without it: `CORDON_ONNXRUNTIME`, then the asset folder of the user's cache.
    pub runtime: Option<PathBuf>,
    /// Folder with `config.json`, `tokenizer.json` and one `.onnx` file (here or in `onnx/`), or `rampart` for the pinned
    /// model in the asset folder of the user's cache. Without it: `CORDON_NER_MODEL`, then the model in the program.
    pub model: Option<PathBuf>,
    /// Threads that run the model, each with a session of its own. Without it: one for each core.
    pub lanes: Option<NonZeroUsize>,
    /// Tokens in a window, estimated; WordPiece makes about 120 of 150 in English and 170 in Spanish. Small NER models
    /// find most in about the length that they were trained on: longer windows lose places, shorter ones invent people.
    /// Without it: what the model's `config.json` says, else 150.
    pub window_tokens: Option<usize>,
    /// Tokens that neighbouring windows share, at most half of a window. An entity longer than this may be found in two
    /// pieces, never lost. A longer overlap was measured to find no more, and every shared token is paid for twice.
    /// Without it: what the model's `config.json` says, else 20.
    pub overlap_tokens: Option<usize>,
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
    /// Whether a name must also have the form of one and be no word that is known to be none: capitals, lists of names
    /// and of words, more doubt in machine text. Over 1,232 labelled texts it makes our own model flag half as many clean
    /// texts, and finds 1 in 100 fewer spans.
    pub form_rules: bool,
    /// What a label of the model means, by label without its `B-` or `I-`. Adds to and overrides the built-in map.
    pub labels: BTreeMap<String, LabelRule>,
}

/// What one label of a model means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelRule {
    /// Entity type of the findings; `IGNORE` drops the label. Without it that of the built-in map.
    pub entity_type: Option<String>,
    /// Its group; without it that of the built-in map, else `other`.
    pub category: Option<Category>,
    /// Least probability, from 0 to 1, at which a word counts. Without it that of the model's `config.json`, else the
    /// built-in one.
    pub threshold: Option<f32>,
}

impl Default for NerConfig {
    fn default() -> Self {
        Self {
            runtime: None,
            model: None,
            lanes: None,
            window_tokens: None,
            overlap_tokens: None,
            queue: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            cache_windows: 20_000,
            hang_after_ms: 30_000,
            skip_machine_text: true,
            eight_bit: true,
            form_rules: true,
            labels: BTreeMap::new(),
        }
    }
}

/// Fewer tokens than this hold no context worth a run.
pub(super) const MIN_WINDOW: usize = 16;
/// Longest window that is accepted; the model's own limit may be lower.
pub(super) const MAX_WINDOW: usize = 2048;
/// Where neither the operator nor the model says; measured for models that were trained on about this length.
const USUAL_WINDOW: usize = 150;
const USUAL_OVERLAP: usize = 20;

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
    /// The lengths for a model that takes `most` tokens of text and says this of itself.
    pub(super) fn lengths(&self, most: usize, own: Option<&Own>) -> Lengths {
        let window = self.window_tokens.or(own.and_then(|own| own.window_tokens)).unwrap_or(USUAL_WINDOW).min(most);
        let overlap = self.overlap_tokens.or(own.and_then(|own| own.overlap_tokens)).unwrap_or(USUAL_OVERLAP);
        // The cut is an estimate; a window that is a little longer is still better run in one piece.
        Lengths { window, overlap: overlap.min(window / 2), longest_run: (window + window / 4).min(most) }
    }

    /// Refuses numbers that cannot work.
    ///
    /// # Errors
    /// [`NerError::Config`] names the key and its limits.
    pub fn validate(&self) -> Result<(), NerError> {
        let window = self.window_tokens.unwrap_or(USUAL_WINDOW);
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&window) {
            return Err(NerError::Config(format!("window_tokens must be {MIN_WINDOW} to {MAX_WINDOW}")));
        }
        // More than half shared means that every byte is classified more than twice.
        if self.overlap_tokens.is_some_and(|overlap| overlap > window / 2) {
            let most = window / 2;
            let problem = format!("overlap_tokens must be at most half of window_tokens, here {most}");
            return Err(NerError::Config(problem));
        }
        for (label, rule) in &self.labels {
            if rule.threshold.is_some_and(|t| !(0.0..=1.0).contains(&t)) {
                return Err(NerError::Config(format!("labels.{label}.threshold must be 0 to 1")));
            }
            if rule.entity_type.as_deref() == Some("") {
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
    fn the_operators_lengths_come_before_the_models_and_those_before_the_usual_ones() {
        let own = Own { window_tokens: Some(190), overlap_tokens: Some(24), ..Own::default() };
        let lengths = |text: &str, own: Option<&Own>| {
            let Lengths { window, overlap, .. } = toml::from_str::<NerConfig>(text).unwrap().lengths(508, own);
            (window, overlap)
        };
        assert_eq!(lengths("", None), (150, 20));
        assert_eq!(lengths("", Some(&own)), (190, 24));
        assert_eq!(lengths("window_tokens = 64", Some(&own)), (64, 24));
        assert_eq!(lengths("window_tokens = 32", Some(&own)), (32, 16), "half at most");
        assert_eq!(NerConfig::default().lengths(100, Some(&own)).window, 100, "what the model can take");
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
