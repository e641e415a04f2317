//! What the writer does beside writing: checkpoints when they are due, and the removal of old records. It runs between
//! two batches and does a little at a time, so that a request never waits for more than that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::chain::Head;
use super::retention::{Removal, Wish};
use super::signer::Signer;
use super::store::Session;
use super::{AuditError, Label, words};

/// How often the configured age is looked at.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Who removes what the configuration calls too old.
const KEEP_DAYS: &str = "keep_days";

/// Wishes of other threads to the writer.
#[derive(Debug)]
pub(super) struct Wishes(Mutex<Option<Vec<Wish>>>);

impl Wishes {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Wish>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a wish over, or refuses it when the writer is gone.
    pub(super) fn add(&self, wish: Wish) {
        match &mut *self.lock() {
            Some(wishes) => wishes.push(wish),
            None => wish.tell(Err(AuditError::Closed)),
        }
    }

    fn take(&self) -> Option<Wish> {
        self.lock().as_mut()?.pop()
    }

    /// Refuses what waits and all that comes.
    pub(super) fn close(&self) {
        for wish in self.lock().take().unwrap_or_default() {
            wish.tell(Err(AuditError::Closed));
        }
    }
}

impl Drop for Upkeep {
    /// Nobody may wait for a writer that is gone, however it went.
    fn drop(&mut self) {
        self.wishes.close();
    }
}

/// See above.
#[derive(Debug)]
pub(super) struct Upkeep {
    signer: Option<Signer>,
    removal: Option<Removal>,
    wishes: Arc<Wishes>,
    keep_days: Option<u32>,
    look_at: Instant,
}

impl Upkeep {
    pub(super) fn new(signer: Option<Signer>, wishes: Arc<Wishes>, keep_days: Option<u32>) -> Self {
        Self { signer, removal: None, wishes, keep_days, look_at: Instant::now() }
    }

    /// How long the writer may wait for records before it has to come here.
    pub(super) fn patience(&self, head: Option<Head>) -> Option<Duration> {
        if self.removal.is_some() {
            return Some(Duration::ZERO);
        }
        let due = self.signer.as_ref().zip(head).and_then(|(signer, head)| signer.due_in(head));
        let look = self.keep_days.map(|_| self.look_at.saturating_duration_since(Instant::now()));
        [due, look].into_iter().flatten().min()
    }

    /// Goes on with a removal that was interrupted.
    pub(super) fn resume(&mut self, session: &Session) -> Result<(), AuditError> {
        self.removal = Removal::unfinished(session)?;
        Ok(())
    }

    /// Does what is due. An error means that the database could not be written.
    pub(super) fn run(&mut self, session: &mut Session) -> Result<(), AuditError> {
        let Some(signer) = &mut self.signer else {
            while let Some(wish) = self.wishes.take() {
                wish.tell(Err(AuditError::Unsigned));
            }
            return Ok(());
        };
        signer.notice(session.head());
        if signer.due_in(session.head()) == Some(Duration::ZERO) {
            signer.checkpoint(session, None)?;
        }
        if self.removal.is_none() {
            self.removal = match self.next_wish() {
                Some(wish) => match Removal::plan(session, wish) {
                    Ok(removal) => removal,
                    Err(error) => return unless_damaged(error),
                },
                None => None,
            };
        }
        let Some(removal) = &mut self.removal else { return Ok(()) };
        let Some(signer) = &mut self.signer else { return Ok(()) };
        let result = removal.step(session, signer);
        if !matches!(result, Ok(true))
            && let Some(removal) = self.removal.take()
        {
            removal.finish(result.clone().map(|_| ()));
        }
        result.map(|_| ()).or_else(unless_damaged)
    }

    /// Does what must be done before the log is closed.
    pub(super) fn close(&mut self, session: &mut Session) -> Result<(), AuditError> {
        match &mut self.signer {
            Some(signer) if signer.has_work(session.head()) => signer.checkpoint(session, None).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn next_wish(&mut self) -> Option<Wish> {
        if let Some(wish) = self.wishes.take() {
            return Some(wish);
        }
        let days = self.keep_days.filter(|_| Instant::now() >= self.look_at)?;
        self.look_at = Instant::now().checked_add(DAY).unwrap_or(self.look_at);
        Some(Wish { keep_from: before_days(days), by: Label::new(KEEP_DAYS), answer: None })
    }
}

/// The time so many days ago.
fn before_days(days: u32) -> Timestamp {
    words::now().checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

/// A log that does not verify stays as it is and is still written; only a failing store stops the writer.
fn unless_damaged(error: AuditError) -> Result<(), AuditError> {
    if matches!(error, AuditError::Damaged { .. }) { Ok(()) } else { Err(error) }
}
