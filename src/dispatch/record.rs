//! The records of a dispatch: a decision before each call, an outcome after it. An open decision that is dropped was
//! abandoned, so its outcome says that the caller left: whatever happens, a decision gets its outcome.

use std::sync::Arc;
use std::time::Instant;

use crate::audit::{self, AuditError, AuditLog, DecisionId, Label, Operation, OutcomeStatus, Pending, Routing};
use crate::document::Document;
use crate::error::Kind;

use super::confidence::Confidence;
use super::provider::{Finish, FinishReason};
use super::redacted::Redacted;
use super::request::{Decision, Judged, Outcome, Request};

/// Hands a decision to the log. The text of the request, and what is sent instead of it, are only counted and digested
/// there.
pub(super) fn append(
    log: &AuditLog,
    request: &Request,
    judged: &Judged,
    sent: Option<&Redacted>,
    decision: &Decision,
    started: Instant,
) -> Result<Pending, AuditError> {
    let routing = Routing {
        route: decision.route,
        ceiling: decision.ceiling,
        backend: Label::new(&decision.backend),
        model: Label::new(&decision.model),
        complexity: decision.complexity,
        complexity_reasons: decision.complexity_reasons.iter().map(|reason| Label::token(reason)).collect(),
        rule: Label::new(&decision.rule),
        reason: Label::token(decision.reason),
        redacted: None,
        escalated_from: decision.escalated_from,
    };
    let about = audit::DecisionInput {
        operation: if request.validate_only { Operation::Validate } else { Operation::Dispatch },
        caller: Label::new(&request.caller),
        request_id: request.request_id.clone(),
        declared_level: request.declared_level,
        provenance: judged.provenance.clone(),
        timings: audit::Timings { total_us: micros(started.elapsed()), ..judged.timings },
        routing: Some(routing),
    };
    let document: &Document = request.conversation.document();
    let recorded = audit::Decision::new(about, &judged.verdict, document, log.digest_key())?;
    let recorded = match sent {
        Some(sent) => {
            recorded.of_redacted(&sent.judged.verdict, sent.conversation.document(), sent.replaced, log.digest_key())?
        }
        None => recorded,
    };
    log.append(recorded)
}

/// A recorded decision whose outcome is open.
pub(super) struct Open {
    log: Arc<AuditLog>,
    /// `None` when the log did not take the decision: then it takes no outcome either.
    id: Option<DecisionId>,
    decision: Decision,
    started: Instant,
    attempts: u32,
    input_tokens: u64,
    output_tokens: u64,
}

impl Open {
    pub(super) fn new(
        log: &Arc<AuditLog>,
        id: Option<DecisionId>,
        decision: Decision,
        started: Instant,
        attempts: u32,
    ) -> Self {
        Self {
            log: Arc::clone(log),
            id,
            decision: Decision { id, ..decision },
            started,
            attempts,
            input_tokens: 0,
            output_tokens: 0,
        }
    }

    /// What was decided, with the id of its record.
    pub(super) fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The decision is not in the log after all, so it needs no outcome.
    pub(super) fn forget(mut self) {
        self.id = None;
    }

    /// The answer is whole.
    pub(super) fn complete(mut self, finish: Finish, outcome: &Outcome) {
        (self.input_tokens, self.output_tokens) = (finish.input_tokens, finish.output_tokens);
        self.write(audit::Outcome {
            finish_reason: Some(match finish.reason {
                FinishReason::Stop => audit::FinishReason::Stop,
                FinishReason::Length => audit::FinishReason::Length,
                FinishReason::ToolCalls => audit::FinishReason::ToolCalls,
                FinishReason::ContentFilter => audit::FinishReason::ContentFilter,
                FinishReason::Other => audit::FinishReason::Other,
            }),
            time_to_first_token_us: micros(outcome.time_to_first_token),
            confidence: outcome.confidence.as_ref().filter(|_| !outcome.escalated).map(recorded).map(Box::new),
            escalation_withheld: (!outcome.escalation_withheld.is_empty())
                .then(|| Label::token(outcome.escalation_withheld)),
            ..audit::Outcome::new(OutcomeStatus::Completed)
        });
    }

    /// The answer was not sure enough, and the cloud's took its place. `written` are the tokens read and written.
    pub(super) fn escalate(mut self, confidence: &Confidence, written: (u64, u64)) {
        (self.input_tokens, self.output_tokens) = written;
        self.write(audit::Outcome {
            confidence: Some(Box::new(recorded(confidence))),
            ..audit::Outcome::new(OutcomeStatus::Escalated)
        });
    }

    /// It failed; `reason` is one word.
    pub(super) fn fail(mut self, kind: Kind, reason: &str) {
        self.write(audit::Outcome::failed(kind, reason));
    }

    fn write(&mut self, outcome: audit::Outcome) {
        let Some(id) = self.id.take() else { return };
        let outcome = audit::Outcome {
            backend: Label::new(&self.decision.backend),
            model: Label::new(&self.decision.model),
            route: Some(self.decision.route),
            attempts: self.attempts,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            total_us: micros(self.started.elapsed()),
            ..outcome
        };
        // Nobody waits for an outcome: the answer was given, and the writer tells of its own failures.
        match self.log.append_outcome(id, outcome) {
            Ok(_recorded_later) => {}
            Err(error) => {
                metrics::counter!("cordon_audit_missed_total").increment(1);
                tracing::warn!(%error, decision = %id, "the outcome of a decision could not be recorded");
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.id.is_some() {
            self.write(audit::Outcome::new(OutcomeStatus::Cancelled));
        }
    }
}

fn recorded(confidence: &Confidence) -> audit::RecordedConfidence {
    let words = |words: &[&str]| words.iter().map(|word| Label::token(word)).collect();
    audit::RecordedConfidence {
        millionths: confidence.millionths,
        low: confidence.low,
        early: confidence.early,
        signals: words(&confidence.signals),
        reasons: words(&confidence.reasons),
    }
}

pub(super) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A request goes on without a record; only one that stays local may.
pub(super) fn missed(error: &AuditError) {
    metrics::counter!("cordon_audit_missed_total").increment(1);
    tracing::warn!(%error, "a request went on without a record; nothing left for the cloud");
}
