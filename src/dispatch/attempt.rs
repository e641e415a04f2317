//! Tries the sides in the order of the plan until a backend begins to answer; how one side is tried stands in
//! [`turn`](super::turn). Each call has a record of its own, because each
//! sends the text to another place: for a local call it is handed to the log, for a cloud call it must be durable
//! first. A call that fails before its first piece gets its outcome, and the next backend is tried; going from local to
//! the cloud needs the policy's leave, which the plan holds, and the permit's text, without which nothing can be sent.

mod escalation;
mod missed;
mod spending;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::audit::{AuditError, DecisionId, Pending};
use crate::control::Overrun;
use crate::policy::{BudgetOverrun, CloudText, LocalText, Permit, Route, RoutePlan};

use super::backend::{Backend, Backends};
use super::breaker::Breaker;
use super::chance::Chance;
use super::complexity::Estimate;
use super::confidence::Confidence;
use super::dispatcher::Shared;
use super::error::DispatchError;
use super::escalate::Judging;
use super::gate::Place;
use super::patience::{self, MAX_CALLS};
use super::plan::{self, Cloud, Step, reason};
use super::provider::{AnswerStream, Call, CloudProvider, Piece, ProviderError};
use super::record::{self, Open};
use super::redacted::{Redacted, Redaction};
use super::request::{Decision, Judged, Overridden, Request};
#[cfg(test)]
use super::sabotage::Sabotage;
use super::turn;
pub(super) use missed::Missed;
use missed::{local_reason, missed_reason, no_answer};

/// An answer that has begun.
pub(super) struct Begun {
    pub(super) open: Open,
    pub(super) first: Piece,
    pub(super) rest: AnswerStream,
    pub(super) time_to_first_token: Duration,
    /// What an answer that breaks off is told to.
    pub(super) breaker: Breaker,
    /// Its place at the backend, held until it has ended.
    pub(super) place: Option<Place>,
    /// How it is to be judged; `None` if it need not be.
    pub(super) judging: Option<Judging>,
}

impl Begun {
    /// The first piece, once.
    pub(super) fn take_first(&mut self) -> Piece {
        std::mem::replace(&mut self.first, Piece::Tokens(Vec::new()))
    }
}

