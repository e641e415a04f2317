//! The writer: one thread that takes records from the queue, writes all that wait in one transaction, and answers each
//! when the disk has them. Under load one flush to the disk so serves many records; alone, a record waits for nobody.
//!
//! When a commit fails, every record of it is answered with the error, and the writer forgets its connection and the
//! head it had in mind; the next try opens the database again and goes on from what is there. While nothing comes, it
//! tries by itself now and then, so that a service that stopped taking requests learns when it can go on.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::files::{HeadFile, Layout};
use super::pending::Answer;
use super::queue::{Queue, Taken, Weight};
use super::row::Columns;
use super::store::{Insert, Session};
use super::upkeep::Upkeep;
use super::{AuditError, DecisionId};

/// A record in the queue.
pub(super) struct Entry {
    pub(super) id: DecisionId,
    pub(super) columns: Columns,
    pub(super) body: Vec<u8>,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Weight for Entry {
    fn bytes(&self) -> usize {
        self.body.len()
    }
}

impl Insert for Entry {
    fn decision_id(&self) -> DecisionId {
        self.id
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}

/// What the log and its writer both see.
pub(super) struct Shared {
    pub(super) queue: Queue<Entry>,
    /// Whether the last write reached the disk.
    pub(super) healthy: AtomicBool,
    /// Records written, records that failed with their commit, and commits, since the log was opened.
    pub(super) written: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) commits: AtomicU64,
    /// Size limit in bytes; [`NO_LIMIT`] for none.
    pub(super) max_bytes: AtomicU64,
}

/// Stands for no size limit.
pub(super) const NO_LIMIT: u64 = u64::MAX;

/// The writer's own things.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) layout: Layout,
    pub(super) busy: Duration,
    pub(super) max_batch_entries: usize,
    pub(super) max_batch_bytes: usize,
    pub(super) retry_every: Duration,
    pub(super) head_file: HeadFile,
    /// How many records were answered.
    pub(super) answered: watch::Sender<u64>,
    /// Held as long as the writer lives.
    pub(super) lock: File,
    pub(super) upkeep: Upkeep,
}

/// Nobody may wait for a writer that is gone, however it went.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.healthy.store(false, Ordering::Release);
        self.0.queue.close();
        // Dropping an entry answers it: its receiver sees the sender go.
        while let Taken::Entries(_) = self.0.queue.take(usize::MAX, usize::MAX, Some(Duration::ZERO)) {}
    }
}

impl Writer {
    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, session: Session) {
        let _guard = CloseOnDrop(Arc::clone(&self.shared));
        let mut session = Some(session);
        loop {
            let healthy = self.shared.healthy.load(Ordering::Acquire);
            let patience = match healthy {
                true => self.upkeep.patience(session.as_ref().map(Session::head)),
                false => Some(self.retry_every),
            };
            match self.shared.queue.take(self.max_batch_entries, self.max_batch_bytes, patience) {
                Taken::Entries(batch) => self.write(&mut session, batch),
                Taken::Nothing if healthy => {}
                Taken::Nothing => self.probe(&mut session),
                Taken::Closed => break,
            }
            self.keep_up(&mut session, Upkeep::run);
        }
        self.keep_up(&mut session, Upkeep::close);
        if let Some(Err(error)) = session.map(Session::close) {
            tracing::warn!(%error, "the audit log was closed with its write-ahead log in place");
        }
        drop(self.lock);
    }

    fn write(&self, session: &mut Option<Session>, batch: Vec<Entry>) {
        let result = self.opened(session).and_then(|session| {
            let results = session.commit(&batch)?;
            Ok((results, session.head()))
        });
        let count = batch.len() as u64;
        match result {
            Ok((results, head)) => {
                // Behind is allowed, so a head file that cannot be written fails nothing.
                if let Err(error) = self.head_file.write(&head) {
                    tracing::warn!(%error, "the head file of the audit log is behind");
                }
                let written = results.iter().filter(|result| result.is_ok()).count() as u64;
                self.shared.written.fetch_add(written, Ordering::Relaxed);
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                self.set_healthy(true);
                for (entry, result) in batch.into_iter().zip(results) {
                    // Whoever left does not want the answer.
                    let _ = entry.answer.send(result);
                }
            }
            Err(error) => {
                *session = None;
                self.shared.failed.fetch_add(count, Ordering::Relaxed);
                self.set_healthy(false);
                tracing::error!(%error, records = count, "the audit log could not be written");
                for entry in batch {
                    let _ = entry.answer.send(Err(error.clone()));
                }
            }
        }
        self.answered.send_modify(|answered| *answered += count);
    }

    /// Does what is due beside writing, if writing works.
    fn keep_up(
        &mut self,
        session: &mut Option<Session>,
        work: fn(&mut Upkeep, &mut Session) -> Result<(), AuditError>,
    ) {
        let Some(open) = session.as_mut().filter(|_| self.shared.healthy.load(Ordering::Acquire)) else { return };
        let before = open.head();
        let result = work(&mut self.upkeep, open);
        let head = open.head();
        if head != before
            && let Err(error) = self.head_file.write(&head)
        {
            tracing::warn!(%error, "the head file of the audit log is behind");
        }
        if let Err(error) = result {
            *session = None;
            self.set_healthy(false);
            tracing::error!(%error, "the audit log could not be signed or shortened");
        }
    }

    fn probe(&self, session: &mut Option<Session>) {
        match self.opened(session).and_then(Session::probe) {
            Ok(()) => self.set_healthy(true),
            Err(error) => {
                tracing::debug!(%error, "the audit log still cannot be written");
                *session = None;
            }
        }
    }

    /// The session, opened anew after a failure, under the size limit of now.
    fn opened<'s>(&self, session: &'s mut Option<Session>) -> Result<&'s mut Session, AuditError> {
        let current = match session.take() {
            Some(current) => current,
            None => Session::open(&self.layout, self.busy)?,
        };
        let limit = self.shared.max_bytes.load(Ordering::Acquire);
        let limited = current.limit_size((limit != NO_LIMIT).then_some(limit));
        let current = session.insert(current);
        limited.map(|()| current)
    }

    fn set_healthy(&self, healthy: bool) {
        if self.shared.healthy.swap(healthy, Ordering::AcqRel) != healthy && healthy {
            tracing::info!("the audit log can be written again");
        }
    }
}
