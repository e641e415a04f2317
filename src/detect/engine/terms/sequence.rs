//! The words of a text, and sequences of them folded as terms are. The hash of a sequence reads on where its last word
//! ended, so that one more word costs that word only.

use std::ops::Range;

use super::super::words::{fold, is_word};
use super::MAX_TERM;

/// A sequence of words, folded as terms are, with its hash.
pub(super) struct Sequence {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: u64,
    cased: bool,
    /// Bytes read since it was cleared.
    pub(super) read: usize,
}

impl Sequence {
    /// No words yet; `cased`: they are not folded.
    pub(super) fn new(cased: bool) -> Self {
        Self { bytes: Vec::new(), hash: FNV_OFFSET, cased, read: 0 }
    }

    /// No words again.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.hash = FNV_OFFSET;
        self.read = 0;
    }

    /// A word longer than any term is cut: it is longer than any term still.
    pub(super) fn push_word(&mut self, word: &str) {
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
    pub(super) fn push_gap(&mut self, gap: &str) -> bool {
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
pub(super) fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

/// The words of a text: runs of letters, digits and marks.
pub(super) struct Words<'t> {
    pub(super) text: &'t str,
    /// Where the next one is looked for.
    pub(super) at: usize,
}

impl<'t> Words<'t> {
    /// From the start of a text.
    pub(super) fn of(text: &'t str) -> Self {
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
