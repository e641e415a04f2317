//! The model as the service sees it: load it, ask it about a document, shut it down. Asking never fails; what goes
//! wrong stands in the receipt, and the policy makes it confidential.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::detect::trace::{Trace, WordReading};
use crate::detect::{Category, Detector, DetectorCoverage, EntityType, Finding, Status, Topic};
use crate::document::Document;

use super::assets::locate;
use super::cache::{Key, Outcome, SpanCache};
use super::config::Lengths;
use super::encoded::Encoded;
use super::engine::{Engine, Fault, Job};
use super::gather::{Done, Read, sort};
use super::human::Human;
use super::labels::LabelSet;
use super::lanes::{Lanes, Ticket};
use super::onnx::{Graph, OnnxClassifier, environment};
use super::prose::{Capitals, Looks};
use super::reason::Dropped;
use super::topics::{Heads, Pool};
use super::windows::windows;
use super::{ModelFactory, NerConfig, NerError, TokenClassifier as _, Vocabulary};

/// Changes when the way from logits to findings does, so that a record tells which way it was.
const DECODER_VERSION: &str = "5";
/// Windows of one request that wait or run at a time, for each lane: enough to keep the lanes busy, few enough that a
/// long document does not stand in the way of short ones.
const IN_FLIGHT_PER_LANE: usize = 2;
/// Windows that are planned or found in the cache before the task lets others run.
const YIELD_EVERY: usize = 64;

/// Documents up to this many bytes are looked through for encodings on the async thread, as for the rules.
const INLINE_BYTES: u64 = 16 * 1024;

