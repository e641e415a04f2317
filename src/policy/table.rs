//! The route table: level × complexity × caller to a route and a ceiling. Whatever the file says, confidential text has
//! the ceiling local: reading refuses a table that says otherwise, and the permit enforces it again.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::document::Conversation;

use super::file::RawRoute;
use super::loaded::check_id;
use super::problem::Problems;
use super::{Complexity, Permit, Policy, Route, Sensitivity, Verdict, Waiver};

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
    pub(super) redacted: RedactedTerms,
    pub(super) escalate: bool,
}

/// What a route to the cloud with redacted text allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactedTerms {
    /// The levels that the redacted text may have.
    pub levels: Vec<Sensitivity>,
    /// Where values may be put back into the answer beside its plain text.
    pub restore_in: Vec<RestoreIn>,
}

/// A place in an answer where a value could be carried away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreIn {
    /// Addresses that the answer asks to fetch.
    Urls,
    /// Code that the answer asks to run.
    Code,
    /// Arguments of tools that the answer asks to call.
    ToolCalls,
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
        if self.fallback || self.escalate { Route::Cloud } else { self.to }
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
                redacted: RedactedTerms {
                    levels: raw.redacted_levels.clone().unwrap_or_else(|| vec![Sensitivity::Public]),
                    restore_in: raw.restore_in.clone().unwrap_or_default(),
                },
                escalate: raw.escalate,
            };
            check_redacted(raw, &field, &route.redacted, problems);
            if route.escalate && route.to != Route::Local {
                problems.error(
                    entry.span(),
                    format!("{field}.escalate"),
                    format!("`{id}` goes to the cloud already; escalation is for `to = \"local\"`"),
                );
            }
            if route.ceiling() == Route::Cloud && route.covers_level(Sensitivity::Confidential) {
                let how = match route.to {
                    Route::Cloud => "`to = \"cloud\"`",
                    _ if route.fallback => "`fallback = true`",
                    Route::Local | Route::CloudRedacted => "`escalate = true`",
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

/// The keys that only a route with redacted text has, and those that it cannot have.
fn check_redacted(raw: &RawRoute, field: &str, terms: &RedactedTerms, problems: &mut Problems<'_>) {
    let span = || raw.id.span();
    if raw.to != Route::CloudRedacted {
        let keys = [("redacted_levels", raw.redacted_levels.is_some()), ("restore_in", raw.restore_in.is_some())];
        for (name, _) in keys.into_iter().filter(|(_, given)| *given) {
            problems.error(span(), format!("{field}.{name}"), "belongs to `to = \"cloud-redacted\"` only");
        }
        return;
    }
    if raw.fallback {
        let what = "would send the text itself to the cloud; a redacted route falls back to local by itself";
        problems.error(span(), format!("{field}.fallback"), what);
    }
    if terms.levels.is_empty() {
        problems.error(span(), format!("{field}.redacted_levels"), "an empty list lets nothing leave; name the levels");
    }
    if terms.levels.contains(&Sensitivity::Confidential) {
        let what = "redacted text that is still confidential never leaves; leave the level out";
        problems.error(span(), format!("{field}.redacted_levels"), what);
    }
}

/// What one line of the table says, or none.
#[derive(Clone, Debug)]
pub struct Direction {
    rule: Arc<str>,
    preferred: Route,
    ceiling: Route,
    may_fall_back: bool,
    redacted: RedactedTerms,
    may_escalate: bool,
}

impl Direction {
    /// No line fits: the text stays.
    fn stays() -> Self {
        Self {
            rule: Arc::from(NO_ROUTE),
            preferred: Route::Local,
            ceiling: Route::Local,
            may_fall_back: false,
            redacted: RedactedTerms { levels: Vec::new(), restore_in: Vec::new() },
            may_escalate: false,
        }
    }

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

    /// The levels that redacted text may have.
    #[must_use]
    pub fn redacted_levels(&self) -> &[Sensitivity] {
        &self.redacted.levels
    }

    /// Whether the cloud may be asked when a local answer is not sure enough. Never true beyond the ceiling.
    #[must_use]
    pub fn may_escalate(&self) -> bool {
        self.may_escalate
    }
}

/// Where one verdict's text should go and how far it may. Made by [`Policy::route`] for one document only.
#[derive(Clone, Debug)]
pub struct RoutePlan {
    document_id: u64,
    policy_digest: Arc<str>,
    direction: Direction,
}

impl RoutePlan {
    /// Id of the route in the policy file, or [`NO_ROUTE`].
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.direction.rule
    }

    /// Where the text should go.
    #[must_use]
    pub fn preferred(&self) -> Route {
        self.direction.preferred
    }

    /// The most outward route that it may take at all.
    #[must_use]
    pub fn ceiling(&self) -> Route {
        self.direction.ceiling
    }

    /// Whether the other route may be taken when the preferred one is down. Never true beyond the ceiling.
    #[must_use]
    pub fn may_fall_back(&self) -> bool {
        self.direction.may_fall_back
    }

    /// Where values may be put back into an answer to redacted text.
    #[must_use]
    pub fn restore_in(&self) -> &[RestoreIn] {
        &self.direction.redacted.restore_in
    }

    /// Whether the cloud may be asked when a local answer is not sure enough. Never true beyond the ceiling.
    #[must_use]
    pub fn may_escalate(&self) -> bool {
        self.direction.may_escalate
    }
}

/// The most outward route that a level allows, whatever a policy file says.
fn limit(level: Sensitivity) -> Route {
    match level {
        Sensitivity::Confidential => Route::CloudRedacted,
        Sensitivity::Internal | Sensitivity::Public => Route::Cloud,
    }
}

/// How far text of this level may go where a line would let it go so far. A line that names the cloud never means the
/// redacted text: what is beyond the limit stays.
fn within_limit(route: Route, level: Sensitivity) -> Route {
    if route <= limit(level) { route } else { Route::Local }
}

impl Policy {
    /// Looks the verdict up in the route table.
    #[must_use]
    pub fn route(&self, verdict: &Verdict, complexity: Complexity, caller: &str) -> RoutePlan {
        self.route_waived(verdict, None, complexity, caller)
    }

    /// The same for the level of a waiver. The ceiling is that of the lower level, and never beyond what the verdict's
    /// own level allows whatever a policy says.
    #[must_use]
    pub fn route_waived(
        &self,
        verdict: &Verdict,
        waiver: Option<&Waiver>,
        complexity: Complexity,
        caller: &str,
    ) -> RoutePlan {
        // A waiver for another verdict waives nothing.
        let fits = |waiver: &&Waiver| {
            waiver.document_id == verdict.document_id()
                && waiver.policy_digest == verdict.policy().digest
                && waiver.from() == verdict.level()
        };
        let level = waiver.filter(fits).map_or(verdict.level(), Waiver::to);
        // A verdict of another policy may not mean what this table means by the level.
        let own = verdict.policy().digest == self.reference.digest;
        let direction =
            if own { self.direction(level, verdict.level(), complexity, caller) } else { Direction::stays() };
        RoutePlan { document_id: verdict.document_id(), policy_digest: Arc::clone(&verdict.policy().digest), direction }
    }

    /// The line of the table for text that is treated as of a level and whose own level may be higher. It sends
    /// nothing: only the plan of a verdict makes a permit.
    #[must_use]
    pub fn direction(&self, level: Sensitivity, own: Sensitivity, complexity: Complexity, caller: &str) -> Direction {
        let Some(route) = self.routes.routes.iter().find(|route| route.takes(level, complexity, caller)) else {
            return Direction::stays();
        };
        let ceiling = within_limit(within_limit(route.ceiling(), level), own);
        let outward = ceiling == Route::Cloud;
        Direction {
            rule: Arc::clone(&route.id),
            preferred: route.to.min(ceiling),
            ceiling,
            may_fall_back: route.fallback && outward,
            redacted: route.redacted.clone(),
            may_escalate: route.escalate && outward,
        }
    }

    /// Whether any line of the table sends redacted text.
    pub(super) fn redacts(&self) -> bool {
        self.routes.routes.iter().any(|route| route.to == Route::CloudRedacted)
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
        let ceiling = if together { within_limit(plan.ceiling(), verdict.level()) } else { Route::Local };
        Permit::issue(verdict, ceiling, conversation)
    }

    /// Lets a redacted conversation leave beside the one of this permit: where the plan sends it redacted, and the
    /// redacted text's own verdict is of this policy and of a level that the route allows. Otherwise the permit comes
    /// back as it was.
    #[must_use]
    pub fn permit_redacted(
        &self,
        permit: Permit,
        plan: &RoutePlan,
        verdict: &Verdict,
        redacted: Arc<Conversation>,
    ) -> Permit {
        let allowed = plan.preferred() == Route::CloudRedacted
            && plan.policy_digest == self.reference.digest
            && verdict.policy().digest == self.reference.digest
            && verdict.level() < Sensitivity::Confidential
            && plan.direction.redacted.levels.contains(&verdict.level());
        if allowed { permit.with_redacted(verdict, redacted) } else { permit }
    }
}
