//! The best sequence of labels for the words of a window: what each word says of itself, weighed by the threshold of each
//! label, under the one rule that an entity goes on only behind a word of its own kind. Every other transition is free:
//! a weight for them would be a second opinion on what the model has already seen, and one that no calibration covers.
//!
//! Time and memory are linear in words × labels. What this file computes is mirrored, step by step, by the Python that
//! trains the model; a file of examples holds both to it.

/// What one word says, before any neighbour is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// Probability that it is nothing.
    pub(super) nothing: f32,
    /// For each kind, the probability that the word is of it.
    pub(super) inside: Vec<f32>,
    /// For each kind, the share of that by which an entity begins here.
    pub(super) begins: Vec<f32>,
}

/// The label of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Nothing,
    Begins(usize),
    Continues(usize),
}

/// Probabilities below this count as this: a logarithm must be finite.
const LEAST: f64 = 1e-6;

/// What a kind gains or loses by its threshold: at half nothing, at a lower one something.
pub(super) fn bias(threshold: f32) -> f64 {
    let threshold = f64::from(threshold).clamp(LEAST, 1.0 - LEAST);
    ((1.0 - threshold) / threshold).ln()
}

/// The states of the words, one for each. `None` is a word that the model did not read, which is nothing. Of two
/// sequences that weigh the same, the one whose last states come first in the order of labels is taken.
pub(super) fn best(words: &[Option<Reading>], biases: &[f64]) -> Vec<State> {
    let mut so_far: Vec<f64> = Vec::new();
    let mut steps: Vec<Vec<usize>> = Vec::with_capacity(words.len());
    for reading in words {
        let mut weights = weights(reading.as_ref(), biases);
        let mut from = vec![0; weights.len()];
        if steps.is_empty() {
            for (state, weight) in weights.iter_mut().enumerate() {
                if begun_by(state).is_some() {
                    *weight = f64::NEG_INFINITY;
                }
            }
        } else {
            let (any, most) = first_largest(so_far.iter().copied().enumerate());
            for (state, (weight, from)) in weights.iter_mut().zip(&mut from).enumerate() {
                let (before, gained) = match begun_by(state) {
                    Some(begin) => first_largest([begin, state].map(|at| (at, weight_at(&so_far, at))).into_iter()),
                    None => (any, most),
                };
                *weight += gained;
                *from = before;
            }
        }
        so_far = weights;
        steps.push(from);
    }
    let (mut state, _) = first_largest(so_far.into_iter().enumerate());
    let mut states: Vec<State> = Vec::with_capacity(words.len());
    for from in steps.iter().rev() {
        states.push(named(state));
        state = from.get(state).copied().unwrap_or_default();
    }
    states.reverse();
    states
}

/// Logarithms of a word's states by number: nothing, then for each kind that it begins and that it continues.
fn weights(reading: Option<&Reading>, biases: &[f64]) -> Vec<f64> {
    let mut weights = Vec::with_capacity(1 + 2 * biases.len());
    let Some(reading) = reading else {
        weights.push(0.0);
        weights.resize(1 + 2 * biases.len(), f64::NEG_INFINITY);
        return weights;
    };
    let logarithm = |probability: f64| probability.max(LEAST).ln();
    weights.push(logarithm(f64::from(reading.nothing)));
    for ((inside, begins), bias) in reading.inside.iter().zip(&reading.begins).zip(biases) {
        let (inside, begins) = (f64::from(*inside), f64::from(*begins));
        weights.push(logarithm(inside * begins) + bias);
        weights.push(logarithm(inside * (1.0 - begins)) + bias);
    }
    weights
}

/// For a state that continues an entity, the number of the state that begins one of its kind.
fn begun_by(state: usize) -> Option<usize> {
    (state > 0 && state.is_multiple_of(2)).then(|| state - 1)
}

fn named(state: usize) -> State {
    match state.checked_sub(1) {
        None => State::Nothing,
        Some(of_kind) if of_kind.is_multiple_of(2) => State::Begins(of_kind / 2),
        Some(of_kind) => State::Continues(of_kind / 2),
    }
}

fn weight_at(weights: &[f64], state: usize) -> f64 {
    weights.get(state).copied().unwrap_or(f64::NEG_INFINITY)
}

