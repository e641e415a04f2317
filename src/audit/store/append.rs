//! The writing side of the store: one connection, the head of the chain, and commits of many records at once. What the
//! head in memory says is always what the database holds; after any failure a session is thrown away and opened anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};

use crate::audit::chain::{ChainHash, Head};
use crate::audit::files::{HeadFile, Layout, RememberedHead};
use crate::audit::row::{Columns, DECISION, OUTCOME};
use crate::audit::{AuditError, DecisionId};

use super::sqlite;

/// Bytes that a probe writes: more than a usual record, so that a disk that takes it takes records again.
const PROBE_BYTES: i64 = 64 << 10;

/// One record to be written.
pub(in crate::audit) trait Insert {
    fn decision_id(&self) -> DecisionId;
    fn columns(&self) -> &Columns;
    fn body(&self) -> &[u8];
}

/// Where a record stands once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Position {
    pub(in crate::audit) sequence: u64,
    pub(in crate::audit) hash: ChainHash,
}

/// The one writing connection.
pub(in crate::audit) struct Session {
    pub(super) connection: Connection,
    head: Head,
    shipped: PathBuf,
}

impl Session {
    /// Opens the log for writing, and refuses one whose end is not the end that was remembered: to write on would make
    /// the loss the new truth.
    pub(in crate::audit) fn open(layout: &Layout, busy: Duration) -> Result<Self, AuditError> {
        let connection = sqlite::open_writer(&layout.database, busy)?;
        let remembered = HeadFile::read(&layout.head)?;
        let head = checked_end(&connection, &remembered, &layout.directory)?;
        Ok(Self { connection, head, shipped: layout.shipped.clone() })
    }

    /// The newest record.
    pub(in crate::audit) fn head(&self) -> Head {
        self.head
    }

    /// The last record that retention may remove: in a fleet, the newest that the fleet's log has.
    pub(in crate::audit) fn removable(&self) -> Result<u64, AuditError> {
        Ok(match HeadFile::read(&self.shipped)? {
            RememberedHead::Absent => u64::MAX,
            RememberedHead::Unreadable => 0,
            RememberedHead::At(head) => head.sequence,
        })
    }

    /// Lets the database grow to about this size; `None` for no limit.
    pub(in crate::audit) fn limit_size(&self, bytes: Option<u64>) -> Result<(), AuditError> {
        limit_size(&self.connection, bytes).map_err(|error| failed(&error))
    }

    /// Writes all records in one transaction. The outer error means that none is in the log; an inner one, that this
    /// record alone is not.
    pub(in crate::audit) fn commit<I: Insert>(
        &mut self,
        records: &[I],
    ) -> Result<Vec<Result<Position, AuditError>>, AuditError> {
        let (head, results) = write(&mut self.connection, self.head, records).map_err(|error| failed(&error))?;
        self.head = head;
        Ok(results)
    }

    /// Writes and removes some bytes, to find out whether writing works again.
    pub(in crate::audit) fn probe(&mut self) -> Result<(), AuditError> {
        probe(&mut self.connection).map_err(|error| failed(&error))
    }

    /// Brings the write-ahead log into the database, so that a closed log is one file.
    pub(in crate::audit) fn close(self) -> Result<(), AuditError> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(|error| failed(&error))
    }
}

fn limit_size(connection: &Connection, bytes: Option<u64>) -> rusqlite::Result<()> {
    // SQLite's own default, 2^32 - 2 pages (https://sqlite.org/limits.html).
    const MOST_PAGES: i64 = 4_294_967_294;
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages =
        bytes.map_or(MOST_PAGES, |bytes| (i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1)).clamp(1, MOST_PAGES));
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

fn write<I: Insert>(
    connection: &mut Connection,
    mut head: Head,
    records: &[I],
) -> rusqlite::Result<(Head, Vec<Result<Position, AuditError>>)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(records.len());
    for record in records {
        let next = head.then(record.body());
        let result = insert(&transaction, record, &next)?;
        if result.is_ok() {
            head = next;
        }
        results.push(result.map(|()| Position { sequence: next.sequence, hash: next.hash }));
    }
    sqlite::set_head(&transaction, &head)?;
    transaction.commit()?;
    Ok((head, results))
}

