//! The shipper: one thread that reads what the local log has and the fleet's log lacks, and sends it on in batches.
//!
//! It keeps no queue and no position of its own. Where it stands is asked of the database at each connection, and
//! compared with the local log: the record at that position must be the same in both. So a connection that broke in the
//! middle of a commit, a database that came back from an older copy, a replica that was killed: each is the usual case.
//! A chain that two processes write under one name is found at the same place, and nothing more is sent.
//!
//! It must never hold up the writer, and never send what does not follow from the record before it.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::status::Board;
use super::{ChainHead, FleetConfig, FleetError, FleetHeads, FleetStatus, ReplicaId};
use crate::audit::chain::{ChainHash, Head};
use crate::audit::files::{HeadFile, Layout, RememberedHead};
use crate::audit::row::Row;
use crate::audit::store::{Connector, Reading, Shipping};
use crate::audit::{AuditError, Record};

/// Most records in one batch, and about the most bytes.
const BATCH_RECORDS: u32 = 512;
const BATCH_BYTES: usize = 4 << 20;
/// Pauses between tries: the first, the longest, and that after what only an operator can mend.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const LASTING_PAUSE: Duration = Duration::from_secs(30);
/// How often a connection that has nothing to do is tried, so that its end is known before it is needed.
const PING: Duration = Duration::from_secs(10);
/// How long a start waits to hear whether the database can be used. Without an answer the service starts.
const START: Duration = Duration::from_secs(12);

/// Hands a record to the writer of the local log; whether it was taken.
pub(in crate::audit) type Append = Box<dyn Fn(Record) -> bool + Send>;

/// The handle of the thread.
pub(in crate::audit) struct Shipper {
    stop: watch::Sender<Option<Instant>>,
    status: watch::Receiver<FleetStatus>,
    thread: Mutex<Option<JoinHandle<()>>>,
    drain: Duration,
}

impl Shipper {
    /// Starts the thread and waits for its first connection: what only an operator can mend is an error now; a database
    /// that is away is none. `written` changes with every commit to the local log.
    pub(in crate::audit) fn start(
        config: &FleetConfig,
        layout: &Layout,
        busy: Duration,
        written: watch::Receiver<u64>,
        append: Append,
    ) -> Result<Self, AuditError> {
        let connector = Connector::new(config)?;
        let reading = Reading::open(layout, busy)?;
        let chain: Option<ReplicaId> = reading.log_id().and_then(|id| id.as_str().parse().ok());
        let chain = chain.ok_or(AuditError::Internal("the log has no name"))?;
        let shipped = HeadFile::open(&layout.shipped)?;
        if HeadFile::read(&layout.shipped)? == RememberedHead::Absent {
            // From now on retention removes nothing that the fleet's log does not have.
            shipped.write(&Head::EMPTY)?;
        }
        let (board, status) = Board::new(chain.to_string(), Arc::clone(connector.store()));
        let (stop, stopped) = watch::channel(None);
        let work = Work {
            connector,
            chain,
            layout: layout.clone(),
            busy,
            reading: Some(reading),
            shipped,
            written,
            stopped,
            board,
            append,
            heads: Vec::new(),
            heads_due: Instant::now(),
            heads_every: config.heads_every,
            warned: false,
        };
        let (first, answer) = sync_channel(1);
        let runtime = super::reader::runtime()?;
        let thread = std::thread::Builder::new()
            .name("cordon-shipper".to_owned())
            .spawn(move || {
                runtime.block_on(work.run(first));
                runtime.shutdown_background();
            })
            .map_err(|error| AuditError::io("cannot start the shipper for", &layout.database, error))?;
        first_answer(&answer)?;
        Ok(Self { stop, status, thread: Mutex::new(Some(thread)), drain: config.drain })
    }

    pub(in crate::audit) fn status(&self) -> watch::Receiver<FleetStatus> {
        self.status.clone()
    }

    /// Lets the shipper send what waits, for as long as the configuration says, and ends it.
    pub(in crate::audit) async fn close(&self) {
        self.stop.send_replace(Some(Instant::now() + self.drain));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread ends at the deadline whatever the database does.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        let status = self.status.borrow().clone();
        if status.backlog() > 0 {
            let waiting = status.backlog();
            tracing::warn!(waiting, "records are not in the fleet's log yet; they follow at the next start");
        }
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.stop.send_if_modified(|stop| {
            let open = stop.is_none();
            *stop = stop.or(Some(Instant::now()));
            open
        });
    }
}

