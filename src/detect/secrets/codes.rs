//! Codes in sentences: PINs, codes of doors, codes that are valid once, recovery codes. They are short numbers, so only
//! the words around them tell them from all other numbers; without such words nothing is taken.

use std::ops::Range;

use super::keywords::Word;
use super::prose::{Token, bare, is_link, is_stop, tokens, window};
use super::work;
use crate::detect::validators::{Shape, is_placeholder};

/// A number after the word for a code, or before it where the sentence says *… is your code*.
pub(super) fn code(text: &str, word_range: &Range<usize>, word: Word) -> Option<(Range<usize>, f32)> {
    let (shortest, longest) = match word {
        Word::CardCode => (3, 4),
        Word::OneTimeCode => (4, 8),
        _ => (4, 10),
    };
    let piece = window(text, word_range.end);
    let list = tokens(piece, word_range.end);
    let mut linked = piece.trim_start().starts_with([':', '=']);
    for (index, token) in list.iter().take(7).enumerate() {
        if token.text.is_empty() {
            linked |= token.ends_with_colon;
            continue;
        }
        if is_stop(token.text) || is_unit_after(&list, index) {
            break;
        }
        if let Some(range) = digits(token, list.get(index + 1), shortest, longest) {
            let near = index == 0 || linked || index <= 3;
            return Some((range, if near { 0.75 } else { 0.6 }));
        }
        if word == Word::DoorCode && (index == 0 || linked) && is_door_code(token.text) {
            return Some((token.range.clone(), 0.7));
        }
        linked |= token.ends_with_colon || is_link(token.text);
        if token.ends_clause {
            break;
        }
    }
    before(text, word_range, word)
}

/// A code of digits, alone or in two groups (`482 913`, `482-913`, `G-482913`, `4471#`).
fn digits(token: &Token<'_>, next: Option<&Token<'_>>, shortest: usize, longest: usize) -> Option<Range<usize>> {
    let value = token.text;
    let body = value.strip_prefix("G-").unwrap_or(value).trim_end_matches(['#', '*', '!']);
    let count = body.bytes().filter(u8::is_ascii_digit).count();
    let only =
        body.bytes().all(|b| b.is_ascii_digit() || b == b'-') && body.bytes().filter(|b| *b == b'-').count() <= 1;
    if !only || count == 0 || body.starts_with('-') || body.ends_with('-') {
        return None;
    }
    if (shortest..=longest).contains(&count) && !is_range_like(body) {
        return Some(token.range.start..token.range.start + value.trim_end_matches('!').len());
    }
    // Two groups of three.
    let next = next?;
    let joined = count == 3
        && longest >= 6
        && next.text.len() == 3
        && next.text.bytes().all(|b| b.is_ascii_digit())
        && next.range.start == token.range.end + 1;
    joined.then_some(token.range.start..next.range.end)
}

/// Two groups of unlike length, as in a range or a telephone number.
fn is_range_like(body: &str) -> bool {
    body.contains('-') && body.split('-').map(str::len).ne([3, 3]) && body.split('-').map(str::len).ne([4, 4])
}

/// `30 seconds`, `10 minutes`, `6 digits`: the number counts something.
fn is_unit_after(list: &[Token<'_>], index: usize) -> bool {
    const UNITS: &[&str] = &[
        "digits",
        "digit",
        "characters",
        "minutes",
        "seconds",
        "hours",
        "days",
        "attempts",
        "users",
        "stellig",
        "stellen",
        "ziffern",
        "minuten",
        "sekunden",
        "chiffres",
        "dígitos",
        "cifre",
        "cijfers",
        "cyfr",
        "siffror",
        "mm",
        "mhz",
        "volt",
        "eur",
        "usd",
        "euro",
        "dollars",
    ];
    list.get(index + 1).is_some_and(|next| UNITS.contains(&next.text.to_lowercase().as_str()))
}

/// `4471#`, `#4471`, `2846B`, `C1845*`: digits with a letter or a key of the keypad.
fn is_door_code(value: &str) -> bool {
    let shape = Shape::of(value);
    (4..=8).contains(&value.len())
        && shape.digit >= 3
        && shape.letters() <= 2
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'*'))
}

