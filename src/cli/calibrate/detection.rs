//! `cordon calibrate detection`: fits the scores of the detectors to the precision that was measured.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::Provenance;
use crate::classify::{Classified, Classifier};
use crate::detect::{Calibration, CalibrationChoice, CalibrationFile, Entry, Fitted, HeldOut, SetCount};
use crate::document::CodePoints;
use crate::eval::{
    Bootstrap, Gold, GoldFile, Interval, Observation, Outcomes, PSEUDO_OBSERVATIONS, Reliability, Scorer, Span, fit,
};
use crate::startup;

use super::super::eval::{MIN_SCORE, answers, error_line, files, reliability_table, table};
use super::super::{CommandResult, Common, Exit, Failure, output, runtime};
use super::write;

const HEADER: &str = "\
# Measured precision by raw score. Written by `cordon calibrate detection`; make it anew instead of editing it.
# A map holds for a detector, for one of its coarse classes, or for one entity type: the narrowest counts.
";

/// Arguments of `calibrate detection`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Detection {
    /// Files of labelled texts, or folders with such files (`*.jsonl`).
    #[arg(long = "gold", value_name = "PATH", required = true, num_args = 1..)]
    gold: Vec<PathBuf>,
    /// Write the table into this file.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Draws of the bootstrap behind each interval.
    #[arg(long, default_value_t = Bootstrap::default().resamples, value_name = "N")]
    resamples: usize,
    /// Seed of the draws.
    #[arg(long, default_value_t = Bootstrap::default().seed, value_name = "N")]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report {
    fitted: Fitted,
    maps: usize,
    before: Option<Reliability>,
    after: Option<Reliability>,
    digest: String,
    written: Option<PathBuf>,
}

pub(super) fn run(common: &Common, arguments: &Detection) -> CommandResult {
    let sets = files(&arguments.gold)?;
    let mut config = common.load()?;
    config.calibration = CalibrationChoice::None;
    let runtime = runtime()?;
    runtime.block_on(async {
        let classifier = Arc::new(startup::classifier(&config)?);
        let mut texts = Texts::default();
        for set in &sets {
            texts.add(&classifier, set).await;
        }
        classifier.shutdown().await;
        let report = texts.report(&classifier, arguments)?;
        if arguments.json {
            output::json(&report)?;
        } else {
            print(&report)?;
        }
        Ok(Exit::Done)
    })
}

/// Whether a text belongs to the half that is fitted.
fn is_fitted(id: &str) -> bool {
    blake3::hash(id.as_bytes()).as_bytes().first().is_some_and(|byte| byte % 2 == 0)
}

/// The findings of both halves.
#[derive(Default)]
struct Texts {
    fitted: Vec<Observation>,
    sets: Vec<SetCount>,
    provenance: Provenance,
    /// By text.
    held_out: Vec<Vec<Observation>>,
}

impl Texts {
    async fn add(&mut self, classifier: &Arc<Classifier>, set: &GoldFile) {
        let (scorer, catalog) = (Scorer::new(&set.annotated), Arc::clone(classifier));
        let keep = move |gold: &Gold, classified: &Classified| {
            let points = CodePoints::of(&gold.text);
            let reported: Vec<_> =
                classified.verdict.findings().iter().filter(|finding| finding.score >= MIN_SCORE).collect();
            let catalog = catalog.catalog();
            let spans: Vec<Span> = reported.iter().map(|f| Span::of(f, &points, &catalog)).collect();
            let judged = scorer.judge(gold, &spans);
            let observe = |((finding, span), right): ((&&crate::detect::Finding, Span), Option<bool>)| {
                Some(Observation {
                    detector: finding.detector,
                    coarse: span.label,
                    entity_type: finding.entity_type.clone(),
                    score: finding.score,
                    right: right?,
                })
            };
            let observations: Vec<Observation> = reported.iter().zip(spans).zip(judged).filter_map(observe).collect();
            (observations, classified.provenance.clone())
        };
        let (found, _) = answers(classifier, set, keep).await;
        let mut count = SetCount { name: set.name.clone(), texts: 0, findings: 0, right: 0 };
        for (gold, (observations, provenance)) in set.texts.iter().zip(found) {
            self.provenance = provenance;
            if is_fitted(&gold.id) {
                count.texts += 1;
                count.findings += observations.len() as u64;
                count.right += observations.iter().filter(|observation| observation.right).count() as u64;
                self.fitted.extend(observations);
            } else {
                self.held_out.push(observations);
            }
        }
        self.sets.push(count);
    }

