//! Encodings that carry text through a channel: HTML character references, percent encoding, escapes of string
//! literals, base64. One pass from left to right; each byte is tried once.

use super::plan::Plan;
use super::{base64, escapes};

/// The changes that undo every encoding in a text.
pub(super) fn plan(text: &str, work: &mut usize) -> Plan {
    let bytes = text.as_bytes();
    let mut plan = Plan::default();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let next = match byte {
            b'&' => escapes::reference(text, at, &mut plan),
            b'%' => escapes::percent(bytes, at, &mut plan),
            b'\\' => escapes::escape(bytes, at, &mut plan),
            byte if base64::is_digit(*byte) => {
                let end = at + bytes.iter().skip(at).take_while(|byte| base64::is_digit(**byte)).count();
                Some(base64::stretch(bytes, at..end, &mut plan, work).unwrap_or(end))
            }
            _ => None,
        };
        at = next.unwrap_or(at + 1);
    }
    plan
}
