//! Models for tests: the real one, and ones that find nothing, fail, hang, or answer rubbish.

use std::sync::Arc;
use std::time::Duration;

use cordon::ner::{ClassifierError, Logits, ModelFactory, Ner, NerConfig, Sequence, TokenClassifier, Vocabulary};

/// Labels of the models that are not real.
const LABELS: [&str; 3] = ["O", "B-GIVEN_NAME", "I-GIVEN_NAME"];
/// What [`Model::Topical`] knows.
const TOPICS: &str = r#"{"topics": [
    {"name": "health", "scale": 1.0, "bias": 0.0}, {"name": "minors", "scale": 1.0, "bias": 0.0}]}"#;
/// Words of their vocabulary, and the ids of the last two.
const WORDS: [&str; 5] = ["a", "the", "is", "scan", "class"];
const SCAN: u32 = 6;
const CLASS: u32 = 7;

/// Which model a test wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// The pinned one; `make assets` fetches it.
    Real,
    /// Finds nothing.
    Quiet,
    /// Finds nothing, but says what a text is about: of health (0.95) with the word "scan", of minors (0.62) with "class".
    Topical,
    /// The same, with log-odds that are no numbers.
    TopicalRubbish,
    /// Every run fails.
    Fails,
    /// Never comes back in time.
    Hangs,
    /// Numbers that are no numbers.
    Rubbish,
    /// Rows of the wrong length.
    WrongShape,
    /// Panics, with the ids in its message.
    Panics,
}

struct Scripted(Model);

impl TokenClassifier for Scripted {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        let ids = &sequence.ids;
        let labels = LABELS.len();
        let row = |first: f32| {
            let mut values = vec![0.0; ids.len() * labels];
            values.chunks_mut(labels).for_each(|row| row[0] = first);
            Ok(Logits { values, tokens: ids.len(), labels, ..Logits::default() })
        };
        let odds = |word: u32, odds: f32| if ids.contains(&word) { odds } else { -3.0 };
        match self.0 {
            Model::Real | Model::Quiet => row(12.0),
            Model::Topical => Ok(Logits { topics: vec![odds(SCAN, 3.0), odds(CLASS, 0.5)], ..row(12.0)? }),
            Model::TopicalRubbish => Ok(Logits { topics: vec![f32::NAN, 0.0], ..row(12.0)? }),
            Model::Fails => Err(ClassifierError::Run),
            Model::Hangs => {
                std::thread::sleep(Duration::from_secs(4));
                row(12.0)
            }
            Model::Rubbish => row(f32::NAN),
            Model::WrongShape => Ok(Logits { values: vec![1.0; labels], tokens: 1, labels, ..Logits::default() }),
            Model::Panics => panic!("ids {ids:?}"),
        }
    }
}

impl Model {
    pub(crate) fn load(self, config: &NerConfig) -> Ner {
        if self == Self::Real {
            return Ner::load(config).unwrap_or_else(|error| panic!("{error}"));
        }
        let mut vocabulary = Vocabulary::of_words(&WORDS, &LABELS).unwrap();
        if matches!(self, Self::Topical | Self::TopicalRubbish) {
            vocabulary = vocabulary.with_cordon(TOPICS).unwrap();
        }
        let factory: ModelFactory = Arc::new(move || Ok(Box::new(Scripted(self))));
        Ner::with_models(config, vocabulary, factory).unwrap()
    }
}