fn first_answer(answer: &Receiver<Result<(), FleetError>>) -> Result<(), FleetError> {
    match answer.recv_timeout(START) {
        Ok(Err(error)) if error.lasting() => Err(error),
        Ok(_) | Err(RecvTimeoutError::Timeout) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => Err(FleetError::Local("the shipper died".into())),
    }
}

/// The thread's own things.
struct Work {
    connector: Connector,
    chain: ReplicaId,
    layout: Layout,
    busy: Duration,
    reading: Option<Reading>,
    /// What the fleet's log had when it was last heard of, for retention; it may be behind.
    shipped: HeadFile,
    written: watch::Receiver<u64>,
    stopped: watch::Receiver<Option<Instant>>,
    board: Board,
    append: Append,
    /// The other chains' heads that this chain has written down.
    heads: Vec<ChainHead>,
    heads_due: Instant,
    heads_every: Duration,
    /// Whether the operator heard that the user may delete.
    warned: bool,
}

impl Work {
    async fn run(mut self, first: SyncSender<Result<(), FleetError>>) {
        let stopped = self.stopped.clone();
        tokio::select! {
            () = self.send_for_ever(first) => {}
            () = deadline(stopped) => {}
        }
    }

    async fn send_for_ever(&mut self, first: SyncSender<Result<(), FleetError>>) {
        let mut first = Some(first);
        let mut open: Option<Shipping> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let opened = match open.take() {
                Some(shipping) => Ok(shipping),
                None => self.open().await,
            };
            if let Some(first) = first.take() {
                let _ = first.send(opened.as_ref().map(|_| ()).map_err(Clone::clone));
            }
            let done = match opened {
                Ok(shipping) => self.send_all(shipping).await,
                Err(error) => Err(error),
            };
            let stopping = self.stopped.borrow().is_some();
            match done {
                Ok(shipping) => {
                    self.board.works();
                    pause = FIRST_PAUSE;
                    if stopping {
                        return;
                    }
                    open = Some(shipping);
                    self.wait_for_work().await;
                }
                Err(error) => {
                    // Whatever the connection and the local log were at, both are opened anew.
                    self.reading = None;
                    self.show_backlog(None);
                    self.board.fails(&error);
                    if stopping {
                        return;
                    }
                    let wait = if error.lasting() { LASTING_PAUSE } else { spread(pause) };
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    tokio::select! {
                        () = sleep(wait) => {}
                        _ = self.stopped.changed() => {}
                    }
                }
            }
        }
    }

    /// Connects, and compares the end of the chain there with the local log.
    async fn open(&mut self) -> Result<Shipping, FleetError> {
        let shipping = Shipping::open(&self.connector, self.chain).await?;
        let there = shipping.head();
        let chain = self.chain;
        let reading = self.reading()?;
        let newest = newest(reading)?;
        if there.sequence > newest {
            return Err(FleetError::Behind { chain: chain.to_string(), local: newest, fleet: there.sequence });
        }
        if there.sequence > 0
            && let Some(here) = hash_at(reading, there.sequence)?
            && here != there.hash
        {
            return Err(FleetError::Forked { chain: chain.to_string(), sequence: there.sequence });
        }
        if let Ok(RememberedHead::At(before)) = HeadFile::read(&self.layout.shipped)
            && before.sequence > there.sequence
        {
            let (from, to) = (there.sequence.saturating_add(1), before.sequence);
            tracing::warn!(
                from,
                to,
                "the fleet's log lost records that it had, as after a failover; they are sent again"
            );
        }
        if shipping.may_delete() && !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                "the user of the fleet's log may delete from it; give replicas one that may only insert and select"
            );
        }
        self.remember(there);
        Ok(shipping)
    }

    /// Sends all that waits, and what the others' heads are when that is due.
    async fn send_all(&mut self, mut shipping: Shipping) -> Result<Shipping, FleetError> {
        loop {
            let batch = self.batch(shipping.head())?;
            let oldest = batch.first().map(|row| row.columns.time_us);
            let newest = newest(self.reading()?)?;
            self.board.at(shipping.head().sequence, newest, oldest);
            if batch.is_empty() {
                break;
            }
            shipping.insert(&batch).await?;
            self.remember(shipping.head());
            self.board.sent(batch.len() as u64);
            self.board.works();
        }
        if self.heads_due <= Instant::now() && self.stopped.borrow().is_none() {
            self.note_heads(&shipping).await?;
        } else if !matches!(self.written.has_changed(), Ok(true)) {
            shipping.ping().await?;
        }
        Ok(shipping)
    }

    fn remember(&self, head: Head) {
        // Behind is allowed: then retention removes less.
        if let Err(error) = self.shipped.write(&head) {
            tracing::warn!(%error, "the position in the fleet's log is not remembered");
        }
    }

    /// Writes the other chains' heads into this one; the record goes the way of every other.
    async fn note_heads(&mut self, shipping: &Shipping) -> Result<(), FleetError> {
        let heads = shipping.other_heads(&self.heads).await?;
        // A full queue is no reason to fail: the next time comes.
        if !heads.is_empty() && (self.append)(Record::Heads(Box::new(FleetHeads::now(heads.clone())))) {
            self.heads.retain(|known| heads.iter().all(|head| head.chain != known.chain));
            self.heads.extend(heads);
        }
        self.heads_due = Instant::now() + spread(self.heads_every);
        Ok(())
    }

    async fn wait_for_work(&mut self) {
        let nothing_comes = async {
            sleep_until(self.heads_due.min(Instant::now() + PING)).await;
        };
        let written = async {
            // The writer ended: the stop comes next.
            if self.written.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = written => {}
            () = nothing_comes => {}
            _ = self.stopped.changed() => {}
        }
    }

    /// The next records after `head`, whose hashes follow from it.
    fn batch(&mut self, head: Head) -> Result<Vec<Row>, FleetError> {
        let chain = self.chain;
        let mut rows: Vec<Row> = Vec::new();
        let mut bytes = 0_usize;
        let after = i64::try_from(head.sequence).unwrap_or(i64::MAX);
        let scanned = self.reading()?.scan(after, i64::MAX, BATCH_RECORDS, &mut |row| {
            bytes = bytes.saturating_add(row.body.len());
            if bytes > BATCH_BYTES && !rows.is_empty() {
                return ControlFlow::Break(());
            }
            rows.push(row.clone());
            ControlFlow::Continue(())
        });
        scanned.map_err(local)?;
        let mut at = head;
        for row in &rows {
            let sequence = u64::try_from(row.sequence).unwrap_or(0);
            let next = at.then(&row.body);
            if sequence != next.sequence && head == Head::EMPTY && at == head {
                // A log that was pruned before it joined the fleet begins with a checkpoint, which signs what was there.
                tracing::warn!(first = sequence, "the chain begins in the fleet's log after records that were removed");
                let hash = ChainHash::from_slice(&row.hash).ok_or(FleetError::Broken { sequence })?;
                at = Head { sequence, hash };
                continue;
            }
            if sequence != next.sequence {
                let to = sequence.saturating_sub(1);
                return Err(FleetError::Gap { chain: chain.to_string(), from: next.sequence, to });
            }
            if ChainHash::from_slice(&row.hash) != Some(next.hash) {
                return Err(FleetError::Broken { sequence });
            }
            at = next;
        }
        Ok(rows)
    }

    fn reading(&mut self) -> Result<&mut Reading, FleetError> {
        let reading = match self.reading.take() {
            Some(reading) => reading,
            None => Reading::open(&self.layout, self.busy).map_err(local)?,
        };
        Ok(self.reading.insert(reading))
    }

    /// How much waits, also while nobody can be asked what the database has.
    fn show_backlog(&mut self, oldest_us: Option<i64>) {
        let shipped = self.board.shipped();
        if let Ok(newest) = self.reading().and_then(|reading| newest(reading)) {
            self.board.at(shipped, newest, oldest_us);
        }
    }
}

