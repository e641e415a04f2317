//! A plan as tables on a terminal.

use std::collections::BTreeMap;
use std::io;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table};

use crate::plan::{Costs, Decision, Plan, Side, Sizing, Told, Traffic, grouped};

use super::super::output;

fn heading(text: &str) -> io::Result<()> {
    let style = Style::new().bold();
    output::line(format_args!("\n{style}{text}{style:#}"))
}

fn coloured(side: Side) -> String {
    let colour = match side {
        Side::Local => AnsiColor::Green,
        Side::Hybrid => AnsiColor::Yellow,
        Side::Cloud => AnsiColor::Cyan,
    };
    let style = colour.on_default().bold();
    format!("{style}{}{style:#}", side.as_str())
}

/// Numbers stand at the right.
fn aligned(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Everything.
pub(super) fn all(plan: &Plan) -> io::Result<()> {
    decision(&plan.decision)?;
    if let Some(traffic) = &plan.traffic {
        recorded(traffic)?;
    }
    if let Some(found) = &plan.costs {
        costs(found)?;
    }
    sizing(&plan.sizing)?;
    figures(&plan.figures)?;
    if !plan.notes.is_empty() {
        heading("To know")?;
        for note in &plan.notes {
            output::line(format_args!("  • {note}"))?;
        }
    }
    Ok(())
}

fn decision(decision: &Decision) -> io::Result<()> {
    output::line(format_args!("{}: {}", coloured(decision.verdict), decision.why))?;
    heading("Decision matrix")?;
    let mut table = output::table(&["factor", "stated", "speaks for", "weight", "why"]);
    for row in &decision.rows {
        let side = row.verdict.map_or("–", |side| side.as_str());
        let weight = if row.weight == 0 { "–".to_owned() } else { row.weight.to_string() };
        table.add_row([row.factor, row.value.unwrap_or("–"), side, &weight, row.reason]);
    }
    output::line(table)?;
    for rule in decision.rules.iter().filter(|rule| rule.applies) {
        output::line(format_args!("  rule: {}", rule.says))?;
    }
    output::line(format_args!("  local model: {} ({})", decision.model_class, decision.model_reason))?;
    output::line(format_args!("  run it with: {} ({})", decision.runtime, decision.runtime_reason))
}

fn mix(counts: &BTreeMap<&'static str, u64>) -> String {
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

fn recorded(traffic: &Traffic) -> io::Result<()> {
    heading("Recorded traffic")?;
    let mut table = output::table(&["recorded", "value"]);
    let span = match (traffic.first, traffic.last) {
        (Some(first), Some(last)) => format!("{first:.0} to {last:.0}"),
        _ => "–".to_owned(),
    };
    let tokens = traffic
        .mean_tokens()
        .map_or("–".to_owned(), |(input, output)| format!("{} read, {} written", grouped(input), grouped(output)));
    for (name, value) in [
        ("requests", format!("{} on {} days", grouped(traffic.requests), traffic.days)),
        ("time", span),
        ("levels", mix(&traffic.levels)),
        ("complexity", mix(&traffic.complexity)),
        ("routes", mix(&traffic.routes)),
        ("must stay", grouped(traffic.must_stay.requests)),
        ("may leave, and stayed", grouped(traffic.may_leave.requests)),
        ("left, or would have", grouped(traffic.leaves.requests)),
        ("tokens of a request, on average", tokens),
    ] {
        table.add_row([name, &value]);
    }
    output::line(table)
}

fn costs(costs: &Costs) -> io::Result<()> {
    heading("Five years")?;
    output::line(&costs.summary)?;
    let mut table =
        output::table(&["way", "cloud", "sets", "year 1", "year 2", "year 3", "year 4", "year 5", "in all"]);
    for scenario in &costs.scenarios {
        let mark = if scenario.permitted { "" } else { " (not permitted)" };
        let mut row = vec![
            format!("{}{mark}", scenario.way.as_str()),
            format!("{} %", scenario.cloud_percent),
            grouped(scenario.sets),
        ];
        row.extend(scenario.years_usd.iter().map(ToString::to_string));
        row.push(scenario.total_usd.to_string());
        table.add_row(row);
    }
    output::line(aligned(table))?;
    let month = |month: Option<u64>| month.map_or("not within five years".to_owned(), |month| format!("month {month}"));
    output::line(format_args!("  break-even of local: {}", month(costs.break_even.month)))?;
    if costs.break_even.month != costs.break_even.lasting_month {
        output::line(format_args!("  and for good: {}", month(costs.break_even.lasting_month)))?;
    }
    if let Some(equal) = costs.equal_queries_per_day {
        output::line(format_args!("  these machines cost what the cloud costs at {} requests a day", grouped(equal)))?;
    }
    output::line(format_args!("  cheapest of what is permitted: {}", costs.cheapest.as_str()))?;
    heading("If prices change")?;
    let mut table = output::table(&["figure", "change", "cloud", "local", "local saves", "", "break-even"]);
    for row in &costs.sensitivity {
        table.add_row([
            row.figure.to_owned(),
            format!("{:+} %", row.change_percent),
            row.cloud_usd.to_string(),
            row.local_usd.to_string(),
            row.saving_usd.to_string(),
            row.saving_percent.map_or_else(String::new, |percent| format!("{percent} %")),
            row.break_even_month.map_or("–".to_owned(), |month| month.to_string()),
        ]);
    }
    output::line(aligned(table))
}

fn sizing(rows: &[Sizing]) -> io::Result<()> {
    heading("From model to memory to machine")?;
    let mut table = output::table(&[
        "size",
        "weights",
        "context",
        "needs GiB",
        "said",
        "within 20 %",
        "smallest machines that carry it",
        "often named",
    ]);
    for row in rows {
        let named: Vec<String> = row
            .said_hardware
            .iter()
            .map(|fit| format!("{}{}", fit.machine, if fit.fits { "" } else { " does not fit" }))
            .collect();
        let machines: Vec<&str> = row.hardware.iter().map(|fit| fit.machine.as_str()).collect();
        let fits = match row.fits_what_is_said {
            true => "fits".to_owned(),
            false => format!("does not fit ({} % off)", row.outside_percent.round()),
        };
        table.add_row([
            row.class.to_owned(),
            format!("{}, {:.2} bits", row.quantisation, row.bits),
            grouped(row.context),
            format!("{:.1}–{:.1}", row.computed_gib.0, row.computed_gib.1),
            format!("{}–{}", row.said_gib.0, row.said_gib.1),
            fits,
            machines.join(", "),
            named.join(", "),
        ]);
    }
    output::line(table)
}

fn figures(figures: &[Told]) -> io::Result<()> {
    if figures.is_empty() {
        return Ok(());
    }
    heading("What the costs were computed from")?;
    let mut table = output::table(&["figure", "value", "is", "about"]);
    for told in figures {
        table.add_row([told.name, &told.value, told.origin.as_str(), told.about]);
    }
    output::line(table)
}
