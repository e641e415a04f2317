//! The records of a dispatch: a decision before each call, an outcome after it. An open decision that is dropped was
//! abandoned, so its outcome says that the caller left: whatever happens, a decision gets its outcome.

use std::sync::Arc;
use std::time::Instant;

use crate::audit::{self, AuditError, AuditLog, DecisionId, Label, Operation, OutcomeStatus, Pending, Routing};
use crate::control::ControlError;
use crate::document::Document;
use crate::error::Kind;
use crate::money::{Amount, Cost};
use crate::policy::Route;

use super::bill::{Bill, Written};
use super::confidence::Confidence;
use super::provider::{Fault, Finish, FinishReason};
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
    preferred: Route,
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
        overridden: decision.overridden.as_ref().map(|overridden| audit::RecordedOverride {
            rule: Label::new(&overridden.rule),
            from: overridden.from,
            to: overridden.to,
            reason: Label::token(&overridden.reason_code),
        }),
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
    let caller = &request.caller;
    let observed = judged.observed.as_ref();
    let observed = observed.map(|seen| seen.of_dispatch(&judged.verdict, preferred, decision.complexity, caller));
    let recorded = audit::Decision::new(about, &judged.verdict, document, log.digest_key())?.observed(observed);
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
    bill: Bill,
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
            bill: Bill::default(),
        }
    }

    /// With the bill of its call.
    pub(super) fn billed(self, bill: Bill) -> Self {
        // `Open` ends itself when it is dropped, so its fields cannot be moved out.
        let mut open = self;
        open.bill = bill;
        open
    }

    /// Where the bytes of the answer are counted.
    pub(super) fn written(&self) -> Written {
        self.bill.written()
    }

    /// What the answer costs that ended so.
    pub(super) fn cost(&self, finish: &Finish) -> Cost {
        self.bill.of(finish)
    }

    /// What was decided, with the id of its record.
    pub(super) fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The decision is not in the log after all, so it needs no outcome.
    pub(super) fn forget(mut self) {
        self.id = None;
        self.bill.settle(0, &Cost::default());
    }

    /// Waits until what the call may cost is out of the budgets for good.
    pub(super) async fn reserved(&mut self) -> Result<(), ControlError> {
        self.bill.durable().await
    }

    /// The answer is whole.
    pub(super) fn complete(mut self, finish: Finish, outcome: &Outcome) {
        let ended = audit::Outcome {
            finish_reason: Some(match finish.reason {
                FinishReason::Stop => audit::FinishReason::Stop,
                FinishReason::Length => audit::FinishReason::Length,
                FinishReason::ToolCalls => audit::FinishReason::ToolCalls,
                FinishReason::ContentFilter => audit::FinishReason::ContentFilter,
                FinishReason::Other => audit::FinishReason::Other,
            }),
            input_tokens: finish.input_tokens,
            output_tokens: finish.output_tokens,
            cached_input_tokens: finish.cached_input_tokens,
            time_to_first_token_us: micros(outcome.time_to_first_token),
            confidence: outcome.confidence.as_ref().filter(|_| !outcome.escalated).map(recorded).map(Box::new),
            escalation_withheld: (!outcome.escalation_withheld.is_empty())
                .then(|| Label::token(outcome.escalation_withheld)),
            ..audit::Outcome::new(OutcomeStatus::Completed)
        };
        self.write(ended, outcome.cost);
    }

    /// From here on the call costs what comes of it.
    pub(super) fn sends(&mut self) {
        self.bill.send();
    }

    /// The call failed before its first piece.
    pub(super) fn unanswered(mut self, kind: Kind, fault: &Fault) {
        if fault.is_free() {
            self.bill.waive();
        }
        self.fail(kind, fault.as_str());
    }

    /// The answer was not sure enough, and the cloud's took its place. `written` are the tokens read and written.
    pub(super) fn escalate(mut self, confidence: &Confidence, written: (u64, u64)) {
        let (input_tokens, output_tokens) = written;
        let reason = FinishReason::Other;
        let cost = self.bill.of(&Finish { reason, input_tokens, output_tokens, cached_input_tokens: 0 });
        let ended = audit::Outcome {
            confidence: Some(Box::new(recorded(confidence))),
            input_tokens,
            output_tokens,
            ..audit::Outcome::new(OutcomeStatus::Escalated)
        };
        self.write(ended, cost);
    }

    /// It failed; `reason` is one word.
    pub(super) fn fail(mut self, kind: Kind, reason: &str) {
        let cost = self.bill.so_far();
        self.write(audit::Outcome::failed(kind, reason), cost);
    }

    fn write(&mut self, outcome: audit::Outcome, cost: Cost) {
        self.bill.settle(outcome.input_tokens.saturating_add(outcome.output_tokens), &cost);
        let Some(id) = self.id.take() else { return };
        let outcome = audit::Outcome {
            backend: Label::new(&self.decision.backend),
            model: Label::new(&self.decision.model),
            route: Some(self.decision.route),
            attempts: self.attempts,
            cost_micros: cost.own.map(Amount::micros_up),
            other_side_cost_micros: cost.other_side.map(Amount::micros_up),
            cost_estimated: cost.estimated,
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
            self.write(audit::Outcome::new(OutcomeStatus::Cancelled), self.bill.so_far());
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
