//! What came of all records together. Records come in the order of the log, so that the same log gives the same sums, the
//! same examples and the same bytes. It holds counts and names; of a request only its id.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::audit::{ChainHash, DecisionId};
use crate::dispatch::reason;
use crate::money::{Amount, Tokens};
use crate::policy::{Cause, Route, Sensitivity};

use super::prices::Prices;
use super::question::{Answer, Check, Whither};

/// Examples of one kind.
const EXAMPLES: usize = 3;
/// Decisions that wait for their outcomes. Of more, the outcome counts as unknown.
const MOST_WAITING: usize = 1 << 20;

/// A place in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) sequence: u64,
    pub(super) hash: ChainHash,
    pub(super) id: DecisionId,
}

/// One decision, asked of both sides.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) at: At,
    pub(super) caller: Arc<str>,
    /// Whether an outcome with tokens may follow.
    pub(super) dispatched: bool,
    /// Where its policy wanted it, and where it went.
    pub(super) wanted: Whither,
    pub(super) went: Option<Route>,
    /// Why it did not go where it was wanted; empty if it did.
    pub(super) held: Arc<str>,
    pub(super) escalated: bool,
    pub(super) overridden: bool,
    pub(super) before: Answer,
    pub(super) after: Answer,
    pub(super) checks: [Check; 2],
    /// Types and findings, of those that would newly leave.
    pub(super) types: Vec<(Arc<str>, u64)>,
    /// Name, version and digest of the policy that decided.
    pub(super) policy: [Arc<str>; 3],
    /// Version, catalog, model and calibration that found.
    pub(super) found_by: [Arc<str>; 4],
}

/// What the end of a request tells of its cost.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) at: At,
    pub(super) backend: Arc<str>,
    pub(super) route: Option<Route>,
    pub(super) tokens: Tokens,
}

/// Which side a rule belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Of {
    Before,
    After,
}

/// Why a cost is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Unpriced {
    NoOutcome,
    NoTokens,
    NoPrice,
    Redacted,
    Undecided,
}

impl Unpriced {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoOutcome => "no_outcome",
            Self::NoTokens => "no_tokens",
            Self::NoPrice => "no_price",
            Self::Redacted => "redacted_text",
            Self::Undecided => "undecided",
        }
    }
}

/// A sum of costs on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Money {
    pub(super) known: u64,
    pub(super) before: u128,
    pub(super) after: u128,
    pub(super) unknown: BTreeMap<Unpriced, u64>,
}

impl Money {
    fn add(&mut self, cost: Result<(Amount, Amount), Unpriced>) {
        match cost {
            Ok((before, after)) => {
                self.known += 1;
                self.before += u128::from(before.picos());
                self.after += u128::from(after.picos());
            }
            Err(why) => *self.unknown.entry(why).or_default() += 1,
        }
    }
}

/// Counts of one rule.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleTally {
    pub(super) decides: u64,
    pub(super) levels: BTreeMap<(Sensitivity, Sensitivity), u64>,
    pub(super) routes: BTreeMap<(Whither, Whither), u64>,
    pub(super) undecided: u64,
    pub(super) money: Money,
}

/// Requests that change in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Change {
    pub(super) levels: (Sensitivity, Sensitivity),
    pub(super) rules: (Arc<str>, Arc<str>),
    pub(super) whither: (Whither, Whither),
}

/// A number, with the first of its members.
#[derive(Clone, Debug, Default)]
pub(super) struct Some3 {
    pub(super) count: u64,
    pub(super) examples: Vec<DecisionId>,
}

impl Some3 {
    fn add(&mut self, id: DecisionId) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(id);
        }
    }
}

/// Requests that would newly leave, or no longer.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaving {
    pub(super) some: Some3,
    /// Requests and findings by type.
    pub(super) types: BTreeMap<Arc<str>, (u64, u64)>,
}

impl Leaving {
    fn add(&mut self, case: &Case) {
        self.some.add(case.at.id);
        for (name, count) in &case.types {
            let (requests, findings) = self.types.entry(Arc::clone(name)).or_default();
            *requests += 1;
            *findings += count;
        }
    }
}

/// What changes for one caller.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerTally {
    pub(super) decisions: u64,
    pub(super) raised: u64,
    pub(super) lowered: u64,
    pub(super) rerouted: u64,
    pub(super) newly_to_cloud: u64,
    pub(super) undecided: u64,
    pub(super) money: Money,
}

impl CallerTally {
    pub(super) fn is_affected(&self) -> bool {
        self.raised + self.lowered + self.rerouted + self.undecided > 0
    }
}

