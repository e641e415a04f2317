//! The tables of `cordon eval`: one line a set within 120 columns, then what was asked for beside it. All figures are
//! percent unless the heading says otherwise.

use comfy_table::{CellAlignment, Table, presets};

use crate::eval::{Difference, Interval, LEVELS, LevelScores, Reliability};
use crate::policy::Sensitivity;

use super::super::{Failure, output};
use super::Arguments;
use super::report::{Levels, Report};

const LEGEND: &str = "\
percent; a finding is right, and a gold span found, when at least half of it is covered by its class
P R F1: the core classes (personal data and secrets) · PERS: F1 of people · DOC: texts with personal data that were flagged
CLEAN: texts without that were flagged · LEVEL: right levels · C>P C>I I>P: confidential judged public, confidential
judged internal, internal judged public · P^: public judged higher · ECE: distance of scores from measured precision
/s KB/s: texts and kilobytes a second; --details prints classes, scores and levels";

/// `versus` is the name of the model that is compared with.
pub(super) fn all(reports: &[Report], versus: Option<&str>, arguments: &Arguments) -> Result<(), Failure> {
    match versus {
        Some(name) => side_by_side(reports, name)?,
        None => summary(reports)?,
    }
    if arguments.by_class || arguments.details {
        for report in reports {
            by_class(report)?;
        }
    }
    if arguments.calibration || arguments.details {
        for report in reports {
            calibration(report)?;
        }
    }
    if arguments.confusion || arguments.details {
        for report in reports {
            confusion(report)?;
        }
    }
    for report in reports {
        comparison(report)?;
    }
    output::note(LEGEND);
    if let Some(by) = reports.last().and_then(|report| report.calibration.as_ref()) {
        output::note(&format!("scores calibrated by: {} {}", by.origin, by.digest));
    }
    Ok(())
}

/// A table with one line a row, tight enough for many columns; all but the first are numbers.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = output::table(headings);
    let mut style = presets::UTF8_HORIZONTAL_ONLY;
    style.row_separator = presets::NOTHING.row_separator;
    table.load_style(style);
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((u16::from(index > 0), 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(crate) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{:.1}", 100.0 * value))
}

const HEADINGS: [&str; 16] =
    ["set", "texts", "P", "R", "F1", "PERS", "DOC", "CLEAN", "LEVEL", "C>P", "C>I", "I>P", "P^", "ECE", "/s", "KB/s"];

fn summary(reports: &[Report]) -> Result<(), Failure> {
    let row = |report: &Report| std::iter::once(report.set.clone()).chain(figures(report)).collect();
    tight(&HEADINGS, reports.iter().map(row).collect())
}

/// Two lines a set: this run's model, and the other one.
fn side_by_side(reports: &[Report], name: &str) -> Result<(), Failure> {
    let mut headings = HEADINGS.to_vec();
    headings.insert(1, "model");
    let line = |set: &str, model: &str, report: &Report| {
        [set.to_owned(), model.to_owned()].into_iter().chain(figures(report)).collect::<Vec<String>>()
    };
    let rows = reports.iter().flat_map(|report| {
        let other = report.other.as_deref().map(|other| line("", name, other));
        std::iter::once(line(&report.set, "this", report)).chain(other)
    });
    tight(&headings, rows.collect())
}

/// What the summary says of a set.
fn figures(report: &Report) -> [String; HEADINGS.len() - 1] {
    let spans = report.spans.as_ref();
    let levels = report.levels.as_ref().map(|levels| &levels.scores);
    let core = spans.map(|spans| spans.core.overlap).unwrap_or_default();
    let person = spans.and_then(|spans| spans.classes.get("PERSON")).and_then(|class| class.overlap.f1);
    [
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
        percent(levels.map(|levels| levels.rate(Sensitivity::Internal, Sensitivity::Public))),
        percent(levels.map(LevelScores::over_rate)),
        percent(report.reliability.as_ref().map(|reliability| reliability.ece)),
        format!("{:.0}", report.texts_per_second),
        format!("{:.0}", report.kilobytes_per_second),
    ]
}

fn tight(headings: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
    let mut table = table(headings, rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    Ok(output::line(table)?)
}

fn by_class(report: &Report) -> Result<(), Failure> {
    let Some(spans) = &report.spans else { return Ok(()) };
    let headings = ["class", "gold", "found", "exact P", "exact R", "exact F1", "P", "R", "F1"];
    let totals = [("CORE", &spans.core), ("ALL", &spans.all)];
    let classes = spans.classes.iter().map(|(class, scores)| (class.as_str(), scores)).chain(totals);
    let row = |(class, scores): (&str, &crate::eval::ClassScores)| {
        let rates = [scores.exact, scores.overlap];
        let rates = rates.iter().flat_map(|rates| [rates.precision, rates.recall, rates.f1]).map(percent);
        [class.to_owned(), scores.gold.to_string(), scores.predicted.to_string()].into_iter().chain(rates).collect()
    };
    output::line(format_args!("\n{}: classes", report.set))?;
    output::line(table(&headings, classes.map(row).collect()))?;
    output::line(format_args!(
        "characters: recall {}, precision {}",
        percent(spans.character_recall),
        percent(spans.character_precision)
    ))?;
    Ok(())
}

fn calibration(report: &Report) -> Result<(), Failure> {
    let Some(reliability) = &report.reliability else { return Ok(()) };
    output::line(format_args!("\n{}: scores", report.set))?;
    output::line(reliability_table(reliability))?;
    output::line(error_line(reliability))?;
    if let Some(by) = &report.calibration {
        output::line(format_args!("calibration: {} {}", by.origin, by.digest))?;
    }
    Ok(())
}

/// What each step of likelihood promises, and what is true.
pub(crate) fn reliability_table(reliability: &Reliability) -> Table {
    let row = |step: &crate::eval::Step| {
        let name = format!("{:?}", step.likelihood);
        vec![name, step.findings.to_string(), percent(Some(step.mean_score)), percent(Some(step.precision))]
    };
    table(&["likelihood", "findings", "mean score", "precision"], reliability.steps.iter().map(row).collect())
}

/// The error with its interval, and the scores that need no bins.
pub(crate) fn error_line(reliability: &Reliability) -> String {
    format!(
        "ECE {}{} over {} findings; Brier {:.4}, log loss {:.4}",
        percent(Some(reliability.ece)),
        interval(reliability.interval),
        reliability.findings,
        reliability.brier,
        reliability.log_loss
    )
}

fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |at| format!(" [{}, {}]", percent(Some(at.low)), percent(Some(at.high))))
}

