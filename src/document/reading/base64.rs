//! Base64 and base64url (RFC 4648, sections 4 and 5) that hold text. Keys, hashes, images and certificates are bytes
//! without a meaning as text, and the first few of them show it, so a long one costs hardly more than a short one.

use std::ops::Range;

use super::super::segment::Rule;
use super::Kind;
use super::plan::Plan;

/// Characters of the shortest stretch that is tried, padding included: nine bytes. Nine random bytes are readable
/// once in ten thousand times, and then say nothing that a rule would know.
const SHORTEST: usize = 12;

/// A line of wrapped base64 has at least so many characters (64 in PEM, 76 in MIME) and holds whole groups.
const WRAPPED: usize = 56;

/// A character of either alphabet.
pub(super) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn value(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

/// Tries a run of base64 characters; returns where what it took ends.
pub(super) fn stretch(bytes: &[u8], run: Range<usize>, plan: &mut Plan, work: &mut usize) -> Option<usize> {
    if run.len() + 2 < SHORTEST || is_part_of_token(bytes, &run) {
        return None;
    }
    if let Some(end) = decode(bytes, run.clone(), plan, work) {
        return Some(end);
    }
    // The last segment of a path: only base64url stands there, which has no slash.
    let inner = bytes.get(run.clone())?;
    let cut = inner.iter().rposition(|byte| *byte == b'/')?;
    let rest = run.start + cut + 1..run.end;
    if rest.len() + 2 < SHORTEST { None } else { decode(bytes, rest, plan, work) }
}

/// Header, payload or signature of a JSON web token (RFC 7519): the token as a whole is found as what it is.
fn is_part_of_token(bytes: &[u8], run: &Range<usize>) -> bool {
    let before = run.start.checked_sub(1).and_then(|at| bytes.get(at));
    before == Some(&b'.')
        || (bytes.get(run.end) == Some(&b'.') && bytes.get(run.clone()).is_some_and(|run| run.starts_with(b"eyJ")))
}

/// Decodes the run and the lines that go on from it. A line that is no text ends the stretch before it, so no line is
/// read more often than a few times whatever follows.
fn decode(bytes: &[u8], run: Range<usize>, plan: &mut Plan, work: &mut usize) -> Option<usize> {
    let start = run.start;
    let mut text = Utf8::default();
    let mut end = text.line(bytes, &run, plan, work)?;
    if end - start < SHORTEST || !text.says_something() {
        plan.drop_open();
        return None;
    }
    let mut line = run;
    while let Some(next) = next_line(bytes, &line, end) {
        let Some(next_end) = text.line(bytes, &next, plan, work) else { break };
        (line, end) = (next, next_end);
    }
    plan.finish(start..end, Kind::Encoding, "base64 undone");
    Some(end)
}

/// The run of base64 on the next line, if the text goes on there.
fn next_line(bytes: &[u8], line: &Range<usize>, end: usize) -> Option<Range<usize>> {
    if end != line.end || line.len() < WRAPPED || !line.len().is_multiple_of(4) {
        return None;
    }
    let space = bytes.iter().skip(end).take(64).take_while(|byte| byte.is_ascii_whitespace()).count();
    let gap = bytes.get(end..end + space)?;
    if gap.iter().filter(|byte| **byte == b'\n').count() != 1 {
        return None;
    }
    let from = end + space;
    let length = bytes.iter().skip(from).take_while(|byte| is_digit(**byte)).count();
    (length > 1).then(|| from..from + length)
}

/// Bytes that must turn out to be readable UTF-8.
#[derive(Default)]
struct Utf8 {
    /// Of the line that is read, after those of a character that the line before cut.
    bytes: Vec<u8>,
    letters: usize,
    signs: usize,
    /// Bytes that the character begun still needs.
    expected: usize,
}

impl Utf8 {
    /// Decodes one line and gives its text to the plan; returns where it ends with its padding. `None` as soon as it
    /// cannot be text; nothing of it was given then.
    fn line(&mut self, bytes: &[u8], line: &Range<usize>, plan: &mut Plan, work: &mut usize) -> Option<usize> {
        let padding = bytes.iter().skip(line.end).take(2).take_while(|byte| **byte == b'=').count();
        if line.len() % 4 == 1 || (padding > 0 && !(line.len() + padding).is_multiple_of(4)) {
            return None;
        }
        let carried = self.bytes.len();
        for chunk in bytes.get(line.clone())?.chunks(4) {
            *work += chunk.len();
            let mut buffer = 0;
            for byte in chunk {
                buffer = (buffer << 6) | value(*byte)?;
            }
            buffer <<= 6 * (4 - chunk.len());
            for index in 1..chunk.len() {
                self.push(u8::try_from((buffer >> (24 - 8 * index)) & 0xff).ok()?)?;
            }
        }
        let end = line.end + padding;
        let whole = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.len(),
            // Only a wrapped line may cut a character.
            Err(error) if error.error_len().is_none() && line.len() >= WRAPPED => error.valid_up_to(),
            Err(_) => return None,
        };
        let text = std::str::from_utf8(self.bytes.get(..whole)?).ok()?;
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return None;
        }
        let cut = text.chars().next().filter(|_| carried > 0).map_or(0, char::len_utf8);
        plan.text(text.get(..cut)?, line.start, Rule::Whole(4));
        // Bytes of this line that the cut character took.
        let taken = cut.saturating_sub(carried);
        plan.text(text.get(cut..)?, line.start + taken / 3 * 4, Rule::Groups { phase: taken % 3, end });
        self.bytes.drain(..whole);
        Some(end)
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        match (self.expected, byte) {
            (0, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b' ' | b'\n' | b'\r' | b'\t') => self.letters += 1,
            (0, b'!'..=b'~') => self.signs += 1,
            (0, 0xc2..=0xdf) => self.expected = 1,
            (0, 0xe0..=0xef) => self.expected = 2,
            (0, 0xf0..=0xf4) => self.expected = 3,
            (1.., 0x80..=0xbf) => {
                self.expected -= 1;
                self.letters += 1;
            }
            _ => return None,
        }
        self.bytes.push(byte);
        Some(())
    }

    /// Whether there is more to it than signs.
    fn says_something(&self) -> bool {
        self.letters > self.signs
    }
}