/// Resolves at the deadline of a stop.
async fn deadline(mut stopped: watch::Receiver<Option<Instant>>) {
    let at = stopped.wait_for(Option::is_some).await.ok().and_then(|at| *at);
    // Without one nobody holds the handle any more.
    if let Some(at) = at {
        sleep_until(at).await;
    }
}

fn local(error: AuditError) -> FleetError {
    FleetError::Local(error.to_string().into())
}

fn newest(reading: &Reading) -> Result<u64, FleetError> {
    reading.newest_sequence().map_err(local)
}

fn hash_at(reading: &Reading, sequence: u64) -> Result<Option<ChainHash>, FleetError> {
    let Ok(at) = i64::try_from(sequence) else { return Ok(None) };
    let mut hash = None;
    let scanned = reading.scan(at - 1, at, 1, &mut |row| {
        hash = ChainHash::from_slice(&row.hash);
        ControlFlow::Break(())
    });
    scanned.map_err(local)?;
    Ok(hash)
}

/// Up to a quarter more, so that a fleet does not come back all at once.
fn spread(pause: Duration) -> Duration {
    let mut bytes = [0_u8; 1];
    let _ = getrandom::fill(&mut bytes);
    let share = f64::from(u8::from_le_bytes(bytes)) / 1024.0;
    pause.mul_f64(1.0 + share)
}
