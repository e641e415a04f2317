//! Reading the log: lists, single decisions, verification. A reader opens the database read-only, so it works while a
//! service writes it, and cannot change it.
//!
//! Reads block, so each comes twice: as a plain function for the command line, and as an `async` one that runs it on
//! Tokio's blocking threads, a few at a time.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::chain::Head;
use super::files::Layout;
use super::fleet::{ChainHead, FleetConfig, FleetReader, FleetVerification, ReplicaId};
use super::list::{DecisionFilter, DecisionPage, StoredChange, StoredDecision};
use super::page;
use super::retention::Pruned;
use super::scan::{self, Extent, RawRecord, ScanRange, Scanned, StoredRecord};
use super::seals::Evidence;
use super::signer;
use super::signing::PublicKey;
use super::store::Reading;
use super::verification::{Progress, Verification};
use super::verify;
use super::{AuditError, DecisionId};

/// Reads at the same time through the `async` functions.
const MAX_READS: usize = 4;

/// A reader of one log. Cheap to clone.
#[derive(Clone)]
pub struct AuditReader {
    inner: Arc<Inner>,
}

struct Inner {
    layout: Layout,
    busy: Duration,
    /// Connections that no read uses now.
    idle: Mutex<Vec<Reading>>,
    permits: Arc<Semaphore>,
    /// Where lists and scans come from instead of the directory.
    fleet: Option<FleetReader>,
    /// Whether there is a log in the directory.
    own: bool,
}

impl std::fmt::Debug for AuditReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditReader").field("directory", &self.inner.layout.directory).finish_non_exhaustive()
    }
}

