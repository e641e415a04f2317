//! From counts to a [`Summary`]: names and numbers in one order, without a clock, so that the same log and the same policies
//! give the same bytes.

use std::collections::BTreeMap;

use crate::policy::{Policy, Sensitivity};

use super::question::Whither;
use super::run::Question;
use super::summary::{
    Caller, Check, Circumstances, Cost, FORMAT, FoundBy, Group, Held, Input, LevelChange, LevelRange, Moved, Policies,
    PolicyName, Recorded, RouteChange, Rule, Summary, Undecided,
};
use super::tally::{Leaving, Money, Of, RuleTally, SelfCheck, Some3, Tally};

/// Groups of equal changes that are listed.
const GROUPS: usize = 10;

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