    /// How reliable the scores of the other half are, each made by `score`.
    fn reliability(&self, bootstrap: Bootstrap, score: impl Fn(&Observation) -> f32) -> Option<Reliability> {
        let outcomes = |observations: &Vec<Observation>| {
            let mut outcomes = Outcomes::default();
            for observation in observations {
                outcomes.add(score(observation), observation.right);
            }
            outcomes
        };
        Outcomes::reliability(&self.held_out.iter().map(outcomes).collect::<Vec<_>>(), bootstrap)
    }

    /// Fits, measures, and writes the file if one is asked for.
    fn report(self, classifier: &Classifier, arguments: &Detection) -> Result<Report, Failure> {
        let bootstrap = Bootstrap { resamples: arguments.resamples, seed: arguments.seed };
        let maps = fit(&self.fitted).map_err(Failure)?;
        if maps.is_empty() {
            return Err(Failure("too few findings could be judged; give more texts with labelled spans".into()));
        }
        let fitted = Fitted {
            date: Timestamp::now().strftime("%Y-%m-%d").to_string(),
            cordon: env!("CARGO_PKG_VERSION").to_owned(),
            catalog: self.provenance.catalog.to_string(),
            model: self.provenance.model.to_string(),
            half: "the first byte of blake3(id) is even".to_owned(),
            sets: self.sets.clone(),
        };
        let calibration = calibration(classifier, file(&maps, None, None))?;
        let before = self.reliability(bootstrap, |o| o.score);
        let after = self.reliability(bootstrap, |o| calibration.score(o.detector, &o.entity_type, o.score));
        let held_out = before.as_ref().zip(after.as_ref()).map(|(before, after)| held_out(before, after));
        let text = text(&file(&maps, Some(fitted.clone()), held_out))?;
        if let Some(path) = &arguments.write {
            write(path, &text)?;
        }
        Ok(Report {
            fitted,
            maps: maps.len(),
            before,
            after,
            digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
            written: arguments.write.clone(),
        })
    }
}

fn file(maps: &[Entry], fitted: Option<Fitted>, held_out: Option<HeldOut>) -> CalibrationFile {
    CalibrationFile {
        format: CalibrationFile::FORMAT,
        pseudo_observations: PSEUDO_OBSERVATIONS,
        fitted,
        held_out,
        maps: maps.to_vec(),
    }
}

fn text(file: &CalibrationFile) -> Result<String, Failure> {
    Ok(format!("{HEADER}{}", file.to_toml()?))
}

/// The table as the service will read it, so that what is measured is what is written.
fn calibration(classifier: &Classifier, file: CalibrationFile) -> Result<Calibration, Failure> {
    let types = classifier.entity_types();
    let types = types.iter().map(|info| (&info.name, info.coarse.as_ref()));
    Ok(Calibration::parse(&text(&file)?, "fitted".into(), types)?)
}

fn held_out(before: &Reliability, after: &Reliability) -> HeldOut {
    let digits = |value: f64| (value * 10_000.0).round() / 10_000.0;
    let bounds = |interval: Option<Interval>| interval.map(|at| [digits(at.low), digits(at.high)]);
    HeldOut {
        findings: before.findings,
        ece_before: digits(before.ece),
        ece_before_interval: bounds(before.interval),
        ece_after: digits(after.ece),
        ece_after_interval: bounds(after.interval),
        log_loss_before: digits(before.log_loss),
        log_loss_after: digits(after.log_loss),
    }
}

fn print(report: &Report) -> Result<(), Failure> {
    let rows =
        |set: &SetCount| [set.name.clone(), set.texts.to_string(), set.findings.to_string(), set.right.to_string()];
    let sets = report.fitted.sets.iter().map(|set| rows(set).to_vec()).collect();
    output::line(table(&["fitted on half of", "texts", "findings", "right"], sets))?;
    for (title, reliability) in [("before", &report.before), ("after", &report.after)] {
        let Some(reliability) = reliability else { continue };
        output::line(format_args!("\nthe other half, {title}"))?;
        output::line(reliability_table(reliability))?;
        output::line(error_line(reliability))?;
    }
    if let Some(path) = &report.written {
        output::line(format_args!("\n{} maps written to {}, digest {}", report.maps, path.display(), report.digest))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_by_the_digest_of_the_id() {
        let even = (0..1000).filter(|n| is_fitted(&format!("text-{n}"))).count();
        assert!((450..=550).contains(&even), "{even}");
        // blake3 of the empty text begins with af, which is odd.
        assert!(!is_fitted(""));
    }

    #[test]
    fn an_old_table_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, "old and longer").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
