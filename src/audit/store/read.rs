//! The reading side of the store. A reading connection never writes, and each statement ends soon, so that a long
//! verification does not keep the write-ahead log from being emptied.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use crate::audit::chain::Head;
use crate::audit::files::Layout;
use crate::audit::row::{CHANGE, Columns, OUTCOME, Row};
use crate::audit::{AuditError, DecisionId, Label};

use super::choice::with_outcomes;
use super::{append, own, sqlite};

pub(super) const COLUMNS: &str =
    "r.sequence, r.kind, r.decision_id, r.time_us, r.level, r.route, r.caller, r.request_id, r.hash, r.body";

/// One reading connection.
pub(in crate::audit) struct Reading {
    pub(super) connection: Connection,
}

/// What the database says of its own extent, in one moment.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Bounds {
    /// The head row; `None` if it is missing.
    pub(in crate::audit) head: Option<Head>,
    /// Position of the oldest record; 0 if there is none.
    pub(in crate::audit) first: i64,
    /// Position of the newest record; 0 if there is none.
    pub(in crate::audit) last: i64,
    /// Records.
    pub(in crate::audit) count: u64,
}

/// A decision's row, with that of its outcome.
pub(in crate::audit) type Found = (Row, Option<Row>);

/// A row with what a scan needs of it.
#[derive(Debug)]
pub(in crate::audit) struct RawRow {
    pub(in crate::audit) sequence: i64,
    pub(in crate::audit) kind: i64,
    pub(in crate::audit) decision_id: Vec<u8>,
    pub(in crate::audit) time_us: i64,
    pub(in crate::audit) hash: Vec<u8>,
    pub(in crate::audit) body: Vec<u8>,
}

/// Positions after `after` and up to `last`, and the times of what is wanted of them. Outcomes have no upper bound.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Window {
    pub(in crate::audit) after: i64,
    pub(in crate::audit) last: i64,
    pub(in crate::audit) since_us: Option<i64>,
    pub(in crate::audit) until_us: Option<i64>,
}

impl Reading {
    pub(in crate::audit) fn open(layout: &Layout, busy: Duration) -> Result<Self, AuditError> {
        if !layout.database.exists() {
            return Err(AuditError::Missing { directory: layout.directory.clone() });
        }
        Ok(Self { connection: sqlite::open_reader(&layout.database, busy)? })
    }

    /// The extent of the log.
    pub(in crate::audit) fn bounds(&mut self) -> Result<Bounds, AuditError> {
        let read = |connection: &mut Connection| -> rusqlite::Result<Bounds> {
            let transaction = connection.transaction()?;
            let head = append::head_row(&transaction)?;
            let first =
                transaction.query_row("SELECT coalesce(min(sequence), 0) FROM records", [], |row| row.get(0))?;
            let last = transaction.query_row("SELECT coalesce(max(sequence), 0) FROM records", [], |row| row.get(0))?;
            let count: i64 = transaction.query_row("SELECT count(*) FROM records", [], |row| row.get(0))?;
            Ok(Bounds { head, first, last, count: u64::try_from(count).unwrap_or(0) })
        };
        read(&mut self.connection).map_err(|error| reading(&error, 1))
    }

