//! Whether a term is a word of prose, or names something as part of an identifier, a path or an address.

use std::ops::Range;

use super::super::words::is_word;

/// How far the token around a term is read.
pub(super) const MAX_TOKEN: usize = 256;

/// Whether a term is part of an identifier, an address or a path.
pub(super) fn names_something(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(text.floor_char_boundary(range.start.saturating_sub(MAX_TOKEN))..range.start);
    let after = text.get(range.end..text.ceil_char_boundary((range.end + MAX_TOKEN).min(text.len())));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut back = before.chars().rev();
    let mut forth = after.chars();
    joined(back.next(), back.next()) || joined(forth.next(), forth.next()) || {
        let before = before.rsplit(ends_token).next().unwrap_or_default();
        let after = after.split(ends_token).next().unwrap_or_default();
        in_hyphens(before, after) || in_path(before, after)
    }
}

/// Whether a sign joins a term to what lies beyond: `my_term`, `object.term`, `term.txt`, `module::term`.
fn joined(sign: Option<char>, beyond: Option<char>) -> bool {
    match sign {
        Some('_' | '@' | '\\' | '$') => true,
        Some('.') => beyond.is_some_and(is_word),
        Some(':') => beyond == Some(':'),
        _ => false,
    }
}

/// Whether a term follows a hyphen (`non-confidential`, `my-secret`) or stands in a name of three words in small
/// letters (`secret-key-name`). `HIV-positive` is prose.
fn in_hyphens(before: &str, after: &str) -> bool {
    let follows = before.strip_suffix('-').is_some_and(|word| word.ends_with(is_word));
    let small = !before.chars().chain(after.chars()).any(char::is_uppercase);
    follows || (after.starts_with('-') && after.matches('-').count() >= 2 && small)
}

/// Whether the token is a path or an address: two slashes, or one with a root or a file's extension. `and/or` is prose.
fn in_path(before: &str, after: &str) -> bool {
    let slashes = before.matches('/').count() + after.matches('/').count();
    let rooted = before.starts_with(['/', '~', '.']);
    let extension = after.trim_end_matches(['.', ':', '!', '?']).contains('.');
    slashes >= 2 || (slashes == 1 && (rooted || extension)) || before.starts_with("www.") || before.contains('\\')
}

fn ends_token(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '`' | '*')
}
