//! `cordon eval`: the detectors and the policy against labelled texts, as a table or JSON.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comfy_table::CellAlignment;
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::classify::{Classifier, NerMode, Query};
use crate::document::{CodePoints, Document};
use crate::eval::{Gold, GoldFile, LevelScores, Prediction, Span, SpanScores, score};
use crate::policy::Sensitivity;
use crate::service::ANONYMOUS;
use crate::startup;

use super::{CommandResult, Common, Exit, Failure, output};

/// Scores below this count as no finding, here as in the default policy.
const MIN_SCORE: f32 = 0.4;

/// Arguments of `eval`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files of labelled texts, or folders with such files (`*.jsonl`).
    #[arg(long = "gold", value_name = "PATH", required = true, num_args = 1..)]
    gold: Vec<PathBuf>,
    /// Findings with a lower score do not count.
    #[arg(long, default_value_t = MIN_SCORE, value_name = "SCORE")]
    min_score: f32,
    /// Write the predictions as JSON lines into this folder, a file for each set.
    #[arg(long, value_name = "DIR")]
    predictions: Option<PathBuf>,
    /// Print every class of every set.
    #[arg(long)]
    by_class: bool,
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

/// The result of one set.
#[derive(Debug, Serialize)]
struct Report {
    set: String,
    texts: usize,
    spans: Option<SpanScores>,
    levels: Option<LevelScores>,
    seconds: f64,
    texts_per_second: f64,
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    let files = files(&arguments.gold)?;
    let config = common.load()?;
    let runtime = super::runtime()?;
    runtime.block_on(async {
        let classifier = Arc::new(startup::classifier(&config)?);
        let mut reports = Vec::with_capacity(files.len());
        let mut together = GoldFile { name: "all".into(), texts: Vec::new(), annotated: Default::default() };
        let mut predictions = Vec::new();
        for file in files {
            let started = Instant::now();
            let found = predict(&classifier, &file, arguments.min_score).await;
            if let Some(folder) = &arguments.predictions {
                write_predictions(folder, &file, &found)?;
            }
            reports.push(report(&file, &found, started.elapsed()));
            together.annotated.extend(file.annotated);
            together.texts.extend(file.texts);
            predictions.extend(found);
        }
        if reports.len() > 1 {
            let seconds = reports.iter().map(|report| report.seconds).sum();
            reports.push(report(&together, &predictions, Duration::from_secs_f64(seconds)));
        }
        classifier.shutdown().await;
        if arguments.json {
            for report in &reports {
                output::json(report)?;
            }
        } else {
            print(&reports, arguments.by_class)?;
        }
        gate(&arguments, reports.last())
    })
}

fn files(paths: &[PathBuf]) -> Result<Vec<GoldFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut inside: Vec<PathBuf> =
                std::fs::read_dir(path)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            inside.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
            inside.sort();
            found.extend(inside);
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        return Err(Failure("there is no *.jsonl file in the folders of --gold".into()));
    }
    found.iter().map(|path| Ok(GoldFile::read(path)?)).collect()
}

async fn predict(classifier: &Arc<Classifier>, file: &GoldFile, min_score: f32) -> Vec<Prediction> {
    let progress = ProgressBar::new(file.texts.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:>24} {bar:40} {pos}/{len} {eta}") {
        progress.set_style(style);
    }
    progress.set_message(file.name.clone());
    let width = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
    // The texts move through by value: a stream of borrows of `file` would not be general enough for the runtime.
    let texts: Vec<Gold> = file.texts.clone();
    let found = futures_util::stream::iter(texts)
        .map(|gold| {
            let classifier = Arc::clone(classifier);
            async move { predict_one(&classifier, gold, min_score).await }
        })
        .buffered(width)
        .inspect(|_| progress.inc(1))
        .collect()
        .await;
    progress.finish_and_clear();
    found
}

async fn predict_one(classifier: &Classifier, gold: Gold, min_score: f32) -> Prediction {
    let document = Arc::new(Document::of(gold.text));
    let query = Query { declared_level: None, ner: NerMode::Always, caller: ANONYMOUS.into() };
    let classified = classifier.classify(&document, &query, Instant::now() + Duration::from_secs(600)).await;
    let text = document.parts().first().map(|part| part.text.expose()).unwrap_or_default();
    let points = CodePoints::of(text);
    let spans = classified.verdict.findings().iter().filter(|finding| finding.score >= min_score).map(|finding| Span {
        start: points.code_point(finding.range.start),
        end: points.code_point(finding.range.end),
        label: classifier.catalog().coarse(finding.entity_type.as_str()).to_owned(),
    });
    Prediction { spans: spans.filter(|span| span.label != "OTHER").collect(), level: Some(classified.verdict.level()) }
}

