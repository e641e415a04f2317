//! The collector: one verdict for each document of a run, whatever was delivered twice on the way. JetStream drops a second
//! message of an id only for some minutes; the numbers of the documents make the count exact for ever, with one bit each.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::Error as ServerError;
use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy, IntoConsumerConfig as _, pull};
use async_nats::jetstream::{self, AckKind};
use serde::Deserialize;
use serde_json::json;

use super::message::DeadLetter;
use super::names::RunId;
use super::pull::{Pulled, Puller};
use super::verdict::Verdict;
use super::{Connection, Queue, WorkerError, handle};

/// Messages that are asked for at once.
const ROOM: usize = 512;
/// A collector that nobody runs any more is forgotten by the server after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);
/// How far ahead of the feeder a verdict may be: the feeder of a resumed run is behind the one before it by what was under
/// way. Also bounds what a false number costs, at a bit each.
const AHEAD: u64 = 4_000_000;
/// Dead letters of messages that were not of this run's feeder are counted; so many are also kept.
const MOST_STRANGERS: usize = 1000;

/// What a run's verdicts are, in the end.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Documents with a verdict.
    pub verdicts: u64,
    /// Documents without one, and why. Nobody decided about them, so they count as confidential.
    pub dead: Vec<DeadLetter>,
    /// Messages on the run's subject that no feeder of it numbered.
    pub strangers: u64,
    /// The first dead letters among them.
    pub stranger_letters: Vec<DeadLetter>,
    /// Verdicts beyond the first of a document, all dropped.
    pub dropped: u64,
}

/// Reads the verdicts of one run.
pub struct Collector {
    queue: Queue,
    run: RunId,
    verdicts: Reader,
    letters: Reader,
    seen: Numbers,
    dead: BTreeMap<u64, DeadLetter>,
    /// Verdicts that are none of this run's documents.
    strange_verdicts: u64,
    strange_letters: u64,
    stranger_letters: Vec<DeadLetter>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("run", &self.run).field("seen", &self.seen.count).finish_non_exhaustive()
    }
}

impl Collector {
    /// Begins with the first verdict of the run, also of an earlier life.
    ///
    /// # Errors
    /// When the consumers cannot be made.
    pub async fn new(queue: Queue, run: RunId) -> Result<Self, WorkerError> {
        let names = &queue.names;
        let verdicts = Reader::new(&queue.connection, names.verdict_stream(), names.verdict(&run)).await?;
        let letters = Reader::new(&queue.connection, names.dead_stream(), names.dead(&run)).await?;
        Ok(Self {
            run,
            verdicts,
            letters,
            seen: Numbers::default(),
            dead: BTreeMap::new(),
            strange_verdicts: 0,
            strange_letters: 0,
            stranger_letters: Vec::new(),
            queue,
        })
    }

    /// Documents about which there is nothing more to wait for.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.seen.count + self.dead.len() as u64
    }

    /// Documents with a verdict.
    #[must_use]
    pub fn verdicts(&self) -> u64 {
        self.seen.count
    }

    /// The next first verdict on a document, or that something else changed. `fed` is how many documents the feeder has
    /// numbered. May be dropped and called again.
    ///
    /// # Errors
    /// When the streams are gone.
    pub async fn next(&mut self, fed: u64) -> Result<Option<Box<Verdict>>, WorkerError> {
        let limit = fed.saturating_add(AHEAD);
        let connection = &self.queue.connection;
        tokio::select! {
            message = self.verdicts.next(connection) => {
                let Some(message) = message? else { return Ok(None) };
                let verdict = serde_json::from_slice::<Verdict>(&message.payload).ok().map(Box::new);
                let first = match verdict {
                    Some(verdict) if verdict.run == self.run => match verdict.number {
                        Some(number) if number < limit => {
                            let first = self.seen.insert(number);
                            // A verdict is better than none: one worker gave up, another had not.
                            self.dead.remove(&number);
                            first.then_some(verdict)
                        }
                        _ => self.strange_verdict(),
                    },
                    _ => self.strange_verdict(),
                };
                handle::acknowledge(&message, AckKind::Ack).await;
                Ok(first)
            }
            message = self.letters.next(connection) => {
                let Some(message) = message? else { return Ok(None) };
                match serde_json::from_slice::<DeadLetter>(&message.payload).ok() {
                    Some(letter) => match letter.number {
                        Some(number) if number < limit => {
                            if !self.seen.contains(number) {
                                self.dead.insert(number, letter);
                            }
                        }
                        _ => self.strange_letter(Some(letter)),
                    },
                    None => self.strange_letter(None),
                }
                handle::acknowledge(&message, AckKind::Ack).await;
                Ok(None)
            }
        }
    }

    fn strange_verdict(&mut self) -> Option<Box<Verdict>> {
        self.strange_verdicts += 1;
        None
    }

    fn strange_letter(&mut self, letter: Option<DeadLetter>) {
        self.strange_letters += 1;
        if self.stranger_letters.len() < MOST_STRANGERS {
            self.stranger_letters.extend(letter);
        }
    }

    /// The end: how many verdicts the server holds beyond those that were kept, and what has no verdict.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn finish(self) -> Result<Collected, WorkerError> {
        let subject = self.queue.names.verdict(&self.run);
        let held = count(&self.queue.connection, &self.queue.names.verdict_stream(), &subject).await?;
        self.verdicts.close(&self.queue.connection).await;
        self.letters.close(&self.queue.connection).await;
        Ok(Collected {
            verdicts: self.seen.count,
            dropped: held.saturating_sub(self.seen.count).saturating_sub(self.strange_verdicts),
            dead: self.dead.into_values().collect(),
            strangers: self.strange_verdicts + self.strange_letters,
            stranger_letters: self.stranger_letters,
        })
    }
}