fn insert<I: Insert>(transaction: &Transaction<'_>, record: &I, at: &Head) -> rusqlite::Result<Result<(), AuditError>> {
    let columns = record.columns();
    if columns.kind == OUTCOME {
        let known = transaction
            .prepare_cached("SELECT 1 FROM records WHERE decision_id = ?1 AND kind = ?2")?
            .exists((&columns.decision_id, DECISION))?;
        if !known {
            return Ok(Err(AuditError::UnknownDecision(record.decision_id())));
        }
    }
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO records (sequence, kind, decision_id, time_us, level, route, caller, request_id, hash, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            i64::try_from(at.sequence).unwrap_or(i64::MAX),
            columns.kind,
            &columns.decision_id,
            columns.time_us,
            columns.level,
            columns.route,
            &columns.caller,
            &columns.request_id,
            at.hash.as_bytes(),
            record.body(),
        ));
    match inserted {
        Ok(_) => Ok(Ok(())),
        // The statement alone is undone; the transaction goes on.
        Err(error) if is_duplicate(&error) => Ok(Err(AuditError::Duplicate(record.decision_id()))),
        Err(error) => Err(error),
    }
}

fn is_duplicate(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}

fn probe(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT OR REPLACE INTO probe (only, bytes) VALUES (1, zeroblob(?1))", [PROBE_BYTES])?;
    transaction.commit()?;
    connection.execute("DELETE FROM probe", []).map(|_| ())
}

pub(super) fn failed(error: &rusqlite::Error) -> AuditError {
    let advice = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free disk space or raise the size limit of the log; it then goes on by itself",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds the database; end it, and the log goes on by itself"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "make the data directory writable; the log then goes on by itself"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "stop the service, run `cordon audit verify` and restore the log from a copy"
        }
        _ => "look at the disk of the data directory; the log goes on by itself when it works again",
    };
    AuditError::WriteFailed { reason: Arc::from(error.to_string()), advice }
}

/// The newest record, if the head row, the record itself and the head file agree about it.
fn checked_end(connection: &Connection, remembered: &RememberedHead, directory: &Path) -> Result<Head, AuditError> {
    let broken = |problem: String| AuditError::BrokenTail { directory: directory.to_owned(), problem };
    let reading = |error: rusqlite::Error| AuditError::Store { doing: "cannot read", reason: error.to_string().into() };
    let row = head_row(connection).map_err(reading)?.ok_or_else(|| broken("its head row is missing".to_owned()))?;
    let end = match last_record(connection).map_err(reading)? {
        Some((head, follows)) if follows => head,
        Some((head, _)) => return Err(broken(format!("record {} was changed", head.sequence))),
        None => Head::EMPTY,
    };
    if end != row {
        return Err(broken(format!(
            "it ends at record {} and its head row names record {}",
            end.sequence, row.sequence
        )));
    }
    match remembered {
        RememberedHead::At(head) if head.sequence > end.sequence => {
            Err(broken(format!("it ends at record {} and the head file names record {}", end.sequence, head.sequence)))
        }
        RememberedHead::At(head) => match hash_at(connection, head.sequence).map_err(reading)? {
            Some(hash) if hash == head.hash => Ok(end),
            _ => Err(broken(format!("record {} is not the one that the head file names", head.sequence))),
        },
        RememberedHead::Unreadable => {
            tracing::warn!("the head file of the audit log is not readable; a cut of the log before now may go unseen");
            Ok(end)
        }
        RememberedHead::Absent => {
            if end.sequence > 0 {
                tracing::warn!("the head file of the audit log is missing; a cut of the log before now may go unseen");
            }
            Ok(end)
        }
    }
}

/// What the head row says; `None` if it is missing or no head.
pub(super) fn head_row(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    let row: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT sequence, hash FROM head WHERE only = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.and_then(|(sequence, hash)| {
        Some(Head { sequence: u64::try_from(sequence).ok()?, hash: ChainHash::from_slice(&hash)? })
    }))
}

fn hash_at(connection: &Connection, sequence: u64) -> rusqlite::Result<Option<ChainHash>> {
    if sequence == 0 {
        return Ok(Some(ChainHash::GENESIS));
    }
    let Ok(sequence) = i64::try_from(sequence) else { return Ok(None) };
    let hash: Option<Vec<u8>> = connection
        .query_row("SELECT hash FROM records WHERE sequence = ?1", [sequence], |row| row.get(0))
        .optional()?;
    Ok(hash.and_then(|hash| ChainHash::from_slice(&hash)))
}

/// The newest record, and whether its hash follows from the record before it and its body.
fn last_record(connection: &Connection) -> rusqlite::Result<Option<(Head, bool)>> {
    let row: Option<(i64, Vec<u8>, Vec<u8>)> = connection
        .query_row("SELECT sequence, hash, body FROM records ORDER BY sequence DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((sequence, hash, body)) = row else { return Ok(None) };
    let sequence = u64::try_from(sequence).unwrap_or(0);
    let before = hash_at(connection, sequence.saturating_sub(1))?;
    let expected = before.map(|before| before.then(sequence, &body));
    let stored = ChainHash::from_slice(&hash);
    let follows = stored.is_some() && stored == expected;
    Ok(Some((Head { sequence, hash: stored.unwrap_or(ChainHash::GENESIS) }, follows)))
}
