//! The reading side of the store. A reading connection never writes, and each statement ends soon, so that a long
//! verification does not keep the write-ahead log from being emptied.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params_from_iter};

use crate::audit::chain::Head;
use crate::audit::files::Layout;
use crate::audit::row::{CHANGE, Columns, OUTCOME, Row};
use crate::audit::{AuditError, DecisionId, Label};

use super::{append, own, sqlite};

const COLUMNS: &str =
    "r.sequence, r.kind, r.decision_id, r.time_us, r.level, r.route, r.caller, r.request_id, r.hash, r.body";

/// One reading connection.
pub(in crate::audit) struct Reading {
    connection: Connection,
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

/// A page ends early when its bodies have more bytes than this, to bound memory.
pub(in crate::audit) const PAGE_BYTES: usize = 16 << 20;

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

/// Which decisions are wanted, as far as the store can tell.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Choice {
    pub(in crate::audit) level: Option<i64>,
    pub(in crate::audit) route: Option<i64>,
    pub(in crate::audit) caller: Option<String>,
    pub(in crate::audit) request_id: Option<String>,
    pub(in crate::audit) since_us: Option<i64>,
    pub(in crate::audit) until_us: Option<i64>,
    /// Bytes that stand in the body.
    pub(in crate::audit) needles: Vec<Vec<u8>>,
}

/// Code of the one route that has an index.
const TO_CLOUD: i64 = 2;

impl Choice {
    /// Whether a column leaves some decisions out.
    pub(in crate::audit) fn is_selective(&self) -> bool {
        self.level.is_some() || self.route.is_some() || self.caller.is_some() || self.request_id.is_some()
    }

    /// Whether an index leads to what fits.
    pub(in crate::audit) fn has_index(&self) -> bool {
        self.caller.is_some() || self.request_id.is_some() || self.route == Some(TO_CLOUD)
    }
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

    /// First and last position of what the choice's times allow; `None` if that is nothing.
    pub(in crate::audit) fn span(&self, choice: &Choice) -> Result<Option<(u64, u64)>, AuditError> {
        let edge = |all: &str, bounded: &str, time_us: Option<i64>| -> rusqlite::Result<Option<i64>> {
            match time_us {
                None => self.connection.query_row(all, [], |row| row.get(0)),
                Some(time_us) => self.connection.query_row(bounded, [time_us], |row| row.get(0)),
            }
        };
        let read = || -> rusqlite::Result<(Option<i64>, Option<i64>)> {
            let since = "SELECT min(sequence) FROM records WHERE kind = 1 AND time_us >= ?1";
            let until = "SELECT max(sequence) FROM records WHERE kind = 1 AND time_us < ?1";
            Ok((
                edge("SELECT min(sequence) FROM records", since, choice.since_us)?,
                edge("SELECT max(sequence) FROM records", until, choice.until_us)?,
            ))
        };
        let (Some(low), Some(high)) = read().map_err(|error| reading(&error, 0))? else { return Ok(None) };
        let position = |at: i64| u64::try_from(at).unwrap_or(0);
        Ok(Some((position(low), position(high))).filter(|(low, high)| low <= high))
    }

    /// Up to `limit` decisions from `floor` on and before `before`, newest first, with their outcomes, and whether there
    /// are more of them.
    pub(in crate::audit) fn newest_first(
        &self,
        choice: &Choice,
        floor: u64,
        before: u64,
        limit: u32,
    ) -> Result<(Vec<Found>, bool), AuditError> {
        let (conditions, mut values) = conditions(choice, floor, before);
        values.push(Value::Integer(i64::from(limit).saturating_add(1)));
        // The inner query runs over an index and carries positions alone; only the page's own bodies are read.
        let inner = format!("SELECT sequence FROM records WHERE {conditions} ORDER BY sequence DESC LIMIT ?");
        let read = || -> rusqlite::Result<(Vec<Found>, bool)> {
            let mut statement = self.connection.prepare_cached(&joined(&inner, "DESC"))?;
            let mut rows = statement.query(params_from_iter(values))?;
            let (mut page, mut bytes) = (Vec::new(), 0_usize);
            while let Some(row) = rows.next()? {
                if page.len() >= limit as usize || bytes > PAGE_BYTES {
                    return Ok((page, true));
                }
                let (decision, outcome) = found(row)?;
                bytes = bytes.saturating_add(decision.body.len());
                page.push((decision, outcome));
            }
            Ok((page, false))
        };
        read().map_err(|error| reading(&error, 0))
    }

