//! What people spell out so that a machine does not see it: letters and digits set apart (`c o n f i d e n t i a l`,
//! `4.1.1.1`), digits in words (`four one one one`), key words in disguise (`p4ssw0rd`), letters of other scripts and
//! letters in circles. One pass over the tokens of a text; a token is looked at once.

use std::ops::Range;

use super::super::segment::Rule;
use super::Kind;
use super::letters::{digit_word, enclosed, key_word, key_words, look_alike, may_be_digit, repeats, undisguised};
use super::plan::Plan;

/// Fewest characters set apart that make a word: abbreviations such as `e.g.`, `U.S.A.` and `q.e.d.` have fewer.
const LETTERS: usize = 5;
/// Fewest digits set apart that make a number.
const DIGITS: usize = 6;
/// Fewest digits in words that make a number.
const WORDS: usize = 4;
/// Fewest letters in circles that make a word: one is the number of a footnote or a list.
const ENCLOSED: usize = 3;
/// Longest token that is looked into, in bytes.
const LONGEST: usize = 64;

/// What bytes a token holds.
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SIGN: u8 = 4;
const WIDE: u8 = 8;
const LETTER_AND_WIDE: u8 = LETTER | WIDE;

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => LETTER,
        b'0'..=b'9' => DIGIT,
        b'@' | b'$' | b'!' | b'|' | b'+' => SIGN,
        0x80.. => WIDE,
        _ => 0,
    }
}

/// The changes that join and undo what a text spells out.
pub(super) fn plan(text: &str) -> Plan {
    let mut speller =
        Speller { text, plan: Plan::default(), apart: Vec::new(), sign: None, number: Vec::new(), times: None };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let kind = class(*byte);
        if kind == 0 {
            at += 1;
            continue;
        }
        let (end, kinds) = token_end(text, at);
        if end == at {
            // A sign of another script: it separates.
            at = text.ceil_char_boundary(at + 1);
            continue;
        }
        speller.token(at..end, kinds);
        at = end;
    }
    speller.end_apart();
    speller.end_number();
    speller.plan
}

/// Where the token at `at` ends and what it holds.
fn token_end(text: &str, at: usize) -> (usize, u8) {
    let bytes = text.as_bytes();
    let mut end = at;
    let mut kinds = 0;
    while let Some(byte) = bytes.get(end) {
        match class(*byte) {
            0 => break,
            WIDE => {
                let Some(c) = text.get(end..).and_then(|rest| rest.chars().next()) else { break };
                if !c.is_alphanumeric() && enclosed(c).is_none() {
                    break;
                }
                kinds |= WIDE;
                end += c.len_utf8();
            }
            kind => {
                kinds |= kind;
                end += 1;
            }
        }
    }
    (end, kinds)
}

struct Speller<'t> {
    text: &'t str,
    plan: Plan,
    /// Single characters in a row, each with what stands before it: nothing, a sign that belongs to the text, or the end
    /// of a word.
    apart: Vec<(Range<usize>, Gap)>,
    /// What stands between them.
    sign: Option<u8>,
    /// Digits in words, with how often each is meant.
    number: Vec<(Range<usize>, u8, usize)>,
    /// `double`, waiting for its digit.
    times: Option<(Range<usize>, usize)>,
}

/// What stands before a character that is set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    Word,
    Sign(u8),
}

