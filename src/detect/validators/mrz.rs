//! Check digits of the machine-readable zone of passports and identity cards (ICAO Doc 9303, part 3).

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "mrz_line" => mrz_line,
        "de_document" => de_document,
        _ => return None,
    })
}

/// Weights 7, 3, 1 modulo 10; letters count 10 to 35, the filler `<` counts 0.
pub(super) fn check(field: &[u8], digit: u8) -> bool {
    let sum = field.iter().zip([7u32, 3, 1].iter().cycle()).try_fold(0, |sum, (c, weight)| {
        let value = if *c == b'<' { 0 } else { char::from(*c).to_digit(36)? };
        Some(sum + value * weight)
    });
    // An empty optional field may have a filler for its check digit.
    let wanted = if digit == b'<' { 0 } else { u32::from(digit.wrapping_sub(b'0')) };
    sum.is_some_and(|sum| sum % 10 == wanted)
}

/// The line with the numbers: of a passport (44 characters), of a card or visa (36), or the first two lines of a card
/// (30 each). Document number, date of birth and date of expiry must all check.
fn mrz_line(value: &str) -> bool {
    let line: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let field = |from: usize, to: usize, digit: usize| match (line.get(from..to), line.get(digit)) {
        (Some(field), Some(digit)) => check(field, *digit),
        _ => false,
    };
    match line.len() {
        44 | 36 => field(0, 9, 9) && field(13, 19, 19) && field(21, 27, 27),
        60 => field(5, 14, 14) && field(30, 36, 36) && field(38, 44, 44),
        _ => false,
    }
}

/// Number of a German passport or identity card with its check digit: nine characters of a reduced alphabet, then the
/// digit (Bundesministerium des Innern, Personalausweisverordnung, annex).
fn de_document(value: &str) -> bool {
    super::checksum::alphanumerics::<10>(value).is_some_and(|c| {
        c.iter().take(9).all(|b| de_document_character(*b)) && c[9].is_ascii_digit() && check(&c[..9], c[9])
    })
}

/// Characters of German document numbers: digits and consonants that cannot be mistaken.
pub(super) fn de_document_character(character: u8) -> bool {
    character.is_ascii_digit() || b"CFGHJKLMNPRTVWXYZ".contains(&character)
}