    /// The decisions from `first` to `last`, oldest first, with their outcomes.
    pub(in crate::audit) fn oldest_first(
        &self,
        choice: &Choice,
        first: u64,
        last: u64,
    ) -> Result<Vec<Found>, AuditError> {
        let (conditions, values) = conditions(choice, first, last.saturating_add(1));
        let read = || -> rusqlite::Result<Vec<Found>> {
            let inner = format!("SELECT sequence FROM records WHERE {conditions}");
            let mut statement = self.connection.prepare_cached(&joined(&inner, "ASC"))?;
            statement.query_map(params_from_iter(values), found)?.collect()
        };
        read().map_err(|error| reading(&error, 0))
    }

    /// Whether there are more from `low` on and before `before`.
    pub(in crate::audit) fn any_before(&self, choice: &Choice, low: u64, before: u64) -> Result<bool, AuditError> {
        let (conditions, values) = conditions(choice, low, before);
        let sql = format!("SELECT 1 FROM records WHERE {conditions} ORDER BY sequence DESC LIMIT 1");
        let read = || self.connection.prepare_cached(&sql)?.exists(params_from_iter(values));
        read().map_err(|error| reading(&error, 0))
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

/// Rows, each with that of its outcome.
fn with_outcomes() -> String {
    format!(
        "SELECT {COLUMNS}, {} FROM records r
         LEFT JOIN records o ON o.decision_id = r.decision_id AND o.kind = {OUTCOME}",
        COLUMNS.replace("r.", "o.")
    )
}

/// The rows of these positions, each with that of its outcome.
fn joined(positions: &str, order: &str) -> String {
    format!("{} WHERE r.sequence IN ({positions}) ORDER BY r.sequence {order}", with_outcomes())
}

/// The condition of a list with its values. `kind` and the route of the index are written out, because a partial index
/// is only used for a condition that SQLite can see (<https://sqlite.org/partialindex.html>).
fn conditions(choice: &Choice, from: u64, before: u64) -> (String, Vec<Value>) {
    let mut sql = String::from("kind = 1 AND sequence >= ? AND sequence < ?");
    let bound = |position: u64| Value::Integer(i64::try_from(position).unwrap_or(i64::MAX));
    let mut values = vec![bound(from), bound(before)];
    let other_route = match choice.route {
        Some(TO_CLOUD) => {
            sql.push_str(" AND route = 2");
            None
        }
        other => other,
    };
    let terms = [
        (" AND route = ?", other_route.map(Value::Integer)),
        (" AND level = ?", choice.level.map(Value::Integer)),
        (" AND caller = ?", choice.caller.clone().map(Value::Text)),
        (" AND request_id = ?", choice.request_id.clone().map(Value::Text)),
        // The unary plus keeps SQLite from the index over times: the positions are bounded by them already.
        (" AND +time_us >= ?", choice.since_us.map(Value::Integer)),
        (" AND +time_us < ?", choice.until_us.map(Value::Integer)),
    ];
    let needles = choice.needles.iter().map(|needle| (" AND instr(body, ?) > 0", Some(Value::Blob(needle.clone()))));
    for (term, value) in terms.into_iter().chain(needles) {
        if let Some(value) = value {
            sql.push_str(term);
            values.push(value);
        }
    }
    (sql, values)
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
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
fn reading(error: &rusqlite::Error, sequence: u64) -> AuditError {
    if is_damage(error) && sequence > 0 {
        AuditError::Damaged { sequence }
    } else {
        AuditError::Store { doing: "cannot read", reason: error.to_string().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SQLite would do for a list with this choice.
    fn plan(choice: &Choice) -> String {
        let directory = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(&directory.path().join("p.db"), Duration::ZERO).unwrap();
        let (conditions, values) = conditions(choice, 1, 9);
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT sequence FROM records WHERE {conditions} ORDER BY sequence DESC LIMIT 51"
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
    }

    #[test]
    fn lists_run_over_an_index_and_sort_nothing() {
        let cloud = Choice { route: Some(2), ..Choice::default() };
        let caller = Choice { caller: Some("c".into()), since_us: Some(1), ..Choice::default() };
        let request = Choice { request_id: Some("r".into()), ..Choice::default() };
        for (choice, index) in
            [(cloud, "records_to_cloud"), (caller, "records_by_caller"), (request, "records_by_request")]
        {
            let plan = plan(&choice);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
        for plain in [Choice::default(), Choice { since_us: Some(1), level: Some(30), ..Choice::default() }] {
            let plan = plan(&plain);
            assert!(plan.contains("PRIMARY KEY") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
