//! Bytes to text: UTF-8, UTF-16 with a byte order mark, and what is neither. A byte that is no UTF-8 is read as
//! Windows-1252, in which most such files are written, because a replacement character would break the very names that
//! detectors look for. Nothing is dropped.

use std::io::{self, BufRead, Read};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;

/// Windows-1252 from 0x80 to 0x9F; the five bytes that it leaves open stand for the control characters of Latin-1
/// (<https://encoding.spec.whatwg.org/#windows-1252>).
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    byte.checked_sub(0x80).and_then(|index| WINDOWS_1252.get(usize::from(index)).copied()).unwrap_or(char::from(byte))
}

/// How the bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool },
}

/// Reads any of the encodings as UTF-8.
#[derive(Debug)]
pub struct Utf8Reader<R> {
    inner: R,
    encoding: Option<Encoding>,
    raw: Vec<u8>,
    text: String,
    taken: usize,
    ended: bool,
    repaired: bool,
}

impl<R: Read> Utf8Reader<R> {
    /// Reads from here; the first bytes tell the encoding.
    pub fn new(inner: R) -> Self {
        Self { inner, encoding: None, raw: Vec::new(), text: String::new(), taken: 0, ended: false, repaired: false }
    }

    /// Whether some bytes were no text in the file's encoding.
    #[must_use]
    pub fn repaired(&self) -> bool {
        self.repaired
    }

    /// The next text, not empty; `None` at the end.
    pub(super) fn chunk(&mut self) -> io::Result<Option<&str>> {
        self.fill()?;
        let chunk = self.text.get(self.taken..).unwrap_or_default();
        self.taken = self.text.len();
        Ok(if chunk.is_empty() { None } else { Some(chunk) })
    }

    /// Makes sure that there is text that was not taken, unless the end is reached.
    fn fill(&mut self) -> io::Result<()> {
        while self.taken >= self.text.len() && !self.ended {
            self.text.clear();
            self.taken = 0;
            let read = (&mut self.inner).take(CHUNK as u64).read_to_end(&mut self.raw)?;
            self.ended = read == 0;
            self.decode();
        }
        Ok(())
    }

    fn decode(&mut self) {
        let encoding = *self.encoding.get_or_insert_with(|| {
            let (encoding, mark) = match self.raw.as_slice() {
                [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
                [0xFF, 0xFE, ..] => (Encoding::Utf16 { big: false }, 2),
                [0xFE, 0xFF, ..] => (Encoding::Utf16 { big: true }, 2),
                _ => (Encoding::Utf8, 0),
            };
            self.raw.drain(..mark);
            encoding
        });
        let rest = match encoding {
            Encoding::Utf8 => self.decode_utf8(),
            Encoding::Utf16 { big } => self.decode_utf16(big),
        };
        let done = self.raw.len().saturating_sub(rest);
        self.raw.drain(..done);
    }

    /// Returns how many bytes at the end wait for more.
    fn decode_utf8(&mut self) -> usize {
        let rest = if self.ended { 0 } else { incomplete_tail(&self.raw) };
        let head = self.raw.get(..self.raw.len() - rest).unwrap_or_default();
        for chunk in head.utf8_chunks() {
            self.text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                self.repaired = true;
                self.text.push(windows_1252(*byte));
            }
        }
        rest
    }

    /// Returns how many bytes at the end wait for more.
    fn decode_utf16(&mut self, big: bool) -> usize {
        let mut units: Vec<u16> = Vec::with_capacity(self.raw.len() / 2);
        let (pairs, odd) = self.raw.as_chunks::<2>();
        units.extend(pairs.iter().map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }));
        let mut rest = odd.len();
        if self.ended && rest > 0 {
            self.repaired = true;
            rest = 0;
            units.push(0xFFFD);
        } else if !self.ended && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            units.pop();
            rest += 2;
        }
        for character in char::decode_utf16(units) {
            self.repaired |= character.is_err();
            self.text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        rest
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Utf8Reader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(self.text.as_bytes().get(self.taken..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.text.len());
    }
}

