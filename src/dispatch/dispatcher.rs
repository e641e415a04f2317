//! The dispatcher: from a request to a stream of events. One task for each request, bounded by its deadline and ended
//! when the caller leaves; the events go through a small channel, so a slow caller slows the backend down.
//!
//! The verdict is made once and binds everything after it. What leaves for the cloud leaves only from
//! [`attempt`](super::attempt), under a permit and a durable record.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::AuditLog;
use crate::control::Control;
use crate::error::Kind;
use crate::policy::{OverrideDenied, Route, RoutePlan, Waiver};

use super::attempt::Attempts;
use super::backend::Backends;
use super::complexity::{self, Estimate};
use super::error::DispatchError;
use super::escalate;
use super::health;
use super::once::{Claim, Once};
use super::plan::{self, Cloud};
use super::redacted::{self, Redacted, Redaction};
use super::request::{Classify, Event, Judged, Overridden, Request};

/// Events that may wait for the caller. More would only hold the answer in memory.
const WAITING_EVENTS: usize = 16;

/// Sends requests where their verdict allows. Cheap to share by `Arc`.
pub struct Dispatcher {
    shared: Arc<Shared>,
    tracker: TaskTracker,
}

/// What every request uses.
pub(super) struct Shared {
    pub(super) backends: Backends,
    pub(super) audit: Arc<AuditLog>,
    pub(super) classify: Arc<dyn Classify>,
    pub(super) control: Arc<Control>,
    once: Once,
    #[cfg(test)]
    pub(super) sabotage: std::sync::OnceLock<super::sabotage::Sabotage>,
}

impl Shared {
    /// What is known now of the cloud for this caller.
    pub(super) fn cloud(&self, caller: &str) -> Cloud {
        self.cloud_of(&self.backends, caller)
    }

    /// The same of these backends.
    pub(super) fn cloud_of(&self, backends: &Backends, caller: &str) -> Cloud {
        if backends.cloud().is_empty() {
            Cloud::Absent
        } else if self.control.is_cloud_closed_for(caller) {
            Cloud::Closed
        } else {
            Cloud::Open
        }
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("backends", &self.shared.backends)
            .field("cloud_closed", &self.is_cloud_closed())
            .finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Puts the parts together. Each request runs as a task of the tracker, so that a stop can wait for them.
    #[must_use]
    pub fn new(backends: Backends, audit: Arc<AuditLog>, classify: Arc<dyn Classify>, tracker: TaskTracker) -> Self {
        Self::with_control(backends, audit, classify, tracker, Arc::default())
    }

    /// The same, under budgets, limits and a switch.
    #[must_use]
    pub fn with_control(
        backends: Backends,
        audit: Arc<AuditLog>,
        classify: Arc<dyn Classify>,
        tracker: TaskTracker,
        control: Arc<Control>,
    ) -> Self {
        let shared = Shared {
            backends,
            audit,
            classify,
            control,
            once: Once::default(),
            #[cfg(test)]
            sabotage: std::sync::OnceLock::new(),
        };
        Self { shared: Arc::new(shared), tracker }
    }

    /// Breaks this dispatcher on purpose, once.
    #[cfg(test)]
    pub(super) fn sabotage(&self, what: super::sabotage::Sabotage) {
        let _ = self.shared.sabotage.set(what);
    }

    /// Budgets, limits and the switch.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.shared.control
    }

    /// The backends.
    #[must_use]
    pub fn backends(&self) -> &Backends {
        &self.shared.backends
    }

    /// Closes the cloud for everybody, or opens it again, until the end of this process. A call that has begun goes on.
    pub fn set_cloud_closed(&self, closed: bool) {
        self.shared.control.set_closed_for_now(closed);
    }

    /// Whether the cloud is closed for everybody.
    #[must_use]
    pub fn is_cloud_closed(&self) -> bool {
        self.shared.control.closed().everybody
    }

