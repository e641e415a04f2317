//! Finds words and phrases in a text, all at once and in one pass: case is folded, a space of a phrase stands for any
//! run of white space, and hits lie on word boundaries. Folding keeps every character's length in bytes, so that
//! offsets need no map. Word lists and context words both use it.

use std::cell::OnceCell;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, MatchKind, dfa, nfa};

use super::inflection::{MAX_ENDING, is_ending, languages_with, stem};

/// Above this many bytes of terms the automaton is a compressed one: a full table takes about 200 bytes a state, and
/// one that leaves the cache is slower than a small one.
const DENSE_LIMIT: usize = 1 << 16;

/// A term to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'a> {
    /// Its text.
    pub(super) text: &'a str,
    /// What may follow it.
    pub(super) ending: Ending,
}

/// What may follow a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    /// The end of the word.
    Whole,
    /// The same, or the `s` of a plural.
    Plural,
    /// The rest of the word.
    Open,
    /// An ending of this language, by its position in [`crate::detect::language::CODES`]; on each word of a phrase.
    Inflected(usize),
}

/// A term found, in bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Index of the term.
    pub(super) term: usize,
    pub(super) start: usize,
    /// End of what the term covers, without a plural's `s` or the rest of the word; with an inflected one's ending.
    pub(super) end: usize,
}

/// Many terms.
pub(super) struct WordSet {
    automaton: Kind,
    terms: Vec<Stored>,
    joins: Joins,
    /// Each ASCII byte folded; those between words are a space.
    folded: [u8; 256],
}

/// What stands between the words of a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joins {
    /// White space.
    Space,
    /// White space, hyphens and underscores, as in names of fields.
    Signs,
}

impl Joins {
    fn holds(self, byte: u8) -> bool {
        match byte {
            b'\t'..=b'\r' | b' ' => true,
            b'-' | b'_' => self == Self::Signs,
            _ => false,
        }
    }
}

enum Kind {
    Dense(dfa::DFA),
    Compressed(nfa::contiguous::NFA),
}

/// Most bytes of white space between two words of an inflected phrase.
const MAX_GAP: usize = 32;

/// Letters that a word has at least to be looked for alone as the beginning of an inflected phrase. A shorter one, such as
/// that of *e-mail*, is in every second word of a text: it is looked for together with the next.
const ALONE: usize = 3;

struct Stored {
    /// Folded, with single spaces; of an inflected phrase the stem of its first word, or of two if the first is short.
    text: Box<str>,
    /// What was cut off the last word of that text.
    cut: Box<str>,
    /// Stems of the other words of an inflected phrase, each with what was cut off.
    rest: Box<[(Box<str>, Box<str>)]>,
    ending: Ending,
    bounded_left: bool,
    bounded_right: bool,
    spaced: bool,
}

