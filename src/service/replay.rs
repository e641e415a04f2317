//! `ReplayPolicy`: what another policy would have made of the recorded requests. Thin: the work is in [`crate::replay`]. It
//! changes nothing, one runs at a time, and records and time are bounded: it shares the machine with live requests.

use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::detect::Catalog;
use crate::error::Kind;
use crate::ner::NerConfig;
use crate::policy::{Hindsight, Policy, PolicyError};
use crate::replay::{self, Filter, Limits, Prices, Question, ReplayError, Summary};

use super::convert;
use super::core::Core;
use super::error::Refusal;
use super::limits::{self, Slots};
use super::proto::{
    PolicyReference, ReplayCaller, ReplayCheck, ReplayCost, ReplayGroup, ReplayHeld, ReplayLevelChange, ReplayMoved,
    ReplayPolicyRequest, ReplayPolicyResponse, ReplayRouteChange, ReplayRule, ReplaySummary, ReplayUndecided,
};

/// Bytes of a policy in a request.
const MAX_POLICY_BYTES: usize = 1 << 20;
/// Records that one question may go over; the command line has no such bound.
const MAX_RECORDS: u64 = 2_000_000;
/// Longest that one question may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What replay needs of the configuration.
#[derive(Debug)]
pub(super) struct Terms {
    prices: Prices,
    model: NerConfig,
    turns: Slots,
}

impl Default for Terms {
    fn default() -> Self {
        Self::new(Prices::default(), NerConfig::default())
    }
}

impl Terms {
    pub(super) fn new(prices: Prices, model: NerConfig) -> Self {
        Self { prices, model, turns: Slots::new(1, "replays") }
    }
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        let reason = match error {
            ReplayError::Empty => "NO_DECISION_FITS",
            ReplayError::TooMany { .. } => "TOO_MANY_RECORDS",
            ReplayError::Deadline => "DEADLINE_EXCEEDED",
            ReplayError::Version { .. } | ReplayError::Malformed { .. } => "RECORD_UNREADABLE",
            ReplayError::Audit(_) | ReplayError::Thread => "AUDIT_LOG_UNAVAILABLE",
        };
        Self::new(error.kind(), reason, error.to_string())
    }
}

/// Answers one question.
pub(super) async fn answer(
    core: &Arc<Core>,
    metadata: &MetadataMap,
    filter: Filter,
    request: ReplayPolicyRequest,
) -> Result<ReplayPolicyResponse, Refusal> {
    for (field, policy) in [("policy", &request.policy), ("against", &request.against)] {
        if policy.len() > MAX_POLICY_BYTES {
            let message = format!("has {} bytes; at most {MAX_POLICY_BYTES} are taken", policy.len());
            return Err(Refusal::field(field, "POLICY_TOO_LARGE", message));
        }
    }
    let turn = core.replay.turns.take()?;
    let deadline = limits::deadline_of(metadata, PATIENCE);
    let core = Arc::clone(core);
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let catalog =
            Catalog::embedded().map_err(|error| Refusal::new(Kind::Internal, "INTERNAL", error.to_string()))?;
        let against = (!request.against.is_empty()).then_some(&*request.against);
        let question = Question {
            policy: Arc::new(policy(&core, &catalog, "policy", &request.policy)?),
            against: against.map(|source| policy(&core, &catalog, "against", source)).transpose()?.map(Arc::new),
            prices: core.replay.prices.clone(),
            filter,
            limits: Limits { records: Some(MAX_RECORDS), deadline: Some(deadline) },
            catalog_now: Some(core.classifier.rules_digest()),
        };
        let summary = replay::replay(core.audit.reader(), &question, &mut |_| {})?;
        let bytes = summary.to_bytes().map_err(|error| Refusal::new(Kind::Internal, "INTERNAL", error.to_string()))?;
        let canonical_json = String::from_utf8_lossy(&bytes).into_owned();
        Ok(ReplayPolicyResponse { summary: Some(told(summary)), canonical_json })
    });
    work.await.map_err(|_| Refusal::new(Kind::Internal, "INTERNAL", "the replay failed"))?
}

