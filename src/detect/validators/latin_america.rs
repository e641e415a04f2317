//! Checks of numbers that Brazil, Mexico, Argentina, Chile, Colombia, Peru, Ecuador, Uruguay and others give to people.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, luhn, number, weighted};
use super::date::is_yymmdd;
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "br_cpf" => br_cpf,
        "br_cnpj" => br_cnpj,
        "br_pis" => br_pis,
        "br_cnh" => br_cnh,
        "mx_curp" => mx_curp,
        "mx_rfc" => mx_rfc,
        "mx_nss" => mx_nss,
        "ar_cuit" => ar_cuit,
        "cl_rut" => cl_rut,
        "co_nit" => co_nit,
        "pe_ruc" => pe_ruc,
        "ec_cedula" => ec_cedula,
        "uy_ci" => uy_ci,
        "do_cedula" => do_cedula,
        "ve_rif" => ve_rif,
        _ => return None,
    })
}

/// Check digit modulo 11 with 10 and 11 as 0, weights counting up from 2 on the right, at most to `top`.
fn brazilian(digits: &[u8], top: u32) -> u32 {
    let sum: u32 = digits.iter().rev().zip((2..=top).cycle()).map(|(d, w)| u32::from(*d) * w).sum();
    match 11 - sum % 11 {
        10 | 11 => 0,
        n => n,
    }
}

/// Brazilian register of persons: two check digits modulo 11 (Receita Federal).
fn br_cpf(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        !is_counting_or_repeated(value)
            && brazilian(&d[..9], 11) == u32::from(d[9])
            && brazilian(&d[..10], 11) == u32::from(d[10])
    })
}

/// Brazilian register of firms: two check digits modulo 11, weights 2 to 9 (Receita Federal). Since 2026 the first
/// twelve places may hold letters, which count as their ASCII code minus 48.
fn br_cnpj(value: &str) -> bool {
    alphanumerics::<14>(value).is_some_and(|c| {
        let values = c.map(|b| b.wrapping_sub(b'0'));
        let checks = values[12] < 10 && values[13] < 10;
        !all_same(&values)
            && checks
            && brazilian(&values[..12], 9) == u32::from(values[12])
            && brazilian(&values[..13], 9) == u32::from(values[13])
    })
}

/// Brazilian social integration number (PIS, PASEP, NIS, NIT): weights 3 2 9 8 7 6 5 4 3 2 modulo 11.
fn br_pis(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| brazilian(&d[..10], 9) == u32::from(d[10]) && !all_same(&d))
}

/// Brazilian driving licence: weights 9 to 1 and 1 to 9 modulo 11 (Denatran).
fn br_cnh(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let first = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11;
        let carry = if first >= 10 { 2 } else { 0 };
        let second = weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
        let second = if second >= 10 { 0 } else { second };
        let second = (second + 11 - carry) % 11 % 10;
        !all_same(&d) && (if first >= 10 { 0 } else { first }) == u32::from(d[9]) && second == u32::from(d[10])
    })
}

/// Mexican population code: letters of the name, birth date, sex, state, consonants, and a digit (RENAPO, Instructivo
/// normativo).
fn mx_curp(value: &str) -> bool {
    const STATES: &str = "ASBCBSCCCLCMCSCHDFDGGTGRHGJCMCMNMSNTNLOCPLQTQRSPSLSRTCTSTLVZYNZSNE";
    alphanumerics::<18>(value).is_some_and(|c| {
        let Some(date) = as_digits([c[4], c[5], c[6], c[7], c[8], c[9]]) else { return false };
        let state = STATES.as_bytes().chunks_exact(2).any(|state| state == &c[11..13]);
        // The order of the check counts Ñ after N, so letters behind it are one higher.
        let order = |b: u8| match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'N' => u32::from(b - b'A') + 10,
            _ => u32::from(b.wrapping_sub(b'A')) + 11,
        };
        let sum: u32 = c[..17].iter().zip((2..=18u32).rev()).map(|(b, w)| order(*b) * w).sum();
        let shaped = c[..4].iter().all(u8::is_ascii_uppercase)
            && matches!(c[10], b'H' | b'M' | b'X')
            && c[13..16].iter().all(u8::is_ascii_uppercase);
        shaped && state && is_yymmdd(&date) && c[17].is_ascii_digit() && (10 - sum % 10) % 10 == u32::from(c[17] - b'0')
    })
}

