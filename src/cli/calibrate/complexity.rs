//! `cordon calibrate complexity`: fits the weights behind simple, moderate and complex on labelled prompts.

use std::path::PathBuf;

use serde::Serialize;

use crate::dispatch::{Confusion, Measured, Prompt, measure};

use super::super::eval::table;
use super::super::{CommandResult, Exit, Failure, output};
use super::write;

/// Arguments of `calibrate complexity`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Complexity {
    /// File of labelled prompts, one JSON object a line: `id`, `text`, and `label`, which is simple, moderate or complex.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    /// Write the weights into this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    prompts: usize,
    measured: Measured,
    written: Option<PathBuf>,
}

pub(super) fn run(arguments: &Complexity) -> CommandResult {
    let text = std::fs::read_to_string(&arguments.gold)
        .map_err(|error| Failure(format!("{}: {error}", arguments.gold.display())))?;
    let prompts = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                let (file, number) = (arguments.gold.display(), number + 1);
                Failure(format!(
                    "{file}, line {number}: no object with `id`, `text` and `label` (column {})",
                    error.column()
                ))
            })
        })
        .collect::<Result<Vec<Prompt>, Failure>>()?;
    if prompts.len() < FEWEST {
        return Err(Failure(format!("{} prompts are too few to fit on half of them; give {FEWEST}", prompts.len())));
    }
    let (weights, measured) = measure(&prompts, None);
    if let Some(path) = &arguments.write {
        write(path, &weights.write())?;
    }
    let report = Report { prompts: prompts.len(), measured, written: arguments.write.clone() };
    if arguments.json {
        output::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(Exit::Done)
}

/// Fewer prompts say nothing about thirty features.
const FEWEST: usize = 100;

fn print(report: &Report) -> Result<(), Failure> {
    let Measured { fitted, held_out, held_out_by_length } = &report.measured;
    for (title, confusion) in [
        ("on the half that was fitted", fitted),
        ("on the other half", held_out),
        ("on the other half, by length alone", held_out_by_length),
    ] {
        output::line(title)?;
        output::line(table(&["labelled", "simple", "moderate", "complex"], rows(confusion)))?;
        let (right, missed) = (confusion.accuracy() * 100.0, confusion.complex_as_simple() * 100.0);
        output::line(format_args!("{right:.1} % right, {missed:.1} % of complex prompts taken for simple\n"))?;
    }
    if let Some(path) = &report.written {
        output::line(format_args!("weights written to {}", path.display()))?;
    }
    Ok(())
}

fn rows(confusion: &Confusion) -> Vec<Vec<String>> {
    let names = ["simple", "moderate", "complex"];
    let row = |(name, counts): (&&str, &[u32; 3])| {
        std::iter::once((*name).to_owned()).chain(counts.iter().map(u32::to_string)).collect()
    };
    names.iter().zip(&confusion.0).map(row).collect()
}
