//! Tries backends in the order of the plan until one begins to answer. Each call has a record of its own, because each
//! sends the text to another place: for a local call it is handed to the log, for a cloud call it must be durable
//! first. A call that fails before its first piece gets its outcome, and the next backend is tried; going from local to
//! the cloud needs the policy's leave, which the plan holds, and the permit's text, without which nothing can be sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use crate::audit::AuditError;
use crate::error::Kind;
use crate::policy::{Permit, Route, RoutePlan};

use super::backend::Backend;
use super::complexity::Estimate;
use super::dispatcher::{OUT_OF_TIME, Shared, within};
use super::error::DispatchError;
use super::plan::{self, Cloud, Step, reason};
use super::provider::{AnswerStream, Call, Fault, Piece, ProviderError};
use super::record::{self, Open};
use super::request::{Decision, Judged, Request};

/// An answer that has begun.
pub(super) struct Begun {
    pub(super) open: Open,
    pub(super) first: Piece,
    pub(super) rest: AnswerStream,
    pub(super) time_to_first_token: Duration,
}

/// Why a side gave no answer.
enum Missed {
    /// No backend is configured, or none was worth a try.
    NoneUsable,
    /// The last one tried failed so.
    Failed(ProviderError),
    /// The decision could not be made durable.
    Audit(AuditError),
    /// The cloud was closed in the meantime.
    Closed,
    /// Nothing else can help.
    Fatal(DispatchError),
}

/// The attempts of one request.
pub(super) struct Attempts<'a> {
    shared: &'a Shared,
    request: &'a Request,
    judged: &'a Judged,
    estimate: Estimate,
    plan: &'a RoutePlan,
    permit: &'a Permit,
    started: Instant,
    calls: u32,
    last: Option<Decision>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        request: &'a Request,
        judged: &'a Judged,
        estimate: Estimate,
        plan: &'a RoutePlan,
        permit: &'a Permit,
        started: Instant,
    ) -> Self {
        Self { shared, request, judged, estimate, plan, permit, started, calls: 0, last: None }
    }

    /// The last decision that was recorded.
    pub(super) fn into_last(self) -> Option<Decision> {
        self.last
    }

    /// Decides and records, and calls nothing: the first side that has a backend worth a try.
    pub(super) fn validate(&self) -> Decision {
        let backends = &self.shared.backends;
        let steps = self.steps();
        let taken = steps.iter().find_map(|step| {
            let found = match step.route {
                Route::Local => usable(backends.local_order()).next().map(names),
                Route::Cloud => usable(backends.cloud_order()).next().map(names),
            };
            found.map(|names| (*step, names))
        });
        let (step, (backend, model)) = taken.unwrap_or_else(|| (first(&steps), nobody()));
        let decision = self.decision(step.route, backend, model, step.reason);
        match record::append(&self.shared.audit, self.request, self.judged, &decision, self.started) {
            Ok(pending) => Decision { id: Some(pending.id()), ..decision },
            Err(error) => {
                missed_record(&error);
                decision
            }
        }
    }

    /// Tries the sides in order.
    pub(super) async fn begin(&mut self) -> Result<Begun, DispatchError> {
        let (mut local, mut cloud) = (None, None);
        for step in self.steps() {
            let missed = match step.route {
                Route::Local => self.try_local(local_reason(step, cloud.as_ref())).await,
                Route::Cloud => self.try_cloud(step.reason).await,
            };
            let missed = match missed {
                Ok(begun) => return Ok(begun),
                Err(Missed::Fatal(error)) => return Err(error),
                Err(missed) => missed,
            };
            match step.route {
                Route::Local => local = Some(missed),
                Route::Cloud => cloud = Some(missed),
            }
        }
        let error = no_answer(local, cloud);
        self.record_refusal(&error);
        Err(error)
    }

    async fn try_local(&mut self, reason: &'static str) -> Result<Begun, Missed> {
        let shared = self.shared;
        let mut missed = Missed::NoneUsable;
        for backend in usable(shared.backends.local_order()) {
            let (name, model) = names(backend);
            let decision = self.decision(Route::Local, name, model, reason);
            // Nothing leaves, so the call neither waits for the disk nor depends on it.
            let id = match record::append(&shared.audit, self.request, self.judged, &decision, self.started) {
                Ok(pending) => Some(pending.id()),
                Err(error) => {
                    missed_record(&error);
                    None
                }
            };
            let open = self.open(decision, id);
            let text = self.permit.local_text();
            let called = Instant::now();
            let answer = first_piece(backend.provider().stream(text, self.call())).await;
            match self.settle(backend, open, answer, called) {
                Ok(begun) => return Ok(begun),
                // The request itself is at fault, or the time is over: another machine would say the same.
                Err(error) if !error.fault.another_may_help() => return Err(Missed::Fatal(error.into())),
                Err(error) => missed = Missed::Failed(error),
            }
        }
        Err(missed)
    }

    async fn try_cloud(&mut self, reason: &'static str) -> Result<Begun, Missed> {
        let shared = self.shared;
        let mut missed = Missed::NoneUsable;
        for backend in usable(shared.backends.cloud_order()) {
            // The permit alone makes text for the cloud. The plan has no cloud step without it.
            let Some(text) = self.permit.cloud_text() else { return Err(Missed::Closed) };
            if shared.cloud() != Cloud::Open {
                return Err(Missed::Closed);
            }
            let (name, model) = names(backend);
            let decision = self.decision(Route::Cloud, name, model, reason);
            let pending = record::append(&shared.audit, self.request, self.judged, &decision, self.started)
                .map_err(Missed::Audit)?;
            let open = self.open(decision, Some(pending.id()));
            let durable = match within(self.request.deadline, pending.durable()).await {
                Ok(Ok(durable)) => durable,
                Ok(Err(error)) => {
                    open.forget();
                    return Err(Missed::Audit(error));
                }
                Err(error) => {
                    open.fail(OUT_OF_TIME.0, OUT_OF_TIME.1);
                    return Err(Missed::Fatal(error));
                }
            };
            // Somebody may have closed the cloud while the disk was written.
            if shared.cloud() != Cloud::Open {
                open.fail(Kind::Unavailable, reason::CLOUD_CLOSED);
                return Err(Missed::Closed);
            }
            let called = Instant::now();
            let answer = first_piece(backend.provider().stream(text, &durable, self.call())).await;
            match self.settle(backend, open, answer, called) {
                Ok(begun) => return Ok(begun),
                Err(error) if error.fault == Fault::Deadline => return Err(Missed::Fatal(error.into())),
                Err(error) => missed = Missed::Failed(error),
            }
        }
        Err(missed)
    }

    /// Remembers how a call went, and writes the outcome of one that failed.
    fn settle<P>(
        &self,
        backend: &Backend<P>,
        open: Open,
        answer: Result<(Piece, AnswerStream), ProviderError>,
        called: Instant,
    ) -> Result<Begun, ProviderError> {
        backend.note(answer.as_ref().map(|_| ()));
        match answer {
            Ok((first, rest)) => Ok(Begun { open, first, rest, time_to_first_token: called.elapsed() }),
            Err(error) => {
                tracing::warn!(%error, "a backend did not answer");
                let (backend, fault) = (error.backend.to_string(), error.fault.as_str());
                metrics::counter!("cordon_backend_failures_total", "backend" => backend, "fault" => fault).increment(1);
                open.fail(error.kind(), error.fault.as_str());
                Err(error)
            }
        }
    }

    /// A request that no backend was even tried for is recorded too.
    fn record_refusal(&mut self, error: &DispatchError) {
        if self.last.is_some() {
            return;
        }
        let (backend, model) = nobody();
        let decision = self.decision(Route::Local, backend, model, reason::NONE);
        match record::append(&self.shared.audit, self.request, self.judged, &decision, self.started) {
            Ok(pending) => self.open(decision, Some(pending.id())).fail(error.kind(), error.reason()),
            Err(error) => missed_record(&error),
        }
    }

    fn open(&mut self, decision: Decision, id: Option<crate::audit::DecisionId>) -> Open {
        if !decision.backend.is_empty() {
            self.calls += 1;
        }
        let open = Open::new(&self.shared.audit, id, decision, self.started, self.calls);
        self.last = Some(open.decision().clone());
        open
    }

    fn steps(&self) -> Vec<Step> {
        plan::steps(self.plan.preferred(), self.permit.ceiling(), self.plan.may_fall_back(), self.shared.cloud())
    }

    fn decision(&self, route: Route, backend: Arc<str>, model: Arc<str>, reason: &'static str) -> Decision {
        Decision {
            id: None,
            route,
            backend,
            model,
            complexity: self.estimate.complexity,
            complexity_reasons: self.estimate.reasons.clone(),
            rule: Arc::clone(self.plan.rule()),
            reason,
            ceiling: self.permit.ceiling(),
        }
    }

    fn call(&self) -> Call {
        Call { deadline: self.request.deadline.into() }
    }
}

