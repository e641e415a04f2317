//! `cordon calibrate escalation`: asks a local backend prompts with accepted answers, fits the formula of its confidence,
//! and chooses the threshold under which an answer is not sure enough.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use crate::dispatch::{
    Accepted, AcceptedPrompt, Backends, Band, EscalationCalibration, Fitted, Observed, Pick, Picked, fit, rehearse,
};

use super::super::eval::table;
use super::super::{CommandResult, Common, Exit, Failure, output};
use super::write;

/// Fewer answers say nothing about three weights.
const FEWEST: usize = 40;

/// Arguments of `calibrate escalation`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Escalation {
    /// File of prompts, one JSON object a line: `id`, `prompt`, `accepted`, and `match`, which is contains (the default),
    /// equal or regex.
    #[arg(long, value_name = "FILE")]
    prompts: PathBuf,
    /// Name of the local backend in the configuration.
    #[arg(long, value_name = "NAME")]
    backend: String,
    /// The share of the requests that may escalate, from 0 to 1; 0.2 when nothing is chosen.
    #[arg(long, value_name = "SHARE", group = "pick")]
    share: Option<f64>,
    /// The share of the answers that stay which must be accepted, from 0 to 1.
    #[arg(long, value_name = "SHARE", group = "pick")]
    accept: Option<f64>,
    /// What one escalation costs, as a share of what an accepted answer is worth.
    #[arg(long, value_name = "SHARE", group = "pick")]
    cost: Option<f64>,
    /// With --cost: the share of the cloud's answers that are accepted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, requires = "cost")]
    strong: f64,
    /// Tokens after which an answer counts as cut off.
    #[arg(long, value_name = "TOKENS", default_value_t = 256)]
    max_tokens: u32,
    /// Seconds that one answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// Write weights and thresholds into this file, for `[backend.escalation] calibration`.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Write the weak side of what `cordon eval cascade` replays into this file: confidences, tokens, accepted or not; no
    /// text.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    backend: &'a str,
    model: &'a str,
    prompts: usize,
    /// Share of accepted answers.
    accepted: f64,
    /// Answers whose probabilities the backend gave.
    with_probabilities: usize,
    /// Answers with a flaw.
    flawed: usize,
    calibration: EscalationCalibration,
    auc: Option<f64>,
    auc_held_out: Option<f64>,
    auc_early: Option<f64>,
    early_answers: usize,
    picked: Picked,
    bands: &'a [Band],
}

/// A line of `--record`.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    weak: Weak,
}

#[derive(Serialize)]
struct Weak {
    accepted: bool,
    confidence: f64,
    tokens: u64,
}

