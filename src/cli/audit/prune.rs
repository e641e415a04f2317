//! `cordon audit prune`: removes old records of a log that no service has open. A running service does it by itself when
//! `keep_days` is set.

use jiff::Timestamp;

use crate::audit::{AuditLog, Pruned, compact};

use super::super::{CommandResult, Common, Exit, output, runtime};
use super::{Place, config, only_own, open};

/// Arguments of `prune`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Prune {
    /// Keep decisions from this time on, such as 2026-01-31T00:00:00Z. What goes ends at the checkpoint before it.
    #[arg(long, value_name = "TIME")]
    before: Timestamp,
    /// Remove; without it, only say what would go.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(common: &Common, arguments: &Prune) -> CommandResult {
    only_own(&arguments.place)?;
    if !arguments.yes {
        match open(common, &arguments.place)?.prunable(arguments.before)? {
            None => output::note("no checkpoint has only older records before it; nothing would be removed"),
            Some(pruned) => {
                output::line(said("would be removed", &pruned))?;
                output::note("nothing was removed; add --yes to remove them for good");
            }
        }
        return Ok(Exit::Done);
    }
    let config = config(common, &arguments.place)?;
    // Opening makes a log where there is none; here that would be a mistake in the path.
    drop(open(common, &arguments.place)?);
    let pruned = runtime()?.block_on(async {
        let log = AuditLog::open(config.clone())?;
        let by = std::env::var("USER").unwrap_or_default();
        let pruned = log.prune(arguments.before, if by.is_empty() { "operator" } else { &by }).await;
        log.close().await?;
        pruned
    })?;
    match pruned {
        None => output::note("no checkpoint has only older records before it; nothing was removed"),
        Some(pruned) => {
            compact(&config)?;
            output::line(said("were removed", &pruned))?;
        }
    }
    Ok(Exit::Done)
}

fn said(what: &str, pruned: &Pruned) -> String {
    format!("{} records {what}: {} to {}", pruned.records(), pruned.first, pruned.last)
}
