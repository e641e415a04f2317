//! `cordon scan`: files and folders in this process, with a summary for people, programs, code hosts and gates. It reads
//! and decides nothing itself: `crate::scan` does.

mod bulk;
mod print;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::policy::Sensitivity;
use crate::scan::source::{Files, Format, Options};
use crate::scan::{self, Progress, Settings, Summary};
use crate::startup;

use super::nats::Nats;
use super::{CommandResult, Common, Exit, Failure, output};

/// How long one text may take. Nobody waits for an answer, so it is long; a text that takes longer is confidential.
const PATIENCE: Duration = Duration::from_secs(600);

/// Arguments of `scan`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 something could not be read or is malformed, 4 \
--fail-on was reached; what was not scanned counts as confidential."
)]
pub(super) struct Arguments {
    /// Files and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Read every file so, whatever its name.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Of JSON lines only this field, by name or RFC 6901 pointer; several times for several.
    #[arg(long, value_name = "NAME")]
    field: Vec<String>,
    /// Of CSV and Parquet only this column; several times for several.
    #[arg(long, value_name = "NAME")]
    column: Vec<String>,
    /// What parts the columns of CSV; a comma, or a tab in `.tsv` files, when absent.
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The first line of CSV is data; columns are called 1, 2, 3.
    #[arg(long)]
    no_header: bool,
    /// Scan hidden files and folders too.
    #[arg(long)]
    hidden: bool,
    /// Scan what .gitignore and .ignore leave out.
    #[arg(long)]
    no_ignore: bool,
    /// Follow symbolic links.
    #[arg(long)]
    follow: bool,
    /// Print JSON.
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0.
    #[arg(long)]
    sarif: bool,
    /// Show the found values. Nothing does otherwise.
    #[arg(long, conflicts_with = "sarif")]
    quote: bool,
    /// Leave with code 4 if a text reaches this level, or something was not scanned.
    #[arg(long, value_name = "LEVEL", value_parser = ["internal", "confidential"])]
    fail_on: Option<String>,
    /// Let --fail-on accept files that are no text, such as images. They are listed all the same.
    #[arg(long, requires = "fail_on")]
    allow_binary: bool,
    /// Run the named-entity model even where the rules already reach the highest level, so that all findings are told.
    #[arg(long)]
    all_findings: bool,
    /// Tell only findings with at least this score, from 0 to 1; the policy's own bound when absent.
    #[arg(long, value_name = "SCORE")]
    min_score: Option<f32>,
    /// Texts in work at once; as many as there are cores when absent.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Classify by the workers of a queue instead of in this process.
    #[command(flatten)]
    nats: Nats,
    /// Go on with this run over --nats, which was cut off; the files and options must be the same.
    #[arg(long, value_name = "ID", requires = "nats")]
    run: Option<String>,
    /// Leave the verdicts of the run on the server.
    #[arg(long, requires = "nats")]
    keep_verdicts: bool,
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err("must be one ASCII character, or \\t"),
    }
}

impl Arguments {
    fn options(&self) -> Options {
        Options {
            format: self.format,
            fields: self.field.clone(),
            columns: self.column.clone(),
            delimiter: self.delimiter,
            no_header: self.no_header,
            hidden: self.hidden,
            no_ignore: self.no_ignore,
            follow: self.follow,
        }
    }
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    if arguments.min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err(Failure("--min-score must be from 0 to 1".into()));
    }
    if arguments.nats.is_named() {
        return bulk::run(common, &arguments);
    }
    // What is wrong with the paths is said before the model is loaded.
    let files = Files::new(&arguments.paths, arguments.options())?;
    let config = common.load()?;
    let classifier = Arc::new(startup::classifier(&config)?);
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let settings = Settings {
        width: arguments.jobs.map_or(cores, usize::from),
        patience: PATIENCE,
        min_score: arguments.min_score.unwrap_or_else(|| classifier.policy().min_score()),
        quote: arguments.quote,
        all_findings: arguments.all_findings,
    };
    let bar = bar(&arguments);
    let shown = bar.clone();
    let summary = super::runtime()?.block_on(async {
        let summary = scan::scan(files, Arc::clone(&classifier), settings, move |at| show(&shown, at)).await;
        classifier.shutdown().await;
        summary
    });
    bar.finish_and_clear();
    print(&arguments, &summary, None)?;
    exit(&arguments, &summary)
}

fn print(arguments: &Arguments, summary: &Summary, bulk: Option<&bulk::Run>) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        #[serde(flatten)]
        summary: &'a Summary,
        #[serde(skip_serializing_if = "Option::is_none")]
        bulk: Option<&'a bulk::Run>,
    }
    if arguments.json {
        output::json(&Report { summary, bulk })
    } else if arguments.sarif {
        output::json(&scan::sarif(summary))
    } else {
        print::all(summary, arguments.quote)
    }
}

fn exit(arguments: &Arguments, summary: &Summary) -> CommandResult {
    let wanted = arguments.fail_on.as_deref().map(|level| match level {
        "internal" => Sensitivity::Internal,
        _ => Sensitivity::Confidential,
    });
    if let Some(wanted) = wanted {
        let reached = summary.gate_level(arguments.allow_binary);
        if reached >= wanted {
            let why = if summary.level >= wanted {
                String::new()
            } else {
                format!(", because {} files are no text; --allow-binary accepts them", summary.no_text)
            };
            output::note(&format!("--fail-on {wanted} is reached: {reached}{why}"));
            return Ok(Exit::CheckFailed);
        }
    }
    Ok(if summary.gaps > 0 { Exit::SomeFailed } else { Exit::Done })
}

/// A bar over all files where somebody looks at it; for that they are counted before.
fn bar(arguments: &Arguments) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (files, bytes) = Files::measure(&arguments.paths, &arguments.options());
    let bar = ProgressBar::new(bytes);
    let style = "{bar:30} {bytes}/{total_bytes} begun, {msg}, {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(format!("0 of {files} files"));
    bar
}

fn show(bar: &ProgressBar, at: Progress) {
    if !bar.is_hidden() {
        bar.set_position(at.bytes);
        bar.set_message(format!("{} files, {} texts", at.files, at.units));
    }
}