/// The attempts of one request.
pub(super) struct Attempts<'a> {
    shared: &'a Shared,
    request: &'a Request,
    judged: &'a Judged,
    estimate: Estimate,
    plan: &'a RoutePlan,
    permit: &'a Permit,
    redaction: Redaction<'a>,
    started: std::time::Instant,
    overridden: Option<Overridden>,
    calls: u32,
    last: Option<Decision>,
    /// The local answer that was not sure enough, while the cloud is asked for a better one.
    left: Option<(Option<DecisionId>, Confidence)>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        request: &'a Request,
        judged: &'a Judged,
        estimate: Estimate,
        plan: &'a RoutePlan,
        permit: &'a Permit,
        started: std::time::Instant,
    ) -> Self {
        let redaction = Redaction::None;
        let (overridden, last, left) = (None, None, None);
        Self { shared, request, judged, estimate, plan, permit, redaction, started, overridden, calls: 0, last, left }
    }

    /// The same with what became of the redaction.
    pub(super) fn redacting(self, redaction: Redaction<'a>) -> Self {
        Self { redaction, ..self }
    }

    /// The same with what an override changed.
    pub(super) fn overriding(self, overridden: Option<Overridden>) -> Self {
        Self { overridden, ..self }
    }

    /// Records that the request is refused before anything is tried.
    pub(super) fn refuse(&mut self, error: &DispatchError) {
        self.record_refusal(error, reason::OVERRIDE_DENIED);
    }

    /// The last decision that was recorded.
    pub(super) fn into_last(self) -> Option<Decision> {
        self.last
    }

    /// Decides and records, and calls nothing: the first side that has a backend worth a try.
    pub(super) fn validate(&self) -> Decision {
        let backends = self.backends();
        let steps = self.steps();
        let mut over_budget = false;
        let taken = steps.iter().find_map(|step| {
            let found = match step.route {
                Route::Local if over_budget && self.budget_overrun() == BudgetOverrun::Refuse => Some(nobody()),
                Route::Local => usable(backends.local_order()).next().map(names),
                Route::CloudRedacted | Route::Cloud => {
                    let found = usable(backends.cloud_order()).find(|backend| self.affordable(backend)).map(names);
                    over_budget = found.is_none() && usable(backends.cloud_order()).next().is_some();
                    found
                }
            };
            let reason = if over_budget { reason::BUDGET_SPENT } else { step.reason };
            found.map(|names| (Step { reason, ..*step }, names))
        });
        let (step, (backend, model)) = taken.unwrap_or_else(|| (first(&steps), nobody()));
        let decision = self.decision(step.route, &backend, &model, step.reason);
        match self.append(&decision) {
            Ok(pending) => Decision { id: Some(pending.id()), ..decision },
            Err(error) => {
                record::missed(&error);
                decision
            }
        }
    }

    /// Tries the sides in order.
    pub(super) async fn begin(&mut self) -> Result<Begun, DispatchError> {
        let (mut local, mut cloud) = (None, None);
        let backends = self.backends();
        let steps = self.steps();
        for (at, step) in steps.iter().enumerate() {
            let later = at + 1 < steps.len();
            let missed = match step.route {
                Route::Local => {
                    let reason = local_reason(*step, cloud.as_ref());
                    turn::of_side(self, backends.local_order(), reason, later).await
                }
                Route::CloudRedacted | Route::Cloud => {
                    turn::of_side(self, backends.cloud_order(), step.reason, later).await
                }
            };
            let missed = match missed {
                Ok(begun) => return Ok(begun),
                Err(Missed::Fatal(error)) => return Err(error),
                Err(Missed::OverBudget(overrun @ Overrun::Spent { .. }))
                    if self.budget_overrun() == BudgetOverrun::Refuse =>
                {
                    let error = DispatchError::OverBudget(overrun);
                    self.record_refusal(&error, reason::BUDGET_SPENT);
                    return Err(error);
                }
                Err(missed) => missed,
            };
            match step.route {
                Route::Local => local = Some(missed),
                Route::CloudRedacted | Route::Cloud => cloud = Some(missed),
            }
        }
        let reason = cloud.as_ref().map_or(reason::NONE, missed_reason);
        let error = no_answer(local, cloud);
        self.record_refusal(&error, reason);
        Err(error)
    }

    /// Makes an answer out of a call, or writes the outcome of one that failed.
    pub(super) fn settle<P>(
        &self,
        backend: &Backend<P>,
        open: Open,
        answer: Result<(Piece, AnswerStream), ProviderError>,
        called: Instant,
    ) -> Result<Begun, ProviderError> {
        match answer {
            Ok((first, rest)) => {
                let breaker = backend.breaker().clone();
                let judging = (open.decision().route == Route::Local && self.wants_confidence())
                    .then(|| Judging { measure: backend.terms().measure, hold_back: backend.terms().hold_back });
                Ok(Begun { open, first, rest, time_to_first_token: called.elapsed(), breaker, place: None, judging })
            }
            Err(error) => {
                tracing::warn!(%error, "a backend did not answer");
                let (backend, fault) = (error.backend.to_string(), error.fault.as_str());
                metrics::counter!("cordon_backend_failures_total", "backend" => backend, "fault" => fault).increment(1);
                open.unanswered(error.kind(), &error.fault);
                Err(error)
            }
        }
    }

    /// A request that no backend was even tried for is recorded too.
    fn record_refusal(&mut self, error: &DispatchError, reason: &'static str) {
        if self.last.is_some() {
            return;
        }
        let (backend, model) = nobody();
        let decision = self.decision(Route::Local, &backend, &model, reason);
        match self.append(&decision) {
            Ok(pending) => self.open(decision, Some(pending.id())).fail(error.kind(), error.reason()),
            Err(error) => record::missed(&error),
        }
    }

    pub(super) fn open(&mut self, decision: Decision, id: Option<DecisionId>) -> Open {
        if !decision.backend.is_empty() {
            self.calls += 1;
        }
        let open = Open::new(&self.shared.audit, id, decision, self.started, self.calls);
        self.last = Some(open.decision().clone());
        open
    }

    fn steps(&self) -> Vec<Step> {
        #[cfg(test)]
        if let Some(steps) = self.sabotage().steps() {
            return steps;
        }
        let (preferred, ceiling) = (self.plan.preferred(), self.permit.ceiling());
        let stays = self.redaction.stays();
        plan::steps(preferred, ceiling, self.plan.may_fall_back(), self.cloud(), stays)
    }

    /// Where the request goes by its next call.
    pub(super) fn decision(
        &self,
        route: Route,
        backend: &Arc<str>,
        model: &Arc<str>,
        reason: &'static str,
    ) -> Decision {
        Decision {
            id: None,
            route,
            backend: Arc::clone(backend),
            model: Arc::clone(model),
            complexity: self.estimate.complexity,
            complexity_reasons: self.estimate.reasons.clone(),
            rule: Arc::clone(self.plan.rule()),
            reason,
            ceiling: self.ceiling(),
            redaction: self.redaction.of_route(route).map(Redacted::told),
            local_confidence: self.left.as_ref().map(|(_, confidence)| confidence.clone()),
            escalated_from: self.left.as_ref().and_then(|(id, _)| *id),
            overridden: self.overridden.clone(),
        }
    }

    /// Hands a decision to the log.
    pub(super) fn append(&self, decision: &Decision) -> Result<Pending, AuditError> {
        let sent = self.redaction.of_route(decision.route);
        let preferred = self.plan.preferred();
        record::append(&self.shared.audit, self.request, self.judged, sent, decision, preferred, self.started)
    }

    /// The answer to a call by this route, with its values where the text was redacted.
    pub(super) fn restored(&self, route: Route, answer: AnswerStream) -> AnswerStream {
        match self.redaction.of_route(route) {
            Some(redacted) => redacted.restored(answer),
            None => answer,
        }
    }

    /// The text for a local backend.
    pub(super) fn local_text(&self) -> LocalText {
        self.permit.local_text()
    }

    /// The text for a cloud backend, if the permit makes one.
    pub(super) fn cloud_text(&self) -> Option<CloudText> {
        #[cfg(test)]
        if self.ignores_permit() {
            return Some(self.permit.smuggled_text());
        }
        self.permit.cloud_text()
    }

    fn ceiling(&self) -> Route {
        #[cfg(test)]
        if self.ignores_permit() {
            return Route::Cloud;
        }
        self.permit.ceiling()
    }

    #[cfg(test)]
    fn ignores_permit(&self) -> bool {
        self.sabotage().ignores_permit(self.calls)
            || (self.sabotage() == Sabotage::EscalatesWithoutPermit && self.left.is_some())
    }

    /// What this build leaves out on purpose.
    #[cfg(test)]
    pub(super) fn sabotage(&self) -> Sabotage {
        self.shared.sabotage.get().copied().unwrap_or_default()
    }

    /// What is known now of the cloud for this caller.
    pub(super) fn cloud(&self) -> Cloud {
        self.shared.cloud_of(self.backends(), &self.request.caller)
    }

    /// Those that can do what is asked. Vectors of different models cannot be compared, so for embeddings they are those
    /// of one model.
    fn backends(&self) -> &'a Backends {
        let shared = self.shared;
        match &self.request.embedding {
            None => &shared.backends,
            Some(model) => shared.backends.embedding(model),
        }
    }

    /// Chance for pauses.
    pub(super) fn chance(&self) -> &'a Chance {
        self.shared.backends.chance()
    }

    /// When the caller stops waiting.
    pub(super) fn deadline(&self) -> std::time::Instant {
        self.request.deadline
    }

    /// How long the caller still waits.
    pub(super) fn left(&self) -> Duration {
        Instant::from_std(self.request.deadline).saturating_duration_since(Instant::now())
    }

    /// Whether another call may begin: the first always, a further one while number and time suffice.
    pub(super) fn may_call(&self) -> bool {
        self.calls == 0 || (self.calls < MAX_CALLS && patience::suffices(self.left()))
    }

    /// Why no further call may begin, when no backend of this side failed.
    pub(super) fn spent(&self) -> Missed {
        if patience::suffices(self.left()) { Missed::NoneUsable } else { Missed::Fatal(DispatchError::Deadline) }
    }

    /// The cloud's backends in the order of one request.
    pub(super) fn cloud_order(&self) -> Vec<&'a Arc<Backend<CloudProvider>>> {
        self.shared.backends.cloud_order()
    }

    /// Whether the caller takes the answer whole only.
    pub(super) fn takes_whole(&self) -> bool {
        self.request.whole
    }

    /// The most tokens that the caller wants.
    pub(super) fn callers_limit(&self) -> Option<u32> {
        self.request.conversation.generation().max_output_tokens
    }

    /// Terms of the next call.
    pub(super) fn call(&self) -> Call {
        Call { deadline: self.request.deadline.into(), probabilities: self.wants_confidence() }
    }
}

fn usable<P>(backends: Vec<&Arc<Backend<P>>>) -> impl Iterator<Item = &Arc<Backend<P>>> {
    backends.into_iter().filter(|backend| backend.is_usable())
}

fn names<P>(backend: &Arc<Backend<P>>) -> (Arc<str>, Arc<str>) {
    (Arc::clone(backend.name()), Arc::clone(backend.model()))
}

fn nobody() -> (Arc<str>, Arc<str>) {
    ("".into(), "".into())
}

fn first(steps: &[Step]) -> Step {
    steps.first().copied().unwrap_or(Step { route: Route::Local, reason: reason::NONE })
}
