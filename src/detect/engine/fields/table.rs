//! CSV in a text: a header line above lines with as many cells. Prose has commas too, so that more is asked of a header
//! that is not the first line.

use std::ops::Range;

use super::MAX_NAME;
use super::names::trimmed;

/// Longest header line, and how far the start of a line is looked for.
pub(super) const MAX_LINE: usize = 4096;

/// Lines in which a header is looked for.
const MAX_PROSE: usize = 30;

/// Lines under a header line.
pub(super) struct Table {
    delimiter: u8,
    pub(super) header: Vec<Range<usize>>,
    /// The lines below the header.
    body: Range<usize>,
    /// Where the last question was, so that many questions about a long line do not each read it from its start.
    cursor: Cursor,
}

/// A place in a table.
#[derive(Clone, Copy)]
struct Cursor {
    at: usize,
    /// Delimiters before it in its line; unknown in the header and in lines whose start is too far back.
    column: Option<usize>,
    quoted: bool,
}

impl Table {
    /// Calls `found` for each cell below the header, with the name of its column.
    pub(super) fn cells(&self, bytes: &[u8], found: &mut dyn FnMut(Range<usize>, Range<usize>)) {
        let mut start = self.body.start;
        while let Some(rest) = bytes.get(start..self.body.end).filter(|rest| !rest.is_empty()) {
            let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let cells = split_cells(bytes, start..start + line, self.delimiter);
            for (name, cell) in self.header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                found(name.clone(), cell);
            }
            start += line + 1;
        }
    }

    /// The header of the column in which `at` lies.
    pub(super) fn column(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        if !self.body.contains(&at) {
            return None;
        }
        if at < self.cursor.at || at - self.cursor.at > MAX_LINE {
            let from = at.saturating_sub(MAX_LINE);
            let line = bytes.get(from..at)?;
            let newline = memchr::memrchr(b'\n', line).map(|newline| from + newline + 1);
            self.cursor = Cursor { at: newline.unwrap_or(at), column: newline.map(|_| 0), quoted: false };
        }
        for &byte in bytes.get(self.cursor.at..at)? {
            match byte {
                b'\n' => (self.cursor.column, self.cursor.quoted) = (Some(0), false),
                b'"' => self.cursor.quoted = !self.cursor.quoted,
                _ if byte == self.delimiter && !self.cursor.quoted => {
                    self.cursor.column = self.cursor.column.map(|column| column + 1);
                }
                _ => {}
            }
        }
        self.cursor.at = at;
        self.header.get(self.cursor.column?).cloned()
    }
}

/// The first line that reads like a header above a line with as many cells. Below the first line of the text more is
/// asked of it, because prose has commas too.
pub(super) fn table(bytes: &[u8]) -> Option<Table> {
    let mut start = 0;
    for number in 0..MAX_PROSE {
        let rest = bytes.get(start..)?;
        let end = start + memchr::memchr(b'\n', rest)?;
        let second = end + 1..line_end(bytes, end + 1);
        if end - start <= MAX_LINE
            && let Some(delimiter) = shared_delimiter(bytes.get(start..end)?, bytes.get(second.clone())?)
        {
            let header = split_cells(bytes, start..end, delimiter);
            let named = header.iter().all(|name| name.len() <= MAX_NAME);
            let body = end + 1..if number == 0 {
                bytes.len()
            } else {
                table_end(bytes, second.start, header.len(), delimiter)
            };
            if named && (number == 0 || (header.len() > 2 && header.iter().all(|name| is_short_name(bytes, name)))) {
                return Some(Table { delimiter, header, body, cursor: Cursor { at: 0, column: None, quoted: false } });
            }
        }
        start = end + 1;
    }
    None
}

/// The delimiter that splits two lines into equally many cells.
fn shared_delimiter(first: &[u8], second: &[u8]) -> Option<u8> {
    let second = second.get(..second.len().min(MAX_LINE)).unwrap_or_default();
    b",;\t|".iter().copied().find(|delimiter| {
        let cells = delimiters(first, *delimiter);
        cells > 0 && cells == delimiters(second, *delimiter)
    })
}

/// Whether a cell of a header below other text is short and no piece of a sentence.
fn is_short_name(bytes: &[u8], name: &Range<usize>) -> bool {
    let name = bytes.get(name.clone()).unwrap_or_default();
    let blanks = name.iter().filter(|byte| byte.is_ascii_whitespace()).count();
    name.len() <= 32 && blanks <= 2 && !name.iter().any(|byte| matches!(byte, b'.' | b'!' | b'?' | b'{' | b'}' | b'='))
}

/// Where the lines end that have as many cells as the header.
fn table_end(bytes: &[u8], start: usize, cells: usize, delimiter: u8) -> usize {
    let mut end = start;
    while end < bytes.len() {
        let next = line_end(bytes, end);
        let line = bytes.get(end..next.min(end + MAX_LINE)).unwrap_or_default();
        if delimiters(line, delimiter) + 1 != cells {
            break;
        }
        end = next + 1;
    }
    end.min(bytes.len())
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The cells of a line, without blanks and quotation marks around them.
fn split_cells(bytes: &[u8], line: Range<usize>, delimiter: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let (mut start, mut quoted) = (line.start, false);
    for (at, &byte) in bytes.iter().enumerate().take(line.end).skip(line.start) {
        quoted ^= byte == b'"';
        if byte == delimiter && !quoted {
            cells.push(trimmed(bytes, start..at));
            start = at + 1;
        }
    }
    cells.push(trimmed(bytes, start..line.end));
    cells
}

/// Delimiters outside quotes.
fn delimiters(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for &byte in line {
        quoted ^= byte == b'"';
        count += usize::from(byte == delimiter && !quoted);
    }
    count
}
