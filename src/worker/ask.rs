//! Questions to JetStream, and what its refusals mean. The one place where an error of the server becomes one of ours.

use async_nats::jetstream::context::RequestErrorKind;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::{Error as ServerError, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Connection, WorkerError};

impl Connection {
    /// Asks JetStream. The inner error is the server's own; whoever asks knows what it means here.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        subject: String,
        payload: &impl Serialize,
        what: &str,
    ) -> Result<Result<T, ServerError>, WorkerError> {
        self.take_denial();
        match self.jetstream.request(subject, payload).await {
            Ok(Response::Ok(answer)) => Ok(Ok(answer)),
            Ok(Response::Err { error }) if is_no_jetstream(&error) => {
                Err(WorkerError::NoJetStream { servers: self.servers.clone() })
            }
            Ok(Response::Err { error }) => Ok(Err(error)),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => WorkerError::NoJetStream { servers: self.servers.clone() },
                RequestErrorKind::TimedOut => self.silence(what),
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => self.fault(what, &error),
            }),
        }
    }

    /// What no answer means: a forbidden question is not answered, but the server says so beside.
    pub(super) fn silence(&self, what: &str) -> WorkerError {
        match self.take_denial() {
            Some(denial) => WorkerError::Denied { what: what.to_owned(), denial },
            None => WorkerError::NoAnswer { what: what.to_owned() },
        }
    }

    fn fault(&self, what: &str, error: &dyn std::error::Error) -> WorkerError {
        match self.take_denial() {
            Some(denial) => WorkerError::Denied { what: what.to_owned(), denial },
            None => {
                let problem = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                WorkerError::Refused { what: what.to_owned(), problem }
            }
        }
    }
}

fn is_no_jetstream(error: &ServerError) -> bool {
    let code = error.error_code();
    code == ErrorCode::JETSTREAM_NOT_ENABLED || code == ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT
}
