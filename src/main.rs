//! The `cordon` command: hands over to `cli` and turns its result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    cordon::cli::run()
}