    /// Starts asking those backends that have a `health_interval_ms` whether they are there, until the token is
    /// cancelled. A closed cloud is not asked.
    pub fn watch_health(&self, stopping: &CancellationToken) {
        for backend in self.shared.backends.local() {
            let Some(interval) = backend.terms().health_interval else { continue };
            let (shared, backend, stopping) = (Arc::clone(&self.shared), Arc::clone(backend), stopping.clone());
            self.tracker.spawn(async move {
                health::watch(backend, interval, shared.backends.chance(), stopping, || true).await;
            });
        }
        for backend in self.shared.backends.cloud() {
            let Some(interval) = backend.terms().health_interval else { continue };
            let (shared, backend, stopping) = (Arc::clone(&self.shared), Arc::clone(backend), stopping.clone());
            self.tracker.spawn(async move {
                let open = || !shared.control.closed().everybody;
                health::watch(backend, interval, shared.backends.chance(), stopping, open).await;
            });
        }
    }

    /// Runs a request. Dropping the events ends it and closes the connection to the backend.
    #[must_use]
    pub fn dispatch(&self, request: Request) -> Events {
        // One place more than may wait, kept for the error that ends the stream: it must not wait behind a caller who
        // does not read.
        let (sender, receiver) = mpsc::channel(WAITING_EVENTS + 1);
        let shared = Arc::clone(&self.shared);
        self.tracker.spawn(async move {
            let Ok(last) = sender.reserve().await else { return };
            let run = Run { shared: &shared, request: &request, sender: &sender, started: Instant::now() };
            let ended = tokio::select! {
                ended = run.run() => ended,
                () = sender.closed() => Err(Stop::CallerLeft),
            };
            if let Err(Stop::Failed(error)) = ended {
                last.send(Box::new(Err(error)));
            }
        });
        Events { receiver }
    }
}

/// What goes through the channel of one request. Boxed, because a channel keeps room for 32 of them from the start, and a
/// request may be open for minutes.
type Sent = Box<Result<Event, DispatchError>>;

/// The events of one request.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Sent>,
}

impl Stream for Events {
    type Item = Result<Event, DispatchError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.receiver.poll_recv(context) {
            Poll::Ready(Some(sent)) => Poll::Ready(Some(*sent)),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Why a request ends early.
pub(super) enum Stop {
    /// It failed.
    Failed(DispatchError),
    /// Nobody waits for the answer.
    CallerLeft,
}

impl<E: Into<DispatchError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What became of a caller's wish for a lower level.
type Waived = Result<Option<Waiver>, OverrideDenied>;

/// One request in work.
pub(super) struct Run<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: &'a Request,
    pub(super) sender: &'a mpsc::Sender<Sent>,
    pub(super) started: Instant,
}

impl Run<'_> {
    /// The steps before the answer are boxed: a request spends its life passing the answer on, and should not hold the room
    /// that only they need.
    async fn run(&self) -> Result<(), Stop> {
        let claim = Box::pin(self.claim()).await?;
        let (judged, estimate, plan, waived) = Box::pin(self.judge()).await?;
        self.send(Event::Verdict(Arc::clone(&judged.verdict))).await?;

        let permit = judged.policy.permit(&judged.verdict, &plan, Arc::clone(&self.request.conversation));
        let redacted = match &waived {
            Ok(_) => Box::pin(self.redact(&judged, &plan)).await?,
            // The request ends below.
            Err(_) => None,
        };
        let (permit, redaction) = match &redacted {
            None => (permit, Redaction::None),
            Some(Err(reason)) => (permit, Redaction::Stays(reason)),
            Some(Ok(redacted)) => match redacted::permitted(permit, &plan, &judged, redacted) {
                (permit, Some(reason)) => (permit, Redaction::Stays(reason)),
                (permit, None) => (permit, Redaction::May(redacted)),
            },
        };
        let mut attempts = Attempts::new(self.shared, self.request, &judged, estimate, &plan, &permit, self.started)
            .redacting(redaction);
        let waived = match waived {
            Ok(waiver) => waiver,
            Err(denied) => {
                let error = DispatchError::from(denied);
                attempts.refuse(&error);
                return Err(error.into());
            }
        };
        attempts = attempts.overriding(waived.as_ref().map(|waiver| self.overridden(waiver)));

        if self.request.validate_only {
            return self.send(Event::Decision(attempts.validate())).await;
        }
        let begun = Box::pin(async {
            let begun = attempts.begin().await?;
            escalate::choose(&mut attempts, begun).await
        });
        let answer = begun.await;
        match answer {
            Ok(chosen) => self.relay(chosen, claim).await,
            Err(error) => {
                // What was tried last says more than the error alone.
                if let Some(decision) = attempts.into_last() {
                    self.send(Event::Decision(decision)).await?;
                }
                Err(error.into())
            }
        }
    }