/// Messages of one subject in a stream.
async fn count(connection: &Connection, stream: &str, subject: &str) -> Result<u64, WorkerError> {
    #[derive(Deserialize)]
    struct Answer {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        #[serde(default)]
        subjects: Option<BTreeMap<String, u64>>,
    }
    let what = format!("the stream {stream}");
    let question = json!({"subjects_filter": subject});
    let answer: Result<Answer, ServerError> = connection.ask(format!("STREAM.INFO.{stream}"), &question, &what).await?;
    match answer {
        Ok(answer) => Ok(answer.state.subjects.unwrap_or_default().get(subject).copied().unwrap_or_default()),
        Err(error) => Err(WorkerError::Refused { what, problem: error.to_string() }),
    }
}

/// Reads one subject of a stream from its beginning.
struct Reader {
    stream: String,
    subject: String,
    consumer: String,
    puller: Puller,
}

impl Reader {
    async fn new(connection: &Connection, stream: String, subject: String) -> Result<Self, WorkerError> {
        let consumer = make_consumer(connection, &stream, &subject).await?;
        let puller = Puller::new(connection, &stream, &consumer).await?;
        Ok(Self { stream, subject, consumer, puller })
    }

    /// The next message, or none for a while.
    async fn next(&mut self, connection: &Connection) -> Result<Option<jetstream::Message>, WorkerError> {
        match self.puller.next(ROOM).await {
            Pulled::Message(message) => Ok(Some(message)),
            Pulled::Nothing => Ok(None),
            Pulled::Gone => {
                // Read again from the beginning: what was seen is known by its number.
                match Self::new(connection, self.stream.clone(), self.subject.clone()).await {
                    Ok(reader) => *self = reader,
                    // A server that is just starting; it is asked again.
                    Err(WorkerError::NoAnswer { .. } | WorkerError::NoJetStream { .. }) => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Err(error) => return Err(error),
                }
                Ok(None)
            }
        }
    }

    async fn close(self, connection: &Connection) {
        let Self { stream, consumer, puller, .. } = self;
        drop(puller);
        let deleted = connection
            .ask::<serde_json::Value>(format!("CONSUMER.DELETE.{stream}.{consumer}"), &json!({}), "the collector")
            .await;
        if let Err(error) = deleted {
            tracing::debug!(%error, "the server will forget the collector by itself");
        }
    }
}

async fn make_consumer(connection: &Connection, stream: &str, subject: &str) -> Result<String, WorkerError> {
    let name = format!("collect-{}", uuid::Uuid::now_v7().simple());
    let config = pull::Config {
        durable_name: Some(name.clone()),
        name: Some(name.clone()),
        description: Some("the collector of one run".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: 4 * ROOM as i64,
        filter_subject: subject.to_owned(),
        inactive_threshold: FORGOTTEN_AFTER,
        ..pull::Config::default()
    };
    let what = format!("a consumer of {stream}");
    let make = json!({"stream_name": stream, "config": config.into_consumer_config(), "action": "create"});
    let made: Result<consumer::Info, ServerError> =
        connection.ask(format!("CONSUMER.CREATE.{stream}.{name}.{subject}"), &make, &what).await?;
    match made {
        Ok(_) => Ok(name),
        Err(error) => Err(WorkerError::Refused { what, problem: error.to_string() }),
    }
}

/// A set of numbers without large gaps: one bit each.
#[derive(Default)]
struct Numbers {
    words: Vec<u64>,
    count: u64,
}

impl Numbers {
    fn place(number: u64) -> (usize, u64) {
        (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
    }

    fn contains(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Whether it is new.
    fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        match self.words.get_mut(word) {
            Some(bits) if *bits & bit == 0 => {
                *bits |= bit;
                self.count += 1;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_counts_once() {
        let mut numbers = Numbers::default();
        let order = [5, 0, 63, 64, 5, 1_000_000, 0];
        assert_eq!(order.map(|number| numbers.insert(number)), [true, true, true, true, false, true, false]);
        assert_eq!(numbers.count, 5);
        assert!(numbers.contains(64) && !numbers.contains(65) && !numbers.contains(u64::MAX));
    }
}
