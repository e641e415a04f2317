//! Seed phrases of wallets: runs of words from the English list of BIP-39, with or without a right checksum. One pass
//! over the words of a text; ordinary prose leaves the list at every third word.
//!
//! Source of the words and of the checksum rule: BIP-39 (<https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>),
//! MIT licence.

use std::ops::Range;

use super::work;

use sha2::{Digest, Sha256};

const LIST: &str = include_str!("bip39_english.txt");

/// A text that speaks of a wallet; looked for near a run.
const NEAR: &[&str] = &[
    "seed",
    "mnemonic",
    "wallet",
    "recovery",
    "recover",
    "phrase",
    "bip39",
    "bip-39",
    "ledger",
    "trezor",
    "metamask",
    "secret words",
    "backup words",
    "wiederherstellung",
    "portefeuille",
    "cartera",
    "portfel",
];

/// The words of the list, packed into eight bytes each, in order; a word's place is its number.
#[derive(Debug)]
pub(super) struct Words {
    packed: Vec<u64>,
}

/// A run and how sure it is.
#[derive(Debug, PartialEq)]
pub(super) struct Phrase {
    pub(super) range: Range<usize>,
    pub(super) score: f32,
    pub(super) checksum: bool,
}

struct Run {
    words: Vec<u16>,
    start: usize,
    end: usize,
    strangers: usize,
}

impl Words {
    pub(super) fn new() -> Self {
        Self { packed: LIST.lines().filter_map(pack).collect() }
    }

    fn number(&self, word: &str) -> Option<u16> {
        self.packed.binary_search(&pack(word)?).ok().and_then(|at| u16::try_from(at).ok())
    }

    /// Every phrase of at least twelve words in `text`.
    pub(super) fn find(&self, text: &str, emit: &mut impl FnMut(Phrase)) {
        work::read(text.len());
        let mut run: Option<Run> = None;
        let mut at = 0;
        for piece in text.split_inclusive(|c: char| !c.is_ascii_alphabetic()) {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            let start = at;
            at += piece.len();
            if word.is_empty() {
                // Numbers, commas and line ends may stand between the words; a full stop or another letter may not.
                let breaks = piece
                    .chars()
                    .any(|c| !c.is_ascii() || matches!(c, '!' | '?' | '(' | ')' | '=' | '{' | '}' | '/' | '\\' | '_'));
                if breaks || run.as_ref().is_some_and(|run| start - run.end > 8) {
                    self.close(text, run.take(), emit);
                }
                continue;
            }
            let number = self.number(word);
            match (&mut run, number) {
                (Some(run), Some(number)) => {
                    run.words.push(number);
                    run.end = start + word.len();
                }
                // One mistyped word may stand inside a phrase.
                (Some(open), None) if open.strangers == 0 && open.words.len() >= 3 && (3..=8).contains(&word.len()) => {
                    open.strangers = 1;
                    open.words.push(u16::MAX);
                    open.end = start + word.len();
                }
                (Some(_), None) => self.close(text, run.take(), emit),
                (None, Some(number)) => {
                    run = Some(Run { words: vec![number], start, end: start + word.len(), strangers: 0 });
                }
                (None, None) => {}
            }
            // *my seed phrase:* and the end of a sentence are no part of a phrase.
            match piece.chars().next_back() {
                Some(':') => run = None,
                Some('.' | '!' | '?') => self.close(text, run.take(), emit),
                _ => {}
            }
        }
        self.close(text, run, emit);
    }

    fn close(&self, text: &str, run: Option<Run>, emit: &mut impl FnMut(Phrase)) {
        // A stranger at the end was the word after the phrase.
        let run = run.filter(|run| run.words.last() != Some(&u16::MAX) || run.words.len() > 12);
        let Some(run) = run.filter(|run| run.words.len() >= 12) else { return };
        work::read(run.end - run.start);
        let ordered =
            run.words.windows(2).filter(|pair| matches!(pair, [a, b] if a < b)).count() + 2 >= run.words.len();
        let distinct = run.words.iter().collect::<std::collections::BTreeSet<_>>().len();
        if ordered || distinct * 3 < run.words.len() * 2 {
            return;
        }
        let standard = matches!(run.words.len(), 12 | 15 | 18 | 21 | 24);
        let checksum = run.strangers == 0 && standard && has_checksum(&run.words);
        let named = is_named(text, run.start, run.end);
        let score = match (checksum, named, run.strangers) {
            (true, _, _) => 0.95,
            (false, true, _) => 0.85,
            (false, false, 0) if standard => 0.6,
            _ => return,
        };
        emit(Phrase { range: run.start..run.end, score, checksum });
    }
}

