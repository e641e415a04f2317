//! What a replay says, in the form that people and programs read. It is made of counts and names, in one order, without a
//! clock: the same log and the same policies give the same bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Sensitivity};

use super::question::Whither;
use super::run::Question;
use super::tally::{Leaving, Money, Of, RuleTally, SelfCheck, Some3, Tally};

/// Groups of equal changes that are listed.
const GROUPS: usize = 10;

/// The form of [`Summary`]; a new one is another number.
const FORMAT: &str = "cordon replay 1";

/// A fixed word.
pub type Word = Cow<'static, str>;

/// What another policy would have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The form of all this.
    pub format: Word,
    /// What was looked at.
    pub input: Input,
    /// The policies that are compared.
    pub policies: Policies,
    /// Decisions that were asked about. A retry or an escalation is a decision of its own.
    pub decisions: u64,
    /// Those among them that were classifications, which go nowhere.
    pub classifications: u64,
    /// Whether the policies that decided then say the same again.
    pub self_check: Check,
    /// What the records do not decide.
    pub undecided: Undecided,
    /// How many requests go from one level to another.
    pub levels: Vec<LevelChange>,
    /// How many go from one route to another.
    pub routes: Vec<RouteChange>,
    /// What each rule of either policy decided, and what becomes of that.
    pub rules: Vec<Rule>,
    /// What changes of the cost.
    pub cost: Cost,
    /// Requests that would newly go to the cloud as they are.
    pub newly_to_cloud: Moved,
    /// Requests that a redacting route would newly take, if the verdict on the redacted text lets it.
    pub newly_redacted: Moved,
    /// Undecided requests of which some would newly go to the cloud.
    pub may_newly_go_to_cloud: Moved,
    /// Requests that would no longer leave.
    pub no_longer_to_cloud: Moved,
    /// The largest groups of requests that change in the same way.
    pub groups: Vec<Group>,
    /// How many such groups there are.
    pub groups_in_all: u64,
    /// Callers with requests that change or are undecided.
    pub callers: Vec<Caller>,
    /// What else bore on the requests then, and no policy says.
    pub circumstances: Circumstances,
    /// What found then: findings are taken as they were recorded, whatever is in force now.
    pub found_by: Vec<FoundBy>,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Position of the first decision.
    pub first_sequence: u64,
    /// Position of the last record that counted.
    pub last_sequence: u64,
    /// Chain hash of that record, which covers all before it.
    pub last_hash: String,
    /// The filter.
    pub since: Option<String>,
    /// The filter.
    pub until: Option<String>,
    /// The filter.
    pub caller: Option<String>,
    /// The filter.
    pub level: Option<Sensitivity>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyName {
    /// Name in the file.
    pub name: String,
    /// Version in the file.
    pub version: String,
    /// BLAKE3 of the file.
    pub digest: String,
}

/// The policies that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// The one that is tried.
    pub new: PolicyName,
    /// The one that it is compared with; absent for the recorded decisions.
    pub against: Option<PolicyName>,
    /// Those that decided then.
    pub recorded: Vec<Recorded>,
}

/// A policy that decided then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which.
    #[serde(flatten)]
    pub policy: PolicyName,
    /// Its decisions.
    pub decisions: u64,
}

/// Whether records give what they say under the policy that made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Records of one of the policies that are compared.
    pub checked: u64,
    /// Those that came out the same: level, reasons and route.
    pub reproduced: u64,
    /// Those that the record leaves open, with the recorded level in the range.
    pub open: u64,
    /// Those that did not.
    pub not_reproducible: u64,
    /// The first of these.
    pub examples: Vec<String>,
}

/// What the records do not decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Requests whose level is open.
    pub levels: u64,
    /// Requests whose route is open.
    pub routes: u64,
    /// The first with an open level.
    pub examples: Vec<String>,
    /// What of their records is missing; one request can lack several things.
    pub causes: BTreeMap<Word, u64>,
    /// Between which levels the open ones lie.
    pub ranges: Vec<LevelRange>,
}

