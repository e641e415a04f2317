//! The named-entity model: names, places, addresses and what else a token classifier knows, found in whole documents.
//!
//! This module owns the model files, the lanes that run them, and the way from logits to findings. It must never make
//! a failure look like "nothing found": whatever goes wrong is [`crate::detect::Status::Failed`] with a fixed reason.
//! Nor may it shorten a text, log a word of it, or keep it: the cache holds spans under keyed digests.
//!
//! The way of a part: [`windows`] cuts it, `find` hands the windows to [`lanes`], a lane tokenises and classifies one
//! window and [`decode`] turns logits into labelled words; [`spans`] stitches the words of all windows and joins them,
//! [`filter`] drops what cannot be what the model says. What the windows are about goes beside it, through [`topics`].

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod asset_tests;
mod assets;
mod bare;
mod cache;
mod classifier;
mod config;
mod decode;
mod eight_bit;
mod encoded;
mod engine;
mod error;
mod filter;
mod find;
mod gather;
#[cfg(test)]
mod golden_tests;
mod human;
mod labels;
mod lanes;
mod lexicon;
mod model_config;
mod onnx;
mod onnx_file;
mod overrule;
mod people;
mod prose;
mod reason;
mod repeat;
mod shapes;
mod spans;
mod stopwords;
#[cfg(test)]
#[allow(clippy::string_slice)]
mod tests;
#[cfg(test)]
#[allow(clippy::string_slice)]
mod topic_tests;
mod topics;
mod viterbi;
mod vocabulary;
mod vote;
mod windows;
mod wording;
mod words;

pub use assets::RAMPART;
#[doc(hidden)]
pub use bare::Bare;
pub use classifier::{ClassifierError, Logits, ModelFactory, Sequence, TokenClassifier};
pub use config::{LabelRule, NerConfig};
pub use error::NerError;
pub use find::{Ner, NerReport};
pub use labels::model_types;
pub use overrule::overrule;
pub use reason::{Dropped, Reason};
pub use vocabulary::Vocabulary;
