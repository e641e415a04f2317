//! The writing side: where a chain stands in the fleet's log, and a batch of records after it, in one statement and so in
//! one transaction. A record is there with its position and hash or not at all.

use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;

use crate::audit::chain::{ChainHash, Head};
use crate::audit::fleet::{ChainHead, FleetError, ReplicaId};
use crate::audit::row::{CHANGE, DECISION, OUTCOME, Row};

use super::connect::{Connection, Connector, Purpose};
use super::schema;

/// Most heads that one record lists.
const MAX_HEADS: i64 = 1000;

/// A connection that writes one chain.
pub(in crate::audit) struct Shipping {
    connection: Connection,
    chain: ReplicaId,
    head: Head,
    insert: Statement,
    may_delete: bool,
}

const INSERT: &str = "INSERT INTO cordon.records
         (chain, sequence, kind, decision_id, time_us, level, route, caller, request_id, hash, body)
     SELECT $1::bytea, u.* FROM unnest($2::bigint[], $3::smallint[], $4::bytea[], $5::bigint[],
         $6::smallint[], $7::smallint[], $8::text[], $9::text[], $10::bytea[], $11::bytea[]) AS u
     WHERE $12::bigint = 0 OR EXISTS (SELECT FROM cordon.records p
                                      WHERE p.chain = $1 AND p.sequence = $12 AND p.hash = $13)";

impl Shipping {
    /// Connects, makes or checks the tables, and finds where the chain stands.
    pub(in crate::audit) async fn open(connector: &Connector, chain: ReplicaId) -> Result<Self, FleetError> {
        let mut connection = connector.connect(Purpose::Ship).await?;
        schema::bring_up_to_date(&mut connection).await?;
        let may_delete = prepare(&connection, connector.user()).await?;
        register(&connection, chain, connector.config().name.as_str()).await?;
        let head = head(&connection, chain).await?;
        let insert = connection.ask("cannot prepare", connection.client.prepare(INSERT)).await?;
        Ok(Self { connection, chain, head, insert, may_delete })
    }

    /// Whether the user could remove what it wrote, which no replica needs.
    pub(in crate::audit) fn may_delete(&self) -> bool {
        self.may_delete
    }

    /// The newest record of the chain in the fleet's log.
    pub(in crate::audit) fn head(&self) -> Head {
        self.head
    }

    /// Adds records that follow the head, all or none. After an error the connection is of no more use: where the chain
    /// stands then, the next one finds.
    pub(in crate::audit) async fn insert(&mut self, rows: &[Row]) -> Result<(), FleetError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
        let position = |row: &Row| u64::try_from(row.sequence).unwrap_or(0);
        let head = ChainHash::from_slice(&last.hash).map(|hash| Head { sequence: position(last), hash });
        let head = head.ok_or(FleetError::Broken { sequence: position(last) })?;
        let small = |value: i64| i16::try_from(value).unwrap_or(i16::MAX);
        let sequences: Vec<i64> = rows.iter().map(|row| row.sequence).collect();
        let kinds: Vec<i16> = rows.iter().map(|row| small(row.columns.kind)).collect();
        let ids: Vec<&[u8]> = rows.iter().map(|row| row.columns.decision_id.as_slice()).collect();
        let times: Vec<i64> = rows.iter().map(|row| row.columns.time_us).collect();
        let levels: Vec<Option<i16>> = rows.iter().map(|row| row.columns.level.map(small)).collect();
        let routes: Vec<Option<i16>> = rows.iter().map(|row| row.columns.route.map(small)).collect();
        let callers: Vec<Option<&str>> = rows.iter().map(|row| row.columns.caller.as_deref()).collect();
        let requests: Vec<Option<&str>> = rows.iter().map(|row| row.columns.request_id.as_deref()).collect();
        let hashes: Vec<&[u8]> = rows.iter().map(|row| row.hash.as_slice()).collect();
        let bodies: Vec<&[u8]> = rows.iter().map(|row| row.body.as_slice()).collect();
        let chain = self.chain.as_bytes().as_slice();
        let before = i64::try_from(self.head.sequence).unwrap_or(i64::MAX);
        let before_hash = self.head.hash.as_bytes().as_slice();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 13] = [
            &chain,
            &sequences,
            &kinds,
            &ids,
            &times,
            &levels,
            &routes,
            &callers,
            &requests,
            &hashes,
            &bodies,
            &before,
            &before_hash,
        ];
        let (from, to) = (position(first), position(last));
        let twice = std::cell::Cell::new(false);
        let insert = async {
            let inserted = self.connection.client.execute(&self.insert, &values).await;
            let constraint = inserted.as_ref().err().and_then(tokio_postgres::Error::as_db_error);
            twice.set(constraint.is_some_and(|said| {
                *said.code() == SqlState::UNIQUE_VIOLATION && said.constraint() == Some("records_by_decision")
            }));
            inserted
        };
        match self.connection.ask("cannot write to", insert).await {
            Ok(inserted) if inserted == rows.len() as u64 => {
                self.head = head;
                Ok(())
            }
            // Somebody removed the record that these follow: the next connection finds what is left, and sends it again.
            Ok(_) => Err(FleetError::Database {
                doing: "cannot write to",
                store: self.connection.store(),
                reason: "the chain no longer ends where it ended a moment ago".into(),
            }),
            Err(_) if twice.get() => Err(FleetError::Twice { chain: self.chain.to_string(), from, to }),
            // Another process writes this chain: whether it writes the same, the next connection finds.
            Err(error) => Err(error),
        }
    }

    /// Whether the connection still works.
    pub(in crate::audit) async fn ping(&self) -> Result<(), FleetError> {
        self.connection.ask("cannot read", self.connection.client.batch_execute("SELECT 1")).await
    }

    /// The newest records of the other chains, of those that were at work since the heads that are given.
    pub(in crate::audit) async fn other_heads(&self, since: &[ChainHead]) -> Result<Vec<ChainHead>, FleetError> {
        // Records about heads and checkpoints are no work: else chains that rest would report each other for ever.
        let sql = format!(
            "SELECT h.chain, h.sequence, h.hash
             FROM (SELECT DISTINCT chain FROM cordon.chains WHERE chain <> $1) c
             CROSS JOIN LATERAL (SELECT r.chain, r.sequence, r.hash FROM cordon.records r WHERE r.chain = c.chain
                                 ORDER BY r.sequence DESC LIMIT 1) h
             LEFT JOIN unnest($2::bytea[], $3::bigint[]) AS s (chain, sequence) ON s.chain = h.chain
             WHERE EXISTS (SELECT FROM cordon.records r WHERE r.chain = h.chain
                               AND r.sequence > coalesce(s.sequence, 0) AND r.kind IN ({DECISION}, {OUTCOME}, {CHANGE}))
             ORDER BY h.chain LIMIT {MAX_HEADS}"
        );
        let own = self.chain.as_bytes().as_slice();
        let known: Vec<(Vec<u8>, i64)> = since.iter().filter_map(ChainHead::columns).collect();
        let chains: Vec<&[u8]> = known.iter().map(|(chain, _)| chain.as_slice()).collect();
        let sequences: Vec<i64> = known.iter().map(|(_, sequence)| *sequence).collect();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&own, &chains, &sequences];
        let rows = self.connection.ask("cannot read", self.connection.client.query(&sql, &values)).await?;
        let of = |row: &tokio_postgres::Row| {
            let chain = ReplicaId::from_slice(row.try_get(0).ok()?)?;
            let sequence = u64::try_from(row.try_get::<_, i64>(1).ok()?).ok()?;
            Some(ChainHead::new(chain, Head { sequence, hash: ChainHash::from_slice(row.try_get(2).ok()?)? }))
        };
        Ok(rows.iter().filter_map(of).collect())
    }
}

