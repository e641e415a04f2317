//! `cordon audit report`: reads the log once and writes what it says, as a page for people and as JSON for programs. It
//! never changes the log, and works while a service writes it.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::report::{self, Proof, Range, Report, Standing};

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::verify::Kept;
use super::{Place, open};

/// Where the page goes when nothing is said.
const DEFAULT_OUTPUT: &str = "report.html";
/// Decisions between two movements of the progress bar.
const STRIDE: u64 = 1000;

/// Arguments of `audit report`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Only decisions at or after this time: 2026-01-31T12:00:00Z, or a day, which begins at 00:00 UTC.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only decisions before this time; a day is not part of the report itself.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Where to write the page [default: report.html, or none if --json is given alone].
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to write the JSON; `-` is standard output.
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    place: Place,
}

/// A time, or a day as its first moment in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == "2026-01-31".len());
    day.and_then(|day| day.to_zoned(TimeZone::UTC).ok())
        .map(|zoned| zoned.timestamp())
        .ok_or_else(|| "write a time such as 2026-01-31T12:00:00Z, or a day such as 2026-01-31".to_owned())
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> CommandResult {
    let range = Range { since: arguments.since, until: arguments.until };
    if range.is_empty() {
        return Err(Failure("--since is not before --until, so no decision can lie between them".to_owned()));
    }
    let evidence = arguments.kept.evidence()?;
    let reader = open(common, &arguments.place)?;

    let bar = ProgressBar::new(0).with_style(style("verifying the log"));
    let verified = reader.verify_against(&evidence, &mut |at| {
        bar.set_length(at.total);
        bar.set_position(at.done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let standing = Standing::from_result(&verified);

    let decisions = verified.as_ref().map_or(0, |found| found.decisions);
    let bar = ProgressBar::new(decisions).with_style(style("reading decisions"));
    let report = Report::of(&reader, range, standing, &mut |read| {
        if read.is_multiple_of(STRIDE) {
            bar.set_position(read);
        }
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let report = report?;

    let page = match (&arguments.output, &arguments.json) {
        (Some(path), _) => Some(path.clone()),
        (None, None) => Some(PathBuf::from(DEFAULT_OUTPUT)),
        (None, Some(_)) => None,
    };
    if let Some(path) = &page {
        let html = report::html::page(&report);
        write(path, "--output", &mut |out| out.write_all(html.as_bytes()).map_err(Failure::from))?;
    }
    match arguments.json.as_deref() {
        None => {}
        Some(path) if path == Path::new("-") => report::write_json(&report, &reader, &mut io::stdout().lock())?,
        Some(path) => write(path, "--json", &mut |out| Ok(report::write_json(&report, &reader, out)?))?,
    }
    tell(&report, page.as_deref());
    Ok(if report.verification.proof == Proof::Broken { Exit::CheckFailed } else { Exit::Done })
}

fn style(what: &str) -> ProgressStyle {
    let template = format!("{what} {{bar:30}} {{human_pos}} of {{human_len}} {{eta}}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes beside the place and moves it there when it is whole, so that no half report is taken for one.
fn write(
    path: &Path,
    option: &str,
    fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure(format!("cannot write {}: {error}; choose another place with {option}", path.display()))
    };
    if path.is_dir() {
        return Err(failed(io::Error::other("it is a directory")));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    // It names callers and what they sent where, so it is as private as the log.
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside).map_err(failed)?;
    let mut out = BufWriter::new(file);
    let written = fill(&mut out).and_then(|()| out.flush().map_err(failed)).and_then(|()| {
        drop(out);
        std::fs::rename(&beside, path).map_err(failed)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn tell(report: &Report, page: Option<&Path>) {
    let standing = &report.verification;
    if let Some(path) = page {
        output::note(&format!("{} decisions in {}", report.summary.total.decisions, path.display()));
    }
    match standing.proof {
        Proof::Broken => {
            output::error(&format!("the log is broken: {}", standing.fault.as_deref().unwrap_or_default()))
        }
        Proof::NotVerified => output::note(&format!("the log was not verified: {}", standing.not_verified_because)),
        Proof::Unproven | Proof::Proven => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_day() {
        let midnight: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-01-31"), Ok(midnight));
        assert_eq!(moment("2026-01-31T01:00:00+01:00"), Ok(midnight));
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-31T12:00:00", "31.01.2026"] {
            assert!(moment(wrong).unwrap_err().contains("2026-01-31"), "{wrong}");
        }
    }
}