impl Speller<'_> {
    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    fn token(&mut self, range: Range<usize>, kinds: u8) {
        // The last letter of a row, with the mark that ends the sentence.
        if range.len() == 2 && !self.apart.is_empty() && self.slice(range.clone()).ends_with('!') {
            self.single(range.start..range.end - 1);
            return self.end_apart();
        }
        let length = range.len();
        let single = length == 1 || (kinds == WIDE && length <= 4 && self.slice(range.clone()).chars().count() == 1);
        if single {
            self.single(range.clone());
        } else {
            self.end_apart();
        }
        self.word_of_number(&range, kinds, single);
        if single || length > LONGEST {
            return;
        }
        if kinds & WIDE != 0 {
            self.wide(range);
        } else if kinds & LETTER != 0 && kinds & (DIGIT | SIGN) != 0 && length >= 3 {
            self.disguised(range);
        }
    }

    /// A character that stands alone.
    fn single(&mut self, range: Range<usize>) {
        let Some((last, _)) = self.apart.last() else {
            self.apart.push((range, Gap::None));
            return;
        };
        let gap = self.text.as_bytes().get(last.end..range.start).unwrap_or_default();
        let gap = match (gap, self.sign) {
            ([sign], Some(known)) if *sign == known => Some(Gap::None),
            ([sign @ (b' ' | b'.' | b'-' | b'_' | b'*' | b'/' | b',')], None) => {
                self.sign = Some(*sign);
                Some(Gap::None)
            }
            ([b' ', b' '] | [b' ', b' ', b' '] | [b' ', b' ', b' ', b' '], Some(b' ')) => Some(Gap::Word),
            ([b' '], Some(b'.' | b'-' | b'_' | b'*')) => Some(Gap::Word),
            ([b' ', sign @ (b'.' | b'-' | b'_'), b' '], Some(b' ')) => Some(Gap::Sign(*sign)),
            _ => None,
        };
        if let Some(gap) = gap {
            self.apart.push((range, gap));
        } else {
            self.end_apart();
            self.apart.push((range, Gap::None));
        }
    }

    /// Joins the characters that stood apart, if they are enough for a word or a number.
    fn end_apart(&mut self) {
        let apart = std::mem::take(&mut self.apart);
        self.sign = None;
        let (Some((first, _)), Some((last, _))) = (apart.first(), apart.last()) else { return };
        let whole = first.start..last.end;
        let digits =
            apart.iter().filter(|(range, _)| self.slice(range.clone()).bytes().all(|b| b.is_ascii_digit())).count();
        let letters = apart.len() - digits;
        if (letters > 0 && apart.len() < LETTERS) || (letters == 0 && digits < DIGITS) {
            return;
        }
        let breaks = self.word_breaks(&apart);
        for (index, (range, gap)) in apart.into_iter().enumerate() {
            match gap {
                Gap::None if breaks.contains(&index) => self.plan.text(" ", range.start, Rule::Whole(0)),
                Gap::None => {}
                Gap::Word => self.plan.text(" ", range.start, Rule::Whole(0)),
                Gap::Sign(sign) => self.plan.character(char::from(sign), range.start.saturating_sub(2), 1),
            }
            let Some(c) = self.slice(range.clone()).chars().next() else { continue };
            let c = enclosed(c).or_else(|| look_alike(c)).map_or(c, char::from);
            self.plan.character(c, range.start, range.len());
        }
        let kind = if letters == 0 { Kind::Digits(digits) } else { Kind::Letters };
        self.plan.finish(whole, kind, "characters that stood apart joined");
    }

    /// Before which characters a key word begins, where single signs alone part all of them.
    fn word_breaks(&self, apart: &[(Range<usize>, Gap)]) -> Vec<usize> {
        if apart.len() > 2 * LONGEST || apart.iter().any(|(range, gap)| *gap != Gap::None || range.len() > 1) {
            return Vec::new();
        }
        let joined: String = apart.iter().map(|(range, _)| self.slice(range.clone()).to_ascii_lowercase()).collect();
        key_words(&joined).unwrap_or_default()
    }

    fn may_be_digit(&self, range: &Range<usize>) -> bool {
        self.text.as_bytes().get(range.start).is_some_and(|first| may_be_digit(*first, range.len()))
    }

    /// A word that names a digit, or a digit among such words.
    fn word_of_number(&mut self, range: &Range<usize>, kinds: u8, single: bool) {
        let previous =
            self.times.as_ref().map(|(range, _)| range.end).or(self.number.last().map(|(range, _, _)| range.end));
        if let Some(previous) = previous {
            let gap = self.text.as_bytes().get(previous..range.start).unwrap_or_default();
            if gap.len() > 3 || !gap.iter().all(|byte| matches!(byte, b' ' | b',' | b'-' | b'.' | b'/' | b'\n')) {
                self.end_number();
            }
        }
        let digit = match kinds {
            DIGIT if single && !self.number.is_empty() => self.text.as_bytes().get(range.start).copied(),
            LETTER | WIDE | LETTER_AND_WIDE if self.may_be_digit(range) => {
                let word = self.slice(range.clone()).to_lowercase();
                if let Some(times) = repeats(&word) {
                    self.times = Some((range.clone(), times));
                    return;
                }
                digit_word(&word)
            }
            _ => None,
        };
        match (digit, self.times.take()) {
            (Some(digit), Some((double, times))) => self.number.push((double.start..range.end, digit, times)),
            (Some(digit), None) => self.number.push((range.clone(), digit, 1)),
            (None, _) => self.end_number(),
        }
    }

    /// Joins the digits that words named, if they are enough for a number.
    fn end_number(&mut self) {
        self.times = None;
        let number = std::mem::take(&mut self.number);
        let (Some((first, _, _)), Some((last, _, _))) = (number.first(), number.last()) else { return };
        let whole = first.start..last.end;
        let digits = number.iter().map(|(_, _, times)| times).sum();
        if digits < WORDS {
            return;
        }
        for (range, digit, times) in number {
            let text = [digit; 3].map(char::from).iter().take(times).collect::<String>();
            self.plan.text(&text, range.start, Rule::Whole(range.len()));
        }
        self.plan.finish(whole, Kind::Digits(digits), "digits in words joined");
    }

    /// A key word with digits or signs for letters. A sign at its end may be one of the sentence.
    fn disguised(&mut self, range: Range<usize>) {
        let token = self.slice(range.clone());
        let bare = token.trim_end_matches(['!', '|', '$', '+', '@']);
        let found =
            undisguised(token).map(|word| (word, token.len())).or_else(|| Some((undisguised(bare)?, bare.len())));
        let Some((word, length)) = found else { return };
        if !token.get(..length).is_some_and(|seen| seen.bytes().any(|b| !b.is_ascii_alphabetic())) {
            return;
        }
        self.plan.text(word, range.start, Rule::Whole(length));
        self.plan.finish(range.start..range.start + length, Kind::Letters, "a disguised key word read as what it says");
    }

    /// A token with letters beyond ASCII: look-alikes among Latin letters, or letters in circles.
    fn wide(&mut self, range: Range<usize>) {
        let token = self.slice(range.clone());
        let mut folded = String::with_capacity(token.len());
        let (mut alike, mut circled, mut latin) = (0, 0, 0);
        for c in token.chars() {
            let byte = if c.is_ascii() {
                latin += usize::from(c.is_ascii_alphabetic());
                None
            } else if let Some(byte) = enclosed(c) {
                circled += 1;
                Some(byte)
            } else if let Some(byte) = look_alike(c) {
                alike += 1;
                Some(byte)
            } else {
                return;
            };
            folded.push(byte.map_or(c, char::from));
        }
        let mixed = alike > 0 && (latin > 0 || key_word(&folded.to_ascii_lowercase()).is_some());
        if !mixed && circled < ENCLOSED {
            return;
        }
        let lengths: Vec<(char, usize)> = folded.chars().zip(token.chars().map(char::len_utf8)).collect();
        let mut at = range.start;
        for (c, length) in lengths {
            self.plan.character(c, at, length);
            at += length;
        }
        self.plan.finish(range, Kind::Letters, "look-alike letters read as Latin");
    }
}
