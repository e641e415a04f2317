//! Checks of numbers of registers outside the European Union, and of those that belong to neither a state's list of
//! persons nor its VAT: pupils, tax payers, firms, accounts.

use super::Validator;
use super::checksum::{all_same, alphanumerics, digits, luhn, number, weighted};
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "uk_upn" => uk_upn,
        "za_tin" => za_tin,
        "md_idno" => md_idno,
        "vn_mst" => vn_mst,
        "no_kontonr" => no_kontonr,
        "cn_uscc" => cn_uscc,
        "jp_corporate_number" => jp_corporate_number,
        "ru_ogrn" => ru_ogrn,
        "kr_brn" => kr_brn,
        _ => return None,
    })
}

/// Number of a pupil in England: a check letter, the local authority, the school, the year, a serial; the letter is the
/// sum of the places times 2 to 13 modulo 23, the last place of a temporary number a letter (Department for Education,
/// "Unique pupil numbers").
fn uk_upn(value: &str) -> bool {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
    alphanumerics::<13>(value).is_some_and(|c| {
        let [check, body @ .., last] = c;
        let serial = |b: u8| char::from(b).to_digit(10);
        let letter = |b: u8| LETTERS.iter().zip(0u32..).find(|(known, _)| **known == b).map(|(_, place)| place);
        let values = body.iter().map(|b| serial(*b)).chain([serial(last).or_else(|| letter(last))]);
        let sum = values.zip(2u32..).try_fold(0, |sum, (value, weight)| Some(sum + value? * weight));
        let authority = body.iter().take(3).fold(0u32, |n, b| n * 10 + serial(*b).unwrap_or_default());
        (201..=999).contains(&authority) && sum.is_some_and(|sum| letter(check) == Some(sum % 23))
    })
}

/// South African tax reference: ten digits, the first 0, 1, 2, 3 or 9, Luhn (South African Revenue Service).
fn za_tin(value: &str) -> bool {
    digits::<10>(value)
        .is_some_and(|d| matches!(d[0], 0..=3 | 9) && luhn(&d) && !all_same(&d) && !is_counting_or_repeated(value))
}

/// Moldovan number of a person (IDNP, begins with 0 or 2) or a firm (IDNO, begins with 1): thirteen digits, weights
/// 7 3 1 modulo 10 (Agenția Servicii Publice).
fn md_idno(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        weighted(&d[..12], &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10 == u32::from(d[12]) && d[0] <= 2 && !all_same(&d)
    })
}

/// Vietnamese tax code: ten digits, weights 31 29 23 19 17 13 7 5 3, check ten minus the remainder modulo 11; three more
/// name a branch (Tổng cục Thuế, Circular 105/2020/TT-BTC).
fn vn_mst(value: &str) -> bool {
    let holds = |d: &[u8]| {
        let remainder = weighted(d, &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11;
        d.get(9).is_some_and(|check| 10 - remainder == u32::from(*check)) && d.get(2..9).is_some_and(|d| number(d) > 0)
    };
    digits::<10>(value).is_some_and(|d| holds(&d))
        || digits::<13>(value).is_some_and(|d| holds(&d) && number(&d[10..]) > 0)
}

/// Norwegian bank account: eleven digits, weights 6 7 8 9 4 5 6 7 8 9 modulo 11; 0000 and seven digits of the old postal
/// bank have Luhn (Bits AS, "Kontonummer").
fn no_kontonr(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let check = weighted(&d[..10], &[6, 7, 8, 9, 4, 5, 6, 7, 8, 9]) % 11;
        let holds = if number(&d[..4]) == 0 { luhn(&d[4..]) } else { check == u32::from(d[10]) };
        holds && !all_same(&d) && number(&d[4..]) > 0
    })
}

/// Chinese code of a firm or another organisation: eighteen characters without I, O, S, V and Z, the first eight for the
/// kind and the place, powers of three modulo 31 (GB 32100-2015).
fn cn_uscc(value: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    alphanumerics::<18>(value).is_some_and(|c| {
        let place = |b: u8| ALPHABET.iter().zip(0u32..).find(|(known, _)| **known == b).map(|(_, place)| place);
        let weights = std::iter::successors(Some(1u32), |weight| Some(weight * 3 % 31));
        let sum = c.iter().take(17).zip(weights).try_fold(0, |sum, (b, weight)| Some(sum + place(*b)? * weight));
        // A valid personal number of eighteen digits stays one.
        let placed = c.iter().skip(2).take(6).all(u8::is_ascii_digit);
        placed
            && sum.is_some_and(|sum| place(c[17]) == Some((31 - sum % 31) % 31))
            && c[..17].iter().any(|b| *b != b'0')
    })
}

/// Japanese number of a corporation: a check digit, nine minus the remainder modulo 9 of the twelve others with weights 1
/// and 2 from the right (National Tax Agency, houjin bangou).
fn jp_corporate_number(value: &str) -> bool {
    // An invoice issuer writes T in front.
    digits::<13>(value.trim_start_matches('T')).is_some_and(|d| {
        let sum: u32 = d[1..].iter().rev().zip([1u32, 2].iter().cycle()).map(|(d, w)| u32::from(*d) * w).sum();
        9 - sum % 9 == u32::from(d[0]) && !all_same(&d[1..])
    })
}

/// Russian state number of a firm (thirteen digits, the first twelve modulo 11) or a sole trader (fifteen, the first
/// fourteen modulo 13); the first digit is the kind of entry (Minfin, order 165n of 2017).
fn ru_ogrn(value: &str) -> bool {
    let firm = digits::<13>(value)
        .is_some_and(|d| d[0] != 0 && number(&d[..12]) % 11 % 10 == u64::from(d[12]) && !all_same(&d));
    let trader = digits::<15>(value)
        .is_some_and(|d| matches!(d[0], 3 | 4) && number(&d[..14]) % 13 % 10 == u64::from(d[14]) && !all_same(&d));
    firm || trader
}

/// South Korean number of a business: office from 101, kind, serial, and a check with weights 1 3 7 1 3 7 1 3 5, the last
/// product with its tens (National Tax Service).
fn kr_brn(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let tens = u32::from(d[8]) * 5 / 10;
        let sum = weighted(&d[..9], &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + tens;
        number(&d[..3]) >= 101
            && number(&d[3..5]) > 0
            && number(&d[5..9]) > 0
            && (10 - sum % 10) % 10 == u32::from(d[9])
    })
}
