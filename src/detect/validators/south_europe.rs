//! Checks of numbers that Spain, Portugal, Italy, Greece and Malta give to people and firms.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, luhn, number, weighted};
use super::date::{is_ddmmyy, is_short_day};
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "es_nif" => es_nif,
        "es_nie" => es_nie,
        "es_cif" => es_cif,
        "es_social_security" => es_social_security,
        "pt_nif" => pt_nif,
        "pt_cc" => pt_cc,
        "pt_niss" => pt_niss,
        "it_fiscal_code" => it_fiscal_code,
        "it_vat" => it_vat,
        "it_document" => it_document,
        "gr_amka" => gr_amka,
        "gr_afm" => gr_afm,
        _ => return None,
    })
}

/// The letter of a Spanish number: the number modulo 23 (Ministerio del Interior).
fn es_letter(number: u64) -> Option<u8> {
    b"TRWAGMYFPDXBNJZSQVHLCKE".get(usize::try_from(number % 23).ok()?).copied()
}

/// Spanish DNI: eight digits and their letter.
fn es_nif(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let [digits @ .., letter] = c;
        as_digits(digits)
            .is_some_and(|d| es_letter(number(&d)) == Some(letter) && !all_same(&d) && number(&d) != 12_345_678)
    })
}

/// Spanish NIE of foreigners: X, Y or Z for 0, 1 or 2, seven digits, letter.
fn es_nie(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let [kind, digits @ .., letter] = c;
        let [a, b, c2, d, e, f, g] = digits;
        let series = match kind {
            b'X' => b'0',
            b'Y' => b'1',
            b'Z' => b'2',
            _ => return false,
        };
        as_digits([series, a, b, c2, d, e, f, g]).is_some_and(|d| {
            es_letter(number(&d)) == Some(letter) && !all_same(&d[1..]) && number(&d[1..]) != 1_234_567
        })
    })
}

/// Spanish number of a firm: letter, seven digits, and a digit or letter of control (Orden EHA/451/2008).
fn es_cif(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let [kind, a, b, c2, d, e, f, g, control] = c;
        let Some(d) = as_digits([a, b, c2, d, e, f, g]) else { return false };
        let odd: u32 = d.iter().step_by(2).map(|d| u32::from(*d) * 2).map(|p| p / 10 + p % 10).sum();
        let even: u32 = d.iter().skip(1).step_by(2).map(|d| u32::from(*d)).sum();
        let check = (10 - (odd + even) % 10) % 10;
        let letter = b"JABCDEFGHI".get(usize::try_from(check).unwrap_or(0)).copied();
        let digit = u32::from(control.wrapping_sub(b'0')) == check;
        match kind {
            b'A' | b'B' | b'E' | b'H' => digit,
            b'K' | b'P' | b'Q' | b'R' | b'S' | b'N' | b'W' => Some(control) == letter,
            b'C' | b'D' | b'F' | b'G' | b'J' | b'U' | b'V' => digit || Some(control) == letter,
            _ => false,
        }
    })
}

/// Spanish social security: province, serial, and the remainder modulo 97 (Tesorería General de la Seguridad Social).
fn es_social_security(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| {
        let (province, serial) = (number(&d[..2]), number(&d[2..10]));
        let whole = if serial < 10_000_000 { province * 10_000_000 + serial } else { number(&d[..10]) };
        (1..=66).contains(&province) && whole % 97 == number(&d[10..]) && !all_same(&d[2..])
    })
}

/// Portuguese tax number, with or without PT: weights 9 to 2 modulo 11 (Autoridade Tributária).
fn pt_nif(value: &str) -> bool {
    digits::<9>(value.trim_start_matches(['P', 'T'])).is_some_and(|d| {
        let check = match 11 - weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
            10 | 11 => 0,
            n => n,
        };
        check == u32::from(d[8])
            && (matches!(d[0], 1..=3 | 5..=9) || d[..2] == [4, 5])
            && !is_counting_or_repeated(value)
    })
}

