//! The model as the service sees it: load it, ask it about a document, shut it down. Asking never fails; what goes
//! wrong stands in the receipt, and the policy makes it confidential.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::detect::{Category, Detector, DetectorCoverage, EntityType, Explanation, Finding, Status};
use crate::document::Document;

use super::cache::{Key, Outcome, SpanCache};
use super::config::Lengths;
use super::decode::LabelledWord;
use super::engine::{Engine, Fault, Job};
use super::filter::judge;
use super::human::Human;
use super::labels::{Group, Kind, LabelSet};
use super::lanes::{Lanes, Ticket};
use super::onnx::{Graph, OnnxClassifier, environment};
use super::people::{Row, raise};
use super::prose::Looks;
use super::reason::{Dropped, Reason};
use super::repeat::Names;
use super::spans::{Placed, entities};
use super::windows::windows;
use super::{ModelFactory, NerConfig, NerError, TokenClassifier as _, Vocabulary, locate};

/// Changes when the way from logits to findings does, so that a record tells which way it was.
const DECODER_VERSION: &str = "2";
/// Windows of one request that wait or run at a time, for each lane: enough to keep the lanes busy, few enough that a
/// long document does not stand in the way of short ones.
const IN_FLIGHT_PER_LANE: usize = 2;
/// Windows that are planned or found in the cache before the task lets others run.
const YIELD_EVERY: usize = 64;

/// What the model found, and how far it came.
#[derive(Clone, Debug)]
pub struct NerReport {
    /// In the order of parts and offsets.
    pub findings: Vec<Finding>,
    /// What the model said and a rule dropped, for explanations; in the same order.
    pub dropped: Vec<Dropped>,
    /// The receipt.
    pub coverage: DetectorCoverage,
}

/// A loaded model with its lanes.
pub struct Ner {
    lanes: Lanes,
    cache: SpanCache,
    entity_types: Vec<(EntityType, Category)>,
    digest: Arc<str>,
    lengths: Lengths,
    skip_machine_text: bool,
}

/// One window's part in the result.
struct Done {
    part: usize,
    start: usize,
    core: Range<usize>,
    /// What the model read of its core.
    read: Read,
    outcome: Option<Arc<Outcome>>,
}

/// How much of the core of a window the model read.
#[derive(Clone, Copy)]
enum Read {
    All,
    /// Only the lines of machine text that could hold a name, in bytes.
    Human(usize),
}

/// What is asked of a lane.
struct Asked {
    part: usize,
    text: Range<usize>,
    core: Range<usize>,
    read: Read,
    key: Option<Key>,
}

impl Ner {
    /// Loads the runtime and the model and starts the lanes. Blocks for as long as that takes: some 0.1 s a lane.
    ///
    /// # Errors
    /// [`NerError`] says which file or setting is wrong and what to do.
    pub fn load(config: &NerConfig) -> Result<Self, NerError> {
        config.validate()?;
        let paths = locate(config)?;
        let vocabulary = Vocabulary::load(&paths)?;
        let graph = Graph::read(&paths.graph, config.eight_bit)?;
        let environment = environment(&paths.runtime)?;
        let model = blake3::hash(&graph.bytes);
        // One run before the first request: a graph with other labels than its config.json must not start.
        let sequence = vocabulary.wrap(&[]);
        let mut first = OnnxClassifier::new(&environment, &graph)?;
        let trial = first.classify(&sequence).map_err(|error| NerError::Model(error.to_string()))?;
        if !trial.is_sound(sequence.len(), vocabulary.labels().len()) {
            return Err(NerError::Model("its output does not fit the labels of its config.json".into()));
        }
        // The first lane takes that session: another one would cost its time and memory again.
        let first = Mutex::new(Some(first));
        let factory: ModelFactory = Arc::new(move || {
            let ready = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            Ok(Box::new(ready.map_or_else(|| OnnxClassifier::new(&environment, &graph), Ok)?) as Box<_>)
        });
        Self::start(config, vocabulary, model, factory)
    }

    /// A model that is made elsewhere, such as one that fails, for tests.
    ///
    /// # Errors
    /// [`NerError`] when the labels mean nothing or the factory fails.
    pub fn with_models(config: &NerConfig, vocabulary: Vocabulary, factory: ModelFactory) -> Result<Self, NerError> {
        config.validate()?;
        Self::start(config, vocabulary, blake3::hash(b"injected"), factory)
    }

