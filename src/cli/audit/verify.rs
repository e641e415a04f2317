//! `cordon audit verify`: whether the log is what its writer wrote, and what of that cannot be shown.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::audit::{ChainHash, Evidence, Head, PublicKey, Verification};

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::{Place, open};

/// Arguments of `verify`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    kept: Kept,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What was kept outside of the log, to hold it against.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Kept {
    /// A head that was kept elsewhere, `SEQUENCE:HASH` (of a fleet `CHAIN:SEQUENCE:HASH`);
    /// proves that nothing up to it was cut off or made anew.
    #[arg(long, value_name = "HEAD")]
    head: Vec<String>,
    /// The public key, kept elsewhere, as `cordon audit key` printed it; the one beside the log when absent. Then every
    /// record must be proven: exit code 5 if one is not.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere: a copy of the log's `checkpoints.jsonl`.
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

impl Kept {
    /// The same, read and parsed.
    pub(super) fn evidence(&self) -> Result<Evidence, Failure> {
        Ok(Evidence {
            heads: self.head.iter().map(|head| parse_head(head)).collect::<Result<Vec<_>, _>>()?,
            public_keys: self.public_key.as_deref().map(read_keys).transpose()?,
            checkpoints: self.checkpoints.clone(),
        })
    }
}

#[derive(Serialize)]
pub(super) struct VerifyRow {
    /// `proven`, `unproven` or `fault`.
    verdict: &'static str,
    intact: bool,
    records: u64,
    decisions: u64,
    outcomes: u64,
    changes: u64,
    checkpoints: u64,
    head: String,
    proven_through: u64,
    unproven_records: u64,
    removed_through: u64,
    first_bad_sequence: Option<u64>,
    problem: Option<String>,
    unproven: Vec<String>,
}

impl VerifyRow {
    pub(super) fn of(found: &Verification) -> Self {
        Self {
            verdict: match (found.intact(), found.unproven_records()) {
                (false, _) => "fault",
                (true, 0) => "proven",
                (true, _) => "unproven",
            },
            intact: found.intact(),
            records: found.records,
            decisions: found.decisions,
            outcomes: found.outcomes,
            changes: found.changes,
            checkpoints: found.checkpoints,
            head: format!("{}:{}", found.head.sequence, found.head.hash),
            proven_through: found.proven,
            unproven_records: found.unproven_records(),
            removed_through: found.removed,
            first_bad_sequence: found.fault.as_ref().map(|fault| fault.sequence),
            problem: found.fault.as_ref().map(ToString::to_string),
            unproven: found.unproven.iter().map(ToString::to_string).collect(),
        }
    }
}

pub(super) fn run(common: &Common, arguments: &Verify) -> CommandResult {
    if arguments.place.store.is_some() {
        return of_fleet(common, arguments);
    }
    let evidence = arguments.kept.evidence()?;
    let reader = open(common, &arguments.place)?;
    let bar = ProgressBar::new(0);
    let found = reader.verify_against(&evidence, &mut |at| {
        bar.set_length(at.total);
        bar.set_position(at.done);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    let row = VerifyRow::of(&found);
    if arguments.json {
        output::json(&row)?;
    } else {
        print(&row)?;
    }
    Ok(match (row.intact, row.unproven_records) {
        (false, _) => Exit::CheckFailed,
        (true, 1..) if evidence.public_keys.is_some() => Exit::Unproven,
        (true, _) => Exit::Done,
    })
}

pub(super) fn print(row: &VerifyRow) -> Result<(), Failure> {
    let VerifyRow { records, decisions, outcomes, changes, checkpoints, .. } = row;
    match &row.problem {
        None => output::line(format_args!(
            "intact: {records} records ({decisions} decisions, {outcomes} outcomes, {changes} changes, {checkpoints} \
             checkpoints)"
        ))?,
        Some(problem) => output::line(format_args!("NOT intact: {problem}"))?,
    }
    match (row.proven_through, row.unproven_records) {
        (0, _) => output::line("proven: nothing")?,
        (through, 0) => output::line(format_args!("proven: all, through record {through}"))?,
        (through, _) => output::line(format_args!("proven: through record {through}"))?,
    }
    output::line(format_args!("head: {}", row.head))?;
    for unproven in &row.unproven {
        output::line(format_args!("unproven: {unproven}"))?;
    }
    Ok(())
}

/// Every chain of a fleet; checkpoints that were kept elsewhere are of one chain, and are verified with its own log.
fn of_fleet(common: &Common, arguments: &Verify) -> CommandResult {
    if arguments.kept.checkpoints.is_some() {
        let advice =
            "--checkpoints are of one replica: verify its own log with them, by --directory; to a fleet give --head";
        return Err(Failure(advice.to_owned()));
    }
    let keys = arguments.kept.public_key.as_deref().map(read_keys).transpose()?;
    let evidence = Evidence { public_keys: keys, ..Evidence::default() };
    let reader = open(common, &arguments.place)?;
    super::fleet::verify(&reader, &evidence, &arguments.kept.head, arguments.kept.public_key.is_some(), arguments.json)
}

fn read_keys(path: &Path) -> Result<Vec<PublicKey>, Failure> {
    let named = |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    PublicKey::parse_all(&text).map_err(|error| named(&error))
}

fn parse_head(text: &str) -> Result<Head, Failure> {
    let wrong = || Failure(format!("`{text}` is no head; write SEQUENCE:HASH as `cordon audit verify` prints it"));
    let (sequence, hash) = text.split_once(':').ok_or_else(wrong)?;
    Ok(Head { sequence: sequence.parse().map_err(|_| wrong())?, hash: ChainHash::from_hex(hash).ok_or_else(wrong)? })
}
