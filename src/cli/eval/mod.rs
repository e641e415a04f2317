//! `cordon eval`: the detectors and the policy against labelled texts, as tables or JSON. This file reads the
//! arguments and leads through the work; `fold` takes a part of the texts, `predict` asks the classifier, `report` counts,
//! `other` reads what is compared with, `versus` runs another model for that, `print` makes the tables.

mod cascade;
mod fold;
mod other;
mod predict;
mod print;
mod report;
mod versus;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::eval::{Bootstrap, GoldFile, LevelScores};
use crate::startup;

use super::{CommandResult, Common, Exit, Failure, output};

use other::Others;
pub(super) use predict::answers;
pub(super) use print::{error_line, reliability_table, table};
use report::{Report, Tallied};
use versus::Versus;

/// Scores below this count as no finding, here as in the default policy.
pub(super) const MIN_SCORE: f32 = 0.4;

/// Arguments of `eval`.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Files of labelled texts, or folders with such files (`*.jsonl`).
    #[arg(long = "gold", value_name = "PATH", required = true, num_args = 1..)]
    gold: Vec<PathBuf>,
    /// Keep only the texts of one side: `validation` is one text in five, by a digest of its id.
    #[arg(long, value_enum, value_name = "SIDE")]
    fold: Option<fold::Fold>,
    /// Findings with a lower score do not count.
    #[arg(long, default_value_t = MIN_SCORE, value_name = "SCORE")]
    min_score: f32,
    /// Write the predictions as JSON lines into this folder, a file for each set.
    #[arg(long, value_name = "DIR")]
    predictions: Option<PathBuf>,
    /// Compare with another system or an earlier run: its predictions of one set, or a folder with a file `SET.jsonl`
    /// for each set. Or with another model on the same texts: its folder, or `rampart`.
    #[arg(long, value_name = "PATH|MODEL")]
    compare: Option<PathBuf>,
    /// Findings of the other system with a lower score do not count; `--min-score` when absent.
    #[arg(long, value_name = "SCORE", requires = "compare")]
    compare_min_score: Option<f32>,
    /// Draws of the bootstrap behind each interval.
    #[arg(long, default_value_t = Bootstrap::default().resamples, value_name = "N")]
    resamples: usize,
    /// Seed of the draws.
    #[arg(long, default_value_t = Bootstrap::default().seed, value_name = "N")]
    seed: u64,
    /// Print every class of every set.
    #[arg(long)]
    by_class: bool,
    /// Take this calibration of scores: `embedded`, `none`, or a file; the configuration's when absent.
    #[arg(long, value_name = "FILE")]
    calibration_file: Option<String>,
    /// Print how far scores can be taken at their word.
    #[arg(long)]
    calibration: bool,
    /// Print which level was taken for which.
    #[arg(long)]
    confusion: bool,
    /// Print all of these.
    #[arg(long)]
    details: bool,
    /// Print one JSON object a set.
    #[arg(long)]
    json: bool,
    /// Fail (exit 4) when the core F1 of the last line, in percent, is lower.
    #[arg(long, value_name = "PERCENT")]
    fail_core_f1: Option<f64>,
    /// Fail (exit 4) when more of the confidential texts, in percent, are judged public.
    #[arg(long, value_name = "PERCENT")]
    fail_leaks: Option<f64>,
    /// Fail (exit 4) when the accuracy of levels, in percent, is lower.
    #[arg(long, value_name = "PERCENT")]
    fail_accuracy: Option<f64>,
}

