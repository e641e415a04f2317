//! Checks of numbers that the United States and Canada give to people and firms.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, luhn, number};
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "us_ssn" => us_ssn,
        "us_ssn_labelled" => us_ssn_labelled,
        "us_itin" => us_itin,
        "us_ein" => us_ein,
        "us_passport" => us_passport,
        "us_driver_license" => us_driver_license,
        "us_uscis" => us_uscis,
        "ca_sin" => ca_sin,
        "ca_bn" => ca_bn,
        "ca_health" => ca_health,
        "ca_passport" => ca_passport,
        _ => return None,
    })
}

/// Numbers that were printed in advertisements and manuals, and are void.
const ADVERTISED: [u64; 6] = [78_051_120, 219_099_999, 457_555_462, 123_456_789, 987_654_321, 123_121_234];

/// Social security number: no area 000, 666 or 900 to 999, no group 00, no serial 0000, none that was advertised
/// (Social Security Administration, "Social Security Number Randomization").
fn us_ssn(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        let (area, group, serial) = (number(&d[..3]), number(&d[3..5]), number(&d[5..]));
        let used = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
        used && !ADVERTISED.contains(&number(&d)) && !is_counting_or_repeated(value)
    })
}

/// Nine digits that their label calls a social security number, although the ranges do not fit: mistyped or invented,
/// yet a reader takes it for one.
fn us_ssn_labelled(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        !ADVERTISED.contains(&number(&d))
            && !is_counting_or_repeated(value)
            && number(&d[..3]) != 0
            && number(&d[5..]) != 0
    })
}

/// Individual taxpayer number: begins with 9, group 50 to 65, 70 to 88, 90 to 92 or 94 to 99 (Internal Revenue Manual
/// 3.21.263).
fn us_itin(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        d[0] == 9
            && matches!(number(&d[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
            && !is_counting_or_repeated(value)
    })
}

/// Employer number: a prefix of an IRS campus (IRS, "How EINs are assigned and valid EIN prefixes").
fn us_ein(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        let prefix = number(&d[..2]);
        let unused = matches!(prefix, 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97);
        !unused && !is_counting_or_repeated(value) && !all_same(&d[2..])
    })
}

/// Passport: nine digits, or a letter and eight digits (Department of State).
fn us_passport(value: &str) -> bool {
    let letter = alphanumerics::<9>(value)
        .is_some_and(|c| c[0].is_ascii_uppercase() && c.iter().skip(1).all(u8::is_ascii_digit));
    (letter || digits::<9>(value).is_some()) && !super::placeholder::is_placeholder(value)
}

/// Driving licence of a state: one of the shapes that the states use, from seven digits to a letter and thirteen
/// (AAMVA; <https://ntsi.com/drivers-license-format/>).
fn us_driver_license(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let head = compact.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let tail = compact.iter().skip(head).filter(|b| b.is_ascii_digit()).count();
    let pure = head + tail == compact.len();
    let ends_with_letters =
        head == 0 && compact.iter().take_while(|b| b.is_ascii_digit()).count() >= 7 && compact.len() <= 10;
    // Washington's begins with letters of the name and may hold stars.
    let washington = compact.len() == 12 && head >= 5;
    let shaped = match (head, tail) {
        (0, 6..=12) | (1, 3..=14) | (2, 2..=7) | (3, 5..=6) => pure,
        _ => false,
    };
    (shaped || ends_with_letters || washington) && !super::placeholder::is_placeholder(value)
}

/// Number of a case or person at the immigration service: A and seven to nine digits.
fn us_uscis(value: &str) -> bool {
    !is_counting_or_repeated(value)
}

/// Canadian social insurance number: Luhn; none begins with 0 or 8 (Employment and Social Development Canada).
fn ca_sin(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| luhn(&d) && !matches!(d[0], 0 | 8) && !is_counting_or_repeated(value))
}

/// Canadian business number: nine digits with Luhn, and a programme account behind it (Canada Revenue Agency).
fn ca_bn(value: &str) -> bool {
    alphanumerics::<15>(value).is_some_and(|c| {
        let [a, b, c2, d, e, f, g, h, i, p1, p2, tail @ ..] = c;
        let programme = matches!(&[p1, p2], b"RC" | b"RM" | b"RP" | b"RT" | b"RR" | b"RZ");
        programme && as_digits([a, b, c2, d, e, f, g, h, i]).is_some_and(|d| luhn(&d)) && as_digits(tail).is_some()
    })
}

/// Health card of Ontario (ten digits, Luhn) or British Columbia (begins with 9, weights modulo 11).
fn ca_health(value: &str) -> bool {
    let first = value.get(..value.len().saturating_sub(2)).unwrap_or(value);
    let ontario = |text: &str| digits::<10>(text).is_some_and(|d| luhn(&d) && d[0] != 0 && !all_same(&d));
    let columbia = digits::<10>(value).is_some_and(|d| {
        let remainder = super::checksum::weighted(&d[1..9], &[2, 4, 8, 5, 10, 9, 7, 3]) % 11;
        d[0] == 9 && (11 - remainder) % 11 == u32::from(d[9])
    });
    ontario(value) || ontario(first.trim_end_matches(['-', ' '])) || columbia
}

/// Canadian passport: two letters and six digits, or since 2023 a letter, six digits and two letters.
fn ca_passport(value: &str) -> bool {
    let old = alphanumerics::<8>(value)
        .is_some_and(|c| c.iter().take(2).all(u8::is_ascii_uppercase) && c.iter().skip(2).all(u8::is_ascii_digit));
    let new = alphanumerics::<9>(value).is_some_and(|c| {
        c[0].is_ascii_uppercase() && c[1..7].iter().all(u8::is_ascii_digit) && c[7..].iter().all(u8::is_ascii_uppercase)
    });
    (old || new) && !super::placeholder::is_placeholder(value)
}
