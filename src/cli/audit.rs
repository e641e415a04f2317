//! `cordon audit`: reads the log's files directly, also while a service writes them. Needs no running service.

use std::ops::ControlFlow;
use std::path::PathBuf;

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{
    AuditLog, AuditReader, ChainHash, Change, Decision, DecisionFilter, DecisionId, Head, Outcome, StoredDecision,
};
use crate::money::Amount;
use crate::policy::{Route, Sensitivity};

use super::{CommandResult, Common, Exit, Failure, output};

/// Subcommands of `audit`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List decisions, newest first.
    List(List),
    /// Show one decision with its outcome.
    Show {
        /// The decision's id.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List what operators changed, newest first: who closed or opened the cloud, and for whom.
    Changes {
        /// At most this many.
        #[arg(long, default_value_t = 50, value_name = "COUNT")]
        limit: u32,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Write a report of a time range: one HTML file that needs no network, and JSON with the same numbers. Exit code 4
    /// when the log does not verify; the report is written all the same and says so.
    Report(super::report::Arguments),
    /// Recompute the chain of hashes. Exit code 4 when a record was changed, removed, put in or moved.
    Verify {
        /// A head that was kept elsewhere, `SEQUENCE:HASH`; proves that nothing up to it was cut off or made anew.
        #[arg(long, value_name = "HEAD")]
        head: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Where the log lies.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Place {
    /// The folder of the log; the one of the configuration when absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Arguments of `list`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct List {
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

/// A decision in JSON.
#[derive(Serialize)]
struct Row<'a> {
    sequence: u64,
    hash: String,
    #[serde(flatten)]
    decision: &'a Decision,
    outcome: Option<&'a Outcome>,
}

pub(super) fn run(common: &Common, command: Command) -> CommandResult {
    match command {
        Command::List(arguments) => list(common, &arguments),
        Command::Show { id, json, place } => show(common, &id, json, &place),
        Command::Report(arguments) => super::report::run(common, &arguments),
        Command::Changes { limit, json, place } => changes(common, limit, json, &place),
        Command::Verify { head, json, place } => verify(common, &head, json, &place),
    }
}

pub(super) fn open(common: &Common, place: &Place) -> Result<AuditReader, Failure> {
    let directory = match &place.directory {
        Some(directory) => directory.clone(),
        None => common.load()?.audit.directory,
    };
    Ok(AuditLog::open_read_only(&directory)?)
}

fn list(common: &Common, arguments: &List) -> CommandResult {
    let reader = open(common, &arguments.place)?;
    let filter = DecisionFilter {
        level: arguments.level.as_deref().map(|level| match level {
            "public" => Sensitivity::Public,
            "internal" => Sensitivity::Internal,
            _ => Sensitivity::Confidential,
        }),
        route: arguments.route.as_deref().and_then(Route::named),
        caller: arguments.caller.clone(),
        request_id: arguments.request_id.clone(),
        since: arguments.since,
        until: arguments.until,
    };
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
                output::json(&json(stored))?;
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

fn json(stored: &StoredDecision) -> Row<'_> {
    Row {
        sequence: stored.sequence,
        hash: stored.hash.to_string(),
        decision: &stored.decision,
        outcome: stored.outcome.as_ref().map(|outcome| &outcome.outcome),
    }
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

fn show(common: &Common, id: &str, json_wanted: bool, place: &Place) -> CommandResult {
    let id: DecisionId = id.parse()?;
    let stored = open(common, place)?.get(id)?;
    if json_wanted {
        output::json(&json(&stored))?;
        return Ok(Exit::Done);
    }
    let pretty = serde_json::to_value(json(&stored))?;
    let mut table = output::table(&["field", "value"]);
    if let serde_json::Value::Object(fields) = pretty {
        for (name, value) in fields {
            let text = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => serde_json::to_string_pretty(&value)?,
                other => other.to_string(),
            };
            table.add_row([name, text]);
        }
    }
    output::line(table)?;
    Ok(Exit::Done)
}

/// A change in JSON.
#[derive(Serialize)]
struct ChangeRow<'a> {
    sequence: u64,
    hash: String,
    #[serde(flatten)]
    change: &'a Change,
}

fn changes(common: &Common, limit: u32, json: bool, place: &Place) -> CommandResult {
    let mut table = output::table(&["#", "time", "change", "for", "by"]);
    let found = open(common, place)?.changes(limit)?;
    for stored in &found {
        let change = &stored.change;
        if json {
            output::json(&ChangeRow { sequence: stored.sequence, hash: stored.hash.to_string(), change })?;
            continue;
        }
        let whom = if change.caller.as_str().is_empty() { "everybody" } else { change.caller.as_str() };
        table.add_row([
            &stored.sequence.to_string(),
            &format!("{:.0}", change.time),
            change.kind.as_str(),
            whom,
            change.by.as_str(),
        ]);
    }
    match (json, found.is_empty()) {
        (true, _) => {}
        (false, true) => output::note("nothing was changed"),
        (false, false) => output::line(table)?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct VerifyRow {
    intact: bool,
    records: u64,
    decisions: u64,
    outcomes: u64,
    changes: u64,
    head: String,
    problem: Option<String>,
    unproven: Vec<String>,
}

fn verify(common: &Common, heads: &[String], json_wanted: bool, place: &Place) -> CommandResult {
    let heads = heads.iter().map(|head| parse_head(head)).collect::<Result<Vec<_>, _>>()?;
    let reader = open(common, place)?;
    let bar = ProgressBar::new(0);
    let found = reader.verify(&heads, &mut |at| {
        bar.set_length(at.total);
        bar.set_position(at.done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let row = VerifyRow {
        intact: found.intact(),
        records: found.records,
        decisions: found.decisions,
        outcomes: found.outcomes,
        changes: found.changes,
        head: format!("{}:{}", found.head.sequence, found.head.hash),
        problem: found.fault.as_ref().map(ToString::to_string),
        unproven: found.unproven.iter().map(ToString::to_string).collect(),
    };
    if json_wanted {
        output::json(&row)?;
    } else {
        match &row.problem {
            None => output::line(format_args!(
                "intact: {} records ({} decisions, {} outcomes, {} changes)",
                row.records, row.decisions, row.outcomes, row.changes
            ))?,
            Some(problem) => output::line(format_args!("NOT intact: {problem}"))?,
        }
        output::line(format_args!("head: {}", row.head))?;
        for unproven in &row.unproven {
            output::line(format_args!("unproven: {unproven}"))?;
        }
    }
    Ok(if row.intact { Exit::Done } else { Exit::CheckFailed })
}

pub(super) fn parse_head(text: &str) -> Result<Head, Failure> {
    let wrong = || Failure(format!("`{text}` is no head; write SEQUENCE:HASH as `cordon audit verify` prints it"));
    let (sequence, hash) = text.split_once(':').ok_or_else(wrong)?;
    Ok(Head { sequence: sequence.parse().map_err(|_| wrong())?, hash: ChainHash::from_hex(hash).ok_or_else(wrong)? })
}
