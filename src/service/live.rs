//! The report of now, for the console and for `GetReport`. A report reads the whole range, so one is made at a time, in a
//! bounded time, and one that is still true is not made again.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::core::Core;
use super::error::Refusal;
use crate::audit::AuditError;
use crate::error::Kind;
use crate::report::{Range, Report, Standing};

/// Longest time that a page waits for its report, and for its turn.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest time that a verification may take while a page waits.
const VERIFY_FOR: Duration = Duration::from_secs(5);
/// How long a verification counts as that of now, and how long one that took too long is not tried again.
const VERIFIED_FOR: Duration = Duration::from_secs(60);
const GIVEN_UP_FOR: Duration = Duration::from_secs(900);
/// Reports that are kept.
const KEPT: usize = 4;
/// How long a question waits for records on their way to the disk.
const SETTLE: Duration = Duration::from_secs(2);

/// Reports and the last verification.
#[derive(Debug)]
pub(super) struct Live {
    turn: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// With how many records the log had then.
    reports: VecDeque<(u64, Arc<Report>)>,
    standing: Option<(Instant, Duration, Standing)>,
}

impl Default for Live {
    fn default() -> Self {
        Self { turn: Semaphore::new(1), kept: Mutex::default() }
    }
}

impl Live {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whole after every statement, so a panic elsewhere does not spoil it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The report on this range.
    pub(super) async fn report(&self, core: &Core, range: Range) -> Result<Arc<Report>, Refusal> {
        if range.is_empty() {
            let message = "the range ends before it begins; choose a later end";
            return Err(Refusal::field("until", "OUT_OF_RANGE", message));
        }
        let overloaded = || Refusal::overloaded("reports");
        let turn = tokio::time::timeout(PATIENCE, self.turn.acquire()).await;
        let _turn = turn.map_err(|_| overloaded())?.map_err(|_| overloaded())?;
        // A log that cannot be written must still be readable, so the wait is short and its end is no error.
        let _ = tokio::time::timeout(SETTLE, core.audit.flush()).await;
        let written = core.audit.stats().written;
        let known = self.kept().reports.iter().find(|(at, known)| *at == written && known.range == range).cloned();
        let standing = self.standing(core).await;
        if let Some((_, known)) = known {
            let same = known.verification == standing;
            return Ok(if same { known } else { Arc::new(Report { verification: standing, ..Report::clone(&known) }) });
        }
        let reader = core.audit.reader().clone();
        let making = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            Report::of(&reader, range, standing, &mut |_| until(started, PATIENCE))
        });
        let died =
            || Refusal::new(Kind::Internal, "INTERNAL", "the report ended early; this is a defect of the service");
        let report = making.await.map_err(|_| died())?.map_err(|error| match error {
            AuditError::Cancelled => Refusal::new(
                Kind::ResourceExhausted,
                "REPORT_TOO_LARGE",
                "there are too many decisions in this range to count while a page waits; choose a shorter range, or run \
                 `cordon audit report`",
            ),
            error => Refusal::from(error),
        })?;
        let report = Arc::new(report);
        let mut kept = self.kept();
        kept.reports.retain(|(at, known)| *at == written && known.range != range);
        kept.reports.truncate(KEPT - 1);
        kept.reports.push_front((written, Arc::clone(&report)));
        Ok(report)
    }

    /// What the verifier says, if it can say it soon.
    async fn standing(&self, core: &Core) -> Standing {
        if let Some((at, good_for, standing)) = &self.kept().standing
            && at.elapsed() < *good_for
        {
            return standing.clone();
        }
        let started = Instant::now();
        let verified = core.audit.reader().verify_async(Vec::new(), move |_| until(started, VERIFY_FOR)).await;
        let (standing, good_for) = match &verified {
            Err(AuditError::Cancelled) => (
                Standing::not_verified(
                    "the log is too long to verify while a page waits; `cordon audit verify` does it, also while the \
                     service runs",
                ),
                GIVEN_UP_FOR,
            ),
            verified => (Standing::from_result(verified), VERIFIED_FOR),
        };
        self.kept().standing = Some((Instant::now(), good_for, standing.clone()));
        standing
    }
}

fn until(started: Instant, patience: Duration) -> ControlFlow<()> {
    if started.elapsed() < patience { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