/// Bytes at the end that begin a character and do not end it: 0 to 3.
fn incomplete_tail(bytes: &[u8]) -> usize {
    for (back, byte) in bytes.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if needed > back + 1 { back + 1 } else { 0 };
    }
    0
}

/// What a file is that is no text, as its first bytes tell; `None` for text.
pub(super) fn binary_kind(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 17] = [
        (b"%PDF-", "PDF"),
        (b"PK\x03\x04", "ZIP archive or office document"),
        (b"PK\x05\x06", "empty ZIP archive"),
        (b"\x1f\x8b", "gzip archive"),
        (b"BZh", "bzip2 archive"),
        (b"\xfd7zXZ\x00", "xz archive"),
        (b"\x28\xb5\x2f\xfd", "zstd archive"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"\xff\xd8\xff", "JPEG image"),
        (b"GIF87a", "GIF image"),
        (b"GIF89a", "GIF image"),
        (b"SQLite format 3\x00", "SQLite database"),
        (b"\x7fELF", "program"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old office document"),
        (b"PAR1", "Parquet; name it .parquet or use --format parquet"),
        (b"{\\rtf", "RTF document"),
    ];
    if let Some((_, kind)) = KINDS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(kind);
    }
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return None;
    }
    // No text has this byte; UTF-16 without a byte order mark has it in every second place.
    head.contains(&0).then_some("unknown, or UTF-16 without a byte order mark")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes one by one, so that every character is cut once.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn read(bytes: &[u8]) -> (String, bool) {
        let mut reader = Utf8Reader::new(bytes);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let mut slow = Utf8Reader::new(Trickle(bytes));
        let mut again = String::new();
        while let Some(chunk) = slow.chunk().unwrap() {
            again.push_str(chunk);
        }
        assert_eq!(text, again);
        (text, reader.repaired())
    }

    #[test]
    fn every_encoding_gives_its_text() {
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            let mark = std::iter::once(0xFEFF_u16);
            let units = mark.chain(text.encode_utf16());
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let text = "Grüße an Zoë Müller, 😀 €5";
        assert_eq!(read(text.as_bytes()), (text.to_owned(), false));
        assert_eq!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), (text.to_owned(), false));
        assert_eq!(read(&utf16(text, false)), (text.to_owned(), false));
        assert_eq!(read(&utf16(text, true)), (text.to_owned(), false));
        assert_eq!(read(b""), (String::new(), false));
    }

    #[test]
    fn other_bytes_are_read_as_windows_1252_and_said() {
        assert_eq!(read(b"M\xfcller zahlt \x80 5"), ("Müller zahlt € 5".to_owned(), true));
        assert_eq!(read(b"cut \xe2\x82"), ("cut â‚".to_owned(), true));
        assert_eq!(read(b"\xff\xfea\x00b"), ("a\u{fffd}".to_owned(), true), "half of a character");
        assert_eq!(read(b"\xff\xfe\x00\xd8a\x00"), ("\u{fffd}a".to_owned(), true), "half of a pair");
    }

    #[test]
    fn what_is_no_text_is_told_by_its_first_bytes() {
        for (head, wanted) in [
            (b"%PDF-1.7".as_slice(), Some("PDF")),
            (b"PK\x03\x04xl", Some("ZIP archive or office document")),
            (b"a\x00b\x00", Some("unknown, or UTF-16 without a byte order mark")),
            (b"\xff\xfea\x00", None),
            (b"plain", None),
            (b"", None),
        ] {
            assert_eq!(binary_kind(head), wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn text_is_never_changed(text in ".{0,200}") {
            // A text that begins with the mark loses the mark.
            proptest::prop_assume!(!text.starts_with('\u{feff}'));
            proptest::prop_assert_eq!(read(text.as_bytes()), (text, false));
        }

        #[test]
        fn any_bytes_give_some_text(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
