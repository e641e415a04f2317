//! Local or cloud: the decision matrix, the way from a model to memory to machines, what five years cost, and what recorded
//! traffic says about all of it.
//!
//! It owns the arithmetic and its tables. It reads no file and no log: [`Recorder`] is handed records, [`plan`] is handed
//! figures, and the same figures always give the same plan. It must never present an assumption as a fact, so each figure
//! carries its [`Origin`], and it must never look an answer up where it can compute it.
//!
//! File by file: `stated.rs` is what somebody says, `traffic.rs` what a log says, `factors.rs` and `matrix.rs` the verdict,
//! `models.rs` and `sizing.rs` the machines, `figures.rs` and `costs.rs` the money, `chart.rs` the picture.

pub mod chart;
pub mod choices;
mod costs;
mod error;
pub mod factors;
mod figures;
mod matrix;
pub mod models;
mod sizing;
mod stated;
#[cfg(test)]
mod tests;
mod traffic;
mod usd;

use serde::Serialize;

pub use costs::{BreakEven, Costs, Scenario, Sensitivity, Way, cheaper};
pub use error::PlanError;
pub use factors::Side;
pub use figures::{CloudPrice, Figures, Group, MONTHS, Origin, Told, YEARS};
pub use matrix::{DecidedBy, Decision, Row, Rule, decide};
pub use sizing::{MachineFit, ModelNeed, Sizing, table};
pub use stated::{Stated, Upgrade};
pub use traffic::{ENOUGH_DAYS, ENOUGH_REQUESTS, Flow, Recorder, Traffic};
pub use usd::{Usd, grouped};

/// Version of the plan's JSON form. A field may be added within one version; none is renamed or removed.
pub const JSON_VERSION: u32 = 1;

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// [`JSON_VERSION`].
    pub version: u32,
    /// The matrix and its verdict.
    pub decision: Decision,
    /// The costs; `None` if the volume is not known.
    pub costs: Option<Costs>,
    /// From models to machines.
    pub sizing: Vec<Sizing>,
    /// What the costs were computed from.
    pub figures: Vec<Told>,
    /// What was recorded, if a log was read.
    pub traffic: Option<Traffic>,
    /// What to know before relying on this.
    pub notes: Vec<String>,
}

/// What a log says of a need, where nobody stated it.
fn recorded_need(stated: &Stated, traffic: Option<&Traffic>) -> Stated {
    use choices::DataSensitivity::{Confidential, Internal, Public};

    let Some(traffic) = traffic else { return stated.clone() };
    // What must stay is what is not public; the words are those of the matrix.
    let sensitivity = traffic.must_stay().map(|share| match share {
        // One in twenty is handled one by one; more than half is the rule.
        0..50_000 => Public,
        50_000..=500_000 => Internal,
        _ => Confidential,
    });
    let recorded = Stated { queries_per_day: traffic.queries_per_day(), sensitivity, ..Stated::default() };
    stated.clone().or(recorded)
}

/// Makes a plan of what is stated, what was recorded, and what the configuration says of the cloud's prices. Without any
/// volume there is a verdict and a table of machines, and no costs.
///
/// # Errors
/// Names the figure that makes no sense, or the sum that is too large.
pub fn plan(stated: &Stated, traffic: Option<Traffic>, configured: Option<CloudPrice>) -> Result<Plan, PlanError> {
    let need = recorded_need(stated, traffic.as_ref());
    let decision = decide(&need);
    let sizing = table(stated)?;
    let figures = match need.queries_per_day {
        Some(_) => Some(Figures::of(stated, traffic.as_ref(), configured)?),
        None => None,
    };
    let costs = figures.as_ref().map(costs::costs).transpose()?;
    let mut notes = traffic.as_ref().map(Traffic::caveats).unwrap_or_default();
    if let (Some(costs), Some(figures)) = (&costs, &figures) {
        notes.extend(about_costs(costs, figures, &decision));
    } else {
        notes.push("no costs: state --queries-per-day, or count recorded traffic with --from-audit".to_owned());
    }
    Ok(Plan {
        version: JSON_VERSION,
        decision,
        costs,
        sizing,
        figures: figures.map(|figures| figures.told).unwrap_or_default(),
        traffic,
        notes,
    })
}

fn about_costs(costs: &Costs, figures: &Figures, decision: &Decision) -> Vec<String> {
    let mut notes = Vec::new();
    let assumed: Vec<&str> =
        figures.told.iter().filter(|told| told.origin == Origin::Assumed).map(|told| told.name).collect();
    if !assumed.is_empty() {
        notes.push(format!("assumed, because nothing was stated: {}", assumed.join(", ")));
    }
    if costs.scenarios.iter().any(|scenario| !scenario.permitted) {
        notes.push(
            "everything in the cloud is shown for comparison alone: a part of the requests must stay local".to_owned(),
        );
    }
    let side = cheaper(costs);
    if side != decision.verdict && side != Side::Hybrid && decision.decided_by != DecidedBy::Nothing {
        notes.push(format!("the costs speak for {}, the matrix says {}", side.as_str(), decision.verdict.as_str()));
    }
    if costs.break_even.month != costs.break_even.lasting_month
        && let (Some(first), Some(last)) = (costs.break_even.month, costs.break_even.lasting_month)
    {
        notes.push(format!("an upgrade sets local back after month {first}; from month {last} on it stays cheaper"));
    }
    notes
}
