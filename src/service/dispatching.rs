//! The one way into [`crate::dispatch`]: whoever asks, by gRPC or by HTTP, comes through [`start`] with a request in the
//! words of the domain. So the slots, the once-only ids, the verdict, the ceiling and the records are the same for all.
//!
//! It must never know a wire format, and never let half an answer look like a whole one.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use tokio::sync::OwnedSemaphorePermit;

use crate::audit::RequestId;
use crate::classify::NerMode;
use crate::dispatch::{self, DispatchError, Event, Events, LevelOverride};
use crate::document::Conversation;
use crate::error::Kind;
use crate::policy::{Complexity, Sensitivity};

use super::auth::Caller;
use super::convert;
use super::core::Core;
use super::error::Refusal;

/// A request that a door has read and checked.
#[derive(Debug)]
pub(super) struct Asked {
    /// The caller's own id; empty if there is none.
    pub(super) request_id: String,
    /// What is asked.
    pub(super) conversation: Arc<Conversation>,
    /// The caller's own statement.
    pub(super) complexity: Option<Complexity>,
    /// The caller's own opinion; it only raises.
    pub(super) declared_level: Option<Sensitivity>,
    /// When the named-entity model runs.
    pub(super) ner: NerMode,
    /// Decide and record, and call nothing.
    pub(super) validate_only: bool,
    /// When the caller stops waiting.
    pub(super) deadline: Instant,
    /// The caller takes the answer in one piece.
    pub(super) whole: bool,
    /// The caller wants to know how sure a local answer is.
    pub(super) confidence: bool,
    /// The level that the caller asks for although the verdict may be higher.
    pub(super) level_override: Option<LevelOverride>,
    /// The model whose vectors are asked for instead of an answer.
    pub(super) embedding: Option<Arc<str>>,
}

/// Asks the caller's rate, takes a slot and starts the request.
///
/// # Errors
/// When the caller's rate is reached, the id is none, or all slots are taken.
pub(super) fn start(core: &Core, caller: &Caller, asked: Asked) -> Result<Running, Refusal> {
    core.admit(caller)?;
    convert::request_id(&asked.request_id)?;
    let slot = core.dispatch_slots.take()?;
    let events = core.dispatcher.dispatch(dispatch::Request {
        request_id: RequestId::parse(&asked.request_id)?,
        caller: Arc::clone(caller.name()),
        conversation: asked.conversation,
        complexity: asked.complexity,
        declared_level: asked.declared_level,
        always_ner: asked.ner == NerMode::Always,
        validate_only: asked.validate_only,
        deadline: asked.deadline,
        whole: asked.whole,
        confidence: asked.confidence,
        level_override: asked.level_override,
        embedding: asked.embedding,
    });
    Ok(Running {
        events,
        ended: false,
        last: if asked.validate_only { Last::Decision } else { Last::Outcome },
        _slot: slot,
    })
}

/// Which event is the last of a request that ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Of a request that was to be decided only.
    Decision,
    /// Of one that was answered.
    Outcome,
}

/// A request in work. Dropping it ends the request and closes the connection to the backend.
#[derive(Debug)]
pub(super) struct Running {
    events: Events,
    /// The event that ends a whole answer has come, or the error that ends it early.
    ended: bool,
    last: Last,
    _slot: OwnedSemaphorePermit,
}

impl Running {
    /// The next event. `None` only after the event that ends a whole answer, or after an error.
    pub(super) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        let event = match self.events.next().await {
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                self.ended = true;
                return Some(Err(Refusal::from(error)));
            }
            None if self.ended => return None,
            // Half an answer must not look like a whole one.
            None => {
                self.ended = true;
                let message = "the request ended without its outcome; this is a defect of the service";
                return Some(Err(Refusal::new(Kind::Internal, "INTERNAL", message)));
            }
        };
        match &event {
            Event::Decision(_) => self.ended |= self.last == Last::Decision,
            Event::Outcome(outcome) => {
                metrics::histogram!("cordon_request_seconds", "operation" => "dispatch")
                    .record(outcome.total.as_secs_f64());
                self.ended = true;
            }
            _ => {}
        }
        Some(Ok(event))
    }
}

impl From<DispatchError> for Refusal {
    fn from(error: DispatchError) -> Self {
        let decision = error.decision().map(|id| ("decision_id", id.to_string()));
        let metadata = decision.into_iter().chain(error.rule().map(|rule| ("rule", rule.to_string()))).collect();
        let retry_after = error.retry_after();
        Self { metadata, retry_after, ..Self::new(error.kind(), error.reason(), error.to_string()) }
    }
}
