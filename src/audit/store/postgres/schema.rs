//! The tables of the fleet's log and how an old database becomes a new one.
//!
//! Many replicas start at once, so the steps are made under a lock of the database's; the second one finds them done. A
//! database of a newer program is refused: what an older one would write into it, nobody knows.

use std::sync::Arc;

use crate::audit::fleet::FleetError;

use super::connect::{Connection, Connector, Purpose};

/// The lock of migrations: `cordon` in ASCII.
const LOCK: i64 = 0x0000_636f_7264_6f6e;

/// The steps from one schema version to the next; the number of steps is the version. Never change one that was
/// released: add another.
///
/// `received_at` is the database's own clock: how late a record came, and a witness beside the replica's clock. The
/// unique index over decisions spans all chains, so a log that is sent once more under another name is found out.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE cordon.chains (
         chain   bytea       NOT NULL CHECK (octet_length(chain) = 16),
         seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
         name    text        NOT NULL,
         PRIMARY KEY (chain, seen_at)
     );
     CREATE TABLE cordon.records (
         chain       bytea       NOT NULL CHECK (octet_length(chain) = 16),
         sequence    bigint      NOT NULL CHECK (sequence > 0),
         kind        smallint    NOT NULL,
         decision_id bytea       NOT NULL,
         time_us     bigint      NOT NULL,
         level       smallint,
         route       smallint,
         caller      text,
         request_id  text,
         hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
         body        bytea       NOT NULL,
         received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
         PRIMARY KEY (chain, sequence)
     );
     CREATE UNIQUE INDEX records_by_decision ON cordon.records (decision_id, kind);
     CREATE INDEX records_by_time ON cordon.records (time_us, chain, sequence);
     CREATE INDEX decisions_by_time ON cordon.records (time_us, chain, sequence) WHERE kind = 1;
     CREATE INDEX decisions_by_caller ON cordon.records (caller, time_us, chain, sequence) WHERE kind = 1;
     CREATE INDEX decisions_by_request ON cordon.records (request_id) WHERE kind = 1 AND request_id IS NOT NULL;
     CREATE INDEX decisions_outward ON cordon.records (time_us, chain, sequence) WHERE kind = 1 AND route > 1;
     CREATE FUNCTION cordon.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
     CREATE TRIGGER records_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON cordon.records
         FOR EACH STATEMENT EXECUTE FUNCTION cordon.refuse_change();
     CREATE TRIGGER chains_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON cordon.chains
         FOR EACH STATEMENT EXECUTE FUNCTION cordon.refuse_change();"];

/// Version of the schema that this program writes.
const SCHEMA_VERSION: i32 = MIGRATIONS.len() as i32;

/// What a migration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Migrated {
    /// Version before; 0 without tables.
    pub(in crate::audit) from: i32,
    /// Version now.
    pub(in crate::audit) to: i32,
}

/// Brings the tables up to date, and gives a role what a replica needs, or only what a reader needs.
pub(in crate::audit) async fn migrate(
    connector: &Connector,
    writer: Option<&str>,
    reader: Option<&str>,
) -> Result<Migrated, FleetError> {
    let mut connection = connector.connect(Purpose::Migrate).await?;
    let from = version(&connection).await?;
    bring_up_to_date(&mut connection).await?;
    for (role, rights) in [(writer, "SELECT, INSERT"), (reader, "SELECT")] {
        let Some(role) = role else { continue };
        let role = quoted(role);
        let grants = format!(
            "GRANT USAGE ON SCHEMA cordon TO {role}; GRANT {rights} ON cordon.records, cordon.chains TO {role};
             GRANT SELECT ON cordon.schema_version TO {role}"
        );
        connection.ask("cannot grant in", connection.client.batch_execute(&grants)).await?;
    }
    Ok(Migrated { from, to: SCHEMA_VERSION })
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The version in the database; 0 without tables.
async fn version(connection: &Connection) -> Result<i32, FleetError> {
    let exists =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = 'cordon' AND c.relname = 'schema_version')";
    let row = connection.ask("cannot read", connection.client.query_one(exists, &[])).await?;
    if !row.try_get::<_, bool>(0).unwrap_or(false) {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM cordon.schema_version";
    let row = connection.ask("cannot read", connection.client.query_one(newest, &[])).await?;
    Ok(row.try_get(0).unwrap_or(0))
}

fn refuse_newer(connection: &Connection, found: i32) -> Result<(), FleetError> {
    if found > SCHEMA_VERSION {
        return Err(FleetError::NewerSchema { store: connection.store(), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

/// Refuses a database whose tables are not those that this program reads and writes.
pub(super) async fn require(connection: &Connection) -> Result<(), FleetError> {
    let found = version(connection).await?;
    refuse_newer(connection, found)?;
    if found < SCHEMA_VERSION {
        let reason = Arc::from("a reader makes no tables");
        return Err(FleetError::NeedsMigration { store: connection.store(), found, known: SCHEMA_VERSION, reason });
    }
    Ok(())
}

/// Makes the steps that are missing, under the lock.
pub(super) async fn bring_up_to_date(connection: &mut Connection) -> Result<(), FleetError> {
    let found = version(connection).await?;
    refuse_newer(connection, found)?;
    if found == SCHEMA_VERSION {
        return Ok(());
    }
    steps(connection).await.map_err(|error| match error {
        FleetError::NotAllowed { store, reason } => {
            FleetError::NeedsMigration { store, found, known: SCHEMA_VERSION, reason }
        }
        other => other,
    })
}

async fn steps(connection: &mut Connection) -> Result<(), FleetError> {
    const DOING: &str = "cannot make the tables of";
    connection.ask(DOING, connection.client.batch_execute("BEGIN")).await?;
    // The lock ends with the transaction. What another replica made while we waited for it is seen now.
    let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
    connection.ask(DOING, connection.client.batch_execute(&lock)).await?;
    let found = version(connection).await?;
    refuse_newer(connection, found)?;
    if found == 0 {
        let first = "CREATE SCHEMA cordon;
                     CREATE TABLE cordon.schema_version (
                         version    integer     PRIMARY KEY,
                         program    text        NOT NULL,
                         applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
                     )";
        connection.ask(DOING, connection.client.batch_execute(first)).await?;
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (at, step) in MIGRATIONS.iter().enumerate().skip(done) {
        connection.ask(DOING, connection.client.batch_execute(step)).await?;
        let version = i32::try_from(at).unwrap_or(i32::MAX).saturating_add(1);
        let program = env!("CARGO_PKG_VERSION");
        let note = "INSERT INTO cordon.schema_version (version, program) VALUES ($1, $2)";
        connection.ask(DOING, connection.client.execute(note, &[&version, &program])).await?;
    }
    connection.ask(DOING, connection.client.batch_execute("COMMIT")).await
}
