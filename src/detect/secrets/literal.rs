//! How a value stands after its name: between quotes, or bare as far as white space or what ends a value in a shell, a
//! query string or a list. It reads forward only and at most a bounded piece; what stands between name and value is for
//! `assign.rs`.

use std::ops::Range;

use super::assign::Form;
use super::work;

/// The longest quoted value that is read, in bytes.
const MAX_QUOTED: usize = 2048;
/// The longest value without quotes that is read, in bytes.
pub(super) const MAX_BARE: usize = 512;

/// The byte at a place; 0 beyond the text.
pub(super) fn byte_at(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// A place in a text, moving on over what it reads.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Cursor<'_> {
    pub(super) fn byte(&self) -> u8 {
        byte_at(self.text, self.at)
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Skips spaces, at most 40 of them; returns how many.
    pub(super) fn spaces(&mut self) -> usize {
        let count = self.rest().bytes().take(40).take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at += count;
        count
    }

    /// Skips spaces and line ends, at most 40 of them.
    pub(super) fn white(&mut self) {
        self.at += self.rest().bytes().take(40).take_while(u8::is_ascii_whitespace).count();
    }
}

/// Reads an opening quote; returns what closes it.
pub(super) fn quote(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    for (open, close) in [
        ("\\\"", "\\\""),
        ("\\'", "\\'"),
        ("&quot;", "&quot;"),
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("“", "”"),
        ("„", "“"),
        ("«", "»"),
        ("‘", "’"),
    ] {
        if cursor.eat(open) {
            return Some(close);
        }
    }
    None
}

/// From the cursor to the closing quote, on one line.
pub(super) fn quoted(cursor: &Cursor<'_>, close: &str) -> Option<Range<usize>> {
    let rest = cursor.rest();
    let mut end = rest.len().min(MAX_QUOTED);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    work::read(end);
    let piece = rest.get(..end)?;
    let line = piece.split(['\n', '\r']).next()?;
    let mut from = 0;
    loop {
        let at = from + line.get(from..)?.find(close)?;
        // A backslash before a plain quote keeps the string open.
        let escaped = close.len() == 1
            && at > 0
            && line.as_bytes().get(at - 1) == Some(&b'\\')
            && line.as_bytes().get(at.wrapping_sub(2)) != Some(&b'\\');
        if !escaped {
            return (at > 0).then(|| cursor.at..cursor.at + at);
        }
        from = at + 1;
    }
}

/// From the cursor to white space or to what ends a value in a shell, a query string or a list.
pub(super) fn bare(cursor: &Cursor<'_>) -> Option<(Range<usize>, Form)> {
    let rest = cursor.rest();
    let mut end = 0;
    // What closes a bracket that was opened in the value belongs to it: `hex(random(32))`.
    let mut open = 0_usize;
    for (at, character) in rest.char_indices() {
        if at > MAX_BARE {
            work::read(at);
            return None;
        }
        let next = rest.as_bytes().get(at + character.len_utf8());
        let ends = character.is_whitespace()
            || matches!(character, '"' | '\'' | '`' | '<' | '\\' | '|' | '“' | '”')
            || (matches!(character, ';' | ',' | ')' | '}' | ']')
                && next
                    .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b';' | b',' | b')' | b'}' | b'"' | b'\'')))
            || (character == ';' && looks_like_pair(rest.get(at + 1..).unwrap_or("")))
            || (character == '&' && looks_like_pair(rest.get(at + 1..).unwrap_or("")));
        let closes = character == ')' && open > 0;
        if ends && !closes {
            break;
        }
        open = open + usize::from(character == '(') - usize::from(closes);
        end = at + character.len_utf8();
    }
    if end == 0 {
        return None;
    }
    let stop = rest.get(end..)?;
    let tail = stop.trim_start_matches([' ', '\t']);
    work::read(end + stop.len() - tail.len());
    let closed = stop.is_empty()
        || tail.is_empty()
        || tail.starts_with(['\n', '\r', ',', ';', ')', '}', ']', '&', '#', '"', '\'', '`', '<', '|', '\\'])
        || tail.starts_with("//")
        || tail.starts_with("-- ");
    // Options and further pairs on a command line also end a value.
    let closed = closed || tail.starts_with('-') || looks_like_pair(tail);
    Some((cursor.at..cursor.at + end, if closed { Form::Bare } else { Form::BareInText }))
}

/// `name=` at the start.
pub(super) fn looks_like_pair(text: &str) -> bool {
    let name = text
        .bytes()
        .take(40)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' '))
        .count();
    name > 0 && text.as_bytes().get(name) == Some(&b'=')
}
