//! `cordon audit changes`: what operators changed while the service ran.

use serde::Serialize;

use crate::audit::Change;

use super::super::{CommandResult, Common, Exit, output};
use super::{Place, open};

/// A change in JSON.
#[derive(Serialize)]
struct ChangeRow<'a> {
    sequence: u64,
    hash: String,
    #[serde(flatten)]
    change: &'a Change,
}

pub(super) fn run(common: &Common, limit: u32, json: bool, place: &Place) -> CommandResult {
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
