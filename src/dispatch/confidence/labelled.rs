//! Fitting the formula to answers of which it is known whether they were accepted, and choosing the threshold. The same
//! answers give the same numbers: the descent starts at zero and has a fixed length, and folds are told by a digest of
//! the id.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::formula::{Features, Measure, Weights};

/// Strength of the pull towards zero, on the sum of squares of the weights of standardised features.
const PULL: f64 = 1.0;
/// Steps of the descent and their length; the sums are convex, so these only need to suffice.
const STEPS: usize = 4_000;
const LENGTH: f64 = 0.5;
/// Parts of the cross-validation.
const FOLDS: u8 = 5;
/// Bands of the table.
const BANDS: usize = 5;
/// Threshold of a backend that is to escalate nothing but flaws.
const NOTHING: f64 = 0.0;

/// One answer of the model that is measured.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Name of the prompt; unique.
    pub id: String,
    /// Of the whole answer; `None` without log-probabilities.
    pub features: Option<Features>,
    /// Of the part that a caller who streams waits for; `None` if the answer was whole by then.
    pub early: Option<Features>,
    /// Flaws of the whole answer.
    pub flaws: Vec<&'static str>,
    /// Whether it was accepted.
    pub accepted: bool,
}

/// How the threshold is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pick {
    /// At most this share of the requests may escalate, those with a flaw counted first.
    Share(f64),
    /// At least this share of the answers that stay is accepted, with as few escalations as that takes.
    Accept(f64),
    /// The most accepted answers less what they cost: an escalation is accepted with the first probability, and costs as
    /// much as the second share of an accepted answer is worth.
    Cost {
        /// Share of the strong model's answers that are accepted.
        strong: f64,
        /// Worth of what one escalation costs, in accepted answers.
        cost: f64,
    },
}

/// Answers with neighbouring scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Lowest score.
    pub from: f64,
    /// Highest score.
    pub to: f64,
    /// Answers.
    pub answers: usize,
    /// Share of them that was accepted.
    pub accepted: f64,
    /// Mean score: equal to `accepted` if the score means what it says.
    pub expected: f64,
}

/// What a threshold comes to on the answers it was chosen on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Picked {
    /// Share of the requests that escalate.
    pub escalated: f64,
    /// Share of the accepted answers that escalate all the same.
    pub accepted_escalated: f64,
    /// Share of the others that escalate.
    pub others_escalated: f64,
    /// Share of accepted answers among those that stay.
    pub kept_accepted: f64,
}

/// What fitting found.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Weights and thresholds.
    pub measure: Measure,
    /// Chance that an accepted answer has a higher score than another, on the answers that were fitted; one half is
    /// worth nothing. `None` if all were accepted, or none.
    pub auc: Option<f64>,
    /// The same with weights fitted on the other folds.
    pub auc_held_out: Option<f64>,
    /// The same for the beginnings of the answers that are longer than the hold-back.
    pub auc_early: Option<f64>,
    /// Beginnings that this rests on.
    pub early_answers: usize,
    /// The table.
    pub bands: Vec<Band>,
    /// What the threshold comes to.
    pub picked: Picked,
}

/// Fits weights and chooses the thresholds.
#[must_use]
pub fn fit(observed: &[Observed], pick: Pick) -> Fitted {
    let weights = fit_weights(observed.iter().filter_map(example));
    let mut measure = Measure { weights, threshold: NOTHING, early_threshold: NOTHING };
    let scored = |measure: &Measure| -> Vec<(f64, bool)> {
        observed
            .iter()
            .map(|answer| (measure.score(answer.features.as_ref(), answer.flaws.len()), answer.accepted))
            .collect()
    };
    measure.threshold = threshold(observed, &measure, pick);
    let early: Vec<(f64, bool)> = observed
        .iter()
        .filter(|answer| answer.flaws.is_empty())
        .filter_map(|answer| Some((weights.probability(&answer.early?), answer.accepted)))
        .collect();
    measure.early_threshold = early_threshold(observed, &measure);
    let all = scored(&measure);
    Fitted {
        auc: auc(&all),
        auc_held_out: held_out(observed),
        auc_early: auc(&early),
        early_answers: early.len(),
        bands: bands(all),
        picked: picked(observed, &measure),
        measure,
    }
}

