//! Lists: which decisions are wanted, and how the store finds them without reading what is not. The inner queries run over
//! an index and carry positions alone; only the bodies that are asked for are read.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::audit::AuditError;
use crate::audit::row::OUTCOME;

use super::read::{COLUMNS, Found, Reading, found, reading};

/// A page ends early when its bodies have more bytes than this, to bound memory.
pub(in crate::audit) const PAGE_BYTES: usize = 16 << 20;

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
}

/// Rows, each with that of its outcome.
pub(super) fn with_outcomes() -> String {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::sqlite;
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
