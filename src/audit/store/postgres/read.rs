//! The reading side: pages over all chains, single decisions, scans by time and chain by chain. It never writes, and it
//! asks in pieces, so that no statement holds back the database's cleaning for long.
//!
//! Pages go by time, chain and position together, which no two records share: what a page showed stays where it is
//! however many records come, also those that a replica sends late.

use std::ops::ControlFlow;

use futures_util::{StreamExt as _, pin_mut};
use tokio_postgres::types::ToSql;

use crate::audit::chain::ChainHash;
use crate::audit::fleet::{ChainHead, FleetError, ReplicaId};
use crate::audit::row::{CHANGE, Columns, DECISION, OUTCOME, Row};
use crate::audit::{AuditError, DecisionId};

use crate::audit::store::{Choice, PAGE_BYTES};

use super::connect::{Connection, Connector, Purpose};
use super::schema;

/// Rows that one statement of a scan returns.
const STRIDE: i64 = 512;

/// A row and its chain.
#[derive(Clone, Debug)]
pub(in crate::audit) struct FleetRow {
    pub(in crate::audit) chain: ReplicaId,
    pub(in crate::audit) row: Row,
}

/// A decision's row, with that of its outcome.
pub(in crate::audit) type FleetFound = (FleetRow, Option<Row>);

/// Where a page or a scan stands: no two records have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::audit) struct Cursor {
    pub(in crate::audit) time_us: i64,
    pub(in crate::audit) chain: ReplicaId,
    pub(in crate::audit) sequence: i64,
}

impl Cursor {
    pub(in crate::audit) fn of(found: &FleetRow) -> Self {
        Self { time_us: found.row.columns.time_us, chain: found.chain, sequence: found.row.sequence }
    }
}

/// A chain as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::audit) struct ChainRow {
    pub(in crate::audit) chain: ReplicaId,
    pub(in crate::audit) name: String,
    /// First and last position; 0 without records.
    pub(in crate::audit) first: i64,
    pub(in crate::audit) last: i64,
}

/// Which times a scan visits. Outcomes have no upper bound.
#[derive(Clone, Copy, Debug)]
pub(in crate::audit) struct Span {
    pub(in crate::audit) since_us: i64,
    pub(in crate::audit) until_us: i64,
    /// Nothing later, of any kind: so that a scan ends while records come.
    pub(in crate::audit) end_us: i64,
}

/// Which decisions are asked for.
pub(in crate::audit) struct FleetQuery<'a> {
    pub(in crate::audit) choice: &'a Choice,
    /// Only beyond this one, in the direction of the walk.
    pub(in crate::audit) from: Option<Cursor>,
    pub(in crate::audit) newest_first: bool,
    pub(in crate::audit) limit: u32,
}

/// One reading connection.
pub(in crate::audit) struct FleetReading {
    connection: Connection,
}

type Value = Box<dyn ToSql + Sync + Send>;

const COLUMNS: &str =
    "r.chain, r.sequence, r.kind, r.decision_id, r.time_us, r.level, r.route, r.caller, r.request_id, r.hash, r.body";
const OUTCOME_COLUMNS: &str =
    "o.chain, o.sequence, o.kind, o.decision_id, o.time_us, o.level, o.route, o.caller, o.request_id, o.hash, o.body";
const WIDTH: usize = 11;

impl FleetReading {
    pub(in crate::audit) async fn open(connector: &Connector) -> Result<Self, FleetError> {
        let connection = connector.connect(Purpose::Read).await?;
        schema::require(&connection).await?;
        connection
            .ask("cannot read", connection.client.batch_execute("SET default_transaction_read_only = on"))
            .await?;
        Ok(Self { connection })
    }

