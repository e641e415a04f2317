//! One side's turn: its backends one after the other, each called again after failures that pass, until one begins to
//! answer. Every call goes through the same door, which asks the permit for the text and the log for a record anew: a
//! retry is an egress like any other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::control::Overrun;
use crate::error::Kind;
use crate::policy::Route;

use super::attempt::{Attempts, Begun, Missed};
use super::backend::Backend;
use super::bill;
use super::breaker::Sign;
use super::dispatcher::{OUT_OF_TIME, within};
use super::gate::Full;
use super::patience;
use super::plan::{Cloud, reason};
use super::provider::{AnswerStream, CloudProvider, Fault, LocalProvider, Piece, ProviderError};
use super::record;
#[cfg(test)]
use super::sabotage::{self, Sabotage};

/// The way to the backends of one side.
pub(super) trait Door: Sized + Send + Sync {
    /// Records and calls once. `limit` is how long the first piece may take.
    fn call(
        attempts: &mut Attempts<'_>,
        backend: &Backend<Self>,
        reason: &'static str,
        limit: Option<Duration>,
    ) -> impl Future<Output = Result<Begun, Missed>> + Send;

    /// Whether nobody else could do better after this fault.
    fn ends_all(fault: &Fault) -> bool;
}

/// Whether a request may stand in a backend's queue yet.
#[derive(Clone, Copy)]
enum Wait {
    Not,
    InQueue,
}

/// Tries backends in this order. `later` says that another side may be tried after this one.
pub(super) async fn of_side<P: Door>(
    attempts: &mut Attempts<'_>,
    order: Vec<&Arc<Backend<P>>>,
    reason: &'static str,
    later: bool,
) -> Result<Begun, Missed> {
    let mut line: VecDeque<_> =
        order.into_iter().filter(|backend| backend.is_usable()).map(|backend| (backend, Wait::Not)).collect();
    let mut missed = Missed::NoneUsable;
    while let Some((backend, wait)) = line.pop_front() {
        let place = match (backend.gate().try_enter(), wait) {
            (Some(place), _) => place,
            // One with a free place is better than a queue, so queues are joined when every backend was looked at.
            (None, Wait::Not) => {
                line.push_back((backend, Wait::InQueue));
                continue;
            }
            (None, Wait::InQueue) => match within(attempts.deadline(), backend.gate().enter()).await {
                Ok(Ok(place)) => place,
                Ok(Err(Full)) => {
                    metrics::counter!("cordon_backend_full_total", "backend" => backend.name().to_string())
                        .increment(1);
                    missed = missed.or_full(backend.name());
                    continue;
                }
                Err(error) => return Err(Missed::Fatal(error)),
            },
        };
        let others = later || !line.is_empty();
        let mut failures = 0;
        loop {
            if !attempts.may_call() {
                return Err(if matches!(missed, Missed::Failed(_)) { missed } else { attempts.spent() });
            }
            // Others may have found meanwhile that it is not worth a try.
            let Some(admission) = backend.breaker().admit(Instant::now()) else { break };
            let limit = patience::share(attempts.left(), backend.terms().first_token_timeout, others);
            let error = match P::call(attempts, backend, reason, limit).await {
                Ok(begun) => {
                    admission.settle(Sign::Well, Instant::now());
                    return Ok(Begun { place: Some(place), ..begun });
                }
                Err(Missed::Failed(error)) => error,
                // Another backend of the side may be cheaper.
                Err(Missed::OverBudget(overrun)) => {
                    missed = missed.or_over_budget(overrun);
                    break;
                }
                Err(other) => return Err(other),
            };
            let sign = Sign::of(&error.fault);
            if P::ends_all(&error.fault) {
                admission.settle(sign, Instant::now());
                return Err(Missed::Fatal(error.into()));
            }
            failures += 1;
            let retries = backend.terms().retries;
            let pause = patience::pause(&error.fault, failures, retries, attempts.left(), others, attempts.chance());
            // It is not given up yet, so the breaker must not close the way for the retry.
            admission.settle(if pause.is_some() { sign.softened() } else { sign }, Instant::now());
            if pause.is_none()
                && let Some(asked) = error.retry_after()
            {
                backend.breaker().rest(asked, Instant::now());
            }
            missed = Missed::Failed(error);
            let Some(pause) = pause else { break };
            metrics::counter!("cordon_backend_retries_total", "backend" => backend.name().to_string()).increment(1);
            tokio::time::sleep(pause).await;
        }
    }
    Err(missed)
}

