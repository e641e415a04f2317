//! The command line: one file a subcommand. Every command calls the same functions as the service; none has rules of
//! its own. Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 some items of the input failed, 4 a check did not pass, 5 nothing
//! is wrong, but not all is proven.

mod audit;
mod calibrate;
mod classify;
mod client;
mod cloud;
mod completions;
mod dispatch;
mod eval;
mod explain;
mod jsonl;
mod nats;
mod output;
mod plan;
mod policy;
mod replay;
mod row;
mod scan;
mod serve;
mod types;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, File};
use crate::telemetry::{self, LogFormat};

/// Classifies text as public, internal or confidential, and sends it to local or cloud inference accordingly.
#[derive(Debug, Parser)]
#[command(
    name = "cordon",
    version,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong \
arguments, 3 some items of the input failed, 4 a check did not pass, 5 nothing is wrong but not all is proven."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
struct Common {
    /// The configuration file; the embedded defaults when absent.
    #[arg(long, global = true, env = "CORDON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the audit log lives.
    #[arg(long, global = true, env = "CORDON_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The policy file; overrides the configuration.
    #[arg(long, global = true, env = "CORDON_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How log lines on standard error look.
    #[arg(long, global = true, value_enum, default_value_t)]
    log_format: LogFormat,
}

impl Common {
    /// The configuration of the file and of the options over it.
    fn file(&self) -> Result<File, ConfigError> {
        let mut file = match &self.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        if let Some(dir) = &self.data_dir {
            file.data_dir = Some(dir.clone());
        }
        if let Some(policy) = &self.policy {
            file.policy = Some(policy.clone());
        }
        Ok(file)
    }

    fn load(&self) -> Result<Config, ConfigError> {
        self.file()?.validate()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::Arguments),
    /// Say how sensitive texts are.
    Classify(classify::Arguments),
    /// Classify documents of a NATS work queue, until SIGTERM.
    Worker(worker::Arguments),
    /// Scan files and folders, with a summary by level and type.
    Scan(scan::Arguments),
    /// Send one request through a running service and stream the answer.
    Dispatch(dispatch::Arguments),
    /// Check and test policies.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Read and verify the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Close the cloud, for everybody or one caller, or open it.
    #[command(subcommand)]
    Cloud(cloud::Command),
    /// Show what a running service has spent today of its budgets.
    Budgets(cloud::Asking),
    /// Local or cloud: the decision, the machines, and what five years cost.
    Plan(plan::Arguments),
    /// Measure detection and levels on labelled texts.
    Eval(eval::Arguments),
    /// Fit scores to what was measured.
    #[command(subcommand)]
    Calibrate(calibrate::Command),
    /// List the entity types, or try one of their checks.
    Types(types::Arguments),
    /// Print shell completions.
    Completions(completions::Arguments),
}

/// What a command reports to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// Done.
    Done,
    /// Some items of the input failed.
    SomeFailed,
    /// A check did not pass.
    CheckFailed,
    /// Nothing is wrong, but not all is proven.
    Unproven,
}

/// A command that could not do its work; the message is for people.
#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let text = inner.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = inner.source();
        }
        Self(message)
    }
}

type CommandResult = Result<Exit, Failure>;

/// Runs the command of the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let default_level =
        if matches!(arguments.command, Command::Serve(_) | Command::Worker(_)) { "info" } else { "warn" };
    telemetry::start_logging(arguments.common.log_format, default_level);
    telemetry::quiet_panics();
    let common = &arguments.common;
    let result = match arguments.command {
        Command::Serve(command) => serve::run(common, command),
        Command::Classify(command) => classify::run(common, command),
        Command::Worker(command) => worker::run(common, command),
        Command::Scan(command) => scan::run(common, command),
        Command::Dispatch(command) => dispatch::run(command),
        Command::Policy(command) => policy::run(common, command),
        Command::Audit(command) => audit::run(common, command),
        Command::Cloud(command) => cloud::run(command),
        Command::Budgets(command) => cloud::budgets(&command),
        Command::Plan(command) => plan::run(common, command),
        Command::Eval(command) => eval::run(common, command),
        Command::Calibrate(command) => calibrate::run(common, command),
        Command::Types(command) => types::run(common, &command),
        Command::Completions(command) => completions::run(&command),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::SomeFailed) => ExitCode::from(3),
        Ok(Exit::CheckFailed) => ExitCode::from(4),
        Ok(Exit::Unproven) => ExitCode::from(5),
        Err(Failure(message)) if message.contains("Broken pipe") => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            output::error(&message);
            ExitCode::FAILURE
        }
    }
}

/// A runtime for the commands that need one.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
