//! `cordon audit export`: decisions with their outcomes as a file for other tools.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::audit::{AuditReader, DecisionFilter, ExportFile, ExportFormat, Exporter};

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::filter::Filter;
use super::{Place, open};

/// How the file looks.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Whole records, one JSON object a line.
    Jsonl,
    /// One row a decision.
    Csv,
    /// One row a decision, typed and compressed.
    Parquet,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
        }
    }
}

/// Arguments of `export`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Export {
    /// How the file looks.
    #[arg(long, value_enum)]
    format: Format,
    /// The file, or `-` for standard output.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(common: &Common, arguments: &Export) -> CommandResult {
    let reader = open(common, &arguments.place)?;
    let filter = DecisionFilter::from(&arguments.filter);
    let format = ExportFormat::from(arguments.format);
    if arguments.output == Path::new("-") {
        export(&reader, &filter, format, std::io::BufWriter::new(std::io::stdout()))?;
        return Ok(Exit::Done);
    }
    let (file, writer) = ExportFile::create(&arguments.output, arguments.force)?;
    let (rows, writer) = export(&reader, &filter, format, writer)?;
    file.finish(writer)?;
    output::note(&format!("{rows} decisions written to {}", arguments.output.display()));
    Ok(Exit::Done)
}

/// Writes all that fits, and says how many decisions that is.
fn export<W: Write + Send>(
    reader: &AuditReader,
    filter: &DecisionFilter,
    format: ExportFormat,
    writer: W,
) -> Result<(u64, W), Failure> {
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {percent}% {pos}/{len} records, {eta} left")?);
    let mut exporter = Exporter::new(format, writer)?;
    let mut failed = None;
    let scanned = reader.decisions(
        filter,
        &mut |stored| match exporter.push(&stored) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        },
        &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        },
    )?;
    bar.finish_and_clear();
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut writer = exporter.finish()?;
    writer.flush()?;
    Ok((scanned.visited, writer))
}