/// Waits for the first piece: until then nothing has gone to the caller.
async fn first_piece(
    opening: impl Future<Output = Result<AnswerStream, ProviderError>>,
) -> Result<(Piece, AnswerStream), ProviderError> {
    let mut stream = opening.await?;
    match stream.next().await {
        Some(Ok(piece)) => Ok((piece, stream)),
        Some(Err(error)) => Err(error),
        // A stream ends by a finish or an error; this arm is for a defect.
        None => Err(ProviderError { backend: "".into(), model: "".into(), fault: Fault::EndedEarly }),
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

/// Why the local side is tried, given how the cloud was missed.
fn local_reason(step: Step, cloud: Option<&Missed>) -> &'static str {
    match cloud {
        Some(Missed::Audit(_)) => reason::AUDIT_LOG_UNAVAILABLE,
        Some(Missed::Closed) => reason::CLOUD_CLOSED,
        _ => step.reason,
    }
}

/// The error when every side was missed.
fn no_answer(local: Option<Missed>, cloud: Option<Missed>) -> DispatchError {
    let failed = |missed| match missed {
        Some(Missed::Failed(error)) => Some(error),
        _ => None,
    };
    match cloud {
        Some(Missed::Audit(error)) => DispatchError::AuditUnavailable(error),
        Some(cloud @ (Missed::Failed(_) | Missed::NoneUsable)) => {
            DispatchError::NoneAvailable { local: failed(local), cloud: failed(Some(cloud)) }
        }
        Some(Missed::Closed | Missed::Fatal(_)) | None => DispatchError::LocalUnavailable(failed(local)),
    }
}

fn missed_record(error: &AuditError) {
    metrics::counter!("cordon_audit_missed_total").increment(1);
    tracing::warn!(%error, "a request went on without a record; nothing left for the cloud");
}
