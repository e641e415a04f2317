//! What a model says of itself in its `config.json`: labels, the longest input, and, in the table `cordon` that only
//! models made for Cordon have, how its words are decoded, from which probability a label counts, and which topics its
//! second output is about. Nothing of it is believed unchecked: a table with a key or a number that makes no sense is an
//! error at the start, because a model that is read in another way than it was made for gives other verdicts silently.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::config::{MAX_WINDOW, MIN_WINDOW};
use super::topics::Head;

/// What is read of `config.json`.
#[derive(Clone, Debug)]
pub(super) struct ModelConfig {
    /// By column.
    pub(super) labels: Vec<String>,
    /// Positions of the longest input, special tokens included.
    pub(super) positions: usize,
    /// The table `cordon`.
    pub(super) own: Option<Own>,
}

/// The table `cordon`. Settings of the operator come before it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Own {
    pub(super) decoder: Decoder,
    /// As the settings of the same names in [`super::NerConfig`].
    pub(super) window_tokens: Option<usize>,
    pub(super) overlap_tokens: Option<usize>,
    /// By label without its `B-` or `I-`.
    pub(super) labels: BTreeMap<String, OwnLabel>,
    /// In the order of the columns of the second output.
    pub(super) topics: Vec<Head>,
}

/// What the table says of a label.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnLabel {
    /// Probability, from 0 to 1, from which a word counts.
    pub(super) threshold: f32,
}

/// How words get their labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decoder {
    /// Each word by itself.
    #[default]
    Words,
    /// The best sequence of all words in which nothing goes on that did not begin.
    Viterbi,
}

/// The usual keys of a token classifier; the others are not needed.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    id2label: BTreeMap<String, String>,
    #[serde(default)]
    max_position_embeddings: Option<usize>,
    #[serde(default)]
    cordon: Option<Own>,
}

/// Positions of a model whose `config.json` does not say.
pub(super) const USUAL_POSITIONS: usize = 512;

impl ModelConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn parse(file: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(file).map_err(|error| error.to_string())?;
        let labels = in_order(&file.id2label).ok_or("id2label is not 0 to n")?;
        let positions = file.max_position_embeddings.unwrap_or(USUAL_POSITIONS);
        if let Some(own) = &file.cordon {
            own.check(&labels)?;
        }
        Ok(Self { labels, positions, own: file.cordon })
    }
}

impl Own {
    /// Refuses what makes no sense for a model of these labels.
    pub(super) fn check(&self, labels: &[String]) -> Result<(), String> {
        let window = self.window_tokens.unwrap_or(MAX_WINDOW);
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&window) {
            return Err(format!("cordon.window_tokens must be {MIN_WINDOW} to {MAX_WINDOW}"));
        }
        if self.overlap_tokens.is_some_and(|overlap| overlap > window / 2) {
            return Err("cordon.overlap_tokens must be at most half of cordon.window_tokens".into());
        }
        for (name, label) in &self.labels {
            if !labels.iter().any(|known| super::labels::split(known).1 == name) {
                return Err(format!("cordon.labels.{name} is no label of id2label"));
            }
            if !(0.0..=1.0).contains(&label.threshold) {
                return Err(format!("cordon.labels.{name}.threshold must be 0 to 1"));
            }
        }
        let mut names = BTreeSet::new();
        for head in &self.topics {
            head.check()?;
            if !names.insert(&head.name) {
                return Err(format!("cordon.topics has {} twice", head.name));
            }
        }
        Ok(())
    }
}

/// The labels in the order of their numbers, if those are 0 to n without a hole.
fn in_order(id2label: &BTreeMap<String, String>) -> Option<Vec<String>> {
    (0..id2label.len()).map(|id| id2label.get(&id.to_string()).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(cordon: &str) -> Result<ModelConfig, String> {
        let labels = r#""id2label": {"0": "O", "1": "B-PERSON", "2": "I-PERSON"}"#;
        ModelConfig::parse(format!("{{{labels}, \"hidden_size\": 384, \"cordon\": {cordon}}}").as_bytes())
    }

    #[test]
    fn labels_with_a_hole_are_refused() {
        let map = |ids: &[&str]| ids.iter().map(|id| ((*id).to_owned(), "O".to_owned())).collect();
        assert!(in_order(&map(&["0", "1", "2"])).is_some());
        assert!(in_order(&map(&["0", "2"])).is_none());
        assert!(in_order(&map(&["1"])).is_none());
    }

    #[test]
    fn the_table_is_read_and_a_model_without_one_is_read_as_ever() {
        let read = parse(
            r#"{"decoder": "viterbi", "window_tokens": 190, "overlap_tokens": 24,
                "labels": {"PERSON": {"threshold": 0.4}}, "topics": [{"name": "health", "scale": 1.1, "bias": -0.2}]}"#,
        );
        let own = read.unwrap().own.unwrap();
        assert_eq!((own.decoder, own.window_tokens, own.overlap_tokens), (Decoder::Viterbi, Some(190), Some(24)));
        assert_eq!((own.labels["PERSON"].threshold, own.topics.len()), (0.4, 1));
        let plain = ModelConfig::parse(br#"{"id2label": {"0": "O", "1": "B-PER"}}"#).unwrap();
        assert_eq!((plain.own, plain.positions), (None, USUAL_POSITIONS));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (cordon, named) in [
            (r#"{"decoder": "beam"}"#, "beam"),
            (r#"{"windows": 3}"#, "windows"),
            (r#"{"window_tokens": 3}"#, "window_tokens"),
            (r#"{"window_tokens": 64, "overlap_tokens": 40}"#, "overlap_tokens"),
            (r#"{"labels": {"PERSON": {"threshold": 1.5}}}"#, "PERSON"),
            (r#"{"labels": {"PERSON": {"threshold": 0.5, "bias": 1}}}"#, "bias"),
            (r#"{"labels": {"PLACE": {"threshold": 0.5}}}"#, "PLACE"),
            (r#"{"topics": [{"name": "health", "scale": 1.0}]}"#, "bias"),
            (r#"{"topics": [{"name": "health", "scale": 0.0, "bias": 0.0}]}"#, "scale"),
            (r#"{"topics": [{"name": "health", "scale": 1.0, "bias": 1e39}]}"#, "bias"),
            (r#"{"topics": [{"name": "", "scale": 1.0, "bias": 0.0}]}"#, "name"),
            (r#"{"topics": [{"name": "a b", "scale": 1.0, "bias": 0.0}]}"#, "name"),
            (
                r#"{"topics": [{"name": "a", "scale": 1.0, "bias": 0.0}, {"name": "a", "scale": 1.0, "bias": 0.0}]}"#,
                "twice",
            ),
        ] {
            let problem = parse(cordon).unwrap_err();
            assert!(problem.contains(named), "{cordon}: {problem}");
        }
    }
}