fn report(file: &GoldFile, predictions: &[Prediction], took: Duration) -> Report {
    let none = Prediction::default();
    let has_spans = file.texts.iter().any(|text| text.spans.is_some());
    let mut levels = LevelScores::default();
    for (gold, prediction) in file.texts.iter().zip(predictions) {
        if let Some(level) = gold.level {
            levels.add(level, prediction.level.unwrap_or(Sensitivity::HIGHEST));
        }
    }
    let seconds = took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a count of texts")]
    let texts_per_second = if seconds > 0.0 { file.texts.len() as f64 / seconds } else { 0.0 };
    Report {
        set: file.name.clone(),
        texts: file.texts.len(),
        spans: has_spans.then(|| score(file, |index| predictions.get(index).unwrap_or(&none))),
        levels: (levels.texts() > 0).then_some(levels),
        seconds,
        texts_per_second,
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.1}", 100.0 * value))
}

fn print(reports: &[Report], by_class: bool) -> Result<(), Failure> {
    let mut table = output::table(&[
        "set",
        "texts",
        "core P",
        "core R",
        "core F1",
        "PERSON F1",
        "docs found",
        "clean flagged",
        "level right",
        "conf→public",
        "conf→internal",
        "public over",
        "texts/s",
    ]);
    for report in reports {
        let spans = report.spans.as_ref();
        let levels = report.levels.as_ref();
        let core = spans.map(|spans| spans.core.overlap).unwrap_or_default();
        let person = spans.and_then(|spans| spans.classes.get("PERSON")).and_then(|class| class.overlap.f1);
        table.add_row([
            report.set.clone(),
            report.texts.to_string(),
            percent(core.precision),
            percent(core.recall),
            percent(core.f1),
            percent(person),
            percent(spans.and_then(|spans| spans.documents.recall())),
            percent(spans.and_then(|spans| spans.documents.false_alarm_rate())),
            percent(levels.map(LevelScores::accuracy)),
            percent(levels.map(LevelScores::leak_rate)),
            percent(levels.map(LevelScores::soft_leak_rate)),
            percent(levels.map(LevelScores::over_rate)),
            format!("{:.0}", report.texts_per_second),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    output::line(table)?;
    if by_class {
        for report in reports {
            let Some(spans) = &report.spans else { continue };
            output::line(format_args!("\n{}", report.set))?;
            let mut table = output::table(&["class", "gold", "found", "exact F1", "P", "R", "F1"]);
            for (class, scores) in &spans.classes {
                table.add_row([
                    class.clone(),
                    scores.gold.to_string(),
                    scores.predicted.to_string(),
                    percent(scores.exact.f1),
                    percent(scores.overlap.precision),
                    percent(scores.overlap.recall),
                    percent(scores.overlap.f1),
                ]);
            }
            output::line(table)?;
        }
    }
    output::note("percent, overlap of at least half; `docs found` and `clean flagged` are whole documents");
    Ok(())
}

fn write_predictions(folder: &PathBuf, file: &GoldFile, predictions: &[Prediction]) -> Result<(), Failure> {
    use std::io::Write as _;
    std::fs::create_dir_all(folder)?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(folder.join(format!("{}.jsonl", file.name)))?);
    for (gold, prediction) in file.texts.iter().zip(predictions) {
        let spans: Vec<_> = prediction
            .spans
            .iter()
            .map(|span| serde_json::json!({"start": span.start, "end": span.end, "label": span.label}))
            .collect();
        serde_json::to_writer(
            &mut out,
            &serde_json::json!({"id": gold.id, "level": prediction.level, "spans": spans}),
        )?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Compares the last line with the bounds that were asked for.
fn gate(arguments: &Arguments, last: Option<&Report>) -> CommandResult {
    let Some(report) = last else { return Ok(Exit::Done) };
    let core = report.spans.as_ref().and_then(|spans| spans.core.overlap.f1).unwrap_or(0.0) * 100.0;
    let levels = report.levels.unwrap_or_default();
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
