//! What the handlers share: the classifier, the dispatcher, the log, the limits, and the small steps that each of them
//! takes (naming the caller, recording, counting).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tonic::{Request, Status};

use crate::audit::{AuditLog, Decision, DecisionInput, Label, Operation, RequestId};
use crate::classify::{Classified, Classifier};
use crate::config::Limits;
use crate::dispatch::Dispatcher;
use crate::document::Document;
use crate::error::Kind;
use crate::policy::Sensitivity;

use super::auth::{Caller, Permission};
use super::error::Refusal;
use super::limits::Slots;
use super::live::Live;
use super::redact::Redaction;
use super::replay::Terms;

/// What the handlers share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) classifier: Arc<Classifier>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) redaction: Redaction,
    pub(super) limits: Limits,
    pub(super) classify_slots: Slots,
    pub(super) dispatch_slots: Slots,
    /// Items of all bulk streams in work; half the slots, so that bulk never crowds out single requests.
    pub(super) stream_turns: Semaphore,
    pub(super) replay: Terms,
    /// The report of now.
    pub(super) live: Live,
}

impl Core {
    pub(super) fn new(
        classifier: Arc<Classifier>,
        dispatcher: Arc<Dispatcher>,
        audit: Arc<AuditLog>,
        redaction: Redaction,
        limits: Limits,
    ) -> Self {
        Self {
            classifier,
            dispatcher,
            audit,
            redaction,
            classify_slots: Slots::new(limits.max_classifications, "classifications"),
            dispatch_slots: Slots::new(limits.max_dispatches, "dispatches"),
            stream_turns: Semaphore::new(limits.max_classifications.div_ceil(2)),
            live: Live::default(),
            limits,
            replay: Terms::default(),
        }
    }

    /// With what replay needs of the configuration.
    pub(super) fn replaying(self, replay: Terms) -> Self {
        Self { replay, ..self }
    }

    /// Lets a request of this caller in, or says when to come back. Each is counted as it is let in.
    pub(super) fn admit(&self, caller: &Caller) -> Result<(), Refusal> {
        self.dispatcher.control().admit(caller.name()).map_err(|limited| {
            let message = format!(
                "the rate limit `{}` of this caller is reached; come back after the time in RetryInfo",
                limited.limit
            );
            let retry_after = Some(limited.retry_after);
            Refusal { retry_after, ..Refusal::new(Kind::ResourceExhausted, "RATE_LIMITED", message) }
        })
    }

    /// Hands a classification to the log and returns its id; empty when the log cannot take it. Nothing leaves by a
    /// classification, so the answer does not wait for the disk.
    pub(super) fn record(
        &self,
        request_id: &str,
        caller: &Caller,
        declared_level: Option<Sensitivity>,
        classified: &Classified,
        document: &Document,
    ) -> String {
        let request = DecisionInput {
            operation: Operation::Classify,
            caller: Label::new(caller.name()),
            request_id: RequestId::parse(request_id).unwrap_or_default(),
            declared_level,
            provenance: classified.provenance.clone(),
            timings: classified.timings.for_record(),
            routing: None,
        };
        let recorded = Decision::new(request, &classified.verdict, document, self.audit.digest_key())
            .map(|decision| {
                let observed = classified.observed.as_ref();
                decision.observed(observed.map(|seen| seen.of_classification(&classified.verdict)))
            })
            .and_then(|decision| self.audit.append(decision));
        match recorded {
            Ok(pending) => pending.id().to_string(),
            Err(error) => {
                tracing::warn!(%error, "a classification was answered without a record");
                metrics::counter!("cordon_audit_missed_total").increment(1);
                String::new()
            }
        }
    }
}

/// The caller whom the interceptor named, if it may do this.
pub(super) fn caller<T>(request: &Request<T>, permission: Permission) -> Result<Caller, Status> {
    Ok(permitted(request.extensions().get::<Caller>(), permission)?)
}

/// This caller, if there is one and it may do this.
pub(super) fn permitted(caller: Option<&Caller>, permission: Permission) -> Result<Caller, Refusal> {
    let caller = caller
        .ok_or_else(|| Refusal::new(Kind::Unauthenticated, "UNAUTHENTICATED", "send `authorization: Bearer TOKEN`"))?;
    if !caller.may(permission) {
        let message =
            format!("this caller lacks the permission {permission:?}; add it to its entry in the configuration");
        return Err(Refusal::new(Kind::PermissionDenied, "PERMISSION_DENIED", message));
    }
    Ok(caller.clone())
}

/// Counts an answered request.
pub(super) fn count(operation: &'static str, level: Sensitivity, took: Duration) {
    metrics::counter!("cordon_requests_total", "operation" => operation, "level" => level.as_str()).increment(1);
    metrics::histogram!("cordon_request_seconds", "operation" => operation).record(took.as_secs_f64());
}

/// Whole microseconds.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