/// Mexican taxpayer of a person: four letters, birth date, and three characters, the last a check modulo 11 (SAT).
fn mx_rfc(value: &str) -> bool {
    alphanumerics::<13>(value).is_some_and(|c| {
        let Some(date) = as_digits([c[4], c[5], c[6], c[7], c[8], c[9]]) else { return false };
        let order = |b: u8| match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'N' => u32::from(b - b'A') + 10,
            _ => u32::from(b.wrapping_sub(b'A')) + 11,
        };
        let sum: u32 = c[..12].iter().zip((2..=13u32).rev()).map(|(b, w)| order(*b) * w).sum();
        let check = match 11 - sum % 11 {
            11 => b'0',
            10 => b'A',
            n => b'0' + u8::try_from(n).unwrap_or(0),
        };
        let homonym = matches!(c[10], b'1'..=b'9' | b'A'..=b'V') && c[11] != b'0';
        c[..4].iter().all(u8::is_ascii_uppercase) && homonym && is_yymmdd(&date) && check == c[12]
    })
}

/// Mexican social security: eleven digits, Luhn (IMSS).
fn mx_nss(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| luhn(&d) && !is_counting_or_repeated(value))
}

/// Argentine tax and labour code: kind, document, weights 5 4 3 2 7 6 5 4 3 2 modulo 11 (AFIP).
fn ar_cuit(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let check = match 11 - weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            11 => 0,
            10 => 9,
            n => n,
        };
        matches!(number(&d[..2]), 20 | 23 | 24 | 27 | 30 | 33 | 34 | 50 | 51 | 55)
            && check == u32::from(d[10])
            && !all_same(&d[2..10])
    })
}

/// Chilean number: body, and a check modulo 11 that may be K (Servicio de Impuestos Internos).
fn cl_rut(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    let Some((check, body)) = compact.split_last() else { return false };
    if !(7..=8).contains(&body.len()) || !body.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = body.iter().rev().zip((2..=7u32).cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum();
    let expected = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        n => b'0' + u8::try_from(n).unwrap_or(0),
    };
    *check == expected && !body.windows(2).all(|pair| pair.first() == pair.last())
}

/// Colombian tax number: primes as weights from the right, modulo 11 (DIAN).
fn co_nit(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    let Some((check, body)) = compact.split_last() else { return false };
    let sum: u32 = body
        .iter()
        .rev()
        .zip([3u32, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71])
        .map(|(d, w)| u32::from(*d) * w)
        .sum();
    let expected = match sum % 11 {
        n @ (0 | 1) => n,
        n => 11 - n,
    };
    (8..=15).contains(&body.len()) && expected == u32::from(*check) && !all_same(body)
}

/// Peruvian taxpayer: kind 10, 15, 17 or 20, weights 5 4 3 2 7 6 5 4 3 2 modulo 11 (SUNAT).
fn pe_ruc(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let check = (11 - weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10;
        matches!(number(&d[..2]), 10 | 15 | 17 | 20) && check == u32::from(d[10]) && !all_same(&d[2..])
    })
}

/// Ecuadorian identity: province 01 to 24, or 30 and 50 for those registered abroad, third digit below 6, Luhn (Registro
/// Civil).
fn ec_cedula(value: &str) -> bool {
    digits::<10>(value)
        .is_some_and(|d| matches!(number(&d[..2]), 1..=24 | 30 | 50) && d[2] < 6 && luhn(&d) && !all_same(&d[2..]))
}

/// Uruguayan identity: weights 2 9 8 7 6 3 4 modulo 10 (DNIC).
fn uy_ci(value: &str) -> bool {
    digits::<8>(value).is_some_and(|d| {
        (10 - weighted(&d[..7], &[2, 9, 8, 7, 6, 3, 4]) % 10) % 10 == u32::from(d[7]) && !is_counting_or_repeated(value)
    })
}

/// Dominican identity: eleven digits, Luhn (Junta Central Electoral).
fn do_cedula(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| luhn(&d) && !is_counting_or_repeated(value))
}

/// Venezuelan tax register: kind as a digit, weights 4 3 2 7 6 5 4 3 2 modulo 11 (SENIAT).
fn ve_rif(value: &str) -> bool {
    alphanumerics::<10>(value).is_some_and(|c| {
        let [kind, rest @ ..] = c;
        let kind = match kind {
            b'V' => 4,
            b'E' => 8,
            b'J' | b'C' => 12,
            b'P' => 16,
            b'G' => 20,
            _ => return false,
        };
        as_digits(rest).is_some_and(|d| {
            let check = match 11 - (kind + weighted(&d[..8], &[3, 2, 7, 6, 5, 4, 3, 2])) % 11 {
                10 | 11 => 0,
                n => n,
            };
            check == u32::from(d[8])
        })
    })
}