/// The first of the largest.
fn first_largest(values: impl Iterator<Item = (usize, f64)>) -> (usize, f64) {
    values.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: usize = 3;

    fn reading() -> impl Strategy<Value = Option<Reading>> {
        let numbers = (prop::collection::vec(0.0_f32..1.0, KINDS + 1), prop::collection::vec(0.0_f32..=1.0, KINDS));
        prop::option::weighted(
            0.9,
            numbers.prop_map(|(parts, begins)| {
                let sum: f32 = parts.iter().sum::<f32>().max(1e-3);
                let inside = parts[1..].iter().map(|part| part / sum).collect();
                Reading { nothing: parts[0] / sum, inside, begins }
            }),
        )
    }

    fn number(state: State) -> usize {
        match state {
            State::Nothing => 0,
            State::Begins(kind) => 1 + 2 * kind,
            State::Continues(kind) => 2 + 2 * kind,
        }
    }

    fn is_allowed(states: &[State]) -> bool {
        let before = std::iter::once(&State::Nothing).chain(states);
        before.zip(states).all(|(before, state)| match state {
            State::Continues(kind) => matches!(before, State::Begins(same) | State::Continues(same) if same == kind),
            _ => true,
        })
    }

    fn weight(states: &[State], words: &[Option<Reading>], biases: &[f64]) -> f64 {
        states.iter().zip(words).map(|(state, word)| weights(word.as_ref(), biases)[number(*state)]).sum()
    }

    /// The largest weight of all sequences that are allowed, one by one.
    fn searched(words: &[Option<Reading>], biases: &[f64]) -> f64 {
        let count = 1 + 2 * KINDS;
        let sequences = 0..count.pow(u32::try_from(words.len()).unwrap());
        let states = |mut sequence: usize| -> Vec<State> {
            let mut next = || {
                let state = named(sequence % count);
                sequence /= count;
                state
            };
            words.iter().map(|_| next()).collect()
        };
        sequences
            .map(states)
            .filter(|states| is_allowed(states))
            .map(|states| weight(&states, words, biases))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn one(nothing: f32, inside: f32, begins: f32) -> Option<Reading> {
        Some(Reading { nothing, inside: vec![inside], begins: vec![begins] })
    }

    #[test]
    fn the_threshold_moves_the_choice() {
        let word = [one(0.7, 0.3, 1.0)];
        assert_eq!(best(&word, &[bias(0.5)]), [State::Nothing]);
        assert_eq!(best(&word, &[bias(0.31)]), [State::Nothing]);
        assert_eq!(best(&word, &[bias(0.29)]), [State::Begins(0)]);
        assert_eq!(bias(0.5), 0.0);
        assert!(bias(0.0).is_finite() && bias(1.0).is_finite());
    }

    #[test]
    fn what_goes_on_without_a_beginning_begins() {
        assert_eq!(best(&[one(0.4, 0.6, 0.1)], &[0.0]), [State::Nothing], "0.06 begins, 0.4 is nothing");
        assert_eq!(
            best(&[one(0.05, 0.95, 0.9), one(0.4, 0.6, 0.1)], &[0.0]),
            [State::Begins(0), State::Continues(0)],
            "behind a beginning the same word goes on"
        );
    }

    #[test]
    fn a_word_that_was_not_read_is_nothing_and_ends_an_entity() {
        let states = best(&[one(0.0, 1.0, 1.0), None, one(0.3, 0.7, 0.2)], &[0.0]);
        assert_eq!(states, [State::Begins(0), State::Nothing, State::Nothing]);
        assert_eq!(best(&[], &[0.0]), []);
    }

    #[test]
    fn equal_weights_take_the_first_state() {
        let reading = Reading { nothing: 0.25, inside: vec![0.25, 0.25], begins: vec![1.0, 1.0] };
        assert_eq!(best(&[Some(reading)], &[0.0, 0.0]), [State::Nothing]);
        let reading = Reading { nothing: 0.0, inside: vec![0.5, 0.5], begins: vec![1.0, 1.0] };
        assert_eq!(best(&[Some(reading)], &[0.0, 0.0]), [State::Begins(0)]);
    }

    proptest! {
        // Up to 16,807 sequences each.
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_equals_a_search_over_all_sequences(
            words in prop::collection::vec(reading(), 0..=5),
            thresholds in prop::collection::vec(0.0_f32..=1.0, KINDS),
        ) {
            let biases: Vec<f64> = thresholds.into_iter().map(bias).collect();
            let states = best(&words, &biases);
            prop_assert_eq!(states.len(), words.len());
            prop_assert!(is_allowed(&states), "{:?}", states);
            let (found, searched) = (weight(&states, &words, &biases), searched(&words, &biases));
            prop_assert!((found - searched).abs() < 1e-9, "{} {}", found, searched);
        }
    }

    proptest! {
        #[test]
        fn nothing_goes_on_that_did_not_begin(words in prop::collection::vec(reading(), 0..60)) {
            prop_assert!(is_allowed(&best(&words, &[0.0; KINDS])));
        }
    }
}
