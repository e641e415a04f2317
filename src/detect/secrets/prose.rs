//! Secrets in sentences: *the password is …*, *das Passwort lautet …*, *PIN 4821*, *482913 is your code*. It reads at most
//! a line and a half after the word, and takes a value only where it looks like one, so that *the password is required*
//! says nothing.

use std::ops::Range;

use super::keywords::Word;
use super::looks::{is_medium, is_strong};
use super::work;
use crate::detect::validators::{Shape, is_placeholder};

/// Bytes after a word that are read.
const REACH: usize = 120;
/// Tokens after a word that are read.
const TOKENS: usize = 14;

/// Words that join a secret to its name: *is*, *lautet*, …; without accents where they may be left out.
const LINKS: &[&str] = &[
    "is", "its", "it's", "was", "=", ":", "->", "→", "–", "—", "are", "ist", "lautet", "heißt", "heisst", "war",
    "sind", "est", "était", "sont", "es", "era", "son", "è", "e'", "sono", "é", "são", "to", "auf", "zu", "zum", "à",
    "a", "al", "för", "till", "är", "var", "to:", "jest", "brzmi", "to", "wynosi", "luidt", "zijn", "naar", "op", "er",
    "on", "with", "mit", "avec", "con", "com", "met", "med",
];

/// Words after which a sentence speaks about a password and does not give one.
const STOPS: &[&str] = &[
    "must",
    "should",
    "required",
    "requires",
    "require",
    "policy",
    "policies",
    "least",
    "minimum",
    "characters",
    "length",
    "expired",
    "expires",
    "expire",
    "muss",
    "müssen",
    "mindestens",
    "debe",
    "doit",
    "deve",
    "moet",
    "musi",
    "måste",
    "manager",
    "managers",
    "reset",
    "hashing",
    "hash",
    "hashed",
    "field",
    "fields",
    "strength",
    "attempts",
    "because",
    "if",
    "unless",
    "when",
    "validation",
    "example",
];

/// One word of running text: where it stands without the punctuation around it, and what was stripped.
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) range: Range<usize>,
    quoted: bool,
    /// `name(…)`: code.
    call: bool,
    pub(super) ends_clause: bool,
    pub(super) ends_with_colon: bool,
}

/// The piece of `text` from `start`, at most [`REACH`] bytes and as far as the first empty line or the end of a line, where
/// a line that ends in a colon goes on.
pub(super) fn window(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or("");
    let mut end = rest.len().min(REACH);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    work::read(end);
    let piece = rest.get(..end).unwrap_or("");
    let mut from = 0;
    loop {
        let Some(at) = piece.get(from..).and_then(|tail| tail.find('\n')).map(|at| from + at) else { return piece };
        let before = piece.get(..at).unwrap_or("").trim_end();
        if from > 0 || !(before.ends_with(':') || before.is_empty()) {
            return piece.get(..at).unwrap_or("");
        }
        let blank = piece.get(at..).unwrap_or("").bytes().take_while(u8::is_ascii_whitespace).count();
        from = at + blank.max(1);
    }
}

pub(super) fn tokens(text: &str, offset: usize) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < TOKENS {
        let rest = text.get(at..).unwrap_or("");
        let skipped = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        at += skipped;
        if rest.is_empty() {
            break;
        }
        let quotes = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('„', '“'), ('«', '»'), ('‘', '’'), ('*', '*')];
        let opened = quotes.iter().find(|(open, _)| rest.starts_with(*open));
        if let Some((open, close)) = opened {
            let width = open.len_utf8();
            let inner = rest.get(width..).unwrap_or("");
            if let Some(length) = inner.find(*close).filter(|length| *length > 0 && *length <= 64) {
                let start = at + width;
                let end_of_quote = start + length + close.len_utf8();
                let tail = text.get(end_of_quote..).unwrap_or("");
                if !tail.starts_with(|c: char| c.is_alphanumeric()) {
                    let lead = inner.get(..length).unwrap_or("").trim_start_matches('*');
                    let inner_text = lead.trim_end_matches('*');
                    let start = start + length - lead.len();
                    found.push(Token {
                        text: inner_text.trim(),
                        range: offset + start..offset + start + inner_text.len(),
                        quoted: true,
                        call: false,
                        ends_clause: tail.starts_with(['.', '?']),
                        ends_with_colon: tail.starts_with(':'),
                    });
                    at = end_of_quote;
                    continue;
                }
            }
        }
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or("");
        found.push(bare(word, offset + at));
        at += length;
    }
    found
}

/// A word without the punctuation around it. A final `!`, `#` or `*` stays with a word that has a digit.
pub(super) fn bare(word: &str, start: usize) -> Token<'_> {
    let lead = word.trim_start_matches(['(', '[', '<', '"', '\'', '“', '„', '«', '‘', '`', ',', ';']);
    let mut core = lead.trim_end_matches(['.', ',', ';', ':', '?', ')', ']', '>', '"', '\'', '”', '»', '’', '`', '…']);
    if core.ends_with('!') && !core.bytes().any(|b| b.is_ascii_digit()) {
        core = core.trim_end_matches('!');
    }
    let from = start + word.len() - lead.len();
    Token {
        text: core,
        range: from..from + core.len(),
        quoted: false,
        call: word.contains('(') && !word.starts_with('('),
        ends_clause: lead.get(core.len()..).is_some_and(|tail| tail.starts_with(['.', '?']))
            || (core != lead && lead.ends_with('!')),
        ends_with_colon: lead.ends_with(':'),
    }
}

