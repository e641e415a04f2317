//! Messages into a stream, each with an id, and the word of JetStream that it is stored. A message without that word is
//! sent again under the same id, so that it is there once, whatever was lost on the way.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{Error as ServerError, ErrorCode};
use bytes::Bytes;
use tokio::time::Instant;

/// First pause before a message is sent again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often somebody who looks at the log is told that a message still waits.
const REMIND: Duration = Duration::from_secs(30);

/// Why a message was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unstored {
    /// The stream is full: its readers are slower.
    Full,
    /// The message is larger than the server or the stream takes; sending it again cannot help.
    TooLarge,
    /// No stream takes this subject.
    NoStream,
    /// No answer: the server is away, or forbids it.
    Silent,
    /// Anything else.
    Refused,
}

impl Unstored {
    fn of(error: &PublishError) -> Self {
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::NoStream,
            PublishErrorKind::MaxPayloadExceeded => Self::TooLarge,
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Self::Silent,
            _ => {
                let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<ServerError>());
                match source.map(ServerError::error_code) {
                    Some(
                        ErrorCode::STREAM_STORE_FAILED
                        | ErrorCode::INSUFFICIENT_RESOURCES
                        | ErrorCode::STORAGE_RESOURCES_EXCEEDED
                        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
                    ) => Self::Full,
                    Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM) => Self::TooLarge,
                    _ => Self::Refused,
                }
            }
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "the stream is full",
            Self::TooLarge => "the message is too large",
            Self::NoStream => "no stream takes it",
            Self::Silent => "no answer",
            Self::Refused => "refused",
        }
    }
}

/// Sends a message; its word comes later.
pub(super) async fn send(
    jetstream: &jetstream::Context,
    subject: &str,
    id: Option<&str>,
    payload: Bytes,
) -> Result<PublishAckFuture, Unstored> {
    let message = PublishMessage::build().payload(payload);
    let message = match id {
        Some(id) => message.message_id(id),
        None => message,
    };
    jetstream.send_publish(subject.to_owned(), message).await.map_err(|error| Unstored::of(&error))
}

/// Waits for the word.
pub(super) async fn word(sent: PublishAckFuture) -> Result<PublishAck, Unstored> {
    sent.await.map_err(|error| Unstored::of(&error))
}

/// Sends a message until it is stored. Ends only when it is, or when it never can be; whoever cannot wait for ever drops
/// the future.
pub(super) async fn store(
    jetstream: &jetstream::Context,
    subject: &str,
    id: Option<&str>,
    payload: &Bytes,
) -> Result<PublishAck, Unstored> {
    let mut pause = Pause::new(subject);
    loop {
        let outcome = match send(jetstream, subject, id, payload.clone()).await {
            Ok(sent) => word(sent).await,
            Err(unstored) => Err(unstored),
        };
        match outcome {
            Ok(ack) => return Ok(ack),
            Err(Unstored::TooLarge) => return Err(Unstored::TooLarge),
            Err(unstored) => pause.wait(unstored).await,
        }
    }
}

/// The pauses between attempts, and what is said of them.
pub(super) struct Pause<'a> {
    subject: &'a str,
    next: Duration,
    remind: Option<Instant>,
}

impl<'a> Pause<'a> {
    pub(super) fn new(subject: &'a str) -> Self {
        Self { subject, next: FIRST_PAUSE, remind: None }
    }

    pub(super) async fn wait(&mut self, unstored: Unstored) {
        let now = Instant::now();
        match self.remind {
            // A full stream is how a slow reader slows its writer: no word about it unless it lasts.
            None => self.remind = Some(now + if unstored == Unstored::Full { REMIND } else { Duration::ZERO }),
            Some(due) if now >= due => {
                tracing::warn!(subject = self.subject, why = unstored.as_str(), "a message waits to be stored");
                self.remind = Some(now + REMIND);
            }
            Some(_) => {}
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }
}
