//! Threads that run the model: one session each, one window at a time, out of one bounded queue. On a CPU that beats
//! batching, because no window is padded to the length of another.
//!
//! A lane must never take the service down or swallow a window: a panic is answered and the model built anew, a lane
//! that hangs is replaced, a window whose caller left or whose deadline passed is not run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::engine::{Engine, Fault, Job};
use super::{ModelFactory, NerError, TokenClassifier};

/// Hung threads that are left behind, for each lane, before the service stops replacing them: each keeps its session.
const MOST_ABANDONED_PER_LANE: usize = 4;
/// Dead lanes come back no faster than this.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// How long shutdown waits for windows that are being run.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A window and where its outcome goes.
pub(super) struct Ticket {
    pub(super) job: Job,
    pub(super) reply: oneshot::Sender<Result<super::cache::Outcome, Fault>>,
}

struct Shared {
    engine: Engine,
    factory: ModelFactory,
    queue: Mutex<mpsc::Receiver<Ticket>>,
    live: AtomicUsize,
    closing: AtomicBool,
    epoch: Instant,
}

/// What a lane shows of itself.
#[derive(Default)]
struct Pulse {
    /// Milliseconds since the epoch, plus one, at which it took its window; 0 while it has none.
    busy_since: AtomicU64,
    /// Nobody waits for it any more.
    abandoned: AtomicBool,
}

struct Lane {
    thread: JoinHandle<()>,
    pulse: Arc<Pulse>,
}

struct Crew {
    lanes: Vec<Lane>,
    abandoned: usize,
    started: usize,
    last_restart: Instant,
}

