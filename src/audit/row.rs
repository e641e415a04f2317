//! A row of the store: the body, which is authoritative, its chain hash, and columns copied out of the body so that
//! lists can be filtered. The verifier compares the columns with the body.

use crate::policy::{Route, Sensitivity};

use super::Record;

/// Code of a decision's row.
pub(super) const DECISION: i64 = 1;
/// Code of an outcome's row.
pub(super) const OUTCOME: i64 = 2;

/// Code of a change's row.
pub(super) const CHANGE: i64 = 3;

/// Code of a checkpoint's row.
pub(super) const CHECKPOINT: i64 = 4;

/// Code of a prune record's row.
pub(super) const PRUNE: i64 = 5;

/// Code of the row of a record of other chains' heads.
pub(super) const HEADS: i64 = 6;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// What was decided.
    Decision,
    /// What came of it.
    Outcome,
    /// What an operator changed.
    Change,
    /// The signed state of the log.
    Checkpoint,
    /// A signed removal of old records.
    Prune,
    /// Where the other chains of a fleet stood.
    Heads,
}

/// The kind of this code.
pub(super) fn kind_of(code: i64) -> Option<RecordKind> {
    match code {
        DECISION => Some(RecordKind::Decision),
        OUTCOME => Some(RecordKind::Outcome),
        CHANGE => Some(RecordKind::Change),
        CHECKPOINT => Some(RecordKind::Checkpoint),
        PRUNE => Some(RecordKind::Prune),
        HEADS => Some(RecordKind::Heads),
        _ => None,
    }
}

/// What is copied out of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) kind: i64,
    pub(super) decision_id: Vec<u8>,
    pub(super) time_us: i64,
    pub(super) level: Option<i64>,
    pub(super) route: Option<i64>,
    pub(super) caller: Option<String>,
    pub(super) request_id: Option<String>,
}

impl Columns {
    pub(super) fn of(record: &Record) -> Self {
        let decision_id = record.decision_id().as_bytes().to_vec();
        let plain = |kind, time: jiff::Timestamp, caller: Option<&str>| Self {
            kind,
            decision_id: decision_id.clone(),
            time_us: time.as_microsecond(),
            level: None,
            route: None,
            caller: caller.map(str::to_owned),
            request_id: None,
        };
        match record {
            Record::Decision(decision) => Self {
                kind: DECISION,
                decision_id: decision_id.clone(),
                time_us: decision.time.as_microsecond(),
                level: Some(level_code(decision.level)),
                route: decision.routing.as_ref().map(|routing| route_code(routing.route)),
                caller: Some(decision.caller.as_str().to_owned()),
                request_id: decision.request_id.as_ref().map(|id| id.as_str().to_owned()),
            },
            Record::Outcome { outcome, .. } => plain(OUTCOME, outcome.time, None),
            Record::Change(change) => plain(CHANGE, change.time, Some(change.by.as_str())),
            Record::Checkpoint(checkpoint) => plain(CHECKPOINT, checkpoint.time, None),
            Record::Prune(prune) => plain(PRUNE, prune.time, Some(prune.by.as_str())),
            Record::Heads(heads) => plain(HEADS, heads.time, None),
        }
    }

    /// Name of the first column in which two rows differ.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let Self { kind, decision_id, time_us, level, route, caller, request_id } = self;
        [
            ("kind", *kind == other.kind),
            ("decision_id", *decision_id == other.decision_id),
            ("time_us", *time_us == other.time_us),
            ("level", *level == other.level),
            ("route", *route == other.route),
            ("caller", *caller == other.caller),
            ("request_id", *request_id == other.request_id),
        ]
        .into_iter()
        .find_map(|(name, equal)| (!equal).then_some(name))
    }
}

/// Code of a level, as in the protocol; the gaps leave room.
pub(super) fn level_code(level: Sensitivity) -> i64 {
    match level {
        Sensitivity::Public => 10,
        Sensitivity::Internal => 20,
        Sensitivity::Confidential => 30,
    }
}

/// Code of a route, as in the protocol.
pub(super) fn route_code(route: Route) -> i64 {
    match route {
        Route::Local => 1,
        Route::Cloud => 2,
        Route::CloudRedacted => 3,
    }
}

/// One row as it was read.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) sequence: i64,
    pub(super) columns: Columns,
    pub(super) hash: Vec<u8>,
    pub(super) body: Vec<u8>,
}
