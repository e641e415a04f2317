//! The model alone: the windows of a text as token ids, and one session that runs them, with no lane, queue, cache or
//! decoder around it. It is the mark that the lanes are measured against (`tests/bench/ner.rs`) and must never be used to
//! look through a text, because nothing here checks or reports what was not scanned.

use super::assets::locate;
use super::engine::runs;
use super::onnx::{Graph, OnnxClassifier, environment};
use super::shapes::shapes;
use super::windows::windows;
use super::{ClassifierError, Logits, NerConfig, NerError, Sequence, TokenClassifier, Vocabulary};

/// A model without what the service puts around it.
pub struct Bare {
    vocabulary: Vocabulary,
    model: OnnxClassifier,
    config: NerConfig,
}

impl Bare {
    /// Loads the runtime and the model, as [`super::Ner::load`] does.
    ///
    /// # Errors
    /// [`NerError`] says which file or setting is wrong and what to do.
    pub fn load(config: &NerConfig) -> Result<Self, NerError> {
        config.validate()?;
        let paths = locate(config)?;
        let files = paths.model.read()?;
        let vocabulary = Vocabulary::load(&files)?;
        let graph = Graph::of(files.graph, config.eight_bit);
        let model = OnnxClassifier::new(&environment(&paths.runtime)?, &graph)?;
        Ok(Self { vocabulary, model, config: config.clone() })
    }

    /// The sequences that a lane would run for a text. `None` if the tokenizer fails.
    #[must_use]
    pub fn sequences(&self, text: &str) -> Option<Vec<Sequence>> {
        let lengths = self.config.lengths(self.vocabulary.max_tokens(), self.vocabulary.own());
        let mut sequences = Vec::new();
        for window in windows(text, lengths.window, lengths.overlap) {
            let text = text.get(window.text)?;
            let tokens = self.vocabulary.tokens(text)?;
            let shapes = shapes(text, &tokens.ranges);
            for run in runs(tokens.ids.len(), lengths.longest_run, lengths.overlap) {
                sequences.push(self.vocabulary.wrap(tokens.ids.get(run.tokens.clone())?, shapes.get(run.tokens)?));
            }
        }
        Some(sequences)
    }

    /// Sequences of exactly so many tokens, special ones included, out of a long text; what is left at its end is not in
    /// them. `None` if the tokenizer fails.
    #[must_use]
    pub fn sequences_of(&self, text: &str, tokens: usize) -> Option<Vec<Sequence>> {
        let special = self.vocabulary.wrap(&[], &[]).ids.len();
        let read = self.vocabulary.tokens(text)?;
        let shapes = shapes(text, &read.ranges);
        let length = tokens.checked_sub(special).filter(|length| *length > 0)?;
        let pieces = read.ids.chunks_exact(length).zip(shapes.chunks_exact(length));
        Some(pieces.map(|(ids, shapes)| self.vocabulary.wrap(ids, shapes)).collect())
    }

    /// Runs one sequence.
    ///
    /// # Errors
    /// As [`TokenClassifier::classify`].
    pub fn run(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        self.model.classify(sequence)
    }
}
