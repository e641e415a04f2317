//! What a word looks like: a password, a path, a piece of code, a name. It sees the word alone; what its place says is
//! for `value.rs` and `prose.rs`.

use super::not_values::NOT_VALUES;
use crate::detect::validators::{Shape, is_placeholder, is_random};

/// `config.password`, `my_variable`, `Some::Path`, `a/b`: names joined by signs, as code has them.
pub(super) fn is_identifier_path(value: &str) -> bool {
    let parts = value.split(['.', ':', '/', '>']).filter(|part| !part.is_empty());
    let mut count = 0;
    for part in parts {
        count += 1;
        let name = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let begins = part.as_bytes().first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        if !name || !begins || Shape::of(part).digit > 2 {
            return false;
        }
    }
    count > 1
}

/// A sign that names do not have, anywhere but at the ends.
pub(super) fn has_inner_symbol(value: &str) -> bool {
    let inner = value.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '?' | '(' | ')' | '"' | '\''));
    inner.chars().any(|c| {
        c.is_ascii_punctuation()
            && !matches!(
                c,
                '_' | '-'
                    | '.'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | ','
                    | '\''
                    | '"'
                    | '<'
                    | '>'
                    | ':'
                    | '/'
                    | '\\'
                    | '|'
                    | ';'
            )
    })
}

/// An address or a path rather than a secret.
pub(super) fn is_location(value: &str) -> bool {
    value.contains("://")
        || value.starts_with("./")
        || value.starts_with("../")
        || value.starts_with("~/")
        || value.starts_with("#/")
        || value.starts_with("arn:")
        || value.starts_with("data:")
        || ((value.starts_with('/') || value.starts_with('#') || value.starts_with("C:\\")) && is_words(value))
        || [
            ".pem", ".key", ".crt", ".json", ".txt", ".yaml", ".yml", ".env", ".php", ".html", ".js", ".py", ".png",
            ".svg",
        ]
        .iter()
        .any(|end| value.ends_with(end))
}

/// Segments that are lower-case words, as in a path or a selector.
fn is_words(value: &str) -> bool {
    value.split(['/', '#', '.', '-', '_', '\\', ':', '@', '=', '?', '&']).filter(|part| !part.is_empty()).all(|part| {
        let shape = Shape::of(part);
        shape.symbol == 0 && shape.digit <= 2 && (shape.upper <= 1 || shape.lower == 0)
    })
}

pub(super) fn is_markup(value: &str) -> bool {
    value.contains("</")
        || value.contains("/>")
        || value.starts_with("<?")
        || value.starts_with("%{")
        || value.contains("\\(")
}

/// A call, an index, an operator, a borrowed or dereferenced name: code, where no quotes stand around it.
pub(super) fn is_code(value: &str) -> bool {
    let mut previous = ' ';
    for character in value.chars() {
        if character == '(' && (previous.is_alphanumeric() || previous == '_' || previous == '!') && value.contains(')')
            || character == '[' && (previous.is_alphanumeric() || previous == '_')
            || previous == '-' && character == '>'
            || previous == ':' && character == ':'
        {
            return true;
        }
        previous = character;
    }
    value.ends_with('(')
        || value.starts_with(['&', '*', '(', '[', '{', '<', '@', '|', '-', '>'])
            && value.bytes().skip(1).all(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b'_' | b'.' | b'<' | b'>' | b'[' | b']' | b'(' | b')' | b'*' | b'{' | b'}' | b'-')
            })
        || (value.ends_with(['{', '[', '(']) && Shape::of(value).digit == 0)
}

