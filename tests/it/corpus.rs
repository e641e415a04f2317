//! The committed texts (`tests/corpus/`) with the real model and the default policy: what detection must not fall
//! below. The bounds are a little under what was measured last; `cordon eval --gold tests/corpus` prints the table.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::classify::{Classifier, NerMode, Query};
use cordon::config::File;
use cordon::document::Document;
use cordon::eval::{GoldFile, LevelScores, Prediction, score};
use cordon::startup;

async fn predict(classifier: &Classifier, text: &str) -> Prediction {
    let document = Arc::new(Document::of(text));
    let query = Query { declared_level: None, ner: NerMode::Always, caller: "anonymous".into() };
    let verdict = classifier.classify(&document, &query, Instant::now() + Duration::from_secs(120)).await.verdict;
    assert!(verdict.coverage().is_complete(), "{:?}", verdict.coverage());
    Prediction::of(&verdict, text, &classifier.catalog(), 0.4)
}

#[tokio::test]
async fn detection_and_levels_do_not_fall_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let config = File { data_dir: Some("/nonexistent".into()), ..File::default() }.validate().unwrap();
    let classifier = startup::classifier(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut all = GoldFile { name: "corpus".into(), texts: Vec::new(), annotated: Default::default() };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            let file = GoldFile::read(&path).unwrap();
            all.annotated.extend(file.annotated);
            all.texts.extend(file.texts);
        }
    }
    assert!(all.texts.len() >= 300, "{} texts", all.texts.len());
    let mut predictions = Vec::with_capacity(all.texts.len());
    let mut levels = LevelScores::default();
    for gold in &all.texts {
        let prediction = predict(&classifier, &gold.text).await;
        levels.add(gold.level.unwrap(), prediction.level.unwrap());
        predictions.push(prediction);
    }
    classifier.shutdown().await;
    let spans = score(&all, |index| &predictions[index]);
    let core = spans.core.overlap.f1.unwrap();
    let flagged = spans.documents.false_alarm_rate().unwrap();
    eprintln!(
        "core F1 {core:.3}, clean texts flagged {flagged:.3}, level right {:.3}, leaks {:.3}, soft leaks {:.3}, public over {:.3}",
        levels.accuracy(),
        levels.leak_rate(),
        levels.soft_leak_rate(),
        levels.over_rate()
    );
    assert!(core >= bounds::CORE_F1, "core F1 {core}");
    assert!(flagged <= bounds::CLEAN_FLAGGED, "clean texts flagged {flagged}");
    assert!(levels.accuracy() >= bounds::ACCURACY, "accuracy {}", levels.accuracy());
    assert!(levels.leak_rate() <= bounds::LEAKS, "confidential judged public {}", levels.leak_rate());
    assert!(levels.over_rate() <= bounds::PUBLIC_OVER, "public over-classified {}", levels.over_rate());
}

/// Forms, records, tables, logs and letters in many languages, with look-alikes that are nothing.
#[tokio::test]
async fn structured_texts_do_not_fall_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/structured");
    let config = File { data_dir: Some("/nonexistent".into()), ..File::default() }.validate().unwrap();
    let classifier = startup::classifier(&config).unwrap_or_else(|error| panic!("{error}"));
    let gold = GoldFile::read(&folder.join("forms.jsonl")).unwrap();
    assert!(gold.texts.len() >= 60, "{} texts", gold.texts.len());
    let mut predictions = Vec::with_capacity(gold.texts.len());
    for text in &gold.texts {
        predictions.push(predict(&classifier, &text.text).await);
    }
    classifier.shutdown().await;
    let spans = score(&gold, |index| &predictions[index]);
    let core = spans.core.overlap.f1.unwrap();
    let flagged = spans.documents.false_alarm_rate().unwrap();
    eprintln!("core F1 {core:.3}, clean texts flagged {flagged:.3}");
    assert!(core >= 0.93, "core F1 {core}");
    assert!(flagged <= 0.06, "clean texts flagged {flagged}");
}

mod bounds {
    pub(super) const CORE_F1: f64 = 0.78;
    pub(super) const CLEAN_FLAGGED: f64 = 0.10;
    pub(super) const ACCURACY: f64 = 0.86;
    pub(super) const LEAKS: f64 = 0.045;
    pub(super) const PUBLIC_OVER: f64 = 0.145;
}