/// The lanes and their queue.
pub(super) struct Lanes {
    shared: Arc<Shared>,
    sender: Mutex<Option<mpsc::Sender<Ticket>>>,
    crew: Mutex<Crew>,
    wanted: usize,
    hang_after: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lanes {
    /// Starts the lanes and waits until each has its model.
    pub(super) fn start(
        engine: Engine,
        factory: ModelFactory,
        wanted: usize,
        queue: usize,
        hang_after: Duration,
    ) -> Result<Self, NerError> {
        let (sender, receiver) = mpsc::channel(queue);
        let now = Instant::now();
        let shared = Arc::new(Shared {
            engine,
            factory,
            queue: Mutex::new(receiver),
            live: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            epoch: now,
        });
        let crew = Crew { lanes: Vec::with_capacity(wanted), abandoned: 0, started: 0, last_restart: now };
        let lanes = Self { shared, sender: Mutex::new(Some(sender)), crew: Mutex::new(crew), wanted, hang_after };
        let (ready, reports) = std::sync::mpsc::channel();
        {
            let mut crew = lock(&lanes.crew);
            for _ in 0..wanted {
                lanes.spawn(&mut crew, Some(ready.clone()))?;
            }
        }
        drop(ready);
        for report in reports {
            report?;
        }
        // A lane whose thread died without a word has dropped its end.
        if lanes.live() < wanted {
            return Err(NerError::Model("a lane panicked while it loaded the model".into()));
        }
        Ok(lanes)
    }

    fn spawn(
        &self,
        crew: &mut Crew,
        ready: Option<std::sync::mpsc::Sender<Result<(), NerError>>>,
    ) -> Result<(), NerError> {
        let pulse = Arc::new(Pulse::default());
        // Counted before it runs, so that nobody believes in between that no lane is left.
        let alive = Alive::new(Arc::clone(&self.shared), Arc::clone(&pulse));
        let thread = std::thread::Builder::new()
            .name(format!("cordon-ner-{}", crew.started))
            .spawn(move || {
                let model = build(&alive.shared.factory);
                match (model, ready) {
                    (Ok(model), ready) => {
                        drop(ready.map(|ready| ready.send(Ok(()))));
                        work(&alive.shared, &alive.pulse, model);
                    }
                    (Err(error), Some(ready)) => drop(ready.send(Err(error))),
                    (Err(error), None) => tracing::error!(%error, "a replaced ner lane has no model"),
                }
            })
            .map_err(NerError::Thread)?;
        crew.started += 1;
        crew.lanes.push(Lane { thread, pulse });
        Ok(())
    }

    /// Where windows are queued; `None` after shutdown.
    pub(super) fn sender(&self) -> Option<mpsc::Sender<Ticket>> {
        lock(&self.sender).clone()
    }

    /// Lanes that take windows.
    pub(super) fn live(&self) -> usize {
        self.shared.live.load(Ordering::Acquire)
    }

    /// Lanes that there should be.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// The queue's engine, for what needs no model.
    pub(super) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Replaces lanes that hang or died. Called when a window failed, so a healthy service never pays for it.
    pub(super) fn tend(&self) {
        if self.shared.closing.load(Ordering::Acquire) {
            return;
        }
        let mut crew = lock(&self.crew);
        let now = millis(self.shared.epoch.elapsed());
        let limit = millis(self.hang_after);
        let mut given_up = 0;
        for lane in &crew.lanes {
            let since = lane.pulse.busy_since.load(Ordering::Acquire);
            if since != 0 && now.saturating_sub(since - 1) > limit && !lane.pulse.abandoned.swap(true, Ordering::AcqRel)
            {
                given_up += 1;
                self.shared.live.fetch_sub(1, Ordering::AcqRel);
                tracing::error!("a ner lane hangs; it is given up");
            }
        }
        crew.abandoned += given_up;
        crew.lanes.retain(|lane| !lane.thread.is_finished() && !lane.pulse.abandoned.load(Ordering::Acquire));
        let may_restart = crew.last_restart.elapsed() >= RESTART_PAUSE || given_up > 0;
        if crew.abandoned > MOST_ABANDONED_PER_LANE * self.wanted || !may_restart {
            return;
        }
        while crew.lanes.len() < self.wanted {
            crew.last_restart = Instant::now();
            tracing::warn!("a ner lane is started again");
            if let Err(error) = self.spawn(&mut crew, None) {
                tracing::error!(%error, "a ner lane could not be started again");
                return;
            }
        }
    }

    /// Takes no more windows, answers those that wait, and joins the lanes. A lane that hangs is left behind.
    pub(super) async fn shutdown(&self) {
        self.shared.closing.store(true, Ordering::Release);
        drop(lock(&self.sender).take());
        let lanes = std::mem::take(&mut lock(&self.crew).lanes);
        let until = Instant::now() + SHUTDOWN_GRACE;
        for lane in lanes {
            while !lane.thread.is_finished() && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            if lane.thread.is_finished() {
                drop(lane.thread.join());
            } else {
                tracing::error!("a ner lane did not stop; it is left behind");
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Counts a lane as long as its thread runs and is not given up. The last one to go answers whoever still waits.
struct Alive {
    shared: Arc<Shared>,
    pulse: Arc<Pulse>,
}

impl Alive {
    fn new(shared: Arc<Shared>, pulse: Arc<Pulse>) -> Self {
        shared.live.fetch_add(1, Ordering::AcqRel);
        Self { shared, pulse }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // A lane that was given up is not counted any more.
        if self.pulse.abandoned.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.shared.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Dropping a ticket tells its caller that the lane is gone.
            let mut queue = lock(&self.shared.queue);
            while queue.try_recv().is_ok() {}
        }
    }
}

fn build(factory: &ModelFactory) -> Result<Box<dyn TokenClassifier>, NerError> {
    catch_unwind(AssertUnwindSafe(|| factory())).unwrap_or_else(|_| Err(NerError::Model("loading it panicked".into())))
}

/// The life of a lane.
fn work(shared: &Shared, pulse: &Pulse, mut model: Box<dyn TokenClassifier>) {
    loop {
        let ticket = lock(&shared.queue).blocking_recv();
        let Some(Ticket { job, reply }) = ticket else { return };
        if reply.is_closed() {
            continue;
        }
        if shared.closing.load(Ordering::Acquire) {
            drop(reply.send(Err(Fault::ShutDown)));
            continue;
        }
        pulse.busy_since.store(millis(shared.epoch.elapsed()) + 1, Ordering::Release);
        let outcome = catch_unwind(AssertUnwindSafe(|| shared.engine.run(&job, model.as_mut())));
        pulse.busy_since.store(0, Ordering::Release);
        // The caller's text goes before its caller is woken.
        drop(job);
        let panicked = outcome.is_err();
        drop(reply.send(outcome.unwrap_or(Err(Fault::Panicked))));
        if pulse.abandoned.load(Ordering::Acquire) {
            return;
        }
        if panicked {
            // What a panic left behind in a session is unknown.
            match build(&shared.factory) {
                Ok(fresh) => model = fresh,
                Err(error) => {
                    tracing::error!(%error, "a ner lane panicked and has no new model");
                    return;
                }
            }
        }
    }
}