    fn start(
        config: &NerConfig,
        vocabulary: Vocabulary,
        model: blake3::Hash,
        factory: ModelFactory,
    ) -> Result<Self, NerError> {
        let labels = LabelSet::new(vocabulary.labels(), &config.labels)?;
        let entity_types = labels.entity_types();
        let lengths = config.lengths(vocabulary.max_tokens());
        let digest = digest(&vocabulary, model, config, lengths);
        let engine = Engine { vocabulary, labels, longest_run: lengths.longest_run, overlap: lengths.overlap };
        let hang_after = Duration::from_millis(config.hang_after_ms);
        let lanes = Lanes::start(engine, factory, config.lane_count().get(), config.queue.get(), hang_after)?;
        Ok(Self {
            lanes,
            cache: SpanCache::new(config.cache_windows)?,
            entity_types,
            digest,
            lengths,
            skip_machine_text: config.skip_machine_text,
        })
    }

    /// The types that the model can report, by name, each once.
    #[must_use]
    pub fn entity_types(&self) -> &[(EntityType, Category)] {
        &self.entity_types
    }

    /// Digest of everything that decides what is found: graph, tokenizer, labels, settings, decoder; hexadecimal.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        Arc::clone(&self.digest)
    }

    /// Whether windows are being run. `false` after shutdown, or when every lane hangs or died.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.lanes.sender().is_some() && self.lanes.live() > 0
    }

    /// Stops the lanes and joins them. Requests that wait get a failed receipt.
    pub async fn shutdown(&self) {
        self.lanes.shutdown().await;
    }

    /// Looks through every part of a document. Whatever stops it stands in the receipt; what was found until then is
    /// still there. Dropping the future drops its waiting windows.
    pub async fn find(&self, document: &Arc<Document>, deadline: Instant) -> NerReport {
        let mut done = Vec::new();
        let fault = self.scan(document, deadline, &mut done).await.err();
        if let Some(fault) = fault {
            metrics::counter!("cordon_ner_faults_total", "reason" => fault.reason()).increment(1);
            self.lanes.tend();
        }
        let scanned = |done: &Done| match done.read {
            Read::All => done.core.len(),
            Read::Human(bytes) => bytes,
        };
        let scanned: usize = done.iter().filter(|done| done.outcome.is_some()).map(scanned).sum();
        let skipped = done.iter().any(|done| matches!(done.read, Read::Human(_)));
        let status = match fault {
            Some(fault) => Status::Failed(fault.reason().into()),
            None if skipped => Status::PermittedSkip("machine_text".into()),
            None => Status::Complete,
        };
        let sorted = sort(document, done, &self.lanes.engine().labels);
        NerReport {
            findings: sorted.findings,
            dropped: sorted.dropped,
            coverage: DetectorCoverage {
                detector: Detector::Ner,
                status,
                bytes_scanned: scanned as u64,
                bytes_total: document.total_bytes(),
                digest: self.digest(),
            },
        }
    }

    async fn scan(&self, document: &Arc<Document>, deadline: Instant, done: &mut Vec<Done>) -> Result<(), Fault> {
        let until = tokio::time::Instant::from_std(deadline);
        let in_flight = self.lanes.wanted() * IN_FLIGHT_PER_LANE;
        let mut pending = FuturesUnordered::new();
        let mut plan = document.parts().iter().enumerate().flat_map(|(part, content)| {
            let text = content.text.expose();
            windows(text, self.lengths.window, self.lengths.overlap).map(move |window| (part, text, window))
        });
        let mut planned = 0_usize;
        let mut more = true;
        while more || !pending.is_empty() {
            while more && pending.len() < in_flight {
                let Some((part, text, window)) = plan.next() else {
                    more = false;
                    break;
                };
                planned += 1;
                if planned.is_multiple_of(YIELD_EVERY) {
                    tokio::task::yield_now().await;
                    if Instant::now() >= deadline {
                        return Err(Fault::TimedOut);
                    }
                }
                let content = text.get(window.text.clone()).ok_or(Fault::Range)?;
                let start = window.text.start;
                let core = window.core;
                let read = self.read(content, &(core.start - start..core.end - start));
                if matches!(read, Read::Human(0)) {
                    done.push(Done { part, start, core, read, outcome: None });
                    continue;
                }
                let key = self.cache.key(content);
                if let Some(outcome) = key.as_ref().and_then(|key| self.cache.get(key)) {
                    done.push(Done { part, start, core, read, outcome: Some(outcome) });
                    continue;
                }
                let asked = Asked { part, text: window.text, core, read, key };
                pending.push(self.ask(document, asked, deadline).await?);
            }
            let Some((asked, outcome)) = timeout_at(until, pending.next()).await.map_err(|_| Fault::TimedOut)? else {
                continue;
            };
            let outcome = Arc::new(outcome?);
            if let Some(key) = asked.key {
                self.cache.insert(key, Arc::clone(&outcome));
            }
            let Asked { part, text, core, read, .. } = asked;
            done.push(Done { part, start: text.start, core, read, outcome: Some(outcome) });
        }
        Ok(())
    }

    /// How much of a window the model reads, by the bytes that it answers for.
    fn read(&self, window: &str, core: &Range<usize>) -> Read {
        if !self.skip_machine_text || !Looks::of(window).is_machine() {
            return Read::All;
        }
        let seen = Human::of(window).seen(core);
        if seen == core.len() { Read::All } else { Read::Human(seen) }
    }

    /// Queues a window, waiting for room until the deadline; what is returned waits for its outcome.
    async fn ask(
        &self,
        document: &Arc<Document>,
        asked: Asked,
        deadline: Instant,
    ) -> Result<impl Future<Output = (Asked, Result<Outcome, Fault>)> + use<>, Fault> {
        let sender = self.lanes.sender().ok_or(Fault::ShutDown)?;
        if self.lanes.live() == 0 {
            return Err(Fault::NoLane);
        }
        let until = tokio::time::Instant::from_std(deadline);
        let room = timeout_at(until, sender.reserve_owned()).await.map_err(|_| Fault::QueueFull)?;
        let (reply, answer) = oneshot::channel();
        let human = matches!(asked.read, Read::Human(_));
        let job = Job { document: Arc::clone(document), part: asked.part, range: asked.text.clone(), human, deadline };
        room.map_err(|_| Fault::ShutDown)?.send(Ticket { job, reply });
        Ok(async move { (asked, answer.await.unwrap_or(Err(Fault::LaneDied))) })
    }
}

