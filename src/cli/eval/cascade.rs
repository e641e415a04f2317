//! `cordon eval cascade`: quality against share escalated, on recorded answers of a weak and a strong model.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use crate::dispatch::{EscalationCalibration, Measure};
use crate::eval::cascade::{self, Replay, Step};

use super::super::{CommandResult, Exit, Failure, output};
use super::print::table;

/// Arguments of `eval cascade`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Cascade {
    /// Recorded answers, one JSON object a line: `id`, `weak` and `strong`; see docs/escalation.md.
    #[arg(long, value_name = "FILE")]
    recorded: PathBuf,
    /// Weights for records with log-probabilities, as `cordon calibrate escalation --write` leaves them; those of the
    /// build when absent.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Draw the curve into this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Cascade) -> CommandResult {
    let measure = match &arguments.weights {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
            let file: EscalationCalibration =
                toml::from_str(&text).map_err(|error| Failure(format!("{}: {}", path.display(), error.message())))?;
            if !file.weights.are_sound() {
                return Err(Failure(format!("{}: the weights are not sound; write them anew", path.display())));
            }
            Measure { weights: file.weights, ..Measure::default() }
        }
        None => Measure::default(),
    };
    let named = |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", arguments.recorded.display()));
    let file = File::open(&arguments.recorded).map_err(|error| named(&error))?;
    let pairs = cascade::read(BufReader::new(file), &measure).map_err(|error| named(&error))?;
    let replay = cascade::replay(&pairs);
    if let Some(path) = &arguments.svg {
        std::fs::write(path, cascade::draw(&replay))?;
    }
    if arguments.json {
        output::json(&replay)?;
    } else {
        print(&replay)?;
        if let Some(path) = &arguments.svg {
            output::note(&format!("drawn in {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn print(replay: &Replay) -> Result<(), Failure> {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let row = |step: &Step| {
        vec![
            percent(step.share),
            format!("{:.3}", step.threshold),
            format!("{:.3}", step.quality),
            format!("{:.3}", step.random),
            format!("{:.3}", step.oracle),
            percent(step.strong_tokens),
        ]
    };
    let headings = ["escalated", "threshold", "quality", "random", "oracle", "strong tokens"];
    output::line(table(&headings, replay.steps.iter().map(row).collect()))?;
    output::line(format_args!(
        "{} requests; weak alone {:.3}, strong alone {:.3}",
        replay.requests, replay.weak, replay.strong
    ))?;
    if let Some(gain) = replay.gain {
        output::line(format_args!("the confidence gains {:.0} % of what the oracle gains over chance", gain * 100.0))?;
    }
    if let Some(share) = replay.share_for_95 {
        output::line(format_args!("95 % of the way from weak to strong takes {:.0} % escalated", share * 100.0))?;
    }
    Ok(())
}
