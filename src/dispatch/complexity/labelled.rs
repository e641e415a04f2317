//! Labelled prompts: fitting the weights on one half of them and measuring on the other, beside what the length alone
//! would say. The half of a prompt is told by a digest of its id, so that it stays there whatever is added around it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::features::{self, Features};
use super::model::{LABELS, Weights};
use crate::policy::Complexity;

/// A prompt with its label.
#[derive(Clone, Debug, Deserialize)]
pub struct Prompt {
    /// Its name, unique in the file.
    pub id: String,
    /// The prompt.
    pub text: String,
    /// What it asks of a model.
    pub label: Complexity,
}

/// How often each label was taken for each: by true label, then by estimate, both from simple to complex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion(pub [[u32; 3]; 3]);

/// What an estimator is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// On the prompts that it was fitted on.
    pub fitted: Confusion,
    /// On the others.
    pub held_out: Confusion,
    /// What the best two limits of length on the fitted prompts make of the others.
    pub held_out_by_length: Confusion,
}

impl Confusion {
    fn of(pairs: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut counts = Self::default();
        for (label, estimate) in pairs {
            counts.0.get_mut(label).and_then(|row| row.get_mut(estimate)).into_iter().for_each(|count| *count += 1);
        }
        counts
    }

    /// Share of right estimates, from 0 to 1; 0 of none.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: u32 = (0..3).filter_map(|label| self.0.get(label)?.get(label)).sum();
        let all: u32 = self.0.iter().flatten().sum();
        f64::from(right) / f64::from(all.max(1))
    }

    /// Share of complex prompts that were taken for simple, from 0 to 1: those that a small model would get.
    #[must_use]
    pub fn complex_as_simple(&self) -> f64 {
        let [_, _, complex] = self.0;
        let [missed, ..] = complex;
        f64::from(missed) / f64::from(complex.iter().sum::<u32>().max(1))
    }
}

struct Example {
    features: Features,
    length: usize,
    label: usize,
}

/// Fits weights on the prompts whose id has an even first byte in its SHA-256, and measures them, or the given ones, on
/// the others.
#[must_use]
pub fn measure(prompts: &[Prompt], given: Option<&Weights>) -> (Weights, Measured) {
    let example = |prompt: &Prompt| Example {
        features: features::of(&prompt.text),
        length: prompt.text.chars().count(),
        label: LABELS.iter().position(|label| *label == prompt.label).unwrap_or_default(),
    };
    let (held_out, fitted): (Vec<&Prompt>, Vec<&Prompt>) = prompts.iter().partition(|prompt| is_held_out(&prompt.id));
    let fitted: Vec<Example> = fitted.into_iter().map(example).collect();
    let held_out: Vec<Example> = held_out.into_iter().map(example).collect();
    let weights = given.cloned().unwrap_or_else(|| {
        Weights::fit(&fitted.iter().map(|example| (example.features, example.label)).collect::<Vec<_>>())
    });
    let judge = |example: &Example| {
        let (judged, _) = weights.judge(&example.features);
        (example.label, LABELS.iter().position(|label| *label == judged).unwrap_or_default())
    };
    let limits = limits(&fitted);
    let measured = Measured {
        fitted: Confusion::of(fitted.iter().map(judge)),
        held_out: Confusion::of(held_out.iter().map(judge)),
        held_out_by_length: Confusion::of(held_out.iter().map(|example| (example.label, by_length(example, limits)))),
    };
    (weights, measured)
}

fn is_held_out(id: &str) -> bool {
    Sha256::digest(id.as_bytes()).first().is_some_and(|byte| byte % 2 == 1)
}

fn by_length(example: &Example, (moderate, complex): (usize, usize)) -> usize {
    usize::from(example.length >= moderate) + usize::from(example.length >= complex)
}

/// The two limits of length that are right most often.
fn limits(examples: &[Example]) -> (usize, usize) {
    let mut lengths: Vec<usize> = examples.iter().map(|example| example.length).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let right = |limits| examples.iter().filter(|example| by_length(example, limits) == example.label).count();
    let pairs = lengths.iter().flat_map(|first| lengths.iter().map(move |second| (*first, *second)));
    pairs.filter(|(first, second)| first <= second).max_by_key(|limits| right(*limits)).unwrap_or((0, 0))
}
