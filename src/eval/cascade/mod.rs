//! Replays a cascade on recorded answers of a weak and a strong model: what quality comes of sending the answers that are
//! least sure to the strong one, at every share, beside sending random ones and beside knowing which would gain most. It
//! asks no model and holds no text: the records have qualities and confidences only.

mod svg;

use std::collections::HashSet;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::dispatch::{Judge, Measure, Piece, TokenScore};
use crate::error::Kind;

pub use svg::draw;

/// Points of the table.
const SHARES: [f64; 13] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// One request as it is recorded: a line of JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its name, unique in the file.
    pub id: String,
    /// The local model's answer.
    pub weak: Weak,
    /// The other model's answer.
    pub strong: Strong,
}

/// The weak answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weak {
    /// From 0 to 1; or `accepted`.
    pub quality: Option<f64>,
    /// 1 or 0.
    pub accepted: Option<bool>,
    /// From 0 to 1; or `logprobs`.
    pub confidence: Option<f64>,
    /// For each token its log-probability and how far the next one was behind; the formula makes a confidence of them.
    pub logprobs: Option<Vec<(f64, Option<f64>)>>,
    /// Tokens written.
    #[serde(default)]
    pub tokens: u64,
}

/// The strong answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strong {
    /// From 0 to 1; or `accepted`.
    pub quality: Option<f64>,
    /// 1 or 0.
    pub accepted: Option<bool>,
    /// Tokens written.
    #[serde(default)]
    pub tokens: u64,
}

/// A file that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum CascadeError {
    /// A line is no record.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// It has too few.
    #[error("{0} records are too few to say anything; give at least 10")]
    TooFew(usize),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl CascadeError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }
}

/// One request, ready to replay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Of the weak answer, from 0 to 1.
    pub confidence: f64,
    /// Of the weak answer.
    pub weak: f64,
    /// Of the strong one.
    pub strong: f64,
    /// Tokens that the strong one writes.
    pub strong_tokens: u64,
}

/// Qualities at one share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Share of the requests that escalate.
    pub share: f64,
    /// Highest confidence that escalates: a threshold just above it gives this share.
    pub threshold: f64,
    /// Mean quality when the least sure escalate.
    pub quality: f64,
    /// When as many random ones do.
    pub random: f64,
    /// When those do that gain most.
    pub oracle: f64,
    /// Share of all tokens of the strong model that are asked for.
    pub strong_tokens: f64,
}

/// What came of the replay.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// Requests.
    pub requests: usize,
    /// Mean quality of the weak model alone.
    pub weak: f64,
    /// Mean quality of the strong model alone.
    pub strong: f64,
    /// How much of what the oracle gains over chance the confidence gains: 1 is the oracle, 0 chance. `None` where the
    /// oracle gains nothing.
    pub gain: Option<f64>,
    /// Least share that keeps 95 % of the way from the weak to the strong quality.
    pub share_for_95: Option<f64>,
    /// The table.
    pub steps: Vec<Step>,
    /// The whole curve, one point for each number of escalations from none to all.
    #[serde(skip)]
    pub curve: Vec<Step>,
}

/// Reads a file of records. `measure` makes confidences of log-probabilities.
///
/// # Errors
/// Names the line that is none.
pub fn read(source: impl BufRead, measure: &Measure) -> Result<Vec<Pair>, CascadeError> {
    let (mut pairs, mut ids) = (Vec::new(), HashSet::new());
    for (number, line) in source.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |problem: String| CascadeError::Line { line: number + 1, problem };
        let record: Recorded = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        if !ids.insert(record.id.clone()) {
            return Err(wrong("the id is there twice".to_owned()));
        }
        pairs.push(pair(&record, measure).map_err(|problem| wrong(problem.to_owned()))?);
    }
    if pairs.len() < 10 {
        return Err(CascadeError::TooFew(pairs.len()));
    }
    Ok(pairs)
}

fn pair(record: &Recorded, measure: &Measure) -> Result<Pair, &'static str> {
    let quality = |quality: Option<f64>, accepted: Option<bool>| match (quality, accepted) {
        (Some(quality), None) if (0.0..=1.0).contains(&quality) => Ok(quality),
        (None, Some(accepted)) => Ok(f64::from(u8::from(accepted))),
        _ => Err("give `quality` from 0 to 1, or `accepted`, for each side"),
    };
    let confidence = match (record.weak.confidence, &record.weak.logprobs) {
        (Some(confidence), None) if (0.0..=1.0).contains(&confidence) => confidence,
        (None, Some(logprobs)) => {
            let score = |(own, margin): &(f64, Option<f64>)| TokenScore::new(*own, margin.map(|margin| own - margin));
            let mut judge = Judge::default();
            judge.take(&Piece::Tokens(logprobs.iter().filter_map(score).collect()));
            measure.score(judge.features().as_ref(), 0)
        }
        _ => return Err("give `confidence` from 0 to 1, or `logprobs`, for the weak side"),
    };
    Ok(Pair {
        confidence,
        weak: quality(record.weak.quality, record.weak.accepted)?,
        strong: quality(record.strong.quality, record.strong.accepted)?,
        strong_tokens: record.strong.tokens,
    })
}

