//! The file: an SQLite database of its own, in WAL mode with every commit flushed to the disk
//! (<https://sqlite.org/pragma.html#pragma_synchronous>). It knows sums by the names of budgets and callers, and nothing of requests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::money::Amount;

use super::{ControlError, files};

/// Marks the file as ours (`CRDC`).
const APPLICATION_ID: i64 = 0x4352_4443;

/// Days for which sums are kept: thirteen months.
const KEPT_DAYS: i64 = 400;

/// The steps from one schema version to the next; the number of steps is the version. Never change one that was
/// released: add another.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE spent (
         day    INTEGER NOT NULL,
         budget TEXT    NOT NULL,
         caller TEXT    NOT NULL,
         picos  INTEGER NOT NULL CHECK (picos >= 0),
         PRIMARY KEY (day, budget, caller)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE held (
         id     INTEGER NOT NULL,
         budget TEXT    NOT NULL,
         caller TEXT    NOT NULL,
         day    INTEGER NOT NULL,
         picos  INTEGER NOT NULL CHECK (picos >= 0),
         PRIMARY KEY (id, budget, caller)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE closed (
         caller TEXT PRIMARY KEY
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE bucket (
         name    TEXT    NOT NULL,
         caller  TEXT    NOT NULL,
         unit    TEXT    NOT NULL,
         full_us INTEGER NOT NULL,
         PRIMARY KEY (name, caller, unit)
     ) STRICT, WITHOUT ROWID;"];

/// The name of one sum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) budget: Arc<str>,
    /// Empty if the sum is one for several.
    pub(super) caller: Arc<str>,
}

/// What was spent on a day.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) day: i64,
    pub(super) place: Place,
    pub(super) amount: Amount,
}

/// What was found in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub(super) spent: Vec<Spent>,
    /// For whom the cloud is closed; the empty name stands for everybody.
    pub(super) closed: Vec<Arc<str>>,
    pub(super) buckets: Vec<KeptBucket>,
}

/// How full a bucket is.
#[derive(Clone, Debug)]
pub(super) struct KeptBucket {
    pub(super) limit: Arc<str>,
    pub(super) caller: Arc<str>,
    pub(super) unit: Arc<str>,
    /// When it is full again, in microseconds since 1970.
    pub(super) full_us: i64,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Reserves.
    Hold { id: i64, day: i64, places: Vec<Place>, amount: Amount },
    /// Turns a reservation into what was spent.
    Settle { id: i64, cost: Amount },
    /// Closes the cloud for a caller, or opens it; the empty name stands for everybody.
    Close { caller: Arc<str>, closed: bool },
    /// Replaces what is kept of the buckets; those that are full are left out.
    Buckets(Vec<KeptBucket>),
    /// Fails every write from here on, as a full disk does, or no longer.
    #[cfg(test)]
    FillDisk(bool),
}

/// The one writing connection, opened anew after a failure.
pub(super) struct Store {
    path: PathBuf,
    connection: Option<Connection>,
    /// Held as long as the store lives.
    _lock: File,
    #[cfg(test)]
    full: bool,
}

impl Store {
    /// Opens the file, makes it if there is none, and counts what was left open in it as spent.
    pub(super) fn open(directory: &Path) -> Result<(Self, Kept), ControlError> {
        let lock = files::prepare(directory)?;
        let path = directory.join("control.db");
        // SQLite gives the files beside the database the mode of the database.
        drop(files::private(&path)?);
        let mut connection = connect(&path)?;
        let kept = recover(&mut connection)?;
        let store = Self {
            path,
            connection: Some(connection),
            _lock: lock,
            #[cfg(test)]
            full: false,
        };
        Ok((store, kept))
    }

    /// Makes all changes in one transaction, or none.
    pub(super) fn write(&mut self, ops: &[&Op]) -> Result<(), ControlError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        #[cfg(test)]
        {
            for op in ops {
                if let Op::FillDisk(full) = op {
                    self.full = *full;
                }
            }
            if self.full && ops.iter().any(|op| !matches!(op, Op::FillDisk(_))) {
                self.connection = Some(connection);
                return Err(ControlError::Store { reason: "database or disk is full".into() });
            }
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for op in ops {
            apply(&transaction, op)?;
        }
        transaction.commit()?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Brings the write-ahead log into the database, so that a closed store is one file.
    pub(super) fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the control file was closed with its write-ahead log in place");
        }
    }
}