pub(super) fn is_link(word: &str) -> bool {
    LINKS.contains(&word.to_lowercase().as_str())
}

pub(super) fn is_stop(word: &str) -> bool {
    STOPS.contains(&word.to_lowercase().as_str())
}

/// A password that a sentence gives after the word that ends at `end`, and its score.
///
/// After a word for the name of a user, the first value is that name and not the password.
pub(super) fn password(text: &str, end: usize, word: Word, mut name_first: bool) -> Option<(Range<usize>, f32)> {
    let piece = window(text, end);
    let mut linked = piece.trim_start().starts_with([':', '=']);
    let mut after_link = linked;
    for (index, token) in tokens(piece, end).iter().enumerate() {
        if !token.quoted && (token.text.is_empty() || matches!(token.text, "=" | "==")) {
            linked |= token.ends_with_colon;
            continue;
        }
        if name_first && !is_link(token.text) {
            name_first = false;
            continue;
        }
        if !token.quoted && is_stop(token.text) {
            return None;
        }
        if token.quoted {
            if after_link && word == Word::Password {
                if let Some(score) = quoted_password(token.text) {
                    return Some((token.range.clone(), score));
                }
            } else if (linked || index < 2) && is_strong(token.text) {
                return Some((token.range.clone(), 0.75));
            }
        } else if token.call {
            return None;
        } else if is_strong(token.text) {
            let near = linked || index < 3;
            return match word {
                Word::Login => Some((token.range.clone(), 0.6)),
                _ => Some((token.range.clone(), if near { 0.8 } else { 0.6 })),
            };
        } else if after_link && word != Word::Login && is_medium(token.text) {
            return Some((token.range.clone(), 0.65));
        } else if index == 0 && word == Word::Password && is_medium(token.text) && follows_a_login(text, end) {
            return Some((token.range.clone(), 0.6));
        }
        // A quoted word that is not the value is part of the description, such as a user's name.
        after_link = token.ends_with_colon || (!token.quoted && is_link(token.text));
        linked |= after_link;
        if token.ends_clause {
            return None;
        }
    }
    None
}

/// Whether the sentence gave the name of a user before: *user orders and password …*.
fn follows_a_login(text: &str, end: usize) -> bool {
    let from = text.ceil_char_boundary(end.saturating_sub(72));
    text.get(from..end).and_then(|before| before.rsplit(['.', '\n']).next()).is_some_and(|sentence| {
        let sentence = sentence.to_lowercase();
        ["user ", "login ", "username ", "account ", "benutzer ", "utilisateur ", "usuario ", "utente ", "utilizador "]
            .iter()
            .any(|word| sentence.contains(word))
    })
}

/// A quoted word after *is*: any that is not a placeholder, a label or prose.
fn quoted_password(value: &str) -> Option<f32> {
    let shape = Shape::of(value);
    let length = value.chars().count();
    if !(4..=64).contains(&length) || is_placeholder(value) || is_stop(value) {
        return None;
    }
    match shape.space {
        0 if shape.digit > 0 || shape.symbol > 0 => Some(0.8),
        0 => Some(0.55),
        1..=5 if shape.digit > 0 => Some(0.5),
        _ => None,
    }
}

/// A phrase of at least four words that a sentence gives directly after the word.
pub(super) fn passphrase(text: &str, end: usize) -> Option<(Range<usize>, f32)> {
    let piece = window(text, end);
    let list = tokens(piece, end);
    // The last link speaks: *the phrase **to** the vault **is** …*.
    let early = list.get(..list.len().min(5))?;
    let link = early
        .iter()
        .rposition(|token| token.ends_with_colon || is_link(token.text) && token.text.len() > 1)
        .map_or_else(|| piece.trim_start().starts_with([':', '=']).then_some(0), |at| Some(at + 1))?;
    let words: Vec<&Token<'_>> = list.get(link..)?.iter().filter(|token| !token.text.is_empty()).collect();
    let stop = words.iter().position(|token| token.ends_clause).map_or(words.len(), |at| at + 1);
    let phrase = words.get(..stop)?;
    if let Some(token) = phrase.first().filter(|token| token.quoted) {
        return (token.text.split_whitespace().count() >= 3 && !is_placeholder(token.text))
            .then(|| (token.range.clone(), 0.7));
    }
    let short = phrase.iter().filter(|token| token.text.chars().count() <= 2).count();
    let prose = [
        "not", "no", "required", "used", "the", "of", "and", "you", "your", "it", "that", "which", "for", "can", "be",
        "nicht", "der", "die", "und", "le", "la", "et", "de", "que", "inte", "och", "som", "att",
    ];
    let plain = phrase.iter().all(|token| !is_stop(token.text) && !prose.contains(&token.text.to_lowercase().as_str()));
    let (first, last) = (phrase.first()?, phrase.last()?);
    (phrase.len() >= 4 && phrase.len() <= 9 && short <= 1 && plain && (last.ends_clause || piece.len() < REACH))
        .then_some((first.range.start..last.range.end, 0.55))
}
