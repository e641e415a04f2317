//! A policy that looks on: it decides on the findings that the policy in force decided on, is recorded beside it, and never
//! acts. Whatever happens to it happens to nobody else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::audit::{self, Label, RecordedObservation};
use crate::policy::{Complexity, Evidence, Policy, Route, RoutePlan, Verdict};

/// What a policy that only looks on made of the same findings.
#[derive(Clone, Debug)]
pub struct Observed {
    policy: Arc<Policy>,
    verdict: Arc<Verdict>,
}

impl Observed {
    /// For the record of a classification: how it differs from the verdict that acts.
    #[must_use]
    pub fn of_classification(&self, acting: &Verdict) -> RecordedObservation {
        self.recorded(acting, None)
    }

    /// For the record of a dispatch, which the policy that acts would send by this route.
    #[must_use]
    pub fn of_dispatch(
        &self,
        acting: &Verdict,
        preferred: Route,
        complexity: Complexity,
        caller: &str,
    ) -> RecordedObservation {
        let plan = self.policy.route(&self.verdict, complexity, caller);
        self.recorded(acting, Some((preferred, plan)))
    }

    fn recorded(&self, acting: &Verdict, routes: Option<(Route, RoutePlan)>) -> RecordedObservation {
        let level_differs = self.verdict.level() != acting.level();
        let route_differs = routes.as_ref().is_some_and(|(preferred, plan)| plan.preferred() != *preferred);
        metrics::counter!("cordon_observed_total").increment(1);
        for (what, differs) in [("level", level_differs), ("route", route_differs)] {
            if differs {
                metrics::counter!("cordon_observed_differs_total", "what" => what).increment(1);
            }
        }
        RecordedObservation {
            policy: audit::tidy_policy(self.verdict.policy()),
            level: self.verdict.level(),
            rule: self.verdict.reasons().first().map(|reason| Label::new(&reason.rule)).unwrap_or_default(),
            route: routes.as_ref().map(|(_, plan)| plan.preferred()),
            route_rule: routes.map(|(_, plan)| Label::new(plan.rule())).unwrap_or_default(),
            differs: level_differs || route_differs,
        }
    }
}

/// Lets a policy look on. Whatever happens to it happens to nobody else.
pub(super) fn look_on(policy: Arc<Policy>, evidence: &Evidence<'_>) -> Option<Observed> {
    let copy = Evidence {
        document: evidence.document,
        findings: evidence.findings.clone(),
        topics: evidence.topics.clone(),
        coverage: evidence.coverage.clone(),
        declared_level: evidence.declared_level,
        caller: evidence.caller,
    };
    match catch_unwind(AssertUnwindSafe(|| policy.decide(copy))) {
        Ok(verdict) => Some(Observed { policy: Arc::clone(&policy), verdict: Arc::new(verdict) }),
        Err(_) => {
            metrics::counter!("cordon_observed_failed_total").increment(1);
            tracing::warn!("the observed policy failed on a request; the request goes on without it");
            None
        }
    }
}
