//! What recorded traffic says: how much, how sensitive, how hard, how long, what it cost. It sees records alone, which hold
//! no text. Counts are exact; what is derived from few of them is said to be little.
//!
//! A request is a dispatch that is not the second half of an escalation. Where a log holds classifications alone, each
//! stands for a request: its level is known, and its tokens are not.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::audit::{Decision, Operation, Outcome, OutcomeStatus};
use crate::dispatch::reason;
use crate::policy::{Route, Sensitivity};

use super::figures::WHOLE;

/// Requests below which shares are rough: at 1,000 a share is known to about three points.
pub const ENOUGH_REQUESTS: u64 = 1_000;
/// Days below which a day may not be a usual one: a week has its own course.
pub const ENOUGH_DAYS: u64 = 7;

/// Why a request stayed though its rule sends such requests out.
const KEPT_BACK: [&str; 5] = [
    reason::NO_CLOUD_BACKEND,
    reason::CLOUD_CLOSED,
    reason::CLOUD_UNAVAILABLE,
    reason::BUDGET_SPENT,
    reason::BUDGET_UNAVAILABLE,
];

/// Requests that go the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// How many.
    pub requests: u64,
    /// Those among them whose tokens are known.
    pub counted: u64,
    /// Tokens read by those.
    pub input_tokens: u64,
    /// Tokens written by those.
    pub output_tokens: u64,
}

impl Flow {
    fn means(&self) -> Option<(u64, u64)> {
        (self.counted > 0)
            .then(|| (self.input_tokens.div_ceil(self.counted), self.output_tokens.div_ceil(self.counted)))
    }
}

/// Recorded traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Requests.
    pub requests: u64,
    /// Classifications without a dispatch.
    pub classifications: u64,
    /// Dispatches that only asked where they would go; they count for nothing else here.
    pub validations: u64,
    /// Answers that the cloud was asked for a second time.
    pub escalations: u64,
    /// Requests that failed or were cancelled.
    pub unfinished: u64,
    /// Time of the first record counted.
    pub first: Option<Timestamp>,
    /// Time of the last.
    pub last: Option<Timestamp>,
    /// Days of UTC from the first to the last, or of the time asked for.
    pub days: u64,
    /// Requests by level.
    pub levels: BTreeMap<&'static str, u64>,
    /// Requests by complexity.
    pub complexity: BTreeMap<&'static str, u64>,
    /// Requests by the route taken in the end.
    pub routes: BTreeMap<&'static str, u64>,
    /// Must stay: the verdict lets them go nowhere else.
    pub must_stay: Flow,
    /// May leave and stayed.
    pub may_leave: Flow,
    /// Left, or would have if the cloud had been there.
    pub leaves: Flow,
    /// Requests that stayed only because the cloud was closed, absent, down or too dear.
    pub kept_back: u64,
    /// Requests whose cost at a cloud's price is recorded.
    pub priced: u64,
    /// Micro-dollars of those.
    pub priced_micros: u64,
    /// Micro-dollars that were spent in the cloud.
    pub spent_micros: u64,
    /// Whether some of the costs are bounds, because a backend did not count its tokens.
    pub costs_estimated: bool,
}

/// Reads records one by one; their order does not matter.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    dispatched: Traffic,
    classified: Traffic,
    first: Option<Date>,
    last: Option<Date>,
}

fn add(sum: &mut u64, count: u64) {
    *sum = sum.saturating_add(count);
}

fn count(map: &mut BTreeMap<&'static str, u64>, name: &'static str) {
    add(map.entry(name).or_default(), 1);
}