/// Asks for the rights now rather than at the first record, and for commits that a crash of the server survives.
/// Says whether the user may delete.
async fn prepare(connection: &Connection, user: &str) -> Result<bool, FleetError> {
    let sql = "SELECT has_table_privilege('cordon.records', 'INSERT') AND has_table_privilege('cordon.records', 'SELECT')
                   AND has_table_privilege('cordon.chains', 'INSERT') AND has_table_privilege('cordon.chains', 'SELECT'),
               has_table_privilege('cordon.records', 'DELETE'), current_setting('synchronous_commit')";
    let row = connection.ask("cannot read", connection.client.query_one(sql, &[])).await?;
    if !row.try_get::<_, bool>(0).unwrap_or(false) {
        let reason = format!("{user} may not insert into and select from cordon.records and cordon.chains").into();
        return Err(FleetError::NotAllowed { store: connection.store(), reason });
    }
    // What is stronger than `on` stays.
    if matches!(row.try_get::<_, &str>(2), Ok("off" | "local")) {
        connection.ask("cannot prepare", connection.client.batch_execute("SET synchronous_commit = on")).await?;
    }
    Ok(row.try_get(1).unwrap_or(false))
}

/// Notes the chain and the name of its replica, once for each name.
async fn register(connection: &Connection, chain: ReplicaId, name: &str) -> Result<(), FleetError> {
    let sql = "INSERT INTO cordon.chains (chain, name) SELECT $1::bytea, $2::text
               WHERE $2 IS DISTINCT FROM (SELECT name FROM cordon.chains WHERE chain = $1 ORDER BY seen_at DESC LIMIT 1)";
    let chain = chain.as_bytes().as_slice();
    connection.ask("cannot write to", connection.client.execute(sql, &[&chain, &name])).await.map(|_| ())
}

async fn head(connection: &Connection, chain: ReplicaId) -> Result<Head, FleetError> {
    let sql = "SELECT sequence, hash FROM cordon.records WHERE chain = $1 ORDER BY sequence DESC LIMIT 1";
    let chain = chain.as_bytes().as_slice();
    let row = connection.ask("cannot read", connection.client.query_opt(sql, &[&chain])).await?;
    let Some(row) = row else { return Ok(Head::EMPTY) };
    let read = || {
        let sequence = u64::try_from(row.try_get::<_, i64>(0).ok()?).ok()?;
        Some(Head { sequence, hash: ChainHash::from_slice(row.try_get(1).ok()?)? })
    };
    read().ok_or_else(|| FleetError::Database {
        doing: "cannot read",
        store: connection.store(),
        reason: "the newest record of the chain has no position or hash".into(),
    })
}