impl WordSet {
    /// Builds the automaton.
    pub(super) fn build<'a>(
        terms: impl IntoIterator<Item = Term<'a>>,
        joins: Joins,
    ) -> Result<Self, aho_corasick::BuildError> {
        let terms: Vec<Stored> = terms.into_iter().map(|term| Stored::of(&term, joins)).collect();
        let texts = terms.iter().map(|term| term.text.as_bytes());
        let automaton = if terms.iter().map(|term| term.text.len()).sum::<usize>() <= DENSE_LIMIT {
            Kind::Dense(dfa::DFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(texts)?)
        } else {
            let builder =
                nfa::contiguous::NFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(texts)?;
            Kind::Compressed(builder)
        };
        let mut folded = [0; 256];
        for (byte, folded) in (0..=u8::MAX).zip(&mut folded) {
            *folded = if joins.holds(byte) { b' ' } else { byte.to_ascii_lowercase() };
        }
        Ok(Self { automaton, terms, joins, folded })
    }

    /// Calls `found` for each hit, in the order of their ends.
    pub(super) fn scan(&self, text: &str, found: &mut dyn FnMut(Hit)) {
        match &self.automaton {
            Kind::Dense(automaton) => self.run(automaton, text, found),
            Kind::Compressed(automaton) => self.run(automaton, text, found),
        }
    }

    fn run<A: Automaton>(&self, automaton: &A, text: &str, found: &mut dyn FnMut(Hit)) {
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return };
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut in_space = false;
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii() {
                at += 1;
                let folded = self.folded.get(usize::from(byte)).copied().unwrap_or(byte);
                if folded == b' ' && in_space {
                    continue;
                }
                in_space = folded == b' ';
                state = automaton.next_state(Anchored::No, state, folded);
            } else {
                in_space = false;
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                at += c.len_utf8();
                for folded in fold(c).encode_utf8(&mut [0; 4]).bytes() {
                    state = automaton.next_state(Anchored::No, state, folded);
                }
            }
            if automaton.is_match(state) {
                self.report(automaton, state, text, at, found);
            }
        }
    }

    #[inline(never)]
    fn report<A: Automaton>(&self, automaton: &A, state: StateID, text: &str, end: usize, found: &mut dyn FnMut(Hit)) {
        let following = Following::of(text.get(end..).unwrap_or_default());
        for index in 0..automaton.match_len(state) {
            let term = automaton.match_pattern(state, index).as_usize();
            let Some(stored) = self.terms.get(term) else { continue };
            // The left side first: it is one character, and most stems that a text holds stand inside other words.
            let start = stored.start(text, end, self.joins);
            if stored.bounded_left && text.get(..start).and_then(last).is_some_and(is_word) {
                continue;
            }
            let Some(ending) = stored.ending_in(&following, self.joins) else { continue };
            found(Hit { term, start, end: end + ending });
        }
    }
}

impl Stored {
    fn of(term: &Term<'_>, joins: Joins) -> Self {
        let mut text = fold_term(term.text, joins);
        let (mut cut, mut rest) = (Box::default(), Box::default());
        if let Ending::Inflected(language) = term.ending {
            let mut stems = text.split(' ').map(|word| {
                let stem = stem(word, language);
                (Box::from(stem), Box::from(word.get(stem.len()..).unwrap_or_default()))
            });
            let (mut first, mut first_cut): (Box<str>, Box<str>) = stems.next().unwrap_or_default();
            if first.chars().count() < ALONE
                && let Some((second, second_cut)) = stems.next()
            {
                (first, first_cut) = (format!("{first}{first_cut} {second}").into(), second_cut);
            }
            (cut, rest) = (first_cut, stems.collect());
            text = first.into();
        }
        let bounded = |c: Option<char>| c.is_some_and(|c| is_word(c) && !written_without_spaces(c));
        Self {
            ending: term.ending,
            cut,
            rest,
            bounded_left: bounded(text.chars().next()),
            bounded_right: bounded(text.chars().next_back()) && term.ending != Ending::Open,
            spaced: text.contains(' '),
            text: text.into(),
        }
    }

    /// How many bytes of what follows belong to the term; `None` if what follows makes it another word.
    fn ending_in(&self, following: &Following<'_>, joins: Joins) -> Option<usize> {
        if let Ending::Inflected(language) = self.ending {
            return self.inflected(following, language, joins);
        }
        let plural = || self.ending == Ending::Plural && following.is_plural();
        (!self.bounded_right || !following.goes_on || plural()).then_some(0)
    }

    /// An ending, and then each other word of the phrase with an ending.
    fn inflected(&self, following: &Following<'_>, language: usize, joins: Joins) -> Option<usize> {
        let mut end = following.ending(&self.cut, language)?;
        for (stem, cut) in &self.rest {
            let rest = following.text.get(end..)?;
            let gap = rest.bytes().take(MAX_GAP).take_while(|byte| joins.holds(*byte)).count();
            let mut chars = rest.get(gap..).filter(|_| gap > 0)?.chars();
            if !stem.chars().all(|wanted| chars.next().map(fold) == Some(wanted)) {
                return None;
            }
            let word_end = following.text.len() - chars.as_str().len();
            end = word_end + Following::of(chars.as_str()).ending(cut, language)?;
        }
        Some(end)
    }

