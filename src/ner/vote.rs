//! What the tokens of one word say together: the mean of their probabilities, weighted by their length, and how the first
//! one begins. It knows one word and no neighbour.

use super::labels::LabelSet;
use super::viterbi::Reading;

/// Least probability of a word of several tokens.
const DIVIDED: f32 = 0.45;
/// Least probability of the first piece of such a word. The pieces of a name agree, for the model sees them together;
/// where only the end looks like a name, as in Ser-co, the word is none.
const FIRST_PIECE: f32 = 0.2;
/// Least probability of a word that is remembered as weak; below it the model says nothing.
pub(super) const WEAK: f32 = 0.1;

/// Probabilities of one word while its tokens come in.
pub(super) struct Vote {
    mean: Vec<f32>,
    first: Vec<f32>,
    weight: f32,
    tokens: usize,
    row: Vec<f32>,
}

/// What a word is by itself.
pub(super) struct Choice {
    pub(super) kind: usize,
    pub(super) begins: bool,
    pub(super) score: f32,
    /// Whether the score reaches the threshold of its type.
    pub(super) sure: bool,
}

impl Vote {
    pub(super) fn new(width: usize) -> Self {
        Self { mean: vec![0.0; width], first: vec![0.0; width], weight: 0.0, tokens: 0, row: vec![0.0; width] }
    }

    pub(super) fn clear(&mut self) {
        self.mean.fill(0.0);
        self.weight = 0.0;
        self.tokens = 0;
    }

    pub(super) fn add(&mut self, logits: &[f32], length: usize) {
        softmax(logits, &mut self.row);
        if self.weight == 0.0 {
            self.first.copy_from_slice(&self.row);
        }
        // Several tokens may share the bytes of one character; each still counts.
        let weight = length.max(1) as f32;
        for (sum, probability) in self.mean.iter_mut().zip(&self.row) {
            *sum += probability * weight;
        }
        self.weight += weight;
        self.tokens += 1;
    }

    /// The probability of each kind; `None` for a word without a token.
    pub(super) fn kinds(&self, labels: &LabelSet) -> Option<Vec<f32>> {
        let mut kinds = vec![0.0_f32; labels.kinds.len()];
        for (column, mean) in labels.columns.iter().zip(&self.mean) {
            if let Some(sum) = column.as_ref().and_then(|column| kinds.get_mut(column.kind)) {
                *sum += mean / self.weight;
            }
        }
        (self.weight > 0.0).then_some(kinds)
    }

    /// What the word says, for the search over all words; `None` for a word without a token.
    pub(super) fn reading(&self, labels: &LabelSet) -> Option<Reading> {
        let inside = self.kinds(labels)?;
        let (mut firsts, mut begins) = (vec![0.0_f32; inside.len()], vec![0.0_f32; inside.len()]);
        let mut nothing = 0.0;
        for ((column, mean), first) in labels.columns.iter().zip(&self.mean).zip(&self.first) {
            let Some(column) = column else {
                // A label that is ignored is nothing, too.
                nothing += mean / self.weight;
                continue;
            };
            firsts.get_mut(column.kind).into_iter().for_each(|sum| *sum += first);
            begins.get_mut(column.kind).filter(|_| column.begins).into_iter().for_each(|sum| *sum += first);
        }
        for (begins, sum) in begins.iter_mut().zip(firsts) {
            *begins = if sum > 0.0 { *begins / sum } else { 0.0 };
        }
        Some(Reading { nothing, inside, begins })
    }

    pub(super) fn choose(&self, labels: &LabelSet) -> Option<Choice> {
        if self.weight == 0.0 {
            return None;
        }
        let mut groups = vec![0.0_f32; labels.groups.len()];
        let mut kinds = vec![0.0_f32; labels.kinds.len()];
        let mut begins = vec![0.0_f32; labels.groups.len()];
        let mut firsts = vec![0.0_f32; labels.groups.len()];
        for ((column, mean), first) in labels.columns.iter().zip(&self.mean).zip(&self.first) {
            let Some(column) = column else { continue };
            let Some(kind) = labels.kinds.get(column.kind) else { continue };
            let probability = mean / self.weight;
            if let Some(sum) = groups.get_mut(kind.group) {
                *sum += probability;
            }
            if let Some(sum) = kinds.get_mut(column.kind) {
                *sum += probability;
            }
            if let Some(sum) = firsts.get_mut(kind.group) {
                *sum += first;
            }
            if let Some(sum) = begins.get_mut(kind.group) {
                *sum += if column.begins { *first } else { -*first };
            }
        }
        let (group, score) = greatest(groups.iter().copied().enumerate())?;
        // A word that the model divides needs most of its pieces.
        let least = if self.tokens > 1 { DIVIDED } else { 0.0 };
        let threshold = labels.groups.get(group)?.threshold.max(least);
        let agree = self.tokens < 2 || firsts.get(group).is_some_and(|first| *first >= FIRST_PIECE);
        let sure = score >= threshold && agree;
        if score < threshold.min(WEAK) {
            return None;
        }
        let within = labels.kinds.iter().zip(&kinds).enumerate().filter(|(_, (kind, _))| kind.group == group);
        let (kind, _) = greatest(within.map(|(index, (_, probability))| (index, *probability)))?;
        Some(Choice { kind, begins: begins.get(group).is_some_and(|sum| *sum > 0.0), score: score.min(1.0), sure })
    }
}

pub(super) fn greatest(values: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
    values.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Probabilities of one row.
fn softmax(logits: &[f32], out: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (out, logit) in out.iter_mut().zip(logits) {
        *out = (logit - top).exp();
        sum += *out;
    }
    for out in out.iter_mut() {
        *out /= sum;
    }
}
