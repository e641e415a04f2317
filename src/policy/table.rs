//! The route table: level × complexity × caller to a route and a ceiling. Whatever the file says, confidential text has
//! the ceiling local: reading refuses a table that says otherwise, and the permit enforces it again.

use std::sync::Arc;

use toml::Spanned;

use crate::document::Conversation;

use super::file::RawRoute;
use super::loaded::check_id;
use super::problem::Problems;
use super::{Complexity, Permit, Policy, Route, Sensitivity, Verdict};

/// The rule's name when no route of the file fits: the text stays.
pub const NO_ROUTE: &str = "no_route";

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct RouteRule {
    pub(super) id: Arc<str>,
    pub(super) levels: Option<Vec<Sensitivity>>,
    pub(super) complexities: Option<Vec<Complexity>>,
    pub(super) callers: Option<Vec<String>>,
    pub(super) to: Route,
    pub(super) fallback: bool,
    pub(super) escalate: bool,
}

impl RouteRule {
    pub(super) fn covers_level(&self, level: Sensitivity) -> bool {
        self.levels.as_ref().is_none_or(|levels| levels.contains(&level))
    }

    fn takes(&self, level: Sensitivity, complexity: Complexity, caller: &str) -> bool {
        self.covers_level(level)
            && self.complexities.as_ref().is_none_or(|all| all.contains(&complexity))
            && self.callers.as_ref().is_none_or(|all| all.iter().any(|name| name == caller))
    }

    /// The most outward route that text may take under this line, its fallback and escalation included.
    pub(super) fn ceiling(&self) -> Route {
        if self.to == Route::Cloud || self.fallback || self.escalate { Route::Cloud } else { Route::Local }
    }
}

/// The lines in order; the first that fits decides.
#[derive(Clone, Debug)]
pub(super) struct RouteTable {
    pub(super) routes: Vec<RouteRule>,
}

impl RouteTable {
    pub(super) fn new(raw: &[Spanned<RawRoute>], problems: &mut Problems<'_>) -> Self {
        let mut routes: Vec<RouteRule> = Vec::with_capacity(raw.len());
        for (i, entry) in raw.iter().enumerate() {
            let raw = entry.get_ref();
            let id = raw.id.get_ref();
            let field = format!("route[{i}]");
            check_id(id, raw.id.span(), &format!("{field}.id"), problems);
            if routes.iter().any(|other| *other.id == **id) {
                problems.error(raw.id.span(), format!("{field}.id"), format!("`{id}` is there twice"));
            }
            let lists = [
                ("levels", raw.levels.as_ref().map(Vec::len)),
                ("complexities", raw.complexities.as_ref().map(Vec::len)),
                ("callers", raw.callers.as_ref().map(Vec::len)),
            ];
            for (name, length) in lists {
                if length == Some(0) {
                    problems.error(
                        raw.id.span(),
                        format!("{field}.{name}"),
                        "an empty list fits nothing; leave it out for all",
                    );
                }
            }
            let route = RouteRule {
                id: Arc::from(id.as_str()),
                levels: raw.levels.clone(),
                complexities: raw.complexities.clone(),
                callers: raw.callers.clone(),
                to: raw.to,
                fallback: raw.fallback,
                escalate: raw.escalate,
            };
            if route.escalate && route.to == Route::Cloud {
                problems.error(
                    entry.span(),
                    format!("{field}.escalate"),
                    format!("`{id}` goes to the cloud already; escalation is for `to = \"local\"`"),
                );
            }
            if route.ceiling() == Route::Cloud && route.covers_level(Sensitivity::Confidential) {
                let how = match route.to {
                    Route::Cloud => "`to = \"cloud\"`",
                    Route::Local if route.fallback => "`fallback = true`",
                    Route::Local => "`escalate = true`",
                };
                problems.error(
                    entry.span(),
                    &field,
                    format!("`{id}` would send confidential text to the cloud by {how}; name the other `levels` only"),
                );
            }
            routes.push(route);
        }
        Self { routes }
    }
}

/// Where one verdict's text should go and how far it may. Made by [`Policy::route`] for one document only.
#[derive(Clone, Debug)]
pub struct RoutePlan {
    document_id: u64,
    policy_digest: Arc<str>,
    rule: Arc<str>,
    preferred: Route,
    ceiling: Route,
    may_fall_back: bool,
    may_escalate: bool,
}

impl RoutePlan {
    /// Id of the route in the policy file, or [`NO_ROUTE`].
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// Where the text should go.
    #[must_use]
    pub fn preferred(&self) -> Route {
        self.preferred
    }

    /// The most outward route that it may take at all.
    #[must_use]
    pub fn ceiling(&self) -> Route {
        self.ceiling
    }

    /// Whether the other route may be taken when the preferred one is down. Never true beyond the ceiling.
    #[must_use]
    pub fn may_fall_back(&self) -> bool {
        self.may_fall_back
    }

    /// Whether the cloud may be asked when a local answer is not sure enough. Never true beyond the ceiling.
    #[must_use]
    pub fn may_escalate(&self) -> bool {
        self.may_escalate
    }
}

/// The most outward route that a level allows, whatever a policy file says.
fn limit(level: Sensitivity) -> Route {
    match level {
        Sensitivity::Confidential => Route::Local,
        Sensitivity::Internal | Sensitivity::Public => Route::Cloud,
    }
}

impl Policy {
    /// Looks the verdict up in the route table.
    #[must_use]
    pub fn route(&self, verdict: &Verdict, complexity: Complexity, caller: &str) -> RoutePlan {
        let level = verdict.level();
        let found = self.routes.routes.iter().find(|route| route.takes(level, complexity, caller));
        let plan = |rule: Arc<str>, preferred: Route, ceiling: Route, may_fall_back, may_escalate| RoutePlan {
            document_id: verdict.document_id(),
            policy_digest: Arc::clone(&verdict.policy().digest),
            rule,
            preferred,
            ceiling,
            may_fall_back,
            may_escalate,
        };
        match found {
            // A verdict of another policy may not mean what this table means by the level.
            Some(route) if verdict.policy().digest == self.reference.digest => {
                let ceiling = route.ceiling().min(limit(level));
                let to = route.to.min(ceiling);
                let outward = ceiling == Route::Cloud;
                plan(Arc::clone(&route.id), to, ceiling, route.fallback && outward, route.escalate && outward)
            }
            _ => plan(Arc::from(NO_ROUTE), Route::Local, Route::Local, false, false),
        }
    }

    /// Whether any line of the table escalates: then it is worth knowing how sure local answers are.
    #[must_use]
    pub fn escalates(&self) -> bool {
        self.routes.routes.iter().any(|route| route.escalate)
    }

    /// Binds the plan's ceiling to the conversation. Anything that does not belong together gives a permit for local
    /// inference only: a verdict, plan or conversation of another document, or a verdict of another policy.
    #[must_use]
    pub fn permit(&self, verdict: &Verdict, plan: &RoutePlan, conversation: Arc<Conversation>) -> Permit {
        let together = plan.document_id == verdict.document_id()
            && plan.policy_digest == verdict.policy().digest
            && verdict.policy().digest == self.reference.digest;
        let ceiling = if together { plan.ceiling.min(limit(verdict.level())) } else { Route::Local };
        Permit::issue(verdict, ceiling, conversation)
    }
}
