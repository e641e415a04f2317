//! `cordon audit`: reads the log's files directly, also while a service writes them. Needs no running service.

mod changes;
mod export;
mod filter;
mod fleet;
mod key;
mod list;
mod prune;
mod report;
mod verify;

use std::path::PathBuf;

use crate::audit::{AuditConfig, AuditLog, AuditReader, DecisionId, DecisionLine};

use super::{CommandResult, Common, Exit, Failure, output};

/// Subcommands of `audit`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List decisions, newest first.
    List(Box<list::List>),
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
    Report(report::Arguments),
    /// Recompute the chain of hashes and check its signatures. Exit code 4 when a record was changed, removed, put in
    /// or moved; 5 when a public key was given and it does not prove every record.
    Verify(verify::Verify),
    /// Print the public key of the log, to keep it elsewhere and verify with it.
    Key(key::Key),
    /// Write decisions with their outcomes into a file, oldest first. It holds no text.
    Export(Box<export::Export>),
    /// Remove old records. The log stays verifiable from a signed checkpoint on.
    Prune(prune::Prune),
    /// Make the tables of a fleet's log, or bring them up to date, and give roles their rights.
    Migrate(fleet::Migrate),
}

/// Where the log lies.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Place {
    /// The folder of the log; the one of the configuration when absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The log of a fleet instead, as postgres://USER@host/database. The password comes from the file or variable that
    /// the configuration names, else from CORDON_STORE_PASSWORD.
    #[arg(long, value_name = "URL", conflicts_with = "directory")]
    store: Option<String>,
}

pub(super) fn run(common: &Common, command: Command) -> CommandResult {
    match command {
        Command::List(arguments) => list::run(common, &arguments),
        Command::Show { id, json, place } => show(common, &id, json, &place),
        Command::Changes { limit, json, place } => changes::run(common, limit, json, &place),
        Command::Report(arguments) => report::run(common, &arguments),
        Command::Verify(arguments) => verify::run(common, &arguments),
        Command::Key(arguments) => key::run(common, &arguments),
        Command::Export(arguments) => export::run(common, &arguments),
        Command::Prune(arguments) => prune::run(common, &arguments),
        Command::Migrate(arguments) => fleet::migrate(common, &arguments),
    }
}

fn open(common: &Common, place: &Place) -> Result<AuditReader, Failure> {
    if let Some(store) = &place.store {
        return fleet::open(common, store);
    }
    let directory = match &place.directory {
        Some(directory) => directory.clone(),
        None => common.load()?.audit.directory,
    };
    Ok(AuditLog::open_read_only(&directory)?)
}

/// Refuses the log of a fleet where a log's own files are needed.
fn only_own(place: &Place) -> Result<(), Failure> {
    let refused =
        || Failure("this needs the files of a replica's own log; leave out --store, or name --directory".into());
    if place.store.is_some() { Err(refused()) } else { Ok(()) }
}

/// The configuration of the log, for the commands that write it.
fn config(common: &Common, place: &Place) -> Result<AuditConfig, Failure> {
    only_own(place)?;
    let mut config = common.load()?.audit;
    if let Some(directory) = &place.directory {
        config.directory.clone_from(directory);
    }
    Ok(config)
}

fn show(common: &Common, id: &str, json_wanted: bool, place: &Place) -> CommandResult {
    let id: DecisionId = id.parse()?;
    let stored = open(common, place)?.get(id)?;
    if json_wanted {
        output::json(&DecisionLine::from(&stored))?;
        return Ok(Exit::Done);
    }
    let pretty = serde_json::to_value(DecisionLine::from(&stored))?;
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