/// What became of the words.
#[derive(Default)]
struct Sorted {
    findings: Vec<Finding>,
    dropped: Vec<Dropped>,
}

/// Puts the words of all windows in one row for each part, joins and judges them, and finds sure names again.
fn sort(document: &Document, mut done: Vec<Done>, labels: &LabelSet) -> Sorted {
    done.sort_unstable_by_key(|done| (done.part, done.core.start));
    let mut sorted = Sorted::default();
    let mut names = Names::default();
    for windows in done.chunk_by(|a, b| a.part == b.part) {
        let Some(part) = windows.first().map(|window| window.part) else { continue };
        let Some(text) = document.parts().get(part).map(|part| part.text.expose()) else { continue };
        let row = raise(text, placed(windows), labels);
        for weak in row.weak {
            let Some(group) = labels.group_of(weak.word.kind) else { continue };
            let (range, score, entity_type) = (weak.word.range, weak.word.score, group.entity_type.clone());
            sorted.dropped.push(Dropped { part, range, entity_type, score, reason: Reason::BelowThreshold });
        }
        let mut place_before = None;
        for entity in entities(text, &row.words, labels) {
            let Some(kind) = labels.kinds.get(entity.kind) else { continue };
            let Some(group) = labels.groups.get(kind.group) else { continue };
            let judged = match judge(text, &entity, place_before) {
                Ok(judged) => judged,
                Err(reason) => {
                    let (range, entity_type) = (entity.range, group.entity_type.clone());
                    sorted.dropped.push(Dropped { part, range, entity_type, score: entity.score, reason });
                    continue;
                }
            };
            if entity.role.is_place() {
                place_before = Some(judged.range.end);
            } else if entity.role.is_person() && !judged.only_a_place {
                names.learn(text.get(judged.range.clone()).unwrap_or_default(), judged.score);
            }
            let group = if judged.only_a_place { labels.place_group().unwrap_or(group) } else { group };
            let explanation = explain(kind, entity.score, "");
            let mut finding = finding(part, judged.range, group, entity.score, explanation);
            finding.adjust(judged.lowered.map_or("", Reason::name), judged.score);
            sorted.findings.push(finding);
        }
    }
    sorted.dropped.sort_by_key(|dropped| (dropped.part, dropped.range.start));
    repeat(document, &names, labels, &mut sorted);
    sorted
}

