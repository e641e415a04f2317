//! Reading the log from its oldest record to its newest: for replay, reports and export, which look at all of it once.
//!
//! A scan ends where the log ended when it began, so that a writer at work does not make it endless, and it holds a few
//! hundred records at a time, each batch from a statement of its own, so that it never keeps the write-ahead log from
//! being emptied. It judges nothing: that is the verifier's work.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::body::{self, Record};
use super::chain::{ChainHash, Head};
use super::list::micros;
use super::row::{self, RecordKind};
use super::store::{RawRow, Reading, Window};
use super::{AuditError, DecisionId};

/// Positions that one statement goes over.
const STRIDE: i64 = 1024;
/// A record can stand this far before one with an earlier time: its time is taken when it is made, its position when it
/// is written, and in between lies the writer's queue.
const DISORDER: i64 = 1 << 14;

/// Which records a scan visits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanRange {
    /// Only records of this time or later, by their own clock.
    pub since: Option<Timestamp>,
    /// Only records before this time. Outcomes are visited beyond it, to the end, because an outcome comes after its
    /// decision: ignore those of decisions that you have not seen.
    pub until: Option<Timestamp>,
    /// Only records after this position; 0 for all.
    pub after_sequence: u64,
}

/// A record as it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRecord {
    /// Position in the log, from 1.
    pub sequence: u64,
    /// Chain hash of the record.
    pub hash: ChainHash,
    /// The record.
    pub record: Record,
}

/// A record that was not decoded yet, so that several threads can do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Position in the log, from 1.
    pub sequence: u64,
    /// What it is.
    pub kind: RecordKind,
    /// Its time in microseconds since 1970.
    pub time_us: i64,
    /// The decision that it is or belongs to; for other kinds its own name.
    pub decision_id: DecisionId,
    /// Chain hash of the record.
    pub hash: ChainHash,
    /// The bytes that are hashed: canonical JSON, see `docs/audit-log.md`.
    pub body: Vec<u8>,
}

impl RawRecord {
    /// Decodes, and refuses bytes that are not in the one form that a record has.
    ///
    /// # Errors
    /// [`AuditError::Damaged`].
    pub fn decode(&self) -> Result<StoredRecord, AuditError> {
        self.stored(body::decode(&self.body).ok())
    }

    /// Decodes without the check of the form, at half the cost: for reading a log that was verified, or need not be.
    ///
    /// # Errors
    /// [`AuditError::Damaged`].
    pub fn decode_quickly(&self) -> Result<StoredRecord, AuditError> {
        self.stored(body::decode_any_form(&self.body).ok())
    }

    fn stored(&self, record: Option<Record>) -> Result<StoredRecord, AuditError> {
        let record = record.ok_or(AuditError::Damaged { sequence: self.sequence })?;
        Ok(StoredRecord { sequence: self.sequence, hash: self.hash, record })
    }

    pub(super) fn of(row: RawRow) -> Result<Self, AuditError> {
        let sequence = u64::try_from(row.sequence).unwrap_or(0);
        let parts =
            (row::kind_of(row.kind), DecisionId::from_slice(&row.decision_id), ChainHash::from_slice(&row.hash));
        let (Some(kind), Some(decision_id), Some(hash)) = parts else { return Err(AuditError::Damaged { sequence }) };
        Ok(Self { sequence, kind, time_us: row.time_us, decision_id, hash, body: row.body })
    }
}

/// The extent of a log in one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Position of the oldest record that is there; 0 in an empty log.
    pub first: u64,
    /// Position of the newest.
    pub last: u64,
    /// Records.
    pub records: u64,
}

/// What a scan went over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The end of the log when the scan began; nothing after it was visited.
    pub end: Head,
    /// Records visited.
    pub visited: u64,
}

/// Visits the records of the range, oldest first.
pub(super) fn scan(
    reading: &mut Reading,
    range: &ScanRange,
    visit: &mut dyn FnMut(RawRecord) -> ControlFlow<()>,
) -> Result<Scanned, AuditError> {
    let bounds = reading.bounds()?;
    let end = bounds.head.unwrap_or(Head::EMPTY);
    let last = i64::try_from(end.sequence).unwrap_or(i64::MAX).min(bounds.last);
    let (since_us, until_us) = (range.since.map(micros), range.until.map(micros));
    let mut after = i64::try_from(range.after_sequence).unwrap_or(i64::MAX).max(bounds.first.saturating_sub(1));
    if let Some(since_us) = since_us {
        let first = reading.first_since(since_us)?.unwrap_or(last.saturating_add(1));
        after = after.max(first.saturating_sub(DISORDER));
    }
    let mut visited = 0;
    while after < last {
        let window = Window { after, last: after.saturating_add(STRIDE).min(last), since_us, until_us };
        let mut failed = None;
        let whole = reading.window(&window, &mut |row| match RawRecord::of(row) {
            Ok(record) => {
                visited += 1;
                visit(record)
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !whole {
            break;
        }
        after = window.last;
    }
    Ok(Scanned { end, visited })
}