fn connect(path: &Path) -> Result<Connection, ControlError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let ours = || ControlError::NotOurs { path: path.to_owned() };
    // A file that is no database shows itself here.
    let read = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(|_| ours());
    let (application, version) = (read("application_id")?, read("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(|_| ours())?;
    let fresh = (application, version, tables) == (0, 0, 0);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if !fresh && (application != APPLICATION_ID || !(1..=known).contains(&version)) {
        return Err(ours());
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", 4 << 20, |_| Ok(()))?;
    if version < known {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// Counts every open reservation as spent, forgets what is old, and reads the rest.
fn recover(connection: &mut Connection) -> Result<Kept, ControlError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let open: i64 = transaction.query_row("SELECT count(DISTINCT id) FROM held", [], |row| row.get(0))?;
    if open > 0 {
        tracing::warn!(reservations = open, "calls were in work when the service ended; they count as spent in full");
        transaction.execute_batch(
            "INSERT INTO spent (day, budget, caller, picos)
                 SELECT day, budget, caller, sum(picos) FROM held WHERE true GROUP BY day, budget, caller
                 ON CONFLICT DO UPDATE SET picos = picos + excluded.picos;
             DELETE FROM held;",
        )?;
    }
    transaction.execute("DELETE FROM spent WHERE day < (SELECT max(day) FROM spent) - ?1", [KEPT_DAYS])?;
    transaction.commit()?;
    let mut statement =
        connection.prepare("SELECT day, budget, caller, picos FROM spent WHERE day = (SELECT max(day) FROM spent)")?;
    let spent = statement.query_map([], |row| {
        let (budget, caller): (String, String) = (row.get(1)?, row.get(2)?);
        let picos: i64 = row.get(3)?;
        Ok(Spent {
            day: row.get(0)?,
            place: Place { budget: budget.into(), caller: caller.into() },
            amount: Amount::from_picos(u128::from(picos.unsigned_abs())),
        })
    })?;
    let spent = spent.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare("SELECT caller FROM closed")?;
    let closed = statement.query_map([], |row| row.get::<_, String>(0).map(Arc::from))?;
    let closed = closed.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare("SELECT name, caller, unit, full_us FROM bucket")?;
    let buckets = statement.query_map([], |row| {
        let word = |at| row.get::<_, String>(at).map(Arc::from);
        Ok(KeptBucket { limit: word(0)?, caller: word(1)?, unit: word(2)?, full_us: row.get(3)? })
    })?;
    Ok(Kept { spent, closed, buckets: buckets.collect::<rusqlite::Result<_>>()? })
}

fn picos(amount: Amount) -> i64 {
    i64::try_from(amount.picos()).unwrap_or(i64::MAX)
}

fn apply(transaction: &Transaction<'_>, op: &Op) -> rusqlite::Result<()> {
    match op {
        Op::Hold { id, day, places, amount } => {
            let mut insert = transaction
                .prepare_cached("INSERT INTO held (id, budget, caller, day, picos) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for place in places {
                insert.execute((*id, &*place.budget, &*place.caller, *day, picos(*amount)))?;
            }
        }
        Op::Settle { id, cost } => {
            // A sum stops at the largest number instead of failing, and with it every later write.
            transaction
                .prepare_cached(
                    "INSERT INTO spent (day, budget, caller, picos)
                         SELECT day, budget, caller, ?2 FROM held WHERE id = ?1
                         ON CONFLICT DO UPDATE SET picos =
                             CASE WHEN picos > 9223372036854775807 - excluded.picos THEN 9223372036854775807
                                  ELSE picos + excluded.picos END",
                )?
                .execute((*id, picos(*cost)))?;
            transaction.prepare_cached("DELETE FROM held WHERE id = ?1")?.execute([*id])?;
        }
        Op::Close { caller, closed: true } => {
            transaction.prepare_cached("INSERT OR IGNORE INTO closed (caller) VALUES (?1)")?.execute([&**caller])?;
        }
        Op::Close { caller, closed: false } => {
            transaction.prepare_cached("DELETE FROM closed WHERE caller = ?1")?.execute([&**caller])?;
        }
        Op::Buckets(buckets) => {
            transaction.execute("DELETE FROM bucket", [])?;
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO bucket (name, caller, unit, full_us) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for bucket in buckets {
                insert.execute((&*bucket.limit, &*bucket.caller, &*bucket.unit, bucket.full_us))?;
            }
        }
        #[cfg(test)]
        Op::FillDisk(_) => {}
    }
    Ok(())
}