    /// Where a hit begins that ends at `end`: a space of the term goes back over a run of white space.
    fn start(&self, text: &str, end: usize, joins: Joins) -> usize {
        if !self.spaced {
            return end.saturating_sub(self.text.len());
        }
        let mut before = text.get(..end).unwrap_or_default().as_bytes();
        for wanted in self.text.bytes().rev() {
            if wanted == b' ' {
                let kept = before.iter().rposition(|byte| !joins.holds(*byte)).map_or(0, |at| at + 1);
                before = before.get(..kept).unwrap_or_default();
            } else {
                before = before.split_last().map_or(before, |(_, rest)| rest);
            }
        }
        before.len()
    }
}

/// What stands behind a place where terms end. Many terms end at the same place, so the rest of the word there is read
/// once, by the first that asks.
struct Following<'t> {
    text: &'t str,
    /// Whether the word goes on.
    goes_on: bool,
    rest: OnceCell<Option<Rest>>,
}

/// The rest of a word, short enough to be an ending.
struct Rest {
    folded: [u8; MAX_ENDING + 4],
    /// Bytes of it, folded or not: folding keeps lengths.
    length: usize,
    /// The languages that have it as an ending.
    languages: u32,
}

impl<'t> Following<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, goes_on: text.chars().next().is_some_and(is_word), rest: OnceCell::new() }
    }

    /// Whether the word goes on with the `s` of a plural and nothing else.
    fn is_plural(&self) -> bool {
        let mut rest = self.text.chars();
        matches!(rest.next(), Some('s' | 'S')) && !rest.next().is_some_and(is_word)
    }

    /// How many bytes the rest of the word has, if it is an ending of this language in place of what was cut off, or
    /// behind it.
    fn ending(&self, cut: &str, language: usize) -> Option<usize> {
        if !self.goes_on {
            return Some(0);
        }
        let rest = self.rest.get_or_init(|| Rest::of(self.text)).as_ref()?;
        let behind = || rest.as_str().strip_prefix(cut).is_some_and(|ending| is_ending(ending, language));
        (rest.languages & (1 << language) != 0 || (!cut.is_empty() && behind())).then_some(rest.length)
    }
}

impl Rest {
    /// `None` for one longer than every ending.
    fn of(text: &str) -> Option<Self> {
        let (mut folded, mut length) = ([0; MAX_ENDING + 4], 0);
        for c in text.chars().take_while(|c| is_word(*c)) {
            let place = folded.get_mut(length..).filter(|place| length <= MAX_ENDING && place.len() >= 4)?;
            length += fold(c).encode_utf8(place).len();
        }
        let mut rest = Self { folded, length, languages: 0 };
        rest.languages = languages_with(rest.as_str());
        Some(rest)
    }

    fn as_str(&self) -> &str {
        self.folded.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

fn last(text: &str) -> Option<char> {
    text.chars().next_back()
}

/// Whether a character belongs to a word: letters, digits, and marks that combine with the letter before.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// Whether words of this script stand without spaces between, or carry their particles with them, so that no word
/// boundary can be asked for: Han, kana, Hangul, Thai, Lao, Burmese, Khmer.
pub(super) fn written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A character in small letters, or itself where that would change its length in UTF-8 (a handful of letters such as
/// `ẞ` and `İ`). Final sigma is a sigma.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    if c == 'ς' {
        return 'σ';
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(small), None) if small.len_utf8() == c.len_utf8() => small,
        _ => c,
    }
}

/// A term folded, with single spaces between its words.
pub(super) fn fold_term(term: &str, joins: Joins) -> String {
    let mut folded = String::with_capacity(term.len());
    let joint = |c: char| c.is_whitespace() || u8::try_from(c).is_ok_and(|byte| joins.holds(byte));
    for word in term.split(joint).filter(|word| !word.is_empty()) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().map(fold));
    }
    folded
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;
