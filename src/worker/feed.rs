//! The feeder: documents into the queue, in order, many at once under way, and none forgotten. A full queue makes it wait;
//! a lost answer makes it send again under the same id.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishAckFuture;
use bytes::Bytes;

use super::message::{MAX_ID, Place, VERSION, Work, is_id};
use super::names::RunId;
use super::position::Position;
use super::publish::{self, Pause, Unstored};
use super::{Queue, WorkerError};
use crate::scan::source::Unit;

/// Documents under way to the server at once.
const WINDOW: usize = 512;
/// Bytes of them, so that large documents do not fill the memory.
const WINDOW_BYTES: usize = 32 * 1024 * 1024;
/// Room beside the message itself: the header with its id.
const HEADROOM: usize = 512;
/// How often the position is stored.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What became of a document that was given to the feeder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It is on its way, or was stored in an earlier life of the run. Its number.
    Queued(u64),
    /// It cannot be sent; why, without a word of it.
    Refused(String),
}

/// A document on its way.
struct Sent {
    number: u64,
    id: String,
    payload: Bytes,
    word: Result<PublishAckFuture, Unstored>,
}

/// Feeds one run.
pub struct Feeder {
    queue: Queue,
    run: RunId,
    subject: String,
    position: Position,
    next: u64,
    under_way: VecDeque<Sent>,
    bytes_under_way: usize,
    kept: Instant,
    /// Documents that the server had already.
    already: u64,
}

impl std::fmt::Debug for Feeder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeder").field("run", &self.run).field("position", &self.position).finish_non_exhaustive()
    }
}

impl Feeder {
    /// Begins a run, or goes on with one.
    ///
    /// # Errors
    /// When the run is not known, or began with other files.
    pub async fn begin(queue: Queue, run: Option<RunId>, fingerprint: &str) -> Result<Self, WorkerError> {
        let (run, position) = match run {
            Some(run) => {
                let position = queue.position(&run).await?;
                if position.fingerprint != fingerprint {
                    return Err(WorkerError::OtherFiles(run.to_string()));
                }
                (run, position)
            }
            None => {
                let (run, position) = (RunId::fresh(), Position::start(fingerprint));
                queue.keep_position(&run, &position).await?;
                (run, position)
            }
        };
        Ok(Self {
            subject: queue.names.work(&run),
            queue,
            run,
            position,
            next: 0,
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            kept: Instant::now(),
            already: 0,
        })
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Documents that an earlier life of this run stored.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.position.stored
    }

    /// Documents that the server had already when they were sent.
    #[must_use]
    pub fn already(&self) -> u64 {
        self.already
    }

    /// Takes the next document of the files, in their order. Its id must be the same in each life of the run, and no
    /// other document's. Waits while the queue is full.
    ///
    /// # Errors
    /// When the server forbids it, or nobody keeps the queue.
    pub async fn put(&mut self, unit: &Unit) -> Result<Fed, WorkerError> {
        let id = on_one_line(&unit.id);
        if !is_id(&id) {
            return Ok(Fed::Refused(format!("its path is longer than {MAX_ID} bytes")));
        }
        let work = Work {
            version: VERSION,
            run: self.run.clone(),
            id,
            number: Some(self.next),
            place: Some(Place::of(unit)),
            declared_level: None,
            text: unit.text.clone(),
        };
        let json = serde_json::to_vec(&work)
            .map_err(|error| WorkerError::Refused { what: "a document".to_owned(), problem: error.to_string() })?;
        let limit = self.queue.connection.max_payload();
        let id = work.message_id();
        if json.len() + id.len() + HEADROOM > limit {
            let bytes = work.text.len();
            return Ok(Fed::Refused(format!(
                "the text holds {bytes} bytes, and with its message it is over the server's max_payload of {limit}; \
                 raise max_payload, or scan it without --nats"
            )));
        }
        let number = self.next;
        self.next += 1;
        if number < self.position.stored {
            return Ok(Fed::Queued(number));
        }
        while self.under_way.len() >= WINDOW
            || (!self.under_way.is_empty() && self.bytes_under_way + json.len() > WINDOW_BYTES)
        {
            self.settle_oldest().await?;
        }
        let payload = Bytes::from(json);
        self.bytes_under_way += payload.len();
        let jetstream = &self.queue.connection.jetstream;
        let word = publish::send(jetstream, &self.subject, Some(&id), payload.clone()).await;
        self.under_way.push_back(Sent { number, id, payload, word });
        if self.kept.elapsed() > KEEP_EVERY {
            self.keep().await?;
        }
        Ok(Fed::Queued(number))
    }

    /// Waits until all is stored, and says how many documents the run has.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn finish(&mut self) -> Result<u64, WorkerError> {
        while !self.under_way.is_empty() {
            self.settle_oldest().await?;
        }
        self.position.complete = true;
        self.keep().await?;
        Ok(self.next)
    }

    /// Stores how far the run is.
    ///
    /// # Errors
    /// When the server forbids it.
    pub async fn keep(&mut self) -> Result<(), WorkerError> {
        self.kept = Instant::now();
        self.queue.keep_position(&self.run, &self.position).await
    }

    /// Waits for the word on the oldest document, and sends it again until there is one. The position never runs ahead of
    /// a document that is not stored, because the oldest is always the next one.
    async fn settle_oldest(&mut self) -> Result<(), WorkerError> {
        let Some(sent) = self.under_way.pop_front() else { return Ok(()) };
        let mut outcome = match sent.word {
            Ok(word) => publish::word(word).await,
            Err(unstored) => Err(unstored),
        };
        let mut pause = Pause::new(&self.subject);
        loop {
            match outcome {
                Ok(ack) => {
                    self.already += u64::from(ack.duplicate);
                    break;
                }
                Err(Unstored::Silent) if let Some(denial) = self.queue.connection.take_denial() => {
                    return Err(WorkerError::Denied { what: format!("the subject {}", self.subject), denial });
                }
                Err(Unstored::TooLarge) => {
                    return Err(WorkerError::Refused {
                        what: "a document".to_owned(),
                        problem: "it is larger than the stream's largest message".to_owned(),
                    });
                }
                Err(unstored) => pause.wait(unstored).await,
            }
            let jetstream = &self.queue.connection.jetstream;
            outcome = match publish::send(jetstream, &self.subject, Some(&sent.id), sent.payload.clone()).await {
                Ok(word) => publish::word(word).await,
                Err(unstored) => Err(unstored),
            };
        }
        self.bytes_under_way = self.bytes_under_way.saturating_sub(sent.payload.len());
        self.position.stored = sent.number + 1;
        Ok(())
    }
}

/// A name on one line: what the files call a document may hold anything that a file may be called.
fn on_one_line(id: &str) -> String {
    id.chars().flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_a_file_gives_an_id() {
        assert_eq!(on_one_line("ü/b.jsonl#3"), "ü/b.jsonl#3");
        assert!(is_id(&on_one_line("a\nb#1")));
        assert_ne!(on_one_line("a\nb"), on_one_line("a\\nb"));
    }
}
