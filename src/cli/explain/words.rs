//! What the model says of each word of a span, sure or not: its likeliest labels with their probabilities. It tells who
//! asks why a name was missed how near the model came to it.

use std::fmt::Write as _;

use serde::Serialize;

use super::DIM;
use super::marked::quoted;

/// Words that are shown; JSON has all.
const WORDS: usize = 8;
/// Least probability of a label that is shown.
const LEAST_SHOWN: f32 = 0.015;
/// Probability from which a word is surely nothing.
const SURELY_NOTHING: f32 = 0.97;
/// By so much a score is clearly not the model's own.
const CLEARLY: f32 = 0.05;

/// What the model says about one word.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::cli) struct Word {
    pub(in crate::cli) start: u64,
    pub(in crate::cli) end: u64,
    /// Its likeliest labels, the likeliest first.
    pub(in crate::cli) labels: Vec<Label>,
    /// Probability that it is nothing that the model knows.
    pub(in crate::cli) nothing: f32,
}

/// A label of the model with its probability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::cli) struct Label {
    pub(in crate::cli) label: String,
    pub(in crate::cli) probability: f32,
}

impl Word {
    /// The labels with their probabilities, the likeliest first, behind the word.
    fn shown(&self, text: &[char]) -> String {
        let mut all: Vec<(f32, &str)> = self.labels.iter().map(|l| (l.probability, l.label.as_str())).collect();
        all.push((self.nothing, "nothing"));
        all.retain(|(probability, _)| *probability >= LEAST_SHOWN);
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let percent = |(probability, label): &(f32, &str)| format!("{label} {:.0} %", probability * 100.0);
        let all: Vec<String> = all.iter().map(percent).collect();
        format!("{} {}", quoted(text, self.start, self.end), all.join(", "))
    }

    /// Whether it is more than a mark.
    fn is_word(&self, text: &[char]) -> bool {
        let index = |point: u64| usize::try_from(point).unwrap_or(usize::MAX);
        text.get(index(self.start)..index(self.end)).is_some_and(|word| word.iter().any(|c| c.is_alphanumeric()))
    }
}

/// A line about the words, and one if `score`, the highest of what is found in them, is not the model's alone. Of words
/// that are nothing it speaks where `answered` says that something else was told.
pub(super) fn words(out: &mut String, all: &[Word], text: &[char], answered: bool, score: f32) {
    let words: Vec<&Word> = all.iter().filter(|word| word.is_word(text)).collect();
    if words.iter().all(|word| word.nothing >= SURELY_NOTHING) {
        if answered && !words.is_empty() {
            let _ = writeln!(out, "  {DIM}The model takes no word here for anything that it knows.{DIM:#}");
        }
        return;
    }
    let shown: Vec<String> = words.iter().take(WORDS).map(|word| word.shown(text)).collect();
    let more = if words.len() > WORDS { "; --json has the other words" } else { "" };
    let _ = writeln!(out, "  {DIM}What the model says of each word: {}{more}{DIM:#}", shown.join("; "));
    let most = words.iter().map(|word| 1.0 - word.nothing).fold(0.0, f32::max);
    if score > most + CLEARLY {
        let why = "a list of names, or a sure name beside it, speaks for it";
        let _ = writeln!(out, "  {DIM}The score is higher than the model's own: {why}.{DIM:#}");
    }
}
