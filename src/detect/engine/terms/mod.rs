//! A word list of very many terms: an organisation's customers, products, code names, from a file of a million lines.
//!
//! An automaton over a million terms takes hundreds of bytes a term and lives outside every cache. Terms are whole words
//! here, so that a table does: the words of a text are folded one by one, a small table says of how many words the
//! terms are that begin with such a word, and only those sequences are looked up. Every text takes time linear in its
//! length, whatever the list holds, and a hit is compared letter by letter: no false one exists. Terms that do not
//! begin and end with a word (`.NET`, `C++`), of more than sixteen words, or in a script without spaces go to an
//! automaton, and their number is limited.

mod build;
mod firsts;
mod sequence;
#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;

use std::ops::Range;
use std::time::{Duration, Instant};

use self::build::{Builder, OWN};
use self::firsts::Firsts;
use self::sequence::{Sequence, Words, mixed};
use super::words::{Hit, WordSet};

/// Longest term in bytes, folded.
const MAX_TERM: usize = 256;

/// Most words of a term in the table: one bit of a mask each.
const MAX_WORDS: usize = 16;

/// Most terms in the automaton: it takes some hundred bytes for each.
const MAX_ODD: usize = 100_000;

/// Many terms, ready to be looked for. Built once, shared by all threads.
pub struct TermTable {
    /// Folded terms, one after the other.
    text: Box<str>,
    /// Where each term ends in `text`.
    ends: Box<[u32]>,
    /// One more than the index of a term, at a place that its hash tells; 0 is free.
    slots: Box<[u32]>,
    /// Words that terms begin with: 48 bits of the hash, and a bit for each number of words; 0 is free.
    firsts: Firsts,
    /// Scores in hundredths, 255 for the list's own; empty if no term has one.
    scores: Box<[u8]>,
    /// Terms that the table cannot hold; their indices follow those of the table.
    odd: Option<WordSet>,
    /// Bytes of their text, for the estimate of memory.
    odd_bytes: usize,
    odd_count: usize,
    cased: bool,
    digest: Box<str>,
    took: Duration,
}

/// A list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// It holds nothing.
    #[error("the list's file holds no term; write one a line")]
    Empty,
    /// A line cannot be a term.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// Too many terms need the automaton.
    #[error("more than {MAX_ODD} terms begin or end with a sign, or are of a script without spaces; split the list")]
    TooManyOdd,
}

impl TermError {
    /// The operator's file is wrong.
    #[must_use]
    pub fn kind(&self) -> crate::error::Kind {
        crate::error::Kind::InvalidArgument
    }
}

/// A term of a table in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TableHit {
    /// Its number in the table.
    pub(super) term: usize,
    pub(super) range: Range<usize>,
    /// Its own score, if it has one.
    pub(super) score: Option<f32>,
}

impl TermTable {
    /// Reads a plain text file: a term a line, and behind a tab its own score from 0 to 1. Empty lines and lines that
    /// begin with `#` are left out. `cased`: a term matches in its own case only.
    ///
    /// # Errors
    /// Names the first line that is wrong.
    pub fn read(file: &str, cased: bool) -> Result<Self, TermError> {
        let started = Instant::now();
        let mut builder = Builder::new(file, cased);
        for (index, line) in file.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                builder.add(line).map_err(|problem| TermError::Line { line: index + 1, problem })?;
            }
        }
        builder.finish(blake3::hash(file.as_bytes()).to_hex().as_str(), started)
    }

    /// Terms that are not of a file, in any case.
    ///
    /// # Errors
    /// Names the first term that is wrong, by its number.
    pub fn of<'t>(terms: impl Iterator<Item = &'t str> + Clone) -> Result<Self, TermError> {
        let started = Instant::now();
        let all: String = terms.clone().fold(String::new(), |all, term| all + term + "\n");
        let mut builder = Builder::new(&all, false);
        for (index, term) in terms.enumerate() {
            builder.put(term.trim(), OWN).map_err(|problem| TermError::Line { line: index + 1, problem })?;
        }
        builder.finish(blake3::hash(all.as_bytes()).to_hex().as_str(), started)
    }

    /// Calls `found` with the place of each term in a text.
    pub fn find_in(&self, text: &str, found: &mut dyn FnMut(Range<usize>)) {
        self.scan(text, &mut |hit| found(hit.range));
    }

    /// How many terms it holds; one that the file repeats counts once.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.ends.len() + self.odd_count
    }

    /// Bytes of memory that it takes; for the few terms in the automaton an estimate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
            + size_of_val(&*self.ends)
            + size_of_val(&*self.slots)
            + size_of_val(&*self.firsts.slots)
            + self.scores.len()
            + self.odd_bytes * 16
    }

    /// How long it took to build.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// BLAKE3 of the file, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Calls `found` with each term in a text. Returns the bytes that it read.
    pub(super) fn scan(&self, text: &str, found: &mut dyn FnMut(TableHit)) -> usize {
        let mut work = 0;
        let mut candidate = Sequence::new(self.cased);
        for word in Words::of(text) {
            candidate.clear();
            candidate.push_word(text.get(word.clone()).unwrap_or_default());
            work += candidate.read;
            let lengths = self.firsts.get(candidate.hash);
            if lengths == 0 {
                continue;
            }
            let mut end = word.end;
            let mut rest = Words { text, at: end };
            for number in 0..MAX_WORDS {
                if lengths >> number == 0 {
                    break;
                }
                if number > 0 {
                    let before = candidate.read;
                    let Some(next) = rest.next() else { break };
                    let joined = candidate.push_gap(text.get(end..next.start).unwrap_or_default());
                    candidate.push_word(text.get(next.clone()).unwrap_or_default());
                    work += candidate.read - before;
                    if !joined || candidate.bytes.len() > MAX_TERM {
                        break;
                    }
                    end = next.end;
                }
                if lengths >> number & 1 == 1
                    && let Some(term) = self.find(&candidate)
                {
                    found(TableHit { term, range: word.start..end, score: self.score(term) });
                }
            }
        }
        if let Some(odd) = &self.odd {
            work += text.len();
            odd.scan(text, &mut |Hit { term, start, end, .. }| {
                let term = self.ends.len() + term;
                found(TableHit { term, range: start..end, score: self.score(term) });
            });
        }
        work
    }

    fn find(&self, candidate: &Sequence) -> Option<usize> {
        let mut at = mixed(candidate.hash);
        loop {
            let slot = self.slots.get(at as usize & (self.slots.len() - 1)).copied().unwrap_or_default();
            let term = (slot as usize).checked_sub(1)?;
            if self.term(term).as_bytes() == candidate.bytes {
                return Some(term);
            }
            at = at.wrapping_add(1);
        }
    }

    fn term(&self, index: usize) -> &str {
        let end = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
        self.text.get(index.checked_sub(1).map_or(0, end)..end(index)).unwrap_or_default()
    }

    fn score(&self, term: usize) -> Option<f32> {
        self.scores.get(term).filter(|score| **score <= 100).map(|score| f32::from(*score) / 100.0)
    }
}

/// Numbers only: the terms are the organisation's own.
impl std::fmt::Debug for TermTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TermTable({} terms, {} bytes)", self.entries(), self.bytes())
    }
}

/// Of the same file, read in the same way.
impl PartialEq for TermTable {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.cased == other.cased
    }
}
