//! What a report counts: plain numbers, in types that stand in the JSON as they stand here. Money is in millionths of a
//! US dollar, times in microseconds, sizes in bytes.

use serde::Serialize;

use crate::audit::{Decision, Operation, Outcome, OutcomeStatus};
use crate::policy::{Route, Sensitivity};

use super::tally::Counted;

/// Decisions by level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// Fine on a bill-board.
    pub public: u64,
    /// Not for outsiders.
    pub internal: u64,
    /// Disclosure harms.
    pub confidential: u64,
}

impl Levels {
    pub(super) fn add(&mut self, level: Sensitivity) {
        *match level {
            Sensitivity::Public => &mut self.public,
            Sensitivity::Internal => &mut self.internal,
            Sensitivity::Confidential => &mut self.confidential,
        } += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.public += other.public;
        self.internal += other.internal;
        self.confidential += other.confidential;
    }

    /// Of this level.
    #[must_use]
    pub fn of(&self, level: Sensitivity) -> u64 {
        match level {
            Sensitivity::Public => self.public,
            Sensitivity::Internal => self.internal,
            Sensitivity::Confidential => self.confidential,
        }
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.public + self.internal + self.confidential
    }
}

/// Decisions by where the text went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Routes {
    /// To a model on the organisation's own machines.
    pub local: u64,
    /// To a provider outside, with the findings replaced.
    pub cloud_redacted: u64,
    /// To a provider outside.
    pub cloud: u64,
    /// To no model: no backend could take it, or it was refused.
    pub unserved: u64,
    /// To no model, because none was asked for: classifications, and requests that only asked where they would go.
    pub not_asked: u64,
}

impl Routes {
    pub(super) fn add(&mut self, way: Way) {
        *match way {
            Way::Local => &mut self.local,
            Way::CloudRedacted => &mut self.cloud_redacted,
            Way::Cloud => &mut self.cloud,
            Way::Unserved => &mut self.unserved,
            Way::NotAsked => &mut self.not_asked,
        } += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.local += other.local;
        self.cloud_redacted += other.cloud_redacted;
        self.cloud += other.cloud;
        self.unserved += other.unserved;
        self.not_asked += other.not_asked;
    }

    /// Of this way.
    #[must_use]
    pub fn of(&self, way: Way) -> u64 {
        match way {
            Way::Local => self.local,
            Way::CloudRedacted => self.cloud_redacted,
            Way::Cloud => self.cloud,
            Way::Unserved => self.unserved,
            Way::NotAsked => self.not_asked,
        }
    }

    /// What left the organisation.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.cloud + self.cloud_redacted
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        Way::ALL.into_iter().map(|way| self.of(way)).sum()
    }
}

/// Where the text of one decision went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// A local backend.
    Local,
    /// A cloud backend, redacted.
    CloudRedacted,
    /// A cloud backend.
    Cloud,
    /// A model was asked for and none took it.
    Unserved,
    /// No model was asked for.
    NotAsked,
}

impl Way {
    /// All of them, the innermost first.
    pub const ALL: [Self; 5] = [Self::Local, Self::CloudRedacted, Self::Cloud, Self::Unserved, Self::NotAsked];

    /// That of a decision.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        match &decision.routing {
            Some(routing) if decision.operation == Operation::Dispatch => {
                match (routing.backend.as_str().is_empty(), routing.route) {
                    (true, _) => Self::Unserved,
                    (false, Route::Local) => Self::Local,
                    (false, Route::CloudRedacted) => Self::CloudRedacted,
                    (false, Route::Cloud) => Self::Cloud,
                }
            }
            _ => Self::NotAsked,
        }
    }

    /// Whether something left the organisation.
    #[must_use]
    pub fn leaves(self) -> bool {
        matches!(self, Self::Cloud | Self::CloudRedacted)
    }
}

/// Decisions by what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Operations {
    /// Classification alone.
    pub classify: u64,
    /// Classification, routing and inference.
    pub dispatch: u64,
    /// A dispatch that only asked where it would go.
    pub validate: u64,
}

impl Operations {
    pub(super) fn add(&mut self, operation: Operation) {
        *match operation {
            Operation::Classify => &mut self.classify,
            Operation::Dispatch => &mut self.dispatch,
            Operation::Validate => &mut self.validate,
        } += 1;
    }
}

/// What was paid, and what the same would have cost on the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Money {
    /// Calls whose cost is known.
    pub priced: u64,
    /// Calls of which nothing says what they cost: their backend has no price.
    pub unpriced: u64,
    /// What those with a price cost.
    pub cost_micros: u64,
    /// Calls whose cost is a bound made of bytes, because the backend does not count tokens.
    pub estimated: u64,
    /// Calls for which both sides have a price; the next two are about these alone.
    pub compared: u64,
    /// What they cost.
    pub compared_cost_micros: u64,
    /// What they would have cost on the other side.
    pub other_side_cost_micros: u64,
}

impl Money {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        let Some(cost) = outcome.cost_micros else {
            self.unpriced += 1;
            return;
        };
        self.priced += 1;
        self.cost_micros = self.cost_micros.saturating_add(cost);
        self.estimated += u64::from(outcome.cost_estimated);
        if let Some(other) = outcome.other_side_cost_micros {
            self.compared += 1;
            self.compared_cost_micros = self.compared_cost_micros.saturating_add(cost);
            self.other_side_cost_micros = self.other_side_cost_micros.saturating_add(other);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.priced += other.priced;
        self.unpriced += other.unpriced;
        self.cost_micros = self.cost_micros.saturating_add(other.cost_micros);
        self.estimated += other.estimated;
        self.compared += other.compared;
        self.compared_cost_micros = self.compared_cost_micros.saturating_add(other.compared_cost_micros);
        self.other_side_cost_micros = self.other_side_cost_micros.saturating_add(other.other_side_cost_micros);
    }

