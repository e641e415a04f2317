//! `cordon audit list`: decisions, newest first, chosen by a filter that `export` takes as well.

use crate::audit::{Decision, DecisionFilter, DecisionLine, Outcome, StoredDecision};
use crate::money::Amount;

use super::super::{CommandResult, Common, Exit, output};
use super::filter::Filter;
use super::{Place, open};

/// Arguments of `list`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Only those for which the observed policy says another level or route.
    #[arg(long)]
    observed_differs: bool,
    /// At most this many; 0 for all.
    #[arg(long, default_value_t = 50, value_name = "COUNT")]
    limit: usize,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(common: &Common, arguments: &List) -> CommandResult {
    let reader = open(common, &arguments.place)?;
    let filter = DecisionFilter::from(&arguments.filter);
    let mut left = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let mut token = String::new();
    let mut table = output::table(&[
        "#",
        "time",
        "caller",
        "operation",
        "level",
        "reasons",
        "route",
        "model",
        "tokens",
        "cost",
        "ms",
        "outcome",
        "decision",
    ]);
    let mut shown = 0usize;
    while left > 0 {
        // A filter that the log has no index for is applied here, to pages as large as there are.
        let wanted = if arguments.observed_differs { 1000 } else { left };
        let page = reader.list(&filter, &token, u32::try_from(wanted.min(1000)).unwrap_or(1000))?;
        let differs = |stored: &&StoredDecision| {
            !arguments.observed_differs || stored.decision.observed.as_ref().is_some_and(|observed| observed.differs)
        };
        let mut taken = 0;
        for stored in page.decisions.iter().filter(differs).take(left) {
            shown += 1;
            taken += 1;
            if arguments.json {
                output::json(&DecisionLine::from(stored))?;
            } else {
                table.add_row(cells(stored));
            }
        }
        left = left.saturating_sub(taken);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    if !arguments.json {
        if shown == 0 {
            output::note("no decision fits");
        } else {
            output::line(table)?;
        }
        if !token.is_empty() {
            output::note("there are more; use --limit 0 for all");
        }
    }
    Ok(Exit::Done)
}

fn cells(stored: &StoredDecision) -> Vec<String> {
    let decision = &stored.decision;
    let routing = decision.routing.as_ref();
    let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
    let route = outcome.and_then(|outcome| outcome.route).or(routing.map(|routing| routing.route));
    let took = outcome.map_or(decision.timings.total_us, |outcome| outcome.total_us);
    vec![
        stored.sequence.to_string(),
        format!("{:.0}", decision.time),
        decision.caller.to_string(),
        decision.operation.as_str().to_owned(),
        level(decision),
        decision.reasons.iter().map(|reason| reason.rule.to_string()).collect::<Vec<_>>().join(" "),
        route.map_or_else(|| "–".to_owned(), |route| route.to_string()),
        routing.map(|routing| routing.model.to_string()).unwrap_or_default(),
        outcome.map_or_else(String::new, |outcome| format!("{}+{}", outcome.input_tokens, outcome.output_tokens)),
        outcome.map_or_else(String::new, cost),
        (took / 1000).to_string(),
        outcome.map_or_else(String::new, |outcome| match outcome.error.as_str() {
            "" => outcome.status.as_str().to_owned(),
            error => format!("{}: {error}", outcome.status.as_str()),
        }),
        decision.id.to_string(),
    ]
}

/// The level, with that of the observed policy where it differs.
fn level(decision: &Decision) -> String {
    match decision.observed.as_ref().filter(|observed| observed.differs) {
        None => decision.level.to_string(),
        Some(observed) => {
            let route = observed.route.map_or_else(String::new, |route| format!(", {route}"));
            format!("{} (observed: {}{route})", decision.level, observed.level)
        }
    }
}

/// What a request cost; `≤` before an estimate.
fn cost(outcome: &Outcome) -> String {
    let most = if outcome.cost_estimated { "≤ " } else { "" };
    outcome.cost_micros.map_or_else(String::new, |micros| format!("{most}{}", Amount::from_micros(micros)))
}
