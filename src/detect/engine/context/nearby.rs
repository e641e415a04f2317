//! What the words near one value say together: those that confirm it, how much they are worth by their distance, and
//! one that refutes it.

use std::sync::Arc;

use super::Wanted;

/// Most words that an explanation names.
const MAX_NAMED: usize = 4;

/// Share of a window in which a word counts in full; behind it the weight falls.
const NEAR: f32 = 0.8;

/// Weight of a word at the end of its window.
const FARTHEST: f32 = 0.9;

/// What the surroundings say about a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::detect::engine) struct Judgement {
    /// Words that confirm it, nearest first.
    pub(in crate::detect::engine) confirming: Vec<Arc<str>>,
    /// How much of the context's score they give: 1 for a word near by, less for one at the end of the window, 0 for
    /// none.
    pub(in crate::detect::engine) weight: f32,
    /// A word that refutes it, if none that confirms it is nearer.
    pub(in crate::detect::engine) refuting: Option<Arc<str>>,
}

/// Gathers words with their distances.
pub(super) struct Nearby<'a> {
    wanted: &'a Wanted,
    confirming: Vec<(usize, usize)>,
    /// Distance and word of the nearest that refutes.
    refuting: Option<(usize, usize)>,
}

impl<'a> Nearby<'a> {
    /// No word yet.
    pub(super) fn new(wanted: &'a Wanted) -> Self {
        Self { wanted, confirming: Vec::new(), refuting: None }
    }

    /// A word at a distance in code points.
    pub(super) fn add(&mut self, word: usize, distance: usize) {
        if self.wanted.positive.binary_search(&word).is_ok() {
            self.confirming.push((distance, word));
        }
        if self.wanted.negative.binary_search(&word).is_ok() {
            self.refuting = Some(self.refuting.map_or((distance, word), |nearest| nearest.min((distance, word))));
        }
    }

    /// What they say; `window` in code points.
    pub(super) fn judge(mut self, names: &[Arc<str>], window: usize) -> Judgement {
        self.confirming.sort_unstable();
        let nearest = self.confirming.first().map(|(distance, _)| *distance);
        let refuting = self.refuting.filter(|(against, _)| nearest.is_none_or(|near| near >= *against));
        let refuting = refuting.and_then(|(_, word)| names.get(word).cloned());
        let mut confirming: Vec<Arc<str>> = Vec::new();
        for (_, word) in self.confirming {
            if let Some(name) = names.get(word)
                && !confirming.contains(name)
                && confirming.len() < MAX_NAMED
            {
                confirming.push(Arc::clone(name));
            }
        }
        Judgement { confirming, weight: nearest.map_or(0.0, |distance| weight(distance, window)), refuting }
    }
}

/// What a word at this distance is worth; both in code points.
#[allow(clippy::cast_precision_loss)] // a window has two thousand code points at most
fn weight(distance: usize, window: usize) -> f32 {
    let far = (distance as f32 / window.max(1) as f32 - NEAR).max(0.0) / (1.0 - NEAR);
    1.0 - (1.0 - FARTHEST) * far.min(1.0)
}
