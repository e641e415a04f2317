//! `cordon completions`: scripts that complete commands and options in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{CommandResult, Exit};

/// Arguments of `completions`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> CommandResult {
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "cordon", &mut std::io::stdout());
    Ok(Exit::Done)
}
