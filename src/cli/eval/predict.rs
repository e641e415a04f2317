//! Asks the classifier about every text of a set, through the same function as the service, and keeps the answers in
//! the order of the texts. The model always runs: a level that the rules alone decide would leave spans unmeasured.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::classify::{Classified, Classifier, NerMode, Query};
use crate::document::Document;
use crate::eval::{Gold, GoldFile, Prediction, Span};
use crate::policy::Sensitivity;
use crate::service::ANONYMOUS;

use super::super::Failure;

/// Longer than any text takes; a measurement has no deadline of its own.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the classifier says about every text of a set, made into something smaller, and how long all of them took.
pub(crate) async fn answers<T: Send + 'static>(
    classifier: &Arc<Classifier>,
    file: &GoldFile,
    keep: impl Fn(&Gold, &Classified) -> T + Clone + Send + 'static,
) -> (Vec<T>, Duration) {
    let started = Instant::now();
    let progress = ProgressBar::new(file.texts.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:>24} {bar:40} {pos}/{len} {eta}") {
        progress.set_style(style);
    }
    progress.set_message(file.name.clone());
    let width = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
    // The texts move through by value: a stream of borrows of `file` would not be general enough for the runtime.
    let texts: Vec<Gold> = file.texts.clone();
    let found = futures_util::stream::iter(texts)
        .map(|gold| {
            let (classifier, keep) = (Arc::clone(classifier), keep.clone());
            async move {
                let document = Arc::new(Document::of(gold.text.clone()));
                let query = Query { declared_level: None, ner: NerMode::Always, caller: ANONYMOUS.into() };
                let classified = classifier.classify(&document, &query, Instant::now() + PATIENCE).await;
                keep(&gold, &classified)
            }
        })
        .buffered(width)
        .inspect(|_| progress.inc(1))
        .collect()
        .await;
    progress.finish_and_clear();
    (found, started.elapsed())
}

/// The predictions for every text of a set.
pub(super) async fn all(classifier: &Arc<Classifier>, file: &GoldFile, min_score: f32) -> (Vec<Prediction>, Duration) {
    let catalog = Arc::clone(classifier);
    let keep = move |gold: &Gold, classified: &Classified| {
        Prediction::of(&classified.verdict, &gold.text, &catalog.catalog(), min_score)
    };
    answers(classifier, file, keep).await
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    level: Option<Sensitivity>,
    spans: &'a [Span],
}

/// Writes predictions as `--compare` reads them.
pub(super) fn write(folder: &Path, file: &GoldFile, predictions: &[Prediction]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(folder.join(format!("{}.jsonl", file.name)))?);
    for (gold, prediction) in file.texts.iter().zip(predictions) {
        let line = Line { id: &gold.id, level: prediction.level, spans: &prediction.spans };
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