/// Requests with an open level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRange {
    /// The level on the other side, or the least.
    pub from: Sensitivity,
    /// At least this.
    pub at_least: Sensitivity,
    /// At most this.
    pub at_most: Sensitivity,
    /// How many.
    pub decisions: u64,
}

/// One cell of the matrix of levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelChange {
    /// Before.
    pub from: Sensitivity,
    /// After.
    pub to: Sensitivity,
    /// How many.
    pub decisions: u64,
}

/// One cell of the matrix of routes: where the policies want a request, whatever stood in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChange {
    /// Before.
    pub from: Word,
    /// After.
    pub to: Word,
    /// How many.
    pub decisions: u64,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `before` or `after`.
    pub of: Word,
    /// Its id; empty for no rule.
    pub rule: String,
    /// Requests that it decides.
    pub decides: u64,
    /// From which level to which they go.
    pub levels: Vec<LevelChange>,
    /// From which route to which they go.
    pub routes: Vec<RouteChange>,
    /// Those whose level is open on either side.
    pub undecided: u64,
    /// What changes of their cost.
    pub cost: Cost,
}

/// Cost, in millionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests whose cost is known on both sides.
    pub known: u64,
    /// Theirs before.
    pub before_micros: u64,
    /// Theirs after.
    pub after_micros: u64,
    /// The difference.
    pub change_micros: i64,
    /// The others, by what is missing.
    pub unknown: BTreeMap<Word, u64>,
}

/// Requests that move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How many.
    pub decisions: u64,
    /// What they hold.
    pub entity_types: Vec<Held>,
    /// The first.
    pub examples: Vec<String>,
}

/// A type that requests hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The type.
    pub entity_type: String,
    /// Requests that hold it.
    pub decisions: u64,
    /// Its findings in them.
    pub findings: u64,
}

/// Requests that change in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub decisions: u64,
    /// Level before.
    pub from: Sensitivity,
    /// Level after.
    pub to: Sensitivity,
    /// Rule before; empty for none.
    pub rule_before: String,
    /// Rule after; empty for none.
    pub rule_after: String,
    /// Route before.
    pub route_before: Word,
    /// Route after.
    pub route_after: Word,
    /// The first.
    pub examples: Vec<String>,
}

/// What changes for a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Its name.
    pub caller: String,
    /// Its decisions.
    pub decisions: u64,
    /// Those that get a higher level.
    pub raised: u64,
    /// Those that get a lower level.
    pub lowered: u64,
    /// Those that get another route.
    pub rerouted: u64,
    /// Those that would newly go to the cloud as they are.
    pub newly_to_cloud: u64,
    /// Those whose level is open.
    pub undecided: u64,
    /// What changes of the cost.
    pub cost: Cost,
}

/// What bore on requests beside the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Why requests did not go where their policy wanted them: a closed cloud, a spent budget, a backend that was away.
    pub held_back: BTreeMap<String, u64>,
    /// Calls of the cloud after a local answer that was not sure enough.
    pub escalations: u64,
    /// Those that the new policy does not allow.
    pub escalations_not_allowed: u64,
    /// Local requests for which the new policy allows them; whether the answer was sure enough is not known.
    pub may_escalate: u64,
    /// Calls of the cloud because the local side was away.
    pub fallbacks: u64,
    /// Those that the new policy does not allow.
    pub fallbacks_not_allowed: u64,
    /// Requests with an override.
    pub overrides: u64,
    /// Those that the new policy refuses.
    pub overrides_refused: u64,
}

/// What found, and how many requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBy {
    /// Version of Cordon.
    pub service_version: String,
    /// Digest of the catalog.
    pub catalog: String,
    /// Digest of the model.
    pub model: String,
    /// Digest of the calibration.
    pub calibration: String,
    /// Whether that catalog is in force now; absent if it is not known.
    pub catalog_is_now: Option<bool>,
    /// Decisions.
    pub decisions: u64,
}

impl Summary {
    /// The bytes that are written, and signed: JSON on one line, keys in the order of the alphabet.
    ///
    /// # Errors
    /// Never for a summary of this program.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value.sort_all_objects();
        serde_json::to_vec(&value)
    }
}