/// How the records compare with the policies that decided them.
#[derive(Clone, Debug, Default)]
pub(super) struct SelfCheck {
    pub(super) reproduced: u64,
    pub(super) open: u64,
    pub(super) differs: Some3,
}

/// A dispatch whose outcome has not come yet.
#[derive(Debug)]
struct Waiting {
    rules: [Arc<str>; 2],
    caller: Arc<str>,
    wanted: Whither,
    went: Option<Route>,
    ways: (Whither, Whither),
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) first: Option<u64>,
    pub(super) last: Option<At>,
    pub(super) decisions: u64,
    pub(super) classifications: u64,
    pub(super) undecided_level: Some3,
    pub(super) undecided_route: u64,
    pub(super) causes: BTreeMap<Cause, u64>,
    pub(super) ranges: BTreeMap<(Sensitivity, Sensitivity, Sensitivity), u64>,
    pub(super) checks: [SelfCheck; 2],
    pub(super) levels: BTreeMap<(Sensitivity, Sensitivity), u64>,
    pub(super) routes: BTreeMap<(Whither, Whither), u64>,
    pub(super) rules: HashMap<(Of, Arc<str>), RuleTally>,
    pub(super) changes: HashMap<Change, Some3>,
    pub(super) callers: BTreeMap<Arc<str>, CallerTally>,
    pub(super) newly: Leaving,
    pub(super) newly_redacted: Leaving,
    pub(super) may_newly: Leaving,
    pub(super) no_longer: Leaving,
    pub(super) held: BTreeMap<Arc<str>, u64>,
    pub(super) escalations: (u64, u64),
    pub(super) may_escalate: u64,
    pub(super) fallbacks: (u64, u64),
    pub(super) overrides: (u64, u64),
    pub(super) money: Money,
    pub(super) policies: BTreeMap<[Arc<str>; 3], u64>,
    pub(super) found_by: BTreeMap<[Arc<str>; 4], u64>,
    waiting: HashMap<DecisionId, Waiting>,
}

impl Tally {
    /// Counts a decision.
    pub(super) fn add(&mut self, case: Case) {
        self.first.get_or_insert(case.at.sequence);
        self.last = Some(case.at);
        self.decisions += 1;
        self.classifications += u64::from(case.wanted == Whither::Nowhere);
        count(&mut self.policies, &case.policy);
        count(&mut self.found_by, &case.found_by);
        if !case.held.is_empty() {
            count(&mut self.held, &case.held);
        }
        for (of, check) in self.checks.iter_mut().zip(case.checks) {
            match check {
                Check::None => {}
                Check::Reproduced => of.reproduced += 1,
                Check::Open => of.open += 1,
                Check::Differs => of.differs.add(case.at.id),
            }
        }
        self.circumstances(&case);
        self.leaving(&case);
        self.compare(&case);
        if case.dispatched {
            let waiting = Waiting {
                rules: [Arc::clone(&case.before.rule), Arc::clone(&case.after.rule)],
                caller: case.caller,
                wanted: case.wanted,
                went: case.went,
                ways: (case.before.whither, case.after.whither),
            };
            if self.waiting.len() < MOST_WAITING {
                self.waiting.insert(case.at.id, waiting);
            } else {
                self.pay(&waiting, Err(Unpriced::NoOutcome));
            }
        }
    }

    fn circumstances(&mut self, case: &Case) {
        let leaves = case.after.whither.route().is_some_and(Route::leaves);
        if case.escalated {
            self.escalations.0 += 1;
            self.escalations.1 += u64::from(!case.after.may_escalate && !leaves);
        } else if case.after.may_escalate && case.after.whither == Whither::Local {
            self.may_escalate += 1;
        }
        if *case.held == *reason::LOCAL_UNAVAILABLE && case.went == Some(Route::Cloud) {
            self.fallbacks.0 += 1;
            self.fallbacks.1 += u64::from(!case.after.may_fall_back && !leaves);
        }
        if case.overridden {
            self.overrides.0 += 1;
            self.overrides.1 += u64::from(case.after.whither == Whither::Refused);
        }
    }

    fn leaving(&mut self, case: &Case) {
        let left = case.before.whither.route().is_some_and(Route::leaves);
        match case.after.whither {
            Whither::Cloud if case.before.whither != Whither::Cloud && case.before.whither != Whither::Open => {
                self.newly.add(case);
                self.callers.entry(Arc::clone(&case.caller)).or_default().newly_to_cloud += 1;
            }
            Whither::CloudRedacted if !left && case.before.whither != Whither::Open => self.newly_redacted.add(case),
            Whither::Open if case.after.may_leave && case.before.whither != Whither::Cloud => self.may_newly.add(case),
            Whither::Local | Whither::Refused if left => self.no_longer.add(case),
            _ => {}
        }
    }

