//! The words that introduce a secret in one automaton; `keyword_table.rs` lists them. Only the places where one of them stands are looked
//! at further, so the rest of a text costs one pass.

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

use super::keyword_table::WORDS;
pub(super) use super::keyword_table::Word;

/// The automaton and what each of its patterns announces.
#[derive(Debug)]
pub(super) struct Keywords {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

impl Keywords {
    pub(super) fn new() -> Result<Self, BuildError> {
        let words = WORDS.iter().flat_map(|(word, list)| list.iter().map(|_| *word)).collect();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(WORDS.iter().flat_map(|(_, list)| list.iter()))?;
        Ok(Self { automaton, words })
    }

    /// Each place where a word stands, from left to right, without overlap: byte range and what it announces.
    pub(super) fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (std::ops::Range<usize>, Word)> + 'a {
        self.automaton
            .find_iter(text)
            .filter_map(|hit| self.words.get(hit.pattern().as_usize()).map(|word| (hit.range(), *word)))
    }

    /// Everything that decides, for the digest.
    pub(super) fn table() -> impl Iterator<Item = &'static str> {
        WORDS.iter().flat_map(|(_, list)| list.iter().copied())
    }
}