    /// All chains: those that announced themselves and those that have records.
    pub(in crate::audit) async fn chains(&self) -> Result<Vec<ChainRow>, AuditError> {
        // Steps from chain to chain over the index instead of reading every record.
        let sql = "WITH RECURSIVE steps AS (
                       (SELECT chain FROM cordon.records ORDER BY chain LIMIT 1)
                       UNION ALL
                       SELECT (SELECT r.chain FROM cordon.records r WHERE r.chain > s.chain ORDER BY r.chain LIMIT 1)
                       FROM steps s WHERE s.chain IS NOT NULL
                   ), known AS (
                       SELECT chain FROM steps WHERE chain IS NOT NULL UNION SELECT chain FROM cordon.chains
                   )
                   SELECT k.chain,
                          coalesce((SELECT name FROM cordon.chains c WHERE c.chain = k.chain
                                    ORDER BY seen_at DESC LIMIT 1), ''),
                          coalesce((SELECT min(sequence) FROM cordon.records r WHERE r.chain = k.chain), 0),
                          coalesce((SELECT max(sequence) FROM cordon.records r WHERE r.chain = k.chain), 0)
                   FROM known k ORDER BY 2, 1";
        let rows = self.query(sql, &[]).await?;
        let of = |row: &tokio_postgres::Row| {
            let chain = ReplicaId::from_slice(row.try_get(0).ok()?)?;
            let (name, first, last) = (row.try_get(1).ok()?, row.try_get(2).ok()?, row.try_get(3).ok()?);
            Some(ChainRow { chain, name, first, last })
        };
        rows.iter().map(|row| of(row).ok_or(AuditError::Damaged { sequence: 0 })).collect()
    }

    /// Up to `limit` decisions with their outcomes, and whether there are more.
    pub(in crate::audit) async fn decisions(
        &self,
        query: &FleetQuery<'_>,
    ) -> Result<(Vec<FleetFound>, bool), AuditError> {
        let (mut conditions, mut values) = conditions(query.choice);
        let (sign, order) = if query.newest_first { ("<", "DESC") } else { (">", "ASC") };
        if let Some(from) = query.from {
            let at = values.len();
            values.push(Box::new(from.time_us));
            values.push(Box::new(from.chain.as_bytes().to_vec()));
            values.push(Box::new(from.sequence));
            conditions.push(format!("(time_us, chain, sequence) {sign} (${}, ${}, ${})", at + 1, at + 2, at + 3));
        }
        values.push(Box::new(i64::from(query.limit).saturating_add(1)));
        // The inner query runs over an index; only the page's own bodies are read.
        let sql = format!(
            "SELECT {COLUMNS}, {OUTCOME_COLUMNS}
             FROM (SELECT chain, sequence FROM cordon.records WHERE {}
                   ORDER BY time_us {order}, chain {order}, sequence {order} LIMIT ${}) p
             JOIN cordon.records r ON r.chain = p.chain AND r.sequence = p.sequence
             LEFT JOIN cordon.records o ON o.decision_id = r.decision_id AND o.kind = {OUTCOME}
             ORDER BY r.time_us {order}, r.chain {order}, r.sequence {order}",
            conditions.join(" AND "),
            values.len()
        );
        let wanted = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut found: Vec<FleetFound> = Vec::new();
        let mut bytes = 0_usize;
        let mut more = false;
        self.stream(&sql, &values, &mut |row| {
            let one = found_of(row)?;
            bytes = bytes.saturating_add(one.0.row.body.len() + one.1.as_ref().map_or(0, |row| row.body.len()));
            if found.len() == wanted || (bytes > PAGE_BYTES && !found.is_empty()) {
                more = true;
                return Ok(ControlFlow::Break(()));
            }
            found.push(one);
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok((found, more))
    }

    /// How many decisions the database can tell to fit.
    pub(in crate::audit) async fn count(&self, choice: &Choice) -> Result<u64, AuditError> {
        let (conditions, values) = conditions(choice);
        let sql = format!("SELECT count(*) FROM cordon.records WHERE {}", conditions.join(" AND "));
        let mut count = 0_i64;
        self.stream(&sql, &values, &mut |row| {
            count = row.try_get(0).map_err(damaged)?;
            Ok(ControlFlow::Break(()))
        })
        .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// One decision with its outcome.
    pub(in crate::audit) async fn find(&self, id: DecisionId) -> Result<Option<FleetFound>, AuditError> {
        let sql = format!(
            "SELECT {COLUMNS}, {OUTCOME_COLUMNS} FROM cordon.records r
             LEFT JOIN cordon.records o ON o.decision_id = r.decision_id AND o.kind = {OUTCOME}
             WHERE r.decision_id = $1 AND r.kind = {DECISION}"
        );
        let id = id.as_bytes().as_slice();
        self.query(&sql, &[&id]).await?.first().map(found_of).transpose()
    }

    /// Up to so many changes of operators, newest first.
    pub(in crate::audit) async fn changes(&self, limit: u32) -> Result<Vec<FleetRow>, AuditError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM cordon.records r WHERE r.kind = {CHANGE}
             ORDER BY r.time_us DESC, r.chain DESC, r.sequence DESC LIMIT $1"
        );
        let rows = self.query(&sql, &[&i64::from(limit)]).await?;
        rows.iter().map(|row| row_of(row, 0)).collect()
    }

    /// Newest time in the log, and how many records there are.
    pub(in crate::audit) async fn extent(&self) -> Result<(i64, u64), AuditError> {
        let sql =
            "SELECT coalesce((SELECT max(time_us) FROM cordon.records), 0), (SELECT count(*) FROM cordon.records)";
        let rows = self.query(sql, &[]).await?;
        let read = || {
            let row = rows.first()?;
            Some((row.try_get(0).ok()?, u64::try_from(row.try_get::<_, i64>(1).ok()?).ok()?))
        };
        read().ok_or(AuditError::Damaged { sequence: 0 })
    }

    /// Visits the records of all chains by time. Says whether it came to its end.
    pub(in crate::audit) async fn scan(
        &self,
        span: &Span,
        visit: &mut dyn FnMut(FleetRow) -> ControlFlow<()>,
    ) -> Result<bool, AuditError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM cordon.records r
             WHERE (r.time_us, r.chain, r.sequence) > ($1, $2, $3) AND r.time_us <= $4
                 AND (r.time_us < $5 OR r.kind = {OUTCOME})
             ORDER BY r.time_us, r.chain, r.sequence LIMIT {STRIDE}"
        );
        // Before every record of the first microsecond: no chain sorts before an empty one.
        let mut at = (span.since_us, Vec::new(), 0_i64);
        loop {
            let values: Vec<Value> = vec![
                Box::new(at.0),
                Box::new(at.1.clone()),
                Box::new(at.2),
                Box::new(span.end_us),
                Box::new(span.until_us),
            ];
            let (mut count, mut stopped) = (0, false);
            self.stream(&sql, &values, &mut |row| {
                let row = row_of(row, 0)?;
                count += 1;
                at = (row.row.columns.time_us, row.chain.as_bytes().to_vec(), row.row.sequence);
                stopped = visit(row).is_break();
                Ok(if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })
            .await?;
            if stopped {
                return Ok(false);
            }
            if count < STRIDE {
                return Ok(true);
            }
        }
    }

    /// Visits up to a stride of one chain's rows after `after` and up to `last`, in order. Says where it came; `None`
    /// without any.
    pub(in crate::audit) async fn chain(
        &self,
        chain: ReplicaId,
        after: i64,
        last: i64,
        visit: &mut dyn FnMut(&Row) -> ControlFlow<()>,
    ) -> Result<Option<i64>, AuditError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM cordon.records r WHERE r.chain = $1 AND r.sequence > $2 AND r.sequence <= $3
             ORDER BY r.sequence LIMIT {STRIDE}"
        );
        let values: Vec<Value> = vec![Box::new(chain.as_bytes().to_vec()), Box::new(after), Box::new(last)];
        let mut at = None;
        self.stream(&sql, &values, &mut |row| {
            let row = row_of(row, 0)?;
            at = Some(row.row.sequence);
            Ok(visit(&row.row))
        })
        .await?;
        Ok(at)
    }

    /// Bodies of one kind in one chain, in order.
    pub(in crate::audit) async fn bodies(
        &self,
        chain: ReplicaId,
        kind: i64,
    ) -> Result<Vec<(i64, Vec<u8>)>, AuditError> {
        let sql = "SELECT sequence, body FROM cordon.records WHERE chain = $1 AND kind = $2 ORDER BY sequence";
        let (chain, kind) = (chain.as_bytes().as_slice(), i16::try_from(kind).unwrap_or(0));
        let rows = self.query(sql, &[&chain, &kind]).await?;
        rows.iter().map(|row| Ok((row.try_get(0).map_err(damaged)?, row.try_get(1).map_err(damaged)?))).collect()
    }

    /// For each head the hash that the database has at its position, and where its chain ends.
    pub(in crate::audit) async fn hashes(
        &self,
        heads: &[ChainHead],
    ) -> Result<Vec<(Option<ChainHash>, u64)>, AuditError> {
        let sql = "SELECT (SELECT hash FROM cordon.records r WHERE r.chain = h.chain AND r.sequence = h.sequence),
                          coalesce((SELECT max(sequence) FROM cordon.records r WHERE r.chain = h.chain), 0)
                   FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS h (chain, sequence, at) ORDER BY h.at";
        let chains: Vec<&[u8]> = heads.iter().map(|head| head.chain.as_bytes().as_slice()).collect();
        let sequences: Vec<i64> = heads.iter().map(|head| i64::try_from(head.sequence).unwrap_or(i64::MAX)).collect();
        let rows = self.query(sql, &[&chains, &sequences]).await?;
        let of = |row: &tokio_postgres::Row| {
            let hash: Option<&[u8]> = row.try_get(0).map_err(damaged)?;
            let end: i64 = row.try_get(1).map_err(damaged)?;
            Ok((hash.and_then(ChainHash::from_slice), u64::try_from(end).unwrap_or(0)))
        };
        rows.iter().map(of).collect()
    }

    /// Whether the connection still works.
    pub(in crate::audit) async fn alive(&self) -> Result<(), AuditError> {
        Ok(self.connection.ask("cannot read", self.connection.client.batch_execute("SELECT 1")).await?)
    }

    async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<tokio_postgres::Row>, AuditError> {
        Ok(self.connection.ask("cannot read", self.connection.client.query(sql, values)).await?)
    }

    /// Row by row, so that a statement's answer is never in memory as a whole.
    async fn stream(
        &self,
        sql: &str,
        values: &[Value],
        visit: &mut dyn FnMut(&tokio_postgres::Row) -> Result<ControlFlow<()>, AuditError>,
    ) -> Result<(), AuditError> {
        let values = values.iter().map(|value| &**value as &(dyn ToSql + Sync));
        let rows = self.connection.ask("cannot read", self.connection.client.query_raw(sql, values)).await?;
        pin_mut!(rows);
        loop {
            let next = async { rows.next().await.transpose() };
            match self.connection.ask("cannot read", next).await? {
                Some(row) if visit(&row)?.is_continue() => {}
                _ => return Ok(()),
            }
        }
    }
}

