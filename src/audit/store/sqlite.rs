//! The SQLite file: how it is opened, its tables, and how an old one becomes a new one.
//!
//! The log is in WAL mode, so that readers never hold up the writer, with `synchronous=FULL`, so that a commit is on the
//! disk before it is acknowledged (<https://sqlite.org/pragma.html#pragma_synchronous>). Triggers forbid changes; they stop
//! mistakes, not an attacker, against whom there is the chain.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::audit::AuditError;
use crate::audit::chain::Head;

/// Marks the file as an audit log of Cordon (`CRDN`), so that no other database is taken for one.
const APPLICATION_ID: i64 = 0x4352_444e;

/// The write-ahead log is cut back to this size after a checkpoint.
const WAL_LIMIT_BYTES: i64 = 64 << 20;

/// The steps from one schema version to the next; the number of steps is the version. Never change one that was
/// released: add another.
const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE records (
         sequence    INTEGER PRIMARY KEY CHECK (sequence > 0),
         kind        INTEGER NOT NULL,
         decision_id BLOB    NOT NULL,
         time_us     INTEGER NOT NULL,
         level       INTEGER,
         route       INTEGER,
         caller      TEXT,
         request_id  TEXT,
         hash        BLOB    NOT NULL,
         body        BLOB    NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX records_by_decision ON records (decision_id, kind);
     CREATE INDEX records_by_time ON records (time_us) WHERE kind = 1;
     CREATE INDEX records_by_caller ON records (caller) WHERE kind = 1;
     CREATE INDEX records_by_request ON records (request_id) WHERE kind = 1 AND request_id IS NOT NULL;
     CREATE INDEX records_to_cloud ON records (sequence) WHERE kind = 1 AND route = 2;
     CREATE TRIGGER records_never_change BEFORE UPDATE ON records
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
     CREATE TRIGGER records_never_go BEFORE DELETE ON records
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
     CREATE TABLE head (
         only     INTEGER PRIMARY KEY CHECK (only = 1),
         sequence INTEGER NOT NULL,
         hash     BLOB    NOT NULL
     ) STRICT;
     CREATE TABLE probe (
         only  INTEGER PRIMARY KEY CHECK (only = 1),
         bytes BLOB NOT NULL
     ) STRICT;",
    // The log gets a name, an index over the few records that are no decisions and no outcomes, and a way to let go of
    // what a signed record in it says was removed.
    "CREATE TABLE log (
         only    INTEGER PRIMARY KEY CHECK (only = 1),
         id      TEXT    NOT NULL,
         removed INTEGER NOT NULL
     ) STRICT;
     INSERT INTO log VALUES (1, lower(hex(randomblob(16))), 0);
     CREATE INDEX records_by_kind ON records (kind) WHERE kind > 2;
     DROP TRIGGER records_never_go;
     CREATE TRIGGER records_never_go BEFORE DELETE ON records
         WHEN OLD.sequence > coalesce((SELECT removed FROM log WHERE only = 1), 0)
         BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
];

/// Version of the schema that this program writes.
const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Opens the file for writing, and makes or migrates the tables.
pub(super) fn open_writer(path: &Path, busy: Duration) -> Result<Connection, AuditError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| opening(path, error))?;
    prepare(&connection, busy).map_err(|error| opening(path, error))?;
    let version = identify(&connection, path)?;
    if version == 0 {
        // Has to come before the first table: so that removed records give their space back.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(|error| opening(path, error))?;
    }
    configure_writer(&connection).map_err(|error| opening(path, error))?;
    migrate(&mut connection, version).map_err(|error| opening(path, error))?;
    Ok(connection)
}

/// Opens the file for reading alone. Works beside a running writer, and on a copy that nobody may write.
pub(super) fn open_reader(path: &Path, busy: Duration) -> Result<Connection, AuditError> {
    let connection = match try_reader(path, false, busy) {
        // Without a directory to put the shared memory into, a database without a write-ahead log can still be read.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !has_wal(path) => {
            try_reader(path, true, busy)
        }
        other => other,
    }
    .map_err(|error| opening(path, error))?;
    // An older version is read as it is: later ones only added to it. An empty file is no log.
    match identify(&connection, path)? {
        0 => Err(AuditError::NotALog { path: path.to_owned() }),
        _ => Ok(connection),
    }
}

fn has_wal(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    Path::new(&name).metadata().is_ok_and(|metadata| metadata.len() > 0)
}

fn try_reader(path: &Path, immutable: bool, busy: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if immutable {
        let uri = format!("{}?immutable=1", file_uri(path));
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    prepare(&connection, busy)?;
    connection.pragma_update(None, "query_only", true)?;
    // Opening is lazy: the first read tells whether it works.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// A `file:` URI (<https://sqlite.org/uri.html>), with every byte escaped that means something there.
fn file_uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let escape = |&byte: &u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let path: String = path.as_os_str().as_bytes().iter().map(escape).collect();
    format!("file:{path}")
}

fn prepare(connection: &Connection, busy: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy)?;
    // A tampered schema must not run functions, and sorting must not spill rows into a temporary file.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

fn configure_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where a plain flush leaves the bytes in the drive's cache (https://sqlite.org/pragma.html#pragma_fullfsync).
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT_BYTES, |_| Ok(()))
}