/// Portuguese citizen card: twelve characters, Luhn over the values of letters (AMA, "Validação de número de documento").
fn pt_cc(value: &str) -> bool {
    alphanumerics::<12>(value).is_some_and(|c| {
        let sum = c.iter().rev().enumerate().try_fold(0, |sum, (i, b)| {
            let value = char::from(*b).to_digit(36)?;
            let doubled = if i % 2 == 0 { value } else { value * 2 };
            Some(sum + if i % 2 == 1 && doubled > 9 { doubled - 9 } else { doubled })
        });
        c.iter().take(9).all(u8::is_ascii_digit)
            && c[11].is_ascii_digit()
            && c[9..11].iter().any(u8::is_ascii_uppercase)
            && sum.is_some_and(|s| s % 10 == 0)
    })
}

/// Portuguese social security: weights are primes from 29 down to 2, check 9 minus the remainder modulo 10.
fn pt_niss(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let sum = weighted(&d[..10], &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
        matches!(d[0], 1 | 2) && 9 - sum % 10 == u32::from(d[10]) && !all_same(&d)
    })
}

/// Italian fiscal code: six letters of the name, year, month letter, day (40 more for women), place, check letter; digits
/// may be replaced by letters when two people would share a code (D.M. 23 dicembre 1976).
fn it_fiscal_code(value: &str) -> bool {
    /// Values of 0 to 9 (and A to J) in odd places, then K to Z.
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some(c) = alphanumerics::<16>(value) else { return false };
    let substitute = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b => b"LMNPQRSTUV".iter().zip(0u8..).find(|(letter, _)| **letter == b).map(|(_, digit)| digit),
    };
    let two = |a: u8, b: u8| Some(substitute(a)? * 10 + substitute(b)?);
    let letters = c[..6].iter().all(u8::is_ascii_uppercase) && c[11].is_ascii_uppercase() && c[15].is_ascii_uppercase();
    let month = b"ABCDEHLMPRST".iter().zip(1u64..).find(|(letter, _)| **letter == c[8]).map(|(_, month)| month);
    let born = match (two(c[6], c[7]), month, two(c[9], c[10])) {
        (Some(year), Some(month), Some(day)) => {
            let day = if day > 40 { day - 40 } else { day };
            is_short_day(u64::from(year), month, u64::from(day))
        }
        _ => false,
    };
    let place = c[12..15].iter().all(|b| substitute(*b).is_some());
    let ordinal = |b: u8| usize::from(if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'A') });
    let sum: u32 = c[..15]
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if i % 2 == 0 {
                ODD.get(ordinal(*b)).copied().unwrap_or(0)
            } else {
                u32::try_from(ordinal(*b)).unwrap_or(0)
            }
        })
        .sum();
    letters && born && place && sum % 26 == u32::from(c[15] - b'A')
}

/// Italian VAT number: eleven digits, Luhn, province office 001 to 100 or special (Agenzia delle Entrate).
fn it_vat(value: &str) -> bool {
    let body = value.trim_start_matches(['I', 'T', 'i', 't', ' ']);
    digits::<11>(body).is_some_and(|d| {
        let office = matches!(number(&d[7..10]), 1..=100 | 120 | 121 | 888 | 999);
        luhn(&d) && office && number(&d[..7]) > 0
    })
}

/// Italian identity card, passport or licence: letters and digits of nine or ten places in one of the issued shapes.
fn it_document(value: &str) -> bool {
    let shape: String =
        value.chars().filter(|c| c.is_alphanumeric()).map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect();
    matches!(shape.as_str(), "AA9999999" | "AA99999AA" | "A99999999" | "9999999AA" | "AA9999999A")
        && !super::placeholder::is_placeholder(value)
}

/// Greek social security: birth date, serial, Luhn (IDIKA).
fn gr_amka(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| is_ddmmyy(&d[..6]) && luhn(&d))
}

/// Greek tax number: powers of two modulo 11, then modulo 10 (AADE).
fn gr_afm(value: &str) -> bool {
    digits::<9>(value.trim_start_matches(['E', 'L', ' '])).is_some_and(|d| {
        weighted(&d[..8], &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == u32::from(d[8]) && !all_same(&d)
    })
}