/// The conditions of a choice, with their values.
fn conditions(choice: &Choice) -> (Vec<String>, Vec<Value>) {
    let small = |value: i64| -> Value { Box::new(i16::try_from(value).unwrap_or(i16::MAX)) };
    let text = |value: &String| -> Value { Box::new(value.clone()) };
    let wide = |value: i64| -> Value { Box::new(value) };
    let terms = [
        ("level = ?", choice.level.map(small)),
        ("route = ?", choice.route.map(small)),
        ("caller = ?", choice.caller.as_ref().map(text)),
        ("request_id = ?", choice.request_id.as_ref().map(text)),
        ("time_us >= ?", choice.since_us.map(wide)),
        ("time_us < ?", choice.until_us.map(wide)),
    ];
    let needles = choice.needles.iter().map(|needle| {
        let needle: Value = Box::new(needle.clone());
        ("position(?::bytea IN body) > 0", Some(needle))
    });
    let mut conditions = vec![format!("kind = {DECISION}")];
    let mut values = Vec::new();
    for (condition, value) in terms.into_iter().chain(needles) {
        if let Some(value) = value {
            values.push(value);
            conditions.push(condition.replace('?', &format!("${}", values.len())));
        }
    }
    (conditions, values)
}

fn damaged(_: tokio_postgres::Error) -> AuditError {
    AuditError::Damaged { sequence: 0 }
}