impl Recorder {
    /// One decision with what came of it.
    pub fn take(&mut self, decision: &Decision, outcome: Option<&Outcome>) {
        let traffic = match decision.operation {
            Operation::Validate => return add(&mut self.dispatched.validations, 1),
            Operation::Classify => &mut self.classified,
            Operation::Dispatch => &mut self.dispatched,
        };
        let date = decision.time.to_zoned(TimeZone::UTC).date();
        self.first = Some(self.first.map_or(date, |first| first.min(date)));
        self.last = Some(self.last.map_or(date, |last| last.max(date)));
        traffic.first = Some(traffic.first.map_or(decision.time, |first| first.min(decision.time)));
        traffic.last = Some(traffic.last.map_or(decision.time, |last| last.max(decision.time)));
        traffic.take(decision, outcome);
    }

    /// What all records together say; `None` if none counts. With both ends of a time, the days are those of the time;
    /// else those from the first record to the last.
    #[must_use]
    pub fn finish(self, since: Option<Timestamp>, until: Option<Timestamp>) -> Option<Traffic> {
        let Self { dispatched, classified, first, last } = self;
        let classifications = classified.requests;
        let mut traffic = if dispatched.requests > 0 {
            dispatched
        } else {
            Traffic { validations: dispatched.validations, ..classified }
        };
        traffic.classifications = classifications;
        if traffic.requests == 0 {
            return None;
        }
        let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
        let from = since.map(day).or(first)?;
        // The end is not part of the time.
        let to = until.and_then(|until| until.checked_sub(jiff::Span::new().nanoseconds(1)).ok()).map(day).or(last)?;
        let days = from.until(to).map_or(0, |span| span.get_days());
        traffic.days = u64::try_from(days).unwrap_or(0) + 1;
        Some(traffic)
    }
}

impl Traffic {
    fn take(&mut self, decision: &Decision, outcome: Option<&Outcome>) {
        let routing = decision.routing.as_ref();
        let route = outcome.and_then(|outcome| outcome.route).or(routing.map(|routing| routing.route));
        let spent = outcome.filter(|_| route.is_some_and(Route::leaves)).and_then(|outcome| outcome.cost_micros);
        add(&mut self.spent_micros, spent.unwrap_or(0));
        self.costs_estimated |= outcome.is_some_and(|outcome| outcome.cost_estimated);
        if routing.is_some_and(|routing| routing.escalated_from.is_some()) {
            return add(&mut self.escalations, 1);
        }
        add(&mut self.requests, 1);
        count(&mut self.levels, decision.level.as_str());
        if let Some(routing) = routing {
            count(&mut self.complexity, routing.complexity.as_str());
        }
        if let Some(route) = route {
            count(&mut self.routes, route.as_str());
        }
        if outcome.is_some_and(|outcome| matches!(outcome.status, OutcomeStatus::Failed | OutcomeStatus::Cancelled)) {
            add(&mut self.unfinished, 1);
        }
        // A classification has no ceiling: the default routes let public text out and nothing else.
        let ceiling = routing.map_or_else(
            || if decision.level == Sensitivity::Public { Route::Cloud } else { Route::Local },
            |routing| routing.ceiling,
        );
        let kept_back = ceiling.leaves()
            && !route.is_some_and(Route::leaves)
            && routing.is_some_and(|routing| KEPT_BACK.contains(&routing.reason.as_str()));
        add(&mut self.kept_back, u64::from(kept_back));
        let flow = if !ceiling.leaves() {
            &mut self.must_stay
        } else if kept_back || route.is_some_and(Route::leaves) {
            &mut self.leaves
        } else {
            &mut self.may_leave
        };
        add(&mut flow.requests, 1);
        let Some(outcome) = outcome else { return };
        if outcome.input_tokens + outcome.output_tokens > 0 {
            add(&mut flow.counted, 1);
            add(&mut flow.input_tokens, outcome.input_tokens);
            add(&mut flow.output_tokens, outcome.output_tokens);
        }
        let at_cloud = match route.is_some_and(Route::leaves) {
            true => outcome.cost_micros,
            false => outcome.other_side_cost_micros,
        };
        if let Some(micros) = at_cloud {
            add(&mut self.priced, 1);
            add(&mut self.priced_micros, micros);
        }
    }