fn confusion(report: &Report) -> Result<(), Failure> {
    let Some(Levels { scores, .. }) = &report.levels else { return Ok(()) };
    let row = |gold: &Sensitivity| {
        let cells = LEVELS.iter().map(|predicted| scores.count(*gold, *predicted));
        let missing = scores.total(*gold) - cells.clone().sum::<u64>();
        let numbers = cells.chain([missing, scores.total(*gold)]).map(|count| count.to_string());
        std::iter::once(gold.to_string()).chain(numbers).collect()
    };
    output::line(format_args!("\n{}: levels, gold by line", report.set))?;
    let headings = ["", "public", "internal", "confidential", "missing", "all"];
    Ok(output::line(table(&headings, LEVELS.iter().map(row).collect()))?)
}

fn comparison(report: &Report) -> Result<(), Failure> {
    let Some(comparison) = &report.comparison else { return Ok(()) };
    let row = |difference: &Difference| {
        let mark = match difference.better() {
            Some(true) => "better",
            Some(false) => "worse",
            None => "",
        };
        let interval = difference
            .interval
            .map_or_else(|| "–".to_owned(), |at| format!("{:+.1} to {:+.1}", 100.0 * at.low, 100.0 * at.high));
        vec![
            difference.measured.as_str().to_owned(),
            percent(Some(difference.this)),
            percent(Some(difference.other)),
            format!("{:+.1}", 100.0 * difference.difference),
            interval,
            mark.to_owned(),
        ]
    };
    output::line(format_args!("\n{}: this run and the other", report.set))?;
    let headings = ["measure", "this", "other", "difference", "95 % interval", ""];
    output::line(table(&headings, comparison.differences.iter().map(row).collect()))?;
    if comparison.missing > 0 {
        output::note(&format!("the other has no line for {} texts of {}", comparison.missing, report.set));
    }
    Ok(())
}
