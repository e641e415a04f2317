//! What the lanes cost: tokens a second through `Ner::find` on one lane, against the bare session on the same sequences, in
//! one run: `cargo bench --bench ner`. The cache is off. Both sides run the same texts in turns, so that whatever else the
//! machine does meets both; the ratio is what to keep. Needs the pinned model (`make assets`).

#![allow(clippy::panic, clippy::print_stdout)] // a bench without a model has nothing to measure, and it prints

mod measure;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::document::Document;
use cordon::ner::{Bare, Ner, NerConfig, Sequence};
use futures_util::{StreamExt as _, stream};

use measure::{Moment, corpus, median, pieces, report};

/// Bytes of a text.
const TEXT: usize = 500;
const TEXTS: usize = 120;
const ROUNDS: usize = 9;
/// Texts at work at once: enough that the lane never waits for the next one.
const AT_WORK: usize = 4;

fn main() {
    let config = NerConfig { lanes: Some(NonZeroUsize::MIN), cache_windows: 0, ..NerConfig::default() };
    let mut bare = Bare::load(&config).unwrap_or_else(|error| panic!("{error}"));
    let ner = Ner::load(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut texts = pieces(&corpus().join("\n"), TEXT);
    texts.truncate(TEXTS);
    let sequences: Vec<Sequence> =
        texts.iter().flat_map(|text| bare.sequences(text).unwrap_or_else(|| panic!("the tokenizer failed"))).collect();
    let tokens: usize = sequences.iter().map(|sequence| sequence.ids.len()).sum();
    let documents: Vec<Arc<Document>> = texts.iter().map(|text| Arc::new(Document::of(text.as_str()))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"));

    let mut alone = || {
        let started = Moment::now();
        for sequence in &sequences {
            bare.run(sequence).unwrap_or_else(|error| panic!("{error}"));
        }
        started.spent()
    };
    let through = || {
        let started = Moment::now();
        let deadline = Instant::now() + Duration::from_secs(300);
        runtime.block_on(async {
            let finds = stream::iter(&documents).map(|document| ner.find(document, deadline));
            let reports: Vec<_> = finds.buffer_unordered(AT_WORK).collect().await;
            let scanned = reports.iter().all(|report| report.coverage.bytes_scanned == report.coverage.bytes_total);
            assert!(scanned, "a text was not scanned to its end");
        });
        started.spent()
    };
    alone();
    through();
    let rounds: Vec<_> = (0..ROUNDS).map(|_| (alone(), through())).collect();

    #[allow(clippy::cast_precision_loss)] // a few thousand
    let tokens = tokens as f64;
    let of = |pick: &dyn Fn(&(measure::Spent, measure::Spent)) -> f64| median(rounds.iter().map(pick).collect());
    report("ner: tokens in a pass", tokens, "");
    report("ner: the bare session", of(&|(bare, _)| tokens / bare.wall.as_secs_f64()), "tokens/s");
    report("ner: Ner::find on one lane", of(&|(_, lane)| tokens / lane.wall.as_secs_f64()), "tokens/s");
    let wall = of(&|(bare, lane)| bare.wall.as_secs_f64() / lane.wall.as_secs_f64());
    report("ner: lane against session, on the wall", wall, "");
    let core = of(&|(bare, lane)| bare.core_seconds() / lane.core_seconds());
    report("ner: lane against session, processor time", core, "");
}
