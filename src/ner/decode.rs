//! From logits to labelled words. Probabilities of a word are the mean over its tokens, weighted by their length, so a
//! piece of a word is never an entity of its own: "co" in "Serco" is outvoted by "ser".
//!
//! A model may ask for the best sequence of the whole window (`viterbi`). For any other each word is decided by itself:
//! `B-X` and `I-X` add up before the choice, and labels of the same entity type too, so every sequence is consistent
//! without a search over transitions: an `I-X` that follows nothing simply begins an entity.

use std::ops::Range;

use super::labels::LabelSet;
use super::model_config::Decoder;
use super::viterbi::{self, State};
use super::vocabulary::Tokens;
use super::vote::{Vote, WEAK, greatest};
use super::words::words;

/// A word that is something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelledWord {
    /// Bytes of the window's text.
    pub(super) range: Range<usize>,
    /// Index into [`LabelSet::kinds`].
    pub(super) kind: usize,
    /// Whether the model says that an entity begins here.
    pub(super) begins: bool,
    /// Probability of its entity type.
    pub(super) score: f32,
}

/// What a window holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Decoded {
    /// Words that are something, in order.
    pub(super) words: Vec<LabelledWord>,
    /// Words that the model is not sure enough about, in order: for explanations, and for what the rest of the document
    /// says about them.
    pub(super) weak: Vec<LabelledWord>,
}

impl Decoded {
    /// Puts every word where it stands in another text, and drops those that stand nowhere in it.
    pub(super) fn move_to(&mut self, place: impl Fn(&Range<usize>) -> Option<Range<usize>>) {
        for words in [&mut self.words, &mut self.weak] {
            words.retain_mut(|word| match place(&word.range) {
                Some(range) => {
                    word.range = range;
                    true
                }
                None => false,
            });
        }
    }
}

/// Labelled words of a window. `rows` holds the logits of each token, `labels.columns.len()` a row.
pub(super) fn decode(text: &str, tokens: &Tokens, rows: &[f32], labels: &LabelSet) -> Decoded {
    match labels.decoder {
        Decoder::Words => word_by_word(text, tokens, rows, labels),
        Decoder::Viterbi => best_sequence(text, tokens, rows, labels),
    }
}

fn word_by_word(text: &str, tokens: &Tokens, rows: &[f32], labels: &LabelSet) -> Decoded {
    let mut found = Decoded::default();
    each_word(text, tokens, rows, labels, &mut |range, vote| {
        if let Some(choice) = vote.choose(labels) {
            let list = if choice.sure { &mut found.words } else { &mut found.weak };
            list.push(LabelledWord { range, kind: choice.kind, begins: choice.begins, score: choice.score });
        }
    });
    found
}

fn best_sequence(text: &str, tokens: &Tokens, rows: &[f32], labels: &LabelSet) -> Decoded {
    let (mut ranges, mut readings) = (Vec::new(), Vec::new());
    each_word(text, tokens, rows, labels, &mut |range, vote| {
        ranges.push(range);
        readings.push(vote.reading(labels));
    });
    let biases: Vec<f64> = labels.kinds.iter().map(|kind| viterbi::bias(kind.threshold)).collect();
    let states = viterbi::best(&readings, &biases);
    let mut found = Decoded::default();
    for ((range, reading), state) in ranges.into_iter().zip(&readings).zip(states) {
        let Some(reading) = reading else { continue };
        match state {
            State::Begins(kind) | State::Continues(kind) => {
                let (begins, score) = (state == State::Begins(kind), labels.of_type(kind, &reading.inside));
                found.words.push(LabelledWord { range, kind, begins, score });
            }
            State::Nothing => {
                let Some((kind, _)) = greatest(reading.inside.iter().copied().enumerate()) else { continue };
                let score = labels.of_type(kind, &reading.inside);
                let begins = reading.begins.get(kind).is_some_and(|share| *share > 0.5);
                if score >= WEAK {
                    found.weak.push(LabelledWord { range, kind, begins, score });
                }
            }
        }
    }
    found
}

/// All that the model says about one word, for whoever asks why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ToldWord {
    /// Bytes of the window's text.
    pub(super) range: Range<usize>,
    /// For each of [`LabelSet::kinds`], its probability; what is missing to 1 is that the word is nothing.
    pub(super) kinds: Vec<f32>,
}

/// The probabilities behind [`decode`], for every word.
pub(super) fn tell(text: &str, tokens: &Tokens, rows: &[f32], labels: &LabelSet) -> Vec<ToldWord> {
    let mut told = Vec::new();
    each_word(text, tokens, rows, labels, &mut |range, vote| {
        if let Some(kinds) = vote.kinds(labels) {
            told.push(ToldWord { range, kinds });
        }
    });
    told
}