impl AuditReader {
    pub(super) fn new(layout: Layout, busy: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(MAX_READS));
        let idle = Mutex::new(Vec::new());
        Self { inner: Arc::new(Inner { layout, busy, idle, permits, fleet: None, own: true }) }
    }

    /// The same log, with lists and scans over all chains of its fleet.
    pub(super) fn with_fleet(&self, config: &FleetConfig) -> Result<Self, AuditError> {
        let Self { inner } = Self::new(self.inner.layout.clone(), self.inner.busy);
        Self::joined(inner, config, true)
    }

    /// All chains of a fleet, without a log of one's own. Fails now if they cannot be read. Must not be used on a thread
    /// of an async runtime but through the `async` functions.
    pub(super) fn open_fleet(config: &FleetConfig) -> Result<Self, AuditError> {
        let Self { inner } = Self::new(Layout::of(Path::new("")), Duration::ZERO);
        let reader = Self::joined(inner, config, false)?;
        reader.inner.fleet.as_ref().map_or(Ok(()), FleetReader::check)?;
        Ok(reader)
    }

    fn joined(inner: Arc<Inner>, config: &FleetConfig, own: bool) -> Result<Self, AuditError> {
        let inner = Arc::try_unwrap(inner).map_err(|_| AuditError::Internal("a new reader is in use"))?;
        Ok(Self { inner: Arc::new(Inner { fleet: Some(FleetReader::new(config)?), own, ..inner }) })
    }

    /// Verifies every chain of a fleet, and the chains against each other. `outside` are heads that were kept elsewhere.
    ///
    /// # Errors
    /// When this is no reader of a fleet, or the database cannot be read.
    pub fn verify_fleet(
        &self,
        evidence: &Evidence,
        outside: &[ChainHead],
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<FleetVerification, AuditError> {
        let fleet = self.inner.fleet.as_ref().ok_or(AuditError::Internal("this log is no fleet's"))?;
        fleet.verify(evidence, outside, progress)
    }

    /// The names of the replicas of a fleet, by their chains; empty for a log that is alone.
    pub fn replicas(&self) -> Result<Vec<(ReplicaId, String)>, AuditError> {
        let Some(fleet) = &self.inner.fleet else { return Ok(Vec::new()) };
        Ok(fleet.chains()?.into_iter().map(|chain| (chain.chain, chain.name)).collect())
    }

    /// Opens the log in this directory, and fails now if there is none or it cannot be read.
    pub(super) fn open(directory: &Path, busy: Duration) -> Result<Self, AuditError> {
        let reader = Self::new(Layout::of(directory), busy);
        reader.with(|_| Ok(()))?;
        Ok(reader)
    }

    /// Runs a read on an idle connection, or on a new one.
    fn with<T>(&self, read: impl FnOnce(&mut Reading) -> Result<T, AuditError>) -> Result<T, AuditError> {
        let idle = || self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut reading = match waiting {
            Some(reading) => reading,
            None => Reading::open(&self.inner.layout, self.inner.busy)?,
        };
        let result = read(&mut reading);
        // After an error the connection may be at fault, so the next read opens another.
        if result.is_ok() {
            let mut idle = idle();
            if idle.len() < MAX_READS {
                idle.push(reading);
            }
        }
        result
    }

    /// A page of decisions, newest first. `page_size` 0 means 50, more than 1000 means 1000; a page of very large
    /// records, or with a filter that few records fit, may hold fewer or none and still have a token to go on with. `page_token` is empty for the first page.
    pub fn list(&self, filter: &DecisionFilter, page_token: &str, page_size: u32) -> Result<DecisionPage, AuditError> {
        if let Some(fleet) = &self.inner.fleet {
            return fleet.list(filter, page_token, page_size);
        }
        let before = filter.read_token(page_token)?;
        self.with(|reading| page::page(reading, filter, before, DecisionFilter::page_size(page_size)))
    }

    /// Visits the decisions that fit, oldest first, with the outcomes that they have by then, up to the end that the log
    /// had at the beginning. Holds a few hundred at a time. `progress` gets how many positions are done, of how many.
    pub fn decisions(
        &self,
        filter: &DecisionFilter,
        visit: &mut dyn FnMut(StoredDecision) -> ControlFlow<()>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Scanned, AuditError> {
        if let Some(fleet) = &self.inner.fleet {
            return fleet.decisions(filter, visit, progress);
        }
        self.with(|reading| page::walk(reading, filter, visit, progress))
    }

    /// What [`super::AuditLog::prune`] would remove now; `None` if nothing is old enough.
    pub fn prunable(&self, keep_from: jiff::Timestamp) -> Result<Option<Pruned>, AuditError> {
        let found = self.with(|reading| reading.checkpoint_before(keep_from.as_microsecond()))?;
        let extent = self.extent()?;
        let last = found.map_or(0, |position| position.saturating_sub(1));
        Ok((last >= extent.first && extent.first > 0).then_some(Pruned { first: extent.first, last }))
    }

    /// One decision with its outcome.
    pub fn get(&self, id: DecisionId) -> Result<StoredDecision, AuditError> {
        // The own log first: it has a decision before the fleet's does, and when the database is away.
        let found = if self.inner.own { self.with(|reading| reading.find(id))? } else { None };
        match (found, &self.inner.fleet) {
            (Some(found), _) => StoredDecision::of(found),
            (None, Some(fleet)) => fleet.get(id),
            (None, None) => Err(AuditError::NotFound(id)),
        }
    }

    /// What operators changed, newest first, at most so many.
    pub fn changes(&self, limit: u32) -> Result<Vec<StoredChange>, AuditError> {
        if let Some(fleet) = &self.inner.fleet {
            return fleet.changes(limit);
        }
        self.with(|reading| reading.changes(limit))?.iter().map(StoredChange::of).collect()
    }

    /// Where the log begins and ends now.
    pub fn extent(&self) -> Result<Extent, AuditError> {
        if let Some(fleet) = &self.inner.fleet {
            return fleet.extent();
        }
        let bounds = self.with(Reading::bounds)?;
        let position = |at: i64| u64::try_from(at).unwrap_or(0);
        Ok(Extent { first: position(bounds.first), last: position(bounds.last), records: bounds.count })
    }

    /// Visits every record of the range, decoded and oldest first, up to the end that the log had at the beginning.
    /// Holds a few hundred records at a time. Blocks.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] at a record that is none; what was visited before it was visited.
    pub fn scan(
        &self,
        range: &ScanRange,
        visit: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
    ) -> Result<Scanned, AuditError> {
        let mut failed = None;
        let scanned = self.scan_raw(range, &mut |raw| match raw.decode() {
            Ok(record) => visit(record),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(scanned), Err)
    }

    /// [`Self::scan`] without decoding, which is most of its work and can so be done by several threads.
    pub fn scan_raw(
        &self,
        range: &ScanRange,
        visit: &mut dyn FnMut(RawRecord) -> ControlFlow<()>,
    ) -> Result<Scanned, AuditError> {
        if let Some(fleet) = &self.inner.fleet {
            return fleet.scan_raw(range, visit);
        }
        self.with(|reading| scan::scan(reading, range, visit))
    }

    /// Computes the whole chain anew. `outside` are heads that were kept elsewhere, to prove that nothing was cut off
    /// or made anew; `progress` is called now and then and may stop it, which is [`AuditError::Cancelled`].
    pub fn verify(
        &self,
        outside: &[Head],
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Verification, AuditError> {
        self.verify_against(&Evidence { heads: outside.to_vec(), ..Evidence::default() }, progress)
    }

    /// [`Self::verify`] against all that was kept outside of the log.
    pub fn verify_against(
        &self,
        evidence: &Evidence,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Verification, AuditError> {
        match &self.inner.fleet {
            Some(fleet) if !self.inner.own => Ok(fleet.verify(evidence, &[], progress)?.together()),
            _ => self.with(|reading| verify::verify(reading, &self.inner.layout, evidence, progress)),
        }
    }

    /// The public keys beside the log, the oldest first: those that its checkpoints were signed with.
    pub fn public_keys(&self) -> Result<Vec<PublicKey>, AuditError> {
        signer::read_public_keys(&self.inner.layout.public_key)
    }

    /// [`Self::list`] for async callers.
    pub async fn list_async(
        &self,
        filter: DecisionFilter,
        page_token: String,
        page_size: u32,
    ) -> Result<DecisionPage, AuditError> {
        self.blocking(move |reader| reader.list(&filter, &page_token, page_size)).await
    }

    /// [`Self::get`] for async callers.
    pub async fn get_async(&self, id: DecisionId) -> Result<StoredDecision, AuditError> {
        self.blocking(move |reader| reader.get(id)).await
    }

    /// [`Self::verify`] for async callers. Stops when the returned future is dropped, at the next call of `progress`.
    pub async fn verify_async(
        &self,
        outside: Vec<Head>,
        mut progress: impl FnMut(Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Result<Verification, AuditError> {
        // The sender lives in this future; when that is dropped, the receiver knows.
        let (_alive, left) = tokio::sync::oneshot::channel::<()>();
        let mut left = left;
        self.blocking(move |reader| {
            reader.verify(&outside, &mut |at| match left.try_recv() {
                Err(tokio::sync::oneshot::error::TryRecvError::Closed) => ControlFlow::Break(()),
                _ => progress(at),
            })
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, AuditError> + Send + 'static,
    ) -> Result<T, AuditError> {
        let permit = Arc::clone(&self.inner.permits).acquire_owned().await.map_err(|_| AuditError::Closed)?;
        let reader = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&reader)
        });
        task.await.map_err(|_| AuditError::Internal("a read died"))?
    }
}