/// *933018 is your code*: the number before, with a link between.
fn before(text: &str, word_range: &Range<usize>, word: Word) -> Option<(Range<usize>, f32)> {
    if !matches!(word, Word::OneTimeCode | Word::Pin) {
        return None;
    }
    let mut start = word_range.start.saturating_sub(48);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let piece = text.get(start..word_range.start)?;
    let piece_start = piece.rfind('\n').map_or(start, |at| start + at + 1);
    let piece = text.get(piece_start..word_range.start)?;
    let list = tokens_of(piece, piece_start);
    let mut linked = word_is_linked(text.get(word_range.clone())?);
    for token in list.iter().rev().take(5) {
        if linked && let Some(range) = digits(token, None, 4, 8) {
            return Some((range, 0.8));
        }
        linked = ["is", "ist", "est", "es", "è", "é", "är", "jest", "to", "as", "use", "als"]
            .contains(&token.text.to_lowercase().as_str());
    }
    None
}

/// The word itself begins with *is*.
fn word_is_linked(word: &str) -> bool {
    word.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("is "))
}

fn tokens_of(piece: &str, start: usize) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in piece.split(' ') {
        if !word.is_empty() {
            found.push(bare(word, start + at));
        }
        at += word.len() + 1;
    }
    found
}

/// Words that make a plain *code* one that opens something.
const OPENS: &[&str] = &[
    "door",
    "gate",
    "alarm",
    "keypad",
    "badge",
    "lock",
    "safe",
    "garage",
    "entrance",
    "building",
    "barrier",
    "intercom",
    "panel",
    "menu",
    "unlock",
    "key box",
    "pin pad",
    "tür",
    "tor ",
    "schloss",
    "tresor",
    "klingel",
    "porte",
    "portail",
    "clavier",
    "digicode",
    "coffre",
    "barrière",
    "puerta",
    "portal",
    "teclado",
    "alarma",
    "porta",
    "cancello",
    "tastierino",
    "allarme",
    "portão",
    "cofre",
    "deur",
    "poort",
    "kluis",
    "slot",
    "drzwi",
    "bram",
    "domofon",
    "sejf",
    "dörr",
    "grind",
    "port ",
    "lås",
    "kassaskåp",
];

/// A number directly after *code*, where a door, a gate or a keypad is near.
pub(super) fn plain_code(text: &str, word_range: &Range<usize>) -> Option<(Range<usize>, f32)> {
    let piece = window(text, word_range.end);
    let list = tokens(piece, word_range.end);
    let token = list.iter().take(3).find(|token| !token.text.is_empty() && !is_link(token.text))?;
    let value = digits(token, None, 4, 8).or_else(|| is_door_code(token.text).then(|| token.range.clone()))?;
    let mut start = word_range.start.saturating_sub(90);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let before = text.get(start..word_range.start)?.to_lowercase();
    const OTHER: &[&str] = &[
        "error", "status", "exit", "http", "zip", "postal", "post", "area", "country", "product", "discount", "promo",
        "voucher", "coupon", "order", "bar", "source", "response", "return", "dial", "airport", "tax", "sort",
        "reason", "colour", "color",
    ];
    let named = OTHER.iter().any(|word| before.trim_end().ends_with(word));
    let after = piece.to_lowercase();
    (!named && OPENS.iter().any(|word| before.contains(word) || after.contains(word))).then_some((value, 0.6))
}

/// Every code of a list after *recovery codes*: groups of letters and digits that no word has.
pub(super) fn recovery_codes(text: &str, end: usize) -> Vec<Range<usize>> {
    let rest = text.get(end..).unwrap_or("");
    let mut stop = rest.len().min(480);
    while !rest.is_char_boundary(stop) {
        stop -= 1;
    }
    work::read(stop);
    let piece = rest.get(..stop).unwrap_or("");
    let mut found = Vec::new();
    let mut at = 0;
    let mut strangers = 0;
    for word in piece.split(char::is_whitespace) {
        if !word.is_empty() {
            let token = bare(word, end + at);
            if is_recovery_code(token.text) {
                found.push(token.range);
                strangers = 0;
            } else {
                strangers += 1;
            }
        }
        at += word.len() + 1;
        if strangers > 14 || (strangers > 4 && !found.is_empty()) {
            break;
        }
    }
    found
}

/// `gglr7-b9mvl`, `4821-9930`, `48219930`, `A1B2-C3D4-E5F6`.
fn is_recovery_code(value: &str) -> bool {
    let shape = Shape::of(value);
    let groups: Vec<&str> = value.split('-').collect();
    let sane = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !is_placeholder(value);
    let grouped = (2..=8).contains(&groups.len())
        && groups.iter().all(|group| (3..=8).contains(&group.len()))
        && shape.digit >= 2;
    let whole = groups.len() == 1
        && (8..=32).contains(&value.len())
        && (shape.letters() == 0 || shape.digit >= 2)
        && value.len() != 10;
    let date = groups.len() == 3 && shape.letters() == 0 && value.len() == 10;
    sane && (grouped || whole) && !date
}