/// What the model found, and how far it came.
#[derive(Clone, Debug)]
pub struct NerReport {
    /// In the order of parts and offsets.
    pub findings: Vec<Finding>,
    /// What the model said and a rule dropped, for explanations; in the same order.
    pub dropped: Vec<Dropped>,
    /// What the document is about, the likeliest first: for each topic of the model its largest probability over the
    /// windows that were read.
    pub topics: Vec<Topic>,
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

/// What is asked of a lane.
struct Asked {
    part: usize,
    text: Range<usize>,
    core: Range<usize>,
    read: Read,
    key: Option<Key>,
    /// Whether all that is said of its words is wanted.
    tell: bool,
}

impl Ner {
    /// Loads the runtime and the model and starts the lanes. Blocks for as long as that takes: some 0.1 s a lane.
    ///
    /// # Errors
    /// [`NerError`] says which file or setting is wrong and what to do.
    pub fn load(config: &NerConfig) -> Result<Self, NerError> {
        config.validate()?;
        let paths = locate(config)?;
        let files = paths.model.read()?;
        let vocabulary = Vocabulary::load(&files)?;
        let graph = Graph::of(files.graph, config.eight_bit);
        let environment = environment(&paths.runtime)?;
        let model = blake3::hash(&graph.bytes);
        // One run before the first request: a graph with other labels than its config.json must not start.
        let sequence = vocabulary.wrap(&[], &[]);
        let mut first = OnnxClassifier::new(&environment, &graph)?;
        let trial = first.classify(&sequence).map_err(|error| NerError::Model(error.to_string()))?;
        if !trial.is_sound(sequence.ids.len(), vocabulary.labels().len()) {
            return Err(NerError::Model("its output does not fit the labels of its config.json".into()));
        }
        let heads = vocabulary.own().map_or(0, |own| own.topics.len());
        if !trial.has_topics(heads) {
            let (has, names) = (trial.topics.len(), heads);
            let problem = format!("its graph gives {has} topics, its config.json names {names}; they must be the same");
            return Err(NerError::Model(problem));
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
        let mut labels = LabelSet::new(vocabulary.labels(), &config.labels, vocabulary.own())?;
        labels.form_rules = config.form_rules;
        let entity_types = labels.entity_types();
        let topics = Heads::new(vocabulary.own().map(|own| own.topics.clone()).unwrap_or_default());
        let lengths = config.lengths(vocabulary.max_tokens(), vocabulary.own());
        let digest = digest(&vocabulary, model, config, (lengths, labels.form_rules));
        let Lengths { longest_run, overlap, .. } = lengths;
        let engine = Engine { vocabulary, labels, topics, longest_run, overlap };
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
        let (mut done, mut undone, mut encoded) = (Vec::new(), Vec::new(), None);
        let fault = self.read_all(document, deadline, (&mut done, &mut undone), &mut encoded).await.err();
        if let Some(fault) = fault {
            metrics::counter!("cordon_ner_faults_total", "reason" => fault.reason()).increment(1);
            self.lanes.tend();
        }
        let scanned = |done: &Done| match done.read {
            Read::All => done.core.len(),
            Read::Human(bytes) => bytes,
        };
        let scanned: usize = done.iter().chain(&undone).filter(|done| done.outcome.is_some()).map(scanned).sum();
        let skipped = done.iter().chain(&undone).any(|done| matches!(done.read, Read::Human(_)));
        let status = match fault {
            Some(fault) => Status::Failed(fault.reason().into()),
            None if skipped => Status::PermittedSkip("machine_text".into()),
            None => Status::Complete,
        };
        let mut pool = Pool::default();
        done.iter().chain(&undone).filter_map(|done| done.outcome.as_ref()).for_each(|read| pool.join(&read.topics));
        let topics = self.lanes.engine().topics.named(&pool);
        let labels = &self.lanes.engine().labels;
        let mut sorted = sort(document, done, labels);
        if let Some(encoded) = &encoded {
            encoded.add_to(document, sort(&encoded.document, undone, labels), &mut sorted);
        }
        let in_code = encoded.map_or(0, |encoded| encoded.document.total_bytes());
        NerReport {
            findings: sorted.findings,
            dropped: sorted.dropped,
            topics,
            coverage: DetectorCoverage {
                detector: Detector::Ner,
                status,
                bytes_scanned: scanned as u64,
                bytes_total: document.total_bytes() + in_code,
                digest: self.digest(),
            },
        }
    }

    /// The document as it stands, and then what its encodings say once they are undone.
    async fn read_all(
        &self,
        document: &Arc<Document>,
        deadline: Instant,
        (done, undone): (&mut Vec<Done>, &mut Vec<Done>),
        encoded: &mut Option<Encoded>,
    ) -> Result<(), Fault> {
        self.scan(document, deadline, done).await?;
        *encoded = if document.total_bytes() <= INLINE_BYTES {
            Encoded::of(document)
        } else {
            let document = Arc::clone(document);
            let undoing = tokio::task::spawn_blocking(move || Encoded::of(&document));
            let until = tokio::time::Instant::from_std(deadline);
            timeout_at(until, undoing).await.map_err(|_| Fault::TimedOut)?.map_err(|_| Fault::Panicked)?
        };
        match encoded {
            Some(encoded) => self.scan(&encoded.document, deadline, undone).await,
            None => Ok(()),
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
                let read = self.reads(content, &(core.start - start..core.end - start));
                if matches!(read, Read::Human(0)) {
                    done.push(Done { part, start, core, read, outcome: None });
                    continue;
                }
                let key = self.cache.key(content);
                if let Some(outcome) = key.as_ref().and_then(|key| self.cache.get(key)) {
                    done.push(Done { part, start, core, read, outcome: Some(outcome) });
                    continue;
                }
                let asked = Asked { part, text: window.text, core, read, key, tell: false };
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

    /// How much of a window's core is read. Where capitals say nothing a name has no shape of its own, so all of such a
    /// window is read.
    fn reads(&self, window: &str, core: &Range<usize>) -> Read {
        let looks = Looks::of(window);
        if !self.skip_machine_text || !looks.is_machine() || looks.capitals != Capitals::Some {
            return Read::All;
        }
        let seen = Human::of(window).seen(core);
        if seen == core.len() { Read::All } else { Read::Human(seen) }
    }

    /// Tells `trace` what the model says about each word of its span, sure or not: the windows of the span are run
    /// again, past the cache, which keeps less. Only for a person who asks why; a fault leaves fewer words.
    pub async fn tell(&self, document: &Arc<Document>, deadline: Instant, trace: &mut Trace) {
        let Some((part, span)) = (0..document.parts().len()).find_map(|part| Some((part, trace.asked(part)?))) else {
            return;
        };
        let Some(text) = document.parts().get(part).map(|part| part.text.expose()) else { return };
        let kinds = &self.lanes.engine().labels.kinds;
        for window in windows(text, self.lengths.window, self.lengths.overlap) {
            if window.core.end <= span.start || trace.is_told() {
                continue;
            }
            if window.core.start >= span.end {
                break;
            }
            let (start, core) = (window.text.start, window.core);
            let Some(content) = text.get(window.text.clone()) else { return };
            let read = self.reads(content, &(core.start - start..core.end - start));
            if matches!(read, Read::Human(0)) {
                continue;
            }
            let asked = Asked { part, text: window.text, core: core.clone(), read, key: None, tell: true };
            let Ok(answer) = self.ask(document, asked, deadline).await else { return };
            let Ok((_, Ok(outcome))) = timeout_at(deadline.into(), answer).await else { return };
            for word in outcome.told {
                let range = word.range.start + start..word.range.end + start;
                if core.contains(&range.start) && trace.wants(part, &range) {
                    let labels = kinds.iter().map(|kind| Arc::clone(&kind.name)).zip(word.kinds);
                    trace.tell(WordReading::of(range, labels));
                }
            }
        }
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
        let (part, range, tell) = (asked.part, asked.text.clone(), asked.tell);
        let job = Job { document: Arc::clone(document), part, range, human, tell, deadline };
        room.map_err(|_| Fault::ShutDown)?.send(Ticket { job, reply });
        Ok(async move { (asked, answer.await.unwrap_or(Err(Fault::LaneDied))) })
    }
}

fn digest(
    vocabulary: &Vocabulary,
    model: blake3::Hash,
    config: &NerConfig,
    (lengths, form_rules): (Lengths, bool),
) -> Arc<str> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(model.as_bytes()).update(vocabulary.digest().as_bytes());
    for (label, rule) in &config.labels {
        hasher.update(blake3::hash(label.as_bytes()).as_bytes());
        hasher.update(blake3::hash(format!("{rule:?}").as_bytes()).as_bytes());
    }
    let Lengths { window, overlap, .. } = lengths;
    let skip = config.skip_machine_text;
    let settings = format!(
        "decoder {DECODER_VERSION}, window {window}, overlap {overlap}, skip machine text {skip}, form rules {form_rules}"
    );
    hasher.update(settings.as_bytes());
    hasher.finalize().to_hex().as_str().into()
}