pub(super) fn of(tally: &Tally, question: &Question) -> Summary {
    let filter = &question.filter;
    let policy = |policy: &Policy| {
        let reference = policy.reference();
        PolicyName {
            name: reference.name.to_string(),
            version: reference.version.to_string(),
            digest: reference.digest.to_string(),
        }
    };
    let recorded = tally.policies.iter().map(|([name, version, digest], decisions)| Recorded {
        policy: PolicyName { name: name.to_string(), version: version.to_string(), digest: digest.to_string() },
        decisions: *decisions,
    });
    let found_by = tally.found_by.iter().map(|([service_version, catalog, model, calibration], decisions)| FoundBy {
        service_version: service_version.to_string(),
        catalog: catalog.to_string(),
        model: model.to_string(),
        calibration: calibration.to_string(),
        catalog_is_now: question.catalog_now.as_ref().map(|now| now == catalog),
        decisions: *decisions,
    });
    let callers = tally.callers.iter().filter(|(_, caller)| caller.is_affected()).map(|(name, caller)| Caller {
        caller: name.to_string(),
        decisions: caller.decisions,
        raised: caller.raised,
        lowered: caller.lowered,
        rerouted: caller.rerouted,
        newly_to_cloud: caller.newly_to_cloud,
        undecided: caller.undecided,
        cost: cost(&caller.money),
    });
    Summary {
        format: FORMAT.into(),
        input: Input {
            first_sequence: tally.first.unwrap_or(0),
            last_sequence: tally.last.map_or(0, |last| last.sequence),
            last_hash: tally.last.map(|last| last.hash.to_string()).unwrap_or_default(),
            since: filter.since.map(|time| time.to_string()),
            until: filter.until.map(|time| time.to_string()),
            caller: filter.caller.clone(),
            level: filter.level,
        },
        policies: Policies {
            new: policy(question.policy.policy()),
            against: question.against.as_ref().map(|against| policy(against.policy())),
            recorded: recorded.collect(),
        },
        decisions: tally.decisions,
        classifications: tally.classifications,
        self_check: check(&tally.checks),
        undecided: undecided(tally),
        levels: levels(&tally.levels),
        routes: routes(&tally.routes),
        rules: rules(tally, question),
        cost: cost(&tally.money),
        newly_to_cloud: moved(&tally.newly),
        newly_redacted: moved(&tally.newly_redacted),
        may_newly_go_to_cloud: moved(&tally.may_newly),
        no_longer_to_cloud: moved(&tally.no_longer),
        groups: groups(tally),
        groups_in_all: tally.changes.len() as u64,
        callers: callers.collect(),
        circumstances: Circumstances {
            held_back: tally.held.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
            escalations: tally.escalations.0,
            escalations_not_allowed: tally.escalations.1,
            may_escalate: tally.may_escalate,
            fallbacks: tally.fallbacks.0,
            fallbacks_not_allowed: tally.fallbacks.1,
            overrides: tally.overrides.0,
            overrides_refused: tally.overrides.1,
        },
        found_by: found_by.collect(),
    }
}

fn examples(some: &Some3) -> Vec<String> {
    some.examples.iter().map(ToString::to_string).collect()
}

fn check(checks: &[SelfCheck; 2]) -> Check {
    let sum = |of: fn(&SelfCheck) -> u64| checks.iter().map(of).sum::<u64>();
    let (reproduced, open, differs) = (sum(|c| c.reproduced), sum(|c| c.open), sum(|c| c.differs.count));
    Check {
        checked: reproduced + open + differs,
        reproduced,
        open,
        not_reproducible: differs,
        examples: checks.iter().flat_map(|check| examples(&check.differs)).collect(),
    }
}