    fn compare(&mut self, case: &Case) {
        let (before, after) = (&case.before, &case.after);
        let causes = before.causes.iter().chain(after.causes.iter().filter(|cause| !before.causes.contains(cause)));
        let open = before.level().is_none() || after.level().is_none();
        let way_open = before.whither == Whither::Open || after.whither == Whither::Open;
        if open || way_open {
            causes.for_each(|cause| *self.causes.entry(*cause).or_default() += 1);
        }
        let caller = self.callers.entry(Arc::clone(&case.caller)).or_default();
        caller.decisions += 1;
        let ways = (before.whither, after.whither);
        if case.wanted != Whither::Nowhere {
            *self.routes.entry(ways).or_default() += 1;
            self.undecided_route += u64::from(way_open);
            caller.rerouted += u64::from(before.whither != after.whither && !way_open);
        }
        let of_before = self.rules.entry((Of::Before, Arc::clone(&before.rule))).or_default();
        of_before.decides += 1;
        let (Some(from), Some(to)) = (before.level(), after.level()) else {
            of_before.undecided += 1;
            caller.undecided += 1;
            self.undecided_level.add(case.at.id);
            *self.ranges.entry((before.least, after.least, after.most)).or_default() += 1;
            return;
        };
        *of_before.levels.entry((from, to)).or_default() += 1;
        let of_after = self.rules.entry((Of::After, Arc::clone(&after.rule))).or_default();
        of_after.decides += 1;
        *of_after.levels.entry((from, to)).or_default() += 1;
        if case.wanted != Whither::Nowhere {
            *of_after.routes.entry(ways).or_default() += 1;
            if let Some(of_before) = self.rules.get_mut(&(Of::Before, Arc::clone(&before.rule))) {
                *of_before.routes.entry(ways).or_default() += 1;
            }
        }
        *self.levels.entry((from, to)).or_default() += 1;
        caller.raised += u64::from(to > from);
        caller.lowered += u64::from(to < from);
        if from != to || (before.whither != after.whither && !way_open) {
            let rules = (Arc::clone(&before.rule), Arc::clone(&after.rule));
            self.changes.entry(Change { levels: (from, to), rules, whither: ways }).or_default().add(case.at.id);
        }
    }

    /// Counts what a request cost, and what it would have cost.
    pub(super) fn settle(&mut self, settled: &Settled, prices: &Prices) {
        let Some(waiting) = self.waiting.remove(&settled.at.id) else { return };
        self.last = Some(settled.at);
        let cost = cost(&waiting, settled, prices);
        self.pay(&waiting, cost);
    }

    /// No more outcomes come.
    pub(super) fn end(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        // Sums of one kind: the order does not matter.
        waiting.into_values().for_each(|waiting| self.pay(&waiting, Err(Unpriced::NoOutcome)));
    }

    fn pay(&mut self, waiting: &Waiting, cost: Result<(Amount, Amount), Unpriced>) {
        self.money.add(cost);
        let [before, after] = &waiting.rules;
        for key in [(Of::Before, Arc::clone(before)), (Of::After, Arc::clone(after))] {
            if let Some(rule) = self.rules.get_mut(&key) {
                rule.money.add(cost);
            }
        }
        if let Some(caller) = self.callers.get_mut(&waiting.caller) {
            caller.money.add(cost);
        }
    }
}

/// What a request costs where it was wanted, and where it is wanted now.
fn cost(waiting: &Waiting, settled: &Settled, prices: &Prices) -> Result<(Amount, Amount), Unpriced> {
    let (before, after) = waiting.ways;
    if before == Whither::Open || after == Whither::Open {
        return Err(Unpriced::Undecided);
    }
    let counted = settled.tokens.input > 0 || settled.tokens.output > 0;
    let at = |whither: Whither| -> Result<Amount, Unpriced> {
        let Some(route) = whither.route() else { return Ok(Amount::ZERO) };
        if !counted {
            return Err(Unpriced::NoTokens);
        }
        if whither == waiting.wanted {
            // It went where it went, whatever was wanted.
            let went = settled.route.or(waiting.went).unwrap_or(route);
            return prices.cost(went, Some(&settled.backend), settled.tokens).ok_or(Unpriced::NoPrice);
        }
        if route == Route::CloudRedacted {
            return Err(Unpriced::Redacted);
        }
        prices.cost(route, None, settled.tokens).ok_or(Unpriced::NoPrice)
    };
    Ok((at(before)?, at(after)?))
}

fn count<K: Clone + Ord>(counts: &mut BTreeMap<K, u64>, key: &K) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => drop(counts.insert(key.clone(), 1)),
    }
}
