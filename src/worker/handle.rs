//! One document, from the queue to its verdict: read, classify, publish, acknowledge, in this order. While it works it
//! tells the server so, and whatever ends it before the verdict is stored gives the document back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, AckKind};
use tokio_util::sync::CancellationToken;

use super::dead::Undertaker;
use super::message::{Fault, Work};
use super::names::Names;
use super::verdict::Verdict;
use super::{Queue, publish};
use crate::classify::{Classified, Classifier, NerMode, Query};
use crate::detect::Status;
use crate::scan;

/// Pauses before a document is delivered again, by how often it was delivered; the last one stays.
const BACK_OFF: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];

/// Reasons of a coverage receipt that may be gone at the next attempt. The others lie in the document.
const TRANSIENT: [&str; 5] = ["timed_out", "queue_full", "lane_died", "no_lane_left", "shut_down"];

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its verdict is stored; bytes of its text.
    Classified(u64),
    /// It is a dead letter.
    Dead,
    /// It was given back and will be delivered again.
    GivenBack,
}

/// What every document needs.
pub(super) struct Handler {
    pub(super) queue: Queue,
    pub(super) classifier: Arc<Classifier>,
    pub(super) undertaker: Undertaker,
    pub(super) worker: String,
    pub(super) caller: Arc<str>,
    pub(super) ner: NerMode,
    /// How long a classification may take.
    pub(super) patience: Duration,
    /// Bytes of the largest text.
    pub(super) max_text_bytes: u64,
    /// How often a document is delivered before it is given up.
    pub(super) max_deliveries: u64,
}

impl Handler {
    /// Sees a document through. Cut off, it gives the document back.
    pub(super) async fn handle(self: Arc<Self>, message: jetstream::Message, cut_off: CancellationToken) -> Outcome {
        // Three signs of life in the time after which another worker would get the document.
        let mut beat = tokio::time::interval(self.queue.ack_wait / 3);
        beat.tick().await;
        let work = self.work(&message);
        tokio::pin!(work);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut work => break outcome,
                () = cut_off.cancelled() => break Err(Duration::ZERO),
                _ = beat.tick() => acknowledge(&message, AckKind::Progress).await,
            }
        };
        match outcome {
            Ok(outcome) => outcome,
            Err(pause) => {
                let pause = (!pause.is_zero()).then_some(pause);
                acknowledge(&message, AckKind::Nak(pause)).await;
                metrics::counter!("cordon_worker_given_back_total").increment(1);
                Outcome::GivenBack
            }
        }
    }

    /// The work itself; an error is the pause before the next attempt.
    async fn work(&self, message: &jetstream::Message) -> Result<Outcome, Duration> {
        let Ok(info) = message.info() else {
            tracing::error!("a delivery without its numbers: is this a JetStream consumer?");
            return Err(BACK_OFF[0]);
        };
        let (sequence, delivery) = (info.stream_sequence, u64::try_from(info.delivered).unwrap_or(1));
        let run = Names::run_of(&message.subject);
        let read = Work::read(&message.payload, run.as_ref());
        let fault = match &read {
            Err(fault) => Some(fault.clone()),
            Ok(work) if work.text.len() as u64 > self.max_text_bytes => {
                Some(Fault::Oversized { bytes: work.text.len() as u64, limit: self.max_text_bytes })
            }
            Ok(_) if delivery > self.max_deliveries => Some(Fault::TooManyDeliveries(delivery - 1)),
            Ok(_) => None,
        };
        let work = match (read, fault) {
            (Ok(work), None) => work,
            (read, fault) => {
                let fault = fault.unwrap_or(Fault::BadId);
                let buried = self.undertaker.bury(message, sequence, delivery, read.as_ref().ok(), &fault).await;
                if let Err(problem) = buried {
                    tracing::error!(problem, sequence, "a message can neither be classified nor put aside");
                    return Err(back_off(delivery));
                }
                acknowledge(message, AckKind::Term).await;
                return Ok(Outcome::Dead);
            }
        };
        let classified = self.classify(&work).await;
        if let Some(reason) = transient(&classified)
            && delivery < self.max_deliveries
        {
            tracing::warn!(reason, sequence, delivery, "a document was not scanned whole; it is tried again");
            return Err(back_off(delivery));
        }
        let catalog = self.classifier.catalog();
        let verdict = Verdict::new(&work, &classified, &catalog, delivery, &self.worker);
        let bytes = verdict.bytes;
        let stored = match verdict.to_bytes(self.queue.connection.max_payload()) {
            Ok(payload) => {
                let subject = self.queue.names.verdict(&work.run);
                publish::store(&self.queue.connection.jetstream, &subject, Some(&work.message_id()), &payload)
                    .await
                    .ok()
            }
            Err(_) => None,
        };
        if stored.is_none() {
            // Without its findings a verdict has a few kilobytes, so this is a server with a tiny limit.
            tracing::error!(sequence, "the verdict is larger than the stream takes; raise max_payload");
            return Err(back_off(delivery));
        }
        acknowledge(message, AckKind::Ack).await;
        metrics::counter!("cordon_worker_documents_total", "level" => verdict.level.as_str()).increment(1);
        metrics::counter!("cordon_worker_bytes_total").increment(bytes);
        metrics::histogram!("cordon_worker_seconds").record(classified.timings.total.as_secs_f64());
        Ok(Outcome::Classified(bytes))
    }

    async fn classify(&self, work: &Work) -> Classified {
        let document = Arc::new(scan::document(&work.unit()));
        let query = Query { declared_level: work.declared_level, ner: self.ner, caller: Arc::clone(&self.caller) };
        self.classifier.classify(&document, &query, Instant::now() + self.patience).await
    }
}

fn back_off(delivery: u64) -> Duration {
    let index = usize::try_from(delivery.saturating_sub(1)).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1);
    BACK_OFF.get(index).copied().unwrap_or(Duration::from_secs(60))
}

/// The reason of a gap that may be gone at the next attempt.
fn transient(classified: &Classified) -> Option<&str> {
    classified.verdict.coverage().detectors.iter().find_map(|entry| match &entry.status {
        Status::Failed(reason) if TRANSIENT.contains(&reason.as_ref()) => Some(reason.as_ref()),
        _ => None,
    })
}

/// Without a connection the word is lost, and the document is delivered again; that is what ids are for.
pub(super) async fn acknowledge(message: &jetstream::Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement was not sent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_stay() {
        assert_eq!([1, 2, 3, 4, 5, 900].map(|n| back_off(n).as_secs()), [1, 5, 20, 60, 60, 60]);
    }
}
