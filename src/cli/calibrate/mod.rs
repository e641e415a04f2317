//! `cordon calibrate`: fits the tables that make scores mean something, on labelled data, and measures them on data that
//! they were not fitted on. Halves are told apart by a digest of an id, so that a text stays in its half whatever is
//! added around it.

mod complexity;
mod detection;
mod escalation;

use std::path::Path;

use super::{CommandResult, Common, Failure};

/// What can be calibrated.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Fit the scores of the detectors to measured precision, on half of the texts, and report on the other half.
    Detection(detection::Detection),
    /// Fit what tells how much a prompt asks of a model, on half of labelled prompts, and report on the other half.
    Complexity(complexity::Complexity),
    /// Fit what makes a local model's answer sure enough, on prompts with accepted answers.
    Escalation(escalation::Escalation),
}

pub(super) fn run(common: &Common, command: Command) -> CommandResult {
    match command {
        Command::Detection(arguments) => detection::run(common, &arguments),
        Command::Complexity(arguments) => complexity::run(&arguments),
        Command::Escalation(arguments) => escalation::run(common, &arguments),
    }
}

/// Writes beside the old file and renames, so that an interruption leaves no half table.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let part = path.with_extension("toml.part");
    std::fs::write(&part, text)?;
    std::fs::rename(&part, path)?;
    Ok(())
}