/// A policy of a request.
fn policy(core: &Core, catalog: &Catalog, field: &str, source: &str) -> Result<Hindsight, Refusal> {
    let wrong = |message: String| Refusal::field(field, "INVALID_POLICY", message);
    let policy = Policy::parse(source, catalog).map_err(|error| match error {
        PolicyError::Invalid { problems } => {
            wrong(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        other => wrong(other.to_string()),
    })?;
    replay::hindsight(policy, catalog, &core.replay.model).map_err(|error| wrong(error.to_string()))
}

fn told(of: Summary) -> ReplaySummary {
    ReplaySummary {
        first_sequence: of.input.first_sequence,
        last_sequence: of.input.last_sequence,
        last_hash: of.input.last_hash,
        policy: Some(reference(of.policies.new)),
        against: of.policies.against.map(reference),
        decisions: of.decisions,
        classifications: of.classifications,
        self_check: Some(ReplayCheck {
            checked: of.self_check.checked,
            reproduced: of.self_check.reproduced,
            open: of.self_check.open,
            not_reproducible: of.self_check.not_reproducible,
            examples: of.self_check.examples,
        }),
        undecided: Some(ReplayUndecided {
            levels: of.undecided.levels,
            routes: of.undecided.routes,
            examples: of.undecided.examples,
            causes: of.undecided.causes.into_iter().map(|(cause, count)| (cause.to_string(), count)).collect(),
        }),
        levels: of.levels.iter().map(level).collect(),
        routes: of.routes.iter().map(route).collect(),
        rules: of.rules.into_iter().map(rule).collect(),
        cost: Some(cost(of.cost)),
        newly_to_cloud: Some(moved(of.newly_to_cloud)),
        newly_redacted: Some(moved(of.newly_redacted)),
        may_newly_go_to_cloud: Some(moved(of.may_newly_go_to_cloud)),
        no_longer_to_cloud: Some(moved(of.no_longer_to_cloud)),
        groups: of.groups.into_iter().map(group).collect(),
        groups_in_all: of.groups_in_all,
        callers: of.callers.into_iter().map(caller).collect(),
    }
}

fn reference(of: replay::PolicyName) -> PolicyReference {
    PolicyReference { name: of.name, version: of.version, digest: of.digest }
}

fn level(of: &replay::LevelChange) -> ReplayLevelChange {
    ReplayLevelChange {
        from: convert::level(of.from) as i32,
        to: convert::level(of.to) as i32,
        decisions: of.decisions,
    }
}

fn route(of: &replay::RouteChange) -> ReplayRouteChange {
    ReplayRouteChange { from: of.from.to_string(), to: of.to.to_string(), decisions: of.decisions }
}

fn rule(of: replay::Rule) -> ReplayRule {
    ReplayRule {
        of: of.of.to_string(),
        rule: of.rule,
        decides: of.decides,
        levels: of.levels.iter().map(level).collect(),
        routes: of.routes.iter().map(route).collect(),
        undecided: of.undecided,
        cost: Some(cost(of.cost)),
    }
}

fn cost(of: replay::Cost) -> ReplayCost {
    ReplayCost {
        known: of.known,
        before_micros: of.before_micros,
        after_micros: of.after_micros,
        change_micros: of.change_micros,
        unknown: of.unknown.into_iter().map(|(why, count)| (why.to_string(), count)).collect(),
    }
}

fn moved(of: replay::Moved) -> ReplayMoved {
    let held = |held: replay::Held| ReplayHeld {
        entity_type: held.entity_type,
        decisions: held.decisions,
        findings: held.findings,
    };
    ReplayMoved {
        decisions: of.decisions,
        entity_types: of.entity_types.into_iter().map(held).collect(),
        examples: of.examples,
    }
}

fn group(of: replay::Group) -> ReplayGroup {
    ReplayGroup {
        decisions: of.decisions,
        from: convert::level(of.from) as i32,
        to: convert::level(of.to) as i32,
        rule_before: of.rule_before,
        rule_after: of.rule_after,
        route_before: of.route_before.to_string(),
        route_after: of.route_after.to_string(),
        examples: of.examples,
    }
}

fn caller(of: replay::Caller) -> ReplayCaller {
    ReplayCaller {
        caller: of.caller,
        decisions: of.decisions,
        raised: of.raised,
        lowered: of.lowered,
        rerouted: of.rerouted,
        newly_to_cloud: of.newly_to_cloud,
        undecided: of.undecided,
        cost: Some(cost(of.cost)),
    }
}
