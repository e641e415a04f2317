//! Builds a table of terms line by line. A wrong line is named with what to do: a list that lacks one of its terms
//! would leave an organisation's own secret unseen, and nobody would know.

use std::time::Instant;

use super::super::words::{Ending, Joins, Term, WordSet, fold_term, is_word, written_without_spaces};
use super::firsts::Firsts;
use super::sequence::{Sequence, Words, mixed};
use super::{MAX_ODD, MAX_TERM, MAX_WORDS, TermError, TermTable};

/// Between a term and its own score in a file.
const SCORE_SEPARATOR: char = '\t';

/// In place of a score: the list's own.
pub(super) const OWN: u8 = u8::MAX;

/// A table while its terms come in.
pub(super) struct Builder {
    text: String,
    ends: Vec<u32>,
    slots: Vec<u32>,
    firsts: Firsts,
    scores: Vec<u8>,
    odd: Vec<String>,
    odd_scores: Vec<u8>,
    cased: bool,
}

impl Builder {
    /// Room for the terms of a file.
    pub(super) fn new(file: &str, cased: bool) -> Self {
        let lines = memchr::memchr_iter(b'\n', file.as_bytes()).count() + 1;
        Self {
            text: String::with_capacity(file.len()),
            ends: Vec::with_capacity(lines),
            slots: vec![0; (lines * 2).next_power_of_two()],
            firsts: Firsts::new(),
            scores: Vec::new(),
            odd: Vec::new(),
            odd_scores: Vec::new(),
            cased,
        }
    }

    /// A line: a term, and behind a tab its own score. Says what is wrong with it.
    pub(super) fn add(&mut self, line: &str) -> Result<(), &'static str> {
        let (term, score) = match line.split_once(SCORE_SEPARATOR) {
            None => (line, OWN),
            Some((term, score)) => {
                let score: f32 = score.trim().parse().map_err(|_| "what stands behind the tab is no number")?;
                if !(0.0..=1.0).contains(&score) {
                    return Err("the score behind the tab is not between 0 and 1");
                }
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 100
                (term, (score * 100.0).round() as u8)
            }
        };
        self.put(term.trim(), score)
    }

    /// A term with its score in hundredths.
    pub(super) fn put(&mut self, term: &str, score: u8) -> Result<(), &'static str> {
        if !term.chars().any(char::is_alphanumeric) {
            return Err("a term holds a letter or a digit");
        }
        if term.len() > MAX_TERM {
            return Err("a term has at most 256 bytes");
        }
        let plain = |c: Option<char>| c.is_some_and(|c| is_word(c) && !written_without_spaces(c));
        let words = Words::of(term).count();
        if !plain(term.chars().next()) || !plain(term.chars().next_back()) || words > MAX_WORDS {
            self.odd.push(if self.cased { term.to_owned() } else { fold_term(term, Joins::Space) });
            self.odd_scores.push(score);
            return Ok(());
        }
        let mut sequence = Sequence::new(self.cased);
        let mut first = 0;
        let mut end = 0;
        for (index, word) in Words::of(term).enumerate() {
            if index > 0 && !sequence.push_gap(term.get(end..word.start).unwrap_or_default()) {
                return Err("more than eight signs stand between two words of a term");
            }
            end = word.end;
            sequence.push_word(term.get(word).unwrap_or_default());
            if index == 0 {
                first = sequence.hash;
            }
        }
        if sequence.bytes.len() > MAX_TERM {
            return Err("a term has at most 256 bytes");
        }
        self.insert(&sequence, score);
        self.firsts.add(first, 1 << (words - 1));
        Ok(())
    }

    fn insert(&mut self, sequence: &Sequence, score: u8) {
        let mut at = mixed(sequence.hash);
        let mask = self.slots.len() - 1;
        while let Some(slot) = self.slots.get_mut(at as usize & mask) {
            if *slot == 0 {
                *slot = u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX);
                self.text.push_str(std::str::from_utf8(&sequence.bytes).unwrap_or_default());
                self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
                self.scores.push(score);
                return;
            }
            let index = *slot as usize - 1;
            let end = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
            let known = self.text.get(index.checked_sub(1).map_or(0, end)..end(index));
            if known.is_some_and(|known| known.as_bytes() == sequence.bytes) {
                return;
            }
            at = at.wrapping_add(1);
        }
    }

    /// The table of all terms; `digest` is that of the file.
    pub(super) fn finish(mut self, digest: &str, started: Instant) -> Result<TermTable, TermError> {
        if self.odd.len() > MAX_ODD {
            return Err(TermError::TooManyOdd);
        }
        if self.ends.is_empty() && self.odd.is_empty() {
            return Err(TermError::Empty);
        }
        self.scores.extend(self.odd_scores);
        if self.scores.iter().all(|score| *score == OWN) {
            self.scores.clear();
        }
        let terms = self.odd.iter().map(|text| Term { text, ending: Ending::Whole });
        let odd = (!self.odd.is_empty()).then(|| WordSet::build(terms, Joins::Space));
        Ok(TermTable {
            text: self.text.into(),
            ends: self.ends.into(),
            slots: self.slots.into(),
            firsts: self.firsts,
            scores: self.scores.into(),
            odd: odd.transpose().map_err(|_| TermError::TooManyOdd)?,
            odd_bytes: self.odd.iter().map(String::len).sum(),
            odd_count: self.odd.len(),
            cased: self.cased,
            digest: digest.into(),
            took: started.elapsed(),
        })
    }
}