    fn flows(&self) -> [Flow; 3] {
        [self.must_stay, self.may_leave, self.leaves]
    }

    /// Requests on an average day, rounded up.
    #[must_use]
    pub fn queries_per_day(&self) -> Option<u64> {
        (self.requests > 0 && self.days > 0).then(|| self.requests.div_ceil(self.days))
    }

    /// Tokens read and written by an average request, rounded up.
    #[must_use]
    pub fn mean_tokens(&self) -> Option<(u64, u64)> {
        let sum = |of: fn(&Flow) -> u64| self.flows().iter().map(of).fold(0, u64::saturating_add);
        let all = Flow {
            requests: self.requests,
            counted: sum(|flow| flow.counted),
            input_tokens: sum(|flow| flow.input_tokens),
            output_tokens: sum(|flow| flow.output_tokens),
        };
        all.means()
    }

    /// The same for what must stay, what may leave and stays, what leaves.
    #[must_use]
    pub fn group_tokens(&self) -> [Option<(u64, u64)>; 3] {
        self.flows().map(|flow| flow.means())
    }

    fn share(&self, count: u64) -> Option<u64> {
        let share = (u128::from(count) * u128::from(WHOLE)).checked_div(u128::from(self.requests))?;
        u64::try_from(share).ok().map(|share| share.min(WHOLE))
    }

    /// Part of the requests that must stay, in millionths.
    #[must_use]
    pub fn must_stay(&self) -> Option<u64> {
        self.share(self.must_stay.requests)
    }

    /// Part of the requests that left or would have, in millionths. Unknown for classifications alone.
    #[must_use]
    pub fn sent_out(&self) -> Option<u64> {
        if self.routes.is_empty() { None } else { self.share(self.leaves.requests) }
    }

    /// Picodollars of an average request at the cloud's recorded price, rounded up.
    #[must_use]
    pub fn cloud_picos_per_request(&self) -> Option<u128> {
        (self.priced > 0).then(|| (u128::from(self.priced_micros) * 1_000_000).div_ceil(u128::from(self.priced)))
    }

    /// Between which shares, in percent, what must stay lies with 95 % certainty (Wilson's interval), if requests come as
    /// they came.
    #[must_use]
    pub fn must_stay_interval(&self) -> (f64, f64) {
        const Z: f64 = 1.96;
        let (n, k) = (self.requests as f64, self.must_stay.requests as f64);
        if n <= 0.0 {
            return (0.0, 100.0);
        }
        let p = k / n;
        let scale = 1.0 + Z * Z / n;
        let middle = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let tenths = |part: f64| (part.clamp(0.0, 1.0) * 1000.0).round() / 10.0;
        (tenths(middle - half), tenths(middle + half))
    }

    /// What makes these figures weak, in sentences.
    #[must_use]
    pub fn caveats(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.routes.is_empty() {
            said.push(
                "the log holds classifications alone: tokens are assumed, and what may leave is told by the level"
                    .to_owned(),
            );
        }
        if self.requests < ENOUGH_REQUESTS || self.days < ENOUGH_DAYS {
            let (from, to) = self.must_stay_interval();
            said.push(format!(
                "little data: {} requests on {} days; below {ENOUGH_REQUESTS} requests or {ENOUGH_DAYS} days the figures are \
                 rough (what must stay lies between {from} and {to} %)",
                self.requests, self.days
            ));
        }
        let counted: u64 = self.flows().iter().map(|flow| flow.counted).sum();
        if !self.routes.is_empty() && counted < self.requests {
            let left = self.requests - counted;
            said.push(format!(
                "{left} of {} requests have no count of tokens; the others stand for them",
                self.requests
            ));
        }
        if self.kept_back > 0 {
            said.push(format!(
                "{} requests stayed because the cloud was closed, absent, down or too dear; they are counted as leaving",
                self.kept_back
            ));
        }
        if self.costs_estimated {
            said.push("some recorded costs are upper bounds, because a backend did not count its tokens".to_owned());
        }
        said
    }
}
