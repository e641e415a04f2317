//! Machine-made strings that stand near a word for a secret, without being assigned to it. It must not report what only
//! looks random: identifiers, digests, commits, UUIDs, encoded images.

use std::ops::Range;

use super::keywords::Word;
use super::looks::{counts, is_uuid};
use super::work;
use crate::detect::validators::{Shape, entropy, is_placeholder};

/// Bytes after the word that are read.
const REACH: usize = 160;

/// Words that say that a random string near them is public.
const PUBLIC: &[&str] = &[
    "commit",
    "sha1",
    "sha256",
    "sha512",
    "sha-",
    "sha:",
    "digest",
    "checksum",
    "etag",
    "integrity",
    "md5",
    "hash",
    "fingerprint",
    "revision",
    "uuid",
    "guid",
    "public",
    "thumbprint",
    "data:image",
    "base64,",
    "serial",
    "version",
    "build",
    "merkle",
    "txid",
    "blob",
    "tree ",
    "object id",
    "request id",
    "trace",
    "span",
    "correlation",
    "sitekey",
    "site key",
];

/// Where the noun ends that makes the word one for a secret: `token`, `secret`, but `key` only after *api*, *access*, ….
pub(super) fn noun_end(view: &str, range: &Range<usize>, word: Word) -> Option<usize> {
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric());
    let before_text = view.get(..range.start)?;
    if touches(before_text.chars().next_back()) || touches(view.get(range.end..)?.chars().next()) {
        return None;
    }
    if word == Word::Key {
        let mut from = before_text.len().saturating_sub(16);
        while !before_text.is_char_boundary(from) {
            from += 1;
        }
        let before = before_text.get(from..)?.to_lowercase();
        let before = before.trim_end_matches([' ', '-', '_']);
        let qualified = [
            "api",
            "access",
            "secret",
            "private",
            "signing",
            "encryption",
            "deploy",
            "service",
            "stream",
            "unseal",
            "license",
        ]
        .iter()
        .any(|word| before.ends_with(word));
        return qualified.then_some(range.end);
    }
    Some(range.end)
}

/// The first random string after `end` and its score.
pub(super) fn after(view: &str, end: usize) -> Option<(Range<usize>, f32)> {
    let rest = view.get(end..)?;
    let mut stop = rest.len().min(REACH);
    while !rest.is_char_boundary(stop) {
        stop -= 1;
    }
    let piece = rest.get(..stop)?;
    let mut at = 0;
    for word in piece.split_inclusive(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}')
    }) {
        let start = end + at;
        let before = piece.get(..at)?.to_lowercase();
        work::read(at + word.len());
        at += word.len();
        if word.len() < 20 {
            continue;
        }
        // The word may run past the piece.
        let length = view
            .get(start..)?
            .bytes()
            .take(4096)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~'))
            .count();
        work::read(length);
        let token = view.get(start..start + length)?.trim_end_matches(['.', '-']);
        if is_token(token) && !PUBLIC.iter().any(|word| before.contains(word)) {
            return Some((start..start + token.len(), 0.6));
        }
    }
    None
}

/// Long, random and of no public kind: hexadecimal from 32 digits, other text from 24 with both cases and digits.
fn is_token(token: &str) -> bool {
    let shape = Shape::of(token);
    if token.len() > 512 || is_placeholder(token) || is_uuid(token) || counts(token) || token.contains("//") {
        return false;
    }
    let hexadecimal = token.bytes().all(|b| b.is_ascii_hexdigit());
    if hexadecimal {
        return token.len() >= 32 && shape.digit >= 4 && shape.letters() >= 4 && entropy(token) >= 3.0;
    }
    let wordy = token
        .split(['_', '-', '.', '/', '=', '+'])
        .filter(|part| part.len() >= 3)
        .all(|part| Shape::of(part).digit == 0);
    token.len() >= 24 && shape.digit >= 3 && shape.upper >= 3 && shape.lower >= 3 && entropy(token) >= 4.0 && !wordy
}

/// Whether a login stands within a line or two of `start..end`: `user = …`, `login …`, `host = …`.
pub(super) fn login_near(view: &str, start: usize, end: usize) -> bool {
    let mut from = start.saturating_sub(120);
    while !view.is_char_boundary(from) {
        from += 1;
    }
    let mut to = (end + 80).min(view.len());
    while !view.is_char_boundary(to) {
        to -= 1;
    }
    work::read(to.saturating_sub(from));
    let near = |piece: Option<&str>| {
        piece.is_some_and(|piece| {
            let piece = piece.to_lowercase();
            ["user", "login ", "login=", "machine ", "uid=", "host=", "hostname", "server=", "account", "-u ", "email"]
                .iter()
                .any(|word| piece.contains(word))
                && !piece.contains("fn ")
                && !piece.contains("def ")
                && !piece.contains("func ")
                && !piece.contains("self.")
                && !piece.contains("this.")
        })
    };
    near(view.get(from..start)) || near(view.get(end..to))
}