impl Door for LocalProvider {
    async fn call(
        attempts: &mut Attempts<'_>,
        backend: &Backend<Self>,
        reason: &'static str,
        limit: Option<Duration>,
    ) -> Result<Begun, Missed> {
        let decision = attempts.decision(Route::Local, backend.name(), backend.model(), reason);
        // Nothing leaves, so the call neither waits for the disk nor depends on it.
        let id = match attempts.append(&decision) {
            Ok(pending) => Some(pending.id()),
            Err(error) => {
                record::missed(&error);
                None
            }
        };
        let text = attempts.local_text();
        let bill = attempts.bill(backend, Route::Local, text.conversation().document().total_bytes());
        let mut open = attempts.open(decision, id).billed(bill);
        open.sends();
        let called = Instant::now();
        let written = open.written();
        let answer = async {
            backend.provider().stream(text, attempts.call()).await.map(|answer| bill::counted(written, answer))
        };
        let answer = first_piece(backend, limit, answer).await;
        attempts.settle(backend, open, answer, called).map_err(Missed::Failed)
    }

    /// The request itself is at fault, or the time is over: another machine would say the same.
    fn ends_all(fault: &Fault) -> bool {
        !fault.another_may_help()
    }
}

impl Door for CloudProvider {
    async fn call(
        attempts: &mut Attempts<'_>,
        backend: &Backend<Self>,
        reason: &'static str,
        limit: Option<Duration>,
    ) -> Result<Begun, Missed> {
        #[cfg(test)]
        if attempts.sabotage() == Sabotage::RecordsAfterEgress {
            return sabotage::call_then_record(attempts, backend, reason, limit).await;
        }
        // The permit alone makes text for the cloud. The plan has no cloud step without it.
        let Some(text) = attempts.cloud_text() else { return Err(Missed::Closed) };
        if attempts.cloud() != Cloud::Open {
            return Err(Missed::Closed);
        }
        let route = text.route();
        let bill = attempts.reserve(backend, &text).map_err(Missed::OverBudget)?;
        let decision = attempts.decision(route, backend.name(), backend.model(), reason);
        let pending = match attempts.append(&decision) {
            Ok(pending) => pending,
            Err(error) => {
                bill.release();
                return Err(Missed::Audit(error));
            }
        };
        let mut open = attempts.open(decision, Some(pending.id())).billed(bill);
        let durable = match within(attempts.deadline(), pending.durable()).await {
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
        // The reservation was on its way to its own file beside the record.
        match within(attempts.deadline(), open.reserved()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                open.fail(error.kind(), reason::BUDGET_UNAVAILABLE);
                return Err(Missed::OverBudget(Overrun::Unrecorded(error)));
            }
            Err(error) => {
                open.fail(OUT_OF_TIME.0, OUT_OF_TIME.1);
                return Err(Missed::Fatal(error));
            }
        }
        // Somebody may have closed the cloud while the disk was written.
        if attempts.cloud() != Cloud::Open {
            open.fail(Kind::Unavailable, reason::CLOUD_CLOSED);
            return Err(Missed::Closed);
        }
        open.sends();
        let called = Instant::now();
        let answer = {
            let answer = backend.provider().stream(text, &durable, attempts.call());
            // What came is counted as it came, not with the values that are put back into it.
            let written = open.written();
            let restored =
                async { answer.await.map(|answer| attempts.restored(route, bill::counted(written, answer))) };
            first_piece(backend, limit, restored).await
        };
        attempts.settle(backend, open, answer, called).map_err(Missed::Failed)
    }

    /// A local backend may take what the cloud rejects.
    fn ends_all(fault: &Fault) -> bool {
        *fault == Fault::Deadline
    }
}

/// Waits for the first piece, no longer than the limit: until then nothing has gone to the caller.
pub(super) async fn first_piece<P>(
    backend: &Backend<P>,
    limit: Option<Duration>,
    opening: impl Future<Output = Result<AnswerStream, ProviderError>>,
) -> Result<(Piece, AnswerStream), ProviderError> {
    let error = |fault| ProviderError { backend: backend.name().clone(), model: backend.model().clone(), fault };
    let first = async {
        let mut stream = opening.await?;
        match stream.next().await {
            Some(Ok(piece)) => Ok((piece, stream)),
            Some(Err(error)) => Err(error),
            // A stream ends by a finish or an error; this arm is for a defect.
            None => Err(error(Fault::EndedEarly)),
        }
    };
    match limit {
        None => first.await,
        Some(limit) => tokio::time::timeout(limit, first).await.unwrap_or_else(|_| Err(error(Fault::Late(limit)))),
    }
}
