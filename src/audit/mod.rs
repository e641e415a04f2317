//! The audit log: what was decided, by what, and what came of it, in a chain of hashes that shows every change.
//!
//! It owns the record ([`Decision`], [`Outcome`]), the chain, the store and the verifier. It must never hold a caller's
//! text, a found value or a plain hash of either, because the log outlives the request and is read by others; and it
//! must never acknowledge a record that is not on the disk, because a cloud call waits for that ([`Durable`]).
//!
//! A record goes its way file by file: `record.rs` makes it, `body.rs` turns it into bytes, `queue.rs` holds it,
//! `writer.rs` and `store/` write it, `chain.rs` links it, `pending.rs` proves it, `reader.rs` and `list.rs` show it,
//! `verify.rs` checks it.

mod body;
mod chain;
mod change;
mod checkpoint;
mod copies;
mod entities;
mod error;
mod export;
mod files;
mod fleet;
mod key;
mod list;
mod offline;
mod outcome;
mod page;
mod pending;
mod queue;
mod reader;
mod record;
mod retention;
mod row;
mod scan;
mod seals;
mod signer;
mod signing;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod upkeep;
mod verification;
mod verify;
mod words;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use body::{BODY_VERSION, MAX_BODY_BYTES, Record};
pub use chain::{ChainHash, Head};
pub use change::{Change, ChangeKind};
pub use checkpoint::{Checkpoint, Prune};
pub use entities::{EntityCount, MAX_FINDINGS, RecordedFinding, Score};
pub use error::AuditError;
pub use export::{COLUMNS, Column, ColumnKind, DecisionLine, ExportError, ExportFile, ExportFormat, Exporter};
pub use fleet::{
    Answers, ChainHead, ChainVerification, FleetConfig, FleetError, FleetHeads, FleetSection, FleetStatus,
    FleetVerification, Migration, PASSWORD_VARIABLE, ReplicaId, migrate,
};
pub use key::DigestKey;
pub use list::{
    DEFAULT_PAGE_SIZE, DecisionFilter, DecisionPage, MAX_PAGE_SIZE, StoredChange, StoredDecision, StoredOutcome,
};
pub use offline::{compact, rotate_signing_key};
pub use outcome::{FinishReason, Outcome, OutcomeStatus, RecordedConfidence, error_name};
pub use page::StatusFilter;
pub use pending::{Durable, Pending, PendingOutcome};
pub use reader::AuditReader;
pub use record::{
    Decision, DecisionInput, Operation, Provenance, RecordedObservation, RecordedOverride, RecordedReason,
    RecordedRedaction, RecordedTopic, Routing, Timings, tidy_policy,
};
pub use retention::Pruned;
pub use row::RecordKind;
pub use scan::{Extent, RawRecord, ScanRange, Scanned, StoredRecord};
pub use seals::Evidence;
pub use signer::Checkpoints;
pub use signing::{PublicKey, Signature};
pub use statement::{sign_statement, verify_statement};
pub use verification::{CopiesOf, Fault, Problem, Progress, Unproven, Verification, Witness};
pub use words::{DecisionId, Label, MAX_WORD_BYTES, RequestId};

use files::{HeadFile, Layout};
use fleet::{Append, Shipper};
use queue::{Queue, Rank, Refused};
use retention::Wish;
use row::Columns;
use signer::Signer;
use store::Session;
use upkeep::{Upkeep, Wishes};
use writer::{Entry, NO_LIMIT, Shared, Writer};

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// Where its files are: made with mode 0700 if it is not there, refused if others can look into it. On a local
    /// disk: the write-ahead log does not work over a network (<https://sqlite.org/wal.html>).
    pub directory: PathBuf,
    /// Most decisions that wait for the writer; one more is [`AuditError::Full`]. A quarter more is kept for outcomes,
    /// so that new requests do not crowd out the ends of those that were let in.
    pub queue_entries: usize,
    /// Most bytes that wait for the writer.
    pub queue_bytes: usize,
    /// Most records in one commit.
    pub batch_entries: usize,
    /// About the most bytes in one commit.
    pub batch_bytes: usize,
    /// How long to wait for another program that holds the database.
    pub busy_timeout: Duration,
    /// How often to try again by itself after a failed write.
    pub retry_every: Duration,
    /// Largest size of the database file, to keep a disk from filling up; `None` for no limit. At the limit every
    /// append fails, and so does everything that needs a record.
    pub max_bytes: Option<u64>,
    /// When the log is signed; `None` for a log that is not.
    pub checkpoints: Option<Checkpoints>,
    /// Removes decisions that are older than this, once a day, with all that stands before them.
    pub keep_days: Option<u32>,
    /// The fleet's log, to which records go on from here; `None` for a log that is alone.
    pub fleet: Option<FleetConfig>,
}

