//! What the log reads and does of its own accord: its name, its checkpoints, and the removal of old records.

use rusqlite::{Connection, OptionalExtension};

use crate::audit::body::{self, Record};
use crate::audit::{AuditError, Checkpoint, Label};

use super::Session;
use super::append::failed;

/// Takes position, hash and body of a record, and says whether it wants more.
type Visit<'a> = dyn FnMut(u64, &[u8], &[u8]) -> bool + 'a;

/// Position and body of the newest record of a kind above 2. The second condition lets SQLite use the partial index
/// (<https://sqlite.org/partialindex.html>).
pub(super) fn newest(connection: &Connection, kind: i64) -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
    let sql = "SELECT sequence, body FROM records WHERE kind = ?1 AND kind > 2 ORDER BY sequence DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([kind], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?;
    Ok(found.map(|(sequence, body)| (u64::try_from(sequence).unwrap_or(0), body)))
}

/// Position and body of the newest checkpoint before which no decision is of this time or later.
pub(super) fn checkpoint_before(connection: &Connection, time_us: i64) -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
    let sql = "SELECT min(sequence) FROM records WHERE kind = 1 AND time_us >= ?1";
    let kept: Option<i64> = connection.query_row(sql, [time_us], |row| row.get(0))?;
    let sql = "SELECT sequence, body FROM records WHERE kind = 4 AND kind > 2 AND sequence <= ?1
               ORDER BY sequence DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    connection.query_row(sql, [kept.unwrap_or(i64::MAX)], row).optional()
}

impl Session {
    /// The name that the log got when it was made.
    pub(in crate::audit) fn log_id(&self) -> Result<Label, AuditError> {
        let read = || self.connection.query_row("SELECT id FROM log WHERE only = 1", [], |row| row.get::<_, String>(0));
        read().map(|id| Label::token(&id)).map_err(|error| failed(&error))
    }

    /// Position of the oldest record; 0 if there is none.
    pub(in crate::audit) fn first(&self) -> Result<u64, AuditError> {
        let sql = "SELECT coalesce(min(sequence), 0) FROM records";
        let first: i64 = self.connection.query_row(sql, [], |row| row.get(0)).map_err(|error| failed(&error))?;
        Ok(u64::try_from(first).unwrap_or(0))
    }

    /// Position and body of the newest record of a kind that has an index: one above 2.
    pub(in crate::audit) fn newest(&self, kind: i64) -> Result<Option<(u64, Vec<u8>)>, AuditError> {
        newest(&self.connection, kind).map_err(|error| failed(&error))
    }

    /// Visits the bodies of a kind above 2 after a position, oldest first, as long as `visit` says so.
    pub(in crate::audit) fn each(
        &self,
        kind: i64,
        after: u64,
        visit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), AuditError> {
        let sql = "SELECT body FROM records WHERE kind = ?1 AND kind > 2 AND sequence > ?2 ORDER BY sequence";
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query((kind, i64::try_from(after).unwrap_or(i64::MAX)))?;
            while let Some(row) = rows.next()? {
                if !visit(row.get_ref(0)?.as_blob()?) {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| failed(&error))
    }

    /// Visits position, hash and body of the records after `after` and up to `last`, as long as `visit` says so.
    pub(in crate::audit) fn bodies(&self, after: u64, last: u64, visit: &mut Visit<'_>) -> Result<(), AuditError> {
        let sql = "SELECT sequence, hash, body FROM records WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence";
        let bound = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query((bound(after), bound(last)))?;
            while let Some(row) = rows.next()? {
                let sequence = u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0);
                if !visit(sequence, row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?) {
                    break;
                }
            }
            Ok(())
        };
        read().map_err(|error| failed(&error))
    }

    /// The newest checkpoint before which no decision is of this time or later, with its position.
    pub(in crate::audit) fn checkpoint_before(&self, time_us: i64) -> Result<Option<(u64, Checkpoint)>, AuditError> {
        let found = checkpoint_before(&self.connection, time_us).map_err(|error| failed(&error))?;
        let Some((position, body)) = found else { return Ok(None) };
        let position = u64::try_from(position).unwrap_or(0);
        match body::decode(&body) {
            Ok(Record::Checkpoint(checkpoint)) => Ok(Some((position, *checkpoint))),
            _ => Err(AuditError::Damaged { sequence: position }),
        }
    }

    /// Lets records up to this position be deleted.
    pub(in crate::audit) fn allow_removal(&self, last: u64) -> Result<(), AuditError> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let done = self.connection.execute("UPDATE log SET removed = ?1 WHERE only = 1", [last]);
        done.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Deletes the records up to this position.
    pub(in crate::audit) fn remove_up_to(&self, last: u64) -> Result<(), AuditError> {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let done = self.connection.execute("DELETE FROM records WHERE sequence > 0 AND sequence <= ?1", [last]);
        done.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Gives up to so many free pages back to the system. Says how many are left; 0 for a log that was made without the
    /// means for it, whose free pages take new records instead.
    pub(in crate::audit) fn give_back(&self, pages: u32) -> Result<u64, AuditError> {
        let read = || -> rusqlite::Result<u64> {
            let value = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            if value("auto_vacuum")? == 0 {
                return Ok(0);
            }
            let mut statement = self.connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
            let mut rows = statement.query([])?;
            // Each row is a page.
            while rows.next()?.is_some() {}
            Ok(u64::try_from(value("freelist_count")?).unwrap_or(0))
        };
        read().map_err(|error| failed(&error))
    }

    /// Writes the database anew without its free pages, if it was made without the means to give them back one by one.
    /// Needs room for a second copy, and nobody can write meanwhile.
    pub(in crate::audit) fn compact(&self) -> Result<(), AuditError> {
        let work = || -> rusqlite::Result<()> {
            let vacuum: i64 = self.connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
            if vacuum == 0 {
                self.connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
                self.connection.execute_batch("VACUUM")?;
            }
            Ok(())
        };
        work().map_err(|error| failed(&error))
    }
}
