//! A replay as tables. Their width does not depend on the terminal, so that the same replay gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::money::Amount;
use crate::replay::{CorpusSummary, Cost, Moved, RouteChange, Summary, Word};

use super::super::output;

/// Rules that decided nothing before and after are left out of the table; the JSON has them.
pub(super) fn summary(of: &Summary) -> String {
    let mut out = String::new();
    head(of, &mut out);
    undecided(of, &mut out);
    changes(of, &mut out);
    moved("would newly go to the cloud", &of.newly_to_cloud, &mut out);
    moved("would newly go redacted, if their redacted text may", &of.newly_redacted, &mut out);
    moved("are undecided and may newly go to the cloud", &of.may_newly_go_to_cloud, &mut out);
    moved("would no longer leave", &of.no_longer_to_cloud, &mut out);
    rules(of, &mut out);
    groups(of, &mut out);
    callers(of, &mut out);
    circumstances(of, &mut out);
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "{text}");
}

fn table(headings: &[&str], numbers: &[usize]) -> Table {
    let mut table = output::table(headings);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn put(out: &mut String, title: &str, table: &Table) {
    if table.row_count() > 0 {
        line(out, format_args!("\n{title}\n{}", table.trim_fmt()));
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn head(of: &Summary, out: &mut String) {
    let new = &of.policies.new;
    line(out, format_args!("policy {} {} ({})", new.name, new.version, short(&new.digest)));
    match &of.policies.against {
        Some(old) => line(out, format_args!("against {} {} ({})", old.name, old.version, short(&old.digest))),
        None => {
            let recorded = &of.policies.recorded;
            let names =
                recorded.iter().map(|one| format!("{} {} × {}", one.policy.name, one.policy.version, one.decisions));
            line(out, format_args!("against what was recorded: {}", names.collect::<Vec<_>>().join(", ")));
        }
    }
    let input = &of.input;
    line(
        out,
        format_args!(
            "{} decisions, {} of them classifications, records {} to {}, head {}",
            of.decisions, of.classifications, input.first_sequence, input.last_sequence, input.last_hash
        ),
    );
    let check = &of.self_check;
    if check.checked > 0 {
        line(
            out,
            format_args!(
                "self-check: of {} records of the same policy {} come out as recorded, {} are open, {} are not reproducible",
                check.checked, check.reproduced, check.open, check.not_reproducible
            ),
        );
        if !check.examples.is_empty() {
            line(out, format_args!("  not reproducible: {}", check.examples.join(" ")));
        }
    }
}

fn undecided(of: &Summary, out: &mut String) {
    let undecided = &of.undecided;
    if undecided.levels == 0 && undecided.routes == 0 {
        line(out, format_args!("every level and route is decided by the records"));
        return;
    }
    line(out, format_args!("undecided by the records: {} levels, {} routes", undecided.levels, undecided.routes));
    let mut causes = table(&["what is missing", "decisions"], &[1]);
    for (cause, count) in &undecided.causes {
        causes.add_row([cause.to_string(), count.to_string()]);
    }
    put(out, "why undecided", &causes);
    let mut ranges = table(&["before", "at least", "at most", "decisions"], &[3]);
    for range in &undecided.ranges {
        let cells = [range.from.as_str(), range.at_least.as_str(), range.at_most.as_str()].map(str::to_owned);
        ranges.add_row(cells.into_iter().chain([range.decisions.to_string()]));
    }
    put(out, "undecided levels", &ranges);
}

fn changes(of: &Summary, out: &mut String) {
    const LEVELS: [&str; 3] = ["public", "internal", "confidential"];
    let mut levels = table(&["before \\ after", "public", "internal", "confidential"], &[1, 2, 3]);
    for from in LEVELS {
        let cell = |to: &&str| {
            let found = of.levels.iter().find(|change| change.from.as_str() == from && change.to.as_str() == *to);
            found.map_or(0, |change| change.decisions).to_string()
        };
        levels.add_row([from.to_owned()].into_iter().chain(LEVELS.iter().map(cell)));
    }
    put(out, "levels", &levels);
    put(out, "routes that the policies want", &route_table(&of.routes));
    let cost = &of.cost;
    line(
        out,
        format_args!(
            "\ncost of {} dispatches: {} before, {} after, {}; unknown: {}",
            cost.known,
            Amount::from_micros(cost.before_micros),
            Amount::from_micros(cost.after_micros),
            change(cost),
            counts(&cost.unknown)
        ),
    );
}

fn route_table(routes: &[RouteChange]) -> Table {
    let mut all = table(&["before", "after", "decisions"], &[2]);
    for route in routes {
        all.add_row([route.from.to_string(), route.to.to_string(), route.decisions.to_string()]);
    }
    all
}

fn change(cost: &Cost) -> String {
    let sign = if cost.change_micros < 0 { '-' } else { '+' };
    format!("{sign}{}", Amount::from_micros(cost.change_micros.unsigned_abs()))
}

fn counts(of: &BTreeMap<Word, u64>) -> String {
    if of.is_empty() {
        return "none".to_owned();
    }
    of.iter().map(|(why, count)| format!("{why} {count}")).collect::<Vec<_>>().join(", ")
}

fn moved(what: &str, of: &Moved, out: &mut String) {
    if of.decisions == 0 {
        if what.starts_with("would newly go to") {
            line(out, format_args!("\n0 requests {what}"));
        }
        return;
    }
    line(out, format_args!("\n{} requests {what}, such as {}", of.decisions, of.examples.join(" ")));
    let mut types = table(&["they hold", "requests", "findings"], &[1, 2]);
    for held in &of.entity_types {
        types.add_row([held.entity_type.clone(), held.decisions.to_string(), held.findings.to_string()]);
    }
    if types.row_count() > 0 {
        line(out, format_args!("{}", types.trim_fmt()));
    }
}

fn named(rule: &str) -> String {
    if rule.is_empty() { "(no rule)".to_owned() } else { rule.to_owned() }
}

fn rules(of: &Summary, out: &mut String) {
    for (side, title) in [
        ("before", "rules before, and what becomes of their requests"),
        ("after", "rules after, and where their requests come from"),
    ] {
        let mut rules = table(
            &[
                "rule",
                "decides",
                "level raised",
                "level lowered",
                "route changed",
                "undecided",
                "cost change",
                "cost unknown",
            ],
            &[1, 2, 3, 4, 5, 6, 7],
        );
        for rule in of.rules.iter().filter(|rule| rule.of == side && rule.decides > 0) {
            let levels = |raised: bool| -> u64 {
                let moved =
                    rule.levels.iter().filter(|change| change.from != change.to && (change.to > change.from) == raised);
                moved.map(|change| change.decisions).sum()
            };
            let routed: u64 =
                rule.routes.iter().filter(|change| change.from != change.to).map(|change| change.decisions).sum();
            let unknown: u64 = rule.cost.unknown.values().sum();
            rules.add_row([
                named(&rule.rule),
                rule.decides.to_string(),
                levels(true).to_string(),
                levels(false).to_string(),
                routed.to_string(),
                rule.undecided.to_string(),
                change(&rule.cost),
                unknown.to_string(),
            ]);
        }
        put(out, title, &rules);
    }
}

fn groups(of: &Summary, out: &mut String) {
    let mut groups = table(&["decisions", "level", "rule", "route", "examples"], &[0]);
    for group in &of.groups {
        groups.add_row([
            group.decisions.to_string(),
            format!("{} → {}", group.from, group.to),
            format!("{} → {}", named(&group.rule_before), named(&group.rule_after)),
            format!("{} → {}", group.route_before, group.route_after),
            group.examples.join(" "),
        ]);
    }
    put(out, &format!("the largest of {} groups of changes", of.groups_in_all), &groups);
}

fn callers(of: &Summary, out: &mut String) {
    let mut callers = table(
        &["caller", "decisions", "raised", "lowered", "rerouted", "newly to cloud", "undecided", "cost change"],
        &[1, 2, 3, 4, 5, 6, 7],
    );
    for caller in &of.callers {
        let numbers =
            [caller.decisions, caller.raised, caller.lowered, caller.rerouted, caller.newly_to_cloud, caller.undecided];
        let cells = numbers.map(|number| number.to_string());
        callers.add_row([caller.caller.clone()].into_iter().chain(cells).chain([change(&caller.cost)]));
    }
    put(out, "callers affected", &callers);
}

fn circumstances(of: &Summary, out: &mut String) {
    let around = &of.circumstances;
    let mut told = table(&["beside the policies", "requests"], &[1]);
    for (reason, count) in &around.held_back {
        told.add_row([format!("went elsewhere then: {reason}"), count.to_string()]);
    }
    for (what, count) in [
        ("escalated to the cloud then", around.escalations),
        ("  which the new policy does not allow", around.escalations_not_allowed),
        ("stay local, and may be escalated for a weak answer", around.may_escalate),
        ("fell back to the cloud then", around.fallbacks),
        ("  which the new policy does not allow", around.fallbacks_not_allowed),
        ("had an override", around.overrides),
        ("  which the new policy refuses", around.overrides_refused),
    ] {
        if count > 0 {
            told.add_row([what.to_owned(), count.to_string()]);
        }
    }
    put(out, "circumstances", &told);
    let mut found = table(&["version", "catalog", "model", "calibration", "catalog of now", "decisions"], &[5]);
    for by in &of.found_by {
        let now = by.catalog_is_now.map_or("unknown", |now| if now { "yes" } else { "no" });
        let cells = [by.service_version.clone(), short(&by.catalog), short(&by.model), short(&by.calibration)];
        found.add_row(cells.into_iter().chain([now.to_owned(), by.decisions.to_string()]));
    }
    put(out, "what found then (findings are taken as recorded)", &found);
}

/// A comparison on texts.
pub(super) fn corpus(of: &CorpusSummary) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("{} texts, policy {} against {}", of.texts, short(&of.after), short(&of.before)));
    let mut levels = table(&["before", "after", "texts"], &[2]);
    for change in &of.levels {
        levels.add_row([change.from.to_string(), change.to.to_string(), change.decisions.to_string()]);
    }
    put(&mut out, "levels", &levels);
    put(&mut out, "routes", &route_table(&of.routes));
    let mut rules = table(&["rule before", "rule after", "texts"], &[2]);
    for change in &of.rules {
        rules.add_row([named(&change.before), named(&change.after), change.texts.to_string()]);
    }
    put(&mut out, "rules of the texts that change", &rules);
    if let Some(accuracy) = &of.accuracy {
        // A share for people; the counts stand beside it.
        #[allow(clippy::cast_precision_loss)]
        let share = |right: u64| 100.0 * right as f64 / accuracy.labelled.max(1) as f64;
        line(
            &mut out,
            format_args!(
                "\nlevels as labelled: {} of {} before ({:.1} %), {} after ({:.1} %)",
                accuracy.right_before,
                accuracy.labelled,
                share(accuracy.right_before),
                accuracy.right_after,
                share(accuracy.right_after)
            ),
        );
    }
    let mut changed = table(&["text", "level", "rule", "route", "label"], &[]);
    for one in &of.changed {
        changed.add_row([
            one.id.clone(),
            format!("{} → {}", one.from, one.to),
            format!("{} → {}", named(&one.rule_before), named(&one.rule_after)),
            format!("{} → {}", one.route_before, one.route_after),
            one.label.map_or_else(String::new, |label| label.to_string()),
        ]);
    }
    put(&mut out, "texts that change", &changed);
    for one in of.changed.iter().filter(|one| one.text.is_some()) {
        line(&mut out, format_args!("\n{}: {}", one.id, one.text.as_deref().unwrap_or_default()));
    }
    out
}