pub(super) fn run(common: &Common, arguments: &Escalation) -> CommandResult {
    let prompts = prompts(arguments)?;
    let pick = pick(arguments)?;
    let backends = Backends::build(common.load()?.backends)?;
    let Some(backend) = backends.local_named(&arguments.backend) else {
        let names: Vec<&str> = backends.local().iter().map(|backend| &**backend.name()).collect();
        return Err(Failure(match names.as_slice() {
            [] => "the configuration has no local backend; add a [[backend]] and name it by --config".to_owned(),
            names => format!("no local backend `{}`; there are {}", arguments.backend, names.join(", ")),
        }));
    };
    let mut observed = Vec::with_capacity(prompts.len());
    let mut tokens = Vec::with_capacity(prompts.len());
    let progress = ProgressBar::new(prompts.len() as u64);
    super::super::runtime()?.block_on(async {
        for (prompt, accepted) in &prompts {
            let patience = Duration::from_secs(arguments.patience);
            let answer = rehearse(backend, &prompt.prompt, arguments.max_tokens, patience).await?;
            tokens.push(answer.tokens);
            observed.push(Observed {
                id: prompt.id.clone(),
                features: answer.features,
                early: answer.early,
                flaws: answer.flaws,
                accepted: accepted.takes(&answer.text),
            });
            progress.inc(1);
        }
        Ok::<(), Failure>(())
    })?;
    progress.finish_and_clear();
    let fitted = fit(&observed, pick);
    if let Some(path) = &arguments.record {
        let mut file = std::fs::File::create(path)?;
        for (answer, tokens) in observed.iter().zip(&tokens) {
            let confidence = fitted.measure.score(answer.features.as_ref(), answer.flaws.len());
            let weak =
                Weak { accepted: answer.accepted, confidence: (confidence * 1e4).round() / 1e4, tokens: *tokens };
            serde_json::to_writer(&mut file, &Line { id: &answer.id, weak })?;
            file.write_all(b"\n")?;
        }
    }
    let report = report(backend.name(), backend.model(), &observed, &fitted);
    if let Some(path) = &arguments.write {
        write(path, &file_of(&report)?)?;
    }
    if arguments.json {
        output::json(&report)?;
    } else {
        print(&report)?;
        if let Some(path) = &arguments.write {
            output::note(&format!("written to {}; name it in [backend.escalation] calibration", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn prompts(arguments: &Escalation) -> Result<Vec<(AcceptedPrompt, Accepted)>, Failure> {
    let name = arguments.prompts.display();
    let text = std::fs::read_to_string(&arguments.prompts).map_err(|error| Failure(format!("{name}: {error}")))?;
    let (mut prompts, mut ids) = (Vec::new(), HashSet::new());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |problem: String| Failure(format!("{name}, line {}: {problem}", number + 1));
        let prompt: AcceptedPrompt = serde_json::from_str(line)
            .map_err(|_| wrong("no object with `id`, `prompt`, `accepted` and perhaps `match`".to_owned()))?;
        if !ids.insert(prompt.id.clone()) {
            return Err(wrong("the id is there twice".to_owned()));
        }
        let accepted = prompt.compile().map_err(|error| wrong(error.to_string()))?;
        prompts.push((prompt, accepted));
    }
    if prompts.len() < FEWEST {
        return Err(Failure(format!("{name}: {} prompts are too few to fit on; give {FEWEST}", prompts.len())));
    }
    Ok(prompts)
}

fn pick(arguments: &Escalation) -> Result<Pick, Failure> {
    for (name, share) in [
        ("--share", arguments.share),
        ("--accept", arguments.accept),
        ("--cost", arguments.cost),
        ("--strong", Some(arguments.strong)),
    ] {
        if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(Failure(format!("{name} must be from 0 to 1")));
        }
    }
    Ok(match (arguments.accept, arguments.cost) {
        (Some(accept), _) => Pick::Accept(accept),
        (None, Some(cost)) => Pick::Cost { strong: arguments.strong, cost },
        (None, None) => Pick::Share(arguments.share.unwrap_or(0.2)),
    })
}

#[allow(clippy::cast_precision_loss, reason = "numbers of prompts in a file")]
fn report<'a>(backend: &'a str, model: &'a str, observed: &[Observed], fitted: &'a Fitted) -> Report<'a> {
    let count = |wanted: fn(&&Observed) -> bool| observed.iter().filter(wanted).count();
    let measure = &fitted.measure;
    Report {
        backend,
        model,
        prompts: observed.len(),
        accepted: count(|answer| answer.accepted) as f64 / observed.len().max(1) as f64,
        with_probabilities: count(|answer| answer.features.is_some()),
        flawed: count(|answer| !answer.flaws.is_empty()),
        calibration: EscalationCalibration {
            threshold: measure.threshold,
            early_threshold: Some(measure.early_threshold),
            weights: measure.weights,
        },
        auc: fitted.auc,
        auc_held_out: fitted.auc_held_out,
        auc_early: fitted.auc_early,
        early_answers: fitted.early_answers,
        picked: fitted.picked,
        bands: &fitted.bands,
    }
}

fn file_of(report: &Report<'_>) -> Result<String, Failure> {
    let table = toml::to_string(&report.calibration)?;
    Ok(format!(
        "# When an answer of the model `{}` is sure enough: written by `cordon calibrate escalation` from {} prompts; make it\n\
         # anew when the model changes.\n\n{table}",
        report.model.replace(char::is_control, " "),
        report.prompts
    ))
}

fn print(report: &Report<'_>) -> Result<(), Failure> {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let auc = |auc: Option<f64>| auc.map_or_else(|| "–".to_owned(), |auc| format!("{auc:.2}"));
    let row = |band: &Band| {
        vec![
            format!("{:.2} to {:.2}", band.from, band.to),
            band.answers.to_string(),
            percent(band.accepted),
            percent(band.expected),
        ]
    };
    output::line(table(&["score", "answers", "accepted", "expected"], report.bands.iter().map(row).collect()))?;
    let Report { prompts, accepted, with_probabilities, flawed, .. } = report;
    output::line(format_args!(
        "{} ({}): {prompts} answers, {} accepted, {flawed} with a flaw, {with_probabilities} with probabilities",
        report.backend,
        report.model,
        percent(*accepted)
    ))?;
    output::line(format_args!(
        "AUC {} on what was fitted, {} on held-out fifths, {} for the beginnings of {} longer answers",
        auc(report.auc),
        auc(report.auc_held_out),
        auc(report.auc_early),
        report.early_answers
    ))?;
    let Picked { escalated, accepted_escalated, others_escalated, kept_accepted } = report.picked;
    output::line(format_args!(
        "threshold {:.3} (early {:.3}): {} escalate ({} of the accepted, {} of the others); of those that stay {} are accepted",
        report.calibration.threshold,
        report.calibration.early_threshold.unwrap_or(report.calibration.threshold),
        percent(escalated),
        percent(accepted_escalated),
        percent(others_escalated),
        percent(kept_accepted)
    ))?;
    if report.with_probabilities == 0 {
        output::note(
            "the backend gave no log-probabilities, so only flaws can escalate; see logprobs in the configuration",
        );
    }
    Ok(())
}