fn example(answer: &Observed) -> Option<(Features, bool)> {
    answer.flaws.is_empty().then_some(())?;
    Some((answer.features?, answer.accepted))
}

/// Logistic regression by projected gradient descent on standardised features.
fn fit_weights(examples: impl Iterator<Item = (Features, bool)>) -> Weights {
    let examples: Vec<([f64; 3], bool)> = examples.map(|(features, accepted)| (features.array(), accepted)).collect();
    let count = examples.len().max(1) as f64;
    let mut usual = [0.0; 3];
    let mut spread = [0.0; 3];
    for (values, _) in &examples {
        usual.iter_mut().zip(values).for_each(|(usual, value)| *usual += value / count);
    }
    for (values, _) in &examples {
        let parts = spread.iter_mut().zip(values.iter().zip(&usual));
        parts.for_each(|(spread, (value, usual))| *spread += (value - usual).powi(2) / count);
    }
    // A feature that never differs says nothing.
    let spread = spread.map(|variance| if variance > 1e-9 { variance.sqrt() } else { f64::INFINITY });
    let (mut bias, mut weights) = (0.0, [0.0_f64; 3]);
    for _ in 0..STEPS {
        let (mut bias_slope, mut slopes) = (0.0, [0.0; 3]);
        for (values, accepted) in &examples {
            let mut standard = *values;
            standard
                .iter_mut()
                .zip(usual.iter().zip(&spread))
                .for_each(|(v, (usual, spread))| *v = (*v - usual) / spread);
            let sum = bias + standard.iter().zip(&weights).map(|(value, weight)| value * weight).sum::<f64>();
            let wrong = 1.0 / (1.0 + (-sum).exp()) - f64::from(u8::from(*accepted));
            bias_slope += wrong;
            slopes.iter_mut().zip(standard).for_each(|(slope, value)| *slope += wrong * value);
        }
        bias -= LENGTH * bias_slope / count;
        weights.iter_mut().zip(slopes).for_each(|(weight, slope)| *weight -= LENGTH * (slope + PULL * *weight) / count);
        // A less probable answer is never a better one.
        let [mean, window, margins] = weights;
        weights = [mean.max(0.0), window.max(0.0), margins.min(0.0)];
    }
    let mut raw = weights;
    raw.iter_mut().zip(spread).for_each(|(weight, spread)| *weight /= spread);
    let [mean, window, margins] = raw.map(rounded);
    let [usual_mean, usual_window, usual_margins] = usual.map(rounded);
    Weights {
        bias: rounded(bias),
        mean,
        window,
        margins,
        usual: Features { mean: usual_mean, window: usual_window, margins: usual_margins },
    }
}

/// Thousandths suffice, and make the file readable. Zero has no sign.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0 + 0.0
}

fn is_low(answer: &Observed, measure: &Measure, threshold: f64) -> bool {
    !answer.flaws.is_empty()
        || answer.features.is_some_and(|features| measure.weights.probability(&features) < threshold)
}

/// Of all thresholds that make a difference, the one that the pick asks for.
fn threshold(observed: &[Observed], measure: &Measure, pick: Pick) -> f64 {
    let mut scores: Vec<f64> =
        observed.iter().filter_map(|answer| Some(measure.weights.probability(&answer.features?))).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    // Between two scores, so that rounding moves no answer over the limit.
    let between = scores.iter().zip(scores.iter().skip(1)).map(|(one, two)| f64::midpoint(*one, *two));
    let highest = scores.last().map(|highest| (highest + 1e-3).min(1.0));
    let candidates: Vec<f64> = std::iter::once(NOTHING).chain(between).chain(highest).collect();
    let of = |limit: f64| picked(observed, &Measure { threshold: limit, ..*measure });
    let chosen = match pick {
        Pick::Share(share) => candidates.into_iter().filter(|limit| of(*limit).escalated <= share).reduce(f64::max),
        Pick::Accept(wanted) => candidates.into_iter().find(|limit| of(*limit).kept_accepted >= wanted),
        Pick::Cost { strong, cost } => {
            let worth = |limit: &f64| {
                let picked = of(*limit);
                (1.0 - picked.escalated) * picked.kept_accepted + picked.escalated * (strong - cost)
            };
            // The lowest of equals: fewer escalations.
            candidates.into_iter().rev().max_by(|one, two| worth(one).total_cmp(&worth(two)))
        }
    };
    rounded(chosen.unwrap_or(NOTHING))
}