    /// What was saved by the side that was chosen, in millionths of a dollar; less than nothing if the other side would
    /// have been cheaper.
    #[must_use]
    pub fn saved_micros(&self) -> i128 {
        i128::from(self.other_side_cost_micros) - i128::from(self.compared_cost_micros)
    }
}

/// What was asked and came of it, for a day or a caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Decisions.
    pub decisions: u64,
    /// By level.
    pub levels: Levels,
    /// By where the text went.
    pub routes: Routes,
    /// Bytes of text.
    pub text_bytes: u64,
    /// Calls that ended with an error.
    pub failed: u64,
    /// Cost.
    pub money: Money,
}

impl Volume {
    pub(super) fn add(&mut self, decision: &Decision, outcome: Option<&Outcome>) {
        self.decisions += 1;
        self.levels.add(decision.level);
        self.routes.add(Way::of(decision));
        self.text_bytes = self.text_bytes.saturating_add(decision.text_bytes);
        if let Some(outcome) = outcome {
            self.failed += u64::from(outcome.status == OutcomeStatus::Failed);
            self.money.add(outcome);
        }
    }
}

impl Counted for Volume {
    fn weight(&self) -> u64 {
        self.decisions
    }

    fn merge(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.levels.merge(&other.levels);
        self.routes.merge(&other.routes);
        self.text_bytes = self.text_bytes.saturating_add(other.text_bytes);
        self.failed += other.failed;
        self.money.merge(&other.money);
    }
}

/// One model of one backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ModelUse {
    /// Calls.
    pub calls: u64,
    /// Those that left the organisation.
    pub left: u64,
    /// Calls that ended with an error.
    pub failed: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Cost.
    pub money: Money,
}

impl Counted for ModelUse {
    fn weight(&self) -> u64 {
        self.calls
    }

    fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.left += other.left;
        self.failed += other.failed;
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.money.merge(&other.money);
    }
}

/// One entity type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TypeUse {
    /// Decisions whose text holds it.
    pub decisions: u64,
    /// How often it was found.
    pub findings: u64,
    /// Different values, counted within each text.
    pub distinct: u64,
    /// Calls in which it left the organisation: it stands in the text that was sent, after redaction.
    pub left: u64,
}

impl Counted for TypeUse {
    fn weight(&self) -> u64 {
        self.findings.max(self.decisions)
    }

    fn merge(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.findings += other.findings;
        self.distinct += other.distinct;
        self.left += other.left;
    }
}

/// A rule of the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleUse {
    /// Decisions in which it applied.
    pub applied: u64,
    /// Those in which it gave the level.
    pub decided: u64,
    /// What it gives.
    pub levels: Levels,
}

impl Counted for RuleUse {
    fn weight(&self) -> u64 {
        self.applied
    }

    fn merge(&mut self, other: &Self) {
        self.applied += other.applied;
        self.decided += other.decided;
        self.levels.merge(&other.levels);
    }
}

/// How calls of models ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Endings {
    /// The answer was given whole.
    pub completed: u64,
    /// It ended with an error.
    pub failed: u64,
    /// The caller left, or the service stopped.
    pub cancelled: u64,
    /// The cloud's answer took its place.
    pub escalated: u64,
    /// Nothing is recorded: it is still in work, or the service was killed.
    pub open: u64,
}

impl Endings {
    pub(super) fn add(&mut self, outcome: Option<&Outcome>) {
        *match outcome.map(|outcome| outcome.status) {
            Some(OutcomeStatus::Completed) => &mut self.completed,
            Some(OutcomeStatus::Failed) => &mut self.failed,
            Some(OutcomeStatus::Cancelled) => &mut self.cancelled,
            Some(OutcomeStatus::Escalated) => &mut self.escalated,
            None => &mut self.open,
        } += 1;
    }
}

/// A detector that did not see everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Decisions.
    pub decisions: u64,
    /// Bytes that it did not see.
    pub bytes_missed: u64,
}

impl Counted for Gap {
    fn weight(&self) -> u64 {
        self.decisions
    }

    fn merge(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.bytes_missed = self.bytes_missed.saturating_add(other.bytes_missed);
    }
}

/// When something was first and last seen, by the times of the records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Decisions.
    pub decisions: u64,
    /// First.
    pub first: Option<jiff::Timestamp>,
    /// Last.
    pub last: Option<jiff::Timestamp>,
}

impl Seen {
    pub(super) fn at(&mut self, time: jiff::Timestamp) {
        self.decisions += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    fn merge(&mut self, other: &Self) {
        self.decisions += other.decisions;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = [self.last, other.last].into_iter().flatten().max();
    }
}

/// A policy that decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyUse {
    /// Its name in the file.
    pub policy: String,
    /// Its version in the file.
    pub version: String,
    /// When.
    #[serde(flatten)]
    pub seen: Seen,
}

impl Counted for PolicyUse {
    fn weight(&self) -> u64 {
        self.seen.decisions
    }

    fn merge(&mut self, other: &Self) {
        self.seen.merge(&other.seen);
    }
}

/// What decided beside the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProgramUse {
    /// Version of Cordon.
    pub service_version: String,
    /// Digest of the catalog of recognizers.
    pub catalog: String,
    /// Digest of the model; empty if none ran.
    pub model: String,
    /// Digest of the calibration of scores.
    pub calibration: String,
    /// When.
    #[serde(flatten)]
    pub seen: Seen,
}

impl Counted for ProgramUse {
    fn weight(&self) -> u64 {
        self.seen.decisions
    }

    fn merge(&mut self, other: &Self) {
        self.seen.merge(&other.seen);
    }
}
