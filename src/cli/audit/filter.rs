//! The filter of decisions on the command line.

use jiff::Timestamp;

use crate::audit::{DecisionFilter, Operation, StatusFilter};
use crate::policy::{Route, Sensitivity};

/// What `list` and `export` choose by.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Filter {
    /// Only this level.
    #[arg(long, value_parser = ["public", "internal", "confidential"])]
    level: Option<String>,
    /// Only this route.
    #[arg(long, value_parser = Route::ALL.map(Route::as_str))]
    route: Option<String>,
    /// Only this caller.
    #[arg(long)]
    caller: Option<String>,
    /// Only this id of the caller's.
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Only at or after this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only with a finding of this type, such as CREDIT_CARD.
    #[arg(long, value_name = "TYPE")]
    entity_type: Option<String>,
    /// Only those that asked for this model, or were answered by it.
    #[arg(long)]
    model: Option<String>,
    /// Only under the policy whose digest begins so.
    #[arg(long, value_name = "DIGEST")]
    policy_digest: Option<String>,
    /// Only those that ended so; `open` for those without an outcome.
    #[arg(long, value_parser = StatusFilter::NAMES)]
    outcome: Option<String>,
    /// Only what was asked so.
    #[arg(long, value_parser = ["classify", "dispatch", "validate"])]
    operation: Option<String>,
}

impl From<&Filter> for DecisionFilter {
    fn from(filter: &Filter) -> Self {
        Self {
            level: filter.level.as_deref().map(|level| match level {
                "public" => Sensitivity::Public,
                "internal" => Sensitivity::Internal,
                _ => Sensitivity::Confidential,
            }),
            route: filter.route.as_deref().and_then(Route::named),
            caller: filter.caller.clone(),
            request_id: filter.request_id.clone(),
            since: filter.since,
            until: filter.until,
            entity_type: filter.entity_type.clone(),
            model: filter.model.clone(),
            policy_digest: filter.policy_digest.clone(),
            status: filter.outcome.as_deref().and_then(StatusFilter::named),
            operation: filter.operation.as_deref().map(|operation| match operation {
                "classify" => Operation::Classify,
                "dispatch" => Operation::Dispatch,
                _ => Operation::Validate,
            }),
        }
    }
}
