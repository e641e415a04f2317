//! `cordon audit … --store postgres://…`: the log of a fleet, read from its database. Needs no running service.

use std::ops::ControlFlow;

use indicatif::ProgressBar;
use serde::Serialize;

use crate::audit::{self, AuditLog, AuditReader, ChainHash, ChainHead, ChainVerification, Evidence, FleetConfig};

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::verify::VerifyRow;

/// Arguments of `migrate`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Migrate {
    /// The database, as postgres://OWNER@host/database; the one of the configuration when absent.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Give this role what a replica needs: to insert and to select.
    #[arg(long, value_name = "ROLE")]
    grant: Option<String>,
    /// Give this role what an auditor needs: to select.
    #[arg(long, value_name = "ROLE")]
    grant_read: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct MigrateRow {
    from: i32,
    to: i32,
}

/// How to reach the database of this address, with the password and the authorities of the configuration.
fn config(common: &Common, store: &str) -> Result<FleetConfig, Failure> {
    Ok(common.file()?.audit.fleet.unwrap_or_default().checked(store)?)
}

/// Opens the log of the fleet at this address.
pub(super) fn open(common: &Common, store: &str) -> Result<AuditReader, Failure> {
    Ok(AuditLog::open_fleet(&config(common, store)?)?)
}

pub(super) fn migrate(common: &Common, arguments: &Migrate) -> CommandResult {
    let configured = common.file()?.audit.store;
    let store = arguments.store.clone().or(configured);
    let store = store.ok_or_else(|| Failure("name the database: --store postgres://owner@host/database".to_owned()))?;
    let done = audit::migrate(&config(common, &store)?, arguments.grant.as_deref(), arguments.grant_read.as_deref())?;
    let row = MigrateRow { from: done.from, to: done.to };
    match (arguments.json, row.from == row.to) {
        (true, _) => output::json(&row)?,
        (false, true) => output::line(format_args!("the tables are of version {} already", row.to))?,
        (false, false) => output::line(format_args!("the tables went from version {} to {}", row.from, row.to))?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct FleetRow {
    intact: bool,
    records: u64,
    heads_compared: u64,
    chains: Vec<ChainRow>,
}

#[derive(Serialize)]
struct ChainRow {
    chain: String,
    name: String,
    #[serde(flatten)]
    found: VerifyRow,
}

impl ChainRow {
    fn of(found: &ChainVerification) -> Self {
        Self { chain: found.chain.to_string(), name: found.name.clone(), found: VerifyRow::of(&found.verification) }
    }
}

/// Verifies every chain. `strict`: every record must be proven.
pub(super) fn verify(
    reader: &AuditReader,
    evidence: &Evidence,
    heads: &[String],
    strict: bool,
    json: bool,
) -> CommandResult {
    let heads = heads.iter().map(|head| parse_head(head)).collect::<Result<Vec<_>, _>>()?;
    let bar = ProgressBar::new(0);
    let found = reader.verify_fleet(evidence, &heads, &mut |at| {
        bar.set_length(at.total);
        bar.set_position(at.done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let row = FleetRow {
        intact: found.intact(),
        records: found.chains.iter().map(|chain| chain.verification.records).sum(),
        heads_compared: found.heads_compared,
        chains: found.chains.iter().map(ChainRow::of).collect(),
    };
    let unproven = found.chains.iter().any(|chain| chain.verification.unproven_records() > 0);
    if json {
        output::json(&row)?;
    } else {
        for chain in &row.chains {
            output::line(format_args!("chain {} {}", chain.chain, chain.name))?;
            super::verify::print(&chain.found)?;
            output::line("")?;
        }
        let verdict = if row.intact { "intact" } else { "NOT intact" };
        output::line(format_args!(
            "{verdict}: {} records in {} chains; {} statements about each other's heads compared",
            row.records,
            row.chains.len(),
            row.heads_compared
        ))?;
    }
    Ok(match (row.intact, unproven) {
        (false, _) => Exit::CheckFailed,
        (true, true) if strict => Exit::Unproven,
        (true, _) => Exit::Done,
    })
}

fn parse_head(text: &str) -> Result<ChainHead, Failure> {
    let wrong = || Failure(format!("`{text}` is no head of a fleet; write CHAIN:SEQUENCE:HASH"));
    let mut words = text.splitn(3, ':');
    let mut word = || words.next().ok_or_else(wrong);
    let (chain, sequence, hash) = (word()?, word()?, word()?);
    Ok(ChainHead {
        chain: chain.parse().map_err(|_| wrong())?,
        sequence: sequence.parse().map_err(|_| wrong())?,
        hash: ChainHash::from_hex(hash).ok_or_else(wrong)?,
    })
}
