//! Checks of numbers that the United Kingdom and Ireland give to people.

use super::Validator;
use super::checksum::{ascii_number, digits, number, weighted};
use super::date::is_short_day;
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "uk_nino" => uk_nino,
        "uk_utr" => uk_utr,
        "uk_driving_licence" => uk_driving_licence,
        "uk_chi" => uk_chi,
        "uk_passport" => uk_passport,
        "uk_vat" => uk_vat,
        "ie_pps" => ie_pps,
        _ => return None,
    })
}

/// National insurance number: two letters of those in use, six digits, A to D (HMRC, National Insurance Manual
/// NIM39110).
fn uk_nino(value: &str) -> bool {
    let compact = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase());
    let mut code = [b' '; 9];
    code.iter_mut().zip(compact).for_each(|(slot, b)| *slot = b);
    let [first, second, digits @ .., suffix] = code;
    let pair = [first, second];
    let letters = first.is_ascii_uppercase()
        && !b"DFIQUV".contains(&first)
        && second.is_ascii_uppercase()
        && !b"DFIQUVO".contains(&second);
    let unused = [*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&pair);
    let example = digits == *b"123456" && matches!(&pair, b"QQ" | b"AB" | b"AA");
    letters && !unused && !example && digits.iter().all(u8::is_ascii_digit) && matches!(suffix, b'A'..=b'D' | b' ')
}

/// Unique taxpayer reference: first digit checks the rest, weights 6 7 8 9 10 5 4 3 2 modulo 11 (HMRC, "Unique Taxpayer
/// Reference validation").
fn uk_utr(value: &str) -> bool {
    const CHECKS: [u8; 11] = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    digits::<10>(value).is_some_and(|d| {
        let remainder = weighted(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
        CHECKS.iter().zip(0..).any(|(check, r)| r == remainder && *check == d[0]) && !is_counting_or_repeated(value)
    })
}

/// Driving licence of Great Britain: five places of the surname (9 fills), birth date with the tens of the year first
/// and 5 added to the month's tens for women, two initials (9 fills), and three or more last characters (DVLA, form INF45).
fn uk_driving_licence(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    if !matches!(compact.len(), 16 | 18) {
        return false;
    }
    let (Some(name), Some(born), Some(rest)) = (compact.get(..5), compact.get(5..11), compact.get(11..16)) else {
        return false;
    };
    let filled = name.iter().skip_while(|b| b.is_ascii_uppercase()).all(|b| *b == b'9');
    let initials = rest.iter().take(2).all(|b| b.is_ascii_uppercase() || *b == b'9');
    let [decade, m1, m2, d1, d2, year] = born else { return false };
    let (Some(month), Some(day), Some(year)) =
        (ascii_number(&[*m1, *m2]), ascii_number(&[*d1, *d2]), ascii_number(&[*decade, *year]))
    else {
        return false;
    };
    let month = if month > 50 { month - 50 } else { month };
    name.first().is_some_and(u8::is_ascii_uppercase)
        && filled
        && initials
        && rest.get(2).is_some_and(u8::is_ascii_digit)
        && is_short_day(year, month, day)
}

/// Scottish community health index: birth date and NHS check digit (Public Health Scotland).
fn uk_chi(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let born = is_short_day(number(&d[4..6]), number(&d[2..4]), number(&d[..2]));
        let check = (11 - weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        born && check == u32::from(d[9])
    })
}

/// Passport: nine digits.
fn uk_passport(value: &str) -> bool {
    digits::<9>(value).is_some() && !is_counting_or_repeated(value)
}

/// Value added tax number: weights 8 to 2 and two check digits modulo 97, in the old or the new way (HMRC VATREC5180).
fn uk_vat(value: &str) -> bool {
    let body = value.trim_start_matches(['G', 'B', 'g', 'b', ' ', '-']);
    let holds = |d: [u8; 9]| {
        let sum = weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97;
        sum == 0 || (number(&d[..3]) >= 100 && matches!(sum, 42 | 55))
    };
    // A branch adds three digits.
    digits::<9>(body)
        .or_else(|| digits::<12>(body).and_then(|d| d[..9].try_into().ok()))
        .is_some_and(|d| holds(d) && !is_counting_or_repeated(body))
}

/// Irish personal public service number: seven digits and a check letter modulo 23; a second letter counts nine times
/// (Department of Social Protection).
fn ie_pps(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    let [a, b, c, d, e, f, g, check, tail @ ..] = compact.as_slice() else { return false };
    let digits = [a, b, c, d, e, f, g].map(|b| b.wrapping_sub(b'0'));
    let second = match tail {
        [] | [b'W' | b'T' | b'X'] => 0,
        [letter @ b'A'..=b'I'] => u32::from(letter - b'A') + 1,
        _ => return false,
    };
    let sum = weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]) + second * 9;
    let expected = b"WABCDEFGHIJKLMNOPQRSTUV".get(usize::try_from(sum % 23).unwrap_or(0));
    digits.iter().all(|d| *d < 10) && expected == Some(check)
}
