//! A text of any length in pieces that overlap, with the line and column of each. It holds one piece at a time, so a file
//! of any size is scanned in little memory, also one that is a single line.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::{Event, Events, Place, Reason, Unit, Utf8Reader};

/// Bytes of a piece: a quarter of a mebibyte, about a hundred pages. Larger ones are judged no better, and wait longer.
pub const PIECE_BYTES: usize = 256 * 1024;
/// Bytes that two neighbours share: more than any finding and the words around it that count.
pub const OVERLAP_BYTES: usize = 8 * 1024;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Line of its first character, from 1.
    pub line: u64,
    /// Column of its first character in code points, from 1.
    pub column: u64,
    /// Bytes that belong to this piece; the rest belongs to its neighbours.
    pub owned: Range<usize>,
}

/// The pieces of a text.
#[derive(Debug)]
pub struct Pieces<R> {
    reader: Utf8Reader<R>,
    held: String,
    owned_from: usize,
    line: u64,
    column: u64,
    first: bool,
    ended: bool,
    piece: usize,
    overlap: usize,
}

impl<R: Read> Pieces<R> {
    /// The pieces of what is read here.
    pub fn new(reader: Utf8Reader<R>) -> Self {
        Self::sized(reader, PIECE_BYTES, OVERLAP_BYTES)
    }

    fn sized(reader: Utf8Reader<R>, piece: usize, overlap: usize) -> Self {
        let (held, owned_from) = (String::new(), 0);
        Self { reader, held, owned_from, line: 1, column: 1, first: true, ended: false, piece, overlap }
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        while !self.ended && self.held.len() <= self.piece {
            match self.reader.chunk()? {
                Some(chunk) => self.held.push_str(chunk),
                None => self.ended = true,
            }
        }
        let (line, column) = (self.line, self.column);
        if self.held.len() <= self.piece {
            // The last piece; of an empty text there is one too, so that every file is seen to be scanned.
            let nothing_new = self.owned_from >= self.held.len() && !self.first;
            if !self.ended || nothing_new {
                self.held.clear();
                return Ok(None);
            }
            let text = std::mem::take(&mut self.held);
            let owned = self.owned_from..text.len();
            (self.owned_from, self.first) = (0, false);
            return Ok(Some(Piece { text, line, column, owned }));
        }
        let cut = cut(&self.held, self.piece);
        let start = floor(&self.held, cut.saturating_sub(self.overlap).max(1));
        let middle = floor(&self.held, start + (cut - start) / 2).max(self.owned_from);
        let (before, rest) = self.held.split_at_checked(start).unwrap_or((&self.held, ""));
        for character in before.chars() {
            if character == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        let rest = rest.to_owned();
        let mut text = std::mem::replace(&mut self.held, rest);
        text.truncate(cut);
        let owned = self.owned_from..middle;
        (self.owned_from, self.first) = (middle - start, false);
        Ok(Some(Piece { text, line, column, owned }))
    }
}

/// The largest place not after `at` where no character is cut.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where a piece ends: after the last line of its last quarter, else after the last space there, else anywhere.
fn cut(text: &str, most: usize) -> usize {
    let most = floor(text, most);
    let from = floor(text, most - most / 4);
    let tail = text.get(from..most).unwrap_or_default();
    let line = tail.rfind('\n').map(|at| from + at + 1);
    line.or_else(|| tail.rfind(' ').map(|at| from + at + 1)).unwrap_or(most)
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_piece().transpose()
    }
}

/// The pieces of one text that is in memory already.
pub(super) fn of_text(text: String) -> Vec<Piece> {
    if text.len() <= PIECE_BYTES {
        let owned = 0..text.len();
        return vec![Piece { text, line: 1, column: 1, owned }];
    }
    // A slice of bytes is read without errors.
    Pieces::new(Utf8Reader::new(text.as_bytes())).filter_map(Result::ok).collect()
}

/// The events of a text file.
pub(super) fn events<R: Read + Send + 'static>(reader: Utf8Reader<R>, path: Arc<str>) -> Events {
    let mut pieces = Pieces::new(reader);
    let mut done = false;
    let mut number = 0_u64;
    Box::new(std::iter::from_fn(move || {
        if done {
            return None;
        }
        match pieces.next() {
            Some(Ok(piece)) => {
                number += 1;
                let place = Place { line: Some(piece.line), column: piece.column, ..Place::default() };
                let id = format!("{path}#{number}");
                let unit = Unit {
                    id,
                    path: Arc::clone(&path),
                    place,
                    field: None,
                    text: piece.text.into(),
                    owned: piece.owned,
                };
                Some(Event::Unit(unit))
            }
            Some(Err(error)) => {
                done = true;
                Some(Event::unscanned(
                    &path,
                    Some(Place { line: Some(pieces.line), ..Place::default() }),
                    Reason::unreadable(&error),
                ))
            }
            None => {
                done = true;
                pieces.reader.repaired().then(|| encoding_note(&path))
            }
        }
    }))
}

pub(super) fn encoding_note(path: &Arc<str>) -> Event {
    Event::note(path, "some bytes are no text in the file's encoding; they were read as Windows-1252")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, piece: usize, overlap: usize) -> Vec<Piece> {
        Pieces::sized(Utf8Reader::new(text.as_bytes()), piece, overlap).map(Result::unwrap).collect()
    }

    #[test]
    fn a_short_text_is_one_piece_and_an_empty_one_too() {
        assert_eq!(pieces("one\ntwo", 100, 10), [Piece { text: "one\ntwo".into(), line: 1, column: 1, owned: 0..7 }]);
        assert_eq!(pieces("", 100, 10).len(), 1);
    }

    proptest::proptest! {
        /// What the pieces own, put together, is the text; each begins where it says; each owner sees what is around.
        #[test]
        fn nothing_is_lost_or_doubled(text in "[a-zäß€😀 \n]{0,400}", piece in 16_usize..80, overlap in 2_usize..8) {
            let pieces = pieces(&text, piece, overlap);
            let mut joined = String::new();
            for piece in &pieces {
                let position = joined.len() - piece.owned.start;
                proptest::prop_assert!(text.get(position..).unwrap().starts_with(&piece.text));
                let before = text.get(..position).unwrap();
                proptest::prop_assert_eq!(piece.line, 1 + before.matches('\n').count() as u64);
                let column = before.rsplit('\n').next().unwrap().chars().count() as u64 + 1;
                proptest::prop_assert_eq!(piece.column, column);
                joined.push_str(piece.text.get(piece.owned.clone()).unwrap());
            }
            proptest::prop_assert_eq!(joined, text);
            proptest::prop_assert!(pieces.iter().all(|found| found.text.len() <= piece));
        }
    }

    /// A stream without end of lines; it would fill any memory.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = (buffer.len() as u64).min(self.0);
            buffer[..count as usize].fill(b'x');
            self.0 -= count;
            Ok(count as usize)
        }
    }

    #[test]
    fn a_huge_line_is_read_in_little_memory() {
        let total = 64 << 20;
        let mut owned = 0;
        for piece in Pieces::new(Utf8Reader::new(Endless(total))) {
            let piece = piece.unwrap();
            assert!(piece.text.len() <= PIECE_BYTES && piece.text.capacity() <= 4 * PIECE_BYTES);
            owned += piece.owned.len() as u64;
        }
        assert_eq!(owned, total);
    }
}