    /// The verdict, and where it sends the request. Where the text would be redacted, every span must be known: the model
    /// runs then, even if the rules alone gave the level.
    async fn judge(&self) -> Result<(Judged, Estimate, RoutePlan, Waived), Stop> {
        let judged = within(self.request.deadline, self.shared.classify.classify(self.request)).await?;
        let estimate = complexity::estimate(&self.request.conversation, self.request.complexity);
        let caller = &self.request.caller;
        let route = |judged: &Judged| {
            let waived = self.waived(judged);
            let waiver = waived.as_ref().ok().and_then(Option::as_ref);
            (judged.policy.route_waived(&judged.verdict, waiver, estimate.complexity, caller), waived)
        };
        let (plan, waived) = route(&judged);
        if plan.preferred() != Route::CloudRedacted || redacted::knows_every_span(&judged) {
            return Ok((judged, estimate, plan, waived));
        }
        let thorough = Request { always_ner: true, ..self.request.clone() };
        let judged = within(self.request.deadline, self.shared.classify.classify(&thorough)).await?;
        let (plan, waived) = route(&judged);
        Ok((judged, estimate, plan, waived))
    }

    /// The leave to treat the text as of the level that the caller asks for, if it asks for one.
    fn waived(&self, judged: &Judged) -> Waived {
        let Some(asked) = &self.request.level_override else { return Ok(None) };
        let has_reason = !asked.reason_code.is_empty();
        judged.policy.waive(&judged.verdict, &self.request.caller, asked.level, has_reason)
    }

    fn overridden(&self, waiver: &Waiver) -> Overridden {
        let reason_code = self.request.level_override.as_ref().map(|asked| Arc::clone(&asked.reason_code));
        Overridden {
            rule: Arc::clone(waiver.rule()),
            from: waiver.from(),
            to: waiver.to(),
            reason_code: reason_code.unwrap_or_default(),
        }
    }

    /// The redacted text, if the plan sends one and a cloud is open for it, or why there is none.
    async fn redact(
        &self,
        judged: &Judged,
        plan: &RoutePlan,
    ) -> Result<Option<Result<Redacted, &'static str>>, DispatchError> {
        // The vector of a redacted text is not that of the text, and cannot be restored.
        if plan.preferred() != Route::CloudRedacted || self.request.embedding.is_some() {
            return Ok(None);
        }
        let cloud = self.shared.cloud(&self.request.caller);
        if cloud != Cloud::Open {
            return Ok(Some(Err(plan::unopened(cloud))));
        }
        redacted::redact(self.request, judged, plan, self.shared.classify.as_ref()).await.map(Some)
    }

    /// Takes the caller's id for this request, or says that it was taken before. A log that cannot be read does not stop
    /// the request: that it runs twice costs more, and leaks nothing.
    async fn claim(&self) -> Result<Option<Claim<'_>>, Stop> {
        let Some(id) = self.request.request_id.as_ref().filter(|_| !self.request.validate_only) else {
            return Ok(None);
        };
        let claim = self.shared.once.claim(&self.request.caller, id)?;
        match within(self.request.deadline, claim.look_up(self.shared.audit.reader())).await? {
            Ok(None) => Ok(Some(claim)),
            Ok(decision) => Err(DispatchError::Answered(decision).into()),
            Err(error) => {
                tracing::warn!(%error, "the log could not say whether a request was answered before; it goes on");
                Ok(Some(claim))
            }
        }
    }

    /// Hands an event to the caller, and waits until there is room for it.
    pub(super) async fn send(&self, event: Event) -> Result<(), Stop> {
        match within(self.request.deadline, self.sender.send(Box::new(Ok(event)))).await? {
            Ok(()) => Ok(()),
            Err(_) => Err(Stop::CallerLeft),
        }
    }
}

/// Waits no longer than the deadline.
pub(super) async fn within<F: Future>(deadline: Instant, future: F) -> Result<F::Output, DispatchError> {
    tokio::time::timeout_at(deadline.into(), future).await.map_err(|_| DispatchError::Deadline)
}

/// Kind and word for a record whose request ran out of time.
pub(super) const OUT_OF_TIME: (Kind, &str) = (Kind::DeadlineExceeded, "DEADLINE_EXCEEDED");
