//! `cordon policy`: what is wrong with a policy file, and whether the tests inside it come out as they say. What it would
//! have changed is `replay`'s.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::detect::Catalog;
use crate::document::Document;
use crate::policy::{self, DEFAULT_SOURCE, Policy, Severity};
use crate::startup;

use super::{CommandResult, Common, Exit, output, replay};

/// Subcommands of `policy`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Find unknown types, rules that can never apply, and routes that would leak. Exit code 4 when there is an error.
    Check(Arguments),
    /// Run the tests inside the policy with the real detectors. Exit code 4 when one fails.
    Test(Arguments),
    /// Say what another policy would have changed: of the recorded requests, or of texts that are given now.
    Replay(Box<replay::Arguments>),
}

/// Arguments of both.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The policy file; the one of the configuration, else the embedded one, when absent.
    file: Option<PathBuf>,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct ProblemRow<'a> {
    severity: &'static str,
    line: usize,
    column: usize,
    field: &'a str,
    message: &'a str,
}

/// What a list of a file takes.
#[derive(Serialize)]
struct ListRow<'a> {
    list: &'a str,
    entries: usize,
    seconds: f64,
    mebibytes: f64,
}

#[derive(Serialize)]
struct TestRow<'a> {
    name: &'a str,
    line: usize,
    passed: bool,
    expected: crate::policy::Sensitivity,
    level: crate::policy::Sensitivity,
    reasons: Vec<&'a str>,
    failures: Vec<String>,
}

pub(super) fn run(common: &Common, command: Command) -> CommandResult {
    match command {
        Command::Check(arguments) => check(common, arguments),
        Command::Test(arguments) => test(common, arguments),
        Command::Replay(arguments) => replay::run(common, &arguments),
    }
}

fn check(common: &Common, arguments: Arguments) -> CommandResult {
    let path = arguments.file.or(common.file()?.policy);
    let catalog = Catalog::embedded()?;
    let (name, source) = match &path {
        Some(path) => {
            let source = std::fs::read_to_string(path)
                .map_err(|error| super::Failure(format!("cannot read {}: {error}", path.display())))?;
            (path.display().to_string(), source)
        }
        None => ("(embedded)".to_owned(), DEFAULT_SOURCE.to_owned()),
    };
    let folder = path.as_deref().and_then(std::path::Path::parent);
    let mut problems = policy::check(&source, &catalog, folder)?;
    let errors = |problems: &[policy::Problem]| problems.iter().filter(|p| p.severity == Severity::Error).count();
    if errors(&problems) == 0 {
        // The catalog judges what the policy adds to it.
        let policy = match &path {
            Some(path) => Policy::load(path, &catalog)?,
            None => Policy::embedded(&catalog)?,
        };
        for (id, table) in &policy.custom_catalog().files {
            let (mebibytes, seconds) = (table.bytes() as f64 / f64::from(1 << 20), table.took().as_secs_f64());
            if arguments.json {
                output::json(&ListRow { list: id, entries: table.entries(), seconds, mebibytes })?;
            } else {
                output::line(format_args!(
                    "list {id}: {} entries, {mebibytes:.1} MiB of memory, built in {seconds:.2} s",
                    table.entries()
                ))?;
            }
        }
        if let Err(error) = startup::catalog(&catalog, &policy) {
            problems.push(policy::Problem {
                severity: Severity::Error,
                line: 0,
                column: 0,
                field: "recognizer".to_owned(),
                message: error.to_string(),
            });
        }
    }
    for problem in &problems {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        if arguments.json {
            output::json(&ProblemRow {
                severity,
                line: problem.line,
                column: problem.column,
                field: &problem.field,
                message: &problem.message,
            })?;
        } else {
            output::line(format_args!(
                "{severity}: {name}:{}:{}: {}: {}",
                problem.line, problem.column, problem.field, problem.message
            ))?;
        }
    }
    let errors = errors(&problems);
    output::note(&format!("{name}: {errors} errors, {} warnings", problems.len() - errors));
    Ok(if errors == 0 { Exit::Done } else { Exit::CheckFailed })
}

fn test(common: &Common, arguments: Arguments) -> CommandResult {
    let mut config = common.load()?;
    if arguments.file.is_some() {
        config.policy = arguments.file;
    }
    let runtime = super::runtime()?;
    let classifier = Arc::new(startup::classifier(&config)?);
    let policy = classifier.policy();
    let detect = |document: &Document| {
        let document = Arc::new(document.clone());
        runtime.block_on(classifier.detect(&document, Instant::now() + Duration::from_secs(60)))
    };
    let results = policy.run_trials(detect);
    let mut failed = 0;
    for result in &results {
        let failures = result.failures();
        failed += usize::from(!failures.is_empty());
        if arguments.json {
            output::json(&TestRow {
                name: &result.trial.name,
                line: result.trial.line,
                passed: failures.is_empty(),
                expected: result.trial.level,
                level: result.level,
                reasons: result.reasons.iter().map(|reason| &*reason.rule).collect(),
                failures,
            })?;
        } else if !failures.is_empty() {
            output::line(format_args!("failed: {} (line {})", result.trial.name, result.trial.line))?;
            for failure in failures {
                output::line(format_args!("  {failure}"))?;
            }
        }
    }
    runtime.block_on(classifier.shutdown());
    output::note(&format!("{} tests, {failed} failed, policy {}", results.len(), policy.reference().name));
    Ok(if failed == 0 { Exit::Done } else { Exit::CheckFailed })
}
