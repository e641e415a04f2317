//! Requests for messages of a consumer, over one inbox for as long as it is read. It asks for exactly as many as there is
//! room for, so that nothing waits here, unseen, while another machine is idle.
//!
//! Own code rather than the client library's batches: those ask for a fixed number and wait until it is full, and do not
//! notice that a server came back without their request.

use std::time::Duration;

use async_nats::jetstream::{self, ErrorCode};
use async_nats::{HeaderMap, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Connection, WorkerError};

/// How long a request waits at the server.
const EXPIRES: Duration = Duration::from_secs(10);
/// How often the server says that a request still waits.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// After so long without a word, the request is taken for lost.
const SILENCE: Duration = Duration::from_secs(5);
/// Pause after an answer that says that there is nobody to ask right now.
const PAUSE: Duration = Duration::from_millis(250);

/// After so many of them in a row it is looked whether the consumer is still there.
const LOOK_AFTER: u32 = 8;

/// What a pull brought.
pub(super) enum Pulled {
    /// A message.
    Message(jetstream::Message),
    /// The consumer had nothing more for a whole request.
    Nothing,
    /// The consumer is not there any more.
    Gone,
}

/// Messages of one consumer.
pub(super) struct Puller {
    connection: Connection,
    /// The stream and the consumer, as they stand in subjects.
    consumer: String,
    inbox: Subject,
    subscriber: Subscriber,
    connects: watch::Receiver<u64>,
    /// Times in a row that nobody answered.
    unanswered: u32,
    /// Messages that were asked for and have not come.
    asked: usize,
    silent_since: Instant,
}

impl Puller {
    pub(super) async fn new(connection: &Connection, stream: &str, consumer: &str) -> Result<Self, WorkerError> {
        let inbox = Subject::from(connection.client.new_inbox());
        let subscriber = connection.client.subscribe(inbox.clone()).await.map_err(|error| WorkerError::Refused {
            what: "the subscription to an inbox".to_owned(),
            problem: error.to_string(),
        })?;
        let mut connects = connection.connects.clone();
        connects.mark_unchanged();
        Ok(Self {
            connection: connection.clone(),
            consumer: format!("{stream}.{consumer}"),
            inbox,
            subscriber,
            connects,
            unanswered: 0,
            asked: 0,
            silent_since: Instant::now(),
        })
    }

    /// The next message, or that there is none. `room` is how many the caller could take now. May be dropped and called
    /// again at any time; nothing is lost.
    pub(super) async fn next(&mut self, room: usize) -> Pulled {
        loop {
            // A quarter at least, so that there is not one request for each document; all that is free when none waits.
            let missing = room.saturating_sub(self.asked);
            if missing > 0 && (self.asked == 0 || missing >= room.div_ceil(4)) {
                self.ask(missing).await;
            }
            let silence = self.silent_since + SILENCE;
            let message = tokio::select! {
                message = self.subscriber.next() => message,
                changed = self.connects.changed() => {
                    // The server forgot what it was asked before.
                    if changed.is_ok() {
                        self.forget();
                    }
                    continue;
                }
                () = tokio::time::sleep_until(silence), if self.asked > 0 => {
                    tracing::debug!("no word from the consumer; asking again");
                    self.forget();
                    continue;
                }
            };
            let Some(message) = message else { return Pulled::Gone };
            self.silent_since = Instant::now();
            match message.status {
                None | Some(StatusCode::OK) => {
                    self.unanswered = 0;
                    self.asked = self.asked.saturating_sub(1);
                    let context = self.connection.jetstream.clone();
                    return Pulled::Message(jetstream::Message { message, context });
                }
                Some(StatusCode::IDLE_HEARTBEAT) => self.unanswered = 0,
                Some(StatusCode::TIMEOUT | StatusCode::NOT_FOUND) => {
                    let unfilled = pending(message.headers.as_ref()).unwrap_or(self.asked);
                    self.asked = self.asked.saturating_sub(unfilled);
                    return Pulled::Nothing;
                }
                Some(StatusCode::REQUEST_TERMINATED) => {
                    let words = message.description.unwrap_or_default();
                    if words.to_ascii_lowercase().contains("consumer deleted") {
                        return Pulled::Gone;
                    }
                    tracing::debug!(words, "the server ended a request");
                    self.asked = 0;
                    tokio::time::sleep(PAUSE).await;
                }
                // Nobody answers: JetStream is starting, or the consumer is not there.
                Some(status) => {
                    tracing::debug!(%status, "no consumer answers");
                    self.asked = 0;
                    tokio::time::sleep(PAUSE).await;
                    self.unanswered += 1;
                    if self.unanswered.is_multiple_of(LOOK_AFTER) && self.is_gone().await {
                        return Pulled::Gone;
                    }
                    return Pulled::Nothing;
                }
            }
        }
    }

    /// Messages that still come although no more are wanted.
    pub(super) async fn rest(mut self, patience: Duration) -> Vec<jetstream::Message> {
        let mut rest = Vec::new();
        if self.subscriber.drain().await.is_err() {
            return rest;
        }
        let context = self.connection.jetstream.clone();
        let _ = tokio::time::timeout(patience, async {
            while let Some(message) = self.subscriber.next().await {
                if matches!(message.status, None | Some(StatusCode::OK)) {
                    rest.push(jetstream::Message { message, context: context.clone() });
                }
            }
        })
        .await;
        rest
    }

    /// Whether JetStream is there and the consumer is not.
    async fn is_gone(&self) -> bool {
        let question = format!("CONSUMER.INFO.{}", self.consumer);
        let info = self.connection.ask::<serde_json::Value>(question, &json!({}), "the consumer").await;
        let gone = [ErrorCode::CONSUMER_NOT_FOUND, ErrorCode::STREAM_NOT_FOUND];
        matches!(info, Ok(Err(error)) if gone.contains(&error.error_code()))
    }

    fn forget(&mut self) {
        self.asked = 0;
        self.silent_since = Instant::now();
    }

    async fn ask(&mut self, number: usize) {
        self.asked += number;
        self.silent_since = Instant::now();
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let request = json!({"batch": number, "expires": nanos(EXPIRES), "idle_heartbeat": nanos(HEARTBEAT)});
        let sent = self
            .connection
            .client
            .publish_with_reply(
                format!("$JS.API.CONSUMER.MSG.NEXT.{}", self.consumer),
                self.inbox.clone(),
                Bytes::from(request.to_string()),
            )
            .await;
        if let Err(error) = sent {
            // Without a connection the library keeps it; this is a connection that was closed.
            tracing::debug!(%error, "cannot ask for messages");
        }
    }
}

/// How many messages of a request did not come.
fn pending(headers: Option<&HeaderMap>) -> Option<usize> {
    headers?.get("Nats-Pending-Messages")?.as_str().parse().ok()
}