fn undecided(tally: &Tally) -> Undecided {
    let ranges = tally.ranges.iter().map(|((from, at_least, at_most), decisions)| LevelRange {
        from: *from,
        at_least: *at_least,
        at_most: *at_most,
        decisions: *decisions,
    });
    Undecided {
        levels: tally.undecided_level.count,
        routes: tally.undecided_route,
        examples: examples(&tally.undecided_level),
        causes: tally.causes.iter().map(|(cause, count)| (cause.as_str().into(), *count)).collect(),
        ranges: ranges.collect(),
    }
}

fn levels(of: &BTreeMap<(Sensitivity, Sensitivity), u64>) -> Vec<LevelChange> {
    of.iter().map(|((from, to), decisions)| LevelChange { from: *from, to: *to, decisions: *decisions }).collect()
}

fn routes(of: &BTreeMap<(Whither, Whither), u64>) -> Vec<RouteChange> {
    let change = |((from, to), decisions): (&(Whither, Whither), &u64)| RouteChange {
        from: from.as_str().into(),
        to: to.as_str().into(),
        decisions: *decisions,
    };
    of.iter().map(change).collect()
}

/// Every rule of the policies, in the order of their files, then those that only records name.
fn rules(tally: &Tally, question: &Question) -> Vec<Rule> {
    let mut all = Vec::new();
    let sides = [
        (Of::Before, "before", question.against.as_ref().map(|against| against.policy())),
        (Of::After, "after", Some(question.policy.policy())),
    ];
    for (of, name, policy) in sides {
        let mut left: BTreeMap<&str, &RuleTally> = tally
            .rules
            .iter()
            .filter(|((side, _), _)| *side == of)
            .map(|((_, rule), counts)| (&**rule, counts))
            .collect();
        let nothing = RuleTally::default();
        let row = |rule: &str, counts: &RuleTally| Rule {
            of: name.into(),
            rule: rule.to_owned(),
            decides: counts.decides,
            levels: levels(&counts.levels),
            routes: routes(&counts.routes),
            undecided: counts.undecided,
            cost: cost(&counts.money),
        };
        for id in policy.into_iter().flat_map(|policy| policy.rule_ids()) {
            let counts = left.remove(&**id).unwrap_or(&nothing);
            all.push(row(id, counts));
        }
        all.extend(left.into_iter().map(|(rule, counts)| row(rule, counts)));
    }
    all
}

fn cost(money: &Money) -> Cost {
    // Picodollars; a sum of micros of each request would round each.
    let micros = |picos: u128| u64::try_from((picos + 500_000) / 1_000_000).unwrap_or(u64::MAX);
    let (before, after) = (micros(money.before), micros(money.after));
    let change = i128::from(after) - i128::from(before);
    Cost {
        known: money.known,
        before_micros: before,
        after_micros: after,
        change_micros: i64::try_from(change).unwrap_or(if change > 0 { i64::MAX } else { i64::MIN }),
        unknown: money.unknown.iter().map(|(why, count)| (why.as_str().into(), *count)).collect(),
    }
}

fn moved(leaving: &Leaving) -> Moved {
    let mut entity_types: Vec<Held> = leaving
        .types
        .iter()
        .map(|(name, (decisions, findings))| Held {
            entity_type: name.to_string(),
            decisions: *decisions,
            findings: *findings,
        })
        .collect();
    // Stable: equal counts stay in the order of names.
    entity_types.sort_by_key(|held| std::cmp::Reverse(held.decisions));
    Moved { decisions: leaving.some.count, entity_types, examples: examples(&leaving.some) }
}

fn groups(tally: &Tally) -> Vec<Group> {
    let mut changes: Vec<_> = tally.changes.iter().collect();
    changes.sort_by(|(a, count_a), (b, count_b)| count_b.count.cmp(&count_a.count).then_with(|| a.cmp(b)));
    let group = |(change, some): (&super::tally::Change, &Some3)| Group {
        decisions: some.count,
        from: change.levels.0,
        to: change.levels.1,
        rule_before: change.rules.0.to_string(),
        rule_after: change.rules.1.to_string(),
        route_before: change.whither.0.as_str().into(),
        route_after: change.whither.1.as_str().into(),
        examples: examples(some),
    };
    changes.into_iter().take(GROUPS).map(group).collect()
}
