//! A word list of very many terms: an organisation's customers, products, code names, from a file of a million lines.
//!
//! An automaton over a million terms takes hundreds of bytes a term and lives outside every cache. Terms are whole words
//! here, so that a table does: the words of a text are folded one by one, a small table says of how many words the
//! terms are that begin with such a word, and only those sequences are looked up. Every text takes time linear in its
//! length, whatever the list holds, and a hit is compared letter by letter: no false one exists. Terms that do not
//! begin and end with a word (`.NET`, `C++`), of more than sixteen words, or in a script without spaces go to an
//! automaton, and their number is limited.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::words::{Ending, Hit, Joins, Term, WordSet, fold, fold_term, is_word, written_without_spaces};

/// Longest term in bytes, folded.
const MAX_TERM: usize = 256;

/// Most words of a term in the table: one bit of a mask each.
const MAX_WORDS: usize = 16;

/// Most terms in the automaton: it takes some hundred bytes for each.
const MAX_ODD: usize = 100_000;

/// Between a term and its own score in a file.
const SCORE_SEPARATOR: char = '\t';

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
        let mut candidate = Candidate::new(self.cased);
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

    fn find(&self, candidate: &Candidate) -> Option<usize> {
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

struct Builder {
    text: String,
    ends: Vec<u32>,
    slots: Vec<u32>,
    firsts: Firsts,
    scores: Vec<u8>,
    odd: Vec<String>,
    odd_scores: Vec<u8>,
    cased: bool,
}

/// In place of a score: the list's own.
const OWN: u8 = u8::MAX;

impl Builder {
    fn new(file: &str, cased: bool) -> Self {
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

    fn add(&mut self, line: &str) -> Result<(), &'static str> {
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

    fn put(&mut self, term: &str, score: u8) -> Result<(), &'static str> {
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
        let mut candidate = Candidate::new(self.cased);
        let mut first = 0;
        let mut end = 0;
        for (index, word) in Words::of(term).enumerate() {
            if index > 0 && !candidate.push_gap(term.get(end..word.start).unwrap_or_default()) {
                return Err("more than eight signs stand between two words of a term");
            }
            end = word.end;
            candidate.push_word(term.get(word).unwrap_or_default());
            if index == 0 {
                first = candidate.hash;
            }
        }
        if candidate.bytes.len() > MAX_TERM {
            return Err("a term has at most 256 bytes");
        }
        self.insert(&candidate, score);
        self.firsts.add(first, 1 << (words - 1));
        Ok(())
    }

    fn insert(&mut self, candidate: &Candidate, score: u8) {
        let mut at = mixed(candidate.hash);
        let mask = self.slots.len() - 1;
        while let Some(slot) = self.slots.get_mut(at as usize & mask) {
            if *slot == 0 {
                *slot = u32::try_from(self.ends.len() + 1).unwrap_or(u32::MAX);
                self.text.push_str(std::str::from_utf8(&candidate.bytes).unwrap_or_default());
                self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
                self.scores.push(score);
                return;
            }
            let index = *slot as usize - 1;
            let end = |index: usize| self.ends.get(index).map_or(0, |end| *end as usize);
            let known = self.text.get(index.checked_sub(1).map_or(0, end)..end(index));
            if known.is_some_and(|known| known.as_bytes() == candidate.bytes) {
                return;
            }
            at = at.wrapping_add(1);
        }
    }

    fn finish(mut self, digest: &str, started: Instant) -> Result<TermTable, TermError> {
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

/// A sequence of words, folded as terms are, with its hash.
struct Candidate {
    bytes: Vec<u8>,
    hash: u64,
    cased: bool,
    /// Bytes read since it was cleared.
    read: usize,
}

impl Candidate {
    fn new(cased: bool) -> Self {
        Self { bytes: Vec::new(), hash: FNV_OFFSET, cased, read: 0 }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.hash = FNV_OFFSET;
        self.read = 0;
    }

    /// A word longer than any term is cut: it is longer than any term still.
    fn push_word(&mut self, word: &str) {
        let word = word.get(..word.floor_char_boundary(MAX_TERM + 4)).unwrap_or_default();
        self.read += word.len();
        let from = self.bytes.len();
        if self.cased {
            self.bytes.extend_from_slice(word.as_bytes());
        } else {
            for c in word.chars() {
                self.bytes.extend_from_slice(fold(c).encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.hash_from(from);
    }

    /// What stands between two words: white space counts as one space. False if it is too much for a term.
    fn push_gap(&mut self, gap: &str) -> bool {
        const MOST: usize = 8;
        // So that a run of spaces between every two words costs no more than reading it once for each word before.
        if gap.len() > 64 {
            return false;
        }
        self.read += gap.len();
        let from = self.bytes.len();
        let mut in_space = false;
        for c in gap.chars() {
            if c.is_whitespace() {
                if !in_space {
                    self.bytes.push(b' ');
                }
                in_space = true;
            } else {
                in_space = false;
                self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        self.hash_from(from);
        self.bytes.len() - from <= MOST
    }

    /// FNV-1a: read on where the last word ended, so that a sequence costs its last word only.
    fn hash_from(&mut self, from: usize) {
        for byte in self.bytes.get(from..).unwrap_or_default() {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
}

/// Of FNV-1a with 64 bits, as its authors publish them.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Spreads the upper bits over the lower ones, which choose the slot (the finaliser of `SplitMix64`).
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// First words with the numbers of words of the terms that they begin.
struct Firsts {
    slots: Box<[u64]>,
    used: usize,
}

/// The bits of a slot that hold lengths.
const LENGTHS: u64 = (1 << MAX_WORDS) - 1;

impl Firsts {
    fn new() -> Self {
        Self { slots: vec![0; 1 << 10].into(), used: 0 }
    }

    /// Lengths of the terms that begin with a word of this hash, one bit each; of another word with the same 48 bits
    /// too, which costs a look-up and finds nothing.
    fn get(&self, hash: u64) -> u64 {
        let key = mixed(hash) & !LENGTHS;
        let slot = self.place(key).and_then(|at| self.slots.get(at)).copied().unwrap_or_default();
        slot & LENGTHS
    }

    fn add(&mut self, hash: u64, lengths: u64) {
        if self.used * 2 >= self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![0; old.len() * 2].into();
            for slot in old.into_iter().filter(|slot| *slot != 0) {
                if let Some(place) = self.place(slot & !LENGTHS).and_then(|at| self.slots.get_mut(at)) {
                    *place = slot;
                }
            }
        }
        let key = mixed(hash) & !LENGTHS;
        if let Some(place) = self.place(key).and_then(|at| self.slots.get_mut(at)) {
            self.used += usize::from(*place == 0);
            *place |= key | lengths;
        }
    }

    /// Where a key is, or where it would be put. At most half of the slots are used, so there is one.
    fn place(&self, key: u64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let first = (key >> MAX_WORDS) as usize;
        (0..self.slots.len())
            .map(|step| first.wrapping_add(step) & mask)
            .find(|at| self.slots.get(*at).is_some_and(|slot| *slot == 0 || slot & !LENGTHS == key))
    }
}

/// The words of a text: runs of letters, digits and marks.
struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + rest.find(is_word)?;
        let word = self.text.get(start..)?;
        let end = start + word.find(|c| !is_word(c)).unwrap_or(word.len());
        self.at = end;
        Some(start..end)
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use super::*;

    fn found<'t>(file: &str, text: &'t str) -> Vec<&'t str> {
        let table = TermTable::read(file, false).unwrap();
        let mut hits = Vec::new();
        table.scan(text, &mut |hit| hits.push(&text[hit.range]));
        hits
    }

    #[test]
    fn whole_words_and_phrases_in_any_case() {
        let file = "# customers\nBlue Heron\nheron\nO'Brien & Söhne\nÄrzte ohne Zahl\n";
        assert_eq!(found(file, "BLUE \n heron, bluebird Herons"), ["BLUE \n heron", "heron"]);
        assert_eq!(found(file, "o'brien & SÖHNE; obrien"), ["o'brien & SÖHNE"]);
        assert_eq!(found(file, "ÄRZTE OHNE ZAHL ärzte ohne"), ["ÄRZTE OHNE ZAHL"]);
        assert_eq!(found(file, "Blue-Heron"), ["Heron"], "a hyphen is no space");
        assert_eq!(found(file, "blue"), [""; 0]);
    }

    #[test]
    fn terms_with_signs_at_their_ends_and_scripts_without_spaces() {
        let file = "C++\n.NET\n株式会社青空\n".to_owned() + &"w ".repeat(20);
        assert_eq!(found(&file, "c++ and .net of 株式会社青空です"), ["c++", ".net", "株式会社青空"]);
        assert_eq!(found(&file, "C and net"), [""; 0]);
        assert_eq!(found(&file, &"w ".repeat(20)).len(), 1);
    }

    #[test]
    fn case_counts_where_it_is_asked_for() {
        let table = TermTable::read("Apollo\nHarvest Moon", true).unwrap();
        let mut hits = 0;
        table.scan("Apollo apollo Harvest  Moon harvest moon", &mut |_| hits += 1);
        assert_eq!(hits, 2);
    }

    #[test]
    fn terms_have_scores_of_their_own() {
        let table = TermTable::read("alpha\t0.25\nbeta\nC++\t1", false).unwrap();
        let mut scores = Vec::new();
        table.scan("alpha beta C++", &mut |hit| scores.push(hit.score));
        assert_eq!(scores, [Some(0.25), None, Some(1.0)]);
        assert_eq!(table.entries(), 3);
    }

    #[test]
    fn wrong_lines_are_named() {
        let wrong = |file: &str| TermTable::read(file, false).unwrap_err().to_string();
        assert_eq!(wrong("# nothing\n\n"), "the list's file holds no term; write one a line");
        assert_eq!(wrong("a\n--"), "line 2: a term holds a letter or a digit");
        assert_eq!(wrong("a\tb"), "line 1: what stands behind the tab is no number");
        assert_eq!(wrong("a\t7"), "line 1: the score behind the tab is not between 0 and 1");
        assert_eq!(wrong(&"a".repeat(300)), "line 1: a term has at most 256 bytes");
    }

    /// Two million words of invented names, no two the same.
    fn million() -> String {
        const FIRST: [&str; 10] = ["Nord", "Süd", "Alt", "Neu", "Hoch", "Blau", "Rot", "Grün", "Klar", "Wald"];
        let mut file = String::with_capacity(24 << 20);
        for number in 0..1_000_000_u32 {
            let first = FIRST[number as usize % 10];
            file.push_str(&format!("{first}{} {number:x}werk\n", number / 7));
        }
        file
    }

    #[test]
    fn a_million_terms_are_found_and_take_little_memory() {
        let file = million();
        let table = TermTable::read(&file, false).unwrap();
        assert_eq!(table.entries(), 1_000_000);
        assert!(table.bytes() < 64 << 20, "{} bytes", table.bytes());
        let text = file.lines().step_by(9973).collect::<Vec<_>>().join(", not Nord7 werk, ");
        let mut hits = 0;
        let work = table.scan(&text.to_uppercase(), &mut |_| hits += 1);
        assert_eq!(hits, file.lines().step_by(9973).count());
        assert!(work <= 3 * text.len(), "{work} bytes read for {}", text.len());
    }

    #[test]
    fn work_is_linear_whatever_the_text() {
        let file = (2..=16).map(|words| "a ".repeat(words) + "b\n").collect::<String>();
        let table = TermTable::read(&file, false).unwrap();
        for unit in ["a ", "a", "a  \n ", "a-", "b a "] {
            let work = |size: usize| table.scan(&unit.repeat(size / unit.len()), &mut |_| {});
            let (short, long) = (work(1 << 14), work(1 << 18));
            assert!(long <= 17 * short, "{unit:?}: {short} for the short text, {long} for one of 16 times its length");
            assert!(long <= 17 << 18, "{unit:?}: {long}");
        }
    }
}