/// Whether a word in running text is plainly a password: letters with a digit or a rare sign inside, and neither an address,
/// a path, a file, a version nor a name.
pub(super) fn is_strong(value: &str) -> bool {
    let shape = Shape::of(value);
    let length = value.chars().count();
    if !(6..=64).contains(&length)
        || shape.letters() < 2
        || is_placeholder(value)
        || is_location(value)
        || is_markup(value)
    {
        return false;
    }
    let at_domain = value.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && !host.contains(['!', '#', '$', '%', '&'])
    });
    if at_domain || value.starts_with(['@', '/', '-', '<', '{']) || is_code(value) || is_identifier_path(value) {
        return false;
    }
    let rare = value
        .chars()
        .filter(|c| matches!(c, '!' | '#' | '$' | '%' | '&' | '*' | '?' | '+' | '=' | '~' | '^' | '@' | '<'))
        .count();
    let inner_rare = value
        .trim_matches(|c: char| c.is_ascii_punctuation())
        .chars()
        .any(|c| matches!(c, '!' | '#' | '$' | '%' | '&' | '*' | '?' | '+' | '=' | '~' | '^' | '@'));
    let pair = value.contains('=') && value.split('=').count() == 2 && value.split('=').all(|side| !side.is_empty());
    if pair {
        return false;
    }
    (inner_rare && length >= 8 && (shape.digit > 0 || (shape.upper > 0 && shape.lower > 0)))
        || (rare > 0 && shape.digit > 0 && length >= 8)
        || (shape.digit >= 2
            && shape.upper > 0
            && shape.lower > 0
            && length >= 8
            && digits_inside(value)
            && !value.contains([':', '(', ')']))
        || (is_random(value)
            && length >= 16
            && !is_uuid(value)
            && (shape.digit >= 4 || (shape.upper > 0 && shape.lower > 0)))
}

/// A digit with a letter after it.
fn digits_inside(value: &str) -> bool {
    value.bytes().zip(value.bytes().skip(1)).any(|(a, b)| a.is_ascii_digit() && b.is_ascii_alphabetic())
}

/// Whether a word directly after *is* may be a password: not a plain word.
pub(super) fn is_medium(value: &str) -> bool {
    let shape = Shape::of(value);
    let length = value.chars().count();
    (5..=64).contains(&length)
        && shape.letters() >= 2
        && (shape.digit > 0 || has_inner_symbol(value))
        && !is_placeholder(value)
        && !is_location(value)
        && !is_markup(value)
        && !is_code(value)
        && !value.contains('@')
        && !is_size(value)
        && !NOT_VALUES.contains(&value.to_lowercase().as_str())
}

/// `16-character`, `8-digit`, `256-bit`, `2FA`, `90th`: a number and what it counts.
fn is_size(value: &str) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let rest = value.get(digits..).unwrap_or("");
    digits > 0 && rest.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'+' | b'/'))
}

/// Seven neighbours in a row that count up or down, `1234567` or `gfedcba`: somebody filled a gap. In forty random
/// characters that happens once in two hundred million times, in forty hexadecimal digits once in half a million.
pub(super) fn counts(value: &str) -> bool {
    let steps = value.bytes().zip(value.bytes().skip(1)).map(|(a, b)| {
        let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
        if !a.is_ascii_alphanumeric() || !b.is_ascii_alphanumeric() {
            0
        } else if b == a + 1 || (a, b) == (b'9', b'0') {
            1
        } else if a == b + 1 || (a, b) == (b'0', b'9') {
            -1
        } else {
            0
        }
    });
    let (mut run, mut previous) = (0, 0);
    for step in steps {
        run = if step != 0 && step == previous { run + 1 } else { i32::from(step != 0) };
        previous = step;
        if run >= 6 {
            return true;
        }
    }
    false
}

/// Ends in the groups of a UUID, 8-4-4-4-12, with letters that are no hexadecimal digits: a drawing of one.
pub(super) fn is_drawn_uuid(value: &str) -> bool {
    let mut groups = value.rsplit('-');
    let parts: Vec<&str> = groups.by_ref().take(5).collect();
    parts.iter().map(|part| part.len()).eq([12, 4, 4, 4, 8])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()))
        && parts.iter().any(|part| part.bytes().any(|b| b.is_ascii_alphabetic() && !b.is_ascii_hexdigit()))
}

/// 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(value: &str) -> bool {
    let mut lengths = value.split('-').map(str::len);
    [8, 4, 4, 4, 12].iter().all(|expected| lengths.next() == Some(*expected))
        && lengths.next().is_none()
        && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
