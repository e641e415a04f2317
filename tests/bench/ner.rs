//! What the model and the lanes cost, in one run: `cargo bench --bench ner`. The models side by side, one thread, sequences
//! of 128 tokens: the pinned 4-bit one as it ships, the same with its products made 8-bit, and Cordon's own. Then tokens a
//! second through `Ner::find` on one lane, against the bare session on the same sequences. The cache is off. All sides run
//! the same texts in turns, so that whatever else the machine does meets all; the ratios are what to keep. Needs the
//! pinned model (`make assets`).

#![allow(clippy::panic, clippy::print_stdout)] // a bench without a model has nothing to measure, and it prints

mod measure;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::document::Document;
use cordon::ner::{Bare, Ner, NerConfig, RAMPART, Sequence};
use futures_util::{StreamExt as _, stream};

use measure::{Moment, Spent, corpus, median, pieces, report};

/// Bytes of a text.
const TEXT: usize = 500;
const TEXTS: usize = 120;
const ROUNDS: usize = 9;
/// Texts at work at once: enough that the lane never waits for the next one.
const AT_WORK: usize = 4;
/// Tokens of a sequence on which models are compared, special ones included, and how many sequences.
const LENGTH: usize = 128;
const SEQUENCES: usize = 40;

fn main() {
    let texts = corpus().join("\n");
    models(&texts);
    lanes(&texts);
}

/// A model with the sequences that its own tokenizer makes of the corpus.
struct Side {
    name: &'static str,
    model: Bare,
    sequences: Vec<Sequence>,
    rounds: Vec<Spent>,
}

impl Side {
    fn new(name: &'static str, text: &str, config: &NerConfig) -> Self {
        let model = Bare::load(config).unwrap_or_else(|error| panic!("{error}"));
        let mut sequences = model.sequences_of(text, LENGTH).unwrap_or_else(|| panic!("the tokenizer failed"));
        sequences.truncate(SEQUENCES);
        assert!(sequences.len() == SEQUENCES, "the corpus is too short");
        Self { name, model, sequences, rounds: Vec::new() }
    }

    fn pass(&mut self) -> Spent {
        let started = Moment::now();
        for sequence in &self.sequences {
            self.model.run(sequence).unwrap_or_else(|error| panic!("{error}"));
        }
        started.spent()
    }
}

/// Tokens a second of each model, and the ratio to the first.
fn models(text: &str) {
    let rampart = |eight_bit| NerConfig { model: Some(RAMPART.into()), eight_bit, ..NerConfig::default() };
    let mut sides = [
        Side::new("Rampart, 4 bits", text, &rampart(false)),
        Side::new("Rampart, made 8 bits", text, &rampart(true)),
        Side::new("Cordon's own", text, &NerConfig::default()),
    ];
    for side in &mut sides {
        side.pass();
    }
    for _ in 0..ROUNDS {
        for side in &mut sides {
            let spent = side.pass();
            side.rounds.push(spent);
        }
    }
    #[allow(clippy::cast_precision_loss)] // a few thousand
    let tokens = (LENGTH * SEQUENCES) as f64;
    let [first, ..] = &sides;
    for side in &sides {
        let rate = median(side.rounds.iter().map(|spent| tokens / spent.core_seconds()).collect());
        report(&format!("ner: {}, {LENGTH} tokens, one thread", side.name), rate, "tokens/s");
    }
    for side in sides.iter().skip(1) {
        // Round by round: what slows the machine slows both.
        let ratios =
            first.rounds.iter().zip(&side.rounds).map(|(first, own)| first.core_seconds() / own.core_seconds());
        report(&format!("ner: {}, times Rampart of 4 bits", side.name), median(ratios.collect()), "");
    }
}

fn lanes(text: &str) {
    // Every byte is run, whatever it looks like: the bare session leaves nothing out either.
    let config = NerConfig {
        lanes: Some(NonZeroUsize::MIN),
        cache_windows: 0,
        skip_machine_text: false,
        ..NerConfig::default()
    };
    let mut bare = Bare::load(&config).unwrap_or_else(|error| panic!("{error}"));
    let ner = Ner::load(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut texts = pieces(text, TEXT);
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
    let of = |pick: &dyn Fn(&(Spent, Spent)) -> f64| median(rounds.iter().map(pick).collect());
    report("ner: tokens in a pass", tokens, "");
    report("ner: the bare session", of(&|(bare, _)| tokens / bare.wall.as_secs_f64()), "tokens/s");
    report("ner: Ner::find on one lane", of(&|(_, lane)| tokens / lane.wall.as_secs_f64()), "tokens/s");
    let wall = of(&|(bare, lane)| bare.wall.as_secs_f64() / lane.wall.as_secs_f64());
    report("ner: lane against session, on the wall", wall, "");
    let core = of(&|(bare, lane)| bare.core_seconds() / lane.core_seconds());
    report("ner: lane against session, processor time", core, "");
}