    /// Visits up to `limit` rows after `after` and up to `last`, oldest first. Says where it came.
    pub(in crate::audit) fn scan(
        &self,
        after: i64,
        last: i64,
        limit: u32,
        visit: &mut dyn FnMut(&Row) -> ControlFlow<()>,
    ) -> Result<Option<i64>, AuditError> {
        let mut at = None;
        let damaged = |at: Option<i64>| u64::try_from(at.unwrap_or(after).saturating_add(1)).unwrap_or(1);
        let sql = format!(
            "SELECT {COLUMNS} FROM records r WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(|error| reading(&error, damaged(at)))?;
        let mut rows = statement.query((after, last, limit)).map_err(|error| reading(&error, damaged(at)))?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row_of(row, 0),
                Ok(None) => return Ok(at),
                Err(error) => Err(error),
            }
            .map_err(|error| reading(&error, damaged(at)))?;
            at = Some(row.sequence);
            if visit(&row).is_break() {
                return Ok(at);
            }
        }
    }

    /// Position of the first decision of this time or later. It runs over an index, and over positions alone.
    pub(in crate::audit) fn first_since(&self, time_us: i64) -> Result<Option<i64>, AuditError> {
        let sql = "SELECT min(sequence) FROM records WHERE kind = 1 AND time_us >= ?1";
        let read = || self.connection.prepare_cached(sql)?.query_row([time_us], |row| row.get(0));
        read().map_err(|error| reading(&error, 0))
    }

    /// Visits the rows of a window, oldest first. Says whether it came to its end.
    pub(in crate::audit) fn window(
        &self,
        window: &Window,
        visit: &mut dyn FnMut(RawRow) -> ControlFlow<()>,
    ) -> Result<bool, AuditError> {
        let sql = format!(
            "SELECT sequence, kind, decision_id, time_us, hash, body FROM records
             WHERE sequence > ?1 AND sequence <= ?2 AND time_us >= ?3 AND (time_us < ?4 OR kind = {OUTCOME})
             ORDER BY sequence"
        );
        let Window { after, last, since_us, until_us } = *window;
        let mut at = after;
        let position = |at: i64| u64::try_from(at.saturating_add(1)).unwrap_or(1);
        let failed = |at: i64| move |error: rusqlite::Error| reading(&error, position(at));
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed(at))?;
        let bounds = (after, last, since_us.unwrap_or(i64::MIN), until_us.unwrap_or(i64::MAX));
        let mut rows = statement.query(bounds).map_err(failed(at))?;
        while let Some(row) = rows.next().map_err(failed(at))? {
            let row = raw_row(row).map_err(failed(at))?;
            at = row.sequence;
            if visit(row).is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Position of the newest checkpoint before which no decision is of this time or later.
    pub(in crate::audit) fn checkpoint_before(&self, time_us: i64) -> Result<Option<u64>, AuditError> {
        let found = own::checkpoint_before(&self.connection, time_us).map_err(|error| reading(&error, 0))?;
        Ok(found.and_then(|(position, _)| u64::try_from(position).ok()))
    }

    /// The newest changes, at most so many. There are few, and no index for them: this reads through the log.
    pub(in crate::audit) fn changes(&self, limit: u32) -> Result<Vec<Row>, AuditError> {
        let sql = format!("SELECT {COLUMNS} FROM records r WHERE kind = {CHANGE} ORDER BY sequence DESC LIMIT ?1");
        let read = || -> rusqlite::Result<Vec<Row>> {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map([limit], |row| row_of(row, 0))?;
            rows.collect()
        };
        read().map_err(|error| reading(&error, 0))
    }

    /// One decision with its outcome.
    pub(in crate::audit) fn find(&self, id: DecisionId) -> Result<Option<Found>, AuditError> {
        let sql = format!("{} WHERE r.decision_id = ?1 AND r.kind = 1", with_outcomes());
        let read = || self.connection.prepare_cached(&sql)?.query_row([id.as_bytes().as_slice()], found).optional();
        read().map_err(|error| reading(&error, 0))
    }

    /// Position of the newest record; 0 if there is none.
    pub(in crate::audit) fn newest_sequence(&self) -> Result<u64, AuditError> {
        let sql = "SELECT coalesce(max(sequence), 0) FROM records";
        let read = || self.connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
        read().map(|last| u64::try_from(last).unwrap_or(0)).map_err(|error| reading(&error, 1))
    }

    /// The name that the log got when it was made; `None` if it is from before there were names.
    pub(in crate::audit) fn log_id(&self) -> Option<Label> {
        let read = self.connection.query_row("SELECT id FROM log WHERE only = 1", [], |row| row.get::<_, String>(0));
        read.ok().map(|id| Label::token(&id))
    }

    /// Position and body of the newest record of a kind above 2, which are few and have an index.
    pub(in crate::audit) fn newest(&self, kind: i64) -> Result<Option<(u64, Vec<u8>)>, AuditError> {
        own::newest(&self.connection, kind).map_err(|error| reading(&error, 1))
    }

    /// What SQLite finds wrong in the file, indexes included; `None` if nothing.
    pub(in crate::audit) fn file_problem(&self) -> Result<Option<String>, AuditError> {
        let answer: rusqlite::Result<String> =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
        match answer {
            Ok(answer) if answer == "ok" => Ok(None),
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_damage(&error) => Ok(Some(error.to_string())),
            Err(error) => Err(reading(&error, 0)),
        }
    }

    /// Whether tables, indexes and triggers are as this program makes them.
    pub(in crate::audit) fn has_expected_schema(&self) -> Result<bool, AuditError> {
        sqlite::has_expected_schema(&self.connection).map_err(|error| reading(&error, 0))
    }
}

pub(super) fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
    let outcome = row.get::<_, Option<i64>>(10)?.map(|_| row_of(row, 10)).transpose()?;
    Ok((row_of(row, 0)?, outcome))
}

fn raw_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RawRow> {
    Ok(RawRow {
        sequence: row.get(0)?,
        kind: row.get(1)?,
        decision_id: row.get(2)?,
        time_us: row.get(3)?,
        hash: row.get(4)?,
        body: row.get(5)?,
    })
}

fn row_of(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Row> {
    Ok(Row {
        sequence: row.get(first)?,
        columns: Columns {
            kind: row.get(first + 1)?,
            decision_id: row.get(first + 2)?,
            time_us: row.get(first + 3)?,
            level: row.get(first + 4)?,
            route: row.get(first + 5)?,
            caller: row.get(first + 6)?,
            request_id: row.get(first + 7)?,
        },
        hash: row.get(first + 8)?,
        body: row.get(first + 9)?,
    })
}

/// Whether the content of the file is at fault, not the machine.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..))
}

/// `sequence` is the record that was being read, or 0 where that is not known.
pub(super) fn reading(error: &rusqlite::Error, sequence: u64) -> AuditError {
    if is_damage(error) && sequence > 0 {
        AuditError::Damaged { sequence }
    } else {
        AuditError::Store { doing: "cannot read", reason: error.to_string().into() }
    }
}