/// The schema version of the file; 0 for a new one. Refuses what is no log, and a log of a newer Cordon.
fn identify(connection: &Connection, path: &Path) -> Result<i64, AuditError> {
    let read = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let failed = |error| opening(path, error);
    let application = read("application_id").map_err(failed)?;
    let version = read("user_version").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(0);
    }
    if application != APPLICATION_ID || version < 1 {
        return Err(AuditError::NotALog { path: path.to_owned() });
    }
    if version > SCHEMA_VERSION {
        let advice = "use the cordon that wrote it, or a newer one";
        return Err(AuditError::SchemaVersion { path: path.to_owned(), found: version, known: SCHEMA_VERSION, advice });
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, from: i64) -> rusqlite::Result<()> {
    migrate_to(connection, from, SCHEMA_VERSION)
}

fn migrate_to(connection: &mut Connection, from: i64, to: i64) -> rusqlite::Result<()> {
    if from == to {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (done, wanted) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
    for step in MIGRATIONS.iter().take(wanted).skip(done) {
        transaction.execute_batch(step)?;
    }
    if from == 0 {
        set_head(&transaction, &Head::EMPTY)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.pragma_update(None, "user_version", to)?;
    transaction.commit()
}

/// Writes the head row.
pub(super) fn set_head(transaction: &Transaction<'_>, head: &Head) -> rusqlite::Result<()> {
    let sequence = i64::try_from(head.sequence).unwrap_or(i64::MAX);
    transaction
        .prepare_cached("INSERT OR REPLACE INTO head (only, sequence, hash) VALUES (1, ?1, ?2)")?
        .execute((sequence, head.hash.as_bytes()))
        .map(|_| ())
}

/// Whether tables, indexes and triggers are those that this program makes.
pub(super) fn has_expected_schema(connection: &Connection) -> rusqlite::Result<bool> {
    let list = |connection: &Connection| -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
        let mut statement = connection
            .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    let mut fresh = Connection::open_in_memory()?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    migrate_to(&mut fresh, 0, version)?;
    Ok(list(connection)? == list(&fresh)?)
}

/// Turns an error of opening into one that says what to do.
pub(super) fn opening(path: &Path, error: rusqlite::Error) -> AuditError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => AuditError::NotALog { path: path.to_owned() },
        _ => AuditError::Store { doing: "cannot open", reason: error.to_string().into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Duration = Duration::from_millis(50);

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b?#%.db");
        (directory, path)
    }

    #[test]
    fn a_new_file_has_the_schema_and_opens_again() {
        let (_directory, path) = file();
        assert!(has_expected_schema(&open_writer(&path, BUSY).unwrap()).unwrap());
        let again = open_writer(&path, BUSY).unwrap();
        let mode: String = again.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 = again.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn an_older_log_is_read_as_it_is_and_brought_up_to_date_by_a_writer() {
        let (_directory, path) = file();
        let mut old = Connection::open(&path).unwrap();
        migrate_to(&mut old, 0, 1).unwrap();
        old.execute("INSERT INTO records VALUES (1, 1, x'00', 1, 1, 1, 'c', 'r', x'00', x'00')", []).unwrap();
        drop(old);
        let reader = open_reader(&path, BUSY).unwrap();
        assert!(has_expected_schema(&reader).unwrap(), "that of its version");
        assert!(reader.query_row("SELECT id FROM log", [], |row| row.get::<_, String>(0)).is_err());
        drop(reader);
        let writer = open_writer(&path, BUSY).unwrap();
        assert!(has_expected_schema(&writer).unwrap());
        let id: String = writer.query_row("SELECT id FROM log", [], |row| row.get(0)).unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let kept: i64 = writer.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
        assert!(writer.execute("DELETE FROM records", []).unwrap_err().to_string().contains("append-only"));
        writer.execute("UPDATE log SET removed = 1", []).unwrap();
        assert_eq!(writer.execute("DELETE FROM records", []).unwrap(), 1);
    }

    #[test]
    fn another_version_is_refused_by_number() {
        let (_directory, path) = file();
        let connection = open_writer(&path, BUSY).unwrap();
        connection.pragma_update(None, "user_version", 7).unwrap();
        drop(connection);
        for error in [open_writer(&path, BUSY).unwrap_err(), open_reader(&path, BUSY).unwrap_err()] {
            assert!(matches!(error, AuditError::SchemaVersion { found: 7, known: 2, .. }), "{error}");
        }
    }

    #[test]
    fn what_is_no_log_is_refused() {
        let (_directory, path) = file();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
        assert!(matches!(open_writer(&path, BUSY), Err(AuditError::NotALog { .. })));
        std::fs::write(&path, "a letter, not a database, and long enough to have a header of its own").unwrap();
        assert!(matches!(open_writer(&path, BUSY), Err(AuditError::NotALog { .. })));
    }

    #[test]
    fn a_reader_cannot_write_and_a_missing_file_is_not_made() {
        let (_directory, path) = file();
        assert!(open_reader(&path, BUSY).is_err());
        assert!(!path.exists());
        drop(open_writer(&path, BUSY).unwrap());
        let reader = open_reader(&path, BUSY).unwrap();
        assert!(reader.execute("DELETE FROM head", []).is_err());
    }

    #[test]
    fn an_immutable_file_is_read_by_its_escaped_name() {
        let (_directory, path) = file();
        drop(open_writer(&path, BUSY).unwrap());
        assert!(try_reader(&path, true, BUSY).is_ok());
    }

    #[test]
    fn rows_can_be_neither_changed_nor_deleted() {
        let (_directory, path) = file();
        let connection = open_writer(&path, BUSY).unwrap();
        let row = "INSERT INTO records VALUES (1, 1, x'00', 1, 1, 1, 'c', 'r', x'00', x'00')";
        connection.execute(row, []).unwrap();
        for change in ["UPDATE records SET level = 10", "DELETE FROM records"] {
            let error = connection.execute(change, []).unwrap_err();
            assert!(error.to_string().contains("append-only"), "{error}");
        }
    }
}
