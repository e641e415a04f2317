//! From logits to labelled words. Probabilities of a word are the mean over its tokens, weighted by their length, so a
//! piece of a word is never an entity of its own: "co" in "Serco" is outvoted by "ser".
//!
//! `B-X` and `I-X` add up before the choice, and labels of the same entity type too. Thereby every sequence is
//! consistent without a search over transitions: an `I-X` that follows nothing simply begins an entity.

use std::ops::Range;

use super::labels::LabelSet;
use super::vocabulary::Tokens;
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
    let mut found = Decoded::default();
    each_word(text, tokens, rows, labels, &mut |range, vote| {
        if let Some(choice) = vote.choose(labels) {
            let list = if choice.sure { &mut found.words } else { &mut found.weak };
            list.push(LabelledWord { range, kind: choice.kind, begins: choice.begins, score: choice.score });
        }
    });
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

/// Least probability of a word of several tokens.
const DIVIDED: f32 = 0.45;
/// Least probability of the first piece of such a word. The pieces of a name agree, for the model sees them together;
/// where only the end looks like a name, as in Ser-co, the word is none.
const FIRST_PIECE: f32 = 0.2;
/// Least probability of a word that is remembered as weak; below it the model says nothing.
const WEAK: f32 = 0.1;

/// Probabilities of one word while its tokens come in.
struct Vote {
    mean: Vec<f32>,
    first: Vec<f32>,
    weight: f32,
    tokens: usize,
    row: Vec<f32>,
}

struct Choice {
    kind: usize,
    begins: bool,
    score: f32,
    /// Whether the score reaches the threshold of its type.
    sure: bool,
}

impl Vote {
    fn new(width: usize) -> Self {
        Self { mean: vec![0.0; width], first: vec![0.0; width], weight: 0.0, tokens: 0, row: vec![0.0; width] }
    }

    fn clear(&mut self) {
        self.mean.fill(0.0);
        self.weight = 0.0;
        self.tokens = 0;
    }

    fn add(&mut self, logits: &[f32], length: usize) {
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
    fn kinds(&self, labels: &LabelSet) -> Option<Vec<f32>> {
        let mut kinds = vec![0.0_f32; labels.kinds.len()];
        for (column, mean) in labels.columns.iter().zip(&self.mean) {
            if let Some(sum) = column.as_ref().and_then(|column| kinds.get_mut(column.kind)) {
                *sum += mean / self.weight;
            }
        }
        (self.weight > 0.0).then_some(kinds)
    }

    fn choose(&self, labels: &LabelSet) -> Option<Choice> {
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

fn greatest(values: impl Iterator<Item = (usize, f32)>) -> Option<(usize, f32)> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn labels(names: &[&str]) -> LabelSet {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        LabelSet::new(&names, &BTreeMap::new()).unwrap()
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
        let labels = labels(&["O", "PER"]);
        assert_eq!(decode("\u{200b} \u{1}", &tokens(&[]), &[], &labels), Decoded::default());
    }
}
