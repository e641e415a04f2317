//! How far the feeder of a run is, kept by JetStream: a feeder that was killed goes on where it stopped, from any machine
//! that has the same files.

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::PurgeResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::message::VERSION;
use super::names::RunId;
use super::{Queue, WorkerError, publish};

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The version of the messages.
    pub version: u32,
    /// Tells whether the files are still the same; made of names, sizes and times, never of content.
    pub fingerprint: String,
    /// The documents before this number are stored.
    pub stored: u64,
    /// Whether these are all.
    pub complete: bool,
}

impl Position {
    /// The beginning of a run.
    #[must_use]
    pub fn start(fingerprint: &str) -> Self {
        Self { version: VERSION, fingerprint: fingerprint.to_owned(), stored: 0, complete: false }
    }
}

impl Queue {
    /// Where the feeder of this run is.
    ///
    /// # Errors
    /// When nobody began the run, or the server does not answer.
    pub async fn position(&self, run: &RunId) -> Result<Position, WorkerError> {
        #[derive(Deserialize)]
        struct Answer {
            message: Stored,
        }
        #[derive(Deserialize)]
        struct Stored {
            #[serde(default)]
            data: String,
        }
        let stream = self.names.run_stream();
        let what = format!("the stream {stream}");
        let question = json!({"last_by_subj": self.names.run(run)});
        match self.connection.ask::<Answer>(format!("STREAM.MSG.GET.{stream}"), &question, &what).await? {
            Ok(answer) => {
                let bad = || WorkerError::BadRecord(run.to_string());
                let json = STANDARD.decode(&answer.message.data).map_err(|_| bad())?;
                let position: Position = serde_json::from_slice(&json).map_err(|_| bad())?;
                if position.version == VERSION { Ok(position) } else { Err(bad()) }
            }
            Err(error) if error.error_code() == ErrorCode::NO_MESSAGE_FOUND => {
                Err(WorkerError::UnknownRun(run.to_string()))
            }
            Err(error) => Err(WorkerError::Refused { what, problem: error.to_string() }),
        }
    }

    /// Stores where the feeder is; returns once it is stored.
    pub(super) async fn keep_position(&self, run: &RunId, position: &Position) -> Result<(), WorkerError> {
        let what = "the position of the run".to_owned();
        let json = serde_json::to_vec(position)
            .map_err(|error| WorkerError::Refused { what: what.clone(), problem: error.to_string() })?;
        let subject = self.names.run(run);
        match publish::store(&self.connection.jetstream, &subject, None, &Bytes::from(json)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(WorkerError::Refused { what, problem: "it is too large for a message".to_owned() }),
        }
    }

    /// Removes verdicts and position of a run whose report is made. Dead letters, and the messages that they speak of,
    /// stay for the operator.
    ///
    /// # Errors
    /// When the server does not answer or forbids it.
    pub async fn forget(&self, run: &RunId) -> Result<(), WorkerError> {
        for (stream, subject) in
            [(self.names.verdict_stream(), self.names.verdict(run)), (self.names.run_stream(), self.names.run(run))]
        {
            let what = format!("the removal of run {run} from {stream}");
            let purged: Result<PurgeResponse, _> =
                self.connection.ask(format!("STREAM.PURGE.{stream}"), &json!({"filter": subject}), &what).await?;
            purged.map_err(|error| WorkerError::Refused { what, problem: error.to_string() })?;
        }
        Ok(())
    }
}
