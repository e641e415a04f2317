//! From bytes to code points and UTF-16 units, which clients in other languages count in. One checkpoint for each
//! block of text, none at all for ASCII; it must never take memory in proportion to bytes, since parts can be large.

use std::fmt;
use std::ops::Range;

/// Bytes between two checkpoints: a query counts at most this many bytes, which takes well below a microsecond.
const BLOCK: usize = 1024;

/// Code points and UTF-16 units before a place.
#[derive(Clone, Copy, Default)]
struct Counts {
    code_points: usize,
    utf16: usize,
}

/// Converts offsets of one text.
pub struct CodePoints<'a> {
    text: &'a str,
    /// Counts before each block; empty for ASCII, where all three offsets are the same.
    checkpoints: Vec<Counts>,
}

impl<'a> CodePoints<'a> {
    /// Reads the text once.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        if text.is_ascii() {
            return Self { text, checkpoints: Vec::new() };
        }
        let mut checkpoints = Vec::with_capacity(text.len() / BLOCK + 1);
        let mut counts = Counts::default();
        for block in text.as_bytes().chunks(BLOCK) {
            checkpoints.push(counts);
            counts = counts.and(block);
        }
        Self { text, checkpoints }
    }

    /// Code points before a byte offset. An offset inside a character counts that character; one beyond the text
    /// counts the whole text.
    #[must_use]
    pub fn code_point(&self, byte: usize) -> usize {
        self.counts(byte).code_points
    }

    /// UTF-16 units before a byte offset, with the same rule.
    #[must_use]
    pub fn utf16(&self, byte: usize) -> usize {
        self.counts(byte).utf16
    }

    /// A range of bytes in code points.
    #[must_use]
    pub fn code_point_range(&self, range: Range<usize>) -> Range<usize> {
        self.code_point(range.start)..self.code_point(range.end)
    }

    /// A range of bytes in UTF-16 units.
    #[must_use]
    pub fn utf16_range(&self, range: Range<usize>) -> Range<usize> {
        self.utf16(range.start)..self.utf16(range.end)
    }

    /// The byte offset of a code point; the length of the text for one beyond it.
    #[must_use]
    pub fn byte(&self, code_point: usize) -> usize {
        if self.checkpoints.is_empty() {
            return code_point.min(self.text.len());
        }
        let index = self.checkpoints.partition_point(|counts| counts.code_points <= code_point).saturating_sub(1);
        let before = self.checkpoints.get(index).copied().unwrap_or_default().code_points;
        let bytes = self.text.as_bytes().get(index * BLOCK..).unwrap_or_default();
        bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| starts_character(**byte))
            .nth(code_point - before)
            .map_or(self.text.len(), |(at, _)| index * BLOCK + at)
    }

    fn counts(&self, byte: usize) -> Counts {
        let byte = byte.min(self.text.len());
        if self.checkpoints.is_empty() {
            return Counts { code_points: byte, utf16: byte };
        }
        let index = (byte / BLOCK).min(self.checkpoints.len() - 1);
        let before = self.checkpoints.get(index).copied().unwrap_or_default();
        before.and(self.text.as_bytes().get(index * BLOCK..byte).unwrap_or_default())
    }
}

impl fmt::Debug for CodePoints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodePoints({} bytes)", self.text.len())
    }
}

impl Counts {
    fn and(self, bytes: &[u8]) -> Self {
        let code_points = bytes.iter().filter(|byte| starts_character(**byte)).count();
        // A character of four bytes takes two units of UTF-16, every other takes one.
        let pairs = bytes.iter().filter(|byte| **byte >= 0xf0).count();
        Self { code_points: self.code_points + code_points, utf16: self.utf16 + code_points + pairs }
    }
}

/// Whether a byte of UTF-8 is not a continuation byte.
fn starts_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ascii_needs_no_table() {
        let offsets = CodePoints::of("plain\0text");
        assert!(offsets.checkpoints.is_empty());
        assert_eq!(offsets.code_point_range(2..7), 2..7);
        assert_eq!(offsets.utf16_range(2..99), 2..10);
        assert_eq!(offsets.byte(3), 3);
        assert_eq!(offsets.byte(99), 10);
    }

    #[test]
    fn emoji_combining_marks_and_right_to_left_count_as_code_points() {
        let text = "👩\u{200d}🔬 e\u{301} שלום 7";
        let at = text.find('7').unwrap();
        let offsets = CodePoints::of(text);
        assert_eq!(offsets.code_point(at), text[..at].chars().count());
        assert_eq!(offsets.utf16(at), text[..at].encode_utf16().count());
        assert_eq!(offsets.byte(offsets.code_point(at)), at);
    }

    #[test]
    fn blocks_join_without_a_seam() {
        let text = "é字🙂a".repeat(700);
        let offsets = CodePoints::of(&text);
        let (mut code_points, mut utf16) = (0, 0);
        for (at, c) in text.char_indices() {
            assert_eq!((offsets.code_point(at), offsets.utf16(at)), (code_points, utf16));
            assert_eq!(offsets.byte(code_points), at);
            code_points += 1;
            utf16 += c.len_utf16();
        }
        assert_eq!(offsets.code_point(text.len()), code_points);
        assert_eq!(offsets.byte(code_points), text.len());
    }

    proptest! {
        #[test]
        fn offsets_agree_with_counting(text in any::<String>()) {
            let offsets = CodePoints::of(&text);
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                prop_assert_eq!(offsets.code_point(at), text[..at].chars().count());
                prop_assert_eq!(offsets.utf16(at), text[..at].encode_utf16().count());
                prop_assert_eq!(offsets.byte(offsets.code_point(at)), at);
            }
        }
    }
}
