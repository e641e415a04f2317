//! Everything that a report says of a log, as numbers. The HTML page and the JSON are both made of it, so they cannot
//! differ.

use jiff::Timestamp;
use serde::Serialize;

use crate::policy::Sensitivity;

use super::counts::{
    Endings, Gap, Levels, ModelUse, Money, Operations, PolicyUse, ProgramUse, Routes, RuleUse, TypeUse, Volume,
};
use super::egress::Outward;
use super::histogram::Percentiles;
use super::tally::{Count, Ranking};

/// What one pass over a log counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Time of the first decision.
    pub first: Option<Timestamp>,
    /// Time of the last decision.
    pub last: Option<Timestamp>,
    /// All decisions. A call of a model is a decision of its own, so a request that was escalated, or that a second
    /// backend took, has two.
    pub total: Volume,
    /// By what was asked.
    pub operations: Operations,
    /// Where the texts of each level went.
    pub level_routes: LevelRoutes,
    /// By day, in UTC, oldest first.
    pub days: Ranking<Volume>,
    /// By caller.
    pub callers: Ranking<Volume>,
    /// By backend and model.
    pub models: Ranking<ModelUse>,
    /// By entity type.
    pub entity_types: Ranking<TypeUse>,
    /// By rule of the policy.
    pub rules: Ranking<RuleUse>,
    /// Why requests did not take the route that the policy prefers.
    pub route_reasons: Ranking<Count>,
    /// How much requests asked of a model.
    pub complexities: Complexities,
    /// Policies that decided, by digest.
    pub policies: Ranking<PolicyUse>,
    /// What decided beside the policy.
    pub programs: Ranking<ProgramUse>,
    /// What operators changed, newest first.
    pub operators: Vec<Operator>,
    /// Changes that are not listed.
    pub operators_left_out: u64,
    /// How calls ended.
    pub endings: Endings,
    /// Refused and failed calls, by kind of error and reason.
    pub failures: Ranking<Count>,
    /// Local answers that were not sure enough.
    pub escalations: Escalations,
    /// Decisions with a coverage gap that nobody permitted; all of them are confidential.
    pub incomplete_coverage: u64,
    /// Detectors that failed, with the reason.
    pub failed_detectors: Ranking<Gap>,
    /// Detectors that were skipped where the policy permits it, with the reason.
    pub skipped_detectors: Ranking<Gap>,
    /// Texts that left with their findings replaced.
    pub redactions: Redactions,
    /// Levels that callers lowered with the policy's leave.
    pub overrides: Overrides,
    /// What callers declared, and what was found.
    pub declared: DeclaredLevels,
    /// What the observed policy says.
    pub observed: ObservedUse,
    /// Cost of local calls.
    pub local_money: Money,
    /// Cost of cloud calls.
    pub cloud_money: Money,
    /// Times.
    pub latency: Latency,
    /// What left the organisation.
    pub cloud_egress: Outward,
}

/// Where the texts of each level went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LevelRoutes {
    /// Public texts.
    pub public: Routes,
    /// Internal texts.
    pub internal: Routes,
    /// Confidential texts.
    pub confidential: Routes,
}

/// Calls by how much they ask of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Complexities {
    /// A fact, a phrase.
    pub simple: u64,
    /// Some steps or some length.
    pub moderate: u64,
    /// Analysis, long input, reasoning.
    pub complex: u64,
}

/// A change that an operator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Position in the log.
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// What, such as `cloud_closed`.
    pub change: String,
    /// Who asked for it.
    pub by: String,
    /// For whom; empty for everybody.
    pub caller: String,
}

/// Local answers that were judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Escalations {
    /// Local answers whose place the cloud's took.
    pub escalated: u64,
    /// Calls of the cloud for that.
    pub asked_again: u64,
    /// Answers that were not sure enough and stayed.
    pub withheld: u64,
    /// Why they stayed.
    pub withheld_because: Option<Ranking<Count>>,
    /// How sure the local models were.
    pub confidence: ConfidenceUse,
}

/// How sure local models were of their answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConfidenceUse {
    /// Answers that were judged.
    pub judged: u64,
    /// Those that were not sure enough.
    pub low: u64,
    /// What spoke against answers.
    pub low_because: Option<Ranking<Count>>,
}

/// Texts that left with their findings replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redactions {
    /// Calls.
    pub calls: u64,
    /// Values that were replaced.
    pub values_replaced: u64,
    /// Levels of the texts.
    pub before: Levels,
    /// Levels of what was sent.
    pub after: Levels,
}

/// Levels that callers lowered with the policy's leave.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overrides {
    /// How many.
    pub count: u64,
    /// By the override in the policy.
    pub by_rule: Option<Ranking<Count>>,
    /// Those that are not listed; they are the oldest.
    pub rows_left_out: u64,
    /// The newest.
    pub rows: Vec<Override>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The decision.
    pub decision_id: String,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub caller: String,
    /// Its id in the policy.
    pub rule: String,
    /// The verdict's level.
    pub from: Sensitivity,
    /// The level that the route was looked up for.
    pub to: Sensitivity,
    /// The caller's reason, in one word; may be empty.
    pub reason: String,
}

/// Levels that were found, by what the caller declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeclaredLevels {
    /// Nothing was declared.
    pub undeclared: Levels,
    /// Public was declared.
    pub public: Levels,
    /// Internal was declared.
    pub internal: Levels,
    /// Confidential was declared.
    pub confidential: Levels,
    /// Decisions whose level is above the declared one.
    pub raised: u64,
}

/// What a policy that only looks on says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObservedUse {
    /// Decisions that it looked on.
    pub decisions: u64,
    /// Those in which level or route differ.
    pub differs: u64,
    /// It would give a higher level.
    pub higher: u64,
    /// It would give a lower level.
    pub lower: u64,
    /// It would send out what stayed.
    pub newly_outward: u64,
    /// It would keep what went out.
    pub newly_inward: u64,
}

/// Times, each `None` if nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// From the start of the detectors to the verdict.
    pub verdict: Option<Percentiles>,
    /// From the call of a model to the first piece of its answer.
    pub first_piece: Option<Percentiles>,
    /// From the arrival of a request to its whole answer, local models.
    pub total_local: Option<Percentiles>,
    /// The same, cloud models.
    pub total_cloud: Option<Percentiles>,
}