impl AuditConfig {
    /// The usual bounds, for a log in this directory.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            // About 4000 records wait for less than a second on a slow disk.
            queue_entries: 4096,
            queue_bytes: 64 << 20,
            batch_entries: 512,
            batch_bytes: 8 << 20,
            busy_timeout: Duration::from_secs(5),
            retry_every: Duration::from_secs(1),
            max_bytes: None,
            checkpoints: Some(Checkpoints::default()),
            keep_days: None,
            fleet: None,
        }
    }
}

impl AuditConfig {
    fn layout(&self) -> Layout {
        let mut layout = Layout::of(&self.directory);
        if let Some(key) = self.checkpoints.as_ref().and_then(|checkpoints| checkpoints.key.as_ref()) {
            layout.signing_key.clone_from(key);
        }
        layout
    }
}

/// Counts of one log since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// Records that wait for the writer now.
    pub waiting: u64,
    /// Records written.
    pub written: u64,
    /// Records that failed with their commit.
    pub failed: u64,
    /// Commits that reached the disk.
    pub commits: u64,
}

/// The log, open for writing. One process at a time has it so.
pub struct AuditLog {
    shared: Arc<Shared>,
    answered: watch::Receiver<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
    key: DigestKey,
    reader: AuditReader,
    wishes: Arc<Wishes>,
    fleet: Option<Shipper>,
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditLog").field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Opens the log, makes it if there is none, and starts its writer. Blocks for a few flushes to the disk; with a
    /// fleet until its database answered, for some seconds at most. One that is away does not hold up the start.
    pub fn open(config: AuditConfig) -> Result<Self, AuditError> {
        let layout = config.layout();
        layout.prepare()?;
        let lock = files::lock(&layout)?;
        if layout.database.exists() && !layout.key.exists() {
            tracing::warn!(
                "the digest key of the audit log is gone; digests from now on do not compare with older ones"
            );
        }
        let key = DigestKey::load_or_create(&layout.key)?;
        // SQLite gives the files beside the database the mode of the database.
        drop(files::open_private(&layout.database)?);
        let session = Session::open(&layout, config.busy_timeout)?;
        let head_file = HeadFile::open(&layout.head)?;
        if session.head().sequence > 0 {
            head_file.write(&session.head())?;
        }
        let signer = config.checkpoints.clone().map(|plan| Signer::open(&layout, plan, &session)).transpose()?;
        let wishes = Arc::new(Wishes::new());
        let mut upkeep = Upkeep::new(signer, Arc::clone(&wishes), config.keep_days);
        upkeep.resume(&session)?;
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue_entries.max(1), config.queue_bytes),
            healthy: AtomicBool::new(true),
            written: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            max_bytes: AtomicU64::new(config.max_bytes.unwrap_or(NO_LIMIT)),
        });
        let (sender, answered) = watch::channel(0);
        let writer = Writer {
            shared: Arc::clone(&shared),
            layout: layout.clone(),
            busy: config.busy_timeout,
            max_batch_entries: config.batch_entries.max(1),
            max_batch_bytes: config.batch_bytes,
            retry_every: config.retry_every,
            head_file,
            answered: sender,
            lock,
            upkeep,
        };
        let thread = std::thread::Builder::new()
            .name("cordon-audit".to_owned())
            .spawn(move || writer.run(session))
            .map_err(|error| AuditError::io("cannot start the writer for", &layout.database, error))?;
        let fleet = match &config.fleet {
            Some(fleet) => {
                let queue = Arc::clone(&shared);
                let append: Append = Box::new(move |record| enqueue(&queue, &record, Rank::Last).is_ok());
                let shipper = Shipper::start(fleet, &layout, config.busy_timeout, answered.clone(), append);
                // Without its shipper nobody holds the log, so the writer must end as well.
                Some(shipper.inspect_err(|_| shared.queue.close())?)
            }
            None => None,
        };
        let own = AuditReader::new(layout, config.busy_timeout);
        let reader = match &config.fleet {
            Some(fleet) if fleet.answers == Answers::Fleet => own.with_fleet(fleet)?,
            _ => own,
        };
        Ok(Self { shared, answered, thread: Mutex::new(Some(thread)), key, reader, wishes, fleet })
    }

    /// Opens the log in this directory for reading alone, also while a service writes it.
    pub fn open_read_only(directory: &Path) -> Result<AuditReader, AuditError> {
        AuditReader::open(directory, Duration::from_secs(5))
    }

    /// Opens the log of a fleet for reading: all chains. Blocks.
    pub fn open_fleet(config: &FleetConfig) -> Result<AuditReader, AuditError> {
        AuditReader::open_fleet(config)
    }

    /// How far the fleet's log is behind; `None` for a log that is alone.
    #[must_use]
    pub fn fleet_status(&self) -> Option<watch::Receiver<FleetStatus>> {
        self.fleet.as_ref().map(Shipper::status)
    }

    /// The key that [`Decision::new`] needs.
    #[must_use]
    pub fn digest_key(&self) -> &DigestKey {
        &self.key
    }

    /// Reads the log.
    #[must_use]
    pub fn reader(&self) -> &AuditReader {
        &self.reader
    }

    /// Hands a decision to the writer. Never waits: a full queue is [`AuditError::Full`].
    pub fn append(&self, decision: Decision) -> Result<Pending, AuditError> {
        let id = decision.id;
        let document_id = decision.document_id;
        let ceiling = decision.routing.as_ref().map(|routing| routing.ceiling);
        let answer = self.enqueue(&Record::Decision(Box::new(decision)), Rank::First)?;
        Ok(Pending { id, document_id, ceiling, answer })
    }

    /// Hands the outcome of a decision to the writer. Never waits. A decision has at most one outcome.
    pub fn append_outcome(&self, decision_id: DecisionId, outcome: Outcome) -> Result<PendingOutcome, AuditError> {
        let answer = self.enqueue(&Record::Outcome { decision_id, outcome }, Rank::Last)?;
        Ok(PendingOutcome { answer })
    }

    /// Hands an operator's change to the writer. Never waits.
    pub fn append_change(&self, change: Change) -> Result<PendingOutcome, AuditError> {
        let answer = self.enqueue(&Record::Change(change), Rank::Last)?;
        Ok(PendingOutcome { answer })
    }

    fn enqueue(&self, record: &Record, rank: Rank) -> Result<oneshot::Receiver<pending::Answer>, AuditError> {
        enqueue(&self.shared, record, rank)
    }

    /// Removes what stands before the newest checkpoint that only has older decisions before it than `keep_from`. The
    /// chain stays verifiable from that checkpoint on. `by` is the operator's name; `None`: nothing was old enough.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] when what would be removed does not verify; then all stays.
    pub async fn prune(&self, keep_from: jiff::Timestamp, by: &str) -> Result<Option<Pruned>, AuditError> {
        let (answer, receiver) = oneshot::channel();
        self.wishes.add(Wish { keep_from, by: Label::new(by), answer: Some(answer) });
        self.shared.queue.nudge();
        receiver.await.unwrap_or(Err(AuditError::Closed))
    }

    /// Waits until all that was appended before is written or has failed. Whether it failed is for each [`Pending`] to
    /// say, and for [`Self::healthy`].
    pub async fn flush(&self) -> Result<(), AuditError> {
        let target = self.shared.queue.accepted();
        let mut answered = self.answered.clone();
        answered.wait_for(|answered| *answered >= target).await.map(|_| ()).map_err(|_| AuditError::Closed)
    }

    /// Takes no more records, writes those that wait, and waits for the writer to end.
    pub async fn close(&self) -> Result<(), AuditError> {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        match joined {
            Ok(Ok(())) => {}
            _ => return Err(AuditError::Internal("the writer died")),
        }
        // Last, so that all that was written, the last checkpoint too, can still go on to the fleet's log.
        if let Some(fleet) = &self.fleet {
            fleet.close().await;
        }
        Ok(())
    }

    /// Whether the last write reached the disk and the writer lives.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::Acquire)
    }

    /// What the writer has done and what waits for it.
    #[must_use]
    pub fn stats(&self) -> AuditStats {
        AuditStats {
            waiting: self.shared.queue.waiting() as u64,
            written: self.shared.written.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
            commits: self.shared.commits.load(Ordering::Relaxed),
        }
    }

    /// Changes [`AuditConfig::max_bytes`] while the log is open.
    pub fn set_max_bytes(&self, max_bytes: Option<u64>) {
        self.shared.max_bytes.store(max_bytes.unwrap_or(NO_LIMIT), Ordering::Release);
    }
}

/// Hands a record to the writer.
fn enqueue(shared: &Shared, record: &Record, rank: Rank) -> Result<oneshot::Receiver<pending::Answer>, AuditError> {
    let body = body::encode(record)?;
    let (answer, receiver) = oneshot::channel();
    let entry = Entry { id: record.decision_id(), columns: Columns::of(record), body, answer };
    shared.queue.push(entry, rank).map_err(|refused| match refused {
        Refused::Full { waiting } => AuditError::Full { waiting },
        Refused::Closed => AuditError::Closed,
    })?;
    Ok(receiver)
}

impl Drop for AuditLog {
    /// Lets the writer finish what waits; it does so on its own thread, so that nothing blocks here.
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}