/// Calls `word` with each word and what its tokens say.
fn each_word(
    text: &str,
    tokens: &Tokens,
    rows: &[f32],
    labels: &LabelSet,
    word_of: &mut dyn FnMut(Range<usize>, &Vote),
) {
    let width = labels.columns.len();
    let mut words = words(text).into_iter().peekable();
    let mut tokens = tokens.ranges.iter().zip(rows.chunks_exact(width.max(1))).peekable();
    let mut vote = Vote::new(width);
    while let Some(mut word) = words.next() {
        vote.clear();
        // Tokens in the order of their starts; one that began in white space belongs to the word that follows.
        while let Some((range, row)) = tokens.next_if(|(range, _)| range.start < word.end) {
            word.end = word.end.max(trimmed_end(text, range));
            vote.add(row, range.len());
        }
        // A token that covers several words speaks for all of them.
        while let Some(covered) = words.next_if(|next| next.start < word.end) {
            word.end = word.end.max(covered.end);
        }
        word_of(word, &vote);
    }
}

fn trimmed_end(text: &str, range: &Range<usize>) -> usize {
    text.get(range.clone()).map_or(range.end, |token| range.start + token.trim_end().len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ner::model_config::{Own, OwnLabel};

    fn labels(names: &[&str]) -> LabelSet {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        LabelSet::new(&names, &BTreeMap::new(), None).unwrap()
    }

    fn tokens(ranges: &[Range<usize>]) -> Tokens {
        Tokens { ids: vec![0; ranges.len()], ranges: ranges.to_vec() }
    }

    /// Logits that give one column nearly all probability.
    fn sure(columns: &[usize], width: usize) -> Vec<f32> {
        columns.iter().flat_map(|column| (0..width).map(move |at| if at == *column { 8.0 } else { 0.0 })).collect()
    }

    #[test]
    fn a_piece_of_a_word_does_not_make_it_a_name() {
        let labels = labels(&["O", "B-SURNAME", "I-SURNAME"]);
        let pieces = tokens(&[0..3, 3..5]);
        assert!(decode("Serco", &pieces, &sure(&[0, 1], 3), &labels).words.is_empty());
        let found = decode("Serco", &pieces, &sure(&[1, 0], 3), &labels).words;
        assert_eq!(found[0].range, 0..5, "the whole word or nothing");
    }

    #[test]
    fn an_end_that_looks_like_a_name_does_not_outvote_the_beginning() {
        let labels = labels(&["O", "B-SURNAME"]);
        // A long last piece that is surely a name, behind a first piece that surely is not.
        let decoded = decode("Aldarion", &tokens(&[0..2, 2..8]), &sure(&[0, 1], 2), &labels);
        assert!(decoded.words.is_empty());
        assert_eq!(decoded.weak.len(), 1, "doubted, not forgotten");
    }

    #[test]
    fn labels_of_one_type_add_up() {
        let labels = labels(&["O", "B-GIVEN_NAME", "B-SURNAME"]);
        // 0.4 given name, 0.35 surname, 0.25 nothing: neither label alone reaches the threshold.
        let row = [0.25_f32.ln(), 0.4_f32.ln(), 0.35_f32.ln()];
        let found =
            decode("Taylor", &Tokens { ids: vec![0], ranges: std::iter::once(0..6).collect() }, &row, &labels).words;
        assert_eq!(&*labels.kinds[found[0].kind].name, "GIVEN_NAME");
        assert!((found[0].score - 0.75).abs() < 1e-4);
        assert!(found[0].begins);
    }

    #[test]
    fn all_that_is_said_of_a_word_is_told_on_request() {
        let labels = labels(&["O", "B-GIVEN_NAME", "I-GIVEN_NAME", "B-SURNAME"]);
        let row = [0.25_f32.ln(), 0.3_f32.ln(), 0.1_f32.ln(), 0.35_f32.ln()];
        let told = tell("Taylor", &Tokens { ids: vec![0], ranges: std::iter::once(0..6).collect() }, &row, &labels);
        assert_eq!((told.len(), told[0].range.clone()), (1, 0..6));
        let of = |name: &str| told[0].kinds[labels.kinds.iter().position(|kind| &*kind.name == name).unwrap()];
        assert!((of("GIVEN_NAME") - 0.4).abs() < 1e-4, "what begins and what goes on add up");
        assert!((of("SURNAME") - 0.35).abs() < 1e-4);
    }

    #[test]
    fn an_inside_label_after_nothing_begins_an_entity() {
        let labels = labels(&["O", "B-PER", "I-PER"]);
        let found = decode("so Ann", &tokens(&[0..2, 3..6]), &sure(&[0, 2], 3), &labels).words;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].range, 3..6);
    }

    #[test]
    fn a_token_with_its_space_belongs_to_the_word_that_follows() {
        let labels = labels(&["O", "PER"]);
        let found = decode("so Ann, Bo", &tokens(&[0..2, 2..7, 7..10]), &sure(&[0, 1, 1], 2), &labels).words;
        let ranges: Vec<_> = found.iter().map(|word| word.range.clone()).collect();
        assert_eq!(ranges, [3..7, 8..10], "the comma is in the same token");
    }

    #[test]
    fn a_word_that_the_model_doubts_is_weak() {
        let labels = labels(&["O", "B-SURNAME"]);
        let row = [0.8_f32.ln(), 0.2_f32.ln(), 0.95_f32.ln(), 0.05_f32.ln()];
        let decoded = decode("Baker it", &tokens(&[0..5, 6..8]), &row, &labels);
        assert!(decoded.words.is_empty());
        assert_eq!(
            decoded.weak.iter().map(|word| word.range.clone()).collect::<Vec<_>>(),
            std::iter::once(0..5).collect::<Vec<_>>()
        );
    }

    #[test]
    fn words_without_a_token_are_nothing() {
        for labels in [labels(&["O", "PER"]), sequential(&["O", "B-PER"], &[])] {
            assert_eq!(decode("\u{200b} \u{1}", &tokens(&[]), &[], &labels), Decoded::default());
        }
    }

    /// Labels of a model that asks for the best sequence, with thresholds.
    fn sequential(names: &[&str], thresholds: &[(&str, f32)]) -> LabelSet {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let labels =
            thresholds.iter().map(|(name, threshold)| ((*name).to_owned(), OwnLabel { threshold: *threshold }));
        let own = Own { decoder: Decoder::Viterbi, labels: labels.collect(), ..Own::default() };
        LabelSet::new(&names, &BTreeMap::new(), Some(&own)).unwrap()
    }

    /// Logits of words with these probabilities.
    fn of(rows: &[&[f32]]) -> Vec<f32> {
        rows.iter().flat_map(|row| row.iter().map(|probability| probability.ln())).collect()
    }

    #[test]
    fn the_best_sequence_takes_a_middle_that_no_word_alone_would() {
        let names = ["O", "B-PERSON", "I-PERSON", "B-LOCATION", "I-LOCATION"];
        let pieces = tokens(&[0..3, 4..7, 8..11]);
        // A particle that is rather nothing, between two words of a name.
        let rows =
            of(&[&[0.02, 0.92, 0.02, 0.02, 0.02], &[0.5, 0.01, 0.47, 0.01, 0.01], &[0.1, 0.05, 0.8, 0.03, 0.02]]);
        let spans = |labels: &LabelSet| {
            let words = decode("Ana von Lee", &pieces, &rows, labels).words;
            words.into_iter().map(|word| (word.range.start, word.begins)).collect::<Vec<_>>()
        };
        assert_eq!(spans(&sequential(&names, &[("PERSON", 0.5)])), [(0, true), (4, false), (8, false)]);
        let sure = sequential(&names, &[("PERSON", 0.9)]);
        let decoded = decode("Ana von Lee", &pieces, &rows, &sure);
        assert!(decoded.words.len() < 3, "a higher threshold finds less: {:?}", decoded.words);
        assert!(!decoded.weak.is_empty(), "and what it leaves out is remembered");
    }

    #[test]
    fn the_score_is_that_of_the_type_and_the_beginning_that_of_the_first_token() {
        let labels = sequential(&["O", "B-GIVEN_NAME", "I-GIVEN_NAME", "B-SURNAME"], &[]);
        let rows = of(&[&[0.1, 0.6, 0.1, 0.2], &[0.1, 0.0, 0.6, 0.3]]);
        let words = decode("Taylor", &tokens(&[0..4, 4..6]), &rows, &labels).words;
        assert_eq!((words.len(), words[0].range.clone(), words[0].begins), (1, 0..6, true));
        assert!((words[0].score - 0.9).abs() < 1e-4, "{}", words[0].score);
        assert_eq!(&*labels.kinds[words[0].kind].name, "GIVEN_NAME");
    }

    #[test]
    fn a_word_that_the_sequence_leaves_out_is_weak_from_a_tenth_on() {
        let labels = sequential(&["O", "B-PERSON", "I-PERSON"], &[]);
        let rows = of(&[&[0.85, 0.1, 0.05], &[0.95, 0.03, 0.02]]);
        let decoded = decode("Baker it", &tokens(&[0..5, 6..8]), &rows, &labels);
        assert!(decoded.words.is_empty());
        assert_eq!(decoded.weak.iter().map(|word| word.range.start).collect::<Vec<_>>(), [0]);
    }

    proptest::proptest! {
        #[test]
        fn no_logits_make_an_entity_go_on_that_did_not_begin(
            logits in proptest::collection::vec(-9.0_f32..9.0, 40 * 5),
            thresholds in (0.0_f32..=1.0, 0.0_f32..=1.0),
        ) {
            let names = ["O", "B-PERSON", "I-PERSON", "B-LOCATION", "I-LOCATION"];
            let labels = sequential(&names, &[("PERSON", thresholds.0), ("LOCATION", thresholds.1)]);
            let text = "ab ".repeat(40);
            let pieces: Vec<Range<usize>> = (0..40).map(|word| word * 3..word * 3 + 2).collect();
            let mut last: Option<LabelledWord> = None;
            for word in decode(&text, &tokens(&pieces), &logits, &labels).words {
                let goes_on = last.is_some_and(|last| last.kind == word.kind && last.range.end + 1 == word.range.start);
                proptest::prop_assert!(word.begins || goes_on, "{:?}", word);
                proptest::prop_assert!(word.score <= 1.0 + 1e-5);
                last = Some(word);
            }
        }
    }
}
