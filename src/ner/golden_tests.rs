//! The committed model, word by word and topic by topic, as the Python that trained it reads the same texts. Two decoders
//! that differ would measure one model and ship another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::assets::{RAMPART, locate};
use super::engine::{Engine, Job};
use super::labels::LabelSet;
use super::onnx::{Graph, OnnxClassifier, environment};
use super::topics::Heads;
use super::*;
use crate::document::Document;

/// Scores of the two agree within this: the same products, added up in another order.
const CLOSE: f32 = 1e-3;

#[derive(Deserialize)]
struct Line {
    text: String,
    words: Vec<Word>,
    topics: BTreeMap<String, f32>,
}

/// A word that is something, in bytes.
#[derive(Deserialize)]
struct Word {
    start: usize,
    end: usize,
    label: String,
    begins: bool,
    score: f32,
}

#[test]
fn rust_reads_the_golden_texts_as_python_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/ner");
    let config = NerConfig { model: Some(folder.clone()), ..NerConfig::default() };
    let paths = locate(&config).unwrap_or_else(|error| panic!("{error}"));
    let files = paths.model.read().unwrap();
    let vocabulary = Vocabulary::load(&files).unwrap();
    let graph = Graph::of(files.graph, true);
    let mut model = OnnxClassifier::new(&environment(&paths.runtime).unwrap(), &graph).unwrap();
    let own = vocabulary.own().unwrap_or_else(|| panic!("config.json has no table cordon"));
    let topics = Heads::new(own.topics.clone());
    let labels = LabelSet::new(vocabulary.labels(), &BTreeMap::new(), Some(own)).unwrap();
    let longest_run = vocabulary.max_tokens();
    let engine = Engine { vocabulary, labels, topics, longest_run, overlap: 0 };

    let golden = folder.join("golden.jsonl");
    let golden = std::fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
    let mut words = 0;
    for (number, line) in golden.lines().enumerate() {
        let line: Line = serde_json::from_str(line).unwrap();
        let job = Job {
            document: Arc::new(Document::of(line.text.as_str())),
            part: 0,
            range: 0..line.text.len(),
            human: false,
            tell: false,
            deadline: Instant::now() + Duration::from_secs(60),
        };
        let outcome = engine.run(&job, &mut model).unwrap();
        let found = &outcome.decoded.words;
        let told: Vec<_> = found
            .iter()
            .map(|word| {
                let kind = &engine.labels.kinds[word.kind];
                (word.range.start, word.range.end, kind.name.to_string(), word.begins)
            })
            .collect();
        let wanted: Vec<_> =
            line.words.iter().map(|word| (word.start, word.end, word.label.clone(), word.begins)).collect();
        assert_eq!(told, wanted, "line {}: {}", number + 1, line.text);
        for (found, wanted) in found.iter().zip(&line.words) {
            assert!((found.score - wanted.score).abs() < CLOSE, "line {}: {found:?} {}", number + 1, wanted.score);
        }
        let topics = engine.topics.named(&outcome.topics);
        assert_eq!(topics.len(), line.topics.len(), "line {}", number + 1);
        for topic in topics {
            let wanted = line.topics[&*topic.name];
            assert!((topic.probability - wanted).abs() < CLOSE, "line {}: {topic:?} {wanted}", number + 1);
        }
        words += found.len();
    }
    assert!(words > 100, "{words} words that are something are too few to show anything");
}

#[test]
fn the_model_of_the_program_is_the_one_in_the_repository() {
    let here = |folder: Option<&Path>| {
        let config = NerConfig { model: folder.map(Path::to_path_buf), ..NerConfig::default() };
        let files = locate(&config).unwrap().model.read().unwrap();
        [files.config, files.tokenizer, files.graph].map(|file| blake3::hash(&file.bytes))
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/ner");
    assert_eq!(here(None), here(Some(&folder)));
    assert_ne!(here(None), here(Some(Path::new(RAMPART))));
}
