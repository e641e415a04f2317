//! JSON in a text, read with tolerance: its values with the keys they stand under.

use std::ops::Range;

use super::MAX_NAME;

/// Nesting of JSON arrays whose key is remembered.
const MAX_DEPTH: usize = 64;

/// Values of JSON with the keys they stand under; values of arrays have the key of the array.
pub(super) fn json_values(bytes: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut values = Vec::new();
    let mut keys: Vec<Option<Range<usize>>> = Vec::new();
    let mut key: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let string = string(bytes, at + 1);
                at = string.end + 1;
                if is_key(bytes, at) {
                    key = Some(string).filter(|name| name.len() <= MAX_NAME);
                } else if let Some(key) = key.clone().or_else(|| keys.last().cloned().flatten()) {
                    values.push((string, key));
                }
                continue;
            }
            b'[' if keys.len() < MAX_DEPTH => keys.push(key.take()),
            b'{' if keys.len() < MAX_DEPTH => {
                keys.push(None);
                key = None;
            }
            b']' | b'}' => {
                keys.pop();
                key = None;
            }
            b',' | b'\n' => key = None,
            b'0'..=b'9' | b'-' => {
                let end = at
                    + bytes
                        .get(at..)
                        .unwrap_or_default()
                        .iter()
                        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
                        .count();
                if let Some(key) = key.clone().or_else(|| keys.last().cloned().flatten()) {
                    values.push((at..end, key));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    values
}

/// From behind a quotation mark to the next one that is not escaped, or to the end of the line.
fn string(bytes: &[u8], start: usize) -> Range<usize> {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' | b'\n' => break,
            _ => {}
        }
        at += 1;
    }
    start..at.min(bytes.len())
}

fn is_key(bytes: &[u8], at: usize) -> bool {
    let mut rest = bytes.get(at..).unwrap_or_default().iter().take(8).skip_while(|byte| byte.is_ascii_whitespace());
    rest.next() == Some(&b':')
}

/// Whether a word that ends at `end` stands in a key of JSON.
pub(in crate::detect::engine) fn in_key(text: &str, end: usize) -> bool {
    let rest = text.as_bytes().get(end..).unwrap_or_default();
    let name = rest
        .iter()
        .take(MAX_NAME)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
    let name = name.count();
    rest.get(name) == Some(&b'"') && is_key(rest, name + 1)
}
