//! Checks of numbers in health care: American providers and Medicare, the British NHS number, German and French insured
//! persons.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, luhn, weighted};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "us_npi" => us_npi,
        "us_dea" => us_dea,
        "us_mbi" => us_mbi,
        "uk_nhs" => uk_nhs,
        "de_kvnr" => de_kvnr,
        "au_medicare" => au_medicare,
        "record_number" => record_number,
        _ => return None,
    })
}

/// National provider identifier: Luhn over 80840 and the ten digits, first digit 1 or 2 (45 CFR 162.406).
fn us_npi(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let mut whole = [8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        whole.iter_mut().skip(5).zip(d).for_each(|(slot, digit)| *slot = digit);
        matches!(d[0], 1 | 2) && luhn(&whole) && !super::placeholder::is_counting_or_repeated(value)
    })
}

/// Registration of the Drug Enforcement Administration: registrant code, a letter or 9, then six digits and their
/// check (digits 1, 3, 5 plus twice digits 2, 4, 6, modulo 10).
fn us_dea(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let [kind, initial, rest @ ..] = c;
        let coded = b"ABCDEFGHJKLMPRSTUX".contains(&kind) && (initial.is_ascii_uppercase() || initial == b'9');
        coded
            && as_digits(rest)
                .is_some_and(|d| !all_same(&d) && weighted(&d[..6], &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(d[6]))
    })
}

/// Medicare beneficiary identifier: eleven characters, each place with its class, letters without S, L, O, I, B, Z (CMS,
/// "Understanding the Medicare Beneficiary Identifier Format").
fn us_mbi(value: &str) -> bool {
    alphanumerics::<11>(value).is_some_and(|c| {
        let letter = |b: u8| b.is_ascii_uppercase() && !b"SLOIBZ".contains(&b);
        c.iter().zip(b"9ax9ax9aa99").enumerate().all(|(i, (b, class))| match class {
            b'a' => letter(*b),
            b'x' => letter(*b) || b.is_ascii_digit(),
            _ => b.is_ascii_digit() && (i > 0 || *b != b'0'),
        })
    })
}

/// NHS number: weights 10 to 2 modulo 11 (NHS Data Dictionary).
fn uk_nhs(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let check = (11 - weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        check == u32::from(d[9]) && !all_same(&d)
    })
}

/// German insured person: a letter as two digits, eight digits, and a Luhn-like check with weights 1, 2 (GKV
/// Spitzenverband, annex to section 290 SGB V).
fn de_kvnr(value: &str) -> bool {
    alphanumerics::<10>(value).is_some_and(|c| {
        let [letter, rest @ ..] = c;
        let Some(d) = as_digits(rest) else { return false };
        if !letter.is_ascii_uppercase() {
            return false;
        }
        let ordinal = letter - b'A' + 1;
        let body = [ordinal / 10, ordinal % 10].into_iter().chain(d[..8].iter().copied());
        let sum: u32 = body.zip([1u32, 2].iter().cycle()).map(|(d, w)| u32::from(d) * w).map(|p| p / 10 + p % 10).sum();
        sum % 10 == u32::from(d[8])
    })
}

/// Australian Medicare card: first digit 2 to 6, weights 1, 3, 7, 9, and an issue number (Services Australia).
fn au_medicare(value: &str) -> bool {
    let card = |d: &[u8]| {
        let check = weighted(d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
        matches!(d.first(), Some(2..=6))
            && d.get(8).is_some_and(|c| u32::from(*c) == check)
            && d.get(9).is_some_and(|issue| *issue > 0)
    };
    digits::<10>(value).is_some_and(|d| card(&d)) || digits::<11>(value).is_some_and(|d| card(&d))
}

/// A record number next to its words: 5 characters or more, half of them digits, not a counting sequence.
fn record_number(value: &str) -> bool {
    let characters = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    (5..=16).contains(&characters) && digits * 2 >= characters && !super::placeholder::is_placeholder(value)
}
