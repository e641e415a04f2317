//! A worker: takes documents from the queue as it has room for them, and sees each through. It holds no more at once than
//! it was told to, so a slow machine takes little and a fast one much, and a machine that dies gives back what it held.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::AckKind;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::dead::Undertaker;
use super::handle::{self, Handler, Outcome};
use super::pull::{Pulled, Puller};
use super::{Queue, WorkerError};
use crate::classify::{Classifier, NerMode};
use crate::service::ANONYMOUS;

/// How long what the server sent before it heard of the stop is waited for.
const LAST_DELIVERIES: Duration = Duration::from_secs(1);
/// How often the log says how it goes.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How long documents that are cut off may take to be given back.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// What a worker is told.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Its name in verdicts.
    pub id: String,
    /// Documents in work at once.
    pub concurrency: usize,
    /// Whether the model runs even where the rules decide, so that all spans are found.
    pub all_findings: bool,
    /// How long a classification may take.
    pub patience: Duration,
    /// Bytes of the largest text.
    pub max_text_bytes: u64,
    /// How often a document is delivered before it is given up.
    pub max_deliveries: u64,
    /// How long a stop waits for documents in work.
    pub drain: Duration,
    /// End once the queue has had nothing for so long.
    pub until_idle: Option<Duration>,
    /// Put messages that cannot be classified whole into their dead letters.
    pub dead_letter_text: bool,
}

/// What a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerReport {
    /// Documents with a verdict.
    pub classified: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// Dead letters.
    pub dead: u64,
    /// Documents given back.
    pub given_back: u64,
}

impl WorkerReport {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Classified(bytes) => {
                self.classified += 1;
                self.bytes += bytes;
            }
            Outcome::Dead => self.dead += 1,
            Outcome::GivenBack => self.given_back += 1,
        }
    }
}

/// A worker.
pub struct Worker {
    handler: Arc<Handler>,
    concurrency: usize,
    drain: Duration,
    until_idle: Option<Duration>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("id", &self.handler.worker).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker of this queue.
    #[must_use]
    pub fn new(queue: Queue, classifier: Arc<Classifier>, config: WorkerConfig) -> Self {
        let undertaker = Undertaker {
            connection: queue.connection.clone(),
            names: queue.names.clone(),
            worker: config.id.clone(),
            with_text: config.dead_letter_text,
        };
        let handler = Handler {
            queue,
            classifier,
            undertaker,
            worker: config.id,
            caller: ANONYMOUS.into(),
            ner: if config.all_findings { NerMode::Always } else { NerMode::Auto },
            patience: config.patience,
            max_text_bytes: config.max_text_bytes,
            max_deliveries: config.max_deliveries,
        };
        Self {
            handler: Arc::new(handler),
            concurrency: config.concurrency,
            drain: config.drain,
            until_idle: config.until_idle,
        }
    }

    /// Works until `stop`, then finishes or gives back what it holds. `ready` runs before the first document is asked for.
    ///
    /// # Errors
    /// When the consumer is deleted meanwhile.
    pub async fn run(self, stop: CancellationToken, ready: impl FnOnce()) -> Result<WorkerReport, WorkerError> {
        let queue = &self.handler.queue;
        let (stream, consumer) = (queue.names.work_stream(), queue.names.consumer());
        let mut puller = Puller::new(&queue.connection, &stream, &consumer).await?;
        let mut held: JoinSet<Outcome> = JoinSet::new();
        let mut report = WorkerReport::default();
        let cut_off = CancellationToken::new();
        let mut last_work = Instant::now();
        let mut gone = false;
        let mut tell = tokio::time::interval(TELL_EVERY);
        tell.tick().await;
        ready();
        loop {
            let room = self.concurrency.saturating_sub(held.len());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(outcome) = held.join_next() => {
                    last_work = Instant::now();
                    // A handler that panicked has acknowledged nothing: the document is delivered again.
                    report.count(outcome.unwrap_or(Outcome::GivenBack));
                }
                pulled = puller.next(room), if room > 0 => match pulled {
                    Pulled::Message(message) => {
                        last_work = Instant::now();
                        held.spawn(Arc::clone(&self.handler).handle(message, cut_off.clone()));
                    }
                    Pulled::Nothing => {}
                    Pulled::Gone => {
                        gone = true;
                        break;
                    }
                },
                () = idle(self.until_idle, last_work), if held.is_empty() => break,
                _ = tell.tick() => {
                    let WorkerReport { classified, bytes, dead, given_back } = report;
                    tracing::info!(classified, bytes, dead, given_back, held = held.len(), "working");
                }
            }
        }
        for message in puller.rest(LAST_DELIVERIES).await {
            handle::acknowledge(&message, AckKind::Nak(None)).await;
            report.given_back += 1;
        }
        self.end(&mut held, &mut report, &cut_off).await;
        let _ = tokio::time::timeout(GIVING_BACK, self.handler.queue.connection.client.flush()).await;
        if gone {
            return Err(WorkerError::ConsumerGone(consumer));
        }
        Ok(report)
    }

    /// Lets documents in work finish for a while, then gives back the rest.
    async fn end(&self, held: &mut JoinSet<Outcome>, report: &mut WorkerReport, cut_off: &CancellationToken) {
        let mut count = |outcome: Result<Outcome, tokio::task::JoinError>| {
            report.count(outcome.unwrap_or(Outcome::GivenBack));
        };
        let finish = async {
            while let Some(outcome) = held.join_next().await {
                count(outcome);
            }
        };
        if tokio::time::timeout(self.drain, finish).await.is_ok() {
            return;
        }
        tracing::warn!(documents = held.len(), "documents were still in work when the drain time ended; given back");
        cut_off.cancel();
        let give_back = async {
            while let Some(outcome) = held.join_next().await {
                count(outcome);
            }
        };
        let _ = tokio::time::timeout(GIVING_BACK, give_back).await;
    }
}

/// Ends when nothing has happened for so long; never without a limit.
async fn idle(limit: Option<Duration>, last_work: Instant) {
    match limit {
        Some(limit) => tokio::time::sleep_until((last_work + limit).into()).await,
        None => std::future::pending().await,
    }
}