fn found_of(row: &tokio_postgres::Row) -> Result<FleetFound, AuditError> {
    let decision = row_of(row, 0)?;
    let outcome: Option<i64> = row.try_get(WIDTH + 1).map_err(damaged)?;
    let outcome = outcome.map(|_| row_of(row, WIDTH)).transpose()?;
    Ok((decision, outcome.map(|outcome| outcome.row)))
}

fn row_of(row: &tokio_postgres::Row, first: usize) -> Result<FleetRow, AuditError> {
    let wide = |at: usize| row.try_get::<_, Option<i16>>(first + at).map(|value| value.map(i64::from)).map_err(damaged);
    let words = |at: usize| row.try_get::<_, Option<String>>(first + at).map_err(damaged);
    let bytes = |at: usize| row.try_get::<_, Vec<u8>>(first + at).map_err(damaged);
    let long = |at: usize| row.try_get::<_, i64>(first + at).map_err(damaged);
    let sequence = long(1)?;
    let broken = || AuditError::Damaged { sequence: u64::try_from(sequence).unwrap_or(0) };
    Ok(FleetRow {
        chain: ReplicaId::from_slice(&bytes(0)?).ok_or_else(broken)?,
        row: Row {
            sequence,
            columns: Columns {
                kind: wide(2)?.ok_or_else(broken)?,
                decision_id: bytes(3)?,
                time_us: long(4)?,
                level: wide(5)?,
                route: wide(6)?,
                caller: words(7)?,
                request_id: words(8)?,
            },
            hash: bytes(9)?,
            body: bytes(10)?,
        },
    })
}