/// The threshold for beginnings that makes as many of them low as of the same answers when they are whole.
fn early_threshold(observed: &[Observed], measure: &Measure) -> f64 {
    let longer: Vec<&Observed> =
        observed.iter().filter(|answer| answer.early.is_some() && answer.flaws.is_empty()).collect();
    let low = longer.iter().filter(|answer| is_low(answer, measure, measure.threshold)).count();
    let mut scores: Vec<f64> =
        longer.iter().filter_map(|answer| Some(measure.weights.probability(&answer.early?))).collect();
    scores.sort_by(f64::total_cmp);
    match (scores.get(low.wrapping_sub(1)), scores.get(low)) {
        _ if scores.is_empty() || measure.threshold == NOTHING => measure.threshold,
        (Some(below), Some(above)) => rounded(f64::midpoint(*below, *above)),
        // None, or all of them.
        (None, Some(lowest)) => rounded(lowest.min(measure.threshold)),
        (_, None) => rounded(scores.last().copied().unwrap_or(NOTHING).max(measure.threshold)),
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of answers in a file")]
fn picked(observed: &[Observed], measure: &Measure) -> Picked {
    let count = |wanted: &dyn Fn(&Observed) -> bool| observed.iter().filter(|answer| wanted(answer)).count() as f64;
    let low = |answer: &Observed| is_low(answer, measure, measure.threshold);
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let kept = count(&|answer| !low(answer));
    Picked {
        escalated: share(count(&low), observed.len() as f64),
        accepted_escalated: share(count(&|answer| answer.accepted && low(answer)), count(&|answer| answer.accepted)),
        others_escalated: share(count(&|answer| !answer.accepted && low(answer)), count(&|answer| !answer.accepted)),
        // Of no answers, none is wrong.
        kept_accepted: if kept > 0.0 { count(&|answer| answer.accepted && !low(answer)) / kept } else { 1.0 },
    }
}

/// Chance that an accepted answer has the higher score.
pub(super) fn auc(scored: &[(f64, bool)]) -> Option<f64> {
    let of = |wanted: bool| scored.iter().filter(move |(_, accepted)| *accepted == wanted).map(|(score, _)| *score);
    let pairs = of(true).flat_map(|good| of(false).map(move |bad| (good, bad)));
    let (wins, all) = pairs.fold((0.0, 0_u64), |(wins, all), (good, bad)| {
        let win = match good.total_cmp(&bad) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        (wins + win, all + 1)
    });
    #[allow(clippy::cast_precision_loss, reason = "pairs of answers in a file")]
    (all > 0).then(|| wins / all as f64)
}

/// The mean over the folds of the AUC under weights of the other folds: scores of different weights are not compared.
fn held_out(observed: &[Observed]) -> Option<f64> {
    let fold = |answer: &Observed| Sha256::digest(answer.id.as_bytes()).first().copied().unwrap_or(0) % FOLDS;
    let of_fold = (0..FOLDS).filter_map(|held| {
        let weights = fit_weights(observed.iter().filter(|answer| fold(answer) != held).filter_map(example));
        let measure = Measure { weights, threshold: NOTHING, early_threshold: NOTHING };
        let scored: Vec<(f64, bool)> = observed
            .iter()
            .filter(|answer| fold(answer) == held)
            .map(|answer| (measure.score(answer.features.as_ref(), answer.flaws.len()), answer.accepted))
            .collect();
        auc(&scored)
    });
    let of_fold: Vec<f64> = of_fold.collect();
    (!of_fold.is_empty()).then(|| of_fold.iter().sum::<f64>() / of_fold.len() as f64)
}

#[allow(clippy::cast_precision_loss, reason = "numbers of answers in a file")]
fn bands(mut scored: Vec<(f64, bool)>) -> Vec<Band> {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = scored.len().div_ceil(BANDS).max(1);
    let band = |answers: &[(f64, bool)]| Band {
        from: answers.first().map_or(0.0, |first| first.0),
        to: answers.last().map_or(0.0, |last| last.0),
        answers: answers.len(),
        accepted: answers.iter().filter(|(_, accepted)| *accepted).count() as f64 / answers.len().max(1) as f64,
        expected: answers.iter().map(|(score, _)| score).sum::<f64>() / answers.len().max(1) as f64,
    };
    scored.chunks(size).map(band).collect()
}