/// Whether a word of wallets stands within 160 bytes of the run.
fn is_named(text: &str, start: usize, end: usize) -> bool {
    let mut from = start.saturating_sub(160);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut to = (end + 160).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    // The first word of the run may be the heading *seed* itself.
    let around = [text.get(from..start + 6), text.get(end..to)];
    around.into_iter().flatten().any(|piece| {
        let piece = piece.to_lowercase();
        NEAR.iter().any(|word| piece.contains(word))
    })
}

/// At most eight letters, folded, in an order that compares as the letters do.
fn pack(word: &str) -> Option<u64> {
    (3..=8).contains(&word.len()).then(|| {
        word.bytes().fold(0_u64, |packed, byte| (packed << 8) | u64::from(byte.to_ascii_lowercase()))
            << (8 * (8 - word.len()))
    })
}

/// The last bits of the words are the first bits of the SHA-256 of the others: one bit for three words.
fn has_checksum(words: &[u16]) -> bool {
    let mut bits = words.iter().flat_map(|word| (0..11).rev().map(move |bit| (word >> bit) & 1 == 1));
    let check = words.len() / 3;
    let entropy_bytes = words.len() * 11 / 33 * 4;
    let entropy: Vec<u8> =
        (0..entropy_bytes).map(|_| bits.by_ref().take(8).fold(0_u8, |byte, bit| (byte << 1) | u8::from(bit))).collect();
    let given = bits.fold(0_u8, |sum, bit| (sum << 1) | u8::from(bit));
    let hash = Sha256::digest(&entropy);
    hash.first().is_some_and(|first| first >> (8 - check.min(8)) == given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(text: &str) -> Vec<(String, f32)> {
        let mut found = Vec::new();
        Words::new().find(text, &mut |phrase| found.push((text.get(phrase.range).unwrap().to_owned(), phrase.score)));
        found
    }

    #[test]
    fn the_list_is_whole_and_sorted() {
        let words = Words::new();
        assert_eq!(words.packed.len(), 2048);
        assert!(words.packed.is_sorted());
        assert_eq!(words.number("zoo"), Some(2047));
        assert_eq!(words.number("Abandon"), Some(0));
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // Test vector of BIP-39: entropy of sixteen bytes 0x7f.
        let good = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let words = Words::new();
        let numbers: Vec<u16> = good.split(' ').map(|word| words.number(word).unwrap()).collect();
        assert!(has_checksum(&numbers));
        // Four bits of checksum: one last word in sixteen is right.
        let right = (0..2048).filter(|last| has_checksum(&[&numbers[..11], &[*last]].concat())).count();
        assert_eq!(right, 128);
        // Twenty-four words, 32 bytes of 0x80.
        let long = "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless";
        let numbers: Vec<u16> = long.split(' ').map(|word| words.number(word).unwrap()).collect();
        assert!(has_checksum(&numbers));
    }

    #[test]
    fn phrases_are_found_and_prose_is_not() {
        let phrase = "cattle gravity snow orbit velvet canyon humble ribbon tunnel fossil wisdom pepper";
        assert_eq!(phrases(phrase).len(), 1);
        let found = phrases(&format!("my seed phrase: {phrase}. keep it"));
        assert_eq!(found, [(phrase.to_owned(), 0.85)]);
        let typo = phrase.replace("velvet", "vellvet");
        assert_eq!(phrases(&format!("wallet words: {typo}")).len(), 1);
        assert_eq!(phrases(&typo), []);
        let numbered = "1. cattle\n2. gravity\n3. snow\n4. orbit\n5. velvet\n6. canyon\n7. humble\n8. ribbon\n9. tunnel\n10. fossil\n11. wisdom\n12. pepper";
        assert_eq!(phrases(&format!("seed\n{numbered}")).len(), 1);
        assert_eq!(
            phrases("abandon ability able about above absent absorb abstract absurd abuse access accident account"),
            []
        );
        assert_eq!(phrases("we will all travel to the same country next summer and enjoy some good food there"), []);
    }
}
