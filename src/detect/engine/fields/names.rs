//! The names of fields: the label directly before a value, identifiers of several words, and the words of a name.

use std::ops::Range;

use super::MAX_NAME;

/// The name directly before a value: `name=`, `name: "`, `<name>`.
pub(in crate::detect::engine) fn label(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let mut end =
        back_over(bytes, at, 6, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b'*'));
    match bytes.get(end.checked_sub(1)?)? {
        b':' | b'=' => end = back_over(bytes, end, 3, |byte| matches!(byte, b':' | b'=')),
        b'>' if end.checked_sub(2).and_then(|at| bytes.get(at)) == Some(&b'=') => end -= 2,
        b'>' => {
            let end = end - 1;
            let start = back_over(bytes, end, MAX_NAME, |byte| !matches!(byte, b'<' | b'>' | b' ' | b'\n'));
            let tag = bytes.get(start.checked_sub(1)?) == Some(&b'<');
            return tag.then_some(start..end);
        }
        _ => return None,
    }
    let end = back_over(bytes, end, 4, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']' | b'*'));
    let part_of_name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || !byte.is_ascii()
            || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/' | b'#' | b'(' | b')')
    };
    let start = back_over(bytes, end, MAX_NAME, part_of_name);
    // A name that goes on beyond the limit is prose, and its start may lie inside a character.
    let goes_on = start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| part_of_name(*byte));
    let name = trimmed(bytes, start..end);
    (!goes_on && !name.is_empty()).then_some(name)
}

fn back_over(bytes: &[u8], at: usize, most: usize, matches: impl Fn(u8) -> bool) -> usize {
    let before = bytes.get(at.saturating_sub(most)..at).unwrap_or_default();
    at - before.iter().rev().take_while(|byte| matches(**byte)).count()
}

/// Longest identifier whose words are looked at.
const MAX_IDENTIFIER: usize = 80;

/// Calls `found` for each identifier that holds a small letter before a capital one: `customerSsn`.
pub(in crate::detect::engine) fn mixed_identifiers(text: &str, found: &mut dyn FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let turns =
        |pair: &[u8]| matches!(pair, [small, capital] if small.is_ascii_lowercase() && capital.is_ascii_uppercase());
    while let Some(turn) = bytes.get(at..).and_then(|rest| rest.windows(2).position(turns)) {
        let turn = at + turn;
        let start = back_over(bytes, turn, MAX_IDENTIFIER, |byte| byte.is_ascii_alphanumeric());
        let rest = bytes.get(turn..).unwrap_or_default().iter().take(MAX_IDENTIFIER);
        at = turn + rest.take_while(|byte| byte.is_ascii_alphanumeric()).count();
        found(start..at);
    }
}

/// The words of a name: `customerSsn_no` is `customer Ssn no`. Written into `words`, which is cleared.
pub(in crate::detect::engine) fn split_name(name: &str, words: &mut String) {
    words.clear();
    let mut chars = name.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts_word = c.is_uppercase()
            && (last.is_lowercase() || last.is_ascii_digit() || (last.is_uppercase() && next_is_small));
        if starts_word {
            words.push(' ');
        }
        words.push(if matches!(c, '_' | '-' | '.' | '/' | ' ') { ' ' } else { c });
        last = c;
    }
}

/// A range without blanks and quotation marks at its ends.
pub(super) fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b'*');
    let cell = bytes.get(range.clone()).unwrap_or_default();
    let before = cell.iter().take_while(|byte| blank(byte)).count();
    let after = cell.iter().rev().take_while(|byte| blank(byte)).count().min(cell.len() - before);
    range.start + before..range.end - after
}