/// What else is measured.
#[derive(Clone, Debug, clap::Subcommand)]
enum Other {
    /// Replay recorded answers of a weak and a strong model: quality against share escalated.
    Cascade(cascade::Cascade),
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    if let Some(Other::Cascade(cascade)) = &arguments.other {
        return cascade::run(cascade);
    }
    let mut files = files(&arguments.gold)?;
    if let Some(fold) = arguments.fold {
        files.iter_mut().for_each(|file| fold.keep(file));
        files.retain(|file| !file.texts.is_empty());
        if files.is_empty() {
            return Err(Failure("no text of --gold is on this side of --fold".into()));
        }
    }
    let bootstrap = Bootstrap { resamples: arguments.resamples, seed: arguments.seed };
    let (models, predictions): (Vec<&PathBuf>, _) = arguments.compare.iter().partition(|path| Versus::is_meant(path));
    let others_min_score = arguments.compare_min_score.unwrap_or(arguments.min_score);
    let others = predictions.first().map(|path: &&PathBuf| Others::open(path, &files, others_min_score)).transpose()?;
    let mut config = common.load()?;
    if let Some(choice) = &arguments.calibration_file {
        config.calibration = choice.as_str().into();
    }
    let runtime = super::runtime()?;
    runtime.block_on(async {
        let classifier = Arc::new(startup::classifier(&config)?);
        let mut versus = models.first().map(|path| Versus::load(path, &config, others_min_score)).transpose()?;
        let mut reports: Vec<Report> = Vec::with_capacity(files.len() + 1);
        let mut together = Tallied::default();
        for file in files {
            let (found, took) = predict::all(&classifier, &file, arguments.min_score).await;
            if let Some(folder) = &arguments.predictions {
                predict::write(folder, &file, &found)?;
            }
            let mut tallied = Tallied::of(&file, &found, took);
            if let Some(others) = &others {
                others.compare(&file, &mut tallied)?;
            }
            let other = match &mut versus {
                Some(versus) => Some(Box::new(versus.run(&file, &mut tallied, bootstrap).await)),
                None => None,
            };
            reports.push(Report { other, ..tallied.report(&file.name, bootstrap) });
            together += tallied;
        }
        if reports.len() > 1 {
            let other = versus.as_ref().map(|versus| Box::new(versus.together("all", bootstrap)));
            reports.push(Report { other, ..together.report("all", bootstrap) });
        }
        classifier.shutdown().await;
        if let Some(versus) = &versus {
            versus.shutdown().await;
        }
        for report in &mut reports {
            report.calibrated_by(classifier.calibration());
        }
        if arguments.json {
            for report in &reports {
                output::json(report)?;
            }
        } else {
            print::all(&reports, versus.as_ref().map(|versus| versus.name.as_str()), &arguments)?;
        }
        gate(&arguments, reports.last())
    })
}

/// The files of labelled texts behind these paths; of a folder all `*.jsonl`, by name.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<GoldFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(inside(path)?);
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        return Err(Failure("there is no *.jsonl file in the folders of --gold".into()));
    }
    found.iter().map(|path| Ok(GoldFile::read(path)?)).collect()
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<PathBuf>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    Ok(files)
}

/// Compares the last line with the bounds that were asked for.
fn gate(arguments: &Arguments, last: Option<&Report>) -> CommandResult {
    let Some(report) = last else { return Ok(Exit::Done) };
    let core = report.spans.as_ref().and_then(|spans| spans.core.overlap.f1).unwrap_or(0.0) * 100.0;
    let levels: LevelScores = report.levels.as_ref().map(|levels| levels.scores).unwrap_or_default();
    let mut passed = true;
    let mut check = |name: &str, ok: bool, value: f64, bound: f64| {
        if !ok {
            output::error(&format!("{name} is {value:.1}, the bound is {bound:.1}"));
            passed = false;
        }
    };
    if let Some(bound) = arguments.fail_core_f1 {
        check("core F1", core >= bound, core, bound);
    }
    if let Some(bound) = arguments.fail_leaks {
        let leaks = levels.leak_rate() * 100.0;
        check("the share of confidential texts judged public", leaks <= bound, leaks, bound);
    }
    if let Some(bound) = arguments.fail_accuracy {
        let accuracy = levels.accuracy() * 100.0;
        check("accuracy of levels", accuracy >= bound, accuracy, bound);
    }
    Ok(if passed { Exit::Done } else { Exit::CheckFailed })
}
