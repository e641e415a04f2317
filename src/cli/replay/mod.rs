//! `cordon policy replay`: what another policy would have changed. This file reads the arguments and leads through the
//! work; `print` makes the tables, `corpus` asks about texts that are given now, `remote` asks a running
//! service.

mod corpus;
mod print;
mod remote;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{AuditConfig, AuditLog, PublicKey, Signature, sign_statement};
use crate::detect::{Catalog, Rules};
use crate::policy::{Hindsight, Policy, PolicyError, Sensitivity};
use crate::replay::{self, Filter, Limits, Prices, Question};

use super::client::Server;
use super::{CommandResult, Common, Exit, Failure, output};

/// Arguments of `policy replay`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Compare with this policy instead of with what was recorded.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Only decisions at or after this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only decisions before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only decisions of this caller.
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// Only decisions of this recorded level.
    #[arg(long, value_parser = ["public", "internal", "confidential"])]
    level: Option<String>,
    /// The folder of the log; the one of the configuration when absent.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Ask about the texts of this file instead: JSON lines with `text`, and `id`, `level`, `declared_level`, `caller` where
    /// there are any. The log is not read.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until", "caller", "level", "directory"])]
    corpus: Option<PathBuf>,
    /// Tell the texts of the corpus that change, not their ids alone.
    #[arg(long, requires = "corpus")]
    show_text: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sign the file with the key of the log, into `FILE.sig` beside it.
    #[arg(long, requires = "output")]
    sign: bool,
    /// A running service replays its own log, when its address is given.
    #[command(flatten)]
    server: Server,
}

/// A signature beside the file that it is of.
#[derive(Serialize)]
struct Signed {
    format: &'static str,
    key: PublicKey,
    key_id: String,
    signature: Signature,
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> CommandResult {
    // `--policy` is the policy of the configuration everywhere else; here it is the one that is tried.
    let missing = || Failure("name the policy that is tried: `cordon policy replay --policy new.toml`".to_owned());
    let tried = common.policy.clone().ok_or_else(missing)?;
    let written = match &arguments.corpus {
        Some(corpus) => corpus::written(common, arguments, &tried, corpus)?,
        None if arguments.server.server.is_some() && arguments.directory.is_none() => {
            remote::written(arguments, &tried)?
        }
        None => of_log(common, arguments, &tried)?,
    };
    match &arguments.output {
        None => std::io::stdout().lock().write_all(&written)?,
        Some(path) => {
            std::fs::write(path, &written)
                .map_err(|error| Failure(format!("cannot write {}: {error}", path.display())))?;
            if arguments.sign {
                sign(&log(common, arguments)?, path, &written)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The log that is asked.
fn log(common: &Common, arguments: &Arguments) -> Result<AuditConfig, Failure> {
    let config = base(common)?.audit;
    Ok(match &arguments.directory {
        Some(directory) => AuditConfig { directory: directory.clone(), ..config },
        None => config,
    })
}

/// The configuration with its own policy, not with the one that is tried.
fn base(common: &Common) -> Result<crate::config::Config, Failure> {
    Ok(Common { policy: None, ..common.clone() }.load()?)
}

fn sign(log: &AuditConfig, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let (key, signature) = sign_statement(log, bytes)?;
    let signed = Signed { format: "cordon statement 1", key, key_id: key.id().to_string(), signature };
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    let beside = PathBuf::from(name);
    let text = serde_json::to_string(&signed)?;
    std::fs::write(&beside, format!("{text}\n"))
        .map_err(|error| Failure(format!("cannot write {}: {error}", beside.display())))?;
    output::note(&format!("signed by the key {} in {}", key.id(), beside.display()));
    Ok(())
}

/// A policy file, with every problem that makes it unusable.
fn policy(path: &Path, catalog: &Catalog) -> Result<Policy, Failure> {
    Policy::load(path, catalog).map_err(|error| match error {
        PolicyError::Invalid { problems } => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure(format!("the policy {} cannot be used:\n{}", path.display(), lines.join("\n")))
        }
        other => Failure(format!("the policy {} cannot be used: {other}", path.display())),
    })
}

fn of_log(common: &Common, arguments: &Arguments, tried: &Path) -> Result<Vec<u8>, Failure> {
    let config = base(common)?;
    let catalog = Catalog::embedded()?;
    let ready = |path: &Path| -> Result<Arc<Hindsight>, Failure> {
        Ok(Arc::new(replay::hindsight(policy(path, &catalog)?, &catalog, &config.ner)?))
    };
    let question = Question {
        policy: ready(tried)?,
        against: arguments.against.as_deref().map(ready).transpose()?,
        prices: Prices::of(&config.backends)?,
        filter: Filter {
            since: arguments.since,
            until: arguments.until,
            caller: arguments.caller.clone(),
            level: arguments.level.as_deref().map(|level| match level {
                "public" => Sensitivity::Public,
                "internal" => Sensitivity::Internal,
                _ => Sensitivity::Confidential,
            }),
        },
        limits: Limits::default(),
        catalog_now: Some(Rules::build(&catalog)?.digest()),
    };
    let reader = AuditLog::open_read_only(&log(common, arguments)?.directory)?;
    let progress = ProgressBar::new(reader.extent()?.records);
    if let Ok(style) = ProgressStyle::with_template("replay {bar:40} {human_pos}/{human_len} {eta}") {
        progress.set_style(style);
    }
    let summary = replay::replay(&reader, &question, &mut |done| progress.set_position(done))?;
    progress.finish_and_clear();
    if arguments.json {
        return Ok([summary.to_bytes()?, b"\n".to_vec()].concat());
    }
    Ok(print::summary(&summary).into_bytes())
}