/// Note of a name that stands in full elsewhere in the document.
const NAMED_ELSEWHERE: &str = "named_elsewhere";

/// Finds the words of sure names again in every part.
fn repeat(document: &Document, names: &Names, labels: &LabelSet, sorted: &mut Sorted) {
    let Some(kind) = labels.kinds.iter().find(|kind| kind.role.is_person()).filter(|_| !names.is_empty()) else {
        return;
    };
    let Some(group) = labels.groups.get(kind.group) else { return };
    let (mut found, mut dropped) = (Vec::new(), Vec::with_capacity(sorted.dropped.len()));
    let mut before = std::mem::take(&mut sorted.dropped).into_iter().peekable();
    let mut rest = sorted.findings.as_slice();
    for (part, content) in document.parts().iter().enumerate() {
        let (here, later) = rest.split_at(rest.partition_point(|finding| finding.part <= part));
        rest = later;
        let taken: Vec<Range<usize>> = here.iter().map(|finding| finding.range.clone()).collect();
        let again = names.find(content.text.expose(), &taken);
        while let Some(old) = before.next_if(|old| old.part <= part) {
            let after = again.partition_point(|(range, _)| range.end <= old.range.start);
            if again.get(after).is_none_or(|(range, _)| range.start >= old.range.end) {
                dropped.push(old);
            }
        }
        found.extend(
            again
                .into_iter()
                .map(|(range, score)| finding(part, range, group, score, explain(kind, score, NAMED_ELSEWHERE))),
        );
    }
    sorted.dropped = dropped;
    sorted.findings.append(&mut found);
    sorted.findings.sort_by_key(|finding| (finding.part, finding.range.start));
}

fn explain(kind: &Kind, base_score: f32, note: &'static str) -> Explanation {
    Explanation { pattern: Arc::clone(&kind.name), base_score, note: note.into(), ..Explanation::default() }
}

fn finding(part: usize, range: Range<usize>, group: &Group, score: f32, explanation: Explanation) -> Finding {
    Finding {
        part,
        range,
        entity_type: group.entity_type.clone(),
        category: group.category,
        score,
        detector: Detector::Ner,
        recognizer: Arc::clone(&explanation.pattern),
        explanation,
    }
}

/// The words that each window answers for, in bytes of the part, none twice.
fn placed(windows: &[Done]) -> Row {
    let mut row = Row::default();
    for window in windows {
        let Some(outcome) = &window.outcome else { continue };
        place(&mut row.words, &outcome.decoded.words, window, outcome.looks);
        place(&mut row.weak, &outcome.decoded.weak, window, outcome.looks);
    }
    row
}

fn place(row: &mut Vec<Placed>, words: &[LabelledWord], window: &Done, looks: Looks) {
    for word in words {
        let range = word.range.start + window.start..word.range.end + window.start;
        let after = row.last().map_or(0, |last| last.word.range.end);
        if window.core.contains(&range.start) && range.start >= after {
            row.push(Placed { word: LabelledWord { range, ..word.clone() }, looks });
        }
    }
}

fn digest(vocabulary: &Vocabulary, model: blake3::Hash, config: &NerConfig, lengths: Lengths) -> Arc<str> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.as_bytes()).update(vocabulary.digest().as_bytes());
    for (label, rule) in &config.labels {
        hasher.update(blake3::hash(label.as_bytes()).as_bytes());
        hasher.update(blake3::hash(format!("{rule:?}").as_bytes()).as_bytes());
    }
    let Lengths { window, overlap, .. } = lengths;
    let skip = config.skip_machine_text;
    let settings = format!("decoder {DECODER_VERSION}, window {window}, overlap {overlap}, skip machine text {skip}");
    hasher.update(settings.as_bytes());
    hasher.finalize().to_hex().as_str().into()
}
