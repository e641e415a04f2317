//! The list of what left the organisation: one row for each call of a cloud backend. A row holds what the log holds, so no
//! text: when, who, to whom, of which level, which types, how many bytes and what it cost.

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{EntityCount, StoredDecision};
use crate::policy::{Route, Sensitivity};

use super::counts::{Levels, Money, Way};

/// One call that left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Egress {
    /// Position of the decision in the log.
    pub sequence: u64,
    /// Its id.
    pub decision_id: String,
    /// When it was decided.
    pub time: Timestamp,
    /// Who asked.
    pub caller: String,
    /// `cloud` or `cloud-redacted`.
    pub route: Route,
    /// To which backend.
    pub backend: String,
    /// To which model.
    pub model: String,
    /// Level of the text that was asked about.
    pub level: Sensitivity,
    /// Level of the text that was sent: another one only if it was redacted.
    pub sent_level: Sensitivity,
    /// Types in the text that was sent.
    pub entity_types: Vec<String>,
    /// Values that were replaced before it was sent.
    pub replaced: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// How it ended: `completed`, `failed`, `cancelled`; `open` if nothing is recorded.
    pub outcome: &'static str,
    /// What it cost, in millionths of a US dollar; `None` if nothing says.
    pub cost_micros: Option<u64>,
    /// Whether that is a bound.
    pub cost_estimated: bool,
    /// The override that let it out, if one did.
    pub overridden_by: Option<String>,
    /// The decision of the local answer that was not sure enough, if this replaced one.
    pub escalated_from: Option<String>,
}

impl Egress {
    /// That of a decision; `None` if nothing left by it.
    #[must_use]
    pub fn of(stored: &StoredDecision) -> Option<Self> {
        let decision = &stored.decision;
        let routing = decision.routing.as_ref().filter(|_| Way::of(decision).leaves())?;
        let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
        let redacted = routing.redacted.as_ref();
        let types = redacted.map_or(&decision.entities, |redacted| &redacted.entities);
        Some(Self {
            sequence: stored.sequence,
            decision_id: decision.id.to_string(),
            time: decision.time,
            caller: decision.caller.to_string(),
            route: routing.route,
            backend: routing.backend.to_string(),
            model: routing.model.to_string(),
            level: decision.level,
            sent_level: redacted.map_or(decision.level, |redacted| redacted.level),
            entity_types: types.iter().map(|EntityCount { entity_type, .. }| entity_type.to_string()).collect(),
            replaced: redacted.map_or(0, |redacted| redacted.replaced),
            bytes: redacted.map_or(decision.text_bytes, |redacted| redacted.text_bytes),
            outcome: outcome.map_or("open", |outcome| outcome.status.as_str()),
            cost_micros: outcome.and_then(|outcome| outcome.cost_micros),
            cost_estimated: outcome.is_some_and(|outcome| outcome.cost_estimated),
            overridden_by: routing.overridden.as_ref().map(|overridden| overridden.rule.to_string()),
            escalated_from: routing.escalated_from.map(|id| id.to_string()),
        })
    }
}

/// All that left, counted, with the newest rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outward {
    /// Calls.
    pub calls: u64,
    /// By the level of the text that was sent.
    pub sent_levels: Levels,
    /// Bytes that were sent.
    pub bytes: u64,
    /// What it cost.
    pub money: Money,
    /// Calls that went out under an override.
    pub overridden: u64,
    /// Calls whose text was redacted first.
    pub redacted: u64,
    /// Calls not in `rows`; they are the oldest.
    pub rows_left_out: u64,
    /// The newest calls, newest first.
    pub rows: Vec<Egress>,
}

/// Counts what leaves, and keeps the newest rows.
#[derive(Debug)]
pub(super) struct Gathered {
    counted: Outward,
    rows: Vec<Egress>,
    most: usize,
}

impl Gathered {
    pub(super) fn new(most: usize) -> Self {
        Self { counted: Outward::default(), rows: Vec::new(), most }
    }

    /// Decisions come newest first.
    pub(super) fn add(&mut self, stored: &StoredDecision) {
        let Some(row) = Egress::of(stored) else { return };
        let counted = &mut self.counted;
        counted.calls += 1;
        counted.sent_levels.add(row.sent_level);
        counted.bytes = counted.bytes.saturating_add(row.bytes);
        counted.overridden += u64::from(row.overridden_by.is_some());
        counted.redacted += u64::from(row.route == Route::CloudRedacted);
        if let Some(stored) = &stored.outcome {
            counted.money.add(&stored.outcome);
        }
        if self.rows.len() < self.most {
            self.rows.push(row);
        } else {
            counted.rows_left_out += 1;
        }
    }

    pub(super) fn done(self) -> Outward {
        Outward { rows: self.rows, ..self.counted }
    }
}