/// Replays them.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "numbers of records in a file")]
pub fn replay(pairs: &[Pair]) -> Replay {
    let count = pairs.len().max(1) as f64;
    let mean = |of: fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (weak, strong) = (mean(|pair| pair.weak), mean(|pair| pair.strong));
    let tokens = pairs.iter().map(|pair| pair.strong_tokens).sum::<u64>();
    let mut by_confidence = pairs.to_vec();
    // Equals stay in the order of the file.
    by_confidence.sort_by(|one, two| one.confidence.total_cmp(&two.confidence));
    let mut by_gain: Vec<f64> = pairs.iter().map(|pair| pair.strong - pair.weak).collect();
    by_gain.sort_by(|one, two| two.total_cmp(one));

    let mut curve = Vec::with_capacity(pairs.len() + 1);
    let (mut gained, mut best, mut asked) = (0.0, 0.0, 0_u64);
    let mut threshold = 0.0;
    for number in 0..=pairs.len() {
        let share = number as f64 / count;
        curve.push(Step {
            share,
            threshold,
            quality: weak + gained / count,
            random: weak + share * (strong - weak),
            oracle: weak + best / count,
            strong_tokens: if tokens == 0 { share } else { asked as f64 / tokens as f64 },
        });
        if let (Some(next), Some(gain)) = (by_confidence.get(number), by_gain.get(number)) {
            gained += next.strong - next.weak;
            best += gain;
            asked += next.strong_tokens;
            threshold = next.confidence;
        }
    }
    let area = |of: fn(&Step) -> f64| curve.iter().map(of).sum::<f64>();
    let (chance, oracle) = (area(|step| step.random), area(|step| step.oracle));
    let gain = (oracle - chance > 1e-9).then(|| (area(|step| step.quality) - chance) / (oracle - chance));
    let wanted = weak + 0.95 * (strong - weak);
    let share_for_95 = (strong > weak)
        .then(|| curve.iter().find(|step| step.quality >= wanted - 1e-12))
        .flatten()
        .map(|step| step.share);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the records")]
    let at = |share: &f64| curve.get((share * pairs.len() as f64).round() as usize).copied();
    Replay {
        requests: pairs.len(),
        weak,
        strong,
        gain,
        share_for_95,
        steps: SHARES.iter().filter_map(at).collect(),
        curve,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(confidence: f64, weak: f64, strong: f64) -> Pair {
        Pair { confidence, weak, strong, strong_tokens: 10 }
    }

    #[test]
    fn a_confidence_that_knows_is_the_oracle_and_one_that_lies_is_worse_than_chance() {
        let known: Vec<Pair> =
            (0..20).map(|n| of(if n < 10 { 0.1 } else { 0.9 }, f64::from(u8::from(n >= 10)), 1.0)).collect();
        let replayed = replay(&known);
        assert_eq!((replayed.weak, replayed.strong, replayed.gain), (0.5, 1.0, Some(1.0)));
        assert_eq!(replayed.share_for_95, Some(0.5));
        let half = replayed.steps.iter().find(|step| step.share == 0.5).unwrap();
        assert_eq!((half.quality, half.random, half.oracle, half.strong_tokens), (1.0, 0.75, 1.0, 0.5));
        assert_eq!(half.threshold, 0.1);
        let lying: Vec<Pair> = known.iter().map(|pair| Pair { confidence: 1.0 - pair.confidence, ..*pair }).collect();
        assert!(replay(&lying).gain.unwrap() < -0.9);
    }

    #[test]
    fn a_strong_model_that_is_no_better_gains_nothing() {
        let replayed = replay(&(0..10).map(|n| of(f64::from(n) / 10.0, 1.0, 1.0)).collect::<Vec<_>>());
        assert_eq!((replayed.gain, replayed.share_for_95), (None, None));
    }

    #[test]
    fn records_are_read_and_bad_ones_named() {
        let line =
            |id: &str, weak: &str| format!(r#"{{"id":"{id}","weak":{weak},"strong":{{"quality":0.9,"tokens":7}}}}"#);
        let good: Vec<String> =
            (0..10).map(|n| line(&n.to_string(), r#"{"accepted":true,"confidence":0.5}"#)).collect();
        assert_eq!(read(good.join("\n").as_bytes(), &Measure::default()).unwrap().len(), 10);
        let tokens = line("t", r#"{"quality":0.2,"logprobs":[[-0.1,3.0],[-2.0,null]],"tokens":2}"#);
        let both = [good.clone(), vec![tokens]].concat().join("\n");
        let confidence = read(both.as_bytes(), &Measure::default()).unwrap()[10].confidence;
        assert!((0.0..=1.0).contains(&confidence));
        for bad in [
            line("x", r#"{"confidence":0.5}"#),
            line("x", r#"{"accepted":true}"#),
            line("x", r#"{"accepted":true,"quality":1,"confidence":0.5}"#),
            line("x", r#"{"accepted":true,"confidence":1.5}"#),
            line("0", r#"{"accepted":true,"confidence":0.5}"#),
            "nonsense".to_owned(),
        ] {
            let error = read([good.clone(), vec![bad.clone()]].concat().join("\n").as_bytes(), &Measure::default());
            assert!(matches!(error, Err(CascadeError::Line { line: 11, .. })), "{bad}");
        }
        assert!(matches!(read(good[..3].join("\n").as_bytes(), &Measure::default()), Err(CascadeError::TooFew(3))));
    }

    proptest! {
        #[test]
        fn the_curve_lies_under_the_oracle_and_meets_both_ends(
            pairs in prop::collection::vec((0.0_f64..=1.0, 0.0_f64..=1.0, 0.0_f64..=1.0), 10..60),
        ) {
            let pairs: Vec<Pair> = pairs.into_iter().map(|(c, w, s)| of(c, w, s)).collect();
            let replayed = replay(&pairs);
            let (first, last) = (replayed.curve[0], replayed.curve[pairs.len()]);
            prop_assert!((first.quality - replayed.weak).abs() < 1e-9 && (last.quality - replayed.strong).abs() < 1e-9);
            for step in &replayed.curve {
                prop_assert!(step.quality <= step.oracle + 1e-9);
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&step.quality));
            }
            let picture = draw(&replayed);
            prop_assert!(picture.starts_with("<svg") && !picture.contains("NaN"));
        }
    }
}
